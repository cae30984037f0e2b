"""The commands. Stdout carries results (one JSON value with `--json`), stderr carries everything meant for people.

Only typer is imported here; the rest is imported inside commands, so that `cutwork --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutwork import cli_chat, cli_goods, cli_lab, cli_mcp, cli_serve
from cutwork.options import (
    AsJson,
    Captions,
    Colourways,
    Follow,
    Kind,
    LlmOption,
    Lora,
    Model,
    Out,
    Palette,
    Quiet,
    Record,
    Reference,
    Rounds,
    Seed,
    Set,
    Similar,
    SizeOption,
    Steps,
    Technique,
    deliver,
    go_on,
    named_colours,
    print_json,
    ready,
    say,
    studio_of,
)

if TYPE_CHECKING:
    from cutwork.studio import Studio

app = typer.Typer(
    name="cutwork",
    help="One-line briefs to finished, subject-centred artwork.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config_app = typer.Typer(help="Settings and where they come from.", no_args_is_help=True, rich_markup_mode=None)
models_app = typer.Typer(help="Models that can draw, what they need and how to get them.", rich_markup_mode=None)
app.add_typer(config_app, name="config")
app.add_typer(cli_lab.eval_app, name="eval")
app.add_typer(cli_lab.bench_app, name="bench")
app.add_typer(models_app, name="models")


def main() -> None:
    """Run a command and turn errors into messages and exit codes."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    import io
    import json

    from cutwork.errors import CutworkError
    from cutwork.signals import INTERRUPTED, interruptible

    for stream in (sys.stdout, sys.stderr):  # no text is worth failing for because of a terminal that cannot show it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with interruptible():
            app(prog_name="cutwork")
    except CutworkError as error:
        say(f"cutwork: {error}{go_on(error)}")
        if error.hint:
            say(f"   hint: {error.hint}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt as stop:
        say(f"cutwork: interrupted{go_on(stop)}")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe went away: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        say(f"cutwork: a file is not what was wanted: {error}")
        sys.exit(2)
    except OSError as error:
        say(f"cutwork: {error}")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """One-line briefs to finished, subject-centred artwork."""
    if version:
        from cutwork import __version__

        typer.echo(__version__)
        raise typer.Exit


class Quoted(typer.core.TyperCommand):
    """A command whose brief is one argument, and says so where a shell made several of it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual, with a helpful error."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if "unexpected extra argument" in str(getattr(error, "message", "")):
                error.message += f'. A brief is one argument, put it in quotes: cutwork {self.name} "a grumpy cat"'  # type: ignore[attr-defined]
            raise


@app.command(cls=Quoted)
def design(
    brief: Annotated[str, typer.Argument(help="What to draw, in one line.")],
    kind: Kind = None,
    size: SizeOption = None,
    seed: Seed = None,
    model: Model = None,
    llm: LlmOption = None,
    rounds: Rounds = None,
    steps: Steps = None,
    technique: Technique = None,
    lora: Lora = None,
    caption: Captions = None,
    palette: Palette = None,
    set: Set = None,
    colourways: Colourways = None,
    similar: Similar = None,
    reference: Reference = None,
    follow: Follow = None,
    variants: Annotated[int, typer.Option("--variants", help="Draw so many, with seeds that follow; all are delivered, ranked by the critic, with a contact sheet.", min=1, max=64)] = 1,
    out: Out = None,
    approve: Annotated[bool | None, typer.Option("--approve/--no-approve", help="Stop after planning until `cutwork resume ID --approve`.")] = None,
    record: Record = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn a brief into a picture and what is made of it: cut-outs, stickers, a meme, a textile repeat."""
    from cutwork.console import progress
    from cutwork.studio import make_brief

    studio = studio_of(model=model, llm=llm, rounds=rounds, steps=steps, technique=technique, lora=lora, approve=approve, record=record)
    wanted = make_brief(
        brief, kind=kind, size=size, seed=seed, captions=caption, palette=named_colours(palette), wishes=cli_goods.wished(set, kind, colourways), similar=similar,
        references=[studio.take(picture) for picture in reference or ()] or None, follow=follow,
    )  # fmt: skip
    ready(out)
    if variants > 1:
        cli_goods.variants(studio, wanted, variants, out, json, quiet)
    with progress(quiet) as (on_event, cancelled):
        result = studio.design(wanted, interactive=studio.settings.approve, on_event=on_event, cancelled=cancelled)
    deliver(studio, result, out, json, quiet)


@app.command(cls=Quoted)
def plan(
    brief: Annotated[str, typer.Argument(help="What to draw, in one line.")],
    kind: Kind = None,
    size: SizeOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="As for design; the plan is the same for every seed.")] = None,
    model: Model = None,
    llm: LlmOption = None,
    steps: Steps = None,
    technique: Technique = None,
    lora: Lora = None,
    caption: Captions = None,
    palette: Palette = None,
    set: Set = None,
    colourways: Colourways = None,
    similar: Similar = None,
    record: Record = None,
    json: AsJson = False,
) -> None:
    """Only the agents: what would be drawn, and where."""
    from cutwork.console import show_plan
    from cutwork.studio import make_brief

    wanted = make_brief(brief, kind=kind, size=size, seed=seed, captions=caption, palette=named_colours(palette), wishes=cli_goods.wished(set, kind, colourways), similar=similar)
    made = studio_of(model=model, llm=llm, steps=steps, technique=technique, lora=lora, record=record).plan(wanted)
    if seed is not None:
        say(f"the plan is the same for every seed; {seed} counts when it is drawn: cutwork design")
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        show_plan(made)


