"""Pictures that cut-outs are measured on, each with its truth: testbed scenes shown to the embedded model, and what it draws itself on plain grounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import cv2
import numpy as np

from cutwork.domain import Box, Plan, Size
from cutwork.tools.drawing import suits
from cutwork.tools.families import mini
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.masks.clean import clean
from cutwork.tools.pixels import resized
from cutwork.tools.record_file import Record
from cutwork.tools.render import condition, drawn, record_of

from . import art, control_studio
from . import scenes as testbed
from .forced import look
from .measure_masks import plan_of

Ground = Literal["plain", "textured"]
SIDE = 256
COUNTS = (1, 2, 3)
GROUNDS: tuple[Ground, ...] = ("plain", "textured")
JITTER = 0.08  # how far planned boxes are off the subjects, at most, in parts of the canvas
FIRST = testbed.HELD_OUT + 900_000  # seed of the first scene: none of those that anything was chosen on


@dataclass(frozen=True)
class Asked:
    """A picture that is to be measured, made when it is needed."""

    name: str  # says which picture it is; no other has it
    make: Callable[[], Case | None]  # None = there is no truth to hold it against


@dataclass(frozen=True, eq=False)
class Case:
    """A picture, what is true of it, and what the model attended to."""

    image: np.ndarray  # (H, W, 3) uint8
    truth: np.ndarray  # (regions, H, W) float32 in 0..1
    plan: Plan
    record: Record
    ground: Ground

    @property
    def count(self) -> int:
        return len(self.plan.regions)


def composed(table: Sequence[art.Art], per: int, first: int = FIRST) -> Iterator[tuple[testbed.Scene, Ground, int]]:
    """So many scenes of each number of subjects and ground, with their seeds."""
    for count in COUNTS:
        for ground in GROUNDS:
            seed, found = first + 10_000 * count, 0
            while found < per:
                scene = testbed.make(tuple(table), seed, (SIDE, SIDE), count=count)
                if _ground(scene) == ground and len({s.noun for s in scene.subjects}) == count:
                    yield scene, ground, seed
                    found += 1
                seed += 1


def _ground(scene: testbed.Scene) -> Ground | None:
    """Plain, or with a pattern or a place to see; gradients are neither."""
    back = scene.background
    if back.short == f"{back.colour} background":
        return "plain"
    return None if "gradient" in back.short else "textured"


def planned(scene: testbed.Scene, seed: int) -> Plan:
    """As the agents could have planned the scene: boxes a little off, the prompt its caption."""
    plan = plan_of(scene, np.random.default_rng(seed), JITTER)
    told = tuple(r.model_copy(update={"prompt": f"{r.prompt} {scene.background.phrase}"}) for r in plan.regions)
    ground = {"background": scene.background.short, "draw": suits("mini"), "size": Size((SIDE, SIDE))}
    return plan.model_copy(update={"prompt": scene.caption, "regions": told, **ground})


def shown(scene: testbed.Scene, ground: Ground, seed: int, family: MiniFamily, every: int = 1, itself: bool = False) -> Case:
    """A composed scene as the model sees it at every step, or at some."""
    plan, _ = family.translate(planned(scene, seed))
    looked = look(plan, condition(plan, family), seed, scene.image, family, every, itself)
    return Case(scene.image, np.stack([s.alpha for s in scene.subjects]), plan, record_of(plan, looked.recorder), ground)


def composed_cases(family: MiniFamily, table: Sequence[art.Art], per: int, name: str = "composed") -> Iterator[Asked]:
    """Composed scenes, each shown to the model when it is needed."""
    for scene, ground, seed in composed(table, per):
        yield Asked(f"{name} {seed} {ground}", partial(shown, scene, ground, seed, family))


def drawn_cases(family: MiniFamily, count: int, seeds: int) -> Iterator[Asked]:
    """What the model draws on plain grounds; pictures in which a subject is not to be seen in its place have no truth."""
    for scene in control_studio.scenes(tuple(mini.vocabulary()["subjects"]), count, seeds, COUNTS):
        plan = family.translate(scene.plan(SIDE, suits("mini")))[0]
        yield Asked(f"drawn {scene.seed} {plan.model_dump_json()}", partial(drawn_case, plan, scene.seed, family))


def drawn_case(plan: Plan, seed: int, family: MiniFamily) -> Case | None:
    """One picture drawn; None if a subject is not to be seen in its place."""
    ended = drawn(plan, family, seed)
    image = resized(family.decode(ended.latents, ended.size), plan.size.root)
    truth = by_ground(image, [r.box for r in plan.regions])
    return Case(image, truth.astype(np.float32), plan, record_of(plan, ended.recorder), "plain") if truth.any((1, 2)).all() else None


def by_ground(image: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Masks of what differs from a plain ground, each piece given to the box that holds most of it: (boxes, H, W) bool."""
    height, width = image.shape[:2]
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 0.7)
    edge = np.concatenate([lab[:4].reshape(-1, 3), lab[-4:].reshape(-1, 3), lab[:, :4].reshape(-1, 3), lab[:, -4:].reshape(-1, 3)])
    away = np.linalg.norm(lab - np.median(edge, 0), axis=2)
    noise = float(np.quantile(np.linalg.norm(edge - np.median(edge, 0), axis=1), 0.9))
    rough = clean(away > max(12.0, 2.5 * noise))
    rim = rough & (cv2.erode(rough.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    faint = away < 0.5 * cv2.dilate(away, np.ones((7, 7), np.uint8))  # less than half way from the ground to the subject beside it
    pieces = cv2.connectedComponents(clean(rough & ~(rim & faint)).astype(np.uint8), connectivity=8)[1]
    inside = np.zeros((len(boxes), height, width), bool)
    for k, box in enumerate(boxes):
        x0, y0, x1, y1 = box.pixels(width, height)
        inside[k, y0:y1, x0:x1] = True
    masks = np.zeros((len(boxes), height, width), bool)
    for number in range(1, int(pieces.max()) + 1):
        piece = pieces == number
        shares = [float((piece & one).sum()) for one in inside]
        if max(shares) > 0:
            masks[int(np.argmax(shares))] |= piece
    return masks
