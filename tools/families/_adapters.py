"""What users add to a FLUX: LoRA weights, and ControlNets whose say can differ by region.

A ControlNet's residuals belong to image tokens, so a weight for each token says where it is heard (2411.02395, fig. 4, uses both
together with regions). It is told the whole prompt, whatever the regions are told.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cutwork.errors import BadInput, NotConfigured
from cutwork.tools.families.base import encoded

WANTED = "give a .safetensors file, a folder with one, or a hub id"


@dataclass(frozen=True)
class Hint:
    """A ControlNet and what it is shown.

    Args:
        net: a `FluxControlNetModel`.
        shown: its condition, packed tokens (1, P, C), or pixels where it has its own encoder.
        scale: of its residuals.
        weights: of each image token, (P,), in the order of the picture; None = everywhere alike.
        mode: of a union ControlNet.
    """

    net: Any
    shown: Tensor
    scale: float = 1.0
    weights: Tensor | None = None
    mode: int | None = None


def hint(pipeline: Any, model: str, picture: np.ndarray, scale: float, weights: Tensor | None, mode: int | None = None) -> Hint:
    """Load a ControlNet and prepare what it is shown.

    Args:
        picture: uint8 (H, W, 3), of the size that is drawn: edges, depth or pose, as the ControlNet was trained for.

    Raises:
        NotConfigured: if the weights are not there. BadInput: if a union ControlNet is given no mode.
    """
    from diffusers import FluxControlNetModel

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # diffusers' ControlNet uses what diffusers will move
            net = FluxControlNetModel.from_pretrained(model, dtype=pipeline.transformer.dtype).to(pipeline.transformer.device).eval().requires_grad_(False)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"cannot load the ControlNet {model!r}: {_first_line(error)}", hint="give a diffusers folder or a hub id") from error
    if net.union and mode is None:
        raise BadInput(f"{model} is a union of ControlNets: say which mode")
    vae = pipeline.vae
    if net.input_hint_block is not None:
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].to(vae.device, vae.dtype) / 127.5 - 1
        return Hint(net, pixels.to(net.dtype), scale, weights, mode)
    latents = (encoded(vae, picture) - vae.config.shift_factor) * vae.config.scaling_factor
    return Hint(net, pipeline._pack_latents(latents, *latents.shape).to(net.dtype), scale, weights, mode)


def residuals(hints: Sequence[Hint], order: Tensor | None, latents: Tensor, **told: Any) -> dict[str, Any]:
    """What the ControlNets add in each block, summed, as the transformer takes it; image tokens sorted by `order`.

    Args:
        latents: (B, P, C) in the order of the picture, with `img_ids` beside.
        told: the other arguments of the transformer's forward pass, with the text of the whole prompt.
    """
    double: list[Tensor] | None = None
    single: list[Tensor] | None = None
    for one in hints:
        mode = None if one.mode is None else torch.full((len(latents), 1), one.mode, device=latents.device)
        with torch.no_grad():
            parts = one.net(hidden_states=latents, controlnet_cond=one.shown, controlnet_mode=mode, conditioning_scale=one.scale, return_dict=False, **told)
        double, single = (_added(before, part, one.weights, order) for before, part in zip((double, single), parts, strict=True))
    repeats = bool(hints) and hints[0].net.input_hint_block is not None
    return {"controlnet_block_samples": double, "controlnet_single_block_samples": single, "controlnet_blocks_repeat": repeats}


def _added(before: list[Tensor] | None, parts: Sequence[Tensor] | None, weights: Tensor | None, order: Tensor | None) -> list[Tensor] | None:
    if not parts:
        return before
    weighted = [part if weights is None else part * weights.to(part)[None, :, None] for part in parts]
    sorted_ = weighted if order is None else [part[:, order] for part in weighted]
    return sorted_ if before is None else [a + b for a, b in zip(before, sorted_, strict=True)]


@contextmanager
def loras(pipeline: Any, wanted: Sequence[tuple[str, float]]) -> Iterator[None]:
    """Use LoRA weights, each at a weight of its own, and none of them afterwards. They stay loaded, so that the next use costs nothing.

    Args:
        wanted: a .safetensors file, a folder or a hub id, and how much it counts.

    Raises:
        NotConfigured: if `peft` is not installed or the weights are not there. BadInput: if they fit no part of the model.
    """
    if not wanted:
        yield
        return
    names = [_loaded(pipeline, path) for path, _ in wanted]
    pipeline.enable_lora()
    pipeline.set_adapters(names, [weight for _, weight in wanted])
    try:
        yield
    finally:
        pipeline.disable_lora()


def _loaded(pipeline: Any, path: str) -> str:
    """Name of a LoRA's adapter, loaded if it was not yet."""
    name = "lora_" + hashlib.sha256(path.encode()).hexdigest()[:12]
    if name in _adapters(pipeline):
        return name
    found = _file(path)
    try:
        if found is None:
            pipeline.load_lora_weights(path, adapter_name=name)
        else:
            pipeline.load_lora_weights(str(found.parent), weight_name=found.name, adapter_name=name)
    except OSError as error:
        raise NotConfigured(f"cannot load the LoRA {path!r}: {_first_line(error)}", hint=WANTED) from error
    except ValueError as error:
        if "PEFT" in str(error):
            raise NotConfigured("LoRA weights need the package peft", hint="pip install 'cutwork[adapters]'") from error
        if "weight_name" in str(error):  # the hub cannot be asked which file it is
            raise NotConfigured(f"cannot load the LoRA {path!r}: {_first_line(error)}", hint=WANTED) from error
        raise BadInput(f"{path} holds no LoRA of this model: {_first_line(error)}") from error
    if name not in _adapters(pipeline):
        raise BadInput(f"{path} holds no LoRA of this model: none of its weights fits")
    return name


def _file(path: str) -> Path | None:
    """The file of weights that a path means; None for a hub id."""
    place = Path(path).expanduser()
    if place.is_dir():
        files = sorted(place.glob("*.safetensors"))
        if len(files) != 1:
            raise NotConfigured(f"the folder {path} holds {len(files)} .safetensors files, wanted one", hint="name the file itself")
        return files[0]
    if not place.is_file() and path.count("/") != 1:  # a hub id is owner/name
        raise NotConfigured(f"there is no LoRA at {path}", hint=WANTED)
    return place if place.is_file() else None


def _adapters(pipeline: Any) -> set[str]:
    return {name for names in pipeline.get_list_adapters().values() for name in names}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
