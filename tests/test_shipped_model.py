"""The embedded model is a diffusers pipeline like any other: plain `FluxPipeline` loads and runs it, with nothing of ours."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from cutwork.tools.families import mini

PROMPT = "a cat on a purple background"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from diffusers import FluxPipeline

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = FluxPipeline.from_pretrained(mini.folder())
    loaded.set_progress_bar_config(disable=True)
    return loaded


def drawn(pipeline: Any, scale: float, width: int, height: int) -> np.ndarray:
    import torch

    settings = {"width": width, "height": height, "num_inference_steps": 2, "output_type": "np", "max_sequence_length": 16}
    out = pipeline(PROMPT, negative_prompt="", true_cfg_scale=scale, generator=torch.Generator().manual_seed(0), **settings)
    picture: np.ndarray = out.images[0]
    return picture


@pytest.mark.parametrize(("width", "height"), [(128, 128), (128, 64), (64, 128)])
def test_plain_diffusers_draws_with_it(pipeline: Any, width: int, height: int) -> None:
    picture = drawn(pipeline, 3.0, width, height)
    assert picture.shape == (height, width, 3)
    assert np.isfinite(picture).all()
    assert picture.std() > 0.01


def test_its_guidance_is_classifier_free(pipeline: Any) -> None:
    assert not pipeline.transformer.config.guidance_embeds
    assert not np.allclose(drawn(pipeline, 3.0, 64, 64), drawn(pipeline, 1.0, 64, 64), atol=0.01)


def test_it_draws_as_our_family_does(pipeline: Any) -> None:
    """Same start noise, same steps, same guidance: the picture of the stock pipeline is ours."""
    import torch

    from cutwork.domain import DrawSettings
    from cutwork.tools.conditioning import Conditioning, Phase
    from cutwork.tools.denoise import denoise

    size = (128, 64)
    family = mini.load("mini", torch.device("cpu"))
    conditioning = Conditioning(Phase(family.encode([PROMPT]), ()), (), family.encode([""]))
    ended = denoise(family, family.noise(0, size), conditioning, size, 2, DrawSettings().guidance)
    ours = family.decode(ended.latents, size)
    theirs = drawn(pipeline, DrawSettings().guidance, *size)
    assert np.abs(ours / 255 - theirs).max() < 0.02  # a step of rounding, and sums in another order
