"""The design graph for a LangGraph server (`langgraph dev`), which brings its own checkpointer and no context.

Start a run with `{"brief": {"text": "a cat on a red background"}}`. Nothing is read or opened until a node needs it, since a
server loads this in its event loop.
"""

from __future__ import annotations

from functools import cache

from cutwork.graphs.design import compile
from cutwork.graphs.state import Deps
from cutwork.settings import Settings
from cutwork.wiring import Wired


@cache
def _wired() -> Wired:
    return Wired(Settings())


def _deps(run: str | None) -> Deps:
    wired = _wired()
    return wired.deps(run, wired.terms_of(wired.designs.get(run)) if run else wired.terms())


graph = compile(default=_deps)
