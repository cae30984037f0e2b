"""Cut-outs of subjects that an edit left alone: they hold for the new picture as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cutwork.domain import Cutout, Plan, Receipt, Round, Shot
from cutwork.ports import Blobs
from cutwork.tools.keep.shapes import Mask, Pixels
from cutwork.tools.keep.start import STAYS
from cutwork.tools.pixels import decode

COVERED = 0.3  # share of a subject that another may cover, or an edit may touch, and its cut-out still holds


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
        covered = before.depth(p) > before.depth(k) and other.box.intersection(before.regions[k].box) > 0
        now = next((j for j, region in enumerate(plan.regions) if covered and (region.subject, region.box) == (other.subject, other.box)), None)
        if now is not None and plan.depth(now) < plan.depth(number):
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
