"""The arithmetic training runs in: bfloat16 where the processor multiplies it, float32 where it would only pretend to.

A CPU without such instructions unpacks every bfloat16 product and needs three times as long as for float32.
"""

from __future__ import annotations

import torch


def native_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("arm_bf16"))


def autocast(device: torch.device | str = "cpu") -> torch.autocast:
    """Context in which matrix products are taken in bfloat16, if that is faster there."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu" or native_bfloat16())
