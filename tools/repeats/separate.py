"""Spot colours: a tile reduced to a few inks, one plate for each, and other colourways of the same plates.

Inks are chosen in OKLab among the colours of flat areas, so that the mixed pixels along edges get no ink of their own. Every pixel then has
exactly one ink; lines and specks finer than a screen prints go to the inks around them. There is no dither: what is flat prints flat.
The plates are those of the pixels, so laying them over each other gives the reduced tile to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cutwork.colours import Rgb
from cutwork.errors import BadInput
from cutwork.tools.repeats import colours
from cutwork.tools.repeats.colours import Rgbs

Pixels = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

BITS = 6  # of each channel, in the table from colours to inks
SHIFT, SIDE = 8 - BITS, 1 << BITS
ROWS = 256  # looked at in one go: what fits a cache is fast
FLAT = 14  # levels a pixel may differ from its neighbour and count as of a flat area
WEIGHT = 0.7  # power of how often a colour comes; below one, so that small accents keep an ink
ROUNDS = 25  # of k-means at most
FINE_MM = 0.3  # lines and gaps that a screen prints are at least so wide
SPECK_MM = 0.6  # dots smaller than this go
LOST = 0.025  # share of an ink that may be finer than said: corners and the ends of curves are
LIVELY = 0.7  # share of a group's colours that its ink is at least as chromatic as
NEUTRAL = 0.025  # OKLab chroma below which a colour has no hue to turn
APART = 0.045  # mean distance in OKLab between two colourways
MOST_INKS = 32


@dataclass(frozen=True)
class Separation:
    """A tile in inks. The first is the ground."""

    inks: Rgbs  # (n, 3)
    labels: Labels  # (H, W): which ink
    merged: tuple[float, ...] = ()  # per cent of the tile, for each ink, that was too fine for a screen and went to others

    @cached_property
    def pixels(self) -> Pixels:
        """The reduced tile (H, W, 3)."""
        return np.asarray(self.inks[self.labels])

    @cached_property
    def coverage(self) -> tuple[float, ...]:
        """Per cent of the tile that each ink covers."""
        counts = sum((np.bincount(rows.ravel(), minlength=len(self.inks)) for rows in _bands(self.labels)), np.zeros(len(self.inks), np.int64))
        return tuple(100.0 * c / self.labels.size for c in counts.tolist())

    def plate(self, ink: int) -> Pixels:
        """(H, W): 0, black, where this ink prints, 255 elsewhere."""
        return np.where(self.labels == ink, 0, 255).astype(np.uint8)

    def names(self) -> tuple[str, ...]:
        """Of the plates and of the palette, in order: "01_cream_fbf3dd"."""
        return tuple(f"{k + 1:02d}_{colours.nearest_name(ink)}_{colours.hexed(ink)}" for k, ink in enumerate(map(colours.triple, self.inks)))


def separate(pixels: Pixels, ground: Rgb, dpi: int, count: int | None = None, locked: Sequence[Rgb] = ()) -> Separation:
    """A tile (H, W, 3) in spot colours.

    Args:
        pixels: the tile; it is looked at around its edges, so that the result tiles too.
        ground: the colour behind the motifs, always the first ink.
        dpi: pixels an inch: says what is too fine.
        count: inks at most, the ground among them, 2..32; None = as many as are locked.
        locked: inks to choose from; none = those that suit the tile.

    Raises:
        BadInput: if that makes fewer than two inks or more than 32.
    """
    inks = choose(pixels, ground, count, locked)
    labels = _labelled(pixels, inks)
    return _cleaned(Separation(inks, labels), dpi)


def choose(pixels: Pixels, ground: Rgb, count: int | None, locked: Sequence[Rgb] = ()) -> Rgbs:
    """The inks (n, 3) that suit a tile, ground first, then by area; see `separate`. There are fewer where the tile has fewer colours."""
    rest, total = list(dict.fromkeys(ink for ink in locked if ink != ground)), number(ground, count, locked)
    found, weights = _flat_colours(pixels, ground)
    if not len(found):
        return np.array([ground], np.uint8)
    lab, base = colours.oklab(found), colours.oklab(np.array([ground], np.uint8))
    if rest:
        return np.array([ground, *_picked(lab, weights, base, rest, total - 1)], np.uint8)
    return _means(lab, weights, base, total - 1, ground)


def number(ground: Rgb, count: int | None, locked: Sequence[Rgb] = ()) -> int:
    """How many inks that asks for; see `separate`, which raises the same."""
    total = count if count is not None else len({*locked, ground})
    if not 2 <= total <= MOST_INKS:
        raise BadInput(f"{total} spot colour{'s' * (total != 1)} asked for, the ground among them; 2 to {MOST_INKS} can be printed", "change colours or the palette")
    return total


def _flat_colours(pixels: Pixels, ground: Rgb) -> tuple[Rgbs, NDArray[np.float64]]:
    """Colours of flat areas but for the ground's, and their weights; of all areas if none is flat."""
    every, flat = np.zeros(SIDE**3, np.int64), np.zeros(SIDE**3, np.int64)
    step = 2 if pixels.size > 3_000_000 else 1
    for rows in _bands(pixels):
        some = rows[::step]
        codes = _codes(some[:, :-1:step]).ravel()
        still = (cv2.absdiff(some[:, :-1:step], some[:, 1::step]).max(-1) <= FLAT).ravel()
        every += np.bincount(codes, minlength=SIDE**3)
        flat += np.bincount(codes[still], minlength=SIDE**3)
    own = _codes(np.array([[ground]], np.uint8)).item()
    every[own] = flat[own] = 0
    counts = flat if flat.any() else every
    at = np.flatnonzero(counts)
    return _centres()[at], counts[at].astype(np.float64) ** WEIGHT


