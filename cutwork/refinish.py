"""A finished drawing made into other goods: another kind, other lettering, colours, sizes. Nothing is drawn again.

What comes of it is a run of its own, whose `parent` is the run that drew; both keep their files.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from cutwork.domain import CutSettings, Design, FinishSettings, Kind, Plan, Value
from cutwork.errors import BadInput
from cutwork.ports import Drawing

SECTIONS = ("sticker", "meme", "textile")  # kinds with settings of their own
Wishes = dict[str, dict[str, Any]]  # settings by kind and name
Settings = TypeVar("Settings", bound=Value)


def wishes(assignments: Sequence[str], kind: str) -> Wishes:
    """Read "repeat=half-drop" or "textile.repeat=half-drop": settings by kind and name, their values still text.

    Args:
        kind: whose settings are meant where none is named.

    Raises:
        BadInput: if one is no assignment, or no kind has such a setting.
    """
    found: Wishes = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        section, dot, key = name.strip().rpartition(".")
        section = section if dot else kind if key in _fields(kind) else next((k for k in SECTIONS if key in _fields(k)), kind)
        if not equals:
            raise BadInput(f"{text!r} is not NAME=VALUE, such as repeat=half-drop")
        if key not in _fields(section):
            raise BadInput(f"there is no setting {name.strip()!r}; there are {', '.join(f'{k}.{n}' for k in SECTIONS for n in _fields(k))}")
        found.setdefault(section, {})[key] = _value(section, key, value.strip())
    return found


def _fields(section: str) -> dict[str, Any]:
    """The settings of a kind, by name; none where it has none."""
    return dict(type(FinishSettings.model_fields[section].default).model_fields) if section in SECTIONS else {}


def _value(section: str, key: str, text: str) -> Any:
    """Text as the setting's type: "none" is no value, "100x150" a pair."""
    if text.lower() in ("", "none"):
        return None
    pair = "tuple" in str(_fields(section)[key].annotation)
    return tuple(text.lower().replace("×", "x").split("x")) if pair else text


def changed(finish: FinishSettings, kind: Kind | None = None, palette: Sequence[str] | None = None, settings: Mapping[str, Mapping[str, Any]] | None = None) -> FinishSettings:
    """Finishing settings with what is wished; what is not named stays.

    Raises:
        BadInput: naming the setting that cannot have its value.
    """
    value = finish.model_dump()
    value["kind"] = kind or finish.kind
    if palette is not None:
        value["palette"] = tuple(palette)
    for section, wished in (settings or {}).items():
        value[section] |= wished
    return valid(FinishSettings, value)


def valid(kind: type[Settings], value: Mapping[str, Any], prefix: str = "") -> Settings:
    """A value of settings; raises BadInput naming what cannot be."""
    try:
        return kind.model_validate(dict(value))
    except ValidationError as error:
        raise BadInput(prefix + plain(error.errors()[0])) from None


def plain(error: Any) -> str:
    """One of pydantic's errors as a sentence."""
    place, message = ".".join(str(part) for part in error["loc"]), str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    if error["type"] == "too_long":
        return f"{place} has {error['ctx']['actual_length']} entries, at most {error['ctx']['max_length']} are possible"
    return f"{place}: {message}, got {str(error.get('input'))[:60]!r}"


def record(design: Design, edit: Callable[[Plan], Plan], id: str | None = None) -> Design:
    """The record of a new run, of that id or a fresh one, that finishes another's drawing: the delivered round alone, its plan edited, still without files.

    Raises:
        BadInput: if the run has delivered nothing.
    """
    best = design.delivered
    if best is None:
        raise BadInput(f"run {design.id} has no finished round to make anything of", hint=f"cutwork resume {design.id}")
    plan = edit(best.shot.plan)
    turn = best.model_copy(update={"shot": best.shot.model_copy(update={"plan": plan}), "applied": None})
    now = datetime.now(UTC)
    changes: dict[str, Any] = {
        "id": id or f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        "parent": design.id,
        "plan": plan,
        "rounds": (turn,),
        "artifacts": (),
        "timings": {},
        "created": now.isoformat(timespec="seconds"),
    }
    return design.model_copy(update=changes)


def recut(design: Design, settings: Mapping[str, Any], drawing: Drawing, id: str | None = None) -> Design:
    """The record of a new run whose subjects are cut out of another's drawing in another way and judged anew; its files are made.

    Args:
        settings: of `CutSettings`, by name; what is not named stays.

    Raises:
        BadInput: if the run has delivered nothing, or naming the setting that cannot have its value.
    """
    from cutwork.agents.critic import critique

    def edit(plan: Plan) -> Plan:
        return plan.model_copy(update={"cut": valid(CutSettings, plan.cut.model_dump() | dict(settings), "cut.")})

    fresh = record(design, edit, id)
    turn = fresh.rounds[0]
    cutouts = drawing.cut(turn.shot, turn.render)
    verdict = critique(turn.shot, turn.render, cutouts, brief=design.brief, contrasts=drawing.contrasts(turn.shot, turn.render, cutouts))
    judged = turn.model_copy(update={"cutouts": cutouts, "critique": verdict, "approved": False})
    made = fresh.model_copy(update={"rounds": (judged,), "status": "accepted" if judged.accepted else "best_effort"})
    return made.model_copy(update={"artifacts": drawing.finish(made)})
