"""How many threads a drawing on the CPU may have: as many as somebody said, else those of torch while they are free, one as soon as they are not.

Threads of a drawing wait for each other hundreds of times a step. Where another program takes the processor from one of them, all stand still, and
two threads on two busy cores need several times as long as one. The numbers drawn do not depend on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cutwork.ports import Watch

FREE = 0.75  # share of a step in which a drawing's own thread computes, at the least, where nobody else wants its processor


@contextmanager
def limited(watch: Watch, many: int) -> Iterator[Watch]:
    """The same watch, and so many threads, whatever other libraries have made of torch's number since: numba raises it to all cores. Afterwards all is as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(many)
    try:
        yield watch
    finally:
        torch.set_num_threads(before)


@contextmanager
def sparing(watch: Watch) -> Iterator[Watch]:
    """The same watch, which has a drawing go on with one thread once it was kept waiting for a step; after the drawing all is as before.

    The first step is not looked at: it may wait for weights to be read.
    """
    import torch

    seen = [0.0, 0.0]

    def on_step(done: int, total: int) -> None:
        whole, own = time.monotonic() - seen[0], time.thread_time() - seen[1]
        if done > 1 and own < FREE * whole:
            torch.set_num_threads(1)
        watch.on_step(done, total)
        seen[:] = time.monotonic(), time.thread_time()

    with limited(replace(watch, on_step=on_step), torch.get_num_threads()) as told:
        yield told
