"""What the plan knows before the attention is read: a subject drawn regionally stands in its region."""

from __future__ import annotations

import numpy as np

from cutwork.domain import Box
from cutwork.tools.masks.types import Mask

MARGIN = 0.10  # of the canvas; as good as 0.05 where boxes fit, and subjects that reach over theirs by 0.12 are still whole


def outside(box: Box, height: int, width: int, margin: float = MARGIN) -> Mask:
    """Pixels that lie outside a planned box even when it is widened by `margin` of the canvas each way: (height, width) bool.

    A box that covers the whole canvas leaves nothing outside.
    """
    wide = Box.of(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
    x0, y0, x1, y1 = wide.pixels(width, height)
    mask = np.ones((height, width), bool)
    mask[y0:y1, x0:x1] = False
    return mask
