"""The `Drawing` port over a local model: render, cut, picture and finish with one family that is loaded when first needed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cutwork import registry
from cutwork.domain import Artifact, Cutout, Design, DrawSettings, Keep, Render, Round, Shot, Size
from cutwork.errors import NotConfigured
from cutwork.ports import Blobs, Watch
from cutwork.tools import catalogue
from cutwork.tools.loading import Loading
from cutwork.tools.threads import limited, sparing

if TYPE_CHECKING:
    import torch

    from cutwork.tools.families.base import Family

FAMILIES = "cutwork.tools.families"


def family_of(model: str) -> str:
    """Name of the family that serves a model: an embedded one by its own name, else by what its folder, file or hub id holds.

    Raises:
        As `catalogue.pipeline_class` does.
    """
    return model if embedded(model) else catalogue.PIPELINES[catalogue.pipeline_class(model)][0]


def embedded(model: str) -> bool:
    """Whether a model ships with Cutwork."""
    return model in registry.names(FAMILIES) and (Path(__file__).parent / "families" / model).is_dir()


def learned(model: str) -> list[str] | None:
    """The subjects that an embedded model knows; None where there is no list. Says it without torch, which the model's own package imports."""
    path = Path(__file__).parent / "families" / model / "vocabulary.json"
    return sorted(json.loads(path.read_text(encoding="utf-8"))["subjects"]) if embedded(model) and path.is_file() else None


def suits(model: str) -> DrawSettings:
    """Draw settings that suit a model, where nobody asks for others.

    Sources: the model cards for steps and guidance; for regions the demos of 2411.02395 (a fifth of the base text, the first 40 % of the
    steps, every second single block, overlaps shared) and, for models distilled to four steps, a longer window, since 40 % of those is
    hardly two. "turbo" models are distilled so, without guidance. The embedded model was measured with the defaults.
    """
    if embedded(model):
        return DrawSettings(refine_from=0.4, apart=True)
    published = DrawSettings(base_ratio=0.2, regional_until=0.4, regional_every=(1, 2), overlap="all")
    known = catalogue.like(model)
    if known is None:
        family_of(model)  # refuses what is no model
        return published
    steps, guidance = (4, 1.0) if "turbo" in Path(model).name.lower() else (known.steps, known.guidance)
    few = {"base_ratio": 0.3, "regional_until": 0.5} if steps <= 4 else {}
    return published.model_copy(update={"steps": steps, "guidance": guidance, **few})


def canvas(model: str) -> Size:
    """The canvas a model was made for: larger ones repeat themselves, smaller ones are drawn poorly."""
    known = None if embedded(model) else catalogue.like(model)
    return Size((256, 256) if known is None else (known.side, known.side))


