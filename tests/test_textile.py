"""A finished textile: every file that was promised, at its size, opened with other software than wrote it; and what cannot be made is said."""

from __future__ import annotations

import io
import json
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from builders import a_design, a_plan, a_round, recompose
from PIL import Image, ImageCms

from cutwork.colours import parse
from cutwork.domain import Box, Design, FinishSettings, TextileSettings
from cutwork.errors import BadInput, CutworkError
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats import png, textile
from cutwork.tools.pixels import encode
from cutwork.tools.repeats import prints

BACK = (200, 220, 240)
SIDE = 96


def drawing() -> tuple[np.ndarray, list[np.ndarray]]:
    """A red disc and a navy bar on pale blue, and their masks."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    masks = [np.hypot(y - 48, x - 26) < 18, (abs(y - 48) < 25) & (abs(x - 70) < 10)]
    image = np.empty((SIDE, SIDE, 3), np.uint8)
    image[:] = BACK
    image[masks[0]], image[masks[1]] = (210, 40, 40), (30, 30, 90)
    return image, masks


def design(blobs: MemoryBlobs, masks: list[np.ndarray] | None = None, palette: tuple[str, ...] = (), **settings: Any) -> Design:
    image, own = drawing()
    finish = FinishSettings(kind="textile", palette=palette, textile=TextileSettings(**{"width_cm": 4.0, "dpi": 150, **settings}))
    plan = a_plan("a cat", "a rocket", boxes=[Box((0.0, 0.2, 0.5, 0.8)), Box((0.6, 0.2, 0.9, 0.8))], size=(SIDE, SIDE), finish=finish)
    return a_design(a_round(plan, image, own if masks is None else masks, blobs))


def made(**settings: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files by name, and the textile part of the manifest."""
    blobs = MemoryBlobs()
    files = {a.name: blobs.get(a.sha256) for a in textile.write(design(blobs, **settings), blobs)}
    return files, json.loads(files["manifest.json"])["textile"]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def test_a_plain_textile_is_a_tile_a_preview_and_the_picture_it_came_from() -> None:
    files, report = made()
    assert set(files) == {"image.png", "tile.png", "preview.png", "manifest.json"}
    assert report["repeat"] == "half-drop"
    assert report["tile_cm"] == [pytest.approx(8.0, abs=0.02), pytest.approx(4.0, abs=0.02)]
    page = pixels(files["tile.png"])
    assert page.shape[:2] == tuple(report["tile_px"][::-1])
    assert np.array_equal(np.roll(page, report["vectors_px"][0], (1, 0)), page)
    assert report["seams"]["moved"] == 0
    assert max(report["seams"]["x"], report["seams"]["y"]) < 1.5
    assert tuple(page[0, 0]) == BACK  # the picture's background outside the masks
    assert {m["subject"] for m in report["motifs"]} == {"cat", "rocket"}


@pytest.mark.slow
@pytest.mark.parametrize("file", ["png", "tiff"])
def test_a_tile_knows_its_size_and_its_colours_when_others_open_it(file: str) -> None:
    files, report = made(file=file, dpi=300, width_cm=2.0)
    data = files["tile.png" if file == "png" else "tile.tif"]
    with Image.open(io.BytesIO(data)) as image:
        assert [round(float(d)) for d in image.info["dpi"]] == [300, 300]
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        seen = np.array(image)
    assert np.array_equal(imageio.imread(data), seen)
    if file == "tiff":
        with tifffile.TiffFile(io.BytesIO(data)) as opened:
            tags = opened.pages[0].tags  # type: ignore[union-attr]
            assert tags["XResolution"].value == (300, 1)
            assert tags["ResolutionUnit"].value == 2  # inch
            assert b"trainedAlgorithmicMedia" in tags[700].value
            assert np.array_equal(opened.asarray(), seen)
    assert [round(c, 1) for c in report["tile_cm"]] == [4.0, 2.0]


def test_a_tile_says_how_it_was_drawn(tmp_path: Any) -> None:
    files, _ = made()
    (tmp_path / "tile.png").write_bytes(files["tile.png"])
    found = png.read_manifest(tmp_path / "tile.png")
    assert png.shot(found).plan.finish.textile.width_cm == 4.0


