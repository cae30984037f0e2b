"""Soft edges: closed-form matting in a band along a mask's edge, and the subject's own colours under them.

pymatting compiles its kernels on first use (over a minute) and keeps them in the folder that NUMBA_CACHE_DIR names, by default next to its own
source; set it to a writable folder before the first import. Its kernels may abort the process when two threads run them, so one lock holds them all.

Source: Levin, Lischinski, Weiss, "A closed-form solution to natural image matting" (2008), as implemented by pymatting.
"""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cutwork.tools.masks.types import Mask, Picture

BAND = 0.02  # of the canvas' long side: half the width of the band in which alpha is open
LOCK = threading.Lock()

Alpha = NDArray[np.floating[Any]]  # (H, W) in 0..1


def soften(image: Picture, mask: Mask, band: float = BAND) -> Alpha:
    """Alpha that follows the picture along the mask's edge, and the mask elsewhere.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool.
        band: half width of the open band, in parts of the long side; at least 2 pixels.

    Returns:
        (H, W) float64 in 0..1. A mask too thin or too full to leave both sides something sure comes back unchanged.
    """
    known = trimap(mask, max(2, round(band * max(mask.shape))))
    if not ((known == 0).any() and (known == 1).any() and (known == 0.5).any()):
        return mask.astype(np.float64)
    with LOCK:
        from pymatting import estimate_alpha_cf

        alpha = estimate_alpha_cf(image / 255.0, known)
    return np.clip(np.nan_to_num(np.asarray(alpha, np.float64)), 0.0, 1.0)


def foreground(image: Picture, alpha: Alpha) -> Picture:
    """The subject's own colours, without what shines through from behind: (H, W, 3) uint8."""
    with LOCK:
        from pymatting import estimate_foreground_ml

        colours = estimate_foreground_ml(image / 255.0, alpha)
    return np.asarray(np.clip(colours * 255 + 0.5, 0, 255), np.uint8)


def trimap(mask: Mask, radius: int) -> Alpha:
    """1 well inside the mask, 0 well outside, 0.5 within `radius` pixels of its edge. The canvas border is no edge."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner = cv2.erode(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE)
    known: Alpha = (inner.astype(np.float64) + outer) / 2
    return known
