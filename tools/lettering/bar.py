"""A bar of paper above the picture with the captions on it; the picture itself stays free, and the canvas grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cutwork.tools.lettering.scene import Caption, Composition, Pixels, Scene
from cutwork.tools.lettering.setting import Block, Style, fit, moved

MOST = 0.085  # of the width; the largest size
LIMIT = 0.5  # of the width; the highest that all captions together may be
PAD = 0.045  # of the width
BETWEEN = 0.5  # of the size, between captions


def lay(scene: Scene) -> Composition:
    """All captions in order, at one size, on a bar as high as they need."""
    pad = round(scene.width * PAD)
    blocks = stack([band.text for _, band in scene.bands], (pad, pad, scene.width - pad), round(scene.width * LIMIT), scene.plain, round(scene.width * MOST), scene.least)
    high = max((block.ink[3] for block in blocks), default=pad) + pad
    bare = np.vstack([np.full((high, scene.width, 3), scene.paper, np.uint8), scene.picture])
    captions = tuple(Caption(number, block, band.subject) for (number, band), block in zip(scene.bands, blocks, strict=True))
    return Composition(bare, {region: below(alpha, high) for region, alpha in scene.alphas.items()}, captions)


def stack(texts: Sequence[str], place: tuple[int, int, int], limit: int, style: Style, most: int, least: int) -> list[Block]:
    """Captions one below another at one size, each box as high as its ink.

    Args:
        texts: what they say.
        place: left, top and right in pixels.
        limit: pixels that they may be high together.
        style: their look.
        most: largest size.
        least: smallest size.
    """
    left, top, right = place
    share = max(1, limit // max(1, len(texts)))
    most = min((fit(text, (left, 0, right, share), style, most, least).size or least for text in texts), default=most)
    found, y = [], top
    for text in texts:
        block = fit(text, (left, y, right, y + share), style, most, least, down="top")
        rest = y - block.ink[1] if block.lines else 0  # capitals begin at the top, whatever room accents would have had
        found.append(replace(moved(block, 0, rest), box=(left, y, right, block.ink[3] + rest)) if block.lines else block)
        y = found[-1].ink[3] + round(BETWEEN * most)
    return found


def below(alpha: Pixels, high: int) -> Pixels:
    """An alpha (H, W) with as many empty rows above it."""
    return np.pad(alpha, ((high, 0), (0, 0)))
