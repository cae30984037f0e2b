"""What a repair does to a shot: pure functions, one a kind, each changing exactly what it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cutwork.agents.bands import kept_free
from cutwork.agents.boxes import clear_of, grown, placed
from cutwork.agents.thresholds import DEFAULT
from cutwork.domain import Box, Critique, Cutout, Move, Plan, Recut, Reguide, Rematte, Repair, Reseed, Resize, Shot
from cutwork.errors import BadInput


def apply(repair: Repair, shot: Shot) -> Shot:
    """The shot with the repair made.

    Raises:
        BadInput: for a region that the plan does not have, and for repairs that are no change of a shot (replan, ask).
    """
    change = _CHANGES.get(type(repair))
    if change is None:
        raise BadInput(f"{repair.kind!r} is not an edit of a shot; there are {', '.join(kind.model_fields['kind'].default for kind in _CHANGES)}")
    changed: Shot = change(repair, shot)
    return changed


INSIDE = ("recut", "rematte", "reguide", "reseed")  # repairs that leave every region where it is


def anew(cutouts: Sequence[Cutout], before: Sequence[Cutout]) -> frozenset[int]:
    """Regions that are not as they were in the picture before an edit."""
    known = {c.image for c in before}
    return frozenset(c.region for c in cutouts if c.image not in known)


def of_an_edit(verdict: Critique, drawn: frozenset[int]) -> Critique:
    """A verdict on a picture of which only some regions were drawn: what it says of the others stands, but asks for nothing, and nothing may be moved."""
    worst = max((f.severity for f in verdict.findings if f.region is None or f.region in drawn), default=0.0)
    left = tuple(r for r in verdict.repairs if r.kind in INSIDE)
    if worst <= DEFAULT.accept_severity or not left:
        return verdict.model_copy(update={"verdict": "accept" if worst <= DEFAULT.accept_severity else verdict.verdict, "repairs": ()})
    return verdict.model_copy(update={"repairs": left})


def _recut(repair: Recut, shot: Shot) -> Shot:
    return _with_plan(shot, cut=repair.cut)


def _rematte(repair: Rematte, shot: Shot) -> Shot:
    return _with_plan(shot, cut=shot.plan.cut.model_copy(update={"soft": repair.soft}))


def _reguide(repair: Reguide, shot: Shot) -> Shot:
    return _with_plan(shot, draw=repair.draw)


def _move(repair: Move, shot: Shot) -> Shot:
    return _with_box(shot, repair.region, repair.box)


def _resize(repair: Resize, shot: Shot) -> Shot:
    """About the region's centre, shifted where it would leave the canvas or enter a caption band."""
    old = _region_box(shot.plan, repair.region)
    new = grown(placed(old.centre, old.width * repair.scale, old.height * repair.scale), shot.plan.size)
    return _with_box(shot, repair.region, clear_of(new, [band.box for band in kept_free(shot.plan)]))


def _reseed(repair: Reseed, shot: Shot) -> Shot:
    return shot.model_copy(update={"seed": repair.seed})


def _region_box(plan: Plan, region: int) -> Box:
    if region >= len(plan.regions):
        raise BadInput(f"there is no region {region}, the plan has {len(plan.regions)}")
    return plan.regions[region].box


def _with_box(shot: Shot, index: int, box: Box) -> Shot:
    """A region elsewhere. A free-form mask would still stand at the old place, so the box takes over from it."""
    _region_box(shot.plan, index)
    regions = [r.model_copy(update={"box": box, "mask": None}) if i == index else r for i, r in enumerate(shot.plan.regions)]
    return _with_plan(shot, regions=tuple(regions))


def _with_plan(shot: Shot, **changes: Any) -> Shot:
    # Built anew rather than copied, so that the plan's own checks run.
    plan = Plan(**{name: getattr(shot.plan, name) for name in Plan.model_fields} | changes)
    return shot.model_copy(update={"plan": plan})


_CHANGES: dict[type[Any], Callable[[Any, Shot], Shot]] = {
    Recut: _recut,
    Rematte: _rematte,
    Reguide: _reguide,
    Move: _move,
    Resize: _resize,
    Reseed: _reseed,
}
