"""A `StableDiffusion3Pipeline` at the smallest size, with random weights: what contract tests run on."""

from __future__ import annotations

from typing import Any

import torch

from cutwork.tools.families._tiny import clip_tokenizer, t5_tokenizer


def sd3(seed: int = 0, dual: tuple[int, ...] = (0, 1), qk_norm: str | None = "rms_norm", t5: bool = True) -> Any:
    """Three joint blocks; the same weights for the same seed.

    Args:
        dual: blocks with a second attention, of the image alone. As it is, like SD3.5-medium; with () like SD3.5-large, and with
            no `qk_norm` either like SD3-medium.
        t5: whether there is a third text encoder.
    """
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
    from transformers import T5Config, T5EncoderModel

    words = t5_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StableDiffusion3Pipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(8,) * 4,
                latent_channels=16, norm_num_groups=4, use_quant_conv=False, use_post_quant_conv=False, scaling_factor=1.5305, shift_factor=0.0609,
            ),
            text_encoder=_clip(hidden_size=16),
            tokenizer=clip_tokenizer(),
            text_encoder_2=_clip(hidden_size=24),
            tokenizer_2=clip_tokenizer(),
            text_encoder_3=T5EncoderModel(T5Config(vocab_size=len(words), d_model=48, d_kv=8, d_ff=32, num_layers=1, num_heads=4, dropout_rate=0.0))
            if t5
            else None,
            tokenizer_3=words if t5 else None,
            transformer=SD3Transformer2DModel(
                sample_size=16, patch_size=2, in_channels=16, out_channels=16, num_layers=3, attention_head_dim=16, num_attention_heads=2,
                joint_attention_dim=48, caption_projection_dim=32, pooled_projection_dim=16, pos_embed_max_size=24,
                dual_attention_layers=dual, qk_norm=qk_norm,
            ),
        )  # fmt: skip


def _clip(hidden_size: int) -> Any:
    """A text encoder of three layers, of which the transformer reads the second's states."""
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(clip_tokenizer()), hidden_size=hidden_size, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
            projection_dim=8, max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    )  # fmt: skip
