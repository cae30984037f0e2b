"""The pictures of README's goods, each made by the command printed beside it: `python -m cutwork.lab.goods_pictures`.

Run it after the embedded model or a format has changed, and look at what it made: what is shown is what a new user gets.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from psd_tools import PSDImage

from cutwork.tools.formats.overview import checkerboard

DOCS = Path(__file__).resolve().parents[1] / "docs" / "goods"
GAP = 8  # pixels between layers


@dataclass(frozen=True)
class Shown:
    """One picture of README: what makes the files, and how they are shown."""

    name: str
    command: str  # as README prints it
    view: Callable[[Path], Image.Image]  # of the folder it delivered to
    export: str = ""  # another file of the same run: the form of `cutwork export ID --as`


def _small(name: str, side: int) -> Callable[[Path], Image.Image]:
    """A delivered picture, its longer side at most so long."""

    def view(folder: Path) -> Image.Image:
        picture = Image.open(folder / name).convert("RGB")
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        return picture

    return view


def _tiled(folder: Path) -> Image.Image:
    """The upper left of the preview: a repeat and a half across, and half of that down."""
    preview = Image.open(folder / "preview.png").convert("RGB")
    return preview.crop((0, 0, preview.width // 2, preview.width // 4)).resize((560, 280), Image.Resampling.LANCZOS)


def _layers(folder: Path) -> Image.Image:
    """The layers of the PSD as its reader finds them, the lowest first, side by side on a checkerboard."""
    file = PSDImage.open(folder / "export.psd")
    page = Image.new("RGB", (len(file) * (file.width + GAP) - GAP, file.height), "white")
    for number, layer in enumerate(file):
        at = (number * (file.width + GAP), 0)
        page.paste(Image.fromarray(checkerboard(file.height, file.width)), at)
        if (sheet := layer.composite(viewport=file.viewbox, force=True)) is not None:
            page.paste(sheet, at, sheet.convert("RGBA"))
    return page


MEME = """cutwork design 'meme: grumpy panda and a rocket on a purple background, top "MONDAY", bottom "again"' --seed 8"""
GOODS = (
    Shown("sticker", 'cutwork design "whatsapp sticker: a fox" --seed 2', _small("overview.png", 320)),
    Shown("pack", """cutwork design 'whatsapp sticker pack "Breakfast": a strawberry, a donut and a pizza' --seed 3""", _small("overview.png", 480)),
    Shown("meme", MEME, _small("meme.png", 420)),
    Shown("textile", 'cutwork design "textile: a strawberry, a lemon and a star on navy, half-drop, 16 cm, 5 colours, 150 dpi" --seed 4', _tiled),
    Shown("layers", 'cutwork design "a strawberry and a pizza on a teal background" --seed 3', _layers, export="psd"),
    Shown("receipt", MEME, _small("export.receipt", 900), export="receipt"),
)


def make(shown: Shown, into: Path) -> Path:
    """Run a command as README prints it, and save its picture.

    Raises:
        CalledProcessError: if the command fails.
    """
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "out"
        environment = {**os.environ, "CUTWORK_HOME": home}
        run = _cutwork([*shlex.split(shown.command)[1:], "--out", str(folder), "--json"], environment)
        if shown.export:
            _cutwork(["export", json.loads(run)["id"], str(folder / f"export.{shown.export}"), "--as", shown.export], environment)
        path = into / f"{shown.name}.png"
        shown.view(folder).save(path, optimize=True)
    return path


def _cutwork(arguments: Sequence[str], environment: dict[str, str]) -> str:
    """What a command printed; that the critic was not satisfied is no failure."""
    run = subprocess.run([sys.executable, "-m", "cutwork", *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode not in (0, 10):
        run.check_returncode()
    return run.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which of them; all if none is named")
    parser.add_argument("--into", type=Path, default=DOCS, help="folder of the pictures")
    options = parser.parse_args()
    for shown in GOODS:
        if not options.names or shown.name in options.names:
            print(make(shown, options.into))


if __name__ == "__main__":
    main()
