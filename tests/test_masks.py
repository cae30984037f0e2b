"""Masks: labels, GrabCut's hard cases, cleaning, partition and the measures of a cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.domain import Box, CutSettings, Region
from cutwork.tools.masks import measure
from cutwork.tools.masks.clean import clean, fragments
from cutwork.tools.masks.colour import evidence
from cutwork.tools.masks.grabcut import grabcut
from cutwork.tools.masks.partition import partition
from cutwork.tools.masks.place import Place
from cutwork.tools.masks.prior import outside
from cutwork.tools.masks.segment import METHODS, Method, compete, recolour, segment
from cutwork.tools.masks.trimap import BGD, FGD, PROBABLE_BGD, PROBABLE_FGD, border_ring, fill_empty, four_values, initial, upsample

PAPER = (0.1, 0.3, 0.8)
Mask = np.ndarray


def disc(height: int, width: int, cy: float, cx: float, radius: float) -> Mask:
    y, x = np.mgrid[0:height, 0:width]
    return (y + 0.5 - cy) ** 2 + (x + 0.5 - cx) ** 2 < radius**2


def scene(*discs: Mask) -> np.ndarray:
    """Coloured discs on a gradient, (H, W, 3) uint8."""
    height, width = discs[0].shape
    image = np.repeat(np.linspace(40, 110, width)[None], height, 0)[..., None] * np.array([1.0, 1.0, 1.2])
    for mask, colour in zip(discs, ((230, 60, 40), (240, 220, 60), (250, 250, 250)), strict=False):
        image[mask] = colour
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def cells(mask: Mask, cell: int = 16) -> np.ndarray:
    """Share of each cell that a mask covers."""
    h, w = mask.shape[0] // cell, mask.shape[1] // cell
    return mask.reshape(h, cell, w, cell).mean((1, 3)).astype(np.float32)


def region(x0: float, y0: float, x1: float, y1: float, z: int = 0) -> Region:
    return Region(subject="a", box=Box((x0, y0, x1, y1)), prompt="a", z=z)


# labels


def test_thresholds_part_four_values() -> None:
    field = np.array([[0.0, 0.1, 0.11, 0.3, 0.31, 0.8, 0.81, 1.0]])
    assert four_values(field, PAPER).tolist() == [[BGD, BGD, PROBABLE_BGD, PROBABLE_BGD, PROBABLE_FGD, PROBABLE_FGD, FGD, FGD]]


def test_upsampling_stays_in_range_and_keeps_the_place() -> None:
    cell = np.zeros((4, 6), np.float32)
    cell[1, 4] = 1
    large = upsample(cell, 64, 96)
    assert large.shape == (64, 96)
    assert 0 <= large.min() <= large.max() <= 1
    y, x = np.unravel_index(large.argmax(), large.shape)
    assert (y // 16, x // 16) == (1, 4)


def test_without_definite_foreground_the_top_hundredth_is_promoted() -> None:
    field = np.linspace(0, 0.7, 400).reshape(20, 20)
    labels = fill_empty(four_values(field, PAPER), field)
    assert (labels == FGD).sum() == 4
    assert field[labels == FGD].min() > field[labels != FGD].max()


def test_without_background_the_lowest_tenth_is_demoted() -> None:
    field = np.linspace(0.35, 1, 400).reshape(20, 20)
    labels = fill_empty(four_values(field, PAPER), field)
    assert (labels == BGD).sum() == 40
    assert field[labels == BGD].max() < field[labels != BGD].min()


def test_where_no_tenth_is_lowest_the_border_is_background() -> None:
    field = np.full((20, 20), 0.5)
    field[8:12, 8:12] = 1.0
    labels = fill_empty(four_values(field, PAPER), field)
    assert np.array_equal(labels == BGD, border_ring(20, 20))


def test_a_map_without_contrast_names_no_subject() -> None:
    assert not (initial(np.zeros((4, 4), np.float32), 64, 64, PAPER) == FGD).any()


# grabcut


def test_grabcut_finds_the_disc_that_coarse_cells_only_hint_at() -> None:
    truth = disc(128, 128, 60, 70, 33)
    mask = grabcut(scene(truth), initial(cells(truth), 128, 128, PAPER))
    assert measure.iou(mask, truth) > 0.95


def test_grabcut_is_reproducible() -> None:
    truth = disc(96, 96, 40, 50, 20)
    image, labels = scene(truth), initial(cells(truth), 96, 96, PAPER)
    assert np.array_equal(grabcut(image, labels), grabcut(image, labels))


def test_a_large_canvas_is_cut_small_and_enlarged() -> None:
    truth = disc(320, 640, 150, 300, 90)
    mask = grabcut(scene(truth), initial(cells(truth), 320, 640, PAPER), longest=128)
    assert mask.shape == (320, 640)
    assert measure.iou(mask, truth) > 0.93


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 40), (40, 1), (2, 2), (33, 70), (64, 16)])
@pytest.mark.parametrize("code", [BGD, FGD, PROBABLE_BGD, PROBABLE_FGD])
def test_one_class_alone_is_its_own_answer(shape: tuple[int, int], code: int) -> None:
    blank = np.full((*shape, 3), 127, np.uint8)
    mask = grabcut(blank, np.full(shape, code, np.uint8))
    assert mask.all() == (code in (FGD, PROBABLE_FGD))
    assert mask.any() == (code in (FGD, PROBABLE_FGD))


@pytest.mark.parametrize("inside", [FGD, PROBABLE_FGD])
@pytest.mark.parametrize("rest", [BGD, PROBABLE_BGD])
def test_one_pixel_of_foreground_on_a_blank_image_does_not_raise(inside: int, rest: int) -> None:
    labels = np.full((30, 50), rest, np.uint8)
    labels[10, 20] = inside
    labels[0, 0] = PROBABLE_FGD
    mask = grabcut(np.zeros((30, 50, 3), np.uint8), labels)
    assert mask.shape == (30, 50)
    assert mask[10, 20] or inside == PROBABLE_FGD


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32 - 1), st.booleans())
def test_grabcut_never_raises_and_keeps_what_is_definite(height: int, width: int, seed: int, blank: bool) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (height, width)).astype(np.uint8)
    image = np.full((height, width, 3), 9, np.uint8) if blank else rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    mask = grabcut(image, labels)
    assert mask[labels == FGD].all()
    assert not mask[labels == BGD].any()


def test_shapes_of_two_canvases_are_refused() -> None:
    with pytest.raises(ValueError, match="not of one canvas"):
        grabcut(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8))


# clean


def test_specks_go_pieces_stay_and_pinholes_close() -> None:
    mask = disc(100, 100, 40, 40, 25) | disc(100, 100, 85, 85, 8)
    want = mask.copy()
    mask[40, 40] = False  # a pinhole
    mask[2, 97] = True  # a speck
    assert np.array_equal(clean(mask), want)


def test_a_ring_keeps_its_hole() -> None:
    ring = disc(100, 100, 50, 50, 40) & ~disc(100, 100, 50, 50, 20)
    assert np.array_equal(clean(ring), ring)


def test_cleaning_never_fills_the_whole_canvas() -> None:
    mask = np.ones((60, 60), bool)
    mask[30, 30] = False
    assert not clean(mask).all()


@pytest.mark.parametrize("mask", [np.zeros((5, 7), bool), np.ones((5, 7), bool), np.ones((1, 1), bool)])
def test_empty_and_full_masks_stay(mask: Mask) -> None:
    assert np.array_equal(clean(mask), mask)


def test_fragments_counts_pieces_corners_connect() -> None:
    mask = np.zeros((10, 10), bool)
    assert fragments(mask) == 0
    mask[1, 1] = mask[2, 2] = mask[8, 8] = True
    assert fragments(mask) == 2


# partition and prior


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_no_pixel_has_two_owners_and_none_is_lost(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks, fields = rng.random((count, 9, 8)) < 0.5, rng.random((count, 9, 8))
    parts = partition(masks, fields, tuple(int(z) for z in rng.integers(0, 5, count)))
    assert parts.sum(0).max() <= 1
    assert np.array_equal(parts.any(0), masks.any(0))
    assert not (parts & ~masks).any()


def test_the_stronger_attention_wins_and_nearness_breaks_ties() -> None:
    masks, fields = np.ones((2, 1, 3), bool), np.array([[[0.9, 0.5, 0.2]], [[0.2, 0.5, 0.9]]])
    assert partition(masks, fields, (0, 7)).tolist() == [[[True, False, False]], [[False, True, True]]]
    assert partition(masks, fields, (7, 0))[0].tolist() == [[True, True, False]]


def test_outside_a_box_is_what_its_margin_does_not_reach() -> None:
    off = outside(Place(Box((0.25, 0.5, 0.5, 0.75))), 100, 200, margin=0.05)
    inner = np.zeros((100, 200), bool)
    inner[45:80, 40:110] = True
    assert np.array_equal(off, ~inner)
    assert not outside(Place(Box((0, 0, 1, 1))), 10, 10).any()


# segment


@pytest.mark.parametrize("method", METHODS)
def test_two_subjects_are_cut_apart(method: Method) -> None:
    one, two = disc(128, 128, 64, 34, 24), disc(128, 128, 64, 96, 22)
    fused = np.stack([cells(one), cells(two)])
    found = segment(scene(one, two), fused, [region(0.05, 0.2, 0.5, 0.8), region(0.5, 0.2, 0.98, 0.8)], CutSettings(), method)
    assert measure.iou(found.masks[0], one) > 0.93
    assert measure.iou(found.masks[1], two) > 0.93
    assert not (found.masks[0] & found.masks[1]).any()


def test_a_keyword_that_also_lights_the_other_subject_is_kept_in_its_region() -> None:
    one, two = disc(128, 128, 64, 34, 24), disc(128, 128, 64, 96, 22)
    fused = np.stack([cells(one) + 0.9 * cells(two), cells(two) + 0.9 * cells(one)])
    boxes = [region(0.05, 0.2, 0.5, 0.8), region(0.5, 0.2, 0.98, 0.8)]
    kept = segment(scene(one, two), fused, boxes, CutSettings(), "paper", within=True)
    free = segment(scene(one, two), fused, boxes, CutSettings(), "paper", within=False)
    assert measure.iou(kept.claims[0], one) > 0.9
    assert measure.iou(free.claims[0], one) < 0.7


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("within", [False, True])
def test_odd_maps_give_masks_not_errors(method: Method, within: bool) -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (64, 96, 3)).astype(np.uint8)
    for fused in (np.zeros((2, 4, 6)), np.ones((2, 4, 6)), rng.random((2, 4, 6)), np.eye(4, 6)[None].repeat(2, 0)):
        found = segment(image, fused.astype(np.float32), [region(0, 0, 0.01, 0.01), region(0, 0, 1, 1)], CutSettings(), method, within)
        assert found.masks.shape == (2, 64, 96)
        assert found.masks.sum(0).max() <= 1


def test_the_settings_choose_the_method_and_the_size_of_the_cut() -> None:
    truth = disc(128, 128, 64, 64, 44) & (np.abs(np.arange(128) - 64) > 7)
    fused = cells(truth | disc(128, 128, 64, 64, 44))[None]
    box = [region(0.15, 0.15, 0.85, 0.85)]
    for method in METHODS:
        chosen = segment(scene(truth), fused, box, CutSettings(method=method)).masks
        assert np.array_equal(chosen, segment(scene(truth), fused, box, CutSettings(), method).masks)
    rough = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)  # where there is nothing to follow, size shows
    small, large = (segment(rough, fused, box, CutSettings(longest=longest), "paper").masks for longest in (64, 128))
    assert not np.array_equal(small, large)


def test_unsure_is_what_neither_attention_nor_colour_decided() -> None:
    truth = disc(128, 128, 64, 64, 40)
    found = segment(scene(truth), cells(truth)[None], [region(0.1, 0.1, 0.9, 0.9)], CutSettings())
    assert not found.unsure[:8].any()
    assert not found.unsure[60:68, 60:68].any()
    paper = segment(scene(truth), cells(truth)[None], [region(0.1, 0.1, 0.9, 0.9)], CutSettings(), "paper")
    assert found.unsure.sum() < paper.unsure.sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(METHODS))
def test_no_pixel_is_cut_out_for_two_subjects(seed: int, within: bool, method: Method) -> None:
    rng = np.random.default_rng(seed)
    image = np.repeat(np.repeat(rng.integers(0, 256, (4, 6, 3)), 16, 0), 16, 1).astype(np.uint8)
    boxes = [region(*np.sort(rng.random(2) * 0.4), *(0.5 + np.sort(rng.random(2)) * 0.5), z=k) for k in range(3)]
    masks = segment(image, rng.random((3, 4, 6)), boxes, CutSettings(), method, within).masks
    assert masks.sum(0).max() <= 1


def test_a_plan_without_regions_gives_no_masks() -> None:
    assert segment(np.zeros((32, 48, 3), np.uint8), np.zeros((0, 2, 3)), [], CutSettings()).masks.shape == (0, 32, 48)


def test_background_between_the_legs_is_taken_out_of_the_core() -> None:
    truth = disc(128, 128, 64, 64, 44) & (np.abs(np.arange(128) - 64) > 7)  # two halves with a gap that coarse cells do not see
    fused = cells(truth | disc(128, 128, 64, 64, 44))[None]
    box = [region(0.15, 0.15, 0.85, 0.85)]
    informed, paper = (segment(scene(truth), fused, box, CutSettings(), method).masks[0] for method in METHODS[::-1])
    assert measure.iou(informed, truth) > 0.95
    assert measure.iou(paper, truth) < measure.iou(informed, truth)


def test_competing_maps_keep_what_is_theirs_and_halve_what_they_share() -> None:
    won = compete(np.array([[[1.0, 0.6, 0.0]], [[0.0, 0.6, 0.8]]]))
    assert won == pytest.approx(np.array([[[1.0, 0.3, 0.0]], [[0.0, 0.3, 0.8]]]))
    alone = np.array([[[0.2, 1.0]]])
    assert compete(alone) is alone


def test_evidence_is_positive_for_background_colours_and_zero_without_a_sample() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4], image[4:] = (200, 30, 30), (30, 30, 200)
    back, front = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    back[0], front[7] = True, True
    against = evidence(image, back, front)
    assert against[:4].min() > 4
    assert against[4:].max() < -4
    assert not evidence(image, back, np.zeros((8, 8), bool)).any()


def test_a_core_that_looks_like_the_background_is_left_to_the_cut() -> None:
    labels = np.array([[BGD, PROBABLE_BGD, FGD, FGD]], np.uint8)
    assert recolour(labels, np.array([[9.0, 9.0, 9.0, 9.0]])).tolist() == [[BGD, BGD, PROBABLE_FGD, PROBABLE_FGD]]
    assert recolour(labels, np.array([[9.0, 0.0, 9.0, -9.0]])).tolist() == [[BGD, PROBABLE_BGD, PROBABLE_BGD, FGD]]
    assert np.array_equal(recolour(labels, np.zeros((1, 4))), labels)


# measures


def test_tight_box_is_in_fractions_of_the_canvas() -> None:
    mask = np.zeros((10, 20), bool)
    mask[2:5, 4:10] = True
    assert measure.tight_box(mask) == Box((0.2, 0.2, 0.5, 0.5))
    assert measure.tight_box(np.zeros((4, 4), bool)) is None


def test_contained_is_the_share_inside_the_box() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:, 4:8] = True
    assert measure.contained(mask, Box((0.0, 0.0, 0.5, 1.0))) == pytest.approx(0.25)
    assert measure.contained(~np.ones((4, 4), bool), Box((0.0, 0.0, 0.5, 1.0))) == 0.0


def test_border_contact_is_the_share_of_the_outermost_pixels() -> None:
    mask = np.zeros((5, 5), bool)
    mask[0] = True
    assert measure.border_contact(mask) == pytest.approx(5 / 16)


def test_overlap_is_of_the_row_in_the_column() -> None:
    claims = np.zeros((2, 4, 4), bool)
    claims[0, :2] = True  # 8 pixels
    claims[1, 1] = True  # 4 of them in common
    assert measure.overlap(claims).tolist() == [[0.0, 0.5], [1.0, 0.0]]


def test_an_edge_the_picture_does_not_show_is_soft() -> None:
    truth = disc(64, 64, 32, 32, 18)
    image = np.where(truth[..., None], 200, 60).astype(np.uint8).repeat(3, 2)
    assert measure.softness(image, truth) == 0.0
    assert measure.softness(image, disc(64, 64, 32, 32, 27)) == 1.0
    assert measure.softness(image, np.ones((64, 64), bool)) == 0.0


def test_an_edge_that_fades_where_the_picture_shows_none_is_no_guess() -> None:
    image, mask = np.full((64, 64, 3), 120, np.uint8), disc(64, 64, 32, 32, 18)
    y, x = np.mgrid[0:64, 0:64]
    away = np.hypot(y - 32, x - 32)
    fading, steep = (np.clip((18 - away) / width + 0.5, 0, 1) for width in (8, 1))
    assert measure.softness(image, mask) == measure.softness(image, mask, mask.astype(float)) == 1.0
    assert measure.softness(image, fading > 0.5, fading) == 0.0
    assert measure.softness(image, steep > 0.5, steep) > 0.8
    half = np.where(x < 32, fading, mask)  # faded on one side alone
    assert 0.3 < measure.softness(image, half > 0.5, half) < 0.7
