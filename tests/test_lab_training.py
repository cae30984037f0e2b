"""The training recipe: what a batch tells the model, workers that share gradients, a run that goes on and exports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import flat_art

pytest.importorskip("tokenizers")

from diffusers import DiffusionPipeline

from cutwork.lab import autoencoder, errors, export, redraw, scenes, text, train
from cutwork.lab.art import Art, rows
from cutwork.lab.config import CONFIGS, Config, Stage
from cutwork.lab.model import build, pack, unpack
from cutwork.lab.pool import Pool, loosened


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> tuple[Art, ...]:
    return flat_art(tmp_path_factory.mktemp("art"), ("cat", "orange", "ellipse"), ("dog", "brown", "rectangle"))


@pytest.fixture(scope="module")
def vae(art: tuple[Art, ...]) -> autoencoder.AutoencoderTiny:
    """Untrained, but for its encoder, which is computed."""
    made = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    autoencoder.fit_encoder(made, art)
    return made


@pytest.fixture
def pool(art: tuple[Art, ...], vae: autoencoder.AutoencoderTiny) -> Pool:
    return Pool(art, vae, seed=1)


def test_a_plain_batch_is_told_by_its_captions(pool: Pool) -> None:
    batch = pool.batch((128, 96), subjects=1, want=6, fresh=2, regional=False)
    assert batch.tokens.shape == (6, 48, 64)
    assert batch.labels.shape == (6, 2, 48)
    assert batch.segments == tuple((c,) for c in batch.captions)
    assert batch.mask(16) is None


def test_a_regional_batch_tells_each_token_only_of_its_own_region(pool: Pool) -> None:
    batch = pool.batch((128, 128), subjects=2, want=5, fresh=5, regional=True)
    assert all(len(segments) == 3 for segments in batch.segments)
    mask = batch.mask(16)
    assert mask is not None
    assert mask.shape == (5, 48 + 64, 48 + 64)
    for k, labels in enumerate(batch.labels):
        seen = mask[k, 48:, :48].unflatten(1, (3, 16))  # which segment each image token sees
        assert bool((seen.all(2) == seen.any(2)).all()), "a segment is seen whole or not at all"
        assert bool((seen.any(2).sum(1) >= 1).all()), "no token is textless"
        nouns = ("cat", "dog")
        for token in torch.nonzero(labels[0] < pool.background).flatten():
            told = [i for i in range(1, 3) if seen[token, i].any()]
            if told:  # the border of a subject may lie outside its cells
                names = [batch.segments[k][i] for i in told]
                assert any(nouns[int(labels[0, token])] in name for name in names) or len({s.split()[1] for s in batch.segments[k][1:]}) < 2


def test_no_text_is_cut_off(pool: Pool) -> None:
    model = build(SMALL)
    for length in (3, 14, 15, 16, 60):
        text = " ".join(["cat"] * length)
        padded = model.length([("a dog", text)])
        assert padded >= len(model.t5(text).input_ids) or padded == 64
        assert padded == 16 or len(model.t5(text).input_ids) > padded - 17


def test_errors_are_those_of_the_picture_that_is_foreseen(pool: Pool, art: tuple[Art, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(SMALL)
    seen: list[torch.Tensor] = []

    def still(x: torch.Tensor, t: torch.Tensor, *_: object) -> tuple[torch.Tensor, None, None]:
        seen.append(x)
        return torch.zeros_like(x), None, None  # it foresees what it sees

    monkeypatch.setattr(model, "forward", still)
    found = errors.errors(model, pool.vae, art, side=64, count=8)
    assert list(found) == list(errors.LEVELS)
    assert found[0.9]["first"] > found[0.35]["first"] > 0
    clean = (seen[0] - 0.35 * (seen[1] - seen[0]) / (0.5 - 0.35)).square().mean()  # two mixtures give the picture and the noise
    noise = ((seen[1] - seen[0]) / 0.15).square().mean()
    assert clean < 4
    both = [group for group in ("first", "background") if group in found[0.9]]
    low, high = min(found[0.9][g] for g in both), max(found[0.9][g] for g in both)
    assert 0.5 * low < 0.81 * noise < 2 * high  # mean square of 0.9 (noise − picture), over all tokens


def test_a_loosened_box_keeps_its_middle_and_holds_the_subject() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, size = rng.uniform(0, 0.5, 2), rng.uniform(0.1, 0.5, 2)
        box = (low[0], low[1], low[0] + size[0], low[1] + size[1])
        wide = loosened(box, rng)
        assert wide[0] <= box[0]
        assert wide[1] <= box[1]
        assert wide[2] >= box[2]
        assert wide[3] >= box[3]
        assert min(wide) >= 0
        assert max(wide) <= 1
        assert wide[0] + wide[2] == pytest.approx(box[0] + box[2])
        assert wide[1] + wide[3] == pytest.approx(box[1] + box[3])


def test_easy_scenes_show_subjects_near_the_middle_of_their_room(art: tuple[Art, ...]) -> None:
    middles = [(b[0] + b[2]) / 2 for seed in range(40) for b in [scenes.make(art, seed, count=1, easy=True).subjects[0].box]]
    assert np.std(middles) < 0.06


def test_packing_orders_tokens_as_the_pipeline_does() -> None:
    from diffusers import FluxPipeline

    z = torch.randn(2, 16, 6, 10)
    assert torch.equal(pack(z), FluxPipeline._pack_latents(z, 2, 16, 6, 10))
    assert torch.equal(unpack(pack(z), (3, 5)), z)


def test_the_mask_reaches_the_transformer(pool: Pool) -> None:
    """A token must not change with the text of a region it may not see; and the text it may see must matter."""
    torch.manual_seed(0)
    model = build(CONFIGS["cpu"]).eval()
    for parameter in model.transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.05)  # adaLN-zero would hide everything
    batch = pool.batch((64, 64), subjects=1, want=1, fresh=1, regional=True)
    assert batch.covers is not None
    cover = torch.ones(16, dtype=torch.int64)
    cover[:4] = 2
    mask = train.Batch(batch.tokens, batch.labels, batch.captions, batch.segments, (cover,)).mask(16)

    def run(region: str) -> torch.Tensor:
        with torch.no_grad():
            v: torch.Tensor = model(batch.tokens, torch.tensor([0.5]), (("blue background", region),), ("",), 16, (4, 4), mask)[0]
        return v

    cat, dog = run("a cat"), run("a dog")
    assert not torch.allclose(cat[0, :4], dog[0, :4])
    # Background tokens see the region's tokens, so they feel it too, but far less than the region does.
    assert (cat - dog)[0, 4:].abs().mean() < (cat - dog)[0, :4].abs().mean()


@pytest.fixture
def run(tmp_path: Path, vae: autoencoder.AutoencoderTiny) -> Path:
    """A run folder with an untrained autoencoder."""
    vae.save_pretrained(tmp_path / "run" / "vae")
    return tmp_path / "run"


SMALL = replace(CONFIGS["cpu"], batch=16, heads=2, double=1, single=2, text=64)
FAMILIES = {"flux": SMALL, "sd3": replace(CONFIGS["sd3"], batch=16, heads=2, double=2, text=64)}
STAGE = Stage(((64, 64),), (1,), 0.5)


@pytest.mark.slow
def test_the_decoder_learns_the_same_from_the_same_start_and_goes_on(art: tuple[Art, ...], tmp_path: Path) -> None:
    first, second = (autoencoder.train(art, tmp_path / name, steps=2, batch=6).state_dict() for name in ("a", "b"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert autoencoder.trained(tmp_path / "a") == 2
    further = autoencoder.train(art, tmp_path / "a", steps=1, batch=6).state_dict()
    assert autoencoder.trained(tmp_path / "a") == 3
    assert any(not torch.equal(first[key], further[key]) for key in first if key.startswith("decoder"))
    assert all(torch.equal(first[key], further[key]) for key in first if key.startswith("encoder"))


def test_redrawn_latents_belong_to_their_crops(pool: Pool, art: tuple[Art, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redraw, "redraw", lambda _model, z, *_: z)
    pixels, latents = redraw.Redrawn(art, build(SMALL), pool.vae, seed=3).batch(4)
    assert all(p.shape == (128, 128, 3) for p in pixels)
    with torch.no_grad():
        torch.testing.assert_close(latents, pool.vae.encoder(autoencoder.to_tensor(pixels)), atol=5e-3, rtol=5e-3)


def test_redrawing_from_no_noise_changes_nothing_and_follows_the_velocity_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(SMALL)
    z, noise = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(redraw.redraw(model, z, ["a cat", "a dog"], 0.0, 3.0, noise), z)
    monkeypatch.setattr(model, "forward", lambda x, *_: (torch.cat([pack(noise - z)] * 2), None, None))  # the true velocity
    torch.testing.assert_close(redraw.redraw(model, z, ["a cat", "a dog"], 0.6, 3.0, noise), z, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_other_processes_draw_the_same_kind_of_scenes(pool: Pool, art: tuple[Art, ...]) -> None:
    with Pool(art, pool.vae, seed=1, drawers=1) as apart:
        batch = apart.batch((64, 64), subjects=1, want=4, fresh=2, regional=False)
        assert batch.tokens.shape == (4, 16, 64)
        assert all("cat" in c or "dog" in c or not c for c in batch.captions)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Mismatch dtype")  # torch's hint that autocast costs a fused norm
def test_steps_give_the_same_weights_every_time(run: Path, art: tuple[Art, ...]) -> None:
    ends = []
    for _ in range(2):
        (run / "state.pt").unlink(missing_ok=True)
        train.train(train.Job(run, SMALL, STAGE, art, steps=3, compiled=False))
        ends.append(torch.load(run / "state.pt", weights_only=True)["model"])
    assert all(torch.equal(first, ends[1][name]) for name, first in ends[0].items())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Mismatch dtype")
@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_run_learns_goes_on_and_exports(tmp_path: Path, run: Path, art: tuple[Art, ...], config: Config) -> None:
    ends = []
    for workers in (1, 2):
        train.train(train.Job(run, config, STAGE, art, minutes=0.02, workers=workers, compiled=False))
        state = torch.load(run / "state.pt", weights_only=True)
        ends.append(state["step"])
    assert 1 <= ends[0] < ends[1]
    assert ends[1] % train.Shared.EVERY == 0, "two look at their clock when they average"
    assert len(list((run / "samples").iterdir())) >= 1
    export.write(run, config, tmp_path / "out" / "model", art)
    assert (tmp_path / "out" / "vocabulary.json").is_file()
    torch.save({**state, "words": [*state["words"], "zorblax"]}, run / "state.pt")
    with pytest.raises(ValueError, match=r"trained with other words \(zorblax"):
        export.write(run, config, tmp_path / "other" / "model", art)
    again = export.begin_from(tmp_path / "out" / "model", config, tmp_path / "vae")
    assert all((value - state["ema"][f"transformer.{name}"]).abs().max() < 1e-2 for name, value in again.transformer.state_dict().items())


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_plain_pipeline_computes_what_was_trained(tmp_path: Path, pool: Pool, config: Config) -> None:
    """The exported folder, called as anybody would, gives the velocity the training loop sees."""
    torch.manual_seed(0)
    model = build(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)  # adaLN-zero would hide everything
    model.pipeline(pool.vae).save_pretrained(tmp_path)
    pipeline = DiffusionPipeline.from_pretrained(tmp_path)
    noise, seen = torch.randn(1, 16, 64), []
    pipeline.transformer.register_forward_hook(lambda _m, _a, out: seen.append(out[0]))
    latents = unpack(noise, (4, 4)) if config.family == "sd3" else noise
    image = pipeline("a cat", width=64, height=64, num_inference_steps=2, guidance_scale=1.0, max_sequence_length=16, latents=latents, output_type="np").images[0]
    with torch.no_grad():
        v = model(noise, torch.ones(1), (("a cat",),), ("a cat",), 16, (4, 4))[0]
    assert torch.allclose(pack(seen[0]) if config.family == "sd3" else seen[0], v, atol=1e-4)
    assert image.shape == (64, 64, 3)
    assert np.isfinite(image).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "subjects"), [("cpu", 120), ("gpu", 600)])
def test_a_recipe_knows_enough_subjects_and_fits_the_package(name: str, subjects: int) -> None:
    config = CONFIGS[name]
    model = build(config)
    assert sum(int(row["tier"]) <= config.tier for row in rows()) >= subjects
    vae = autoencoder.AutoencoderTiny(**autoencoder.CONFIG)
    parts = [part for part in model.pipeline(vae).components.values() if isinstance(part, torch.nn.Module)]
    assert 2 * sum(p.numel() for part in parts for p in part.parameters()) < 48e6, "bytes in half precision"
    words = [row["noun"] for row in rows() if int(row["tier"]) <= config.tier]
    assert all(model.t5.unk_token_id not in model.t5(word).input_ids for word in words), "every subject can be said"


def test_words_are_numbered_alike_in_every_process() -> None:
    words = ["cat", "cart", "art", "tar", "rat", "t-rex", "3d"]
    assert text.merges(frozenset({"cat", "art"})) == [("a", "r"), ("a", "t</w>"), ("ar", "t</w>"), ("c", "at</w>")]
    clip, again = text.clip_tokenizer(words), text.clip_tokenizer(words[::-1])
    assert clip.get_vocab() == again.get_vocab()
    assert [clip.tokenize(w) for w in words[:5]] == [[f"{w}</w>"] for w in words[:5]]
    assert clip.tokenize("a t-rex") == ["a</w>", "t</w>", "-</w>", "rex</w>"]
    assert clip.decode(clip("zorblax").input_ids, skip_special_tokens=True).strip() == "zorblax"


def test_cells_are_put_back_where_they_were() -> None:
    x = torch.randn(2, 3, 16, 24)
    assert torch.equal(autoencoder._uncells(autoencoder.cells(x)), x)


def test_the_best_linear_decoding_is_the_yardstick_of_the_decoder(pool: Pool, art: tuple[Art, ...]) -> None:
    seeds = range(10_000, 10_002)
    best = autoencoder.linear_psnr(pool.vae, art, seeds, (64, 64), fitted=8)
    assert 20 < best < 60
    assert best > autoencoder.psnr(pool.vae, art, seeds, (64, 64)) + 5, "its decoder has learned nothing"
