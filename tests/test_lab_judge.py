"""The judge: what it is shown, what it is trained on, and what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import flat_art
from PIL import Image

pytest.importorskip("safetensors")

from cutwork.lab import autoencoder, judge, train_judge
from cutwork.lab.art import Art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> tuple[Art, ...]:
    return flat_art(tmp_path_factory.mktemp("art"), ("cat", "orange", "ellipse"), ("dog", "navy", "rectangle"))


def test_a_box_is_shown_square_and_with_its_margin() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 80:120] = 255  # 40 wide, 20 high
    seen = judge.crop(autoencoder.to_tensor([image]), (0.4, 0.4, 0.6, 0.6))[0]  # (3, 64, 64)
    assert seen.shape == (3, judge.SIDE, judge.SIDE)
    white = seen[0] > 0
    longer = judge.SIDE / (1 + 2 * judge.MARGIN)
    assert abs(white.any(0).sum().item() - longer) <= 2
    assert abs(white.any(1).sum().item() - longer / 2) <= 2


def test_past_the_canvas_its_edge_goes_on() -> None:
    image = np.full((64, 64, 3), 200, np.uint8)
    assert judge.crop(autoencoder.to_tensor([image]), (0.8, 0.8, 1.0, 1.0)).std() < 1e-6


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_windows_lie_on_the_canvas_and_cover_it(aspect: float) -> None:
    boxes = judge.windows(aspect)
    assert all(0 <= x0 < x1 <= 1 + 1e-9 and 0 <= y0 < y1 <= 1 + 1e-9 for x0, y0, x1, y1 in boxes)
    small = [b for b in boxes if b[2] - b[0] < 0.6]
    for x, y in np.random.default_rng(0).random((200, 2)):
        assert any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in small)


def test_weights_and_names_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = judge.Net(3).eval()
    judge.save(net, ("cat", "dog", "fox"), tmp_path / "judge.safetensors")
    again = judge.load(tmp_path / "judge.safetensors")
    assert again.nouns == ("cat", "dog", "fox")
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        for a, b in zip(net(x), again.net(x), strict=True):
            assert torch.allclose(a, b, atol=0.02)


def test_nothing_to_look_at_is_no_verdict() -> None:
    assert judge.Judge(judge.Net(2), ("cat", "dog")).look(np.zeros((8, 8, 3), np.uint8), []) == []


@pytest.mark.parametrize("way", [*train_judge.WAYS, *train_judge.NOVEL])
def test_a_mixture_has_some_of_both(way: train_judge.Way) -> None:
    red, blue = (Image.new("RGBA", (40, 40), colour) for colour in ("red", "blue"))
    for seed in range(10):
        pixels = np.asarray(train_judge.mixture(red, blue, way, np.random.default_rng(seed)), np.float32)
        assert 0.2 < pixels[..., 0].mean() / 255 < 0.8
        assert 0.2 < pixels[..., 2].mean() / 255 < 0.8
        assert pixels[..., 3].min() == 255


def test_damage_takes_a_third_to_two_thirds(art: tuple[Art, ...]) -> None:
    whole = np.asarray(art[1].rgba)[..., 3] > 128
    for seed in range(10):
        left = np.asarray(train_judge.damaged(art[1].rgba, np.random.default_rng(seed)))[..., 3] > 128
        assert 0.3 < left.sum() / whole.sum() < 0.7


def test_crops_say_what_they_are(art: tuple[Art, ...]) -> None:
    crops = train_judge.Crops(art, seed=3)
    samples = [crops.draw() for _ in range(80)]
    assert {s.mixed for s in samples} == {True, False, None}
    for sample in samples:
        assert sample.pixels.shape == (judge.SIDE, judge.SIDE, 3)
        if sample.mixed:
            assert sample.classes[0] != sample.classes[1]
            assert sample.whole is None
        if sample.mixed is None:
            assert sample.classes == (2, 2)


@pytest.mark.slow
def test_it_learns_to_tell_two_subjects_apart(art: tuple[Art, ...], tmp_path: Path) -> None:
    vae = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    autoencoder.fit_encoder(vae, art)
    made = train_judge.train(art, tmp_path, 1.0, vae, batch=32)
    right = train_judge.answers(made, art, 20, (96, 96))
    assert np.mean(right["subject"]) > 0.75
    assert (tmp_path / "judge.pt").is_file()
