"""What the stock pipelines make of a plan, for the tests that say: with nothing switched on, not a bit differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cutwork.domain import Plan
from cutwork.tools.families.base import Family


def flux(family: Any, plan: Plan, seed: int) -> torch.Tensor:
    return family.pipeline(
        plan.prompt,
        negative_prompt="",
        true_cfg_scale=plan.draw.guidance,
        max_sequence_length=family.encode([plan.prompt]).lengths[0],
        **_common(plan, seed),
    ).images


def sd3(family: Any, plan: Plan, seed: int) -> torch.Tensor:
    return family.pipeline(
        plan.prompt,
        negative_prompt="",
        guidance_scale=plan.draw.guidance,
        max_sequence_length=family.encode([plan.prompt]).lengths[0] - family.pipeline.tokenizer_max_length,
        **_common(plan, seed),
    ).images


def unet(family: Any, plan: Plan, seed: int) -> torch.Tensor:
    return family.pipeline(plan.prompt, guidance_scale=plan.draw.guidance, **_common(plan, seed)).images


def _common(plan: Plan, seed: int) -> dict[str, Any]:
    width, height = plan.size.root
    return {
        "width": width, "height": height, "num_inference_steps": plan.draw.steps,
        "generator": torch.Generator().manual_seed(seed), "output_type": "latent",
    }  # fmt: skip


STOCK: dict[str, Callable[[Any, Plan, int], torch.Tensor]] = {
    "FluxPipeline": flux, "StableDiffusion3Pipeline": sd3, "StableDiffusionPipeline": unet, "StableDiffusionXLPipeline": unet,
}  # fmt: skip

READERS = {  # of what the model reads as a sequence, in order
    "FluxPipeline": ("tokenizer_2",), "StableDiffusion3Pipeline": ("tokenizer", "tokenizer_3"),
    "StableDiffusionPipeline": ("tokenizer",), "StableDiffusionXLPipeline": ("tokenizer",),
}  # fmt: skip


def pieces(family: Family, prompt: str) -> list[str]:
    """The letters of each token of an encoded prompt, in its place."""
    pipeline = family.pipeline  # type: ignore[attr-defined]
    readers = [getattr(pipeline, name) for name in READERS[type(pipeline).__name__]]
    tokens = [token for reader in readers for token in reader.convert_ids_to_tokens(reader(prompt, padding="max_length").input_ids)]
    return [token.replace("▁", "").replace("</w>", "") for token in tokens]


def silence_free_attention(family: Family) -> None:
    """What regions do not govern gives nothing: SD3.5's second attention, of the image alone."""
    for block in getattr(family.model, "transformer_blocks", ()):  # type: ignore[attr-defined]
        if getattr(block, "attn2", None) is not None:
            block.attn2.to_out[0].requires_grad_(False).weight.zero_()
            block.attn2.to_out[0].bias.zero_()


def spreads(family: Family) -> bool:
    """Whether convolutions carry what one image token hears to its neighbours."""
    modules = family.model.modules()  # type: ignore[attr-defined]
    return any(isinstance(m, torch.nn.Conv2d) and m.kernel_size > m.stride for m in modules)


def stock(family: Family, plan: Plan, seed: int) -> torch.Tensor:
    """Latents of the family's own pipeline, untouched."""
    pipeline = family.pipeline  # type: ignore[attr-defined]
    pipeline.set_progress_bar_config(disable=True)
    return STOCK[type(pipeline).__name__](family, plan, seed)
