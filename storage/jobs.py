"""The queue of the service in the database: jobs, their events, and whose turn it is. Every method is one transaction.

A job waits, runs, and ends. Of one session only one job runs at a time, in the order in which they came. Among tenants, and
among a tenant's sessions, whoever was served longest ago comes first. Who runs a job is its `holder`; when that process is
gone, its jobs wait again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Engine, Row, Select, and_, bindparam, case, delete, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.orm import aliased

from cutwork.domain import Json
from cutwork.errors import BadInput
from cutwork.storage.clock import now
from cutwork.storage.db import reading, writing
from cutwork.storage.service_tables import JobEventRow, JobRow, LaneRow

ENDED = ("done", "failed", "cancelled", "needs_approval")
OPEN = ("waiting", "running")
MOST_DEATHS = 5  # of processes that ran a job; after that it is taken to be what killed them
AT_ONCE = 500  # events read by one query
OLD_AT_ONCE = 100  # jobs whose events go in one transaction, so that whoever writes need not wait long
DEADLY = {
    "type": "urn:cutwork:problem:deadly", "title": "It failed", "status": 500, "code": "deadly", "detail": f"the server died {MOST_DEATHS} times while it worked on this",
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A piece of work: what is asked, for whom, and how it stands."""

    id: str
    kind: str
    tenant: str
    request: Json
    number: int = 0  # in the order of arrival
    status: str = "waiting"
    session: str | None = None
    turn: str | None = None
    design: str | None = None
    error: Json | None = None
    key: str | None = None  # under which it may be asked for again without being done again
    asked: str | None = None  # hash of what was asked under that key
    holder: str | None = None
    stop: bool = False  # somebody wants it stopped
    deaths: int = 0  # of processes that ran it
    created: str = ""
    started: str | None = None
    finished: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED


@dataclass(frozen=True)
class Event:
    """Something that happened to a job, numbered from 1 in it."""

    number: int
    kind: str
    data: Json


Tell = Callable[[Job, int | None], Sequence[tuple[str, Json]]]  # a job that changed, and how many are before it, to what is told of it
JOBS, EVENTS = JobRow.__table__.c, JobEventRow.__table__.c
COLUMNS = [JOBS[field.name] for field in fields(Job)]
SHOWN = [column if column.name != "request" else literal_column("'{}'", JSON).label("request") for column in COLUMNS]  # without what is long and only its worker needs

# Asked all the time: making a query costs more than running it.
FIND = select(*COLUMNS).where(JOBS.id == bindparam("id"))
LOOK = select(*SHOWN).where(JOBS.id == bindparam("id"))
AHEAD = select(func.count()).where(JOBS.status.in_(OPEN), JOBS.number < bindparam("number"))
NOT_DONE = select(JOBS.number).where(JOBS.status.in_(OPEN)).order_by(JOBS.number)
WAITS = select(JOBS.id).where(JOBS.status == "waiting").limit(1)
STOPS = select(JOBS.id).where(JOBS.id.in_(bindparam("ids", expanding=True)), JOBS.stop)
HOLDERS = select(JOBS.holder).where(JOBS.status == "running")
LAST = select(func.coalesce(func.max(EVENTS.number), 0)).where(EVENTS.job == bindparam("job"))
HEARD = (
    select(EVENTS.number, EVENTS.kind, EVENTS.data).where(EVENTS.job == bindparam("job"), EVENTS.number > bindparam("after")).order_by(EVENTS.number).limit(bindparam("most"))
)  # fmt: skip

OLD = (
    select(EVENTS.job).join(JobRow, JOBS.id == EVENTS.job).where(JOBS.status.in_(ENDED), JOBS.finished < bindparam("before"))
    .group_by(EVENTS.job).having(func.count() > 1).limit(OLD_AT_ONCE)
)  # fmt: skip


