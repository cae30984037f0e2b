"""What the parser finds and the arranger places: things, how they stand to each other, and what is behind them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cutwork.agents.language.words import article, is_in
from cutwork.plurals import plural

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass
class Thing:
    """One kind of thing to be drawn; the parser adds to it as it reads on."""

    noun: str
    attributes: list[str] = field(default_factory=list)  # before the noun, in order
    tails: list[str] = field(default_factory=list)  # after it: "wearing a hat"
    count: int = 1
    place: str = ""  # "top left" …; empty where none is stated
    scale: float = 1.0
    extra: str = ""  # what a holder holds: "of coffee"
    lead: str = ""  # several as one: "bunch"
    name: str = ""  # as it was written, if it is a name: "Statue of Liberty"
    mass: bool = False  # said in the singular behind its lead: "slice of pizza"
    asked: int = 0  # how many the brief asked for, where that is more than can be planned

    @property
    def bare(self) -> str:
        """Attributes and noun, without article and without what follows."""
        if self.lead:
            return " ".join([self.lead, "of", *self.described, self.noun if self.mass else plural(self.noun)])
        return " ".join(filter(None, [*self.described, self.name or self.noun, self.extra]))

    @property
    def described(self) -> list[str]:
        """The attributes as they are said: two colours have an "and" between them."""
        pairs = zip(["", *self.attributes], self.attributes, strict=False)
        return [f"and {a}" if is_in("colour", before) and is_in("colour", a) else a for before, a in pairs]

    @property
    def phrase(self) -> str:
        """One of it, with article and what follows: "a grumpy cat wearing a hat"."""
        bare = self.bare
        last = self.noun.rpartition(" ")[2]
        several = not self.lead and is_in("pluralonly", last) and last.endswith("s") and not last.endswith(("ss", "us", "is"))
        led = "the" if self.name else "some" if not self.lead and not self.extra and is_in("mass", self.noun) else article(bare)
        return " ".join(([] if several else [led]) + [bare, *self.tails])

    @property
    def phrases(self) -> str:
        """All of it: "three grumpy cats wearing hats" is "three grumpy cats wearing a hat" here."""
        if self.count == 1:
            return self.phrase
        number = NUMBERS[self.count] if self.count < len(NUMBERS) else str(self.count)
        return " ".join(filter(None, [number, *self.described, plural(self.noun), self.extra, *self.tails]))


@dataclass(frozen=True)
class Relation:
    """`kind` of thing `a` to thing `b` (and `c` for "between"), by their numbers."""

    kind: str
    a: int
    b: int
    c: int | None = None
    said: str = field(default="", compare=False)  # the verb it was said with: "chasing"


@dataclass
class Parsed:
    """A brief, understood."""

    things: list[Thing] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    background: list[str] = field(default_factory=list)  # "a purple background", "at the beach"
    lettering: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
