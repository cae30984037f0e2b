"""What a phrase is: a thing of its own, a part or wear of the last one, scenery, or a thing named again."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.chunks import Item
from cutwork.agents.language.model import NUMBERS, Thing
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import replace_relation

GEOMETRIC = {"left", "right", "above", "below", "under", "over", "front", "behind", "beside"}


def at_something(reading: Reading, word: str, at: int) -> bool:
    """Whether a verb says where a thing is: "tied to", "hanging from"."""
    follows = reading.items[at + 1].text if at + 1 < len(reading.items) else ""
    return follows == "to" or (follows == "from" and not words.is_in("absorb", word))


def absorbs(reading: Reading, at: int) -> bool:
    """Whether a verb such as "made" or "covered" goes on to say with or of what."""
    follows = reading.items[at + 1] if at + 1 < len(reading.items) else None
    if follows is None:
        return False
    said = follows.text in ("as", "like", "of", "from", "into", "in", "with", "on", "by")
    return said or follows.role in ("adjectives", "thing")


def describe(reading: Reading, index: int, word: str) -> None:
    """A verb as what one thing is doing, said after it: "a cat sleeping"."""
    thing = reading.parsed.things[index]
    if word not in thing.tails and word not in ("standing", "being", "having") and thing.count == 1:
        thing.tails.append(word)


def said_of_last(reading: Reading, item: Item, at: int) -> bool:
    """After "is" or a verb, right behind the noun, or joined to words that were."""
    if at == 0:
        return False
    before = reading.items[at - 1].role
    plain = all(words.is_in("adjective", a) or words.is_colour(a) for a in item.attributes)
    if reading.absorbing:
        return words.is_colour(item.attributes[-1])
    return before in ("be", "skip", "verb", "that") or (before == "thing" and not reading.joined) or (reading.joined and plain and was_attribute(reading, at))


def was_attribute(reading: Reading, at: int) -> bool:
    """ "the cat is fat and grumpy": the item before "and" was an attribute too."""
    return at > 1 and reading.items[at - 2].role == "adjectives"


def attribute(reading: Reading, index: int, attributes: list[str]) -> None:
    """Words that describe a thing, each once."""
    thing = reading.parsed.things[index]
    thing.attributes.extend(a for a in attributes if a not in thing.attributes and not words.is_in("function", a))


def still_waits(reading: Reading, item: Item, at: int) -> bool:
    """ "between a cat" waits for a second thing, "in the arms of" for whose arms they are."""
    if reading.waiting is None:
        return False
    if reading.waiting[0] == "between":
        return len(reading.between) < 2
    return reading.tailed and some_part(item) and at + 1 < len(reading.items) and reading.items[at + 1].text == "of"


def is_background(item: Item) -> bool:
    """Whether a phrase names the background as such: "a teal striped background"."""
    return words.is_in("background", item.noun.rpartition(" ")[2]) and item.noun != "surface"


def stands_for_last(reading: Reading, item: Item) -> bool:
    """Whether it is "one": another of the last thing."""
    return item.noun == "one" and reading.last is not None


def describes_last(reading: Reading, item: Item) -> bool:
    """Worn things, parts, and what follows "made of" describe the thing before them."""
    if reading.last is None:
        return False
    if reading.tailed and reading.joined and reading.waiting is None and goes_on(item):
        add_tail(reading, f"and {said(item)}")
        return True
    if reading.absorbing and not (reading.absorbing in ("of", "to", "from") and reading.joined):
        add_tail(reading, f"{reading.absorbing} {said(item)}")
        return True
    if item.det in ("its", "his", "her", "their") and (words.is_part(item.noun) or words.is_worn(item.noun)):
        at_a_part(reading, item)
        return True
    if reading.waiting and reading.waiting[0] in ("with", "inside") and worn_or_part(reading, item):
        add_tail(reading, f"{reading.waiting[1] if reading.waiting[0] == 'with' else 'in'} {said(item)}")
        return True
    return reading.waiting is not None and reading.waiting[0] != "with" and some_part(item)


def some_part(item: Item) -> bool:
    """ "attached to the back", "on the roof": a part of what was named, not a thing."""
    return (
        item.det in ("the", "its", "his", "her", "their")
        and words.is_part(item.noun)
        and not words.is_in("noun", item.noun)
        and not words.is_in("thing", item.noun)
    )


def at_a_part(reading: Reading, item: Item) -> None:
    """ "a giraffe with an owl on its head", "a dog with a ball in its mouth"."""
    if reading.waiting is None or reading.waiting[0] not in ("on", "inside") or reading.last is None or not reading.head or reading.head[0] == reading.last:
        return
    if reading.waiting[0] == "on":
        replace_relation(reading, "on", reading.last, reading.head[0])
    elif item.noun in ("mouth", "hand", "arm", "paw", "beak", "claw", "trunk"):
        replace_relation(reading, "holding", reading.head[0], reading.last)


def goes_on(item: Item) -> bool:
    """ "a hat and a scarf", "filled with water and bamboo"."""
    bare = item.det == "" and (item.plural or item.count == 1) and words.kind(item.noun) in "fsp"
    return words.is_worn(item.noun) or words.is_part(item.noun) or bare


def worn_or_part(reading: Reading, item: Item) -> bool:
    """Whether "with" or "in" this phrase describes the last thing: "with a beard", "in a tuxedo", "eggs with bacon"."""
    assert reading.last is not None
    assert reading.waiting is not None
    if reading.waiting[0] == "inside":
        return reading.waiting[1] == "in" and words.is_worn(item.noun)
    both_food = item.det == "" and words.kind(item.noun) == "f" and words.kind(reading.parsed.things[reading.last].noun) == "f"
    return words.is_worn(item.noun) or words.is_part(item.noun) or both_food


def add_tail(reading: Reading, text: str) -> None:
    """A description after the noun, given to the thing it can belong to."""
    assert reading.last is not None
    comma = reading.joined and reading.waiting is not None  # "a cat on a mat, with a hat"
    stands_on = bool(reading.head) and any((r.a, r.b) == (reading.head[0], reading.last) for r in reading.parsed.relations)
    lifeless = (
        stands_on and words.is_in("worn-verb", text.split(" ")[0]) and words.kind(reading.parsed.things[reading.last].noun) not in "ah?"
    )  # "… on a bed wearing a tie"
    thing = reading.parsed.things[reading.head[0] if reading.head and (comma or lifeless) else reading.last]
    if text not in thing.tails and sum(map(len, thing.tails)) < 80:
        thing.tails.append(text)


def is_behind(reading: Reading, item: Item) -> bool:
    """Scenery: what is in, on or at a place stands before it."""
    if reading.waiting and reading.waiting[0] == "behind-all":
        reading.parsed.background.append(said(item))
        return True
    if not words.is_scenery(item.noun):
        return False
    if reading.waiting is None:
        if words.is_pure_scenery(item.noun) and not (reading.joined and reading.parsed.things and item.det):
            reading.parsed.background.append(said(item))
            return True
        return False
    kind, word = reading.waiting
    if words.is_in("noun", item.noun) and kind not in ("on", "at", "inside"):
        return False  # "over the moon", but "on the moon"
    if kind in ("left", "right", "facing", "holding", "riding", "between", "with") and not words.is_pure_scenery(item.noun):
        return False
    reading.parsed.background.append(f"{word} {said(item)}".replace("on top of", "on"))
    return True


def named_before(reading: Reading, item: Item) -> int | None:
    """The thing already named that this phrase names again."""
    if item.det == "another":
        return None
    same = [i for i, t in enumerate(reading.parsed.things) if t.noun == item.noun]
    if not same:
        return None
    if item.det == "the" or item.det in ("this", "that"):
        fitting = [i for i in same if set(shown(item)) <= set(reading.parsed.things[i].attributes)]
        return (fitting or same)[0] if fitting or not item.attributes else None
    alike = [i for i in same if reading.parsed.things[i].attributes == shown(item)]
    again = reading.waiting[0] in GEOMETRIC if reading.waiting else relation_ahead(reading, item)
    if not alike or not again or not reading.parsed.relations or (reading.waiting and alike[0] == reading.last):
        return None
    return alike[0]


def relation_ahead(reading: Reading, item: Item) -> bool:
    """Whether a direction is said of the phrase next: "… and the cat is left of"."""
    at = next(i for i, other in enumerate(reading.items) if other is item)
    for other in reading.items[at + 1 : at + 4]:
        if other.token is not None and other.token.kind == "relation":
            return other.token.value in GEOMETRIC
        if other.role not in ("be", "verb", "skip"):
            return False
    return False


def shown(item: Item) -> list[str]:
    """What can be seen of a phrase's attributes."""
    return [a for a in item.attributes if not words.is_in("function", a) and a not in ("colored", "coloured")]


def said(item: Item) -> str:
    """The phrase with its article, as it was said."""
    if item.counted and item.count > 1:
        return f"{NUMBERS[item.count] if item.count < len(NUMBERS) else item.count} {item.text}"
    if item.plural:
        return item.text
    det = item.det if item.det not in ("", "some", "any", "each", "every", "another") else ""
    if det in ("a", "an"):
        det = words.article(item.text)
    return f"{det} {item.text}".strip()


def made(item: Item) -> Thing:
    """A phrase as a thing of its own."""
    scale = 1.0
    for word in item.attributes:
        size = words.value("size", word)
        scale *= float(size) if size else 1.0
    return Thing(item.noun, shown(item), count=item.count, scale=min(2.0, max(0.4, scale)), extra=item.extra, lead=item.lead)
