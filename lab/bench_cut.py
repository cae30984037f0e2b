"""How long a cut-out takes: one subject of 1024x1024 pixels, from stored maps to a layer with its receipt.  Part of `cutwork bench finish`."""

from __future__ import annotations

import time

import cv2
import numpy as np
import torch

from cutwork.domain import Box, CutSettings, Plan, Region, Size, Subject
from cutwork.tools.cut import cut
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.record_file import Record


def large() -> tuple[Plan, np.ndarray, Record]:
    """One subject on a canvas of 1024x1024, with as many maps as FLUX makes in 30 steps: made here, so that nothing need be fetched."""
    side, cells, maps = 1024, 64, 57 * 30
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] - side / 2
    alpha = np.clip((330 + 40 * np.sin(7 * np.arctan2(y, x)) - np.hypot(x, y)) / 5 + 0.5, 0, 1)
    grain = cv2.GaussianBlur(rng.normal(size=(side, side, 3)), (0, 0), 2) * 60
    image = alpha[..., None] * (np.array([230, 120, 50]) + grain) + (1 - alpha[..., None]) * (np.array([70, 110, 170]) + 0.4 * grain)
    share = alpha.reshape(cells, -1, cells, side // cells).mean((1, 3))
    record = (share * rng.uniform(0.2, 1, (maps, 1, 1)) + 0.4 * rng.random((maps, cells, cells)))[:, None].astype(np.float16)
    plan = Plan(
        prompt="a fox on a blue background",
        background="a blue background",
        subjects=(Subject(id="fox", phrase="a fox", noun="fox"),),
        regions=(Region(subject="fox", box=Box((0.1, 0.1, 0.9, 0.9)), prompt="a fox"),),
        size=Size((side, side)),
    )
    return plan, np.clip(image, 0, 255).astype(np.uint8), Record(record, np.arange(maps) % 57, np.arange(maps) // 57)


def cut_1024(times: int = 3) -> dict[str, float]:
    """Seconds for one subject of 1024x1024 pixels, from stored maps to a layer with its receipt, on one core: "binary" and "soft".

    The least of several, after a first one that loads what is loaded once.
    """
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    plan, image, record = large()
    seconds: dict[str, float] = {}
    try:
        for name, soft in (("binary", False), ("soft", True)):
            asked = plan.model_copy(update={"cut": CutSettings(soft=soft)})
            taken = []
            for _ in range(times + 1):
                started = time.perf_counter()
                cut(asked, image, record, (), MemoryBlobs())
                taken.append(time.perf_counter() - started)
            seconds[name] = round(min(taken[1:]), 3)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    return seconds
