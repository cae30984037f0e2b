"""The torus a repeat lives on: its rectangular tile, the translations that leave the pattern as it is, and even places for motifs.

    straight      (w, 0) (0, h)        tile w × h       cells side by side
    half-drop     (w, h/2) (0, h)      tile 2w × h      each next column half a cell lower
    half-brick    (w, 0) (w/2, h)      tile w × 2h      each next row half a cell to the right
    mirror        (2w, 0) (0, 2h)      tile 2w × 2h     the cell and its reflections in both axes
    hexagonal     (w, 0) (w/2, h)      tile w × 2h      h = w √3/2: every cell has six neighbours equally far away
    ogee          columns of pointed ovals that interlock, each with a motif
    tossed        (w, 0) (0, h)        tile w × h       see `toss`

All lengths are whole pixels. The tile of every repeat tiles straight, which is what every printer's software can do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cutwork.domain import Repeat

Point = tuple[int, int]  # x, y in pixels
OGEE = 1.5  # height of an oval over its width
LINE = 0.045  # width of the line between ogees, over that of an oval


@dataclass(frozen=True)
class Lattice:
    """One repeat on its torus."""

    repeat: Repeat
    cell: Point  # width and height of one repeat
    tile: Point  # width and height of the rectangle that tiles straight
    vectors: tuple[Point, Point]  # translations of the pattern onto itself; they span it
    oval: Point | None = None  # width and height of an ogee's pointed oval

    @property
    def offsets(self) -> tuple[Point, ...]:
        """Where in the tile the pattern comes again, the origin first."""
        found, new = [(0, 0)], [(0, 0)]
        while new:
            x, y = new.pop()
            for dx, dy in self.vectors:
                at = ((x + dx) % self.tile[0], (y + dy) % self.tile[1])
                if at not in found:
                    found.append(at)
                    new.append(at)
        return tuple(sorted(found))


@dataclass(frozen=True)
class Placed:
    """One motif in the tile: its centre in pixels, its longer side, and how it is turned (degrees, counter-clockwise, after reflection)."""

    motif: int
    x: int
    y: int
    side: float
    angle: float = 0.0
    flip_x: bool = False
    flip_y: bool = False


def lattice(repeat: Repeat, width: int, motifs: int = 1) -> Lattice:
    """The torus of a repeat whose cell is so many pixels wide; `motifs` matters to the ogee alone, whose tile has an oval for each."""
    w = max(2, 2 * round(width / 2))
    match repeat:
        case "straight" | "tossed":
            return Lattice(repeat, (w, w), (w, w), ((w, 0), (0, w)))
        case "half-drop":
            return Lattice(repeat, (w, w), (2 * w, w), ((w, w // 2), (0, w)))
        case "half-brick":
            return Lattice(repeat, (w, w), (w, 2 * w), ((w, 0), (w // 2, w)))
        case "mirror":
            return Lattice(repeat, (w, w), (2 * w, 2 * w), ((2 * w, 0), (0, 2 * w)))
        case "hexagonal":
            h = max(1, round(w * math.sqrt(3) / 2))
            return Lattice(repeat, (w, h), (w, 2 * h), ((w, 0), (w // 2, h)))
        case "ogee":
            return _ogee(w, motifs)


def _ogee(width: int, motifs: int) -> Lattice:
    """Ovals in columns half an oval apart, as many in the tile as there are motifs or a few more, none narrower than half of it."""
    across = 1 if motifs <= 2 else 2
    u = max(2, 2 * round(width / across / 2))
    v = max(2, 2 * round(OGEE * u / 2))
    tile = (across * u, -(-motifs // (2 * across)) * v)
    return Lattice("ogee", (u, v) if motifs == 1 else tile, tile, ((u // 2, v // 2), (0, v)) if motifs == 1 else ((tile[0], 0), (0, tile[1])), oval=(u, v))


def wave(oval: Point, y: float) -> float:
    """Where at a height the border to the right of an ogee's first column runs, pixels; that to its left is the same, half an oval to the right and down."""
    u, v = oval
    return u / 2 - u / 4 * (1 - LINE) * math.cos(2 * math.pi * y / v)


