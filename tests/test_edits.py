"""Edits of a plan: what a call changes of it, and what is to be drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import a_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.calls import Standing, checked
from cutwork.agents.edits import Draft, edited, uncovered
from cutwork.agents.places import goes, spot, stack
from cutwork.agents.rewording import background
from cutwork.domain import Box, Call, CaptionBand, FinishSettings, Plan
from cutwork.errors import BadInput

CAT, ROCKET = Box((0.1, 0.5, 0.4, 0.8)), Box((0.55, 0.2, 0.95, 0.8))


def plan(**changes: Any) -> Plan:
    return a_plan("a grumpy cat", "a rocket", boxes=(CAT, ROCKET), background="a purple background", **changes)


def draft(*calls: Call, locks: tuple[str, ...] = (), **changes: Any) -> Draft:
    made = Draft.of(plan(**changes), locks)
    for call in calls:
        made = edited(made, call)
    return made


def call(tool: str, **args: Any) -> Call:
    return Call.model_validate({"tool": tool, "args": args})


def test_a_subject_that_becomes_another_thing_is_drawn_anew_where_it_stood() -> None:
    made = draft(call("change_subject", subject="cat", phrase="a fox"))
    assert [s.id for s in made.plan.subjects] == ["fox", "rocket"]
    assert made.plan.regions[0].box == CAT
    assert made.plan.regions[0].prompt == "a fox on a purple background"
    assert made.plan.prompt == "a fox and a rocket on a purple background"
    assert (made.noise, made.origin) == ((1.0, 0.0), (0, 1))
    assert made.told == ("a grumpy cat is now a fox",)


def test_a_subject_with_another_look_keeps_its_name() -> None:
    made = draft(call("change_subject", subject="cat", phrase="a grumpy blue cat"))
    assert made.plan.subjects[0].id == "cat"
    assert "a grumpy blue cat" in made.plan.prompt


def test_resizing_keeps_proportions_and_stays_on_the_canvas() -> None:
    made = draft(call("resize", subject="rocket", scale=3.0))
    box = made.plan.regions[1].box
    assert box.width / box.height == pytest.approx(ROCKET.width / ROCKET.height, rel=0.01)
    assert box.height == pytest.approx(1.0)
    assert made.noise == (0.0, 0.5)
    with pytest.raises(BadInput, match="no more room"):
        edited(made, call("resize", subject="rocket", scale=1.5))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("top left", "the top left"), ("to the bottom right corner", "the bottom right"), ("centre", "the middle"), ("far left", "the left"), ("top", "the top right"),
        ("to the left side", "the left"),
    ],
)  # fmt: skip
def test_places_are_where_they_are_called(where: str, expected: str) -> None:
    box, _, _ = goes(where, plan(), 1)
    assert spot(box) == expected


def test_who_goes_where_somebody_stands_is_made_a_little_smaller() -> None:
    box, _, _ = goes("top left", plan(), 1)
    assert box.intersection(CAT) <= 0.01
    assert 0.5 < box.area / ROCKET.area < 1


@pytest.mark.parametrize(("where", "dx", "dy"), [("a bit left", -1, 0), ("up", 0, -1), ("further down", 0, 1), ("left and up", -1, -1), ("to the left", -1, 0)])
def test_directions_move_from_where_it_is(where: str, dx: int, dy: int) -> None:
    box, _, told = goes(where, plan(), 1)
    moved = box.centre[0] - ROCKET.centre[0], box.centre[1] - ROCKET.centre[1]
    assert [(v > 0.01) - (v < -0.01) for v in moved] == [dx, dy]
    assert told


def test_relations_hold_between_the_boxes() -> None:
    at = {where: goes(f"{where} the cat", plan(), 1) for where in ("above", "below", "to the left of", "to the right of", "behind", "in front of", "closer to", "away from")}
    assert at["above"][0].y1 <= CAT.y0 + 1e-6
    assert at["below"][0].centre[1] > CAT.centre[1]
    assert at["to the left of"][0].centre[0] < CAT.centre[0]
    assert at["to the right of"][0].x0 >= CAT.x1 - 1e-6
    assert at["behind"][1] < 0
    assert at["in front of"][1] == 2
    assert at["behind"][0].intersection(CAT) > 0
    near, far = (abs(at[w][0].centre[0] - CAT.centre[0]) for w in ("closer to", "away from"))
    assert near < ROCKET.centre[0] - CAT.centre[0] < far + 0.2


def stacked(made: Draft) -> list[str]:
    """Who stands there, the farthest first."""
    return [made.plan.regions[i].subject for i in stack(made.plan)]


@pytest.mark.parametrize("zs", [(0, 1, 2), (0, 0, 0), (7, 7, 1_000)])
@pytest.mark.parametrize(
    ("asked", "order", "told"),
    [
        ({"subject": "cat", "z": "front"}, "bcd→bdc", "to the front"), ({"subject": "cat", "z": "forward"}, "bcd→bdc", "one step forward"), ({"subject": "bird", "z": "forward"}, "bcd→cbd", "forward"),
        ({"subject": "bird", "where": "forward"}, "bcd→cbd", "one step forward"), ({"subject": "dog", "z": "back"}, "bcd→dbc", "to the back"), ({"subject": "dog", "z": "backward"}, "bcd→bdc", "one step back"),
        ({"subject": "dog", "where": "to the back"}, "bcd→dbc", "to the back"), ({"subject": "bird", "where": "to the front of everything"}, "bcd→cdb", "to the front"),
        ({"subject": "dog", "where": "behind the bird"}, "bcd→dbc", "behind the bird"), ({"subject": "bird", "where": "in front of the dog"}, "bcd→cdb", "in front of the dog"),
        ({"subject": "dog", "z": "back", "where": "left"}, "bcd→dbc", "to the left and to the back"),
    ],
)  # fmt: skip
def test_layers_are_reordered(zs: tuple[int, ...], asked: dict[str, Any], order: str, told: str) -> None:
    places = (Box((0.0, 0.1, 0.3, 0.4)), Box((0.35, 0.1, 0.65, 0.4)), Box((0.68, 0.1, 0.98, 0.4)))
    three = a_plan("a bird", "a cat", "a dog", boxes=places, masks=[None] * 3)
    three = three.model_copy(update={"regions": tuple(r.model_copy(update={"z": z}) for r, z in zip(three.regions, zs, strict=True))})
    made = edited(Draft.of(three), call("move", **asked))
    assert "".join(id[0] for id in stacked(made)) == order.partition("→")[2]
    assert told in made.told[0]
    assert Plan.model_validate_json(made.plan.model_dump_json()) == made.plan
    if "where" not in asked:
        assert not any(made.noise), "nobody lies over anybody: nothing is drawn"


def test_who_comes_out_from_behind_another_is_drawn_where_it_was_hidden() -> None:
    over = Box((0.3, 0.3, 0.6, 0.9))
    two = a_plan("a cat", "a dog", boxes=(CAT, over))
    raised, lowered = (edited(Draft.of(two), call("move", **asked)) for asked in ({"subject": "cat", "z": "front"}, {"subject": "dog", "z": "back"}))
    assert raised.noise == lowered.noise == (0.4, 0.0), "either way it is the cat of whom more is seen"
    assert uncovered(two, raised.plan, raised.origin) == {0: [1]}
    for locked in ("cat", "dog"):
        asked = call("move", subject="dog" if locked == "cat" else "cat", z="back" if locked == "cat" else "front")
        with pytest.raises(BadInput, match=f"the {locked} is locked, and what is seen"):
            edited(Draft.of(two, (locked,)), asked)


def test_who_is_foremost_already_is_told() -> None:
    for asked, fault in (({"subject": "rocket", "z": "front"}, "nearest of all already"), ({"subject": "cat", "where": "to the back"}, "farthest of all already")):
        with pytest.raises(BadInput, match=fault):
            draft(call("move", **asked))


def test_what_is_added_behind_somebody_lies_behind() -> None:
    assert stacked(draft(call("add", phrase="a rainbow", where="behind the rocket"))) == ["rainbow", "cat", "rocket"]
    assert stacked(draft(call("add", phrase="a star", where="top left"))) == ["cat", "rocket", "star"]


MASK = "5" * 64


@pytest.mark.parametrize(
    ("asked", "number", "noise"),
    [
        (call("move", subject="cat", mask=MASK, area=[0.0, 0.0, 0.3, 0.4]), 0, 0.5), (call("change_subject", subject="cat", phrase="a fox", mask=MASK, area=[0.0, 0.0, 0.3, 0.4]), 0, 1.0),
        (call("add", phrase="a star", mask=MASK, area=[0.0, 0.0, 0.3, 0.4]), 2, 1.0),
    ],
)  # fmt: skip
def test_a_subject_takes_a_free_form_area(asked: Call, number: int, noise: float) -> None:
    made = draft(asked)
    region = made.plan.regions[number]
    assert (region.mask, region.box, made.noise[number]) == (MASK, Box((0.0, 0.0, 0.3, 0.4)), noise)
    assert [r.mask for i, r in enumerate(made.plan.regions) if i != number] == [None] * (len(made.plan.regions) - 1)
    assert edited(made, call("move", subject=region.subject, where="right")).plan.regions[number].mask is None, "a box takes over from it"
    gone = edited(made, call("move", subject=region.subject, where="right")).plan.regions[number].box
    carries = replace(made, carry=lambda mask, before, after: f"{mask[:-4]}0001" if (before, after) == (region.box, gone) else mask)
    assert edited(carries, call("move", subject=region.subject, where="right")).plan.regions[number].mask == f"{MASK[:-4]}0001", "it goes with its box"


def test_an_area_keeps_out_of_the_lettering_and_is_for_one() -> None:
    band = CaptionBand(text="hello", box=Box((0.0, 0.0, 1.0, 0.18)))
    with pytest.raises(BadInput, match="kept free for lettering"):
        draft(call("move", subject="cat", mask=MASK, area=[0.0, 0.0, 0.3, 0.4]), bands=(band,), finish=FinishSettings(kind="meme"))
    two = plan(subjects=({"id": "cat", "phrase": "a cat", "noun": "cat", "count": 2},), regions=[{"subject": "cat", "box": box, "prompt": "a cat"} for box in (CAT, ROCKET)])
    with pytest.raises(BadInput, match="there are 2 of the cat, and one area"):
        edited(Draft.of(two), call("move", subject="cat", mask=MASK))
    assert edited(Draft.of(two), call("move", subject="cat", mask=MASK, region=1)).plan.regions[1].mask == MASK


def test_what_names_no_place_is_said() -> None:
    with pytest.raises(BadInput, match="names no place"):
        draft(call("move", subject="cat", where="somewhere nice"))
    with pytest.raises(BadInput, match="there already"):
        draft(call("move", subject="cat", box=list(CAT.root)))


def test_subjects_are_added_into_free_space_and_removed_with_all_that_is_theirs() -> None:
    made = draft(call("add", phrase="a small star", where="top left"), call("remove", subject="cat"))
    assert [s.id for s in made.plan.subjects] == ["rocket", "star"]
    assert spot(made.plan.regions[1].box) == "the top left"
    assert (made.origin, made.noise) == ((1, None), (0.0, 1.0))
    assert made.plan.prompt == "a rocket and a small star on a purple background"
    assert draft(call("add", phrase="a star")).plan.regions[2].box.intersection(ROCKET) == 0


@pytest.mark.parametrize(("place", "where"), [({}, None), ({"where": "top left"}, "the top left"), ({"box": [0.0, 0.0, 0.6, 0.3]}, "the top left")])
def test_as_many_are_added_as_were_asked_for(place: dict[str, Any], where: str | None) -> None:
    made = draft(call("add", phrase="two small birds", **place))
    bird, boxes = made.plan.subjects[-1], [r.box for r in made.plan.regions[2:]]
    assert (bird.id, bird.phrase, bird.count, bird.attributes) == ("bird", "a small bird", 2, ("small",))
    assert len(boxes) == 2
    assert boxes[0].intersection(boxes[1]) == 0
    assert where is None or spot(boxes[0]) == where
    assert made.plan.prompt == "a grumpy cat, a rocket and two small birds on a purple background"
    assert (made.origin, made.noise, made.told) == ((0, 1, None, None), (0.0, 0.0, 1.0, 1.0), ("two small birds added",))


def test_it_is_said_where_one_comes_to_lie_over_another() -> None:
    beside, behind, onto, away = (draft(call("move", subject="rocket", **where)).told[0] for where in ({"where": "right of the cat"}, {"where": "behind the cat"}, {"box": list(CAT.root)}, {"where": "top right"}))
    assert "partly" not in beside + behind + away
    assert onto.endswith("partly over the cat")


def test_what_there_is_no_room_for_is_said() -> None:
    assert draft(call("resize", subject="cat", scale=9.0)).told[0].endswith("times as large, which is all the room there is")
    assert draft(call("resize", subject="cat", scale=0.5)).told == ("cat: 0.62 times as large, which is as small as can be drawn",)
    assert draft(call("resize", subject="cat", scale=1.2)).told == ("cat: 1.2 times as large",)
    assert draft(call("resize", subject="cat", box=[0.05, 0.525, 0.45, 0.75])).told == ("cat: as large as before, in another box",)
    small = draft(call("resize", subject="cat", scale=0.1))
    with pytest.raises(BadInput, match="cannot be smaller: it is as small as can be drawn"):
        edited(small, call("resize", subject="cat", scale=0.1))
    with pytest.raises(BadInput, match="is of that size already"):
        edited(small, call("resize", subject="cat", box=list(small.plan.regions[0].box.root)))


def test_a_subject_that_becomes_another_stays_as_many() -> None:
    made = draft(call("change_subject", subject="cat", phrase="three dogs"))
    assert (made.plan.subjects[0].phrase, made.plan.subjects[0].count) == ("a dog", 1)
    assert made.told == ("a grumpy cat is now a dog, as many as before: 1, not 3",)


def test_an_area_is_for_one_and_a_canvas_for_few() -> None:
    with pytest.raises(BadInput, match="an area is for one subject"):
        draft(call("add", phrase="two birds", mask="0" * 64))
    with pytest.raises(BadInput, match="more cannot be told apart"):
        draft(call("add", phrase="100 birds"))


def test_a_second_one_of_a_kind_has_a_name_of_its_own() -> None:
    made = draft(call("add", phrase="a cat"))
    assert [s.id for s in made.plan.subjects] == ["cat", "rocket", "cat-2"]


def test_another_background_is_said_everywhere() -> None:
    made = draft(call("restyle", background="teal"))
    assert made.plan.background == "a teal background"
    assert made.plan.prompt == "a grumpy cat and a rocket on a teal background"
    assert [r.prompt for r in made.plan.regions] == ["a grumpy cat on a teal background", "a rocket on a teal background"]
    assert (made.background, made.whole, any(made.noise)) == (True, False, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("teal", "a teal background"), ("light pink", "a light pink background"), ("in the snow", "in the snow"), ("a beach at night", "in a beach at night"),
        ("orange background", "an orange background"), ("space", "in space"), ("at sunset", "at sunset"), ("blue stripes", "a blue striped background"),
    ],
)  # fmt: skip
def test_backgrounds_are_put_as_plans_put_them(words: str, said: str) -> None:
    assert background(words) == said


def test_a_style_draws_everything() -> None:
    made = draft(call("restyle", style="watercolor"))
    assert made.whole
    assert made.plan.prompt.endswith(", watercolor")


def test_what_is_locked_is_not_edited() -> None:
    for asked in (call("move", subject="cat", where="up"), call("remove", subject="cat"), call("reseed", subject="cat", seed=1)):
        with pytest.raises(BadInput, match="the cat is locked"):
            draft(asked, locks=("cat",))
    assert draft(call("move", subject="rocket", where="up"), locks=("cat",)).noise[1] > 0


def test_caption_bands_are_kept_free() -> None:
    band = CaptionBand(text="hello", box=Box((0.0, 0.0, 1.0, 0.18)))
    made = draft(call("move", subject="rocket", where="top right"), bands=(band,), finish=FinishSettings(kind="meme"))
    assert made.plan.regions[1].box.intersection(band.box) < 1e-6


def test_edits_add_up() -> None:
    made = draft(call("move", subject="cat", where="up"), call("resize", subject="cat", scale=1.2), call("reseed", subject="rocket", seed=5))
    assert made.noise == (0.4, 1.0)
    assert made.seed == 5
    assert len(made.told) == 3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["cat", "rocket"]), st.sampled_from(["up", "a bit left", "far right", "top left", "down", "centre"]), st.floats(0.3, 3.0)), max_size=5))
def test_any_moves_and_sizes_leave_a_plan_that_is_valid(steps: list[tuple[str, str, float]]) -> None:
    made = draft()
    for subject, where, scale in steps:
        for asked in (call("move", subject=subject, where=where), call("resize", subject=subject, scale=round(scale, 2))):
            try:
                made = edited(made, asked)
            except BadInput:
                continue
    assert Plan.model_validate_json(made.plan.model_dump_json()) == made.plan
    assert all(0 <= v <= 1 for r in made.plan.regions for v in r.box.root)


# names


def test_names_mean_who_they_are_said_of() -> None:
    there = Standing(plan=a_plan("a red car", "a racing car", "a dog", boxes=(CAT, ROCKET, Box((0.4, 0.0, 0.6, 0.2))), subjects=(
        {"id": "car", "phrase": "a red car", "noun": "car", "attributes": ("red",)}, {"id": "car-2", "phrase": "a blue car", "noun": "car", "attributes": ("blue",)},
        {"id": "dog", "phrase": "a dog", "noun": "dog"}), regions=(
        {"subject": "car", "box": CAT, "prompt": "a"}, {"subject": "car-2", "box": ROCKET, "prompt": "b"}, {"subject": "dog", "box": Box((0.4, 0.0, 0.6, 0.2)), "prompt": "c"})),
        last="dog")  # fmt: skip
    assert [there.subject(words).id for words in ("the red car", "the blue one", "car-2", "the dog", "it", "puppy")] == ["car", "car-2", "car-2", "dog", "dog", "dog"]
    with pytest.raises(BadInput, match="a red car or a blue car; say which"):
        there.subject("the car")
    with pytest.raises(BadInput, match="no 'zebra'"):
        there.subject("the zebra")


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (call("resize", subject="cat"), "either scale or box"), (call("move", subject="cat", where="up", box=[0, 0, 1, 1]), "either box, where or mask"),
        (call("move", subject="cat"), "either box, where or mask, or z"), (call("move", subject="cat", z="up"), "front"), (call("move", subject="cat", mask="x"), "mask"),
        (call("export", form="gif"), "no form 'gif'"), (call("branch", turn=9), "no take 9"), (call("move", subject="cat", speed=3), "no 'speed'"),
        (call("resize", subject="cat", scale=99), "less than or equal to 10"), (call("move", where="up"), "'subject' is missing"), (call("restyle"), "style, background or both"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_said(asked: Call, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        checked(asked, Standing(plan=plan()))


def test_nothing_can_be_edited_before_something_stands() -> None:
    with pytest.raises(BadInput, match="no design yet"):
        checked(call("resize", subject="cat", scale=2), Standing())
