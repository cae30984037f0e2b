"""What a session says: what changed, what it cost, why something is as it is, how two designs differ. Plain words, from what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from cutwork.agents.bands import captions_of
from cutwork.agents.places import spot
from cutwork.agents.rewording import scene
from cutwork.domain import Call, Cost, Cutout, Design, Finding, FinishSettings, Json, Plan, Receipt, Round
from cutwork.errors import BadInput

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NOTHING = "I did nothing, since I do not know what to do about that; say it in other words."
FAULTS = {
    "missing": "it could hardly be found in the picture",
    "leaking": "the model thought of it elsewhere too",
    "misplaced": "it is not where it was planned",
    "fragmented": "it came apart into pieces",
    "cropped": "it runs over the edge of the picture",
    "overlapping": "another subject claims a part of it",
    "blended": "it mixes with one that looks like it",
    "soft": "its edge is not clear",
    "tiny": "it is smaller than planned",
    "wrong": "something about it is not right",
    "caption": "it reaches into the lettering, or the lettering is hard to read",
    "unknown": "the model has not learned it, so something else stands there",
}
MENDS = {
    "missing": "try again with another seed, or make it bigger", "leaking": "try again with another seed", "misplaced": "move it, or try again with another seed",
    "fragmented": "make it bigger, or try again", "cropped": "make it smaller, or move it towards the middle", "overlapping": "move the two apart",
    "blended": "move the two apart, or change one of them", "soft": "try again with another seed", "tiny": "make it bigger", "wrong": "try again with another seed",
    "caption": "move it away from the lettering, or change the caption", "unknown": "make it something that the model knows",
}  # fmt: skip


def cost(spent: Cost) -> str:
    """What a turn took, as a sentence."""
    if not (spent.drawn or spent.finished or spent.cut):
        return f"Nothing was drawn.{_asked(spent)}"
    if not spent.drawn:
        return f"Nothing was drawn; the files were made anew{_took(spent)}.{_asked(spent)}"
    cut = f" and {_count(spent.cut, 'subject')} cut out" if spent.cut else ""
    return f"{_count(spent.drawn, 'picture').capitalize()} drawn{cut}{_took(spent)}.{_asked(spent)}"


def _took(spent: Cost) -> str:
    return f", in {spent.seconds:.0f} s" if spent.seconds >= 1 else ""


def _asked(spent: Cost) -> str:
    return f" The language model was asked {_count(spent.asked, 'time')}." if spent.asked else ""


def _count(number: int, noun: str) -> str:
    return f"{NUMBERS[number] if number < len(NUMBERS) else number} {noun}{'' if number == 1 else 's'}"


def sentence(text: str) -> str:
    """A clause as a sentence."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


def reply(say: str, results: Sequence[Json], unread: Sequence[str], spent: Cost, drawn: bool) -> str:
    """What is answered: the assistant's own words, else what came of each call; and what it cost, where it cost or might have. Never nothing."""
    told = [sentence(str(r["told"])) for r in results if r.get("told")]
    missed = [f"I did not understand {part!r}." for part in unread]
    own = [say.strip()] if say.strip() else []
    faults = [sentence(str(r["told"])) for r in results if not r["ok"]]
    lines = [*(own + faults if own else told), *missed, *([cost(spent)] if drawn else [])]
    return " ".join(dict.fromkeys(lines)) or NOTHING


def explained(design: Design, subject: str | None, turns: Sequence[tuple[int, Cost]]) -> str:
    """Why a result is as it is, and what it cost: of one subject, or of the whole."""
    best = design.delivered
    if best is None:
        return sentence(f"there is no finished picture yet: {design.error or design.status}")
    findings = [f for f in best.critique.findings if f.severity > 0 and (subject is None or f.subject == subject)]
    lines = [_measured(best, c) for c in best.cutouts if c.subject == subject] if subject is not None else [sentence(f"it shows {scene(best.shot.plan)}"), _whole(best)]
    lines += [_finding(f, named=subject is None) for f in findings[:4]]
    if subject is not None and not findings:
        lines.append("The critic found nothing wrong with it.")
    lines += [sentence(note) for note in design.notes[:3]]
    if subject is None:
        lines += [_spent(turns), f"It was drawn with seed {best.shot.seed} by {best.render.model}."]
    return " ".join(filter(None, lines))


def _measured(best: Round, cutout: Cutout) -> str:
    """A subject's receipt in words."""
    name, receipt = best.shot.plan.subject(cutout.subject).noun, cutout.receipt
    if receipt.alpha is None:
        return f"The {name} could not be cut out."
    edge = _border(receipt, cutout)
    size = f"it covers {receipt.coverage:.0%} of the picture and lies {receipt.contained:.0%} within its place"
    return sentence(f"the {name} is at {spot(receipt.alpha)}; {size}, agreeing with the plan by {receipt.iou:.0%}{edge}")


