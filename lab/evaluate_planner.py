"""How well briefs are planned: objects, counts, colours and positions against machine-checkable metadata, such as GenEval's.

    .venv/bin/python -m cutwork.lab.evaluate_planner [--prompts FILE ...] [--json] [--misses]

What is measured is what a person gets: the plan that the agents `extend`, `extract` and `lay_out` make of the brief, with
their rendered prompts, their mending and their second questions, whatever `Llm` answers them.

A file has one JSON object a line: {"tag", "prompt", "include": [{"class", "count", "color"?, "position"?: [relation, index, index?]}]}.
Directions are judged on the boxes by GenEval's rule: the offset of centres less 0.1 of the summed sides must dominate. What
each other relation demands is said in `RELATIONS`; one that is not there is refused rather than passed.
"background", where given, must be part of the planned background. In a brief that no plan came of, nothing is found.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutwork.agents.extension import extend
from cutwork.agents.extraction import extract
from cutwork.agents.language.rects import Rect, around, overlap
from cutwork.agents.language.shown import directions
from cutwork.agents.language.words import singular
from cutwork.agents.layout import lay_out
from cutwork.agents.offline import OfflineLlm
from cutwork.domain import Brief, Plan, Subject
from cutwork.errors import BadInput, LlmFailed, Refused
from cutwork.ports import Llm

PROMPTS = Path(__file__).resolve().parent / "prompts"
SAME_COLOUR = {"grey": "gray"}
Mark = Callable[[str, bool, str], None]


def plan(llm: Llm, text: str) -> Plan:
    """What the agents make of a brief."""
    brief = Brief(text=text)
    expansion = extend(brief, llm)
    return lay_out(brief, expansion, extract(brief, expansion, llm), llm)


# ------------------------------------------------------------------------------------------------------------- positions


@dataclass(frozen=True)
class Spot:
    """Where a subject is planned: its boxes and how near it is to the viewer."""

    boxes: tuple[Rect, ...]
    z: int

    @property
    def whole(self) -> Rect:
        return around(self.boxes)


def _spots(found: Plan) -> dict[str, Spot]:
    regions = {s.id: [r for r in found.regions if r.subject == s.id] for s in found.subjects}
    return {name: Spot(tuple(r.box.root for r in rs), max(r.z for r in rs)) for name, rs in regions.items() if rs}


def _area(rect: Rect) -> float:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def _touch(a: Spot, b: Spot) -> bool:
    return overlap(a.whole, b.whole) > 0


def _over(a: Spot, b: Spot) -> bool:
    """Touching, with its middle above the other's."""
    return _touch(a, b) and a.whole[1] + a.whole[3] < b.whole[1] + b.whole[3]


