"""Names in a brief: "my two cats, Miso and Tofu" are two cats that are later told apart by name; "Statue of Liberty" is one word that is a name."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.grammar import simple
from cutwork.agents.language.tokens import Token

ORDINALS = ("first", "second", "third", "fourth", "fifth")
NEAR = 6  # tokens before the names in which their number is said


def called(found: list[Token]) -> list[Token]:
    """The tokens without the names of several; where one is named again stands "the first", "the second" …"""
    for at in range(1, len(found)):
        names, end = _names(found, at) if found[at].kind == "comma" or found[at].text in ("named", "called") else ([], at)
        if len(names) > 1 and any(words.value("number", t.text) == str(len(names)) for t in found[max(0, at - NEAR) : at]):
            end += end < len(found) and found[end].kind == "comma"
            return [*found[:at], *(new for token in found[end:] for new in _by_order(token, names))]
    return found


def _names(found: list[Token], at: int) -> tuple[list[str], int]:
    """The names listed behind this token, and where they end."""
    names: list[str] = []
    end = at + 1
    while end < len(found) and len(names) < len(ORDINALS) and found[end].kind == "word" and found[end].cased.istitle():
        names.append(found[end].text)
        end += 1
        while end + 1 < len(found) and (found[end].kind == "comma" or found[end].text == "and") and _goes_on(found, end + 1):
            end += 1
    return names, end


def _goes_on(found: list[Token], at: int) -> bool:
    return found[at].kind == "word" and (found[at].cased.istitle() or found[at].text == "and")


def _by_order(token: Token, names: list[str]) -> list[Token]:
    name = token.text.removesuffix("'s")
    if token.kind != "word" or name not in names or not token.cased[:1].isupper():
        return [token]
    return [Token("word", "the", "", "the"), Token("word", ORDINALS[names.index(name)], "", ORDINALS[names.index(name)])]


def joined_names(found: list[Token]) -> list[Token]:
    """The tokens with each "X of Y" that is written as a name, or that the lexicon has, as one word."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        length = next((n for n in (4, 3) if _is_name(found[at : at + n], n)), 0) or _proper(found, at)
        part = found[at : at + length]
        out.append(part[0] if length == 1 else Token("word", " ".join(t.text for t in part), "name", " ".join(t.cased for t in part)))
        at += length
    return out


def _proper(found: list[Token], at: int) -> int:
    """How many words of a name begin here: behind "the", all with a capital, in a brief that has words without one; else 1."""
    if not at or found[at - 1].text != "the" or words.is_modifier(found[at].text):
        return 1
    end = at
    while end < len(found) and end < at + 3 and found[end].kind == "word" and found[end].cased.istitle():
        end += 1
    plain = any(t.kind == "word" and t.cased.islower() and simple(t.text) is None and not words.is_in("det", t.text) for t in found)
    return end - at if end - at > 1 and plain else 1


def _is_name(part: list[Token], length: int) -> bool:
    if len(part) < length or part[1].text != "of" or any(t.kind != "word" for t in part) or (length == 4 and part[2].text != "the"):
        return False
    return part[0].cased.istitle() and part[-1].cased.istitle() and part[1].cased == "of" and not words.is_in("media", part[0].text)
