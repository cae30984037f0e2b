"""Where `cutwork eval control` has its pictures drawn and judged: planned scenes, the embedded model, and answers that are kept.

A picture costs seconds and an answer a line, so that answers outlive the machine they were found on: an evaluation that was stopped goes
on where it stopped, also elsewhere, and one that is repeated draws nothing but what its sheet shows.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from cutwork import plurals, tools
from cutwork.agents.words import article
from cutwork.domain import Box, DrawSettings, Plan, Region, Size, Subject
from cutwork.tools.denoise import denoise
from cutwork.tools.families import mini
from cutwork.tools.families.base import Text
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.pixels import resized
from cutwork.tools.render import Begin, condition, techniques_of

from . import backgrounds, judge
from .art import CACHE

KEPT = CACHE / "eval_control"
EVERY = 50  # drawings after which it says how far it is
BATCH = 12  # pictures that are drawn at once, at most
DECIDE = (  # code that decides a picture
    *(f"{name}.py" for name in ("conditioning", "denoise", "guides", "nudge", "render")),
    *(f"attention/{name}.py" for name in ("control", "kernels", "rectify", "regional", "regions", "selfcross", "subjects")),
    "masks/place.py", "families/base.py", "families/flux.py", "families/mini/__init__.py", "families/mini/wording.py",
)  # fmt: skip

Pixels = np.ndarray
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
            yield Scene(chosen, tuple(boxes(n)), colour, 1000 * k + seed)


def boxes(n: int) -> list[tuple[float, float, float, float]]:
    """On the 16 px grid of 128 and 256 px pictures."""
    if n == 1:
        return [(0.1875, 0.1875, 0.8125, 0.8125)]
    if n == 4:
        return [(x, y, x + 0.375, y + 0.375) for y in (0.0625, 0.5625) for x in (0.0625, 0.5625)]
    if n == 3:
        return [(0.0625, 0.0625, 0.4375, 0.4375), (0.5625, 0.0625, 0.9375, 0.4375), (0.3125, 0.5625, 0.6875, 0.9375)]
    return [(0.0625, 0.25, 0.4375, 0.75), (0.5625, 0.25, 0.9375, 0.75)]


Seeds = tuple[Scene, ...]


def key(scene: Scene) -> tuple[Any, ...]:
    """The same for all seeds of a scene, and for no other scene."""
    return scene.nouns, scene.colour, scene.seed // 1000


def by_seeds(asked: Iterable[Scene]) -> list[Seeds]:
    """The scenes, each with all its seeds, which follow each other."""
    return [tuple(seeds) for _, seeds in groupby(asked, key=key)]


class Answers:
    """What was found in pictures, a line of JSON each, appended as it is found.

    Args:
        path: the file. Its first line says of what its answers are; if that is not `of`, it is begun anew, with the first answer: to look loses nothing.
        of: what decides the answers but is not in their names: weights, code, judge.
    """

    def __init__(self, path: Path, of: str) -> None:
        self.path, self.known, self._head, self._begun = path, dict[str, Any](), json.dumps({"of": of}), False
        first, *lines = path.read_text("utf-8").splitlines() if path.is_file() else [""]
        if first == self._head:
            self.known = dict(_whole(lines))

    def __contains__(self, name: str) -> bool:
        return name in self.known

    def __getitem__(self, name: str) -> Any:
        return self.known[name]

    def __setitem__(self, name: str, answer: Any) -> None:
        if not self._begun:
            self._begin()
        self.known[name] = answer
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, answer]) + "\n")

    def _begin(self) -> None:
        """Make a file that can be appended to: of the same, and without a last line that a kill has cut short."""
        text = self.path.read_text("utf-8") if self.path.is_file() else ""
        if not (text.startswith(f"{self._head}\n") and text.endswith("\n")):
            write(self.path, "".join(f"{line}\n" for line in (self._head, *map(json.dumps, self.known.items()))).encode())
        self._begun = True


def _whole(lines: Iterable[str]) -> Iterator[list[Any]]:
    """Lines up to the first that a kill has cut short."""
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


class Studio:
    """The embedded model and the judge, at one picture size.

    Args:
        answers: file of what was found already. kept: folder of pictures. say: told now and then how many pictures were drawn.
    """

    def __init__(self, side: int, answers: Path, kept: Path = KEPT, say: Say = lambda line: None) -> None:
        self.side, self.kept, self.say, self.made, self.took = side, kept, say, 0, 0.0
        self.eye = judge.load()
        self.known = Answers(answers, f"{_maker()} {digest(judge.WEIGHTS, Path(judge.__file__))[:12]}")

    @cached_property
    def family(self) -> MiniFamily:
        """Loaded when something is to be drawn."""
        return mini.load("mini", torch.device("cpu"))

    def ask(self, asked: Sequence[Seeds], draw: DrawSettings, what: str, look: Callable[[Seeds], Any]) -> list[Any]:
        """What `look` finds in each scene's pictures, asked once for each.

        Args:
            asked: scenes with all their seeds. draw: how they are drawn. what: names the question. look: gives what JSON can hold.
        """
        names = [self._name(seeds, draw, what) for seeds in asked]
        missing = {seeds: name for seeds, name in zip(asked, names, strict=True) if name not in self.known}
        for batch in self._batches(list(missing), draw):
            self.prepare([scene for seeds in batch for scene in seeds], draw)
            for seeds in batch:
                self.known[missing[seeds]] = look(seeds)
        return [self.known[name] for name in names]

    def _name(self, seeds: Seeds, draw: DrawSettings, what: str) -> str:
        told = json.dumps([what, [[scene.plan(self.side, draw).model_dump_json(), scene.seed] for scene in seeds]])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def draw(self, scene: Scene, draw: DrawSettings) -> Pixels:
        """(side, side, 3) uint8."""
        self.prepare([scene], draw)
        return np.array(Image.open(self._path(scene, draw)).convert("RGB"))

    def prepare(self, asked: Sequence[Scene], draw: DrawSettings) -> None:
        """Draw what is not there yet of some scenes that can be drawn as one batch."""
        missing = [scene for scene in asked if not self._path(scene, draw).is_file()]
        if not missing:
            return
        began, made = time.monotonic(), self.made
        for scene, latents in zip(missing, self._drawn([self._planned(scene, draw) for scene in missing], missing), strict=True):
            out = io.BytesIO()
            Image.fromarray(self.family.decode(latents, (self.side, self.side))).save(out, "PNG")
            write(self._path(scene, draw), out.getvalue())
            self.made += 1
        self.took += time.monotonic() - began
        if self.made // EVERY > made // EVERY:
            self.say(f"{self.made} pictures drawn, {self.took / self.made:.1f} s each")

    def _batches(self, asked: Sequence[Seeds], draw: DrawSettings) -> Iterator[list[Seeds]]:
        """What is drawn together: seeds of a scene; of several scenes where each is told by a prompt alone, and all are of one shape."""
        waiting: list[Seeds] = []
        alone = not draw.regional and draw.self_cross is None
        for seeds in asked:
            fits = alone and sum(map(len, waiting)) + len(seeds) <= BATCH
            if waiting and not (fits and self._shape(waiting[-1][-1], draw) == self._shape(seeds[0], draw)):
                yield waiting
                waiting = []
            waiting = [*waiting, seeds]
        if waiting:
            yield waiting

    def _planned(self, scene: Scene, draw: DrawSettings) -> Plan:
        """As a drawing takes it."""
        return self.family.translate(scene.plan(self.side, draw))[0]

    def _shape(self, scene: Scene, draw: DrawSettings) -> tuple[Any, ...]:
        """What is the same for scenes of one batch: the length of the text, and the size that is drawn first."""
        plan = self._planned(scene, draw)
        return self.family.encode([plan.prompt]).lengths, self._small(plan)

    def _drawn(self, plans: Sequence[Plan], asked: Sequence[Scene]) -> Sequence[torch.Tensor]:
        """Clean latents of some scenes that are drawn together, as `render.drawn` draws each: small first where the family likes that better."""
        small = self._small(plans[0])
        if small is None:
            return self._denoised(plans, asked)
        how, size = plans[0].draw, plans[0].size.root
        first = self._denoised([plan.model_copy(update={"size": Size(small)}) for plan in plans], asked)
        enlarged = torch.cat([self.family.latents(resized(self.family.decode(latents, small), size)) for latents in first])
        return self._denoised(plans, asked, (enlarged, how.refine_from))

    def _small(self, plan: Plan) -> tuple[int, int] | None:
        """The size a plan is drawn at first, if there is one."""
        return self.family.first_size(plan) if plan.draw.refine_from > 0 else None

    def _denoised(self, plans: Sequence[Plan], asked: Sequence[Scene], begin: Begin | None = None) -> Sequence[torch.Tensor]:
        """Clean latents of some seeds of a plan as one batch, or of several plans that `_batches` puts together."""
        size, how = plans[0].size.root, plans[0].draw
        noise = torch.cat([self.family.noise(scene.seed, size) for scene in asked])
        told = {plan.prompt: condition(plan, self.family) for plan in plans}
        what = told[plans[0].prompt]
        if len(told) > 1:
            plain = [told[plan.prompt].plain for plan in plans]
            weak = None if plain[0].weak is None else _texts(phase.weak for phase in plain)
            what = replace(what, plain=replace(plain[0], text=_texts(phase.text for phase in plain), weak=weak))
        on = techniques_of(plans[0], self.family)
        return torch.split(denoise(self.family, noise, what, size, how.steps, how.guidance, on, begin=begin).latents, 1)

    def _path(self, scene: Scene, draw: DrawSettings) -> Path:
        """Named by everything that decides the picture."""
        told = f"{scene.plan(self.side, draw).model_dump_json()} {scene.seed} {_maker()}"
        name = hashlib.sha256(told.encode()).hexdigest()[:32]
        return self.kept / name[:2] / f"{name}.png"


def _texts(texts: Iterable[Text | None]) -> Text:
    """Texts of one length, one for each image of a batch."""
    each = [text for text in texts if text is not None]
    return Text(torch.cat([text.sequence for text in each]), torch.cat([text.pooled for text in each]), each[0].lengths)


def write(path: Path, data: bytes) -> None:
    """Whole or not at all, so that it may be stopped at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


@cache
def digest(*paths: Path) -> str:
    """Of what is in some files."""
    told = hashlib.sha256()
    for path in paths:
        told.update(hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()


@cache
def _maker() -> str:
    """Of the embedded model's weights, the code that draws, and torch."""
    code = Path(next(iter(tools.__path__)))
    files = [
        Path(plurals.__file__),
        *(path for path in sorted(mini.folder().rglob("*")) if path.is_file()),
        *(path for pattern in DECIDE for path in sorted(code.glob(pattern))),
    ]
    return f"{digest(*files)} {torch.__version__}"
