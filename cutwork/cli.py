"""The commands. Stdout carries results (one JSON value with `--json`), stderr carries everything meant for people.

Only typer is imported here; the rest is imported inside commands, so that `cutwork --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
eval_app = typer.Typer(help="Measure Cutwork; every figure of the README comes from here.", no_args_is_help=True, rich_markup_mode=None)
bench_app = typer.Typer(help="Time Cutwork, as ratios within one run.", no_args_is_help=True, rich_markup_mode=None)
models_app = typer.Typer(help="Models that can draw, what they need and how to get them.", rich_markup_mode=None)
app.add_typer(config_app, name="config")
app.add_typer(eval_app, name="eval")
app.add_typer(bench_app, name="bench")
app.add_typer(models_app, name="models")

Kind = Annotated[str | None, typer.Option("--kind", help="cutout, sticker, meme or textile.", show_default="cutout")]
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
        _say(f"cutwork: {error}{_go_on(error)}")
        if error.hint:
            _say(f"   hint: {error.hint}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt as stop:
        _say(f"cutwork: interrupted{_go_on(stop)}")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe went away: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        _say(f"cutwork: a file is not what was wanted: {error}")
        sys.exit(2)
    except OSError as error:
        _say(f"cutwork: {error}")
        sys.exit(1)


def _go_on(stop: BaseException) -> str:
    """What to do about a run that was stopped, where there was one."""
    run = getattr(stop, "run", None)
    return f"; go on with: cutwork resume {run}" if run else ""


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(value: Any) -> None:
    import json

    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    typer.echo(text)


def _ready(out: Path | None) -> None:
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


def _studio(**flags: Any) -> Studio:
    from cutwork.studio import Studio

    joined: dict[str, Any] = {key: ",".join(value) or None if isinstance(value, list) else value for key, value in flags.items()}
    return Studio(**{key: value for key, value in joined.items() if value is not None})


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
    out: Out = None,
    approve: Annotated[bool | None, typer.Option("--approve/--no-approve", help="Stop after planning until `cutwork resume ID --approve`.")] = None,
    record: Record = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn a brief into a picture, its cut-outs, masks and a manifest."""
    from cutwork.console import progress
    from cutwork.studio import make_brief

    wanted = make_brief(brief, kind=kind, size=size, seed=seed)
    studio = _studio(model=model, llm=llm, rounds=rounds, steps=steps, technique=technique, lora=lora, approve=approve, record=record)
    _ready(out)
    with progress(quiet) as (on_event, cancelled):
        result = studio.design(wanted, interactive=studio.settings.approve, on_event=on_event, cancelled=cancelled)
    _deliver(studio, result, out, json, quiet)


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
    record: Record = None,
    json: AsJson = False,
) -> None:
    """Only the agents: what would be drawn, and where."""
    from cutwork.console import show_plan
    from cutwork.studio import make_brief

    wanted = make_brief(brief, kind=kind, size=size, seed=seed)
    made = _studio(model=model, llm=llm, steps=steps, technique=technique, lora=lora, record=record).plan(wanted)
    if seed is not None:
        _say(f"the plan is the same for every seed; {seed} counts when it is drawn: cutwork design")
    if json:
        _print_json(made.model_dump(mode="json"))
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
    from cutwork.console import show_runs

    studio = _studio()
    if delete:
        _delete(studio, delete, json)
        return
    rows = [dict(zip(("id", "status", "brief", "created"), row, strict=True)) for row in studio.runs(limit, status)]
    if json:
        _print_json(rows)
    else:
        show_runs(rows, studio.is_active)


def _delete(studio: Studio, ids: list[str], json: bool) -> None:
    for id in ids:
        studio.delete(id)
        if not json:
            _say(f"deleted {id}")
    if json:
        _print_json({"deleted": ids})
    else:
        _say("their files go with the next: cutwork gc")


@app.command()
def gc(json: AsJson = False) -> None:
    """Make room: let go of files that no run needs, and of the saved state of finished runs. Safe while runs go on."""
    swept = _studio().gc()
    if json:
        _print_json(swept._asdict())
    else:
        _say(f"let go of {swept.blobs} file(s) and the saved state of {swept.states} run(s); files of the last day are spared")


@app.command()
def show(id: Annotated[str, typer.Argument(help="A run's id, as `cutwork runs` lists it.")], out: Out = None, json: AsJson = False) -> None:
    """One run: its plan, rounds, receipts and files."""
    studio = _studio()
    found = studio.show(id)
    _ready(out)
    _deliver(studio, found, out, json, quiet=True, exit_code=False)


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
    studio = _studio(record=record)
    _ready(out)
    answer: Any = True if approve else reject
    with progress(quiet) as (on_event, cancelled):
        result = studio.resume(id, answer, on_event=on_event, cancelled=cancelled)
    _deliver(studio, result, out, json, quiet)


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

    studio = _studio(model=model)
    _ready(out)
    with progress(quiet) as (on_event, cancelled):
        result = studio.rerun(source, on_event=on_event, cancelled=cancelled)
    _deliver(studio, result, out, json, quiet)


