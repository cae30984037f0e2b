"""The design graph with real agents, storage and checkpoints, and a drawing that paints ellipses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutwork.domain import Critique, DrawSettings, Move, Recut, Reguide, Replan, Reseed, Shot
from cutwork.errors import Cancelled, StorageFailed
from cutwork.graphs import routing
from cutwork.graphs.design import NODES, STATE_LIMIT
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio

BRIEF = "a grumpy cat and a rocket on a purple background"


def studio(home: Path, quality: Callable[[Shot, int], float] = lambda shot, region: 1.0, **settings: Any) -> tuple[Studio, FakeDrawing]:
    made = Studio(home=home, llm="offline", model="mini", steps=3, **settings)
    fake = FakeDrawing(made.wired.blobs, quality)
    made.wired.__dict__["drawing"] = fake  # the cached property, filled with the fake
    return made, fake


def test_a_good_drawing_is_accepted_in_one_round(home: Path) -> None:
    made, fake = studio(home)
    design = made.design(BRIEF, seed=7)
    assert design.status == "accepted"
    assert [s.noun for s in design.plan.subjects] == ["cat", "rocket"]  # type: ignore[union-attr]
    assert len(design.rounds) == len(fake.renders) == 1
    assert {a.name for a in design.artifacts} >= {"image.png"}


def test_a_run_that_never_satisfies_delivers_its_best_round_and_says_why(home: Path) -> None:
    def quality(shot: Shot, region: int) -> float:
        return 0.0 if region == 0 else 0.4 + 0.1 * (shot.seed % 3)

    made, _ = studio(home, quality, rounds=4)
    design = made.design(BRIEF, seed=7)
    assert design.status == "best_effort"
    assert len(design.rounds) == 4
    scores = {r.number: r.critique.score for r in design.rounds}
    assert scores[design.best] == max(scores.values())  # type: ignore[index]
    assert any(f.subject == "cat" for f in design.delivered.critique.findings)  # type: ignore[union-attr]


def test_repairs_escalate_and_never_repeat(home: Path) -> None:
    made, _ = studio(home, lambda shot, region: 0.08, rounds=6)
    design = made.design(BRIEF, seed=7)
    applied = [r.applied for r in design.rounds if r.applied is not None]
    assert len(applied) == 5
    assert len({a.model_dump_json() for a in applied}) == 5


def test_a_recut_draws_nothing(home: Path) -> None:
    made, fake = studio(home, lambda shot, region: 0.08, rounds=2)
    design = made.design(BRIEF, seed=7)
    first = design.rounds[0].applied
    if first is not None and first.kind in routing.RECUTS:
        assert len(fake.renders) == 1
        assert len(fake.cuts) == 2
    else:
        assert len(fake.renders) == 2


@pytest.mark.parametrize("node", [n for n in NODES if n not in ("repair", "replan", "approve")])
def test_a_run_killed_after_any_node_goes_on_without_drawing_again(home: Path, node: str) -> None:
    """The process dies right after a node's checkpoint; a new process with new objects finishes the run."""
    made, fake = studio(home)
    at: list[str] = []

    class Killed(BaseException):
        pass

    def die(kind: str, data: dict[str, Any]) -> None:
        if kind == "node":
            if at and at[-1] == node:
                raise Killed
            at.append(data["node"])

    drawn = 0
    try:
        made.design(BRIEF, seed=7, on_event=die)
    except Killed:
        drawn = len(fake.renders)
    id = made.runs()[0][0]
    again, other = studio(home)
    design = again.resume(id)
    assert design.status == "accepted"
    assert drawn + len(other.renders) == 1 or node == "finish"
    reference, _ = studio(home / "other")
    want = reference.design(BRIEF, seed=7)
    assert [a.sha256 for a in design.artifacts] == [a.sha256 for a in want.artifacts]


def test_cancel_between_steps_is_resumable(home: Path) -> None:
    made, _ = studio(home)
    steps: list[int] = []

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind == "step":
            steps.append(data["done"])

    with pytest.raises(Cancelled):
        made.design(BRIEF, seed=7, on_event=listen, cancelled=lambda: len(steps) >= 2)
    id, status, *_ = made.runs()[0]
    assert status == "cancelled"
    assert made.resume(id).status == "accepted"


