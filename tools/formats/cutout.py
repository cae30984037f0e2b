"""The default kind: the image, every subject on its own transparent layer, the masks, and a manifest of what was measured.

    image.png   cutouts/01-cat.png …   masks/01-cat.png …   overview.png   manifest.json
"""

from __future__ import annotations

from cutwork.domain import Artifact, Cutout, Design, Json
from cutwork.ports import Blobs
from cutwork.tools.formats import overview, png
from cutwork.tools.formats.base import artifact, canonical, delivered, file_stem
from cutwork.tools.pixels import decode


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Files of a finished cut-out design.

    Raises:
        BadInput: if the design has no delivered round.
    """
    best = delivered(design)
    layers = tuple(one for cutout in best.cutouts for one in _layer(cutout, blobs))
    listing = artifact("manifest", "manifest.json", canonical(manifest(design)), blobs, "application/json")
    return (*png.write(design, blobs), *layers, *overview.write(design, blobs), listing)


def manifest(design: Design) -> Json:
    """What the image's own manifest says, with the receipts, the verdict and the names of the files."""
    best = delivered(design)
    return {
        **png.manifest(design),
        "image": "image.png",
        "score": best.critique.score,
        "verdict": best.critique.verdict,
        "findings": [f.model_dump(mode="json") for f in best.critique.findings],
        "cutouts": [_entry(cutout) for cutout in best.cutouts],
    }


def _entry(cutout: Cutout) -> Json:
    stem = file_stem(cutout.region, cutout.subject)
    return {
        "subject": cutout.subject,
        "region": cutout.region,
        "image": f"cutouts/{stem}.png",
        "mask": f"masks/{stem}.png",
        "box": cutout.box.model_dump(mode="json") if cutout.box else None,
        "receipt": cutout.receipt.model_dump(mode="json"),
    }


def _layer(cutout: Cutout, blobs: Blobs) -> tuple[Artifact, Artifact]:
    stem = file_stem(cutout.region, cutout.subject)
    rgba, mask = decode(blobs.get(cutout.image), "RGBA"), decode(blobs.get(cutout.mask), "L")
    size = (mask.shape[1], mask.shape[0])
    return (
        artifact("cutout", f"cutouts/{stem}.png", png.encode(rgba), blobs, "image/png", size),
        artifact("mask", f"masks/{stem}.png", png.encode(mask, generated=False), blobs, "image/png", size),
    )
