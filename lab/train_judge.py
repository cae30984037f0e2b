"""Train the judge and measure it: crops of subjects, of mixtures of two, of damaged ones and of nothing, with their truth.

    python -m cutwork.lab.train_judge --minutes 60
    python -m cutwork.lab.train_judge --measure
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

Array = np.ndarray
LARGEST = 96  # pixels art is shrunk to before it is used: crops are only 64


@dataclass(frozen=True)
class Sample:
    """One crop and what is true of it; a truth of None is not asked."""

    pixels: np.ndarray  # (64, 64, 3) uint8
    classes: tuple[int, int]  # the same one twice, or the two that are mixed; the last class is "none"
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


def checked(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Squares of the one and of the other, by turns."""
    y, x = (np.floor(np.linspace(0, rng.uniform(2.5, 4.5), n, endpoint=False)) for n in size)
    share: Array = ((y[:, None] + x[None]) % 2).astype(np.float32)
    return share


Way = Callable[[tuple[int, int], np.random.Generator], Array]  # (height, width) to the share of the second subject, (H, W) 0..1
WAYS: tuple[Way, ...] = (divided, patched, averaged)
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
    """Endless crops with their truth, drawn at the size the judge looks at."""

    def __init__(self, art: tuple[Art, ...], seed: int) -> None:
        self.sprites = [_shrunk(item.rgba) for item in art]
        self.rng = np.random.default_rng(seed)
        self.none = len(art)

    def draw(self) -> Sample:
        kind = self.rng.choice(["right", "mixed", "damaged", "none"], p=[0.48, 0.34, 0.1, 0.08])
        i, j = (int(k) for k in self.rng.choice(len(self.sprites), 2, replace=False))
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
        return Sample(_finish(canvas, self.rng), (i, j if kind == "mixed" else i), None if kind == "mixed" else kind == "right", kind == "mixed")

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
def softened(x: Tensor, vae: AutoencoderTiny) -> Tensor:
    """Crops as the embedded model would render them: through its autoencoder, with some noise on the latents."""
    with precision.autocast():
        z = vae.encoder(x)
        noise = 0.35 * torch.rand(len(x), 1, 1, 1) * torch.randn_like(z)
        return vae.decoder(z + noise).float().clamp(-1, 1)


# -------------------------------------------------------------------------------------------------------------- training


def loss_of(net: judge.Net, x: Tensor, samples: list[Sample]) -> Tensor:
    """Cross-entropy of the names (half each for a mixture), and binary ones of whole and mixed where they are asked."""
    names, whole, mixed = net(x)
    log = names.log_softmax(1)
    classes = torch.tensor([s.classes for s in samples])
    naming = -log.gather(1, classes).mean(1).mean()
    return naming + _binary(whole, [s.whole for s in samples]) + _binary(mixed, [s.mixed for s in samples])


def _binary(logits: Tensor, truth: list[bool | None]) -> Tensor:
    asked = torch.tensor([t is not None for t in truth])
    target = torch.tensor([float(bool(t)) for t in truth])
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * asked).sum() / asked.sum().clamp(min=1)


