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


def _common(plan: Plan, seed: int) -> dict[str, Any]:
    width, height = plan.size.root
    return {
        "width": width, "height": height, "num_inference_steps": plan.draw.steps,
        "generator": torch.Generator().manual_seed(seed), "output_type": "latent",
    }  # fmt: skip


STOCK: dict[str, Callable[[Any, Plan, int], torch.Tensor]] = {"FluxPipeline": flux, "StableDiffusion3Pipeline": sd3}


def stock(family: Family, plan: Plan, seed: int) -> torch.Tensor:
    """Latents of the family's own pipeline, untouched."""
    pipeline = family.pipeline  # type: ignore[attr-defined]
    pipeline.set_progress_bar_config(disable=True)
    return STOCK[type(pipeline).__name__](family, plan, seed)
