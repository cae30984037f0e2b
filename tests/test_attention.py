"""Attention pieces against the obvious way of doing them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.tools.attention import kernels, regions
from cutwork.tools.attention.control import Control, joint
from cutwork.tools.attention.fuse import Origin, fuse
from cutwork.tools.attention.kernels import Sparse, attend, by_rows, columns, reference
from cutwork.tools.attention.record import Recorder, Streaming


def qkv(length: int = 40, heads: int = 3, dim: int = 16, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(length * heads + dim)
    return tuple(torch.randn(1, heads, length, dim, generator=generator).to(dtype) for _ in range(3))  # type: ignore[return-value]


def two_regions(lengths: tuple[int, ...] = (5, 7, 4), grid: tuple[int, int] = (4, 6), isolate: regions.Isolation = "all") -> torch.Tensor:
    covers = [regions.coverage((0, 0, 0.5, 1), grid), regions.coverage((0.5, 0.25, 1, 1), grid)]
    return regions.mask(lengths, regions.image_bits(covers), isolate)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 2e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_fast_attention_equals_the_float64_way(masked: bool, dtype: torch.dtype, close: float) -> None:
    q, k, v = qkv(dtype=dtype)
    mask = two_regions() if masked else None
    out, lse = attend(q, k, v, mask)
    want, want_lse = reference(q, k, v, mask)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), want.float(), atol=close, rtol=close)
    torch.testing.assert_close(lse, want_lse, atol=close, rtol=close)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_unmasked_output_is_sdpa_to_the_bit(dtype: torch.dtype) -> None:
    q, k, v = qkv(dtype=dtype)
    assert torch.equal(attend(q, k, v)[0], torch.nn.functional.scaled_dot_product_attention(q, k, v))


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 5e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 17), (33, 77), (300, 5), (257, 512), (7, 1100)])
@pytest.mark.parametrize("masked", [False, True])
def test_every_shape_equals_the_float64_way(dtype: torch.dtype, close: float, queries: int, keys: int, masked: bool) -> None:
    q, k, v = cross(queries, keys, dtype)
    mask = None
    if masked:
        mask = torch.rand(queries, keys, generator=torch.Generator().manual_seed(3)) < 0.5
        mask[:, 0] = True
    want, want_lse = reference(q, k, v, mask)
    for out, lse in (attend(q, k, v, mask), by_rows(q, k, v, mask, rows=100)):
        assert (out.shape, lse.shape, out.dtype, lse.dtype) == (q.shape, q.shape[:3], dtype, torch.float32)
        torch.testing.assert_close(out.float(), want.float(), atol=close, rtol=close)
        torch.testing.assert_close(lse, want_lse, atol=close, rtol=close)


@pytest.mark.parametrize("masked", [False, True])
def test_each_query_has_its_temperature(masked: bool) -> None:
    q, k, v = qkv()
    mask = two_regions() if masked else None
    warmth = torch.linspace(0, 1, q.shape[2])
    for temperature, factor in ((warmth, warmth[:, None]), (0.3, 0.3), (0.0, 0.0)):
        got, lse = attend(q, k, v, mask, temperature)
        logits = factor * (q @ k.mT / 4)
        logits = logits if mask is None else logits.masked_fill(~mask, -torch.inf)
        torch.testing.assert_close(got, logits.softmax(-1) @ v, atol=2e-6, rtol=2e-6)
        torch.testing.assert_close(lse, logits.logsumexp(-1), atol=2e-6, rtol=2e-6)
    assert torch.equal(attend(q, k, v, mask, torch.ones(q.shape[2]))[0], attend(q, k, v, mask)[0])


def test_text_before_or_after_the_image_is_the_same_attention_each_to_the_bit_as_its_model_has_it() -> None:
    q, k, v = qkv()
    first = joint(q, k, v, 0, Control(text=16, record=Recorder(0, (4, 6))))
    last = joint(q, k, v, 0, Control(text=16, text_last=True, record=Recorder(0, (4, 6))))
    stock = torch.nn.functional.scaled_dot_product_attention
    assert torch.equal(first, stock(q, k, v))
    image_first = [torch.cat([x[:, :, 16:], x[:, :, :16]], 2) for x in (q, k, v)]
    turned = stock(*image_first)
    assert torch.equal(last, torch.cat([turned[:, :, 24:], turned[:, :, :24]], 2))
    torch.testing.assert_close(first, last, atol=2e-6, rtol=2e-6)


def hidden_tiles(queries: int = 300, keys: int = 1100) -> torch.Tensor:
    """A mask (queries, keys) under which half of the queries see none of the first 900 keys: more than any kernel takes in at once."""
    mask = torch.ones(queries, keys, dtype=torch.bool)
    mask[queries // 2 :, :900] = False
    return mask


def cross(queries: int, keys: int, dtype: torch.dtype, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(queries + keys)
    q, k, v = (torch.randn(1, 3, length, 32, generator=generator) for length in (queries, keys, keys))
    return q.to(device, dtype), k.to(device, dtype), v.to(device, dtype)


def test_keys_that_are_hidden_from_the_first_to_the_last_of_a_tile_count_nothing() -> None:
    mask = hidden_tiles()
    q, k, v = cross(*mask.shape, torch.float32)
    for got, want in zip(attend(q, k, v, mask), reference(q, k, v, mask), strict=True):
        torch.testing.assert_close(got, want, atol=2e-6, rtol=2e-6)


@pytest.mark.parametrize("shape", [(40, 40), (1, 1, 40, 40), (1, 3, 40, 40), (1, 1, 1, 40)])
def test_a_mask_may_have_any_shape_that_fits(shape: tuple[int, ...]) -> None:
    q, k, v = qkv()
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.7
    mask[..., 0] = True
    for got, want in zip(attend(q, k, v, mask), reference(q, k, v, mask), strict=True):
        torch.testing.assert_close(got, want, atol=2e-6, rtol=2e-6)


def test_an_additive_mask_is_refused() -> None:
    q, k, v = qkv()
    with pytest.raises(ValueError, match=r"the attention mask is torch.float32, wanted bool"):
        attend(q, k, v, torch.zeros(40, 40))


def bits_of(text_first: bool, empty: bool, layered: bool = False) -> torch.Tensor:
    """Bit-sets of [text | image] or [image | text]: a background, two regions that overlap and, where asked for, one that owns no image token."""
    covers = [regions.coverage((0, 0, 0.6, 1), (4, 6)), regions.coverage((0.4, 0.25, 1, 1), (4, 6))]
    image = regions.image_bits(covers, [0, 1] if layered else None)
    text = torch.repeat_interleave(torch.tensor([1, 2, 4, *([8] if empty else [])]), 4)
    return torch.cat([text, image] if text_first else [image, text])


@pytest.mark.parametrize("text_first", [True, False])
@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 5e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_attention_by_bit_sets_equals_the_float64_way_under_the_mask_they_stand_for(text_first: bool, empty: bool, dtype: torch.dtype, close: float) -> None:
    bits = bits_of(text_first, empty)
    mask = (bits[:, None] & bits[None, :]) != 0
    q, k, v = qkv(len(bits), dtype=dtype)
    warmth = torch.linspace(0.1, 1, len(bits))
    want, want_lse = reference(q * warmth[:, None].to(dtype), k, v, mask)
    for sparse in (Sparse.by_bits(bits, bits), Sparse.of(mask)):
        out, lse = attend(q, k, v, sparse, warmth)
        assert (out.dtype, lse.dtype) == (dtype, torch.float32)
        torch.testing.assert_close(out.float(), want.float(), atol=close, rtol=close)
        torch.testing.assert_close(lse, want_lse, atol=close, rtol=close)


def test_sorted_bit_sets_are_read_without_a_copy_and_no_pair_of_tokens_is_looked_at_in_vain() -> None:
    bits = bits_of(text_first=True, empty=False, layered=True).sort().values
    sparse = Sparse.by_bits(bits, bits)
    assert sparse.back is None
    assert all(isinstance(part, slice) for rectangle in sparse.rectangles for part in rectangle)
    scores = sum((rows.stop - rows.start) * (keys.stop - keys.start) for rows, keys in sparse.rectangles)  # type: ignore[union-attr]
    assert scores == int(((bits[:, None] & bits[None, :]) != 0).sum())


def test_gradients_through_bit_sets_are_those_under_the_mask() -> None:
    bits = bits_of(text_first=True, empty=True)
    inputs = [x.double().requires_grad_() for x in qkv(len(bits))]
    gradients = []
    for function, seen in ((attend, Sparse.by_bits(bits, bits)), (reference, (bits[:, None] & bits[None, :]) != 0)):
        out, lse = function(*inputs, seen)  # type: ignore[operator]
        gradients.append(torch.autograd.grad(out.square().sum() + lse.double().square().sum(), inputs))
    for got, want in zip(*gradients, strict=True):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_a_query_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="a query may attend to no key"):
        Sparse.by_bits(torch.tensor([1, 2]), torch.tensor([1, 1]))
    with pytest.raises(ValueError, match="a query may attend to no key"):
        Sparse.of(torch.tensor([[True, False], [False, False]]))


@pytest.mark.parametrize("shape", [(300, 1100), (1, 3, 300, 1100)])
def test_a_mask_is_made_additive_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]) -> None:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(3)) < 0.5
    q, k, v = cross(300, 1100, torch.float32)
    monkeypatch.setattr(kernels, "BIAS", 3 * 20_000)
    held: list[int] = []
    bias = kernels._bias
    monkeypatch.setattr(kernels, "_bias", lambda mask, *rest: held.append(mask.numel()) or bias(mask, *rest))
    for got, want in zip(attend(q, k, v, mask), reference(q, k, v, mask), strict=True):
        torch.testing.assert_close(got, want, atol=5e-6, rtol=5e-6)
    assert max(held) <= 3 * 20_000
    assert sum(held) == mask.numel()


cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="the CUDA kernels need a CUDA device, and torch finds none on this machine")
CLOSE = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def test_what_no_cuda_kernel_takes_is_attended_to_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "_fused_sdp_choice", lambda *args: kernels.MATH)
    q, k, v = qkv()
    for got, want in zip(kernels._cuda(q, k, v, None), reference(q, k, v), strict=True):
        torch.testing.assert_close(got, want, atol=2e-6, rtol=2e-6)


def test_kernels_are_counted_as_torch_counts_them() -> None:
    backends = torch.nn.attention.SDPBackend
    assert [int(b) for b in (backends.MATH, backends.FLASH_ATTENTION, backends.CUDNN_ATTENTION)] == [kernels.MATH, kernels.FLASH, kernels.CUDNN]


@cuda
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(("queries", "keys"), [(64, 64), (300, 300), (33, 77), (1, 17)])
@pytest.mark.parametrize("masked", [False, True])
def test_cuda_attention_equals_the_float64_way(dtype: torch.dtype, queries: int, keys: int, masked: bool) -> None:
    """Flash (half precision, no mask) and memory-efficient kernels, on lengths that do and do not meet their alignment."""
    q, k, v = cross(queries, keys, dtype, "cuda")
    mask = None
    if masked:
        mask = (torch.rand(queries, keys, generator=torch.Generator().manual_seed(3)) < 0.5).to("cuda")
        mask[:, 0] = True
    (out, lse), (want, want_lse) = attend(q, k, v, mask), reference(q, k, v, mask)
    assert (out.shape, lse.shape, out.dtype, lse.dtype) == (q.shape, q.shape[:3], dtype, torch.float32)
    torch.testing.assert_close(out.float(), want.float(), atol=CLOSE[dtype], rtol=CLOSE[dtype])
    torch.testing.assert_close(lse, want_lse, atol=CLOSE[dtype], rtol=CLOSE[dtype])


@cuda
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(300, 1100), (1, 1, 300, 1100), (1, 3, 300, 1100)])
def test_cuda_kernels_stand_tiles_that_are_hidden_whole(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    mask = hidden_tiles().to("cuda").expand(shape)
    q, k, v = cross(300, 1100, dtype, "cuda")
    for got, want in zip(attend(q, k, v, mask), reference(q, k, v, mask), strict=True):
        torch.testing.assert_close(got.float(), want.float(), atol=CLOSE[dtype], rtol=CLOSE[dtype])


@cuda
@pytest.mark.parametrize("dtype", CLOSE)
def test_cuda_attention_by_bit_sets_equals_the_float64_way(dtype: torch.dtype) -> None:
    bits = bits_of(text_first=True, empty=True).to("cuda")
    q, k, v = (x.to("cuda") for x in qkv(len(bits), dtype=dtype))
    for got, want in zip(attend(q, k, v, Sparse.by_bits(bits, bits)), reference(q, k, v, (bits[:, None] & bits[None, :]) != 0), strict=True):
        torch.testing.assert_close(got.float(), want.float(), atol=CLOSE[dtype], rtol=CLOSE[dtype])


@cuda
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("masked", [False, True])
def test_cuda_gradients_pass_through_the_normaliser(dtype: torch.dtype, masked: bool) -> None:
    """Of every kernel, against autograd through the softmax written out."""
    mask = two_regions().to("cuda") if masked else None
    inputs = [x.to("cuda").requires_grad_() for x in qkv(dtype=dtype)]
    gradients = []
    for function in (attend, reference):
        out, lse = function(*inputs, mask)  # type: ignore[operator]
        gradients.append(torch.autograd.grad(out.float().square().sum() + lse.square().sum(), inputs))
    for got, want in zip(*gradients, strict=True):
        torch.testing.assert_close(got.float(), want.float(), atol=10 * CLOSE[dtype], rtol=10 * CLOSE[dtype])


@cuda
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("dim", [16, 64, 128])
def test_cuda_unmasked_output_is_sdpa_to_the_bit(dtype: torch.dtype, dim: int) -> None:
    q, k, v = (x.to("cuda") for x in qkv(300, dim=dim, dtype=dtype))
    assert torch.equal(attend(q, k, v)[0], torch.nn.functional.scaled_dot_product_attention(q, k, v))


@cuda
@pytest.mark.parametrize("masked", [False, True])
def test_cuda_keyword_maps_are_those_of_the_cpu(masked: bool) -> None:
    mask = two_regions() if masked else None
    q, k, v = qkv()
    maps = []
    for device in ("cpu", "cuda"):
        on = tuple(x.to(device) for x in (q, k, v))
        there = None if mask is None else mask.to(device)
        recorder = Recorder(2, (4, 6))
        recorder.add(0, on[0][:, :, 16:], on[1][:, :, :16], attend(*on, there)[1][:, :, 16:], ((2, 3), (5,)), None if there is None else there[16:, :16])
        maps.append(recorder.stack().float())
    torch.testing.assert_close(maps[1], maps[0], atol=1e-3, rtol=1e-3)


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


def test_a_hidden_key_weighs_nothing_however_well_it_fits() -> None:
    """Its logit is so far above what the query sees that its exponential overflows."""
    q = torch.full((1, 1, 2, 4), 20.0)
    k = torch.cat([torch.full((1, 1, 1, 4), 20.0), torch.zeros(1, 1, 1, 4)], dim=2)
    visible = torch.tensor([[False, True], [True, True]])
    _, lse = attend(q, k, torch.zeros_like(k), visible)
    torch.testing.assert_close(columns(q, k, lse, visible)[0, 0], torch.tensor([[0.0, 1.0], [1.0, 0.0]]))


def test_a_column_is_what_an_indicator_value_would_have_carried() -> None:
    q, k, v = qkv()
    indicator = torch.zeros_like(v)
    indicator[:, :, 7, 0] = 1
    _, lse = attend(q, k, v)
    torch.testing.assert_close(columns(q, k[:, :, 7:8], lse)[..., 0], attend(q, k, indicator)[0][..., 0], atol=1e-5, rtol=1e-5)


def test_recorder_averages_heads_and_sums_a_subjects_tokens() -> None:
    q, k, v = qkv()
    _, lse = attend(q, k, v)
    recorder = Recorder(2, (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], lse[:, :, 16:], ((2, 3), (5,)))
    weights = (q @ k.mT / 4).softmax(-1)[:, :, 16:, :16].mean(1)[0]
    got = recorder.stack().float()[0].flatten(1) / 24  # kept in units of 1 / image tokens, in half precision
    torch.testing.assert_close(got[0], weights[:, 2] + weights[:, 3], atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(got[1], weights[:, 5], atol=1e-5, rtol=1e-3)


def test_encoders_are_recorded_apart_however_unequal_their_masses_are() -> None:
    """With the first encoder's words loud, together they would be all that is seen."""
    q, k, v = qkv()
    q[:, :, 16:, 0], k[:, :, 2, 0], k[:, :, 9, 0] = 2.0, 6.0, -6.0  # logits of 3 and of -3
    lse = attend(q, k, v)[1][:, :, 16:]
    weights = (q @ k.mT / 4).softmax(-1)[:, :, 16:, :16].mean(1)[0]
    apart, together = Recorder(2, (4, 6)), Recorder(2, (4, 6))
    readers = (frozenset(range(8)), frozenset(range(8, 16)))
    apart.add(3, q[:, :, 16:], k[:, :, :16], lse, ((2, 9), (5,)), readers=readers)
    together.add(3, q[:, :, 16:], k[:, :, :16], lse, ((2, 9), (5,)))
    assert (apart.blocks, apart.steps, len(together.maps)) == ([3, 3], [0, 0], 1)
    first, second = apart.stack().float().flatten(2) / 24
    torch.testing.assert_close(first, torch.stack([weights[:, 2], weights[:, 5]]), atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(second, torch.stack([weights[:, 9], torch.zeros(24)]), atol=1e-5, rtol=1e-3)
    assert float(first[0].sum()) > 5 * float(second[0].sum())
    unit = torch.stack([(m - m.min()) / (m.max() - m.min()) for m in (first[0], second[0])]).mean(0)
    unit = (unit - unit.min()) / (unit.max() - unit.min())
    torch.testing.assert_close(fuse(apart.stack(), "mean")[0].flatten(), unit, atol=2e-3, rtol=2e-3)
    assert float((fuse(together.stack(), "mean")[0].flatten() - unit).abs().max()) > 0.1


def test_an_encoder_that_reads_no_keyword_has_no_maps() -> None:
    q, k, v = qkv()
    recorder = Recorder(1, (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:], ((9,),), readers=(frozenset(range(8)), frozenset(range(8, 16))))
    assert recorder.stack().shape == (1, 1, 4, 6)


def test_chosen_heads_and_steps_are_recorded_alone() -> None:
    q, k, v = qkv()
    lse = attend(q, k, v)[1][:, :, 16:]
    recorder = Recorder(1, (4, 6), heads=(0, 2), span=(0.25, 0.75))
    for step in range(4):
        recorder.at(step, step / 4)
        recorder.add(0, q[:, :, 16:], k[:, :, :16], lse, ((2,),))
    assert recorder.steps == [1, 2]
    wanted = (q @ k.mT / 4).softmax(-1)[0, [0, 2], 16:, 2].mean(0)
    torch.testing.assert_close(recorder.stack().float()[0, 0].flatten() / 24, wanted, atol=1e-5, rtol=1e-3)
    with pytest.raises(ValueError, match=r"got heads \[3\], block 0 has 3"):
        Recorder(1, (4, 6), heads=(3,)).add(0, q[:, :, 16:], k[:, :, :16], lse, ((2,),))


@pytest.mark.parametrize("masked", [False, True])
def test_maps_over_the_words_alone_are_a_softmax_over_them(masked: bool) -> None:
    q, k, v = qkv()
    recorder = Recorder(1, (4, 6), words=True)
    visible = two_regions()[16:, :16] if masked else None
    text = None if masked else (4, 16)
    recorder.add(0, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:], ((6,),), visible, text=text)
    logits = (q @ k.mT / 4)[:, :, 16:, :16]
    logits = logits[..., 4:] if visible is None else logits.masked_fill(~visible, -torch.inf)
    wanted = logits.softmax(-1)[0, :, :, 6 if masked else 2].mean(0)
    torch.testing.assert_close(recorder.stack().float().flatten() / 24, wanted, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("weight", ["entropy", "mean", "window"])
def test_maps_that_are_fused_while_they_arrive_are_those_that_are_fused_later(weight: str) -> None:
    kept, fused = Recorder(2, (4, 6)), Recorder(2, (4, 6), streaming=Streaming(weight, 3, 2))
    for recorder in (kept, fused):
        for step in range(2):
            for block in range(3):
                q, k, v = (x + block + 10 * step for x in qkv(dim=16 + 8 * block))
                recorder.at(step, step / 2)
                visible = two_regions()[16:, :16] if block == 1 else None
                both = [torch.cat([x, x.flip(2)]) for x in (q, k, v)]
                recorder.add(block, both[0][:, :, 16:], both[1][:, :, :16], attend(*both)[1][:, :, 16:], ((2,), (5, 6)), visible)
    assert not fused.maps
    assert (fused.origins(), fused.stack(1).shape) == (([0], [0]), (1, 2, 4, 6))
    for image in (0, 1):
        later = fuse(kept.stack(image), weight, Origin.of(kept.blocks, kept.steps))
        torch.testing.assert_close(fused.stack(image)[0].float(), later, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(fused.looked(image), kept.looked(image), atol=1e-4, rtol=1e-4)


def test_recorder_without_keywords_keeps_nothing() -> None:
    q, k, v = qkv()
    recorder = Recorder(2, (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:], ((), ()))
    assert recorder.stack().shape == (0, 2, 4, 6)


def test_recorder_tells_maps_that_a_mask_decided_from_open_ones() -> None:
    """Also where the words change in between, as they do from the regional to the plain prompt."""
    q, k, v = qkv()
    mask = two_regions()
    recorder = Recorder(2, (4, 6))
    recorder.add(0, q[:, :, 16:], k[:, :, :16], attend(q, k, v, mask)[1][:, :, 16:], ((2,), (5,)), mask[16:, :16])
    recorder.add(1, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:], ((7, 8), ()))
    weights = (q @ k.mT / 4).softmax(-1)[:, :, 16:, :16].mean(1)[0]
    got = recorder.unmasked().float().flatten(2) / 24
    assert (recorder.masked, recorder.stack().shape, got.shape) == ([True, False], (2, 2, 4, 6), (1, 2, 24))
    torch.testing.assert_close(got[0, 0], weights[:, 7] + weights[:, 8], atol=1e-5, rtol=1e-3)
    assert got[0, 1].max() == 0, "a subject that is not named is not looked for"
    hidden = ~mask[16:, 5].reshape(4, 6)  # token 5 is of the left region's text
    assert recorder.stack()[0, 1][hidden].max() == 0
    assert recorder.stack()[0, 1][~hidden].min() > 0


def test_recorder_keeps_images_of_a_batch_apart_and_puts_sorted_tokens_back() -> None:
    q, k, v = (torch.cat([x, x.flip(2)]) for x in qkv())
    lse = attend(q, k, v)[1]
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    plain, both = Recorder(1, (4, 6)), Recorder(1, (4, 6))
    plain.add(0, q[1:, :, 16:], k[1:, :, :16], lse[1:, :, 16:], ((2, 3),))
    both.add(0, q[:, :, 16:][:, :, order], k[:, :, :16], lse[:, :, 16:][:, :, order], ((2, 3),), back=torch.argsort(order))
    torch.testing.assert_close(both.stack(image=1), plain.stack())
    assert not torch.equal(both.stack(image=0), plain.stack())


def test_recorder_looks_only_where_it_is_asked_to() -> None:
    q, k, v = qkv()
    recorder = Recorder(1, (4, 6), only=frozenset({2}))
    for block in range(4):
        recorder.add(block, q[:, :, 16:], k[:, :, :16], attend(q, k, v)[1][:, :, 16:], ((2,),))
    assert recorder.blocks == [2]


@pytest.mark.parametrize(("tokens", "keywords", "says"), [(23, ((2,),), r"wanted \(images, heads, 24, dim\) for a grid of 4x6"), (24, ((2,), (3,)), "got 2 keywords, wanted 1")])
def test_recorder_refuses_what_was_not_announced(tokens: int, keywords: tuple[tuple[int, ...], ...], says: str) -> None:
    recorder = Recorder(1, (4, 6))
    with pytest.raises(ValueError, match=says):
        recorder.add(0, torch.zeros(1, 3, tokens, 16), torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, tokens), keywords)


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


