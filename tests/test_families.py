"""One contract over every model family: each file of `tools/families` brings a tiny random model and gets the whole suite."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from builders import a_plan, grey_png
from stock import pieces, silence_free_attention, spreads, stock

from cutwork import registry
from cutwork.domain import Box, DrawSettings, Plan, RecordSettings, Render, SelfCrossSettings, Shot
from cutwork.errors import BadInput, Cancelled
from cutwork.ports import Watch
from cutwork.tools.attention.control import Control
from cutwork.tools.attention.record import Recorder
from cutwork.tools.conditioning import Conditioning, Phase, Step
from cutwork.tools.cut import fused_maps
from cutwork.tools.denoise import denoise
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families.base import Family, word_spans
from cutwork.tools.masks.place import places
from cutwork.tools.record_file import Record
from cutwork.tools.render import _tokens, condition, render

FAMILIES = registry.names("cutwork.tools.families")
SIZE = (128, 96)
PLAN = a_plan(
    "a grumpy cat", "a red rocket",
    boxes=(Box((0, 0, 0.5, 1)), Box((0.5, 0.2, 1, 1))), background="a blue background", size=SIZE, draw=DrawSettings(steps=3, guidance=3.0),
)  # fmt: skip


def tiny(name: str) -> Family:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        made: Family = registry.find("cutwork.tools.families", name).tiny()
    return made


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return tiny(request.param)


@pytest.fixture(params=FAMILIES)
def own(request: pytest.FixtureRequest) -> Family:
    """A family whose weights a test may change."""
    return tiny(request.param)


def plain(family: Family) -> Conditioning:
    text = family.encode([PLAN.prompt])
    return Conditioning(Phase(text, ((1,), (2,))), (), family.encode([""]))


def latents(family: Family, conditioning: Conditioning, recorder: Recorder | None = None) -> torch.Tensor:
    return denoise(family, family.noise(3, SIZE), conditioning, SIZE, 3, 3.0, recorder=recorder).latents


def drawn(family: Family, plan: Plan = PLAN, **draw: Any) -> torch.Tensor:
    plan = plan.model_copy(update={"draw": DrawSettings(**{**plan.draw.model_dump(), **draw})})
    return latents(family, condition(plan, family))


def first_prediction(family: Family, plan: Plan, blobs: MemoryBlobs | None = None) -> torch.Tensor:
    """What the model says at the first step, while regions act."""
    t = family.timesteps(3, SIZE)[0]
    step = Step(family, t, condition(plan, family, places(plan, blobs or MemoryBlobs())).at(0, 3), SIZE, 3.0, 0, 3)
    assert step.phase.regions is not None
    with torch.no_grad():
        return step.predict(family.noise(3, SIZE), step.control())


def at_tokens(change: torch.Tensor) -> torch.Tensor:
    """How large a change is at each image token, (6, 8), of packed latents (1, P, C) or pictures of latents (1, C, h, w)."""
    size = change.abs()
    return size.sum(-1).reshape(6, 8) if size.ndim == 3 else torch.nn.functional.avg_pool2d(size.sum(1), size.shape[-1] // 8)[0]


def test_nothing_switched_on_is_the_stock_pipeline_to_the_bit(family: Family) -> None:
    assert torch.equal(latents(family, plain(family)), stock(family, PLAN, 3))


def test_recording_changes_nothing(family: Family) -> None:
    recorder = Recorder(2, (6, 8))
    assert torch.equal(latents(family, plain(family), recorder), latents(family, plain(family)))
    assert recorder.stack().shape == (3 * family.blocks, 2, 6, 8)
    assert recorder.stack().min() >= 0
    assert recorder.stack().float().sum(1).max() <= 48 * (1 + 1e-3)  # columns of a softmax, in units of 1 / image tokens


def test_regions_act_and_keep_each_other_apart(own: Family) -> None:
    """With full isolation, another text in one region leaves the other region's prediction untouched."""
    if spreads(own):
        pytest.skip("convolutions carry what a region hears beyond it; test_unet.py looks at the layers that hear")
    apart = PLAN.model_copy(update={"draw": PLAN.draw.model_copy(update={"isolate": "all", "base_ratio": 0.0})})
    other = apart.model_copy(update={"regions": (PLAN.regions[0], PLAN.regions[1].model_copy(update={"prompt": "a green fox on a blue background"}))})
    silence_free_attention(own)
    outcomes = [first_prediction(own, plan) for plan in (apart, other)]
    changed = at_tokens(outcomes[0] - outcomes[1])
    assert changed[:, :4].max() == 0, "the cat heard the rocket's text"
    assert changed[2:, 4:].min() > 0, "the rocket did not hear its own text"


