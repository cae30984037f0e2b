"""How well does the embedded model draw what it is told, by its prompt alone?  `cutwork eval model`

Pictures come from plain `FluxPipeline` calls, with none of our control; the judge looks at them. Before it judges pictures it is
held itself against scenes with known truth. Prompts and seeds are drawn once and stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from cutwork.tools.families import mini
from cutwork.tools.families.base import quiet

from . import art, autoencoder, backgrounds, captions, evaluate, judge, train_judge

STEPS, GUIDANCE, SIDE = 24, 3.0, 256
BATCH = 4
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


def draw(pipeline: Any, prompts: Sequence[str], first_seed: int) -> list[Image.Image]:
    """One picture a prompt, each from its own seed, whatever the batch."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        part = list(prompts[start : start + BATCH])
        seeds = [torch.Generator().manual_seed(first_seed + start + k) for k in range(len(part))]
        pictures += pipeline(
            part, negative_prompt=[""] * len(part), true_cfg_scale=GUIDANCE, width=SIDE, height=SIDE, num_inference_steps=STEPS,
            max_sequence_length=24, generator=seeds, output_type="pil",
        ).images  # fmt: skip
    return pictures


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
    from diffusers import FluxPipeline

    eye = judge.load()
    table = tuple(item for item in art.load() if item.noun in eye.nouns)
    pipeline = FluxPipeline.from_pretrained(mini.folder())
    pipeline.set_progress_bar_config(disable=True)
    asked = list(cases(list(mini.vocabulary()["subjects"]), singles, pairs))
    pictures = draw(pipeline, [c.prompt for c in asked], first_seed=0)
    figures = (*_of_judge(eye, table, true), *_of_pictures(asked, pictures, eye), _of_autoencoder(pipeline, table))
    command = f"cutwork eval model --singles {singles} --pairs {pairs} --scenes {true}"
    return evaluate.Report("model", command, figures, evaluate.sheet(pictures[:40], columns=10))


def _of_judge(eye: judge.Judge, table: tuple[art.Art, ...], true: int) -> tuple[evaluate.Figure, ...]:
    right = train_judge.answers(eye, table, true)
    return (
        evaluate.share("judge: subject, true scenes", right["subject"], "≥ 99"),
        evaluate.share("judge: mixture or not", right["mixed"] + right["not mixed"], "≥ 95"),
        evaluate.share("judge: mixtures of a kind it never saw", right["novel mixed"]),
    )


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
