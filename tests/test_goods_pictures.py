"""The pictures of README's goods: each is there, and README prints the command that makes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cutwork.lab import goods_pictures
from cutwork.lab.goods_pictures import DOCS, GOODS

README = DOCS.parents[1] / "README.md"


def test_every_picture_is_one_that_can_be_made_again() -> None:
    assert {path.name for path in DOCS.iterdir()} == {f"{shown.name}.png" for shown in GOODS}


@pytest.mark.parametrize("shown", GOODS, ids=lambda shown: shown.name)
def test_readme_shows_each_beside_the_command_that_makes_it(shown: goods_pictures.Shown) -> None:
    text = README.read_text(encoding="utf-8")
    assert f"(docs/goods/{shown.name}.png)" in text
    assert shown.command in text
    with Image.open(DOCS / f"{shown.name}.png") as picture:
        assert max(picture.size) <= 1200
    assert (DOCS / f"{shown.name}.png").stat().st_size < 600_000


@pytest.mark.slow
def test_a_picture_is_made_by_its_command(tmp_path: Path) -> None:
    """Of fewer steps than README's; another file of the same run besides."""
    layers = next(shown for shown in GOODS if shown.export == "psd")
    quick = goods_pictures.Shown("layers", f"{layers.command} --steps 2 --rounds 1", layers.view, "psd")
    with Image.open(goods_pictures.make(quick, tmp_path)) as picture:
        assert picture.width > 2 * picture.height  # a background and two subjects
