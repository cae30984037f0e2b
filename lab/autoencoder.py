"""The embedded model's autoencoder: `AutoencoderTiny` at 1/8 with 16 channels.

The encoder is not trained. Its convolutions are set so that it computes, exactly, the first 16 principal components of
8×8 pixel patches of testbed scenes, half whitened (each divided by the square root of its deviation): colours stay
large and are settled first, detail is not drowned in noise. Latents are therefore fixed from the first minute, and the
decoder can be bettered at any time without touching the transformer that draws in them.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from tqdm import tqdm

from . import precision, scenes
from .art import Art

WIDTH = 48
SQUARED = 8.0  # weight of the squared error beside the absolute one: it is what PSNR measures
HELD_OUT = range(scenes.HELD_OUT, scenes.HELD_OUT + 40)  # seeds of the scenes it is measured on
STEPS = "steps.txt"  # beside the weights of a run: how many steps the decoder has been trained for
SCALING = 2.0  # the transformer's latents = this times the autoencoder's, so that tanh(z/3) hardly bends
CONFIG = dict(
    encoder_block_out_channels=(WIDTH,) * 4,
    decoder_block_out_channels=(WIDTH,) * 4,
    num_encoder_blocks=(0, 0, 0, 0),
    num_decoder_blocks=(3, 3, 2, 0),
    latent_channels=16,
    act_fn="relu",
    scaling_factor=SCALING,
    shift_factor=0.0,
)
TAPS = ((1, 1), (1, 2), (2, 1), (2, 2))  # where a 3×3 stride-2 kernel finds the four pixels of a 2×2 cell


def to_tensor(images: list[np.ndarray]) -> Tensor:
    """uint8 images (H, W, 3) to (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


def psnr(vae: AutoencoderTiny, art: tuple[Art, ...], seeds: range = HELD_OUT, size: tuple[int, int] = (256, 256)) -> float:
    """Mean peak signal-to-noise ratio in dB of scenes."""
    return float(np.mean(psnrs(vae, art, seeds, size)))


def psnrs(vae: AutoencoderTiny, art: tuple[Art, ...], seeds: range = HELD_OUT, size: tuple[int, int] = (256, 256)) -> list[float]:
    """Peak signal-to-noise ratio of each scene, in dB."""
    values = []
    with torch.no_grad():
        for seed in seeds:
            x = to_tensor([scenes.make(art, seed, size).image])
            values.append(_psnr(vae.decode(vae.encode(x).latents).sample.clamp(-1, 1), x))
    return values


def _psnr(y: Tensor, x: Tensor) -> float:
    return 10 * math.log10(4 / F.mse_loss(y, x).item())


@torch.no_grad()
def linear_psnr(vae: AutoencoderTiny, art: tuple[Art, ...], seeds: range = HELD_OUT, size: tuple[int, int] = (256, 256), fitted: int = 60) -> float:
    """The same of the best linear map from latents back to patches, fitted on other scenes: what the decoder is to be held against.

    The decoder is not able to do that map: it enlarges each cell evenly and convolves, so that without a neighbour that differs nothing tells a cell's
    left half from its right.
    """
    squares, products = torch.zeros(17, 17, dtype=torch.float64), torch.zeros(17, 192, dtype=torch.float64)
    for seed in range(fitted):
        x = to_tensor([scenes.make(art, seed, size).image])
        z, patches = _known(vae, x), cells(cells(cells(x)))[0].flatten(1).T.double()
        squares, products = squares + z.T @ z, products + z.T @ patches
    decode = torch.linalg.lstsq(squares, products).solution
    values = []
    for seed in seeds:
        x = to_tensor([scenes.make(art, seed, size).image])
        patches = (_known(vae, x) @ decode).T.float()[None].unflatten(2, (size[1] // 8, size[0] // 8))
        values.append(_psnr(_uncells(_uncells(_uncells(patches))).clamp(-1, 1), x))
    return float(np.mean(values))


def _known(vae: AutoencoderTiny, x: Tensor) -> Tensor:
    """Latents of one picture and a constant, a row a cell: (L, 17)."""
    return F.pad(vae.encoder(x)[0].flatten(1).T.double(), (0, 1), value=1.0)


def cells(x: Tensor) -> Tensor:
    """Space to depth by TAPS: (B, C, 2h, 2w) to (B, 4C, h, w), tap-major."""
    return torch.cat([x[..., a - 1 :: 2, b - 1 :: 2] for a, b in TAPS], 1)


def _uncells(x: Tensor) -> Tensor:
    """The inverse of `cells`: (B, 4C, h, w) to (B, C, 2h, 2w)."""
    b, channels, h, w = x.shape
    out = x.new_zeros(b, channels // 4, 2 * h, 2 * w)
    for part, (a, c) in zip(x.chunk(4, 1), TAPS, strict=True):
        out[..., a - 1 :: 2, c - 1 :: 2] = part
    return out


@torch.no_grad()
def fit_encoder(vae: AutoencoderTiny, art: tuple[Art, ...], count: int = 400) -> None:
    """Set the encoder's weights to the half-whitened principal components of 8×8 patches."""
    rows = []
    for seed in range(count):
        side = 256 if seed % 4 == 0 else 128
        x = to_tensor([scenes.make(art, seed, (side, side)).image]).add(1).div(2)
        rows.append(cells(cells(cells(x))).permute(0, 2, 3, 1).reshape(-1, 192)[:: 4 if side == 256 else 1])
    patches = torch.cat(rows).double()
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
    values, vectors = values.flip(0)[:16], vectors.flip(1)[:, :16]
    vectors = vectors * vectors.sum(0).sign().where(vectors.sum(0).abs() > 1e-6, torch.ones(1, dtype=torch.float64))
    scale = values.pow(-0.25)
    scale = scale / (values * scale**2).mean().sqrt() / SCALING
    convs = [m for m in vae.encoder.layers if isinstance(m, nn.Conv2d)]
    for conv in convs:
        conv.weight.zero_()
        if conv.bias is not None:
            conv.bias.zero_()
    for c in range(3):
        convs[0].weight[c, c, 1, 1] = 1
    for conv, channels in ((convs[1], 3), (convs[2], 12)):
        for k, (a, b) in enumerate(TAPS):
            for c in range(channels):
                conv.weight[k * channels + c, c, a, b] = 1
    basis = (vectors * scale).T.float()  # (16, 192)
    for k, (a, b) in enumerate(TAPS):
        convs[3].weight[:16, :, a, b] = basis[:, k * 48 : (k + 1) * 48]
    for c in range(16):
        convs[4].weight[c, c, 1, 1] = 1
    offset = convs[4].bias
    assert offset is not None
    offset.copy_(-(basis @ mean.float()))


def _initialise_decoder(vae: AutoencoderTiny) -> None:
    """He initialisation: torch's default lets the signal fade over the depth until bf16 cannot carry it."""
    for name, module in vae.decoder.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if name.endswith("conv.4"):  # last of a residual branch
                module.weight.data.mul_(0.2)
    last = vae.decoder.layers[-1]
    last.weight.data.mul_(0.1)
    nn.init.constant_(last.bias, 0.5)


def _slope(x: Tensor) -> Tensor:
    """Horizontal and vertical differences, stacked: what an edge looks like."""
    return torch.cat([(x[..., 1:] - x[..., :-1]).flatten(1), (x[..., 1:, :] - x[..., :-1, :]).flatten(1)], 1)


def _views(art: tuple[Art, ...], rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Training pictures of 128 × 128: two in three are quarters of 256 px scenes, as the model mostly draws, the others whole scenes."""

    def scene(side: int) -> np.ndarray:
        return scenes.make(art, int(rng.integers(scenes.HELD_OUT)), (side, side)).image

    quarters = [large[y : y + 128, x : x + 128] for large in (scene(256) for _ in range(count // 6)) for y in (0, 128) for x in (0, 128)]
    return [*quarters, *(scene(128) for _ in range(count - len(quarters)))]


class Pairs(Protocol):
    """Pictures with latents that are not quite theirs."""

    def batch(self, count: int) -> tuple[list[np.ndarray], Tensor]: ...


def trained(out: Path) -> int:
    """Steps that the decoder in a folder has been trained for, where it was trained here."""
    return int((out / STEPS).read_text()) if (out / STEPS).exists() else 0


def train(
    art: tuple[Art, ...], out: Path, minutes: float = math.inf, redrawn: Pairs | None = None, steps: int = 0, lr: float = 1e-3, batch: int = 12
) -> AutoencoderTiny:
    """Train the decoder, save to `out` as a diffusers folder (going on from what is there) and return it.

    Args:
        minutes: stop after so long,
        steps: or after so many steps (0 is no limit); the same steps from the same start give the same weights. The learning rate falls to zero on the way.
        redrawn: half of every batch, if given: what the transformer makes of scenes, whose flaws the decoder learns to mend.
    """
    first = trained(out)
    torch.manual_seed(first)
    if (out / "config.json").exists():
        vae = AutoencoderTiny.from_pretrained(out)
    else:
        vae = AutoencoderTiny(**CONFIG)
        fit_encoder(vae, art)
        _initialise_decoder(vae)
        vae.save_pretrained(out)
    vae.encoder.requires_grad_(False)
    vae = vae.to(memory_format=torch.channels_last)
    parameters = list(vae.decoder.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    rng = np.random.default_rng([first, 1])
    start, step = time.monotonic(), 0
    bar = tqdm(total=100, unit="%", desc="decoder", disable=None, bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}{postfix}")
    while (done := max((time.monotonic() - start) / 60 / minutes, step / steps if steps else 0.0)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        x = to_tensor(_views(art, rng, batch if redrawn is None else batch // 2))
        true = len(x)
        with torch.no_grad():
            z = vae.encoder(x.contiguous(memory_format=torch.channels_last))
        z = z + 0.03 * torch.rand(true, 1, 1, 1) * torch.randn_like(z)
        if redrawn is not None:
            pixels, latents = redrawn.batch(batch - true)
            x, z = torch.cat([x, to_tensor(pixels)]), torch.cat([z, latents])
        with precision.autocast():
            y = vae.decoder(z.contiguous(memory_format=torch.channels_last)).float()
        loss = F.l1_loss(y, x) + SQUARED * F.mse_loss(y, x) + 0.5 * F.l1_loss(_slope(y), _slope(x))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        bar.update(100 * done - bar.n)
        if step % 50 == 0:
            mse = [F.mse_loss(part.detach().clamp(-1, 1), want).item() for part, want in ((y[:true], x[:true]), (y[true:], x[true:])) if len(want)]
            tqdm.write(f"decoder step {first + step} loss {loss.item():.4f} psnr {' '.join(f'{10 * math.log10(4 / m):.2f}' for m in mse)}")
    bar.close()
    vae.save_pretrained(out)
    (out / STEPS).write_text(f"{first + step}\n")
    return vae
