"""Scenes to training batches: encoded once, kept for a while, and told to the model in two ways.

Plain, a sample is its caption. Regional, it is told as Cutwork tells it while regions act: a text for the background and one
for each subject, each visible only to its own image tokens. A small model that has seen both needs no luck to be steered.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Self

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from cutwork.tools.attention import regions

from . import autoencoder, backgrounds, captions, scenes
from .art import Art
from .config import Size
from .model import CELL, PARTS, pack

Wanted = tuple[Size, int, bool]  # size, subjects in the scene, whether told by regions
EASY = 0.9  # share of scenes that are snapped to the grid


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


@dataclass(frozen=True)
class Drawn:
    """A scene as it leaves the process that drew it: what a sample needs, with pixels still to encode."""

    pixels: np.ndarray  # (H, W, 3) uint8
    labels: np.ndarray  # (2, L)
    caption: str
    ground: tuple[str, str]
    subjects: tuple[tuple[str, captions.Box], ...]


@dataclass
class _Store:
    """Samples of one size and count, and the scenes ordered for it that are still being drawn."""

    samples: list[Sample] = field(default_factory=list)
    ordered: list[Future[list[Drawn]]] = field(default_factory=list)


class Pool:
    """Encoded scenes kept in memory and slowly replaced, so that drawing and encoding cost little per step.

    With `drawers`, other processes draw while the model trains; then which scene comes when depends on their pace.
    """

    def __init__(self, art: tuple[Art, ...], vae: AutoencoderTiny, seed: int, subjects: int | None = None, keep: int = 1536, drawers: int = 0) -> None:
        self.art, self.vae, self.keep = art, vae, keep
        self.background = len(art) if subjects is None else subjects  # first class of the backgrounds
        self.rng = np.random.default_rng(seed)
        self.stores: dict[Wanted, _Store] = {}
        self._exit = ExitStack()
        self._drawers: Executor | None = None
        if drawers:
            self._drawers = self._exit.enter_context(ProcessPoolExecutor(drawers, get_context("spawn"), _tell_drawer, (art,)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def batch(self, size: Size, subjects: int, want: int, fresh: int, regional: bool) -> Batch:
        """A batch of scenes with so many subjects each, `fresh` of them newly drawn."""
        regional = regional and subjects > 0
        store = self.stores.setdefault((size, subjects, regional), _Store())
        self._draw(store, (size, subjects, regional), want if len(store.samples) < 4 * want else fresh, want)
        picks = [store.samples[i] for i in self.rng.choice(len(store.samples), want, replace=len(store.samples) < want)]
        texts = tuple("" if self.rng.random() < 0.1 else p.caption for p in picks)
        told = [self._regional(p, (size[1] // CELL, size[0] // CELL)) for p in picks] if regional else None
        return Batch(
            tokens=torch.stack([p.tokens for p in picks]).float(),
            labels=torch.stack([p.labels for p in picks]),
            captions=texts,
            segments=tuple(t[0] for t in told) if told else tuple((c,) for c in texts),
            covers=tuple(t[1] for t in told) if told else None,
        )

    def _draw(self, store: _Store, wanted: Wanted, count: int, least: int) -> None:
        """Draw `count` scenes now, or order them and take what is ready; wait only while there are fewer than `least`."""
        seeds = [int(seed) for seed in self.rng.integers(scenes.HELD_OUT, size=count)]
        if self._drawers is None:
            self._keep(store, draw(self.art, self.background, seeds, wanted))
            return
        store.ordered += [self._drawers.submit(_draw, self.background, seeds[k : k + 16], wanted) for k in range(0, count, 16)]
        while store.ordered and (store.ordered[0].done() or len(store.samples) < least):
            self._keep(store, store.ordered.pop(0).result())

    @torch.no_grad()
    def _keep(self, store: _Store, drawn: list[Drawn]) -> None:
        pixels = autoencoder.to_tensor([d.pixels for d in drawn]).to(self.vae.device, memory_format=torch.channels_last)
        z = autoencoder.SCALING * self.vae.encoder(pixels)
        for latent, one in zip(pack(z.float()).half().cpu(), drawn, strict=True):
            sample = Sample(latent, torch.from_numpy(one.labels), one.caption, one.ground, one.subjects)
            if len(store.samples) < self.keep:
                store.samples.append(sample)
            else:
                store.samples[int(self.rng.integers(self.keep))] = sample

    def _regional(self, sample: Sample, grid: tuple[int, int]) -> tuple[tuple[str, ...], Tensor]:
        """Texts of background and regions, and the bit-set of every image token."""
        where, short = sample.ground
        ground = str(self.rng.choice([short, where, f"a {short}"]))
        told = [phrase if self.rng.random() < 0.3 else f"{phrase} {where}" for phrase, _ in sample.subjects]
        covers = [regions.coverage(loosened(box, self.rng), grid) for _, box in sample.subjects]
        return (ground, *told), regions.image_bits(covers, range(len(covers)))


def draw(art: tuple[Art, ...], background: int, seeds: list[int], wanted: Wanted) -> list[Drawn]:
    """One scene a seed, most of them easy; where regions will say how large subjects are, of any size."""
    size, subjects, regional = wanted
    made = [scenes.make(art, seed, size, subjects, easy=np.random.default_rng([seed, 1]).random() < EASY, any_side=regional) for seed in seeds]
    return [
        Drawn(s.image, _labels(s, background), s.caption, (s.background.phrase, s.background.short), tuple((one.phrase, one.box) for one in s.subjects))
        for s in made
    ]


_art: tuple[Art, ...] = ()  # of a process that draws: sent once, not with every order


def _tell_drawer(art: tuple[Art, ...]) -> None:
    global _art
    _art = art


def _draw(background: int, seeds: list[int], wanted: Wanted) -> list[Drawn]:
    return draw(_art, background, seeds, wanted)


def _labels(scene: scenes.Scene, background: int) -> np.ndarray:
    """Class and part of every token, (2, L)."""
    classes, parts = scene.labels(CELL, PARTS)
    behind = background + backgrounds.NAMES.index(scene.background.colour or scene.background.phrase)
    return np.stack([np.where(classes == 0, behind, classes - 1).reshape(-1), parts.reshape(-1)])


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
