"""The evaluation of attention control: what it draws, what it counts, and that it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutwork.domain import DrawSettings, ErgSettings
from cutwork.lab import evaluate_control as control
from cutwork.lab.evaluate_control import OFF, ON, Arm, Scene, Studio
from cutwork.lab.judge import Verdict
from cutwork.tools.denoise import denoise
from cutwork.tools.render import drawn

NOUNS = ("cat", "dog", "fox", "rocket", "apple")
WHERE = ((0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75))


def verdict(noun: str, probability: float = 0.9, mixed: float = 0.1) -> Verdict:
    return Verdict(noun, probability, 0.9, mixed, WHERE[0])


class Drawn(Studio):
    """A studio whose pictures are flat and whose judge is told what to say: nothing is drawn and nothing looked at."""

    def __init__(self, says: Any) -> None:
        self.side, self.says = 32, says

    def prepare(self, asked: Iterable[Scene], draw: DrawSettings) -> None:
        pass

    def draw(self, scene: Scene, draw: DrawSettings) -> np.ndarray:
        return np.full((32, 32, 3), scene.seed % 7 * 30, np.uint8)

    def in_boxes(self, scene: Scene, draw: DrawSettings) -> list[bool]:
        return [self.says(scene, draw, noun) for noun in scene.nouns]

    def found(self, scene: Scene, draw: DrawSettings) -> list[Verdict]:
        return [verdict(noun) for noun in scene.nouns if self.says(scene, draw, noun)]


def test_a_scene_is_planned_as_the_agents_would() -> None:
    plan = Scene(("owl", "cat"), WHERE, "orange", 5).plan(64, ON)
    assert plan.prompt == "an owl and a cat on an orange background"
    assert [r.box.root for r in plan.regions] == list(WHERE)
    assert plan.draw.regional
    assert not OFF.regional


def test_scenes_are_always_the_same_and_seeds_follow_each_other() -> None:
    first, again = (list(control.scenes(NOUNS, 5, 3)) for _ in range(2))
    assert first == again
    assert len(first) == 15
    assert [len(scene.nouns) for scene in first[::3]] == [2, 3, 4, 2, 3]
    assert len({control._key(scene) for scene in first}) == 5
    assert control._key(first[0]) == control._key(first[2]) != control._key(first[3])


def test_pairs_of_self_cross_look_alike() -> None:
    made = list(control.alike(NOUNS, 10, 2))
    assert {frozenset(scene.nouns) for scene in made} == {frozenset(p) for p in (("cat", "dog"), ("cat", "fox"), ("dog", "fox"))}


def test_regions_are_held_against_the_prompt_alone_scene_by_scene() -> None:
    """Regions find every subject, the prompt alone all of a scene or none: what is sure of 24 answers is not of 2 scenes."""
    studio = Drawn(lambda scene, draw, noun: draw.regional or scene.seed >= 3000)
    figures, pictures, _ = control._regions(studio, NOUNS, 6, 2)
    named = {f.name: f for f in figures}
    assert named["all, in their boxes: regions"].value == 100
    gain = named["3 subjects, in their boxes: regions − prompt only"]
    assert (gain.value, gain.low, gain.high, gain.count, gain.scenes) == (50, 0, 100, 12, 2)
    assert gain.wanted == "≥ +20"
    more = named["3 subjects and more, in their boxes: regions − prompt only"]
    assert (more.count, more.scenes) == (28, 4)
    assert len(pictures) == 8


def test_self_cross_is_measured_by_three_questions_each_with_its_gain() -> None:
    studio = Drawn(lambda scene, draw, noun: draw.self_cross is not None or noun == scene.nouns[0])
    figures, _, _ = control._self_cross(studio, NOUNS, 3, 2)
    named = {f.name: f for f in figures}
    assert len(named) == 9
    assert named["alike, both there: self-cross − off"].value == 100
    assert named["alike, unmixed: self-cross − off"].value == 0
    assert named["alike, both recognised: off"].scenes == 3


def test_the_paper_s_form_is_an_arm_of_its_own() -> None:
    forms = []
    studio = Drawn(lambda scene, draw, noun: forms.append(draw.self_cross and draw.self_cross.form) or True)
    figures, _, _ = control._self_cross_latents(studio, NOUNS, 1, 1)
    assert set(forms) == {None, "latents"}
    assert "alike, unmixed: self-cross-latents" in [f.name for f in figures]


def test_answers_of_a_pair() -> None:
    scene = Scene(("cat", "dog"), WHERE, "blue", 0)
    assert control._answers(scene, [verdict("cat"), verdict("dog")]) == {"both there": True, "both recognised": True, "unmixed": True}
    assert control._answers(scene, [verdict("cat"), verdict("dog", mixed=0.7)]) == {"both there": True, "both recognised": False, "unmixed": False}
    assert control._answers(scene, [verdict("cat")]) == {"both there": False, "both recognised": False, "unmixed": True}


def test_all_ways_of_guiding_cost_the_same() -> None:
    ways = control.arms()
    for arm in ways.values():
        assert arm.draw.steps * arm.evaluations == pytest.approx(control.EVALUATIONS, abs=arm.evaluations)
    assert {name: round(arm.evaluations, 1) for name, arm in ways.items() if "3" in name} == {
        "cfg 3": 2, "i-erg 3": 1.6, "erg 3": 2, "cfg 3 and i-erg 2": 2.6,
    }  # fmt: skip
    assert ways["cfg 3 and i-erg 2"].off == "cfg 3"
    assert all(arm.off in ways for name, arm in ways.items() if name != "none")


def test_evaluations_are_what_the_model_is_asked() -> None:
    """Counted on a drawing: predictions of each image of each pass."""
    import torch
    from builders import tiny_flux

    from cutwork.tools.denoise import denoise
    from cutwork.tools.render import condition, techniques_of

    family, scene, asked = tiny_flux(), Scene(("cat",), WHERE[:1], "blue", 0), []
    last = family.model.single_transformer_blocks[-1]
    last.register_forward_hook(lambda module, args, out: asked.append(len(out[0])))
    for arm in (control._arm(1.0), control._arm(3.0), *(Arm(way.draw) for name, way in control.arms().items() if name in ("i-erg 2", "erg 2", "cfg 3 and i-erg 2"))):
        short = Arm(arm.draw.model_copy(update={"steps": 5}))
        plan = scene.plan(64, short.draw)
        asked.clear()
        with torch.no_grad():
            denoise(family, family.noise(0, (64, 64)), condition(plan, family), (64, 64), 5, short.draw.guidance, techniques_of(plan, family))
        assert sum(asked) / 5 == pytest.approx(short.evaluations)


def test_erg_is_held_against_its_off_switch_and_the_best_guidance() -> None:
    good = {"cfg 4.5": 1.0, "erg 3": 1.0}
    ways = {arm.draw.model_dump_json(): name for name, arm in control.arms().items()}
    studio = Drawn(lambda scene, draw, noun: bool(good.get(ways[draw.model_dump_json()], 0.0)))
    figures, _, notes = control._erg(studio, NOUNS, 3, 2)
    named = {f.name: f for f in figures}
    assert named["erg 3 − none: subject recognised"].value == 100
    assert named["erg 3 − cfg 4.5: subject recognised"].value == 0
    assert named["i-erg 2 − cfg 4.5: subject recognised"].value == -100
    assert named["cfg 3 and i-erg 2 − cfg 3: subject recognised"].count == 6
    assert named["erg 3 − none: difference between seeds"].count == 3
    assert "erg 3 (2.0 evaluations a step, 24 steps): saturation" in named
    assert "cfg 4.5. Operating point of ERG by the same: erg 3, 2.0 evaluations a step, 24 steps" in notes[0]


def test_what_was_made_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, quick = Scene(("cat", "dog"), WHERE, "blue", 3), OFF.model_copy(update={"steps": 1})
    said: list[str] = []
    monkeypatch.setattr(control, "EVERY", 1)
    first = Studio(64, tmp_path, said.append)
    picture, seen, boxes = first.draw(scene, quick), first.found(scene, quick), first.in_boxes(scene, quick)
    assert first.made == 1
    assert said[0].startswith("1 pictures drawn, ")
    assert picture.shape == (64, 64, 3)

    again = Studio(64, tmp_path)
    monkeypatch.setattr(again.eye, "look", lambda *args: pytest.fail("looked again"))
    assert np.array_equal(again.draw(scene, quick), picture)
    assert again.found(scene, quick) == seen
    assert again.in_boxes(scene, quick) == boxes
    assert again.made == 0
    assert "family" not in vars(again)  # not even loaded
    assert not list(tmp_path.rglob("*.tmp*"))

    other = Scene(("cat", "dog"), WHERE, "blue", 4)
    assert not np.array_equal(again.draw(other, quick), picture)
    monkeypatch.setattr(control, "_maker", lambda: "other weights")
    again.draw(scene, quick)
    assert again.made == 2


@pytest.mark.parametrize(("how", "batches"), [(ON, [1, 2, 1, 1]), (OFF.model_copy(update={"erg": ErgSettings(text_tau=0.0)}), [1, 4])])
def test_pictures_are_drawn_in_batches_and_only_those_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: DrawSettings, batches: list[int]) -> None:
    """Under regions the seeds of a scene, by the prompt alone of several: each as it is drawn alone, to rounding."""
    quick, studio, sizes = how.model_copy(update={"steps": 2}), Studio(64, tmp_path), []
    asked = [Scene(("cat", "dog"), WHERE, "blue", seed) for seed in (0, 1, 2)] + [Scene((noun,), WHERE[:1], "red", seed) for noun, seed in (("fox", 1000), ("cat", 2000))]
    monkeypatch.setattr(control, "denoise", lambda family, noise, *rest: sizes.append(len(noise)) or denoise(family, noise, *rest))
    studio.draw(asked[1], quick)
    studio.prepare(asked, quick)
    studio.prepare(asked, quick)
    assert (sizes, studio.made) == (batches, 5)
    for scene in asked:
        alone = studio.family.decode(drawn(studio._planned(scene, quick), studio.family, scene.seed).latents, (64, 64))
        assert np.abs(studio.draw(scene, quick).astype(int) - alone).max() <= 1, scene


def test_a_whole_run_is_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OFF", "ON"):
        monkeypatch.setattr(control, name, getattr(control, name).model_copy(update={"steps": 2}))
    said: list[str] = []
    report = control.run(1, 1, 64, ("regions", "self-cross"), said.append, tmp_path)
    assert said[:2] == ["regions: 1 scenes of 1 seeds", "self-cross: 1 scenes of 1 seeds"]
    assert report.suite == "control-regions-self-cross"
    assert report.command == "cutwork eval control --scenes 1 --seeds 1 --side 64 --part regions --part self-cross"
    assert len(report.figures) == 6 + 9
    assert report.sheet is not None
