"""Real checkpoints, made small: every key of each published layout, in a diffusers folder and in a single file, loads to the same model."""

from __future__ import annotations

import json
import shutil
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import published
import pytest
import torch
from builders import a_plan, a_shot
from safetensors.torch import load_file, save_file

from cutwork import registry
from cutwork.domain import Box
from cutwork.errors import BadInput, LicenceRefused, NotConfigured
from cutwork.ports import Watch
from cutwork.tools import catalogue
from cutwork.tools.drawing import FAMILIES, LocalDrawing, family_of, suits
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import _checkpoints
from cutwork.tools.forecast import foresee, parameters_of, told
from cutwork.tools.layouts import absent, held, shapes
from cutwork.tools.loading import Loading

pytestmark = pytest.mark.filterwarnings("ignore")  # third-party notices while saving and loading
CPU = torch.device("cpu")
State = dict[str, torch.Tensor]


def flux_alone(p: Any) -> State:
    return published.flux(p.transformer)


def flux_whole(p: Any) -> State:
    denoiser = {f"model.diffusion_model.{name}": tensor for name, tensor in published.flux(p.transformer).items()}
    encoders = published.clip(p.text_encoder, "text_encoders.clip_l.transformer.") | published.t5(p.text_encoder_2)
    return denoiser | encoders | published.autoencoder(p.vae, "vae.")


def sd3_alone(p: Any) -> State:
    return published.sd3(p.transformer) | published.autoencoder(p.vae)


def sd3_whole(p: Any) -> State:
    first = {name: tensor for name, tensor in published.clip(p.text_encoder, "text_encoders.clip_l.transformer.").items() if "text_projection" not in name}
    return sd3_alone(p) | first | published.clip(p.text_encoder_2, "text_encoders.clip_g.transformer.") | published.t5(p.text_encoder_3)


def sdxl_whole(p: Any) -> State:
    encoders = published.clip(p.text_encoder, "conditioner.embedders.0.transformer.") | published.open_clip(p.text_encoder_2)
    return published.unet(p.unet) | published.autoencoder(p.vae) | encoders


def sd15_whole(p: Any) -> State:
    return published.unet(p.unet) | published.autoencoder(p.vae) | published.clip(p.text_encoder, "cond_stage_model.transformer.")


