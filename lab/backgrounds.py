"""Backgrounds of the testbed's scenes: every one has a phrase that names it and numpy code that draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cutwork.agents.words import with_article
from cutwork.tools.families.mini import wording

COLOURS: dict[str, Colour] = dict(wording.GROUNDS)  # what the model learns its colour words by
Array = np.ndarray
Colour = tuple[int, ...]  # red, green, blue, 0..255


@dataclass(frozen=True)
class Background:
    """A phrase ("on a purple background"), its short form ("purple background") and its main colour, if it has one."""

    phrase: str
    short: str
    colour: str | None
    pixels: Array  # (H, W, 3) uint8


def _grid(h: int, w: int) -> tuple[Array, Array]:
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    return y, x


def _blend(a: Colour, b: Colour, t: Array) -> Array:
    t = t[..., None]
    return (1 - t) * np.array(a, np.float32) + t * np.array(b, np.float32)


def _bands(h: int, w: int, rng: np.random.Generator, stops: list[tuple[float, Colour]]) -> Array:
    """Vertical gradient through colour stops, its heights moved a little."""
    y = np.linspace(0, 1, h, dtype=np.float32)
    at = np.clip([s + rng.uniform(-0.04, 0.04) * (0 < s < 1) for s, _ in stops], 0, 1)
    rows = np.stack([np.interp(y, at, [c[k] for _, c in stops]) for k in range(3)], -1)
    return np.repeat(rows[:, None], w, axis=1)


def _stars(image: Array, rng: np.random.Generator, share: float) -> Array:
    h, w = image.shape[:2]
    for _ in range(int(h * w * share)):
        y, x, r = rng.integers(h), rng.integers(w), rng.integers(1, 3)
        image[y : y + r, x : x + r] = 255
    return image


def _snow(h: int, w: int, rng: np.random.Generator) -> Array:
    return _stars(_bands(h, w, rng, [(0, (168, 200, 232)), (0.6, (210, 226, 242)), (0.64, (240, 244, 250)), (1, (252, 252, 255))]), rng, 0.002)


PLACES: dict[str, tuple[str, Callable[[int, int, np.random.Generator], Array]]] = {
    "at the beach": ("beach", lambda h, w, r: _bands(h, w, r, [(0, (120, 196, 244)), (0.4, (190, 228, 250)), (0.42, (40, 140, 200)), (0.6, (84, 190, 214)), (0.64, (240, 214, 150)), (1, (226, 190, 120))])),
    "in a meadow": ("meadow", lambda h, w, r: _bands(h, w, r, [(0, (140, 204, 246)), (0.5, (206, 234, 250)), (0.53, (128, 196, 84)), (1, (70, 150, 58))])),
    "in space": ("space", lambda h, w, r: _stars(_bands(h, w, r, [(0, (14, 14, 44)), (0.5, (30, 22, 70)), (1, (12, 10, 34))]), r, 0.003)),
    "in the sky": ("sky", lambda h, w, r: _bands(h, w, r, [(0, (92, 166, 240)), (1, (198, 228, 252))])),
    "in the snow": ("snow", _snow),
    "in the desert": ("desert", lambda h, w, r: _bands(h, w, r, [(0, (250, 190, 110)), (0.5, (252, 222, 160)), (0.53, (226, 170, 96)), (1, (196, 132, 70))])),
    "under water": ("underwater", lambda h, w, r: _bands(h, w, r, [(0, (90, 200, 226)), (0.5, (34, 130, 190)), (1, (14, 60, 120))])),
    "at sunset": ("sunset", lambda h, w, r: _bands(h, w, r, [(0, (86, 60, 140)), (0.45, (230, 100, 110)), (0.75, (252, 180, 90)), (1, (250, 214, 130))])),
    "in a forest": ("forest", lambda h, w, r: _forest(h, w, r)),
}


def _forest(h: int, w: int, rng: np.random.Generator) -> Array:
    image = _bands(h, w, rng, [(0, (150, 200, 150)), (0.7, (70, 130, 80)), (0.73, (96, 84, 52)), (1, (70, 60, 40))])
    for _ in range(max(2, w // 24)):
        x, d = rng.integers(w), rng.integers(3, 7)
        image[: int(h * 0.75), x : x + d] = (84, 60, 44)
    return image


def _pattern(kind: str, h: int, w: int, colour: Colour, rng: np.random.Generator) -> Array:
    y, x = _grid(h, w)
    light = tuple(int(c + (255 - c) * 0.45) for c in colour) if sum(colour) < 690 else (214, 214, 222)
    period = float(rng.choice([24, 32, 40]))
    if kind == "striped":
        angle = rng.choice([0.0, np.pi / 4, np.pi / 2])
        on = ((x * np.cos(angle) + y * np.sin(angle) + rng.uniform(0, period)) % period) < period / 2
    elif kind == "checkered":
        on = (((x // (period / 2)) + (y // (period / 2))) % 2) > 0
    else:
        dx, dy = (x % period) - period / 2, (y % period) - period / 2
        on = dx**2 + dy**2 < (period * 0.27) ** 2
    return _blend(colour, light, on.astype(np.float32))


NAMES = (*COLOURS, *PLACES)  # one of these says what a background shows


def draw(h: int, w: int, rng: np.random.Generator) -> Background:
    """A random background of a size in pixels: plain, gradient, pattern or place."""
    kind = rng.choice(["plain", "gradient", "pattern", "place"], p=[0.5, 0.15, 0.17, 0.18])
    if kind == "place":
        phrase = str(rng.choice(list(PLACES)))
        short, make = PLACES[phrase]
        return Background(phrase, short, None, make(h, w, rng).clip(0, 255).astype(np.uint8))
    name = str(rng.choice(list(COLOURS)))
    base = np.array(COLOURS[name], np.float32) + rng.normal(0, 5, 3)
    colour = tuple(int(c) for c in base.clip(0, 255))
    if kind == "plain":
        image = np.broadcast_to(np.array(colour, np.float32), (h, w, 3))
        adjective = ""
    elif kind == "gradient":
        y, x = _grid(h, w)
        angle = rng.uniform(0, 2 * np.pi)
        t = x / w * np.cos(angle) + y / h * np.sin(angle)
        t = (t - t.min()) / (t.max() - t.min())
        image = _blend(colour, tuple(int(c + (255 - c) * 0.55) if sum(colour) < 690 else int(c * 0.8) for c in colour), t)
        adjective = " gradient"
    else:
        pattern = str(rng.choice(["striped", "checkered", "dotted"]))
        image = _pattern(pattern, h, w, colour, rng)
        adjective = " " + pattern
    short = f"{name}{adjective} background"
    return Background(f"on {with_article(short)}", short, name, image.clip(0, 255).astype(np.uint8))
