"""What could be done about a round: repairs that fit its findings, cheapest first, none that was tried before."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cutwork.agents.bands import kept_free
from cutwork.agents.boxes import clear_of, placed, strip
from cutwork.agents.geometry import at
from cutwork.agents.thresholds import Thresholds
from cutwork.domain import (
    MAX_SEED,
    Ask,
    Box,
    Cutout,
    CutSettings,
    DrawSettings,
    Finding,
    Move,
    Plan,
    Recut,
    Reguide,
    Rematte,
    Render,
    Repair,
    Replan,
    Reseed,
    Resize,
)

# Which repairs fit which finding. Their order is that of domain.REPAIR_COST.
FITS: dict[str, tuple[str, ...]] = {
    "missing": ("recut", "reguide", "resize", "reseed", "replan"),
    "leaking": ("recut", "reguide", "move", "reseed", "replan"),
    "misplaced": ("recut", "reguide", "reseed", "replan"),
    "fragmented": ("recut", "reguide", "reseed"),
    "cropped": ("recut", "move", "resize", "reseed", "replan"),
    "overlapping": ("recut", "move", "reseed", "replan"),
    "blended": ("recut", "reguide", "move", "reseed", "replan"),
    "soft": ("rematte", "reseed"),
    "tiny": ("recut", "resize", "reseed", "replan"),
    "wrong": ("reguide", "reseed", "replan"),
    "caption": ("move", "resize", "reseed", "replan"),
    "unknown": (),  # another drawing of it would show something else again
}
_TOO_LITTLE = frozenset({"missing", "tiny", "fragmented"})  # cut more generously; all else is cut more strictly


@dataclass(frozen=True)
class Case:
    """All that a repair is chosen from."""

    plan: Plan
    render: Render
    cutouts: Sequence[Cutout]
    findings: Sequence[Finding]  # worst first
    tried: Sequence[Repair]
    thresholds: Thresholds

    def times(self, kind: str) -> int:
        """How often this kind was tried."""
        return sum(r.kind == kind for r in self.tried)

    def wants(self, kind: str) -> list[Finding]:
        """The findings that this kind may mend: among those that stand in the way of acceptance, if any does."""
        blocking = [f for f in self.findings if f.severity > self.thresholds.accept_severity]
        return [f for f in blocking or self.findings if kind in FITS[f.kind]]


def repairs(case: Case, interactive: bool) -> Iterator[Repair]:
    """What to try next, one of each fitting kind, cheapest first; where no subject is planned, only a person can help."""
    for kind, propose in _PROPOSALS.items() if case.plan.regions else ():
        # A round may score too low without any single finding; then whatever draws again is worth a try.
        wanted = case.wants(kind) or (not case.findings and kind in ("reguide", "reseed", "replan"))
        if case.render.stopped_early and kind in ("recut", "rematte"):
            wanted = False
        repair = propose(case) if wanted else None
        if repair is not None and repair not in case.tried:
            yield repair
    if interactive:
        yield _ask(case)


def _recut(case: Case) -> Recut | None:
    """First other thresholds, lower where too little was cut and higher where too much; then the other fusion."""
    cut, times = case.plan.cut, case.times("recut")
    useful = [f for f in case.wants("recut") if _cut_may_be_at_fault(case, f)]
    if not useful or times >= case.thresholds.max_recuts:
        return None
    if times:
        return Recut(cut=cut.model_copy(update={"fusion": "entropy" if cut.fusion == "mean" else "mean"}))
    factor = 0.7 if useful[0].kind in _TOO_LITTLE else 1.3
    low, mid, high = (round(min(0.97, v * factor), 4) for v in cut.thresholds)
    if not 0 < low < mid < high:
        return None
    return Recut(cut=CutSettings(**cut.model_dump() | {"thresholds": (low, mid, high)}))


def _cut_may_be_at_fault(case: Case, finding: Finding) -> bool:
    """Rather than the drawing: lost although the model looked for it there; at the border although planned away from it."""
    if finding.region is None or finding.region >= len(case.plan.regions):
        return finding.kind not in ("missing", "cropped")
    if finding.kind == "cropped":
        box = case.plan.regions[finding.region].box
        return min(box.x0, box.y0, 1 - box.x1, 1 - box.y1) > 0.02
    if finding.kind != "missing":
        return True
    attended = at(case.render.attended, finding.region)
    cut = next((c.receipt.attended for c in case.cutouts if c.region == finding.region), attended)
    return max(attended.lift, cut.lift) >= case.thresholds.lift[0]


def _rematte(case: Case) -> Rematte | None:
    return None if case.plan.cut.soft else Rematte()


def _reguide(case: Case) -> Reguide | None:
    """First the regions' own prompts count for more and for longer, then guidance is raised as well."""
    draw, times = case.plan.draw, case.times("reguide")
    if times >= case.thresholds.max_reguides:
        return None
    stronger = {"regional": True, "base_ratio": round(draw.base_ratio / 2, 4), "regional_until": round(min(1.0, draw.regional_until + 0.25), 4)}
    if times:
        stronger |= {"base_ratio": 0.0, "regional_until": 1.0, "guidance": round(min(30.0, max(draw.guidance, 1.0) * 1.35), 4)}
    changed = DrawSettings(**draw.model_dump() | stronger)
    return Reguide(draw=changed) if changed != draw else None


