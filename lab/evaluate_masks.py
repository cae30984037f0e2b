"""How good are the cut-outs?  `cutwork eval masks`

    composed   testbed scenes with their true alpha; the embedded model is shown them at every step, under the control it draws with
    drawn      what the embedded model draws on a plain ground, which is known; the truth is what differs from the ground
    keywords   composed scenes by the prompt alone: what if the map is read for the right words, for others, for a planner's, for more
    snapped    composed scenes: maps as they are, spread along the picture's attention to itself, and evened within its segments

On the same maps, every weight of fusion is followed by three cuts: as published ("paper", GrabCut), the default ("informed", GrabCut), and the
default with matting. All figures are means over scenes, a scene being the mean of its subjects. Scenes of subjects of one kind are left out of
`composed`: no map could tell those apart. Measures:

    IoU        of alpha above a half with the truth
    edge F     F1 of edge pixels within 0.8 % of the diagonal of the true edge
    MAE, grad  mean difference of alphas; mean squared difference of their gradients (Gaussian derivatives, sigma 1.4)

What each picture came to is kept in `.cache`, under what decides it (picture, weights, code): an evaluation that was stopped goes on, its parts can
be run one after the other, and more scenes cost only themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from PIL import Image

from cutwork import tools
from cutwork.domain import Box, CutSettings, Plan, Region, Size, Subject
from cutwork.studio import Studio
from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.cut import cut, fused_maps
from cutwork.tools.drawing import suits
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import mini
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.masks import matting, measure
from cutwork.tools.masks.clean import clean
from cutwork.tools.masks.segment import segment
from cutwork.tools.pixels import decode, encode, resized
from cutwork.tools.record_file import Record
from cutwork.tools.render import condition, drawn, record_of

from . import art, evaluate, evaluate_control, remover
from . import scenes as testbed
from .forced import by_words, look
from .measure_masks import plan_of

Cut = Literal["paper", "default", "matting"]
Ground = Literal["plain", "textured"]
SIDE = 256
COUNTS = (1, 2, 3)
GROUNDS: tuple[Ground, ...] = ("plain", "textured")
PARTS = ("composed", "drawn", "keywords", "snapped")
SNAPS = ("none", "spread", "segments")  # of `CutSettings.snap`
EVERY = 3  # one in so many steps is looked at where maps are snapped
CUTS: tuple[Cut, ...] = ("paper", "default", "matting")
JITTER = 0.08  # how far planned boxes are off the subjects, at most, in parts of the canvas
FIRST = testbed.HELD_OUT + 900_000  # seed of the first scene: none of those that anything was chosen on
PUBLISHED, DEFAULT = ("entropy", "paper"), (CutSettings().fusion, "default")
NEAR = 0.008  # of the diagonal: as far as an edge may be off
SHOWN = 2  # scenes of each kind on the sheet
DECIDE = ("cut.py", "denoise.py", "families/mini/*.py", "masks/*.py", "attention/*.py")  # code that measures come of
Say = Callable[[str], None]


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


@dataclass(frozen=True)
class Score:
    """One cut-out held against the truth."""

    iou: float
    edge: float
    mae: float
    grad: float


@dataclass
class Scores:
    """What was measured: for each way of cutting and kind of scene, one mean score a scene."""

    of: dict[tuple[str, str, int, str], list[Score]] = field(default_factory=dict)  # by (fusion or remover, cut, subjects, ground)

    def add(self, found: Found) -> None:
        """Count in what was measured of a picture."""
        for way, each in found.of.items():
            self.of.setdefault((*way, found.count, found.ground), []).append(each)

    def values(self, way: tuple[str, str], name: str, counts: Sequence[int] = COUNTS, grounds: Sequence[str] = GROUNDS) -> list[float]:
        """One measure of all scenes of some kinds, always in the same order; shares in per cent, alpha errors in per mille."""
        scale = 100.0 if name in ("iou", "edge") else 1000.0
        return [scale * getattr(s, name) for n in counts for g in grounds for s in self.of.get((*way, n, g), [])]


@dataclass(frozen=True)
class Found:
    """What was measured of one picture: the mean score of its cut-outs, by (fusion or remover, cut)."""

    count: int
    ground: str
    of: dict[tuple[str, str], Score]

    def to_bytes(self) -> bytes:
        return json.dumps({"count": self.count, "ground": self.ground, "of": [[*way, *astuple(one)] for way, one in self.of.items()]}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Found:
        read: dict[str, Any] = json.loads(data)
        return cls(read["count"], read["ground"], {(row[0], row[1]): Score(*row[2:]) for row in read["of"]})


@dataclass(frozen=True)
class Cache:
    """Files of what was measured before, each whole or not there."""

    folder: Path

    def get(self, name: str, ending: str = "json") -> bytes | None:
        path = self._path(name, ending)
        return path.read_bytes() if path.is_file() else None

    def put(self, name: str, data: bytes, ending: str = "json") -> None:
        path = self._path(name, ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        partly = path.with_suffix(f".{os.getpid()}")
        partly.write_bytes(data)
        partly.replace(path)

    def _path(self, name: str, ending: str) -> Path:
        told = hashlib.sha256(f"{name} {_maker()}".encode()).hexdigest()[:32]
        return self.folder / told[:2] / f"{told}.{ending}"


@cache
def _maker() -> str:
    """Of the embedded model's weights, the code that cuts and measures, and torch."""
    code = Path(next(iter(tools.__path__)))
    files = [*(path for path in sorted(mini.folder().rglob("*")) if path.is_file()), *(path for pattern in DECIDE for path in sorted(code.glob(pattern)))]
    told = hashlib.sha256()
    for path in files:
        told.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{told.hexdigest()} {torch.__version__}"


