"""What a sentence is about where it is about no thing: the scenery ("The sky is grey."), the look of the picture ("The mood is calm."),
what stands behind everything ("In the background there are trees."), or the side of a thing named before ("To its right …").
"""

from __future__ import annotations

import re

from cutwork.agents.language.items import Item
from cutwork.agents.language.phrases import said
from cutwork.agents.language.reading import Reading
from cutwork.agents.language.relate import replace_relation
from cutwork.agents.language.tokens import Token

OWN_SIDE = re.compile(r"^\w+ (?:its|his|her|their) (?:left|right)\b")
ENTERING = ("through", "throughout", "across", "from", "in from")


def subject(reading: Reading, at: int) -> None:
    """ "A basket stands on a bench. It is full.": the sentence is about what the one before it was about."""
    if reading.opens(at) and reading.head:
        reading.group = list(reading.head)
        reading.last = reading.head[-1 if reading.items[at].text == "they" else 0]


def scenery(reading: Reading, at: int) -> None:
    """The sentence that begins here is about the scenery named last."""
    if reading.opens(at):
        reading.about = "scene"


def look(reading: Reading, at: int) -> None:
    """The sentence that begins here is about the picture's look, if it says what that is."""
    follows = reading.items[at + 1] if at + 1 < len(reading.items) else None
    if reading.opens(at) and follows is not None and follows.role in ("be", "verb"):
        reading.about = "look"


def say(reading: Reading, item: Item) -> None:
    """Words that describe the scenery, or the look."""
    if reading.about == "look":
        reading.parsed.styles += [a for a in item.attributes if a not in reading.parsed.styles]
        return
    back = reading.parsed.background[-1]
    article = re.match(r"(?:a|an|the) ", back)
    rest = back[article.end() :] if article else back
    reading.parsed.background[-1] = f"{article[0] if article else ''}{item.text} {rest}"


def relation(reading: Reading, token: Token) -> None:
    """ "Light comes in through a window": that is no thing; "Light falls on a cat" names one, that stands in no relation."""
    reading.dropping = token.text in ENTERING
    reading.waiting = None


def behind_all(reading: Reading, item: Item) -> bool:
    """After "In the background there are" all phrases are the background."""
    if not reading.behind:
        return False
    back = reading.parsed.background
    if reading.behind == "more" and back:
        link = "and" if reading.joined else reading.waiting[1] if reading.waiting else ""
        back[-1] = " ".join(filter(None, [back[-1], link, said(item)]))
    else:
        back.append(said(item))
    reading.behind = "more"
    return True


def own_side(reading: Reading, token: Token, thing_ahead: bool) -> bool:
    """ "To its right is a ball", "a cat with a dog to its left": a side of what the sentence before was about."""
    if reading.last is None or not OWN_SIDE.match(token.text):
        return False
    sides = [r.b for r in reading.parsed.relations if r.a == reading.last and r.kind in ("left", "right")]
    base = sides[-1] if sides else reading.head[0] if reading.head else reading.last
    before = reading.items[reading.at - 1] if reading.at else None
    if thing_ahead and reading.waiting is None and (before is None or before.role != "thing"):
        reading.leading = (token.value, base, None)
        return True
    if base == reading.last:
        return False
    replace_relation(reading, token.value, reading.last, base)
    return True
