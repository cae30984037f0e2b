"""Brief -> `Parsed`: which things are to be drawn, what binds to them, how they stand to each other, what is behind.

Reads the items of `chunks` from left to right once, holding what is still open in a `Reading`: a relation or verb that
waits for its object, a "without" that swallows what comes. No tree is built; a brief is a list of things with hints
between them. Here is what each kind of item does, in `marks` what marks and set phrases do; `phrases` says what a phrase is, `relate` who
stands in a relation, `about` what a sentence is about where it is about no thing, `unseen` what cannot be drawn, `again` and `apart` which of those named before is meant.
"""

from __future__ import annotations

from collections.abc import Callable

from cutwork.agents.language import about, foreign, words
from cutwork.agents.language.again import counted_out, known, named_before, one_of_several
from cutwork.agents.language.apart import all_again, coloured_out, take, tells_apart
from cutwork.agents.language.being import said_to_be
from cutwork.agents.language.chunks import MUTUAL, chunk
from cutwork.agents.language.compare import comparative, compares, sized
from cutwork.agents.language.drop import drop_summed, drop_total, removed
from cutwork.agents.language.items import Item, renamed
from cutwork.agents.language.marks import MARKS
from cutwork.agents.language.model import Parsed, Thing
from cutwork.agents.language.phrases import (
    absorbs,
    add_tail,
    all_of_them,
    at_something,
    attribute,
    describe,
    describes_last,
    handed,
    listed_noun,
    made,
    material,
    owned,
    said_of_last,
    shown,
    stands_for_last,
    still_waits,
)
from cutwork.agents.language.places import is_background, is_behind, stands_behind
from cutwork.agents.language.prepare import prepared
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import add, chain_up, done_to, in_the_corners, met_again, mutual, sound
from cutwork.agents.language.unseen import all_over, fall_back, looked, of_light, stands, undrawable

PLAIN_MEDIA = {"photo", "picture", "image", "sticker", "cutout", "cut-out", "meme", "pic", "scene", "design", "art", "artwork", "textile", "style", "logo"}
PLAIN_MEDIA |= {"view", "side view", "pack", "set"}
DROPPING = {"for", "during", "about", "despite", "via", "per", "than", "before", "after", "since", "until"}
ABSORBING = {"as", "like"}


def parse(text: str) -> Parsed:
    """What a brief asks for. Never fails; a text that names nothing to be drawn gives no things."""
    found = prepared(text)
    parsed = _read(chunk([t for t in found if t.kind != "text"]))
    parsed.lettering = [t.cased.strip("\"'“”«»„‘’") for t in found if t.kind == "text"]
    parsed.notes += foreign.notes([thing.bare for thing in parsed.things])
    return parsed


def _read(items: list[Item]) -> Parsed:
    reading = Reading(items)
    for at, item in enumerate(items):
        reading.at = at
        if item.role == "token" and item.token is not None:
            MARKS[item.token.kind](reading, item.token, at)
        else:
            ROLES[item.role](reading, item, at)
    drop_total(reading)
    drop_summed(reading)
    chain_up(reading)
    sound(reading)
    if not reading.parsed.things:
        fall_back(reading)
    return reading.parsed


def _and(reading: Reading, item: Item, _at: int) -> None:
    if item.text != "or" and item.text != "nor":
        reading.negated = False
    reading.absorbing = ""
    reading.joined = True
    reading.breath = []


def _be(reading: Reading, _item: Item, at: int) -> None:
    reading.dropping = reading.dropping or (at > 0 and reading.items[at - 1].text == "you")  # "You are an artist."
    reading.waiting = reading.waiting if reading.waiting and reading.waiting[0] == "behind-all" else None  # "The backdrop is a terrace."
    reading.joined = False


def _have(reading: Reading, _item: Item, _at: int) -> None:
    if reading.last is not None and reading.about == "thing":
        reading.waiting = ("with", "with")


def _that(reading: Reading, item: Item, at: int) -> None:
    reading.joined = False
    if item.text in ("while", "where", "when"):
        reading.waiting = None
    if item.text == "whose" and reading.last is not None:
        reading.absorbing = item.text
    reading.object = reading.last if item.text in ("that", "which", "who", "whom") and reading.thing_at(at + 1) else None


def _pronoun(reading: Reading, item: Item, at: int) -> None:
    if item.text == "it":
        about.subject(reading, at)
    if tells_apart(reading, item, at):
        take(reading, item)
        return
    reading.together = item.text in ("both", "all", "each") and bool(reading.group)
    reading.each = item.text == "each" and bool(reading.group)
    if item.text == MUTUAL and reading.items[at - 1].role == "verb":
        mutual(reading, reading.items[at - 1].text)
    follows = reading.items[at + 1].role if at + 1 < len(reading.items) else ""
    if follows != "adjectives":
        reading.waiting = None


