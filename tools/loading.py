"""How a model is loaded and where its weights live while it draws. Words only, so that settings can be checked without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cutwork.settings import Dtype, Offload, Quantize, Settings

BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
QUANTIZED = {"float8": 1.0, "int8": 1.0}  # bytes of a weight of the denoiser


@dataclass(frozen=True)
class Loading:
    """Choices for models that are not embedded; the embedded one is always loaded in float32, whole."""

    dtype: Dtype = "auto"  # auto: bfloat16 on CUDA, float32 elsewhere
    offload: Offload = "none"  # model: one component at a time on the device; group: one layer at a time
    quantize: Quantize = "none"  # of the denoiser's weights; it computes in dtype
    vae_tiling: bool = False  # decode tile by tile
    attention_backend: str | None = None  # as diffusers names it; None = torch's own
    parts: str | None = None  # folder or hub id for what a single file lacks

    @classmethod
    def of(cls, settings: Settings) -> Loading:
        """What the settings say."""
        return cls(settings.dtype, settings.offload, settings.quantize, settings.vae_tiling, settings.attention_backend, settings.model_parts)

    def precision(self, device: str) -> Literal["float32", "bfloat16", "float16"]:
        """What it computes in on a device of that type ("cuda", "cpu", "mps")."""
        if self.dtype != "auto":
            return self.dtype
        return "bfloat16" if device == "cuda" else "float32"
