"""The commands that make goods of what is drawn already, and many of one brief: `finish`, `recaption`, variants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutwork.options import EXITS, AsJson, Captions, Colourways, Kind, Out, Palette, Quiet, Set, deliver, named_colours, print_json, ready, say, studio_of

if TYPE_CHECKING:
    from cutwork.domain import Brief
    from cutwork.refinish import Wishes
    from cutwork.studio import Studio


def add(app: typer.Typer) -> None:
    """Give the commands to the app."""
    app.command()(finish)
    app.command()(recaption)


def wished(assignments: list[str] | None, kind: str | None, colourways: int | None = None) -> Wishes | None:
    """What `--set` and `--colourways` say, by kind and name."""
    given = [*(assignments or ()), *([] if colourways is None else [f"textile.colourways={colourways}"])]
    if not given:
        return None
    from cutwork.refinish import wishes

    return wishes(given, kind or "textile")


def finish(
    id: Annotated[str, typer.Argument(help="A finished run's id.")],
    words: Annotated[str, typer.Argument(help="What to make of it, as a brief says it: 'half-drop in 4 colours, 300 dpi'.")] = "",
    kind: Kind = None,
    caption: Captions = None,
    palette: Palette = None,
    set: Set = None,
    colourways: Colourways = None,
    out: Out = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make other goods of a finished drawing. Nothing is drawn again; what comes of it is a run of its own."""
    studio = studio_of()
    ready(out)
    settings = wished(set, kind or studio.show(id).kind, colourways)
    made = studio.refinish(id, words, kind=kind, captions=caption, palette=named_colours(palette), settings=settings)  # type: ignore[arg-type]
    deliver(studio, made, out, json, quiet, exit_code=False)


def recaption(
    id: Annotated[str, typer.Argument(help="A finished run's id.")],
    captions: Annotated[list[str], typer.Argument(help="New lettering: the first on top, others below; '' leaves a place empty.")],
    out: Out = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Give a drawing new lettering, as a meme. Nothing is drawn again."""
    studio = studio_of()
    ready(out)
    deliver(studio, studio.refinish(id, kind="meme", captions=captions), out, json, quiet, exit_code=False)


def variants(studio: Studio, brief: Brief, count: int, out: Path | None, json: bool, quiet: bool) -> None:
    """Draw a brief with several seeds, deliver all, best first, with one picture of them all; leave with the best one's code."""
    from cutwork.console import progress
    from cutwork.variants import draw

    with progress(quiet) as (on_event, cancelled):
        made = draw(studio, brief, count, on_event, cancelled)
    folder = out or Path("out") / made.designs[0].id
    rows = made.deliver(studio, folder)
    if json:
        print_json(rows[0] | {"variants": rows, "contact": str(folder / made.CONTACT)})
    else:
        for row in rows:
            typer.echo(f"{row['rank']}. {row['score']:.2f} {row['status'].replace('_', ' ')} · seed {row['seed']} · {row['id']} · {row['image']}")
    if not quiet:
        say(f"all of them on one picture: {folder / made.CONTACT}")
    raise typer.Exit(EXITS.get(made.designs[0].status, 1))