def train(art: tuple[Art, ...], run: Path, minutes: float, vae: AutoencoderTiny, batch: int = 64, lr: float = 2e-3) -> judge.Judge:
    """Train for some minutes, going on from `run/judge.pt` if it is there; the learning rate falls to zero each time."""
    run.mkdir(parents=True, exist_ok=True)
    state = torch.load(run / "judge.pt", weights_only=True) if (run / "judge.pt").exists() else None
    torch.manual_seed(state["step"] if state else 0)
    net = judge.Net(len(art))
    step = 0
    if state:
        net.load_state_dict(state["net"])
        step = state["step"]
    crops = Crops(art, seed=step + 1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.02)
    start, mean = time.monotonic(), 0.0
    first = step
    with tqdm(total=round(minutes, 1), bar_format="{l_bar}{bar}| {n:.1f}/{total} min {postfix}", disable=None) as bar:
        while (spent := (time.monotonic() - start) / 60) < minutes:
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1, (step - first + 1) / 100) * (0.01 + 0.495 * (1 + math.cos(math.pi * spent / minutes)))
            samples = [crops.draw() for _ in range(batch)]
            x = autoencoder.to_tensor([s.pixels for s in samples])
            x = torch.cat([softened(x[: batch // 4], vae), x[batch // 4 :]])
            with precision.autocast():
                loss = loss_of(net, x, samples)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            mean += (loss.item() - mean) * max(0.01, 1 / (step - first))
            bar.update(min(minutes, spent) - bar.n)
            bar.set_postfix_str(f"step {step}, loss {mean:.3f}")
            if step % 500 == 0:
                torch.save({"net": net.state_dict(), "step": step}, run / "judge.pt")
    torch.save({"net": net.state_dict(), "step": step}, run / "judge.pt")
    return judge.Judge(net, tuple(item.noun for item in art))


# ------------------------------------------------------------------------------------------------------------- measuring


def answers(made: judge.Judge, art: tuple[Art, ...], count: int, size: tuple[int, int] = (256, 256)) -> dict[str, list[bool]]:
    """Right or wrong on held-out scenes with one or two subjects, each seen at least six tenths.

    A mixture is right when it is called mixed, a true subject when it is not. "novel mixed" are of a kind that training never saw.
    """
    right: dict[str, list[bool]] = {"subject": [], "not mixed": [], "mixed": [], "novel mixed": []}
    for seed in range(scenes.HELD_OUT, scenes.HELD_OUT + count):
        scene = scenes.make(art, seed, size, count=1 + seed % 2)
        seen = [s for k, s in enumerate(scene.subjects) if visible(scene, k) > 0.6]
        for subject, verdict in zip(seen, made.look(scene.image, [s.box for s in seen]), strict=True):
            right["subject"].append(verdict.noun == subject.noun)
            right["not mixed"].append(verdict.mixed < 0.5)
        for name, ways in (("mixed", WAYS), ("novel mixed", NOVEL)):
            scene = mixed_scene(art, seed, size, ways)
            right[name] += [v.mixed >= 0.5 for v in made.look(scene.image, [s.box for s in scene.subjects])]
    return right


def visible(scene: scenes.Scene, number: int) -> float:
    """Share of a subject's box that no subject in front of it covers: 1 for the foremost."""
    subject = scene.subjects[number]
    hidden = np.zeros_like(subject.alpha)
    for front in scene.subjects[number + 1 :]:
        hidden = np.maximum(hidden, front.alpha)
    x0, y0, x1, y1 = (round(v * n) for v, n in zip(subject.box, subject.alpha.shape[::-1] * 2, strict=True))
    return 1 - float(hidden[y0:y1, x0:x1].mean())


def mixed_scene(art: tuple[Art, ...], seed: int, size: tuple[int, int], ways: tuple[Way, ...]) -> scenes.Scene:
    """A held-out scene whose only subject is a mixture of two."""
    rng = np.random.default_rng([seed, 1])
    a, b = (int(i) for i in rng.choice(len(art), 2, replace=False))
    sprite = mixture(art[a].rgba, art[b].rgba, ways[int(rng.integers(len(ways)))], rng)
    return scenes.make((_Mixture(f"{art[a].noun} and {art[b].noun}", (), 0, Path(), sprite=sprite),), seed, size, count=1)


@dataclass(frozen=True, kw_only=True)
class _Mixture(Art):
    """Art that is no file."""

    sprite: Image.Image

    @property
    def rgba(self) -> Image.Image:
        return self.sprite


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=CACHE / "judge")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--tier", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=300, help="held-out scenes to measure on")
    parser.add_argument("--measure", action="store_true", help="measure the shipped judge instead")
    args = parser.parse_args()
    art = load(args.tier)
    if args.measure:
        made = judge.load()
    else:
        made = train(art, args.run, args.minutes, AutoencoderTiny.from_pretrained(mini.folder() / "vae").requires_grad_(False))
        judge.save(made.net, made.nouns, args.run / judge.WEIGHTS.name)
    print(json.dumps({name: round(100 * float(np.mean(right)), 2) for name, right in answers(made, art, args.scenes).items()}, indent=1))


if __name__ == "__main__":
    main()
