"""The default kind: the image, every subject on its own transparent layer, the masks, and a manifest of what was measured.

    image.png   cutouts/01-cat.png …   masks/01-cat.png …   background.png   overview.png   receipt.png   manifest.json
"""

from __future__ import annotations

from cutwork.domain import Artifact, Cutout, Design, Json
from cutwork.ports import Blobs
from cutwork.tools.formats import layers as stacked
from cutwork.tools.formats import overview, png
from cutwork.tools.formats.base import artifact, canonical, delivered, layer_name
from cutwork.tools.pixels import decode


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Files of a finished cut-out design.

    Raises:
        BadInput: if the design has no delivered round.
    """
    best = delivered(design)
    texts = png.texts(design)
    layers = tuple(one for cutout in best.cutouts for one in _layer(cutout, texts, blobs))
    listing = artifact("manifest", "manifest.json", canonical(manifest(design)), blobs, "application/json")
    return (*png.write(design, blobs), *layers, *overview.write(design, blobs), *stacked.extras(design, blobs), listing)


def manifest(design: Design) -> Json:
    """What the image's own manifest says, with the receipts, the verdict and the names of the files."""
    return png.listing(design) | {"cutouts": [_entry(cutout) for cutout in delivered(design).cutouts]}


def _entry(cutout: Cutout) -> Json:
    return {
        "subject": cutout.subject,
        "region": cutout.region,
        "image": layer_name("cutout", cutout),
        "mask": layer_name("mask", cutout),
        "box": cutout.box.model_dump(mode="json") if cutout.box else None,
        "receipt": cutout.receipt.model_dump(mode="json"),
    }


def _layer(cutout: Cutout, texts: dict[str, str], blobs: Blobs) -> tuple[Artifact, Artifact]:
    """The transparent layer, which says how it was made, and its mask, which is no picture."""
    rgba, mask = decode(blobs.get(cutout.image), "RGBA"), decode(blobs.get(cutout.mask), "L")
    size = (mask.shape[1], mask.shape[0])
    return (
        artifact("cutout", layer_name("cutout", cutout), png.encode(rgba, texts), blobs, "image/png", size),
        artifact("mask", layer_name("mask", cutout), png.encode(mask, generated=False), blobs, "image/png", size),
    )