@app.command()
def runs(
    limit: Annotated[int, typer.Option("--limit", help="At most this many, newest first.", min=1, max=1_000_000)] = 20,
    status: Annotated[str | None, typer.Option("--status", help="Only runs of this status.")] = None,
    delete: Annotated[list[str] | None, typer.Option("--delete", metavar="ID", help="Delete this run instead; may be given several times.")] = None,
    json: AsJson = False,
) -> None:
    """Runs that are kept, newest first."""
    from cutwork.console import show_runs, standing

    studio = studio_of()
    if delete:
        _delete(studio, delete, json)
        return
    stopped = status == "stopped"  # no status that is kept: of those that are "running" nobody works on them
    found = studio.runs(1_000_000, "running") if stopped else studio.runs(limit, status)
    rows = [{"id": row.id, "status": standing(row.status, row.id, studio.is_active), "brief": row.brief, "created": row.created} for row in found]
    rows = [row for row in rows if row["status"] == "stopped"][:limit] if stopped else rows
    if json:
        print_json(rows)
    else:
        show_runs(rows)


def _delete(studio: Studio, ids: list[str], json: bool) -> None:
    for id in ids:
        studio.delete(id)
        if not json:
            say(f"deleted {id}")
    if json:
        print_json({"deleted": ids})
    else:
        say("their files go with the next: cutwork gc")


@app.command()
def gc(json: AsJson = False) -> None:
    """Make room: let go of files that no run needs, of the saved state of finished runs, and of old events of the service. Safe while runs go on."""
    swept = studio_of().gc()
    if json:
        print_json(swept._asdict())
    else:
        say(f"let go of {swept.blobs} file(s), the saved state of {swept.states} run(s) and {swept.events} event(s); files of the last day are spared")


@app.command()
def show(id: Annotated[str, typer.Argument(help="A run's id, as `cutwork runs` lists it.")], out: Out = None, json: AsJson = False) -> None:
    """One run: its plan, rounds, receipts and files."""
    studio = studio_of()
    found = studio.show(id)
    ready(out)
    deliver(studio, found, out, json, quiet=True, exit_code=False)


