"""Colours by name: one table for briefs, settings, lettering, outlines and inks.

CSS has the common names; `TRADE` adds those that designers, printers and cloth makers use besides. A shade before a name ("dusty pink", "deep
teal") changes it, and of two names the first says which kind of the second it is ("olive green").
"""

from __future__ import annotations

import colorsys
import difflib
from functools import cache, lru_cache

from PIL import ImageColor

from cutwork.errors import BadInput

Rgb = tuple[int, int, int]

TRADE = {
    "amber": "#ffb000", "apricot": "#fbb882", "ash": "#b2b4b0", "avocado": "#6b7f32", "berry": "#8e2a5b", "blush": "#e8b4b0", "bone": "#e6dcc6",
    "brick": "#a3442f", "bronze": "#a9713a", "burgundy": "#6d1a36", "butter": "#f8e8a0", "caramel": "#b9752f", "carmine": "#a5102f", "cerise": "#de3163",
    "cerulean": "#2a86b8", "charcoal": "#36393f", "cherry": "#b3152f", "cinnamon": "#a4592b", "clay": "#b5744f", "cobalt": "#0047ab", "coffee": "#5a3e2b",
    "copper": "#b4682f", "cream": "#fbf3dd", "denim": "#3c5a85", "duck egg": "#c5dcd8", "ecru": "#e8ddc4", "emerald": "#1f8a5b", "fern": "#5f8a4b",
    "forest": "#234d32", "golden": "#e3b023", "graphite": "#44474c", "honey": "#e0a12f", "ink": "#1c2233", "lemon": "#f7e14a", "lilac": "#c8a2c8",
    "magnolia": "#f6ead8", "mauve": "#b48bb0", "midnight": "#161c3d", "mint": "#b5e3cb", "mocha": "#7d5a43", "moss": "#75803c", "mulberry": "#7f2a4d",
    "mustard": "#d9a21b", "oatmeal": "#ddd0b8", "ochre": "#c47f22", "off-white": "#f7f4ec", "peach": "#ffc9a3", "pearl": "#ece7dd", "periwinkle": "#8f99dd",
    "petrol": "#1f5663", "pine": "#1f4a3d", "puce": "#a5616f", "putty": "#cdc0ab", "raspberry": "#c42455", "rose": "#e0708b", "ruby": "#a90f3c",
    "rust": "#b04a25", "saffron": "#f2ae2e", "sage": "#a3b18a", "sand": "#dcc9a3", "sapphire": "#123f9c", "scarlet": "#d81e1e", "seafoam": "#9fd9c0",
    "sky": "#9fd0ef", "slate": "#5b6770", "smoke": "#8f9396", "stone": "#b9b1a3", "taupe": "#8b7d70", "terracotta": "#c8633f", "umber": "#6a4a32",
    "vermilion": "#dd3f23", "watermelon": "#f0596b", "wine": "#5e1b2f",
}  # fmt: skip
PLAIN = set("red orange yellow green blue purple pink brown black white gray grey gold violet".split())
SHADES = {  # how far lightness goes towards white (above 0) or black, and what saturation is multiplied by
    "baby": (0.45, 0.8), "bright": (0.05, 1.3), "dark": (-0.4, 1.0), "deep": (-0.3, 1.15), "dusty": (0.12, 0.5), "hot": (0.0, 1.4), "light": (0.4, 0.95),
    "muted": (0.05, 0.5), "pale": (0.55, 0.7), "pastel": (0.5, 0.75), "rich": (-0.1, 1.2), "soft": (0.3, 0.7), "vivid": (0.0, 1.4), "warm": (0.05, 1.0),
}  # fmt: skip
SEEN = 4096  # names that are remembered


@lru_cache(maxsize=SEEN)
def parse(name: str) -> Rgb:
    """Red, green and blue, 0..255, of a name ("navy", "Duck Egg", "dusty pink"), of "#rrggbb" or "#rgb", or of "rgb(…)" or "hsl(…)" as CSS writes them.

    Raises:
        BadInput: if it is none of these, or not opaque; the message has the names that come nearest.
    """
    word = " ".join(name.lower().split())
    found = _coded(name, word) if word.startswith("#") or "(" in word else _named(word)
    if found is None:
        near = difflib.get_close_matches(word, names(), 3, 0.6)
        raise BadInput(f"there is no colour {name!r}; wanted #rrggbb or a name such as {', '.join(near or ('navy', 'cream', 'coral'))}")
    return found


def known(name: str) -> bool:
    """Whether there is a colour of that name or code."""
    try:
        parse(name)
    except BadInput:
        return False
    return True


def checked(name: str) -> str:
    """The name, if there is such a colour; raises as `parse`."""
    parse(name)
    return name


@cache
def names() -> dict[str, Rgb]:
    """Every colour that has a name of its own."""
    codes = {**{name: name for name in ImageColor.colormap}, **TRADE}  # by name: Pillow puts what it has read in place of its codes
    return {name: _rgb(code) for name, code in codes.items()}


@cache
def _spelt() -> dict[str, Rgb]:
    """The same by their letters alone."""
    return {_joined(name): colour for name, colour in names().items()}


def _joined(name: str) -> str:
    return name.replace(" ", "").replace("-", "")


def _rgb(code: str) -> Rgb:
    red, green, blue = ImageColor.getrgb(code)[:3]
    return red, green, blue


def _coded(name: str, word: str) -> Rgb | None:
    try:
        found = ImageColor.getrgb(word)
    except ValueError:
        return None
    if len(found) == 4 and found[3] < 255:
        raise BadInput(f"colour {name!r} is not opaque, wanted one that is")
    return found[0], found[1], found[2]


def _named(word: str) -> Rgb | None:
    if (found := _spelt().get(_joined(word))) is not None:
        return found
    first, space, rest = word.replace("-", " ").partition(" ")
    if not space or (base := _named(rest)) is None:
        return None
    if first in SHADES:
        return _shaded(base, *SHADES[first])
    kind = _named(first)
    if kind is None or rest not in PLAIN:
        return None
    return kind if first not in PLAIN else ((kind[0] + base[0]) // 2, (kind[1] + base[1]) // 2, (kind[2] + base[2]) // 2)


def _shaded(colour: Rgb, lighter: float, stronger: float) -> Rgb:
    hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour))
    light += lighter * (1 - light if lighter > 0 else light)
    red, green, blue = colorsys.hls_to_rgb(hue, light, min(1.0, saturation * stronger))
    return round(255 * red), round(255 * green), round(255 * blue)
