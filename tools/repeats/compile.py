"""From cut-outs to motifs, and from placed motifs to the pixels of a tile that tiles straight.

A motif that crosses an edge of the tile goes on at the opposite edge, with the same pixels: the tile is seamless because it is a torus.
Copies of a repeat are pasted at whole pixels, so that the pattern moved by a vector of its lattice is the same to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.colours import Rgb
from cutwork.errors import BadInput
from cutwork.tools.masks.shape import drawn, shaped
from cutwork.tools.repeats import colours, toss
from cutwork.tools.repeats.lattice import LINE, Lattice, Placed, everywhere, wave

Pixels = NDArray[np.uint8]
EMPTY = 2  # pixels; a cut-out that is smaller along either side is no motif
FRINGE = 3  # pixels of a cut-out that its background may shine into
LEANING = 0.9  # of the distance from the background that colours further in have
SPREAD = (1, 2, 4, 8)  # pixels over which colours go on beyond what is seen, one after the other
REACH = sum(SPREAD)
ENLARGED = 1.2  # from here on edges are drawn anew
TONE = 0.07  # by how much of OKLab's lightness that line differs from the ground


@dataclass(frozen=True)
class Motif:
    """A cut-out trimmed to what can be seen of it."""

    name: str
    pixels: Pixels  # (H, W, 4), straight alpha

    @cached_property
    def outline(self) -> toss.Outline:
        """Where it is solid."""
        return toss.Outline.of(self.pixels[..., 3])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def motif(name: str, layer: Pixels, behind: Rgb | None = None) -> Motif | None:
    """A motif from an RGBA layer (H, W, 4); None if nothing, or no more than a dot, is to be seen on it.

    `behind` is the background it was cut from: what of it is left along the edge would be a fringe on any other ground, and goes.
    """
    solid = layer[..., 3] >= toss.SOLID
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows) or len(rows) < EMPTY or len(columns) < EMPTY or layer[..., 3].max() < 128:
        return None
    trimmed = np.ascontiguousarray(layer[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return Motif(name, trimmed if behind is None else _without_fringe(trimmed, behind))


def _without_fringe(rgba: Pixels, behind: Rgb) -> Pixels:
    """Colours along the edge (H, W, 4) that lean towards the background replaced by those further in."""
    solid = np.pad(rgba[..., 3] >= 128, FRINGE)
    inner = solid.copy()
    for _ in range(FRINGE):
        inner[1:-1, 1:-1] &= inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    inner = inner[FRINGE:-FRINGE, FRINGE:-FRINGE]
    if not inner.any():
        return rgba
    further_in = _spread(np.dstack([rgba[..., :3], inner.astype(np.uint8) * 255]))
    base = colours.oklab(np.array(behind, np.uint8))
    own, within = (np.sqrt(np.square(colours.oklab(c) - base).sum(-1)) for c in (rgba[..., :3], further_in))
    leans = ~inner & (own < LEANING * within)
    return np.dstack([np.where(leans[..., None], further_in, rgba[..., :3]), rgba[..., 3]])


def settle(lattice: Lattice, motifs: Sequence[Motif], gap: float, seed: int, side: float | None = None) -> tuple[Placed, ...]:
    """Where motifs stand in one cell (tossed: in the tile), pixels; see `toss.toss` and `toss.arrange`.

    Raises:
        BadInput: if there is no room for them, or no motif.
    """
    if not motifs:
        raise BadInput("a repeat needs at least one motif")
    outlines = [m.outline for m in motifs]
    if lattice.repeat == "tossed":
        return toss.toss(lattice, outlines, gap, seed, side)
    return toss.arrange(lattice, outlines, gap, side)


def tile(lattice: Lattice, motifs: Sequence[Motif], placed: Sequence[Placed], ground: Rgb) -> Pixels:
    """The pixels of the tile (H, W, 3), motifs over their ground; moving it by a vector of the lattice changes nothing."""
    stamps = _Stamps(motifs, placed)
    if lattice.repeat == "mirror":
        quarter = Image.new("RGB", lattice.cell, ground)
        for one in placed:
            _paste(quarter, stamps.of(one), one)
        half = np.asarray(quarter)
        return np.concatenate([row := np.concatenate([half, half[:, ::-1]], 1), row[::-1]], 0)
    page = Image.fromarray(_grounded(lattice, ground))
    for one in placed:
        stamp = stamps.of(one)
        for copy in everywhere(lattice, one):
            _paste(page, stamp, copy)
    return np.asarray(page)


def _paste(page: Image.Image, stamp: Image.Image, one: Placed) -> None:
    """A stamp about its centre, and again at the opposite edges where it crosses one."""
    left, top = one.x - stamp.width // 2, one.y - stamp.height // 2
    for x in _wrapped(left, stamp.width, page.width):
        for y in _wrapped(top, stamp.height, page.height):
            page.paste(stamp, (x, y), stamp)


def _wrapped(start: int, length: int, around: int) -> range:
    """Every start, a torus apart, from which something of that length is seen on 0..around."""
    first = start % around
    first -= around * math.ceil((first + length - around) / around) if first + length > around else 0
    return range(first, around, around)


class _Stamps:
    """Motifs at the sizes and angles they are placed in; what was made before is taken again."""

    def __init__(self, motifs: Sequence[Motif], placed: Sequence[Placed]) -> None:
        self._large = {k: enlarged(one.pixels, max(p.side for p in own)) for k, one in enumerate(motifs) if (own := [p for p in placed if p.motif == k])}
        self._sized: dict[tuple[int, float], Image.Image] = {}

    def of(self, one: Placed) -> Image.Image:
        """A motif at its size, reflected and turned."""
        key = (one.motif, one.side)
        if key not in self._sized:
            self._sized[key] = _shrunk(self._large[one.motif], one.side)
        image = self._sized[key]
        if one.flip_x:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if one.flip_y:
            image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        return image.rotate(one.angle, Image.Resampling.BICUBIC, expand=True) if one.angle else image


def _shrunk(image: Image.Image, side: float) -> Image.Image:
    """With the longer side so long; Pillow multiplies by alpha first."""
    factor = side / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def enlarged(pixels: Pixels, side: float) -> Image.Image:
    """RGBA pixels (H, W, 4) with the longer side so long; an enlarged edge is as crisp as one that was drawn at that size."""
    h, w = pixels.shape[:2]
    factor = side / max(h, w)
    if factor < ENLARGED:
        return _shrunk(Image.fromarray(pixels), side)
    return Image.fromarray(drawn(shaped(pixels), (max(1, round(w * factor)), max(1, round(h * factor))), whole=True))


def _spread(rgba: Pixels) -> Pixels:
    """Colours (H, W, 3) that go on beyond the alpha: where nothing is seen, those of the nearest that is, blurred."""
    rgba = np.pad(rgba, ((REACH, REACH), (REACH, REACH), (0, 0)))  # a motif is no torus: what is at its left says nothing of its right
    share = np.asarray(rgba[..., 3], np.float32) / np.float32(255)
    found, known = rgba[..., :3].astype(np.float32), share > 0.5
    totals = [found[..., k] * share for k in range(3)]
    for radius in SPREAD:
        totals, share = [toss.blurred(total, radius) for total in totals], toss.blurred(share, radius)
        new = ~known & (share > 1e-4)
        found[new] = np.stack([total[new] / share[new] for total in totals], -1)
        known |= new
    return (found[REACH:-REACH, REACH:-REACH] + 0.5).clip(0, 255).astype(np.uint8)


def _grounded(lattice: Lattice, ground: Rgb) -> Pixels:
    """The tile without motifs: plain, and for an ogee with the lines of its ovals in a second tone."""
    w, h = lattice.tile
    plain = np.empty((h, w, 3), np.uint8)
    plain[:] = ground
    if lattice.oval is None:
        return plain
    u, v = lattice.oval
    line = _line(u, v)  # (v, u), one oval's breadth of both borders
    whole = np.tile(line, (h // v, w // u))
    tone = np.array(toned(ground), np.float32)
    mixed = plain + (tone - plain) * whole[..., None]
    return (mixed + 0.5).astype(np.uint8)


def toned(ground: Rgb) -> Rgb:
    """The ground a little darker, or lighter where it is dark."""
    lab = colours.oklab(np.array(ground, np.uint8))
    lab[0] += -TONE if lab[0] > 0.5 else TONE
    return colours.triple(colours.rgb(lab))


def _line(u: int, v: int) -> NDArray[np.float32]:
    """Coverage 0..1 of the two waves that bound ogees, over one oval's breadth (v, u): the second is the first, half an oval on."""
    x = np.arange(u, dtype=np.float64)
    rows = np.array([(wave((u, v), y), wave((u, v), y + 1) - wave((u, v), y)) for y in range(v)])  # (v, 2): where, and its slope
    apart = np.abs((x - rows[:, :1] + u / 2) % u - u / 2) / np.sqrt(1 + rows[:, 1:] ** 2)
    one = (LINE * u / 2 - apart + 0.5).clip(0, 1).astype(np.float32)
    two = np.roll(np.roll(one, u // 2, 1), v // 2, 0)
    return np.asarray(np.maximum(one, two))