def _means(lab: colours.Lab, weights: NDArray[np.float64], base: colours.Lab, count: int, ground: Rgb) -> Rgbs:
    """k-means with the ground held fast: begun from the colours that were least like any before, so always the same."""
    centres = base
    for _ in range(min(count, len(lab))):
        far = _distances(lab, centres).min(1)
        if far.max() < 1e-6:
            break
        centres = np.concatenate([centres, lab[[int((weights * far).argmax())]]])
    for _ in range(ROUNDS):
        nearest = _distances(lab, centres).argmin(1)
        moved = centres.copy()
        for k in range(1, len(centres)):
            own = nearest == k
            if own.any():
                moved[k] = (lab[own] * weights[own, None]).sum(0) / weights[own].sum()
        done, centres = bool(np.abs(moved - centres).max() < 1e-4), moved
        if done:
            break
    nearest = _distances(lab, centres).argmin(1)
    total = np.bincount(nearest, weights, len(centres))
    lively = [_lively(centres[k], lab[nearest == k], weights[nearest == k]) for k in range(1, len(centres))]
    inks = [ground, *map(colours.triple, colours.rgb(np.array(lively).reshape(-1, 3)))]
    order = sorted(range(1, len(inks)), key=lambda k: (-total[k], k))
    return np.array(list(dict.fromkeys([ground, *(inks[k] for k in order)])), np.uint8)


def _lively(centre: colours.Lab, lab: colours.Lab, weights: NDArray[np.float64]) -> colours.Lab:
    """A mean is duller than what it is a mean of: its chroma raised to that of the livelier part of its colours."""
    chroma, own = np.hypot(lab[:, 1], lab[:, 2]), float(np.hypot(centre[1], centre[2]))
    if not len(lab) or own < NEUTRAL:
        return centre
    order = np.argsort(chroma, kind="stable")
    level = chroma[order][np.searchsorted(np.cumsum(weights[order]), LIVELY * weights.sum())]
    return np.asarray(centre * (1.0, *(2 * [max(1.0, min(float(level) / own, 1.5))])))


def _picked(lab: colours.Lab, weights: NDArray[np.float64], base: colours.Lab, inks: Sequence[Rgb], count: int) -> list[Rgb]:
    """Those inks of a palette that come nearest to the tile, one after the other."""
    offered = _distances(lab, colours.oklab(np.array(inks, np.uint8)))  # (colours, inks)
    error, chosen = _distances(lab, base)[:, 0], list[int]()
    while len(chosen) < min(count, len(inks)):
        best = min((k for k in range(len(inks)) if k not in chosen), key=lambda k: (float((np.minimum(error, offered[:, k]) * weights).sum()), k))
        error = np.minimum(error, offered[:, best])
        chosen.append(best)
    return [inks[k] for k in chosen]


