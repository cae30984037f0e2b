"""Where a meme's lettering stands on the canvas: strips that no subject may enter, and what keeps nobody out (labels, panels, a bar beside the picture)."""

from __future__ import annotations

from collections.abc import Sequence

from cutwork.agents.words import mentions, tidy
from cutwork.domain import Box, CaptionBand, FinishSettings, Plan, Region, Subject
from cutwork.errors import BadInput

BAND = 0.18  # height of a caption band: two lines of meme lettering
TOP, BOTTOM, WHOLE = Box((0.0, 0.0, 1.0, BAND)), Box((0.0, round(1.0 - BAND, 4), 1.0, 1.0)), Box((0.0, 0.0, 1.0, 1.0))
LONGEST = 400  # characters of a band
MOST = 8  # captions


def strips(captions: Sequence[str], finish: FinishSettings, subjects: Sequence[Subject], notes: list[str]) -> tuple[CaptionBand, ...]:
    """The strips that are kept free: the first caption on top, all others below; of labels only those that fit no subject."""
    if finish.kind != "meme" or finish.meme.layout not in ("top-bottom", "labels"):
        return ()
    if finish.meme.layout == "labels":
        captions = [text for text in captions if labelled(text, subjects) is None]
        notes += [f"nobody in the picture is called {text.partition(':')[0]!r}; what labels it stands in a strip" for text in captions if ":" in text]
        captions = [text.partition(":")[2].strip() or text for text in captions]
    below = " ".join(filter(None, captions[1:]))
    if len(below) > LONGEST:
        notes.append(f"the captions below the picture are longer than {LONGEST} characters and were cut")
    top = [CaptionBand(text=captions[0], box=TOP)] if captions and captions[0] else []
    return (*top, CaptionBand(text=tidy(below, LONGEST), box=BOTTOM)) if below else tuple(top)


def bands(
    captions: Sequence[str], finish: FinishSettings, subjects: Sequence[Subject], regions: Sequence[Region], kept: Sequence[CaptionBand]
) -> tuple[CaptionBand, ...]:
    """All lettering of a plan, in order. A label has the box of whom it labels; what stands in panels or in a bar has the whole canvas."""
    if finish.kind != "meme":
        return ()
    layout = finish.meme.layout
    if layout == "top-bottom":
        return tuple(kept)
    if layout == "labels":
        named = [(text, labelled(text, subjects)) for text in captions]
        own = [CaptionBand(text=text.partition(":")[2].strip(), box=_around(regions, whom.id), subject=whom.id) for text, whom in named if whom is not None]
        return (*own, *kept)
    return tuple(CaptionBand(text=text, box=WHOLE) for text in captions)


def kept_free(plan: Plan) -> tuple[CaptionBand, ...]:
    """The bands of a plan that no subject may enter."""
    return tuple(band for band in plan.bands if band.subject is None) if plan.finish.meme.layout in ("top-bottom", "labels") else ()


def labelled(text: str, subjects: Sequence[Subject]) -> Subject | None:
    """Whom "red cat: me" labels: who shares most words with what stands in front of the colon, its noun counting most."""
    name, colon, said = text.partition(":")
    if not colon or not said.strip():
        return None
    words = name.lower().split()

    def shared(subject: Subject) -> int:
        own = subject.phrase.lower().split()
        return 10 * (mentions(name, subject.noun) or subject.id == name.strip().lower()) + sum(word in own for word in words if len(word) > 2)

    best = max(subjects, key=shared, default=None)
    return best if best is not None and shared(best) else None


def _around(regions: Sequence[Region], subject: str) -> Box:
    return _union([region.box for region in regions if region.subject == subject]) if regions else WHOLE


def _union(boxes: Sequence[Box]) -> Box:
    return Box((min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)))


def lettered(plan: Plan, finish: FinishSettings, captions: Sequence[str] | None = None, heard: Sequence[str] = ()) -> Plan:
    """A plan that is drawn already, finished in another way and with other lettering.

    Args:
        captions: as a brief gives them; None = those it has, set as `finish` says. Who was drawn stays where they are: only a new drawing keeps new strips free.
        heard: notes on what was asked for and cannot be.

    Raises:
        BadInput: if there are more captions, or longer ones, than can be set.
    """
    said = captions_of(plan) if captions is None else _possible(captions)
    notes = list(heard)
    kept = strips(said, finish, plan.subjects, notes)
    told = bands(said, finish, plan.subjects, plan.regions, kept)
    return plan.model_copy(update={"finish": finish, "bands": told, "notes": tuple(dict.fromkeys((*plan.notes, *notes)))})


def _possible(captions: Sequence[str]) -> tuple[str, ...]:
    if len(captions) > MOST:
        raise BadInput(f"{len(captions)} captions, at most {MOST} can be set")
    for text in captions:
        if len(text) > LONGEST:
            raise BadInput(f"the caption {text[:40]!r}… has {len(text):,} characters, at most {LONGEST} can be set")
    return tuple(captions)


def captions_of(plan: Plan) -> tuple[str, ...]:
    """A plan's lettering as a brief would give it: the first on top, "" where there is none but others are below."""
    texts = tuple(band.text if band.subject is None else f"{plan.subject(band.subject).noun}: {band.text}" for band in plan.bands)
    below = plan.bands and plan.bands[0].box == BOTTOM
    return ("", *texts) if below else texts
