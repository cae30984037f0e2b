"""What is to be written on a meme, read out of a brief: captions in quotation marks or announced without them, labels, and how all of it is laid out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from cutwork.agents.language import quotes
from cutwork.agents.language.labels import labels
from cutwork.agents.language.quotes import CARRIER, NOUN, PLACE, SAYS, Copy
from cutwork.agents.language.remaining import BLANK, Remaining, blanked

Layout = Literal["top-bottom", "bar", "labels", "panels"]
# Captions without marks, which run on to the next one, to a semicolon or to the end: "caption: …", "top: …, bottom: …".
NEXT = rf"(?=\s*[,;/|.]?\s*\b(?:and\s+)?(?:the\s+)?(?:{PLACE}\s*(?:{NOUN})?|{NOUN})\s*[:=]|\s*[;|\"“]|\s+/\s+|$)"
ANNOUNCED = re.compile(
    rf"(?:\b(?:and|with)\s+)?(?:\b(?:a|the)\s+)?\b(?:(?P<place>{PLACE})\s*(?:{NOUN})?|{NOUN}(?:\s+(?:at|on)(?:\s+the)?\s+(?P<place2>{PLACE}))?)"
    rf"\s*(?:[:=]|\b(?:is|says|reads)\b:?)\s*(?P<text>[^\s\"“;|][^\"“;|]*?){NEXT}",
    re.I,
)
SHOUTED = re.compile(rf"\b(?i:(?P<place>{PLACE})(?:\s+{NOUN})?)\s+(?P<text>[A-Z0-9][A-Z0-9'’!?.&%$ -]*[A-Z0-9!?.])(?![\w])(?P<place2>)")
SAID = re.compile(
    rf"\b{SAYS}\s*:?\s+(?P<text>[^\s,.;:\"“]+(?:\s+[^,.;:\"“]+?)??[!?]*)(?=\s*(?:[,.;:]|$|\b(?:in|on|at|to|with|while|and a|and the"
    r"|next)\b))",
    re.I,
)
# When the picture is sent, in front of it: "when the wifi dies: a caveman", "me after one coffee: a squirrel", "POV: you woke the cat. A cat …".
SITUATION = re.compile(
    r"^\s*((?:(?:me|us|you|him|her|nobody|everyone|everybody|my \w+|that (?:moment|feeling|face)|how it feels)\b,? ?)*"
    r"(?:when|whenever|after|before|if|trying to|waiting for)\b[^:]{2,160}|(?:tfw|mfw|me)\b[^:]{2,160}?)\s*[:–—]\s+(?=\S)"
    r"|^\s*(pov\s*:\s*[^:,.;]{3,160})\s*[:–—,.;]\s+(?=\S)",
    re.I,
)
REACTION = re.compile(r"(?<=\w)\s*,?\s+(when (?:i|you|he|she|they|we|my|your|the|someone|somebody|it)\b.{3,120})$", re.I)  # "my cat when I open a can"
NO_LETTERING = r"\b(?:without|no)\s+(?:any\s+)?(?:texts?|captions?|lettering|words|writing)\b"
LAYOUTS: tuple[tuple[Layout, str], ...] = (
    (
        "bar",
        r"(?:\bwith\s+)?(?:\ban?\s+|\bthe\s+)?\b(?:caption|text|white|black)[- ]bar\b(?: (?:on top|above|at the top))?"
        r"|\b(?:text|caption) (?:above|outside|over) the (?:picture|image|photo)\b"
        rf"|(?:\bcaptions? )?\b(?:on|in|as|with) (?:an?|the) bar(?=\s*:?\s*{BLANK})|(?:^|(?<=[,;] ))bar(?=\s*(?:[,;.]|$|{BLANK}))",
    ),
    ("panels", r"(?:\b(?:with|in|as)\s+)?(?:\ban?\s+)?\b(?:\d|two|three|four|five|six|multi)[- ]panels?\b(?: (?:meme|comic|layout))?|\bcomic strip\b"),
    ("labels", r"(?:\bwith\s+)?\b(?:funny\s+)?labels(?=\s*(?:[,;.]|$))|\blabel (?:everyone|everybody|them|all of them|both)\b"),
)  # fmt: skip
COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
DET = r"(?:an?|the|two|three|four|five|six|some|my|\d+)"


@dataclass
class Lettering:
    """What is to be written, and how."""

    captions: list[str] = field(default_factory=list)  # "" first where nothing stands on top
    labels: list[tuple[str, str]] = field(default_factory=list)  # of whom, and what is written there
    layout: Layout | None = None  # None = nothing is said of it
    panels: int = 0
    none: bool = False  # none is wanted


def announced(text: str) -> bool:
    """Whether a text has a caption in so many words. Only a meme has captions."""
    unquoted = r"\bcaption\s*[:=]\s*\S|\b(?:top|bottom)\s+text\s*[:=]?\s*\S|^\s*(?:pov|tfw|mfw)\b\s*:?"
    return quotes.announced(text) or bool(re.search(unquoted, blanked(text), re.I))


def read(rest: Remaining) -> Lettering:
    """The lettering of a meme, which is taken out of the text."""
    found = Lettering(none=rest.takes(NO_LETTERING))
    for layout, words in LAYOUTS:
        for match in rest.take(words):
            found.layout = layout
            number = re.search(r"\d|two|three|four|five|six", match[0], re.I)
            found.panels = (COUNTS.get(number[0].lower()) or int(number[0])) if layout == "panels" and number else 0
    if found.layout == "panels":
        rest.take(r"\bpanel\s*(?:\d|one|two|three|four)\s*[:–-]?", " ")
    found.labels = labels(rest)
    copy = Copy()
    quotes.take(rest, copy)
    _unquoted(rest, copy)
    found.captions = copy.captions(found.layout in ("bar", "panels"))
    if found.labels:
        found.layout = "labels"
    return found


def _unquoted(rest: Remaining, copy: Copy) -> None:
    """Captions without marks."""
    rest.text = re.sub(r"[\[(](top|bottom)(?:\s+(?:text|caption))?[\])]\s*:?", r"\1:", rest.text, flags=re.I)
    for pattern in (ANNOUNCED, SHOUTED):
        rest.text = pattern.sub(lambda match: _announced(match, copy), rest.text)
    for pattern, use in ((SITUATION, _headed), (SAID, _said), (REACTION, _headed)):
        if not copy.placed:
            rest.text = pattern.sub(lambda match, use=use: use(match, copy), rest.text, count=1)  # type: ignore[misc]
    if copy.placed and not rest.tidied:
        _parted(rest, copy)


def _announced(match: re.Match[str], copy: Copy) -> str:
    """A caption in capitals ends where the capitals end."""
    text, left = match["text"].strip(" ,"), ""
    head, comma, tail = text.partition(",")
    if comma and head.isupper() and not tail.strip().isupper():
        text, left = head, tail
    copy.add(text.strip("'‘’ "), match["place"] or match["place2"])
    return f", {left}, "


def _headed(match: re.Match[str], copy: Copy) -> str:
    copy.add(next(filter(None, match.groups())), None)
    return ""


def _said(match: re.Match[str], copy: Copy) -> str:
    """ "a goose saying honk"; what a sign says stays."""
    if CARRIER.search(match.string[: match.start("text")]):
        return match[0]
    copy.add(match["text"], None)
    return " "


def _parted(rest: Remaining, copy: Copy) -> None:
    """The last caption ran on to the end and took the picture with it: "top: MONDAY, bottom: again, a sad cat"."""
    text, where = copy.placed[-1]
    found = re.search(rf"[,.]\s+(?={DET}\s)(?!.*[,.]\s+{DET}\s)", text, re.I)
    if found:
        copy.placed[-1] = (text[: found.start()], where)
        rest.text = text[found.end() :]
