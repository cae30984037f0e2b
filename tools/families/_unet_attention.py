"""Attention of a UNet under control: the image looks at itself in one layer (attn1) and hears the text in the next (attn2).

The pieces are those of `attention.control`; as text and image are attended to apart, each acts where it has a meaning:

    mask       who hears which text in attn2; which image tokens see each other in attn1, at the grid's resolution and coarser
    weaken     a temperature on queries in attn1, inside the mask
    observe    keyword columns from attn2; queries and keys of both

Image tokens stay in their order at every resolution, since convolutions stand between the layers. A text is not changed by the
image, so it has no rows here, and what a region says is its own: nothing of the other texts gets in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from cutwork.tools.attention.control import Control, Kind, Regions, Seen
from cutwork.tools.attention.kernels import attend, merge
from cutwork.tools.attention.rectify import rectified
from cutwork.tools.attention.regional import Class, Layout, Regional, attend_classes, joined

LEAST = 1e-30  # strengths below count as this, so that a text that is all a token hears is still heard


@dataclass(frozen=True)
class Near:
    """Who sees whom among the tokens of one resolution: sorted by class, each a slice that sees some slices, so that no mask is needed."""

    order: Tensor  # int64 (P,): which token stands at each sorted place
    back: Tensor  # int64 (P,): where each token stands
    classes: tuple[Class, ...]


@dataclass(frozen=True)
class Level:
    """Image tokens at one resolution of a UNet, during one pass.

    Args:
        size: rows and columns of its tokens. grid: those of the record, for which the layout is made.
        informative: whether its maps are recorded; the coarsest and the finest of some models tell little.
    """

    size: tuple[int, int]
    grid: tuple[int, int]
    informative: bool = True
    layout: Layout | None = None

    @cached_property
    def hears(self) -> Tensor | None:
        """Bool (P, T): which text each token hears in the regional branch."""
        return None if self.layout is None else self.layout.hears[self._sorted]

    @cached_property
    def near(self) -> Near | None:
        """Which tokens see each other while regions act; None = all. Finer than the grid all do: details are shared, subjects are not."""
        if self.layout is None or self.size[0] > self.grid[0] or self.size[1] > self.grid[1] or not any(one.far for one in self.layout.classes):
            return None
        first, classes = self.layout.image[0], self.layout.classes
        starts = torch.tensor([one.at[0] - first for one in classes], device=self.layout.back.device)
        which = torch.searchsorted(starts, self._sorted, right=True) - 1  # (P,), each token's class
        ends = [0, *torch.bincount(which, minlength=len(classes)).cumsum(0).tolist()]
        here = dict(zip(classes, zip(ends[:-1], ends[1:], strict=True), strict=True))  # where each class is at this resolution
        order = torch.argsort(which, stable=True)
        met = [(one, at) for one, at in here.items() if at[1] > at[0]]
        pieces = (
            Class(at, joined(here[other] for other in classes if any(low <= other.at[0] < high for low, high in one.near)), (), one.words) for one, at in met
        )
        return Near(order, torch.argsort(order), tuple(pieces))

    @cached_property
    def _sorted(self) -> Tensor:
        """Where the grid's token at the centre of each token stands in the layout, int64 (P,)."""
        assert self.layout is not None
        rows, columns = (((torch.arange(n) + 0.5) * of / n).long() for n, of in zip(self.size, self.grid, strict=True))
        return self.layout.back[(rows[:, None] * self.grid[1] + columns).flatten().to(self.layout.back.device)]


