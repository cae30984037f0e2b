"""Keyword maps: how much every image token attends to the words that name each subject, exactly, at every block and step.

    M[p] = mean_h Σ_{k∈T} exp(q_p·k_k/√d − LSE_p)          T = the tokens that name the subject

Post-norm, post-RoPE queries and keys; heads averaged as probabilities (2503.10697; conventions of DAAM and Alfie). The sum
over T is the mass an image token gives to the subject's words; maps are min-maxed before they are fused, so sum and mean
fuse alike. LSE is over words and picture, or, where asked for, over the words alone. Where a model reads the prompt by several text
encoders, the words of each make maps of their own: together the louder one would be all that is seen.

Maps are kept in half precision on the device they arose on, in units of 1 / image tokens: as probabilities they would be
subnormal on large grids. Nothing waits for the device between the first block under a set of keywords and `stack`. Or none is kept, and
they are fused while they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from cutwork.tools.attention.fuse import Fusion, Origin, fuse
from cutwork.tools.attention.kernels import Sparse, attend, columns
from cutwork.tools.attention.propagate import affinity

Keywords = tuple[tuple[int, ...], ...]  # for each subject the indices of its tokens
Readers = tuple[frozenset[int], ...]  # for each text encoder the indices of its tokens
LARGEST = 60_000.0  # just within half precision; a map of a canvas of 2048x2048 reaches 16,384
LOOKED = "entropy"  # the fusion that tells where a model looked of its own accord
COARSE = 32  # rows and columns, at most, of the grid on which the picture's attention to itself is kept


@dataclass(frozen=True)
class Streaming:
    """Maps are fused while they arrive and none is kept.

    Args:
        weight: a name of `fuse.WEIGHTS`. blocks, steps: how many the drawing has.
    """

    weight: str
    blocks: int
    steps: int


@dataclass
class Recorder:
    """Collects one map per (block, step), keyword and text encoder, heads averaged, in order of arrival.

    Args:
        count: of the keywords.
        grid: image token rows and columns.
        only: blocks to record; None = all.
        heads: of which the mean is taken; none = all.
        words: columns of a softmax over the words alone.
        span: shares of the steps between which maps are recorded.
        streaming: fuse and keep none; None = keep all.
        itself: keep also how much image tokens attend to each other, the mean of all blocks and steps.
    """

    count: int
    grid: tuple[int, int]
    only: frozenset[int] | None = None
    heads: tuple[int, ...] = ()
    words: bool = False
    span: tuple[float, float] = (0.0, 1.0)
    streaming: Streaming | None = None
    itself: bool = False
    step: int = 0
    share: float = 0.0  # of the steps that are done
    maps: list[Tensor] = field(default_factory=list)  # each (images, keywords, rows, columns) float16, in units of 1 / image tokens
    blocks: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    masked: list[bool] = field(default_factory=list)  # whether words were hidden from some image tokens
    _chosen: dict[tuple[Keywords, Readers, torch.device], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)
    _heard: tuple[Tensor, slice, Sparse] | None = field(default=None, repr=False)
    _all: dict[int, Fusion] = field(default_factory=dict, repr=False)  # of each image, while streaming
    _open: dict[int, Fusion] = field(default_factory=dict, repr=False)  # the same of maps on which no word was hidden
    _among: Tensor | None = field(default=None, repr=False)  # sum over looks, (images, p, p)
    _looks: int = field(default=0, repr=False)

    def at(self, step: int, share: float) -> None:
        """What is recorded next is of this step, before which this share of them was done."""
        self.step, self.share = step, share

    @property
    def listens(self) -> bool:
        """Whether maps of this step are wanted."""
        return self.span[0] <= self.share < self.span[1]

    def add(
        self,
        block: int,
        q: Tensor,
        text_keys: Tensor,
        lse: Tensor,
        keywords: Keywords,
        visible: Tensor | None = None,
        back: Tensor | None = None,
        size: tuple[int, int] | None = None,
        readers: Readers = (),
        text: tuple[int, int] | None = None,
    ) -> None:
        """Record one block of one step.

        Args:
            q: image queries (B, H, P, D). text_keys: (B, H, T, D). lse: of the image queries, (B, H, P).
            keywords: for each subject the indices of its tokens among the text keys.
            visible: bool (P, T), which text each image token may see; None = all.
            back: int64 (P,), where each image token of the grid stands among the queries; None = in order.
            size: rows and columns of the queries where those are not the grid's; maps are averaged over its cells.
            readers: the text keys of each encoder, for a map of each; none = all are one encoder's.
            text: from which of the text keys up to which, but without, this branch has; None = all.

        Raises:
            ValueError: if the queries are not as many as the grid or size says, the keywords not as many as were announced, or there is
                no such head.
        """
        height, width = size or self.grid
        if q.shape[2] != height * width:
            raise ValueError(f"got queries of shape {tuple(q.shape)}, wanted (images, heads, {height * width}, dim) for a grid of {height}x{width} image tokens")
        if len(keywords) != self.count:
            raise ValueError(f"got {len(keywords)} keywords, wanted {self.count}")
        if not any(keywords) or not self.listens or (self.only is not None and block not in self.only):
            return
        if self.heads:
            if max(self.heads) >= q.shape[1]:
                raise ValueError(f"got heads {list(self.heads)}, block {block} has {q.shape[1]}, counted from 0")
            q, text_keys, lse = (x[:, list(self.heads)] for x in (q, text_keys, lse))
        if self.words:
            own = slice(*text) if text is not None else slice(None)
            lse = attend(q, text_keys[:, :, own], text_keys[:, :, own], None if visible is None else self._hears(visible, own))[1]
        index, member = self._choice(keywords, readers, q.device)
        seen = None if visible is None else visible[:, index]
        weights = columns(q, text_keys[:, :, index], lse, seen).mean(1).detach()  # (B, P, wanted)
        maps = (weights @ member).mT * (self.grid[0] * self.grid[1])  # (B, encoders * keywords, P)
        maps = (maps if back is None else maps[..., back]).reshape(*maps.shape[:2], height, width)
        maps = maps if (height, width) == self.grid else interpolate(maps, self.grid, mode="area")
        for one in torch.split(maps.clamp(max=LARGEST).half(), self.count, 1):
            self._take(one, block, visible is not None)

    def add_itself(self, block: int, q: Tensor, k: Tensor, back: Tensor | None = None, size: tuple[int, int] | None = None) -> None:
        """Record how much the image tokens of one block attend to each other, heads averaged, words left out.

        Where the grid is larger than `COARSE`, queries and keys of neighbouring tokens are averaged first: neighbours look with and at nearly the same.

        Args:
            q, k: (B, H, P, D), of image tokens alone. back, size: as in `add`.
        """
        if not self.itself or not self.listens or (self.only is not None and block not in self.only):
            return
        if self.heads:
            q, k = q[:, list(self.heads)], k[:, list(self.heads)]
        if back is not None:
            q, k = q[:, :, back], k[:, :, back]
        rows, columns = coarse(self.grid)
        q, k = (_pooled(x.detach(), size or self.grid, (rows, columns)) for x in (q, k))
        found = torch.stack([affinity(one, other) for one, other in zip(q, k, strict=True)])
        self._among = found if self._among is None else self._among + found
        self._looks += 1

    def among(self, image: int = 0) -> Tensor | None:
        """Mean attention of one image's tokens to each other on the grid `coarse(grid)`, (p, p) float32 on the CPU, rows summing to 1; None if it was not recorded."""
        return None if self._among is None else (self._among[image] / self._looks).cpu()

    def _hears(self, visible: Tensor, own: slice) -> Sparse:
        """Which image tokens see the same words; kept while the same is asked for, as it is from block to block."""
        if self._heard is None or self._heard[0] is not visible or self._heard[1] != own:
            self._heard = visible, own, Sparse.of(visible[:, own])
        return self._heard[2]

    def _take(self, maps: Tensor, block: int, masked: bool) -> None:
        """Maps (images, keywords, rows, columns) of one block, step and text encoder."""
        if self.streaming is None:
            self.maps.append(maps)
            self.blocks.append(block)
            self.steps.append(self.step)
            self.masked.append(masked)
            return
        origin = Origin(torch.tensor([block]), torch.tensor([self.step]), self.streaming.blocks, self.streaming.steps)
        for image, one in enumerate(maps):
            self._all.setdefault(image, Fusion(self.streaming.weight)).add(one, origin)
            if not masked:
                self._open.setdefault(image, Fusion(LOOKED)).add(one)

    def stack(self, image: int = 0) -> Tensor:
        """All maps of one image so far, (arrivals, keywords, rows, columns) float16 on the CPU; while streaming the fused ones alone."""
        if self.streaming is not None:
            return self._stacked([self._all[image].result().half()] if image in self._all else [])
        return self._stacked([m[image] for m in self.maps])

    def origins(self) -> tuple[list[int], list[int]]:
        """Block and step of each map of `stack`; of fused maps 0, since they are of many."""
        fused = [0] * bool(self._all)
        return (fused, fused) if self.streaming is not None else (self.blocks, self.steps)

    def unmasked(self, image: int = 0) -> Tensor:
        """Those of `stack` that arose with every word visible to every image token: where the model looked of its own accord."""
        return self._stacked([m[image] for m, hidden in zip(self.maps, self.masked, strict=True) if not hidden])

    def looked(self, image: int = 0) -> Tensor:
        """Where the model looked of its own accord, fused: (keywords, rows, columns) float32 in 0..1 on the CPU; zeros where that is not known."""
        if self.streaming is not None:
            return self._open[image].result().cpu() if image in self._open else torch.zeros(self.count, *self.grid)
        maps = self.unmasked(image)
        return fuse(maps, LOOKED) if len(maps) else torch.zeros(self.count, *self.grid)

    def _stacked(self, maps: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(maps)).cpu() if maps else torch.zeros(0, self.count, *self.grid, dtype=torch.half)

    def _choice(self, keywords: Keywords, readers: Readers, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which text tokens name anything, int64 (wanted,), and which keyword of which encoder each belongs to, 0 or 1, float32 (wanted, encoders * keywords).

        Kept for each set of keywords: making them waits for the device. An encoder that never got to see a keyword has no maps.
        """
        if (keywords, readers, device) not in self._chosen:
            wanted = sorted({t for tokens in keywords for t in tokens})
            groups = [tuple(tuple(t for t in tokens if t in reader) for tokens in keywords) for reader in readers]
            named = [tokens for group in groups if any(group) for tokens in group] or list(keywords)
            member = torch.tensor([[float(t in tokens) for tokens in named] for t in wanted])
            self._chosen[keywords, readers, device] = torch.tensor(wanted, device=device), member.to(device)
        return self._chosen[keywords, readers, device]


def coarse(grid: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the grid on which the picture's attention to itself is kept: the record's, or a whole part of it where that is large."""
    part = -(-max(grid) // COARSE)
    return max(1, grid[0] // part), max(1, grid[1] // part)


def _pooled(x: Tensor, size: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Means over the cells of a grid: (B, H, P, D) of a size to (B, H, p, D)."""
    if size == wanted:
        return x
    batch, heads, _, width = x.shape
    planes = x.float().mT.reshape(batch, heads * width, *size)
    return adaptive_avg_pool2d(planes, wanted).reshape(batch, heads, width, -1).mT
