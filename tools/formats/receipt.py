"""The receipt as a picture, so that a person sees why it was cut there: what was planned, where the model looked, what was cut.

At the top the drawn image with planned places and outlines, and beside it where the attention to each word lay; below, one line of pictures and
plain words for each subject. All numbers are those of the stored receipts; the heat maps are fused anew from the attention record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cutwork.domain import Artifact, Box, Cutout, Design, Plan, Receipt, Round
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact, delivered
from cutwork.tools.formats.overview import INKS, checkerboard
from cutwork.tools.formats.png import encode, texts
from cutwork.tools.pixels import decode

WIDTH, MARGIN, GUTTER = 1600, 56, 40  # pixels of the sheet
PICTURE, THUMB = 680, 264  # pixels of the longer side of the large picture, and of those in a subject's line
GAUGE = 150  # pixels of a bar
BESIDE = 8  # subjects up to which the matrix has room beside the picture
PAPER, INK, MUTED, RULE, FAINT, ALARM = (252, 250, 246), (32, 33, 41), (112, 112, 122), (222, 217, 207), (238, 234, 226), (176, 52, 40)
OWN, OTHER, NEUTRAL = (24, 128, 96), (206, 84, 62), (150, 146, 138)  # attention in a word's own place, in another's, in none
HEAT = ((0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39), (252, 255, 164))  # dark to hot
UNSURE = 0.2  # share of an edge from which it is told to be unsure
FAVOURED = 1.2  # times chance from which a word is said to have been looked for where it was planned

Pixels = NDArray[np.uint8]
Maps = NDArray[np.float32]
Colour = tuple[int, int, int]
At = tuple[int, int]


@dataclass(frozen=True)
class Line:
    """One measured fact of a subject: its name, its share in 0..1 and what it means."""

    name: str
    share: float
    words: str


def make(design: Design, blobs: Blobs) -> Artifact:
    """`receipt.png` of a finished design.

    Where the attention record is no longer kept, its pictures are left out and the receipt says so.

    Raises:
        BadInput: if the design has no delivered round, or its record does not belong to it. StorageFailed: if its pictures cannot be read.
    """
    pixels = draw(design, blobs)
    return artifact("receipt", "receipt.png", encode(pixels, texts(design)), blobs, "image/png", (pixels.shape[1], pixels.shape[0]))


def draw(design: Design, blobs: Blobs) -> Pixels:
    """The picture itself, (H, WIDTH, 3) uint8, as tall as its subjects need.

    Raises:
        BadInput, StorageFailed: as `make`.
    """
    best = delivered(design)
    image = decode(blobs.get(best.render.image), "RGB")
    masks = [decode(blobs.get(c.mask), "L") > 127 for c in best.cutouts]
    maps = heat_maps(best, blobs)
    sheet = _Sheet()
    _head(sheet, design, best)
    _top(sheet, design, image, masks, maps is not None)
    for number, cutout in enumerate(best.cutouts):
        heat = None if maps is None else maps[cutout.region]
        _subject(sheet, best, cutout, image, masks[number], heat, decode(blobs.get(cutout.image), "RGBA"))
    return sheet.pixels()


def heat_maps(best: Round, blobs: Blobs) -> Maps | None:
    """The fused attention map of each region, (regions, h, w) in 0..1; None where the record is not kept or holds nothing.

    Raises:
        BadInput: if the record is none, or of other regions than the plan's.
    """
    if not best.shot.plan.regions or best.render.record not in blobs:
        return None
    from cutwork.tools.cut import fused_maps  # brings torch
    from cutwork.tools.record_file import Record

    record = Record.from_bytes(blobs.get(best.render.record))
    if not len(record.maps):
        return None
    if record.maps.shape[1] != len(best.shot.plan.regions):
        raise BadInput(f"the attention record has {record.maps.shape[1]} regions, the plan {len(best.shot.plan.regions)}")
    return fused_maps(record, best.shot.plan.cut.fusion, best.shot.plan.cut.snap)


def lines(plan: Plan, cutout: Cutout) -> tuple[Line, ...]:
    """What was measured of one subject, in plain words, in the order in which it came about."""
    receipt, seen = cutout.receipt, cutout.receipt.attended
    looked = f"of the attention to “{plan.subject(cutout.subject).noun}” lay in its planned place{_against_chance(seen.lift)}"
    if seen.box is None:
        looked = "nothing was recorded of where the model looked"
    if receipt.alpha is None:
        return Line("Looked at", seen.inside, looked), Line("Cut", 0.0, "nothing of it was found, so nothing was cut")
    pieces = "in one piece" if receipt.fragments == 1 else f"in {receipt.fragments} pieces"
    edge = "of its edge follows an edge that can be seen" + ("; the rest is a guess" if receipt.softness > UNSURE else "")
    return (
        Line("Looked at", seen.inside, looked),
        Line("Cut", receipt.contained, f"of the cut lies in the planned place; it is {percent(receipt.coverage)} of the picture, {pieces}"),
        Line("Box", receipt.iou, "overlap of planned box and box of the cut (IoU)"),
        Line("Edge", 1 - receipt.softness, edge),
        Line("Contested", max(receipt.overlap.values(), default=0.0), _contested(plan, receipt)),
    )


def percent(share: float) -> str:
    """A share as whole per cent; what is there but below one is told as such."""
    return "under 1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def summary(design: Design) -> tuple[str, ...]:
    """The verdict in plain sentences: what was cut, whether the model looked where it was planned, and what the critic said of the whole."""
    best = delivered(design)
    plan, cutouts = best.shot.plan, best.cutouts
    verdict = f"The critic gave it {best.critique.score:.2f} of 1 and {'accepted it' if best.accepted else 'did not accept it'}."
    if not cutouts:
        return "No subject was planned, so nothing was cut out.", verdict
    missing = ", ".join(_title(plan, c) for c in cutouts if c.receipt.alpha is None)
    found = {1: "The subject was", 2: "Both subjects were"}.get(len(cutouts), f"All {len(cutouts)} subjects were") + " cut out."
    whole = [f for f in sorted(best.critique.findings, key=lambda f: -f.severity) if f.region is None]
    return f"Not found, so not cut: {missing}." if missing else found, _looked(plan, cutouts), verdict, *(f"Critic: {f.kind}, {f.detail}" for f in whole[:2])


def _looked(plan: Plan, cutouts: Sequence[Cutout]) -> str:
    """Whether the attention to each word favours its planned place."""
    lifts = [c.receipt.attended.lift for c in cutouts if c.receipt.attended.box]
    if not lifts:
        return "Nothing was recorded of where the model looked."
    stray = ", ".join(_title(plan, c) for c in cutouts if c.receipt.attended.box and c.receipt.attended.lift < FAVOURED)
    if stray:
        return f"While drawing, the model did not look for these where they were planned: {stray}."
    low, high = f"{min(lifts):.1f}", f"{max(lifts):.1f}"
    times = low if low == high else f"{low} to {high}"
    return f"While drawing, the model looked for {'it' if len(cutouts) == 1 else 'each'} where it was planned, {times} times as much as by chance."


def _against_chance(lift: float) -> str:
    return f", {lift:.1f} times what chance would give" if lift >= 0.05 else ""


def _contested(plan: Plan, receipt: Receipt) -> str:
    others = {k: share for k, share in receipt.overlap.items() if share >= 0.005}
    if not others:
        return "no other subject claimed its pixels"
    rival = max(others, key=lambda k: others[k])
    return f"of its pixels were also claimed by {int(rival) + 1} {plan.subject(plan.regions[int(rival)].subject).noun}"


def _title(plan: Plan, cutout: Cutout) -> str:
    return f"{cutout.region + 1} {plan.subject(cutout.subject).phrase}"


class _Sheet:
    """Paper that grows downwards: what is drawn below its end makes it longer."""

    def __init__(self) -> None:
        self.picture = Image.new("RGB", (WIDTH, 2_000), PAPER)
        self.y = MARGIN

    def room(self, height: int) -> None:
        """Make sure that so many pixels are left below the pen."""
        if self.y + height + MARGIN > self.picture.height:
            longer = Image.new("RGB", (WIDTH, 2 * (self.y + height)), PAPER)
            longer.paste(self.picture)
            self.picture = longer

    def text(self, at: At, words: str, size: int, colour: Colour = INK, width: int = WIDTH, most: int = 3, bold: bool = False, centred: int = 0) -> int:
        """Words wrapped to a width from the top left corner `at`, or each row centred in so many pixels; the height they took."""
        brush, step = ImageDraw.Draw(self.picture), round(size * 1.34)
        rows = wrapped(words.replace("×", "x"), size, width, most)  # the lettering lacks the sign
        for number, row in enumerate(rows):
            left = at[0] + (centred - font(size).getlength(row)) / 2 if centred else at[0]
            brush.text((left, at[1] + number * step), row, fill=colour, font=font(size), stroke_width=0.5 if bold else 0, stroke_fill=colour)
        return step * len(rows)

    def bar(self, at: At, share: float, colour: Colour, width: int = GAUGE, height: int = 14) -> None:
        """A gauge, filled by a share."""
        self.paste(_pill(width, height, share, colour), at)

    def disc(self, centre: At, number: int, radius: int) -> None:
        """A region's number on its colour."""
        self.paste(_disc(number, radius), (centre[0] - radius, centre[1] - radius))

    def rule(self) -> None:
        """A hair line across, with air around it."""
        self.room(2 * GUTTER)
        ImageDraw.Draw(self.picture).line((MARGIN, self.y, WIDTH - MARGIN, self.y), fill=RULE, width=2)
        self.y += GUTTER - 8

    def paste(self, picture: Image.Image, at: At) -> None:
        """Put a picture down, through its alpha where it has one."""
        self.picture.paste(picture, at, picture if picture.mode == "RGBA" else None)

    def pixels(self) -> Pixels:
        """All that was drawn, (H, WIDTH, 3)."""
        return np.asarray(self.picture.crop((0, 0, WIDTH, self.y + MARGIN)))


