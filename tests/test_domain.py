"""Values that cannot exist are refused where they would enter, with what was got and what was wanted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cutwork.domain import MAX_BRIEF, Box, Brief, CutSettings, Plan, Region, Shot, Size, Subject

CAT = Subject(id="cat", phrase="a cat", noun="cat")
HERE = Region(subject="cat", box=Box((0.1, 0.1, 0.5, 0.5)), prompt="a cat")


def plan(**changes: object) -> Plan:
    return Plan.model_validate({"prompt": "a cat", "background": "a teal background", "subjects": [CAT], "regions": [HERE], **changes})


@pytest.mark.parametrize("corners", [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (0, 0, 1.1, 1), (-0.1, 0, 1, 1), (0, 0, math.nan, 1), (0, 0, math.inf, 1)])
def test_impossible_boxes_do_not_exist(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValidationError):
        Box(corners)


def test_box_travels_as_a_list() -> None:
    assert HERE.model_dump(mode="json")["box"] == [0.1, 0.1, 0.5, 0.5]
    assert Region.model_validate_json(HERE.model_dump_json()) == HERE


unit = st.floats(0, 1, allow_nan=False)


@given(unit, unit, unit, unit)
def test_iou_is_symmetric_and_bounded(a: float, b: float, c: float, d: float) -> None:
    one, other = Box.of(a * 0.5, b * 0.5, a * 0.5 + 0.4, b * 0.5 + 0.4), Box.of(c * 0.5, d * 0.5, c * 0.5 + 0.3, d * 0.5 + 0.5)
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1
    assert one.iou(one) == pytest.approx(1)


@given(unit, unit, st.integers(1, 500), st.integers(1, 500))
def test_pixels_are_never_empty_and_stay_inside(x: float, y: float, w: int, h: int) -> None:
    x0, y0, x1, y1 = Box.of(x * 0.99, y * 0.99, x * 0.99 + 0.001, y * 0.99 + 0.001).pixels(w, h)
    assert 0 <= x0 < x1 <= w
    assert 0 <= y0 < y1 <= h


@pytest.mark.parametrize(("text", "says"), [("0x0", "multiple of 16"), ("250x256", "nearest to 250 is 256"), ("99999x64", "nearest to 99999 is 2048"), ("big", "WIDTHxHEIGHT")])
def test_sizes_are_refused_with_the_nearest_that_works(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Size.parse(text)


def test_size_parses() -> None:
    assert Size.parse("256x128").root == (256, 128)
    assert Size.parse(" 256 × 128 ").grid == (8, 16)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "empty"), ("   \n", "empty"), ("a" * (MAX_BRIEF + 1), "2,001 characters"), ("a\x00cat", "U\\+0000"), ("!!! ...", "no words")],
)
def test_bad_briefs_say_why(text: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Brief(text=text)


@pytest.mark.parametrize("text", ["🐱 und 🚀", "一只猫", "un chat grincheux", "a cat\nand a dog"])
def test_any_language_is_a_brief(text: str) -> None:
    assert "\n" not in Brief(text=text).text


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5])
def test_seeds_are_bounded(seed: float) -> None:
    with pytest.raises(ValidationError):
        Brief(text="a cat", seed=seed)  # type: ignore[arg-type]


def test_a_plan_has_a_region_for_each_counted_subject() -> None:
    with pytest.raises(ValidationError, match="count 2 but 1 regions"):
        plan(subjects=[CAT.model_copy(update={"count": 2})])


def test_of_regions_with_one_z_the_later_is_nearer() -> None:
    subjects = [CAT.model_copy(update={"id": id}) for id in ("front", "back", "over")]
    regions = [HERE.model_copy(update={"subject": id, "z": z}) for id, z in (("front", 3), ("back", 0), ("over", 3))]
    assert plan(subjects=subjects, regions=regions).ranks() == [1, 0, 2]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"regions": [HERE.model_copy(update={"subject": "dog"})]}, "'dog'"),
        ({"subjects": [CAT, CAT]}, "repeat"),
        ({"similar": [("cat", "dog")]}, "not two different subjects"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_inconsistent_plans_do_not_exist(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        plan(**changes)


def test_values_are_frozen_and_round_trip() -> None:
    shot = Shot(plan=plan(), seed=7)
    with pytest.raises(ValidationError):
        shot.seed = 8  # type: ignore[misc]
    assert Shot.model_validate_json(shot.model_dump_json()) == shot


def test_thresholds_rise() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        CutSettings(thresholds=(0.3, 0.1, 0.8))
