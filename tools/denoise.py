"""The one denoising loop. It drives any family and knows no technique by name.

Techniques come in kinds, and any number of each may be on:

    mask      who may attend to whom, as windows of steps            (`Conditioning.at`, `Regions`)
    observe   record what is attended to, in both strong branches    (`Recorder`)
    nudge     a gradient, on the latents or on the prediction        (`Nudge`)
    guide     combine predictions                                    (`Guide`)

Order within a step: disturb the text → mask → weaken the weak branch inside the mask → record from the strong one → nudge the
strong one → guide → step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from cutwork.domain import CadsSettings
from cutwork.errors import Cancelled
from cutwork.ports import Watch
from cutwork.tools.attention.control import Control, Weak
from cutwork.tools.attention.record import Recorder
from cutwork.tools.conditioning import Conditioning, Phase, Step
from cutwork.tools.families.base import Family, Text, chance_of
from cutwork.tools.guides import Guide, cads
from cutwork.tools.keep.held import Held
from cutwork.tools.nudge import Nudge

PREVIEWS = 6  # of one drawing, about


@dataclass(frozen=True)
class Techniques:
    """What else acts on a drawing. Nothing by default."""

    guide: Guide = field(default_factory=lambda: Guide(1.0))
    weak: Weak | None = None
    weak_from: float = 0.0  # share of the steps; a weakened text acts from the start
    nudge: Nudge | None = None
    cads: CadsSettings | None = None


@dataclass(frozen=True)
class Drawn:
    """Where the loop ended."""

    latents: Tensor  # clean, also when it was stopped early
    steps: int  # steps done
    stopped: bool


@torch.no_grad()
def denoise(
    family: Family,
    latents: Tensor,
    conditioning: Conditioning,
    size: tuple[int, int],
    steps: int,
    guidance: float,
    techniques: Techniques | None = None,
    recorder: Recorder | None = None,
    watch: Watch | None = None,
    hopeless: Callable[[int], bool] = lambda done: False,
    preview: Callable[[int, np.ndarray], None] | None = None,
    begin: tuple[Tensor, float] | None = None,
    hold: Held | None = None,
) -> Drawn:
    """Draw from noise.

    Args:
        latents: start noise from `family.noise`, one image or several.
        size: (width, height) in pixels.
        guidance: scale of the embedded guidance, where the family has one.
        techniques: None = classifier-free guidance by the same scale, nothing else.
        preview: given now and then the steps done and a small picture, uint8 (h, w, 3), of what the drawing comes to.
        begin: clean latents and how noisy (1 = all) they are made to begin from, instead of noise alone.
        hold: a picture that the drawing stays at, until the noise has fallen to what each of its tokens is let go at.
        hopeless: asked after every step with the steps done; True stops and returns the clean image predicted so far.

    Raises:
        Cancelled: before the next step, once `watch.cancelled()` says so.
    """
    watch = watch or Watch()
    on = techniques or Techniques(Guide(guidance))
    timesteps = family.timesteps(steps, size)
    chances = [chance_of(one) for one in latents]
    first = 0
    noise = latents
    if begin is not None or hold is not None:
        most = min(begin[1] if begin is not None else 1.0, hold.begin if hold is not None else 1.0)
        first = next((i for i, t in enumerate(timesteps) if family.time(t) <= most), len(timesteps) - 1)
    kept = [] if hold is None else [family.renoise(hold.clean, noise, t) for t in reversed(timesteps[first:])]  # the first last: the schedule goes on from there
    if begin is not None:
        latents = family.renoise(begin[0], noise, timesteps[first])
    elif first > 0:
        latents = kept[-1]
    for i, t in enumerate(timesteps[first:], first):
        if watch.cancelled():
            raise Cancelled(f"stopped at step {i} of {len(timesteps)}")
        if hold is not None:
            latents = torch.where(hold.level >= family.time(t), latents, kept.pop())
        phase = conditioning.at(i, len(timesteps))
        phase = phase if on.cads is None else _disturbed(phase, family.time(t), on.cads, chances)
        step = Step(family, t, phase, size, guidance, i, len(timesteps))
        if recorder is not None:
            recorder.at(i, (i - first) / (len(timesteps) - first))
        latents = latents if on.nudge is None else on.nudge.prepare(step, latents)
        said = _predict(step, latents, conditioning.empty, on, recorder)
        velocity = on.guide.combine(said.strong, said.empty, said.weak)
        velocity = velocity if on.nudge is None or said.push is None else on.nudge.turned(velocity, said.push)
        before, latents = latents, family.step(velocity, t, latents)
        watch.on_step(i + 1 - first, len(timesteps) - first)
        if preview is not None and (i + 1) % -(-len(timesteps) // PREVIEWS) == 0:
            preview(i + 1 - first, family.preview(family.clean(velocity, t, before), size))
        if i + 1 < len(timesteps) and hopeless(i + 1 - first):
            return Drawn(family.clean(velocity, t, before), i + 1 - first, stopped=True)
    latents = latents if hold is None else torch.where(hold.level > 0, latents, hold.clean)
    return Drawn(latents, len(timesteps) - first, stopped=False)


@dataclass(frozen=True)
class _Said:
    """Predictions of one step; all but the strong one are there where they are asked for."""

    strong: Tensor  # recorded, and nudged if guidance is to multiply that
    empty: Tensor | None
    weak: Tensor | None
    push: Tensor | None  # how the guided prediction shall be nudged


def _predict(step: Step, latents: Tensor, empty: Text | None, on: Techniques, recorder: Recorder | None) -> _Said:
    """What the model says at this step, told the prompt, nothing, and the prompt in a weak voice."""
    weak = None if on.weak is None or step.before(on.weak_from) else on.weak
    apart = step.phase.weak is not None or not step.family.forks or len(latents) > 1  # the branches share no pass
    kept = None if on.nudge is None else on.nudge.watch(step)
    heard = recorder if recorder is not None and recorder.listens else None
    control = step.control(record=heard, kept=kept, weak=None if apart else weak)
    other: Tensor | None = None
    none: Tensor | None = None
    push: Tensor | None = None
    if empty is not None and control.weak is None and kept is None:
        strong, none = step.predict_beside(latents, control, empty)
    else:
        with torch.set_grad_enabled(kept is not None):
            watched = latents.detach().requires_grad_(kept is not None)
            out = step.predict(watched, control).detach()
        strong, other = out.chunk(2) if control.weak else (out, None)
        if on.nudge is not None and kept is not None:
            push = on.nudge.push(step, kept, watched)
            if on.nudge.per == "prediction":
                strong, push = on.nudge.turned(strong, push), None
        none = None if empty is None else step.predict(latents, Control(), empty)
    if apart and (weak is not None or step.phase.weak is not None):
        weakened = None if weak is None else replace(weak, forks=False)
        other = step.predict(latents, step.control(weak=weakened), step.phase.weak)
    return _Said(strong, none, other, push)


def _disturbed(phase: Phase, time: float, how: CadsSettings, chances: list[torch.Generator]) -> Phase:
    """The phase with noise on its text, another for each image; the weak branch keeps its own."""

    def noisy(x: Tensor) -> Tensor:
        return torch.cat([cads(x, time, how, torch.randn(x.shape, generator=chance).to(x)) for chance in chances])

    text = phase.text
    return replace(phase, text=Text(noisy(text.sequence), noisy(text.pooled), text.lengths))