def _skip(reading: Reading, item: Item, at: int) -> None:
    if item.text == "everywhere" and all_over(reading, at):
        removed(reading, len(reading.parsed.things) - 1)
        reading.parsed.background.append(reading.items[at - 1].text)
    if item.text in ("just", "only"):
        reading.negated = reading.dropping = False  # "no context, just a cat"
    if item.text in ("he", "she", "they"):
        about.subject(reading, at)


def _prep(reading: Reading, item: Item, at: int) -> None:
    if at and reading.items[at - 1].role == "pronoun":
        return  # "one of them"
    if item.text == "than" and compares(reading, at):
        return
    if item.text in ("to", "from") and handed(reading, at):
        reading.waiting = ("beside", item.text)  # "gives an apple to a bird"
    elif item.text == "after" and at and reading.items[at - 1].role == "verb" and reading.last is not None:
        reading.waiting = ("facing", f"{reading.items[at - 1].text} after")  # "dives after a herring"
    elif item.text in DROPPING:
        reading.dropping = True
    elif item.text in ABSORBING and reading.last is not None:
        reading.absorbing = f"{reading.absorbing} {item.text}".strip()
    elif item.text in ("of", "from", "to") and reading.waiting is None and reading.last is not None:
        own = reading.absorbing or (reading.items[at - 1].role == "thing" and reading.items[at - 1].noun == reading.parsed.things[reading.last].noun)
        reading.dropping = not own  # "an ant the size of a car"
        reading.absorbing = f"{reading.absorbing} {item.text}".strip() if own else ""


def _media(reading: Reading, item: Item, at: int) -> None:
    about.look(reading, at)
    if reading.waiting and reading.waiting[0] == "on" and words.is_in("cloth", item.text.rpartition(" ")[2]):
        reading.parsed.background.append(f"on {item.text}")  # "lemons on blue tile"
    elif not reading.negated and item.text not in PLAIN_MEDIA and reading.about != "look":
        reading.parsed.styles.append(item.text)
    if reading.waiting and reading.waiting[1] == "in":
        reading.dropping = words.is_in("tail", item.text.split(" ")[-1])  # "in the style of Cezanne"
    reading.waiting = None


def _verb(reading: Reading, item: Item, at: int) -> None:
    word = item.text
    reading.waiting = None
    all_again(reading, at)
    reading.onward = reading.leading[:2] if reading.leading and not word.endswith(("s", "ing")) else None
    before = reading.items[at - 1].token
    if reading.negated and before is not None and before.kind == "not":
        return  # "not smiling", "isn't flying"
    if words.is_in("shooting", word) and at + 1 < len(reading.items) and reading.items[at + 1].role == "media":
        return  # "taking a photo of"
    if reading.last is None or reading.leading or reading.about != "thing":
        return
    if reading.object is not None and not reading.phrase_follows(at):
        done_to(reading, next((kind for kind in ("riding", "holding") if words.is_in(kind, word)), "facing"), word)
        return
    if at_something(reading, word, at):
        reading.waiting = ("beside", "against")  # "tied to a tree", "hanging from a branch"
    elif words.is_in("worn-verb", word) or (words.is_in("absorb", word) and absorbs(reading, at)):
        reading.absorbing = words.doing(word)
    elif words.is_in("riding", word):
        reading.waiting = ("riding", word)
    elif words.is_in("holding", word):
        reading.waiting = ("holding", word)
        if (
            word.endswith("ing")
            and not reading.joined
            and reading.last is not None
            and (at + 1 >= len(reading.items) or reading.items[at + 1].text in (",", ".", "and"))
        ):
            describe(reading, reading.last, word)  # "a martian waving"
    elif reading.phrase_follows(at):
        reading.waiting = ("flanking" if words.is_in("flanking", word) else "facing", word)
    elif reading.items[at - 1].role == "thing" and reading.items[at - 1].noun != reading.parsed.things[reading.last].noun:
        pass  # "a mug, steam rising"
    elif not reading.joined and (at + 1 >= len(reading.items) or word.endswith("ing")):
        describe(reading, reading.last, word)
    reading.joined = False


