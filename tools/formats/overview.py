"""One picture for people: the image with numbered outlines, and beside it every cut-out on a checkerboard.

The checkerboard is painted here on purpose, and only here: the cut-outs themselves are true RGBA.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cutwork.domain import Artifact, Design
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact, delivered
from cutwork.tools.formats.png import encode, texts
from cutwork.tools.pixels import decode

INKS = ((230, 25, 75), (60, 180, 75), (0, 130, 200), (245, 130, 48), (145, 30, 180), (0, 160, 160), (240, 50, 230), (128, 128, 0))
CHECK, LIGHT, DARK = 8, 238, 205  # pixels a square, grey levels
GAP = 8  # pixels between panels

Pixels = NDArray[np.uint8]


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """`overview.png` of the delivered round.

    Raises:
        BadInput: if the design has no delivered round.
    """
    best = delivered(design)
    image = decode(blobs.get(best.render.image), "RGB")
    masks = [decode(blobs.get(c.mask), "L") > 127 for c in best.cutouts]
    panels = [outlined(image, masks), *(_on_checks(decode(blobs.get(c.image), "RGBA"), str(c.region + 1)) for c in best.cutouts)]
    sheet = _sheet(panels)
    return (artifact("overview", "overview.png", encode(sheet, texts(design)), blobs, "image/png", (sheet.shape[1], sheet.shape[0])),)


def numbered(image: Pixels, masks: Sequence[NDArray[np.bool_] | Pixels]) -> bytes:
    """The image with each mask's outline and its number (from 1), as PNG bytes: what a critic that can see is shown.

    Args:
        image: (H, W, 3) uint8.
        masks: each (H, W), bool or grey; above 127 counts as inside.
    """
    return encode(outlined(image, [np.asarray(m > (0 if m.dtype == np.bool_ else 127)) for m in masks]))


def outlined(image: Pixels, masks: Sequence[NDArray[np.bool_]]) -> Pixels:
    """The image with numbered outlines, (H, W, 3); an empty mask is passed over, its number too."""
    canvas = image.copy()
    for number, mask in enumerate(masks):
        canvas[_outline(mask)] = INKS[number % len(INKS)]
    picture = Image.fromarray(canvas)
    for number, mask in enumerate(masks):
        if mask.any():
            _tag(picture, str(number + 1), _anchor(mask), INKS[number % len(INKS)])
    return np.asarray(picture)


def checkerboard(height: int, width: int) -> Pixels:
    """Grey squares, (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width] // CHECK
    return np.repeat(np.where((y + x) % 2, DARK, LIGHT).astype(np.uint8)[..., None], 3, axis=2)


def _on_checks(rgba: Pixels, number: str) -> Pixels:
    alpha = rgba[..., 3:].astype(np.float32) / 255
    mixed = rgba[..., :3] * alpha + checkerboard(*rgba.shape[:2]) * (1 - alpha)
    picture = Image.fromarray((mixed + 0.5).astype(np.uint8))
    _tag(picture, number, (GAP, GAP), INKS[(int(number) - 1) % len(INKS)])
    return np.asarray(picture)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a mask with a neighbour outside it, and those neighbours: an edge two pixels wide, (H, W) bool."""
    edge = np.zeros_like(mask)
    across, down = mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _anchor(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """A pixel (x, y) of the mask near its centre, so that the number stands on its subject."""
    ys, xs = mask.nonzero()
    nearest = np.argmin((ys - ys.mean()) ** 2 + (xs - xs.mean()) ** 2)
    return int(xs[nearest]), int(ys[nearest])


def _tag(picture: Image.Image, text: str, at: tuple[int, int], ink: tuple[int, int, int]) -> None:
    """A number on a filled disc, kept inside the picture."""
    radius = max(7, min(picture.size) // 24)
    x = min(max(at[0], radius), picture.width - radius - 1)
    y = min(max(at[1], radius), picture.height - radius - 1)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink, outline=(255, 255, 255))
    draw.text((x, y), text, fill=(255, 255, 255), font=ImageFont.load_default(radius * 1.3), anchor="mm")


def _sheet(panels: Sequence[Pixels]) -> Pixels:
    """Panels of one size in a grid as square as may be, on white."""
    height, width = panels[0].shape[:2]
    columns = math.ceil(math.sqrt(len(panels)))
    rows = math.ceil(len(panels) / columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for place, panel in enumerate(panels):
        y, x = (place // columns) * (height + GAP), (place % columns) * (width + GAP)
        sheet[y : y + height, x : x + width] = panel
    return sheet
