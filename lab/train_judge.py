"""Train the judge, calibrate it and measure it: crops of subjects, of mixtures of two, of damaged ones and of nothing, with their truth.

    python -m cutwork.lab.train_judge --minutes 60
    python -m cutwork.lab.train_judge --steps 4000          (the same weights each time)
    python -m cutwork.lab.train_judge --calibrate           (the weights of the run, or the shipped ones, without training)
    python -m cutwork.lab.train_judge --measure

Half of the crops are single sprites on a background, half are cut out of whole scenes by the judge's own eye: there true subjects overlap
and are partly hidden, which must not be taken for a mixture, and mixtures stand where subjects would. Some of both go through the embedded
model's autoencoder. The rate falls to zero over the stretch that was asked for; a stretch that was stopped goes on in its own schedule, and one
after the last begins with its averaged weights, the first with the shipped ones.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from cutwork.tools.families import mini

from . import autoencoder, backgrounds, judge, precision, scenes
from .art import CACHE, Art, load, tint
from .captions import Box

Array = np.ndarray
LARGEST = 96  # pixels art is shrunk to before it is used alone: crops are only 64
CALIBRATING = scenes.HELD_OUT // 2  # seeds from here to `HELD_OUT` are for calibrating: training draws them as little as those for measuring
SMOOTHED = 0.05  # share of a name's probability that is spread over all
AVERAGED = 0.995  # of the old weights in their running mean, a step
RATES = (2e-3, 8e-4)  # largest learning rate from nothing, and from trained weights
ROUSED = 100  # steps over which a stretch's rate rises
KEPT_EVERY = 200  # steps


@dataclass(frozen=True)
class Sample:
    """One crop and what is true of it; a truth of None is not asked."""

    pixels: np.ndarray  # (64, 64, 3) uint8
    classes: tuple[int, int]  # the same one twice, or the two that are mixed or both there; the last class is "none"
    whole: bool | None
    mixed: bool | None


# ------------------------------------------------------------------------------------------------- mixtures and damages


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


# --------------------------------------------------------------------------------------------------------------- samples


class Crops:
    """Endless crops with their truth: single sprites on a background, drawn at the size the judge looks at."""

    def __init__(self, art: tuple[Art, ...], seed: int) -> None:
        self.sprites = [_shrunk(item.rgba) for item in art]
        self.groups = [item.group for item in art]
        self.rng = np.random.default_rng(seed)
        self.none = len(art)

    def draw(self) -> Sample:
        kind = self.rng.choice(["right", "mixed", "damaged", "none"], p=[0.48, 0.34, 0.1, 0.08])
        i, j = pair(self.groups, self.rng)
        canvas = self._background()
        if kind == "none":
            self._peek(canvas, times=int(self.rng.integers(0, 4)))
            return Sample(_finish(canvas, self.rng), (self.none, self.none), None, None)
        sprite = self._varied(i)
        if kind == "mixed":
            sprite = mixture(sprite, self._varied(j), WAYS[int(self.rng.integers(len(WAYS)))], self.rng)
        elif kind == "damaged":
            sprite = damaged(sprite, self.rng)
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
        image = _trimmed(damaged(image, rng))
    return Sprite(art[i].noun, (), 0, Path(), sprite=image, classes=(i, j if kind == "mixed" else i), damaged=kind == "damaged")


def _trimmed(image: Image.Image) -> Image.Image:
    return image.crop(image.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox())


def from_scene(art: tuple[Art, ...], rng: np.random.Generator, soften: Callable[[Tensor], Tensor] | None = None) -> list[Sample]:
    """Crops of one scene as the judge would be shown them: of each subject that is to be seen, of two together, of nothing.

    Args:
        soften: what to do to the picture (1, 3, H, W) in [-1, 1] first.
    """
    side = 8 * int(rng.integers(12, 25))  # crops are 64, so larger scenes would show no more
    cast = tuple(sprite_of(art, str(rng.choice(["right", "mixed", "damaged"], p=[0.6, 0.28, 0.12])), rng) for _ in range(3))
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
    crop = ((judge.crop(pixels, box)[0].permute(1, 2, 0) + 1) * 127.5 + 0.5).clamp(0, 255).byte().numpy()
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


# -------------------------------------------------------------------------------------------------------------- training


def loss_of(net: judge.Net, x: Tensor, samples: list[Sample]) -> Tensor:
    """Cross-entropy of the names, smoothed (half each where there are two), and binary ones of whole and mixed where they are asked."""
    names, whole, mixed = net(x)
    log = names.log_softmax(1)
    classes = torch.tensor([s.classes for s in samples])
    naming = -(1 - SMOOTHED) * log.gather(1, classes).mean() - SMOOTHED * log.mean()
    return naming + _binary(whole, [s.whole for s in samples]) + _binary(mixed, [s.mixed for s in samples])


def _binary(logits: Tensor, truth: list[bool | None]) -> Tensor:
    asked = torch.tensor([t is not None for t in truth])
    target = torch.tensor([float(bool(t)) for t in truth])
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * asked).sum() / asked.sum().clamp(min=1)


class Batches:
    """Batches by number: the same number, the same batch, so that a run that was stopped goes on as if it had not been."""

    def __init__(self, art: tuple[Art, ...], vae: AutoencoderTiny, size: int) -> None:
        self.art, self.vae, self.size = art, vae, size
        self.crops = Crops(art, seed=0)

    def batch(self, number: int) -> tuple[Tensor, list[Sample]]:
        """Crops (B, 3, 64, 64) and their truth: half from scenes, half single; an eighth of the single ones and a quarter of the scenes softened."""
        rng = self.crops.rng = np.random.default_rng([number, 7])
        samples: list[Sample] = []
        while len(samples) < self.size // 2:
            soften = (lambda x: softened(x, self.vae, rng)) if rng.random() < 0.25 else None
            samples += from_scene(self.art, rng, soften)
        samples = samples[: self.size // 2]
        samples = [*(self.crops.draw() for _ in range(self.size - len(samples))), *samples]
        x = autoencoder.to_tensor([s.pixels for s in samples])
        few = self.size // 16
        return torch.cat([softened(x[:few], self.vae, rng), x[few:]]) if few else x, samples


def rate(done: int, progress: float) -> float:
    """Share of the largest learning rate after so many steps and at such a share of the stretch: up at once, then down to zero."""
    return min(1.0, (done + 1) / ROUSED) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def train(
    art: tuple[Art, ...],
    run: Path,
    minutes: float | None,
    vae: AutoencoderTiny,
    steps: int | None = None,
    batch: int = 64,
    lr: float | None = None,
    fresh: bool = False,
) -> judge.Judge:
    """One stretch of training, of so many minutes or steps. Of steps, weights depend on nothing but the arguments and where it began.

    Args:
        run: folder of `judge.pt`: where the last stretch ended, or where this one was stopped. fresh: begin from nothing where there is none, not from
            the shipped weights.
        lr: largest learning rate; None = one of `RATES`.
    """
    path = run / "judge.pt"
    run.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = torch.load(path, weights_only=True) if path.exists() else {}
    length = {"steps": steps} if steps is not None else {"minutes": minutes}
    going_on = bool(state) and state["progress"] < 1 and state["length"] == length
    torch.manual_seed(0)
    net = judge.Net(len(art))
    if state:
        net.load_state_dict(state["net" if going_on else "mean"])
    elif not fresh and judge.WEIGHTS.is_file():
        _take_over(net, tuple(item.noun for item in art), judge.load())
    mean = judge.Net(len(art))
    mean.load_state_dict(state["mean"] if going_on else net.state_dict())
    top = state["top"] if going_on else lr or RATES[0 if fresh and not state else 1]
    optimizer = torch.optim.AdamW(net.parameters(), lr=top, weight_decay=0.02)
    if going_on:
        optimizer.load_state_dict(state["optimizer"])
    total, done, progress = state.get("total", 0), state["done"] if going_on else 0, state["progress"] if going_on else 0.0
    batches, started, before = Batches(art, vae, batch), time.monotonic(), progress
    net.train()

    def keep() -> None:
        weights = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**weights, "total": total, "done": done, "progress": progress, "length": length, "top": top}, path)

    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed} {postfix}", disable=None) as bar:
        lost = 0.0
        while progress < 1:
            for group in optimizer.param_groups:
                group["lr"] = top * rate(done, progress)
            x, samples = batches.batch(total)
            with precision.autocast():
                loss = loss_of(net, x, samples)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            done, total = done + 1, total + 1
            _follow(mean, net, min(AVERAGED, done / (done + 9)))
            progress = done / steps if steps is not None else before + (time.monotonic() - started) / 60 / (minutes or 1e-9)
            lost += (loss.item() - lost) * max(0.01, 1 / done)
            bar.update(min(100.0, 100 * progress) - bar.n)
            bar.set_postfix_str(f"step {total}, loss {lost:.3f}")
            if total % KEPT_EVERY == 0:
                keep()
    keep()
    return judge.Judge(mean, tuple(item.noun for item in art))


@torch.no_grad()
def _follow(mean: judge.Net, net: judge.Net, share: float) -> None:
    """The running mean of the weights a step on; of what is counted, the last."""
    for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - share)
        else:
            old.copy_(new)


@torch.no_grad()
def _take_over(net: judge.Net, nouns: tuple[str, ...], other: judge.Judge) -> None:
    """Another judge's weights; of names only those that both know."""
    state = other.net.state_dict()
    names = {noun: i for i, noun in enumerate(other.nouns)}
    for key, new in net.state_dict().items():
        old = state[key]
        if not key.startswith("head."):
            new.copy_(old)
            continue
        new[-3:] = old[-3:]  # none, whole, mixed
        for i, noun in enumerate(nouns):
            if noun in names:
                new[i] = old[names[noun]]


