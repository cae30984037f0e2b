"""Cutwork: one-line briefs to finished, subject-centred artwork."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutwork.studio import Studio

__all__ = ["Studio", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`from cutwork import Studio` without making `import cutwork` slow."""
    if name == "Studio":
        return import_module("cutwork.studio").Studio
    raise AttributeError(f"module 'cutwork' has no attribute {name!r}")
