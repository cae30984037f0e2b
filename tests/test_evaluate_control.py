"""The evaluation of attention control: what it draws, what it counts, and that it goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cutwork.domain import DrawSettings, ErgSettings
from cutwork.lab import control_studio
from cutwork.lab import evaluate_control as control
from cutwork.lab.control_studio import Answers, Scene, Seeds, Studio, by_seeds, key
from cutwork.lab.evaluate_control import OFF, ON, Arm, Seen
from cutwork.lab.judge import Verdict
from cutwork.tools.denoise import denoise
from cutwork.tools.render import drawn

NOUNS = ("cat", "dog", "fox", "rocket", "apple")
WHERE = ((0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75))


def verdict(noun: str, probability: float = 0.9, mixed: float = 0.1) -> Verdict:
    return Verdict(noun, probability, 0.9, mixed, WHERE[0])


def seen(noun: str, probability: float = 0.9, mixed: float = 0.1, both: float = 0.01) -> Seen:
    return Seen(noun, probability, 0.9, mixed, both)


class Drawn(Studio):
    """A studio whose pictures are flat and whose judge is told what to say: nothing is drawn and nothing looked at."""

    def __init__(self, says: Any) -> None:
        self.side, self.says, self.known, self.eye, self.nouns = 64, says, {}, self, NOUNS

    def _batches(self, asked: Sequence[Seeds], draw: DrawSettings) -> list[list[Seeds]]:
        return [list(asked)]

    def prepare(self, asked: Iterable[Scene], draw: DrawSettings) -> None:
        pass

    def draw(self, scene: Scene, draw: DrawSettings) -> np.ndarray:
        self.shown = scene, draw
        return np.full((64, 64, 3), scene.seed % 7 * 30, np.uint8)

    def look(self, picture: np.ndarray, boxes: Sequence[Any]) -> list[Verdict]:
        scene, draw = self.shown
        return [verdict(noun if self.says(scene, draw, noun) else "none") for noun, _ in zip(scene.nouns, boxes, strict=True)]

    def find(self, picture: np.ndarray, smallest: float = 0.4) -> list[Verdict]:
        scene, draw = self.shown
        return [verdict(noun) for noun in scene.nouns if self.says(scene, draw, noun)]

    def probabilities(self, picture: np.ndarray, boxes: Sequence[Any]) -> tuple[torch.Tensor, None, None]:
        return torch.full((len(boxes), len(NOUNS)), 0.1), None, None


def test_a_scene_is_planned_as_the_agents_would() -> None:
    plan = Scene(("owl", "cat"), WHERE, "orange", 5).plan(64, ON)
    assert plan.prompt == "an owl and a cat on an orange background"
    assert [r.box.root for r in plan.regions] == list(WHERE)
    assert plan.draw.regional
    assert not OFF.regional


def test_scenes_are_always_the_same_and_seeds_follow_each_other() -> None:
    first, again = (list(control_studio.scenes(NOUNS, 5, 3)) for _ in range(2))
    assert first == again
    assert len(first) == 15
    assert [len(scene.nouns) for scene in first[::3]] == [2, 3, 4, 2, 3]
    assert len({key(scene) for scene in first}) == 5
    assert key(first[0]) == key(first[2]) != key(first[3])


def test_pairs_of_self_cross_look_alike() -> None:
    made = list(control.alike(NOUNS, 10, 2))
    assert {frozenset(scene.nouns) for scene in made} == {frozenset(p) for p in (("cat", "dog"), ("cat", "fox"), ("dog", "fox"))}
    assert len({key(scene) for scene in made}) == 10, "there are three such pairs: they come again"
    assert made[:6] == list(control.alike(NOUNS, 3, 2)), "more of them change nothing of the first"
    assert not list(control.alike(("cat", "rocket"), 3, 2))


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


def test_self_cross_is_measured_by_four_questions_each_with_its_gain() -> None:
    studio = Drawn(lambda scene, draw, noun: draw.self_cross is not None or noun == scene.nouns[0])
    figures, _, _ = control._self_cross(studio, NOUNS, 3, 2)
    named = {f.name: f for f in figures}
    assert len(named) == 15
    assert (named[f"{control.FINDS}: self-cross − off"].value, named[f"{control.FINDS}: off"].count) == (0, 3)
    assert named["alike, both there: self-cross − off"].value == 100
    assert named["alike, unmixed with each other: self-cross − off"].value == 0
    assert named["alike, both recognised: off"].scenes == 3


def test_the_paper_s_form_is_an_arm_of_its_own() -> None:
    forms = []
    studio = Drawn(lambda scene, draw, noun: forms.append(draw.self_cross and draw.self_cross.form) or True)
    figures, _, _ = control._self_cross_latents(studio, NOUNS, 1, 1)
    assert set(forms) == {None, "latents"}
    assert "alike, nothing mixed: self-cross-latents" in [f.name for f in figures]


@pytest.mark.parametrize(
    ("found", "answers"),
    [
        ([seen("cat"), seen("dog")], (True, True, True, True)),
        ([seen("cat"), seen("dog", mixed=0.7)], (True, False, True, False)),
        ([seen("cat"), seen("dog", mixed=0.7, both=0.2)], (True, False, False, False)),
        ([seen("cat"), seen("dog", mixed=0.4, both=0.2)], (True, True, True, True)),
        ([seen("cat"), seen("dog", probability=0.4)], (False, False, True, True)),
        ([seen("cat")], (False, False, True, True)),
        ([], (False, False, True, True)),
    ],
)
def test_answers_of_a_pair(found: list[Seen], answers: tuple[bool, ...]) -> None:
    assert tuple(holds(("cat", "dog"), found) for holds in control.PAIRS.values()) == answers


def test_what_is_found_of_a_pair_is_a_share_of_its_finds() -> None:
    """By scene, over its seeds; what is neither of the two does not count, and a scene with nothing of them says nothing."""
    asked = [Scene(("cat", "dog"), WHERE, colour, 1000 * k + seed) for k, colour in enumerate(("blue", "red")) for seed in (0, 1)]
    pictures = [[seen("cat", mixed=0.7), seen("dog")], [seen("cat"), seen("cat"), seen("fox", mixed=0.9)], [seen("fox")], []]
    assert control._clear(asked, pictures) == [75.0, None]


def test_what_the_judge_sees_is_kept_whole() -> None:
    """From a verdict to a line and back; the least likely of the subjects asked for is that of the names' probabilities."""
    eye = Drawn(None)
    eye.probabilities = lambda picture, boxes: (torch.tensor([[0.7, 0.2, 0.06, 0.02, 0.02]]), None, None)  # type: ignore[method-assign]
    rows = control._rows(eye, np.zeros((4, 4, 3), np.uint8), [verdict("cat", 0.7, 0.6)], ("dog", "cat"))  # type: ignore[arg-type]
    assert Seen(*json.loads(json.dumps(rows))[0]) == Seen("cat", 0.7, 0.9, 0.6, 0.2)
    assert Seen(*rows[0]).blends
    assert control._rows(eye, np.zeros((4, 4, 3), np.uint8), [], ("dog", "cat")) == []  # type: ignore[arg-type]


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