def with_mask(mask: np.ndarray, blobs: MemoryBlobs, isolate: str = "regions") -> Plan:
    """PLAN with the cat in a free mask (H, W) instead of its box."""
    cat = PLAN.regions[0].model_copy(update={"mask": blobs.put(grey_png(mask))})
    return PLAN.model_copy(update={"regions": (cat, PLAN.regions[1]), "draw": PLAN.draw.model_copy(update={"isolate": isolate, "base_ratio": 0.0})})


def corner() -> np.ndarray:
    """An L of cells along the left and the lower edge, (96, 128) bool, in pixels that cut cells just above and just below half."""
    mask = np.zeros((96, 128), bool)
    mask[:, : 2 * 16 + 7] = mask[4 * 16 + 7 :, : 4 * 16] = True  # 2 columns and 7/16; 1 row and 9/16 of 4 columns
    return mask


def test_a_free_mask_decides_which_image_tokens_hear_a_region(own: Family) -> None:
    """With full isolation, another text for the masked region changes the prediction inside its mask and nowhere else."""
    if spreads(own):
        pytest.skip("convolutions carry what a region hears beyond it; test_unet.py looks at the layers that hear")
    blobs = MemoryBlobs()
    apart = with_mask(corner(), blobs, isolate="all")
    other = apart.model_copy(update={"regions": (apart.regions[0].model_copy(update={"prompt": "a green fox on a blue background"}), apart.regions[1])})
    silence_free_attention(own)
    outcomes = [first_prediction(own, plan, blobs) for plan in (apart, other)]
    changed = at_tokens(outcomes[0] - outcomes[1]) > 0
    wanted = torch.zeros(6, 8, dtype=torch.bool)
    wanted[:, :2] = wanted[4:, :4] = True
    assert torch.equal(changed, wanted)


def test_a_masks_receipts_are_held_against_the_mask(family: Family) -> None:
    blobs = MemoryBlobs()
    boxed, masked = (render(Shot(plan=plan, seed=5), family, blobs, early_verdict=False) for plan in (PLAN, with_mask(corner(), blobs)))
    assert boxed.image != masked.image
    seen = masked.attended[0]
    assert seen.lift == pytest.approx(seen.inside / corner().mean(), abs=1e-3)
    assert seen.lift != pytest.approx(seen.inside / PLAN.regions[0].box.area, abs=1e-2)


def test_a_mask_that_is_the_box_draws_what_the_box_draws(family: Family) -> None:
    blobs = MemoryBlobs()
    mask = np.zeros((96, 128), bool)
    mask[:, :64] = True
    same = PLAN.model_copy(update={"draw": with_mask(mask, blobs).draw})
    boxed, masked = (render(Shot(plan=plan, seed=5), family, blobs) for plan in (same, with_mask(mask, blobs)))
    assert (masked.image, masked.record, masked.attended) == (boxed.image, boxed.record, boxed.attended)


def test_a_mask_that_cannot_be_used_is_named_before_anything_is_drawn(family: Family) -> None:
    steps: list[int] = []
    watch = Watch(on_step=lambda done, total: steps.append(done))
    with pytest.raises(BadInput, match=r"mask of region 1 \(cat\) is not there"):
        render(Shot(plan=with_mask(corner(), MemoryBlobs()), seed=5), family, MemoryBlobs(), watch)
    assert steps == []


def test_base_ratio_goes_from_regional_to_plain(family: Family) -> None:
    """β = 1 is the plain prompt, to rounding."""
    ends = {ratio: drawn(family, regional_until=1.0, base_ratio=ratio) for ratio in (0.0, 0.5, 1.0)}
    torch.testing.assert_close(ends[1.0], drawn(family, regional=False), atol=1e-5, rtol=1e-4)
    assert not torch.equal(ends[0.0], ends[0.5])
    assert not torch.equal(ends[0.5], ends[1.0])


def test_regions_act_only_inside_their_window(family: Family) -> None:
    never = drawn(family, regional_until=0.0)
    assert torch.equal(never, drawn(family, regional=False))
    early, late = drawn(family, regional_until=0.4), drawn(family, regional_from=0.6, regional_until=1.0)
    assert len({tuple(x.flatten().tolist()) for x in (never, early, late)}) == 3


