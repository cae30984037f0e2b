"""Self-Cross guidance (2411.18936): subjects stop blending when no patch of one looks where another is.

For each subject i, A_i is its cross-attention map and Ω_i the patches Otsu's threshold keeps of it. What those patches look at, on
average, is its aggregated self-attention

    a_i = Σ_{p∈Ω_i} A_i[p] · S[p, ·] / Σ_{p∈Ω_i} A_i[p]

and the loss is how much that overlaps the cross maps of others, S_sc = mean over ordered pairs of Σ_x min(a_i[x], A_j[x]), beside
what keeps subjects present (`neglected`) and in one piece (`scattered`). Everything here is differentiable but the choice of
patches, which is held fixed. Constants are those of the paper's code.

`carried` gives the sum that a_i is of without the rows of S, which on large grids are more than there is memory for.

Maps are (subjects, rows, columns); self-attention rows are over the same grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor

from cutwork.tools.attention.kernels import attend

SHARPNESS = 100.0  # logits of the softmax over words are this times the attention probabilities
TOP = 16  # patches whose mean says how present a subject is
GATE = 0.5  # while a subject is this neglected, blending is not yet looked at
EPS = 1e-4
COARSE = 256  # cells up to which the paper's code does not bring cross maps to sum one
OLD = 0.9  # share of the old in the running mean of a subject's maps


@dataclass(frozen=True)
class Weights:
    """Of the parts of the loss, as in the code's ordinary step."""

    blended: float = 1.0
    scattered: float = 0.1


def over_words(columns: Tensor, subjects: Sequence[Sequence[int]]) -> Tensor:
    """Maps of subjects, sharpened by a softmax over all words: each patch goes to the word it attends to most.

    Args:
        columns: probabilities of attending to each word's token, (words, rows, columns), special tokens left out.
        subjects: for each subject the places of its tokens among the words.

    Returns:
        (subjects, rows, columns): the mean over each subject's tokens.
    """
    weights = torch.softmax(SHARPNESS * columns.float(), 0)
    return torch.stack([weights[list(tokens)].mean(0) for tokens in subjects])


@cache
def _kernel(sigma: float) -> Tensor:
    x = torch.arange(3) - 1.0
    one = torch.exp(-(x**2) / (2 * sigma**2))
    return torch.outer(one, one) / one.sum() ** 2


def smooth(maps: Tensor, sigma: float = 0.5) -> Tensor:
    """Gaussian 3 × 3 with reflected borders, on (…, rows, columns)."""
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    kernel = _kernel(sigma).to(flat)
    return F.conv2d(F.pad(flat, (1, 1, 1, 1), mode="reflect"), kernel[None, None]).reshape(maps.shape)


@torch.no_grad()
def otsu(one: Tensor, bins: int = 256) -> Tensor:
    """Patches above the threshold that parts a map's values best into two classes (Otsu 1979): bool of the map's shape.

    A flat map has no such threshold; then the TOP largest values, so that there are always some.
    """
    low, high = one.min(), one.max()
    if high - low < 1e-12:
        return _largest(one)
    levels = ((one - low) / (high - low) * (bins - 1)).round().long().reshape(-1)
    share = torch.bincount(levels, minlength=bins).double() / levels.numel()
    below, mass = share.cumsum(0), (share * torch.arange(bins, device=one.device)).cumsum(0)
    between = (mass[-1] * below - mass) ** 2 / (below * (1 - below)).clamp(min=1e-12)  # variance between the classes
    return (levels > between[:-1].argmax()).reshape(one.shape)


def _largest(one: Tensor) -> Tensor:
    mask = torch.zeros(one.numel(), dtype=torch.bool, device=one.device)
    mask[one.reshape(-1).topk(min(TOP, one.numel())).indices] = True
    return mask.reshape(one.shape)


def aggregate(cross: Tensor, patches: Tensor, rows: Tensor) -> Tensor:
    """What a subject's patches look at, summing to one over the grid.

    Args:
        cross: the subject's map (rows, columns).
        patches: bool (rows, columns), Ω.
        rows: self-attention of those patches, in order, (Ω, rows · columns), heads averaged.
    """
    weights = cross[patches]  # (Ω,)
    return settled((weights @ rows.to(weights.dtype)).reshape(cross.shape))  # smoothing is linear: once, not once a patch


def settled(seen: Tensor) -> Tensor:
    """What patches look at (rows, columns), smoothed and brought to sum one."""
    seen = smooth(seen)
    return seen / (seen.sum() + EPS)


def carried(queries: Tensor, keys: Tensor, weights: Tensor) -> Tensor:
    """Rows of self-attention summed by weights, Σ_p w_p S[p, ·], heads averaged, without a row: one attention with queries and keys swapped.

        Σ_p w_p exp(q_p·k_x/√d − ℓ_p) = exp(log Σ_p exp(k_x·q_p/√d + b_p)),   b_p = log w_p − ℓ_p

    The b_p ride along as one more dimension, on which every query there is is 1.

    Args:
        queries: of the patches, (H, Ω, D). keys: of all patches, (H, P, D). weights: of the first, (Ω,), above 0.

    Returns:
        (P,) float32, differentiable in all three.
    """
    q, k = queries.float()[None], keys.float()[None]
    bias = weights.float().clamp(min=torch.finfo(torch.float32).tiny).log() - attend(q, k, k)[1]  # (1, H, Ω)
    width = q.shape[-1] + 8  # kernels like multiples of eight
    ride = F.pad(bias[..., None] * width**0.5, (0, 7))
    wide = torch.cat([q * (width / q.shape[-1]) ** 0.5, ride], -1)  # the kernel divides by √width
    asked = torch.cat([k, F.pad(torch.ones_like(k[..., :1]), (0, 7))], -1)
    return attend(asked, wide, wide)[1].exp().mean((0, 1))


