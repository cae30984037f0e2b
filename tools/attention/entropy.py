"""How much a keyword map says: the entropy of its grey levels.

A map with many distinct levels has high entropy, an attention sink (one hot cell) almost none. Position plays no part:
shuffling a map leaves its entropy as it is, so pure noise scores above a clean shape. `fuse.py` offers weights that
guard against that.

Source: Entropy Fusion (arXiv 2503.10697); the blanks it leaves (min-max first, 256 bins, bits) are those of the
8-bit image entropy convention.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPS = 1e-8
BINS = 256  # grey levels of the convention


def bins_of(cells: int) -> int:
    """Grey levels that the histogram of so many cells is given: 256, fewer where there would not be four cells a level, at least 2."""
    return max(2, min(BINS, cells // 4))


def minmax(maps: Tensor) -> Tensor:
    """Each map stretched to 0..1 over its last two axes; a constant map becomes 0, a value that is not finite the map's least.

    Args:
        maps: (..., h, w), any float type.

    Returns:
        (..., h, w) float32.
    """
    maps = maps.double()  # the span of two floats may overflow a float
    finite = maps.isfinite()
    if finite.all():
        low, high = (end[..., None, None] for end in maps.flatten(-2).aminmax(dim=-1))
        return ((maps - low) / (high - low + EPS)).float()
    low = maps.where(finite, torch.inf).amin((-2, -1), keepdim=True)
    high = maps.where(finite, -torch.inf).amax((-2, -1), keepdim=True)
    low, high = low.where(low.isfinite(), 0.0), high.where(high.isfinite(), 0.0)
    return ((maps.where(finite, low) - low) / (high - low + EPS)).float()


def histogram_entropy(maps: Tensor, bins: int = BINS) -> Tensor:
    """Entropy of each map's grey levels after min-max, in bits: 0 for a constant map, at most log2(bins).

    All maps go through one bincount over (map number * bins + level).

    Args:
        maps: (..., h, w), any float type.
        bins: number of grey levels, >= 2.

    Returns:
        (...) float32.

    Raises:
        ValueError: if bins < 2 or maps has fewer than two axes.
    """
    if bins < 2 or maps.ndim < 2:
        raise ValueError(f"want maps (..., h, w) and at least 2 bins, got shape {tuple(maps.shape)} and {bins} bins")
    share = level_shares(minmax(maps), bins)  # (..., bins)
    return -torch.xlogy(share, share).sum(-1) / math.log(2)


def level_shares(unit: Tensor, bins: int) -> Tensor:
    """Share of each map's cells at each grey level: (..., h, w) in 0..1 -> (..., bins), summing to 1."""
    levels = ((bins - 1) * unit + 0.5).long().flatten(-2)  # (..., cells)
    flat = levels.reshape(-1, levels.shape[-1])  # (maps, cells)
    offset = torch.arange(flat.shape[0], device=flat.device)[:, None] * bins
    counts = torch.bincount((flat + offset).flatten(), minlength=flat.shape[0] * bins)
    return counts.view(*levels.shape[:-1], bins).float() / levels.shape[-1]
