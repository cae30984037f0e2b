"""Attention that also returns its log-sum-exp, from the fastest kernel the device has.

    LSE_p = log Σ_j exp(q_p·k_j·scale)      over the keys that query p may see

With it any column of the softmax can be had exactly without the softmax: `exp(q_p·k_j·scale − LSE_p)`. The fast path holds nothing of
size L×S: who may attend to whom goes by bit-sets of tokens (`Sparse`), each class of which is a dense rectangle that needs no mask. A mask
that somebody brings is made additive a few rows at a time.

On CUDA the kernel is the one that torch itself would choose there, so that attention with its log-sum-exp is to the bit what it is without.
FlexAttention is not among them: it has to be compiled for each length, on the CPU it gives no log-sum-exp, and the rectangles are as sparse.

Layout is (batch, heads, length, dim), as in `scaled_dot_product_attention`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

MATH, FLASH, CUDNN = 0, 1, 3  # of `torch.nn.attention.SDPBackend`, as `_fused_sdp_choice` counts
ROWS = 256  # that the obvious way takes at a time, where it is the only one
BIAS = 2**22  # numbers of an additive mask that are held at once

Where = slice | Tensor  # tokens that stand side by side, or their indices


@dataclass(frozen=True)
class Sparse:
    """Who may attend to whom, as rectangles: queries that see the same keys, and those keys. Every query is in one of them."""

    rectangles: tuple[tuple[Where, Where], ...]
    back: Tensor | None  # int64 (L,), where each query stands among those of all rectangles; None = in order

    @classmethod
    def by_bits(cls, queries: Tensor, keys: Tensor) -> Sparse:
        """From bit-sets, int64 (L,) and (S,): a query sees the keys with which it shares a bit.

        Raises:
            ValueError: if a query shares a bit with no key.
        """
        sets, which = torch.unique(queries, return_inverse=True)
        return cls._of(which, (sets[:, None] & keys[None, :]) != 0)

    @classmethod
    def of(cls, mask: Tensor) -> Sparse:
        """From a mask bool (L, S), True = may attend. It pays where many queries see the same.

        Raises:
            ValueError: if a query sees no key.
        """
        rows, which = torch.unique(mask, dim=0, return_inverse=True)
        return cls._of(which, rows)

    @classmethod
    def _of(cls, which: Tensor, sees: Tensor) -> Sparse:
        """From the class of each query, (L,), and the keys that each class sees, bool (classes, S)."""
        if not bool(sees.any(1).all()):
            raise ValueError("a query may attend to no key, wanted one at least for each")
        order = torch.argsort(which, stable=True)
        classes = torch.split(order, torch.bincount(which, minlength=len(sees)).tolist())
        in_order = bool((which[1:] >= which[:-1]).all())
        return cls(tuple((_where(rows), _where(keys.nonzero()[:, 0])) for rows, keys in zip(classes, sees, strict=True)), None if in_order else torch.argsort(order))


def _where(index: Tensor) -> Where:
    """Rising indices as a slice, where none is left out: that is read without a copy."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == len(index) else index


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | Sparse | None = None, temperature: float | Tensor = 1.0) -> tuple[Tensor, Tensor]:
    """Softmax attention and its log-sum-exp.

    Args:
        q, k, v: (B, H, L, D), (B, H, S, D), (B, H, S, D).
        mask: who may attend to whom, by rectangles; or bool (L, S) or broadcastable to (B, H, L, S), True = may attend. Every query must
            see at least one key.
        temperature: factor on the logits, of all queries or of each, broadcastable to (B, H, L); 0 = all keys count alike.

    Returns:
        Output (B, H, L, D) in the dtype of q, and LSE (B, H, L) in float32, of the logits with their temperature; gradients pass through
        both, never holding (L, S).

    Raises:
        ValueError: if the mask is not bool (an additive one would be read as its opposite).
    """
    if isinstance(mask, Tensor) and mask.dtype != torch.bool:
        raise ValueError(f"the attention mask is {mask.dtype}, wanted bool with True where a query may attend")
    if isinstance(temperature, Tensor):
        q = q * temperature.to(q.dtype)[..., None]
    elif temperature != 1:
        q = q * temperature
    if isinstance(mask, Sparse):
        parts = (torch.cat(x, 2) for x in zip(*(attend(q[:, :, rows], k[:, :, keys], v[:, :, keys]) for rows, keys in mask.rectangles), strict=True))
        out, lse = (x if mask.back is None else x[:, :, mask.back] for x in parts)
        return out, lse
    out, lse = _fused(q, k, v, mask)
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad) and not lse.requires_grad:
        lse = _Normaliser.apply(q, k, lse, mask)  # type: ignore[no-untyped-call]
    return out, lse


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    if mask is not None and mask.numel() > BIAS and mask.shape[-2] > 1:
        rows = max(1, BIAS * mask.shape[-2] // mask.numel())
        outs, lses = zip(*(_fused(some, k, v, seen) for some, seen in zip(torch.split(q, rows, 2), torch.split(mask, rows, -2), strict=True)), strict=True)
        return torch.cat(outs, 2), torch.cat(lses, 2)
    if q.device.type == "cpu":
        bias = None if mask is None else _bias(mask, q)
        out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, False, attn_mask=bias)
        return out, lse.float()
    if q.device.type == "cuda":
        return _cuda(q, k, v, mask)
    return by_rows(q, k, v, mask)


