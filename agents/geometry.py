"""The critic's free half: receipts (plan, attention, alpha) held against thresholds. Deterministic; asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from cutwork.agents.bands import kept_free
from cutwork.agents.thresholds import AT_LINE, DEFAULT, Half, Thresholds, above, below, joined, score
from cutwork.domain import Attended, CaptionBand, Cutout, Finding, Plan, Receipt, Render

CAPTION = (0.03, 0.25)  # share of a caption band that a subject covers: above, they clash
READABLE = (4.5, 2.0)  # contrast of lettering with what is around it, 1..21: below, it is hard to read
_FLOOR = 0.05  # a lost region must not hide how the others do


def geometry(plan: Plan, render: Render, cutouts: Sequence[Cutout], thresholds: Thresholds = DEFAULT, contrasts: Sequence[float] = ()) -> Half:
    """Findings from the receipts, and scores by region number, with the whole as "geometry"; a plan without subjects has nothing to score.

    Args:
        contrasts: of each caption band with what is around its letters, 1..21, where that was measured.
    """
    if not plan.regions:
        nothing = Finding(subject=None, kind="missing", detail="the brief names no subject that could be drawn, so nothing was cut out", severity=1.0)
        return (nothing,), {"geometry": 0.0}
    receipts = _receipts(plan, render, cutouts)
    shared = [*_blended(plan, receipts, thresholds), *_lettered(plan, receipts)]
    findings: list[Finding] = []
    scores: dict[str, float] = {}
    for index, receipt in enumerate(receipts):
        own = list(_unlearned(plan, index, render)) or list(_faults(plan, index, receipts, not render.stopped_early, thresholds))
        findings += own
        both = [finding for who, finding in shared if index in who]
        scores[str(index)] = _region_score(receipt, [*own, *both], thresholds)
    findings += [finding for _, finding in shared]
    findings += _unreadable(plan, contrasts)
    whole = joined([max(_FLOOR, s) for s in scores.values()])
    # An unfinished picture is never better than a finished one.
    return tuple(findings), scores | {"geometry": score(whole * (0.1 if render.stopped_early else 1.0))}


def _receipts(plan: Plan, render: Render, cutouts: Sequence[Cutout]) -> list[Receipt]:
    """One for each region: measured where it was cut, else what its attention alone tells."""
    cut = {c.region: c.receipt for c in cutouts}
    return [cut.get(i) or Receipt(planned=region.box, attended=at(render.attended, i)) for i, region in enumerate(plan.regions)]


def at(attended: Sequence[Attended], index: int) -> Attended:
    """The attention of a region; nothing where none was recorded."""
    return attended[index] if index < len(attended) else Attended()


def _area(plan: Plan, index: int, attended: Attended) -> float:
    """Share of the canvas a region holds; of a free mask, attention's lift over chance tells it."""
    region = plan.regions[index]
    return region.box.area if region.mask is None or attended.lift <= 0 else attended.inside / attended.lift


def _watched(attended: Attended) -> bool:
    """Whether attention was recorded at all; without a record, nothing is said about it."""
    return attended.box is not None or attended.lift > 0 or attended.inside > 0


def _faults(plan: Plan, index: int, receipts: Sequence[Receipt], cut: bool, t: Thresholds) -> Iterator[Finding]:
    name, receipt = plan.regions[index].subject, receipts[index]

    def found(kind: str, severity: float, detail: str) -> Iterator[Finding]:
        if severity > 0:
            yield Finding(subject=name, region=index, kind=kind, detail=f"{name} (region {index + 1}): {detail}", severity=severity)  # type: ignore[arg-type]

    # What is delivered is the cut-out: where it is sound, its attention can only warn.
    gravest = t.attention_only if cut and _stands(receipt, t) else 1.0
    lost = cut and (receipt.alpha is None or receipt.fill < t.fill_missing)
    if lost:
        yield from found("missing", 1.0, "nothing of it could be cut out")
    elif _watched(receipt.attended):
        lift = receipt.attended.lift
        yield from found("missing", min(gravest, below(lift, t.lift)), f"the model hardly looked for it there (attention {lift:.2f} × chance)")
    other, density = _worst_leak(plan, index, receipts, t)
    yield from found("leaking", min(gravest, above(density, t.leak)), f"attention leaks into region {other + 1} ({density:.2f} × its own)")
    if not cut or lost:
        return
    misplaced = max(below(receipt.contained, t.contained), below(receipt.iou, t.iou))
    yield from found("misplaced", misplaced, f"{receipt.contained:.0%} of it lies in its region, IoU {receipt.iou:.2f}")
    yield from found("tiny", below(receipt.fill, t.fill), f"fills {receipt.fill:.0%} of its region")
    yield from found("fragmented", above(receipt.fragments, t.fragments), f"in {receipt.fragments} pieces")
    yield from found("cropped", above(receipt.border, t.border), f"touches {receipt.border:.0%} of the canvas border")
    yield from found("soft", above(receipt.softness, t.softness), f"its edge is unsure along {receipt.softness:.0%}")
    for number, share in receipt.overlap.items():
        rival = _number(number, plan)
        if rival is not None and rival != index:
            beyond = share - _planned_share(plan, index, rival)
            yield from found("overlapping", above(beyond, t.overlap), f"{share:.0%} of it is claimed by region {rival + 1} too")


def _unlearned(plan: Plan, index: int, render: Render) -> Iterator[Finding]:
    """A subject that the model cannot draw, however well what it drew instead was placed and cut."""
    name = plan.regions[index].subject
    if name in render.unknown:
        detail = f"{name} (region {index + 1}): {render.model} has not learned it, nor anything near; what stands there is something else"
        yield Finding(subject=name, region=index, kind="unknown", detail=detail, severity=1.0)