# ------------------------------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Trial:
    """Boxes of one picture with what is true of them, and what kind of trial it is."""

    kind: str  # "true", "mixed", "novel mixed" or "damaged"
    image: np.ndarray  # (H, W, 3) uint8
    boxes: list[Box]
    classes: list[int]  # of true ones
    whole: list[bool | None]


def trials(art: tuple[Art, ...], seed: int, size: tuple[int, int]) -> Iterator[Trial]:
    """A scene with one or two subjects, each seen at least six tenths; one with a mixture; one with a mixture of a kind that training never saw; a damaged one."""
    scene = scenes.make(art, seed, size, count=1 + seed % 2)
    seen = [(s, visible(scene, k)) for k, s in enumerate(scene.subjects) if visible(scene, k) > 0.6]
    yield Trial("true", scene.image, [s.box for s, _ in seen], [s.index for s, _ in seen], [True if share > 0.95 else None for _, share in seen])
    for number, (kind, ways) in enumerate((("mixed", WAYS), ("novel mixed", NOVEL), ("damaged", WAYS)), start=1):
        sprite = sprite_of(art, kind.split()[-1], np.random.default_rng([seed, number]), ways)
        scene = scenes.make((sprite,), seed, size, count=1)
        boxes = [s.box for s in scene.subjects]
        yield Trial(kind, scene.image, boxes, [sprite.classes[0]] * len(boxes), [False if sprite.damaged else None] * len(boxes))


