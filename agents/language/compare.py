"""Sizes said by comparison: "a bowl bigger than a bird and smaller than a car" has three things of three sizes."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Thing
from cutwork.agents.language.reading import Reading


def comparative(reading: Reading, item: Item, at: int) -> bool:
    """Whether the words compare the last thing with what follows; how much larger it is, is kept until that has come."""
    factor = words.value("compared", item.attributes[-1])
    follows = reading.items[at + 1].text if at + 1 < len(reading.items) else ""
    if reading.last is None or factor is None or follows != "than" or item.counted:
        return False
    reading.compared = float(factor)
    return True


def compares(reading: Reading, at: int) -> bool:
    """ "than" behind a comparison: the next thing stands beside the one that is compared."""
    if reading.compared == 1.0 or not reading.thing_at(at + 1):
        return False
    reading.waiting = ("beside", "than")
    return True


def sized(reading: Reading, thing: Thing) -> None:
    """The size of the thing that the last comparison was made with."""
    if reading.compared != 1.0 and reading.waiting == ("beside", "than") and reading.head:
        thing.scale = reading.parsed.things[reading.head[0]].scale / reading.compared
        reading.compared = 1.0
