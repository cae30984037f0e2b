"""A subject, or the background, of another take put together with what stands. Nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cutwork import composing
from cutwork.agents.edits import Carry, make_room
from cutwork.agents.layout import region_prompt
from cutwork.agents.rewording import behind, respoken
from cutwork.domain import Design, Plan, Region, Round, Subject
from cutwork.errors import BadInput
from cutwork.ports import Blobs

if TYPE_CHECKING:
    from cutwork.working import Work


class Taking:
    """A subject, or the background, of another design put together with one that stands.

    Args:
        then: a subject stands where it stood in the other design, whether or not it stands elsewhere now.
    """

    def __init__(self, work: Work, before: Design, other: Design, what: str, then: bool = False) -> None:
        self.work, self.before, self.other, self.what, self.then = work, before, other, what, then
        self.blobs = work.blobs

    def made(self, id: str) -> tuple[Design, str]:
        """The composed design, and what was taken, in words."""
        found = self.work.found(id)
        plan, start, sources, name = self._background() if self.what == "background" else self._subject()
        keep = start.kept(self.blobs)
        if found is None:
            drawing = self.work.studio.wired.drawing_for(self.work.studio.wired.terms_of(self.before))
            found = composing.composed(self.before, plan, start, drawing, self.blobs, id, sources)
            self.work.studio.wired.designs.create(found)
        self.work.came_to_stand(found, composing.delivered(self.before).cutouts, keep)
        return found, name

    def _background(self) -> tuple[Plan, Any, list[tuple[Round, int]], str]:
        from cutwork.tools.keep.put import put_behind

        own, other = composing.delivered(self.before), composing.delivered(self.other)
        if own.render.image == other.render.image:
            raise BadInput("that is the take that stands")
        start = put_behind(composing.before_of(self.before, self.blobs), composing.before_of(self.other, self.blobs))
        mine, background = own.shot.plan, other.shot.plan.background
        regions = tuple(r.model_copy(update={"prompt": region_prompt(mine.subject(r.subject), background)}) for r in mine.regions)
        plan = mine.model_copy(update={"background": background, "regions": regions, "prompt": behind(mine.prompt, mine.background, background) or mine.prompt})
        return plan, start, [(own, k) for k in range(len(plan.regions))], "the background"

    def _subject(self) -> tuple[Plan, Any, list[tuple[Round, int]], str]:
        from cutwork.agents.calls import meant
        from cutwork.tools.keep.put import put
        from cutwork.tools.pixels import decode

        own, other = composing.delivered(self.before), composing.delivered(self.other)
        named = meant(self.what, other.shot.plan.subjects)
        if len(named) != 1:
            there = ", ".join(s.phrase for s in other.shot.plan.subjects) or "nothing"
            raise BadInput(f"{self.what!r} is not one subject of that take; it has {there}")
        subject = named[0]
        if subject.id in self.work.now["locks"]:
            raise BadInput(f"the {subject.noun} is locked", hint=f"unlock the {subject.noun} first")
        layers = {c.region: c for c in other.cutouts if c.subject == subject.id and c.box is not None}
        if not layers:
            raise BadInput(f"the {subject.noun} of that take could not be cut out, so it cannot be taken from there")
        if own.shot.plan.size != other.shot.plan.size:
            raise BadInput("the pictures of the two takes are of other sizes, so nothing can be put together from them")
        replaced = next((s for s in own.shot.plan.subjects if s.id == subject.id), None) or _in_its_place(own.shot.plan, other.shot.plan, subject)
        leaving = [k for k, r in enumerate(own.shot.plan.regions) if replaced is not None and r.subject == replaced.id]
        regions = {k: other.shot.plan.regions[k] for k in sorted(layers)}
        if not self.then:  # in the places of those who go, as far as there are as many
            carry = carry_of(own.shot.plan, self.blobs)
            regions |= {k: _at(regions[k], own.shot.plan.regions[at], carry) for k, at in zip(list(regions), leaving, strict=False)}
        other = composing.elsewhere(other, {k: r.box for k, r in regions.items()}, self.blobs)
        plan, sources = self._joined(own, other, subject, replaced, regions, leaving)
        layers = {c.region: c for c in other.cutouts}
        coming = [(decode(self.blobs.get(layers[k].image), "RGBA"), _farther(own.shot.plan, leaving, regions[k])) for k in sorted(regions, key=lambda k: (regions[k].z, k))]
        locked = [k for k, r in enumerate(own.shot.plan.regions) if r.subject in self.work.now["locks"]]
        return plan, put(composing.before_of(self.before, self.blobs), leaving, coming, locked), sources, f"the {subject.noun}"

    def _joined(
        self, own: Round, other: Round, subject: Subject, replaced: Subject | None, regions: dict[int, Region], leaving: Sequence[int]
    ) -> tuple[Plan, list[tuple[Round, int]]]:
        """The plan with the other take's subject in place of another, else besides, and where each region is from."""
        mine = own.shot.plan
        taken = subject.model_copy(update={"count": len(regions), "resembles": ()})
        subjects = [taken if replaced is not None and s.id == replaced.id else s for s in mine.subjects]
        subjects += [] if replaced is not None else [taken]
        rows: list[tuple[Region, tuple[Round, int]]] = [(r, (own, k)) for k, r in enumerate(mine.regions) if k not in leaving]
        at = _place(mine, leaving)
        rows[at:at] = [(region.model_copy(update={"prompt": region_prompt(taken, mine.background)}), (other, k)) for k, region in regions.items()]
        make_room(mine, len(subjects), len(rows))
        kept = {name: getattr(mine, name) for name in Plan.model_fields}
        similar = tuple(p for p in mine.similar if replaced is None or replaced.id not in p or replaced.id == subject.id)
        bands = tuple(b.model_copy(update={"subject": taken.id}) if replaced is not None and b.subject == replaced.id else b for b in mine.bands)
        plan = Plan(**kept | {"subjects": tuple(subjects), "regions": tuple(r for r, _ in rows), "similar": similar, "bands": bands})
        prompt = respoken(mine.prompt, replaced, taken) if replaced is not None and replaced.phrase != taken.phrase else mine.prompt
        return plan.model_copy(update={"prompt": prompt or f"{mine.prompt}, {taken.phrase}"}), [source for _, source in rows]


