"""Several of a kind told apart: "two cats, one black and one white", "three foxes, two of them asleep and the other awake"."""

from __future__ import annotations

from dataclasses import replace

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Thing
from cutwork.agents.language.reading import Reading

WORDS = ("one", "some", "half", "other", "others")


def tells_apart(reading: Reading, item: Item, at: int) -> bool:
    """Whether words without a noun are about some of the several that were named: "one …", "two …", "the other …"."""
    before = reading.items[at - 1] if at else None
    if before is not None and before.token is not None and before.token.kind == "stop":
        reading.joined = True  # "Two cats. One is black."
    if _whole(reading) is None:
        return False
    if item.role == "pronoun" and before is not None and before.role == "adjectives":
        return False  # "a black one" is told apart by then
    if item.role == "adjectives" and at + 1 < len(reading.items) and reading.items[at + 1].text in ("one", "ones"):
        return reading.whole is not None or (before is not None and before.text in (",", ":"))  # "two cats, a black one"; not "and a black one"
    return item.text in WORDS if item.role == "pronoun" else item.counted or item.det in ("other", "another")


def coloured_out(reading: Reading, item: Item) -> bool:
    """ "two scooters, one green and one peach": no fruit, once some were told apart."""
    return reading.whole is not None and item.counted and not item.det and not item.attributes and words.is_colour(item.noun)


def take(reading: Reading, item: Item) -> None:
    """From here on the sentence is about those taken out, who stand where the others do."""
    whole = _whole(reading)
    assert whole is not None
    thing = reading.parsed.things[whole]
    wanted = thing.count // 2 if item.text == "half" else item.count if item.counted else 1
    if item.text == "others" or wanted >= thing.count:
        taken = whole
    else:
        taken = _taken(reading, whole, max(1, wanted))
    reading.parts = [whole, *(i for i in reading.parts if i != whole), taken] if taken != whole else reading.parts
    reading.whole = whole if taken != whole else None
    reading.last, reading.group, reading.head = taken, [taken], [taken]
    reading.waiting, reading.absorbing, reading.joined, reading.tailed = None, "", False, False


def all_again(reading: Reading, at: int) -> None:
    """ "two vases, one green and one blue, stand on a shelf": behind the comma the sentence is about all of them."""
    if reading.parts and reading.items[at - 1].text == "," and not reading.items[at].text.endswith("ing"):
        reading.group, reading.head, reading.last = list(reading.parts), list(reading.parts), reading.parts[-1]


def _whole(reading: Reading) -> int | None:
    """Of whom some may be told apart: those of whom some were already, else the last thing if it is several."""
    if reading.whole is not None:
        return reading.whole
    if reading.last is None or not reading.joined:
        return None
    about = [reading.last, *reading.head]
    return next((i for i in about if reading.parsed.things[i].count > 1), None)


def _taken(reading: Reading, whole: int, number: int) -> int:
    """The number of a new thing that is so many of the whole, in all its relations."""
    thing = reading.parsed.things[whole]
    thing.count -= number
    index = len(reading.parsed.things)
    reading.parsed.things.append(_copy(thing, number))
    for r in list(reading.parsed.relations):
        if whole in (r.a, r.b, r.c) and r.b != r.c:
            at = {whole: index}
            reading.parsed.relations.append(replace(r, a=at.get(r.a, r.a), b=at.get(r.b, r.b), c=None if r.c is None else at.get(r.c, r.c)))
    return index


def _copy(thing: Thing, number: int) -> Thing:
    return replace(thing, attributes=list(thing.attributes), tails=list(thing.tails), count=number, place="")
