"""Runs in a SQL database: the `Designs` protocol, and what the commands ask besides. Every method is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, Select, bindparam, delete, func, insert, select, union, update

from cutwork.domain import Design, Json, LlmCall
from cutwork.errors import BadInput, StorageFailed
from cutwork.storage.clock import now
from cutwork.storage.db import reading, writing
from cutwork.storage.rows import HASHES, TABLES, from_rows, named, pack, to_rows, unpack
from cutwork.storage.tables import (
    ArtifactRow,
    BriefRow,
    CallRow,
    CutoutRow,
    ErrorRow,
    EventRow,
    ExpansionRow,
    PlanRow,
    RenderRow,
    RoundRow,
    RunRow,
    Table,
)

STATUSES: tuple[str, ...] = get_args(Design.model_fields["status"].annotation)
PARTS = (BriefRow, ExpansionRow, RoundRow, PlanRow, ArtifactRow)  # deleting these deletes all of a run but its calls, events and errors
AT_ONCE = 500  # runs read by one query
MOST = 2**63 - 1  # runs a database can be asked for

Event = tuple[int, str, dict[str, Any]]


class Summary(NamedTuple):
    """A run in a list."""

    id: str
    status: str
    brief: str
    created: str


class SqlDesigns:
    """Runs in the tables of `tables.py`; the database must be up to date (`db.upgrade`).

    Every method raises StorageFailed if the database cannot be read or written; nothing half-written is kept.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, design: Design) -> None:
        """Insert a new run.

        Raises:
            BadInput: if there is one of that id.
        """
        with writing(self.engine) as connection:
            if _exists(connection, design.id):
                raise BadInput(f"there is already a run {design.id!r}")
            _write(connection, design)

    def save(self, design: Design) -> None:
        """Insert or replace the run with everything in it; its calls, events and past errors stay."""
        with writing(self.engine) as connection:
            _write(connection, design)

    def get(self, id: str) -> Design:
        """The run of that id.

        Raises:
            BadInput: if there is none.
        """
        with reading(self.engine) as connection:
            found = _load(connection, [id])
        if not found:
            raise _unknown(id)
        return found[0]

    def change(self, id: str, edit: Callable[[Design], Design]) -> Design:
        """Read, edit and save the run in one transaction: of two that change it at once, neither undoes the other.

        Raises:
            BadInput: if there is no such run. What `edit` raises passes through, and nothing is changed.
        """
        with writing(self.engine) as connection:
            _lock(connection, id)
            (before,) = _load(connection, [id])
            after = edit(before)
            if after != before:
                _write(connection, after)
            return after

    def list(self, limit: int = 50, status: str | None = None) -> Sequence[Design]:
        """Whole runs, newest first."""
        with reading(self.engine) as connection:
            ids = connection.execute(_newest(select(RunRow.id), limit, status)).scalars().all()
            return [design for start in range(0, len(ids), AT_ONCE) for design in _load(connection, ids[start : start + AT_ONCE])]

    def list_summaries(self, limit: int = 50, status: str | None = None) -> Sequence[Summary]:
        """What a list of runs shows, newest first, without reading the runs."""
        asked = select(RunRow.id, RunRow.status, BriefRow.text, RunRow.created).join(BriefRow, BriefRow.run == RunRow.id)
        with reading(self.engine) as connection:
            return [Summary(*row) for row in connection.execute(_newest(asked, limit, status))]

    def set_status(self, id: str, status: str, error: str | None = None) -> None:
        """Change only how the run stands. An error is also kept among its past errors.

        Raises:
            BadInput: if there is no such run or status.
        """
        _check_status(status)
        with writing(self.engine) as connection:
            _lock(connection, id)
            _note_error(connection, id, status, error, _past_error(connection, id))
            connection.execute(update(RunRow).where(RunRow.id == id).values(status=status, error=error))

    def delete(self, id: str) -> None:
        """Delete the run with everything in it, its calls, events and errors too. Its blobs stay until they are collected.

        Raises:
            BadInput: if there is none.
        """
        with writing(self.engine) as connection:
            _lock(connection, id)
            connection.execute(delete(RunRow).where(RunRow.id == id))

    def statuses(self) -> dict[str, str]:
        """How every run stands, by id."""
        with reading(self.engine) as connection:
            return {row.id: row.status for row in connection.execute(select(RunRow.id, RunRow.status))}

    def find_by_artifact(self, sha256: str) -> Sequence[str]:
        """Ids of the runs that made this file, newest first: a finished file, a round's image, a cut-out or its mask."""
        makers = union(
            select(ArtifactRow.run).where(ArtifactRow.sha256 == sha256),
            select(RenderRow.run).where(RenderRow.image == sha256),
            select(CutoutRow.run).where((CutoutRow.image == sha256) | (CutoutRow.mask == sha256)),
        ).subquery()
        with reading(self.engine) as connection:
            return connection.execute(_newest(select(RunRow.id).join(makers, makers.c.run == RunRow.id), None, None)).scalars().all()

    def blobs(self) -> set[str]:
        """Every blob that some run names."""
        with reading(self.engine) as connection:
            return set(named({table: _rows(connection, select(*(table.__table__.c[name] for name in names))) for table, names in HASHES.items()}))

    def add_call(self, run: str, call: LlmCall) -> None:
        """Keep one question to the language model.

        Raises:
            BadInput: if there is no such run.
        """
        with writing(self.engine) as connection:
            _append(connection, CallRow, run, call.model_dump(mode="json"))

    def calls(self, run: str) -> Sequence[LlmCall]:
        """The run's questions to the language model, oldest first."""
        with reading(self.engine) as connection:
            rows = _rows(connection, select(CallRow.__table__).where(CallRow.run == run).order_by(CallRow.number))
        return [LlmCall.model_validate({key: value for key, value in unpack(row).items() if key != "number"}) for row in rows]

    def add_event(self, run: str, kind: str, data: dict[str, Any]) -> int:
        """Keep something that happened; its number in the run, from 1.

        Raises:
            BadInput: if there is no such run.
        """
        with writing(self.engine) as connection:
            return _append(connection, EventRow, run, {"kind": kind, "data": data})

    def events(self, run: str, after: int = 0) -> Sequence[Event]:
        """The run's events with a number above `after`, oldest first."""
        asked = select(EventRow.number, EventRow.kind, EventRow.data).where(EventRow.run == run, EventRow.number > after).order_by(EventRow.number)
        with reading(self.engine) as connection:
            return [(row.number, row.kind, row.data) for row in connection.execute(asked)]

    def errors(self, run: str) -> Sequence[str]:
        """Every error the run met, oldest first, also those it was resumed from."""
        with reading(self.engine) as connection:
            return connection.execute(select(ErrorRow.message).where(ErrorRow.run == run).order_by(ErrorRow.number)).scalars().all()

    def holds(self, design: Design) -> bool:
        """Whether exactly this run is here.

        Raises:
            BadInput: if another run has its id.
        """
        with reading(self.engine) as connection:
            return _is_here(connection, design)

    def restore(self, design: Design, calls: Sequence[LlmCall], events: Sequence[tuple[str, dict[str, Any]]]) -> bool:
        """Insert a whole run as it was elsewhere; False if it is here already.

        Raises:
            BadInput: if another run has its id.
        """
        with writing(self.engine) as connection:
            if _is_here(connection, design):
                return False
            _write(connection, design)
            for call in calls:
                _append(connection, CallRow, design.id, call.model_dump(mode="json"))
            for kind, data in events:
                _append(connection, EventRow, design.id, {"kind": kind, "data": data})
            return True


