"""A part of a picture drawn anew, and every pixel outside it as it was, to the bit.

Three steps. *Before*: what an edit takes away is painted over with background, what it moves is laid down where it goes, and it is written
down which pixels may change, and how much (`prepared`). *While drawing*: what may not change yet is held to that picture, with as much
noise as belongs to the step (`held`; each token is let go once the noise has fallen to its level, as in Differential Diffusion, 2306.00950).
Where one level holds everywhere, the picture is a reference that the whole drawing begins from (`begun_from`), which is SDEdit (2108.01073).
*After*: what was drawn is laid into the picture with a seam wholly inside the area (`laid_in`), and a hash of all other pixels is compared.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from cutwork.domain import Box, Cutout, Keep, Plan, Receipt, Round, Shot
from cutwork.errors import BadInput, CutworkError
from cutwork.ports import Blobs
from cutwork.tools.intake import FORMATS, MOST_PIXELS
from cutwork.tools.masks.measure import tight_box
from cutwork.tools.masks.place import Place
from cutwork.tools.masks.plate import hole, membrane, plate
from cutwork.tools.pixels import decode, encode

if TYPE_CHECKING:
    from torch import Tensor

    from cutwork.tools.families.base import Family

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
STAYS = 127  # grey levels of an area up to which a pixel stays
DRAWN = 136  # from which on it is drawn, and not only taken from the picture the drawing starts from
WIDER = 0.024  # of the long side: how far an area reaches beyond the subject it is of
RIM = 0.032  # of the long side: how far around a cut traces of the subject are painted over
SEAM = 0.03  # of the long side: over which what was drawn fades into what stays
ROOM = 0.06  # the same of one that is drawn from nothing: it need not end just at its box
EDGE = 2  # pixels of a subject's edge in which the old background shines through, and over which it fades into the new one
LEAST = 0.05  # share of a region's place from which what stays of it is its subject
NEAR, SPOILT = 0.08, 16  # of the long side, and grey levels: where and from when a subject is spoiled by another
COVERED = 0.3  # share of a subject that another may cover, or an edit may touch, and its cut-out still holds
LOOSE = 0.01  # how far the proportions of a mask that somebody brings may be from the canvas's
FIT = 30.0  # grey levels by which what is drawn is fitted to the colours around it, at most


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
        z: one a region; higher is nearer.
    """

    picture: Pixels
    layers: Sequence[Pixels]
    boxes: Sequence[Box]
    z: Sequence[int]

    @property
    def masks(self) -> list[Mask]:
        """Where each subject is."""
        return [layer[..., 3] > STAYS for layer in self.layers]


@dataclass(frozen=True, eq=False)
class Start:
    """What a drawing starts from: a picture (H, W, 3), and how much of each pixel may change (H, W), as in `Keep.area`."""

    picture: Pixels
    area: Pixels
    behind: bool = False

    @property
    def draws(self) -> bool:
        """Whether anything is left to be drawn."""
        return bool((self.area >= DRAWN).any())

    def kept(self, blobs: Blobs) -> Keep:
        """As a shot names it."""
        return Keep(image=blobs.put(encode(self.picture)), area=blobs.put(encode(self.area)), behind=self.behind)


def level(noise: float) -> int:
    """A share of noise as the grey level of an area."""
    return STAYS + 1 + round(noise * (255 - STAYS - 1))


def start_of(keep: Keep, size: tuple[int, int], blobs: Blobs) -> Start:
    """What a shot keeps, read.

    Raises:
        BadInput: if a picture is not there or not of the canvas size, or the area marks nothing and everything stays undrawn by mistake.
    """
    for what, sha256 in (("picture", keep.image), ("area", keep.area)):
        if sha256 not in blobs:
            raise BadInput(f"the {what} that an edit keeps is not there: no blob {sha256}", hint="it was drawn in another home: draw the design it edits there")
    picture, area = decode(blobs.get(keep.image), "RGB"), decode(blobs.get(keep.area), "L")
    for what, pixels in (("picture", picture), ("area", area)):
        if pixels.shape[1::-1] != size:
            raise BadInput(f"the {what} that an edit keeps is {pixels.shape[1]}x{pixels.shape[0]}, the canvas {size[0]}x{size[1]}")
    return Start(picture, area, keep.behind)


