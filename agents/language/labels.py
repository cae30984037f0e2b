"""Labels of a meme: who is called what. 'A man labelled "me"', 'label the cat "my code" and the dog "bugs"', "labels: cat = me, dog = deadlines"."""

from __future__ import annotations

import re

from cutwork.agents.language.remaining import QUOTED, Remaining, written
from cutwork.agents.language.words import article, singular

OPEN, SHUT = "\ue000", "\ue001"  # around the number of a quotation, while labels are read
QUOTE = rf"{OPEN}(\d+){SHUT}"
DET = r"(?:an?|the|my|his|her|their|our|this|that|each|one)"
WORD = r"(?!label(?:l?ed|l?ing|s)?\b|tagged\b|marked\b)[^\W\d_][\w'-]*"
WHOM = rf"((?:{WORD}\s+){{0,2}}{WORD})"
IS = r"(?:\s+(?:as|with|is|reads|says|gets|saying)|\s*[:=])?"
LABELLED = re.compile(
    rf"(?:(?<=^)|(?<=[,;:.(]\s)|(?<=\band\s)|\b{DET}\s+){WHOM}\s+(?:is\s+|are\s+|gets\s+)?(?:labell?ed|tagged|marked)(?:\s+as"
    rf"|\s+with|\s*:)?\s*(?:{QUOTE}|([^\s,.;{OPEN}][^,.;{OPEN}]*?)(?=\s*(?:[,.;]|$|\band\s+{DET}\b)))",
    re.I,
)
TO_LABEL = re.compile(
    r"[,;.]?\s*(?:and\s+)?\b(?:label(?:s|ling|led)?(?:\s+him|\s+her|\s+them)?|put labels)\b\s*[:–-]?\s*(?:on\s+)?"
    rf"(?:{DET}\s+)?{WHOM}{IS}\s*{QUOTE}(?:\s*(?:,|and|,\s*and)\s*(?:{DET}\s+)?{WHOM}{IS}\s*{QUOTE})*",
    re.I,
)
LEADING = r"^[,;.]?\s*(?:and\s+)?(?:labels?|labell?ing|labell?ed|put labels)(?:\s+(?:him|her|them))?\s*[:–-]?\s*(?:on\s+)?"
PAIR = re.compile(rf"(?:{DET}\s+)?{WHOM}{IS}\s*{QUOTE}", re.I)
ON_WHOM = re.compile(rf"(?:,|\band)?\s*(?:\b(?:with\s+)?(?:the\s+)?labels?\s*:?\s*)?{QUOTE}\s*(?:on|over|for)\s+(?:{DET}\s+)?{WHOM}", re.I)
LISTED = re.compile(rf"[,;.]?\s*\b(?:with\s+)?labels?\s*(?::|are\b)\s*(?=[^,;{OPEN}]+\s*[=:→]|[^,;{OPEN}]+->)(.*)$", re.I)


def labels(rest: Remaining) -> list[tuple[str, str]]:
    """Who is labelled, in the words of the brief, and how; the text keeps the subjects and loses the labels."""
    if not re.search(r"\b(?:labell?|tagged\b|marked\b)", rest.text, re.I):
        return []
    quotes = [written(match) for match in QUOTED.finditer(rest.text)]
    numbers = iter(range(len(quotes)))
    text = QUOTED.sub(lambda match: f"{OPEN}{next(numbers)}{SHUT}", rest.text)
    originals = [match[0] for match in QUOTED.finditer(rest.text)]
    found: list[tuple[str, str]] = []
    text = _listed(text, found, quotes)
    text = TO_LABEL.sub(lambda match: _named(match, found, quotes), text)
    text = LABELLED.sub(lambda match: _labelled(match, found, quotes), text)
    if found or re.search(r"\blabels?\b", text, re.I):
        text = ON_WHOM.sub(lambda match: _placed(match, found, quotes), text)
    for whom, _ in found:
        if not re.search(rf"\b{re.escape(singular(whom.rpartition(' ')[2])[0])}", text, re.I):
            text = f"{text}, {article(whom)} {whom}"
    rest.text = re.sub(QUOTE, lambda match: originals[int(match[1])], text)
    return found


def _listed(text: str, found: list[tuple[str, str]], quotes: list[str]) -> str:
    """ "labels: cat = me, dog = deadlines"."""
    match = LISTED.search(text)
    if not match:
        return text
    for pair in re.split(r"\s*[,;]\s*(?:and\s+)?", match[1]):
        whom, sign, said = re.sub(r"->|→", "=", pair).replace(":", "=", 1).partition("=")
        if sign and whom.strip() and said.strip():
            found.append((_bare(whom), _spelled(said, quotes)))
    return text[: match.start()] if found else text


def _named(match: re.Match[str], found: list[tuple[str, str]], quotes: list[str]) -> str:
    """ 'label the cat "my code" and the dog "bugs"'."""
    led = re.sub(LEADING, "", match[0], flags=re.I)
    for pair in re.split(rf"(?<={SHUT})\s*(?:,\s*and|,|and)\s*", led):
        one = PAIR.search(pair)
        if one:
            found.append((_bare(one[1]), quotes[int(one[2])]))
    return ","


def _labelled(match: re.Match[str], found: list[tuple[str, str]], quotes: list[str]) -> str:
    found.append((_bare(match[1]), quotes[int(match[2])] if match[2] else match[3].strip()))
    return match[0][: match.end(1) - match.start()]


def _placed(match: re.Match[str], found: list[tuple[str, str]], quotes: list[str]) -> str:
    found.append((_bare(match[2]), quotes[int(match[1])]))
    return ","


def _spelled(said: str, quotes: list[str]) -> str:
    number = re.fullmatch(rf"\s*{QUOTE}\s*", said)
    return quotes[int(number[1])] if number else said.strip(" .'‘’")


def _bare(whom: str) -> str:
    return re.sub(rf"^(?:{DET}|and|as|on)\s+", "", whom.strip().lower())
