"""Does a tile show where it was joined?  Each border is held against the other lines of its tile, which are known to be none.

A line between two columns is looked at in three ways (rows alike):

    step   mean difference of the two columns, in levels          a strip is missing, motifs end here
    slip   the same over the least there is when one of them is   one side was moved along the border, by a pixel or two
           moved along by -REACH..REACH pixels; 1 = fits as it is
    tone   what three rows of four differ by at least, in levels   one side is lighter, or of another shade

    score = max over the three of  border / max(largest of the BESIDE lines on each side, largest line of the tile but ASIDE)

So about 1 or less where a border is a line like others, also where it runs along the side of a motif, for there are other sides; above 1.5
it is worth a look, above 2 it is a seam. ASIDE is the line left out: a tile put together badly of two halves has its other seam inside.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutwork.tools.repeats.lattice import Lattice

Pixels = NDArray[np.uint8]
Steps = NDArray[np.float64]

LOOK, FAIL = 1.5, 2.0
BESIDE = 4  # lines on each side of the border
ASIDE = 1  # line
REACH = 4  # pixels
SPREAD = 64  # lines all over the tile whose slip and tone are measured
FLOORS = (0.25, 1.0, 1.0)  # of step, slip and tone: less is seen by nobody
APART = 255.0  # levels; of a tile that has another size than its lattice
ROWS = 512


@dataclass(frozen=True)
class Seams:
    """Scores of a tile."""

    x: float  # across its left and right edges, and across the borders of its cells that run down
    y: float  # across the upper and lower
    moved: float  # mean difference in levels between the pattern and itself moved by a vector of its lattice; 0 = the same, 255 = not of its size

    @property
    def worst(self) -> float:
        """The larger of both."""
        return max(self.x, self.y)

    @property
    def sound(self) -> bool:
        """Whether no seam is seen and the pattern repeats as it says."""
        return self.worst <= LOOK and self.moved == 0


def seams(pixels: Pixels, lattice: Lattice | None = None) -> Seams:
    """Scores of a tile (H, W, 3) at its edges; with its lattice also at the borders of every cell."""
    offsets = lattice.offsets if lattice and _fits(pixels, lattice) else ((0, 0),)
    x, y = _score(pixels, {dx for dx, _ in offsets}), _score(np.swapaxes(pixels, 0, 1), {dy for _, dy in offsets})
    return Seams(x, y, moved(pixels, lattice) if lattice else 0.0)


def cell(pixels: Pixels, roll: tuple[int, int]) -> tuple[float, float]:
    """Scores of a single cell (H, W, 3) that its repeat shifts: the right edge against the left one moved down by `roll[0]`, the lower against the upper
    moved right by `roll[1]`. Half-drop: (h // 2, 0); half-brick: (0, w // 2).
    """
    return _score(pixels, {0}, roll[0]), _score(np.swapaxes(pixels, 0, 1), {0}, roll[1])


def moved(pixels: Pixels, lattice: Lattice) -> float:
    """Mean difference in levels between a tile and itself: moved by the vectors of its lattice, and for a mirror repeat reflected."""
    if not _fits(pixels, lattice):
        return APART
    others = [np.roll(pixels, vector, (1, 0)) for vector in lattice.vectors]
    if lattice.repeat == "mirror":
        others += [pixels[:, ::-1], pixels[::-1]]
    return max(_apart(pixels, other) for other in others)


def _fits(pixels: Pixels, lattice: Lattice) -> bool:
    return pixels.shape[1::-1] == lattice.tile


def _apart(a: Pixels, b: Pixels) -> float:
    total = sum(int(_difference(a[y : y + ROWS], b[y : y + ROWS]).sum(dtype=np.int64)) for y in range(0, len(a), ROWS))
    return total / a.size


def _difference(a: Pixels, b: Pixels) -> Pixels:
    return np.asarray(np.maximum(a, b) - np.minimum(a, b))


def _steps(pixels: Pixels) -> Steps:
    """Mean step into each column from the one before it, around the torus (W,): the first crosses the edge."""
    total = np.zeros(pixels.shape[1])
    for y in range(0, len(pixels), ROWS):
        rows = pixels[y : y + ROWS]
        total[1:] += _difference(rows[:, 1:], rows[:, :-1]).sum((0, 2), dtype=np.int64)
        total[0] += _difference(rows[:, 0], rows[:, -1]).sum(dtype=np.int64)
    return np.asarray(total / (len(pixels) * pixels.shape[2]))


def _score(pixels: Pixels, borders: Set[int], roll: int = 0) -> float:
    """The worst of the lines into these columns, column 0 moved down by `roll` first, against the lines that are no borders."""
    width = pixels.shape[1]
    inside = [x for x in range(width) if x not in borders]
    if not inside:
        return 1.0
    near = {(x + k) % width for x in borders for k in range(-BESIDE, BESIDE + 1)} - borders
    measured = sorted({*near, *inside[:: max(1, len(inside) // SPREAD)]})
    steps, slips, tones = _steps(pixels), np.ones(width), np.zeros(width)
    steps[0] = _difference(pixels[:, -1], np.roll(pixels[:, 0], roll, 0)).mean()
    for x in (*borders, *measured):
        slips[x], tones[x] = _line(pixels[:, x - 1], np.roll(pixels[:, x], 0 if x else roll, 0))
    scores = []
    for floor, values, lines in zip(FLOORS, (steps, slips, tones), (inside, measured, measured), strict=True):
        usual = max(floor, *values[sorted(near)], np.sort(values[lines])[-1 - ASIDE :][0])
        scores.append(max(floor, *values[sorted(borders)]) / usual)
    return float(max(scores))


def _line(before: Pixels, after: Pixels) -> tuple[float, float]:
    """Slip and tone between two columns (H, 3)."""
    apart = [float(_difference(before, np.roll(after, k, 0)).mean()) + FLOORS[0] for k in range(-REACH, REACH + 1)]
    steps = _difference(before, after).max(1)
    return apart[REACH] / min(apart), float(np.partition(steps, len(steps) // 4)[len(steps) // 4])
