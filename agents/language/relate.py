"""How things stand to each other: a new thing joins the running list, or the relation that waits for it.

A relation is said before its object, and sometimes before its subject too; whom it ties together is decided here.
"""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.tokens import Token
from cutwork.domain import MAX_COUNT, MAX_REGIONS

LOOSE = ("inside", "underneath", "beneath", "below", "behind", "nearby", "alongside", "above")
VERBAL = ("facing", "holding", "riding")


def loose_on(reading: Reading, token: Token, at: int) -> bool:
    """ "with a vase on it": the last thing stands so to the one before it; "above it a clock": so does the next one."""
    follows = reading.items[at + 1] if at + 1 < len(reading.items) else None
    if token.value == "between" and reading.last and (follows is None or (follows.role in ("token", "and") and follows.text != "not")):
        _between_them(reading, reading.last)
        return True  # "two owls with a lantern in between"
    closes = follows is None or follows.role == "and" or (follows.token is not None and follows.token.kind in ("comma", "stop"))
    if closes and token.text in LOOSE and not reading.opening and reading.last is not None:
        if reading.head and reading.head[0] != reading.last:
            replace_relation(reading, token.value, reading.last, reading.head[0])
        return True  # "a house with an ogre inside"
    if follows is None or follows.role != "pronoun" or reading.last is None:
        return False
    if reading.thing_after(at + 2) or (reading.opening and reading.thing_apart(at + 2)):
        reading.leading = (token.value, _meant(reading, follows.text), None)
        return True
    if reading.last == 0:
        return False
    if token.value == "between":
        _between_them(reading, reading.last)
        return True
    base = next((i for i in [*reading.head[:1], *reading.topic[:1]] if i != reading.last), reading.last - 1)
    person = _person(reading) if follows.text in ("him", "her") else None
    replace_relation(reading, token.value, reading.last, base if person in (None, reading.last) else person)
    return True


def _meant(reading: Reading, pronoun: str) -> int:
    """Which thing "it" or "him" is: what the sentence before was about; a person for "him" and "her"."""
    assert reading.last is not None
    person = _person(reading) if pronoun in ("him", "her") else None
    return person if person is not None else reading.head[0] if reading.head else reading.last


def _person(reading: Reading) -> int | None:
    """The last person named, else the last animal."""
    kinds = [words.kind(t.noun) for t in reading.parsed.things]
    return next((i for kind in "ha" for i in reversed(range(len(kinds))) if kinds[i] == kind), None)


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


def sound(reading: Reading) -> None:
    """Leaves out what a thing would be to itself, which comes of a pronoun that means nobody else."""
    reading.parsed.relations = [r for r in reading.parsed.relations if r.a not in (r.b, r.c)]


def met_again(reading: Reading, known: int, at: int) -> None:
    """A thing named before is named again: it ends the open relation, or the sentence is about it now."""
    before = reading.items[at - 2].token if at > 1 else None
    opened = at == 1 or (before is not None and before.kind == "stop")
    if reading.waiting and (reading.thing_at(at + 1) or (opened and reading.thing_apart(at + 1))):
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
    if (
        reading.each
        and thing.count == 1
        and reading.waiting
        and reading.waiting[0] in ("holding", "with", "riding", "facing")
        and not words.is_in("aimed", reading.waiting[1])
    ):
        many = sum(reading.parsed.things[i].count for i in doers(reading, reading.waiting[0]))
        room = MAX_REGIONS - sum(t.count for t in reading.parsed.things)
        thing.count = many if many <= min(room, MAX_COUNT) else 1
    reading.each = False
    if reading.place:
        thing.place, reading.place = reading.place, ""
    if reading.waiting:
        relate(reading, index)
    else:
        listed(reading, index)
        if reading.onward and reading.leading is None and reading.joined:
            reading.parsed.relations.append(Relation(named(reading.onward[0]), index, reading.onward[1]))
        catch_up(reading, index)
    reading.last = index
    reading.breath.append(index)
    reading.whole = None if thing.count > 1 else reading.whole


