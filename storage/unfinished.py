"""What is not done yet, in jobs of the service and in turns of sessions, for whoever keeps house."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from cutwork.storage.db import reading
from cutwork.storage.jobs import OPEN
from cutwork.storage.service_tables import JobRow
from cutwork.storage.session_tables import TurnRow


def asked(engine: Engine) -> list[Any]:
    """What jobs that wait or run were asked for, and the calls and questions of turns that are not done: one that failed may be begun again.

    Raises:
        StorageFailed: if the database cannot be read.
    """
    with reading(engine) as connection:  # jobs first: what a job asks for is kept with its turn before the job ends
        requests = connection.execute(select(JobRow.request).where(JobRow.status.in_(OPEN))).scalars().all()
        turns = connection.execute(select(TurnRow.calls, TurnRow.question).where(TurnRow.status != "done")).all()
    return [*requests, *(tuple(row) for row in turns)]


def turn_statuses(engine: Engine) -> dict[tuple[str, str], str]:
    """The status of every turn, by session and id; StorageFailed if the database cannot be read."""
    with reading(engine) as connection:
        return {(session, id): status for session, id, status in connection.execute(select(TurnRow.session, TurnRow.id, TurnRow.status))}
