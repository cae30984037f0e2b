"""Labelled objects: every caption at the subject it names, never on another one, with a line to it where it must stand off.

Places are tried all over the picture. The best one is at the subject's foot, covers little of the subject and nothing of its upper half.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import CaptionBand
from cutwork.tools.lettering.scene import MARGIN, Caption, Composition, Pixels, Scene
from cutwork.tools.lettering.setting import Block, Rect, fit, moved
from cutwork.tools.lettering.top_bottom import in_band

MOST, SPREAD = 0.07, 1.25  # of the shorter side; the largest size, and how much larger than the smallest a label may be
WIDE = (1.15, 0.24, 0.5)  # a label's box: times the subject's width, at least and at most of the picture's
HIGH = 0.24  # of the picture's height
SHAPES = tuple((size, width) for size in (1.0, 0.8, 0.65, 0.5) for width in (1.0, 1.6))  # smaller and longer labels to try until there is a place
FOOT = 0.1  # of the subject's height, above its lowest pixel: where a label is best centred
COVERED, FACE = 2.0, 5.0  # what it costs to cover all of the own subject, and all of its upper half; 1 = to stand off by the picture's shorter side
CELL = 1 / 256  # of the shorter side; places are looked for in cells of about so many pixels, a cell with any pixel of a subject being the subject's
CLEAR = 0.008  # of the shorter side, kept free around a label
APART = 0.02  # of the shorter side, between captions, so that two are not read as one
NEAR = 0.03  # of the shorter side; farther off, a line leads to the subject
ALIKE = 4  # places across and down that are alike: where a line from one of them runs over somebody, the others are not tried

Point = tuple[int, int]
Grid = NDArray[np.int64]
Mask = NDArray[np.bool_]


def lay(scene: Scene) -> Composition:
    """Labels at their subjects, other captions in their bands."""
    known = {region.subject for region in scene.plan.regions}
    captions = [in_band(scene, number, band) for number, band in scene.bands if band.subject not in known]
    notes: list[str] = []
    labels = _labels(scene)
    most = _most(scene, labels)
    for number, band, region in labels:
        caption, note = _label(scene, number, band, region, [c.block.ink for c in captions], most)
        captions.append(caption)
        notes += note
    return Composition(scene.picture, scene.alphas, tuple(sorted(captions, key=lambda c: c.band)), tuple(notes))


def _labels(scene: Scene) -> list[tuple[int, CaptionBand, int]]:
    """Bands that label a subject, with their number and region: a subject of several regions has its labels one after another on each."""
    found: list[tuple[int, CaptionBand, int]] = []
    for number, band in scene.bands:
        regions = scene.regions(band.subject)
        if regions:
            before = sum(other.subject == band.subject for _, other, _ in found)
            found.append((number, band, regions[before % len(regions)]))
    return found


def _most(scene: Scene, labels: Sequence[tuple[int, CaptionBand, int]]) -> int:
    """The largest size of labels, so that none shouts beside the smallest."""
    most = round(scene.short * MOST)
    sizes = [fit(band.text, (0, 0, *_room(scene, region)), scene.style, most, scene.least).size for _, band, region in labels]
    return min(most, round(SPREAD * min((size for size in sizes if size), default=most)))


def _room(scene: Scene, region: int) -> tuple[int, int]:
    """Width and height of a label's box."""
    x0, _, x1, _ = scene.extent(region)
    times, narrow, wide = WIDE
    return round(min(wide * scene.width, max(narrow * scene.width, times * (x1 - x0)))), round(HIGH * scene.height)


