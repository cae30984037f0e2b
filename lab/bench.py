"""Speed, as ratios within one run or as what our own code adds; never asserted in tests."""

from __future__ import annotations

import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cutwork.domain import Shot
from cutwork.graphs.fakes import FakeDrawing
from cutwork.ports import Watch
from cutwork.studio import Studio
from cutwork.tools.drawing import LocalDrawing


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


def draw(side: int = 256, repeats: int = 3) -> dict[str, float]:
    """What one picture of the embedded model costs, in a process of its own: seconds to import, load and draw, and peak memory.

    Drawing is the whole render of two planned subjects, with regions and recording, at default steps.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        return apart.submit(_draw, side, repeats).result()


def _draw(side: int, repeats: int) -> dict[str, float]:
    started = time.perf_counter()
    import torch
    from diffusers import FluxPipeline  # noqa: F401 - what loading imports

    imported = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(home=Path(folder), llm="offline", model="mini")
        plan = studio.plan("a cat and a rocket on a purple background", size=f"{side}x{side}")
        planned = time.perf_counter()
        drawing = LocalDrawing("mini", studio.wired.blobs)
        drawing.family()
        loaded = time.perf_counter()
        seconds = [drawing.render(Shot(plan=plan, seed=seed), Watch()).seconds for seed in range(repeats)]
    return {
        "import_s": round(imported - started, 2),
        "load_s": round(loaded - planned, 2),
        "draw_s": sorted(seconds)[len(seconds) // 2],
        "steps": plan.draw.steps,
        "threads": torch.get_num_threads(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


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


def finish() -> dict[str, float]:
    """Seconds of one core that finishing takes: a 1024 px cut-out from stored maps (binary and soft), a 4096 px tossed repeat, its separation into six
    colours, new lettering on a 1024 px picture."""
    from . import bench_cut, evaluate_seams

    cut, cloth = bench_cut.cut_1024(), evaluate_seams.bench()
    return {**{f"cut_1024_{how}_s": seconds for how, seconds in cut.items()}, **cloth, "recaption_1024_s": _recaption()}


def _recaption(side: int = 1024, times: int = 5) -> float:
    """The median of several, from the kept run to the new one with its files."""
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(home=Path(folder), llm="offline", model="mini", steps=1)
        studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs, model="mini")
        id = studio.design("a grumpy cat and a rocket on a purple background", seed=7, size=f"{side}x{side}").id
        seconds = []
        for number in range(times + 1):
            started = time.process_time()
            studio.refinish(id, kind="meme", captions=[f"MONDAY {number}", "again"])
            seconds.append(time.process_time() - started)
    return round(sorted(seconds[1:])[times // 2], 3)  # the first one loads the fonts
