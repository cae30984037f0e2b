"""The critic's other half: a language model that can see marks the picture by a rubric."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from cutwork.agents import goods
from cutwork.agents.bands import kept_free
from cutwork.agents.schemas import CriticAnswer
from cutwork.agents.thresholds import Half, joined, score
from cutwork.agents.words import question, tidy
from cutwork.domain import Brief, Finding, Plan
from cutwork.ports import Llm


def vision(plan: Plan, picture: bytes, llm: Llm, brief: Brief | None = None) -> Half:
    """Findings and score ("vision") of a model that sees the picture with its numbered outlines, before it is lettered.

    Raises:
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    outlines = [{"number": i + 1, "subject": r.subject, "phrase": plan.subject(r.subject).phrase, "box": list(r.box.root)} for i, r in enumerate(plan.regions)]
    strips = [{"text": band.text, "box": list(band.box.root)} for band in kept_free(plan)]
    variables = {
        "brief": goods.picture(brief, plan.finish.kind) if brief else plan.prompt,
        "prompt": plan.prompt,
        "plan": json.dumps(outlines, ensure_ascii=False),
        "bands": json.dumps(strips, ensure_ascii=False),
    }
    answer = llm.ask(question("critic", variables, (picture,)), CriticAnswer)
    marks = _marks([answer.alignment, answer.quality, answer.layout])
    known = {s.id for s in plan.subjects}
    findings = []
    for number, issue in enumerate(answer.issues[:8]):
        subject = issue.subject if issue.subject in known else None
        region = next((i for i, r in enumerate(plan.regions) if r.subject == subject), None)
        # The worse the picture is marked, and the earlier it is named, the graver a fault.
        severity = score((1 - min(marks)) * 0.9**number)
        findings.append(Finding(subject=subject, region=region, kind=issue.kind, detail=tidy(issue.detail, 300) or issue.kind, severity=severity))
    return tuple(findings), {"vision": joined([max(0.01, m) for m in marks])}


def _marks(marks: Sequence[float]) -> list[float]:
    """Marks as 0..1, also from models that mark to 100 or leave a mark out (NaN)."""
    finite = [m if math.isfinite(m) else 0.0 for m in marks]
    full = 100.0 if max(finite) > 10 else 10.0
    return [score(m / full) for m in finite]
