"""Colours of two words as one: "olive green", "charcoal gray", "rose gold" are no two colours."""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.tokens import Token


def joined_tints(found: list[Token]) -> list[Token]:
    """The tokens with such a colour as one word."""
    out: list[Token] = []
    for token in found:
        if out and _tints(out[-1], token):
            out[-1] = Token("word", f"{out[-1].text} {token.text}", "", f"{out[-1].cased} {token.cased}")
        else:
            out.append(token)
    return out


def _tints(first: Token, second: Token) -> bool:
    return first.kind == second.kind == "word" and words.is_in("tint", first.text) and words.is_in("plaincolour", second.text)
