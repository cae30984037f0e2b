"""Speed, as ratios within one run or as what our own code adds; never asserted in tests."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from cutwork.domain import Shot
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio


def overhead(rounds: int = 4, repeats: int = 5) -> dict[str, Any]:
    """Milliseconds a round spends on orchestration: everything but language model, denoising, decoding and cutting.

    The run is real (graph, checkpoints, database, blobs, critic, events); the drawing is the one that paints ellipses, and
    its own time is subtracted.
    """
    samples, done = [], 0
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(home=Path(folder), llm="offline", model="mini", rounds=rounds)
        drawing = _Timed(studio.wired.blobs, quality=_never_satisfied)
        studio.wired.__dict__["drawing"] = drawing
        studio.plan("a cat")  # load the planner's lexicon before the clock starts
        for repeat in range(repeats):
            drawing.spent = 0.0
            started = time.perf_counter()
            design = studio.design("a grumpy cat and a rocket on a purple background", seed=repeat)
            asked = sum(call.seconds for call in studio.wired.designs.calls(design.id))
            samples.append((time.perf_counter() - started - drawing.spent - asked) / len(design.rounds))
            done += len(design.rounds)
    samples.sort()
    return {"ms_per_round": 1000 * samples[len(samples) // 2], "worst_ms_per_round": 1000 * samples[-1], "rounds": done}


def _never_satisfied(shot: Shot, region: int) -> float:  # noqa: ARG001
    return 0.08


class _Timed(FakeDrawing):
    """Adds up the time spent inside the drawing."""

    spent = 0.0

    def render(self, *args: Any) -> Any:
        return self._timed(super().render, *args)

    def cut(self, *args: Any) -> Any:
        return self._timed(super().cut, *args)

    def _timed(self, work: Any, *args: Any) -> Any:
        started = time.perf_counter()
        result = work(*args)
        self.spent += time.perf_counter() - started
        return result
