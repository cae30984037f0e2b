"""Deleting runs, and what no run needs any more. Safe while other runs go on.

A run or session that is worked on is held by its lease and left alone. Blobs are spared that any run names, that something unfinished
names (the saved state of a run or turn, what a turn or job was asked for), or that were put in the last day: they are put before they are named. What is looked at here is
one database, so a home that several share is refused. What happened in runs of the service is kept for some days after their end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cutwork.domain import DELIVERED
from cutwork.errors import BadInput, StorageFailed
from cutwork.wiring import Wired

HASH = re.compile(r"\b[0-9a-f]{64}\b")


class Swept(NamedTuple):
    """What was let go."""

    states: int  # of runs and turns that are finished or gone
    blobs: int
    events: int  # of the service's runs that ended long ago


def delete(id: str, wired: Wired) -> None:
    """Delete a run and its saved state; its blobs go with the next `sweep`.

    Raises:
        BadInput: if there is no such run, or somebody works on it.
    """
    wired.designs.get(id)
    with wired.lease(id), _plain_errors(wired):
        wired.designs.delete(id)
        wired.checkpointer.delete_thread(id)


def sweep(wired: Wired) -> Swept:
    """Let go of the saved state of finished runs and turns, of blobs that nothing names, and of what happened in the service's runs that ended long ago.

    Raises:
        BadInput: if runs of another database may need the blobs. StorageFailed: if something could not be read or deleted.
    """
    if others := sorted(wired.databases() - {wired.database}):
        raise BadInput(
            f"the blobs of {wired.settings.home} also belong to runs in {', '.join(others)}, which cannot be seen from here; nothing was deleted",
            f"if those runs are not wanted any more, remove their line from {wired.databases_file}",
        )
    with _plain_errors(wired):
        states = _forget_finished(wired) + _forget_turns(wired)
        kept = _named_in_states(wired) | wired.designs.blobs()  # in this order: what is unfinished names its blobs until the next in line does
        return Swept(states, len(wired.blobs.gc(kept)), forget(wired))


def forget(wired: Wired) -> int:
    """Let go of what happened in runs of the service that ended more than `events_days` days ago, but for how they ended; how many events went.

    Raises:
        StorageFailed: if the database cannot be read or written.
    """
    from cutwork.storage import clock
    from cutwork.storage.jobs import SqlJobs

    days = wired.settings.events_days
    if not days:
        return 0
    before = clock.kept(datetime.now(UTC) - timedelta(days=days))
    wired.designs.forget_previews(before)
    return SqlJobs(wired.designs.engine).forget(before)


def _forget_finished(wired: Wired) -> int:
    threads = _threads(wired.checkpointer)  # before the runs: a run is kept before it has a state
    statuses = wired.designs.statuses()
    return _forget_threads(wired, wired.checkpointer, {id: id for id in threads if statuses.get(id) in (None, *DELIVERED)})


def _forget_turns(wired: Wired) -> int:
    """Of turns that are done or gone; one that failed or was cancelled may be begun again, and goes on from its state."""
    from cutwork.storage.unfinished import turn_statuses

    threads = _threads(wired.turn_checkpointer)  # before the turns: a turn is kept before it has a state
    statuses = turn_statuses(wired.designs.engine)
    places = [(id, *id.split("/")) for id in threads]
    return _forget_threads(wired, wired.turn_checkpointer, {id: f"session-{session}" for id, session, turn in places if statuses.get((session, turn)) in (None, "done")})


def _forget_threads(wired: Wired, saver: Any, leases: Mapping[str, str]) -> int:
    """Let go of states by their thread, each under the lease of whoever might work on it; how many went."""
    gone = 0
    for thread, lease in leases.items():
        with suppress(BadInput), wired.lease(lease):  # held: it is just being finished
            saver.delete_thread(thread)
            gone += 1
    if gone:
        with suppress(sqlite3.OperationalError):  # another process is writing; the room is used again anyway
            saver.conn.execute("VACUUM")
    return gone


def _threads(saver: Any) -> list[str]:
    with saver.cursor(transaction=False) as cursor:
        return [id for (id,) in cursor.execute("SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes")]


def _named_in_states(wired: Wired) -> set[str]:
    """Every blob that something unfinished names: jobs, turns and runs, also what a killed node left for its resumption. A job's goes to its turn, and a turn's to its run."""
    from cutwork.storage.unfinished import asked

    names = set(HASH.findall(repr(asked(wired.designs.engine))))
    for saver in (wired.turn_checkpointer, wired.checkpointer):
        for id in _threads(saver):
            found = saver.get_tuple({"configurable": {"thread_id": id}})
            if found is not None:
                names.update(HASH.findall(repr((found.checkpoint, found.pending_writes))))
    return names


@contextmanager
def _plain_errors(wired: Wired) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFailed(f"run checkpoints in {wired.settings.home} cannot be used: {error}", "`cutwork doctor` says what is wrong with them") from error
