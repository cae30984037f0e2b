"""Threads of a drawing give way to other programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from builders import a_shot

from cutwork.domain import DrawSettings, Size
from cutwork.ports import Watch
from cutwork.tools import threads
from cutwork.tools.drawing import LocalDrawing
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.threads import sparing


@pytest.fixture
def two() -> Iterator[None]:
    """Two threads, as on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed, and those that the drawing's thread has computed."""
    now = [100.0, 10.0]
    monkeypatch.setattr(threads.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(threads.time, "thread_time", lambda: now[1])
    return now


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("busy", "many"), [((1.0, 1.0, 1.0), [2, 2, 2]), ((0.1, 0.95, 1.0), [2, 2, 2]), ((1.0, 0.4, 1.0), [2, 1, 1])])
def test_one_thread_goes_on_where_others_want_the_processor(clock: list[float], busy: tuple[float, ...], many: list[int]) -> None:
    """The first step may wait for the disk; none that follows has to."""
    seen: list[tuple[int, int]] = []
    with sparing(Watch(on_step=lambda done, total: seen.append((done, total)))) as watch:
        for done, share in enumerate(busy, start=1):
            clock[0], clock[1] = clock[0] + 2.0, clock[1] + 2.0 * share
            watch.on_step(done, 3)
            assert torch.get_num_threads() == many[done - 1]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two", "clock")
def test_what_is_done_between_steps_is_not_waiting(clock: list[float]) -> None:
    """Whoever is told of a step may take long: it writes to a database."""

    def told(done: int, total: int) -> None:
        clock[0] += 5.0

    with sparing(Watch(on_step=told)) as watch:
        for done in (1, 2, 3):
            clock[0], clock[1] = clock[0] + 1.0, clock[1] + 1.0
            watch.on_step(done, 3)
            assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two")
def test_threads_are_as_before_after_an_error() -> None:
    def failing() -> None:
        with sparing(Watch()):
            torch.set_num_threads(1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two")
def test_the_number_that_was_asked_for_holds_for_every_drawing() -> None:
    """Numba, which mattes between two drawings, raises torch's number to all cores; the next drawing has what was asked for again."""
    drawing, seen = LocalDrawing("mini", MemoryBlobs(), "cpu", threads=1), []
    shot = a_shot(size=Size((64, 64)), draw=DrawSettings(steps=2))
    for _ in range(2):
        torch.set_num_threads(2)
        drawing.render(shot, Watch(on_step=lambda done, total: seen.append(torch.get_num_threads())))
        assert torch.get_num_threads() == 2
    assert set(seen) == {1}
