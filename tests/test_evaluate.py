"""The harness of `cutwork eval` and the model suite's rules, without drawing anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutwork.lab import backgrounds, evaluate, evaluate_model, measure_judge
from cutwork.lab.evaluate_model import RELATIONS, Case, background, cases, obeyed
from cutwork.lab.judge import Verdict


def test_a_mean_lies_in_its_interval_and_more_answers_narrow_it() -> None:
    few, many = (evaluate.share("x", [True, True, True, False] * n) for n in (3, 100))
    assert few.value == many.value == 75
    assert few.low < many.low < 75 < many.high < few.high
    assert evaluate.share("x", [True] * 9).low == 100
    assert evaluate.share("x", [True, False] * 20) == evaluate.share("x", [True, False] * 20)  # the same resamples each time


def test_values_of_one_scene_are_drawn_together() -> None:
    answers = [True] * 30 + [False] * 10  # ten of a scene, all alike
    apart, together = evaluate.share("x", answers), evaluate.share("x", answers, of=[k // 10 for k in range(40)])
    assert apart.value == together.value == 75
    assert (together.low, together.high) == (25, 100)  # four scenes tell little
    assert apart.low > 55
    assert (apart.scenes, together.scenes) == (None, 4)
    alone = evaluate.share("x", answers, of=range(40))
    assert (alone.low, alone.high) == (apart.low, apart.high)


def test_scenes_of_unequal_numbers_count_by_their_values() -> None:
    figure = evaluate.mean("x", [1.0, 1.0, 1.0, 5.0], "", of=["a", "a", "a", "b"])
    assert figure.value == 2
    assert (figure.low, figure.high) == (1, 5)


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was measured for 'x'"):
        evaluate.share("x", [])


def test_a_report_is_for_people_and_for_machines(tmp_path: Path) -> None:
    report = evaluate.Report("model", "cutwork eval model", (evaluate.mean("decibels", [30.0, 34.0], "dB", "≥ 32"),), Image.new("RGB", (8, 8)))
    assert "decibels    32.00 dB  [30.00, 34.00]  n=2  wanted ≥ 32: met" in evaluate.table(report)
    assert (evaluate.as_json(report)["figures"][0]["met"], "torch" in evaluate.as_json(report)["machine"]) == (True, True)
    noted = evaluate.Report("model", "x", (evaluate.share("y", [True, False], of=["a", "a"]),), notes=("So it is.",))
    assert evaluate.table(noted).endswith("n=2 of 1 scenes\n  So it is.")
    assert evaluate.as_json(noted)["notes"] == ["So it is."]
    evaluate.keep(report, tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["figures"][0]["value"] == 32
    assert (tmp_path / "model.webp").is_file()


@pytest.mark.parametrize(
    ("values", "wanted", "met"),
    [
        ([94.9], "≥ 95", False), ([95.0], "≥ 95", True), ([19.0], "≥ +20", False), ([0.9], "≤ 1", True), ([1.1], "≤ 1", False),
        ([1.0, 2.0, 3.0], "> 0", True), ([-1.0, 5.0, 5.0], "> 0", False), ([1.0], "", None),
    ],
)  # fmt: skip
def test_a_figure_says_whether_it_reaches_what_it_should(values: list[float], wanted: str, met: bool | None) -> None:
    """Of "> 0" the whole interval has to be there: a mean above it may be chance."""
    assert evaluate.mean("x", values, "%", wanted).met is met


@pytest.mark.parametrize(("singles", "pairs"), [(148, 48), (120, 80), (41, 2), (3, 2)])
def test_the_sheet_of_the_model_shows_singles_and_pairs_as_they_were_asked_for(singles: int, pairs: int) -> None:
    asked = [Image.new("L", (1, 1), min(k, 255)) for k in range(singles + pairs)]
    seen = [picture.getpixel((0, 0)) for picture in evaluate_model.shown(asked)]
    assert len(seen) == min(40, singles + pairs) == len(set(seen))
    wanted = len(seen) * pairs / (singles + pairs)
    assert abs(sum(int(str(k)) >= singles for k in seen) - wanted) <= 1


def test_plain_numbers_are_kept_with_their_command_and_the_machine(tmp_path: Path) -> None:
    evaluate.keep_numbers("bench_draw", "cutwork bench draw --side 64", {"draw_s": 0.5}, tmp_path / "new")
    kept = json.loads((tmp_path / "new" / "bench_draw.json").read_text("utf-8"))
    assert kept == {"command": "cutwork bench draw --side 64", "machine": evaluate.machine(), "numbers": {"draw_s": 0.5}}


def test_a_sheet_keeps_shapes() -> None:
    page = evaluate.sheet([Image.new("RGB", (200, 100), "red"), Image.new("RGB", (50, 50), "blue")], columns=3, side=64)
    assert page.size == (192, 64)
    pixels = np.asarray(page)
    assert tuple(pixels[32, 32]) == (255, 0, 0)
    assert tuple(pixels[4, 32]) == (255, 255, 255)


def test_cases_are_always_the_same_and_say_what_they_ask() -> None:
    nouns = ("cat", "orange", "owl")
    first, again = (list(cases(nouns, 7, 20)) for _ in range(2))
    assert first == again
    assert {c.nouns[0] for c in first[:3]} == set(nouns)
    for case in first:
        assert all(noun in case.prompt for noun in case.nouns)
        assert case.prompt.endswith(f"{case.colour} background")
        assert case.relation in case.prompt
    assert sum(bool(c.relation) for c in first) == 10


def seen(*box: float) -> Verdict:
    return Verdict("cat", 0.9, 0.9, 0.1, (box[0], box[1], box[2], box[3]))


@pytest.mark.parametrize(
    ("relation", "second"),
    [("to the left of", (0.6, 0.4, 0.9, 0.7)), ("to the right of", (0.0, 0.4, 0.2, 0.7)), ("above", (0.3, 0.8, 0.6, 1.0)), ("below", (0.3, 0.0, 0.6, 0.2))],
)
def test_positions_are_read_off_the_centres(relation: str, second: tuple[float, ...]) -> None:
    a, b = seen(0.3, 0.4, 0.6, 0.7), seen(*second)
    case = Case("", ("cat", "dog"), "red", relation)
    assert obeyed(case, a, b)
    assert not obeyed(case, b, a)
    assert relation in RELATIONS


@pytest.mark.parametrize("colour", backgrounds.COLOURS)
def test_the_background_is_what_the_edge_shows(colour: str) -> None:
    pixels = np.full((64, 64, 3), backgrounds.COLOURS[colour], np.uint8)
    pixels[10:, 10:50] = (0, 255, 0)  # a subject, which reaches the lower edge
    assert background(Image.fromarray(pixels)) == colour


@pytest.mark.parametrize(("probability", "mixed", "is_it"), [(0.9, 0.1, True), (0.4, 0.1, False), (0.9, 0.6, False)])
def test_recognised_is_likely_and_alone(probability: float, mixed: float, is_it: bool) -> None:
    verdict = Verdict("cat", probability, 0.9, mixed, (0.0, 0.0, 1.0, 1.0))
    assert verdict.recognised("cat") is is_it
    assert not verdict.recognised("dog")


def test_the_judge_is_held_against_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {"subject": [True, False], "not mixed": [True, True], "mixed": [False], "novel mixed": [True], "whole": [True, True], "damaged": [False, True]}
    monkeypatch.setattr(evaluate_model.measure_judge, "measure", lambda *args: measure_judge.Measured(right, {"subject": 0.1, "mixed": 0.02}))
    figures = evaluate_model._of_judge(None, (), 1)  # type: ignore[arg-type]
    assert [(f.value, f.count) for f in figures] == [(50, 2), (66.67, 3), (100, 1), (75, 4), (10, 2), (2, 3)]
