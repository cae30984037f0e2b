"""OpenRaster: the layer stack as Krita, GIMP, MyPaint and others open it.

A zip that begins with its media type, then `stack.xml`, the layers as PNG, the merged image and a thumbnail, as
https://www.openraster.org/baseline/file-layout-spec.html says.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from cutwork.domain import Artifact, Design
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact
from cutwork.tools.formats.layers import Layer, Pixels, composite, stack
from cutwork.tools.formats.png import encode, texts

MEDIA_TYPE = "image/openraster"
THUMBNAIL = 256  # pixels of its longer side, the most that is allowed
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name
PACKED = (".png", ".webp", ".jpg", ".ora", ".zip")  # compressed already


def make(design: Design, blobs: Blobs) -> Artifact:
    """`layers.ora` of a finished design.

    Raises:
        BadInput: if the design has no delivered round. StorageFailed: if its pictures cannot be read.
    """
    return file(design, stack(design, blobs), blobs)


def file(design: Design, layers: Sequence[Layer], blobs: Blobs) -> Artifact:
    """`layers.ora` of a stack, the lowest layer first."""
    height, width = layers[0].alpha.shape
    merged = composite(layers)
    parts = {
        "mimetype": MEDIA_TYPE.encode(),
        "stack.xml": _listing(layers),
        **{f"data/{number:02d}.png": encode(layer.trimmed()) for number, layer in enumerate(layers)},
        "mergedimage.png": encode(merged, texts(design)),
        "Thumbnails/thumbnail.png": encode(_thumbnail(merged)),
    }
    return artifact("ora", "layers.ora", packed(parts, stored=("mimetype",)), blobs, MEDIA_TYPE, (width, height))


def packed(parts: Mapping[str, bytes], stored: Iterable[str] = ()) -> bytes:
    """A zip of named parts in their order; same parts, same bytes. Names in `stored` and what is compressed already are not compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            kept = name in stored or name.lower().endswith(PACKED)
            archive.writestr(entry, data, zipfile.ZIP_STORED if kept else zipfile.ZIP_DEFLATED, 6)
    return out.getvalue()


def _listing(layers: Sequence[Layer]) -> bytes:
    """`stack.xml`: the nearest layer comes first there."""
    height, width = layers[0].alpha.shape
    image = ElementTree.Element("image", version="0.0.6", w=str(width), h=str(height), xres="72", yres="72")
    pile = ElementTree.SubElement(image, "stack")
    for number, layer in reversed(list(enumerate(layers))):
        left, top, *_ = layer.window()
        place = {"x": str(left), "y": str(top), "opacity": "1.0", "visibility": "visible", "composite-op": "svg:src-over"}
        ElementTree.SubElement(pile, "layer", {"name": layer.name, "src": f"data/{number:02d}.png", **place})
    ElementTree.indent(image)
    written: bytes = ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True)
    return written


def _thumbnail(merged: Pixels) -> Pixels:
    picture = Image.fromarray(merged)
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(picture)
