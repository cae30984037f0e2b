"""What people read: progress and plain words on stderr, and on stdout the results they asked for, made readable.

Rich on a terminal, plain lines otherwise. On stdout go the tables of `runs` and `plan` and the paths of finished files, and
nothing else; with `--json` the commands print JSON instead. Markup and emoji codes are off everywhere: "[/b]" and ":cat:" in
a brief are text.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cutwork.domain import Cutout, Design, Json, Plan
from cutwork.signals import answered, leave, let_go_of_terminal

NODES = {
    "extend": "extending the brief",
    "extract": "finding the subjects",
    "lay_out": "laying them out",
    "approve": "plan ready",
    "render": "drawing",
    "cut": "cutting out",
    "critique": "looking at it",
    "repair": "repairing",
    "replan": "planning again",
    "finish": "writing the files",
}
STOPPED = "stopped"  # shown for a run that is "running" in its row while nobody works on it
NEXT = {
    "needs_approval": "it waits for your answer: cutwork resume {id} --approve, or --reject 'what to change'",
    "cancelled": "go on: cutwork resume {id}",
    "failed": "try again from where it stopped: cutwork resume {id}",
    "running": "still running",
    STOPPED: "it was killed, or could not write how it ended; go on: cutwork resume {id}",
}
LOOK = "; cutwork runs shows what can be gone on with"
PATIENCE_S = 3.0  # with what is at work when somebody stops at once
PIPE_COLUMNS = 200  # width of tables where there is no terminal to measure
console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


@contextmanager
def cancellable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C, SIGTERM or SIGHUP once asks the run to stop at the next step, twice stops at once, a third time waits for nobody.

    Nor does the second wait long: work in other threads, such as a request that is not answered, cannot be stopped.
    """
    asked: list[int] = []
    last = threading.Timer(PATIENCE_S, leave, (signal.SIGINT, None, LOOK))
    last.daemon = True

    def ask(signum: int, frame: Any) -> None:
        asked.append(signum)
        let_go_of_terminal()
        if len(asked) > 2:
            leave(signum, frame, LOOK)
        if len(asked) > 1:
            last.start()
            raise KeyboardInterrupt
        again = "press Ctrl-C again" if signum == signal.SIGINT else "signal again"
        with suppress(OSError, RuntimeError):  # the signal came in the middle of another line, or nobody reads
            console.print(f"stopping after this step; {again} to stop at once")

    try:
        with answered(ask):
            yield lambda: bool(asked)
    finally:
        last.cancel()


@contextmanager
def progress(quiet: bool) -> Iterator[tuple[Callable[[str, dict[str, Any]], None], Callable[[], bool]]]:
    """An event sink that shows nodes and steps, and a question that Ctrl-C answers."""
    with cancellable() as cancelled:
        if quiet:
            yield (lambda kind, data: None), cancelled
        elif console.is_terminal:
            with _bar() as bar:
                task = bar.add_task("starting", total=None)
                yield (lambda kind, data: _advance(bar, task, kind, data)), cancelled
        else:
            yield _plain, cancelled