def _place(plan: Plan, leaving: Sequence[int]) -> int:
    """Where among a plan's regions others are put in: in place of the first that leaves, else last."""
    return leaving[0] if leaving else len(plan.regions)


def _farther(plan: Plan, leaving: Sequence[int], region: Region) -> int:
    """How many regions of a plan are farther than one that is put in: of equals the later one is nearer."""
    return sum(plan.depth(k) < (region.z, _place(plan, leaving)) for k in range(len(plan.regions)))


def carry_of(plan: Plan, blobs: Blobs) -> Carry:
    """How a free-form area of a plan goes elsewhere with its box."""
    from cutwork.tools.keep.areas import area_moved

    return lambda mask, before, after: area_moved(mask, before, after, plan.size.root, blobs)


def _at(region: Region, place: Region, carry: Carry) -> Region:
    """A region in the place of another, its free-form area with it."""
    mask = region.mask if region.mask is None or region.box == place.box else carry(region.mask, region.box, place.box)
    return region.model_copy(update={"box": place.box, "z": place.z, "mask": mask})


def _in_its_place(mine: Plan, theirs: Plan, subject: Subject) -> Subject | None:
    """Who stands now where a subject stood: the one at its place among the subjects, if that take does not have it."""
    at = theirs.subjects.index(subject)
    if at < len(mine.subjects) and len(mine.subjects) == len(theirs.subjects) and mine.subjects[at].id not in {s.id for s in theirs.subjects}:
        return mine.subjects[at]
    return None
