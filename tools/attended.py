"""Where the model looked for each region's subject, from its keyword map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import Attended, Box
from cutwork.tools.attention.regions import shares
from cutwork.tools.masks.measure import tight_box
from cutwork.tools.masks.place import Place

Maps = NDArray[np.floating[Any]]  # (regions, h, w)


def attended(maps: Maps, places: Sequence[Place]) -> tuple[Attended, ...]:
    """Hold each region's map against its planned place.

    `inside` is the share of the map's mass inside the place, `lift` that share over the place's share of the canvas, `leakage` the share inside
    each other region's place and outside its own. A cell cut by a place's edge counts by the part of it that is inside.

    Args:
        maps: (regions, h, w), fused or raw; negative and non-finite values count as 0. All zero means nothing was attended.
        places: as many, in the same order.

    Raises:
        ValueError: if there are not as many maps as places.
    """
    if len(maps) != len(places):
        raise ValueError(f"{len(maps)} maps for {len(places)} regions")
    if not places:
        return ()
    covers = np.stack([cells(place, maps.shape[1], maps.shape[2]) for place in places])  # (regions, h, w)
    mass = np.clip(np.nan_to_num(maps.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), 0, None)
    return tuple(_one(mass[k], covers, k, place.area) for k, place in enumerate(places))


def cells(place: Place, rows: int, columns: int) -> NDArray[np.float64]:
    """Share of each cell that a place covers: (rows, columns) in 0..1. Pixels that lie in two cells count in each by their part."""
    if place.mask is None:
        return cover(place.box, rows, columns)
    height, width = place.mask.shape
    return _parts(rows, height) @ place.mask @ _parts(columns, width).T


def _parts(cells: int, pixels: int) -> NDArray[np.float64]:
    """Share of each cell that each pixel makes up, where both part the same length evenly: (cells, pixels), rows summing to 1."""
    edges = np.arange(cells + 1)[:, None] * pixels / cells
    share: NDArray[np.float64] = np.diff(np.clip(edges - np.arange(pixels), 0, 1), axis=0) * cells / pixels
    return share


def cover(box: Box, height: int, width: int) -> NDArray[np.float64]:
    """Share of each cell that a box covers: (height, width) in 0..1."""
    share: NDArray[np.float64] = shares(box.root, (height, width)).numpy()
    return share


def _one(mass: NDArray[np.float64], covers: NDArray[np.float64], own: int, area: float) -> Attended:
    """One region's map (h, w) held against the covers of all, (regions, h, w)."""
    total = mass.sum()
    if total <= 0:
        return Attended()
    share = mass / total
    inside = _share(share, covers[own])
    leakage = {str(k): _share(share, np.clip(covers[k] - covers[own], 0, 1)) for k in range(len(covers)) if k != own}
    return Attended(box=tight_box(mass > mass.max() / 2), inside=inside, lift=round(inside / area, 4), leakage=leakage)


def _share(share: NDArray[np.float64], where: NDArray[np.float64]) -> float:
    return min(1.0, round(float((share * where).sum()), 4))
