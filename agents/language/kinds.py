"""Which kind of goods a brief names: "a sticker of a cat", "meme: …", "lemons and bees, seamless pattern", "grumpy cat sticker for WhatsApp".

Only where the words say what is to be made. "A laptop covered in stickers", "a cat in a striped pattern" and "a dog looking at a meme" are pictures of them.
"""

from __future__ import annotations

import re

from cutwork.agents.language import words
from cutwork.agents.language.chat import frames
from cutwork.agents.language.remaining import BLANK, QUOTED, blanked
from cutwork.domain import Kind

PLATFORMS = ("whatsapp", "telegram", "discord")
CLOTH = (
    r"(?:seamless|repeat(?:ing|able)?|tile?able|surface|all-?over|textile|fabrics?|wallpaper|gift ?wrap|wrapping paper|upholstery"
    r"|curtain|bedding|quilt|nursery|pyjamas?"
    r"|(?:hawaiian|aloha) shirt|dress|scarf|bandana|kimono|baby blanket|cushion|pillow|tablecloth|swimwear|half[- ]?drop|ogee|tossed|toile|damask|ditsy)"
)
NAMES: tuple[tuple[Kind, str], ...] = (
    ("meme", r"memes?(?: (?:template|picture|image|idea|concept))?|image macros?"),
    (
        "sticker",
        r"(?:(?:die|kiss)[- ]?cut |vinyl |whatsapp |telegram |discord |laptop )*stickers?(?:[ -](?:packs?|sheets?|sets?|bundles?|designs?|ideas?))?"
        r"|(?:discord|telegram|twitch|slack) (?:emotes?|emojis?)",
    ),
    (
        "textile",
        rf"(?:{CLOTH}[- ])*patterns?(?: (?:repeat|design|print|tile))?|(?:{CLOTH}[- ])+(?:prints?|repeats?|tiles?|textures?)|(?:seamless"
        r"|surface|textile|fabric)[- ]designs?|textiles?|fabrics?|gift ?wrap|wrapping paper",
    ),
    ("cutout", r"cut-?outs?|transparent pngs?"),
)  # fmt: skip
OF = re.compile(
    r"\s+(?:of|with|about|showing|shows|featuring|having|where|in which|that shows|using|but (?:with|it's)|de|di|von|mit|con|avec"
    r"|for [^,;:.]{2,40}? (?:with|of|showing|featuring))\b\s*"
    r"|(?: for [^,;:.]{2,40}?)?\s*[:–—]\s*|\s+-\s+|\s+(?=when\b)",
    re.I,
)
CALLED = re.compile(rf"\s+(?:(?:called|named|titled|entitled)\s+)?(?:{QUOTED.pattern})", re.I)  # the title of a pack, in front of what is in it
FOR_PLATFORM = rf"(?: for (?:{'|'.join(PLATFORMS)}|print(?:ing)?))?"
ENDS = re.compile(r"\s*(?:$|[,;.!)#(\x00]|(?:for|in|at|about|with|wearing|holding|please|pls|lol|lmao|haha|thx|thanks)\b|\d)", re.I)
STARTING = ("meme", "sticker", "pattern")  # at the very start, whatever follows: "sticker fox", "meme top MONDAY"
# What may stand in front of goods that are asked for: "hi, can you make me a …", and in broken English "I want make one …".
ASKING = set(
    "hi hello hey ok okay pls plz please can could would you u i we my our client customer want wants need needs to like love make do design draw"
    " create generate give get me us help with for looking have just new some let lets let's it is this as id i'd we'd idea style"
    " quiero un una ein eine einen ich möchte je veux une".split()
)
LINKS = {"and", "or", "but", "of"}
# What follows these is in the picture; and what makes other things of the goods they stand before: "a bumper sticker".
HOLDS = set("with wearing holding holds carrying has have having covered like selling sticking peeling beside near behind by".split())
OTHER = set("sewing knitting crochet flight test speech behaviour behavior weather traffic dot bumper price name parking number".split())
AT_TAG = re.compile(r"(?:^|[,;.!:+(|]\s*|\b(?:as|for) )(?:an? |one )?$", re.I)


