"""A cut without crumbs: pieces worth keeping stay, specks go, pinholes close.

Not in the paper; sizes are relative, so that they mean the same on every canvas.
"""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.tools.masks.types import Mask

OF_CANVAS, OF_LARGEST = 0.01, 0.05  # a piece stays if it reaches either share
HOLE = 0.005  # holes up to this share of the canvas are closed; larger ones (a ring, a mug's handle) are meant


def clean(mask: Mask, hole: float = HOLE) -> Mask:
    """Drop specks and close pinholes; (H, W) bool -> (H, W) bool. A mask never becomes the whole canvas by it."""
    kept = _keep_pieces(mask)
    closed = kept | _holes(kept, hole * mask.size)
    return kept if closed.all() else closed


def fragments(mask: Mask) -> int:
    """Number of connected pieces (corners connect)."""
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0]) - 1


def _keep_pieces(mask: Mask) -> Mask:
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    area[0] = 0
    keep = (area >= OF_CANVAS * mask.size) | (area >= OF_LARGEST * area.max())
    keep[0] = False
    return np.asarray(keep[numbers])


def _holes(mask: Mask, most: float) -> Mask:
    """Background pieces of at most `most` pixels that the canvas border does not reach."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    inner = stats[:, cv2.CC_STAT_AREA] <= most
    inner[0] = False
    edge = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    inner[edge] = False
    return np.asarray(inner[numbers]) if count > 1 else np.zeros_like(mask)
