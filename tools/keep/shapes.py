"""Small questions to masks, which all who keep parts of a picture ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
EDGE = 2  # pixels of a subject's edge in which the old background shines through, and over which it fades into the new one
LEAST = 0.05  # share of a region's place from which what stays of it is its subject


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask and all that is near it."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels) if mask.any() else mask


def union(masks: Sequence[Mask], shape: tuple[int, ...]) -> Mask:
    """All that is in any of the masks, of a picture of that shape."""
    return np.logical_or.reduce(masks) if masks else np.zeros(shape, bool)


def pixels_of(share: float, width: int, height: int) -> int:
    """A share of the long side in whole pixels, one at least."""
    return max(1, round(share * max(width, height)))