def _border(receipt: Receipt, cutout: Cutout) -> str:
    box = cutout.box
    if not receipt.border or box is None:
        return "; it does not touch the edge of the picture"
    sides = [name for name, at in (("left", box.x0 <= 0.005), ("top", box.y0 <= 0.005), ("right", box.x1 >= 0.995), ("bottom", box.y1 >= 0.995)) if at]
    return f"; it is cut off at the {' and '.join(sides) or 'edge'}, where it touches {receipt.border:.0%} of the picture's border"


def _finding(finding: Finding, named: bool) -> str:
    who = f"About the {finding.subject}: " if named and finding.subject else ""
    measured = finding.detail.partition("): ")[2] or finding.detail
    return f"{sentence(f'{who}{FAULTS[finding.kind]} ({measured})')} To mend it, {MENDS[finding.kind]}."


def _whole(best: Round) -> str:
    verdict = "satisfied" if best.accepted else "not satisfied"
    return f"The critic is {verdict} with it: {best.critique.score:.0%}."


def _spent(turns: Sequence[tuple[int, Cost]]) -> str:
    """What the last turn that did something cost, and all of them together."""
    costly = [(number, c) for number, c in turns if c.drawn or c.finished or c.asked]
    if not costly:
        return ""
    number, last = costly[-1]
    total = sum((c for _, c in costly), Cost())
    whole = f" All takes together: {_count(total.drawn, 'picture')}, {total.seconds:.0f} s." if len(costly) > 1 else ""
    return f"Take {number} cost: {cost(last)[:1].lower()}{cost(last)[1:]}{whole}"


def goods(finish: FinishSettings) -> str:
    """What is made of a picture, in words: "a textile, half-drop repeat, 4 colours"."""
    if finish.kind == "textile":
        colours = f", {finish.textile.colours} colours" if finish.textile.colours else f", in {', '.join(finish.palette)}" if finish.palette else ""
        return f"a textile, {finish.textile.repeat} repeat{colours}, {finish.textile.width_cm:g} cm wide at {finish.textile.dpi} dpi"
    if finish.kind == "sticker":
        return f"a sticker{f' for {finish.sticker.preset}' if finish.sticker.preset != 'plain' else ''}"
    return "a meme" if finish.kind == "meme" else "cut-outs"


def differences(a: Plan | None, b: Plan | None) -> list[str]:
    """How the second plan differs from the first, a clause each."""
    if a is None or b is None:
        return [] if a is b else ["one of them has no plan"]
    told = [f"{s.phrase} is gone" for s in a.subjects if s.id not in {t.id for t in b.subjects}]
    told += [f"{s.phrase} is new" for s in b.subjects if s.id not in {t.id for t in a.subjects}]
    for subject in b.subjects:
        old = next((s for s in a.subjects if s.id == subject.id), None)
        if old is not None:
            told += [f"{old.phrase} became {subject.phrase}"] if old.phrase != subject.phrase else []
            told += _stood(subject.noun, [r.box for r in a.regions if r.subject == subject.id], [r.box for r in b.regions if r.subject == subject.id])
    told += [f"the background went from {a.background} to {b.background}"] if a.background != b.background else []
    told += [f"it was {goods(a.finish)} and is {goods(b.finish)}"] if a.finish != b.finish else []
    told += ["the lettering is another"] if captions_of(a) != captions_of(b) else []
    return told


def _stood(noun: str, old: Sequence[object], new: Sequence[object]) -> list[str]:
    from cutwork.domain import Box

    told = []
    for a, b in zip(old, new, strict=False):
        assert isinstance(a, Box)
        assert isinstance(b, Box)
        factor = (b.area / a.area) ** 0.5
        if abs(factor - 1) > 0.05:
            told.append(f"the {noun} is {factor:.2g} times as large")
        if max(abs(a.centre[0] - b.centre[0]), abs(a.centre[1] - b.centre[1])) > 0.03:
            told.append(f"the {noun} went from {spot(a)} to {spot(b)}" if spot(a) != spot(b) else f"the {noun} moved a little")
    return told


def request(calls: Sequence[tuple[Call, str]]) -> Json:
    """What a person is asked before calls are done, in the shape of LangChain's human-in-the-loop middleware.

    Args:
        calls: each with what it would do, in words.

    Raises:
        BadInput: if there are none.
    """
    if not calls:
        raise BadInput("nothing is to be approved")
    return {
        "action_requests": [{"name": call.tool, "args": call.args, "description": described} for call, described in calls],
        "review_configs": [{"action_name": name, "allowed_decisions": ["approve", "edit", "reject"]} for name in dict.fromkeys(call.tool for call, _ in calls)],
    }
