"""The Layout agent: subjects become regions on the canvas, as the brief says and with room for lettering.

A plan always comes out of a usable answer: what a model leaves out or writes beyond repair is asked again once, by name,
and what is missing even then is put into free space, with a note in the plan that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from cutwork.agents import goods, similarity
from cutwork.agents.bands import BAND, bands, strips
from cutwork.agents.boxes import clear_of, free_place, grown, read_boxes, strip
from cutwork.agents.schemas import LayoutAnswer, RegionAnswer
from cutwork.agents.words import article, mentions, question, slug, tidy
from cutwork.domain import (
    CELL,
    MAX_REGIONS,
    MAX_SUBJECTS,
    Box,
    Brief,
    CaptionBand,
    CutSettings,
    DrawSettings,
    Expansion,
    FinishSettings,
    Kind,
    Plan,
    Region,
    Size,
    Subject,
)
from cutwork.errors import BadInput
from cutwork.plurals import plural
from cutwork.ports import Llm

BESIDE = 0.5  # of the canvas, the longest side of a region that leaves room for one beside it
TOUCHING = 0.02  # share of the smaller of two regions that may overlap and they still count as apart
PLAIN = "a plain background"
NOBODY = "no subject was found in the brief; only the background is drawn"
PLACING = re.compile(r"(?:on|in|at|under|over|inside|outside|near|against|among|amid|beside|by|behind|above|below|with|beneath|within)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?<![\w.,-])[-−](\d+) +([^\W\d_]+)")  # "-3 cats"
_TURNED_NUMBER = re.compile(r"[\s_#-]*\d+$")


@dataclass(frozen=True)
class _Place:
    """A region's answer with its box read."""

    box: Box
    prompt: str
    z: int | None
    order: int


@dataclass(frozen=True)
class _Question:
    """What is to be laid out."""

    picture: str  # the brief, without what it says of goods
    kind: Kind
    size: Size
    expansion: Expansion
    subjects: tuple[Subject, ...]
    bands: tuple[CaptionBand, ...]  # that are kept free
    whole: bool = False  # the model draws well only what nothing hides

    @property
    def motifs(self) -> bool:
        """Whether each subject becomes a motif of its own, so that none may touch another."""
        return self.kind == "textile"


