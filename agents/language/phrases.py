"""What a phrase is: a thing of its own, a part or wear of the last one, scenery, or a thing named again."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.model import NUMBERS, Thing
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import replace_relation

GRASPING = ("mouth", "hand", "arm", "paw", "beak", "claw", "trunk")
GEOMETRIC = {"left", "right", "above", "below", "under", "over", "front", "behind", "beside"}


def at_something(reading: Reading, word: str, at: int) -> bool:
    """Whether a verb says where a thing is: "tied to", "hanging from"."""
    follows = reading.items[at + 1].text if at + 1 < len(reading.items) else ""
    return follows == "to" or (follows == "from" and not words.is_in("absorb", word))


def handed(reading: Reading, at: int) -> bool:
    """ "gives an apple to a bird", "serving a cup of tea to a guest": the thing before this item is what is given, thrown or shown."""
    given = at > 1 and reading.items[at - 1].role == "thing" and reading.items[at - 2].role == "verb"
    return given and reading.thing_at(at + 1) and not words.is_scenery(reading.items[at + 1].noun)


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
    verb, space, rest = word.partition(" ")
    word = words.doing(verb) + space + rest
    if word not in thing.tails and word not in ("standing", "being", "having"):
        thing.tails.append(word)


def said_of_last(reading: Reading, item: Item, at: int) -> bool:
    """After "is" or a verb, right behind the noun, or joined to words that were."""
    if at == 0:
        return False
    before = reading.items[at - 1].role
    follows = reading.items[at + 1].token if at + 1 < len(reading.items) else None
    if before in ("verb", "thing") and follows is not None and follows.kind == "relation" and words.is_in("adverb", item.text):
        return False  # "flies high above a barn"
    if reading.absorbing:
        return words.is_colour(item.attributes[-1])
    if before in ("be", "skip", "verb", "that", "pronoun") or (before == "thing" and not reading.joined):
        return True
    return reading.joined and all(map(_plain, item.attributes)) and (was_attribute(reading, at) or after_comma(reading, at))


def _plain(word: str) -> bool:
    """Whether a word says how a thing is, rather than how the picture is to look."""
    how = words.is_in("adjective", word) or words.is_colour(word) or words.letters(word)[:1] == "J"
    return how and not (words.is_in("style", word) or words.is_in("look", word))


def was_attribute(reading: Reading, at: int) -> bool:
    """ "the cat is fat and grumpy": the item before "and" was an attribute too."""
    return at > 1 and reading.items[at - 2].role == "adjectives"


def after_comma(reading: Reading, at: int) -> bool:
    """ "a cat, sleepy": right behind the thing but for the comma."""
    assert reading.last is not None
    return at > 1 and reading.items[at - 1].text == "," and reading.items[at - 2].noun == reading.parsed.things[reading.last].noun


def listed_noun(reading: Reading, item: Item, at: int) -> str:
    """ "lemon, orange, lime": a colour or material that is also a thing, in a list of bare nouns; "" where it is none."""
    if not words.is_in("noun", item.text) or item.det or at < 2 or not _bare(reading, at - 2):
        return ""
    listed = _mark(reading, at + 1) and _bare(reading, at + 2)
    longer = at > 3 and _mark(reading, at - 3) and _bare(reading, at - 4)
    return item.text if reading.items[at - 1].text == "and" or (_mark(reading, at - 1) and (listed or longer)) else ""


def _bare(reading: Reading, at: int) -> bool:
    return reading.thing_at(at) and not reading.items[at].det and not reading.items[at].counted


def _mark(reading: Reading, at: int) -> bool:
    return at < len(reading.items) and reading.items[at].text in (",", "and")


def all_of_them(reading: Reading, item: Item, at: int) -> bool:
    """Whether what is said here is said of the whole list: "a cat and a dog are black", not "a cat and a dog that is black"."""
    before, clause = reading.items[at - 1], reading.items[at - 2].role == "that" if at > 1 else False
    if item.det in ("both", "all"):
        return bool(reading.group)
    if reading.last not in reading.group or reading.last is None or before.text not in ("are", "were"):
        return False
    return not clause or reading.parsed.things[reading.last].count == 1


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
    if _tagged(reading, item):
        owner, last = _owner(reading), reading.last
        reading.last = owner
        add_tail(reading, f"with {said(item)}")
        reading.last = last
        return True
    if reading.absorbing == "whose" and not (words.is_part(item.noun) or words.is_worn(item.noun)):
        reading.absorbing, reading.waiting = "", ("with", "with")  # "a man whose dog is black"
    if reading.waiting and reading.waiting[1] == "out of" and not item.det and (words.is_in("cloth", item.noun) or words.kind(item.noun) == "s"):
        add_tail(reading, f"made of {said(item)}")  # "carved out of wood"
        return True
    if reading.absorbing == "from" and words.is_scenery(item.noun) and item.det in ("a", "an", "the"):
        reading.parsed.background.append(f"in {said(item)}")  # "taking a cow from a cornfield"
        return True
    if reading.absorbing and not (reading.absorbing in ("of", "to", "from") and reading.joined):
        add_tail(reading, f"{reading.absorbing} {said(item)}")
        return True
    if item.det in ("its", "his", "her", "their") and (words.is_part(item.noun) or words.is_worn(item.noun)):
        _own_part(reading, item)
        return True
    if reading.waiting and reading.waiting[0] in ("facing", "holding") and _done_with(reading, item):
        for index in reading.group or [reading.last]:
            doing = "playing" if reading.waiting[1] in ("play", "plays") else reading.waiting[1]
            describe(reading, index, f"{doing} {said(item)}")
        return True
    if reading.waiting and reading.waiting[0] in ("with", "inside") and worn_or_part(reading, item):
        add_tail(reading, f"{reading.waiting[1] if reading.waiting[0] == 'with' else 'in'} {said(item)}")
        return True
    return reading.waiting is not None and reading.waiting[0] != "with" and some_part(item)


def _tagged(reading: Reading, item: Item) -> bool:
    """ "beautiful woman, long hair, red dress": tags without an article that only a body can have."""
    assert reading.last is not None
    bare = (
        item.det == ""
        and not item.counted
        and (bool(item.attributes) or " " in item.noun)
        and reading.waiting is None
        and reading.joined
        and not reading.absorbing
    )
    return bare and (words.is_worn(item.noun) or words.is_part(item.noun)) and _owner(reading) is not None


def _owner(reading: Reading) -> int | None:
    """Whose a tag without an article is: the last thing's if it is alive, else the one's whom the sentence is about."""
    about = [i for i in (reading.last, *reading.head[:1]) if i is not None]
    alive = next((i for i in about if words.kind(reading.parsed.things[i].noun) in "ah"), None)
    unknown = reading.head[0] if reading.head and words.kind(reading.parsed.things[reading.head[0]].noun) == "?" else None
    return unknown if alive is None else alive  # "a barista"


def _own_part(reading: Reading, item: Item) -> None:
    """ "a king and his crown", "a cat licking its paw": drawn with its owner; "on its head" says where another thing is."""
    if reading.waiting is None:
        add_tail(reading, f"with {said(item)}")
    elif reading.waiting[0] in ("with", "facing", "holding"):
        add_tail(reading, f"{reading.waiting[1]} {said(item)}")
    else:
        at_a_part(reading, item)


def _done_with(reading: Reading, item: Item) -> bool:
    """What belongs to the doing and is no thing: "touching noses", "holding hands", "playing chess"."""
    assert reading.waiting is not None
    if item.det or item.counted:
        return False
    game = reading.waiting[1].startswith("play") and (words.is_in("game", item.noun) or words.is_in("game", item.text))
    return game or (item.plural and words.is_part(item.noun) and not words.is_in("noun", item.noun))


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
    if reading.waiting is None or reading.waiting[0] not in ("on", "inside") or reading.last is None or not reading.head:
        return
    at = reading.at
    kind = "on" if reading.waiting[0] == "on" else "held" if item.noun in GRASPING else ""
    before = reading.items[at - 2].token if at > 1 else None
    opens = reading.items[at - 2].role == "and" or (before is not None and before.kind in ("stop", "comma")) if at > 1 else False
    if kind and opens and not reading.thing_at(at + 1) and reading.thing_after(at + 1):
        reading.leading = (kind, reading.head[0], None)  # "An elephant in a field. On its back sits a monkey."
    elif reading.head[0] == reading.last or not kind:
        return
    elif kind == "on":
        replace_relation(reading, "on", reading.last, reading.head[0])
    else:
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
    if words.is_in("holder", reading.parsed.things[reading.last].noun) and words.is_in("bodily", item.noun):
        return False  # "a cup with a shoe"
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
    owners = reading.group if reading.together else [reading.head[0] if reading.head and (comma or lifeless) else reading.last]
    for thing in (reading.parsed.things[i] for i in owners):
        if text not in thing.tails and sum(map(len, thing.tails)) < 80:
            thing.tails.append(text)


def shown(item: Item) -> list[str]:
    """What can be seen of a phrase's attributes."""
    return [a for a in item.attributes if not words.is_in("function", a) and a not in ("colored", "coloured", "more")]


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
    mass = bool(item.lead) and not item.plural
    return Thing(item.noun, shown(item), count=item.count, scale=min(2.0, max(0.4, scale)), extra=item.extra, lead=item.lead, name=item.name, mass=mass)


def owned(reading: Reading, item: Item, at: int) -> bool:
    """ "a girl whose dress is yellow": what is said of something worn stays with it."""
    assert reading.last is not None
    tails = reading.parsed.things[reading.last].tails
    if not tails or not tails[-1].startswith("whose ") or reading.items[at - 1].role != "be":
        return False
    tails[-1] += f" {reading.items[at - 1].text} {item.text}"
    return True


def material(item: Item) -> str:
    """ "eating bamboo": what describes other nouns is itself the thing; "" where it is none."""
    word = item.attributes[-1]
    return word if not words.is_colour(word) and set(words.letters(word)) & set("afops") else ""


def alternatives(reading: Reading, at: int) -> bool:
    """Whether a list with an "or" goes on here: "without cheese, tomato or onion"."""
    for item in reading.items[at:]:
        if item.text in ("or", "nor"):
            return True
        if item.role not in ("thing", "adjectives") and item.text != ",":
            break
    return False
