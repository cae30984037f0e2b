"""Keyword maps: how much every image token attends to the words that name each subject, exactly, at every block and step.

    M[p] = mean_h Σ_{k∈T} exp(q_p·k_k/√d − LSE_p)          T = the tokens that name the subject

Post-norm, post-RoPE queries and keys; heads averaged as probabilities (2503.10697; conventions of DAAM and Alfie). The sum
over T is the mass an image token gives to the subject's words; maps are min-maxed before they are fused, so sum and mean
fuse alike.

Maps are kept in half precision on the device they arose on, in units of 1 / image tokens: as probabilities they would be
subnormal on large grids. Nothing waits for the device between the first block under a set of keywords and `stack`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cutwork.tools.attention.kernels import columns

Keywords = tuple[tuple[int, ...], ...]  # for each subject the indices of its tokens
LARGEST = 60_000.0  # just within half precision; a map of a canvas of 2048x2048 reaches 16,384


@dataclass
class Recorder:
    """Collects one map per (block, step) and keyword, heads averaged, in order of arrival.

    Args:
        count: of the keywords.
        grid: image token rows and columns.
        only: blocks to record; None = all.
    """

    count: int
    grid: tuple[int, int]
    only: frozenset[int] | None = None
    step: int = 0
    maps: list[Tensor] = field(default_factory=list)  # each (images, keywords, rows, columns) float16, in units of 1 / image tokens
    blocks: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    masked: list[bool] = field(default_factory=list)  # whether words were hidden from some image tokens
    _chosen: dict[tuple[Keywords, torch.device], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def add(
        self,
        block: int,
        q: Tensor,
        text_keys: Tensor,
        lse: Tensor,
        keywords: Keywords,
        visible: Tensor | None = None,
        back: Tensor | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Record one block of one step.

        Args:
            q: image queries (B, H, P, D). text_keys: (B, H, T, D). lse: of the image queries, (B, H, P).
            keywords: for each subject the indices of its tokens among the text keys.
            visible: bool (P, T), which text each image token may see; None = all.
            back: int64 (P,), where each image token of the grid stands among the queries; None = in order.
            size: rows and columns of the queries where those are not the grid's; maps are averaged over its cells.

        Raises:
            ValueError: if the queries are not as many as the grid or size says, or the keywords not as many as were announced.
        """
        height, width = size or self.grid
        if q.shape[2] != height * width:
            raise ValueError(f"got queries of shape {tuple(q.shape)}, wanted (images, heads, {height * width}, dim) for a grid of {height}x{width} image tokens")
        if len(keywords) != self.count:
            raise ValueError(f"got {len(keywords)} keywords, wanted {self.count}")
        if not any(keywords) or (self.only is not None and block not in self.only):
            return
        index, member = self._choice(keywords, q.device)
        seen = None if visible is None else visible[:, index]
        weights = columns(q, text_keys[:, :, index], lse, seen).mean(1).detach()  # (B, P, wanted)
        maps = (weights @ member).mT * (self.grid[0] * self.grid[1])  # (B, keywords, P)
        maps = (maps if back is None else maps[..., back]).reshape(*maps.shape[:2], height, width)
        maps = maps if (height, width) == self.grid else interpolate(maps, self.grid, mode="area")
        self.maps.append(maps.clamp(max=LARGEST).half())
        self.blocks.append(block)
        self.steps.append(self.step)
        self.masked.append(visible is not None)

    def stack(self, image: int = 0) -> Tensor:
        """All maps of one image so far, (arrivals, keywords, rows, columns) float16 on the CPU."""
        return self._stacked([m[image] for m in self.maps])

    def unmasked(self, image: int = 0) -> Tensor:
        """Those of `stack` that arose with every word visible to every image token: where the model looked of its own accord."""
        return self._stacked([m[image] for m, hidden in zip(self.maps, self.masked, strict=True) if not hidden])

    def _stacked(self, maps: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(maps)).cpu() if maps else torch.zeros(0, self.count, *self.grid, dtype=torch.half)

    def _choice(self, keywords: Keywords, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which text tokens name anything, int64 (wanted,), and which keyword each belongs to, 0 or 1, float32 (wanted, keywords).

        Kept for each set of keywords: making them waits for the device.
        """
        if (keywords, device) not in self._chosen:
            wanted = sorted({t for tokens in keywords for t in tokens})
            member = torch.tensor([[float(t in tokens) for tokens in keywords] for t in wanted])
            self._chosen[keywords, device] = torch.tensor(wanted, device=device), member.to(device)
        return self._chosen[keywords, device]
