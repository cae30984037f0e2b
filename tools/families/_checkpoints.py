"""Real weights to a pipeline: a hub id, a diffusers folder, or a single file in the layout its makers published.

    open_pipeline(model, kind, device, loading)     load, quantise, place

A single file is read without the hub: its header says what it holds and how large (`cutwork.tools.layouts`). What it lacks,
always its tokenizers and often its text encoders, comes from `loading.parts`, else from the hub repository of the model it is
one of, which may lie in the cache.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from cutwork.errors import BadInput, NotConfigured
from cutwork.tools import catalogue
from cutwork.tools.layouts import AUTOENCODERS, COMPONENTS, DENOISER, Held, absent, held
from cutwork.tools.loading import Loading

UNUSED = ("safety_checker", "feature_extractor", "image_encoder")  # components that no family asks
OPTIONAL = {"sd3": ("text_encoder_3", "tokenizer_3")}  # a folder of parts may leave these out
WEIGHTLESS = ("Tokenizer", "Scheduler")
SPEECHLESS = 32  # tokens that are no signs; every tokenizer has more: without its vocabulary, transformers makes one of special tokens alone, in silence


def open_pipeline(model: str, kind: type[Any], device: torch.device, loading: Loading, exact_vae: bool = False) -> Any:
    """A pipeline with its weights where they shall be.

    Args:
        model: hub id, diffusers folder, or single file.
        kind: pipeline class, of diffusers.
        exact_vae: decode in float32, whatever the rest computes in.

    Raises:
        BadInput: if a file or folder cannot be used. NotConfigured: if weights, or what a setting needs, are missing.
        LicenceRefused: if the hub wants a licence accepted first.
    """
    _check(model, device, loading)
    dtype = getattr(torch, loading.precision(device.type))
    path = Path(model).expanduser()
    try:
        pipeline = _from_file(path, kind, dtype, loading) if path.is_file() else _from_folder(model, path, kind, dtype)
    except Exception as error:
        raise catalogue.explained(model, error) from error
    denoiser = pipeline.components.get("transformer") or pipeline.unet
    _quantize(denoiser, loading.quantize, dtype)
    if exact_vae:
        pipeline.vae.to(torch.float32)
    if loading.vae_tiling:
        pipeline.vae.enable_tiling()
    if loading.attention_backend:
        _choose_attention(denoiser, loading.attention_backend)
    _place(pipeline, device, loading.offload)
    return pipeline


def _check(model: str, device: torch.device, loading: Loading) -> None:
    """Refuse what cannot work before gigabytes are read."""
    if loading.offload != "none" and device.type == "cpu":
        raise NotConfigured(f"offload = {loading.offload} keeps weights off an accelerator, and drawing is on the CPU", "set CUTWORK_OFFLOAD=none, or a CUDA device")
    if loading.quantize != "none" and model.endswith(".gguf"):
        raise NotConfigured(f"{model} is quantised already", "set CUTWORK_QUANTIZE=none")
    if loading.quantize == "int8" and loading.offload == "group":
        raise NotConfigured("quantize = int8 and offload = group do not go together", "set CUTWORK_QUANTIZE=float8, or CUTWORK_OFFLOAD=model")
    if loading.quantize == "int8" and importlib.util.find_spec("torchao") is None:
        raise NotConfigured("quantize = int8 needs the torchao library", "pip install torchao, or set CUTWORK_QUANTIZE=float8, which needs nothing")


def _from_folder(model: str, path: Path, kind: type[Any], dtype: torch.dtype) -> Any:
    """From a diffusers folder, or a hub id, which is downloaded where it is not in the cache. Pickled weights are never read."""
    if path.is_dir() and (faults := absent(path)):
        raise NotConfigured(f"cannot load model {model!r}: it lacks {', '.join(faults)}", "copy or download the whole folder again")
    how = {"dtype": dtype, "use_safetensors": True, **_left_out(path, kind), **_unused(kind)}
    pipeline = kind.from_pretrained(str(path) if path.is_dir() else model, **how)
    if lost := [name for name, part in pipeline.components.items() if _speechless(name, part)]:
        raise NotConfigured(f"cannot load model {model!r}: its {_list(lost)} has no vocabulary", "copy or download the whole folder again")
    return pipeline


def _left_out(path: Path, kind: type[Any]) -> dict[str, None]:
    """Parts that a folder was saved without, such as SD3's T5: its pipeline wants to be told so again."""
    index = path / "model_index.json"
    parts = json.loads(index.read_text("utf-8")) if index.is_file() else {}
    return {name: None for name, of in parts.items() if isinstance(of, list) and not any(of) and name in kind._get_signature_keys(kind)[0]}


