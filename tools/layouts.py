"""What a single file of weights holds, read from its header: names and shapes only, without weights and without torch.

A single file carries no configuration. Its sizes stand in the shapes of its tensors; what does not stand there (heads, the noise
schedule, the scale of latents) belongs to its layout and is written here. `held` puts both together as the configuration that
diffusers and transformers would have saved beside such weights.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutwork.errors import BadInput, NotConfigured

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]

SUFFIXES = (".safetensors", ".gguf")
HEADER = 100 * 2**20  # bytes; no checkpoint's header comes near
DENOISER = "model.diffusion_model."  # before the denoiser's names, in files that hold more than it
AUTOENCODERS = ("first_stage_model.", "vae.")
CLIP_L, CLIP_G, T5 = (f"text_encoders.{name}.transformer." for name in ("clip_l", "clip_g", "t5xxl"))

# Components of each layout's pipeline, by library and class, as its model_index.json has them.
COMPONENTS: dict[str, dict[str, tuple[str, str]]] = {
    "flux": {
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        "text_encoder": ("transformers", "CLIPTextModel"), "text_encoder_2": ("transformers", "T5EncoderModel"),
        "tokenizer": ("transformers", "CLIPTokenizer"), "tokenizer_2": ("transformers", "T5TokenizerFast"),
        "transformer": ("diffusers", "FluxTransformer2DModel"), "vae": ("diffusers", "AutoencoderKL"),
    },
    "sd3": {
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        "text_encoder": ("transformers", "CLIPTextModelWithProjection"), "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
        "text_encoder_3": ("transformers", "T5EncoderModel"),
        "tokenizer": ("transformers", "CLIPTokenizer"), "tokenizer_2": ("transformers", "CLIPTokenizer"), "tokenizer_3": ("transformers", "T5TokenizerFast"),
        "transformer": ("diffusers", "SD3Transformer2DModel"), "vae": ("diffusers", "AutoencoderKL"),
    },
    "sdxl": {
        "scheduler": ("diffusers", "EulerDiscreteScheduler"),
        "text_encoder": ("transformers", "CLIPTextModel"), "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
        "tokenizer": ("transformers", "CLIPTokenizer"), "tokenizer_2": ("transformers", "CLIPTokenizer"),
        "unet": ("diffusers", "UNet2DConditionModel"), "vae": ("diffusers", "AutoencoderKL"),
    },
    "sd15": {
        "scheduler": ("diffusers", "PNDMScheduler"),
        "text_encoder": ("transformers", "CLIPTextModel"), "tokenizer": ("transformers", "CLIPTokenizer"),
        "unet": ("diffusers", "UNet2DConditionModel"), "vae": ("diffusers", "AutoencoderKL"),
    },
}  # fmt: skip
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1}
LATENTS = {  # how each layout scales what its autoencoder makes
    "flux": {"scaling_factor": 0.3611, "shift_factor": 0.1159},
    "sd3": {"scaling_factor": 1.5305, "shift_factor": 0.0609},
    "sdxl": {"scaling_factor": 0.13025, "force_upcast": True},
    "sd15": {"scaling_factor": 0.18215},
}


@dataclass(frozen=True)
class Held:
    """What a file holds."""

    layout: str  # a key of COMPONENTS
    like: str  # the known model it is one of, or was made from: a name of the catalogue
    configs: dict[str, Config]  # of each component that the file gives, the scheduler included
    parameters: dict[str, int]  # of each component whose weights are in the file

    @property
    def missing(self) -> tuple[str, ...]:
        """Components that have to come from elsewhere."""
        return tuple(name for name in COMPONENTS[self.layout] if name not in self.configs)


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a file.

    Raises:
        BadInput: if it is no file of weights that can be read. NotConfigured: if it is a GGUF and the library for those is missing.
    """
    if path.suffix == ".gguf":
        return _gguf_shapes(path)
    if path.suffix != ".safetensors":
        raise BadInput(f"{path} is no {' or '.join(SUFFIXES)} file", "pickled checkpoints (.ckpt, .pt, .bin) can run code when opened; save the weights as safetensors")
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header: dict[str, Any] = json.loads(file.read(length)) if length <= HEADER else {"": {}}
        return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is damaged: its header cannot be read ({type(error).__name__})", "download it again") from None


def _gguf_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    try:
        from gguf import GGUFReader
    except ImportError:
        raise NotConfigured(f"{path} is quantised in GGUF, which needs the gguf library", "pip install gguf") from None
    try:
        return {tensor.name: tuple(int(side) for side in reversed(tensor.shape)) for tensor in GGUFReader(path).tensors}
    except (OSError, ValueError, IndexError) as error:
        raise BadInput(f"{path} is damaged: it cannot be read as GGUF ({error})", "download it again") from None


