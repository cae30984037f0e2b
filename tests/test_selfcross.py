"""Self-Cross guidance against the loops and formulas it stands for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from cutwork.tools.attention import selfcross

GRID = (6, 8)
CELLS = GRID[0] * GRID[1]


def scene(seed: int = 0, subjects: int = 2, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross maps (subjects, rows, columns) and full self-attention (cells, cells)."""
    generator = torch.Generator().manual_seed(seed)
    cross = torch.rand(subjects, *GRID, generator=generator, dtype=dtype) ** 3
    attention = torch.softmax(3 * torch.randn(CELLS, CELLS, generator=generator, dtype=dtype), -1)
    return cross, attention


def parts(cross: torch.Tensor, attention: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    patches = torch.stack([selfcross.otsu(c) for c in cross])
    return patches, torch.stack([selfcross.aggregate(c, m, attention[m.reshape(-1)]) for c, m in zip(cross, patches, strict=True)])


def test_aggregation_is_the_loop_over_patches() -> None:
    cross, attention = scene()
    patches, got = parts(cross, attention)
    for one, mask, seen in zip(cross, patches, got, strict=True):
        want = torch.zeros(GRID)
        for p in torch.nonzero(mask.reshape(-1)).flatten().tolist():
            want += one.reshape(-1)[p] * selfcross.smooth(attention[p].reshape(GRID))
        torch.testing.assert_close(seen, want / (want.sum() + 1e-4), atol=1e-6, rtol=1e-5)


def test_carrying_is_the_loop_over_patches_without_a_row() -> None:
    """The swapped form, against the rows written out; values and gradients, heads averaged."""
    generator = torch.Generator().manual_seed(4)
    q, k = (torch.randn(2, CELLS, 16, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    weights = torch.rand(CELLS, generator=generator, dtype=torch.float64).requires_grad_()
    at = torch.arange(0, CELLS, 3)

    def rows(q: torch.Tensor, k: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(CELLS, dtype=torch.float64)
        for p in at.tolist():
            total = total + weights[p] * torch.softmax(q[:, p, None] @ k.mT / 4, -1).mean((0, 1))
        return total

    pull = torch.randn(CELLS, generator=generator, dtype=torch.float64)
    want, got = rows(q, k, weights), selfcross.carried(q[:, at], k, weights[at])
    torch.testing.assert_close(got.double(), want, atol=1e-6, rtol=1e-5)
    for one, other in zip(*(torch.autograd.grad((x.double() * pull).sum(), (q, k, weights)) for x in (got, want)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_smoothing_is_a_gaussian_blur_with_reflected_borders() -> None:
    cross, _ = scene()
    want = cv2.GaussianBlur(cross[0].numpy(), (3, 3), 0.5, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(selfcross.smooth(cross)[0].numpy(), want, atol=1e-6)


def test_otsu_is_the_threshold_of_opencv() -> None:
    for seed in range(5):
        one = scene(seed)[0][0]
        grey = ((one - one.min()) / (one.max() - one.min()) * 255).round().to(torch.uint8).numpy()
        threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        assert np.array_equal(selfcross.otsu(one).numpy(), grey > threshold)


def test_a_flat_map_still_has_patches() -> None:
    assert int(selfcross.otsu(torch.full(GRID, 0.3)).sum()) == selfcross.TOP


def test_blending_is_half_of_the_papers_sum_over_pairs() -> None:
    cross, attention = scene(subjects=3)
    _, seen = parts(cross, attention)
    shares = cross / (cross.sum((1, 2), keepdim=True) + 1e-4)

    def overlap(i: int, j: int) -> torch.Tensor:
        return torch.minimum(seen[i], shares[j]).sum() + torch.minimum(seen[j], shares[i]).sum()

    pairs = [(0, 1), (0, 2), (1, 2)]
    torch.testing.assert_close(selfcross.blended(seen, cross), sum(overlap(i, j) for i, j in pairs) / 3 / 2)
    torch.testing.assert_close(selfcross.blended(seen, cross, [(0, 2)]), overlap(0, 2) / 2)
    assert selfcross.blended(seen[:1], cross[:1]) == 0


def test_identical_subjects_blend_wholly_and_disjoint_ones_not_at_all() -> None:
    left, right = torch.zeros(GRID), torch.zeros(GRID)
    left[:, :4], right[:, 4:] = 1, 1
    share = left / left.sum()
    assert float(selfcross.blended(torch.stack([share, share]), torch.stack([left, left]))) == pytest.approx(1, abs=1e-3)
    assert float(selfcross.blended(torch.stack([share, right / right.sum()]), torch.stack([left, right]))) == 0
    values = []
    for shift in range(5):
        moved = torch.zeros(GRID)
        moved[:, shift : shift + 4] = 1
        values.append(float(selfcross.blended(torch.stack([share, moved / moved.sum()]), torch.stack([left, moved]))))
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_published_overlap_leaves_coarse_maps_as_they_are() -> None:
    cross, attention = scene()
    _, seen = parts(cross, attention)
    as_it_is = (torch.minimum(seen[0], cross[1]).sum() + torch.minimum(seen[1], cross[0]).sum()) / 2
    torch.testing.assert_close(selfcross.blended(seen, cross, normalised=False), as_it_is)
    wide = cross.repeat(1, 6, 1)
    assert wide[0].numel() > selfcross.COARSE
    assert torch.equal(selfcross.blended(wide, wide, normalised=False), selfcross.blended(wide, wide))


def test_subjects_stray_from_their_running_mean() -> None:
    first, second = scene(0)[0], scene(1)[0]
    been = selfcross.remembered(first, None)
    assert float(selfcross.strayed(first, been)) == 0
    been = selfcross.remembered(second, been)
    torch.testing.assert_close(been, 0.9 * first + 0.1 * second)
    torch.testing.assert_close(selfcross.strayed(second, been), sum((0.9 * (b - a)).abs().mean() for a, b in zip(first, second, strict=True)))


def test_the_most_neglected_subject_counts() -> None:
    cross = torch.zeros(2, *GRID)
    cross[0], cross[1, :2] = 0.9, 0.4
    assert float(selfcross.neglected(cross)) == pytest.approx(0.6)


def test_a_second_spot_that_is_stronger_than_the_first_is_scattered() -> None:
    one = torch.zeros(1, *GRID)
    one[0, 1, 1], one[0, 1, 2], one[0, 4, 6] = 1.0, 0.5, 0.8
    mask = one > 0.1
    assert float(selfcross.scattered(one, mask)) == pytest.approx(0.8)
    one[0, 4, 6] = 0.05
    assert float(selfcross.scattered(one, one > 0.1)) == 0


def test_blending_waits_until_every_subject_is_there() -> None:
    cross, attention = scene()
    patches, seen = parts(cross, attention)
    faint = selfcross.loss(0.1 * cross / cross.max(), patches, seen)
    assert float(faint.neglected) > selfcross.GATE
    assert float(faint.total) == pytest.approx(float(faint.neglected + 0.1 * faint.scattered))
    strong = selfcross.loss(0.6 + 0.3 * cross, patches, seen)
    assert float(strong.total) == pytest.approx(float(strong.neglected + strong.blended + 0.1 * strong.scattered))


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences() -> None:
    """With the patches held fixed, as they are while a gradient is taken."""
    cross, logits = scene(dtype=torch.float64)
    patches = torch.stack([selfcross.otsu(c) for c in cross])

    def value(c: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        rows = torch.softmax(s, -1)
        seen = torch.stack([selfcross.aggregate(one, mask, rows[mask.reshape(-1)]) for one, mask in zip(c, patches, strict=True)])
        return selfcross.loss(0.55 + 0.4 * c, patches, seen).total

    assert torch.autograd.gradcheck(value, (cross.requires_grad_(), logits.log().requires_grad_()), eps=1e-7, atol=1e-4)


def test_words_compete_for_patches() -> None:
    columns = torch.tensor([[[0.1, 0.0]], [[0.0, 0.1]], [[0.0, 0.0]]])
    maps = selfcross.over_words(columns, [(0,), (1, 2)])
    assert maps.shape == (2, 1, 2)
    assert float(maps[0, 0, 0]) > 0.99
    assert float(maps[1, 0, 1]) == pytest.approx(0.5, abs=0.01)


def test_an_update_is_no_larger_than_a_share_of_the_latents() -> None:
    latents, update = torch.ones(2, 4, 4), torch.ones(2, 4, 4)
    update[1] *= 0.01
    got = selfcross.capped(update, latents)
    assert float(got[0].norm()) == pytest.approx(0.4, rel=1e-5)
    assert torch.equal(got[1], update[1])
