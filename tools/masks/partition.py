"""Several subjects, one canvas: no pixel belongs to two of them."""

from __future__ import annotations

import numpy as np

from cutwork.tools.masks.types import Field, Mask

NEARER = 0.1  # what one step nearer to the viewer is worth against a difference of attention


def partition(masks: Mask, fields: Field, z: tuple[int, ...]) -> Mask:
    """Give each claimed pixel to one claimant: where two masks overlap, the stronger attention wins, nearer subjects favoured.

    Args:
        masks: (regions, H, W) bool, what each region claims.
        fields: (regions, H, W) in 0..1, the normalised fused maps.
        z: one number a region, higher is nearer.

    Returns:
        (regions, H, W) bool, each pixel true at most once; pixels claimed once stay as they are.
    """
    if len(masks) < 2:
        return masks
    rank = np.unique(np.array(z), return_inverse=True)[1].astype(np.float32)  # equal z, equal rank
    strength = fields + NEARER * rank[:, None, None]
    owner = np.where(masks, strength, -np.inf).argmax(0)  # (H, W); the first region on a tie
    mine: Mask = masks & (owner == np.arange(len(masks))[:, None, None])
    return mine
