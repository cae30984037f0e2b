"""Captions for a meme that came without any: chosen by rule from `jokes.txt` for who is in the picture, in what mood, where and doing what.

The same brief gets the same joke, another brief most likely another one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cutwork.agents.language import words
from cutwork.agents.language.model import Parsed

RELATIONS = {"holding", "riding", "inside", "on", "behind", "front", "beside"}
WEIGHTS = {"any": 0, "animal": 1, "person": 1, "two": 2, "many": 2, "beside": 2, "on": 2, "inside": 2, "front": 2, "behind": 2}
USUAL = 3  # weight of what is said in so many words: a mood, a place, a topic
KINDS = {"a": "animal", "h": "person"}
CHASES = ("chasing", "chases", "chase", "running after", "hunting")
# One for each panel, and one for each who is labelled; what a brief has more of gets the last.
PANELS = (
    ("How it started", "How it went", "How I tell it", "How it ended"),
    ("Nine o'clock", "Ten o'clock", "Eleven o'clock", "Never mind"),
    ("The plan", "The reality", "The report", "The bill"),
    ("Before coffee", "First coffee", "Second coffee", "Third coffee"),
)
LABELS = (
    ("me", "the thing I should be doing", "one more episode", "tomorrow"),
    ("my plan", "the first five minutes", "everybody else", "the budget"),
    ("my week", "Monday", "my weekend", "my sleep"),
    ("my last brain cell", "a simple question", "the deadline", "the other brain cell"),
)


@dataclass(frozen=True)
class Joke:
    """Two captions and what a picture must have for them."""

    features: tuple[str, ...]
    top: str
    bottom: str

    @property
    def weight(self) -> int:
        return sum(WEIGHTS.get(feature, USUAL) for feature in self.features)


@cache
def jokes() -> tuple[Joke, ...]:
    """All that are known."""
    found = []
    for line in _lines():
        if not line.startswith("="):
            features, _, captions = line.partition(": ")
            top, bottom = captions.split(" | ", 1)
            found.append(Joke(tuple(features.split("+")), top.strip(), bottom.replace(" | ", ". ").strip()))
    return tuple(found)


@cache
def cues() -> Mapping[str, frozenset[str]]:
    """Word -> the features it stands for."""
    found: dict[str, set[str]] = {}
    for line in _lines():
        if line.startswith("="):
            feature, _, listed = line[1:].partition(":")
            for word in listed.split(","):
                found.setdefault(word.strip(), set()).add(feature.strip())
    return {word: frozenset(features) for word, features in found.items()}


def _lines() -> list[str]:
    return [line for line in (files(__package__) / "jokes.txt").read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]


def captions(parsed: Parsed, text: str) -> tuple[str, str]:
    """What is written above and below a picture."""
    have = dict(_features(parsed, text))
    told = [joke for joke in jokes() if all(feature in have for feature in joke.features)]
    fitting = [joke for joke in told if "{other}" not in joke.top + joke.bottom or _other(joke, have)]
    best = sorted({joke.weight for joke in fitting}, reverse=True)
    chosen = [joke for joke in fitting if joke.weight == best[0]]
    if len(chosen) < 2:
        chosen += [joke for joke in fitting if joke.weight in best[1:2]]
    joke = chosen[_number(text) % len(chosen)]
    who, other = _named(joke, have)
    return tuple(_filled(line, who, other) for line in (joke.top, joke.bottom))  # type: ignore[return-value]


def panels(count: int, text: str) -> tuple[str, ...]:
    """What is written in so many panels."""
    row = PANELS[_number(text) % len(PANELS)]
    return tuple(row[min(i, len(row) - 1)] for i in range(count))


def labels(nouns: list[str], text: str) -> tuple[tuple[str, str], ...]:
    """What is written on each of them."""
    row = LABELS[_number(text) % len(LABELS)]
    return tuple(zip(nouns, row, strict=False))


Pair = tuple[str, str]


def _features(parsed: Parsed, text: str) -> Iterator[tuple[str, Pair]]:
    """What a picture has, and for each who has it and who else is there ("" for nobody)."""
    nouns = [thing.noun for thing in parsed.things]
    pair = (nouns[0] if nouns else "", nouns[1] if len(nouns) > 1 else "")
    yield "any", pair
    for word in re.findall(r"[\w']+", text.lower()):
        for feature in cues().get(word, cues().get(words.singular(word)[0], ())):
            yield feature, pair
    if nouns and (kind := KINDS.get(words.kind(nouns[0]))):
        yield kind, pair
    if len(nouns) == 2:
        yield "two", pair
    if any(thing.count > 2 for thing in parsed.things[:1]):
        yield "many", pair
    for relation in parsed.relations:
        if relation.kind in RELATIONS:
            chases = relation.said.startswith(CHASES) or any(word in text.lower() for word in CHASES)
            yield "chasing" if chases and relation.kind == "beside" else relation.kind, (nouns[relation.a], nouns[relation.b])


def _named(joke: Joke, have: Mapping[str, Pair]) -> Pair:
    """Whom a joke is about: those in the relation it is about, else those named first."""
    related = next((feature for feature in joke.features if feature in RELATIONS), joke.features[0])
    return have[related]


def _other(joke: Joke, have: Mapping[str, Pair]) -> bool:
    who, other = _named(joke, have)
    return bool(other) and other != who


def _filled(line: str, who: str, other: str) -> str:
    who = who or "human"
    filled = line.replace("{who}", who).replace("{other}", other)
    return re.sub(r"\b([aA]) (?=[aeiou])", lambda match: f"{match[1]}n ", filled) if filled != line else filled


def _number(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))
