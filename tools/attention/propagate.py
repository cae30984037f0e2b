"""Keyword maps snapped to what belongs together in the picture, by the image tokens' attention to each other.

    A[p, j] = mean_h softmax_j(q_p·k_j/√d)      among image tokens alone: which parts of the picture p is drawn with

A keyword's column says where its subject is, but lights up its telling parts (a face, an edge) more than the rest; self-attention
says which other tokens are of one piece with them. Spreading a map along A fills the piece and leaves what merely lies beside it.

Or the picture is parted into segments of tokens that attend alike, and a map evened within each: what lights up in part lights up as a whole.

Sources: propagation of cross-attention by self-attention as in Alfie (arXiv 2408.14826); similarity of hidden states (FreeFuse) goes
through the same function with `similarity` in the place of `affinity`. Segments by how tokens attend, as in DiffSeg (arXiv 2308.12469).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cutwork.tools.attention.entropy import EPS, minmax

KEEP = 0.5  # of a map that stays where it is, each round
SEGMENTS = 12  # that a picture is parted into
TURNS = 12  # of moving segments' centres, at most


def affinity(queries: Tensor, keys: Tensor) -> Tensor:
    """Self-attention among image tokens, heads averaged: (H, P, D) and (H, P, D) -> (P, P) float32, rows summing to 1."""
    logits = queries.float() @ keys.float().mT * queries.shape[-1] ** -0.5
    return torch.softmax(logits, -1).mean(0)


def similarity(states: Tensor, temperature: float = 0.1) -> Tensor:
    """Softmax of the cosines between hidden states: (P, D) -> (P, P) float32, rows summing to 1.

    Raises:
        ValueError: if the temperature is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"want a temperature above 0, got {temperature}")
    unit = torch.nn.functional.normalize(states.float(), dim=-1)
    return torch.softmax(unit @ unit.mT / temperature, -1)


def propagate(fused: Tensor, among: Tensor, rounds: int = 1, keep: float = KEEP) -> Tensor:
    """Spread maps along the image tokens' affinity: (keywords, h, w) in 0..1 -> the same.

    Each round a token takes on the mean of those it attends to. Attention sinks, which everything attends to, are undone first: A
    is divided by how much each token is attended to, and its rows made to sum to 1 again.

    Args:
        fused: (keywords, h, w).
        among: (P, P) for P = h * w tokens in the grid's order, not negative.
        rounds: of spreading, >= 0; 0 leaves the maps as they are.
        keep: share of a map that stays where it is, 0..1.

    Raises:
        ValueError: if the shapes do not belong together, or rounds or keep lie outside their ranges.
    """
    count, height, width = fused.shape
    if among.shape != (height * width, height * width):
        raise ValueError(f"maps of {height}x{width} tokens want an affinity of {(height * width,) * 2}, got {tuple(among.shape)}")
    if rounds < 0 or not 0 <= keep <= 1:
        raise ValueError(f"want rounds >= 0 and keep in 0..1, got {rounds} and {keep}")
    if rounds == 0:
        return fused
    fair = _fair(among)
    flat = fused.float().reshape(count, -1)  # (keywords, P)
    for _ in range(rounds):
        flat = keep * flat + (1 - keep) * flat @ fair.mT
    return minmax(flat.view(count, height, width))


def evened(fused: Tensor, among: Tensor, segments: int = SEGMENTS, keep: float = KEEP) -> Tensor:
    """Maps drawn towards their mean within each segment of the picture: (keywords, h, w) in 0..1 -> the same.

    Args:
        fused, among, keep: as in `propagate`.
        segments: that the picture is parted into, at most.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    count, height, width = fused.shape
    if among.shape != (height * width, height * width):
        raise ValueError(f"maps of {height}x{width} tokens want an affinity of {(height * width,) * 2}, got {tuple(among.shape)}")
    which = parted(among, segments)
    member = torch.nn.functional.one_hot(which).float()  # (P, segments)
    means = fused.float().reshape(count, -1) @ member / member.sum(0)
    return minmax(keep * fused.float() + (1 - keep) * means[:, which].view(count, height, width))


def parted(among: Tensor, segments: int = SEGMENTS) -> Tensor:
    """The segment of each token, int64 (P,), numbered from 0 without gaps: tokens of a segment attend alike.

    Centres start as far apart as may be, so the same affinity is always parted in the same way.
    """
    rows = torch.nn.functional.normalize(_fair(among).sqrt(), dim=-1)  # tokens that attend alike have a small angle between them
    chosen = [int(rows.mean(0).mul(rows).sum(-1).argmax())]
    nearest = rows @ rows[chosen[0]]
    while len(chosen) < min(segments, len(rows)):
        chosen.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, rows @ rows[chosen[-1]])
    centres, which = rows[chosen], torch.zeros(len(rows), dtype=torch.long)
    for _ in range(TURNS):
        before, which = which, (rows @ centres.T).argmax(-1)
        if torch.equal(before, which):
            break
        member = torch.nn.functional.one_hot(which, len(centres)).float()
        centres = torch.nn.functional.normalize(member.T @ rows, dim=-1)
    numbered: Tensor = torch.unique(which, return_inverse=True)[1]
    return numbered


def snapped(fused: Tensor, among: Tensor, grid: tuple[int, int], how: str) -> Tensor:
    """Maps (keywords, h, w) spread ("spread") or evened ("segments") by an affinity that may be of a coarser grid: the same shape, in 0..1.

    On a coarser grid what changes there is added to the finer maps, which keep their detail.
    """
    act = {"spread": propagate, "segments": evened}[how]
    if grid == tuple(fused.shape[1:]):
        return act(fused, among)
    small = interpolate(fused[None].float(), grid, mode="area")
    moved = act(small[0], among)[None] - small
    finer: Tensor = interpolate(moved, fused.shape[1:], mode="bilinear")
    return minmax(fused + finer[0])


def _fair(among: Tensor) -> Tensor:
    """An affinity without its sinks: each token as much attended to as any other, rows summing to 1."""
    fair = among.float() / among.float().mean(0, keepdim=True).clamp_min(EPS)
    return fair / fair.sum(1, keepdim=True).clamp_min(EPS)
