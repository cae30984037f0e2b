"""Ways to combine a strong and a weak prediction, and to disturb a condition. Pure functions of tensors, any model's.

    cfg    weak + w · (strong − weak)                       classifier-free guidance, 2207.12598
    apg    strong + (w − 1) · (what is new, kept in bounds)  adaptive projected guidance, 2410.02416
    cads   a condition with noise that fades                2310.17347

The weak prediction may be of the empty prompt, of a negative one, or of the same prompt under weakened attention.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cutwork.domain import ApgSettings, CadsSettings


def cfg(strong: Tensor, weak: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance (2207.12598, eq. 6, as diffusers scales it): 1 is the strong prediction alone."""
    return weak + scale * (strong - weak)


def apg(strong: Tensor, weak: Tensor, scale: float, how: ApgSettings, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Adaptive projected guidance (2410.02416): the difference is bounded, and its part along the prediction shrunk.

    Args:
        strong, weak: predictions, (B, …), as diffusers' guider takes them; each sample is its own vector.
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


def cads(condition: Tensor, time: float, how: CadsSettings, noise: Tensor) -> Tensor:
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


class Guide:
    """How the predictions of one run are combined; it remembers what momentum needs.

    Args:
        scale: of classifier-free guidance, against the empty prompt.
        erg: w of guidance against the same prompt under weakened attention, added to it; None = there is none.
        apg: bounds and projects both.
    """

    def __init__(self, scale: float, erg: float | None = None, apg: ApgSettings | None = None) -> None:
        self.scale, self.erg, self.apg = scale, erg, apg
        self._before: dict[str, Tensor] = {}

    def combine(self, strong: Tensor, empty: Tensor | None, weak: Tensor | None) -> Tensor:
        """The guided prediction: strong + (s − 1)(strong − empty) + (w − 1)(strong − weak), whatever of the two is there.

        With the second alone this is w · strong + (1 − w) · weak (2504.13987, eq. 2).
        """
        guided = strong if empty is None else self._against("empty", strong, empty, self.scale)
        return guided if weak is None or self.erg is None else guided + (self._against("weak", strong, weak, self.erg) - strong)

    def _against(self, name: str, strong: Tensor, other: Tensor, scale: float) -> Tensor:
        if self.apg is None:
            return cfg(strong, other, scale)
        guided, self._before[name] = apg(strong, other, scale, self.apg, self._before.get(name))
        return guided
