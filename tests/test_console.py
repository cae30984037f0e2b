"""What people read: user text is text, stdout carries only results."""

from __future__ import annotations

import io
import signal
from contextlib import suppress

import pytest
from rich.console import Console

from cutwork import console, signals
from cutwork.domain import Box, Design, Plan, Region, Subject
from cutwork.signals import STOPS, interruptible
from cutwork.studio import make_brief

TEXT = "a cat [/b] [red]x[/red] :cat: [link=http://x]y"


def a_plan() -> Plan:
    return Plan(
        prompt=TEXT,
        background="[/i] :dog:",
        subjects=(Subject(id="cat", phrase="[/b] cat :cat:", noun="cat"),),
        regions=(Region(subject="cat", box=Box((0.1, 0.1, 0.9, 0.9)), prompt="a cat"),),
        notes=("[/note] :fox:",),
    )


def test_a_plan_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_plan(a_plan())
    printed = capsys.readouterr()
    for text in (TEXT, "[/i] :dog:", "[/b] cat :cat:", "[/note] :fox:"):
        assert text in printed.out
    assert printed.err == ""


def test_runs_keep_their_ids_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "20261121-035630-abcdef", "status": "accepted", "brief": TEXT * 3, "created": "2026-11-21T03:56:30+00:00"}
    console.show_runs([row])
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith(row["id"])
    assert TEXT in line
    assert line.rstrip().endswith(row["created"])


def test_no_runs_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_runs([])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no runs yet" in printed.err


def test_a_design_without_rounds_shows_its_plan_and_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    design = Design(id="r1", status="needs_approval", brief=make_brief(TEXT), seed=1, model="mini", llm="offline", plan=a_plan(), error="[/oops] :fox:")
    data = {"status": "needs_approval", "notes": list(design.notes), "seed": 1, "artifacts": [{"kind": "image", "path": "out/[/b] :cat:/" + "x" * 300 + ".png"}], "cutouts": [], "image": None}
    console.show_design(design, data)
    printed = capsys.readouterr()
    assert printed.out == data["artifacts"][0]["path"] + "\n"  # type: ignore[index]
    assert "[/oops] :fox:" in printed.err
    assert "cutwork resume r1 --approve" in printed.err
    console.tell_story(design, data)
    assert TEXT in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_shows_nodes_steps_and_errors_of_lines(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "console", Console(file=shown, force_terminal=terminal, highlight=False, markup=False, emoji=False, width=100))
    with console.progress(quiet=False) as (on_event, cancelled):
        on_event("node", {"node": "render", "round": 1})
        on_event("step", {"done": 1, "total": 2})
        assert not cancelled()
    with console.batch_progress(quiet=False) as (on_line, _):
        on_line(1, 2, "line 1: [/b] :cat:")
    if not terminal:
        assert "drawing" in shown.getvalue()
    assert "line 1: [/b] :cat:" in shown.getvalue()


@pytest.mark.parametrize("signum", STOPS)
def test_a_signal_asks_first_stops_at_once_the_second_time_and_waits_for_nobody_the_third(signum: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []

    def leave(signum: int, frame: object, go_on: str) -> None:
        left.append(signum)
        raise SystemExit

    monkeypatch.setattr(console, "leave", leave)
    before = signal.getsignal(signum)
    with console.cancellable() as cancelled:
        assert not cancelled()
        signal.raise_signal(signum)
        assert cancelled()
        for ending in (KeyboardInterrupt, SystemExit):
            with pytest.raises(ending):
                signal.raise_signal(signum)
    assert signal.getsignal(signum) is before
    assert left == [signum]


def test_a_stop_is_heard_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(console.console, "print", gone)
    with console.cancellable() as cancelled:
        signal.raise_signal(signal.SIGTERM)
        assert cancelled()


def test_a_signal_that_the_process_was_started_without_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with console.cancellable() as cancelled:
            signal.raise_signal(signal.SIGHUP)
            assert not cancelled()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_comes_out_as_one_whatever_became_of_it() -> None:
    def load() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as stop:
            raise ImportError("half a module") from stop

    def build() -> None:  # as compiled code does it: only the name of what it met is kept
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        raise TypeError("SchemaError: KeyboardInterrupt")

    for interrupted in (load, build):
        with pytest.raises(KeyboardInterrupt), interruptible():
            interrupted()
    with pytest.raises(ValueError, match="own"), interruptible():
        raise ValueError("own")


def test_an_interrupt_that_a_callback_would_swallow_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(signals, "leave", lambda signum, frame: left.append(signum))
    monkeypatch.setattr("sys.unraisablehook", lambda lost: None)

    class Closing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGHUP)

    with interruptible():
        Closing()
    assert left == [signal.SIGINT]
