"""Finished files: what a PNG says about itself, what it says when it is damaged, and that nothing in it depends on the run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from builders import a_design, a_plan, a_round
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from cutwork.domain import Artifact, Box, Brief, Design, DrawSettings
from cutwork.errors import BadInput, StorageFailed
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.finish import finish
from cutwork.tools.formats import overview, png
from cutwork.tools.formats.base import export, file_stem, layer_name

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
MASK = np.zeros((64, 96), bool)
MASK[20:50, 30:70] = True


def design(blobs: MemoryBlobs, id: str = "run-1", seconds: float = 1.0, prompt: str = "a grumpy cat,\non purple", kind: str = "cutout") -> Design:
    plan = a_plan("a grumpy cat", boxes=[Box((0.3, 0.3, 0.8, 0.8))], prompt=prompt, size=(96, 64), draw=DrawSettings(steps=12, guidance=3.5), finish={"kind": kind})
    brief = Brief(text="a grumpy cat", kind=kind, size=(96, 64))  # type: ignore[arg-type]
    done = a_round(plan, IMAGE, [MASK], blobs, seconds=seconds)
    return a_design(done, id=id, brief=brief, timings={"render": seconds}, created=f"at {seconds}")


def finished_png(tmp_path: Path, **changes: str) -> Path:
    blobs = MemoryBlobs()
    return export(png.write(design(blobs, **changes), blobs), blobs, tmp_path)[0]  # type: ignore[arg-type]


# what the image says


def test_the_pixels_are_the_drawn_ones(tmp_path: Path) -> None:
    with Image.open(finished_png(tmp_path)) as image:
        assert np.array_equal(np.array(image), IMAGE)


def test_image_managers_find_their_parameters(tmp_path: Path) -> None:
    with Image.open(finished_png(tmp_path)) as image:
        prompt, settings_line = image.text["parameters"].split("\n")  # type: ignore[attr-defined]
    assert prompt == "a grumpy cat, on purple"
    pairs = dict(pair.split(": ", 1) for pair in settings_line.split(", "))
    assert {k: pairs[k] for k in ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model")} == {
        "Steps": "12", "Sampler": "Euler", "CFG scale": "3.5", "Seed": "7", "Size": "96x64", "Model": "mini",
    }  # fmt: skip


def test_the_image_is_marked_as_made_by_a_trained_model(tmp_path: Path) -> None:
    with Image.open(finished_png(tmp_path)) as image:
        packet = ElementTree.fromstring(image.info["xmp"].decode())
    description = packet.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert description is not None
    source = description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def test_the_manifest_is_enough_to_draw_it_again(tmp_path: Path) -> None:
    found = png.read_manifest(finished_png(tmp_path))
    assert png.shot(found) == design(MemoryBlobs()).rounds[0].shot
    assert Brief.model_validate(found["brief"]) == design(MemoryBlobs()).brief
    assert (found["model"], found["seed"]) == ("mini", 7)


@pytest.mark.parametrize("prompt", ["кот в сапогах", "一只猫 🐈", 'quotes " and \\ and {braces}', "Steps: 3, Seed: 4"])
def test_any_prompt_comes_back_from_the_file(tmp_path: Path, prompt: str) -> None:
    assert png.read_manifest(finished_png(tmp_path, prompt=prompt))["plan"]["prompt"] == prompt


def test_nothing_in_the_files_depends_on_the_run() -> None:
    one, two = MemoryBlobs(), MemoryBlobs()
    first, second = finish(design(one, "run-1", 1.0), one), finish(design(two, "run-2", 99.0), two)
    assert first == second
    for artifact in first:
        data = one.get(artifact.sha256)
        assert b"run-1" not in data
        assert b"seconds" not in data


# what a damaged or foreign file says


def test_files_that_are_no_finished_png_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        png.read_manifest(tmp_path / "none.png")
    with pytest.raises(BadInput, match="not a readable PNG"):
        png.read_manifest(tmp_path)
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(BadInput, match="not a readable PNG"):
        png.read_manifest(tmp_path / "text.png")
    Image.fromarray(IMAGE).save(tmp_path / "foreign.png")
    with pytest.raises(BadInput, match="has no cutwork manifest"):
        png.read_manifest(tmp_path / "foreign.png")
    Image.fromarray(IMAGE).save(tmp_path / "photo.jpg")
    with pytest.raises(BadInput, match="not a readable PNG"):
        png.read_manifest(tmp_path / "photo.jpg")


def test_a_file_cut_off_anywhere_is_named(tmp_path: Path) -> None:
    whole = finished_png(tmp_path).read_bytes()
    part = tmp_path / "part.png"
    for share in (0.0, 0.01, 0.1, 0.5, 0.9):
        part.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadInput):
            png.read_manifest(part)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "damaged"),
        ("[]", "no version"),
        ("{}", "no version"),
        ('{"manifest": 999}', "version 999"),
        ('{"manifest": 1}', "damaged"),
        ('{"manifest": 1, "seed": -1, "plan": {}}', "damaged"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str, fault: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("cutwork", text)
    Image.fromarray(IMAGE).save(tmp_path / "x.png", pnginfo=info)
    with pytest.raises(BadInput, match=fault):
        png.read_manifest(tmp_path / "x.png")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_byte_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(finished_png(tmp_path).read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "flipped.png").write_bytes(whole)
    try:
        found = png.read_manifest(tmp_path / "flipped.png")
    except BadInput:
        return
    assert png.shot(found) == design(MemoryBlobs()).rounds[0].shot


# the files of the default kind


def test_the_default_kind_delivers_image_layers_masks_overview_and_manifest() -> None:
    blobs = MemoryBlobs()
    names = {a.name: a for a in finish(design(blobs), blobs)}
    assert set(names) == {"image.png", "cutouts/01-cat.png", "masks/01-cat.png", "background.png", "overview.png", "receipt.png", "manifest.json"}
    layer = Image.open(io.BytesIO(blobs.get(names["cutouts/01-cat.png"].sha256)))
    assert layer.mode == "RGBA"
    assert np.array_equal(np.array(layer)[..., 3] > 0, MASK)
    listing = json.loads(blobs.get(names["manifest.json"].sha256))
    assert listing["cutouts"][0]["image"] == "cutouts/01-cat.png"
    assert listing["cutouts"][0]["receipt"]["iou"] == 1.0
    assert (names["image.png"].width, names["image.png"].height) == (96, 64)


def test_every_picture_of_a_design_says_how_it_was_drawn(tmp_path: Path) -> None:
    """A layer that was passed on alone can still be drawn again; masks are no pictures and say nothing."""
    blobs = MemoryBlobs()
    files = finish(design(blobs), blobs)
    export(files, blobs, tmp_path)
    for name in ("cutouts/01-cat.png", "overview.png"):
        assert png.read_manifest(tmp_path / name) == png.read_manifest(tmp_path / "image.png")
        with Image.open(tmp_path / name) as image:
            assert image.text["parameters"].startswith("a grumpy cat, on purple\nSteps: 12")  # type: ignore[attr-defined]
            assert sum(len(text) for text in image.text.values()) < 4096  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="has no cutwork manifest"):
        png.read_manifest(tmp_path / "masks" / "01-cat.png")


def test_a_kind_without_a_format_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = MemoryBlobs()
    monkeypatch.setattr("cutwork.registry.names", lambda package: ("cutout", "png"))
    with pytest.raises(BadInput, match="formats has no 'sticker'; it has cutout, png"):
        finish(design(blobs, kind="sticker"), blobs)


def test_a_design_without_a_delivered_round_has_nothing_to_finish() -> None:
    blobs = MemoryBlobs()
    unfinished = design(blobs).model_copy(update={"best": None, "status": "failed"})
    with pytest.raises(BadInput, match="no delivered round"):
        finish(unfinished, blobs)


def test_file_names_are_safe_and_in_order() -> None:
    assert file_stem(0, "grumpy-cat") == "01-grumpy-cat"
    assert file_stem(11, "../etc/passwd") == "12-etc-passwd"
    assert file_stem(2, "猫") == "03-subject"
    first = design(MemoryBlobs()).rounds[0].cutouts[0]
    assert (layer_name("cutout", first), layer_name("mask", first)) == ("cutouts/01-cat.png", "masks/01-cat.png")


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    out = Artifact.model_construct(kind="x", sha256=blobs.put(b"x"), media_type="text/plain", name="../escaped.txt")
    with pytest.raises(BadInput, match="leads out"):
        export([out], blobs, tmp_path / "out")
    assert not (tmp_path / "escaped.txt").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot write"):
        export(png.write(design(blobs), blobs), blobs, tmp_path / "file")


# the picture for people and for critics that see


def test_outlines_run_along_the_mask_and_the_rest_is_untouched() -> None:
    grey = np.full((120, 120, 3), 100, np.uint8)
    mask = np.zeros((120, 120), bool)
    mask[20:100, 20:100] = True
    drawn = overview.outlined(grey, [mask])
    assert (drawn[20, 20:100] == overview.INKS[0]).all()
    assert (drawn[5] == 100).all()
    assert (drawn[30, 30] == 100).all()
    assert (drawn[55:66, 55:66] != 100).any()  # the number stands on the subject


def test_numbered_takes_grey_masks_too_and_leaves_empty_ones_out() -> None:
    grey = (MASK * 255).astype(np.uint8)
    assert overview.numbered(IMAGE, [grey]) == overview.numbered(IMAGE, [MASK])
    nothing = np.array(Image.open(io.BytesIO(overview.numbered(IMAGE, [np.zeros_like(MASK)]))))
    assert np.array_equal(nothing, IMAGE)


def test_numbers_stay_inside_even_at_the_corner() -> None:
    corner = np.zeros((64, 64), bool)
    corner[0, 0] = True
    assert overview.outlined(np.zeros((64, 64, 3), np.uint8), [corner]).shape == (64, 64, 3)
