"""Does entropy fusion hold beyond FLUX?  `cutwork eval families`

The paper reads the attention of FLUX alone. Here a FLUX and a Stable Diffusion 3, which learned from the same scenes, are shown the same pictures at
every step, by the prompt alone; the maps of each subject's words are fused with every weight and held against the true alpha. The FLUX is the
embedded model; the other is no part of the package (`lab/sd3/MODEL_CARD.md`).

    AUC    of a fused map: how likely a pixel of the subject is brighter than another, 0.5 for noise
    IoU    of the paper's cut of that map with the truth

As in `masks`, a figure is a mean over scenes, a scene being the mean of its subjects, and what was measured is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from scipy.stats import rankdata

from cutwork.domain import CutSettings, Plan
from cutwork.errors import NotConfigured
from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.cut import fused_maps
from cutwork.tools.families import mini
from cutwork.tools.families.base import Family
from cutwork.tools.families.sd3 import SD3Family
from cutwork.tools.masks import measure
from cutwork.tools.masks.segment import segment
from cutwork.tools.record_file import Record
from cutwork.tools.render import record_of

from . import art, evaluate
from . import scenes as testbed
from .config import CONFIGS, LENGTHS
from .control_studio import digest
from .forced import by_words, look
from .mask_cases import COUNTS, FIRST, composed, planned
from .mask_cuts import heat
from .mask_scores import Cache

SD3 = Path(__file__).with_name("sd3") / "model"
EVERY = 2  # one in so many steps is looked at
SHOWN = 6  # scenes on the sheet
Say = Callable[[str], None]


@dataclass(frozen=True)
class Score:
    """One weight's maps of a scene: the mean of its subjects, in per cent."""

    auc: float
    iou: float


def sd3(folder: Path = SD3) -> SD3Family:
    """The Stable Diffusion 3 that learned from the testbed, with the embedded model's autoencoder.

    Raises:
        NotConfigured: if it is not there.
    """
    from diffusers import AutoencoderTiny, StableDiffusion3Pipeline

    if not (folder / "model_index.json").is_file():
        raise NotConfigured(f"there is no Stable Diffusion 3 of the testbed in {folder}", hint="train it: `python -m cutwork.lab.train --config sd3`")
    vae = AutoencoderTiny.from_pretrained(mini.folder() / "vae")
    pipeline = StableDiffusion3Pipeline.from_pretrained(folder, vae=vae, dtype=torch.float32)
    return SD3Family("sd3", pipeline, torch.device("cpu"), padded=LENGTHS[-1])


def auc(fused: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve: how likely the map is higher inside the truth than outside, ties counting half.

    Args:
        fused: (h, w); it is enlarged to the truth. truth: (H, W) bool, neither empty nor full.
    """
    height, width = truth.shape
    ranks = rankdata(cv2.resize(fused, (width, height), interpolation=cv2.INTER_LINEAR).reshape(-1))
    inside = truth.reshape(-1)
    hits, misses = int(inside.sum()), int((~inside).sum())
    return float((ranks[inside].sum() - hits * (hits + 1) / 2) / (hits * misses))


def record(scene: testbed.Scene, plan: Plan, seed: int, family: Family) -> Record:
    """What a family attends to for the words of each subject of a scene."""
    words = [s.words.split() for s in scene.subjects]
    return record_of(plan, look(plan, by_words(plan, family, words), seed, scene.image, family, EVERY).recorder)


def scores(scene: testbed.Scene, plan: Plan, found: Record) -> dict[str, Score]:
    """Of every weight's maps."""
    truths, settings = [s.alpha > 0.5 for s in scene.subjects], CutSettings(method="paper")
    made = {}
    for weight in WEIGHTS:
        fused = fused_maps(found, weight)
        masks = segment(scene.image, fused, plan.regions, settings, within=False).masks
        made[weight] = Score(
            100 * float(np.mean([auc(one, truth) for one, truth in zip(fused, truths, strict=True)])),
            100 * float(np.mean([measure.iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)])),
        )
    return made


def figures(of: Mapping[str, Mapping[str, Sequence[Score]]]) -> list[evaluate.Figure]:
    """Entropy against the plain mean in each family and between them, then every weight.

    Args:
        of: by family and weight, a score a scene, in the same order.
    """

    def gains(family: str, key: str) -> list[float]:
        return [getattr(a, key) - getattr(b, key) for a, b in zip(of[family]["entropy"], of[family]["mean"], strict=True)]

    made = [evaluate.mean(f"{family}, entropy − mean: {told}", gains(family, key), "pt") for family in of for told, key in (("AUC", "auc"), ("IoU", "iou"))]
    for told, key in (("AUC", "auc"), ("IoU", "iou")):
        made.append(evaluate.mean(f"sd3 − flux, of entropy − mean: {told}", [a - b for a, b in zip(gains("sd3", key), gains("flux", key), strict=True)], "pt"))
    for family, weights in of.items():
        for weight, each in weights.items():
            made += [evaluate.mean(f"{family}, {weight}: {told}", [getattr(s, key) for s in each], "%") for told, key in (("AUC", "auc"), ("IoU", "iou"))]
    return made


def shown(scene: testbed.Scene, found: Mapping[str, Record]) -> list[np.ndarray]:
    """A scene on the sheet: the picture, then the first subject's map of each family by entropy and by the plain mean."""
    return [scene.image, *(heat(fused_maps(one, weight)[0], len(scene.image)) for one in found.values() for weight in ("entropy", "mean"))]


def run(scenes: int = 20, folder: Path = SD3, kept: Path = art.CACHE / "eval_families", say: Say = lambda line: None) -> evaluate.Report:
    """Hold both families' maps against the truth.

    Args:
        scenes: of each number of subjects and ground. folder: of the Stable Diffusion 3. kept: where what was measured stays.

    Raises:
        NotConfigured: if there is no Stable Diffusion 3.
    """
    families: dict[str, Family] = {"flux": mini.load("mini", torch.device("cpu")), "sd3": sd3(folder)}
    weights = digest(*sorted(folder.rglob("*.safetensors")))
    known = set(mini.vocabulary()["subjects"])
    table = tuple(item for item in art.load(CONFIGS["sd3"].tier) if item.noun in known)
    store, of = Cache(kept), {name: {weight: list[Score]() for weight in WEIGHTS} for name in families}
    pictures, columns = list[np.ndarray](), 1 + 2 * len(families)
    for number, (scene, ground, seed) in enumerate(composed(table, scenes, FIRST), 1):
        plan = planned(scene, seed)
        plan = plan.model_copy(update={"draw": plan.draw.model_copy(update={"regional": False})})
        name = f"{seed} {ground} {weights}"
        data = store.get(name)
        wanted = len(pictures) < SHOWN * columns
        found = {family: record(scene, plan, seed, model) for family, model in families.items()} if data is None or wanted else {}
        pictures += shown(scene, found) if wanted else []
        if data is None:
            data = json.dumps({family: {w: [s.auc, s.iou] for w, s in scores(scene, plan, one).items()} for family, one in found.items()}).encode()
            store.put(name, data)
            say(f"{number} of {len(COUNTS) * 2 * scenes} measured")
        for family, each in json.loads(data).items():
            for weight, pair in each.items():
                of[family][weight].append(Score(*pair))
    page = evaluate.sheet([Image.fromarray(p) for p in pictures], columns, side=160)
    return evaluate.Report("families", f"cutwork eval families --scenes {scenes}", tuple(figures(of)), page)