def score(alpha: np.ndarray, truth: np.ndarray) -> Score:
    """All measures of one alpha, (H, W) and (H, W) in 0..1."""
    gap = _gradient(alpha) - _gradient(truth)
    return Score(measure.iou(alpha > 0.5, truth > 0.5), edge_f(alpha > 0.5, truth > 0.5), float(np.abs(alpha - truth).mean()), float((gap**2).sum(0).mean()))


def edge_f(mask: np.ndarray, truth: np.ndarray) -> float:
    """F1 of two masks' edges, a pixel counting where the other edge is near: 0..1; 1 where neither has an edge."""
    edges = [m & (cv2.erode(m.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) == 0) for m in (mask, truth)]
    if not edges[0].any() or not edges[1].any():
        return float(not edges[0].any() and not edges[1].any())
    near = round(NEAR * float(np.hypot(*mask.shape)))
    away = [cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) <= near for edge in edges]
    precision, recall = float(away[1][edges[0]].mean()), float(away[0][edges[1]].mean())
    return 2 * precision * recall / max(1e-9, precision + recall)


def _gradient(alpha: np.ndarray) -> np.ndarray:
    smooth = cv2.GaussianBlur(alpha.astype(np.float64), (0, 0), 1.4)
    return np.stack([cv2.Sobel(smooth, -1, 1, 0, scale=1 / 8), cv2.Sobel(smooth, -1, 0, 1, scale=1 / 8)])


# pictures


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
    return plan.model_copy(update={"prompt": scene.caption, "background": scene.background.short, "regions": told, "draw": suits("mini"), "size": Size((SIDE, SIDE))})


def shown(scene: testbed.Scene, ground: Ground, seed: int, family: MiniFamily, every: int = 1, itself: bool = False) -> Case:
    """A composed scene as the model sees it at every step, or at some."""
    plan, _ = family.translate(planned(scene, seed))
    looked = look(plan, condition(plan, family), seed, scene.image, family, every, itself)
    return Case(scene.image, np.stack([s.alpha for s in scene.subjects]), plan, record_of(plan, looked.recorder), ground)


