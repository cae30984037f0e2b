"""Where a run goes next: pure functions of state and budget, nothing else."""

from __future__ import annotations

from typing import Literal

from cutwork.domain import Critique, Repair

Next = Literal["finish", "repair", "lay_out", "ask"]
RECUTS = ("recut", "rematte")


def after_critique(critique: Critique, number: int, rounds: int, spent: float, budget: float, interactive: bool = False, planned: bool = True) -> Next:
    """What to do with a judged round.

    Args:
        number: rounds done. rounds: how many are allowed. spent, budget: seconds.
        interactive: whether somebody is there to be asked.
        planned: whether the plan was made in this run. One that was given cannot be made again.
    """
    if critique.verdict == "accept" or number >= rounds or spent >= budget or not critique.repairs:
        return "finish"
    kind = critique.repairs[0].kind
    if kind == "replan":
        return "lay_out" if planned else "finish"
    if kind == "ask":
        return "ask" if interactive and planned else "finish"
    return "repair"


def after_repair(repair: Repair) -> Literal["cut", "render"]:
    """A repair of the cut needs no new drawing."""
    return "cut" if repair.kind in RECUTS else "render"
