"""Guides against their formulas."""

from __future__ import annotations

import pytest
import torch

from cutwork.domain import ApgSettings, CadsSettings
from cutwork.tools.guides import apg, cads, cfg


def two(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    strong, weak = (torch.randn(2, 6, 4, generator=generator) for _ in range(2))
    return strong, weak


def test_scale_one_is_the_strong_prediction() -> None:
    strong, weak = two()
    torch.testing.assert_close(cfg(strong, weak, 1.0), strong)
    torch.testing.assert_close(apg(strong, weak, 1.0, ApgSettings())[0], strong)
    assert torch.equal(cfg(strong, strong, 7.0), strong)


def test_projection_without_bounds_is_classifier_free_guidance() -> None:
    strong, weak = two()
    torch.testing.assert_close(apg(strong, weak, 4.0, ApgSettings(bound=1e9, parallel=1))[0], cfg(strong, weak, 4.0), atol=1e-5, rtol=1e-5)


def test_what_only_strengthens_is_left_out() -> None:
    strong, weak = two()
    added = (apg(strong, weak, 3.0, ApgSettings(parallel=0.0))[0] - strong).flatten(1)
    assert (added * strong.flatten(1)).sum(1).abs().max() < 1e-4
    assert added.norm() > 0.1
    doubled = apg(strong, 0.5 * strong, 3.0, ApgSettings(parallel=0.0))[0]
    torch.testing.assert_close(doubled, strong, atol=1e-5, rtol=1e-5)


def test_a_difference_is_bounded_for_each_sample() -> None:
    strong, weak = two()
    weak[1] = strong[1] + 0.001
    guided = apg(strong, weak, 2.0, ApgSettings(bound=0.5))[0] - strong
    assert float(guided[0].norm()) == pytest.approx(0.5, rel=1e-4)
    torch.testing.assert_close(guided[1], (strong - weak)[1], atol=1e-6, rtol=1e-4)


def test_momentum_adds_what_was_before() -> None:
    strong, weak = two()
    how = ApgSettings(bound=1e9, momentum=-0.5)
    first, carried = apg(strong, weak, 2.0, how)
    torch.testing.assert_close(carried, strong - weak)
    second, carried = apg(strong, weak, 2.0, how, carried)
    torch.testing.assert_close(carried, 0.5 * (strong - weak))
    torch.testing.assert_close(second - strong, 0.5 * (first - strong), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("time", "gamma"), [(0.2, 1.0), (0.6, 1.0), (0.75, 0.5), (0.9, 0.0), (1.0, 0.0)])
def test_a_condition_is_disturbed_early_and_clean_late(time: float, gamma: float) -> None:
    condition, noise = two(3)
    got = cads(condition, time, CadsSettings(rescale=0.0), noise)
    torch.testing.assert_close(got, gamma**0.5 * condition + 0.1 * (1 - gamma) ** 0.5 * noise)


def test_a_disturbed_condition_keeps_its_moments() -> None:
    condition, noise = two(4)
    got = cads(3 * condition + 1, 0.8, CadsSettings(), noise)
    for value in (torch.mean, torch.std):
        torch.testing.assert_close(value(got, (1, 2)), value(3 * condition + 1, (1, 2)), atol=1e-5, rtol=1e-5)


def test_annealing_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0.3 to 0.6"):
        CadsSettings(start=0.3)
