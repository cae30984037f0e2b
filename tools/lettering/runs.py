"""A line of text as runs of one font and one direction, in the order in which they stand from left to right.

A word keeps one font if any has all of it, and so does a caption: letters of two fonts beside each other are the last choice. Directions are those of the
Unicode bidirectional algorithm for text without explicit embeddings: letters, numbers and what stands between them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from cutwork.errors import BadInput
from cutwork.tools.lettering import fonts
from cutwork.tools.lettering.fonts import Face

MAX_CAPTION = 400  # characters, as the domain has it
ZWSP, ZWNJ, ZWJ = "\u200b", "\u200c", "\u200d"
EMOJI_LOOK = "\ufe0f"
KEPT_INVISIBLE = {ZWSP, ZWNJ, ZWJ}
BRACKETS = {"(": ")", "[": "]", "{": "}"}
VIRAMA = 9  # canonical combining class
GEORGIAN = range(0x10D0, 0x1100)  # its capitals are for headlines only, and few fonts have them
GREEK_ACCENTS = "\u0300\u0301\u0313\u0314\u0342"  # capitals have none
TAGS = range(0xE0020, 0xE0080)
SKIN = range(0x1F3FB, 0x1F400)
FLAGS = range(0x1F1E6, 0x1F200)


@dataclass(frozen=True)
class Run:
    """Text of one font and direction, in the order of reading."""

    text: str
    face: Face
    rtl: bool = False


def cleaned(text: str) -> str:
    """A caption in composed form, runs of blanks as one, line ends kept, invisible format characters that set nothing left out.

    Raises:
        BadInput: if it is too long or has control characters.
    """
    if len(text) > MAX_CAPTION:
        raise BadInput(f"a caption has {len(text):,} characters, at most {MAX_CAPTION} are allowed: {text[:40]!r}…")
    bad = sorted({f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t"})
    if bad:
        raise BadInput(f"caption {text[:40]!r} has control characters ({', '.join(bad[:5])}); remove them")
    seen = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf" or c in KEPT_INVISIBLE or ord(c) in TAGS)
    return "\n".join(filter(None, (" ".join(line.split()) for line in seen.splitlines())))


def capitals(text: str) -> str:
    """Text in capitals, as lettering has them: Greek ones without accents, Georgian as it is."""
    return "".join(c if ord(c) in GEORGIAN else _capital(c) for c in text)


def _capital(char: str) -> str:
    upper = char.upper()
    if unicodedata.name(upper[0], "").startswith("GREEK"):
        return unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", upper) if c not in GREEK_ACCENTS))
    return upper


def clusters(text: str) -> list[str]:
    """Text in pieces that belong to one sign each: letters with their marks, emoji with theirs, flags."""
    found: list[str] = []
    for char in text:
        if found and _joins(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _joins(cluster: str, char: str) -> bool:
    last, code = cluster[-1], ord(char)
    if unicodedata.category(char) in ("Mn", "Me", "Mc") or char in (ZWJ, ZWNJ) or code in TAGS or code in SKIN:
        return not cluster.isspace()
    if code in FLAGS:
        return len(cluster) == 1 and ord(cluster) in FLAGS
    return (last == ZWJ and not char.isspace()) or (unicodedata.combining(last) == VIRAMA and char.isalpha())


def order(text: str, first: Face) -> tuple[Face, ...]:
    """The fonts in which a caption's words are looked for: one that has all of it, then the one asked for, then the others."""
    rest = (first, *(one for one in fonts.shipped() if one != first))
    needed = frozenset().union(*(_needed(c) for c in clusters(text) if not _is_emoji(c) and not c.isspace()))
    whole = next((one for one in rest if not one.emoji and needed <= fonts.coverage(one)), first)
    return (whole, *(one for one in rest if one != whole))


def missing(text: str, among: Sequence[Face]) -> tuple[str, ...]:
    """Signs that no font has, once each, in the order of the text."""
    return tuple(dict.fromkeys(c for c in clusters(text) if not c.isspace() and _face(c, tuple(among)) is None))


def rtl(text: str) -> bool:
    """Whether a caption runs from right to left: its first letter with a direction says so."""
    return next((kind != "L" for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), False)


@lru_cache(maxsize=4096)
def split(line: str, among: tuple[Face, ...], base: bool) -> tuple[Run, ...]:
    """One line as runs from left to right.

    Args:
        line: without line ends.
        among: fonts in the order of trying.
        base: whether the caption runs from right to left.
    """
    pieces = _with_faces(line, among)
    levels = _levels([text for text, _ in pieces], base)
    joined = []
    for (level, face), group in groupby(zip(levels, pieces, strict=True), key=lambda pair: (pair[0], pair[1][1])):
        joined.append((level, Run("".join(text for _, (text, _) in group), face, level % 2 == 1)))
    return tuple(run for _, run in _visual(joined))


