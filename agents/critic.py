"""The Critic: looks at a round, says what is wrong with it and what could be done, cheapest first.

Two halves. *Geometry* is free and deterministic: it holds the receipts (plan, attention, alpha) against thresholds.
*Vision* asks a language model that can see to mark the picture by a rubric. The score of a round is the geometric mean of
the halves: a picture must satisfy both, a half at nothing leaves nothing, and yet every gain in either half shows, which
keep-best needs (with the minimum, progress in the better half would not count). Regions are joined the same way.

The critic proposes repairs and applies none. What was tried before is never proposed again, so that the rounds of a run
climb from cheap to dear.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cutwork.agents.boxes import clear_of, placed, strip
from cutwork.agents.schemas import CriticAnswer
from cutwork.agents.words import question, tidy
from cutwork.domain import (
    MAX_SEED,
    Ask,
    Attended,
    Box,
    Brief,
    Critique,
    Cutout,
    CutSettings,
    DrawSettings,
    Finding,
    Move,
    Plan,
    Receipt,
    Recut,
    Reguide,
    Rematte,
    Render,
    Repair,
    Replan,
    Reseed,
    Resize,
    Shot,
    Value,
)  # fmt: skip
from cutwork.errors import LlmFailed, Refused
from cutwork.ports import Llm

Half = tuple[tuple[Finding, ...], dict[str, float]]


class Thresholds(Value):
    """Where the critic draws its lines. Shares are 0..1.

    For each measure that runs from good to bad there are two numbers: at the first a finding begins (severity 0.4), at the
    second it is as bad as can be (severity 1).
    """

    accept_score: float = 0.6  # a round scoring less is repaired
    accept_severity: float = 0.6  # a round with a worse finding is repaired, whatever its score
    attention_only: float = 0.55  # as bad as it gets where attention alone complains while the cut-out itself stands well in its place
    disagreement: float = 0.35  # halves further apart than this are reported as differing
    lift: tuple[float, float] = (1.1, 0.8)  # attention inside the region against chance (1): below, the model never looked for the subject there
    lift_good: float = 1.5  # attention that counts as fully on its region, for the score
    own_good: float = 0.75  # attention in its own region, against that and the most in any other, that counts as all its own, for the score
    fill_missing: float = 0.02  # alpha of less than this share of its region is no cut-out at all
    fill: tuple[float, float] = (0.12, 0.03)  # alpha / planned area: below, the subject is tiny
    fill_good: float = 0.35  # alpha that counts as filling its region, for the score
    contained: tuple[float, float] = (0.6, 0.2)  # share of alpha inside its region: below, it is misplaced
    iou: tuple[float, float] = (0.12, 0.0)  # planned box with alpha box: below, it is misplaced even if contained
    fragments: tuple[float, float] = (3, 12)  # connected pieces: above, it is fragmented
    border: tuple[float, float] = (0.02, 0.12)  # share of the canvas border touched: above, it is cropped
    overlap: tuple[float, float] = (0.25, 0.7)  # share of alpha also claimed by another, beyond what the plan overlaps
    leak: tuple[float, float] = (0.6, 1.2)  # attention density in another region / in its own: above, it leaks
    leak_lift: float = 1.3  # and that density must be above chance by this much
    blend: tuple[float, float] = (0.45, 1.0)  # the same density, both ways, between subjects that resemble each other
    softness: tuple[float, float] = (0.35, 0.8)  # share of the boundary zone where the cut is unsure: above, it is soft
    planned_overlap: float = 0.3  # regions overlapping more than this share of the smaller are meant to; they cannot leak into each other
    max_recuts: int = 2  # a run tries these many cuts, …
    max_reguides: int = 2  # … stronger guidances, …
    max_replans: int = 1  # … and new layouts


DEFAULT = Thresholds()

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
    "caption": ("move", "reseed", "replan"),
}
_TOO_LITTLE = frozenset({"missing", "tiny", "fragmented"})  # cut more generously; all else is cut more strictly
_AT_LINE = 0.4  # severity of a fault that has just begun
_FLOOR = 0.05  # a lost region must not hide how the others do


def critique(
    plan: Plan | Shot,
    render: Render,
    cutouts: Sequence[Cutout],
    llm: Llm | None = None,
    picture: bytes | None = None,
    tried: Sequence[Repair] = (),
    thresholds: Thresholds = DEFAULT,
    *,
    brief: Brief | None = None,
    interactive: bool = False,
) -> Critique:
    """The verdict on one round.

    Args:
        plan: what was to be drawn, or the shot that holds it.
        render: what was drawn, with its attention.
        cutouts: what was cut; none where the drawing was stopped early.
        llm: judges the picture too, if it can see and there is one.
        picture: PNG of the image with numbered outlines.
        tried: repairs already made in this run.
        thresholds: where the lines are.
        brief: the person's words, for the vision half.
        interactive: whether a person may be asked.
    """
    plan = plan.plan if isinstance(plan, Shot) else plan
    seen, scores = geometry(plan, render, cutouts, thresholds)
    findings = list(seen)
    if llm is not None and llm.sees and picture is not None and not render.stopped_early:
        looked = _looked(plan, picture, llm, brief)
        if looked is not None:
            findings += looked[0]
            scores |= looked[1]
    halves = [scores[half] for half in ("geometry", "vision") if half in scores]
    score = _joined(halves)
    worst = max((f.severity for f in findings), default=0.0)
    accepted = not render.stopped_early and score >= thresholds.accept_score and worst <= thresholds.accept_severity
    ordered = tuple(sorted(findings, key=lambda f: -f.severity))
    return Critique(
        score=score,
        scores=scores,
        verdict="accept" if accepted else "repair",
        findings=ordered,
        repairs=() if accepted else tuple(_repairs(_Case(plan, render, cutouts, ordered, tried, thresholds), interactive)),
        disagreement=max(halves) - min(halves) > thresholds.disagreement,
    )


# ------------------------------------------------------------------------------------------------------------ geometry


def geometry(plan: Plan, render: Render, cutouts: Sequence[Cutout], thresholds: Thresholds = DEFAULT) -> Half:
    """Findings from the receipts, and scores by region number, with the whole as "geometry"."""
    receipts = _receipts(plan, render, cutouts)
    blended = list(_blended(plan, receipts, thresholds))
    findings: list[Finding] = []
    scores: dict[str, float] = {}
    for index, receipt in enumerate(receipts):
        own = list(_faults(plan, index, receipt, not render.stopped_early, thresholds))
        findings += own
        both = [finding for pair, finding in blended if index in pair]
        scores[str(index)] = _region_score(receipt, [*own, *both], thresholds)
    findings += [finding for _, finding in blended]
    whole = _joined([max(_FLOOR, s) for s in scores.values()]) if scores else 1.0
    # An unfinished picture is never better than a finished one.
    return tuple(findings), scores | {"geometry": _score(whole * (0.1 if render.stopped_early else 1.0))}


def _receipts(plan: Plan, render: Render, cutouts: Sequence[Cutout]) -> list[Receipt]:
    """One for each region: measured where it was cut, else what its attention alone tells."""
    cut = {c.region: c.receipt for c in cutouts}
    return [cut.get(i) or Receipt(planned=region.box, attended=_at(render.attended, i)) for i, region in enumerate(plan.regions)]


def _at(attended: Sequence[Attended], index: int) -> Attended:
    return attended[index] if index < len(attended) else Attended()


def _watched(attended: Attended) -> bool:
    """Whether attention was recorded at all; without a record, nothing is said about it."""
    return attended.box is not None or attended.lift > 0 or attended.inside > 0


def _faults(plan: Plan, index: int, receipt: Receipt, cut: bool, t: Thresholds) -> Iterator[Finding]:
    name = plan.regions[index].subject

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
        yield from found("missing", min(gravest, _below(lift, t.lift)), f"the model hardly looked for it there (attention {lift:.2f} × chance)")
    other, density = _worst_leak(plan, index, receipt.attended, t)
    yield from found("leaking", min(gravest, _above(density, t.leak)), f"attention leaks into region {other + 1} ({density:.2f} × its own)")
    if not cut or lost:
        return
    misplaced = max(_below(receipt.contained, t.contained), _below(receipt.iou, t.iou))
    yield from found("misplaced", misplaced, f"{receipt.contained:.0%} of it lies in its region, IoU {receipt.iou:.2f}")
    yield from found("tiny", _below(receipt.fill, t.fill), f"fills {receipt.fill:.0%} of its region")
    yield from found("fragmented", _above(receipt.fragments, t.fragments), f"in {receipt.fragments} pieces")
    yield from found("cropped", _above(receipt.border, t.border), f"touches {receipt.border:.0%} of the canvas border")
    yield from found("soft", _above(receipt.softness, t.softness), f"its edge is unsure along {receipt.softness:.0%}")
    for number, share in receipt.overlap.items():
        rival = _number(number, plan)
        if rival is not None and rival != index:
            beyond = share - _planned_share(plan, index, rival)
            yield from found("overlapping", _above(beyond, t.overlap), f"{share:.0%} of it is claimed by region {rival + 1} too")


def _blended(plan: Plan, receipts: Sequence[Receipt], t: Thresholds) -> Iterator[tuple[tuple[int, int], Finding]]:
    """Pairs of regions whose subjects resemble each other and attend to each other's places, both ways."""
    alike = {frozenset(pair) for pair in plan.similar}
    for i, j in combinations(range(len(plan.regions)), 2):
        a, b = plan.regions[i].subject, plan.regions[j].subject
        if frozenset((a, b)) not in alike or _meant_to_overlap(plan, i, j, t):
            continue
        mutual = min(_density(plan, i, j, receipts[i].attended), _density(plan, j, i, receipts[j].attended))
        claimed = min(receipts[i].overlap.get(str(j), 0.0), receipts[j].overlap.get(str(i), 0.0))
        severity = max(_above(mutual, t.blend), _above(claimed, t.overlap))
        if severity > 0:
            detail = f"{a} (region {i + 1}) and {b} (region {j + 1}) blend: each draws on {mutual:.2f} × the other's attention"
            yield (i, j), Finding(subject=a, region=i, kind="blended", detail=detail, severity=severity)


