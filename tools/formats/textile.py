"""A repeat for cloth: the design's cut-outs as motifs on a ground, compiled to a tile that tiles straight, at a size in centimetres.

    tile.png            (or .tif) one repeat, with its resolution and the sRGB profile      tile-cmyk.tif   where asked for
    preview.png         three by three of them                                                sheet.png       (or .tif) a whole sheet
    plates/01_….png     where colours are reduced: one plate for each ink, black = ink        palette.json .gpl .ase
    colourways/01/…     the same repeat in other colours                                      image.png manifest.json
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cutwork.colours import Rgb, parse
from cutwork.domain import Artifact, Design, FinishSettings, Json, Round, TextileSettings
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats import png
from cutwork.tools.formats.base import artifact, canonical, delivered
from cutwork.tools.pixels import decode
from cutwork.tools.repeats import colours, palettes, prints, seams, separate, sheet, toss
from cutwork.tools.repeats.colours import Rgbs
from cutwork.tools.repeats.compile import Motif, motif, settle, tile, toned
from cutwork.tools.repeats.lattice import Lattice, Placed, everywhere, lattice
from cutwork.tools.repeats.separate import Separation

Pixels = NDArray[np.uint8]

CM = 2.54  # to the inch
LEAST_CELL = 32  # pixels
MOST_TILE = 120_000_000  # pixels of a tile; all of it is in memory
MOST_SHEET = 1_000_000_000  # of a sheet; it is streamed, but its compressed file is not
VANISHING = 1 / 3  # of a motif: from there on it would not be seen on a ground of that colour
ENLARGED = 6.0  # times; beyond it a motif is warned about
PREVIEW = 1536  # pixels, longer side at most
MEDIA = {"png": "image/png", "tiff": "image/tiff"}
ENDING = {"png": "png", "tiff": "tif"}


@dataclass(frozen=True)
class Made:
    """A compiled repeat and what is known of it."""

    lattice: Lattice
    motifs: tuple[Motif, ...]
    placed: tuple[Placed, ...]  # of one cell
    ground: Rgb
    drawn: Pixels  # (H, W, 3), the tile in all its colours
    reduced: Separation | None
    notes: tuple[str, ...]

    @property
    def pixels(self) -> Pixels:
        """What is printed."""
        return self.drawn if self.reduced is None else self.reduced.pixels


def check(finish: FinishSettings, subjects: int = 1) -> None:
    """Refuse what so many subjects, or more, could not be printed as.

    Raises:
        BadInput: if there is no such colour, the palette shows nothing or is more than can be printed, the tile or sheet would have too few or too many pixels, or motifs
            of that size and number with such gaps have no room in the repeat.
    """
    settings, locked = finish.textile, set(map(parse, finish.palette))
    ground = None if settings.ground is None else parse(settings.ground)
    if len(locked) == 1 and ground in (None, *locked):
        raise BadInput(f"a palette of one colour ({finish.palette[0]!r}) prints nothing that could be seen; wanted two or more, or another ground")
    if locked:
        separate.number(ground or next(iter(locked)), settings.colours, tuple(locked))  # without a ground it is one of them
    _check_room(_lattice(settings, subjects), settings, subjects)
    _check_sheet(settings)


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Files of a finished textile design.

    Raises:
        BadInput: if the design has no delivered round or no usable cut-out, there is no such colour, the motifs do not fit the repeat,
            or the tile or sheet would have too many pixels.
    """
    best = delivered(design)
    finish = best.shot.plan.finish
    made = compiled(best, blobs)
    files = _Files(design, blobs, finish.textile)
    ways = list(_colourways(made, finish.textile.colourways))
    artifacts = [*png.write(design, blobs), files.tile("tile", made.pixels, made.reduced), files.preview(made.pixels)]
    report = _report(made, finish)
    if finish.textile.cmyk:
        data, report["cmyk"] = prints.cmyk(made.pixels, finish.textile.dpi, xmp=png.XMP)
        artifacts.append(artifact("cmyk", "tile-cmyk.tif", data, blobs, "image/tiff", made.lattice.tile))
    if made.reduced:
        artifacts += [*files.plates(made.reduced), *files.palette("", made.reduced.inks, made.reduced.names(), report["colours"])]
    for number, way in enumerate(ways, 1):
        artifacts += files.colourway(number, way)
    if finish.textile.sheet_cm:
        artifacts.append(files.sheet(made))
    report["colourways"] = [f"colourways/{n:02d}/" for n in range(1, len(ways) + 1)]
    listing = png.listing(design, *made.notes) | {"textile": report, "files": sorted(a.name for a in artifacts)}
    return (*artifacts, artifact("manifest", "manifest.json", canonical(listing), blobs, "application/json"))


