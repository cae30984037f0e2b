"""What a brief says of goods in numbers and in the words of the trade: repeat, lengths, resolution, colours, border, file.

What may as well be said of the picture counts only where it stands by itself: "30 cm," but not "a 30 cm ruler", "4 colours" but not
"4 coloured balloons", "mirror repeat" but not "looking into a mirror".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cutwork.agents.language.remaining import Remaining

Settings = dict[str, Any]
CM = {
    "mm": 0.1, "millimetre": 0.1, "millimeter": 0.1, "cm": 1.0, "centimetre": 1.0, "centimeter": 1.0, "m": 100.0, "metre": 100.0, "meter": 100.0,
    "in": 2.54, "inch": 2.54, "inche": 2.54, "″": 2.54,
}  # fmt: skip
COUNTS = {word: n for n, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), start=1)}
COUNT = rf"(\d{{1,4}}|{'|'.join(COUNTS)}|single)"
UNIT = r"(mm|cm|m|in|inch(?:es)?|″|(?:milli|centi)?met(?:er|re)s?)"
LENGTH = rf"(\d{{1,4}}(?:[.,]\d{{1,2}})?)\s*-?{UNIT}(?![\w])"
# Where no noun follows.
AFTER = r"(?=\s*(?:[,;.:!)/]|$|(?:and|in|at|with|on|for|by|repeat|wide|tile|tiles|square|per|as|half|mirror|straight|tossed|hex\w*|ogee|brick|each)\b|\d))"
ALONE = r"(?:(?<=[,;:(/])|(?<=\.\s)|^)\s*"  # at the start of what stands between commas
BY_ITSELF = r"\s*(?=[,;.!)/]|$)"
# Names of repeats. Of those that are also things or manners, only as "… repeat" or between commas; the first two mean nothing else.
REPEATS = {
    "half-drop": (rf"half-?drop|half drop{AFTER}", True), "ogee": (r"ogee", True),
    "half-brick": (r"half[- ]?brick|brick(?:work)?", False), "mirror": (r"mirror(?:ed)?", False),
    "hexagonal": (r"hex(?:agonal|agon|es)?|honeycomb", False), "tossed": (r"tossed|scattered|random(?:ly placed)?|multi-?directional", False),
    "straight": (r"straight|block|full[- ]?drop|basic|square|grid", False),
}  # fmt: skip
REPEAT = r"(?:repeats?|repeat pattern|layout|lattice|arrangement|placement|tiling)\b"
THINGS = r"brick|mirror|block|hex|honeycomb|square|grid|basic"  # stand by themselves only next to another measure
MEASURED = re.compile(r"\d\s*(?:mm|cm|dpi|ppi|in|inch|colou?r|x)|\b(?:repeat|colou?rs|colou?rways|dpi|tiff?|cmyk)\b", re.I)


def count(text: str) -> int:
    """A number in digits or as a word."""
    low = text.lower()
    return COUNTS.get(low) or (1 if low == "single" else int(low))


def centimetres(number: str, unit: str) -> float:
    """A length; a comma may stand for the point."""
    return round(float(number.replace(",", ".")) * CM[unit.lower().removesuffix("s")], 3)


def implies_textile(rest: Remaining) -> bool:
    """Whether a text names what only a textile has: a half-drop, a repeat of 30 cm, colourways; or a repeat or number of colours beside a length."""
    sure = "|".join(said for said, alone in REPEATS.values() if alone)
    named = "|".join(said for said, _ in REPEATS.values())
    if rest.find(rf"\b(?:{sure})\b|\b(?:{named})[- ]+repeat\b|{LENGTH}\s+repeat\b|\b{COUNT}[- ]colou?rways?\b|\b{COUNT}\s+(?:spot|screen)[- ]colou?rs?\b"):
        return True
    kept = rest.find(rf"{ALONE}(?:in\s+)?(?:(?:{named})|(?:max\s+)?{COUNT}[\s-]*(?:flat\s+)?colou?rs?(?:\s+(?:only|max))?){BY_ITSELF}")
    return bool(kept and rest.find(rf"{ALONE}(?:{LENGTH}(?:\s+wide)?|(?:at\s+)?\d{{2,4}}\s*dpi){BY_ITSELF}"))


def textile(rest: Remaining) -> Settings:
    """The settings of a textile, which are taken out of the text. What contradicts one that was read before is under "besides", as (name, value)."""
    found: Settings = {}
    besides: list[tuple[str, Any]] = []
    rest.text = re.sub(r"(\d)\s?[\"”″]", r"\1 ″", rest.text)
    for name, value in [*_repeats(rest), *_lengths(rest), *_inks(rest)]:
        if found.setdefault(name, value) != value and (name, value) not in besides:
            besides.append((name, value))
    rest.take(
        rf"{ALONE}(?:seamless(?:ly)?|tile?able|repeating|print[- ]ready|all-?over|high[- ]res(?:olution)?|for (?:printing|print|fabric"
        rf"|textiles?|spoonflower))(?:\s+(?:repeat|tile|file|pattern|print))?{BY_ITSELF}"
    )
    return found | ({"besides": besides} if besides else {})


def _repeats(rest: Remaining) -> Iterator[tuple[str, Any]]:
    led = r"(?:\b(?:in|as|on|with)\s+)?(?:\b(?:an?|the)\s+)?"
    for name, (said, sure) in REPEATS.items():
        named = rf"{led}\b(?:{said})[- ]+{REPEAT}|\brepeat\s*[:=]\s*(?:{said})\b"
        placed = rf"\b(?:arranged|placed|laid out|set)\s+(?:in|as|on)\s+(?:an?\s+)?(?:{said})\b(?:\s+{REPEAT})?"
        found = rest.takes(f"{named}|{placed}")
        if found or (rest.takes(rf"{led}\b(?:{said})") if sure else _stands_alone(rest, said)):
            yield "repeat", name
    if rest.takes(r"\b(?:tossed|scattered)\b(?!\s+(?:salads?|coins?|pancakes?|clouds?)\b)\s*(?=[^\W\d_])"):
        yield "repeat", "tossed"
    rest.take(rf"{ALONE}(?:in\s+)?(?:an?\s+)?repeat{BY_ITSELF}|^\s*(?:seamless|repeating|tile?able)\s+(?:of\s+)?(?=[^\W\d_])")


def _stands_alone(rest: Remaining, said: str) -> bool:
    """A name of a repeat between commas; one that is a thing as well counts beside another measure only."""
    where = rest.find(rf"{ALONE}(?:in\s+)?(?:{said}){BY_ITSELF}")
    if not where:
        return False
    before, after = re.split(r"[,;]", rest.text[: where.start()].rstrip(",; "))[-1], re.split(r"[,;]", rest.text[where.end() :].lstrip(",; "))[0]
    if re.search(rf"\b(?:{THINGS})", where[0], re.I) and not (MEASURED.search(before) or MEASURED.search(after)):
        return False
    rest.text = rest.text[: where.start()] + " " + rest.text[where.end() :]
    return True


def _lengths(rest: Remaining) -> Iterator[tuple[str, Any]]:
    """From what is said with a word of its own to the bare length, which is the repeat's."""
    for match in rest.take(
        rf"(?:\b(?:on|as|for)\s+)?(?:\ban?\s+)?\b(?:sheets?|cut|panel|yardage)\s*(?:of|:|size)?\s*(\d{{1,4}}(?:[.,]\d)?)\s*{UNIT}?\s*"
        rf"(?:x|×|by)\s*{LENGTH}"
    ):
        yield "sheet_cm", (centimetres(match[1], match[2] or match[4]), centimetres(match[3], match[4]))
    for name, said in (("motif_cm", "motifs?|elements?"), ("gap_mm", "gaps?|spacing|distance|apart|space between")):
        for match in rest.take(
            rf"(?:\bwith\s+)?\b(?:{said})(?:\s+size)?\s*(?:of|at|are|is|:|=)?\s*{LENGTH}(?:\s+(?:tall|high|wide|large|big))?|(?:\bwith\s+)?"
            rf"(?:\ban?\s+)?\b{LENGTH}\s+(?:{said})\b"
        ):
            number, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
            yield name, round(centimetres(number, unit) * (10 if name == "gap_mm" else 1), 3)
    led = (
        r"(?:\b(?:every|at|in|of|with|repeats?(?:\s+(?:of|is|size|width|every|at))?|size|width|tile|scale)\s*[:=]?\s*)*(?:\ban?\s+"
        r"(?=[\d.,]+\s*\S+\s+(?:repeat|tile|wide)))?"
    )
    for match in rest.take(rf"{led}(?<![\w.])(\d{{1,4}}(?:[.,]\d{{1,2}})?)\s*{UNIT}?\s*(?:x|×|by)\s*{LENGTH}(?:\s+(?:repeats?|tiles?|square))?{AFTER}"):
        yield "width_cm", centimetres(match[1], match[2] or match[4])
        if (match[1], match[2] or match[4]) != (match[3], match[4]):
            yield "height", f"{match[3]} {match[4]}"
    for match in rest.take(
        rf"{led}(?<![\w.])(?<!\ba )(?<!\ban ){LENGTH}(?:\s+(?:wide\s+)?(?:repeats?|tiles?|wide|square|across))?{AFTER}|(?:\b(?:in"
        rf"|with)\s+)?\ba\s+{LENGTH}\s+(?:repeats?|tiles?)\b"
    ):
        yield "width_cm", centimetres(match[1] or match[3], match[2] or match[4])