def composed_cases(family: MiniFamily, table: Sequence[art.Art], per: int) -> Iterator[Asked]:
    """Composed scenes, each shown to the model when it is needed."""
    for scene, ground, seed in composed(table, per):
        yield Asked(f"composed {seed} {ground}", partial(shown, scene, ground, seed, family))


def drawn_cases(family: MiniFamily, count: int, seeds: int) -> Iterator[Asked]:
    """What the model draws on plain grounds; pictures in which a subject is not to be seen in its place have no truth."""
    for scene in evaluate_control.scenes(tuple(mini.vocabulary()["subjects"]), count, seeds, COUNTS):
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


# cutting


def alphas_of(case: Case, weight: str, how: Cut, snap: str = "none") -> np.ndarray:
    """A case's cut-outs, (regions, H, W) in 0..1, by the tools that cut designs."""
    fused, settings = fused_maps(case.record, weight, snap), CutSettings(method="paper" if how == "paper" else "informed")
    found = segment(case.image, fused, case.plan.regions, settings, within=how != "paper" and case.plan.draw.regional)
    return matting.soften(case.image, found.masks, found.unsure, settings.band) if how == "matting" else found.masks.astype(np.float64)


def by_remover(net: remover.Remover, case: Case) -> np.ndarray:
    """The remover's alpha, each pixel given to the subject whose planned box is nearest, which it could not know itself."""
    height, width = case.image.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    away = []
    for region in case.plan.regions:
        x0, y0, x1, y1 = region.box.pixels(width, height)
        away.append(np.hypot(np.maximum(0, np.maximum(x0 - x, x - x1)), np.maximum(0, np.maximum(y0 - y, y - y1))))
    mine = np.argmin(away, 0)[None] == np.arange(case.count)[:, None, None]
    return net.alpha(case.image) * mine


def found_of(case: Case, weights: Sequence[str], net: remover.Remover | None) -> Found:
    """Every way of cutting a case."""
    ways: dict[tuple[str, str], np.ndarray] = {(weight, how): alphas_of(case, weight, how) for weight in weights for how in CUTS}
    if net is not None:
        ways["remover", "as it is"] = np.repeat(net.alpha(case.image)[None], case.count, 0)
        ways["remover", "by boxes"] = by_remover(net, case)
    return Found(case.count, case.ground, {way: mean_score(alphas, case.truth) for way, alphas in ways.items()})


def mean_score(alphas: np.ndarray, truth: np.ndarray) -> Score:
    """The mean score of a case's cut-outs, (regions, H, W) in 0..1."""
    each = [score(alpha, true) for alpha, true in zip(alphas, truth, strict=True)]
    return Score(*(float(np.mean([getattr(s, name) for s in each])) for name in ("iou", "edge", "mae", "grad")))


def measured(cases: Iterable[Asked], weights: Sequence[str], net: remover.Remover | None, pictures: list[np.ndarray], kept: Cache, say: Say = lambda line: None) -> Scores:
    """Every way of cutting every case; adds a row to the sheet for the first of each kind. What was measured before is not measured again."""
    scores, seen = Scores(), dict[tuple[int, str], int]()
    for number, asked in enumerate(cases, 1):
        name, case = f"{asked.name} {' '.join(weights)} {net is not None}", None
        data = kept.get(name)
        if data is None:
            case = asked.make()
            data = b"null" if case is None else found_of(case, weights, net).to_bytes()
            kept.put(name, data)
            say(f"{number} measured")
        if data == b"null":
            continue
        found = Found.from_bytes(data)
        scores.add(found)
        kind = found.count, found.ground
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= SHOWN:
            pictures += shown_row(name, partial(_made, asked, case), net, kept)
    return scores


def _made(asked: Asked, case: Case | None) -> Case | None:
    return asked.make() if case is None else case


