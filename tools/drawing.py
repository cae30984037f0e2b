"""The `Drawing` port over a local model: render, cut, picture and finish with one family that is loaded when first needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cutwork import registry
from cutwork.domain import Artifact, Cutout, Design, DrawSettings, Render, Shot
from cutwork.errors import BadInput, NotConfigured
from cutwork.ports import Blobs, Watch

if TYPE_CHECKING:
    import torch

    from cutwork.tools.families.base import Family

FAMILIES = "cutwork.tools.families"
PIPELINES = {"FluxPipeline": "flux"}  # which family a diffusers folder belongs to, by its model_index.json


def family_of(model: str) -> str:
    """Name of the family that serves a model: an embedded one by its own name, else by the pipeline its folder declares.

    Raises:
        BadInput: if the model is neither embedded, a local folder nor a hub id, or its pipeline is of no known family.
    """
    if model in registry.names(FAMILIES) and (Path(__file__).parent / "families" / model).is_dir():
        return model
    index = Path(model).expanduser() / "model_index.json"
    if index.is_file():
        try:
            pipeline = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{index} is damaged: it names no pipeline") from None
        if pipeline not in PIPELINES:
            raise BadInput(f"{model} holds a {pipeline}; Cutwork draws with {', '.join(PIPELINES)}")
        return PIPELINES[pipeline]
    if Path(model).expanduser().exists():
        raise BadInput(f"{model} is not a diffusers folder: it has no model_index.json")
    if "/" in model and "flux" in model.lower():
        return "flux"
    raise BadInput(f"there is no model {model!r}; use mini, a diffusers folder, or a hub id such as black-forest-labs/FLUX.1-schnell")


def suits(model: str) -> DrawSettings:
    """Draw settings that suit a model, where nobody asks for others.

    Sources: the model cards of FLUX.1 for steps and guidance; for regions the demos of 2411.02395 and, for the timestep-distilled
    schnell, a longer window, since 40 % of four steps is hardly two.
    """
    name = model.lower()
    if family_of(model) != "flux":
        return DrawSettings()
    if "schnell" in name:
        return DrawSettings(steps=4, guidance=1.0, base_ratio=0.3, regional_until=0.5)
    return DrawSettings(steps=28, guidance=3.5, base_ratio=0.2, regional_until=0.4)


class LocalDrawing:
    """One model on one device. Safe to share between threads: one picture is drawn at a time in a process, since drawings of
    the embedded model share its weights and its scheduler."""

    _lock = threading.Lock()

    def __init__(self, model: str, blobs: Blobs, device: str = "auto", threads: int | None = None, early_verdict: bool = True) -> None:
        self.model, self.blobs = model, blobs
        self._family_name = family_of(model)
        self._device, self._threads, self._early = device, threads, early_verdict
        self._family: Family | None = None

    def family(self) -> Family:
        """The model, loaded on first use."""
        import torch

        if self._family is None:
            if self._threads:
                torch.set_num_threads(self._threads)
            self._family = registry.find(FAMILIES, self._family_name).load(self.model, _device(self._device))
        return self._family

    def render(self, shot: Shot, watch: Watch) -> Render:
        from cutwork.tools.render import render

        with self._lock:
            return render(shot, self.family(), self.blobs, watch, early_verdict=self._early)

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        from cutwork.tools.cut import cut
        from cutwork.tools.pixels import decode
        from cutwork.tools.record_file import Record

        return cut(shot.plan, decode(self.blobs.get(render.image), "RGB"), Record.from_bytes(self.blobs.get(render.record)), render.attended, self.blobs)

    def picture(self, render: Render, cutouts: Sequence[Cutout]) -> bytes:
        from cutwork.tools.formats.overview import numbered
        from cutwork.tools.pixels import decode

        return numbered(decode(self.blobs.get(render.image), "RGB"), [decode(self.blobs.get(c.mask), "L") for c in cutouts])

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        from cutwork.tools.finish import finish

        if design.delivered is None:
            raise NotConfigured(f"run {design.id} has no finished round to deliver")
        return finish(design, self.blobs)


def _device(name: str) -> torch.device:
    """"auto" takes CUDA, then MPS, then the CPU."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    chosen = torch.device(name)
    if (chosen.index or 0) >= there.get(chosen.type, 0):
        raise NotConfigured(f"there is no device {name!r} on this machine", hint="leave CUTWORK_DEVICE at auto, or set cpu; `cutwork doctor` says what torch finds")
    return chosen
