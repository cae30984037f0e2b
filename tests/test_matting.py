"""Soft edges: where alpha is open, what it comes to, whose colours lie under it, and that touching subjects share what there is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cutwork.tools.masks import matting
from cutwork.tools.masks.enlarge import enlarge

Mask = np.ndarray
RED, BLUE, GREEN = np.array([230.0, 40.0, 40.0]), np.array([30.0, 60.0, 200.0]), np.array([40.0, 170.0, 60.0])


def soft_disc(side: int, radius: float, edge: float, x: float | None = None) -> Mask:
    """Alpha that falls over `edge` pixels."""
    rows, columns = np.mgrid[0:side, 0:side] + 0.5
    return np.clip((radius - np.hypot(rows - side / 2, columns - (side / 2 if x is None else x))) / edge + 0.5, 0, 1)


def over(alpha: Mask, front: np.ndarray, back: np.ndarray) -> np.ndarray:
    return (alpha[..., None] * front + (1 - alpha[..., None]) * back + 0.5).astype(np.uint8)


# where alpha is open


def test_the_open_band_runs_along_the_edge_and_not_along_the_canvas() -> None:
    mask = np.zeros((20, 20), bool)
    mask[:, :10] = True
    assert np.array_equal(np.flatnonzero(matting.trimap(mask[None], 2)[5]), [8, 9, 10, 11])


def test_where_attention_is_unsure_too_the_band_reaches_further_but_not_everywhere() -> None:
    mask, unsure = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    mask[:, :20] = True
    unsure[10:20] = True
    band = matting.trimap(mask[None], 2, unsure)
    assert band[5].sum() == 4
    assert np.array_equal(np.flatnonzero(band[15]), np.arange(14, 26))


def test_a_thin_subject_gets_a_narrower_band_and_a_thinner_one_none() -> None:
    mask = np.zeros((20, 20), bool)
    mask[7:12] = True
    band = matting.trimap(mask[None], 4)
    assert np.array_equal(np.flatnonzero(band[:, 10]), [6, 7, 11, 12])
    mask[7:10] = False
    assert not matting.trimap(mask[None], 4).any()


def test_a_small_piece_of_a_subject_does_not_fade_beside_a_large_one() -> None:
    mask = np.zeros((60, 60), bool)
    mask[5:35, 5:35] = mask[45:53, 45:53] = True
    band = matting.trimap(mask[None], 4)
    assert (mask & ~band)[45:53, 45:53].sum() >= 32
    assert band[5:35, 8].any()


@pytest.mark.parametrize("mask", [np.zeros((20, 20), bool), np.ones((20, 20), bool), np.eye(20, dtype=bool)])
def test_a_mask_with_nothing_sure_in_it_comes_back(mask: Mask) -> None:
    assert np.array_equal(matting.soften(np.zeros((20, 20, 3), np.uint8), mask[None])[0], mask.astype(float))


def test_no_subjects_no_alphas() -> None:
    assert matting.soften(np.zeros((20, 20, 3), np.uint8), np.zeros((0, 20, 20), bool)).shape == (0, 20, 20)


# enlarging


def test_an_enlarged_mask_follows_the_edge_of_the_large_picture() -> None:
    truth = soft_disc(256, 90, 1) > 0.5
    image = over(truth.astype(float), RED, BLUE)
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    mask = truth.reshape(64, 4, 64, 4).mean((1, 3)) > 0.5
    plain = cv2.resize(mask.astype(np.float32), (256, 256)) > 0.5
    followed = enlarge(small, mask[None], image)[0] > 0.5
    assert (followed != truth).sum() < (plain != truth).sum() / 3


def test_fields_that_add_up_to_one_do_so_at_full_size() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (48, 60, 3)).astype(np.uint8)
    parts = rng.random((3, 12, 15))
    large = enlarge(cv2.resize(image, (15, 12), interpolation=cv2.INTER_AREA), parts / parts.sum(0), image)
    assert large.sum(0) == pytest.approx(np.ones((48, 60)), abs=1e-3)


# alphas and colours


@pytest.mark.slow
@pytest.mark.parametrize(("side", "band"), [(96, 0.06), (1200, 0.01)])  # as it is, and on a smaller copy
def test_matting_recovers_a_soft_edge_and_the_colour_under_it(side: int, band: float) -> None:
    truth = soft_disc(side, side / 3, side * band)
    image = over(truth, RED, BLUE)
    alpha = matting.soften(image, (truth > 0.5)[None], band=band)[0]
    assert np.abs(alpha - truth).mean() < np.abs((truth > 0.5) - truth).mean() / 3
    open_edge = (truth > 0.3) & (truth < 0.7)
    colours = matting.foreground(image, alpha)
    assert np.abs(colours[open_edge] - RED).mean() < np.abs(image[open_edge] - RED).mean() / 3
    assert np.array_equal(colours[alpha == 1], image[alpha == 1])


@pytest.mark.slow
def test_no_halo_of_the_old_ground_shows_on_a_new_one() -> None:
    truth = soft_disc(96, 32, 6)
    image = over(truth, RED, BLUE)
    alpha = matting.soften(image, (truth > 0.5)[None], band=0.06)[0]
    new = np.array([250.0, 250.0, 250.0])
    ideal = over(truth, RED, new).astype(float)
    own = over(alpha, matting.foreground(image, alpha).astype(float), new).astype(float)
    pasted = over((truth > 0.5).astype(float), image.astype(float), new).astype(float)
    assert np.abs(own - ideal).mean() < np.abs(pasted - ideal).mean() / 3


@pytest.mark.slow
def test_subjects_that_touch_share_their_border_and_never_exceed_one() -> None:
    side = 96
    ramp = np.clip((np.arange(side) - 45.5) / 5, 0, 1)[None].repeat(side, 0)  # the border between them is soft
    disc = soft_disc(side, 34, 3)
    truth = np.stack([disc * (1 - ramp), disc * ramp])
    image = (truth[0][..., None] * RED + truth[1][..., None] * GREEN + (1 - disc)[..., None] * BLUE + 0.5).astype(np.uint8)
    masks = np.stack([(disc > 0.5) & (ramp < 0.5), (disc > 0.5) & (ramp >= 0.5)])
    alphas = matting.soften(image, masks, band=0.05)
    assert alphas.sum(0).max() <= 1 + 1e-9
    assert np.abs(alphas - truth).mean() < np.abs(masks - truth).mean() / 2
    seam = (slice(30, 66), slice(44, 53))
    assert alphas.sum(0)[seam].min() > 0.97, "what is between two subjects belongs to one of them or the other"
