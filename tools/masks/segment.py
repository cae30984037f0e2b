"""Fused maps and an image to one mask per region: the paper's way, and a way that uses what the plan and the other regions know.

    paper      every region alone: fused map to 4-value map, GrabCut
    informed   the same, but (1) regions compete: a map counts by how much it outweighs the strongest other one; (2) colour corrects the 4-value map:
               definite foreground must look unlike the background, and what is not definite and looks just like it is background

Either can be kept within the widened planned places, for subjects that were drawn regionally. `lab/measure_masks.py` measures all of it against true alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cutwork.domain import CutSettings, Region
from cutwork.tools.masks.clean import clean
from cutwork.tools.masks.colour import evidence
from cutwork.tools.masks.grabcut import grabcut
from cutwork.tools.masks.partition import partition
from cutwork.tools.masks.place import Place, boxes
from cutwork.tools.masks.prior import outside
from cutwork.tools.masks.trimap import BGD, FGD, PROBABLE_BGD, PROBABLE_FGD, fill_empty, four_values, upsample
from cutwork.tools.masks.types import Field, Labels, Mask, Picture

Method = Literal["paper", "informed"]
METHODS: tuple[Method, ...] = ("paper", "informed")
FLAT = 1e-6  # a map that varies less names no subject
# Evidence for the background, in nats; chosen on testbed scenes 90,200 to 90,213, measured on others.
UNLIKE = -1.0  # definite foreground stays definite below this
ALIKE = 4.0  # what is not definite foreground is definite background above this
LOST = 0.8  # share of the core that may look like background before it is taken for the subject after all


@dataclass(frozen=True)
class Segmented:
    """What each region claimed, and what it was given after claims on the same pixels were settled."""

    claims: Mask  # (regions, H, W)
    masks: Mask  # (regions, H, W), disjoint
    unsure: Mask  # (H, W), where attention and colour left some region's subject open and the cut alone decided


def segment(
    image: Picture,
    fused: Field,
    regions: Sequence[Region],
    settings: CutSettings,
    method: Method | None = None,
    within: bool = True,
    places: Sequence[Place] | None = None,
) -> Segmented:
    """Cut every region's subject out of an image.

    Args:
        image: (H, W, 3) uint8.
        fused: (regions, h, w) in 0..1.
        regions: as many, in the same order.
        settings: thresholds, GrabCut's iterations and size, and the method where none is given.
        method: "paper" for the published baseline, "informed" for the default.
        within: keep each cut inside its widened planned place; for subjects that were drawn regionally.
        places: one a region; None = the regions' boxes.
    """
    height, width = image.shape[:2]
    method = settings.method if method is None else method
    if not len(regions):
        return Segmented(np.zeros((0, height, width), bool), np.zeros((0, height, width), bool), np.zeros((height, width), bool))
    places = boxes(regions) if places is None else places
    off = np.stack([outside(place, height, width) if within else np.zeros((height, width), bool) for place in places])
    maps = fused if method == "paper" else compete(fused)
    fields = np.stack([upsample(one, height, width) for one in maps])  # (regions, H, W)
    if method == "informed":
        fields = _stretched(np.where(off, 0.0, fields))
    labels = np.stack([_labels(image, field, out, settings, method) for field, out in zip(fields, off, strict=True)])
    claims = np.stack([clean(grabcut(image, one, settings.iterations, settings.longest)) for one in labels])
    unsure = ((labels == PROBABLE_BGD) | (labels == PROBABLE_FGD)).any(0)
    return Segmented(claims, partition(claims, fields, tuple(r.z for r in regions)), unsure)


def compete(fused: Field) -> Field:
    """Each map times its share against the strongest other map at each cell: (regions, h, w) in 0..1 -> the same.

    What two keywords light up alike is halved for both; what one alone lights up stays. A single map stays as it is.
    """
    if len(fused) < 2:
        return fused
    rivals = np.stack([np.delete(fused, k, axis=0).max(0) for k in range(len(fused))])
    won: Field = fused * fused / np.maximum(fused + rivals, FLAT)
    return won


def _stretched(fields: Field) -> Field:
    """Each field scaled so that its highest value, which may have been lost outside its place or to a rival, is 1 again."""
    scaled: Field = fields / np.maximum(fields.max((-2, -1), keepdims=True), FLAT)
    return scaled


def _labels(image: Picture, field: Field, off: Mask, settings: CutSettings, method: Method) -> Labels:
    """One region's 4-value map, (H, W); all background where its field names no subject."""
    if np.ptp(field) < FLAT:
        return np.full(field.shape, BGD, np.uint8)
    labels = four_values(field, settings.thresholds)
    labels[off] = BGD
    if method == "informed":
        labels = recolour(labels, evidence(image, labels == BGD, labels == FGD))
    return fill_empty(labels, np.where(off, 0.0, field))


def recolour(labels: Labels, against: Field) -> Labels:
    """Correct a 4-value map by colour: (H, W) labels and `evidence` for the background -> (H, W) labels.

    Definite foreground becomes probable background unless its colour speaks for it; what is not definite foreground and has a background colour becomes
    definite background. Where hardly any of the core would stay, subject and background look alike: it becomes probable foreground, for the cut to decide.
    Without evidence the labels stay as they are.
    """
    if not against.any():
        return labels
    corrected, core = labels.copy(), labels == FGD
    doubtful = core & (against > UNLIKE)
    corrected[~core & (against > ALIKE)] = BGD
    corrected[doubtful] = PROBABLE_FGD if doubtful.sum() > LOST * core.sum() else PROBABLE_BGD
    return corrected
