"""Things taken back once more is known: a place that has a sentence to itself, a sum in front of those it sums up."""

from __future__ import annotations

from dataclasses import replace

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Thing
from cutwork.agents.language.reading import Reading


def to_background(reading: Reading, index: int) -> None:
    """A thing is no subject after all; what was said of it goes with it."""
    reading.parsed.background.append(removed(reading, index).phrases)


def drop_collective(reading: Reading) -> None:
    """ "a happy family: mom, dad and two kids": those who make it up are named, so it is none besides them."""
    things = reading.parsed.things
    if len(things) == 1 and words.is_scenery(things[0].noun) and not things[0].place:
        to_background(reading, 0)  # "christmas: santa and a reindeer"
    if len(things) == 1 and not reading.parsed.relations and _sums_up(things[0].noun):
        things.clear()
        reading.group, reading.head, reading.last = [], [], None


def _sums_up(noun: str) -> bool:
    """A family or a couple, or a word nobody knows, which in front of a colon is a title."""
    return words.kind(noun) == "?" or words.is_in("group", noun) or words.is_in("people", noun)


def drop_stage(reading: Reading, at: int) -> None:
    """ "The picture shows a harbour. Two boats …": a place that has a sentence to itself, and is not named again, is where the rest is."""
    things, rest = reading.parsed.things, reading.items[at:]
    if len(things) == 2 and words.is_scenery(things[0].noun) and _furnishes(reading):
        of = removed(reading, 1)
        things[0].tails.append(f"with {of.phrases}")
        reading.parsed.relations, reading.last = [], 0
        _to_stage(reading, rest)
        return
    if len(things) != 1 or reading.parsed.relations or things[0].place or things[0].tails or not words.is_scenery(things[0].noun):
        return
    _to_stage(reading, rest)


def _furnishes(reading: Reading) -> bool:
    """ "A gallery with polished parquet.": a word without article or number, in one relation with the place."""
    thing = reading.parsed.things[1]
    bare = any(item.noun == thing.noun and not item.det and not item.counted and not item.plural for item in reading.items[: reading.at])
    return bare and [(r.kind, r.a, r.b) for r in reading.parsed.relations] == [("beside", 0, 1)] and not reading.parsed.things[0].place


def _to_stage(reading: Reading, rest: list[Item]) -> None:
    things = reading.parsed.things
    again = any(item.noun == things[0].noun or item.text in ("it", "its") or item.det == "its" for item in rest)
    if not again and any(item.role == "thing" and not words.is_scenery(item.noun) for item in rest):
        to_background(reading, 0)


def drop_total(reading: Reading) -> None:
    """ "two birds: a robin and a wren": those listed behind the colon are the two, so there are no two birds besides them."""
    total, reading.total = reading.total, None
    things = reading.parsed.things
    if total is None or len(things) < total + 3 or sum(t.count for t in things[total + 1 :]) != things[total].count:
        return
    for r in [r for r in reading.parsed.relations if total in (r.a, r.b) and r.b != r.c]:
        for index in range(total + 1, len(things)):
            at = {total: index}
            reading.parsed.relations.append(replace(r, a=at.get(r.a, r.a), b=at.get(r.b, r.b)))
    removed(reading, total)


def drop_summed(reading: Reading) -> None:
    """ "A stack of three bricks. A green brick is on a white brick, that on a purple brick.": the first sentence only says how many there are."""
    things = reading.parsed.things
    first = next((at for at, item in enumerate(reading.items) if item.text in (".", ";", "!", ":")), 0)
    if len(things) < 3 or sum(item.role == "thing" for item in reading.items[:first]) != 1 or reading.items[first - 1].noun != things[0].noun:
        return
    same = [t for t in things[1:] if t.noun == things[0].noun and t.attributes]
    if things[0].count > 1 and sum(t.count for t in same) == things[0].count and len({tuple(t.attributes) for t in same}) == len(same) > 1:
        removed(reading, 0)


def removed(reading: Reading, index: int) -> Thing:
    """Takes a thing out again, with its relations."""
    thing = reading.parsed.things.pop(index)
    down = {i: i - (i > index) for i in range(len(reading.parsed.things) + 1) if i != index}
    kept = [r for r in reading.parsed.relations if index not in (r.a, r.b, r.c)]
    reading.parsed.relations = [replace(r, a=down[r.a], b=down[r.b], c=None if r.c is None else down[r.c]) for r in kept]
    for held in (reading.group, reading.head, reading.topic, reading.parts, reading.breath, reading.between):
        held[:] = [down[i] for i in held if i in down]
    reading.leading, reading.absorbing, reading.tailed = None, "", False
    reading.whole, reading.object, reading.total = (None if i is None else down.get(i) for i in (reading.whole, reading.object, reading.total))
    reading.last = len(reading.parsed.things) - 1 if reading.parsed.things else None
    return thing
