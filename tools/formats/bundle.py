"""Everything of a design in one zip: the files of its kind, the clean plate, the layered files, the outlines, the receipt, and a manifest.

Entries have one fixed date and one fixed order, so that the same design gives the same zip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cutwork.domain import Artifact, Design, Json
from cutwork.ports import Blobs
from cutwork.tools.formats import cutout, layers, ora, psd, receipt, svg
from cutwork.tools.formats.base import artifact, canonical, delivered

MEDIA_TYPE = "application/zip"
MANIFEST = "manifest.json"


def make(design: Design, blobs: Blobs) -> Artifact:
    """`design.zip`: image, cut-outs, what else the design delivered, and all that is made of its layers.

    Raises:
        BadInput: if the design has no delivered round. StorageFailed: if its pictures cannot be read.
    """
    delivered(design)
    files = {one.name: one for one in (*cutout.write(design, blobs), *_layered(design, blobs), *design.artifacts) if one.name != MANIFEST}
    parts = {name: blobs.get(one.sha256) for name, one in sorted(files.items())}
    return artifact("zip", "design.zip", ora.packed({MANIFEST: canonical(manifest(design, files.values(), blobs)), **parts}), blobs, MEDIA_TYPE)


def manifest(design: Design, files: Iterable[Artifact], blobs: Blobs) -> Json:
    """What the cut-outs' manifest says, and every file with its kind, media type, length and SHA-256."""
    return {**cutout.manifest(design), "files": [_entry(one, blobs) for one in files]}


def _layered(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    pile = layers.stack(design, blobs)
    clean = layers.plate_file(design, pile[0].pixels[..., :3], blobs)
    return clean, psd.file(pile, blobs), ora.file(design, pile, blobs), svg.file(design, pile[1:], blobs), receipt.make(design, blobs)


def _entry(one: Artifact, blobs: Blobs) -> Json:
    data = blobs.get(one.sha256)
    return {"name": one.name, "kind": one.kind, "media_type": one.media_type, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
