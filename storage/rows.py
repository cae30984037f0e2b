"""A design as rows, and rows as a design. Pure: no database.

Nothing is stored twice: a plan that five rounds drew is one row, and every field is in one column.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from cutwork.domain import Design, Json
from cutwork.storage.tables import (
    ArtifactRow,
    BriefRow,
    CritiqueRow,
    CutoutRow,
    ExpansionRow,
    FindingRow,
    PlanRow,
    ReceiptRow,
    RegionRow,
    RenderRow,
    RepairRow,
    RoundRow,
    RunRow,
    SubjectRow,
    Table,
)

Rows = dict[type[Table], list[Json]]

# Parents before children, so that rows can be inserted in this order. The first is the run itself.
TABLES: tuple[type[Table], ...] = (
    RunRow,
    BriefRow,
    ExpansionRow,
    PlanRow,
    SubjectRow,
    RegionRow,
    RoundRow,
    RenderRow,
    CutoutRow,
    ReceiptRow,
    CritiqueRow,
    FindingRow,
    RepairRow,
    ArtifactRow,
)
HASHES: dict[type[Table], tuple[str, ...]] = {  # every column that names a blob which no other does
    RunRow: ("rest",),  # in its terms: what an edit keeps
    BriefRow: ("references",),
    PlanRow: ("draw",),  # what ControlNets are shown
    RegionRow: ("mask",),
    RoundRow: ("rest",),  # what an edit keeps
    RenderRow: ("image", "record"),
    CutoutRow: ("image", "mask"),
    ArtifactRow: ("sha256",),
}
_SHA256 = re.compile("[0-9a-f]{64}")
PLACES = {"run", "plan", "round", "position", "current", "applied", "inserted", "at", "rest"}  # columns that are no field of the value


def pack(table: type[Table], value: Mapping[str, Any], **place: Any) -> Json:
    """A row of that table: fields with a column in it, the others in `rest`."""
    names = table.__table__.columns.keys()
    rest = {key: item for key, item in value.items() if key not in names}
    return dict.fromkeys(names) | {key: item for key, item in value.items() if key in names} | place | {"rest": rest or None}


def unpack(row: Mapping[str, Any]) -> Json:
    """The value that `pack` was given."""
    return {key: item for key, item in row.items() if key not in PLACES} | (row["rest"] or {})


def hashes(design: Design) -> set[str]:
    """Every blob the design names."""
    return set(named(to_rows(design)))


def named(rows: Mapping[type[Table], Iterable[Mapping[str, Any]]]) -> Iterable[str]:
    """Every blob named in these rows; a name may come twice."""
    for table, columns in HASHES.items():
        for row in rows.get(table, ()):
            for column in columns:
                yield from _within(row[column])


def _within(value: Any) -> Iterable[str]:
    """Every blob that a column's value names, however deep."""
    if isinstance(value, str):
        yield from [value] if _SHA256.fullmatch(value) else []
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _within(part)


def to_rows(design: Design) -> Rows:
    """All rows of a design, by table."""
    value, rows = design.model_dump(mode="json"), Rows()
    run = value["id"]
    brief, expansion, current = value.pop("brief"), value.pop("expansion"), value.pop("plan")
    rounds, artifacts = value.pop("rounds"), value.pop("artifacts")
    plans: list[Json] = [current] if current else []
    rows[BriefRow] = [pack(BriefRow, brief, run=run)]
    rows[ExpansionRow] = [pack(ExpansionRow, expansion, run=run)] if expansion else []
    for turn in rounds:
        shot = turn["shot"]
        drawn = shot.pop("plan")
        if drawn not in plans:
            plans.append(drawn)
        _add_round(rows, turn, run, plans.index(drawn))
    for number, plan in enumerate(plans):
        _add_plan(rows, plan, run, number, current is not None and number == 0)
    rows[ArtifactRow] = [pack(ArtifactRow, artifact, run=run, position=i) for i, artifact in enumerate(artifacts)]
    rows[RunRow] = [pack(RunRow, value)]
    return rows


