"""Subjects of one picture laid into another; nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cutwork.errors import BadInput
from cutwork.tools.keep.edits import Before, Change, prepared
from cutwork.tools.keep.seam import laid_in
from cutwork.tools.keep.shapes import Pixels, grown, union
from cutwork.tools.keep.start import STAYS, Start
from cutwork.tools.masks.plate import plate


def put(before: Before, leaving: Sequence[int], coming: Sequence[tuple[Pixels, int]], locked: Iterable[int] = ()) -> Start:
    """Subjects of other pictures laid into this one, and some of its own taken out. Nothing is left to be drawn.

    Args:
        leaving: regions that go.
        coming: layers (H, W, 4), the farthest first, each with how many of this picture's regions are farther than it.
        locked: regions that no edit may touch.

    Raises:
        BadInput: if what is locked leaves nothing that may change.
    """
    height, width = before.picture.shape[:2]
    start = prepared(before, [Change(k, None) for k in leaving], locked)
    picture, area, masks = start.picture, start.area, before.masks
    for layer, farther in coming:
        front = union([masks[k] for k in range(len(masks)) if k not in leaving and (k in set(locked) or before.z[k] >= farther)], (height, width))
        alpha = layer[..., 3:] / 255.0 * ~grown(front, 1)[..., None]
        picture = (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)
        area = np.where(alpha[..., 0] > 0, np.uint8(STAYS + 1), area)
    if not (area > STAYS).any():
        raise BadInput("nothing may change there: what is locked lies over all of it", hint="unlock it first")
    return Start(picture, area)


def put_behind(before: Before, other: Before) -> Start:
    """The subjects of one picture in front of another's background, which is laid clear of its own subjects. Nothing is left to be drawn.

    Raises:
        BadInput: if the pictures are not of one size, or this one has no subjects.
    """
    if before.picture.shape != other.picture.shape:
        raise BadInput(
            f"the pictures are of other sizes, {other.picture.shape[1]}x{other.picture.shape[0]} and {before.picture.shape[1]}x{before.picture.shape[0]}"
        )
    start = prepared(before, (), background=True)
    clear = plate(other.picture, union(other.masks, other.picture.shape[:2]))
    return Start(laid_in(start, clear), np.where(start.area > STAYS, np.uint8(STAYS + 1), np.uint8(0)))
