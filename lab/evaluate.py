"""The harness behind `cutwork eval`: figures with their intervals, a table for people, JSON for machines, a sheet to look at.

A suite is a module `evaluate_<name>.py` here. It measures with fixed seeds and returns a `Report`; `keep` writes results of record,
`keep_numbers` those of commands that print a few plain numbers.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RESULTS = Path(__file__).with_name("results")
RESAMPLES = 2000


@dataclass(frozen=True)
class Figure:
    """One measured number, with its 95 % bootstrap interval where it is a mean of several."""

    name: str
    value: float
    low: float
    high: float
    count: int
    unit: str = "%"
    wanted: str = ""  # what it should reach, in words: "≥ 95"
    scenes: int | None = None  # of how many scenes, where several values are of one and so resemble each other

    @property
    def met(self) -> bool | None:
        """Whether it reaches what it should; "> 0" and "< 0" ask that of the whole interval. None where nothing is wanted."""
        if not self.wanted:
            return None
        sign, bound = self.wanted[0], float(self.wanted[1:])
        return {"≥": self.value >= bound, "≤": self.value <= bound, ">": self.low > bound, "<": self.high < bound}[sign]


@dataclass(frozen=True)
class Report:
    """What a suite found."""

    suite: str
    command: str  # prints exactly this
    figures: tuple[Figure, ...]
    sheet: Image.Image | None = None  # what was measured, to be looked at
    notes: tuple[str, ...] = ()  # what follows from the figures, in sentences


def share(name: str, answers: Sequence[bool], wanted: str = "", of: Sequence[Hashable] | None = None) -> Figure:
    """Share of right answers in per cent."""
    return mean(name, [100.0 * a for a in answers], "%", wanted, of)


def mean(name: str, values: Sequence[float], unit: str, wanted: str = "", of: Sequence[Hashable] | None = None) -> Figure:
    """A mean with the 2.5th and 97.5th percentile of means of resampled values.

    Args:
        of: the scene each value is of. Values of one scene are drawn together, since they resemble each other: taken for
            independent they would make the interval too narrow. None = each for itself.

    Raises:
        ValueError: if there are no values.
    """
    if not len(values):
        raise ValueError(f"nothing was measured for {name!r}")
    given = np.asarray(values, float)
    places: dict[Hashable, int] = {}
    which = [places.setdefault(key, len(places)) for key in (range(len(given)) if of is None else of)]
    sums, sizes = np.bincount(which, given), np.bincount(which)
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    low, high = np.percentile(sums[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
    scenes = None if of is None else len(sums)
    return Figure(name, round(float(given.mean()), 2), round(float(low), 2), round(float(high), 2), len(given), unit, wanted, scenes)


def table(report: Report) -> str:
    """The figures for people, a line each."""
    width = max((len(f.name) for f in report.figures), default=0)
    rows = [f"{report.suite}: {report.command}"]
    for f in report.figures:
        interval = f"  [{f.low:.2f}, {f.high:.2f}]" if f.low != f.high else ""
        count = f"n={f.count}" + (f" of {f.scenes} scenes" if f.scenes is not None else "")
        wanted = f"  wanted {f.wanted}: {'met' if f.met else 'missed'}" if f.wanted else ""
        rows.append(f"  {f.name:<{width}}  {f.value:7.2f} {f.unit:<2}{interval}  {count}{wanted}")
    return "\n".join([*rows, *(f"  {note}" for note in report.notes)])


def as_json(report: Report) -> dict[str, Any]:
    """The figures for machines."""
    figures = [{key: value for key, value in (asdict(f) | {"met": f.met}).items() if value is not None} for f in report.figures]
    return {"suite": report.suite, "command": report.command, "machine": machine(), "figures": figures, **({"notes": list(report.notes)} if report.notes else {})}


def machine() -> str:
    """What measures: processor, cores, system, and the version of torch."""
    import torch

    with suppress(OSError, StopIteration):
        names = (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines() if line.startswith("model name"))
        return f"{next(names)}, {os.cpu_count()} cores, {platform.system()}, torch {torch.__version__}"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}, torch {torch.__version__}"


def keep(report: Report, folder: Path = RESULTS) -> None:
    """Write the results of record: `<suite>.json`, and `<suite>.webp` if there is a sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{report.suite}.json").write_text(json.dumps(as_json(report), indent=1) + "\n", encoding="utf-8")
    if report.sheet is not None:
        report.sheet.save(folder / f"{report.suite}.webp", quality=80)


def keep_numbers(name: str, command: str, numbers: Any, folder: Path = RESULTS) -> None:
    """Write the results of record of a command that prints numbers without intervals: `<name>.json`, with the command and the machine."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"command": command, "machine": machine(), "numbers": numbers}
    (folder / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def sheet(images: Sequence[Image.Image], columns: int, side: int = 128) -> Image.Image:
    """Pictures in rows, each fitted into a square."""
    rows = -(-len(images) // columns)
    page = Image.new("RGB", (columns * side, rows * side), "white")
    for k, image in enumerate(images):
        small = image.convert("RGB")
        small.thumbnail((side - 2, side - 2), Image.Resampling.LANCZOS)
        page.paste(small, ((k % columns) * side + (side - small.width) // 2, (k // columns) * side + (side - small.height) // 2))
    return page
