"""A cut-out made larger than it was drawn, with an edge as crisp as if it had been drawn that large.

Cut-outs are often a hundred pixels wide, with an edge of whole pixels and a trace of the background's colour on it. Their alpha is smoothed
before it is enlarged and sharpened after it, so that no steps show; their edge takes its colours from just inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.errors import BadInput
from cutwork.tools.masks.grow import coverage, distance

SEEN = 8  # alpha from which a pixel counts, of 255
FAINT = 32  # alpha that a subject must reach somewhere, of 255
LEAST = 8  # pixels; a subject whose longer side is shorter has no shape to enlarge
PAD = 8  # source pixels around a subject: room for the filters
SMOOTH = 1.3  # source pixels; σ that takes the steps out of an edge of whole pixels
FRINGE = 2  # source pixels along such an edge that are not trusted to show the subject's own colour
REACH = 4.0  # source pixels; how far from the edge another colour may be fetched
HAZE = 0.01  # share of a subject's pixels that are half transparent away from its edge, from which it is meant so

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """A subject that can be drawn at any size."""

    colour: Pixels  # (h, w, 3), run out beyond the subject's edge
    alpha: Pixels  # (h, w)
    soft: bool  # half transparent within, as glass or hair: its alpha is not sharpened
    box: tuple[float, float, float, float]  # tight around the subject, in pixels of these arrays

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the subject in source pixels."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def level(self) -> float:
        """Alpha at which the subject ends, 0..1."""
        return SEEN / 255 if self.soft else 0.5


def shape_of(rgba: Pixels, name: str = "the cut-out") -> Shape:
    """What is to be drawn of a layer (H, W, 4) uint8, trimmed.

    Raises:
        BadInput: if the layer is no such array, all but fully transparent, or its subject less than 8 pixels long.
    """
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4:
        raise BadInput(f"{name} is {rgba.dtype} of shape {rgba.shape}, wanted uint8 of (height, width, 4)")
    seen = rgba[..., 3] >= SEEN
    if rgba[..., 3].max(initial=0) < FAINT:
        how = f"reaches an alpha of {rgba[..., 3].max()} of 255 at most" if rgba[..., 3].any() else "is fully transparent"
        raise BadInput(f"{name} {how}; there is nothing of it to see")
    (y0, y1), (x0, x1) = (_span(seen, axis) for axis in (0, 1))
    if max(y1 - y0, x1 - x0) < LEAST:
        raise BadInput(f"{name} is {x1 - x0}x{y1 - y0} pixels, at least {LEAST} along one side are needed", hint="draw it larger")
    return shaped(rgba[y0:y1, x0:x1])


def shaped(rgba: Pixels) -> Shape:
    """The same of a layer that is known to show something, as it is: (H, W, 4) uint8."""
    padded = np.pad(rgba, ((PAD, PAD), (PAD, PAD), (0, 0)))
    alpha, soft = padded[..., 3], _soft(padded[..., 3])
    stepped = not soft and _stepped(alpha)
    colour = _run_out(padded[..., :3], _trusted(alpha, stepped))
    smooth = _smoothed(alpha) if stepped else alpha
    return Shape(colour, smooth, soft, _box(smooth, SEEN // 2 if soft else 127))


def drawn(shape: Shape, size: tuple[int, int], whole: bool = False) -> Pixels:
    """The subject filling a size (width, height) exactly, (height, width, 4) uint8; its edge is sharp unless it is soft.

    Args:
        whole: the layer that it was read from fills the size, with what is empty around it.
    """
    height, width = shape.alpha.shape
    box = (PAD, PAD, width - PAD, height - PAD) if whole else shape.box
    alpha = np.asarray(Image.fromarray(shape.alpha).resize(size, Image.Resampling.LANCZOS, box=box))
    if shape.soft:
        alpha = np.where(alpha >= SEEN, alpha, 0).astype(np.uint8)
    else:
        alpha = np.asarray(coverage(distance(alpha)) * 255 + 0.5, np.uint8)
    colour = np.asarray(Image.fromarray(shape.colour).resize(size, Image.Resampling.LANCZOS, box=box))
    return np.dstack([colour, alpha])


def _soft(alpha: Pixels) -> bool:
    """Whether half transparent pixels lie among their like, not only along an edge, or nothing is much more than that."""
    half = ((alpha >= 2 * SEEN) & (alpha <= 255 - 2 * SEEN)).astype(np.uint8)
    deep = cv2.erode(half, np.ones((3, 3), np.uint8))
    return bool(deep.sum() > HAZE * (alpha >= SEEN).sum() or alpha.max() < 192)


def _stepped(alpha: Pixels) -> bool:
    """Whether the edge is one of whole pixels: hardly any are half covered."""
    half = (alpha >= 2 * SEEN) & (alpha <= 255 - 2 * SEEN)
    inside = (alpha > 127).astype(np.uint8)
    edge = inside - cv2.erode(inside, np.ones((3, 3), np.uint8))
    return bool(half.sum() < 0.2 * edge.sum())


def _smoothed(alpha: Pixels) -> Pixels:
    """Alpha without steps; as it was where the subject is so thin that it would be lost."""
    smooth: Pixels = cv2.GaussianBlur(alpha, (0, 0), SMOOTH)
    kept, had = (smooth > 127).sum(), (alpha > 127).sum()
    return smooth if abs(float(kept) - float(had)) < 0.1 * float(had) else alpha


def _trusted(alpha: Pixels, stepped: bool) -> NDArray[np.bool_]:
    """Pixels that show the subject's own colour, (H, W) bool; at least one."""
    inside = alpha >= min(224, int(alpha.max()))
    if not stepped:
        return inside
    deep = cv2.erode(inside.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * FRINGE + 1, 2 * FRINGE + 1))) > 0
    near = cv2.distanceTransform((~deep).astype(np.uint8), cv2.DIST_L2, 5) <= REACH if deep.any() else np.zeros_like(deep)
    return np.asarray(deep | (inside & ~near))


def _run_out(colour: Pixels, trusted: NDArray[np.bool_]) -> Pixels:
    """Every pixel that is not trusted in the colours of the trusted ones nearest to it."""
    labels = cv2.distanceTransformWithLabels((~trusted).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    nearest[labels[trusted]] = np.flatnonzero(trusted)
    spread = colour.reshape(-1, 3)[nearest[labels]]
    even = cv2.GaussianBlur(spread, (0, 0), 1.0)  # nearest colours alone stand in streaks
    return np.where(trusted[..., None], colour, even)


def _box(alpha: Pixels, above: int) -> tuple[float, float, float, float]:
    """Tight box of a subject, to a fraction of its pixels."""
    finer = max(1, min(8, 1024 // max(alpha.shape)))
    size = (alpha.shape[1] * finer, alpha.shape[0] * finer)
    inside = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.LANCZOS)) > above
    (y0, y1), (x0, x1) = (_span(inside, axis) for axis in (0, 1))
    return x0 / finer, y0 / finer, x1 / finer, y1 / finer


def _span(mask: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """First and one past the last row (axis 0) or column (1) of a mask with anything in it."""
    where = np.flatnonzero(mask.any(1 - axis))
    return int(where[0]), int(where[-1]) + 1