def held(path: Path) -> Held:
    """What a file holds.

    Raises:
        BadInput: if it can be read but is of no layout that can be drawn with.
    """
    found = shapes(path)
    layout = _layout(path, found)
    whole = {f"{DENOISER}{name}": shape for name, shape in found.items()} if _bare(found) else found
    denoiser = _within(whole, DENOISER)
    main = "transformer" if "transformer" in COMPONENTS[layout] else "unet"
    try:
        configs = {"scheduler": _scheduler(layout, denoiser), **_text_encoders(layout, whole), **_autoencoder(layout, whole)}
        configs[main] = {"flux": _flux, "sd3": _sd3, "sdxl": _unet, "sd15": _unet}[layout](denoiser)
    except (KeyError, IndexError) as error:
        raise BadInput(f"{path} is not whole: a {layout} file has {error} too", "download it again") from None
    if layout == "sdxl":
        configs[main] |= _size_conditions(denoiser, configs.get("text_encoder_2"))
    _check_variant(path, layout, configs[main])
    counts = {name: sum(map(math.prod, _within(whole, prefix).values())) for name, prefix in _prefixes(layout, whole).items() if name in configs}
    return Held(layout, _like(layout, denoiser), configs, counts)


def _within(shapes: Shapes, prefix: str) -> dict[str, tuple[int, ...]]:
    return {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}


def _bare(shapes: Shapes) -> bool:
    """Whether the file is a denoiser alone, its names without prefix."""
    return not any(name.startswith(DENOISER) for name in shapes)


def _layout(path: Path, shapes: Shapes) -> str:
    names = {name.removeprefix(DENOISER) for name in shapes}
    if "double_blocks.0.img_attn.norm.key_norm.scale" in names:
        return "flux"
    if "joint_blocks.0.context_block.attn.qkv.weight" in names:
        return "sd3"
    if "input_blocks.0.0.weight" in names and any(name.startswith("cond_stage_model.model.") for name in names):
        raise BadInput(f"{path} is of the layout of Stable Diffusion 2, which Cutwork does not draw with")
    if "input_blocks.0.0.weight" in names:
        return "sdxl" if "label_emb.0.0.weight" in names else "sd15"
    if any("transformer_blocks.0." in name for name in names):
        raise BadInput(f"{path} is one component of a diffusers folder", "give the folder that has model_index.json")
    raise BadInput(f"{path} is of no known layout; Cutwork draws with single files of FLUX.1, SD3, SD3.5, SDXL and SD1.5")


def _check_variant(path: Path, layout: str, config: Config) -> None:
    """Inpainting and control variants take more channels than latents have."""
    wanted = {"flux": 64, "sd3": 16}.get(layout, 4)
    if config["in_channels"] != wanted:
        raise BadInput(f"{path} takes {config['in_channels']} channels, a text-to-image model of its layout {wanted}: it is an inpainting or control variant")


def _like(layout: str, denoiser: Shapes) -> str:
    if layout == "flux":
        return "flux-dev" if "guidance_in.in_layer.weight" in denoiser else "flux-schnell"
    if layout == "sd3":
        if "joint_blocks.0.x_block.attn2.qkv.weight" in denoiser:
            return "sd3.5-medium"
        return "sd3.5-large" if "joint_blocks.0.x_block.attn.ln_q.weight" in denoiser else "sd3-medium"
    return layout


def _prefixes(layout: str, shapes: Shapes) -> dict[str, str]:
    """Where the weights of each component stand in a file, if they do."""
    vae = next((prefix for prefix in AUTOENCODERS if any(name.startswith(prefix) for name in shapes)), AUTOENCODERS[0])
    return {
        "flux": {"transformer": DENOISER, "vae": vae, "text_encoder": CLIP_L, "text_encoder_2": T5},
        "sd3": {"transformer": DENOISER, "vae": vae, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "text_encoder_3": T5},
        "sdxl": {"unet": DENOISER, "vae": vae, "text_encoder": "conditioner.embedders.0.transformer.", "text_encoder_2": "conditioner.embedders.1.model."},
        "sd15": {"unet": DENOISER, "vae": vae, "text_encoder": "cond_stage_model.transformer."},
    }[layout]


def _scheduler(layout: str, denoiser: Shapes) -> Config:
    if layout == "sd3":
        return {"shift": 3.0, "num_train_timesteps": 1000}
    if layout == "sdxl":
        return {**BETAS, "timestep_spacing": "leading"}
    if layout == "sd15":
        return {**BETAS, "skip_prk_steps": True, "set_alpha_to_one": False}
    if "guidance_in.in_layer.weight" in denoiser:
        shifts = {"base_shift": 0.5, "max_shift": 1.15, "base_image_seq_len": 256, "max_image_seq_len": 4096}
        return {"shift": 3.0, "use_dynamic_shifting": True, "num_train_timesteps": 1000, **shifts}
    return {"shift": 1.0, "use_dynamic_shifting": False, "num_train_timesteps": 1000}


