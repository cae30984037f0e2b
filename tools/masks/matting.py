"""Soft edges: closed-form matting in a band along the masks' edges, and the subjects' own colours under them.

All subjects of a picture are solved for together: one Laplacian, one band that is open for all, one right-hand side a subject. The system is linear in
what is known, so that the alphas of subjects that touch, and of what is behind them, add up to 1. The work is bounded: it is done on the part of the
picture around the band, on a smaller copy where that is large, and brought to full size by the picture's own colours.

pymatting compiles its kernels on first use (over a minute) and keeps them in the folder that NUMBA_CACHE_DIR names, by default next to its own
source; set it to a writable folder before the first import. Its kernels may abort the process when two threads run them, so one lock holds them all.

Source: Levin, Lischinski, Weiss, "A closed-form solution to natural image matting" (2008), as implemented by pymatting.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cutwork.tools.masks.enlarge import enlarge
from cutwork.tools.masks.types import Mask, Picture

BAND = 0.012  # of the canvas' long side: half the width of the band in which alpha is open
SURE = 0.5  # of each piece of a subject: at least so much of it stays out of the band
REACH = 3  # times that far from the edge it is open where the attention map is unsure too
LONGEST = 512  # pixels; larger parts of a picture are matted on a smaller copy
MOST = 40_000  # open pixels, likewise
AROUND = 4  # pixels of known ground around the band that are looked at
LOCK = threading.Lock()

Alpha = NDArray[np.floating[Any]]  # (H, W) or (subjects, H, W) in 0..1
Part = tuple[slice, slice]  # rows and columns


def soften(image: Picture, masks: Mask, unsure: Mask | None = None, band: float = BAND) -> Alpha:
    """Alphas that follow the picture along the masks' edges, and the masks elsewhere.

    Args:
        image: (H, W, 3) uint8.
        masks: (subjects, H, W) bool, disjoint.
        unsure: (H, W) bool, where attention could not decide either; the band is open there up to REACH times as far from an edge.
        band: half width of the open band, in parts of the long side; at least 2 pixels.

    Returns:
        (subjects, H, W) float64 in 0..1; at each pixel they add up to 1 at most. Pieces too thin to leave anything sure keep their mask.
    """
    alphas = masks.astype(np.float64)
    open_ = trimap(masks, max(2, round(band * max(image.shape[:2]))), unsure)
    if not open_.any() or (open_ | masks.any(0)).all():
        return alphas
    part = _around(open_)
    found = _bounded(image[part], masks[:, part[0], part[1]], open_[part])
    alphas[:, part[0], part[1]] = np.where(open_[part], found, alphas[:, part[0], part[1]])
    scaled: Alpha = alphas / np.maximum(1.0, alphas.sum(0))
    return scaled


def foreground(image: Picture, alpha: Alpha) -> Picture:
    """The subject's own colours, without what shines through from behind: (H, W, 3) uint8. Opaque pixels keep theirs."""
    half = (alpha > 0) & (alpha < 1)
    if not half.any():
        return image
    part = _around(alpha > 0)
    with LOCK:
        from pymatting import estimate_foreground_ml

        colours = estimate_foreground_ml(image[part] / 255.0, alpha[part])
    own = image.copy()
    own[part] = np.where(half[part][..., None], np.clip(colours * 255 + 0.5, 0, 255), image[part])
    return own


def trimap(masks: Mask, radius: int, unsure: Mask | None = None) -> Mask:
    """Where alpha is open: within `radius` pixels of an edge, or REACH times that where it is unsure besides. The canvas border is no edge.

    A piece of a subject of which too little would stay sure gets a narrower band, or none: else it would fade.

    Args:
        masks: (subjects, H, W) bool, disjoint.
        unsure: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    open_, closed = np.zeros(masks.shape[1:], bool), np.zeros(masks.shape[1:], bool)
    for piece in (piece for mask in masks for piece in _pieces(mask)):

        def leaves_enough(band: Mask, piece: Mask = piece) -> bool:
            return bool((piece & ~band).sum() > SURE * piece.sum())

        near = next((band for band in (_near(piece, r) for r in (radius, radius // 2, 1)) if leaves_enough(band)), None)
        if near is None:
            closed |= piece
            continue
        wide = near if unsure is None else near | (_near(piece, REACH * radius) & unsure)
        open_ |= wide if leaves_enough(wide) else near
    return open_ & ~closed


def _pieces(mask: Mask) -> Iterator[Mask]:
    """Each connected piece of a mask (corners connect)."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    yield from (numbers == number for number in range(1, count))


def _near(mask: Mask, radius: int) -> Mask:
    """Pixels within a radius of a mask's edge, to either side."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner = cv2.erode(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(inner != outer)


def _around(mask: Mask) -> Part:
    """The part of the canvas that holds a mask and a little around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(max(0, rows[0] - AROUND), rows[-1] + 1 + AROUND), slice(max(0, columns[0] - AROUND), columns[-1] + 1 + AROUND)


def _bounded(image: Picture, masks: Mask, open_: Mask) -> Alpha:
    """Alphas of a part of the picture, solved on a smaller copy where it is large: (subjects, H, W)."""
    height, width = open_.shape
    scale = min(1.0, LONGEST / max(height, width), (MOST / max(1, int(open_.sum()))) ** 0.5)
    if scale == 1:
        return _solve(image, masks, open_)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    shares = np.stack([cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in masks])
    found = _solve(small, shares > 0.5, cv2.resize(open_.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0)
    return np.clip(enlarge(small, found, image), 0.0, 1.0)


def _solve(image: Picture, masks: Mask, open_: Mask) -> Alpha:
    """Closed-form alphas of all subjects at once, (subjects, H, W); known pixels are as the masks say."""
    alphas = masks.astype(np.float64)
    inside = open_.ravel()
    if not inside.any() or inside.all():
        return alphas
    from scipy.sparse.linalg import splu

    with LOCK:
        from pymatting import cf_laplacian

        rows = cf_laplacian(image / 255.0, is_known=~inside)[inside]
    among, known = rows[:, inside], rows[:, ~inside]
    # Plain grounds make the system nearly singular, where incomplete factors fail; the band is narrow enough to factor it whole, once for all subjects.
    factors = splu(among.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    alphas[:, open_] = factors.solve(-(known @ alphas.reshape(len(alphas), -1)[:, ~inside].T)).T
    return np.clip(np.nan_to_num(alphas), 0.0, 1.0)
