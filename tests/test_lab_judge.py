"""The judge: what it is shown, what it is trained on, and what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import flat_art
from PIL import Image

pytest.importorskip("safetensors")

from cutwork.lab import autoencoder, crops, judge, measure_judge, mixtures, train_judge
from cutwork.lab.art import Art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> tuple[Art, ...]:
    return flat_art(tmp_path_factory.mktemp("art"), ("cat", "orange", "ellipse"), ("dog", "navy", "rectangle"))


def test_a_box_is_shown_square_and_with_its_margin() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 80:120] = 255  # 40 wide, 20 high
    seen = judge.crops_of(autoencoder.to_tensor([image]), [(0.4, 0.4, 0.6, 0.6)])[0]  # (3, 64, 64)
    assert seen.shape == (3, judge.SIDE, judge.SIDE)
    white = seen[0] > 0
    longer = judge.SIDE / (1 + 2 * judge.MARGIN)
    assert abs(white.any(0).sum().item() - longer) <= 2
    assert abs(white.any(1).sum().item() - longer / 2) <= 2


def test_past_the_canvas_its_edge_goes_on() -> None:
    image = np.full((64, 64, 3), 200, np.uint8)
    assert judge.crops_of(autoencoder.to_tensor([image]), [(0.8, 0.8, 1.0, 1.0)]).std() < 1e-6


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
    honest = judge.Calibration(1.5, (0.8, 0.1), (2.0, -0.3))
    judge.save(judge.Judge(net, ("cat", "dog", "fox"), honest), tmp_path / "judge.safetensors")
    again = judge.load(tmp_path / "judge.safetensors")
    assert again.nouns == ("cat", "dog", "fox")
    assert again.calibration == honest
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        for a, b in zip(net(x), again.net(x), strict=True):
            assert torch.allclose(a, b, atol=0.02)


def test_calibration_changes_probabilities_by_its_formulas() -> None:
    names, whole, mixed = torch.tensor([[2.0, 0.0, -2.0]]), torch.tensor([1.0]), torch.tensor([-3.0])
    plain, calm = judge.Calibration(), judge.Calibration(2.0, (0.5, 0.0), (1.0, 3.0))
    for got, wanted in zip(plain(names, whole, mixed), (names.softmax(1), whole.sigmoid(), mixed.sigmoid()), strict=True):
        assert torch.equal(got, wanted)
    got = calm(names, whole, mixed)
    torch.testing.assert_close(got[0], torch.tensor([[1.0, 0.0, -1.0]]).softmax(1))
    assert got[1].item() == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert got[2].item() == pytest.approx(0.5)


def test_the_judge_speaks_calibrated() -> None:
    torch.manual_seed(0)
    net, image = judge.Net(3), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    loud, calm = (judge.Judge(net, ("cat", "dog", "fox"), judge.Calibration(t)).look(image, [(0, 0, 1, 1)])[0] for t in (0.01, 100.0))
    assert loud.probability > 0.9
    assert calm.probability == pytest.approx(0.25, abs=0.02)


def test_nothing_to_look_at_is_no_verdict() -> None:
    assert judge.Judge(judge.Net(2), ("cat", "dog")).look(np.zeros((8, 8, 3), np.uint8), []) == []


@pytest.mark.parametrize("way", [*mixtures.WAYS, *mixtures.NOVEL])
def test_a_mixture_has_some_of_both(way: mixtures.Way) -> None:
    red, blue = (Image.new("RGBA", (40, 40), colour) for colour in ("red", "blue"))
    for seed in range(10):
        pixels = np.asarray(mixtures.mixture(red, blue, way, np.random.default_rng(seed)), np.float32)
        assert 0.2 < pixels[..., 0].mean() / 255 < 0.8
        assert 0.2 < pixels[..., 2].mean() / 255 < 0.8
        assert pixels[..., 3].min() == 255


def test_damage_takes_a_third_to_two_thirds(art: tuple[Art, ...]) -> None:
    whole = np.asarray(art[1].rgba)[..., 3] > 128
    for seed in range(10):
        left = np.asarray(mixtures.damaged(art[1].rgba, np.random.default_rng(seed)))[..., 3] > 128
        assert 0.3 < left.sum() / whole.sum() < 0.7


def test_crops_say_what_they_are(art: tuple[Art, ...]) -> None:
    endless = crops.Crops(art, seed=3)
    samples = [endless.draw() for _ in range(80)]
    assert {s.mixed for s in samples} == {True, False, None}
    for sample in samples:
        assert sample.pixels.shape == (judge.SIDE, judge.SIDE, 3)
        if sample.mixed:
            assert sample.classes[0] != sample.classes[1]
            assert sample.whole is None
        if sample.mixed is None:
            assert sample.classes == (2, 2)


def test_crops_of_scenes_say_what_they_are(art: tuple[Art, ...]) -> None:
    samples = [sample for seed in range(60) for sample in crops.from_scene(art, np.random.default_rng(seed))]
    assert {s.mixed for s in samples} == {True, False, None}
    assert {s.whole for s in samples} == {True, False, None}
    assert all(s.pixels.shape == (judge.SIDE, judge.SIDE, 3) for s in samples)
    two = [s for s in samples if s.classes[0] != s.classes[1]]
    assert any(s.mixed for s in two)
    assert any(s.mixed is False for s in two)  # both there, side by side
    orange, navy = np.array([255, 165, 0]), np.array([0, 0, 128])
    near = []
    for sample in (s for s in samples if s.whole and s.classes[0] == s.classes[1]):
        middle = sample.pixels[24:40, 24:40].astype(int)
        own, other = (np.median(np.abs(middle - colour).sum(-1)) for colour in ((orange, navy)[sample.classes[0]], (orange, navy)[1 - sample.classes[0]]))
        near.append(own < other)
    assert len(near) > 20
    assert np.mean(near) > 0.8  # what is said to be there is there; tinted ones have other colours


def test_pairs_are_often_of_one_kind() -> None:
    groups, rng = ["animal"] * 3 + ["food"] * 30, np.random.default_rng(0)
    pairs = [crops.pair(groups, rng) for _ in range(600)]
    assert all(i != j for i, j in pairs)
    animals = [(i, j) for i, j in pairs if i < 3]
    assert np.mean([j < 3 for _, j in animals]) > 0.25  # by chance 1 in 16


def test_the_same_number_is_the_same_batch(art: tuple[Art, ...]) -> None:
    vae = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    one, other = (train_judge.Batches(art, vae, 16) for _ in range(2))
    one.batch(0)
    (x, samples), (y, _) = one.batch(5), other.batch(5)
    assert x.shape == (16, 3, 64, 64)
    assert len(samples) == 16
    assert torch.equal(x, y)
    assert not torch.equal(x, other.batch(6)[0])


def test_most_of_a_batch_was_seen_before_but_looks_otherwise(art: tuple[Art, ...]) -> None:
    batches = train_judge.Batches(art, autoencoder.AutoencoderTiny(**autoencoder.CONFIG), 16)
    before, (x, samples) = batches.batch(3), batches.batch(40)
    assert all(one is other for one, other in zip(samples[4:8], before[1][:4], strict=True))
    assert not any(one is other for one in samples[:4] for other in before[1])
    assert not torch.equal(x[4:8], before[0][:4])


def test_varied_crops_show_the_same_thing() -> None:
    x = torch.zeros(64, 3, 64, 64)
    x[:, 0, 20:40, 8:24] = 1  # a red bar left of the middle
    seen = crops.varied(x, np.random.default_rng(0))[:, 0] - crops.varied(x, np.random.default_rng(0))[:, 1]
    area, middle = (seen > 0.5).sum((1, 2)), (seen > 0.5).float().mean(1) @ torch.arange(64.0) / (seen > 0.5).float().mean((1, 2)) / 64
    assert (area == 320).all()
    assert 20 < (middle < 31.5).sum() < 44  # some of them mirrored
    assert len(set(middle.tolist())) > 8


def test_the_rate_rises_and_falls_to_zero() -> None:
    assert train_judge.rate(0, 0.0) == pytest.approx(1 / train_judge.ROUSED)
    assert train_judge.rate(500, 0.0) == 1
    assert train_judge.rate(500, 0.5) == pytest.approx(0.5)
    assert train_judge.rate(500, 1.0) == train_judge.rate(500, 1.2) == 0


@pytest.mark.slow
def test_training_by_steps_is_the_same_each_time_also_when_it_was_stopped(art: tuple[Art, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vae = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    wanted = train_judge.train(art, tmp_path / "a", None, vae, steps=4, batch=8, fresh=True).net.state_dict()
    monkeypatch.setattr(train_judge, "KEPT_EVERY", 1)
    learn, looks = train_judge.loss_of, []

    def stopped(*args: object) -> torch.Tensor:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return learn(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(train_judge, "loss_of", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_judge.train(art, tmp_path / "b", None, vae, steps=4, batch=8, fresh=True)
    made = train_judge.train(art, tmp_path / "b", None, vae, steps=4, batch=8, fresh=True).net.state_dict()
    assert len(looks) == 3 + 2  # two steps were kept
    for key, value in wanted.items():
        assert torch.equal(value, made[key]), key
    before = torch.load(tmp_path / "b" / "judge.pt", weights_only=True)
    train_judge.train(art, tmp_path / "b", None, vae, steps=4, batch=8, fresh=True)  # the last stretch had ended: this is another
    after = torch.load(tmp_path / "b" / "judge.pt", weights_only=True)
    assert (before["total"], after["total"], after["done"]) == (4, 8, 4)


def test_weights_of_another_vocabulary_are_taken_over_by_name() -> None:
    torch.manual_seed(0)
    old = judge.Judge(judge.Net(3), ("cat", "dog", "fox"))
    new = judge.Net(2)
    train_judge._take_over(new, ("fox", "cat"), old)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before, after = old.net(x), new.eval()(x)
    torch.testing.assert_close(after[0], before[0][:, [2, 0, 3]])
    torch.testing.assert_close(after[2], before[2])


def test_calibration_error_is_the_distance_of_certainty_and_rightness() -> None:
    assert measure_judge.calibration_error([0.85] * 100, [True] * 85 + [False] * 15) == pytest.approx(0)
    assert measure_judge.calibration_error([0.95] * 10, [False] * 10) == pytest.approx(0.95)
    assert measure_judge.calibration_error([0.25] * 4 + [1.0] * 4, [True, False, False, False] + [True] * 4) == pytest.approx(0)
    assert measure_judge.calibration_error([0.55] * 10 + [0.75] * 10, [True] * 20) == pytest.approx(0.35)  # bins apart, weighed by number


def test_calibrating_makes_an_overconfident_judge_honest(art: tuple[Art, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    n = 400
    right = torch.rand(n, generator=generator) < 0.8  # says it is sure, and is right four times of five
    truths = torch.randint(2, (n,), generator=generator)
    said = torch.where(right, truths, 1 - truths)
    names = 9.0 * torch.nn.functional.one_hot(said, 3)
    mixed = torch.where(right, 6.0, -6.0) * torch.where(truths == 1, 1.0, -1.0) + 2.0
    pixels, whole_box = np.zeros((8, 8, 3), np.uint8), (0.0, 0.0, 1.0, 1.0)
    made = [measure_judge.Trial("mixed" if truth else "true", pixels, [whole_box], [int(truth)], [None]) for truth in truths]
    found = {id(trial): (names[k], torch.tensor(0.0), mixed[k]) for k, trial in enumerate(made)}
    every = [*made, measure_judge.Trial("damaged", pixels, [whole_box], [0], [False]), measure_judge.Trial("true", pixels, [whole_box], [0], [True])]
    found |= {id(trial): (9.0 * torch.tensor([1.0, 0.0, 0.0]), torch.tensor(1.0 if trial.kind == "true" else -1.0), torch.tensor(-6.0)) for trial in every[n:]}
    monkeypatch.setattr(measure_judge, "trials", lambda art, seed, size: iter(every if seed == 0 else []))
    monkeypatch.setattr(measure_judge, "_logits", lambda judge, trial: [found[id(trial)]])
    calibration = measure_judge.calibrated(judge.Judge(judge.Net(2), ("cat", "dog")), art, 2, first=0).calibration
    true = truths == 0
    sure, _, mixture = calibration(names, torch.zeros(n), mixed)
    assert measure_judge.calibration_error(sure[true].max(1).values, right[true]) < 0.03
    assert measure_judge.calibration_error(names[true].softmax(1).max(1).values, right[true]) > 0.15
    assert measure_judge.calibration_error(mixture, truths == 1) < 0.08
    assert calibration.whole[0] == pytest.approx(np.log(2), abs=1e-3)  # right once of one each: two to one, not certain


def test_seeds_for_calibrating_are_neither_trained_nor_measured_on(art: tuple[Art, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    make = crops.scenes.make

    def noted(art: tuple[Art, ...], seed: int, *args: object, **settings: object) -> object:
        drawn.append(seed)
        return make(art, seed, *args, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(crops.scenes, "make", noted)
    made = judge.Judge(judge.Net(2), ("cat", "dog"))
    for seed in range(5):
        crops.from_scene(art, np.random.default_rng(seed))
    trained, drawn = drawn[:], drawn
    drawn.clear()
    measure_judge.calibrated(made, art, 3, (96, 96))
    calibrated = drawn[:]
    drawn.clear()
    measure_judge.measure(made, art, 3, (96, 96))
    assert max(trained) < min(calibrated) <= max(calibrated) < min(drawn)


def test_every_question_is_measured(art: tuple[Art, ...]) -> None:
    found = measure_judge.measure(judge.Judge(judge.Net(2), ("cat", "dog")), art, 4, (96, 96))
    assert all(found.right[kind] for kind in ("subject", "not mixed", "mixed", "novel mixed", "whole", "damaged"))
    assert all(0 <= error <= 1 for error in found.errors.values())


@pytest.mark.slow
def test_it_learns_to_tell_two_subjects_apart(art: tuple[Art, ...], tmp_path: Path) -> None:
    vae = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    autoencoder.fit_encoder(vae, art)
    made = measure_judge.calibrated(train_judge.train(art, tmp_path, None, vae, steps=60, batch=32, fresh=True), art, 40, (96, 96))
    right = measure_judge.answers(made, art, 20, (96, 96))
    assert np.mean(right["subject"]) > 0.75
    assert (tmp_path / "judge.pt").is_file()
