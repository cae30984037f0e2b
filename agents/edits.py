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
from cutwork.agents.calls import bare, meant
from cutwork.agents.language.model import NUMBERS, Thing
from cutwork.agents.layout import region_prompt
from cutwork.agents.similarity import similar_pairs
from cutwork.agents.words import DETERMINERS, mentions, slug, tidy, with_article
from cutwork.domain import MAX_COUNT, MAX_REGIONS, MAX_SUBJECTS, Box, Call, Plan, Region, Subject
from cutwork.errors import BadInput
from cutwork.plurals import plural, singular

MOVED = 0.4  # noise from which a subject is drawn where it went to: its look stays, its edges join what is around it
RESIZED = 0.5  # the same where its size changes much
ANEW = 1.0
SHIFT, BIT, FAR = 0.2, 0.09, 0.35  # of the canvas: "left", "a bit left", "far left"
MEETING = 0.1  # of the smaller of two boxes: from here on it is said that one lies over the other
GAP = 0.03  # of the canvas, between two that stand side by side
EDGE = 0.03  # of the canvas, that those who go to its edge keep
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


def about(call: Call, draft: Draft) -> str | None:
    """Whom "it" means after a call."""
    if call.tool == "add":
        return draft.plan.subjects[-1].id
    id = call.args.get("subject")
    known = {s.id for s in draft.plan.subjects}
    if call.tool == "change_subject" and id not in known:
        old = [s.id for s in draft.before.subjects]
        return draft.plan.subjects[old.index(id)].id if id in old and old.index(id) < len(draft.plan.subjects) else None
    return id if id in known else None


# ---------------------------------------------------------------------------------------------------------------- edits


