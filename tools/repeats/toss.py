"""Motifs on the torus with true gaps between their alphas: tossed by Poisson-disk darts, or as large as an even layout takes them.

The torus is a grid of cells. A cell is taken if any of a motif reaches into it, and blocked if it is nearer to a taken one than the gap, at
the worst; so the gap holds for every pixel, whatever the shapes. Where a motif may go is known for all places at once, by one correlation.
Tossed motifs go in from large to small: when no place is left for a large one anywhere, the holes are filled with smaller ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import Seed
from cutwork.errors import BadInput
from cutwork.tools.repeats.lattice import Lattice, Placed, borders, evenness, everywhere, shared_out, spots

Field = NDArray[np.float32]
Cells = NDArray[np.int64]  # (n, 2): row, column

GRID = 384  # cells along the longer side of the torus at most; none is smaller than a pixel
SLACK = 3.0  # pixels; what resampling adds to a motif's edge, on both sides of a gap
SOLID = 8  # alpha from which a pixel is of the motif
SCALES = (1.0, 0.78, 0.6, 0.46, 0.35)  # of tossed motifs, large to small
SHARES = (0.26, 0.24, 0.26, 0.3, 1.0)  # how many of the wanted number each may be
TRIES = 3  # angles a motif is tried at before it counts as too large
DARTS = 32  # of which the one that nests best is taken
KINSHIP, FAR = 1.0, 3.0  # weight of being so many sides away from the nearest motif of the same kind, against crowding
MOST = 160  # motifs in a tile
WANTED = 40  # motifs, where nobody said how large they are
COVER = 0.37  # of a tossed tile by so many motifs and their share of the gaps, about
EVEN = 0.9  # of the best evenness is even enough
AIR = 0.92  # of the largest size there is room for, where nobody said how large
HANDFUL = 4  # motifs a cell holds at least, where it can and they are not all the same
TILT = 24.0  # degrees of motifs between mirrors, so that reflections meet in chevrons
PACKED = 0.9  # of a cell that motifs and half their gaps cover at most
CROWD = 12  # motifs in the cell of an even layout at most
SMALLEST = 4.0  # pixels; below this a motif is no picture
SLIM = 1 / 3  # of a motif's longer side its shorter one is at least, as long as nothing of it is known


@dataclass(frozen=True)
class Outline:
    """Where a motif is solid: points in units of its longer side, about its centre, y downwards; each stands for a square of side `step`."""

    points: NDArray[np.float64]  # (n, 2): x, y
    step: float

    @classmethod
    def of(cls, alpha: NDArray[np.uint8], steps: int = 72) -> Outline:
        """From an alpha (H, W), in at most so many steps along the longer side; nothing of it is lost."""
        h, w = alpha.shape
        size = -(-max(h, w) // steps)  # pixels a step
        padded = np.zeros((-(-h // size) * size, -(-w // size) * size), bool)
        padded[:h, :w] = alpha >= SOLID
        rows, columns = np.nonzero(padded.reshape(padded.shape[0] // size, size, -1, size).any((1, 3)))
        points = np.stack([(columns + 0.5) * size - w / 2, (rows + 0.5) * size - h / 2], 1)
        return cls(points / max(h, w), size / max(h, w))

    @cached_property
    def area(self) -> float:
        """In squares of the longer side."""
        return len(self.points) * self.step**2

    def at(self, one: Placed) -> NDArray[np.float64]:
        """The points of a placed motif about its own centre, pixels (n, 2)."""
        x, y = self.points[:, 0] * (-1 if one.flip_x else 1), self.points[:, 1] * (-1 if one.flip_y else 1)
        cos, sin = math.cos(math.radians(one.angle)), math.sin(math.radians(one.angle))
        return np.stack([cos * x + sin * y, cos * y - sin * x], 1) * one.side


class Torus:
    """Which cells of a tile are taken by motifs, and which are too near to them."""

    def __init__(self, tile: tuple[int, int], gap: float, step: float) -> None:
        """A free torus; `gap` in pixels, `step` the largest square in pixels that an outline's point may stand for."""
        self.tile, self.gap = tile, gap + SLACK
        size = max(1.0, max(tile) / GRID)
        self.shape = max(1, round(tile[1] / size)), max(1, round(tile[0] / size))  # rows, columns
        self.cell = tile[1] / self.shape[0], tile[0] / self.shape[1]  # pixels
        self.blocked = np.zeros(self.shape, bool)
        self._reach = self._around(self.gap + step * math.sqrt(2))

    def _around(self, distance: float) -> Cells:
        """Offsets of the cells of which some point may be nearer than so many pixels to some point of the cell at the origin."""
        rows, columns = (min(math.ceil(distance / side) + 1, (count + 1) // 2) for side, count in zip(self.cell, self.shape, strict=True))
        dy, dx = np.mgrid[-rows : rows + 1, -columns : columns + 1]
        near = np.hypot(np.maximum(abs(dy) - 1, 0) * self.cell[0], np.maximum(abs(dx) - 1, 0) * self.cell[1]) < distance
        return np.stack([dy[near], dx[near]], 1)

    def cells(self, points: NDArray[np.float64], x: float = 0.0, y: float = 0.0) -> Cells:
        """The cells that points (n, 2) about a centre lie in, each once, not wrapped."""
        at = np.floor((points[:, ::-1] + (y, x)) / self.cell).astype(np.int64)
        low = at.min(0)
        rows, columns = np.ptp(at, axis=0) + 1
        seen = np.zeros(rows * columns, bool)
        seen[(at[:, 0] - low[0]) * columns + at[:, 1] - low[1]] = True
        where = np.flatnonzero(seen)
        return np.asarray(np.stack([where // columns, where % columns], 1) + low)

    def fits(self, points: NDArray[np.float64]) -> bool:
        """Whether a motif keeps the gap to its own copies in the neighbouring tiles."""
        return bool((np.ptp(points, axis=0) + self.gap <= self.tile).all())

    def free(self, cells: Cells) -> bool:
        """Whether all these cells are neither taken nor blocked."""
        return not self.blocked[cells[:, 0] % self.shape[0], cells[:, 1] % self.shape[1]].any()

    def take(self, cells: Cells) -> None:
        """Block these cells and all that are nearer to them than the gap."""
        taken = np.zeros(self.shape, bool)
        taken[cells[:, 0] % self.shape[0], cells[:, 1] % self.shape[1]] = True
        inner = taken & np.roll(taken, 1, 0) & np.roll(taken, -1, 0) & np.roll(taken, 1, 1) & np.roll(taken, -1, 1)
        self.blocked |= taken
        for row, column in np.argwhere(taken & ~inner):  # only the rim reaches further than the motif itself
            self.blocked[(self._reach[:, 0] + row) % self.shape[0], (self._reach[:, 1] + column) % self.shape[1]] = True

    def room(self, cells: Cells, spectrum: NDArray[np.complex64]) -> NDArray[np.float64]:
        """For every shift by whole cells, how many blocked cells a motif would lie on (rows, columns); below a half it may go there."""
        mask = np.zeros(self.shape, np.float32)
        mask[cells[:, 0] % self.shape[0], cells[:, 1] % self.shape[1]] = 1
        return np.asarray(np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(mask)), self.shape))

    def spectrum(self) -> NDArray[np.complex64]:
        """The blocked cells, ready to be correlated."""
        return np.asarray(np.fft.rfft2(self.blocked.astype(np.float32)))


def toss(lattice: Lattice, outlines: Sequence[Outline], gap: float, seed: Seed, side: float | None = None) -> tuple[Placed, ...]:
    """Motifs in all directions, spread over the tile and nested: maximal, for not even the smallest would find another place.

    Args:
        lattice: of a tossed repeat.
        outlines: one a motif.
        gap: least distance between the alphas of two motifs, pixels.
        seed: the same seed tosses the same.
        side: longer side of the largest motifs in pixels; None = so that about forty fill the tile.

    Raises:
        BadInput: if not one motif finds room.
    """
    rng = np.random.default_rng(seed)
    weights = [1.0] * len(outlines) if side else [min(1.25, max(0.8, (_mean_area(outlines) / o.area) ** 0.3)) for o in outlines]  # slim ones larger, stout ones smaller
    side = side or _side_of(lattice, outlines, gap, WANTED)
    count = _count_of(lattice, outlines, gap, side)
    torus = Torus(lattice.tile, gap, max(o.step * w for o, w in zip(outlines, weights, strict=True)) * side)
    placed: list[Placed] = []
    for scale, share in zip(SCALES, SHARES, strict=True):
        if scale * side >= SMALLEST:
            placed += _level(torus, outlines, [side * scale * w for w in weights], max(1, round(count * share)), placed, rng)
    if not placed:
        raise BadInput(
            f"no motif of {side:.0f} pixels finds room in a tile of {lattice.tile[0]} with gaps of {gap:.0f}", "use a wider repeat, smaller motifs or gap_mm"
        )
    return tuple(placed)


def _level(torus: Torus, outlines: Sequence[Outline], sides: Sequence[float], most: int, before: Sequence[Placed], rng: np.random.Generator) -> list[Placed]:
    """Motifs of one size, until there are enough or none finds room; those there are fewest of come first."""
    placed: list[Placed] = []
    full: set[int] = set()
    spectrum = torus.spectrum()
    while len(placed) < most and len(before) + len(placed) < MOST and len(full) < len(outlines):
        uses = [sum(p.motif == m for p in (*before, *placed)) for m in range(len(outlines))]
        motif = min((m for m in range(len(outlines)) if m not in full), key=lambda m: (uses[m], rng.random()))
        found = _dart(torus, outlines[motif], motif, sides[motif], [*before, *placed], spectrum, rng)
        if found is None:
            full.add(motif)
            continue
        torus.take(torus.cells(outlines[motif].at(found), found.x, found.y))
        placed.append(found)
        spectrum = torus.spectrum()
    return placed


def _dart(
    torus: Torus, outline: Outline, motif: int, side: float, before: Sequence[Placed], spectrum: NDArray[np.complex64], rng: np.random.Generator
) -> Placed | None:
    """A place for one motif: of darts thrown at where there is room the one that nests best; None where there is no room."""
    kin = [p for p in before if p.motif == motif]
    for attempt in range(TRIES):
        angle = (len(before) * 137.508 + attempt * 360 / TRIES + rng.uniform(-15, 15)) % 360  # the golden angle: all directions, none twice in a row
        one = Placed(motif, 0, 0, side, round(angle, 3), bool(rng.random() < 0.5))
        points = outline.at(one)
        if not torus.fits(points):
            continue
        room = np.flatnonzero(torus.room(torus.cells(points, *_middle(torus)), spectrum).ravel() < 0.5)
        darts = room[rng.integers(len(room), size=min(DARTS, len(room)))] if len(room) else room
        for dart in _nesting(torus, darts, kin, side):
            row, column = divmod(int(dart), torus.shape[1])
            x, y = (round((k + 0.5) * c) for k, c in ((column, torus.cell[1]), (row, torus.cell[0])))
            if torus.free(torus.cells(points, x, y)):  # whole pixels may fall into other cells than the correlation saw
                return Placed(motif, x % torus.tile[0], y % torus.tile[1], side, one.angle, one.flip_x)
    return None


def _middle(torus: Torus) -> tuple[float, float]:
    return torus.cell[1] / 2, torus.cell[0] / 2


def _nesting(torus: Torus, darts: Cells, kin: Sequence[Placed], side: float) -> Cells:
    """Darts in the order of how well they nest: close to others, which leaves whole holes to others, but far from their like."""
    if len(darts) < 2 or not torus.blocked.any():
        return darts
    score = blurred(torus.blocked.astype(np.float32), max(2, GRID // 24)).ravel()[darts].astype(np.float64)
    if kin:
        (rows, columns), (w, h) = np.divmod(darts, torus.shape[1]), torus.tile
        dx = abs(columns[:, None] * torus.cell[1] - [p.x for p in kin])
        dy = abs(rows[:, None] * torus.cell[0] - [p.y for p in kin])
        nearest = np.hypot(np.minimum(dx, w - dx), np.minimum(dy, h - dy)).min(1)
        score += KINSHIP * np.minimum(nearest / side, FAR) / FAR
    return darts[np.argsort(-score, kind="stable")]


def blurred(field: Field, radius: int) -> Field:
    """Mean over a square, around the torus."""
    for axis in (0, 1):
        padded = np.concatenate([np.take(field, range(-radius - 1, 0), axis), field, np.take(field, range(radius), axis)], axis)
        total = np.cumsum(padded, axis, dtype=np.float64)
        size = field.shape[axis]
        field = ((np.take(total, range(2 * radius + 1, 2 * radius + 1 + size), axis) - np.take(total, range(size), axis)) / (2 * radius + 1)).astype(np.float32)
    return field


def _mean_area(outlines: Sequence[Outline]) -> float:
    return sum(o.area for o in outlines) / len(outlines)


def _share(outlines: Sequence[Outline], side: float, gap: float) -> float:
    """Pixels a tossed motif of the mean size takes, with its share of the gaps."""
    mean = sum(s * s * w for s, w in zip(SCALES, SHARES, strict=True)) / sum(SHARES)
    return (math.sqrt(_mean_area(outlines) * mean) * side + gap / 2) ** 2


def _count_of(lattice: Lattice, outlines: Sequence[Outline], gap: float, side: float) -> int:
    return max(1, min(MOST, round(COVER * lattice.tile[0] * lattice.tile[1] / _share(outlines, side, gap))))


def _side_of(lattice: Lattice, outlines: Sequence[Outline], gap: float, count: int) -> float:
    """Longer side at which so many motifs fill the tile."""
    low, high = SMALLEST, float(max(lattice.tile))
    for _ in range(30):
        side = (low + high) / 2
        low, high = (side, high) if _share(outlines, side, gap) * count < COVER * lattice.tile[0] * lattice.tile[1] else (low, side)
    return max(SMALLEST, low)


def has_room(lattice: Lattice, motifs: int, gap: float, side: float | None = None) -> bool:
    """Whether so many motifs might find room (tossed: whether any might), before they are drawn: as slim ovals that lie or stand. False is certain for all but slimmer ones.

    Args:
        gap: least distance between alphas, pixels.
        side: longer side of the motifs in pixels; None = however small.
    """
    rows, columns = np.mgrid[-35.5:36, -35.5:36]
    lying = Outline.of(((columns / 36) ** 2 + (rows / 36 / SLIM) ** 2 <= 1).astype(np.uint8) * 255)
    if lattice.repeat == "tossed":
        least = SMALLEST if side is None else side * SCALES[-1]
        torus = Torus(lattice.tile, gap, lying.step * least)
        return any(torus.fits(lying.at(Placed(0, 0, 0, least, angle))) for angle in (0.0, 45.0))
    return any(_has_room(lattice, [one] * motifs, gap, side) for one in (lying, Outline(lying.points[:, ::-1], lying.step)))


def _has_room(lattice: Lattice, outlines: Sequence[Outline], gap: float, side: float | None) -> bool:
    counts = _counts(lattice, outlines, gap, side)
    count = counts[0] if side is not None else _handful(lattice, outlines, counts)
    return _keeps(lattice, _sized(_layout(lattice, outlines, count), side or SMALLEST), outlines, gap)


def arrange(lattice: Lattice, outlines: Sequence[Outline], gap: float, side: float | None = None) -> tuple[Placed, ...]:
    """Motifs of one size in even rows, each as often as the others, facing left and right in turn.

    Args:
        lattice: of any repeat but the tossed one.
        outlines: one a motif.
        gap: least distance between alphas, pixels.
        side: longer side of the motifs in pixels, and there are as many as find room; None = as large as a handful of them can be.

    Returns:
        The motifs of one cell; `lattice.everywhere` has those of the tile.

    Raises:
        BadInput: if there is no room for them.
    """
    counts = _counts(lattice, outlines, gap, side)
    if side is None:
        best = _layout(lattice, outlines, _handful(lattice, outlines, counts))
        return _sized(best, AIR * _largest(lattice, best, outlines, gap))
    for count in reversed(counts):
        places = _sized(_layout(lattice, outlines, count), side)
        if _keeps(lattice, places, outlines, gap):
            return places
    most = _largest(lattice, _layout(lattice, outlines, counts[0]), outlines, gap)
    raise BadInput(
        f"motifs of {side:.0f} pixels do not fit a {lattice.repeat} repeat of {lattice.cell[0]} with gaps of {gap:.0f}; {most:.0f} is the largest that does",
        "use a wider repeat (width_cm), smaller motifs (motif_cm) or a smaller gap_mm",
    )


def _counts(lattice: Lattice, outlines: Sequence[Outline], gap: float, side: float | None) -> list[int]:
    """How many motifs a cell may hold, rising; each motif equally often, or to one where there are mirrors or ovals."""
    motifs = len(outlines)
    if lattice.oval:
        return [motifs]  # the lattice has settled it
    most = CROWD
    if side is not None:
        each = (math.sqrt(_mean_area(outlines)) * side + gap) ** 2
        most = min(MOST, int(PACKED * lattice.cell[0] * lattice.cell[1] / each))
    if lattice.repeat == "mirror":
        least = math.ceil(math.sqrt(motifs))
        return [k * k for k in range(least, max(least, 2 if side is None else math.isqrt(most)) + 1)]
    return [motifs * m for m in range(1, max(1, most // motifs) + 1) if side is not None or m <= 4]


def _handful(lattice: Lattice, outlines: Sequence[Outline], counts: Sequence[int]) -> int:
    """How many of these there are where nobody said how large: the fewest that are a handful and stand about as evenly as can be."""
    most = max(evenness(lattice, n) for n in counts)
    return next(n for n in counts if evenness(lattice, n) >= EVEN * most and (n >= HANDFUL or n == counts[-1] or len(outlines) == 1))  # one motif shows best how it is shifted


def _layout(lattice: Lattice, outlines: Sequence[Outline], count: int) -> tuple[Placed, ...]:
    places = spots(lattice, count)
    who = shared_out(lattice, places, len(outlines))
    tilt = TILT if lattice.repeat == "mirror" else 0.0
    seen = [sum(w == who[k] for w in who[:k]) for k in range(len(who))]
    return tuple(Placed(m, x, y, 1.0, tilt, flip_x=bool(n % 2)) for (x, y), m, n in zip(places, who, seen, strict=True))


def _sized(places: Sequence[Placed], side: float) -> tuple[Placed, ...]:
    return tuple(Placed(p.motif, p.x, p.y, side, p.angle, p.flip_x, p.flip_y) for p in places)


def _keeps(lattice: Lattice, placed: Sequence[Placed], outlines: Sequence[Outline], gap: float) -> bool:
    """Whether these motifs and all their copies keep the gap."""
    torus = Torus(lattice.tile, gap, max(o.step for o in outlines) * max(p.side for p in placed))
    if lattice.oval:
        torus.take(torus.cells(np.array(borders(lattice))))
    for one in placed:
        for copy in everywhere(lattice, one):
            points = outlines[copy.motif].at(copy)
            cells = torus.cells(points, copy.x, copy.y)
            if not torus.fits(points) or not torus.free(cells):
                return False
            torus.take(cells)
    return True


def _largest(lattice: Lattice, places: Sequence[Placed], outlines: Sequence[Outline], gap: float) -> float:
    """The largest side, to half a per cent, at which a layout keeps the gap.

    Raises:
        BadInput: if even dots do not.
    """
    low, high = 0.0, float(2 * max(lattice.tile))
    while high - low > max(0.5, 0.005 * high):
        middle = (low + high) / 2
        low, high = (middle, high) if _keeps(lattice, _sized(places, middle), outlines, gap) else (low, middle)
    if low < SMALLEST:
        raise BadInput(
            f"a {lattice.repeat} repeat of {lattice.cell[0]} pixels has no room for {len(places)} motifs with gaps of {gap:.0f}",
            "use a wider repeat (width_cm), more dpi or a smaller gap_mm",
        )
    return low
