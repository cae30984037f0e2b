"""What happens inside the attention of one forward pass: one function for every model whose text and image attend jointly.

A family says where queries, keys and values come from; everything a technique does with them is here, in this order:

    mask       who sees whom, by regions                            (`Regions`)
    weaken     a temperature on image queries, inside the mask       (`Weak`, in weak samples only)
    observe    record keyword columns, keep queries and keys         (`Recorder`, `Kept`, from strong samples only)

Joint order is [text | image]; while regions act the text is [segment 0 | segment 1 | … | base] and the image sorted, as in
`regional.Layout`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from cutwork.tools.attention.kernels import attend
from cutwork.tools.attention.record import Keywords, Readers, Recorder
from cutwork.tools.attention.rectify import Rectify, rectified
from cutwork.tools.attention.regional import Layout, Regional, attend_regions

Kind = Literal["plain", "strong", "weak"]


class Enough(Exception):
    """Raised out of a forward pass once everything that was wanted of it has been seen. Not an error."""


@dataclass(frozen=True)
class Regions:
    """Regional prompting in one forward pass (2411.02395).

    Args:
        layout: the joint sequence.
        ratio, soft, strengths: as in `attend_regions`.
        base: compute the base branch also where its share is 0, for whoever reads its normaliser.
        blocks: where regions act; None = everywhere. Elsewhere the image hears the base text alone.
        official: elsewhere do as the published code does: both branches, with nothing kept apart.
    """

    layout: Layout
    ratio: float = 0.0
    soft: float = 0.0
    strengths: tuple[float, ...] | None = None
    base: bool = False
    blocks: frozenset[int] | None = None
    official: bool = False

    def attend(self, q: Tensor, k: Tensor, v: Tensor, block: int, temperature: float = 1.0) -> Regional:
        """Attention of one block, shapes as in `attend_regions`; the temperature is that of image queries."""
        if self.blocks is None or block in self.blocks:
            return attend_regions(q, k, v, self.layout, self.ratio, self.soft, self.strengths, self.base, temperature)
        if self.official:
            return attend_regions(q, k, v, self._open, self.ratio, read_base=self.base, temperature=temperature)
        return attend_regions(q, k, v, self.layout, 1.0, temperature=temperature)

    @cached_property
    def _open(self) -> Layout:
        return self.layout.opened()


@dataclass(frozen=True)
class Weak:
    """Which attention of a weak branch is flattened (2504.13987).

    Args:
        forks: both branches run in one pass and share all blocks before the first of `blocks`, where the batch is doubled to
            [strong | weak]. Else every sample is weak.
    """

    how: Rectify
    blocks: frozenset[int]
    forks: bool = True

    @property
    def first(self) -> int:
        return min(self.blocks)


@dataclass(frozen=True)
class Seen:
    """What one block's image tokens look with and at, heads apart: enough for any row or column of its attention.

    Where text and image are attended to apart, one of words and others is None.
    """

    block: int
    image: Tensor  # queries (B, H, P, D)
    words: Tensor | None  # text keys (B, H, T, D)
    others: Tensor | None  # image keys (B, H, P, D)
    lse: Tensor  # (B, H, P), of the plain prompt's branch


@dataclass
class Kept:
    """Queries, keys and normalisers of chosen blocks, with their gradient, for a loss over what they attend to.

    Args:
        blocks: which blocks.
        stop: leave the forward pass by `Enough` after the last of them; else go on without gradient.
        recompute: hold no activations for the gradient but compute them again: less memory, more time.
    """

    blocks: frozenset[int]
    stop: bool = False
    recompute: bool = False
    found: list[Seen] = field(default_factory=list)

    @property
    def last(self) -> int:
        return max(self.blocks)

    def add(self, seen: Seen) -> None:
        """Keep a block's; a second look, as recomputing for a gradient takes, changes nothing."""
        if seen.block in self.blocks and all((seen.block, seen.words is None) != (other.block, other.words is None) for other in self.found):
            self.found.append(seen)


