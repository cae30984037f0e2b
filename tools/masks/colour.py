"""Whether a pixel's colour speaks for the background: two colour histograms held against each other.

Coarse attention cells reach over a subject's edge and cover what shows between its legs; the colours of what is surely background tell such pixels apart.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cutwork.tools.masks.types import Field, Mask, Picture

LEVELS = 16  # histogram levels of each Lab axis; a and b are cut to the half of their range that sRGB mostly fills
SPREAD = 0.7  # levels; sigma of the blur that lets neighbouring colours count
FLOOR = 1e-4  # density below which a colour counts as never seen


def evidence(image: Picture, back: Mask, front: Mask) -> Field:
    """Log of how much denser each pixel's colour is in the background sample than in the foreground sample, about -7..7.

    Args:
        image: (H, W, 3) uint8, RGB.
        back: (H, W), pixels known to be background. front: likewise foreground.

    Returns:
        (H, W) float64; 0 everywhere if either sample is empty.
    """
    if not back.any() or not front.any():
        return np.zeros(back.shape)
    colours = _levels(image)
    ratio = np.log(_density(colours[back]) + FLOOR) - np.log(_density(colours[front]) + FLOOR)
    speaks: Field = ratio[colours]
    return speaks


def _levels(image: Picture) -> NDArray[np.int64]:
    """Each pixel's place in a histogram over Lab, (H, W) in 0..LEVELS**3 - 1."""
    lab = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB).astype(np.int64)
    light, a, b = lab[..., 0] // 16, np.clip(lab[..., 1] - 64, 0, 127) // 8, np.clip(lab[..., 2] - 64, 0, 127) // 8
    return np.asarray((light * LEVELS + a) * LEVELS + b)


def _density(colours: NDArray[np.int64]) -> NDArray[np.float64]:
    """Blurred histogram of a sample, (LEVELS**3,), summing to about 1."""
    counts = np.bincount(colours, minlength=LEVELS**3).reshape(LEVELS, LEVELS, LEVELS)
    apart = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS))
    blur = np.exp(-0.5 * (apart / SPREAD) ** 2)
    blur /= blur.sum(0).max()
    smooth = np.einsum("xyz,ax,by,cz->abc", counts, blur, blur, blur, optimize=True)
    return np.asarray(smooth.ravel() / len(colours))
