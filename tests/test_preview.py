"""Previews: about what the autoencoder would decode, small, as the drawing goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from builders import a_plan

from cutwork.domain import Box, DrawSettings, Shot
from cutwork.ports import Watch
from cutwork.tools.drawing import LocalDrawing
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import mini
from cutwork.tools.families._preview import Preview, fitted
from cutwork.tools.pixels import decode


def test_the_map_gives_back_the_colours_of_what_was_encoded() -> None:
    vae = mini.load("mini", torch.device("cpu")).pipeline.vae  # type: ignore[attr-defined]
    y, x = np.mgrid[0:64, 0:96]
    picture = np.stack([2.5 * x, 4 * y, 255 - 2.5 * x], 2).clip(0, 255).astype(np.uint8)
    with torch.no_grad():
        latents = vae.encode(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1).latents
    small = Preview(vae)(latents)
    wanted = picture.reshape(8, 8, 12, 8, 3).mean((1, 3))
    assert small.shape == (8, 12, 3)
    assert np.abs(small - wanted).mean() < 8


def test_a_channel_that_lies_still_does_not_carry_rounding_into_the_colours() -> None:
    """Which way the last digit falls differs from processor to processor."""
    draw = torch.Generator().manual_seed(0)
    told = torch.randn(512, 3, generator=draw)
    still = torch.tensor([0.3, -0.2]) + 1e-6 * torch.randn(512, 2, generator=draw)
    map_ = fitted(torch.cat([2 * told + 1, still], 1), told)
    assert torch.allclose(map_[:3], torch.eye(3) / 2, atol=2e-3)
    assert map_[3:5].abs().max() < 0.01
    assert torch.allclose(map_[5], torch.full((3,), -0.5), atol=5e-3)


def test_a_drawing_shows_itself_now_and_then(home: Path) -> None:
    blobs = MemoryBlobs()
    plan = a_plan("a cat", boxes=(Box((0.2, 0.2, 0.8, 0.8)),), background="a blue background", size=(128, 96), draw=DrawSettings(steps=6))
    seen: list[tuple[int, str]] = []
    drawing = LocalDrawing("mini", blobs, early_verdict=False)
    drawn = drawing.render(Shot(plan=plan, seed=3), Watch(on_preview=lambda done, image: seen.append((done, image))))
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5, 6]
    last, whole = decode(blobs.get(seen[-1][1]), "RGB"), decode(blobs.get(drawn.image), "RGB")
    assert last.shape == (12, 16, 3)
    assert np.abs(last - whole.reshape(12, 8, 16, 8, 3).mean((1, 3))).mean() < 15
    assert drawing.render(Shot(plan=plan, seed=3), Watch()).image == drawn.image
