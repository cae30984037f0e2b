"""Histogram entropy against the obvious way of computing it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.tools.attention.entropy import histogram_entropy, minmax


def by_hand(grid: np.ndarray, bins: int = 256) -> float:
    unit = (grid - grid.min()) / (grid.max() - grid.min() + 1e-8)
    counts: dict[int, int] = {}
    for value in unit.ravel():
        level = math.floor((bins - 1) * value + 0.5)
        counts[level] = counts.get(level, 0) + 1
    return -sum(c / grid.size * math.log2(c / grid.size) for c in counts.values())


def test_a_constant_map_has_no_entropy() -> None:
    assert histogram_entropy(torch.full((9, 7), 0.3)).item() == 0.0


def test_two_levels_half_and_half_are_one_bit() -> None:
    grid = torch.zeros(8, 8)
    grid[:, 4:] = 5.0
    assert histogram_entropy(grid).item() == pytest.approx(1.0, abs=1e-6)


def test_uniform_noise_approaches_eight_bits() -> None:
    noise = torch.rand(128, 128, generator=torch.Generator().manual_seed(0))
    assert 7.95 < histogram_entropy(noise).item() <= 8.0


def test_an_attention_sink_has_almost_none() -> None:
    sink = torch.zeros(64, 64)
    sink[3, 5] = 1.0
    assert histogram_entropy(sink).item() == pytest.approx(0.0032, abs=5e-4)


@pytest.mark.parametrize("bins", [2, 16, 64, 256])
def test_it_equals_the_sum_by_hand_for_every_map_of_a_batch(bins: int) -> None:
    maps = np.random.default_rng(1).exponential(size=(3, 2, 16, 12)).astype(np.float32)
    want = [[by_hand(maps[m, k], bins) for k in range(2)] for m in range(3)]
    assert histogram_entropy(torch.from_numpy(maps), bins).numpy() == pytest.approx(np.array(want), abs=1e-4)


def test_where_the_levels_lie_does_not_matter() -> None:
    grid = torch.rand(16, 16, generator=torch.Generator().manual_seed(2))
    shuffled = grid.flatten()[torch.randperm(256, generator=torch.Generator().manual_seed(3))].view(16, 16)
    assert histogram_entropy(grid).item() == pytest.approx(histogram_entropy(shuffled).item(), abs=1e-6)


def test_values_that_are_not_finite_count_as_the_least() -> None:
    grid = torch.tensor([[0.0, 1.0], [float("nan"), float("inf")]])
    assert minmax(grid).tolist() == [[0.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(("shape", "bins"), [((4,), 256), ((4, 4), 1)])
def test_what_makes_no_histogram_is_refused(shape: tuple[int, ...], bins: int) -> None:
    with pytest.raises(ValueError, match="want maps"):
        histogram_entropy(torch.zeros(shape), bins)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=1, max_size=30))
def test_any_numbers_give_bits_within_bounds(values: list[float]) -> None:
    bits = histogram_entropy(torch.tensor([values]))
    assert 0.0 <= bits.item() <= math.log2(len(values)) + 1e-4
