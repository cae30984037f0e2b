"""What cut-outs owe to the words their maps are read for, and to snapping maps to the picture's attention to itself."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from cutwork.domain import Plan
from cutwork.studio import Studio
from cutwork.tools.families.mini import MiniFamily
from cutwork.tools.masks import measure
from cutwork.tools.record_file import Record
from cutwork.tools.render import record_of

from . import art, evaluate
from . import scenes as testbed
from .forced import by_words, look
from .mask_cases import COUNTS, GROUNDS, Case, Ground, composed, planned, shown
from .mask_cuts import DEFAULT, Cut, alphas_of
from .mask_scores import Cache, Found, Scores, gain, mean_score

SNAPS = ("none", "spread", "segments")  # of `CutSettings.snap`
EVERY = 3  # one in so many steps is looked at where maps are snapped
Say = Callable[[str], None]


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
    kinds = {f"{n} subject{'s' * (n > 1)}": (n,) for n in COUNTS}
    for how in ("paper", "default"):
        plain = ("none", how)
        figures += [evaluate.mean(f"snapped, {told}, as they are, {how}: IoU", scores.values(plain, "iou", counts), "%") for told, counts in kinds.items()]
        for snap, (told, counts), (what, key) in product(SNAPS[1:], [*kinds.items(), ("all", COUNTS)], (("IoU", "iou"), ("edge F", "edge"))):
            figures.append(gain(f"snapped, {told}, {snap} − as they are, {how}: {what}", scores, (snap, how), plain, key, counts, GROUNDS))
    return figures