def _head(sheet: _Sheet, design: Design, best: Round) -> None:
    sheet.text((MARGIN, sheet.y), "WHY IT WAS CUT THERE", 22, MUTED)
    sheet.y += 36
    sheet.y += sheet.text((MARGIN, sheet.y), design.brief.text, 46, width=WIDTH - 2 * MARGIN, most=2, bold=True) + 6
    facts = f"drawn by {best.render.model}   ·   seed {best.shot.seed}   ·   {best.shot.plan.size} pixels   ·   maps fused by {best.shot.plan.cut.fusion}"
    sheet.y += sheet.text((MARGIN, sheet.y), facts, 22, MUTED, WIDTH - 2 * MARGIN, 1) + 26


def _top(sheet: _Sheet, design: Design, image: Pixels, masks: Sequence[NDArray[np.bool_]], mapped: bool) -> None:
    """The image with places and outlines; to its right the verdict and the matrix."""
    best = delivered(design)
    plan = best.shot.plan
    picture = _panel(image, PICTURE)
    for cutout, mask in zip(best.cutouts, masks, strict=True):
        _dashed(picture, cutout.receipt.planned, _ink(cutout.region), 4, 16)
        picture = _traced(picture, mask, _ink(cutout.region), 3)
    left, wide = MARGIN + PICTURE + GUTTER + 8, WIDTH - MARGIN - (MARGIN + PICTURE + GUTTER + 8)
    sheet.room(PICTURE + 640 + 160 * len(best.cutouts) + GUTTER)
    top = sheet.y
    sheet.paste(picture, (MARGIN + (PICTURE - picture.width) // 2, top))
    for cutout in best.cutouts:
        x0, y0, *_ = cutout.receipt.planned.pixels(*picture.size)
        corner = MARGIN + (PICTURE - picture.width) // 2 + x0, top + y0
        sheet.disc((max(corner[0], MARGIN + 20), max(corner[1], top + 20)), cutout.region + 1, 20)
    y = top - 4
    for sentence in summary(design):
        y += sheet.text((left, y), sentence, 26, width=wide, most=3) + 8
    if 0 < len(best.cutouts) <= BESIDE:
        y = _matrices(sheet, plan, best.cutouts, (left, y + 22), wide)
    if best.cutouts:
        y = _legend(sheet, (left, max(y + 22, top + picture.height - 106)), wide, mapped)
    sheet.y = max(top + picture.height, y) + GUTTER
    if len(best.cutouts) > BESIDE:
        sheet.y = _matrices(sheet, plan, best.cutouts, (MARGIN, sheet.y), WIDTH - 2 * MARGIN) + GUTTER


def _matrices(sheet: _Sheet, plan: Plan, cutouts: Sequence[Cutout], at: At, wide: int) -> int:
    """Where attention lay, and, where cuts ran into each other, whose pixels others claimed too; the y below them."""
    x, y = at
    y = _matrix(
        sheet, plan, cutouts, ("Where the attention to each word lay, in per cent", "place", "elsewhere"), [_row(c, cutouts) for c in cutouts], at, wide
    )
    claimed = [[c.receipt.overlap.get(str(other.region), 0.0) for other in cutouts] for c in cutouts]
    if len(cutouts) < 2:
        return y
    if max(max(row) for row in claimed) < 0.005:
        return y + 10 + sheet.text((x, y + 10), "No subject claimed pixels of another.", 24)
    return _matrix(sheet, plan, cutouts, ("Pixels of each that others claimed too, in per cent", "by", ""), claimed, (x, y + 20), wide)


def _matrix(sheet: _Sheet, plan: Plan, cutouts: Sequence[Cutout], heads: tuple[str, str, str], rows: Sequence[Sequence[float]], at: At, wide: int) -> int:
    """Rows and columns are subjects, what has no subject comes last; `heads` are the title, the columns' word and the last column's. The y below it."""
    x, y = at
    y += sheet.text((x, y), heads[0], 26, bold=True) + 6
    named = min(210, wide - 44 * (len(cutouts) + 1))
    cell = min(132, (wide - named) // (len(cutouts) + 1))
    tall, size = min(72, max(36, cell)), 26 if cell >= 64 else 17 if cell >= 40 else 12
    for column, cutout in enumerate(cutouts):
        _under(sheet, (x + named + column * cell + cell // 2, y), cutout.region + 1, heads[1] if cell >= 96 else "")
    sheet.text((x + named + len(cutouts) * cell, y + 4), heads[2] if cell >= 96 else heads[2][:4], 20 if cell >= 64 else 13, MUTED, centred=cell - 6)
    y += 40
    for row, cutout in enumerate(cutouts):
        top = y + row * (tall + 6)
        sheet.disc((x + 16, top + tall // 2), cutout.region + 1, 16)
        sheet.text((x + 44, top + tall // 2 - 16), plan.subject(cutout.subject).noun, 26, width=named - 50, most=1)
        for column, share in enumerate(rows[row]):
            hue = OWN if column == row else NEUTRAL if column == len(cutouts) else OTHER
            _cell(sheet, (x + named + column * cell, top, cell - 6, tall), share, size, hue)
    return y + len(cutouts) * (tall + 6)


def _under(sheet: _Sheet, at: At, number: int, word: str) -> None:
    """A column's head: a word, where it has room, and its number."""
    if word:
        sheet.text((round(at[0] + 2 - font(20).getlength(word)), at[1] + 4), word, 20, MUTED)
    sheet.disc((at[0] + (22 if word else -3), at[1] + 16), number, 15)


def _row(cutout: Cutout, cutouts: Sequence[Cutout]) -> list[float]:
    """Shares of one word's attention: in each place, then in none of them."""
    seen = cutout.receipt.attended
    shares = [seen.inside if other.region == cutout.region else seen.leakage.get(str(other.region), 0.0) for other in cutouts]
    return [*shares, max(0.0, 1.0 - sum(shares)) if seen.box else 0.0]


def _cell(sheet: _Sheet, place: tuple[int, int, int, int], share: float, size: int, hue: Colour) -> None:
    """One share on its shade: the more, the fuller."""
    x, y, width, height = place
    shade = _mixed(FAINT, hue, min(1.0, 1.6 * share))
    sheet.paste(_plate(width, height, shade), (x, y))
    colour = (255, 255, 255) if sum(shade) < 400 else INK
    sheet.text((x, y + round(height / 2 - size * 0.62)), f"{share * 100:.0f}", size, colour, centred=width)


def _subject(sheet: _Sheet, best: Round, cutout: Cutout, image: Pixels, mask: NDArray[np.bool_], heat: Maps | None, layer: Pixels) -> None:
    """One subject's line: where the model looked, what was cut, and the facts."""
    plan, ink = best.shot.plan, _ink(cutout.region)
    sheet.rule()
    sheet.room(THUMB + 80)
    x, top, below = MARGIN, sheet.y, sheet.y
    for picture, caption in _pictures(plan, cutout, image, mask, heat, layer):
        sheet.paste(picture, (x, top))
        sheet.text((x, top + picture.height + 8), caption, 20, MUTED, picture.width, 1)
        x, below = x + picture.width + 20, max(below, top + picture.height + 36)
    x += GUTTER - 20
    sheet.disc((x + 22, top + 22), cutout.region + 1, 22)
    y = top + 3 + sheet.text((x + 58, top + 3), plan.subject(cutout.subject).phrase, 30, width=WIDTH - MARGIN - x - 58, most=1, bold=True) + 14
    for line in lines(plan, cutout):
        y += _fact(sheet, (x, y), line, ink) + 7
    for finding in best.critique.findings:
        if finding.region == cutout.region:
            y += sheet.text((x, y + 4), f"Critic: {finding.kind}, {finding.detail}", 21, ALARM, WIDTH - MARGIN - x, 2) + 8
    sheet.y = max(below, y) + GUTTER - 8


def _pictures(plan: Plan, cutout: Cutout, image: Pixels, mask: NDArray[np.bool_], heat: Maps | None, layer: Pixels) -> Iterator[tuple[Image.Image, str]]:
    """The heat map, where there is one, and the cut-out, each with what is written below it."""
    if heat is not None:
        picture = _heated(image, heat, THUMB)
        _dashed(picture, cutout.receipt.planned, _ink(cutout.region), 2, 9)
        yield _traced(picture, mask, _ink(cutout.region), 2), f"looked for “{plan.subject(cutout.subject).noun}”"
    yield _on_checks(layer, THUMB), "the cut-out" if mask.any() else "nothing was cut"


def _fact(sheet: _Sheet, at: At, line: Line, ink: Colour) -> int:
    """Name, bar, number, words; the height they took."""
    x, y = at
    sheet.text((x, y), line.name, 22, MUTED)
    sheet.bar((x + 120, y + 7), line.share, ink)
    sheet.text((x + 120 + GAUGE + 16, y), percent(line.share), 22)
    words = x + 120 + GAUGE + 16 + 88
    return sheet.text((words, y), line.words, 22, width=WIDTH - MARGIN - words, most=2)


def _legend(sheet: _Sheet, at: At, wide: int, mapped: bool) -> int:
    """What the marks mean, and how the cut came about; the y below it."""
    x, y = at
    brush = ImageDraw.Draw(sheet.picture)
    for dash in range(3):
        brush.rectangle((x + 20 * dash, y + 13, x + 20 * dash + 11, y + 16), fill=INK)
    sheet.text((x + 72, y), "planned place", 21, MUTED)
    brush.rectangle((x + 250, y + 13, x + 304, y + 16), fill=INK)
    sheet.text((x + 318, y), "outline of the cut", 21, MUTED)
    y += 42
    if not mapped:
        return y + sheet.text(
            (x, y), "The attention record of this drawing is not kept here: where the model looked can be told in numbers only.", 21, MUTED, wide
        )
    sheet.paste(Image.fromarray(np.tile(_glow(np.linspace(0, 1, 54, dtype=np.float32)[None, :, None]).astype(np.uint8), (14, 1, 1))), (x, y + 9))
    told = "where the model looked for the word while it drew, from little to much: the cut starts there and follows the picture’s own edges"
    return y + sheet.text((x + 72, y), told, 21, MUTED, wide - 72)


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The lettering of the receipt."""
    return ImageFont.load_default(size)


def wrapped(words: str, size: int, width: int, most: int) -> list[str]:
    """Rows of words that fit a width in pixels, at most so many; what is left out is marked by "…", and a word too long for a row is broken."""
    rows: list[str] = []
    row = ""
    for word in words.split():
        longer = f"{row} {word}".strip()
        if font(size).getlength(longer) <= width:
            row = longer
            continue
        if row:
            rows.append(row)
        while font(size).getlength(word) > width and len(word) > 1:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font(size).getlength(word[:n]) <= width)
            rows.append(word[:fits])
            word = word[fits:]
        row = word
        if len(rows) > most:
            break
    rows += [row] if row else []
    if len(rows) > most:
        last = rows[most - 1]
        while last and font(size).getlength(f"{last}…") > width:
            last = last[:-1]
        rows = [*rows[: most - 1], f"{last.rstrip()}…"]
    return rows


def _ink(region: int) -> Colour:
    return INKS[region % len(INKS)]


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return r, g, b


def _panel(pixels: Pixels, longest: int) -> Image.Image:
    """A picture at a size whose longer side is `longest`."""
    picture = Image.fromarray(pixels)
    scale = longest / max(picture.size)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS)


def _heated(image: Pixels, heat: Maps, longest: int) -> Image.Image:
    """The picture in grey, glowing where attention was high."""
    grey = np.asarray(_panel(image, longest).convert("L"), np.float32)[..., None]  # (h, w, 1)
    field = Image.fromarray(heat.astype(np.float32)).resize((grey.shape[1], grey.shape[0]), Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(field), 0, 1)[..., None]
    weight = 0.45 + 0.45 * share
    return Image.fromarray((grey * (1 - weight) + _glow(share) * weight + 0.5).astype(np.uint8))


def _glow(share: NDArray[np.float32]) -> NDArray[np.float64]:
    """Colours of HEAT for shares (h, w, 1) in 0..1: (h, w, 3)."""
    stops = np.linspace(0, 1, len(HEAT))
    return np.concatenate([np.interp(share, stops, [c[channel] for c in HEAT]) for channel in range(3)], -1)


def _on_checks(layer: Pixels, longest: int) -> Image.Image:
    """A cut-out on a checkerboard, as near as may be: what is transparent around it is left away, but for a margin."""
    solid = layer[..., 3] > 0
    if solid.any():
        rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
        half = round(max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) * 0.56)
        y, x = int(rows[0] + rows[-1] + 1) // 2 + half, int(columns[0] + columns[-1] + 1) // 2 + half
        layer = np.pad(layer, ((half, half), (half, half), (0, 0)))[y - half : y + half, x - half : x + half]
    picture = _panel(layer, longest)
    paper = Image.fromarray(checkerboard(picture.height, picture.width))
    paper.paste(picture, (0, 0), picture)
    return paper


def _traced(picture: Image.Image, mask: NDArray[np.bool_], ink: Colour, width: int) -> Image.Image:
    """The picture with a mask's outline in a colour, cased in white so that it shows on everything; an empty mask leaves it as it is."""
    if not mask.any():
        return picture
    spread = max(2.2, 0.8 * picture.width / mask.shape[1])  # pixels; staircases of an enlarged mask are smoothed away
    large = Image.fromarray(mask.astype(np.uint8) * 255).resize(picture.size, Image.Resampling.BICUBIC)
    away = np.abs(_distances(spread))[np.asarray(large.filter(ImageFilter.GaussianBlur(spread)))]  # (h, w) pixels from the edge
    for colour, reach in (((255, 255, 255), width / 2 + 1.5), (ink, width / 2)):
        line = Image.fromarray((np.clip(reach + 0.5 - away, 0, 1) * 255).astype(np.uint8))
        picture.paste(Image.new("RGB", picture.size, colour), (0, 0), line)
    return picture


def _distances(spread: float) -> NDArray[np.float32]:
    """How far from its edge each grey level (256,) of a blurred black and white picture is, in pixels."""
    level = NormalDist(0, spread)
    return np.array([level.inv_cdf((v + 0.5) / 256) for v in range(256)], np.float32)


def _dashed(picture: Image.Image, box: Box, colour: Colour, width: int, dash: int) -> None:
    """A box in dashes, in place."""
    x0, y0, x1, y1 = box.pixels(*picture.size)
    x1, y1 = min(x1, picture.width) - width, min(y1, picture.height) - width
    brush = ImageDraw.Draw(picture)
    for case, ink in ((2, (255, 255, 255)), (0, colour)):  # cased in white, so that it shows on everything
        for x in range(x0, x1, 2 * dash):
            for y in (y0, y1):
                brush.rectangle((x - case, y - case, min(x + dash, x1) + case, y + width - 1 + case), fill=ink)
        for y in range(y0, y1, 2 * dash):
            for x in (x0, x1):
                brush.rectangle((x - case, y - case, x + width - 1 + case, min(y + dash, y1) + case), fill=ink)


def _plate(width: int, height: int, colour: Colour) -> Image.Image:
    """A rectangle with round corners, RGBA."""
    big = Image.new("RGBA", (4 * width, 4 * height))
    ImageDraw.Draw(big).rounded_rectangle((0, 0, 4 * width - 1, 4 * height - 1), 32, fill=(*colour, 255))
    return big.resize((width, height), Image.Resampling.BOX)


def _pill(width: int, height: int, share: float, colour: Colour) -> Image.Image:
    """A rounded bar filled by a share, (width, height) RGBA."""
    big = Image.new("RGBA", (4 * width, 4 * height))
    brush = ImageDraw.Draw(big)
    brush.rounded_rectangle((0, 0, 4 * width - 1, 4 * height - 1), 2 * height, fill=(*RULE, 255))
    if share > 0:
        brush.rounded_rectangle((0, 0, max(4 * height, round(4 * width * min(1.0, share))) - 1, 4 * height - 1), 2 * height, fill=(*colour, 255))
    return big.resize((width, height), Image.Resampling.BOX)


@lru_cache(maxsize=64)
def _disc(number: int, radius: int) -> Image.Image:
    """A number on a disc of its region's colour, RGBA."""
    big = Image.new("RGBA", (8 * radius, 8 * radius))
    brush = ImageDraw.Draw(big)
    brush.ellipse((0, 0, 8 * radius - 1, 8 * radius - 1), fill=(255, 255, 255, 255))
    brush.ellipse((8, 8, 8 * radius - 9, 8 * radius - 9), fill=(*_ink(number - 1), 255))
    brush.text((4 * radius, 4 * radius), str(number), fill=(255, 255, 255), font=font(round(radius * (4.6 if number < 10 else 3.8))), anchor="mm")
    return big.resize((2 * radius, 2 * radius), Image.Resampling.BOX)
