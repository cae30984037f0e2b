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


def coverage(box: tuple[float, float, float, float], grid: tuple[int, int]) -> Tensor:
    """Cells of a (rows, columns) grid that a fractional box covers by half or more; the best cell if there is none.

    Returns:
        Bool (rows, columns).
    """
    share = torch.outer(_overlap(box[1], box[3], grid[0]), _overlap(box[0], box[2], grid[1]))
    covered = share >= 0.5
    return covered if bool(covered.any()) else share == share.max()


def _overlap(low: float, high: float, cells: int) -> Tensor:
    """Share of each of `cells` equal intervals of 0..1 that lies in low..high."""
    edges = torch.arange(cells + 1, dtype=torch.float64) / cells
    return ((edges[1:].clamp(max=high) - edges[:-1].clamp(min=low)).clamp(min=0) * cells).float()


def image_bits(covers: Sequence[Tensor], z: Sequence[int] | None = None) -> Tensor:
    """Bit-set of every image token: bit 0 for the background, bit i+1 for region i.

    Args:
        covers: bool (rows, columns) per region.
        z: when given, an overlapped token belongs only to the region with the highest z; else to all that cover it.

    Returns:
        int64 (rows*columns,).
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
        image: bit-sets of the image tokens, from `image_bits`.
        isolate: which image tokens are kept apart. "all": tokens that share no region, as published (each region then
            invents a background of its own). "regions": those of different regions, while the background sees and is seen by
            all, so that one background runs through. "none": image→image is free.

    Returns:
        Bool (L, L) with L = sum(lengths) + image tokens; every row has a True.
    """
    text = torch.repeat_interleave(torch.tensor([1 << i for i in range(len(lengths))]), torch.tensor(lengths))
    bits = torch.cat([text, image])
    allowed = (bits[:, None] & bits[None, :]) != 0
    if isolate != "all":
        behind = (image & 1) != 0
        seen = behind[:, None] | behind[None, :] if isolate == "regions" else torch.ones(1, dtype=torch.bool)
        allowed[len(text) :, len(text) :] |= seen
    return allowed
