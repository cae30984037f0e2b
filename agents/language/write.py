"""What was understood, said again as a fuller prompt. Chooses a background and a look where the brief names none."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from cutwork.agents.language.model import Parsed, Relation
from cutwork.agents.language.remaining import QUOTED

BACKGROUNDS = ("white", "teal", "yellow", "pink", "blue", "purple", "green", "orange", "gray", "red")
LOOK = "glossy 3d style, soft lighting"
LOOKS = {"sticker": "glossy 3d style, clean outline", "textile": "flat illustration, clean shapes"}
MAX_WORDS = 45
LINKS = {
    "left": "to the left of",
    "right": "to the right of",
    "above": "above",
    "below": "below",
    "on": "on",
    "inside": "inside",
    "front": "in front of",
    "behind": "behind",
    "beside": "next to",
    "riding": "riding",
    "holding": "holding",
}
PREPOSITION = re.compile(
    r"(?:in|on|at|by|under|over|near|against|above|below|through|across|along|inside|outside|within|into|onto|off|around|between|beneath|underneath|up|down"
    r"|beyond|amid|among|upon|past|towards?|underwater|outdoors|indoors|throughout|from|with|beside|next to|close to|behind)\b"
)
Colour = str


# Who wants nothing behind the subjects wants their cut-outs, which are made best from a plain ground.
NOTHING = re.compile(r"\b(?:transparency|(?:no|without(?: an?| any)?|removed?(?: the)?) (?:background|backdrop|bg)|(?:background|backdrop)(?:[- ]free|less| removed))\b", re.I)
CLEAR = re.compile(r"\b(?:transparent|see-?through)\b", re.I)


def background(parsed: Parsed, text: str) -> str:
    """The stated background, or a plain one in no colour that a subject has: the same for the same brief, the first where nothing is to be there."""
    stated = [said for said in dict.fromkeys(parsed.background) if not CLEAR.search(said)]
    if stated:
        placing = [b for b in stated if PREPOSITION.match(b)]
        return " ".join(filter(None, [", ".join(b for b in stated if b not in placing), *placing]))[:300]
    worn = {word for t in parsed.things for a in t.attributes for word in a.split()}
    free = [c for c in BACKGROUNDS if not set(c.split()) & worn] or list(BACKGROUNDS)
    nothing = len(stated) < len(parsed.background) or NOTHING.search(QUOTED.sub("", text)) is not None
    colour = free[0 if nothing else zlib.crc32(text.encode("utf-8", "replace")) % len(free)]
    return f"{'an' if colour == 'orange' else 'a'} {colour} background"


def before(back: str) -> str:
    """The background as it follows a subject: "on a purple background", "at the beach"."""
    if not back or PREPOSITION.match(back):
        return back
    return f"on {back}" if re.search(r"\b(?:background|backdrop|wallpaper|bg)\b", back) else f"with {back} behind"


def style(parsed: Parsed, kind: str) -> str:
    """The stated look, or that of the kind."""
    return ", ".join(dict.fromkeys(parsed.styles))[:120] or LOOKS.get(kind, LOOK)


def prompt(parsed: Parsed, back: str, look: str) -> str:
    """One sentence with every thing, how they stand, the background and the look."""
    said = subjects(parsed)
    whole = " ".join(filter(None, [said, before(back) if said else back]))
    room = MAX_WORDS - len(whole.split())
    return ", ".join(filter(None, [whole, " ".join(look.split()[: max(0, room)]).rstrip(",")]))


def subjects(parsed: Parsed) -> str:
    """All things in order, each with those it stands on or beside: "a cat on a table, a dog and a rocket"."""
    named: set[int] = set()
    order = sorted(range(len(parsed.things)), key=lambda i: _said_later(i, parsed))
    parts = [_mention(i, parsed, named) for i in order if i not in named]
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _said_later(index: int, parsed: Parsed) -> bool:
    """Whether a thing only says where another one is, named after it: "between a lamp and a chair, a dog"."""
    about = [r for r in parsed.relations if index in (r.a, r.b, r.c)]
    return bool(about) and all(r.a > index for r in about)


def _mention(index: int, parsed: Parsed, named: set[int]) -> str:
    named.add(index)
    thing = parsed.things[index]
    peers = _peers(index, parsed, named)
    named.update(peers)
    words = [_listed([thing.phrases, *(parsed.things[i].phrases for i in peers)]), _place(thing.place)]
    for r in parsed.relations:
        if r.a == index and r.b not in named:
            words.append(_link(r, parsed, named))
    return " ".join(filter(None, words))


def _peers(index: int, parsed: Parsed, named: set[int]) -> list[int]:
    """Those that stand as this one does to the same thing, and nothing else: "a cat and a dog on a sofa"."""
    own = [(r.kind, r.b, r.c, r.said) for r in parsed.relations if r.a == index]
    if len(own) != 1 or own[0][1] in named or parsed.things[index].place:
        return []
    others = [i for i, t in enumerate(parsed.things) if i != index and i not in named and not t.place]
    return [i for i in others if [(r.kind, r.b, r.c, r.said) for r in parsed.relations if r.a == i] == own]


def _link(r: Relation, parsed: Parsed, named: set[int]) -> str:
    if r.kind != "between" or r.c is None:
        return f"{r.said or LINKS.get(r.kind, 'and')} {_mention(r.b, parsed, named)}"
    ends: Sequence[int] = dict.fromkeys([r.b, r.c]).keys()  # type: ignore[assignment]
    return "between " + " and ".join(_mention(i, parsed, named) for i in ends if i not in named)


def _place(place: str) -> str:
    if not place:
        return ""
    return {"front": "in the foreground", "centre": "in the centre"}.get(place, f"in the {place} corner" if " " in place else f"at the {place}")
