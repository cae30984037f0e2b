"""What somebody is said to be, which is nobody else: "a fairy and a troll who are friends", "a judge who is an owl", "Benny is a mole"."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Thing
from cutwork.agents.language.phrases import said, shown
from cutwork.agents.language.reading import Reading


def said_to_be(reading: Reading, item: Item, at: int) -> bool:
    """Whether the phrase says what the last thing is; "in the middle is a dog" names somebody new."""
    if at < 2 or reading.last is None or reading.items[at - 1].role != "be" or item.det == "the":
        return False
    last, who = reading.parsed.things[reading.last], reading.items[at - 2]
    if (who.role not in ("thing", "that") and who.text not in ("one", "other")) or (who.role == "thing" and who.noun != last.noun):
        return False
    single = last.count == item.count == 1 and item.det in ("a", "an") and not reading.parsed.relations
    if single and words.kind(last.noun) == "?":
        last.noun, last.attributes = item.noun, [*last.attributes, *shown(item)]  # "Benny is a mole"
    elif single and words.kind(item.noun) == "a" and words.kind(last.noun) == "h":
        _disguise(last, item)
    elif not item.counted and (words.kind(item.noun) == "h" or (words.kind(item.noun) == words.kind(last.noun) == "a" and item.det in ("a", "an"))):
        for thing in (reading.parsed.things[i] for i in (reading.group if item.plural else [reading.last])):
            thing.tails.append(f"who {'is' if thing.count == 1 else 'are'} {said(item)}")
    else:
        return False
    return True


def _disguise(thing: Thing, item: Item) -> None:
    """ "a judge who is an owl" is an owl as a judge."""
    thing.tails.append(f"as {words.article(thing.bare)} {thing.bare}")
    thing.noun, thing.attributes = item.noun, shown(item)
