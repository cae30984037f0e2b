"""What a brief says of stickers: for which platform, how large in print, what border and shadow."""

from __future__ import annotations

from typing import Any

from cutwork.agents.language.kinds import PLATFORMS
from cutwork.agents.language.measures import AFTER, LENGTH, centimetres
from cutwork.agents.language.palettes import is_colour
from cutwork.agents.language.remaining import Remaining


def sticker(rest: Remaining) -> dict[str, Any]:
    """The settings of stickers, which are taken out of the text."""
    found: dict[str, Any] = {}
    for platform in PLATFORMS:
        if rest.takes(rf"(?:\bfor\s+)?(?:an?\s+|my\s+|our\s+)?\b{platform}\b(?:\s+(?:group|chat|server|pack|channel))?"):
            found.setdefault("preset", platform)
    if rest.takes(
        r"(?:\bfor\s+)?\b(?:print(?:ing)?|printed)\b(?=\s*(?:[,;.]|$|at\b))|\b(?:die|kiss)[- ]?cut(?:ting)?(?:\s+line)?\b|\bvinyl\b"
        r"|\bcut ?contour\b"
    ):
        found.setdefault("preset", "print")
    if rest.takes(r"(?:\bwith\s+)?\b(?:no|without(?:\s+an?)?)\s+(?:white\s+)?(?:borders?|outlines?|edges?)\b|\bborderless\b"):
        found["outline"] = 0.0
    for match in rest.take(
        r"(?:\bwith\s+)?(?:\ban?\s+)?(?:\bthick\s+|\bthin\s+)?(?:(\d{1,2}(?:\.\d)?)\s*-?(px|pixels?|mm)\s+)?(?:\b(thick|thin|bold)\s+)?"
        r"(?:\b([a-z]+|#[0-9a-f]{6})\s+)?(?:die[- ]cut\s+)?(?:borders?|outlines?)\b"
    ):
        if match[1]:
            found["outline"] = float(match[1])
        if match[4] and is_colour(match[4].lower()):
            found["colour"] = match[4].lower()
    if rest.takes(r"(?:\bwith\s+)?\b(?:no|without(?:\s+an?)?)\s+(?:drop[- ]?)?shadows?\b"):
        found["shadow"] = False
    elif rest.takes(r"(?:\b(?:and|with)\s+)?(?:\ban?\s+)?(?:soft\s+)?\bdrop[- ]?shadows?\b|(?:\bwith|,)\s+(?:an?\s+)?(?:soft\s+)?shadows?(?=\s*(?:[,;.]|$))"):
        found["shadow"] = True
    for match in rest.take(rf"(?:\b(?:at|in|of|size)\s+)?(?<!\ba ){LENGTH}(?:\s*(?:x|×|by)\s*{LENGTH})?(?:\s+(?:wide|tall|large|high|each))?{AFTER}"):
        found |= {"size_mm": round(10 * max(centimetres(match[1], match[2]), centimetres(match[3], match[4]) if match[3] else 0.0), 2)}
        found.setdefault("preset", "print")
    return found