def _write(connection: Connection, design: Design) -> None:
    """Insert or replace. The run's own row is updated, never deleted: its calls and events hang on it."""
    rows = to_rows(design)
    (run,) = rows.pop(RunRow)
    past = _past_error(connection, design.id)
    if _exists(connection, design.id):
        for part in PARTS:
            connection.execute(delete(part).where(part.run == design.id))
        connection.execute(update(RunRow).where(RunRow.id == design.id).values({key: run[key] for key in run.keys() - {"id", "inserted"}}))
    else:
        connection.execute(insert(RunRow), [run | {"inserted": now()}])
    _note_error(connection, design.id, design.status, design.error, past)
    for table in TABLES:
        if rows.get(table):
            connection.execute(insert(table), rows[table])


def _load(connection: Connection, ids: Sequence[str]) -> Sequence[Design]:
    """The runs of those ids that there are, in that order: one query a table, whatever their number."""
    found: dict[str, dict[type[Table], Any]] = {}
    for table in TABLES:
        for row in _rows(connection, _query(table), ids=ids):
            found.setdefault(row[_owner(table)], defaultdict(list))[table].append(row)
    return [_design(id, found[id]) for id in ids if id in found]


def _design(id: str, rows: Mapping[type[Table], Any]) -> Design:
    try:
        return from_rows(rows)
    except (ValidationError, LookupError, ValueError, StopIteration) as error:
        raise StorageFailed(f"the run {id!r} in the database cannot be read: {error}", "it was changed by hand or by another version of Cutwork") from error


