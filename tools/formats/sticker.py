"""Stickers: every cut-out, and all of them together, with a die-cut outline and a soft shadow, as the places that take stickers want them.

    image.png   stickers/01-cat.png   stickers/02-rocket.png   stickers/group.png   overview.png   manifest.json

`whatsapp` makes a pack (`stickers/contents.json`, the stickers and a tray icon in a folder of the pack's name), `print` a PNG of true size
with an SVG and a PDF beside it that carry the cutter's path. A die-cut sticker is one shape without holes: its outline is solid below the subject.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cutwork.colours import parse
from cutwork.domain import Artifact, Cutout, Design, FinishSettings, Json, Round, StickerSettings
from cutwork.errors import BadInput, CutworkError
from cutwork.ports import Blobs
from cutwork.tools.formats import png
from cutwork.tools.formats._dieline import Curve, Dieline, pdf, svg, traced
from cutwork.tools.formats._pack import FEWEST, LONGEST_TEXT, MOST, clipped, contents, emojis, identifier
from cutwork.tools.formats.base import artifact, canonical, delivered, file_stem
from cutwork.tools.formats.overview import checkerboard
from cutwork.tools.masks.grow import coverage, distance, filled, joined
from cutwork.tools.masks.shape import Shape, drawn, shape_of
from cutwork.tools.pixels import decode

Pixels = NDArray[np.uint8]

MM = 25.4  # in an inch
DPI, LARGE_DPI, LARGE = 300, 150, 500.0  # of prints; above so many millimetres 150 are as sharp from where one stands
CUT = 1.0  # pixels of a print between the outline's edge and the cutter's path, so that the path has all of it inside
BLEED, PAGE = 1.0, 2.0  # millimetres beyond the path: outline colour in SVG and PDF, and the page
ROUND = 1.0  # millimetres; a cutter's blade turns in no notch that is narrower than twice this
LEAST = 16  # pixels that a print's outline must leave a subject
SHADE = 0.38  # of black, at the shadow's darkest
BLUR, DROP = 0.011, 0.013  # of the canvas' longer side: σ of the shadow, and how far it falls
CELL, GAP, LINE = 288, 16, 20  # pixels of the overview: a sticker's square, the space between, a line of text


class File(NamedTuple):
    """One finished file."""

    name: str
    data: bytes
    media_type: str
    size: tuple[int, int] | None  # width and height in pixels; None = it has none


@dataclass(frozen=True)
class Preset:
    """What a place that takes stickers asks for. Lengths in pixels, unless it is print."""

    side: int  # longer side of the file
    outline: float
    margin: int  # transparent all around, inside the file
    square: bool = False  # whether the file is; else its shorter side is as short as may be
    shadow: bool = False
    file: str = "png"  # or "webp"
    limit: int | None = None  # bytes of a file


PRESETS = {
    "plain": Preset(512, 10, 8, shadow=True),
    "whatsapp": Preset(512, 8, 16, square=True, file="webp", limit=100_000),
    "telegram": Preset(512, 10, 2, shadow=True, file="webp", limit=512_000),
    "discord": Preset(320, 6, 4, square=True, limit=512_000),
    "print": Preset(0, 2.0, 0),  # its side is the settings' size in millimetres, its outline too
}
TRAY = Preset(96, 3, 2, square=True, limit=50_000)


@dataclass(frozen=True)
class Sticker:
    """A sticker before it is a file."""

    picture: Pixels  # (H, W, 4)
    enlarged: float  # how many times larger than it was drawn
    cut: Curve | None = None  # of prints: the cutter's path in pixels of the picture
    dpi: int | None = None


@dataclass(frozen=True)
class Subject:
    """What becomes one sticker."""

    stem: str
    nouns: tuple[str, ...]
    text: str  # for screen readers
    regions: tuple[int, ...]
    rgba: Pixels  # (H, W, 4), the design's whole canvas


@dataclass(frozen=True)
class Made:
    """One finished sticker and what it came from."""

    subject: Subject
    shape: Shape
    sticker: Sticker
    files: tuple[File, ...]


def check(finish: FinishSettings, subjects: int = 1) -> None:  # noqa: ARG001 - as every format's
    """Refuse what no picture could be made into.

    Raises:
        BadInput: if there is no such colour, or the outline leaves no room for a subject.
    """
    _checked(finish.sticker)


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Files of a finished sticker design.

    Raises:
        BadInput: if the design has no delivered round, its settings cannot be used, or no cut-out shows anything.
    """
    best = delivered(design)
    check(best.shot.plan.finish)
    settings = best.shot.plan.finish.sticker
    found, skipped = _usable(_alone(best, blobs))
    if not found:
        raise BadInput(
            f"no sticker can be made: {'; '.join(skipped) or 'the design has no cut-outs'}", hint="cut it out with other thresholds, or draw it again"
        )
    subjects = [one for one, _ in found]
    if len(subjects) > 1:
        found.append((group := _group(best, subjects), shape_of(group.rgba, group.stem)))
    texts = png.texts(design)
    made = [_made(subject, shape, settings, texts) for subject, shape in found]
    folder = f"stickers/{identifier(settings.title)}" if settings.preset == "whatsapp" else "stickers"
    stickers = tuple(artifact("sticker", f"{folder}/{file.name}", file.data, blobs, file.media_type, file.size) for one in made for file in one.files)
    pack = _pack(made, settings, blobs) if settings.preset == "whatsapp" else ()
    sheet = _sheet(made)
    overview = artifact("overview", "overview.png", png.encode(sheet, texts), blobs, "image/png", (sheet.shape[1], sheet.shape[0]))
    notes = (*skipped, *_advice(settings, len(made)))
    listing = png.listing(design, *notes) | {"skipped": skipped, "stickers": [_entry(one, folder) for one in made]}
    manifest = artifact("manifest", "manifest.json", canonical(listing), blobs, "application/json")
    return (*png.write(design, blobs), *stickers, *pack, overview, manifest)


