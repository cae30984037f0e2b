"""Regional attention without doing anything twice: image tokens sorted by the regions that cover them.

The published code (2411.02395) runs each block's attention twice, over [base text | image] and over [region texts | image]
with a dense mask, though image queries, keys and values are the same in both. Here each class of image tokens is a
contiguous slice, so no mask is needed and every product of image with image is taken once:

    near    image tokens this class may see while regions act          far     the other image tokens
    words   the texts of its regions                                   base    the text of the whole prompt

    base output     = merge(near, far, base)
    regional output = merge(near, words), with soft borders and strengths merge(near, λ·far, s₁·words₁, s₂·words₂, …)
    output          = β · base output + (1 − β) · regional output

Joint order: [segment 0 (background) | segment 1 | … | base | image sorted by class].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    words: tuple[int, ...]  # which text segments


@dataclass(frozen=True)
class Layout:
    """The joint sequence while regions act."""

    order: Tensor  # int64 (P,): which image token stands at each sorted place
    back: Tensor  # int64 (P,): where each image token stands
    hears: Tensor  # bool (P, T): which text each sorted image token may see in the regional branch
    texts: tuple[Span, ...]  # of the segments
    seen: tuple[tuple[Span, ...], ...]  # for each segment, what it sees beside itself
    base: Span
    image: Span
    classes: tuple[Class, ...]

    def to(self, device: torch.device) -> Layout:
        """The same with its tensors on a device."""
        return replace(self, order=self.order.to(device), back=self.back.to(device), hears=self.hears.to(device))

    def opened(self) -> Layout:
        """The same sequence with nothing kept apart: every segment and every image token sees all of both, as in blocks that the published code leaves out."""
        everything = tuple(joined((*(t for t in self.texts if t != text), self.image)) for text in self.texts)
        hears = self.hears.clone()
        hears[:, : self.base[0]] = True
        return replace(self, hears=hears, seen=everything, classes=(Class(self.image, (self.image,), (), tuple(range(len(self.texts)))),))


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
            joined(other for other, seen in zip(at.values(), sees[a], strict=True) if seen),
            joined(other for other, seen in zip(at.values(), sees[a], strict=True) if not seen),
            tuple(i for i in range(len(texts)) if a >> i & 1),
        )
        for a, span in at.items()
    )
    seen = tuple(joined(span for b, span in at.items() if b >> i & 1) for i in range(len(lengths)))
    owner = torch.repeat_interleave(torch.tensor([*(1 << i for i in range(len(lengths))), 0]), torch.tensor([*lengths, base]))
    hears = (bits[order][:, None] & owner[None, :]) != 0
    return Layout(order, torch.argsort(order), hears, tuple(texts), seen, base_span, (ends[-1], edges[-1]), classes)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch as one, those of nothing left out."""
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
    words_lse: Tensor | None  # (B, H, P), of image queries over what they see in the regional branch; None without one
    base_lse: Tensor | None  # the same in the base branch; None without one


