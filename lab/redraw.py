"""Scenes as the transformer draws them again: noised half way, and denoised from there under their own caption.

What comes out shows the same things at the same places, with the flaws of the model's own latents: ragged borders, textures that are not
quite right. A decoder that has seen such latents beside the true picture learns to mend what it can.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from . import autoencoder, precision, scenes
from .art import Art
from .model import CELL, Model, pack, unpack

SIDE = 256  # pixels of the scenes
CROP = 128  # pixels of what is learned from
STEPS = 5


@torch.no_grad()
def redraw(model: Model, z: Tensor, captions: list[str], start: float, cfg: float, noise: Tensor) -> Tensor:
    """Latents noised to a level and denoised again.

    Args:
        z: the transformer's latents (B, 16, h, w) of true pictures; noise of the same shape.
        start: noise level, 0 = none … 1 = all.

    Returns:
        Latents of the same shape.
    """
    x = pack(torch.lerp(z, noise, start))
    grid = (z.shape[2] // 2, z.shape[3] // 2)
    return unpack(euler(model, x, torch.linspace(start, 0, STEPS + 1), captions, cfg, grid), grid)


@torch.no_grad()
def euler(model: Model, x: Tensor, levels: Tensor, captions: list[str], cfg: float, grid: tuple[int, int]) -> Tensor:
    """Tokens (B, L, 64) denoised along falling noise levels, with classifier-free guidance."""
    count = len(captions)
    texts = [*captions, *[""] * count]
    length = model.length([texts])
    for now, then in zip(levels[:-1], levels[1:], strict=True):
        with precision.autocast(model.device):
            v = model(torch.cat([x, x]), now.expand(2 * count), [(t,) for t in texts], texts, length, grid)[0].float()
        told, untold = v.chunk(2)
        x = x + (then - now) * (untold + cfg * (told - untold))
    return x


class Redrawn:
    """Pairs of true crops and redrawn latents, kept in memory and slowly replaced."""

    def __init__(self, art: tuple[Art, ...], model: Model, vae: AutoencoderTiny, seed: int, keep: int = 512) -> None:
        self.art, self.model, self.vae, self.keep = art, model.eval().requires_grad_(False), vae, keep
        self.rng = np.random.default_rng(seed)
        self.pairs: list[tuple[np.ndarray, Tensor]] = []

    def batch(self, count: int) -> tuple[list[np.ndarray], Tensor]:
        """Crops (128, 128, 3) and the autoencoder's latents (count, 16, 16, 16) of their redrawn selves."""
        while len(self.pairs) < 4 * count:
            self._draw()
        if self.rng.random() < 0.25:
            self._draw()
        picks = [self.pairs[i] for i in self.rng.choice(len(self.pairs), count, replace=False)]
        return [pixels for pixels, _ in picks], torch.stack([latents for _, latents in picks]).float()

    @torch.no_grad()
    def _draw(self, scenes_at_once: int = 4) -> None:
        made = [scenes.make(self.art, int(self.rng.integers(scenes.HELD_OUT)), (SIDE, SIDE), easy=True) for _ in range(scenes_at_once)]
        z = autoencoder.SCALING * self.vae.encoder(autoencoder.to_tensor([s.image for s in made]).contiguous(memory_format=torch.channels_last))
        noise = torch.from_numpy(self.rng.standard_normal(tuple(z.shape)).astype(np.float32))
        drawn = redraw(self.model, z, [s.caption for s in made], float(self.rng.uniform(0.3, 0.75)), float(self.rng.uniform(1.5, 3)), noise)
        for scene, latents in zip(made, drawn / autoencoder.SCALING, strict=True):
            for _ in range(3):
                y, x = (CELL * int(n) for n in self.rng.integers(0, (SIDE - CROP) // CELL + 1, 2))
                crop = latents[:, y // 8 : (y + CROP) // 8, x // 8 : (x + CROP) // 8].half()
                self._keep(scene.image[y : y + CROP, x : x + CROP], crop)

    def _keep(self, pixels: np.ndarray, latents: Tensor) -> None:
        if len(self.pairs) < self.keep:
            self.pairs.append((pixels, latents))
        else:
            self.pairs[int(self.rng.integers(self.keep))] = (pixels, latents)
