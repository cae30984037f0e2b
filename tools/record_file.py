"""The attention record as a file: every keyword map of a drawing, so that subjects can be cut again in another way.

Written as compressed npz without timestamps: the same arrays give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutwork.errors import BadInput


@dataclass(frozen=True, eq=False)
class Record:
    """Head-averaged image-to-text columns in the order they arose, one map per region for each block and step, in units of
    1 / image tokens (as probabilities they would be subnormal in half precision).

    Raises:
        BadInput: if the arrays do not belong together.
    """

    maps: NDArray[np.float16]  # (M, regions, h, w)
    blocks: NDArray[np.integer[Any]]  # (M,)
    steps: NDArray[np.integer[Any]]  # (M,)
    among: NDArray[np.float16] | None = None  # (p, p), how much the image tokens of a coarser grid attend to each other, in units of 1 / p; None = not recorded

    def __post_init__(self) -> None:
        if self.maps.ndim != 4:
            raise BadInput(f"attention maps have shape {self.maps.shape}, wanted (maps, regions, h, w)")
        if self.blocks.shape != self.maps.shape[:1] or self.steps.shape != self.maps.shape[:1]:
            raise BadInput(f"{len(self.maps)} attention maps come with {self.blocks.shape} blocks and {self.steps.shape} steps")

        if self.among is not None and (self.among.ndim != 2 or self.among.shape[0] != self.among.shape[1]):
            raise BadInput(f"the picture's attention to itself has shape {self.among.shape}, wanted as many rows as columns")

    @property
    def grid(self) -> tuple[int, int]:
        """Token rows and columns."""
        return self.maps.shape[2], self.maps.shape[3]

    def to_bytes(self) -> bytes:
        """The record as npz bytes; equal records give equal bytes."""
        arrays: dict[str, Any] = {
            "maps": self.maps.astype(np.float16),
            "blocks": self.blocks.astype(np.int32),
            "steps": self.steps.astype(np.int32),
            "grid": np.array(self.grid, np.int32),
        }
        if self.among is not None:
            arrays["among"] = self.among.astype(np.float16)
        out = io.BytesIO()
        np.savez_compressed(out, allow_pickle=False, **arrays)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Read what `to_bytes` wrote.

        Raises:
            BadInput: if the bytes are not an attention record.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return cls(file["maps"], file["blocks"], file["steps"], file.get("among"))
        except BadInput:
            raise
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as fault:
            raise BadInput(f"these {len(data):,} bytes are not an attention record: {fault}") from fault
