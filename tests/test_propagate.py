"""Propagation: affinities are softmax rows, a map fills the piece it lights up in part and leaves its neighbour, and sinks draw nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from cutwork.tools.attention.propagate import affinity, propagate, similarity


def pieces(side: int = 8) -> tuple[Tensor, Tensor]:
    """Two halves of a grid, and states by which tokens of one half resemble each other: (side, side) of 0 and 1, (side², 4)."""
    half = torch.zeros(side, side)
    half[:, side // 2 :] = 1.0
    noise = torch.randn(side * side, 4, generator=torch.Generator().manual_seed(0)) * 0.1
    return half, torch.nn.functional.one_hot(half.flatten().long(), 4).float() + noise


def test_affinity_is_the_softmax_over_image_tokens_mean_over_heads() -> None:
    q, k = torch.randn(3, 10, 4, generator=torch.Generator().manual_seed(1)).double(), torch.randn(3, 10, 4, generator=torch.Generator().manual_seed(2)).double()
    want = torch.zeros(10, 10, dtype=torch.double)
    for head in range(3):
        for p in range(10):
            row = torch.stack([(q[head, p] * k[head, j]).sum() / math.sqrt(4) for j in range(10)]).exp()
            want[p] += row / row.sum() / 3
    assert torch.allclose(affinity(q, k).double(), want, atol=1e-6)


def test_a_map_of_part_of_a_piece_fills_it_and_not_its_neighbour() -> None:
    half, states = pieces()
    part = half.clone()
    part[4:] = 0.0  # the keyword lights up the upper part of the right half only
    spread = propagate(part[None], similarity(states), rounds=2)[0]
    assert spread[half > 0].min() > 3 * spread[half == 0].max()


def test_what_everything_attends_to_draws_nothing() -> None:
    half, states = pieces()
    among = similarity(states)
    among[:, 5] += 10.0  # a sink in the left half
    among = among / among.sum(1, keepdim=True)
    spread = propagate(half[None], among)[0]
    assert spread[half > 0].min() > spread[half == 0].max()


def test_no_rounds_and_keeping_all_change_nothing() -> None:
    maps = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(3))
    among = torch.rand(20, 20, generator=torch.Generator().manual_seed(4))
    assert propagate(maps, among, rounds=0) is maps
    kept = propagate(maps, among, keep=1.0)
    assert torch.allclose(kept, (maps - maps.amin((1, 2), keepdim=True)) / (maps.amax((1, 2), keepdim=True) - maps.amin((1, 2), keepdim=True)), atol=1e-5)


def test_results_lie_between_zero_and_one_also_for_empty_maps_and_rows() -> None:
    among = torch.rand(20, 20, generator=torch.Generator().manual_seed(4))
    among[3] = 0.0
    spread = propagate(torch.stack([torch.rand(4, 5, generator=torch.Generator().manual_seed(5)), torch.zeros(4, 5)]), among, rounds=3)
    assert bool(spread.isfinite().all())
    assert spread.min() >= 0
    assert spread.max() <= 1


def test_misuse_is_named() -> None:
    maps = torch.zeros(1, 4, 5)
    with pytest.raises(ValueError, match=r"4x5 tokens want an affinity of \(20, 20\), got \(16, 16\)"):
        propagate(maps, torch.ones(16, 16))
    with pytest.raises(ValueError, match="rounds >= 0 and keep in"):
        propagate(maps, torch.ones(20, 20), rounds=-1)
    with pytest.raises(ValueError, match="rounds >= 0 and keep in"):
        propagate(maps, torch.ones(20, 20), keep=1.5)
    with pytest.raises(ValueError, match="temperature above 0"):
        similarity(torch.ones(4, 2), 0.0)
