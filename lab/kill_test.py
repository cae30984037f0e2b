"""Kill a run at random moments with SIGKILL, resume it, and check that nothing was lost or doubled.

    python -m cutwork.lab.kill_test --times 50            # a drawing that paints ellipses: the machinery alone, minutes
    python -m cutwork.lab.kill_test --times 10 --real     # the embedded model

Each trial is a process of its own on a home of its own: start, kill after a random share of the time a whole run takes,
resume in a new process, compare the files with those of an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cutwork.domain import Shot
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio

from . import evaluate

BRIEF = "a grumpy cat and a rocket on a purple background"


class _Slow(FakeDrawing):
    """Takes long enough for kills to land inside it, and needs two rounds."""

    def cut(self, *args: Any) -> Any:
        time.sleep(0.05)
        return super().cut(*args)


def _second_time_lucky(shot: Shot, region: int) -> float:  # noqa: ARG001
    return 0.08 if shot.seed == 7 else 1.0


def worker(home: Path, real: bool) -> None:
    """Start a run, or resume the one that is there; print the finished design's artifacts."""
    studio = Studio(home=home, llm="offline", model="mini", rounds=8, steps=8 if real else 20)
    if not real:
        studio.wired.__dict__["drawing"] = _Slow(studio.wired.blobs, _second_time_lucky)
    runs = studio.runs()

    def slow(kind: str, data: dict[str, Any]) -> None:  # noqa: ARG001
        if not real:
            time.sleep(0.005)

    print("started", flush=True)
    design = studio.resume(runs[0][0], on_event=slow) if runs else studio.design(BRIEF, seed=7, size="128x128", on_event=slow)
    print(json.dumps({"status": design.status, "rounds": [r.number for r in design.rounds], "artifacts": [[a.name, a.sha256] for a in design.artifacts]}), flush=True)


def _launch(home: Path, real: bool) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "cutwork.lab.kill_test", "--worker", str(home), *(["--real"] if real else [])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def _whole(home: Path, real: bool) -> tuple[dict[str, Any], float, float]:
    """An undisturbed run: what it made, seconds until it started, seconds in all."""
    began = time.monotonic()
    process = _launch(home, real)
    assert process.stdout is not None
    process.stdout.readline()
    started = time.monotonic() - began
    result = json.loads(process.stdout.readline())
    process.wait()
    return result, started, time.monotonic() - began


def trial(want: dict[str, Any], after: float, real: bool) -> str:
    """One kill and resume; "" if all is well, else what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        process = _launch(home, real)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        got, *_ = _whole(home, real)
        studio = Studio(home=home, llm="offline", model="mini")
        if len(studio.runs()) != 1:
            return f"{len(studio.runs())} runs instead of one"
        if got != want:
            return f"got {got}, wanted {want}"
        for _, sha in got["artifacts"]:
            studio.wired.blobs.get(sha)  # raises if lost or damaged
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description="kill runs at random moments and resume them")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--keep", action="store_true", help="write the results of record")
    parser.add_argument("--worker", type=Path)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker, args.real)
        return
    with tempfile.TemporaryDirectory() as folder:
        want, started, total = _whole(Path(folder), args.real)
    rng, bad = random.Random(args.seed), 0
    for number in range(args.times):
        after = rng.uniform(started * 0.8, total)
        fault = trial(want, after, args.real)
        bad += bool(fault)
        print(f"kill {number + 1:3} after {after:5.2f} s: {fault or 'finished'}", flush=True)
    if args.keep:
        command = f"python -m cutwork.lab.kill_test --times {args.times}" + " --real" * args.real
        evaluate.keep_numbers("kill_test", command, {"killed": args.times, "finished, no artifact lost or doubled": args.times - bad})
    print(f"{args.times - bad} of {args.times} finished, no artifact lost or doubled" if not bad else f"{bad} of {args.times} went wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
