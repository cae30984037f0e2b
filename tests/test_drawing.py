"""Which family serves a model, and what is said about those that none serves."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from builders import a_plan, a_shot

from cutwork.domain import Box, Plan, Shot
from cutwork.errors import BadInput, NotConfigured, Refused
from cutwork.lab import art, backgrounds, captions
from cutwork.ports import Watch
from cutwork.tools.drawing import LocalDrawing, family_of, suits
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import _tiny, flux, mini
from cutwork.tools.families.mini import wording


def test_embedded_hub_and_folder_models_find_their_family(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    assert family_of("mini") == "mini"
    assert family_of("black-forest-labs/FLUX.1-schnell") == "flux"
    assert family_of(str(tmp_path)) == "flux"


@pytest.mark.parametrize("model", ["nonesuch", "flux", "base", "_tiny", "../mini", "a/b/flux"])
def test_other_names_are_refused(model: str) -> None:
    with pytest.raises(BadInput, match="there is no model"):
        family_of(model)


def test_folders_of_other_pipelines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a diffusers folder"):
        family_of(str(tmp_path))
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline"}))
    with pytest.raises(BadInput, match="WanPipeline"):
        family_of(str(tmp_path))


def test_a_saved_pipeline_loads_and_draws(tmp_path: Path) -> None:
    """The path real weights take: a diffusers folder on disk, through load, render and the blobs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _tiny.flux().save_pretrained(tmp_path / "tiny")
    drawing = LocalDrawing(str(tmp_path / "tiny"), MemoryBlobs(), device="cpu", threads=1)
    shot = a_shot(1, a_plan("a cat", boxes=[Box((0.2, 0.2, 0.8, 0.8))], background="a blue background", size=(64, 64), draw={"steps": 3}))
    render = drawing.render(shot, Watch())
    assert render.steps == 3
    assert len(render.attended) == 1
    assert len(drawing.cut(shot, render)) == 1
    assert drawing.picture(render, drawing.cut(shot, render)).startswith(b"\x89PNG")


def test_missing_weights_are_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(NotConfigured, match="cannot load model"):
        flux.load(str(tmp_path), torch.device("cpu"))
    with pytest.raises(NotConfigured, match="cannot load model"):
        flux.load("black-forest-labs/FLUX.1-schnell", torch.device("cpu"))  # offline: nothing is downloaded


def test_settings_suit_the_model() -> None:
    assert suits("black-forest-labs/FLUX.1-schnell").steps == 4
    assert suits("black-forest-labs/FLUX.1-dev").guidance == 3.5


@pytest.mark.parametrize(
    ("model", "ratio", "until"),
    [("black-forest-labs/FLUX.1-dev", 0.2, 0.4), ("stabilityai/stable-diffusion-3.5-large", 0.2, 0.4), ("black-forest-labs/FLUX.1-schnell", 0.3, 0.5), ("mini", 0.1, 0.7)],
)
def test_regions_act_as_published_where_the_model_is_not_embedded(model: str, ratio: float, until: float) -> None:
    draw = suits(model)
    assert (draw.base_ratio, draw.regional_until) == (ratio, until)
    assert (draw.regional_every, draw.overlap) == (((1, 1), "nearest") if model == "mini" else ((1, 2), "all"))


def test_plans_from_before_there_was_a_setting_are_as_they_were() -> None:
    """Whatever was added since is off in them."""
    old = a_plan().model_dump(mode="json")
    for name in ("overlap", "region_tokens", "pooled", "record"):
        del old["draw"][name]
    old["draw"]["self_cross"] = {"form": "latents", "refine": [0.2, 0.4], "start_rounds": 1}
    old["draw"]["erg"] = {"scale": 2.0, "text_tau": 0.5}
    draw = Plan.model_validate(old).draw
    assert (draw.overlap, draw.region_tokens, draw.pooled, draw.record.store) == ("nearest", None, "prompt", True)
    assert draw.self_cross is not None
    assert (draw.self_cross.align, draw.self_cross.start_more, draw.self_cross.start_kl, draw.self_cross.per) == (0.0, 0, None, "prediction")
    assert draw.erg is not None
    assert (draw.erg.alone, draw.erg.text_pooled) == (False, False)


@pytest.mark.parametrize(
    ("noun", "drawn"), [("cat", "cat"), ("cats", "cat"), ("kitten", "kitten"), ("rockett", "rocket"), ("race car", "car"), ("leopard", "lion"), ("corgi", "dog"), ("man", None), ("pirate ship", "sailboat"), ("sea lion", "dolphin"), ("beer", None), ("zorblax", None)]
)
def test_nearest_known_word(noun: str, drawn: str | None) -> None:
    assert mini.nearest(noun) == drawn


