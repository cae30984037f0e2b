"""The outlines of a design's cut-outs as vectors: one path a subject, in pixels of the canvas, ready for a plotter or a drawing program.

A mask's edge runs along pixels. It is smoothed and enlarged first, as far as that leaves the shape alone, and vtracer then fits curves to it;
traced as it is, every staircase would become a wave.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cutwork.domain import Artifact, Design
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact
from cutwork.tools.formats.layers import Layer, subjects

MEDIA_TYPE = "image/svg+xml"
SVG = "http://www.w3.org/2000/svg"
ENLARGED = 4  # times, for tracing
LARGEST = 2048  # pixels of the enlarged mask's longer side
SMOOTHINGS = (1.6, 1.2, 0.8, 0.5)  # pixels; the first that leaves the shape as it is
SAME = 0.985  # intersection over union from which a smoothed shape counts as the same
MARGIN = 4  # pixels around a mask while it is worked on

Mask = NDArray[np.bool_]


def make(design: Design, blobs: Blobs) -> Artifact:
    """`outlines.svg` of a finished design; of one without subjects, an empty drawing of the canvas's size.

    Raises:
        BadInput: if the design has no delivered round. StorageFailed: if its pictures cannot be read.
    """
    return file(design, subjects(design, blobs), blobs)


def file(design: Design, layers: Sequence[Layer], blobs: Blobs) -> Artifact:
    """`outlines.svg` of cut-outs, back to front."""
    plan = design.delivered.shot.plan if design.delivered else design.plan
    width, height = plan.size.root if plan else (layers[0].alpha.shape[1], layers[0].alpha.shape[0])
    return artifact("svg", "outlines.svg", encode(layers, width, height), blobs, MEDIA_TYPE, (width, height))


def encode(layers: Sequence[Layer], width: int, height: int) -> bytes:
    """Layers as SVG bytes, each a path filled with the subject's mean colour; equal layers give equal bytes."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.Element(f"{{{SVG}}}svg", width=str(width), height=str(height), viewBox=f"0 0 {width} {height}")
    for layer in layers:
        drawn = {"fill": _colour(layer), "fill-rule": "evenodd", "d": outline(layer.alpha > 127)}
        path = ElementTree.SubElement(root, f"{{{SVG}}}path", {"id": f"subject-{(layer.region or 0) + 1}", **drawn})
        ElementTree.SubElement(path, f"{{{SVG}}}title").text = layer.name
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def outline(mask: Mask) -> str:
    """A mask's edge as the data of an SVG path, in pixels of the mask; holes are paths of their own. (H, W) bool; "" for an empty mask."""
    import vtracer

    if not mask.any():
        return ""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    part = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], MARGIN)
    scale = max(1, min(ENLARGED, LARGEST // max(part.shape)))
    smooth = _smoothed(part, scale)
    out = io.BytesIO()
    Image.fromarray(np.where(smooth, 0, 255).astype(np.uint8)).save(out, "PNG", compress_level=1)
    traced = vtracer.convert_raw_image_to_svg(out.getvalue(), img_format="png", colormode="binary", mode="spline", filter_speckle=0, length_threshold=10.0)
    return " ".join(_placed(path, scale, int(columns[0]) - MARGIN, int(rows[0]) - MARGIN) for path in ElementTree.fromstring(traced).iter(f"{{{SVG}}}path"))


def _smoothed(mask: Mask, scale: int) -> Mask:
    """The mask enlarged, its staircases rounded as far as it stays the same shape."""
    height, width = mask.shape
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    for radius in SMOOTHINGS:
        blurred = grey.filter(ImageFilter.GaussianBlur(radius))
        kept = np.asarray(blurred) > 127
        if (kept & mask).sum() >= SAME * (kept | mask).sum():
            return np.asarray(blurred.resize((width * scale, height * scale), Image.Resampling.BICUBIC)) > 127
    return np.kron(mask, np.ones((scale, scale), bool))


def _placed(path: ElementTree.Element, scale: int, left: int, top: int) -> str:
    """A traced path's data with its own shift, the enlargement and the place on the canvas worked into its coordinates.

    vtracer writes absolute coordinates in pairs, with the commands M, L, C and Z alone.
    """
    shift = [float(v) for v in re.findall(r"-?[\d.]+", path.get("transform", "translate(0,0)"))]
    offset = (shift[0] / scale + left, shift[1] / scale + top)
    axis = iter(range(10**9))
    return re.sub(r"-?\d+(?:\.\d+)?", lambda number: f"{float(number[0]) / scale + offset[next(axis) % 2]:.2f}", path.get("d", "")).strip()


def _colour(layer: Layer) -> str:
    red, green, blue = layer.pixels[layer.alpha > 127][:, :3].mean(0) if (layer.alpha > 127).any() else (0, 0, 0)
    return f"#{round(red):02x}{round(green):02x}{round(blue):02x}"
