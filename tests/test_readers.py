"""Finished files as other people's software reads them: size, resolution, colour profile, and the marks of how they were made.

ExifTool and libvips are asked where they are installed; a test that could not ask says which program is missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cutwork.domain import Artifact, Design
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio
from cutwork.tools.finish import finish

exiftool = pytest.mark.skipif(not shutil.which("exiftool"), reason="ExifTool is not installed (apt-get install libimage-exiftool-perl)")
vips = pytest.mark.skipif(not shutil.which("vipsheader"), reason="libvips is not installed (apt-get install libvips-tools)")
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SIDE = 472  # pixels of 4 cm at 300 dpi

# name below the folder, width, height, dots per inch, bands, kind of colour
FILES: list[tuple[str, int, int, int | None, int, str]] = [
    ("cutout/image.png", 256, 256, None, 3, "srgb"),
    ("cutout/cutouts/01-bee.png", 256, 256, None, 4, "srgb"),
    ("meme/meme.png", 1024, 1024, None, 3, "srgb"),
    ("whatsapp/stickers/cutwork/01-bee.webp", 512, 512, None, 4, "srgb"),
    ("print/stickers/01-bee.png", 637, 637, 300, 4, "srgb"),
    ("png/tile.png", SIDE, SIDE, 300, 3, "srgb"),
    ("png/tile-cmyk.tif", SIDE, SIDE, 300, 4, "cmyk"),
    ("tiff/tile.tif", SIDE, SIDE, 300, 3, "srgb"),
    ("tiff/sheet.tif", 709, 591, 300, 3, "srgb"),
    ("layers.psd", 256, 256, None, 3, "srgb"),
]


class Finishing(FakeDrawing):
    """Ellipses for pictures, true goods of them."""

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        return finish(design, self.blobs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Goods of every kind, of one drawing."""
    root = tmp_path_factory.mktemp("goods")
    studio = Studio(home=root / "home", llm="offline", model="mini", steps=2, rounds=1)
    studio.wired.__dict__["drawing"] = Finishing(studio.wired.blobs, model="mini")
    drawn = studio.design("a bee on a teal background", seed=1)
    studio.deliver(drawn, root / "cutout")
    cloth = {"repeat": "straight", "width_cm": 4, "dpi": 300, "colours": 3}
    wanted: dict[str, dict[str, Any]] = {
        "meme": {"kind": "meme", "captions": ["MONDAY", "again"]},
        "whatsapp": {"kind": "sticker", "settings": {"sticker": {"preset": "whatsapp"}}},
        "print": {"kind": "sticker", "settings": {"sticker": {"preset": "print"}}},
        "png": {"kind": "textile", "settings": {"textile": {**cloth, "cmyk": True}}},
        "tiff": {"kind": "textile", "settings": {"textile": {**cloth, "file": "tiff", "sheet_cm": (6, 5)}}},
    }
    for name, wishes in wanted.items():
        studio.deliver(studio.refinish(drawn.id, **wishes), root / name)
    studio.export(drawn.id, root / "layers.psd", "psd")
    return root


@pytest.mark.slow
@exiftool
def test_exiftool_reads_sizes_and_how_the_files_were_made(folder: Path) -> None:
    names = [name for name, *_ in FILES]
    run = subprocess.run(["exiftool", "-json", "-G0", *names], cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    read = {row["SourceFile"]: row for row in json.loads(run.stdout)}
    for name, width, height, dpi, _, colour in FILES:
        found = read[name]
        assert found["Composite:ImageSize"] == f"{width}x{height}", name
        assert found["XMP:DigitalSourceType"] == TRAINED, name
        assert found["XMP:CreatorTool"].startswith("Cutwork "), name
        if name.endswith(".png"):
            assert found["PNG:Parameters"].startswith("a bee on a teal background"), name
            assert json.loads(_raw(folder / name, "Cutwork"))["brief"]["text"] == "a bee on a teal background"
        if name.endswith(".tif"):
            assert (found["EXIF:XResolution"], found["EXIF:YResolution"], found["EXIF:ResolutionUnit"]) == (dpi, dpi, "inches"), name
            assert found["EXIF:PhotometricInterpretation"] == ("CMYK" if colour == "cmyk" else "RGB")
        elif dpi:
            assert found["PNG:PixelsPerUnitX"] == round(dpi / 0.0254), name
        if colour == "srgb" and name.split("/")[0] in ("png", "tiff"):
            assert found["ICC_Profile:ProfileDescription"].startswith("sRGB"), name
    assert "ExifTool:Warning" not in {key for row in read.values() for key in row}
    assert read["layers.psd"]["Photoshop:LayerCount"] == 2


def _raw(path: Path, tag: str) -> str:
    return subprocess.run(["exiftool", "-b", f"-{tag}", str(path)], check=True, capture_output=True, text=True, timeout=60).stdout


@vips
@pytest.mark.parametrize(("name", "width", "height", "dpi", "bands", "colour"), [row for row in FILES if not row[0].endswith(".psd")])  # it has no reader of its own for those
def test_libvips_reads_sizes_resolutions_and_colours(folder: Path, name: str, width: int, height: int, dpi: int | None, bands: int, colour: str) -> None:
    run = subprocess.run(["vipsheader", "-a", str(folder / name)], check=True, capture_output=True, text=True, timeout=60)
    found = dict(line.partition(": ")[::2] for line in run.stdout.splitlines()[1:])
    assert (found["width"], found["height"], found["bands"], found["interpretation"]) == (str(width), str(height), str(bands), colour)
    if dpi:
        assert float(found["xres"]) == pytest.approx(dpi / 25.4, rel=1e-3)
    if name.split("/")[0] in ("png", "tiff") and colour == "srgb":
        assert "icc-profile-data" in found


@vips
def test_libvips_decodes_every_pixel(folder: Path) -> None:
    for name, *_ in FILES[:-1]:
        run = subprocess.run(["vips", "avg", str(folder / name)], check=True, capture_output=True, text=True, timeout=60)
        assert 0 < float(run.stdout) < 255, name
