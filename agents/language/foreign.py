"""Spanish, French, German, Japanese and Chinese briefs, word by word into English: enough for plain nouns, colours, numbers and places.

Not a translator. A brief that is not mostly made of words from one of the small dictionaries is left as it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

from cutwork.agents.language import words

MOSTLY = 0.7  # share of the words that one dictionary must know
STRANGE = 3  # words that nobody knows, from which a phrase is in another language
UNSPACED = ("ja", "zh")  # no spaces between words; the share is one of characters
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@cache
def dictionaries() -> dict[str, dict[str, str]]:
    """Language -> word or short phrase -> English."""
    found: dict[str, dict[str, str]] = {}
    for line in (files(__package__) / "foreign.txt").read_text("utf-8").splitlines():
        language, colon, entries = line.partition(": ")
        if colon and not line.startswith("#"):
            pairs = (entry.strip().split("=") for entry in entries.split(","))
            found.setdefault(language, {}).update((word, english) for word, english in pairs)
    return found


def in_english(text: str) -> str:
    """The text, or its words in English where it is plainly in one of the languages."""
    if _IDEOGRAPHS.search(text):
        return _unspaced(text)
    said = re.findall(r"[^\W\d_]+", text.lower())
    if len(said) < 2:
        return text
    language = max((name for name in dictionaries() if name not in UNSPACED), key=lambda name: _share(said, dictionaries()[name]))
    share = _share(said, dictionaries()[language])
    if share < MOSTLY or share <= sum(map(_english, said)) / len(said):
        return text
    known = dictionaries()[language]
    return _pattern(language).sub(lambda match: known[match[0].lower()], text)


def _unspaced(text: str) -> str:
    """The same for a script without spaces: by the language that leaves fewest of its characters over."""
    left = {name: len(_IDEOGRAPHS.findall(_pattern(name).sub("", text))) for name in UNSPACED}
    language = min(UNSPACED, key=lambda name: left[name])
    if left[language] > (1 - MOSTLY) * len(_IDEOGRAPHS.findall(text)):
        return text
    return _pattern(language).sub(lambda match: f" {dictionaries()[language][match[0]]} ", text)


def notes(phrases: list[str]) -> list[str]:
    """A sentence about phrases in letters that are not Latin, or of several words of no dictionary: drawing models mostly know English words only."""
    unread = [phrase for phrase in phrases if any(c.isalpha() for c in phrase) and (not any("LATIN" in unicodedata.name(c, "") for c in phrase) or _strange(phrase))]
    return [f"The offline planner cannot read {', '.join(map(repr, unread))}; say it in English to be sure."] if unread else []


def _strange(phrase: str) -> bool:
    """Whether three words or more are in no dictionary."""
    return sum(not _english(word) for word in re.findall(r"[^\W\d_]+", phrase.lower())) >= STRANGE


def _share(said: list[str], known: dict[str, str]) -> float:
    return sum(word in known for word in said) / len(said)


def _english(word: str) -> bool:
    return any(words.is_in(name, word) for name in ("function", "det", "prep", "number", "noun", "colour", "adjective")) or bool(
        words.letters(words.singular(word)[0])
    )


@cache
def _pattern(language: str) -> re.Pattern[str]:
    longest_first = sorted(dictionaries()[language], key=len, reverse=True)
    bound = "" if language in UNSPACED else r"\b"
    return re.compile(f"{bound}(?:{'|'.join(map(re.escape, longest_first))}){bound}", re.IGNORECASE)
