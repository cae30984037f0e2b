"""How big things are drawn beside each other, and how wide for their height: a cat is no taller than a house, a car is wide.

Both come from the lists "aspect" and "bulk" of `words.txt`, by noun or by its last word; people are upright, food is small.
What is not listed is about square and as big as a cat. Differences are much smaller than in life: everything must stay large enough to be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from cutwork.agents.language import words
from cutwork.agents.language.model import Thing
from cutwork.agents.language.rects import Rect

LEAST = 0.7  # of its room: no thing is drawn smaller for being small beside another
LEAST_SAID = 0.45  # the same where the brief says "tiny"
FEW = 4  # boxes up to which sizes differ by noun; of more, each needs all its room
UPRIGHT = 0.7  # a person's width over height
FOOD = 0.75  # of a cat
Range = tuple[float, float]  # least and greatest width over height
ANY: Range = (0.69, 1.45)
SMALL: Range = (1.0, 1.25)


def aspect(thing: Thing, factor: float) -> Range:
    """Least and greatest width over height of a thing; one that is small beside another is squarer, so that it is not the taller one."""
    known = _listed("aspect", thing.noun)
    if known is None and words.kind(thing.noun) == "h":
        known = UPRIGHT
    return (known, known) if known is not None else SMALL if factor < 1 else ANY


def bulk(noun: str) -> float:
    """How big a thing is, times a cat."""
    known = _listed("bulk", noun)
    return known if known is not None else FOOD if words.kind(noun) == "f" else 1.0


def factors(things: Sequence[Thing]) -> list[float]:
    """How much of its room each thing takes, by what is said of its size and by what it is."""
    few = sum(t.count for t in things) <= FEW
    sizes = [bulk(t.noun) if few else 1.0 for t in things]
    said = [t.scale / max(1.0, *(t.scale for t in things)) for t in things]
    largest = max((size * (t.scale if few else 1.0) for size, t in zip(sizes, things, strict=True)), default=1.0)
    by_kind = [min(1.0, max(LEAST, size * max(1.0, t.scale) / largest)) for size, t in zip(sizes, things, strict=True)]
    return [max(LEAST_SAID, s * k) if s < 1 else k for s, k in zip(said, by_kind, strict=True)]


def shaped(rect: Rect, ratio: Range, size: tuple[int, int], foot: bool) -> Rect:
    """The rectangle cut to a width over height in pixels, kept central or standing on its foot."""
    w, h = (rect[2] - rect[0]) * size[0], (rect[3] - rect[1]) * size[1]
    half, high = min(w, ratio[1] * h) / size[0] / 2, min(h, w / ratio[0]) / size[1]
    cx, bottom = (rect[0] + rect[2]) / 2, rect[3] if foot else (rect[1] + rect[3]) / 2 + high / 2
    return cx - half, bottom - high, cx + half, bottom


def aloft(noun: str) -> bool:
    """Whether a thing hangs or flies rather than stands."""
    return words.is_in("aloft", noun) or words.is_in("aloft", noun.rpartition(" ")[2])


def _listed(name: str, noun: str) -> float | None:
    value = words.value(name, noun) or words.value(name, noun.rpartition(" ")[2])
    return float(value) if value else None
