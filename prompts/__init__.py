"""Prompts as text: one `.md` a prompt, `{{ variable }}` placeholders, strict both ways."""

from __future__ import annotations

import re
from importlib import resources

from cutwork.errors import BadInput

_VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def source(name: str) -> str:
    """The text of a prompt file.

    Raises:
        BadInput: if there is no `prompts/<name>.md`.
    """
    path = resources.files(__name__) / f"{name}.md"
    if not path.is_file():
        raise BadInput(f"there is no prompt {name!r}")
    return path.read_text(encoding="utf-8")


def variables(name: str) -> frozenset[str]:
    """Names a prompt must be given, no more and no fewer."""
    return frozenset(_VARIABLE.findall(source(name)))


def render(name: str, **values: str) -> str:
    """A prompt with its variables filled in. What is filled in is never read as a placeholder.

    Raises:
        BadInput: naming the variables that are missing or unknown.
    """
    wanted, given = variables(name), frozenset(values)
    if wanted != given:
        parts = [f"{label} {', '.join(sorted(names))}" for label, names in (("missing", wanted - given), ("unknown", given - wanted)) if names]
        raise BadInput(f"prompt {name!r}: {'; '.join(parts)}")
    return _VARIABLE.sub(lambda match: values[match[1]], source(name))
