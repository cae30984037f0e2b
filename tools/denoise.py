"""The one denoising loop. It drives any family and knows no technique by name.

Techniques come in kinds, and any number of each may be on:

    mask      who may attend to whom, as a schedule over steps      (`Conditioning.at`)
    observe   record what is attended to, in both strong branches   (`Recorder`)
    guide     combine predictions                                   (`blend`, `guides`)

Order within a step: mask → record from the regional and from the base branch → blend the two → guide → step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cutwork.errors import Cancelled
from cutwork.ports import Watch
from cutwork.tools.attention.record import Recorder
from cutwork.tools.families.base import Control, Family, Text
from cutwork.tools.guides import cfg


@dataclass(frozen=True)
class Phase:
    """What the strong branch sees during a stretch of steps: a text, its mask, and where each subject is named in it."""

    text: Text
    mask: Tensor | None
    keywords: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Conditioning:
    """Regions first, then the plain prompt; and the empty prompt for guidance."""

    regional: Phase | None
    plain: Phase
    empty: Text | None
    regional_until: float  # fraction of the steps
    base_ratio: float = 0.0  # share of the plain prompt's prediction while regions act

    def at(self, step: int, steps: int) -> Phase:
        """The phase of step 0, 1, …"""
        if self.regional is not None and step < round(self.regional_until * steps):
            return self.regional
        return self.plain


@dataclass(frozen=True)
class Drawn:
    """Where the loop ended."""

    latents: Tensor  # clean, also when it was stopped early
    steps: int  # steps done
    stopped: bool


def blend(regional: Tensor, base: Tensor, ratio: float) -> Tensor:
    """Base and regional predictions mixed (2411.02395, eq. 7, read per step): ratio · base + (1 − ratio) · regional."""
    return torch.lerp(regional, base, ratio)


@torch.no_grad()
def denoise(
    family: Family,
    latents: Tensor,
    conditioning: Conditioning,
    size: tuple[int, int],
    steps: int,
    guidance: float,
    recorder: Recorder | None = None,
    watch: Watch | None = None,
    hopeless: Callable[[int], bool] = lambda done: False,
) -> Drawn:
    """Draw from noise.

    Args:
        latents: start noise from `family.noise`.
        size: (width, height) in pixels.
        guidance: scale of classifier-free guidance where the family uses it, else the embedded guidance.
        hopeless: asked after every step with the steps done; True stops and returns the clean image predicted so far.

    Raises:
        Cancelled: before the next step, once `watch.cancelled()` says so.
    """
    watch = watch or Watch()
    timesteps = family.timesteps(steps, size)
    for i, t in enumerate(timesteps):
        if watch.cancelled():
            raise Cancelled(f"stopped at step {i} of {len(timesteps)}")
        phase = conditioning.at(i, len(timesteps))
        velocity = _predict(family, latents, t, phase, size, guidance, recorder, i)
        if phase is conditioning.regional and conditioning.base_ratio > 0:
            base = _predict(family, latents, t, conditioning.plain, size, guidance, recorder, i)
            velocity = blend(velocity, base, conditioning.base_ratio)
        if conditioning.empty is not None:
            velocity = cfg(velocity, family.predict(latents, t, conditioning.empty, size, guidance), guidance)
        before, latents = latents, family.step(velocity, t, latents)
        watch.on_step(i + 1, len(timesteps))
        if i + 1 < len(timesteps) and hopeless(i + 1):
            return Drawn(family.clean(velocity, t, before), i + 1, stopped=True)
    return Drawn(latents, len(timesteps), stopped=False)


def _predict(family: Family, latents: Tensor, t: Tensor, phase: Phase, size: tuple[int, int], guidance: float, recorder: Recorder | None, step: int) -> Tensor:
    """One strong branch: under the phase's mask, recorded."""
    if recorder is not None:
        recorder.step, recorder.keywords = step, phase.keywords
    return family.predict(latents, t, phase.text, size, guidance, Control(sum(phase.text.lengths), phase.mask, recorder))
