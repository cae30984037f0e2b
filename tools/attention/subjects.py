"""Where subjects are and what their patches look at, from kept queries and keys, differentiably and without the softmax matrix.

Cross maps are exact columns of the joint softmax at all words of the prompt, heads and blocks averaged; rows of self-attention
are taken for the few patches that are asked about, among image tokens only. Several groups of words (as with two text
encoders) are each compared within themselves, then averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cutwork.tools.attention import selfcross
from cutwork.tools.attention.control import Seen
from cutwork.tools.attention.kernels import columns

MOST = 512  # patches of a subject that are looked through; beyond, those it is attended to most
ROWS = 2**22  # numbers in rows of self-attention of one block that are written out; more would take gigabytes with their gradient


@dataclass(frozen=True)
class Subjects:
    """Where in the text subjects are named.

    Args:
        words: groups of tokens, each all the words of one encoding of the prompt.
        tokens: for each group, for each subject the places of its tokens among the words of that group.
        pairs: which subjects must not blend; None = all.
    """

    words: tuple[tuple[int, ...], ...]
    tokens: tuple[tuple[tuple[int, ...], ...], ...]
    pairs: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def of(cls, words: Sequence[Sequence[int]], named: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]] | None = None) -> Subjects:
        """From the words of a prompt and the tokens that name each subject; both count from the prompt's start."""
        groups = [tuple(tuple(list(group).index(t) for t in tokens if t in group) for tokens in named) for group in words]
        used = [(tuple(group), tokens) for group, tokens in zip(words, groups, strict=True) if all(tokens)]
        return cls(tuple(g for g, _ in used), tuple(t for _, t in used), None if pairs is None else tuple(pairs))


def cross_maps(seen: Sequence[Seen], subjects: Subjects, offset: int, grid: tuple[int, int], back: Tensor | None, image: int) -> Tensor:
    """Sharpened maps of one image's subjects, (subjects, rows, columns).

    Args:
        offset: where the prompt's text starts in the joint sequence.
        back: where each image token stands, int64 (P,); None = in order.
    """
    maps, one = [], slice(image, image + 1)
    for words, tokens in zip(subjects.words, subjects.tokens, strict=True):
        at = torch.tensor(words, device=seen[0].image.device) + offset
        each = [columns(s.image[one], s.words[one, :, at], s.lse[one]).mean(1)[0] for s in seen if s.words is not None]
        probabilities = torch.stack(each).mean(0)  # (P, words)
        probabilities = probabilities if back is None else probabilities[back]
        maps.append(selfcross.over_words(probabilities.T.reshape(-1, *grid), tokens))
    return selfcross.smooth(torch.stack(maps).mean(0))


def aggregated(seen: Sequence[Seen], cross: Tensor, patches: Tensor, back: Tensor | None, image: int) -> Tensor:
    """What each subject's patches look at, (subjects, rows, columns): see `selfcross.aggregate`, and for many patches `selfcross.carried`."""
    blocks, out = [(s.image[image], s.others[image]) for s in seen if s.others is not None], []  # (H, P, D) each
    for one, mask in zip(cross, patches, strict=True):
        kept = _most(one, mask)
        at = kept.flatten().nonzero()[:, 0]
        at = at if back is None else back[at]
        heads, cells = blocks[0][0].shape[:2]
        if heads * len(at) * cells > ROWS:
            sums = torch.stack([selfcross.carried(q[:, at], k, one[kept]) for q, k in blocks]).mean(0)  # (P,)
            out.append(selfcross.settled((sums if back is None else sums[back]).reshape(one.shape)))
            continue
        rows = torch.stack([_rows(q, k, at) for q, k in blocks]).mean(0)
        out.append(selfcross.aggregate(one, kept, rows if back is None else rows[:, back]))
    return torch.stack(out)


def _rows(queries: Tensor, keys: Tensor, at: Tensor) -> Tensor:
    """Self-attention of some image tokens, heads averaged: (patches, P), from queries and keys (H, P, D)."""
    logits = queries[:, at].float() @ keys.float().mT * keys.shape[-1] ** -0.5
    return torch.softmax(logits, -1).mean(0)


def _most(one: Tensor, mask: Tensor) -> Tensor:
    if int(mask.sum()) <= MOST:
        return mask
    best = one.detach().masked_fill(~mask, float("-inf")).flatten().topk(MOST).indices
    return torch.zeros_like(mask).flatten().index_fill(0, best, True).view_as(mask)


def blend_loss(
    seen: Sequence[Seen],
    subjects: Subjects,
    offset: int,
    grid: tuple[int, int],
    back: Tensor | None = None,
    weights: selfcross.Weights | None = None,
    normalised: bool = True,
) -> list[selfcross.Loss]:
    """Self-Cross's loss of each image of a batch, whose gradients are independent."""
    losses = []
    for image in range(seen[0].image.shape[0]):
        cross = cross_maps(seen, subjects, offset, grid, back, image)
        patches = torch.stack([selfcross.otsu(one.detach()) for one in cross])
        looked = aggregated(seen, cross, patches, back, image)
        losses.append(selfcross.loss(cross, patches, looked, weights, subjects.pairs, normalised))
    return losses
