"""How good the judge is, and how honest: trials on held-out scenes with known truth, and the calibration that makes its probabilities true.

    python -m cutwork.lab.measure_judge                    (the shipped judge)
    python -m cutwork.lab.measure_judge --calibrate FILE   (other weights; they are calibrated first, and written back)
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import autoencoder, judge, scenes
from .art import Art, load
from .captions import Box
from .crops import CALIBRATING, sprite_of, visible
from .mixtures import NOVEL, WAYS


@dataclass(frozen=True)
class Trial:
    """Boxes of one picture with what is true of them, and what kind of trial it is."""

    kind: str  # "true", "mixed", "novel mixed" or "damaged"
    image: np.ndarray  # (H, W, 3) uint8
    boxes: list[Box]
    classes: list[int]  # of true ones
    whole: list[bool | None]


def trials(art: tuple[Art, ...], seed: int, size: tuple[int, int]) -> Iterator[Trial]:
    """A scene with one or two subjects, each seen at least six tenths; one with a mixture; one with a mixture of a kind that training never saw; a damaged one."""
    scene = scenes.make(art, seed, size, count=1 + seed % 2)
    seen = [(s, visible(scene, k)) for k, s in enumerate(scene.subjects) if visible(scene, k) > 0.6]
    yield Trial("true", scene.image, [s.box for s, _ in seen], [s.index for s, _ in seen], [True if share > 0.95 else None for _, share in seen])
    for number, (kind, ways) in enumerate((("mixed", WAYS), ("novel mixed", NOVEL), ("damaged", WAYS)), start=1):
        sprite = sprite_of(art, kind.split()[-1], np.random.default_rng([seed, number]), ways)
        scene = scenes.make((sprite,), seed, size, count=1)
        boxes = [s.box for s in scene.subjects]
        yield Trial(kind, scene.image, boxes, [sprite.classes[0]] * len(boxes), [False if sprite.damaged else None] * len(boxes))


@dataclass(frozen=True)
class Measured:
    """Right or wrong of each verdict by what was asked, and how far the judge's certainty is from how often it is right (0 = honest)."""

    right: dict[str, list[bool]]
    errors: dict[str, float]


def measure(made: judge.Judge, art: tuple[Art, ...], count: int, size: tuple[int, int] = (256, 256), first: int = scenes.HELD_OUT) -> Measured:
    """How the judge does on held-out scenes.

    A mixture is right when it is called mixed, a true subject when it is not; a subject is right when it is named; one that nothing hides is
    right when it is called whole, a damaged one when it is not.
    """
    right: dict[str, list[bool]] = {kind: [] for kind in ("subject", "not mixed", "mixed", "novel mixed", "whole", "damaged")}
    sure: list[float] = []
    mixed: list[tuple[float, bool]] = []
    for trial in (trial for seed in range(first, first + count) for trial in trials(art, seed, size)):
        for verdict, truth, whole in zip(made.look(trial.image, trial.boxes), trial.classes, trial.whole, strict=True):
            if trial.kind == "true":
                right["subject"].append(verdict.noun == art[truth].noun)
                sure.append(verdict.probability)
            if trial.kind != "damaged":
                right["not mixed" if trial.kind == "true" else trial.kind].append((verdict.mixed >= 0.5) != (trial.kind == "true"))
            if trial.kind in ("true", "mixed"):
                mixed.append((verdict.mixed, trial.kind == "mixed"))
            if whole is not None:
                right["whole" if whole else "damaged"].append((verdict.whole >= 0.5) == whole)
    errors = {"subject": calibration_error(sure, right["subject"]), "mixed": calibration_error([p for p, _ in mixed], [truth for _, truth in mixed])}
    return Measured(right, errors)


def answers(made: judge.Judge, art: tuple[Art, ...], count: int, size: tuple[int, int] = (256, 256)) -> dict[str, list[bool]]:
    """What `measure` finds right and wrong."""
    return measure(made, art, count, size).right


