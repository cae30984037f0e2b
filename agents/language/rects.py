"""Rectangles in fractions of a canvas: cutting them up, setting them in, finding room. No words, no things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1
CANVAS: Rect = (0.0, 0.0, 1.0, 1.0)
LONGEST = 1.6  # longer side over shorter side of a subject's box


def within(rect: Rect, part: Rect) -> Rect:
    """`part`, given in fractions of `rect`, in fractions of the canvas."""
    x0, y0, x1, y1 = rect
    w, h = x1 - x0, y1 - y0
    return x0 + part[0] * w, y0 + part[1] * h, x0 + part[2] * w, y0 + part[3] * h


def inset(rect: Rect, margin: float) -> Rect:
    """The rectangle less a margin on each side, in fractions of its sides."""
    return within(rect, (margin, margin, 1 - margin, 1 - margin))


def overlap(a: Rect, b: Rect) -> float:
    """Shared area."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def around(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle that holds them all."""
    return min(r[0] for r in rects), min(r[1] for r in rects), max(r[2] for r in rects), max(r[3] for r in rects)


def scaled(rect: Rect, factor: float, foot: bool = False) -> Rect:
    """The rectangle made smaller about its centre, or about the middle of its lower edge."""
    cx, y1 = (rect[0] + rect[2]) / 2, rect[3]
    w, h = (rect[2] - rect[0]) * factor, (rect[3] - rect[1]) * factor
    bottom = y1 if foot else (rect[1] + y1) / 2 + h / 2
    return cx - w / 2, bottom - h, cx + w / 2, bottom


def shapely(rect: Rect, size: tuple[int, int], foot: bool = False) -> Rect:
    """The rectangle without what makes it longer than `LONGEST` in pixels, kept central or standing on its foot."""
    w, h = (rect[2] - rect[0]) * size[0], (rect[3] - rect[1]) * size[1]
    new_w, new_h = min(w, LONGEST * h) / size[0], min(h, LONGEST * w) / size[1]
    cx, cy = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    bottom = rect[3] if foot else cy + new_h / 2
    return cx - new_w / 2, bottom - new_h, cx + new_w / 2, bottom


def cells(rect: Rect, count: int, size: tuple[int, int], weights: Sequence[float] | None = None) -> list[Rect]:
    """`count` cells that fill `rect` in rows, as square as they can be, in reading order."""
    best: list[Rect] = []
    for rows in range(1, count + 1):
        tried = _rows(rect, [count // rows + (i < count % rows) for i in range(rows)], weights)
        if not best or least(tried, size) > least(best, size) + 1e-6:
            best = tried
    return best


def alike(boxes: Sequence[Rect]) -> list[Rect]:
    """The rectangles all as small as the smallest, each about its own centre."""
    w, h = min(b[2] - b[0] for b in boxes) / 2, min(b[3] - b[1] for b in boxes) / 2
    centres = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in boxes]
    return [(x - w, y - h, x + w, y + h) for x, y in centres]


def _rows(rect: Rect, lengths: Sequence[int], weights: Sequence[float] | None) -> list[Rect]:
    out: list[Rect] = []
    for i, length in enumerate(lengths):
        share = list(weights[len(out) : len(out) + length]) if weights else [1.0] * length
        row = within(rect, (0, i / len(lengths), 1, (i + 1) / len(lengths)))
        out += columns(row, share)
    return out


def columns(rect: Rect, weights: Sequence[float]) -> list[Rect]:
    """Side by side, as wide as their weights say."""
    total, at, out = sum(weights), 0.0, []
    for weight in weights:
        out.append(within(rect, (at / total, 0, (at + weight) / total, 1)))
        at += weight
    return out


def stack(rect: Rect, weights: Sequence[float]) -> list[Rect]:
    """One above the other."""
    turned = columns((rect[1], rect[0], rect[3], rect[2]), weights)
    return [(r[1], r[0], r[3], r[2]) for r in turned]


def least(boxes: Iterable[Rect], size: tuple[int, int]) -> float:
    """The shortest side of all, in pixels."""
    return min(min((r[2] - r[0]) * size[0], (r[3] - r[1]) * size[1]) for r in boxes)


def room(rect: Rect, taken: Sequence[Rect], size: tuple[int, int]) -> Rect | None:
    """The best rectangle inside `rect` that meets none of `taken`: large first, not too thin. None if all is taken."""
    taken = [t for t in taken if overlap(rect, t) > 0]
    if not taken:
        return rect
    xs = sorted({rect[0], rect[2], *(min(rect[2], max(rect[0], v)) for t in taken for v in (t[0], t[2]))})
    ys = sorted({rect[1], rect[3], *(min(rect[3], max(rect[1], v)) for t in taken for v in (t[1], t[3]))})
    free = [(x0, y0, x1, y1) for x0, x1 in combinations(xs, 2) for y0, y1 in combinations(ys, 2)]
    free = [r for r in free if all(overlap(r, t) <= 1e-9 for t in taken)]
    return max(free, key=lambda r: _worth(r, size), default=None)


def _worth(rect: Rect, size: tuple[int, int]) -> float:
    w, h = (rect[2] - rect[0]) * size[0], (rect[3] - rect[1]) * size[1]
    return w * h * min(1.0, 2 * min(w, h) / max(w, h, 1e-9))
