"""Edits of a picture: what of it is drawn, and pictures that need no drawing, since all they are made of was drawn before.

A composed picture is a run of its own, whose `parent` is the run it was made of. Its cut-outs are those it was put together from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cutwork.domain import Brief, Cutout, Design, Plan, Render, Round, Shot
from cutwork.errors import BadInput
from cutwork.ports import Blobs, Drawing

if TYPE_CHECKING:
    from cutwork.agents.edits import Draft
    from cutwork.tools.keep import Before, Start


def delivered(design: Design) -> Round:
    """The round that stands.

    Raises:
        BadInput: if the design has delivered nothing.
    """
    if design.delivered is None:
        raise BadInput(f"run {design.id} has no finished picture", hint=f"cutwork resume {design.id}")
    return design.delivered


def before_of(design: Design, blobs: Blobs) -> Before:
    """A design's picture and subjects, read."""
    from cutwork.tools import keep

    best = delivered(design)
    return keep.before_of(best.shot.plan, best.render.image, best.cutouts, blobs)


def started(draft: Draft, design: Design, blobs: Blobs) -> Start | None:
    """What the drawing of a draft starts from; None where everything is drawn anew.

    Raises:
        BadInput: if what is locked leaves nothing that may change.
    """
    from cutwork.tools.keep import Change, prepared

    before = before_of(design, blobs)
    locked = [k for k, region in enumerate(draft.before.regions) if region.subject in draft.locks]
    if draft.whole and not locked:
        return None
    changes = [
        Change(origin, region.box, noise, region.z)
        for region, origin, noise in zip(draft.plan.regions, draft.origin, draft.noise, strict=True)
        if noise > 0 or (draft.whole and origin not in locked)
    ]
    changes = [Change(c.old, c.now, 1.0, c.z) for c in changes] if draft.whole else changes
    changes += [Change(k, None) for k in sorted(set(range(len(draft.before.regions))) - {o for o in draft.origin if o is not None})]
    return prepared(before, changes, locked, draft.background or draft.whole)


def brief_of(plan: Plan, before: Brief, seed: int) -> Brief:
    """What an edited plan would have been asked for by."""
    return Brief(text=plan.prompt[:2_000], kind=plan.finish.kind, size=plan.size, seed=seed, references=before.references)


def composed(
    before: Design,
    plan: Plan,
    start: Start,
    drawing: Drawing,
    blobs: Blobs,
    id: str,
    sources: Sequence[tuple[Round, int]],
) -> Design:
    """The record of a run whose picture is put together from others, judged and with its files.

    Args:
        start: the picture.
        sources: for each region of the plan the round that its cut-out is of, and its number there.
    """
    from cutwork.agents.critic import critique

    old, kept = delivered(before), start.kept(blobs)
    shot = Shot(plan=plan, seed=old.shot.seed, keep=kept)
    attended = tuple(turn.render.attended[k] for turn, k in sources if k < len(turn.render.attended))
    render = Render(
        image=kept.image, record=record_of(sources, blobs), seed=shot.seed, model=old.render.model, steps=0, notes=old.render.notes,
        attended=attended if len(attended) == len(plan.regions) else (),
    )  # fmt: skip
    found = _cutouts(plan, sources)
    verdict = critique(shot, render, found, contrasts=drawing.contrasts(shot, render, found))
    judged = Round(number=1, shot=shot, render=render, cutouts=found, critique=verdict.model_copy(update={"repairs": ()}))
    changes: dict[str, Any] = {
        "id": id, "parent": before.id, "status": "accepted" if judged.accepted else "best_effort", "brief": brief_of(plan, before.brief, shot.seed), "seed": shot.seed,
        "plan": plan, "rounds": (judged,), "best": 1, "artifacts": (), "timings": {}, "error": None, "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    made = before.model_copy(update=changes)
    return made.model_copy(update={"artifacts": drawing.finish(made)})


def _cutouts(plan: Plan, sources: Sequence[tuple[Round, int]]) -> tuple[Cutout, ...]:
    """What was cut out of the pictures that this one is made of, by its own regions. Who is partly covered keeps a whole layer."""
    from cutwork.tools.keep import renumbered

    found = []
    for number, (turn, k) in enumerate(sources):
        places = {old: new for new, (other, old) in enumerate(sources) if other is turn}
        found += [
            c.model_copy(update={"region": number, "subject": plan.regions[number].subject, "receipt": renumbered(c.receipt, places)}) for c in turn.cutouts if c.region == k
        ]
    return tuple(found)


def record_of(sources: Sequence[tuple[Round, int]], blobs: Blobs) -> str:
    """The attention record of regions that are of several drawings: of one drawing its maps, those of the regions that are left; else none."""
    import numpy as np

    from cutwork.tools.record_file import Record

    records = {turn.render.record for turn, _ in sources}
    if len(records) != 1:
        return blobs.put(Record(np.zeros((0, len(sources), 1, 1), np.float16), np.zeros(0, np.int16), np.zeros(0, np.int16)).to_bytes())
    whole = Record.from_bytes(blobs.get(records.pop()))
    if not len(whole.maps):
        return blobs.put(Record(np.zeros((0, len(sources), 1, 1), np.float16), np.zeros(0, np.int16), np.zeros(0, np.int16)).to_bytes())
    return blobs.put(Record(whole.maps[:, [k for _, k in sources]], whole.blocks, whole.steps).to_bytes())