def test_one_region_of_everything_that_says_what_the_prompt_says_is_the_prompt(family: Family) -> None:
    whole = a_plan("a grumpy cat", boxes=(Box((0, 0, 1, 1)),), background="a blue background", size=SIZE, draw=PLAN.draw)
    same = whole.model_copy(update={"regions": (whole.regions[0].model_copy(update={"prompt": whole.prompt}),)})
    for ratio in (0.0, 0.3):
        torch.testing.assert_close(drawn(family, same, base_ratio=ratio, regional_until=1.0), drawn(family, same, regional=False), atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("setting", [{"soft": 0.5}, {"isolate_until": 0.3}, {"regional_every": (2, 2)}, {"regional_every": (2, 2), "official": True}], ids=str)
def test_every_regional_setting_acts(family: Family, setting: dict[str, Any]) -> None:
    usual = {"regional_until": 1.0, "isolate": "all"}
    assert not torch.equal(drawn(family, **usual), drawn(family, **usual, **setting))


def test_texts_of_regions_may_be_shorter_than_the_prompts(family: Family) -> None:
    """Padded to fewer tokens, which those who read T5 notice, and never cut."""
    plans = [PLAN.model_copy(update={"draw": PLAN.draw.model_copy(update={"region_tokens": n})}) for n in (None, 1, 20)]
    phases = [condition(plan, family).at(0, 3) for plan in plans]
    lengths = [phase.text.lengths for phase in phases]
    base = lengths[0][-1]
    assert all(one[-1] == base for one in lengths), "the prompt is as long as ever"
    if "Flux" not in type(family.pipeline).__name__ and "StableDiffusion3" not in type(family.pipeline).__name__:
        assert lengths[0] == lengths[1]
        return
    assert sum(lengths[1]) < sum(lengths[0])
    assert all(short <= middle <= long for short, middle, long in zip(lengths[1], lengths[2], lengths[0], strict=True))
    for phase, length in zip(phases, lengths, strict=True):
        for i, tokens in enumerate(phase.keywords, start=1):
            assert tokens
            assert sum(length[:i]) <= min(tokens)
            assert max(tokens) < sum(length[: i + 1])
    assert not torch.equal(drawn(family, region_tokens=1), drawn(family))


@pytest.mark.slow
def test_overlaps_belong_to_the_nearest_or_to_all(family: Family) -> None:
    over = PLAN.model_copy(update={"regions": (PLAN.regions[0].model_copy(update={"box": Box((0, 0, 0.75, 1))}), PLAN.regions[1])})
    assert not torch.equal(drawn(family, over, overlap="all"), drawn(family, over))
    assert torch.equal(drawn(family, overlap="all"), drawn(family)), "where nothing overlaps"
    turned = over.model_copy(update={"regions": over.regions[::-1]})
    for overlap in ("nearest", "all"):
        torch.testing.assert_close(drawn(family, turned, overlap=overlap), drawn(family, over, overlap=overlap), atol=1e-4, rtol=1e-3)


def test_the_pooled_vector_may_be_that_of_all_regions_by_area(family: Family) -> None:
    halves = PLAN.model_copy(update={"draw": PLAN.draw.model_copy(update={"pooled": "regions"})})
    got = condition(halves, family).at(0, 3).text.pooled
    each = [family.encode([prompt]).pooled for prompt in (PLAN.background, *(r.prompt for r in PLAN.regions))]
    cells = [4 / 48, 24 / 48, 20 / 48]  # the rocket's box begins at a fifth of six rows, which is nearer to one
    torch.testing.assert_close(got, sum(share * vector for share, vector in zip(cells, each, strict=True)))


def test_after_their_window_regions_leave_one_stream(family: Family) -> None:
    """Of the prompt alone, once a step."""
    inputs: list[int] = []

    def look(module: torch.nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        inputs.append(kwargs["encoder_hidden_states"].shape[1])

    plan = PLAN.model_copy(update={"draw": DrawSettings(steps=4, guidance=1.0, regional_until=0.5)})
    handle = family.model.register_forward_pre_hook(look, with_kwargs=True)  # type: ignore[attr-defined]
    denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 4, 1.0)
    handle.remove()
    own = family.encode([plan.prompt]).sequence.shape[1]
    regional = sum(condition(plan, family).at(0, 4).text.lengths)
    assert inputs == [regional, regional, own, own]


def test_what_is_recorded_can_be_chosen(family: Family) -> None:
    def rendered(**how: Any) -> tuple[Record, Render]:
        plan = PLAN.model_copy(update={"draw": DrawSettings(**{**dict(PLAN.draw), "regional": False, "record": RecordSettings(**how)})})
        blobs = MemoryBlobs()
        done = render(Shot(plan=plan, seed=5), family, blobs, early_verdict=False)
        return Record.from_bytes(blobs.get(done.record)), done

    whole, usual = rendered()
    chosen, some = rendered(blocks=(1,), heads=(0,), start=0.3)
    assert set(chosen.blocks.tolist()) == {1}
    assert set(chosen.steps.tolist()) == {1, 2}
    assert some.image == usual.image
    fused, streamed = rendered(store=False)
    assert fused.maps.shape == (1, *whole.maps.shape[1:])
    assert streamed.image == usual.image
    for seen, known in zip(streamed.attended, usual.attended, strict=True):
        assert seen.inside == pytest.approx(known.inside, abs=2e-3)
    later = fused_maps(whole, "entropy")
    np.testing.assert_allclose(fused_maps(fused, "entropy"), later, atol=2e-3)
    assert rendered(maps="words")[0].maps.shape == whole.maps.shape
    with_itself, seen = rendered(itself=True)
    assert seen.image == usual.image, "looking changes nothing"
    assert np.array_equal(with_itself.maps, whole.maps)
    assert whole.among is None
    assert with_itself.among is not None
    assert with_itself.among.shape == (48, 48)
    np.testing.assert_allclose(with_itself.among.astype(np.float64).sum(1), 48, rtol=5e-3)  # rows of a softmax, in units of 1 / tokens
    assert fused_maps(with_itself, "entropy", "segments").shape == (2, 6, 8)


@pytest.mark.parametrize(
    ("how", "says"), [({"blocks": (99,)}, r"record.blocks are \[99\]"), ({"heads": (99,)}, r"record.heads are \[99\]"), ({"start": 0.4, "until": 0.5}, "hold none of 3 steps")]
)
def test_what_cannot_be_recorded_is_said(family: Family, how: dict[str, Any], says: str) -> None:
    plan = PLAN.model_copy(update={"draw": PLAN.draw.model_copy(update={"record": RecordSettings(**how)})})
    with pytest.raises(BadInput, match=says):
        render(Shot(plan=plan, seed=5), family, MemoryBlobs())


def test_self_cross_that_has_nothing_to_do_says_so(family: Family) -> None:
    for prompt, idle in (("a grumpy cat on a blue background", True), (PLAN.prompt, False)):
        plan = PLAN.model_copy(update={"prompt": prompt, "draw": PLAN.draw.model_copy(update={"self_cross": SelfCrossSettings()})})
        notes = render(Shot(plan=plan, seed=5), family, MemoryBlobs(), early_verdict=False).notes
        assert any("Self-Cross did nothing" in note for note in notes) == idle


def test_a_regions_strength_acts(family: Family) -> None:
    strong = PLAN.model_copy(update={"regions": (PLAN.regions[0].model_copy(update={"strength": 3.0}), PLAN.regions[1])})
    assert not torch.equal(drawn(family), drawn(family, strong))


def test_stock_processors_are_back_after_success_and_after_an_error(family: Family) -> None:
    model = family.model  # type: ignore[attr-defined]
    stock = dict(model.attn_processors)
    latents(family, plain(family), Recorder(2, (6, 8)))
    assert dict(model.attn_processors) == stock
    text = family.encode([PLAN.prompt])
    wrong = Control(sum(text.lengths), ((1,), (2,)), record=Recorder(1, (6, 8)))
    t = family.timesteps(3, SIZE)[0]
    with torch.no_grad(), pytest.raises(ValueError, match="got 2 keywords, wanted 1"):
        family.predict(family.noise(3, SIZE), t, text, SIZE, 3.0, wrong)
    assert dict(model.attn_processors) == stock


def test_same_seed_same_bytes_and_other_seed_other_bytes(family: Family) -> None:
    blobs = MemoryBlobs()
    first, again, other = (render(Shot(plan=PLAN, seed=s), family, blobs) for s in (5, 5, 6))
    assert (first.image, first.record) == (again.image, again.record)
    assert first.image != other.image


def test_cancel_stops_at_the_step_that_was_asked(family: Family) -> None:
    seen: list[int] = []
    watch = Watch(on_step=lambda done, total: seen.append(done), cancelled=lambda: len(seen) >= 2)
    with pytest.raises(Cancelled):
        denoise(family, family.noise(3, SIZE), plain(family), SIZE, 3, 3.0, watch=watch)
    assert seen == [1, 2]


def test_an_early_stop_returns_the_clean_prediction(family: Family) -> None:
    ended = denoise(family, family.noise(3, SIZE), plain(family), SIZE, 3, 3.0, hopeless=lambda done: done == 2)
    assert (ended.steps, ended.stopped) == (2, True)
    assert ended.latents.shape == family.noise(3, SIZE).shape
    assert not torch.equal(ended.latents, latents(family, plain(family)))


def test_decoding_gives_pixels(family: Family) -> None:
    pixels = family.decode(family.noise(1, SIZE), SIZE)
    assert pixels.shape == (96, 128, 3)
    assert pixels.dtype == np.uint8


def test_keyword_tokens_follow_character_spans(family: Family) -> None:
    prompt = "a grumpy cat, two cats on a catapult"
    read, found = pieces(family, prompt), family.tokens(prompt, "cat")
    for words in family.words(prompt):  # as each encoder reads them
        assert "".join(read[i] for i in words) == prompt.replace(" ", "")
        assert "".join(read[i] for i in words if i in found) == "catcats"
    assert {*found} <= {i for words in family.words(prompt) for i in words}
    assert family.tokens(prompt, "dog") == ()
    assert family.tokens(prompt, "") == ()


def test_word_spans_are_whole_words() -> None:
    assert word_spans("Hot Dogs and hot  dog, dogma", "hot dog") == [(0, 8), (13, 21)]
    assert word_spans("scat", "cat") == []


def test_receipts_come_from_maps_no_mask_decided(family: Family) -> None:
    """Under the mask a region's words are invisible outside it; a receipt from such maps would praise any model."""
    shot = Shot(plan=PLAN, seed=5)
    random_model = render(shot, family, MemoryBlobs())
    assert all(a.lift < 1.5 for a in random_model.attended)
    masked_only = PLAN.model_copy(update={"draw": PLAN.draw.model_copy(update={"base_ratio": 0.0, "regional_until": 1.0})})
    unknown = render(Shot(plan=masked_only, seed=5), family, MemoryBlobs())
    assert [a.box for a in unknown.attended] == [None, None]
    assert not unknown.stopped_early, "nothing known is not hopeless"


def test_words_beyond_what_the_encoder_reads_are_said(family: Family) -> None:
    long = PLAN.model_copy(update={"prompt": "a cat " + "and the " * 300 + "rocket"})
    notes = render(Shot(plan=long, seed=5), family, MemoryBlobs()).notes
    assert any("'rocket' is not among the first" in note for note in notes)
    assert not any("'cat'" in note for note in notes)


@pytest.mark.parametrize(
    ("noun", "prompt"), [("cherry", "two cherries"), ("wolf", "three wolves"), ("mouse", "a pair of mice"), ("snowman", "two snowmen"), ("fox", "two foxes"), ("leaf", "falling leaves")]
)
def test_a_subject_is_known_by_its_plural(family: Family, noun: str, prompt: str) -> None:
    plan = a_plan(f"a {noun}")
    found = _tokens(family, f"{prompt} and a boot", plan.subjects[0])
    assert found == family.tokens(prompt, prompt.split()[-1])
    assert found
    assert _tokens(family, "a tree and a boot", plan.subjects[0]) == ()


def test_a_preview_is_a_small_picture(family: Family) -> None:
    small = family.preview(family.noise(1, SIZE), SIZE)
    assert small.dtype == np.uint8
    assert small.shape[2] == 3
    assert max(small.shape[:2]) <= max(SIZE) // 2


def test_a_picture_goes_in_and_comes_out_and_is_begun_from(family: Family) -> None:
    """Without noise nothing is left to draw; with all of it the picture is forgotten."""
    picture = family.decode(family.noise(1, SIZE), SIZE)
    clean, noise = family.latents(picture), family.noise(3, SIZE)
    assert clean.shape == noise.shape
    timesteps = family.timesteps(6, SIZE)
    noised = [family.renoise(clean, noise, t) for t in (timesteps[1], timesteps[-1])]
    far, near = ((x - clean).abs().mean() for x in noised)
    assert near < far
    ends = [denoise(family, noise, plain(family), SIZE, 6, 3.0, begin=(clean, level)) for level in (0.0, 0.5, 1.0)]
    assert [end.steps for end in ends] == sorted(end.steps for end in ends)
    assert ends[0].steps == 1
    assert ends[2].steps >= 5
    assert all(torch.isfinite(end.latents).all() for end in ends)
