"""Cuts a brief into tokens, with the phrases that say where things stand each as one token.

Quoted texts are lettering and leave as such; emoji become the words for what they show.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cutwork.agents.language import words

Kind = Literal["word", "stop", "comma", "relation", "place", "text", "not", "order", "background", "setting", "mutual"]

# The parts of the canvas: "in the top left corner", "at the bottom", "the right side is"; longer ones first.
EDGE = r"(?:far |very |extreme |exact |dead )?(?:top|upper|bottom|lower|left|right|cent(?:er|re)|middle|central)(?:[- ]?(?:hand|most)\b)?"
CANVAS = r"(?:image|picture|canvas|frame|page|photo|photograph|scene|composition|screen|poster|card|design|sticker|illustration|drawing|view|shot)"
AREA = r"(?: (?:corner|side|half|part|edge|third|section|area|quarter|quadrant))*"
SPOT = rf"(?:the |its |his |her |their )?{EDGE}(?:(?:[- ]|, )(?:{EDGE}))*{AREA}"
LIMBS = r"foot|leg|arm|shoulder|eye|ear|paw|wing|knee|cheek|shoe|wrist|hip"
CORNER = r"(?:in|at) (?:the |a |one |another )?(?:opposite )?corner"
PREP = r"(?:in|on|at|to|towards?|near|from|along|occupying)"
# What may come next; "on the left shoe" names no place.
FOLLOWERS = r"and|or|but|while|a|an|the|is|are|there|with|in|on|at|next|stands?|sits?|lies|we|i|one|two|three|four|five|\d+|has|without|wearing"
FOLLOW = rf"(?=\W*$|\s*[,.;:!?()]|\s+(?:{FOLLOWERS})\b)"
ON_CANVAS = (rf"\b(?:{PREP} {SPOT}|{CORNER}) of (?:the |an? |this )?{CANVAS}\b", rf"\b{PREP} (?:the )?foreground\b", r"\bcent(?:er|re)d\b")
ON_ITS_OWN = (
    rf"\b{PREP} {SPOT}{FOLLOW}",
    rf"\bon (?:left|right)\b(?=\s+\w)(?!\s+(?:of|hand|side|{LIMBS})\b)",
    rf"\b{CORNER}\b(?! of)",
    rf"\bthe {EDGE}(?:[- ]{EDGE})* (?:side|half|part|third|one)(?=\s+(?:is|has|shows|contains|features)\b)",
    rf"(?<![\w-]){EDGE}(?:[- ]{EDGE})*{AREA}(?=\s*:)",
    rf"(?:^|(?<=[,.;] )){EDGE}(?:[- ]{EDGE})*{AREA}(?= (?:an?|the|one|two|three|four|five|\d+) )",
    r"(?<=, )(?:top|bottom|upper|lower)[- ](?:left|right)(?: corner)?(?=\W*$|\s*,)",
)
QUOTES = (r"\"[^\"]*\"", r"“[^”]*”", r"«[^»]*»", r"„[^“”]*[“”]", r"(?<!\w)'[^']{1,80}'(?!\w)", r"(?<!\w)‘[^’]{1,80}’(?!\w)")
PATTERNS = {
    "text": "|".join(QUOTES),
    "order": r"\bfrom (?:the )?(?:left to (?:the )?right|right to (?:the )?left|top to bottom|bottom to top)\b|\b(?:side by side|in a row|in a line)\b",
    "background": r"\bin (?:the |its )?(?:far )?(?:background|distance|backdrop)\b|\bbehind (?:it|them)\b",
    "setting": r"\b(?:underwater|outdoors|indoors)\b(?=\W*$|\s*[,.;]|\s+(?:and|with|next|in|on|at)\b)",
    "place": "|".join(ON_CANVAS),
    "place2": "|".join(ON_ITS_OWN),
    "mutual": r"\b(?:each other|one another)\b",
    "word": r"(?<![\w-])-\d+\b|\d{1,3}(?:,\d{3})+\b|\d+(?:\.\d+)?[^\W\d_]*|[^\W\d_]+(?:(?:['’]-|['’\-&])[^\W_]+)*['’]?",
    "comma": r",|、|，|/|&|\+|\|",
    "stop": r"[.;:!?()\[\]…—–\n。；：]",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a phrase that says where things stand, or a mark."""

    kind: Kind
    text: str  # lower case, as written
    value: str = ""  # what a relation, place or order means
    cased: str = ""  # as written


