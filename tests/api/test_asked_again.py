"""What is asked twice, stopped halfway, or asked while something else is at work: it counts once, for what it was meant for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from cutwork.api import talk
from cutwork.api.problems import Conflict
from cutwork.domain import Turn
from cutwork.errors import BadInput, Cancelled, StorageFailed
from cutwork.storage.jobs import Job, KeyUsed

if TYPE_CHECKING:
    from conftest import Gated

    from cutwork.api.deps import Service

Make = Callable[..., "tuple[Service, Gated]"]
YES = {"decisions": [{"type": "approve"}]}
TWO = [{"tool": "design", "args": {"brief": "a dog"}}, {"tool": "design", "args": {"brief": "a fox"}}]  # an approving session asks about both, then about each plan


@pytest.fixture
def service(make_service: Make) -> Service:
    """One whose worker is not started: `work` does its jobs."""
    return make_service()[0]


def work(service: Service) -> Job:
    """Do the next job; how it ended."""
    job = service.jobs.take(service.worker.holder)
    assert job is not None
    service.worker._do(job)
    return ended(service, job.id)


def ended(service: Service, id: str) -> Job:
    job = service.jobs.get(id)
    assert job is not None
    return job


def told(service: Service, session: str, words: str = "", **asked: Any) -> Turn:
    """A turn that was said and worked on."""
    run = service.submit("turn", {"words": words, **asked}, "local", session=session)
    work(service)
    return service.sessions.turn(session, str(run.turn))


def asking(service: Service) -> tuple[str, Turn]:
    """A session with a design, and a turn of it that asks what is to become of two more."""
    session = service.sessions.create(approve=True, owner="local").id
    first = told(service, session, "a cat on a teal background")
    service.submit("turn", YES, "local", session=session, turn=first.id)
    assert work(service).status == "done"
    return session, told(service, session, calls=TWO)


# -------------------------------------------------------------------------------------------------- answers of designs


def planned(service: Service) -> str:
    """A design that waits for its plan to be approved."""
    id = service.submit("design", {"brief": "a cat", "size": "64x64", "approve": True}, "local").id
    assert work(service).status == "needs_approval"
    return id


def stopped(service: Service, job: Job) -> None:
    """Begin a job, and stop before its first step."""
    with pytest.raises(Cancelled):
        service.worker.kinds[job.kind](job, lambda kind, data: None, lambda: True)


@pytest.mark.parametrize("left", ["cancelled", "running", "failed"])
def test_an_answer_that_was_not_taken_is_given_again(service: Service, left: str) -> None:
    """The run stopped, was killed or failed between the answer and the step that takes it: it is done when the job is, and may be answered anew."""
    id = planned(service)
    asked = service.studio.question(id)
    service.submit("resume", {"design": id, "answer": True}, "local")
    job = service.jobs.take(service.worker.holder)
    assert job is not None
    stopped(service, job)
    service.designs.set_status(id, left)
    assert service.studio.question(id) == asked
    with pytest.raises(BadInput, match="waits for an answer"):
        service.submit("resume", {"design": id}, "local")
    service.jobs.back(job.id)
    assert work(service).status == "done"
    assert (service.studio.show(id).status, service.studio.question(id)) == ("accepted", None)


def test_a_design_that_was_stopped_at_its_question_can_be_answered_by_another_run(service: Service) -> None:
    id = planned(service)
    service.submit("resume", {"design": id, "answer": True}, "local")
    job = service.jobs.take(service.worker.holder)
    assert job is not None
    stopped(service, job)
    service.jobs.end(job.id, "cancelled")
    service.submit("resume", {"design": id, "answer": "make the cat bigger"}, "local")  # another answer, and that one counts
    assert work(service).status == "needs_approval"
    service.submit("resume", {"design": id, "answer": True}, "local")
    assert work(service).status == "done"


# ------------------------------------------------------------------------------------------------------------ the queue


def test_a_worker_outlives_a_database_that_does_not_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(ids: Any) -> set[str]:
        raise StorageFailed("the database was held by another process for more than 30 s")

    run = service.submit("design", {"brief": "a cat", "size": "64x64"}, "local")
    monkeypatch.setattr(service.jobs, "stops", held)
    assert (work(service).status, service.worker._running) == ("done", {})
    assert service.studio.show(run.id).status == "accepted"


# ---------------------------------------------------------------------------------------------------- answers of turns


def test_an_answer_given_twice_answers_one_question(service: Service) -> None:
    session, turn = asking(service)
    service.submit("turn", {"decisions": YES["decisions"] * 2}, "local", session=session, turn=turn.id)
    work(service)
    first = service.sessions.turn(session, turn.id)
    for _ in range(2):
        service.submit("turn", YES, "local", session=session, turn=turn.id)
    assert work(service).status == "needs_approval"
    second = service.sessions.turn(session, turn.id)
    assert (second.status, second.question != first.question) == ("waiting", True)
    assert work(service).status == "needs_approval"
    assert service.sessions.turn(session, turn.id) == second  # nobody has seen that question yet
    service.submit("turn", YES, "local", session=session, turn=turn.id)
    assert work(service).status == "done"


def test_an_answer_queued_before_questions_were_named_is_taken(service: Service) -> None:
    session = service.sessions.create(approve=True, owner="local").id
    turn = told(service, session, "a cat on a teal background")
    service.jobs.add(Job("old", "turn", "local", YES, session=session, turn=turn.id))
    assert work(service).status == "done"


def test_a_key_means_the_same_run_when_its_answer_was_taken_long_ago(service: Service) -> None:
    session = service.sessions.create(approve=True, owner="local").id
    turn = told(service, session, "a cat on a teal background")

    def answered(key: str, decision: str = "approve") -> str:
        return service.submit("turn", {"decisions": [{"type": decision}]}, "local", session=session, turn=turn.id, idempotency=key).id

    run = answered("k")
    assert work(service).status == "done"
    assert answered("k") == run
    with pytest.raises(KeyUsed):
        answered("k", "reject")
    with pytest.raises(Conflict):
        answered("another")


def test_a_key_means_the_same_run_when_its_design_was_resumed_long_ago(service: Service) -> None:
    id = planned(service)
    first = service.submit("resume", {"design": id, "answer": True}, "local", idempotency="k")
    with service.studio.wired.lease(id):  # while it is at work
        assert service.submit("resume", {"design": id, "answer": True}, "local", idempotency="k").id == first.id
        with pytest.raises(Conflict):
            service.submit("resume", {"design": id, "answer": True}, "local")
    assert service.jobs.earlier("another", "k", "") is None


# ------------------------------------------------------------------------------------------------------ where talk goes on


def test_a_turn_goes_on_from_where_it_was_asked_to_though_others_wait(service: Service) -> None:
    session = service.sessions.create(owner="local").id
    first, second = (told(service, session, words) for words in ("a cat on a teal background", "make the cat bigger"))

    def said(words: str, after: str | None) -> str:
        return str(talk.say(service, "local", service.session(session, "local"), words, after).turn)

    names = [said("make the cat blue", second.id), said("make the cat red", first.id), said("a dog on a purple background", None), said("make the cat smaller", first.id)]
    for _ in names:
        assert work(service).status == "done"
    turns = [service.sessions.turn(session, name) for name in names]
    assert [turn.parent for turn in turns] == [second.id, first.id, None, first.id]
    assert service.sessions.get(session).head == names[-1]


def test_a_turn_that_is_where_the_talk_stands_goes_on_from_what_waits_before_it(service: Service) -> None:
    session = service.sessions.create(owner="local").id
    first = told(service, session, "a cat on a teal background")
    names = [str(talk.say(service, "local", service.session(session, "local"), words, first.id).turn) for words in ("make the cat bigger", "make the cat blue")]
    for _ in names:
        work(service)
    assert service.sessions.turn(session, names[1]).parent == names[0]


def test_a_session_goes_on_only_from_what_is_done(service: Service) -> None:
    session = service.sessions.create(owner="local").id
    failed = told(service, session, calls=[{"tool": "remove", "args": {"subject": "whale"}}])
    for after in (failed.id, "nonesuch"):
        with pytest.raises(BadInput, match="turn"):
            service.sessions.say(session, "a cat", after=after)
    assert len(service.sessions.turns(session)) == 1


def test_an_answer_is_told_without_reading_the_whole_talk(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    session = service.sessions.create(owner="local").id
    request = Request({"type": "http", "scheme": "http", "server": ("localhost", 80), "path": "/", "headers": [], "query_string": b""})
    turns = [told(service, session, words) for words in ("a cat on a teal background", "make the cat bigger", "what is there?")]

    def all_of_them(id: str) -> Any:
        raise AssertionError("every turn was read")

    monkeypatch.setattr(service.studio.wired.sessions, "turns", all_of_them)
    assert ["![" in talk.answer(turn, service, request) for turn in turns] == [True, True, False]
