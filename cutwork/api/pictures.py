"""One picture of a design, as programs ask for it: of its goods, or of its subjects alone, in PNG, JPEG or WebP."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from cutwork.domain import Artifact, Design
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats import layers, png
from cutwork.tools.formats.base import telling
from cutwork.tools.pixels import decode

Format = Literal["png", "jpeg", "webp"]
MAIN = ("meme", "tile", "sticker", "image")  # kinds of artifacts, the one that shows what was asked for first


@dataclass(frozen=True)
class Picture:
    """Bytes of a file, and what they hold."""

    data: bytes
    format: Format
    width: int
    height: int
    transparent: bool

    @property
    def media_type(self) -> str:
        return f"image/{self.format}"

    @property
    def size(self) -> str:
        """As OpenAI writes it."""
        return f"{self.width}x{self.height}"


def main(design: Design) -> Artifact:
    """The file that shows what the brief asked for: the lettered meme, the tile, the sticker, else the picture.

    Raises:
        BadInput: if the design has none.
    """
    found = telling(design.artifacts, MAIN)
    if found is None:
        raise BadInput(f"run {design.id} has delivered no picture", hint="look at its error, then ask again")
    return found


def of_goods(design: Design, blobs: Blobs, form: Format = "png", compression: int = 100) -> Picture:
    """What the brief asked for. A PNG is the delivered file itself, byte for byte."""
    found = main(design)
    data = blobs.get(found.sha256)
    with Image.open(io.BytesIO(data)) as image:
        if form == "png" and image.format == "PNG":
            return Picture(data, "png", image.width, image.height, "A" in image.getbands())
        return encoded(image, form, compression)


def of_subjects(design: Design, blobs: Blobs, form: Format = "png", compression: int = 100) -> Picture:
    """The subjects over nothing, each where it was drawn.

    Raises:
        BadInput: if no subject was cut out, or the format knows no transparency.
    """
    if form == "jpeg":
        raise BadInput("a JPEG cannot be transparent", hint="ask for png or webp")
    found = layers.subjects(design, blobs)
    if not found:
        raise BadInput(f"run {design.id} has no subject cut out, so nothing would be left without its background", hint="name what is to be drawn in the brief")
    pixels = layers.composite(found)
    if form == "png":
        return Picture(png.encode(pixels, png.texts(design)), "png", pixels.shape[1], pixels.shape[0], True)
    return encoded(Image.fromarray(pixels), form, compression)


def opaque(picture: Picture, form: Format, compression: int = 100) -> Picture:
    """The same on white."""
    with Image.open(io.BytesIO(picture.data)) as image:
        return encoded(_on_white(image), form, compression)


def of_preview(data: bytes, form: Format, size: tuple[int, int]) -> Picture:
    """A small preview at the size of the picture it becomes."""
    return encoded(Image.fromarray(decode(data, "RGB")).resize(size, Image.Resampling.BICUBIC), form, 90)


def encoded(image: Image.Image, form: Format, compression: int = 100) -> Picture:
    """An image in a format, marked as a trained model's work. What is transparent becomes white where the format knows no transparency."""
    clear = "A" in image.getbands()
    kept = clear and form != "jpeg"
    image = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA" if clear else "RGB")
    if clear and not kept:
        image = _on_white(image)
    if form == "png":
        data = png.encode(np.asarray(image))
    else:
        out = io.BytesIO()
        image.save(out, form.upper(), **_settings(form, compression))
        data = out.getvalue()
    return Picture(data, form, image.width, image.height, kept)


def _on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


def _settings(form: Format, compression: int) -> dict[str, Any]:
    marked = {"xmp": png.XMP.encode()}
    if form == "webp":
        return marked | ({"lossless": True} if compression == 100 else {"quality": compression})
    return marked | {"quality": max(1, min(compression, 95)), "subsampling": 0 if compression > 90 else 2}