def borders(lattice: Lattice) -> tuple[tuple[float, float], ...]:
    """Points (x, y) on all lines of an ogee's tile, a pixel or less apart in height; none for other repeats."""
    if lattice.oval is None:
        return ()
    (u, v), (w, h) = lattice.oval, lattice.tile
    one = [(wave(lattice.oval, k / 2), k / 2) for k in range(2 * v)]
    both = one + [(x + u / 2, y + v / 2) for x, y in one]
    return tuple(((x + n * u) % w, (y + m * v) % h) for n in range(w // u) for m in range(h // v) for x, y in both)


def everywhere(lattice: Lattice, one: Placed) -> Iterator[Placed]:
    """A motif of the cell wherever the repeat brings it back in the tile."""
    if lattice.repeat == "mirror":
        w, h = lattice.tile
        for fx in (False, True):
            for fy in (False, True):
                x, y = (w - 1 - one.x if fx else one.x), (h - 1 - one.y if fy else one.y)
                angle = -one.angle if fx != fy else one.angle
                yield Placed(one.motif, x, y, one.side, angle, one.flip_x != fx, one.flip_y != fy)
        return
    for dx, dy in lattice.offsets:
        yield Placed(one.motif, (one.x + dx) % lattice.tile[0], (one.y + dy) % lattice.tile[1], one.side, one.angle, one.flip_x, one.flip_y)


def spots(lattice: Lattice, count: int) -> tuple[Point, ...]:
    """As many places as asked for in one cell, spread as evenly as the repeat allows.

    They are the points of a finer lattice that contains the repeat's own, the one whose nearest neighbours are farthest apart.
    """
    if lattice.oval:
        (u, v), (w, h) = lattice.oval, lattice.tile
        columns, rows = (1, 1) if lattice.vectors[0] == (u // 2, v // 2) else (2 * w // u, h // v)
        return tuple((u // 4 + k * u // 2, (v // 2 if k % 2 == 0 else 0) + j * v) for j in range(rows) for k in range(columns))
    if lattice.repeat == "mirror":
        return _grid(lattice.cell, count)
    _, steps = max(((_evenness(f1, f2), (p, r, f1, f2)) for p, r, f1, f2 in _finer(lattice, count)), key=lambda found: (found[0], found[1][0]))
    p, r, f1, f2 = steps
    half = (lattice.cell[0] / 2, lattice.cell[1] / 2)  # so that a lone motif stands in the middle
    start = half if count == 1 else (f1[0] / 2 + f2[0] / 2, f1[1] / 2 + f2[1] / 2)
    return tuple(
        (round(start[0] + i * f1[0] + j * f2[0]) % lattice.tile[0], round(start[1] + i * f1[1] + j * f2[1]) % lattice.tile[1])
        for j in range(r)
        for i in range(p)
    )


def evenness(lattice: Lattice, count: int) -> float:
    """Distance of nearest neighbours among that many spots, as a share of what a perfect honeycomb would give, 0..1."""
    if lattice.oval:
        return 1.0
    if lattice.repeat == "mirror":
        across = _across(count)
        return math.sqrt(min(across, count // across) / max(across, count // across))
    (ax, ay), (bx, by) = lattice.vectors
    ideal = math.sqrt(2 / math.sqrt(3) * abs(ax * by - ay * bx) / count)
    return max(_evenness(f1, f2)[0] for _, _, f1, f2 in _finer(lattice, count)) / ideal


def _finer(lattice: Lattice, count: int) -> Iterator[tuple[int, int, tuple[float, float], tuple[float, float]]]:
    """Every lattice that contains the repeat's own with `count` points a cell: p steps of the first basis vector, r of the second."""
    (ax, ay), (bx, by) = lattice.vectors
    for p in (d for d in range(1, count + 1) if count % d == 0):
        r = count // p
        for q in range(r):
            f1 = (ax / p, ay / p)
            yield p, r, f1, ((bx + q * f1[0]) / r, (by + q * f1[1]) / r)


def _evenness(f1: tuple[float, float], f2: tuple[float, float]) -> tuple[float, float]:
    """Least distance between points of a lattice, and the sum of the six least to tell ties apart; pixels."""
    while True:  # Gauss: to the shortest basis there is
        f1, f2 = sorted((f1, f2), key=lambda f: (math.hypot(*f), f))
        times = round((f1[0] * f2[0] + f1[1] * f2[1]) / (f1[0] ** 2 + f1[1] ** 2))
        less = (f2[0] - times * f1[0], f2[1] - times * f1[1])
        if math.hypot(*less) >= math.hypot(*f2) * (1 - 1e-9):  # of two that are equally long, rounding would choose the other for ever
            break
        f2 = less
    near = sorted(math.hypot(i * f1[0] + j * f2[0], i * f1[1] + j * f2[1]) for i in range(-2, 3) for j in range(-2, 3) if i or j)
    return round(near[0], 6), round(sum(near[:6]), 6)


def _grid(cell: Point, count: int) -> tuple[Point, ...]:
    """Rows and columns of a cell that has mirrors on all sides, half a step away from them."""
    across = _across(count)
    down = count // across
    return tuple((round((i + 0.5) * cell[0] / across), round((j + 0.5) * cell[1] / down)) for j in range(down) for i in range(across))


def _across(count: int) -> int:
    """Columns of a grid that is as square as can be, rather too wide than too tall."""
    return min((d for d in range(1, count + 1) if count % d == 0), key=lambda d: (abs(d - count // d), -d))


def shared_out(lattice: Lattice, places: Sequence[Point], motifs: int) -> tuple[int, ...]:
    """Which motif stands on which spot: each as often as the others, to one, and as far as can be from itself."""
    given: list[int] = []
    for k, place in enumerate(places):
        uses = [given.count(m) for m in range(motifs)]
        free = [m for m in range(motifs) if uses[m] == min(uses)]
        given.append(max(free, key=lambda m: (round(min((torus_distance(lattice, place, places[i]) for i in range(k) if given[i] == m), default=math.inf), 3), -m)))
    return tuple(given)


def torus_distance(lattice: Lattice, a: Point, b: Point) -> float:
    """Distance between two points, to the nearest of all copies; pixels."""
    w, h = lattice.tile
    return min(
        math.hypot((a[0] - b[0] - dx + w / 2) % w - w / 2, (a[1] - b[1] - dy + h / 2) % h - h / 2)
        for dx, dy in (lattice.offsets if lattice.repeat != "mirror" else ((0, 0),))
    )
