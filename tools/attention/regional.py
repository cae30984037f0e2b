"""Regional attention without doing anything twice: image tokens sorted by the regions that cover them.

The published code (2411.02395) runs each block's attention twice, over [base text | image] and over [region texts | image]
with a dense mask, though image queries, keys and values are the same in both. Here each class of image tokens is a
contiguous slice, so no mask is needed and every product of image with image is taken once:

    near    image tokens this class may see while regions act          far     the other image tokens
    words   the texts of its regions                                   base    the text of the whole prompt

    base output     = merge(near, far, base)
    regional output = merge(near, words), with soft borders merge(near, λ·far, words)
    output          = β · base output + (1 − β) · regional output

Joint order: [segment 0 (background) | segment 1 | … | base | image sorted by class].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from cutwork.tools.attention.kernels import attend, merge
from cutwork.tools.attention.regions import Isolation, together

Span = tuple[int, int]  # from, up to but without


@dataclass(frozen=True)
class Class:
    """Image tokens with the same bit-set: one slice of the joint sequence, and the slices of what they see."""

    at: Span
    near: tuple[Span, ...]
    far: tuple[Span, ...]
    words: tuple[Span, ...]


@dataclass(frozen=True)
class Layout:
    """The joint sequence while regions act."""

    order: Tensor  # int64 (P,): which image token stands at each sorted place
    back: Tensor  # int64 (P,): where each image token stands
    texts: tuple[Span, ...]  # of the segments
    seen: tuple[tuple[Span, ...], ...]  # for each segment, the image tokens of its region
    base: Span
    image: Span
    classes: tuple[Class, ...]


def layout(lengths: Sequence[int], base: int, bits: Tensor, isolate: Isolation = "regions") -> Layout:
    """Sort image tokens by their bit-sets.

    Args:
        lengths: tokens of each text segment; segment 0 is the background, segment i+1 belongs to region i.
        base: tokens of the base prompt's text.
        bits: bit-sets of the image tokens, int64 (P,), from `regions.image_bits`.
        isolate: which image tokens are kept apart, as in `regions.mask`.

    Raises:
        ValueError: if an image token has the bit of no segment.
    """
    if int(bits.min()) < 1 or int(bits.max()) >> len(lengths):
        raise ValueError(f"image tokens have bit-sets from {int(bits.min())} to {int(bits.max())}, wanted at least one of the bits of {len(lengths)} segments in each")
    ends = [0, *accumulate((*lengths, base))]
    *texts, base_span = zip(ends[:-1], ends[1:], strict=True)
    order = torch.argsort(bits, stable=True)
    sets, counts = torch.unique(bits[order], return_counts=True)
    edges = [ends[-1], *(ends[-1] + n for n in accumulate(counts.tolist()))]
    at = dict(zip(sets.tolist(), zip(edges[:-1], edges[1:], strict=True), strict=True))

    sees = dict(zip(at, together(sets[:, None], sets[None, :], isolate).tolist(), strict=True))  # for each bit-set, whether it sees each

    classes = tuple(
        Class(
            span,
            _joined(other for other, seen in zip(at.values(), sees[a], strict=True) if seen),
            _joined(other for other, seen in zip(at.values(), sees[a], strict=True) if not seen),
            _joined(text for i, text in enumerate(texts) if a >> i & 1),
        )
        for a, span in at.items()
    )
    seen = tuple(_joined(span for b, span in at.items() if b >> i & 1) for i in range(len(lengths)))
    return Layout(order, torch.argsort(order), tuple(texts), seen, base_span, (ends[-1], edges[-1]), classes)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch as one."""
    out: list[Span] = []
    for start, stop in sorted(spans):
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], stop)
        elif stop > start:
            out.append((start, stop))
    return tuple(out)


@dataclass(frozen=True)
class Regional:
    """What regional attention gives: outputs of the whole joint sequence, and normalisers for whoever reads columns."""

    out: Tensor  # (B, H, L, D)
    words_lse: Tensor  # (B, H, P), of image queries over what they see in the regional branch
    base_lse: Tensor | None  # the same in the base branch; None without one


def attend_regions(q: Tensor, k: Tensor, v: Tensor, where: Layout, ratio: float = 0.0, soft: float = 0.0) -> Regional:
    """Both branches of regional prompting, blended (2411.02395, eqs. 1–4 and 7, where its code blends: in every block's attention).

    Args:
        q, k, v: (B, H, L, D) of the joint sequence in the order of `where`.
        ratio: β, share of the base branch, 0..1; at 0 it is not computed, nor are the rows of the base text meaningful.
        soft: λ, how much image tokens of other regions count in the regional branch: 0 = borders are hard, 1 = there are none.

    Returns:
        Outputs in the same order; for ratio 0 the rows of the base text are zero.

    Raises:
        ValueError: if ratio or soft is outside 0..1, or the sequence is not as long as the layout.
    """
    if not (0 <= ratio <= 1 and 0 <= soft <= 1):
        raise ValueError(f"got ratio {ratio} and soft {soft}, wanted both in 0..1")
    if q.shape[2] != where.image[1]:
        raise ValueError(f"got {q.shape[2]} tokens, the layout has {where.image[1]}")
    out = torch.zeros_like(q)
    words_lse = q.new_empty(*q.shape[:2], where.image[1] - where.image[0], dtype=torch.float32)
    base_lse = torch.empty_like(words_lse) if ratio > 0 else None
    for text, image in zip(where.texts, where.seen, strict=True):
        out[:, :, slice(*text)] = _over(q, k, v, text, (text, *image))[0]
    if ratio > 0:
        out[:, :, slice(*where.base)] = _over(q, k, v, where.base, (where.base, where.image))[0]
    for one in where.classes:
        at, rows = slice(*one.at), slice(one.at[0] - where.image[0], one.at[1] - where.image[0])
        if ratio == 0 and not (soft and one.far):  # nothing is shared between branches: one call does
            out[:, :, at], words_lse[:, :, rows] = _over(q, k, v, one.at, (*one.words, *one.near))
            continue
        near = _over(q, k, v, one.at, one.near)
        regional = merge(near, _over(q, k, v, one.at, one.words))
        base = near
        if one.far:
            far = _over(q, k, v, one.at, one.far)
            base = merge(near, far)
            regional = merge(regional, (far[0], far[1] + math.log(soft))) if soft else regional
        words_lse[:, :, rows] = regional[1]
        if base_lse is not None:
            base = merge(base, _over(q, k, v, one.at, (where.base,)))
            base_lse[:, :, rows] = base[1]
        out[:, :, at] = torch.lerp(regional[0], base[0], ratio) if ratio > 0 else regional[0]
    return Regional(out, words_lse, base_lse)


def _over(q: Tensor, k: Tensor, v: Tensor, queries: Span, keys: Sequence[Span]) -> tuple[Tensor, Tensor]:
    """Attention of one slice of queries over some slices of keys."""
    k, v = (x[:, :, slice(*keys[0])] if len(keys) == 1 else torch.cat([x[:, :, slice(*span)] for span in keys], 2) for x in (k, v))
    return attend(q[:, :, slice(*queries)], k, v)
