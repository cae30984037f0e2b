"""The embedded model: a small FLUX that ships with Cutwork, so that the first command works with nothing downloaded.

It draws glossy 3-D emoji-style subjects it has learned (`vocabulary.json`) on backgrounds it has learned. What it is asked
for outside that is mapped to the nearest subject it knows (`near.txt`, from WordNet), and the run says so; where nothing is
near, it refuses. See MODEL_CARD.md for data and limits.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from importlib import resources
from math import exp, log
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from cutwork.domain import Plan
from cutwork.errors import NotConfigured, Refused
from cutwork.plurals import is_plural, plurals
from cutwork.tools.families.base import Suited, quiet
from cutwork.tools.families.flux import FluxFamily
from cutwork.tools.families.mini import wording
from cutwork.tools.loading import Loading

CELL = 16  # pixels a token
BEST = 6.0  # tokens along a subject whose detail the model has learned best; larger ones are drawn so first (LOG.md, 2026-11-29)
FIRST = 0.25  # of the canvas at least
MISSPELT = 0.83  # of the letters in common, from which an unknown word is one that was misspelt (words of their own are in near.txt: `lab/build_near.py`)
LEAST = 64  # pixels of the smaller side of a canvas
PADDED = (16, 24, 32, 48, 64)  # T5 lengths; padding is attended, so prompts are padded as they were in training (`lab/config.py`)


class MiniFamily(FluxFamily):
    """FLUX with short prompts padded to the nearest length the model was trained with."""

    suited = Suited(turn=100.0, per="prediction")  # measured on it
    weak_text = (2 / 3, 1.0)

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.self_cross_blocks = frozenset(range(1, min(4, self.blocks)))  # what moves its pictures; FLUX's proportions would look at block 1 alone

    def _padded(self, prompt: str) -> int:
        words = len(self.pipeline.tokenizer_2(prompt).input_ids)
        return next((length for length in PADDED if words <= length), PADDED[-1])

    def first_size(self, plan: Plan) -> tuple[int, int] | None:
        """A canvas on which the plan's subjects are as large as the model draws best; None where they are no larger, or about that."""
        width, height = plan.size.root
        longer = [max(r.box.width * width, r.box.height * height) / CELL for r in plan.regions]  # tokens along each subject
        scale = BEST / exp(fmean(map(log, longer))) if longer else 1.0
        first = tuple(min(side, max(LEAST, round(side * max(scale, FIRST) / CELL) * CELL)) for side in (width, height))
        return (first[0], first[1]) if scale < 1 and max(width - first[0], height - first[1]) > CELL else None

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        """The plan in words the model has learned, and a sentence for each word that was exchanged or is unknown.

        Raises:
            Refused: if the plan has subjects and not one of them is like anything the model has learned.
        """
        known = {s.noun: nearest(s.noun) for s in plan.subjects}
        given = {s.id: s.noun for s in plan.subjects}
        if known and not any(known.values()):
            raise Refused(
                f"the embedded model cannot draw {' or '.join(map(repr, known))}, and knows nothing near",
                hint=f"it draws {len(vocabulary()['subjects'])} things, such as {', '.join(list(vocabulary()['subjects'])[:12])}; `cutwork models show mini` lists them, `--model` takes larger models",
            )
        notes = []
        for noun, near in known.items():
            if near is None:
                notes.append(f"the embedded model cannot draw {noun!r} and knows nothing near; `cutwork models show mini` lists what it can")
                continue
            plan = _exchange(plan, noun, near)
            if near != noun:
                notes.append(f"drew {noun!r} as {near!r}")
        beyond = [(s, wording.left_out(s.phrase, s.noun)) for s in plan.subjects if known[given[s.id]]]
        notes += [f"left out {words!r} of the {s.noun}: the embedded model has not learned it" for s, words in beyond if words]
        learned, note = wording.ground(plan.background)
        return _reworded(plan, learned), (*notes, *filter(None, [note]))

    def unknown(self, plan: Plan) -> tuple[str, ...]:
        return tuple(s.id for s in plan.subjects if nearest(s.noun) is None)


@cache
def vocabulary() -> dict[str, Any]:
    """What the model has learned: "subjects" with their synonyms, "colours", "backgrounds"."""
    path = Path(str(resources.files(__name__))) / "vocabulary.json"
    if not path.is_file():
        raise NotConfigured(f"the embedded model's vocabulary is missing: {path}", hint="reinstall cutwork")
    words: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return words


@cache
def _names() -> dict[str, str]:
    """Every name the model was trained on, with the subject it stands for."""
    return {name: subject for subject, synonyms in vocabulary()["subjects"].items() for name in (subject, *synonyms)}


