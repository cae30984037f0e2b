"""What has been read of a brief so far, and what is still open. `parse` reads on; `phrases` and `relate` look and write here."""

from __future__ import annotations

from dataclasses import dataclass, field

from cutwork.agents.language.items import Item
from cutwork.agents.language.model import Parsed


@dataclass
class Reading:
    """The state of one reading, from left to right."""

    items: list[Item]
    parsed: Parsed = field(default_factory=Parsed)
    at: int = 0  # the item that is read now
    group: list[int] = field(default_factory=list)  # things of the running list: "a cat and a dog"
    head: list[int] = field(default_factory=list)  # things that the sentence is about
    last: int | None = None
    waiting: tuple[str, str] | None = None  # relation or verb without its object yet, and the words it was said with
    leading: tuple[str, int, int | None] | None = None  # "on a table, a cat": a relation whose subject comes later
    place: str = ""  # "on the left, a cat"
    negated: bool = False
    dropping: bool = False
    absorbing: str = ""  # "wearing", "made of": what follows describes the last thing
    joined: bool = False  # "and" or a comma since the last phrase
    unsaid: str = ""  # the last noun that is not to be drawn: "not a red car, a blue one"
    moods: list[str] = field(default_factory=list)  # what cannot be drawn: "loneliness"
    passed: list[Item] = field(default_factory=list)  # what could be drawn at need, where nothing else is named: "carton"
    chain: str = ""  # "from left to right:"
    between: list[int] = field(default_factory=list)
    breath: list[int] = field(default_factory=list)  # things named since the last "and", comma or stop
    object: int | None = None  # "the horse that the girl …": to whom something is done
    total: int | None = None  # several in front of a colon, who may be listed behind it: "two birds: a robin and a wren"
    parts: list[int] = field(default_factory=list)  # those told apart in this sentence
    topic: list[int] = field(default_factory=list)  # what the sentence before was about
    whole: int | None = None  # several of whom some were told apart: "two cats, one black"
    together: bool = False  # what follows is said of the whole list: "both wearing hats"
    onward: tuple[str, int] | None = None  # where all of a list are, who are named behind: "On a blanket lie a hamper and a jug"
    each: bool = False  # the same, of everybody by himself: "each holding a tulip"
    about: str = "thing"  # or "scene", "look": what the sentence is about
    behind: str = ""  # "first", "more": all that follows in this sentence is the background
    opening: bool = False  # the last relation began its sentence: "On the raft, a castaway."
    compared: float = 1.0  # how much smaller the next thing is: "bigger than a bird"
    tailed: bool = False  # the last phrase described the thing before it: "a hat and a scarf" may go on

    def opens(self, at: int) -> bool:
        """Whether a sentence begins with this item."""
        before = self.items[at - 1] if at else None
        return before is None or (before.token is not None and before.token.kind == "stop") or before.role == "skip"

    def phrase_follows(self, at: int) -> bool:
        """Whether words about a thing come right after this item."""
        return at + 1 < len(self.items) and self.items[at + 1].role in ("thing", "adjectives")

    def thing_after(self, at: int) -> bool:
        """Whether a thing comes here, behind verbs at most: "beside it stands a dog"."""
        while at < len(self.items) and self.items[at].role in ("be", "verb", "skip"):
            at += 1
        return self.thing_at(at)

    def thing_apart(self, at: int) -> bool:
        """The same, behind a comma too: "behind it, a lamp"."""
        return self.thing_after(at + 1 if at < len(self.items) and self.items[at].text == "," else at)

    def thing_at(self, at: int) -> bool:
        """Whether this item is a thing."""
        return at < len(self.items) and self.items[at].role == "thing"
