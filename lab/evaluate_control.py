"""Does attention control do what it says?  `cutwork eval control`

The embedded model draws planned scenes with a technique on and off, from the same noise; the judge, who knows the same
subjects, says what stands where. Rows are paired: an interval of a difference is over pictures of the same scene and seed.

    regions      subjects found in their boxes, with regions and by the prompt alone, by number of subjects
    self-cross   pairs that look alike, by the prompt alone: both there, recognised, unmixed
    erg          against classifier-free guidance of several scales at as many looks at the network
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
import torch
from PIL import Image

from cutwork.agents import similarity
from cutwork.agents.words import article
from cutwork.domain import Box, DrawSettings, ErgSettings, Plan, Region, SelfCrossSettings, Size, Subject
from cutwork.tools.families import mini
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.render import drawn

from . import backgrounds, evaluate, judge
from .evaluate_model import background

STEPS = 24
SWEEP = (1.5, 2.0, 3.0, 4.5, 6.5)  # scales of classifier-free guidance that ERG is held against
OFF = DrawSettings(steps=STEPS, regional=False)
PARTS = ("regions", "self-cross", "erg")


@dataclass(frozen=True)
class Scene:
    """What is asked for, and where."""

    nouns: tuple[str, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    colour: str
    seed: int

    def plan(self, side: int, draw: DrawSettings) -> Plan:
        """As the agents would have planned it."""
        phrases = [f"{article(noun)} {noun}" for noun in self.nouns]
        told = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
        ground = f"{article(self.colour)} {self.colour} background"
        subjects = tuple(Subject(id=f"s{i}", phrase=phrase, noun=noun) for i, (noun, phrase) in enumerate(zip(self.nouns, phrases, strict=True)))
        return Plan(
            prompt=f"{told} on {ground}",
            background=ground,
            subjects=subjects,
            regions=tuple(Region(subject=s.id, box=Box(box), prompt=f"{s.phrase} on {ground}") for s, box in zip(subjects, self.boxes, strict=True)),
            size=Size((side, side)),
            draw=draw,
        )


def scenes(nouns: Sequence[str], count: int, seeds: int, subjects: Sequence[int] = (2, 3, 4)) -> Iterator[Scene]:
    """So many scenes of different subjects in a row or a square, each with several seeds."""
    rng = np.random.default_rng(2411)
    for k in range(count):
        n = subjects[k % len(subjects)]
        chosen = tuple(str(noun) for noun in rng.choice(nouns, n, replace=False))
        colour = str(rng.choice(list(backgrounds.COLOURS)))
        for seed in range(seeds):
            yield Scene(chosen, tuple(_boxes(n)), colour, 1000 * k + seed)


def _boxes(n: int) -> list[tuple[float, float, float, float]]:
    """On the 16 px grid of 128 and 256 px pictures."""
    if n == 1:
        return [(0.1875, 0.1875, 0.8125, 0.8125)]
    if n == 4:
        return [(x, y, x + 0.375, y + 0.375) for y in (0.0625, 0.5625) for x in (0.0625, 0.5625)]
    if n == 3:
        return [(0.0625, 0.0625, 0.4375, 0.4375), (0.5625, 0.0625, 0.9375, 0.4375), (0.3125, 0.5625, 0.6875, 0.9375)]
    return [(0.0625, 0.25, 0.4375, 0.75), (0.5625, 0.25, 0.9375, 0.75)]


class Studio:
    """The embedded model and the judge, at one picture size."""

    def __init__(self, side: int) -> None:
        family = mini.load("mini", torch.device("cpu"))
        assert isinstance(family, MiniFamily)
        self.family, self.side, self.eye = family, side, judge.load()

    def draw(self, scene: Scene, draw: DrawSettings) -> np.ndarray:
        """(side, side, 3) uint8."""
        plan = scene.plan(self.side, draw)
        return self.family.decode(drawn(plan, self.family, scene.seed).latents, plan.size.root)

    def in_boxes(self, scene: Scene, picture: np.ndarray) -> list[bool]:
        """Whether each subject is recognised in its own box."""
        verdicts = self.eye.look(picture, list(scene.boxes))
        return [verdict.recognised(noun) for noun, verdict in zip(scene.nouns, verdicts, strict=True)]

    def anywhere(self, scene: Scene, picture: np.ndarray) -> tuple[list[bool], list[bool]]:
        """Whether each subject is there at all, and whether it is there unmixed."""
        seen = self.eye.find(picture)
        there = [any(v.noun == noun for v in seen) for noun in scene.nouns]
        return there, [any(v.recognised(noun) for v in seen) for noun in scene.nouns]


def run(count: int = 200, seeds: int = 3, side: int = 128, parts: Sequence[str] = PARTS) -> evaluate.Report:
    """Measure the shipped model under control."""
    studio = Studio(side)
    nouns = tuple(n for n in mini.vocabulary()["subjects"] if n in studio.eye.nouns)
    of: dict[str, Callable[..., tuple[list[evaluate.Figure], list[np.ndarray]]]] = {"regions": _regions, "self-cross": _self_cross, "erg": _erg}
    figures: list[evaluate.Figure] = []
    pictures: list[np.ndarray] = []
    for part in parts:
        found, shown = of[part](studio, nouns, count, seeds)
        figures += found
        pictures += shown
    command = f"cutwork eval control --scenes {count} --seeds {seeds} --side {side}" + "".join(f" --part {p}" for p in parts if len(parts) < len(PARTS))
    return evaluate.Report("control", command, tuple(figures), evaluate.sheet([Image.fromarray(p) for p in pictures], columns=8))


def _regions(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> tuple[list[evaluate.Figure], list[np.ndarray]]:
    """Subjects found in their boxes."""
    arms = {"prompt only": OFF, "regions": DrawSettings(steps=STEPS)}
    hits: dict[tuple[str, int], list[bool]] = {}
    pictures: list[np.ndarray] = []
    for k, scene in enumerate(scenes(nouns, count, seeds)):
        for name, draw in arms.items():
            picture = studio.draw(scene, draw)
            hits.setdefault((name, len(scene.nouns)), []).extend(studio.in_boxes(scene, picture))
            pictures += [picture] if k < 12 else []
    figures = [evaluate.share(f"{n} subjects, in their boxes: {name}", answers) for (name, n), answers in sorted(hits.items(), key=lambda i: i[0][1])]
    for n in sorted({n for _, n in hits}):
        figures.append(_gain(f"{n} subjects: regions − prompt only", hits["regions", n], hits["prompt only", n], "≥ +20" if n > 2 else ""))
    return [*figures, evaluate.share("regions, all", [a for (name, _), answers in hits.items() if name == "regions" for a in answers], "≥ 95")], pictures


def _self_cross(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> tuple[list[evaluate.Figure], list[np.ndarray]]:
    """Pairs that look alike, by the prompt alone."""
    pairs = [pair for pair in combinations(nouns, 2) if _alike(*pair)]
    rng = np.random.default_rng(2411)
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[:count]]
    arms = {"off": OFF, "on": OFF.model_copy(update={"self_cross": SelfCrossSettings()})}
    answers: dict[tuple[str, str], list[bool]] = {}
    pictures: list[np.ndarray] = []
    for k, pair in enumerate(chosen):
        for seed in range(seeds):
            scene = Scene(pair, tuple(_boxes(2)), str(rng.choice(list(backgrounds.COLOURS))), 1000 * k + seed)
            for name, draw in arms.items():
                picture = studio.draw(scene, draw)
                there, clean = studio.anywhere(scene, picture)
                for what, answer in (("both there", all(there)), ("both recognised", all(clean)), ("unmixed", not _mixed(studio, picture))):
                    answers.setdefault((what, name), []).append(answer)
                pictures += [picture] if k < 4 and seed == 0 else []
    figures = []
    for what in ("both there", "both recognised", "unmixed"):
        figures += [evaluate.share(f"alike, {what}: {name}", answers[what, name]) for name in arms]
        figures.append(_gain(f"alike, {what}: on − off", answers[what, "on"], answers[what, "off"], "> 0"))
    return figures, pictures


def _alike(a: str, b: str) -> bool:
    return bool(similarity.similar_pairs([Subject(id=f"s{i}", phrase=n, noun=n) for i, n in enumerate((a, b))]))


def _mixed(studio: Studio, picture: np.ndarray) -> bool:
    """Whether what the judge is surest of anywhere is a mixture."""
    return any(v.mixed >= 0.5 for v in studio.eye.find(picture))


def _erg(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> tuple[list[evaluate.Figure], list[np.ndarray]]:
    """Single subjects: presence, colour of the background, saturation, and how different the seeds of a scene are."""
    arms = {f"cfg {w:g}": OFF.model_copy(update={"guidance": w}) for w in SWEEP}
    arms |= {f"erg {w:g}": OFF.model_copy(update={"guidance": 1.0, "erg": ErgSettings(scale=w, text_tau=0.01)}) for w in (2.0, 3.0)}
    arms["cfg 3 and erg 2"] = OFF.model_copy(update={"erg": ErgSettings()})
    figures: list[evaluate.Figure] = []
    pictures: list[np.ndarray] = []
    asked = [list(group) for _, group in groupby(scenes(nouns, max(1, count // 4), seeds, subjects=(1,)), key=lambda scene: scene.nouns)]
    for name, draw in arms.items():
        made = [[studio.draw(scene, draw) for scene in group] for group in asked]
        each = [(scene, picture) for group, row in zip(asked, made, strict=True) for scene, picture in zip(group, row, strict=True)]
        figures += [
            evaluate.share(f"{name}: subject recognised", [all(studio.anywhere(scene, picture)[1]) for scene, picture in each]),
            evaluate.share(f"{name}: colour of the background", [background(Image.fromarray(picture)) == scene.colour for scene, picture in each]),
            evaluate.mean(f"{name}: saturation", [100 / 255 * float(np.ptp(picture, axis=2).mean()) for _, picture in each], "%"),
            evaluate.mean(f"{name}: difference between seeds", [100 / 255 * float(np.std(row, axis=0).mean()) for row in made], "%"),
        ]
        pictures += [row[0] for row in made[:2]]
    return figures, pictures


def _gain(name: str, on: Sequence[bool], off: Sequence[bool], wanted: str) -> evaluate.Figure:
    """Difference of two shares in points, paired."""
    return evaluate.mean(name, [100.0 * (int(a) - int(b)) for a, b in zip(on, off, strict=True)], "pt", wanted)