@dataclass(frozen=True)
class Control:
    """Everything a forward pass is controlled by. The default does nothing.

    Args:
        text: how many tokens of the joint sequence are text.
        keywords: tokens that name each subject, as the strong branch (while regions act: the regional one) sees them.
        base_keywords: the same in the base text, while regions act beside a base branch.
        readers: which of the text tokens come from each text encoder, where there are several: their keywords are recorded apart.
        kinds: what equal shares of the batch are, in order.
        text_last: the stock model has text after the image; where all attend to all, its order is kept, since sums in another round otherwise.
    """

    text: int = 0
    keywords: Keywords = ()
    base_keywords: Keywords = ()
    readers: Readers = ()
    regions: Regions | None = None
    record: Recorder | None = None
    weak: Weak | None = None
    kept: Kept | None = None
    kinds: tuple[Kind, ...] = ("strong",)
    text_last: bool = False

    @property
    def active(self) -> bool:
        return not (self.regions is None and self.record is None and self.weak is None and self.kept is None)

    def kinds_at(self, block: int) -> tuple[Kind, ...]:
        """What equal shares of the batch are in this block."""
        if self.weak is None:
            return self.kinds
        if not self.weak.forks:
            return ("weak",)
        return ("strong",) if block < self.weak.first else ("strong", "weak")


def joint(q: Tensor, k: Tensor, v: Tensor, block: int, control: Control) -> Tensor:
    """Attention of one block under control.

    Args:
        q, k, v: (B, H, T + P, D), normalised and rotated.

    Returns:
        (B, H, T + P, D).
    """
    kinds = control.kinds_at(block)
    run = {"plain": _plain, "strong": _strong, "weak": _weak}
    shares = zip(kinds, *(x.chunk(len(kinds)) for x in (q, k, v)), strict=True)
    outs = [run[kind](q, k, v, block, control) for kind, q, k, v in shares]
    return outs[0] if len(outs) == 1 else torch.cat(outs)


def _all(q: Tensor, k: Tensor, v: Tensor, control: Control) -> tuple[Tensor, Tensor]:
    """Attention of all to all and its normaliser, to the bit as the stock model has it."""
    if not control.text_last:
        return attend(q, k, v)
    out, lse = attend(*(x.roll(-control.text, 2) for x in (q, k, v)))
    return out.roll(control.text, 2), lse.roll(control.text, 2)


def _plain(q: Tensor, k: Tensor, v: Tensor, block: int, control: Control) -> Tensor:  # noqa: ARG001
    return _all(q, k, v, control)[0]


def _strong(q: Tensor, k: Tensor, v: Tensor, block: int, control: Control) -> Tensor:
    t, record = control.text, control.record
    image, words = q[:, :, t:], k[:, :, :t]
    base_lse: Tensor | None
    if control.regions is None:
        out, lse = _all(q, k, v, control)
        base_lse = lse[:, :, t:]
        if record is not None:
            record.add(block, image, words, lse[:, :, t:], control.keywords, readers=control.readers)
    else:
        found, layout = control.regions.attend(q, k, v, block), control.regions.layout
        out, base_lse = found.out, found.base_lse
        if record is not None and found.words_lse is not None:
            record.add(block, image, words, found.words_lse, control.keywords, layout.hears, layout.back, readers=control.readers)
        if record is not None and base_lse is not None:
            record.add(block, image, words, base_lse, control.base_keywords, None, layout.back, readers=control.readers, text=layout.base)
    if record is not None and record.itself:
        record.add_itself(block, image, k[:, :, t:], None if control.regions is None else control.regions.layout.back)
    if control.kept is not None and base_lse is not None:
        control.kept.add(Seen(block, image, words, k[:, :, t:], base_lse))
    return out


def _weak(q: Tensor, k: Tensor, v: Tensor, block: int, control: Control) -> Tensor:
    weak, regions, t = control.weak, control.regions, control.text

    def whole(image: Tensor, temperature: float = 1.0) -> Tensor:
        queries = torch.cat([q[:, :, :t], image], 2)
        if regions is not None:
            return regions.attend(queries, k, v, block, temperature).out
        each = torch.ones(queries.shape[2], device=q.device, dtype=q.dtype)  # text is as decided as ever
        each[t:] = temperature
        return attend(queries, k, v, temperature=each)[0]

    if weak is None or block not in weak.blocks:
        return attend(q, k, v)[0] if regions is None else regions.attend(q, k, v, block).out
    if regions is None and weak.how.flat:  # nothing to compare: every key counts alike
        return torch.cat([attend(q[:, :, :t], k, v)[0], rectified(q[:, :, t:], whole, weak.how, v.mean(2, keepdim=True))], 2)
    text: list[Tensor] = []

    def look(image: Tensor, temperature: float) -> Tensor:
        out = whole(image, temperature)
        text[:] = [out[:, :, :t]]  # text rows do not depend on the image's queries
        return out[:, :, t:]

    image = rectified(q[:, :, t:], look, weak.how)
    return torch.cat([*text, image], 2)