@app.command()
def export(
    id: Annotated[str, typer.Argument(help="A run's id.")],
    path: Annotated[Path | None, typer.Argument(help="The zip to write.", show_default="<id>.zip")] = None,
    json: AsJson = False,
) -> None:
    """Write a run as one zip: validated JSON and its files."""
    written = _studio().export(id, path or Path(f"{id}.zip"))
    if json:
        _print_json({"id": id, "path": str(written)})
    else:
        typer.echo(str(written))


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="A zip that `cutwork export` wrote.")], json: AsJson = False) -> None:
    """Take in a run that was exported elsewhere."""
    taken = _studio().import_(path)
    if json:
        _print_json({"id": taken.id, "status": taken.status})
    else:
        typer.echo(taken.id)


@app.command()
def batch(
    briefs: Annotated[
        Path,
        typer.Argument(
            help="JSON lines (text or objects with `brief`, `kind`, `size`, `seed`) or CSV with those columns; - is stdin.", allow_dash=True
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

    studio = _studio(model=model, llm=llm, rounds=rounds, steps=steps, technique=technique, lora=lora, record=record)
    with opened(briefs) as source, batch_progress(quiet) as (on_line, cancelled):  # a pipe is waited for before Ctrl-C asks a run
        summary = run_batch(source, out, studio, plan_only=plan_only, jobs=jobs, on_line=on_line, cancelled=cancelled)
    if json:
        _print_json(summary)
    else:
        _say(" · ".join(f"{value} {key}" for key, value in summary.items() if isinstance(value, int) and key != "interrupted") + f" → {summary['results']}")
    if summary["interrupted"]:
        _say("cutwork: stopped; the same command goes on where it stopped")
        raise typer.Exit(130)
    raise typer.Exit(1 if summary["failed"] else 0)


@app.command()
def doctor(json: AsJson = False) -> None:
    """Check what Cutwork needs and say how to mend what is missing."""
    from cutwork.doctor import examine

    checks = examine()
    if json:
        _print_json([check.__dict__ for check in checks])
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

    studio = _studio(model="mini", llm="offline")
    _ready(out)
    with progress(quiet) as (on_event, cancelled):
        result = studio.design("a grumpy cat and a rocket on a purple background", seed=7, on_event=on_event, cancelled=cancelled)
    data = studio.deliver(result, out)
    if json:
        _print_json(data)
    else:
        tell_story(result, data)
    raise typer.Exit(0 if result.status in ("accepted", "best_effort") else 1)  # a demo that drew something has shown it


@config_app.command("show")
def config_show(json: AsJson = False) -> None:
    """Every setting, its value, and where the value came from. Secrets are masked."""
    from cutwork.settings import Settings, explain

    rows = explain(Settings())
    if json:
        _print_json([dict(zip(("setting", "value", "origin"), row, strict=True)) for row in rows])
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
        _print_json(rows)
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
        _print_json(card)
    else:
        show_model(card)


def _show_vocabulary(json: bool) -> None:
    from cutwork.tools.families.mini import vocabulary

    words = vocabulary()
    if json:
        _print_json(words)
    else:
        names = [f"{noun} ({', '.join(synonyms)})" if synonyms else noun for noun, synonyms in words["subjects"].items()]
        for key, values in {**words, "subjects": names}.items():
            typer.echo(f"{key} ({len(values)}): {', '.join(values)}")
        typer.echo("A noun that is not here is exchanged for the nearest that is, and the run says so; if none is near, the brief is refused.")


@eval_app.command("planner")
def eval_planner(
    prompts: Annotated[Path | None, typer.Option("--prompts", help="GenEval-style JSON lines.", show_default="the shipped GenEval list")] = None,
    llm: LlmOption = None,
    misses: Annotated[bool, typer.Option("--misses", help="Also say what was missed.")] = False,
    json: AsJson = False,
) -> None:
    """Does the planner find the objects, counts, colours and positions that prompts state?"""
    from cutwork.errors import BadInput, CutworkError
    from cutwork.lab.evaluate_planner import PROMPTS, evaluate
    from cutwork.lab.evaluate_planner import show as table

    path = prompts or PROMPTS / "geneval.jsonl"
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        result = evaluate(path, _studio(llm=llm or "offline").wired.llm())
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, CutworkError):
            raise
        raise BadInput(f"{path} is not a list of GenEval-style JSON lines: {type(error).__name__}: {error}") from error
    if json:
        _print_json(result)
    else:
        typer.echo(table(result, misses))


@eval_app.command("model")
def eval_model(
    singles: Annotated[int, typer.Option("--singles", min=1, help="Pictures of one subject.")] = 120,
    pairs: Annotated[int, typer.Option("--pairs", min=2, help="Pictures of two subjects.")] = 80,
    scenes: Annotated[int, typer.Option("--scenes", min=2, help="True scenes that the judge itself is held against.")] = 200,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results of record.")] = False,
    json: AsJson = False,
) -> None:
    """Does the embedded model draw what its prompt says? A recogniser of the same subjects judges."""
    from cutwork.lab import evaluate_model

    _report(evaluate_model.run(singles, pairs, scenes), keep, json)


@eval_app.command("control")
def eval_control(
    scenes: Annotated[int, typer.Option("--scenes", min=1, help="Scenes a part draws.")] = 200,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Pictures of each scene.")] = 3,
    side: Annotated[int, typer.Option("--side", min=64, max=512, help="Pixels, a multiple of 16.")] = 128,
    part: Annotated[list[str] | None, typer.Option("--part", help="regions, self-cross or erg; may be given several times.", show_default="all")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results of record.")] = False,
    json: AsJson = False,
) -> None:
    """Does attention control do what it says? The embedded model draws with it on and off, a recogniser judges."""
    from cutwork.lab import evaluate_control

    unknown = set(part or ()) - set(evaluate_control.PARTS)
    if unknown:
        raise typer.BadParameter(f"there is no part {', '.join(sorted(unknown))}: {', '.join(evaluate_control.PARTS)}")
    _report(evaluate_control.run(scenes, seeds, side, tuple(part or evaluate_control.PARTS)), keep, json)


def _report(report: Any, keep: bool, json: bool) -> None:
    """Print what a suite found, and write it down if it is to be kept."""
    from cutwork.lab import evaluate

    if keep:
        evaluate.keep(report)
    if json:
        _print_json(evaluate.as_json(report))
    else:
        typer.echo(evaluate.table(report))


@bench_app.command("overhead")
def bench_overhead(rounds: Annotated[int, typer.Option("--rounds", min=1, max=10)] = 4, json: AsJson = False) -> None:
    """Time a round spends on anything but the language model, denoising, decoding and cutting."""
    from cutwork.lab.bench import overhead

    result = overhead(rounds)
    if json:
        _print_json(result)
    else:
        typer.echo(f"orchestration {result['ms_per_round']:.1f} ms per round over {result['rounds']} rounds")


@bench_app.command("draw")
def bench_draw(side: Annotated[int, typer.Option("--side", help="Pixels, a multiple of 16.", min=64, max=1024)] = 256, json: AsJson = False) -> None:
    """What one picture of the embedded model costs: seconds to import, load and draw, and memory."""
    from cutwork.lab.bench import draw

    result = draw(side)
    if json:
        _print_json(result)
    else:
        typer.echo(
            f"{side} x {side}: drawn in {result['draw_s']:.1f} s ({result['steps']} steps, {result['threads']} threads), loaded in "
            f"{result['load_s']:.1f} s after {result['import_s']:.1f} s of imports, {result['peak_mb']} MB at most"
        )


@bench_app.command("control")
def bench_control(
    scale: Annotated[str, typer.Option("--scale", help="cpu, flux (a GPU, FLUX.1 size) or tiny.")] = "cpu",
    repeats: Annotated[int, typer.Option("--repeats", min=1, max=20)] = 3,
    tokens: Annotated[list[int] | None, typer.Option("--tokens", help="Length of each text; may be given several times.", show_default="64 and 512")] = None,
    regions: Annotated[list[int] | None, typer.Option("--regions", help="How many regions; may be given several times.", show_default="2, 4, 8 and 16")] = None,
    json: AsJson = False,
) -> None:
    """What attention control costs, as ratios to the plain drawing of the same run, beside regional prompting as published."""
    from cutwork.lab import bench_control as bench

    if scale not in bench.SCALES:
        raise typer.BadParameter(f"there is no scale {scale!r}: {', '.join(bench.SCALES)}")
    rows = bench.control(scale, repeats, tuple(tokens or (64, 512)), tuple(regions or (2, 4, 8, 16)))
    if json:
        _print_json(rows)
    else:
        typer.echo(bench.table(rows))


def _deliver(studio: Studio, result: Any, out: Path | None, json: bool, quiet: bool, exit_code: bool = True) -> None:
    """Write a design's files, print it, say where they are, and leave with the code that its status means."""
    from cutwork.console import show_design

    folder = out or Path("out") / result.id
    try:
        data = studio.deliver(result, folder)
    except KeyboardInterrupt as stop:
        vars(stop)["run"] = result.id
        raise
    if json:
        _print_json(data)
    else:
        show_design(result, data, studio.is_active)
    if not quiet and data["artifacts"]:
        _say(f"files are in {folder}")
    if exit_code:
        raise typer.Exit(EXITS.get(result.status, 1))
