"""Many designs on one picture: what each shows first, with its rank and seed below."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cutwork.domain import Design
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats.base import telling
from cutwork.tools.formats.overview import checkerboard
from cutwork.tools.formats.png import encode

SIDE, GAP, LINE = 256, 12, 22  # pixels of a picture, between pictures, of a line below
SHOWN = ("meme", "preview", "sticker", "image")  # kinds of artifacts, the most telling first


def sheet(designs: Sequence[Design], blobs: Blobs) -> bytes:
    """A PNG of the designs in rows, as square as may be.

    Raises:
        BadInput: if there are none, or one has no picture.
    """
    if not designs:
        raise BadInput("there are no designs to show")
    columns = math.ceil(math.sqrt(len(designs)))
    rows = math.ceil(len(designs) / columns)
    picture = Image.new("RGB", (columns * (SIDE + GAP) + GAP, rows * (SIDE + LINE + GAP) + GAP), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for place, design in enumerate(designs):
        x, y = GAP + place % columns * (SIDE + GAP), GAP + place // columns * (SIDE + LINE + GAP)
        shown = _shown(design, blobs)
        picture.paste(shown, (x + (SIDE - shown.width) // 2, y + (SIDE - shown.height) // 2))
        scored = f" · {design.delivered.critique.score:.2f}" if design.delivered else ""
        pen.text((x, y + SIDE + 4), f"{place + 1}{scored} · seed {design.seed}", fill=(40, 40, 40), font=font)
    return encode(np.asarray(picture))


def _shown(design: Design, blobs: Blobs) -> Image.Image:
    """The design's most telling picture, on squares where it is transparent, at most SIDE pixels long."""
    found = telling(design.artifacts, SHOWN)
    if found is None:
        raise BadInput(f"run {design.id} has no picture to show")
    with Image.open(io.BytesIO(blobs.get(found.sha256))) as image:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        if image.mode != "RGBA":
            return image.convert("RGB")
        ground = Image.fromarray(checkerboard(image.height, image.width))
        ground.paste(image, (0, 0), image)
        return ground
