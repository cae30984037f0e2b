"""Self-Cross as it acts on a drawing: exact maps from what is kept, and no look at the network that is not needed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import a_plan, tiny_flux

from cutwork.domain import Box, DrawSettings, Plan, SelfCrossSettings
from cutwork.tools.attention import selfcross
from cutwork.tools.attention.control import Seen
from cutwork.tools.attention.kernels import attend
from cutwork.tools.attention.subjects import MOST, Subjects, aggregated, blend_loss, cross_maps
from cutwork.tools.conditioning import Step
from cutwork.tools.denoise import denoise
from cutwork.tools.families import flux
from cutwork.tools.nudge import Nudge
from cutwork.tools.render import condition, techniques_of

SIZE, GRID, TEXT = (128, 96), (6, 8), 5
SUBJECTS = Subjects(words=((0, 1, 3, 4),), tokens=(((1,), (2, 3)),))


@pytest.fixture(scope="module")
def family() -> flux.FluxFamily:
    return tiny_flux()


def plan_of(**how: Any) -> Plan:
    draw = DrawSettings(steps=4, guidance=1.0, regional=False, self_cross=SelfCrossSettings(**how))
    return a_plan("a cat", "a dog", boxes=(Box((0, 0, 0.5, 1)), Box((0.5, 0, 1, 1))), background="a blue background", size=SIZE, draw=draw)


def seen(seed: int, order: torch.Tensor | None = None) -> tuple[Seen, torch.Tensor]:
    """One block's image queries and keys, and its softmax written out, (heads, P, T + P); tokens sorted by `order` in the first."""
    generator = torch.Generator().manual_seed(seed)
    q, k = (2 * torch.randn(1, 2, TEXT + 48, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    softmax = torch.softmax(q @ k.mT * 8**-0.5, -1)[0, :, TEXT:]
    if order is not None:
        q, k = (torch.cat([x[:, :, :TEXT], x[:, :, TEXT:][:, :, order]], 2) for x in (q, k))
    lse = attend(q, k, k)[1]
    return Seen(seed, q[:, :, TEXT:], k[:, :, :TEXT], k[:, :, TEXT:], lse[:, :, TEXT:]), softmax


@pytest.mark.parametrize("sorted_", [False, True])
def test_maps_and_rows_are_those_of_the_softmax(sorted_: bool) -> None:
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0)) if sorted_ else None
    back = None if order is None else torch.argsort(order)
    found = [seen(seed, order) for seed in (1, 2)]
    looked, softmax = [f[0] for f in found], torch.stack([f[1] for f in found]).mean((0, 1))  # (P, T + P)
    maps = cross_maps(looked, SUBJECTS, 0, GRID, back, 0)
    wanted = selfcross.smooth(selfcross.over_words(softmax[:, [0, 1, 3, 4]].T.reshape(4, *GRID), SUBJECTS.tokens[0]))
    torch.testing.assert_close(maps, wanted, atol=1e-4, rtol=1e-4)
    patches = torch.stack([selfcross.otsu(one) for one in wanted])
    rows = torch.stack([torch.softmax(_logits(seed), -1).mean(0) for seed in (1, 2)]).mean(0).float()  # (P, P), among image tokens
    by_hand = torch.stack([selfcross.aggregate(one, mask, rows[mask.flatten()]) for one, mask in zip(wanted, patches, strict=True)])
    torch.testing.assert_close(aggregated(looked, wanted, patches, back, 0), by_hand, atol=1e-5, rtol=1e-4)


def _logits(seed: int) -> torch.Tensor:
    block = seen(seed)[0]
    assert block.others is not None
    logits: torch.Tensor = (block.image @ block.others.mT * 8**-0.5)[0]
    return logits


def test_of_very_many_patches_the_strongest_are_looked_through() -> None:
    grid = (32, 48)
    one = torch.rand(grid, generator=torch.Generator().manual_seed(0))
    q = torch.zeros(1, 1, one.numel(), 4)
    block = Seen(0, q, None, q, torch.zeros(1, 1, one.numel()))
    everything = torch.ones(1, *grid, dtype=torch.bool)
    assert int(everything.sum()) > MOST
    torch.testing.assert_close(aggregated([block], one[None], everything, None, 0).sum(), torch.tensor(1.0), atol=1e-3, rtol=1e-3)


def test_several_encoders_are_averaged_and_one_that_lacks_a_subject_is_left_out() -> None:
    both = Subjects.of([(1, 2, 3), (10, 11, 12)], [(2, 11), (3,)])
    assert both.words == ((1, 2, 3),)
    assert both.tokens == (((1,), (2,)),)
    full = Subjects.of([(1, 2, 3), (10, 11, 12)], [(2, 11), (3, 12)])
    assert full.tokens == (((1,), (2,)), ((1,), (2,)))


