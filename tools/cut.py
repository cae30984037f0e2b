"""From a drawn image and its attention record to one transparent layer per region, with a receipt for each.

Cutting draws nothing: the same record can be cut again with another fusion, other thresholds or soft edges.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from cutwork.domain import Attended, Cutout, CutSettings, Plan, Receipt, Region, Round, Shot
from cutwork.errors import BadInput, CutworkError
from cutwork.ports import Blobs
from cutwork.tools.attended import attended as attended_of
from cutwork.tools.attention.fuse import WEIGHTS, Origin, fuse
from cutwork.tools.attention.propagate import snapped
from cutwork.tools.attention.record import coarse
from cutwork.tools.keep.edits import RIM, moved
from cutwork.tools.keep.shapes import grown, pixels_of, union
from cutwork.tools.keep.start import level
from cutwork.tools.masks import matting, measure
from cutwork.tools.masks.clean import clean, fragments
from cutwork.tools.masks.place import Place, places
from cutwork.tools.masks.segment import Method, Segmented, segment
from cutwork.tools.masks.trimap import border_ring
from cutwork.tools.pixels import decode, encode
from cutwork.tools.record_file import Record

Pixels = NDArray[np.uint8]
AROUND = measure.REACH + 1  # pixels around a mask that its softness depends on
HALF = 127  # grey levels of alpha up to which a pixel is not of the subject
FOLLOWS = 0.8  # IoU with the outline it had from which a new cut of a subject that went elsewhere is taken: its edges are its own
SAME_LOOK = 0.6  # noise up to which what is drawn anew keeps the shape it had
PERIODS = range(4, 33)  # pixels a square; the checkerboards that people paint for "transparent"


def cut(
    plan: Plan,
    image: Pixels,
    record: Record,
    attended: Sequence[Attended],
    blobs: Blobs,
    method: Method | None = None,
    within: bool | None = None,
) -> tuple[Cutout, ...]:
    """Cut every region's subject out of an image; one cut-out per region, empty where nothing of it was found.

    Args:
        plan: regions, and how to cut in `plan.cut`.
        image: (H, W, 3) uint8.
        record: the attention maps of the drawing.
        attended: one a region, as the render measured it; empty = measured here from the fused maps.
        blobs: where layers and masks are put.
        method: "paper" for the published baseline; None = what the plan says.
        within: keep cuts inside their widened planned places (boxes or free masks); None = where the plan was drawn regionally, or has several subjects of one kind, which
            one keyword cannot tell apart.

    Raises:
        BadInput: if image, record and plan do not belong together, there is no such fusion, or a region's mask cannot be used.
    """
    _check(plan, image, record, attended)
    where = places(plan, blobs)
    fused = fused_maps(record, plan.cut.fusion, plan.cut.snap)  # (regions, h, w)
    seen = tuple(attended) or attended_of(fused, where)
    if within is None:
        within = plan.draw.regional or any(s.count > 1 for s in plan.subjects)
    found = segment(image, fused, plan.regions, plan.cut, method, within, where)
    claimed = measure.overlap(found.claims)  # (regions, regions)
    alphas = _alphas(image, found, plan.cut)
    return tuple(_cutout(k, region, where[k], image, alphas[k], seen[k], _others(claimed[k], k), blobs) for k, region in enumerate(plan.regions))


def followed(shot: Shot, image: Pixels, cutouts: Sequence[Cutout], before: Round, blobs: Blobs) -> tuple[Cutout, ...]:
    """Cut-outs of an edited picture (H, W, 3) that go with those that stayed as they were.

    Who only went elsewhere keeps its outline where a new cut lost much of it: what another subject's words claim too, because both now stand
    there, came with the one that moved. And nobody has what one that stayed, and is nearer, covers.
    """
    if shot.keep is None:
        return tuple(cutouts)
    plan, area, where = shot.plan, decode(blobs.get(shot.keep.area), "L"), places(shot.plan, blobs)
    alphas, old = {c.region: decode(blobs.get(c.mask), "L") for c in cutouts}, {c.image for c in before.cutouts}
    stayed = [c.region for c in cutouts if c.image in old]
    kept = []
    for c in cutouts:
        covered = union([alphas[k] > HALF for k in stayed if plan.depth(k) > plan.depth(c.region)], area.shape)
        alpha = _uncovered(_outlined(alphas[c.region], _gone_along(plan, c.region, before, blobs), covered, area), covered)
        same = c.region in stayed or np.array_equal(alpha, alphas[c.region])
        kept.append(c if same else _cutout(c.region, plan.regions[c.region], where[c.region], image, alpha, c.receipt.attended, c.receipt.overlap, blobs))
    return tuple(kept)


def _uncovered(alpha: Pixels, covered: NDArray[np.bool_]) -> Pixels:
    """Alpha (H, W) without what is covered and, where that took something away, without the slivers that are left around it."""
    if not (alpha > HALF)[covered].any():
        return np.where(covered, 0, alpha).astype(np.uint8)
    height, width = alpha.shape
    sliver = grown(covered, pixels_of(RIM, width, height)) & (alpha > 0)
    core = clean((alpha > HALF) & ~sliver)
    near = grown(core, pixels_of(RIM, width, height)) if core.any() else alpha > 0
    return np.where(near & ~covered, alpha, 0).astype(np.uint8)


def _outlined(new: Pixels, gone: Pixels, covered: NDArray[np.bool_], area: Pixels) -> Pixels:
    """A subject's alpha (H, W): its new cut, or the one that went along with it, where it looks as it did and its new cut has other pixels."""
    mine, whole = new > HALF, (gone > HALF) & ~covered
    looks = whole.any() and np.median(area[whole]) <= level(SAME_LOOK)
    return gone if looks and (mine & whole).sum() < FOLLOWS * (mine | whole).sum() else new


