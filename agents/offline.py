"""The offline planner: answers the agents' questions by rules, behind the same port as a language model.

It reads the brief itself, each time anew, and is therefore deterministic and needs no state. It does not see images and
does not talk; what it knows of language is in `agents/language`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from cutwork.agents.calls import Standing
from cutwork.agents.hearing import HELP, hear
from cutwork.agents.language import jokes, write
from cutwork.agents.language.arrange import Arrangement, Variant, arrange
from cutwork.agents.language.holds import fitted
from cutwork.agents.language.model import Parsed, Relation, Thing
from cutwork.agents.language.parse import parse
from cutwork.agents.language.rects import Rect
from cutwork.agents.schemas import AssistantAnswer, CallAnswer, ExtensionAnswer, ExtractionAnswer, LayoutAnswer, RegionAnswer, SubjectAnswer
from cutwork.domain import Size
from cutwork.errors import LlmFailed
from cutwork.ports import Answer, Prompt

Variables = Mapping[str, Any]
LARGER = ("small", "tiny", "missing", "weak", "faint", "larger", "bigger", "absent", "not found", "invisible", "unattended")
TOUCHING = ("on", "inside", "front", "behind", "riding", "holding")  # relations in which regions overlap
APART = ("overlap", "leak", "blend", "touch", "bleed", "merge", "close", "space", "spacing", "apart", "mixed", "crowd")


class OfflineLlm:
    """The `Llm` port, answered by rules."""

    name = "offline"
    sees = False

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Answer as an instance of `schema`.

        Raises:
            LlmFailed: for a question that rules cannot answer, or variables that are not as agents pass them.
        """
        if prompt.name not in ANSWERS:
            raise LlmFailed(
                f"the offline planner cannot answer {prompt.name!r}; it neither sees images nor talks, it answers {', '.join(ANSWERS)}",
                hint="set CUTWORK_LLM to a language model",
            )
        try:
            return schema.model_validate(ANSWERS[prompt.name](prompt.variables).model_dump())
        except (ValidationError, KeyError, TypeError, ValueError) as error:
            raise LlmFailed(f"the offline planner was asked {prompt.name!r} with variables it cannot use: {error}") from error


@lru_cache(maxsize=64)
def _parsed(brief: str) -> Parsed:
    """Shared between the three questions about one brief; nobody changes it."""
    return fitted(parse(brief))


def _extension(variables: Variables) -> ExtensionAnswer:
    brief = str(variables["brief"])
    parsed = _parsed(brief)
    kind, _, layout = str(variables.get("kind", "")).partition(", ")
    back, look = write.background(parsed, brief), write.style(parsed, kind)
    written = _lettering(parsed, brief, layout) if kind == "meme" and not _listed(variables.get("captions")) else {}
    return ExtensionAnswer(prompt=write.prompt(parsed, back, look), background=back, style=look, palette=_listed(variables.get("palette")), **written)


def _lettering(parsed: Parsed, brief: str, layout: str) -> dict[str, Any]:
    """What is written on a meme that came without: "meme, panels 3" says how."""
    if layout.startswith("no "):
        return {}
    if layout.startswith("a label"):
        return {"labels": [{"subject": noun, "text": text} for noun, text in jokes.labels([thing.noun for thing in parsed.things], brief)]}
    top, bottom = jokes.captions(parsed, brief)
    if layout.startswith("one line"):
        return {"captions": [f"{top.rstrip('.?!')}. {bottom[:1].upper()}{bottom[1:]}"]}
    if layout.startswith("panels"):
        count = int(layout.removeprefix("panels").strip() or 2)
        return {"captions": [top, bottom] if count == 2 else list(jokes.panels(count, brief))}
    return {"captions": [top, bottom]}


def _listed(value: Any) -> list[str]:
    """A list that may come as JSON or with commas."""
    text = str(value or "").strip()
    if text.startswith("["):
        return [str(v) for v in json.loads(text)]
    return [part.strip() for part in text.split(",") if part.strip() and part.strip().lower() not in ("none", "-")]


def _extraction(variables: Variables) -> ExtractionAnswer:
    """The subjects; things said in the same words are one subject, since nothing tells them apart where they are drawn."""
    found: dict[tuple[str, str], SubjectAnswer] = {}
    for t in _parsed(str(variables["brief"])).things:
        same = found.setdefault((t.noun, t.phrase), SubjectAnswer(phrase=t.phrase[:200], noun=t.noun, attributes=_attributes(t), count=0))
        same.count = (same.count or 0) + t.count
    return ExtractionAnswer(subjects=list(found.values()))


def _attributes(thing: Thing) -> list[str]:
    return [a[:200] for a in [*thing.attributes, *thing.tails]]


def _layout(variables: Variables) -> LayoutAnswer:
    subjects: list[dict[str, Any]] = json.loads(variables["subjects"])
    parsed = _parsed(str(variables["brief"]))
    things, relations, owners = _matched(parsed, subjects)
    parting: list[str] = []
    if variables.get("kind") == "textile":
        relations, parting = _apart(things, relations)
    size = Size.parse(str(variables["size"])).root
    bands = [_band(b) for b in json.loads(variables.get("bands") or "[]")]
    found = _laid_out(things, relations, size, bands, str(variables.get("feedback") or "").strip())
    behind = write.before(str(variables.get("background") or "").strip() or write.background(parsed, str(variables["brief"])))
    regions = [
        RegionAnswer(subject=str(subject["id"]), box=list(box), prompt=f"{subject['phrase']} {behind}".strip()[:1_000], z=z)
        for subject, boxes, z in ((subjects[o], b, z) for o, b, z in zip(owners, found.boxes, found.z, strict=False))
        for box in boxes
    ]
    unset = [] if str(variables.get("kind", "")).startswith("meme") else parsed.lettering
    written = [f"{' / '.join(map(repr, unset))} is not written: only a meme has lettering"] if unset else []
    return LayoutAnswer(regions=regions, notes=list(dict.fromkeys([*parsed.notes, *written, *parting, *found.notes])))


