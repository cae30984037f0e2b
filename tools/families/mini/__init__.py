"""The embedded model: a small FLUX that ships with Cutwork, so that the first command works with nothing downloaded.

It draws glossy 3-D emoji-style subjects it has learned (`vocabulary.json`) on backgrounds it has learned. What it is asked
for outside that is mapped to the nearest subject it knows, and the run says so; see MODEL_CARD.md for data and limits.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from cutwork.domain import Plan
from cutwork.errors import NotConfigured
from cutwork.tools.families.base import quiet
from cutwork.tools.families.flux import FluxFamily

PADDED = (16, 24, 32, 48, 64)  # T5 lengths; padding is attended, so prompts are padded as they were in training


class MiniFamily(FluxFamily):
    """FLUX with short prompts padded to the nearest length the model was trained with."""

    def _padded(self, prompt: str) -> int:
        words = len(self.pipeline.tokenizer_2(prompt).input_ids)
        return next((length for length in PADDED if words <= length), PADDED[-1])


    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        """The plan in words the model has learned, and a sentence for each word that was exchanged or is unknown."""
        notes = []
        for subject in plan.subjects:
            known = nearest(subject.noun)
            if known is None:
                notes.append(f"the embedded model has not learned to draw {subject.noun!r}; `cutwork models show mini` lists what it knows")
            elif known != subject.noun:
                plan = _exchange(plan, subject.noun, known)
                notes.append(f"drew {subject.noun!r} as {known!r}")
        return plan, tuple(notes)


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


def nearest(noun: str) -> str | None:
    """The word the model has learned for a noun: itself, a synonym it was trained on, its head noun, or a likely misspelling.

    A trained synonym is returned as it stands; None if nothing is near.
    """
    names = _names()
    wanted = " ".join(noun.lower().split())
    for candidate in (wanted, wanted.removesuffix("s"), wanted.removesuffix("es"), wanted.split(" ")[-1]):
        if candidate in names:
            return candidate if candidate == wanted else names[candidate]
    close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.84)
    return names[close[0]] if close else None


def _exchange(plan: Plan, noun: str, known: str) -> Plan:
    """A plan with one noun replaced wherever it is written by itself: "dog", but not the dog of a hot dog."""
    longer = [name for name in _names() if re.search(rf"(?<!\w){re.escape(noun)}(?!\w)", name) and name != noun]
    alone = rf"(?<!\w){re.escape(noun)}(?:s|es)?(?!\w)"
    pattern = re.compile("|".join([*(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longer), f"({alone})"]), re.IGNORECASE)

    def swap(text: str) -> str:
        return pattern.sub(lambda match: known if match[1] else match[0], text)

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


def load(model: str, device: torch.device) -> MiniFamily:  # noqa: ARG001 - all families load alike
    """The shipped weights, in float32 for speed on CPUs, loaded once a process."""
    return MiniFamily("mini", _loaded(), uses_cfg=True, max_words=PADDED[-1], device=device)


def tiny() -> MiniFamily:
    """Random weights behind the same class, for the contract tests."""
    from cutwork.tools.families._tiny import flux

    return MiniFamily("tiny-mini", flux(), uses_cfg=True, max_words=PADDED[-1], device=torch.device("cpu"))
