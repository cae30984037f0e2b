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

from cutwork.tools.attention.kernels import columns

Keywords = tuple[tuple[int, ...], ...]  # for each subject the indices of its tokens
LARGEST = 60_000.0  # just within half precision; a map of a canvas of 2048x2048 reaches 16,384


@dataclass
class Recorder:
    """Collects one map per (block, step) and keyword, heads averaged, in order of arrival.

    Args:
        keywords: for each subject the indices of its tokens within the text part of the sequence.
        grid: image token rows and columns.
    """

    keywords: Sequence[Sequence[int]]
    grid: tuple[int, int]
    step: int = 0
    maps: list[Tensor] = field(default_factory=list)  # each (keywords, rows, columns) float16, in units of 1 / image tokens
    blocks: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    masked: list[bool] = field(default_factory=list)  # whether words were hidden from some image tokens
    _chosen: dict[tuple[Keywords, torch.device], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def add(self, block: int, q: Tensor, text_keys: Tensor, lse: Tensor, visible: Tensor | None = None) -> None:
        """Record one block of one step.

        Args:
            q: image queries (1, H, P, D). text_keys: (1, H, T, D). lse: of the image queries, (1, H, P).
            visible: bool (P, T), which text each image token may see; None = all.

        Raises:
            ValueError: if there is more than one image, or the queries are not those of the grid.
        """
        height, width = self.grid
        if q.shape[0] != 1 or q.shape[2] != height * width:
            raise ValueError(f"got queries of shape {tuple(q.shape)}, wanted (1, heads, {height * width}, dim) for a grid of {height}x{width} image tokens")
        if not any(self.keywords):
            return
        index, member = self._choice(q.device)
        seen = None if visible is None else visible[:, index]
        weights = columns(q, text_keys[:, :, index], lse, seen).mean(1)[0].detach()  # (P, wanted)
        maps = (weights @ member).T * (height * width)  # (keywords, P)
        self.maps.append(maps.reshape(-1, height, width).clamp(max=LARGEST).half())
        self.blocks.append(block)
        self.steps.append(self.step)
        self.masked.append(visible is not None)

    def stack(self) -> Tensor:
        """All maps so far, (arrivals, keywords, rows, columns) float16 on the CPU."""
        return self._stacked(self.maps)

    def unmasked(self) -> Tensor:
        """Those of `stack` that arose with every word visible to every image token: where the model looked of its own accord."""
        return self._stacked([m for m, hidden in zip(self.maps, self.masked, strict=True) if not hidden])

    def _stacked(self, maps: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(maps)).cpu() if maps else torch.zeros(0, len(self.keywords), *self.grid, dtype=torch.half)

    def _choice(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which text tokens name anything, int64 (wanted,), and which keyword each belongs to, 0 or 1, float32 (wanted, keywords).

        Kept for each set of keywords: making them waits for the device.
        """
        keywords = tuple(tuple(tokens) for tokens in self.keywords)
        if (keywords, device) not in self._chosen:
            wanted = sorted({t for tokens in keywords for t in tokens})
            member = torch.tensor([[float(t in tokens) for tokens in keywords] for t in wanted])
            self._chosen[keywords, device] = torch.tensor(wanted, device=device), member.to(device)
        return self._chosen[keywords, device]
