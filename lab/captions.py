"""What people say of a scene: phrases of single subjects, captions of the whole, and the texts of its regions.

Every caption is true: counts, colours, sizes and relations are read off the placed subjects, never invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from cutwork.agents.words import with_article
from cutwork.plurals import is_plural
from cutwork.tools.families.mini.wording import several as plural  # as the model's words are spelled

from .backgrounds import Background

Box = tuple[float, float, float, float]
MOODS = ("grumpy", "happy", "cute", "sleepy", "fluffy", "funny", "angry", "old", "shiny", "cheerful", "lonely")  # shown by nothing: they must not matter
TINY, BIG = ("tiny", "small", "little"), ("big", "huge", "large")  # shown by size
LEADS = ("", "", "", "a photo of ", "a picture of ", "an illustration of ", "a sticker of ", "a 3d render of ", "an emoji of ")
TAILS = ("highly detailed", "soft lighting", "glossy 3d style", "centered composition", "vibrant colors", "clean studio light", "high quality", "smooth shading")
NUMBERS = ("", "one", "two", "three", "four", "five")
RELATED = 0.7  # share of the sentences about two that say how they stand to each other
BESIDE = 0.1  # share of those that leave open on which side
NEAR = 0.04  # shares of the canvas: centres closer than this are neither left nor right of each other


class Said(Protocol):
    """What a caption needs to know of a placed subject."""

    @property
    def words(self) -> str: ...  # "tiny blue cat"
    @property
    def box(self) -> Box: ...


def phrase(words: str) -> str:
    return words if is_plural(words) else with_article(words)


def counted(words: str, number: int) -> str:
    """ "a blue cat", "two blue cats"."""
    if number == 1:
        return phrase(words)
    return f"{NUMBERS[number]} {words if is_plural(words) else plural(words)}"


def caption(subjects: Sequence[Said], back: Background, rng: np.random.Generator, in_order: bool = False) -> str:
    """One of many ways people (and the Extension agent) say what is in the scene; subjects are given back to front.

    Args:
        in_order: name subjects as one reads, from left to right and from the top down, where nothing else says where they are.
    """
    if not subjects:
        return back.short if rng.random() < 0.5 else f"an empty scene {back.phrase}"
    names = list(dict.fromkeys(s.words for s in sorted(subjects, key=_reading)))
    if not in_order:
        rng.shuffle(names)
    groups = [counted(name, sum(s.words == name for s in subjects)) for name in names]
    if rng.random() < 0.1:
        return ", ".join([*(g.split(" ", 1)[1] if g.startswith(("a ", "an ")) else g for g in groups), back.short])  # bare keywords
    if len(subjects) == 2 and len(groups) == 2 and rng.random() < RELATED:
        what = related(subjects[0], subjects[1], rng)
    elif len(subjects) == len(groups) > 2 and rng.random() < 0.3:
        what = _listed([related(subjects[0], subjects[1], rng), *(phrase(s.words) for s in subjects[2:])])
    elif rng.random() < 0.15:
        what = _listed([f"{phrase(s.words)} {place(s.box)}" for s in subjects])
    else:
        what = _listed(groups)
    tails = rng.choice(TAILS, int(rng.choice([0, 1, 2, 3], p=[0.6, 0.2, 0.12, 0.08])), replace=False)
    return ", ".join([f"{rng.choice(LEADS)}{what}{', ' if rng.random() < 0.2 else ' '}{back.phrase}", *(str(t) for t in tails)])


def _reading(subject: Said) -> tuple[int, float]:
    """By row, of which there are three, then from left to right."""
    x0, y0, x1, y1 = subject.box
    return round(y0 + y1), x0 + x1


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def related(behind: Said, front: Said, rng: np.random.Generator) -> str:
    """How one of two subjects stands to the other: in front of or behind where they overlap much, else by their centres."""
    if _covered(behind.box, front.box) > 0.15:
        if rng.random() < 0.5:
            return f"{phrase(front.words)} in front of {phrase(behind.words)}"
        return f"{phrase(behind.words)} behind {phrase(front.words)}"
    a, b = (behind, front) if rng.random() < 0.5 else (front, behind)
    dx, dy = (a.box[k] + a.box[k + 2] - b.box[k] - b.box[k + 2] for k in (0, 1))
    if max(abs(dx), abs(dy)) < 2 * NEAR or rng.random() < BESIDE:
        return f"{phrase(a.words)} next to {phrase(b.words)}"
    if abs(dx) >= abs(dy):
        ways = ("to the left of", "left of") if dx < 0 else ("to the right of", "right of")
    else:
        ways = ("above", "on top of") if dy < 0 else ("below", "under")
    return f"{phrase(a.words)} {rng.choice(ways)} {phrase(b.words)}"


def place(box: Box) -> str:
    """Where on the canvas a box is, in thirds: "in the top left corner", "on the right side", "in the center"."""
    column = ("left", "", "right")[int(min(2, (box[0] + box[2]) / 2 * 3))]
    row = ("top", "", "bottom")[int(min(2, (box[1] + box[3]) / 2 * 3))]
    if row and column:
        return f"in the {row} {column} corner"
    if column:
        return f"on the {column} side"
    return f"at the {row}" if row else "in the center"


def _covered(behind: Box, front: Box) -> float:
    """Share of the box behind that the box in front covers."""
    w, h = (min(behind[k + 2], front[k + 2]) - max(behind[k], front[k]) for k in (0, 1))
    return max(0.0, w) * max(0.0, h) / ((behind[2] - behind[0]) * (behind[3] - behind[1]))
