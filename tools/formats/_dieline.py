"""A cutter's path: the outline as a smooth closed curve in millimetres, and the SVG and PDF that carry it over the picture.

Cutters look for a stroke in a spot colour called CutContour; in the PDF it is a Separation and overprints, in the SVG it is the name of its layer.
"""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab import rl_config
from reportlab.lib.colors import CMYKColorSep, Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from cutwork import __version__
from cutwork.errors import CutworkError
from cutwork.tools.masks.grow import Points, Signed, contours, sampled

SPOT = "CutContour"
MAGENTA = "#ec008c"  # what the spot colour looks like on a screen
HAIRLINE = 0.25  # points
POINT = 72 / 25.4  # points in a millimetre
STEPS = (32.0, 24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.0)  # pixels between the curve's points, tried in this order
OFF = 0.25  # pixels a curve may leave its line
LOOKS = np.arange(1, 32) / 32  # places on a piece of the curve where that is measured

LOCK = threading.Lock()  # reportlab's settings are the process's

Curve = NDArray[np.float64]  # (N, 4, 2): cubic Bézier pieces, each from its first point to its last, the last piece ending where the first begins


@dataclass(frozen=True)
class Dieline:
    """A printed picture and its cutter's path."""

    curve: Curve  # millimetres from the picture's top left corner
    width: float  # of the page, which the picture fills, millimetres
    height: float
    bleed: float  # millimetres of colour printed beyond the path
    colour: tuple[int, int, int]  # of the bleed


def traced(field: Signed, level: float) -> Curve:
    """The outline of a shape in one piece as a curve, in pixels with 0, 0 at the picture's corner.

    It has as few points as keep it within a quarter of a pixel of its line.

    Raises:
        CutworkError: if the shape is not in one piece.
    """
    found = contours(field, level)
    if len(found) != 1:
        raise CutworkError(f"a cutter's path goes round one shape, got {len(found)}")
    curves = (through(evenly(found[0], step)) for step in STEPS)
    best = next((curve for curve in curves if off(field, curve, level) <= OFF), through(evenly(found[0], STEPS[-1])))
    return np.asarray(best + 0.5)  # a field's whole numbers are pixel centres


def evenly(points: Points, step: float) -> Points:
    """Points at even distances, about `step` apart, along a closed line."""
    ring = np.vstack([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    count = max(8, round(along[-1] / step))
    at = np.arange(count) * along[-1] / count
    return np.stack([np.interp(at, along, ring[:, axis]) for axis in (0, 1)], axis=1)


def through(points: Points) -> Curve:
    """A smooth closed curve through points (Catmull-Rom)."""
    ahead, behind = np.roll(points, -1, axis=0), np.roll(points, 1, axis=0)
    lean = (ahead - behind) / 6
    return np.stack([points, points + lean, ahead - np.roll(lean, -1, axis=0), ahead], axis=1)


def off(field: Signed, curve: Curve, level: float) -> float:
    """How far a curve strays from where a field passes a level, pixels."""
    return float(np.abs(sampled(field, along(curve)) - level).max())


def along(curve: Curve, at: NDArray[np.float64] = LOOKS) -> Points:
    """Points on every piece of a curve, at shares 0..1 of each."""
    t = at[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])  # (places, 4)
    return np.asarray(np.einsum("pk,nkd->npd", weights, curve).reshape(-1, 2))


def extent(curve: Curve) -> tuple[float, float, float, float]:
    """Tight box of a curve: left, top, right, bottom."""
    points = along(curve, np.arange(33) / 32)
    return (*map(float, points.min(0)), *map(float, points.max(0)))  # type: ignore[return-value]


def svg(line: Dieline, png: bytes, title: str) -> bytes:
    """An SVG of true size: the bleed and the picture in one layer, the cutter's path alone in another."""
    root = ElementTree.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg",
        "xmlns:xlink": "http://www.w3.org/1999/xlink",
        "xmlns:inkscape": "http://www.inkscape.org/namespaces/inkscape",
        "width": f"{line.width:.3f}mm", "height": f"{line.height:.3f}mm", "viewBox": f"0 0 {line.width:.3f} {line.height:.3f}",
    })  # fmt: skip
    ElementTree.SubElement(root, "title").text = title
    art, cut = (
        ElementTree.SubElement(root, "g", {"id": name, "inkscape:groupmode": "layer", "inkscape:label": name, "fill": "none"}) for name in ("Artwork", SPOT)
    )
    path = _data(line.curve)
    if line.bleed:
        ink = "#{:02x}{:02x}{:02x}".format(*line.colour)
        ElementTree.SubElement(art, "path", {"d": path, "fill": ink, "stroke": ink, "stroke-width": f"{2 * line.bleed:.3f}", "stroke-linejoin": "round"})
    link = "data:image/png;base64," + base64.b64encode(png).decode()
    size = {"width": f"{line.width:.3f}", "height": f"{line.height:.3f}"}
    ElementTree.SubElement(art, "image", {"x": "0", "y": "0", **size, "preserveAspectRatio": "none", "xlink:href": link})
    ElementTree.SubElement(cut, "path", {"d": path, "stroke": MAGENTA, "stroke-width": f"{HAIRLINE / POINT:.3f}"})
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def pdf(line: Dieline, picture: NDArray[np.uint8], title: str) -> bytes:
    """A PDF of true size with the cutter's path as a spot colour; its trim box is the path's.

    Args:
        line: the path.
        picture: (H, W, 4) uint8.
        title: of the document.
    """
    with LOCK:
        before, rl_config.useA85 = rl_config.useA85, 0  # streams as bytes: smaller, and no minutes for large pictures
        try:
            return _page(line, picture, title)
        finally:
            rl_config.useA85 = before


