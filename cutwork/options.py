"""What commands have in common: their options, how they print, and how a design leaves them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cutwork.studio import Studio

Kind = Annotated[str | None, typer.Option("--kind", help="cutout, sticker, meme or textile.", show_default="as the brief says")]
SizeOption = Annotated[str | None, typer.Option("--size", metavar="WxH", help="Canvas in pixels, multiples of 16.", show_default="256x256")]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same picture. Chosen and recorded if left out.")]
Model = Annotated[str | None, typer.Option("--model", help="mini, a diffusers folder, a .safetensors or .gguf file, or a hub id.")]
LlmOption = Annotated[str | None, typer.Option("--llm", help="offline, openai:<model>, or replay:<file> that --record wrote.")]
Record = Annotated[Path | None, typer.Option("--record", metavar="FILE", help="Add what the language model is asked and answers to this file.")]
Rounds = Annotated[int | None, typer.Option("--rounds", help="How often the critic may ask for more.", min=1, max=10)]
Steps = Annotated[int | None, typer.Option("--steps", help="Denoising steps.", min=1, max=200)]
Technique = Annotated[
    list[str] | None, typer.Option("--technique", help="What else acts on the drawing: self-cross, erg, c-erg, apg, cads, … May be given several times.")
]
Lora = Annotated[list[str] | None, typer.Option("--lora", metavar="PATH[=WEIGHT]", help="LoRA weights to draw with. May be given several times.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the files go.", show_default="out/<id>")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout and nothing else.")]
EXITS = {"accepted": 0, "needs_approval": 0, "best_effort": 10}  # every other status a run can be left in is 1
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Captions = Annotated[list[str] | None, typer.Option("--caption", metavar="TEXT", help="Lettering of a meme: the first on top, others below. May be given several times.")]
Palette = Annotated[list[str] | None, typer.Option("--palette", metavar="COLOURS", help="Spot colours of a textile, names or #rrggbb with commas.")]
Colourways = Annotated[int | None, typer.Option("--colourways", min=0, max=12, help="Of a textile: so many besides the colours it is drawn in.")]
Similar = Annotated[list[str] | None, typer.Option("--similar", metavar="A,B", help="Two subjects that look alike, such as tiger,leopard. May be given several times.", show_default="by their words")]
Reference = Annotated[list[Path] | None, typer.Option("--reference", metavar="FILE", help="A picture that the drawing begins from: PNG, JPEG or WebP, cut to the canvas's proportions.")]
Follow = Annotated[float | None, typer.Option("--follow", metavar="NOISE", help="How much noise the reference gets: 0.1 hardly changes it, 0.95 hardly leaves anything of it.", show_default="0.7")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of finished goods, such as repeat=half-drop or dpi=300. May be given several times.")]


def say(text: str) -> None:
    """To people."""
    typer.echo(text, err=True)


def print_json(value: Any) -> None:
    """One value on stdout, as the terminal can show it."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    typer.echo(text)


def ready(out: Path | None) -> None:
    """Refuse a folder that cannot be written before anything is drawn."""
    import tempfile

    from cutwork.errors import BadInput

    folder = out or Path("out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        raise BadInput(f"{folder} is a file, wanted a folder to write to", "choose another with --out") from None
    except OSError as error:
        raise BadInput(f"the folder {folder} cannot be written: {error.strerror or error}", "choose another with --out") from None


def studio_of(**flags: Any) -> Studio:
    """A studio with the flags that were given."""
    from cutwork.studio import Studio

    joined: dict[str, Any] = {key: ",".join(value) or None if isinstance(value, list) else value for key, value in flags.items()}
    return Studio(**{key: value for key, value in joined.items() if value is not None})


def named_colours(palette: list[str] | None) -> list[str] | None:
    """Colours of one or several options, split at their commas."""
    return None if palette is None else [name.strip() for part in palette for name in part.split(",") if name.strip()]


def go_on(stop: BaseException) -> str:
    """What to do about a run that was stopped, where there was one."""
    run = getattr(stop, "run", None)
    return f"; go on with: cutwork resume {run}" if run else ""


def deliver(studio: Studio, result: Any, out: Path | None, json: bool, quiet: bool, exit_code: bool = True) -> None:
    """Write a design's files, print it, say where they are, and leave with the code that its status means."""
    from cutwork.console import show_design, standing

    folder = out or Path("out") / result.id
    try:
        data = studio.deliver(result, folder)
    except KeyboardInterrupt as stop:
        vars(stop)["run"] = result.id
        raise
    data["status"] = standing(result.status, result.id, studio.is_active)
    if json:
        print_json(data)
    else:
        show_design(result, data)
    if not quiet and data["artifacts"]:
        say(f"files are in {folder}")
    if exit_code:
        raise typer.Exit(EXITS.get(result.status, 1))
