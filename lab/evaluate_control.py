"""Does attention control do what it says?  `cutwork eval control`

The embedded model draws planned scenes with a technique on and off, from the same noise; the judge, who knows the same
subjects, says what stands where. Gains are paired: of pictures of the same scene and seed. Intervals are over scenes, since
the subjects of a picture and the seeds of a scene resemble each other.

    regions              subjects found in their boxes, with regions and by the prompt alone, by number of subjects
    self-cross           pairs that look alike, by the prompt alone: both there, recognised, unmixed with each other, and nothing mixed at all
    self-cross-latents   the same in the paper's form, which takes several passes a step; only where it is asked for
    erg                  against classifier-free guidance of several scales at as many evaluations of the network

What was found is kept scene by scene in `results/answers`, so that anyone can count it anew and a long part can be worked off in several goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cutwork.agents import similarity
from cutwork.domain import TECHNIQUES, DrawSettings, ErgSettings
from cutwork.tools.drawing import suits
from cutwork.tools.families import mini

from . import backgrounds, evaluate, judge
from .control_studio import KEPT, Pixels, Say, Scene, Seeds, Studio, boxes, by_seeds, key, scenes
from .evaluate_model import background

STEPS = 24
EVALUATIONS = 48  # of the network, in each drawing of ERG's part
SWEEP = (1.5, 2.0, 3.0, 4.5, 6.5)  # scales of classifier-free guidance that ERG is held against
OFF = suits("mini").model_copy(update={"steps": STEPS, "regional": False})
ON = OFF.model_copy(update={"regional": True})
FINDS = "alike, finds of the two that are unmixed"  # where more of the two is found, more of it can be mixed: so it is a share of the finds
PARTS = ("regions", "self-cross", "self-cross-latents", "erg")
TOLD = 0.05  # least probability of each of two subjects of which something is a mixture
ALONE = 0.5  # of the canvas: a subject that has it to itself is drawn no smaller
USUAL = ("regions", "self-cross", "erg")
COLUMNS = 8  # of a sheet: four pairs of pictures; of ways to guide alone, one each
ANSWERS = evaluate.RESULTS / "answers"

Found = tuple[list[evaluate.Figure], list[Pixels], list[str]]  # figures, pictures to show, notes


def run(
    count: int = 200, seeds: int = 3, side: int = 128, parts: Sequence[str] = USUAL, say: Say = lambda line: None, answers: Path | None = None, kept: Path = KEPT
) -> evaluate.Report:
    """Measure the shipped model under control.

    Args:
        count: scenes of each part. seeds: pictures of each. parts: of `PARTS`. say: told how far it is.
        answers: folder where what was found stays, `kept` if None. kept: where pictures stay.
    """
    nouns = tuple(n for n in mini.vocabulary()["subjects"] if n in judge.load().nouns)
    of: dict[str, Callable[..., Found]] = {"regions": _regions, "self-cross": _self_cross, "self-cross-latents": _self_cross_latents, "erg": _erg}
    figures: list[evaluate.Figure] = []
    pictures: list[Pixels] = []
    notes: list[str] = []
    for part in parts:
        say(f"{part}: {count} scenes of {seeds} seeds")
        studio = Studio(side, (answers or kept) / f"control-{part}-{side}.jsonl", kept, say)
        measured, shown, said = of[part](studio, nouns, count, seeds)
        figures, pictures, notes = figures + measured, pictures + shown, notes + said
    command = f"cutwork eval control --scenes {count} --seeds {seeds} --side {side}" + "".join(f" --part {p}" for p in parts if tuple(parts) != USUAL)
    name = "control" if tuple(parts) == USUAL else f"control-{'-'.join(parts)}"  # so that a part does not write over all of them
    columns = len(arms()) if tuple(parts) == ("erg",) else COLUMNS
    return evaluate.Report(name, command, tuple(figures), evaluate.sheet([Image.fromarray(p) for p in pictures], columns), tuple(notes))


def _each(studio: Studio, asked: Sequence[Scene], draw: DrawSettings, what: str, look: Callable[[Studio, Scene, DrawSettings], list[Row]]) -> list[list[Seen]]:
    """What is seen in each picture, in order."""
    found = studio.ask(by_seeds(asked), draw, what, lambda seeds: [look(studio, scene, draw) for scene in seeds])
    return [[Seen(*row) for row in rows] for of_scene in found for rows in of_scene]


Row = list[Any]  # a `Seen` as JSON keeps it


@dataclass(frozen=True)
class Seen(judge.Opinion):
    """What the judge saw at one place of a picture: all that figures are counted from, so that they can be counted otherwise later."""

    both: float  # probability of that of the scene's subjects which is least likely here

    @property
    def blends(self) -> bool:
        """Whether it is a mixture of the very subjects that were asked for, each of which can be told in it."""
        return self.mixed >= 0.5 and self.both >= TOLD


def _rows(eye: judge.Judge, picture: Pixels, verdicts: Sequence[judge.Verdict], nouns: Sequence[str]) -> list[Row]:
    """Verdicts on a picture as they are kept."""
    if not verdicts:
        return []
    names, _, _ = eye.probabilities(picture, [v.box for v in verdicts])
    both = names[:, [eye.nouns.index(noun) for noun in nouns]].min(1).values
    return [[v.noun, *(round(p, 3) for p in (v.probability, v.whole, v.mixed, float(least)))] for v, least in zip(verdicts, both, strict=True)]


# --------------------------------------------------------------------------------------------------------------- regions


def _regions(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> Found:
    """Subjects found in their boxes."""
    asked = list(scenes(nouns, count, seeds))
    hits = {name: _each(studio, asked, draw, "seen in boxes", _in_boxes) for name, draw in (("prompt only", OFF), ("regions", ON))}
    figures = []
    for told, least, most in (("2 subjects", 2, 2), ("3 subjects", 3, 3), ("4 subjects", 4, 4), ("3 subjects and more", 3, 4), ("all", 2, 4)):
        chosen = [k for k, scene in enumerate(asked) if least <= len(scene.nouns) <= most]
        if not chosen:
            continue
        of = [key(asked[k]) for k in chosen for _ in asked[k].nouns]
        for what, holds, wanted, more in (("in their boxes", Seen.shows, "≥ 95", "≥ +20"), ("in their boxes, unmixed", Seen.recognised, "", "")):
            off, on = ([holds(seen, noun) for k in chosen for noun, seen in zip(asked[k].nouns, rows[k], strict=True)] for rows in hits.values())
            figures += [evaluate.share(f"{told}, {what}: prompt only", off, of=of), evaluate.share(f"{told}, {what}: regions", on, wanted, of)]
            figures.append(_gain(f"{told}, {what}: regions − prompt only", on, off, of, more if least > 2 else ""))
    return figures, [studio.draw(scene, draw) for scene in asked[: 4 * seeds : seeds] for draw in (OFF, ON)], []


def _in_boxes(studio: Studio, scene: Scene, draw: DrawSettings) -> list[Row]:
    picture = studio.draw(scene, draw)
    return _rows(studio.eye, picture, studio.eye.look(picture, list(scene.boxes)), scene.nouns)


# ------------------------------------------------------------------------------------------------------------ self-cross


def _self_cross(studio: Studio, nouns: Sequence[str], count: int, seeds: int, technique: str = "self-cross") -> Found:
    """Pairs that look alike, by the prompt alone."""
    guided, asked = OFF.model_copy(update=TECHNIQUES[technique]), list(alike(nouns, count, seeds))
    of = [key(scene) for scene in asked]
    without, within = (_each(studio, asked, draw, "seen anywhere", _in_picture) for draw in (OFF, guided))
    figures = []
    for what, holds in PAIRS.items():
        before, after = ([holds(scene.nouns, seen) for scene, seen in zip(asked, pictures, strict=True)] for pictures in (without, within))
        figures += [evaluate.share(f"alike, {what}: off", before, of=of), evaluate.share(f"alike, {what}: {technique}", after, of=of)]
        figures.append(_gain(f"alike, {what}: {technique} − off", after, before, of, "> 0"))
    clear = [(a, b) for a, b in zip(_clear(asked, without), _clear(asked, within), strict=True) if a is not None and b is not None]
    if clear:
        off, on = zip(*clear, strict=True)
        figures += [evaluate.mean(f"{FINDS}: off", off, "%"), evaluate.mean(f"{FINDS}: {technique}", on, "%")]
        figures.append(_difference(f"{FINDS}: {technique} − off", on, off, range(len(clear)), "> 0"))
    return figures, [studio.draw(scene, draw) for scene in asked[: 4 * seeds : seeds] for draw in (OFF, guided)], []


def _clear(asked: Sequence[Scene], pictures: Sequence[Sequence[Seen]]) -> list[float | None]:
    """By scene, of all that is one of its subjects in any of its pictures, the share that is no mixture, in per cent; None where there is nothing."""
    shares: list[float | None] = []
    for _, some in groupby(zip(asked, pictures, strict=True), key=lambda one: key(one[0])):
        own = [100.0 * (seen.mixed < 0.5) for scene, found in some for seen in found if seen.noun in scene.nouns]
        shares.append(float(np.mean(own)) if own else None)
    return shares


def _self_cross_latents(studio: Studio, nouns: Sequence[str], count: int, seeds: int) -> Found:
    return _self_cross(studio, nouns, count, seeds, "self-cross-latents")


def alike(nouns: Sequence[str], count: int, seeds: int) -> Iterator[Scene]:
    """So many pairs of subjects that look alike, side by side, each with several seeds; where there are not so many, again on other backgrounds."""
    pairs = [pair for pair in combinations(nouns, 2) if similarity.alike(*pair)]
    rng = np.random.default_rng(2411)
    order = rng.permutation(len(pairs))
    for k in range(count if pairs else 0):
        pair, colour = pairs[order[k % len(pairs)]], str(rng.choice(list(backgrounds.COLOURS)))
        yield from (Scene(pair, tuple(boxes(2)), colour, 1000 * k + seed) for seed in range(seeds))


def _in_picture(studio: Studio, scene: Scene, draw: DrawSettings) -> list[Row]:
    picture = studio.draw(scene, draw)
    return _rows(studio.eye, picture, studio.eye.find(picture), scene.nouns)


PAIRS: dict[str, Callable[[Sequence[str], Sequence[Seen]], bool]] = {
    "both there": lambda nouns, found: all(any(seen.shows(noun) for seen in found) for noun in nouns),
    "both recognised": lambda nouns, found: all(any(seen.recognised(noun) for seen in found) for noun in nouns),
    "unmixed with each other": lambda nouns, found: not any(seen.blends for seen in found),
    "nothing mixed": lambda nouns, found: not any(seen.mixed >= 0.5 for seen in found),
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
    asked = by_seeds(scenes(nouns, count, seeds, subjects=(1,)))
    ways = arms()
    found = {name: _measured(studio, asked, arm.draw) for name, arm in ways.items()}
    of = {what: [key(scene) for group in asked for scene in (group[:1] if what == "difference between seeds" else group)] for what in UNITS}

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


def _measured(studio: Studio, asked: Sequence[Seeds], draw: DrawSettings) -> dict[str, list[float]]:
    """Each measure of each picture, or of each scene, in order."""
    found = studio.ask(asked, draw, "single subjects", lambda some: _seen(studio, some, draw))
    return {what: [value for of_scene in found for value in of_scene[what]] for what in UNITS}


def _seen(studio: Studio, seeds: Seeds, draw: DrawSettings) -> dict[str, list[float]]:
    """Measures of one scene's pictures; they differ by as much as a pixel's channel deviates from its mean."""
    pictures = [studio.draw(scene, draw) for scene in seeds]
    return {
        "subject recognised": [100.0 * any(v.recognised(scene.nouns[0]) for v in studio.eye.find(picture, ALONE)) for scene, picture in zip(seeds, pictures, strict=True)],
        "colour of the background": [100.0 * (background(Image.fromarray(picture)) == scene.colour) for scene, picture in zip(seeds, pictures, strict=True)],
        "saturation": [round(100 / 255 * float(np.ptp(picture, axis=2).mean()), 3) for picture in pictures],
        "difference between seeds": [round(100 / 255 * float(np.std(pictures, axis=0).mean()), 3)],
    }


# ------------------------------------------------------------------------------------------------------------- intervals


def _gain(name: str, on: Iterable[bool], off: Iterable[bool], of: Sequence[Any], wanted: str = "") -> evaluate.Figure:
    """Difference of two shares in points, paired."""
    return _difference(name, [100.0 * a for a in on], [100.0 * b for b in off], of, wanted)


def _difference(name: str, on: Iterable[float], off: Iterable[float], of: Sequence[Any], wanted: str = "") -> evaluate.Figure:
    return evaluate.mean(name, [a - b for a, b in zip(on, off, strict=True)], "pt", wanted, of)
