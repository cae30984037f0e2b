"""Keyword maps: how much every image token attends to the words that name each subject, exactly, at every block and step.

    M[p] = mean_h Σ_{k∈T} exp(q_p·k_k/√d − LSE_p)          T = the tokens that name the subject

Post-norm, post-RoPE queries and keys; heads averaged as probabilities (2503.10697; conventions of DAAM and Alfie). The sum
over T is the mass an image token gives to the subject's words; maps are min-maxed before they are fused, so sum and mean
fuse alike.
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
    maps: list[Tensor] = field(default_factory=list)  # each (keywords, rows, columns) float32 on the CPU
    blocks: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

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
        self.maps.append(maps.reshape(len(self.keywords), *self.grid).detach().float().cpu())
        self.blocks.append(block)
        self.steps.append(self.step)

    def stack(self) -> Tensor:
        """All maps so far, (arrivals, keywords, rows, columns)."""
        return torch.stack(self.maps) if self.maps else torch.zeros(0, len(self.keywords), *self.grid)
