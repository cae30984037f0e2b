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


def leading_verb(tokens: list[Token], at: int, before: Item | None) -> Item | None:
    """A verb where a phrase could start: after a noun, "is", a comma or "and", unless it describes what follows."""
    word = tokens[at].text
    if _orders(tokens, at, before):
        return Item("skip", word)
    if before is not None and before.role in ("thing", "pronoun") and inverted(tokens, at):
        return Item("verb", word)
    if before is not None and before.role == "thing" and _does_by_sense(tokens, at, before):
        return Item("verb", word)
    if before is not None and before.role == "thing" and (_bare_verb(tokens, at) or _one_does(tokens, at, before.det, before.noun)):
        return Item("verb", word)
    if before is not None and before.role == "thing" and _done_to_them(tokens, at):
        return Item("verb", word)
    if before is not None and (
        plural_does(before.text.rpartition(" ")[2], word) or _stands(tokens, at, before) or _does_something(tokens, at, before) or _resumes(tokens, at, before)
    ):
        return Item("verb", word)
    if not verbal(word) or (before is not None and before.text == "whose"):
        return None
    after_noun = before is not None and before.role in ("thing", "be", "that", "skip", "have")
    describes = starts_phrase(tokens, at + 1) and not _listed_verb(word)
    if word.endswith("ing"):
        if before is not None and before.role == "be":
            return Item("verb", word)
        return None if describes and not after_noun else Item("verb", word)
    if word.endswith("ed") or words.is_in("past", word):
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
        if words.letters(word)[:1] == "a" and not _of_a_thing(tokens, at):
            return False  # "talks to dog", but "to pet a cat"
        return "V" in words.letters(word) and not words.is_in("noun", word) and not (starts_phrase(tokens, at + 1) and words.is_noun(word))
    by_itself = words.is_in("stance", word)
    if before.text in PERSONAL:
        return "V" in words.letters(word) or words.verb_base(word) != ""
    if before.role == "pronoun":
        return by_itself or (_listed_verb(word) and word.endswith("s"))
    placed = before.token is not None and before.token.kind == "place"
    return by_itself and (before.role in ("thing", "adjectives") or placed)


def _does_something(tokens: list[Token], at: int, before: Item) -> bool:
    """ "the pig … wears a bow tie", "the illustration presents a house": a form in -s right before a determiner, behind what can do it."""
    word = tokens[at].text
    doing = word.endswith("s") and words.verb_base(word) != "" and before.role in ("thing", "media", "verb", "adjectives", "pronoun") and not before.plural
    return doing and _of_a_thing(tokens, at)


def _resumes(tokens: list[Token], at: int, before: Item) -> bool:
    """ "two scooters, one green and one peach, stand outside a shop", "an astronaut, tethered to a satellite": a comma, a verb, and where."""
    word, follows = tokens[at].text, tokens[at + 1] if at + 1 < len(tokens) else None
    if before.text != "," or follows is None or not (follows.kind == "relation" or (follows.kind == "word" and words.is_in("prep", follows.text))):
        return False
    if word.endswith("ed") or words.is_in("past", word):
        return verbal(word) and not words.is_in("pattern", word)
    return words.is_in("stance", word) or (words.letters(word)[:1] == "V" and not words.is_in("noun", word))


def _moves(tokens: list[Token], at: int, det: str, count: int, last: str) -> bool:
    """ "four clownfish circle around a hand" (four of a circle would be circles), "a skier in an orange jacket slices down a slope"."""
    word = tokens[at].text
    if not _led_somewhere(tokens, at):
        return False
    if count > 1 and words.kind(last) in "ah?" and not words.singular(last)[1]:
        return "V" in words.letters(word) and not words.singular(word)[1]
    return det in ("a", "an") and words.is_worn(last) and word.endswith("s") and words.verb_base(word) != ""


def _unheard(tokens: list[Token], at: int, before: Item) -> bool:
    """ "a shrimp deadlifting a barbell": a form in -ing that nobody knows, between somebody and a determiner."""
    word = tokens[at].text
    return word.endswith("ing") and not words.letters(word) and not words.is_in("noun", word) and words.kind(before.noun) in "ah" and _of_a_thing(tokens, at)


def _led_somewhere(tokens: list[Token], at: int) -> bool:
    """ "circle around", "slices down": a word that says where comes next."""
    return at + 1 < len(tokens) and tokens[at + 1].kind == "relation" and tokens[at + 1].value not in ("with", "between")


def _does_by_sense(tokens: list[Token], at: int, before: Item) -> bool:
    """Whether what stands before this word can only be doing it."""
    return _moves(tokens, at, before.det, before.count, before.noun) or _unheard(tokens, at, before) or _plainly_does(tokens, at, before.noun)


def _plainly_does(tokens: list[Token], at: int, who: str) -> bool:
    """ "old man sell lollipops": a verb in its base form between somebody and several of something."""
    word = tokens[at].text
    if words.kind(words.singular(who)[0]) not in "ah" or words.letters(word)[:1] != "V" or not starts_phrase(tokens, at + 1) or starts_phrase(tokens, at + 2):
        return False
    if any(words.is_in(name, word) for name in ("noun", "adjective", "media", "pattern", "size")) or words.is_scenery(word):
        return False
    lemma, many = words.singular(tokens[at + 1].text)
    return many and words.is_noun(tokens[at + 1].text) and words.kind(lemma) in "afop"


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


