"""Ink on a picture: all outlines of a caption first, then its letters, then its coloured emoji, so that no outline runs over a letter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from cutwork.tools.lettering import fonts
from cutwork.tools.lettering.setting import Block, Placed, Rect, direction, shown

Pixels = NDArray[np.uint8]
AROUND = 16  # directions in which emoji are thickened


@dataclass(frozen=True)
class Ink:
    """A caption's ink as coverage (h, w), 0..255, of the part `box` of the picture."""

    box: Rect
    letters: Pixels
    outline: Pixels  # letters thickened by the stroke; with a stroke of 0 the letters themselves
    pictures: Pixels  # (h, w, 4) coloured emoji


def ink(block: Block, stroke: int | None = None) -> Ink:
    """The ink of a caption that was set, `stroke` pixels thick around (None = as it was set), clipped to its box."""
    stroke = block.stroke if stroke is None else stroke
    x0, y0, x1, y1 = _clip(block, stroke - block.stroke)
    size = (max(1, x1 - x0), max(1, y1 - y0))
    letters, outline, pictures = Image.new("L", size), Image.new("L", size), Image.new("RGBA", size)
    for one in block.placed:
        if one.run.face.colour:
            picture, at = _picture(one)
            place = (one.x + at[0] - x0, one.y + at[1] - y0)
            pictures.alpha_composite(_cropped(picture, place, size), (max(0, place[0]), max(0, place[1])))
            outline = ImageChops.lighter(outline, _thick(pictures.getchannel("A"), stroke))
        else:
            font, how = fonts.sized(one.run.face, one.size), direction(one.run)
            at = (one.x - x0, one.y - y0)
            ImageDraw.Draw(letters).text(at, shown(one.run), 255, font, anchor="ls", **how)
            ImageDraw.Draw(outline).text(at, shown(one.run), 255, font, anchor="ls", stroke_width=stroke, **how)
    outline = ImageChops.lighter(outline, letters)  # thickened glyphs of few pixels may be thinner than they were
    return Ink((x0, y0, x0 + size[0], y0 + size[1]), np.array(letters), np.array(outline), np.array(pictures))


def _clip(block: Block, more: int) -> Rect:
    x0, y0, x1, y1 = block.ink
    bx0, by0, bx1, by1 = block.box
    return max(bx0, x0 - more), max(by0, y0 - more), min(bx1, x1 + more), min(by1, y1 + more)


def _picture(one: Placed) -> tuple[Image.Image, tuple[int, int]]:
    """A run of coloured emoji at its size, and where its top left corner stands from the run's start."""
    font, text, how = fonts.sized(one.run.face, one.size), shown(one.run), direction(one.run)
    left, top, right, bottom = font.getbbox(text, anchor="ls", **how)
    whole = Image.new("RGBA", (math.ceil(right - left) or 1, math.ceil(bottom - top) or 1))
    ImageDraw.Draw(whole).text((-left, -top), text, font=font, anchor="ls", embedded_color=True, **how)
    size = (max(1, round(whole.width * one.zoom)), max(1, round(whole.height * one.zoom)))
    return whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), (round(left * one.zoom), round(top * one.zoom))


def _cropped(picture: Image.Image, place: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """What of a picture lies inside a canvas on which its corner stands at `place`."""
    x, y = place
    return picture.crop((max(0, -x), max(0, -y), min(picture.width, size[0] - x), min(picture.height, size[1] - y)))


def _thick(alpha: Image.Image, stroke: int) -> Image.Image:
    found = alpha
    for k in range(AROUND if stroke else 0):
        angle = 2 * math.pi * k / AROUND
        moved = ImageChops.offset(alpha, round(stroke * math.cos(angle)), round(stroke * math.sin(angle)))
        found = ImageChops.lighter(found, moved)
    return found


def paint(canvas: Pixels, block: Block) -> None:
    """Paint a caption onto a picture (H, W, 3), in place."""
    if not block.placed:
        return
    found = ink(block)
    x0, y0, x1, y1 = found.box
    part = Image.fromarray(canvas[y0:y1, x0:x1])
    if block.style.stroke:
        part.paste(block.style.stroke, mask=Image.fromarray(found.outline))
    part.paste(block.style.colour, mask=Image.fromarray(found.letters))
    emoji = Image.fromarray(found.pictures)
    part.paste(emoji, mask=emoji.getchannel("A"))
    canvas[y0:y1, x0:x1] = np.asarray(part)


def line(canvas: Pixels, start: tuple[int, int], end: tuple[int, int], colour: tuple[int, int, int], edge: tuple[int, int, int] | None, width: int) -> None:
    """A line with an edge around it and a dot at its end, painted onto a picture (H, W, 3), in place; smooth by drawing it four times as large."""
    reach = 3 * width
    x0, y0 = max(0, min(start[0], end[0]) - reach), max(0, min(start[1], end[1]) - reach)
    x1, y1 = min(canvas.shape[1], max(start[0], end[0]) + reach), min(canvas.shape[0], max(start[1], end[1]) + reach)
    part = Image.fromarray(canvas[y0:y1, x0:x1])
    for ink, thick in ((edge, width * 2.2), (colour, width * 1.0)):
        if ink:
            part.paste(ink, mask=_stroke_mask((x1 - x0, y1 - y0), (start[0] - x0, start[1] - y0), (end[0] - x0, end[1] - y0), thick, width * 1.4 + (thick - width) / 2))
    canvas[y0:y1, x0:x1] = np.asarray(part)


def _stroke_mask(size: tuple[int, int], start: tuple[int, int], end: tuple[int, int], width: float, dot: float) -> Image.Image:
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    draw = ImageDraw.Draw(large)
    (ax, ay), (bx, by) = ((4 * x, 4 * y) for x, y in (start, end))
    draw.line((ax, ay, bx, by), 255, round(4 * width))
    draw.ellipse((ax - 2 * width, ay - 2 * width, ax + 2 * width, ay + 2 * width), 255)
    draw.ellipse((bx - 4 * dot, by - 4 * dot, bx + 4 * dot, by + 4 * dot), 255)
    return large.reduce(4)