def _gone_along(plan: Plan, number: int, before: Round, blobs: Blobs) -> Pixels:
    """Alpha (H, W) of a region's subject as it came from the box it had before; 0 where it stands where it stood, was not there, or was something else."""
    region, old = plan.regions[number], before.shot.plan
    nothing = np.zeros(plan.size.root[::-1], np.uint8)
    now, was = ([k for k, r in enumerate(one.regions) if r.subject == region.subject] for one in (plan, old))
    if len(now) != len(was) or plan.subject(region.subject).phrase != old.subject(region.subject).phrase or plan.size != old.size:
        return nothing
    came = was[now.index(number)]
    found = next((c for c in before.cutouts if c.region == came), None)
    if found is None or old.regions[came].box == region.box or region.mask is not None:
        return nothing
    return moved(decode(blobs.get(found.image), "RGBA"), old.regions[came].box, region.box)[..., 3]


def fused_maps(record: Record, weight: str, snap: str = "none") -> NDArray[np.float32]:
    """The record's maps fused by a weight of `fuse.WEIGHTS` and snapped as `CutSettings.snap` says: (regions, h, w) in 0..1; zeros if nothing was recorded.

    Raises:
        BadInput: if there is no such weight, or maps are to be snapped to what was not recorded.
    """
    if weight not in WEIGHTS:
        raise BadInput(f"cut.fusion is {weight!r}; it can be {', '.join(WEIGHTS)}")
    if not record.maps.size:
        return np.zeros(record.maps.shape[1:], np.float32)
    fused = fuse(torch.from_numpy(record.maps), weight, Origin.of(record.blocks.tolist(), record.steps.tolist()))
    if snap == "none":
        return fused.numpy()
    if record.among is None:
        raise BadInput(
            f"cut.snap is {snap!r}, and how the picture attends to itself was not recorded", hint="draw it again with record.itself on, or with cut.snap in the plan"
        )
    return snapped(fused, torch.from_numpy(record.among.astype(np.float32)), coarse(record.grid), snap).numpy()


def verify_alpha(data: bytes) -> None:
    """Make sure that a layer is truly transparent.

    Raises:
        CutworkError: if the PNG has no alpha channel, its alpha is the same everywhere, or a grey checkerboard is painted around its subject.
    """
    with Image.open(io.BytesIO(data)) as image:
        if image.mode != "RGBA":
            raise CutworkError(f"a cut-out has mode {image.mode}, wanted RGBA")
        rgba = np.array(image)
    low, high = int(rgba[..., 3].min()), int(rgba[..., 3].max())
    if low == high:
        raise CutworkError(f"a cut-out's alpha is {low} everywhere")
    if painted_checkerboard(rgba):
        raise CutworkError("a cut-out has a checkerboard painted on opaque pixels where it should be transparent")


def painted_checkerboard(rgba: Pixels) -> bool:
    """Whether opaque light-grey squares alternate over most of what reaches the canvas border, as in faked transparency; (H, W, 4) uint8."""
    if _light_grey(rgba[border_ring(*rgba.shape[:2])]).mean() < 0.5:
        return False
    grey = _light_grey(rgba)  # (H, W)
    level = rgba[..., :3].mean(-1)
    light = level > (level[grey].min() + level[grey].max()) / 2
    return any(_alternates(light, grey, p) and _alternates(light.T, grey.T, p) for p in PERIODS)


def _light_grey(rgba: Pixels) -> NDArray[np.bool_]:
    """Which opaque pixels, (..., 4), are of a light grey: (...)."""
    red, green, blue, alpha = (rgba[..., k].astype(np.int16) for k in range(4))
    low, high = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    return np.asarray((high - low <= 8) & (low >= 140) & (alpha > 127))