def test_plates_of_a_reduced_tile_make_it_again() -> None:
    files, report = made(colours=3)
    inks = [tuple(c["rgb"]) for c in json.loads(files["palette.json"])["colours"]]
    plates = [imageio.imread(files[entry["plate"]]) for entry in report["colours"]]
    assert len(plates) == 3
    assert all(p.dtype == np.uint8 and set(np.unique(p)) <= {0, 255} for p in plates)
    with Image.open(io.BytesIO(files["tile.png"])) as image:
        assert image.mode == "P"  # indexed
    assert np.array_equal(recompose(plates, np.array(inks, np.uint8)), pixels(files["tile.png"]))
    assert sum(entry["coverage"] for entry in report["colours"]) == pytest.approx(100, abs=0.001)
    assert report["colours"][0]["plate"].startswith("plates/01_")
    assert report["colours"][0]["plate"].endswith("_c8dcf0.png")
    assert {"palette.json", "palette.gpl", "palette.ase"} <= set(files)


def test_colourways_are_the_same_plates_in_other_inks() -> None:
    files, report = made(colours=3, colourways=2)
    assert report["colourways"] == ["colourways/01/", "colourways/02/"]
    first, second, third = (Image.open(io.BytesIO(files[n])) for n in ("tile.png", "colourways/01/tile.png", "colourways/02/tile.png"))
    assert np.array_equal(np.array(first), np.array(second))  # of indices
    assert len({tuple(im.getpalette()[:9]) for im in (first, second, third)}) == 3
    assert {"colourways/01/palette.json", "colourways/01/palette.gpl", "colourways/01/palette.ase"} <= set(files)


def test_colourways_without_spot_colours_are_tiles_too() -> None:
    files, _ = made(colourways=1)
    page, other = pixels(files["tile.png"]), pixels(files["colourways/01/tile.png"])
    assert page.shape == other.shape
    assert (page != other).any(-1).mean() > 0.9


def test_a_palette_is_kept_to_and_gives_the_ground() -> None:
    files, report = made(palette=("cream", "#aabbcc", "crimson", "navy"))
    assert report["ground"]["hex"] == "#aabbcc"
    seen = {tuple(c) for c in np.unique(pixels(files["tile.png"]).reshape(-1, 3), axis=0).tolist()}
    assert seen == {(0xAA, 0xBB, 0xCC), (220, 20, 60), (0, 0, 128)}


@pytest.mark.slow
def test_fewer_inks_than_asked_for_are_explained() -> None:
    blobs = MemoryBlobs()
    files = {a.name: blobs.get(a.sha256) for a in textile.write(design(blobs, colours=8), blobs)}
    assert "3 spot colours instead of 8: the motifs have no more that a screen can print" in json.loads(files["manifest.json"])["notes"]
    files = {a.name: blobs.get(a.sha256) for a in textile.write(design(blobs, palette=("cream", "#aabbcc", "crimson", "navy")), blobs)}
    assert any(note.startswith("3 of 4 colours of palette and ground are used") for note in json.loads(files["manifest.json"])["notes"])


def test_a_ground_of_a_palette_lets_every_motif_be_seen() -> None:
    blobs = MemoryBlobs()
    best = design(blobs, palette=("crimson", "navy", "cream")).delivered
    assert best is not None
    red = blobs.put(encode(np.full((SIDE, SIDE, 3), (225, 30, 60), np.uint8)))
    made = textile.compiled(best.model_copy(update={"render": best.render.model_copy(update={"image": red})}), blobs)
    assert made.ground == parse("cream"), "the disc is red, the bar navy"
    assert "the ground is cream: crimson, which is nearer to the background, is so much of a motif that it would not be seen" in made.notes


def test_a_ground_of_ones_own() -> None:
    files, report = made(ground="mustard")
    assert report["ground"] == {"name": "mustard", "hex": "#d9a21b"}
    assert tuple(pixels(files["tile.png"])[0, 0]) == (0xD9, 0xA2, 0x1B)


@pytest.mark.slow
def test_a_sheet_is_the_tile_over_and_over() -> None:
    for extra in ({}, {"colours": 3}, {"file": "tiff"}):
        files, report = made(sheet_cm=(15.0, 11.0), **extra)
        ending = "tif" if extra.get("file") else "png"
        page, whole = pixels(files[f"tile.{ending}"]), imageio.imread(files[f"sheet.{ending}"])[..., :3]
        assert report["sheet_px"] == [886, 650]
        assert np.array_equal(whole, np.tile(page, (4, 4, 1))[:650, :886])


def test_cmyk_says_how_it_was_converted() -> None:
    files, report = made(cmyk=True)
    with Image.open(io.BytesIO(files["tile-cmyk.tif"])) as image:
        assert image.mode == "CMYK"
        assert [round(float(d)) for d in image.info["dpi"]] == [150, 150]
    assert tifffile.imread(io.BytesIO(files["tile-cmyk.tif"])).shape[2] == 4
    assert "profile" in report["cmyk"]


