"""The Critic: looks at a round, says what is wrong with it and what could be done, cheapest first.

Two halves. *Geometry* is free and deterministic: it holds the receipts (plan, attention, alpha) against thresholds.
*Vision* asks a language model that can see to mark the picture by a rubric. The score of a round is the geometric mean of
the halves: a picture must satisfy both, a half at nothing leaves nothing, and yet every gain in either half shows, which
keep-best needs (with the minimum, progress in the better half would not count). Regions are joined the same way.

The critic proposes repairs and applies none. What was tried before is never proposed again, so that the rounds of a run
climb from cheap to dear.
"""

from __future__ import annotations

from collections.abc import Sequence

from cutwork.agents.geometry import geometry
from cutwork.agents.remedies import FITS, Case, repairs
from cutwork.agents.thresholds import DEFAULT, Thresholds, joined
from cutwork.agents.vision import vision
from cutwork.agents.words import tidy
from cutwork.domain import Brief, Critique, Cutout, Finding, Plan, Render, Repair, Shot
from cutwork.errors import CutworkError, LlmFailed, NotConfigured, Refused
from cutwork.ports import Llm

__all__ = ["DEFAULT", "FITS", "Thresholds", "critique", "geometry", "vision"]


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
    contrasts: Sequence[float] = (),
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
        contrasts: of each caption band with what is around its letters, 1..21, where that was measured.
    """
    plan = plan.plan if isinstance(plan, Shot) else plan
    seen, scores = geometry(plan, render, cutouts, thresholds, contrasts)
    findings = list(seen)
    notes: list[Finding] = []
    if llm is not None and llm.sees and picture is not None and not render.stopped_early:
        try:
            looked = vision(plan, picture, llm, brief)
            findings += looked[0]
            scores |= looked[1]
        except (LlmFailed, NotConfigured, Refused) as error:
            notes.append(_unseen(error))
    halves = [scores[half] for half in ("geometry", "vision") if half in scores]
    whole = joined(halves)
    worst = max((f.severity for f in findings), default=0.0)
    accepted = not render.stopped_early and whole >= thresholds.accept_score and worst <= thresholds.accept_severity
    ordered = tuple(sorted(findings, key=lambda f: -f.severity))
    return Critique(
        score=whole,
        scores=scores,
        verdict="accept" if accepted else "repair",
        findings=(*ordered, *notes),
        repairs=() if accepted else tuple(repairs(Case(plan, render, cutouts, ordered, tried, thresholds), interactive)),
        disagreement=max(halves) - min(halves) > thresholds.disagreement,
    )


def _unseen(error: CutworkError) -> Finding:
    """That the vision half is missing, as a note: it weighs nothing and asks for no repair, since geometry can stand alone."""
    return Finding(subject=None, kind="wrong", detail=tidy(f"the picture itself was not looked at, only measured: {error}", 400), severity=0.0)
