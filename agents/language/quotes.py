"""Quotations of a meme: which are captions, where they stand, and which belong to the picture.

A quotation is a caption unless the words around it say otherwise: what a sign says, what somebody is called and what is only put in
doubt ('a "professional" dog') belong to the picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cutwork.agents.language.remaining import QUOTED, Remaining, blanked, written

HIGH = ("top", "upper", "first", "header", "above", "over", "up")
LOW = ("bottom", "lower", "second", "last", "footer", "below", "beneath", "underneath", "under", "down")
NOUN = r"(?:texts?|captions?|lines?|words?|lettering|title|subtitle|slogan|quote|phrase|message|punch ?line)"
SAYS = r"(?:that says|which says|that reads|which reads|says|say|saying|reads|reading|captioned|titled|written|that goes)"
PLACE = rf"(?:{'|'.join((*HIGH[:-1], *LOW[:-1]))}|(?:up|down)(?=\s+{NOUN}))"
# What announces a quotation, up to its opening mark: ', top "', 'with the caption "', 'at the bottom it says "'.
CUE = re.compile(
    r"(?:(?:^|[\s,;:.(/|–—-])(?:and|with|then|plus|has|have|add|put|write|use|it|is))*[\s,;:.(/|–—-]*(?:\b(?:at|on|in|to|for"
    r"|as)\s+)?(?:\b(?:the|an?|its|their)\s+)*"
    rf"(?:\b(?:(?P<place>{PLACE})(?:\s+(?:of\s+(?:it|the\s+\w+)|it|part|half))?(?:\s+{NOUN})?(?:\s+(?:{SAYS}|is|are|of))?"
    rf"|{NOUN}(?:\s+(?:at|on)(?:\s+the)?\s+(?P<place2>{PLACE}))?(?:\s+(?:{SAYS}|is|are|of))?|{SAYS}))\s*[:=,\-–—]?\s*$",
    re.I,
)
# What says behind a quotation where it stands: '"…" on top', '"…" as the bottom text'.
BEHIND = re.compile(
    rf"^\s*(?:(?:as|at|on|in|to)\s+(?:the\s+)?(?P<place>{PLACE})\b(?:\s+(?:{NOUN}|part|half))?(?:\s+of\s+(?:it|the\s+\w+))?|as\s+(?:an?\s+|the\s+)?{NOUN}\b"
    r"|(?P<bare>above|over|below|beneath|underneath|under)\b)",
    re.I,
)
# What carries writing inside a picture; what it says is not lettering on top of the picture.
CARRIER = re.compile(
    r"\b(?:sign|banner|placard|poster|billboard|plaque|speech bubble|sticky note|note|t-?shirt|shirt|hoodie|cap|mug|cup|book"
    r"|newspaper|letter|card|cake|flag|screen|monitor"
    r"|whiteboard|blackboard|chalkboard|badge|name ?tag|tattoo|box|bag|jersey|sash|door|wall|balloon)s?\b(?:\s+(?:that|which|with"
    rf"|and))*\s+(?:{SAYS}|with|labell?ed|called|words?)?"
    r"[\s:]*(?:the\s+words?\s+)?$|\b(?:sign|banner|placard|billboard|speech bubble)\s*:?\s*$",
    re.I,
)
NAMED = re.compile(r"\b(?:called|named|nicknamed|known as|aka|a\.k\.a\.|book|novel|song|film|movie|band)\s*$", re.I)
RUNS_ON = re.compile(
    r"^\s+(?!(?:and|on|at|in|with|over|under|above|below|top|bottom|then|plus|as|for|but|memes?|while|when|by|text|caption|it|he"
    r"|she|they|because|is|to)\b)[^\W\d_]", re.I
)
DOUBTED = re.compile(r"\b(?:an?|the|my|his|her|our|their|your|some|very|so|such|this|that)\s+(?:\w+\s+)?$", re.I)


@dataclass
class Copy:
    """Captions as they are found, each with where it stands; "" = nothing is said of it."""

    placed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, text: str, place: str | None) -> None:
        """A caption, or several with slashes between them."""
        where = "" if not place else "top" if place.lower() in HIGH else "bottom"
        self.placed += [(part.strip(), where) for part in re.split(r"\s+(?:/|//|\|)\s+", text) if part.strip()]

    def captions(self, in_order: bool) -> list[str]:
        """As the brief has them where they do not stand above each other; else from top to bottom, "" first where nothing stands on top."""
        if in_order:
            return [text for text, _ in self.placed]
        top: list[str] = []
        below: list[str] = []
        for text, where in self.placed:
            (below if where == "bottom" or (not where and (top or below)) else top).append(text)
        return [" ".join(top), *below] if top or below else []


def announced(text: str) -> bool:
    """Whether a quotation is a caption in so many words: 'caption "…"', 'top "…", bottom "…"', '"…" on top, "…" at the bottom'."""
    places = set()
    last = 0
    for match in QUOTED.finditer(text):
        before = text[last : match.start()]
        cue, behind = CUE.search(before), BEHIND.match(text[match.end() :])
        last = match.end() + (behind.end() if behind and not cue else 0)
        if CARRIER.search(before):
            continue
        if re.search(r"\b(?:captioned|caption|(?:top|bottom)\s+(?:text|line|caption))(?:\s+(?:is|says|reads|of))?\s*[:=]?\s*$", before, re.I):
            return True
        place = (cue["place"] or "") if cue else (behind["place"] or "") if behind else ""
        places.add(place.lower())
    return {"top", "bottom"} <= places


def take(rest: Remaining, copy: Copy) -> None:
    """Quotations that are captions leave the text, with what announces them and says where they stand."""
    text, out, last = rest.text, [], 0
    for match in QUOTED.finditer(text):
        if match.start() < last:
            continue
        before, after = text[last : match.start()], blanked(text)[match.end() :]
        cue = CUE.search(before)
        if CARRIER.search(before) or NAMED.search(before):
            out.append(before + match[0])
            last = match.end()
        elif cue is None and DOUBTED.search(before) and RUNS_ON.match(after):
            out.append(before + written(match))
            last = match.end()
        else:
            place = (cue["place"] or cue["place2"]) if cue else None
            behind = None if place else BEHIND.match(after)
            spoken = cue is not None and not place and re.match(r"\s+to\b", after)
            out.append((before[: cue.start()] if cue else before) + (" talking" if spoken else ", "))
            copy.add(written(match), place or (behind and (behind["place"] or behind["bare"])) or None)
            last = match.end() + (behind.end() if behind else 0)
    rest.text = "".join(out) + text[last:]
