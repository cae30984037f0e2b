"""Many keyword maps, one per block and step, fused into one map per keyword.

Each map is min-maxed, weighted by how telling it looks, and added up:

    N = sum u * M^     D = sum u     S = sum M^     fused = minmax(N / D), or of S / count where every weight is 0

The state is three small arrays, so fusion streams along with the drawing; stored maps can be fused again with another
weight (`fuse`). Sums commute: the order of arrival changes nothing, and two halves merge into the whole.

        name             weight of a map M                              what it favours
    V0  mean             1                                              nothing; the control
    V1  entropy          H, bits of its grey levels' histogram          many grey levels (the paper)
    V2  entropy-power    H ** 2                                         the same, more sharply
    V2  entropy-softmax  exp(H / 0.5 bit), scaled                       the same, most sharply
    V3  concentration    log2 P - entropy of M as a distribution        mass in few cells
    V4  coherent         H * Var(blur M^) / Var(M^), 3x3 box            many grey levels that hang together
    V5  window           1 in some blocks and the late half of the      where FLUX is known to tell concepts apart: its double
                         steps, else 0                                  blocks 15 to 18, elsewhere those as deep
    V6  otsu             between-class variance at the best threshold   two clear classes

Maps of several resolutions are weighted at their own size and enlarged to one grid. So that their entropies compare, a map of P cells
has min(256, P / 4) levels, and its bits are counted as if it had 256: as in the paper from 1024 cells up.

Source: Entropy Fusion (arXiv 2503.10697) for `entropy`; the others are controls and guards built around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from cutwork.tools.attention.entropy import BINS, EPS, bins_of, histogram_entropy, level_shares, minmax

TOGETHER = 64  # stored maps fused at a time: min-max works in doubles, and a long drawing's maps at once would take gigabytes
POWER = 2.0  # of entropy-power
TEMPERATURE = 0.5  # bits, of entropy-softmax
DEPTH = (15 / 57, 19 / 57)  # of all blocks: where `window` begins, and where it ends
LATE = 0.5  # of all steps: where `window` begins


@dataclass(frozen=True)
class Origin:
    """Where in a drawing some maps arose: the number of the block and of the step of each, out of how many."""

    blocks: Tensor  # int (maps,)
    steps: Tensor  # int (maps,)
    of_blocks: int
    of_steps: int

    @classmethod
    def of(cls, blocks: Sequence[int] | Tensor, steps: Sequence[int] | Tensor) -> Origin:
        """Of all maps of a drawing, whose last block and step are among them."""
        block, step = (torch.as_tensor(n, dtype=torch.int64) for n in (blocks, steps))
        return cls(block, step, int(block.max()) + 1 if len(block) else 0, int(step.max()) + 1 if len(step) else 0)

    def part(self, start: int, end: int) -> Origin:
        """That of the maps from one number up to, but without, another."""
        return Origin(self.blocks[start:end], self.steps[start:end], self.of_blocks, self.of_steps)


Weight = Callable[[Tensor, Origin | None], Tensor]  # maps (maps, keywords, h, w) -> weights (maps, keywords), >= 0


def even(maps: Tensor) -> Tensor:
    """1 for every map."""
    return torch.ones(maps.shape[:-2], device=maps.device)


def entropy(maps: Tensor) -> Tensor:
    """Bits of each map's grey levels, 0..8, comparable between maps of any size."""
    bins = bins_of(maps.shape[-2] * maps.shape[-1])
    return histogram_entropy(maps, bins) * (math.log2(BINS) / math.log2(bins))


def entropy_power(maps: Tensor) -> Tensor:
    """Bits, squared."""
    return entropy(maps) ** POWER


def entropy_softmax(maps: Tensor) -> Tensor:
    """exp of the bits over a temperature. Bits end at 8, which is taken off, so that no sum of them overflows."""
    return torch.exp((entropy(maps) - math.log2(BINS)) / TEMPERATURE)


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
    return entropy(maps) * coherence(maps)


def otsu(maps: Tensor, bins: int = BINS) -> Tensor:
    """Between-class variance of the best two-class split of the min-maxed levels: 0..0.25."""
    share = level_shares(minmax(maps), bins)  # (..., bins)
    level = torch.linspace(0, 1, bins, device=maps.device)
    below = share.cumsum(-1)  # share of cells at or below each level
    moment = (share * level).cumsum(-1)
    spread = (moment[..., -1:] * below - moment) ** 2
    return (spread / (below * (1 - below)).clamp_min(EPS)).amax(-1)


