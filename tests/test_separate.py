"""Spot colours: plates make the tile again to the bit, what is too fine is gone, and colourways keep what is light light."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from builders import recompose
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.errors import BadInput
from cutwork.lab import evaluate_seams
from cutwork.tools.repeats import colours, palettes
from cutwork.tools.repeats.compile import settle, tile
from cutwork.tools.repeats.lattice import lattice
from cutwork.tools.repeats.seams import LOOK, seams
from cutwork.tools.repeats.separate import FINE_MM, Separation, choose, colourways, finest, pixels_of, separate, turned

GROUND = (251, 243, 221)
RED, NAVY, GOLD = (200, 30, 40), (24, 28, 90), (230, 180, 60)
Pixels = np.ndarray


def drawn(number: int = 2, width: int = 300) -> Pixels:
    shapes = evaluate_seams.shapes(number, 3, side=64)
    grid = lattice("tossed", width)
    return tile(grid, shapes, settle(grid, shapes, 6, number), GROUND)


def flat() -> Pixels:
    """Three patches of one colour each, 40 pixels wide, on the ground."""
    page = np.empty((120, 160, 3), np.uint8)
    page[:] = GROUND
    for k, colour in enumerate((RED, NAVY, GOLD)):
        page[40:80, 10 + 50 * k : 50 + 50 * k - 4] = colour
    return page


# plates


@settings(max_examples=8, deadline=None)
@given(number=st.integers(0, 500), count=st.integers(2, 12), dpi=st.sampled_from([72, 150, 300]))
def test_plates_make_the_tile_again_to_the_bit(number: int, count: int, dpi: int) -> None:
    found = separate(drawn(number, 160), GROUND, dpi, count)
    plates = [found.plate(k) for k in range(len(found.inks))]
    assert np.array_equal(recompose(plates, found.inks), found.pixels)
    assert (np.stack(plates) == 0).sum(0).max() == 1  # every pixel has one ink
    assert (np.stack(plates) == 0).sum(0).min() == 1
    assert sum(found.coverage) == pytest.approx(100, abs=1e-9)
    assert [round(float((p == 0).mean()) * 100, 9) for p in plates] == [round(c, 9) for c in found.coverage]


def test_the_ground_is_the_first_ink_and_stays_what_it_is() -> None:
    found = separate(drawn(), GROUND, 150, 5)
    assert tuple(found.inks[0].tolist()) == GROUND
    assert len(found.inks) == 5
    bare = (drawn() == GROUND).all(-1)
    assert (found.labels[bare] == 0).mean() > 0.98
    assert len(np.unique(found.inks, axis=0)) == 5


def test_flat_colours_are_found_as_they_are() -> None:
    found = separate(flat(), GROUND, 150, 4)
    apart = np.abs(found.inks[:, None].astype(int) - np.array([GROUND, RED, NAVY, GOLD])).max(-1).min(0)
    assert apart.max() <= 4
    assert np.array_equal(found.labels != 0, (flat() != GROUND).any(-1))


def test_more_inks_than_colours_are_not_invented() -> None:
    assert len(separate(flat(), GROUND, 150, 12).inks) == 4


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 5, 7, 9, 11])
def test_a_reduced_tile_shows_no_seam(number: int) -> None:
    assert seams(separate(drawn(number, 400), GROUND, 150, 6).pixels).worst < LOOK


def test_a_reduced_tile_still_tiles() -> None:
    found = separate(drawn(9, 400), GROUND, 150, 6)
    rolled = separate(np.roll(drawn(9, 400), (200, 200), (0, 1)), GROUND, 150, 6)
    assert (np.roll(rolled.labels, (-200, -200), (0, 1)) == found.labels).mean() > 0.999  # edges are looked at as the middle is


def test_the_same_tile_gives_the_same_inks() -> None:
    one, two = separate(drawn(), GROUND, 150, 6), separate(drawn(), GROUND, 150, 6)
    assert np.array_equal(one.inks, two.inks)
    assert np.array_equal(one.labels, two.labels)


# locked palettes


def test_a_palette_is_kept_to() -> None:
    locked = [GROUND, (255, 0, 0), (0, 0, 128), (255, 215, 0)]
    found = separate(flat(), GROUND, 150, None, locked)
    assert {tuple(i) for i in found.inks.tolist()} == set(locked)
    assert tuple(found.pixels[60, 20]) == (255, 0, 0)
    assert tuple(found.pixels[60, 70]) == (0, 0, 128)


def test_of_a_large_palette_the_nearest_are_taken() -> None:
    locked = [(255, 0, 0), (0, 255, 255), (0, 0, 128), (255, 0, 255), (255, 215, 0)]
    found = separate(flat(), GROUND, 150, 4, locked)
    assert {tuple(i) for i in found.inks.tolist()} == {GROUND, (255, 0, 0), (0, 0, 128), (255, 215, 0)}


@pytest.mark.parametrize(("count", "locked"), [(1, ()), (33, ()), (None, ()), (None, (GROUND,)), (None, tuple((k, 0, 0) for k in range(300) if k < 256))])
def test_palettes_that_cannot_be_printed_are_refused(count: int | None, locked: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(BadInput, match="2 to 32 can be printed"):
        separate(flat(), GROUND, 150, count, locked)


# what is too fine


def test_specks_and_hairs_go_and_their_place_is_filled() -> None:
    page = flat()
    page[10, 10] = RED  # a speck
    page[20, :] = NAVY  # a hair
    page[60, 25] = GROUND  # a pinhole
    found = separate(page, GROUND, 150, 4)
    assert found.labels[10, 10] == 0
    assert (found.labels[20] == 0).all()
    assert tuple(found.pixels[60, 25]) == tuple(found.pixels[60, 24])
    assert sum(found.merged) > 0


def test_a_speck_across_the_edge_is_one_speck_and_a_bar_across_it_one_bar() -> None:
    page = flat()
    page[100:102, :1] = page[100:102, -1:] = RED
    page[110:116, :5] = page[110:116, -5:] = RED
    found = separate(page, GROUND, 150, 4)
    assert (found.labels[100:102] == 0).all()
    assert (found.labels[110:116, :5] != 0).all()
    assert (found.labels[110:116, -5:] != 0).all()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("dpi", [150, 300])
def test_little_of_any_ink_is_finer_than_a_screen_prints(number: int, dpi: int) -> None:
    found = separate(drawn(number, 200), GROUND, dpi, 5)
    thin = [w for k in range(len(found.inks)) if (w := finest(found, k, dpi)) is not None]
    assert all(w >= (pixels_of(FINE_MM, dpi) - 1) * 25.4 / dpi - 0.01 for w in thin)


def test_the_finest_line_is_measured() -> None:
    labels = np.zeros((200, 200), np.uint8)
    labels[:, 50:53] = 1  # three pixels
    found = Separation(np.array([GROUND, RED], np.uint8), labels)
    assert finest(found, 1, 150) == round(3 * 25.4 / 150, 2)
    assert finest(found, 0, 150) is None


# colourways


@settings(max_examples=25, deadline=None)
@given(inks=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=2, max_size=8, unique=True), count=st.integers(1, 12))
def test_colourways_keep_lightness_and_are_all_different(inks: list[tuple[int, int, int]], count: int) -> None:
    given_inks = np.array(inks, np.uint8)
    ways = colourways(given_inks, count)
    assert len(ways) <= count
    assert len({way.tobytes() for way in (given_inks, *ways)}) == len(ways) + 1
    light = colours.oklab(given_inks)[:, 0]
    for way in ways:
        assert np.abs(colours.oklab(way)[:, 0] - light).max() < 0.03


def test_colourways_of_a_real_palette_look_different() -> None:
    inks = np.array([GROUND, RED, NAVY, GOLD], np.uint8)
    ways = colourways(inks, 6)
    assert len(ways) == 6
    for i, a in enumerate((inks, *ways)):
        for b in ways[i:]:
            assert np.sqrt(np.square(colours.oklab(a) - colours.oklab(b)).sum(-1)).mean() > 0.04


def test_grey_inks_take_a_hue() -> None:
    ways = colourways(np.array([(250, 250, 250), (120, 120, 120), (20, 20, 20)], np.uint8), 3)
    assert len(ways) == 3


def test_a_picture_in_all_its_colours_turns_too() -> None:
    page = flat()
    other = turned(page, 180)
    assert np.abs(colours.oklab(other)[..., 0] - colours.oklab(page)[..., 0]).max() < 0.05
    hue = np.arctan2(*colours.oklab(page)[60, 20, 2:0:-1]), np.arctan2(*colours.oklab(other)[60, 20, 2:0:-1])
    assert abs(abs(hue[0] - hue[1]) - np.pi) < 0.3


def test_an_ink_that_would_print_nothing_gets_no_plate() -> None:
    page = flat()
    page[10:12, ::9] = (0, 255, 0)  # specks, all of them too small
    found = separate(page, GROUND, 150, 5)
    assert all(found.coverage)
    assert {tuple(i) for i in found.inks.tolist()} & {(0, 255, 0)} == set()


def test_few_inks_are_chosen_for_what_is_seen_most() -> None:
    page = flat()
    page[5:9, 5:9] = (0, 255, 0)
    assert (0, 255, 0) not in {tuple(i) for i in choose(page, GROUND, 3).tolist()}


# palette files


def test_palette_files_say_what_the_inks_are() -> None:
    inks = np.array([GROUND, RED], np.uint8)
    names = Separation(inks, np.zeros((1, 1), np.uint8)).names()
    assert names == ("01_cream_fbf3dd", "02_crimson_c81e28") or names[0] == "01_cream_fbf3dd"
    listing = json.loads(palettes.as_json("a cat", names, inks))
    assert [c["hex"] for c in listing["colours"]] == ["#fbf3dd", "#c81e28"]
    lines = palettes.as_gpl("a\ncat", names, inks).decode().splitlines()
    assert lines[:2] == ["GIMP Palette", "Name: a cat"]
    assert lines[4].split() == ["251", "243", "221", "01_cream_fbf3dd"]


def test_swatches_are_laid_out_as_adobe_says() -> None:
    """Read back by the published layout: header, then blocks of type, length, UTF-16 name, model, three floats, kind."""
    data = palettes.as_ase(("01_cream", "02_red"), np.array([GROUND, RED], np.uint8))
    assert data[:4] == b"ASEF"
    assert struct.unpack(">HHI", data[4:12]) == (1, 0, 2)
    at, found = 12, []
    while at < len(data):
        kind, length = struct.unpack(">HI", data[at : at + 6])
        body = data[at + 6 : at + 6 + length]
        letters = struct.unpack(">H", body[:2])[0]
        name = body[2 : 2 + 2 * letters].decode("utf-16-be")
        rest = body[2 + 2 * letters :]
        found.append((kind, name, rest[:4], [round(255 * v) for v in struct.unpack(">3f", rest[4:16])], struct.unpack(">H", rest[16:])[0]))
        at += 6 + length
    assert found == [(1, "01_cream\0", b"RGB ", list(GROUND), 1), (1, "02_red\0", b"RGB ", list(RED), 1)]
