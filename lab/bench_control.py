"""What attention control costs, as ratios to the plain drawing of the same run.

A FLUX of random weights draws the same start noise plain and under each technique, in turn, several times; a line is the median
time over the plain median. Regions act in the first 40 % of the steps; beside our arithmetic runs the published one (`two_branch`),
which is generous to it: after the window it costs nothing extra here.
"""

from __future__ import annotations

import resource
import statistics
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch

from cutwork.domain import Box, DrawSettings, ErgSettings, Plan, Region, SelfCrossSettings, Size, Subject
from cutwork.tools.attention import regions
from cutwork.tools.attention.record import Recorder
from cutwork.tools.denoise import denoise
from cutwork.tools.families.flux import FluxFamily
from cutwork.tools.render import condition, techniques_of

from . import two_branch

WINDOW = 0.4  # share of the steps in which regions act
NOUNS = ("cat", "dog", "fox", "rocket")


@dataclass(frozen=True)
class Scale:
    """Size of the random FLUX and of what it draws."""

    heads: int
    double: int
    single: int
    side: int  # pixels
    steps: int
    device: str = "cpu"
    dtype: torch.dtype = torch.float32


SCALES = {
    "cpu": Scale(heads=6, double=4, single=8, side=512, steps=5),
    "flux": Scale(heads=24, double=19, single=38, side=1024, steps=24, device="cuda", dtype=torch.bfloat16),
    "tiny": Scale(heads=1, double=2, single=2, side=128, steps=5),
}


def control(scale: str = "cpu", repeats: int = 3, tokens: tuple[int, ...] = (64, 512), counts: tuple[int, ...] = (2, 4, 8, 16)) -> list[dict[str, Any]]:
    """One row per technique and size: {"technique", "regions", "tokens", "ratio", "published"}; memory rows have {"memory"} instead of a ratio.

    Args:
        tokens: lengths of the texts, of the base prompt and of each region alike.
        counts: numbers of regions.
    """
    rows = []
    for length in tokens:
        family = random_flux(SCALES[scale], length)
        for count in counts:
            rows.append({"technique": "regional", "regions": count, "tokens": length, **_regional(family, SCALES[scale], count, repeats)})
    family = random_flux(SCALES[scale], tokens[0])
    for name, plan, keywords in _others(SCALES[scale]):
        ratios = _ratios({"plain": _drawing(family, SCALES[scale], _bare(plan)), name: _drawing(family, SCALES[scale], plan, keywords)}, repeats)
        rows.append({"technique": name, "regions": len(plan.regions) if plan.draw.regional else 0, "tokens": tokens[0], "ratio": ratios[name]})
    rows.append({"technique": "recording and regions", "regions": 4, "tokens": tokens[0], "memory": _memory(scale, tokens[0])})
    return rows


def random_flux(scale: Scale, length: int) -> FluxFamily:
    """A FLUX of random weights behind tiny text encoders, whose prompts are all of one length."""
    from diffusers import FluxTransformer2DModel

    from cutwork.tools.families._tiny import flux

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = flux()
        torch.manual_seed(0)
        pipeline.transformer = FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=scale.double, num_single_layers=scale.single, attention_head_dim=128,
            num_attention_heads=scale.heads, joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(16, 56, 56),
        ).to(scale.device, scale.dtype)  # fmt: skip
        return FluxFamily("bench", pipeline.to(scale.device, scale.dtype), uses_cfg=False, max_words=length, device=torch.device(scale.device))


def plan_of(scale: Scale, count: int, **draw: Any) -> Plan:
    """Regions in rows of up to four, with room between them for the background."""
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
        draw=DrawSettings(**{"steps": scale.steps, "guidance": 1.0, "regional_until": WINDOW, "base_ratio": 0.2, **draw}),
    )


