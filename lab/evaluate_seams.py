"""Do repeats tile, and would we notice if one did not?  `cutwork eval seams`

Motifs are drawn here, of many shapes and shades; every repeat is compiled from several sets of them and scored at its edges, and the
borders of its cells. Then tiles are broken on purpose, each in a way that happens in practice, and must be found out; small faults must at least
be worth a look.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cutwork.domain import Repeat
from cutwork.tools.repeats import separate
from cutwork.tools.repeats.compile import Motif, motif, settle, tile
from cutwork.tools.repeats.lattice import Lattice, lattice
from cutwork.tools.repeats.seams import FAIL, LOOK, cell, seams

from . import evaluate

Pixels = np.ndarray
GROUND = (246, 238, 220)
GAP = 8.0  # pixels
REPEATS: tuple[Repeat, ...] = get_args(Repeat)


def run(width: int = 480, sets: int = 6) -> evaluate.Report:
    """Score every repeat of several sets of motifs, and what is broken of them."""
    made = {repeat: [_made(repeat, width, number) for number in range(sets)] for repeat in REPEATS}
    figures = [evaluate.mean(f"seam score, {repeat}", [seams(page, grid).worst for grid, page in pages], "", f"≤ {LOOK:g}") for repeat, pages in made.items()]
    everything = [pair for pages in made.values() for pair in pages]
    figures += [
        evaluate.mean("moved by its lattice, difference", [seams(page, grid).moved for grid, page in everything], "levels", "≤ 0"),
        evaluate.mean("one half-drop cell, edges met half a cell lower", [max(cell(*_cell(g, p, 0.5))) for g, p in made["half-drop"]], "", f"≤ {LOOK:g}"),
        evaluate.mean("one half-brick cell, edges met half a cell on", [max(cell(*_cell(g, p, 0.5))) for g, p in made["half-brick"]], "", f"≤ {LOOK:g}"),
        evaluate.mean("spot colours, seam score", [_of_inks(grid, page) for grid, page in everything[::5]], "", f"≤ {LOOK:g}"),
        evaluate.share("sound tiles passed", [seams(page, grid).sound for grid, page in everything], "≥ 100"),
        evaluate.share("sound tiles passed, cut anywhere", [seams(cut).worst <= LOOK for _, page in everything for cut in _cut_anywhere(page)], "≥ 99"),
    ]
    broken = {name: [score for grid, page in everything if (score := breaking(grid, page)) is not None] for name, breaking in BROKEN.items()}
    figures += [evaluate.mean(f"broken: {name}", scores, "", f"≥ {FAIL:g}") for name, scores in broken.items()]
    figures.append(evaluate.share("broken tiles found out", [score > FAIL for scores in broken.values() for score in scores], "≥ 100"))
    figures += [evaluate.share(f"small fault: {name}", [fault(page) > LOOK for _, page in everything], "≥ 90") for name, fault in SMALL.items()]
    figures.append(evaluate.share("a pixel less than the lattice, found out", [not seams(page[:-1, :-1], grid).sound for grid, page in everything], "≥ 100"))
    wrongly = [_wrongly_moved(grid, page, by) for grid, page in everything if grid.repeat in SHIFTED for by in (1, 2, grid.cell[1] // 6)]
    figures.append(evaluate.share("wrong lattices found out, from a pixel on", wrongly, "≥ 100"))
    pictures = [Image.fromarray(np.tile(pages[0][1], (2, 2, 1))) for pages in made.values()]
    return evaluate.Report("seams", f"cutwork eval seams --sets {sets}", tuple(figures), evaluate.sheet(pictures, columns=4, side=360))


def shapes(number: int, count: int = 3, side: int = 160) -> list[Motif]:
    """Motifs of a set: stars, leaves and pebbles in shaded colours, different in every set."""
    rng = np.random.default_rng(number)
    found = [motif(f"shape {k}", _shape(rng, side)) for k in range(count)]
    return [one for one in found if one is not None]


def _shape(rng: np.random.Generator, side: int) -> Pixels:
    """One shape (side, side, 4): a wobbly outline filled with a gradient and a few dots."""
    angle = np.linspace(0, 2 * math.pi, 90, endpoint=False)
    lobes, depth = int(rng.integers(2, 8)), rng.uniform(0.05, 0.4)
    radius = side * 0.48 * (1 - depth * (0.5 + 0.5 * np.cos(lobes * angle)))
    squeeze = rng.uniform(0.6, 1.0)
    points = [(side / 2 + r * math.cos(a), side / 2 + r * squeeze * math.sin(a)) for r, a in zip(radius, angle, strict=True)]
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon(points, fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(0.8))
    low, high = rng.integers(20, 150, 3), rng.integers(100, 256, 3)
    ramp = np.linspace(0, 1, side)[:, None, None]
    image = Image.fromarray(np.broadcast_to(low + (high - low) * ramp, (side, side, 3)).astype(np.uint8))
    for _ in range(6):
        x, y, r = rng.uniform(0.2, 0.8) * side, rng.uniform(0.2, 0.8) * side, rng.uniform(0.02, 0.08) * side
        ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    return np.dstack([np.asarray(image), np.asarray(mask)])


def _made(repeat: Repeat, width: int, number: int) -> tuple[Lattice, Pixels]:
    motifs = shapes(number, 1 + number % 4)
    grid = lattice(repeat, width, len(motifs))
    page = tile(grid, motifs, settle(grid, motifs, GAP, number), GROUND)
    shift = np.random.default_rng(number).integers(0, page.shape[:2])  # where a repeat is cut is free: not only where it is convenient
    return grid, np.roll(page, tuple(shift), (0, 1)) if repeat != "mirror" else page


def _cell(grid: Lattice, page: Pixels, drop: float) -> tuple[Pixels, tuple[int, int]]:
    """One cell of a half-drop or half-brick tile, and the shift at which its edges meet."""
    w, h = grid.cell
    roll = (round(h * drop), 0) if grid.repeat == "half-drop" else (0, round(w * drop))
    return page[:h, :w], roll


def _of_inks(grid: Lattice, page: Pixels) -> float:
    return seams(separate.separate(page, GROUND, 150, 6).pixels, grid).worst


SHIFTED = ("half-drop", "half-brick", "hexagonal")


def _wrongly_moved(grid: Lattice, page: Pixels, by: int) -> bool:
    """Whether a lattice whose shift is some pixels off is told from the right one."""
    w, h = grid.cell
    wrong = ((w, h // 2 - by), (0, h)) if grid.repeat == "half-drop" else ((w, 0), (w // 2 - by, h))
    return not seams(page, Lattice(grid.repeat, grid.cell, grid.tile, wrong)).sound


def _cut_anywhere(page: Pixels, times: int = 5) -> list[Pixels]:
    """The same pattern, its edges elsewhere: a sound tile has no place where it may not be cut."""
    return [np.roll(page, tuple(shift), (0, 1)) for shift in np.random.default_rng(0).integers(0, page.shape[:2], (times, 2))]


def _through(page: Pixels) -> Pixels:
    """The tile cut where most motifs cross its edges: a cut through bare ground cannot be seen, whatever is done to it."""
    down, across = page.std(1).sum(-1), page.std(0).sum(-1)
    return np.roll(page, (-int(down.argmax()), -int(across.argmax())), (0, 1))


def _trimmed(_: Lattice, page: Pixels) -> float:
    """A tile that lost a strip when it was cropped."""
    page = _through(page)
    return seams(page[: -max(8, len(page) // 12), : -max(8, page.shape[1] // 12)]).worst


def _resampled_apart(_: Lattice, page: Pixels) -> float:
    """A tile whose right half was scaled a little on its own, and trimmed to size again."""
    page = _through(page)
    h, w = page.shape[:2]
    right = np.asarray(Image.fromarray(page[:, w // 2 :]).resize((w - w // 2, int(h * 1.15)), Image.Resampling.BICUBIC))[:h]
    return seams(np.concatenate([page[:, : w // 2], right], 1)).worst


def _shaded(_: Lattice, page: Pixels) -> float:
    """A tile photographed under a lamp: brighter on one side."""
    light = np.linspace(0.72, 1.0, page.shape[1])[None, :, None]
    return seams((page * light).astype(np.uint8)).worst


def _unwrapped(_: Lattice, page: Pixels) -> float:
    """A tile whose motifs end at its edges instead of going on at the other side."""
    page = _through(page)
    h, w = page.shape[:2]
    other = np.roll(page, (h // 3, w // 3), (0, 1))
    cut = page.copy()
    cut[:, : w // 2] = other[:, : w // 2]
    return seams(cut).worst


def _wrong_drop(grid: Lattice, page: Pixels) -> float | None:
    """A half-drop or half-brick cell that is put together a third lower or further on instead of half."""
    return max(cell(*_cell(grid, _through(page), 1 / 3))) if grid.repeat in ("half-drop", "half-brick") else None


BROKEN: dict[str, Callable[[Lattice, Pixels], float | None]] = {
    "cropped too far": _trimmed,
    "halves scaled apart": _resampled_apart,
    "lit from one side": _shaded,
    "motifs cut at the edge": _unwrapped,
    "dropped by a third": _wrong_drop,
}


def _slipped(page: Pixels, by: int) -> float:
    """A tile whose right half went down by a pixel or two when it was put together."""
    page = _through(page)
    half = page.shape[1] // 2
    return seams(np.concatenate([page[:, :half], np.roll(page[:, half:], by, 0)], 1)).worst


def _toned(page: Pixels, by: int) -> float:
    """A tile whose left half is a shade darker."""
    darker = page.astype(int)
    darker[:, : page.shape[1] // 2] -= by
    return seams(darker.clip(0).astype(np.uint8)).worst


SMALL: dict[str, Callable[[Pixels], float]] = {
    "slipped by two pixels": lambda page: _slipped(page, 2),
    "slipped by three pixels": lambda page: _slipped(page, 3),
    "two levels darker": lambda page: _toned(page, 2),
}


def bench(width: int = 4096) -> dict[str, float]:
    """Seconds of one core for a tossed repeat of a tile so wide, placed and compiled, and for its separation into six colours; and how many motifs it has."""
    motifs = shapes(1, 5, side=256)
    grid = lattice("tossed", width)
    started = time.process_time()
    placed = settle(grid, motifs, width / 90, 7)
    page = tile(grid, motifs, placed, GROUND)
    tossed = time.process_time()
    separate.separate(page, GROUND, 150, 6)
    return {"tossed_s": round(tossed - started, 2), "motifs": len(placed), "separate_s": round(time.process_time() - tossed, 2), "width": width}