def _apart(things: Sequence[Thing], relations: Sequence[Relation]) -> tuple[list[Relation], list[str]]:
    """The relations of things that each become a motif of their own: who would touch another stands beside it. And that it is so, in words."""
    parted = [r for r in relations if r.kind in TOUCHING]
    notes = [f"{things[r.a].phrase} and {things[r.b].phrase} stand apart, since each becomes a motif of its own" for r in parted]
    return [Relation("beside", r.a, r.b) if r in parted else r for r in relations], notes


def _band(value: Any) -> Rect:
    """A band as a bare box, or as a caption with its box."""
    x0, y0, x1, y1 = value["box"] if isinstance(value, dict) else value
    return float(x0), float(y0), float(x1), float(y1)


def _matched(parsed: Parsed, subjects: Sequence[dict[str, Any]]) -> tuple[list[Thing], list[Relation], list[int]]:
    """The given subjects as things with what the brief says of them, their relations, and which subject each thing is.

    A subject that the brief names several times in the same words is as many things, since each stands somewhere else:
    "a cat above a cat".
    """
    free = dict(enumerate(parsed.things))
    place: dict[int, int] = {}  # number in the brief -> number among the things
    things: list[Thing] = []
    owners: list[int] = []
    for number, subject in enumerate(subjects):
        count = int(subject.get("count") or 1)
        for known, share in _shares(free, _best(free, subject), count):
            source = free.pop(known) if known is not None else Thing(str(subject["noun"]), [str(a) for a in subject.get("attributes", ())])
            if known is not None:
                place[known] = len(things)
            things.append(Thing(source.noun, source.attributes, source.tails, share, source.place, source.scale))
            owners.append(number)
    relations = [
        Relation(r.kind, place[r.a], place[r.b], None if r.c is None else place[r.c])
        for r in parsed.relations
        if all(i is None or i in place for i in (r.a, r.b, r.c))
    ]
    return things, relations, owners


def _shares(free: dict[int, Thing], known: int | None, count: int) -> list[tuple[int | None, int]]:
    """Which things of the brief a subject is, and how many of it each: one, or all that were said in the same words."""
    if known is None:
        return [(None, count)]
    same = [i for i, thing in free.items() if (thing.noun, thing.phrase) == (free[known].noun, free[known].phrase)]
    if len(same) > 1 and sum(free[i].count for i in same) == count:
        return [(i, free[i].count) for i in same]
    return [(known, count)]


def _best(free: dict[int, Thing], subject: dict[str, Any]) -> int | None:
    """The thing of the brief that a subject most likely is: same phrase, same noun, or a noun inside the phrase."""
    noun, phrase = str(subject["noun"]).lower(), str(subject.get("phrase", "")).lower()
    tests: list[Callable[[Thing], bool]] = [
        lambda t: t.phrase == phrase and t.noun == noun,
        lambda t: t.noun == noun and t.bare in phrase,
        lambda t: t.noun == noun,
        lambda t: t.noun in phrase or noun in t.phrase,
    ]
    return next((i for test in tests for i, thing in free.items() if test(thing)), None)


def _laid_out(things: Sequence[Thing], relations: Sequence[Relation], size: tuple[int, int], bands: Sequence[Rect], feedback: str) -> Arrangement:
    """The usual layout; after a round that went wrong the first other one, by what went wrong."""
    usual = arrange(things, relations, size, bands)
    if not feedback:
        return usual
    for variant in _variants(feedback):
        other = arrange(things, relations, size, bands, variant)
        if other.boxes != usual.boxes and len(other.notes) <= len(usual.notes):
            return other
    return usual


def _variants(feedback: str) -> list[Variant]:
    said = feedback.lower()
    larger, apart, turned = Variant(margin=0.4), Variant(margin=1.6), Variant(mirrored=True, turned=True)
    rest = [turned, apart, larger]
    shift = zlib.crc32(feedback.encode("utf-8", "replace")) % 3
    rest = rest[shift:] + rest[:shift]
    if any(word in said for word in APART):
        return [apart, *rest]
    return [larger, *rest] if any(word in said for word in LARGER) else rest


def _assistant(variables: Variables) -> AssistantAnswer:
    """What a sentence of a session asks for. Once something was done about it nothing is left to do: it was read whole."""
    if json.loads(str(variables.get("results") or "[]")) or str(variables.get("feedback") or ""):
        return AssistantAnswer()
    heard = hear(str(variables["words"]), Standing.read(str(variables["design"])))
    lost = "All right." if not heard.unread else f"I did not understand that. {HELP}"
    say = HELP if heard.help else lost if not heard.calls else ""
    calls = [CallAnswer.model_validate({"tool": call.tool, **call.args}) for call in heard.calls]
    return AssistantAnswer(calls=calls, say=say, unread=list(heard.unread) if heard.calls else [])


ANSWERS: dict[str, Callable[[Variables], ExtensionAnswer | ExtractionAnswer | LayoutAnswer | AssistantAnswer]] = {
    "extension": _extension,
    "extraction": _extraction,
    "layout": _layout,
    "assistant": _assistant,
}
