"""The tables of sessions: who talks, and the tree of turns.

A column has the name of the domain field it holds, as in `tables.py`. `onward` is the turn that was stood on last beyond a turn (of a
session: beyond the fresh start), so that redo knows where to go.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cutwork.storage.tables import HASH, ID, TIME, JsonList, JsonMap, Table

SHORT = String(64)


class SessionRow(Table):
    """A session, without its turns."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(SHORT, primary_key=True)
    title: Mapped[str]
    created: Mapped[str] = mapped_column(TIME)
    updated: Mapped[str] = mapped_column(TIME)
    head: Mapped[str | None] = mapped_column(SHORT)
    approve: Mapped[bool]
    owner: Mapped[str] = mapped_column(ID)
    onward: Mapped[str | None] = mapped_column(SHORT)
    __table_args__ = (Index(None, "owner", "created", "id"),)


class TurnRow(Table):
    """A turn; the run of its design may be deleted, the turn stays."""

    __tablename__ = "turns"
    session: Mapped[str] = mapped_column(SHORT, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, sort_order=-9)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    id: Mapped[str] = mapped_column(SHORT)
    parent: Mapped[str | None] = mapped_column(SHORT)
    words: Mapped[str]
    calls: Mapped[JsonList]
    reply: Mapped[str]
    design: Mapped[str | None] = mapped_column(ID)
    status: Mapped[str] = mapped_column(String(32))
    locks: Mapped[JsonList]
    area: Mapped[JsonList | None]
    frozen: Mapped[str | None] = mapped_column(HASH)
    changes: Mapped[JsonList]
    cost: Mapped[JsonMap]
    question: Mapped[JsonMap | None]
    error: Mapped[str | None]
    created: Mapped[str] = mapped_column(TIME)
    onward: Mapped[str | None] = mapped_column(SHORT)
    __table_args__ = (Index(None, "session", "id", unique=True), Index(None, "design"))
