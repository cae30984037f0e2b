"""What people read: user text is text, stdout carries only results."""

from __future__ import annotations

import io
import signal

import pytest
from rich.console import Console

from cutwork import console
from cutwork.domain import Box, Design, Plan, Region, Subject
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
    data = {"seed": 1, "artifacts": [{"kind": "image", "path": "out/[/b] :cat:/" + "x" * 300 + ".png"}], "cutouts": [], "image": None}
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


def test_ctrl_c_asks_first_and_stops_at_once_the_second_time() -> None:
    before = signal.getsignal(signal.SIGINT)
    with console.cancellable() as cancelled:
        assert not cancelled()
        signal.raise_signal(signal.SIGINT)
        assert cancelled()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
