"""Self-Cross guidance of a drawing (2411.18936): gradients of how much subjects blend, turned into a change of what is drawn.

    push       single pass: the prediction is changed, v + λ t² ∇L, by the gradient of the pass that made it (after 2510.02315)
    prepare    the paper's form: the latents are changed before a step, z − η ∇L; at chosen steps until subjects are there and apart
    start      the start noise is chosen, and shifted and scaled by gradient, so that subjects are apart from the first step (2404.04650)

A pass for a gradient ends after the last block that is looked at, and none is made of latents that were just looked at.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from cutwork.domain import SelfCrossSettings
from cutwork.tools.attention.control import Enough, Kept
from cutwork.tools.attention.selfcross import Loss, Weights, capped, remembered, strayed
from cutwork.tools.attention.subjects import Subjects, blend_loss
from cutwork.tools.conditioning import Step
from cutwork.tools.families.base import Suited, chance_of

LATENTS = 20.0  # η, the paper's
STEP = (1.0, 0.5)  # its square falls from the first of these to the second over all steps
ENOUGH, APART = 0.2, 0.3  # a refinement ends once the loss and the blending are below
UPDATES = 20  # of one refinement, at most
LOOKS = 10  # updates of one candidate for the start noise
CHOSEN = Weights(scattered=1.0)  # parts of the loss while the start noise is chosen
PULLS = 100  # with which start noise that went too far is brought back, at most


@dataclass(frozen=True)
class Nudge:
    """Which subjects to keep apart, how, and in which blocks to look. One is for one drawing: it remembers where subjects have been.

    Args:
        suited: what the family would have where `how` leaves it open.
        leads: where a larger prediction leads, -1 away from it, 1 to it.
    """

    subjects: Subjects
    how: SelfCrossSettings
    blocks: frozenset[int]
    suited: Suited = field(default_factory=Suited)
    leads: int = -1
    _been: dict[int, Tensor] = field(default_factory=dict, compare=False, repr=False)  # of each image, the running mean of its maps

    @property
    def scale(self) -> float:
        return self.how.scale or (self.suited.turn if self.how.form == "velocity" else LATENTS)

    @property
    def per(self) -> Literal["prediction", "step"]:
        """What the cap bounds."""
        return self.how.per or self.suited.per

    def watch(self, step: Step) -> Kept | None:
        """What the pass that predicts shall keep, if the prediction is to be turned at this step."""
        return Kept(self.blocks, recompute=self.how.recompute) if self.how.form == "velocity" and step.before(self.how.until) else None

    def push(self, step: Step, kept: Kept, latents: Tensor) -> Tensor:
        """Which way the prediction (B, …) is to be turned, away from blending; `latents` are those of the pass, with their gradient."""
        gradient = _gradient(self._losses(step, kept), latents)
        return -self.leads * self.scale * step.time**2 * gradient

    def turned(self, prediction: Tensor, push: Tensor) -> Tensor:
        """A prediction with its push, as far as the cap goes."""
        return prediction + capped(push, prediction, self.how.cap)

    def prepare(self, step: Step, latents: Tensor) -> Tensor:
        """The latents (B, …) to make this step from; each image goes its own way, as if it were alone."""
        return torch.cat([self._prepared(step.alone(i), one, i) for i, one in enumerate(torch.split(latents, 1))])

    def _prepared(self, step: Step, latents: Tensor, image: int) -> Tensor:
        if step.number == 0 and self.how.start_rounds:
            latents = self._start(step, latents)
        if self.how.form == "velocity" or not step.before(self.how.until):
            return latents
        losses, watched = self._see(step, latents)
        points = self.suited.refine if self.how.refine is None else self.how.refine
        if any(step.number == round(share * step.of) for share in points):
            for _ in range(UPDATES):
                if all(loss.total <= ENOUGH and loss.blended <= APART for loss in losses):
                    break
                latents = self._moved(step, losses, watched, self._staying(losses, image))
                losses, watched = self._see(step, latents)
        self._remember(losses, image)
        return self._moved(step, losses, watched)

    def _moved(self, step: Step, losses: list[Loss], latents: Tensor, more: Tensor | None = None) -> Tensor:
        """Latents after an update."""
        rate = self.scale * (STEP[0] + (STEP[1] - STEP[0]) * step.number / max(1, step.of - 1)) ** 0.5
        return latents.detach() - capped(rate * _gradient(losses, latents, more), latents.detach(), self.how.cap)

    def _staying(self, losses: list[Loss], image: int) -> Tensor | None:
        """How much subjects strayed from where they have been, while a refinement moves them."""
        if not self.how.align:
            return None
        before = self._been.get(image)
        self._remember(losses, image)
        with torch.enable_grad():
            return None if before is None else self.how.align * strayed(losses[0].cross, before)

    def _remember(self, losses: list[Loss], image: int) -> None:
        if self.how.align:
            self._been[image] = remembered(losses[0].cross, self._been.get(image))

    def _start(self, step: Step, latents: Tensor) -> Tensor:
        """Of several start noises, each bettered a little, the first that will do, else the best, bettered further: z exp(s/2) + m, s and m by Adam."""
        chance = chance_of(latents)
        best, least = latents, float("inf")
        for attempt in range(self.how.start_rounds):
            noise = latents if attempt == 0 else torch.randn(latents.shape, generator=chance).to(latents)
            noise, worst, done = self._bettered(step, noise, LOOKS)
            if worst < least:
                best, least = noise, worst
            if done:
                return best
        return self._bettered(step, best, self.how.start_more)[0]

    def _bettered(self, step: Step, noise: Tensor, looks: int) -> tuple[Tensor, float, bool]:
        """The best of what a start noise becomes in so many looks, its loss, and whether it will do."""
        shift, spread = torch.zeros_like(noise, requires_grad=True), torch.zeros_like(noise, requires_grad=True)
        optimizer = torch.optim.Adam([shift, spread], lr=1e-2, eps=1e-3)
        best, least = noise, float("inf")
        for _ in range(looks):
            with torch.enable_grad():
                moved = noise * torch.exp(spread / 2) + shift
            losses, gradient = self._look(step, moved.detach(), CHOSEN)
            worst = max(float(loss.total) for loss in losses)
            if worst < least:
                best, least = moved.detach(), worst
            if all(loss.neglected <= ENOUGH and loss.blended <= APART for loss in losses):
                return moved.detach(), worst, True
            optimizer.zero_grad()
            torch.autograd.backward(moved, gradient)
            optimizer.step()
            self._hold(optimizer, shift, spread)
        return best, least, False

    def _hold(self, optimizer: torch.optim.Optimizer, shift: Tensor, spread: Tensor) -> None:
        """Bring start noise back towards a standard normal until it is as near as it shall be."""
        for _ in range(PULLS if self.how.start_kl is not None else 0):
            with torch.enable_grad():
                far = divergence(shift, spread)
            if self.how.start_kl is None or far <= self.how.start_kl:
                return
            optimizer.zero_grad()
            torch.autograd.backward(far * shift.numel())
            optimizer.step()

    def _look(self, step: Step, latents: Tensor, weights: Weights | None = None) -> tuple[list[Loss], Tensor]:
        """The losses at these latents, and their gradient there."""
        losses, watched = self._see(step, latents, weights)
        return [loss.detached() for loss in losses], _gradient(losses, watched)

    def _see(self, step: Step, latents: Tensor, weights: Weights | None = None) -> tuple[list[Loss], Tensor]:
        """The losses at these latents, and the latents they can be differentiated by."""
        kept = Kept(self.blocks, stop=True, recompute=self.how.recompute)
        with torch.enable_grad():
            latents = latents.detach().requires_grad_()
            with suppress(Enough):
                step.predict(latents, step.control(kept=kept))
        return self._losses(step, kept, weights), latents

    def _losses(self, step: Step, kept: Kept, weights: Weights | None = None) -> list[Loss]:
        regions = step.phase.regions
        back = None if regions is None else regions.layout.back
        with torch.enable_grad():
            return blend_loss(kept.found, self.subjects, step.phase.offset, step.family.grid(step.size), back, weights, self.how.normalised)


def divergence(shift: Tensor, spread: Tensor) -> Tensor:
    """Of normal numbers with this mean and logarithm of the variance from standard ones (Kullback and Leibler), the mean over all numbers."""
    return (shift**2 + spread.exp() - 1 - spread).mean() / 2


def _gradient(losses: list[Loss], latents: Tensor, more: Tensor | None = None) -> Tensor:
    """Of the losses of all images at once, and more: each depends on its own latents only."""
    with torch.enable_grad():
        total = torch.stack([loss.total for loss in losses]).sum()
        total = total if more is None else total + more
    return torch.autograd.grad(total, latents)[0]
