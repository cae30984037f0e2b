"""Briefs filled in like a form, as sentences: "cat: red, background: yellow", "a cat (black)", "1. a cat 2. a dog"."""

from __future__ import annotations

import re

from cutwork.agents.language import words

GROUND = re.compile(r"(?:^|(?<=[,.;\n])|(?<=[,.;] ))(?:the )?back ?ground(?: colou?r)? ?[:=] ?([^,.;]+)", re.I)
LOOK_BEHIND = re.compile(r"\b((?:[^\W\d_][\w'-]* )?)([^\W\d_][\w'-]*) ?\(([^()]{2,40})\)")
LOOK_AFTER = re.compile(r"(?:^|(?<=[,;.] ))((?:an?|the) )?([^\W\d_][\w'-]*) ?[:=] ?([^\W\d_][\w' -]*?)(?=\s*(?:[,;.]|$))", re.I)
NUMBERED = re.compile(r"(?:^|(?<=\s))(\d{1,2})[.)]\s+(?=[^\W\d_])")


def as_sentences(text: str) -> str:
    """The text without fields and numbers; what they say is said in words."""
    text = LOOK_AFTER.sub(_look_after, LOOK_BEHIND.sub(_look_behind, _unnumbered(text)))
    found = [match[1].strip() for match in GROUND.finditer(text)]
    if not found:
        return text
    rest = re.sub(r"\s*[,;]\s*$", "", GROUND.sub("", text).strip())
    return f"{rest}, {_behind(found[-1])}" if rest else _behind(found[-1])


def _behind(said: str) -> str:
    """What a background is said to be: "yellow" is "a yellow background", "a forest at night" is what the background is."""
    looks = all(map(words.is_modifier, said.lower().split()))
    return f"{words.article(said)} {said} background" if looks else f"the background is {said}"


def _look_behind(match: re.Match[str]) -> str:
    """ "a cat (black)" is "a black cat"; a gloss that says something else stays."""
    led, noun, look = match.groups()
    if not _looks(look) or not words.is_noun(noun.lower()):
        return match[0]
    return f"{led}{' and '.join(_parts(look))} {noun}"


def _look_after(match: re.Match[str]) -> str:
    """ "cat: red" is "a red cat"; "left: a cat" and "style: flat" are no such fields."""
    article, noun, look = match.groups()
    kind = words.kind(words.singular(noun.lower())[0])
    if not _looks(look) or kind not in "ahop" or words.is_in("style", noun.lower()) or words.is_modifier(noun.lower()):
        return match[0]
    return f"{article or ''}{' and '.join(_parts(look))} {noun}"


def _parts(look: str) -> list[str]:
    return [part for part in re.split(r"\s*,\s*|\s+and\s+", look.strip()) if part]


def _looks(look: str) -> bool:
    """Whether all that is said describes."""
    said = [word for part in _parts(look) for word in part.lower().split()]
    return bool(said) and all(map(words.is_modifier, said))


def _unnumbered(text: str) -> str:
    """A numbered list with commas for its numbers."""
    numbers = [int(match[1]) for match in NUMBERED.finditer(text)]
    if len(numbers) < 2 or numbers != list(range(1, len(numbers) + 1)):
        return text
    return re.sub(r"^,\s*|(?<=[,;.])\s*,(?=\s)", "", NUMBERED.sub(", ", text).strip()).strip()