def _text_encoders(layout: str, shapes: Shapes) -> dict[str, Config]:
    """Configurations of the text encoders that are in the file."""
    configs = {}
    for name, prefix in _prefixes(layout, shapes).items():
        encoder = _within(shapes, prefix)
        if "shared.weight" in encoder:
            configs[name] = _t5(encoder)
        elif "text_model.embeddings.token_embedding.weight" in encoder:
            configs[name] = _clip(encoder, "gelu" if prefix == CLIP_G else "quick_gelu")
        elif "token_embedding.weight" in encoder:
            configs[name] = _open_clip(encoder)
    return configs


def _clip(encoder: Shapes, activation: str) -> Config:
    vocabulary, width = encoder["text_model.embeddings.token_embedding.weight"]
    return _clip_config(
        vocabulary, width, activation,
        positions=encoder["text_model.embeddings.position_embedding.weight"][0],
        inner=encoder["text_model.encoder.layers.0.mlp.fc1.weight"][0],
        layers=_count(encoder, r"text_model\.encoder\.layers\.(\d+)\."),
        projected=encoder.get("text_projection.weight", (width,))[0],
    )  # fmt: skip


def _open_clip(encoder: Shapes) -> Config:
    vocabulary, width = encoder["token_embedding.weight"]
    return _clip_config(
        vocabulary, width, "gelu",
        positions=encoder["positional_embedding"][0],
        inner=encoder["transformer.resblocks.0.mlp.c_fc.weight"][0],
        layers=_count(encoder, r"transformer\.resblocks\.(\d+)\."),
        projected=encoder["text_projection"][1],
    )  # fmt: skip


def _clip_config(vocabulary: int, width: int, activation: str, positions: int, inner: int, layers: int, projected: int) -> Config:
    """`eos_token_id` 2 is what these checkpoints were published with: the pooled state is then that of the largest token id, their end of text."""
    return {
        "model_type": "clip_text_model", "vocab_size": vocabulary, "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // 64), "max_position_embeddings": positions, "hidden_act": activation, "projection_dim": projected,
        "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
    }  # fmt: skip


