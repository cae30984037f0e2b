"""What lettering does to a picture: how well it can be read, and what it covers.

Contrast is WCAG's ratio of relative luminances, 1 to 21, of the letters against the pixels right around them; the figure that all but the worst twentieth
of those pixels reach. `contrast` is measured on the finished picture, where the stroke is what lies around; `behind` on the picture without lettering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutwork.domain import Plan
from cutwork.tools.lettering.captions import compose, painted
from cutwork.tools.lettering.painting import ink
from cutwork.tools.lettering.scene import Composition
from cutwork.tools.lettering.setting import STROKE, Block, Colour

Pixels = NDArray[np.uint8]
READABLE = 4.5  # WCAG 2, level AA, for text; 3 for large one
WORST = 5  # percentile
_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])


@dataclass(frozen=True)
class Clash:
    """One caption, measured."""

    band: int  # its number among the plan's bands
    caption: str
    subject: str | None  # whom it labels
    contrast: float  # 1..21 with the stroke; 0 where nothing was set
    behind: float  # 1..21 without it
    clash: dict[int, float]  # share of the caption's pixels on each region's subject, by region


def luminance(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance (…) in 0..1 of sRGB colours (…, 3)."""
    found: NDArray[np.float64] = _LINEAR[colours] @ np.array([0.2126, 0.7152, 0.0722])
    return found


def contrast(colour: Colour, against: NDArray[np.uint8]) -> NDArray[np.float64]:
    """WCAG's ratio, 1..21, of a colour to each of some colours (n, 3)."""
    one, others = luminance(np.array(colour, np.uint8)), luminance(against)
    ratio: NDArray[np.float64] = (np.maximum(one, others) + 0.05) / (np.minimum(one, others) + 0.05)
    return ratio


def measure(plan: Plan, image: Pixels, alphas: Sequence[Pixels]) -> tuple[Clash, ...]:
    """Set a plan's captions on its picture and measure them, one `Clash` each; nothing is kept.

    Args and errors as those of `captions.compose`.
    """
    composition = compose(plan, image, alphas)
    return measured(composition, painted(composition))


def measured(composition: Composition, picture: Pixels) -> tuple[Clash, ...]:
    """Measure captions that were set; `picture` (H, W, 3) is the painted one."""
    found = []
    for one in composition.captions:
        contrast, behind = _ratio(one.block, picture), _ratio(one.block, composition.bare)
        found.append(Clash(one.band, one.block.text, one.subject, contrast, behind, covered(one.block, composition.alphas)))
    return tuple(found)


def covered(block: Block, alphas: Mapping[int, Pixels]) -> dict[int, float]:
    """Share of a caption's pixels, stroke included, on each region's alpha (H, W), by region."""
    if not block.placed:
        return dict.fromkeys(alphas, 0.0)
    there = ink(block)
    x0, y0, x1, y1 = there.box
    inside = np.maximum(there.outline, there.pictures[..., 3]) > 127
    return {region: round(float((alpha[y0:y1, x0:x1][inside] > 127).mean()) if inside.any() else 0.0, 4) for region, alpha in alphas.items()}


def _ratio(block: Block, picture: Pixels) -> float:
    """Of the letters to what is around them in a picture; of coloured emoji nothing can be said, so they count as the best there is; 0 where nothing was set."""
    if not block.placed:
        return 0.0
    around = ink(block, max(2, block.stroke, round(block.size * STROKE)))
    x0, y0, x1, y1 = around.box
    ring = (around.outline > 127) & (around.letters == 0) & (around.pictures[..., 3] == 0)
    if not around.letters.any() or not ring.any():
        return 21.0
    return round(float(np.percentile(contrast(block.style.colour, picture[y0:y1, x0:x1][ring]), WORST)), 2)
