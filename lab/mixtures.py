"""Two subjects in one, and subjects of which a part is missing: what the judge learns to tell from whole ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

Array = np.ndarray


def divided(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """One side each, along a soft line."""
    along = _along(size, rng.uniform(0, 2 * np.pi)) + rng.uniform(-0.08, 0.08)
    return _soft(along, rng.uniform(0.01, 0.08))


def averaged(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Both shining through each other."""
    return np.full(size, rng.uniform(0.35, 0.65), np.float32)


def patched(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Blobs of the one in the other, about as much of each."""
    field = _clouds(4, size, rng)
    return _soft(field - np.median(field), 0.03)


def striped(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Bands of the one and of the other."""
    along = _along(size, rng.uniform(0, 2 * np.pi)) * rng.uniform(2, 3.5) + rng.uniform()
    return _soft(np.sin(2 * np.pi * along).astype(np.float32), rng.uniform(0.1, 0.4))


def grafted(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """One inside the other: an oval of it, somewhere about the middle."""
    y, x = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in size)
    across, down = rng.uniform(0.32, 0.42, 2)
    far = np.sqrt(((x[None] - rng.uniform(-0.12, 0.12)) / across) ** 2 + ((y[:, None] - rng.uniform(-0.12, 0.12)) / down) ** 2)
    return _soft((1 - far).astype(np.float32), rng.uniform(0.03, 0.15))


def checked(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Squares of the one and of the other, by turns."""
    y, x = (np.floor(np.linspace(0, rng.uniform(2.5, 4.5), n, endpoint=False)) for n in size)
    share: Array = ((y[:, None] + x[None]) % 2).astype(np.float32)
    return share


Way = Callable[[tuple[int, int], np.random.Generator], Array]  # (height, width) to the share of the second subject, (H, W) 0..1
WAYS: tuple[Way, ...] = (divided, patched, averaged, striped, grafted)
NOVEL: tuple[Way, ...] = (checked,)  # never trained on: what the judge makes of a kind of mixture it does not know


def mixture(a: Image.Image, b: Image.Image, way: Way, rng: np.random.Generator) -> Image.Image:
    """Two subjects in one, both stretched to the mean of their sizes."""
    size = (round((a.width + b.width) / 2), round((a.height + b.height) / 2))
    first, second = (_premultiplied(image.resize(size, Image.Resampling.LANCZOS)) for image in (a, b))
    share = way((size[1], size[0]), rng)[..., None]
    mixed = first * (1 - share) + second * share
    straight = mixed[..., :3] * 255 / np.maximum(mixed[..., 3:], 1)
    return Image.fromarray((np.concatenate([straight, mixed[..., 3:]], -1) + 0.5).clip(0, 255).astype(np.uint8), "RGBA")


def _premultiplied(image: Image.Image) -> Array:
    pixels = np.asarray(image, np.float32)
    return np.concatenate([pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]], -1)


def _along(size: tuple[int, int], angle: float) -> Array:
    """How far each pixel lies in a direction, (H, W), from about -0.5 to 0.5."""
    y, x = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in size)
    along: Array = x[None] * np.float32(np.cos(angle)) + y[:, None] * np.float32(np.sin(angle))
    return along


def _clouds(grain: int, size: tuple[int, int], rng: np.random.Generator) -> Array:
    """A smooth random field (H, W) of so many bumps each way."""
    coarse = Image.fromarray(rng.standard_normal((grain, grain)).astype(np.float32))
    return np.asarray(coarse.resize((size[1], size[0]), Image.Resampling.BICUBIC), np.float32)


def _soft(side: Array, width: float) -> Array:
    share: Array = 1 / (1 + np.exp(-np.clip(side / width, -30, 30)))
    return share


def damaged(sprite: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A third to two thirds of a subject gone, along a ragged line."""
    pixels = np.array(sprite)
    size = (sprite.height, sprite.width)
    side = _along(size, rng.uniform(0, 2 * np.pi)) + 0.12 * _clouds(5, size, rng)
    gone = side > np.quantile(side[pixels[..., 3] > 128], 1 - rng.uniform(0.33, 0.67))
    pixels[..., 3] = np.where(gone, 0, pixels[..., 3])
    return Image.fromarray(pixels, "RGBA")