def _change_subject(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    new = _subject(args["phrase"], draft.plan, subject)
    if new == subject:
        raise BadInput(f"{subject.phrase} is what it is already")
    prompt = respoken(draft.plan.prompt, subject, new)
    subjects = tuple(new if s.id == subject.id else s for s in draft.plan.subjects)
    regions = tuple(
        r.model_copy(update={"subject": new.id, "prompt": region_prompt(new, draft.plan.background)}) if r.subject == subject.id else r for r in draft.plan.regions
    )
    noise = tuple(ANEW if r.subject == subject.id else n for r, n in zip(draft.plan.regions, draft.noise, strict=True))
    bands = tuple(b.model_copy(update={"subject": new.id}) if b.subject == subject.id else b for b in draft.plan.bands)
    told, many = f"{subject.phrase} is now {new.phrase}", _thing(args["phrase"])
    if many is not None and many.count > 1 and many.count != subject.count:
        told += f", as many as before: {subject.count}, not {many.count}"
    made = draft.with_plan(told, regions, subjects=subjects, similar=similar_pairs(subjects), bands=bands, prompt=_said(prompt, draft.plan, subjects))
    made = replace(made, noise=noise)
    return _fills(made, _single(made, new), args, ANEW) if args.get("mask") else made


def _move(draft: Draft, args: dict[str, Any]) -> Draft:
    subject = _free(draft, args["subject"])
    numbers = _regions_of(draft, subject, args.get("region"))
    first = draft.plan.regions[numbers[0]]
    layer = args.get("z") or _layer_of(args.get("where") or "")
    if args.get("mask"):
        moved, told = _fills(draft, numbers[0] if args.get("region") is not None else _single(draft, subject), args, RESIZED), "into the area that was marked"
        order: list[int] | None = None
    elif args.get("box") is not None or (args.get("where") and not _layer_of(args["where"])):
        moved, order, told = _shifted(draft, numbers, args)
    else:
        moved, order, told = draft, None, ""
    if layer:
        order = layered(moved.plan, numbers, layer)
    if order is not None:
        moved = _stacked(moved, order)
    if moved.plan.regions == draft.plan.regions:
        at = f"{'nearest' if layer in ('front', 'forward') else 'farthest'} of all" if layer else "there"
        raise BadInput(f"{_the(subject)} is {at} already")
    now = moved.plan.regions[numbers[0]].box
    went = "" if now == first.box else f"from {spot(first.box)} to {spot(now)}" if spot(first.box) != spot(now) else "a little"
    where = " and ".join(filter(None, (told or went, LAYERS[layer] if layer else ""))) + ("" if told else _meets(draft.plan, moved.plan, numbers[0]))
    said = _rebuilt(moved.plan) if RELATED.search(moved.plan.prompt) else moved.plan.prompt
    return moved.with_plan(f"{subject.noun}: moved {where}", prompt=said)


def _meets(before: Plan, after: Plan, number: int) -> str:
    """Whom a region comes to lie over, or behind, which its new place alone does not tell."""
    own, old = after.regions[number], before.regions[number]
    for k, other in enumerate(after.regions):
        shared = own.box.intersection(other.box) / min(own.box.area, other.box.area)
        if other.subject != own.subject and shared > MEETING and old.box.intersection(other.box) <= MEETING * min(old.box.area, other.box.area):
            return f", partly {'over' if after.depth(number) > after.depth(k) else 'behind'} {_the(after.subject(other.subject))}"
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
            scale = float(args.get("scale") or 1.0)
            box = placed(region.box.centre, region.box.width * scale, region.box.height * scale)
            box = _in_proportion(region.box, box)
        made = _stands(made, number, box)
    old, new = draft.plan.regions[numbers[0]].box, made.plan.regions[numbers[0]].box
    factor = (new.area / old.area) ** 0.5
    if abs(factor - 1) < 0.02:
        raise BadInput(f"{_the(subject)} cannot be {'larger' if float(args.get('scale') or 2) > 1 else 'smaller'}: there is no more room for it")
    scale = float(args.get("scale") or factor)
    most = ", which is all the room there is" if factor < 0.95 * scale else ", which is as small as can be drawn" if factor > 1.05 * scale else ""
    return replace(made, told=(*draft.told, f"{subject.noun}: {factor:.2g} times as large{most}"))


def _add(draft: Draft, args: dict[str, Any]) -> Draft:
    plan, first = draft.plan, len(draft.plan.regions)
    new = _subject(args["phrase"], plan)
    make_room(plan, len(plan.subjects) + 1, first + new.count)
    if args.get("mask") and new.count > 1:
        raise BadInput(f"an area is for one subject, {_counted(new)} are {new.count}", hint="say where they stand, or add them one by one")
    top = min(1_000, max((r.z for r in plan.regions), default=-1) + 1)
    boxes, z = _room_for(new, plan, args, top)
    subjects, prompt = (*plan.subjects, new), region_prompt(new, plan.background)
    regions = (*plan.regions, *(Region(subject=new.id, box=box, prompt=prompt, z=top) for box in boxes))
    told = f"{_counted(new)} added" + (f" {_at(boxes[0])}" if new.count == 1 else "")
    made = draft.with_plan(told, regions, subjects=subjects, similar=similar_pairs(subjects))
    made = replace(made, origin=(*draft.origin, *[None] * new.count), noise=(*draft.noise, *[ANEW] * new.count))
    made = _stacked(made, layered(made.plan, list(range(first, first + new.count)), "back")) if z < top else made
    made = _fills(made, first, args, ANEW) if args.get("mask") else made
    return replace(made, plan=made.plan.model_copy(update={"prompt": _rebuilt(made.plan)}))


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
    return replace(made, plan=made.plan.model_copy(update={"prompt": _rebuilt(made.plan, plan)}))


def _restyle(draft: Draft, args: dict[str, Any]) -> Draft:
    made = draft
    if args.get("background"):
        old, new = draft.plan.background, tidy(background(args["background"]), 1_000)
        if old == new and not args.get("style"):
            raise BadInput(f"the background is {old} already")
        regions = tuple(r.model_copy(update={"prompt": region_prompt(draft.plan.subject(r.subject), new)}) for r in draft.plan.regions)
        prompt = draft.plan.prompt.replace(old, new) if old in draft.plan.prompt else ""
        made = draft.with_plan(f"background: {old} became {new}", regions, background=new)
        made = replace(made, background=True, plan=made.plan.model_copy(update={"prompt": prompt or _rebuilt(made.plan, draft.plan)}))
    if args.get("style"):
        style = tidy(args["style"], 400)
        made = made.with_plan(f"style: {style}", prompt=_rebuilt(made.plan, made.plan, style))
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
                raise BadInput(f"{_the(subject)} is locked", hint=f"unlock the {subject.noun} first")
            return subject
    raise BadInput(f"there is no {id!r} in the picture any more; there is {', '.join(s.phrase for s in draft.plan.subjects) or 'nothing'}")


def _regions_of(draft: Draft, subject: Subject, region: int | None) -> list[int]:
    numbers = [i for i, r in enumerate(draft.plan.regions) if r.subject == subject.id]
    if region is None:
        return numbers
    if region not in numbers:
        raise BadInput(f"region {region} is not {_the(subject)}; its regions are {', '.join(map(str, numbers))}")
    return [region]


def _single(draft: Draft, subject: Subject) -> int:
    """The one region of a subject."""
    numbers = _regions_of(draft, subject, None)
    if len(numbers) > 1:
        raise BadInput(f"there are {len(numbers)} of {_the(subject)}, and one area; say which of its regions, {', '.join(map(str, numbers))}, is to take it")
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


LAYERS = {"front": "to the front", "back": "to the back", "forward": "one step forward", "backward": "one step back"}
NEARER = re.compile(r"(?:to |at |in |into )?(?:the )?(very )?(front|foreground|back|background|rear|forwards?|backwards?)(?: of everything| of all)?")


def _layer_of(where: str) -> str:
    """Which way words send somebody among those who stand there; "" where they name a place."""
    found = NEARER.fullmatch(" ".join(where.lower().strip(" .!?").split()))
    return "" if found is None else {"foreground": "front", "background": "back", "rear": "back"}.get(found[2], found[2].removesuffix("s"))


def layered(plan: Plan, numbers: list[int], way: str) -> list[int]:
    """Every region's number, the farthest first, after some went to the front or back of all, or past the next one."""
    order = stack(plan)
    going, rest = [i for i in order if i in numbers], [i for i in order if i not in numbers]
    below = sum(order.index(i) < order.index(going[-1 if way in ("front", "forward") else 0]) for i in rest)
    at = {"front": len(rest), "back": 0, "forward": min(len(rest), below + 1), "backward": max(0, below - 1)}[way]
    return rest[:at] + going + rest[at:]


def stack(plan: Plan) -> list[int]:
    """Every region's number, the farthest first."""
    return sorted(range(len(plan.regions)), key=plan.depth)


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


# --------------------------------------------------------------------------------------------------------------- places

BITS = re.compile(r"\b(?:a (?:little )?(?:bit|little|touch|tad|smidge)|slightly|somewhat|a hair)\b", re.I)
FARS = re.compile(r"\b(?:far|all the way|completely|fully|very|edge|side|corner|hard|right to the)\b", re.I)
LOTS = re.compile(r"\b(?:a lot|lots|much|way|further|farther|more)\b", re.I)
WORDS = (("left", "left|leftwards?"), ("right", "right|rightwards?"), ("top", "top|up|upper|upwards?|higher|north"), ("bottom", "bottom|down|lower|downwards?|south"))
NUDGING = re.compile(r"\b(?:up|down|upwards?|downwards?|higher|lower|leftwards?|rightwards?)\b", re.I)
TO_ONE = (
    ("front", r"in front of|before|over the front of"), ("behind", r"behind|in back of|at the back of"), ("between", r"(?:in )?between"),
    ("above", r"above|over|on top of|atop|on"), ("below", r"below|under|underneath|beneath"), ("left", r"(?:to the |on the )?left(?: side)? of"),
    ("right", r"(?:to the |on the )?right(?: side)? of"), ("nearer", r"closer to|nearer to|towards?|nearer"), ("off", r"away from|farther from|further from"),
    ("inside", r"inside|into|in"), ("beside", r"next to|beside|near|by|alongside|close to|with|at"),
)  # fmt: skip


def goes(where: str, plan: Plan, number: int, fresh: bool = False) -> tuple[Box, int, str]:
    """Where words put a region: its box, its z (above all others' or -1 where it goes before or behind them), and how that is told ("" where the place tells it).

    Args:
        fresh: it has no place of its own yet, so that "left" is the left of the canvas.

    Raises:
        BadInput: if words name no place.
    """
    said = " ".join(where.lower().strip(" .!?").split())
    own = plan.regions[number]
    layer = _layer_of(said)
    if layer:
        nearer = layer in ("front", "forward")
        return own.box, max(r.z for r in plan.regions) + 1 if nearer else -1, LAYERS[layer]
    for kind, pattern in TO_ONE:
        match = re.search(rf"(?:^|\b)(?:{pattern}) (.+)$", said)
        if match:
            others = _others(match[1], plan, number)
            if others:
                return (*_beside(kind, own, [plan.regions[i] for i in others], plan), _by(kind, plan, others))
    found = {name for name, words in WORDS if re.search(rf"\b(?:{words})\b", re.sub(r"\bright to\b", "", said))}
    if re.search(r"\b(?:centre|center|middle)\b", said):
        return _at_edge(own, found, plan, number), own.z, f"to {_place_name(found) or 'the centre'}"
    if not found:
        raise BadInput(f"{where!r} names no place; say such as 'top right', 'a bit left' or 'above the cat'")
    corner = len(found) == 2 and not NUDGING.search(said)
    bit = BITS.search(said)
    if (corner or fresh or FARS.search(said)) and not bit:
        return _at_edge(own, found, plan, number), own.z, ""
    step = BIT if bit else FAR if LOTS.search(said) else SHIFT
    dx = step * (("right" in found) - ("left" in found))
    dy = step * (("bottom" in found) - ("top" in found))
    return placed((own.box.centre[0] + dx, own.box.centre[1] + dy), own.box.width, own.box.height), own.z, _way(found, bit is not None)


def _others(words: str, plan: Plan, number: int) -> list[int]:
    """The regions that words name, other than one's own."""
    parts = re.split(r"\s+and\s+|\s*,\s*", words)
    named = [s.id for part in parts for s in meant(part, plan.subjects)[:1]]
    return [next(i for i, r in enumerate(plan.regions) if r.subject == id and i != number) for id in named if any(r.subject == id and i != number for i, r in enumerate(plan.regions))]


def _beside(kind: str, own: Region, others: list[Region], plan: Plan) -> tuple[Box, int]:
    """Box and z of one who stands in a relation to others."""
    it, w, h = others[0], own.box.width, own.box.height
    (cx, cy), z = it.box.centre, own.z
    if kind == "between" and len(others) > 1:
        a, b = others[0].box.centre, others[1].box.centre
        return placed(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), w, h), z
    if kind in ("front", "behind"):
        z = max(r.z for r in plan.regions) + 1 if kind == "front" else -1
        near = own.box.intersection(it.box) > 0.1 * min(own.box.area, it.box.area)
        side = 1 if own.box.centre[0] >= cx else -1
        return (own.box if near else placed((cx + side * 0.3 * it.box.width, cy + (0.08 if kind == "front" else -0.08)), w, h)), z
    if kind in ("nearer", "off"):
        share = 0.45 if kind == "nearer" else -0.45
        return placed((own.box.centre[0] + share * (cx - own.box.centre[0]), own.box.centre[1] + share * (cy - own.box.centre[1])), w, h), z
    if kind == "inside":
        scale = min(1.0, 0.6 * it.box.width / w, 0.6 * it.box.height / h)
        return placed((cx, cy), w * scale, h * scale), max(z, it.z + 1)
    if kind == "beside":
        kind = "right" if 1 - it.box.x1 >= it.box.x0 else "left"
    room = {"above": it.box.y0, "below": 1 - it.box.y1, "left": it.box.x0, "right": 1 - it.box.x1}[kind] - GAP
    length = h if kind in ("above", "below") else w
    scale = min(1.0, max(0.5, room / length))  # it is made a little smaller where it would not fit
    w, h = w * scale, h * scale
    x = {"left": it.box.x0 - GAP - w / 2, "right": it.box.x1 + GAP + w / 2}.get(kind, cx)
    y = {"above": it.box.y0 - GAP - h / 2, "below": it.box.y1 + GAP + h / 2}.get(kind, cy)
    return placed((x, y), w, h), z


