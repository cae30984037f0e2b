"""What marks and set phrases do to a reading: commas and stops, "on top of", "in the top left corner", "without", "in the background"."""

from __future__ import annotations

from collections.abc import Callable

from cutwork.agents.language import about, words
from cutwork.agents.language.drop import drop_collective, drop_stage, drop_total, to_background
from cutwork.agents.language.phrases import alternatives
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import loose_on, replace_relation, subjects
from cutwork.agents.language.tokens import Token


def _comma(reading: Reading, _token: Token, at: int) -> None:
    listed = reading.waiting is None and not reading.absorbing
    if reading.negated and alternatives(reading, at):
        return
    if listed or not reading.phrase_follows(at):
        reading.negated = reading.dropping = False
    reading.absorbing = ""
    reading.joined, reading.together, reading.about = True, False, "thing"
    reading.breath = []


def _stop(reading: Reading, token: Token, at: int) -> None:
    drop_total(reading)
    reading.onward = None
    if token.text == ":" and reading.thing_at(at + 1):
        drop_collective(reading)
        reading.total = reading.last if reading.last is not None and reading.parsed.things[reading.last].count > 1 else None
    reading.negated = reading.dropping = False
    reading.absorbing, reading.between = "", []
    reading.waiting = reading.waiting if token.text == ":" and reading.waiting == ("behind-all", "") else None  # "background: a beach"
    reading.about, reading.behind = "thing", ""
    reading.joined = token.text in (":", "(", ")")
    reading.breath, reading.together = [], False
    if token.text in (".", ";", "!", "?"):
        drop_stage(reading, at)
        reading.group, reading.parts, reading.topic = [], [], list(reading.head)


def _relation(reading: Reading, token: Token, at: int) -> None:
    kind = token.value
    reading.dropping = False
    reading.negated = False
    reading.onward = None
    if reading.about != "thing":
        about.relation(reading, token)
        return
    if token.text == "around" and reading.absorbing and reading.items[at - 1].role == "verb" and reading.thing_at(at + 1):
        reading.absorbing = ""  # "an octopus wrapped around a submarine"
    if reading.absorbing and kind in ("with", "inside", "on", "beside") and reading.last is not None:
        reading.absorbing += f" {token.text}"  # "covered in", "filled with"
        return
    reading.absorbing = ""
    if kind == "between":
        reading.between = []
    reading.opening = reading.opens(at)
    if reading.parsed.things and loose_on(reading, token, at):
        return
    if kind == "inside" and token.text.startswith("in the ") and at + 1 < len(reading.items) and words.is_in("flat", reading.items[at + 1].noun):
        kind = "on"  # "in the middle of a desk"
    if kind in ("at", "beside") and words.is_in("aimed", reading.items[at - 1].text):
        kind = "beside"  # "howling at the moon"
    reading.waiting = (kind, token.text)


def _stated_place(reading: Reading, token: Token, at: int) -> None:
    if token.text in ("on top", "on the top") and len(reading.parsed.things) > 1 and reading.last and not reading.joined:
        base = reading.head[0] if reading.head and reading.head[0] != reading.last else reading.last - 1
        replace_relation(reading, "on", reading.last, base)
        return
    reading.behind = ""
    if about.own_side(reading, token, _thing_ahead(reading, at)):
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
    several = reading.last is not None and reading.parsed.things[reading.last].count > 1 and len(reading.group) < 2
    if several and token.text in ("in a row", "in a line", "side by side"):
        return  # "five sardines in a row"
    reading.chain = token.value + ("-" if reverse else "")


def _behind_all(reading: Reading, token: Token, at: int) -> None:
    """ "with a city in the background": the last thing is not a subject."""
    if token.text.startswith("in") and reading.opens(at) and _thing_ahead(reading, at):
        reading.behind = "first"
        return
    if reading.last is not None and token.text.startswith("behind") and reading.opens(at) and reading.thing_apart(at + 1):
        reading.leading = ("behind", (reading.topic or reading.head or [reading.last])[0], None)  # "Behind them is a fence."
        return
    if reading.last is None or token.text.startswith("behind"):
        if reading.last is not None and reading.last > 0:
            replace_relation(reading, "behind", reading.last, 0)
        return
    before = next((item for item in reversed(reading.items[:at]) if item.role in ("thing", "media", "adjectives")), reading.items[at - 1])
    if before.role != "thing" or before.noun == reading.parsed.things[reading.last].noun:
        to_background(reading, reading.last)


def _setting(reading: Reading, token: Token, _at: int) -> None:
    """ "a bear underwater"."""
    if not reading.negated:
        reading.parsed.background.append(token.text)


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