def shown_row(name: str, make: Callable[[], Case | None], net: remover.Remover | None, kept: Cache) -> list[np.ndarray]:
    """A case's row of the sheet; it is made once."""
    data = kept.get(name, "png")
    if data is None:
        case = make()
        data = b"" if case is None else encode(np.concatenate(row(case, net), 1))
        kept.put(name, data, "png")
    return list(np.split(decode(data, "RGB"), range(SIDE, SIDE * (5 + (net is not None)), SIDE), 1)) if data else []


def row(case: Case, net: remover.Remover | None) -> list[np.ndarray]:
    """A case on the sheet: the picture, where the first subject was attended to, and it cut out as published, by default, with matting, and by the remover."""
    heat = cv2.applyColorMap((255 * resized_field(fused_maps(case.record, DEFAULT[0])[0])).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    cuts = [alphas_of(case, PUBLISHED[0], "paper"), alphas_of(case, DEFAULT[0], "default"), alphas_of(case, DEFAULT[0], "matting")]
    cuts += [by_remover(net, case)] if net is not None else []
    return [case.image, heat // 2 + case.image // 2, *(pasted(case.image, alphas) for alphas in cuts)]


def resized_field(fused: np.ndarray) -> np.ndarray:
    return np.clip(cv2.resize(fused, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)


def pasted(image: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Every subject on a ground of its own: what a cut-out is for, and what shows a halo."""
    inks = np.array([(255, 0, 200), (0, 210, 255), (255, 210, 0)], np.float64)
    nearest = alphas.argmax(0) if len(alphas) > 1 else np.zeros(image.shape[:2], np.int64)
    away = np.stack([cv2.distanceTransform((a <= 0.5).astype(np.uint8), cv2.DIST_L2, 5) for a in alphas])
    page = inks[np.where(alphas.max(0) > 0.5, nearest, away.argmin(0)) % 3]
    for alpha in alphas:
        colours = matting.foreground(image, alpha)
        page = page * (1 - alpha[..., None]) + colours * alpha[..., None]
    return np.clip(page + 0.5, 0, 255).astype(np.uint8)


# figures


def summary(name: str, scores: Scores, net: bool, grounds: Sequence[str]) -> list[evaluate.Figure]:
    """What is asked of the default, and the paper's claim."""
    wanted = {1: "≥ 90", 2: "≥ 85", 3: ""}
    figures = [evaluate.mean(f"{name}, {n} subject{'s' * (n > 1)}, default: IoU", scores.values(DEFAULT, "iou", [n], grounds), "%", wanted[n]) for n in COUNTS]
    figures += [evaluate.mean(f"{name}, {n} subject{'s' * (n > 1)}, published recipe: IoU", scores.values(PUBLISHED, "iou", [n], grounds), "%") for n in COUNTS]
    figures += [gain(f"{name}, {n} subject{'s' * (n > 1)}, default − published: IoU", scores, DEFAULT, PUBLISHED, "iou", [n], grounds, "≥ +5") for n in COUNTS]
    figures.append(gain(f"{name}, all, default − published: IoU", scores, DEFAULT, PUBLISHED, "iou", COUNTS, grounds, "≥ +5"))
    if net:
        for way in (("remover", "as it is"), ("remover", "by boxes")):
            for n in COUNTS:
                figures.append(evaluate.mean(f"{name}, {n} subject{'s' * (n > 1)}, {' '.join(way)}: edge F", scores.values(way, "edge", [n], grounds), "%"))
            figures.append(gain(f"{name}, 2 subjects, default − {' '.join(way)}: edge F", scores, DEFAULT, way, "edge", [2], grounds, "> 0"))
    for how in ("paper", "default"):
        figures.append(gain(f"{name}, all, entropy − mean, {how} cut: IoU", scores, ("entropy", how), ("mean", how), "iou", COUNTS, grounds))
    if name == "drawn":  # its truth has no alpha
        return figures
    soft = (DEFAULT[0], "matting")
    figures += [gain(f"{name}, all, matting − GrabCut: {what}", scores, soft, DEFAULT, key, COUNTS, grounds, "< 0") for what, key in (("alpha MAE", "mae"), ("gradient error", "grad"))]
    return figures


def gain(
    name: str, scores: Scores, one: tuple[str, str], other: tuple[str, str], key: str, counts: Sequence[int], grounds: Sequence[str], wanted: str = ""
) -> evaluate.Figure:
    """Difference of two ways of cutting the same scenes, paired."""
    pairs = zip(scores.values(one, key, counts, grounds), scores.values(other, key, counts, grounds), strict=True)
    return evaluate.mean(name, [a - b for a, b in pairs], "pt" if key in ("iou", "edge") else "‰", wanted)


def everything(name: str, scores: Scores) -> list[evaluate.Figure]:
    """Every measure of every way of cutting every kind of scene."""
    units = {"iou": ("IoU", "%"), "edge": ("edge F", "%")}
    if name != "drawn":  # its truth has no alpha
        units |= {"mae": ("alpha MAE", "‰"), "grad": ("gradient error", "‰")}
    return [
        evaluate.mean(f"{name}, {n} on {ground}, {weight}, {how}: {told}", scores.values((weight, how), key, [n], [ground]), unit)
        for weight, how, n, ground in scores.of
        for key, (told, unit) in units.items()
    ]


# keywords


def keywords(scene: testbed.Scene, plan: Plan, studio: Studio, rng: np.random.Generator) -> dict[str, list[list[str]]]:
    """For each way of choosing them, the words of the prompt whose maps are read for each subject."""
    own = [re.findall(r"[\w-]+", s.words) for s in scene.subjects]
    noun = [[one[-1]] for one in own]
    others = sorted(set(re.findall(r"[\w-]+", plan.prompt.lower())) - {w for words in own for w in words})
    found = {w for s in studio.plan(plan.prompt).subjects for w in s.noun.split()}
    return {
        "true keyword": noun,
        "random keyword": [[str(rng.choice(others))] if others else [] for _ in own],
        "planner's keyword": [[w for w in words if w in found] for words in own],
        "all words of the subject": own,
        "all words of the prompt": [re.findall(r"[\w-]+", plan.prompt) for _ in own],
    }


def by_keywords(family: MiniFamily, table: Sequence[art.Art], per: int, kept: Cache) -> list[evaluate.Figure]:
    """IoU of the published recipe and of the default cut on maps of other words, by the prompt alone."""
    found: dict[tuple[str, str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        studio = Studio(home=Path(home), llm="offline", model="mini")
        for scene, ground, seed in composed(table, per):
            name = f"keywords {seed} {ground}"
            data = kept.get(name)
            if data is None:
                data = json.dumps(keyword_ious(scene, ground, seed, family, studio)).encode()
                kept.put(name, data)
            for word, how, iou in json.loads(data):
                found.setdefault((word, how, len(scene.subjects)), []).append(iou)
    return [evaluate.mean(f"prompt alone, {n} subject{'s' * (n > 1)}, {name}, {how}: IoU", values, "%") for (name, how, n), values in found.items()]


def keyword_ious(scene: testbed.Scene, ground: Ground, seed: int, family: MiniFamily, studio: Studio) -> list[tuple[str, str, float]]:
    """For one scene, each way of choosing words and of cutting with the mean IoU in per cent."""
    plan = family.translate(planned(scene, seed))[0]
    plan = plan.model_copy(update={"draw": plan.draw.model_copy(update={"regional": False})})
    chosen = keywords(scene, plan, studio, np.random.default_rng(seed))
    looked = look(plan, by_words(plan, family, [words for each in chosen.values() for words in each]), seed, scene.image, family)
    record, count = record_of(plan, looked.recorder), len(scene.subjects)
    truth = np.stack([s.alpha for s in scene.subjects])
    found = []
    for k, name in enumerate(chosen):
        case = Case(scene.image, truth, plan, Record(record.maps[:, k * count : (k + 1) * count], record.blocks, record.steps), ground)
        for how in ("paper", "default"):
            ious = [measure.iou(a > 0.5, t > 0.5) for a, t in zip(alphas_of(case, "entropy", how), truth, strict=True)]
            found.append((name, how, 100 * float(np.mean(ious))))
    return found


# snapping


def snapped(family: MiniFamily, table: Sequence[art.Art], per: int, kept: Cache, say: Say) -> list[evaluate.Figure]:
    """What snapping does to the IoU of the published recipe and of the default cut, on the same maps."""
    scores = Scores()
    for number, (scene, ground, seed) in enumerate(composed(table, per), 1):
        name = f"snapped {seed} {ground}"
        data = kept.get(name)
        if data is None:
            case = shown(scene, ground, seed, family, EVERY, itself=True)
            ways: list[tuple[str, Cut]] = [(snap, how) for snap in SNAPS for how in ("paper", "default")]
            found = {(snap, how): mean_score(alphas_of(case, DEFAULT[0], how, snap), case.truth) for snap, how in ways}
            data = Found(case.count, ground, found).to_bytes()  # type: ignore[arg-type]
            kept.put(name, data)
            say(f"{number} measured")
        scores.add(Found.from_bytes(data))
    figures = []
    for how in ("paper", "default"):
        figures += [evaluate.mean(f"snapped, {n} subject{'s' * (n > 1)}, as they are, {how}: IoU", scores.values(("none", how), "iou", [n]), "%") for n in COUNTS]
        for snap in SNAPS[1:]:
            for counts, told in (*(((n,), f"{n} subject{'s' * (n > 1)}") for n in COUNTS), (COUNTS, "all")):
                figures += [gain(f"snapped, {told}, {snap} − as they are, {how}: {what}", scores, (snap, how), ("none", how), key, counts, GROUNDS) for what, key in (("IoU", "iou"), ("edge F", "edge"))]
    return figures


def run(scenes: int = 12, seeds: int = 1, parts: Sequence[str] = PARTS, weights: Sequence[str] = tuple(WEIGHTS), kept: Path = art.CACHE / "eval_masks", say: Say = lambda line: None) -> evaluate.Report:
    """Measure the cut-outs of the embedded model.

    Args:
        scenes: composed ones of each number of subjects and ground; half as many times each number of subjects are drawn.
        seeds: each of those is drawn with.
        kept: where what was measured stays, and is taken up again. say: told how far it is.
    """
    store = Cache(kept)
    family = mini.load("mini", torch.device("cpu"))
    table = tuple(item for item in art.load() if item.noun in mini.vocabulary()["subjects"])
    net = remover.load()
    figures: list[evaluate.Figure] = []
    pictures: list[np.ndarray] = []
    full: list[evaluate.Figure] = []
    if "composed" in parts:
        scores = measured(composed_cases(family, table, scenes), weights, net, pictures, store, lambda line: say(f"composed: {line}"))
        figures += summary("composed", scores, net is not None, GROUNDS)
        full += everything("composed", scores)
    if "drawn" in parts:
        scores = measured(drawn_cases(family, len(COUNTS) * max(1, scenes // 2), seeds), weights, net, pictures, store, lambda line: say(f"drawn: {line}"))
        figures += summary("drawn", scores, net is not None, ["plain"])
        full += everything("drawn", scores)
    if "snapped" in parts:
        figures += snapped(family, table, scenes, store, lambda line: say(f"snapped: {line}"))
    if "keywords" in parts:
        figures += by_keywords(family, table, max(1, scenes // 2), store)
    command = f"cutwork eval masks --scenes {scenes} --seeds {seeds}" + "".join(f" --part {p}" for p in parts if len(parts) < len(PARTS))
    columns = 5 if net is None else 6
    page = evaluate.sheet([Image.fromarray(p) for p in pictures], columns, side=160) if pictures else None
    return evaluate.Report("masks", command, (*figures, *full), page)


# speed


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