@cache
def _kin() -> dict[str, tuple[str, ...]]:
    """For a noun, the subjects of the testbed that are nearest to it, nearest first; none for a word that is known and has none."""
    lines = (Path(str(resources.files(__name__))) / "near.txt").read_text(encoding="utf-8").splitlines()
    return {noun: tuple(filter(None, subjects.split("|"))) for noun, subjects in (line.split("\t") for line in lines)}


def nearest(noun: str) -> str | None:
    """The word the model has learned for a noun.

    The noun itself or a synonym it was trained on, as it stands; else what the whole noun, then its head, is a kind of or is
    akin to; else the word it is a likely misspelling of. None if nothing is near.
    """
    wanted = " ".join(noun.lower().split())
    names = _names()
    if wanted in names:
        return wanted
    for phrase in (wanted, wanted.split(" ")[-1]):
        for word in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
            if word in names:
                return names[word]
            if word in _kin():  # a word with a meaning of its own: neither its head nor a misspelling of something else
                return next((subject for subject in _kin()[word] if subject in vocabulary()["subjects"]), None)
    swapped = (wanted[:i] + wanted[i + 1] + wanted[i] + wanted[i + 2 :] for i in range(len(wanted) - 1))  # "kittne", "tigre"
    close = [*filter(names.get, swapped), *difflib.get_close_matches(wanted, names, n=1, cutoff=MISSPELT)]
    return names[close[0]] if close else None


def _reworded(plan: Plan, learned: str) -> Plan:
    """A plan whose background is said as the model learned it, and whose regions name their subjects and nothing else."""
    swap = re.compile(rf"(?:\b(?:on|in|at|with) )?{re.escape(plan.background)}", re.IGNORECASE)
    nouns = {s.id: s.noun for s in plan.subjects}
    regions = tuple(r.model_copy(update={"prompt": f"{wording.plainly(r.prompt, nouns[r.subject])} {learned}"}) for r in plan.regions)
    return plan.model_copy(update={"prompt": swap.sub(lambda _: learned, plan.prompt), "background": learned, "regions": regions})


def _exchange(plan: Plan, noun: str, known: str) -> Plan:
    """A plan with one noun replaced wherever it is written by itself: "dog", but not the dog of a hot dog; article and number follow.

    A noun that is known stays, and its plural is written as it was learned: "two octopi" are "two octopuses".
    """
    longer = [name for name in _names() if re.search(rf"(?<!\w){re.escape(noun)}(?!\w)", name) and name != noun]
    alone = rf"(?<!\w)(?P<article>an? )?(?:(?P<one>{re.escape(noun)})|(?P<many>{'|'.join(map(re.escape, plurals(noun)))}))(?!\w)"
    pattern = re.compile("|".join([*(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longer), alone]), re.IGNORECASE)

    def other(match: re.Match[str]) -> str:
        if match["one"] and known != noun:
            article = f"{wording.article(known)} " if match["article"] and not is_plural(known) else ""
            return article + known
        return wording.several(known) if match["many"] else match[0]

    def swap(text: str) -> str:
        return pattern.sub(other, text)

    return plan.model_copy(
        update={
            "prompt": swap(plan.prompt),
            "subjects": tuple(s.model_copy(update={"noun": known, "phrase": swap(s.phrase)}) if s.noun == noun else s for s in plan.subjects),
            "regions": tuple(r.model_copy(update={"prompt": swap(r.prompt)}) for r in plan.regions),
        }
    )


def folder() -> Path:
    """Where the shipped weights are."""
    return Path(str(resources.files(__name__))) / "model"


@cache
def _loaded() -> Any:
    if not (folder() / "model_index.json").is_file():
        raise NotConfigured(f"the embedded model's weights are missing from {folder()}", hint="reinstall cutwork, or export them with `python -m cutwork.lab.train --export`")
    quiet()
    from diffusers import FluxPipeline

    return FluxPipeline.from_pretrained(folder(), dtype=torch.float32)


def load(model: str, device: torch.device, loading: Loading | None = None) -> MiniFamily:  # noqa: ARG001 - all families load alike
    """The shipped weights, whole and in float32 for speed on CPUs, loaded once a process."""
    return MiniFamily("mini", _loaded().to(device), uses_cfg=True, max_words=PADDED[-1], device=device)


def tiny() -> MiniFamily:
    """Random weights behind the same class, for the contract tests."""
    from cutwork.tools.families._tiny import flux

    return MiniFamily("tiny-mini", flux(), uses_cfg=True, max_words=PADDED[-1], device=torch.device("cpu"))
