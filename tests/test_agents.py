"""Extension, Extraction and Layout as functions of data and an Llm."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.bands import BAND, kept_free
from cutwork.agents.boxes import free_place, read_boxes
from cutwork.agents.extension import extend
from cutwork.agents.extraction import extract
from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.layout import lay_out, region_prompt
from cutwork.agents.schemas import ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.agents.words import article, mentions, slug, tidy, with_article
from cutwork.domain import MAX_COUNT, Box, Brief, CutSettings, DrawSettings, Expansion, FinishSettings, MemeSettings, Size, Subject
from cutwork.errors import BadInput, LlmFailed

BRIEF = Brief(text="a grumpy cat and a rocket on a purple background")
EXPANSION = Expansion(prompt="a grumpy cat and a rocket", background="on a purple background")
CAT, ROCKET = Subject(id="cat", phrase="a grumpy cat", noun="cat"), Subject(id="rocket", phrase="a rocket", noun="rocket")


# ------------------------------------------------------------------------------------------------------------ extension


def test_extend() -> None:
    llm = ScriptedLlm(ExtensionAnswer(prompt=" a\ncat  here ", background="on teal", style="flat", palette=["teal", "", "teal", "red"]))
    assert extend(BRIEF, llm) == Expansion(prompt="a cat here", background="on teal", style="flat", palette=("teal", "red"))
    assert llm.prompts[0].name == "extension"
    assert llm.prompts[0].variables == {"brief": BRIEF.text, "kind": "not said", "captions": "[]", "palette": "[]"}


def test_the_persons_palette_stands_and_an_empty_prompt_is_the_brief() -> None:
    brief = Brief(text="a cat", palette=("#ff0000",))
    expansion = extend(brief, ScriptedLlm(ExtensionAnswer(prompt="  ", palette=["blue"])))
    assert expansion == Expansion(prompt="a cat", palette=("#ff0000",), finish=FinishSettings(palette=("#ff0000",)))


def test_overlong_answers_are_cut() -> None:
    expansion = extend(BRIEF, ScriptedLlm(ExtensionAnswer(prompt="cat " * 3000, background="b" * 900, style="s " * 900, palette=[str(i) for i in range(99)])))
    assert len(expansion.prompt) <= 4_000
    assert (len(expansion.background), len(expansion.palette)) == (400, 16)


def test_failures_are_the_ports() -> None:
    with pytest.raises(LlmFailed):
        extend(BRIEF, ScriptedLlm())


# ----------------------------------------------------------------------------------------------------------- extraction


def extracted(*subjects: dict[str, Any]) -> tuple[Subject, ...]:
    return extract(BRIEF, EXPANSION, ScriptedLlm().enqueue(ExtractionAnswer, {"subjects": list(subjects)}))


@pytest.mark.parametrize(
    ("answer", "phrase", "noun", "count"),
    [
        ({"phrase": "a grumpy cat", "noun": "cat"}, "a grumpy cat", "cat", 1),
        ({"phrase": "grumpy cat", "noun": "cat", "count": None}, "a grumpy cat", "cat", 1),
        ({"phrase": "three grumpy cats", "noun": "cats", "count": 3}, "a grumpy cat", "cat", 3),
        ({"phrase": "three grumpy cats", "noun": "cat", "count": None}, "a grumpy cat", "cat", 3),
        ({"phrase": "a pair of red foxes", "noun": "fox"}, "a red fox", "fox", 2),
        ({"phrase": "a pair of scissors", "noun": "scissors"}, "a pair of scissors", "scissors", 1),
        ({"phrase": "12 wolves", "noun": "wolf"}, "a wolf", "wolf", 12),
        ({"phrase": "a cat", "noun": "cat", "count": 0}, "a cat", "cat", 1),
        ({"phrase": "a cat", "noun": "cat", "count": -3}, "a cat", "cat", 1),
        ({"phrase": "a cat", "noun": "cat", "count": 500}, "a cat", "cat", MAX_COUNT),
        ({"phrase": "", "noun": "orange"}, "an orange", "orange", 1),
        ({"phrase": "a red fire hydrant", "noun": ""}, "a red fire hydrant", "hydrant", 1),
        ({"phrase": "a cat with a hat", "noun": ""}, "a cat with a hat", "cat", 1),
        ({"phrase": "a fluffy feline", "noun": "cat"}, "a fluffy feline cat", "cat", 1),
        ({"phrase": "the Eiffel Tower", "noun": "Eiffel Tower"}, "the Eiffel Tower", "Eiffel Tower", 1),
        ({"phrase": "一只猫", "noun": "猫"}, "一只猫", "猫", 1),
        ({"phrase": "unicorn", "noun": "unicorn"}, "a unicorn", "unicorn", 1),
    ],
)
def test_subjects_are_normalised(answer: dict[str, Any], phrase: str, noun: str, count: int) -> None:
    (subject,) = extracted(answer)
    assert (subject.phrase, subject.noun, subject.count) == (phrase, noun, count)


def test_ids_are_unique_slugs() -> None:
    subjects = extracted({"phrase": "a red cat", "noun": "cat"}, {"phrase": "a blue cat", "noun": "cat"}, {"phrase": "une fusée", "noun": "fusée"}, {"phrase": "猫", "noun": "猫"})
    assert [s.id for s in subjects] == ["cat", "cat-2", "fusee", "subject"]


def test_repeats_are_merged() -> None:
    (cats,) = extracted({"phrase": "a cat", "noun": "cat", "attributes": ["red"]}, {"phrase": "cat", "noun": "Cat", "attributes": ["big"]})
    assert (cats.count, cats.attributes) == (2, ("red", "big"))
    (cats,) = extracted({"phrase": "two cats", "noun": "cat", "count": 2}, {"phrase": "two cats", "noun": "cats", "count": 2})
    assert cats.count == 2


def test_what_names_nothing_is_dropped_and_too_many_are_cut() -> None:
    assert extracted({"phrase": " ", "noun": "\n"}) == ()
    assert len(extracted(*({"phrase": f"a thing{i}x", "noun": f"thing{i}x"} for i in range(30)))) == 12


def test_resemblance_is_recorded_both_ways() -> None:
    cat, rocket, dog = extracted({"phrase": "a cat", "noun": "cat"}, {"phrase": "a rocket", "noun": "rocket"}, {"phrase": "a dog", "noun": "dog"})
    assert (cat.resembles, rocket.resembles, dog.resembles) == (("dog",), (), ("cat",))


# --------------------------------------------------------------------------------------------------------------- layout


def planned(regions: list[dict[str, Any]], *, brief: Brief = BRIEF, subjects: tuple[Subject, ...] = (CAT, ROCKET), times: int = 2, **more: Any) -> Any:
    llm = ScriptedLlm().enqueue(LayoutAnswer, *[{"regions": regions, **more}] * times)
    return lay_out(brief, EXPANSION, subjects, llm), llm


GOOD = [{"subject": "cat", "box": [0.1, 0.2, 0.4, 0.8]}, {"subject": "rocket", "box": [0.5, 0.2, 0.9, 0.8]}]


def test_a_good_layout_is_taken_as_it_is() -> None:
    plan, llm = planned(GOOD, notes=["the cat could not be larger"])
    assert [r.box.root for r in plan.regions] == [(0.1, 0.2, 0.4, 0.8), (0.5, 0.2, 0.9, 0.8)]
    assert [r.prompt for r in plan.regions] == ["a grumpy cat on a purple background", "a rocket on a purple background"]
    assert [r.z for r in plan.regions] == [0, 1]
    assert (plan.prompt, plan.background, plan.notes) == (EXPANSION.prompt, EXPANSION.background, ("the cat could not be larger",))
    assert len(llm.history) == 1


def test_settings_and_feedback_travel() -> None:
    llm = ScriptedLlm().enqueue(LayoutAnswer, {"regions": GOOD})
    plan = lay_out(BRIEF, EXPANSION, (CAT, ROCKET), llm, feedback="the cat was lost", draw=DrawSettings(steps=4), cut=CutSettings(soft=True))
    assert (plan.draw.steps, plan.cut.soft) == (4, True)
    assert llm.prompts[0].variables["feedback"] == "the cat was lost"


def test_one_region_a_count_and_surplus_is_dropped() -> None:
    two = CAT.model_copy(update={"count": 2})
    boxes = [[0.0, 0.0, 0.3, 0.3], [0.35, 0.0, 0.65, 0.3], [0.7, 0.0, 1.0, 0.3]]
    plan, llm = planned([{"subject": "cat", "box": box} for box in boxes], subjects=(two,))
    assert [r.box.x0 for r in plan.regions] == [0.0, 0.35]
    assert "3 regions for 2 × cat" in plan.notes[0]
    assert len(llm.history) == 1
    plan, llm = planned([{"subject": "cat", "box": boxes[0]}], subjects=(two,))
    assert len(plan.regions) == 2
    assert "cat needs 2 regions, usable were 1" in llm.prompts[1].variables["feedback"]


def test_the_better_answer_counts_for_each_subject() -> None:
    llm = ScriptedLlm().enqueue(LayoutAnswer, {"regions": GOOD[:1]}, {"regions": GOOD[1:]})
    plan = lay_out(BRIEF, EXPANSION, (CAT, ROCKET), llm)
    assert {r.subject: r.box.root for r in plan.regions} == {"cat": (0.1, 0.2, 0.4, 0.8), "rocket": (0.5, 0.2, 0.9, 0.8)}
    assert not plan.notes


def test_no_answer_at_all_still_gives_a_plan() -> None:
    plan, _ = planned([])
    a, b = (r.box for r in plan.regions)
    assert a.intersection(b) == 0
    assert len(plan.notes) == 2


def test_a_name_left_out_is_certain_for_one_subject_only() -> None:
    plan, llm = planned([{"subject": None, "box": [0.1, 0.2, 0.4, 0.8]}], subjects=(CAT,))
    assert plan.regions[0].subject == "cat"
    assert len(llm.history) == 1


def test_regions_keep_a_smallest_size_on_the_canvas() -> None:
    plan, _ = planned([{"subject": "cat", "box": [0.98, 0.98, 0.99, 0.99]}, {"subject": "rocket", "box": [-0.2, 0.1, 0.3, 1.4]}])
    small, clipped = (r.box for r in plan.regions)
    assert small.root == pytest.approx((1 - 48 / 256, 1 - 48 / 256, 1, 1), abs=1e-4)
    assert clipped.root == (0.0, 0.1, 0.3, 1.0)


def test_caption_bands_are_kept_free() -> None:
    brief = Brief(text="a cat and a rocket", kind="meme", captions=("top", "bottom", "line"))
    plan, _ = planned([{"subject": "cat", "box": [0.0, 0.14, 0.4, 0.86]}, {"subject": "rocket", "box": [0.5, 0.0, 1.0, 1.0]}], brief=brief)
    assert [(b.text, b.box.root) for b in plan.bands] == [("top", (0, 0, 1, BAND)), ("bottom line", (0, 0.82, 1, 1))]
    cat, rocket = (r.box for r in plan.regions)
    assert cat.root == pytest.approx((0.0, BAND, 0.4, 0.82))
    assert rocket.root == pytest.approx((0.5, BAND, 1.0, 0.82))
    assert plan.notes == ("the region of a grumpy cat was moved out of a caption band", "the region of a rocket was moved out of a caption band")


def test_bands_keep_regions_apart_and_in_order() -> None:
    brief = Brief(text="a cat above a rocket", kind="meme", captions=("top", "bottom"))
    plan, _ = planned([{"subject": "cat", "box": [0.2, 0.0, 0.8, 0.5]}, {"subject": "rocket", "box": [0.2, 0.5, 0.8, 1.0]}], brief=brief)
    cat, rocket = (r.box for r in plan.regions)
    assert (cat.y0, cat.y1, rocket.y0, rocket.y1) == pytest.approx((0.18, 0.5, 0.5, 0.82))
    assert plan.notes == ("all regions were moved together to keep the caption bands free",)


def test_only_memes_have_bands() -> None:
    plan, _ = planned(GOOD, brief=Brief(text="a cat", captions=("hi",)))
    assert plan.bands == ()


def lettered(*captions: str, layout: Any = "top-bottom", subjects: tuple[Subject, ...] = (CAT, ROCKET)) -> Any:
    expansion = Expansion(prompt="p", captions=captions, finish=FinishSettings(kind="meme", meme=MemeSettings(layout=layout)))
    return lay_out(BRIEF, expansion, subjects, ScriptedLlm().enqueue(LayoutAnswer, *[{"regions": GOOD}] * 2))


def test_bands_follow_the_layout_of_the_lettering() -> None:
    assert [(b.text, b.box.y0) for b in lettered("", "below").bands] == [("below", 0.82)]
    for layout in ("bar", "panels"):
        plan = lettered("one", "two", "three", layout=layout)
        assert [(b.text, b.box.root, b.subject) for b in plan.bands] == [(text, (0, 0, 1, 1), None) for text in ("one", "two", "three")]
        assert kept_free(plan) == ()
        assert [r.box.root for r in plan.regions] == [tuple(r["box"]) for r in GOOD]


def test_labels_name_their_subjects_and_keep_nobody_out() -> None:
    plan = lettered("the rocket: my plan", "grumpy cat: me", "top line", "dog: nobody", layout="labels")
    assert [(b.text, b.subject) for b in plan.bands] == [("my plan", "rocket"), ("me", "cat"), ("top line", None), ("nobody", None)]
    assert plan.bands[0].box == plan.regions[1].box
    assert [b.text for b in kept_free(plan)] == ["top line", "nobody"]
    assert any("nobody in the picture is called 'dog'" in note for note in plan.notes)


def test_a_label_goes_to_whom_its_words_fit_best() -> None:
    cats = tuple(Subject(id=f"cat-{n}", phrase=f"a {colour} cat", noun="cat") for n, colour in enumerate(("red", "blue")))
    plan = lettered("blue cat: you", "red cat: me", layout="labels", subjects=cats)
    assert [(b.text, b.subject) for b in plan.bands] == [("you", "cat-1"), ("me", "cat-0")]


def test_motifs_are_asked_apart_and_put_apart() -> None:
    """A textile is made of what is cut out, so that what overlaps would be cut short."""
    over = [GOOD[0], {"subject": "rocket", "box": [0.2, 0.2, 0.6, 0.8]}]
    llm = ScriptedLlm().enqueue(LayoutAnswer, *[{"regions": over}] * 2)
    plan = lay_out(Brief(text="a cat on a rocket", kind="textile"), EXPANSION, (CAT, ROCKET), llm)
    assert "cat and rocket overlap" in llm.prompts[1].variables["feedback"]
    cat, rocket = (r.box for r in plan.regions)
    assert cat.intersection(rocket) == 0
    assert "a rocket was moved apart, since it becomes a motif of its own" in plan.notes
    assert planned(over)[0].regions[1].box.root == (0.2, 0.2, 0.6, 0.8), "elsewhere a cat may sit on a rocket"


def test_words_on_goods_reach_no_other_agent_and_the_brief_stays() -> None:
    brief = Brief(text='meme: a cat, top "MONDAY", bottom "300 dpi"')
    llm = ScriptedLlm(ExtensionAnswer(prompt="a cat"), ExtractionAnswer.model_validate({"subjects": [{"phrase": "a cat", "noun": "cat"}]}), LayoutAnswer.model_validate({"regions": GOOD[:1]}))
    expansion = extend(brief, llm)
    plan = lay_out(brief, expansion, extract(brief, expansion, llm), llm)
    assert [prompt.variables["brief"] for prompt in llm.prompts] == ["a cat"] * 3
    assert brief.text == 'meme: a cat, top "MONDAY", bottom "300 dpi"'
    assert (plan.finish.kind, [b.text for b in plan.bands]) == ("meme", ["MONDAY", "300 dpi"])


def test_z_is_never_negative_and_defaults_to_the_order() -> None:
    plan, _ = planned([GOOD[0] | {"z": -5}, GOOD[1] | {"z": 2}])
    assert [r.z for r in plan.regions] == [0, 7]


@pytest.mark.parametrize(
    ("written", "background", "wanted"),
    [
        ("", "", "a grumpy cat"),
        ("", "on a purple background", "a grumpy cat on a purple background"),
        ("", "at the beach", "a grumpy cat at the beach"),
        ("", "a teal striped background", "a grumpy cat on a teal striped background"),
        ("", "orange background", "a grumpy cat on an orange background"),
        ("", "soft light", "a grumpy cat, soft light"),
        ("a fat cat, purple", "x", "a fat cat, purple"),
        ("two cats", "x", "two cats"),
        ("a feline in a category of its own", "x", "a grumpy cat, a feline in a category of its own"),
    ],
)
def test_region_prompts_name_their_subject(written: str, background: str, wanted: str) -> None:
    assert region_prompt(CAT, background, written) == wanted


def test_similar_pairs_stand_in_the_plan() -> None:
    dog = Subject(id="dog", phrase="a dog", noun="dog", resembles=("cat",))
    plan, _ = planned([GOOD[0], {"subject": "dog", "box": [0.5, 0.2, 0.9, 0.8]}], subjects=(CAT, dog))
    assert plan.similar == (("cat", "dog"),)


def test_more_than_fits() -> None:
    tiny = Brief(text="things", size=Size((64, 64)))
    with pytest.raises(BadInput, match="5 subjects do not fit on 64x64, at most 4 do"):
        planned([], brief=tiny, subjects=tuple(Subject(id=f"s{i}", phrase="a thing", noun="thing") for i in range(5)))
    plan, _ = planned([], brief=Brief(text="cats", size=Size((128, 128))), subjects=(CAT.model_copy(update={"count": 12}),))
    assert len(plan.regions) == plan.subjects[0].count == 4
    assert "12 × cat do not fit on 128x128; 4 are planned" in plan.notes


def test_no_subjects_ask_nothing() -> None:
    plan, llm = planned([], subjects=())
    assert (plan.regions, llm.history) == ((), [])
    assert "no subject" in plan.notes[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(), st.text(max_size=20), st.floats(), st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=5)), max_size=5),
            st.dictionaries(st.sampled_from(["x", "y", "w", "h", "x0", "y0", "x1", "y1", "box", "min", "max"]), st.one_of(st.none(), st.floats(), st.lists(st.floats(), max_size=3))),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_no_box_answer_breaks_the_plan(boxes: list[Any]) -> None:
    plan, _ = planned([{"subject": "cat", "box": box} for box in boxes])
    assert sorted(r.subject for r in plan.regions) == ["cat", "rocket"]
    for region in plan.regions:
        assert min(region.box.width, region.box.height) >= 48 / 256 - 1e-4


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0.0, 0.6)] * 2, *[st.floats(0.1, 0.4)] * 2), min_size=1, max_size=5), st.sampled_from([(256, 256), (512, 384), (1024, 768)]))
def test_corners_survive_any_unit(corners: list[tuple[float, float, float, float]], size: tuple[int, int]) -> None:
    """With one box that reaches the far edge, so that the unit can be told, every unit reads the same."""
    boxes = [(x, y, x + w, y + h) for x, y, w, h in corners] + [(0.55, 0.6, 0.99, 1.0)]
    canvas = Size(size)
    for sx, sy in ((1, 1), (100, 100), (1000, 1000), size):
        read = read_boxes([[a * sx, b * sy, c * sx, d * sy] for a, b, c, d in boxes], canvas)
        for got, wanted in zip(read, boxes, strict=True):
            if max(wanted) * min(sx, sy) <= 2 < min(sx, sy):
                continue
            assert got is not None
            # 1000 on a canvas 1024 wide is taken for pixels, which is 2 % off at most.
            assert all(math.isclose(g, w, abs_tol=0.26 if size == (1024, 768) and sx == 1000 else 1e-3) for g, w in zip(got.root, wanted, strict=True))


def test_free_places_are_large_and_apart() -> None:
    taken: list[Box] = []
    for _ in range(6):
        taken.append(free_place(taken, [], Size((256, 256))))
    assert all(a.intersection(b) == 0 for i, a in enumerate(taken) for b in taken[:i])
    assert taken[0].centre == pytest.approx((0.5, 0.5))


# ---------------------------------------------------------------------------------------------------------------- words


def test_articles() -> None:
    assert [article(w) for w in ("cat", "apple", "hour", "unicorn", "umbrella", "one-eyed cat", "UFO", "uninvited guest")] == ["a", "an", "an", "a", "an", "a", "a", "an"]
    assert with_article("his cat") == "his cat"


def test_mentions_are_whole_words() -> None:
    assert mentions("Two Cats", "cat")
    assert not mentions("a category", "cat")
    assert mentions("一只猫在这里", "猫")


def test_tidy_and_slug() -> None:
    assert tidy("a\x00b\n c\u2028d", 100) == "a b c d"
    assert tidy(None, 5) == tidy(7, 5) == ""
    assert slug("Fire Hydrant!", {"fire-hydrant"}) == "fire-hydrant-2"
    assert len(slug("x" * 300)) <= 64
