"""What attention control costs, as ratios to the plain drawing of the same run.  `cutwork bench control`

A model of random weights draws the same start noise plain and under each technique, in turn, several times. A ratio is the median over
the turns of a drawing's time over that of the plain one of the same turn, given with the least and the largest of them. Regions act in the
first 40 % of the steps, Self-Cross in the first half, ERG in the last 60 %, and a drawing takes a number of steps that these shares divide.

    regional     base + background + regions, beside the published arithmetic (`two_branch`), which is timed generously:
                 after the window it costs nothing extra here
    record       4 keywords in all blocks and steps
    self-cross   2 subjects, single pass
    erg          I-ERG: over one branch (FLUX), and over classifier-free guidance at as many steps (SD3)
    everything   regions, recording, Self-Cross and ERG at once
    memory       the most bytes of tensors alive at once, with recording and regions over without (`live`)

Each figure is of one job, which has a command of its own. Results of record are written job by job, with machine and command, so a bench
may be stopped at any time, and takes up what it finds if it is asked to resume.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cutwork.domain import Box, DrawSettings, ErgSettings, Plan, Region, SelfCrossSettings, Size, Subject
from cutwork.tools.attention import regions
from cutwork.tools.attention.record import Recorder
from cutwork.tools.denoise import denoise
from cutwork.tools.families.base import Family
from cutwork.tools.families.flux import FluxFamily
from cutwork.tools.render import condition, techniques_of

from . import bench_models, evaluate, live, two_branch
from .bench_models import Scale

RESULTS = Path(__file__).with_name("results") / "bench_control.json"
PARTS = ("regional", "record", "self-cross", "erg", "everything", "memory")
WINDOW = 0.4  # share of the steps in which regions act
GUIDANCE = 4.5  # of SD3's classifier-free guidance
NOUNS = ("cat", "dog", "fox", "rocket")
WANTED = {  # of regions, by tokens of each text and by number
    64: {2: 1.06, 4: 1.08, 8: 1.12, 16: 1.20},
    512: {2: 1.15, 4: 1.25, 8: 1.40, 16: 1.70},
}
COUNTED = ("by_tokens", "met")  # of a row, from what is measured
PAPER = {2: 1.28, 4: 2.0, 8: 2.6, 16: 3.5}  # 2411.02395, Fig. 6: its code on an A800; other settings, so no more than a landmark

SCALES = {
    "cpu": Scale(heads=6, double=4, single=8, joint=12, side=512, steps=4),
    "cpu-1024": Scale(heads=6, double=2, single=4, joint=6, side=1024, steps=4),  # as many image tokens as the real one has
    "flux": Scale(heads=24, double=19, single=38, joint=24, side=1024, steps=24, device="cuda", dtype=torch.bfloat16),
    "tiny": Scale(heads=1, double=2, single=2, joint=3, side=128, steps=4),
}


@dataclass(frozen=True)
class Row:
    """One figure: how it was made, what it is, and what it should be."""

    technique: str
    family: str
    size: str
    device: str
    tokens: int  # of each text
    regions: int
    steps: int
    quantity: str  # "time" or "memory"
    method: str
    ratio: float
    low: float  # least and largest of the turns
    high: float
    target: float | None = None  # at most
    published: float | None = None  # the published arithmetic in the same run
    paper: float | None = None  # what its paper reports for its own code
    machine: str = ""
    command: str = ""  # measures this figure

    @property
    def met(self) -> bool | None:
        """Whether it is what it should be; None where nothing is wanted."""
        return None if self.target is None else self.ratio <= self.target

    @property
    def by_tokens(self) -> float | None:
        """What the ratio would be if time went by tokens: regions and background have texts of their own, which are in the sequence while they act. None without."""
        image = next((size.image_tokens for size in SCALES.values() if size.told(self.family) == self.size), None)
        if self.technique != "regional" or image is None:
            return None
        return round(1 + WINDOW * (self.regions + 1) * self.tokens / (self.tokens + image), 3)

    @property
    def key(self) -> tuple[Any, ...]:
        """What figure it is, whatever came out."""
        return self.technique, self.family, self.size, self.device, self.tokens, self.regions, self.quantity


@dataclass(frozen=True)
class Job:
    """What is measured in one go."""

    part: str  # of `PARTS`
    scale: str
    repeats: int
    tokens: int
    regions: int | None = None

    @property
    def command(self) -> str:
        """Measures this and nothing else."""
        regions = "" if self.regions is None else f" --regions {self.regions}"
        return f"cutwork bench control --scale {self.scale} --repeats {self.repeats} --part {self.part} --tokens {self.tokens}{regions}"

    def rows(self) -> list[Row]:
        """Measure."""
        size, length, repeats = SCALES[self.scale], self.tokens, self.repeats
        of: dict[str, Callable[[], Iterator[Row]]] = {
            "regional": lambda: _regional(size, length, self.regions or 2, repeats),
            "record": lambda: _timed("recording 4 keywords", size, length, 1, plan_of(size, 4, 1, regional=False), repeats, 1.05, record=True),
            "self-cross": lambda: _timed("self-cross, 2 subjects", size, length, 2, plan_of(size, 2, 2, regional=False, self_cross=_looking(size)), repeats, 1.45),
            "erg": lambda: _erg(size, length, repeats),
            "everything": lambda: _timed(
                "everything", size, length, 10, plan_of(size, 2, 10, self_cross=_looking(size), erg=ErgSettings()), repeats, 2.3, record=True
            ),
            "memory": lambda: _memory(size, length),
        }  # fmt: skip
        return [replace(row, machine=evaluate.machine(), command=self.command) for row in of[self.part]()]


def jobs(scale: str, repeats: int, tokens: Sequence[int], counts: Sequence[int], parts: Sequence[str]) -> list[Job]:
    """What there is to measure of some parts, in the order of `PARTS`."""
    regional = [Job("regional", scale, repeats, length, count) for length in tokens for count in counts]
    return [job for part in PARTS if part in parts for job in (regional if part == "regional" else [Job(part, scale, repeats, tokens[0])])]


def control(
    scale: str = "cpu", repeats: int = 3, tokens: Sequence[int] = (64, 512), counts: Sequence[int] = (2, 4, 8, 16), parts: Sequence[str] = PARTS,
    known: Sequence[Row] = (), each: Callable[[Sequence[Row]], None] = lambda rows: None,
) -> list[Row]:  # fmt: skip
    """The rows of some parts, in the order of `PARTS`.

    Args:
        scale: name of one of `SCALES`. repeats: turns, after one to warm up.
        tokens: lengths of the texts, of the base prompt and of each region alike; parts but the first take the first of them.
        counts: numbers of regions.
        known: rows that are taken as they are, where this machine has measured them by the same command.
        each: given the rows of each job once they are there.
    """
    out: list[Row] = []
    for job in jobs(scale, repeats, tokens, counts, parts):
        rows = [row for row in known if (row.command, row.machine) == (job.command, evaluate.machine())] or job.rows()
        each(rows)
        out += rows
    return out


def plan_of(scale: Scale, count: int, unit: int = 5, **draw: Any) -> Plan:
    """Regions in rows of up to four, with room between them for the background; drawn in a multiple of so many steps."""
    columns = min(count, 4)
    lines = -(-count // columns)
    boxes = [
        ((i % columns + 0.1) / columns, (i // columns + 0.1) / lines, (i % columns + 0.9) / columns, (i // columns + 0.9) / lines) for i in range(count)
    ]
    nouns = NOUNS[: min(count, 4)]
    subjects = tuple(Subject(id=noun, phrase=f"a {noun}", noun=noun, count=sum(i % len(nouns) == n for i in range(count))) for n, noun in enumerate(nouns))
    return Plan(
        prompt=f"{', '.join(s.phrase for s in subjects)} on a blue background",
        background="a blue background",
        subjects=subjects,
        regions=tuple(Region(subject=nouns[i % len(nouns)], box=Box(box), prompt=f"a {nouns[i % len(nouns)]}") for i, box in enumerate(boxes)),
        size=Size((scale.side, scale.side)),
        draw=DrawSettings(**{"steps": scale.steps_for(unit), "guidance": 1.0, "regional_until": WINDOW, "base_ratio": 0.2, **draw}),
    )


def _looking(scale: Scale) -> SelfCrossSettings:
    """Self-Cross that looks as deep as in FLUX of 57 blocks."""
    last = max(1, round(12 / 57 * (scale.double + scale.single)))
    return SelfCrossSettings(blocks=tuple(range(max(0, last - 1), last + 1)))


def _bare(plan: Plan, guidance: float = 1.0) -> Plan:
    """The plan's prompt alone."""
    return plan.model_copy(update={"draw": DrawSettings(steps=plan.draw.steps, guidance=guidance, regional=False)})


