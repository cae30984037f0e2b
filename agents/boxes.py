"""Boxes as language models write them, read as fractions of the canvas; and room on a canvas for boxes.

What is certain is normalised: lists, nested lists, strings and mappings; percent, 0–100, 0–1000 and pixels; width and
height instead of the far corner; swapped corners; corners off the canvas. What is not certain is None, and asked again.
Units and form are decided over a whole answer, since one model uses one of each in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cutwork.domain import CELL, Box, Size

MIN_CELLS = 3  # smallest side of a region, in cells: below it a subject has too few image tokens to be drawn
Form = Literal["corners", "size", "either"]
Four = tuple[float, float, float, float]

_CORNERS = (
    ("x0", "y0", "x1", "y1"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom"),
    ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"),
)  # fmt: skip
_SIZES = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"), ("x0", "y0", "w", "h"), ("x0", "y0", "width", "height"))
_NESTED = ("box", "bbox", "bounding_box", "coordinates", "region", "rect")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*%?|nan|inf(?:inity)?|null|none", re.IGNORECASE)
_TOLERANCE = 1.02  # rounding in answers that mean the whole canvas


@dataclass(frozen=True)
class _Raw:
    """Four numbers, before it is known what they mean."""

    four: Four
    form: Form
    percent: bool = False

    @property
    def top(self) -> float:
        return max(abs(v) for v in self.four)


def read_boxes(values: Sequence[Any], size: Size) -> list[Box | None]:
    """A box for each value of one answer, or None where what is meant is not certain."""
    raws = [_raw(value) for value in values]
    units = _units([r for r in raws if r is not None and not r.percent and r.top > 2], size)
    scaled = [None if raw is None else _scaled(raw, units) for raw in raws]
    sized = _written_as_size([r for r in scaled if r is not None and r.form == "either"])
    return [None if raw is None else _box(raw, sized) for raw in scaled]


def _raw(value: Any) -> _Raw | None:
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, Sequence):
        return _from_list(value)
    return None


def _from_text(text: str) -> _Raw | None:
    parts = _NUMBER.findall(text[:400])
    # Names with digits, as in "x0=0.1", are not numbers of the box.
    if len(parts) != 4:
        parts = _NUMBER.findall(re.sub(r"[a-z_]+\d+", " ", text[:400], flags=re.IGNORECASE))
    return _from_list(parts) if len(parts) == 4 else None


def _from_mapping(value: Mapping[Any, Any]) -> _Raw | None:
    lower = {str(key).lower(): item for key, item in value.items()}
    named: tuple[tuple[tuple[tuple[str, ...], ...], Form], ...] = ((_CORNERS, "corners"), (_SIZES, "size"))
    for names, form in named:
        for four in names:
            if all(name in lower for name in four):
                return _from_list([lower[name] for name in four], form)
    corners = [lower.get(a, lower.get(b)) for a, b in (("min", "top_left"), ("max", "bottom_right"))]
    if all(isinstance(c, (Sequence, Mapping)) for c in corners):
        return _from_list(corners, "corners")
    return next((_raw(lower[name]) for name in _NESTED if name in lower), None)


def _from_list(items: Sequence[Any], form: Form = "either") -> _Raw | None:
    if len(items) == 1:
        return _raw(items[0])
    if len(items) == 2:  # two corners
        pairs = [list(i.values())[:2] if isinstance(i, Mapping) else i for i in items]
        if not all(isinstance(p, Sequence) and not isinstance(p, str) and len(p) == 2 for p in pairs):
            return None
        items, form = [*pairs[0], *pairs[1]], "corners"
    if len(items) != 4:
        return None
    numbers = [_number(item) for item in items]
    a, b, c, d = (n[0] for n in numbers)
    if not all(math.isfinite(v) for v in (a, b, c, d)):
        return None
    return _Raw((a, b, c, d), form, percent=all(n[1] for n in numbers))


def _number(item: Any) -> tuple[float, bool]:
    """The number and whether it is in percent; NaN for what is none."""
    if isinstance(item, bool) or item is None:
        return math.nan, False
    if isinstance(item, (int, float)):
        return float(item) if abs(item) < 1e9 else math.nan, False
    text = str(item).strip()
    try:
        return float(text.rstrip("% px").strip()), text.endswith("%")
    except ValueError:
        return math.nan, False


def _units(large: Sequence[_Raw], size: Size) -> tuple[float, float] | None:
    """What to divide x and y by, over all boxes that cannot be fractions; None if that is not certain."""
    if not large:
        return 1.0, 1.0
    top = max(raw.top for raw in large)
    width = max(max(abs(raw.four[0]), abs(raw.four[2])) for raw in large)
    height = max(max(abs(raw.four[1]), abs(raw.four[3])) for raw in large)
    in_pixels = width <= size.width * _TOLERANCE and height <= size.height * _TOLERANCE
    longest = max(size.root)
    # A layout in pixels reaches across the canvas: one that ends at 100 on a canvas well over 100 is in percent, and
    # likewise for 1000.
    if top <= 100 * _TOLERANCE and (longest > 160 or not in_pixels):
        return 100.0, 100.0
    if in_pixels and not (top <= 1000 * _TOLERANCE and longest > 1600):
        return float(size.width), float(size.height)
    return (1000.0, 1000.0) if top <= 1000 * _TOLERANCE else None


def _scaled(raw: _Raw, units: tuple[float, float] | None) -> _Raw | None:
    if raw.percent:
        units = (100.0, 100.0)
    elif raw.top <= 2:  # fractions, perhaps a little off the canvas: nobody plans a subject two pixels wide
        units = (1.0, 1.0)
    if units is None:
        return None
    a, b, c, d = raw.four
    return _Raw((a / units[0], b / units[1], c / units[0], d / units[1]), raw.form)


def _written_as_size(raws: Sequence[_Raw]) -> bool:
    """Whether plain lists mean x, y, width, height: all of them can, and one of them can mean nothing else but a swap."""
    fits = all(r.four[0] + r.four[2] <= _TOLERANCE and r.four[1] + r.four[3] <= _TOLERANCE and min(r.four) >= 0 for r in raws)
    inverted = any(r.four[2] <= r.four[0] or r.four[3] <= r.four[1] for r in raws)
    return bool(raws) and fits and inverted


def _box(raw: _Raw, sized: bool) -> Box | None:
    a, b, c, d = raw.four
    if raw.form == "size" or (raw.form == "either" and sized):
        if c <= 0 or d <= 0:
            return None
        c, d = a + c, b + d
    x0, x1, y0, y1 = min(a, c), max(a, c), min(b, d), max(b, d)
    if min(x1, 1.0) - max(x0, 0.0) <= 1e-3 or min(y1, 1.0) - max(y0, 0.0) <= 1e-3:
        return None
    return Box.of(x0, y0, x1, y1)


# --------------------------------------------------------------------------------------------------------------- room


def least(size: Size) -> tuple[float, float]:
    """The smallest width and height of a region, as fractions."""
    return min(1.0, MIN_CELLS * CELL / size.width), min(1.0, MIN_CELLS * CELL / size.height)


def placed(centre: tuple[float, float], width: float, height: float, top: float = 0.0, bottom: float = 1.0) -> Box:
    """A box of that size about a centre, shifted to lie within the canvas between `top` and `bottom`, shrunk if it must."""
    width, height = min(1.0, width), min(bottom - top, height)
    x0 = min(max(0.0, centre[0] - width / 2), 1.0 - width)
    y0 = min(max(top, centre[1] - height / 2), bottom - height)
    return Box.of(round(x0, 5), round(y0, 5), round(x0 + width, 5), round(y0 + height, 5))


def grown(box: Box, size: Size) -> Box:
    """The box, at least the smallest size."""
    w, h = least(size)
    if box.width >= w - 1e-9 and box.height >= h - 1e-9:
        return box
    return placed(box.centre, max(box.width, w), max(box.height, h))


def strip(bands: Sequence[Box]) -> tuple[float, float]:
    """Top and bottom of the canvas that full-width caption bands leave free."""
    top = max((b.y1 for b in bands if b.centre[1] < 0.5), default=0.0)
    bottom = min((b.y0 for b in bands if b.centre[1] >= 0.5), default=1.0)
    return (top, bottom) if bottom - top > 0.1 else (0.0, 1.0)


def clear_of(box: Box, bands: Sequence[Box]) -> Box:
    """The box shifted, and only then shrunk, to where no band is."""
    if not any(box.intersection(band) > 1e-9 for band in bands):
        return box
    top, bottom = strip(bands)
    return placed(box.centre, box.width, box.height, top, bottom)


def free_place(taken: Sequence[Box], bands: Sequence[Box], size: Size, wanted: Sequence[float] = (0.5, 0.4, 0.32, 0.26, 0.2, 0.15)) -> Box:
    """The largest of the wanted sides that fits without overlap, nearest to the middle; else the smallest with least overlap."""
    top, bottom = strip(bands)
    w_min, h_min = least(size)
    sides = [(max(w_min, s), min(bottom - top, max(h_min, s))) for s in (*wanted, 0.0)]
    for width, height in sides:
        spots = list(_spots(width, height, top, bottom, size))
        best = min(spots, key=lambda box: (_shared(box, taken), _off_centre(box, top, bottom)))
        if _shared(best, taken) <= 1e-9:
            return best
    return best


def _spots(width: float, height: float, top: float, bottom: float, size: Size) -> Iterator[Box]:
    # Cells are the natural grid; large canvases are searched more coarsely, so that a search stays below a millisecond or so.
    for y in _stops(top, bottom - height, size.height // CELL):
        for x in _stops(0.0, 1.0 - width, size.width // CELL):
            yield Box.of(x, y, x + width, y + height)


def _stops(first: float, last: float, cells: int) -> list[float]:
    count = max(1, round((last - first) * min(24, cells)))
    return [round(first + (last - first) * i / count, 5) for i in range(count + 1)] if last - first > 1e-6 else [first]


def _shared(box: Box, taken: Sequence[Box]) -> float:
    return round(sum(box.intersection(other) for other in taken), 6)


def _off_centre(box: Box, top: float, bottom: float) -> float:
    x, y = box.centre
    return round(abs(x - 0.5) + abs(y - (top + bottom) / 2), 6)
