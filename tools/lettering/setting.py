"""A caption in a box: the largest size at which it fits, and where each piece of it stands.

Nothing of it, stroke included, leaves the box. Lines of a caption share one grid of baselines, with or without descenders. What cannot fit at the least size
is broken inside words, and then cut short with an ellipsis, and the block says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from cutwork.tools.lettering import breaks, fonts, runs
from cutwork.tools.lettering.breaks import Token
from cutwork.tools.lettering.fonts import REFERENCE, STRIKE, Face
from cutwork.tools.lettering.runs import Run

STROKE = 0.07  # of the size
LEADING = 0.18  # of the size, between the lowest and the highest ink of two lines
HARD_LEAST = 6  # pixels; a box that takes no letters of this size takes none
ELLIPSIS = "…"
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")

Colour = tuple[int, int, int]
Rect = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels
Across = Literal["left", "centre", "right"]
Down = Literal["top", "middle", "bottom"]


@dataclass(frozen=True)
class Style:
    """How a caption looks."""

    face: Face
    colour: Colour
    stroke: Colour | None = None  # None = letters without an outline
    upper: bool = True


@dataclass(frozen=True)
class Placed:
    """A run at its place: x of its start, y of its own baseline, its font's size, and by how much its pictures are scaled (1 = letters)."""

    run: Run
    x: int
    y: int
    size: int
    zoom: float = 1.0


@dataclass(frozen=True)
class Block:
    """A caption that was set."""

    text: str  # as it was asked for
    lines: tuple[str, ...]  # as they stand; none = there was no room
    box: Rect
    ink: Rect  # tight around letters and stroke
    style: Style
    size: int
    stroke: int  # pixels
    placed: tuple[Placed, ...]
    notes: tuple[str, ...] = ()

    @property
    def fonts(self) -> tuple[str, ...]:
        """Names of the fonts in it."""
        return tuple(dict.fromkeys(one.run.face.name for one in self.placed))


@dataclass(frozen=True)
class _Measured:
    """A caption with what does not depend on its size; lengths are shares of the size."""

    order: tuple[Face, ...]
    rtl: bool
    first: Face
    blank: float
    up: float  # highest ink above the baseline
    down: float  # lowest ink below it

    def width(self, text: str) -> float:
        """Length of a text on one line."""
        return sum(_extent(run, self.first, REFERENCE)[0] for run in self.runs(text)) / REFERENCE

    def runs(self, text: str) -> tuple[Run, ...]:
        return runs.split(text, self.order, self.rtl)


def fit(text: str, box: Rect, style: Style, most: int, least: int, across: Across = "centre", down: Down = "middle") -> Block:
    """Set a caption into a box at the largest size that fits.

    Args:
        text: up to `runs.MAX_CAPTION` characters.
        box: in pixels.
        style: font, colours, capitals.
        most: largest size in pixels.
        least: smallest one; rather than go below it, words are broken and the text is cut short.
        across: how lines stand in the box.
        down: where the block stands.

    Raises:
        BadInput: if the text is too long or has control characters.
    """
    clean = runs.cleaned(text)
    shown = runs.capitals(clean) if style.upper else clean
    measured = _measure(shown, style.face)
    notes = _notes(shown, measured)
    words = breaks.tokens(shown)
    if not shown.strip():
        return _empty(text, box, style, notes)
    size = _largest(words, measured, box, style, most, least)
    if size is None:
        words, size = _broken(words, measured, box, style, most, least)
    for smaller in range(min(most, size + 1), HARD_LEAST - 1, -1):
        cut = _shortened(words, measured, box, style, smaller) if smaller <= least else words
        block = _set(text, cut, measured, box, style, smaller, across, down, notes) if cut else None
        if block:
            return block if cut == words else _told(block, shown)
    return _empty(text, box, style, (*notes, f"there is no room for {text[:40]!r} in a box of {box[2] - box[0]}x{box[3] - box[1]} pixels"))


def _empty(text: str, box: Rect, style: Style, notes: tuple[str, ...]) -> Block:
    return Block(text, (), box, (box[0], box[1], box[0], box[1]), style, 0, 0, (), notes)


def _told(block: Block, shown: str) -> Block:
    """The block with a note of how much of its text was cut."""
    kept = len("".join(block.lines).rstrip(ELLIPSIS))
    told = f"{block.text[:40]!r} was cut short after {kept} of {len(shown)} characters: there is no room for more at a size that can be read"
    return replace(block, notes=(*block.notes, told))


