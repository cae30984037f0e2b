"""What lettering is set upon, and what comes of it.

Pictures are brought to a size worth sharing first, so that letters are crisp however small the drawing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.colours import parse
from cutwork.domain import Box, CaptionBand, Plan
from cutwork.errors import BadInput
from cutwork.tools.lettering import fonts, runs
from cutwork.tools.lettering.setting import Block, Colour, Rect, Style

LONGEST = 1024  # pixels, at least, of the longer side
MARGIN = 0.04  # of the shorter side, kept free of letters at every edge
LEGIBLE = 1 / 40  # of the shorter side; the smallest size
LEAST = 12  # pixels, the smallest size of all

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A picture with what is known of it."""

    plan: Plan
    image: Pixels  # (h, w, 3) as it was drawn
    picture: Pixels  # (H, W, 3) the same, large enough
    alphas: dict[int, Pixels]  # region to its subject's alpha, (H, W)

    @property
    def width(self) -> int:
        return int(self.picture.shape[1])

    @property
    def height(self) -> int:
        return int(self.picture.shape[0])

    @property
    def short(self) -> int:
        """The shorter side."""
        return min(self.width, self.height)

    @property
    def least(self) -> int:
        """The smallest size of letters that can be read."""
        return max(LEAST, round(self.short * LEGIBLE))

    @property
    def style(self) -> Style:
        """Letters upon the picture."""
        meme = self.plan.finish.meme
        return Style(fonts.face(meme.font), parse(meme.colour), parse(meme.stroke), meme.upper)

    @property
    def plain(self) -> Style:
        """Letters upon paper of the letters' colour: in the colour of the stroke, without one."""
        style = self.style
        return Style(style.face, style.stroke or (0, 0, 0), None, style.upper)

    @property
    def paper(self) -> Colour:
        return self.style.colour

    @property
    def bands(self) -> tuple[tuple[int, CaptionBand], ...]:
        """Bands that say something, with their numbers."""
        return tuple((k, band) for k, band in enumerate(self.plan.bands) if runs.cleaned(band.text))

    def regions(self, subject: str | None) -> tuple[int, ...]:
        """Numbers of a subject's regions."""
        return tuple(k for k, region in enumerate(self.plan.regions) if region.subject == subject)

    def extent(self, region: int) -> Rect:
        """Pixels tight around a region's subject; its planned place where nothing of it was found."""
        alpha = self.alphas.get(region)
        if alpha is None or int(alpha.max()) <= 127:
            return self.plan.regions[region].box.pixels(self.width, self.height)
        rows, columns = (alpha.max(1) > 127).nonzero()[0], (alpha.max(0) > 127).nonzero()[0]
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def area(self, box: Box) -> Rect:
        """Pixels of a box without the picture's margins; with them if they are all there is of it."""
        x0, y0, x1, y1 = box.pixels(self.width, self.height)
        edge = round(self.short * MARGIN)
        inner = max(x0, edge), max(y0, edge), min(x1, self.width - edge), min(y1, self.height - edge)
        return inner if inner[2] - inner[0] > (x1 - x0) / 2 and inner[3] - inner[1] > (y1 - y0) / 2 else (x0, y0, x1, y1)


@dataclass(frozen=True)
class Caption:
    """A caption of the plan as it was set."""

    band: int  # its number among the plan's bands
    block: Block
    subject: str | None = None  # whom it labels
    leader: tuple[tuple[int, int], tuple[int, int]] | None = None  # a line from the caption to its subject


@dataclass(frozen=True)
class Composition:
    """A picture for lettering and what shall stand on it."""

    bare: Pixels  # (H, W, 3) without letters
    alphas: dict[int, Pixels]  # region to its subject's alpha, (H, W)
    captions: tuple[Caption, ...]
    notes: tuple[str, ...] = ()


def scene(plan: Plan, image: Pixels, alphas: Sequence[Pixels]) -> Scene:
    """A picture (h, w, 3) and the alphas (h, w) of the plan's regions, enlarged if need be.

    Raises:
        BadInput: if they are not of one size.
    """
    height, width = image.shape[:2]
    if any(alpha.shape != (height, width) for alpha in alphas):
        raise BadInput(f"the picture is {width}x{height}, alphas are {[f'{a.shape[1]}x{a.shape[0]}' for a in alphas]}")
    times = max(1.0, LONGEST / max(width, height))
    size = (max(1, round(width * times)), max(1, round(height * times)))
    large = image if times == 1.0 else np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    grown = (alpha if times == 1.0 else np.array(Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR)) for alpha in alphas)
    return Scene(plan, image, large, dict(enumerate(grown)))