def begun_from(sha256: str, noise: float, size: tuple[int, int], blobs: Blobs) -> Keep:
    """A reference, a picture of any size, as what a drawing of (width, height) begins from: all of it may change, from a share of noise on.

    The same picture, noise and size give the same value.

    Args:
        noise: 0..1; from some 0.07 on anything is drawn at all.

    Raises:
        BadInput: if there is no such picture, or it cannot be read.
    """
    if sha256 not in blobs:
        raise BadInput(f"the reference picture is not there: no blob {sha256}", hint="take it in first: cutwork design --reference FILE, or POST /v1/uploads")
    picture = filling(blobs.get(sha256), size)
    return Start(picture, np.full(picture.shape[:2], level(noise), np.uint8)).kept(blobs)


def filling(data: bytes, size: tuple[int, int]) -> Pixels:
    """A picture as it fills a canvas of (width, height), (H, W, 3): upright, in its own proportions, what overhangs cut off alike on both sides, on white.

    Raises:
        BadInput: if it is no readable picture, or too large a one.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadInput(f"the reference is {image.width}x{image.height}, at most {MOST_PIXELS:,} pixels are possible")
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadInput(f"the reference is no readable picture: {fault}") from fault
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    return np.array(ImageOps.fit(opaque, size, Image.Resampling.LANCZOS))


# --------------------------------------------------------------------------------------------------------------- before


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
            picture, left = lifted(picture, masks[change.old], _any(others, area.shape), _any([masks[k] for k in behind], area.shape))
            left = left | _spoiled(before, masks[change.old], behind)
            picture = _uncovered(picture, left, before, staying)
            area[left] = np.maximum(area[left], STAYS + 1)
    for change in sorted(changes, key=lambda c: c.z):
        mine, picture = _laid_down(change, before, picture)
        area = np.maximum(area, mine)
    coming, shown = [c.z for c in changes if c.now is not None], _any([masks[c.old] for c in changes if c.old is not None and _lifts(c, before)], area.shape)
    kept = {k for k in staying if k in set(locked) or (coming and not background and z[k] > max(coming))}
    area[_any([_grown(masks[k], 1) for k in kept], area.shape) & ~shown] = 0  # where another was seen in front of it, it was not seen itself
    picture = np.where((area > STAYS)[..., None], picture, before.picture)
    if not (area > STAYS).any() and changes:
        raise BadInput("nothing may change there: what is locked lies over all of it", hint="unlock it first")
    return Start(picture, area, background)


def _lifts(change: Change, before: Before) -> bool:
    """Whether the subject leaves the place it has."""
    return change.old is not None and (change.now is None or change.now != before.boxes[change.old] or change.noise >= 1)


def _spoiled(before: Before, mask: Mask, behind: Sequence[int]) -> Mask:
    """Where others, near one that goes, do not look as their own layers: what was cut out of it is seldom all of it."""
    found = _any([], mask.shape)
    near = _grown(mask, _pixels(NEAR, *mask.shape[::-1])) if behind else found
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
        area[_grown(place, _pixels(ROOM, width, height))] = 255
        return area, picture
    assert change.old is not None
    if change.over:
        return _on_top(change, before, picture)
    if change.mask is not None:
        area[place] = level(change.noise)
    if change.now == before.boxes[change.old]:
        area[_grown(own, _pixels(WIDER, width, height))] = level(change.noise)
        return area, picture
    layer = moved(before.layers[change.old], before.boxes[change.old], change.now)
    alpha = layer[..., 3:] / 255.0
    area[_grown(layer[..., 3] > 0, _pixels(WIDER, width, height))] = level(change.noise)
    return area, (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)


def _on_top(change: Change, before: Before, picture: Pixels) -> tuple[Pixels, Pixels]:
    """The same where a region stays in its place and comes to lie over others. What they hid is laid down where its layer has it, else it is drawn from nothing."""
    assert change.old is not None
    assert change.now is not None
    height, width = picture.shape[:2]
    layer, area = before.layers[change.old], np.zeros((height, width), np.uint8)
    covering = _any([before.masks[k] for k in change.over], area.shape)
    hidden = covering & Place(change.now, change.mask).pixels(width, height)
    unseen = before.masks[change.old] & (np.abs(before.picture.astype(np.int16) - layer[..., :3]).max(-1) > SPOILT)
    if (covering & unseen).sum() > LEAST * hidden.sum():
        alpha = layer[..., 3:] / 255.0 * covering[..., None]
        area[alpha[..., 0] > 0] = STAYS + 1
        return area, (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)
    near = _grown(hidden, _pixels(ROOM, width, height)) & _grown(before.masks[change.old], _pixels(WIDER, width, height))
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
    free = ~_grown(others, 1) | mask
    wide = _grown(mask, _pixels(RIM, *mask.shape[::-1]))  # its edge shines further than its cut
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
    bands = [Image.fromarray(ready[..., k], "F").transform((width, height), Image.Transform.AFFINE, (1 / scale, 0, fx, 0, 1 / scale, fy), Image.Resampling.BICUBIC) for k in range(4)]
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


def _grown(mask: Mask, pixels: int) -> Mask:
    """The mask and all that is near it."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels) if mask.any() else mask


