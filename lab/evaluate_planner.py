"""How well a planner reads briefs: objects, counts, colours and positions against GenEval's machine-checkable metadata.

    .venv/bin/python -m lab.evaluate_planner [--prompts FILE ...] [--json] [--misses]

A file has one JSON object a line: {"tag", "prompt", "include": [{"class", "count", "color"?, "position"?: [relation, index]}]}.
Positions are judged on the boxes by GenEval's rule: the offset of centres less 0.1 of the summed sides must dominate.
"background", where given, must be part of the planned background.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cutwork.agents.language.arrange import directions
from cutwork.agents.language.rects import Rect, around, overlap
from cutwork.agents.language.words import singular
from cutwork.agents.offline import OfflineLlm
from cutwork.agents.schemas import ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.domain import Box
from cutwork.ports import Llm, Prompt

PROMPTS = Path(__file__).resolve().parent / "prompts"
SAME_COLOUR = {"grey": "gray"}
Regions = dict[str, list[Rect]]  # subject id -> its boxes


def plan(
    llm: Llm, brief: str, kind: str = "cutout", size: str = "256x256", bands: str = "[]", feedback: str = ""
) -> tuple[str, list[dict[str, Any]], LayoutAnswer]:
    """The three questions in their order: background, subjects as an agent would number them, and layout."""
    extension = llm.ask(Prompt("extension", "", {"brief": brief, "kind": kind, "captions": "", "palette": ""}), ExtensionAnswer)
    extraction = llm.ask(Prompt("extraction", "", {"brief": brief, "prompt": extension.prompt, "background": extension.background}), ExtractionAnswer)
    subjects = [{"id": f"s{i}", **s.model_dump()} for i, s in enumerate(extraction.subjects)]
    asked = {"brief": brief, "prompt": extension.prompt, "background": extension.background, "subjects": json.dumps(subjects)}
    layout = llm.ask(Prompt("layout", "", {**asked, "size": size, "bands": bands, "feedback": feedback}), LayoutAnswer)
    return extension.background, subjects, layout


def _boxes(layout: LayoutAnswer) -> Regions:
    regions: Regions = {}
    for region in layout.regions:
        regions.setdefault(str(region.subject), []).append(Box(tuple(region.box)).root)
    return regions


def _pair(wanted: list[dict[str, Any]], subjects: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Which subject answers each wanted object: same noun, and same colour where several have the noun."""
    free, pairs = list(subjects), {}
    for colour_too in (True, False):
        for i, want in enumerate(wanted):
            fits = [s for s in free if singular(s["noun"])[0] == singular(want["class"])[0] and (not colour_too or _coloured(s, want.get("color")))]
            if i not in pairs and fits:
                pairs[i] = fits[0]
                free.remove(fits[0])
    return pairs


def _coloured(subject: dict[str, Any], colour: str | None) -> bool:
    return colour is None or SAME_COLOUR.get(colour, colour) in [SAME_COLOUR.get(a, a) for a in subject["attributes"]]


def _positioned(relation: str, a: list[Rect], b: list[Rect]) -> bool:
    """Whether boxes show a relation by its GenEval name, or by one of ours: on, inside, front, between …"""
    first, second = around(a), around(b)
    named = {"left of": "left", "right of": "right", "above": "above", "below": "below"}
    if relation in named:
        return named[relation] in directions(first, second)
    return overlap(first, second) > 0 if relation in ("on", "inside", "front", "behind", "riding", "holding") else True


def _placed(place: str, boxes: list[Rect]) -> bool:
    """Whether a subject stands in the part of the canvas that was named."""
    x0, y0, x1, y1 = around(boxes)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    sides = {"left": x < 0.45, "right": x > 0.55, "top": y < 0.45, "bottom": y > 0.55, "centre": abs(x - 0.5) < 0.1 and abs(y - 0.5) < 0.1}
    return all(sides[p] for p in place.split())


def judge(case: dict[str, Any], llm: Llm) -> tuple[Counter[str], list[str]]:
    """Right and asked of each measure for one prompt, and what was missed."""
    background, subjects, layout = plan(llm, case["prompt"])
    regions, wanted, score, missed = _boxes(layout), case["include"], Counter[str](), []

    def mark(measure: str, right: bool, what: str) -> None:
        score[measure + " n"] += 1
        score[measure] += right
        if not right:
            missed.append(f"{measure}: {what}")

    pairs = _pair(wanted, subjects)
    for i, want in enumerate(wanted):
        mark("object recall", i in pairs, want["class"])
        if i in pairs:
            _judge_object(want, pairs[i], pairs, regions, mark)
    for s in subjects:
        mark("object precision", any(s is p for p in pairs.values()), s["noun"])
    if "background" in case:
        mark("background", case["background"] in background, background)
    return score, missed


def _judge_object(want: dict[str, Any], subject: dict[str, Any], pairs: dict[int, dict[str, Any]], regions: Regions, mark: Any) -> None:
    boxes = regions.get(subject["id"], [])
    mark("count", subject["count"] == want["count"] == len(boxes), f"{subject['noun']} {subject['count']}, {len(boxes)} boxes, not {want['count']}")
    if "color" in want:
        mark("colour", _coloured(subject, want["color"]), f"{subject['phrase']} not {want['color']}")
    if "attributes" in want:
        mark("attributes", set(want["attributes"]) <= set(subject["attributes"]), f"{subject['attributes']} not {want['attributes']}")
    if "place" in want:
        mark("position", bool(boxes) and _placed(want["place"], boxes), f"{subject['noun']} not {want['place']}")
    if "position" in want:
        relation, index = want["position"]
        other = pairs.get(index)
        right = other is not None and bool(boxes) and _positioned(relation, boxes, regions.get(other["id"], []))
        mark("position", right, f"{subject['noun']} not {relation} {other and other['noun']}")


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
