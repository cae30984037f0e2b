"""What a brief says of the goods to be made, read out of its own words: kind, lettering, repeat, size, resolution, colours.

"half-drop, 30 cm, 4 colours, 300 dpi" is certain whoever plans, so it is read by rules and holds against what a language model
thinks of it. What is read is taken out of the text, since none of it is said of the picture. The words are in `agents/language`:
`kinds`, `lettering`, `labels`, `measures`, `palettes`, `borders`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from pydantic import ValidationError

from cutwork.agents.language import borders, lettering, measures, palettes
from cutwork.agents.language.kinds import kind_named
from cutwork.agents.language.remaining import QUOTED, Remaining, written
from cutwork.domain import Brief, FinishSettings, Kind
from cutwork.errors import BadInput

NAMES = {
    "dpi": "dpi", "colours": "colours", "width_cm": "cm for a repeat", "colourways": "colourways", "motif_cm": "cm for a motif",
    "gap_mm": "mm between motifs", "sheet_cm": "cm for a sheet", "size_mm": "mm for a sticker", "outline": "for a border",
}  # fmt: skip
LOOKS = (
    r"(?:\b(?:in|with)\s+)?\b(?:(lower ?case|small letters|no caps|not in caps)|(white|black|yellow|red|blue|green|pink|orange) "
    r"(?:text|letters|lettering|captions?))\b"
)
TITLE = re.compile(r"(?:\b(?:called|named|titled|entitled|with the (?:title|name))\s*[:,]?\s*)$", re.I)


@dataclass(frozen=True)
class Goods:
    """What was read."""

    picture: str  # the text that is left: what is said of the picture
    kind: Kind | None = None  # None = nothing is said of it
    captions: tuple[str, ...] = ()  # the first on top, "" for none there
    labels: tuple[tuple[str, str], ...] = ()  # of whom, and what is written there
    panels: int = 0  # that are asked for; 0 = nothing is said of them
    silent: bool = False  # no lettering is wanted
    palette: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by kind, by name
    notes: tuple[str, ...] = ()  # what of it cannot be done, in plain words

    @property
    def layout(self) -> str:
        """How lettering is to be laid out; "" where nothing is said of it."""
        return str(self.settings.get("meme", {}).get("layout", ""))

    @property
    def said(self) -> bool:
        """Whether anything was read of how it is to be made."""
        return bool(self.captions or self.labels or self.silent or self.palette or any(self.settings.values()))

    def finish(self, kind: Kind, palette: tuple[str, ...] = (), **more: Any) -> FinishSettings:
        """The settings of a kind, with what was read; `more` are settings of that kind that were not.

        Raises:
            BadInput: for a number that cannot be, such as 5,000 dpi.
        """
        settings = {name: dict(values) for name, values in self.settings.items()}
        settings[kind] = {**more, **settings.get(kind, {})}
        settings.pop("cutout", None)
        try:
            return FinishSettings.model_validate({"kind": kind, "palette": palette or self.palette, **settings})
        except ValidationError as error:
            raise BadInput(f"the brief asks for {_fault(error)}") from error


def _fault(error: ValidationError) -> str:
    """ "5000 dpi, which should be less than or equal to 1200"."""
    fault = error.errors()[0]
    if fault["type"] == "too_long":
        return f"{fault['ctx']['actual_length']} {fault['loc'][-1]} entries, which cannot be: at most {fault['ctx']['max_length']} are possible"
    name = next((str(part) for part in reversed(fault["loc"]) if isinstance(part, str)), "")
    return f"{fault['input']} {NAMES.get(name, name)}, which cannot be: {fault['msg'].lower().replace('input ', 'it ')}"


def of(brief: Brief, kind: Kind | None = None) -> Goods:
    """What a brief says, `kind` being what is made of it once that is settled.

    The brief's own kind and wishes stand; its captions, or wishes for one kind only, say which kind where nothing else does.
    """
    found = read(brief.text, kind or brief.kind)
    if found.kind is None and (brief.captions or len(brief.wishes) == 1):
        found = read(brief.text, "meme" if brief.captions else next(iter(brief.wishes)))
    names = dict.fromkeys([*found.settings, *brief.wishes])
    return replace(found, settings={name: {**found.settings.get(name, {}), **brief.wishes.get(name, {})} for name in names})  # type: ignore[call-overload]


def picture(brief: Brief, kind: Kind) -> str:
    """What a brief says of the picture, once it is settled what is made of it."""
    return read(brief.text, kind).picture


@lru_cache(maxsize=256)
def read(text: str, asked: str = "auto") -> Goods:
    """What a text says of goods. Never fails.

    Args:
        asked: the kind that is asked for, "auto" where only the text says. Words that may as well be said of a picture
            ("mirror", "30 cm") count for a textile alone.
    """
    whole = Remaining(text)
    sizes = measures.canvas(whole)
    named, left = kind_named(whole.text.strip() if sizes else text)
    rest = Remaining(left)
    kind = _settled(named, rest) if asked == "auto" else cast(Kind, asked)
    palette = palettes.palette(rest)
    found = _READERS[kind](rest) if kind else Goods("")
    dpi = [] if kind == "textile" else measures.resolution(rest)
    unheard = [f"the brief speaks of a {named}; a {kind} is made of it, as was asked"] if named and named != kind else []
    unheard += [f"the size of the canvas is a setting of its own; {size} is not read out of the brief" for size in sizes]
    unheard += [f"{value} dpi is said of prints; files of this kind keep their own resolution" for value in dpi if (kind, value) != ("sticker", 300)]
    notes = [*unheard, *found.notes]
    left = rest.tidied if rest.text != text else text
    return replace(found, picture=left or text, kind=kind, palette=palette, notes=tuple(notes))


def _settled(named: Kind | None, rest: Remaining) -> Kind | None:
    return named or ("meme" if lettering.announced(rest.text) else "textile" if measures.implies_textile(rest) else None)


def _some(kind: Kind, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {kind: settings} if settings else {}


def _meme(rest: Remaining) -> Goods:
    settings: dict[str, Any] = {}
    for match in rest.take(LOOKS):
        settings |= {"upper": False} if match[1] else {"colour": match[2].lower()}
    found = lettering.read(rest)
    if found.layout:
        settings["layout"] = found.layout
    return Goods("", None, tuple(found.captions), tuple(found.labels), found.panels, found.none, settings=_some("meme", settings))


def _textile(rest: Remaining) -> Goods:
    settings = measures.textile(rest)
    ground = palettes.ground(rest.text)
    if ground:
        settings["ground"] = ground
    high, besides = settings.pop("height", None), settings.pop("besides", ())
    notes = [f"a repeat {high} high was asked for; only its width can be set, its height follows from how its motifs stand"] if high else []
    notes += [f"{_worded(name, settings[name])} and {_worded(name, value)} cannot both be; {_worded(name, settings[name])} was taken" for name, value in besides if name in settings]
    return Goods("", settings=_some("textile", settings), notes=tuple(notes))


def _worded(name: str, value: Any) -> str:
    """A setting as a brief says it: "half-drop", "30 cm for a repeat"."""
    shown = " x ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(filter(None, [shown, NAMES.get(name, "")]))


def _sticker(rest: Remaining) -> Goods:
    return Goods("", settings=_some("sticker", {**_title(rest), **borders.sticker(rest)}))


def _title(rest: Remaining) -> dict[str, Any]:
    """The name of a pack of stickers: 'sticker pack "Office life": …', 'stickers of cats, called "Paws"'."""
    for match in QUOTED.finditer(rest.text):
        before, after = rest.text[: match.start()], rest.text[match.end() :]
        led = TITLE.search(before)
        if (led and not before[: led.start()].rstrip()[-1:].isalpha()) or not before.strip(" ,"):
            rest.text = f"{before[: led.start()] if led else ''}, {after.lstrip(' :,-–—')}"
            return {"title": written(match)[:200]}
    return {}


_READERS: dict[str, Callable[[Remaining], Goods]] = {"meme": _meme, "textile": _textile, "sticker": _sticker, "cutout": lambda rest: Goods("")}
