"""Regional attention over sorted tokens against two branches with dense masks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.tools.attention import regions
from cutwork.tools.attention.kernels import attend, merge, reference
from cutwork.tools.attention.regional import attend_regions, layout

GRID = (5, 7)
BASE = 6


def joint(texts: tuple[int, ...], dim: int = 8, heads: int = 2, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(sum(texts))
    length = sum(texts) + BASE + GRID[0] * GRID[1]
    q, k, v = (torch.randn(batch, heads, length, dim, generator=generator, dtype=torch.float64) for _ in range(3))
    return q, k, v


def two_branches(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, texts: tuple[int, ...], bits: torch.Tensor, isolate: regions.Isolation, ratio: float) -> torch.Tensor:
    """The published way: everything once with the base text, once with the regions' texts under a dense mask; image tokens unsorted."""
    t, b = sum(texts), BASE
    regional = [*range(t), *range(t + b, q.shape[2])]
    r = reference(q[:, :, regional], k[:, :, regional], v[:, :, regional], regions.mask(texts, bits, isolate))[0]
    base = reference(q[:, :, t:], k[:, :, t:], v[:, :, t:])[0]
    image = (1 - ratio) * r[:, :, t:] + ratio * base[:, :, b:]
    return torch.cat([r[:, :, :t], base[:, :, :b], image], 2)


boxes = st.tuples(*(st.floats(0, 0.8) for _ in range(2)), *(st.floats(0.15, 1) for _ in range(2))).map(lambda b: (b[0], b[1], min(1, b[0] + b[2]), min(1, b[1] + b[3])))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(boxes, min_size=1, max_size=4), st.sampled_from(["all", "regions", "none"]), st.sampled_from([0.0, 0.3, 1.0]), st.booleans()
)
def test_sorted_attention_equals_two_branches_with_dense_masks(found: list[tuple[float, ...]], isolate: regions.Isolation, ratio: float, layered: bool) -> None:
    covers = [regions.coverage(box, GRID) for box in found]  # type: ignore[arg-type]
    bits = regions.image_bits(covers, range(len(covers)) if layered else None)
    texts = tuple(3 + i for i in range(len(covers) + 1))
    where = layout(texts, BASE, bits, isolate)
    q, k, v = joint(texts)
    start = sum(texts) + BASE
    order = torch.cat([torch.arange(start), start + where.order])
    got = attend_regions(q[:, :, order], k[:, :, order], v[:, :, order], where, ratio).out
    back = torch.cat([torch.arange(start), start + where.back])
    want = two_branches(q, k, v, texts, bits, isolate, ratio)
    rows = [*range(sum(texts)), *range(sum(texts) if ratio else start, q.shape[2])]
    torch.testing.assert_close(got[:, :, back][:, :, rows], want[:, :, rows], atol=1e-5, rtol=1e-5)


def published(lengths: tuple[int, ...], covers: list[torch.Tensor]) -> torch.Tensor:
    """The mask as the published code makes it (eqs. 2-4), block by block; segment 0 is of what no region covers, which there is one more region.

    Where boxes overlap, that code takes the overlap for background too; not here.
    """
    inside = [~torch.stack(covers).any(0).flatten(), *(cover.flatten() for cover in covers)]
    text, image = sum(lengths), inside[0].numel()
    out = torch.zeros(text + image, text + image, dtype=torch.bool)
    start = 0
    for length, tokens in zip(lengths, inside, strict=True):
        own = slice(start, start + length)
        out[own, own] = True
        out[own, text:] = tokens[None, :]
        out[text:, own] = tokens[:, None]
        out[text:, text:] |= tokens[:, None] & tokens[None, :]
        start += length
    return out


@settings(deadline=None, max_examples=40)
@given(st.lists(boxes, min_size=1, max_size=4))
def test_token_bit_sets_say_what_the_published_mask_says(found: list[tuple[float, ...]]) -> None:
    covers = [regions.coverage(box, GRID) for box in found]  # type: ignore[arg-type]
    lengths = tuple(2 + i for i in range(len(covers) + 1))
    mask = regions.mask(lengths, regions.image_bits(covers), "all")
    assert torch.equal(mask, published(lengths, covers))
    assert mask.any(1).all(), "a row that sees nothing would not be a number"


