"""Places in words: where "a bit left", "behind the cat" or "top right" puts a region of a plan, and how a place is told. Pure."""

from __future__ import annotations

import re

from cutwork.agents.boxes import placed
from cutwork.agents.calls import meant
from cutwork.domain import Box, Plan, Region
from cutwork.errors import BadInput

SHIFT, BIT, FAR = 0.2, 0.09, 0.35  # of the canvas: "left", "a bit left", "far left"
GAP = 0.03  # of the canvas, between two that stand side by side
EDGE = 0.03  # of the canvas, that those who go to its edge keep
LAYERS = {"front": "to the front", "back": "to the back", "forward": "one step forward", "backward": "one step back"}
NEARER = re.compile(r"(?:to |at |in |into )?(?:the )?(very )?(front|foreground|back|background|rear|forwards?|backwards?)(?: of everything| of all)?")
BITS = re.compile(r"\b(?:a (?:little )?(?:bit|little|touch|tad|smidge)|slightly|somewhat|a hair)\b", re.I)
FARS = re.compile(r"\b(?:far|all the way|completely|fully|very|edge|side|corner|hard|right to the)\b", re.I)
LOTS = re.compile(r"\b(?:a lot|lots|much|way|further|farther|more)\b", re.I)
WORDS = (("left", "left|leftwards?"), ("right", "right|rightwards?"), ("top", "top|up|upper|upwards?|higher|north"), ("bottom", "bottom|down|lower|downwards?|south"))
NUDGING = re.compile(r"\b(?:up|down|upwards?|downwards?|higher|lower|leftwards?|rightwards?)\b", re.I)
TO_ONE = (
    ("front", r"in front of|before|over the front of"), ("behind", r"behind|in back of|at the back of"), ("between", r"(?:in )?between"),
    ("above", r"above|over|on top of|atop|on"), ("below", r"below|under|underneath|beneath"), ("left", r"(?:to the |on the )?left(?: side)? of"),
    ("right", r"(?:to the |on the )?right(?: side)? of"), ("nearer", r"closer to|nearer to|towards?|nearer"), ("off", r"away from|farther from|further from"),
    ("inside", r"inside|into|in"), ("beside", r"next to|beside|near|by|alongside|close to|with|at"),
)  # fmt: skip


def goes(where: str, plan: Plan, number: int, fresh: bool = False) -> tuple[Box, int, str]:
    """Where words put a region: its box, its z (above all others' or -1 where it goes before or behind them), and how that is told ("" where the place tells it).

    Args:
        fresh: it has no place of its own yet, so that "left" is the left of the canvas.

    Raises:
        BadInput: if words name no place.
    """
    said = " ".join(where.lower().strip(" .!?").split())
    own = plan.regions[number]
    layer = layer_of(said)
    if layer:
        nearer = layer in ("front", "forward")
        return own.box, max(r.z for r in plan.regions) + 1 if nearer else -1, LAYERS[layer]
    for kind, pattern in TO_ONE:
        match = re.search(rf"(?:^|\b)(?:{pattern}) (.+)$", said)
        if match:
            others = _others(match[1], plan, number)
            if others:
                return (*_beside(kind, own, [plan.regions[i] for i in others], plan), _by(kind, plan, others))
    found = {name for name, words in WORDS if re.search(rf"\b(?:{words})\b", re.sub(r"\bright to\b", "", said))}
    if re.search(r"\b(?:centre|center|middle)\b", said):
        return _at_edge(own, found, plan, number), own.z, f"to {_place_name(found) or 'the centre'}"
    if not found:
        raise BadInput(f"{where!r} names no place; say such as 'top right', 'a bit left' or 'above the cat'")
    corner = len(found) == 2 and not NUDGING.search(said)
    bit = BITS.search(said)
    if (corner or fresh or FARS.search(said)) and not bit:
        return _at_edge(own, found, plan, number), own.z, ""
    step = BIT if bit else FAR if LOTS.search(said) else SHIFT
    dx = step * (("right" in found) - ("left" in found))
    dy = step * (("bottom" in found) - ("top" in found))
    return placed((own.box.centre[0] + dx, own.box.centre[1] + dy), own.box.width, own.box.height), own.z, _way(found, bit is not None)


def _others(words: str, plan: Plan, number: int) -> list[int]:
    """The regions that words name, other than one's own."""
    parts = re.split(r"\s+and\s+|\s*,\s*", words)
    named = [s.id for part in parts for s in meant(part, plan.subjects)[:1]]
    return [next(i for i, r in enumerate(plan.regions) if r.subject == id and i != number) for id in named if any(r.subject == id and i != number for i, r in enumerate(plan.regions))]


