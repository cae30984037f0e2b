"""Pictures of strangers. Their size is bounded from their header before anything is decoded; what is kept is a new PNG of their pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cutwork.errors import BadInput

MOST_BYTES = 32 << 20
MOST_PIXELS = 4096 * 4096
LONGEST = 16_384  # pixels of a side
MOST_SCANS = 64  # of a JPEG: each scan of a progressive one costs as much as a whole picture
FORMATS = ("PNG", "JPEG", "WEBP")
MEDIA_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/jpg": "JPEG"}
ALSO = (b"%PDF-", b"<html", b"<script", b"<!doctype", b"<?php", b"<svg")  # what other readers look for near the beginning of a file
ENDS = b"PK\x05\x06"  # and what those of ZIPs look for near its end
NEAR, TAIL = 1_024, 65_557


class TooLarge(BadInput):
    """More bytes or pixels than are taken in."""


class WrongType(BadInput):
    """A media type that is not taken in."""


@dataclass(frozen=True)
class Taken:
    """A picture that was taken in."""

    png: bytes
    width: int
    height: int


@contextmanager
def opened(data: bytes, what: str) -> Iterator[Image.Image]:
    """A picture that is kept, to be looked at and decoded inside the block.

    Args:
        what: it is called in what is raised.

    Raises:
        BadInput: if it is no picture of ours, or damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadInput(f"the {what} is no readable picture: {fault}") from fault


def take_in(data: bytes, declared: str = "") -> Taken:
    """A picture's pixels, upright, as a PNG that carries nothing else.

    Raises:
        TooLarge: more bytes or pixels than are taken in. WrongType: not a PNG, JPEG or WebP, or not what it is declared to be.
        BadInput: if it is damaged, moves, or is also something else.
    """
    if not data:
        raise BadInput("the picture is empty")
    if len(data) > MOST_BYTES:
        raise TooLarge(f"the picture has {len(data):,} bytes, at most {MOST_BYTES:,} are taken in")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _look(image, data, declared)
            image.load()
            upright = ImageOps.exif_transpose(image)
            pixels = _pixels(upright)
    except (TooLarge, WrongType, BadInput):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge(f"the picture has more pixels than the {MOST_PIXELS:,} that are taken in") from error
    except UnidentifiedImageError as error:
        raise WrongType("this is no PNG, JPEG or WebP picture") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise BadInput(f"the picture is damaged: {type(error).__name__}") from error
    return Taken(_encoded(pixels), pixels.width, pixels.height)


def take_file(path: Path) -> Taken:
    """The same of a file.

    Raises:
        BadInput: naming the file, if it is not there, cannot be read, or its picture is not taken in.
    """
    try:
        if not path.is_file():
            raise BadInput("there is no such file")
        if path.stat().st_size > MOST_BYTES:
            raise TooLarge(f"the picture has {path.stat().st_size:,} bytes, at most {MOST_BYTES:,} are taken in")
        return take_in(path.read_bytes())
    except BadInput as error:
        raise BadInput(f"the picture {path} cannot be used: {error}", error.hint) from error
    except OSError as error:
        raise BadInput(f"the picture {path} cannot be read: {error.strerror or error}") from error


def _look(image: Image.Image, data: bytes, declared: str) -> None:
    """Refuse from the header what shall not be decoded."""
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST:
        raise TooLarge(f"the picture has {width} × {height} pixels, at most {MOST_PIXELS:,} and {LONGEST:,} a side are taken in")
    if (wanted := MEDIA_TYPES.get(declared)) and wanted != image.format:
        raise WrongType(f"the picture is declared {declared}, but is a {image.format}")
    if getattr(image, "n_frames", 1) > 1:
        raise BadInput("the picture moves; send one of its frames")
    if image.format == "JPEG" and data.count(b"\xff\xda") > MOST_SCANS:
        raise BadInput(f"the JPEG has more than {MOST_SCANS} scans")
    near = data[:NEAR].lower()
    if any(mark.lower() in near for mark in ALSO) or ENDS in data[-TAIL:]:
        raise BadInput("the file is a picture and something else at once; send the picture alone")


def _pixels(image: Image.Image) -> Image.Image:
    """In a mode that we draw with: grey, RGB or RGBA, eight bits."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("L", "RGB", "RGBA"):
        keyed = "transparency" in image.info and image.mode != "RGBA"
        return image.convert("RGBA") if keyed else image
    if image.mode == "1":
        return image.convert("L")
    see_through = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if see_through else "RGB")


def _encoded(image: Image.Image) -> bytes:
    from cutwork.tools.formats.png import encode

    return encode(np.asarray(image), generated=False)
