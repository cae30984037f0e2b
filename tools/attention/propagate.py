"""Keyword maps snapped to what belongs together in the picture, by the image tokens' attention to each other.

    A[p, j] = mean_h softmax_j(q_p·k_j/√d)      among image tokens alone: which parts of the picture p is drawn with

A keyword's column says where its subject is, but lights up its telling parts (a face, an edge) more than the rest; self-attention
says which other tokens are of one piece with them. Spreading a map along A fills the piece and leaves what merely lies beside it.

Sources: propagation of cross-attention by self-attention as in Alfie (arXiv 2408.14826); similarity of hidden states (FreeFuse) goes
through the same function with `similarity` in the place of `affinity`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cutwork.tools.attention.entropy import EPS, minmax

KEEP = 0.5  # of a map that stays where it is, each round


def affinity(queries: Tensor, keys: Tensor) -> Tensor:
    """Self-attention among image tokens, heads averaged: (H, P, D) and (H, P, D) -> (P, P) float32, rows summing to 1."""
    logits = queries.float() @ keys.float().mT * queries.shape[-1] ** -0.5
    return torch.softmax(logits, -1).mean(0)


def similarity(states: Tensor, temperature: float = 0.1) -> Tensor:
    """Softmax of the cosines between hidden states: (P, D) -> (P, P) float32, rows summing to 1.

    Raises:
        ValueError: if the temperature is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"want a temperature above 0, got {temperature}")
    unit = torch.nn.functional.normalize(states.float(), dim=-1)
    return torch.softmax(unit @ unit.mT / temperature, -1)


def propagate(fused: Tensor, among: Tensor, rounds: int = 1, keep: float = KEEP) -> Tensor:
    """Spread maps along the image tokens' affinity: (keywords, h, w) in 0..1 -> the same.

    Each round a token takes on the mean of those it attends to. Attention sinks, which everything attends to, are undone first: A
    is divided by how much each token is attended to, and its rows made to sum to 1 again.

    Args:
        fused: (keywords, h, w).
        among: (P, P) for P = h * w tokens in the grid's order, not negative.
        rounds: of spreading, >= 0; 0 leaves the maps as they are.
        keep: share of a map that stays where it is, 0..1.

    Raises:
        ValueError: if the shapes do not belong together, or rounds or keep lie outside their ranges.
    """
    count, height, width = fused.shape
    if among.shape != (height * width, height * width):
        raise ValueError(f"maps of {height}x{width} tokens want an affinity of {(height * width,) * 2}, got {tuple(among.shape)}")
    if rounds < 0 or not 0 <= keep <= 1:
        raise ValueError(f"want rounds >= 0 and keep in 0..1, got {rounds} and {keep}")
    if rounds == 0:
        return fused
    fair = among.float() / among.float().mean(0, keepdim=True).clamp_min(EPS)
    fair = fair / fair.sum(1, keepdim=True).clamp_min(EPS)
    flat = fused.float().reshape(count, -1)  # (keywords, P)
    for _ in range(rounds):
        flat = keep * flat + (1 - keep) * flat @ fair.mT
    return minmax(flat.view(count, height, width))
