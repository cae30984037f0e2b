"""Which words of a noun phrase name the thing, and which describe it: "a fluffy hot dog" is a hot dog, "a hot pan" a pan."""

from __future__ import annotations

from collections.abc import Container

from cutwork.agents.language import words
from cutwork.agents.language.items import Item
from cutwork.agents.language.tokens import Token


def head(body: list[Token], det: str, count: int | None, paired: bool = False, placed: bool = False) -> Item:
    """Which word of the body is the thing, what kind of phrase that makes, and what describes it.

    Args:
        placed: whether it says where another thing is: "on a pirate's shoulder" is on a pirate, "a giant's hand" is a hand.
        paired: whether the number was said in pairs: "a pair of glasses" is one, "a couple of glasses" are two.
    """
    owners = {t.text.removesuffix("'s").rstrip("'"): t.text for t in body[:-1] if t.text.endswith(("'s", "s'"))}
    texts = [t.text.removesuffix("'s").rstrip("'") for t in body]
    texts = [t for t in texts if t] or [body[0].text]
    kept = [] if words.is_in("media", " ".join(t.text for t in body)) else _without_media(texts)
    if len(texts) > 1 and texts[-2] in owners and words.is_in("plaque", texts[-1]):
        kept = texts  # "a sheriff's badge"
    if not kept:
        return Item("media", " ".join(texts), det=det, count=1 if count is None else count, counted=count is not None)
    kept, gathered = _gathered(kept)
    count = gathered if count is None and gathered else count
    end = _last_noun(kept, det, count)
    if end is None:
        return Item("adjectives", " ".join(kept), attributes=kept, det=det, count=1 if count is None else count, counted=count is not None)
    if (placed or det == "the") and end > 0 and kept[end - 1] in owners and _on_a_body(kept[end]):
        end -= 1
        kept = kept[: end + 1]
    if end + 1 < len(kept) and words.kind(words.singular(kept[-1])[0]) == "x" and any(w in owners for w in kept[:end]):
        end = max(i for i in range(end) if kept[i] in owners)  # "my parakeet's villain arc"
        kept = kept[: end + 1]
    begin = _compound_start(kept, end, owners)
    noun, plural = words.singular(" ".join(kept[begin : end + 1]))
    attributes = [owners.get(w, w) for w in [*kept[:begin], *kept[end + 1 :]] if not words.is_in("det", w)]
    number = count if count is not None else 2 if plural and det not in ("a", "an") else 1
    if words.is_in("pluralonly", noun.rpartition(" ")[2]) and paired:
        number = max(1, number // 2)  # "a pair of scissors"
    elif noun == "glasses" and number > 1:
        noun = "glass"
    text = " ".join(owners.get(w, w) for w in kept)
    name = next((t.cased for t in body if t.value == "name" and t.text == noun), "")
    return Item("thing", text, noun, attributes, number, det, name=name, plural=plural, counted=count is not None)


def _on_a_body(word: str) -> bool:
    """ "on a pirate's shoulder", "on the captain's hat": on the pirate, on the captain."""
    return (words.is_part(word) and not words.is_in("noun", word)) or (words.is_worn(word) and words.is_in("headgear", word))


def _gathered(texts: list[str]) -> tuple[list[str], int]:
    """ "an owl family" is several owls: the words without their collective, and how many it means (0 where it is none)."""
    if len(texts) < 2 or not words.is_in("many", texts[-1]):
        return texts, 0
    living = words.kind(words.singular(texts[-2])[0]) in "ah" and not words.is_modifier(texts[-2])
    return (texts[:-1], 3) if living else (texts, 0)


def _without_media(texts: list[str]) -> list[str]:
    """The words before a trailing media word ("cat sticker"), or nothing if only such words are there."""
    kept = list(texts)
    if len(kept) > 1 and kept[-1] in ("style", "aesthetic", "vibes") and not words.letters(kept[-2]) and not words.is_in("noun", kept[-2]):
        return []  # "van gogh style"
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
        if at > 0 and _names_one(texts[at - 1], words.singular(f"{texts[at - 1]} {word}")[0]):
            return at
        if (
            at > 0
            and not words.is_in("background", word)
            and not words.is_in("holder", word)
            and words.kind(words.singular(word)[0]) == "x"
            and any(map(_thing_word, texts[:at]))
            and not _event(texts, at)
        ):
            continue  # "a dragon theme", but "a tea party"
        if word[0].isdigit() or words.value("compared", word) or (words.is_in("shade", word) and at + 1 < len(texts) and words.is_colour(texts[at + 1])):
            continue  # "pale grey"
        if words.is_colour(word):
            if fruit_not_colour(texts, at, det, count):
                return at
        elif words.is_noun(word) and not (len(texts) == 1 and words.is_modifier(word) and not det and count is None):
            return at
    return None


def _event(texts: list[str], at: int) -> bool:
    """ "a tea party", "a jazz festival": what it is about is not to be seen, unless it is alive: "a dinosaur party"."""
    alive = any(words.kind(words.singular(w)[0]) in "ah" and not words.is_modifier(w) for w in texts[:at])
    return words.is_in("event", words.singular(texts[at])[0]) and not alive


def _thing_word(word: str) -> bool:
    return words.is_noun(word) and not words.is_modifier(word) and words.kind(words.singular(word)[0]) in "afoph"


def fruit_not_colour(texts: list[str], at: int, det: str, count: int | None) -> bool:
    """ "an orange" is a fruit, "orange" alone and "an orange cat" are not."""
    lemma, plural = words.singular(texts[at])
    counted = det != "" or count is not None or plural
    return words.is_in("noun", lemma) and counted and at == len(texts) - 1 and all(words.is_modifier(t) for t in texts[:at])


def _compound_start(texts: list[str], end: int, owners: Container[str]) -> int:
    """Where the noun that ends at `end` begins: known compounds, then a thing that names a kind of the next one."""
    last = words.singular(texts[end])[0]
    for begin in range(max(0, end - 2), end):
        text = " ".join([*texts[begin:end], last])
        if _names_one(texts[begin], text):
            return begin
    if end > 0 and texts[end - 1] in owners:
        return end  # "a king's crown"
    if end > 0 and not _describes(texts[end - 1]) and _nominal(texts[end - 1]) and not _of_somebody(texts[end - 1], last):
        return end - 1
    return end


def _of_somebody(first: str, last: str) -> bool:
    """ "a ginger tomcat", "a gigachad platypus": before what is alive a plant, a dish, a person or a word nobody knows describes it."""
    return words.kind(last) in "ah" and words.kind(words.singular(first)[0]) in "hpfs?"


def _names_one(first: str, text: str) -> bool:
    """Whether words that begin with `first` are one noun, rather than a noun that `first` describes."""
    return text in words.compounds() or (text in words.lexicon() and (first.endswith("ing") or not _describes(first)))


def _describes(word: str) -> bool:
    return words.is_in("adjective", word) or words.is_in("pattern", word) or words.is_in("size", word) or words.is_in("style", word) or words.is_colour(word)


def _nominal(word: str) -> bool:
    if words.is_modifier(word) or words.is_in("past", word) or word[0].isdigit() or words.is_in("media", word) or words.is_in("shade", word):
        return False
    known = words.letters(words.singular(word)[0])
    if words.verb_base(word) and word.endswith(("ing", "ed")):
        return False
    return words.is_in("noun", word) or not known or known[0].islower() or (words.is_noun(word) and "J" not in known)


def compound(text: str) -> bool:
    """Whether two words or more are one known noun, rather than a colour and a noun."""
    return text in words.compounds() or (text in words.lexicon() and not words.is_colour(text.split(" ")[0]))
