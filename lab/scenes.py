"""Endless labelled scenes: a seed gives an image, its captions, and the truth about every subject in it.

Same seed and same art, same scene, on every machine: all choices come from one `numpy` generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from PIL import Image

from . import backgrounds, captions
from .art import Art, tint
from .captions import Box

SUBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white", "brown")
MOST = 5  # subjects in a scene
HELD_OUT = 10**9  # seeds from here on are for measuring: no training draws them
IN_ORDER = 0.85  # share of easy scenes whose subjects are named as one reads: who is named first stands left, or above
GRID = 16  # pixels: easy scenes are snapped to the embedded model's token grid
SIDES = (12, 9, 6, 4)  # grid cells the longer side of an easy subject may measure: few, so that each can be learned by heart


@dataclass(frozen=True)
class Placed:
    """A subject as it truly stands in a scene."""

    noun: str
    index: int  # row in the art table = class
    words: str  # "tiny blue cat"
    colour: str | None
    box: Box  # tight box of the whole subject, fractions of the canvas
    alpha: np.ndarray  # (H, W) float32, what is visible of it after everything in front
    flipped: bool = False
    group: str = ""  # what kind of thing it is

    @property
    def phrase(self) -> str:
        """ "a tiny blue cat"."""
        return captions.phrase(self.words)


@dataclass(frozen=True)
class Scene:
    image: np.ndarray  # (H, W, 3) uint8
    caption: str
    background: backgrounds.Background
    subjects: tuple[Placed, ...]  # back to front

    @property
    def similar(self) -> tuple[tuple[int, int], ...]:
        """Pairs of subjects, by their places in `subjects`, that are of one kind and so are easily blended."""
        return tuple((i, j) for i, j in combinations(range(len(self.subjects)), 2) if self.subjects[i].group and self.subjects[i].group == self.subjects[j].group)

    def labels(self, cell: int, parts: int) -> tuple[np.ndarray, np.ndarray]:
        """What each cell of `cell` pixels shows, both (H/cell, W/cell).

        Returns:
            Class: 0 = no subject, i+1 = art row i. Part: which of parts × parts pieces of its subject, row by row, as the art
            is drawn (a flipped subject's left is its right); 0 where there is none.
        """
        h, w = self.image.shape[0] // cell, self.image.shape[1] // cell
        cover = np.zeros((len(self.subjects) + 1, h, w), np.float32)
        part = np.zeros((len(self.subjects) + 1, h, w), np.int64)
        y, x = (np.arange(n) + 0.5 for n in (h, w))
        for k, subject in enumerate(self.subjects, start=1):
            cover[k] = subject.alpha.reshape(h, cell, w, cell).mean((1, 3))
            x0, y0, x1, y1 = subject.box
            u, v = (x / w - x0) / (x1 - x0), (y / h - y0) / (y1 - y0)
            column = (np.clip(1 - u if subject.flipped else u, 0, 0.999) * parts).astype(np.int64)
            row = (np.clip(v, 0, 0.999) * parts).astype(np.int64)
            part[k] = row[:, None] * parts + column[None, :]
        best = np.where(cover.max(0) > 0.3, cover.argmax(0), 0)
        classes = np.array([0, *(s.index + 1 for s in self.subjects)])
        return classes[best], np.take_along_axis(part, best[None], 0)[0]


@dataclass(frozen=True)
class _Actor:
    """What is to be placed: which art, in which colour, called what, and how much of its slot it may fill."""

    index: int
    colour: str | None
    words: str
    fill: tuple[float, float]  # share of the largest size that fits, from and to
    flipped: bool


def make(art: tuple[Art, ...], seed: int, size: tuple[int, int] = (128, 128), count: int | None = None, easy: bool = False, any_side: bool = False) -> Scene:
    """One scene of `size` (width, height in pixels) with `count` subjects (0 to 5; random when None).

    Args:
        easy: large upright subjects near the middle of their room and snapped to a grid, none of them twice, mostly single ones.
        any_side: easy subjects are of any whole number of cells from half of their room up, not only of few sizes.
    """
    rng = np.random.default_rng(seed)
    if count is None:
        count = int(rng.choice(MOST + 1, p=[0.04, 0.82, 0.14, 0, 0, 0] if easy else [0.03, 0.35, 0.36, 0.15, 0.07, 0.04]))
    if not 0 <= count <= MOST:
        raise ValueError(f"a scene has 0 to {MOST} subjects, not {count}")
    w, h = size
    back = backgrounds.draw(h, w, rng)
    canvas: np.ndarray = back.pixels.astype(np.float32)
    placed: list[Placed] = []
    for actor, slot in zip(_cast(art, count, easy, rng), _slots(count, w / h, easy, rng), strict=True):
        item = art[actor.index]
        sprite, (x, y) = _snapped(item, actor, slot, size, any_side, rng) if easy else _sprite(item, actor, slot, size, rng)
        layer = np.zeros((h, w, 4), np.float32)
        sw, sh = sprite.size
        layer[y : y + sh, x : x + sw] = np.asarray(sprite, np.float32)
        alpha = layer[..., 3] / 255
        canvas = canvas * (1 - alpha[..., None]) + layer[..., :3] * alpha[..., None]
        placed = [replace(p, alpha=p.alpha * (1 - alpha)) for p in placed]
        box = (x / w, y / h, (x + sw) / w, (y + sh) / h)
        placed.append(Placed(item.noun, actor.index, actor.words, actor.colour, box, alpha, actor.flipped, item.group))
    subjects = tuple(placed)
    return Scene((canvas + 0.5).clip(0, 255).astype(np.uint8), captions.caption(subjects, back, rng, easy and rng.random() < IN_ORDER), back, subjects)


def _cast(art: tuple[Art, ...], count: int, easy: bool, rng: np.random.Generator) -> list[_Actor]:
    """Who is in the scene; in one of six with several, two or more are the same."""
    cast = [_actor(art, easy, rng) for _ in range(count)]
    if count > 1 and not easy and rng.random() < 0.17:
        same = int(rng.integers(2, count + 1))
        cast[:same] = [cast[0]] * same
    return cast


def _actor(art: tuple[Art, ...], easy: bool, rng: np.random.Generator) -> _Actor:
    index = int(rng.integers(len(art)))
    item = art[index]
    colour = str(rng.choice(SUBJECT_COLOURS)) if rng.random() < 0.15 else None
    name = str(rng.choice(item.synonyms)) if item.synonyms and rng.random() < 0.25 else item.noun
    large, fill = "", (0.5, 0.9)
    if not easy and (draw := rng.random()) < 0.14:
        large, fill = (str(rng.choice(captions.TINY)), (0.28, 0.4)) if draw < 0.07 else (str(rng.choice(captions.BIG)), (0.94, 1.0))
    mood = str(rng.choice(captions.MOODS)) if rng.random() < 0.13 else ""
    words = " ".join(filter(None, [large, mood, colour or "", name]))
    return _Actor(index, colour, words, fill, bool(not easy and rng.random() < 0.1))


def _slots(count: int, aspect: float, easy: bool, rng: np.random.Generator) -> Sequence[Box]:
    """Boxes the subjects are fitted into: the whole canvas, a row or column, a grid, or two that overlap."""
    if count < 2:
        return [(0.0, 0.0, 1.0, 1.0)] * count
    if count == 2 and not easy and rng.random() < 0.15:
        return _overlapping(rng)
    across = bool(rng.random() < (0.75 if aspect > 0.9 else 0.3))
    jitter = 0.0 if easy else 0.06
    if count > 3 or (count == 3 and rng.random() < 0.3):
        first = count // 2
        boxes = [*_row(first, (0.0, 0.5), jitter, rng), *_row(count - first, (0.5, 1.0), jitter, rng)]
    else:
        boxes = _row(count, (0.0, 1.0), jitter, rng)
    if not across:
        boxes = [(y0, x0, y1, x1) for x0, y0, x1, y1 in boxes]
    order = rng.permutation(count)
    return [boxes[i] for i in order]


def _row(count: int, span: tuple[float, float], jitter: float, rng: np.random.Generator) -> list[Box]:
    """Side by side over the whole width, with some jitter, between two heights."""
    cuts = np.linspace(0, 1, count + 1)
    cuts[1:-1] += rng.uniform(-jitter, jitter, count - 1)
    return [(float(a), span[0], float(b), span[1]) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


def _overlapping(rng: np.random.Generator) -> list[Box]:
    """One behind, one lower and to the side in front of it."""
    x = float(rng.uniform(0, 0.3))
    behind, front = (x, 0.0, x + 0.62, 0.78), (x + 0.22, 0.3, x + 0.7, 1.0)
    return [behind, front] if rng.random() < 0.5 else [_mirrored(behind), _mirrored(front)]


def _mirrored(box: Box) -> Box:
    return (1 - box[2], box[1], 1 - box[0], box[3])


def _dressed(art: Art, actor: _Actor) -> Image.Image:
    """The art in the actor's colour, as the actor faces."""
    image = tint(art.rgba, backgrounds.COLOURS[actor.colour]) if actor.colour else art.rgba
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if actor.flipped else image


def _sprite(art: Art, actor: _Actor, slot: Box, size: tuple[int, int], rng: np.random.Generator) -> tuple[Image.Image, tuple[int, int]]:
    """The art scaled, turned and placed anywhere inside its slot: the sprite and its top-left pixel."""
    w, h = size
    x0, y0, x1, y1 = slot[0] * w, slot[1] * h, slot[2] * w, slot[3] * h
    image = _dressed(art, actor)
    if rng.random() < 0.1:
        image = image.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC, expand=True)
    scale = min((x1 - x0) / image.width, (y1 - y0) / image.height) * rng.uniform(*actor.fill)
    sw, sh = max(2, round(image.width * scale)), max(2, round(image.height * scale))
    image = image.resize((sw, sh), Image.Resampling.LANCZOS)
    x, y = round(x0 + rng.uniform() * max(0, x1 - x0 - sw)), round(y0 + rng.uniform() * max(0, y1 - y0 - sh))
    return image, (min(x, w - sw), min(y, h - sh))