def kind_named(text: str) -> tuple[Kind | None, str]:
    """The kind that a text asks for, and the text without the words that only say so; None and the text as it is where it asks for none."""
    plain = blanked(text)
    found = [(kind, match) for kind, names in NAMES for match in re.finditer(rf"(?<![\w-])(?:{names})(?![\w-]){FOR_PLATFORM}", plain, re.I)]
    for kind, match in sorted(found, key=lambda item: (item[1].start(), -item[1].end())):
        rest = _led(text, match, kind) or _ended(text, match, kind)
        if rest is not None:
            return kind, ", ".join(filter(None, [rest, *_said_besides(match[0])]))
    return None, text


def _said_besides(name: str) -> list[str]:
    """What the name of the goods says of how they are made, to be read on: "WhatsApp stickers", "half-drop pattern"."""
    low = name.lower()
    repeats = [match[0] for match in re.finditer(r"half[- ]?drop|ogee|tossed", low)]
    return [word for word in (*PLATFORMS, "die-cut", "for print") if word in low] + [f"{repeat} repeat" for repeat in repeats]


def _led(text: str, match: re.Match[str], kind: Kind) -> str | None:
    """What is left where the goods are named first: "please make me a cute sticker of a cat" is "a cat, cute"."""
    before, after = text[: match.start()], text[match.end() :]
    title = CALLED.match(after) if kind == "sticker" else None
    if title and not OF.match(after, title.end()):
        title = None
    after = after[title.end() :] if title else after
    of = OF.match(after)
    quoted = [found[0] for found in QUOTED.finditer(before)]  # '"this is fine" meme with a hamster'
    said = re.sub(rf"[,!{BLANK}]", " ", blanked(before).lower()).split()
    asked = next((i for i, word in enumerate(said) if word not in ASKING and word not in words.own()["det"] and word not in ("a", "one")), len(said))
    look = said[asked:]
    if not before.strip() and match[0].lower().startswith(STARTING) and not of and re.match(r"\s", after):
        return after.strip()
    number = f"{look.pop()} " if len(look) == 1 and (look[0].isdecimal() or words.is_in("number", look[0])) else ""  # "4 stickers of avocado"
    if not of or len(look) > 4 or any(_breaks(word) for word in look):
        return None
    if kind == "textile" and frames(f"{' '.join(look)} {match[0].lower()}"):
        look = []  # "kids fabric with rockets"
    if look and of[0].strip() in ("with", "about", "having") and not words.is_modifier(look[-1]):
        return None  # "hedgehog sticker with a hat"
    left = after[of.end() :].strip()
    named = title[0].strip() if title else ""
    return ", ".join(filter(None, [named, left if left.split(" ")[0].lower() in words.own()["det"] else number + left, " ".join(look), *quoted]))


def _breaks(word: str) -> bool:
    """Whether a word does not describe the goods it stands in front of."""
    other = word in LINKS | HOLDS | OTHER or words.is_in("prep", word) or not (word[0].isalpha() or "-" in word)
    return other or (word.endswith("ing") and not words.is_modifier(word))


def _ended(text: str, match: re.Match[str], kind: Kind) -> str | None:
    """What is left where the goods are named last, or between commas: "grumpy cat sticker", "a fox, as a sticker", "otter, sticker sheet, pastel"."""
    before, after = text[: match.start()], text[match.end() :]
    if not ENDS.match(blanked(after)):
        return None
    tag = AT_TAG.search(before)
    if tag:
        return before[: tag.start()] + ("," if after.strip() and before.strip() else "") + after
    framed = re.match(r"\s*[:.,]\s+(?=\S)", after)
    if framed and frames(f"{before}{match[0]}".lower()):
        return after[framed.end() :]  # "Kids bedding print. Tiny diggers"
    clause = re.split(r"[,;.:!(]", before)[-1].lower().split()
    if not clause or clause[-1] in words.own()["det"] or _breaks(clause[-1]) or _in_the_picture(clause, kind):
        return None
    if words.is_modifier(clause[-1]) and not words.is_noun(clause[-1]):
        return None  # "a red sticker": of nobody
    return before.rstrip() + after


def _in_the_picture(clause: list[str], kind: Kind) -> bool:
    """Whether what leads up to the goods puts them into the picture: "a dog with a pirate" sticker, "tiles in a mosaic" pattern."""
    last = next((i for i in range(len(clause) - 1, -1, -1) if clause[i] in words.own()["det"]), 0)
    led = clause[max(0, last - 1) : last] if last else clause[-3:-1]
    placed = kind == "textile" and any(words.is_in("prep", word) for word in led if word not in ("of", "and"))
    return placed or any(word in HOLDS for word in led)