def _distances(a: colours.Lab, b: colours.Lab) -> NDArray[np.float64]:
    """Squared distances (len(a), len(b))."""
    return np.asarray(np.square(a[:, None] - b[None]).sum(-1))


def _labelled(pixels: Pixels, inks: Rgbs) -> Labels:
    """The nearest ink of every pixel (H, W), by a table over colours."""
    centres = colours.oklab(_centres())
    lab = colours.oklab(inks)
    table = np.concatenate([_distances(part, lab).argmin(1) for part in np.array_split(centres, 16)]).astype(np.uint8)
    table[_codes(inks[None, ::-1]).ravel()] = np.arange(len(inks), dtype=np.uint8)[::-1]  # inks themselves, whatever the table's steps; the first has the last word
    labels = np.empty(pixels.shape[:2], np.uint8)
    for rows, out in zip(_bands(pixels), _bands(labels), strict=True):
        np.take(table, _codes(rows), out=out)
    return labels


def _codes(pixels: Pixels) -> NDArray[np.int64]:
    """A number for every colour, by the upper bits of its channels."""
    upper = (pixels >> SHIFT).astype(np.int64)
    return np.asarray((upper[..., 0] << (2 * BITS)) | (upper[..., 1] << BITS) | upper[..., 2])


def _centres() -> Rgbs:
    """The colour that each number stands for (SIDE ** 3, 3)."""
    at = np.arange(SIDE**3)
    parts = np.stack([at >> (2 * BITS), (at >> BITS) & (SIDE - 1), at & (SIDE - 1)], 1)
    return ((parts << SHIFT) + (1 << SHIFT) // 2).astype(np.uint8)


def _bands(array: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Parts of an array, a few rows each."""
    return (array[y : y + ROWS] for y in range(0, len(array), ROWS))


def pixels_of(mm: float, dpi: int) -> int:
    """A width in whole pixels, one at least."""
    return max(1, round(mm * dpi / 25.4))


def _cleaned(raw: Separation, dpi: int) -> Separation:
    """Without what is too fine for a screen. Twice, for what fills a gap may itself be fine."""
    fine, speck = pixels_of(FINE_MM, dpi), pixels_of(SPECK_MM, dpi)
    rim = min(2 * speck + 2, *raw.labels.shape)
    padded = np.pad(raw.labels, rim, mode="wrap")  # around the torus
    for _ in range(2):
        padded = _filled(padded, _too_fine(padded, len(raw.inks), fine, speck), len(raw.inks))
    labels = np.ascontiguousarray(padded[rim:-rim, rim:-rim])
    changed = labels != raw.labels
    lost = np.bincount(raw.labels[changed], minlength=len(raw.inks)) * 100.0 / labels.size
    kept = [k for k in range(len(raw.inks)) if k == 0 or (labels == k).any()]  # nobody pays for an empty screen
    table = np.zeros(len(raw.inks), np.uint8)
    table[kept] = np.arange(len(kept))
    return Separation(raw.inks[kept], table[labels], tuple(lost[kept].tolist()))


def _too_fine(labels: Labels, inks: int, fine: int, speck: int) -> Mask:
    """Pixels of lines thinner than `fine` and of pieces smaller than `speck` either way (H, W)."""
    doomed = np.zeros(labels.shape, np.uint8)
    for ink in range(inks):
        own = (labels == ink).view(np.uint8)
        thick = _opened(own, fine)
        doomed |= own ^ thick
        pieces, nested = cv2.findContours(thick, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        for k, piece in enumerate(pieces):
            if nested[0][k][3] < 0 and max(cv2.boundingRect(piece)[2:]) < speck:
                cv2.drawContours(doomed, [piece], -1, 1, cv2.FILLED)
    return doomed.view(np.bool_)


def _opened(mask: Pixels, width: int) -> Pixels:
    """What of a mask (H, W) of 0 and 1 is at least so wide."""
    if width < 2:
        return mask
    square = np.ones((width, width), np.uint8)  # from one corner and back from the other: a square of even width has no middle
    return np.asarray(cv2.dilate(cv2.erode(mask, square, anchor=(0, 0)), square, anchor=(width - 1, width - 1)))


def _filled(labels: Labels, gone: Mask, inks: int) -> Labels:
    """Labels with those that are gone taken from what most of their neighbours have, from the rims of the gaps inwards."""
    width = labels.shape[1]
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    inside = gone.copy()
    inside[0] = inside[-1] = inside[:, 0] = inside[:, -1] = False  # of the padding
    flat, open_ = labels.ravel().copy(), inside.ravel().copy()
    left = np.flatnonzero(open_)
    while len(left):
        votes = np.zeros((len(left), inks), np.uint8)
        for step in around:
            there = left + step
            known = np.flatnonzero(~open_[there])
            votes[known, flat[there[known]]] += 1
        decided = votes.any(1)
        if not decided.any():
            break
        flat[left[decided]] = votes[decided].argmax(1)
        open_[left[decided]] = False
        left = left[~decided]
    return flat.reshape(labels.shape)


def finest(found: Separation, ink: int, dpi: int) -> float | None:
    """Width in mm of the finest lines of an ink that make up more than a trace of it, up to a millimetre; None = all is wider."""
    own = np.pad((found.labels == ink).view(np.uint8), pixels_of(1.0, dpi), mode="wrap")
    area = int(own.sum())
    for width in range(2, pixels_of(1.0, dpi) + 1):
        if area - int(_opened(own, width).sum()) > LOST * area:
            return round((width - 1) * 25.4 / dpi, 2)
    return None


def colourways(inks: Rgbs, count: int) -> tuple[Rgbs, ...]:
    """Other inks (n, 3) for the same plates, each set as far from the others as can be: hues turned, or swapped between inks.

    Every ink keeps its lightness, and so the order and contrast of the plates. Neutral inks stay so, but for a neutral ground, which takes
    a breath of colour; where all are neutral, all do.
    """
    lab = colours.oklab(inks)
    kept: list[Rgbs] = []
    for candidate in (colours.rgb(way) for way in _ways(lab, count)):
        if len(kept) < count and all(_differ(candidate, other) >= APART for other in (inks, *kept)):
            kept.append(candidate)
    for way in (colours.rgb(_tinted(lab, 137.508 * k)) for k in range(4 * MOST_INKS)):  # where there is too little colour to turn
        if len(kept) < count and not any(np.array_equal(way, other) for other in (inks, *kept)):
            kept.append(way)
    return tuple(kept)


def _differ(a: Rgbs, b: Rgbs) -> float:
    return float(np.sqrt(np.square(colours.oklab(a) - colours.oklab(b)).sum(-1)).mean())


def _ways(lab: colours.Lab, count: int) -> Iterator[colours.Lab]:
    """Turned and swapped in turn, then turned by smaller steps."""
    hued = np.flatnonzero(np.hypot(lab[:, 1], lab[:, 2]) > NEUTRAL)
    hued = hued[np.argsort(np.arctan2(lab[hued, 2], lab[hued, 1]), kind="stable")]
    for k in range(1, count + 1):
        yield _breath(colours.turned(lab, 360 * k / (count + 1)), 360 * k / (count + 1))
        swapped = lab.copy()
        swapped[hued, 1:] = lab[np.roll(hued, k), 1:]
        yield _breath(swapped, 137.508 * k)
    for k in range(1, 48):
        yield _breath(colours.turned(lab, 137.508 * k), 137.508 * k)


def _breath(lab: colours.Lab, degrees: float) -> colours.Lab:
    """With a faint hue on a neutral ground."""
    if np.hypot(*lab[0, 1:]) <= NEUTRAL and len(lab) > 1:
        lab = lab.copy()
        lab[0, 1:] = 0.035 * np.cos(np.deg2rad(degrees)), 0.035 * np.sin(np.deg2rad(degrees))
    return lab


def _tinted(lab: colours.Lab, degrees: float) -> colours.Lab:
    """All inks in one hue."""
    chroma = 0.12 * 4 * lab[:, 0] * (1 - lab[:, 0])
    return np.stack([lab[:, 0], chroma * np.cos(np.deg2rad(degrees)), chroma * np.sin(np.deg2rad(degrees))], -1)


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """A tile (H, W, 3) in all its colours with every hue turned; lightness stays."""
    size = 33
    level = np.linspace(0, 255, size)
    blue, green, red = np.meshgrid(level, level, level, indexing="ij")  # red runs fastest
    grid = np.stack([red, green, blue], -1).reshape(-1, 3)
    table = colours.rgb(colours.turned(colours.oklab((grid + 0.5).astype(np.uint8)), degrees)).ravel() / 255
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.Color3DLUT(size, table.tolist())))