def _beside(kind: str, own: Region, others: list[Region], plan: Plan) -> tuple[Box, int]:
    """Box and z of one who stands in a relation to others."""
    it, w, h = others[0], own.box.width, own.box.height
    (cx, cy), z = it.box.centre, own.z
    if kind == "between" and len(others) > 1:
        a, b = others[0].box.centre, others[1].box.centre
        return placed(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), w, h), z
    if kind in ("front", "behind"):
        z = max(r.z for r in plan.regions) + 1 if kind == "front" else -1
        near = own.box.intersection(it.box) > 0.1 * min(own.box.area, it.box.area)
        side = 1 if own.box.centre[0] >= cx else -1
        return (own.box if near else placed((cx + side * 0.3 * it.box.width, cy + (0.08 if kind == "front" else -0.08)), w, h)), z
    if kind in ("nearer", "off"):
        share = 0.45 if kind == "nearer" else -0.45
        return placed((own.box.centre[0] + share * (cx - own.box.centre[0]), own.box.centre[1] + share * (cy - own.box.centre[1])), w, h), z
    if kind == "inside":
        scale = min(1.0, 0.6 * it.box.width / w, 0.6 * it.box.height / h)
        return placed((cx, cy), w * scale, h * scale), max(z, it.z + 1)
    if kind == "beside":
        kind = "right" if 1 - it.box.x1 >= it.box.x0 else "left"
    room = {"above": it.box.y0, "below": 1 - it.box.y1, "left": it.box.x0, "right": 1 - it.box.x1}[kind] - GAP
    length = h if kind in ("above", "below") else w
    scale = min(1.0, max(0.5, room / length))  # it is made a little smaller where it would not fit
    w, h = w * scale, h * scale
    x = {"left": it.box.x0 - GAP - w / 2, "right": it.box.x1 + GAP + w / 2}.get(kind, cx)
    y = {"above": it.box.y0 - GAP - h / 2, "below": it.box.y1 + GAP + h / 2}.get(kind, cy)
    return placed((x, y), w, h), z


def _at_edge(own: Region, found: set[str], plan: Plan, number: int) -> Box:
    """Its box in a corner, at a side or in the middle; made a little smaller where it would cover somebody there."""
    others = [r.box for i, r in enumerate(plan.regions) if i != number]
    before = sum(own.box.intersection(box) for box in others)  # who overlapped already may go on doing so
    for scale in (1.0, 0.9, 0.8, 0.7):
        box = _set_at(own, found, scale)
        if sum(box.intersection(other) for other in others) <= max(before, 0.01):
            return box
    return _set_at(own, found, 1.0)


def _set_at(own: Region, found: set[str], scale: float) -> Box:
    w, h = min(own.box.width, 1 - 2 * EDGE) * scale, min(own.box.height, 1 - 2 * EDGE) * scale
    x = EDGE + w / 2 if "left" in found else 1 - EDGE - w / 2 if "right" in found else 0.5
    y = EDGE + h / 2 if "top" in found else 1 - EDGE - h / 2 if "bottom" in found else 0.5
    if len(found) == 1:  # at one side it keeps its height, at the top its place from left to right
        x, y = (own.box.centre[0], y) if found & {"top", "bottom"} else (x, own.box.centre[1])
    return placed((x, y), w, h)


def _by(kind: str, plan: Plan, others: list[int]) -> str:
    names = " and ".join(f"the {plan.subject(plan.regions[i].subject).noun}" for i in others)
    led = {"front": "in front of", "left": "to the left of", "right": "to the right of", "nearer": "closer to", "off": "away from", "beside": "next to"}
    return f"{led.get(kind, kind)} {names}"


def _way(found: set[str], bit: bool) -> str:
    words = {"top": "up", "bottom": "down", "left": "to the left", "right": "to the right"}
    return f"{'a bit ' if bit else ''}{' and '.join(words[name] for name in ('top', 'bottom', 'left', 'right') if name in found)}"


def _place_name(found: set[str]) -> str:
    return f"the {' '.join(name for name in ('top', 'bottom', 'left', 'right') if name in found)}" if found else ""


def spot(box: Box) -> str:
    """Where a box is, in words."""
    x, y = box.centre
    down = "top" if y < 0.38 else "bottom" if y > 0.62 else ""
    across = "left" if x < 0.38 else "right" if x > 0.62 else ""
    return f"the {down} {across}".replace("  ", " ").strip() if down or across else "the middle"


def at_spot(box: Box) -> str:
    """The same as words that go on from "added": "at the top left", "in the middle"."""
    place = spot(box)
    return f"{'on' if place in ('the left', 'the right') else 'in' if place == 'the middle' else 'at'} {place}"


def layer_of(where: str) -> str:
    """Which way words send somebody among those who stand there; "" where they name a place."""
    found = NEARER.fullmatch(" ".join(where.lower().strip(" .!?").split()))
    return "" if found is None else {"foreground": "front", "background": "back", "rear": "back"}.get(found[2], found[2].removesuffix("s"))


def layered(plan: Plan, numbers: list[int], way: str) -> list[int]:
    """Every region's number, the farthest first, after some went to the front or back of all, or past the next one."""
    order = stack(plan)
    going, rest = [i for i in order if i in numbers], [i for i in order if i not in numbers]
    below = sum(order.index(i) < order.index(going[-1 if way in ("front", "forward") else 0]) for i in rest)
    at = {"front": len(rest), "back": 0, "forward": min(len(rest), below + 1), "backward": max(0, below - 1)}[way]
    return rest[:at] + going + rest[at:]


def stack(plan: Plan) -> list[int]:
    """Every region's number, the farthest first."""
    return sorted(range(len(plan.regions)), key=plan.depth)
