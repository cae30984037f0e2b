"""The design graph with everything real but the weights: agents, storage, checkpoints, and a FLUX of random weights that draws, records and is cut.

What needs a picture that is good or bad on purpose is drawn in ellipses instead (`FakeDrawing`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_plan, grey_png, unpng

from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.schemas import CriticAnswer, ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.domain import Box, Design, DrawSettings, Shot
from cutwork.errors import BadInput, Cancelled, LlmFailed
from cutwork.graphs.design import compile
from cutwork.graphs.fakes import FakeDrawing
from cutwork.graphs.state import Deps, DesignState, first, start
from cutwork.ports import Drawing
from cutwork.studio import Studio, make_brief
from cutwork.tools.drawing import LocalDrawing
from cutwork.tools.families import mini

BRIEF = "a cat and a rocket on a purple background"
UNLUCKY = 1  # a seed with which the random weights look for both subjects anywhere but in their regions


def local(studio: Studio, early_verdict: bool = True) -> LocalDrawing:
    """The embedded family with random weights, over the studio's blobs."""
    drawing = LocalDrawing("mini", studio.wired.blobs, device="cpu", early_verdict=early_verdict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        drawing._family = mini.tiny()
    return drawing


def studio(home: Path, make: Callable[[Studio], Drawing] = local, **settings: Any) -> Studio:
    made = Studio(home=home, **{"llm": "offline", "model": "mini", "steps": 6, "rounds": 1, **settings})
    made.wired.__dict__["drawing"] = make(made)  # the cached property, filled
    return made


def deps(made: Studio, **changes: Any) -> Deps:
    return replace(made.wired.deps(None, made.wired.terms()), **changes)


def run(made: Studio, given: Deps, **brief: Any) -> Design:
    """A whole run with dependencies of its own."""
    design = start(make_brief(BRIEF, **{"seed": 7, **brief}), given.terms)
    made.wired.designs.create(design)
    return go_on(made, given, design, first(design))


def go_on(made: Studio, given: Deps, design: Design, state: DesignState | None = None) -> Design:
    """A run from a state, or from where it stopped."""
    graph = compile(made.wired.checkpointer)
    graph.invoke(state, {"configurable": {"thread_id": design.id}}, context=given, durability="sync")
    return made.show(design.id)


# early verdict


def test_a_hopeless_drawing_is_stopped_goes_to_the_critic_uncut_and_is_delivered_as_best_effort(home: Path) -> None:
    made = studio(home)
    steps: list[int] = []
    design = made.design(BRIEF, seed=UNLUCKY, size="64x64", on_event=lambda kind, data: steps.append(data["done"]) if kind == "step" else None)
    (only,) = design.rounds
    assert (only.render.stopped_early, only.render.steps, steps) == (True, 2, [1, 2])
    assert max(a.lift for a in only.render.attended) < 1.05
    assert only.cutouts == ()
    assert only.critique.verdict == "repair"
    assert not {"recut", "rematte"} & {r.kind for r in only.critique.repairs}, "there is nothing to cut"
    assert design.status == "best_effort"
    assert {a.name for a in design.artifacts} == {"image.png", "background.png", "overview.png", "receipt.png", "manifest.json"}
    assert unpng(made.wired.blobs.get(only.render.image)).shape == (64, 64, 3)


def test_without_the_early_verdict_the_same_drawing_is_finished_and_cut(home: Path) -> None:
    made = studio(home, lambda made: local(made, early_verdict=False), early_verdict=False)
    (only,) = made.design(BRIEF, seed=UNLUCKY, size="64x64").rounds
    assert (only.render.stopped_early, only.render.steps, len(only.cutouts)) == (False, 6, 2)


def test_a_stopped_drawing_costs_a_round_and_is_drawn_again_otherwise(home: Path) -> None:
    design = studio(home, rounds=2).design(BRIEF, seed=UNLUCKY, size="64x64")
    stopped, second = design.rounds
    assert stopped.render.stopped_early
    assert stopped.applied is not None
    assert second.shot != stopped.shot
    assert second.render.image != stopped.render.image


# pictures that can be drawn again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cutouts/01-cat.png", "overview.png"])
def test_every_delivered_picture_can_be_drawn_again(home: Path, tmp_path: Path, name: str) -> None:
    made = studio(home)
    design = made.design(BRIEF, seed=3, size="64x64")
    named = {a.name: a.sha256 for a in design.artifacts}
    alone = tmp_path / "alone.png"
    alone.write_bytes(made.wired.blobs.get(named[name]))
    again = studio(home / "elsewhere").rerun(alone)
    assert {a.name: a.sha256 for a in again.artifacts} == named


# a free mask


def masked(made: Studio, sha256: str) -> Design:
    """A run that draws a given plan, whose one region has a free mask."""
    draw = DrawSettings(steps=3)
    plan = a_plan("a cat", boxes=[Box((0, 0, 1, 1))], masks=[sha256], background="a purple background", size=(64, 64), draw=draw)
    return start(make_brief("a cat"), made.wired.terms(redraw=True), shot=Shot(plan=plan, seed=3))


def test_a_plan_with_a_free_mask_goes_through_the_whole_graph(home: Path) -> None:
    made = studio(home, lambda made: local(made, early_verdict=False), early_verdict=False)
    mask = np.zeros((64, 64), bool)
    mask[:, :16] = mask[48:] = True
    design = made._begin(masked(made, made.wired.blobs.put(grey_png(mask))), lambda *_: None, lambda: False)
    (cutout,) = design.rounds[0].cutouts
    receipt = cutout.receipt
    assert receipt.attended.lift == pytest.approx(receipt.attended.inside / mask.mean(), abs=1e-3)
    far = np.ones((64, 64), bool)
    far[:, : 16 + 6] = far[48 - 6 :] = False  # 6 pixels: a tenth of the canvas
    assert not (unpng(made.wired.blobs.get(cutout.mask))[far] > 127).any()
    assert made.rerun(design.id).rounds[0].render.image == design.rounds[0].render.image


def test_a_run_whose_mask_is_not_there_fails_and_says_so(home: Path) -> None:
    made = studio(home)
    design = masked(made, "f" * 64)
    with pytest.raises(BadInput, match=r"the mask of region 1 \(cat\) is not there"):
        made._begin(design, lambda *_: None, lambda: False)
    assert (made.show(design.id).status, made.show(design.id).rounds) == ("failed", ())


# time


class Ticks:
    """A clock on which everything takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def poor(made: Studio) -> FakeDrawing:
    return FakeDrawing(made.wired.blobs, lambda shot, region: 0.08)


# On such a clock the first round ends after 6 seconds (drawing says itself what it took: a millisecond), each later one after 3 or so.
@pytest.mark.parametrize(("budget", "rounds"), [(6.0, 1), (6.5, 2), (600.0, 6)])
def test_a_time_budget_ends_a_run_with_its_best_round(home: Path, budget: float, rounds: int) -> None:
    made = studio(home, poor, rounds=6, time_budget_s=budget)
    design = run(made, deps(made, clock=Ticks()))
    assert (design.status, len(design.rounds)) == ("best_effort", rounds)
    assert design.best in {r.number for r in design.rounds}
    assert {a.name for a in design.artifacts} >= {"image.png"}
    assert design.rounds[-1].critique.repairs, "there was something left to try"
    assert design.rounds[-1].applied is None
    assert design.timings["work"] == pytest.approx(sum(e["seconds"] for e in _nodes(made, design) if e["node"] != "finish"), abs=0.01)


def _nodes(made: Studio, design: Design) -> list[dict[str, Any]]:
    return [data for _, kind, data in made.wired.designs.events(design.id) if kind == "node"]


def test_a_time_budget_counts_what_was_spent_before_a_resumption(home: Path) -> None:
    made = studio(home, poor, rounds=6, time_budget_s=6.5)
    seen: list[str] = []

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind == "node":
            seen.append(data["node"])

    stopping = deps(made, clock=Ticks(), on_event=listen, cancelled=lambda: "critique" in seen)
    with pytest.raises(Cancelled):
        run(made, stopping)
    (begun,) = made.wired.designs.list()
    assert len(begun.rounds) == 1
    design = go_on(made, deps(made, clock=Ticks()), begun)
    assert len(design.rounds) == 2, "a resumption that forgot the first 6 seconds would go on"


# a critic that sees


def scripted(*marks: CriticAnswer | Exception) -> ScriptedLlm:
    """A model that plans the brief and marks its pictures so."""
    llm = ScriptedLlm(sees=True)
    llm.enqueue(ExtensionAnswer, ExtensionAnswer(prompt="a cat and a rocket on a purple background", background="a purple background"))
    llm.enqueue(ExtractionAnswer, {"subjects": [{"phrase": "a cat", "noun": "cat"}, {"phrase": "a rocket", "noun": "rocket"}]})
    places = [("cat", [0.05, 0.2, 0.45, 0.8]), ("rocket", [0.55, 0.2, 0.95, 0.8])]
    llm.enqueue(LayoutAnswer, {"regions": [{"subject": s, "box": box, "prompt": f"a {s} on a purple background"} for s, box in places]})
    return llm.enqueue(CriticAnswer, *marks)


def good(made: Studio) -> FakeDrawing:
    return FakeDrawing(made.wired.blobs)


def marks(each: float, *issues: dict[str, Any]) -> CriticAnswer:
    return CriticAnswer.model_validate({"alignment": each, "quality": each, "layout": each, "issues": list(issues)})


HORSE = {"subject": "cat", "kind": "wrong", "detail": "it is a horse"}


def test_what_only_a_critic_that_sees_could_see_is_repaired_and_then_accepted(home: Path) -> None:
    made = studio(home, good, rounds=4)
    llm = scripted(marks(1, HORSE), marks(9))
    design = run(made, deps(made, llm=llm))
    wrong, right = design.rounds
    assert (design.status, design.best) == ("accepted", 2)
    assert wrong.critique.disagreement, "to geometry it was fine"
    assert wrong.critique.scores["vision"] < 0.35 < 0.6 < wrong.critique.scores["geometry"]
    assert [(f.subject, f.region, f.detail) for f in wrong.critique.findings] == [("cat", 0, "it is a horse")]
    assert wrong.applied is not None
    assert right.critique.scores["vision"] == pytest.approx(0.9)
    asked = [prompt for prompt, schema in llm.history if schema == "CriticAnswer"]
    for prompt, judged in zip(asked, design.rounds, strict=True):
        (shown,) = prompt.images
        assert shown == made.wired.drawing.picture(judged.render, judged.cutouts)
        drawn = unpng(made.wired.blobs.get(judged.render.image))
        assert (unpng(shown) != drawn).any(), "the outlines are on the picture it is shown"
        assert BRIEF in prompt.text


def test_a_run_whose_critic_loses_its_eyes_goes_by_what_is_measured(home: Path) -> None:
    made = studio(home, good)
    design = run(made, deps(made, llm=scripted(LlmFailed("the server is gone"))))
    (only,) = design.rounds
    assert design.status == "accepted"
    assert "vision" not in only.critique.scores
    assert [f.detail for f in only.critique.findings] == ["the picture itself was not looked at, only measured: the server is gone"]


def test_a_picture_that_was_stopped_early_is_not_shown(home: Path) -> None:
    made, llm = studio(home), scripted(marks(9))
    (only,) = run(made, deps(made, llm=llm), seed=UNLUCKY, size="64x64").rounds
    assert only.render.stopped_early
    assert "CriticAnswer" not in [schema for _, schema in llm.history]


def test_real_drawings_are_shown_with_their_outlines(home: Path) -> None:
    """The picture that the model gets is the one that was drawn, also where nothing sensible was."""
    made = studio(home, lambda made: local(made, early_verdict=False), early_verdict=False)
    llm = scripted(marks(5))
    design = run(made, deps(made, llm=llm))
    (only,) = design.rounds
    assert only.critique.scores["vision"] == pytest.approx(0.5)
    shown = unpng(llm.prompts[-1].images[0])
    drawn = unpng(made.wired.blobs.get(only.render.image))
    assert shown.shape == drawn.shape
    assert (shown != drawn).any() == any(c.box is not None for c in only.cutouts)
