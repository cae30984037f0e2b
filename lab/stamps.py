"""Art that no training sees: the cut-out photographs and cartoons of Debian's `tuxpaint-stamps-default`, with their alpha and captions.

They are measured with and not shipped (they are GPL and other licences). Only those whose caption is nothing but a subject that the embedded model
has learned the word for are used: "A zebra" is, "A sea lion" is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .art import Art

FOLDER = Path("/usr/share/tuxpaint/stamps")
LEAST = 48  # pixels of the longer side: smaller ones would be enlarged
ARTICLE = re.compile(r"^(?:an?|the|our|some)\s+", re.I)


def load(subjects: Mapping[str, Sequence[str]], folder: Path = FOLDER) -> tuple[Art, ...]:
    """Every stamp of a known subject, by path; nothing where the package is not installed.

    Args:
        subjects: synonyms of each noun.
    """
    names = {word: noun for noun, others in subjects.items() for word in (*others, noun)}
    found = []
    for path in sorted(folder.rglob("*.png")):
        noun = names.get(said(path.with_suffix(".txt")))
        if noun is not None:
            art = Art(noun, (), 0, path)
            if max(art.rgba.size) >= LEAST:
                found.append(art)
    return tuple(found)


def said(caption: Path) -> str:
    """The English caption of a stamp without its article and its full stop, in lower case; "" if it has none."""
    lines = caption.read_text("utf-8", "replace").splitlines() if caption.is_file() else []
    return ARTICLE.sub("", lines[0].strip(" .!")).lower() if lines else ""


def digest(art: Sequence[Art]) -> str:
    """What tells one set of stamps from another, in 16 hexadecimal digits."""
    told = hashlib.sha256()
    for item in art:
        told.update(f"{item.noun} {hashlib.sha256(item.path.read_bytes()).hexdigest()}\n".encode())
    return told.hexdigest()[:16]
