"""Sessions: a tree of turns over the design graph, kept in the database, that loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.schemas import AssistantAnswer, CallAnswer
from cutwork.domain import Ask, Call, Critique, Json, Turn
from cutwork.errors import BadInput, Cancelled, StorageFailed
from cutwork.graphs.fakes import FakeDrawing
from cutwork.graphs.session import Company, Done, Heard, begun, compile, read_decisions
from cutwork.sessions import Sessions
from cutwork.studio import Studio
from cutwork.tools.masks.measure import tight_box
from cutwork.tools.pixels import decode, encode
from cutwork.wiring import Wired

BRIEF = "a cat and a rocket on a purple background"


class Killed(BaseException):
    """What kill -9 is to a process."""


def studio(home: Path, **settings: Any) -> Studio:
    made = Studio(home=home, **{"llm": "offline", "steps": 2, "rounds": 1, **settings})
    made.wired.__dict__["drawing"] = FakeDrawing(made.wired.blobs, model=made.settings.model)
    return made


@pytest.fixture
def sessions(home: Path) -> Sessions:
    return Sessions(studio(home))


@pytest.fixture
def id(sessions: Sessions) -> str:
    return sessions.create().id


def drawn(sessions: Sessions) -> int:
    drawing = sessions.studio.wired.drawing
    assert isinstance(drawing, FakeDrawing)
    return len(drawing.renders)


def picture(sessions: Sessions, turn: Turn) -> np.ndarray:
    best = sessions.studio.show(str(turn.design)).delivered
    assert best is not None
    return decode(sessions.studio.wired.blobs.get(best.render.image), "RGB")


def plan_of(sessions: Sessions, turn: Turn) -> Any:
    best = sessions.studio.show(str(turn.design)).delivered
    assert best is not None
    return best.shot.plan


def boxes(sessions: Sessions, turn: Turn) -> dict[str, list[float]]:
    return {r.subject: list(r.box.root) for r in plan_of(sessions, turn).regions}


# what is said is done


def test_the_first_message_is_a_brief(sessions: Sessions, id: str) -> None:
    turn = sessions.say(id, BRIEF)
    assert (turn.status, turn.number, turn.parent) == ("done", 1, None)
    assert turn.calls == (Call(tool="design", args={"brief": BRIEF}),)
    assert turn.cost.drawn == 1
    assert sessions.get(id).head == turn.id
    assert sessions.get(id).title == BRIEF
    assert [s.noun for s in plan_of(sessions, turn).subjects] == ["cat", "rocket"]
    assert "a cat, a rocket" in turn.reply


def test_a_resized_subject_leaves_all_else_as_it_was(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    second = sessions.say(id, "make the cat bigger")
    assert second.status == "done", second.error
    assert second.parent == first.id
    assert second.changes == ("cat: 1.3 times as large",)
    assert second.area is not None
    assert second.frozen is not None
    x0, y0, x1, y1 = second.area.pixels(256, 256)
    outside = np.ones((256, 256), bool)
    outside[y0:y1, x0:x1] = False
    assert (picture(sessions, first) == picture(sessions, second))[outside].all()
    assert (picture(sessions, first) != picture(sessions, second)).any()
    rockets = [next(c.image for c in sessions.studio.show(str(t.design)).delivered.cutouts if c.subject == "rocket") for t in (first, second)]  # type: ignore[union-attr]
    assert rockets[0] == rockets[1], "an unchanged subject keeps its cut-out"
    seeds = {sessions.studio.show(str(t.design)).delivered.shot.seed for t in (first, second)}  # type: ignore[union-attr]
    assert len(seeds) == 1


def test_edits_said_together_are_drawn_together(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    turn = sessions.say(id, "make the cat bigger and move the rocket left")
    assert [c.tool for c in turn.calls] == ["resize", "move"]
    assert turn.cost.drawn == 1
    assert drawn(sessions) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "pictures"),
    [
        ("make it a half-drop in 4 colours", 0), ("make it a meme saying 'MONDAY'", 0), ("remove the rocket", 0), ("lock the cat", 0), ("undo", 0), ("why is the cat cut off?", 0),
        ("looks good", 0), ("export as psd", 0), ("what is this", 0), ("replace the cat with a fox", 1), ("make the cat blue", 1), ("add a small star top left", 1),
        ("what if the background were teal", 1), ("try another cat", 1), ("again with another seed", 1), ("in watercolor style", 1),
    ],
)  # fmt: skip
def test_only_what_must_be_drawn_is_drawn(sessions: Sessions, id: str, words: str, pictures: int) -> None:
    sessions.say(id, BRIEF)
    turn = sessions.say(id, words)
    assert turn.status == "done", turn.error
    assert turn.cost.drawn == pictures
    assert drawn(sessions) == 1 + pictures


def test_another_try_is_of_whom_was_spoken(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    cuts = {c.subject: c.image for c in sessions.studio.show(str(first.design)).delivered.cutouts}  # type: ignore[union-attr]
    for words, anew in (("the cat looks odd, try it again", {"cat"}), ("redo the rocket", {"rocket"}), ("redo the background", set()), ("try again", {"cat", "rocket"})):
        turn = sessions.say(id, words)
        assert (turn.status, turn.cost.drawn) == ("done", 1), turn.error
        assert (turn.frozen is None) == (words == "try again"), turn.changes
        now = {c.subject: c.image for c in sessions.studio.show(str(turn.design)).delivered.cutouts}  # type: ignore[union-attr]
        assert {who for who, image in now.items() if image != cuts[who]} == anew
        sessions.go_to(id, first.id)


def test_the_same_edit_twice_is_drawn_once(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    one = sessions.say(id, "replace the cat with a fox")
    sessions.say(id, "undo")
    two = sessions.say(id, "the cat should be a fox, keep the rest")
    assert drawn(sessions) == 2
    assert two.design == one.design
    assert two.cost.drawn == 0
    assert two.parent == one.parent


def test_calls_need_no_words(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    turn = sessions.say(id, calls=[Call(tool="move", args={"subject": "rocket", "box": [0.05, 0.05, 0.45, 0.4]})])
    assert turn.status == "done", turn.error
    assert boxes(sessions, turn)["rocket"] == [0.05, 0.05, 0.45, 0.4]


def test_locked_subjects_stay_whatever_is_asked(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    locked = sessions.say(id, "lock the cat")
    assert locked.locks == ("cat",)
    assert locked.design == first.design
    refused = sessions.say(id, "make the cat bigger")
    assert refused.status == "done"
    assert "locked" in refused.reply
    assert refused.design == first.design
    assert sessions.get(id).head == locked.id
    again = sessions.say(id, "again with another seed")
    mask = decode(sessions.studio.wired.blobs.get(next(c.mask for c in sessions.studio.show(str(first.design)).delivered.cutouts if c.subject == "cat")), "L")  # type: ignore[union-attr]
    inner = np.zeros_like(mask, bool)
    inner[1:-1, 1:-1] = (mask[1:-1, 1:-1] > 127) & (mask[:-2, 1:-1] > 127) & (mask[2:, 1:-1] > 127) & (mask[1:-1, :-2] > 127) & (mask[1:-1, 2:] > 127)
    assert (picture(sessions, first) == picture(sessions, again))[inner].all()
    assert (picture(sessions, first) != picture(sessions, again)).any()


def test_layers_that_lie_apart_are_reordered_without_drawing(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    turn = sessions.say(id, calls=[Call(tool="move", args={"subject": "cat", "z": "front"})])
    assert (turn.status, turn.changes, turn.cost.drawn) == ("done", ("cat: moved to the front",), 0), turn.error
    assert (picture(sessions, first) == picture(sessions, turn)).all()
    assert [r.subject for r in sorted(plan_of(sessions, turn).regions, key=lambda r: r.z)] == ["rocket", "cat"]
    back = sessions.say(id, "send the cat to the back")
    assert [r.subject for r in sorted(plan_of(sessions, back).regions, key=lambda r: r.z)] == ["cat", "rocket"]
    assert drawn(sessions) == 1


def test_who_comes_to_the_front_is_seen_where_others_lay_over_it(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    boxes = {"cat": [0.1, 0.3, 0.6, 0.8], "rocket": [0.4, 0.3, 0.9, 0.8]}
    over = sessions.say(id, calls=[Call(tool="move", args={"subject": who, "box": box}) for who, box in boxes.items()])
    both = np.zeros((256, 256), bool)
    both[110:170, 115:140] = True
    turn = sessions.say(id, "bring the cat to the front")
    assert turn.status == "done", turn.error
    assert turn.frozen is not None
    old, new = picture(sessions, over), picture(sessions, turn)
    assert (old != new).any(-1)[both].all()
    assert (new[140, 128] == old[140, 60]).all(), "it has the cat's colour"
    assert (new[140, 200] == old[140, 200]).all()
    again = sessions.say(id, calls=[Call(tool="lock", args={"subject": "rocket"}), Call(tool="move", args={"subject": "rocket", "z": "front"})])
    assert "locked" in again.reply


def test_a_free_form_area_is_given_to_a_subject(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    mask = np.zeros((512, 512), np.uint8)
    mask[20:150, 20:80] = mask[20:60, 20:480] = 255
    sha256 = sessions.studio.wired.blobs.put(encode(mask))
    for args in ({"tool": "move", "args": {"subject": "cat", "mask": sha256}}, {"tool": "change_subject", "args": {"subject": "rocket", "phrase": "a kite", "mask": sha256}}, {"tool": "add", "args": {"phrase": "a star", "mask": sha256}}):
        turn = sessions.say(id, calls=[Call.model_validate(args)])
        assert turn.status == "done", turn.error
        assert turn.frozen is not None
        assert turn.calls == (Call.model_validate(args),), "it is kept as it was asked for"
        (region,) = [r for r in plan_of(sessions, turn).regions if r.mask]
        assert region.box.root == pytest.approx((20 / 512, 20 / 512, 480 / 512, 150 / 512), abs=0.01)
        assert region.mask in sessions.studio.wired.designs.blobs(), "it is kept for as long as the design"
        sessions.go_to(id, first.id)
    sessions.say(id, calls=[Call(tool="move", args={"subject": "cat", "mask": sha256})])
    turn = sessions.say(id, "move the cat to the bottom right")
    assert turn.status == "done", turn.error
    (region,) = [r for r in plan_of(sessions, turn).regions if r.mask]
    area = decode(sessions.studio.wired.blobs.get(region.mask), "L") > 127
    assert tight_box(area).root == pytest.approx(region.box.root, abs=0.02), "it goes with its subject"  # type: ignore[union-attr]
    assert area.mean() == pytest.approx((mask > 0).mean(), rel=0.15)
    sessions.go_to(id, first.id)
    wrong = sessions.say(id, calls=[Call(tool="move", args={"subject": "cat", "mask": "0" * 64})])
    assert (wrong.status, sessions.get(id).head) == ("failed", first.id)
    assert "no mask" in str(wrong.error)


# the tree


def test_undo_redo_and_branches(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    bigger = sessions.say(id, "make the cat bigger")
    undone = sessions.say(id, "undo")
    assert undone.design == first.design
    assert sessions.get(id).head == first.id
    teal = sessions.say(id, "make the background teal")
    assert teal.parent == first.id
    sessions.say(id, "undo")
    assert sessions.say(id, "redo").design == teal.design, "redo goes where one stood last"
    back = sessions.say(id, f"go back to take {bigger.number}")
    assert back.design == bigger.design
    assert sessions.get(id).head == bigger.id
    with pytest.raises(BadInput, match="nothing to redo"):
        sessions.redo(id)
    assert sessions.undo(id, 2).head is None
    assert sessions.redo(id, 2).head == bigger.id
    nothing = sessions.say(id, "undo twice")
    assert nothing.design is None
    told = sessions.say(id, calls=[Call(tool="undo")])
    assert told.status == "failed"
    assert "nothing to undo" in str(told.error)


def test_pieces_of_several_takes_are_put_together(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    fox = sessions.say(id, "replace the cat with a fox")
    sessions.say(id, "make the background teal")
    count = drawn(sessions)
    turn = sessions.say(id, f"the cat from take {first.number}, the background from take {first.number}")
    assert turn.status == "done", turn.error
    assert drawn(sessions) == count
    assert [s.id for s in plan_of(sessions, turn).subjects] == ["cat", "rocket"]
    assert plan_of(sessions, turn).background == plan_of(sessions, first).background
    cats = [next(c.image for c in sessions.studio.show(str(t.design)).delivered.cutouts if c.subject == "cat") for t in (first, turn)]  # type: ignore[union-attr]
    assert cats[0] == cats[1]
    assert fox.design != turn.design


def elsewhere(sessions: Sessions, id: str) -> tuple[Turn, Turn]:
    """A cat in its first place, and the same session with it in another, smaller and of other proportions."""
    first = sessions.say(id, BRIEF)
    sessions.say(id, "the cat should be a fox")
    return first, sessions.say(id, calls=[Call(tool="move", args={"subject": "fox", "box": [0.02, 0.02, 0.3, 0.22]})])


def test_a_subject_of_another_take_stands_where_it_stands_now(sessions: Sessions, id: str) -> None:
    first, moved = elsewhere(sessions, id)
    count = drawn(sessions)
    turn = sessions.say(id, f"the cat from take {first.number}")
    assert (turn.status, turn.cost.drawn, drawn(sessions)) == ("done", 0, count), turn.error
    assert boxes(sessions, turn) == {"cat": boxes(sessions, moved)["fox"], "rocket": boxes(sessions, moved)["rocket"]}
    assert turn.frozen is not None
    old, new = picture(sessions, moved), picture(sessions, turn)
    best = sessions.studio.show(str(turn.design)).delivered
    assert best is not None
    assert best.shot.keep is not None
    area = decode(sessions.studio.wired.blobs.get(best.shot.keep.area), "L") > 127
    assert (old == new).all(-1)[~area].all()
    (cat,) = [c for c in best.cutouts if c.subject == "cat"]
    (was,) = [c for c in sessions.studio.show(str(first.design)).delivered.cutouts if c.subject == "cat"]  # type: ignore[union-attr]
    assert cat.box is not None
    assert was.box is not None
    assert cat.box.width / cat.box.height == pytest.approx(was.box.width / was.box.height, rel=0.05), "its proportions are kept"
    assert cat.box.height == pytest.approx(0.2, abs=0.02), "as large as fits"
    assert (decode(sessions.studio.wired.blobs.get(cat.mask), "L") > 127).sum() / 256**2 == pytest.approx(cat.receipt.coverage, abs=1e-3)
    assert best.render.attended[0].box == cat.receipt.attended.box
    again = sessions.say(id, "make it bigger")
    assert again.status == "done", again.error


def test_a_subject_of_another_take_comes_behind_whom_it_stands_behind(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    box = boxes(sessions, first)["cat"]
    sessions.say(id, "the cat should be a fox")
    over = sessions.say(id, calls=[Call(tool="move", args={"subject": "rocket", "box": [box[0] + 0.1, box[1], box[2] + 0.1, box[3]]})])
    turn = sessions.say(id, f"the cat from take {first.number}")
    assert turn.status == "done", turn.error
    assert {r.z for r in plan_of(sessions, turn).regions} == {0}, "of equals the later one is nearer"
    (rocket,) = [c for c in sessions.studio.show(str(over.design)).delivered.cutouts if c.subject == "rocket"]  # type: ignore[union-attr]
    mask = decode(sessions.studio.wired.blobs.get(rocket.mask), "L") > 127
    assert (picture(sessions, turn) == picture(sessions, over))[mask].all()


def test_a_subject_of_another_take_stands_where_it_stood_if_that_is_said(sessions: Sessions, id: str) -> None:
    first, _ = elsewhere(sessions, id)
    turn = sessions.say(id, f"the cat from take {first.number}, where it was")
    assert turn.status == "done", turn.error
    assert boxes(sessions, turn)["cat"] == boxes(sessions, first)["cat"]
    cats = [next(c.image for c in sessions.studio.show(str(t.design)).delivered.cutouts if c.subject == "cat") for t in (first, turn)]  # type: ignore[union-attr]
    assert cats[0] == cats[1]
    assert turn.changes == (f"the cat of take {first.number}, where it stood then",)


def test_pictures_of_other_sizes_are_not_put_together(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    sessions.say(id, calls=[Call(tool="design", args={"brief": "a cat and a dog", "size": "128x128"})])
    for what in ("cat", "background"):
        turn = sessions.say(id, calls=[Call(tool="take", args={"what": what, "turn": 1})])
        assert turn.status == "failed"
        assert "size" in str(turn.error)


def test_a_subjects_own_history(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    sessions.say(id, "move the rocket up")
    fox = sessions.say(id, "replace the cat with a fox")
    sessions.say(id, "lock the rocket")
    assert [t.id for t in sessions.history(id, "fox")] == [first.id, fox.id]
    assert len(sessions.history(id, "rocket")) == 2
    with pytest.raises(BadInput, match="no subject 'zebra'"):
        sessions.history(id, "zebra")


def test_takes_are_compared(sessions: Sessions, id: str) -> None:
    a, b = sessions.say(id, BRIEF), sessions.say(id, "move the rocket to the top left")
    found = sessions.compare(id, a.id, b.id)
    assert found["differences"] == ["the rocket went from the right to the top left"]
    assert 0 < found["changed"] < 1
    told = sessions.say(id, "compare take 1 and 2")
    assert "the rocket went" in told.reply
    assert told.design == b.design
    assert sessions.get(id).head == b.id


# it survives


def test_all_of_it_survives_a_restart(sessions: Sessions, id: str, home: Path) -> None:
    sessions.say(id, BRIEF)
    sessions.say(id, "lock the cat")
    later = Sessions(studio(home))
    assert later.turns(id) == sessions.turns(id)
    turn = later.say(id, "move the rocket up")
    assert turn.locks == ("cat",)
    assert turn.number == 3


@pytest.mark.parametrize("node", ["render", "cut", "finish"])
def test_a_turn_that_was_killed_is_begun_again_and_draws_nothing_twice(sessions: Sessions, id: str, home: Path, node: str) -> None:
    sessions.say(id, BRIEF)

    def die(kind: str, data: Json) -> None:
        if kind == "node" and data["node"] == node:
            raise Killed

    with pytest.raises(Killed):
        sessions.say(id, "replace the cat with a fox", turn="turn-2", on_event=die)
    before = drawn(sessions)
    later = Sessions(studio(home))
    turn = later.say(id, "replace the cat with a fox", turn="turn-2")
    assert turn.status == "done", turn.error
    assert drawn(later) == (1 if node == "render" else 0)
    assert before == (1 if node == "render" else 2)
    assert turn.cost.drawn == 1
    assert later.say(id, "anything", turn="turn-2") == turn, "a turn that is done stays as it is"
    assert [t.id for t in later.turns(id)][1:] == ["turn-2"]


def test_a_turn_that_fails_loses_nothing(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sessions.say(id, BRIEF)

    def full(*args: object, **kwargs: object) -> None:
        raise StorageFailed("the disk is full", "make room")

    with monkeypatch.context() as broken:
        broken.setattr(FakeDrawing, "render", full)
        with pytest.raises(StorageFailed):
            sessions.say(id, "replace the cat with a fox", turn="two")
    failed = sessions.turn(id, "two")
    assert failed.status == "failed"
    assert "the disk is full" in str(failed.error)
    assert sessions.get(id).head == first.id
    again = sessions.say(id, "replace the cat with a fox", turn="two")
    assert again.status == "done"
    assert sessions.get(id).head == "two"


def test_a_pixel_that_changes_outside_fails_the_turn(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sessions.say(id, BRIEF)
    kept = FakeDrawing._kept

    def careless(self: FakeDrawing, shot: Any, image: Any) -> Any:
        made = kept(self, shot, image)
        made.putpixel((255, 0), (1, 2, 3))
        return made

    monkeypatch.setattr(FakeDrawing, "_kept", careless)
    turn = sessions.say(id, "replace the cat with a fox")
    assert turn.status == "failed"
    assert "1 pixels changed outside" in str(turn.error)
    assert sessions.get(id).head == first.id


def test_a_turn_can_be_stopped_and_gone_on_with(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    with pytest.raises(Cancelled):
        sessions.say(id, "replace the cat with a fox", turn="two", cancelled=lambda: True)
    assert sessions.turn(id, "two").status == "cancelled"
    assert sessions.get(id).head == first.id
    assert sessions.say(id, "replace the cat with a fox", turn="two").status == "done"


def test_one_turn_of_a_session_at_a_time(sessions: Sessions, id: str) -> None:
    refused: list[str] = []

    def barge_in(kind: str, data: Json) -> None:
        if kind == "node" and not refused:
            with pytest.raises(BadInput, match="worked on by another") as caught:
                sessions.say(id, "undo")
            refused.append(str(caught.value))

    assert sessions.say(id, BRIEF, on_event=barge_in).status == "done"
    assert refused


# a person is asked


def asking(home: Path) -> tuple[Sessions, str]:
    made = Sessions(studio(home))
    return made, made.create(approve=True).id


def test_a_plan_is_shown_before_it_is_drawn(home: Path) -> None:
    sessions, id = asking(home)
    first = sessions.say(id, BRIEF)
    assert first.status == "waiting"
    assert first.question is not None
    (action,) = first.question["action_requests"]
    assert action["name"] == "design"
    assert [s["noun"] for s in action["args"]["plan"]["subjects"]] == ["cat", "rocket"]
    assert first.question["review_configs"] == [{"action_name": "design", "allowed_decisions": ["approve", "edit", "reject"]}]
    assert drawn(sessions) == 0
    later = Sessions(studio(home))
    done = later.answer(id, first.id, [{"type": "approve"}])
    assert done.status == "done"
    assert (drawn(later), done.question) == (1, None)
    asked = later.say(id, "make the cat bigger")
    assert asked.question is not None
    assert asked.question["action_requests"][0]["description"] == "cat: 1.3 times as large"
    no = later.answer(id, asked.id, [{"type": "reject", "message": "it is fine"}])
    assert no.status == "done"
    assert no.design == done.design
    assert "it is fine" in no.reply
    assert drawn(later) == 1


def test_what_comes_with_a_no_is_asked_instead(home: Path) -> None:
    sessions, id = asking(home)
    sessions.answer(id, sessions.say(id, BRIEF).id, [{"type": "approve"}])
    asked = sessions.say(id, "remove the cat and make the rocket bigger")
    assert asked.question is not None
    count = len(asked.question["action_requests"])
    assert count == 2
    again = sessions.answer(id, asked.id, [{"type": "reject", "message": "make the cat smaller"}] * count)
    assert again.status == "waiting"
    assert again.question is not None
    assert [one["name"] for one in again.question["action_requests"]] == ["resize"]
    done = sessions.answer(id, again.id, [{"type": "approve"}])
    assert done.status == "done"
    assert done.changes[-1].startswith("cat: 0.77 times as large")
    assert drawn(sessions) == 2


@pytest.mark.parametrize("remark", ["", "wibble the flobber", "it is fine", "looks good as it is"])
def test_a_remark_that_comes_with_a_no_asks_for_nothing(home: Path, remark: str) -> None:
    sessions, id = asking(home)
    first = sessions.answer(id, sessions.say(id, BRIEF).id, [{"type": "approve"}])
    no = sessions.answer(id, sessions.say(id, "make the cat bigger").id, [{"type": "reject", "message": remark}])
    assert (no.status, no.design) == ("done", first.design)
    assert "was not done, as you decided" in no.reply
    assert "understand" not in no.reply


def test_an_action_can_be_edited_before_it_is_done(home: Path) -> None:
    sessions, id = asking(home)
    sessions.answer(id, sessions.say(id, BRIEF).id, [{"type": "approve"}])
    asked = sessions.say(id, "make the cat bigger")
    with pytest.raises(BadInput, match="no 'dog'"):
        sessions.answer(id, asked.id, [{"type": "edit", "edited_action": {"name": "resize", "args": {"subject": "dog", "scale": 0.5}}}])
    with pytest.raises(BadInput, match="1 decisions are wanted"):
        sessions.answer(id, asked.id, [])
    assert sessions.turn(id, asked.id).status == "waiting"
    done = sessions.answer(id, asked.id, [{"type": "edit", "edited_action": {"name": "resize", "args": {"subject": "cat", "scale": 0.5}}}])
    assert done.calls == (Call(tool="resize", args={"subject": "cat", "scale": 0.5}),)
    assert done.changes == ("cat: 0.58 times as large, which is as small as can be drawn",)


def test_a_fork_asks_anew(home: Path) -> None:
    sessions, id = asking(home)
    first = sessions.answer(id, sessions.say(id, BRIEF).id, [{"type": "approve"}])
    yes = sessions.answer(id, sessions.say(id, "make the cat bigger").id, [{"type": "approve"}])
    sessions.go_to(id, first.id)
    again = sessions.say(id, "make the cat bigger")
    assert again.status == "waiting"
    no = sessions.answer(id, again.id, [{"type": "reject", "message": "no"}])
    assert no.design == first.design != yes.design
    with pytest.raises(BadInput, match="does not wait"):
        sessions.answer(id, yes.id, [{"type": "reject", "message": "no"}])


class Told:
    """A `Talk` that notes what it is asked to do."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def hear(self, words: str, results: Any, now: Json) -> Heard:
        return Heard(() if results else (Call(tool="resize", args={"subject": "cat", "scale": 2}),))

    def proposal(self, calls: Any, results: Any, now: Json) -> Json | None:
        return {"action_requests": [{"name": c.tool, "args": c.args, "description": ""} for c in calls], "review_configs": []}

    def act(self, calls: Any, results: Any, now: Json, answers: Json) -> Done:
        self.done += [c.tool for c in calls]
        return Done((*results, *({"tool": c.tool, "args": c.args, "ok": True, "told": "done"} for c in calls)), now)

    def finish(self, state: Any) -> None:
        self.done.append("said")