def sticker(rgba: Pixels, settings: StickerSettings, stem: str = "sticker", texts: dict[str, str] | None = None) -> list[File]:
    """Make one layer into the files of a sticker: one picture, and for print an SVG and a PDF with the cutter's path.

    Args:
        rgba: (H, W, 4) uint8, straight alpha; what is transparent around the subject is trimmed.
        settings: preset, outline, colour, shadow, size.
        stem: file name without its ending.
        texts: text chunks of a PNG, by keyword.

    Raises:
        BadInput: if the layer shows nothing or is too small, there is no such colour, or the outline leaves no room for the subject.
    """
    _checked(settings)
    return _files(stuck(shape_of(rgba, stem), settings), settings, stem, texts)


def stuck(shape: Shape, settings: StickerSettings) -> Sticker:
    """A subject with its outline and shadow on the preset's canvas.

    Raises:
        BadInput: if there is no such colour, or the outline leaves no room for the subject.
    """
    ink = parse(settings.colour)
    if settings.preset == "print":
        return _printed(shape, settings, ink)
    preset = PRESETS[settings.preset]
    outline = preset.outline if settings.outline is None else settings.outline
    return _on_screen(shape, preset, outline, preset.shadow if settings.shadow is None else settings.shadow, ink)


# on screens


def _on_screen(shape: Shape, preset: Preset, outline: float, shadow: bool, ink: tuple[int, int, int]) -> Sticker:
    edge = int(np.ceil(outline)) + 1 if outline else 0  # with the pixel over which it fades
    around = np.full(4, preset.margin + edge) + (_shadow_room(preset.side) if shadow else 0)  # left, top, right, bottom
    times, size = _fitted(shape, (preset.side - around[0] - around[2], preset.side - around[1] - around[3]))
    canvas = tuple(preset.side if preset.square or inner == max(size) else int(inner + a + b) for inner, a, b in zip(size, around[:2], around[2:], strict=True))
    left, top = (round((side - inner - b - a) / 2 + a) for side, inner, a, b in zip(canvas, size, around[:2], around[2:], strict=True))
    layer = np.zeros((canvas[1], canvas[0], 4), np.uint8)
    layer[top : top + size[1], left : left + size[0]] = drawn(shape, size)
    field = distance(layer[..., 3], shape.level) - np.float32(outline)
    solid = filled(field)
    picture = _over(layer, coverage(solid), ink) if outline else layer
    return Sticker(_shaded(picture, coverage(solid), preset.side) if shadow else picture, times)


