"""Fusion: streaming equals stored, order changes nothing, and what each weight prefers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from cutwork.tools.attention.entropy import bins_of, histogram_entropy, minmax
from cutwork.tools.attention.fuse import WEIGHTS, Fusion, Origin, coherence, composite, concentration, entropy, fuse, window


def some_maps(count: int = 12, keywords: int = 3, h: int = 8, w: int = 10, seed: int = 0) -> Tensor:
    return torch.rand(count, keywords, h, w, generator=torch.Generator().manual_seed(seed)) ** 2


def drawing(count: int = 12) -> Origin:
    """Maps of three blocks, step after step."""
    return Origin.of([m % 3 for m in range(count)], [m // 3 for m in range(count)])


def disc(side: int = 64, radius: float = 15) -> Tensor:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return (((y - side / 2) ** 2 + (x - side / 2) ** 2) < radius**2).float()


# what each weight is, in doubles and by the obvious formula


def unit(grid: np.ndarray) -> np.ndarray:
    return (grid - grid.min()) / (grid.max() - grid.min() + 1e-8)


def bits(grid: np.ndarray) -> float:
    """Of 8, whatever the number of levels."""
    levels = max(2, min(256, grid.size // 4))
    _, counts = np.unique(np.floor((levels - 1) * unit(grid) + 0.5), return_counts=True)
    share = counts / grid.size
    return float(-(share * np.log2(share)).sum() * 8 / math.log2(levels))


def smoothness(grid: np.ndarray) -> float:
    wide = np.pad(unit(grid), 1, mode="edge")
    h, w = grid.shape
    blurred = sum(wide[y : y + h, x : x + w] for y in range(3) for x in range(3)) / 9
    return float(np.var(blurred) / np.var(unit(grid)))


def parted(grid: np.ndarray) -> float:
    levels = np.floor(255 * unit(grid) + 0.5).ravel() / 255
    best = 0.0
    for cut in np.unique(levels)[:-1]:
        low, high = levels[levels <= cut], levels[levels > cut]
        best = max(best, len(low) * len(high) / len(levels) ** 2 * (low.mean() - high.mean()) ** 2)
    return best


def gathered(grid: np.ndarray) -> float:
    mass = grid / grid.sum()
    return float(math.log2(grid.size) + (mass * np.log2(mass)).sum())


FORMULAS = {
    "mean": lambda grid: 1.0,
    "entropy": bits,
    "entropy-power": lambda grid: bits(grid) ** 2,
    "entropy-softmax": lambda grid: math.exp((bits(grid) - 8) / 0.5),
    "concentration": gathered,
    "coherent": lambda grid: bits(grid) * smoothness(grid),
    "otsu": parted,
}


@pytest.mark.parametrize("weight", FORMULAS)
def test_each_weight_fuses_as_its_formula_says(weight: str) -> None:
    maps = some_maps().double().clamp_min(1e-6).numpy()
    for k in range(maps.shape[1]):
        weights = np.array([FORMULAS[weight](grid) for grid in maps[:, k]])
        want = unit(sum(u / weights.sum() * unit(grid) for u, grid in zip(weights, maps[:, k], strict=True)))
        assert fuse(torch.from_numpy(maps), weight)[k].numpy() == pytest.approx(want, abs=1e-5)


def test_the_window_is_the_plain_mean_of_its_own_blocks_and_steps() -> None:
    flux = Origin.of([b for _ in range(4) for b in range(57)], [s for s in range(4) for _ in range(57)])
    inside = window(torch.zeros(4 * 57, 1, 2, 2), flux)[:, 0].bool()
    assert {(int(b), int(s)) for b, s in zip(flux.blocks[inside], flux.steps[inside], strict=True)} == {(b, s) for b in (15, 16, 17, 18) for s in (2, 3)}
    maps, where = some_maps(), drawing()
    chosen = (where.blocks == 0) & (where.steps >= 2)  # of three blocks the first is nearest to that depth
    assert torch.allclose(fuse(maps, "window", where), fuse(maps[chosen], "mean"), atol=1e-6)


def test_every_formula_of_the_table_is_tested() -> None:
    assert {*FORMULAS, "window"} == set(WEIGHTS)


def test_words_of_several_tokens_fuse_alike_by_sum_and_by_mean() -> None:
    tokens = some_maps(keywords=4)
    for weight in WEIGHTS:
        assert torch.allclose(fuse(tokens.sum(1, keepdim=True), weight, drawing()), fuse(tokens.mean(1, keepdim=True), weight, drawing()), atol=1e-4)


def test_small_maps_have_fewer_levels_and_their_bits_compare_with_those_of_large_ones() -> None:
    assert [bins_of(cells) for cells in (4, 64, 256, 1024, 4096)] == [2, 16, 64, 256, 256]
    noise = [torch.rand(side, side, generator=torch.Generator().manual_seed(0)) for side in (8, 16, 64)]
    assert [entropy(one).item() for one in noise] == pytest.approx([8, 8, 8], abs=0.8)


def test_maps_of_several_sizes_are_weighted_at_their_own_and_summed_at_one() -> None:
    small, large = some_maps(4, h=4, w=4), some_maps(6, h=8, w=8, seed=1)
    for weight in ("mean", "entropy", "coherent"):
        enlarged = torch.nn.functional.interpolate(minmax(small), (8, 8), mode="bilinear")
        weights = torch.cat([WEIGHTS[weight](small, None), WEIGHTS[weight](large, None)])[..., None, None]
        want = minmax((weights * torch.cat([enlarged, minmax(large)])).sum(0) / weights.sum(0))
        assert torch.allclose(Fusion(weight, grid=(8, 8)).add(small).add(large).result(), want, atol=1e-5)


# arriving one by one


@pytest.mark.parametrize("weight", WEIGHTS)
def test_streaming_equals_stored(weight: str) -> None:
    maps, streamed = some_maps(), Fusion(weight)
    for m, one in enumerate(maps):
        streamed.add(one, drawing().part(m, m + 1))
    assert torch.allclose(streamed.result(), fuse(maps, weight, drawing()), atol=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_order_of_arrival_changes_nothing(weight: str) -> None:
    maps, where = some_maps(), drawing()
    order = torch.randperm(len(maps), generator=torch.Generator().manual_seed(4))
    mixed = Origin.of(where.blocks[order], where.steps[order])
    assert torch.allclose(fuse(maps[order], weight, mixed), fuse(maps, weight, where), atol=1e-5)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_two_halves_merge_into_the_whole(weight: str) -> None:
    maps, where = some_maps(), drawing()
    merged = Fusion(weight).add(maps[:5], where.part(0, 5)).merge(Fusion(weight).add(maps[5:], where.part(5, 12)))
    assert torch.allclose(merged.result(), fuse(maps, weight, where), atol=1e-5)
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
    assert WEIGHTS["coherent"](blob, None) > WEIGHTS["coherent"](noise, None)


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


@pytest.mark.parametrize("weight", WEIGHTS)
def test_weights_are_finite_and_not_negative_even_for_odd_maps(weight: str) -> None:
    odd = torch.stack([torch.zeros(4, 4), torch.full((4, 4), math.nan), torch.full((4, 4), math.inf), -torch.eye(4), torch.eye(4) * 1e-9])
    weights = WEIGHTS[weight](odd, Origin.of(range(5), range(5)))
    assert weights.shape == (5,)
    assert bool(weights.isfinite().all())
    assert bool((weights >= 0).all())


def test_misuse_is_named() -> None:
    with pytest.raises(ValueError, match="no weight 'median'"):
        Fusion("median")
    with pytest.raises(ValueError, match="'window' wants to know which block"):
        fuse(some_maps(), "window")
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
