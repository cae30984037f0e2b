"""Whether a word is a verb where it stands: "a robot stands" and "two food stands", "a car parks" and "two car parks"."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.grammar import starts_phrase
from cutwork.agents.language.heads import compound
from cutwork.agents.language.items import Item
from cutwork.agents.language.tokens import Token

SINGULAR_DET = {"a", "an", "this", "that", "each", "every", "another"}
PERSONAL = ("he", "she", "they")
OBJECTS = ("it", "them", "him", "her", "himself", "herself", "itself", "themselves")
IRREGULAR_VERBS = set("sat ran stood lay ate held made built drawn worn torn seen shown hung flew swam lit cut put set".split())


def leading_verb(tokens: list[Token], at: int, before: Item | None) -> Item | None:
    """A verb where a phrase could start: after a noun, "is", a comma or "and", unless it describes what follows."""
    word = tokens[at].text
    if _orders(tokens, at, before):
        return Item("skip", word)
    if before is not None and before.role == "thing" and (_bare_verb(tokens, at) or _one_does(tokens, at, before.det, before.noun)):
        return Item("verb", word)
    if before is not None and before.role == "thing" and _done_to_them(tokens, at):
        return Item("verb", word)
    if before is not None and _stands(tokens, at, before):
        return Item("verb", word)
    if not verbal(word) or (before is not None and before.text == "whose"):
        return None
    after_noun = before is not None and before.role in ("thing", "be", "that", "skip", "have")
    describes = starts_phrase(tokens, at + 1) and not _listed_verb(word)
    if word.endswith("ing"):
        if before is not None and before.role == "be":
            return Item("verb", word)
        return None if describes and not after_noun else Item("verb", word)
    if word.endswith("ed") or word in IRREGULAR_VERBS:
        if before is not None and before.role == "be" and words.is_in("pattern", word):
            return None  # "is striped"
        return Item("verb", word) if not describes and (after_noun or _listed_verb(word)) else None
    if before is not None and before.role == "and" and _listed_verb(word) and word.endswith("s") and not describes:
        return Item("verb", word)  # "who carries a lantern and wears a cape"
    return Item("verb", word) if before is not None and before.role in ("thing", "that") and not describes else None


def _stands(tokens: list[Token], at: int, before: Item) -> bool:
    """Verbs that no noun is meant by here: "beside it stands a dog", "it holds lilies", "a fence to look at"."""
    word = tokens[at].text
    if before.role == "prep" and before.text == "to":
        return "V" in words.letters(word) and not words.is_in("noun", word) and not (starts_phrase(tokens, at + 1) and words.is_noun(word))
    by_itself = words.is_in("stance", word)
    if before.text in PERSONAL:
        return "V" in words.letters(word) or words.verb_base(word) != ""
    if before.role == "pronoun":
        return by_itself or (_listed_verb(word) and word.endswith("s"))
    placed = before.token is not None and before.token.kind == "place"
    return by_itself and (before.role in ("thing", "adjectives") or placed)


def _of_a_thing(tokens: list[Token], at: int) -> bool:
    """ "an elephant painting a picture", but "an elephant painting"."""
    return at + 1 < len(tokens) and words.is_in("det", tokens[at + 1].text)


def _done_to_them(tokens: list[Token], at: int) -> bool:
    """ "a small dog watches them": before such a pronoun stands a verb, no noun."""
    follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
    verb = words.verb_base(tokens[at].text) or words.letters(tokens[at].text)[:1] == "V"
    return follows in OBJECTS and bool(verb) and not starts_phrase(tokens, at + 2)


def _orders(tokens: list[Token], at: int, before: Item | None) -> bool:
    """Whether the brief's sentence begins with an order: "ignore the rules", "compose a scene"."""
    opens = before is None or (before.token is not None and before.token.kind == "stop")
    known, follows = words.letters(tokens[at].text), tokens[at + 1].text if at + 1 < len(tokens) else ""
    return opens and "V" in known and (words.is_in("det", follows) or (known == "V" and starts_phrase(tokens, at + 1)))


