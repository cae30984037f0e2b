"""What single words do in a brief wherever they stand: the closed classes, and whether a noun phrase can go on."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.items import Role
from cutwork.agents.language.tokens import Token

BE = {"is", "are", "was", "were", "be", "being", "been"}
HAVE = {"has", "have", "having", "had"}
THAT = {"that", "which", "who", "whose", "while", "where", "when"}
AND = {"and", "or", "then", "also", "but", "versus", "vs", "nor"}
PRONOUNS = {"it", "them", "him", "her", "one", "ones", "itself", "himself", "herself", "themselves", "other"}


def simple(word: str) -> Role | None:
    """The role of a word that has only one; None for one that may be part of a noun phrase, or a verb."""
    for role, group in (("be", BE), ("have", HAVE), ("that", THAT), ("and", AND), ("pronoun", PRONOUNS)):
        if word in group:
            return role  # type: ignore[return-value]
    if words.is_in("det", word) or words.value("number", word):
        return None
    if words.is_in("prep", word):
        return "prep"
    if words.is_in("function", word) and not words.is_in("media", word):
        return "skip"
    return "skip" if words.letters(word) == "R" or (len(word) == 1 and not word.isdecimal()) else None


def starts_phrase(tokens: list[Token], at: int) -> bool:
    """Whether a noun phrase could go on here."""
    if at >= len(tokens) or tokens[at].kind != "word":
        return False
    return simple(tokens[at].text) is None and not words.is_in("det", tokens[at].text)
