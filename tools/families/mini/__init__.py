"""The embedded model: a small FLUX that ships with Cutwork, so that the first command works with nothing downloaded.

It draws glossy 3-D emoji-style subjects it has learned (`vocabulary.json`) on backgrounds it has learned. What it is asked
for outside that is mapped to the nearest subject it knows, and the run says so; see MODEL_CARD.md for data and limits.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from cutwork.errors import NotConfigured
from cutwork.tools.families.base import Family
from cutwork.tools.families.flux import FluxFamily

PADDED = (24, 32, 48, 64)  # T5 lengths it was trained with; padding is attended


class MiniFamily(FluxFamily):
    """FLUX with short prompts padded to the nearest length the model was trained with."""

    def _padded(self, prompt: str) -> int:
        words = len(self.pipeline.tokenizer_2(prompt).input_ids)
        return next((length for length in PADDED if words <= length), PADDED[-1])


def folder() -> Path:
    """Where the shipped weights are."""
    return Path(str(resources.files(__name__))) / "model"


@cache
def _loaded(device: str) -> Any:
    from diffusers import FluxPipeline

    if not (folder() / "model_index.json").is_file():
        raise NotConfigured(f"the embedded model's weights are missing from {folder()}", hint="reinstall cutwork, or export them with `python -m lab.train --export`")
    return FluxPipeline.from_pretrained(folder(), dtype=torch.float32)


def load(model: str, device: torch.device) -> Family:  # noqa: ARG001 - the one signature of all families
    """The shipped weights, in float32 for speed on CPUs, loaded once a process."""
    return MiniFamily("mini", _loaded(str(device)), uses_cfg=True, max_words=PADDED[-1], device=device)


def tiny() -> Family:
    """Random weights behind the same class, for the contract tests."""
    from cutwork.tools.families._tiny import flux

    return MiniFamily("tiny-mini", flux(), uses_cfg=True, max_words=PADDED[-1], device=torch.device("cpu"))
