"""The suite that holds two families' maps against true alpha: its measure, its figures, and a small run of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import flat_art

from cutwork.errors import NotConfigured
from cutwork.lab import autoencoder, judge, mask_cases
from cutwork.lab import evaluate_families as suite
from cutwork.lab.config import CONFIGS
from cutwork.lab.control_studio import Scene
from cutwork.lab.model import build
from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.drawing import suits
from cutwork.tools.render import drawn

Score = suite.Score


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(0)
    fused, truth = rng.integers(0, 5, (12, 12)).astype(np.float32), rng.random((12, 12)) < 0.3
    pairs = [(a > b) + 0.5 * (a == b) for a in fused[truth] for b in fused[~truth]]
    assert suite.auc(fused, truth) == pytest.approx(np.mean(pairs))
    assert suite.auc(truth.astype(np.float32), truth) == 1
    assert suite.auc(np.zeros((3, 3), np.float32), truth) == 0.5


def test_small_maps_are_enlarged_to_the_truth() -> None:
    truth = np.zeros((64, 64), bool)
    truth[16:48, 16:48] = True
    fused = np.zeros((4, 4), np.float32)
    fused[1:3, 1:3] = 1
    assert suite.auc(fused, truth) > 0.97
    assert suite.auc(1 - fused, truth) < 0.03


def test_families_are_compared_scene_by_scene() -> None:
    flat = {weight: [Score(50.0, 10.0)] * 3 for weight in WEIGHTS}
    flux = flat | {"entropy": [Score(60.0, 20.0)] * 3}
    sd3 = flat | {"entropy": [Score(53.0, 9.0)] * 3}
    found = {f.name: f.value for f in suite.figures({"flux": flux, "sd3": sd3})}
    assert found["flux, entropy − mean: AUC"] == 10
    assert found["sd3, entropy − mean: IoU"] == -1
    assert found["sd3 − flux, of entropy − mean: AUC"] == -7
    assert found["sd3, otsu: IoU"] == 10
    assert len(found) == 6 + 2 * 2 * len(WEIGHTS)


def test_a_missing_model_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="no Stable Diffusion 3 of the testbed") as caught:
        suite.run(1, folder=tmp_path / "nowhere")
    assert "cutwork.lab.train --config sd3" in str(caught.value.hint)


@pytest.mark.slow
def test_a_small_run_measures_both_and_again_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(CONFIGS["sd3"], heads=2, double=2, text=64)
    torch.manual_seed(0)
    build(config).pipeline(autoencoder.AutoencoderTiny(**autoencoder.CONFIG)).save_pretrained(tmp_path / "model")
    table = flat_art(tmp_path, ("cat", "red", "ellipse"), ("dog", "blue", "rectangle"), ("fox", "white", "ellipse"))
    monkeypatch.setattr(suite.art, "load", lambda _: table)
    monkeypatch.setattr(suite, "WEIGHTS", {name: WEIGHTS[name] for name in ("mean", "entropy")})
    monkeypatch.setattr(mask_cases, "SIDE", 128)
    monkeypatch.setattr(suite, "EVERY", 14)
    monkeypatch.setattr(suite, "SHOWN", 1)
    made = suite.run(1, tmp_path / "model", tmp_path / "kept")
    found = {f.name: f for f in made.figures}
    assert found["flux, entropy: AUC"].value > 10 + found["sd3, entropy: AUC"].value  # the one has learned, the other has not
    assert found["flux, entropy: AUC"].count == 6
    assert made.sheet is not None
    monkeypatch.setattr(suite, "scores", lambda *_: pytest.fail("measured again"))
    monkeypatch.setattr(suite, "SHOWN", 0)
    assert suite.run(1, tmp_path / "model", tmp_path / "kept").figures == made.figures


@pytest.mark.slow
def test_the_stable_diffusion_of_the_testbed_draws_what_it_is_told() -> None:
    family, eye, off = suite.sd3(), judge.load(), suits("mini").model_copy(update={"steps": 16, "regional": False, "refine_from": 0.0})
    named = []
    for noun in ("penguin", "apple", "rocket", "pizza"):
        plan = Scene((noun,), ((0.1, 0.1, 0.9, 0.9),), "blue", 7).plan(128, off)
        latents = drawn(plan, family, 7).latents
        named += [any(v.recognised(noun) for v in eye.find(family.decode(latents, (128, 128)), 0.5))]
    assert sum(named) >= 3
