"""The judge: a small recogniser that says, for an image and a box, which subject stands there, whether it is whole, and
whether it is a mixture of two.

It was trained on the same art as the embedded model, in other augmentations, and stands where papers ask a vision-language
model; what it has not learned it cannot name. Its probabilities are calibrated on scenes that it neither was trained nor is
measured on: of its verdicts of 80 %, four of five are right. `train_judge.py` makes it, `measure_judge.py` measures it on scenes with known truth.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cutwork.errors import NotConfigured

from . import autoencoder
from .captions import Box

SIDE = 64  # pixels a box is scaled to
WINDOWS = (1.0, 0.75, 0.55, 0.4)  # shares of the canvas that windows measure, in which it looks for what is anywhere
AT_ONCE = 32  # crops the net looks at together: what they become stays in the processor's cache
MARGIN = 0.12  # of its longer side, seen around a box
WEIGHTS = Path(__file__).with_name("judge.safetensors")
WIDTHS = (32, 64, 128, 192)


@dataclass(frozen=True)
class Opinion:
    """What the judge makes of a place in a picture, wherever it is."""

    noun: str | None  # most likely subject; None for none
    probability: float  # of that subject, 0..1
    whole: float  # probability that nothing is missing from it, 0..1
    mixed: float  # probability that it is a mixture of two subjects, 0..1

    def shows(self, noun: str) -> bool:
        """Whether it is this subject, and more likely so than not."""
        return self.noun == noun and self.probability >= 0.5

    def recognised(self, noun: str) -> bool:
        """The same, and more likely it alone than a mixture."""
        return self.shows(noun) and self.mixed < 0.5


@dataclass(frozen=True)
class Verdict(Opinion):
    """What the judge sees in a box."""

    box: Box


@dataclass(frozen=True)
class Calibration:
    """What makes logits honest: a temperature for the names, (scale, shift) for each yes or no; p = σ(scale · logit + shift). The default changes nothing."""

    temperature: float = 1.0
    whole: tuple[float, float] = (1.0, 0.0)
    mixed: tuple[float, float] = (1.0, 0.0)

    def __call__(self, names: Tensor, whole: Tensor, mixed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities (B, N + 1), (B,), (B,) of a net's logits."""
        yes = (torch.sigmoid(scale * x + shift) for x, (scale, shift) in ((whole, self.whole), (mixed, self.mixed)))
        return (names / self.temperature).softmax(1), *yes  # type: ignore[return-value]


class _Block(nn.Module):
    """Two 3×3 convolutions around a shortcut, halving the resolution when the width grows."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        stride = 1 if before == after else 2
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        self.short = nn.Identity() if stride == 1 else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.short(x) + self.second(self.first(x)))


class Net(nn.Module):
    """Crops (B, 3, 64, 64) in [-1, 1] to logits: subject or none (B, N + 1; none last), whole (B,), mixed (B,)."""

    def __init__(self, subjects: int) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU())
        blocks = [_Block(a, b) for before, after in zip(WIDTHS, WIDTHS[1:], strict=False) for a, b in ((before, after), (after, after))]
        self.features = nn.Sequential(stem, *blocks)
        self.head = nn.Linear(2 * WIDTHS[-1], subjects + 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = self.features(x)  # (B, 192, 4, 4)
        logits = self.head(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))
        return logits[:, :-2], logits[:, -2], logits[:, -1]


class Judge:
    """The trained net with the names of what it tells apart."""

    def __init__(self, net: Net, nouns: tuple[str, ...], calibration: Calibration | None = None) -> None:
        self.net, self.nouns, self.calibration = net.eval(), nouns, calibration or Calibration()
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def logits(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the net makes of crops (B, 3, 64, 64) and of their mirror images, in the mean: (B, N + 1), (B,), (B,)."""
        looks = torch.cat([crops, crops.flip(-1)]).contiguous(memory_format=torch.channels_last)
        logits = zip(*(self.net(part) for part in looks.split(AT_ONCE)), strict=True)
        names, whole, mixed = (torch.cat(parts).unflatten(0, (2, -1)).mean(0) for parts in logits)
        return names, whole, mixed

    def probabilities(self, image: np.ndarray, boxes: Sequence[Box]) -> tuple[Tensor, Tensor, Tensor]:
        """Of every subject, in the order of `nouns`, and of none: (B, N + 1); of being whole and of being a mixture: (B,) each. Arguments as of `look`."""
        return self.calibration(*self.logits(crops_of(autoencoder.to_tensor([image]), boxes)))

    @torch.inference_mode()
    def look(self, image: np.ndarray, boxes: list[Box]) -> list[Verdict]:
        """A verdict for each box.

        Args:
            image: (H, W, 3) uint8.
            boxes: fractions of the canvas, left, top, right, bottom.
        """
        if not boxes:
            return []
        names, whole, mixed = self.probabilities(image, boxes)
        best = names.max(1)
        rows = zip(boxes, best.values.tolist(), best.indices.tolist(), whole.tolist(), mixed.tolist(), strict=True)
        return [Verdict(self.nouns[i] if i < len(self.nouns) else None, p, w, m, box) for box, p, i, w, m in rows]

    def find(self, image: np.ndarray, smallest: float = WINDOWS[-1]) -> list[Verdict]:
        """Everything it recognises anywhere, best first: it looks through windows of several shapes and drops what overlaps better finds.

        Args:
            smallest: share of the canvas that the longer side of a window is at least; half of the time goes on the smallest of all.
        """
        seen = [v for v in self.look(image, windows(image.shape[1] / image.shape[0], smallest)) if v.noun and v.probability >= 0.5]
        found: list[Verdict] = []
        for verdict in sorted(seen, key=lambda v: -v.probability * v.whole):
            if all(_overlap(verdict.box, other.box) < 0.4 for other in found):
                found.append(verdict)
        return found


