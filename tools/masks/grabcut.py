"""GrabCut from a 4-value map: colour models of both sides and a graph cut between them, a few rounds of each.

Source: Entropy Fusion (arXiv 2503.10697), stage 6: initialised with the map, 5 iterations.
"""

from __future__ import annotations

import cv2
import numpy as np

from cutwork.tools.masks.enlarge import enlarge
from cutwork.tools.masks.trimap import BGD, FGD, PROBABLE_BGD, PROBABLE_FGD
from cutwork.tools.masks.types import Labels, Mask, Picture

LONGEST = 512  # pixels; the cut is made at this size at most, its edge brought to full size afterwards


def grabcut(image: Picture, labels: Labels, iterations: int = 5, longest: int = LONGEST) -> Mask:
    """Cut the foreground out of an image. Same input, same mask.

    Where one side has no pixel at all there is nothing to weigh, and the labels are the answer.

    Args:
        image: (H, W, 3) uint8, RGB.
        labels: (H, W) uint8 codes of `trimap`; definite pixels stay what they are.
        iterations: rounds of model fitting and cutting, >= 1.
        longest: long side in pixels above which the work is done on a smaller copy.

    Returns:
        (H, W) bool, true in the foreground.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if image.shape != (*labels.shape, 3):
        raise ValueError(f"image {image.shape} and labels {labels.shape} are not of one canvas")
    height, width = labels.shape
    scale = longest / max(height, width)
    if scale >= 1:
        return _run(image, labels, iterations)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = _run(reduced, cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), iterations)
    mask = enlarge(reduced, small[None].astype(np.float32), image)[0] > 0.5
    return np.asarray((mask & (labels != BGD)) | (labels == FGD))


def is_foreground(labels: Labels) -> Mask:
    """Where labels say foreground, definite or probable."""
    front: Mask = (labels == FGD) | (labels == PROBABLE_FGD)
    return front


def _run(image: Picture, labels: Labels, iterations: int) -> Mask:
    front = is_foreground(labels)
    undecided = (labels == PROBABLE_BGD) | (labels == PROBABLE_FGD)
    if not front.any() or front.all() or not undecided.any():
        return front
    labels = np.ascontiguousarray(labels).copy()
    back_model, front_model = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # the colour models start from k-means with random centres
    cv2.grabCut(np.ascontiguousarray(image), labels, None, back_model, front_model, iterations, cv2.GC_INIT_WITH_MASK)
    return is_foreground(labels)