@pytest.mark.parametrize(
    ("noun", "drawn"),
    [("beaver", "mouse"), ("caterpillar", "snail"), ("deer", "horse"), ("elk", "horse"), ("starfish", "star"), ("submarine", "sailboat"), ("mountain", "volcano"), ("burrito", "taco"), ("ferrari", "car"),
     ("tea kettle", "teapot"), ("t rex", "t-rex"), ("pirate", None), ("zombie", None), ("hammer", None), ("envelope", None), ("window", None), ("knot", None), ("spoon", None)],
)  # fmt: skip
def test_what_nobody_would_take_for_it_does_not_stand_for_a_word(noun: str, drawn: str | None) -> None:
    """WordNet alone has a beaver as a top hat, a caterpillar as a tractor, a pirate as a rocket and a hammer as an anchor."""
    assert mini.nearest(noun) == drawn


@pytest.mark.parametrize("noun", ["money", "hair", "rain", "lock", "fog", "pearl", "piazza", "president", "host", "bat"])
def test_a_word_of_its_own_is_not_taken_for_a_misspelling(noun: str) -> None:
    names = {"money": "monkey", "hair": "chair", "rain": "train", "lock": "clock", "fog": "frog", "pearl": "pear", "piazza": "pizza", "president": "present", "host": "ghost", "bat": "sailboat"}
    assert mini.nearest(noun) != names[noun]


def test_kin_are_subjects_of_the_testbed() -> None:
    subjects = {row["noun"] for row in art.rows()}
    assert len(mini._kin()) > 10_000
    for noun, near in mini._kin().items():
        assert len(near) <= 4
        assert set(near) <= subjects, noun
        assert noun not in near


def test_a_plan_of_nothing_it_can_draw_is_refused_with_what_it_can() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family = mini.tiny()
    plan = Plan.model_validate(
        {
            "prompt": "a zorblax", "background": "a red background", "subjects": [{"id": "z", "phrase": "a zorblax", "noun": "zorblax"}],
            "regions": [{"subject": "z", "box": [0, 0, 0.5, 0.5], "prompt": "a zorblax"}],
        }
    )  # fmt: skip
    with pytest.raises(Refused, match="cannot draw 'zorblax'") as refused:
        family.translate(plan)
    assert "such as cat, dog" in str(refused.value.hint)


def test_unknown_words_are_exchanged_everywhere_and_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family = mini.tiny()
    plan = Plan.model_validate(
        {
            "prompt": "two race cars and a zorblax",
            "background": "a red background",
            "subjects": [{"id": "car", "phrase": "a race car", "noun": "race car", "count": 2}, {"id": "z", "phrase": "a zorblax", "noun": "zorblax"}],
            "regions": [{"subject": i, "box": [0, 0, 0.5, 0.5], "prompt": p} for i, p in (("car", "a race car"), ("car", "a race car"), ("z", "a zorblax"))],
        }
    )
    drawn, notes = family.translate(plan)
    assert drawn.prompt == "two cars and a zorblax"
    assert [r.prompt for r in drawn.regions] == [f"a {noun} on a red background" for noun in ("car", "car", "zorblax")]
    assert notes[0] == "drew 'race car' as 'car'"
    assert "zorblax" in notes[1]
    assert family.unknown(plan) == ("z",)


@pytest.mark.parametrize(
    ("prompt", "noun", "said"),
    [("an axolotl on red", "axolotl", "a frog on red"), ("a helicopter", "helicopter", "an airplane"), ("two wolves and a wolf", "wolf", "two dogs and a dog"), ("three geese", "goose", "three ducks"),
     ("some hamsters", "hamster", "some mice"), ("a raisin", "raisin", "grapes"), ("a corgi, corgis", "corgi", "a dog, dogs")],
)  # fmt: skip
def test_an_exchanged_word_keeps_its_number_and_has_its_article(prompt: str, noun: str, said: str) -> None:
    plan = Plan.model_validate(
        {"prompt": prompt, "background": "a red background", "subjects": [{"id": "s", "phrase": prompt, "noun": noun}], "regions": [{"subject": "s", "box": [0, 0, 1, 1], "prompt": prompt}]}
    )
    assert mini._exchange(plan, noun, {"raisin": "grapes"}.get(noun) or str(mini.nearest(noun))).prompt == said


@pytest.mark.parametrize(("noun", "drawn"), [("kittne", "cat"), ("gutair", "guitar"), ("tigre", "tiger"), ("butterly", "butterfly"), ("dinosuar", "t-rex"), ("giraf", "giraffe")])
def test_misspelt_words_are_understood(noun: str, drawn: str) -> None:
    assert mini.nearest(noun) == drawn


