"""Stated places -> parts of the canvas: "top left", "centre", "front"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.rects import Rect


def spot_of(place: str, crowded: bool = False) -> Rect | None:
    """The part of the canvas a stated place means; smaller where others crowd in on the centre."""
    if not place:
        return None
    near = 0.34 if crowded else 0.5
    if place == "centre":
        return (near, near, 1 - near, 1 - near) if crowded else (0.2, 0.2, 0.8, 0.8)
    if place == "front":
        return 0.1, 0.45, 0.9, 1.0
    x0, x1 = (0.0, near) if "left" in place else (1 - near, 1.0) if "right" in place else (0.0, 1.0)
    y0, y1 = (0.0, near) if "top" in place else (1 - near, 1.0) if "bottom" in place else (0.0, 1.0)
    return x0, y0, x1, y1


def tidy(rect: Rect) -> Rect:
    """The rectangle inside the canvas, to four digits."""
    x0, y0, x1, y1 = (round(min(1.0, max(0.0, v)), 4) for v in rect)
    return x0, y0, x1, y1


def around_the_centre(things: list[Thing], relations: Sequence[Relation]) -> list[Thing]:
    """ "a pawn in the centre, a rook to its left": what stands beside the centre has a side of the canvas to itself."""
    sides = {"left": "left", "right": "right", "above": "top", "below": "bottom"}
    placed = {r.a: sides[r.kind] for r in relations if r.kind in sides and max(r.a, r.b) < len(things) and things[r.b].place == "centre"}
    standing = {r.a for r in relations if r.kind not in (*sides, "beside")}
    return [replace(t, place=placed[i]) if i in placed and not t.place and i not in standing else t for i, t in enumerate(things)]