def test_a_forked_interrupt_never_replays_an_old_answer() -> None:
    app, config, talk = compile(InMemorySaver()), {"configurable": {"thread_id": "t"}}, Told()
    asked = app.invoke(begun("bigger", (), {}), config, context=Company(talk))  # type: ignore[arg-type]
    assert asked["__interrupt__"]
    past = app.get_state(config).config  # type: ignore[arg-type]
    app.invoke(Command(resume=[{"type": "approve"}]), config, context=Company(talk))  # type: ignore[arg-type]
    assert talk.done == ["resize", "said"]
    fork = app.update_state(past, None)
    again = app.invoke(None, fork, context=Company(talk))  # type: ignore[arg-type]
    assert again["__interrupt__"], "the fork asks anew"
    app.invoke(Command(resume=[{"type": "reject", "message": "no"}]), fork, context=Company(talk))  # type: ignore[arg-type]
    assert talk.done == ["resize", "said", "said"]


@pytest.mark.parametrize(
    ("value", "count", "kinds"),
    [([{"type": "approve"}], 1, ["approve"]), ({"decisions": [{"type": "reject"}]}, 1, ["reject"]), (True, 2, ["approve"] * 2), ("not so", 1, ["reject"]), ({"type": "approve"}, 1, ["approve"])],
)
def test_decisions_come_in_several_forms(value: Any, count: int, kinds: list[str]) -> None:
    assert [d["type"] for d in read_decisions(value, count)] == kinds