def _density(plan: Plan, index: int, other: int, attended: Attended) -> float:
    """Attention per area in another region, against that in its own; areas differ, so masses cannot be compared."""
    own = attended.inside / plan.regions[index].box.area
    there = attended.leakage.get(str(other), 0.0) / plan.regions[other].box.area
    return there / own if own > 1e-6 else (0.0 if there <= 1e-6 else 10.0)


def _worst_leak(plan: Plan, index: int, attended: Attended, t: Thresholds) -> tuple[int, float]:
    """The other region that draws most of this one's attention, and how much against its own; 0 if none draws more than chance."""
    worst = (index, 0.0)
    for number, mass in attended.leakage.items():
        other = _number(number, plan)
        # Regions of one subject have the same keyword: attention on both is as it should be.
        if other is None or plan.regions[other].subject == plan.regions[index].subject or _meant_to_overlap(plan, index, other, t):
            continue
        if mass / plan.regions[other].box.area >= t.leak_lift:
            worst = max(worst, (other, _density(plan, index, other, attended)), key=lambda pair: pair[1])
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
    whole = _joined(parts) if parts else (0.0 if faults else 0.5)
    worst = max((f.severity for f in faults), default=0.0)
    return _score(whole * (1 - 0.8 * max(0.0, worst - _AT_LINE) / (1 - _AT_LINE)))


