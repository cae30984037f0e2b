"""Finds noun phrases and verbs among the tokens: what is one thing, what describes it, how many there are.

Knows nothing of how the things hang together; that is `parse`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from cutwork.agents.language import words
from cutwork.agents.language.tokens import Token

Role = Literal["thing", "adjectives", "media", "verb", "and", "be", "have", "prep", "that", "pronoun", "skip", "token"]

BE = {"is", "are", "was", "were", "be", "being", "been"}
HAVE = {"has", "have", "having", "had"}
THAT = {"that", "which", "who", "whose", "while", "where", "when"}
AND = {"and", "or", "then", "also", "but", "versus", "vs", "nor"}
PRONOUNS = {"it", "them", "him", "her", "one", "ones", "itself", "himself", "herself", "themselves", "other"}
SINGULAR_DET = {"a", "an", "this", "that", "each", "every", "another"}
OF_MEDIA = {"of", "featuring", "showing", "depicting", "with", "shows", "depicts", "containing", "about"}
IRREGULAR_VERBS = {
    "sat",
    "ran",
    "stood",
    "lay",
    "ate",
    "held",
    "made",
    "built",
    "drawn",
    "worn",
    "torn",
    "seen",
    "shown",
    "hung",
    "flew",
    "swam",
    "lit",
    "cut",
    "put",
    "set",
}


@dataclass
class Item:
    """One step of a brief: a noun phrase, a verb, or a token that says how the others hang together."""

    role: Role
    text: str = ""
    noun: str = ""
    attributes: list[str] = field(default_factory=list)
    count: int = 1
    det: str = ""
    extra: str = ""  # what a holder holds: "of coffee"
    lead: str = ""  # what stands for several as one: "bunch"
    token: Token | None = None
    plural: bool = False
    counted: bool = False  # a number was said


def chunk(tokens: list[Token]) -> list[Item]:
    """The tokens as items, in order."""
    items: list[Item] = []
    at = 0
    while at < len(tokens):
        item, at = _next(tokens, at, items[-1] if items else None)
        items.append(item)
    return items


def _next(tokens: list[Token], at: int, before: Item | None) -> tuple[Item, int]:
    token = tokens[at]
    if token.kind != "word":
        return Item("token", token.text, token=token), at + 1
    simple = _simple(token.text)
    if simple == "pronoun" and token.text in ("one", "other", "her") and _starts_phrase(tokens, at + 1):
        simple = None
    if simple == "that" and token.text == "that" and (before is None or before.role not in ("thing", "adjectives")):
        simple = "skip"
    if simple:
        return Item(simple, token.text, token=token), at + 1
    verb = _leading_verb(tokens, at, before)
    if verb:
        return verb, at + 1
    return _phrase(tokens, at)


def _simple(word: str) -> Role | None:
    for role, group in (("be", BE), ("have", HAVE), ("that", THAT), ("and", AND), ("pronoun", PRONOUNS)):
        if word in group:
            return role  # type: ignore[return-value]
    if words.is_in("det", word) or words.value("number", word):
        return None
    if words.is_in("prep", word):
        return "prep"
    if words.is_in("function", word) and not words.is_in("media", word):
        return "skip"
    return "skip" if words.letters(word) == "R" or (len(word) == 1 and not word.isdecimal()) else None


def _starts_phrase(tokens: list[Token], at: int) -> bool:
    """Whether a noun phrase could go on here."""
    if at >= len(tokens) or tokens[at].kind != "word":
        return False
    return _simple(tokens[at].text) is None and not words.is_in("det", tokens[at].text)


def _leading_verb(tokens: list[Token], at: int, before: Item | None) -> Item | None:
    """A verb where a phrase could start: after a noun, "is", a comma or "and", unless it describes what follows."""
    word = tokens[at].text
    if not _verbal(word):
        return None
    after_noun = before is not None and before.role in ("thing", "be", "that", "skip", "have")
    describes = _starts_phrase(tokens, at + 1) and not _listed_verb(word)
    if word.endswith("ing"):
        if before is not None and before.role == "be":
            return Item("verb", word)
        return None if describes and not after_noun else Item("verb", word)
    if word.endswith("ed") or word in IRREGULAR_VERBS:
        return Item("verb", word) if not describes and (after_noun or _listed_verb(word)) else None
    return Item("verb", word) if before is not None and before.role in ("thing", "that") and not describes else None


def _listed_verb(word: str) -> bool:
    return any(words.is_in(name, word) for name in ("riding", "holding", "worn-verb"))


def _verbal(word: str) -> bool:
    if word in IRREGULAR_VERBS or _listed_verb(word):
        return True
    if not word.endswith(("ing", "ed", "s")) or words.is_in("noun", words.singular(word)[0]):
        return False
    if words.letters(word)[:1].islower() and not word.endswith(("ing", "ed")):
        return False
    return words.verb_base(word) != "" and not (word.endswith("s") and words.is_noun(word) and words.letters(words.verb_base(word))[:1] != "V")


def _phrase(tokens: list[Token], at: int) -> tuple[Item, int]:
    """Reads a noun phrase from `at`: determiner, number, words that describe, nouns."""
    start, det, count, grouped = at, "", None, ""
    while at < len(tokens) and tokens[at].kind == "word" and words.is_in("det", tokens[at].text):
        det = tokens[at].text
        at += 1
    count, at = _count(tokens, at)
    if count is None:
        grouped, count, at = _group(tokens, at)
    body, at = _body(tokens, at, det, count)
    if not body:
        if det in PRONOUNS or det in ("this", "that", "these", "those", "both", "all", "another", "his", "their"):
            return Item("pronoun", det), max(at, start + 1)
        return _without_body(tokens, start, at, count)
    item = _head(body, det, count)
    item.lead = grouped
    if item.role == "media":
        at = _past_of(tokens, at)
    elif item.role == "thing" and words.is_in("holder", item.noun):
        at = _hold(tokens, at, item)
    return item, at


def _without_body(tokens: list[Token], start: int, at: int, count: int | None) -> tuple[Item, int]:
    if count == 1 and at > start:
        return Item("pronoun", "one"), at
    return Item("skip", tokens[start].text), max(at, start + 1)


def _count(tokens: list[Token], at: int) -> tuple[int | None, int]:
    """A number at `at`, with the "of" that may follow it: "three", "a pair of", "dozens of", "2"."""
    total: int | None = None
    if [t.text for t in tokens[at : at + 3]] == ["half", "a", "dozen"]:
        return 6, at + 3
    while at < len(tokens) and tokens[at].kind == "word":
        number = _number(tokens[at].text)
        if number is None or (total is not None and number == 0):
            break
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if not (follows == "of" or _starts_phrase(tokens, at + 1) or (follows and words.value("number", follows)) or _det_after(follows)):
            break
        total = number if total is None else max(total, number) if number >= 10 or total >= 10 else total * number
        at += 1
    if total is None:
        return None, at
    if at < len(tokens) and tokens[at].text == "of":
        at += 1
        while at < len(tokens) and words.is_in("det", tokens[at].text):
            at += 1
    return max(1, total), at


def _det_after(word: str) -> bool:
    return word in ("more", "different", "other")


def _number(word: str) -> int | None:
    value = words.value("number", word)
    if value:
        return int(value)
    return min(1_000, int(word)) if word.isdecimal() and word.isascii() and len(word) < 6 else None


def _group(tokens: list[Token], at: int) -> tuple[str, int | None, int]:
    """ "a bunch of", "a herd of": the words to keep, how many that is if many, and where the rest begins."""
    first = at
    while first < len(tokens) and tokens[first].kind == "word" and words.is_modifier(tokens[first].text):
        first += 1
    if first + 2 < len(tokens) and tokens[first + 1].text == "of" and words.is_in("group", words.singular(tokens[first].text)[0]):
        many = words.is_in("many", words.singular(tokens[first].text)[0])
        count, after = _count(tokens, first + 2)
        return "" if many or count else tokens[first].text, count or (3 if many else 1), after
    return "", None, at


def _body(tokens: list[Token], at: int, det: str, count: int | None) -> tuple[list[Token], int]:
    """The words of a phrase after determiner and number."""
    body: list[Token] = []
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "comma" or token.text == "and":
            if not _adjectives_go_on(tokens, at, body):
                break
            at += 1
            continue
        if token.kind != "word" or _ends(tokens, at, body, det, count):
            break
        body.append(token)
        at += 1
    return body, at


def _adjectives_go_on(tokens: list[Token], at: int, body: list[Token]) -> bool:
    """Whether a comma or "and" stands between two words that describe one noun: "red and white train"."""
    ahead = at + 1
    if ahead < len(tokens) and tokens[ahead].text == "and":
        ahead += 1
    if not body or not all(words.is_modifier(t.text) for t in body) or not _starts_phrase(tokens, ahead):
        return False
    if words.value("number", tokens[ahead].text) or not words.is_modifier(tokens[ahead].text):
        return False
    return _starts_phrase(tokens, ahead + 1) or (ahead + 1 < len(tokens) and tokens[ahead + 1].text in (",", "and"))


def _ends(tokens: list[Token], at: int, body: list[Token], det: str, count: int | None) -> bool:
    """Whether the phrase is over before this word: function words, numbers, and verbs after a noun."""
    word = tokens[at].text
    if words.is_in("det", word) or (words.value("number", word) and word not in ("single", "lone", "double", "twin")):
        return bool(body)
    if word == "can" and (det or body):
        return False
    if _simple(word) and not (word in ("very", "really", "super", "extremely", "one") or _adverb_inside(tokens, at, body)):
        return True
    if not any(words.is_noun(t.text) and not words.is_modifier(t.text) for t in body):
        fruit = bool(body) and _fruit_not_colour([t.text for t in body], len(body) - 1, det, count) and not _starts_phrase(tokens, at + 1)
        return fruit and _verbal(word)
    return _is_verb_here(tokens, at, body, det, count)


def _adverb_inside(tokens: list[Token], at: int, body: list[Token]) -> bool:
    """ "a brightly colored parrot": an adverb before a word that describes."""
    return tokens[at].text.endswith("ly") and _starts_phrase(tokens, at + 1) and words.is_modifier(tokens[at + 1].text) and not body


def _is_verb_here(tokens: list[Token], at: int, body: list[Token], det: str, count: int | None) -> bool:
    """A verb form after a noun, unless the two are one compound."""
    word, last = tokens[at].text, body[-1].text
    lemma, plural = words.singular(word)
    if _compound(f"{last} {lemma}") or (at + 1 < len(tokens) and _compound(f"{word} {words.singular(tokens[at + 1].text)[0]}")):
        return False
    if word.endswith("ing") or _listed_verb(word):
        return _verbal(word) or not words.letters(word)
    if word.endswith("ed") or word in IRREGULAR_VERBS:
        return _verbal(word)
    closed = not _starts_phrase(tokens, at + 1)
    many = words.singular(last)[1] or (count or 1) > 1
    if plural or word.endswith("s"):
        return bool(words.verb_base(word)) and not many and closed and (det != "" or words.letters(lemma)[:1] == "V") and count in (None, 1)
    animate = words.kind(words.singular(last)[0]) in "ah" and words.letters(word)[:1] == "V" and not words.is_in("noun", word)
    return (animate or (many and words.singular(last)[1] and "V" in words.letters(word))) and closed


def _compound(text: str) -> bool:
    return text in words.compounds() or (text in words.lexicon() and not words.is_colour(text.split(" ")[0]))


def _head(body: list[Token], det: str, count: int | None) -> Item:
    """Which word of the body is the thing, what kind of phrase that makes, and what describes it."""
    texts = [t.text.removesuffix("'s").rstrip("'") if t is not body[-1] else t.text.removesuffix("'s") for t in body]
    texts = [t for t in texts if t] or [body[0].text]
    kept = _without_media(texts)
    if not kept:
        return Item("media", " ".join(texts), det=det)
    end = _last_noun(kept, det, count)
    if end is None:
        return Item("adjectives", " ".join(kept), attributes=kept, det=det)
    begin = _compound_start(kept, end)
    noun, plural = words.singular(" ".join(kept[begin : end + 1]))
    attributes = [w for w in [*kept[:begin], *kept[end + 1 :]] if not words.is_in("det", w)]
    number = count if count is not None else 2 if plural and det not in ("a", "an") else 1
    if words.is_in("pluralonly", noun.rpartition(" ")[2]) and count == 2 and det in ("a", "the"):
        number = 1  # "a pair of scissors"
    if noun == "glasses" and number > 2:
        noun = "glass"
    return Item("thing", " ".join(kept), noun, attributes, number, det, plural=plural, counted=count is not None)


def _without_media(texts: list[str]) -> list[str]:
    """The words before a trailing media word ("cat sticker"), or nothing if only such words are there."""
    kept = list(texts)
    if len(kept) > 1 and " ".join([kept[-2], words.singular(kept[-1])[0]]) in words.own()["noun"]:
        return kept
    while kept and (words.is_in("media", kept[-1]) or words.is_in("media", " ".join(kept[-2:])) or words.is_in("tail", kept[-1])):
        if len(kept) > 1 and words.is_in("media", " ".join(kept[-2:])):
            kept.pop()
        kept.pop()
    if len(kept) < len(texts) and (words.is_in("carrier", " ".join(kept[-2:])) or words.is_in("carrier", " ".join(kept[-1:]))):
        return []  # "a t-shirt design"
    if len(kept) < len(texts) and not any(words.is_noun(w) and not words.is_modifier(w) for w in kept):
        return []
    return kept


def _last_noun(texts: list[str], det: str, count: int | None) -> int | None:
    for at in range(len(texts) - 1, -1, -1):
        word = texts[at]
        if at > 0 and words.kind(words.singular(word)[0]) == "x" and _thing_word(texts[at - 1]):
            continue  # "a dragon theme"
        if at > 0 and _names_one(texts[at - 1], words.singular(f"{texts[at - 1]} {word}")[0]):
            return at
        if word[0].isdigit():
            continue
        if words.is_colour(word):
            if _fruit_not_colour(texts, at, det, count):
                return at
        elif words.is_noun(word) and not (len(texts) == 1 and words.is_modifier(word) and not det and count is None):
            return at
    return None


def _thing_word(word: str) -> bool:
    return words.is_noun(word) and not words.is_modifier(word) and words.kind(words.singular(word)[0]) in "afoph"


def _fruit_not_colour(texts: list[str], at: int, det: str, count: int | None) -> bool:
    """ "an orange" is a fruit, "orange" alone and "an orange cat" are not."""
    lemma, plural = words.singular(texts[at])
    counted = det != "" or count is not None or plural
    return words.is_in("noun", lemma) and counted and at == len(texts) - 1 and all(words.is_modifier(t) for t in texts[:at])


def _compound_start(texts: list[str], end: int) -> int:
    """Where the noun that ends at `end` begins: known compounds, then a thing that names a kind of the next one."""
    last = words.singular(texts[end])[0]
    for begin in range(max(0, end - 2), end):
        text = " ".join([*texts[begin:end], last])
        if _names_one(texts[begin], text):
            return begin
    if end > 0 and not _describes(texts[end - 1]) and _nominal(texts[end - 1]) and not (words.kind(texts[end - 1]) == "h" and words.kind(last) in "ah"):
        return end - 1
    return end


def _names_one(first: str, text: str) -> bool:
    """Whether words that begin with `first` are one noun, rather than a noun that `first` describes."""
    return text in words.compounds() or (text in words.lexicon() and (first.endswith("ing") or not _describes(first)))


def _describes(word: str) -> bool:
    return words.is_in("adjective", word) or words.is_in("pattern", word) or words.is_in("size", word) or words.is_in("style", word) or words.is_colour(word)


def _nominal(word: str) -> bool:
    if words.is_modifier(word) or word[0].isdigit() or words.is_in("media", word) or words.is_in("shade", word):
        return False
    known = words.letters(words.singular(word)[0])
    if words.verb_base(word) and word.endswith(("ing", "ed")):
        return False
    return words.is_in("noun", word) or not known or known[0].islower() or (words.is_noun(word) and "J" not in known)


def _past_of(tokens: list[Token], at: int) -> int:
    """After a media word its "of" or "featuring" says nothing more."""
    return at + 1 if at < len(tokens) and tokens[at].text in OF_MEDIA else at


def _hold(tokens: list[Token], at: int, item: Item) -> int:
    """ "a cup of coffee": what follows "of" belongs to the holder."""
    if at >= len(tokens) or tokens[at].text != "of" or at + 1 >= len(tokens):
        return at
    inner, end = _phrase(tokens, at + 1)
    if inner.role != "thing":
        return at
    item.extra = " ".join(["of", *(t.text for t in tokens[at + 1 : end] if t.kind == "word")])
    return end


def renamed(item: Item, noun: str) -> Item:
    """The same phrase about another noun: "a blue one" after "a red car"."""
    return replace(item, role="thing", noun=noun, attributes=[a for a in item.attributes if a != "one"])