@dataclass(frozen=True)
class UnetProcessor:
    """The stock projections around attention under control, for one layer of one pass."""

    block: int  # which transformer block, in the order of a pass
    level: Level
    control: Control

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,  # noqa: ARG002 - stock pipelines never pass one
        temb: Tensor | None = None,  # noqa: ARG002 - for norms that a UNet's transformers do not have
    ) -> Tensor:
        """(B, P, C) to the same."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        states = ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context))
        heads = [project(x).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for project, x in states]  # q, k, v, each (B, H, L, D)
        kinds = self.control.kinds_at(self.block)
        shares = zip(kinds, *(x.chunk(len(kinds)) for x in heads), strict=True)
        act = self._among if encoder_hidden_states is None else self._hear
        out = torch.cat([attend(q, k, v)[0] if kind == "plain" else act(q, k, v, kind) for kind, q, k, v in shares])
        out = out.transpose(1, 2).flatten(2).to(hidden_states.dtype)  # (B, P, H * D)
        result: Tensor = attn.to_out[1](attn.to_out[0](out))
        return result

    def _hear(self, q: Tensor, k: Tensor, v: Tensor, kind: Kind) -> Tensor:
        """Attention to the text."""
        regions, hears = self.control.regions, self.level.hears
        if regions is None or hears is None:
            out, lse = attend(q, k, v)
            found = Regional(out, lse, lse)
        else:
            found = hear(q, k, v, regions, self.block, hears)
        if kind == "strong":
            self._record(q, k, found)
            if found.base_lse is not None:
                self._keep(q, k, None, found.base_lse)
        return found.out

    def _record(self, q: Tensor, k: Tensor, found: Regional) -> None:
        control, record, level = self.control, self.control.record, self.level
        if record is None or not level.informative:
            return
        if found.words_lse is not None:
            record.add(self.block, q, k, found.words_lse, control.keywords, level.hears, size=level.size, readers=control.readers)
        if control.regions is not None and found.base_lse is not None:
            text = control.regions.layout.base
            record.add(self.block, q, k, found.base_lse, control.base_keywords, size=level.size, readers=control.readers, text=text)

    def _among(self, q: Tensor, k: Tensor, v: Tensor, kind: Kind) -> Tensor:
        """Attention of the image to itself."""
        weak, regions = self.control.weak, self.control.regions
        near = self.level.near if regions is not None and (regions.blocks is None or self.block in regions.blocks) else None
        if kind == "weak" and weak is not None and self.block in weak.blocks:
            mean = v.mean(2, keepdim=True) if near is None else None
            return rectified(q, lambda queries, temperature: among(queries, k, v, regions, near, temperature)[0], weak.how, mean)
        out, lse = among(q, k, v, regions, near)
        if kind == "strong":
            self._keep(q, None, k, lse)
            if self.control.record is not None and self.level.informative:
                self.control.record.add_itself(self.block, q, k, size=self.level.size)
        return out

    def _keep(self, q: Tensor, words: Tensor | None, others: Tensor | None, lse: Tensor) -> None:
        """Keep what tokens of the grid look with and at, in the layout's order while there is one."""
        if self.control.kept is None or self.level.size != self.level.grid:
            return
        if self.level.layout is not None:
            order = self.level.layout.order
            q, lse, others = q[:, :, order], lse[:, :, order], None if others is None else others[:, :, order]
        self.control.kept.add(Seen(self.block, q, words, others, lse))


def hear(q: Tensor, k: Tensor, v: Tensor, regions: Regions, block: int, hears: Tensor) -> Regional:
    """Attention of image tokens to texts: to the base text, to those of their regions, and the blend (2411.02395).

    Each text is attended to by itself, so no mask is needed; what a token hears is merged by the normalisers. A region's strength
    says how much its words count against those of other regions and, as here nothing else is seen, against the base text.

    Args:
        q: (B, H, P, D). k, v: (B, H, T, D), of all texts.
        hears: bool (P, T), true somewhere in every row.
    """
    acts = regions.blocks is None or block in regions.blocks
    if regions.ratio == 1 or not (acts or regions.official):
        out, lse = _to(q, k, v, regions.layout.base)
        return Regional(out, None, lse)
    texts = regions.layout.texts
    outs, lses = (torch.stack(x) for x in zip(*(_to(q, k, v, text) for text in texts), strict=True))  # (S, B, H, P, D), (S, B, H, P)
    if acts:
        heard = torch.stack([hears[:, start] for start, _ in texts])  # (S, P)
        lses = lses.masked_fill(~heard[:, None, None], -math.inf)
    alike = regions.strengths is None or not acts or all(strength == 1 for strength in regions.strengths)
    counted = lses if alike else lses + _logs(regions.strengths or (), lses)
    out = (torch.softmax(counted, 0)[..., None].to(outs.dtype) * outs).sum(0)
    words_lse = counted.logsumexp(0)
    if not (regions.ratio > 0 or regions.base):
        return Regional(out, words_lse, None)
    base, base_lse = _to(q, k, v, regions.layout.base)
    if regions.ratio > 0:
        strength = torch.ones_like(words_lse) if alike else (words_lse - lses.logsumexp(0)).exp()
        share = regions.ratio / (regions.ratio + (1 - regions.ratio) * strength)
        out = torch.lerp(out, base, share[..., None].to(out.dtype))
    return Regional(out, words_lse, base_lse)


def among(q: Tensor, k: Tensor, v: Tensor, regions: Regions | None, near: Near | None, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Attention of image tokens to each other, and its normaliser in the branch that knows no regions.

    Args:
        near: who sees whom in the regional branch; None = there are no borders.
    """
    everything, lse = attend(q, k, v, temperature=temperature)
    if regions is None or near is None or regions.ratio == 1 or regions.soft == 1:
        return everything, lse
    out, inside_lse = attend_classes(q[:, :, near.order], k[:, :, near.order], v[:, :, near.order], near.classes, temperature)
    inside = out[:, :, near.back], inside_lse[:, :, near.back]
    if regions.soft > 0:  # near + λ far = (1 − λ) near + λ everything
        inside = merge((inside[0], inside[1] + math.log1p(-regions.soft)), (everything, lse + math.log(regions.soft)))
    return torch.lerp(inside[0], everything, regions.ratio), lse


def _to(q: Tensor, k: Tensor, v: Tensor, text: tuple[int, int]) -> tuple[Tensor, Tensor]:
    return attend(q, k[:, :, slice(*text)], v[:, :, slice(*text)])


def _logs(strengths: Sequence[float], like: Tensor) -> Tensor:
    """Logarithms of strengths, (S, 1, 1, 1)."""
    return torch.tensor([math.log(max(strength, LEAST)) for strength in strengths], device=like.device, dtype=like.dtype)[:, None, None, None]