def test_sorted_attention_is_two_branches_under_the_published_mask() -> None:
    texts, covers = (3, 4, 5), [regions.coverage((0, 0, 0.6, 1), GRID), regions.coverage((0.4, 0.3, 1, 1), GRID)]
    where, (q, k, v) = layout(texts, BASE, regions.image_bits(covers), "all"), joint(texts)
    t, start = sum(texts), sum(texts) + BASE
    order = torch.cat([torch.arange(start), start + where.order])
    got = attend_regions(q[:, :, order], k[:, :, order], v[:, :, order], where, 0.3).out[:, :, start:][:, :, where.back]
    regional = [*range(t), *range(start, q.shape[2])]
    inside = reference(q[:, :, regional], k[:, :, regional], v[:, :, regional], published(texts, covers))[0][:, :, t:]
    base = reference(q[:, :, t:], k[:, :, t:], v[:, :, t:])[0][:, :, BASE:]
    torch.testing.assert_close(got, 0.7 * inside + 0.3 * base, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("isolate", ["all", "regions", "none"])
def test_the_order_of_regions_changes_nothing_of_the_image(isolate: regions.Isolation) -> None:
    texts = (3, 4, 4, 4)
    covers = [regions.coverage(box, GRID) for box in ((0, 0, 0.6, 1), (0.4, 0.3, 1, 1), (0, 0.6, 1, 1))]
    q, k, v = joint(texts)
    start = sum(texts) + BASE
    outs = []
    for permuted in ([0, 1, 2], [2, 0, 1], [1, 0, 2]):
        where = layout(texts, BASE, regions.image_bits([covers[i] for i in permuted]), isolate)
        words = [*range(3), *(3 + 4 * i + t for i in permuted for t in range(4)), *range(15, start)]
        order = torch.cat([torch.tensor(words), start + where.order])
        outs.append(attend_regions(q[:, :, order], k[:, :, order], v[:, :, order], where, 0.2).out[:, :, start:][:, :, where.back])
    for other in outs[1:]:
        torch.testing.assert_close(outs[0], other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("empty", [0, 1, 2])
@pytest.mark.parametrize("soft", [0.0, 0.4])
def test_a_region_that_owns_no_image_token_has_its_text_to_itself(empty: int, soft: float) -> None:
    """Hidden by nearer ones, or too small for a cell; or no background is left."""
    texts = (3, 4, 5)
    bits = torch.tensor([1, 2, 4])[torch.arange(35) % 2 + (torch.arange(35) % 2 >= empty).long()]
    where = layout(texts, BASE, bits, "all")
    assert not bool((bits == 1 << empty).any())
    q, k, v = joint(texts)
    start = sum(texts) + BASE
    order = torch.cat([torch.arange(start), start + where.order])
    got = attend_regions(q[:, :, order], k[:, :, order], v[:, :, order], where, 0.2, soft).out
    assert torch.isfinite(got).all()
    own = slice(*where.texts[empty])
    torch.testing.assert_close(got[:, :, own], reference(q[:, :, own], k[:, :, own], v[:, :, own])[0], atol=1e-5, rtol=1e-5)
    if not soft:
        want = two_branches(q, k, v, texts, bits, "all", 0.2)
        torch.testing.assert_close(got[:, :, start:][:, :, where.back], want[:, :, start:], atol=1e-5, rtol=1e-5)


def test_the_temperature_of_image_queries_acts_inside_what_they_see() -> None:
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits)
    q, k, v = joint(texts)
    cooled = q.clone()
    cooled[:, :, where.image[0] :] *= 0.1
    got = attend_regions(q, k, v, where, 0.3, temperature=0.1).out
    torch.testing.assert_close(got, attend_regions(cooled, k, v, where, 0.3).out, atol=1e-6, rtol=1e-6)


def test_merging_is_attention_over_both_sets_of_keys() -> None:
    q, k, v = joint((4, 3))
    parts = [attend(q, k[:, :, s], v[:, :, s]) for s in (slice(0, 9), slice(9, None))]
    for got, want in zip(merge(parts[0], parts[1]), reference(q, k, v), strict=True):
        torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-6)


def test_a_normaliser_raised_by_log_two_counts_its_keys_twice() -> None:
    q, k, v = joint((4, 3))
    first, second = (attend(q, k[:, :, s], v[:, :, s]) for s in (slice(0, 9), slice(9, None)))
    got = merge(first, (second[0], second[1] + torch.log(torch.tensor(2.0))))[0]
    want = reference(q, torch.cat([k, k[:, :, 9:]], 2), torch.cat([v, v[:, :, 9:]], 2))[0]
    torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-6)


def half_and_half() -> tuple[tuple[int, ...], torch.Tensor]:
    return (3, 4, 5), regions.image_bits([regions.coverage((0, 0, 0.5, 1), GRID), regions.coverage((0.5, 0, 1, 1), GRID)])


def test_softness_leads_from_hard_borders_to_none() -> None:
    texts, bits = half_and_half()
    q, k, v = joint(texts)
    hard, free = (layout(texts, BASE, bits, isolate) for isolate in ("all", "none"))
    soft = [attend_regions(q, k, v, hard, soft=s).out for s in (0.0, 0.5, 1.0)]
    open_ = attend_regions(q, k, v, free).out
    image = slice(hard.image[0], None)
    torch.testing.assert_close(soft[2][:, :, image], open_[:, :, image], atol=1e-5, rtol=1e-5)
    gaps = [float((s - open_)[:, :, image].abs().mean()) for s in soft]
    assert gaps[0] > gaps[1] > gaps[2]


