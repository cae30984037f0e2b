"""A finished drawing made into other goods: another kind, other lettering, colours, sizes. Nothing is drawn again.

What comes of it is a run of its own, whose `parent` is the run that drew; both keep their files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast, get_args

from pydantic import ValidationError

from cutwork.domain import CutSettings, Design, FinishSettings, Kind, Plan, Value
from cutwork.errors import BadInput
from cutwork.ports import Drawing
from cutwork.storage.clock import fresh_id
from cutwork.tools.finish import unmade

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


def known(kind: str | None) -> Kind | None:
    """A kind of goods that is asked for by name, None where none is; raises BadInput if there is no such kind."""
    if kind is not None and kind not in get_args(Kind):
        raise BadInput(f"there is no kind {kind!r}; there are {', '.join(get_args(Kind))}")
    return cast("Kind | None", kind)


def meant(
    before: Kind, said: Kind | None, captions: Sequence[str] = (), palette: Sequence[str] = (), settings: Mapping[str, Mapping[str, Any]] | None = None
) -> Kind:
    """What is to be made of a drawing: what is said of it, else what alone has lettering, a palette or such settings, else what was made before.

    Raises:
        BadInput: if that has no lettering, or is not kept to a palette.
    """
    lettering = any(captions)
    sections = list(settings or ())
    kind = said or ("meme" if lettering else "textile" if palette else cast("Kind", sections[0]) if len(sections) == 1 else before)
    if lettering and kind != "meme":
        raise BadInput(f"{len(captions)} caption(s) are given, and only a meme has lettering, not a {kind}", "leave them out, or ask for --kind meme")
    if palette and kind != "textile":
        raise BadInput(f"the palette {', '.join(palette)} is given, and only a textile is kept to a palette, not a {kind}", "leave it out, or ask for --kind textile")
    return kind


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
        raise BadInput(prefix + plain(error)) from None


def plain(error: ValidationError) -> str:
    """What pydantic has against a value, as sentences: one a place, the first that it names."""
    told: dict[str, str] = {}
    for fault in error.errors():
        told.setdefault(_place(fault), _sentence(fault))
    return "; ".join(told.values())


def _place(fault: Any) -> str:
    """The setting's name: "textile.dpi", without the field of the brief it stands in and without the members of unions that were tried."""
    return ".".join(part for part in map(str, fault["loc"]) if part != "wishes" and "[" not in part)


def _sentence(fault: Any) -> str:
    place, message = _place(fault), str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return message
    if fault["type"] == "too_long":
        return f"{place} has {fault['ctx']['actual_length']} entries, at most {fault['ctx']['max_length']} are possible"
    got = str(fault.get("input"))
    if fault["type"] == "string_too_long":
        return f"{place} has {len(got):,} characters, at most {fault['ctx']['max_length']} are possible: {got[:60]!r}…"
    head, should, rest = message.partition("Input should ")
    return f"{place} should {rest}, got {got[:60]!r}" if should and not head else f"{place}: {message}, got {got[:60]!r}"


def record(design: Design, edit: Callable[[Plan], Plan], id: str | None = None) -> Design:
    """The record of a new run, of that id or a fresh one, that finishes another's drawing: the delivered round alone, its plan edited, still without files.

    Raises:
        BadInput: if the run has delivered nothing.
    """
    best = design.delivered
    if best is None:
        raise BadInput(f"run {design.id} has no finished round to make anything of", hint=f"cutwork resume {design.id}")
    plan = edit(best.shot.plan)
    turn = unmade(best).model_copy(update={"shot": best.shot.model_copy(update={"plan": plan}), "applied": None})
    now = datetime.now(UTC)
    changes: dict[str, Any] = {
        "id": id or fresh_id(),
        "parent": design.id,
        "status": "accepted" if turn.accepted else "best_effort",
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