def _snapped(art: Art, actor: _Actor, slot: Box, size: tuple[int, int], any_side: bool, rng: np.random.Generator) -> tuple[Image.Image, tuple[int, int]]:
    """The art in the middle of a square of whole grid cells, near the middle of its slot: the sprite and its top-left pixel.

    Whole cells and few sizes: each token of a subject then shows one of few things, which a small model can learn by heart.
    """
    x0, y0, x1, y1 = (round(edge * side / GRID) for edge, side in zip(slot, (*size, *size), strict=True))
    side = _side(min(x1 - x0, y1 - y0), any_side, rng)
    corner = [start + round(float(np.clip(rng.normal(0.5, 0.1), 0, 1)) * (end - start - side)) for start, end in ((x0, x1), (y0, y1))]
    image = _dressed(art, actor)
    scale = side * GRID / max(image.width, image.height)
    sw, sh = max(2, round(image.width * scale)), max(2, round(image.height * scale))
    x, y = (cell * GRID + (side * GRID - length) // 2 for cell, length in zip(corner, (sw, sh), strict=True))
    return image.resize((sw, sh), Image.Resampling.LANCZOS), (x, y)


def _side(room: int, any_side: bool, rng: np.random.Generator) -> int:
    """Cells the longer side of a subject measures in a room of so many."""
    if any_side:
        return int(rng.integers(max(1, (room + 1) // 2), max(2, room)))
    fits = [side for side in SIDES if side <= room] or [max(1, room)]
    return fits[1] if len(fits) > 1 and fits[1] >= 6 and rng.random() < 0.15 else fits[0]
