"""Attention pieces against the obvious way of doing them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.tools.attention import regions
from cutwork.tools.attention.kernels import attend, columns, reference
from cutwork.tools.attention.record import Recorder


def qkv(length: int = 40, heads: int = 3, dim: int = 16, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(length * heads + dim)
    return tuple(torch.randn(1, heads, length, dim, generator=generator).to(dtype) for _ in range(3))  # type: ignore[return-value]


def two_regions(lengths: tuple[int, ...] = (5, 7, 4), grid: tuple[int, int] = (4, 6), isolate: regions.Isolation = "all") -> torch.Tensor:
    covers = [regions.coverage((0, 0, 0.5, 1), grid), regions.coverage((0.5, 0.25, 1, 1), grid)]
    return regions.mask(lengths, regions.image_bits(covers), isolate)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 2e-6), (torch.bfloat16, 2e-2)])
def test_fast_attention_equals_the_float64_way(masked: bool, dtype: torch.dtype, close: float) -> None:
    q, k, v = qkv(dtype=dtype)
    mask = two_regions() if masked else None
    out, lse = attend(q, k, v, mask)
    want, want_lse = reference(q, k, v, mask)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), want.float(), atol=close, rtol=close)
    torch.testing.assert_close(lse, want_lse, atol=close, rtol=close)


def test_unmasked_output_is_sdpa_to_the_bit() -> None:
    q, k, v = qkv()
    assert torch.equal(attend(q, k, v)[0], torch.nn.functional.scaled_dot_product_attention(q, k, v))


@pytest.mark.parametrize("text_first", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_columns_are_those_of_the_softmax(text_first: bool, masked: bool) -> None:
    q, k, v = qkv()
    mask = two_regions() if masked else None
    keys = torch.tensor([2, 9]) if text_first else torch.tensor([30, 39])
    logits = q @ k.mT / 4
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    want = logits.softmax(-1)[..., keys]
    _, lse = attend(q, k, v, mask)
    got = columns(q, k[:, :, keys], lse, None if mask is None else mask[:, keys])
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_a_column_is_what_an_indicator_value_would_have_carried() -> None:
    q, k, v = qkv()
    indicator = torch.zeros_like(v)
    indicator[:, :, 7, 0] = 1
    _, lse = attend(q, k, v)
    torch.testing.assert_close(columns(q, k[:, :, 7:8], lse)[..., 0], attend(q, k, indicator)[0][..., 0], atol=1e-5, rtol=1e-5)


def test_recorder_averages_heads_and_sums_a_subjects_tokens() -> None:
    q, k, v = qkv()
    _, lse = attend(q, k, v)
    recorder = Recorder([(2, 3), (5,)], (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], lse[:, :, 16:])
    weights = (q @ k.mT / 4).softmax(-1)[:, :, 16:, :16].mean(1)[0]
    got = recorder.stack().float()[0].flatten(1) / 24  # kept in units of 1 / image tokens, in half precision
    torch.testing.assert_close(got[0], weights[:, 2] + weights[:, 3], atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(got[1], weights[:, 5], atol=1e-5, rtol=1e-3)


def test_recorder_without_keywords_keeps_nothing() -> None:
    q, k, v = qkv()
    recorder = Recorder([(), ()], (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:])
    assert recorder.stack().shape == (0, 2, 4, 6)


def by_definition(lengths: tuple[int, ...], covers: list[torch.Tensor], isolate: str) -> torch.Tensor:
    """The mask written out pair by pair: who owns a token, and do two owners meet."""
    owners: list[set[int]] = [{segment} for segment, n in enumerate(lengths) for _ in range(n)]
    text = len(owners)
    for cell in range(covers[0].numel()):
        mine = {i + 1 for i, cover in enumerate(covers) if cover.reshape(-1)[cell]}
        owners.append(mine or {0})

    def meet(i: int, j: int) -> bool:
        both_image = i >= text and j >= text
        free = isolate == "none" or (isolate == "regions" and (owners[i] == {0} or owners[j] == {0}))
        return bool(owners[i] & owners[j]) or (both_image and free)

    return torch.tensor([[meet(i, j) for j in range(len(owners))] for i in range(len(owners))])


corner = st.floats(0, 0.7)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(corner, corner), min_size=1, max_size=4), st.sampled_from(["all", "regions", "none"]))
def test_bit_rule_equals_the_definition_also_under_overlap(corners: list[tuple[float, float]], isolate: regions.Isolation) -> None:
    covers = [regions.coverage((x, y, x + 0.3, y + 0.3), (4, 5)) for x, y in corners]
    lengths = tuple(range(2, 3 + len(covers)))
    got = regions.mask(lengths, regions.image_bits(covers), isolate)
    assert torch.equal(got, by_definition(lengths, covers, isolate))
    assert bool(got.any(1).all()), "a token that may attend to nothing"
    assert bool(got[sum(lengths) :, : sum(lengths)].any(1).all()), "an image token without text"


def test_overlap_goes_to_the_nearer_region_when_z_is_given() -> None:
    covers = [regions.coverage((0, 0, 1, 1), (2, 2)), regions.coverage((0, 0, 0.5, 0.5), (2, 2))]
    assert regions.image_bits(covers, z=[0, 1]).tolist() == [4, 2, 2, 2]
    assert regions.image_bits(covers, z=[1, 0]).tolist() == [2, 2, 2, 2]
    assert regions.image_bits(covers).tolist() == [6, 2, 2, 2]


def test_a_box_smaller_than_a_cell_still_owns_one() -> None:
    assert regions.coverage((0.26, 0.26, 0.3, 0.3), (4, 4)).sum() == 1


def test_coverage_takes_cells_that_are_half_covered() -> None:
    assert regions.coverage((0, 0, 0.5, 1), (1, 4)).tolist() == [[True, True, False, False]]
    assert regions.coverage((0, 0, 0.63, 1), (1, 4)).tolist() == [[True, True, True, False]]
    assert regions.coverage((0, 0, 0.62, 1), (1, 4)).tolist() == [[True, True, False, False]]


def test_no_regions_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        regions.image_bits([])
