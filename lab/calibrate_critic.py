"""Does the critic take what is right and refuse what is wrong? Scenes that follow a plan, and scenes that break it in one known way.

    python -m cutwork.lab.calibrate_critic [--scenes 12]

The plans are the offline planner's, the pictures are composed, the attention is the embedded model's under teacher forcing, cuts
and verdicts are the real ones. Prints, for every kind of scene, the share accepted and the quantiles of what was measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from cutwork.agents.critic import critique
from cutwork.domain import Box, Critique, Cutout, Plan, Shot
from cutwork.studio import Studio
from cutwork.tools.cut import cut
from cutwork.tools.families import mini
from cutwork.tools.record_file import Record

from . import art, backgrounds, evaluate
from .forced import forced

SIDE = 256
SHARE = 0.94  # of its region's box that a subject fills
Sprite = Image.Image
Placement = tuple[Sprite, Box]
Fault = Callable[[list[Placement], np.random.Generator], list[Placement]]


def missing(right: list[Placement], rng: np.random.Generator) -> list[Placement]:  # noqa: ARG001
    """One subject was not drawn."""
    return right[:-1]


def swapped(right: list[Placement], rng: np.random.Generator) -> list[Placement]:  # noqa: ARG001
    """Two subjects stand in each other's places."""
    (a, first), (b, second), *rest = right
    return [(a, second), (b, first), *rest]


def elsewhere(right: list[Placement], rng: np.random.Generator) -> list[Placement]:
    """One subject stands in a corner instead."""
    sprite, box = right[-1]
    side = 0.6 * min(box.width, box.height)
    x, y = (0.0 if box.centre[0] > 0.5 or rng.random() < 0.5 else 1 - side), float(rng.choice([0.0, 1 - side]))
    return [*right[:-1], (sprite, Box.of(x, y, x + side, y + side))]


def tiny(right: list[Placement], rng: np.random.Generator) -> list[Placement]:  # noqa: ARG001
    """One subject is far too small."""
    sprite, box = right[-1]
    (x, y), w, h = box.centre, 0.12 * box.width, 0.12 * box.height
    return [*right[:-1], (sprite, Box.of(x - w, y - h, x + w, y + h))]


def doubled(right: list[Placement], rng: np.random.Generator) -> list[Placement]:  # noqa: ARG001
    """The first subject stands in the second's place too."""
    return [right[0], (right[0][0], right[1][1]), *right[2:]]


def smeared(right: list[Placement], rng: np.random.Generator) -> list[Placement]:
    """One subject is blots of its own colours."""
    sprite, box = right[-1]
    pixels = np.asarray(sprite.resize((96, 96))).astype(np.float32)
    shuffled = rng.permutation(pixels.reshape(12, 8, 12, 8, 4).swapaxes(1, 2).reshape(144, 8, 8, 4))
    mixed = shuffled.reshape(12, 12, 8, 8, 4).swapaxes(1, 2).reshape(96, 96, 4)
    return [*right[:-1], (Image.fromarray(cv2.GaussianBlur(mixed, (0, 0), 2).astype(np.uint8), "RGBA"), box)]


FAULTS: dict[str, Fault] = {
    "right": lambda right, rng: right,
    "missing": missing,
    "swapped": swapped,
    "doubled": doubled,
    "elsewhere": elsewhere,
    "tiny": tiny,
    "smeared": smeared,
}
PAIRS = ("swapped", "doubled")  # need two subjects


def compose(ground: np.ndarray, placements: list[Placement]) -> np.ndarray:
    """Sprites in the middle of their boxes on a background, (H, W, 3) uint8."""
    canvas = Image.fromarray(ground).convert("RGBA")
    for sprite, box in placements:
        width, height = box.width * canvas.width, box.height * canvas.height
        scale = SHARE * min(width / sprite.width, height / sprite.height)
        fitted = sprite.resize((max(2, round(sprite.width * scale)), max(2, round(sprite.height * scale))), Image.Resampling.LANCZOS)
        x, y = (round(c * n - s / 2) for c, n, s in zip(box.centre, canvas.size, fitted.size, strict=True))
        canvas.alpha_composite(fitted, (max(0, x), max(0, y)))
    return np.asarray(canvas.convert("RGB"))


class Bench:
    """Planner, model and critic, ready to judge composed pictures."""

    def __init__(self, home: Path) -> None:
        self.studio = Studio(home=home, llm="offline", model="mini")
        self.family = mini.load("mini", torch.device("cpu"))
        self.art = {a.noun: a for a in art.load(1)}

    def scene(self, seed: int, count: int) -> tuple[Plan, np.ndarray, list[Placement]]:
        """A plan, its background and where its subjects belong."""
        rng = np.random.default_rng(seed)
        nouns = [str(n) for n in rng.choice(sorted(self.art), count, replace=False)]
        ground = backgrounds.draw(SIDE, SIDE, rng)
        plan = self.studio.plan(f"{' and '.join(f'a {n}' for n in nouns)} {ground.phrase}")
        return plan, ground.pixels, [(self.art[plan.subject(r.subject).noun].rgba, r.box) for r in plan.regions]

    def judge(self, plan: Plan, image: np.ndarray, seed: int) -> tuple[Critique, tuple[Cutout, ...]]:
        """The critic's verdict on a picture."""
        blobs = self.studio.wired.blobs
        render = forced(Shot(plan=plan, seed=seed), image, self.family, blobs)
        cutouts = cut(plan, image, Record.from_bytes(blobs.get(render.record)), render.attended, blobs)
        return critique(plan, render, cutouts), cutouts


def calibrate(scenes: int, first: int = 0) -> dict[str, dict[str, float | list[float]]]:
    """For every kind of scene the share accepted, and 10 %, 50 % and 90 % quantiles of the faulty region's receipt."""
    table: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in FAULTS}
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        for seed in range(first, first + scenes):
            for kind, spoil in FAULTS.items():
                plan, ground, right = bench.scene(10**6 + seed, 2 if kind in PAIRS else 1 + seed % 2)
                if len(right) != len(plan.subjects):
                    continue  # a noun that the planner reads in another way
                verdict, cutouts = bench.judge(plan, compose(ground, spoil(right, np.random.default_rng(seed))), seed)
                receipt, row = cutouts[-1].receipt, table[kind]
                row["accepted"].append(verdict.verdict == "accept")
                row["score"].append(verdict.score)
                row["lift"].append(receipt.attended.lift)
                row["leak"].append(max(receipt.attended.leakage.values(), default=0.0))
                row["inside"].append(receipt.attended.inside)
                for name in ("fill", "contained", "iou", "softness", "fragments"):
                    row[name].append(float(getattr(receipt, name)))
    return {kind: _summary(row) for kind, row in table.items() if row}


def _summary(row: dict[str, list[float]]) -> dict[str, float | list[float]]:
    quantiles = {name: [round(float(q), 3) for q in np.quantile(values, [0.1, 0.5, 0.9])] for name, values in row.items() if name != "accepted"}
    return {"scenes": len(row["accepted"]), "accepted": round(float(np.mean(row["accepted"])), 3), **quantiles}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenes", type=int, default=12, help="scenes of every kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first scene: others than the thresholds were set on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write the results of record")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = calibrate(options.scenes, options.first)
    if options.keep:
        evaluate.keep_numbers("calibrate_critic", f"python -m cutwork.lab.calibrate_critic --scenes {options.scenes} --first {options.first}", found)
    for kind, row in found.items():
        print(kind, json.dumps(row))


if __name__ == "__main__":
    main()
