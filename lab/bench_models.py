"""Models of random weights to be timed: FLUX and SD3 of any size behind tiny text encoders, whose prompts are all of one length.

What a pass costs does not depend on what its weights say. A model is made once, where it shall run, and serves texts of all lengths.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from cutwork.tools.families.base import Family, quiet
from cutwork.tools.families.flux import FluxFamily
from cutwork.tools.families.sd3 import SD3Family

HEAD = {"flux": 128, "sd3": 64}  # width of a head, as published
PLACES = 192  # rows and columns of image tokens that an SD3 knows
CLIP_WORDS = 64  # that the tiny CLIP reads


@dataclass(frozen=True)
class Scale:
    """Size of the random models and of what they draw.

    Args:
        heads: of FLUX, 128 wide each; SD3 is as wide with twice as many. double, single: blocks of FLUX. joint: blocks of SD3.
        side: pixels. steps: the fewest a drawing takes; windows of steps want more at times, so that they are exact.
    """

    heads: int
    double: int
    single: int
    joint: int
    side: int
    steps: int
    device: str = "cpu"
    dtype: torch.dtype = torch.float32

    @property
    def image_tokens(self) -> int:
        """Of the picture, 16 pixels each way."""
        return (self.side // 16) ** 2

    def told(self, family: str) -> str:
        """The size in words."""
        blocks = f"{self.double} + {self.single} blocks" if family == "flux" else f"{self.joint} blocks"
        return f"{blocks}, width {128 * self.heads}, {self.image_tokens} image tokens"

    def steps_for(self, unit: int) -> int:
        """The fewest steps, at least so many as wanted, that are a multiple of a unit."""
        return -(-self.steps // unit) * unit


def flux(scale: Scale, length: int) -> FluxFamily:
    """A FLUX with embedded guidance, like FLUX.1-dev, that reads prompts of so many tokens."""
    return FluxFamily("bench", _flux(scale), uses_cfg=False, max_words=length, device=torch.device(scale.device))


def sd3(scale: Scale, length: int) -> SD3Family:
    """An SD3 that reads prompts of CLIP's tokens and so many of T5's."""
    return SD3Family("bench", _sd3(scale), torch.device(scale.device), padded=length)


def weights(family: Family) -> int:
    """Bytes of everything the family holds."""
    parts = (part for part in family.pipeline.components.values() if isinstance(part, torch.nn.Module))
    return sum(x.nbytes for part in parts for x in (*part.parameters(), *part.buffers()))


@cache
def _flux(scale: Scale) -> Any:
    from diffusers import FluxTransformer2DModel

    from cutwork.tools.families._tiny import flux

    with _random(scale):
        transformer = FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=scale.double, num_single_layers=scale.single, attention_head_dim=HEAD["flux"],
            num_attention_heads=scale.heads, joint_attention_dim=32, pooled_projection_dim=16, guidance_embeds=True, axes_dims_rope=(16, 56, 56),
        )  # fmt: skip
    return _around(flux(), transformer, scale)


@cache
def _sd3(scale: Scale) -> Any:
    from diffusers import SD3Transformer2DModel

    from cutwork.tools.families._tiny_sd3 import sd3

    with _random(scale):
        transformer = SD3Transformer2DModel(
            sample_size=128, patch_size=2, in_channels=16, out_channels=16, num_layers=scale.joint, attention_head_dim=HEAD["sd3"],
            num_attention_heads=2 * scale.heads, joint_attention_dim=48, caption_projection_dim=128 * scale.heads, pooled_projection_dim=16,
            pos_embed_max_size=PLACES, dual_attention_layers=(), qk_norm=None,
        )  # fmt: skip
    return _around(sd3(), transformer, scale)


def _around(pipeline: Any, transformer: Any, scale: Scale) -> Any:
    pipeline.transformer = transformer
    return pipeline.to(scale.device, scale.dtype)


@contextmanager
def _random(scale: Scale) -> Iterator[None]:
    """Make modules where and in the type in which they shall run: twelve billion weights are too many to be moved or converted."""
    quiet()
    before = torch.get_default_dtype()
    device = torch.device(scale.device)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[] if device.type == "cpu" else None), device:
        warnings.simplefilter("ignore")  # third-party notices while building models
        torch.manual_seed(0)
        torch.set_default_dtype(scale.dtype)
        try:
            yield
        finally:
            torch.set_default_dtype(before)
