"""Whether a phrase names again what was named before: "the cat", "both cups" of two teacups, "the first bicycle" of two."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.apart import take
from cutwork.agents.language.items import Item
from cutwork.agents.language.phrases import GEOMETRIC, shown
from cutwork.agents.language.reading import Reading

BACK = ("the", "this", "that", "these", "those", "both", "all")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "last", "former", "latter")


def named_before(reading: Reading, item: Item) -> int | None:
    """The thing already named that this phrase names again."""
    if item.det == "another":
        return None
    same = [i for i, t in enumerate(reading.parsed.things) if t.noun == item.noun] or _by_another_name(reading, item)
    if item.det in ("a", "an"):
        same = [i for i in same if i not in reading.breath]  # "a cat above a cat above a cat"
    if not same:
        return None
    if item.det in BACK:
        fitting = [i for i in same if set(shown(item)) <= set(reading.parsed.things[i].attributes)]
        return (fitting or same)[0] if fitting or not item.attributes else None
    alike = [i for i in same if reading.parsed.things[i].attributes == shown(item)]
    again = reading.waiting[0] in GEOMETRIC if reading.waiting else relation_ahead(reading)
    if not alike or not again or not reading.parsed.relations or (reading.waiting and alike[0] == reading.last):
        return None
    return alike[0]


def known(reading: Reading, item: Item) -> bool:
    """Whether "the barn" is one of the things already, and so no place behind them."""
    return item.det == "the" and any(t.noun == item.noun for t in reading.parsed.things) and named_before(reading, item) is not None


def relation_ahead(reading: Reading) -> bool:
    """Whether a direction is said of the phrase next: "… and the cat is left of"."""
    for other in reading.items[reading.at + 1 : reading.at + 4]:
        if other.token is not None and other.token.kind == "relation":
            return other.token.value in GEOMETRIC
        if other.role not in ("be", "verb", "skip"):
            return False
    return False


def _by_another_name(reading: Reading, item: Item) -> list[int]:
    """ "both cups" are the two teacups, "the animal" is the only animal there is."""
    if item.det not in BACK or item.attributes:
        return []
    things = list(enumerate(reading.parsed.things))
    longer = [i for i, t in things if t.noun.endswith(item.noun) and len(item.noun) > 2]
    animals = [i for i, t in things if words.kind(t.noun) == "a"] if item.noun in ("animal", "creature", "pet") else []
    sort = [i for i, t in things if f"{t.noun} {item.noun}" in words.lexicon() and words.kind(t.noun) == words.kind(item.noun)]  # "the tree" is the oak
    sorts = (
        [i for i, t in things if words.kind(t.noun) in (words.value("hypernym", item.noun) or "") and t.noun != item.noun]
        if words.is_in("hypernym", item.noun)
        else []
    )
    found = longer or animals or sort or sorts
    return found if len(found) == 1 else []


def counted_out(reading: Reading, item: Item, at: int) -> bool:
    """ "Two robots in a park. One robot is blue, the other is orange.": a clause about some of those named before."""
    follows = reading.items[at + 1].role if at + 1 < len(reading.items) else ""
    if not item.counted or item.det or item.attributes or follows not in ("be", "verb", "have") or reading.waiting:
        return False
    several = [i for i, t in enumerate(reading.parsed.things) if t.noun == item.noun and t.count > item.count]
    if not several:
        return False
    if reading.whole is None:
        reading.last, reading.head, reading.joined = several[0], [several[0]], True
    take(reading, item)
    return True


def one_of_several(reading: Reading, item: Item) -> bool:
    """ "the first bicycle is red and the second is blue": from here on the sentence is about that one, if several were named."""
    said = [*item.attributes, item.noun]
    if item.det != "the" or said[0] not in ORDINALS:
        return False
    last = reading.parsed.things[reading.last].noun if reading.last is not None else ""
    named = last if item.noun in ("one", "", said[0]) else item.noun
    same = [i for i, t in enumerate(reading.parsed.things) if t.noun == named and t.count > 1]
    if not same and item.noun in ("one", "", said[0]):
        same = [i for i, t in enumerate(reading.parsed.things) if t.count > 1]
    if reading.whole is None and not same:
        return False
    if reading.whole is None:
        reading.last, reading.head, reading.joined = same[0], [same[0]], True
    elif item.noun not in ("", "one", said[0], reading.parsed.things[reading.whole].noun):
        return False
    take(reading, item)
    for index in (reading.last,) if reading.last is not None else ():
        reading.parsed.things[index].attributes += [a for a in shown(item)[1:] if a not in reading.parsed.things[index].attributes]
    return True
