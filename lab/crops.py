"""Crops with known truth for the judge to learn from: single sprites on a background, and what its own eye cuts out of whole scenes.

In scenes true subjects overlap and are partly hidden, which must not be taken for a mixture, and mixtures stand where subjects would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from PIL import Image
from torch import Tensor

from . import autoencoder, backgrounds, judge, precision, scenes
from .art import Art, tint, trimmed
from .captions import Box
from .mixtures import WAYS, Way, damaged, mixture

Array = np.ndarray
LARGEST = 96  # pixels art is shrunk to before it is used alone: crops are only 64
CALIBRATING = scenes.HELD_OUT // 2  # seeds from here to `HELD_OUT` are for calibrating: training draws them as little as those for measuring


@dataclass(frozen=True)
class Sample:
    """One crop and what is true of it; a truth of None is not asked."""

    pixels: np.ndarray  # (64, 64, 3) uint8
    classes: tuple[int, int]  # the same one twice, or the two that are mixed or both there; the last class is "none"
    whole: bool | None
    mixed: bool | None


class Crops:
    """Endless crops with their truth: single sprites on a background, drawn at the size the judge looks at."""

    def __init__(self, art: tuple[Art, ...], seed: int) -> None:
        self.sprites = [_shrunk(item.rgba) for item in art]
        self.groups = [item.group for item in art]
        self.rng = np.random.default_rng(seed)
        self.none = len(art)

    def draw(self) -> Sample:
        kind = self.rng.choice(["right", "mixed", "damaged", "none"], p=[0.44, 0.32, 0.16, 0.08])
        i, j = pair(self.groups, self.rng)
        canvas = self._background()
        if kind == "none":
            self._peek(canvas, times=int(self.rng.integers(0, 4)))
            return Sample(_finish(canvas, self.rng), (self.none, self.none), None, None)
        sprite = self._varied(i)
        if kind == "mixed":
            sprite = mixture(sprite, self._varied(j), WAYS[int(self.rng.integers(len(WAYS)))], self.rng)
        elif kind == "damaged":
            sprite = trimmed(damaged(sprite, self.rng))
        if self.rng.random() < 0.3:
            self._peek(canvas, times=int(self.rng.integers(1, 3)))
        self._place(canvas, sprite)
        whole = None if kind == "mixed" else kind == "right"
        if self.rng.random() < 0.2:  # something reaches over it: hidden in part, not mixed
            self._peek(canvas, times=1)
            whole = False if whole is False else None
        return Sample(_finish(canvas, self.rng), (i, j if kind == "mixed" else i), whole, kind == "mixed")

    def _background(self) -> Image.Image:
        side = int(self.rng.integers(judge.SIDE, 4 * judge.SIDE))
        pixels = backgrounds.draw(side, side, self.rng).pixels
        x, y = (int(self.rng.integers(0, side - judge.SIDE + 1)) for _ in range(2))
        whole = Image.fromarray(pixels)
        near = self.rng.random() < 0.5
        return whole.crop((x, y, x + judge.SIDE, y + judge.SIDE)) if near else whole.resize((judge.SIDE, judge.SIDE), Image.Resampling.BOX)

    def _varied(self, index: int) -> Image.Image:
        """A subject tinted, mirrored, turned and squeezed a little."""
        sprite, rng = self.sprites[index], self.rng
        if rng.random() < 0.2:
            sprite = tint(sprite, backgrounds.COLOURS[str(rng.choice(scenes.SUBJECT_COLOURS))])
        if rng.random() < 0.3:
            sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.4:
            sprite = sprite.rotate(rng.uniform(-18, 18), Image.Resampling.BICUBIC, expand=True)
        return sprite.resize((max(4, round(sprite.width * rng.uniform(0.88, 1.14))), max(4, round(sprite.height * rng.uniform(0.88, 1.14)))), Image.Resampling.BILINEAR)

    def _place(self, canvas: Image.Image, sprite: Image.Image) -> None:
        """Where a roughly right box would show it."""
        rng = self.rng
        longer = judge.SIDE / (1 + 2 * judge.MARGIN) * rng.uniform(0.72, 1.15)
        scale = longer / max(sprite.size)
        small = sprite.resize((max(2, round(sprite.width * scale)), max(2, round(sprite.height * scale))), Image.Resampling.LANCZOS)
        x, y = ((judge.SIDE - side) / 2 + rng.normal(0, 0.06) * judge.SIDE for side in small.size)
        canvas.paste(small, (round(x), round(y)), small)

    def _peek(self, canvas: Image.Image, times: int) -> None:
        """Other subjects that reach into the crop from its edges, by at most a third of themselves."""
        for _ in range(times):
            sprite = self._varied(int(self.rng.integers(len(self.sprites))))
            scale = judge.SIDE * self.rng.uniform(0.5, 1.2) / max(sprite.size)
            small = sprite.resize((max(2, round(sprite.width * scale)), max(2, round(sprite.height * scale))), Image.Resampling.BILINEAR)
            inside = self.rng.uniform(0.05, 0.35)
            x, y = (int(self.rng.integers(-side // 2, judge.SIDE - side // 2)) for side in small.size)
            edge = int(self.rng.integers(4))
            if edge < 2:
                x = round(-small.width * (1 - inside)) if edge else round(judge.SIDE - small.width * inside)
            else:
                y = round(-small.height * (1 - inside)) if edge == 2 else round(judge.SIDE - small.height * inside)
            canvas.paste(small, (x, y), small)


def pair(groups: list[str], rng: np.random.Generator) -> tuple[int, int]:
    """Two different subjects; two of five times of one kind, as those are that a model mixes."""
    i, j = (int(k) for k in rng.choice(len(groups), 2, replace=False))
    kin = [k for k, group in enumerate(groups) if group and group == groups[i] and k != i] if rng.random() < 0.4 else []
    return i, int(rng.choice(kin)) if kin else j


@dataclass(frozen=True, kw_only=True)
class Sprite(Art):
    """Art that is no file, and what it shows: two classes where it is a mixture."""

    sprite: Image.Image
    classes: tuple[int, int]
    damaged: bool = False

    @property
    def rgba(self) -> Image.Image:
        return self.sprite

    @property
    def mixed(self) -> bool:
        return self.classes[0] != self.classes[1]


def sprite_of(art: tuple[Art, ...], kind: str, rng: np.random.Generator, ways: tuple[Way, ...] = WAYS) -> Sprite:
    """A subject as it is ("right"), a "mixed" one of two, or a "damaged" one."""
    i, j = pair([item.group for item in art], rng)
    image = art[i].rgba
    if kind == "mixed":
        image = mixture(image, art[j].rgba, ways[int(rng.integers(len(ways)))], rng)
    elif kind == "damaged":
        image = trimmed(damaged(image, rng))
    return Sprite(art[i].noun, (), 0, Path(), sprite=image, classes=(i, j if kind == "mixed" else i), damaged=kind == "damaged")


def from_scene(art: tuple[Art, ...], rng: np.random.Generator, soften: Callable[[Tensor], Tensor] | None = None) -> list[Sample]:
    """Crops of one scene as the judge would be shown them: of each subject that is to be seen, of two together, of nothing.

    Args:
        soften: what to do to the picture (1, 3, H, W) in [-1, 1] first.
    """
    side = 8 * int(rng.integers(12, 25))  # crops are 64, so larger scenes would show no more
    cast = tuple(sprite_of(art, str(rng.choice(["right", "mixed", "damaged"], p=[0.52, 0.28, 0.2])), rng) for _ in range(3))
    scene = scenes.make(cast, int(rng.integers(CALIBRATING)), (side, side), count=int(rng.choice([1, 2, 3], p=[0.25, 0.5, 0.25])))
    pixels = autoencoder.to_tensor([scene.image])
    pixels = pixels if soften is None else soften(pixels)
    samples = []
    for k, subject in enumerate(scene.subjects):
        seen, truth = visible(scene, k), cast[subject.index]
        if seen > 0.4 and not (truth.mixed and seen < 0.7):
            whole = False if truth.damaged else True if seen > 0.9 and not truth.mixed else None
            samples.append(Sample(_cut(pixels, _loosely(subject.box, rng), rng), truth.classes, whole, truth.mixed))
    if len(scene.subjects) > 1:
        a, b = scene.subjects[:2]
        if not (cast[a.index].mixed or cast[b.index].mixed or a.index == b.index):
            both = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
            samples.append(Sample(_cut(pixels, both, rng), (cast[a.index].classes[0], cast[b.index].classes[0]), None, False))
    samples += [Sample(_cut(pixels, box, rng), (len(art), len(art)), None, None) for box in _empty(scene, rng)]
    return samples


def _loosely(box: Box, rng: np.random.Generator) -> Box:
    """A box that is roughly right."""
    w, h = box[2] - box[0], box[3] - box[1]
    x0, y0, x1, y1 = (edge + side * float(rng.normal(0, 0.06)) for edge, side in zip(box, (w, h, w, h), strict=True))
    return x0, y0, max(x1, x0 + 0.3 * w), max(y1, y0 + 0.3 * h)


def _empty(scene: scenes.Scene, rng: np.random.Generator) -> list[Box]:
    """A window in which next to nothing of any subject is, if one is found at once; half of the time none is looked for."""
    if rng.random() < 0.5:
        return []
    side = float(rng.uniform(0.25, 0.6))
    x, y = (float(v) for v in rng.uniform(0, 1 - side, 2))
    h, w = scene.image.shape[:2]
    rows, columns = slice(int(y * h), int((y + side) * h)), slice(int(x * w), int((x + side) * w))
    shown = sum(float(s.alpha[rows, columns].sum()) / max(1.0, float(s.alpha.sum())) for s in scene.subjects)
    return [(x, y, x + side, y + side)] if shown < 0.15 else []


def _cut(pixels: Tensor, box: Box, rng: np.random.Generator) -> np.ndarray:
    crop = ((judge.crops_of(pixels, [box])[0].permute(1, 2, 0) + 1) * 127.5 + 0.5).clamp(0, 255).byte().numpy()
    return _finish(Image.fromarray(crop), rng) if rng.random() < 0.5 else crop


def _shrunk(image: Image.Image) -> Image.Image:
    scale = min(1.0, LARGEST / max(image.size))
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def _finish(canvas: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast and noise."""
    pixels = np.asarray(canvas, np.float32)
    noise = rng.normal(0, rng.uniform(0, 6), pixels.shape)
    lit = (pixels - 128) * rng.uniform(0.85, 1.15) + 128 + rng.normal(0, 8) + rng.normal(0, 5, 3) + noise
    finished: Array = lit.clip(0, 255).astype(np.uint8)
    return finished


