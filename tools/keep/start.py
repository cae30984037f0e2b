"""What a drawing starts from when it is not to be all new: a picture, how much of each pixel may change, and a proof that the others did not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from cutwork.domain import Box, Keep, Plan
from cutwork.errors import BadInput, CutworkError
from cutwork.ports import Blobs
from cutwork.tools.keep.shapes import LEAST, Pixels
from cutwork.tools.masks.measure import tight_box
from cutwork.tools.masks.place import Place
from cutwork.tools.pixels import decode, encode

STAYS = 127  # grey levels of an area up to which a pixel stays
DRAWN = 136  # from which on it is drawn, and not only taken from the picture the drawing starts from


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


def shown(keep: Keep, size: tuple[int, int], blobs: Blobs) -> Pixels | None:
    """The picture that a shot comes to without any drawing; None where there is something to draw."""
    start = start_of(keep, size, blobs)
    return None if start.draws else start.picture


def extent(area: Pixels) -> Box | None:
    """Tight around what may change; None where that is nothing."""
    return tight_box(area > STAYS)


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
