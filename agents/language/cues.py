"""What of a brief's text is not said of the picture: "meme:" in front of it, and the words that announce lettering."""

from __future__ import annotations

import re
from collections.abc import Callable

# "meme: …": the kind of design, not part of the picture.
KINDS = r"meme|sticker|cut-?out|textile|logo|poster|icon|pattern|brief|prompt|subject|design|print|emoji|t-shirt"
PREFIX = re.compile(rf"^\s*(?:{KINDS})\s*(?:design|idea|print|brief)?\s*[:\-–—]\s+", re.I)
# What announces lettering, before its quotation mark: ', top "MONDAY"', 'with the caption "…"'.
CUES = set(
    "top bottom upper lower caption captioned text word words lettering title titled slogan label labeled labelled say says saying read reads reading".split()
)
CUES |= set("quote phrase message written line".split())
CUE_FILLERS = set("with and that which the a is on at".split())
# 'a cat says "feed me" to a dog': words that are spoken to somebody who is in the picture too.
SPEAKS = re.compile(r"(?:[\s,]+(?:is|and|that|who|which))*[\s,]+(?:says?|saying|yells?|yelling|shouts?|shouting|whispers?|whispering)\s*[,:]?\s*$", re.I)
TO_SOMEBODY = re.compile(r"\s+(?:to|at)\s+(?!the (?:top|bottom|left|right|side|centre|center|middle)\b)")
QUOTED = re.compile(r"[\"“«„][^\"”»“]*[\"”»“]")
UNQUOTED = re.compile(r"\b(that (?:says|reads)|which (?:says|reads)|saying|captioned)\s+([^\s,.;:\"'“‘«]+(?:\s+[A-Z][^\s,.;]*)*)")
# What is written for machines: statements, tags and addresses are no words of a picture.
CODE = re.compile(
    r"(?:['\"]\s*;\s*)?\b(?:DROP|ALTER|TRUNCATE|CREATE)\s+(?:TABLE|DATABASE|VIEW)\b[^;\n]*;?|\bDELETE\s+FROM\b[^;\n]*;?|\bINSERT\s+INTO\b[^;\n]*;?"
    r"|\bSELECT\b[^;\n]*\bFROM\b[^;\n]*;?|<(script|style)\b[^>]*>.*?</\1\s*>|</\s*\w+\s*>|<\w+\s+[\w-]+\s*=[^<>]*>|\{\{[^{}]*\}\}|\$\{[^{}]*\}|--+\s*$"
    r"|\b[a-z]+://\S+|\bwww\.\S+|(?<!\w)(?:\.{1,2}/)+\S*|(?<!\w)@\w+"
)


# A brief that is one quotation is the brief, not lettering: `"a cat and a dog",`.
WHOLE = re.compile(r"^\s*[\"“«„]([^\"”»“«„]*\s[^\"”»“«„]*)[\"”»“]\s*[,.;]?\s*$")
# "bat (the animal)": says which meaning of a word is meant.
GLOSS = re.compile(r"\s*\((?:the |an? )?(?:animal|bird|insect|fish|fruit|vegetable|plant|flower|tool|vehicle|toy|food|instrument|object|person)s?\)", re.I)
ON_CANVAS = re.compile(r"\b(?:oil|acrylic|tempera|gouache)s? on (?:canvas|wood|board|panel|linen)\b", re.I)


def outside_quotes(text: str, change: Callable[[str], str]) -> str:
    """The text with what is not in quotation marks changed; what is quoted is lettering."""
    out, at = [], 0
    for match in QUOTED.finditer(text):
        out += [change(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*out, change(text[at:])])


def without_code(text: str) -> str:
    """The text without statements, tags, templates and addresses; a stop stands where they were."""
    return outside_quotes(text, lambda part: CODE.sub(". ", part))


def without_cues(text: str) -> str:
    """The text with its lettering in quotation marks and nothing that only announces it, nor the kind of design."""
    plain = ON_CANVAS.sub("oil painting", GLOSS.sub("", WHOLE.sub(r"\1", text)))
    return _without_announcements(PREFIX.sub("", UNQUOTED.sub(r'\1 "\2"', plain)))


def _without_announcements(text: str) -> str:
    """The text without the words that only announce a quotation."""
    out, at = [], 0
    for match in QUOTED.finditer(text):
        before = text[at : match.start()]
        spoken = SPEAKS.search(before) if TO_SOMEBODY.match(text, match.end()) else None
        out += [f"{before[: spoken.start()]} talking " if spoken else _uncued(before), match[0]]
        at = match.end()
    return "".join([*out, text[at:]])


def _uncued(before: str) -> str:
    said = before.split()
    kept = len(said)
    while kept and said[kept - 1].strip(",:").lower() in CUES | CUE_FILLERS:
        kept -= 1
    cued = any(word.strip(",:").lower() in CUES for word in said[kept:])
    return " ".join(said[:kept]) + ", " if cued else before
