"""Stickers: outlines as wide as asked, all of it inside its margins and its cut, files that other software opens and that fit their limits."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from builders import a_design, a_plan, a_round, png
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cutwork.api import pictures
from cutwork.delivery import deliver
from cutwork.domain import Box, Design, FinishSettings, Size, StickerSettings
from cutwork.errors import BadInput, CutworkError
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats import contact
from cutwork.tools.formats import sticker as format
from cutwork.tools.formats._dieline import evenly, through, traced
from cutwork.tools.formats._pack import clipped, emoji_of, emojis, identifier
from cutwork.tools.formats.base import export, telling
from cutwork.tools.formats.png import read_manifest
from cutwork.tools.formats.sticker import PRESETS, sticker, write
from cutwork.tools.masks import grow
from cutwork.tools.masks.clean import fragments
from cutwork.tools.masks.shape import drawn, shape_of

RED = (220, 30, 30)
SCREENS = ("plain", "whatsapp", "telegram", "discord")
PIXEL = 25.4 / 300  # millimetres of a print's pixel
Pixels = np.ndarray


def layer(
    *shapes: tuple[str, tuple[int, int, int, int]], size: tuple[int, int] = (96, 96), ink: tuple[int, ...] = RED, hole: tuple[int, ...] | None = None
) -> Pixels:
    """A cut-out (H, W, 4) of ellipses and rectangles in one colour, with an edge of whole pixels."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    for shape, box in shapes:
        getattr(draw, shape)(box, fill=(*ink, 255) if len(ink) == 3 else ink)
    if hole:
        draw.ellipse(hole, fill=(0, 0, 0, 0))
    return np.array(image)


BALL = layer(("ellipse", (20, 30, 79, 69)))
TWO = layer(("ellipse", (4, 10, 40, 46)), ("rectangle", (64, 60, 90, 90)))
RING = layer(("ellipse", (10, 10, 85, 85)), hole=(30, 30, 65, 65))


@st.composite
def layers(draw: st.DrawFn) -> Pixels:
    """Up to three shapes anywhere, with or without a hole; at least one of 10 pixels or more."""
    shapes = []
    for _ in range(draw(st.integers(1, 3))):
        x, y = draw(st.integers(0, 80)), draw(st.integers(0, 80))
        shapes.append((draw(st.sampled_from(["ellipse", "rectangle"])), (x, y, x + draw(st.integers(10, 60)), y + draw(st.integers(4, 60)))))
    hole = (30, 30, 30 + draw(st.integers(2, 30)), 45) if draw(st.booleans()) else None
    made = layer(*shapes, hole=hole)
    return made if made[..., 3].any(0).sum() > 9 else layer(*shapes)


def only(rgba: Pixels, **changes: Any) -> Pixels:
    """The picture of one sticker, (H, W, 4), with these settings."""
    return pixels(sticker(rgba, StickerSettings(**changes))[0].data)


def pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGBA"))


def edge(mask: Pixels) -> Pixels:
    """Points (N, 2) of a mask's pixels that touch what is outside it."""
    padded = np.pad(mask, 1)
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~within)


def reached(mask: Pixels) -> Pixels:
    """A mask without its holes, by flooding from the corner."""
    image = np.pad(mask, 1).astype(np.uint8) * 255
    cv2.floodFill(image, None, (0, 0), 128)
    return np.asarray(image != 128)[1:-1, 1:-1]


