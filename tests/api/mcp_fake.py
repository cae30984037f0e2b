"""Our MCP server on stdio over a drawing that paints ellipses: what `cutwork mcp` does, without a model."""

from __future__ import annotations

import anyio

from cutwork.api.deps import Service
from cutwork.api.server import log_as_json
from cutwork.cli_mcp import _stdio
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio

if __name__ == "__main__":
    log_as_json()
    studio = Studio(llm="offline", steps=3)
    studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs, model="mini")
    print("this must not reach the client")
    anyio.run(_stdio, Service(studio))
