"""What may not change yet is held, while drawing, to the picture it starts from, with as much noise as belongs to the step.

Each token is let go once the noise has fallen to its level, as in Differential Diffusion (2306.00950).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.tools.keep.start import DRAWN, STAYS, Start

if TYPE_CHECKING:
    from torch import Tensor

    from cutwork.tools.families.base import Family


@dataclass(frozen=True, eq=False)
class Held:
    """Clean latents, and from how much noise on each of their tokens is free: of the latents' shape, or one to be broadcast over it."""

    clean: Tensor
    level: Tensor

    @property
    def begin(self) -> float:
        """The noise above which nothing is free."""
        return float(self.level.max())


def held(start: Start, family: Family, size: tuple[int, int]) -> Held:
    """A drawing's start as a family's latents see it, at a canvas of (width, height).

    A token is as free as the freest of its pixels.
    """
    import torch

    picture = np.array(Image.fromarray(start.picture).resize(size, Image.Resampling.BICUBIC))
    clean = family.latents(picture)
    rows, columns = family.grid(size) if clean.ndim == 3 else (int(clean.shape[-2]), int(clean.shape[-1]))
    share = _pooled(np.where(start.area >= DRAWN, (start.area.astype(np.float32) - STAYS - 1) / (255 - STAYS - 1), 0), rows, columns)
    levels = torch.from_numpy(share).to(clean.device, torch.float32)
    return Held(clean, levels.reshape(1, -1, 1) if clean.ndim == 3 else levels[None, None])


def _pooled(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The highest value in each cell of a grid laid over (H, W)."""
    height, width = values.shape
    ys, xs = (np.arange(height) * rows) // height, (np.arange(width) * columns) // width
    out = np.zeros((rows, columns), np.float32)
    np.maximum.at(out, (ys[:, None], xs[None, :]), values)
    return out