def _label(scene: Scene, number: int, band: CaptionBand, region: int, taken: Sequence[Rect], most: int) -> tuple[Caption, list[str]]:
    """One label at the best place there is, smaller or in fewer lines if there is none for it."""
    across, down = _room(scene, region)
    others = _others(scene, region, taken)
    for size, width in SHAPES:
        box = (0, 0, min(round(across * width), scene.width), round(down * size))
        block = fit(band.text, box, scene.style, max(scene.least, round(most * size)), scene.least)
        place = _place(scene, block, region, others) if block.lines else None
        if place:
            return Caption(number, _tight(block, place[0]), band.subject, place[1]), []
    if not block.lines:
        return Caption(number, block, band.subject), []
    note = f"{band.text[:40]!r} finds no place at {band.subject!r} that is free of other subjects and captions"
    return Caption(number, _tight(block, _least_bad(scene, block, others)), band.subject), [note]


def _tight(block: Block, corner: Point) -> Block:
    """The block with its ink's corner at a place, and no more box than ink."""
    there = moved(block, corner[0] - block.ink[0], corner[1] - block.ink[1])
    return replace(there, box=there.ink)


def _others(scene: Scene, region: int, taken: Sequence[Rect]) -> Mask:
    """Pixels (H, W) where a region's label may not stand: other subjects, and captions already set."""
    found = np.zeros(scene.picture.shape[:2], bool)
    for other, alpha in scene.alphas.items():
        if other != region:
            found |= alpha > 127
    apart = round(APART * scene.short)
    for x0, y0, x1, y1 in taken:
        found[max(0, y0 - apart) : y1 + apart, max(0, x0 - apart) : x1 + apart] = True
    return found