def _inks(rest: Remaining) -> Iterator[tuple[str, Any]]:
    for value in resolution(rest):
        yield "dpi", value
    for match in rest.take(rf"(?:\b(?:in|with|plus|and)\s+)?\b{COUNT}\s*-?(?:more |other |alternative |extra )?colou?r ?ways?\b"):
        yield "colourways", count(match[1])
    if rest.takes(r"\bcmyk\b"):
        yield "cmyk", True
        yield "file", "tiff"
    for match in rest.take(r"(?:\b(?:as|in)\s+)?(?:\ban?\s+)?\b(tiff?|png)\b(?:\s+(?:files?|format))?"):
        yield "file", "tiff" if match[1].lower().startswith("tif") else "png"
    kept = r"(?:\b(?:in|with|using|of|to|limited|reduced|max(?:imum)?\.?|up|at most|only)\s+)*"
    for match in rest.take(
        rf"{kept}\b{COUNT}[\s-]*(?:spot|screen|flat|solid|print(?:ing)?|different)?[\s-]*(?:colou?rs?|inks?|screens?)(?:\s+(?:only|max"
        rf"(?:imum)?|print(?:ing)?|palette|separations?|screens?))*{AFTER}"
    ):
        yield "colours", count(match[1])


def canvas(rest: Remaining) -> list[str]:
    """Sizes in pixels, taken out of the text: "512x512", "64 x 64 px"."""
    found = rest.take(
        rf"(?:\b(?:at|in|of|size)\s+)?\b(?:\d{{3,4}}\s*[x×]\s*\d{{3,4}}(?!\s*{UNIT}\b|\d)(?:\s*(?:px|pixels?)\b)?"
        rf"|\d{{2,4}}\s*[x×]\s*\d{{2,4}}\s*(?:px|pixels?)\b)"
    )
    return [match[0].strip() for match in found]


def resolution(rest: Remaining) -> list[int]:
    """Dots per inch, taken out of the text."""
    return [int(match[1] or match[2]) for match in rest.take(
        r"(?:\b(?:at|in|with)\s+)?\b(\d{1,5})\s*-?(?:dpi|ppi)\b(?:\s+(?:resolution|quality))?|\b(?:dpi"
        r"|resolution)\s*[:=]?\s*(\d{2,5})\b(?!\s*x)"
    )]
