"""Our MCP server on stdio over a drawing that paints ellipses and talks to itself: what `cutwork mcp` does, without a model."""

from __future__ import annotations

import sys

import anyio

from cutwork.api.deps import Service
from cutwork.api.server import log_as_json
from cutwork.cli_mcp import _stdio
from cutwork.domain import Render, Shot
from cutwork.graphs.fakes import FakeDrawing
from cutwork.ports import Watch
from cutwork.studio import Studio


class Loud(FakeDrawing):
    """Prints where the client would read it."""

    def render(self, shot: Shot, watch: Watch) -> Render:
        sys.stdout.write("this is for nobody's client\n")
        sys.stdout.flush()
        return super().render(shot, watch)


if __name__ == "__main__":
    log_as_json()
    studio = Studio(llm="offline", steps=3)
    studio.wired.__dict__["drawing"] = Loud(studio.wired.blobs, model="mini")
    anyio.run(_stdio, Service(studio))
