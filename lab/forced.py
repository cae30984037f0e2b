"""Teacher forcing: what a model attends to while it is shown a picture that is already there.

At each noise level the true picture is noised and the model asked to predict, under the same control as when it draws. So
attention, cut-outs and the critic can be measured on pictures whose truth is known, apart from how well the model draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cutwork.domain import Plan, Render, Shot
from cutwork.ports import Blobs
from cutwork.tools.attention.record import Keywords, Recorder
from cutwork.tools.conditioning import Conditioning, Step
from cutwork.tools.families.base import Family
from cutwork.tools.masks.place import places
from cutwork.tools.pixels import encode
from cutwork.tools.render import attention, condition, record_of


@dataclass(frozen=True, eq=False)
class Looked:
    """What the model attended to."""

    recorder: Recorder

    @property
    def image(self) -> Tensor | None:
        """(P, P), mean attention of the image tokens to each other; None unless asked for."""
        return self.recorder.among()


@torch.no_grad()
def forced(shot: Shot, image: np.ndarray, family: Family, blobs: Blobs, every: int = 3) -> Render:
    """The render of a shot as if it had come out as `image`.

    Args:
        image: (H, W, 3) uint8 of the plan's size.
        every: one in so many of the plan's steps is looked at.
    """
    plan, notes = family.translate(shot.plan)
    where = places(plan, blobs)
    looked = look(plan, condition(plan, family, where), shot.seed, image, family, every)
    return Render(
        image=blobs.put(encode(image)),
        record=blobs.put(record_of(plan, looked.recorder).to_bytes()),
        seed=shot.seed,
        model=family.name,
        steps=len(family.timesteps(plan.draw.steps, plan.size.root)),
        attended=attention(looked.recorder, where),
        notes=notes,
    )


@torch.no_grad()
def look(plan: Plan, conditioning: Conditioning, seed: int, image: np.ndarray, family: Family, every: int = 1, itself: bool = False) -> Looked:
    """Show the model a picture at one in so many of the plan's noise levels.

    Args:
        image: (H, W, 3) uint8 of the plan's size.
        itself: keep the image tokens' self-attention too, averaged over blocks and steps.
    """
    size = plan.size.root
    recorder = Recorder(len(conditioning.plain.keywords), family.grid(size), itself=itself)
    clean, noise = family.latents(image), family.noise(seed, size)
    timesteps = family.timesteps(plan.draw.steps, size)
    for number in range(0, len(timesteps), every):
        t, recorder.step = timesteps[number], number
        step = Step(family, t, conditioning.at(number, len(timesteps)), size, plan.draw.guidance, number, len(timesteps))
        step.predict(torch.lerp(clean, noise, family.time(t)), step.control(record=recorder))
    return Looked(recorder)


def by_words(plan: Plan, family: Family, words: Sequence[Sequence[str]]) -> Conditioning:
    """A plan's prompt alone, recorded for whatever words: for each keyword, those of the prompt that are read together as it.

    A word the prompt lacks adds nothing.
    """
    plain = condition(plan.model_copy(update={"draw": plan.draw.model_copy(update={"regional": False})}), family).plain
    tokens: Keywords = tuple(tuple(sorted({t for word in one for t in family.tokens(plan.prompt, word)})) for one in words)
    return Conditioning(replace(plain, keywords=tokens))