def test_a_device_that_is_not_there_is_a_configuration_error() -> None:
    with pytest.raises(NotConfigured, match="no device 'cuda:7'"):
        LocalDrawing("mini", MemoryBlobs(), device="cuda:7").family()


def test_a_plan_without_subjects_is_drawn_and_has_nothing_to_cut() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family = mini.tiny()
    plan = Plan.model_validate({"prompt": "a red background", "background": "a red background", "size": (64, 64), "draw": {"steps": 2}})
    drawing = LocalDrawing("mini", MemoryBlobs(), device="cpu")
    drawing._family = family
    render = drawing.render(Shot(plan=plan, seed=1), Watch())
    assert render.attended == ()
    assert drawing.cut(Shot(plan=plan, seed=1), render) == ()


@pytest.mark.parametrize(
    ("said", "learned", "note"),
    [("a cream background", "on a white background", "cream background as a white"), ("a navy striped background", "on a blue striped background", "navy"),
     ("a mustard background", "on an orange background", "mustard"), ("a light pink background", "on a pink background", "drew a light pink background as a pink one"), ("a purple gradient background", "on a purple gradient background", None),
     ("a duck egg background", "on a white background", "duck egg"), ("a light blue background", "on a blue background", "drew a light blue background as a blue one"), ("a sky blue background", "on a blue background", "sky blue"),
     ("a wine red background", "on a red background", "wine red"), ("a mint background", "on a green background", "mint"), ("a midnight blue background", "on a blue background", "midnight"),
     ("a dark orange background", "on an orange background", "as an orange one"), ("an off white background", "on a white background", "drew an off white"), ("a grey background", "on a gray background", None),
     ("a light gray background", "on a gray background", "light gray"), ("a periwinkle background", "on a blue background", "periwinkle"), ("a silver background", "on a gray background", "silver"),
     ("a turquoise background", "on a teal background", "turquoise"), ("at the beach", "at the beach", None), ("on the beach", "at the beach", None),
     ("in the jungle", "in a forest", "drew 'in the jungle' as 'in a forest'"), ("a starry night sky", "in space", "starry"), ("a plain background", "on a white background", None),
     ("in a kitchen", "on a white background", "cannot draw 'in a kitchen'")],
)  # fmt: skip
def test_backgrounds_that_were_not_learned_become_what_is_most_like_them(said: str, learned: str, note: str | None) -> None:
    found, told = wording.ground(said)
    assert found == learned
    assert told is None if note is None else note in str(told)


def test_every_place_that_was_learned_is_one_the_testbed_draws() -> None:
    assert set(wording.PLACES) == set(backgrounds.PLACES)
    assert set(captions.MOODS) | {*captions.TINY, *captions.BIG} <= set(wording.ADJECTIVES)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [("an octopus wearing a hat on a green background", "an octopus"), ("a Tiny, ornate red octopus", "a tiny red octopus"), ("octopus", "octopus"), ("the octopus of my dreams", "an octopus"), ("two of us", "an octopus")],
)
def test_a_region_says_of_its_subject_what_was_learned(prompt: str, told: str) -> None:
    assert wording.plainly(prompt, "octopus") == told
    assert wording.left_out("a grumpy octopus wearing a hat", "octopus") == "wearing hat"
    assert wording.left_out("a blue octopus", "octopus") is None


@pytest.mark.parametrize(
    ("sides", "size", "first"), [((12,), (256, 256), (128, 128)), ((8, 8), (256, 256), (192, 192)), ((6, 6), (256, 256), None), ((12, 3), (256, 256), None), ((24,), (512, 384), (128, 96))]
)
def test_subjects_are_drawn_first_as_large_as_the_model_draws_best(sides: tuple[int, ...], size: tuple[int, int], first: tuple[int, int] | None) -> None:
    across = [tokens * 16 / size[0] for tokens in sides]
    plan = a_plan(*("a cat", "a dog")[: len(sides)], boxes=tuple(Box((0, 0, side, min(1.0, side * size[0] / size[1] / 2))) for side in across), background="a red background", size=size)
    assert mini.tiny().first_size(plan) == first


def test_a_plan_is_told_which_background_it_got() -> None:
    from cutwork.tools.families import mini

    plan, notes = mini.tiny().translate(a_plan("a cat", background="a cream background"))
    assert "cream" not in plan.prompt + plan.background + plan.regions[0].prompt
    assert any("drew a cream background as a" in note for note in notes)
    same, none = mini.tiny().translate(a_plan("a cat", background="a teal background"))
    assert (same.background, none) == ("on a teal background", ())
