"""SD3 and SD3.5: what the contract over all families leaves open. Words twice in the text, a second attention, no T5, older and larger models."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import a_plan
from stock import stock

from cutwork.domain import Box, DrawSettings, ErgSettings, Plan, SelfCrossSettings
from cutwork.errors import NotConfigured
from cutwork.tools.attention.record import Recorder
from cutwork.tools.denoise import denoise
from cutwork.tools.families._tiny_sd3 import sd3
from cutwork.tools.families.base import share_of
from cutwork.tools.families.sd3 import SD3Family, SD3Processor, load
from cutwork.tools.render import condition, techniques_of

SIZE = (128, 96)
CLIP = 64  # tokens of CLIP's part
PLAN = a_plan(
    "a grumpy cat", "a red dog",
    boxes=(Box((0, 0, 0.5, 1)), Box((0.5, 0.2, 1, 1))), background="a blue background", size=SIZE, draw=DrawSettings(steps=2, guidance=3.0, regional=False),
)  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {"3.5 medium": {}, "3.5 large": {"dual": ()}, "3 medium": {"dual": (), "qk_norm": None}, "without T5": {"t5": False}}


def family_of(**variant: Any) -> SD3Family:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        return SD3Family("tiny", sd3(**variant), torch.device("cpu"), padded=24)


@pytest.fixture(scope="module")
def family() -> SD3Family:
    return family_of()


def with_draw(**draw: Any) -> Plan:
    return PLAN.model_copy(update={"draw": DrawSettings(**{**dict(PLAN.draw), **draw})})


def drawn(family: SD3Family, plan: Plan = PLAN, recorder: Recorder | None = None, seeds: tuple[int, ...] = (3,)) -> torch.Tensor:
    noise = torch.cat([family.noise(seed, SIZE) for seed in seeds])
    return denoise(family, noise, condition(plan, family), SIZE, plan.draw.steps, plan.draw.guidance, techniques_of(plan, family), recorder).latents


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_model_is_the_stock_pipeline_recorded_or_not(variant: dict[str, Any]) -> None:
    family, recorder = family_of(**variant), Recorder(2, (6, 8))
    expected = stock(family, PLAN, 3)
    assert torch.equal(drawn(family), expected)
    assert torch.equal(drawn(family, recorder=recorder), expected)
    encoders = 1 + variant.get("t5", True)  # each has maps of its own
    assert recorder.stack().shape == (2 * 3 * encoders, 2, 6, 8)
    assert recorder.stack().float().std((2, 3)).min() > 0


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_model_takes_all_techniques_at_once(variant: dict[str, Any]) -> None:
    plan = with_draw(regional=True, self_cross=SelfCrossSettings(), erg=ErgSettings(text_tau=0.01, start=0.0))
    on = drawn(family_of(**variant), plan)
    assert torch.isfinite(on).all()
    assert not torch.equal(on, drawn(family_of(**variant)))


def test_guidance_of_one_asks_for_no_empty_prompt(family: SD3Family) -> None:
    plan = with_draw(guidance=1.0)
    assert torch.equal(drawn(family, plan), stock(family, plan, 3))


def test_a_schedule_that_shifts_with_the_size_is_the_stock_one() -> None:
    family = family_of()
    family.pipeline.register_modules(scheduler=type(family.pipeline.scheduler).from_config(family.pipeline.scheduler.config, use_dynamic_shifting=True))
    assert torch.equal(drawn(family), stock(family, PLAN, 3))


@pytest.mark.parametrize(
    ("prompt", "phrase", "clip", "t5"),
    [
        ("a cat", "cat", [2, 3, 4], [1]),  # counting the token that starts CLIP's text; T5's has none
        ("a grumpy cat, two cats on a catapult", "cat", [8, 9, 10, 15, 16, 17, 18], [2, 8]),
        ("a grumpy cat, two cats on a catapult", "grumpy cat", [*range(2, 11)], [1, 2]),
        ("a grumpy cat, two cats on a catapult", "on", [19, 20], [9]),
        ("a Cat and  a dog", "cat and a", [2, 3, 4, 5, 6, 7, 8], [*range(1, 7)]),  # a capital is a word's start, an unknown letter, and the rest
        ("a Cat and  a dog", "DOG", [9, 10, 11], [7]),
        ("a cat", "dog", [], []),
        ("a cat", " ", [], []),
    ],
)
def test_a_phrase_is_found_in_the_text_of_both_encoders(family: SD3Family, prompt: str, phrase: str, clip: list[int], t5: list[int]) -> None:
    assert family.tokens(prompt, phrase) == (*clip, *(CLIP + i for i in t5))


def test_words_are_one_group_for_each_encoder_without_start_end_and_padding(family: SD3Family) -> None:
    assert family.words("a cat") == ((1, 2, 3, 4), (CLIP, CLIP + 1))
    assert family.words("") == ((), ())


def test_the_words_of_each_encoder_are_recorded_apart(family: SD3Family) -> None:
    """Also while regions act, and a word that one of them has no room for is left to the other."""
    phase = condition(with_draw(regional=True), family).at(0, 2)
    assert len(phase.readers) == 2
    clip, t5 = phase.readers
    assert not clip & t5
    for tokens in (*phase.keywords, *phase.base_keywords):
        assert set(tokens) & clip
        assert set(tokens) & t5
        assert set(tokens) <= clip | t5
    far = PLAN.model_copy(update={"prompt": "background " * 7 + "a red dog and a cat"})
    recorder = Recorder(2, (6, 8))
    drawn(family, far, recorder)
    assert len(recorder.blocks) == 2 * 3, "CLIP never got to see either"
    assert float(recorder.stack().float().amax((2, 3)).min()) > 0


def test_self_cross_looks_at_the_published_share_of_the_blocks() -> None:
    assert share_of(24, 5 / 24, 20 / 38) == frozenset(range(5, 13))
    assert share_of(38, 5 / 24, 20 / 38) == frozenset(range(8, 20))
    assert SD3Family.suited.refine == (0.14, 0.36)


def test_what_only_t5_has_room_for_is_found_there(family: SD3Family) -> None:
    prompt = "background " * 7 + "cat"
    assert family.tokens(prompt, "cat") == (CLIP + 7,)


def test_prompts_are_joined_with_the_first_ones_pooled_vector(family: SD3Family) -> None:
    first, second, both = family.encode(["a cat"]), family.encode(["a dog"]), family.encode(["a cat", "a dog"])
    assert first.sequence.shape == (1, CLIP + 24, 48)
    assert both.lengths == (CLIP + 24,) * 2
    assert torch.equal(both.sequence, torch.cat([first.sequence, second.sequence], 1))
    assert torch.equal(both.pooled, first.pooled)


def test_without_t5_its_part_is_zeros_and_holds_no_words() -> None:
    family = family_of(t5=False)
    assert family.encode(["a cat"]).sequence[:, CLIP:].eq(0).all()
    assert family.tokens("a cat", "cat") == (2, 3, 4)
    assert family.words("a cat") == ((1, 2, 3, 4),)
    assert family.max_words == CLIP


def test_weakened_text_reaches_both_parts_and_only_layers_asked_for(family: SD3Family) -> None:
    usual, weak, deep = (family.encode(["a cat"], erg) for erg in (None, ErgSettings(text_tau=0.0), ErgSettings(text_tau=0.0, text_layers=(2,))))
    change = (usual.sequence - weak.sequence).abs().sum((0, 2))
    assert change[1:CLIP].min() > 0  # the first token sees itself alone
    assert change[CLIP:].min() > 0
    assert torch.equal(deep.sequence, usual.sequence), "T5 has one layer, and CLIP's third comes after the states that are read"
    assert torch.equal(deep.pooled, usual.pooled)


def test_the_second_attention_stays_stock_and_is_no_block(family: SD3Family) -> None:
    assert family.blocks == 3
    seen: list[dict[str, Any]] = []
    handle = family.model.transformer_blocks[0].register_forward_pre_hook(lambda *_: seen.append(dict(family.model.attn_processors)))
    drawn(family, recorder=Recorder(2, (6, 8)))
    handle.remove()
    for processors in seen:
        assert len(processors) == 5
        assert {name for name, one in processors.items() if isinstance(one, SD3Processor)} == {f"transformer_blocks.{i}.attn.processor" for i in range(3)}


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_weak_branch_forks_off_at_any_block(family: SD3Family, block: int) -> None:
    """Also at the last, whose text goes nowhere."""
    plan = with_draw(erg=ErgSettings(blocks=(block,), start=0.0))
    shared = drawn(family, plan)
    family.forks = False
    try:
        torch.testing.assert_close(shared, drawn(family, plan), atol=1e-4, rtol=1e-3)
    finally:
        family.forks = True
    assert not torch.equal(shared, drawn(family))


def test_two_images_in_a_batch_are_recorded_apart(family: SD3Family) -> None:
    both, alone = Recorder(2, (6, 8)), Recorder(2, (6, 8))
    drawn(family, recorder=both, seeds=(3, 4))
    drawn(family, recorder=alone, seeds=(4,))
    torch.testing.assert_close(both.stack(1), alone.stack(), atol=2e-3, rtol=2e-3)


@pytest.mark.filterwarnings("ignore")  # third-party notices while saving and loading
@pytest.mark.parametrize(("name", "variant", "guided"), [("sd3.5-medium", {}, True), ("sd3.5-large-turbo", {"dual": ()}, False), ("sd3-medium", {"t5": False}, True)])
def test_a_folder_of_the_pipeline_is_loaded(tmp_path: Path, name: str, variant: dict[str, Any], guided: bool) -> None:
    saved = family_of(**variant)
    saved.pipeline.save_pretrained(tmp_path / name)
    family = load(str(tmp_path / name), torch.device("cpu"))
    assert family.uses_cfg == guided
    assert family.max_words == (256 if variant.get("t5", True) else CLIP)
    t = family.timesteps(2, SIZE)[0]
    torch.testing.assert_close(
        family.predict(family.noise(3, SIZE), t, saved.encode(["a cat"]), SIZE, 1.0), saved.predict(saved.noise(3, SIZE), t, saved.encode(["a cat"]), SIZE, 1.0)
    )


def test_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="cannot load model"):
        load(str(tmp_path / "nothing"), torch.device("cpu"))
