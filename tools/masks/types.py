"""Names for the arrays that masks are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Labels = NDArray[np.uint8]  # (H, W) GrabCut codes
Mask = NDArray[np.bool_]  # (H, W)
Field = NDArray[np.floating[Any]]  # (H, W) or (h, w), usually 0..1
