"""Small word work that every agent shares: fenced questions, tidy text, articles, names.

Not a grammar: the rules cover what language models and people write in briefs, and leave alone what they do not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping

from cutwork import prompts
from cutwork.plurals import PAIRED, plural, singular
from cutwork.ports import Prompt

DETERMINERS = frozenset(
    ["a", "an", "the", "some", "any", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "another", "each", "every", "no", "one", "several", "many", "few", "couple", "pair", "both", "all", "lots", "dozens"]
)
NUMBERS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "two": 2, "pair": 2, "couple": 2, "both": 2, "three": 3, "trio": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12,
}  # fmt: skip
_FENCES = re.compile(r"<(?=\s*/?\s*(?:brief|prompt|background|subjects|plan|captions|palette|feedback|bands|words|design|results)\s*>)", re.IGNORECASE)
_AN_ANYWAY = re.compile(r"(?:hour|honest|honou?r|heir)")
_A_ANYWAY = re.compile(r"(?:uni(?!n|m)|use|usu|ufo|euro|eucal|ewe|one\b|once|u-)")


def question(name: str, variables: Mapping[str, str], images: tuple[bytes, ...] = ()) -> Prompt:
    """The prompt of an agent: its text with every value kept inside its fence, and the values as they are.

    A brief is data. Written into a prompt it could close its own `<brief>` fence and go on as an instruction, so the
    opening bracket of anything that looks like one of our fences is replaced in the text (never in `variables`).
    """
    fenced = {key: _FENCES.sub("‹", value) for key, value in variables.items()}
    return Prompt(name=name, text=prompts.render(name, **fenced), variables=dict(variables), images=images)


def tidy(text: object, limit: int) -> str:
    """One clean line of at most `limit` characters, cut at a word; what is not text becomes the empty line."""
    if not isinstance(text, str):
        return ""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cs")
    line = re.sub(r"\s+", " ", kept).strip()
    if len(line) <= limit:
        return line
    cut = line[:limit]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,;")


def tidy_all(texts: object, limit: int, most: int) -> tuple[str, ...]:
    """The distinct non-empty tidy lines of a list, at most `most` of them, in order."""
    lines = (tidy(text, limit) for text in (texts if isinstance(texts, (list, tuple)) else ()))
    return tuple(dict.fromkeys(line for line in lines if line))[:most]


def article(words: str) -> str:
    """ "a" or "an", by how the first word is usually said."""
    low = words.lower()
    if _AN_ANYWAY.match(low):
        return "an"
    return "an" if low[:1] in "aeiou" and not _A_ANYWAY.match(low) else "a"


def with_article(phrase: str) -> str:
    """The phrase led by an article, unless it has a determiner, is a plural-only word or is not written in Latin letters."""
    words = phrase.split()
    if not words or words[0].lower() in DETERMINERS or words[-1].lower() in PAIRED or not words[0][0].isascii():
        return phrase
    return f"{article(phrase)} {phrase}"


def mentions(text: str, noun: str) -> bool:
    """Whether the noun stands in the text as whole words, as singular or plural."""
    forms = {noun, plural(noun), singular(noun)}
    # A word boundary is only meant between letters of scripts that use spaces.
    return any(re.search(rf"(?<![a-z0-9]){re.escape(form.lower())}(?![a-z0-9])", text.lower()) for form in forms if form)


def slug(text: str, taken: Container[str] = ()) -> str:
    """A short name of a-z, 0-9 and dashes that is not taken: "cat", then "cat-2"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:56].strip("-") or "subject"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name
