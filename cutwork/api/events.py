"""What happens to runs, told to everybody who listens: each event once, in order, from wherever the listener left off.

The database has every event of a run, long after its end only the last, and then says so; beside it the newest of a run that is listened to are kept in memory, read from there once for all
listeners. A listener that falls behind reads from the database, so nothing here grows with the number or slowness of listeners.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from cutwork.storage.jobs import Event, SqlJobs

KEPT = 256  # events of a run in memory
LOOK_S = 5.0  # after which a listener looks itself: another process may do the run's work
Read = Callable[..., Awaitable[Any]]


class Heard(Event):
    """An event, and how it is written for those who listen over HTTP."""

    @cached_property
    def sse(self) -> bytes:
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self.number, self.kind.encode(), to_json(self.data, inf_nan_mode="null"))


class _Tail:
    """The newest events of a run. `base` is the number before the first of them; None until somebody has read that far."""

    def __init__(self) -> None:
        self.base: int | None = None
        self.events: list[Heard] = []
        self.listeners = 0
        self.news = asyncio.Event()
        self.reading: asyncio.Task[None] | None = None
        self.again = False

    def after(self, number: int) -> Sequence[Heard] | None:
        """Events from there on; None where they are not in memory."""
        if self.base is None or number < self.base:
            return None
        return self.events[number - self.base :]

    def add(self, events: Sequence[Heard]) -> None:
        """Take in what was read, and wake those who wait."""
        self.events.extend(events)
        if self.base is not None and len(self.events) > 2 * KEPT:
            self.base += len(self.events) - KEPT
            del self.events[:-KEPT]
        self.news.set()
        self.news = asyncio.Event()


class Hub:
    """Lets any number of listeners follow runs.

    Args:
        read: calls a function that reads the database, without holding up the loop.
    """

    def __init__(self, jobs: SqlJobs, read: Read) -> None:
        self._jobs, self._read = jobs, read
        self._tails: dict[str, _Tail] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    def open(self) -> None:
        """Be heard in this loop from now on."""
        self._loop, self.closed = asyncio.get_running_loop(), False

    def close(self) -> None:
        """End all streams. They can be taken up again where they ended."""
        self.closed = True
        for tail in self._tails.values():
            tail.add(())

    def close_soon(self) -> None:
        """As `close`, from any thread or a signal's handler."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close)

    def nudge(self, job: str) -> None:
        """Something about this job was kept. May be called from any thread."""
        if self._loop is not None and job in self._tails and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._nudged, job)

    def _nudged(self, job: str) -> None:
        tail = self._tails.get(job)
        if tail is None:
            return
        if tail.reading is not None:
            tail.again = True
            return
        tail.reading = asyncio.create_task(self._refresh(job, tail))

    async def _refresh(self, job: str, tail: _Tail) -> None:
        """Read what is new, once for all listeners."""
        try:
            while True:
                tail.again = False
                if tail.base is None:
                    tail.add(())
                else:
                    tail.add([Heard(e.number, e.kind, e.data) for e in await self._read(self._jobs.events, job, tail.base + len(tail.events))])
                if not tail.again:
                    return
        finally:
            tail.reading = None

    async def follow(self, job: str, after: int = 0) -> AsyncIterator[Heard | None]:
        """A run's events with a number above `after`, until its last, or until the service ends; None every few seconds without one."""
        async with self._listening(job) as tail:
            number, looks = after, 0
            while not self.closed:
                news, read = tail.news, False
                found = tail.after(number)
                if not found and (found is None or looks % 2):  # in memory is nothing: what does the database say?
                    read = True
                    found = _whole(number, [Heard(e.number, e.kind, e.data) for e in await self._read(self._jobs.events, job, number)])
                    if tail.base is None:
                        tail.base = found[-1].number if found else await self._reached(job, number)
                    if not found and await self._is_over(job):
                        return
                for event in found or ():
                    number = event.number
                    yield event
                    if event.kind == "done":
                        return
                if found:
                    looks = int(read)  # the database may have more than it brings at once: it is asked again
                    continue
                looks += 1
                try:
                    await asyncio.wait_for(news.wait(), LOOK_S)
                    looks = 0
                except TimeoutError:
                    yield None

    async def _reached(self, job: str, number: int) -> int | None:
        """The number a listener says it has heard, if there is such an event."""
        return number if number and await self._read(self._jobs.events, job, number - 1, 1) else None

    async def _is_over(self, job: str) -> bool:
        found = await self._read(self._jobs.look, job)
        return found is None or found.ended

    @asynccontextmanager
    async def _listening(self, job: str) -> AsyncIterator[_Tail]:
        tail = self._tails.setdefault(job, _Tail())
        tail.listeners += 1
        try:
            yield tail
        finally:
            tail.listeners -= 1
            if not tail.listeners and self._tails.get(job) is tail:
                del self._tails[job]


def _whole(after: int, events: Sequence[Heard]) -> Sequence[Heard]:
    """Events from behind a number; what was there and is not kept any more is told as one that says so."""
    missing = events[0].number - 1 if events else after
    return events if missing <= after else [Heard(missing, "forgotten", {"from": after + 1, "to": missing}), *events]
