"""Sessions and their turns in a SQL database. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from cutwork.domain import Json, Session, Turn
from cutwork.errors import BadInput, StorageFailed
from cutwork.storage.clock import now
from cutwork.storage.db import reading, writing
from cutwork.storage.rows import pack
from cutwork.storage.session_tables import SessionRow, TurnRow
from cutwork.storage.tables import Table

Kind = TypeVar("Kind", Session, Turn)
NAMING = {"id", "session", "number", "onward"}  # columns that no change of the value writes
HIDDEN = {"onward", "rest"}  # columns that are no field
MOST = 1_000  # sessions of one list
OVER = ("done", "failed", "cancelled")  # turns to which nothing more happens


class SqlSessions:
    """Sessions in the tables of `session_tables.py`; the database must be up to date (`db.upgrade`).

    Every method raises StorageFailed if the database cannot be read or written; nothing half-written is kept.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, session: Session) -> None:
        """Insert a new session.

        Raises:
            BadInput: if there is one of that id.
        """
        with writing(self.engine) as connection:
            if _row(connection, session.id) is not None:
                raise BadInput(f"there is already a session {session.id!r}")
            connection.execute(insert(SessionRow), [pack(SessionRow, session.model_dump(mode="json"))])

    def get(self, id: str) -> Session:
        """The session of that id.

        Raises:
            BadInput: if there is none.
        """
        with reading(self.engine) as connection:
            return _session(connection, id)

    def copy(self, id: str, new: str) -> Session:
        """Insert a session with the turns of another that are over, which stands where that stands. Their designs are the same.

        Raises:
            BadInput: if there is no such session, or already one of the new id.
        """
        with writing(self.engine) as connection:
            _lock(connection, id)
            if _row(connection, new) is not None:
                raise BadInput(f"there is already a session {new!r}")
            began = {"id": new, "created": now(), "updated": now()}
            connection.execute(insert(SessionRow), [dict(_row(connection, id)) | began])
            over = select(TurnRow.__table__).where(TurnRow.session == id, TurnRow.status.in_(OVER)).order_by(TurnRow.number)
            turns = [dict(row) | {"session": new} for row in connection.execute(over).mappings()]
            if turns:
                connection.execute(insert(TurnRow), turns)
            return _session(connection, new)

    def list(self, owner: str, limit: int = 50, after: str | None = None) -> Sequence[Session]:
        """An owner's sessions, newest first; `after` is the id of the last one seen.

        Raises:
            BadInput: if the limit cannot be, or there is no session `after`.
        """
        if not 1 <= limit <= MOST:
            raise BadInput(f"limit is {limit}, wanted 1 to {MOST}")
        asked = select(SessionRow.__table__).where(SessionRow.owner == owner).order_by(SessionRow.created.desc(), SessionRow.id.desc()).limit(limit)
        with reading(self.engine) as connection:
            if after is not None:
                last = _session(connection, after)
                asked = asked.where((SessionRow.created < last.created) | ((SessionRow.created == last.created) & (SessionRow.id < last.id)))
            return [_as(Session, row) for row in connection.execute(asked).mappings()]

    def change(self, id: str, edit: Callable[[Session], Session]) -> Session:
        """Read, edit and save a session in one transaction.

        Raises:
            BadInput: if there is none. What `edit` raises passes through, and nothing is changed.
        """
        with writing(self.engine) as connection:
            _lock(connection, id)
            after = edit(_session(connection, id)).model_copy(update={"updated": now()})
            connection.execute(update(SessionRow).where(SessionRow.id == id).values(**_columns(SessionRow, after)))
            return after

    def delete(self, id: str) -> None:
        """Delete a session with its turns; the designs they made stay.

        Raises:
            BadInput: if there is none.
        """
        with writing(self.engine) as connection:
            _lock(connection, id)
            connection.execute(delete(SessionRow).where(SessionRow.id == id))

    def turns(self, session: str) -> tuple[Turn, ...]:
        """Every turn of a session, in the order of their numbers.

        Raises:
            BadInput: if there is no such session.
        """
        with reading(self.engine) as connection:
            _session(connection, session)
            asked = select(TurnRow.__table__).where(TurnRow.session == session).order_by(TurnRow.number)
            return tuple(_as(Turn, row) for row in connection.execute(asked).mappings())

    def turn(self, session: str, id: str) -> Turn:
        """One turn.

        Raises:
            BadInput: if there is none.
        """
        with reading(self.engine) as connection:
            return _turn(connection, session, id)

    def add(self, session: str, make: Callable[[Session, int, Callable[[str], Turn]], Turn]) -> Turn:
        """Insert the session's next turn, made of the session as it stands, the turn's number, and what finds others of its turns.

        Raises:
            BadInput: if there is no such session, or it has a turn of that id.
        """
        with writing(self.engine) as connection:
            _lock(connection, session)
            last: int | None = connection.execute(select(func.max(TurnRow.number)).where(TurnRow.session == session)).scalar()
            turn = make(_session(connection, session), (last or 0) + 1, partial(_turn, connection, session))
            if connection.execute(select(TurnRow.id).where(TurnRow.session == session, TurnRow.id == turn.id)).scalar() is not None:
                raise BadInput(f"session {session} has a turn {turn.id!r} already")
            connection.execute(insert(TurnRow), [pack(TurnRow, turn.model_dump(mode="json"))])
            connection.execute(update(SessionRow).where(SessionRow.id == session).values(updated=now()))
            return turn

    def change_turn(self, session: str, id: str, edit: Callable[[Turn], Turn]) -> Turn:
        """Read, edit and save a turn in one transaction.

        Raises:
            BadInput: if there is none.
        """
        with writing(self.engine) as connection:
            _lock(connection, session)
            after = edit(_turn(connection, session, id))
            _save(connection, after)
            return after

    def finish(self, turn: Turn, head: str | None) -> None:
        """Save a turn that is done and stand on `head`, in one transaction.

        Raises:
            BadInput: if session, turn or head are not there.
        """
        with writing(self.engine) as connection:
            _lock(connection, turn.session)
            _save(connection, turn)
            _stand(connection, turn.session, head)

    def stand(self, session: str, head: str | None) -> Session:
        """Move the head, to a turn or before the first of them, and remember the way there for redo.

        Raises:
            BadInput: if session or turn are not there.
        """
        with writing(self.engine) as connection:
            _lock(connection, session)
            _stand(connection, session, head)
            return _session(connection, session)

    def onward(self, session: str, turn: str | None) -> str | None:
        """The turn that was stood on last beyond this one (None: beyond the fresh start); None if there is none."""
        asked = select(SessionRow.onward).where(SessionRow.id == session)
        if turn is not None:
            asked = select(TurnRow.onward).where(TurnRow.session == session, TurnRow.id == turn)
        with reading(self.engine) as connection:
            found: str | None = connection.execute(asked).scalar()
            return found

    def designs(self) -> set[str]:
        """Every run that some turn names."""
        with reading(self.engine) as connection:
            return {design for design in connection.execute(select(TurnRow.design).distinct()).scalars() if design is not None}


