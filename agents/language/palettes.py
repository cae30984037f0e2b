"""Colours that a brief wants the whole kept to: "palette: teal, coral and #ffeedd"; ", in navy and white"."""

from __future__ import annotations

import re

from cutwork import colours
from cutwork.agents.language import words
from cutwork.agents.language.measures import ALONE, BY_ITSELF
from cutwork.agents.language.remaining import Remaining, blanked

NAME = r"(?:#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|[a-z]+(?:[ -](?!and\b|in\b|at\b|with\b|on\b|for\b|only\b)[a-z]+)?)"
PALETTE = re.compile(
    rf"(?:\b(?:in|with|using)\s+)?(?:\b(?:an?|the|only|\d{{1,2}})\s+)?\b(?:colou?r\s+)?(?:palette|colou?rs)\b(?:\s+(?:of|is|are"
    rf"|only))?\s*[:=]?\s*((?:{NAME})(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*\+\s*|\s*/\s*){NAME})*)",
    re.I,
)
ONLY = re.compile(
    rf"{ALONE}(?:only\s+)?(?:in|using|using only|with)\s+(?:only\s+)?((?:{NAME})(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){NAME})+)"
    rf"(?:\s+only)?{BY_ITSELF}",
    re.I,
)
GROUND = re.compile(
    r"\b(?:on|against)\s+(?:an?\s+|the\s+)?([a-z-]+(?: [a-z-]+)??)(?:\s+(?:ground|background|backdrop|base|cotton|linen|cloth|canvas))?(?=\s*(?:[,;.]|$))"
    r"|\b([a-z-]+(?: [a-z-]+)?)\s+(?:ground|background|base)\b",
    re.I,
)
PARTED = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*\+\s*|\s*/\s*")


def ground(text: str) -> str | None:
    """The colour that a textile has behind its motifs, if the brief names one that a printer could mix: "on navy", "mustard ground". It stays in the text."""
    for match in GROUND.finditer(blanked(text)):
        name = (match[1] or match[2]).strip().lower()
        for said in (name, name.rpartition(" ")[2]):
            if is_colour(said) and colours.known(said):
                return said
    return None


def palette(rest: Remaining) -> tuple[str, ...]:
    """The colours a brief wants the whole kept to, taken out of the text: "palette: teal, coral and #ffeedd"; ", in navy and white"."""
    found: list[str] = []
    for pattern in (PALETTE, ONLY):
        for match in reversed(list(pattern.finditer(blanked(rest.text)))):
            names = [name.strip().lower() for name in PARTED.split(match[1]) if name.strip()]
            known = next((i for i, name in enumerate(names) if not _printable(name, pattern is PALETTE)), len(names))
            if not known or (pattern is ONLY and known < len(names)):
                continue
            end = match.start(1) + _length_of(match[1], known)
            found = names[:known] + found
            rest.text = rest.text[: match.start()] + rest.text[end:]
    return tuple(dict.fromkeys(found))


def _length_of(listed: str, known: int) -> int:
    """How far a list goes that has so many names."""
    breaks = [match.start() for match in PARTED.finditer(listed)]
    return breaks[known - 1] if known <= len(breaks) else len(listed)


def _printable(name: str, listed: bool) -> bool:
    """Whether a name is one of a colour that has a place in a palette; behind "palette:" also such as elsewhere are things, rust or plum."""
    return (listed or is_colour(name)) and colours.known(name)


def is_colour(name: str) -> bool:
    """Whether a name is one of a colour: "teal", "dusty pink", "#ff8800"."""
    first, _, last = name.rpartition(" ")
    return name.startswith("#") or words.is_colour(name) or (words.is_colour(last) and (words.is_in("shade", first) or words.is_colour(first)))
