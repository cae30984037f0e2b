"""Where each region is planned on the canvas: its free mask where it has one, else its box.

A free mask is an 8-bit grey (or black and white) PNG of the canvas's size; what is above 127 belongs to the region.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutwork.domain import Box, Plan, Region
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.masks import measure
from cutwork.tools.masks.types import Mask

MODES = ("L", "1")  # Pillow's names for 8-bit grey and for black and white


@dataclass(frozen=True, eq=False)
class Place:
    """The part of the canvas that a region is planned to take."""

    box: Box  # around the mask, as tight as may be, where there is one
    mask: Mask | None = None  # (H, W), true somewhere

    @property
    def area(self) -> float:
        """Share of the canvas, above 0."""
        return self.box.area if self.mask is None else float(self.mask.mean())

    def pixels(self, width: int, height: int) -> Mask:
        """The canvas's pixels that lie here, (height, width) bool."""
        if self.mask is not None:
            return self.mask
        x0, y0, x1, y1 = self.box.pixels(width, height)
        mask = np.zeros((height, width), bool)
        mask[y0:y1, x0:x1] = True
        return mask

    def contained(self, mask: Mask) -> float:
        """Share of another mask (H, W) that lies here, 0..1; 0 if it is empty."""
        if self.mask is None:
            return measure.contained(mask, self.box)
        return float((mask & self.mask).sum()) / max(1, int(mask.sum()))


def boxes(regions: Sequence[Region]) -> tuple[Place, ...]:
    """The boxes of regions, whatever masks they name."""
    return tuple(Place(region.box) for region in regions)


def places(plan: Plan, blobs: Blobs) -> tuple[Place, ...]:
    """One place for each region of a plan.

    Raises:
        BadInput: if a mask is not there, is no grey PNG of the canvas's size, or marks nothing. StorageFailed: if its blob cannot be read.
    """
    return tuple(Place(r.box) if r.mask is None else _free(plan, number, r.mask, blobs) for number, r in enumerate(plan.regions))


def _free(plan: Plan, number: int, sha256: str, blobs: Blobs) -> Place:
    whose = f"the mask of region {number + 1} ({plan.regions[number].subject})"
    if sha256 not in blobs:
        raise BadInput(f"{whose} is not there: no blob {sha256}", hint="keep the mask's PNG among the blobs before it is drawn, or leave the mask out")
    mask = _grey(blobs.get(sha256), plan.size.root, whose) > 127
    box = measure.tight_box(mask)
    if box is None:
        raise BadInput(f"{whose} marks nothing: no pixel of it is above 127")
    return Place(box, mask)


def _grey(data: bytes, size: tuple[int, int], whose: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Grey levels (H, W) of a PNG of (width, height) pixels; its header is looked at before its pixels are."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.mode not in MODES or image.size != size:
                got = f"{image.width}x{image.height} pixels of mode {image.mode}"
                raise BadInput(f"{whose} has {got}, wanted {size[0]}x{size[1]} of 8-bit grey (mode L)")
            return np.array(image.convert("L"))
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadInput(f"{whose} is no readable PNG: {fault}") from fault
