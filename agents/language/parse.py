"""Brief -> `Parsed`: which things are to be drawn, what binds to them, how they stand to each other, what is behind.

Reads the items of `chunks` from left to right once, holding what is still open in a `Reading`: a relation or verb that
waits for its object, a "without" that swallows what comes. No tree is built; a brief is a list of things with hints
between them. Here is what each kind of item does; `phrases` says what a phrase is, `relate` who stands in a relation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from cutwork.agents.language import foreign, words
from cutwork.agents.language.chunks import Item, chunk
from cutwork.agents.language.cues import without_cues
from cutwork.agents.language.model import Parsed, Thing
from cutwork.agents.language.phrases import (
    absorbs,
    add_tail,
    at_something,
    attribute,
    describe,
    describes_last,
    is_background,
    is_behind,
    made,
    named_before,
    said_of_last,
    shown,
    stands_for_last,
    still_waits,
)
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import add, chain_up, loose_on, met_again, replace_relation, subjects, to_background
from cutwork.agents.language.tokens import Token, tokens

PLAIN_MEDIA = {"photo", "picture", "image", "sticker", "cutout", "cut-out", "meme", "pic", "scene", "design", "art", "artwork", "textile", "style", "logo"}
PLAIN_MEDIA |= {"view", "side view", "pack", "set"}
DROPPING = {"for", "during", "about", "despite", "via", "per", "than", "before", "after", "since", "until"}
ABSORBING = {"as", "like"}


def parse(text: str) -> Parsed:
    """What a brief asks for. Never fails; a text with letters gives at least one thing, a background or a style."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text[:2_000]))
    found = tokens(foreign.in_english(without_cues(plain)))
    parsed = _read(chunk([t for t in found if t.kind != "text"]))
    parsed.lettering = [t.cased.strip("\"'“”«»„‘’") for t in found if t.kind == "text"]
    if not parsed.things and not parsed.background:
        _fall_back(parsed, found)
    return parsed


def _fall_back(parsed: Parsed, found: list[Token]) -> None:
    """Nothing was recognised: the words together are one thing."""
    said = [t.text for t in found if t.kind == "word" and not (words.is_in("function", t.text) or words.is_in("det", t.text))]
    said = [w for w in said if not words.is_in("media", w)] or said
    if any(any(c.isalpha() for c in word) for word in said):
        parsed.things.append(Thing(" ".join(said[:6])[:120]))
        parsed.notes.append("No known thing was found in the brief; its words are drawn as one subject.")


def _read(items: list[Item]) -> Parsed:
    reading = Reading(items)
    for at, item in enumerate(items):
        if item.role == "token" and item.token is not None:
            MARKS[item.token.kind](reading, item.token, at)
        else:
            ROLES[item.role](reading, item, at)
    chain_up(reading)
    return reading.parsed


def _comma(reading: Reading, _token: Token, at: int) -> None:
    listed = reading.waiting is None and not reading.absorbing
    if listed or not reading.phrase_follows(at):
        reading.negated = reading.dropping = False
    reading.absorbing = ""
    reading.joined = True


def _stop(reading: Reading, token: Token, _at: int) -> None:
    reading.negated = reading.dropping = False
    reading.absorbing, reading.waiting, reading.between = "", None, []
    reading.joined = token.text in (":", "(", ")")
    if token.text in (".", ";", "!", "?"):
        reading.group = []


def _relation(reading: Reading, token: Token, at: int) -> None:
    kind = token.value
    reading.dropping = False
    reading.negated = False
    if reading.absorbing and kind in ("with", "inside", "on", "beside") and reading.last is not None:
        reading.absorbing += f" {token.text}"  # "covered in", "filled with"
        return
    reading.absorbing = ""
    if kind == "between":
        reading.between = []
    if reading.parsed.things and loose_on(reading, token, at):
        return
    reading.waiting = (kind, token.text)


def _stated_place(reading: Reading, token: Token, at: int) -> None:
    if token.text in ("on top", "on the top") and len(reading.parsed.things) > 1 and reading.last is not None and not reading.joined:
        replace_relation(reading, "on", reading.last, reading.head[0] if reading.head[0] != reading.last else reading.last - 1)
        return
    opens = reading.joined or reading.last is None or at == 0 or reading.items[at - 1].text in (".", ";", "!", "and")
    if opens and _thing_ahead(reading, at):
        reading.place = token.value
        return
    if reading.place == "" and opens and reading.last is None:
        reading.place = token.value
        return
    for index in subjects(reading, token.value):
        reading.parsed.things[index].place = reading.parsed.things[index].place or token.value
    reading.waiting = None


