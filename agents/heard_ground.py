"""Clauses about the background: that it stays, goes, is another or a lighter one, and what it is to be."""

from __future__ import annotations

import re

from cutwork.agents.calls import GROUND, bare
from cutwork.agents.heard import PLACE, THE_GROUND, Clause, call, named_by, only_looks
from cutwork.agents.heard_goods import is_goods
from cutwork.agents.language.words import is_in, singular
from cutwork.domain import Call

TIMES = r"(?:night|day|sunset|sunrise|dawn|dusk|evening|morning|afternoon|noon|midnight|winter|summer|autumn|spring|snowy|rainy|foggy|snowing|raining)(?:time)?"
SHADE = r"(?:bright|light|dark|dim|pale|brighter|lighter|darker|dimmer|paler)"
SHADES = {"brighten": "bright", "lighten": "light", "darken": "dark", "dim": "dark", "dimmer": "dark", "brighter": "bright", "lighter": "light", "darker": "dark", "paler": "pale"}
COUNTER = {"dark": "bright", "dim": "bright", "gloomy": "bright", "bright": "dark", "light": "dark", "pale": "dark"}  # "too dark" wants it bright
BIT = r"(?:a (?:little )?bit|a little|much|slightly|a lot|a touch|somewhat|way|far|so|just|still|really|rather|quite|looks?|is|feels?) "
SOFT = {"blur": "blurred", "blurry": "blurred", "blurrier": "blurred", "blurred": "blurred", "out of focus": "blurred", "simplify": "simple", "simpler": "simple", "less busy": "simple", "less detailed": "simple", "soften": "soft", "softer": "soft", "more detailed": "detailed", "more interesting": "detailed", "busier": "detailed", "less boring": "detailed", "more colourful": "colourful", "more colorful": "colorful", "less plain": "detailed"}  # fmt: skip
STAYS = (
    rf"(?:(?:i|we) )?(?:(?:really|just|also|do) )*(?:like|love|keep|leave|preserve|lock|(?:don['’]t|do not) (?:change|touch|alter))\s+{THE_GROUND}"
    rf"(?: (?:as it (?:is|was)|the same|alone|unchanged|untouched|like (?:that|this|it is)|in place|there|though|a lot|very much))?"
    rf"|{THE_GROUND} (?:should|can|must|may|has to|needs to) (?:stay|remain)(?: .*)?|{THE_GROUND} stays(?: .*)?"
)
TRIED = (
    rf"(?:change|swap|replace|vary|switch|alter|update|rework|refresh|restore)\s+{THE_GROUND}(?: out)?|{THE_GROUND} (?:is|looks|feels) (?:{BIT}|too )*(?:boring|dull|plain|empty|flat|bland|busy|crowded|cluttered|distracting|generic)"
)


def left_or_tried(clause: Clause) -> list[Call] | None:
    """ "keep the background", which asks for nothing; "change the background", "the background is boring", which ask for another."""
    if clause.match(STAYS):
        return []
    return [call("reseed", subject="background")] if clause.match(TRIED) else None


def _shaded(clause: Clause) -> list[Call] | None:
    """ "brighten the background", "make the background darker", "blur the background", "it is too dark": the same one, said to be so."""
    match = (
        clause.match(rf"(?P<how>brighten|lighten|darken|dim|blur|simplify|soften)\s+(?:(?:up|out)\s+)?{THE_GROUND}(?: up| out)?(?: a (?:little )?(?:bit|little)| slightly)?")
        or clause.match(rf"(?:make|turn|have|let|get)\s+{THE_GROUND}\s+(?:(?:be|look) )?(?:{BIT})*(?:more )?(?P<how>{'|'.join((*SHADES, *SOFT))})")
        or clause.match(rf"(?:(?:make it |use |with |want |give it )?an? )?(?:{BIT})*(?P<how>{'|'.join((*(s for s in SHADES if s.endswith('er')), *SOFT))}) (?:back ?ground|backdrop)")
        or clause.match(rf"{THE_GROUND} (?:should|could|must|needs to) (?:be|look) (?:{BIT})*(?P<how>{'|'.join((*SHADES, *SOFT))})")
    )
    over = None if match else clause.match(rf"{THE_GROUND} (?:{BIT})*(?:too|so) (?P<how>{'|'.join(COUNTER)})(?: for (?:me|my taste))?")
    found = match or over
    if found is None or clause.there.plan is None:
        return None
    how = COUNTER[found["how"]] if over else SHADES.get(found["how"]) or SOFT[found["how"]]
    plain = re.sub(rf"\b{SHADE} ", "", clause.there.plan.background)
    shaded, count = re.subn(r"\b(an?|the) ", f"a {how} ", plain, count=1) if how not in SOFT.values() else (plain, 0)
    return [call("restyle", background=shaded if count else f"{plain}, {how}")]


