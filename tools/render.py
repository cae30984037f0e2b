"""Plan and seed to a drawn image and the record of what the model attended to.

Texts of the joint sequence while regions act: [background | region 1 | region 2 | …]; afterwards the base prompt alone. A region acts where it
is planned: in its free mask if it has one, else in its box.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from cutwork.domain import Attended, Plan, Region, Render, Shot
from cutwork.ports import Blobs, Watch
from cutwork.tools.attended import attended, cells
from cutwork.tools.attention import regions as regional
from cutwork.tools.attention.fuse import fuse
from cutwork.tools.attention.record import Recorder
from cutwork.tools.denoise import Conditioning, Phase, denoise
from cutwork.tools.families.base import Family
from cutwork.tools.masks.place import Place, boxes, places
from cutwork.tools.pixels import encode
from cutwork.tools.record_file import Record

EARLY = 1 / 3  # share of the steps after which receipts are telling
HOPELESS_LIFT = 1.05  # attention to every subject is no denser inside its region than outside


def render(shot: Shot, family: Family, blobs: Blobs, watch: Watch | None = None, early_verdict: bool = True) -> Render:
    """Draw a shot, store image and record as blobs, and report where each region's words were attended.

    Args:
        early_verdict: stop at a third of the steps if attention to every subject is no denser inside its region than outside.

    Raises:
        Cancelled: when the watch asks for it. BadInput: if the plan does not fit the family, or a region's mask cannot be used.
    """
    started = time.monotonic()
    plan, notes = family.translate(shot.plan)
    size, where = plan.size.root, places(plan, blobs)
    conditioning = condition(plan, family, where)
    recorder = Recorder(conditioning.plain.keywords, plan.size.grid) if plan.regions else None
    verdict_at = max(2, round(plan.draw.steps * EARLY)) if early_verdict else -1

    def hopeless(done: int) -> bool:
        seen = attention(recorder, where) if done == verdict_at else ()
        known = [a.lift for a in seen if a.box is not None]
        return bool(known) and max(known) < HOPELESS_LIFT

    drawn = denoise(
        family, family.noise(shot.seed, size), conditioning, size, plan.draw.steps, plan.draw.guidance, recorder, watch, hopeless
    )  # fmt: skip
    record = record_of(plan, recorder)
    return Render(
        image=blobs.put(encode(family.decode(drawn.latents, size))),
        record=blobs.put(record.to_bytes()),
        seed=shot.seed,
        model=family.name,
        steps=drawn.steps,
        stopped_early=drawn.stopped,
        attended=attention(recorder, where),
        notes=(*notes, *_unread(plan, conditioning, family)),
        seconds=round(time.monotonic() - started, 3),
    )


def condition(plan: Plan, family: Family, where: Sequence[Place] | None = None) -> Conditioning:
    """Encode what a plan says, once per image, with its masks.

    Args:
        where: the place of each region; None = its box.
    """
    where = boxes(plan.regions) if where is None else where
    empty = family.encode([""]) if family.uses_cfg and plan.draw.guidance > 1 else None
    plain = Phase(family.encode([plan.prompt]), None, tuple(_named(family, plan.prompt, plan, r) for r in plan.regions))
    regional_phase = _regional(plan, family, plain.text.pooled, where) if plan.draw.regional and plan.regions else None
    return Conditioning(regional_phase, plain, empty, plan.draw.regional_until, plan.draw.base_ratio)


def _regional(plan: Plan, family: Family, pooled: Tensor, where: Sequence[Place]) -> Phase:
    """Background and region texts side by side, each visible only to its own image tokens; modulated by the whole prompt, pooled (1, P)."""
    prompts = [plan.background, *(r.prompt for r in plan.regions)]
    text = family.encode(prompts)
    covers = [regional.owned(torch.from_numpy(cells(place, *plan.size.grid))) for place in where]  # each (rows, columns)
    image = regional.image_bits(covers, [r.z for r in plan.regions])
    offsets = np.cumsum([0, *text.lengths])
    keywords = tuple(
        tuple(int(offsets[i]) + t for t in _named(family, region.prompt, plan, region)) for i, region in enumerate(plan.regions, start=1)
    )
    mask = regional.mask(text.lengths, image, plan.draw.isolate)
    return Phase(replace(text, pooled=pooled), mask.to(text.sequence.device), keywords)


def _named(family: Family, prompt: str, plan: Plan, region: Region) -> tuple[int, ...]:
    """Tokens that name a region's subject in a prompt: its noun, else its phrase's last word."""
    subject = plan.subject(region.subject)
    for words in (subject.noun, subject.phrase.split()[-1]):
        if found := family.tokens(prompt, words):
            return found
    return ()


def attention(recorder: Recorder | None, where: Sequence[Place]) -> tuple[Attended, ...]:
    """Where each region's words were attended, from the maps on which no mask decided that beforehand."""
    if recorder is None:
        return ()
    maps = recorder.unmasked()
    fused = fuse(maps, "entropy").numpy() if len(maps) else np.zeros(maps.shape[1:], np.float32)  # (regions, h, w)
    return attended(fused, where)


def _unread(plan: Plan, conditioning: Conditioning, family: Family) -> tuple[str, ...]:
    """A note for each subject whose words the text encoder never got to see."""
    lost = {r.subject for r, tokens in zip(plan.regions, conditioning.plain.keywords, strict=True) if not tokens}
    return tuple(f"{plan.subject(id).noun!r} is not among the first {family.max_words} tokens of the prompt, which is all the model reads" for id in sorted(lost))


def record_of(plan: Plan, recorder: Recorder | None) -> Record:
    """The recorder's maps as they are kept."""
    recorder = recorder or Recorder((), plan.size.grid)
    return Record(recorder.stack().numpy(), np.asarray(recorder.blocks, np.int16), np.asarray(recorder.steps, np.int16))
