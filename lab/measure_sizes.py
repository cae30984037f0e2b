"""How large the embedded model draws best: pairs of subjects, so many tokens along, drawn at once and drawn first as large as it likes.

    python -m cutwork.lab.measure_sizes --pairs 12 --sheet sizes.png

Prints, for each size and each way, the share of subjects that the judge recognises in their boxes and how sure it is of them on average.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cutwork.domain import Box, Plan, Region, Shot, Subject
from cutwork.ports import Watch
from cutwork.tools.drawing import LocalDrawing, suits
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import mini
from cutwork.tools.families.mini.wording import article
from cutwork.tools.pixels import decode

from . import judge

SIDE = 256  # pixels of the canvas
GROUND = "on a teal background"
SIDES = (4, 6, 7, 8)  # tokens; two of eight fill the canvas


def plan(nouns: tuple[str, str], tokens: int, at_once: bool) -> Plan:
    """Two subjects side by side."""
    half, draw = tokens * mini.CELL / SIDE / 2, suits("mini")
    subjects = tuple(Subject(id=name, phrase=f"{article(noun)} {noun}", noun=noun) for name, noun in zip("ab", nouns, strict=True))
    boxes = [Box((x - half, 0.5 - half, x + half, 0.5 + half)) for x in (0.25, 0.75)]
    return Plan(
        prompt=f"{' and '.join(s.phrase for s in subjects)} {GROUND}", background=GROUND, subjects=subjects,
        regions=tuple(Region(subject=s.id, box=box, prompt=f"{s.phrase} {GROUND}") for s, box in zip(subjects, boxes, strict=True)),
        draw=draw.model_copy(update={"refine_from": 0.0}) if at_once else draw,
    )  # fmt: skip


def drawn(pairs: int, seed: int = 0) -> Iterator[tuple[int, bool, Plan, np.ndarray]]:
    """(tokens, at once, plan, picture) of every pair in every size and way."""
    rng, blobs = np.random.default_rng(seed), MemoryBlobs()
    drawing = LocalDrawing("mini", blobs, early_verdict=False)
    nouns = list(mini.vocabulary()["subjects"])
    for number in range(pairs):
        first, second = (str(noun) for noun in rng.choice(nouns, 2, replace=False))
        for tokens in SIDES:
            for at_once in (True, False):
                made = plan((first, second), tokens, at_once)
                yield tokens, at_once, made, decode(blobs.get(drawing.render(Shot(plan=made, seed=number), Watch()).image), "RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--sheet", type=Path, help="every picture, a pair a row")
    args = parser.parse_args()
    eye, pictures = judge.load(), []
    seen: dict[tuple[int, bool], list[tuple[bool, float]]] = {}
    for tokens, at_once, made, picture in drawn(args.pairs):
        verdicts = eye.look(picture, [region.box.root for region in made.regions])
        seen.setdefault((tokens, at_once), []).extend((v.recognised(s.noun), v.probability * (v.noun == s.noun)) for v, s in zip(verdicts, made.subjects, strict=True))
        pictures.append(picture)
    for (tokens, at_once), found in seen.items():
        right, sure = np.mean(found, axis=0)
        print(json.dumps({"tokens": tokens, "drawn": "at once" if at_once else "as it likes first", "recognised": round(100 * right, 1), "sure": round(100 * sure, 1), "n": len(found)}))
    if args.sheet:
        rows = [np.concatenate(pictures[k : k + 2 * len(SIDES)], 1) for k in range(0, len(pictures), 2 * len(SIDES))]
        Image.fromarray(np.concatenate(rows)).save(args.sheet)


if __name__ == "__main__":
    main()
