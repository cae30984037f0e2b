"""Where the critic draws its lines, and how it counts: severities against a line, scores joined into one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cutwork.domain import Finding, Value

AT_LINE = 0.4  # severity of a fault that has just begun
Half = tuple[tuple[Finding, ...], dict[str, float]]  # findings, and scores by region number and as a whole


class Thresholds(Value):
    """Where the critic draws its lines. Shares are 0..1.

    For each measure that runs from good to bad there are two numbers: at the first a finding begins (severity 0.4), at the
    second it is as bad as can be (severity 1).
    """

    accept_score: float = 0.75  # a round scoring less is repaired
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


def above(value: float, line: tuple[float, float]) -> float:
    """Severity of a measure that should stay at or below the line: 0, or from 0.4 at the line to 1 at the worst."""
    start, worst = line
    return 0.0 if value <= start else score(AT_LINE + (1 - AT_LINE) * min(1.0, (value - start) / (worst - start)))


def below(value: float, line: tuple[float, float]) -> float:
    """The same for a measure that should stay at or above the line."""
    return above(-value, (-line[0], -line[1]))


def joined(scores: Sequence[float]) -> float:
    """The geometric mean."""
    if not scores:
        return 0.0
    return score(math.prod(scores) ** (1 / len(scores)))


def score(value: float) -> float:
    """Held to 0..1, as scores are kept."""
    return round(min(1.0, max(0.0, value)), 4)