def _beside(a: Spot, b: Spot) -> bool:
    """On one level, apart but for a sliver, and no wider gap between them than the wider of the two."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.whole, b.whole
    level = min(ay1, by1) - max(ay0, by0) >= 0.5 * min(ay1 - ay0, by1 - by0)
    apart = overlap(a.whole, b.whole) <= 0.1 * min(_area(a.whole), _area(b.whole))
    return level and apart and max(ax0, bx0) - min(ax1, bx1) <= max(ax1 - ax0, bx1 - bx0)


def _between(a: Spot, *others: Spot) -> bool:
    """With one of the others, or of the boxes of the only other, on each of two opposite sides."""
    around_it = [o.whole for o in others] if len(others) > 1 else list(others[0].boxes)
    seen = set[str]().union(*(directions(rect, a.whole) for rect in around_it))
    return {"left", "right"} <= seen or {"above", "below"} <= seen


RELATIONS: dict[str, Callable[..., bool]] = {
    "left of": lambda a, b: "left" in directions(a.whole, b.whole),
    "right of": lambda a, b: "right" in directions(a.whole, b.whole),
    "above": lambda a, b: "above" in directions(a.whole, b.whole),
    "below": lambda a, b: "below" in directions(a.whole, b.whole),
    "on": _over,
    "riding": _over,
    "inside": lambda a, b: overlap(a.whole, b.whole) >= 0.8 * _area(a.whole),
    "front": lambda a, b: _touch(a, b) and a.z > b.z,
    "behind": lambda a, b: _touch(a, b) and a.z < b.z,
    "holding": _touch,
    "beside": _beside,
    "facing": _beside,
    "between": _between,
}


def positioned(relation: str, a: Spot, *others: Spot) -> bool:
    """Whether a plan shows a relation.

    Raises:
        BadInput: for a relation that cannot be judged, so that none passes unseen.
    """
    if relation not in RELATIONS:
        raise BadInput(f"there is no relation {relation!r} to judge, there are {', '.join(RELATIONS)}")
    return RELATIONS[relation](a, *others)


def _placed(place: str, spot: Spot) -> bool:
    """Whether a subject stands in the part of the canvas that was named."""
    x0, y0, x1, y1 = spot.whole
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    sides = {"left": x < 0.45, "right": x > 0.55, "top": y < 0.45, "bottom": y > 0.55, "centre": abs(x - 0.5) < 0.1 and abs(y - 0.5) < 0.1}
    return all(sides[p] for p in place.split())


# --------------------------------------------------------------------------------------------------------------- objects


def _pair(wanted: list[dict[str, Any]], subjects: tuple[Subject, ...]) -> dict[int, Subject]:
    """Which subject answers each wanted object: same noun, and same colour where several have the noun."""
    free, pairs = list(subjects), {}
    for colour_too in (True, False):
        for i, want in enumerate(wanted):
            fits = [s for s in free if singular(s.noun)[0] == singular(want["class"])[0] and (not colour_too or _coloured(s, want.get("color")))]
            if i not in pairs and fits:
                pairs[i] = fits[0]
                free.remove(fits[0])
    return pairs


def _described(subject: Subject) -> set[str]:
    """What is said of a subject as a whole: its attributes, and the words before its noun in the phrase that is drawn."""
    before = subject.phrase.lower().partition(subject.noun.lower())[0].replace(",", " ").split()
    return {SAME_COLOUR.get(a, a) for a in [*(a.lower() for a in subject.attributes), *before]}


def _coloured(subject: Subject, colour: str | None) -> bool:
    return colour is None or SAME_COLOUR.get(colour, colour) in _described(subject)


def judge(case: dict[str, Any], llm: Llm) -> tuple[Counter[str], list[str]]:
    """Right and asked of each measure for one prompt, and what was missed."""
    score, missed = Counter[str](), list[str]()

    def mark(measure: str, right: bool, what: str) -> None:
        score[measure + " n"] += 1
        score[measure] += right
        if not right:
            missed.append(f"{measure}: {what}")

    try:
        found = plan(llm, case["prompt"])
    except (BadInput, LlmFailed, Refused) as error:
        for want in case["include"]:
            mark("object recall", False, f"{want['class']}, no plan: {error}")
        return score, missed
    pairs, spots = _pair(case["include"], found.subjects), _spots(found)
    for i, want in enumerate(case["include"]):
        mark("object recall", i in pairs, want["class"])
        if i in pairs:
            _judge_object(want, pairs[i], pairs, spots, mark)
    for subject in found.subjects:
        mark("object precision", any(subject is p for p in pairs.values()), subject.noun)
    if "background" in case:
        mark("background", case["background"] in found.background, found.background)
    return score, missed


def _judge_object(want: dict[str, Any], subject: Subject, pairs: dict[int, Subject], spots: dict[str, Spot], mark: Mark) -> None:
    spot = spots[subject.id]
    counted = subject.count == want["count"] == len(spot.boxes)
    mark("count", counted, f"{subject.noun} {subject.count}, {len(spot.boxes)} boxes, not {want['count']}")
    if "color" in want:
        mark("colour", _coloured(subject, want["color"]), f"{subject.phrase} not {want['color']}")
    if "attributes" in want:
        mark("attributes", {SAME_COLOUR.get(a, a) for a in want["attributes"]} <= _described(subject), f"{subject.attributes} not {want['attributes']}")
    if "place" in want:
        mark("position", _placed(want["place"], spot), f"{subject.noun} not {want['place']}")
    if "position" in want:
        relation, *indices = want["position"]
        others = [pairs[i] for i in indices if i in pairs]
        right = len(others) == len(indices) and positioned(relation, spot, *(spots[o.id] for o in others))
        mark("position", right, f"{subject.noun} not {relation} {', '.join(o.noun for o in others)}")


def evaluate(prompts_file: Path, llm: Llm | None = None) -> dict[str, Any]:
    """Shares in percent with their n, seconds, and the prompts with something missed."""
    llm = llm or OfflineLlm()
    cases = [json.loads(line) for line in prompts_file.read_text("utf-8").splitlines() if line.strip()]
    total, misses, began = Counter[str](), {}, time.perf_counter()
    for case in cases:
        score, missed = judge(case, llm)
        total += score
        if missed:
            misses[case["prompt"]] = missed
    seconds = time.perf_counter() - began
    names = [n.removesuffix(" n") for n in total if n.endswith(" n")]
    figures = {n: {"percent": round(100 * total[n] / total[n + " n"], 2), "n": total[n + " n"]} for n in sorted(names)}
    return {
        "file": prompts_file.name,
        "llm": llm.name,
        "prompts": len(cases),
        "briefs_per_second": round(len(cases) / seconds, 1),
        "figures": figures,
        "misses": misses,
    }


def show(result: dict[str, Any], misses: bool) -> str:
    """A result as a table for people."""
    lines = [f"{result['file']}: {result['prompts']} prompts, {result['llm']} planner, {result['briefs_per_second']} briefs a second"]
    lines += [f"  {name:<18}{f['percent']:>7.2f} %  n={f['n']}" for name, f in result["figures"].items()]
    if misses:
        lines += [f"  - {prompt!r}: {'; '.join(missed)}" for prompt, missed in result["misses"].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the offline planner.")
    parser.add_argument("--prompts", type=Path, nargs="*", default=[PROMPTS / "geneval.jsonl", PROMPTS / "own.jsonl"])
    parser.add_argument("--json", action="store_true", help="one JSON list and nothing else")
    parser.add_argument("--misses", action="store_true", help="also say what was missed")
    arguments = parser.parse_args()
    results = [evaluate(path) for path in arguments.prompts]
    print(json.dumps(results, indent=1) if arguments.json else "\n".join(show(r, arguments.misses) for r in results))


if __name__ == "__main__":
    main()
