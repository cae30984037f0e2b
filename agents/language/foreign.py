"""Spanish, French and German briefs, word by word into English: enough for plain nouns, colours, numbers and places.

Not a translator. A brief that is not mostly made of words from one of the small dictionaries is left as it is.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from cutwork.agents.language import words

MOSTLY = 0.7  # share of the words that one dictionary must know


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
    """The text, or its words in English where it is plainly Spanish, French or German."""
    said = re.findall(r"[^\W\d_]+", text.lower())
    if len(said) < 2:
        return text
    language = max(dictionaries(), key=lambda name: _share(said, dictionaries()[name]))
    share = _share(said, dictionaries()[language])
    if share < MOSTLY or share <= sum(map(_english, said)) / len(said):
        return text
    known = dictionaries()[language]
    return _pattern(language).sub(lambda match: known[match[0].lower()], text)


def _share(said: list[str], known: dict[str, str]) -> float:
    return sum(word in known for word in said) / len(said)


def _english(word: str) -> bool:
    return any(words.is_in(name, word) for name in ("function", "det", "prep", "number", "noun", "colour", "adjective")) or bool(
        words.letters(words.singular(word)[0])
    )


@cache
def _pattern(language: str) -> re.Pattern[str]:
    longest_first = sorted(dictionaries()[language], key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b", re.IGNORECASE)
