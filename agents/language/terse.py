"""Briefs that leave the little words out, with them: "a car bottom right", "dog left, cat right", "cat x3", "a red and a blue balloon", "#ff8800"."""

from __future__ import annotations

import re

from cutwork.agents.language import words
from cutwork.plurals import plural

ENDS = r"(?=\s*(?:$|[,.;:!?]|(?:and|but|with|while|on|in)\b))"
SIDE = r"left|right|cent(?:er|re)|middle|top|bottom"
CORNER = re.compile(rf"\b([^\W\d_][\w'-]*),? ((?:top|upper|bottom|lower|middle|cent(?:er|re))[- ](?:left|right|cent(?:er|re)|middle))((?: corner)?){ENDS}", re.I)
ASIDE = re.compile(rf"\b([^\W\d_][\w'-]*) ({SIDE}){ENDS}", re.I)
PLACED = re.compile(rf"\b(?:on|in|at) the (?:(?:far|top|upper|bottom|lower) )?(?:{SIDE})\b", re.I)
LED = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
# After these the words name a side of something, a direction or no place: "the top left", "facing left", "turn right".
LEADING = frozenset("a an the its his her their this that my in on at to of from near towards toward far very all and or one none nothing is are turn turns look looks face faces go goes".split())
TIMES = re.compile(r"(?:(?<=^)|(?<=[,;:] )|(?<=\band )|(?<=,))((?:an? )?(?:[^\W\d_][\w'-]* ){0,2})([^\W\d_][\w'-]*) ?[x×] ?(\d{1,2})" + ENDS, re.I)
SHARED = re.compile(r"\b(an?|one|the) ([\w-]+) and (an?|one|the) ([\w-]+) ([\w-]+)\b", re.I)
HEX = re.compile(r"(?:\ban? )?(?<![\w#])#([0-9a-f]{6}|[0-9a-f]{3})(?!\w)", re.I)
PLAIN = {
    "red": (220, 40, 40), "orange": (245, 140, 20), "yellow": (250, 220, 50), "green": (50, 160, 60), "teal": (20, 140, 140), "blue": (40, 90, 220),
    "purple": (130, 60, 190), "pink": (245, 140, 190), "brown": (130, 80, 40), "black": (20, 20, 20), "gray": (128, 128, 128), "white": (245, 245, 245),
}  # fmt: skip


def in_full(text: str) -> str:
    """The text with what was left out."""
    text = HEX.sub(_coloured, TIMES.sub(_counted, text))
    text = CORNER.sub(lambda match: match[0] if _leads(match[1]) else f"{match[1]} in the {match[2]}{match[3]}", SHARED.sub(_both, text))
    aside = [match for match in ASIDE.finditer(text) if not _leads(match[1])]
    if len({match[2].lower() for match in aside}) + len(PLACED.findall(text)) < 2:
        return text  # "a cat looks left" and "one piece left" are no places: it takes two that are held against each other
    return ASIDE.sub(lambda match: match[0] if _leads(match[1]) else f"{match[1]} {LED.get(match[2].lower(), 'in the middle')}", text)


def named(code: str) -> str:
    """The plain colour that is nearest to a code of three or six digits."""
    digits = code if len(code) == 6 else "".join(2 * digit for digit in code)
    rgb = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    return min(PLAIN, key=lambda name: sum((a - b) ** 2 for a, b in zip(PLAIN[name], rgb, strict=True)))


def _coloured(match: re.Match[str]) -> str:
    colour = named(match[1])
    return colour if match[0].startswith("#") else f"{words.article(colour)} {colour}"


def _leads(word: str) -> bool:
    low = word.lower()
    return low in LEADING or low.endswith(("ing", "ed")) or words.is_colour(low) or low in SIDE.split("|")


def _counted(match: re.Match[str]) -> str:
    described = re.sub(r"^an? ", "", match[1], flags=re.I)
    return match[0] if int(match[3]) < 1 else f"{match[3]} {described}{plural(match[2]) if int(match[3]) > 1 else match[2]}"


def _both(match: re.Match[str]) -> str:
    """ "a red and a blue balloon": one of each, where both describe and what follows is a thing."""
    one, other, noun = (word.lower() for word in (match[2], match[4], match[5]))
    if one == other:
        return match[0]  # "an orange and an orange cat"
    alike = (words.is_colour(one) and words.is_colour(other)) or (words.is_in("size", one) and words.is_in("size", other))
    return f"{match[1]} {match[2]} {match[5]} and {match[3]} {match[4]} {match[5]}" if alike and words.is_noun(noun) and not words.is_modifier(noun) else match[0]