def in_the_corners(reading: Reading, item: Item) -> bool:
    """ "orchids in the four corners": so many of what was named last."""
    if reading.waiting is None or reading.last is None or item.noun != "corner" or not item.plural:
        return False
    thing = reading.parsed.things[reading.last]
    thing.count = max(thing.count, item.count if item.counted else 4) if thing.count == 2 else thing.count
    return True


def twin(reading: Reading, thing: Thing) -> int | None:
    """ "a cat and a cat" is two cats."""
    if reading.waiting or not reading.joined or reading.last is None or reading.place or reading.chain:
        return None
    last = reading.parsed.things[reading.last]
    same = (last.noun, last.attributes, last.tails, last.place) == (thing.noun, thing.attributes, thing.tails, thing.place)
    return reading.last if same and reading.last in reading.group else None


def listed(reading: Reading, index: int) -> None:
    """The thing joins the running list, or starts a new one."""
    related = reading.last is not None and reading.onward is None and any(reading.last in (r.b, r.c) for r in reading.parsed.relations)
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
    elif kind == "flanking":
        _amid(reading, index)
    else:
        who = doers(reading, kind)
        if kind == "with" and in_hand(reading.parsed.things[who[-1]], reading.parsed.things[index]):
            who = who[-1:]
        if len(who) > 1:  # "a whale under a rainbow with a boat on the whale": of the two that may be on it, one is above it already
            who = [i for i in who if not any({r.a, r.b} == {i, index} for r in reading.parsed.relations)] or who
        for subject in who:
            if kind == "holding" and words.is_in("container", reading.parsed.things[subject].noun):
                reading.parsed.relations.append(Relation("inside", index, subject))  # "the vase holds lilies"
            elif kind == "holding" and words.is_in("flat", reading.parsed.things[subject].noun):
                reading.parsed.relations.append(Relation("on", index, subject))  # "the table holds a lamp"
            elif subject != index and kind == "with" and in_hand(reading.parsed.things[subject], reading.parsed.things[index]):
                reading.parsed.relations.append(Relation("holding", subject, index))
            elif subject != index:
                reading.parsed.relations.append(Relation(named(kind), subject, index, said=said if kind in VERBAL and said.endswith("ing") else ""))


def _amid(reading: Reading, index: int) -> None:
    """ "two bottles flanking a cheese": the cheese is between them."""
    ends = [i for i in reading.group if i != index][-2:]
    if ends and (len(ends) == 2 or reading.parsed.things[ends[0]].count > 1):
        reading.parsed.relations.append(Relation("between", index, ends[0], ends[-1]))
    elif ends:
        reading.parsed.relations.append(Relation("beside", ends[0], index))


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
    if not reading.joined and _done_to_goes_on(reading, kind, last):
        return [last.b]
    if not reading.joined and kind in ("on", "inside") and last.kind in ("on", "inside"):
        return [reading.last]  # "a candle on a cake on a table"
    if not reading.joined and kind in ("on", "inside") and last.kind == "beside" and not last.said and last.b == reading.last:
        return [last.a, last.b]  # "a laptop next to a mug on a desk"
    if reading.joined or last.kind in ("on", "inside", "riding", "holding", "beside", "facing", "with"):
        return [last.a] if kind != "with" else [reading.last]
    return [reading.last]


def _done_to_goes_on(reading: Reading, kind: str, last: Relation) -> bool:
    """ "hammering a horseshoe on an anvil", "bees following a bear carrying a pot": whose object is it that stands there, or does the next thing."""
    if kind in ("on", "inside"):
        return words.is_in("worked", last.said)
    follows = last.kind == "beside" and last.said != "" and last.b == reading.last
    return kind in ("holding", "facing") and follows and _takes(reading, last.a, last.b)


def _takes(reading: Reading, first: int, second: int) -> bool:
    """Whether of two that are alive the second is the one who holds something: people before animals."""
    one, other = (words.kind(reading.parsed.things[i].noun) for i in (first, second))
    return other == "h" or (other == "a" and one != "h")


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