def _at_edge(own: Region, found: set[str], plan: Plan, number: int) -> Box:
    """Its box in a corner, at a side or in the middle; made a little smaller where it would cover somebody there."""
    others = [r.box for i, r in enumerate(plan.regions) if i != number]
    before = sum(own.box.intersection(box) for box in others)  # who overlapped already may go on doing so
    for scale in (1.0, 0.9, 0.8, 0.7):
        box = _set_at(own, found, scale)
        if sum(box.intersection(other) for other in others) <= max(before, 0.01):
            return box
    return _set_at(own, found, 1.0)


def _set_at(own: Region, found: set[str], scale: float) -> Box:
    w, h = min(own.box.width, 1 - 2 * EDGE) * scale, min(own.box.height, 1 - 2 * EDGE) * scale
    x = EDGE + w / 2 if "left" in found else 1 - EDGE - w / 2 if "right" in found else 0.5
    y = EDGE + h / 2 if "top" in found else 1 - EDGE - h / 2 if "bottom" in found else 0.5
    if len(found) == 1:  # at one side it keeps its height, at the top its place from left to right
        x, y = (own.box.centre[0], y) if found & {"top", "bottom"} else (x, own.box.centre[1])
    return placed((x, y), w, h)


def _by(kind: str, plan: Plan, others: list[int]) -> str:
    names = " and ".join(f"the {plan.subject(plan.regions[i].subject).noun}" for i in others)
    led = {"front": "in front of", "left": "to the left of", "right": "to the right of", "nearer": "closer to", "off": "away from", "beside": "next to"}
    return f"{led.get(kind, kind)} {names}"


