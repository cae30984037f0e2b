"""Repeats as geometry: every one tiles, motifs keep their gaps whatever their shapes, and sheets of any size are their tile."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import zlib
from pathlib import Path
from typing import get_args

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cutwork.colours import parse
from cutwork.domain import Repeat
from cutwork.errors import BadInput
from cutwork.lab import evaluate_seams
from cutwork.tools.repeats import colours, prints, sheet
from cutwork.tools.repeats.compile import Motif, enlarged, motif, settle, tile
from cutwork.tools.repeats.lattice import Lattice, Placed, evenness, everywhere, lattice, spots, torus_distance
from cutwork.tools.repeats.seams import FAIL, LOOK, cell, seams
from cutwork.tools.repeats.toss import SOLID, Outline, Torus

REPEATS: tuple[Repeat, ...] = get_args(Repeat)
GROUND = (250, 240, 220)
Pixels = np.ndarray


def motifs(number: int = 1, count: int = 3) -> list[Motif]:
    return evaluate_seams.shapes(number, count, side=48)


def compiled(repeat: Repeat, width: int = 240, gap: float = 6.0, seed: int = 7, count: int = 3, side: float | None = None) -> tuple[Lattice, tuple[Placed, ...], Pixels]:
    made = motifs(seed, count)
    grid = lattice(repeat, width, count)
    placed = settle(grid, made, gap, seed, side)
    return grid, placed, tile(grid, made, placed, GROUND)


def alone(grid: Lattice, made: list[Motif], one: Placed) -> Pixels:
    """Where one placed motif is solid in the tile (H, W) bool: painted in black on white, with nothing else."""
    plain = Lattice("tossed", grid.tile, grid.tile, ((grid.tile[0], 0), (0, grid.tile[1])))
    black = [Motif(m.name, np.dstack([np.zeros_like(m.pixels[..., :3]), m.pixels[..., 3]])) for m in made]
    return np.asarray(tile(plain, black, [one], (255, 255, 255)).min(-1) <= 255 - SOLID)


@pytest.mark.parametrize("repeat", REPEATS)
def test_spots_are_found_whatever_the_width_and_the_count(repeat: Repeat) -> None:
    """Where two steps of a lattice are equally long, as they are at many widths, rounding says neither which is the shorter nor, for ever, that it is the other."""
    for width in (*range(120, 2_000, 13), 945, 591, 1181, 453):
        for count in range(1, 8):
            grid = lattice(repeat, width, count)
            assert 0 < evenness(grid, count) <= 1 + 1e-9
            found = spots(grid, count)
            assert len(set(found)) == len(found) >= count


def apart(a: Pixels, b: Pixels) -> float:
    """Least distance between two masks on the torus, pixels, the obvious way."""
    h, w = a.shape
    ya, xa = np.nonzero(a & ~(np.roll(a, 1, 0) & np.roll(a, -1, 0) & np.roll(a, 1, 1) & np.roll(a, -1, 1)))
    yb, xb = np.nonzero(b & ~(np.roll(b, 1, 0) & np.roll(b, -1, 0) & np.roll(b, 1, 1) & np.roll(b, -1, 1)))
    dy, dx = abs(ya[:, None] - yb), abs(xa[:, None] - xb)
    return float(np.hypot(np.minimum(dy, h - dy), np.minimum(dx, w - dx)).min())


# the torus


@settings(max_examples=60, deadline=None)
@given(repeat=st.sampled_from(REPEATS), width=st.integers(2, 3000), count=st.integers(1, 12))
def test_a_lattice_closes_in_its_tile(repeat: Repeat, width: int, count: int) -> None:
    """Going by the vectors leads back to the start, and covers as many places as the areas say."""
    grid = lattice(repeat, width, count)
    (ax, ay), (bx, by) = grid.vectors
    assert len(grid.offsets) * abs(ax * by - ay * bx) == grid.tile[0] * grid.tile[1]
    for dx, dy in grid.offsets:
        assert 0 <= dx < grid.tile[0]
        assert 0 <= dy < grid.tile[1]


def test_cells_are_shifted_as_their_names_say() -> None:
    assert lattice("half-drop", 100).vectors == ((100, 50), (0, 100))
    assert lattice("half-drop", 100).tile == (200, 100)
    assert lattice("half-brick", 100).vectors == ((100, 0), (50, 100))
    assert lattice("half-brick", 100).tile == (100, 200)
    assert lattice("mirror", 100).tile == (200, 200)
    hexagonal = lattice("hexagonal", 1000)
    (a, b) = hexagonal.vectors
    assert math.hypot(*b) == pytest.approx(math.hypot(*a), rel=1e-3)  # six neighbours equally far away
    assert math.hypot(b[0] - a[0], b[1]) == pytest.approx(math.hypot(*a), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(repeat=st.sampled_from(["straight", "half-drop", "half-brick", "hexagonal"]), count=st.integers(1, 12))
def test_spots_are_spread_evenly(repeat: Repeat, count: int) -> None:
    """No two spots of any copies are nearer than half of what a honeycomb of so many would give."""
    grid = lattice(repeat, 1200)
    found = spots(grid, count)
    assert len(set(found)) == count
    (ax, ay), (bx, by) = grid.vectors
    ideal = math.sqrt(2 / math.sqrt(3) * abs(ax * by - ay * bx) / count)
    nearest = min((torus_distance(grid, a, b) for i, a in enumerate(found) for b in found[:i]), default=ideal)
    assert nearest > 0.5 * ideal


# tiles


@pytest.mark.slow
@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_repeat_tiles(repeat: Repeat, count: int) -> None:
    """Moved by a vector of its lattice the pattern is the same to the bit, also across the edges of the tile."""
    grid, placed, page = compiled(repeat, count=count)
    assert page.shape == (grid.tile[1], grid.tile[0], 3)
    for vector in grid.vectors:
        assert np.array_equal(np.roll(page, vector, (1, 0)), page)
    assert {p.motif for p in placed} == set(range(count))
    assert seams(page, grid).sound
    assert 0.05 < (page != GROUND).any(-1).mean() < 0.9


@pytest.mark.slow
@settings(max_examples=7, deadline=None)
@given(repeat=st.sampled_from(REPEATS), width=st.integers(120, 300), seed=st.integers(0, 2**63 - 1), gap=st.floats(0, 20))
def test_any_repeat_tiles(repeat: Repeat, width: int, seed: int, gap: float) -> None:
    made = motifs(seed % 1000)
    grid = lattice(repeat, width, 3)
    page = tile(grid, made, settle(grid, made, gap, seed), GROUND)
    assert all(np.array_equal(np.roll(page, vector, (1, 0)), page) for vector in grid.vectors)


def test_a_mirror_repeat_is_its_own_reflection() -> None:
    _, _, page = compiled("mirror")
    assert np.array_equal(page, page[:, ::-1])
    assert np.array_equal(page, page[::-1])


def test_what_crosses_an_edge_goes_on_at_the_other() -> None:
    """A tile with its motifs moved by some pixels is the tile rolled by as many."""
    grid, placed, page = compiled("tossed")
    moved = [Placed(p.motif, (p.x + 77) % grid.tile[0], (p.y + 33) % grid.tile[1], p.side, p.angle, p.flip_x) for p in placed]
    assert np.array_equal(tile(grid, motifs(7), moved, GROUND), np.roll(page, (77, 33), (1, 0)))


def test_a_half_drop_tile_is_two_cells_put_together_by_hand() -> None:
    grid, _, page = compiled("half-drop")
    w, h = grid.cell
    assert np.array_equal(page[:, w:], np.roll(page[:, :w], h // 2, 0))


@pytest.mark.slow
@pytest.mark.parametrize("repeat", ["straight", "half-drop", "half-brick", "mirror", "hexagonal", "ogee", "tossed"])
def test_motifs_keep_the_gap(repeat: Repeat) -> None:
    """Between the alphas of any two motifs as they are painted, copies included."""
    gap = 9.0
    made = motifs(3)
    grid = lattice(repeat, 220, 3)
    everything = [copy for one in settle(grid, made, gap, 3) for copy in everywhere(grid, one)]
    masks = [alone(grid, made, one) for one in everything]
    distances = [apart(a, b) for i, a in enumerate(masks) for b in masks[:i]]
    assert min(distances) >= gap
    if repeat != "ogee":  # there the lines keep them apart
        assert min(distances) < 3 * gap + 12


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), gap=st.floats(0, 16))
def test_tossed_motifs_keep_any_gap(seed: int, gap: float) -> None:
    made = motifs(seed)
    grid = lattice("tossed", 200)
    masks = [alone(grid, made, one) for one in settle(grid, made, gap, seed)]
    assert min((apart(a, b) for i, a in enumerate(masks) for b in masks[:i]), default=gap) >= gap


def test_a_tossed_repeat_is_dense_and_turns_every_way() -> None:
    made = motifs(5, 4)
    grid = lattice("tossed", 900)
    placed = settle(grid, made, 12, 5)
    assert 25 <= len(placed) <= 60
    assert len({round(p.angle / 45) % 8 for p in placed}) == 8
    assert len({p.side for p in placed}) >= 3
    for quarter in ((x, y) for x in range(3) for y in range(3)):  # no third of the tile is bare
        page = tile(grid, made, placed, GROUND)[quarter[1] * 300 : quarter[1] * 300 + 300, quarter[0] * 300 : quarter[0] * 300 + 300]
        assert 0.2 < (page != GROUND).any(-1).mean() < 0.8


def test_the_seed_decides_a_tossed_repeat() -> None:
    assert compiled("tossed", seed=4)[1] == compiled("tossed", seed=4)[1]
    made = motifs()
    grid = lattice("tossed", 240)
    assert settle(grid, made, 6, 1) != settle(grid, made, 6, 2)


def test_motifs_of_a_given_size_have_it_and_there_are_as_many_as_fit() -> None:
    _, few, _ = compiled("half-drop", side=70)
    _, many, _ = compiled("half-drop", side=30)
    assert {p.side for p in few} == {70}
    assert {p.side for p in many} == {30}
    assert len(many) > len(few)


@pytest.mark.slow
@pytest.mark.parametrize("repeat", REPEATS)
def test_a_motif_larger_than_the_tile_is_refused(repeat: Repeat) -> None:
    with pytest.raises(BadInput, match=r"do not fit|finds room") as refused:
        compiled(repeat, side=900)
    assert refused.value.hint is not None
    assert "gap_mm" in refused.value.hint


@pytest.mark.slow
def test_a_gap_larger_than_the_tile_is_refused() -> None:
    for repeat in REPEATS:
        with pytest.raises(BadInput, match=r"no room|finds room"):
            compiled(repeat, gap=500)


def test_no_motif_is_refused() -> None:
    with pytest.raises(BadInput, match="at least one motif"):
        settle(lattice("straight", 100), [], 1, 1)


# motifs


def test_a_fringe_takes_the_colour_of_its_own_side() -> None:
    layer = np.zeros((40, 60, 4), np.uint8)
    layer[:, 8:30], layer[:, 30:] = (200, 20, 20, 255), (20, 20, 200, 255)
    layer[19:21, :8] = (250, 240, 240, 255)  # a thin tail, as pale as what it was cut from
    made = motif("fish", layer, (255, 255, 255))
    assert made is not None
    tail = made.pixels[19:21, :8].reshape(-1, 4)
    assert (tail[:, 0] > 150).all()
    assert (tail[:, 2] < 100).all()


def test_what_cannot_be_seen_is_no_motif() -> None:
    layer = np.zeros((20, 20, 4), np.uint8)
    assert motif("nothing", layer) is None
    layer[5, 5] = 255
    assert motif("a dot", layer) is None
    layer[5:9, 5:9] = (10, 20, 30, 40)
    assert motif("a breath", layer) is None
    layer[5:9, 5:12] = 255
    found = motif("a bar", layer)
    assert found is not None
    assert found.size == (7, 4)


def test_an_enlarged_edge_is_crisp_and_has_no_halo() -> None:
    """A red disc on transparent green, eight times as large: hardly any pixel is half transparent, and none is green."""
    y, x = np.mgrid[0:40, 0:40]
    inside = np.hypot(y - 19.5, x - 19.5) < 18
    disc = np.where(inside[..., None], (200, 20, 20, 255), (0, 255, 0, 0)).astype(np.uint8)
    large = np.asarray(enlarged(disc, 320))
    alpha = large[..., 3]
    assert ((alpha > 20) & (alpha < 235)).mean() < 0.02  # a ramp of about two pixels along the rim
    assert (large[alpha > 0][:, 1] < 60).all()
    yy, xx = np.mgrid[0:320, 0:320]
    truth = np.hypot(yy - 159.5, xx - 159.5) < 144
    assert ((alpha > 127) != truth).mean() < 0.012  # stairs are gone: it is a disc


def test_an_outline_loses_nothing() -> None:
    alpha = np.zeros((301, 77), np.uint8)
    alpha[::50, 3] = 255  # thin dots
    found = Outline.of(alpha)
    ys, xs = np.nonzero(alpha)
    centres = np.stack([xs + 0.5 - 77 / 2, ys + 0.5 - 301 / 2], 1) / 301
    assert all(np.abs(found.points - c).max(1).min() <= found.step / 2 + 1e-9 for c in centres)


def test_a_torus_blocks_all_that_is_nearer_than_the_gap() -> None:
    torus = Torus((400, 300), 20, 0.0)
    torus.take(torus.cells(np.array([[0.0, 0.0]]), 2, 2))
    for dx, dy in ((15, 0), (-21, 0), (0, -19), (14, -14)):
        assert not torus.free(torus.cells(np.array([[2.0 + dx, 2.0 + dy]])))
    assert torus.free(torus.cells(np.array([[60.0, 60.0]])))


# seams


@pytest.mark.slow
def test_seams_are_found_and_their_absence_too() -> None:
    report = evaluate_seams.run(width=200, sets=2)
    figures = {f.name: f for f in report.figures}
    assert figures["sound tiles passed"].value == 100
    assert figures["broken tiles found out"].value == 100
    assert figures["wrong lattices found out, from a pixel on"].value == 100
    assert figures["a pixel less than the lattice, found out"].value == 100
    assert figures["moved by its lattice, difference"].value == 0
    assert all(f.value > FAIL for f in report.figures if f.name.startswith("broken: "))
    assert report.sheet is not None


def test_a_score_is_one_where_steps_are_alike_and_high_where_a_column_is_missing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert seams(noise).worst == pytest.approx(1, abs=0.2)
    x = np.arange(128)
    wave = np.broadcast_to((127 + 120 * np.sin(2 * np.pi * x / 64)).astype(np.uint8)[None, :, None], (64, 128, 3))
    assert seams(wave).x < 1.5
    assert seams(np.ascontiguousarray(wave[:, :-20])).x > FAIL
    assert seams(np.full((20, 20, 3), 7, np.uint8)).worst == 1


def page_of_shapes(number: int) -> Pixels:
    """A straight tile, cut where most motifs cross its edges."""
    grid = lattice("straight", 300, 3)
    made = evaluate_seams.shapes(number, 3, side=96)
    return evaluate_seams._through(tile(grid, made, settle(grid, made, 6, number), GROUND))


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 4])
def test_small_faults_are_worth_a_look(number: int) -> None:
    """One half a little lower, or a shade darker: what a mean step alone does not see."""
    page = page_of_shapes(number)
    assert seams(page).worst <= LOOK
    for by in (3, 4, -3):
        assert seams(np.concatenate([page[:, :150], np.roll(page[:, 150:], by, 0)], 1)).x > LOOK, by
        assert seams(np.concatenate([page[:150], np.roll(page[150:], by, 1)])).y > LOOK, by
    darker = page.copy()
    darker[:, :150] -= np.minimum(darker[:, :150], 3)
    assert seams(darker).x > FAIL


def test_a_cut_along_the_side_of_a_motif_is_no_seam() -> None:
    """A square with sharp sides and an edge of the tile along one of them; a seam of that height is found as soon as no such sides are inside."""
    page = np.full((200, 200, 3), 240, np.uint8)
    page[50:150, 40:100] = page[60:160, 130:180] = (30, 60, 90)
    for at in (40, 100, 130, 180):
        assert seams(np.roll(page, -at, 1)).sound
    half = np.full((200, 200, 3), 240, np.uint8)
    half[50:150, 80:] = (np.linspace(240, 30, 120)[None, :, None]).astype(np.uint8)
    assert seams(half).x > FAIL


def test_a_tile_of_another_size_than_its_lattice_does_not_repeat_by_it() -> None:
    grid, _, page = compiled("half-drop", width=200, count=1)
    assert seams(page, grid).sound
    assert seams(page[:, :-1], grid).moved == 255
    assert not seams(page[:-1], grid).sound


def test_a_cell_is_met_where_its_repeat_shifts_it() -> None:
    grid, _, page = compiled("half-drop", width=300, count=1, side=150)
    page = np.roll(page, 75, 1)  # through the motif
    w, h = grid.cell
    assert max(cell(page[:, :w], (h // 2, 0))) < 1.5
    assert max(cell(page[:, :w], (0, 0))) > FAIL


# sheets


@pytest.mark.parametrize(("width", "height"), [(50, 40), (173, 201), (96, 64), (1, 1), (1000, 333)])
def test_a_sheet_is_its_tile_over_and_over(width: int, height: int) -> None:
    page = np.random.default_rng(1).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    wanted = np.tile(page, (height // 64 + 1, width // 96 + 1, 1))[:height, :width]
    tif, png = io.BytesIO(), io.BytesIO()
    sheet.write_tiff(tif, page, (width, height), 300)
    sheet.write_png(png, page, (width, height), 300)
    assert np.array_equal(tifffile.imread(io.BytesIO(tif.getvalue())), wanted)
    for data in (tif, png):
        assert np.array_equal(imageio.imread(data.getvalue()), wanted)
        with Image.open(data) as image:
            assert np.array_equal(np.array(image), wanted)
            assert [round(float(d)) for d in image.info["dpi"]] == [300, 300]
            assert image.info["icc_profile"] == prints.srgb()


def test_an_indexed_sheet_keeps_its_inks() -> None:
    labels = np.random.default_rng(2).integers(0, 3, (60, 80)).astype(np.uint8)
    inks = np.array([(250, 240, 220), (200, 30, 30), (20, 20, 60)], np.uint8)
    out = io.BytesIO()
    sheet.write_png(out, labels, (170, 130), 150, inks, xmp="<x/>")
    with Image.open(out) as image:
        assert image.mode == "P"
        assert np.array_equal(np.array(image.convert("RGB")), inks[np.tile(labels, (3, 3))[:130, :170]])
        assert image.info["xmp"] == b"<x/>"


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_checksums_of_parts_make_that_of_the_whole(first: bytes, second: bytes) -> None:
    assert sheet._combined(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)


SHEET = """
import sys, numpy as np
from cutwork.tools.repeats import sheet
rng = np.random.default_rng(0)
page = np.kron(rng.integers(0, 256, (59, 59, 3)), np.ones((32, 32, 1))).astype(np.uint8)  # 1,888 pixels
with open(sys.argv[1] + ".tif", "w+b") as file:
    sheet.write_tiff(file, page, (20_000, 20_000), 300)
