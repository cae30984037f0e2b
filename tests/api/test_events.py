"""What listeners hear: every event once, in order, wherever they begin and however many they are."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from cutwork import housekeeping
from cutwork.api import events
from cutwork.api.deps import told
from cutwork.api.events import KEPT, Hub
from cutwork.storage.db import writing
from cutwork.storage.jobs import AT_ONCE, Job, SqlJobs
from cutwork.storage.service_tables import JobRow

if TYPE_CHECKING:
    from conftest import Served


def test_a_run_is_told_from_beginning_to_end(served: Served) -> None:
    id = served.design()["id"]
    events = served.events(id)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert [data["status"] for _, kind, data in events if kind == "status"] == ["waiting", "running", "done"]
    assert events[0][2]["ahead"] == 0
    assert [data["node"] for _, kind, data in events if kind == "node"] == ["extend", "extract", "lay_out", "approve", "render", "cut", "critique", "finish"]
    assert [data["done"] for _, kind, data in events if kind == "step"][-1] == 3
    assert events[-1][1] == "done"
    assert events[-1][2] == served.run(id)


def test_a_stream_is_taken_up_where_it_ended(served: Served) -> None:
    id = served.design()["id"]
    whole = served.events(id)
    for after in (0, 1, len(whole) // 2, len(whole) - 1):
        assert served.events(id, after=after) == whole[after:]
        assert served.events(id, **{"Last-Event-ID": str(after)}) == whole[after:]
    for after in (len(whole), 10**6):  # nothing is left to be told; a browser would come back for ever
        answer = served.client.get(f"/v1/runs/{id}/events", headers={"Last-Event-ID": str(after)})
        assert (answer.status_code, answer.content) == (204, b"")
    assert served.events(id, **{"Last-Event-ID": "nonsense"}) == whole


def test_many_listeners_hear_the_same(serve: Callable[..., Served]) -> None:
    served = serve(steps=40)
    served.drawing.gate.clear()
    id = served.design()["id"]
    heard: list[list[Any]] = []
    listeners = [threading.Thread(target=lambda: heard.append(served.events(id))) for _ in range(20)]
    for listener in listeners[:15]:
        listener.start()
    served.drawing_begun()
    for listener in listeners[15:]:
        listener.start()
    served.drawing.gate.set()
    for listener in listeners:
        listener.join(20)
    assert len(heard) == 20
    assert all(events == heard[0] for events in heard)
    assert [number for number, _, _ in heard[0]] == list(range(1, len(heard[0]) + 1))


def test_a_cancelled_run_ends_its_stream(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    running, waiting = served.design(seed=1)["id"], served.design(seed=2)["id"]
    served.drawing_begun()
    for id in (waiting, running):
        served.client.delete(f"/v1/runs/{id}")
        assert [(kind, data["status"]) for _, kind, data in served.events(id)[-2:]] == [("status", "cancelled"), ("done", "cancelled")]


def test_a_failed_run_tells_its_problem(served: Served) -> None:
    def fail(*args: object) -> object:
        raise RuntimeError("boom")

    served.drawing.cut = fail  # type: ignore[method-assign, assignment]
    events = served.events(served.design()["id"])
    assert [kind for _, kind, _ in events[-3:]] == ["status", "error", "done"]
    assert events[-2][2] == events[-1][2]["error"]
    assert events[-2][2]["code"] == "internal"


def test_streams_end_with_the_service_and_go_on_with_the_next(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    id = served.design()["id"]
    served.drawing_begun()
    first: list[Any] = []
    listener = threading.Thread(target=lambda: first.extend(served.events(id)))
    listener.start()
    while not served.service.hub._tails:
        pass
    served.stop()
    listener.join(20)
    assert not listener.is_alive()
    assert first
    assert first[-1][1] != "done"
    again = serve()
    rest = again.events(id, after=first[-1][0])
    assert [number for number, _, _ in first + rest] == list(range(1, len(first) + len(rest) + 1))
    assert rest[-1][1] == "done"


def test_nobody_hears_of_runs_that_are_not_there(served: Served) -> None:
    answer = served.client.get("/v1/runs/nonesuch/events")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_who_waits_hears_the_end(served: Served) -> None:
    id = served.design()["id"]

    async def wait() -> Any:
        return await served.service.wait(id, "local", timeout=20)

    served.ended(id)
    assert asyncio.run(wait()).status == "done"


def test_long_after_its_end_only_that_is_told_and_that_the_rest_is_not(serve: Callable[..., Served]) -> None:
    served = serve()
    old = served.design(seed=1)["id"]
    whole = served.events(old)
    served.drawing.gate.clear()
    open = served.design(seed=2)["id"]
    served.drawing_begun()
    before = served.events_so_far(open)
    last = len(whole)

    assert served.service.jobs.forget("2000-01-01T00:00:00.000000Z") == 0
    assert served.events(old) == whole
    assert served.service.jobs.forget("9000-01-01T00:00:00.000000Z") == last - 1
    assert served.service.jobs.forget("9000-01-01T00:00:00.000000Z") == 0

    for heard in (0, 3, last - 2):
        told = (last - 1, "forgotten", {"from": heard + 1, "to": last - 1})
        assert served.events(old, **{"Last-Event-ID": str(heard)}) == [told, whole[-1]]
    assert served.events(old, after=last - 1) == whole[-1:]
    assert served.client.get(f"/v1/runs/{old}/events", params={"after": last}).status_code == 204
    assert served.events_so_far(open)[: len(before)] == before, "what is not over is kept"
    served.drawing.gate.set()
    events = served.events(open)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))


@pytest.mark.slow
def test_the_service_lets_go_of_what_is_too_old(serve: Callable[..., Served], make_service: Callable[..., Any]) -> None:
    first = serve()
    old, new = first.design(seed=1)["id"], first.design(seed=2)["id"]
    first.ended(old)
    count = len(first.events(new))
    with writing(first.service.designs.engine) as connection:
        connection.execute(update(JobRow).where(JobRow.id == old).values(finished="2020-01-01T00:00:00.000000Z"))
    first.stop()
    kept = serve(events_days=0)  # for good
    assert housekeeping.forget(kept.service.studio.wired) == 0
    assert len(kept.events(old)) > 2
    kept.stop()
    again = serve()
    deadline = time.monotonic() + 20
    while len(again.events_so_far(old)) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [kind for _, kind, _ in again.events(old)] == ["forgotten", "done"]
    assert len(again.events(new)) == count


# the hub alone


@pytest.fixture
def jobs(make_service: Callable[..., Any]) -> SqlJobs:
    return SqlJobs(make_service()[0].designs.engine, tell=told)


async def read(do: Callable[..., Any], *args: Any) -> Any:
    await asyncio.sleep(0)
    return do(*args)


def follow(jobs: SqlJobs, count: int, act: Callable[[], None], pause: Callable[[int], bool] = lambda n: False) -> list[list[int]]:
    """Numbers that so many listeners hear while `act` goes on in a thread; a listener whose turn `pause` says is slow."""

    async def listen(hub: Hub, n: int) -> list[int]:
        numbers = []
        async for event in hub.follow("j"):
            if event is not None:
                numbers.append(event.number)
                if pause(n):
                    await asyncio.sleep(0.002)
        return numbers

    async def main() -> list[list[int]]:
        hub = Hub(jobs, read)
        hub.open()
        jobs._heard = hub.nudge
        listeners = [asyncio.create_task(listen(hub, n)) for n in range(count)]
        await asyncio.sleep(0.01)
        await asyncio.to_thread(act)
        async with asyncio.timeout(20):
            found = await asyncio.gather(*listeners)
        assert not hub._tails
        return found

    return asyncio.run(main())


def test_slow_listeners_and_fast_ones_hear_all_of_a_long_run(jobs: SqlJobs) -> None:
    jobs.add(Job("j", "design", "local", {}))
    count = 3 * KEPT

    def act() -> None:
        jobs.take("me")
        for n in range(count):
            jobs.add_event("j", "step", {"done": n})
        jobs.end("j", "done")

    for numbers in follow(jobs, 12, act, lambda n: n % 3 == 0):
        assert numbers == list(range(1, count + 5))


def test_who_comes_late_to_a_long_run_is_told_all_of_it_at_once(jobs: SqlJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.add(Job("j", "design", "local", {}))
    jobs.take("me")
    for n in range(2 * AT_ONCE + 3):
        jobs.add_event("j", "step", {"done": n})
    jobs.end("j", "done")
    monkeypatch.setattr(events, "LOOK_S", 60.0)  # longer than `follow` waits
    assert follow(jobs, 2, lambda: None) == [list(range(1, 2 * AT_ONCE + 8))] * 2


def test_what_is_told_out_of_order_is_heard_in_order(jobs: SqlJobs) -> None:
    """Nudges may come late, early, double or not at all for a while."""
    jobs.add(Job("j", "design", "local", {}))
    heard = jobs._heard

    def act() -> None:
        nudge, jobs._heard = jobs._heard, heard
        jobs.take("me")
        for n in range(40):
            jobs.add_event("j", "step", {"done": n})
            if n % 7 == 0:
                nudge("j")
                nudge("j")
        jobs.end("j", "done")
        nudge("j")
        nudge("another")

    for numbers in follow(jobs, 5, act):
        assert numbers == list(range(1, 45))
