"""Entropy Rectifying Guidance against its formulas."""

from __future__ import annotations

import pytest
import torch

from cutwork.tools.attention.kernels import attend, reference
from cutwork.tools.attention.rectify import Rectify, rectified, row_entropy

ONE = Rectify(tau=1.0)


def qkv(length: int = 24, dim: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    q, k, v = (2 * torch.randn(2, 3, length, dim, generator=generator) for _ in range(3))
    return q, k, v


def checkered(length: int = 24) -> torch.Tensor:
    mask = (torch.arange(length)[:, None] + torch.arange(length)[None]) % 3 > 0
    return mask | torch.eye(length, dtype=torch.bool)


@pytest.mark.parametrize("masked", [False, True])
def test_temperature_one_is_ordinary_attention_to_the_bit(masked: bool) -> None:
    q, k, v = qkv()
    mask = checkered() if masked else None
    assert torch.equal(rectified(q, lambda x, t: attend(x, k, v, mask, t)[0], ONE), attend(q, k, v, mask)[0])


def entropy(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    weights = torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)
    return -(weights * weights.log()).sum(-1).mean(-1)


def test_row_entropy_is_that_of_the_softmax_and_falls_with_temperature() -> None:
    q, k, v = qkv()
    values = []
    for tau in (0.01, 0.3, 0.6, 1.0):
        lse = attend(q * tau, k, v)[1]
        got = row_entropy(q * tau, k, lse, chunk=7)
        torch.testing.assert_close(got, entropy(q * tau, k), atol=1e-4, rtol=1e-4)
        values.append(got)
    assert all(bool((warm < cool).all()) for cool, warm in zip(values[:-1], values[1:], strict=True))


def _unasked(q: torch.Tensor, temperature: float) -> torch.Tensor:
    raise AssertionError("attention was asked for though every key counts alike")


@pytest.mark.parametrize("masked", [False, True])
def test_no_temperature_is_the_mean_of_what_may_be_seen(masked: bool) -> None:
    q, k, v = qkv()
    mask = checkered() if masked else None
    nearly = reference(1e-6 * q, k, v, mask)[0]
    if not masked:
        torch.testing.assert_close(rectified(q, _unasked, Rectify(tau=0.0), v.mean(2, keepdim=True)), nearly, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(rectified(q, lambda x, t: attend(x, k, v, mask, t)[0], Rectify(tau=0.0)), nearly, atol=1e-4, rtol=1e-4)


def test_iterations_follow_the_recurrence() -> None:
    q, k, v = qkv()
    how = Rectify(tau=0.5, alpha=0.7, gamma=0.4, iterations=3)
    want = q
    for _ in range(3):
        want = (1 - how.gamma) * want + how.gamma * how.alpha * (torch.softmax(how.tau * want @ k.mT * 16**-0.5, -1) @ v)
    torch.testing.assert_close(rectified(q, lambda x, t: attend(x, k, v, temperature=t)[0], how), want, atol=1e-5, rtol=1e-5)


def test_the_supplements_pseudo_code_is_the_algorithm_only_without_sharing() -> None:
    """It takes the temperature into the queries once, before it iterates; so with γ ≠ 1 the share of the old queries is cooled too."""
    q, k, v = qkv()

    def pseudo(how: Rectify) -> torch.Tensor:
        found = how.tau * q
        for _ in range(how.iterations):
            found = (1 - how.gamma) * found + how.gamma * how.alpha * (torch.softmax(found @ k.mT * 16**-0.5, -1) @ v)
        return found

    alike, unlike = Rectify(tau=0.3), Rectify(tau=0.3, gamma=1.5)
    torch.testing.assert_close(rectified(q, lambda x, t: attend(x, k, v, temperature=t)[0], alike), pseudo(alike), atol=1e-5, rtol=1e-5)
    assert (rectified(q, lambda x, t: attend(x, k, v, temperature=t)[0], unlike) - pseudo(unlike)).abs().max() > 0.1


def test_a_temperature_before_rmsnorm_is_void_and_after_it_acts() -> None:
    """The trap of hooks on `to_q`: the norm takes the factor out again."""
    q, k, v = qkv()
    norm = torch.nn.RMSNorm(16, eps=1e-6)
    plain = attend(norm(q), k, v)[0]
    before = attend(norm(0.1 * q), k, v)[0]
    after = rectified(norm(q), lambda x, t: attend(x, k, v, temperature=t)[0], Rectify(tau=0.1))
    assert (before - plain).abs().max() < 1e-3 * plain.abs().max()
    assert (after - plain).abs().max() > 0.1 * plain.abs().max()


@pytest.mark.parametrize(("tau", "iterations", "says"), [(-0.1, 1, "tau is -0.1"), (1.5, 1, "tau is 1.5"), (0.5, 0, "iterations is 0")])
def test_values_outside_their_range_are_refused(tau: float, iterations: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Rectify(tau=tau, iterations=iterations)
