"""The tables: one for each kind of value a run is made of.

A column has the name of the domain field it holds, so that a row and a value turn into each other without a list of names
(`rows.py`). What has no column of its own, such as a field added since, waits in `rest`. Values are JSON where the domain
nests them. Changing a table needs a migration; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, ForeignKeyConstraint, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
ID = String(200)
HASH = String(64)
TIME = String(32)  # ISO 8601 in UTC, so that text order is time order
JsonMap = dict[str, Any]
JsonList = list[Any]


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {JsonMap: JSON(none_as_null=True), JsonList: JSON(none_as_null=True), float: Double, str: Text}  # noqa: RUF012

    rest: Mapped[JsonMap | None] = mapped_column(sort_order=99)


class OfRun:
    """A row that belongs to a run."""

    run: Mapped[str] = mapped_column(ID, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, sort_order=-9)


class OfPlan:
    """A row that belongs to one of a run's plans."""

    run: Mapped[str] = mapped_column(ID, primary_key=True, sort_order=-9)
    plan: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-7)


class OfRound:
    """A row that belongs to one of a run's rounds."""

    run: Mapped[str] = mapped_column(ID, primary_key=True, sort_order=-9)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)


def _plan() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["run", "plan"], ["plans.run", "plans.plan"], ondelete="CASCADE")


def _round() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["run", "round"], ["rounds.run", "rounds.number"], ondelete="CASCADE")


class RunRow(Table):
    """A run, without its parts."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    status: Mapped[str] = mapped_column(String(32))
    seed: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str]
    llm: Mapped[str]
    best: Mapped[int | None]
    timings: Mapped[JsonMap]
    error: Mapped[str | None]
    created: Mapped[str] = mapped_column(String(64))
    inserted: Mapped[str] = mapped_column(TIME)
    __table_args__ = (Index(None, "created", "inserted"), Index(None, "status"))


class BriefRow(OfRun, Table):
    """What was asked for."""

    __tablename__ = "briefs"
    text: Mapped[str]
    kind: Mapped[str] = mapped_column(String(32))
    size: Mapped[JsonList]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    captions: Mapped[JsonList]
    palette: Mapped[JsonList]
    references: Mapped[JsonList]


class ExpansionRow(OfRun, Table):
    """The brief as a fuller prompt."""

    __tablename__ = "expansions"
    prompt: Mapped[str]
    background: Mapped[str]
    style: Mapped[str]
    palette: Mapped[JsonList]


class PlanRow(OfRun, Table):
    """A plan, kept once however many rounds drew it. `current` marks the design's own."""

    __tablename__ = "plans"
    plan: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    current: Mapped[bool]
    prompt: Mapped[str]
    background: Mapped[str]
    similar: Mapped[JsonList]
    bands: Mapped[JsonList]
    size: Mapped[JsonList]
    draw: Mapped[JsonMap]
    cut: Mapped[JsonMap]
    notes: Mapped[JsonList]


class SubjectRow(OfPlan, Table):
    """One kind of thing a plan draws."""

    __tablename__ = "subjects"
    id: Mapped[str] = mapped_column(String(64))
    phrase: Mapped[str]
    noun: Mapped[str] = mapped_column(ID, index=True)
    attributes: Mapped[JsonList]
    count: Mapped[int]
    resembles: Mapped[JsonList]
    __table_args__ = (_plan(),)


class RegionRow(OfPlan, Table):
    """Where one subject of a plan stands."""

    __tablename__ = "regions"
    subject: Mapped[str]
    box: Mapped[JsonList]
    prompt: Mapped[str]
    z: Mapped[int]
    mask: Mapped[str | None] = mapped_column(HASH)
    __table_args__ = (_plan(),)


class RoundRow(OfRun, Table):
    """One turn of the loop: the plan and seed of its shot."""

    __tablename__ = "rounds"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (_plan(),)


class RenderRow(OfRound, Table):
    """The image a round drew."""

    __tablename__ = "renders"
    image: Mapped[str] = mapped_column(HASH, index=True)
    record: Mapped[str] = mapped_column(HASH)
    seed: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str]
    steps: Mapped[int]
    stopped_early: Mapped[bool]
    attended: Mapped[JsonList]
    notes: Mapped[JsonList]
    seconds: Mapped[float]
    __table_args__ = (_round(),)


class CutoutRow(OfRound, Table):
    """One region's subject on its own layer."""

    __tablename__ = "cutouts"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-7)
    subject: Mapped[str]
    region: Mapped[int]
    image: Mapped[str] = mapped_column(HASH, index=True)
    mask: Mapped[str] = mapped_column(HASH)
    box: Mapped[JsonList | None]
    __table_args__ = (_round(),)


class ReceiptRow(OfRound, Table):
    """What was measured of a cut-out."""

    __tablename__ = "receipts"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-7)
    planned: Mapped[JsonList]
    attended: Mapped[JsonMap]
    alpha: Mapped[JsonList | None]
    iou: Mapped[float]
    contained: Mapped[float]
    fill: Mapped[float]
    coverage: Mapped[float]
    fragments: Mapped[int]
    border: Mapped[float]
    softness: Mapped[float]
    overlap: Mapped[JsonMap]
    __table_args__ = (ForeignKeyConstraint(["run", "round", "position"], ["cutouts.run", "cutouts.round", "cutouts.position"], ondelete="CASCADE"),)


class CritiqueRow(OfRound, Table):
    """The verdict on a round."""

    __tablename__ = "critiques"
    score: Mapped[float]
    scores: Mapped[JsonMap]
    verdict: Mapped[str] = mapped_column(String(32))
    disagreement: Mapped[bool]
    __table_args__ = (_round(),)


class FindingRow(OfRound, Table):
    """One thing the critic saw."""

    __tablename__ = "findings"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-7)
    subject: Mapped[str | None]
    region: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str]
    severity: Mapped[float]
    __table_args__ = (_round(),)


class RepairRow(OfRound, Table):
    """A repair the critic proposed or the loop applied; what is particular to its kind is in `rest`."""

    __tablename__ = "repairs"
    applied: Mapped[bool] = mapped_column(primary_key=True, sort_order=-7)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-6)
    kind: Mapped[str] = mapped_column(String(32))
    __table_args__ = (_round(),)


class ArtifactRow(OfRun, Table):
    """A finished file, by content hash."""

    __tablename__ = "artifacts"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-7)
    kind: Mapped[str]
    sha256: Mapped[str] = mapped_column(HASH, index=True)
    media_type: Mapped[str]
    name: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]


class CallRow(OfRun, Table):
    """One question to the language model and its answer."""

    __tablename__ = "llm_calls"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    at: Mapped[str] = mapped_column(TIME)
    agent: Mapped[str]
    llm: Mapped[str]
    prompt: Mapped[str]
    answer: Mapped[str]
    ok: Mapped[bool]
    attempts: Mapped[int]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    seconds: Mapped[float]


class EventRow(OfRun, Table):
    """Something that happened, numbered from 1 in its run."""

    __tablename__ = "events"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    at: Mapped[str] = mapped_column(TIME)
    kind: Mapped[str]
    data: Mapped[JsonMap]


class ErrorRow(OfRun, Table):
    """An error a run met, kept also when the run was later resumed and finished."""

    __tablename__ = "errors"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-8)
    at: Mapped[str] = mapped_column(TIME)
    status: Mapped[str] = mapped_column(String(32))
    message: Mapped[str]