class _Normaliser(torch.autograd.Function):
    """The gradient of LSE, which the fused kernels leave out: with A the softmax and s its scale

        ∂LSE_p/∂q_p = s Σ_j A[p, j] k_j,   which is attention with the keys as values
        ∂LSE_p/∂k_j = s A[p, j] q_p,       which is what that attention passes back to its values
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, lse: Tensor, mask: Tensor | None) -> Tensor:
        ctx.save_for_backward(q, k, mask)
        return lse.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        q, k, mask = ctx.saved_tensors
        pulled = (grad[..., None] * q.shape[-1] ** -0.5).to(q.dtype)  # (B, H, L, 1)
        with torch.enable_grad():
            values = k.detach().requires_grad_()
            mean = _fused(q.detach(), k.detach(), values, mask)[0]
            (keys,) = torch.autograd.grad(mean, values, pulled * q.detach())
        return pulled * mean.detach(), keys, None, None


def _bias(mask: Tensor, like: Tensor, align: int = 1) -> Tensor:
    """A bool mask (…, L, S) as an additive one of four dimensions in the dtype of `like`, each row starting at a multiple of `align` elements."""
    keys = mask.shape[-1]
    rows = torch.zeros(*mask.shape[:-1], keys + -keys % align, dtype=like.dtype, device=like.device)
    bias = rows[..., :keys].masked_fill_(~mask, float("-inf"))
    return bias[(None,) * (4 - bias.ndim)]


def _cuda(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Without a mask what torch itself would take: in half precision cuDNN's kernel on Hopper and later, flash on Ampere; memory-efficient otherwise.

    Each gives the normaliser in a shape of its own: (B, H, L, 1), (B, H, L), and (B, H, L) padded to a multiple of 32.
    """
    choice = None if mask is not None else torch._fused_sdp_choice(q, k, v)
    if choice == CUDNN:
        out, lse, *_ = torch.ops.aten._scaled_dot_product_cudnn_attention(q, k, v, None, True)
        return out, lse.reshape(*q.shape[:2], -1)[..., : q.shape[2]].float()
    if choice == FLASH:
        out, lse, *_ = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, False)
        return out, lse[..., : q.shape[2]].float()
    if choice == MATH:  # no kernel takes these
        return by_rows(q, k, v)
    bias = None
    if mask is not None:
        bias = _bias(mask, q, align=16).expand(*q.shape[:3], k.shape[2])  # the kernel wants rows aligned to 16
    out, lse, *_ = torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, bias, True)
    return out, lse[..., : q.shape[2]].float()


def by_rows(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, rows: int = ROWS) -> tuple[Tensor, Tensor]:
    """The obvious way for a few queries at a time, so that (L, S) is never held: for devices without a kernel that gives LSE. Shapes are those of `attend`."""
    some = torch.split(q, rows, 2)
    masks = [None] * len(some) if mask is None else torch.split(mask.expand(*mask.shape[:-2], q.shape[2], -1), rows, -2)
    outs, lses = zip(*(reference(q, k, v, mask) for q, mask in zip(some, masks, strict=True)), strict=True)
    return torch.cat(outs, 2), torch.cat(lses, 2)


def reference(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The obvious way, in float64 (float32 on MPS, which has no doubles): what `attend` is tested against.

    Shapes are those of `attend`; holds (B, H, L, S).
    """
    wide = torch.float32 if q.device.type == "mps" else torch.float64
    logits = q.to(wide) @ k.to(wide).mT * q.shape[-1] ** -0.5
    if mask is not None:
        logits = logits.masked_fill(~mask, float("-inf"))
    lse = logits.logsumexp(-1)
    out = (logits - lse[..., None]).exp() @ v.to(wide)
    return out.to(q.dtype), lse.float()


def merge(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Attention over two disjoint sets of keys as if over both: outputs weighed by their shares of the normaliser.

        ℓ = log(e^ℓ₁ + e^ℓ₂),   O = e^(ℓ₁−ℓ) O₁ + e^(ℓ₂−ℓ) O₂

    Args:
        first, second: output (B, H, L, D) and log-sum-exp (B, H, L) over each set. Adding log λ to one log-sum-exp counts its
            keys λ times.

    Returns:
        Output in the dtype of the first, log-sum-exp in float32; exact to rounding.
    """
    (out, lse), (other, other_lse) = first, second
    share = torch.sigmoid(other_lse - lse)[..., None].to(out.dtype)  # e^ℓ₂ / (e^ℓ₁ + e^ℓ₂)
    return torch.lerp(out, other, share), torch.logaddexp(lse, other_lse)


def columns(q: Tensor, keys: Tensor, lse: Tensor, visible: Tensor | None = None) -> Tensor:
    """Exact columns of the softmax: how much every query attends to a few keys, A[p, k] = exp(q_p·k_k/√d − LSE_p).

    Args:
        q: queries (B, H, P, D). keys: the few keys (B, H, K, D). lse: (B, H, P).
        visible: bool (P, K); a key that a query may not see has weight zero.

    Returns:
        (B, H, P, K) float32 in 0..1, to rounding.
    """
    logits = (q.float() @ keys.float().mT) * q.shape[-1] ** -0.5  # (B, H, P, K); in half precision the exponent would be off by per cents
    if visible is not None:  # before exp: the LSE holds no key that is hidden, whose weight may overflow
        logits = logits.masked_fill(~visible, float("-inf"))
    weights: Tensor = (logits - lse[..., None]).exp()
    return weights