def window(maps: Tensor, origin: Origin | None = None) -> Tensor:
    """1 for maps of the late half of the steps and of the blocks within DEPTH, or, where none lies there, of the nearest one; else 0.

    Raises:
        ValueError: if nobody says where the maps arose.
    """
    if origin is None:
        raise ValueError("fusion by 'window' wants to know which block and step each map is of")
    depth = (torch.arange(origin.of_blocks) + 0.5) / origin.of_blocks
    chosen = (depth >= DEPTH[0]) & (depth < DEPTH[1])
    if not chosen.any():
        chosen[(depth - sum(DEPTH) / 2).abs().argmin()] = True
    late = origin.steps + 0.5 >= LATE * origin.of_steps
    inside = (chosen[origin.blocks] & late).to(maps.device, torch.float32)  # (maps,)
    return inside.view(-1, *[1] * (maps.ndim - 3)).expand(maps.shape[:-2])


def _alone(weight: Callable[[Tensor], Tensor]) -> Weight:
    """A weight that looks at the maps and not at where they arose."""

    def of(maps: Tensor, origin: Origin | None = None) -> Tensor:  # noqa: ARG001
        return weight(maps)

    return of


WEIGHTS: dict[str, Weight] = {
    "mean": _alone(even),
    "entropy": _alone(entropy),
    "entropy-power": _alone(entropy_power),
    "entropy-softmax": _alone(entropy_softmax),
    "concentration": _alone(concentration),
    "coherent": _alone(coherent),
    "window": window,
    "otsu": _alone(otsu),
}


class Fusion:
    """Streaming fusion of the keyword maps of one drawing.

    Args:
        weight: a name of WEIGHTS.
        grid: rows and columns of the fused maps, to which maps of other sizes are brought; None = those of the first maps, and all must have them.

    Raises:
        ValueError: if there is no such weight.
    """

    def __init__(self, weight: str = "entropy", grid: tuple[int, int] | None = None) -> None:
        if weight not in WEIGHTS:
            raise ValueError(f"fusion has no weight {weight!r}; it has {', '.join(WEIGHTS)}")
        self.weight, self.grid = weight, grid
        self.count = 0
        self._weighted: Tensor | None = None  # (keywords, h, w)
        self._plain: Tensor | None = None  # (keywords, h, w)
        self._total: Tensor | None = None  # (keywords,)

    def add(self, maps: Tensor, origin: Origin | None = None) -> Fusion:
        """Take in the maps of one block and step, (keywords, h, w), or of several, (maps, keywords, h, w).

        Args:
            origin: of as many maps; needed by "window" alone.

        Raises:
            ValueError: if the shape is another one, or differs from that of earlier maps and no grid was given, or the weight lacks the origin.
        """
        if maps.ndim not in (3, 4) or 0 in maps.shape:
            raise ValueError(f"want maps (keywords, h, w) or (maps, keywords, h, w), got {tuple(maps.shape)}")
        batch = maps if maps.ndim == 4 else maps[None]
        unit = minmax(batch)  # (maps, keywords, h, w)
        weights = WEIGHTS[self.weight](batch.float(), origin)  # (maps, keywords)
        if self.grid is not None and unit.shape[-2:] != self.grid:
            unit = interpolate(unit, self.grid, mode="bilinear", align_corners=False)
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


def fuse(stack: Tensor, weight: str = "entropy", origin: Origin | None = None) -> Tensor:
    """Fuse stored maps of any float type: (maps, keywords, h, w) -> (keywords, h, w) float32 in 0..1.

    Args:
        origin: of as many maps; needed by "window" alone.

    Raises:
        ValueError: if the stack is empty or has another shape, there is no such weight, or it lacks the origin.
    """
    if stack.ndim != 4:
        raise ValueError(f"want stored maps (maps, keywords, h, w), got {tuple(stack.shape)}")
    fusion = Fusion(weight)
    for start in range(0, max(1, len(stack)), TOGETHER):
        end = start + TOGETHER
        fusion.add(stack[start:end], origin and origin.part(start, end))
    return fusion.result()


def composite(fused: Tensor) -> Tensor:
    """One map of all keywords: the largest value at each cell, (keywords, h, w) -> (h, w)."""
    return fused.amax(0)