def _way(found: set[str], bit: bool) -> str:
    words = {"top": "up", "bottom": "down", "left": "to the left", "right": "to the right"}
    return f"{'a bit ' if bit else ''}{' and '.join(words[name] for name in ('top', 'bottom', 'left', 'right') if name in found)}"


def _place_name(found: set[str]) -> str:
    return f"the {' '.join(name for name in ('top', 'bottom', 'left', 'right') if name in found)}" if found else ""


def spot(box: Box) -> str:
    """Where a box is, in words."""
    x, y = box.centre
    down = "top" if y < 0.38 else "bottom" if y > 0.62 else ""
    across = "left" if x < 0.38 else "right" if x > 0.62 else ""
    return f"the {down} {across}".replace("  ", " ").strip() if down or across else "the middle"


def _at(box: Box) -> str:
    place = spot(box)
    return f"{'on' if place in ('the left', 'the right') else 'in' if place == 'the middle' else 'at'} {place}"


# ---------------------------------------------------------------------------------------------------------------- words


def _subject(phrase: str, plan: Plan, old: Subject | None = None) -> Subject:
    """A subject of a phrase; in place of another it keeps that one's count, and its id where it is the same thing."""
    said, thing = tidy(phrase, 200), _thing(phrase)
    words = bare(said).split()
    noun = thing.noun if thing else singular(words[-1])
    attributes = tuple([*thing.attributes, *thing.tails][:12]) if thing else tuple(words[:-1])
    count = old.count if old else min(thing.count, MAX_COUNT) if thing else 1
    spoken = with_article(thing.phrase if thing else bare(said))
    spoken = spoken if mentions(spoken, noun) else with_article(f"{spoken} {noun}")
    taken = {s.id for s in plan.subjects if old is None or s.id != old.id}
    id = old.id if old is not None and old.noun == noun else slug(noun, taken)
    if any(s.phrase.lower() == spoken.lower() and (old is None or s.id != old.id) for s in plan.subjects) and old is None:
        spoken = f"another {bare(spoken)}"
    return Subject(id=id, phrase=spoken[:200], noun=noun, attributes=tuple(a[:200] for a in attributes), count=count)


