"""One panel for each caption: every panel goes close to one subject, in order, and has its caption on paper below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from cutwork.domain import CaptionBand
from cutwork.tools.lettering.scene import Caption, Composition, Pixels, Scene
from cutwork.tools.lettering.setting import Block, fit, moved

SIDE, ALONE = 720, 1024  # pixels of a panel's longer side, among others and alone
GUTTER = 0.03  # of a panel's longer side
CLOSE = 1.35  # times the subject's size
CLOSER, TIGHT = 1.2, 1.06  # the same where others stand near
ASIDE = (0.0, -0.5, 0.5, -0.9, 0.9)  # where in a panel its subject stands: in the middle, or towards a side
NARROWEST = 0.6  # of the picture's shape; no panel is narrower
NEAREST = 0.45  # of the picture; no panel goes closer, for nothing more would be seen
MOST, SPREAD = 0.115, 1.4  # of a panel's longer side; how much larger than the smallest a caption may be
HIGH = 0.3  # of a panel's width; the highest that a caption may be
WIDE = 1.3  # width by height that a sheet should have

View = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels of the drawn image


def lay(scene: Scene) -> Composition:
    """Panels in reading order in a grid that is neither a tower nor a strip."""
    if not scene.bands:
        return Composition(scene.picture, scene.alphas, ())
    shown = [_shown(scene, place, band) for place, (_, band) in enumerate(scene.bands)]
    width, height = _panel(scene, shown)
    gutter = round(max(width, height) * GUTTER)
    blocks = _blocks(scene, width, max(width, height))
    paper = max(block.ink[3] - block.ink[1] for block in blocks) + 5 * gutter // 2
    columns = _columns(len(blocks), width, height + paper)
    rows = math.ceil(len(blocks) / columns)
    sheet = np.full((gutter + rows * (height + paper), gutter + columns * (width + gutter), 3), scene.paper, np.uint8)
    alphas = {region: np.zeros(sheet.shape[:2], np.uint8) for region in scene.alphas}
    captions = []
    for place, ((number, band), block) in enumerate(zip(scene.bands, blocks, strict=True)):
        row, column = divmod(place, columns)
        short = columns * rows - len(blocks) if row == rows - 1 else 0  # a last row that is not full stands in the middle
        x = gutter + column * (width + gutter) + short * (width + gutter) // 2
        y = gutter + row * (height + paper)
        _show(scene, _view(scene, shown[place], width / height), (width, height), (x, y), sheet, alphas)
        captions.append(Caption(number, _below(block, (x, y + height), width, paper - gutter), band.subject))
    return Composition(sheet, alphas, tuple(captions))


def _panel(scene: Scene, shown: Sequence[int | None]) -> tuple[int, int]:
    """Width and height of a panel: the picture's own shape, narrower where every panel goes close to a subject that is."""
    times = (SIDE if len(shown) > 1 else ALONE) / max(scene.width, scene.height)
    narrow, near = 1.0, [k for k in shown if k is not None]
    if len(near) == len(shown):
        sizes = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in map(scene.extent, near)]
        narrow = min(1.0, max(NARROWEST, max(w / h for w, h in sizes) * scene.height / scene.width))
    return max(1, round(scene.width * times * narrow)), max(1, round(scene.height * times))


def _columns(count: int, width: int, height: int) -> int:
    """How many columns bring the sheet nearest to its shape, with few places left empty."""

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        return abs(math.log(columns * width / (rows * height) / WIDE)) + (columns * rows - count) / count

    return min(range(1, count + 1), key=cost)


def _blocks(scene: Scene, width: int, side: int) -> list[Block]:
    """Captions as wide as a panel, of sizes that are not far apart."""
    box, texts = (0, 0, width, round(HIGH * width)), [band.text for _, band in scene.bands]
    least = max(scene.least * side // max(scene.width, scene.height), 12)
    sizes = [size for text in texts if (size := fit(text, box, scene.plain, round(side * MOST), least).size)]
    most = round(SPREAD * min(sizes)) if sizes else least
    return [fit(text, box, scene.plain, min(most, round(side * MOST)), least) for text in texts]


def _below(block: Block, corner: tuple[int, int], width: int, high: int) -> Block:
    """The block in the middle of the paper below a panel, which is `high` pixels from the panel to the next one."""
    x, y = corner
    there = moved(block, x - block.box[0], y + (high - (block.ink[3] - block.ink[1])) // 2 - block.ink[1])
    return replace(there, box=(x, y, x + width, y + high))


def _shown(scene: Scene, place: int, band: CaptionBand) -> int | None:
    """The region that a panel goes close to: of the subject it names, else the next in order; None = it shows all."""
    regions = scene.regions(band.subject) or ((place,) if place < len(scene.plan.regions) else ())
    return regions[0] if regions and len(scene.bands) > 1 else None


def _view(scene: Scene, shown: int | None, shape: float) -> View:
    """What a panel shows of the picture: a subject and as little of others as can be, or all; inside the picture, its width so many times its height.

    Args:
        shown: the region it goes close to; None = all.
        shape: width by height.
    """
    height, width = scene.image.shape[:2]
    if shown is None:
        return 0.0, 0.0, width, height
    subject = scene.plan.regions[shown].subject
    near = [k for k, region in enumerate(scene.plan.regions) if region.subject != subject]
    own, *others = (_scaled(scene.extent(k), width / scene.width) for k in (shown, *near))
    views = [_at(own, close, (aside, down), shape, (width, height)) for close in (CLOSE, CLOSER, TIGHT) for aside in ASIDE for down in ASIDE]
    return min(views, key=lambda view: round(sum(_shared(view, other) for other in others), 3))  # of equals the first: far enough, and in the middle


def _scaled(extent: tuple[float, float, float, float], times: float) -> View:
    x0, y0, x1, y1 = extent
    return x0 * times, y0 * times, x1 * times, y1 * times


def _at(own: View, close: float, towards: tuple[float, float], shape: float, size: tuple[int, int]) -> View:
    """A view that has all of a subject, so many times as large as it, with the subject in the middle (0) or at one of its sides (-1, 1)."""
    x0, y0, x1, y1 = own
    high = close * max(y1 - y0, (x1 - x0) / shape)
    high = min(max(high, NEAREST * size[1] if close > TIGHT else 0.0), size[1], size[0] / shape)
    found = high * shape, high
    left, top = (
        min(max(0.0, start - (length - (end - start)) * (1 + where) / 2), whole - length)
        for start, end, length, where, whole in zip((x0, y0), (x1, y1), found, towards, size, strict=True)
    )
    return left, top, left + found[0], top + found[1]


def _shared(view: View, other: View) -> float:
    """How much of another subject a view shows, 0..1."""
    across = max(0.0, min(view[2], other[2]) - max(view[0], other[0]))
    high = max(0.0, min(view[3], other[3]) - max(view[1], other[1]))
    return across * high / max(1e-9, (other[2] - other[0]) * (other[3] - other[1]))


def _show(scene: Scene, view: View, size: tuple[int, int], corner: tuple[int, int], sheet: Pixels, alphas: dict[int, Pixels]) -> None:
    """One panel's picture onto the sheet, and its alphas onto theirs."""
    x, y = corner
    sheet[y : y + size[1], x : x + size[0]] = np.asarray(Image.fromarray(scene.image).resize(size, Image.Resampling.LANCZOS, box=view))
    times = scene.width / scene.image.shape[1]
    for region, alpha in scene.alphas.items():
        large = Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR, box=tuple(v * times for v in view), reducing_gap=2.0)
        alphas[region][y : y + size[1], x : x + size[0]] = np.asarray(large)