def _drawing(family: Family, plan: Plan, record: bool = False) -> Callable[[], None]:
    conditioning, start = condition(plan, family), family.noise(0, plan.size.root)

    def draw() -> None:
        recorder = Recorder(len(plan.regions), family.grid(plan.size.root)) if record else None
        denoise(family, start, conditioning, plan.size.root, plan.draw.steps, plan.draw.guidance, techniques_of(plan, family), recorder)

    return draw


# ----------------------------------------------------------------------------------------------------------------- parts


def _regional(scale: Scale, length: int, count: int, repeats: int) -> Iterator[Row]:
    family, plan = bench_models.flux(scale, length), plan_of(scale, count)
    found = _ratios([_drawing(family, _bare(plan)), _drawing(family, plan), _published(family, plan)], repeats, scale)
    yield _row("regional", "flux", scale, length, plan, repeats, found[0], WANTED.get(length, {}).get(count), found[1][0], PAPER.get(count))


def _timed(name: str, scale: Scale, length: int, unit: int, plan: Plan, repeats: int, wanted: float, record: bool = False) -> Iterator[Row]:
    """A FLUX under a technique over the plain one."""
    assert plan.draw.steps % unit == 0  # else its windows are not the shares they are said to be
    family = bench_models.flux(scale, length)
    found = _ratios([_drawing(family, _bare(plan)), _drawing(family, plan, record)], repeats, scale)
    yield _row(name, "flux", scale, length, plan, repeats, found[0], wanted)


