"""Turns of sessions at their edges: ids that are told apart, decisions that cannot be, full pictures, what is counted and kept, and what a terminal goes on with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.replay import Recorded
from cutwork.agents.schemas import AssistantAnswer, CallAnswer
from cutwork.cli import app
from cutwork.domain import Call, Json, Plan, Turn
from cutwork.errors import BadInput, Cancelled, LlmFailed, StorageFailed
from cutwork.graphs import session as graph
from cutwork.graphs.fakes import FakeDrawing
from cutwork.graphs.session import read_decisions
from cutwork.sessions import Sessions
from cutwork.studio import Studio
from cutwork.wiring import Wired

BRIEF = "a cat and a rocket on a purple background"
YES: Json = {"type": "approve"}
NO: Json = {"type": "reject"}


class Killed(BaseException):
    """What kill -9 is to a process."""


def made(home: Path) -> Sessions:
    studio = Studio(home=home, llm="offline", steps=2, rounds=1)
    studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs, model=studio.settings.model)
    return Sessions(studio)


@pytest.fixture
def sessions(home: Path) -> Sessions:
    return made(home)


@pytest.fixture
def id(sessions: Sessions) -> str:
    return sessions.create().id


@pytest.fixture
def asking(sessions: Sessions) -> str:
    """A session that shows plans first, with one design."""
    id = sessions.create(approve=True).id
    assert sessions.answer(id, sessions.say(id, BRIEF).id, [YES]).status == "done"
    return id


def drawn(sessions: Sessions) -> int:
    drawing = sessions.studio.wired.drawing
    assert isinstance(drawing, FakeDrawing)
    return len(drawing.renders)


def plan_of(sessions: Sessions, turn: Turn) -> Plan:
    best = sessions.studio.show(str(turn.design)).delivered
    assert best is not None
    return best.shot.plan


def speaking(sessions: Sessions, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> ScriptedLlm:
    """A language model that hears every turn from now on."""
    llm = ScriptedLlm().enqueue(AssistantAnswer, *answers)
    monkeypatch.setattr(Wired, "llm", lambda self, on_call=None, name=None: Recorded(llm, on_call) if on_call else llm)
    return llm


def kept(sessions: Sessions) -> list[str]:
    """Which agents asked the language model, of what is stored with any run."""
    runs = sessions.studio.wired.designs
    return [call.agent for run in runs.list_summaries(100, None) for call in runs.calls(run[0]) if call.llm == "scripted"]


# whose run it is


def test_turns_of_one_id_in_two_sessions_are_two(sessions: Sessions) -> None:
    a, b = sessions.create().id, sessions.create().id
    cat = sessions.say(a, "a cat on a purple background", turn="t1")
    rocket = sessions.say(b, "a rocket on a teal background", turn="t1")
    assert [s.noun for turn in (cat, rocket) for s in plan_of(sessions, turn).subjects] == ["cat", "rocket"]
    assert drawn(sessions) == 2


def test_no_two_pairs_of_session_and_turn_have_a_run_in_common(sessions: Sessions) -> None:
    turns = [sessions.say(sessions.create(id=session).id, BRIEF, turn=turn) for session, turn in (("a", "b-c"), ("a-b", "c"), ("x" * 64, "y" * 64), ("y" * 64, "y" * 64))]
    assert len({turn.design for turn in turns}) == 4


def test_a_turn_begun_before_runs_were_named_by_session_finds_its_run(sessions: Sessions, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = graph.begun
    id = sessions.create(approve=True).id
    with monkeypatch.context() as older:
        older.setattr(graph, "begun", lambda words, calls, now: {**begun(words, calls, now), "now": now})
        waiting = sessions.say(id, BRIEF, turn="t1")
    assert sessions.studio.show("t1-1").status == "needs_approval"
    done = made(home).answer(id, waiting.id, [YES])
    assert (done.status, done.design) == ("done", "t1-1")


# what a person decides


@pytest.mark.slow
@pytest.mark.parametrize(
    "decision",
    [
        {"type": "edit"}, {"type": "edit", "edited_action": "make it teal"}, {"type": "edit", "edited_action": None}, {"type": "edit", "edited_action": {"name": 7, "args": {}}},
        {"type": "edit", "edited_action": {"name": "move", "args": "up"}}, {"type": "edit", "edited_action": {"name": "move", "args": ["up"]}},
    ],
)  # fmt: skip
def test_an_edit_that_is_none_is_refused_and_the_turn_waits_on(sessions: Sessions, asking: str, decision: Json) -> None:
    asked = sessions.say(asking, "make the cat bigger")
    with pytest.raises(BadInput, match="edited_action"):
        sessions.answer(asking, asked.id, [decision])
    assert sessions.turn(asking, asked.id).status == "waiting"
    assert sessions.answer(asking, asked.id, [YES]).status == "done"


def test_what_an_edit_leaves_out_it_leaves_as_it_was() -> None:
    for action in ({"args": {"words": "teal"}}, {"name": "design"}, {"name": None, "args": None}):
        assert read_decisions([{"type": "edit", "edited_action": action}], 1)[0]["edited_action"] == action


@pytest.mark.parametrize("decisions", [[YES, YES, YES], [YES, NO, YES], [NO, YES, YES]])
def test_what_is_approved_is_drawn_with_the_seeds_that_were_shown(sessions: Sessions, asking: str, decisions: list[Json]) -> None:
    cat, rocket = (Call(tool="reseed", args={"subject": who}) for who in ("cat", "rocket"))
    tries = [cat, Call(tool="move", args={"subject": "rocket", "where": "a bit left"}), rocket]
    asked = sessions.say(asking, calls=tries)
    assert asked.question is not None
    shown = [action["description"] for action in asked.question["action_requests"]]
    done = sessions.answer(asking, asked.id, decisions)
    assert done.status == "done", done.error
    approved = [told for told, decision in zip(shown, decisions, strict=True) if "seed" in told and decision == YES]
    assert approved == [told for told in done.changes if "seed" in told]
    drawn_with = sessions.studio.show(str(done.design)).rounds[0].shot.seed
    assert {told.rpartition(" ")[2] for told in approved} == {str(drawn_with)}


def test_drawings_after_one_another_have_the_seeds_that_were_shown(sessions: Sessions, asking: str) -> None:
    again = Call(tool="reseed", args={"subject": "cat"})
    asked = sessions.say(asking, calls=[again, Call(tool="lock", args={"subject": "rocket"}), again])
    assert asked.question is not None
    shown = [action["description"] for action in asked.question["action_requests"] if "seed" in action["description"]]
    done = sessions.answer(asking, asked.id, [YES] * 3)
    assert len(set(shown)) == 2
    assert shown == [told for told in done.changes if "seed" in told]


def test_every_further_try_has_another_seed(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.say(id, BRIEF)
    again = AssistantAnswer(calls=[CallAnswer(tool="reseed", subject="cat")])
    speaking(sessions, monkeypatch, again, again, AssistantAnswer(say="Twice."))
    turn = sessions.say(id, "noch einmal, zweimal")
    assert turn.cost.drawn == 2
    assert len(set(turn.changes)) == 2


# pieces of other takes


def test_a_full_picture_takes_nobody_in(sessions: Sessions, id: str) -> None:
    names = ["rocket", "bear", "apple", "banana", "car", "boat", "bee", "frog", "star", "owl"]
    sessions.say(id, "a cat and a dog on a teal background")
    full = sessions.say(id, calls=[Call(tool="add", args={"phrase": f"a small {name}"}) for name in names])
    other = sessions.say(id, calls=[Call(tool="remove", args={"subject": "cat"}), Call(tool="add", args={"phrase": "a small tree"})])
    assert [len(plan_of(sessions, turn).subjects) for turn in (full, other)] == [12, 12]
    turn = sessions.say(id, calls=[Call(tool="take", args={"what": "cat", "turn": 2})])
    assert turn.status == "failed"
    assert "cannot be told apart" in str(turn.error)
    assert sessions.get(id).head == other.id


def test_a_label_goes_to_who_takes_the_place_of_the_one_it_named(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, 'meme: a cat and a rocket on a purple background, label the cat "me"')
    assert [b.subject for b in plan_of(sessions, first).bands] == ["cat"]
    assert [b.subject for b in plan_of(sessions, sessions.say(id, "replace the cat with a fox")).bands] == ["fox"]
    taken = sessions.say(id, f"the cat from take {first.number}")
    assert taken.status == "done", taken.error
    assert [b.subject for b in plan_of(sessions, taken).bands] == ["cat"]


def test_what_is_taken_is_spoken_of_before_the_background_that_stands(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    sessions.say(id, "make the background teal")
    cat = plan_of(sessions, sessions.say(id, "the cat from take 1"))
    assert [region.prompt for region in cat.regions] == ["a cat on a teal background", "a rocket on a teal background"]
    whole = plan_of(sessions, sessions.say(id, "the background from take 1"))
    assert whole.background == "a purple background"
    assert [region.prompt for region in whole.regions] == ["a cat on a purple background", "a rocket on a purple background"]


# what is asked of the language model


SMALLER = AssistantAnswer(calls=[CallAnswer(tool="resize", subject="the cat", scale=0.5)])


def test_what_was_asked_before_a_wait_is_counted_and_kept(sessions: Sessions, asking: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(sessions, monkeypatch, SMALLER, AssistantAnswer(say="Kleiner."))
    waiting = sessions.say(asking, "die Katze kleiner")
    assert (waiting.status, waiting.cost.asked, kept(sessions)) == ("waiting", 1, ["assistant"])
    done = made(home).answer(asking, waiting.id, [YES])
    assert (done.status, done.cost.asked, done.cost.drawn) == ("done", 2, 1)
    assert "asked two times" in done.reply
    assert kept(sessions) == ["assistant"] * 2


def test_what_was_asked_for_a_first_design_is_kept_with_it(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    id = sessions.create(approve=True).id
    real, llm = Wired.llm, ScriptedLlm(AssistantAnswer(calls=[CallAnswer(tool="design", brief=BRIEF)]), AssistantAnswer(say="Da."))
    monkeypatch.setattr(Wired, "llm", lambda self, on_call=None, name=None: Recorded(llm, on_call) if name is None and on_call else real(self, on_call, name))
    waiting = sessions.say(id, "eine Katze und eine Rakete")
    done = sessions.answer(id, waiting.id, [YES])
    assert (done.status, done.cost.asked) == ("done", 2)
    assert kept(sessions) == ["assistant"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("end", [LlmFailed("it is gone"), Cancelled("stopped"), Killed()])
def test_what_was_asked_in_a_turn_that_came_to_no_end_is_counted_and_kept(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch, end: Any) -> None:
    sessions.say(id, BRIEF)
    llm = speaking(sessions, monkeypatch, SMALLER)

    def ask(prompt: Any, schema: Any) -> Any:
        if llm.history:
            raise end
        return ScriptedLlm.ask(llm, prompt, schema)

    monkeypatch.setattr(llm, "ask", ask)
    with suppress(Cancelled, Killed):
        sessions.say(id, "die Katze kleiner", turn="two")
    told = sessions.turn(id, "two")
    assert told.status != "done"
    assert told.cost.asked == len(kept(sessions)) == (1 if isinstance(end, Killed) else 2)


# how it ends


def test_what_stopped_a_turn_is_raised_though_its_end_cannot_be_written(sessions: Sessions, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.say(id, BRIEF)
    store, change = sessions.studio.wired.sessions, sessions.studio.wired.sessions.change_turn

    def full(session: str, turn: str, edit: Any) -> Turn:
        if edit(store.turn(session, turn)).status == "cancelled":
            raise StorageFailed("the disk is full")
        return change(session, turn, edit)

    monkeypatch.setattr(store, "change_turn", full)
    with pytest.raises(Cancelled):
        sessions.say(id, "replace the cat with a fox", cancelled=lambda: True)


# at the terminal


@pytest.fixture
def terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUTWORK_HOME", str(home))
    monkeypatch.setattr(Wired, "drawing", property(lambda self: FakeDrawing(self.blobs, model="mini")))
    return home


def chat(id: str, said: str) -> str:
    done = CliRunner().invoke(app, ["chat", id, "--steps", "2", "--rounds", "1"], input=said)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_talk_goes_on_with_a_turn_that_was_killed(sessions: Sessions, id: str, terminal: Path) -> None:
    sessions.say(id, BRIEF)

    def die(kind: str, data: Json) -> None:
        if kind == "node" and data["node"] == "cut":
            raise Killed

    with pytest.raises(Killed):
        sessions.say(id, "replace the cat with a fox", on_event=die)
    told = chat(id, "make the fox bigger\n")
    assert "2. A cat is now a fox." in told
    assert "3. Fox: 1.3 times as large." in told
    assert [turn.status for turn in sessions.turns(id)] == ["done"] * 3


def test_a_talk_asks_again_what_was_left_open(sessions: Sessions, asking: str, terminal: Path) -> None:
    sessions.say(asking, "make the cat bigger")
    told = chat(asking, "yes\n")
    assert "cat: 1.3 times as large" in told
    assert [turn.status for turn in sessions.turns(asking)] == ["done"] * 2


def test_what_was_stopped_goes_on_when_it_is_said_again(sessions: Sessions, id: str, terminal: Path) -> None:
    sessions.say(id, BRIEF)
    with pytest.raises(Cancelled):
        sessions.say(id, "replace the cat with a fox", cancelled=lambda: True)
    assert "2. A cat is now a fox." in chat(id, "replace the cat with a fox\n")
    assert [turn.status for turn in sessions.turns(id)] == ["done"] * 2
    with pytest.raises(Cancelled):
        sessions.say(id, "make the fox bigger", cancelled=lambda: True)
    told = chat(id, "make the fox smaller\n")
    assert "say it again" in told
    assert [turn.status for turn in sessions.turns(id)] == ["done", "done", "cancelled", "done"]


def test_a_talk_begins_though_another_process_is_at_work_on_its_last_turn(sessions: Sessions, id: str, terminal: Path) -> None:
    sessions.say(id, BRIEF)
    told: list[str] = []

    def look(kind: str, data: Json) -> None:
        if kind == "node" and not told:
            told.append(chat(id, "/turns\n"))

    assert sessions.say(id, "make the cat bigger", on_event=look).status == "done"
    assert "worked on by another" in told[0]


# whom "it" means


def test_it_is_who_was_spoken_of_last_also_in_the_next_turn(sessions: Sessions, id: str) -> None:
    sessions.say(id, BRIEF)
    sessions.say(id, "make the cat bigger")
    added = sessions.say(id, "add a balloon")
    assert added.about == "balloon"
    assert sessions.say(id, "make it smaller").calls[-1].args["subject"] == "balloon"
    assert sessions.say(id, "the rocket should be a car").about == "car", "by its new name"
    bigger = sessions.say(id, "make it bigger")
    assert (bigger.status, bigger.calls[-1].args["subject"]) == ("done", "car"), bigger.reply
    sessions.say(id, "make the background teal")
    assert sessions.say(id, "make it smaller").calls[-1].args["subject"] == "car", "of whom nothing was said since"
    sessions.say(id, "why is the balloon there?")
    assert sessions.say(id, "make it smaller").calls[-1].args["subject"] == "balloon", "who was asked about"


def test_it_is_nobody_of_another_branch(sessions: Sessions, id: str) -> None:
    first = sessions.say(id, BRIEF)
    cat = sessions.say(id, "make the cat bigger")
    sessions.go_to(id, first.id)
    sessions.say(id, "make the rocket smaller")
    sessions.go_to(id, cat.id)
    assert sessions.say(id, "make it smaller").calls[-1].args["subject"] == "cat"


def test_it_follows_its_place_when_somebody_goes_at_once(sessions: Sessions, id: str) -> None:
    sessions.say(id, "a cat, a dog and a car")
    turn = sessions.say(id, calls=[Call(tool="remove", args={"subject": "cat"}), Call(tool="change_subject", args={"subject": "dog", "phrase": "a fox"})])
    assert (turn.status, turn.about) == ("done", "fox"), turn.reply


def test_a_session_goes_on_in_a_database_of_one_connection(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path, llm="offline", steps=2, rounds=1, database_url="sqlite://")
    studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs, model=studio.settings.model)
    sessions = Sessions(studio)
    id = sessions.create().id
    assert [sessions.say(id, words).status for words in (BRIEF, "make the cat bigger")] == ["done", "done"]


# drawn again


@pytest.mark.slow
@pytest.mark.parametrize("words", ["remove the rocket", "make the cat bigger"])
@pytest.mark.parametrize("source", ["run", "file", "goods"])
def test_an_edit_is_drawn_again_with_all_that_it_kept(sessions: Sessions, id: str, words: str, source: str, tmp_path: Path) -> None:
    sessions.say(id, BRIEF)
    turn = sessions.say(id, words)
    assert turn.status == "done", turn.reply
    studio, first = sessions.studio, sessions.studio.show(str(turn.design))
    again = {
        "run": lambda: studio.rerun(first.id), "file": lambda: studio.rerun(studio.deliver(first, tmp_path)["image"]), "goods": lambda: studio.rerun(studio.refinish(first.id, kind="sticker").id),
    }[source]()  # fmt: skip
    assert again.status == first.status == "accepted"
    assert first.delivered is not None
    assert again.delivered is not None
    assert again.delivered.render.image == first.delivered.render.image
    assert [c.image for c in again.delivered.cutouts] == [c.image for c in first.delivered.cutouts]