def compiled(best: Round, blobs: Blobs) -> Made:
    """The repeat of a delivered round, by its plan's settings; raises as `write`."""
    finish, settings = best.shot.plan.finish, best.shot.plan.finish.textile
    check(finish)
    locked = tuple(dict.fromkeys(map(parse, finish.palette)))
    behind = _behind(best, blobs)
    motifs, notes = _motifs(best, blobs, behind)
    grid = _lattice(settings, len(motifs))
    ground, near = _ground(behind, settings, locked, motifs), _ground(behind, settings, locked)
    if ground != near:
        notes += (f"the ground is {colours.nearest_name(ground)}: {colours.nearest_name(near)}, which is nearer to the background, is so much of a motif that it would not be seen",)
    dots = settings.dpi / CM  # pixels a centimetre
    side = settings.motif_cm * dots if settings.motif_cm else None
    placed = settle(grid, motifs, settings.gap_mm / 10 * dots, best.shot.seed, side)
    notes += tuple(f"{m.name} found no room in the repeat" for k, m in enumerate(motifs) if all(p.motif != k for p in placed))
    drawn = tile(grid, motifs, placed, ground)
    reduced = None
    if settings.colours or locked:
        reduced = separate.separate(drawn, ground, settings.dpi, settings.colours, locked)
        notes += _few(reduced, settings, locked)
    return Made(grid, motifs, placed, ground, drawn, reduced, notes)


def _motifs(best: Round, blobs: Blobs, behind: Rgb) -> tuple[tuple[Motif, ...], tuple[str, ...]]:
    """What of the cut-outs can be seen, and a note for each that cannot."""
    found, notes = [], []
    for cutout in best.cutouts:
        one = motif(cutout.subject, decode(blobs.get(cutout.image), "RGBA"), behind)
        if one is None:
            notes.append(f"{cutout.subject} (region {cutout.region + 1}) is not in the repeat: its cut-out is empty or a single dot")
        else:
            found.append(one)
    if not found:
        why = f"none of the {len(best.cutouts)} cut-outs has anything to be seen" if best.cutouts else "there are no cut-outs"
        raise BadInput(f"{why}, a repeat needs one at least", "draw again with another seed, or cut with other thresholds")
    return tuple(found), tuple(notes)


def _lattice(settings: TextileSettings, motifs: int) -> Lattice:
    width = round(settings.width_cm * settings.dpi / CM)
    if width < LEAST_CELL:
        raise BadInput(f"a repeat of {settings.width_cm:g} cm at {settings.dpi} dpi is {width} pixels wide, wanted {LEAST_CELL} or more; raise width_cm or dpi")
    grid = lattice(settings.repeat, width, motifs)
    w, h = grid.tile
    if w * h > MOST_TILE:
        raise BadInput(
            f"a {settings.repeat} repeat of {settings.width_cm:g} cm at {settings.dpi} dpi makes a tile of {w:,} x {h:,} pixels, at most {MOST_TILE:,} in all are possible",
            f"lower dpi (150 is what most cloth is printed at) or width_cm; at {settings.dpi} dpi up to {settings.width_cm * (MOST_TILE / (w * h)) ** 0.5:.0f} cm",
        )
    return grid