@app.command()
def resume(
    id: Annotated[str, typer.Argument(help="A run's id.")],
    approve: Annotated[bool, typer.Option("--approve", help="Approve the plan that waits.")] = False,
    reject: Annotated[str | None, typer.Option("--reject", metavar="WHY", help="Send the plan back with what to change.")] = None,
    record: Record = None,
    out: Out = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Finish a run that was killed, cancelled, or waits for approval."""
    from cutwork.console import progress

    if approve and reject is not None:
        raise typer.BadParameter("--approve and --reject were both given; a plan is either taken or sent back")
    if reject is not None and not reject.strip():
        raise typer.BadParameter("--reject is empty; say what to change, such as --reject 'make the cat bigger'")
    studio = studio_of(record=record)
    ready(out)
    answer: Any = True if approve else reject
    with progress(quiet) as (on_event, cancelled):
        result = studio.resume(id, answer, on_event=on_event, cancelled=cancelled)
    deliver(studio, result, out, json, quiet)


@app.command()
def rerun(
    source: Annotated[str, typer.Argument(help="A run's id, or any PNG that Cutwork delivered.")],
    model: Model = None,
    out: Out = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw a finished design again: same plan, same seed."""
    from cutwork.console import progress

    studio = studio_of(model=model)
    ready(out)
    with progress(quiet) as (on_event, cancelled):
        result = studio.rerun(source, on_event=on_event, cancelled=cancelled)
    deliver(studio, result, out, json, quiet)


cli_goods.add(app)
cli_chat.add(app)
cli_serve.add(app)
cli_mcp.add(app)


@app.command()
def export(
    id: Annotated[str, typer.Argument(help="A run's id.")],
    path: Annotated[Path | None, typer.Argument(help="The file to write.", show_default="<id>.zip")] = None,
    form: Annotated[str, typer.Option("--as", help="run (to be imported elsewhere), or files for others: psd, ora, svg, zip, receipt.")] = "run",
    json: AsJson = False,
) -> None:
    """Write a run as one file: whole, for `cutwork import`, or as layers for a drawing program."""
    written = studio_of().export(id, path, form)
    if json:
        print_json({"id": id, "path": str(written)})
    else:
        typer.echo(str(written))


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="A zip that `cutwork export` wrote.")], json: AsJson = False) -> None:
    """Take in a run that was exported elsewhere."""
    taken = studio_of().import_(path)
    if json:
        print_json({"id": taken.id, "status": taken.status})
    else:
        typer.echo(taken.id)