def blended(aggregated: Tensor, cross: Tensor, pairs: Sequence[tuple[int, int]] | None = None, normalised: bool = True) -> Tensor:
    """S_sc: overlap of each subject's aggregated self-attention with the cross maps of the others, 0 to 1.

    Args:
        aggregated, cross: (subjects, rows, columns); the cross maps are brought to sum one.
        pairs: which subjects must not blend; each is looked at both ways. None is all.
        normalised: False leaves cross maps of up to COARSE cells as they are, as the paper's code does; then this may exceed 1.
    """
    as_it_is = not normalised and cross[0].numel() <= COARSE
    shares = cross if as_it_is else cross / (cross.sum((-2, -1), keepdim=True) + EPS)
    wanted = list(permutations(range(len(cross)), 2)) if pairs is None else [p for a, b in pairs for p in ((a, b), (b, a))]
    if not wanted:
        return cross.new_zeros(())
    return torch.stack([torch.minimum(aggregated[i], shares[j]).sum() for i, j in wanted]).mean()


def neglected(cross: Tensor) -> Tensor:
    """S_cross: 1 less the mean of the TOP largest values of the most neglected subject, 0 to 1 (Attend-and-Excite, 2301.13826)."""
    top = cross.flatten(1).topk(min(TOP, cross[0].numel()), 1).values.mean(1)
    return (1 - top).clamp(min=0).max()


def scattered(cross: Tensor, patches: Tensor) -> Tensor:
    """How strong a subject's map is outside the connected piece that holds its peak, summed over subjects; 0 where it is clean.

    Args:
        cross: (subjects, rows, columns). patches: bool of the same shape, Ω of each.
    """
    total = cross.new_zeros(())
    for one, mask in zip(cross, patches, strict=True):
        piece = _piece(one, mask)
        if bool(piece.all()):
            continue
        outside, inside = one[~piece].max(), one[piece].min()
        if bool(outside > inside):
            total = total + outside
    return total


def strayed(cross: Tensor, before: Tensor) -> Tensor:
    """How far maps are from where subjects have been (the code's L_align): mean absolute difference over patches, summed over subjects.

    Args:
        cross, before: (subjects, rows, columns), the second a running mean of the first (`remembered`).
    """
    return (cross - before).abs().mean((-2, -1)).sum()


def remembered(cross: Tensor, before: Tensor | None) -> Tensor:
    """The running mean of maps with these added, without a gradient."""
    now = cross.detach()
    return now if before is None else torch.lerp(now, before, OLD)


@torch.no_grad()
def _piece(one: Tensor, mask: Tensor) -> Tensor:
    """The connected part (four neighbours) of a mask that holds the map's peak: bool (rows, columns)."""
    piece = torch.zeros_like(mask)
    piece.view(-1)[one.reshape(-1).argmax()] = True
    allowed = mask | piece
    while True:
        padded = F.pad(piece, (1, 1, 1, 1))
        grown = (padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]) & allowed
        if torch.equal(grown, piece):
            return piece
        piece = grown


@dataclass(frozen=True)
class Loss:
    """The parts and their sum; all scalars, differentiable. And the maps they are of, (subjects, rows, columns)."""

    total: Tensor
    neglected: Tensor
    blended: Tensor
    scattered: Tensor
    cross: Tensor

    def detached(self) -> Loss:
        """The same numbers, with no gradient."""
        return Loss(*(x.detach() for x in (self.total, self.neglected, self.blended, self.scattered, self.cross)))


def loss(
    cross: Tensor, patches: Tensor, aggregated: Tensor, weights: Weights | None = None, pairs: Sequence[tuple[int, int]] | None = None, normalised: bool = True
) -> Loss:
    """S_cross + weight · S_sc + weight · scattered, blending only once every subject is there.

    Args:
        cross, patches, aggregated: (subjects, rows, columns) each, from `over_words`, `otsu` and `aggregate`.
        pairs, normalised: as in `blended`.
    """
    weights = weights or Weights()
    lost, mixed, pieces = neglected(cross), blended(aggregated, cross, pairs, normalised), scattered(cross, patches)
    open_ = (lost <= GATE).to(mixed.dtype).detach()
    return Loss(lost + weights.blended * open_ * mixed + weights.scattered * pieces, lost, mixed, pieces, cross)


def capped(update: Tensor, latents: Tensor, most: float = 0.1) -> Tensor:
    """An update whose norm is at most a share of that of the latents, per sample: too large a one damages the picture."""
    dims = tuple(range(1, update.ndim))
    size, room = (torch.linalg.vector_norm(x.float(), dim=dims, keepdim=True) for x in (update, latents))
    kept: Tensor = update * (most * room / size.clamp(min=1e-12)).clamp(max=1).to(update.dtype)
    return kept
