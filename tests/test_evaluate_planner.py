"""The planner's measure: it goes through the agents, and it does not let a wrong plan pass."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.offline import OfflineLlm
from cutwork.agents.schemas import ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.errors import BadInput
from cutwork.lab.evaluate_planner import PROMPTS, RELATIONS, Spot, evaluate, judge, positioned, show
from cutwork.ports import Answer, Prompt

LEFT, RIGHT, MIDDLE = (0.0, 0.3, 0.3, 0.7), (0.7, 0.3, 1.0, 0.7), (0.35, 0.3, 0.65, 0.7)
TOP, BOTTOM, ALL = (0.3, 0.0, 0.7, 0.4), (0.3, 0.6, 0.7, 1.0), (0.0, 0.0, 1.0, 1.0)


def spot(*boxes: tuple[float, float, float, float], z: int = 0) -> Spot:
    return Spot(boxes, z)


SHOWN: dict[str, tuple[Spot, ...]] = {
    "left of": (spot(LEFT), spot(RIGHT)),
    "right of": (spot(RIGHT), spot(LEFT)),
    "above": (spot(TOP), spot(BOTTOM)),
    "below": (spot(BOTTOM), spot(TOP)),
    "on": (spot((0.4, 0.1, 0.6, 0.5)), spot((0.2, 0.45, 0.8, 1.0))),
    "riding": (spot((0.4, 0.1, 0.6, 0.5)), spot((0.2, 0.45, 0.8, 1.0))),
    "inside": (spot(MIDDLE), spot(ALL)),
    "front": (spot(MIDDLE, z=1), spot(ALL)),
    "behind": (spot(ALL), spot(MIDDLE, z=1)),
    "holding": (spot(ALL), spot(MIDDLE)),
    "beside": (spot(LEFT), spot(MIDDLE)),
    "facing": (spot(MIDDLE), spot(LEFT)),
    "between": (spot(MIDDLE), spot(LEFT), spot(RIGHT)),
}
HIDDEN: dict[str, tuple[Spot, ...]] = {
    "left of": (spot(MIDDLE), spot(ALL)),
    "right of": (spot(LEFT), spot(RIGHT)),
    "above": (spot(LEFT), spot(RIGHT)),
    "below": (spot(TOP), spot(BOTTOM)),
    "on": (spot(TOP), spot(BOTTOM)),
    "riding": (spot((0.2, 0.45, 0.8, 1.0)), spot((0.4, 0.1, 0.6, 0.5))),
    "inside": (spot(ALL), spot(MIDDLE)),
    "front": (spot(MIDDLE), spot(ALL, z=1)),
    "behind": (spot(LEFT), spot(RIGHT, z=1)),
    "holding": (spot(LEFT), spot(RIGHT)),
    "beside": (spot(TOP), spot(BOTTOM)),
    "facing": (spot(MIDDLE), spot(ALL)),
    "between": (spot(LEFT), spot(MIDDLE), spot(RIGHT)),
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_each_relation_is_seen_where_it_is_and_not_where_it_is_not(relation: str) -> None:
    assert positioned(relation, *SHOWN[relation])
    assert not positioned(relation, *HIDDEN[relation])


def test_between_two_of_a_kind() -> None:
    assert positioned("between", spot(MIDDLE), spot(LEFT, RIGHT))
    assert not positioned("between", spot(MIDDLE), spot(LEFT, TOP))


def test_a_wide_gap_is_not_beside() -> None:
    assert not positioned("beside", spot((0.0, 0.4, 0.1, 0.6)), spot((0.9, 0.4, 1.0, 0.6)))


def test_a_relation_that_cannot_be_judged_is_refused() -> None:
    with pytest.raises(BadInput, match="no relation 'near'"):
        positioned("near", spot(LEFT), spot(RIGHT))


class Listening(OfflineLlm):
    """Remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Prompt] = []

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        self.asked.append(prompt)
        return super().ask(prompt, schema)


CASE: dict[str, Any] = {
    "prompt": "two grey cats left of a dog on a teal background",
    "include": [{"class": "cat", "count": 2, "color": "gray", "position": ["left of", 1]}, {"class": "dog", "count": 1}],
    "background": "teal",
}
ALL_RIGHT = {"object recall": 2, "object precision": 2, "count": 2, "colour": 1, "position": 1, "background": 1}


def test_the_agents_are_asked_with_their_rendered_prompts() -> None:
    llm = Listening()
    score, missed = judge(CASE, llm)
    assert missed == []
    assert score == Counter(ALL_RIGHT) + Counter({f"{name} n": n for name, n in ALL_RIGHT.items()})
    assert [p.name for p in llm.asked] == ["extension", "extraction", "layout"]
    assert all(CASE["prompt"] in p.text and len(p.text) > 200 for p in llm.asked)


def scripted(**changes: Any) -> ScriptedLlm:
    subjects = [
        {"phrase": "a gray cat", "noun": "cat", "attributes": [], "count": 2},
        {"phrase": "a dog", "noun": "dog", "attributes": [], "count": 1},
    ]
    regions = [
        {"subject": "cat", "box": [0.0, 0.3, 0.2, 0.7]},
        {"subject": "cat", "box": [0.25, 0.3, 0.45, 0.7]},
        {"subject": "dog", "box": [0.6, 0.3, 0.9, 0.7]},
    ]
    layout = {"regions": changes.get("regions", regions)}
    llm = ScriptedLlm().enqueue(ExtensionAnswer, {"prompt": "two gray cats left of a dog", "background": "a teal background"})
    return llm.enqueue(ExtractionAnswer, {"subjects": changes.get("subjects", subjects)}).enqueue(LayoutAnswer, layout, layout)


def test_a_language_model_is_measured_by_what_its_answers_become() -> None:
    """A colour counts where it is drawn: in the phrase, though the model named no attributes."""
    assert judge(CASE, scripted())[1] == []


def test_a_wrong_plan_is_told() -> None:
    swapped = [
        {"subject": "dog", "box": [0.0, 0.3, 0.3, 0.7]},
        {"subject": "cat", "box": [0.4, 0.3, 0.6, 0.7]},
        {"subject": "cat", "box": [0.7, 0.3, 0.9, 0.7]},
    ]
    assert judge(CASE, scripted(regions=swapped))[1] == ["position: cat not left of dog"]
    subjects = [{"phrase": "a black cat", "noun": "cat", "count": 2}, {"phrase": "a fox", "noun": "fox", "count": 1}]
    missed = judge(CASE, scripted(subjects=subjects, regions=[]))[1]
    assert missed == ["colour: a black cat not gray", "position: cat not left of ", "object recall: dog", "object precision: fox"]


def test_a_brief_without_a_plan_counts_as_nothing_found(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(CASE) + "\n", encoding="utf-8")
    result = evaluate(path, ScriptedLlm())
    assert result["figures"] == {"object recall": {"percent": 0.0, "n": 2}}
    assert "no plan: the script has no further" in show(result, misses=True)


def test_no_shipped_relation_goes_unjudged() -> None:
    lines = [line for path in PROMPTS.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    asked = {want["position"][0] for line in lines for want in json.loads(line)["include"] if "position" in want}
    assert asked <= set(RELATIONS)
