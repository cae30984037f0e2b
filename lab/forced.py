"""Teacher forcing: what a model attends to while it is shown a picture that is already there.

At each noise level the true picture is noised and the model asked to predict, under the same control as when it draws. So
attention, cut-outs and the critic can be measured on pictures whose truth is known, apart from how well the model draws.
"""

from __future__ import annotations

import numpy as np
import torch

from cutwork.domain import Render, Shot
from cutwork.ports import Blobs
from cutwork.tools.attention.record import Recorder
from cutwork.tools.conditioning import Step
from cutwork.tools.families.flux import FluxFamily
from cutwork.tools.masks.place import places
from cutwork.tools.pixels import encode
from cutwork.tools.render import attention, condition, record_of


@torch.no_grad()
def forced(shot: Shot, image: np.ndarray, family: FluxFamily, blobs: Blobs, every: int = 3) -> Render:
    """The render of a shot as if it had come out as `image`.

    Args:
        image: (H, W, 3) uint8 of the plan's size.
        every: one in so many of the plan's steps is looked at.
    """
    plan, notes = family.translate(shot.plan)
    size, where = plan.size.root, places(plan, blobs)
    conditioning = condition(plan, family, where)
    recorder = Recorder(len(plan.regions), family.grid(size))
    clean, noise = family.latents(image), family.noise(shot.seed, size)
    timesteps = family.timesteps(plan.draw.steps, size)

    for number in range(0, len(timesteps), every):
        t, recorder.step = timesteps[number], number
        step = Step(family, t, conditioning.at(number, len(timesteps)), size, plan.draw.guidance, number, len(timesteps))
        step.predict(torch.lerp(clean, noise, family.time(t)), step.control(record=recorder))
    return Render(
        image=blobs.put(encode(image)),
        record=blobs.put(record_of(plan, recorder).to_bytes()),
        seed=shot.seed,
        model=family.name,
        steps=len(timesteps),
        attended=attention(recorder, where),
        notes=notes,
    )
