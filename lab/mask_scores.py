"""Cut-outs held against the truth: the measures of one, and what was measured of many, kept in files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from cutwork import tools
from cutwork.tools.families import mini
from cutwork.tools.masks import measure

from . import evaluate
from .control_studio import digest, write
from .mask_cases import COUNTS, GROUNDS

NEAR = 0.008  # of the diagonal: as far as an edge may be off
DECIDE = ("cut.py", "denoise.py", "families/mini/*.py", "masks/*.py", "attention/*.py")  # code that measures come of


@dataclass(frozen=True)
class Score:
    """One cut-out held against the truth."""

    iou: float
    edge: float
    mae: float
    grad: float


@dataclass
class Scores:
    """What was measured: for each way of cutting and kind of scene, one mean score a scene."""

    of: dict[tuple[str, str, int, str], list[Score]] = field(default_factory=dict)  # by (fusion or remover, cut, subjects, ground)

    def add(self, found: Found) -> None:
        """Count in what was measured of a picture."""
        for way, each in found.of.items():
            self.of.setdefault((*way, found.count, found.ground), []).append(each)

    def values(self, way: tuple[str, str], name: str, counts: Sequence[int] = COUNTS, grounds: Sequence[str] = GROUNDS) -> list[float]:
        """One measure of all scenes of some kinds, always in the same order; shares in per cent, alpha errors in per mille."""
        scale = 100.0 if name in ("iou", "edge") else 1000.0
        return [scale * getattr(s, name) for n in counts for g in grounds for s in self.of.get((*way, n, g), [])]


@dataclass(frozen=True)
class Found:
    """What was measured of one picture: the mean score of its cut-outs, by (fusion or remover, cut)."""

    count: int
    ground: str
    of: dict[tuple[str, str], Score]

    def to_bytes(self) -> bytes:
        return json.dumps({"count": self.count, "ground": self.ground, "of": [[*way, *astuple(one)] for way, one in self.of.items()]}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Found:
        read: dict[str, Any] = json.loads(data)
        return cls(read["count"], read["ground"], {(row[0], row[1]): Score(*row[2:]) for row in read["of"]})


@dataclass(frozen=True)
class Cache:
    """Files of what was measured before, each whole or not there."""

    folder: Path

    def get(self, name: str, ending: str = "json") -> bytes | None:
        path = self._path(name, ending)
        return path.read_bytes() if path.is_file() else None

    def put(self, name: str, data: bytes, ending: str = "json") -> None:
        write(self._path(name, ending), data)

    def _path(self, name: str, ending: str) -> Path:
        told = hashlib.sha256(f"{name} {_maker()}".encode()).hexdigest()[:32]
        return self.folder / told[:2] / f"{told}.{ending}"


@cache
def _maker() -> str:
    """Of the embedded model's weights, the code that cuts and measures, and torch."""
    code = Path(next(iter(tools.__path__)))
    files = [*(path for path in sorted(mini.folder().rglob("*")) if path.is_file()), *(path for pattern in DECIDE for path in sorted(code.glob(pattern)))]
    return f"{digest(*files)} {torch.__version__}"


def score(alpha: np.ndarray, truth: np.ndarray) -> Score:
    """All measures of one alpha, (H, W) and (H, W) in 0..1."""
    gap = _gradient(alpha) - _gradient(truth)
    return Score(measure.iou(alpha > 0.5, truth > 0.5), edge_f(alpha > 0.5, truth > 0.5), float(np.abs(alpha - truth).mean()), float((gap**2).sum(0).mean()))


def mean_score(alphas: np.ndarray, truth: np.ndarray) -> Score:
    """The mean score of a case's cut-outs, (regions, H, W) in 0..1."""
    each = [score(alpha, true) for alpha, true in zip(alphas, truth, strict=True)]
    return Score(*(float(np.mean([getattr(s, name) for s in each])) for name in ("iou", "edge", "mae", "grad")))


def edge_f(mask: np.ndarray, truth: np.ndarray) -> float:
    """F1 of two masks' edges, a pixel counting where the other edge is near: 0..1; 1 where neither has an edge."""
    edges = [m & (cv2.erode(m.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) == 0) for m in (mask, truth)]
    if not edges[0].any() or not edges[1].any():
        return float(not edges[0].any() and not edges[1].any())
    near = round(NEAR * float(np.hypot(*mask.shape)))
    away = [cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) <= near for edge in edges]
    precision, recall = float(away[1][edges[0]].mean()), float(away[0][edges[1]].mean())
    return 2 * precision * recall / max(1e-9, precision + recall)


def _gradient(alpha: np.ndarray) -> np.ndarray:
    smooth = cv2.GaussianBlur(alpha.astype(np.float64), (0, 0), 1.4)
    return np.stack([cv2.Sobel(smooth, -1, 1, 0, scale=1 / 8), cv2.Sobel(smooth, -1, 0, 1, scale=1 / 8)])


def gain(
    name: str, scores: Scores, one: tuple[str, str], other: tuple[str, str], key: str, counts: Sequence[int], grounds: Sequence[str], wanted: str = ""
) -> evaluate.Figure:
    """Difference of two ways of cutting the same scenes, paired."""
    pairs = zip(scores.values(one, key, counts, grounds), scores.values(other, key, counts, grounds), strict=True)
    return evaluate.mean(name, [a - b for a, b in pairs], "pt" if key in ("iou", "edge") else "‰", wanted)
