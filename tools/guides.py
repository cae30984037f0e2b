"""Ways to combine a strong and a weak prediction, and to disturb a condition. Pure functions of tensors, any model's.

    cfg    weak + w · (strong − weak)                       classifier-free guidance, 2207.12598
    apg    strong + (w − 1) · (what is new, kept in bounds)  adaptive projected guidance, 2410.02416
    cads   a condition with noise that fades                2310.17347

The weak prediction may be of the empty prompt, of a negative one, or of the same prompt under weakened attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def cfg(strong: Tensor, weak: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance (2207.12598, eq. 6, as diffusers scales it): 1 is the strong prediction alone."""
    return weak + scale * (strong - weak)


@dataclass(frozen=True)
class Projected:
    """Settings of adaptive projected guidance; defaults as in diffusers' guider.

    Args:
        bound: largest norm of the difference, in units of the prediction's own.
        parallel: η, share kept of what only makes the prediction stronger, 0..1.
        momentum: of earlier differences; negative pushes away from them, 0 is none.
    """

    bound: float = 15.0
    parallel: float = 1.0
    momentum: float = 0.0


def apg(strong: Tensor, weak: Tensor, scale: float, how: Projected, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Adaptive projected guidance (2410.02416): the difference is bounded, and its part along the prediction shrunk.

    Args:
        strong, weak: predictions of clean latents, (B, …); each sample is its own vector.
        before: the difference this returned at the last step, for momentum.

    Returns:
        The guided prediction, and the difference to hand in at the next step.
    """
    dims = tuple(range(1, strong.ndim))
    difference = strong - weak
    if before is not None and how.momentum:
        difference = difference + how.momentum * before
    size = torch.linalg.vector_norm(difference.double(), dim=dims, keepdim=True)
    bounded = difference * (how.bound / size.clamp(min=1e-12)).clamp(max=1).to(difference.dtype)
    unit = torch.nn.functional.normalize(strong.double().flatten(1), dim=1).reshape(strong.shape)
    along = ((bounded.double() * unit).sum(dims, keepdim=True) * unit).to(strong.dtype)
    return strong + (scale - 1) * (bounded - along + how.parallel * along), difference


@dataclass(frozen=True)
class Annealed:
    """Settings of condition annealing; defaults are the paper's for best FID.

    Args:
        noise: s, how much noise a condition takes at most.
        start, end: times (1 = pure noise … 0 = picture) above which the condition is all noise, and below which it is untouched.
        rescale: ψ, share of the mean and deviation that are brought back to the condition's own, 0..1.
    """

    noise: float = 0.1
    start: float = 0.9
    end: float = 0.6
    rescale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.end < self.start <= 1:
            raise ValueError(f"annealing runs from {self.start} to {self.end}, wanted 1 ≥ start > end ≥ 0")


def cads(condition: Tensor, time: float, how: Annealed, noise: Tensor) -> Tensor:
    """A condition disturbed early and clean late (2310.17347): ŷ = √γ y + s √(1 − γ) n, brought back to the moments of y.

    Args:
        condition: encoded text, (B, …). noise: standard normal of the same shape. time: 1 = pure noise … 0 = picture.
    """
    gamma = min(1.0, max(0.0, (how.start - time) / (how.start - how.end)))
    if gamma == 1:
        return condition
    disturbed = gamma**0.5 * condition + how.noise * (1 - gamma) ** 0.5 * noise
    dims = tuple(range(1, condition.ndim))
    (mean, std), (wanted, spread) = ((x.mean(dims, keepdim=True), x.std(dims, keepdim=True)) for x in (disturbed, condition))
    restored = (disturbed - mean) / std.clamp(min=1e-12) * spread + wanted
    return torch.lerp(disturbed, restored, how.rescale)
