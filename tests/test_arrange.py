"""Boxes from things and relations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.language import rects
from cutwork.agents.language.arrange import Variant, arrange
from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.order import Axis, grid
from cutwork.agents.language.parse import parse
from cutwork.agents.language.rects import Rect, overlap
from cutwork.agents.language.shown import directions, holds

SIZES = [(256, 256), (512, 256), (256, 512), (1024, 256), (64, 64)]
TOUCHING = ("on", "inside", "front", "behind", "riding", "holding")


def things(*nouns: str) -> list[Thing]:
    return [Thing(n) for n in nouns]


def flat(boxes: list[list[Rect]]) -> list[Rect]:
    return [b for pieces in boxes for b in pieces]


def valid(box: Rect) -> bool:
    return 0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1


def test_one_subject_fills_the_canvas() -> None:
    assert arrange(things("cat")).boxes == [[(0.12, 0.12, 0.88, 0.88)]]


def test_two_subjects_stand_side_by_side() -> None:
    (cat,), (dog,) = arrange(things("cat", "dog")).boxes
    assert cat[2] <= dog[0]
    assert cat[2] - cat[0] == pytest.approx(0.42, abs=0.01)
    assert cat[3] - cat[1] >= 0.6


def test_what_stands_on_something_touches_it_also_with_something_in_front() -> None:
    parsed = parse("a cottage on a hill and a goat in front of the cottage")
    boxes = arrange(parsed.things, parsed.relations).boxes
    assert all(holds(r, boxes) for r in parsed.relations)
    assert overlap(boxes[0][0], boxes[1][0]) > 0


def sides(box: Rect) -> tuple[float, float]:
    return box[2] - box[0], box[3] - box[1]


@pytest.mark.parametrize(("noun", "least", "most"), [("car", 1.3, 1.5), ("giraffe", 0.6, 0.7), ("cat", 0.9, 1.1), ("king", 0.65, 0.75)])
def test_a_box_is_as_wide_as_such_a_thing_is(noun: str, least: float, most: float) -> None:
    ((box,),) = arrange(things(noun)).boxes
    wide, high = sides(box)
    assert least <= wide / high <= most
    assert max(wide, high) == pytest.approx(0.76, abs=0.01)


@pytest.mark.parametrize(("small", "large"), [("cat", "house"), ("bee", "elephant"), ("mug", "sofa"), ("apple", "horse"), ("bird", "king"), ("ant", "tree"), ("king", "castle"), ("badger", "bear")])
@pytest.mark.parametrize("size", SIZES[:3])
def test_the_smaller_thing_is_drawn_smaller_on_one_ground(small: str, large: str, size: tuple[int, int]) -> None:
    ((a,), (b,)) = arrange(things(small, large), size=size).boxes
    assert sides(a)[1] <= sides(b)[1] * 1.06
    assert min(sides(a)[0] * size[0], sides(a)[1] * size[1]) >= 48
    assert a[3] == pytest.approx(b[3], abs=0.01) or size[1] > size[0] or small in ("bee", "bird")


NOUNS = ["cat", "car", "giraffe", "ant", "house", "king", "balloon", "knife", "castle"]


@pytest.mark.parametrize("kind", ["left", "right", "above", "below", *TOUCHING])
@pytest.mark.parametrize("size", SIZES[:3])
def test_relations_hold_between_things_of_any_figure(kind: str, size: tuple[int, int]) -> None:
    relation = Relation(kind, 0, 1)
    for a in NOUNS:
        for b in NOUNS:
            found = arrange(things(a, b), [relation], size)
            assert holds(relation, found.boxes), (a, b)
            assert all(map(valid, flat(found.boxes))), (a, b)
            assert (overlap(found.boxes[0][0], found.boxes[1][0]) > 0) == (kind in TOUCHING), (a, b)


def test_many_things_keep_all_their_room() -> None:
    bees, elephant = arrange([Thing("bee", count=5), Thing("elephant")]).boxes
    assert sides(bees[0])[0] > 0.18
    assert elephant


def test_two_subjects_on_a_tall_canvas_stand_one_above_the_other() -> None:
    (cat,), (dog,) = arrange(things("cat", "dog"), size=(256, 512)).boxes
    assert cat[3] <= dog[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["left", "right", "above", "below", *TOUCHING])
def test_every_relation_holds_on_every_canvas(kind: str, size: tuple[int, int]) -> None:
    relation = Relation(kind, 0, 1)
    found = arrange(things("cat", "dog"), [relation], size)
    assert holds(relation, found.boxes)
    assert not [n for n in found.notes if "contradict" in n or "No layout" in n]
    assert (overlap(found.boxes[0][0], found.boxes[1][0]) > 0) == (kind in TOUCHING)


def test_pieces_of_one_kind_are_alike() -> None:
    (boxes,) = arrange([Thing("butterfly", count=7)]).boxes
    assert len({(round(b[2] - b[0], 3), round(b[3] - b[1], 3)) for b in boxes}) == 1


def test_directions_are_clear_by_genevals_rule() -> None:
    (cat,), (dog,) = arrange(things("cat", "dog"), [Relation("left", 0, 1)]).boxes
    assert directions(cat, dog) == {"left"}
    assert directions(dog, cat) == {"right"}


@pytest.mark.parametrize("kind", ["on", "riding", "inside", "holding", "front"])
def test_what_stands_on_or_in_is_nearer(kind: str) -> None:
    z = arrange(things("a", "b"), [Relation(kind, 0, 1)]).z
    guest, host = (1, 0) if kind == "holding" else (0, 1)
    assert z[guest] > z[host]


def test_behind_is_farther() -> None:
    z = arrange(things("ghost", "door"), [Relation("behind", 0, 1)]).z
    assert z[0] < z[1]


def test_between_stands_in_the_middle() -> None:
    (ball,), (cat,), (dog,) = arrange(things("ball", "cat", "dog"), [Relation("between", 0, 1, 2)]).boxes
    assert cat[2] <= ball[0]
    assert ball[2] <= dog[0]


def test_between_two_of_one_kind() -> None:
    boxes = arrange([Thing("cat"), Thing("dog", count=2)], [Relation("between", 0, 1, 1)]).boxes
    (cat,), (first, second) = boxes
    assert first[2] <= cat[0]
    assert cat[2] <= second[0]


def test_a_contradiction_keeps_what_was_said_first_and_is_reported() -> None:
    found = arrange(things("cat", "dog"), [Relation("left", 0, 1), Relation("left", 1, 0)])
    assert holds(Relation("left", 0, 1), found.boxes)
    assert len(found.notes) == 1
    assert "contradicts" in found.notes[0]


@pytest.mark.parametrize(
    "said",
    [
        [Relation("left", 0, 1), Relation("left", 1, 2), Relation("left", 2, 0)],
        [Relation("on", 0, 1), Relation("on", 1, 0)],
        [Relation("above", 0, 1), Relation("below", 0, 1)],
        [Relation("left", 0, 1), Relation("right", 0, 1)],
    ],
)
def test_contradictions_are_found(said: list[Relation]) -> None:
    assert any("contradicts" in n for n in arrange(things("a", "b", "c"), said).notes)


def test_a_stated_place_that_denies_a_relation_is_a_contradiction() -> None:
    pair = [Thing("cat", place="right"), Thing("dog", place="left")]
    assert any("contradicts" in n for n in arrange(pair, [Relation("left", 0, 1)]).notes)


@pytest.mark.parametrize(
    ("place", "x", "y"), [("top left", 0.25, 0.25), ("bottom right", 0.75, 0.75), ("left", 0.25, 0.5), ("top", 0.5, 0.25), ("centre", 0.5, 0.5)]
)
def test_stated_places(place: str, x: float, y: float) -> None:
    ((box,),) = arrange([Thing("cat", place=place)]).boxes
    assert ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) == (pytest.approx(x, abs=0.02), pytest.approx(y, abs=0.02))


def test_others_leave_a_stated_place_free() -> None:
    boxes = arrange([Thing("crab", place="top left"), Thing("dog"), Thing("owl", place="bottom right")]).boxes
    assert all(overlap(a, b) == 0 for i, a in enumerate(flat(boxes)) for b in flat(boxes)[:i])


def test_bands_are_never_entered() -> None:
    bands = [(0.0, 0.0, 1.0, 0.2), (0.0, 0.8, 1.0, 1.0)]
    boxes = flat(arrange([Thing("cat", place="top left"), Thing("dog", count=3), Thing("owl")], [Relation("on", 2, 0)], bands=bands).boxes)
    assert all(overlap(box, band) == 0 for box in boxes for band in bands)


def test_more_than_twelve_regions_are_cut_off_with_a_note() -> None:
    found = arrange([Thing("cat", count=8), Thing("dog", count=4), Thing("owl")])
    assert len(flat(found.boxes)) == 12
    assert "an owl" in found.notes[0]


def test_tiny_is_smaller_than_huge() -> None:
    (mouse,), (elephant,) = arrange([Thing("mouse", scale=0.5), Thing("elephant", scale=1.7)]).boxes
    assert (mouse[2] - mouse[0]) < 0.7 * (elephant[2] - elephant[0])


@pytest.mark.parametrize("variant", [Variant(margin=0.4), Variant(margin=1.6), Variant(mirrored=True)])
def test_variants_differ_and_keep_relations(variant: Variant) -> None:
    said = [Relation("above", 0, 1)]
    trio = things("cat", "dog", "owl")
    usual, other = arrange(trio, said), arrange(trio, said, variant=variant)
    assert other.boxes != usual.boxes
    assert holds(said[0], other.boxes)


def test_an_axis_refuses_what_it_knows_to_be_false() -> None:
    axis = Axis(range(3))
    assert axis.before(0, 1)
    assert axis.before(1, 2)
    assert not axis.before(2, 0)
    assert not axis.together(0, 2)
    assert [axis.index(i) for i in range(3)] == [0, 1, 2]


def test_a_grid_has_no_cell_twice() -> None:
    across, down = Axis(range(4)), Axis(range(4))
    across.before(0, 1)
    assert len(set(grid([0, 1, 2, 3], across, down).values())) == 4


def test_room_is_the_largest_free_rectangle() -> None:
    assert rects.room(rects.CANVAS, [(0.0, 0.0, 1.0, 0.25)], (256, 256)) == (0.0, 0.25, 1.0, 1.0)
    assert rects.room(rects.CANVAS, [rects.CANVAS], (256, 256)) is None


KINDS = ["left", "right", "above", "below", "between", "beside", *TOUCHING]
SOME_THINGS = st.lists(
    st.builds(
        Thing,
        st.sampled_from(["cat", "ant", "car", "giraffe", "house", "balloon"]),
        count=st.integers(1, 4),
        place=st.sampled_from(["", "", "", "left", "top right", "centre"]),
        scale=st.sampled_from([0.5, 1.0, 1.7]),
    ),
    min_size=1,
    max_size=6,
)
SOME_RELATIONS = st.lists(
    st.builds(Relation, st.sampled_from(KINDS), st.integers(0, 5), st.integers(0, 5), st.one_of(st.none(), st.integers(0, 5))), max_size=6
)


@settings(max_examples=300, deadline=None)
@given(SOME_THINGS, SOME_RELATIONS, st.sampled_from(SIZES))
def test_boxes_are_valid_and_counted_whatever_is_said(some: list[Thing], said: list[Relation], size: tuple[int, int]) -> None:
    found = arrange(some, said, size)
    assert all(valid(b) for b in flat(found.boxes))
    assert [len(b) for b in found.boxes] == [t.count for t in some[: len(found.boxes)]]
    assert len(found.z) == len(found.boxes)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["left", "right", "above", "below"]), min_size=1, max_size=5), st.sampled_from(SIZES[:4]))
def test_chains_of_directions_hold(kinds: list[str], size: tuple[int, int]) -> None:
    said = [Relation(kind, i, i + 1) for i, kind in enumerate(kinds)]
    found = arrange([Thing("cat") for _ in range(len(kinds) + 1)], said, size)
    assert all(holds(r, found.boxes) for r in said)
    boxes = flat(found.boxes)
    assert all(overlap(a, b) < 1e-9 for i, a in enumerate(boxes) for b in boxes[:i])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.sampled_from(SIZES))
def test_unrelated_things_never_overlap(numbers: list[int], size: tuple[int, int]) -> None:
    boxes = flat(arrange([Thing("cat", count=n) for n in numbers], size=size).boxes)
    assert all(overlap(a, b) < 1e-9 for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("brief", ["two dogs, one wearing a hat, and a cat between them", "a cat between them", "a cat and a dog between it", "a cat between a dog"])
def test_between_with_an_end_missing_is_still_laid_out(brief: str) -> None:
    parsed = parse(brief)
    assert all(map(valid, flat(arrange(parsed.things, parsed.relations).boxes)))
    half = [Relation("between", i, j) for i in range(len(parsed.things)) for j in range(len(parsed.things))]
    assert all(map(valid, flat(arrange(parsed.things, half).boxes)))


@pytest.mark.parametrize(
    ("places", "kind"),
    [(("left", "right"), "x"), (("right", "left"), "x"), (("top", "bottom"), "y"), (("bottom", "top"), "y"), (("top left", "bottom right"), "xy"), (("bottom left", "top right"), "xy"), (("top left", "top right"), "x")],
)
def test_between_what_has_places_each_stands_at_its_own(places: tuple[str, str], kind: str) -> None:
    things = [Thing("cat", place=places[0]), Thing("dog", place=places[1]), Thing("crown")]
    made = arrange(things, [Relation("between", 2, 0, 1)])
    assert made.notes == []
    (cat,), (dog,), (crown,) = made.boxes
    for (x, y), place in ((_centre(cat), places[0]), (_centre(dog), places[1])):
        assert all({"left": x < 0.4, "right": x > 0.6, "top": y < 0.4, "bottom": y > 0.6}[word] for word in place.split())
    (ax, ay), (bx, by), (x, y) = map(_centre, (cat, dog, crown))
    assert "x" not in kind or min(ax, bx) + 0.1 < x < max(ax, bx) - 0.1
    assert "y" not in kind or min(ay, by) + 0.1 < y < max(ay, by) - 0.1
    assert not any(overlap(a, b) for a, b in ((cat, dog), (cat, crown), (dog, crown)))


def _centre(rect: Rect) -> tuple[float, float]:
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
