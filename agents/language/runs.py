"""Telegraphic briefs get the commas they were typed without: "old man fishing boat lake", "skull roses snake tattoo flash", "dog chase ball".

Only runs of bare words, that begin a brief or stand behind a mark, and that name several things for certain: three nouns or more
of which one that is alive, or several, is not the last; or somebody and a place. "chocolate chip cookie jar" and "dragon lantern" stay one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cutwork.agents.language import words
from cutwork.agents.language.grammar import simple
from cutwork.agents.language.tokens import Token

COMMA = Token("comma", ",", "", ",")
ENOUGH = 3  # nouns in a run that may be parted


@dataclass(frozen=True)
class _Unit:
    """A noun of one word or more, with what describes it; kind "style" is how the picture looks."""

    words: tuple[Token, ...]
    kind: str
    nouns: int = 1
    plural: bool = False


def parted(found: list[Token]) -> list[Token]:
    """The tokens with a comma between the things of such a run."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        end = at
        while end < len(found) and _bare(found[end]):
            end += 1
        opens = at == 0 or found[at - 1].kind in ("comma", "stop", "text")
        closed = end == len(found) or found[end].kind != "word"
        out += _parted_run(found[at:end]) if opens and closed and end - at > 1 else found[at:end]
        out += found[end : end + 1]
        at = end + 1
    return out


def _bare(token: Token) -> bool:
    plain = token.kind == "word" and simple(token.text) is None and not words.is_in("det", token.text) and not words.value("number", token.text)
    return plain and not token.text.isdecimal()


def _parted_run(run: list[Token]) -> list[Token]:
    doing = _doing(run)
    if doing:
        return doing
    units = _units(run)
    things = [u for u in units if u.kind not in ("style", "x")]
    several = any(u.kind in "ah" or u.plural for u in things[:-1])
    apart = len(things) >= ENOUGH or (len(things) == 2 and things[-1].kind == "l")
    enough = sum(u.nouns for u in things) >= ENOUGH
    if not several or not ((enough and apart) or _stands_in(things)):
        return run
    out = list(units[0].words)
    for unit in units[1:]:
        out += [COMMA, *unit.words]
    return out


def _stands_in(things: list[_Unit]) -> bool:
    """ "lynx snow": somebody and a place that is never a thing; "duck pond" is a pond."""
    return len(things) == 2 and things[0].kind in "ah" and words.is_pure_scenery(things[1].words[-1].text)


def _doing(run: list[Token]) -> list[Token]:
    """ "dog chase ball": a verb in its base form between somebody and something."""
    for at in range(1, len(run) - 1):
        who, verb, what = (t.text for t in run[at - 1 : at + 2])
        lemma, plural = words.singular(who)
        alive = words.kind(lemma) in "ah" and not words.is_modifier(who) and not plural
        known = words.letters(verb)
        does = (
            (known[:1] == "V" or set(known) == set("Vx"))
            and not words.is_in("noun", verb)
            and not words.is_in("adjective", verb)
            and not words.is_in("media", verb)
            and not words.is_scenery(verb)
        )
        if alive and does and words.is_noun(what) and not words.is_in("media", what) and words.kind(words.singular(what)[0]) != "x":
            if f"{verb} {what}" in words.lexicon() or f"{who} {verb}" in words.lexicon():
                continue
            form = words.gerund(verb)
            return [*run[:at], Token("word", form, "", form), *run[at + 1 :]]
    return []


def _units(run: list[Token]) -> list[_Unit]:
    units: list[_Unit] = []
    described: list[Token] = []
    at = 0
    while at < len(run):
        length, kind = _unit(run, at)
        part = run[at : at + length]
        if kind == "describes":
            described += part
        elif units and words.is_in("background", part[-1].text):
            units[-1] = _Unit((*units[-1].words, *described, *part), "l", units[-1].nouns)
            described = []
        elif units and not described and _one_thing(units[-1], kind):
            units[-1] = _Unit((*units[-1].words, *part), kind, units[-1].nouns + 1)
        else:
            units.append(_Unit((*described, *part), kind, length, words.singular(part[-1].text)[1]))
            described = []
        at += length
    return [*units, _Unit(tuple(described), "style")] if described else units


def _one_thing(before: _Unit, kind: str) -> bool:
    """Whether a noun goes on with the unit before it: "bamboo forest" (what grows there), "pool float" (where it belongs), "chicken noodle" (a dish)."""
    if before.plural:
        return False
    if before.kind in "af" and kind == "f":
        return True
    named = "pslx" if kind == "l" else "l" if kind in "ow" else ""
    return before.nouns == 1 and before.kind in named


def _unit(run: list[Token], at: int) -> tuple[int, str]:
    """How many words from here are one, and what kind that is."""
    for length in (3, 2):
        text = words.singular(" ".join(t.text for t in run[at : at + length]))[0]
        if len(run) < at + length:
            continue
        if words.is_in("media", text) or (length == 2 and words.is_in("tail", run[at + 1].text)):
            return length, "style"
        if " " in text and (text in words.compounds() or words.letters(text)[:1].islower()):
            return length, words.kind(text)
    word = run[at].text
    lemma, plural = words.singular(word)
    last = at + 1 == len(run)
    if words.is_in("media", word) or words.is_in("tail", word) or word[0].isdigit() or (last and words.is_in("style", word)):
        return 1, "style"
    if words.is_modifier(word) and last and not words.is_in("noun", lemma) and not words.is_colour(word):
        return 1, "style"
    if word.endswith("'s") and not last:
        return 1, "describes"
    if words.is_modifier(word) and not last and not (plural and words.is_in("noun", lemma)):
        return 1, "describes"
    if words.is_scenery(lemma):
        return 1, "l"
    return 1, words.kind(lemma) if words.is_noun(word) else "x"