def _any(masks: Sequence[Mask], shape: tuple[int, ...]) -> Mask:
    return np.logical_or.reduce(masks) if masks else np.zeros(shape, bool)


def _pixels(share: float, width: int, height: int) -> int:
    return max(1, round(share * max(width, height)))


# ---------------------------------------------------------------------------------------------------------------- while


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


# ---------------------------------------------------------------------------------------------------------------- after


def laid_in(start: Start, drawn: Pixels, fitted: bool = True) -> Pixels:
    """What was drawn, laid into the picture it started from: (H, W, 3). Outside the area it is that picture, to the bit.

    Args:
        fitted: the colours of what was drawn are brought to those around it.
    """
    zone = start.area >= DRAWN
    if start.behind:
        drawn = plate(drawn, _grown(~zone, EDGE + 1)) if (~zone).any() else drawn
    elif fitted and not zone.all():
        drawn = _fitted(drawn, start.picture, zone)
    share = _share(zone, EDGE if start.behind else _pixels(SEAM, *zone.shape[::-1]))[..., None]
    mixed = (drawn * share + start.picture * (1 - share) + 0.5).astype(np.uint8)
    out = np.where(zone[..., None], mixed, start.picture)
    verify(start.picture, out, start.area)
    return out


def _share(zone: Mask, seam: int) -> NDArray[np.float32]:
    """How much of what was drawn counts: nothing outside the zone, all of it further inside than the seam; the canvas border is no edge."""
    padded = np.pad(zone, seam + 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded)[seam + 1 : -seam - 1, seam + 1 : -seam - 1] if not padded.all() else np.full(zone.shape, seam + 1.0)
    linear = np.clip((depth - 0.5) / seam, 0, 1).astype(np.float32)
    return linear * linear * (3 - 2 * linear)


def _fitted(drawn: Pixels, picture: Pixels, zone: Mask) -> Pixels:
    """What was drawn in the colours of its surroundings: the difference where both show the same, carried into the zone like a soap film."""
    difference = np.clip(picture.astype(np.float32) - drawn, -FIT, FIT)
    near = _grown(zone, 8) & ~zone
    if not near.any():
        return drawn
    smooth = ndimage.gaussian_filter(difference * near[..., None], (2, 2, 0)) / np.maximum(ndimage.gaussian_filter(near.astype(np.float32), 2), 1e-3)[..., None]
    field = membrane(np.where(near[..., None], smooth, 0).astype(np.float32), ~zone)
    return np.asarray(np.clip(drawn + np.where(zone[..., None], field, 0) + 0.5, 0, 255), np.uint8)


def frozen(picture: Pixels, area: Pixels) -> str:
    """Hash of the pixels outside an area."""
    outside = area <= STAYS
    return hashlib.sha256(np.packbits(outside).tobytes() + picture[outside].tobytes()).hexdigest()


def verify(before: Pixels, after: Pixels, area: Pixels) -> str:
    """Make sure that no pixel outside the area changed; its hash.

    Raises:
        CutworkError: if one did.
    """
    was, now = frozen(before, area), frozen(after, area)
    if was != now:
        wrong = int((before != after).any(-1)[area <= STAYS].sum())
        raise CutworkError(f"{wrong} pixels changed outside the area of the edit, where nothing may")
    return now


def extent(area: Pixels) -> Box | None:
    """Tight around what may change; None where that is nothing."""
    return tight_box(area > STAYS)


# ------------------------------------------------------------------------------------------------------------- cut-outs