@cache
def load(path: Path = WEIGHTS) -> Judge:
    """The shipped judge, or the one in a file.

    Raises:
        NotConfigured: if there is no such file.
    """
    if not path.is_file():
        raise NotConfigured(f"the judge's weights are missing: {path}", hint="train them: python -m cutwork.lab.train_judge")
    with safe_open(path, "pt") as file:
        told = file.metadata()
        nouns = tuple(json.loads(told["nouns"]))
        numbers = json.loads(told.get("calibration", "{}"))
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - not a dict
    net = Net(len(nouns))
    net.load_state_dict(weights, strict=False)  # batch counters are not kept
    return Judge(net, nouns, Calibration(numbers["temperature"], tuple(numbers["whole"]), tuple(numbers["mixed"])) if numbers else None)


def save(made: Judge, path: Path) -> None:
    """Write weights in half precision, with the names and the calibration in the file's metadata."""
    weights = {k: v.half().contiguous() for k, v in made.net.state_dict().items() if v.is_floating_point()}
    save_file(weights, path, {"nouns": json.dumps(made.nouns), "calibration": json.dumps(asdict(made.calibration))})


def crops_of(pixels: Tensor, boxes: Sequence[Box]) -> Tensor:
    """Boxes of an image (1, 3, H, W) with their margins as the net sees them, (B, 3, 64, 64): square, edge pixels repeated past the canvas."""
    h, w = pixels.shape[2:]
    spread = torch.linspace(-1 + 1 / SIDE, 1 - 1 / SIDE, SIDE)
    seen: dict[tuple[int, int], list[tuple[int, Tensor]]] = {}  # by the size the image is averaged to first
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        half = max((x1 - x0) * w, (y1 - y0) * h) * (0.5 + MARGIN)
        xs, ys = ((centre + spread * half / side) * 2 - 1 for centre, side in (((x0 + x1) / 2, w), ((y0 + y1) / 2, h)))  # as grid_sample without aligned corners
        shrink = 2 * half / SIDE
        size = (max(1, round(h / shrink)), max(1, round(w / shrink))) if shrink > 1.5 else (h, w)  # sampling alone would skip pixels
        seen.setdefault(size, []).append((number, torch.stack(torch.meshgrid(ys, xs, indexing="ij")[::-1], -1)))
    out = pixels.new_empty(len(boxes), 3, SIDE, SIDE)
    for size, grids in seen.items():
        averaged = pixels if size == (h, w) else F.interpolate(pixels, size, mode="area")
        grid = torch.stack([grid for _, grid in grids])
        out[[number for number, _ in grids]] = F.grid_sample(averaged.expand(len(grid), -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return out


def windows(aspect: float, smallest: float = WINDOWS[-1]) -> list[Box]:
    """Square and oblong windows of up to four sizes all over a canvas of an aspect ratio (width over height)."""
    boxes = []
    for size in (size for size in WINDOWS if size >= smallest):
        for shape in (0.6, 1.0, 1.7):
            w, h = size * min(1.0, shape), size * min(1.0, 1 / shape)  # in canvas heights
            w = min(1.0, w / aspect)
            across, down = (1 if 1 - side < 0.01 else int(np.ceil((1 - side) / (0.4 * side))) + 1 for side in (w, h))
            for x in np.linspace(0, 1 - w, across):
                for y in np.linspace(0, 1 - h, down):
                    boxes.append((float(x), float(y), float(x + w), float(y + h)))
    return boxes


def _overlap(a: Box, b: Box) -> float:
    """Intersection over the smaller area."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    area = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(0.0, w) * max(0.0, h) / area
