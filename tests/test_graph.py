"""The design graph with real agents, storage and checkpoints, and a drawing that paints ellipses."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from builders import a_shot

from cutwork import langgraph_app
from cutwork.domain import (
    MOST_REGIONS,
    Ask,
    Box,
    Critique,
    Cutout,
    DrawSettings,
    Move,
    Plan,
    Recut,
    Region,
    Reguide,
    Render,
    Replan,
    Reseed,
    Shot,
    Subject,
)
from cutwork.errors import BadInput, Cancelled
from cutwork.graphs import routing
from cutwork.graphs.design import NODES, STATE_LIMIT, compile
from cutwork.graphs.fakes import FakeDrawing
from cutwork.graphs.state import Deps, start
from cutwork.ports import Watch
from cutwork.storage.designs import SqlDesigns
from cutwork.studio import Studio, make_brief

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


@pytest.mark.parametrize("node", [n for n in NODES if n not in ("begin", "repair", "replan", "approve", "ask")])
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


@pytest.mark.parametrize("kind", ["replan", "ask"])
def test_a_plan_that_was_given_is_never_made_again(kind: str) -> None:
    critique = Critique(score=0.5, verdict="repair", repairs=(PLAN_AGAIN if kind == "replan" else Ask(question="well?"),))
    assert routing.after_critique(critique, 1, rounds=4, spent=0, budget=600, interactive=True, planned=False) == "finish"
    assert routing.after_critique(critique, 1, rounds=4, spent=0, budget=600, interactive=True) == ("lay_out" if kind == "replan" else "ask")


def judging(monkeypatch: pytest.MonkeyPatch, *verdicts: Critique) -> None:
    """The critic says these things, in this order."""
    said = iter(verdicts)
    monkeypatch.setattr("cutwork.graphs.design.criticise", lambda *args, **kwargs: next(said))


def test_an_accepted_round_beats_one_that_scored_higher(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging(monkeypatch, Critique(score=0.9, verdict="repair", repairs=(SEED,)), Critique(score=0.8, verdict="accept"))
    made, _ = studio(home)
    design = made.design(BRIEF, seed=7)
    assert (design.status, design.best) == ("accepted", 2)


def test_of_equal_rounds_the_first_is_delivered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging(monkeypatch, Critique(score=0.5, verdict="repair", repairs=(SEED,)), Critique(score=0.5, verdict="repair"))
    made, _ = studio(home)
    assert made.design(BRIEF, seed=7).best == 1


ASKS = Critique(score=0.5, verdict="repair", repairs=(Ask(question="Is the cat grumpy enough?"),), disagreement=True)


def test_a_person_who_is_there_is_asked_and_may_accept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging(monkeypatch, Critique(score=0.9, verdict="repair", repairs=(SEED,)), ASKS)
    made, fake = studio(home)
    waiting = made.design(BRIEF, seed=7, interactive=True)
    assert (waiting.status, len(waiting.rounds)) == ("needs_approval", 2)
    again, other = studio(home)
    with pytest.raises(BadInput, match="Is the cat grumpy enough"):
        again.resume(waiting.id)
    design = again.resume(waiting.id, "accept")
    assert (design.status, design.best) == ("accepted", 2)  # the one the person saw
    assert (len(fake.renders), len(other.renders)) == (2, 0)


def test_another_answer_plans_again_with_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging(monkeypatch, ASKS, Critique(score=0.8, verdict="accept"))
    made, fake = studio(home)
    waiting = made.design(BRIEF, seed=7, interactive=True)
    design = made.resume(waiting.id, "the cat should be larger")
    assert (design.status, design.best) == ("accepted", 2)
    assert "the cat should be larger" in [c for c in made.wired.designs.calls(design.id) if c.agent == "layout"][-1].prompt
    assert len(fake.renders) == 2


def test_nobody_is_asked_where_nobody_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging(monkeypatch, ASKS)
    made, _ = studio(home)
    assert made.design(BRIEF, seed=7).status == "best_effort"


def test_waiting_for_another_picture_is_not_spent(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fake = studio(home)
    drawn = fake.render

    def slow(shot: Shot, watch: Watch) -> Render:
        time.sleep(0.4)
        return drawn(shot, watch)  # says that it took a millisecond

    monkeypatch.setattr(fake, "render", slow)
    started = time.monotonic()
    work = made.design(BRIEF, seed=7).timings["work"]
    assert work <= time.monotonic() - started - 0.39  # however long the rest took


class FullOfReceipts(FakeDrawing):
    """Every region leaks into every other."""

    def render(self, shot: Shot, watch: Watch) -> Render:
        render = super().render(shot, watch)
        leaks = [self._others(shot, n) for n in range(len(shot.plan.regions))]
        return render.model_copy(update={"attended": tuple(a.model_copy(update={"leakage": b}) for a, b in zip(render.attended, leaks, strict=True))})

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        cuts = super().cut(shot, render)
        return tuple(c.model_copy(update={"receipt": c.receipt.model_copy(update={"overlap": self._others(shot, c.region)})}) for c in cuts)

    def _others(self, shot: Shot, region: int) -> dict[str, float]:
        return {str(n): 0.1 / 3 for n in range(len(shot.plan.regions)) if n != region}


def crowd(each: int) -> Plan:
    subjects = tuple(Subject(id=f"subject-{i}", phrase=f"a grumpy subject {i}", noun=f"subject {i}", attributes=("grumpy",), count=each) for i in range(12))
    places = tuple(Region(subject=s.id, box=Box((0.1 / 3, 0.1, 0.9, 0.9)), prompt="a grumpy subject in the middle " * 4) for s in subjects for _ in range(each))
    pairs = tuple((a.id, b.id) for a, b in combinations(subjects, 2))
    return Plan(prompt="p " * 500, background="b " * 50, subjects=subjects, regions=places, similar=pairs)


def test_the_largest_plan_there_can_be_fits_a_checkpoint(home: Path) -> None:
    made, _ = studio(home)
    made.wired.__dict__["drawing"] = FullOfReceipts(made.wired.blobs, lambda shot, region: 0.05)
    terms = made.wired.terms(rounds=1, redraw=True)
    shot = Shot(plan=crowd(MOST_REGIONS // 12), seed=1)
    design = made._begin(start(make_brief("a crowd"), terms, shot=shot), lambda *_: None, lambda: False)
    assert len(design.rounds[0].critique.findings) >= MOST_REGIONS
    with sqlite3.connect(home / "checkpoints.db") as db:
        (largest,) = db.execute("select max(length(checkpoint)) from checkpoints").fetchone()
    assert STATE_LIMIT / 2 < largest < STATE_LIMIT


def test_a_plan_of_more_regions_is_refused_plainly() -> None:
    with pytest.raises(ValueError, match=f"36 regions, at most {MOST_REGIONS}"):
        crowd(3)


def server(made: Studio) -> Callable[[str | None], Deps]:
    """Dependencies as `langgraph_app` finds them."""
    return lambda run: made.wired.deps(run, made.wired.terms_of(made.show(run)) if run else made.wired.terms())


def test_a_langgraph_server_may_start_a_run_with_a_bare_brief(home: Path) -> None:
    langgraph_app._wired.cache_clear()
    made = studio(home)[0]
    langgraph_app._wired().__dict__["drawing"] = FakeDrawing(made.wired.blobs)
    state = langgraph_app.graph.invoke({"brief": {"text": BRIEF, "seed": 7}})  # type: ignore[typeddict-item]
    assert made.show(state["id"]).status == "accepted"
    assert [c.agent for c in made.wired.designs.calls(state["id"])] == ["extension", "extraction", "layout"]


def test_a_server_run_killed_at_its_beginning_leaves_one_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = studio(home)
    graph, config = compile(made.wired.checkpointer, default=server(made)), {"configurable": {"thread_id": "t"}}
    add_event = SqlDesigns.add_event

    def die(*args: Any) -> int:
        monkeypatch.setattr(SqlDesigns, "add_event", add_event)
        raise KeyboardInterrupt  # after the row was made, before the checkpoint

    monkeypatch.setattr(SqlDesigns, "add_event", die)
    with pytest.raises(KeyboardInterrupt):
        graph.invoke({"brief": {"text": BRIEF, "seed": 7}}, config, durability="sync")
    state = graph.invoke(None, config, durability="sync")
    assert [run.id for run in made.runs()] == [state["id"]]
    assert made.show(state["id"]).status == "accepted"


def test_a_second_brief_in_a_thread_is_a_run_of_its_own(home: Path) -> None:
    made, _ = studio(home)
    graph, config = compile(made.wired.checkpointer, default=server(made)), {"configurable": {"thread_id": "t"}}
    first = graph.invoke({"brief": {"text": BRIEF, "seed": 7}}, config)
    second = graph.invoke({"brief": {"text": "two foxes", "seed": 8}}, config)
    assert first["id"] != second["id"]
    assert made.show(first["id"]).brief.text == BRIEF
    assert [s.noun for s in made.show(second["id"]).plan.subjects] == ["fox"]  # type: ignore[union-attr]
    assert [r.number for r in made.show(second["id"]).rounds] == [1]


def test_ellipses_of_another_seed_are_another_picture(home: Path) -> None:
    _, drawing = studio(home)
    seeds = (7, 8, 107, 5007, 300_006, 2**32 - 1)
    assert len({drawing.render(a_shot(seed), Watch()).image for seed in seeds}) == len(seeds)
