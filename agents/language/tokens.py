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

Kind = Literal["word", "stop", "comma", "relation", "place", "text", "not", "order", "background"]

RELATIONS = {
    "left": ["to the left of", "on the left of", "at the left of", "left of", "on the left side of", "to the left side of", "left side of", "left from"],
    "right": ["to the right of", "on the right of", "at the right of", "right of", "on the right side of", "to the right side of", "right side of", "right from"],
    "above": ["above", "higher than", "up above", "over the top of"],
    "over": ["over"],
    "below": ["below", "beneath", "underneath", "at the bottom of", "on the bottom of", "lower than", "down below", "to the bottom of"],
    "under": ["under"],
    "on": ["on the middle of", "across the top of", "on the back of", "on top of", "on the top of", "at the top of", "atop of", "atop", "upon", "onto", "on"],
    "inside": ["inside of", "inside", "in the middle of", "in the center of", "in the centre of", "in the corner of", "within", "into", "in", "in the inside of", "in the back of"],
    "front": ["in front of", "in the front of", "at the front of"],
    "behind": ["behind", "in back of", "at the back of", "hidden by"],
    "between": ["in between", "between", "in the middle between"],
    "beside": ["next to", "beside", "besides", "near to", "near", "nearby", "close to", "close by", "alongside", "adjacent to", "by the side of", "on the side of"]
    + ["on side of", "at the side of", "across from", "opposite to", "opposite", "side by side with", "in the vicinity of", "by", "around", "surrounded by", "among"]
    + ["amongst", "amid", "beyond", "past"],
    "at": ["out of", "at", "against", "through", "across", "along", "off", "outside of", "outside", "down", "up", "toward", "towards", "throughout"],
    "with": ["together with", "along with", "accompanied by", "with", "featuring", "including", "containing", "alongside with", "plus"],
}
NOT = ["without any", "without", "with no", "instead of", "but not", "do not", "does not", "don't", "doesn't", "isn't", "aren't", "except for", "except", "excluding"]
NOT += ["minus", "free of", "not", "no", "never", "rather than", "sans", "lacking"]
EDGE = r"(?:far |very |extreme |exact |dead )?(?:top|upper|bottom|lower|left|right|cent(?:er|re)|middle|central)(?:[- ]?(?:hand|most)\b)?"
CANVAS = r"(?:image|picture|canvas|frame|page|photo|photograph|scene|composition|screen|poster|card|design|sticker|illustration|drawing|view|shot)"
AREA = r"(?: (?:corner|side|half|part|edge|third|section|area|quarter|quadrant))*"
SPOT = rf"(?:the |its )?{EDGE}(?:(?:[- ]|, )(?:{EDGE}))*{AREA}"
CORNER = r"(?:in|at) (?:the |a |one |another )?(?:opposite )?corner"
PREP = r"(?:in|on|at|to|towards?|near|from|along|occupying)"
FOLLOW = r"(?=\W*$|\s*[,.;:!?()]|\s+(?:and|or|but|while|a|an|the|is|are|there|with|in|on|at|next|stands?|sits?|lies|we|i|one|two|three|four|five|\d+|has|without|wearing)\b)"
PATTERNS = {
    "text": r"\"[^\"]*\"|“[^”]*”|«[^»]*»|„[^“”]*[“”]|(?<!\w)'[^']{1,80}'(?!\w)|(?<!\w)‘[^’]{1,80}’(?!\w)",
    "order": r"\bfrom (?:the )?(?:left to (?:the )?right|right to (?:the )?left|top to bottom|bottom to top)\b|\b(?:side by side|in a row|in a line)\b",
    "background": r"\bin (?:the |its )?(?:far )?(?:background|distance|backdrop)\b|\bbehind (?:it|them)\b",
    "place": rf"\b(?:{PREP} {SPOT}|{CORNER}) of (?:the |an? |this )?{CANVAS}\b|\b{PREP} (?:the )?foreground\b|\bcent(?:er|re)d\b",
    "relation": "",  # filled in by `_scanner`
    "place2": rf"\b{PREP} {SPOT}{FOLLOW}|\b{CORNER}\b(?! of)|\bthe {EDGE}(?:[- ]{EDGE})* (?:side|half|part|third|one)(?=\s+(?:is|has|shows|contains|features)\b)"
    + rf"|(?<![\w-]){EDGE}(?:[- ]{EDGE})*{AREA}(?=\s*:)|(?<=, )(?:top|bottom|upper|lower)[- ](?:left|right)(?: corner)?(?=\W*$|\s*,)",
    "not": "",
    "word": r"\d+(?:\.\d+)?[^\W\d_]*|[^\W\d_]+(?:['’\-&][^\W_]+)*['’]?",
    "comma": r",|、|，|/|&|\+|\|",
    "stop": r"[.;:!?()\[\]…—–\n。；：]",
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str  # lower case, as written
    value: str = ""  # what a relation, place or order means
    cased: str = ""  # as written


@cache
def _meaning() -> dict[str, str]:
    return {phrase: kind for kind, phrases in RELATIONS.items() for phrase in phrases}


@cache
def _scanner() -> re.Pattern[str]:
    def either(phrases: list[str]) -> str:
        return r"\b(?:" + "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True)) + r")\b(?!-)"

    filled = PATTERNS | {"relation": either(list(_meaning())), "not": either(NOT)}
    # "not" before "relation", so that "without" and "with no" win over "with"
    order = ["text", "order", "background", "place", "not", "place2", "relation", "word", "comma", "stop"]
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
            said.append(known[rest[:longest]].removesuffix(" face") + ",")
        elif not _pictorial(rest[0]):
            said.append(rest[0])
        rest = rest[max(1, longest) :]
    return " " + " ".join(said) + " "
