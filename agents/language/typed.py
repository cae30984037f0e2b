"""How briefs are typed in a hurry, spelled out: "teh", "at nite", "w/ a hat", "3 x gnome". What is quoted is lettering and stays.

A look-up of slips and short forms that are no words of their own, not a spelling checker: a guess at an unknown word may be wrong, and
the drawing model often understands it.
"""

from __future__ import annotations

import re
from functools import cache

from cutwork.agents.language import words
from cutwork.agents.language.forms import as_sentences
from cutwork.agents.language.terse import NUMBER, in_full

WITH = re.compile(r"(?<!\w)w/(o?)(?=\s|\w) ?", re.I)
TIMES = re.compile(r"\b(\d+) ?[x×] (?=[^\W\d_])", re.I)
# "a few feet in front of": how far is no thing.
MEASURED = re.compile(
    r"\b(?:a few|several|some|two|three|four|five|ten|\d+|a couple of|an?|half an?) (?:feet|foot|meters?|metres?|steps?|inch(?:es)?|paces?|yards?|miles?|blocks?|centimeters?|cm|m|ft) (?:away )?"
    r"(?=(?:in front of|behind|above|below|beneath|left of|right of|to the (?:left|right) of|away from|from|beside|over|under)\b)",
    re.I,
)
ARRANGED = re.compile(rf"\b(?:an?|the) (?:circle|ring|column|semicircle|arc|triangle|square|grid|diagonal) of (?=(?:{NUMBER}) )", re.I)
LOOK_FIRST = re.compile(r"^\s*((?:an? |the )?)(pixel|line|clip|vector|ascii)[- ]art (?!of\b|style\b|with\b|showing\b|featuring\b)(?=[^\W\d_])(.*)$", re.I | re.S)  # "pixel art mushroom"
FACING = re.compile(r"\b([^\W\d_][\w'-]*) (?:facing|pointing|heading|turned) (?:to(?:wards?)? )?(?:the )?(left|right|up|down)(?:wards?)?\b(?! (?:side )?of\b)", re.I)  # how it stands, not where
AT_US = re.compile(r" facing (?:towards? )?(?:the )?(?:camera|viewer|front|us)\b", re.I)
HELD_AGAINST = re.compile(r"\b(?:twice|three times|four times|half|much|\d+ times) as (big|large|tall|long|wide) as\b", re.I)  # "twice as big as"
IN_FRONT = re.compile(r"\bin front(?=,? there (?:is|are)\b)", re.I)
# At the start of a sentence: "Higher up, two kites", "Far below, a wreck".
FURTHER = re.compile(
    r"(?<=[.;] )(?:Far |High |Just |Way |Deep )?(Below|Beneath|Above|Overhead|Higher up|Lower down|Further (?:up|down)|Down)\b,? (?=(?:an?|the|two|three|four|five|six|\d+)\b)",
    re.I,
)
SHAPED = re.compile(r"\b([^\W\d_]+) (shaped|themed)\b(?! (?:like|as|into|from|by)\b)(?= \w)", re.I)


def _beyond(match: re.Match[str]) -> str:
    return f"{'Below' if match[1].lower() in ('below', 'beneath', 'lower down', 'further down', 'down') else 'Above'} it, "


def spelled_out(text: str) -> str:
    """The text with its short forms as words."""
    text = AT_US.sub("", FACING.sub(r"\2-facing \1", text))
    text = LOOK_FIRST.sub(lambda match: f"{match[1]}{match[3]}, in {match[2].lower()} art style", ARRANGED.sub("", text))
    text = HELD_AGAINST.sub(lambda match: "smaller than" if match[0].lower().startswith("half") else "bigger than", text)
    text = WITH.sub(lambda match: "without " if match[1] else "with ", text)
    text = SHAPED.sub(lambda match: match[0] if words.is_modifier(match[1].lower()) else f"{match[1]}-{match[2]}", TIMES.sub(r"\1 ", text))
    text = IN_FRONT.sub(" in front of it ", MEASURED.sub("", FURTHER.sub(_beyond, text)))
    return in_full(as_sentences(_slip().sub(lambda match: words.own()["typed"][match[0].lower()], text)))


@cache
def _slip() -> re.Pattern[str]:
    longest_first = sorted(words.own()["typed"], key=len, reverse=True)
    return re.compile(rf"(?<![\w'’&-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w'’&-])", re.IGNORECASE)