def _bar() -> Progress:
    return Progress(TextColumn("{task.description:<28}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True)


def _advance(bar: Progress, task: Any, kind: str, data: dict[str, Any]) -> None:
    if kind == "step":
        bar.update(task, completed=data["done"], total=data["total"])
    elif kind == "note":
        bar.console.print(data["text"])
    elif kind == "node":
        bar.update(task, description=f"round {data['round']}: {NODES.get(data['node'], data['node'])}", completed=0, total=None)


def _plain(kind: str, data: dict[str, Any]) -> None:
    if kind == "note":
        console.print(data["text"])
    if kind == "node":
        console.print(f"round {data['round']}: {NODES.get(data['node'], data['node'])}")


@contextmanager
def batch_progress(quiet: bool) -> Iterator[tuple[Callable[[int, int, str], None], Callable[[], bool]]]:
    """A sink for (done, total, what happened) of batch lines."""
    with cancellable() as cancelled:
        if quiet or not console.is_terminal:
            yield (lambda done, total, text: None if quiet or not text else console.print(text)), cancelled
            return
        with _bar() as bar:
            task = bar.add_task("briefs", total=None)

            def on_line(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total)
                if text:
                    bar.console.print(text)

            yield on_line, cancelled


def show_plan(plan: Plan) -> None:
    """A plan in words and a table, on stdout."""
    _print_plan(plan, _stdout())


def show_models(rows: Sequence[dict[str, Any]]) -> None:
    """Known models as a table, on stdout."""
    table = Table("name", "hub id", "licence", "weights", "in 16 bits", "here", box=None, pad_edge=False)
    for column in (0, 1):
        table.columns[column].no_wrap = True
    for row in rows:
        licence = f"{row['licence']}{', to be accepted first' if row['gated'] else ''}"
        table.add_row(row["name"], row["repo"], licence, f"{row['billions']} billion", f"{row['gigabytes']} GB", "yes" if row["here"] else "no")
    _stdout().print(table)
    console.print("mini is embedded; cutwork models show NAME says more, and how to get it")


def show_model(card: dict[str, Any]) -> None:
    """One model in words, on stdout."""
    out = _stdout()
    if "repo" in card:
        out.print(f"{card['title']}: {card['repo']}, family {card['family']}")
        out.print(f"licence: {card['licence']} ({card['terms']})")
        out.print(f"made for: {card['side']}x{card['side']}, {card['steps']} steps, guidance {card['guidance']}")
        accept = f"accept the licence on {card['page']}, set HF_TOKEN, then: " if card["gated"] else ""
        out.print("it is here" if card["here"] else f"it is not here; {accept}{card['get']}")
    else:
        out.print(f"{card['model']}: family {card['family']}" + (f", like {card['like']}" if "like" in card else ""))
    for line in card.get("forecast", ()):
        out.print(line)


def show_runs(rows: Sequence[dict[str, Any]]) -> None:
    """Runs as a table, on stdout; on stderr what to do if there are none, or some that stopped midway."""
    if not rows:
        console.print('no runs yet; try: cutwork design "a grumpy cat and a rocket"')
        return
    table = Table("id", "status", "brief", "created", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(row["id"], row["status"], row["brief"][:60], row["created"])
    _stdout().print(table)
    if any(row["status"] == STOPPED for row in rows):
        console.print(f"{STOPPED}: killed, or could not write how it ended; go on with cutwork resume ID, or cutwork runs --delete ID")


def standing(status: str, id: str, is_active: Callable[[str], bool]) -> str:
    """The status to be shown of a run: its own, or that it stopped midway."""
    return STOPPED if status == "running" and not is_active(id) else status


def show_design(design: Design, data: Json) -> None:
    """What came of a run, in a screen; the paths of its files on stdout."""
    best, status = design.delivered, data["status"]
    console.print(f"{status.replace('_', ' ')} · {design.id} · seed {data['seed']} · {len(design.rounds)} round(s)")
    for note in data["notes"]:
        console.print(f"note: {note}")
    if best is not None:
        for cutout in best.cutouts:
            console.print(f"  {cutout.subject}: {_receipt(cutout)}")
        if design.status == "best_effort":
            console.print("the critic was not satisfied:")
            for finding in best.critique.findings:
                console.print(f"  {finding.subject or 'picture'}: {finding.detail}")
    elif design.plan is not None:
        _print_plan(design.plan, console)
    if design.error:
        console.print(f"error: {design.error}")
    if status in NEXT:
        console.print(NEXT[status].format(id=design.id))
    for artifact in data["artifacts"]:
        _stdout().print(artifact["path"], soft_wrap=True)


def _stdout() -> Console:
    """Made anew each time, so that it is today's stdout."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def _print_plan(plan: Plan, out: Console) -> None:
    out.print(f"prompt      {plan.prompt}\nbackground  {plan.background}", soft_wrap=True)
    table = Table("subject", "phrase", "box", "z", box=None, pad_edge=False)
    for region in plan.regions:
        table.add_row(region.subject, plan.subject(region.subject).phrase, " ".join(f"{v:.2f}" for v in region.box.root), str(region.z))
    out.print(table)
    for note in plan.notes:
        out.print(f"note: {note}", soft_wrap=True)


def _receipt(cutout: Cutout) -> str:
    """One receipt in plain words."""
    r = cutout.receipt
    return f"{r.attended.lift:.1f}× attended in its region, cut-out covers {r.coverage:.0%} of the canvas, {r.contained:.0%} of it where planned"


def tell_story(design: Design, data: Json) -> None:
    """The demo's one screen: what each agent did, what was measured, where the pictures are."""
    plan = design.plan
    console.print(f"\nbrief       {design.brief.text}")
    if plan is not None:
        console.print(f"extension   {plan.prompt}")
        console.print(f"extraction  {', '.join(s.phrase for s in plan.subjects)}")
        for region in plan.regions:
            console.print(f"layout      {region.subject:<10} [{', '.join(f'{v:.2f}' for v in region.box.root)}]")
    for r in design.rounds:
        changed = f" → {r.applied.kind}" if r.applied else ""
        console.print(f"round {r.number}     score {r.critique.score:.2f}, {r.critique.verdict}{changed}")
        for finding in r.critique.findings:
            console.print(f"            {finding.subject or 'picture'}: {finding.detail}")
    for cutout in data["cutouts"]:
        console.print(f"cut-out     {cutout['image']}")
    console.print(f"picture     {data['image']}")
    overview = next((a["path"] for a in data["artifacts"] if a["kind"] == "overview"), None)
    if overview:
        console.print(f"overview    {overview}   (open this one first)")
    console.print(
        f'\n{design.status.replace("_", " ")} in {design.timings.get("total", 0):.1f} s · kept as {design.id} · try: .venv/bin/cutwork design "a fox and a balloon at the beach"'
    )
