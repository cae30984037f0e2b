"""Measures of a cut that need no opinion: where it lies, what it touches, how sure its edge is. Pure functions of arrays."""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.domain import Box
from cutwork.tools.masks.trimap import border_ring
from cutwork.tools.masks.types import Field, Mask, Picture

SURE = 12.0  # grey levels between both sides of an edge below which nobody could say where the edge runs
REACH = 3  # pixels to either side of the edge that are looked at
STEEP = 0.6  # of alpha within two pixels: an edge that rises less leaves it open where exactly it runs


def tight_box(mask: Mask) -> Box | None:
    """Smallest box around the true pixels, in fractions of the canvas; None if there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    height, width = mask.shape
    return Box((columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height))


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks, 0..1; 0 if both are empty."""
    union = int((one | other).sum())
    return float((one & other).sum()) / union if union else 0.0


def contained(mask: Mask, box: Box) -> float:
    """Share of the mask inside a box, 0..1; 0 for an empty mask."""
    height, width = mask.shape
    x0, y0, x1, y1 = box.pixels(width, height)
    area = int(mask.sum())
    return float(mask[y0:y1, x0:x1].sum()) / area if area else 0.0


def border_contact(mask: Mask) -> float:
    """Share of the canvas border's pixels that the mask covers, 0..1."""
    return float(mask[border_ring(*mask.shape)].mean())


def overlap(claims: Mask) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Share of each mask that each other mask also claims: (R, H, W) bool -> (R, R) in 0..1, row = whose share, diagonal 0."""
    flat = claims.reshape(len(claims), int(np.prod(claims.shape[1:]))).astype(np.float64)
    shared = flat @ flat.T
    shares = shared / np.maximum(1.0, np.diag(shared))[:, None]
    np.fill_diagonal(shares, 0.0)
    return np.asarray(shares)


def softness(image: Picture, mask: Mask, alpha: Field | None = None) -> float:
    """Share of the mask's edge that is a guess: the picture shows none there, the mean colours just inside and just outside being alike, and alpha says one all the same.

    Where alpha fades, as after matting, it claims no more than the picture shows. Edge pixels on the canvas border are no cut and do not count. 0 for
    an empty or full mask.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool.
        alpha: (H, W) in 0..1 that the mask is the greater half of; None = the mask itself.
    """
    edge = mask & (cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) == 0)
    if not edge.any():
        return 0.0
    difference = np.abs(_mean_within(image, mask) - _mean_within(image, ~mask)).max(-1)  # (H, W)
    guessed = difference < SURE
    if alpha is not None:
        guessed &= _rise(alpha) > STEEP
    return float(guessed[edge].mean())


def _rise(alpha: Field) -> Field:
    """How far alpha rises from one side of each pixel to the other, (H, W) in 0..1."""
    square = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(alpha.astype(np.float32), square) - cv2.erode(alpha.astype(np.float32), square))


def _mean_within(image: Picture, mask: Mask) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Mean colour of the masked pixels around each pixel, (H, W, 3)."""
    side = 2 * REACH + 1
    weight = mask.astype(np.float32)
    total = cv2.blur(image.astype(np.float32) * weight[..., None], (side, side), borderType=cv2.BORDER_CONSTANT)
    count = cv2.blur(weight, (side, side), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / np.maximum(count, 1e-6)[..., None], np.float32)
