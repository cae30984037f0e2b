"""Whether a phrase is where things are rather than a thing: "at the bus stop", "on ivory linen", "heron, cattails, pond", "stripes behind it"."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.phrases import said
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.unseen import undrawable

SPREAD = ("patch", "carpet", "expanse", "layer", "stretch", "blanket", "bed")


def is_background(item: Item) -> bool:
    """Whether a phrase names the background as such: "a teal striped background"."""
    if item.noun in ("gradient", "ombre"):
        return any(map(words.is_colour, item.attributes))  # "pink gradient"
    return words.is_in("background", item.noun.rpartition(" ")[2]) and item.noun != "surface"


def is_behind(reading: Reading, item: Item) -> bool:
    """Scenery: what is in, on or at a place stands before it."""
    if reading.waiting and reading.waiting[0] == "behind-all":
        reading.parsed.background.append(said(item))
        return True
    if _is_event(reading, item):
        reading.parsed.background.append(f"{reading.waiting[1] if reading.waiting else 'at'} {said(item)}")
        return True
    if item.lead in SPREAD and reading.waiting and reading.waiting[0] in ("on", "inside", "at"):
        reading.parsed.background.append(f"{reading.waiting[1]} {item.det or 'a'} {item.lead} of {item.text}")
        return True
    if _ends_as_ground(reading, item):
        reading.parsed.background.append(f"on {said(item)}")
        return True
    if _is_ground(reading, item):
        reading.parsed.background.append(f"on {said(item)}")
        return True
    if not is_place(item) or (reading.place not in ("", "front") and reading.waiting is None):
        return False  # "on the left a forest" has a place of its own on the canvas
    if reading.waiting is None:
        return _behind_unsaid(reading, item)
    kind, word = reading.waiting
    if words.is_in("noun", item.noun) and kind not in ("on", "at", "inside"):
        return False  # "over the moon", but "on the moon"
    pure = words.is_pure_scenery(item.noun)
    if kind == "facing" and item.det == "the" and not item.attributes:
        _place_once(reading, item)  # "ducklings crossing the road"
        return True
    if kind in ("left", "right", "facing", "holding", "riding", "between", "with") and not pure:
        return False
    if kind == "front" and item.det in ("a", "an") and item.attributes and not pure:
        return False  # "in front of a peeling yellow garage", but "in front of a barn"
    if kind in ("behind", "above", "below", "under") and item.det in ("a", "an") and not pure:
        return False  # "a moose behind a barn"
    reading.parsed.background.append(f"{word} {said(item)}".replace("on top of", "on"))
    return True


def _behind_unsaid(reading: Reading, item: Item) -> bool:
    """A place that no relation leads to: "the sky, a cat", "heron, cattails, pond"; but "a cat and a pond" are two things."""
    pure = words.is_pure_scenery(item.noun) and not (reading.joined and reading.parsed.things and item.det)
    if not (pure or _listed(reading, item) or _told(reading, item)):
        return False
    reading.parsed.background.append(said(item))
    return True


def _listed(reading: Reading, item: Item) -> bool:
    """A bare place in a list of things; what is a thing as often as a place stays one: "goat on roof, moon"."""
    if item.det or item.counted or (reading.joined and reading.items[reading.at - 1].text == "and"):
        return False
    if words.is_in("noun", item.noun) or words.is_in("thing", item.noun):
        return False
    return any(other.role == "thing" and not is_place(other) and not undrawable(other) for other in reading.items)


def _told(reading: Reading, item: Item) -> bool:
    """ "The water is clear.": a sentence that only says how the place is."""
    follows = reading.items[reading.at + 1].role if reading.at + 1 < len(reading.items) else ""
    return item.det == "the" and follows == "be" and reading.opens(reading.at) and not item.plural


def _place_once(reading: Reading, item: Item) -> None:
    if not any(item.noun in back for back in reading.parsed.background):
        reading.parsed.background.append(said(item))


def is_place(item: Item) -> bool:
    """Whether a phrase is a place; some are places only in the plural: "over the hills"."""
    many = item.plural and not item.counted and words.is_in("scenery", item.text.rpartition(" ")[2])
    return many or words.is_scenery(item.noun)


def _is_event(reading: Reading, item: Item) -> bool:
    """ "at a jazz festival", "in a philosophy lecture", "at the starting line": where it happens, though that cannot be drawn by itself."""
    if reading.waiting is None or reading.waiting[1] not in ("in", "at", "during"):
        return False
    last = item.noun.rpartition(" ")[2]
    point = (
        reading.waiting[1] == "at"
        and item.det == "the"
        and words.kind(last) in "gx"
        and bool(item.attributes or " " in item.noun)
        and not words.may_be_seen(last)
    )
    return (words.is_in("gathering", last) and item.det in ("a", "an", "the")) or point


def _ends_as_ground(reading: Reading, item: Item) -> bool:
    """ "…, white linen": a cloth with its colour, at the end of a list of things."""
    bare = not item.det and not item.counted and not item.plural and words.is_in("cloth", item.noun)
    coloured = any(words.is_colour(a) or words.is_in("pattern", a) for a in item.attributes)
    at = reading.at
    closes = at + 1 == len(reading.items) or reading.items[at + 1].text in (".", "!")
    return (
        bare
        and (coloured or " " in item.noun)
        and closes
        and bool(reading.parsed.things)
        and reading.waiting is None
        and at > 0
        and reading.items[at - 1].text == ","
    )


def _is_ground(reading: Reading, item: Item) -> bool:
    """ "lemons on ivory linen": what a design lies on, named without an article."""
    bare = not item.det and not item.counted and not item.plural
    return bare and reading.waiting is not None and reading.waiting[0] == "on" and words.is_in("cloth", item.noun.rpartition(" ")[2])


def stands_behind(reading: Reading, item: Item, at: int) -> bool:
    """ "a pineapple, teal stripes behind it": a part or a pattern that is said to be behind everything is the background."""
    follows = reading.items[at + 1].token if at + 1 < len(reading.items) else None
    if follows is None or not follows.text.startswith("behind") or follows.kind != "background" or not words.is_part(item.noun):
        return False
    reading.parsed.background.append(said(item))
    return True
