"""Does attention control do what it says?  `cutwork eval control`

The embedded model draws planned scenes with a technique on and off, from the same noise; the judge, who knows the same
subjects, says what stands where. Gains are paired: of pictures of the same scene and seed. Intervals are over scenes, since
the subjects of a picture and the seeds of a scene resemble each other.

    regions              subjects found in their boxes, with regions and by the prompt alone, by number of subjects
    self-cross           pairs that look alike, by the prompt alone: both there, recognised, unmixed
    self-cross-latents   the same in the paper's form, which takes several passes a step; only where it is asked for
    erg                  against classifier-free guidance of several scales at as many evaluations of the network

Pictures and verdicts are kept in `.cache`, under what decides them (plan, seed, weights, code): an evaluation that was stopped goes on
where it stopped, one that is repeated draws nothing, and one of all parts after each of them neither. Pictures are drawn in batches.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from cutwork import tools
from cutwork.agents import similarity
from cutwork.agents.words import article
from cutwork.domain import TECHNIQUES, Box, DrawSettings, ErgSettings, Plan, Region, Size, Subject
from cutwork.tools.denoise import denoise
from cutwork.tools.drawing import suits
from cutwork.tools.families import mini
from cutwork.tools.families.base import Text
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.render import condition, drawn, techniques_of

from . import backgrounds, evaluate, judge
from .art import CACHE
from .evaluate_model import background

STEPS = 24
EVALUATIONS = 48  # of the network, in each drawing of ERG's part
SWEEP = (1.5, 2.0, 3.0, 4.5, 6.5)  # scales of classifier-free guidance that ERG is held against
OFF = suits("mini").model_copy(update={"steps": STEPS, "regional": False})
ON = OFF.model_copy(update={"regional": True})
PARTS = ("regions", "self-cross", "self-cross-latents", "erg")
USUAL = ("regions", "self-cross", "erg")
EVERY = 50  # drawings after which it says how far it is
BATCH = 12  # pictures that are drawn at once, at most
DECIDE = (  # code that decides a picture
    *(f"{name}.py" for name in ("conditioning", "denoise", "guides", "nudge", "render")),
    *(f"attention/{name}.py" for name in ("control", "kernels", "rectify", "regional", "regions", "selfcross", "subjects")),
    "masks/place.py", "families/base.py", "families/flux.py", "families/mini/__init__.py",
)  # fmt: skip

Pixels = np.ndarray
Found = tuple[list[evaluate.Figure], list[Pixels], list[str]]  # figures, pictures to show, notes
Say = Callable[[str], None]


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
    """The embedded model and the judge, at one picture size; what they have made once is read back.

    Args:
        kept: folder of pictures and verdicts. say: told now and then how many pictures were drawn.
    """

    def __init__(self, side: int, kept: Path = CACHE / "eval_control", say: Say = lambda line: None) -> None:
        self.side, self.kept, self.say, self.made, self.took = side, kept, say, 0, 0.0
        self.eye = judge.load()

    @cached_property
    def family(self) -> MiniFamily:
        """Loaded when something is to be drawn."""
        return mini.load("mini", torch.device("cpu"))

    def prepare(self, asked: Iterable[Scene], draw: DrawSettings) -> None:
        """Draw what is not there yet of some scenes, in batches."""
        for group in self._batches([scene for scene in asked if not self._path(scene, draw, "png").is_file()], draw):
            began, made = time.monotonic(), self.made
            plans = [self._planned(scene, draw) for scene in group]
            small = draw.refine_from > 0 and any(self.family.first_size(plan) is not None for plan in plans)  # drawn in two sizes, one after the other
            one_by_one = (drawn(plan, self.family, scene.seed).latents for plan, scene in zip(plans, group, strict=True))
            for scene, latents in zip(group, one_by_one if small else self._together(plans, group), strict=True):
                out = io.BytesIO()
                Image.fromarray(self.family.decode(latents, (self.side, self.side))).save(out, "PNG")
                _write(self._path(scene, draw, "png"), out.getvalue())
                self.made += 1
            self.took += time.monotonic() - began
            if self.made // EVERY > made // EVERY:
                self.say(f"{self.made} pictures drawn, {self.took / self.made:.1f} s each")

    def _batches(self, asked: Sequence[Scene], draw: DrawSettings) -> Iterator[list[Scene]]:
        """What is drawn together: seeds of a scene, which follow each other; of several scenes where each is told by a prompt alone, of one length."""
        waiting: list[Scene] = []
        alone = not draw.regional and draw.self_cross is None
        for _, seeds in groupby(asked, key=_key):
            some = list(seeds)
            fits = alone and len(waiting) + len(some) <= BATCH
            if waiting and not (fits and self._length(waiting[-1], draw) == self._length(some[0], draw)):
                yield waiting
                waiting = []
            waiting = waiting + some
        if waiting:
            yield waiting

    def _planned(self, scene: Scene, draw: DrawSettings) -> Plan:
        """As a drawing takes it."""
        return self.family.translate(scene.plan(self.side, draw))[0]

    def _length(self, scene: Scene, draw: DrawSettings) -> tuple[int, ...]:
        return self.family.encode([self._planned(scene, draw).prompt]).lengths

    def _together(self, plans: Sequence[Plan], asked: Sequence[Scene]) -> Sequence[torch.Tensor]:
        """Clean latents of some seeds of a plan as one batch, or of several plans that `_batches` puts together."""
        size, how = plans[0].size.root, plans[0].draw
        noise = torch.cat([self.family.noise(scene.seed, size) for scene in asked])
        told = {plan.prompt: condition(plan, self.family) for plan in plans}
        what = told[plans[0].prompt]
        if len(told) > 1:
            plain = [told[plan.prompt].plain for plan in plans]
            weak = None if plain[0].weak is None else _texts(phase.weak for phase in plain)
            what = replace(what, plain=replace(plain[0], text=_texts(phase.text for phase in plain), weak=weak))
        return torch.split(denoise(self.family, noise, what, size, how.steps, how.guidance, techniques_of(plans[0], self.family)).latents, 1)

    def draw(self, scene: Scene, draw: DrawSettings) -> Pixels:
        """(side, side, 3) uint8."""
        self.prepare([scene], draw)
        return np.array(Image.open(self._path(scene, draw, "png")).convert("RGB"))

    def in_boxes(self, scene: Scene, draw: DrawSettings) -> list[bool]:
        """Whether each subject is recognised in its own box."""
        verdicts = self._verdicts(scene, draw, "boxes", lambda picture: self.eye.look(picture, list(scene.boxes)))
        return [verdict.recognised(noun) for noun, verdict in zip(scene.nouns, verdicts, strict=True)]

    def found(self, scene: Scene, draw: DrawSettings) -> list[judge.Verdict]:
        """What the judge finds anywhere in the picture."""
        return self._verdicts(scene, draw, "anywhere", self.eye.find)

    def _verdicts(self, scene: Scene, draw: DrawSettings, how: str, look: Callable[[Pixels], list[judge.Verdict]]) -> list[judge.Verdict]:
        path = self._path(scene, draw, f"{how}-{_digest(judge.WEIGHTS, Path(judge.__file__))[:12]}.json")
        if not path.is_file():
            _write(path, json.dumps([asdict(verdict) for verdict in look(self.draw(scene, draw))]).encode())
        return [judge.Verdict(**{**row, "box": tuple(row["box"])}) for row in json.loads(path.read_bytes())]

    def _path(self, scene: Scene, draw: DrawSettings, ending: str) -> Path:
        """Named by everything that decides the picture."""
        told = f"{scene.plan(self.side, draw).model_dump_json()} {scene.seed} {_maker()}"
        name = hashlib.sha256(told.encode()).hexdigest()[:32]
        return self.kept / name[:2] / f"{name}.{ending}"


def _texts(texts: Iterable[Text | None]) -> Text:
    """Texts of one length, one for each image of a batch."""
    each = [text for text in texts if text is not None]
    return Text(torch.cat([text.sequence for text in each]), torch.cat([text.pooled for text in each]), each[0].lengths)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, so that it may be stopped at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


@cache
def _digest(*paths: Path) -> str:
    """Of what is in some files."""
    told = hashlib.sha256()
    for path in paths:
        told.update(hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()


@cache
def _maker() -> str:
    """Of the embedded model's weights, the code that draws, and torch."""
    code = Path(next(iter(tools.__path__)))
    files = [*(path for path in sorted(mini.folder().rglob("*")) if path.is_file()), *(path for pattern in DECIDE for path in sorted(code.glob(pattern)))]
    return f"{_digest(*files)} {torch.__version__}"


