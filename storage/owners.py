"""Whose runs and files are: runs that carry their tenant from birth, and blobs that a tenant may see besides.

Runs made by commands on this machine have no row here and belong to "local".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, String, and_, bindparam, cast, delete, insert, literal, or_, select, update

from cutwork.domain import Design
from cutwork.storage.clock import now
from cutwork.storage.db import reading, writing
from cutwork.storage.designs import SqlDesigns
from cutwork.storage.service_tables import FileRow, OwnerRow
from cutwork.storage.tables import ArtifactRow, BriefRow, CutoutRow, RegionRow, RenderRow, RunRow

LOCAL = "local"
_tenant: ContextVar[str] = ContextVar("tenant", default=LOCAL)


@contextmanager
def working_for(tenant: str) -> Iterator[None]:
    """Runs that are created meanwhile, in this thread, are this tenant's."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


@dataclass(frozen=True)
class File:
    """A blob and what is known of it without reading it."""

    sha256: str
    media_type: str
    kind: str = "upload"
    width: int | None = None
    height: int | None = None


class Listed(NamedTuple):
    """A run in a tenant's list, and its place in it."""

    id: str
    status: str
    brief: str
    created: str
    inserted: str
    image: str | None

    @property
    def place(self) -> list[str]:
        """What stands in a cursor."""
        return [self.created, self.inserted, self.id]


class OwnedDesigns(SqlDesigns):
    """Runs, each its tenant's."""

    def create(self, design: Design) -> None:
        """As `SqlDesigns.create`, for the tenant that is worked for."""
        tenant = _tenant.get()
        if tenant != LOCAL:  # first, so that no run of a tenant is ever without its owner
            with writing(self.engine) as connection:
                if connection.execute(select(OwnerRow.run).where(OwnerRow.run == design.id)).first() is None:
                    connection.execute(insert(OwnerRow), [{"run": design.id, "tenant": tenant}])
        super().create(design)

    def delete(self, id: str) -> None:
        """As `SqlDesigns.delete`."""
        super().delete(id)
        with writing(self.engine) as connection:
            connection.execute(delete(OwnerRow).where(OwnerRow.run == id))

    def blobs(self) -> set[str]:
        """Every blob that some run names, or somebody uploaded."""
        with reading(self.engine) as connection:
            uploads = set(connection.execute(select(FileRow.sha256).where(FileRow.kind == "upload")).scalars())
        return super().blobs() | uploads

    def is_here(self, id: str) -> bool:
        """Whether there is a run of that id."""
        with reading(self.engine) as connection:
            return connection.execute(select(RunRow.id).where(RunRow.id == id)).first() is not None

    def is_of(self, tenant: str, id: str) -> bool:
        """Whether there is a run of that id and it is this tenant's."""
        asked = select(RunRow.id).outerjoin(OwnerRow, OwnerRow.run == RunRow.id).where(RunRow.id == id, _owned(tenant))
        with reading(self.engine) as connection:
            return connection.execute(asked).first() is not None

    def page(self, tenant: str, limit: int, after: Sequence[str] | None = None) -> Sequence[Listed]:
        """A tenant's runs, newest first, from behind the place of the last one seen."""
        place = dict(zip(("created", "inserted", "id"), after or (), strict=False))
        with reading(self.engine) as connection:
            return [Listed(*row) for row in connection.execute(_page(tenant == LOCAL, bool(place)), {"tenant": tenant, "most": limit, **place})]

    def find_file(self, tenant: str, sha256: str) -> File | None:
        """What a tenant may see under that hash: a file of one of its runs, or one that was given to it."""
        with reading(self.engine) as connection:
            given = select(FileRow.sha256, FileRow.media_type, FileRow.kind, FileRow.width, FileRow.height)
            row = connection.execute(given.where(FileRow.tenant == tenant, FileRow.sha256 == sha256)).first()
            if row is not None:
                return File(*row)
            for table, where, media_type in _places(sha256):
                asked = select(media_type).select_from(table).outerjoin(OwnerRow, OwnerRow.run == table.run).where(where, _owned(tenant)).limit(1)
                found = connection.execute(asked).first()
                if found is not None:
                    return File(sha256, found[0], "run")
        return None

    def may_use(self, sha256: str) -> bool:
        """Whether the tenant that is worked for may name a blob. Whoever sits at this machine may name any."""
        tenant = _tenant.get()
        return tenant == LOCAL or self.find_file(tenant, sha256) is not None

    def give_file(self, tenant: str, file: File) -> None:
        """Let a tenant see a blob from now on."""
        values = {"media_type": file.media_type, "kind": file.kind, "width": file.width, "height": file.height}
        mine = (FileRow.tenant == tenant) & (FileRow.sha256 == file.sha256)
        with writing(self.engine) as connection:
            before: str | None = connection.execute(select(FileRow.kind).where(mine)).scalar()
            if before is None:
                connection.execute(insert(FileRow), [{"tenant": tenant, "sha256": file.sha256, "created": now()} | values])
            elif before != "upload" and (file.kind != "preview" or before == "preview"):  # what is kept for longer stays so
                connection.execute(update(FileRow).where(mine).values(**values, created=now()))

    def forget_previews(self, before: str) -> int:
        """Show nobody previews any more that were made before that time; how many."""
        with writing(self.engine) as connection:
            return connection.execute(delete(FileRow).where(FileRow.kind == "preview", FileRow.created < before)).rowcount


@cache  # making it costs more than running it
def _page(local: bool, on: bool) -> Select[Any]:
    """A tenant's runs, newest first; `on` goes on behind a place."""
    runs, artifacts, owners = RunRow.__table__.c, ArtifactRow.__table__.c, OwnerRow.__table__.c
    image = select(artifacts.sha256).where(artifacts.run == runs.id, artifacts.kind == "image").order_by(artifacts.position).limit(1)
    theirs = owners.tenant == bindparam("tenant")
    asked = (
        select(runs.id, runs.status, BriefRow.__table__.c.text, runs.created, runs.inserted, image.scalar_subquery())
        .join_from(RunRow.__table__, BriefRow.__table__, BriefRow.__table__.c.run == runs.id)
        .outerjoin(OwnerRow.__table__, owners.run == runs.id)
        .where(or_(theirs, owners.tenant.is_(None)) if local else theirs)
        .order_by(runs.created.desc(), runs.inserted.desc(), runs.id.desc())
        .limit(bindparam("most"))
    )
    if not on:
        return asked
    created, inserted, id = bindparam("created", type_=String), bindparam("inserted", type_=String), bindparam("id", type_=String)
    same = and_(runs.created == created, or_(runs.inserted < inserted, and_(runs.inserted == inserted, runs.id < id)))
    return asked.where(or_(runs.created < created, same))


def _owned(tenant: str) -> Any:
    return or_(OwnerRow.tenant == tenant, OwnerRow.tenant.is_(None)) if tenant == LOCAL else OwnerRow.tenant == tenant


def _places(sha256: str) -> list[tuple[Any, Any, Any]]:
    """Where runs name files: table, condition, and what says or is the media type."""
    png = literal("image/png")
    return [
        (ArtifactRow, ArtifactRow.sha256 == sha256, ArtifactRow.media_type),
        (RenderRow, RenderRow.image == sha256, png),
        (CutoutRow, or_(CutoutRow.image == sha256, CutoutRow.mask == sha256), png),
        (RegionRow, RegionRow.mask == sha256, png),
        (BriefRow, cast(BriefRow.references, String).contains(sha256), png),  # what is taken in becomes a PNG
    ]