def _stand(connection: Connection, session: str, head: str | None) -> None:
    child = head
    while child is not None:  # every turn on the way leads to the next one
        parent = _turn(connection, session, child).parent
        where = SessionRow if parent is None else TurnRow
        place = (SessionRow.id == session,) if parent is None else (TurnRow.session == session, TurnRow.id == parent)
        connection.execute(update(where).where(*place).values(onward=child))
        child = parent
    connection.execute(update(SessionRow).where(SessionRow.id == session).values(head=head, updated=now()))


def _columns(table: type[Table], value: Turn | Session) -> Json:
    """What of a row a change of its value writes."""
    return {key: item for key, item in pack(table, value.model_dump(mode="json")).items() if key not in NAMING}


def _save(connection: Connection, turn: Turn) -> None:
    done = connection.execute(update(TurnRow).where(TurnRow.session == turn.session, TurnRow.id == turn.id).values(**_columns(TurnRow, turn)))
    if not done.rowcount:
        raise _no_turn(turn.session, turn.id)


def _session(connection: Connection, id: str) -> Session:
    row = _row(connection, id)
    if row is None:
        raise _no_session(id)
    return _as(Session, row)


def _turn(connection: Connection, session: str, id: str) -> Turn:
    row = connection.execute(select(TurnRow.__table__).where(TurnRow.session == session, TurnRow.id == id)).mappings().first()
    if row is None:
        raise _no_turn(session, id)
    return _as(Turn, row)


def _row(connection: Connection, id: str) -> Any:
    return connection.execute(select(SessionRow.__table__).where(SessionRow.id == id)).mappings().first()


def _lock(connection: Connection, id: str) -> None:
    """Keep other processes from changing this session (a no-op on SQLite, where a writer is alone anyway)."""
    if connection.execute(select(SessionRow.id).where(SessionRow.id == id).with_for_update()).scalar() is None:
        raise _no_session(id)


def _as(kind: type[Kind], row: Any) -> Kind:
    try:
        return kind.model_validate({key: item for key, item in row.items() if key not in HIDDEN} | (row["rest"] or {}))
    except ValidationError as error:
        what = f"{kind.__name__.lower()} {row['id']!r}"
        raise StorageFailed(f"the {what} in the database cannot be read: {error}", "it was changed by hand or by another version of Cutwork") from error


def _no_session(id: str) -> BadInput:
    return BadInput(f"there is no session {id!r}", "`cutwork sessions` lists those there are")


def _no_turn(session: str, id: str) -> BadInput:
    return BadInput(f"session {session} has no turn {id!r}")
