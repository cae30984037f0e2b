"""Entropy Rectifying Guidance (2504.13987): a weak branch whose attention is flattened, for the same prompt.

In chosen blocks the image queries of the weak branch attend with a temperature, and may be iterated towards what they attend to:

    Q₀ = Q,   Q_{r+1} = (1 − γ) Q_r + γ α softmax(τ β Q_r Kᵀ) V,   output = Q_m,   β = 1/√d

τ < 1 raises the entropy of every row (dH/dτ = −τ Var(ℓ) ≤ 0 over its logits ℓ); τ → 0 is the mean of the values; α = γ = τ = m = 1
is ordinary attention. τ acts on queries after their norm and rotation: before an RMSNorm it would cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FLAT = 1e-6  # temperatures below are taken for 0


@dataclass(frozen=True)
class Rectify:
    """How attention is weakened. Defaults are the paper's for text to image.

    Args:
        tau: temperature, 0 (all keys alike) to 1 (unchanged).
        alpha, gamma: scale and share of what an iteration brings in.
        iterations: m, at least 1.

    Raises:
        ValueError: if a value is outside its range.
    """

    tau: float = 0.01
    alpha: float = 1.0
    gamma: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.tau <= 1:
            raise ValueError(f"tau is {self.tau}, wanted 0 to 1")
        if self.iterations < 1:
            raise ValueError(f"iterations is {self.iterations}, wanted at least 1")

    @property
    def flat(self) -> bool:
        """Whether all keys count alike."""
        return self.tau < FLAT


def rectified(q: Tensor, look: Callable[[Tensor, float], Tensor], how: Rectify, mean: Tensor | None = None) -> Tensor:
    """Weakened attention of some queries.

    Args:
        q: (B, H, L, D), normalised and rotated.
        look: what such queries attend to at a temperature, (B, H, L, D) of the same; a mask is its business, so the temperature acts inside it.
        mean: of the values each query may see, which is what temperature 0 attends to; with it, `look` is not asked then.

    Returns:
        (B, H, L, D).
    """
    for _ in range(how.iterations):
        seen = mean.expand_as(q) if how.flat and mean is not None else look(q, 0.0 if how.flat else how.tau)
        q = how.alpha * seen if how.gamma == 1 else torch.lerp(q, how.alpha * seen, how.gamma)
    return q


def row_entropy(q: Tensor, k: Tensor, lse: Tensor, chunk: int = 256) -> Tensor:
    """Mean entropy in nats of the rows of a softmax, (B, H): how undecided a block is, by which layers to weaken are proposed.

        H_p = ℓ_p − Σ_j A[p, j] s[p, j]      with logits s and normaliser ℓ

    Args:
        q, k: (B, H, L, D), (B, H, S, D). lse: (B, H, L), over all keys.
        chunk: rows taken at a time, so that no (L, S) is held.
    """
    total = torch.zeros(q.shape[:2], dtype=torch.float32, device=q.device)
    keys = k.float().mT * q.shape[-1] ** -0.5
    for rows, normaliser in zip(torch.split(q.float(), chunk, 2), torch.split(lse, chunk, 2), strict=True):
        logits = rows @ keys  # (B, H, chunk, S)
        weights = (logits - normaliser[..., None]).exp()
        total += (normaliser - (weights * logits).sum(-1)).sum(-1)
    return total / q.shape[2]