def run(count: int = 200, seeds: int = 3, side: int = 128, parts: Sequence[str] = USUAL, say: Say = lambda line: None, kept: Path = CACHE / "eval_control") -> evaluate.Report:
    """Measure the shipped model under control.

    Args:
        count: scenes of each part. seeds: pictures of each. parts: of `PARTS`. say: told how far it is. kept: where pictures and verdicts stay.
    """
    studio = Studio(side, kept, say)
    nouns = tuple(n for n in mini.vocabulary()["subjects"] if n in studio.eye.nouns)
    of: dict[str, Callable[..., Found]] = {"regions": _regions, "self-cross": _self_cross, "self-cross-latents": _self_cross_latents, "erg": _erg}
    figures: list[evaluate.Figure] = []
    pictures: list[Pixels] = []
    notes: list[str] = []
    for part in parts:
        say(f"{part}: {count} scenes of {seeds} seeds")
        measured, shown, said = of[part](studio, nouns, count, seeds)
        figures, pictures, notes = figures + measured, pictures + shown, notes + said
    command = f"cutwork eval control --scenes {count} --seeds {seeds} --side {side}" + "".join(f" --part {p}" for p in parts if tuple(parts) != USUAL)
    name = "control" if tuple(parts) == USUAL else f"control-{'-'.join(parts)}"  # so that a part does not write over all of them
    return evaluate.Report(name, command, tuple(figures), evaluate.sheet([Image.fromarray(p) for p in pictures], columns=8), tuple(notes))