def _no_ground(words: str) -> bool:
    """Whether words that stand where a background could be named name none: "keep the", "show my", "ground"."""
    return words in GROUND or words.split()[-1] in ("a", "an", "the", "this", "that", "its", "my", "your", "our", "their", "no", "more", "any")


def ground(clause: Clause) -> list[Call] | None:
    """ "make the background teal", "what if the background were a beach", "on a green background", "put them in the snow"."""
    shaded = _shaded(clause)
    if shaded:
        return shaded
    match = (
        clause.match(rf"(?:(?:make|turn|change|set|paint|colou?r|want|have|get|let|draw|recolou?r|switch|replace)\s+)?{THE_GROUND}(?:(?:'s|’s)? colou?r)?\s*(?:should be|could be|must be|to be|to become|be|become|was|were|is|into|to|in|with|by|as|:|=|like|showing|a bit|more)?\s*(?P<ground>[\w',’ -]+)")
        or clause.match(r"(?:(?:put|set|place|show|draw|have|use|make|try|want|switch to|change to|go with|go for|give (?:it|them|us|me))\s+)?(?:(?:it|them|this|everything|everyone|the subjects?|the scene|all of (?:it|them)|both|the whole thing)\s+)?(?:all )?(?:on|against|in front of|over|with|to)?\s*(?P<ground>(?:an?|the)?\s*[\w' -]+?)\s+(?:as (?:the |a )?|in the |for (?:the |a )?)?(?:back ?ground|backdrop|setting)(?: instead)?")
        or clause.match(r"(?:(?:put|set|place|move|show|draw|have|take|make|bring|transport)\s+)?(?:(?:it|them|this|everything|everyone|all of (?:it|them)|the scene|the whole (?:thing|scene|picture)|both|they|the subjects)\s+)?(?:should be |is |were |was |are |be |take place |happens? |to )?(?P<place>(?:in|on|at|under|by|inside|over|against|into|to)\s+[\w' -]+)")
        or clause.match(rf"(?:make it|let it be|it(?:'s|’s| is)?|turn it)\s+(?:be )?(?P<time>(?:at |in the )?{TIMES})")
        or clause.match(rf"(?:make |let |have )?(?:it|this|everything|the (?:whole )?(?:thing|scene|picture|image))\s+(?:(?:should|could|must|to) )?(?:feel|look|be|seem)\s+(?:a bit |a little |much )?(?:more )?like (?:it(?:'s|’s| is| was| were) )?(?P<time2>(?:at |in the )?{TIMES})")
    )
    if match is None:
        return None
    found = match.groupdict()
    if found.get("ground"):
        words = re.sub(r"\s+(?:instead|please|again|now)$", "", found["ground"].strip())
        words = re.sub(r"^(?:be|become|into|to|with)\s+", "", words)
        others = any(re.search(rf"(?<!\w){re.escape(s.noun.lower())}(?!\w)", words) for s in clause.there.subjects)
        if (others and re.search(r"\band\b|,", words)) or (named_by(words, clause.there) and not only_looks(words)) or re.search(r"\b(?:take|version|turn)\s*\d", words) or words in ("it", "them", "away", "out") or _no_ground(words):
            return None
        if re.match(r"(?:looks?|seems?|came|turned|re-?do|re-?draw|re-?paint|retry|fix|improve|mend|repair|try)\b", words):
            return None  # it is said how it came out, or that it be tried again
        return [call("restyle", background=clause.original(words))]
    found["time"] = found.get("time") or found.get("time2")
    place = (found.get("place") or found["time"] or "").strip()
    if found["time"]:
        seasons = {"snowy": "in the snow", "snowing": "in the snow", "rainy": "in the rain", "raining": "in the rain", "foggy": "in the fog"}
        name = place.removeprefix("at ").removeprefix("in the ").removesuffix("time")
        return [call("restyle", background=seasons.get(name, f"in the {name}" if name in ("evening", "morning", "afternoon") else f"in {name}" if name in ("winter", "summer", "autumn", "spring") else f"at {name}"))]
    inner = re.sub(r"^(?:in|on|at|under|by|inside|over|against|into|to)\s+", "", place)
    if re.fullmatch(PLACE, place) or named_by(inner, clause.there) or is_goods(inner, clause) or not _scenic(inner):
        return None
    return [call("restyle", background=clause.original(re.sub(r"^(?:into|to)\s", "in ", place)) if place.split()[0] in ("in", "on", "at", "under", "inside", "over", "by", "against") else f"in {clause.original(inner)}")]


def _scenic(words: str) -> bool:
    """Whether words name a place or weather rather than a thing."""
    said = bare(words)
    parts = said.split()
    return any(is_in("scenery", p) for p in (said, parts[-1], " ".join(parts[-2:]), singular(parts[-1])[0])) or bool(re.search(r"\b(?:of|at|in|under) ", said) and any(is_in("scenery", p) for p in parts))