def _fitted(shape: Shape, room: tuple[float, float]) -> tuple[float, tuple[int, int]]:
    """How many times a subject is enlarged to fill a room, and its width and height then."""
    times = min(space / side for space, side in zip(room, shape.size, strict=True))
    width, height = (max(1, min(int(space), round(side * times))) for space, side in zip(room, shape.size, strict=True))
    return times, (width, height)


def _over(layer: Pixels, base: NDArray[np.float32], ink: tuple[int, int, int]) -> Pixels:
    """The layer on a base of one colour, (H, W, 4); base is the share of each pixel it covers."""
    alpha = layer[..., 3].astype(np.float32) / 255
    under = np.asarray(base * (1 - alpha), np.float32)
    total = alpha + under
    mixed = layer[..., :3] * alpha[..., None] + np.array(ink, np.float32) * under[..., None]
    return _straight(np.asarray(mixed, np.float32), np.asarray(total, np.float32))


def _shaded(picture: Pixels, solid: NDArray[np.float32], side: int) -> Pixels:
    """The picture with a soft shadow of its solid shape, which falls outside that shape only."""
    drop, reach = _drop(side), _reach(side)
    fallen = np.zeros_like(solid)
    fallen[drop:] = solid[: solid.shape[0] - drop]
    dark = cv2.GaussianBlur(fallen, (2 * reach + 1, 2 * reach + 1), BLUR * side, borderType=cv2.BORDER_CONSTANT) * SHADE
    alpha = picture[..., 3].astype(np.float32) / 255
    total = alpha + dark * (1 - np.maximum(alpha, solid))
    return _straight(np.asarray(picture[..., :3] * alpha[..., None], np.float32), np.asarray(total, np.float32))


def _straight(mixed: NDArray[np.float32], alpha: NDArray[np.float32]) -> Pixels:
    """Premultiplied colours 0..255 and alpha 0..1 as straight RGBA."""
    own = mixed / np.maximum(alpha, 1e-6)[..., None]
    return np.dstack([np.clip(own + 0.5, 0, 255), np.clip(alpha * 255 + 0.5, 0, 255)]).astype(np.uint8)


def _drop(side: int) -> int:
    return round(DROP * side)


def _reach(side: int) -> int:
    return int(np.ceil(2.5 * BLUR * side))


def _shadow_room(side: int) -> NDArray[np.int64]:
    """Pixels that a shadow needs beyond its sticker: left, top, right, bottom."""
    reach, drop = _reach(side), _drop(side)
    return np.array([reach, max(0, reach - drop), reach, reach + drop])


# in print


def _printed(shape: Shape, settings: StickerSettings, ink: tuple[int, int, int]) -> Sticker:
    """A die-cut sticker at true size: its cutter's path is as long as asked, its page a little larger."""
    dpi, outline, room = _print_room(settings)
    times, size = _fitted(shape, (room, room))
    around = round(outline + CUT + PAGE / MM * dpi)
    layer = np.pad(drawn(shape, size), ((around, around), (around, around), (0, 0)))
    field = filled(joined(distance(layer[..., 3], shape.level) - np.float32(outline), ROUND / MM * dpi, outline / 2))
    solid = coverage(field)
    picture = _over(layer, solid, ink) if outline else layer
    edge = distance(np.asarray(solid * 255 + 0.5, np.uint8))  # measured anew: where pieces were joined the field says little of distances
    return Sticker(picture, times, traced(edge, CUT), dpi)


def _print_room(settings: StickerSettings) -> tuple[int, float, float]:
    """Dots an inch, the outline in dots, and the dots a side that are left for a subject.

    Raises:
        BadInput: if that is no room.
    """
    dpi = DPI if settings.size_mm <= LARGE else LARGE_DPI
    wide = PRESETS["print"].outline if settings.outline is None else settings.outline
    outline = wide / MM * dpi
    room = settings.size_mm / MM * dpi - 2 * (outline + CUT)
    if room < LEAST:
        raise BadInput(f"an outline of {wide:g} mm around {settings.size_mm:g} mm leaves no room for the subject", hint="make the outline narrower")
    return dpi, outline, room


# files


