"""Many keyword maps, one per block and step, fused into one map per keyword.

Each map is min-maxed, weighted by how telling it looks, and added up:

    N = sum u * M^     D = sum u     S = sum M^     fused = minmax(N / D), or of S / count where every weight is 0

The state is three small arrays, so fusion streams along with the drawing; stored maps can be fused again with another
weight (`fuse`). Sums commute: the order of arrival changes nothing, and two halves merge into the whole.

    name            weight of a map M                              what it favours
    mean            1                                              nothing; the control
    entropy         H, bits of its 256-level histogram             many grey levels (the paper)
    concentration   log2 P - entropy of M as a distribution        mass in few cells
    coherent        H * Var(blur M^) / Var(M^), 3x3 box            many grey levels that hang together
    otsu            between-class variance at the best threshold   two clear classes

Source: Entropy Fusion (arXiv 2503.10697) for `entropy`; the others are controls and guards built around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from cutwork.tools.attention.entropy import EPS, histogram_entropy, level_shares, minmax

TOGETHER = 64  # stored maps fused at a time: min-max works in doubles, and a long drawing's maps at once would take gigabytes

Weight = Callable[[Tensor], Tensor]  # maps (..., h, w) -> weights (...), >= 0


def even(maps: Tensor) -> Tensor:
    """1 for every map."""
    return torch.ones(maps.shape[:-2], device=maps.device)


def concentration(maps: Tensor) -> Tensor:
    """Bits by which a map, read as a distribution over its P cells, falls short of uniform: 0..log2 P."""
    mass = maps.float().nan_to_num(0.0, 0.0, 0.0).clamp_min(0).flatten(-2)  # (..., P)
    total = mass.sum(-1, keepdim=True)
    share = mass / total.clamp_min(torch.finfo(mass.dtype).tiny)
    spatial = -torch.xlogy(share, share).sum(-1)
    return ((math.log(mass.shape[-1]) - spatial) / math.log(2)).clamp_min(0) * (total[..., 0] > 0)


def coherence(maps: Tensor) -> Tensor:
    """Share of a map's variance that survives a 3x3 box blur: about 1/9 for noise, near 1 for a region, 0 for a constant."""
    unit = minmax(maps)
    flat = unit.reshape(-1, 1, *unit.shape[-2:])
    blurred = avg_pool2d(pad(flat, (1, 1, 1, 1), mode="replicate"), 3, 1).view_as(unit)
    variance = unit.var((-2, -1), correction=0)
    return blurred.var((-2, -1), correction=0) / variance.clamp_min(EPS)


def coherent(maps: Tensor) -> Tensor:
    """Entropy guarded by coherence."""
    return histogram_entropy(maps) * coherence(maps)


def otsu(maps: Tensor, bins: int = 256) -> Tensor:
    """Between-class variance of the best two-class split of the min-maxed levels: 0..0.25."""
    share = level_shares(minmax(maps), bins)  # (..., bins)
    level = torch.linspace(0, 1, bins, device=maps.device)
    below = share.cumsum(-1)  # share of cells at or below each level
    moment = (share * level).cumsum(-1)
    spread = (moment[..., -1:] * below - moment) ** 2
    return (spread / (below * (1 - below)).clamp_min(EPS)).amax(-1)


WEIGHTS: dict[str, Weight] = {
    "mean": even,
    "entropy": histogram_entropy,
    "concentration": concentration,
    "coherent": coherent,
    "otsu": otsu,
}


class Fusion:
    """Streaming fusion of the keyword maps of one drawing.

    Args:
        weight: a name of WEIGHTS.

    Raises:
        ValueError: if there is no such weight.
    """

    def __init__(self, weight: str = "entropy") -> None:
        if weight not in WEIGHTS:
            raise ValueError(f"fusion has no weight {weight!r}; it has {', '.join(WEIGHTS)}")
        self.weight = weight
        self.count = 0
        self._weighted: Tensor | None = None  # (keywords, h, w)
        self._plain: Tensor | None = None  # (keywords, h, w)
        self._total: Tensor | None = None  # (keywords,)

    def add(self, maps: Tensor) -> Fusion:
        """Take in the maps of one block and step, (keywords, h, w), or of several, (maps, keywords, h, w).

        Raises:
            ValueError: if the shape is another one, or differs from that of earlier maps.
        """
        if maps.ndim not in (3, 4) or 0 in maps.shape:
            raise ValueError(f"want maps (keywords, h, w) or (maps, keywords, h, w), got {tuple(maps.shape)}")
        batch = maps if maps.ndim == 4 else maps[None]
        unit = minmax(batch)  # (maps, keywords, h, w)
        weights = WEIGHTS[self.weight](batch.float())  # (maps, keywords)
        weighted = torch.einsum("mk,mkhw->khw", weights, unit)
        self._accumulate(weighted, unit.sum(0), weights.sum(0), len(batch))
        return self

    def merge(self, other: Fusion) -> Fusion:
        """Take in all that another fusion of the same weight has seen.

        Raises:
            ValueError: if the weights or shapes differ.
        """
        if other.weight != self.weight:
            raise ValueError(f"cannot merge fusion {other.weight!r} into {self.weight!r}")
        if other._weighted is not None and other._plain is not None and other._total is not None:
            self._accumulate(other._weighted, other._plain, other._total, other.count)
        return self

    def result(self) -> Tensor:
        """The fused maps so far, (keywords, h, w) float32 in 0..1.

        Raises:
            ValueError: if no maps have arrived.
        """
        if self._weighted is None or self._plain is None or self._total is None:
            raise ValueError("nothing to fuse: no maps were added")
        total = self._total[:, None, None]
        mean = self._plain / self.count
        return minmax(torch.where(total > EPS * self.count, self._weighted / total.clamp_min(EPS), mean))

    def _accumulate(self, weighted: Tensor, plain: Tensor, total: Tensor, count: int) -> None:
        if self._weighted is None or self._plain is None or self._total is None:
            self._weighted, self._plain, self._total = weighted.clone(), plain.clone(), total.clone()
        elif weighted.shape != self._weighted.shape:
            raise ValueError(f"maps of shape {tuple(weighted.shape)} arrived after maps of shape {tuple(self._weighted.shape)}")
        else:
            self._weighted += weighted
            self._plain += plain
            self._total += total
        self.count += count


def fuse(stack: Tensor, weight: str = "entropy") -> Tensor:
    """Fuse stored maps of any float type: (maps, keywords, h, w) -> (keywords, h, w) float32 in 0..1.

    Raises:
        ValueError: if the stack is empty or has another shape, or there is no such weight.
    """
    if stack.ndim != 4:
        raise ValueError(f"want stored maps (maps, keywords, h, w), got {tuple(stack.shape)}")
    fusion = Fusion(weight)
    for part in torch.split(stack, TOGETHER):
        fusion.add(part)
    return fusion.result()


def composite(fused: Tensor) -> Tensor:
    """One map of all keywords: the largest value at each cell, (keywords, h, w) -> (h, w)."""
    return fused.amax(0)