@pytest.mark.parametrize("value", [[], [{"type": "maybe"}], 7, [{"type": "approve"}] * 2, [None]])
def test_decisions_that_cannot_be_are_refused(value: Any) -> None:
    with pytest.raises(BadInput):
        read_decisions(value, 1)


def test_a_pictures_own_question_is_passed_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([Critique(score=0.1, verdict="repair", repairs=(Ask(question="is that a cat?"),)), Critique(score=0.9, verdict="accept")])
    monkeypatch.setattr("cutwork.graphs.design.criticise", lambda *args, **kwargs: next(said))
    sessions = Sessions(studio(home, rounds=3))
    id = sessions.create(approve=True).id
    asked = sessions.answer(id, sessions.say(id, BRIEF).id, [{"type": "approve"}])
    assert asked.status == "waiting"
    assert asked.question is not None
    (action,) = asked.question["action_requests"]
    assert (action["name"], action["description"]) == ("approve", "is that a cat?")
    done = sessions.answer(id, asked.id, [{"type": "approve"}])
    assert done.status == "done"
    assert drawn(sessions) == 1


# with a language model, and with the embedded one


def test_a_language_model_calls_tools_until_nothing_is_left(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.say(id, BRIEF)
    llm = ScriptedLlm(
        AssistantAnswer(calls=[CallAnswer(tool="resize", subject="the cat", scale=0.5)]), AssistantAnswer(calls=[CallAnswer(tool="move", subject="rocket", where="up")]), AssistantAnswer(say="Kleiner, und hoch.")
    )
    monkeypatch.setattr(type(sessions.studio.wired), "llm", lambda self, on_call=None, name=None: llm)
    turn = sessions.say(id, "die Katze kleiner, die Rakete hoch")
    assert [c.tool for c in turn.calls] == ["resize", "move"]
    assert turn.reply.startswith("Kleiner, und hoch.")
    assert turn.cost.drawn == 2
    assert "0.58 times as large" in llm.prompts[1].variables["results"]


@pytest.mark.slow
def test_the_embedded_model_edits_a_part_and_leaves_the_rest(home: Path, tmp_path: Path) -> None:
    sessions = Sessions(Studio(home=home, llm="offline", steps=3, rounds=1, early_verdict=False))
    id = sessions.create().id
    first = sessions.say(id, calls=[Call(tool="design", args={"brief": BRIEF, "seed": 7, "size": "128x128"})])
    assert first.status == "done", first.error
    for words in ("the cat should be a fox", "move the rocket up", "remove the rocket"):
        turn = sessions.say(id, words)
        assert turn.status == "done", turn.error
        assert turn.frozen is not None, turn.reply
        edited = sessions.studio.show(str(turn.design))
        for source in (edited.id, sessions.studio.deliver(edited, tmp_path / edited.id)["image"]):
            again = sessions.studio.rerun(source)
            assert again.delivered is not None
            assert edited.delivered is not None
            assert [c.mask for c in again.delivered.cutouts] == [c.mask for c in edited.delivered.cutouts]
            assert again.status == edited.status
    teal = sessions.say(id, "make the background teal")
    assert teal.status == "done", teal.error
    assert np.abs(picture(sessions, teal)[0, 0].astype(int) - picture(sessions, first)[0, 0]).max() > 30
    again = sessions.studio.rerun(str(teal.design))
    assert (decode(sessions.studio.wired.blobs.get(again.delivered.render.image), "RGB") == picture(sessions, teal)).all()  # type: ignore[union-attr]


# at the terminal


def test_a_talk_can_be_piped(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from cutwork.cli import app

    monkeypatch.setenv("CUTWORK_HOME", str(home))
    monkeypatch.setattr(Wired, "drawing", property(lambda self: FakeDrawing(self.blobs, model="mini")))
    said = f"hello\n{BRIEF}\nmake the cat bigger\n/undo\nexport as svg\n/turns\nwibble\n"
    done = CliRunner().invoke(app, ["chat", "--steps", "2", "--rounds", "1", "--seed", "7", "--out", str(tmp_path / "out")], input=said)
    assert done.exit_code == 0, done.output
    assert "2. Here is your design" in done.stdout
    assert "3. Cat: 1.3 times as large." in done.stdout
    assert "I did not understand that." in done.stdout
    assert (tmp_path / "out" / "3" / "image.png").is_file()
    assert (tmp_path / "out" / "4" / "design.svg").is_file()
    (found,) = json.loads(CliRunner().invoke(app, ["sessions", "--json"]).stdout)
    assert (found["title"], found["turns"]) == (BRIEF, 5)
    assert json.loads(CliRunner().invoke(app, ["sessions", "--delete", found["id"], "--json"]).stdout) == {"deleted": [found["id"]]}
    assert json.loads(CliRunner().invoke(app, ["sessions", "--json"]).stdout) == []


# housekeeping


def test_what_an_edit_keeps_is_kept_for_it(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    turn = sessions.say(id, "make the cat bigger")
    shot = sessions.studio.show(str(turn.design)).rounds[0].shot
    assert shot.keep is not None
    assert {shot.keep.image, shot.keep.area} <= sessions.studio.wired.designs.blobs()
    assert sessions.studio.rerun(str(turn.design)).rounds[0].shot == shot



def test_sessions_are_listed_newest_first_and_by_owner(sessions: Sessions) -> None:
    made = [sessions.create(title=f"{n}", owner="ann" if n % 2 else "bob").id for n in range(6)]
    assert [s.id for s in sessions.list(owner="ann")] == made[1::2][::-1]
    page = sessions.list(owner="bob", limit=2)
    assert [s.id for s in (*page, *sessions.list(owner="bob", limit=2, after=page[-1].id))] == made[0::2][::-1]
    assert sessions.change(made[0], title="other", approve=True).approve
    sessions.delete(made[0])
    with pytest.raises(BadInput, match="no session"):
        sessions.get(made[0])
    with pytest.raises(BadInput, match="already a session"):
        sessions.create(id=made[1])


@pytest.mark.parametrize(
    "ask",
    [
        lambda s, id: s.say("nobody", "hi"), lambda s, id: s.say(id, " "), lambda s, id: s.say(id, "x" * 3_000), lambda s, id: s.say(id, "hi", turn="a/b"),
        lambda s, id: s.answer(id, "nobody", []), lambda s, id: s.go_to(id, "nobody"), lambda s, id: s.compare(id, "a", "b"), lambda s, id: s.create(title="x" * 300),
        lambda s, id: s.list(limit=0), lambda s, id: s.undo(id),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(sessions: Sessions, id: str, ask: Callable[[Sessions, str], object]) -> None:
    with pytest.raises(BadInput):
        ask(sessions, id)
    assert sessions.turns(id) == ()
