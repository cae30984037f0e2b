"""Photoshop's format: the layer stack as an 8-bit RGB document, written by psd-tools.

Layers are ordinary pixel layers with true transparency, no masks; the merged image is what they show. Names may be in any script.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from cutwork.domain import Artifact, Design
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact
from cutwork.tools.formats.layers import Layer, Pixels, composite, stack
from cutwork.tools.formats.png import XMP

MEDIA_TYPE = "image/vnd.adobe.photoshop"


def make(design: Design, blobs: Blobs) -> Artifact:
    """`layers.psd` of a finished design.

    Raises:
        BadInput: if the design has no delivered round. StorageFailed: if its pictures cannot be read.
    """
    return file(stack(design, blobs), blobs)


def file(layers: Sequence[Layer], blobs: Blobs) -> Artifact:
    """`layers.psd` of a stack, the lowest layer first."""
    height, width = layers[0].alpha.shape
    return artifact("psd", "layers.psd", encode(layers), blobs, MEDIA_TYPE, (width, height))


def encode(layers: Sequence[Layer]) -> bytes:
    """A stack as PSD bytes; equal layers give equal bytes."""
    from psd_tools import PSDImage

    merged = composite(layers)[..., :3]
    document = PSDImage.frompil(Image.fromarray(merged))
    for layer in layers:
        left, top, *_ = layer.window()
        placed = document.create_pixel_layer_from_array(layer.trimmed(), name="layer", top=top, left=left)
        placed.name = layer.name  # the name given on creation may hold only what old Macintosh text could
    out = io.BytesIO()
    document.save(out)
    return _finished(out.getvalue(), merged)


def _finished(data: bytes, merged: Pixels) -> bytes:
    """The document with our own merged image and the mark of a trained model's work.

    psd-tools merges anew on saving where its optional parts are installed, and not where they are missing: the file must not depend on that.
    """
    from psd_tools.constants import Resource
    from psd_tools.psd import PSD
    from psd_tools.psd.image_resources import ImageResource

    document = PSD.read(io.BytesIO(data))
    document.image_data.set_data([merged[..., channel].tobytes() for channel in range(3)], document.header)
    document.image_resources[Resource.XMP_METADATA] = ImageResource(key=Resource.XMP_METADATA, data=XMP.encode())
    out = io.BytesIO()
    document.write(out)
    return out.getvalue()
