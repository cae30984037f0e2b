"""Pixels to PNG bytes and back: the one codec of everything that is kept between tools."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.errors import StorageFailed


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels (H, W) or (H, W, 3 or 4) as PNG bytes; the same pixels give the same bytes."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) at another (width, height)."""
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def decode(data: bytes, mode: str) -> NDArray[np.uint8]:
    """Decoded picture in a PIL mode: (H, W, channels) or, for "L", (H, W).

    Raises:
        StorageFailed: if the bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert(mode))
    except (OSError, ValueError, SyntaxError) as fault:
        raise StorageFailed(f"a stored picture of {len(data):,} bytes cannot be read: {fault}") from fault
