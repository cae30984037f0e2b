"""Fused maps and an image to one mask per region: the paper's way, and a way that uses what the plan and the other regions know.

    paper      every region alone: 4-value map over the whole image, GrabCut
    informed   the same, but (1) a region's definite foreground keeps off cells that attend more to another subject, and another subject's core is
               definite background; (2) the cut stays inside the widened planned box when subjects were drawn regionally

`lab/measure_masks.py` measures both against true alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cutwork.domain import CutSettings, Region
from cutwork.tools.masks.clean import clean
from cutwork.tools.masks.grabcut import grabcut
from cutwork.tools.masks.partition import partition
from cutwork.tools.masks.prior import outside
from cutwork.tools.masks.trimap import BGD, FGD, PROBABLE_BGD, fill_empty, four_values, upsample
from cutwork.tools.masks.types import Field, Labels, Mask, Picture

Method = Literal["paper", "informed"]
METHODS: tuple[Method, ...] = ("paper", "informed")
FLAT = 1e-6  # a map that varies less names no subject


@dataclass(frozen=True)
class Segmented:
    """What each region claimed, and what it was given after claims on the same pixels were settled."""

    claims: Mask  # (regions, H, W)
    masks: Mask  # (regions, H, W), disjoint


def segment(
    image: Picture,
    fused: Field,
    regions: Sequence[Region],
    settings: CutSettings,
    method: Method = "informed",
    within: bool = True,
) -> Segmented:
    """Cut every region's subject out of an image.

    Args:
        image: (H, W, 3) uint8.
        fused: (regions, h, w) in 0..1.
        regions: as many, in the same order.
        settings: thresholds and GrabCut iterations.
        method: "paper" for the published baseline, "informed" for the default.
        within: keep each cut inside its widened planned box; for subjects that were drawn regionally.
    """
    height, width = image.shape[:2]
    if not len(regions):
        return Segmented(np.zeros((0, height, width), bool), np.zeros((0, height, width), bool))
    fields = np.stack([upsample(one, height, width) for one in fused])  # (regions, H, W)
    off = np.stack([outside(r.box, height, width) if within else np.zeros((height, width), bool) for r in regions])
    label = _paper if method == "paper" else _informed
    claims = np.stack([_cut(image, fields[k], label(k, fields, off, settings), settings.iterations) for k in range(len(regions))])
    return Segmented(claims, partition(claims, fields, tuple(r.z for r in regions)))


def _cut(image: Picture, field: Field, labels: Labels, iterations: int) -> Mask:
    if np.ptp(field) < FLAT:
        return np.zeros(field.shape, bool)
    return clean(grabcut(image, labels, iterations))


def _paper(k: int, fields: Field, off: Mask, settings: CutSettings) -> Labels:
    labels = four_values(fields[k], settings.thresholds)
    labels[off[k]] = BGD
    return fill_empty(labels, fields[k] * ~off[k])


def _informed(k: int, fields: Field, off: Mask, settings: CutSettings) -> Labels:
    probable_bgd, _, definite = settings.thresholds
    allowed = np.where(off[k], 0.0, fields[k])
    own = allowed / max(FLAT, float(allowed.max()))  # the highest value may lie outside the box
    labels = four_values(own, settings.thresholds)
    others = np.delete(np.where(off, 0.0, fields), k, axis=0)
    if len(others):
        rival = others.max(0)
        labels[(labels == FGD) & (rival >= own)] = PROBABLE_BGD
        labels[(rival > definite) & (own < rival - probable_bgd)] = BGD
    labels[off[k]] = BGD
    return fill_empty(labels, own)