def _place(scene: Scene, block: Block, region: int, others: Mask) -> tuple[Point, tuple[Point, Point] | None] | None:
    """The cheapest free corner for a label's ink, and its line if it needs one; None if there is none."""
    xs, ys = _corners(scene, block)
    wide, high = block.ink[2] - block.ink[0], block.ink[3] - block.ink[1]
    clear = round(CLEAR * scene.short)
    free = _sums(_cells(others, _cell(scene)), _cell(scene), xs - clear, ys - clear, wide + 2 * clear, high + 2 * clear) == 0
    cost = np.where(free, _cost(scene, region, xs, ys, wide, high), np.inf)
    points, barred = _edge(scene, region), set[Point]()
    for k in np.argsort(cost, axis=None, kind="stable")[: int(np.isfinite(cost).sum())]:
        row, column = divmod(int(k), len(xs))
        if (row // ALIKE, column // ALIKE) in barred:
            continue
        corner = int(xs[column]), int(ys[row])
        leader = _leader(scene, (*corner, corner[0] + wide, corner[1] + high), points)
        if leader is None or not _crosses(leader, others):
            return corner, leader
        barred.add((row // ALIKE, column // ALIKE))
    return None


def _corners(scene: Scene, block: Block) -> tuple[Grid, Grid]:
    """Places of a label's top left corner within the margins: columns and rows."""
    edge, step = round(scene.short * MARGIN), max(2, scene.short // 128)
    last_x, last_y = scene.width - edge - (block.ink[2] - block.ink[0]), scene.height - edge - (block.ink[3] - block.ink[1])
    return np.arange(edge, max(edge, last_x) + 1, step), np.arange(edge, max(edge, last_y) + 1, step)


def _cells(mask: Mask, cell: int) -> Mask:
    """A mask (H, W) in cells, each true if any of its pixels is: (rows of cells, columns of cells)."""
    height, width = mask.shape
    full = np.pad(mask, ((0, -height % cell), (0, -width % cell)))
    found = np.zeros((full.shape[0] // cell, full.shape[1] // cell), bool)
    for down, across in itertools.product(range(cell), repeat=2):
        found |= full[down::cell, across::cell]
    return found


def _sums(cells: Mask, cell: int, xs: Grid, ys: Grid, wide: int, high: int) -> Grid:
    """How many cells of a mask a rectangle of pixels touches at each corner: (corners down, corners across)."""
    total = np.pad(cells, ((1, 0), (1, 0))).cumsum(0, dtype=np.int64).cumsum(1)
    left, top = np.maximum(xs, 0) // cell, np.maximum(ys, 0) // cell
    right, low = (np.minimum(-(-(corner + side) // cell), end) for corner, side, end in ((xs, wide, cells.shape[1]), (ys, high, cells.shape[0])))
    found: Grid = total[np.ix_(low, right)] - total[np.ix_(top, right)] - total[np.ix_(low, left)] + total[np.ix_(top, left)]
    return found


def _cell(scene: Scene) -> int:
    return max(1, round(scene.short * CELL))


def _cost(scene: Scene, region: int, xs: Grid, ys: Grid, wide: int, high: int) -> NDArray[np.float64]:
    """What a label costs at each corner, (corners down, corners across): its way from the subject's foot, and what it covers of the subject."""
    x0, y0, x1, y1 = scene.extent(region)
    cell = _cell(scene)
    own = _cells(scene.alphas[region] > 127, cell) if region in scene.alphas else np.zeros((1, 1), bool)
    upper = own.copy()
    upper[(y0 + y1) // 2 // cell :] = False
    away_x = (xs + wide / 2 - (x0 + x1) / 2)[None, :]
    away_y = (ys + high / 2 - (y1 - FOOT * (y1 - y0)))[:, None]
    far: NDArray[np.float64] = np.hypot(away_x, away_y) / scene.short
    for cells, weight in ((own, COVERED), (upper, FACE)):
        if cells.any():
            far = far + weight * _sums(cells, cell, xs, ys, wide, high) / cells.sum()
    return far


def _leader(scene: Scene, label: Rect, points: Grid) -> tuple[Point, Point] | None:
    """A line from a label to the nearest of its subject's points (n, 2), a little into it; None where they are near each other."""
    x0, y0, x1, y1 = label
    gap_x = np.maximum(np.maximum(x0 - points[:, 0], points[:, 0] - x1), 0)
    gap_y = np.maximum(np.maximum(y0 - points[:, 1], points[:, 1] - y1), 0)
    far = np.hypot(gap_x, gap_y)
    if far.min() <= NEAR * scene.short:
        return None
    nearest = points[far.argmin()]
    inward = points.mean(0) - nearest
    end = nearest + inward * min(1.0, NEAR * scene.short / max(1.0, float(np.hypot(*inward))))
    start = min(max(x0, int(end[0])), x1), min(max(y0, int(end[1])), y1)
    return start, (int(end[0]), int(end[1]))


def _edge(scene: Scene, region: int) -> Grid:
    """Points (n, 2), x and y, along a subject's edge; the middle of its planned place if nothing of it was found."""
    step = max(1, scene.short // 128)
    alpha = scene.alphas.get(region)
    inside = np.pad(alpha[::step, ::step] > 127, 1) if alpha is not None else np.zeros((2, 2), bool)
    within = inside[1:-1, 1:-1]
    edge = within & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])
    ys, xs = edge.nonzero()
    if not len(xs):
        x0, y0, x1, y1 = scene.extent(region)
        return np.array([[(x0 + x1) // 2, (y0 + y1) // 2]])
    return np.stack([xs, ys], 1) * step


def _crosses(line: tuple[Point, Point], mask: Mask) -> bool:
    """Whether a line runs over a mask (H, W)."""
    (ax, ay), (bx, by) = line
    steps = max(2, abs(bx - ax), abs(by - ay))
    xs = np.linspace(ax, bx, steps).astype(int).clip(0, mask.shape[1] - 1)
    ys = np.linspace(ay, by, steps).astype(int).clip(0, mask.shape[0] - 1)
    return bool(mask[ys, xs].any())


def _least_bad(scene: Scene, block: Block, others: Mask) -> Point:
    """The corner at which a label covers least of what it should not."""
    xs, ys = _corners(scene, block)
    covered = _sums(_cells(others, _cell(scene)), _cell(scene), xs, ys, block.ink[2] - block.ink[0], block.ink[3] - block.ink[1])
    row, column = divmod(int(covered.argmin()), len(xs))
    return int(xs[column]), int(ys[row])


def thickness(picture: Pixels) -> int:
    """Pixels of a label's line on a picture (H, W, 3)."""
    return max(2, int(min(picture.shape[:2])) // 200)
