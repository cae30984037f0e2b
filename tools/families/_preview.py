"""Small pictures of unfinished latents for next to nothing: one linear map from latent channels to colours.

No table of factors: the map is fitted to the autoencoder itself, once, on a chart of colours that it encodes. It serves every
autoencoder there will be, at the grid of its latents, which is enough to see where things come to stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BLOCKS = 16  # patches of the chart along each side
PATCH = 16  # pixels of a patch
RIDGE = 1e-3  # of the channels' mean variance


class Preview:
    """What latents look like, at one pixel each.

    Args:
        vae: any diffusers autoencoder with an encoder.
    """

    def __init__(self, vae: Any) -> None:
        chart = _chart().to(vae.device, vae.dtype)
        latents = latents_of(vae, chart).float()  # (1, C, h, w)
        colours = F.interpolate(chart.float(), latents.shape[-2:], mode="area")[0].flatten(1).T.cpu()  # (h * w, 3)
        self.map = fitted(latents[0].flatten(1).T.cpu(), colours)

    def __call__(self, latents: Tensor) -> np.ndarray:
        """Latents (1, C, h, w) as the autoencoder takes them → uint8 (h, w, 3)."""
        _, _, h, w = latents.shape
        colours = _with_one(latents[0].float().flatten(1).T.cpu()) @ self.map
        pixels: np.ndarray = ((colours.reshape(h, w, 3).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
        return pixels


def fitted(latents: Tensor, colours: Tensor) -> Tensor:
    """The ridge regression of colours (n, 3) on latents (n, C), its offset last and free: (C + 1, 3).

    A channel that the chart leaves still would let plain least squares divide by the rounding of one machine or another.
    """
    x, y = latents.double(), colours.double()
    here, there = x.mean(0, keepdim=True), y.mean(0, keepdim=True)
    spread = (x - here).T @ (x - here)  # (C, C)
    slope = torch.linalg.solve(spread + RIDGE * spread.diagonal().mean() * torch.eye(len(spread), dtype=spread.dtype), (x - here).T @ (y - there))
    return torch.cat([slope, there - here @ slope]).float()


def latents_of(vae: Any, pixels: Tensor) -> Tensor:
    """What a diffusers autoencoder makes of pixels (1, 3, H, W) in [-1, 1], before scaling: (1, C, h, w)."""
    with torch.no_grad():
        out = vae.encode(pixels)
    latents: Tensor = out.latents if hasattr(out, "latents") else out.latent_dist.mode()
    return latents


def _chart() -> Tensor:
    """Patches of colours all over the cube, smooth in the middle and with edges between, (1, 3, side, side) in [-1, 1]."""
    colours = torch.rand(1, 3, BLOCKS, BLOCKS, generator=torch.Generator().manual_seed(0)) * 2 - 1
    side = BLOCKS * PATCH
    return torch.cat([F.interpolate(colours, side, mode="nearest"), F.interpolate(colours, side, mode="bilinear")], 3)


def _with_one(rows: Tensor) -> Tensor:
    """A column of ones beside, for the offset."""
    return torch.cat([rows, torch.ones(len(rows), 1)], 1)