@cache
def _listed(*narrowed: str) -> Select[Any]:
    """A tenant's jobs, newest first, with so much of the list."""
    narrow = {"status": JOBS.status == bindparam("status"), "session": JOBS.session == bindparam("session"), "before": JOBS.number < bindparam("before")}
    asked = select(*SHOWN).where(JOBS.tenant == bindparam("tenant"), *(narrow[name] for name in narrowed))
    return asked.order_by(JOBS.number.desc()).limit(bindparam("most"))


def tell_status(job: Job, ahead: int | None) -> Sequence[tuple[str, Json]]:
    """The least there is to tell of a job that changed."""
    return [("status", {"status": job.status} | ({} if ahead is None else {"ahead": ahead}))]


class SqlJobs:
    """Jobs in the tables of `service_tables.py`; the database must be up to date (`db.upgrade`).

    Every method raises StorageFailed if the database cannot be read or written; nothing half-written is kept.

    Args:
        tell: what is kept among its events when a job's status changes, in the same transaction.
        heard: called with a job's id after something about it was kept.
    """

    def __init__(self, engine: Engine, tell: Tell = tell_status, heard: Callable[[str], None] = lambda id: None) -> None:
        self.engine, self._tell, self._heard = engine, tell, heard

    def add(self, job: Job, most: int | None = None) -> tuple[Job, bool]:
        """Put a job at the end of the queue; where its key was used before, that earlier job and False.

        Args:
            most: jobs of one tenant that may wait.

        Raises:
            BadInput: if the key was used for something else, its id is taken, or too many of the tenant's jobs wait.
        """
        with writing(self.engine) as connection:
            _one_at_a_time(connection)
            earlier = _by_key(connection, job.tenant, job.key)
            if earlier is not None:
                return _same(earlier, job.asked), False
            if _find(connection, job.id) is not None:
                raise BadInput(f"there is already a job {job.id!r}")
            if most is not None and _waiting(connection, job.tenant) >= most:
                raise QueueFull(f"{most} jobs wait already", "wait until some are done, or cancel some")
            last: int = connection.execute(select(func.coalesce(func.max(JobRow.number), 0))).scalar_one()
            added = replace(job, number=last + 1, status="waiting", created=now())
            connection.execute(insert(JobRow), [{field.name: getattr(added, field.name) for field in fields(Job)}])
            self._told(connection, added)
        self._heard(job.id)
        return added, True

    def earlier(self, tenant: str, key: str, asked: str) -> Job | None:
        """The job that a tenant asked for under a key before; None if there is none. Raises BadInput if the key was used for something else."""
        with reading(self.engine) as connection:
            found = _by_key(connection, tenant, key)
        return None if found is None else _same(found, asked)

    def get(self, id: str) -> Job | None:
        """The job of that id."""
        with reading(self.engine) as connection:
            return _find(connection, id)

    def look(self, id: str) -> Job | None:
        """How the job of that id stands, without its request."""
        with reading(self.engine) as connection:
            return _job(connection.execute(LOOK, {"id": id}).first())

    def ahead(self, job: Job) -> int:
        """How many jobs came before it and are not done yet."""
        with reading(self.engine) as connection:
            return _ahead(connection, job)

    def places(self) -> Sequence[int]:
        """The numbers of all jobs that are not done, rising: how many are before one is where it stands in them."""
        with reading(self.engine) as connection:
            return connection.execute(NOT_DONE).scalars().all()

    def list(self, tenant: str, status: str | None = None, session: str | None = None, limit: int = 50, before: int | None = None) -> Sequence[Job]:
        """A tenant's jobs without their requests, newest first."""
        given = {name: value for name, value in (("status", status), ("session", session), ("before", before)) if value is not None}
        with reading(self.engine) as connection:
            return [Job(*row) for row in connection.execute(_listed(*given), {"tenant": tenant, "most": limit, **given})]

    def counts(self) -> dict[str, int]:
        """Jobs by status."""
        with reading(self.engine) as connection:
            return {row[0]: row[1] for row in connection.execute(select(JobRow.status, func.count()).group_by(JobRow.status))}

    def take(self, holder: str) -> Job | None:
        """The job whose turn it is, running from now on; None if none may run."""
        with reading(self.engine) as connection:  # mostly there is none, and a look disturbs no writer
            if connection.execute(WAITS).first() is None:
                return None
        with writing(self.engine) as connection:
            _one_at_a_time(connection)
            found = connection.execute(_next()).first()
            if found is None:
                return None
            _serve(connection, Job(*found))
            job = self._change(connection, Job(*found), status="running", holder=holder, started=found.started or now())
        self._heard(job.id)
        return job

    def end(self, id: str, status: str, error: Json | None = None, design: str | None = None) -> Job:
        """Write how a running job ended."""
        with writing(self.engine) as connection:
            before = _known(connection, id)
            job = self._change(connection, before, status=status, error=error, design=design or before.design, holder=None, finished=now())
        self._heard(id)
        return job

    def back(self, id: str) -> Job:
        """Let a running job wait again, in its old place."""
        with writing(self.engine) as connection:
            job = self._change(connection, _known(connection, id), status="waiting", holder=None)
        self._heard(id)
        return job

    def ask_to_stop(self, id: str) -> Job:
        """Cancel a waiting job at once; ask whoever runs it to stop; leave one that has ended."""
        with writing(self.engine) as connection:
            _one_at_a_time(connection)
            job = _known(connection, id)
            if job.status == "waiting":
                job = self._change(connection, job, status="cancelled", stop=True, finished=now())
            elif job.status == "running":
                job = self._change(connection, job, stop=True)
        self._heard(id)
        return job

    def stops(self, ids: Collection[str]) -> set[str]:
        """Those of these jobs that somebody wants stopped."""
        with reading(self.engine) as connection:
            return set(connection.execute(STOPS, {"ids": list(ids)}).scalars())

    def recover(self, is_alive: Callable[[str], bool]) -> Sequence[Job]:
        """Let jobs wait again whose holder is gone; those changed. A job that saw too many holders die has failed, one that was to stop is cancelled."""
        with reading(self.engine) as connection:
            holders = set(connection.execute(HOLDERS).scalars())
        gone = {holder for holder in holders if holder is None or not is_alive(holder)}
        if not gone:
            return []
        with writing(self.engine) as connection:
            _one_at_a_time(connection)
            asked = select(*COLUMNS).where(JobRow.status == "running", or_(JobRow.holder.in_(gone), JobRow.holder.is_(None)))
            changed = [self._orphaned(connection, Job(*row)) for row in connection.execute(asked.order_by(JobRow.number)).all()]
        for job in changed:
            self._heard(job.id)
        return changed

    def add_event(self, job: str, kind: str, data: Json) -> Event:
        """Keep something that happened to a job."""
        with writing(self.engine) as connection:
            _one_at_a_time(connection)
            event = _append(connection, job, kind, data)
        self._heard(job)
        return event

    def events(self, job: str, after: int = 0, limit: int = AT_ONCE) -> Sequence[Event]:
        """A job's events with a number above `after`, oldest first, at most so many."""
        with reading(self.engine) as connection:
            return [Event(*row) for row in connection.execute(HEARD, {"job": job, "after": after, "most": limit})]

    def forget(self, before: str) -> int:
        """Let go of what happened in jobs that had ended before that time, but for the last, which says how; how many events went."""
        gone = 0
        while True:
            with reading(self.engine) as connection:
                old = connection.execute(OLD, {"before": before}).scalars().all()
            if not old:
                return gone
            later = aliased(JobEventRow)
            more = exists().where(later.job == JobEventRow.job, later.number > JobEventRow.number)
            with writing(self.engine) as connection:
                gone += connection.execute(delete(JobEventRow).where(JobEventRow.job.in_(old), more)).rowcount

    def _orphaned(self, connection: Connection, job: Job) -> Job:
        if job.stop:
            return self._change(connection, job, status="cancelled", holder=None, finished=now())
        if job.deaths + 1 >= MOST_DEATHS:
            return self._change(connection, job, status="failed", holder=None, deaths=job.deaths + 1, finished=now(), error=DEADLY)
        return self._change(connection, job, status="waiting", holder=None, deaths=job.deaths + 1)

    def _change(self, connection: Connection, job: Job, **changes: Any) -> Job:
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(**changes))
        changed = replace(job, **changes)
        if changed.status != job.status:
            self._told(connection, changed)
        return changed

    def _told(self, connection: Connection, job: Job) -> None:
        for kind, data in self._tell(job, _ahead(connection, job) if job.status == "waiting" else None):
            _append(connection, job.id, kind, data)


