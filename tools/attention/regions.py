"""Regional Prompting (2411.02395): each region's text acts in its own region.

The joint sequence is [text of segment 0 | segment 1 | … | image]. Every token carries a small integer bit-set; two tokens
may attend to each other if they share a bit. That one rule gives all four quadrants of the paper's mask (eqs. 2–4):

    text→text    block diagonal: a segment sees itself
    text↔image   a segment and the image tokens of its region see each other
    image→image  tokens that share a region see each other

Segment 0 is the background: it owns the image tokens that no region covers, so no token is ever without text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Isolation = Literal["all", "regions", "none"]


def shares(box: tuple[float, float, float, float], grid: tuple[int, int]) -> Tensor:
    """Share of each cell of a (rows, columns) grid that a fractional box x0, y0, x1, y1 covers: float64 (rows, columns) in 0..1."""
    return torch.outer(_overlap(box[1], box[3], grid[0]), _overlap(box[0], box[2], grid[1]))


def _overlap(low: float, high: float, cells: int) -> Tensor:
    """Share of each of `cells` equal intervals of 0..1 that lies in low..high: float64 (cells,) in 0..1."""
    start = torch.arange(cells, dtype=torch.float64)
    return ((start + 1).clamp(max=high * cells) - start.clamp(min=low * cells)).clamp(0, 1)


def owned(share: Tensor) -> Tensor:
    """Cells that a region owns: those it covers by half or more, else those it covers most.

    Args:
        share: of each cell, (rows, columns) in 0..1, above 0 somewhere.

    Returns:
        Bool (rows, columns), true somewhere.

    Raises:
        ValueError: if no cell is covered at all.
    """
    share = share.float()  # a half that arithmetic in fractions made a hair less is still a half
    most = share.max()
    if most <= 0:
        raise ValueError(f"a region covers none of the {share.shape[0]}x{share.shape[1]} cells, wanted a share above 0 in at least one")
    return share >= most.clamp(max=0.5)


def coverage(box: tuple[float, float, float, float], grid: tuple[int, int]) -> Tensor:
    """Cells of a (rows, columns) grid that a fractional box owns: bool (rows, columns)."""
    return owned(shares(box, grid))


def nearest(mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """Cells whose middle pixel is in a mask (H, W), as the published code rasterises: bool (rows, columns). A small region may own none."""
    cells = torch.nn.functional.interpolate(mask[None, None].float(), grid, mode="nearest-exact")[0, 0]
    return cells > 0.5


def image_bits(covers: Sequence[Tensor], z: Sequence[int] | None = None) -> Tensor:
    """Bit-set of every image token: bit 0 for the background, bit i+1 for region i.

    Args:
        covers: bool (rows, columns) per region.
        z: when given, an overlapped token belongs only to the region with the highest z, the last of equals; else to all that cover it.

    Returns:
        int64 (rows*columns,).

    Raises:
        ValueError: if there are no regions.
    """
    if not covers:
        raise ValueError("image_bits needs at least one region's coverage, got none")
    bits = torch.zeros(covers[0].numel(), dtype=torch.int64)
    order = range(len(covers)) if z is None else sorted(range(len(covers)), key=lambda i: z[i])
    for i in order:
        inside = covers[i].reshape(-1)
        bit = torch.tensor(1 << (i + 1))
        bits = torch.where(inside, bit if z is not None else bits | bit, bits)
    return torch.where(bits == 0, torch.tensor(1), bits)


def mask(lengths: Sequence[int], image: Tensor, isolate: Isolation = "regions") -> Tensor:
    """Who may attend to whom, for [text segments | image].

    Args:
        lengths: tokens of each text segment; segment 0 is the background, segment i+1 belongs to region i.
        image: bit-sets of the image tokens, int64 (P,), from `image_bits`.
        isolate: which image tokens are kept apart. "all": tokens that share no region, as published (each region then
            invents a background of its own). "regions": those of different regions, while the background sees and is seen by
            all, so that one background runs through. "none": image→image is free.

    Returns:
        Bool (L, L) with L = sum(lengths) + P; every row has a True.
    """
    text = torch.repeat_interleave(torch.tensor([1 << i for i in range(len(lengths))]), torch.tensor(lengths))
    # Tokens by the thousand share a few dozen bit-sets: meet those pairwise, then look up; (L, L) integers would take gigabytes.
    sets, which = torch.unique(torch.cat([text, image]), return_inverse=True)
    allowed: Tensor = ((sets[:, None] & sets[None, :]) != 0)[which][:, which]
    among = which[len(text) :]
    allowed[len(text) :, len(text) :] = together(sets[:, None], sets[None, :], isolate)[among][:, among]
    return allowed


def together(a: Tensor, b: Tensor, isolate: Isolation) -> Tensor:
    """Whether image tokens of these bit-sets see each other: bool of their broadcast shape, by the rule told in `mask`."""
    shared = (a & b) != 0
    if isolate == "none":
        return torch.ones_like(shared)
    return shared | ((a | b) & 1 != 0) if isolate == "regions" else shared