@torch.no_grad()
def softened(x: Tensor, vae: AutoencoderTiny, rng: np.random.Generator) -> Tensor:
    """Pictures as the embedded model would render them: through its autoencoder, with some noise on the latents."""
    with precision.autocast():
        z = vae.encoder(x)
        noise = rng.standard_normal(z.shape) * 0.35 * rng.random((len(x), 1, 1, 1))
        return vae.decoder(z + torch.from_numpy(noise).to(z)).float().clamp(-1, 1)


def varied(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Crops (B, 3, H, W) mirrored half of the time, moved by up to three pixels (what comes in repeats the edge), and lit otherwise."""
    count, _, height, width = x.shape
    x = torch.where(torch.from_numpy(rng.random((count, 1, 1, 1)) < 0.5), x.flip(-1), x)
    wide = F.pad(x, (3, 3, 3, 3), mode="replicate")
    moved = torch.stack([one[:, dy : dy + height, dx : dx + width] for one, (dy, dx) in zip(wide, rng.integers(0, 7, (count, 2)), strict=True)])
    light = torch.from_numpy(rng.normal([1, 0, 0, 0], [0.06, 0.03, 0.03, 0.03], (count, 4)).astype(np.float32))
    return moved * light[:, :1, None, None] + light[:, 1:, None, None]


def visible(scene: scenes.Scene, number: int) -> float:
    """Share of a subject's box that no subject in front of it covers: 1 for the foremost."""
    subject = scene.subjects[number]
    hidden = np.zeros_like(subject.alpha)
    for front in scene.subjects[number + 1 :]:
        hidden = np.maximum(hidden, front.alpha)
    x0, y0, x1, y1 = (round(v * n) for v, n in zip(subject.box, subject.alpha.shape[::-1] * 2, strict=True))
    return 1 - float(hidden[y0:y1, x0:x1].mean())