def _from_file(path: Path, kind: type[Any], dtype: torch.dtype, loading: Loading) -> Any:
    """From a single file, with what it lacks from elsewhere."""
    found = held(path)
    others = _others(path, found, dtype, loading.parts)
    weights = _read(path)
    with TemporaryDirectory() as folder:  # where the loaders of diffusers want configurations
        for name, config in found.configs.items():
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "config.json").write_text(json.dumps(config))
        own = {name: _component(name, found, weights, folder, dtype, path.suffix == ".gguf") for name in found.configs}
    for name, part in own.items():
        _check_whole(path, name, part)
    return kind(**own, **others, **_unused(kind))


def _unused(kind: type[Any]) -> dict[str, Any]:
    """Arguments that leave out the components which no family asks."""
    takes = kind._get_signature_keys(kind)[0]
    unused: dict[str, Any] = {name: None for name in UNUSED if name in takes}
    return unused | ({"requires_safety_checker": False} if "safety_checker" in unused else {})


def _read(path: Path) -> dict[str, Tensor]:
    """All weights of a file, from safetensors without copying them."""
    if path.suffix == ".gguf":
        from diffusers.models.model_loading_utils import load_gguf_checkpoint

        weights = load_gguf_checkpoint(path)
    else:
        from safetensors.torch import load_file

        weights = load_file(path)
    return weights if any(name.startswith(DENOISER) for name in weights) else {f"{DENOISER}{name}": tensor for name, tensor in weights.items()}


def _component(name: str, found: Held, weights: Mapping[str, Tensor], folder: str, dtype: torch.dtype, quantised: bool) -> Any:
    """One component of a single file, from weights under their published names."""
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm, create_diffusers_t5_model_from_checkpoint

    kind = _class(*COMPONENTS[found.layout][name])
    if name == "scheduler":
        return kind.from_config(found.configs[name])
    if name.startswith("text_encoder"):
        make = create_diffusers_t5_model_from_checkpoint if "T5" in kind.__name__ else create_diffusers_clip_model_from_ldm
        encoder = make(kind, dict(weights), subfolder=name, config=folder, torch_dtype=dtype)
        if "T5" in kind.__name__:
            encoder.set_input_embeddings(encoder.shared)  # files hold these once, and the loader leaves the encoder's own empty
        return encoder
    prefixes = AUTOENCODERS if name == "vae" else (DENOISER,)
    own = {key: tensor for key, tensor in weights.items() if key.startswith(prefixes)}
    if kind.__name__ == "FluxTransformer2DModel":
        own = _only(kind, found.configs[name], flux_names(own))
    how: dict[str, Any] = {}
    if quantised:
        from diffusers import GGUFQuantizationConfig

        how["quantization_config"] = GGUFQuantizationConfig(compute_dtype=dtype)
    return kind.from_single_file(own, config=folder, subfolder=name, dtype=dtype, **how)


