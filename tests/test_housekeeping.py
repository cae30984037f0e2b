"""Deleting runs and letting go of what nothing needs: nothing that a run needs is ever lost, also while runs go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update

from cutwork.domain import Call
from cutwork.errors import BadInput, StorageFailed
from cutwork.graphs.fakes import FakeDrawing
from cutwork.sessions import Sessions
from cutwork.storage.db import reading, writing
from cutwork.storage.jobs import Job, SqlJobs
from cutwork.storage.owners import File
from cutwork.storage.rows import TABLES
from cutwork.storage.service_tables import FileRow, JobRow
from cutwork.storage.tables import Table
from cutwork.studio import Studio
from cutwork.tools.pixels import encode
from cutwork.working import Work

BRIEF = "a grumpy cat and a rocket on a purple background"


class Killed(BaseException):
    """What kill -9 is to a process."""


def studio(home: Path, **settings: Any) -> Studio:
    made = Studio(home=home, **{"llm": "offline", "steps": 2, "rounds": 1, **settings})
    made.wired.__dict__["drawing"] = FakeDrawing(made.wired.blobs)
    return made


def at(node: str, do: Callable[[], Any]) -> Callable[[str, dict[str, Any]], None]:
    return lambda kind, data: do() if kind == "node" and data["node"] == node else None


def die() -> None:
    raise Killed


def age(made: Studio) -> None:
    """All blobs were put three days ago."""
    for name in made.wired.blobs:
        os.utime(made.wired.blobs.path(name), (time.time() - 3 * 86_400,) * 2)


def rows(made: Studio, table: type[Table]) -> int:
    with reading(made.wired.designs.engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)


def test_a_deleted_run_leaves_nothing_and_others_stay_whole(home: Path) -> None:
    made = studio(home)
    gone, stays = made.design(BRIEF, seed=1), made.design("a fox", seed=2)
    made.delete(gone.id)
    age(made)
    assert [run.id for run in made.runs()] == [stays.id]
    swept = made.gc()
    assert swept.blobs > 0
    assert set(made.wired.blobs) == made.wired.designs.blobs()
    assert made.show(stays.id) == stays
    made.delete(stays.id)
    assert {table.__tablename__: rows(made, table) for table in Table.__subclasses__() if rows(made, table)} == {}
    assert {rows(made, table) for table in TABLES} == {0}
    age(made)
    made.gc()
    assert list(made.wired.blobs) == []
    with pytest.raises(BadInput, match="there is no run"):
        made.delete(stays.id)


def test_what_was_put_today_is_spared(home: Path) -> None:
    made = studio(home)
    made.delete(made.design(BRIEF, seed=1).id)
    assert made.gc().blobs == 0
    assert list(made.wired.blobs)


def test_the_state_of_finished_runs_goes_and_that_of_others_stays(home: Path) -> None:
    made = studio(home)
    made.design(BRIEF, seed=1)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=2, on_event=at("cut", die))
    assert made.gc().states == 1
    (stopped,) = made.runs(status="running")
    again = studio(home)
    assert again.resume(stopped.id).status == "accepted"
    assert not again.wired.drawing.renders, "its picture had been drawn"  # type: ignore[attr-defined]
    assert again.gc() == (1, 0, 0)


def test_what_happened_in_runs_that_ended_long_ago_goes_but_for_their_end(home: Path) -> None:
    made = studio(home, events_days=7)
    jobs = SqlJobs(made.wired.designs.engine)
    for id in ("old", "new", "open"):
        jobs.add(Job(id, "design", "local", {}))
        jobs.take("me")
        jobs.add_event(id, "node", {"node": "render"})
    jobs.end("old", "failed")
    jobs.end("new", "done")
    made.wired.designs.give_file("local", File("0" * 64, "image/png", "preview"))
    made.wired.designs.give_file("local", File("1" * 64, "image/png", "upload"))
    eight, six = ((datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for days in (8, 6))
    with writing(made.wired.designs.engine) as connection:
        connection.execute(update(JobRow).where(JobRow.id == "old").values(finished=eight))
        connection.execute(update(JobRow).where(JobRow.id == "new").values(finished=six))
        connection.execute(update(FileRow).values(created=eight))
    made.wired.designs.give_file("local", File("2" * 64, "image/png", "preview"))
    with writing(made.wired.designs.engine) as connection:
        connection.execute(update(FileRow).where(FileRow.sha256 == "2" * 64).values(created=eight))
    made.wired.designs.give_file("local", File("2" * 64, "image/png", "preview"))  # it is shown again
    assert made.gc().events == 3
    assert made.wired.designs.find_file("local", "2" * 64) is not None
    assert [(event.number, event.data) for event in jobs.events("old")] == [(4, {"status": "failed"})]
    assert [len(jobs.events(id)) for id in ("new", "open")] == [4, 3]
    assert made.wired.designs.find_file("local", "0" * 64) is None
    assert made.wired.designs.find_file("local", "1" * 64) is not None
    assert studio(home, events_days=0).gc().events == 0


@pytest.mark.parametrize("node", ["cut", "critique", "finish"])
def test_what_only_the_state_of_a_stopped_run_names_is_kept(home: Path, node: str) -> None:
    made = studio(home)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=2, on_event=at(node, die))
    age(made)
    made.gc()
    again = studio(home)
    design = again.resume(again.runs()[0].id)
    assert all(sha256 in again.wired.blobs for sha256 in again.wired.designs.blobs())
    assert design.status == "accepted"
    assert not again.wired.drawing.renders  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("node", ["extend", "render", "cut", "critique", "finish"])
def test_collecting_while_a_run_goes_on_harms_it_not(home: Path, node: str) -> None:
    made = studio(home)

    def collect() -> None:
        age(made)
        studio(home).gc()

    design = made.design(BRIEF, seed=2, on_event=at(node, collect))
    assert design.status == "accepted"
    assert all(sha256 in made.wired.blobs for sha256 in made.wired.designs.blobs())


def test_a_run_that_is_worked_on_is_not_deleted_nor_is_its_state(home: Path) -> None:
    made = studio(home)
    refused: list[str] = []

    def delete() -> None:
        other = studio(home)
        with pytest.raises(BadInput, match="worked on by another") as caught:
            other.delete(other.runs()[0].id)
        refused.append(str(caught.value))

    design = made.design(BRIEF, seed=2, on_event=at("finish", delete))
    assert refused
    assert design.status == "accepted"
    with made.wired.lease(design.id):
        assert made.gc().states == 0
    assert made.gc().states == 1


def test_the_state_of_a_run_that_is_gone_goes_too(home: Path) -> None:
    made = studio(home)
    id = made.design(BRIEF, seed=1).id
    made.wired.designs.delete(id)  # killed between this and its state
    assert made.gc().states == 1


def a_mask(made: Studio) -> str:
    mask = np.zeros((256, 256), np.uint8)
    mask[20:90, 20:90] = 255
    return made.wired.blobs.put(encode(mask))


def test_what_a_turn_that_waits_was_asked_for_is_kept(home: Path) -> None:
    made = studio(home)
    sessions = Sessions(made)
    talk = sessions.create(approve=True).id
    sessions.answer(talk, sessions.say(talk, "a cat on a teal background").id, [{"type": "approve"}])
    waiting = sessions.say(talk, calls=[Call(tool="move", args={"subject": "cat", "mask": a_mask(made)})])
    age(made)
    assert made.gc().blobs == 0, "its mask, which no run names yet"
    again = Sessions(studio(home))
    assert again.answer(talk, waiting.id, [{"type": "approve"}]).status == "done"


def test_what_only_the_state_of_a_stopped_turn_names_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person answered with another mask, and the turn was killed over it."""
    made = studio(home)
    sessions = Sessions(made)
    talk = sessions.create(approve=True).id
    sessions.answer(talk, sessions.say(talk, "a cat on a teal background").id, [{"type": "approve"}])
    asked = sessions.say(talk, calls=[Call(tool="move", args={"subject": "cat", "where": "left"})])
    edited = {"type": "edit", "edited_action": {"name": "move", "args": {"subject": "cat", "mask": (mask := a_mask(made))}}}
    with monkeypatch.context() as patched:
        patched.setattr(Work, "draw", lambda self, calls: die())
        with pytest.raises(Killed):
            sessions.answer(talk, asked.id, [edited])
    age(made)
    made.gc()
    assert mask in made.wired.blobs
    assert Sessions(studio(home)).say(talk, turn=asked.id).status == "done"


