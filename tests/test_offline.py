"""The offline planner behind the `Llm` port: three questions, answered by rules."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutwork.agents.extraction import extract
from cutwork.agents.language.rects import overlap
from cutwork.agents.layout import lay_out
from cutwork.agents.offline import OfflineLlm
from cutwork.agents.schemas import CriticAnswer, ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.domain import MAX_SUBJECTS, Box, Brief, Expansion
from cutwork.errors import LlmFailed
from cutwork.lab.evaluate_planner import PROMPTS, evaluate
from cutwork.ports import Prompt

LLM = OfflineLlm()


def extend(brief: str, kind: str = "cutout", palette: str = "") -> ExtensionAnswer:
    return LLM.ask(Prompt("extension", "", {"brief": brief, "kind": kind, "captions": "", "palette": palette}), ExtensionAnswer)


def plan(llm: OfflineLlm, brief: str, size: str = "256x256", bands: str = "[]", feedback: str = "") -> tuple[str, list[dict[str, Any]], LayoutAnswer]:
    """The three questions in their order, with nothing of the agents around them."""
    extension = llm.ask(Prompt("extension", "", {"brief": brief, "kind": "cutout", "captions": "", "palette": ""}), ExtensionAnswer)
    extraction = llm.ask(Prompt("extraction", "", {"brief": brief, "prompt": extension.prompt, "background": extension.background}), ExtractionAnswer)
    subjects = [{"id": f"s{i}", **s.model_dump()} for i, s in enumerate(extraction.subjects)]
    asked = {"brief": brief, "prompt": extension.prompt, "background": extension.background, "subjects": json.dumps(subjects)}
    return extension.background, subjects, llm.ask(Prompt("layout", "", {**asked, "size": size, "bands": bands, "feedback": feedback}), LayoutAnswer)


def boxes(answer: LayoutAnswer) -> dict[str, list[Box]]:
    found: dict[str, list[Box]] = {}
    for region in answer.regions:
        found.setdefault(str(region.subject), []).append(Box(tuple(region.box)))
    return found


def test_it_is_an_llm_that_cannot_see() -> None:
    assert (LLM.name, LLM.sees) == ("offline", False)
    with pytest.raises(LlmFailed, match="cannot answer 'critic'"):
        LLM.ask(Prompt("critic", ""), CriticAnswer)


def test_missing_variables_are_named() -> None:
    with pytest.raises(LlmFailed, match="brief"):
        LLM.ask(Prompt("extraction", "", {}), ExtractionAnswer)


def test_extension_names_subjects_background_and_style() -> None:
    answer = extend("a grumpy cat and a rocket on a purple background")
    assert answer.prompt == "a grumpy cat and a rocket on a purple background, glossy 3d style, soft lighting"
    assert answer.background == "a purple background"


def test_extension_says_relations_and_counts_again() -> None:
    assert extend("three black cats left of a table").prompt.startswith("three black cats to the left of a table on ")


def test_a_background_is_chosen_that_no_subject_wears() -> None:
    briefs = [f"a {colour} {noun}" for colour in ("white", "teal", "yellow", "pink", "purple", "green") for noun in ("cat", "dog", "fox", "owl", "car")]
    for brief in briefs:
        back = extend(brief).background
        assert back.endswith("background")
        assert brief.split()[1] not in back
    assert len({extend(b).background for b in briefs}) > 3


def test_extension_stays_short() -> None:
    brief = "a " + ", a ".join(f"big red grumpy fluffy {n}" for n in ("cat", "dog", "fox", "owl", "cow", "pig", "bee", "ant"))
    assert len(extend(brief).style.split()) < 12
    assert len(extend("a cat at the beach, " + "cinematic lighting, " * 30).prompt.split()) <= 45


def test_palette_is_passed_on() -> None:
    assert extend("a cat", palette="red, #00ff00").palette == ["red", "#00ff00"]


def test_extraction_gives_subjects_with_attributes_and_counts() -> None:
    _, subjects, _ = plan(LLM, "two blue cats and a red fire hydrant")
    assert [(s["noun"], s["phrase"], s["attributes"], s["count"]) for s in subjects] == [
        ("cat", "a blue cat", ["blue"], 2),
        ("fire hydrant", "a red fire hydrant", ["red"], 1),
    ]


def test_extension_keeps_the_verb_and_says_first_who_stands_somewhere() -> None:
    assert extend("three blind mice chasing a farmer's wife").prompt.startswith("three blind mice chasing a farmer's wife on ")
    assert extend("between a lamp and a chair, a dog").prompt.startswith("a dog between a lamp and a chair on ")
    assert extend("a cat and a dog on a sofa").prompt.startswith("a cat and a dog on a sofa on ")
    assert extend("an owl on a branch and a mouse below the branch").prompt.startswith("an owl on a branch and a mouse on ")


@pytest.mark.parametrize(
    ("brief", "said", "counts", "noted"),
    [
        ("1,000 bees", "twelve bees", [12], ["1,000 of 'bee'"]),
        ("100 cats and 50 dogs", "six cats and six dogs", [6, 6], ["100 of 'cat'", "50 of 'dog'"]),
        ("twelve roses in a vase", "eleven roses inside a vase", [11, 1], ["12 of 'rose'"]),
    ],
)
def test_prompt_subjects_boxes_and_notes_agree_on_counts(brief: str, said: str, counts: list[int], noted: list[str]) -> None:
    _, subjects, layout = plan(LLM, brief)
    assert extend(brief).prompt.startswith(f"{said} on ")
    assert [s["count"] for s in subjects] == [len(b) for b in boxes(layout).values()] == counts
    assert all(any(f"{n} were asked for; {c} are planned" in note for note in layout.notes) for n, c in zip(noted, counts, strict=False))


def test_things_named_in_the_same_words_stand_where_the_brief_says() -> None:
    """The agents make one subject of them; each still has its own place."""
    subjects = [{"id": "cat", "phrase": "a cat", "noun": "cat", "count": 3}]
    asked = {"brief": "a cat above a cat above a cat", "subjects": json.dumps(subjects), "size": "256x256", "bands": "[]", "feedback": ""}
    found = boxes(LLM.ask(Prompt("layout", "", asked), LayoutAnswer))["cat"]
    assert [a.y1 <= b.y0 for a, b in zip(found, found[1:], strict=False)] == [True, True]


def test_layout_has_a_region_for_each_counted_subject() -> None:
    _, _, layout = plan(LLM, "two cats and a dog at the beach")
    assert [r.subject for r in layout.regions] == ["s0", "s0", "s1"]
    assert {r.prompt for r in layout.regions} == {"a cat at the beach", "a dog at the beach"}


def test_layout_takes_the_subjects_it_is_given() -> None:
    """An edited plan may have subjects that the brief does not name, in another order and number."""
    subjects = [{"id": "owl", "phrase": "an owl", "noun": "owl", "count": 1}, {"id": "dog", "phrase": "a dog", "noun": "dog", "count": 2}]
    asked = {"brief": "a cat left of a dog", "prompt": "", "background": "", "subjects": json.dumps(subjects), "size": "256x256", "bands": "[]", "feedback": ""}
    answer = LLM.ask(Prompt("layout", "", asked), LayoutAnswer)
    assert [r.subject for r in answer.regions] == ["owl", "dog", "dog"]


def test_layout_matches_subjects_by_colour() -> None:
    brief = "a red car left of a blue car"
    subjects = [
        {"id": "b", "phrase": "a blue car", "noun": "car", "attributes": ["blue"], "count": 1},
        {"id": "r", "phrase": "a red car", "noun": "car", "count": 1},
    ]
    asked = {"brief": brief, "subjects": json.dumps(subjects), "size": "256x256", "bands": "[]", "feedback": ""}
    found = boxes(LLM.ask(Prompt("layout", "", asked), LayoutAnswer))
    assert found["r"][0].x1 <= found["b"][0].x0


def test_contradictions_reach_the_notes() -> None:
    _, _, layout = plan(LLM, "a cat left of a dog and a dog left of a cat")
    assert len(layout.regions) == 2
    assert any("contradicts" in n for n in layout.notes)


@pytest.mark.parametrize("feedback", ["the cat leaks into the dog", "the dog is too small", "try again", "subject missing"])
def test_feedback_leads_to_another_layout_in_which_relations_hold(feedback: str) -> None:
    brief = "a cat left of a dog"
    _, _, first = plan(LLM, brief)
    _, _, second = plan(LLM, brief, feedback=feedback)
    assert boxes(first) != boxes(second)
    assert boxes(second)["s0"][0].x1 <= boxes(second)["s1"][0].x0


def test_caption_bands_stay_free() -> None:
    bands = [[0, 0, 1, 0.2], [0, 0.8, 1, 1]]
    _, _, layout = plan(LLM, "three cats and a dog", bands=json.dumps(bands))
    assert all(overlap(tuple(r.box), tuple(b)) == 0 for r in layout.regions for b in bands)


def test_motifs_of_a_textile_stand_apart() -> None:
    subjects = [{"id": "m", "phrase": "a monkey", "noun": "monkey", "count": 1}, {"id": "b", "phrase": "a banana", "noun": "banana", "count": 1}]
    asked = {"brief": "a monkey holding a banana", "subjects": json.dumps(subjects), "size": "256x256", "bands": "[]", "feedback": ""}
    for kind, apart in (("textile", True), ("cutout", False)):
        answer = LLM.ask(Prompt("layout", "", {**asked, "kind": kind}), LayoutAnswer)
        monkey, banana = (boxes(answer)[name][0] for name in ("m", "b"))
        assert (monkey.intersection(banana) == 0) is apart
        assert any("motif" in note for note in answer.notes) is apart


def test_a_meme_is_lettered_only_where_it_came_without() -> None:
    assert len(extend("a grumpy cat", "meme").captions) == 2
    given = LLM.ask(Prompt("extension", "", {"brief": "a cat", "kind": "meme", "captions": '["hi"]', "palette": ""}), ExtensionAnswer)
    assert (given.captions, extend("a cat", "cutout").captions, extend("a cat", "meme, no lettering").captions) == ([], [], [])
    assert len(extend("a cat", "meme, panels 3").captions) == 3


def test_the_same_question_has_the_same_answer() -> None:
    brief = "a fox beside two lamps in a forest"
    assert plan(OfflineLlm(), brief) == plan(OfflineLlm(), brief)


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=200), st.sampled_from(["256x256", "512x128", "64x64"]))
def test_any_brief_is_planned(brief: str, size: str) -> None:
    _, subjects, layout = plan(LLM, brief, size=size)
    assert len(subjects) <= MAX_SUBJECTS
    assert all(Box(tuple(r.box)) and r.prompt for r in layout.regions)
    assert {r.subject for r in layout.regions} <= {s["id"] for s in subjects}


WORDS = [word for line in (PROMPTS / "own.jsonl").read_text("utf-8").splitlines() for word in json.loads(line)["prompt"].split()]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=16).map(" ".join))
@example("in duck on faces on top on a the a vase, glowing background It bee bear")
def test_words_in_any_order_are_planned(brief: str) -> None:
    _, subjects, layout = plan(LLM, brief)
    assert {r.subject for r in layout.regions} <= {s["id"] for s in subjects}


TARGETS = {"object precision": 97, "object recall": 97, "count": 97, "colour": 97, "position": 98}


@pytest.mark.slow
@pytest.mark.parametrize("file", ["geneval.jsonl", "own.jsonl"])
def test_figures_reach_their_targets(file: str) -> None:
    figures = evaluate(PROMPTS / file, LLM)["figures"]
    assert {name: figures[name]["percent"] for name in TARGETS if figures[name]["percent"] < TARGETS[name]} == {}


def test_fifty_briefs_a_second_and_more() -> None:
    plan(LLM, "a cat")
    began = time.perf_counter()
    for i in range(100):
        plan(LLM, f"a red cat and {i % 9 + 2} dogs left of a table on a teal background {i}")
    assert 100 / (time.perf_counter() - began) > 50


def test_subjects_beyond_what_a_plan_holds_are_named_in_a_note() -> None:
    from cutwork.studio import Studio

    animals = "cat dog fox bear lion pig cow horse goat sheep duck owl frog".split()
    plan = Studio(llm="offline").plan(", ".join(f"a {animal}" for animal in animals[:-1]) + f" and a {animals[-1]}")
    assert len(plan.subjects) == 12
    assert any("13 subjects were named" in note and "frog" in note for note in plan.notes)


def test_a_count_below_zero_is_named_even_where_nothing_else_is() -> None:
    brief = Brief(text="-3 cats")
    found = lay_out(brief, Expansion(prompt="nothing"), extract(brief, Expansion(prompt="nothing"), LLM), LLM)
    assert not found.regions
    assert "-3 of 'cats' cannot be drawn; none is planned" in found.notes