def _bare_verb(tokens: list[Token], at: int) -> bool:
    """A verb in its base form behind a noun: "a cat and a dog stand on a box", "two cats face each other"."""
    known, mutual = words.letters(tokens[at].text), at + 1 < len(tokens) and tokens[at + 1].kind == "mutual"
    return (
        "V" in known
        and not words.is_in("media", tokens[at].text)
        and (mutual or (known[:1] == "V" and not starts_phrase(tokens, at + 1) and not words.is_in("noun", tokens[at].text)))
    )


def _one_does(tokens: list[Token], at: int, det: str, who: str) -> bool:
    """ "a car parks", "an elephant sprays water", "their dog digs a hole": several car parks would not be "a"."""
    lemma, plural = words.singular(tokens[at].text)
    base = words.verb_base(tokens[at].text)
    if not plural or not base or words.is_in("noun", lemma) or words.is_in("thing", lemma) or words.singular(who)[1]:
        return False
    alive = words.kind(who) in "ah"
    if det in SINGULAR_DET:
        return alive or not starts_phrase(tokens, at + 1)
    return alive and det != "" and words.letters(base)[:1] == "V"


def is_sport(tokens: list[Token], at: int) -> bool:
    """ "ice skating": a noun and a verb that are one thing to do, with no noun behind them."""
    if at + 1 >= len(tokens) or tokens[at + 1].kind != "word":
        return False
    noun = any(c.islower() for c in words.letters(tokens[at].text)) and not words.is_colour(tokens[at].text)
    return noun and not words.singular(tokens[at].text)[1] and words.is_in("sport-verb", tokens[at + 1].text) and not starts_phrase(tokens, at + 2)


def _listed_verb(word: str) -> bool:
    return any(words.is_in(name, word) for name in ("riding", "holding", "worn-verb"))


def verbal(word: str) -> bool:
    """Whether a word can be a verb form, and is not mostly something else."""
    if word in IRREGULAR_VERBS or _listed_verb(word):
        return True
    if not word.endswith(("ing", "ed", "s")) or words.is_in("noun", words.singular(word)[0]):
        return False
    if words.letters(word)[:1].islower() and not word.endswith(("ing", "ed")):
        return False
    return words.verb_base(word) != "" and not (word.endswith("s") and words.is_noun(word) and words.letters(words.verb_base(word))[:1] != "V")


def is_verb_here(tokens: list[Token], at: int, body: list[Token], det: str, count: int | None) -> bool:
    """A verb form after a noun, unless the two are one compound."""
    word, last = tokens[at].text, body[-1].text
    lemma, plural = words.singular(word)
    if tokens[at + 1 : at + 2] and tokens[at + 1].kind == "mutual" and "V" in words.letters(word):
        return True
    if _done_to_them(tokens, at) or _one_does(tokens, at, det, last):
        return True
    if last.endswith(("'s", "s'")) or (words.is_in("media", word) and not (word.endswith("ing") and _of_a_thing(tokens, at))):
        return False  # "a sheep's clothing", "a mug design"
    if compound(f"{last} {lemma}") or (at + 1 < len(tokens) and compound(f"{word} {words.singular(tokens[at + 1].text)[0]}")):
        return False
    if word.endswith("ing") or _listed_verb(word):
        return verbal(word) or not words.letters(word)
    if word.endswith("ed") or word in IRREGULAR_VERBS:
        return verbal(word)
    closed = not starts_phrase(tokens, at + 1)
    if words.is_in("stance", word) and count in (None, 1) and (words.is_part(last) or words.is_worn(last) or not words.singular(last)[1]):
        return True
    if words.is_in("stance", word) and det in ("a", "an") and (count or 1) > 1:
        return True  # "a flock of geese flies"
    many = words.singular(last)[1] or (count or 1) > 1
    if plural or word.endswith("s"):
        return bool(words.verb_base(word)) and not many and closed and (det != "" or words.letters(lemma)[:1] == "V") and count in (None, 1)
    animate = words.kind(words.singular(last)[0]) in "ah" and words.letters(word)[:1] == "V" and not words.is_in("noun", word)
    return (animate or (many and words.singular(last)[1] and "V" in words.letters(word))) and closed