def _adjectives(reading: Reading, item: Item, at: int) -> None:
    """Words that describe, without a noun: "is red", "on purple", "a blue one", "painted red"."""
    waiting, reading.waiting = reading.waiting, None
    if reading.negated or reading.dropping:
        return
    if words.kind(item.attributes[-1]) == "x":
        about.look(reading, at)  # "Soft light comes in from a window."
    if reading.about != "thing":
        about.say(reading, item)
        return
    if item.attributes[-1] in ("gradient", "ombre") and words.is_colour(item.attributes[0]) and waiting is None:
        reading.parsed.background.append(f"{words.article(item.text)} {item.text}")  # ", pink gradient"
        return
    if one_of_several(reading, item) or comparative(reading, item, at):
        return
    if reading.last is not None and item.attributes[-1] == "full" and at + 1 < len(reading.items) and reading.items[at + 1].text == "of":
        reading.absorbing = item.text  # "its basket is full of tulips"
        return
    eaten = material(item) if waiting and waiting[0] == "holding" else ""
    eaten = eaten or listed_noun(reading, item, at)
    if eaten:
        reading.waiting = waiting
        _thing(reading, renamed(item, eaten), at)
        return
    if tells_apart(reading, item, at):
        take(reading, item)
        _say_of(reading, item, at)
        return
    if reading.tailed and owned(reading, item, at):
        return
    noun = reading.parsed.things[reading.last].noun if reading.last is not None else reading.unsaid
    if noun and item.det and at + 1 < len(reading.items) and reading.items[at + 1].text in ("one", "ones"):
        reading.waiting = waiting
        add(reading, Thing(noun, shown(item)))
        reading.waiting = None
    elif waiting and waiting[0] in ("on", "at", "inside", "with", "over"):
        _coloured(reading, item, waiting[1])
    elif reading.last is not None and said_of_last(reading, item, at):
        _say_of(reading, item, at)
    elif reading.last is not None and reading.absorbing:
        add_tail(reading, f"{reading.absorbing} {item.text}")  # "made of paper"
    elif all(words.is_in("style", a) or words.is_in("pattern", a) or words.is_in("look", a) for a in item.attributes):
        reading.parsed.styles.append(item.text)


def _say_of(reading: Reading, item: Item, at: int) -> None:
    assert reading.last is not None
    for index in reading.group if all_of_them(reading, item, at) else [reading.last]:
        attribute(reading, index, item.attributes)


def _coloured(reading: Reading, item: Item, said: str) -> None:
    """ "on purple" is a background, "a car in red" an attribute."""
    if not any(words.is_colour(a) or words.is_in("pattern", a) for a in item.attributes):
        return
    if said == "in" and reading.last is not None:
        attribute(reading, reading.last, item.attributes)
    else:
        reading.parsed.background.append(f"{words.article(item.text)} {item.text} background")


def _thing(reading: Reading, item: Item, at: int) -> None:
    if about.behind_all(reading, item) or stands_behind(reading, item, at):
        pass
    elif is_background(item):
        _add_background(reading, item)
        if reading.waiting == ("behind-all", ""):
            return
    elif reading.negated or item.count < 1:
        _uncounted(reading, item)
    elif in_the_corners(reading, item):
        pass
    elif reading.dropping or (reading.waiting and reading.waiting[1] == "by" and words.kind(item.noun) == "?" and not item.det):
        reading.dropping = False  # "for my bakery", "by Greg Rutkowski"
    elif one_of_several(reading, item) or counted_out(reading, item, at):
        return
    elif coloured_out(reading, item):
        take(reading, item)
        attribute(reading, reading.last or 0, [item.noun])
    elif stands_for_last(reading, item):
        _again(reading, item)
    elif said_to_be(reading, item, at):
        pass
    elif describes_last(reading, item):
        reading.tailed = True
    elif not known(reading, item) and is_behind(reading, item):
        about.scenery(reading, at)
    else:
        reading.tailed, reading.about = False, "thing"
        _drawn(reading, item, at)
    if not still_waits(reading, item, at):
        reading.waiting = None
    reading.joined = False
    reading.absorbing = ""


def _uncounted(reading: Reading, item: Item) -> None:
    """What is not to be drawn; fewer than none cannot be meant so."""
    reading.unsaid = item.noun
    if item.count < 0:
        reading.parsed.notes.append(f"{item.count} of {item.noun!r} cannot be drawn; none is planned.")


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
    if (undrawable(item) and not stands(reading, item, at)) or of_light(reading, at):
        about.look(reading, at)
        looked(reading, item)
        return
    before = named_before(reading, item)
    if before is not None:
        met_again(reading, before, at)
    else:
        thing = made(item)
        sized(reading, thing)
        add(reading, thing)


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
