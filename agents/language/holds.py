"""What a plan can hold: fewer of what was counted high, and only the first of very many subjects, with a word about both.

Done before anything is said again, so that prompt, subjects, boxes and notes agree.
"""

from __future__ import annotations

from cutwork.agents.language.model import Parsed
from cutwork.domain import MAX_REGIONS, MAX_SUBJECTS


def fitted(parsed: Parsed) -> Parsed:
    """The same brief with subjects and counts taken back to the limits; changed in place."""
    _drop(parsed)
    _reduce(parsed)
    return parsed


def _drop(parsed: Parsed) -> None:
    rest = [thing.noun for thing in parsed.things[MAX_SUBJECTS:]]
    if rest:
        parsed.notes.append(f"{len(parsed.things)} subjects were named, at most {MAX_SUBJECTS} can be planned; left out: {', '.join(rest)}.")
        parsed.things = parsed.things[:MAX_SUBJECTS]
        parsed.relations = [r for r in parsed.relations if max(r.a, r.b, r.c or 0) < MAX_SUBJECTS]


def _reduce(parsed: Parsed) -> None:
    """The highest counts first, the later of equals last, as the Layout agent does it."""
    asked = [thing.count for thing in parsed.things]
    while sum(t.count for t in parsed.things) > max(MAX_REGIONS, len(parsed.things)):
        most = max(range(len(asked)), key=lambda i: (parsed.things[i].count, -i))
        parsed.things[most].count -= 1
    for thing, before in zip(parsed.things, asked, strict=True):
        said = thing.asked or before
        if thing.count < said:
            parsed.notes.append(f"{said:,} of {thing.noun!r} were asked for; {thing.count} are planned, since a plan holds {MAX_REGIONS} boxes.")
