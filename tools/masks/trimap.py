"""From a soft map to the four values GrabCut starts from: definite or probable, background or foreground.

Source: Entropy Fusion (arXiv 2503.10697), stage 5; thresholds and the rules for empty classes after its nearest
published relative, Alfie (arXiv 2408.14826).
"""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.tools.masks.types import Field, Labels, Mask

BGD, FGD, PROBABLE_BGD, PROBABLE_FGD = 0, 1, 2, 3  # OpenCV's codes
PROMOTED, DEMOTED = 0.01, 0.10  # shares of the canvas given to an empty definite class


def upsample(fused: Field, height: int, width: int) -> Field:
    """A token-grid map at image size: bicubic, clipped. (h, w) in 0..1 -> (height, width) float32 in 0..1."""
    large = cv2.resize(np.ascontiguousarray(fused, dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    clipped: Field = np.clip(large, 0.0, 1.0)
    return clipped


def four_values(field: Field, thresholds: tuple[float, float, float]) -> Labels:
    """Label each pixel: above the third threshold FGD, the second PROBABLE_FGD, the first PROBABLE_BGD, else BGD.

    Args:
        field: (H, W) in 0..1.
        thresholds: rising, in the order of `CutSettings.thresholds`.

    Returns:
        (H, W) uint8.
    """
    codes = np.array([BGD, PROBABLE_BGD, PROBABLE_FGD, FGD], np.uint8)
    steps = np.zeros(field.shape, np.uint8)
    for threshold in thresholds:
        steps += field > threshold
    labels: Labels = codes[steps]
    return labels


def fill_empty(labels: Labels, field: Field) -> Labels:
    """Give GrabCut the definite pixels of both classes that it needs.

    No FGD: the top 1 % of the field becomes FGD. No BGD: the bottom 10 % becomes BGD, or, where the field cannot tell
    which (the lowest tenth is as high as the rest), the ring along the canvas border. A constant field names no subject and is left as it is.

    Args:
        labels: (H, W) uint8.
        field: (H, W), the map the labels came from.

    Returns:
        (H, W) uint8, a copy.
    """
    labels = labels.copy()
    if field.max() - field.min() < 1e-6:
        return labels
    if not (labels == FGD).any():
        labels[_extreme(-field, PROMOTED)] = FGD
    if not (labels == BGD).any():
        low = field <= np.quantile(field, DEMOTED)
        if low.mean() > 2 * DEMOTED:
            low = border_ring(*field.shape)
        labels[low & (labels != FGD)] = BGD
    return labels


def initial(fused: Field, height: int, width: int, thresholds: tuple[float, float, float]) -> Labels:
    """The paper's 4-value map at image size from a fused map (h, w) in 0..1: (height, width) uint8."""
    field = upsample(fused, height, width)
    return fill_empty(four_values(field, thresholds), field)


def border_ring(height: int, width: int) -> Mask:
    """The outermost pixels of a canvas, (height, width) bool."""
    ring = np.ones((height, width), bool)
    ring[1:-1, 1:-1] = False
    return ring


def _extreme(field: Field, share: float) -> Mask:
    """The lowest `share` of a field's pixels, at least one; equal pixels in reading order."""
    count = max(1, round(share * field.size))
    chosen = np.zeros(field.size, bool)
    chosen[np.argsort(field, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(field.shape)
