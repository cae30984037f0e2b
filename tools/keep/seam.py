"""What was drawn, laid into the picture it started from, with a seam wholly inside the area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cutwork.tools.keep.shapes import EDGE, Mask, Pixels, grown, pixels_of
from cutwork.tools.keep.start import DRAWN, Start, verify
from cutwork.tools.masks.plate import membrane, plate

SEAM = 0.03  # of the long side: over which what was drawn fades into what stays
FIT = 30.0  # grey levels by which what is drawn is fitted to the colours around it, at most


def laid_in(start: Start, drawn: Pixels, fitted: bool = True) -> Pixels:
    """What was drawn, laid into the picture it started from: (H, W, 3). Outside the area it is that picture, to the bit.

    Args:
        fitted: the colours of what was drawn are brought to those around it.
    """
    zone = start.area >= DRAWN
    if start.behind:
        drawn = plate(drawn, grown(~zone, EDGE + 1)) if (~zone).any() else drawn
    elif fitted and not zone.all():
        drawn = _fitted(drawn, start.picture, zone)
    share = _share(zone, EDGE if start.behind else pixels_of(SEAM, *zone.shape[::-1]))[..., None]
    mixed = (drawn * share + start.picture * (1 - share) + 0.5).astype(np.uint8)
    out = np.where(zone[..., None], mixed, start.picture)
    verify(start.picture, out, start.area)
    return out


def _share(zone: Mask, seam: int) -> NDArray[np.float32]:
    """How much of what was drawn counts: nothing outside the zone, all of it further inside than the seam; the canvas border is no edge."""
    padded = np.pad(zone, seam + 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded)[seam + 1 : -seam - 1, seam + 1 : -seam - 1] if not padded.all() else np.full(zone.shape, seam + 1.0)
    linear = np.clip((depth - 0.5) / seam, 0, 1).astype(np.float32)
    return linear * linear * (3 - 2 * linear)


def _fitted(drawn: Pixels, picture: Pixels, zone: Mask) -> Pixels:
    """What was drawn in the colours of its surroundings: the difference where both show the same, carried into the zone like a soap film."""
    difference = np.clip(picture.astype(np.float32) - drawn, -FIT, FIT)
    near = grown(zone, 8) & ~zone
    if not near.any():
        return drawn
    smooth = ndimage.gaussian_filter(difference * near[..., None], (2, 2, 0)) / np.maximum(ndimage.gaussian_filter(near.astype(np.float32), 2), 1e-3)[..., None]
    field = membrane(np.where(near[..., None], smooth, 0).astype(np.float32), ~zone)
    return np.asarray(np.clip(drawn + np.where(zone[..., None], field, 0) + 0.5, 0, 255), np.uint8)
