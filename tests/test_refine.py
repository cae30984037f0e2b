"""Pictures that are drawn small first: the same plan and seed, in two sizes, as one drawing to whoever watches."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from builders import a_plan

from cutwork.domain import Box, DrawSettings, Shot
from cutwork.ports import Watch
from cutwork.tools.drawing import LocalDrawing, suits
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.pixels import decode
from cutwork.tools.record_file import Record

LARGE, SMALL = Box((0.1, 0.1, 0.9, 0.9)), Box((0.3, 0.3, 0.6, 0.6))


@cache
def drawing(box: Box, refine_from: float, size: tuple[int, int] = (256, 192)) -> tuple[list[tuple[int, int]], list[int], MemoryBlobs, object]:
    blobs, steps, shown = MemoryBlobs(), [], []
    plan = a_plan("a cat", boxes=(box,), background="a blue background", size=size, draw=DrawSettings(steps=8, refine_from=refine_from))
    watch = Watch(on_step=lambda done, total: steps.append((done, total)), on_preview=lambda done, image: shown.append(done))
    render = LocalDrawing("mini", blobs, early_verdict=False).render(Shot(plan=plan, seed=3), watch)
    return steps, shown, blobs, render


def test_large_subjects_are_drawn_small_first_and_finished_at_full_size(home: object) -> None:
    steps, shown, blobs, render = drawing(LARGE, refine_from=0.4)
    total = steps[0][1]
    assert total > 8
    assert steps == [(i + 1, total) for i in range(total)]
    assert shown == sorted(shown)
    assert decode(blobs.get(render.image), "RGB").shape == (192, 256, 3)  # type: ignore[attr-defined]
    record = Record.from_bytes(blobs.get(render.record))  # type: ignore[attr-defined]
    assert record.maps.shape[2:] == (12, 16)
    assert set(record.steps) == set(range(8 - (total - 8), 8)), "what is cut by is what the full size looked at"


@pytest.mark.slow
@pytest.mark.parametrize(("box", "refine_from"), [(SMALL, 0.4), (LARGE, 0.0)])
def test_small_subjects_and_who_does_not_want_it_are_drawn_at_once(home: object, box: Box, refine_from: float) -> None:
    steps, *_ = drawing(box, refine_from)
    assert steps == [(i + 1, 8) for i in range(8)]


def test_a_small_canvas_is_not_halved(home: object) -> None:
    steps, *_ = drawing(LARGE, 0.4, size=(128, 112))
    assert len(steps) == 8


def test_an_odd_half_goes_to_the_next_whole_token(home: object) -> None:
    _, _, blobs, render = drawing(LARGE, 0.4, size=(272, 176))
    assert decode(blobs.get(render.image), "RGB").shape == (176, 272, 3)  # type: ignore[attr-defined]


def test_both_sizes_show_the_same_thing(home: object) -> None:
    at_once, first = (decode(blobs.get(render.image), "RGB").astype(float) for _, _, blobs, render in (drawing(LARGE, level) for level in (0.0, 0.4)))  # type: ignore[attr-defined]
    assert np.abs(at_once - first).mean() < 40
    assert suits("mini").refine_from == 0.4