def test_what_was_found_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, said = OFF.model_copy(update={"steps": 1}), []
    asked = [(Scene(("cat", "dog"), WHERE, "blue", 3),), (Scene(("fox",), WHERE[:1], "red", 1000),)]
    monkeypatch.setattr(control_studio, "EVERY", 1)

    def average(studio: Studio) -> Callable[[Seeds], float]:
        return lambda seeds: float(np.mean([studio.draw(scene, quick) for scene in seeds]))

    first = Studio(64, tmp_path / "answers.jsonl", tmp_path / "pictures", said.append)
    found = first.ask(asked, quick, "average", average(first))
    assert first.made == 2
    assert said[0].startswith("2 pictures drawn, ")
    assert first.draw(asked[0][0], quick).shape == (64, 64, 3)

    shutil.rmtree(tmp_path / "pictures")
    again = Studio(64, tmp_path / "answers.jsonl", tmp_path / "pictures")
    assert again.ask(asked[::-1], quick, "average", lambda seeds: pytest.fail("looked again")) == found[::-1]
    assert again.made == 0
    assert "family" not in vars(again)  # not even loaded

    more = [*asked, (Scene(("cat", "dog"), WHERE, "blue", 4),)]
    assert again.ask(more, quick, "average", average(again))[:2] == found
    assert again.made == 1
    again.ask(more, quick, "another question", average(again))
    assert again.made == 3  # the pictures that are gone
    assert not list(tmp_path.rglob("*.tmp*"))

    monkeypatch.setattr(control_studio, "_maker", lambda: "other weights")
    assert not Studio(64, tmp_path / "answers.jsonl", tmp_path / "pictures").known.known


