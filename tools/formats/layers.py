"""A design as a stack of layers: the clean plate at the bottom, the cut-outs on it from back to front.

ORA and PSD files, the SVG outlines and the bundle are made from this one stack, so that all of them agree. What was not found has no layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import Artifact, Cutout, Design, Plan, Round
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats import receipt
from cutwork.tools.formats.base import artifact, delivered
from cutwork.tools.formats.png import encode, texts
from cutwork.tools.masks.plate import plate
from cutwork.tools.pixels import decode

BACKGROUND = "background"
LONGEST = 80  # characters of a layer's name

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Layer:
    """One sheet of the stack, of the canvas's size."""

    name: str  # as layer panels show it; no two in a stack are alike
    pixels: Pixels  # (H, W, 4), straight alpha
    region: int | None = None  # None = the background

    @property
    def alpha(self) -> Pixels:
        """(H, W) uint8."""
        return self.pixels[..., 3]

    def window(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the smallest rectangle around all that is not wholly transparent, in pixels."""
        rows, columns = np.flatnonzero(self.alpha.any(1)), np.flatnonzero(self.alpha.any(0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def trimmed(self) -> Pixels:
        """The pixels within `window`, (h, w, 4)."""
        left, top, right, bottom = self.window()
        return np.ascontiguousarray(self.pixels[top:bottom, left:right])


def stack(design: Design, blobs: Blobs) -> tuple[Layer, ...]:
    """The layers of a finished design, the lowest first: the background, then by z; of equal z the later region is nearer.

    Raises:
        BadInput: if the design has no delivered round. StorageFailed: if its pictures cannot be read.
    """
    best = delivered(design)
    cutouts = subjects(design, blobs)
    return (Layer(BACKGROUND, _opaque(background(best, cutouts, blobs))), *cutouts)


def subjects(design: Design, blobs: Blobs) -> tuple[Layer, ...]:
    """The cut-outs alone, back to front, those that hold something.

    Raises:
        BadInput, StorageFailed: as `stack`.
    """
    best = delivered(design)
    plan = best.shot.plan
    found = sorted(best.cutouts, key=lambda c: plan.depth(c.region))
    layers = (Layer(title(plan, c), _canvas(decode(blobs.get(c.image), "RGBA"), plan, c), c.region) for c in found)
    return tuple(layer for layer in layers if layer.alpha.any())


def background(best: Round, cutouts: Sequence[Layer], blobs: Blobs) -> Pixels:
    """The clean plate of a round, (H, W, 3): what would be seen without its subjects."""
    image = decode(blobs.get(best.render.image), "RGB")
    covered = np.zeros(image.shape[:2], bool)
    for layer in cutouts:
        covered |= layer.alpha > 0
    return plate(image, covered)


def composite(layers: Sequence[Layer]) -> Pixels:
    """What the layers show one upon the other, (H, W, 4) straight; the lowest is at the start. At least one layer."""
    first = layers[0].pixels.astype(np.float32) / 255
    colour, alpha = first[..., :3] * first[..., 3:], first[..., 3:]  # premultiplied
    for layer in layers[1:]:
        pixels = layer.pixels.astype(np.float32) / 255
        over = pixels[..., 3:]
        colour, alpha = pixels[..., :3] * over + colour * (1 - over), over + alpha * (1 - over)
    straight = np.concatenate([colour / np.maximum(alpha, 1e-6), alpha], -1)
    return np.asarray(np.clip(straight * 255 + 0.5, 0, 255), np.uint8)


def extras(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """What the cut-out delivery holds besides its layers: the clean plate, `background.png`, and the receipt as a picture, `receipt.png`.

    Raises:
        BadInput, StorageFailed: as `stack`.
    """
    return plate_file(design, background(delivered(design), subjects(design, blobs), blobs), blobs), receipt.make(design, blobs)


def plate_file(design: Design, pixels: Pixels, blobs: Blobs) -> Artifact:
    """`background.png`, which says how it was made as every picture of a design does."""
    return artifact("background", "background.png", encode(pixels, texts(design)), blobs, "image/png", (pixels.shape[1], pixels.shape[0]))


def title(plan: Plan, cutout: Cutout) -> str:
    """A region's name for people: its number, as all pictures show it, and its subject's words, "1 grumpy cat"."""
    phrase = plan.subject(cutout.subject).phrase
    words = [word for word in "".join(c if c.isprintable() else " " for c in phrase).split() if word.lower() not in ("a", "an", "the")]
    return f"{cutout.region + 1} {' '.join(words)}"[:LONGEST].rstrip()


def _canvas(pixels: Pixels, plan: Plan, cutout: Cutout) -> Pixels:
    width, height = plan.size.root
    if pixels.shape[:2] != (height, width):
        raise BadInput(f"the cut-out of region {cutout.region + 1} has {pixels.shape[1]}x{pixels.shape[0]} pixels, the plan's canvas {plan.size}")
    return pixels


def _opaque(pixels: Pixels) -> Pixels:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
