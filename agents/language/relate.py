"""How things stand to each other: a new thing joins the running list, or the relation that waits for it.

A relation is said before its object, and sometimes before its subject too; whom it ties together is decided here.
"""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.tokens import Token
from cutwork.domain import MAX_COUNT

VERBAL = ("facing", "holding", "riding")


def loose_on(reading: Reading, token: Token, at: int) -> bool:
    """ "with a vase on it": the last thing stands so to the one before it; "above it a clock": so does the next one."""
    follows = reading.items[at + 1] if at + 1 < len(reading.items) else None
    if token.value == "between" and reading.last and (follows is None or (follows.role in ("token", "and") and follows.text != "not")):
        _between_them(reading, reading.last)
        return True  # "two owls with a lantern in between"
    if follows is None or follows.role != "pronoun" or reading.last is None:
        return False
    if reading.thing_after(at + 2):
        reading.leading = (token.value, reading.head[0] if reading.head else reading.last, None)
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


def drop_collective(reading: Reading) -> None:
    """ "a happy family: mom, dad and two kids": those who make it up are named, so it is none besides them."""
    things = reading.parsed.things
    if len(things) == 1 and words.is_scenery(things[0].noun) and not things[0].place:
        to_background(reading, 0)  # "christmas: santa and a reindeer"
    if len(things) == 1 and not reading.parsed.relations and (words.is_in("group", things[0].noun) or words.is_in("people", things[0].noun)):
        things.clear()
        reading.group, reading.head, reading.last = [], [], None


def met_again(reading: Reading, known: int, at: int) -> None:
    """A thing named before is named again: it ends the open relation, or the sentence is about it now."""
    before = reading.items[at - 2].token if at > 1 else None
    opened = at == 1 or (before is not None and before.kind == "stop")
    if reading.waiting and (reading.thing_at(at + 1) or (opened and reading.thing_after(at + 1))):
        reading.leading = (reading.waiting[0], known, None)  # "left of the couch a lamp", "Left of the couch stands a lamp."
    elif reading.waiting:
        relate(reading, known)
    else:
        reading.group, reading.head = [known], [known]
    reading.last = known
    reading.breath.append(known)


def add(reading: Reading, thing: Thing) -> None:
    """One more thing, with the count, place and relation that it brings or that waited for it."""
    same = twin(reading, thing)
    if same is not None:
        total = reading.parsed.things[same].count + thing.count
        reading.parsed.things[same].count = min(MAX_COUNT, total)
        reading.parsed.things[same].asked = total if total > MAX_COUNT else 0
        return
    if thing.count > MAX_COUNT:
        thing.asked, thing.count = thing.count, MAX_COUNT
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
    reading.breath.append(index)
    reading.whole = None if thing.count > 1 else reading.whole


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


def mutual(reading: Reading, verb: str) -> None:
    """ "a cowboy and an alien face each other": the two stand side by side, unless more is said of them."""
    pair = reading.group[-2:]
    for thing in (reading.parsed.things[i] for i in pair if verb in reading.parsed.things[i].tails):
        thing.tails[thing.tails.index(verb)] += " each other"
    if len(pair) == 2 and not any({r.a, r.b} == set(pair) for r in reading.parsed.relations):
        reading.parsed.relations.append(Relation("beside", pair[0], pair[1]))


def done_to(reading: Reading, kind: str, verb: str) -> None:
    """ "the horse that the girl rides is black": what is done to the first by the second; the sentence is about the first."""
    first, second = reading.object, reading.last
    assert first is not None
    assert second is not None
    if second != first:
        reading.parsed.relations.append(Relation(named(kind), second, first, said=verb if verb.endswith("ing") else ""))
    reading.last, reading.group, reading.head, reading.object = first, [first], [first], None


def catch_up(reading: Reading, index: int) -> None:
    """ "on a table, a cat": the cat is what the opening relation waits for."""
    if reading.leading is None:
        return
    kind, base, other = reading.leading
    reading.leading = None
    found = Relation("holding", base, index) if kind == "held" else Relation(named(kind), index, base, other)
    reading.parsed.relations.append(found)


def relate(reading: Reading, index: int) -> None:
    """The thing that the open relation waited for has come."""
    assert reading.waiting is not None
    kind, said = reading.waiting
    if kind == "between":
        relate_between(reading, index)
    elif reading.last is None and not reading.group:
        reading.leading = (kind, index, None)
    else:
        who = doers(reading, kind)
        if kind == "with" and in_hand(reading.parsed.things[who[-1]], reading.parsed.things[index]):
            who = who[-1:]
        for subject in who:
            if kind == "holding" and words.is_in("container", reading.parsed.things[subject].noun):
                reading.parsed.relations.append(Relation("inside", index, subject))  # "the vase holds lilies"
            elif subject != index and kind == "with" and in_hand(reading.parsed.things[subject], reading.parsed.things[index]):
                reading.parsed.relations.append(Relation("holding", subject, index))
            elif subject != index:
                reading.parsed.relations.append(Relation(named(kind), subject, index, said=said if kind in VERBAL and said.endswith("ing") else ""))


def in_hand(who: Thing, what: Thing) -> bool:
    """ "a knight with a sword": people hold what is made to be held."""
    handy = words.is_in("handheld", what.noun) or words.is_in("handheld", what.noun.rpartition(" ")[2])
    return handy and who.count == what.count == 1 and words.kind(who.noun) == "h"


def doers(reading: Reading, kind: str) -> list[int]:
    """Who stands in the relation: the list just read; after "on" or "in" whoever is there; else the last thing."""
    assert reading.last is not None
    last = next((r for r in reversed(reading.parsed.relations) if reading.last in (r.b, r.c)), None)
    if last is None:
        return reading.group if reading.last in reading.group else [reading.last]
    if not reading.joined and kind in ("on", "inside") and last.kind in ("on", "inside"):
        return [reading.last]  # "a candle on a cake on a table"
    if not reading.joined and kind in ("on", "inside") and last.kind == "beside" and not last.said and last.b == reading.last:
        return [last.a, last.b]  # "a laptop next to a mug on a desk"
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
    subjects = [i for i in reading.group or reading.head if i not in reading.between]
    for subject in subjects:
        reading.parsed.relations.append(Relation("between", subject, first, second))
    if not subjects:
        reading.leading = ("between", first, second)  # "between a lamp and a chair, a dog"
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