def _add_plan(rows: Rows, plan: Json, run: str, number: int, current: bool) -> None:
    for table, values in ((SubjectRow, plan.pop("subjects")), (RegionRow, plan.pop("regions"))):
        rows.setdefault(table, []).extend(pack(table, value, run=run, plan=number, position=i) for i, value in enumerate(values))
    rows.setdefault(PlanRow, []).append(pack(PlanRow, plan, run=run, plan=number, current=current))


def _add_round(rows: Rows, turn: Json, run: str, plan: int) -> None:
    def add(table: type[Table], values: Iterable[Json], **place: Any) -> None:
        rows.setdefault(table, []).extend(pack(table, value, run=run, round=turn["number"], **place, position=i) for i, value in enumerate(values))

    critique, applied, cutouts, shot = turn.pop("critique"), turn.pop("applied"), turn.pop("cutouts"), turn.pop("shot")
    add(ReceiptRow, [cutout.pop("receipt") for cutout in cutouts])
    add(CutoutRow, cutouts)
    add(FindingRow, critique.pop("findings"))
    add(RepairRow, critique.pop("repairs"), applied=False)
    add(RepairRow, [applied] if applied else [], applied=True)
    rows.setdefault(RenderRow, []).append(pack(RenderRow, turn.pop("render"), run=run, round=turn["number"]))
    rows.setdefault(CritiqueRow, []).append(pack(CritiqueRow, critique, run=run, round=turn["number"]))
    seed = {"seed": shot.pop("seed")}
    rows.setdefault(RoundRow, []).append(pack(RoundRow, turn | seed | ({"shot": shot} if any(shot.values()) else {}), run=run, plan=plan))


def from_rows(rows: Mapping[type[Table], Iterable[Mapping[str, Any]]]) -> Design:
    """The design whose rows these are, each table's in the order of its key.

    Raises:
        ValidationError: if they do not make one.
    """
    value = unpack(next(iter(rows[RunRow])))
    plans = _plans(rows)
    expansion = next(iter(rows[ExpansionRow]), None)
    value["brief"] = unpack(next(iter(rows[BriefRow])))
    value["expansion"] = expansion and unpack(expansion)
    value["plan"] = next((plans[row["plan"]] for row in rows[PlanRow] if row["current"]), None)
    value["rounds"] = _rounds(rows, plans)
    value["artifacts"] = [unpack(row) for row in rows[ArtifactRow]]
    return Design.model_validate(value)


def _plans(rows: Mapping[type[Table], Iterable[Mapping[str, Any]]]) -> dict[int, Json]:
    subjects, regions = _by(rows[SubjectRow], "plan"), _by(rows[RegionRow], "plan")
    return {row["plan"]: unpack(row) | {"subjects": subjects[row["plan"]], "regions": regions[row["plan"]]} for row in rows[PlanRow]}


def _rounds(rows: Mapping[type[Table], Iterable[Mapping[str, Any]]], plans: Mapping[int, Json]) -> list[Json]:
    renders, critiques, findings = (_by(rows[table], "round") for table in (RenderRow, CritiqueRow, FindingRow))
    cutouts, receipts = (_by(rows[table], "round") for table in (CutoutRow, ReceiptRow))
    proposed, applied = (_by([row for row in rows[RepairRow] if row["applied"] is kind], "round") for kind in (False, True))
    turns = []
    for row in rows[RoundRow]:
        number, turn = row["number"], unpack(row)
        turn["shot"] = turn.get("shot", {}) | {"plan": plans[row["plan"]], "seed": turn.pop("seed")}
        turn["render"] = renders[number][0]
        turn["cutouts"] = [cutout | {"receipt": receipt} for cutout, receipt in zip(cutouts[number], receipts[number], strict=True)]
        turn["critique"] = critiques[number][0] | {"findings": findings[number], "repairs": proposed[number]}
        turn["applied"] = next(iter(applied[number]), None)
        turns.append(turn)
    return turns


def _by(rows: Iterable[Mapping[str, Any]], column: str) -> dict[int, list[Json]]:
    groups: dict[int, list[Json]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(unpack(row))
    return groups
