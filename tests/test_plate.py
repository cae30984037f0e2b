"""The clean plate: backgrounds that are known come back where subjects stood before them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.tools.masks.plate import hole, membrane, plate

SIDE = 160
Y, X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
BACKGROUNDS = {
    "plain": np.full((SIDE, SIDE, 3), (120, 70, 170)),
    "gradient": np.stack([80 + 100 * Y / SIDE, 60 + 80 * X / SIDE, 200 - 90 * Y / SIDE], -1),
    "vignette": ((X - 80) ** 2 + (Y - 80) ** 2)[..., None] * -0.006 + (230, 200, 150),
    "stripes": np.where((((X + Y) // 10) % 2)[..., None] > 0, (240, 220, 190), (200, 90, 80)),
    "dots": np.where((np.hypot(X % 20 - 10, Y % 20 - 10) < 5)[..., None], (250, 250, 240), (40, 110, 140)),
    "checks": np.where((((X // 16) + (Y // 16)) % 2)[..., None] > 0, (230, 230, 230), (150, 190, 150)),
    "lit dots": np.where((np.hypot(X % 20 - 10, Y % 20 - 10) < 5)[..., None], (200, 200, 190), (40, 110, 140)) + 40 * X[..., None] / SIDE,
}


def background(name: str) -> np.ndarray:
    return np.clip(BACKGROUNDS[name] + 0.5, 0, 255).astype(np.uint8)


def disc(y: float = 80, x: float = 70, radius: float = 26) -> np.ndarray:
    return np.hypot(X - x, Y - y) < radius


def before(behind: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int] = (250, 40, 30)) -> np.ndarray:
    return np.where(mask[..., None], np.array(colour, np.uint8), behind)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_known_backgrounds_come_back_behind_a_subject(name: str) -> None:
    behind, mask = background(name), disc() | disc(50, 120, 18)
    painted = plate(before(behind, mask), mask)
    error = np.abs(painted.astype(int) - behind)[mask]
    assert error.mean() < 2
    assert np.quantile(error, 0.95) <= 10


def test_a_grainy_background_stays_grainy() -> None:
    """Filling in the mean alone would leave a smooth blot."""
    behind = np.clip(background("gradient") + np.random.default_rng(1).normal(0, 12, (SIDE, SIDE, 1)), 0, 255).astype(np.uint8)
    painted = plate(before(behind, disc()), disc()).astype(float)
    rough = (painted - cv2.GaussianBlur(painted, (0, 0), 3))[disc(radius=20)].std()
    assert 9 < rough < 15
    assert np.abs(cv2.GaussianBlur(painted, (0, 0), 6) - background("gradient"))[disc(radius=20)].mean() < 6


def test_a_horizon_goes_on_behind_the_subject() -> None:
    sky = np.where((Y < 96)[..., None], (120, 180, 240), (70, 140, 60)) + np.random.default_rng(2).normal(0, 6, (SIDE, SIDE, 1)) * (Y >= 96)[..., None]
    behind = np.clip(sky, 0, 255).astype(np.uint8)
    painted = plate(before(behind, disc(90, 70)), disc(90, 70)).astype(int)
    assert np.abs(painted - (120, 180, 240))[disc(90, 70) & (Y < 92)].mean() < 6
    assert np.abs(painted - (70, 140, 60))[disc(90, 70) & (Y > 100)].mean() < 12


def test_a_soft_edge_and_a_shadow_leave_no_halo() -> None:
    behind = background("gradient")
    soft = cv2.GaussianBlur(disc().astype(np.float32), (0, 0), 2)[..., None]
    shade = 1 - 0.5 * cv2.GaussianBlur((np.hypot((X - 70) / 2, Y - 108) < 7).astype(np.float32), (0, 0), 2)[..., None]
    image = (behind * shade * (1 - soft) + np.array((250, 40, 30)) * soft).astype(np.uint8)
    assert np.abs(image.astype(int) - behind)[~disc()].max() > 60  # there is something to remove
    assert np.abs(plate(image, disc()).astype(int) - behind).max() <= 8


def test_a_pattern_comes_back_on_a_large_canvas_too() -> None:
    """What is a pattern on a small canvas is one on a large canvas, where it is coarse."""
    large = (640, 640)
    behind = cv2.resize(background("dots"), large, interpolation=cv2.INTER_NEAREST)
    mask = cv2.resize(disc().astype(np.uint8), large, interpolation=cv2.INTER_NEAREST) > 0
    assert np.abs(plate(before(behind, mask), mask).astype(int) - behind)[mask].mean() < 3


def test_busy_backgrounds_are_painted_only_around_the_subject() -> None:
    mask = disc()
    missing = hole(before(background("dots"), mask), mask)
    assert (missing & ~disc(radius=30)).sum() == 0


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["plain", "gradient"]),
    places=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=3),
)
def test_any_rectangles_go_from_even_backgrounds(name: str, places: list[tuple[int, int, int, int]]) -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    for y, x, height, width in places:
        mask[y : y + height, x : x + width] = True
    behind = background(name)
    image = before(behind, mask)
    painted = plate(image, mask)
    missing = hole(image, mask)
    assert (missing | ~mask).all()
    assert np.array_equal(painted[~missing], image[~missing])
    assert np.abs(painted.astype(int) - behind).max() <= 6


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 90), st.integers(5, 90))
def test_any_mask_on_any_picture_is_painted_the_same_twice(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    mask = rng.random((height, width)) < rng.random()
    painted = plate(image, mask)
    assert painted.shape == image.shape
    assert painted.dtype == np.uint8
    assert np.array_equal(painted, plate(image, mask))


def test_nothing_covered_changes_nothing() -> None:
    image = background("dots")
    assert np.array_equal(plate(image, np.zeros((SIDE, SIDE), bool)), image)


def test_a_subject_over_the_whole_canvas_leaves_the_colour_of_its_border() -> None:
    image = before(background("plain"), disc())
    assert (plate(image, np.ones((SIDE, SIDE), bool)) == (120, 70, 170)).all()


def test_one_corner_of_background_is_enough() -> None:
    mask = np.ones((SIDE, SIDE), bool)
    mask[:2, :2] = False
    assert np.abs(plate(before(background("plain"), mask), mask).astype(int) - (120, 70, 170)).max() <= 1


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="not of one canvas"):
        plate(background("plain"), np.zeros((10, 10), bool))


def test_a_membrane_keeps_what_is_known_and_stays_between_it() -> None:
    known = np.zeros((33, 47), bool)
    known[:, 0] = known[:, -1] = True
    values = np.zeros((33, 47, 1), np.float32)
    values[:, -1] = 46
    filled = membrane(values, known)[..., 0]
    assert np.array_equal(filled[known], values[known][:, 0])
    assert np.abs(filled - np.arange(47)).max() < 1.5  # a film between two bars is a plane
