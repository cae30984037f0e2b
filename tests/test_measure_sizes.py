"""Measuring how large subjects are drawn best."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from cutwork.lab import measure_sizes
from cutwork.tools.families import mini


@pytest.mark.parametrize("tokens", measure_sizes.SIDES)
def test_two_stand_side_by_side_so_many_tokens_along(tokens: int) -> None:
    made = measure_sizes.plan(("apple", "fox"), tokens, at_once=True)
    left, right = (region.box for region in made.regions)
    assert left.width * measure_sizes.SIDE == pytest.approx(tokens * mini.CELL)
    assert left.intersection(right) == 0
    assert made.subjects[0].phrase == "an apple"
    assert made.draw.refine_from == 0 < measure_sizes.plan(("apple", "fox"), tokens, at_once=False).draw.refine_from


@pytest.mark.slow
def test_each_size_is_drawn_in_both_ways_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(measure_sizes, "SIDES", (6,))
    monkeypatch.setattr(sys, "argv", ["measure_sizes", "--pairs", "1", "--sheet", str(tmp_path / "sizes.png")])
    measure_sizes.main()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["tokens"], row["drawn"], row["n"]) for row in rows] == [(6, "at once", 2), (6, "as it likes first", 2)]
    assert all(0 <= row["recognised"] <= 100 for row in rows)
    with Image.open(tmp_path / "sizes.png") as sheet:
        assert sheet.size == (512, 256)
