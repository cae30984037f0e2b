"""A `Drawing` that needs no model: it paints each region as a labelled ellipse and cuts it out exactly.

Real PNGs, real receipts, real blobs, in milliseconds: for tests of the graph, the command line and batches, and for measuring
what orchestration alone costs. Its faults are scripted, so that every repair can be provoked.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from cutwork.domain import CELL, Artifact, Attended, Cutout, Design, Keep, Receipt, Region, Render, Round, Shot, Size
from cutwork.errors import Cancelled
from cutwork.ports import Blobs, Watch
from cutwork.tools.formats.base import layer_name
from cutwork.tools.formats.overview import numbered
from cutwork.tools.keep.carry import carry
from cutwork.tools.keep.reference import begun_from
from cutwork.tools.keep.seam import laid_in
from cutwork.tools.keep.start import start_of
from cutwork.tools.pixels import decode
from cutwork.tools.record_file import Record

Fault = Callable[[Shot, int], float]  # shot and region number to how well it turned out, 0..1


@dataclass
class FakeDrawing:
    """Draws plans as ellipses.

    Args:
        quality: how well a region of a shot turns out; 1 fills its box, 0 leaves nothing to cut.
        steps: how many steps it pretends to take, asking the watch before each.
    """

    blobs: Blobs
    quality: Fault = lambda shot, region: 1.0
    model: str = "fake"
    renders: list[Shot] = field(default_factory=list)
    cuts: list[Shot] = field(default_factory=list)

    def begun_from(self, sha256: str, noise: float, size: Size) -> Keep:
        return begun_from(sha256, noise, size.root, self.blobs)

    def render(self, shot: Shot, watch: Watch) -> Render:
        for step in range(shot.plan.draw.steps):
            if watch.cancelled():
                raise Cancelled(f"stopped at step {step}")
            watch.on_step(step + 1, shot.plan.draw.steps)
        self.renders.append(shot)
        image = Image.new("RGB", shot.plan.size.root, _paper(shot.seed))
        for number, region in sorted(enumerate(shot.plan.regions), key=lambda item: item[1].z):
            ImageDraw.Draw(image).ellipse(self._ellipse(shot, number, region), fill=(40 * number % 255, 200, 90))
        image = self._kept(shot, image)
        goods = [self.quality(shot, n) for n in range(len(shot.plan.regions))]
        return Render(
            image=self.blobs.put(_png(image)),
            record=self.blobs.put(self._record(shot).to_bytes()),
            seed=shot.seed,
            model=self.model,
            steps=shot.plan.draw.steps,
            attended=tuple(Attended(box=r.box, inside=0.9 * good, lift=1 + 4 * good) for r, good in zip(shot.plan.regions, goods, strict=True)),
            seconds=0.001,
        )

    def _kept(self, shot: Shot, image: Image.Image) -> Image.Image:
        """What was drawn, laid into the picture that a shot keeps."""
        if shot.keep is None:
            return image
        return Image.fromarray(laid_in(start_of(shot.keep, shot.plan.size.root, self.blobs), np.array(image), fitted=False))

    def _record(self, shot: Shot) -> Record:
        """Attention of one block in one step, all of it on the ellipses."""
        rows, columns = shot.plan.size.grid
        maps = np.zeros((1, len(shot.plan.regions), rows, columns), np.float16)
        for number, region in enumerate(shot.plan.regions):
            seen = Image.new("L", (columns * CELL, rows * CELL))
            ImageDraw.Draw(seen).ellipse(self._ellipse(shot, number, region), fill=255)
            maps[0, number] = np.asarray(seen.resize((columns, rows), Image.Resampling.BOX), np.float16) / 255
        return Record(maps, np.zeros(1, np.int16), np.zeros(1, np.int16))

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        self.cuts.append(shot)
        whole = Image.open(io.BytesIO(self.blobs.get(render.image)))
        return tuple(self._cutout(shot, render, whole, number, region) for number, region in enumerate(shot.plan.regions))

    def _cutout(self, shot: Shot, render: Render, whole: Image.Image, number: int, region: Region) -> Cutout:
        good = self.quality(shot, number)
        mask = Image.new("L", whole.size, 0)
        if good > 0:
            ImageDraw.Draw(mask).ellipse(self._ellipse(shot, number, region), fill=255)
        layer = whole.convert("RGBA")
        layer.putalpha(mask)
        found = region.box if good > 0 else None
        receipt = Receipt(
            planned=region.box,
            attended=render.attended[number],
            alpha=found,
            iou=good,
            contained=1.0 if found else 0.0,
            fill=0.78 * good,
            coverage=region.box.area * 0.78 * good,
            fragments=1 if found else 0,
        )
        return Cutout(subject=region.subject, region=number, image=self.blobs.put(_png(layer)), mask=self.blobs.put(_png(mask)), box=found, receipt=receipt)

    def _ellipse(self, shot: Shot, number: int, region: Region) -> tuple[float, float, float, float]:
        """The region's box in pixels, shrunk about its centre by how well it turned out."""
        x0, y0, x1, y1 = region.box.pixels(*shot.plan.size.root)
        keep = max(0.05, self.quality(shot, number)) ** 0.5
        cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * keep / 2, (y1 - y0) * keep / 2
        return cx - w, cy - h, cx + w, cy + h

    def carry(self, shot: Shot, render: Render, cutouts: Sequence[Cutout], before: Round) -> tuple[Cutout, ...]:  # noqa: ARG002 - as the port asks
        return carry(shot, cutouts, before, self.blobs)

    def picture(self, render: Render, cutouts: Sequence[Cutout]) -> bytes:
        return numbered(decode(self.blobs.get(render.image), "RGB"), [decode(self.blobs.get(c.mask), "L") for c in cutouts])

    def contrasts(self, shot: Shot, render: Render, cutouts: Sequence[Cutout]) -> tuple[float, ...]:  # noqa: ARG002 - as the port asks
        return (21.0,) * len(shot.plan.bands)

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        best = design.delivered
        if best is None:
            return ()
        w, h = best.shot.plan.size.root
        image = Artifact(kind="image", sha256=best.render.image, media_type="image/png", name="image.png", width=w, height=h)
        cuts = (
            Artifact(kind="cutout", sha256=c.image, media_type="image/png", name=layer_name("cutout", c), width=w, height=h) for c in best.cutouts
        )
        return (image, *cuts)


def _paper(seed: int) -> tuple[int, int, int]:
    """A background for each seed: one digit of it less, and every hundredth new try would look like the one before."""
    rest, red = divmod(seed, 100)
    rest, green = divmod(rest, 50)
    return (90 + red, 120 + green, 160 + rest % 60)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