CASES: dict[str, tuple[Callable[[], Any], Callable[[Any], State], str, int]] = {  # name of the file: pipeline, its layout, what it is like, components it lacks
    "flux1-dev": (published.flux_pipeline, flux_alone, "flux-dev", 5),
    "flux1-schnell": (lambda: published.flux_pipeline(guidance=False), flux_alone, "flux-schnell", 5),
    "flux1-schnell-whole": (lambda: published.flux_pipeline(guidance=False), flux_whole, "flux-schnell", 2),
    "sd3_medium": (published.sd3_pipeline, sd3_alone, "sd3-medium", 6),
    "sd3_medium_incl_clips_t5": (published.sd3_pipeline, sd3_whole, "sd3-medium", 3),
    "sd3.5_medium": (lambda: published.sd3_pipeline((0, 1), "rms_norm"), sd3_alone, "sd3.5-medium", 6),
    "sd3.5_large": (lambda: published.sd3_pipeline((), "rms_norm"), sd3_alone, "sd3.5-large", 6),
    "sd_xl_base_1.0": (published.sdxl_pipeline, sdxl_whole, "sdxl", 2),
    "v1-5-pruned-emaonly": (published.sd15_pipeline, sd15_whole, "sd15", 1),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Path, Path]]:
    """A pipeline of each case, its single file and its diffusers folder, made once."""
    kept: dict[str, tuple[Any, Path, Path]] = {}

    def make(name: str) -> tuple[Any, Path, Path]:
        if name not in kept:
            build, layout, _, _ = CASES[name]
            folder = tmp_path_factory.mktemp(name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.manual_seed(0)
                pipeline = build()
                pipeline.save_pretrained(folder / name)
            save_file({key: tensor.contiguous().clone() for key, tensor in layout(pipeline).items()}, folder / f"{name}.safetensors")
            kept[name] = pipeline, folder / f"{name}.safetensors", folder / name
        return kept[name]

    return make


Made = Callable[[str], tuple[Any, Path, Path]]


def modules(pipeline: Any) -> dict[str, torch.nn.Module]:
    return {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_single_file_holds_what_its_folder_holds(made: Made, name: str) -> None:
    """Every weight of every component, to the bit, and every setting of it that bears on what it computes."""
    pipeline, file, folder = made(name)
    loaded = _checkpoints.open_pipeline(str(file), type(pipeline), CPU, Loading(parts=str(folder)))
    assert modules(loaded).keys() == modules(pipeline).keys()
    for part, module in modules(pipeline).items():
        wanted, got = module.state_dict(), modules(loaded)[part].state_dict()
        assert got.keys() == wanted.keys()
        assert all(torch.equal(got[key], wanted[key]) for key in wanted), part
    for part in ("vae", "scheduler"):
        kept = dict(pipeline.components[part].config)
        meant = {key: value for key, value in kept.items() if key in ("scaling_factor", "shift_factor", "shift", "use_dynamic_shifting", "beta_end", "steps_offset")}
        assert {key: loaded.components[part].config[key] for key in meant} == meant


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_folder_and_file_predict_the_same(made: Made, name: str) -> None:
    """Through the family, as a drawing asks it: encode, schedule, predict, decode."""
    _, file, folder = made(name)
    family = registry.find(FAMILIES, family_of(str(file)))
    answers = []
    for model in (file, folder):
        assert family_of(str(model)) == catalogue.find(CASES[name][2]).family
        one = family.load(str(model), CPU, Loading(parts=str(folder)))
        t = one.timesteps(3, (64, 64))[0]
        latents = one.noise(3, (64, 64))
        velocity = one.predict(latents, t, one.encode(["a red cat"]), (64, 64), 3.5)
        answers.append((velocity, one.decode(latents, (64, 64))))
    (first, picture), (second, again) = answers
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)  # kernels differ by how weights lie in memory
    assert first.abs().max() > 0
    assert (picture == again).all()


@pytest.mark.parametrize("name", CASES)
def test_a_file_says_what_it_is_and_what_it_lacks(made: Made, name: str) -> None:
    pipeline, file, _ = made(name)
    found = held(file)
    assert (found.like, len(found.missing)) == (CASES[name][2], CASES[name][3])
    for part, count in found.parameters.items():
        assert abs(sum(p.numel() for p in modules(pipeline)[part].parameters()) / count - 1) < 0.25, part  # tied words and position tables aside


def test_dual_attention_is_told_by_the_keys(made: Made) -> None:
    config = held(made("sd3.5_medium")[1]).configs["transformer"]
    assert (config["dual_attention_layers"], config["qk_norm"], config["pos_embed_max_size"]) == ([0, 1], "rms_norm", 24)
    assert held(made("sd3_medium")[1]).configs["transformer"]["qk_norm"] is None


@pytest.mark.parametrize("name", ["flux1-dev", "sd3.5_medium", "sd_xl_base_1.0", "v1-5-pruned-emaonly"])
def test_a_single_file_draws(made: Made, name: str) -> None:
    _, file, folder = made(name)
    drawing = LocalDrawing(str(file), MemoryBlobs(), device="cpu", threads=1, early_verdict=False, loading=Loading(parts=str(folder)))
    shot = a_shot(1, a_plan("a cat", boxes=[Box((0.2, 0.2, 0.8, 0.8))], background="a blue background", size=(64, 64), draw={"steps": 3}))
    said: list[str] = []
    render = drawing.render(shot, Watch(say=said.append))
    assert render.steps >= 3  # PNDM takes one more
    assert "weights" in said[0]
    assert "passes" in " ".join(said)
    assert said[-1].endswith("s more")


def test_what_a_file_lacks_is_named_with_how_to_get_it(made: Made, tmp_path: Path) -> None:
    _, file, folder = made("flux1-dev")
    with pytest.raises(NotConfigured) as caught:
        _checkpoints.open_pipeline(str(file), type(made("flux1-dev")[0]), CPU, Loading())
    assert "holds transformer of a FLUX.1 [dev], but not its text_encoder, text_encoder_2, tokenizer, tokenizer_2 and vae" in str(caught.value)
    assert caught.value.exit_code == 3
    assert "CUTWORK_MODEL_PARTS" in str(caught.value.hint)
    assert "hf download black-forest-labs/FLUX.1-dev --local-dir parts --include 'text_encoder/*'" in str(caught.value.hint)
    assert "Non-Commercial" in str(caught.value.hint)
    shutil.copytree(folder, tmp_path / "parts")
    shutil.rmtree(tmp_path / "parts" / "vae")
    with pytest.raises(NotConfigured, match=r"but not its vae, and .*parts does not give them: it has no folder vae"):
        _checkpoints.open_pipeline(str(file), type(made("flux1-dev")[0]), CPU, Loading(parts=str(tmp_path / "parts")))


def test_sd3_goes_without_its_third_encoder_where_the_parts_do(made: Made, tmp_path: Path) -> None:
    pipeline, file, folder = made("sd3_medium")
    shutil.copytree(folder, tmp_path / "parts", ignore=shutil.ignore_patterns("*_3"))
    loaded = _checkpoints.open_pipeline(str(file), type(pipeline), CPU, Loading(parts=str(tmp_path / "parts")))
    assert (loaded.text_encoder_3, loaded.tokenizer_3) == (None, None)


def damaged(path: Path, source: Path, change: Callable[[State], State]) -> str:
    save_file(change(load_file(source)), path)
    return str(path)


def test_files_that_cannot_be_drawn_with_are_refused_by_name(made: Made, tmp_path: Path) -> None:
    sdxl, flux = made("sd_xl_base_1.0")[1], made("flux1-dev")[1]
    key = "model.diffusion_model.input_blocks.0.0.weight"
    inpainting = damaged(tmp_path / "i.safetensors", sdxl, lambda s: s | {key: torch.zeros(64, 9, 3, 3)})
    with pytest.raises(BadInput, match=r"takes 9 channels.*inpainting"):
        family_of(inpainting)
    second = damaged(tmp_path / "2.safetensors", sdxl, lambda s: {k.replace("conditioner.embedders.1", "cond_stage_model"): v for k, v in s.items()})
    with pytest.raises(BadInput, match="Stable Diffusion 2"):
        family_of(second)
    lora = damaged(tmp_path / "lora.safetensors", flux, lambda s: {"lora_unet_a.lora_down.weight": torch.zeros(2, 2)})
    with pytest.raises(BadInput, match="no known layout"):
        family_of(lora)
    component = made("flux1-dev")[2] / "transformer" / "diffusion_pytorch_model.safetensors"
    with pytest.raises(BadInput, match="one component of a diffusers folder"):
        family_of(str(component))
    less = damaged(tmp_path / "less.safetensors", flux, lambda s: {k: v for k, v in s.items() if k != "txt_in.weight"})
    with pytest.raises(BadInput, match=r"not whole.*txt_in.weight"):
        family_of(less)


def test_a_weight_that_is_missing_is_named(made: Made, tmp_path: Path) -> None:
    pipeline, file, folder = made("flux1-dev")
    less = damaged(tmp_path / "less.safetensors", file, lambda s: {k: v for k, v in s.items() if k != "double_blocks.1.txt_mlp.0.bias"})
    with pytest.raises(NotConfigured, match=r"of its transformer, 1 weights are missing, such as transformer_blocks.1.ff_context.net.0.proj.bias"):
        _checkpoints.open_pipeline(less, type(pipeline), CPU, Loading(parts=str(folder)))


@pytest.mark.parametrize(("name", "content", "said"), [("a.ckpt", b"x", "no .safetensors or .gguf file"), ("a.safetensors", b"xx", "damaged"), ("b.safetensors", struct.pack("<Q", 2**60), "damaged")])
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        family_of(str(tmp_path / name))


def test_a_gguf_is_read_by_its_shapes_and_draws(made: Made, tmp_path: Path) -> None:
    import gguf

    pipeline, file, folder = made("flux1-dev")
    writer = gguf.GGUFWriter(tmp_path / "flux1-dev.gguf", "flux")
    for key, tensor in load_file(file).items():
        wide = tensor.ndim == 2 and tensor.shape[1] % 32 == 0
        kind = gguf.GGMLQuantizationType.Q8_0 if wide else gguf.GGMLQuantizationType.F32
        writer.add_tensor(key, gguf.quants.quantize(tensor.numpy(), kind) if wide else tensor.numpy(), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path = str(tmp_path / "flux1-dev.gguf")
    assert shapes(Path(path)) == shapes(file)
    loaded = _checkpoints.open_pipeline(path, type(pipeline), CPU, Loading(parts=str(folder)))
    family = registry.find(FAMILIES, "flux").FluxFamily(path, loaded, False, 24, CPU)
    whole = registry.find(FAMILIES, "flux").FluxFamily("whole", pipeline, False, 24, CPU)
    t, latents = family.timesteps(2, (64, 64))[0], family.noise(1, (64, 64))
    near, exact = (one.predict(latents, t, whole.encode(["a cat"]), (64, 64), 3.5) for one in (family, whole))
    assert 0 < float((near - exact).norm() / exact.norm()) < 0.05
    with pytest.raises(NotConfigured, match="quantised already"):
        _checkpoints.open_pipeline(path, type(pipeline), CPU, Loading(parts=str(folder), quantize="float8"))


def test_float8_keeps_a_byte_a_weight_and_stays_near(made: Made) -> None:
    _, _, folder = made("sd3.5_medium")
    load = registry.find(FAMILIES, "sd3").load
    small, whole = load(str(folder), CPU, Loading(quantize="float8")), load(str(folder), CPU, Loading())
    kinds = {parameter.dtype for parameter in small.pipeline.transformer.parameters()}
    assert torch.float8_e4m3fn in kinds
    t, latents = whole.timesteps(2, (64, 64))[0], whole.noise(1, (64, 64))
    near, exact = (one.predict(latents, t, whole.encode(["a cat"]), (64, 64), 3.5) for one in (small, whole))
    assert near.dtype == exact.dtype
    assert 0 < float((near - exact).norm() / exact.norm()) < 0.2


def test_precision_tiling_and_backend_are_as_set(made: Made) -> None:
    pipeline, _, folder = made("flux1-dev")
    loaded = _checkpoints.open_pipeline(str(folder), type(pipeline), CPU, Loading(dtype="bfloat16", vae_tiling=True, attention_backend="_native_math"))
    assert {p.dtype for p in loaded.transformer.parameters()} == {torch.bfloat16}
    assert loaded.vae.use_tiling
    assert {p._attention_backend for p in loaded.transformer.attn_processors.values()} == {"_native_math"}
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    assert _AttentionBackendRegistry._active_backend == "native"  # other models keep theirs


@pytest.mark.parametrize(
    ("name", "loading", "said"),
    [
        ("flux1-dev", Loading(attention_backend="flashiest"), "attention_backend = 'flashiest' cannot be used"),
        ("flux1-dev", Loading(attention_backend="xformers"), "xformers"),
        ("v1-5-pruned-emaonly", Loading(attention_backend="native"), "no choice of backend"),
        ("flux1-dev", Loading(offload="model"), "drawing is on the CPU"),
        ("flux1-dev", Loading(offload="group"), "drawing is on the CPU"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_why(made: Made, name: str, loading: Loading, said: str) -> None:
    pipeline, _, folder = made(name)
    with pytest.raises(NotConfigured, match=said):
        _checkpoints.open_pipeline(str(folder), type(pipeline), CPU, loading)


def test_int8_says_what_it_needs(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, _, folder = made("flux1-dev")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotConfigured, match="needs the torchao library"):
        _checkpoints.open_pipeline(str(folder), type(pipeline), CPU, Loading(quantize="int8"))


def test_int8_keeps_a_byte_a_weight_and_stays_near(made: Made) -> None:
    pytest.importorskip("torchao")
    _, _, folder = made("flux1-dev")
    load = registry.find(FAMILIES, "flux").load
    small, whole = load(str(folder), CPU, Loading(quantize="int8")), load(str(folder), CPU, Loading())
    t, latents = whole.timesteps(2, (64, 64))[0], whole.noise(1, (64, 64))
    near, exact = (one.predict(latents, t, whole.encode(["a cat"]), (64, 64), 3.5) for one in (small, whole))
    assert 0 < float((near - exact).norm() / exact.norm()) < 0.05


@pytest.mark.skipif(not torch.cuda.is_available(), reason="weights wait outside a device only where there is one")
@pytest.mark.parametrize("offload", ["model", "group"])
@pytest.mark.parametrize("name", ["flux1-dev", "sd3.5_medium", "sd_xl_base_1.0"])
def test_offloaded_weights_draw_the_same(made: Made, name: str, offload: Any) -> None:
    _, _, folder = made(name)
    shot = a_shot(1, a_plan("a cat", boxes=[Box((0.2, 0.2, 0.8, 0.8))], background="a blue background", size=(64, 64), draw={"steps": 3}))
    pictures = []
    for how in ("none", offload):
        blobs = MemoryBlobs()
        drawing = LocalDrawing(str(folder), blobs, device="cuda", loading=Loading(offload=how))
        pictures.append(blobs.get(drawing.render(shot, Watch()).image))
    assert pictures[0] == pictures[1]


def test_a_folder_says_which_weights_are_gone(made: Made, tmp_path: Path) -> None:
    _, _, folder = made("flux1-dev")
    shutil.copytree(folder, tmp_path / "m")
    assert absent(tmp_path / "m") == ()
    (tmp_path / "m" / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    shutil.rmtree(tmp_path / "m" / "tokenizer")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "m" / "transformer" / "x.safetensors.index.json").write_text(json.dumps(index))
    assert set(absent(tmp_path / "m")) == {"vae (no safetensors)", "tokenizer (no such folder)", "transformer (2 of 2 files of weights missing)"}
    with pytest.raises(NotConfigured, match=r"lacks .*vae"):
        registry.find(FAMILIES, "flux").load(str(tmp_path / "m"), CPU)


def test_a_tokenizer_without_vocabulary_is_not_taken_for_one(made: Made, tmp_path: Path) -> None:
    _, _, folder = made("flux1-dev")
    shutil.copytree(folder, tmp_path / "m")
    for file in (tmp_path / "m" / "tokenizer").iterdir():
        if file.name != "tokenizer_config.json":
            file.unlink()
    with pytest.raises(NotConfigured, match="tokenizer has no vocabulary"):
        registry.find(FAMILIES, "flux").load(str(tmp_path / "m"), CPU)


def test_pickled_weights_are_never_read(made: Made, tmp_path: Path) -> None:
    _, _, folder = made("flux1-dev")
    shutil.copytree(folder, tmp_path / "m")
    weights = tmp_path / "m" / "vae" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(NotConfigured, match="no safetensors"):
        registry.find(FAMILIES, "flux").load(str(tmp_path / "m"), CPU)


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("black-forest-labs/FLUX.1-schnell", "flux-schnell"), ("someone/flux-anime", "flux-dev"), ("stabilityai/stable-diffusion-3.5-large-turbo", "sd3.5-large"),
        ("stabilityai/stable-diffusion-3.5-medium", "sd3.5-medium"), ("stabilityai/stable-diffusion-3-medium-diffusers", "sd3-medium"),
        ("someone/sdxl-turbo", "sdxl"), ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl"), ("runwayml/stable-diffusion-v1-5", "sd15"),
    ],
)  # fmt: skip
def test_hub_ids_are_told_by_name(model: str, like: str) -> None:
    known = catalogue.like(model)
    assert known is not None
    assert known.name == like
    assert family_of(model) == known.family


def test_an_index_in_the_cache_tells_more_than_a_name(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made("sd3.5_medium")[2]
    monkeypatch.setattr(catalogue, "cached", lambda repo: folder if repo == "someone/nice-flux-like" else None)
    assert family_of("someone/nice-flux-like") == "sd3"
    assert suits("someone/nice-flux-like").steps == 40


def test_only_the_hub_can_tell_the_rest_and_is_not_reached_here() -> None:
    with pytest.raises(NotConfigured, match="cannot load model 'someone/something'"):
        family_of("someone/something")


@pytest.mark.parametrize(("kind", "wanted", "code"), [("GatedRepoError", LicenceRefused, 4), ("RepositoryNotFoundError", BadInput, 2), ("OutOfMemoryError", NotConfigured, 3)])
def test_refusals_of_the_hub_say_what_to_do(kind: str, wanted: type[Exception], code: int) -> None:
    error = catalogue.explained("black-forest-labs/FLUX.1-dev", type(kind, (OSError,), {})("no"))
    assert isinstance(error, wanted)
    assert error.exit_code == code  # type: ignore[attr-defined]
    assert error.hint  # type: ignore[attr-defined]
    if code == 4:
        assert "Non-Commercial" in str(error)


@pytest.mark.parametrize(("model", "steps", "guidance"), [("sd3-medium", 28, 7.0), ("sd3.5-medium", 40, 4.5), ("sd3.5-large", 28, 3.5), ("sdxl", 30, 6.0), ("sd15", 30, 7.5), ("flux-dev", 28, 3.5)])
def test_models_are_drawn_with_as_their_cards_say(model: str, steps: int, guidance: float) -> None:
    draw = suits(catalogue.find(model).repo)
    assert (draw.steps, draw.guidance) == (steps, guidance)


def test_distilled_ones_take_few_steps_and_no_guidance() -> None:
    assert (suits("stabilityai/stable-diffusion-3.5-large-turbo").steps, suits("stabilityai/sdxl-turbo").guidance) == (4, 1.0)


def test_the_forecast_counts_weights_and_passes(made: Made) -> None:
    _, file, folder = made("sd_xl_base_1.0")
    known = catalogue.find("sdxl")
    counted = parameters_of(str(folder), known)
    assert counted["unet"] == parameters_of(str(file), known)["unet"] == sum(p.numel() for p in made("sd_xl_base_1.0")[0].unet.parameters())
    forecast = foresee(known.repo, Loading(dtype="bfloat16"), (1024, 1024), 30, 6.0, "cpu", measure=False)
    assert forecast is not None
    assert forecast.weights == pytest.approx(2 * 3469.0e6)
    assert forecast.passes == 60
    assert forecast.work == pytest.approx(known.work * 1e12)


def test_offload_and_quantise_make_the_forecast_smaller_and_a_shortage_is_said() -> None:
    repo = catalogue.find("flux-dev").repo

    def weights(**how: Any) -> float:
        forecast = foresee(repo, Loading(dtype="bfloat16", **how), (1024, 1024), 28, 3.5, "cuda", measure=False)
        assert forecast is not None
        return forecast.weights

    assert weights(offload="group") < weights(offload="model", quantize="float8") < weights(offload="model") < weights()
    assert weights(quantize="float8") < weights()
    forecast = foresee(repo, Loading(), (256, 256), 28, 3.5, "cpu", measure=False)
    assert forecast is not None
    from dataclasses import replace

    short = told(replace(forecast, free=1e9, speed=1e12))
    assert "more than the 1.0 GB that are free" in short[-1]
    assert "CUTWORK_QUANTIZE=float8" in short[-1]
    assert any("--size 1024x1024" in line for line in short)
    assert not any("free" in line for line in told(replace(forecast, free=1e12)))


def test_a_picture_four_times_as_large_takes_more_than_four_times_the_work() -> None:
    repo = catalogue.find("sd3.5-large").repo
    small, large = (foresee(repo, Loading(), (side, side), 28, 3.5, "cpu", measure=False) for side in (512, 1024))
    assert small is not None
    assert large is not None
    assert 4 < large.work / small.work < 16


@pytest.mark.slow
@pytest.mark.parametrize("known", catalogue.MODELS, ids=lambda known: known.name)
def test_the_list_says_what_the_official_configurations_count(known: catalogue.Known) -> None:
    from cutwork.lab.measure_models import measure

    assert measure(known.name) == {"parameters": known.parameters, "work": known.work, "attention": known.attention}