def _notes(shown: str, measured: _Measured) -> tuple[str, ...]:
    lost = runs.missing(shown, measured.order)
    found = []
    if lost:
        named = ", ".join(f"{sign} ({' '.join(f'U+{ord(c):04X}' for c in sign)})" for sign in lost[:8])
        found.append(f"no font here has {named}; \N{REPLACEMENT CHARACTER} stands in place. Install one that has, such as Noto's")
    if not fonts.shapes() and any(runs.needs_shaping(c) for c in shown):
        found.append("letters are not joined or stacked as their script wants: Pillow finds no raqm layout here; install FriBiDi (Debian: libfribidi0)")
    return tuple(found)


@lru_cache(maxsize=256)
def _measure(shown: str, face: Face) -> _Measured:
    order = runs.order(shown, face)
    plain = _Measured(order, runs.rtl(shown), face, 0.0, 0.0, 0.0)
    boxes = [_extent(run, face, REFERENCE)[1] for line in shown.split("\n") for run in plain.runs(line)]
    up = max([fonts.capitals(face), *(-top / REFERENCE for _, top, _, _ in boxes)])
    down = max([0.0, *(bottom / REFERENCE for _, _, _, bottom in boxes)])
    return _Measured(order, plain.rtl, face, plain.width("n n") - plain.width("nn"), up, down)


def _room(box: Rect, style: Style, size: int) -> tuple[int, int]:
    """Pixels for letters, across and down, beside their stroke."""
    edge = 2 * _stroke(style, size)
    return box[2] - box[0] - edge, box[3] - box[1] - edge


def _stroke(style: Style, size: int) -> int:
    return max(1, round(size * STROKE)) if style.stroke else 0


def _height(measured: _Measured, lines: int) -> float:
    return lines * (measured.up + measured.down) + (lines - 1) * LEADING


def _fits(words: Sequence[Token], measured: _Measured, box: Rect, style: Style, size: int) -> bool:
    """Whether tokens fit at a size by measure, in as few lines as there can be."""
    across, down = _room(box, style, size)
    lines = breaks.greedy(words, [measured.width(word.text) for word in words], measured.blank, across / size)
    return lines is not None and _height(measured, len(lines)) * size <= down


def _largest(words: Sequence[Token], measured: _Measured, box: Rect, style: Style, most: int, least: int) -> int | None:
    """The largest size whose lines fit; None if not even the least one's do. Larger sizes never take fewer lines, so it can be searched for."""
    if not _fits(words, measured, box, style, min(least, most)):
        return None
    low, high = min(least, most), most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(words, measured, box, style, middle) else (low, middle - 1)
    return low


def _broken(words: tuple[Token, ...], measured: _Measured, box: Rect, style: Style, most: int, least: int) -> tuple[tuple[Token, ...], int]:
    """Tokens broken where they are wider than the box, and the largest size at which that lets all of them fit; the least size if none does."""

    def at(size: int) -> tuple[Token, ...]:
        cap = _room(box, style, size)[0] / size
        return tuple(piece for word in words for piece in ((word,) if measured.width(word.text) <= cap else breaks.broken(word, measured.width, cap)))

    low, high = min(least, most), most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(at(middle), measured, box, style, middle) else (low, middle - 1)
    return at(low), low


def _shortened(words: tuple[Token, ...], measured: _Measured, box: Rect, style: Style, size: int) -> tuple[Token, ...]:
    """The tokens that fit at this size, the last with an ellipsis if some do not; none if not even that fits."""
    if _fits(words, measured, box, style, size):
        return words
    low, high = 0, len(words)  # tokens kept; more never take less room
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(_ended(words[:middle]), measured, box, style, size) else (low, middle - 1)
    return _ended(words[:low])


