"""Briefs that leave the little words out, with them: "a car bottom right", "dog left, cat right", "cat x3", "a red and a blue balloon", "#ff8800",
"fox wears hat", "big dog small cat"."""

from __future__ import annotations

import re

from cutwork.agents.language import words
from cutwork.agents.language.heads import compound
from cutwork.plurals import plural

ENDS = r"(?=\s*(?:$|[,.;:!?]|(?:and|but|with|while|on|in)\b))"
SIDE = r"left|right|cent(?:er|re)|middle|top|bottom"
CORNER = re.compile(rf"\b([^\W\d_][\w'-]*),? ((?:top|upper|bottom|lower|middle|cent(?:er|re))[- ](?:left|right|cent(?:er|re)|middle))((?: corner)?){ENDS}", re.I)
ASIDE = re.compile(rf"\b([^\W\d_][\w'-]*) ({SIDE}){ENDS}", re.I)
PLACED = re.compile(rf"\b(?:on|in|at) the (?:(?:far|top|upper|bottom|lower) )?(?:{SIDE})\b", re.I)
SINGLE = ("a", "an", "one", "the")
LED = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
# After these the words name a side of something, a direction or no place: "the top left", "facing left", "turn right".
LEADING = frozenset("a an the its his her their this that my in on at to of from near towards toward far very all and or upper lower one none nothing is are turn turns look looks face faces go goes".split())
TIMES = re.compile(r"(?:(?<=^)|(?<=[,;:] )|(?<=\band )|(?<=,))((?:an? )?(?:[^\W\d_][\w'-]* ){0,2})([^\W\d_][\w'-]*) ?[x×] ?(\d{1,2})" + ENDS, re.I)
NUMBER = r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2}"
MANY = rf"an?|one|the|{NUMBER}"
SHARED = re.compile(rf"\b({MANY}) ([\w-]+) and ({MANY}) ([\w-]+) ([\w-]+)\b", re.I)
HEX = re.compile(r"(?:\ban? )?(?<![\w#])#([0-9a-f]{6}|[0-9a-f]{3})(?!\w)", re.I)
CLAUSE = re.compile(r"(?<![^\s,;.:!?])[^\W\d_][\w'-]*(?: [^\W\d_][\w'-]*){2,}")  # words with nothing between them
CONTRASTS = frozenset("fat thin skinny chubby slim old young new happy sad angry grumpy sleepy lazy calm good bad evil nice dirty clean hot cold wet dry fast slow smart silly brave scared cute ugly".split())
FIGURES = frozenset("robot snowman scarecrow doll puppet teddy ghost".split())  # who are things, or also describe, and yet do something
PLAIN = {
    "red": (220, 40, 40), "orange": (245, 140, 20), "yellow": (250, 220, 50), "green": (50, 160, 60), "teal": (20, 140, 140), "blue": (40, 90, 220),
    "purple": (130, 60, 190), "pink": (245, 140, 190), "brown": (130, 80, 40), "black": (20, 20, 20), "gray": (128, 128, 128), "white": (245, 245, 245),
}  # fmt: skip


def in_full(text: str) -> str:
    """The text with what was left out."""
    text = CLAUSE.sub(lambda match: _doing(_apart(match[0])), HEX.sub(_coloured, TIMES.sub(_counted, text)))
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


def _doing(clause: str) -> str:
    """ "fox wears hat": somebody, what they do and to what, with articles: "a fox wears a hat"."""
    said = clause.split(" ")
    at = next((at for at in range(1, len(said) - 1) if _does(said, at)), None)
    if at is None or not all(map(_describes, said[: at - 1])):
        return clause
    what = next((i for i in range(at + 1, len(said)) if not _describes(said[i])), at)
    single = what > at and not words.singular(said[what].lower())[1] and words.kind(said[what].lower()) in "ahop"
    object = [words.article(said[at + 1])] if single else []
    return " ".join([words.article(said[0]), *said[: at + 1], *object, *said[at + 1 :]])


def _does(said: list[str], at: int) -> bool:
    """Whether a word is what the one before it does to what follows."""
    who, verb, what = (word.lower() for word in said[at - 1 : at + 2])
    if not verb.endswith("s") or words.letters(words.verb_base(verb))[:1] != "V" or compound(f"{who} {words.singular(verb)[0]}"):
        return False
    return (_one(who) or who in FIGURES) and (words.is_noun(what) or words.is_modifier(what)) and not words.is_in("prep", what)


def _apart(clause: str) -> str:
    """ "big dog small cat": who is held against the one before is another; "old man long beard": what is a part of somebody, or worn, is theirs."""
    said, held = clause.split(" "), False
    for at in range(len(said)):
        noun = next((words.singular(word.lower())[0] for word in said[at:] if not _describes(word)), "")
        own = words.is_part(noun) or words.is_worn(noun)
        if at and _describes(said[at]) and own and _one(said[at - 1]):
            said[at - 1] += " with"
        elif held and _contrasts(said[at]) and _one(said[at - 1]) and words.is_noun(noun) and words.kind(noun) in "ahop":
            said[at - 1] += ","
        held = held or (_contrasts(said[at]) and all(map(_describes, said[:at])))
    return " ".join(said)


def _one(word: str) -> bool:
    """Whether a word is a single somebody, and describes nothing."""
    low = word.lower()
    return (words.kind(low) in ("a", "h") or words.is_in("everyday", low)) and not words.is_modifier(low) and not words.singular(low)[1]


def _contrasts(word: str) -> bool:
    return words.is_in("size", word.lower()) or word.lower() in CONTRASTS


def _describes(word: str) -> bool:
    return words.is_modifier(word.lower())


def _counted(match: re.Match[str]) -> str:
    described = re.sub(r"^an? ", "", match[1], flags=re.I)
    return match[0] if int(match[3]) < 1 else f"{match[3]} {described}{plural(match[2]) if int(match[3]) > 1 else match[2]}"


def _both(match: re.Match[str]) -> str:
    """ "a red and a blue balloon": one of each, where both describe and what follows is a thing."""
    one, other, noun = (word.lower() for word in (match[2], match[4], match[5]))
    if one == other:
        return match[0]  # "an orange and an orange cat"
    alike = (words.is_colour(one) and words.is_colour(other)) or (words.is_in("size", one) and words.is_in("size", other))
    if not alike or not words.is_noun(noun) or words.is_modifier(noun):
        return match[0]
    first = plural(noun) if match[1].lower() not in SINGLE else words.singular(noun)[0] if match[1].lower() != "the" else noun
    return f"{match[1]} {match[2]} {first} and {match[3]} {match[4]} {match[5]}"