def _only(kind: Any, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that the model has, no more: with any beside them the loader would take the names for published ones.

    Raises:
        NotConfigured: if one is missing.
    """
    with torch.device("meta"):
        names = kind.from_config(config).state_dict().keys()
    if missing := [name for name in names if name not in weights]:
        raise NotConfigured(f"the file is not whole: of its transformer, {len(missing)} weights are missing, such as {missing[0]}", "download it again")
    return {name: weights[name] for name in names}


def _check_whole(path: Path, name: str, part: Any) -> None:
    """Loaders pass over what a file lacks; such a weight stays without a value."""
    if isinstance(part, nn.Module):
        empty = [key for key, tensor in part.state_dict().items() if tensor.is_meta]
        if empty:
            raise NotConfigured(f"{path} is not whole: of its {name}, {len(empty)} weights are missing, such as {empty[0]}", "download it again")


def _others(path: Path, found: Held, dtype: torch.dtype, parts: str | None) -> dict[str, Any]:
    """Components that the file lacks, from the parts that are set, else from the repository of the model it is like.

    Raises:
        NotConfigured: if one is in neither; all that are missing are named.
    """
    known = catalogue.find(found.like)
    source = parts or known.repo
    components: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in found.missing:
        try:
            components[name] = _part(source, name, COMPONENTS[found.layout][name], dtype)
        except (OSError, ValueError) as error:
            reasons[name] = catalogue.first_line(error)
    if parts and set(reasons) <= set(OPTIONAL.get(found.layout, ())):
        return components | dict.fromkeys(reasons)
    if reasons:
        includes = " ".join(f"--include '{name}/*'" for name in reasons)
        raise NotConfigured(
            f"{path} holds {_list([name for name in found.configs if name != 'scheduler'])} of a {known.title}, but not its {_list(list(reasons))}, "
            f"and {source} does not give them: {next(iter(reasons.values()))}",
            hint=f"set CUTWORK_MODEL_PARTS to a folder with them as sub-folders; `hf download {known.repo} --local-dir parts {includes}` makes one ({known.licence})",
        )
    return components


def _part(source: str, name: str, kind: tuple[str, str], dtype: torch.dtype) -> Any:
    """One component of a diffusers folder or repository, of the class that its index names."""
    folder = Path(source).expanduser()
    with suppress(OSError, ValueError, KeyError):
        kind = tuple(json.loads((folder / "model_index.json").read_text("utf-8"))[name])
    if not all(kind):
        raise ValueError(f"{source} has no {name}")
    how = {} if any(word in kind[1] for word in WEIGHTLESS) else {"dtype": dtype, "use_safetensors": True}
    if folder.is_dir() and not (folder / name).is_dir():
        raise OSError(f"it has no folder {name}")
    part = _class(*kind).from_pretrained(str(folder) if folder.is_dir() else source, subfolder=name, **how)
    if _speechless(name, part):
        raise OSError(f"its {name} has no vocabulary")
    return part


def _speechless(name: str, part: Any) -> bool:
    return name.startswith("tokenizer") and part is not None and len(set(part.get_vocab().values()) - set(part.all_special_ids)) < SPEECHLESS


def _class(library: str, name: str) -> Any:
    if library not in ("diffusers", "transformers"):
        raise BadInput(f"a component of class {library}.{name} is neither of diffusers nor of transformers")
    return getattr(importlib.import_module(library), name)


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


# FLUX.1's own names beside those of diffusers. Its loader there knows one width only, so that pruned and small models need this.
EMBEDDERS = {
    "time_in": "time_text_embed.timestep_embedder", "vector_in": "time_text_embed.text_embedder", "guidance_in": "time_text_embed.guidance_embedder",
    "in_layer": "linear_1", "out_layer": "linear_2", "txt_in": "context_embedder", "img_in": "x_embedder",
    "final_layer.linear": "proj_out", "final_layer.adaLN_modulation.1": "norm_out.linear",
}  # fmt: skip
DOUBLE = {
    "img_mod.lin": "norm1.linear", "txt_mod.lin": "norm1_context.linear", "img_attn.proj": "attn.to_out.0", "txt_attn.proj": "attn.to_add_out",
    "img_attn.norm.query_norm.scale": "attn.norm_q.weight", "img_attn.norm.key_norm.scale": "attn.norm_k.weight",
    "txt_attn.norm.query_norm.scale": "attn.norm_added_q.weight", "txt_attn.norm.key_norm.scale": "attn.norm_added_k.weight",
    "img_mlp.0": "ff.net.0.proj", "img_mlp.2": "ff.net.2", "txt_mlp.0": "ff_context.net.0.proj", "txt_mlp.2": "ff_context.net.2",
}  # fmt: skip
SINGLE = {
    "modulation.lin": "norm.linear", "linear2": "proj_out", "norm.query_norm.scale": "attn.norm_q.weight", "norm.key_norm.scale": "attn.norm_k.weight",
}  # fmt: skip
FUSED = {  # along their rows; in single blocks the rest of the rows feed the perceptron
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"), "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
}  # fmt: skip


def flux_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A FLUX.1 transformer's weights under the names of diffusers, whatever its width."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        name = key.removeprefix(DENOISER)
        block = re.match(r"(double|single)_blocks\.(\d+)\.(.+)", name)
        if block is None:
            renamed[_renamed(name, EMBEDDERS)] = _swapped(tensor) if "adaLN" in name else tensor
            continue
        stem = "transformer_blocks" if block[1] == "double" else "single_transformer_blocks"
        inner, _, ending = block[3].rpartition(".")
        if inner in FUSED:
            for target, part in zip(FUSED[inner], _unfused(inner, block[2], weights, tensor), strict=True):
                renamed[f"{stem}.{block[2]}.{target}.{ending}"] = part
        else:
            renamed[f"{stem}.{block[2]}.{_renamed(block[3], DOUBLE if block[1] == 'double' else SINGLE)}"] = tensor
    return renamed


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        name = re.sub(rf"(^|\.){re.escape(old)}(\.|$)", rf"\g<1>{new}\g<2>", name)
    return name


def _unfused(inner: str, block: str, weights: Mapping[str, Tensor], tensor: Tensor) -> tuple[Tensor, ...]:
    if inner != "linear1":
        return tensor.chunk(3)
    out = next(name for name in (f"single_blocks.{block}.linear2.bias", f"{DENOISER}single_blocks.{block}.linear2.bias") if name in weights)
    width = weights[out].shape[0]
    return torch.split(tensor, [width, width, width, tensor.shape[0] - 3 * width])


def _swapped(tensor: Tensor) -> Tensor:
    """Shift and scale change places."""
    shift, scale = tensor.chunk(2)
    return torch.cat([scale, shift])


def _quantize(denoiser: Any, how: str, dtype: torch.dtype) -> None:
    """Keep the denoiser's weights in one byte each; they are widened where they are used."""
    if how == "float8":
        denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
    elif how == "int8":
        from torchao.quantization import Int8WeightOnlyConfig, quantize_

        quantize_(denoiser, Int8WeightOnlyConfig())


def _choose_attention(denoiser: Any, backend: str) -> None:
    """For passes without control: attention under control is Cutwork's own. What diffusers sets for all models besides is put back.

    Raises:
        NotConfigured: if there is no such backend, or it cannot be used here or with this model.
    """
    from diffusers.models.attention_dispatch import attention_backend

    if not any(hasattr(processor, "_attention_backend") for processor in denoiser.attn_processors.values()):
        raise NotConfigured(f"the attention of {type(denoiser).__name__} has no choice of backend, {backend!r} was asked", "unset CUTWORK_ATTENTION_BACKEND")
    try:
        with attention_backend():
            denoiser.set_attention_backend(backend)
    except (ValueError, RuntimeError, ImportError) as error:
        raise NotConfigured(f"attention_backend = {backend!r} cannot be used: {catalogue.first_line(error)}", "unset CUTWORK_ATTENTION_BACKEND, or set native") from error


def _place(pipeline: Any, device: torch.device, offload: str) -> None:
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif offload == "group":
        pipeline.enable_group_offload(onload_device=device, offload_type="leaf_level", use_stream=device.type == "cuda")
    else:
        pipeline.to(device)