def _ended(words: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens with an ellipsis at their end."""
    if not words:
        return ()
    last = words[-1]
    return (*words[:-1], Token(last.text.rstrip("-,.;:!? ") + ELLIPSIS, last.gap, last.forced))


def _set(
    text: str, words: Sequence[Token], measured: _Measured, box: Rect, style: Style, size: int, across: Across, down: Down, notes: tuple[str, ...]
) -> Block | None:
    """The caption at one size, evenly broken; None if its ink would leave the box."""
    room = _room(box, style, size)
    widths = [measured.width(word.text) for word in words]
    fewest = breaks.greedy(words, widths, measured.blank, room[0] / size)
    if fewest is None or room[0] < 1:
        return None
    ways = breaks.even(words, widths, measured.blank, room[0] / size, len(fewest))
    lines = tuple(breaks.joined([words[k] for k in way]) for way in ways)
    stroke, height = _stroke(style, size), _height(measured, len(lines)) * size
    spare = box[3] - box[1] - height - 2 * stroke
    top = box[1] + stroke + {"top": 0.0, "middle": spare / 2, "bottom": spare}[down]
    placed = []
    for number, line in enumerate(lines):
        baseline = int(top + (measured.up + number * (measured.up + measured.down + LEADING)) * size)
        placed += _line(line, measured, box, size, baseline, across, stroke)
    ink = _ink(placed, stroke)
    if ink[2] - ink[0] > box[2] - box[0] or ink[3] - ink[1] > box[3] - box[1]:
        return None
    block = Block(text, lines, box, ink, style, size, stroke, tuple(placed), notes)
    # Whole pixels, and glyphs that reach beyond their advance, may stand a little over an edge where there is room at the other.
    nudged = moved(block, _back(ink[0], ink[2], box[0], box[2]), _back(ink[1], ink[3], box[1], box[3]))
    return replace(nudged, box=box)


def _back(low: int, high: int, least: int, most: int) -> int:
    """By how much low..high must move to lie within least..most."""
    return max(0, least - low) - max(0, high - most)


def moved(block: Block, across: int, down: int) -> Block:
    """A block elsewhere, its box with it."""
    (bx0, by0, bx1, by1), (ix0, iy0, ix1, iy1) = block.box, block.ink
    return replace(
        block,
        box=(bx0 + across, by0 + down, bx1 + across, by1 + down),
        ink=(ix0 + across, iy0 + down, ix1 + across, iy1 + down),
        placed=tuple(replace(one, x=one.x + across, y=one.y + down) for one in block.placed),
    )


def _line(line: str, measured: _Measured, box: Rect, size: int, baseline: int, across: Across, stroke: int) -> list[Placed]:
    pieces = measured.runs(line)
    lengths = [_extent(run, measured.first, size)[0] for run in pieces]
    spare = box[2] - box[0] - sum(lengths) - 2 * stroke
    x = box[0] + stroke + {"left": 0.0, "centre": spare / 2, "right": spare}[across]
    found = []
    for run, length in zip(pieces, lengths, strict=True):
        pixels, zoom = font_size(run.face, measured.first, size)
        found.append(Placed(run, round(x), baseline + round(fonts.sink(run.face, measured.first) * size), pixels, zoom))
        x += length
    return found


def _ink(placed: Sequence[Placed], stroke: int) -> Rect:
    boxes = []
    for one in placed:
        left, top, right, bottom = glyphs(one.run, one.size, one.zoom)[1]
        boxes.append((one.x + left, one.y + top, one.x + right, one.y + bottom))
    x0, y0, x1, y1 = (f(values) for f, values in zip((min, min, max, max), zip(*boxes, strict=True), strict=True))
    return x0 - stroke, y0 - stroke, x1 + stroke, y1 + stroke


def font_size(face: Face, beside: Face, size: int) -> tuple[int, float]:
    """The size at which a font is opened to stand beside another at `size`, and how its pictures are then scaled."""
    wanted = size * fonts.scale(face, beside)
    return (STRIKE, wanted / STRIKE) if face.colour else (max(1, round(wanted)), 1.0)


@lru_cache(maxsize=16_384)
def _extent(run: Run, beside: Face, size: int) -> tuple[float, Rect]:
    """Length of a run and its ink (left, top, right, bottom) around the caption's baseline, in pixels, at a size of the font it stands beside."""
    length, (left, top, right, bottom) = glyphs(run, *font_size(run.face, beside, size))
    sunk = round(fonts.sink(run.face, beside) * size)
    return length, (left, top + sunk, right, bottom + sunk)


def glyphs(run: Run, size: int, zoom: float) -> tuple[float, Rect]:
    """Length and ink of a run around its own baseline, in pixels."""
    font, text, how = fonts.sized(run.face, size), shown(run), direction(run)
    left, top, right, bottom = font.getbbox(text, anchor="ls", **how)
    if zoom == 1.0:
        return font.getlength(text, **how), (int(left), int(top), int(right), int(bottom))
    return font.getlength(text, **how) * zoom, (int(left * zoom) - 1, int(top * zoom) - 1, int(right * zoom) + 1, int(bottom * zoom) + 1)


def shown(run: Run) -> str:
    """A run's text as Pillow is given it: where it cannot turn it round itself, turned round."""
    if fonts.shapes() or not run.rtl:
        return run.text
    return "".join(reversed(runs.clusters(run.text))).translate(MIRRORED)


def direction(run: Run) -> dict[str, Any]:
    """Pillow's argument for the direction of a run."""
    return {"direction": "rtl" if run.rtl else "ltr"} if fonts.shapes() else {}
