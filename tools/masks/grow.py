"""Outlines at a distance: how far every pixel is from a subject, and what is drawn and cut by that.

Growing by a distance is dilation by a round kernel, but with an anti-aliased edge and a width that need not be whole. A field holds, for every
pixel, its signed distance in pixels from an edge: below zero is inside.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cutwork.tools.masks.clean import fragments
from cutwork.tools.masks.types import Mask

Alpha = NDArray[np.uint8]  # (H, W), 0..255
Signed = NDArray[np.float32]  # (H, W), pixels
Points = NDArray[np.float64]  # (N, 2), x and y; a pixel's centre is a whole number

FINE = 1024  # longest side that is measured three times finer than its pixels; up to twice as long two times


def distance(alpha: Alpha, level: float = 0.5) -> Signed:
    """Signed distance from where alpha passes a level, exact to a fraction of a pixel.

    Args:
        alpha: (H, W) uint8. Beyond the canvas is outside.
        level: in 0..1, of full alpha.

    Returns:
        (H, W) float32 in pixels, below zero inside; the diagonal's length everywhere if nothing is inside.
    """
    finer = max(1, min(3, 2 * FINE // max(alpha.shape) + 1))
    padded = np.pad(alpha, 1)
    fine = cv2.resize(padded, None, fx=finer, fy=finer, interpolation=cv2.INTER_LINEAR) if finer > 1 else padded
    inside: Mask = fine > level * 255
    if not inside.any():
        return np.full(alpha.shape, np.hypot(*alpha.shape), np.float32)
    signed = np.where(inside, 0.5 - _to_zero(inside), _to_zero(~inside) - 0.5).astype(np.float32) / finer
    if finer > 1:
        signed = cv2.resize(signed, padded.shape[::-1], interpolation=cv2.INTER_AREA)
    trimmed: Signed = np.ascontiguousarray(signed[1:-1, 1:-1])
    return trimmed


def coverage(field: Signed, width: float = 0.0) -> NDArray[np.float32]:
    """Share of each pixel that lies within `width` pixels of the edge: (H, W) float32 in 0..1, anti-aliased over one pixel."""
    return np.asarray(np.clip(np.float32(width + 0.5) - field, 0.0, 1.0))


def grown(alpha: Alpha, width: float) -> Alpha:
    """Alpha dilated by a round kernel of a radius in pixels, anti-aliased; (H, W) uint8."""
    return _alpha(coverage(distance(alpha), width))


def filled(field: Signed) -> Signed:
    """The field of the shape without its holes: what the canvas border does not reach becomes inside.

    Neither through what is not wholly covered, nor, as where two outlines all but touch, through what is covered by less than half.
    """
    soft, hard = _enclosed(field, -0.5), _enclosed(field, 0.0) & (field > 0)
    around = cv2.dilate(hard.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    holes = soft | hard | (around & (field <= 0))
    return np.where(holes, np.minimum(field, np.float32(-1.0)), field)


def _enclosed(field: Signed, level: float) -> Mask:
    """What cannot be reached from the canvas border over pixels above a level."""
    padded = np.pad(field > level, 1, constant_values=True)
    numbers = cv2.connectedComponents(padded.astype(np.uint8), connectivity=4)[1]
    return np.asarray(numbers[1:-1, 1:-1] != numbers[0, 0])


def closed(field: Signed, radius: float) -> Signed:
    """The field of the shape with every notch and gap closed that a disc of that radius cannot enter."""
    pad = int(np.ceil(radius)) + 3
    wide = distance(np.pad(_alpha(coverage(field)), pad))  # what lies beyond the canvas is measured, too
    inner = distance(_alpha(coverage(wide, radius))) + np.float32(radius)
    shape: Signed = np.minimum(field, inner[pad:-pad, pad:-pad])
    return shape


def joined(field: Signed, radius: float, neck: float = 0.0) -> Signed:
    """The field of the shape in one piece: closed with the smallest disc that brings its pieces together, or stretched over if they are far apart.

    Args:
        field: (H, W); something of it is inside.
        radius: of the smallest disc, pixels.
        neck: pixels; bridges become at least about twice as wide.
    """
    shape = closed(field, radius)
    if fragments(shape <= -neck) < 2:
        return shape
    coarse = max(1, max(field.shape) // 256)
    small = cv2.resize(field, None, fx=1 / coarse, fy=1 / coarse, interpolation=cv2.INTER_AREA) / np.float32(coarse)
    low, high = radius / coarse, max(small.shape) / 2
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if fragments(closed(small, middle) <= -neck / coarse) < 2 else (middle, high)
    shape = closed(field, (high + 1) * coarse)
    return shape if fragments(shape <= -neck) < 2 else np.minimum(field, stretched(field))


def stretched(field: Signed) -> Signed:
    """The field of the shape's convex hull: how far each pixel is beyond the side of the hull that it is farthest beyond."""
    hull = cv2.convexHull(np.vstack(contours(field, 0.0)).astype(np.float32))[:, 0].astype(np.float64)
    y, x = (np.arange(length, dtype=np.float32) for length in field.shape)
    beyond = np.full(field.shape, -np.inf, np.float32)
    for (ax, ay), (bx, by) in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        length = max(np.hypot(bx - ax, by - ay), 1e-9)
        out_x, out_y = np.float32((by - ay) / length), np.float32((ax - bx) / length)
        np.maximum(beyond, ((y - np.float32(ay)) * out_y)[:, None] + (x - np.float32(ax)) * out_x, out=beyond)
    return beyond


def contours(field: Signed, level: float) -> tuple[Points, ...]:
    """Outer contours where a field passes a level, each closed and with about one point a pixel, the longest first; holes are left out."""
    outer = cv2.findContours((field <= level).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    traced = [one[:, 0].astype(np.float64) for one in outer if len(one) > 2]
    return tuple(_drawn_to(field, level, one) for one in sorted(traced, key=lambda one: -len(one)))


def sampled(field: Signed, points: Points) -> NDArray[np.float64]:
    """A field's values at points between its pixels, (N,), linearly interpolated."""
    at = points.astype(np.float32)[:, None]
    found = [cv2.remap(field, at[n : n + 32_000], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0] for n in range(0, len(at), 32_000)]
    return np.concatenate(found).astype(np.float64)


def _drawn_to(field: Signed, level: float, points: Points) -> Points:
    """Points near a level moved onto it, along the steepest way."""
    down, across = (np.asarray(np.gradient(field, axis=axis), np.float32) for axis in (0, 1))
    for _ in range(3):
        slope = np.stack([sampled(across, points), sampled(down, points)], axis=1)
        steepness = np.maximum((slope**2).sum(1, keepdims=True), 0.25)
        points = points + np.clip((level - sampled(field, points))[:, None] * slope / steepness, -1, 1)
    return points


def _alpha(covered: NDArray[np.float32]) -> Alpha:
    """Coverage 0..1 as alpha 0..255."""
    return np.asarray(covered * 255 + 0.5, np.uint8)


def _to_zero(mask: Mask) -> Signed:
    """Distance of every pixel to the nearest outside the mask."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
