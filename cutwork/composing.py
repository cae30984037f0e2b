"""Edits of a picture: what of it is drawn, and pictures that need no drawing, since all they are made of was drawn before.

A composed picture is a run of its own, whose `parent` is the run it was made of. Its cut-outs are those it was put together from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cutwork.domain import Attended, Box, Brief, Cutout, Design, Plan, Render, Round, Shot
from cutwork.errors import BadInput
from cutwork.ports import Blobs, Drawing

if TYPE_CHECKING:
    from cutwork.agents.edits import Draft
    from cutwork.tools.keep.edits import Before
    from cutwork.tools.keep.start import Start


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
    from cutwork.tools.keep import edits

    best = delivered(design)
    return edits.before_of(best.shot.plan, best.render.image, best.cutouts, blobs)


def started(draft: Draft, design: Design, blobs: Blobs) -> Start | None:
    """What the drawing of a draft starts from; None where everything is drawn anew.

    Raises:
        BadInput: if what is locked leaves nothing that may change.
    """
    from cutwork.agents.edits import uncovered
    from cutwork.tools.keep.edits import Change, prepared
    from cutwork.tools.masks.place import places

    before, now = before_of(design, blobs), draft.plan.ranks()
    locked = [k for k, region in enumerate(draft.before.regions) if region.subject in draft.locks]
    if draft.whole and not locked:
        return None
    gains, areas = uncovered(draft.before, draft.plan, draft.origin), places(draft.plan, blobs)
    changes = [
        Change(origin, region.box, 1.0 if draft.whole else noise, now[number], tuple(gains.get(number, ())), areas[number].mask)
        for number, (region, origin, noise) in enumerate(zip(draft.plan.regions, draft.origin, draft.noise, strict=True))
        if noise > 0 or (draft.whole and origin not in locked)
    ]
    z = {origin: now[number] for number, origin in enumerate(draft.origin) if origin is not None}
    changes += [Change(k, None) for k in sorted(set(range(len(draft.before.regions))) - {o for o in draft.origin if o is not None})]
    return prepared(before, changes, locked, draft.background or draft.whole, z)


def brief_of(plan: Plan, before: Brief, seed: int) -> Brief:
    """What an edited plan would have been asked for by."""
    return Brief(text=plan.prompt[:2_000], kind=plan.finish.kind, size=plan.size, seed=seed, references=before.references, follow=before.follow)


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


def elsewhere(turn: Round, goals: Mapping[int, Box], blobs: Blobs) -> Round:
    """A round as if some of its regions stood in other boxes: their cut-outs as large as fit, in their own proportions, and measured anew.

    What the model attended to went with them, but for its maps, which tell of the places of then: there are none.
    """
    plan = turn.shot.plan
    goals = {k: box for k, box in goals.items() if box != plan.regions[k].box}
    if not goals:
        return turn
    cutouts = tuple(_moved(c, plan.regions[c.region].box, goals[c.region], blobs) if c.region in goals else c for c in turn.cutouts)
    seen = tuple(_seen_at(one, plan.regions[k].box, goals[k]) if k in goals else one for k, one in enumerate(turn.render.attended))
    render = turn.render.model_copy(update={"attended": seen, "record": _no_record(len(plan.regions), blobs)})
    return turn.model_copy(update={"cutouts": cutouts, "render": render})


def _moved(cutout: Cutout, old: Box, new: Box, blobs: Blobs) -> Cutout:
    from cutwork.tools.cut import receipt
    from cutwork.tools.keep.edits import moved
    from cutwork.tools.keep.start import STAYS
    from cutwork.tools.masks.place import Place
    from cutwork.tools.pixels import decode, encode

    layer = moved(decode(blobs.get(cutout.image), "RGBA"), old, new)
    alpha = layer[..., 3]
    measured = receipt(Place(new), layer[..., :3], alpha > STAYS, _seen_at(cutout.receipt.attended, old, new), {}, alpha / 255.0)
    return cutout.model_copy(update={"image": blobs.put(encode(layer)), "mask": blobs.put(encode(alpha)), "box": measured.alpha, "receipt": measured})


def _seen_at(attended: Attended, old: Box, new: Box) -> Attended:
    """What was attended in one box as it stands after that went to another."""
    from cutwork.agents.boxes import placed

    if attended.box is None:
        return attended
    scale = min(new.width / old.width, new.height / old.height)
    (x, y), (ox, oy), (nx, ny) = attended.box.centre, old.centre, new.centre
    return attended.model_copy(update={"box": placed((nx + (x - ox) * scale, ny + (y - oy) * scale), attended.box.width * scale, attended.box.height * scale)})


def _no_record(regions: int, blobs: Blobs) -> str:
    """An attention record with nothing in it."""
    import numpy as np

    from cutwork.tools.record_file import Record

    return blobs.put(Record(np.zeros((0, regions, 1, 1), np.float16), np.zeros(0, np.int16), np.zeros(0, np.int16)).to_bytes())


def _cutouts(plan: Plan, sources: Sequence[tuple[Round, int]]) -> tuple[Cutout, ...]:
    """What was cut out of the pictures that this one is made of, by its own regions. Who is partly covered keeps a whole layer."""
    from cutwork.tools.keep.carry import renumbered

    found = []
    for number, (turn, k) in enumerate(sources):
        places = {old: new for new, (other, old) in enumerate(sources) if other is turn}
        found += [
            c.model_copy(update={"region": number, "subject": plan.regions[number].subject, "receipt": renumbered(c.receipt, places)}) for c in turn.cutouts if c.region == k
        ]
    return tuple(found)


def record_of(sources: Sequence[tuple[Round, int]], blobs: Blobs) -> str:
    """The attention record of regions that are of several drawings: of one drawing its maps, those of the regions that are left; else none."""
    from cutwork.tools.record_file import Record

    records = {turn.render.record for turn, _ in sources}
    if len(records) != 1:
        return _no_record(len(sources), blobs)
    whole = Record.from_bytes(blobs.get(records.pop()))
    if not len(whole.maps):
        return _no_record(len(sources), blobs)
    return blobs.put(Record(whole.maps[:, [k for _, k in sources]], whole.blocks, whole.steps).to_bytes())
