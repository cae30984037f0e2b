"""The lexicon: what a word can be. Loaded once, when first asked.

Open classes come from `lexicon.txt` (WordNet, built by `lab/build_lexicon.py`), closed classes and judgement calls from
`words.txt`, which wins. Not for grammar: nothing here looks at two words together except compounds.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files

from cutwork import plurals

Word = str
VOWELS = "aeiou"
SEEN = 20_000  # words remembered of each question, so that memory stays flat over any number of briefs


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


@cache
def lexicon() -> dict[Word, str]:
    """Lemma -> letters, the most usual part of speech first; see `lab/build_lexicon.py` for what they mean."""
    return {lemma: letters for lemma, letters, *_ in (line.split("\t") for line in _text("lexicon.txt").splitlines())}


@cache
def _besides() -> dict[Word, str]:
    """Noun that is abstract first -> the letter of a later sense that can be seen."""
    return {line[0]: line[2] for line in (line.split("\t") for line in _text("lexicon.txt").splitlines()) if len(line) > 2}


@cache
def own() -> dict[str, dict[Word, str]]:
    """Name of a list -> its words -> what stands after "=" ("" where nothing does)."""
    lists: dict[str, dict[Word, str]] = {}
    for line in _text("words.txt").splitlines():
        if ":" in line and not line.startswith("#"):
            name, _, words = line.partition(":")
            entries = (w.strip().partition("=") for w in words.split(","))
            lists.setdefault(name.strip(), {}).update({w: value for w, _, value in entries if w})
    return lists


@cache
def emoji() -> dict[str, str]:
    """Emoji without variation selector -> what it shows, in words."""
    return dict(line.split("\t") for line in _text("emoji.txt").splitlines())


def is_in(name: str, word: Word) -> bool:
    """Whether a hand-made list has the word."""
    return word in own()[name]


def value(name: str, word: Word) -> str | None:
    """What a hand-made list says of the word: "two" is "2"; None if it does not have it."""
    return own()[name].get(word)


@cache
def compounds() -> frozenset[Word]:
    """Nouns of several words that are one thing, in the singular."""
    return frozenset(w for name in ("noun", "scenery", "worn", "thing", "media") for w in own()[name] if " " in w)


def letters(word: Word) -> str:
    """What the word itself can be; "" if nobody knows it."""
    return lexicon().get(word, "")


def singular(word: Word) -> tuple[Word, bool]:
    """The word in the singular, and whether it was a plural. Plurals without a singular stay as they are."""
    head, _, last = word.rpartition(" ")
    lemma, plural = _singular(last)
    if head and not plural and last.endswith("s"):
        whole = next((w for w in (f"{head} {stem}" for stem in _without_s(last)) if w in compounds() or w in lexicon()), "")
        return (whole, True) if whole else (word, False)
    return (f"{head} {lemma}" if head else lemma), plural


@lru_cache(maxsize=SEEN)
def _singular(word: Word) -> tuple[Word, bool]:
    irregular = value("irregular", word)
    if irregular:
        return irregular, irregular != word
    if word.endswith("men") and (letters(word[:-3]) or letters(word[:-2] + "an")) and not letters(word) and not is_in("noun", word):
        return word[:-2] + "an", True  # "spidermen", "tradesmen"
    if word.endswith("women") and letters(word[:-5]):
        return word[:-2] + "an", True
    if is_in("pluralonly", word) or is_in("unchanged", word) or is_in("noun", word) or not word.endswith("s") or word.endswith("ss") or len(word) < 3:
        return word, False
    if len(word) == 3 and not is_in("noun", word[:-1]):
        return word, False
    usual = plurals.singular(word)
    for lemma in (usual, *_without_s(word)):
        if lemma != word and (letters(lemma) or is_in("noun", lemma)):
            return lemma, True
    return (word, False) if letters(word) else (usual, usual != word)


def _without_s(word: Word) -> list[Word]:
    """Possible singulars, the likeliest first."""
    if word.endswith("ies"):
        return [word[:-3] + "y", word[:-1]]
    if word.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")):
        return [word[:-2], word[:-1]]
    if word.endswith("ves"):
        return [word[:-1], word[:-3] + "f", word[:-3] + "fe"]
    return [word[:-1], word[:-2]] if word.endswith(("ses", "zes")) else [word[:-1]]


def article(phrase: str) -> str:
    """ "a" or "an", by the first letter and the few words that sound otherwise."""
    first = phrase.split(" ", 1)[0]
    if first.startswith(("uni", "use", "eu", "one", "ufo", "ukulele")):
        return "a"
    return "an" if first[:1] in VOWELS or first.startswith(("hour", "honest", "heir")) else "a"


def is_colour(word: Word) -> bool:
    """A colour word, or a compound of one: "red", "dark-blue", "olive green"."""
    if is_in("colour", word):
        return True
    first, space, last = word.rpartition(" ")
    return is_in("colour", word.rpartition("-")[2]) if not space else is_in("tint", first) and is_in("plaincolour", last)


@lru_cache(maxsize=SEEN)
def is_modifier(word: Word) -> bool:
    """Whether the word, before a noun, usually describes it."""
    if is_in("adjective", word) or is_colour(word) or is_in("pattern", word) or is_in("size", word) or is_in("style", word):
        return True
    known = letters(word)
    lemma, plural = _singular(word)
    if plural and is_in("noun", lemma):
        return False  # "bats", which the lexicon has for mad
    if is_in("noun", word) or known:
        return known[:1] == "J" and not is_in("noun", word)
    if plural and letters(lemma)[:1].islower():
        return False  # "forget-me-nots"
    return (word.endswith(("ed", "ing", "ish", "y", "ful", "less", "ous", "-like", "-shaped")) and verb_base(word) != "") or "-" in word


@lru_cache(maxsize=SEEN)
def is_noun(word: Word) -> bool:
    """Whether the word can be the head of a noun phrase: known nouns and words nobody knows."""
    lemma, _ = _singular(word)
    if is_in("look", word) and not is_in("noun", word) and letters(word)[-1:] == "J":
        return False  # "moody", who was a preacher
    if is_in("pattern", word) and not letters(word):
        return False  # "ditsy"
    if is_in("pluralonly", lemma) or is_in("noun", lemma) or is_in("scenery", lemma) or is_in("media", lemma) or is_in("worn", lemma) or is_in("part", lemma):
        return True
    known = letters(lemma) or letters(word)
    if is_in("adjective", word) and not set(known) & set("aofpbnws"):
        return False
    if not known:
        return not (verb_base(word) or word.endswith("ly"))
    return any(c.islower() for c in known)


@lru_cache(maxsize=SEEN)
def verb_base(word: Word) -> Word:
    """The verb that the word is a form of in -s, -ing or -ed, or "" if it is none."""
    for suffix, keep in (("ing", ("", "e")), ("ied", ("y",)), ("ed", ("", "e")), ("ies", ("y",)), ("es", ("", "e")), ("s", ("",))):
        if not word.endswith(suffix) or len(word) - len(suffix) < 2:
            continue
        stem = word[: -len(suffix)]
        if suffix == "es" and not stem.endswith(("s", "x", "z", "ch", "sh", "o")):
            keep = ("e", "")  # "hates" is of "hate", no hat
        tries = [stem + k for k in keep] + ([stem[:-1]] if len(stem) > 2 and stem[-1] == stem[-2] else []) + ([stem[:-1] + "ie"] if stem[-1] == "y" else [])
        for base in tries:
            if "V" in letters(base):
                return base
    return ""


def gerund(verb: Word) -> Word:
    """The form in -ing of a regular verb: "chasing", "hugging"."""
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-2] + "ying" if verb.endswith("ie") else verb[:-1] + "ing"
    short = len(verb) < 5 and len(verb) > 2 and verb[-1] not in VOWELS + "wxy" and verb[-2] in VOWELS and verb[-3] not in VOWELS
    return verb + verb[-1] + "ing" if short else verb + "ing"


def doing(verb: Word) -> Word:
    """What is said with a finite verb as a description: "wears" and "wear" are "wearing"; what is no such form stays."""
    base = verb_base(verb) if verb.endswith("s") else verb if letters(verb)[:1] == "V" else ""
    return gerund(base) if base else verb


@lru_cache(maxsize=SEEN)
def kind(noun: Word) -> str:
    """One letter for what sort of thing a singular noun is; "x" for what cannot be drawn, "?" for unknown words."""
    last = noun.partition(" of ")[0].rpartition(" ")[2]
    for word in dict.fromkeys((noun, last)):
        found = _own_kind(word)
        if found:
            return found
        known = [c for c in letters(word) if c.islower()]
        if known:
            return known[0]
    return "?"


def besides(noun: Word) -> str:
    """The kind of another sense of a noun that is abstract first; "" where it has none."""
    return _besides().get(noun) or _besides().get(noun.rpartition(" ")[2], "")


def may_be_seen(noun: Word) -> bool:
    """Whether a noun that is abstract first is a thing in another sense: "carton", "tag", "dictionary"; not one that a list has as abstract."""
    last = noun.rpartition(" ")[2]
    return besides(noun) != "" and not any(is_in(name, last) for name in ("abstract", "media", "tail", "meta", "event"))


def _own_kind(word: Word) -> str:
    if is_in("kind", word):
        return own()["kind"][word]
    if is_in("food", word):
        return "f"
    if is_in("noun", word) or is_in("thing", word):
        return next((c for c in letters(word) if c in "aofphn"), "o")
    for name, letter in (("scenery", "l"), ("worn", "w"), ("part", "b"), ("abstract", "x"), ("media", "x"), ("tail", "x")):
        if is_in(name, word):
            return letter
    return ""


def is_worn(noun: Word) -> bool:
    """What is worn on a body and so belongs to its wearer."""
    last = noun.rpartition(" ")[2]
    return is_in("worn", noun) or is_in("worn", last) or is_in("worn", last + "s") or kind(noun) == "w"


def is_part(noun: Word) -> bool:
    """A part of a body or a thing."""
    last = noun.rpartition(" ")[2]
    if is_in("noun", noun) and not is_in("part", noun):
        return False
    return is_in("part", last) or is_in("part", noun) or kind(noun) == "b" or _plural_part(last)


def _plural_part(word: Word) -> bool:
    return is_in("part", word + "s") or is_in("part", plurals.plural(word))


def is_scenery(noun: Word) -> bool:
    """A place: what is in, on or at it stands before it."""
    last = noun.rpartition(" ")[2]
    if is_in("thing", noun) or (" " in noun and is_in("noun", noun) and not is_in("pure", last)) or (is_in("thing", last) and not is_in("scenery", noun)):
        return False
    return is_in("scenery", noun) or is_in("scenery", last) or kind(noun) == "l"


def is_pure_scenery(noun: Word) -> bool:
    """A place that is never a thing of its own: "the sky", "a landscape"."""
    return is_in("pure", noun) or is_in("pure", noun.rpartition(" ")[2])
