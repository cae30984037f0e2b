"""Does a tile show where it was joined?  The step across its edges, held against the steps within it.

About 1 where a tile goes on into itself as it goes on anywhere; above 1.5 is worth a look, above 2 is a seam. Steps within are the median
step of the tile and the largest beside the edge, whichever is more: where the edge runs along the side of a motif, so do its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutwork.tools.repeats.lattice import Lattice

Pixels = NDArray[np.uint8]
Steps = NDArray[np.float64]

LOOK, FAIL = 1.5, 2.0
BESIDE = 4  # columns on each side of the edge
FLOOR = 0.25  # levels; steps below this are seen by nobody
ROWS = 512


@dataclass(frozen=True)
class Seams:
    """Scores of a tile."""

    x: float  # across its left and right edges, and across the borders of its cells that run down
    y: float  # across the upper and lower
    moved: float  # mean difference in levels between the pattern and itself moved by a vector of its lattice; 0 = the same

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
    across, down = _steps(pixels), _steps(np.swapaxes(pixels, 0, 1))
    xs, ys = {0}, {0}
    for dx, dy in lattice.offsets if lattice else ():
        xs.add(dx)
        ys.add(dy)
    return Seams(max(_score(across, x) for x in xs), max(_score(down, y) for y in ys), moved(pixels, lattice) if lattice else 0.0)


def cell(pixels: Pixels, roll: tuple[int, int]) -> tuple[float, float]:
    """Scores of a single cell (H, W, 3) that its repeat shifts: the right edge against the left one moved down by `roll[0]`, the lower against the upper
    moved right by `roll[1]`. Half-drop: (h // 2, 0); half-brick: (0, w // 2).
    """
    flipped = np.swapaxes(pixels, 0, 1)
    return _joined(pixels, roll[0]), _joined(flipped, roll[1])


def moved(pixels: Pixels, lattice: Lattice) -> float:
    """Mean difference in levels between a tile and itself: moved by the vectors of its lattice, and for a mirror repeat reflected."""
    others = [np.roll(pixels, vector, (1, 0)) for vector in lattice.vectors]
    if lattice.repeat == "mirror":
        others += [pixels[:, ::-1], pixels[::-1]]
    return max(_apart(pixels, other) for other in others)


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


def _score(steps: Steps, at: int) -> float:
    """The step into a column against those beside it and the median one."""
    if len(steps) < 2:
        return 1.0
    beside = np.roll(steps, -at)
    around = np.concatenate([beside[1 : 1 + BESIDE], beside[-BESIDE:]]) if len(steps) > 2 * BESIDE else beside[1:]
    within = max(float(np.median(beside[1:])), float(around.max()), FLOOR)
    return max(float(beside[0]), FLOOR) / within


def _joined(pixels: Pixels, roll: int) -> float:
    steps = _steps(pixels)
    steps[0] = _difference(pixels[:, -1], np.roll(pixels[:, 0], roll, 0)).mean()
    return _score(steps, 0)