def _above(value: float, line: tuple[float, float]) -> float:
    """Severity of a measure that should stay at or below the line: 0, or from 0.4 at the line to 1 at the worst."""
    start, worst = line
    return 0.0 if value <= start else _score(_AT_LINE + (1 - _AT_LINE) * min(1.0, (value - start) / (worst - start)))


def _below(value: float, line: tuple[float, float]) -> float:
    """The same for a measure that should stay at or above the line."""
    return _above(-value, (-line[0], -line[1]))


def _joined(scores: Sequence[float]) -> float:
    """The geometric mean."""
    if not scores:
        return 0.0
    return _score(math.prod(scores) ** (1 / len(scores)))


def _score(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


# -------------------------------------------------------------------------------------------------------------- vision


def vision(plan: Plan, picture: bytes, llm: Llm, brief: Brief | None = None) -> Half:
    """Findings and score ("vision") of a model that sees the picture with its numbered outlines.

    Raises:
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    outlines = [{"number": i + 1, "subject": r.subject, "phrase": plan.subject(r.subject).phrase, "box": list(r.box.root)} for i, r in enumerate(plan.regions)]
    variables = {"brief": brief.text if brief else plan.prompt, "prompt": plan.prompt, "plan": json.dumps(outlines, ensure_ascii=False)}
    answer = llm.ask(question("critic", variables, (picture,)), CriticAnswer)
    marks = _marks([answer.alignment, answer.quality, answer.layout])
    known = {s.id for s in plan.subjects}
    findings = []
    for number, issue in enumerate(answer.issues[:8]):
        subject = issue.subject if issue.subject in known else None
        region = next((i for i, r in enumerate(plan.regions) if r.subject == subject), None)
        # The worse the picture is marked, and the earlier it is named, the graver a fault.
        severity = _score((1 - min(marks)) * 0.9**number)
        findings.append(Finding(subject=subject, region=region, kind=issue.kind, detail=tidy(issue.detail, 300) or issue.kind, severity=severity))
    return tuple(findings), {"vision": _joined([max(0.01, m) for m in marks])}


def _looked(plan: Plan, picture: bytes, llm: Llm, brief: Brief | None) -> Half | None:
    """The vision half; None where the model gave no judgement, since the geometry half can stand alone."""
    try:
        return vision(plan, picture, llm, brief)
    except (LlmFailed, Refused):
        return None


def _marks(marks: Sequence[float]) -> list[float]:
    """Marks as 0..1, also from models that mark to 100 or leave a mark out (NaN)."""
    finite = [m if math.isfinite(m) else 0.0 for m in marks]
    full = 100.0 if max(finite) > 10 else 10.0
    return [_score(m / full) for m in finite]


# ------------------------------------------------------------------------------------------------------------- repairs


@dataclass(frozen=True)
class _Case:
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


def _repairs(case: _Case, interactive: bool) -> Iterator[Repair]:
    """What to try next, one of each fitting kind, cheapest first."""
    for kind, propose in _PROPOSALS.items():
        # A round may score too low without any single finding; then whatever draws again is worth a try.
        wanted = case.wants(kind) or (not case.findings and kind in ("reguide", "reseed", "replan"))
        if case.render.stopped_early and kind in ("recut", "rematte"):
            wanted = False
        repair = propose(case) if wanted else None
        if repair is not None and repair not in case.tried:
            yield repair
    if interactive:
        yield _ask(case)


def _recut(case: _Case) -> Recut | None:
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


def _cut_may_be_at_fault(case: _Case, finding: Finding) -> bool:
    """Rather than the drawing: lost although the model looked for it there; at the border although planned away from it."""
    if finding.region is None or finding.region >= len(case.plan.regions):
        return finding.kind not in ("missing", "cropped")
    if finding.kind == "cropped":
        box = case.plan.regions[finding.region].box
        return min(box.x0, box.y0, 1 - box.x1, 1 - box.y1) > 0.02
    if finding.kind != "missing":
        return True
    attended = _at(case.render.attended, finding.region)
    cut = next((c.receipt.attended for c in case.cutouts if c.region == finding.region), attended)
    return max(attended.lift, cut.lift) >= case.thresholds.lift[0]


def _rematte(case: _Case) -> Rematte | None:
    return None if case.plan.cut.soft else Rematte()


def _reguide(case: _Case) -> Reguide | None:
    """First the regions' own prompts count for more and for longer, then guidance is raised as well."""
    draw, times = case.plan.draw, case.times("reguide")
    if times >= case.thresholds.max_reguides:
        return None
    stronger = {"regional": True, "base_ratio": round(draw.base_ratio / 2, 4), "regional_until": round(min(1.0, draw.regional_until + 0.25), 4)}
    if times:
        stronger |= {"base_ratio": 0.0, "regional_until": 1.0, "guidance": round(min(30.0, max(draw.guidance, 1.0) * 1.35), 4)}
    changed = DrawSettings(**draw.model_dump() | stronger)
    return Reguide(draw=changed) if changed != draw else None


def _move(case: _Case) -> Move | None:
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
    bands = [b.box for b in plan.bands]
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


def _resize(case: _Case) -> Resize | None:
    """Larger for what is tiny or lost, smaller for what does not fit the canvas."""
    for finding in case.wants("resize"):
        if finding.region is None or finding.region >= len(case.plan.regions):
            continue
        scale = 0.8 if finding.kind == "cropped" else 1.3
        if scale > 1 and case.plan.regions[finding.region].box.area > 0.5:
            continue
        repair = Resize(region=finding.region, scale=scale)
        if repair not in case.tried:
            return repair
    return None


def _reseed(case: _Case) -> Reseed:
    """A seed that follows from the old one, so that a run can be repeated; never one that was used before."""
    used = {case.render.seed} | {r.seed for r in case.tried if isinstance(r, Reseed)}
    seed = case.render.seed
    while seed in used:
        seed = int.from_bytes(hashlib.sha256(f"cutwork reseed {seed}".encode()).digest()[:8], "big") % (MAX_SEED + 1)
        seed %= 2**32  # readable, and within what every generator takes
    return Reseed(seed=seed)


def _replan(case: _Case) -> Replan | None:
    if case.times("replan") >= case.thresholds.max_replans:
        return None
    faults = "; ".join(dict.fromkeys(f.detail for f in case.findings[:6])) or "the picture as a whole scored too low"
    return Replan(reason=f"The last layout did not come out: {faults}.")


def _ask(case: _Case) -> Ask:
    faults = "; ".join(dict.fromkeys(f.detail for f in case.findings[:3])) or "the picture as a whole"
    return Ask(question=f"I am not sure about this: {faults}. Keep the picture, or what should change?")


_PROPOSALS: dict[str, Callable[[_Case], Repair | None]] = {
    "recut": _recut,
    "rematte": _rematte,
    "reguide": _reguide,
    "move": _move,
    "resize": _resize,
    "reseed": _reseed,
    "replan": _replan,
}
