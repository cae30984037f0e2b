"""One panel for each caption: every panel goes close to one subject, in order, and has its caption on paper below it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from cutwork.domain import CaptionBand
from cutwork.tools.lettering.scene import Caption, Composition, Pixels, Scene
from cutwork.tools.lettering.setting import Block, fit, moved

SIDE, ALONE = 720, 1024  # pixels of a panel's longer side, among others and alone
GUTTER = 0.03  # of a panel's longer side
CLOSE = 1.35  # times the subject's size
NEAREST = 0.45  # of the picture; no panel goes closer, for nothing more would be seen
MOST, SPREAD = 0.115, 1.4  # of a panel's longer side; how much larger than the smallest a caption may be
HIGH = 0.3  # of a panel's width; the highest that a caption may be
WIDE = 1.3  # width by height that a sheet should have

View = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels of the drawn image


def lay(scene: Scene) -> Composition:
    """Panels in reading order in a grid that is neither a tower nor a strip."""
    if not scene.bands:
        return Composition(scene.picture, scene.alphas, ())
    width, height = _panel(scene, len(scene.bands))
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
        _show(scene, _view(scene, place, band), (width, height), (x, y), sheet, alphas)
        captions.append(Caption(number, _below(block, (x, y + height), width, paper - gutter), band.subject))
    return Composition(sheet, alphas, tuple(captions))


def _panel(scene: Scene, count: int) -> tuple[int, int]:
    """Width and height of a panel: the picture's own shape."""
    times = (SIDE if count > 1 else ALONE) / max(scene.width, scene.height)
    return max(1, round(scene.width * times)), max(1, round(scene.height * times))


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


def _view(scene: Scene, place: int, band: CaptionBand) -> View:
    """What a panel shows: the subject it names, else the next in order, else all; of the picture's own shape and inside it."""
    height, width = scene.image.shape[:2]
    regions = scene.regions(band.subject) or ((place,) if place < len(scene.plan.regions) else ())
    if not regions or len(scene.bands) == 1:
        return 0.0, 0.0, width, height
    x0, y0, x1, y1 = (v * width / scene.width for v in scene.extent(regions[0]))
    share = min(1.0, max(NEAREST, CLOSE * (x1 - x0) / width, CLOSE * (y1 - y0) / height))
    left = min(max(0.0, (x0 + x1) / 2 - share * width / 2), width - share * width)
    top = min(max(0.0, (y0 + y1) / 2 - share * height / 2), height - share * height)
    return left, top, left + share * width, top + share * height


def _show(scene: Scene, view: View, size: tuple[int, int], corner: tuple[int, int], sheet: Pixels, alphas: dict[int, Pixels]) -> None:
    """One panel's picture onto the sheet, and its alphas onto theirs."""
    x, y = corner
    sheet[y : y + size[1], x : x + size[0]] = np.asarray(Image.fromarray(scene.image).resize(size, Image.Resampling.LANCZOS, box=view))
    times = scene.width / scene.image.shape[1]
    for region, alpha in scene.alphas.items():
        large = Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR, box=tuple(v * times for v in view), reducing_gap=2.0)
        alphas[region][y : y + size[1], x : x + size[0]] = np.asarray(large)