def test_normalisers_are_those_of_each_branch() -> None:
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits, "all")
    q, k, v = joint(texts)
    got = attend_regions(q, k, v, where, ratio=0.4)
    t = sum(texts)
    base = reference(q[:, :, t:], k[:, :, t:], v[:, :, t:])[1][:, :, BASE:]
    assert got.base_lse is not None
    torch.testing.assert_close(got.base_lse, base, atol=1e-5, rtol=1e-5)
    assert bool((got.words_lse < 20).all())


def test_a_batch_of_two_is_two_batches_of_one() -> None:
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits)
    q, k, v = joint(texts, batch=2)
    both = attend_regions(q, k, v, where, ratio=0.2).out
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], attend_regions(q[i : i + 1], k[i : i + 1], v[i : i + 1], where, ratio=0.2).out, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(("bits", "says"), [([1, 0, 2], "from 0"), ([1, 8, 2], "to 8")])
def test_a_token_of_no_segment_is_refused(bits: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        layout((2, 2, 2), BASE, torch.tensor(bits))


@pytest.mark.parametrize(("ratio", "soft"), [(-0.1, 0), (1.1, 0), (0, 2)])
def test_shares_outside_their_range_are_refused(ratio: float, soft: float) -> None:
    texts, bits = half_and_half()
    with pytest.raises(ValueError, match=r"wanted both in 0\.\.1"):
        attend_regions(*joint(texts), layout(texts, BASE, bits), ratio, soft)


def test_published_rasterisation_goes_by_the_middle_of_a_cell() -> None:
    mask = torch.zeros(80, 112, dtype=torch.bool)  # cells of 16 pixels
    mask[8:40, 24:72] = True  # rows 0.5 to 2.5, columns 1.5 to 4.5: of the cells cut in half those whose middle pixel is inside
    want = torch.zeros(GRID, dtype=torch.bool)
    want[0:2, 1:4] = True
    assert torch.equal(regions.nearest(mask, GRID), want)
    tiny = torch.zeros(80, 112, dtype=torch.bool)
    tiny[1:4, 1:4] = True
    assert not regions.nearest(tiny, GRID).any()
    assert regions.owned(torch.nn.functional.avg_pool2d(tiny[None].float(), 16)[0]).sum() == 1


@pytest.mark.parametrize("strengths", [(1.0, 1.0, 1.0), (0.5, 2.0, 1.0), (0.0, 1.0, 3.0)], ids=str)
def test_a_strength_counts_a_segments_words_so_often(strengths: tuple[float, ...]) -> None:
    """Against a softmax whose logits of each text are raised by the logarithm of its strength."""
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits, "all")
    q, k, v = joint(texts)
    got = attend_regions(q, k, v, where, ratio=0.3, strengths=strengths).out[:, :, where.image[0] :]
    t, start = sum(texts), where.image[0]
    raised = torch.repeat_interleave(torch.tensor(strengths, dtype=torch.float64).log(), torch.tensor(texts))
    seen = torch.cat([where.hears[:, :t], (bits[where.order][:, None] & bits[where.order][None, :]) != 0], 1)
    keys = torch.cat([k[:, :, :t], k[:, :, start:]], 2)
    logits = q[:, :, start:] @ keys.mT * q.shape[-1] ** -0.5 + torch.cat([raised, torch.zeros(len(bits), dtype=torch.float64)])
    regional = torch.softmax(logits.masked_fill(~seen, -torch.inf), -1) @ torch.cat([v[:, :, :t], v[:, :, start:]], 2)
    base = reference(q[:, :, start:], k[:, :, t:], v[:, :, t:])[0]
    torch.testing.assert_close(got, 0.7 * regional + 0.3 * base, atol=1e-5, rtol=1e-5)


def test_a_ratio_of_one_is_the_base_text_alone() -> None:
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits)
    q, k, v = joint(texts)
    got, t = attend_regions(q, k, v, where, ratio=1.0), sum(texts)
    torch.testing.assert_close(got.out[:, :, t:], reference(q[:, :, t:], k[:, :, t:], v[:, :, t:])[0], atol=1e-5, rtol=1e-5)
    assert got.words_lse is None


def test_reading_the_base_branch_changes_nothing_of_the_image() -> None:
    texts, bits = half_and_half()
    where = layout(texts, BASE, bits)
    q, k, v = joint(texts)
    unread, read = (attend_regions(q, k, v, where, read_base=flag) for flag in (False, True))
    torch.testing.assert_close(unread.out[:, :, where.image[0] :], read.out[:, :, where.image[0] :], atol=1e-6, rtol=1e-6)
    assert unread.base_lse is None
    assert read.base_lse is not None


def test_strengths_that_do_not_fit_are_refused() -> None:
    texts, bits = half_and_half()
    with pytest.raises(ValueError, match="wanted 3 of 0 or more"):
        attend_regions(*joint(texts), layout(texts, BASE, bits), strengths=(1.0, -1.0, 1.0))