def _with_faces(line: str, among: tuple[Face, ...]) -> list[tuple[str, Face]]:
    """Clusters and their fonts; blanks go with the word before, and what no font has becomes the sign for that."""
    found: list[tuple[str, Face]] = []
    for word in _words(line):
        if word.isspace():
            found.append((word, found[-1][1] if found and not found[-1][1].emoji else among[0]))
            continue
        signs = clusters(word)
        plain = frozenset().union(*(_needed(c) for c in signs if not _is_emoji(c)))
        whole = next((one for one in among if not one.emoji and plain <= fonts.coverage(one)), None)
        for sign in signs:
            face = whole if whole and not _is_emoji(sign) else _face(sign, among)
            found.append((sign, face) if face else (fonts.MISSING, fonts.face("noto")))
    return found


def _words(line: str) -> list[str]:
    return ["".join(group) for _, group in groupby(line, key=str.isspace)]


@lru_cache(maxsize=4096)
def _face(sign: str, among: tuple[Face, ...]) -> Face | None:
    """The font of one sign; None if there is none."""
    needed = _needed(sign)
    pictures = fonts.colour_emoji() if _is_emoji(sign) or not any(needed <= fonts.coverage(one) for one in among if not one.emoji) else None
    if pictures and needed <= fonts.coverage(pictures) and (fonts.shapes() or len(needed) == 1):
        return pictures
    if _is_emoji(sign):
        among = tuple(sorted(among, key=lambda one: not one.emoji))
    return next((one for one in among if needed <= fonts.coverage(one)), None) or fonts.last_resort(needed)


def _needed(sign: str) -> frozenset[int]:
    """Code points that must have a glyph; joiners and selectors of variants need none."""
    return frozenset(ord(c) for c in sign if c not in KEPT_INVISIBLE and not 0xFE00 <= ord(c) <= 0xFE0F and ord(c) not in TAGS)


def _is_emoji(sign: str) -> bool:
    return EMOJI_LOOK in sign or any(0x1F000 <= ord(c) < 0x1FB00 for c in sign)


def _levels(signs: Sequence[str], base: bool) -> list[int]:
    """Levels of embedding of each sign: 0 left to right, 1 right to left, 2 left to right within that."""
    kinds = _kinds(signs)
    if not base and "R" not in kinds:
        return [0] * len(kinds)
    sides: list[bool | None] = []  # whether it counts as right to left; None = as its neighbours say
    strong = base
    for kind in kinds:
        strong = strong if kind in ("EN", "") else kind == "R"
        sides.append(None if not kind else strong)
    for opening, closing in _pairs(signs):
        within = {side for side in sides[opening + 1 : closing] if side is not None}
        if within:  # brackets go with the caption if anything in them does, else with what stands before them
            sides[opening] = sides[closing] = base if base in within else next((side for side in reversed(sides[:opening]) if side is not None), base)
    level = {True: 1, False: 2 * base}
    return [
        2 if kind == "EN" and (side or base) else level[_between(sides, k, base) if side is None else side] for k, (kind, side) in enumerate(zip(kinds, sides, strict=True))
    ]


def _pairs(signs: Sequence[str]) -> list[tuple[int, int]]:
    """Places of brackets that belong together, in the order of the opening ones."""
    found, waiting = [], list[int]()
    for place, sign in enumerate(signs):
        if sign in BRACKETS:
            waiting.append(place)
        elif sign in BRACKETS.values():
            while waiting and BRACKETS[signs[waiting[-1]]] != sign:
                waiting.pop()
            if waiting:
                found.append((waiting.pop(), place))
    return sorted(found)


def _kinds(signs: Sequence[str]) -> list[str]:
    """What each sign is to its neighbours: "L" or "R" as a letter, "EN" in a number, "" as whatever stands between."""
    raw = [unicodedata.bidirectional(sign[0]) for sign in signs]
    for k in range(1, len(raw) - 1):
        if raw[k] in ("CS", "ES") and raw[k - 1] == raw[k + 1] in ("EN", "AN"):  # the comma of 1,000
            raw[k] = "EN"
    for k, after in [*enumerate(raw[1:]), *((k + 1, raw[k]) for k in range(len(raw) - 1))]:
        if raw[k] == "ET" and after == "EN":  # the sign of 5 %
            raw[k] = "EN"
    return [{"L": "L", "R": "R", "AL": "R", "EN": "EN", "AN": "EN"}.get(kind, "") for kind in raw]


def _between(sides: Sequence[bool | None], at: int, base: bool) -> bool:
    """The direction of a sign without one: that of its neighbours if they agree, else the caption's."""
    before = next((side for side in reversed(sides[:at]) if side is not None), base)
    after = next((side for side in sides[at + 1 :] if side is not None), base)
    return before if before == after else base


def _visual(runs: list[tuple[int, Run]]) -> list[tuple[int, Run]]:
    """Runs from left to right: from the deepest level on, every sequence at least so deep is turned round."""
    for deep in range(max((level for level, _ in runs), default=0), 0, -1):
        turned: list[tuple[int, Run]] = []
        for inside, group in groupby(runs, key=lambda pair: pair[0] >= deep):
            turned += list(group)[:: -1 if inside else 1]
        runs = turned
    return runs


def needs_shaping(char: str) -> bool:
    """Whether a letter's form depends on its neighbours: Arabic and its relatives, and the scripts of India and South East Asia."""
    return unicodedata.bidirectional(char) == "AL" or 0x0900 <= ord(char) < 0x1100 or 0x1780 <= ord(char) < 0x1800
