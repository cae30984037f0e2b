"""A brief's text -> the tokens that phrases are read from: first the text is cleared and spelled out, then some tokens are joined, parted or replaced."""

from __future__ import annotations

import re
import unicodedata

from cutwork.agents.language import foreign
from cutwork.agents.language.chat import without_chat
from cutwork.agents.language.cues import outside_quotes, without_code, without_cues
from cutwork.agents.language.names import called, joined_names
from cutwork.agents.language.runs import parted
from cutwork.agents.language.tags import without_tags
from cutwork.agents.language.tints import joined_tints
from cutwork.agents.language.tokens import Token, tokens
from cutwork.agents.language.typed import spelled_out

LONGEST = 2_000  # characters that are read


def prepared(text: str) -> list[Token]:
    """The tokens of a brief, lettering among them."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text[:LONGEST]))
    said = foreign.in_english(without_cues(without_chat(outside_quotes(without_code(without_tags(plain)), spelled_out))))
    return parted(joined_tints(joined_names(called(tokens(said)))))