def calibration_error(sure: Any, right: Any, bins: int = 10) -> float:
    """Expected calibration error (1706.04599, eq. 3): distance of certainty and rate of being right in each of some equal bins, weighed by how many are in it."""
    p, r = np.asarray(sure, float), np.asarray(right, float)
    which = np.minimum((p * bins).astype(int), bins - 1)
    total = sum(abs(float((p[which == k] - r[which == k]).sum())) for k in range(bins))
    return total / max(1, len(p))


def calibrated(made: judge.Judge, art: tuple[Art, ...], count: int = 300, size: tuple[int, int] = (256, 256), first: int = CALIBRATING) -> judge.Judge:
    """The same net with the calibration that makes its verdicts on scenes of seeds of their own likeliest (1706.04599, §4.2; Platt for yes or no)."""
    raw = judge.Judge(made.net, made.nouns)
    names: list[tuple[Tensor, int]] = []
    whole: list[tuple[Tensor, bool]] = []
    mixed: list[tuple[Tensor, bool]] = []
    for trial in (trial for seed in range(first, first + count) for trial in trials(art, seed, size) if trial.kind != "novel mixed"):
        for logits, truth, complete in zip(_logits(raw, trial), trial.classes, trial.whole, strict=True):
            if trial.kind == "true":
                names.append((logits[0], made.nouns.index(art[truth].noun)))
            if trial.kind != "damaged":
                mixed.append((logits[2], trial.kind == "mixed"))
            if complete is not None:
                whole.append((logits[1], complete))
    table, truths = torch.stack([logits for logits, _ in names]), torch.tensor([truth for _, truth in names])
    temperature = _fit(lambda x: F.cross_entropy(table * x[0].exp(), truths, label_smoothing=1 / (len(truths) + 2)), 1)
    found = judge.Calibration(math.exp(-temperature[0]), _platt(whole), _platt(mixed))
    return judge.Judge(made.net, made.nouns, found)


@torch.inference_mode()
def _logits(made: judge.Judge, trial: Trial) -> list[tuple[Tensor, Tensor, Tensor]]:
    if not trial.boxes:
        return []
    pixels = autoencoder.to_tensor([trial.image])
    return list(zip(*(x.clone() for x in made.logits(judge.crops_of(pixels, trial.boxes))), strict=True))


def _platt(answers: list[tuple[Tensor, bool]]) -> tuple[float, float]:
    """Scale and shift of a logit, yes and no counting alike however many there are of each, and none held for certain after so few (Platt 1999)."""
    x, y = torch.stack([logit for logit, _ in answers]), torch.tensor([float(truth) for _, truth in answers])
    if not 0 < y.sum() < len(y):
        return 1.0, 0.0
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    hedged = torch.where(y > 0, 1 - 1 / (y.sum() + 2), 1 / (len(y) - y.sum() + 2))
    scale, shift = _fit(lambda p: F.binary_cross_entropy_with_logits(p[0].exp() * x + p[1], hedged, weight), 2)
    return math.exp(scale), shift


def _fit(loss: Callable[[Tensor], Tensor], count: int) -> list[float]:
    """So many numbers, from zero, at which a convex loss is least."""
    x = torch.zeros(count, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], lr=0.5, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(x)
        value.backward()
        return value

    optimizer.step(closure)
    found: list[float] = x.detach().tolist()
    return found


def report(found: Measured) -> str:
    """Shares and errors in percent, as JSON."""
    shares = {name: round(100 * float(np.mean(right)), 2) for name, right in found.right.items()}
    return json.dumps({**shares, "calibration error": {name: round(100 * error, 2) for name, error in found.errors.items()}}, indent=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calibrate", type=Path, metavar="FILE", help="calibrate these weights first, and write that back")
    parser.add_argument("--scenes", type=int, default=300, help="held-out scenes to measure on, and others to calibrate on")
    args = parser.parse_args()
    made = judge.load(args.calibrate or judge.WEIGHTS)
    art = tuple(item for item in load(2) if item.noun in made.nouns)
    if args.calibrate:
        made = calibrated(made, art, args.scenes)
        judge.save(made, args.calibrate)
    print(report(measure(made, art, args.scenes)))


if __name__ == "__main__":
    main()
