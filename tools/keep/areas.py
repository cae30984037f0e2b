"""Areas of any form that somebody marked, as masks that are kept as blobs."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutwork.domain import Box
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.intake import MOST_PIXELS, opened
from cutwork.tools.keep.shapes import Pixels
from cutwork.tools.keep.start import STAYS
from cutwork.tools.masks.measure import tight_box
from cutwork.tools.pixels import decode, encode

LOOSE = 0.01  # how far the proportions of a mask that somebody brings may be from the canvas's


def marked(sha256: str, size: tuple[int, int], blobs: Blobs) -> tuple[str, Box]:
    """An area that somebody marked, as a region's mask: its blob, grey and of the canvas's size, and the box tight around it.

    Args:
        sha256: a picture in the canvas's proportions, of any size; what is light and opaque in it is inside.

    Raises:
        BadInput: if there is no such picture, it has other proportions or marks nothing.
    """
    if sha256 not in blobs:
        raise BadInput(f"there is no mask {sha256}", hint="take its picture in first")
    with opened(blobs.get(sha256), "mask") as image:
        width, height = image.size
        if width * height > MOST_PIXELS or abs(width * size[1] - height * size[0]) > max(width, height) * LOOSE * max(size):
            raise BadInput(f"the mask is {width}x{height}, wanted {size[0]}x{size[1]} or larger in the same proportions")
        grey, alpha = image.convert("LA").split()
    light = Image.fromarray((np.asarray(grey, np.float32) * np.asarray(alpha, np.float32) / 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    inside = np.asarray(light) > STAYS
    box = tight_box(inside)
    if box is None:
        raise BadInput("the mask marks nothing: what is to be inside is light and opaque")
    return blobs.put(encode(inside * np.uint8(255))), box


def area_moved(sha256: str, before: Box, after: Box, size: tuple[int, int], blobs: Blobs) -> str:
    """A region's area gone with its box to another place or size, its blob; the whole box where so small that nothing is left of the area."""
    width, height = size
    area = Image.fromarray(decode(blobs.get(sha256), "L"))
    x0, y0, x1, y1 = after.pixels(width, height)
    part = area.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, before.pixels(width, height))
    made = Image.new("L", size)
    made.paste(part, (x0, y0))
    inside = np.asarray(made) > STAYS
    if not inside.any():
        made.paste(255, (x0, y0, x1, y1))
        inside = np.asarray(made) > STAYS
    return blobs.put(encode(inside * np.uint8(255)))


def united(one: str | None, area: Pixels, blobs: Blobs) -> str:
    """An area joined with another that is kept as a blob already; the blob of both."""
    return blobs.put(encode(area if one is None else np.maximum(area, decode(blobs.get(one), "L"))))
