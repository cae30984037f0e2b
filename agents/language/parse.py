"""Brief -> `Parsed`: which things are to be drawn, what binds to them, how they stand to each other, what is behind.

Reads the items of `chunks` from left to right once, holding what is still open: a relation or verb that waits for its
object, a "without" that swallows what comes. No tree is built; a brief is a list of things with hints between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from cutwork.agents.language import foreign, words
from cutwork.agents.language.chunks import Item, chunk
from cutwork.agents.language.model import NUMBERS, Parsed, Relation, Thing
from cutwork.agents.language.tokens import Token, tokens
from cutwork.domain import MAX_COUNT

# "meme: …": the kind of design, not part of the picture.
KINDS = r"meme|sticker|cut-?out|textile|logo|poster|icon|pattern|brief|prompt|subject|design|print|emoji|t-shirt"
PREFIX = re.compile(rf"^\s*(?:{KINDS})\s*(?:design|idea|print|brief)?\s*[:\-–—]\s+", re.I)
# What announces lettering, before its quotation mark: ', top "MONDAY"', 'with the caption "…"'.
CUES = set(
    "top bottom upper lower caption captioned text word words lettering title titled slogan label labeled labelled say says saying read reads reading".split()
)
CUES |= set("quote phrase message written line".split())
CUE_FILLERS = set("with and that which the a is on at".split())
QUOTED = re.compile(r"[\"“«„][^\"”»“]*[\"”»“]")
PLAIN_MEDIA = {"photo", "picture", "image", "sticker", "cutout", "cut-out", "meme", "pic", "scene", "design", "art", "artwork", "textile", "style", "logo"}
PLAIN_MEDIA |= {"view", "side view", "pack", "set"}
UNQUOTED = re.compile(r"\b(that (?:says|reads)|which (?:says|reads)|saying|captioned)\s+([^\s,.;:\"'“‘«]+(?:\s+[A-Z][^\s,.;]*)*)")
DROPPING = {"for", "during", "about", "despite", "via", "per", "than", "before", "after", "since", "until"}
GEOMETRIC = {"left", "right", "above", "below", "under", "over", "front", "behind", "beside"}
ABSORBING = {"as", "like"}


def parse(text: str) -> Parsed:
    """What a brief asks for. Never fails; a text with letters gives at least one thing, a background or a style."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text[:2_000]))
    quoted = UNQUOTED.sub(r'\1 "\2"', plain)
    cued = _without_cues(PREFIX.sub("", quoted))
    found = tokens(foreign.in_english(cued))
    reader = Reader(chunk([t for t in found if t.kind != "text"]))
    parsed = reader.read()
    parsed.lettering = [t.cased.strip("\"'“”«»„‘’") for t in found if t.kind == "text"]
    if not parsed.things and not parsed.background:
        _fall_back(parsed, found)
    return parsed


def _without_cues(text: str) -> str:
    """The text without the words that only announce a quotation."""
    out, at = [], 0
    for match in QUOTED.finditer(text):
        out += [_uncued(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*out, text[at:]])


def _uncued(before: str) -> str:
    said = before.split()
    kept = len(said)
    while kept and said[kept - 1].strip(",:").lower() in CUES | CUE_FILLERS:
        kept -= 1
    cued = any(word.strip(",:").lower() in CUES for word in said[kept:])
    return " ".join(said[:kept]) + ", " if cued else before


def _fall_back(parsed: Parsed, found: list[Token]) -> None:
    """Nothing was recognised: the words together are one thing."""
    said = [t.text for t in found if t.kind == "word" and not (words.is_in("function", t.text) or words.is_in("det", t.text))]
    said = [w for w in said if not words.is_in("media", w)] or said
    if any(any(c.isalpha() for c in word) for word in said):
        parsed.things.append(Thing(" ".join(said[:6])[:120]))
        parsed.notes.append("No known thing was found in the brief; its words are drawn as one subject.")