def _alternates(light: NDArray[np.bool_], valid: NDArray[np.bool_], period: int) -> bool:
    """Whether pixels differ from those one period below them and equal those two below, nearly everywhere and often enough."""
    if light.shape[0] < 3 * period:
        return False
    one, two = valid[period:] & valid[:-period], valid[2 * period :] & valid[: -2 * period]
    if one.sum() < 0.2 * light.size or not two.any():
        return False
    return bool((light[period:] != light[:-period])[one].mean() > 0.9 and (light[2 * period :] == light[: -2 * period])[two].mean() > 0.9)


def _check(plan: Plan, image: Pixels, record: Record, attended: Sequence[Attended]) -> None:
    width, height = plan.size.root
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise BadInput(f"image is {image.dtype} of shape {image.shape}, the plan's canvas wants uint8 of {(height, width, 3)}")
    if len(record.maps) and record.maps.shape[1] != len(plan.regions):
        raise BadInput(f"the attention record has {record.maps.shape[1]} regions, the plan {len(plan.regions)}")
    if attended and len(attended) != len(plan.regions):
        raise BadInput(f"{len(attended)} attended regions came with a plan of {len(plan.regions)}")


def _alphas(image: Pixels, found: Segmented, settings: CutSettings) -> Pixels:
    """Every region's alpha, (regions, H, W). Where edges are soft, those of subjects that touch add up to 255 at most."""
    if not (settings.soft and found.masks.any()):
        return found.masks.astype(np.uint8) * 255
    shares = matting.soften(image, found.masks, found.unsure, settings.band)
    floor = np.floor(shares * 255).astype(np.uint8)
    rest = 255 * (shares.sum(0) > 1 - 1e-6) - floor.sum(0, dtype=np.int32)  # rounding down must not make a seam between two that touch
    first = shares.argmax(0)[None] == np.arange(len(shares))[:, None, None]
    return floor + np.where(first & (rest > 0), rest, 0).astype(np.uint8)


def _cutout(number: int, region: Region, planned: Place, image: Pixels, alpha: Pixels, seen: Attended, overlap: dict[str, float], blobs: Blobs) -> Cutout:
    """One region's layer from its alpha (H, W), kept and measured."""
    layer = _layer(image, alpha)
    data = encode(layer)
    try:
        if alpha.any():
            verify_alpha(data)
    except CutworkError:  # what cannot be delivered counts as not found, and the critic says so
        alpha = np.zeros_like(alpha)
        data = encode(np.zeros_like(layer))
    kept = alpha > HALF
    return Cutout(
        subject=region.subject,
        region=number,
        image=blobs.put(data),
        mask=blobs.put(encode(alpha)),
        box=measure.tight_box(kept),
        receipt=receipt(planned, image, kept, seen, overlap, alpha / 255.0),
    )


def receipt(
    planned: Place, image: Pixels, mask: NDArray[np.bool_], seen: Attended, overlap: dict[str, float], alpha: NDArray[np.floating[Any]] | None = None
) -> Receipt:
    """Everything measured about one cut (H, W); shares are rounded to four places. Boxes are compared with boxes: that of a free mask is tight.

    Args:
        alpha: (H, W) in 0..1, where edges may be soft; None = as the mask says.
    """
    box = measure.tight_box(mask)
    coverage = float(mask.mean())
    return Receipt(
        planned=planned.box,
        attended=seen,
        alpha=box,
        iou=round(planned.box.iou(box), 4) if box else 0.0,
        contained=round(planned.contained(mask), 4),
        fill=round(min(1.0, coverage / planned.area), 4),
        coverage=round(coverage, 4),
        fragments=fragments(mask),
        border=round(measure.border_contact(mask), 4),
        softness=round(_softness(image, mask, alpha), 4),
        overlap=overlap,
    )


def _softness(image: Pixels, mask: NDArray[np.bool_], alpha: NDArray[np.floating[Any]] | None) -> float:
    """`measure.softness`, looking only where the mask is."""
    box = measure.tight_box(mask)
    if box is None:
        return 0.0
    height, width = mask.shape
    x0, y0, x1, y1 = box.pixels(width, height)
    part = slice(max(0, y0 - AROUND), y1 + AROUND), slice(max(0, x0 - AROUND), x1 + AROUND)
    return measure.softness(image[part], mask[part], None if alpha is None else alpha[part])


def _layer(image: Pixels, alpha: Pixels) -> Pixels:
    """RGBA (H, W, 4), straight: along soft edges the subject's own colours, and nothing under transparent pixels."""
    colours = matting.foreground(image, alpha / 255.0)
    return np.dstack([np.where(alpha[..., None] > 0, colours, 0), alpha]).astype(np.uint8)


def _others(shares: NDArray[np.float64], own: int) -> dict[str, float]:
    return {str(k): round(float(share), 4) for k, share in enumerate(shares) if k != own}
