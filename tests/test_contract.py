"""Every family under every technique: each acts, alone and with all others, and leaves nothing behind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import a_design, a_plan, a_round

from cutwork import registry
from cutwork.domain import ApgSettings, Box, CadsSettings, DrawSettings, ErgSettings, Plan, SelfCrossSettings, Size
from cutwork.errors import BadInput, Cancelled
from cutwork.ports import Watch
from cutwork.tools import nudge
from cutwork.tools.attention.record import Recorder
from cutwork.tools.conditioning import Conditioning, Phase
from cutwork.tools.denoise import Techniques, denoise
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families.base import Family
from cutwork.tools.formats import png
from cutwork.tools.formats.base import export
from cutwork.tools.render import condition, techniques_of

SIZE = (128, 96)
PLAN = a_plan(
    "a grumpy cat", "a red dog",
    boxes=(Box((0, 0, 0.5, 1)), Box((0.5, 0.2, 1, 1))), background="a blue background", size=SIZE, draw=DrawSettings(steps=3, guidance=3.0, regional=False),
)  # fmt: skip
TECHNIQUES: dict[str, dict[str, Any]] = {
    "regional": {"regional": True},
    "regional, β 0": {"regional": True, "base_ratio": 0.0},
    "regional, official": {"regional": True, "official": True, "isolate": "all", "regional_every": (2, 2)},
    "self-cross": {"self_cross": SelfCrossSettings()},
    "self-cross, latents": {"self_cross": SelfCrossSettings(form="latents", refine=(0.34,), start_rounds=1)},
    "erg": {"erg": ErgSettings()},
    "erg, flat": {"erg": ErgSettings(tau=0.0)},
    "erg, iterated": {"erg": ErgSettings(tau=0.5, gamma=1.5, iterations=2)},
    "erg, text": {"erg": ErgSettings(text_tau=0.01)},
    "erg without cfg": {"erg": ErgSettings(), "guidance": 1.0},
    "apg": {"apg": ApgSettings(parallel=0.0)},
    "cads": {"cads": CadsSettings(noise=0.3)},
}
TECHNIQUES["all"] = {key: value for name in ("regional", "self-cross", "erg", "apg", "cads") for key, value in TECHNIQUES[name].items()}
TECHNIQUES["all, otherwise"] = {**TECHNIQUES["all"], **TECHNIQUES["self-cross, latents"], **TECHNIQUES["erg, text"], **TECHNIQUES["regional, official"]}


@pytest.fixture(scope="module", autouse=True)
def few_looks() -> Iterator[None]:
    """At start noise and of a refinement: what they do is looked at elsewhere."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(nudge, "LOOKS", 2)
        patched.setattr(nudge, "UPDATES", 2)
        yield


EMBEDDED = {"mini": pytest.mark.slow}  # a FLUX that differs in how it pads its text, which other tests look at


@pytest.fixture(scope="module", params=[pytest.param(name, marks=EMBEDDED.get(name, ())) for name in registry.names("cutwork.tools.families")])
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        yield registry.find("cutwork.tools.families", request.param).tiny()


TELLING = ("regional", "self-cross", "erg", "all", "all, otherwise")  # each kind by itself, and all of them in both of their forms
technique = pytest.mark.parametrize("name", TECHNIQUES)
telling = pytest.mark.parametrize("name", [name if name in TELLING else pytest.param(name, marks=pytest.mark.slow) for name in TECHNIQUES])


def plan_of(*names: str) -> Plan:
    on = {key: value for name in names for key, value in TECHNIQUES.get(name, {}).items()}
    return PLAN.model_copy(update={"draw": DrawSettings(**{**dict(PLAN.draw), **on})})


def drawn(family: Family, plan: Plan, seeds: tuple[int, ...] = (3,), **watch: Any) -> torch.Tensor:
    start = torch.cat([family.noise(seed, SIZE) for seed in seeds])
    recorder = Recorder(len(plan.regions), family.grid(SIZE))
    return denoise(
        family, start, condition(plan, family), SIZE, 3, plan.draw.guidance, techniques_of(plan, family), recorder, Watch(**watch)
    ).latents  # fmt: skip


