"""Pipelines of Stable Diffusion at the smallest size, with random weights: what contract tests run on.

Their autoencoders make latents of a quarter of the picture's side, so that the coarsest text layers stand at a sixteenth.
"""

from __future__ import annotations

from typing import Any

import torch

from cutwork.tools.families._tiny import clip_tokenizer

SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def sd(seed: int = 0, prediction: str = "epsilon", **unet: Any) -> Any:
    """A `StableDiffusionPipeline` of four levels, the last without text but in the middle; the same weights for the same seed."""
    from diffusers import PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StableDiffusionPipeline(
            vae=_autoencoder(),
            text_encoder=CLIPTextModel(_clip("quick_gelu")),
            tokenizer=clip_tokenizer(),
            unet=UNet2DConditionModel(
                sample_size=32, layers_per_block=1, block_out_channels=(8, 8, 16, 16), norm_num_groups=4, attention_head_dim=2, cross_attention_dim=16,
                **unet,
            ),
            scheduler=PNDMScheduler(**SCHEDULE, skip_prk_steps=True, prediction_type=prediction),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )  # fmt: skip


def sdxl(seed: int = 0) -> Any:
    """A `StableDiffusionXLPipeline` of three levels, the first without text; the same weights for the same seed."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StableDiffusionXLPipeline(
            vae=_autoencoder(),
            text_encoder=CLIPTextModel(_clip("quick_gelu")),
            text_encoder_2=CLIPTextModelWithProjection(_clip("gelu")),
            tokenizer=clip_tokenizer(),
            tokenizer_2=clip_tokenizer(),
            unet=UNet2DConditionModel(
                sample_size=32, layers_per_block=1, block_out_channels=(8, 16, 16), norm_num_groups=4, attention_head_dim=(1, 2, 2), cross_attention_dim=32,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                transformer_layers_per_block=(1, 1, 2), use_linear_projection=True,
                addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 16,
            ),
            scheduler=EulerDiscreteScheduler(**SCHEDULE, timestep_spacing="leading"),
            add_watermarker=False,
        )  # fmt: skip


def _clip(activation: str) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(clip_tokenizer()), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, projection_dim=16,
        max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=1, hidden_act=activation,
    )  # fmt: skip


def _autoencoder() -> Any:
    from diffusers import AutoencoderTiny

    return AutoencoderTiny(
        latent_channels=4, encoder_block_out_channels=(8,) * 3, decoder_block_out_channels=(8,) * 3, num_encoder_blocks=(0, 0, 0), num_decoder_blocks=(1, 0, 0)
    )
