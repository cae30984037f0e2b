"""What a brief is cut into: noun phrases, verbs, and the words and marks that say how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from cutwork.agents.language.tokens import Token

Role = Literal["thing", "adjectives", "media", "verb", "and", "be", "have", "prep", "that", "pronoun", "skip", "token"]


@dataclass
class Item:
    """One step of a brief: a noun phrase, a verb, or a token that says how the others hang together."""

    role: Role
    text: str = ""
    noun: str = ""
    attributes: list[str] = field(default_factory=list)
    count: int = 1
    det: str = ""
    extra: str = ""  # what a holder holds: "of coffee"
    lead: str = ""  # what stands for several as one: "bunch"
    name: str = ""  # as it was written, if it is a name: "Statue of Liberty"
    hung: bool = False  # a picture that is a thing in the picture
    token: Token | None = None
    plural: bool = False
    counted: bool = False  # a number was said


def renamed(item: Item, noun: str) -> Item:
    """The same words as a thing: "bamboo", which describes a chair, is eaten by a panda."""
    return replace(item, role="thing", noun=noun, attributes=[a for a in item.attributes if a != noun])