def _page(line: Dieline, picture: NDArray[np.uint8], title: str) -> bytes:
    out = io.BytesIO()
    page = Canvas(out, pagesize=(line.width * POINT, line.height * POINT), pageCompression=1, invariant=1)  # invariant: no time, no random id
    page.setTitle(title)
    page.setSubject("die-cut sticker")
    page.setAuthor("Cutwork")
    page.setCreator(f"Cutwork {__version__}")
    page.setTrimBox(_upright(line, 0.0))
    page.setBleedBox(_upright(line, line.bleed))
    if line.bleed:
        ink = Color(*(c / 255 for c in line.colour))
        page.setFillColor(ink)
        page.setStrokeColor(ink)
        page.setLineJoin(1)
        page.setLineWidth(2 * line.bleed * POINT)
        page.drawPath(_outline(page, line), stroke=1, fill=1)
    page.drawImage(ImageReader(Image.fromarray(picture)), 0, 0, line.width * POINT, line.height * POINT, mask="auto")
    page.setStrokeColor(CMYKColorSep(0, 1, 0, 0, spotName=SPOT))
    page.setStrokeOverprint(True)
    page.setLineWidth(HAIRLINE)
    page.drawPath(_outline(page, line), stroke=1, fill=0)
    page.showPage()
    page.save()
    return out.getvalue()


def _data(curve: Curve) -> str:
    """A curve as SVG path data, to the micrometre."""
    pieces = " ".join("C" + " ".join(f"{x:.3f},{y:.3f}" for x, y in piece[1:]) for piece in curve)
    return f"M{curve[0, 0, 0]:.3f},{curve[0, 0, 1]:.3f} {pieces} Z"


def _outline(page: Canvas, line: Dieline) -> Any:
    """A curve as a path of a PDF page, whose y axis points up."""
    pieces = np.stack([line.curve[..., 0], line.height - line.curve[..., 1]], axis=-1) * POINT
    path = page.beginPath()
    path.moveTo(*pieces[0, 0].tolist())
    for piece in pieces:
        path.curveTo(*piece[1:].ravel().tolist())
    path.close()
    return path


def _upright(line: Dieline, more: float) -> tuple[float, float, float, float]:
    """The path's box with so many millimetres around it, in points of a PDF page."""
    left, top, right, bottom = extent(line.curve)
    return (left - more) * POINT, (line.height - bottom - more) * POINT, (right + more) * POINT, (line.height - top + more) * POINT
