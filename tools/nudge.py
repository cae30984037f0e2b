"""Self-Cross guidance of a drawing (2411.18936): gradients of how much subjects blend, turned into a change of what is drawn.

    turn       single pass: the prediction is changed, v + λ t² ∇L, by the gradient of the pass that made it (after 2510.02315)
    prepare    the paper's form: the latents are changed before a step, z − η ∇L; at chosen steps until subjects are there and apart
    start      the start noise is chosen, and shifted and scaled by gradient, so that subjects are apart from the first step (2404.04650)

A pass for a gradient ends after the last block that is looked at.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from cutwork.domain import SelfCrossSettings
from cutwork.tools.attention.control import Enough, Kept
from cutwork.tools.attention.selfcross import Loss, Weights, capped
from cutwork.tools.attention.subjects import Subjects, blend_loss
from cutwork.tools.conditioning import Step
from cutwork.tools.families.base import chance_of

SCALES = {"velocity": 100.0, "latents": 20.0}  # the second is the paper's
STEP = (1.0, 0.5)  # the scale's square falls from the first of these to the second over all steps
ENOUGH, APART = 0.2, 0.3  # a refinement ends once the loss and the blending are below
UPDATES = 20  # of one refinement, at most
LOOKS = 10  # updates of one candidate for the start noise
CHOSEN = Weights(scattered=1.0)  # parts of the loss while the start noise is chosen


@dataclass(frozen=True)
class Nudge:
    """Which subjects to keep apart, how, and in which blocks to look."""

    subjects: Subjects
    how: SelfCrossSettings
    blocks: frozenset[int]

    @property
    def scale(self) -> float:
        return self.how.scale or SCALES[self.how.form]

    def watch(self, step: Step) -> Kept | None:
        """What the pass that predicts shall keep, if the prediction is to be turned at this step."""
        return Kept(self.blocks, recompute=self.how.recompute) if self.how.form == "velocity" and step.before(self.how.until) else None

    def turn(self, step: Step, kept: Kept, latents: Tensor, velocity: Tensor) -> Tensor:
        """The prediction (B, …) turned away from blending; `latents` are those of the pass, with their gradient."""
        gradient = _gradient(self._losses(step, kept), latents)
        return velocity + capped(self.scale * step.time**2 * gradient, velocity, self.how.cap)

    def prepare(self, step: Step, latents: Tensor) -> Tensor:
        """The latents (B, …) to make this step from; each image goes its own way, as if it were alone."""
        return torch.cat([self._prepared(step.alone(i), one) for i, one in enumerate(torch.split(latents, 1))])

    def _prepared(self, step: Step, latents: Tensor) -> Tensor:
        if step.number == 0 and self.how.start_rounds:
            latents = self._start(step, latents)
        if self.how.form == "velocity" or not step.before(self.how.until):
            return latents
        if any(step.number == round(share * step.of) for share in self.how.refine):
            latents = self._refined(step, latents)
        return self._updated(step, latents)[0]

    def _updated(self, step: Step, latents: Tensor) -> tuple[Tensor, list[Loss]]:
        losses, gradient = self._look(step, latents)
        rate = self.scale * (STEP[0] + (STEP[1] - STEP[0]) * step.number / max(1, step.of - 1)) ** 0.5
        return latents - capped(rate * gradient, latents, self.how.cap), losses

    def _refined(self, step: Step, latents: Tensor) -> Tensor:
        """Update until subjects are there and apart, or for long enough."""
        for _ in range(UPDATES):
            updated, losses = self._updated(step, latents)
            if all(loss.total <= ENOUGH and loss.blended <= APART for loss in losses):
                return latents
            latents = updated
        return latents

    def _start(self, step: Step, latents: Tensor) -> Tensor:
        """Of several start noises, each bettered a little, the first that will do, else the best: z exp(s/2) + m, s and m by Adam."""
        chance = chance_of(latents)
        best, least = latents, float("inf")
        for attempt in range(self.how.start_rounds):
            noise = latents if attempt == 0 else torch.randn(latents.shape, generator=chance).to(latents)
            noise, worst, done = self._bettered(step, noise)
            if worst < least:
                best, least = noise, worst
            if done:
                break
        return best

    def _bettered(self, step: Step, noise: Tensor) -> tuple[Tensor, float, bool]:
        shift, spread = torch.zeros_like(noise, requires_grad=True), torch.zeros_like(noise, requires_grad=True)
        optimizer = torch.optim.Adam([shift, spread], lr=1e-2, eps=1e-3)
        best, least = noise, float("inf")
        for _ in range(LOOKS):
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
        return best, least, False

    def _look(self, step: Step, latents: Tensor, weights: Weights | None = None) -> tuple[list[Loss], Tensor]:
        """The losses at these latents, and their gradient there."""
        kept = Kept(self.blocks, stop=True, recompute=self.how.recompute)
        with torch.enable_grad():
            latents = latents.detach().requires_grad_()
            with suppress(Enough):
                step.predict(latents, step.control(kept=kept))
        losses = self._losses(step, kept, weights)
        return [loss.detached() for loss in losses], _gradient(losses, latents)

    def _losses(self, step: Step, kept: Kept, weights: Weights | None = None) -> list[Loss]:
        regions = step.phase.regions
        back = None if regions is None else regions.layout.back
        with torch.enable_grad():
            return blend_loss(kept.found, self.subjects, step.phase.offset, step.family.grid(step.size), back, weights)


def _gradient(losses: list[Loss], latents: Tensor) -> Tensor:
    """Of the losses of all images at once: each depends on its own latents only."""
    with torch.enable_grad():
        total = torch.stack([loss.total for loss in losses]).sum()
    return torch.autograd.grad(total, latents)[0]
