"""What an edit is drawn from: the picture without what it takes away and with what it moves, and which pixels may change, and how much (`prepared`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from scipy import ndimage

from cutwork.domain import Box, Cutout, Plan
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.keep.shapes import EDGE, LEAST, Mask, Pixels, grown, pixels_of, union
from cutwork.tools.keep.start import STAYS, Start, level
from cutwork.tools.masks.place import Place
from cutwork.tools.masks.plate import hole, plate
from cutwork.tools.pixels import decode

WIDER = 0.024  # of the long side: how far an area reaches beyond the subject it is of
RIM = 0.032  # of the long side: how far around a cut traces of the subject are painted over
ROOM = 0.06  # the same of one that is drawn from nothing: it need not end just at its box
NEAR, SPOILT = 0.08, 16  # of the long side, and grey levels: where and from when a subject is spoiled by another


@dataclass(frozen=True)
class Change:
    """What an edit does to one region.

    Args:
        old: its number in the plan before; None = it is new.
        now: where it stands now; None = it is gone.
        noise: from how much noise it is drawn: 1 = from nothing, less = its look shows through.
        z: of the region, higher is nearer.
        over: regions of the plan before that covered it and do so no more.
        mask: the free-form area (H, W) that it takes; None = its box.
    """

    old: int | None
    now: Box | None
    noise: float = 1.0
    z: int = 0
    over: tuple[int, ...] = ()
    mask: Mask | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Before:
    """The picture before an edit, and its subjects.

    Args:
        picture: (H, W, 3).
        layers: one a region, (H, W, 4); an empty one where nothing was cut out.
        boxes: one a region, as planned.
        z: one a region: how many are farther than it.
    """

    picture: Pixels
    layers: Sequence[Pixels]
    boxes: Sequence[Box]
    z: Sequence[int]

    @property
    def masks(self) -> list[Mask]:
        """Where each subject is."""
        return [layer[..., 3] > STAYS for layer in self.layers]


def before_of(plan: Plan, image: str, cutouts: Sequence[Cutout], blobs: Blobs) -> Before:
    """A round's picture and its subjects, read."""
    by = {c.region: c for c in cutouts}
    width, height = plan.size.root
    empty = np.zeros((height, width, 4), np.uint8)
    layers = [decode(blobs.get(by[k].image), "RGBA") if k in by else empty for k in range(len(plan.regions))]
    return Before(decode(blobs.get(image), "RGB"), layers, [r.box for r in plan.regions], plan.ranks())


def prepared(before: Before, changes: Sequence[Change], locked: Iterable[int] = (), background: bool = False, z: Mapping[int, int] | None = None) -> Start:
    """What is drawn from, and where.

    Args:
        locked: regions that no edit may touch.
        background: everything is drawn but the subjects that stay.
        z: of regions of the plan before as they lie now, where that is not as they lay.

    Raises:
        BadInput: if what is locked leaves nothing that may change.
    """
    picture, area, z = before.picture.copy(), np.zeros(before.picture.shape[:2], np.uint8), {**dict(enumerate(before.z)), **(z or {})}
    changed = {change.old for change in changes if change.old is not None}
    masks, staying = before.masks, [k for k in range(len(before.layers)) if k not in changed]
    if background:
        area[:] = 255
        for k in staying:
            area[_core(masks[k])] = 0
        picture = _stretched(picture, area == 0)
    for change in changes:  # first all that leaves its place
        if change.old is not None and _lifts(change, before):
            behind = [k for k in staying if before.z[k] <= before.z[change.old] and k not in set(locked)]
            others = [masks[k] for k in range(len(masks)) if k != change.old and k not in behind]
            picture, left = lifted(picture, masks[change.old], union(others, area.shape), union([masks[k] for k in behind], area.shape))
            left = left | _spoiled(before, masks[change.old], behind)
            picture = _uncovered(picture, left, before, staying)
            area[left] = np.maximum(area[left], STAYS + 1)
    for change in sorted(changes, key=lambda c: c.z):
        mine, picture = _laid_down(change, before, picture)
        area = np.maximum(area, mine)
    coming, shown = [c.z for c in changes if c.now is not None], union([masks[c.old] for c in changes if c.old is not None and _lifts(c, before)], area.shape)
    kept = {k for k in staying if k in set(locked) or (coming and not background and z[k] > max(coming))}
    area[union([grown(masks[k], 1) for k in kept], area.shape) & ~shown] = 0  # where another was seen in front of it, it was not seen itself
    picture = np.where((area > STAYS)[..., None], picture, before.picture)
    if not (area > STAYS).any() and changes:
        raise BadInput("nothing may change there: what is locked lies over all of it", hint="unlock it first")
    return Start(picture, area, background)


def _lifts(change: Change, before: Before) -> bool:
    """Whether the subject leaves the place it has."""
    return change.old is not None and (change.now is None or change.now != before.boxes[change.old] or change.noise >= 1)


def _spoiled(before: Before, mask: Mask, behind: Sequence[int]) -> Mask:
    """Where others, near one that goes, do not look as their own layers: what was cut out of it is seldom all of it."""
    found = union([], mask.shape)
    near = grown(mask, pixels_of(NEAR, *mask.shape[::-1])) if behind else found
    for k in behind:
        colours = before.layers[k][..., :3].astype(np.int16)
        found = found | (near & before.masks[k] & (np.abs(before.picture - colours).max(-1) > SPOILT))
    return found