def _files(sticker: Sticker, settings: StickerSettings, stem: str, texts: dict[str, str] | None) -> list[File]:
    height, width = sticker.picture.shape[:2]
    preset = PRESETS[settings.preset]
    if preset.file == "webp":
        return [File(f"{stem}.webp", webp(sticker.picture, preset.limit), "image/webp", (width, height))]
    data = png.encode(sticker.picture, texts)
    if sticker.cut is None or sticker.dpi is None:
        return [File(f"{stem}.png", data, "image/png", (width, height))]
    pixel = MM / sticker.dpi
    bleed = BLEED if settings.outline != 0 else 0.0
    line = Dieline(sticker.cut * pixel, width * pixel, height * pixel, bleed, parse(settings.colour))
    return [
        File(f"{stem}.png", with_dpi(data, sticker.dpi), "image/png", (width, height)),
        File(f"{stem}.svg", svg(line, png.encode(sticker.picture), settings.title), "image/svg+xml", None),
        File(f"{stem}.pdf", pdf(line, sticker.picture, settings.title), "application/pdf", None),
    ]


def webp(picture: Pixels, limit: int | None) -> bytes:
    """WebP bytes of pixels (H, W, 4): without loss if that fits the limit, else at the best quality that does.

    Raises:
        CutworkError: if no quality does.
    """
    image = Image.fromarray(picture)

    def encoded(quality: int) -> bytes:
        """Below 0 with a coarser alpha, too."""
        return _saved(image, quality=max(0, quality), alpha_quality=min(100, 100 + quality))

    best = _saved(image, lossless=True, quality=75)  # of the effort; more is twice as slow for one part in a hundred
    if limit is None or len(best) <= limit:
        return best
    return _largest_within(limit, encoded, -100, 100)


def _saved(image: Image.Image, **settings: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", method=4, xmp=png.XMP.encode(), **settings)
    return out.getvalue()


def _largest_within(limit: int, encoded: Callable[[int], bytes], low: int, high: int) -> bytes:
    """The file of the highest quality that fits, found by halving."""
    best: bytes | None = None
    while low <= high:
        middle = (low + high) // 2
        data = encoded(middle)
        if len(data) <= limit:
            best, low = data, middle + 1
        else:
            high = middle - 1
    if best is None:
        raise CutworkError(f"a sticker does not fit {limit:,} bytes at any quality")
    return best


def with_dpi(data: bytes, dpi: int) -> bytes:
    """A PNG that says its resolution (pHYs), which stands before its pixels."""
    per_metre = round(dpi / MM * 1000)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    header = 8 + 25  # signature and IHDR
    return data[:header] + struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[header:]


def _made(subject: Subject, shape: Shape, settings: StickerSettings, texts: dict[str, str]) -> Made:
    finished = stuck(shape, settings)
    return Made(subject, shape, finished, tuple(_files(finished, settings, subject.stem, texts)))


def _pack(made: Sequence[Made], settings: StickerSettings, blobs: Blobs) -> tuple[Artifact, ...]:
    """The tray icon and the listing of a WhatsApp pack; the icon shows the last sticker, which is the group where there is one."""
    tray = png.encode(_on_screen(made[-1].shape, TRAY, TRAY.outline, False, parse(settings.colour)).picture)
    listed = [(one.files[0].name, emojis(one.subject.nouns), clipped(one.subject.text, LONGEST_TEXT), one.files[0].data) for one in made]
    return (
        artifact("tray", f"stickers/{identifier(settings.title)}/tray.png", tray, blobs, "image/png", (TRAY.side, TRAY.side)),
        artifact("pack", "stickers/contents.json", canonical(contents(settings.title, "tray.png", listed)), blobs, "application/json"),
    )


# what becomes a sticker


def _alone(best: Round, blobs: Blobs) -> list[Subject]:
    """Every cut-out as a subject, in the order of regions."""
    return [_subject(best, cutout, blobs) for cutout in sorted(best.cutouts, key=lambda one: one.region)]


def _subject(best: Round, cutout: Cutout, blobs: Blobs) -> Subject:
    planned = best.shot.plan.subject(cutout.subject)
    return Subject(file_stem(cutout.region, cutout.subject), (planned.noun,), planned.phrase, (cutout.region,), decode(blobs.get(cutout.image), "RGBA"))


def _usable(subjects: Sequence[Subject]) -> tuple[list[tuple[Subject, Shape]], list[str]]:
    """Those that can be stickers with their shapes, and why the others cannot."""
    found, skipped = [], []
    for subject in subjects:
        try:
            found.append((subject, shape_of(subject.rgba, f"cut-out {subject.stem}")))
        except BadInput as fault:
            skipped.append(str(fault))
    return found, skipped


def _group(best: Round, subjects: Sequence[Subject]) -> Subject:
    """All subjects where they stand in the picture, nearer ones over farther ones."""
    ordered = sorted(subjects, key=lambda one: best.shot.plan.depth(one.regions[0]))
    together = Image.fromarray(ordered[0].rgba)
    for one in ordered[1:]:
        together = Image.alpha_composite(together, Image.fromarray(one.rgba))
    texts = list(dict.fromkeys(one.text for one in subjects))
    text = " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    return Subject(
        "group", tuple(noun for one in subjects for noun in one.nouns), text, tuple(k for one in subjects for k in one.regions), np.asarray(together)
    )