def _check_room(grid: Lattice, settings: TextileSettings, motifs: int) -> None:
    dots = settings.dpi / CM  # pixels a centimetre
    if toss.has_room(grid, motifs, settings.gap_mm / 10 * dots, settings.motif_cm and settings.motif_cm * dots):
        return
    what = f"{motifs} motifs" if motifs > 1 else "motifs"
    size = f" of {settings.motif_cm:g} cm" if settings.motif_cm else ""
    raise BadInput(
        f"{what}{size} with gaps of {settings.gap_mm:g} mm do not fit a {settings.repeat} repeat of {settings.width_cm:g} cm",
        "use a wider repeat (width_cm), smaller motifs (motif_cm) or a smaller gap_mm",
    )


def _sheet_size(settings: TextileSettings) -> tuple[int, int]:
    assert settings.sheet_cm is not None
    w, h = (max(1, round(cm * settings.dpi / CM)) for cm in settings.sheet_cm)
    return w, h


def _check_sheet(settings: TextileSettings) -> None:
    if settings.sheet_cm is None:
        return
    w, h = _sheet_size(settings)
    if w * h > MOST_SHEET:
        raise BadInput(
            f"a sheet of {settings.sheet_cm[0]:g} x {settings.sheet_cm[1]:g} cm at {settings.dpi} dpi has {w:,} x {h:,} pixels, at most {MOST_SHEET:,} in all are possible",
            "lower dpi or sheet_cm; printers repeat the tile themselves",
        )


def _behind(best: Round, blobs: Blobs) -> Rgb:
    """What the picture's background comes to: its median outside all masks."""
    image = decode(blobs.get(best.render.image), "RGB")
    covered = np.zeros(image.shape[:2], bool)
    for cutout in best.cutouts:
        covered |= decode(blobs.get(cutout.mask), "L") > 0
    seen = image[~covered] if not covered.all() else image.reshape(-1, 3)
    return colours.triple(np.median(seen, 0).round().astype(np.uint8))


def _ground(behind: Rgb, settings: TextileSettings, locked: tuple[Rgb, ...], motifs: Sequence[Motif] = ()) -> Rgb:
    """The colour asked for, else the picture's background; of a palette, where there is one, the colour nearest to that of which no motif has much: what has the ground's colour is not seen."""
    if settings.ground is not None:
        return parse(settings.ground)
    if not locked:
        return behind
    palette = colours.oklab(np.array(locked, np.uint8))
    apart = np.square(palette - colours.oklab(np.array(behind, np.uint8))).sum(-1)
    worn = np.max([_shares(one.pixels, palette) for one in motifs], 0) if motifs else np.zeros(len(locked))
    return locked[int(np.lexsort((apart, np.maximum(worn, VANISHING)))[0])]


