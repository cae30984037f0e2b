"""A text that becomes shorter as it is read: what is understood is taken out of it, and what is left is said of the picture."""

from __future__ import annotations

import re

# Lettering in any quotation marks; an apostrophe inside a word closes none.
QUOTED = re.compile(
    r"\"([^\"]{1,400})\"|“([^”\"]{1,400})[”\"]|„([^“”]{1,400})[“”]|«([^»]{1,400})»|「([^」]{1,400})」|''([^']{1,400})''"
    r"|(?<!\w)'((?:[^']|(?<=\w)'(?=\w)){2,200})'(?!\w)|(?<!\w)‘((?:[^’]|(?<=\w)’(?=\w)){2,200})’(?!\w)"
)
BLANK = "\x00"  # stands for a character of a quotation where only the rest is read


def written(match: re.Match[str]) -> str:
    """What stands between the marks of a quotation."""
    return next((group for group in match.groups() if group), "").strip()


def blanked(text: str) -> str:
    """The text with what is quoted made unreadable, at its length."""
    return QUOTED.sub(lambda match: BLANK * len(match[0]), text)


class Remaining:
    """A text and what is left of it. Patterns are looked for outside quotations, whatever the case."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, pattern: str) -> re.Match[str] | None:
        """Where a pattern first stands; nothing is taken."""
        return re.search(pattern, blanked(self.text), re.IGNORECASE)

    def take(self, pattern: str, instead: str = "") -> list[re.Match[str]]:
        """All places of a pattern, which are taken out of the text."""
        found = list(re.finditer(pattern, blanked(self.text), re.IGNORECASE))
        for match in reversed(found):
            self.text = self.text[: match.start()] + instead + self.text[match.end() :]
        return found

    def takes(self, pattern: str, instead: str = "") -> bool:
        """Whether a pattern was there to be taken."""
        return bool(self.take(pattern, instead))

    @property
    def tidied(self) -> str:
        """What is left, without the commas, links and blanks that stood around what was taken."""
        text = re.sub(r"\s+", " ", self.text)
        text = re.sub(r"(?:\s*[,;]\s*(?:\b(?:and|with|in|at|then|plus)\b\s*)*(?=[,;.!]|$))+", "", text)
        text = re.sub(r"([.;])(?:\s*[.,;])+", r"\1", text)
        text = re.sub(r"^(?:\s*(?:and|with|,|;|:|\.|-|–|—)(?=\s|$))+", "", text)
        text = re.sub(r"(?:\s+(?:and|with|in|at|as|for|of))+\s*$", "", text)
        return re.sub(r"\s+([,;.])", r"\1", text).strip(" ,;:.-–—/|")
