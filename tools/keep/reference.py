"""A picture of anybody's that a whole drawing begins from.

One level holds everywhere, which is SDEdit (2108.01073).
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from cutwork.domain import Keep
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.intake import MOST_PIXELS, opened
from cutwork.tools.keep.shapes import Pixels
from cutwork.tools.keep.start import Start, level


def begun_from(sha256: str, noise: float, size: tuple[int, int], blobs: Blobs) -> Keep:
    """A reference, a picture of any size, as what a drawing of (width, height) begins from: all of it may change, from a share of noise on.

    The same picture, noise and size give the same value.

    Args:
        noise: 0..1; from some 0.07 on anything is drawn at all.

    Raises:
        BadInput: if there is no such picture, or it cannot be read.
    """
    if sha256 not in blobs:
        raise BadInput(f"the reference picture is not there: no blob {sha256}", hint="take it in first: cutwork design --reference FILE, or POST /v1/uploads")
    picture = filling(blobs.get(sha256), size)
    return Start(picture, np.full(picture.shape[:2], level(noise), np.uint8)).kept(blobs)


def filling(data: bytes, size: tuple[int, int]) -> Pixels:
    """A picture as it fills a canvas of (width, height), (H, W, 3): upright, in its own proportions, what overhangs cut off alike on both sides, on white.

    Raises:
        BadInput: if it is no readable picture, or too large a one.
    """
    with opened(data, "reference") as image:
        if image.width * image.height > MOST_PIXELS:
            raise BadInput(f"the reference is {image.width}x{image.height}, at most {MOST_PIXELS:,} pixels are possible")
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    return np.array(ImageOps.fit(opaque, size, Image.Resampling.LANCZOS))
