"""What a run carries from node to node, and what its nodes may use.

State is small and could be printed: domain values, ids and hashes. Rounds are kept in the database, not here, so a
checkpoint's size does not grow with the length of a run or the size of its images.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from cutwork.agents import goods as reading
from cutwork.domain import Brief, Critique, Cutout, Design, Expansion, Plan, Render, Repair, Shot, Subject, Terms
from cutwork.errors import BadInput
from cutwork.ports import Designs, Drawing, Llm
from cutwork.storage.clock import fresh_id
from cutwork.tools.finish import check as possible


class DesignState(TypedDict, total=False):
    """State of the design graph."""

    id: str
    """The run's id; also its thread id."""
    brief: Brief
    seed: int
    """Of the next layout's shot: the one the run started with, until a repair took another."""
    expansion: Expansion
    subjects: tuple[Subject, ...]
    feedback: str
    """What went wrong, for the layout planner's next try; empty at first."""
    shot: Shot
    render: Render
    cutouts: tuple[Cutout, ...]
    critique: Critique
    number: int
    """Rounds done."""
    tried: tuple[Repair, ...]
    spent: float
    """Seconds of work done, over all resumptions."""


@dataclass
class Deps:
    """What nodes may use. Live objects: passed in at every start and resumption, never saved."""

    llm: Llm
    drawing: Drawing
    designs: Designs
    terms: Terms
    cancelled: Callable[[], bool] = lambda: False
    on_event: Callable[[str, dict[str, Any]], None] = lambda kind, data: None
    task: str | None = None
    """The running task's id, the same when it is tried again; only where a server started the run."""
    clock: Callable[[], float] = time.monotonic


def check(brief: Brief, planned: bool = False) -> None:
    """Nothing of a brief is passed over in silence, and what cannot be made is not drawn for.

    Args:
        planned: it is known already what to draw and what to make of it.

    Raises:
        BadInput: naming what Cutwork cannot plan for yet, or what of the goods cannot be: 5,000 dpi, a palette of one colour, an unknown font.
    """
    if len(brief.references) > 1:
        raise BadInput(f"the brief has {len(brief.references)} reference pictures, and a drawing begins from one; choose it, and say in words what the others show")
    if brief.follow is not None and not brief.references:
        raise BadInput(f"follow is {brief.follow:g}, and the brief has no reference picture to be followed", "give one: --reference FILE, or `references`")
    if brief.palette and brief.kind not in ("auto", "textile"):
        raise BadInput(
            f"the brief has the palette {', '.join(brief.palette)}, and only a textile is kept to a palette, not a {brief.kind}; "
            "name colours in the text, such as 'a red cat on a teal background'"
        )
    if brief.captions and brief.kind not in ("auto", "meme"):
        raise BadInput(f"the brief has {len(brief.captions)} caption(s), and only a meme has lettering, not a {brief.kind}; leave them out")
    if not planned:
        goods = reading.of(brief)
        possible(goods.finish(goods.kind or "cutout", brief.palette))


def start(
    brief: Brief, terms: Terms, *, llm: str | None = None, shot: Shot | None = None, id: str | None = None, parent: str | None = None
) -> Design:
    """The record of a run that has not begun: its id sorts by time, its seed is the brief's or a fresh one.

    Args:
        llm: who planned the given shot, where that is not who is asked now.
        shot: what to draw, where that is given; the brief stays as it was asked.
        parent: the run whose picture the shot changes.

    Raises:
        BadInput: if the brief asks for what cannot be done.
    """
    check(brief, planned=shot is not None)
    now = datetime.now(UTC)
    fresh = brief.seed if brief.seed is not None else secrets.randbelow(2**32)
    return Design(
        id=id or fresh_id(),
        status="running",
        brief=brief,
        seed=shot.seed if shot else fresh,
        model=terms.model,
        llm=llm or terms.llm,
        plan=shot.plan if shot else None,
        created=now.isoformat(timespec="seconds"),
        parent=parent,
        terms=terms.model_copy(update={"keep": shot.keep}) if shot else terms,
    )


def begun_again(design: Design) -> Design:
    """The record of a run of which nothing but the record is left, as it was when it started."""
    given: Plan | None = design.plan if design.terms and design.terms.redraw else None
    return design.model_copy(
        update={"status": "running", "expansion": None, "plan": given, "rounds": (), "best": None, "artifacts": (), "timings": {}, "error": None}
    )


def first(design: Design) -> DesignState:
    """What a run starts from: its brief, or its shot where that is given."""
    state = DesignState(id=design.id, brief=design.brief, seed=design.seed)
    if design.plan is not None and design.terms is not None and design.terms.redraw:
        state["shot"] = Shot(plan=design.plan, seed=design.seed, keep=design.terms.keep)
    return state
