"""Tables of the service: jobs and what happened to them, who may see what, and keys to the door.

They name runs and sessions by id without hanging on them: a job is there before its run is, and may outlive it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cutwork.storage.tables import HASH, ID, TIME, JsonMap, Table

LANE = String(420)


class JobRow(Table):
    """A piece of work that was asked for."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(32))
    tenant: Mapped[str] = mapped_column(ID)
    session: Mapped[str | None] = mapped_column(ID)
    turn: Mapped[str | None] = mapped_column(ID)
    design: Mapped[str | None] = mapped_column(ID)
    request: Mapped[JsonMap]
    error: Mapped[JsonMap | None]
    key: Mapped[str | None] = mapped_column(ID)
    asked: Mapped[str | None] = mapped_column(HASH)
    holder: Mapped[str | None] = mapped_column(ID)
    stop: Mapped[bool]
    deaths: Mapped[int]
    created: Mapped[str] = mapped_column(TIME)
    started: Mapped[str | None] = mapped_column(TIME)
    finished: Mapped[str | None] = mapped_column(TIME)
    __table_args__ = (
        Index(None, "number", unique=True),
        Index(None, "tenant", "key", unique=True),
        Index(None, "tenant", "number"),
        Index(None, "status", "number"),
        Index(None, "session", "number"),
    )


class JobEventRow(Table):
    """Something that happened to a job, numbered from 1 in it."""

    __tablename__ = "job_events"
    job: Mapped[str] = mapped_column(ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, sort_order=-9)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    at: Mapped[str] = mapped_column(TIME)
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[JsonMap]


class LaneRow(Table):
    """When a tenant, or one of its sessions, had its turn last: a count that only grows."""

    __tablename__ = "lanes"
    name: Mapped[str] = mapped_column(LANE, primary_key=True)
    served: Mapped[int] = mapped_column(BigInteger)


class TokenRow(Table):
    """A key to the service, by its hash. Its name is the tenant it lets in."""

    __tablename__ = "tokens"
    name: Mapped[str] = mapped_column(ID, primary_key=True)
    sha256: Mapped[str] = mapped_column(HASH)
    created: Mapped[str] = mapped_column(TIME)
    __table_args__ = (Index(None, "sha256", unique=True),)


class OwnerRow(Table):
    """Whose a run is. A run without a row is of this machine."""

    __tablename__ = "owners"
    run: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ID, index=True)


class FileRow(Table):
    """A blob that a tenant may see though no run of its names it: what it uploaded, previews, heat maps."""

    __tablename__ = "files"
    tenant: Mapped[str] = mapped_column(ID, primary_key=True, sort_order=-9)
    sha256: Mapped[str] = mapped_column(HASH, primary_key=True, sort_order=-8)
    kind: Mapped[str] = mapped_column(String(32))
    media_type: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    created: Mapped[str] = mapped_column(TIME)
    __table_args__ = (Index(None, "kind", "sha256"),)
