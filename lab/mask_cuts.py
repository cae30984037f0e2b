"""Every way of cutting a case: as published, by default, with matting, by a general background remover; and how they look beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from cutwork.domain import CutSettings
from cutwork.tools.cut import fused_maps
from cutwork.tools.masks import matting
from cutwork.tools.masks.segment import segment

from . import remover
from .mask_cases import Case
from .mask_scores import Found, mean_score

Cut = Literal["paper", "default", "matting"]
CUTS: tuple[Cut, ...] = ("paper", "default", "matting")
PUBLISHED, DEFAULT = ("entropy", "paper"), (CutSettings().fusion, "default")


def alphas_of(case: Case, weight: str, how: Cut, snap: str = "none") -> np.ndarray:
    """A case's cut-outs, (regions, H, W) in 0..1, by the tools that cut designs."""
    fused, settings = fused_maps(case.record, weight, snap), CutSettings(method="paper" if how == "paper" else "informed")
    found = segment(case.image, fused, case.plan.regions, settings, within=how != "paper" and case.plan.draw.regional)
    return matting.soften(case.image, found.masks, found.unsure, settings.band) if how == "matting" else found.masks.astype(np.float64)


def by_remover(net: remover.Remover, case: Case) -> np.ndarray:
    """The remover's alpha, each pixel given to the subject whose planned box is nearest, which it could not know itself."""
    height, width = case.image.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    away = []
    for region in case.plan.regions:
        x0, y0, x1, y1 = region.box.pixels(width, height)
        away.append(np.hypot(np.maximum(0, np.maximum(x0 - x, x - x1)), np.maximum(0, np.maximum(y0 - y, y - y1))))
    mine = np.argmin(away, 0)[None] == np.arange(case.count)[:, None, None]
    return net.alpha(case.image) * mine


def found_of(case: Case, weights: Sequence[str], net: remover.Remover | None) -> Found:
    """Every way of cutting a case."""
    ways: dict[tuple[str, str], np.ndarray] = {(weight, how): alphas_of(case, weight, how) for weight in weights for how in CUTS}
    if net is not None:
        ways["remover", "as it is"] = np.repeat(net.alpha(case.image)[None], case.count, 0)
        ways["remover", "by boxes"] = by_remover(net, case)
    return Found(case.count, case.ground, {way: mean_score(alphas, case.truth) for way, alphas in ways.items()})


def row(case: Case, net: remover.Remover | None) -> list[np.ndarray]:
    """A case on the sheet: the picture, where the first subject was attended to, and it cut out as published, by default, with matting, and by the remover."""
    warm = heat(fused_maps(case.record, DEFAULT[0])[0], len(case.image))
    cuts = [alphas_of(case, PUBLISHED[0], "paper"), alphas_of(case, DEFAULT[0], "default"), alphas_of(case, DEFAULT[0], "matting")]
    cuts += [by_remover(net, case)] if net is not None else []
    return [case.image, warm // 2 + case.image // 2, *(pasted(case.image, alphas) for alphas in cuts)]


def heat(fused: np.ndarray, side: int) -> np.ndarray:
    """A map (h, w) in 0..1 as a picture, dark where it is low: uint8 (side, side, 3)."""
    field = np.clip(cv2.resize(fused, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)
    return cv2.applyColorMap((255 * field).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]


def pasted(image: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Every subject on a ground of its own: what a cut-out is for, and what shows a halo."""
    inks = np.array([(255, 0, 200), (0, 210, 255), (255, 210, 0)], np.float64)
    nearest = alphas.argmax(0) if len(alphas) > 1 else np.zeros(image.shape[:2], np.int64)
    away = np.stack([cv2.distanceTransform((a <= 0.5).astype(np.uint8), cv2.DIST_L2, 5) for a in alphas])
    page = inks[np.where(alphas.max(0) > 0.5, nearest, away.argmin(0)) % 3]
    for alpha in alphas:
        colours = matting.foreground(image, alpha)
        page = page * (1 - alpha[..., None]) + colours * alpha[..., None]
    return np.clip(page + 0.5, 0, 255).astype(np.uint8)
