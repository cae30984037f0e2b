"""Things and relations -> boxes in which every stated relation holds and nothing overlaps that need not.

Things that must overlap ("on", "in", "in front of", "riding", "holding") form trees and share one block; blocks that are
ordered against each other share a grid; grids share the room that caption bands leave. What cannot be had is said in notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cutwork.agents.language import figure, rects
from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.order import Axis, grid
from cutwork.agents.language.rects import CANVAS, Rect
from cutwork.agents.language.shown import OPPOSITE, directions, holds
from cutwork.agents.language.spots import around_the_centre, spot_of, tidy
from cutwork.domain import CELL, MAX_REGIONS

LEAST = 3 * CELL  # pixels; a subject's box is not useful below
MARGIN = 0.08  # of a cell, on each side; two things side by side are then 0.42 wide each
ALONE = 0.12  # margin of the only subject
# Host and guest inside their shared block, in fractions of it.
SHARES: dict[str, tuple[Rect, Rect]] = {
    "front": ((0.0, 0.0, 0.84, 0.82), (0.4, 0.42, 1.0, 1.0)),
    "holding": ((0.0, 0.0, 0.74, 1.0), (0.5, 0.32, 1.0, 0.82)),
    "inside": ((0.0, 0.0, 1.0, 1.0), (0.24, 0.26, 0.76, 0.86)),
    "on": ((0.0, 0.48, 1.0, 1.0), (0.12, 0.0, 0.88, 0.52)),
    "riding": ((0.0, 0.36, 1.0, 1.0), (0.2, 0.0, 0.8, 0.6)),
}
SAID = {"left": "left of", "right": "right of", "front": "in front of", "inside": "inside", "beside": "next to"}


@dataclass(frozen=True)
class Variant:
    """How a layout may differ from the first one: after a round that went wrong another one is wanted."""

    margin: float = 1.0  # times the usual margins
    mirrored: bool = False  # what has no stated order comes in the opposite one
    turned: bool = False  # what has no stated order stands in columns instead of rows


@dataclass
class Arrangement:
    """Boxes and depth of each thing, in the order of the things; a thing with count n has n boxes."""

    boxes: list[list[Rect]]
    z: list[int]
    notes: list[str] = field(default_factory=list)


def arrange(
    things: Sequence[Thing], relations: Sequence[Relation] = (), size: tuple[int, int] = (256, 256), bands: Sequence[Rect] = (), variant: Variant | None = None
) -> Arrangement:
    """Boxes for all things.

    Args:
        bands: rectangles that no thing may enter.
    """
    things, notes = _fitting(things)
    things = around_the_centre(things, relations)
    plan = _Layout(things, [r for r in relations if _names_given(r, len(things))], size, bands, variant or Variant())
    boxes = plan.boxes()
    return Arrangement(boxes, plan.z, [*notes, *plan.notes])


def _fitting(things: Sequence[Thing]) -> tuple[list[Thing], list[str]]:
    """The first things that have room, with a note where some have not."""
    kept: list[Thing] = []
    left = MAX_REGIONS
    for thing in things:
        if left >= thing.count:
            kept.append(thing)
            left -= thing.count
        else:
            break
    missing = [t.phrases for t in things[len(kept) :]]
    return kept, [f"At most {MAX_REGIONS} regions fit; left out: {', '.join(missing)}."] if missing else []


def _names_given(relation: Relation, count: int) -> bool:
    ends = (relation.a, relation.b, relation.c)
    whole = relation.kind != "between" or relation.c is not None
    return whole and all(i is None or 0 <= i < count for i in ends) and relation.a != relation.b


class _Layout:
    """The work in progress."""

    def __init__(self, things: list[Thing], relations: list[Relation], size: tuple[int, int], bands: Sequence[Rect], variant: Variant) -> None:
        self.things, self.relations, self.size, self.bands, self.variant = things, relations, size, bands, variant
        everyone = range(len(things))
        self.host: dict[int, tuple[int, str]] = {}
        self.across, self.down = Axis(everyone), Axis(everyone)
        self.linked = [(i, i) for i in everyone]
        self.kept: list[Relation] = []
        self.notes: list[str] = []
        self.z = [0] * len(things)
        self.factors = figure.factors(things)
        self.placed: dict[int, list[Rect]] = {}
        self._attach_all()
        self._order_all()

    # --- what is said -------------------------------------------------------------------------------------------

    def _attach_all(self) -> None:
        for r in self.relations:
            guest, host, kind = (r.b, r.a, "front") if r.kind == "behind" else (r.b, r.a, "holding") if r.kind == "holding" else (r.a, r.b, r.kind)
            if kind == "between" and r.c == r.b:
                kind = "amid"
            if kind in SHARES or kind == "amid":
                self._attach(guest, host, kind, r)

    def _attach(self, guest: int, host: int, kind: str, said: Relation) -> None:
        """A guest of two hosts brings its first host along; a host on its own guest is a contradiction."""
        if self.root(guest) == self.root(host):
            if host in self._below(guest) or guest not in self.host:
                self._contradiction(said)
            return
        root = self.root(guest)
        self.host[root] = (host, kind)
        if root == guest:
            self.kept.append(said)

    def _below(self, index: int) -> set[int]:
        """All that stands on or in it, at any depth."""
        direct = [g for g, (h, _) in self.host.items() if h == index]
        return set(direct).union(*(self._below(g) for g in direct))

    def root(self, index: int) -> int:
        while index in self.host:
            index = self.host[index][0]
        return index

    def _order_all(self) -> None:
        firm = [r for r in self.relations if r.kind in OPPOSITE or (r.kind == "between" and r.c != r.b)]
        for r in firm:
            done = self._between(r) if r.kind == "between" else self._directed(r)
            (self.kept.append(r) if done else self._contradiction(r))
        for r in self.relations:
            if r.kind == "beside":
                self._beside(r)
        self._order_guests()

    def _order_guests(self) -> None:
        """ "a cat on the left and a dog on the right, both on a couch"."""
        for a in self.host:
            for b in self.host:
                if self._siblings(a, b) and "left" in self.things[a].place and "left" not in self.things[b].place:
                    self.across.before(a, b)
                if self._siblings(a, b) and "right" in self.things[b].place and "right" not in self.things[a].place:
                    self.across.before(a, b)

    def _directed(self, r: Relation) -> bool:
        a, b = (r.a, r.b) if r.kind in ("left", "above") else (r.b, r.a)
        if self._places_say_otherwise(r):
            return False
        axis, other = (self.across, self.down) if r.kind in ("left", "right") else (self.down, self.across)
        return self._before(axis, other, a, b)

    def _before(self, axis: Axis, other: Axis, a: int, b: int) -> bool:
        if self.root(a) == self.root(b):
            return self._siblings(a, b) and axis.before(a, b)
        a, b = self.root(a), self.root(b)
        if not axis.before(a, b):
            return False
        other.together(a, b)
        self.linked.append((a, b))
        return True

    def _siblings(self, a: int, b: int) -> bool:
        return a in self.host and b in self.host and self.host[a] == self.host[b]

    def _places_say_otherwise(self, r: Relation) -> bool:
        first, second = spot_of(self.things[r.a].place), spot_of(self.things[r.b].place)
        if first is None or second is None:
            return False
        probe = Relation(r.kind, 0, 1)
        return not holds(probe, [[first], [second]])

    def _between(self, r: Relation) -> bool:
        assert r.c is not None
        if self.root(r.a) in (self.root(r.b), self.root(r.c)) or self.root(r.b) == self.root(r.c):
            return False
        one, other = (spot_of(self.things[i].place) for i in (r.b, r.c))
        found = set() if one is None or other is None else directions(one, other)
        if len(found) > 1:
            return self._between_corners(r.a, r.b, r.c)
        axis, across = (self.down, self.across) if found & {"above", "below"} else (self.across, self.down)
        for first, last in ((r.c, r.b), (r.b, r.c)) if found & {"right", "below"} else ((r.b, r.c), (r.c, r.b)):
            if not self._reverse_known(axis, first, r.a) and not self._reverse_known(axis, r.a, last):
                return self._before(axis, across, first, r.a) and self._before(axis, across, r.a, last)
        return False

    def _between_corners(self, a: int, b: int, c: int) -> bool:
        """Between what stands in opposite corners: in a row and in a column at once."""
        ends = [self.root(i) for i in (b, a, c)]
        pairs = [*zip(ends, ends[1:], strict=False)]
        self.linked += pairs
        ways = [(axis, pairs if first in self._own_place(ends[0]) else [(y, x) for x, y in pairs]) for axis, first in ((self.across, "left"), (self.down, "top"))]
        done = [axis.before(x, y) for axis, ordered in ways for x, y in ordered]
        return all(done)

    def _reverse_known(self, axis: Axis, a: int, b: int) -> bool:
        return axis.leads(self.root(b), self.root(a))

    def _beside(self, r: Relation) -> None:
        a, b = self.root(r.a), self.root(r.b)
        if a == b or self.across.ordered(a, b) or self.down.ordered(a, b):
            return
        if self.variant.mirrored:
            a, b = b, a
        if self._own_place(a) or self._own_place(b):
            return
        if self.down.together(a, b):
            self.across.before(a, b)
        self.linked.append((a, b))

    def _contradiction(self, r: Relation) -> None:
        a, b = self.things[r.a].phrase, self.things[r.b].phrase
        self.notes.append(f"The brief contradicts itself: {a!r} cannot also be {SAID.get(r.kind, r.kind)} {b!r}; what was said first is kept.")

    # --- where it goes ------------------------------------------------------------------------------------------

    def boxes(self) -> list[list[Rect]]:
        area = rects.room(CANVAS, self.bands, self.size)
        if area is None:
            self.notes.append("Caption bands leave no room for subjects; they are laid out as if there were none.")
            area = CANVAS
        for block, rect in self._blocks(area):
            self._fill_block(block, rect)
        self._centre_all(area)
        out = [[tidy(b) for b in self.placed[i]] for i in range(len(self.things))]
        self._check(out)
        return out

    def _centre_all(self, area: Rect) -> None:
        """Moves the whole to the middle of the height, where no place is stated: what is cut to its figure leaves room above."""
        if not self.placed or any(t.place for t in self.things):
            return
        whole = rects.around([b for pieces in self.placed.values() for b in pieces])
        up = (whole[1] + whole[3] - area[1] - area[3]) / 2
        self.placed = {i: [(x0, y0 - up, x1, y1 - up) for x0, y0, x1, y1 in pieces] for i, pieces in self.placed.items()}

    def _blocks(self, area: Rect) -> list[tuple[list[int], Rect]]:
        """Which things share a grid, and the room each grid gets."""
        groups = self._groups()
        for group in groups:
            self._order_places(group)
        fixed = [g for g in groups if self._place(g)]
        free = [g for g in groups if not self._place(g)]
        out = self._fixed(fixed, area, False)
        rest = rects.room(area, [r for _, r in out], self.size)
        if rest is None and free:
            out = self._fixed(fixed, area, True)
            rest = rects.room(area, [r for _, r in out], self.size)
        if rest is None or (out and rects.least([rest], self.size) < LEAST):
            rest = area
        return out + self._share(free, rest)

    def _groups(self) -> list[list[int]]:
        """Roots that are ordered against each other, unless each has a stated place of its own."""
        roots = [i for i in range(len(self.things)) if i not in self.host]
        of = {i: i for i in roots}
        for a, b in self.linked:
            if a in of and b in of and not (self._own_place(a) and self._own_place(b)):
                of = {m: of[a] if g == of[b] else g for m, g in of.items()}
        return [[m for m in roots if of[m] == g] for g in dict.fromkeys(of.values())]

    def _order_places(self, group: Sequence[int]) -> None:
        """ "a cat on the left, a dog on the right, both beside a crown": those who share a grid stand in it as on the canvas."""
        for axis, first, last in ((self.across, "left", "right"), (self.down, "top", "bottom")):
            for a in group:
                for b in group:
                    if first in self._own_place(a).split() and last in self._own_place(b).split():
                        axis.before(a, b)

    def _own_place(self, root: int) -> str:
        family = [root, *sorted(self._below(root))]
        places = {self.things[i].place for i in family if self.things[i].place}
        return self.things[root].place or (places.pop() if len(places) == 1 else "")

    def _place(self, group: Sequence[int]) -> str:
        """Where a group stands: what its places have in common, "top" of those in both upper corners; nowhere of itself if that is nothing."""
        places = [p.split() for p in map(self._own_place, group) if p]
        return " ".join(word for word in (places[0] if places else []) if all(word in place for place in places))

    def _fixed(self, groups: list[list[int]], area: Rect, crowded: bool) -> list[tuple[list[int], Rect]]:
        """Rooms for the groups with a stated place, corners first; groups of one place share it."""
        by_place: dict[str, list[list[int]]] = {}
        for group in groups:
            by_place.setdefault(self._place(group), []).append(group)
        crowded = crowded or ("centre" in by_place and len(by_place) > 1)
        out: list[tuple[list[int], Rect]] = []
        for place in sorted(by_place, key=lambda p: (p == "centre", -len(p.split()))):
            spot = rects.within(area, spot_of(place, crowded) or CANVAS)
            if place == "centre" and crowded and not any("top" in p or "bottom" in p for p in by_place):
                spot = (spot[0], area[1], spot[2], area[3])
            spot = rects.room(spot, [r for _, r in out], self.size) or spot
            out += self._share(by_place[place], spot)
        return out

    def _share(self, groups: list[list[int]], area: Rect) -> list[tuple[list[int], Rect]]:
        """The area divided among groups: a grid of equals, or bands as wide as each group needs."""
        if not groups:
            return []
        if self.variant.mirrored:
            groups = groups[::-1]
        needs = [self._extent(g) for g in groups]
        if all(n == (1, 1) for n in needs):
            size = (self.size[1], self.size[0]) if self.variant.turned else self.size
            return list(zip(groups, rects.cells(area, len(groups), size, [self._weight(g) for g in groups]), strict=True))
        wide, high = [c for c, _ in needs], [r for _, r in needs]
        ways = [rects.columns(area, wide), rects.stack(area, high)]
        best = max(ways, key=lambda way: min(rects.least(rects.columns(r, [1] * c), self.size) for r, c in zip(way, wide, strict=True)))
        return list(zip(groups, best, strict=True))

    def _weight(self, group: Sequence[int]) -> float:
        """How much of a row a group wants: more for several things than for one."""
        total = sum(self.things[i].count for g in group for i in [g, *self._below(g)])
        return 1.5 if total > 2 else 1.0

    def _extent(self, group: list[int]) -> tuple[int, int]:
        spots = grid(group, self.across, self.down).values()
        return 1 + max(c for c, _ in spots), 1 + max(r for _, r in spots)

    def _fill_block(self, block: list[int], rect: Rect) -> None:
        spots = grid(block, self.across, self.down)
        wide, high = self._extent(block)
        for root, (column, row) in spots.items():
            cell = rects.within(rect, (column / wide, row / high, (column + 1) / wide, (row + 1) / high))
            alone = len(self.things) == 1 and self.things[0].count == 1
            margin = (ALONE if alone and not self.things[0].place else MARGIN) * self.variant.margin
            self._fill(root, rects.inset(cell, min(0.3, margin)), 0)

    def _fill(self, index: int, rect: Rect, depth: int, foot: bool = False) -> None:
        """A thing and all that stands on or in it, inside one rectangle."""
        guests: dict[str, list[int]] = {}
        for guest, (host, kind) in self.host.items():
            if host == index:
                guests.setdefault(kind, []).append(guest)
        amid = guests.pop("amid", [])
        if guests and not foot:
            rect = rects.shapely(rect, self.size)
        for kind in sorted(guests, key=lambda k: (k == "inside", k)):  # what is inside has only the room that is left of its host
            base, top = SHARES[kind]
            if foot and kind == "front":
                base = (*base[:3], 1.0)  # what stands on something keeps touching it
            self._fill_guests(guests[kind], rects.within(rect, top), depth + 1, kind in ("on", "riding"))
            rect, foot = rects.within(rect, base), True
        self.z[index] = depth
        if amid:
            self._fill_amid(index, amid, rect, depth)
        else:
            self.placed[index] = self._pieces(index, rect, foot)

    def _fill_guests(self, guests: list[int], rect: Rect, depth: int, foot: bool) -> None:
        spots = grid(guests, self.across, self.down)
        wide, high = 1 + max(c for c, _ in spots.values()), 1 + max(r for _, r in spots.values())
        for guest, (c, r) in spots.items():
            cell = rects.within(rect, (c / wide, r / high, (c + 1) / wide, (r + 1) / high))
            self._fill(guest, rects.inset(cell, 0.03) if len(guests) > 1 and not foot else cell, depth, foot)

    def _fill_amid(self, index: int, amid: list[int], rect: Rect, depth: int) -> None:
        """ "a cat between two dogs": half of them on each side."""
        left, middle, right = rects.columns(rect, [1, 1, 1])
        self._fill_guests(amid, rects.inset(middle, 0.05), depth + 1, False)
        count = self.things[index].count
        first = rects.cells(left, (count + 1) // 2, self.size)
        self.placed[index] = [rects.shapely(rects.inset(c, 0.05), self.size) for c in first + rects.cells(right, count // 2, self.size)]

    def _pieces(self, index: int, rect: Rect, foot: bool) -> list[Rect]:
        """One box for each of a counted thing, in rows."""
        thing = self.things[index]
        if thing.count == 1:
            return [self._figure(index, rect, foot)]
        parts = rects.alike(rects.cells(rect, thing.count, self.size))
        return [self._figure(index, rects.inset(p, min(0.3, 0.05 * self.variant.margin)), foot) for p in parts]

    def _figure(self, index: int, rect: Rect, foot: bool) -> Rect:
        """The box of one thing in its room: as big and as wide as such a thing is, on one ground with its neighbours.

        What carries others keeps its shape, or they would lose touch.
        """
        thing, room = self.things[index], rects.shapely(rect, self.size, foot)
        if any(host == index for host, _ in self.host.values()):
            return rects.scaled(room, self.factors[index], foot) if thing.scale < 1 else room
        stands = foot or (index not in self.host and len(self.things) > 1 and not thing.place and not figure.aloft(thing.noun))
        factor = self.factors[index]
        return figure.shaped(rects.scaled(room, factor, stands), figure.aspect(thing, factor), self.size, stands)

    # --- what came of it ----------------------------------------------------------------------------------------

    def _check(self, boxes: list[list[Rect]]) -> None:
        for r in self.kept:
            if not holds(r, boxes):
                self.notes.append(f"No layout was found in which {self.things[r.a].phrase!r} is {SAID.get(r.kind, r.kind)} {self.things[r.b].phrase!r}.")
        if boxes and rects.least([b for pieces in boxes for b in pieces], self.size) < LEAST - 1:
            self.notes.append(f"Some boxes are under {LEAST} pixels on a side; a larger size would help.")