class Reader:
    """What has been read so far and what is still open."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.parsed = Parsed()
        self.group: list[int] = []  # things of the running list: "a cat and a dog"
        self.head: list[int] = []  # things that the sentence is about
        self.last: int | None = None
        self.waiting: tuple[str, str] | None = None  # relation or verb without its object yet, and the words it was said with
        self.leading: tuple[str, int] | None = None  # "on a table, a cat": a relation whose subject comes later
        self.place = ""  # "on the left, a cat"
        self.negated = False
        self.dropping = False
        self.absorbing = ""  # "wearing", "made of": what follows describes the last thing
        self.joined = False  # "and" or a comma since the last phrase
        self.chain = ""  # "from left to right:"
        self.between: list[int] = []
        self.tailed = False  # the last phrase described the thing before it: "a hat and a scarf" may go on

    def read(self) -> Parsed:
        for at, item in enumerate(self.items):
            handler: Callable[[Item, int], None] = getattr(self, f"_{item.role}")
            handler(item, at)
        self._chain_up()
        return self.parsed

    # --- tokens -------------------------------------------------------------------------------------------------

    def _token(self, item: Item, at: int) -> None:
        token = item.token
        assert token is not None
        {
            "comma": self._comma,
            "stop": self._stop,
            "relation": self._relation,
            "place": self._stated_place,
            "not": self._not,
            "order": self._order,
            "background": self._behind_all,
            "setting": self._setting,
        }[token.kind](token, at)

    def _comma(self, _token: Token, at: int) -> None:
        listed = self.waiting is None and not self.absorbing
        if listed or not self._phrase_follows(at):
            self.negated = self.dropping = False
        self.absorbing = ""
        self.joined = True

    def _stop(self, token: Token, _at: int) -> None:
        self.negated = self.dropping = False
        self.absorbing, self.waiting, self.between = "", None, []
        self.joined = token.text in (":", "(", ")")
        if token.text in (".", ";", "!", "?"):
            self.group = []

    def _phrase_follows(self, at: int) -> bool:
        return at + 1 < len(self.items) and self.items[at + 1].role in ("thing", "adjectives")

    def _relation(self, token: Token, at: int) -> None:
        kind = token.value
        self.dropping = False
        self.negated = False
        if self.absorbing and kind in ("with", "inside", "on", "beside") and self.last is not None:
            self.absorbing += f" {token.text}"  # "covered in", "filled with"
            return
        self.absorbing = ""
        if kind == "between":
            self.between = []
        if self.parsed.things and self._loose_on(token, at):
            return
        self.waiting = (kind, token.text)

    def _loose_on(self, token: Token, at: int) -> bool:
        """ "with a vase on it": the last thing stands so to the one before it; "above it a clock": so does the next one."""
        follows = self.items[at + 1] if at + 1 < len(self.items) else None
        if follows is None or follows.role != "pronoun" or self.last is None:
            return False
        if self._thing_at(at + 2):
            self.leading = (token.value, self.head[0] if self.head else self.last)
            return True
        if self.last == 0:
            return False
        base = self.head[0] if self.head and self.head[0] != self.last else self.last - 1
        self._replace_relation(token.value, self.last, base)
        return True

    def _thing_at(self, at: int) -> bool:
        return at < len(self.items) and self.items[at].role == "thing"

    def _replace_relation(self, kind: str, a: int, b: int) -> None:
        kept = [r for r in self.parsed.relations if {r.a, r.b} != {a, b}]
        self.parsed.relations = [*kept, Relation(_named(kind), a, b)]

    def _stated_place(self, token: Token, at: int) -> None:
        if token.text in ("on top", "on the top") and len(self.parsed.things) > 1 and self.last is not None and not self.joined:
            self._replace_relation("on", self.last, self.head[0] if self.head[0] != self.last else self.last - 1)
            return
        opens = self.joined or self.last is None or at == 0 or self.items[at - 1].text in (".", ";", "!", "and")
        if opens and self._thing_ahead(at):
            self.place = token.value
            return
        if self.place == "" and opens and self.last is None:
            self.place = token.value
            return
        for index in self._subjects(token.value):
            self.parsed.things[index].place = self.parsed.things[index].place or token.value
        self.waiting = None

    def _thing_ahead(self, at: int) -> bool:
        """Whether a place at the start of a clause belongs to the thing after it: a phrase follows at once."""
        for item in self.items[at + 1 : at + 4]:
            if item.role in ("thing", "adjectives", "media"):
                return True
            if item.role not in ("be", "skip", "pronoun", "verb", "have") and item.text not in (",", ":"):
                return False
        return False

    def _subjects(self, place: str) -> list[int]:
        """Whom a place is said of: a list in one breath ("two cats on the left") or the last thing."""
        if self.last is None:
            return []
        return [self.last] if place else self.group

    def _not(self, token: Token, at: int) -> None:
        self.negated = not (token.text == "not" and at + 1 < len(self.items) and self.items[at + 1].text == "only")
        self.waiting = None

    def _order(self, token: Token, _at: int) -> None:
        reverse = token.text.startswith("from right") or token.text.startswith("from bottom") or token.text.startswith("from the right")
        self.chain = token.value + ("-" if reverse else "")

    def _behind_all(self, token: Token, at: int) -> None:
        """ "with a city in the background": the last thing is not a subject."""
        if self.last is None or token.text.startswith("behind"):
            if self.last is not None and self.last > 0:
                self._replace_relation("behind", self.last, 0)
            return
        before = self.items[at - 1]
        if before.role != "thing" or before.noun == self.parsed.things[self.last].noun:
            self._to_background(self.last)

    def _setting(self, token: Token, _at: int) -> None:
        """ "a bear underwater"."""
        if not self.negated:
            self.parsed.background.append(token.text)

    def _to_background(self, index: int) -> None:
        thing = self.parsed.things.pop(index)
        self.parsed.background.append(thing.phrases)
        down = {i: i - (i > index) for i in range(len(self.parsed.things) + 1) if i != index}
        kept = [r for r in self.parsed.relations if index not in (r.a, r.b, r.c)]
        self.parsed.relations = [Relation(r.kind, down[r.a], down[r.b], None if r.c is None else down[r.c]) for r in kept]
        self.group = [down[i] for i in self.group if i != index]
        self.head = [down[i] for i in self.head if i != index]
        self.last = len(self.parsed.things) - 1 if self.parsed.things else None

    # --- small words --------------------------------------------------------------------------------------------

    def _and(self, item: Item, _at: int) -> None:
        if item.text != "or" and item.text != "nor":
            self.negated = False
        self.absorbing = ""
        self.joined = True

    def _be(self, _item: Item, _at: int) -> None:
        self.waiting = None
        self.joined = False

    def _have(self, _item: Item, _at: int) -> None:
        if self.last is not None:
            self.waiting = ("with", "with")

    def _that(self, _item: Item, _at: int) -> None:
        self.joined = False

    def _pronoun(self, _item: Item, at: int) -> None:
        follows = self.items[at + 1].role if at + 1 < len(self.items) else ""
        if follows != "adjectives":
            self.waiting = None

    def _skip(self, _item: Item, _at: int) -> None:
        pass

    def _prep(self, item: Item, at: int) -> None:
        if item.text in DROPPING:
            self.dropping = True
        elif item.text in ABSORBING and self.last is not None:
            self.absorbing = f"{self.absorbing} {item.text}".strip()
        elif item.text in ("of", "from", "to") and self.waiting is None and self.last is not None:
            own = self.absorbing or (self.items[at - 1].role == "thing" and self.items[at - 1].noun == self.parsed.things[self.last].noun)
            self.dropping = not own  # "an ant the size of a car"
            self.absorbing = f"{self.absorbing} {item.text}".strip() if own else ""

    def _media(self, item: Item, _at: int) -> None:
        if not self.negated and item.text not in PLAIN_MEDIA:
            self.parsed.styles.append(item.text)
        if self.waiting and self.waiting[1] == "in":
            self.dropping = words.is_in("tail", item.text.split(" ")[-1])  # "in the style of Cezanne"
        self.waiting = None

    def _verb(self, item: Item, at: int) -> None:
        word = item.text
        self.waiting = None
        if self.last is None or self.leading:
            return
        if self._at_something(word, at):
            self.waiting = ("beside", "against")  # "tied to a tree", "hanging from a branch"
        elif words.is_in("worn-verb", word) or (words.is_in("absorb", word) and self._absorbs(at)):
            self.absorbing = word
        elif words.is_in("riding", word):
            self.waiting = ("riding", word)
        elif words.is_in("holding", word):
            self.waiting = ("holding", word)
        elif self._phrase_follows(at):
            self.waiting = ("facing", word)
        elif not self.joined and (at + 1 >= len(self.items) or word.endswith("ing")):
            self._describe(self.last, word)
        self.joined = False

    def _at_something(self, word: str, at: int) -> bool:
        follows = self.items[at + 1].text if at + 1 < len(self.items) else ""
        return follows == "to" or (follows == "from" and not words.is_in("absorb", word))

    def _absorbs(self, at: int) -> bool:
        """Whether a verb such as "made" or "covered" goes on to say with or of what."""
        follows = self.items[at + 1] if at + 1 < len(self.items) else None
        if follows is None:
            return False
        said = follows.text in ("as", "like", "of", "from", "into", "in", "with", "on", "by")
        return said or follows.role in ("adjectives", "thing")

    def _describe(self, index: int, word: str) -> None:
        thing = self.parsed.things[index]
        if word not in thing.tails and word not in ("standing", "being", "having") and thing.count == 1:
            thing.tails.append(word)

    # --- phrases ------------------------------------------------------------------------------------------------

    def _adjectives(self, item: Item, at: int) -> None:
        """Words that describe, without a noun: "is red", "on purple", "a blue one", "painted red"."""
        waiting, self.waiting = self.waiting, None
        if self.negated or self.dropping:
            return
        if self.last is not None and item.det and at + 1 < len(self.items) and self.items[at + 1].text in ("one", "ones"):
            self.waiting = waiting
            self._add(Thing(self.parsed.things[self.last].noun, _shown(item)))
            self.waiting = None
        elif waiting and waiting[0] in ("on", "at", "inside", "with", "over"):
            self._coloured(item, waiting[1])
        elif self.last is not None and self._said_of_last(item, at):
            for index in self.group or [self.last]:
                self._attribute(index, item.attributes)
        elif self.last is not None and self.absorbing:
            self._tail(f"{self.absorbing} {item.text}")  # "made of paper"
        elif all(words.is_in("style", a) or words.is_in("pattern", a) for a in item.attributes):
            self.parsed.styles.append(item.text)

    def _said_of_last(self, item: Item, at: int) -> bool:
        """After "is" or a verb, right behind the noun, or joined to words that were."""
        if at == 0:
            return False
        before = self.items[at - 1].role
        plain = all(words.is_in("adjective", a) or words.is_colour(a) for a in item.attributes)
        if self.absorbing:
            return words.is_colour(item.attributes[-1])
        return before in ("be", "skip", "verb", "that") or (before == "thing" and not self.joined) or (self.joined and plain and self._was_attribute(at))

    def _was_attribute(self, at: int) -> bool:
        """ "the cat is fat and grumpy": the item before "and" was an attribute too."""
        return at > 1 and self.items[at - 2].role == "adjectives"

    def _attribute(self, index: int, attributes: list[str]) -> None:
        thing = self.parsed.things[index]
        thing.attributes.extend(a for a in attributes if a not in thing.attributes and not words.is_in("function", a))

    def _coloured(self, item: Item, said: str) -> None:
        """ "on purple" is a background, "a car in red" an attribute."""
        if not any(words.is_colour(a) or words.is_in("pattern", a) for a in item.attributes):
            return
        if said == "in" and self.last is not None:
            self._attribute(self.last, item.attributes)
        else:
            self.parsed.background.append(f"{words.article(item.text)} {item.text} background")

    def _thing(self, item: Item, at: int) -> None:
        if self._is_background(item):
            self._add_background(item)
        elif self.negated:
            pass
        elif self.dropping or (self.waiting and self.waiting[1] == "by" and words.kind(item.noun) == "?"):
            self.dropping = False  # "for my bakery", "by Greg Rutkowski"
        elif self._stands_for_last(item):
            self._again(item)
        elif self._describes_last(item):
            self.tailed = True
        elif not self._is_behind(item):
            self.tailed = False
            self._drawn(item, at)
        if not self._still_waits(item, at):
            self.waiting = None
        self.joined = False
        self.absorbing = ""

    def _still_waits(self, item: Item, at: int) -> bool:
        """ "between a cat" waits for a second thing, "in the arms of" for whose arms they are."""
        if self.waiting is None:
            return False
        if self.waiting[0] == "between":
            return len(self.between) < 2
        return self.tailed and self._some_part(item) and at + 1 < len(self.items) and self.items[at + 1].text == "of"

    def _is_background(self, item: Item) -> bool:
        return words.is_in("background", item.noun.rpartition(" ")[2]) and item.noun != "surface"

    def _add_background(self, item: Item) -> None:
        """ "on a teal striped background"; "the background is a forest" leaves what follows to `_is_behind`."""
        text = " ".join([*item.attributes, item.noun])
        bare = text in ("background", "backdrop", "backgrounds", "bg")
        if bare:
            self.waiting = ("behind-all", "")
            self.absorbing = ""
        elif not self.negated:
            self.parsed.background.append(f"{item.det if item.det in ('a', 'an') else words.article(text)} {text}")

    def _stands_for_last(self, item: Item) -> bool:
        return item.noun == "one" and self.last is not None

    def _again(self, item: Item) -> None:
        assert self.last is not None
        self._add(Thing(self.parsed.things[self.last].noun, [a for a in item.attributes if a != "one"]))

    def _describes_last(self, item: Item) -> bool:
        """Worn things, parts, and what follows "made of" describe the thing before them."""
        if self.last is None:
            return False
        if self.tailed and self.joined and self.waiting is None and self._goes_on(item):
            self._tail(f"and {_said(item)}")
            return True
        if self.absorbing and not (self.absorbing in ("of", "to", "from") and self.joined):
            self._tail(f"{self.absorbing} {_said(item)}")
            return True
        if item.det in ("its", "his", "her", "their") and (words.is_part(item.noun) or words.is_worn(item.noun)):
            self._at_a_part(item)
            return True
        if self.waiting and self.waiting[0] in ("with", "inside") and self._worn_or_part(item):
            self._tail(f"{self.waiting[1] if self.waiting[0] == 'with' else 'in'} {_said(item)}")
            return True
        return self.waiting is not None and self.waiting[0] != "with" and self._some_part(item)

    def _some_part(self, item: Item) -> bool:
        """ "attached to the back", "on the roof": a part of what was named, not a thing."""
        return (
            item.det in ("the", "its", "his", "her", "their")
            and words.is_part(item.noun)
            and not words.is_in("noun", item.noun)
            and not words.is_in("thing", item.noun)
        )

    def _at_a_part(self, item: Item) -> None:
        """ "a giraffe with an owl on its head", "a dog with a ball in its mouth"."""
        if self.waiting is None or self.waiting[0] not in ("on", "inside") or self.last is None or not self.head or self.head[0] == self.last:
            return
        if self.waiting[0] == "on":
            self._replace_relation("on", self.last, self.head[0])
        elif item.noun in ("mouth", "hand", "arm", "paw", "beak", "claw", "trunk"):
            self._replace_relation("holding", self.head[0], self.last)

    def _goes_on(self, item: Item) -> bool:
        """ "a hat and a scarf", "filled with water and bamboo"."""
        bare = item.det == "" and (item.plural or item.count == 1) and words.kind(item.noun) in "fsp"
        return words.is_worn(item.noun) or words.is_part(item.noun) or bare

    def _worn_or_part(self, item: Item) -> bool:
        assert self.last is not None
        assert self.waiting is not None
        if self.waiting[0] == "inside":
            return self.waiting[1] == "in" and words.is_worn(item.noun)
        both_food = item.det == "" and words.kind(item.noun) == "f" and words.kind(self.parsed.things[self.last].noun) == "f"
        return words.is_worn(item.noun) or words.is_part(item.noun) or both_food

    def _tail(self, text: str) -> None:
        assert self.last is not None
        comma = self.joined and self.waiting is not None  # "a cat on a mat, with a hat"
        stands_on = bool(self.head) and any((r.a, r.b) == (self.head[0], self.last) for r in self.parsed.relations)
        lifeless = (
            stands_on and words.is_in("worn-verb", text.split(" ")[0]) and words.kind(self.parsed.things[self.last].noun) not in "ah?"
        )  # "… on a bed wearing a tie"
        thing = self.parsed.things[self.head[0] if self.head and (comma or lifeless) else self.last]
        if text not in thing.tails and sum(map(len, thing.tails)) < 80:
            thing.tails.append(text)

    def _is_behind(self, item: Item) -> bool:
        """Scenery: what is in, on or at a place stands before it."""
        if self.waiting and self.waiting[0] == "behind-all":
            self.parsed.background.append(_said(item))
            return True
        if not words.is_scenery(item.noun):
            return False
        if self.waiting is None:
            if words.is_pure_scenery(item.noun) and not (self.joined and self.parsed.things and item.det):
                self.parsed.background.append(_said(item))
                return True
            return False
        kind, said = self.waiting
        if words.is_in("noun", item.noun) and kind not in ("on", "at", "inside"):
            return False  # "over the moon", but "on the moon"
        if kind in ("left", "right", "facing", "holding", "riding", "between", "with") and not words.is_pure_scenery(item.noun):
            return False
        self.parsed.background.append(f"{said} {_said(item)}".replace("on top of", "on"))
        return True

    def _drawn(self, item: Item, at: int) -> None:
        """A thing of its own, unless it is a style or cannot be drawn."""
        kind = words.kind(item.noun)
        if kind == "x" or words.is_in("style", item.noun) or words.is_in("tail", item.noun.rpartition(" ")[2]):
            if words.is_in("tail", item.text.split(" ")[-1]) or words.is_in("style", item.noun):
                self.parsed.styles.append(item.text)
            return
        known = self._known(item)
        if known is not None:
            self._meet(known, at)
        else:
            self._add(_made(item))

    def _known(self, item: Item) -> int | None:
        """The thing already named that this phrase names again."""
        if item.det == "another":
            return None
        same = [i for i, t in enumerate(self.parsed.things) if t.noun == item.noun]
        if not same:
            return None
        if item.det == "the" or item.det in ("this", "that"):
            fitting = [i for i in same if set(_shown(item)) <= set(self.parsed.things[i].attributes)]
            return (fitting or same)[0] if fitting or not item.attributes else None
        alike = [i for i in same if self.parsed.things[i].attributes == _shown(item)]
        again = self.waiting[0] in GEOMETRIC if self.waiting else self._relation_ahead(item)
        if not alike or not again or not self.parsed.relations or (self.waiting and alike[0] == self.last):
            return None
        return alike[0]

    def _relation_ahead(self, item: Item) -> bool:
        at = next(i for i, other in enumerate(self.items) if other is item)
        for other in self.items[at + 1 : at + 4]:
            if other.token is not None and other.token.kind == "relation":
                return other.token.value in GEOMETRIC
            if other.role not in ("be", "verb", "skip"):
                return False
        return False

    def _meet(self, known: int, at: int) -> None:
        if self.waiting and self._thing_at(at + 1):
            self.leading = (self.waiting[0], known)  # "left of the couch a lamp"
        elif self.waiting:
            self._relate(known)
        else:
            self.group, self.head = [known], [known]
        self.last = known

    def _add(self, thing: Thing) -> None:
        twin = self._twin(thing)
        if twin is not None:
            self.parsed.things[twin].count = min(MAX_COUNT, self.parsed.things[twin].count + thing.count)
            return
        if thing.count > MAX_COUNT:
            self.parsed.notes.append(f"{thing.count} of {thing.noun!r} were asked for; {MAX_COUNT} are planned.")
            thing.count = MAX_COUNT
        self.parsed.things.append(thing)
        index = len(self.parsed.things) - 1
        if self.place:
            thing.place, self.place = self.place, ""
        if self.waiting:
            self._relate(index)
        else:
            self._list(index)
            self._catch_up(index)
        self.last = index

    def _twin(self, thing: Thing) -> int | None:
        """ "a cat and a cat" is two cats."""
        if self.waiting or not self.joined or self.last is None or self.place or self.chain:
            return None
        last = self.parsed.things[self.last]
        same = (last.noun, last.attributes, last.tails, last.place) == (thing.noun, thing.attributes, thing.tails, thing.place)
        return self.last if same and self.last in self.group else None

    def _list(self, index: int) -> None:
        """The thing joins the running list, or starts a new one."""
        related = self.last is not None and any(self.last in (r.b, r.c) for r in self.parsed.relations)
        self.group = [*self.group, index] if self.joined and self.group and not related else [index]
        self.head = list(self.group)

    def _catch_up(self, index: int) -> None:
        """ "on a table, a cat": the cat is what the opening relation waits for."""
        if self.leading is None:
            return
        kind, base = self.leading
        self.leading = None
        self.parsed.relations.append(Relation(_named(kind), index, base))

    def _relate(self, index: int) -> None:
        assert self.waiting is not None
        kind, _ = self.waiting
        if kind == "between":
            self._relate_between(index)
        elif self.last is None and not self.group:
            self.leading = (kind, index)
        else:
            for subject in self._doers(kind):
                if subject != index:
                    self.parsed.relations.append(Relation(_named(kind), subject, index))

    def _doers(self, kind: str) -> list[int]:
        """Who stands in the relation: the list just read; after "on" or "in" whoever is there; else the last thing."""
        assert self.last is not None
        last = next((r for r in reversed(self.parsed.relations) if self.last in (r.b, r.c)), None)
        if last is None:
            return self.group if self.last in self.group else [self.last]
        if not self.joined and kind in ("on", "inside") and last.kind in ("on", "inside"):
            return [self.last]  # "a candle on a cake on a table"
        if self.joined or last.kind in ("on", "inside", "riding", "holding", "beside", "facing", "with"):
            return [last.a] if kind != "with" else [self.last]
        return [self.last]

    def _relate_between(self, index: int) -> None:
        self.between.append(index)
        twice = self.parsed.things[index].count >= 2
        if len(self.between) == 1 and not twice:
            return
        first, second = self.between[0], self.between[-1]
        for subject in self.group or self.head:
            if subject not in self.between:
                self.parsed.relations.append(Relation("between", subject, first, second))
        self.between = [first, second]

    def _chain_up(self) -> None:
        """ "from left to right: …" puts the things in a row, or column."""
        if not self.chain or len(self.parsed.things) < 2:
            return
        kind = "left" if self.chain.startswith("x") else "above"
        order = list(range(len(self.parsed.things)))
        if self.chain.endswith("-"):
            order.reverse()
        self.parsed.relations = [Relation(kind, a, b) for a, b in zip(order, order[1:], strict=False)]


def _named(kind: str) -> str:
    """The arranger's name of a relation."""
    return {"over": "above", "under": "below", "at": "beside", "with": "beside", "facing": "beside"}.get(kind, kind)


def _shown(item: Item) -> list[str]:
    return [a for a in item.attributes if not words.is_in("function", a) and a not in ("colored", "coloured")]


def _said(item: Item) -> str:
    """The phrase with its article, as it was said."""
    if item.counted and item.count > 1:
        return f"{NUMBERS[item.count] if item.count < len(NUMBERS) else item.count} {item.text}"
    if item.plural:
        return item.text
    det = item.det if item.det not in ("", "some", "any", "each", "every", "another") else ""
    if det in ("a", "an"):
        det = words.article(item.text)
    return f"{det} {item.text}".strip()


def _made(item: Item) -> Thing:
    scale = 1.0
    for word in item.attributes:
        size = words.value("size", word)
        scale *= float(size) if size else 1.0
    return Thing(item.noun, _shown(item), count=item.count, scale=min(2.0, max(0.4, scale)), extra=item.extra, lead=item.lead)
