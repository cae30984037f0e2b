"""Pipelines of real classes at the smallest size, with random weights: what contract tests run on."""

from __future__ import annotations

import string
from typing import Any

import torch

WORDS = "a an the and on in of to left right cat cats dog fox rocket red blue purple green background grumpy sky beach".split()


def t5_tokenizer() -> Any:
    """A unigram tokenizer of a few whole words, with single letters for the rest."""
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -1.0) for word in WORDS] + [(letter, -8.0) for letter in string.ascii_lowercase + ",.-"]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)


def clip_tokenizer() -> Any:
    """A letter-by-letter CLIP tokenizer."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    alphabet = sorted(ByteLevel.alphabet())
    tokens = ["<|startoftext|>", "<|endoftext|>", *alphabet, *(letter + "</w>" for letter in alphabet)]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=64)


def flux(seed: int = 0, distilled: bool = False) -> Any:
    """A `FluxPipeline` of one double and two single blocks; the same weights for the same seed.

    Args:
        distilled: guidance is embedded, as in FLUX.1 [dev].
    """
    from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    t5, clip = t5_tokenizer(), clip_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=AutoencoderTiny(
                latent_channels=16,
                encoder_block_out_channels=(8,) * 4,
                decoder_block_out_channels=(8,) * 4,
                num_encoder_blocks=(0, 0, 0, 0),
                num_decoder_blocks=(1, 0, 0, 0),
            ),
            text_encoder=CLIPTextModel(
                CLIPTextConfig(
                    vocab_size=len(clip), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
                    max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=1,
                )
            ),
            tokenizer=clip,
            text_encoder_2=T5EncoderModel(T5Config(vocab_size=len(t5), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4, dropout_rate=0.0)),
            tokenizer_2=t5,
            transformer=FluxTransformer2DModel(
                patch_size=1, in_channels=64, num_layers=1, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
                joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(4, 6, 6), guidance_embeds=distilled,
            ),
        )