def look(family: flux.FluxFamily, **how: Any) -> torch.Tensor:
    """The gradient of one look at the start noise."""
    plan = plan_of(**how)
    nudge = techniques_of(plan, family).nudge
    assert isinstance(nudge, Nudge)
    t = family.timesteps(4, SIZE)[1]
    return nudge._look(Step(family, t, condition(plan, family).plain, SIZE, 1.0, 1, 4), family.noise(3, SIZE))[1]


@pytest.mark.parametrize("blocks", [(0,), (0, 1), (1, 2)], ids=str)
def test_leaving_early_and_recomputing_give_the_gradient_of_a_whole_pass(family: flux.FluxFamily, blocks: tuple[int, ...]) -> None:
    early, again = look(family, blocks=blocks), look(family, blocks=blocks, recompute=True)
    plan = plan_of(blocks=blocks)
    nudge, latents = techniques_of(plan, family).nudge, family.noise(3, SIZE).requires_grad_()
    assert nudge is not None
    step = Step(family, family.timesteps(4, SIZE)[1], condition(plan, family).plain, SIZE, 1.0, 1, 4)
    kept = nudge.watch(step)
    assert kept is not None
    with torch.enable_grad():
        step.predict(latents, step.control(kept=kept))
        total = blend_loss(kept.found, nudge.subjects, 0, GRID)[0].total
    torch.testing.assert_close(early, torch.autograd.grad(total, latents)[0], atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(early, again, atol=1e-7, rtol=1e-5)
    assert not family.model.is_gradient_checkpointing


def passes(family: flux.FluxFamily, plan: Plan) -> list[int]:
    """Blocks run in each pass of a drawing."""
    counts: list[int] = []
    hooks = [family.model.x_embedder.register_forward_hook(lambda *_: counts.append(0))]
    for block in (*family.model.transformer_blocks, *family.model.single_transformer_blocks):
        hooks.append(block.register_forward_hook(lambda *_: counts.append(counts.pop() + 1)))
    try:
        denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 4, 1.0, techniques_of(plan, family))
    finally:
        for hook in hooks:
            hook.remove()
    return counts


def test_no_pass_is_made_that_is_not_needed(family: flux.FluxFamily) -> None:
    assert passes(family, plan_of(blocks=(0,), until=0.5)) == [3, 3, 3, 3]
    assert passes(family, plan_of(form="latents", blocks=(0,), until=0.5)) == [1, 3, 1, 3, 3, 3]
    assert passes(family, plan_of(form="latents", blocks=(0,), until=0.0)) == [3, 3, 3, 3]


def test_an_update_is_bounded_by_its_cap(family: flux.FluxFamily) -> None:
    plan = plan_of(scale=10_000.0, cap=0.05)
    nudge = techniques_of(plan, family).nudge
    assert nudge is not None
    step = Step(family, family.timesteps(4, SIZE)[1], condition(plan, family).plain, SIZE, 1.0, 1, 4)
    latents = family.noise(3, SIZE).requires_grad_()
    kept = nudge.watch(step)
    assert kept is not None
    with torch.enable_grad():
        velocity = step.predict(latents, step.control(kept=kept)).detach()
    turned = nudge.turn(step, kept, latents, velocity)
    assert float((turned - velocity).norm() / velocity.norm()) == pytest.approx(0.05, rel=1e-4)


def test_pairs_come_from_what_resembles(family: flux.FluxFamily) -> None:
    plan = plan_of()
    alike = plan.model_copy(update={"similar": ((plan.subjects[0].id, plan.subjects[1].id),)})
    for each, pairs in ((plan, None), (alike, ((0, 1),))):
        nudge = techniques_of(each, family).nudge
        assert nudge is not None
        assert nudge.subjects.pairs == pairs
    alone = a_plan("a cat", boxes=(Box((0, 0, 1, 1)),), background="a blue background", size=SIZE, draw=plan.draw)
    assert techniques_of(alone, family).nudge is None


def test_the_start_noise_is_bettered(family: flux.FluxFamily) -> None:
    plan = plan_of(start_rounds=2)
    nudge = techniques_of(plan, family).nudge
    assert nudge is not None
    step = Step(family, family.timesteps(4, SIZE)[0], condition(plan, family).plain, SIZE, 1.0, 0, 4)
    before = family.noise(3, SIZE)
    after = nudge.prepare(step, before)
    losses = [float(nudge._look(step, latents)[0][0].total) for latents in (before, after)]
    assert losses[1] < losses[0]