def _blended(plan: Plan, receipts: Sequence[Receipt], t: Thresholds) -> Iterator[tuple[tuple[int, int], Finding]]:
    """Pairs of regions whose subjects resemble each other and attend to each other's places, both ways."""
    alike = {frozenset(pair) for pair in plan.similar}
    for i, j in combinations(range(len(plan.regions)), 2):
        a, b = plan.regions[i].subject, plan.regions[j].subject
        if frozenset((a, b)) not in alike or _meant_to_overlap(plan, i, j, t):
            continue
        mutual = min(_density(plan, i, j, receipts), _density(plan, j, i, receipts))
        claimed = min(receipts[i].overlap.get(str(j), 0.0), receipts[j].overlap.get(str(i), 0.0))
        severity = max(above(mutual, t.blend), above(claimed, t.overlap))
        if severity > 0:
            detail = f"{a} (region {i + 1}) and {b} (region {j + 1}) blend: each draws on {mutual:.2f} × the other's attention"
            yield (i, j), Finding(subject=a, region=i, kind="blended", detail=detail, severity=severity)


def _lettered(plan: Plan, receipts: Sequence[Receipt]) -> Iterator[tuple[tuple[int], Finding]]:
    """Subjects that reach into a strip kept for lettering."""
    for band in kept_free(plan):
        for index, receipt in enumerate(receipts):
            covered = clash(receipt, band)
            severity = above(covered, CAPTION)
            if severity > 0:
                name, where = plan.regions[index].subject, "top" if band.box.centre[1] < 0.5 else "bottom"
                detail = f"{name} (region {index + 1}) touches the lettering at the {where}: it covers {covered:.0%} of that strip"
                yield (index,), Finding(subject=name, region=index, kind="caption", detail=detail, severity=severity)


def clash(receipt: Receipt, band: CaptionBand) -> float:
    """Share of a caption band that a subject covers, 0..1, taking its alpha to be as dense everywhere as it is on the whole."""
    if receipt.alpha is None:
        return 0.0
    dense = min(1.0, receipt.coverage / receipt.alpha.area)
    return receipt.alpha.intersection(band.box) * dense / band.box.area


def _unreadable(plan: Plan, contrasts: Sequence[float]) -> Iterator[Finding]:
    """Captions whose letters hardly stand out."""
    for band, contrast in zip(plan.bands, contrasts, strict=False):
        severity = below(contrast, READABLE)
        if severity > 0:
            yield Finding(subject=band.subject, kind="caption", detail=f"{band.text[:40]!r} is hard to read: contrast {contrast:.1f} of 21", severity=severity)


def _density(plan: Plan, index: int, other: int, receipts: Sequence[Receipt]) -> float:
    """Attention per area in another region, against that in its own; areas differ, so masses cannot be compared."""
    attended = receipts[index].attended
    own = attended.inside / _area(plan, index, attended)
    there = attended.leakage.get(str(other), 0.0) / _area(plan, other, receipts[other].attended)
    return there / own if own > 1e-6 else (0.0 if there <= 1e-6 else 10.0)


def _worst_leak(plan: Plan, index: int, receipts: Sequence[Receipt], t: Thresholds) -> tuple[int, float]:
    """The other region that draws most of this one's attention, and how much against its own; 0 if none draws more than chance."""
    worst = (index, 0.0)
    for number, mass in receipts[index].attended.leakage.items():
        other = _number(number, plan)
        # Regions of one subject have the same keyword: attention on both is as it should be.
        if other is None or plan.regions[other].subject == plan.regions[index].subject or _meant_to_overlap(plan, index, other, t):
            continue
        if mass / _area(plan, other, receipts[other].attended) >= t.leak_lift:
            worst = max(worst, (other, _density(plan, index, other, receipts)), key=lambda pair: pair[1])
    return worst


def _stands(receipt: Receipt, t: Thresholds) -> bool:
    """Whether the cut-out is where it should be, large enough and its own."""
    apart = max(receipt.overlap.values(), default=0.0) <= t.overlap[0]
    return receipt.alpha is not None and receipt.contained >= t.contained[0] and receipt.fill >= t.fill[0] and receipt.iou >= t.iou[0] and apart


def _number(text: str, plan: Plan) -> int | None:
    return int(text) if text.isdecimal() and int(text) < len(plan.regions) else None


def _planned_share(plan: Plan, index: int, other: int) -> float:
    """How much of a region the plan itself gives to another."""
    a, b = plan.regions[index].box, plan.regions[other].box
    return a.intersection(b) / a.area


def _meant_to_overlap(plan: Plan, i: int, j: int, t: Thresholds) -> bool:
    return max(_planned_share(plan, i, j), _planned_share(plan, j, i)) > t.planned_overlap


def _region_score(receipt: Receipt, faults: Sequence[Finding], t: Thresholds) -> float:
    """How well one region came out: attention, place and size, joined; the worst fault weighs on top.

    Without jumps, so that keep-best can tell rounds apart: a fault weighs nothing at its line.
    """
    parts = []
    seen = receipt.attended
    if _watched(seen):
        own = seen.inside / (seen.inside + max(seen.leakage.values(), default=0.0) or 1.0)
        parts += [min(1.0, seen.lift / t.lift_good), min(1.0, own / t.own_good)]
    if receipt.alpha is not None:
        parts += [receipt.contained, min(1.0, receipt.fill / t.fill_good)]
    whole = joined(parts) if parts else (0.0 if faults else 0.5)
    worst = max((f.severity for f in faults), default=0.0)
    return score(whole * (1 - 0.8 * max(0.0, worst - AT_LINE) / (1 - AT_LINE)))
