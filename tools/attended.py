"""Where the model looked for each region's subject, from its keyword map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import Attended, Box, Region

Maps = NDArray[np.floating[Any]]  # (regions, h, w)


def attended(maps: Maps, regions: Sequence[Region]) -> tuple[Attended, ...]:
    """Hold each region's map against its planned box.

    `inside` is the share of the map's mass inside the box, `lift` that share over the box's share of the canvas, `leakage` the share inside
    each other region's box and outside its own. A cell cut by a box's edge counts by the part of it that is inside.

    Args:
        maps: (regions, h, w), fused or raw; negative and non-finite values count as 0. All zero means nothing was attended.
        regions: as many, in the same order.

    Raises:
        ValueError: if there are not as many maps as regions.
    """
    if len(maps) != len(regions):
        raise ValueError(f"{len(maps)} maps for {len(regions)} regions")
    if not regions:
        return ()
    covers = np.stack([cover(r.box, maps.shape[1], maps.shape[2]) for r in regions])  # (regions, h, w)
    mass = np.clip(np.nan_to_num(maps.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), 0, None)
    return tuple(_one(mass[k], covers, k, regions[k].box.area) for k in range(len(regions)))


def cover(box: Box, height: int, width: int) -> NDArray[np.float64]:
    """Share of each cell that a box covers: (height, width) in 0..1."""
    rows = _spans(box.y0, box.y1, height)
    columns = _spans(box.x0, box.x1, width)
    covered: NDArray[np.float64] = np.outer(rows, columns)
    return covered


def _spans(low: float, high: float, count: int) -> NDArray[np.float64]:
    start = np.arange(count)
    part: NDArray[np.float64] = np.clip(np.minimum(high * count, start + 1) - np.maximum(low * count, start), 0, 1)
    return part


def _one(mass: NDArray[np.float64], covers: NDArray[np.float64], own: int, area: float) -> Attended:
    total = mass.sum()
    if total <= 0:
        return Attended()
    share = mass / total
    inside = _share(share, covers[own])
    leakage = {str(k): _share(share, np.clip(covers[k] - covers[own], 0, 1)) for k in range(len(covers)) if k != own}
    return Attended(box=_box(mass > mass.max() / 2), inside=inside, lift=round(inside / area, 4), leakage=leakage)


def _share(share: NDArray[np.float64], where: NDArray[np.float64]) -> float:
    return min(1.0, round(float((share * where).sum()), 4))


def _box(mask: NDArray[np.bool_]) -> Box | None:
    """Tight box of the true cells, in fractions of the canvas."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    height, width = mask.shape
    return Box((columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height))