KEPT: dict[tuple[str, str], torch.Tensor] = {}


def once(family: Family, plan: Plan) -> torch.Tensor:
    """What a plan draws, drawn once for all tests that ask for nothing but that."""
    key = family.name, plan.model_dump_json()
    if key not in KEPT:
        KEPT[key] = drawn(family, plan)
    return KEPT[key]


@technique
def test_it_acts_and_the_same_seed_gives_the_same_latents(family: Family, name: str) -> None:
    plan = plan_of(name)
    off = plan.model_copy(update={"draw": DrawSettings(steps=3, guidance=plan.draw.guidance, regional=False)})
    on = once(family, plan)
    assert torch.isfinite(on).all()
    assert not torch.equal(on, once(family, off))
    assert torch.equal(on, drawn(family, plan))


@pytest.mark.slow
def test_techniques_together_are_more_than_each(family: Family) -> None:
    names = ("regional", "self-cross", "erg", "apg", "cads")
    alone = {name: once(family, plan_of(name)) for name in names}
    for some in [*combinations(names, 2), names[:3]]:
        together = drawn(family, plan_of(*some))
        assert torch.isfinite(together).all(), some
        assert not any(torch.equal(together, alone[name]) for name in some), some


@pytest.mark.slow
@telling
def test_a_batch_of_two_is_two_batches_of_one(family: Family, name: str) -> None:
    both = drawn(family, plan_of(name), seeds=(3, 4))
    for i, alone in enumerate((once(family, plan_of(name)), drawn(family, plan_of(name), seeds=(4,)))):
        torch.testing.assert_close(both[i : i + 1], alone, atol=2e-4, rtol=2e-3)


@telling
def test_nothing_is_left_behind(family: Family, name: str) -> None:
    model = family.model  # type: ignore[attr-defined]
    family.encode([PLAN.prompt])  # transformers leaves hooks of its own on an encoder that was once asked for its hidden states
    stock, hooks = dict(model.attn_processors), _hooks(family)
    out = drawn(family, plan_of(name))
    assert not out.requires_grad
    seen: list[int] = []
    with pytest.raises(Cancelled):
        drawn(family, plan_of(name), on_step=lambda done, total: seen.append(done), cancelled=lambda: bool(seen))

    def fail(module: torch.nn.Module, args: Any, output: Any) -> None:
        raise RuntimeError("out of memory")

    last = [m for m in model.modules() if not list(m.children())][-1]
    handle = last.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        drawn(family, plan_of(name))
    handle.remove()
    assert dict(model.attn_processors) == stock
    assert _hooks(family) == hooks
    assert torch.is_grad_enabled()
    assert all(p.grad is None for p in model.parameters())


def _hooks(family: Family) -> int:
    parts = [p for p in family.pipeline.components.values() if isinstance(p, torch.nn.Module)]  # type: ignore[attr-defined]
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for p in parts for m in p.modules())


@pytest.mark.parametrize("name", ["erg", "erg, flat", "all"])
def test_branches_that_share_a_pass_are_two_passes(family: Family, name: str) -> None:
    if not family.forks:
        pytest.skip("this family's branches always run apart")
    shared = once(family, plan_of(name))
    family.forks = False
    try:
        apart = drawn(family, plan_of(name))
    finally:
        family.forks = True
    torch.testing.assert_close(shared, apart, atol=1e-4, rtol=1e-3)


def test_weakened_text_is_another_text_and_pooled_as_ever(family: Family) -> None:
    usual, same, weak = (family.encode([PLAN.prompt], erg) for erg in (None, ErgSettings(text_tau=1.0), ErgSettings(text_tau=0.0)))
    assert torch.equal(usual.sequence, same.sequence)
    assert not torch.equal(usual.sequence, weak.sequence)
    assert torch.equal(usual.pooled, weak.pooled)