@app.command()
def batch(
    briefs: Annotated[
        Path,
        typer.Argument(
            help="JSON lines (text or objects with `brief`, `kind`, `size`, `seed`, `reference`, …) or CSV with those columns; - is stdin.", allow_dash=True
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where results and files go.")] = Path("out/batch"),
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Only the agents, no drawing.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Runs at once; drawing itself is one at a time.", min=1, max=64)] = 1,
    model: Model = None,
    llm: LlmOption = None,
    rounds: Rounds = None,
    steps: Steps = None,
    technique: Technique = None,
    lora: Lora = None,
    record: Record = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Many briefs. Goes on where it stopped; a bad line costs that line only."""
    from cutwork.batch import opened, run_batch
    from cutwork.console import batch_progress

    studio = studio_of(model=model, llm=llm, rounds=rounds, steps=steps, technique=technique, lora=lora, record=record)
    with opened(briefs) as source, batch_progress(quiet) as (on_line, cancelled):  # a pipe is waited for before Ctrl-C asks a run
        summary = run_batch(source, out, studio, plan_only=plan_only, jobs=jobs, on_line=on_line, cancelled=cancelled)
    if json:
        print_json(summary)
    else:
        say(" · ".join(f"{value} {key}" for key, value in summary.items() if isinstance(value, int) and key not in ("interrupted", "left")) + f" → {summary['results']}")
    if summary["interrupted"]:
        say(f"cutwork: stopped with {summary['left']} line(s) left; the same command goes on where it stopped")
        raise typer.Exit(130)
    raise typer.Exit(1 if summary["failed"] else 0)


@app.command()
def doctor(json: AsJson = False) -> None:
    """Check what Cutwork needs and say how to mend what is missing."""
    from cutwork.doctor import examine

    checks = examine()
    if json:
        print_json([check.__dict__ for check in checks])
    else:
        for check in checks:
            typer.echo(f"{check.mark} {check.name:<12} {check.found}")
            if check.mend:
                typer.echo(f"               → {check.mend}")
    raise typer.Exit(3 if any(check.status == "bad" for check in checks) else 0)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")] = Path("out/demo"), json: AsJson = False, quiet: Quiet = False
) -> None:
    """Design a sample brief with the embedded model and the offline planner, and say what happened."""
    from cutwork.console import progress, tell_story
    from cutwork.domain import DELIVERED

    studio = studio_of(model="mini", llm="offline")
    ready(out)
    with progress(quiet) as (on_event, cancelled):
        result = studio.design("a frog and a robot on a purple background", seed=7, on_event=on_event, cancelled=cancelled)
    data = studio.deliver(result, out)
    if json:
        print_json(data)
    else:
        tell_story(result, data)
    raise typer.Exit(0 if result.status in DELIVERED else 1)  # a demo that drew something has shown it


@config_app.command("show")
def config_show(json: AsJson = False) -> None:
    """Every setting, its value, and where the value came from. Secrets are masked."""
    from cutwork.settings import Settings, explain

    rows = explain(Settings())
    if json:
        print_json([dict(zip(("setting", "value", "origin"), row, strict=True)) for row in rows])
    else:
        for key, value, origin in rows:
            typer.echo(f"{key:<18} {value:<44} {origin}")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, json: AsJson = False) -> None:
    """The models that are known by name. Others load too: any folder, file or hub id of their kinds."""
    if context.invoked_subcommand is not None:
        return
    from cutwork.console import show_models
    from cutwork.settings import Settings
    from cutwork.wiring import known_models

    rows = known_models(Settings())
    if json:
        print_json(rows)
    else:
        show_models(rows)


@models_app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="mini, a name that `cutwork models` lists, a hub id, a folder or a file.")] = "mini", json: AsJson = False
) -> None:
    """What a model is and needs: its licence, whether it is here, memory and time; of the embedded one, what it can draw."""
    if name == "mini":
        _show_vocabulary(json)
        return
    from cutwork.console import show_model
    from cutwork.settings import Settings
    from cutwork.wiring import model_card

    card = model_card(name, Settings())
    if json:
        print_json(card)
    else:
        show_model(card)


@models_app.command("layers")
def models_layers(
    name: Annotated[str, typer.Argument(help="As for show.")] = "mini",
    side: Annotated[int | None, typer.Option("--side", min=64, help="Pixels, a multiple of 16.", show_default="what the model was made for")] = None,
    steps: Annotated[int, typer.Option("--steps", min=1)] = 12,
    json: AsJson = False,
) -> None:
    """How undecided the attention of each block is, and which blocks entropy rectifying guidance should therefore weaken."""
    from cutwork.lab import propose_layers

    found = propose_layers.of_model(name, side, steps)
    if json:
        print_json({"entropies": found, "proposed": propose_layers.proposed(found)})
    else:
        typer.echo(propose_layers.table(found))


def _show_vocabulary(json: bool) -> None:
    from cutwork.tools.families.mini import vocabulary

    words = vocabulary()
    if json:
        print_json(words)
    else:
        names = [f"{noun} ({', '.join(synonyms)})" if synonyms else noun for noun, synonyms in words["subjects"].items()]
        for key, values in {**words, "subjects": names}.items():
            typer.echo(f"{key} ({len(values)}): {', '.join(values)}")
        typer.echo("A noun that is not here is exchanged for the nearest that is, and the run says so; if none is near, the brief is refused.")