def _newest(asked: Any, limit: int | None, status: str | None) -> Any:
    if status is not None:
        _check_status(status)
        asked = asked.where(RunRow.status == status)
    if limit is not None and not 1 <= limit <= MOST:
        raise BadInput(f"limit is {limit}, wanted 1 to {MOST}")
    return asked.order_by(RunRow.created.desc(), RunRow.inserted.desc(), RunRow.id.desc()).limit(limit)


def _append(connection: Connection, table: type[CallRow] | type[EventRow] | type[ErrorRow], run: str, value: Json) -> int:
    """Insert a row with the run's next number."""
    _lock(connection, run)
    last: int | None = connection.execute(select(func.max(table.number)).where(table.run == run)).scalar()
    number = (last or 0) + 1
    connection.execute(insert(table), [pack(table, value, run=run, number=number, at=now())])
    return number


def _past_error(connection: Connection, run: str) -> str | None:
    found: str | None = connection.execute(select(RunRow.error).where(RunRow.id == run)).scalar()
    return found


def _note_error(connection: Connection, run: str, status: str, error: str | None, past: str | None) -> None:
    """Keep an error among the run's; saving a run with the same error twice keeps it once."""
    if error is not None and error != past:
        _append(connection, ErrorRow, run, {"status": status, "message": error})


def _lock(connection: Connection, run: str) -> None:
    """Keep other processes from numbering rows of this run (a no-op on SQLite, where a writer is alone anyway)."""
    if connection.execute(select(RunRow.id).where(RunRow.id == run).with_for_update()).scalar() is None:
        raise _unknown(run)


def _is_here(connection: Connection, design: Design) -> bool:
    here = _load(connection, [design.id])
    if here and here[0] != design:
        raise BadInput(f"there is already another run {design.id!r}", "nothing was changed; import it into another CUTWORK_HOME")
    return bool(here)


def _exists(connection: Connection, id: str) -> bool:
    return connection.execute(select(RunRow.id).where(RunRow.id == id)).scalar() is not None


def _check_status(status: str) -> None:
    if status not in STATUSES:
        raise BadInput(f"there is no status {status!r}; there are {', '.join(STATUSES)}")


def _unknown(id: str) -> BadInput:
    return BadInput(f"there is no run {id!r}", "`cutwork runs` lists those there are")


def _rows(connection: Connection, asked: Select[Any], **values: Any) -> Sequence[Json]:
    return [dict(row) for row in connection.execute(asked, values).mappings()]


def _owner(table: type[Table]) -> str:
    return "id" if table is RunRow else "run"


@cache  # making it costs more than running it
def _query(table: type[Table]) -> Select[Any]:
    """All rows of some runs."""
    columns = table.__table__
    return select(columns).where(columns.c[_owner(table)].in_(bindparam("ids", expanding=True))).order_by(*columns.primary_key)
