"""The queue: whose turn it is, what survives, and that nothing is done twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from cutwork.api.deps import told
from cutwork.errors import BadInput
from cutwork.problems import problem
from cutwork.storage.jobs import MOST_DEATHS, Job, KeyUsed, QueueFull, SqlJobs

if TYPE_CHECKING:
    from conftest import Gated, Served

    from cutwork.api.deps import Service

Make = Callable[..., "tuple[Service, Gated]"]
PATIENCE_S = 20.0  # no wait of a test is longer


@pytest.fixture
def jobs(make_service: Make) -> SqlJobs:
    return SqlJobs(make_service()[0].designs.engine, tell=told)


def put(jobs: SqlJobs, *named: str) -> None:
    """Jobs "tenant/session/name"; an empty session is none."""
    for name in named:
        tenant, session, _ = name.split("/")
        jobs.add(Job(name.replace("/", "-"), "design", tenant, {}, session=session or None))


def order(jobs: SqlJobs) -> list[str]:
    """Take and end jobs one after the other until none is left."""
    seen = []
    while job := jobs.take("me"):
        seen.append(job.id)
        jobs.end(job.id, "done")
    return seen


def test_jobs_are_done_in_the_order_they_came(jobs: SqlJobs) -> None:
    put(jobs, "a//1", "a//2", "a//3")
    assert order(jobs) == ["a--1", "a--2", "a--3"]
    assert jobs.take("me") is None


def test_whoever_was_served_longest_ago_comes_first(jobs: SqlJobs) -> None:
    put(jobs, "a//1", "a//2", "a//3", "b//1", "c//1", "b//2")
    assert order(jobs) == ["a--1", "b--1", "c--1", "a--2", "b--2", "a--3"]


def test_sessions_of_a_tenant_take_turns(jobs: SqlJobs) -> None:
    put(jobs, "a/s/1", "a/s/2", "a/s/3", "a/t/1", "a//1")
    assert order(jobs) == ["a-s-1", "a-t-1", "a--1", "a-s-2", "a-s-3"]


def test_one_job_of_a_session_runs_at_a_time_and_others_overtake_it(jobs: SqlJobs) -> None:
    put(jobs, "a/s/1", "a/s/2", "a/t/1", "a//1")
    assert [job and job.id for job in (jobs.take("me"), jobs.take("me"), jobs.take("me"), jobs.take("me"))] == ["a-s-1", "a-t-1", "a--1", None]
    jobs.end("a-s-1", "failed", problem(422, "x", "X", "x"))
    assert order(jobs) == ["a-s-2"]


def test_a_cancelled_job_of_a_session_holds_nothing_up(jobs: SqlJobs) -> None:
    put(jobs, "a/s/1", "a/s/2")
    assert jobs.ask_to_stop("a-s-1").status == "cancelled"
    assert order(jobs) == ["a-s-2"]


def test_threads_that_take_at_once_take_different_jobs(jobs: SqlJobs) -> None:
    put(jobs, *(f"a//{n:02d}" for n in range(30)))
    taken: list[str] = []

    def take(name: str) -> None:
        while job := jobs.take(name):
            taken.append(job.id)

    threads = [threading.Thread(target=take, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(taken) == [f"a--{n:02d}" for n in range(30)]


def test_jobs_of_a_holder_that_is_gone_wait_again_in_their_old_place(jobs: SqlJobs) -> None:
    put(jobs, "a//1", "a//2")
    assert jobs.take("gone")
    assert jobs.recover(lambda holder: True) == []
    assert [(job.id, job.status, job.deaths) for job in jobs.recover(lambda holder: holder != "gone")] == [("a--1", "waiting", 1)]
    assert jobs.recover(lambda holder: False) == []
    assert order(jobs) == ["a--1", "a--2"]


def test_a_job_that_was_to_stop_is_not_begun_again(jobs: SqlJobs) -> None:
    put(jobs, "a//1")
    jobs.take("gone")
    assert jobs.ask_to_stop("a--1").status == "running"
    assert jobs.stops(["a--1", "nonesuch"]) == {"a--1"}
    assert [job.status for job in jobs.recover(lambda holder: False)] == ["cancelled"]


def test_a_job_that_kills_who_does_it_fails_in_the_end(jobs: SqlJobs) -> None:
    put(jobs, "a//1")
    statuses = []
    for _ in range(MOST_DEATHS):
        jobs.take("gone")
        statuses += [job.status for job in jobs.recover(lambda holder: False)]
    assert statuses == ["waiting"] * (MOST_DEATHS - 1) + ["failed"]
    last = jobs.events("a--1")[-1]
    assert (last.kind, last.data["error"]["code"]) == ("done", "deadly")


def test_keys_are_a_tenants_own(jobs: SqlJobs) -> None:
    first, added = jobs.add(Job("1", "design", "a", {}, key="k", asked="x"))
    assert added
    assert jobs.add(Job("2", "design", "a", {}, key="k", asked="x")) == (first, False)
    assert jobs.add(Job("3", "design", "b", {}, key="k", asked="y"))[1]
    with pytest.raises(KeyUsed, match="another request"):
        jobs.add(Job("4", "design", "a", {}, key="k", asked="y"))
    with pytest.raises(BadInput, match="already a job"):
        jobs.add(Job("1", "design", "a", {}))


def test_a_tenant_may_not_fill_the_queue(jobs: SqlJobs) -> None:
    for n in range(3):
        jobs.add(Job(str(n), "design", "a", {}), most=3)
    with pytest.raises(QueueFull, match="3 jobs wait"):
        jobs.add(Job("4", "design", "a", {}), most=3)
    assert jobs.add(Job("5", "design", "b", {}), most=3)[1]


def test_what_happens_to_a_job_is_numbered_whoever_tells_it(jobs: SqlJobs) -> None:
    put(jobs, "a//1")

    def tell() -> None:
        for n in range(20):
            jobs.add_event("a--1", "step", {"done": n})

    threads = [threading.Thread(target=tell) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [event.number for event in jobs.events("a--1")] == list(range(1, 62))
    assert [event.number for event in jobs.events("a--1", after=58)] == [59, 60, 61]
    assert [event.number for event in jobs.events("a--1", after=3, limit=2)] == [4, 5]


def test_the_queue_is_the_simple_thing_it_is_thought_to_be(jobs: SqlJobs) -> None:
    """Random work against a list in memory."""
    dice, model = random.Random(5), {}
    for number in range(120):
        act = dice.random()
        if act < 0.5:
            tenant, session = dice.choice("ab"), dice.choice(["s", "t", None])
            job = Job(f"j{number:03d}", "turn", tenant, {}, session=session and tenant + session)
            jobs.add(job)
            model[job.id] = [job.session, "waiting"]
        elif act < 0.8:
            taken = jobs.take("me")
            free = [id for id, (session, status) in model.items() if status == "waiting" and not any(
                s == session and session is not None and (st == "running" or (st == "waiting" and other < id)) for other, (s, st) in model.items() if other != id
            )]  # fmt: skip
            assert (taken is None) == (not free)
            if taken is not None:
                assert taken.id in free
                model[taken.id][1] = "running"
        elif running := [id for id, (_, status) in model.items() if status == "running"]:
            id = dice.choice(running)
            jobs.end(id, "done")
            model[id][1] = "done"
    assert {id: status for id, (_, status) in model.items()} == {job.id: job.status for tenant in "ab" for job in jobs.list(tenant, limit=200)}


def test_waiting_jobs_survive_and_running_ones_are_gone_on_with(serve: Callable[..., Served], make_service: Make) -> None:
    served = serve()
    served.drawing.gate.clear()
    ids = [served.design(seed=n)["id"] for n in range(3)]
    served.drawing_begun()
    assert [event[1] for event in served.events_so_far(ids[0])].count("status") == 2
    served.stop()
    assert [served.service.jobs.get(id).status for id in ids] == ["waiting"] * 3  # type: ignore[union-attr]
    again = serve()
    assert [again.ended(id)["status"] for id in ids] == ["done"] * 3
    assert sorted(shot.seed for shot in again.drawing.renders) == [0, 1, 2]
    told_of_first = [(kind, data.get("status")) for _, kind, data in again.events(ids[0]) if kind in ("status", "done")]
    assert told_of_first == [("status", s) for s in ("waiting", "running", "waiting", "running", "done")] + [("done", "done")]
    assert [again.service.jobs.get(id).deaths for id in ids] == [0] * 3  # type: ignore[union-attr]


@pytest.mark.parametrize("at", ["before", "node", "after"])
def test_a_job_whose_process_died_is_done_once(make_service: Make, at: str) -> None:
    """A worker that is never heard of again, at three moments of a job; another takes over."""
    dead, drawing = make_service()
    run = dead.submit("design", {"brief": "a cat", "size": "64x64", "seed": 3}, "local")
    job = dead.jobs.take("worker-dead")
    assert job is not None

    class Dies(BaseException):
        pass

    def die(kind: str, data: dict[str, Any]) -> None:
        if at == "node" and data.get("node") == "cut":
            raise Dies

    if at != "before":
        with suppress(Dies):
            dead.worker.kinds["design"](job, die, lambda: False)
    alive, again = make_service()
    alive.worker.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := alive.jobs.get(run.id)) or not found.ended:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        assert (found.status, found.deaths) == ("done", 1)
    finally:
        assert alive.worker.stop()
    assert len(drawing.renders) + len(again.renders) == 1
    assert len(alive.designs.list_summaries()) == 1


def test_finishing_twice_makes_one(make_service: Make) -> None:
    service, _ = make_service()
    first = service.studio.design("a cat", size="64x64", seed=1)
    run = service.submit("finish", {"design": first.id, "words": "a sticker", "kind": "sticker"}, "local")
    job = service.jobs.take("worker-dead")
    assert job is not None
    for _ in range(2):
        assert service.worker.kinds["finish"](job, lambda kind, data: None, lambda: False).design == run.id
    assert len(service.designs.list_summaries()) == 2


def test_tenants_take_turns_and_a_session_keeps_its_order(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    first = served.design(seed=0)["id"]
    served.drawing_begun()
    mine = [served.service.submit("design", {"brief": "a cat", "size": "64x64", "seed": n}, "local").id for n in (1, 2)]
    theirs = served.service.submit("design", {"brief": "a dog", "size": "64x64", "seed": 3}, "other").id
    served.drawing.gate.set()
    for id in (first, *mine):
        served.ended(id)
    began = {id: served.service.jobs.get(id).started for id in (*mine, theirs)}  # type: ignore[union-attr]
    assert sorted(began, key=lambda id: str(began[id])) == [theirs, *mine]


def test_a_stop_that_another_process_asks_for_is_heard(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    id = served.design()["id"]
    served.drawing_begun()
    SqlJobs(served.service.designs.engine).ask_to_stop(id)
    assert served.ended(id)["status"] == "cancelled"


def test_what_a_process_left_behind_is_found_while_another_serves(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    first = served.design(seed=1)["id"]
    served.drawing_begun()
    second = served.design(seed=2)["id"]
    assert served.service.jobs.take("worker-gone") is not None
    served.until(second, lambda run: run["status"] == "waiting")
    served.drawing.gate.set()
    assert [served.ended(id)["status"] for id in (first, second)] == ["done", "done"]