def _uncovered(picture: Pixels, left: Mask, before: Before, regions: Sequence[int]) -> Pixels:
    """The picture with those whom somebody covered laid down again where that one left, the farthest first."""
    for k in sorted(regions, key=lambda k: before.z[k]):
        alpha = before.layers[k][..., 3:] / 255.0 * left[..., None]
        picture = (before.layers[k][..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8) if alpha.any() else picture
    return picture


def _laid_down(change: Change, before: Before, picture: Pixels) -> tuple[Pixels, Pixels]:
    """Where one region may change, and the picture with the subject where it goes to."""
    height, width = picture.shape[:2]
    area = np.zeros((height, width), np.uint8)
    if change.now is None:
        return area, picture
    own = before.masks[change.old] if change.old is not None else np.zeros((height, width), bool)
    place = Place(change.now, change.mask).pixels(width, height)
    if change.noise >= 1 or not own.any():
        area[grown(place, pixels_of(ROOM, width, height))] = 255
        return area, picture
    assert change.old is not None
    if change.over:
        return _on_top(change, before, picture)
    if change.mask is not None:
        area[place] = level(change.noise)
    if change.now == before.boxes[change.old]:
        area[grown(own, pixels_of(WIDER, width, height))] = level(change.noise)
        return area, picture
    layer = moved(before.layers[change.old], before.boxes[change.old], change.now)
    alpha = layer[..., 3:] / 255.0
    area[grown(layer[..., 3] > 0, pixels_of(WIDER, width, height))] = level(change.noise)
    return area, (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)


def _on_top(change: Change, before: Before, picture: Pixels) -> tuple[Pixels, Pixels]:
    """The same where a region stays in its place and comes to lie over others. What they hid is laid down where its layer has it, else it is drawn from nothing."""
    assert change.old is not None
    assert change.now is not None
    height, width = picture.shape[:2]
    layer, area = before.layers[change.old], np.zeros((height, width), np.uint8)
    covering = union([before.masks[k] for k in change.over], area.shape)
    hidden = covering & Place(change.now, change.mask).pixels(width, height)
    unseen = before.masks[change.old] & (np.abs(before.picture.astype(np.int16) - layer[..., :3]).max(-1) > SPOILT)
    if (covering & unseen).sum() > LEAST * hidden.sum():
        alpha = layer[..., 3:] / 255.0 * covering[..., None]
        area[alpha[..., 0] > 0] = STAYS + 1
        return area, (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)
    near = grown(hidden, pixels_of(ROOM, width, height)) & grown(before.masks[change.old], pixels_of(WIDER, width, height))
    area[near] = level(change.noise)  # so that what is drawn joins what was seen of it; the rest of that stays
    area[hidden] = 255
    return area, picture


def lifted(picture: Pixels, mask: Mask, others: Mask, behind: Mask | None = None) -> tuple[Pixels, Mask]:
    """The picture without one subject, and where that changed it: (H, W, 3), (H, W).

    Args:
        others: who stays as they are.
        behind: who is painted over too, where the subject may have shone on them: they are laid down again.
    """
    if not mask.any():
        return picture, mask
    free = ~grown(others, 1) | mask
    wide = grown(mask, pixels_of(RIM, *mask.shape[::-1]))  # its edge shines further than its cut
    left = hole(picture, wide) & free & (wide | (~behind if behind is not None else True))
    filled = plate(picture, wide | others if behind is None else wide | others | behind)
    return np.where(left[..., None], filled, picture), left


def moved(layer: Pixels, old: Box, new: Box) -> Pixels:
    """A subject's layer (H, W, 4) as it stands after its region went from one box to another: as large as fits, in its own proportions."""
    height, width = layer.shape[:2]
    scale = min(new.width / old.width, new.height / old.height)
    (ox, oy), (nx, ny) = old.centre, new.centre
    # Pillow wants where each pixel of the result comes from.
    fx, fy = ox * width - nx * width / scale, oy * height - ny * height / scale
    alpha = layer[..., 3:].astype(np.float32) / 255
    ready = np.dstack([layer[..., :3] * alpha, layer[..., 3:]]).astype(np.float32)  # colours count by their alpha
    ready = ready if scale >= 1 else ndimage.gaussian_filter(ready, (0.4 / scale, 0.4 / scale, 0))
    bands = [
        Image.fromarray(ready[..., k], "F").transform((width, height), Image.Transform.AFFINE, (1 / scale, 0, fx, 0, 1 / scale, fy), Image.Resampling.BICUBIC)
        for k in range(4)
    ]
    out = np.dstack([np.asarray(band) for band in bands])
    covered = out[..., 3:]  # the filter overshoots: colours are parted from it as it is
    colours = np.where(covered > 1, out[..., :3] * 255 / np.maximum(covered, 1), 0)
    return np.asarray(np.clip(np.dstack([colours, covered]), 0, 255).round(), np.uint8)


def _core(mask: Mask) -> Mask:
    """A subject without its outermost pixels, in which the background shines through; all of it where that would leave nothing."""
    core = np.asarray(ndimage.binary_erosion(mask, iterations=EDGE, border_value=1))
    return core if core.any() else mask


def _stretched(picture: Pixels, known: Mask) -> Pixels:
    """Colours of what is known carried on into what is not, from the nearest pixel."""
    if known.all() or not known.any():
        return picture
    rows, columns = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(picture[rows, columns])
