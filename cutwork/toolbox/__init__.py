"""What assistants and other programs may do with a finished run: one typed, docstringed function a file, each usable as a LangChain tool as it is.

    from langchain_core.tools import StructuredTool
    tools = [StructuredTool.from_function(one) for one in toolbox.tools(Studio())]

Arguments are plain JSON by a pydantic schema, answers are JSON. Nothing is drawn by any of them. A new tool is a new file here, with a function of its name
whose first parameter is the studio.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, get_type_hints

from cutwork import registry

if TYPE_CHECKING:
    from cutwork.studio import Studio

PACKAGE = "cutwork.toolbox"
Tool = Callable[..., Any]


def names() -> tuple[str, ...]:
    """Names of all tools."""
    return registry.names(PACKAGE)


def find(name: str) -> Tool:
    """The function of a tool, whose first parameter is the studio.

    Raises:
        BadInput: if there is none of that name; the message lists those there are.
    """
    found: Tool = getattr(registry.find(PACKAGE, name), name)
    return found


def tools(studio: Studio) -> tuple[Tool, ...]:
    """All tools over a studio, each with its own name, docstring and types, and without the studio among its parameters."""
    return tuple(bound(find(name), studio) for name in names())


def bound(function: Tool, studio: Studio) -> Tool:
    """A function with its first parameter given; what looks at its signature and types sees the others alone."""

    def tool(*args: Any, **kwargs: Any) -> Any:
        return function(studio, *args, **kwargs)

    update_wrapper(tool, function)
    del tool.__dict__["__wrapped__"]  # else its signature would be looked up there
    first, *others = inspect.signature(function).parameters.values()
    hints = get_type_hints(function, include_extras=True)
    hints.pop(first.name, None)
    tool.__annotations__ = hints
    tool.__signature__ = inspect.Signature([one.replace(annotation=hints[one.name]) for one in others])  # type: ignore[attr-defined]
    return tool