def _checked(settings: StickerSettings) -> None:
    """BadInput for what is wrong whatever the picture."""
    parse(settings.colour)
    if settings.preset == "print":
        _print_room(settings)  # on screens there is room within any outline that settings take


def _advice(settings: StickerSettings, count: int) -> list[str]:
    """What the place will say that these settings cannot mend."""
    said = []
    if settings.preset == "whatsapp" and not FEWEST <= count <= MOST:
        said.append(f"WhatsApp takes packs of {FEWEST} to {MOST} stickers, this one has {count}")
    if settings.preset == "print" and settings.shadow:
        said.append("a die-cut sticker has no shadow: it would lie outside the cut")
    return said


def _entry(made: Made, folder: str) -> Json:
    """What the manifest says of one sticker."""
    subject, sticker = made.subject, made.sticker
    height, width = sticker.picture.shape[:2]
    entry: Json = {
        "regions": list(subject.regions),
        "text": clipped(subject.text, LONGEST_TEXT),
        "emojis": list(emojis(subject.nouns)),
        "files": [f"{folder}/{one.name}" for one in made.files],
        "bytes": [len(one.data) for one in made.files],
        "width": width,
        "height": height,
        "enlarged": round(sticker.enlarged, 2),
    }
    if sticker.dpi:
        entry |= {"dpi": sticker.dpi, "page_mm": [round(side * MM / sticker.dpi, 2) for side in (width, height)]}
    return entry


# the overview


def _sheet(made: Sequence[Made]) -> Pixels:
    """All stickers on a checkerboard, each with its name, size and bytes, (H, W, 3)."""
    columns = min(3, len(made))
    rows = -(-len(made) // columns)
    sheet = Image.new("RGB", (columns * (CELL + GAP) + GAP, rows * (CELL + LINE + GAP) + GAP), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for place, one in enumerate(made):
        x, y = GAP + place % columns * (CELL + GAP), GAP + place // columns * (CELL + LINE + GAP)
        sheet.paste(_on_checks(one.sticker), (x, y))
        height, width = one.sticker.picture.shape[:2]
        label = f"{one.subject.stem}   {width} x {height}   {sum(len(file.data) for file in one.files) / 1000:,.1f} kB"
        draw.text((x + 2, y + CELL + 4), label, fill=(70, 70, 70), font=ImageFont.load_default(12))
    return np.asarray(sheet)


def _on_checks(sticker: Sticker) -> Image.Image:
    """A sticker in the overview's square, with its cutter's path if it has one."""
    height, width = sticker.picture.shape[:2]
    times = min(1.0, CELL / max(width, height))
    small = Image.fromarray(sticker.picture).resize((max(1, round(width * times)), max(1, round(height * times))), Image.Resampling.LANCZOS)
    square = Image.fromarray(checkerboard(CELL, CELL))
    at = ((CELL - small.width) // 2, (CELL - small.height) // 2)
    square.paste(small, at, small)
    if sticker.cut is not None:
        line = [(float(x) * times + at[0], float(y) * times + at[1]) for x, y in sticker.cut[:, 0]]
        ImageDraw.Draw(square).line([*line, line[0]], fill=(236, 0, 140), width=1)
    return square