with open(sys.argv[1] + ".png", "wb") as file:
    sheet.write_png(file, page, (20_000, 20_000), 300)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))  # resource's figure is also of who started it
print(int(peak) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_sheets_of_20000_pixels_take_less_than_a_gigabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    run = subprocess.run([sys.executable, "-c", SHEET, str(tmp_path / "sheet")], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1024  # megabytes
    page = np.kron(np.random.default_rng(0).integers(0, 256, (59, 59, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    across = np.arange(20_000) % 1888
    with tifffile.TiffFile(tmp_path / "sheet.tif") as file:
        whole = file.pages[0]
        assert whole.shape == (20_000, 20_000, 3)
        for _, (part, at, shape) in zip(range(200), whole.segments(), strict=False):  # type: ignore[union-attr]
            rows = np.arange(at[2], at[2] + shape[1]) % 1888
            assert np.array_equal(part[0, :, :, :] if part.ndim == 4 else part, page[rows][:, across])
    with Image.open(tmp_path / "sheet.png", formats=["PNG"]) as image:
        assert image.size == (20_000, 20_000)
        assert round(float(image.info["dpi"][0])) == 300


# colours


def test_oklab_is_the_published_space_and_comes_back() -> None:
    """White, and sRGB red as the space's author gives it; every colour of a lattice through the cube returns to itself."""
    assert colours.oklab(np.array([255, 255, 255], np.uint8)) == pytest.approx([1, 0, 0], abs=1e-3)
    assert colours.oklab(np.array([255, 0, 0], np.uint8)) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), -1).reshape(-1, 3).astype(np.uint8)
    assert np.abs(colours.rgb(colours.oklab(cube)).astype(int) - cube).max() <= 1


@given(st.tuples(st.floats(0.1, 1), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)))
def test_colours_outside_srgb_keep_their_lightness(lab: tuple[float, float, float]) -> None:
    given_lab = np.array(lab)
    assert colours.oklab(colours.rgb(given_lab))[0] == pytest.approx(lab[0], abs=0.02)  # 8 bits are that coarse near black


def test_the_nearest_name_of_a_colour() -> None:
    assert colours.nearest_name((254, 1, 1)) == "red"
    assert colours.nearest_name(parse("duck egg")) == "duck-egg"