def carried(plan: Plan, before: Plan, old: Sequence[Cutout], area: Pixels, behind: bool, read: Callable[[str], Pixels]) -> dict[int, Cutout]:
    """Cut-outs of the picture before that hold for the new one, by region: of subjects that are as they were, where little or nothing may change.

    Who is covered a little by another keeps a whole layer: it lies behind.

    Args:
        read: a mask's blob as pixels (H, W).
    """
    was = {c.region: c for c in old}
    found: dict[int, Cutout] = {}
    for number, region in enumerate(plan.regions):
        for k, other in enumerate(before.regions):
            if k in was and k not in {c.region for c in found.values()} and (other.subject, other.box, other.mask) == (region.subject, region.box, region.mask):
                same = plan.subject(region.subject).phrase == before.subject(other.subject).phrase
                if same and not _came_out(plan, before, number, k) and (behind or _covered(read(was[k].mask) > STAYS, area) <= COVERED):
                    found[number] = was[k]
                    break
    places = {c.region: number for number, c in found.items()}
    return {number: c.model_copy(update={"region": number, "receipt": renumbered(c.receipt, places)}) for number, c in found.items()}


def _came_out(plan: Plan, before: Plan, number: int, k: int) -> bool:
    """Whether a region, k of the plan before, lies over one that lay over it: more is seen of it than its cut-out has."""
    for p, other in enumerate(before.regions):
        covered = (other.z, p) > (before.regions[k].z, k) and other.box.intersection(before.regions[k].box) > 0
        now = next((j for j, region in enumerate(plan.regions) if covered and (region.subject, region.box) == (other.subject, other.box)), None)
        if now is not None and (plan.regions[now].z, now) < (plan.regions[number].z, number):
            return True
    return False


def _covered(mask: Mask, area: Pixels) -> float:
    """Share of a subject in which something may change."""
    return float((mask & (area > STAYS)).sum()) / max(1, int(mask.sum()))


def carry(shot: Shot, cutouts: Sequence[Cutout], before: Round, blobs: Blobs) -> tuple[Cutout, ...]:
    """Cut-outs of an edited picture, those of subjects that stayed as they were being the picture's before."""
    if shot.keep is None:
        return tuple(cutouts)
    area = decode(blobs.get(shot.keep.area), "L")
    stayed = carried(shot.plan, before.shot.plan, before.cutouts, area, shot.keep.behind, lambda sha256: decode(blobs.get(sha256), "L"))
    return tuple(stayed.get(c.region, c) for c in cutouts)


def renumbered(receipt: Receipt, places: dict[int, int]) -> Receipt:
    """A receipt that names other regions by the numbers they have now; who is gone or drawn anew is left out."""

    def moved(shares: dict[str, float]) -> dict[str, float]:
        return {str(places[int(k)]): share for k, share in shares.items() if int(k) in places}

    attended = receipt.attended.model_copy(update={"leakage": moved(receipt.attended.leakage)})
    return receipt.model_copy(update={"overlap": moved(receipt.overlap), "attended": attended})


def staying(start: Start, place: Place) -> Place:
    """A region's place, drawn in to the pixels of it that stay, if some do: of a subject in front of a background that is drawn, nothing more is wanted."""
    height, width = start.area.shape
    whole = place.pixels(width, height)
    mask = whole & (start.area <= STAYS)
    box = tight_box(mask)
    return place if box is None or mask.sum() < LEAST * whole.sum() else Place(box, mask)


def touched(plan: Plan, start: Start) -> Plan:
    """The plan with those regions alone in which something is drawn."""
    height, width = start.area.shape
    drawn = start.area >= DRAWN

    def has(box: Box) -> bool:
        x0, y0, x1, y1 = box.pixels(width, height)
        return bool(drawn[y0:y1, x0:x1].mean() > 0.25)

    return plan.model_copy(update={"regions": tuple(region for region in plan.regions if has(region.box))})


# ---------------------------------------------------------------------------------------------------------- compositions


def put(before: Before, leaving: Sequence[int], coming: Sequence[tuple[Pixels, int]], locked: Iterable[int] = ()) -> Start:
    """Subjects of other pictures laid into this one, and some of its own taken out. Nothing is left to be drawn.

    Args:
        leaving: regions that go.
        coming: layers (H, W, 4), each with its z.
        locked: regions that no edit may touch.

    Raises:
        BadInput: if what is locked leaves nothing that may change.
    """
    height, width = before.picture.shape[:2]
    start = prepared(before, [Change(k, None) for k in leaving], locked)
    picture, area, masks = start.picture, start.area, before.masks
    for layer, z in sorted(coming, key=lambda item: item[1]):
        front = _any([masks[k] for k in range(len(masks)) if k not in leaving and (k in set(locked) or before.z[k] > z)], (height, width))
        alpha = layer[..., 3:] / 255.0 * ~_grown(front, 1)[..., None]
        picture = (layer[..., :3] * alpha + picture * (1 - alpha) + 0.5).astype(np.uint8)
        area = np.where(alpha[..., 0] > 0, np.uint8(STAYS + 1), area)
    if not (area > STAYS).any():
        raise BadInput("nothing may change there: what is locked lies over all of it", hint="unlock it first")
    return Start(picture, area)


