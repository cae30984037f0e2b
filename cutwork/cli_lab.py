"""The commands that measure: `cutwork eval …` holds Cutwork against the truth, `cutwork bench …` times it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cutwork.options import AsJson, LlmOption, print_json, studio_of

Keep = Annotated[bool, typer.Option("--keep", help="Write the results of record.")]

eval_app = typer.Typer(help="Hold Cutwork against the truth.", no_args_is_help=True, rich_markup_mode=None)
bench_app = typer.Typer(help="Time Cutwork, as ratios within one run.", no_args_is_help=True, rich_markup_mode=None)


@eval_app.command("planner")
def eval_planner(
    prompts: Annotated[Path | None, typer.Option("--prompts", help="GenEval-style JSON lines.", show_default="the shipped GenEval list")] = None,
    llm: LlmOption = None,
    misses: Annotated[bool, typer.Option("--misses", help="Also say what was missed.")] = False,
    keep: Keep = False,
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
        result = evaluate(path, studio_of(llm=llm or "offline").wired.llm())
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, CutworkError):
            raise
        raise BadInput(f"{path} is not a list of GenEval-style JSON lines: {type(error).__name__}: {error}") from error
    command = f"cutwork eval planner{'' if prompts is None else f' --prompts {prompts.name}'}"
    _numbers("planner" if prompts is None else f"planner-{path.stem}", command, result, table(result, misses), keep, json)


@eval_app.command("model")
def eval_model(
    singles: Annotated[int, typer.Option("--singles", min=1, help="Pictures of one subject.")] = 148,
    pairs: Annotated[int, typer.Option("--pairs", min=2, help="Pictures of two subjects.")] = 80,
    scenes: Annotated[int, typer.Option("--scenes", min=2, help="True scenes that the judge itself is held against.")] = 200,
    keep: Keep = False,
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
    part: Annotated[list[str] | None, typer.Option("--part", help="regions, self-cross, self-cross-latents or erg; may be given several times.", show_default="all but self-cross-latents")] = None,
    keep: Keep = False,
    json: AsJson = False,
) -> None:
    """Does attention control do what it says? The embedded model draws with it on and off, a recogniser judges."""
    from cutwork.lab import evaluate_control

    parts = _parts(part, evaluate_control.PARTS, evaluate_control.USUAL)
    answers = evaluate_control.ANSWERS if keep else None
    _report(evaluate_control.run(scenes, seeds, side, parts, lambda line: typer.echo(line, err=True), answers), keep, json)


@eval_app.command("masks")
def eval_masks(
    scenes: Annotated[int, typer.Option("--scenes", min=1, help="Scenes of each number of subjects and background.")] = 12,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Pictures of each scene that is drawn.")] = 1,
    part: Annotated[list[str] | None, typer.Option("--part", help="composed, unseen, drawn, keywords or snapped; may be given several times.", show_default="all")] = None,
    keep: Keep = False,
    json: AsJson = False,
) -> None:
    """Are cut-outs true? Every fusion weight and way of cutting against true alpha, and beside a general background remover."""
    from cutwork.lab import evaluate_masks

    _report(evaluate_masks.run(scenes, seeds, _parts(part, evaluate_masks.PARTS), say=lambda line: typer.echo(line, err=True)), keep, json)


@eval_app.command("families")
def eval_families(
    scenes: Annotated[int, typer.Option("--scenes", min=1, help="Scenes of each number of subjects and background.")] = 20,
    model: Annotated[Path | None, typer.Option("--model", help="Folder of the Stable Diffusion 3 to hold the embedded model against.", show_default="lab/sd3/model")] = None,
    keep: Keep = False,
    json: AsJson = False,
) -> None:
    """Does entropy fusion hold beyond FLUX? Maps of a FLUX and of a Stable Diffusion 3 of the same scenes, against true alpha."""
    from cutwork.lab import evaluate_families

    _report(evaluate_families.run(scenes, model or evaluate_families.SD3, say=lambda line: typer.echo(line, err=True)), keep, json)


@eval_app.command("seams")
def eval_seams(
    sets: Annotated[int, typer.Option("--sets", min=1, help="Sets of motifs that every repeat is compiled of.")] = 6,
    keep: Keep = False,
    json: AsJson = False,
) -> None:
    """Do textile repeats tile? The seams of every repeat, and of tiles that are broken on purpose."""
    from cutwork.lab import evaluate_seams

    _report(evaluate_seams.run(sets=sets), keep, json)


def _parts(asked: list[str] | None, known: Sequence[str], usual: Sequence[str] | None = None) -> tuple[str, ...]:
    """The parts of a suite that are asked for, else its usual ones, else all."""
    if unknown := set(asked or ()) - set(known):
        raise typer.BadParameter(f"there is no part {', '.join(sorted(unknown))}: {', '.join(known)}")
    return tuple(asked or usual or known)


def _report(report: Any, keep: bool, json: bool) -> None:
    """Print what a suite found, and write it down if it is to be kept."""
    from cutwork.lab import evaluate

    if keep:
        evaluate.keep(report)
    if json:
        print_json(evaluate.as_json(report))
    else:
        typer.echo(evaluate.table(report))


def _numbers(name: str, command: str, found: dict[str, Any], told: str, keep: bool, json: bool) -> None:
    """Print a few numbers, in words or as JSON, and write them down if they are to be kept."""
    from cutwork.lab import evaluate

    if keep:
        evaluate.keep_numbers(name, command, found)
    if json:
        print_json(found)
    else:
        typer.echo(told)


@bench_app.command("overhead")
def bench_overhead(rounds: Annotated[int, typer.Option("--rounds", min=1, max=10)] = 4, keep: Keep = False, json: AsJson = False) -> None:
    """Time a round spends on anything but the language model, denoising, decoding and cutting."""
    from cutwork.lab.bench import overhead

    result = overhead(rounds)
    told = f"orchestration {result['ms_per_round']:.1f} ms per round over {result['rounds']} rounds"
    _numbers("bench_overhead", f"cutwork bench overhead --rounds {rounds}", result, told, keep, json)


@bench_app.command("draw")
def bench_draw(
    side: Annotated[int, typer.Option("--side", help="Pixels, a multiple of 16.", min=64, max=1024)] = 256, keep: Keep = False, json: AsJson = False
) -> None:
    """What one picture of the embedded model costs: seconds to import, load and draw, and memory."""
    from cutwork.lab.bench import draw

    result = draw(side)
    told = (
        f"{side} x {side}: drawn in {result['draw_s']:.1f} s ({result['steps']} steps, {result['threads']} threads), loaded in "
        f"{result['load_s']:.1f} s after {result['import_s']:.1f} s of imports, {result['peak_mb']} MB at most"
    )
    _numbers("bench_draw", f"cutwork bench draw --side {side}", result, told, keep, json)


@bench_app.command("control")
def bench_control(
    scale: Annotated[str, typer.Option("--scale", help="cpu, cpu-1024 (half the blocks, as many image tokens as FLUX.1 has at 1024 px), flux (a GPU, FLUX.1 size) or tiny.")] = "cpu",
    repeats: Annotated[int, typer.Option("--repeats", min=1, max=20)] = 3,
    tokens: Annotated[list[int] | None, typer.Option("--tokens", help="Length of each text; may be given several times.", show_default="64 and 512")] = None,
    regions: Annotated[list[int] | None, typer.Option("--regions", help="How many regions; may be given several times.", show_default="2, 4, 8 and 16")] = None,
    part: Annotated[list[str] | None, typer.Option("--part", help="regional, record, self-cross, erg, everything or memory; may be given several times.", show_default="all")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results of record, one by one; figures that are not measured now stay.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Take figures of record that this machine has measured by the same command.")] = False,
    json: AsJson = False,
) -> None:
    """What attention control costs, as ratios to the plain drawing of the same run, beside regional prompting as published."""
    from cutwork.lab import bench_control as bench

    if scale not in bench.SCALES:
        raise typer.BadParameter(f"there is no scale {scale!r}: {', '.join(bench.SCALES)}")
    lengths, counts = tuple(tokens or (64, 512)), tuple(regions or (2, 4, 8, 16))
    known, each = bench.kept() if resume else [], bench.keep if keep else lambda rows: None
    rows = bench.control(scale, repeats, lengths, counts, _parts(part, bench.PARTS), known, each)
    if json:
        print_json(bench.as_json(rows))
    else:
        typer.echo(bench.table(rows))


@bench_app.command("finish")
def bench_finish(keep: Keep = False, json: AsJson = False) -> None:
    """What finishing takes on one core: cut-outs, repeats, spot colours, lettering."""
    from cutwork.lab.bench import finish

    result = finish()
    _numbers("bench_finish", "cutwork bench finish", result, "\n".join(f"{name:<20} {value:g}" for name, value in result.items()), keep, json)


@bench_app.command("serve")
def bench_serve(
    part: Annotated[list[str] | None, typer.Option("--part", help="page, load, listeners or killed; may be given several times.", show_default="all")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long a load lasts.")] = 10.0,
    connections: Annotated[int, typer.Option("--connections", min=1, max=256, help="That ask at the same time.")] = 8,
    listeners: Annotated[int, typer.Option("--listeners", min=1, max=1_000)] = 200,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=1_000, help="In the queue of the server that is killed.")] = 100,
    folder: Annotated[Path | None, typer.Option("--folder", help="Where that queue is, so that it can be worked off in several goes.", show_default="a folder for now")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", min=0.05, help="After which a go at that queue ends, with another kill.", show_default="when it is done")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the results of record, part by part; parts that are not measured now stay.")] = False,
    json: AsJson = False,
) -> None:
    """How the service holds up: its page's first load, requests a second while it draws, events to many listeners, a full queue and kill -9."""
    from cutwork.lab import bench_serve as bench

    if minutes is not None and folder is None:
        raise typer.BadParameter("--minutes wants a --folder in which the next go finds the queue")
    found = bench.run(_parts(part, bench.PARTS), seconds, connections, listeners, jobs, folder, minutes, bench.keep if keep else lambda rows: None)
    if json:
        print_json(bench.as_json(found))
    else:
        typer.echo(bench.table(found))