def _t5(encoder: Shapes) -> Config:
    vocabulary, width = encoder["shared.weight"]
    buckets, heads = encoder["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight" in encoder
    return {
        "model_type": "t5", "vocab_size": vocabulary, "d_model": width, "num_heads": heads, "relative_attention_num_buckets": buckets,
        "d_kv": encoder["encoder.block.0.layer.0.SelfAttention.q.weight"][0] // heads,
        "d_ff": encoder["encoder.block.0.layer.1.DenseReluDense.wo.weight"][1],
        "num_layers": _count(encoder, r"encoder\.block\.(\d+)\."),
        "feed_forward_proj": "gated-gelu" if gated else "relu",
    }  # fmt: skip


def _autoencoder(layout: str, shapes: Shapes) -> dict[str, Config]:
    vae = _within(shapes, _prefixes(layout, shapes)["vae"])
    if not vae:
        return {}
    levels = _count(vae, r"encoder\.down\.(\d+)\.")
    config = {
        "in_channels": 3, "out_channels": 3, "latent_channels": vae["decoder.conv_in.weight"][1],
        "block_out_channels": [vae[f"encoder.down.{i}.block.0.conv1.weight"][0] for i in range(levels)],
        "down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(vae, r"encoder\.down\.0\.block\.(\d+)\."), "norm_num_groups": 32, "act_fn": "silu",
        "use_quant_conv": "quant_conv.weight" in vae, "use_post_quant_conv": "post_quant_conv.weight" in vae,
        "sample_size": 512 if layout == "sd15" else 1024, "force_upcast": False, **LATENTS[layout],
    }  # fmt: skip
    return {"vae": config}


def _flux(denoiser: Shapes) -> Config:
    width, channels = denoiser["img_in.weight"]
    side = denoiser["double_blocks.0.img_attn.norm.key_norm.scale"][0]  # of a head
    return {
        "patch_size": 1, "in_channels": channels, "attention_head_dim": side, "num_attention_heads": width // side,
        "num_layers": _count(denoiser, r"double_blocks\.(\d+)\."), "num_single_layers": _count(denoiser, r"single_blocks\.(\d+)\."),
        "joint_attention_dim": denoiser["txt_in.weight"][1], "pooled_projection_dim": denoiser["vector_in.in_layer.weight"][1],
        "guidance_embeds": "guidance_in.in_layer.weight" in denoiser, "axes_dims_rope": [side // 8, side * 7 // 16, side * 7 // 16],
    }  # fmt: skip


def _sd3(denoiser: Shapes) -> Config:
    width, channels = denoiser["x_embedder.proj.weight"][:2]
    layers = _count(denoiser, r"joint_blocks\.(\d+)\.")
    return {
        "patch_size": 2, "sample_size": 128, "in_channels": channels, "out_channels": denoiser["final_layer.linear.weight"][0] // 4,
        "num_layers": layers, "attention_head_dim": 64, "num_attention_heads": width // 64,
        "joint_attention_dim": denoiser["context_embedder.weight"][1], "caption_projection_dim": width,
        "pooled_projection_dim": denoiser["y_embedder.mlp.0.weight"][1], "pos_embed_max_size": math.isqrt(denoiser["pos_embed"][1]),
        "qk_norm": "rms_norm" if "joint_blocks.0.x_block.attn.ln_q.weight" in denoiser else None,
        "dual_attention_layers": [i for i in range(layers) if f"joint_blocks.{i}.x_block.attn2.qkv.weight" in denoiser],
    }  # fmt: skip


def _unet(denoiser: Shapes) -> Config:
    """Levels end where the picture is halved; attention stands behind the resnets of some, in stacks of so many blocks."""
    levels: list[dict[str, int]] = [{"resnets": 0, "width": 0, "depth": 0}]
    for i in range(1, _count(denoiser, r"input_blocks\.(\d+)\.")):
        if f"input_blocks.{i}.0.op.weight" in denoiser:
            levels.append({"resnets": 0, "width": 0, "depth": 0})
            continue
        depth = _count(denoiser, rf"input_blocks\.{i}\.1\.transformer_blocks\.(\d+)\.")
        levels[-1] = {"resnets": levels[-1]["resnets"] + 1, "width": denoiser[f"input_blocks.{i}.0.out_layers.3.weight"][0], "depth": depth}
    linear = len(denoiser["middle_block.1.proj_in.weight"]) == 2
    attends = [bool(level["depth"]) for level in levels]
    widths = [level["width"] for level in levels]
    return {
        "in_channels": denoiser["input_blocks.0.0.weight"][1], "out_channels": denoiser["out.2.weight"][0], "sample_size": 128 if linear else 64,
        "block_out_channels": widths, "layers_per_block": levels[0]["resnets"],
        "down_block_types": ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if one else "UpBlock2D" for one in reversed(attends)],
        "transformer_layers_per_block": [max(1, level["depth"]) for level in levels],
        "cross_attention_dim": denoiser["middle_block.1.transformer_blocks.0.attn2.to_k.weight"][1],
        "attention_head_dim": [max(1, width // 64) for width in widths] if linear else 8,  # which diffusers reads as the number of heads
        "use_linear_projection": linear,
    }  # fmt: skip


def _size_conditions(denoiser: Shapes, encoder: Config | None) -> Config:
    """SDXL is told six numbers, the sizes of a picture and its crop, beside the pooled text."""
    joined = denoiser["label_emb.0.0.weight"][1]
    each = (joined - encoder["projection_dim"]) // 6 if encoder else 256
    return {"addition_embed_type": "text_time", "addition_time_embed_dim": each, "projection_class_embeddings_input_dim": joined}


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the largest number that stands in names where the pattern has its group; 0 if none does."""
    return max((int(match[1]) + 1 for name in shapes if (match := re.match(pattern, name))), default=0)


def absent(folder: Path) -> tuple[str, ...]:
    """Components that a diffusers folder's index names but whose weights or files are not there: "transformer (1 of 3 files)".

    Raises:
        BadInput: if the index cannot be read.
    """
    index = folder / "model_index.json"
    try:
        named = {name: kind for name, kind in json.loads(index.read_text("utf-8")).items() if isinstance(kind, list) and all(kind)}
    except (OSError, ValueError, AttributeError):
        raise BadInput(f"{index} is damaged: it is no index of a pipeline") from None
    faults = {name: _fault(folder / name, kind[1]) for name, kind in named.items() if name not in ("safety_checker", "feature_extractor", "image_encoder")}
    return tuple(f"{name} ({fault})" for name, fault in faults.items() if fault)


def _fault(folder: Path, kind: str) -> str:
    """What is wrong with one component's folder; empty if nothing is."""
    if not folder.is_dir():
        return "no such folder"
    if "Tokenizer" in kind or "Scheduler" in kind:
        return "" if any(folder.iterdir()) else "empty"
    for index in folder.glob("*.safetensors.index.json"):
        files = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        gone = [name for name in files if not (folder / name).is_file()]
        return f"{len(gone)} of {len(files)} files of weights missing" if gone else ""
    return "" if any(folder.glob("*.safetensors")) else "no safetensors"