def test_cmyk_without_a_press_profile_is_plain() -> None:
    page = np.full((4, 4, 3), (255, 0, 0), np.uint8)
    data, words = prints.cmyk(page, 150, presses=())
    assert words.startswith("no press profile")
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpixel((0, 0)) == (0, 255, 255, 0)


def test_the_preview_is_three_by_three_and_small() -> None:
    files, _ = made(width_cm=30.0, dpi=150)
    with Image.open(io.BytesIO(files["preview.png"])) as image:
        assert max(image.size) <= 1536
        seen = np.array(image)
    third = seen.shape[0] // 3, seen.shape[1] // 3
    assert np.array_equal(seen, np.tile(seen[: third[0], : third[1]], (3, 3, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("repeat", ["straight", "half-brick", "mirror", "hexagonal", "ogee", "tossed"])
def test_every_repeat_is_delivered(repeat: str) -> None:
    files, report = made(repeat=repeat, gap_mm=1.0)
    page = pixels(files["tile.png"])
    for vector in report["vectors_px"]:
        assert np.array_equal(np.roll(page, vector, (1, 0)), page)
    assert ("lines" in report) == (repeat == "ogee")


def test_the_same_design_gives_the_same_bytes() -> None:
    settings: dict[str, Any] = {"repeat": "tossed", "colours": 3, "colourways": 1, "cmyk": True, "gap_mm": 1.0, "file": "tiff", "sheet_cm": (9, 9)}
    assert made(**settings)[0] == made(**settings)[0]


def test_a_profile_that_went_missing_is_noticed() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG", dpi=(150, 150))
    with pytest.raises(CutworkError, match="has none"):
        prints.verified(out.getvalue(), 150, prints.srgb())
    with pytest.raises(CutworkError, match="says"):
        prints.verified(out.getvalue(), 300, None)


# what cannot be made


def test_an_empty_cutout_is_left_out_with_a_note() -> None:
    _, masks = drawing()
    dot = np.zeros_like(masks[1])
    dot[40, 40] = True
    for unseen in (np.zeros_like(dot), dot):
        blobs = MemoryBlobs()
        files = {a.name: blobs.get(a.sha256) for a in textile.write(design(blobs, [masks[0], unseen]), blobs)}
        listing = json.loads(files["manifest.json"])
        assert [m["subject"] for m in listing["textile"]["motifs"]] == ["cat"]
        assert "rocket (region 2) is not in the repeat: its cut-out is empty or a single dot" in listing["notes"]


def test_no_motif_at_all_is_refused() -> None:
    blobs = MemoryBlobs()
    nothing = np.zeros((SIDE, SIDE), bool)
    with pytest.raises(BadInput, match="none of the 2 cut-outs"):
        textile.write(design(blobs, [nothing, nothing]), blobs)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"width_cm": 400.0, "dpi": 1200}, r"tile of 377,952 x 188,976 pixels, at most 120,000,000"),
        ({"sheet_cm": (9000.0, 9000.0)}, r"sheet of 9000 x 9000 cm at 150 dpi has 531,496 x 531,496 pixels, at most 1,000,000,000"),
        ({"width_cm": 0.1}, "6 pixels wide, wanted 32 or more"),
        ({"motif_cm": 30.0}, "do not fit"),
        ({"gap_mm": 400.0}, "motifs with gaps of 400 mm do not fit"),
        ({"ground": "blurple"}, "no colour 'blurple'"),
        ({"palette": ("navy", "sandd")}, "no colour 'sandd'"),
        ({"palette": ("navy",)}, "a palette of one colour"),
        ({"palette": tuple(f"#{k:02x}0000" for k in range(32)), "ground": "white"}, "33 spot colours"),
    ],
)
def test_what_cannot_be_made_is_said(settings: dict[str, Any], fault: str) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match=fault):
        textile.write(design(blobs, **settings), blobs)


def test_impossible_settings_do_not_exist() -> None:
    for wrong in ({"dpi": 0}, {"colours": 1}, {"colours": 300}, {"width_cm": 0}):
        with pytest.raises(ValueError, match=r"greater|less"):
            TextileSettings(**wrong)  # type: ignore[arg-type]


def test_a_design_without_a_round_has_nothing_to_print() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match="no delivered round"):
        textile.write(design(blobs).model_copy(update={"best": None}), blobs)


def test_what_was_enlarged_much_is_warned_about() -> None:
    _, report = made(width_cm=40.0)
    assert any("enlarged" in warning for warning in report["warnings"])
