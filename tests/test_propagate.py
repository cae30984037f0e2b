"""Propagation: affinities are softmax rows, a map fills the piece it lights up in part and leaves its neighbour, and sinks draw nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from cutwork.tools.attention.propagate import affinity, evened, parted, propagate, similarity, snapped
from cutwork.tools.attention.record import COARSE, Recorder, coarse


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


def test_tokens_that_attend_alike_are_of_one_segment() -> None:
    half, states = pieces()
    which = parted(similarity(states), 2)
    assert set(which.tolist()) == {0, 1}
    assert len(set(which[half.flatten() > 0].tolist())) == len(set(which[half.flatten() == 0].tolist())) == 1
    assert torch.equal(which, parted(similarity(states), 2))
    many = parted(similarity(states), 5)
    assert sorted(set(many.tolist())) == list(range(int(many.max()) + 1)), "numbered without gaps"
    assert len(set(parted(torch.eye(3), 12).tolist())) == 3


def test_a_map_is_evened_within_its_segment_alone() -> None:
    half, states = pieces()
    part = half.clone()
    part[4:] = 0.0
    level = evened(part[None], similarity(states), segments=2, keep=0.0)[0]
    assert torch.equal(level, half)
    assert torch.allclose(evened(part[None], similarity(states), segments=2, keep=1.0)[0], part, atol=1e-6)
    with pytest.raises(ValueError, match=r"want an affinity of \(64, 64\)"):
        evened(part[None], torch.ones(3, 3))


@pytest.mark.parametrize("how", ["spread", "segments"])
def test_maps_finer_than_the_affinity_keep_their_detail(how: str) -> None:
    half, states = pieces()
    among = similarity(states)
    fine = half.repeat_interleave(2, 0).repeat_interleave(2, 1)
    fine[8:] *= 0.5  # the lower half of the subject lights up less
    fine[0, 12] = 0.0  # a detail
    out = snapped(fine[None], among, (8, 8), how)[0]
    assert out.shape == fine.shape
    assert out[:8, 8:].mean() - out[8:, 8:].mean() < fine[:8, 8:].mean() - fine[8:, 8:].mean()
    assert out[0, 12] < out[0, 11] - 0.3
    assert torch.equal(snapped(half[None], among, (8, 8), "spread"), propagate(half[None], among))


def test_what_is_recorded_is_the_mean_of_all_looks_in_the_grids_order() -> None:
    q, k = (torch.randn(2, 3, 24, 4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    recorder = Recorder(0, (4, 6), itself=True)
    assert recorder.among() is None
    recorder.add_itself(0, q, k)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
    recorder.add_itself(1, k[:, :, order], q[:, :, order], torch.argsort(order))
    for image in (0, 1):
        found = recorder.among(image)
        assert found is not None
        assert torch.allclose(found, (affinity(q[image], k[image]) + affinity(k[image], q[image])) / 2, atol=1e-6)
    silent = Recorder(0, (4, 6))
    silent.add_itself(0, q, k)
    chosen = Recorder(0, (4, 6), only=frozenset({1}), heads=(2,), itself=True)
    chosen.add_itself(0, q, k)
    assert silent.among() is None
    assert chosen.among() is None
    chosen.add_itself(1, q, k)
    assert torch.allclose(chosen.among(), affinity(q[0, 2:], k[0, 2:]), atol=1e-6)  # type: ignore[arg-type]


def test_a_large_grid_is_kept_small() -> None:
    assert coarse((16, 16)) == (16, 16)
    assert coarse((64, 64)) == (32, 32)
    assert coarse((128, 72)) == (32, 18)
    assert max(coarse((33, 3))) <= COARSE
    recorder = Recorder(0, (64, 40), itself=True)
    q = torch.randn(1, 1, 64 * 40, 4, generator=torch.Generator().manual_seed(1))
    recorder.add_itself(0, q, q)
    found = recorder.among()
    assert found is not None
    assert found.shape == (32 * 20, 32 * 20)
    assert torch.allclose(found.sum(1), torch.ones(640), atol=1e-5)