@dataclass
class _Reading:
    """What one answer gave, and what was wrong with it in words for the model."""

    places: dict[str, list[_Place]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def lay_out(
    brief: Brief,
    expansion: Expansion,
    subjects: Sequence[Subject],
    llm: Llm,
    feedback: str = "",
    draw: DrawSettings = DrawSettings(),  # noqa: B008 - frozen
    cut: CutSettings = CutSettings(),  # noqa: B008 - frozen
) -> Plan:
    """Where every subject stands: a region for each counted one, clear of the caption bands, and apart where each becomes a motif.

    Raises:
        BadInput: if the canvas is too small for that many subjects.
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    finish = _finish(brief, expansion)
    said = goods.read(brief.text, finish.kind)
    notes = [*said.notes, *_unkept(finish)]
    captions = expansion.captions or brief.captions
    kept_free = strips(captions, finish, subjects, notes)
    kept = _fitting(subjects, brief.size, kept_free, notes)
    asked = _Question(said.picture, finish.kind, brief.size, expansion, kept, kept_free, draw.apart)
    reading = _asked(asked, llm, feedback) if kept else _Reading(notes=(NOBODY, *_fewer_than_none(brief.text)))
    notes += reading.notes
    regions = _regions(asked, reading, notes)
    return Plan(
        prompt=expansion.prompt,
        background=expansion.background or PLAIN,
        subjects=kept,
        regions=regions,
        similar=similarity.said(brief.similar, kept) if brief.similar else _similar(kept),
        bands=bands(captions, finish, kept, regions, kept_free),
        size=brief.size,
        draw=draw,
        cut=cut,
        finish=finish,
        notes=tuple(dict.fromkeys(notes)),
    )


def _finish(brief: Brief, expansion: Expansion) -> FinishSettings:
    """What is made of the picture; the brief's own kind stands."""
    finish = expansion.finish
    return finish if brief.kind in ("auto", finish.kind) else finish.model_copy(update={"kind": brief.kind})


def _unkept(finish: FinishSettings) -> list[str]:
    """A note where colours were asked for that what is made cannot keep to."""
    kept = finish.kind == "textile" or not finish.palette
    return [] if kept else [f"the palette {', '.join(finish.palette)} is not kept to: only a textile is printed in colours of its own"]


def _fewer_than_none(text: str) -> list[str]:
    """A note on each count below zero, which is why nothing is drawn."""
    return [f"-{count} of {noun!r} cannot be drawn; none is planned" for count, noun in _NEGATIVE.findall(text)]


def _fitting(subjects: Sequence[Subject], size: Size, bands: Sequence[CaptionBand], notes: list[str]) -> tuple[Subject, ...]:
    """The subjects, with counts taken back to what the canvas can hold side by side."""
    if len(subjects) > MAX_SUBJECTS:
        raise BadInput(f"{len(subjects)} subjects, at most {MAX_SUBJECTS} are possible")
    free = size.height * (1 - BAND * len(bands))
    slots = [int(size.width // (cells * CELL)) * int(free // (cells * CELL)) for cells in (2, 3)]
    if len(subjects) > max(1, slots[0]):
        raise BadInput(f"{len(subjects)} subjects do not fit on {size}, at most {max(1, slots[0])} do", hint="use a larger --size or name fewer subjects")
    kept = list(subjects)
    while sum(s.count for s in kept) > max(len(kept), min(slots[1], MAX_REGIONS)):
        most = max(range(len(kept)), key=lambda i: (kept[i].count, -i))
        kept[most] = kept[most].model_copy(update={"count": kept[most].count - 1})
    for before, after in zip(subjects, kept, strict=True):
        if after.count < before.count:
            notes.append(f"{before.count} × {before.noun} do not fit on {size}; {after.count} are planned")
    return tuple(kept)


def _asked(asked: _Question, llm: Llm, feedback: str) -> _Reading:
    """The model's layout; asked a second time, and no more, if something about it was wrong."""
    variables = {
        "brief": asked.picture,
        "prompt": asked.expansion.prompt,
        "background": asked.expansion.background,
        "kind": asked.kind,
        "subjects": _json([s.model_dump(mode="json", exclude={"resembles"}) for s in asked.subjects]),
        "size": str(asked.size),
        "bands": _json([b.model_dump(mode="json") for b in asked.bands]),
    }
    first = _read(llm.ask(question("layout", variables | {"feedback": feedback}), LayoutAnswer), asked)
    if not first.faults:
        return first
    named = f"{feedback}\nYour last layout could not be used as it was: {'; '.join(first.faults)}. Give the whole layout again.".strip()
    second = _read(llm.ask(question("layout", variables | {"feedback": named}), LayoutAnswer), asked)
    return _better(first, second, asked.subjects)


def _better(first: _Reading, second: _Reading, subjects: Sequence[Subject]) -> _Reading:
    """The second answer, with the first one's places for subjects that the second left short."""
    places = {}
    for subject in subjects:
        old, new = first.places.get(subject.id, []), second.places.get(subject.id, [])
        places[subject.id] = new if len(new) >= len(old) else old
    return _Reading(places, second.faults, second.notes or first.notes)


def _read(answer: LayoutAnswer, asked: _Question) -> _Reading:
    subjects = asked.subjects
    reading = _Reading(notes=tuple(filter(None, (tidy(note, 400) for note in getattr(answer, "notes", ())))))
    boxes = read_boxes([region.box for region in answer.regions], asked.size)
    for order, (region, box) in enumerate(zip(answer.regions, boxes, strict=True)):
        subject = _meant(region.subject, subjects)
        if subject is None:
            reading.faults.append(f"subject {region.subject!r} is unknown, there are {', '.join(s.id for s in subjects)}")
        elif box is None:
            reading.faults.append(f"the box of {subject.id} is {tidy(repr(region.box), 80)}, wanted [x0, y0, x1, y1] from 0 to 1")
        else:
            reading.places.setdefault(subject.id, []).append(_place(region, box, order))
    for subject in subjects:
        got = len(reading.places.get(subject.id, ()))
        if got < subject.count:
            reading.faults.append(f"{subject.id} needs {subject.count} region{'s' * (subject.count > 1)}, usable were {got}")
    if asked.motifs:
        reading.faults += _overlaps(reading)
    return reading


def _overlaps(reading: _Reading) -> list[str]:
    """Which pairs are not apart, though each becomes a motif of its own."""
    placed = [(name, place.box) for name, places in reading.places.items() for place in places]
    return [f"{a} and {b} overlap, though each becomes a motif of its own" for (a, one), (b, two) in combinations(placed, 2) if _touch(one, two)]


def _touch(one: Box, two: Box) -> bool:
    return one.intersection(two) > TOUCHING * min(one.area, two.area)


def _place(region: RegionAnswer, box: Box, order: int) -> _Place:
    return _Place(box, tidy(region.prompt, 800), region.z, order)


def _meant(name: str | None, subjects: Sequence[Subject]) -> Subject | None:
    """The subject of a name, where only one can be meant: by id, noun or phrase, with or without a running number."""
    if name is None or not name.strip():
        return subjects[0] if len(subjects) == 1 else None
    for wanted in (name, _TURNED_NUMBER.sub("", name)):
        short = slug(wanted)
        for key in (lambda s: s.id, lambda s: slug(s.noun), lambda s: slug(s.phrase), lambda s: slug(plural(s.noun))):
            hits = [s for s in subjects if key(s) == short]
            if len(hits) == 1 and (short != "subject" or wanted.strip()):
                return hits[0]
    return None


def _regions(asked: _Question, reading: _Reading, notes: list[str]) -> tuple[Region, ...]:
    size, kept_free = asked.size, [band.box for band in asked.bands]
    found: list[tuple[Subject, _Place]] = []
    for subject in asked.subjects:
        places = reading.places.get(subject.id, [])
        if len(places) > subject.count:
            notes.append(f"the planner gave {len(places)} regions for {subject.count} × {subject.noun}; the first were kept")
        found += [(subject, replace(place, box=grown(place.box, size))) for place in places[: subject.count]]
    found = _cleared(found, size, kept_free, notes)
    if asked.motifs:
        found = _parted(found, size, kept_free, notes, "it becomes a motif of its own")
    elif asked.whole:
        found = _parted(_shrunk(found), size, kept_free, notes, "the model draws badly what is partly hidden")
    taken = [place.box for _, place in found]
    for subject in asked.subjects:
        for _ in range(subject.count - len(reading.places.get(subject.id, ()))):
            box = free_place(taken, kept_free, size)
            taken.append(box)
            found.append((subject, _Place(box, "", None, 1_000 + len(taken))))
            notes.append(f"the planner gave no usable place for {subject.phrase}; it was put into free space")
    return _stacked(found, asked.expansion.background)


def _parted(found: list[tuple[Subject, _Place]], size: Size, kept_free: Sequence[Box], notes: list[str], since: str) -> list[tuple[Subject, _Place]]:
    """Regions that overlap those before them moved into free space."""
    apart: list[tuple[Subject, _Place]] = []
    for number, (subject, place) in enumerate(found):
        before = [other.box for _, other in apart]
        if any(_touch(place.box, box) for box in before):
            box = free_place(before + [later.box for _, later in found[number + 1 :]], kept_free, size)
            if any(_touch(box, other) for other in before):
                box = free_place(before, kept_free, size)
            place = replace(place, box=box)
            notes.append(f"{subject.phrase} was moved apart, since {since}")
        apart.append((subject, place))
    return apart


def _shrunk(found: list[tuple[Subject, _Place]]) -> list[tuple[Subject, _Place]]:
    """Regions that overlap others made so small that one fits beside each, keeping to the edge or middle they stand at."""
    boxes = [place.box for _, place in found]

    def small(place: _Place) -> _Place:
        box, most = place.box, max(place.box.width, place.box.height)
        if most <= BESIDE or not any(_touch(box, other) for other in boxes if other is not box):
            return place
        width, height = box.width * BESIDE / most, box.height * BESIDE / most
        x, y = (_held(low, high, side) for low, high, side in ((box.x0, box.x1, width), (box.y0, box.y1, height)))
        return replace(place, box=Box.of(x, y, x + width, y + height))

    return [(subject, small(place)) for subject, place in found]


def _held(low: float, high: float, side: float) -> float:
    """Where a shorter side begins in place of one from `low` to `high`: as much of the canvas left on both hands, in proportion, as before."""
    free = low + (1 - high)
    return (1 - side) * (low / free if free > 1e-6 else 0.5)


def _cleared(found: list[tuple[Subject, _Place]], size: Size, kept_free: Sequence[Box], notes: list[str]) -> list[tuple[Subject, _Place]]:
    """Regions moved out of the caption bands: one by one where that keeps them apart and in order, else all together."""
    before = [place.box for _, place in found]
    after = [clear_of(box, kept_free) for box in before]
    if after == before:
        return found
    if _shared(after) > _shared(before) + 1e-6 or _levels(after) != _levels(before):
        top, bottom = strip(kept_free)
        squeezed = (Box.of(b.x0, top + b.y0 * (bottom - top), b.x1, top + b.y1 * (bottom - top)) for b in before)
        after = [clear_of(grown(box, size), kept_free) for box in squeezed]
        notes.append("all regions were moved together to keep the caption bands free")
    else:
        moved = [subject for (subject, place), box in zip(found, after, strict=True) if place.box != box]
        notes += [f"the region of {subject.phrase} was moved out of a caption band" for subject in moved]
    return [(subject, replace(place, box=box)) for (subject, place), box in zip(found, after, strict=True)]


def _shared(boxes: Sequence[Box]) -> float:
    return sum(a.intersection(b) for a, b in combinations(boxes, 2))


def _levels(boxes: Sequence[Box]) -> list[int]:
    """Who is above whom, for each pair: what "above" and "below" in a brief come to."""
    return [(a.centre[1] > b.centre[1] + 0.02) - (a.centre[1] < b.centre[1] - 0.02) for a, b in combinations(boxes, 2)]


def _stacked(found: Sequence[tuple[Subject, _Place]], background: str) -> tuple[Region, ...]:
    """Regions in the order they were answered; z as answered, from 0 up, else that order."""
    ordered = sorted(found, key=lambda item: item[1].order)
    zs = [order if place.z is None else place.z for order, (_, place) in enumerate(ordered)]
    lowest = min(0, *zs) if zs else 0
    return tuple(
        Region(subject=subject.id, box=place.box, prompt=region_prompt(subject, background, place.prompt), z=min(1_000, z - lowest))
        for (subject, place), z in zip(ordered, zs, strict=True)
    )


def region_prompt(subject: Subject, background: str, written: str = "") -> str:
    """What is drawn in a region; it always names the subject, whose word is looked for in the attention."""
    if written and mentions(written, subject.noun):
        return tidy(written, 1_000)
    return tidy(f"{subject.phrase}, {written}" if written else _before(subject.phrase, background), 1_000)


def _before(phrase: str, background: str) -> str:
    """The phrase in front of its background: "a cat on a purple background", "a cat at the beach", "a cat, soft light"."""
    if not background:
        return phrase
    if PLACING.match(background):
        return f"{phrase} {background}"
    if mentions(background, "background") or mentions(background, "backdrop"):
        led = background if background.split()[0].lower() in ("a", "an", "the") else f"{article(background)} {background}"
        return f"{phrase} on {led}"
    return f"{phrase}, {background}"


def _similar(subjects: Sequence[Subject]) -> tuple[tuple[str, str], ...]:
    ids = [s.id for s in subjects]
    return tuple((a, b) for i, a in enumerate(ids) for b in ids[i + 1 :] if b in subjects[i].resembles or a in subjects[ids.index(b)].resembles)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
