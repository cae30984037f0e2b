"""What a door remembers, by tenant and name: the metadata of a thread, the session that a conversation belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from cutwork.domain import Json
from cutwork.storage.clock import now
from cutwork.storage.db import reading, writing
from cutwork.storage.door_tables import NoteRow


class Note(NamedTuple):
    """One thing remembered."""

    name: str
    data: Json
    updated: str


class SqlNotes:
    """Notes in the table of `door_tables.py`, those of one door; the database must be up to date (`db.upgrade`).

    Every method raises StorageFailed if the database cannot be read or written; nothing half-written is kept.
    """

    def __init__(self, engine: Engine, door: str) -> None:
        self.engine, self.door = engine, door

    def put(self, tenant: str, name: str, data: Json) -> None:
        """Remember this, instead of what was remembered under that name."""
        with writing(self.engine) as connection:
            _put(connection, tenant, self.door, name, data)

    def change(self, tenant: str, name: str, how: Callable[[Json], Json]) -> None:
        """Remember what `how` makes of what was remembered ({} if nothing was), with nobody in between."""
        with writing(self.engine) as connection:
            old = connection.execute(select(NoteRow.data).where(*self._where(tenant), NoteRow.name == name)).scalar()
            _put(connection, tenant, self.door, name, how(old or {}))

    def get(self, tenant: str, name: str) -> Json | None:
        """What is remembered under that name."""
        with reading(self.engine) as connection:
            found: Json | None = connection.execute(select(NoteRow.data).where(*self._where(tenant), NoteRow.name == name)).scalar()
            return found

    def all(self, tenant: str) -> Sequence[Note]:
        """Everything of a tenant, the newest first."""
        asked = select(NoteRow.name, NoteRow.data, NoteRow.updated).where(*self._where(tenant)).order_by(NoteRow.updated.desc(), NoteRow.name)
        with reading(self.engine) as connection:
            return [Note(*row) for row in connection.execute(asked)]

    def drop(self, tenant: str, name: str) -> None:
        """Forget it; nothing happens where nothing is remembered."""
        with writing(self.engine) as connection:
            connection.execute(delete(NoteRow).where(*self._where(tenant), NoteRow.name == name))

    def _where(self, tenant: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return NoteRow.tenant == tenant, NoteRow.door == self.door


def _put(connection: Connection, tenant: str, door: str, name: str, data: Json) -> None:
    place = {"tenant": tenant, "door": door, "name": name}
    where = (NoteRow.tenant == tenant, NoteRow.door == door, NoteRow.name == name)
    values = {"data": data, "updated": now()}
    if not connection.execute(update(NoteRow).where(*where).values(**values)).rowcount:
        connection.execute(insert(NoteRow), [place | values])