def _move(case: Case) -> Move | None:
    """The worst region that stands badly and has somewhere better to go."""
    for finding in case.wants("move"):
        if finding.region is None or finding.region >= len(case.plan.regions):
            continue
        box = _better_place(case.plan, finding.region, at_border=finding.kind == "cropped")
        if box is not None and Move(region=finding.region, box=box) not in case.tried:
            return Move(region=finding.region, box=box)
    return None


def _better_place(plan: Plan, index: int, at_border: bool) -> Box | None:
    """The nearest spot of the same size away from the other regions, the bands and the border; None if it is the old one."""
    old = plan.regions[index].box
    others = [r.box for i, r in enumerate(plan.regions) if i != index]
    bands = [b.box for b in kept_free(plan)]
    top, bottom = strip(bands)
    margin = 0.05 if at_border else 0.0
    box = clear_of(old, bands)
    width, height = min(box.width, 1 - 2 * margin), min(box.height, bottom - top - 2 * margin)
    if width < box.width - 1e-6 or height < box.height - 1e-6:
        return None  # too large to stand free: a matter for resize

    def cost(spot: Box) -> tuple[float, float]:
        # Apart from the others by a little, so that moving away has an end.
        near = sum(_widened(other, 0.02).intersection(spot) for other in others)
        return round(near / spot.area, 4), math.dist(spot.centre, old.centre)

    left, upper = margin + width / 2, top + margin + height / 2
    right, lower = 1 - left, bottom - margin - height / 2
    stay = placed((min(max(old.centre[0], left), right), min(max(old.centre[1], upper), lower)), width, height)
    steps = [i / 12 for i in range(13)]
    spots = [placed((left + (right - left) * x, upper + (lower - upper) * y), width, height) for x in steps for y in steps]
    best = min([stay, *spots], key=cost)
    return best if math.dist(best.centre, old.centre) > 0.01 else None


def _widened(box: Box, by: float) -> Box:
    return Box.of(box.x0 - by, box.y0 - by, box.x1 + by, box.y1 + by)


def _resize(case: Case) -> Resize | None:
    """Larger for what is tiny or lost, smaller for what does not fit the canvas or reaches into the lettering."""
    for finding in case.wants("resize"):
        if finding.region is None or finding.region >= len(case.plan.regions):
            continue
        scale = 0.8 if finding.kind in ("cropped", "caption") else 1.3
        if scale > 1 and case.plan.regions[finding.region].box.area > 0.5:
            continue
        repair = Resize(region=finding.region, scale=scale)
        if repair not in case.tried:
            return repair
    return None


def _reseed(case: Case) -> Reseed:
    """A seed that follows from the old one, so that a run can be repeated; never one that was used before."""
    used = {case.render.seed} | {r.seed for r in case.tried if isinstance(r, Reseed)}
    seed = case.render.seed
    while seed in used:
        seed = int.from_bytes(hashlib.sha256(f"cutwork reseed {seed}".encode()).digest()[:8], "big") % (MAX_SEED + 1)
        seed %= 2**32  # readable, and within what every generator takes
    return Reseed(seed=seed)


def _replan(case: Case) -> Replan | None:
    if case.times("replan") >= case.thresholds.max_replans:
        return None
    faults = "; ".join(dict.fromkeys(f.detail for f in case.findings[:6])) or "the picture as a whole scored too low"
    return Replan(reason=f"The last layout did not come out: {faults}.")


def _ask(case: Case) -> Ask:
    faults = "; ".join(dict.fromkeys(f.detail for f in case.findings[:3])) or "the picture as a whole"
    return Ask(question=f"I am not sure about this: {faults}. Keep the picture, or what should change?")


_PROPOSALS: dict[str, Callable[[Case], Repair | None]] = {
    "recut": _recut,
    "rematte": _rematte,
    "reguide": _reguide,
    "move": _move,
    "resize": _resize,
    "reseed": _reseed,
    "replan": _replan,
}
