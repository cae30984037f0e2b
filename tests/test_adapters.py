"""LoRAs and ControlNets together with regions, on random adapters of a tiny FLUX."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import a_plan, grey_png, tiny_flux

from cutwork.domain import Box, DrawSettings, HintSettings, LoraSettings, Plan, Shot
from cutwork.errors import BadInput, NotConfigured
from cutwork.tools.denoise import denoise
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.families import flux
from cutwork.tools.pixels import decode
from cutwork.tools.render import condition, render

SIZE = (128, 96)
BOXES = (Box((0, 0, 0.5, 1)), Box((0.5, 0.25, 1, 1)))


@pytest.fixture(scope="module")
def family() -> flux.FluxFamily:
    return tiny_flux()


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory, family: flux.FluxFamily) -> str:
    """Random rank-2 weights for the image projections of every block."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, module in family.model.named_modules():
        if name.endswith(("to_q", "to_v")):
            weights[f"transformer.{name}.lora_A.weight"] = torch.randn(2, module.in_features, generator=generator)
            weights[f"transformer.{name}.lora_B.weight"] = torch.randn(module.out_features, 2, generator=generator)
    path = tmp_path_factory.mktemp("lora") / "style.safetensors"
    save_file(weights, path)
    return str(path)


@pytest.fixture(scope="module")
def controlnet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return a_controlnet(tmp_path_factory.mktemp("controlnet"))


def a_controlnet(path: Path, seed: int = 0, modes: int | None = None) -> str:
    """A random one, of the union kind if it has modes."""
    from diffusers import FluxControlNetModel

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers' ControlNet uses what diffusers will move
        net = FluxControlNetModel(
            in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=[4, 6, 6], num_mode=modes,
        )  # fmt: skip
    for parameter in net.parameters():  # its outputs start at zero
        torch.nn.init.normal_(parameter, std=0.1)
    net.save_pretrained(path)
    return str(path)


@pytest.mark.parametrize("kind", ["one", "union", "two"])
@pytest.mark.filterwarnings("ignore")  # diffusers' ControlNet uses what diffusers will move
def test_without_regions_it_is_the_stock_pipeline(family: flux.FluxFamily, tmp_path: Path, kind: str) -> None:
    from diffusers import FluxControlNetModel, FluxControlNetPipeline, FluxMultiControlNetModel
    from PIL import Image

    modes = [2] if kind == "union" else [None, None] if kind == "two" else [None]
    paths = [a_controlnet(tmp_path / str(i), i, None if mode is None else 5) for i, mode in enumerate(modes)]
    nets, picture = [FluxControlNetModel.from_pretrained(path) for path in paths], np.arange(96 * 128 * 3, dtype=np.uint8).reshape(96, 128, 3)
    many = len(nets) > 1
    pipeline = FluxControlNetPipeline(**family.pipeline.components | {"controlnet": FluxMultiControlNetModel(nets) if many else nets[0]})
    pipeline.set_progress_bar_config(disable=True)
    shown, scales = [Image.fromarray(picture)] * len(nets), [0.7, 0.4][: len(nets)]
    plan = plan_of(regional=False)
    stock = pipeline(
        plan.prompt, control_image=shown if many else shown[0], control_mode=None if many else modes[0], controlnet_conditioning_scale=scales if many else scales[0],
        width=128, height=96, num_inference_steps=2, guidance_scale=1.0, max_sequence_length=24, generator=torch.Generator().manual_seed(3), output_type="latent",
    ).images  # fmt: skip
    hints = [(HintSettings(path=path, image="0" * 64, scale=scale, mode=mode), picture, None) for path, scale, mode in zip(paths, scales, modes, strict=True)]
    with family.adapted((), hints):
        ours = denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 2, 1.0).latents
    assert torch.equal(ours, stock)
    assert not torch.equal(ours, denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 2, 1.0).latents)