def _shares(pixels: Pixels, palette: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of a motif (H, W, 4) comes nearest to each colour of a palette (N, 3) in OKLab; their sum is 1."""
    seen = colours.oklab(pixels[pixels[..., 3] > 127, :3])
    nearest = np.square(seen[:, None] - palette).sum(-1).argmin(-1)
    return np.bincount(nearest, minlength=len(palette)) / max(1, len(nearest))


def _few(found: Separation, settings: TextileSettings, locked: tuple[Rgb, ...]) -> tuple[str, ...]:
    """What there is to say about the number of inks."""
    inks, offered = len(found.inks), len({*locked, colours.triple(found.inks[0])})
    notes = []
    if settings.colours and inks < settings.colours:
        why = f"the palette has no more than {offered}" if locked and offered == inks else "the motifs have no more that a screen can print"
        notes.append(f"{inks} spot colours instead of {settings.colours}: {why}")
    if locked and inks < offered:
        notes.append(f"{inks} of {offered} colours of palette and ground are used, the ones that come nearest to the drawing")
    return tuple(notes)


@dataclass(frozen=True)
class _Files:
    """How the files of one design are made."""

    design: Design
    blobs: Blobs
    settings: TextileSettings

    def tile(self, name: str, pixels: Pixels, reduced: Separation | None, kind: str = "tile") -> Artifact:
        """One tile as PNG (indexed, if it is reduced) or TIFF, which says how it was drawn."""
        h, w = pixels.shape[:2]
        if self.settings.file == "tiff":
            out = io.BytesIO()
            sheet.write_tiff(out, pixels, (w, h), self.settings.dpi, png.XMP)
            data = prints.verified(out.getvalue(), self.settings.dpi, prints.srgb())
        else:
            shown, inks = (reduced.labels, reduced.inks) if reduced else (pixels, None)
            data = prints.png(shown, self.settings.dpi, inks, png.texts(self.design), png.XMP)
        return self._kept(kind, name, data, (w, h))

    def preview(self, pixels: Pixels) -> Artifact:
        """Three by three tiles, small enough to be looked at."""
        h, w = pixels.shape[:2]
        scale = min(1.0, PREVIEW / 3 / max(w, h))
        size = max(1, int(w * scale)), max(1, int(h * scale))
        small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))  # looks beyond no edge, so the small tile tiles too
        data = png.encode(np.tile(small, (3, 3, 1)), png.texts(self.design))
        return artifact("preview", "preview.png", data, self.blobs, "image/png", (3 * size[0], 3 * size[1]))

    def plates(self, found: Separation) -> Iterator[Artifact]:
        """One a colour, in grey: black prints."""
        h, w = found.labels.shape
        for k, name in enumerate(found.names()):
            plate = found.plate(k)
            tif = self.settings.file == "tiff"
            data = prints.tiff(Image.fromarray(plate), self.settings.dpi) if tif else prints.png(plate, self.settings.dpi, profile=False)
            yield self._kept("plate", f"plates/{name}", data, (w, h))

    def palette(self, folder: str, inks: Rgbs, names: tuple[str, ...], more: list[Json] | None = None) -> Iterator[Artifact]:
        """The inks for other software."""
        title = " ".join(self.design.brief.text.split())[:60]
        yield artifact("palette", f"{folder}palette.json", palettes.as_json(title, names, inks, more or ()), self.blobs, "application/json")
        yield artifact("palette", f"{folder}palette.gpl", palettes.as_gpl(title, names, inks), self.blobs, "text/plain")
        yield artifact("palette", f"{folder}palette.ase", palettes.as_ase(names, inks), self.blobs, "application/octet-stream")

    def colourway(self, number: int, way: Pixels | Separation) -> Iterator[Artifact]:
        """A tile in other colours, and its inks."""
        folder = f"colourways/{number:02d}/"
        if isinstance(way, Separation):
            yield self.tile(f"{folder}tile", way.pixels, way, "colourway")
            yield from self.palette(folder, way.inks, way.names())
        else:
            yield self.tile(f"{folder}tile", way, None, "colourway")

    def sheet(self, made: Made) -> Artifact:
        """The tile over a whole sheet, through a file on disk."""
        size = _sheet_size(self.settings)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sheet"
            with path.open("w+b") as file:
                if self.settings.file == "tiff":
                    sheet.write_tiff(file, made.pixels, size, self.settings.dpi, png.XMP)
                elif made.reduced:
                    sheet.write_png(file, made.reduced.labels, size, self.settings.dpi, made.reduced.inks, png.XMP)
                else:
                    sheet.write_png(file, made.drawn, size, self.settings.dpi, xmp=png.XMP)
            return self._kept("sheet", "sheet", path.read_bytes(), size)

    def _kept(self, kind: str, stem: str, data: bytes, size: tuple[int, int]) -> Artifact:
        form = self.settings.file
        return artifact(kind, f"{stem}.{ENDING[form]}", data, self.blobs, MEDIA[form], size)


def _colourways(made: Made, count: int) -> Iterator[Pixels | Separation]:
    """The repeat in other colours: the same plates in other inks, or all hues turned where it has no inks."""
    if made.reduced:
        for inks in separate.colourways(made.reduced.inks, count):
            yield Separation(inks, made.reduced.labels, made.reduced.merged)
    else:
        for k in range(1, count + 1):
            yield separate.turned(made.drawn, 360 * k / (count + 1))


def _report(made: Made, finish: FinishSettings) -> Json:
    """What a printer wants to know, and what to be warned of."""
    settings = finish.textile
    mm = 10 * CM / settings.dpi  # a pixel
    w, h = made.lattice.tile
    score = seams.seams(made.pixels, made.lattice)
    everything = [copy for one in made.placed for copy in everywhere(made.lattice, one)]
    entries = [_motif_entry(made, everything, k, mm) for k in range(len(made.motifs))]
    report: Json = {
        "repeat": settings.repeat,
        "dpi": settings.dpi,
        "tile_px": [w, h],
        "tile_cm": [round(w * mm / 10, 3), round(h * mm / 10, 3)],
        "vectors_px": [list(v) for v in made.lattice.vectors],
        "gap_mm": settings.gap_mm,
        "ground": _named(made.ground),
        "motifs": entries,
        "seams": {"x": round(score.x, 3), "y": round(score.y, 3), "moved": score.moved},
        "colours": [],
        "warnings": [_coarse(entry, settings) for entry in entries if entry["enlarged"] > ENLARGED],
    }
    if made.lattice.oval:
        report["lines"] = _named(toned(made.ground))
    if made.reduced:
        report["colours"] = _inks(made.reduced, settings)
        report["warnings"] += [w for ink in report["colours"] for w in _warnings(ink)]
    if settings.sheet_cm:
        report["sheet_px"] = list(_sheet_size(settings))
    return report


def _named(colour: Rgb) -> Json:
    return {"name": colours.nearest_name(colour), "hex": f"#{colours.hexed(colour)}"}


def _motif_entry(made: Made, everything: list[Placed], number: int, mm: float) -> Json:
    own = [p for p in everything if p.motif == number]
    sides = [p.side for p in own] or [0.0]
    return {
        "subject": made.motifs[number].name,
        "times": len(own),
        "mm": [round(min(sides) * mm, 2), round(max(sides) * mm, 2)],
        "enlarged": round(max(sides) / max(made.motifs[number].size), 2),
    }


def _coarse(entry: Json, settings: TextileSettings) -> str:
    fit = settings.width_cm * ENLARGED / entry["enlarged"]
    return f"{entry['subject']} is enlarged {entry['enlarged']:g} times and may look soft: draw it larger, or make width_cm {fit:.1f} or motif_cm smaller"


def _inks(found: Separation, settings: TextileSettings) -> list[Json]:
    """Every ink: its plate, how much of the tile it covers, how fine it gets, and how much of it was too fine and went to its neighbours."""
    return [
        {
            "plate": f"plates/{name}.{ENDING[settings.file]}",
            "coverage": round(found.coverage[k], 4),
            "finest_mm": separate.finest(found, k, settings.dpi),
            "merged": round(found.merged[k], 4),
        }
        for k, name in enumerate(found.names())
    ]


def _warnings(ink: Json) -> Iterator[str]:
    if ink["finest_mm"] is not None and ink["finest_mm"] < separate.FINE_MM:
        yield f"{ink['plate']} has lines of {ink['finest_mm']:g} mm; screens print {separate.FINE_MM:g} mm and wider"
    if ink["merged"] > 0.5:
        yield f"{ink['plate']}: {ink['merged']:.1f} % of the tile was finer than {separate.FINE_MM:g} mm in this colour and went to those around it"
