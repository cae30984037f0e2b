"""What a run carries from node to node, and what its nodes may use.

State is small and could be printed: domain values, ids and hashes. Rounds are kept in the database, not here, so a
checkpoint's size does not grow with the length of a run or the size of its images.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from cutwork.domain import Brief, Critique, Cutout, CutSettings, Design, DrawSettings, Expansion, Render, Repair, Shot, Subject
from cutwork.ports import Designs, Drawing, Llm


class DesignState(TypedDict, total=False):
    """State of the design graph."""

    id: str
    """The run's id; also its thread id."""
    brief: Brief
    seed: int
    """The seed the run started with; a repair may change the shot's."""
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
    best: int
    """Number of the best round so far; 0 = none."""
    best_score: float
    tried: tuple[Repair, ...]
    spent: float
    """Seconds of work done, over all resumptions."""


@dataclass
class Deps:
    """What nodes may use. Live objects: passed in at every start and resumption, never saved."""

    llm: Llm
    drawing: Drawing
    designs: Designs
    rounds: int = 4
    time_budget: float = 600.0
    approve: bool = False
    draw: DrawSettings = field(default_factory=DrawSettings)
    cut: CutSettings = field(default_factory=CutSettings)
    cancelled: Callable[[], bool] = lambda: False
    on_event: Callable[[str, dict[str, Any]], None] = lambda kind, data: None
    clock: Callable[[], float] = time.monotonic


def start(brief: Brief, model: str, llm: str) -> Design:
    """The record of a run that has not begun: its id sorts by time, its seed is the brief's or a fresh one."""
    now = datetime.now(UTC)
    return Design(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        status="running",
        brief=brief,
        seed=brief.seed if brief.seed is not None else secrets.randbelow(2**32),
        model=model,
        llm=llm,
        created=now.isoformat(timespec="seconds"),
    )