def test_a_shape_without_a_cell_of_its_own_gets_the_one_it_covers_most() -> None:
    share = torch.tensor([[0.1, 0.3], [0.0, 0.2]], dtype=torch.float64)
    assert regions.owned(share).tolist() == [[False, True], [False, False]]
    assert regions.owned(torch.tensor([[0.1, 0.5], [0.9, 0.49]])).tolist() == [[False, True], [True, False]]
    with pytest.raises(ValueError, match="covers none of the 2x2 cells"):
        regions.owned(torch.zeros(2, 2))


def test_coverage_takes_cells_that_are_half_covered() -> None:
    assert regions.coverage((0, 0, 0.5, 1), (1, 4)).tolist() == [[True, True, False, False]]
    assert regions.coverage((0, 0, 0.63, 1), (1, 4)).tolist() == [[True, True, True, False]]
    assert regions.coverage((0, 0, 0.62, 1), (1, 4)).tolist() == [[True, True, False, False]]


def test_no_regions_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        regions.image_bits([])


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_pass_through_the_normaliser(masked: bool) -> None:
    """Against autograd through the softmax written out."""
    mask = two_regions() if masked else None
    inputs = [x.double().requires_grad_() for x in qkv()]
    weights, shares = torch.randn(inputs[0].shape, dtype=torch.float64), torch.randn(inputs[0].shape[:3], dtype=torch.float64)
    gradients = []
    for function in (attend, reference):
        out, lse = function(*inputs, mask)
        gradients.append(torch.autograd.grad((out * weights).sum() + (lse.double() * shares).sum(), inputs))
    for got, want in zip(*gradients, strict=True):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)