def _thing(phrase: str) -> Thing | None:
    """The first that a phrase names, as the grammar reads it."""
    from cutwork.agents.language.parse import parse

    return next(iter(parse(tidy(phrase, 200)).things), None)


def background(words: str) -> str:
    """What is said of a background, as a plan says it: "teal" → "a teal background", "in the snow" and "a beach at night" as they are."""
    from cutwork.agents.language.words import is_in

    said = tidy(words, 400).strip(" .!?")
    low = said.lower()
    if mentions(low, "background") or mentions(low, "backdrop"):
        return with_article(re.sub(r"^(?:on|with|the)\s+", "", said, flags=re.I))
    last = low.split()[-1]
    if all(is_in("colour", w) or w in _SHADES for w in bare(low).split()) or last in ("gradient", "stripes", "dots", "checks") or is_in("colour", last):
        shaped = {"stripes": "striped", "dots": "dotted", "checks": "checkered"}.get(last)
        inner = f"{bare(low).rsplit(' ', 1)[0]} {shaped}" if shaped and " " in bare(low) else shaped or bare(low)
        return with_article(f"{inner} background")
    if re.match(r"(?:on|in|at|under|over|by|beside|near|inside|among|above|below|against|with|outside)\b", low):
        return said
    return f"in {said}" if low.split()[0] in DETERMINERS or low in ("space", "snow", "rain", "fog") else f"in {with_article(said)}"


