"""Weights of tiny models under the names their makers published: the inverse of what loaders do, written apart from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cutwork.tools.families import _tiny

State = dict[str, Tensor]


def renamed(state: Mapping[str, Tensor], rules: list[tuple[str, str]], prefix: str = "") -> State:
    """Each name with every rule that fits it applied, in order."""
    out = {}
    for name, tensor in state.items():
        for old, new in rules:
            name = re.sub(old, new, name)
        out[prefix + name] = tensor
    return out


def fused(state: State, targets: tuple[str, ...], name: str) -> State:
    """Rows of several projections as one tensor, wherever all of them stand beside each other."""
    out = dict(state)
    for key in list(state):
        stem, found, ending = key.partition(targets[0] + ".")
        if found and (not stem or stem.endswith(".")):
            out[f"{stem}{name}.{ending}"] = torch.cat([out.pop(f"{stem}{target}.{ending}") for target in targets])
    return out


def halves_swapped(state: State, *names: str) -> State:
    return {name: torch.cat(tensor.chunk(2)[::-1]) if name.startswith(names) else tensor for name, tensor in state.items()}


def flux(model: Any) -> State:
    state = halves_swapped(dict(model.state_dict()), "norm_out.linear")
    state = {k: v for k, v in state.items() if not k.startswith("single")} | fused(
        {k: v for k, v in state.items() if k.startswith("single")}, ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), "linear1"
    )
    state = fused(state, ("attn.to_q", "attn.to_k", "attn.to_v"), "img_attn.qkv")
    state = fused(state, ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "txt_attn.qkv")
    return renamed(
        state,
        [
            (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
            (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
            (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
            (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
            (r"^single_transformer_blocks", "single_blocks"),
            (r"^transformer_blocks", "double_blocks"),
            (r"\.norm1\.linear", ".img_mod.lin"), (r"\.norm1_context\.linear", ".txt_mod.lin"),
            (r"\.attn\.norm_q\.weight", ".img_attn.norm.query_norm.scale"), (r"\.attn\.norm_k\.weight", ".img_attn.norm.key_norm.scale"),
            (r"\.attn\.norm_added_q\.weight", ".txt_attn.norm.query_norm.scale"), (r"\.attn\.norm_added_k\.weight", ".txt_attn.norm.key_norm.scale"),
            (r"\.attn\.to_out\.0", ".img_attn.proj"), (r"\.attn\.to_add_out", ".txt_attn.proj"),
            (r"\.ff\.net\.0\.proj", ".img_mlp.0"), (r"\.ff\.net\.2", ".img_mlp.2"),
            (r"\.ff_context\.net\.0\.proj", ".txt_mlp.0"), (r"\.ff_context\.net\.2", ".txt_mlp.2"),
            (r"^time_text_embed\.timestep_embedder", "time_in"), (r"^time_text_embed\.text_embedder", "vector_in"),
            (r"^time_text_embed\.guidance_embedder", "guidance_in"), (r"\.linear_1\.", ".in_layer."), (r"\.linear_2\.", ".out_layer."),
            (r"^context_embedder", "txt_in"), (r"^x_embedder", "img_in"), (r"^proj_out", "final_layer.linear"), (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
        ],
    )  # fmt: skip


def sd3(model: Any) -> State:
    last = len(model.transformer_blocks) - 1
    state = halves_swapped(dict(model.state_dict()), "norm_out.linear", f"transformer_blocks.{last}.norm1_context.linear")
    state = fused(state, ("attn2.to_q", "attn2.to_k", "attn2.to_v"), "x_block.attn2.qkv")
    state = fused(state, ("attn.to_q", "attn.to_k", "attn.to_v"), "x_block.attn.qkv")
    state = fused(state, ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "context_block.attn.qkv")
    return renamed(
        state,
        [
            (r"^transformer_blocks", "joint_blocks"),
            (r"\.attn\.norm_added_q\.", ".context_block.attn.ln_q."), (r"\.attn\.norm_added_k\.", ".context_block.attn.ln_k."),
            (r"\.(attn2?)\.norm_q\.", r".x_block.\1.ln_q."), (r"\.(attn2?)\.norm_k\.", r".x_block.\1.ln_k."),
            (r"\.(attn2?)\.to_out\.0", r".x_block.\1.proj"), (r"\.attn\.to_add_out", ".context_block.attn.proj"),
            (r"\.norm1\.linear", ".x_block.adaLN_modulation.1"), (r"\.norm1_context\.linear", ".context_block.adaLN_modulation.1"),
            (r"\.ff\.net\.0\.proj", ".x_block.mlp.fc1"), (r"\.ff\.net\.2", ".x_block.mlp.fc2"),
            (r"\.ff_context\.net\.0\.proj", ".context_block.mlp.fc1"), (r"\.ff_context\.net\.2", ".context_block.mlp.fc2"),
            (r"^pos_embed\.pos_embed", "pos_embed"), (r"^pos_embed\.proj", "x_embedder.proj"),
            (r"^time_text_embed\.timestep_embedder\.linear_1", "t_embedder.mlp.0"), (r"^time_text_embed\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
            (r"^time_text_embed\.text_embedder\.linear_1", "y_embedder.mlp.0"), (r"^time_text_embed\.text_embedder\.linear_2", "y_embedder.mlp.2"),
            (r"^proj_out", "final_layer.linear"), (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
        ],
        "model.diffusion_model.",
    )  # fmt: skip


def unet(model: Any) -> State:
    each = model.config.layers_per_block + 1
    attends = [hasattr(block, "attentions") for block in model.up_blocks]

    def block(match: re.Match[str]) -> str:
        side, b, kind, n = match[1], int(match[2]), match[3], int(match[4])
        if kind == "downsamplers":
            return f"input_blocks.{(b + 1) * each}.0.op"
        if kind == "upsamplers":
            return f"output_blocks.{b * each + each - 1}.{1 + attends[b]}.conv"
        return f"{'input' if side == 'down' else 'output'}_blocks.{b * each + n + (side == 'down')}.{int(kind == 'attentions')}"

    out = {}
    for name, tensor in model.state_dict().items():
        name = re.sub(r"^(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)(?:\.conv(?=\.))?", block, name)
        name = re.sub(r"^mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}", name).replace("mid_block.attentions.0", "middle_block.1")
        for old, new in (("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("norm2", "out_layers.0"), ("conv2", "out_layers.3")):
            if "transformer_blocks" not in name:
                name = name.replace(f".{old}.", f".{new}.")
        name = name.replace("time_emb_proj", "emb_layers.1").replace("conv_shortcut", "skip_connection")
        for old, new in (
            ("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"), ("add_embedding.linear_1", "label_emb.0.0"),
            ("add_embedding.linear_2", "label_emb.0.2"), ("conv_in.", "input_blocks.0.0."), ("conv_norm_out", "out.0"), ("conv_out", "out.2"),
        ):  # fmt: skip
            name = re.sub(f"^{re.escape(old)}", new, name)
        out[f"model.diffusion_model.{name}"] = tensor
    return out


def autoencoder(model: Any, prefix: str = "first_stage_model.") -> State:
    levels = len(model.config.block_out_channels)
    out = {}
    for name, tensor in model.state_dict().items():
        name = re.sub(r"encoder\.down_blocks\.(\d)\.resnets", r"encoder.down.\1.block", name)
        name = re.sub(r"encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample", name)
        name = re.sub(r"decoder\.up_blocks\.(\d)\.resnets", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.block", name)
        name = re.sub(r"decoder\.up_blocks\.(\d)\.upsamplers\.0", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.upsample", name)
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
        if "mid_block.attentions.0" in name:
            name = name.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm").replace("to_out.0", "proj_out")
            name = re.sub(r"\.to_([qkv])\.", r".\1.", name)
            tensor = tensor[..., None, None] if tensor.ndim == 2 else tensor  # published as 1×1 convolutions
        out[prefix + name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")] = tensor
    return out


def clip(model: Any, prefix: str) -> State:
    named = {name if name.startswith("text_") else f"text_model.{name}": tensor for name, tensor in model.state_dict().items()}
    return {prefix + name: tensor for name, tensor in named.items() if "position_ids" not in name}


def open_clip(model: Any, prefix: str = "conditioner.embedders.1.model.") -> State:
    state = fused(clip(model, ""), ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), "attn.in_proj")
    state = renamed(
        state,
        [
            (r"^text_model\.encoder\.layers\.", "transformer.resblocks."), (r"\.self_attn\.out_proj", ".attn.out_proj"),
            (r"attn\.in_proj\.", "attn.in_proj_"), (r"\.layer_norm1\.", ".ln_1."), (r"\.layer_norm2\.", ".ln_2."),
            (r"\.mlp\.fc1\.", ".mlp.c_fc."), (r"\.mlp\.fc2\.", ".mlp.c_proj."), (r"^text_model\.final_layer_norm", "ln_final"),
            (r"^text_model\.embeddings\.token_embedding", "token_embedding"), (r"^text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
        ],
        prefix,
    )  # fmt: skip
    state[f"{prefix}text_projection"] = state.pop(f"{prefix}text_projection.weight").T.contiguous()
    return state


def t5(model: Any) -> State:
    return {f"text_encoders.t5xxl.transformer.{name}": tensor for name, tensor in model.state_dict().items() if name != "encoder.embed_tokens.weight"}


def a_clip(width: int = 64, projected: int | None = None, activation: str = "quick_gelu", layers: int = 2) -> Any:
    """A text encoder by the rules of the published ones: heads of 64, pooled at the largest token id."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(_tiny.clip_tokenizer()), hidden_size=width, intermediate_size=96, num_hidden_layers=layers, num_attention_heads=width // 64,
        max_position_embeddings=64, hidden_act=activation, projection_dim=projected or width, bos_token_id=0, eos_token_id=2, pad_token_id=1,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def a_t5(width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(_tiny.t5_tokenizer()), d_model=width, d_kv=8, d_ff=48, num_layers=2, num_heads=4, dropout_rate=0.0, feed_forward_proj="gated-gelu")
    )


