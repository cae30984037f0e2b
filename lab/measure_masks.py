"""How good are the masks? Cut-outs from simulated keyword maps, held against the true alpha of testbed scenes.

    nice .venv/bin/python -m cutwork.lab.measure_masks [--scenes 24] [--weights mean entropy …] [--jitter 0.08]

A record is simulated from the truth the way attention is known to be wrong: coarse cells, blur, uneven response over the subject,
a background the keyword also likes, leakage onto the other subject (all shared by a scene's maps, so that averaging does not help), and per
map a random quality: gain, noise, sinks, and maps that are nothing but noise. Prints mean IoU over subjects for every level of noise,
number of subjects and way of cutting.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from cutwork.domain import Box, CutSettings, Plan, Region, Subject
from cutwork.tools.attended import cover
from cutwork.tools.attention.fuse import WEIGHTS, fuse
from cutwork.tools.masks.segment import METHODS, Method, segment

from . import art, scenes

CELL, MAPS, SIDE = 16, 112, 256
LEAST = 0.08  # side of the smallest planned box


@dataclass(frozen=True)
class Noise:
    """How wrong the maps are."""

    junk: float  # share of maps that are pure noise or a sink
    noise: float  # sigma of per-cell noise at the worst map, relative to the signal
    leak: float  # how much a keyword also lights up the other subject, at most
    uneven: float  # how much the response varies over the subject, at most
    haze: float  # smooth response of the background, at most
    blur: float  # cells, at most
    regional: float = 0.0  # share of maps recorded while regional masks act: nothing outside the box, a high floor inside it


LEVELS = {
    "low": Noise(0.2, 0.3, 0.1, 0.2, 0.1, 0.7),
    "middle": Noise(0.4, 0.8, 0.3, 0.5, 0.25, 1.2),
    "high": Noise(0.6, 1.6, 0.5, 0.7, 0.4, 1.8),
    "severe": Noise(0.7, 2.5, 0.9, 0.9, 0.8, 2.5),
    "regional": Noise(0.4, 0.8, 0.3, 0.5, 0.25, 1.2, regional=0.5),
}


def smooth(shape: tuple[int, int], rng: np.random.Generator, sigma: float = 3.0) -> np.ndarray:
    """A smooth random field in 0..1."""
    field = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), sigma)
    return (field - field.min()) / (np.ptp(field) + 1e-6)


def record(scene: scenes.Scene, plan: Plan, level: Noise, rng: np.random.Generator) -> np.ndarray:
    """Simulated keyword maps of a scene: (maps, subjects, h, w) float32, positive."""
    h, w = scene.image.shape[0] // CELL, scene.image.shape[1] // CELL
    truth = np.stack([s.alpha.reshape(h, CELL, w, CELL).mean((1, 3)) for s in scene.subjects])
    bias = np.stack([t * (1 - level.uneven * smooth((h, w), rng, 1.5)) + level.haze * rng.random() * smooth((h, w), rng) for t in truth])
    bias += level.leak * rng.random() * (truth.sum(0) - truth)
    maps = np.empty((MAPS, len(truth), h, w), np.float32)
    for m in range(MAPS):
        for k in range(len(truth)):
            maps[m, k] = _one(bias[k], level, rng)
            if m < level.regional * MAPS:
                maps[m, k] = (maps[m, k] + maps[m, k].max() * rng.random()) * (cover(plan.regions[k].box, h, w) > 0.5)
    return maps


def _one(signal: np.ndarray, level: Noise, rng: np.random.Generator) -> np.ndarray:
    noise = np.abs(rng.normal(size=signal.shape)).astype(np.float32)
    if rng.random() < level.junk:
        if rng.random() < 0.25:  # an attention sink
            noise *= 0.01
            noise[rng.integers(signal.shape[0]), rng.integers(signal.shape[1])] = 3.0
        return noise
    blurred = cv2.GaussianBlur(signal.astype(np.float32), (0, 0), level.blur * rng.uniform(0.3, 1))
    return np.exp(rng.normal()) * np.clip(blurred + level.noise * rng.random() * (noise - 0.8) * 0.5, 1e-4, None)


def plan_of(scene: scenes.Scene, rng: np.random.Generator, jitter: float) -> Plan:
    """The plan a layout agent could have made: boxes near the truth, each corner off by up to `jitter` of the canvas."""
    subjects = tuple(Subject(id=f"s{i}", phrase=s.phrase, noun=s.noun) for i, s in enumerate(scene.subjects))
    regions = []
    for i, s in enumerate(scene.subjects):
        a, b, c, d = (v + float(off) for v, off in zip(s.box, rng.uniform(-jitter, jitter, 4), strict=True))
        box = Box.of(min(a, c - LEAST), min(b, d - LEAST), max(c, a + LEAST), max(d, b + LEAST))
        regions.append(Region(subject=f"s{i}", box=box, prompt=s.phrase, z=i))
    return Plan(prompt="a scene", background="plain", subjects=subjects, regions=tuple(regions))


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


def measure(
    count: int, level: Noise, weights: list[str], ways: list[tuple[Method, bool]], total: int, shake: float, jitter: float
) -> dict[tuple[str, Method, bool], list[float]]:
    """IoU of every subject for each (weight, method, within)."""
    table = art.load(1)
    scores: dict[tuple[str, Method, bool], list[float]] = {(w, *way): [] for w in weights for way in ways}
    for seed in range(total):
        rng = np.random.default_rng([seed, count])
        scene = scenes.make(table, 90_000 + seed, (SIDE, SIDE), count=count)
        image = drawn(scene.image, shake, rng)
        plan = plan_of(scene, rng, jitter)
        stack = torch.from_numpy(record(scene, plan, level, rng))
        for weight in weights:
            fused = fuse(stack, weight).numpy()
            for method, within in ways:
                masks = segment(image, fused, plan.regions, CutSettings(), method, within).masks
                scores[weight, method, within] += [iou(m, s.alpha > 0.5) for m, s in zip(masks, scene.subjects, strict=True)]
    return scores


def drawn(image: np.ndarray, shake: float, rng: np.random.Generator) -> np.ndarray:
    """The scene as a small model might draw it: a little soft, a little blotchy."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.3 + shake).astype(np.float32)
    blotches = cv2.GaussianBlur(rng.normal(size=image.shape).astype(np.float32), (0, 0), 3) * 60 * shake
    return np.clip(soft + blotches, 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=24, help="scenes per number of subjects")
    parser.add_argument("--weights", nargs="+", default=["mean", "entropy", "coherent"], choices=[w for w in WEIGHTS if w != "window"])  # simulated maps are of no block
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=list(LEVELS))
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--shake", type=float, default=0.5, help="how softly and blotchily the image is drawn, 0 = as composed")
    parser.add_argument("--jitter", type=float, default=0.08, help="how far planned boxes are off the drawn subjects, at most, in parts of the canvas")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    ways = [(m, w) for m in options.methods for w in (False, True)]
    print(f"mean IoU (share of subjects with IoU > 0.8), {options.scenes} scenes a row")
    print(f"{'noise':8}{'subjects':9}{'weight':14}" + "".join(f"{m + (' within' if w else ''):>20}" for m, w in ways))
    for level in options.levels:
        for count in options.counts:
            scores = measure(count, LEVELS[level], options.weights, ways, options.scenes, options.shake, options.jitter)
            for weight in options.weights:
                cells = [np.array(scores[weight, m, w]) for m, w in ways]
                print(f"{level:8}{count:<9}{weight:14}" + "".join(f"{c.mean():>13.3f} ({(c > 0.8).mean():4.0%})" for c in cells), flush=True)


if __name__ == "__main__":
    main()
