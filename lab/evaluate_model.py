"""How well does the embedded model draw what it is told, by its prompt alone?  `cutwork eval model`

Nothing but the prompt says what to draw and where; the judge looks at the pictures. Before it judges them it is held itself against
scenes with known truth. Prompts and seeds are drawn once and stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from cutwork.domain import Box, Plan, Region, Subject
from cutwork.tools.drawing import canvas, suits
from cutwork.tools.families import mini
from cutwork.tools.families.base import Family, quiet
from cutwork.tools.render import drawn

from . import art, autoencoder, backgrounds, captions, evaluate, judge, measure_judge

SHOWN = 40  # pictures on the sheet
BORDER = 6  # pixels along the edge that show the background


@dataclass(frozen=True)
class Case:
    """A prompt and what must be seen in its picture."""

    prompt: str
    nouns: tuple[str, ...]
    colour: str  # of the background
    relation: str = ""  # of the first noun to the second


RELATIONS = {"to the left of": (0, -1), "to the right of": (0, 1), "above": (1, -1), "below": (1, 1)}  # axis, and on which side


def cases(nouns: Sequence[str], singles: int, pairs: int) -> Iterator[Case]:
    """Singles first (every noun once before any comes twice), then pairs, every other one with a relation."""
    rng = np.random.default_rng(2411)
    order = [str(n) for _ in range(singles // len(nouns) + 1) for n in rng.permutation(nouns)][:singles]
    for noun in order:
        colour = str(rng.choice(list(backgrounds.COLOURS)))
        yield Case(f"{captions.phrase(noun)} on {captions.phrase(colour)} background", (noun,), colour)
    for k in range(pairs):
        a, b = (str(n) for n in rng.choice(nouns, 2, replace=False))
        colour, relation = str(rng.choice(list(backgrounds.COLOURS))), str(rng.choice(list(RELATIONS))) if k % 2 else ""
        yield Case(f"{captions.phrase(a)} {relation or 'and'} {captions.phrase(b)} on {captions.phrase(colour)} background", (a, b), colour, relation)


def draw(family: Family, asked: Sequence[Case], first_seed: int) -> list[Image.Image]:
    """A picture of each case by its prompt alone, with the settings that suit the model."""
    pictures = []
    for number, case in enumerate(asked):
        plan = planned(case)
        ended = drawn(plan, family, first_seed + number)
        pictures.append(Image.fromarray(family.decode(ended.latents, plan.size.root)))
    return pictures


def planned(case: Case) -> Plan:
    """The case as a plan whose regions say nothing to the model, only how large its subjects will be: one in the middle, two side by side."""
    boxes = [(0.1875, 0.1875, 0.8125, 0.8125)] if len(case.nouns) == 1 else [(0.0625, 0.25, 0.4375, 0.75), (0.5625, 0.25, 0.9375, 0.75)]
    subjects = tuple(Subject(id=f"s{i}", phrase=noun, noun=noun) for i, noun in enumerate(case.nouns))
    return Plan(
        prompt=case.prompt,
        background=f"{captions.phrase(case.colour)} background",
        subjects=subjects,
        regions=tuple(Region(subject=s.id, box=Box(box), prompt=case.prompt) for s, box in zip(subjects, boxes, strict=True)),
        size=canvas("mini"),
        draw=suits("mini").with_techniques(["no-regions"]),
    )


def shown(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Forty of them for the sheet, evenly over all: pairs are among them as often as they were asked for, and none is chosen."""
    count = min(SHOWN, len(pictures))
    return [pictures[k * len(pictures) // count] for k in range(count)]


def found(case: Case, picture: Image.Image, eye: judge.Judge) -> list[judge.Verdict | None]:
    """The best find of each noun asked for, None where it was not recognised."""
    seen = eye.find(np.asarray(picture))
    return [next((v for v in seen if v.recognised(noun)), None) for noun in case.nouns]


def obeyed(case: Case, first: judge.Verdict, second: judge.Verdict) -> bool:
    """Whether the centres of two finds stand as the prompt says."""
    axis, side = RELATIONS[case.relation]
    a, b = ((v.box[axis] + v.box[axis + 2]) / 2 for v in (first, second))
    return bool((a - b) * side > 0)


def background(picture: Image.Image) -> str:
    """The named colour nearest to the median of the picture's edge."""
    pixels = np.asarray(picture.convert("RGB"), np.float32)
    edge = np.concatenate([part.reshape(-1, 3) for part in (pixels[:BORDER], pixels[-BORDER:], pixels[:, :BORDER], pixels[:, -BORDER:])])
    middle = np.median(edge, 0)
    return min(backgrounds.COLOURS, key=lambda name: float(np.square(middle - backgrounds.COLOURS[name]).sum()))


def run(singles: int = 148, pairs: int = 80, true: int = 200) -> evaluate.Report:
    """Measure the shipped model and the shipped judge."""
    quiet()
    eye = judge.load()
    table = tuple(item for item in art.load() if item.noun in eye.nouns)
    family = mini.load("mini", torch.device("cpu"))
    asked = list(cases(list(mini.vocabulary()["subjects"]), singles, pairs))
    pictures = draw(family, asked, first_seed=0)
    figures = (*_of_judge(eye, table, true), *_of_pictures(asked, pictures, eye), _of_autoencoder(family.pipeline, table))
    command = f"cutwork eval model --singles {singles} --pairs {pairs} --scenes {true}"
    return evaluate.Report("model", command, figures, evaluate.sheet(shown(pictures), columns=10))


def _of_judge(eye: judge.Judge, table: tuple[art.Art, ...], true: int) -> tuple[evaluate.Figure, ...]:
    found = measure_judge.measure(eye, table, true)
    right = found.right
    return (
        evaluate.share("judge: subject, true scenes", right["subject"], "≥ 99"),
        evaluate.share("judge: mixture or not", right["mixed"] + right["not mixed"], "≥ 95"),
        evaluate.share("judge: mixtures of a kind it never saw", right["novel mixed"]),
        evaluate.share("judge: whole or damaged", right["whole"] + right["damaged"]),
        _certainty("judge: certainty of the subject is off by", found.errors["subject"], len(right["subject"])),
        _certainty("judge: certainty of a mixture is off by", found.errors["mixed"], len(right["mixed"] + right["not mixed"])),
    )


def _certainty(name: str, error: float, count: int) -> evaluate.Figure:
    """An expected calibration error: a figure of all answers at once, so without an interval."""
    value = round(100 * error, 2)
    return evaluate.Figure(name, value, value, value, count)


def _of_pictures(asked: Sequence[Case], pictures: Sequence[Image.Image], eye: judge.Judge) -> tuple[evaluate.Figure, ...]:
    finds = [found(case, picture, eye) for case, picture in zip(asked, pictures, strict=True)]
    single = [f[0] is not None for c, f in zip(asked, finds, strict=True) if len(c.nouns) == 1]
    both = [all(f) for c, f in zip(asked, finds, strict=True) if len(c.nouns) == 2]
    placed = [obeyed(c, f[0], f[1]) for c, f in zip(asked, finds, strict=True) if c.relation and f[0] and f[1]]
    colours = [background(picture) == c.colour for c, picture in zip(asked, pictures, strict=True)]
    return (
        evaluate.share("single subject recognised", single, "≥ 95"),
        evaluate.share("two subjects, both recognised", both, "≥ 80"),
        evaluate.share("stated colour of the background", colours, "≥ 98"),
        *([evaluate.share("stated position, of pairs recognised", placed, "≥ 80")] if placed else []),
    )


def _of_autoencoder(pipeline: Any, table: tuple[art.Art, ...]) -> evaluate.Figure:
    values = autoencoder.psnrs(pipeline.vae, table)
    return evaluate.mean("autoencoder, held-out scenes", values, "dB", "≥ 32")