def test_answers_survive_a_kill(tmp_path: Path) -> None:
    """A line that was cut short is lost, and no other; of other weights all are."""
    path = tmp_path / "of" / "answers.jsonl"
    answers = Answers(path, "weights 1")
    answers["a"], answers["b"] = [True, False], {"saturation": 12.5}
    with path.open("a") as file:
        file.write('["c", [tr')
    again = Answers(path, "weights 1")
    assert (again["a"], again["b"], "c" in again) == ([True, False], {"saturation": 12.5}, False)
    again["c"] = 3
    assert Answers(path, "weights 1").known == {"a": [True, False], "b": {"saturation": 12.5}, "c": 3}
    other = Answers(path, "weights 2")
    assert other.known == {}
    assert Answers(path, "weights 1").known == {"a": [True, False], "b": {"saturation": 12.5}, "c": 3}, "to look loses nothing"
    one, two = Answers(path, "weights 1"), Answers(path, "weights 1")
    one["d"], two["e"] = 4, 5
    assert {"d", "e"} <= Answers(path, "weights 1").known.keys(), "two may work on one file"
    other["a"] = 1
    assert Answers(path, "weights 2").known == {"a": 1}


@pytest.mark.parametrize(
    ("how", "side", "batches"),
    [
        (ON, 64, [1, 2, 1, 1]),
        (OFF.model_copy(update={"erg": ErgSettings(text_tau=0.0)}), 64, [1, 4]),
        pytest.param(ON, 256, [1, 1, 2, 2, 1, 1, 1, 1], marks=pytest.mark.slow),
    ],
)
def test_pictures_are_drawn_in_batches_and_only_those_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: DrawSettings, side: int, batches: list[int]
) -> None:
    """Under regions the seeds of a scene, by the prompt alone of several: each as it is drawn alone, to rounding; large ones small first."""
    quick, studio, sizes = how.model_copy(update={"steps": 2}), Studio(side, tmp_path / "answers.jsonl", tmp_path), []
    asked = [Scene(("cat", "dog"), WHERE, "blue", seed) for seed in (0, 1, 2)] + [Scene((noun,), WHERE[:1], "red", seed) for noun, seed in (("fox", 1000), ("cat", 2000))]
    monkeypatch.setattr(control_studio, "denoise", lambda family, noise, *rest, **named: sizes.append(len(noise)) or denoise(family, noise, *rest, **named))
    studio.draw(asked[1], quick)
    for question in ("seeds", "more"):
        studio.ask(by_seeds(asked), quick, question, len)
    assert (sizes, studio.made) == (batches, 5)
    for scene in asked:
        alone = studio.family.decode(drawn(studio._planned(scene, quick), studio.family, scene.seed).latents, (side, side))
        assert np.abs(studio.draw(scene, quick).astype(int) - alone).max() <= 1, scene


@pytest.mark.slow
def test_a_whole_run_is_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OFF", "ON"):
        monkeypatch.setattr(control, name, getattr(control, name).model_copy(update={"steps": 2}))
    said: list[str] = []
    report = control.run(1, 1, 64, ("regions", "self-cross"), said.append, tmp_path / "answers", tmp_path / "pictures")
    assert said[:2] == ["regions: 1 scenes of 1 seeds", "self-cross: 1 scenes of 1 seeds"]
    assert report.suite == "control-regions-self-cross"
    assert report.command == "cutwork eval control --scenes 1 --seeds 1 --side 64 --part regions --part self-cross"
    assert len(report.figures) in (2 * 6 + 12, 2 * 6 + 15), "of two steps there may be nothing that is found"
    assert report.sheet is not None
    assert [len(file.read_text().splitlines()) for file in sorted((tmp_path / "answers").iterdir())] == [3, 3]
    again = control.run(1, 1, 64, ("regions", "self-cross"), said.append, tmp_path / "answers", tmp_path / "pictures")
    assert again.figures == report.figures
