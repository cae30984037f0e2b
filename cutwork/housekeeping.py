"""Deleting runs, and what no run needs any more. Safe while other runs go on.

A run that is worked on is held by its lease and left alone. Blobs are spared that any run names, that the saved state of an
unfinished run names, or that were put in the last day: a run puts its blobs before it names them. What is looked at here is
one database, so a home that several share is refused. What happened in runs of the service is kept for some days after their end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cutwork.errors import BadInput, StorageFailed
from cutwork.wiring import Wired

FINISHED = ("accepted", "best_effort")  # such a run is never resumed, so its state is of no more use


class Swept(NamedTuple):
    """What was let go."""

    states: int  # of runs that are finished or gone
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
    """Let go of the saved state of finished runs, of blobs that nothing names, and of what happened in the service's runs that ended long ago.

    Raises:
        BadInput: if runs of another database may need the blobs. StorageFailed: if something could not be read or deleted.
    """
    if others := sorted(wired.databases() - {wired.database}):
        raise BadInput(
            f"the blobs of {wired.settings.home} also belong to runs in {', '.join(others)}, which cannot be seen from here; nothing was deleted",
            f"if those runs are not wanted any more, remove their line from {wired.databases_file}",
        )
    with _plain_errors(wired):
        states = _forget_finished(wired)
        kept = _named_in_states(wired) | wired.designs.blobs()  # in this order: a run names its blobs in its state first
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
    gone = 0
    threads = _threads(wired)  # before the runs: a run is kept before it has a state
    statuses = wired.designs.statuses()
    for id in threads:
        if statuses.get(id) in (None, *FINISHED):
            with suppress(BadInput), wired.lease(id):  # held: it is just being finished
                wired.checkpointer.delete_thread(id)
                gone += 1
    if gone:
        with suppress(sqlite3.OperationalError):  # another process is writing; the room is used again anyway
            wired.checkpointer.conn.execute("VACUUM")
    return gone


def _threads(wired: Wired) -> list[str]:
    with wired.checkpointer.cursor(transaction=False) as cursor:
        return [id for (id,) in cursor.execute("SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes")]


def _named_in_states(wired: Wired) -> set[str]:
    """Every blob that the state of a run names, also what a killed node left for its resumption."""
    names = set[str]()
    for id in _threads(wired):
        found = wired.checkpointer.get_tuple({"configurable": {"thread_id": id}})
        if found is not None:
            names.update(re.findall(r"\b[0-9a-f]{64}\b", repr((found.checkpoint, found.pending_writes))))
    return names


@contextmanager
def _plain_errors(wired: Wired) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFailed(f"run checkpoints in {wired.settings.home} cannot be used: {error}", "`cutwork doctor` says what is wrong with them") from error