def plan_of(**draw: Any) -> Plan:
    settings = DrawSettings(**{"steps": 2, "guidance": 1.0, "isolate": "all", "base_ratio": 0.0, "regional_until": 1.0, **draw})
    return a_plan("a grumpy cat", "a red rocket", boxes=BOXES, background="a blue background", size=SIZE, draw=settings)


@pytest.fixture
def drawn(family: flux.FluxFamily) -> Callable[..., np.ndarray]:
    blobs = MemoryBlobs()
    edges = blobs.put(grey_png(np.arange(96 * 128).reshape(96, 128) % 37 > 18))

    def draw(net: str = "", weights: tuple[float, ...] = (), image: str = edges, **settings: Any) -> np.ndarray:
        hints = (HintSettings(path=net, image=image, weights=weights),) if net else ()
        shot = Shot(plan=plan_of(**settings, hints=hints), seed=3)
        return decode(blobs.get(render(shot, family, blobs, early_verdict=False).image), "RGB").astype(int)

    return draw


def test_a_lora_acts_with_regions_by_its_weight_and_not_afterwards(drawn: Callable[..., np.ndarray], lora: str) -> None:
    before = drawn()
    half, full = (drawn(loras=(LoraSettings(path=lora, weight=w),)) for w in (0.5, 1.0))
    assert (half != before).any()
    assert (full != half).any()
    assert (drawn() == before).all()
    assert (drawn(loras=(LoraSettings(path=lora, weight=0.0),)) == before).all()


def test_a_controlnet_acts_with_regions_and_not_afterwards(drawn: Callable[..., np.ndarray], controlnet: str) -> None:
    before = drawn()
    assert (drawn(controlnet) != before).any()
    assert (drawn() == before).all()


def test_a_controlnet_weighted_nothing_is_not_there(drawn: Callable[..., np.ndarray], controlnet: str) -> None:
    assert (drawn(controlnet, weights=(0.0, 0.0, 0.0)) == drawn()).all()
    assert (drawn(controlnet, weights=(1.0, 1.0, 1.0)) == drawn(controlnet)).all()


def test_a_controlnet_is_heard_in_its_region_alone(family: flux.FluxFamily, controlnet: str) -> None:
    """With full isolation what the rocket hears changes nothing of the cat."""
    plan, picture = plan_of(), np.full((96, 128, 3), 200, np.uint8)
    weights = torch.zeros(6, 8)
    weights[2:, 4:] = 1
    outcomes = []
    for hints in ([], [(HintSettings(path=controlnet, image="0" * 64), picture, weights.flatten())]):
        with family.adapted((), hints):
            outcomes.append(denoise(family, family.noise(3, SIZE), condition(plan, family), SIZE, 2, 1.0).latents)
    changed = (outcomes[0] - outcomes[1]).abs().sum(-1).reshape(6, 8)
    assert changed[2:, 4:].min() > 0
    assert changed[:, :4].max() == 0


def test_both_at_once(drawn: Callable[..., np.ndarray], lora: str, controlnet: str) -> None:
    both = drawn(controlnet, loras=(LoraSettings(path=lora),))
    assert (both != drawn(controlnet)).any()
    assert (both != drawn(loras=(LoraSettings(path=lora),))).any()


def test_what_is_not_there_or_does_not_fit_is_said(drawn: Callable[..., np.ndarray], controlnet: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(NotConfigured, match="there is no LoRA at"):
        drawn(loras=(LoraSettings(path=str(tmp_path / "nowhere")),))
    with pytest.raises(NotConfigured, match="cannot load the ControlNet"):
        drawn(str(tmp_path / "nowhere"))
    save_file({"something": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match="holds no LoRA of this model"):
        drawn(loras=(LoraSettings(path=str(tmp_path / "other.safetensors")),))
    with pytest.raises(BadInput, match="has 2 weights, wanted 3"):
        drawn(controlnet, weights=(1.0, 1.0))
    with pytest.raises(BadInput, match="is not there"):
        drawn(controlnet, image="0" * 64)