_SHADES = frozenset("light dark pale deep bright soft hot neon pastel baby navy mint sky royal forest dusty warm cool plain solid flat and gradient striped dotted checkered very more less".split())


def respoken(prompt: str, old: Subject, new: Subject) -> str:
    """A prompt that speaks of another subject; "" where it does not speak of the old one in words that are known."""
    plain = re.sub(r"^(?:a|an|the|some)\s+", "", old.phrase, flags=re.I)
    for said, instead in ((old.phrase, new.phrase), (plain, bare(new.phrase)), (plural(plain), plural(bare(new.phrase))), (old.noun, bare(new.phrase))):
        pattern = rf"(?<!\w){re.escape(said)}(?!\w)"
        if re.search(pattern, prompt, re.I):
            mended = re.sub(pattern, lambda _, instead=instead: instead, prompt, flags=re.I)  # type: ignore[misc]
            return re.sub(rf"\b(?:a|an) (?={re.escape(bare(new.phrase))})", lambda m: with_article(bare(new.phrase)).split()[0] + " ", mended, flags=re.I)
    return ""


def _said(prompt: str, plan: Plan, subjects: tuple[Subject, ...]) -> str:
    return tidy(prompt, 4_000) or _rebuilt(plan.model_copy(update={"subjects": subjects}), plan)


def _rebuilt(plan: Plan, before: Plan | None = None, style: str | None = None) -> str:
    """A prompt of a plan's own words: subjects, background, and how the prompt before went on after that."""
    before = before or plan
    old = before.prompt.partition(before.background)[2] if before.background in before.prompt else ""
    tail = f", {style}" if style else old if old.startswith(",") else ""
    named = [_counted(s) for s in plan.subjects]
    joined = ", ".join(named[:-1]) + (" and " if len(named) > 1 else "") + named[-1] if named else ""
    led = Subject(id="all", phrase=joined or "an empty scene", noun="scene")
    return tidy(region_prompt(led, plan.background) + tail, 4_000)


def _counted(subject: Subject) -> str:
    if subject.count == 1:
        return subject.phrase
    number = NUMBERS[subject.count] if subject.count < len(NUMBERS) else str(subject.count)
    return f"{number} {plural(bare(subject.phrase))}"


def _the(subject: Subject) -> str:
    return f"the {subject.noun}"
