"""Which font has a character: the fonts that are shipped, then those of the machine.

Sizes are those of the font that was asked for; another font beside it is scaled to capitals of the same height, so that a line keeps its look.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont, features

from cutwork.errors import BadInput

FOLDER = Path(__file__).resolve().parent / "fonts"
NAMES = ("anton", "sofia", "noto")  # that can be asked for
SHIPPED = ("anton.ttf", "sofia.ttf", "noto.ttf", "arabic.ttf", "hebrew.ttf", "thai.ttf", "cjk.otf", "emoji.ttf")  # in the order of trying
COLOUR_EMOJI = "NotoColorEmoji.ttf"
STRIKE = 109  # pixels; the one size that colour emoji come in
EMOJI_HEIGHT = 1.22  # of capitals
CAPITALS = 0.7  # of the size, where a font does not say
MISSING = "\ufffd"  # is seen in place of what no font has
REFERENCE = 256  # pixels; the size at which text is measured


@dataclass(frozen=True)
class Face:
    """One font file, or one font of a collection."""

    name: str  # that of its file, without ending
    path: Path
    index: int = 0

    @property
    def colour(self) -> bool:
        """Whether its glyphs are small pictures."""
        return self.path.name == COLOUR_EMOJI

    @property
    def emoji(self) -> bool:
        return "emoji" in self.path.name.lower()


def face(name: str) -> Face:
    """A font that can be asked for by name.

    Raises:
        BadInput: if there is none of that name; the message lists those there are.
    """
    if name.lower() not in NAMES:
        raise BadInput(f"there is no font {name!r}; there are {', '.join(NAMES)}")
    return _shipped(f"{name.lower()}.ttf")


@lru_cache(maxsize=1)
def shipped() -> tuple[Face, ...]:
    """The fonts that come with Cutwork, in the order in which they are tried."""
    return tuple(_shipped(file) for file in SHIPPED)


def _shipped(file: str) -> Face:
    return Face(file.rsplit(".", 1)[0], FOLDER / file)


@lru_cache(maxsize=1)
def installed() -> tuple[Face, ...]:
    """Fonts of the machine: Noto's before others, bold ones before others, then by path. Listing them opens none."""
    files = {path for folder in _folders() if folder.is_dir() for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")}
    return tuple(Face(path.stem, path) for path in sorted(files, key=lambda p: ("noto" not in p.name.lower(), "bold" not in p.name.lower(), str(p))))


def _folders() -> Iterator[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    elif sys.platform == "win32":
        yield from (Path("C:/Windows/Fonts"), home / "AppData/Local/Microsoft/Windows/Fonts")
    else:
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts")


@lru_cache(maxsize=1)
def colour_emoji() -> Face | None:
    """Noto Color Emoji, if the machine has it in the form that Pillow can paint."""
    for one in installed():
        if one.colour and _paints(one):
            return one
    return None


def _paints(candidate: Face) -> bool:
    try:
        font = sized(candidate, STRIKE)
        picture = Image.new("RGBA", (STRIKE * 2, STRIKE * 2))
        ImageDraw.Draw(picture).text((0, 0), "\U0001f600", font=font, embedded_color=True)
    except OSError:
        return False
    return picture.getbbox() is not None


@cache
def coverage(one: Face) -> frozenset[int]:
    """The code points a font has; none of a file that cannot be read."""
    try:
        with TTFont(one.path, fontNumber=one.index, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, AssertionError, KeyError, ValueError):
        return frozenset()


@lru_cache(maxsize=4096)
def last_resort(needed: frozenset[int]) -> Face | None:
    """The first font of the machine that has all of some code points."""
    return next((one for one in installed() if not one.colour and needed <= coverage(one)), None)


@lru_cache(maxsize=512)
def sized(one: Face, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels; colour emoji only come in `STRIKE`."""
    return ImageFont.truetype(str(one.path), size, index=one.index)


@lru_cache(maxsize=64)
def scale(one: Face, beside: Face) -> float:
    """A font's size as a share of that of the font it stands beside, so that both have capitals of one height."""
    if one.emoji:
        _, top, _, bottom = sized(one, STRIKE if one.colour else REFERENCE).getbbox("\U0001f600", anchor="ls")
        return EMOJI_HEIGHT * capitals(beside) * (STRIKE if one.colour else REFERENCE) / (bottom - top)
    return capitals(beside) / capitals(one)


@lru_cache(maxsize=64)
def sink(one: Face, beside: Face) -> float:
    """How far below the baseline a font's own stands, as a share of the size asked for: emoji are centred on the capitals."""
    if not one.emoji:
        return 0.0
    strike = STRIKE if one.colour else REFERENCE
    _, top, _, bottom = sized(one, strike).getbbox("\U0001f600", anchor="ls")
    return -capitals(beside) / 2 - scale(one, beside) * (top + bottom) / 2 / strike


@lru_cache(maxsize=64)
def capitals(one: Face) -> float:
    """Height of capitals as a share of the size."""
    with TTFont(one.path, fontNumber=one.index, lazy=True) as font:
        height = getattr(font["OS/2"], "sCapHeight", 0) / font["head"].unitsPerEm
    return height or CAPITALS


@lru_cache(maxsize=1)
def shapes() -> bool:
    """Whether letters are joined, stacked and set from right to left, which takes Pillow's raqm layout and the FriBiDi library."""
    return bool(features.check("raqm"))
