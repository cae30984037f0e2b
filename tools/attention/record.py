"""Keyword maps: how much every image token attends to the words that name each subject, exactly, at every block and step.

    M[p] = mean_h Σ_{k∈T} exp(q_p·k_k/√d − LSE_p)          T = the tokens that name the subject

Post-norm, post-RoPE queries and keys; heads averaged as probabilities (2503.10697; conventions of DAAM and Alfie). The sum
over T is the mass an image token gives to the subject's words; maps are min-maxed before they are fused, so sum and mean
fuse alike.

Maps are kept in half precision on the device they arose on, in units of 1 / image tokens: as probabilities they would be
subnormal on large grids. Nothing waits for the device before `stack`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cutwork.tools.attention.kernels import columns


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

    def add(self, block: int, q: Tensor, text_keys: Tensor, lse: Tensor, visible: Tensor | None = None) -> None:
        """Record one block of one step.

        Args:
            q: image queries (1, H, P, D). text_keys: (1, H, T, D). lse: of the image queries, (1, H, P).
            visible: bool (P, T), which text each image token may see; None = all.
        """
        wanted = sorted({t for tokens in self.keywords for t in tokens})
        if not wanted:
            return
        index = torch.tensor(wanted, device=q.device)
        seen = None if visible is None else visible[:, index]
        weights = columns(q, text_keys[:, :, index], lse, seen).mean(1)[0]  # (P, wanted)
        place = {token: i for i, token in enumerate(wanted)}
        maps = torch.stack([weights[:, [place[t] for t in tokens]].sum(-1) for tokens in self.keywords])
        scaled = maps.detach() * maps.shape[-1]
        self.maps.append(scaled.reshape(len(self.keywords), *self.grid).clamp(max=60_000).half())
        self.blocks.append(block)
        self.steps.append(self.step)
        self.masked.append(visible is not None)

    def stack(self) -> Tensor:
        """All maps so far, (arrivals, keywords, rows, columns) float16 on the CPU."""
        return torch.stack(self.maps).cpu() if self.maps else torch.zeros(0, len(self.keywords), *self.grid, dtype=torch.half)

    def open(self) -> Tensor:
        """Those of `stack` that arose with every word visible to every image token: where the model looked of its own accord."""
        return self.stack()[torch.tensor([not m for m in self.masked], dtype=torch.bool)]