class QueueFull(BadInput):
    """More jobs wait than a tenant may have waiting."""


def _next() -> Any:
    """The query for the job whose turn it is: first of its session's, of those served longest ago."""
    other, tenant, lane = aliased(JobRow), aliased(LaneRow), aliased(LaneRow)
    earlier = or_(other.status == "running", and_(other.status == "waiting", other.number < JobRow.number))
    taken = exists().where(other.session == JobRow.session, other.status.in_(OPEN), other.id != JobRow.id, earlier)
    name = case((JobRow.session.is_(None), JobRow.tenant + "/"), else_=JobRow.tenant + "/" + JobRow.session)
    return (
        select(*COLUMNS)
        .outerjoin(tenant, tenant.name == JobRow.tenant)
        .outerjoin(lane, lane.name == name)
        .where(JobRow.status == "waiting", or_(JobRow.session.is_(None), ~taken))
        .order_by(func.coalesce(tenant.served, 0), func.coalesce(lane.served, 0), JobRow.number)
        .limit(1)
    )


def _serve(connection: Connection, job: Job) -> None:
    """Put the job's tenant and session at the end of the line."""
    now: int = connection.execute(select(func.coalesce(func.max(LaneRow.served), 0))).scalar_one() + 1
    for name in (job.tenant, f"{job.tenant}/{job.session or ''}"):
        if not connection.execute(update(LaneRow).where(LaneRow.name == name).values(served=now)).rowcount:
            connection.execute(insert(LaneRow), [{"name": name, "served": now}])