@pytest.mark.parametrize("scale", [2.0, 7.5])
def test_at_temperature_one_nothing_is_weak_whatever_the_scale(family: Family, scale: float) -> None:
    plan = plan_of("erg")
    one = plan.model_copy(update={"draw": plan.draw.model_copy(update={"erg": ErgSettings(scale=scale, tau=1.0, start=0.0)})})
    torch.testing.assert_close(drawn(family, one), once(family, plan_of("nothing")), atol=1e-4, rtol=1e-3)


def test_nothing_need_be_said_for_erg_to_act(family: Family) -> None:
    """Unconditional: the empty prompt alone, guided away from itself under flattened attention. A plan says it by a blank prompt."""
    conditioning, start = Conditioning(Phase(family.encode([""]), ())), family.noise(3, SIZE)
    plain = denoise(family, start, conditioning, SIZE, 3, 1.0, Techniques()).latents
    on = techniques_of(plan_of("erg without cfg"), family)
    assert on.weak is not None
    guided = denoise(family, start, conditioning, SIZE, 3, 1.0, on).latents
    assert torch.isfinite(guided).all()
    assert not torch.equal(guided, plain)
    draw = plan_of("erg without cfg").draw
    torch.testing.assert_close(drawn(family, Plan(prompt=" ", background=" ", size=Size(SIZE), draw=draw)), guided)


def test_erg_alone_asks_for_no_empty_prompt(family: Family) -> None:
    plan = plan_of("erg")
    alone = plan.model_copy(update={"draw": plan.draw.model_copy(update={"erg": ErgSettings(alone=True)})})
    assert condition(plan, family).empty is not None
    assert condition(alone, family).empty is None
    torch.testing.assert_close(drawn(family, alone), once(family, plan_of("erg without cfg")), atol=1e-5, rtol=1e-4)


def test_the_weak_branchs_pooled_vector_is_weakened_where_it_is_asked_to_be(family: Family) -> None:
    usual, weak = family.encode([PLAN.prompt]), family.encode([PLAN.prompt], ErgSettings(text_tau=0.0, text_pooled=True))
    assert not torch.equal(usual.sequence, weak.sequence)
    assert torch.equal(usual.pooled, weak.pooled) != bool(usual.pooled.any()), "where there is one"
    assert torch.equal(family.encode([PLAN.prompt]).pooled, usual.pooled)


def test_layers_that_no_text_encoder_has_are_refused(family: Family) -> None:
    with pytest.raises(BadInput, match=r"erg.text_layers are \[99\], the text encoders have at most"):
        family.encode([PLAN.prompt], ErgSettings(text_tau=0.0, text_layers=(99,)))


def test_erg_of_scale_one_is_the_strong_branch(family: Family) -> None:
    plan = plan_of("erg")
    one = plan.model_copy(update={"draw": plan.draw.model_copy(update={"erg": ErgSettings(scale=1.0)})})
    torch.testing.assert_close(drawn(family, one), once(family, plan_of("nothing")), atol=1e-5, rtol=1e-4)


def test_a_picture_says_which_techniques_drew_it(tmp_path: Path) -> None:
    blobs, plan = MemoryBlobs(), plan_of("all", "erg, text")
    assert plan.draw.techniques == ("cads", "regional", "erg", "record", "self_cross", "apg"), "in the order in which they act"
    half = np.arange(128)[None] < np.full((96, 1), 64)
    design = a_design(a_round(plan, np.zeros((96, 128, 3), np.uint8), [half, ~half], blobs))
    again = png.shot(png.read_manifest(export(png.write(design, blobs), blobs, tmp_path)[0])).plan
    assert again.draw == plan.draw


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this draws on a CUDA device, and torch finds none on this machine")
@pytest.mark.parametrize("name", ["nothing", "regional", "self-cross", "erg", "all", "all, otherwise"])
def test_a_cuda_device_draws_what_the_cpu_does(family: Family, name: str) -> None:
    wanted = once(family, plan_of(name))
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    family.pipeline.to(cuda)
    family.device = cuda  # type: ignore[attr-defined]
    try:
        got = drawn(family, plan_of(name)).cpu()
    finally:
        family.pipeline.to(cpu)
        family.device = cpu  # type: ignore[attr-defined]
    torch.testing.assert_close(got, wanted, atol=1e-2, rtol=1e-2)
