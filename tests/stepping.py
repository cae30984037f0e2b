"""A drawing that takes steps and ends badly when told to, without any model: what a child process is asked, and how it can go wrong.

Apart from the tests that use it, since the child imports it too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from cutwork.domain import Cutout, Render, Shot
from cutwork.errors import Cancelled, LicenceRefused
from cutwork.ports import Watch
from cutwork.storage.blobs import FileBlobs
from cutwork.tools.drawing import LocalDrawing

STEP_S = 0.02


class Unknown(Exception):
    """No error of Python's or of ours, that cannot be read back either."""

    def __init__(self, one: str, another: str) -> None:
        super().__init__(f"{one} {another}")


class Stepping(LocalDrawing):
    """Says what it does by the plan's prompt: steps, or one of the ways to fail after the first."""

    def __init__(self, folder: Path) -> None:
        super().__init__("mini", FileBlobs(folder))

    def warm(self) -> None:
        """Nothing is loaded."""

    def render(self, shot: Shot, watch: Watch) -> Render:
        """As many steps as the plan has, in turn with others; the picture tells whose they were."""
        with self._lock:
            began = time.time()
            watch.say("begins")
            for step in range(shot.plan.draw.steps):
                if watch.cancelled():
                    raise Cancelled(f"stopped at step {step}")
                time.sleep(STEP_S)
                watch.on_step(step + 1, shot.plan.draw.steps)
                if watch.on_preview is not None:
                    watch.on_preview(step + 1, self.blobs.put(b"%d" % step))
                if step == 0:
                    self._fail(shot.plan.background)
            told = f"{shot.seed} {began} {time.time()} {os.getpid()} {threading.get_ident()}"
            return Render(image=self.blobs.put(told.encode()), record=self.blobs.put(b""), seed=shot.seed, model="mini", steps=shot.plan.draw.steps)

    def _fail(self, how: str) -> None:
        if how == "hangs":
            time.sleep(600)
        if how == "licence":
            raise LicenceRefused("the licence wants to be read", hint="read it")
        if how == "arithmetic":
            raise ZeroDivisionError("nothing to divide by")
        if how == "unknown":
            raise Unknown("what", "is this")
        if how == "exit":
            sys.exit(3)
        if how == "dies":
            os._exit(7)

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        """Prints, which must not be taken for an answer, and answers with what cannot be sent if that is wished."""
        sys.stdout.write("cutting\n")
        os.write(1, b"cutting\n")
        return () if shot.plan.background != "unsendable" else (lambda: None,)  # type: ignore[return-value]