def _thing_ahead(reading: Reading, at: int) -> bool:
    """Whether a place at the start of a clause belongs to the thing after it: a phrase follows at once."""
    for item in reading.items[at + 1 : at + 4]:
        if item.role in ("thing", "adjectives", "media"):
            return True
        if item.role not in ("be", "skip", "pronoun", "verb", "have") and item.text not in (",", ":"):
            return False
    return False


def _not(reading: Reading, token: Token, at: int) -> None:
    reading.negated = not (token.text == "not" and at + 1 < len(reading.items) and reading.items[at + 1].text == "only")
    reading.waiting = None


def _order(reading: Reading, token: Token, _at: int) -> None:
    reverse = token.text.startswith("from right") or token.text.startswith("from bottom") or token.text.startswith("from the right")
    reading.chain = token.value + ("-" if reverse else "")


def _behind_all(reading: Reading, token: Token, at: int) -> None:
    """ "with a city in the background": the last thing is not a subject."""
    if reading.last is None or token.text.startswith("behind"):
        if reading.last is not None and reading.last > 0:
            replace_relation(reading, "behind", reading.last, 0)
        return
    before = reading.items[at - 1]
    if before.role != "thing" or before.noun == reading.parsed.things[reading.last].noun:
        to_background(reading, reading.last)


def _setting(reading: Reading, token: Token, _at: int) -> None:
    """ "a bear underwater"."""
    if not reading.negated:
        reading.parsed.background.append(token.text)


def _and(reading: Reading, item: Item, _at: int) -> None:
    if item.text != "or" and item.text != "nor":
        reading.negated = False
    reading.absorbing = ""
    reading.joined = True


def _be(reading: Reading, _item: Item, _at: int) -> None:
    reading.waiting = None
    reading.joined = False


def _have(reading: Reading, _item: Item, _at: int) -> None:
    if reading.last is not None:
        reading.waiting = ("with", "with")


def _that(reading: Reading, _item: Item, _at: int) -> None:
    reading.joined = False


def _pronoun(reading: Reading, _item: Item, at: int) -> None:
    follows = reading.items[at + 1].role if at + 1 < len(reading.items) else ""
    if follows != "adjectives":
        reading.waiting = None


def _skip(reading: Reading, _item: Item, _at: int) -> None:
    pass


def _prep(reading: Reading, item: Item, at: int) -> None:
    if item.text in DROPPING:
        reading.dropping = True
    elif item.text in ABSORBING and reading.last is not None:
        reading.absorbing = f"{reading.absorbing} {item.text}".strip()
    elif item.text in ("of", "from", "to") and reading.waiting is None and reading.last is not None:
        own = reading.absorbing or (reading.items[at - 1].role == "thing" and reading.items[at - 1].noun == reading.parsed.things[reading.last].noun)
        reading.dropping = not own  # "an ant the size of a car"
        reading.absorbing = f"{reading.absorbing} {item.text}".strip() if own else ""


def _media(reading: Reading, item: Item, _at: int) -> None:
    if not reading.negated and item.text not in PLAIN_MEDIA:
        reading.parsed.styles.append(item.text)
    if reading.waiting and reading.waiting[1] == "in":
        reading.dropping = words.is_in("tail", item.text.split(" ")[-1])  # "in the style of Cezanne"
    reading.waiting = None


def _verb(reading: Reading, item: Item, at: int) -> None:
    word = item.text
    reading.waiting = None
    if reading.last is None or reading.leading:
        return
    if at_something(reading, word, at):
        reading.waiting = ("beside", "against")  # "tied to a tree", "hanging from a branch"
    elif words.is_in("worn-verb", word) or (words.is_in("absorb", word) and absorbs(reading, at)):
        reading.absorbing = word
    elif words.is_in("riding", word):
        reading.waiting = ("riding", word)
    elif words.is_in("holding", word):
        reading.waiting = ("holding", word)
    elif reading.phrase_follows(at):
        reading.waiting = ("facing", word)
    elif not reading.joined and (at + 1 >= len(reading.items) or word.endswith("ing")):
        describe(reading, reading.last, word)
    reading.joined = False