def put_behind(before: Before, other: Before) -> Start:
    """The subjects of one picture in front of another's background, which is laid clear of its own subjects. Nothing is left to be drawn.

    Raises:
        BadInput: if the pictures are not of one size, or this one has no subjects.
    """
    if before.picture.shape != other.picture.shape:
        raise BadInput(f"the pictures are of other sizes, {other.picture.shape[1]}x{other.picture.shape[0]} and {before.picture.shape[1]}x{before.picture.shape[0]}")
    start = prepared(before, (), background=True)
    clear = plate(other.picture, _any(other.masks, other.picture.shape[:2]))
    return Start(laid_in(start, clear), np.where(start.area > STAYS, np.uint8(STAYS + 1), np.uint8(0)))


def before_of(plan: Plan, image: str, cutouts: Sequence[Cutout], blobs: Blobs) -> Before:
    """A round's picture and its subjects, read."""
    by = {c.region: c for c in cutouts}
    width, height = plan.size.root
    empty = np.zeros((height, width, 4), np.uint8)
    layers = [decode(blobs.get(by[k].image), "RGBA") if k in by else empty for k in range(len(plan.regions))]
    return Before(decode(blobs.get(image), "RGB"), layers, [r.box for r in plan.regions], [r.z for r in plan.regions])


def shown(keep: Keep, size: tuple[int, int], blobs: Blobs) -> Pixels | None:
    """The picture that a shot comes to without any drawing; None where there is something to draw."""
    start = start_of(keep, size, blobs)
    return None if start.draws else start.picture


def marked(sha256: str, size: tuple[int, int], blobs: Blobs) -> tuple[str, Box]:
    """An area that somebody marked, as a region's mask: its blob, grey and of the canvas's size, and the box tight around it.

    Args:
        sha256: a picture in the canvas's proportions, of any size; what is light and opaque in it is inside.

    Raises:
        BadInput: if there is no such picture, it has other proportions or marks nothing.
    """
    if sha256 not in blobs:
        raise BadInput(f"there is no mask {sha256}", hint="take its picture in first")
    try:
        with Image.open(io.BytesIO(blobs.get(sha256)), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS or abs(width * size[1] - height * size[0]) > max(width, height) * LOOSE * max(size):
                raise BadInput(f"the mask is {width}x{height}, wanted {size[0]}x{size[1]} or larger in the same proportions")
            grey, alpha = image.convert("LA").split()
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadInput(f"the mask is no readable picture: {fault}") from fault
    light = Image.fromarray((np.asarray(grey, np.float32) * np.asarray(alpha, np.float32) / 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    inside = np.asarray(light) > STAYS
    box = tight_box(inside)
    if box is None:
        raise BadInput("the mask marks nothing: what is to be inside is light and opaque")
    return blobs.put(encode(inside * np.uint8(255))), box


def area_moved(sha256: str, before: Box, after: Box, size: tuple[int, int], blobs: Blobs) -> str:
    """A region's area gone with its box to another place or size, its blob; the whole box where so small that nothing is left of the area."""
    width, height = size
    area = Image.fromarray(decode(blobs.get(sha256), "L"))
    x0, y0, x1, y1 = after.pixels(width, height)
    part = area.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, before.pixels(width, height))
    made = Image.new("L", size)
    made.paste(part, (x0, y0))
    inside = np.asarray(made) > 127
    if not inside.any():
        made.paste(255, (x0, y0, x1, y1))
        inside = np.asarray(made) > 127
    return blobs.put(encode(inside * np.uint8(255)))


def united(one: str | None, area: Pixels, blobs: Blobs) -> str:
    """An area joined with another that is kept as a blob already; the blob of both."""
    return blobs.put(encode(area if one is None else np.maximum(area, decode(blobs.get(one), "L"))))
