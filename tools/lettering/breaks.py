"""Where lines break: between words, between ideographs, and inside a word only where it cannot be helped.

Widths are in any one unit; a token is what stays on one line. Among all ways to break into as few lines as fit, the most even one is taken.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cutwork.tools.lettering.runs import ZWSP, clusters

NO_START = set("、。，．・：；？！）」』】〉》”’ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーヽヾゝゞ々…‥〜～‰)!?,.:;]}%")  # never begins a line
NO_END = set("（「『【〈《“‘([{")  # never ends one
AFTER = set("-–—/")  # a word may break after these
EVEN = 1.08  # how much wider than the mean a piece of a word may be, for hyphens and the widths of letters
HANGUL = range(0xAC00, 0xD7A4)  # wide, but breaks between words


@dataclass(frozen=True)
class Token:
    """What stays together on a line."""

    text: str
    gap: bool = True  # a blank before it, unless it begins a line
    forced: bool = False  # it begins a line


def tokens(text: str) -> tuple[Token, ...]:
    """A cleaned caption in tokens; its line ends stay."""
    found = []
    for number, line in enumerate(text.split("\n")):
        for place, word in enumerate(line.split(" ")):
            for part, piece in enumerate(_parts(word)):
                found.append(Token(piece, gap=part == 0, forced=number > 0 and place == 0 and part == 0))
    return tuple(found)


def joined(line: Sequence[Token]) -> str:
    """The text of one line."""
    return "".join((" " if token.gap and k else "") + token.text for k, token in enumerate(line))


def _parts(word: str) -> list[str]:
    """A word at the places where it may break without a hyphen."""
    found = [""]
    before = ""
    for sign in clusters(word):
        opens = sign.startswith(ZWSP) or (before and _may_break(before, sign, found[-1]))
        if opens and found[-1]:
            found.append("")
        before = sign.replace(ZWSP, "")
        found[-1] += before
    return [part for part in found if part]


def _may_break(before: str, after: str, part: str) -> bool:
    if after[0] in NO_START or before[0] in NO_END:
        return False
    return _wide(before) or _wide(after) or (before in AFTER and len(part) > 2 and after.isalpha())


def _wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign[0]) in ("W", "F") and ord(sign[0]) not in HANGUL


def greedy(line: Sequence[Token], widths: Sequence[float], blank: float, cap: float) -> list[range] | None:
    """As few lines as there can be, each filled as far as it goes: ranges of tokens; None if a token is wider than `cap`."""
    found: list[range] = []
    start, used = 0, 0.0
    for k, (token, width) in enumerate(zip(line, widths, strict=True)):
        if width > cap:
            return None
        more = used + (blank if token.gap else 0.0) + width
        if k > start and (token.forced or more > cap):
            found.append(range(start, k))
            start, used = k, width
        else:
            used = width if k == start else more
    return [*found, range(start, len(line))]


def even(line: Sequence[Token], widths: Sequence[float], blank: float, cap: float, count: int) -> list[range]:
    """The most even way to break into `count` lines of at most `cap`: the sum of squared blanks left over is the least there is.

    Only for what `greedy` breaks into `count` lines.
    """
    unreachable = float("inf")
    best: list[list[tuple[float, int]]] = [[(0.0, 0)] + [(unreachable, 0)] * len(line)]  # [lines][tokens set]: cost, start of the last line
    for _ in range(count):
        row = [(unreachable, 0)] * (len(line) + 1)
        for start in range(len(line)):
            cost = best[-1][start][0]
            used = 0.0
            for end in range(start + 1, len(line) + 1):
                token = line[end - 1]
                if cost == unreachable or (token.forced and end - 1 > start):
                    break
                used += widths[end - 1] + (blank if token.gap and end - 1 > start else 0.0)
                if used > cap:
                    break
                row[end] = min(row[end], (cost + (cap - used) ** 2, start))
        best.append(row)
    found: list[range] = []
    end = len(line)
    for row in reversed(best[1:]):
        found.append(range(row[end][1], end))
        end = row[end][1]
    return found[::-1]


def broken(token: Token, width: Callable[[str], float], cap: float) -> tuple[Token, ...]:
    """A token that is wider than `cap` in pieces that are not, about as wide as each other and hyphenated where its script has hyphens; at least one sign each."""
    signs, found = clusters(token.text), list[Token]()
    pieces = math.ceil(width(token.text) / cap) if cap > 0 else 1
    cap = min(cap, width(token.text) / pieces * EVEN)
    while signs:
        took = _longest(signs, width, cap)
        rest = signs[took:]
        found.append(Token("".join(signs[:took]) + (_hyphen(signs[took - 1], rest[0]) if rest else ""), token.gap and not found, token.forced and not found))
        signs = rest
    return tuple(found)


def _longest(signs: Sequence[str], width: Callable[[str], float], cap: float) -> int:
    """How many signs fit, a hyphen with them if more follow; at least one."""
    low, high = 1, len(signs)
    while low < high:
        middle = (low + high + 1) // 2
        hyphen = _hyphen(signs[middle - 1], signs[middle]) if middle < len(signs) else ""
        low, high = (middle, high) if width("".join(signs[:middle]) + hyphen) <= cap else (low, middle - 1)
    return low - 1 if 2 < low == len(signs) - 1 else low  # no single sign on the next line


def _hyphen(before: str, after: str) -> str:
    return "-" if all(sign.lower() != sign.upper() for sign in (before, after)) else ""