def _adjectives(reading: Reading, item: Item, at: int) -> None:
    """Words that describe, without a noun: "is red", "on purple", "a blue one", "painted red"."""
    waiting, reading.waiting = reading.waiting, None
    if reading.negated or reading.dropping:
        return
    if reading.last is not None and item.det and at + 1 < len(reading.items) and reading.items[at + 1].text in ("one", "ones"):
        reading.waiting = waiting
        add(reading, Thing(reading.parsed.things[reading.last].noun, shown(item)))
        reading.waiting = None
    elif waiting and waiting[0] in ("on", "at", "inside", "with", "over"):
        _coloured(reading, item, waiting[1])
    elif reading.last is not None and said_of_last(reading, item, at):
        for index in reading.group or [reading.last]:
            attribute(reading, index, item.attributes)
    elif reading.last is not None and reading.absorbing:
        add_tail(reading, f"{reading.absorbing} {item.text}")  # "made of paper"
    elif all(words.is_in("style", a) or words.is_in("pattern", a) for a in item.attributes):
        reading.parsed.styles.append(item.text)


def _coloured(reading: Reading, item: Item, said: str) -> None:
    """ "on purple" is a background, "a car in red" an attribute."""
    if not any(words.is_colour(a) or words.is_in("pattern", a) for a in item.attributes):
        return
    if said == "in" and reading.last is not None:
        attribute(reading, reading.last, item.attributes)
    else:
        reading.parsed.background.append(f"{words.article(item.text)} {item.text} background")


def _thing(reading: Reading, item: Item, at: int) -> None:
    if is_background(item):
        _add_background(reading, item)
    elif reading.negated:
        pass
    elif reading.dropping or (reading.waiting and reading.waiting[1] == "by" and words.kind(item.noun) == "?"):
        reading.dropping = False  # "for my bakery", "by Greg Rutkowski"
    elif stands_for_last(reading, item):
        _again(reading, item)
    elif describes_last(reading, item):
        reading.tailed = True
    elif not is_behind(reading, item):
        reading.tailed = False
        _drawn(reading, item, at)
    if not still_waits(reading, item, at):
        reading.waiting = None
    reading.joined = False
    reading.absorbing = ""


def _add_background(reading: Reading, item: Item) -> None:
    """ "on a teal striped background"; "the background is a forest" leaves what follows to `_is_behind`."""
    text = " ".join([*item.attributes, item.noun])
    bare = text in ("background", "backdrop", "backgrounds", "bg")
    if bare:
        reading.waiting = ("behind-all", "")
        reading.absorbing = ""
    elif not reading.negated:
        reading.parsed.background.append(f"{item.det if item.det in ('a', 'an') else words.article(text)} {text}")


def _again(reading: Reading, item: Item) -> None:
    assert reading.last is not None
    add(reading, Thing(reading.parsed.things[reading.last].noun, [a for a in item.attributes if a != "one"]))


def _drawn(reading: Reading, item: Item, at: int) -> None:
    """A thing of its own, unless it is a style or cannot be drawn."""
    kind = words.kind(item.noun)
    if kind == "x" or words.is_in("style", item.noun) or words.is_in("tail", item.noun.rpartition(" ")[2]):
        if words.is_in("tail", item.text.split(" ")[-1]) or words.is_in("style", item.noun):
            reading.parsed.styles.append(item.text)
        return
    before = named_before(reading, item)
    if before is not None:
        met_again(reading, before, at)
    else:
        add(reading, made(item))


MARKS: dict[str, Callable[[Reading, Token, int], None]] = {
    "comma": _comma,
    "stop": _stop,
    "relation": _relation,
    "place": _stated_place,
    "not": _not,
    "order": _order,
    "background": _behind_all,
    "setting": _setting,
}
ROLES: dict[str, Callable[[Reading, Item, int], None]] = {
    "and": _and,
    "be": _be,
    "have": _have,
    "that": _that,
    "pronoun": _pronoun,
    "skip": _skip,
    "prep": _prep,
    "media": _media,
    "verb": _verb,
    "adjectives": _adjectives,
    "thing": _thing,
}
