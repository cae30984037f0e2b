"""Layered files: the stack of a design, and its ORA, PSD, SVG and zip as other software opens them."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from builders import a_design, a_plan, a_round, png, unpng
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from psd_tools import PSDImage

from cutwork.domain import Artifact, Box, Design, Plan, Region, Subject
from cutwork.errors import BadInput
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats import bundle, cutout, layers, ora, psd, svg
from cutwork.tools.masks.plate import hole

WIDTH, HEIGHT = 160, 128
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
BEHIND = np.dstack([40 + X, 90 + Y // 2, np.full_like(X, 160)]).astype(np.uint8)
COLOURS = ((230, 60, 40), (240, 220, 60), (40, 160, 70))
MAKERS = (ora.make, psd.make, svg.make, bundle.make)

magick = pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not installed (apt-get install imagemagick)")
rsvg = pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert is not installed (apt-get install librsvg2-bin)")


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(X - x, Y - y) < radius


def picture(*masks: np.ndarray) -> np.ndarray:
    image = BEHIND.copy()
    for colour, mask in zip(COLOURS, masks, strict=False):
        image[mask] = colour
    return image


def design(blobs: MemoryBlobs, *masks: np.ndarray, plan: Plan | None = None, id: str = "run-1") -> Design:
    names = ("a cat", "a red rocket", "an owl")[: len(masks)]
    boxes = [Box((0.1 * k, 0.1, 0.1 * k + 0.5, 0.9)) for k in range(len(masks))]
    plan = plan or a_plan(*names, boxes=boxes, masks=[None] * len(masks), size=(WIDTH, HEIGHT))
    return a_design(a_round(plan, picture(*masks), masks, blobs), id=id)


def two(blobs: MemoryBlobs, id: str = "run-1") -> Design:
    return design(blobs, disc(50, 64, 24), disc(110, 60, 20), id=id)


def three_of_a_kind(z: tuple[int, int, int] = (0, 1, 2)) -> Plan:
    regions = tuple(Region(subject="cat", box=Box((0.3 * k, 0.2, 0.3 * k + 0.3, 0.8)), prompt="a cat", z=z[k]) for k in range(3))
    return Plan(prompt="cats", background="plain", subjects=(Subject(id="cat", phrase="a cat", noun="cat", count=3),), regions=regions, size=(WIDTH, HEIGHT))


def nothing_planned(blobs: MemoryBlobs) -> Design:
    return a_design(a_round(Plan(prompt="a sky", background="a sky", size=(WIDTH, HEIGHT)), BEHIND, [], blobs))


def data(made: Artifact, blobs: MemoryBlobs) -> bytes:
    return blobs.get(made.sha256)


# the stack


def test_the_background_is_lowest_and_higher_z_is_nearer() -> None:
    blobs = MemoryBlobs()
    masks = disc(30, 64, 14), disc(80, 64, 14), disc(130, 64, 14)
    pile = layers.stack(design(blobs, *masks, plan=three_of_a_kind(z=(5, 0, 5))), blobs)
    assert [layer.region for layer in pile] == [None, 1, 0, 2]
    assert [layer.name for layer in pile] == ["background", "2 cat", "1 cat", "3 cat"]


def test_the_background_is_clean() -> None:
    blobs = MemoryBlobs()
    background = layers.stack(two(blobs), blobs)[0].pixels
    assert (background[..., 3] == 255).all()
    assert np.abs(background[..., :3].astype(int) - BEHIND).max() <= 4


def test_the_layers_together_are_the_drawn_picture() -> None:
    """But for the rim around subjects, where the plate has no more of their halo."""
    blobs = MemoryBlobs()
    masks = disc(50, 64, 24), disc(110, 60, 20)
    image, covered = picture(*masks), masks[0] | masks[1]
    merged = layers.composite(layers.stack(two(blobs), blobs))
    assert (merged[..., 3] == 255).all()
    away = ~hole(image, covered)
    assert np.array_equal(merged[covered | away][:, :3], image[covered | away])
    assert (away | covered).mean() > 0.9


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=4))
def test_soft_layers_are_laid_one_upon_the_other_as_pillow_does(sheets: list[tuple[int, int]]) -> None:
    pile = [layers.Layer(str(k), np.full((2, 2, 4), (value, 255 - value, 9, alpha), np.uint8)) for k, (value, alpha) in enumerate(sheets)]
    expected = Image.fromarray(pile[0].pixels)
    for layer in pile[1:]:
        expected.alpha_composite(Image.fromarray(layer.pixels))
    merged, wanted = layers.composite(pile).astype(float), np.asarray(expected).astype(float)
    assert np.abs(merged[..., 3] - wanted[..., 3]).max() <= 2
    assert np.abs(merged[..., :3] * merged[..., 3:] - wanted[..., :3] * wanted[..., 3:]).max() <= 2 * 255


def test_what_was_not_found_has_no_layer() -> None:
    blobs = MemoryBlobs()
    pile = layers.stack(design(blobs, disc(50, 64, 24), np.zeros((HEIGHT, WIDTH), bool)), blobs)
    assert [layer.name for layer in pile] == ["background", "1 cat"]


def test_a_design_of_nothing_is_its_background() -> None:
    blobs = MemoryBlobs()
    pile = layers.stack(nothing_planned(blobs), blobs)
    assert [layer.name for layer in pile] == ["background"]
    assert np.array_equal(pile[0].pixels[..., :3], BEHIND)


def test_a_subject_over_the_whole_canvas_has_a_flat_background() -> None:
    blobs = MemoryBlobs()
    pile = layers.stack(design(blobs, np.ones((HEIGHT, WIDTH), bool)), blobs)
    assert (pile[0].pixels == pile[0].pixels[0, 0]).all()
    assert np.array_equal(layers.composite(pile)[..., :3], picture(np.ones((HEIGHT, WIDTH), bool)))


def test_layer_names_are_for_people_in_any_script() -> None:
    blobs = MemoryBlobs()
    plan = a_plan("a cat", boxes=[Box((0.1, 0.1, 0.9, 0.9))], masks=[None], size=(WIDTH, HEIGHT))
    cut = a_round(plan, BEHIND, [disc(50, 64, 24)], blobs).cutouts[0]

    def called(phrase: str) -> str:
        return layers.title(plan.model_copy(update={"subjects": (Subject(id="cat", phrase=phrase, noun="cat"),)}), cut)

    assert called("a 猫\n\x07 кот") == "1 猫 кот"
    assert called("The Cat in a hat") == "1 Cat in hat"
    assert len(called("a " + "very " * 39 + "cat")) <= 80


def test_a_cutout_of_another_size_is_refused() -> None:
    blobs = MemoryBlobs()
    done = two(blobs)
    odd = done.rounds[0].cutouts[0].model_copy(update={"image": blobs.put(png(np.zeros((8, 8, 4), np.uint8)))})
    broken = done.model_copy(update={"rounds": (done.rounds[0].model_copy(update={"cutouts": (odd,)}),)})
    with pytest.raises(BadInput, match="8x8 pixels, the plan's canvas 160x128"):
        layers.stack(broken, blobs)


# what all of them keep to


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_design_gives_the_same_bytes_whatever_the_run(make) -> None:
    one, other = MemoryBlobs(), MemoryBlobs()
    first, second = make(two(one, "run-1"), one), make(two(other, "run-2"), other)
    assert first == second
    assert b"run-1" not in one.get(first.sha256)


@pytest.mark.parametrize("make", MAKERS)
def test_a_design_without_a_delivered_round_is_refused(make) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match="no delivered round"):
        make(two(blobs).model_copy(update={"best": None, "status": "failed"}), blobs)


# OpenRaster


def test_an_ora_begins_with_its_media_type_and_lists_the_nearest_layer_first() -> None:
    blobs = MemoryBlobs()
    made = ora.make(two(blobs), blobs)
    packed = data(made, blobs)
    assert packed[30:38] == b"mimetype"
    assert packed[38 : 38 + 16] == b"image/openraster"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        root = ElementTree.fromstring(archive.read("stack.xml"))
        thumbnail = unpng(archive.read("Thumbnails/thumbnail.png"))
    assert (root.get("w"), root.get("h")) == ("160", "128")
    assert [layer.get("name") for layer in root.iter("layer")] == ["2 red rocket", "1 cat", "background"]
    assert max(thumbnail.shape[:2]) <= 256


def test_an_ora_put_together_by_its_own_listing_is_its_merged_image() -> None:
    blobs = MemoryBlobs()
    with zipfile.ZipFile(io.BytesIO(data(ora.make(two(blobs), blobs), blobs))) as archive:
        root = ElementTree.fromstring(archive.read("stack.xml"))
        canvas = Image.new("RGBA", (WIDTH, HEIGHT))
        for layer in reversed(list(root.iter("layer"))):
            sheet = Image.open(io.BytesIO(archive.read(layer.attrib["src"])))
            canvas.alpha_composite(sheet, (int(layer.attrib["x"]), int(layer.attrib["y"])))
        merged = unpng(archive.read("mergedimage.png"))
    assert np.array_equal(np.asarray(canvas), merged)


@magick
def test_imagemagick_opens_an_oras_merged_image(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    with zipfile.ZipFile(io.BytesIO(data(ora.make(two(blobs), blobs), blobs))) as archive:
        archive.extract("mergedimage.png", tmp_path)
    assert magick_identify(tmp_path / "mergedimage.png") == ["160x128"]


# Photoshop


def test_a_psd_opens_again_with_its_layers_in_place() -> None:
    blobs = MemoryBlobs()
    pile = layers.stack(two(blobs), blobs)
    document = PSDImage.open(io.BytesIO(data(psd.make(two(blobs), blobs), blobs)))
    assert (document.size, document.channels) == ((WIDTH, HEIGHT), 3)
    assert [layer.name for layer in document] == [layer.name for layer in pile]
    for found, layer in zip(document, pile, strict=True):
        assert (found.kind, found.has_mask(), found.bbox) == ("pixel", False, layer.window())
        assert np.array_equal(np.asarray(found.topil()), layer.trimmed())


@magick
def test_imagemagick_sees_the_same_layers_and_merged_image(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    pile = layers.stack(two(blobs), blobs)
    path = tmp_path / "design.psd"
    path.write_bytes(data(psd.make(two(blobs), blobs), blobs))
    sizes = [f"{layer.trimmed().shape[1]}x{layer.trimmed().shape[0]}" for layer in pile]
    assert magick_identify(path) == ["160x128", *sizes]
    for number, wanted in enumerate([layers.composite(pile), *(layer.trimmed() for layer in pile)]):
        subprocess.run(["convert", f"{path}[{number}]", "+repage", f"PNG32:{tmp_path / 'layer.png'}"], check=True, capture_output=True)
        found = unpng((tmp_path / "layer.png").read_bytes())
        assert np.array_equal(found[..., 3], wanted[..., 3])
        assert np.array_equal(found[found[..., 3] > 0], wanted[wanted[..., 3] > 0])


def test_a_psd_holds_names_in_any_script_and_the_mark_of_a_trained_model() -> None:
    pile = [layers.Layer("background", np.full((4, 4, 4), 255, np.uint8)), layers.Layer("1 猫", np.full((4, 4, 4), 128, np.uint8), 0)]
    written = psd.encode(pile)
    assert [layer.name for layer in PSDImage.open(io.BytesIO(written))] == ["background", "1 猫"]
    assert b"trainedAlgorithmicMedia" in written


@magick
def test_a_psd_of_nothing_but_a_background_opens(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    path = tmp_path / "design.psd"
    path.write_bytes(data(psd.make(nothing_planned(blobs), blobs), blobs))
    assert magick_identify(path) == ["160x128", "160x128"]


def magick_identify(path: Path) -> list[str]:
    """The size of each picture in a file, as ImageMagick reads it."""
    run = subprocess.run(["identify", "-format", "%wx%h\n", str(path)], check=True, capture_output=True, text=True)
    return run.stdout.split()


# outlines


def drawn(written: bytes, width: int, height: int, folder: Path) -> np.ndarray:
    """Where rsvg paints something, (height, width) bool."""
    (folder / "outlines.svg").write_bytes(written)
    subprocess.run(["rsvg-convert", "-o", str(folder / "drawn.png"), str(folder / "outlines.svg")], check=True, capture_output=True)
    with Image.open(folder / "drawn.png") as image:
        assert image.size == (width, height)
        return np.asarray(image.convert("RGBA"))[..., 3] > 127


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


SHAPES = {
    "disc": disc(80, 64, 40),
    "small disc": disc(80, 64, 6),
    "ring": disc(80, 64, 44) & ~disc(80, 64, 24),
    "square": (abs(X - 80) < 40) & (abs(Y - 64) < 30),
    "at the border": disc(0, 64, 40) | disc(159, 127, 30),
    "two pieces": disc(40, 64, 20) | disc(120, 64, 24),
    "thin leg": disc(80, 40, 24) | ((abs(X - 80) < 2) & (Y > 40) & (Y < 120)),
    "whole canvas": np.ones((HEIGHT, WIDTH), bool),
}


@rsvg
@pytest.mark.parametrize("name", SHAPES)
def test_outlines_drawn_by_other_software_are_the_mask(name: str, tmp_path: Path) -> None:
    mask = SHAPES[name]
    pixels = np.dstack([np.full((HEIGHT, WIDTH, 3), 90, np.uint8), mask.astype(np.uint8) * 255])
    assert iou(drawn(svg.encode([layers.Layer("1 it", pixels, 0)], WIDTH, HEIGHT), WIDTH, HEIGHT, tmp_path), mask) > 0.97


@rsvg
@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 159), st.integers(0, 127), st.integers(8, 40)), min_size=1, max_size=4))
def test_any_discs_are_outlined_as_they_are(tmp_path_factory: pytest.TempPathFactory, discs: list[tuple[int, int, int]]) -> None:
    mask = np.any([disc(*one) for one in discs], axis=0)
    pixels = np.dstack([np.full((HEIGHT, WIDTH, 3), 90, np.uint8), mask.astype(np.uint8) * 255])
    seen = drawn(svg.encode([layers.Layer("1 it", pixels, 0)], WIDTH, HEIGHT), WIDTH, HEIGHT, tmp_path_factory.mktemp("svg"))
    around = np.pad(mask, 1)
    rim = mask & ~(around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:])
    assert iou(seen, mask) > 0.97 or (seen ^ mask).sum() < 0.4 * rim.sum()  # less than half a pixel along the outline, of which small discs are mostly made


def test_every_subject_is_one_named_path_in_its_colour() -> None:
    blobs = MemoryBlobs()
    root = ElementTree.fromstring(data(svg.make(two(blobs), blobs), blobs))
    paths = root.findall(f"{{{svg.SVG}}}path")
    assert [path.findtext(f"{{{svg.SVG}}}title") for path in paths] == ["1 cat", "2 red rocket"]
    assert [path.get("fill") for path in paths] == ["#e63c28", "#f0dc3c"]
    assert root.get("viewBox") == "0 0 160 128"


def test_outlines_are_curves_not_staircases() -> None:
    """Steps of a pixel would have some 300 straight pieces."""
    data = svg.outline(disc(80, 64, 48))
    assert data.count("C") < 120
    assert data.count("L") < 12


def test_one_pixel_still_has_an_outline_within_it() -> None:
    numbers = [float(v) for v in re.findall(r"[\d.]+", svg.outline((X == 80) & (Y == 64)))]
    assert numbers
    assert all(80 <= v <= 81 for v in numbers[::2])
    assert all(64 <= v <= 65 for v in numbers[1::2])


def test_no_subjects_no_paths() -> None:
    blobs = MemoryBlobs()
    assert list(ElementTree.fromstring(data(svg.make(nothing_planned(blobs), blobs), blobs))) == []
    assert svg.outline(np.zeros((8, 8), bool)) == ""


# the zip


def test_a_bundle_holds_every_file_and_lists_it_truly() -> None:
    blobs = MemoryBlobs()
    with zipfile.ZipFile(io.BytesIO(data(bundle.make(two(blobs), blobs), blobs))) as archive:
        assert archive.testzip() is None
        listing = json.loads(archive.read("manifest.json"))
        names = set(archive.namelist())
        assert {"image.png", "cutouts/01-cat.png", "masks/02-rocket.png", "background.png", "layers.psd", "layers.ora", "outlines.svg", "receipt.png"} < names
        assert {entry["name"] for entry in listing["files"]} == names - {"manifest.json"}
        for entry in listing["files"]:
            content = archive.read(entry["name"])
            assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert listing["cutouts"] == cutout.manifest(two(blobs))["cutouts"]


def test_a_bundle_holds_what_the_design_delivered_besides() -> None:
    blobs = MemoryBlobs()
    sticker = Artifact(kind="sticker", sha256=blobs.put(b"a sticker"), media_type="image/webp", name="stickers/01-cat.webp")
    with zipfile.ZipFile(io.BytesIO(data(bundle.make(two(blobs).model_copy(update={"artifacts": (sticker,)}), blobs), blobs))) as archive:
        assert archive.read("stickers/01-cat.webp") == b"a sticker"
        assert "cutouts/01-cat.png" in archive.namelist()


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
@pytest.mark.parametrize("make", [bundle.make, ora.make])
def test_unzip_finds_nothing_wrong(make, tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    path = tmp_path / "it.zip"
    path.write_bytes(data(make(two(blobs), blobs), blobs))
    assert subprocess.run(["unzip", "-tq", str(path)], capture_output=True).returncode == 0


# what the cut-out delivery holds besides


def test_the_extras_are_the_plate_and_the_receipt_with_their_makings(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    made = layers.extras(two(blobs), blobs)
    assert [(one.kind, one.name, one.media_type) for one in made] == [("background", "background.png", "image/png"), ("receipt", "receipt.png", "image/png")]
    with Image.open(io.BytesIO(data(made[0], blobs))) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert "Steps:" in image.text["parameters"]  # type: ignore[attr-defined]