@dataclass(frozen=True)
class Measured:
    """Right or wrong of each verdict by what was asked, and how far the judge's certainty is from how often it is right (0 = honest)."""

    right: dict[str, list[bool]]
    errors: dict[str, float]


def measure(made: judge.Judge, art: tuple[Art, ...], count: int, size: tuple[int, int] = (256, 256), first: int = scenes.HELD_OUT) -> Measured:
    """How the judge does on held-out scenes.

    A mixture is right when it is called mixed, a true subject when it is not; a subject is right when it is named; one that nothing hides is
    right when it is called whole, a damaged one when it is not.
    """
    right: dict[str, list[bool]] = {kind: [] for kind in ("subject", "not mixed", "mixed", "novel mixed", "whole", "damaged")}
    sure: list[float] = []
    mixed: list[tuple[float, bool]] = []
    for trial in (trial for seed in range(first, first + count) for trial in trials(art, seed, size)):
        for verdict, truth, whole in zip(made.look(trial.image, trial.boxes), trial.classes, trial.whole, strict=True):
            if trial.kind == "true":
                right["subject"].append(verdict.noun == art[truth].noun)
                sure.append(verdict.probability)
            if trial.kind != "damaged":
                right["not mixed" if trial.kind == "true" else trial.kind].append((verdict.mixed >= 0.5) != (trial.kind == "true"))
            if trial.kind in ("true", "mixed"):
                mixed.append((verdict.mixed, trial.kind == "mixed"))
            if whole is not None:
                right["whole" if whole else "damaged"].append((verdict.whole >= 0.5) == whole)
    errors = {"subject": calibration_error(sure, right["subject"]), "mixed": calibration_error([p for p, _ in mixed], [truth for _, truth in mixed])}
    return Measured(right, errors)


def answers(made: judge.Judge, art: tuple[Art, ...], count: int, size: tuple[int, int] = (256, 256)) -> dict[str, list[bool]]:
    """What `measure` finds right and wrong."""
    return measure(made, art, count, size).right


def calibration_error(sure: Any, right: Any, bins: int = 10) -> float:
    """Expected calibration error (1706.04599, eq. 3): distance of certainty and rate of being right in each of some equal bins, weighed by how many are in it."""
    p, r = np.asarray(sure, float), np.asarray(right, float)
    which = np.minimum((p * bins).astype(int), bins - 1)
    total = sum(abs(float((p[which == k] - r[which == k]).sum())) for k in range(bins))
    return total / max(1, len(p))


