"""Endless labelled scenes: a seed gives an image, its captions, and the truth about every subject in it.

Same seed and same art, same scene, on every machine: all choices come from one `numpy` generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from . import backgrounds
from .art import Art, tint

Box = tuple[float, float, float, float]
SUBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white", "brown")
MOODS = ("grumpy", "happy", "cute", "sleepy", "fluffy", "tiny", "big", "little", "funny", "angry", "old", "shiny", "cheerful", "lonely")
LEADS = ("", "", "", "a photo of ", "a picture of ", "an illustration of ", "a sticker of ", "a 3d render of ", "an emoji of ")
TAILS = ("", "", "", ", highly detailed", ", soft lighting", ", glossy 3d style", ", centered composition", ", vibrant colors", ", clean studio light")


@dataclass(frozen=True)
class Placed:
    """A subject as it truly stands in a scene."""

    noun: str
    index: int  # row in the art table = class
    phrase: str  # "a blue cat"
    colour: str | None
    box: Box  # tight box of the whole subject, fractions of the canvas
    alpha: np.ndarray  # (H, W) float32, what is visible of it after everything in front
    flipped: bool = False


@dataclass(frozen=True)
class Scene:
    image: np.ndarray  # (H, W, 3) uint8
    caption: str
    background: backgrounds.Background
    subjects: tuple[Placed, ...]  # back to front

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


def make(art: tuple[Art, ...], seed: int, size: tuple[int, int] = (128, 128), count: int | None = None, easy: bool = False) -> Scene:
    """One scene of `size` (width, height in pixels) with `count` subjects (random when None).

    Args:
        easy: large upright subjects near the middle of their room, and mostly single ones.
    """
    rng = np.random.default_rng(seed)
    w, h = size
    if count is None:
        count = int(rng.choice(4, p=[0.04, 0.82, 0.14, 0.0] if easy else [0.03, 0.37, 0.4, 0.2]))
    back = backgrounds.draw(h, w, rng)
    canvas: np.ndarray = back.pixels.astype(np.float32)
    placed: list[Placed] = []
    for slot in _slots(count, w / h, rng):
        index = _pick(art, rng, easy)
        colour = str(rng.choice(SUBJECT_COLOURS)) if rng.random() < 0.15 else None
        flipped = bool(not easy and rng.random() < 0.1)
        sprite, (x, y) = _sprite(art[index], colour, flipped, slot, size, easy, rng)
        layer = np.zeros((h, w, 4), np.float32)
        sw, sh = sprite.size
        layer[y : y + sh, x : x + sw] = np.asarray(sprite, np.float32)
        alpha = layer[..., 3] / 255
        canvas = canvas * (1 - alpha[..., None]) + layer[..., :3] * alpha[..., None]
        placed = [_behind(p, alpha) for p in placed]
        box = (x / w, y / h, (x + sw) / w, (y + sh) / h)
        placed.append(Placed(art[index].noun, index, _phrase(art[index], colour, rng), colour, box, alpha, flipped))
    subjects = tuple(placed)
    return Scene((canvas + 0.5).clip(0, 255).astype(np.uint8), caption(subjects, back, rng), back, subjects)


def _pick(art: tuple[Art, ...], rng: np.random.Generator, easy: bool) -> int:
    """Row of a random subject; those of tier 0 come more often, so that some are learned early."""
    first = [i for i, item in enumerate(art) if item.tier == 0]
    if first and rng.random() < (0.5 if easy else 0.3):
        return int(rng.choice(first))
    return int(rng.integers(len(art)))


def _slots(count: int, aspect: float, rng: np.random.Generator) -> list[Box]:
    """Boxes the subjects are fitted into: one free box, or a row, column or corners with some jitter."""
    if count == 0:
        return []
    if count == 1:
        return [(0.0, 0.0, 1.0, 1.0)]
    across = rng.random() < (0.75 if aspect > 0.9 else 0.3)
    cuts = np.linspace(0, 1, count + 1)
    cuts[1:-1] += rng.uniform(-0.06, 0.06, count - 1)
    spans = list(zip(cuts[:-1], cuts[1:], strict=True))
    boxes = [(float(a), 0.0, float(b), 1.0) if across else (0.0, float(a), 1.0, float(b)) for a, b in spans]
    rng.shuffle(boxes)
    return boxes


def _sprite(art: Art, colour: str | None, flipped: bool, slot: Box, size: tuple[int, int], easy: bool, rng: np.random.Generator) -> tuple[Image.Image, tuple[int, int]]:
    """The art scaled, turned and placed inside its slot: the sprite and its top-left pixel."""
    w, h = size
    x0, y0, x1, y1 = slot[0] * w, slot[1] * h, slot[2] * w, slot[3] * h
    image = art.rgba
    if colour:
        image = tint(image, backgrounds.COLOURS[colour])
    if flipped:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if not easy and rng.random() < 0.1:
        image = image.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC, expand=True)
    fit = min((x1 - x0) / image.width, (y1 - y0) / image.height)
    scale = fit * (rng.uniform(0.76, 0.96) if easy else rng.uniform(0.5, 0.97))
    sw, sh = max(2, round(image.width * scale)), max(2, round(image.height * scale))
    image = image.resize((sw, sh), Image.Resampling.LANCZOS)
    across, down = (_share(easy, rng) for _ in range(2))
    x, y = round(x0 + across * max(0, x1 - x0 - sw)), round(y0 + down * max(0, y1 - y0 - sh))
    return image, (min(x, w - sw), min(y, h - sh))


def _share(easy: bool, rng: np.random.Generator) -> float:
    """How far along its room a subject stands, 0..1: near the middle in easy scenes, anywhere in others."""
    return float(np.clip(rng.normal(0.5, 0.1), 0, 1)) if easy else float(rng.uniform(0, 1))


def _behind(subject: Placed, front: np.ndarray) -> Placed:
    return replace(subject, alpha=subject.alpha * (1 - front))


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def _phrase(art: Art, colour: str | None, rng: np.random.Generator) -> str:
    name = str(rng.choice(art.synonyms)) if art.synonyms and rng.random() < 0.25 else art.noun
    words = " ".join(filter(None, [str(rng.choice(MOODS)) if rng.random() < 0.15 else "", colour or "", name]))
    return f"{_article(words)} {words}"


def caption(subjects: tuple[Placed, ...], back: backgrounds.Background, rng: np.random.Generator) -> str:
    """One of many ways people (and the Extension agent) say what is in the scene."""
    if not subjects:
        return back.short if rng.random() < 0.5 else f"an empty scene {back.phrase}"
    order = list(subjects)
    if len(order) == 2 and rng.random() < 0.6:
        what = _related(order, rng)
    else:
        rng.shuffle(order)
        phrases = [s.phrase for s in order]
        what = phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]
    if rng.random() < 0.1:  # bare keywords
        return ", ".join([*(s.phrase.split(" ", 1)[1] for s in order), back.short])
    return f"{rng.choice(LEADS)}{what}{', ' if rng.random() < 0.2 else ' '}{back.phrase}{rng.choice(TAILS)}"


def _related(pair: list[Placed], rng: np.random.Generator) -> str:
    a, b = pair if rng.random() < 0.5 else pair[::-1]
    dx = (a.box[0] + a.box[2] - b.box[0] - b.box[2]) / 2
    dy = (a.box[1] + a.box[3] - b.box[1] - b.box[3]) / 2
    if abs(dx) >= abs(dy):
        words = ("to the left of", "left of") if dx < 0 else ("to the right of", "right of")
    else:
        words = ("above", "on top of") if dy < 0 else ("below", "under")
    return f"{a.phrase} {rng.choice(words)} {b.phrase}"
