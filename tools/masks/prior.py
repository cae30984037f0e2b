"""What the plan knows before the attention is read: a subject drawn regionally stands in its region."""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.domain import Box
from cutwork.tools.masks.place import Place
from cutwork.tools.masks.types import Mask

MARGIN = 0.10  # of the canvas; as good as 0.05 where boxes fit, and subjects that reach over theirs by 0.12 are still whole


def outside(place: Place, height: int, width: int, margin: float = MARGIN) -> Mask:
    """Pixels that lie outside a planned place even when it is widened by `margin` of the canvas each way: (height, width) bool.

    A place that covers the whole canvas leaves nothing outside.

    Raises:
        ValueError: if the place's mask is of another canvas.
    """
    if place.mask is None:
        return _outside_box(place.box, height, width, margin)
    if place.mask.shape != (height, width):
        raise ValueError(f"a region's mask is {place.mask.shape}, the canvas {(height, width)}")
    reach = np.ones((2 * round(margin * height) + 1, 2 * round(margin * width) + 1), np.uint8)
    return np.asarray(cv2.dilate(place.mask.astype(np.uint8), reach) == 0)


def _outside_box(box: Box, height: int, width: int, margin: float) -> Mask:
    wide = Box.of(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
    x0, y0, x1, y1 = wide.pixels(width, height)
    mask = np.ones((height, width), bool)
    mask[y0:y1, x0:x1] = False
    return mask