def test_what_a_job_that_waits_was_asked_for_is_kept(home: Path) -> None:
    made = studio(home)
    jobs = SqlJobs(made.wired.designs.engine)
    for id in ("open", "over"):
        jobs.add(Job(id, "design", "local", {"shot": {"keep": {"image": made.wired.blobs.put(id.encode())}}}))
    jobs.ask_to_stop("over")
    age(made)
    assert made.gc().blobs == 1
    assert [made.wired.blobs.get(name) for name in made.wired.blobs] == [b"open"]


def test_the_state_of_turns_that_are_done_or_gone_goes_and_that_of_others_stays(home: Path) -> None:
    made = studio(home)
    sessions = Sessions(made)
    states = made.wired.turn_checkpointer
    first, second, third = (sessions.create(approve=True).id for _ in range(3))
    waiting, done, gone = (sessions.say(talk, "a cat on a teal background") for talk in (first, second, third))
    made.wired.sessions.change_turn(second, done.id, lambda turn: turn.model_copy(update={"status": "done"}))  # killed between this and letting go of its state
    made.wired.sessions.delete(third)
    with made.wired.lease(f"session-{second}"), made.wired.lease(f"session-{third}"):
        assert made.gc().states == 0, "they are just being worked on"
    assert made.gc().states == 2
    assert [states.get_tuple({"configurable": {"thread_id": f"{turn.session}/{turn.id}"}}) is None for turn in (waiting, done, gone)] == [False, True, True]
    assert sessions.answer(first, waiting.id, [{"type": "approve"}]).status == "done"


def test_a_home_that_two_databases_share_is_refused(home: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    other = studio(home, database_url=url)
    kept = other.design(BRIEF, seed=1)
    other.gc()
    age(other)
    usual = studio(home)
    usual.runs()
    for made, named in ((usual, "other.db"), (studio(home, database_url=url), "HOME/cutwork.db")):
        with pytest.raises(BadInput, match=r"cannot be seen from here; nothing was deleted") as caught:
            made.gc()
        assert named in str(caught.value)
    assert all(sha256 in other.wired.blobs for sha256 in other.wired.designs.blobs())
    assert other.show(kept.id) == kept


def test_a_home_that_was_moved_is_its_own(home: Path) -> None:
    studio(home).design(BRIEF, seed=1)
    home.rename(home.with_name("moved"))
    assert studio(home.with_name("moved")).gc().states == 1


def test_states_that_cannot_be_read_stop_it_before_a_blob_is_lost(home: Path) -> None:
    made = studio(home)
    made.delete(made.design(BRIEF, seed=1).id)
    age(made)
    before = list(made.wired.blobs)
    made.wired.checkpointer.conn.execute("DROP TABLE writes")
    with pytest.raises(StorageFailed, match="checkpoints"):
        made.gc()
    assert list(made.wired.blobs) == before