class LocalDrawing:
    """One model on one device. Safe to share between threads: one picture is drawn at a time in a process, since drawings of
    the embedded model share its weights and its scheduler."""

    _lock = threading.Lock()

    def __init__(
        self, model: str, blobs: Blobs, device: str = "auto", threads: int | None = None, early_verdict: bool = True, loading: Loading | None = None
    ) -> None:
        self.model, self.blobs = model, blobs
        self._family_name = family_of(model)
        self._device, self._threads, self._early, self._loading = device, threads, early_verdict, loading or Loading()
        self._family: Family | None = None
        self._foretold: set[tuple[tuple[int, int], int]] = set()

    def family(self) -> Family:
        """The model, loaded on first use."""
        if self._family is None:
            self._family = registry.find(FAMILIES, self._family_name).load(self.model, device_named(self._device), self._loading)
        return self._family

    def warm(self) -> None:
        """Load the model now, so that the first picture does not wait for it; two threads that load at once would disturb each other."""
        with self._lock, self._threaded(Watch()):
            self.family()

    def begun_from(self, sha256: str, noise: float, size: Size) -> Keep:
        from cutwork.tools.keep.reference import begun_from

        return begun_from(sha256, noise, size.root, self.blobs)

    def render(self, shot: Shot, watch: Watch) -> Render:
        from cutwork.tools.render import render

        with self._lock:
            if not embedded(self.model):
                self._foretell(shot, watch)
                watch = _timed(watch)
            try:
                with self._threaded(watch) as told:
                    return render(shot, self.family(), self.blobs, told, early_verdict=self._early)
            except MemoryError as error:
                raise catalogue.explained(self.model, error) from error
            except RuntimeError as error:
                if type(error).__name__ != "OutOfMemoryError":
                    raise
                raise catalogue.explained(self.model, error) from error
            finally:
                self._rest()

    def _threaded(self, watch: Watch) -> AbstractContextManager[Watch]:
        """The same watch, with as many threads as the drawing may have."""
        if self._threads:
            return limited(watch, self._threads)
        return sparing(watch) if device_named(self._device).type == "cpu" else nullcontext(watch)

    def _foretell(self, shot: Shot, watch: Watch) -> None:
        """Say what a picture like this will need, once."""
        from cutwork.tools.forecast import foresee, told

        draw, size = shot.plan.draw, shot.plan.size.root
        if (size, draw.steps) in self._foretold:
            return
        self._foretold.add((size, draw.steps))
        loaded = self._family is not None  # its weights then are no longer to come
        forecast = foresee(self.model, self._loading, size, draw.steps, draw.guidance, device_named(self._device).type, measure=not loaded)
        for line in told(forecast) if forecast is not None else ():
            watch.say(line)

    def _rest(self) -> None:
        """Take offloaded weights off the device, also of a drawing that was stopped in the middle."""
        if self._family is not None and self._loading.offload == "model":
            self._family.pipeline.maybe_free_model_hooks()

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        from cutwork.tools.cut import cut
        from cutwork.tools.pixels import decode
        from cutwork.tools.record_file import Record

        return cut(shot.plan, decode(self.blobs.get(render.image), "RGB"), Record.from_bytes(self.blobs.get(render.record)), render.attended, self.blobs)

    def carry(self, shot: Shot, render: Render, cutouts: Sequence[Cutout], before: Round) -> tuple[Cutout, ...]:
        from cutwork.tools.cut import followed
        from cutwork.tools.keep.carry import carry
        from cutwork.tools.pixels import decode

        return followed(shot, decode(self.blobs.get(render.image), "RGB"), carry(shot, cutouts, before, self.blobs), before, self.blobs)

    def picture(self, render: Render, cutouts: Sequence[Cutout]) -> bytes:
        from cutwork.tools.formats.overview import numbered
        from cutwork.tools.pixels import decode

        return numbered(decode(self.blobs.get(render.image), "RGB"), [decode(self.blobs.get(c.mask), "L") for c in cutouts])

    def contrasts(self, shot: Shot, render: Render, cutouts: Sequence[Cutout]) -> tuple[float, ...]:
        from cutwork.tools.lettering.clash import measure
        from cutwork.tools.pixels import decode

        if not shot.plan.bands:
            return ()
        alphas = [decode(self.blobs.get(c.mask), "L") for c in cutouts]
        return tuple(clash.contrast for clash in measure(shot.plan, decode(self.blobs.get(render.image), "RGB"), alphas))

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        from cutwork.tools.finish import finish

        if design.delivered is None:
            raise NotConfigured(f"run {design.id} has no finished round to deliver")
        return finish(design, self.blobs)


def _timed(watch: Watch) -> Watch:
    """The same watch, which after the second step says how long the rest will take: the first warms up too."""
    began: list[float] = []

    def on_step(done: int, total: int) -> None:
        began.append(time.monotonic())
        if done == 2 and total > 2:
            step = began[1] - began[0]
            watch.say(f"{step:.1f} s a step, so about {step * (total - done):.0f} s more")
        watch.on_step(done, total)

    return replace(watch, on_step=on_step)


def device_named(name: str) -> torch.device:
    """"auto" takes CUDA, then MPS, then the CPU."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    chosen = torch.device(name)
    if (chosen.index or 0) >= there.get(chosen.type, 0):
        raise NotConfigured(f"there is no device {name!r} on this machine", hint="leave CUTWORK_DEVICE at auto, or set cpu; `cutwork doctor` says what torch finds")
    return chosen