def nearest(points: Pixels, others: Pixels) -> Pixels:
    """Distance of each point to the nearest of others, (N,), the plain way."""
    return np.concatenate([np.sqrt(((part[:, None] - others[None]) ** 2).sum(-1)).min(1) for part in np.array_split(points, max(1, len(points) // 200))])


def path_of(svg: bytes) -> str:
    """The data of the only path in the layer CutContour."""
    layers = {group.get("id"): group for group in ElementTree.fromstring(svg).findall("{http://www.w3.org/2000/svg}g")}
    (path,) = layers["CutContour"]
    assert path.get("fill") is None
    assert layers["CutContour"].get("fill") == "none"
    return str(path.get("d"))


def curve_of(svg: bytes, pieces: int = 16) -> Pixels:
    """Points (N, 2) in millimetres along that path, by its own reading of the data."""
    data = path_of(svg)
    start = np.array([float(v) for v in re.match(r"M(\S+),(\S+) ", data).groups()])  # type: ignore[union-attr]
    assert data.endswith(" Z")
    at, points = start, []
    for numbers in re.findall(r"C([^CZ]+)", data):
        a, b, end = np.array([[float(v) for v in pair.split(",")] for pair in numbers.split()])
        for t in np.arange(pieces) / pieces:
            points.append((1 - t) ** 3 * at + 3 * t * (1 - t) ** 2 * a + 3 * t**2 * (1 - t) * b + t**3 * end)
        at = end
    assert np.allclose(at, start), "the path does not come back to its start"
    return np.array(points)


def within(points: Pixels, size: tuple[int, int], finer: int = 4) -> Pixels:
    """Pixel centres (H, W) bool inside a polygon in pixels, as Pillow fills it."""
    image = Image.new("1", (size[0] * finer, size[1] * finer))
    ImageDraw.Draw(image).polygon([(x * finer - 0.5, y * finer - 0.5) for x, y in points], fill=1)
    return np.array(image)[finer // 2 :: finer, finer // 2 :: finer]


def a_sticker_design(blobs: MemoryBlobs, masks: list[Pixels], phrases: tuple[str, ...] = ("a cat", "a dog"), id: str = "run-1", **changes: Any) -> Design:
    image = np.random.default_rng(1).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    plan = a_plan(*phrases, boxes=[Box((0.1, 0.1, 0.5, 0.5))] * len(phrases), masks=[None] * len(phrases), size=Size((96, 96)))
    plan = plan.model_copy(update={"finish": FinishSettings(kind="sticker", sticker=StickerSettings(**changes))})
    return a_design(a_round(plan, image, masks, blobs), id=id)


LEFT, RIGHT, NOTHING = BALL[..., 3] > 0, np.roll(TWO[..., 3] > 0, 1, axis=0), np.zeros((96, 96), bool)


def folder(tmp_path: Path, *args: Any, **changes: Any) -> dict[str, bytes]:
    """The files of a design by name, as they lie in its folder."""
    blobs = MemoryBlobs()
    export(write(a_sticker_design(blobs, *args, **changes), blobs), blobs, tmp_path)
    return {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


# growing


@given(radius=st.floats(6, 20), width=st.floats(0.5, 20))
@settings(max_examples=25, deadline=None)
def test_a_grown_disc_is_a_larger_disc(radius: float, width: float) -> None:
    y, x = np.mgrid[0:96, 0:96] - 47.5
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    want = np.clip(radius + width + 0.5 - np.hypot(x, y), 0, 1)
    assert np.abs(grow.grown((disc * 255).astype(np.uint8), width) / 255 - want).max() < 0.35  # of a pixel, at its worst
    assert np.sqrt(grow.grown((disc * 255).astype(np.uint8), width).sum() / 255 / np.pi) == pytest.approx(radius + width, abs=0.2)


def test_growing_nothing_gives_nothing_and_the_border_is_no_wall() -> None:
    assert not grow.grown(np.zeros((20, 30), np.uint8), 5).any()
    full = grow.distance(np.full((9, 9), 255, np.uint8))
    assert full[4, 0] == pytest.approx(-0.5, abs=0.05)


def test_distance_is_that_to_the_edge_on_both_sides() -> None:
    half = np.zeros((40, 40), np.uint8)
    half[:, :20] = 255
    assert grow.distance(half)[20, 10:] == pytest.approx(np.arange(10, 40) - 19.5, abs=0.02)


def test_holes_are_filled_and_pieces_joined() -> None:
    ring = grow.distance(RING[..., 3])
    assert (ring[48, 48] > 0, grow.filled(ring)[48, 48] < 0) == (True, True)
    assert np.array_equal(grow.filled(ring) <= 0, reached(ring <= 0))
    two = grow.distance(TWO[..., 3])
    assert fragments(two <= 0) == 2
    one = grow.joined(two, 3, 2)
    assert fragments(one <= -2) == 1
    assert (one <= two).all()
    far = grow.distance(layer(("ellipse", (9, 9, 18, 18)), ("ellipse", (180, 180, 189, 189)), size=(200, 200))[..., 3])
    pill = grow.joined(far, 2, 2)
    assert fragments(pill <= -2) == 1
    assert (np.ptp((grow.contours(pill, 0)[0] @ [1, -1]) / np.sqrt(2))) == pytest.approx(10, abs=1)  # as wide as its ends


def test_a_gap_between_outlines_that_all_but_touch_is_no_hole() -> None:
    """It opens to the outside through pixels that are mostly covered: what is left of it would be seen."""
    field = np.full((28, 41), 5, np.float32)
    field[4:24, 2:39] = -5
    field[:, 20] = [5] * 4 + [-0.3] * 8 + [0.3] * 4 + [-0.3] * 8 + [5] * 4
    solid = grow.coverage(grow.filled(field))
    assert (solid[12:16, 20] == 1).all()
    assert (solid[:4] == 0).all()
    assert (solid[5:10, 20] < 1).all()  # the rest of it is its soft edge
    assert grow.coverage(field)[12:16, 20].max() < 0.5


@given(layers())
@settings(max_examples=15, deadline=None)
def test_closing_only_adds_and_stays_in_the_box(rgba: Pixels) -> None:
    field = grow.distance(rgba[..., 3])
    shape = grow.closed(field, 6)
    assert (shape <= field).all()
    ys, xs = (field <= 0).nonzero()
    outside = np.ones_like(field, bool)
    outside[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = False
    assert not (shape[outside] <= -0.5).any()


# enlarging


def test_an_enlarged_edge_is_round_and_one_pixel_soft() -> None:
    """A disc of 40 whole pixels, twelve times as large, is a disc: no steps, no blur."""
    large = drawn(shape_of(layer(("ellipse", (20, 20, 59, 59)))), (480, 480))[..., 3]
    y, x = np.mgrid[0:480, 0:480] - 239.5
    rim = np.hypot(x, y)[(large > 100) & (large < 155)]
    assert rim.std() < 2.5  # a step is twelve
    assert rim.mean() == pytest.approx(240, abs=5)
    assert ((large > 12) & (large < 243)).sum() < 1.5 * np.pi * 480


def test_the_backgrounds_colour_on_the_edge_is_left_behind() -> None:
    ball = layer(("ellipse", (20, 20, 79, 79)), ink=(90, 40, 200))
    ball[22:78, 22:78] = np.where(
        layer(("ellipse", (22, 22, 77, 77)))[22:78, 22:78, 3:] > 0, layer(("ellipse", (22, 22, 77, 77)))[22:78, 22:78], ball[22:78, 22:78]
    )
    large = drawn(shape_of(ball), (400, 400))
    assert (large[large[..., 3] > 200][:, 2] < 100).mean() > 0.98
    assert (ball[ball[..., 3] > 0][:, 2] > 100).mean() > 0.05


def test_glass_stays_half_transparent_and_hair_thin_lines_stay() -> None:
    glass = layer(("ellipse", (20, 20, 79, 79)), ink=(*RED, 128))
    assert only(glass, outline=0, shadow=False)[256, 256, 3] == pytest.approx(128, abs=2)
    line = only(layer(("rectangle", (10, 40, 80, 40))), outline=0, shadow=False)
    assert (line[..., 3] > 200).any(0).mean() > 0.9


# outlines, margins and shadows


@pytest.mark.slow
@given(layers(), st.sampled_from(SCREENS), st.one_of(st.none(), st.floats(2, 40)))
@settings(max_examples=15, deadline=None)
def test_the_outline_is_as_wide_as_asked_all_around(rgba: Pixels, preset: str, outline: float | None) -> None:
    picture = only(rgba, preset=preset, outline=outline, colour="#0000ff", shadow=False).astype(int)
    width = PRESETS[preset].outline if outline is None else outline
    whole = reached(picture[..., 3] > 127)
    subject = (picture[..., 0] > picture[..., 2]) & (picture[..., 3] > 127)
    far = nearest(edge(whole)[::3], edge(subject))  # between centres: the last pixel of the outline and the last of the subject
    assert np.abs(far - width).max() <= np.sqrt(2), (far.min(), far.max(), width)  # each of both edges is off by half a pixel's diagonal at most
    assert (picture[..., 3][whole] > 127).all(), "a die-cut sticker has no holes"


@pytest.mark.slow
@given(layers(), st.sampled_from(SCREENS), st.one_of(st.none(), st.floats(0, 40)), st.booleans())
@settings(max_examples=25, deadline=None)
def test_everything_lies_inside_the_margins_of_the_presets_canvas(rgba: Pixels, preset: str, outline: float | None, shadow: bool) -> None:
    file = sticker(rgba, StickerSettings(preset=preset, outline=outline, shadow=shadow))[0]  # type: ignore[arg-type]
    picture, asked = pixels(file.data), PRESETS[preset]
    assert file.size == picture.shape[1::-1]
    assert (set(file.size) == {asked.side}) if asked.square else (max(file.size) == asked.side)
    inner = picture[asked.margin : -asked.margin, asked.margin : -asked.margin, 3]
    assert inner.sum(dtype=np.int64) == picture[..., 3].sum(dtype=np.int64)
    seen = np.argwhere(picture[..., 3] > 127)
    room = np.array(picture.shape[:2]) - 2 * asked.margin - 2 * (format._reach(asked.side) if shadow else 0)
    assert (np.ptp(seen, axis=0) + 8 >= room).any(), "it could be larger"


def test_a_shadow_falls_below_the_sticker_and_never_within_it() -> None:
    ball = layer(("ellipse", (20, 20, 79, 79)))
    picture = only(ball, colour="#00ff00").astype(int)
    shade = (picture[..., :3].max(-1) == 0) & (picture[..., 3] > 0)
    rows = np.argwhere(shade)[:, 0]
    assert (rows > 256).mean() > 0.6
    assert 30 < picture[..., 3][shade].max() < 255 * 0.4
    assert (picture[reached(picture[..., 3] > 127)][:, 3] > 127).all()
    glass = only(layer(("ellipse", (20, 20, 79, 79)), ink=(*RED, 128)), outline=0, shadow=True)
    assert glass[200:300, 200:300, 3] == pytest.approx(128, abs=2)  # it would be darker with one behind it
    assert (glass[200:300, 200:300, 0] > 200).all()


def test_the_outline_has_its_colour_and_the_subject_keeps_its_own() -> None:
    picture = only(BALL, colour="gold", shadow=False)
    assert tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2]) == (*RED, 255)
    middle = picture[picture.shape[0] // 2]
    first = int(np.flatnonzero(middle[:, 3] == 255)[0])
    assert tuple(middle[first + 3]) == (255, 215, 0, 255)


# limits


def noise(alpha: bool, seed: int = 0) -> Pixels:
    made = np.random.default_rng(seed).integers(0, 256, (256, 256, 4)).astype(np.uint8)
    if not alpha:
        made[..., 3] = np.where(np.hypot(*(np.mgrid[0:256, 0:256] - 127.5)) < 125, 255, 0)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("preset", SCREENS)
@pytest.mark.parametrize("alpha", [False, True])
def test_files_fit_their_limits_on_the_noisiest_pictures(preset: str, alpha: bool) -> None:
    file = sticker(noise(alpha), StickerSettings(preset=preset, outline=0, shadow=False))[0]  # type: ignore[arg-type]
    assert len(file.data) <= (PRESETS[preset].limit or 2_000_000)
    with Image.open(io.BytesIO(file.data)) as image:
        assert image.format == ("WEBP" if file.media_type == "image/webp" else "PNG")
        assert image.mode == "RGBA"


@pytest.mark.slow
def test_webp_is_without_loss_where_it_fits_and_as_good_as_fits_where_not() -> None:
    picture = only(BALL, preset="plain")
    assert np.array_equal(pixels(format.webp(picture, 100_000))[picture[..., 3] > 0], picture[picture[..., 3] > 0])
    rough = drawn(shape_of(noise(False)), (496, 496))
    sizes = [len(format.webp(rough, limit)) for limit in (60_000, 100_000, 200_000)]
    assert sizes == sorted(sizes)
    assert all(0.8 * limit < size <= limit for size, limit in zip(sizes[1:], (100_000, 200_000), strict=True))
    with pytest.raises(CutworkError, match="does not fit 500 bytes at any quality"):
        format.webp(rough, 500)


# prints


@pytest.mark.slow
@given(layers(), st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 3.0])), st.sampled_from([20.0, 33.3]))
@settings(max_examples=8, deadline=None)
@example(layer(("ellipse", (28, 15, 42, 31)), ("rectangle", (69, 54, 95, 95)), ("rectangle", (25, 38, 48, 94))), 3.0, 33.3)  # two sharp notches
def test_the_cutters_path_goes_once_around_everything_at_the_size_asked(rgba: Pixels, outline: float | None, size: float) -> None:
    picture, svg, _ = sticker(rgba, StickerSettings(preset="print", outline=outline, size_mm=size))
    alpha = pixels(picture.data)[..., 3]
    points = curve_of(svg.data)
    inside = within(points / PIXEL, picture.size)  # type: ignore[arg-type]
    assert inside[alpha > 0].all()
    assert (alpha[inside] > 0).mean() > 0.9 if outline else True
    assert np.ptp(points, axis=0).max() == pytest.approx(size, abs=0.25 if outline != 0 else 0.4)
    assert path_of(svg.data).count("M") == 1
    if outline != 0:
        assert nearest(points[::4] / PIXEL - 0.5, edge(alpha > 127)[:, ::-1]).max() < 2.5  # it hugs the outline


@pytest.mark.slow
def test_pieces_and_holes_of_a_print_become_one_sticker() -> None:
    for rgba in (TWO, RING, layer(("ellipse", (0, 0, 14, 14)), ("ellipse", (80, 80, 94, 94)))):
        picture = only(rgba, preset="print", size_mm=25)
        assert fragments(picture[..., 3] > 127) == 1
        assert np.array_equal(reached(picture[..., 3] > 127), picture[..., 3] > 127)


def test_a_curve_follows_a_circle_with_few_points() -> None:
    y, x = np.mgrid[0:300, 0:300] - 149.5
    curve = traced((np.hypot(x, y) - 120).astype(np.float32), 0)
    assert len(curve) < 60
    assert np.hypot(*(curve[:, 0] - 150).T) == pytest.approx(120, abs=0.35)
    square = evenly(np.array([[0.0, 0], [8, 0], [8, 8], [0, 8]]), 1.0)
    assert len(square) == 32
    assert np.array_equal(through(square)[:, 3], np.roll(through(square)[:, 0], -1, axis=0))
    with pytest.raises(CutworkError, match="goes round one shape, got 2"):
        traced(grow.distance(TWO[..., 3]), 0)


def test_a_print_is_of_true_size_in_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, svg, pdf = sticker(BALL, StickerSettings(preset="print", size_mm=50, title="Fish & chips"))
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        width, height = image.size
    root = ElementTree.fromstring(svg.data)
    assert root.get("width") == f"{width * PIXEL:.3f}mm"
    assert root.get("viewBox") == f"0 0 {width * PIXEL:.3f} {height * PIXEL:.3f}"
    linked = root.find(".//{http://www.w3.org/2000/svg}image")
    assert linked is not None
    assert (linked.get("width"), linked.get("x")) == (f"{width * PIXEL:.3f}", "0")
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Fish & chips"
    assert pdf.data.startswith(b"%PDF-")
    monkeypatch.setattr(format, "LARGE", 50.0)
    large = format.stuck(shape_of(BALL), StickerSettings(preset="print", size_mm=60))
    assert (large.dpi, max(large.picture.shape)) == (150, pytest.approx((60 + 2 * format.PAGE) / 25.4 * 150, abs=4))


def test_another_reader_of_svg_finds_one_closed_path() -> None:
    paths = pytest.importorskip("svgpathtools")
    _, svg, _ = sticker(RING, StickerSettings(preset="print", size_mm=40))
    path = paths.parse_path(path_of(svg.data))
    assert path.isclosed()
    left, right, top, bottom = path.bbox()
    assert max(right - left, bottom - top) == pytest.approx(40, abs=0.1)
    assert len(path.continuous_subpaths()) == 1


def test_another_reader_of_pdf_finds_the_spot_colour_and_the_trim_box() -> None:
    pypdf = pytest.importorskip("pypdf")
    picture, _, pdf = sticker(TWO, StickerSettings(preset="print", size_mm=40))
    (page,) = pypdf.PdfReader(io.BytesIO(pdf.data)).pages
    assert float(page.mediabox.width) == pytest.approx(picture.size[0] * PIXEL * 72 / 25.4, abs=0.01)  # type: ignore[index]
    assert max(float(page.trimbox.width), float(page.trimbox.height)) == pytest.approx(40 * 72 / 25.4, abs=0.3)
    assert float(page.bleedbox.width) - float(page.trimbox.width) == pytest.approx(2 * 72 / 25.4, abs=0.01)
    spots = [space.get_object()[1] for space in page["/Resources"]["/ColorSpace"].values()]
    assert spots == ["/CutContour"]
    (image,) = page.images
    assert np.array_equal(np.array(image.image.convert("RGBA"))[..., 3], pixels(picture.data)[..., 3])


@pytest.mark.skipif(shutil.which("gs") is None, reason="Ghostscript is not installed")
def test_ghostscript_separates_the_cut_from_the_inks(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(sticker(BALL, StickerSettings(preset="print", size_mm=40))[2].data)
    subprocess.run(
        ["gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=tiffsep", "-r300", "-sOutputFile=x%d.tif", "x.pdf"], cwd=tmp_path, check=True, capture_output=True
    )
    with Image.open(tmp_path / "x1(CutContour).tif") as plate:
        drawn_there = np.array(plate.convert("L")) < 255
    assert 0 < drawn_there.mean() < 0.05
    assert reached(drawn_there).mean() > 0.4  # the line is closed: flooding from outside does not enter


@pytest.mark.skipif(shutil.which("webpinfo") is None or shutil.which("identify") is None, reason="webp and ImageMagick are not installed")
def test_other_software_opens_the_webp(tmp_path: Path) -> None:
    (tmp_path / "x.webp").write_bytes(sticker(BALL, StickerSettings(preset="whatsapp"))[0].data)
    said = subprocess.run(["webpinfo", "x.webp"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "No error detected" in said
    assert "Canvas size 512 x 512" in said
    assert subprocess.run(["identify", "-format", "%wx%h %m", "x.webp"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout == "512x512 WEBP"


# bad input


@pytest.mark.parametrize(
    ("rgba", "changes", "fault"),
    [
        (np.zeros((64, 64, 4), np.uint8), {}, "is fully transparent"),
        (layer(("ellipse", (20, 20, 60, 60)), ink=(*RED, 20)), {}, "an alpha of 20 of 255 at most"),
        (layer(("rectangle", (40, 40, 40, 40))), {}, "is 1x1 pixels, at least 8"),
        (np.zeros((64, 64, 3), np.uint8), {}, r"shape \(64, 64, 3\), wanted uint8"),
        (BALL, {"colour": "whitish"}, "there is no colour 'whitish'"),
        (BALL, {"colour": "#ffffff80"}, "is not opaque"),
        (BALL, {"preset": "print", "outline": 30.0}, "an outline of 30 mm around 50 mm leaves no room"),
        (BALL, {"preset": "print", "size_mm": 4.5}, "outline of 2 mm around 4.5 mm leaves no room"),
        (BALL, {"preset": "print", "size_mm": 0.1, "outline": 0.0}, "leaves no room"),
    ],
)
def test_what_cannot_be_a_sticker_is_named(rgba: Pixels, changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        sticker(rgba, StickerSettings(**changes))


@pytest.mark.parametrize("preset", SCREENS)
def test_the_widest_outline_still_leaves_a_subject(preset: str) -> None:
    assert (only(BALL, preset=preset, outline=64, shadow=True)[..., 0] > 0).any()


def test_an_empty_cut_out_is_passed_over_and_said(tmp_path: Path) -> None:
    speck = NOTHING.copy()
    speck[50, 50] = True
    files = folder(tmp_path, [LEFT, NOTHING, speck], phrases=("a cat", "a dog", "a bee"))
    listing = json.loads(files["manifest.json"])
    assert listing["skipped"] == [
        "cut-out 02-dog is fully transparent; there is nothing of it to see",
        "cut-out 03-bee is 1x1 pixels, at least 8 along one side are needed",
    ]
    assert set(listing["skipped"]) <= set(listing["notes"])
    assert [one["files"] for one in listing["stickers"]] == [["stickers/01-cat.png"]]


def test_a_design_of_empty_cut_outs_or_without_a_round_is_refused() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match=r"no sticker can be made: cut-out 01-cat is fully transparent.*02-dog"):
        write(a_sticker_design(blobs, [NOTHING, NOTHING]), blobs)
    with pytest.raises(BadInput, match="no colour 'nope'"):
        write(a_sticker_design(blobs, [LEFT, RIGHT], colour="nope"), blobs)
    with pytest.raises(BadInput, match="no delivered round"):
        write(a_design(), blobs)


# a design's files


def test_each_cut_out_and_the_group_become_stickers(tmp_path: Path) -> None:
    files = folder(tmp_path, [LEFT, RIGHT])
    assert set(files) == {"image.png", "stickers/01-cat.png", "stickers/02-dog.png", "stickers/group.png", "overview.png", "manifest.json"}
    assert read_manifest(tmp_path / "stickers" / "group.png") == read_manifest(tmp_path / "image.png")
    listing = json.loads(files["manifest.json"])
    assert [(one["regions"], one["text"]) for one in listing["stickers"]] == [([0], "a cat"), ([1], "a dog"), ([0, 1], "a cat and a dog")]
    for one in listing["stickers"]:
        assert [len(files[name]) for name in one["files"]] == one["bytes"]
        assert pixels(files[one["files"][0]]).shape[:2] == (one["height"], one["width"])
    alone = folder(tmp_path / "alone", [LEFT], phrases=("a cat",))
    assert "stickers/group.png" not in alone


def test_nearer_subjects_lie_over_farther_ones_in_the_group() -> None:
    blobs = MemoryBlobs()
    design = a_sticker_design(blobs, [LEFT, LEFT])
    best = design.rounds[0]
    painted = [blobs.put(png(np.where(LEFT[..., None], np.array([*ink, 255], np.uint8), np.uint8(0)))) for ink in (RED, (0, 0, 255))]
    for nearer, ink in ((0, RED), (1, (0, 0, 255))):
        regions = tuple(region.model_copy(update={"z": int(k == nearer)}) for k, region in enumerate(best.shot.plan.regions))
        shot = best.shot.model_copy(update={"plan": best.shot.plan.model_copy(update={"regions": regions})})
        cutouts = tuple(one.model_copy(update={"image": image}) for one, image in zip(best.cutouts, painted, strict=True))
        changed = best.model_copy(update={"shot": shot, "cutouts": cutouts})
        group = next(a for a in write(a_design(changed), blobs) if a.name == "stickers/group.png")
        picture = pixels(blobs.get(group.sha256))
        assert tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2, :3]) == ink


@pytest.mark.slow
def test_a_whatsapp_pack_is_as_its_sample_app_reads_it(tmp_path: Path) -> None:
    files = folder(tmp_path, [LEFT, RIGHT], phrases=("a very, " + "very " * 25 + "grumpy cat", "a rocket"), preset="whatsapp", title="Katze & Rakete")
    (pack,) = json.loads(files["stickers/contents.json"])["sticker_packs"]
    assert (pack["identifier"], pack["name"], pack["publisher"]) == ("katze-rakete", "Katze & Rakete", "Cutwork")
    assert re.fullmatch(r"[\w\-.,'\s]{1,128}", pack["identifier"])
    here = "stickers/katze-rakete/"
    assert [one["image_file"] for one in pack["stickers"]] == ["01-cat.webp", "02-rocket.webp", "group.webp"]
    for one in pack["stickers"]:
        assert 1 <= len(one["emojis"]) <= 3
        assert 1 <= len(one["accessibility_text"]) <= 125
        with Image.open(io.BytesIO(files[here + one["image_file"]])) as image:
            assert (image.format, image.size) == ("WEBP", (512, 512))
        assert len(files[here + one["image_file"]]) <= 100_000
    assert [one["emojis"] for one in pack["stickers"]] == [["🐈"], ["🚀"], ["🐈", "🚀"]]
    with Image.open(io.BytesIO(files[here + pack["tray_image_file"]])) as tray:
        assert (tray.format, tray.size) == ("PNG", (96, 96))
    assert len(files[here + "tray.png"]) <= 50_000
    other = folder(tmp_path / "other", [LEFT, LEFT], phrases=("a cat", "a rocket"), preset="whatsapp")
    assert json.loads(other["stickers/contents.json"])["sticker_packs"][0]["image_data_version"] != pack["image_data_version"]


def test_what_a_platform_will_say_is_said_first(tmp_path: Path) -> None:
    few = folder(tmp_path / "few", [LEFT], phrases=("a cat",), preset="whatsapp")
    assert "WhatsApp takes packs of 3 to 30 stickers, this one has 1" in json.loads(few["manifest.json"])["notes"]
    shaded = folder(tmp_path / "shaded", [LEFT], phrases=("a cat",), preset="print", shadow=True, size_mm=20)
    assert any("no shadow" in note for note in json.loads(shaded["manifest.json"])["notes"])
    assert json.loads(shaded["manifest.json"])["stickers"][0]["page_mm"][0] == pytest.approx(24, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_design_gives_the_same_bytes(preset: str) -> None:
    one, two = MemoryBlobs(), MemoryBlobs()
    first = write(a_sticker_design(one, [LEFT, RIGHT], preset=preset, size_mm=20), one)
    assert first == write(a_sticker_design(two, [LEFT, RIGHT], id="run-2", preset=preset, size_mm=20), two)
    assert all(b"run-1" not in one.get(a.sha256) for a in first)


def test_another_process_gives_the_same_bytes() -> None:
    """Nothing hangs on addresses or on the order of hashes, as some PDF writers' names of pictures do."""
    code = (
        "import hashlib, numpy as np\nfrom cutwork.domain import StickerSettings\nfrom cutwork.tools.formats.sticker import sticker\n"
        "rgba = np.zeros((40, 40, 4), np.uint8)\nrgba[8:30, 6:33] = (220, 30, 30, 255)\n"
        "files = sticker(rgba, StickerSettings(preset='print', size_mm=20))\nprint(*(hashlib.sha256(one.data).hexdigest() for one in files))"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")
    }
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[8:30, 6:33] = (220, 30, 30, 255)
    here = " ".join(hashlib.sha256(one.data).hexdigest() for one in sticker(rgba, StickerSettings(preset="print", size_mm=20)))
    assert runs == {here + "\n"}


# words


def test_emojis_are_those_of_the_nouns() -> None:
    assert [emoji_of(noun) for noun in ("cat", "rocket", "mug", "apple", "monkey", "zorb")] == ["🐈", "🚀", "☕", "🍎", "🐒", None]
    assert emojis(("cat", "cat", "dog", "fox", "owl")) == ("🐈", "🐕", "🦊")
    assert emojis(("zorb",)) == ("🎨",)


def test_names_and_texts_are_kept_within_their_limits() -> None:
    assert identifier("Zoë's  Pack!") == "zoe-s-pack"
    assert re.fullmatch(r"pack-[0-9a-f]{8}", identifier("猫"))
    assert identifier("猫") != identifier("犬")
    assert clipped("one two three", 9) == "one two…"
    assert len(clipped("x" * 300, 125)) == 125
    assert clipped("short  text", 125) == "short text"


def test_what_the_place_will_say_is_told_with_the_files(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    design = a_sticker_design(blobs, [LEFT, RIGHT], preset="whatsapp")
    design = design.model_copy(update={"artifacts": write(design, blobs)})
    assert deliver(design, blobs, tmp_path)["notes"] == list(design.notes)
    few = a_sticker_design(blobs, [LEFT], ("a cat",), preset="whatsapp")
    few = few.model_copy(update={"artifacts": write(few, blobs)})
    assert deliver(few, blobs, tmp_path)["notes"] == [*few.notes, "WhatsApp takes packs of 3 to 30 stickers, this one has 1"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("phrases", "stem"), [(("a cat", "a dog"), "group"), (("a cat",), "01-cat")])
def test_whoever_asks_for_one_picture_gets_that_of_all(preset: str, phrases: tuple[str, ...], stem: str) -> None:
    """Never a file of curves, which is no picture of pixels."""
    blobs = MemoryBlobs()
    design = a_sticker_design(blobs, [LEFT, RIGHT][: len(phrases)], phrases, preset=preset, size_mm=20)
    design = design.model_copy(update={"artifacts": write(design, blobs)})
    shown = pictures.main(design)
    assert PurePosixPath(shown.name).stem == stem
    assert pictures.of_goods(design, blobs).size == f"{shown.width}x{shown.height}"
    assert telling(design.artifacts, contact.SHOWN) == shown