def calibrated(made: judge.Judge, art: tuple[Art, ...], count: int = 300, size: tuple[int, int] = (256, 256), first: int = CALIBRATING) -> judge.Judge:
    """The same net with the calibration that makes its verdicts on scenes of seeds of their own likeliest (1706.04599, §4.2; Platt for yes or no)."""
    raw = judge.Judge(made.net, made.nouns)
    names: list[tuple[Tensor, int]] = []
    whole: list[tuple[Tensor, bool]] = []
    mixed: list[tuple[Tensor, bool]] = []
    for trial in (trial for seed in range(first, first + count) for trial in trials(art, seed, size) if trial.kind != "novel mixed"):
        for logits, truth, complete in zip(_logits(raw, trial), trial.classes, trial.whole, strict=True):
            if trial.kind == "true":
                names.append((logits[0], made.nouns.index(art[truth].noun)))
            if trial.kind != "damaged":
                mixed.append((logits[2], trial.kind == "mixed"))
            if complete is not None:
                whole.append((logits[1], complete))
    table, truths = torch.stack([logits for logits, _ in names]), torch.tensor([truth for _, truth in names])
    temperature = _fit(lambda x: F.cross_entropy(table * x[0].exp(), truths, label_smoothing=1 / (len(truths) + 2)), 1)
    found = judge.Calibration(math.exp(-temperature[0]), _platt(whole), _platt(mixed))
    return judge.Judge(made.net, made.nouns, found)


@torch.inference_mode()
def _logits(made: judge.Judge, trial: Trial) -> list[tuple[Tensor, Tensor, Tensor]]:
    if not trial.boxes:
        return []
    pixels = autoencoder.to_tensor([trial.image])
    return list(zip(*(x.clone() for x in made.net(torch.cat([judge.crop(pixels, box) for box in trial.boxes]))), strict=True))


def _platt(answers: list[tuple[Tensor, bool]]) -> tuple[float, float]:
    """Scale and shift of a logit, yes and no counting alike however many there are of each, and none held for certain after so few (Platt 1999)."""
    x, y = torch.stack([logit for logit, _ in answers]), torch.tensor([float(truth) for _, truth in answers])
    if not 0 < y.sum() < len(y):
        return 1.0, 0.0
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    hedged = torch.where(y > 0, 1 - 1 / (y.sum() + 2), 1 / (len(y) - y.sum() + 2))
    scale, shift = _fit(lambda p: F.binary_cross_entropy_with_logits(p[0].exp() * x + p[1], hedged, weight), 2)
    return math.exp(scale), shift


def _fit(loss: Callable[[Tensor], Tensor], count: int) -> list[float]:
    """So many numbers, from zero, at which a convex loss is least."""
    x = torch.zeros(count, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], lr=0.5, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(x)
        value.backward()
        return value

    optimizer.step(closure)
    found: list[float] = x.detach().tolist()
    return found


def visible(scene: scenes.Scene, number: int) -> float:
    """Share of a subject's box that no subject in front of it covers: 1 for the foremost."""
    subject = scene.subjects[number]
    hidden = np.zeros_like(subject.alpha)
    for front in scene.subjects[number + 1 :]:
        hidden = np.maximum(hidden, front.alpha)
    x0, y0, x1, y1 = (round(v * n) for v, n in zip(subject.box, subject.alpha.shape[::-1] * 2, strict=True))
    return 1 - float(hidden[y0:y1, x0:x1].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=CACHE / "judge")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="instead of minutes: the same weights each time")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, help="largest learning rate")
    parser.add_argument("--fresh", action="store_true", help="begin from nothing, not from the shipped weights")
    parser.add_argument("--tier", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=300, help="held-out scenes to measure on, and others to calibrate on")
    parser.add_argument("--calibrate", action="store_true", help="calibrate the run's judge, or the shipped one, without training")
    parser.add_argument("--measure", action="store_true", help="measure the shipped judge instead")
    args = parser.parse_args()
    art = load(args.tier)
    if args.measure or args.calibrate:
        own = args.run / judge.WEIGHTS.name
        made = judge.load(own) if args.calibrate and own.is_file() else judge.load()
        art = tuple(item for item in art if item.noun in made.nouns)
    else:
        vae = AutoencoderTiny.from_pretrained(mini.folder() / "vae").requires_grad_(False)
        made = train(art, args.run, args.minutes, vae, args.steps, args.batch, args.lr, args.fresh)
    if not args.measure:
        made = calibrated(made, art, args.scenes)
        args.run.mkdir(parents=True, exist_ok=True)
        judge.save(made, args.run / judge.WEIGHTS.name)
    found = measure(made, art, args.scenes)
    shares = {name: round(100 * float(np.mean(right)), 2) for name, right in found.right.items()}
    print(json.dumps({**shares, "calibration error": {name: round(100 * error, 2) for name, error in found.errors.items()}}, indent=1))


if __name__ == "__main__":
    main()