def _ahead(connection: Connection, job: Job) -> int:
    return int(connection.execute(AHEAD, {"number": job.number}).scalar_one())


def _append(connection: Connection, job: str, kind: str, data: Json) -> Event:
    last: int = connection.execute(LAST, {"job": job}).scalar_one()
    connection.execute(insert(JobEventRow), [{"job": job, "number": last + 1, "kind": kind, "data": data, "at": now()}])
    return Event(last + 1, kind, data)


def _find(connection: Connection, id: str) -> Job | None:
    return _job(connection.execute(FIND, {"id": id}).first())


def _known(connection: Connection, id: str) -> Job:
    found = _find(connection, id)
    if found is None:
        raise BadInput(f"there is no job {id!r}")
    return found


def _by_key(connection: Connection, tenant: str, key: str | None) -> Job | None:
    return None if key is None else _job(connection.execute(select(*COLUMNS).where(JobRow.tenant == tenant, JobRow.key == key)).first())


def _job(row: Row[Any] | None) -> Job | None:
    return None if row is None else Job(*tuple(row))


def _same(earlier: Job, asked: str | None) -> Job:
    if earlier.asked != asked:
        raise KeyUsed(f"the Idempotency-Key {earlier.key!r} was used for another request", "use a new key for each new request")
    return earlier


class KeyUsed(BadInput):
    """An Idempotency-Key came again with another request."""


def _waiting(connection: Connection, tenant: str) -> int:
    return int(connection.execute(select(func.count()).where(JobRow.status == "waiting", JobRow.tenant == tenant)).scalar_one())


def _one_at_a_time(connection: Connection) -> None:
    """Keep other processes out of the queue until this transaction ends (on SQLite a writer is alone anyway)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1668642935)")
