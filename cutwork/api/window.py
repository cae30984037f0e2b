"""The part of a picture that is drawn on when some of it is to change, as a canvas that a model draws well, and the way back.

The picture may be of any size and anybody's. A window is cut around what may change, with some surroundings, scaled down where it is larger
than the model likes; what was drawn comes back into the picture where it may change, and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from cutwork import colours
from cutwork.domain import CELL, MIN_SIDE, Box, FinishSettings, Plan, Region
from cutwork.errors import BadInput
from cutwork.tools.repeats.colours import oklab

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
AROUND = 0.5  # of the longer side of what may change: how much of its surroundings are looked at
LEAST = 32  # pixels of surroundings
ALIKE, MOSTLY = 32, 0.7  # grey levels apart that still are one colour, and the share of the surroundings that has it where they are plain
SIMPLE = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "gray", "black", "white")
FREE = 0.06  # of what may change, at each of its edges: where no subject is placed, so that none is cut off there
LARGER = 1.5  # times the side that a model was made for: the largest window that is drawn as it is


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture, and the canvas it is drawn on. Where the rectangle would leave the picture, the canvas goes on with its edge."""

    left: int
    top: int
    width: int
    height: int
    canvas: tuple[int, int]

    @property
    def scaled(self) -> bool:
        """Whether the canvas has fewer pixels than the rectangle."""
        return self.width > self.canvas[0] or self.height > self.canvas[1]

    def cut(self, picture: Pixels) -> Pixels:
        """The canvas's pixels of a picture (H, W, 3)."""
        part = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        if self.scaled:
            return np.array(Image.fromarray(part).resize(self.canvas, Image.Resampling.LANCZOS))
        return np.pad(part, ((0, self.canvas[1] - part.shape[0]), (0, self.canvas[0] - part.shape[1]), (0, 0)), mode="edge")

    def area(self, may_change: Mask) -> Pixels:
        """Where the canvas may change, (h, w) with 255; a pixel of it may where any pixel may that it stands for."""
        part = may_change[self.top : self.top + self.height, self.left : self.left + self.width]
        if self.scaled:
            return np.where(_any_of(part, self.canvas), 255, 0).astype(np.uint8)
        return np.pad(part * np.uint8(255), ((0, self.canvas[1] - part.shape[0]), (0, self.canvas[0] - part.shape[1])))

    def back(self, drawn: Pixels) -> Pixels:
        """What was drawn on the canvas, (height, width, 3) as it stands in the picture."""
        if self.scaled:
            return np.array(Image.fromarray(drawn).resize((self.width, self.height), Image.Resampling.BICUBIC))
        return drawn[: self.height, : self.width]


def around(may_change: Mask, side: int) -> Window:
    """The window for what may change, on a canvas that suits a model made for squares of that side.

    Raises:
        BadInput: if nothing may change.
    """
    rows, columns = np.flatnonzero(may_change.any(1)), np.flatnonzero(may_change.any(0))
    if not rows.size:
        raise BadInput("nothing may change: no pixel of the mask is wholly transparent")
    more = max(LEAST, round(AROUND * max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)))
    top, bottom = _span(int(rows[0]), int(rows[-1]) + 1, more, side, may_change.shape[0])
    left, right = _span(int(columns[0]), int(columns[-1]) + 1, more, side, may_change.shape[1])
    width, height = right - left, bottom - top
    most = round(side * LARGER / CELL) * CELL
    scale = min(1.0, most / max(width, height))
    if scale == 1.0:
        return Window(left, top, width, height, (_up(width), _up(height)))
    return Window(left, top, width, height, (max(MIN_SIDE, round(width * scale / CELL) * CELL), max(MIN_SIDE, round(height * scale / CELL) * CELL)))


def _any_of(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask (H, W) at another size (w, h): true where any pixel is that a new one stands for, be it by a sliver, which no filter of pictures promises."""
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    (top, bottom), (left, right) = (
        (np.arange(new) * old // new, -(-(np.arange(new) + 1) * old // new)) for new, old in ((size[1], mask.shape[0]), (size[0], mask.shape[1]))
    )
    return np.asarray(sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left] > 0)


def merged(picture: Pixels, drawn: Pixels, may_change: Mask, window: Window) -> Pixels:
    """The picture (H, W, 3 or 4) with what was drawn where it may change, and to the bit as it was elsewhere."""
    out = picture.copy()
    rows, columns = slice(window.top, window.top + window.height), slice(window.left, window.left + window.width)
    inside = may_change[rows, columns]
    out[rows, columns, :3][inside] = window.back(drawn)[inside]
    if out.shape[-1] == 4:
        out[rows, columns, 3][inside] = 255
    return out


def frozen(picture: Pixels, may_change: Mask) -> str:
    """Hash of the pixels that stay."""
    return hashlib.sha256(picture[~may_change].tobytes()).hexdigest()


def placed(plan: Plan, area: Pixels) -> Plan:
    """The plan with its subjects moved, together, into where a canvas may change. Lettering has no place in it."""
    height, width = area.shape
    rows, columns = np.flatnonzero(area.any(1)), np.flatnonzero(area.any(0))
    left, top, right, bottom = columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    free_x, free_y = FREE * (right - left), FREE * (bottom - top)
    room = Box.of(left + free_x, top + free_y, right - free_x, bottom - free_y)
    return plan.model_copy(update={"regions": _fitted(plan.regions, room), "bands": (), "finish": FinishSettings()})


def plain_around(canvas: Pixels, area: Pixels) -> str | None:
    """The colour around what may change, by a name that every model knows; None where there is more than one to be seen."""
    inside = area > 0
    near = canvas[ndimage.binary_dilation(inside, iterations=LEAST) & ~inside].astype(np.float32)
    if not len(near):
        return None
    middle = np.median(near, 0)
    if (np.abs(near - middle).max(-1) <= ALIKE).mean() < MOSTLY:
        return None
    seen = oklab(middle.round().astype(np.uint8))
    return min(SIMPLE, key=lambda name: float(np.square(oklab(np.array(colours.parse(name), np.uint8)) - seen).sum()))


def _fitted(regions: Sequence[Region], room: Box) -> tuple[Region, ...]:
    if not regions:
        return ()
    boxes = [region.box for region in regions]
    x0, y0, x1, y1 = min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    across, down = room.width / (x1 - x0), room.height / (y1 - y0)

    def moved(box: Box) -> Box:
        return Box.of(
            room.x0 + (box.x0 - x0) * across, room.y0 + (box.y0 - y0) * down, room.x0 + (box.x1 - x0) * across, room.y0 + (box.y1 - y0) * down
        )  # fmt: skip

    return tuple(region.model_copy(update={"box": moved(region.box)}) for region in regions)


def _span(begin: int, end: int, more: int, side: int, length: int) -> tuple[int, int]:
    """From and to with surroundings, at least a side long where the picture is, within it."""
    begin, end = begin - more, end + more
    short = max(0, side - (end - begin))
    begin, end = begin - short // 2, end + short - short // 2
    if begin < 0:
        begin, end = 0, end - begin
    if end > length:
        begin, end = begin - (end - length), length
    return max(0, begin), end


def _up(length: int) -> int:
    return max(MIN_SIDE, -(-length // CELL) * CELL)
