"""What is particular to UNets: several resolutions, attention to text apart from the image's own, schedulers of every kind."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from builders import a_plan, grey_png
from stock import stock
from test_contract import PLAN, SIZE, drawn, few_looks, plan_of  # noqa: F401 - the fixture acts here too

from cutwork.domain import Box, DrawSettings, ErgSettings, Plan, SelfCrossSettings, Shot, Size
from cutwork.errors import BadInput
from cutwork.tools.attention.control import Control, Kept, Regions
from cutwork.tools.attention.kernels import reference
from cutwork.tools.attention.record import Recorder
from cutwork.tools.attention.regional import layout
from cutwork.tools.attention.regions import image_bits, together
from cutwork.tools.conditioning import Conditioning, Phase, Step
from cutwork.tools.denoise import denoise
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families._tiny_unet import SCHEDULE, sd, sdxl
from cutwork.tools.families._unet_attention import Level, among, hear
from cutwork.tools.families.unet import UnetFamily, XlFamily, load
from cutwork.tools.render import condition, render, techniques_of

CPU = torch.device("cpu")
SCHEDULERS = ["DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler"]


def sd15(**how: Any) -> UnetFamily:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        return UnetFamily("tiny-sd", sd(**how), CPU)


def xl() -> XlFamily:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return XlFamily("tiny-sdxl", sdxl(), CPU)


@pytest.fixture(scope="module", params=[sd15, xl])
def family(request: pytest.FixtureRequest) -> UnetFamily:
    made: UnetFamily = request.param()
    return made


def plain(family: UnetFamily, plan: Plan = PLAN) -> Conditioning:
    return Conditioning(Phase(family.encode([plan.prompt]), ((1,), (2,))), (), family.encode([""]))


def run(family: UnetFamily, recorder: Recorder | None = None, seed: int = 3) -> torch.Tensor:
    return denoise(family, family.noise(seed, SIZE), plain(family), SIZE, 3, 3.0, recorder=recorder).latents


def scheduled(family: UnetFamily, name: str, **how: Any) -> UnetFamily:
    """The same family with another scheduler."""
    more = {"skip_prk_steps": True} if name == "PNDMScheduler" else {}
    family.pipeline.scheduler = getattr(diffusers, name)(**SCHEDULE, **more, **how)
    return family


PREDICTS = [(name, "epsilon") for name in ("PNDMScheduler", *SCHEDULERS)] + [(name, "v_prediction") for name in ("DDIMScheduler", "EulerDiscreteScheduler")]
OTHERS = [pytest.param(name, "v_prediction", marks=pytest.mark.slow) for name in ("PNDMScheduler", *SCHEDULERS) if (name, "v_prediction") not in PREDICTS]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "prediction"), [*PREDICTS, *OTHERS])
def test_nothing_switched_on_is_the_stock_pipeline_with_any_scheduler(name: str, prediction: str) -> None:
    family = scheduled(sd15(), name, prediction_type=prediction)
    expected = stock(family, PLAN, 3)
    assert torch.equal(run(family), expected)
    assert torch.equal(run(family, Recorder(2, family.grid(SIZE))), expected)
    assert torch.equal(denoise(family, family.noise(3, SIZE), plain(family), SIZE, 3, 3.0).latents, expected)


def test_guidance_can_be_embedded() -> None:
    family = sd15(time_cond_proj_dim=8)
    assert not family.uses_cfg
    scheduled(family, "LCMScheduler", original_inference_steps=50)
    out = denoise(family, family.noise(3, SIZE), replace(plain(family), empty=None), SIZE, 1, 3.0).latents  # later steps draw noise
    expected = family.pipeline(PLAN.prompt, guidance_scale=3.0, width=128, height=96, num_inference_steps=1, generator=torch.Generator().manual_seed(3), output_type="latent").images
    assert torch.equal(out, expected)


@pytest.mark.slow
def test_start_noise_is_the_same_whatever_was_drawn_before() -> None:
    family = xl()
    first = run(family)
    denoise(family, family.noise(3, SIZE), plain(family), SIZE, 7, 3.0)
    assert torch.equal(run(family), first)
    assert torch.equal(family.noise(3, SIZE), torch.randn(1, 4, 24, 32, generator=torch.Generator().manual_seed(3)))


@pytest.mark.parametrize("name", ["EulerAncestralDiscreteScheduler", "LCMScheduler", "DDPMScheduler"])
def test_noise_within_a_run_belongs_to_the_image(name: str) -> None:
    family = scheduled(sd15(), name)
    both = denoise(family, torch.cat([family.noise(3, SIZE), family.noise(4, SIZE)]), plain(family), SIZE, 3, 3.0).latents
    assert torch.equal(run(family), run(family))
    for i, seed in enumerate((3, 4)):
        torch.testing.assert_close(both[i : i + 1], run(family, seed=seed), atol=2e-4, rtol=2e-3)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["DDIMScheduler", "EulerDiscreteScheduler"])
def test_a_right_prediction_points_at_the_picture(name: str, prediction: str) -> None:
    family = scheduled(sd15(), name, prediction_type=prediction)
    t = family.timesteps(4, SIZE)[1]
    picture, noise = family.noise(1, SIZE), family.noise(2, SIZE)
    a = float(family.pipeline.scheduler.alphas_cumprod[int(t)]) ** 0.5
    latents = (a * picture + (1 - a * a) ** 0.5 * noise) / (a if name.startswith("Euler") else 1)
    predicted = {"epsilon": noise, "v_prediction": a * noise - (1 - a * a) ** 0.5 * picture, "sample": picture}[prediction]
    torch.testing.assert_close(family.clean(predicted, t, latents), picture, atol=1e-4, rtol=1e-4)
    assert family.time(t) == pytest.approx(float(t) / 1000)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_self_cross_moves_the_picture_against_its_gradient_whatever_is_predicted(prediction: str) -> None:
    family = scheduled(sd15(), "DDIMScheduler", prediction_type=prediction)
    plan = plan_of("self-cross")
    nudge, t = techniques_of(plan, family).nudge, family.timesteps(4, SIZE)[1]
    assert nudge is not None
    step = Step(family, t, condition(plan, family).plain, SIZE, 1.0, 1, 4)
    latents, kept = family.noise(3, SIZE).requires_grad_(), nudge.watch(step)
    assert kept is not None
    with torch.enable_grad():
        said = step.predict(latents, step.control(kept=kept))
    push, held = nudge.push(step, kept, latents), latents.detach()
    moved = family.clean(said.detach() + push, t, held) - family.clean(said.detach(), t, held)
    gradient = nudge._look(step, held)[1]
    assert float((moved * gradient).sum()) < 0


def test_levels_halve_upwards_and_maps_come_from_two_of_them(family: UnetFamily) -> None:
    assert family._sizes((72, 88))[:3] == [(22, 18), (11, 9), (6, 5)]
    assert family.grid((72, 88)) == (6, 5)
    recorder = Recorder(2, family.grid(SIZE))
    run(family, recorder)
    informative = {i for i, level in enumerate(family._levels) if level in (1, 2)}
    assert set(recorder.blocks) == informative
    assert (len(informative), family.blocks) == ((6, 10) if type(family) is UnetFamily else (11, 11))
    assert recorder.stack().float().sum(1).max() <= 48 * (1 + 1e-3)


def test_every_technique_draws_at_a_size_that_does_not_halve_evenly(family: UnetFamily) -> None:
    """With a free mask, whose pixels cells cut."""
    blobs = MemoryBlobs()
    mask = np.zeros((88, 72), bool)
    mask[20:70, 5:40] = True
    plan = plan_of("all")
    cat = plan.regions[0].model_copy(update={"mask": blobs.put(grey_png(mask))})
    plan = plan.model_copy(update={"size": Size.model_construct((72, 88)), "regions": (cat, plan.regions[1])})
    drawn = render(Shot(plan=plan, seed=5), family, blobs)
    assert all(0 <= seen.inside <= 1 for seen in drawn.attended)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regional, official", "erg, iterated", "all", "all, otherwise"])
def test_techniques_act_in_both(family: UnetFamily, name: str) -> None:
    one = drawn(family, plan_of(name))
    assert torch.isfinite(one).all()
    assert not torch.equal(one, drawn(family, plan_of("nothing")))
    torch.testing.assert_close(drawn(family, plan_of(name), seeds=(4, 3))[1:], one, atol=2e-4, rtol=2e-3)
    stock_again = Plan.model_copy(PLAN, update={"draw": DrawSettings(steps=3, guidance=3.0, regional=False)})
    assert torch.equal(drawn(family, stock_again), stock(family, PLAN, 3))


def test_layers_hear_the_texts_of_their_regions(family: UnetFamily) -> None:
    """Up to the first layer that hears, before convolutions spread it, another text changes its region alone."""
    boxes = (Box((0, 0, 0.5, 1)), Box((0.5, 1 / 3, 1, 1)))
    plan = a_plan("a grumpy cat", "a red dog", boxes=boxes, background="a blue background", size=SIZE, draw=DrawSettings(base_ratio=0.0))
    other = plan.model_copy(update={"regions": (plan.regions[0], plan.regions[1].model_copy(update={"prompt": "a green fox"}))})
    heard: list[torch.Tensor] = []
    for one in (plan, other):
        phase = condition(one, family).at(0, 3)
        assert phase.regions is not None
        hears = family._blocks[0].get_submodule("attn2")
        handle = hears.register_forward_hook(lambda module, args, out: heard.append(out))
        with torch.no_grad():
            family.predict(family.noise(3, SIZE), family.timesteps(3, SIZE)[0], phase.text, SIZE, 3.0, Control(regions=phase.regions))
        handle.remove()
    rows, columns = family._sizes(SIZE)[family._levels[0]]
    changed = (heard[0] - heard[1]).abs().sum(-1).reshape(rows, columns) > 0
    wanted = torch.zeros(rows, columns, dtype=torch.bool)
    wanted[rows // 3 :, columns // 2 :] = True
    assert torch.equal(changed, wanted)


GRID, TEXT = (5, 7), 6


def parts(size: tuple[int, int]) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(size[0])
    return tuple(torch.randn(2, 3, length, 8, generator=generator) for length in (size[0] * size[1], 4 * TEXT, 4 * TEXT))


def bits() -> torch.Tensor:
    covers = torch.zeros(2, *GRID, dtype=torch.bool)
    covers[0, :3, :4] = covers[1, 2:, 3:] = True  # one cell in both
    return image_bits(list(covers))


@pytest.mark.parametrize("size", [GRID, (10, 14), (3, 4), (9, 13)])
@pytest.mark.parametrize("strengths", [None, (1.0, 3.0, 0.5), (1.0, 0.0, 0.0)])
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_hearing_is_masked_attention_blended(size: tuple[int, int], strengths: tuple[float, ...] | None, ratio: float) -> None:
    q, k, v = parts(size)
    regions = Regions(layout([TEXT] * 3, TEXT, bits()), ratio, strengths=strengths, base=True)
    level = Level(size, GRID, layout=regions.layout)
    assert level.hears is not None
    assert level.hears.any(1).all(), "every token hears something"
    found = hear(q, k, v, regions, 0, level.hears)
    base, base_lse = reference(q, k[:, :, 3 * TEXT :], v[:, :, 3 * TEXT :])
    torch.testing.assert_close(found.base_lse, base_lse)
    if strengths is None:
        inside = reference(q, k, v, level.hears)[0]
        torch.testing.assert_close(found.out, torch.lerp(inside, base, ratio), atol=1e-5, rtol=1e-4)
        return
    logits = (q @ k.mT * q.shape[-1] ** -0.5).exp() * level.hears
    count = torch.tensor([s or 1e-30 for s in strengths]).repeat_interleave(TEXT)
    words = logits[..., : 3 * TEXT] * count  # each word counts so many times
    inside = (words / words.sum(-1, keepdim=True)) @ v[:, :, : 3 * TEXT]
    share = (1 - ratio) * words.sum(-1, keepdim=True) / logits.sum(-1, keepdim=True)
    torch.testing.assert_close(found.out, (share * inside + ratio * base) / (share + ratio), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [GRID, (3, 4), (10, 14)])
@pytest.mark.parametrize(("ratio", "soft"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.4), (0.0, 1.0)])
def test_regions_see_themselves_where_subjects_are_decided(size: tuple[int, int], ratio: float, soft: float) -> None:
    q = parts(size)[0]
    regions = Regions(layout([TEXT] * 3, TEXT, bits(), "all"), ratio, soft)
    near = Level(size, GRID, layout=regions.layout).near
    free = reference(q, q, q)[0]
    if size == (10, 14):
        assert near is None, "finer than the grid there are no borders"
        return
    assert near is not None
    seen = torch.zeros(len(near.order), len(near.order), dtype=torch.bool)
    for one in near.classes:
        for span in one.near:
            seen[slice(*one.at), slice(*span)] = True
    seen = seen[near.back][:, near.back]
    if size == GRID:
        assert torch.equal(seen, together(bits()[:, None], bits()[None, :], "all"))
    weights = (q @ q.mT * q.shape[-1] ** -0.5).exp() * torch.where(seen, 1.0, soft)
    inside = weights / weights.sum(-1, keepdim=True) @ q
    torch.testing.assert_close(among(q, q, q, regions, near)[0], torch.lerp(inside, free, ratio), atol=1e-5, rtol=1e-4)
    assert Level(size, GRID, layout=layout([TEXT] * 3, TEXT, bits(), "none")).near is None


@pytest.mark.parametrize("regional", [False, True])
def test_words_and_image_are_kept_apart_at_the_grids_resolution(family: UnetFamily, regional: bool) -> None:
    plan = PLAN.model_copy(update={"draw": DrawSettings(regional=regional, self_cross=SelfCrossSettings())})
    phase, kept = condition(plan, family).at(0, 3), Kept(family.self_cross_blocks)
    with torch.enable_grad():
        latents = family.noise(3, SIZE).requires_grad_()
        family.predict(latents, family.timesteps(3, SIZE)[0], phase.text, SIZE, 3.0, Control(regions=phase.regions, kept=kept))
    assert {(seen.block, seen.words is None) for seen in kept.found} == {(block, alone) for block in family.self_cross_blocks for alone in (True, False)}
    assert len(kept.found) == 2 * len(family.self_cross_blocks)
    assert all(seen.image.shape[2] == 48 and (seen.words is None) != (seen.others is None) for seen in kept.found)
    with pytest.raises(BadInput, match=r"blocks of the record's grid.*not \[0\]"):
        family.predict(latents, family.timesteps(3, SIZE)[0], phase.text, SIZE, 3.0, Control(kept=Kept(frozenset({0}))))


@pytest.mark.parametrize("stop", [False, True])
def test_gradients_do_not_fade_where_a_scheduler_holds_much_noise(stop: bool) -> None:
    """As of latents of unit variance: for a prediction to the letter, for latents in proportion to them."""
    family = scheduled(sd15(), "EulerDiscreteScheduler")
    t = family.timesteps(4, SIZE)[1]
    unit = family.noise(3, SIZE)

    def gradient(latents: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            latents = latents.requires_grad_()
            shown = family._input(latents, t, Control(kept=Kept(frozenset({2}), stop)))
            return torch.autograd.grad(shown.square().sum(), latents)[0]

    family.step(unit, family.timesteps(4, SIZE)[0], unit)
    sigma = float(family.pipeline.scheduler.sigmas[1])
    grown = gradient(unit * (sigma**2 + 1) ** 0.5)
    scheduled(family, "DDIMScheduler")
    family.timesteps(4, SIZE)
    torch.testing.assert_close(grown, gradient(unit) * ((sigma**2 + 1) ** 0.5 if stop else 1), rtol=1e-3, atol=1e-5)


def test_a_saved_pipeline_loads_and_draws_the_same(family: UnetFamily, tmp_path: Path) -> None:
    family.pipeline.save_pretrained(tmp_path)
    again = load(str(tmp_path), CPU)
    assert type(again) is type(family)
    assert torch.equal(run(again), run(family))


def test_sdxl_is_told_nothing_for_no_prompt_as_in_training() -> None:
    family = xl()
    empty, beside = family.encode([""]), family.encode(["", "a cat"])
    assert not empty.sequence.any()
    assert not empty.pooled.any()
    assert beside.sequence[:, :64].any(), "a background that is not described is still a text among texts"
    assert (beside.sequence.shape, beside.lengths) == ((1, 128, 32), (64, 64))


def test_each_encoder_is_weakened_in_the_layers_it_has() -> None:
    family = xl()
    usual, first = (family.encode(["a cat"], erg) for erg in (None, ErgSettings(text_tau=0.0, text_layers=(0, 9))))
    assert all(not torch.equal(a, b) for a, b in zip(usual.sequence.chunk(2, -1), first.sequence.chunk(2, -1), strict=True))
    assert torch.equal(usual.pooled, first.pooled)