# --------------------------------------------------------------------------------------------------------------- regions


def _regions(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> Found:
    """Subjects found in their boxes."""
    asked = list(scenes(nouns, count, seeds))
    for draw in (OFF, ON):
        studio.prepare(asked, draw)
    hits = {name: [studio.in_boxes(scene, draw) for scene in asked] for name, draw in (("prompt only", OFF), ("regions", ON))}
    figures = []
    for told, least, most in (("2 subjects", 2, 2), ("3 subjects", 3, 3), ("4 subjects", 4, 4), ("3 subjects and more", 3, 4), ("all", 2, 4)):
        chosen = [k for k, scene in enumerate(asked) if least <= len(scene.nouns) <= most]
        if not chosen:
            continue
        of = [_key(asked[k]) for k in chosen for _ in asked[k].nouns]
        answers = {name: [hit for k in chosen for hit in rows[k]] for name, rows in hits.items()}
        figures += [
            evaluate.share(f"{told}, in their boxes: {name}", row, "≥ 95" if name == "regions" else "", of) for name, row in answers.items()
        ]
        figures.append(_gain(f"{told}, in their boxes: regions − prompt only", answers["regions"], answers["prompt only"], of, "≥ +20" if least > 2 else ""))
    return figures, [studio.draw(scene, draw) for scene in asked[: 4 * seeds : seeds] for draw in (OFF, ON)], []


# ------------------------------------------------------------------------------------------------------------ self-cross


def _self_cross(studio: Studio, nouns: Sequence[str], count: int, seeds: int, technique: str = "self-cross") -> Found:
    """Pairs that look alike, by the prompt alone."""
    on, asked = OFF.model_copy(update=TECHNIQUES[technique]), list(alike(nouns, count, seeds))
    of = [_key(scene) for scene in asked]
    for draw in (OFF, on):
        studio.prepare(asked, draw)
    without, within = ([_answers(scene, studio.found(scene, draw)) for scene in asked] for draw in (OFF, on))
    figures = []
    for what in ("both there", "both recognised", "unmixed"):
        before, after = ([answers[what] for answers in rows] for rows in (without, within))
        figures += [evaluate.share(f"alike, {what}: off", before, of=of), evaluate.share(f"alike, {what}: {technique}", after, of=of)]
        figures.append(_gain(f"alike, {what}: {technique} − off", after, before, of, "> 0"))
    return figures, [studio.draw(scene, draw) for scene in asked[: 4 * seeds : seeds] for draw in (OFF, on)], []


def _self_cross_latents(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> Found:
    return _self_cross(studio, nouns, count, seeds, "self-cross-latents")


def alike(nouns: Sequence[str], count: int, seeds: int) -> Iterator[Scene]:
    """So many pairs of subjects that look alike, side by side, each with several seeds."""
    pairs = [pair for pair in combinations(nouns, 2) if similarity.alike(*pair)]
    rng = np.random.default_rng(2411)
    for k, pair in enumerate(pairs[i] for i in rng.permutation(len(pairs))[:count]):
        colour = str(rng.choice(list(backgrounds.COLOURS)))
        yield from (Scene(pair, tuple(_boxes(2)), colour, 1000 * k + seed) for seed in range(seeds))


def _answers(scene: Scene, seen: Sequence[judge.Verdict]) -> dict[str, bool]:
    """Whether all subjects are there, all are recognised, each alone, and nothing anywhere is a mixture."""
    return {
        "both there": all(any(v.noun == noun for v in seen) for noun in scene.nouns),
        "both recognised": all(any(v.recognised(noun) for v in seen) for noun in scene.nouns),
        "unmixed": not any(v.mixed >= 0.5 for v in seen),
    }


# ------------------------------------------------------------------------------------------------------------------- erg


@dataclass(frozen=True)
class Arm:
    """One way of guiding, and what it is when its technique is switched off."""

    draw: DrawSettings
    off: str = ""

    @property
    def evaluations(self) -> float:
        """Predictions a step, on the average over the steps."""
        erg, steps = self.draw.erg, self.draw.steps
        weak = 0.0 if erg is None else 1.0 if erg.text_tau is not None else 1 - round(erg.start * steps) / steps
        return 1 + (self.draw.guidance > 1) + weak

    @property
    def told(self) -> str:
        """What it takes, in words."""
        return f"{self.evaluations:.1f} evaluations a step, {self.draw.steps} steps"


def arms() -> dict[str, Arm]:
    """All ways of guiding that are compared, each with as many steps as make it cost the same."""
    made = {"none": _arm(1.0)} | {f"cfg {w:g}": _arm(w, off="none") for w in SWEEP}
    for w in (2.0, 3.0):
        made |= {f"i-erg {w:g}": _arm(1.0, ErgSettings(scale=w), "none"), f"erg {w:g}": _arm(1.0, ErgSettings(scale=w, text_tau=0.01), "none")}
    return made | {"cfg 3 and i-erg 2": _arm(3.0, ErgSettings(), "cfg 3")}


def _arm(guidance: float, erg: ErgSettings | None = None, off: str = "") -> Arm:
    long = OFF.model_copy(update={"guidance": guidance, "erg": erg, "steps": 100})  # a hundredth of rounding
    return Arm(long.model_copy(update={"steps": round(EVALUATIONS / Arm(long).evaluations)}), off)


UNITS = {"subject recognised": "%", "colour of the background": "%", "saturation": "%", "difference between seeds": "%"}


def _erg(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> Found:
    """Single subjects: presence, colour of the background, saturation, and how different the seeds of a scene are."""
    asked = [list(group) for _, group in groupby(scenes(nouns, count, seeds, subjects=(1,)), key=_key)]
    ways = arms()
    found = {name: _measured(studio, asked, arm.draw) for name, arm in ways.items()}
    of = {what: [_key(scene) for group in asked for scene in (group[:1] if what == "difference between seeds" else group)] for what in UNITS}

    def success(name: str) -> float:
        return float(sum(np.mean(found[name][what]) for what in list(UNITS)[:2]))

    best = max((name for name in ways if name.startswith("cfg") and ways[name].draw.erg is None), key=success)
    chosen = max((name for name in ways if ways[name].draw.erg is not None), key=success)
    figures = []
    for name, arm in ways.items():
        figures += [evaluate.mean(f"{name} ({arm.told}): {what}", found[name][what], unit, of=of[what]) for what, unit in UNITS.items()]
        others = [arm.off, *([best] if arm.draw.erg is not None and arm.off != best else [])]
        figures += [_difference(f"{name} − {other}: {what}", found[name][what], found[other][what], of[what]) for other in others if other for what in UNITS]
    gain = next(f for f in (_difference("", found[chosen][what], found[best][what], of[what]) for what in list(UNITS)[:1]))
    note = (
        f"Best of classifier-free guidance by subjects and colours: {best}. Operating point of ERG by the same: {chosen}, {ways[chosen].told}, "
        f"start {ways[chosen].draw.erg.start:g}, tau {ways[chosen].draw.erg.tau:g}; "  # type: ignore[union-attr]
        f"subjects {gain.value:+.1f} pt [{gain.low:.1f}, {gain.high:.1f}] against {best} at as many evaluations."
    )
    shown = [studio.draw(group[0], arm.draw) for group in asked[:2] for arm in ways.values()]
    return figures, shown, [note]


def _measured(studio: Studio, asked: Sequence[Sequence[Scene]], draw: DrawSettings) -> dict[str, list[float]]:
    """Each measure of each picture, or of each scene, in order."""
    out: dict[str, list[float]] = {what: [] for what in UNITS}
    studio.prepare((scene for group in asked for scene in group), draw)
    for group in asked:
        pictures = [studio.draw(scene, draw) for scene in group]
        for scene, picture in zip(group, pictures, strict=True):
            out["subject recognised"].append(100.0 * _answers(scene, studio.found(scene, draw))["both recognised"])
            out["colour of the background"].append(100.0 * (background(Image.fromarray(picture)) == scene.colour))
            out["saturation"].append(100 / 255 * float(np.ptp(picture, axis=2).mean()))
        out["difference between seeds"].append(100 / 255 * float(np.std(pictures, axis=0).mean()))
    return out


# ------------------------------------------------------------------------------------------------------------- intervals


def _key(scene: Scene) -> Any:
    """The same for all seeds of a scene, and for no other scene."""
    return scene.nouns, scene.colour, scene.seed // 1000


def _gain(name: str, on: Iterable[bool], off: Iterable[bool], of: Sequence[Any], wanted: str = "") -> evaluate.Figure:
    """Difference of two shares in points, paired."""
    return _difference(name, [100.0 * a for a in on], [100.0 * b for b in off], of, wanted)


def _difference(name: str, on: Iterable[float], off: Iterable[float], of: Sequence[Any], wanted: str = "") -> evaluate.Figure:
    return evaluate.mean(name, [a - b for a, b in zip(on, off, strict=True)], "pt", wanted, of)