def _erg(scale: Scale, length: int, repeats: int) -> Iterator[Row]:
    plan = plan_of(scale, 2, 5, regional=False, erg=ErgSettings())
    yield from _timed("erg over one branch", scale, length, 5, plan, repeats, 1.6)
    family = bench_models.sd3(scale, length)
    found = _ratios([_drawing(family, _bare(plan, GUIDANCE)), _drawing(family, plan)], repeats, scale)  # ERG's plan has no other guidance
    yield _row("erg over classifier-free guidance", "sd3", scale, length + bench_models.CLIP_WORDS, plan, repeats, found[0], 1.0)


def _memory(scale: Scale, length: int) -> Iterator[Row]:
    """Of all that is held at the worst moment, and of what is held beside the weights."""
    family, plan = bench_models.flux(scale, length), plan_of(scale, 4)
    device, held = torch.device(scale.device), bench_models.weights(family)
    plain, controlled = (live.peak(draw, device) for draw in (_drawing(family, _bare(plan)), _drawing(family, plan, record=True)))
    for name, before, wanted in (("recording and regions", held, 1.05), ("recording and regions, weights apart", 0, None)):
        ratio = round((before + controlled) / (before + plain), 4)
        yield _row(name, "flux", scale, length, plan, 1, (ratio, ratio, ratio), wanted, quantity="memory")


def _row(
    name: str,
    family: str,
    scale: Scale,
    length: int,
    plan: Plan,
    repeats: int,
    found: tuple[float, float, float],
    wanted: float | None = None,
    published: float | None = None,
    paper: float | None = None,
    quantity: str = "time",
) -> Row:
    method = f"median of {repeats} whole drawings in {_clock(scale)[1]}, by turns with the plain one" if quantity == "time" else "peak bytes of tensors alive, one drawing"
    regional = len(plan.regions) if plan.draw.regional else 0
    device = f"{_device(scale)}, {str(scale.dtype).removeprefix('torch.')}"
    return Row(name, family, scale.told(family), device, length, regional, plan.draw.steps, quantity, method, *found, wanted, published, paper)


def _device(scale: Scale) -> str:
    if scale.device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"CPU, {torch.get_num_threads()} thread{'s'[: torch.get_num_threads() > 1]}"