def test_approval_waits_and_both_answers_work(home: Path) -> None:
    made, fake = studio(home, approve=True)
    waiting = made.design(BRIEF, seed=7)
    assert waiting.status == "needs_approval"
    assert waiting.plan is not None
    assert not fake.renders
    rejected = made.resume(waiting.id, "make the cat bigger")
    assert rejected.status == "needs_approval"
    assert made.resume(waiting.id, True).status == "accepted"
    assert len(fake.renders) == 1


def test_checkpoints_stay_small_whatever_the_image_size(home: Path) -> None:
    made, _ = studio(home, lambda shot, region: 0.08, rounds=6)
    made.design("a cat, a dog, a fox, a bear, a lion, a pig, a cow and a rocket on a purple background", seed=7, size="1024x1024")
    with sqlite3.connect(home / "checkpoints.db") as db:
        (largest,) = db.execute("select max(length(checkpoint)) from checkpoints").fetchone()
    assert 0 < largest < STATE_LIMIT


def test_rerun_draws_the_same_shot_again(home: Path) -> None:
    made, fake = studio(home)
    first = made.design(BRIEF, seed=7)
    again = made.rerun(first.id)
    assert again.id != first.id
    assert fake.renders[0] == fake.renders[1]
    assert [a.sha256 for a in again.artifacts] == [a.sha256 for a in first.artifacts]


def test_every_llm_call_and_event_is_kept(home: Path) -> None:
    made, _ = studio(home)
    design = made.design(BRIEF, seed=7)
    assert [c.agent for c in made.wired.designs.calls(design.id)] == ["extension", "extraction", "layout"]
    nodes = [data["node"] for _, kind, data in made.wired.designs.events(design.id) if kind == "node"]
    assert nodes == ["extend", "extract", "lay_out", "approve", "render", "cut", "critique", "finish"]


RECUT, SEED, PLAN_AGAIN = Recut(cut={"fusion": "mean"}), Reseed(seed=1), Replan(reason="too close")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "repairs", "number", "spent", "goal"),
    [
        ("accept", (), 1, 0, "finish"),
        ("accept", (SEED,), 1, 0, "finish"),
        ("repair", (RECUT, SEED), 1, 0, "repair"),
        ("repair", (PLAN_AGAIN,), 1, 0, "lay_out"),
        ("repair", (SEED,), 4, 0, "finish"),
        ("repair", (SEED,), 1, 600, "finish"),
        ("repair", (), 1, 0, "finish"),
    ],
)
def test_routes(verdict: str, repairs: tuple[Any, ...], number: int, spent: float, goal: str) -> None:
    critique = Critique(score=0.5, verdict=verdict, repairs=repairs)  # type: ignore[arg-type]
    assert routing.after_critique(critique, number, rounds=4, spent=spent, budget=600) == goal


@pytest.mark.parametrize(
    ("repair", "goal"),
    [(RECUT, "cut"), (SEED, "render"), (Reguide(draw=DrawSettings()), "render"), (Move(region=0, box=[0, 0, 1, 1]), "render")],  # type: ignore[arg-type]
)
def test_a_repair_goes_back_only_as_far_as_it_needs(repair: Any, goal: str) -> None:
    assert routing.after_repair(repair) == goal


def test_a_folder_that_cannot_be_written_loses_nothing(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    design = made.design(BRIEF, seed=7)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot write") as caught:
        made.deliver(design, tmp_path / "file" / "out")
    assert design.id in str(caught.value.hint)
    assert made.deliver(made.show(design.id), tmp_path / "out")["image"] == str(tmp_path / "out" / "image.png")


def test_a_langgraph_server_may_start_a_run_with_a_bare_brief(home: Path) -> None:
    made, _ = studio(home)
    from cutwork.graphs.design import compile

    state = compile(default=lambda: made.wired.deps(None)).invoke({"brief": {"text": BRIEF, "seed": 7}})
    assert made.show(state["id"]).status == "accepted"
