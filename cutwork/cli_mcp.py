"""The command of the Model Context Protocol: our tools for other people's assistants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cutwork.options import LlmOption, Model, Steps, say, studio_of

if TYPE_CHECKING:
    from cutwork.api.deps import Service


def add(app: typer.Typer) -> None:
    """Give the command to the app."""
    app.command()(mcp)


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve at /mcp over HTTP instead of stdio: the whole service, as `cutwork serve` does.")] = False,
    host: Annotated[str | None, typer.Option("--host", help="With --http: address to bind; others than this machine's own want a token.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option("--port", help="With --http: port to bind; 0 takes any that is free.", min=0, max=65_535, show_default="8765")] = None,
    model: Model = None,
    llm: LlmOption = None,
    steps: Steps = None,
) -> None:
    """Offer the tools to an assistant, over the Model Context Protocol. Stdout is the assistant's; what people should know goes to stderr."""
    from cutwork.api.server import log_as_json, serve

    studio = studio_of(host=host, port=port, model=model, llm=llm, steps=steps)
    if http:
        serve(studio, studio.settings.host, studio.settings.port, lambda address: say(f"Cutwork's MCP server is at {address}/mcp; Ctrl-C ends it"))
        return
    import anyio

    from cutwork.api.deps import Service

    log_as_json()
    anyio.run(_stdio, Service(studio))


async def _stdio(service: Service) -> None:
    """Work for one client until it leaves."""
    from anyio.to_thread import run_sync

    from cutwork.api.mcp_server import over_stdio
    from cutwork.storage.owners import LOCAL

    service.hub.open()
    await run_sync(service.worker.start)
    try:
        await over_stdio(service, LOCAL)
    finally:
        service.hub.close()
        await run_sync(service.worker.stop)