# ------------------------------------------------------------------------------------------------------------- measuring


def _published(family: FluxFamily, plan: Plan) -> Callable[[], None]:
    """The plan as two branches draw it."""
    size, steps = plan.size.root, plan.draw.steps
    segments, base = family.encode([plan.background, *(r.prompt for r in plan.regions)]), family.encode([plan.prompt])
    bits = regions.image_bits([regions.coverage(r.box.root, family.grid(size)) for r in plan.regions])
    told = two_branch.Told(segments.sequence, segments.lengths, base.sequence, base.pooled, bits, plan.draw.base_ratio)

    @torch.no_grad()
    def draw() -> None:
        latents = family.noise(0, size)
        for i, t in enumerate(family.timesteps(steps, size)):
            acts = i < round(WINDOW * steps)
            velocity = two_branch.predict(family, latents, t, told, size) if acts else family.predict(latents, t, base, size, 1.0)
            latents = family.step(velocity, t, latents)

    return draw


def _ratios(drawings: Sequence[Callable[[], None]], repeats: int, scale: Scale) -> list[tuple[float, float, float]]:
    """Median, least and largest over the turns of each one's time over that of the first in the same turn, of all but the first.

    All take turns, so that what else the machine does falls on all alike.
    """
    clock = _clock(scale)[0]
    turns = [[_seconds(draw, clock) for draw in drawings] for _ in range(repeats + 1)][1:]  # the first is to warm up
    each = ([turn[k] / turn[0] for turn in turns] for k in range(1, len(drawings)))
    return [(round(statistics.median(ratios), 3), round(min(ratios), 3), round(max(ratios), 3)) for ratios in each]


def _clock(scale: Scale) -> tuple[Callable[[], float], str]:
    """What is timed by, and in what: a thread that is alone by what it worked, so that what else the machine does counts nothing."""
    alone = scale.device == "cpu" and torch.get_num_threads() == 1
    return (time.process_time, "CPU seconds") if alone else (time.perf_counter, "seconds")


def _seconds(draw: Callable[[], None], clock: Callable[[], float]) -> float:
    _wait()
    started = clock()
    draw()
    _wait()
    return clock() - started


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


# --------------------------------------------------------------------------------------------------------------- telling


def table(rows: Sequence[Row]) -> str:
    """For people: where and how, once for all rows that share it, then a line each."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(f"{row.family}: {row.size}; {row.device}; {row.quantity}: {row.method}", []).append(row)
    lines: list[str] = []
    for head, members in groups.items():
        lines += [*([""] if lines else []), head, f"  {'technique':36}{'regions':>8}{'tokens':>8}{'steps':>7}{'ratio':>8}{'turns':>15}{'by tokens':>11}{'wanted':>8}{'':>8}{'two branches':>14}{'paper':>7}"]
        lines += [_line(row) for row in members]
    return "\n".join(lines)


def _line(row: Row) -> str:
    wanted, published, paper, tokens = (f"{value:.2f}" if value is not None else "" for value in (row.target, row.published, row.paper, row.by_tokens))
    figures = f"{row.regions or '':>8}{row.tokens:>8}{row.steps:>7}{row.ratio:>8.3f}{f'{row.low:.2f} .. {row.high:.2f}':>15}{tokens:>11}"
    mark = "" if row.met is None else "met" if row.met else "missed"
    return f"  {row.technique:36}{figures}{wanted and '≤ ' + wanted:>8}{mark:>8}{published:>14}{paper:>7}".rstrip()


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For machines; what a row does not have is left out."""
    return [{key: value for key, value in (asdict(row) | {name: getattr(row, name) for name in COUNTED}).items() if value is not None} for row in rows]


def kept(path: Path = RESULTS) -> list[Row]:
    """The results of record; none where there is no file."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [Row(**{key: value for key, value in row.items() if key not in COUNTED}) for row in rows]


def keep(rows: Sequence[Row], path: Path = RESULTS) -> None:
    """Write results of record: a figure that is there already is replaced, others stay, so that parts can be measured one by one."""
    new = {row.key: row for row in rows}
    together = [new.pop(row.key, row) for row in kept(path)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json([*together, *new.values()]), indent=1) + "\n", encoding="utf-8")
