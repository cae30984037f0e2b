"""Parts of the doors that need no service: windows of pictures, what doors remember, and what people decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.api import talk, window
from cutwork.api.openai_images import snapped
from cutwork.api.openai_wire import Refusal
from cutwork.api.threads import decisions
from cutwork.domain import CELL, MAX_SIDE, MIN_SIDE, Turn
from cutwork.errors import BadInput
from cutwork.storage.db import open_database
from cutwork.storage.notes import SqlNotes

ASKS = {"action_requests": [{"name": "design", "args": {}, "description": "draw a cat"}]}


def a_turn(**changes: Any) -> Turn:
    return Turn(**{"id": "t1", "session": "s1", "number": 1, "status": "waiting", "question": ASKS, "created": "2026-11-29T00:00:00Z"} | changes)


# -------------------------------------------------------------------------------------------------------------- windows


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 900), height=st.integers(1, 900), data=st.data())
def test_a_window_holds_all_that_may_change_and_brings_back_nothing_else(width: int, height: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    may_change = np.zeros((height, width), bool)
    may_change[y0:y1, x0:x1] = True
    picture = np.random.default_rng(width * height).integers(0, 255, (height, width, 3), np.uint8)
    place = window.around(may_change, 256)
    assert place.left <= x0 < x1 <= place.left + place.width <= width
    assert place.top <= y0 < y1 <= place.top + place.height <= height
    assert all(MIN_SIDE <= side <= MAX_SIDE and side % CELL == 0 for side in place.canvas)
    assert max(place.canvas) <= 384
    cut, area = place.cut(picture), place.area(may_change)
    assert cut.shape[1::-1] == area.shape[::-1] == place.canvas
    assert (area == 255).any()
    after = window.merged(picture, 255 - cut, may_change, place)
    assert (after[~may_change] == picture[~may_change]).all()
    if not place.scaled:
        assert (after[may_change] == 255 - picture[may_change]).all()
    assert window.frozen(after, may_change) == window.frozen(picture, may_change)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 40)] * 4), st.integers(0, 10_000))
def test_no_pixel_that_may_change_is_lost_on_the_way_to_the_canvas(sizes: tuple[int, int, int, int], seed: int) -> None:
    height, width, high, wide = sizes
    mask = np.random.default_rng(seed).random((height, width)) < 0.1
    fine = np.kron(mask, np.ones((high, wide), bool))  # every pixel of either is whole in it
    wanted = fine.reshape(high, height, wide, width).any((1, 3))
    assert (window._any_of(mask, (wide, high)) == wanted).all()


def test_nothing_that_may_change_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing may change"):
        window.around(np.zeros((8, 8), bool), 256)


def test_a_plan_is_moved_into_what_may_change() -> None:
    area = np.zeros((100, 100), np.uint8)
    area[50:100, 20:60] = 255
    placed = window.placed(a_plan(), area)
    boxes = [region.box for region in placed.regions]
    assert [min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)] == pytest.approx([0.224, 0.53, 0.576, 0.97])
    assert boxes[0].x1 < boxes[1].x0
    assert window.placed(a_plan(subjects=(), regions=()), area).regions == ()


@pytest.mark.parametrize(("colour", "name"), [((130, 70, 200), "purple"), ((240, 240, 238), "white"), ((40, 120, 60), "green")])
def test_plain_surroundings_have_a_colour(colour: tuple[int, int, int], name: str) -> None:
    canvas, area = np.full((128, 128, 3), colour, np.uint8), np.zeros((128, 128), np.uint8)
    area[40:80, 40:80] = 255
    canvas[area > 0] = 0
    assert window.plain_around(canvas, area) == name
    canvas[:, ::2] = 255 - canvas[:, ::2]
    assert window.plain_around(canvas, area) is None
    assert window.plain_around(canvas, np.full_like(area, 255)) is None


# ---------------------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(("size", "drawn"), [("auto", None), (None, None), ("", None), ("256x256", "256x256"), ("250X300", "256x304"), ("64×65", "64x64")])
def test_sizes_are_read(size: str | None, drawn: str | None) -> None:
    assert snapped(size)[0] == drawn


@pytest.mark.parametrize("size", ["1024", "x", "63x64", "64x2049", "1e3x64", "-64x64", "64x64x64", "９９x64"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(Refusal, match="size"):
        snapped(size)


# ---------------------------------------------------------------------------------------------------------------- notes


def test_doors_remember_for_each_tenant(migrated: Path) -> None:
    engine = open_database(f"sqlite:///{migrated}")
    chats, threads = SqlNotes(engine, "chat"), SqlNotes(engine, "thread")
    chats.put("ann", "x", {"session": "1"})
    chats.put("ann", "x", {"session": "2"})
    chats.put("ann", "y", {"session": "3"})
    chats.put("bob", "x", {"session": "4"})
    assert chats.get("ann", "x") == {"session": "2"}
    assert [note.name for note in chats.all("ann")] == ["y", "x"]
    assert threads.get("ann", "x") is None
    chats.drop("ann", "x")
    chats.drop("ann", "x")
    assert [chats.get(tenant, "x") for tenant in ("ann", "bob")] == [None, {"session": "4"}]
    engine.dispose()


# ------------------------------------------------------------------------------------------------------------ decisions


@pytest.mark.parametrize(
    ("resume", "decided"),
    [
        (True, [{"type": "approve"}]),
        ("accept", [{"type": "approve"}]),
        ({"decisions": [{"type": "approve"}]}, [{"type": "approve"}]),
        ([{"type": "reject", "message": "no"}], [{"type": "reject", "message": "no"}]),
        ({"t1": {"type": "approve"}}, [{"type": "approve"}]),
        ("make it blue", [{"type": "reject", "message": "make it blue"}]),
        (False, [{"type": "reject"}]),
        ([{"type": "accept", "args": None}], [{"type": "approve"}]),
        ([{"type": "response", "args": "make it blue"}], [{"type": "reject", "message": "make it blue"}]),
        ([{"type": "edit", "args": {"action": "design", "args": {"brief": "a dog"}}}], [{"type": "edit", "edited_action": {"name": "design", "args": {"brief": "a dog"}}}]),
    ],
)
def test_what_resumes_a_thread_is_a_decision(resume: Any, decided: list[Any]) -> None:
    assert decisions(resume, a_turn()) == decided


@pytest.mark.parametrize("resume", [7, [], [1], {"x": 1}, [{"kind": "approve"}]])
def test_what_decides_nothing_is_refused(resume: Any) -> None:
    with pytest.raises(BadInput, match="resume is"):
        decisions(resume, a_turn())


def test_words_decide_what_waits() -> None:
    two = {"action_requests": ASKS["action_requests"] * 2}
    assert talk.decided(a_turn(question=two), "yes") == [{"type": "approve"}] * 2
    assert talk.decided(a_turn(), "the cat should be red") == [{"type": "reject", "message": "the cat should be red"}]
    assert talk.in_words(a_turn()) == f"{talk.ASKS}\n\n- draw a cat"