@cache
def _meaning() -> dict[str, str]:
    lists = {name.removeprefix("relation "): phrases for name, phrases in words.own().items() if name.startswith("relation ")}
    return {phrase: kind for kind, phrases in lists.items() for phrase in phrases}


@cache
def _scanner() -> re.Pattern[str]:
    def either(phrases: list[str]) -> str:
        return r"\b(?:" + "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True)) + r")\b(?!-)"

    filled = PATTERNS | {"relation": either(list(_meaning())), "not": either(list(words.own()["not"]))}
    # "not" before "relation", so that "without" and "with no" win over "with"
    order = ["text", "order", "background", "setting", "place", "not", "place2", "relation", "mutual", "word", "comma", "stop"]
    return re.compile("|".join(f"(?P<{name}>{filled[name]})" for name in order), re.IGNORECASE)


def tokens(text: str) -> list[Token]:
    """The brief's tokens in order. Characters that mean nothing here are dropped."""
    found = (_token(match) for match in _scanner().finditer(spell_emoji(text)))
    return [t for t in found if t is not None]


def _token(match: re.Match[str]) -> Token:
    kind, cased = str(match.lastgroup), match[0]
    text = cased.lower().replace("’", "'")
    if kind in ("place", "place2"):
        return Token("place", text, place(text), cased)
    if kind == "relation":
        return Token("relation", text, _meaning()[text], cased)
    if kind == "order":
        return Token("order", text, "y" if "bottom" in text else "x", cased)
    if cased[:1].isdecimal():
        text = text.replace(",", "")  # "1,000"
    return Token(kind, text, "", cased)  # type: ignore[arg-type]


def place(text: str) -> str:
    """ "top left", "left", "bottom", "centre", "front": where on the canvas a phrase points."""
    if "foreground" in text:
        return "front"
    rows = [r for r, names in {"top": ("top", "upper"), "bottom": ("bottom", "lower")}.items() if any(n in text for n in names)]
    columns = [c for c in ("left", "right") if c in text]
    if "corner" in text:
        rows, columns = rows or ["bottom"], columns or ["right"]
    return " ".join(rows[:1] + columns[:1]) or "centre"


def spell_emoji(text: str) -> str:
    """The text with each emoji as its words, set off by commas so that two of them never run together."""
    if text.isascii():
        return text
    known, out = words.emoji(), []
    for sequence in re.split(r"((?:[^\w\s.,;:!?'\"-]|[\u200d\ufe0f\U0001f3fb-\U0001f3ff])+)", text):
        out.append(sequence if not _pictorial(sequence) else _spell(sequence, known))
    return "".join(out)


def _pictorial(sequence: str) -> bool:
    return any(unicodedata.category(c) in ("So", "Sk") for c in sequence)


def _spell(sequence: str, known: dict[str, str]) -> str:
    rest, said = sequence.replace("\ufe0f", ""), []
    while rest:
        longest = next((n for n in range(min(8, len(rest)), 0, -1) if rest[:n] in known), 0)
        if longest:
            name = known[rest[:longest]].removesuffix(" face")
            thing = words.is_modifier(name) and words.is_noun(name) and not words.is_colour(name)  # a robot that is no look
            said.append(f"{words.article(name)} {name}," if thing else f"{name},")
        elif not _pictorial(rest[0]):
            said.append(rest[0])
        rest = rest[max(1, longest) :]
    return " " + " ".join(said) + " "
