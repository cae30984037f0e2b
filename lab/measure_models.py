"""Sizes of the known models and the work of one pass, counted on their official configurations without any weights.

    python -m cutwork.lab.measure_models

Prints what `tools/catalogue.py` says: parameters of each component, and multiply-adds of one pass of the denoiser at the side it
was made for, apart for attention, which grows with the square of the picture's area.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import nn

Parts = dict[str, dict[str, Any]]
CLIP_L: dict[str, Any] = {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768}
CLIP_G = {"vocab_size": 49408, "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280}
T5_XXL = {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "feed_forward_proj": "gated-gelu"}
VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
WIDE_VAE = {**VAE, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
FLUX = {
    "patch_size": 1, "in_channels": 64, "num_layers": 19, "num_single_layers": 38, "attention_head_dim": 128, "num_attention_heads": 24,
    "joint_attention_dim": 4096, "pooled_projection_dim": 768,
}  # fmt: skip
SD3 = {
    "sample_size": 128, "patch_size": 2, "in_channels": 16, "out_channels": 16, "num_layers": 24, "attention_head_dim": 64, "num_attention_heads": 24,
    "joint_attention_dim": 4096, "caption_projection_dim": 1536, "pooled_projection_dim": 2048, "pos_embed_max_size": 192,
}  # fmt: skip
SDXL = {
    "sample_size": 128, "block_out_channels": (320, 640, 1280), "layers_per_block": 2, "cross_attention_dim": 2048, "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10), "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816, "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
SD15 = {"sample_size": 64, "block_out_channels": (320, 640, 1280, 1280), "layers_per_block": 2, "cross_attention_dim": 768, "attention_head_dim": 8}
FLUX_PARTS: Parts = {"text_encoder": CLIP_L, "text_encoder_2": T5_XXL, "vae": WIDE_VAE}
SD3_PARTS: Parts = {"text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "text_encoder_3": T5_XXL, "vae": WIDE_VAE}
OFFICIAL: dict[str, Parts] = {
    "flux-schnell": {"transformer": FLUX, **FLUX_PARTS},
    "flux-dev": {"transformer": {**FLUX, "guidance_embeds": True}, **FLUX_PARTS},
    "sd3-medium": {"transformer": SD3, **SD3_PARTS},
    "sd3.5-medium": {"transformer": {**SD3, "pos_embed_max_size": 384, "qk_norm": "rms_norm", "dual_attention_layers": tuple(range(13))}, **SD3_PARTS},
    "sd3.5-large": {"transformer": {**SD3, "num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "qk_norm": "rms_norm"}, **SD3_PARTS},
    "sdxl": {"unet": SDXL, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "vae": VAE},
    "sd15": {"unet": SD15, "text_encoder": CLIP_L, "vae": VAE},
}


def component(layout: str, name: str, config: dict[str, Any]) -> nn.Module:
    """One component of the official size, its weights without values."""
    import diffusers
    import transformers

    from cutwork.tools.layouts import COMPONENTS

    library, kind = COMPONENTS[layout][name]
    with torch.device("meta"):
        if library == "diffusers":
            return getattr(diffusers, kind).from_config(config)
        made = getattr(transformers, kind)
        return made(made.config_class(**config))


def count(module: nn.Module) -> int:
    """Parameters, and such buffers as are saved with them."""
    return sum(tensor.numel() for tensor in module.state_dict(keep_vars=True).values() if tensor.is_floating_point()) - _twice(module)


def _twice(module: nn.Module) -> int:
    """Parameters that stand in the state under a second name."""
    named = [tensor for tensor in module.state_dict(keep_vars=True).values() if isinstance(tensor, nn.Parameter)]
    return sum(tensor.numel() for tensor in named) - sum(tensor.numel() for tensor in {id(tensor): tensor for tensor in named}.values())


def work(layout: str, denoiser: Any, side: int, words: int) -> tuple[float, float]:
    """Floating-point operations of one pass at a square of that side: all of them, and those of attention between tokens."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        denoiser(**_inputs(layout, denoiser.config, side, words), return_dict=False)
    operations = counter.get_flop_counts()["Global"]
    attention = sum(value for name, value in operations.items() if "bmm" in str(name) or "scaled_dot_product" in str(name))
    return float(sum(operations.values())), float(attention)


def _inputs(layout: str, config: Any, side: int, words: int) -> dict[str, Any]:
    latent = side // 8

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    if layout == "flux":
        tokens = (latent // 2) ** 2
        states = {"hidden_states": empty(1, tokens, config.in_channels), "img_ids": empty(tokens, 3), "txt_ids": empty(words, 3)}
        guidance = {"guidance": empty(1)} if config.guidance_embeds else {}
        pooled = empty(1, config.pooled_projection_dim)
        return {**states, **guidance, "encoder_hidden_states": empty(1, words, config.joint_attention_dim), "pooled_projections": pooled, "timestep": empty(1)}
    if layout == "sd3":
        text = {"encoder_hidden_states": empty(1, words, config.joint_attention_dim), "pooled_projections": empty(1, config.pooled_projection_dim)}
        return {"hidden_states": empty(1, config.in_channels, latent, latent), "timestep": empty(1), **text}
    added = {"added_cond_kwargs": {"text_embeds": empty(1, 1280), "time_ids": empty(1, 6)}} if layout == "sdxl" else {}
    return {"sample": empty(1, 4, latent, latent), "timestep": empty(1), "encoder_hidden_states": empty(1, words, config.cross_attention_dim), **added}


def measure(name: str) -> dict[str, Any]:
    """Parameters of each component in millions, and the work of one pass in 10¹² operations."""
    from cutwork.tools.catalogue import find

    known = find(name)
    made = {part: component(known.layout, part, config) for part, config in OFFICIAL[name].items()}
    total, attention = work(known.layout, made.get("transformer") or made["unet"], known.side, known.words)
    return {"parameters": {part: round(count(module) / 1e6, 1) for part, module in made.items()}, "work": round(total / 1e12, 2), "attention": round(attention / 1e12, 2)}


def main() -> None:
    """Print one line a model."""
    for name in OFFICIAL:
        print(json.dumps({"name": name, **measure(name)}), flush=True)


if __name__ == "__main__":
    main()
