"""Regional prompting for FLUX the way it was published (2411.02395): two branches, image tokens twice, one dense mask.

Written from the paper and from how its public code behaves, as what our own arithmetic is tested and timed against. Per block both
attentions run in full, both are projected, and the image parts are blended afterwards; single blocks carry two whole sequences. The mask
too is put together quadrant by quadrant from the regions' own masks, as published, and shares nothing with `attention.regions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cutwork.tools.attention.regions import Isolation
from cutwork.tools.families.flux import FluxFamily, FluxProcessor


@dataclass(frozen=True)
class Told:
    """What both branches are told.

    Args:
        regions: encoded texts of the segments, joined, (1, T, D), of these lengths. base: of the whole prompt, (1, T', D).
        bits: of the image tokens, from `regions.image_bits`.
        ratio: β. every: regions act in every so-many-th double and single block; in others both branches run without a mask.
    """

    regions: Tensor
    lengths: tuple[int, ...]
    base: Tensor
    pooled: Tensor
    bits: Tensor
    ratio: float
    every: tuple[int, int] = (1, 1)
    isolate: Isolation = "all"

    @cached_property
    def allowed(self) -> Tensor:
        """The dense mask, made once for a picture."""
        return mask(self.lengths, self.bits.to(self.regions.device), self.isolate)


@torch.no_grad()
def predict(family: FluxFamily, latents: Tensor, t: Tensor, told: Told, size: tuple[int, int], guidance: float = 1.0) -> Tensor:
    """Velocity of packed latents (1, P, C) under both branches.

    Args:
        guidance: scale of the embedded guidance, where the model has one.
    """
    model, device = family.model, latents.device
    ids = family.pipeline._prepare_latent_image_ids(1, *family.grid(size), device, latents.dtype)
    image = model.x_embedder(latents)
    scale = [torch.full([1], 1000 * guidance, device=device, dtype=latents.dtype)] if model.config.guidance_embeds else []
    temb = model.time_text_embed(t.expand(1).to(latents.dtype), *scale, told.pooled)
    texts = [model.context_embedder(told.regions), model.context_embedder(told.base)]
    ropes = [model.pos_embed(torch.cat([torch.zeros(text.shape[1], 3, device=device, dtype=ids.dtype), ids])) for text in texts]
    masks = [told.allowed, None]
    for i, block in enumerate(model.transformer_blocks):
        image, texts = _double(block, image, texts, temb, ropes, masks if i % told.every[0] == 0 else [None, None], told.ratio)
    for i, block in enumerate(model.single_transformer_blocks):
        image, texts = _single(block, image, texts, temb, ropes, masks if i % told.every[1] == 0 else [None, None], told.ratio)
    out: Tensor = model.proj_out(model.norm_out(image, temb))
    return out


def mask(lengths: tuple[int, ...], bits: Tensor, isolate: Isolation = "all") -> Tensor:
    """Who may attend to whom, for [text segments | image], by the published construction (eqs. 2-4).

    The code marks a quadrant for each region from its own mask R over the image tokens: text to its own text, text to R and back, and R to R.
    "regions" and "none" are not published; they differ in the last quadrant alone.

    Returns:
        Bool (L, L) on the device of `bits`.
    """
    owns = [(bits >> i & 1).bool() for i in range(len(lengths))]  # R of each segment, the background's first: (P,) each
    total, among = sum(lengths), torch.zeros(len(bits), len(bits), dtype=torch.bool, device=bits.device)
    allowed = torch.zeros(total + len(bits), total + len(bits), dtype=torch.bool, device=bits.device)
    start = 0
    for length, own in zip(lengths, owns, strict=True):
        text = slice(start, start + length)
        allowed[text, text] = True
        allowed[text, total:] = own
        allowed[total:, text] = own[:, None]
        among |= own[:, None] & own
        start += length
    if isolate == "regions":  # the background sees all and is seen by all
        among |= owns[0][:, None] | owns[0]
    allowed[total:, total:] = among if isolate != "none" else True
    return allowed


def _double(
    block: Any, image: Tensor, texts: list[Tensor], temb: Tensor, ropes: list[Any], masks: list[Tensor | None], ratio: float
) -> tuple[Tensor, list[Tensor]]:
    normed, gate, shift, scale, ff_gate = block.norm1(image, emb=temb)
    told = [block.norm1_context(text, emb=temb) for text in texts]
    outs, heard = [], []
    for (text, *_), rope, allowed in zip(told, ropes, masks, strict=True):
        out = _attention(block.attn, normed, text, rope, allowed)  # (1, T + P, D)
        length = text.shape[1]
        outs.append(block.attn.to_out[1](block.attn.to_out[0](out[:, length:])))
        heard.append(block.attn.to_add_out(out[:, :length]))
    image = image + gate[:, None] * torch.lerp(outs[0], outs[1], ratio)
    image = image + ff_gate[:, None] * block.ff(block.norm2(image) * (1 + scale[:, None]) + shift[:, None])
    after = []
    for text, (_, text_gate, text_shift, text_scale, text_ff), new in zip(texts, told, heard, strict=True):
        text = text + text_gate[:, None] * new
        after.append(text + text_ff[:, None] * block.ff_context(block.norm2_context(text) * (1 + text_scale[:, None]) + text_shift[:, None]))
    return image, after


def _single(
    block: Any, image: Tensor, texts: list[Tensor], temb: Tensor, ropes: list[Any], masks: list[Tensor | None], ratio: float
) -> tuple[Tensor, list[Tensor]]:
    joined, attended, wide, gates = [], [], [], []
    for text, rope, allowed in zip(texts, ropes, masks, strict=True):
        both = torch.cat([text, image], 1)
        normed, gate = block.norm(both, emb=temb)
        joined.append(both)
        gates.append(gate[:, None])
        wide.append(block.act_mlp(block.proj_mlp(normed)))
        attended.append(_attention(block.attn, normed, None, rope, allowed))
    lengths = [text.shape[1] for text in texts]
    blended = torch.lerp(attended[0][:, lengths[0] :], attended[1][:, lengths[1] :], ratio)
    outs = []
    for both, gate, mlp, out, length in zip(joined, gates, wide, attended, lengths, strict=True):
        outs.append(both + gate * block.proj_out(torch.cat([torch.cat([out[:, :length], blended], 1), mlp], 2)))
    return outs[0][:, lengths[0] :], [out[:, :length] for out, length in zip(outs, lengths, strict=True)]


def _attention(attn: Any, image: Tensor, text: Tensor | None, rope: Any, allowed: Tensor | None) -> Tensor:
    q, k, v = FluxProcessor.heads(attn, image, text, rope)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).flatten(2)