def plural_does(who: str, word: str) -> bool:
    """ "children fly kites": behind several that are alive stands a verb, seldom a second noun."""
    lemma, many = words.singular(who)
    return many and words.kind(lemma) in "ah" and words.letters(word)[:1] == "V" and not words.is_in("media", word) and not words.is_in("adjective", word)


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
    if not plural or not base or words.is_in("thing", lemma) or words.singular(who)[1] or words.is_modifier(who):
        return False
    first = words.letters(base)[:1] == "V"
    if words.is_in("noun", lemma) and not first:
        return False
    alive = words.kind(who) in "ah"
    if det in SINGULAR_DET:
        return first or alive or not starts_phrase(tokens, at + 1)
    return alive and det != "" and words.letters(base)[:1] == "V"


def is_sport(tokens: list[Token], at: int) -> bool:
    """ "ice skating": a noun and a verb that are one thing to do, with no noun behind them."""
    if at + 1 >= len(tokens) or tokens[at + 1].kind != "word":
        return False
    noun = any(c.islower() for c in words.letters(tokens[at].text)) and not words.is_colour(tokens[at].text)
    return noun and not words.singular(tokens[at].text)[1] and words.is_in("sport-verb", tokens[at + 1].text) and not starts_phrase(tokens, at + 2)


def _listed_verb(word: str) -> bool:
    return any(words.is_in(name, word) for name in ("riding", "holding", "worn-verb"))


def inverted(tokens: list[Token], at: int) -> bool:
    """ "on a blanket lie a hamper and a jug", "on its seat rest two helmets": how several stand, right before they are named."""
    follows = tokens[at + 1] if at + 1 < len(tokens) else None
    named = (
        follows is not None
        and follows.kind == "word"
        and (follows.text in ("a", "an", "the") or bool(words.value("number", follows.text)) or follows.text.isdecimal())
    )
    if not named or words.is_in("stance-base", tokens[at].text):
        return named
    before = next((i for i in reversed(range(at)) if tokens[i].kind != "word"), None)
    if before is None or tokens[before].kind != "relation" or (before and tokens[before - 1].kind != "stop"):
        return False
    return at - before > 2 and (words.letters(tokens[at].text)[:1] == "V" or words.letters(tokens[at].text) == "xV")  # "behind the goose waddle two ducklings"


def alive_modifier(word: str) -> bool:
    """ "martian", "native", "elder": a word that describes, and also is somebody."""
    return words.letters(word)[:1] == "J" and words.kind(word) in "ah"


def verbal(word: str) -> bool:
    """Whether a word can be a verb form, and is not mostly something else."""
    if words.is_in("past", word) or _listed_verb(word):
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
    if words.is_in("background", word):
        return False  # "cherry blossoms background"
    if tokens[at + 1 : at + 2] and tokens[at + 1].kind == "mutual" and "V" in words.letters(word):
        return True
    if word.endswith("s") and _of_a_thing(tokens, at) and words.letters(words.verb_base(word))[:1] == "V":
        return True  # "a girl with braids feeds a goat"
    if plural_does(last, word):
        return True
    if _done_to_them(tokens, at) or _one_does(tokens, at, det, last):
        return True
    if last.endswith(("'s", "s'")) or (words.is_in("media", word) and not (word.endswith("ing") and _of_a_thing(tokens, at))):
        return False  # "a sheep's clothing", "a mug design"
    if compound(f"{last} {lemma}") or (at + 1 < len(tokens) and compound(f"{word} {words.singular(tokens[at + 1].text)[0]}")):
        return False
    if word.endswith("ing") or _listed_verb(word):
        return verbal(word) or not words.letters(word)
    if word.endswith("ed") or words.is_in("past", word):
        return verbal(word)
    closed = not starts_phrase(tokens, at + 1)
    if _moves(tokens, at, det, count or 1, last):
        return True
    if words.is_in("stance", word) and count in (None, 1) and (words.is_part(last) or words.is_worn(last) or not words.singular(last)[1]):
        return True
    if words.is_in("stance", word) and ((det in ("a", "an") and (count or 1) > 1) or _of_a_thing(tokens, at)):
        return True  # "a flock of geese flies", "between two trees hangs a hammock"
    many = words.singular(last)[1] or (count or 1) > 1
    if plural or word.endswith("s"):
        bare = words.letters(lemma)[:1] == "V" and words.kind(last) not in "pf"  # "oat stalks"
        return bool(words.verb_base(word)) and not many and closed and (det != "" or bare) and count in (None, 1)
    animate = words.kind(words.singular(last)[0]) in "ah" and words.letters(word)[:1] == "V" and not words.is_in("noun", word)
    if _plainly_does(tokens, at, last):
        return True
    return (animate or (many and words.singular(last)[1] and "V" in words.letters(word))) and closed
