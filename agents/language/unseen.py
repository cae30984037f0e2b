"""What of a brief cannot be seen, and what becomes of it: a look, a mood, the background; and what is drawn where nothing else is named."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.phrases import GEOMETRIC, made
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import add


def undrawable(item: Item) -> bool:
    """Whether a phrase names nothing to be seen: ideas, looks, and words about the brief itself."""
    idea = words.kind(item.noun) == "x" and not item.extra and not item.hung and not item.lead  # "a portrait of a woman" can be seen
    if words.is_in("noun", item.noun) and " " in item.noun:
        return False  # "latte art"
    if idea and _countable(item) and words.may_be_seen(item.noun):
        return False  # "a carton", "two red tags"
    return idea or words.is_in("meta", item.noun) or words.is_in("style", item.noun) or words.is_in("tail", item.noun.rpartition(" ")[2])


def _countable(item: Item) -> bool:
    """Whether a phrase means a single thing, or so many: "a carton", "two tags", "a red line" rather than "the heat"."""
    owned = item.det in ("a", "an", "another", "his", "her", "its", "their", "my", "our")
    return owned or item.counted or any(words.is_colour(a) or words.is_in("size", a) for a in item.attributes)


def stands(reading: Reading, item: Item, at: int) -> bool:
    """ "the carton next to a bowl": what stands somewhere can be seen."""
    follows = reading.items[at + 1].token if at + 1 < len(reading.items) else None
    where = follows is not None and follows.kind == "relation" and follows.value in GEOMETRIC | {"on"}
    return where and item.det == "the" and not item.plural and words.may_be_seen(item.noun) and words.besides(item.noun) == "o"


def of_light(reading: Reading, at: int) -> bool:
    """ "a cone of light", "a trail of smoke": no cone, no trail."""
    what = reading.items[at + 2] if at + 2 < len(reading.items) and reading.items[at + 1].text == "of" else None
    return what is not None and not what.det and words.is_in("glow", what.text.split(" ")[0])


def all_over(reading: Reading, at: int) -> bool:
    """ "lightning everywhere": a bare word for what is nobody, behind which the rest stands."""
    before = reading.items[at - 1] if at else None
    things = reading.parsed.things
    if before is None or before.role != "thing" or before.det or before.counted or len(things) < 2 or before.noun != things[-1].noun:
        return False
    return words.kind(before.noun) not in "ah" and not any(len(things) - 1 in (r.a, r.b) for r in reading.parsed.relations)


def looked(reading: Reading, item: Item) -> None:
    """What cannot be drawn may say how the picture is to look, or feel: "soft colors", "loneliness"."""
    if words.is_in("tail", item.text.split(" ")[-1]) or words.is_in("style", item.noun):
        reading.parsed.styles.append(item.text)
    elif words.is_in("abstract", item.noun) or ("V" not in words.letters(item.noun) and not words.is_in("meta", item.noun)):
        reading.moods.append(item.text)
        reading.passed.append(item)


def _last_resort(item: Item) -> bool:
    """Whether a brief that names nothing else is about this: "carton", but not "justice", who is a judge at best, nor "the passage of time"."""
    return words.may_be_seen(item.noun) and item.det != "the" and words.besides(item.noun) != "h"


def fall_back(reading: Reading) -> None:
    """Nothing to be drawn was named: what could be drawn at need is, else colours are the background, moods the look, and the rest is no picture."""
    if len(reading.passed) == 1 and _last_resort(reading.passed[0]):
        add(reading, made(reading.passed[0]))
        return
    if reading.parsed.background:
        return
    colours = [i.text for i in reading.items if i.role == "adjectives" and any(map(words.is_colour, i.attributes))]
    if colours:
        reading.parsed.background.append(f"{words.article(colours[0])} {colours[0]} background")
    reading.parsed.styles += [text for text in reading.moods if text not in reading.parsed.styles][:6]
