"""Fusion: streaming equals stored, order changes nothing, and what each weight prefers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from cutwork.tools.attention.entropy import histogram_entropy, minmax
from cutwork.tools.attention.fuse import WEIGHTS, Fusion, coherence, composite, concentration, fuse, otsu


def some_maps(count: int = 12, keywords: int = 3, h: int = 8, w: int = 10, seed: int = 0) -> Tensor:
    return torch.rand(count, keywords, h, w, generator=torch.Generator().manual_seed(seed)) ** 2


def disc(side: int = 64, radius: float = 15) -> Tensor:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return (((y - side / 2) ** 2 + (x - side / 2) ** 2) < radius**2).float()


def test_entropy_fusion_is_the_weighted_sum_of_the_paper() -> None:
    maps = some_maps()
    bits = histogram_entropy(maps)  # (maps, keywords)
    share = bits / bits.sum(0)
    want = minmax((share[..., None, None] * minmax(maps)).sum(0))
    assert torch.allclose(fuse(maps, "entropy"), want, atol=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_streaming_equals_stored(weight: str) -> None:
    maps, streamed = some_maps(), Fusion(weight)
    for one in maps:
        streamed.add(one)
    assert torch.allclose(streamed.result(), fuse(maps, weight), atol=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_order_of_arrival_changes_nothing(weight: str) -> None:
    maps = some_maps()
    order = torch.randperm(len(maps), generator=torch.Generator().manual_seed(4))
    assert torch.allclose(fuse(maps[order], weight), fuse(maps, weight), atol=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_two_halves_merge_into_the_whole(weight: str) -> None:
    maps = some_maps()
    merged = Fusion(weight).add(maps[:5]).merge(Fusion(weight).add(maps[5:]))
    assert torch.allclose(merged.result(), fuse(maps, weight), atol=1e-5)
    assert merged.count == len(maps)


def test_merging_an_unused_fusion_changes_nothing() -> None:
    used = Fusion("mean").add(some_maps())
    before = used.result()
    assert torch.equal(used.merge(Fusion("mean")).result(), before)


def test_later_maps_do_not_reach_into_a_merged_half() -> None:
    half = Fusion("mean").add(some_maps())
    before = half.result()
    Fusion("mean").merge(half).add(some_maps(seed=9))
    assert torch.equal(half.result(), before)


def test_where_every_weight_is_zero_the_plain_mean_answers() -> None:
    maps = some_maps()[:, :1]
    flat = torch.stack([maps[0], maps[0].roll(1, -1)])  # spread like each other
    uniform = torch.full_like(flat, 1.0)
    uniform[:, :, 0, 0] = float("nan")  # no finite contrast, so no entropy
    assert torch.equal(fuse(uniform, "entropy"), torch.zeros(1, 8, 10))
    negative = -flat  # a distribution without mass has no concentration, yet the maps differ
    assert torch.allclose(fuse(negative, "concentration"), fuse(negative, "mean"), atol=1e-6)


def test_results_lie_between_zero_and_one_and_reach_both() -> None:
    fused = fuse(some_maps(), "coherent")
    assert fused.amin((-2, -1)).tolist() == [0.0] * 3
    assert fused.amax((-2, -1)).tolist() == pytest.approx([1.0] * 3, abs=1e-6)


def test_the_composite_equals_writing_classes_in_rising_order() -> None:
    fused = fuse(some_maps(), "mean")
    thresholds = (0.1, 0.3, 0.8)
    written = torch.zeros(8, 10, dtype=torch.long)
    for level, threshold in enumerate(thresholds, start=1):  # background first, definite foreground last
        for keyword in fused:
            written[keyword > threshold] = level
    whole = composite(fused)
    assert torch.equal(written, torch.stack([whole > t for t in thresholds]).sum(0))


def test_entropy_prefers_noise_to_a_perfect_mask_and_coherence_does_not() -> None:
    noise = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))
    blob = torch.exp(-((torch.arange(64) - 32.0) ** 2)[:, None] / 200) * torch.exp(-((torch.arange(64) - 32.0) ** 2) / 200)
    assert histogram_entropy(noise) > histogram_entropy(blob) > histogram_entropy(disc())
    assert coherence(noise).item() == pytest.approx(1 / 9, abs=0.03)
    assert coherence(disc()).item() > 0.9
    assert WEIGHTS["coherent"](blob) > WEIGHTS["coherent"](noise)


def test_coherent_weights_mask_a_disc_at_least_as_well_as_entropy_weights() -> None:
    rng, truth = torch.Generator().manual_seed(5), disc()
    blurred = torch.nn.functional.avg_pool2d(truth[None, None], 9, 1, 4, count_include_pad=False)[0, 0]
    good = [blurred + 0.15 * torch.rand(64, 64, generator=rng) for _ in range(4)]
    ramp = torch.linspace(0, 1, 64).expand(64, 64)
    junk = [torch.rand(64, 64, generator=rng) + 0.1 * ramp for _ in range(24)]
    stack = torch.stack(good + junk)[:, None]

    def best_iou(weight: str) -> float:
        fused = fuse(stack, weight)[0]
        cuts = [fused > t for t in np.linspace(0.2, 0.8, 25)]
        return max(float((c & (truth > 0)).sum() / (c | (truth > 0)).sum()) for c in cuts)

    assert best_iou("coherent") > best_iou("entropy")


def test_concentration_is_log_p_for_one_cell_and_zero_for_all_alike() -> None:
    sink = torch.zeros(8, 8)
    sink[2, 2] = 4.0
    assert concentration(sink).item() == pytest.approx(6.0, abs=1e-5)
    assert concentration(torch.ones(8, 8)).item() == pytest.approx(0.0, abs=1e-5)


def test_otsu_is_the_greatest_between_class_variance() -> None:
    grid = some_maps(1, 1)[0, 0]
    levels = ((255 * minmax(grid) + 0.5).long().double() / 255).flatten()
    want = 0.0
    for cut in levels.unique():
        low, high = levels[levels <= cut], levels[levels > cut]
        if len(high):
            want = max(want, len(low) * len(high) / len(levels) ** 2 * float(low.mean() - high.mean()) ** 2)
    assert otsu(grid).item() == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_weights_are_finite_and_not_negative_even_for_odd_maps(weight: str) -> None:
    odd = torch.stack([torch.zeros(4, 4), torch.full((4, 4), math.nan), torch.full((4, 4), math.inf), -torch.eye(4), torch.eye(4) * 1e-9])
    weights = WEIGHTS[weight](odd)
    assert weights.shape == (5,)
    assert bool(weights.isfinite().all())
    assert bool((weights >= 0).all())


def test_misuse_is_named() -> None:
    with pytest.raises(ValueError, match="no weight 'median'"):
        Fusion("median")
    with pytest.raises(ValueError, match="no maps were added"):
        Fusion().result()
    with pytest.raises(ValueError, match="want maps"):
        Fusion().add(torch.zeros(4, 4))
    with pytest.raises(ValueError, match="arrived after"):
        Fusion().add(some_maps()).add(some_maps(h=4))
    with pytest.raises(ValueError, match="cannot merge"):
        Fusion("mean").merge(Fusion("entropy"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.half])
def test_a_long_drawing_is_fused_in_parts_and_comes_out_the_same(dtype: torch.dtype) -> None:
    maps = some_maps(150).to(dtype)
    assert torch.allclose(fuse(maps, "entropy"), Fusion("entropy").add(maps).result(), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 8, 10), (8, 10), (0, 3, 8, 10)])
def test_other_stacks_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="want"):
        fuse(torch.zeros(shape))