def attend_regions(
    q: Tensor, k: Tensor, v: Tensor, where: Layout, ratio: float = 0.0, soft: float = 0.0, strengths: Sequence[float] | None = None, read_base: bool = False,
    temperature: float = 1.0,
) -> Regional:  # fmt: skip
    """Both branches of regional prompting, blended (2411.02395, eqs. 1–4 and 7, where its code blends: in every block's attention).

    Args:
        q, k, v: (B, H, L, D) of the joint sequence in the order of `where`.
        ratio: β, share of the base branch, 0..1; at 0 that is not computed, nor are the rows of the base text meaningful; at 1
            the image hears the base text alone.
        soft: λ, how much image tokens of other regions count in the regional branch: 0 = borders are hard, 1 = there are none.
        strengths: how much the words of each segment count against what else is seen; None = each 1.
        read_base: compute the base branch also at ratio 0.
        temperature: factor on the logits of image queries, inside what they may see.

    Returns:
        Outputs in the same order; without a base branch the rows of the base text are zero.

    Raises:
        ValueError: if ratio or soft is outside 0..1, a strength is negative, or the sequence is not as long as the layout.
    """
    if not (0 <= ratio <= 1 and 0 <= soft <= 1):
        raise ValueError(f"got ratio {ratio} and soft {soft}, wanted both in 0..1")
    if q.shape[2] != where.image[1]:
        raise ValueError(f"got {q.shape[2]} tokens, the layout has {where.image[1]}")
    strengths = [1.0] * len(where.texts) if strengths is None else strengths
    if len(strengths) != len(where.texts) or min(strengths) < 0:
        raise ValueError(f"got strengths {list(strengths)}, wanted {len(where.texts)} of 0 or more")
    out = torch.zeros_like(q)
    for text, image in zip(where.texts, where.seen, strict=True):
        out[:, :, slice(*text)] = _over(q, k, v, text, (text, *image))[0]
    with_base = ratio > 0 or read_base
    if with_base:
        out[:, :, slice(*where.base)] = _over(q, k, v, where.base, (where.base, where.image))[0]
    if ratio == 1:
        out[:, :, slice(*where.image)], base_lse = _over(q, k, v, where.image, (where.base, where.image), temperature)
        return Regional(out, None, base_lse)
    words_lse, base_lse = (q.new_empty(*q.shape[:2], where.image[1] - where.image[0], dtype=torch.float32) for _ in range(2))
    for one in where.classes:
        regional, base = _branches(q, k, v, where, one, with_base, soft, strengths, temperature)
        rows = slice(one.at[0] - where.image[0], one.at[1] - where.image[0])
        words_lse[:, :, rows] = regional[1]
        if base is not None:
            base_lse[:, :, rows] = base[1]
        out[:, :, slice(*one.at)] = regional[0] if base is None or ratio == 0 else torch.lerp(regional[0], base[0], ratio)
    return Regional(out, words_lse, base_lse if with_base else None)


def _branches(
    q: Tensor, k: Tensor, v: Tensor, where: Layout, one: Class, with_base: bool, soft: float, strengths: Sequence[float], temperature: float
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor] | None]:
    """Output and normaliser of one class of image tokens in the regional branch, and in the base branch if there is one."""

    def over(keys: Sequence[Span]) -> tuple[Tensor, Tensor]:
        return _over(q, k, v, one.at, keys, temperature)

    texts = [where.texts[i] for i in one.words]
    softly = soft > 0 and bool(one.far)
    alike = all(strengths[i] == 1 for i in one.words)
    if alike and not with_base and not softly:  # nothing is shared between branches: one call does
        return over(joined((*texts, *one.near))), None
    near = regional = over(one.near)
    for words, strength in [(joined(texts), 1.0)] if alike else [((where.texts[i],), strengths[i]) for i in one.words]:
        regional = merge(regional, _counted(over(words), strength))
    if not softly:
        return regional, merge(near, over(joined((where.base, *one.far)))) if with_base else None
    far = over(one.far)
    regional = merge(regional, _counted(far, soft))
    return regional, merge(merge(near, far), over((where.base,))) if with_base else None


def _counted(part: tuple[Tensor, Tensor], times: float) -> tuple[Tensor, Tensor]:
    """A partial attention whose keys count a number of times, which may be a share."""
    return part if times == 1 else (part[0], part[1] + (math.log(times) if times > 0 else -math.inf))


def attend_classes(q: Tensor, k: Tensor, v: Tensor, classes: Sequence[Class], temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Attention of the picture to itself: tokens (B, H, P, D), sorted by class, each over those of its class's `near` alone; with its normaliser (B, H, P).

    Spans count from the first image token.
    """
    outs, lses = zip(*(_over(q, k, v, one.at, one.near, temperature) for one in classes), strict=True)
    return torch.cat(outs, 2), torch.cat(lses, 2)


def _over(q: Tensor, k: Tensor, v: Tensor, queries: Span, keys: Sequence[Span], temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Attention of one slice of queries over some slices of keys."""
    k, v = (x[:, :, slice(*keys[0])] if len(keys) == 1 else torch.cat([x[:, :, slice(*span)] for span in keys], 2) for x in (k, v))
    return attend(q[:, :, slice(*queries)], k, v, temperature=temperature)
