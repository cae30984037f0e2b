"""Teacher forcing and the scenes that the critic is calibrated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutwork.domain import Box, DrawSettings, Plan, Region, Shot, Size, Subject
from cutwork.lab import calibrate_critic as calibration
from cutwork.lab.forced import forced
from cutwork.storage.blobs import FileBlobs
from cutwork.tools.families import mini
from cutwork.tools.record_file import Record

LEFT, RIGHT = Box((0.0, 0.25, 0.5, 0.75)), Box((0.5, 0.25, 1.0, 0.75))
RED, BLUE = (Image.new("RGBA", (40, 40), colour) for colour in ("red", "blue"))
GREY = np.full((64, 64, 3), 128, np.uint8)


def plan(**draw: object) -> Plan:
    return Plan(
        prompt="a cat and a dog",
        background="grey",
        size=Size((64, 64)),
        subjects=tuple(Subject(id=n, phrase=f"a {n}", noun=n) for n in ("cat", "dog")),
        regions=tuple(Region(subject=n, box=b, prompt=f"a {n}") for n, b in (("cat", LEFT), ("dog", RIGHT))),
        draw=DrawSettings(steps=4, **draw),
    )


def test_a_picture_is_shown_at_every_step_under_the_same_control_as_when_drawing(tmp_path: Path) -> None:
    family, blobs = mini.tiny(), FileBlobs(tmp_path)
    picture = calibration.compose(GREY, [(RED, LEFT), (BLUE, RIGHT)])
    render = forced(Shot(plan=plan(base_ratio=0.1, regional_until=0.5), seed=1), picture, family, blobs, every=1)
    record = Record.from_bytes(blobs.get(render.record))
    assert len(record.maps) == family.blocks * (4 + 2), "two of the four steps are seen with and without regions"
    assert sorted(set(record.steps.tolist())) == [0, 1, 2, 3]
    assert len(render.attended) == 2


def test_latents_of_a_picture_are_what_the_pipeline_decodes() -> None:
    family = mini.load("mini", torch.device("cpu"))
    picture = np.full((64, 96, 3), (200, 90, 30), np.uint8)
    shown = family.decode(family.latents(picture), (96, 64))
    assert shown.shape == picture.shape
    assert np.abs(shown.astype(int) - picture).mean() < 8


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("right", "red", "blue"),
        ("missing", "red", "grey"),
        ("swapped", "blue", "red"),
        ("doubled", "red", "red"),
        ("elsewhere", "red", "grey"),
    ],
)
def test_each_fault_is_what_it_is_called(kind: str, left: str, right: str) -> None:
    placed = calibration.FAULTS[kind]([(RED, LEFT), (BLUE, RIGHT)], np.random.default_rng(0))
    picture = calibration.compose(GREY, placed)
    names = {(255, 0, 0): "red", (0, 0, 255): "blue", (128, 128, 128): "grey"}
    assert [names[tuple(picture[32, x].tolist())] for x in (16, 48)] == [left, right]


def test_a_tiny_subject_stands_in_the_middle_of_its_place() -> None:
    picture = calibration.compose(GREY, calibration.tiny([(BLUE, RIGHT)], np.random.default_rng(0)))
    blue = np.argwhere((picture == (0, 0, 255)).all(-1))
    assert 0 < len(blue) < 0.1 * 32 * 32
    assert np.allclose(blue.mean(0), (31.5, 47.5), atol=1)