def _others(scale: Scale) -> list[tuple[str, Plan, bool]]:
    """Name, plan, and whether keywords are recorded."""
    off = {"regional": False}
    self_cross, erg = SelfCrossSettings(blocks=tuple(sorted(_looked(scale)))), ErgSettings()
    return [
        ("recording 4 keywords", plan_of(scale, 4, **off), True),
        ("self-cross, 2 subjects", plan_of(scale, 2, **off, self_cross=self_cross), False),
        ("erg", plan_of(scale, 2, **off, erg=erg), False),
        ("everything", plan_of(scale, 2, self_cross=self_cross, erg=erg), True),
    ]


def _looked(scale: Scale) -> frozenset[int]:
    """Blocks that Self-Cross looks at: as deep as in FLUX of 57."""
    last = max(1, round(12 / 57 * (scale.double + scale.single)))
    return frozenset(range(max(0, last - 1), last + 1))


def _bare(plan: Plan) -> Plan:
    return plan.model_copy(update={"draw": DrawSettings(steps=plan.draw.steps, guidance=1.0, regional=False)})


def _drawing(family: FluxFamily, scale: Scale, plan: Plan, record: bool = False) -> Callable[[], None]:
    conditioning, start = condition(plan, family), family.noise(0, plan.size.root)

    def draw() -> None:
        recorder = Recorder(len(plan.regions), family.grid(plan.size.root)) if record else None
        denoise(family, start, conditioning, plan.size.root, scale.steps, 1.0, techniques_of(plan, family), recorder)

    return draw


def _regional(family: FluxFamily, scale: Scale, count: int, repeats: int) -> dict[str, float]:
    plan = plan_of(scale, count)
    named = {"plain": _drawing(family, scale, _bare(plan)), "ratio": _drawing(family, scale, plan), "published": _published(family, scale, plan)}
    return {name: ratio for name, ratio in _ratios(named, repeats).items() if name != "plain"}


def _published(family: FluxFamily, scale: Scale, plan: Plan) -> Callable[[], None]:
    size = plan.size.root
    segments, base = family.encode([plan.background, *(r.prompt for r in plan.regions)]), family.encode([plan.prompt])
    bits = regions.image_bits([regions.coverage(r.box.root, family.grid(size)) for r in plan.regions])
    told = two_branch.Told(segments.sequence, segments.lengths, base.sequence, base.pooled, bits, plan.draw.base_ratio)

    @torch.no_grad()
    def draw() -> None:
        latents = family.noise(0, size)
        for i, t in enumerate(family.timesteps(scale.steps, size)):
            acts = i < round(WINDOW * scale.steps)
            velocity = two_branch.predict(family, latents, t, told, size) if acts else family.predict(latents, t, base, size, 1.0)
            latents = family.step(velocity, t, latents)

    return draw


def _ratios(drawings: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median time of each over that of the first; all take turns, so that what else the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in drawings}
    for turn in range(repeats + 1):
        for name, draw in drawings.items():
            started = time.perf_counter()
            draw()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:  # the first is to warm up
                seconds[name].append(time.perf_counter() - started)
    plain = statistics.median(next(iter(seconds.values())))
    return {name: round(statistics.median(values) / plain, 3) for name, values in seconds.items()}


def _memory(scale: str, length: int) -> float:
    """Peak memory with regions and recording over that of the plain drawing, each in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as apart:
        peaks = [apart.submit(_peak, scale, length, on).result() for on in (False, True)]
    return round(peaks[1] / peaks[0], 3)


def _peak(scale: str, length: int, on: bool) -> float:
    """Of one drawing, in MB."""
    size = SCALES[scale]
    plan = plan_of(size, 4)
    _drawing(random_flux(size, length), size, plan if on else _bare(plan), record=on)()
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(rows: list[dict[str, Any]]) -> str:
    """For people."""
    lines = [f"{'technique':26}{'regions':>8}{'tokens':>8}{'ratio':>8}{'published':>11}{'memory':>8}"]
    for row in rows:
        cells = [f"{row[key]:.2f}" if key in row else "" for key in ("ratio", "published", "memory")]
        lines.append(f"{row['technique']:26}{row['regions'] or '':>8}{row['tokens']:>8}{cells[0]:>8}{cells[1]:>11}{cells[2]:>8}")
    return "\n".join(lines)
