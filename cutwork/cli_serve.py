"""The commands of the service: `serve`, and the tokens that let others in."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cutwork.options import AsJson, LlmOption, Model, Steps, print_json, say, studio_of

if TYPE_CHECKING:
    from cutwork.storage.tokens import SqlTokens

token_app = typer.Typer(help="Tokens that let others use the service.", no_args_is_help=True, rich_markup_mode=None)


def add(app: typer.Typer) -> None:
    """Give the commands to the app."""
    app.command()(serve)
    app.add_typer(token_app, name="token")


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to bind; others than this machine's own want a token.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to bind; 0 takes any that is free.", min=0, max=65_535, show_default="8765")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Runs to work on at once; drawing itself is one at a time.", min=1, max=64, show_default="1")] = None,
    model: Model = None,
    llm: LlmOption = None,
    steps: Steps = None,
    json: AsJson = False,
) -> None:
    """Serve the page and the HTTP API until it is told to stop. Runs that are under way then go on at the next start."""
    from cutwork.api.server import serve as run

    studio = studio_of(host=host, port=port, workers=workers, model=model, llm=llm, steps=steps)

    def ready(address: str) -> None:
        if json:
            print_json({"address": address, "pid": os.getpid()})
            sys.stdout.flush()
        else:
            say(f"Cutwork is at {address}; Ctrl-C ends it")

    run(studio, studio.settings.host, studio.settings.port, ready)
    studio.wired.designs.engine.dispose()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is kept, and taking torch apart takes seconds; a step that takes minutes is not waited for: its run is found to be left behind at the next start


@token_app.command("add")
def token_add(name: Annotated[str, typer.Argument(help="Whose it is. What is made with it belongs to that name.")], json: AsJson = False) -> None:
    """Make a token and print it; it cannot be seen again."""
    token = _tokens().add(name)
    if json:
        print_json({"name": name, "token": token})
    else:
        typer.echo(token)
        say("keep it: only its hash is kept here. Send it as Authorization: Bearer …")


@token_app.command("list")
def token_list(json: AsJson = False) -> None:
    """Names of the tokens there are."""
    rows = [{"name": name, "created": created} for name, created in _tokens().list()]
    if json:
        print_json(rows)
    else:
        for row in rows:
            typer.echo(f"{row['name']:<24} {row['created']}")


@token_app.command("remove")
def token_remove(name: Annotated[str, typer.Argument(help="As `cutwork token list` lists it.")], json: AsJson = False) -> None:
    """Let nobody in by this token any more. What was made with it stays."""
    _tokens().remove(name)
    if json:
        print_json({"removed": name})
    else:
        say(f"removed {name}")


def _tokens() -> SqlTokens:
    from cutwork.storage.tokens import SqlTokens

    return SqlTokens(studio_of().wired.designs.engine)
