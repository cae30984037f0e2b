"""What a drawing will need, before it is begun: memory for weights and for drawing, and time. Estimates, and said to be.

    foresee(model, loading, size, steps, device)     for a model and a machine
    told(forecast)                                   in plain words, with what to set where it does not fit

Weights are counted, in files and folders from their headers, for known models from the list. What drawing takes besides is that of
the widest layers of the autoencoder. Time is the work of the known model that this one is like, scaled to the picture, at the
speed that a matrix product has on this machine: what cannot be reached wholly, so that it is the least to expect.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cutwork.tools import catalogue
from cutwork.tools.catalogue import Known
from cutwork.tools.layouts import COMPONENTS, held, shapes
from cutwork.tools.loading import BYTES, QUANTIZED, Loading

GROUP = 0.15e9  # parameters on the device at once where layers take turns: the largest single ones are T5's words
WIDEST = 256  # channels of the autoencoder at the picture's full size
ALIVE = 6  # of which so many copies are held at once
TILE = 1024  # pixels of a side, decoded at once where it is tiled
DENOISERS = ("transformer", "unet")


@dataclass(frozen=True)
class Forecast:
    """Estimates for one picture."""

    title: str
    parameters: dict[str, float]  # of each component
    weights: float  # bytes of weights on the device at once
    drawing: float  # bytes besides
    free: float | None  # bytes of the device that are free; None = not known
    kept: float  # bytes of weights that wait in main memory
    passes: int  # of the denoiser
    work: float  # operations of a pass
    speed: float | None  # operations a second of a matrix product here; None = not measured
    device: str
    side: int  # pixels of the square that the model was made for
    size: tuple[int, int]  # asked for

    @property
    def needed(self) -> float:
        return self.weights + self.drawing

    @property
    def fits(self) -> bool:
        """Whether it may fit; True where that is not known."""
        return self.free is None or self.needed <= self.free

    @property
    def small(self) -> bool:
        """Whether the picture has less than half the pixels of those the model was made for."""
        return self.size[0] * self.size[1] < self.side**2 / 2

    @property
    def seconds(self) -> float | None:
        """At the least, for all steps."""
        return None if self.speed is None else self.passes * self.work / self.speed


def foresee(model: str, loading: Loading, size: tuple[int, int], steps: int, guidance: float, device: str, measure: bool = True) -> Forecast | None:
    """The forecast for a picture; None where the model cannot be told without the hub.

    Args:
        size: (width, height) in pixels.
        device: type of it: "cuda", "cpu" or "mps".
        measure: whether to look at this machine's memory and speed.

    Raises:
        BadInput: if a file or folder is there but cannot be drawn with.
    """
    known = catalogue.like(model)
    if known is None:
        return None
    parameters = parameters_of(model, known)
    each = {name: count * _bytes(name, model, loading, device) for name, count in parameters.items()}
    on_device = {"none": sum(each.values()), "model": max(each.values()), "group": GROUP * BYTES[loading.precision(device)]}[loading.offload]
    guided = known.passes if guidance > 1 else 1
    denoiser = next(name for name in parameters if name in DENOISERS)
    return Forecast(
        known.title if model in (known.repo, known.name) else f"{model}, like {known.title},",
        parameters,
        on_device,
        _drawing(size, loading, device),
        free(device) if measure else None,
        sum(each.values()) - on_device if loading.offload != "none" else 0.0,
        steps * guided,
        _work(known, size) * parameters[denoiser] / (known.parameters[denoiser] * 1e6),
        speed(device, loading.precision(device)) if measure else None,
        device,
        known.side,
        size,
    )


def parameters_of(model: str, known: Known) -> dict[str, float]:
    """Parameters of each component: counted where the weights are here, else those of the known model."""
    listed = {name: count * 1e6 for name, count in known.parameters.items()}
    path = Path(model).expanduser()
    if path.is_file():
        return listed | {name: float(count) for name, count in held(path).parameters.items()}
    folder = path if path.is_dir() else catalogue.cached(model)
    counted = {} if folder is None else {name: _counted(folder / name) for name in COMPONENTS[known.layout]}
    return listed | {name: count for name, count in counted.items() if count}


def _counted(folder: Path) -> float:
    """Parameters in a component's folder, whose index, where it has one, says which files count."""
    files = set(folder.glob("*.safetensors"))
    for index in sorted(folder.glob("*.safetensors.index.json"), key=lambda path: len(path.name))[:1]:
        files = {folder / name for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    if len(files) > 1 and not any(folder.glob("*.index.json")):  # variants of the same weights, such as .fp16
        files = {min(files, key=lambda path: len(path.name))}
    return float(sum(math.prod(shape) for file in files if file.is_file() for shape in shapes(file).values()))


def _bytes(name: str, model: str, loading: Loading, device: str) -> float:
    """Of a weight of a component."""
    plain = BYTES[loading.precision(device)]
    if name not in DENOISERS:
        return plain
    if model.endswith(".gguf"):
        path = Path(model).expanduser()
        return path.stat().st_size / max(1, sum(map(math.prod, shapes(path).values())))
    return QUANTIZED.get(loading.quantize, plain)


def _drawing(size: tuple[int, int], loading: Loading, device: str) -> float:
    area = size[0] * size[1]
    return float(ALIVE * WIDEST * (min(area, TILE**2) if loading.vae_tiling else area) * BYTES[loading.precision(device)])


def _work(known: Known, size: tuple[int, int]) -> float:
    """Of one pass: attention grows with the square of the area, the rest with the area."""
    area = size[0] * size[1] / known.side**2
    return ((known.work - known.attention) * area + known.attention * area**2) * 1e12


def free(device: str) -> float | None:
    """Bytes that are free on a device of this machine, where that can be asked."""
    import torch

    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    with suppress(OSError, StopIteration):  # there on Linux only
        line = next(line for line in Path("/proc/meminfo").read_text("ascii").splitlines() if line.startswith("MemAvailable:"))
        return float(line.split()[1]) * 1024
    return None


def speed(device: str, precision: str) -> float:
    """Operations a second of a matrix product, the best of a few."""
    import time

    import torch

    side = 4096 if device == "cuda" else 1024
    a = torch.ones(side, side, dtype=getattr(torch, precision), device=device)
    best = math.inf
    for _ in range(4):
        began = time.perf_counter()
        float((a @ a)[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def told(forecast: Forecast) -> list[str]:
    """Lines for people: what it needs, how long it takes at the least, and what to set where it surely does not fit."""
    parts = ", ".join(f"{name} {count / 1e9:.2f}" for name, count in sorted(forecast.parameters.items(), key=lambda item: -item[1]))
    waiting = f", {gigabytes(forecast.kept)} waiting in main memory" if forecast.kept else ""
    lines = [
        f"{forecast.title} has {sum(forecast.parameters.values()) / 1e9:.1f} billion weights ({parts}): "
        f"about {gigabytes(forecast.weights)} on the device{waiting}, and {gigabytes(forecast.drawing)} while it draws"
    ]
    duration = "" if forecast.seconds is None else f": {_duration(forecast.seconds)} or more at the speed of this machine"
    if forecast.small:
        lines.append(f"it was made for pictures of {forecast.side} pixels a side, and draws small ones poorly: --size {forecast.side}x{forecast.side}")
    lines.append(f"{forecast.passes} passes of {forecast.work / 1e12:.2f} · 10¹² operations a picture{duration}")
    if not forecast.fits and forecast.free is not None:
        away = "" if forecast.device == "cpu" else "CUTWORK_OFFLOAD=model or group keeps weights off the device, "
        smaller = "CUTWORK_DTYPE=bfloat16 and CUTWORK_QUANTIZE=float8 make them smaller, CUTWORK_VAE_TILING=true and a smaller --size help drawing"
        lines.append(f"that is more than the {gigabytes(forecast.free)} that are free: expect it to fail or to crawl. {away}{smaller}")
    return lines


def gigabytes(count: float) -> str:
    """Bytes as people read them."""
    return f"{count / 1e9:.1f} GB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
