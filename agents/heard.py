"""A clause of a sentence on its way to calls, and what its readers share: whom it names, what its numbers and quotes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cutwork.agents.calls import GROUND, PRONOUNS, Standing, bare, meant
from cutwork.agents.language.words import is_modifier
from cutwork.domain import Call, Subject, ToolName

COUNTS = {"once": 1, "twice": 2, "thrice": 3, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "a couple of": 2, "a few": 3, "a": 1}
NUMBER = r"(?:\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten)"
ALL = frozenset(["everything", "both", "all", "all of them", "both of them", "them", "they", "everyone", "everybody", "the subjects", "all subjects", "the two", "them all", "them both"])
THE_GROUND = rf"(?:the |its |their )?(?:{'|'.join(sorted(GROUND))}|back)"


@dataclass(frozen=True)
class Clause:
    """A part of a sentence.

    Args:
        text: as it was written, quotes as marks.
        low: the same in small letters.
        strict: every subject named must be in the picture.
    """

    text: str
    low: str
    there: Standing
    quotes: Sequence[str]
    strict: bool

    def match(self, pattern: str) -> re.Match[str] | None:
        """The whole clause against a pattern."""
        return re.fullmatch(pattern, self.low)

    def who(self, words: str, single: bool = False) -> list[str]:
        """Whom words name, as ids; where the reading is not strict, words that name nobody as they are. Empty if they cannot be a name."""
        said = " ".join(words.strip(" ,").split())
        if not said:
            return []
        if said in ALL and not (said in PRONOUNS and self.there.last and said != "them"):
            return [s.id for s in self.there.subjects]
        parts = [p for p in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*", said) if p]
        if single and len(parts) > 1:
            return []
        found: list[str] = []
        for part in parts:
            one = self._one(part)
            if one is None:
                return []
            found.append(one)
        return found

    def _one(self, part: str) -> str | None:
        if bare(part) in PRONOUNS and self.there.last == "it":
            return "it"
        named = named_by(part, self.there)
        if len(named) == 1:
            return named[0].id
        if named:
            return part if not self.strict or not fresh(part) else None
        return part if not self.strict and len(part.split()) <= 5 and not re.match(r"(?:an?|i|we|you|let|make|can|could|please|put|move|add|what|why|how|if|is|are|do|does|it's|that's|turn|change|give|take|go|get)(?: |$)", part) and re.fullmatch(r"[\w' -]+", part) and bare(part) not in NEVER else None

    def unquoted(self, text: str) -> str:
        """With what stood in quotes, without the quotes."""
        return re.sub(r"\x01(\d+)\x01", lambda m: self.quotes[int(m[1])], text)

    def original(self, low: str) -> str:
        """A piece of the small letters as it was written."""
        at = self.low.find(low)
        return self.unquoted(self.text[at : at + len(low)] if at >= 0 else low)


NEVER = frozenset(["caption", "captions", "text", "background", "size", "seed", "style", "colour", "color", "picture", "image", "design", "lettering", "border", "outline", "repeat"])
Reader = Callable[[Clause], list[Call] | None]


def fresh(part: str) -> bool:
    """Whether words bring in something new: "a cat" rather than "the cat"."""
    return bool(re.match(r"(?:an?|another|some|one|two|three|more)\b", part))


def named_by(part: str, there: Standing) -> list[Subject]:
    """Whom words name, where they are a name and no more than that: "the grumpy cat", but not "the cat bigger"."""
    said = bare(part)
    found = meant(part, there.subjects, there.last)
    if not found or said in PRONOUNS:
        return found
    *led, last = said.split()
    if any(not (is_modifier(w) or w in own or w in ("of", "one", "other", "first", "second", "same", "little")) for w in led for own in [_words(found)]):
        return []  # more than a name: "put another balloon"
    ends = {w for s in found for w in (s.noun.lower().split()[-1], s.id.split("-")[-1], s.id)}
    ends |= {w + "s" for w in ends} | {w + "es" for w in ends} | {"one", "ones"}
    look = any(last == a.lower().split()[-1] for s in found for a in s.attributes)
    alike = not any(last in ends or look for _ in found) and len(said.split()) == 1
    return found if last in ends or look or alike else []


def _words(found: Sequence[Subject]) -> frozenset[str]:
    """Every word that subjects are described with."""
    return frozenset(w for s in found for text in (s.phrase, s.noun, *s.attributes) for w in text.lower().split())


def call(tool: ToolName, **args: object) -> Call:
    """A call with what is given."""
    return Call(tool=tool, args={key: value for key, value in args.items() if value is not None})


def number(words: str) -> int:
    """ "3", "three", "twice"."""
    return int(words) if words.isdecimal() else COUNTS.get(words, 1)
