"""A clause of a sentence on its way to calls, and what its readers share: whom it names, what its numbers and quotes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cutwork.agents.calls import GROUND, PRONOUNS, Standing, bare, meant
from cutwork.agents.language.words import is_colour, is_modifier, is_noun
from cutwork.domain import Call, Subject, ToolName

COUNTS = {"once": 1, "twice": 2, "thrice": 3, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "a couple of": 2, "a few": 3, "a": 1}
NUMBER = r"(?:\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten)"
ALL = frozenset(["everything", "both", "all", "all of them", "both of them", "them", "they", "everyone", "everybody", "the subjects", "all subjects", "the two", "them all", "them both"])
LARGER = r"(?:bigger|larger|taller|wider|huger|greater|more (?:prominent|dominant)|broader|longer|grander)"
SMALLER = r"(?:smaller|tinier|littler|shorter|thinner|narrower|less (?:big|large|prominent|dominant)|slimmer)"
SIZES = {"huge": 1.8, "enormous": 1.8, "gigantic": 1.8, "giant": 1.8, "massive": 1.8, "big": 1.4, "large": 1.4, "tiny": 0.5, "teeny": 0.5, "miniature": 0.5, "small": 0.7, "little": 0.7, "mini": 0.6}
PLACE = (
    r"(?:(?:all the way |far |further |more |slightly |a (?:little |tiny )?(?:bit |touch |tad )|a little |right |just |much |over |back |way |directly |straight )*"
    r"(?:(?:to|at|in|on|into|onto|toward|towards|near)\s+)?(?:(?:the|its|their) )?(?:(?:very|far|upper|lower|top|bottom|extreme|more|further|left|right|middle|centre|center)[ -]?)*"
    r"(?:top|bottom|left|right|up|down|upwards?|downwards?|higher|lower|leftwards?|rightwards?|centre|center|middle|corner|side|edge|foreground|front|background|back|forwards?|backwards?|rear|half|third|upper|north|south)"
    r"(?:[ -](?:left|right|side|corner|edge|half|third|hand side|top|bottom|centre|center|middle|part|of everything|of (?:the )?(?:picture|image|canvas|frame)))*"
    r"(?: (?:a (?:little |tiny )?(?:bit|touch|tad)|a little|slightly|a lot|more|further))?)"
)
PLACES = rf"{PLACE}(?:,? and {PLACE})?"
RELATION = (
    r"(?:(?:to|on|at|in)?\s*(?:the )?(?:left|right)(?: side)? of|(?:in )?between|above|over|on top of|atop|below|under|underneath|beneath|in front of|behind|in back of|next to|beside|near|by|alongside|close to|closer to|nearer to|nearer|away from|"
    r"farther from|further from|towards?|inside|into|onto|on)"
)
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


def only_looks(words: str) -> bool:
    """Whether words only describe: "blue", "bright red", "fluffy and grumpy"."""
    parts = [w for w in re.split(r"[\s,]+", bare(words)) if w not in ("and", "very", "more", "really", "all", "bright", "light", "dark", "pale", "deep", "a", "bit", "much", "so", "less", "in", "to", "be", "look", "colour", "color", "looking")]
    sizes = any(re.fullmatch(rf"{LARGER}|{SMALLER}|{'|'.join(SIZES)}", w) for w in parts)
    return bool(parts) and not sizes and all(is_colour(w) or (is_modifier(w) and not is_noun_first(w)) or re.fullmatch(r"\w+(?:ier|ish)", w) for w in parts)


def is_noun_first(word: str) -> bool:
    """Whether a word is a thing before it is anything else."""
    return is_noun(word) and not is_modifier(word)


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
