"""What boxes show: which way one lies of another, and whether a stated relation holds."""

from __future__ import annotations

from collections.abc import Sequence

from cutwork.agents.language import rects
from cutwork.agents.language.model import Relation
from cutwork.agents.language.rects import Rect

TOLERANCE = 0.1  # of the summed sides: how far centres must differ at least for a direction to count
OPPOSITE = {"left": "right of", "right": "left of", "above": "below", "below": "above"}


def holds(relation: Relation, boxes: Sequence[Sequence[Rect]]) -> bool:
    """Whether boxes show a relation: centres clearly apart that way, or boxes that touch where they must."""
    a, b = rects.around(boxes[relation.a]), rects.around(boxes[relation.b])
    if relation.kind in OPPOSITE:
        return relation.kind in directions(a, b)
    if relation.kind == "between" and relation.c is not None:
        if relation.c == relation.b:
            return abs(_centre(a)[0] - _centre(b)[0]) < 0.25 * (b[2] - b[0]) and len(boxes[relation.b]) > 1
        c = rects.around(boxes[relation.c])
        return {"left", "right"} <= directions(b, a) | directions(c, a) or {"above", "below"} <= directions(b, a) | directions(c, a)
    if relation.kind == "beside":
        return True
    return rects.overlap(a, b) > 0


def _centre(rect: Rect) -> tuple[float, float]:
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


def directions(a: Rect, b: Rect) -> set[str]:
    """Where `a` lies as seen from `b`, by GenEval's rule: the offset of the centres, less a tolerance, must dominate."""
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    dx, dy = ax - bx, ay - by
    length = (dx * dx + dy * dy) ** 0.5
    if length == 0:
        return set()
    sides = (a[2] - a[0] + b[2] - b[0], a[3] - a[1] + b[3] - b[1])
    x, y = (max(abs(d) - TOLERANCE * s, 0) / length * (1 if d > 0 else -1) for d, s in zip((dx, dy), sides, strict=True))
    found = {"left": x < -0.5, "right": x > 0.5, "above": y < -0.5, "below": y > 0.5}
    return {name for name, true in found.items() if true}
