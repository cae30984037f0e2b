"""How things stand to each other: a new thing joins the running list, or the relation that waits for it.

A relation is said before its object, and sometimes before its subject too; whom it ties together is decided here.
"""

from __future__ import annotations

from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.tokens import Token
from cutwork.domain import MAX_COUNT


def loose_on(reading: Reading, token: Token, at: int) -> bool:
    """ "with a vase on it": the last thing stands so to the one before it; "above it a clock": so does the next one."""
    follows = reading.items[at + 1] if at + 1 < len(reading.items) else None
    if follows is None or follows.role != "pronoun" or reading.last is None:
        return False
    if reading.thing_at(at + 2):
        reading.leading = (token.value, reading.head[0] if reading.head else reading.last)
        return True
    if reading.last == 0:
        return False
    if token.value == "between":
        _between_them(reading, reading.last)
        return True
    base = reading.head[0] if reading.head and reading.head[0] != reading.last else reading.last - 1
    replace_relation(reading, token.value, reading.last, base)
    return True


def _between_them(reading: Reading, index: int) -> None:
    """ "two dogs and a cat between them": between those of whom there are several, else the first two."""
    others = [i for i in reading.head if i != index] + [i for i in range(index) if i not in reading.head]
    several = next((i for i in others if reading.parsed.things[i].count > 1), None)
    ends = (several, several) if several is not None else tuple(others[:2])
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        kept = [r for r in reading.parsed.relations if index not in (r.a, r.b, r.c)]
        reading.parsed.relations = [*kept, Relation("between", index, ends[0], ends[1])]


def replace_relation(reading: Reading, kind: str, a: int, b: int) -> None:
    """A relation instead of any other between the two."""
    kept = [r for r in reading.parsed.relations if {r.a, r.b} != {a, b}]
    reading.parsed.relations = [*kept, Relation(named(kind), a, b)]


def subjects(reading: Reading, place: str) -> list[int]:
    """Whom a place is said of: a list in one breath ("two cats on the left") or the last thing."""
    if reading.last is None:
        return []
    return [reading.last] if place else reading.group


def to_background(reading: Reading, index: int) -> None:
    """A thing is no subject after all; what was said of it goes with it."""
    thing = reading.parsed.things.pop(index)
    reading.parsed.background.append(thing.phrases)
    down = {i: i - (i > index) for i in range(len(reading.parsed.things) + 1) if i != index}
    kept = [r for r in reading.parsed.relations if index not in (r.a, r.b, r.c)]
    reading.parsed.relations = [Relation(r.kind, down[r.a], down[r.b], None if r.c is None else down[r.c]) for r in kept]
    reading.group = [down[i] for i in reading.group if i != index]
    reading.head = [down[i] for i in reading.head if i != index]
    reading.last = len(reading.parsed.things) - 1 if reading.parsed.things else None


def met_again(reading: Reading, known: int, at: int) -> None:
    """A thing named before is named again: it ends the open relation, or the sentence is about it now."""
    if reading.waiting and reading.thing_at(at + 1):
        reading.leading = (reading.waiting[0], known)  # "left of the couch a lamp"
    elif reading.waiting:
        relate(reading, known)
    else:
        reading.group, reading.head = [known], [known]
    reading.last = known


def add(reading: Reading, thing: Thing) -> None:
    """One more thing, with the count, place and relation that it brings or that waited for it."""
    same = twin(reading, thing)
    if same is not None:
        reading.parsed.things[same].count = min(MAX_COUNT, reading.parsed.things[same].count + thing.count)
        return
    if thing.count > MAX_COUNT:
        reading.parsed.notes.append(f"{thing.count} of {thing.noun!r} were asked for; {MAX_COUNT} are planned.")
        thing.count = MAX_COUNT
    reading.parsed.things.append(thing)
    index = len(reading.parsed.things) - 1
    if reading.place:
        thing.place, reading.place = reading.place, ""
    if reading.waiting:
        relate(reading, index)
    else:
        listed(reading, index)
        catch_up(reading, index)
    reading.last = index


def twin(reading: Reading, thing: Thing) -> int | None:
    """ "a cat and a cat" is two cats."""
    if reading.waiting or not reading.joined or reading.last is None or reading.place or reading.chain:
        return None
    last = reading.parsed.things[reading.last]
    same = (last.noun, last.attributes, last.tails, last.place) == (thing.noun, thing.attributes, thing.tails, thing.place)
    return reading.last if same and reading.last in reading.group else None


def listed(reading: Reading, index: int) -> None:
    """The thing joins the running list, or starts a new one."""
    related = reading.last is not None and any(reading.last in (r.b, r.c) for r in reading.parsed.relations)
    reading.group = [*reading.group, index] if reading.joined and reading.group and not related else [index]
    reading.head = list(reading.group)


def catch_up(reading: Reading, index: int) -> None:
    """ "on a table, a cat": the cat is what the opening relation waits for."""
    if reading.leading is None:
        return
    kind, base = reading.leading
    reading.leading = None
    reading.parsed.relations.append(Relation(named(kind), index, base))


def relate(reading: Reading, index: int) -> None:
    """The thing that the open relation waited for has come."""
    assert reading.waiting is not None
    kind, _ = reading.waiting
    if kind == "between":
        relate_between(reading, index)
    elif reading.last is None and not reading.group:
        reading.leading = (kind, index)
    else:
        for subject in doers(reading, kind):
            if subject != index:
                reading.parsed.relations.append(Relation(named(kind), subject, index))


def doers(reading: Reading, kind: str) -> list[int]:
    """Who stands in the relation: the list just read; after "on" or "in" whoever is there; else the last thing."""
    assert reading.last is not None
    last = next((r for r in reversed(reading.parsed.relations) if reading.last in (r.b, r.c)), None)
    if last is None:
        return reading.group if reading.last in reading.group else [reading.last]
    if not reading.joined and kind in ("on", "inside") and last.kind in ("on", "inside"):
        return [reading.last]  # "a candle on a cake on a table"
    if reading.joined or last.kind in ("on", "inside", "riding", "holding", "beside", "facing", "with"):
        return [last.a] if kind != "with" else [reading.last]
    return [reading.last]


def relate_between(reading: Reading, index: int) -> None:
    """One end of "between"; with the second one, or one that is several, the relation is whole."""
    reading.between.append(index)
    twice = reading.parsed.things[index].count >= 2
    if len(reading.between) == 1 and not twice:
        return
    first, second = reading.between[0], reading.between[-1]
    for subject in reading.group or reading.head:
        if subject not in reading.between:
            reading.parsed.relations.append(Relation("between", subject, first, second))
    reading.between = [first, second]


def chain_up(reading: Reading) -> None:
    """ "from left to right: …" puts the things in a row, or column."""
    if not reading.chain or len(reading.parsed.things) < 2:
        return
    kind = "left" if reading.chain.startswith("x") else "above"
    order = list(range(len(reading.parsed.things)))
    if reading.chain.endswith("-"):
        order.reverse()
    reading.parsed.relations = [Relation(kind, a, b) for a, b in zip(order, order[1:], strict=False)]


def named(kind: str) -> str:
    """The arranger's name of a relation."""
    return {"over": "above", "under": "below", "at": "beside", "with": "beside", "facing": "beside"}.get(kind, kind)
