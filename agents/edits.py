"""Edits of a plan: what a call changes of it, and what of the picture stays. Pure: nothing is drawn.

A `Draft` is a plan on its way: each edit makes another of it, and it remembers which region comes from which region of the plan before, and from
how much noise each is to be drawn (0 = it stays as it is).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cutwork.agents.bands import kept_free
from cutwork.agents.boxes import clear_of, free_place, grown, placed
from cutwork.agents.layout import region_prompt
from cutwork.agents.places import LAYERS, at_spot, goes, layer_of, layered, spot, stack
from cutwork.agents.rewording import background, behind, counted, rebuilt, respoken, subject_of, the
from cutwork.agents.similarity import similar_pairs
from cutwork.agents.words import tidy
from cutwork.domain import MAX_REGIONS, MAX_SUBJECTS, Box, Call, Plan, Region, Subject
from cutwork.errors import BadInput

MOVED = 0.4  # noise from which a subject is drawn where it went to: its look stays, its edges join what is around it
RESIZED = 0.5  # the same where its size changes much
ANEW = 1.0
MEETING = 0.1  # of the smaller of two boxes: from here on it is said that one lies over the other
RELATED = re.compile(r"\b(?:left of|right of|above|below|beside|behind|in front of|between|next to|under|underneath|on top of|on the (?:left|right))\b", re.I)

Carry = Callable[[str, Box, Box], str]  # of an area's blob and the boxes it leaves and comes to


@dataclass(frozen=True)
class Draft:
    """A plan on its way.

    Args:
        before: the plan that was drawn.
        origin: of each region the region of `before` that it was; None = it is new.
        noise: of each region; 0 = nothing of it is drawn.
        background: it is drawn anew, behind the subjects that stay.
        whole: everything is drawn anew.
        seed: where it is another one.
        told: what changed, in plain words.
        locks: ids of subjects that stay whatever is asked.
        carry: makes of a free area's blob that of the same area in another box; None = a box takes over from an area that goes elsewhere.
    """

    before: Plan
    plan: Plan
    origin: tuple[int | None, ...]
    noise: tuple[float, ...]
    background: bool = False
    whole: bool = False
    seed: int | None = None
    told: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    carry: Carry | None = None

    @classmethod
    def of(cls, plan: Plan, locks: tuple[str, ...] = (), carry: Carry | None = None) -> Draft:
        """Nothing changed yet."""
        count = len(plan.regions)
        return cls(plan, plan, tuple(range(count)), (0.0,) * count, locks=locks, carry=carry)

    def with_plan(self, told: str, regions: tuple[Region, ...] | None = None, **changes: Any) -> Draft:
        """With another plan, built anew so that its checks run."""
        kept = {name: getattr(self.plan, name) for name in Plan.model_fields}
        plan = Plan(**kept | changes | ({} if regions is None else {"regions": regions}))
        return replace(self, plan=plan, told=(*self.told, told))


def edited(draft: Draft, call: Call) -> Draft:
    """The draft with one call's edit made; subjects are named by id, and a reseed brings its seed.

    Raises:
        BadInput: if it cannot be made: no such subject or region, what it is about is locked, there is no room.
    """
    return _EDITS[call.tool](draft, call.args)


def about(call: Call, was: Draft, now: Draft, last: str | None) -> str | None:
    """Whom "it" means after a call that made one draft another: whom the call was about, else whom it meant before, if that one is there still."""
    if call.tool == "add":
        return now.plan.subjects[-1].id
    before, after = ([s.id for s in draft.plan.subjects] for draft in (was, now))
    id = call.args.get("subject")
    if call.tool == "change_subject" and id in before:
        return after[before.index(id)]  # under another name, in the same place
    return next((one for one in (id, last) if one in after), None)


# ---------------------------------------------------------------------------------------------------------------- edits


def _change_subject(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    new, many = subject_of(args["phrase"], draft.plan, subject)
    if new == subject:
        raise BadInput(f"{subject.phrase} is what it is already")
    subjects = tuple(new if s.id == subject.id else s for s in draft.plan.subjects)
    prompt = tidy(respoken(draft.plan.prompt, subject, new), 4_000) or rebuilt(draft.plan.model_copy(update={"subjects": subjects}), draft.plan)
    regions = tuple(
        r.model_copy(update={"subject": new.id, "prompt": region_prompt(new, draft.plan.background)}) if r.subject == subject.id else r for r in draft.plan.regions
    )
    noise = tuple(ANEW if r.subject == subject.id else n for r, n in zip(draft.plan.regions, draft.noise, strict=True))
    bands = tuple(b.model_copy(update={"subject": new.id}) if b.subject == subject.id else b for b in draft.plan.bands)
    told = f"{subject.phrase} is now {new.phrase}"
    if many > 1 and many != subject.count:
        told += f", as many as before: {subject.count}, not {many}"
    made = draft.with_plan(told, regions, subjects=subjects, similar=similar_pairs(subjects), bands=bands, prompt=prompt)
    made = replace(made, noise=noise)
    return _fills(made, _single(made, new), args, ANEW) if args.get("mask") else made


def _move(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    numbers = _regions_of(draft, subject, args.get("region"))
    first = draft.plan.regions[numbers[0]]
    layer = args.get("z") or layer_of(args.get("where") or "")
    if args.get("mask"):
        moved, told = _fills(draft, numbers[0] if args.get("region") is not None else _single(draft, subject), args, RESIZED), "into the area that was marked"
        order: list[int] | None = None
    elif args.get("box") is not None or (args.get("where") and not layer_of(args["where"])):
        moved, order, told = _shifted(draft, numbers, args)
    else:
        moved, order, told = draft, None, ""
    if layer:
        order = layered(moved.plan, numbers, layer)
    if order is not None:
        moved = _stacked(moved, order)
    if moved.plan.regions == draft.plan.regions:
        at = f"{'nearest' if layer in ('front', 'forward') else 'farthest'} of all" if layer else "there"
        raise BadInput(f"{the(subject)} is {at} already")
    now = moved.plan.regions[numbers[0]].box
    went = "" if now == first.box else f"from {spot(first.box)} to {spot(now)}" if spot(first.box) != spot(now) else "a little"
    where = " and ".join(filter(None, (told or went, LAYERS[layer] if layer else ""))) + ("" if told else _meets(draft.plan, moved.plan, numbers[0]))
    said = rebuilt(moved.plan) if RELATED.search(moved.plan.prompt) else moved.plan.prompt
    return moved.with_plan(f"{subject.noun}: moved {where}", prompt=said)


def _meets(before: Plan, after: Plan, number: int) -> str:
    """Whom a region comes to lie over, or behind, which its new place alone does not tell."""
    own, old = after.regions[number], before.regions[number]
    for k, other in enumerate(after.regions):
        shared = own.box.intersection(other.box) / min(own.box.area, other.box.area)
        if other.subject != own.subject and shared > MEETING and old.box.intersection(other.box) <= MEETING * min(old.box.area, other.box.area):
            return f", partly {'over' if after.depth(number) > after.depth(k) else 'behind'} {the(after.subject(other.subject))}"
    return ""


def _shifted(draft: Draft, numbers: list[int], args: dict[str, Any]) -> tuple[Draft, list[int] | None, str]:
    """Regions at a box or at a place in words, who lies over whom then (None = as before), and how that is told ("" where the place tells it)."""
    first = draft.plan.regions[numbers[0]]
    if args.get("box") is not None:
        box, z, told = Box.model_validate(args["box"]), first.z, ""
    else:
        box, z, told = goes(args["where"], draft.plan, numbers[0])
    dx, dy = box.centre[0] - first.box.centre[0], box.centre[1] - first.box.centre[1]
    moved = draft
    for number in numbers:  # several of one kind go together
        own = draft.plan.regions[number].box
        goal = box if number == numbers[0] and args.get("box") is not None else placed((own.centre[0] + dx, own.centre[1] + dy), own.width, own.height)
        moved = _stands(moved, number, goal)
    return moved, None if z == first.z else layered(moved.plan, numbers, "front" if z > first.z else "back"), told


def _resize(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    numbers = _regions_of(draft, subject, args.get("region"))
    made = draft
    for number in numbers:
        region = draft.plan.regions[number]
        if args.get("box") is not None and number == numbers[0]:
            box = Box.model_validate(args["box"])
        else:
            factor = float(args.get("scale") or 1.0)
            box = placed(region.box.centre, region.box.width * factor, region.box.height * factor)
            box = _in_proportion(region.box, box)
        made = _stands(made, number, box)
    old, new = draft.plan.regions[numbers[0]].box, made.plan.regions[numbers[0]].box
    scale = args.get("scale")
    factor = (new.area / old.area) ** 0.5
    if new == old or (scale is not None and abs(factor - 1) < 0.02):
        why = "there is no more room for it" if scale is not None and scale > 1 else "it is as small as can be drawn"
        raise BadInput(f"{the(subject)} is of that size already" if scale in (None, 1) else f"{the(subject)} cannot be {'larger' if scale > 1 else 'smaller'}: {why}")
    most = "" if scale is None else ", which is all the room there is" if factor < 0.95 * scale else ", which is as small as can be drawn" if factor > 1.05 * scale else ""
    told = "as large as before, in another box" if abs(factor - 1) < 0.02 else f"{factor:.2g} times as large{most}"
    return replace(made, told=(*draft.told, f"{subject.noun}: {told}"))


def _add(draft: Draft, args: dict[str, Any]) -> Draft:
    plan, first = draft.plan, len(draft.plan.regions)
    new, _ = subject_of(args["phrase"], plan)
    make_room(plan, len(plan.subjects) + 1, first + new.count)
    if args.get("mask") and new.count > 1:
        raise BadInput(f"an area is for one subject, {counted(new)} are {new.count}", hint="say where they stand, or add them one by one")
    top = min(1_000, max((r.z for r in plan.regions), default=-1) + 1)
    boxes, z = _room_for(new, plan, args, top)
    subjects, prompt = (*plan.subjects, new), region_prompt(new, plan.background)
    regions = (*plan.regions, *(Region(subject=new.id, box=box, prompt=prompt, z=top) for box in boxes))
    told = f"{counted(new)} added" + (f" {at_spot(boxes[0])}" if new.count == 1 else "")
    made = draft.with_plan(told, regions, subjects=subjects, similar=similar_pairs(subjects))
    made = replace(made, origin=(*draft.origin, *[None] * new.count), noise=(*draft.noise, *[ANEW] * new.count))
    made = _stacked(made, layered(made.plan, list(range(first, first + new.count)), "back")) if z < top else made
    made = _fills(made, first, args, ANEW) if args.get("mask") else made
    return replace(made, plan=made.plan.model_copy(update={"prompt": rebuilt(made.plan)}))


def _room_for(new: Subject, plan: Plan, args: dict[str, Any], top: int) -> tuple[list[Box], int]:
    """A box for each that is added, and how near: in the box or at the place that was named, side by side, else wherever there is room."""
    taken, bands = [r.box for r in plan.regions], [b.box for b in kept_free(plan)]
    size = 0.22 if set(new.attributes) & {"small", "tiny", "little"} else 0.45 if set(new.attributes) & {"big", "large", "huge"} else 0.32
    if args.get("box") is not None:
        boxes, z = _side_by_side(Box.model_validate(args["box"]), new.count), top
    elif args.get("where"):
        start = free_place(taken, bands, plan.size, (size, size * 0.8, size * 0.65))
        wide = placed(start.centre, min(1.0, start.width * new.count), start.height)
        ghost = plan.model_copy(update={"subjects": (*plan.subjects, new), "regions": (*plan.regions, Region(subject=new.id, box=wide, prompt=new.phrase, z=top))})
        box, z, _ = goes(args["where"], ghost, len(plan.regions), fresh=True)
        boxes = _side_by_side(box, new.count)
    else:
        boxes, z = [], top
        for _ in range(new.count):
            boxes.append(free_place([*taken, *boxes], bands, plan.size, (size, size * 0.8, size * 0.65, 0.2, 0.15)))
    return [clear_of(grown(box, plan.size), bands) for box in boxes], z


def _side_by_side(box: Box, count: int) -> list[Box]:
    """A box as so many of equal width, from left to right."""
    x0, y0, _, y1 = box.root
    step = box.width / count
    return [Box.of(x0 + i * step, y0, x0 + (i + 1) * step, y1) for i in range(count)]


def make_room(plan: Plan, subjects: int, regions: int) -> None:
    """Make sure that a plan may come to have so many subjects and regions.

    Raises:
        BadInput: if they would be more than can be told apart.
    """
    if subjects > MAX_SUBJECTS or regions > max(MAX_REGIONS, len(plan.regions)):
        raise BadInput(f"the picture has {len(plan.regions)} subjects, more cannot be told apart; remove one first")


def _remove(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    plan = draft.plan
    keep = [i for i, r in enumerate(plan.regions) if r.subject != subject.id]
    subjects = tuple(s for s in plan.subjects if s.id != subject.id)
    made = draft.with_plan(
        f"{subject.phrase} removed", tuple(plan.regions[i] for i in keep), subjects=subjects,
        similar=tuple(p for p in plan.similar if subject.id not in p), bands=tuple(b for b in plan.bands if b.subject != subject.id),
    )  # fmt: skip
    made = replace(made, origin=tuple(draft.origin[i] for i in keep), noise=tuple(draft.noise[i] for i in keep))
    return replace(made, plan=made.plan.model_copy(update={"prompt": rebuilt(made.plan, plan)}))


def _restyle(draft: Draft, args: dict[str, Any]) -> Draft:
    made = draft
    if args.get("background"):
        old, new = draft.plan.background, tidy(background(args["background"]), 1_000)
        if old == new and not args.get("style"):
            raise BadInput(f"the background is {old} already")
        regions = tuple(r.model_copy(update={"prompt": region_prompt(draft.plan.subject(r.subject), new)}) for r in draft.plan.regions)
        prompt = behind(draft.plan.prompt, old, new)
        made = draft.with_plan(f"background: {old} became {new}", regions, background=new)
        made = replace(made, background=True, plan=made.plan.model_copy(update={"prompt": prompt or rebuilt(made.plan, draft.plan)}))
    if args.get("style"):
        style = tidy(args["style"], 400)
        made = made.with_plan(f"style: {style}", prompt=rebuilt(made.plan, made.plan, style))
        made = replace(made, whole=True)
    return made


def _reseed(draft: Draft, args: dict[str, Any]) -> Draft:
    seed = int(args["seed"])
    if args.get("subject") is None:
        return replace(draft, whole=True, seed=seed, told=(*draft.told, f"everything drawn again, with seed {seed}"))
    if args["subject"] == "background":
        return replace(draft, background=True, seed=seed, told=(*draft.told, f"background: drawn again, with seed {seed}"))
    subject = _free(draft, args["subject"])
    noise = tuple(ANEW if r.subject == subject.id else n for r, n in zip(draft.plan.regions, draft.noise, strict=True))
    return replace(draft, noise=noise, seed=seed, told=(*draft.told, f"{subject.noun}: drawn again, with seed {seed}"))


_EDITS: dict[str, Callable[[Draft, dict[str, Any]], Draft]] = {
    "change_subject": _change_subject, "move": _move, "resize": _resize, "add": _add, "remove": _remove, "restyle": _restyle, "reseed": _reseed,
}  # fmt: skip


def _free(draft: Draft, id: str) -> Subject:
    """The subject of an id, if it may be changed."""
    for subject in draft.plan.subjects:
        if subject.id == id:
            if id in draft.locks:
                raise BadInput(f"{the(subject)} is locked", hint=f"unlock the {subject.noun} first")
            return subject
    raise BadInput(f"there is no {id!r} in the picture any more; there is {', '.join(s.phrase for s in draft.plan.subjects) or 'nothing'}")


def _regions_of(draft: Draft, subject: Subject, region: int | None) -> list[int]:
    numbers = [i for i, r in enumerate(draft.plan.regions) if r.subject == subject.id]
    if region is None:
        return numbers
    if region not in numbers:
        raise BadInput(f"region {region} is not {the(subject)}; its regions are {', '.join(map(str, numbers))}")
    return [region]


def _single(draft: Draft, subject: Subject) -> int:
    """The one region of a subject."""
    numbers = _regions_of(draft, subject, None)
    if len(numbers) > 1:
        raise BadInput(f"there are {len(numbers)} of {the(subject)}, and one area; say which of its regions, {', '.join(map(str, numbers))}, is to take it")
    return numbers[0]


def _fills(draft: Draft, number: int, args: dict[str, Any], noise: float) -> Draft:
    """A region that takes a free-form area: "mask", and "area", the box tight around it, where that is known already."""
    plan = draft.plan
    box = Box.model_validate(args["area"]) if args.get("area") else plan.regions[number].box
    if args.get("area") and clear_of(box, [b.box for b in kept_free(plan)]) != box:
        raise BadInput("the area reaches into what is kept free for lettering")
    regions = tuple(r.model_copy(update={"box": box, "mask": args["mask"]}) if i == number else r for i, r in enumerate(plan.regions))
    bands = tuple(b.model_copy(update={"box": box}) if b.subject == regions[number].subject else b for b in plan.bands)
    changed = Plan.model_validate(plan.model_copy(update={"regions": regions, "bands": bands}).model_dump())
    return replace(draft, plan=changed, noise=tuple(max(n, noise) if i == number else n for i, n in enumerate(draft.noise)))


def uncovered(before: Plan, after: Plan, origin: Sequence[int | None]) -> dict[int, list[int]]:
    """Who comes to lie over whom: regions of the plan after, each with those of the plan before that covered it and do so no more. Who stands elsewhere counts not."""
    was, now = before.ranks(), after.ranks()
    stay = [(i, o) for i, o in enumerate(origin) if o is not None and after.regions[i].box == before.regions[o].box]
    found = {
        i: [p for j, p in stay if was[o] < was[p] and now[i] > now[j] and before.regions[o].box.intersection(before.regions[p].box) > 0] for i, o in stay
    }
    return {i: over for i, over in found.items() if over}


def _stacked(draft: Draft, order: list[int]) -> Draft:
    """Regions nearer and farther in this order. Of whom others covered what was hidden is drawn."""
    if order == stack(draft.plan):
        return draft
    regions = tuple(r.model_copy(update={"z": order.index(i)}) for i, r in enumerate(draft.plan.regions))
    plan = draft.plan.model_copy(update={"regions": regions})
    gains = uncovered(draft.before, plan, draft.origin)
    for i, over in gains.items():
        for id in (regions[i].subject, *(draft.before.regions[p].subject for p in over)):
            if id in draft.locks:
                noun = plan.subject(id).noun
                raise BadInput(f"the {noun} is locked, and what is seen of it would change", hint=f"unlock the {noun} first")
    return replace(draft, plan=plan, noise=tuple(max(n, MOVED) if i in gains else n for i, n in enumerate(draft.noise)))


def _stands(draft: Draft, number: int, box: Box) -> Draft:
    """One region elsewhere, and its free-form area with it."""
    plan = draft.plan
    box, own = clear_of(grown(box, plan.size), [b.box for b in kept_free(plan)]), plan.regions[number]
    if box == own.box:
        return draft
    mask = None if own.mask is None or draft.carry is None else draft.carry(own.mask, own.box, box)
    regions = tuple(r.model_copy(update={"box": box, "mask": mask}) if i == number else r for i, r in enumerate(plan.regions))
    origin = draft.origin[number]
    factor = 1.0 if origin is None else (box.area / draft.before.regions[origin].box.area) ** 0.5
    noise = max(draft.noise[number], ANEW if origin is None else RESIZED if not 0.6 <= factor <= 1.6 else MOVED)
    bands = tuple(b.model_copy(update={"box": box}) if b.subject == regions[number].subject else b for b in plan.bands)
    changed = plan.model_copy(update={"regions": regions, "bands": bands})
    return replace(draft, plan=Plan.model_validate(changed.model_dump()), noise=tuple(noise if i == number else n for i, n in enumerate(draft.noise)))


def _in_proportion(old: Box, new: Box) -> Box:
    """A box as large as fits into another, with its own proportions, about the same middle."""
    scale = min(new.width / old.width, new.height / old.height)
    return placed(new.centre, old.width * scale, old.height * scale)
