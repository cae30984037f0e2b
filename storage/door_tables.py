"""The table of the doors that other software uses: what their protocols want kept and our own tables have no place for."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cutwork.storage.tables import ID, TIME, JsonMap, Table


class NoteRow(Table):
    """Something a door remembers for a tenant under a name."""

    __tablename__ = "door_notes"
    tenant: Mapped[str] = mapped_column(ID, primary_key=True, sort_order=-9)
    door: Mapped[str] = mapped_column(String(32), primary_key=True, sort_order=-8)
    name: Mapped[str] = mapped_column(ID, primary_key=True, sort_order=-7)
    data: Mapped[JsonMap]
    updated: Mapped[str] = mapped_column(TIME)
    __table_args__ = (Index(None, "tenant", "door", "updated"),)
