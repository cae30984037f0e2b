"""How good are the cut-outs?  `cutwork eval masks`

    composed   testbed scenes with their true alpha; the embedded model is shown them at every step, under the control it draws with
    unseen     the same with photographs and cartoons that no training saw (Debian's tuxpaint-stamps-default, where it is installed)
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

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.families import mini
from cutwork.tools.pixels import decode, encode

from . import art, evaluate, remover, stamps
from .mask_ablations import by_keywords, snapped
from .mask_cases import COUNTS, GROUNDS, Asked, Case, composed_cases, drawn_cases
from .mask_cuts import DEFAULT, PUBLISHED, found_of, row
from .mask_scores import Cache, Found, Scores, gain

PARTS = ("composed", "unseen", "drawn", "keywords", "snapped")
SHOWN = 2  # scenes of each kind on the sheet
Say = Callable[[str], None]


def run(
    scenes: int = 12, seeds: int = 1, parts: Sequence[str] = PARTS, weights: Sequence[str] = tuple(WEIGHTS), kept: Path = art.CACHE / "eval_masks", say: Say = lambda line: None
) -> evaluate.Report:
    """Measure the cut-outs of the embedded model.

    Args:
        scenes: composed ones of each number of subjects and ground; half as many times each number of subjects are drawn.
        seeds: each of those is drawn with.
        kept: where what was measured stays, and is taken up again. say: told how far it is.
    """
    store, family, net = Cache(kept), mini.load("mini", torch.device("cpu")), remover.load()
    known = mini.vocabulary()["subjects"]
    table = tuple(item for item in art.load() if item.noun in known)
    stamped = stamps.load(known) if "unseen" in parts else ()
    cases = {
        "composed": composed_cases(family, table, scenes),
        "unseen": composed_cases(family, stamped, scenes, f"unseen {stamps.digest(stamped)}") if stamped else (),
        "drawn": drawn_cases(family, len(COUNTS) * max(1, scenes // 2), seeds),
    }
    figures: list[evaluate.Figure] = []
    pictures: list[np.ndarray] = []
    full: list[evaluate.Figure] = []
    for part in (part for part in cases if part in parts and (part != "unseen" or stamped)):
        shown: list[np.ndarray] = [] if part == "unseen" else pictures  # stamps are not ours to show
        scores = measured(cases[part], weights, net, shown, store, lambda line, part=part: say(f"{part}: {line}"))  # type: ignore[misc]
        figures += summary(part, scores, net is not None, ["plain"] if part == "drawn" else GROUNDS)
        full += everything(part, scores)
    if "snapped" in parts:
        figures += snapped(family, table, scenes, store, lambda line: say(f"snapped: {line}"))
    if "keywords" in parts:
        figures += by_keywords(family, table, max(1, scenes // 2), store)
    lacking = f"unseen: not measured, there are no stamps in {stamps.FOLDER} (apt-get install tuxpaint-stamps-default)"
    notes = (lacking,) if "unseen" in parts and not stamped else ()
    command = f"cutwork eval masks --scenes {scenes} --seeds {seeds}" + "".join(f" --part {p}" for p in parts if len(parts) < len(PARTS))
    page = evaluate.sheet([Image.fromarray(p) for p in pictures], 5 if net is None else 6, side=160) if pictures else None
    return evaluate.Report("masks", command, (*figures, *full), page, notes)


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
    return np.split(decode(data, "RGB"), 5 + (net is not None), 1) if data else []


def summary(name: str, scores: Scores, net: bool, grounds: Sequence[str]) -> list[evaluate.Figure]:
    """What is asked of the default, and the paper's claim. Of art that no training saw nothing is asked."""
    asked = name != "unseen"
    wanted = {1: "≥ 90", 2: "≥ 85", 3: ""} if asked else dict.fromkeys(COUNTS, "")
    better = "≥ +5" if asked else ""
    figures = [evaluate.mean(f"{name}, {n} subject{'s' * (n > 1)}, default: IoU", scores.values(DEFAULT, "iou", [n], grounds), "%", wanted[n]) for n in COUNTS]
    figures += [evaluate.mean(f"{name}, {n} subject{'s' * (n > 1)}, published recipe: IoU", scores.values(PUBLISHED, "iou", [n], grounds), "%") for n in COUNTS]
    figures += [gain(f"{name}, {n} subject{'s' * (n > 1)}, default − published: IoU", scores, DEFAULT, PUBLISHED, "iou", [n], grounds, better) for n in COUNTS]
    figures.append(gain(f"{name}, all, default − published: IoU", scores, DEFAULT, PUBLISHED, "iou", COUNTS, grounds, better))
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
