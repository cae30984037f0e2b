"""Self-Cross as it acts on a drawing: exact maps from what is kept, and no look at the network that is not needed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import a_plan, tiny_flux

from cutwork.domain import Box, DrawSettings, Plan, SelfCrossSettings
from cutwork.errors import BadInput
from cutwork.tools.attention import selfcross, subjects
from cutwork.tools.attention.control import Seen
from cutwork.tools.attention.kernels import attend
from cutwork.tools.attention.subjects import MOST, Subjects, aggregated, blend_loss, cross_maps
from cutwork.tools.conditioning import Step
from cutwork.tools.denoise import denoise
from cutwork.tools.families import flux
from cutwork.tools.nudge import UPDATES, Nudge, divergence
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


@pytest.mark.parametrize("sorted_", [False, True])
def test_where_rows_are_too_many_none_is_written_out(monkeypatch: pytest.MonkeyPatch, sorted_: bool) -> None:
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0)) if sorted_ else None
    back = None if order is None else torch.argsort(order)
    looked = [seen(seed, order)[0] for seed in (1, 2)]
    maps = cross_maps(looked, SUBJECTS, 0, GRID, back, 0)
    patches = torch.stack([selfcross.otsu(one) for one in maps])
    written = aggregated(looked, maps, patches, back, 0)
    monkeypatch.setattr(subjects, "ROWS", 0)
    monkeypatch.setattr(subjects, "_rows", None)
    torch.testing.assert_close(aggregated(looked, maps, patches, back, 0), written, atol=1e-6, rtol=1e-4)


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


def test_a_refinement_that_is_done_looks_at_its_latents_once(family: flux.FluxFamily, monkeypatch: pytest.MonkeyPatch) -> None:
    refined = plan_of(form="latents", blocks=(0,), until=0.5, refine=(0.0,))
    monkeypatch.setattr("cutwork.tools.nudge.ENOUGH", 9.0)
    monkeypatch.setattr("cutwork.tools.nudge.APART", 9.0)
    assert passes(family, refined) == [1, 3, 1, 3, 3, 3], "one look, at latents that will do"
    monkeypatch.setattr("cutwork.tools.nudge.ENOUGH", 0.0)
    assert passes(family, refined) == [1] * (UPDATES + 1) + [3, 1, 3, 3, 3]


def test_a_refinement_pulls_subjects_back_to_where_they_have_been(family: flux.FluxFamily) -> None:
    plans = [plan_of(form="latents", blocks=(0,), until=0.5, refine=(0.25,), align=align) for align in (0.0, 10.0)]
    free, held = (denoise(family, family.noise(3, SIZE), condition(p, family), SIZE, 4, 1.0, techniques_of(p, family)).latents for p in plans)
    assert not torch.equal(free, held)


def test_the_cap_bounds_the_guided_step_where_it_is_asked_to(family: flux.FluxFamily) -> None:
    """Else guidance multiplies what was bounded."""
    changes = {}
    for per in ("prediction", "step"):
        plans = [plan_of(per=per, scale=10_000.0, cap=0.05, until=0.25), plan_of(until=0.0)]
        draws = [p.model_copy(update={"draw": p.draw.model_copy(update={"guidance": 4.0})}) for p in plans]
        ends = [denoise(family, family.noise(3, SIZE), condition(p, family), SIZE, 4, 4.0, techniques_of(p, family), hopeless=lambda done: done == 1) for p in draws]
        clean, t = [end.latents for end in ends], family.time(family.timesteps(4, SIZE)[0])
        guided = (family.noise(3, SIZE) - clean[1]) / t
        changes[per] = float((clean[0] - clean[1]).norm() / t / guided.norm())
    assert changes["step"] == pytest.approx(0.05, rel=1e-3)
    assert changes["prediction"] > 0.1


def test_what_a_family_has_for_open_settings_is_used(family: flux.FluxFamily) -> None:
    def nudge_of(**how: Any) -> Nudge:
        nudge = techniques_of(plan_of(**how), family).nudge
        assert nudge is not None
        return nudge

    assert (nudge_of().scale, nudge_of(scale=3.0).scale, nudge_of(form="latents").scale) == (5.0, 3.0, 20.0)
    assert (nudge_of(per=None).per, nudge_of().per) == ("step", "prediction")


@pytest.mark.parametrize("technique", [{"self_cross": {"blocks": (1, 3)}}, {"erg": {"blocks": (3,)}}], ids=str)
def test_blocks_that_the_model_does_not_have_are_refused(family: flux.FluxFamily, technique: dict[str, Any]) -> None:
    plan = plan_of()
    plan = plan.model_copy(update={"draw": DrawSettings.model_validate(technique)})
    with pytest.raises(BadInput, match=r"\.blocks are .*3\], the model has 3, counted from 0"):
        techniques_of(plan, family)


def test_subjects_can_be_looked_at_in_blocks_that_published_regions_leave_out(family: flux.FluxFamily) -> None:
    """Also where nothing of the base text is blended in."""
    plan = plan_of(blocks=(2,), form="latents")
    draw = {"regional": True, "official": True, "base_ratio": 0.0, "regional_every": (1, 2), "regional_until": 1.0, "isolate": "all"}
    plan = plan.model_copy(update={"draw": plan.draw.model_copy(update=draw)})
    assert 2 not in family.every(1, 2)
    on = denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 2, 1.0, techniques_of(plan, family)).latents
    off = denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 2, 1.0).latents
    assert torch.isfinite(on).all()
    assert not torch.equal(on, off)


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
    turned = nudge.turned(velocity, nudge.push(step, kept, latents))
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


def test_where_no_start_noise_will_do_the_best_is_bettered_further(family: flux.FluxFamily) -> None:
    plans = [plan_of(start_rounds=2, start_more=more) for more in (0, 8)]
    step = Step(family, family.timesteps(4, SIZE)[0], condition(plans[0], family).plain, SIZE, 1.0, 0, 4)
    losses, looks = [], []
    for plan in plans:
        nudge = techniques_of(plan, family).nudge
        assert nudge is not None
        counts: list[int] = []
        hook = family.model.x_embedder.register_forward_hook(lambda *_, counts=counts: counts.append(0))
        after = nudge.prepare(step, family.noise(3, SIZE))
        hook.remove()
        looks.append(len(counts))
        losses.append(float(nudge._look(step, after, selfcross.Weights(scattered=1.0))[0][0].total))
    assert looks == [20, 28]
    assert losses[1] < losses[0]


def test_start_noise_stays_near_a_standard_normal(family: flux.FluxFamily) -> None:
    free, held = (techniques_of(plan_of(start_rounds=1, start_kl=kl), family).nudge for kl in (None, 1e-5))
    assert free is not None
    assert held is not None
    step = Step(family, family.timesteps(4, SIZE)[0], condition(plan_of(), family).plain, SIZE, 1.0, 0, 4)
    before = family.noise(3, SIZE)
    far, near = (float((nudge.prepare(step, before) - before).square().mean()) for nudge in (free, held))
    assert 0 < near < far
    shift, spread = torch.full((4, 5), 0.3, requires_grad=True), torch.full((4, 5), -0.2, requires_grad=True)
    normal, standard = torch.distributions.Normal(shift, (spread / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    torch.testing.assert_close(divergence(shift, spread), torch.distributions.kl_divergence(normal, standard).mean())
    held._hold(torch.optim.Adam([shift, spread], lr=1e-2, eps=1e-3), shift, spread)
    assert float(divergence(shift, spread).detach()) <= 1e-5
