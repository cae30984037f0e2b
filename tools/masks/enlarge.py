"""What was found on a smaller copy, brought to full size so that its edge runs where the picture's own edge runs.

In a small window an edge is about a linear function of the picture's colours. That function is fitted on the small copy and applied to the full-size
picture: the fast form of the guided filter.

Source: He, Sun, "Fast guided filter" (arXiv 1505.00996).
"""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.tools.masks.types import Field, Picture

RADIUS = 2  # pixels of the small copy to either side that a window reaches
FLATTEST = 1e-4  # squared colour (0..1) below which a window shows no edge to follow


def enlarge(small: Picture, fields: Field, image: Picture) -> Field:
    """Fields of a small picture at the size of the picture itself, unclipped.

    Sums keep: fields that add up to a field do so at full size too.

    Args:
        small: (h, w, 3) uint8, a smaller copy of `image`.
        fields: (fields, h, w), such as masks or alphas of it, 0..1.
        image: (H, W, 3) uint8.

    Returns:
        (fields, H, W) float32.
    """
    height, width = image.shape[:2]
    guide = small.astype(np.float32) / 255
    inverse, mean = _inverse_covariance(guide)
    large = image.astype(np.float32) / 255
    out = np.empty((len(fields), height, width), np.float32)
    for k, field in enumerate(fields.astype(np.float32)):
        level = _box(field)
        together = _box(guide * field[..., None]) - mean * level[..., None]  # (h, w, 3)
        slope = np.einsum("hwij,hwj->hwi", inverse, together)
        offset = level - (slope * mean).sum(-1)
        fitted = cv2.resize(_box(np.dstack([slope, offset])), (width, height), interpolation=cv2.INTER_LINEAR)
        out[k] = np.einsum("hwc,hwc->hw", fitted[..., :3], large) + fitted[..., 3]
    return out


def _box(values: Field) -> Field:
    side = 2 * RADIUS + 1
    blurred: Field = cv2.blur(np.ascontiguousarray(values), (side, side), borderType=cv2.BORDER_REFLECT)
    return blurred


def _inverse_covariance(guide: Field) -> tuple[Field, Field]:
    """Inverse of the colours' covariance in the window around each pixel, (h, w, 3, 3), and their mean, (h, w, 3)."""
    mean = _box(guide)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = np.dstack([_box(guide[..., i] * guide[..., j]) - mean[..., i] * mean[..., j] for i, j in pairs])
    a, b, c, d, e, f = (products[..., k] + (FLATTEST if i == j else 0.0) for k, (i, j) in enumerate(pairs))
    cofactors = (d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b)
    determinant = a * cofactors[0] + b * cofactors[1] + c * cofactors[2]
    m = [cofactor / determinant for cofactor in cofactors]
    rows = np.stack([m[0], m[1], m[2], m[1], m[3], m[4], m[2], m[4], m[5]], -1)
    return rows.reshape(*guide.shape[:2], 3, 3), mean
