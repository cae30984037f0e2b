"""Regions as we compute them against two branches as published, through whole transformers."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from builders import a_plan, tiny_flux

from cutwork.domain import Box, DrawSettings, Plan
from cutwork.lab.two_branch import Told, predict
from cutwork.tools.attention import regions
from cutwork.tools.attention.record import Recorder
from cutwork.tools.conditioning import Step
from cutwork.tools.denoise import denoise
from cutwork.tools.families import _tiny, flux
from cutwork.tools.render import condition, techniques_of

SIZE = (128, 96)
BOXES = (Box((0, 0, 0.5, 1)), Box((0.5, 0.25, 1, 1)))


@pytest.fixture(scope="module")
def family() -> flux.FluxFamily:
    return tiny_flux()


def plan_of(**draw: Any) -> Plan:
    settings = DrawSettings(**{"steps": 3, "guidance": 1.0, "isolate": "all", "regional_until": 1.0, **draw})
    return a_plan("a grumpy cat", "a red rocket", boxes=BOXES, background="a blue background", size=SIZE, draw=settings)


def told(family: flux.FluxFamily, plan: Plan) -> Told:
    segments, base = family.encode([plan.background, *(r.prompt for r in plan.regions)]), family.encode([plan.prompt])
    bits = regions.image_bits([regions.coverage(r.box.root, family.grid(SIZE)) for r in plan.regions], [r.z for r in plan.regions])
    draw = plan.draw
    return Told(segments.sequence, segments.lengths, base.sequence, base.pooled, bits, draw.base_ratio, draw.regional_every, draw.isolate)


@pytest.mark.parametrize("draw", [{"base_ratio": 0.2}, {"base_ratio": 0.3, "isolate": "regions"}, {"base_ratio": 0.1, "isolate": "none"}], ids=str)
def test_every_block(family: flux.FluxFamily, draw: dict[str, Any]) -> None:
    _compare(family, plan_of(**draw))


def test_the_published_arithmetic_where_blocks_are_left_out(family: flux.FluxFamily) -> None:
    _compare(family, plan_of(base_ratio=0.2, regional_every=(1, 2), official=True))


def test_otherwise_the_blocks_left_out_hear_the_prompt_alone(family: flux.FluxFamily) -> None:
    with pytest.raises(AssertionError):
        _compare(family, plan_of(base_ratio=0.2, regional_every=(1, 2)))


@pytest.fixture(scope="module")
def distilled() -> flux.FluxFamily:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        return flux.FluxFamily("tiny-dev", _tiny.flux(distilled=True), uses_cfg=False, max_words=24, device=torch.device("cpu"))


def test_with_embedded_guidance_too(distilled: flux.FluxFamily) -> None:
    _compare(distilled, plan_of(base_ratio=0.2), guidance=3.5)


@pytest.mark.parametrize("recorded", [False, True])
def test_with_embedded_guidance_nothing_switched_on_is_the_stock_pipeline(distilled: flux.FluxFamily, recorded: bool) -> None:
    plan = plan_of(guidance=3.5, regional=False)
    conditioning = condition(plan, distilled)
    assert conditioning.empty is None
    recorder = Recorder(2, distilled.grid(SIZE)) if recorded else None
    ours = denoise(distilled, distilled.noise(3, SIZE), conditioning, SIZE, 3, 3.5, techniques_of(plan, distilled), recorder).latents
    distilled.pipeline.set_progress_bar_config(disable=True)
    stock = distilled.pipeline(
        plan.prompt, guidance_scale=3.5, max_sequence_length=24, width=128, height=96, num_inference_steps=3, generator=torch.Generator().manual_seed(3), output_type="latent"
    ).images
    assert torch.equal(ours, stock)
    assert not torch.equal(ours, denoise(distilled, distilled.noise(3, SIZE), conditioning, SIZE, 3, 1.0).latents), "the scale is heard"


def _compare(family: flux.FluxFamily, plan: Plan, guidance: float = 1.0) -> None:
    latents, t = family.noise(3, SIZE), family.timesteps(3, SIZE)[1]
    step = Step(family, t, condition(plan, family).at(0, 3), SIZE, guidance, 0, 3)
    with torch.no_grad():
        ours = step.predict(latents, step.control())
    torch.testing.assert_close(ours, predict(family, latents, t, told(family, plan), SIZE, guidance), atol=1e-5, rtol=1e-5)
