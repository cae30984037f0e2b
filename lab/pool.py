"""Scenes to training batches: encoded once, kept for a while, and told to the model in two ways.

Plain, a sample is its caption. Regional, it is told as Cutwork tells it while regions act: a text for the background and one
for each subject, each visible only to its own image tokens. A small model that has seen both needs no luck to be steered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from cutwork.tools.attention import regions

from . import autoencoder, backgrounds, captions, scenes
from .art import Art
from .model import CELL, PARTS, pack

BACKGROUND = 235  # first class of the backgrounds
BACKGROUNDS = (*backgrounds.COLOURS, *backgrounds.PLACES)
Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True)
class Sample:
    """One scene, encoded."""

    tokens: Tensor  # (L, 64) half
    labels: Tensor  # (2, L) class and part of every token
    caption: str
    ground: tuple[str, str]  # "on a purple background", "purple background"
    subjects: tuple[tuple[str, captions.Box], ...]  # phrase and tight box, back to front


@dataclass(frozen=True)
class Batch:
    """What the model is given: B samples told alike."""

    tokens: Tensor  # (B, L, 64)
    labels: Tensor  # (B, 2, L)
    captions: tuple[str, ...]
    segments: tuple[tuple[str, ...], ...]  # texts that stand side by side; the caption alone when told plainly
    covers: tuple[Tensor, ...] | None  # bit-sets (L,) of the image tokens, per sample; None when told plainly

    def mask(self, length: int) -> Tensor | None:
        """Who may attend to whom when every segment is padded to `length`: bool (B, T + L, T + L)."""
        if self.covers is None:
            return None
        lengths = [length] * len(self.segments[0])
        return torch.stack([regions.mask(lengths, image) for image in self.covers])


class Pool:
    """Encoded scenes kept in memory and slowly replaced, so that drawing and encoding cost little per step."""

    def __init__(self, art: tuple[Art, ...], vae: AutoencoderTiny, seed: int, keep: int = 1536) -> None:
        self.art, self.vae, self.keep = art, vae, keep
        self.rng = np.random.default_rng(seed)
        self.samples: dict[tuple[Size, int], list[Sample]] = {}

    def batch(self, size: Size, subjects: int, want: int, fresh: int, regional: bool) -> Batch:
        """A batch of scenes with so many subjects each, `fresh` of them newly drawn."""
        store = self.samples.setdefault((size, subjects), [])
        self._draw(store, size, subjects, want if len(store) < 4 * want else fresh)
        picks = [store[i] for i in self.rng.choice(len(store), want, replace=len(store) < want)]
        captions = tuple("" if self.rng.random() < 0.1 else p.caption for p in picks)
        told = [self._regional(p, (size[1] // CELL, size[0] // CELL)) for p in picks] if regional and subjects else None
        return Batch(
            tokens=torch.stack([p.tokens for p in picks]).float(),
            labels=torch.stack([p.labels for p in picks]),
            captions=captions,
            segments=tuple(t[0] for t in told) if told else tuple((c,) for c in captions),
            covers=tuple(t[1] for t in told) if told else None,
        )

    @torch.no_grad()
    def _draw(self, store: list[Sample], size: Size, subjects: int, count: int) -> None:
        made = [scenes.make(self.art, int(self.rng.integers(2**31)), size, subjects, easy=self.rng.random() < 0.8) for _ in range(count)]
        z = autoencoder.SCALING * self.vae.encoder(autoencoder.to_tensor([s.image for s in made]).contiguous(memory_format=torch.channels_last))
        for latent, scene in zip(pack(z.float()).half(), made, strict=True):
            back, told = scene.background, tuple((s.phrase, s.box) for s in scene.subjects)
            sample = Sample(latent, _labels(scene), scene.caption, (back.phrase, back.short), told)
            if len(store) < self.keep:
                store.append(sample)
            else:
                store[int(self.rng.integers(self.keep))] = sample

    def _regional(self, sample: Sample, grid: tuple[int, int]) -> tuple[tuple[str, ...], Tensor]:
        """Texts of background and regions, and the bit-set of every image token."""
        where, short = sample.ground
        ground = str(self.rng.choice([short, where, f"a {short}"]))
        told = [phrase if self.rng.random() < 0.3 else f"{phrase} {where}" for phrase, _ in sample.subjects]
        covers = [regions.coverage(loosened(box, self.rng), grid) for _, box in sample.subjects]
        return (ground, *told), regions.image_bits(covers, range(len(covers)))


def _labels(scene: scenes.Scene) -> Tensor:
    """Class and part of every token, (2, L)."""
    classes, parts = scene.labels(CELL, PARTS)
    background = BACKGROUND + BACKGROUNDS.index(scene.background.colour or scene.background.phrase)
    return torch.from_numpy(np.stack([np.where(classes == 0, background, classes - 1).reshape(-1), parts.reshape(-1)]))


def loosened(box: captions.Box, rng: np.random.Generator) -> captions.Box:
    """A box as a planner would give it: around the subject, which stays in its middle, but of another shape.

    A plan knows where a subject goes and how large it is; how wide it is for its height, it can only guess.
    """
    x0, y0, x1, y1 = box
    dx, dy = rng.uniform(0, 0.06, 2)
    if rng.random() < 0.5:
        extra = rng.uniform(0, 0.3)
        dx, dy = (dx + extra, dy) if rng.random() < 0.5 else (dx, dy + extra)
    dx, dy = dx * (x1 - x0), dy * (y1 - y0)
    dx, dy = min(dx, x0, 1 - x1), min(dy, y0, 1 - y1)  # never past the canvas, and the same on both sides
    return (x0 - dx, y0 - dy, x1 + dx, y1 + dy)