def an_autoencoder(channels: int, **scales: Any) -> Any:
    from diffusers import AutoencoderKL

    quant = channels == 4
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(32, 32, 64, 64), layers_per_block=2,
        latent_channels=channels, norm_num_groups=32, use_quant_conv=quant, use_post_quant_conv=quant, **scales,
    )  # fmt: skip


def flux_pipeline(guidance: bool = True) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    scheduler = {"shift": 3.0, "use_dynamic_shifting": True} if guidance else {"shift": 1.0}
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**scheduler),
        vae=an_autoencoder(16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=a_clip(), tokenizer=_tiny.clip_tokenizer(), text_encoder_2=a_t5(48), tokenizer_2=_tiny.t5_tokenizer(),
        transformer=FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=2, num_single_layers=3, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=48,
            pooled_projection_dim=64, guidance_embeds=guidance, axes_dims_rope=(4, 14, 14),
        ),
    )  # fmt: skip


def sd3_pipeline(dual: tuple[int, ...] = (), qk_norm: str | None = None) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    pipeline = StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=an_autoencoder(16, scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=a_clip(64, 64), tokenizer=_tiny.clip_tokenizer(), text_encoder_2=a_clip(128, 128, "gelu"), tokenizer_2=_tiny.clip_tokenizer(),
        text_encoder_3=a_t5(192), tokenizer_3=_tiny.t5_tokenizer(),
        transformer=SD3Transformer2DModel(
            sample_size=128, patch_size=2, in_channels=16, out_channels=16, num_layers=3, attention_head_dim=64, num_attention_heads=2,
            joint_attention_dim=192, caption_projection_dim=128, pooled_projection_dim=192, pos_embed_max_size=24, dual_attention_layers=dual, qk_norm=qk_norm,
        ),
    )  # fmt: skip
    with torch.no_grad():
        pipeline.text_encoder.text_projection.weight.copy_(torch.eye(64))  # the published files have none there
    return pipeline


def sdxl_pipeline() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    return StableDiffusionXLPipeline(
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"),
        vae=an_autoencoder(4, scaling_factor=0.13025), text_encoder=a_clip(64), tokenizer=_tiny.clip_tokenizer(),
        text_encoder_2=a_clip(128, 128, "gelu", layers=3), tokenizer_2=_tiny.clip_tokenizer(),
        unet=UNet2DConditionModel(
            sample_size=128, block_out_channels=(64, 128, 192), layers_per_block=2, cross_attention_dim=192, attention_head_dim=(1, 2, 3),
            transformer_layers_per_block=(1, 2, 3), use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=32,
            projection_class_embeddings_input_dim=6 * 32 + 128, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        ),
    )  # fmt: skip


def sd15_pipeline() -> Any:
    from diffusers import PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    return StableDiffusionPipeline(
        scheduler=PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, skip_prk_steps=True),
        vae=an_autoencoder(4, scaling_factor=0.18215), text_encoder=a_clip(64), tokenizer=_tiny.clip_tokenizer(),
        unet=UNet2DConditionModel(sample_size=64, block_out_channels=(32, 64, 64, 64), layers_per_block=2, cross_attention_dim=64, attention_head_dim=8),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
