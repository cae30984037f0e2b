"""Stable Diffusion 1.5, 2 and XL: `UNet2DConditionModel` under attention control.

Any folder or hub id whose pipeline is `StableDiffusionPipeline` or `StableDiffusionXLPipeline` loads here, whatever it predicts
(noise, v or the picture) and whatever scheduler it comes with.

A UNet attends at several resolutions. The grid of its record is the coarsest that the way down attends at: 16 × 16 for 512 pixels
of SD1.5, 32 × 32 for 1024 of SDXL. Maps of that and of the next finer are recorded, the finer brought to the grid.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cutwork.domain import ErgSettings, HintSettings, LoraSettings, Plan
from cutwork.errors import BadInput
from cutwork.tools import catalogue
from cutwork.tools.attention.control import Control
from cutwork.tools.families._checkpoints import open_pipeline
from cutwork.tools.families._preview import Preview
from cutwork.tools.families._unet_attention import Level, UnetProcessor
from cutwork.tools.families.base import (
    CLIP_SHARE,
    Family,
    Span,
    Suited,
    Text,
    chance_of,
    clip_queries,
    controlled,
    decoded,
    encoded,
    flattened,
    naming,
    quiet,
    shared_spans,
    with_loras,
)  # fmt: skip
from cutwork.tools.loading import Loading


class UnetFamily:
    """A `StableDiffusionPipeline` answering the family's questions.

    Blocks are the UNet's transformer blocks in the order of a pass, each with attention of the image to itself and to the text.
    """

    suited = Suited(turn=100.0)  # of a prediction of noise, which moves latents by a small share of itself a step

    def __init__(self, name: str, pipeline: Any, device: torch.device, uses_cfg: bool = True) -> None:
        self.name, self.device = name, device
        self.pipeline = pipeline  # its weights are on the device, or come there when they are used
        self.model = pipeline.unet
        for part in (self.model, pipeline.vae, *self._encoders()):
            part.eval().requires_grad_(False)
        self.uses_cfg = uses_cfg and self.model.config.time_cond_proj_dim is None  # else guidance is embedded
        self.max_words: int = pipeline.tokenizer.model_max_length
        self.forks = False  # what one half of a UNet makes goes into the other
        blocks = list(_transformer_blocks(self.model))
        self._names = [name for name, _, _ in blocks]
        self._blocks = [block for _, block, _ in blocks]
        self._levels = [level for _, _, level in blocks]
        self._order = {f"{name}.{attn}.processor": i for i, name in enumerate(self._names) for attn in ("attn1", "attn2")}
        self._level = max(level for name, _, level in blocks if name.startswith("down"))
        self.blocks = len(blocks)
        self.heads: int = min(attention.heads for block in self._blocks for attention in _attentions(block))
        first_up = next(name for name in self._names if name.startswith("up")).split(".attentions")[0]
        self.erg_blocks = frozenset(i for i, name in enumerate(self._names) if name.startswith(("mid_block", f"{first_up}.")))
        self.self_cross_blocks = frozenset(i for i, level in enumerate(self._levels) if level == self._level)
        self._chances: list[torch.Generator] = []

    def _encoders(self) -> list[Any]:
        return [self.pipeline.text_encoder]

    def adapted(self, loras: Sequence[LoraSettings], hints: Sequence[tuple[HintSettings, np.ndarray, Tensor | None]]) -> AbstractContextManager[None]:
        return with_loras(self.pipeline, loras, hints)

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        return plan, ()

    def unknown(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - families of a small vocabulary look at it
        return ()

    def encode(self, prompts: Sequence[str], weak: ErgSettings | None = None, padded: int | None = None) -> Text:  # noqa: ARG002 - CLIP pads as it does
        with torch.no_grad():
            with self._weakened(weak):
                parts = [self._encoded(prompt) for prompt in prompts]
            pooled = parts[0][1] if weak is None or weak.text_pooled else self._encoded(prompts[0])[1]  # it comes from an encoder that is weakened
        return Text(torch.cat([sequence for sequence, _ in parts], 1), pooled, tuple(sequence.shape[1] for sequence, _ in parts))

    def _encoded(self, prompt: str) -> tuple[Tensor, Tensor]:
        """The text (1, T, D) and the pooled vector (1, P), which here nobody reads."""
        sequence = self.pipeline.encode_prompt(prompt, self.device, 1, False)[0]
        return sequence, torch.zeros_like(sequence[:, 0])

    def _weakened(self, weak: ErgSettings | None) -> AbstractContextManager[None]:
        return flattened(weak, [(clip_queries(encoder), CLIP_SHARE) for encoder in self._encoders()])

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        return naming(self._spans(prompt), prompt, phrase)

    def words(self, prompt: str) -> tuple[tuple[int, ...], ...]:
        return (tuple(dict.fromkeys(i for i, _, _ in self._spans(prompt))),)

    def _spans(self, prompt: str) -> list[Span]:
        """Of each token that is a word. Two encoders share places."""
        return shared_spans(self._tokenizers(), prompt, self.max_words)

    def _tokenizers(self) -> list[Any]:
        return [self.pipeline.tokenizer]

    def every(self, double: int, single: int) -> frozenset[int]:  # noqa: ARG002 - all blocks are of one kind
        return frozenset(range(0, self.blocks, double))

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        return self._sizes(size)[self._level]

    def _sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """Rows and columns at each level on the way down; an odd number is halved upwards."""
        factor = self.pipeline.vae_scale_factor
        sizes = [(size[1] // factor, size[0] // factor)]
        for _ in self.model.down_blocks[1:]:
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        return sizes

    def noise(self, seed: int, size: tuple[int, int]) -> Tensor:
        """Of unit variance: how much noise a scheduler starts from is known once the number of steps is (`_held`)."""
        from diffusers.utils.torch_utils import randn_tensor

        shape = (1, self.model.config.in_channels, *self._sizes(size)[0])
        noise: Tensor = randn_tensor(shape, generator=torch.Generator("cpu").manual_seed(seed), device=self.device, dtype=self.model.dtype)
        return noise

    def timesteps(self, steps: int, size: tuple[int, int]) -> list[Tensor]:  # noqa: ARG002 - the schedule is the same for every size
        scheduler = self.pipeline.scheduler
        scheduler.set_timesteps(steps, device=self.device)  # which also forgets what a scheduler remembers of earlier steps
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)
        return list(scheduler.timesteps)

    def predict(self, latents: Tensor, t: Tensor, text: Text, size: tuple[int, int], guidance: float, control: Control | None = None) -> Tensor:
        with self._under(control, size):
            return self._forward(self._input(latents, t, control), t, [text], size, guidance)

    def predict_beside(
        self, latents: Tensor, t: Tensor, text: Text, empty: Text, size: tuple[int, int], guidance: float, control: Control
    ) -> tuple[Tensor, Tensor]:
        if control.regions is not None:  # the texts differ in length
            return self.predict(latents, t, text, size, guidance, control), self.predict(latents, t, empty, size, guidance)
        with self._under(replace(control, kinds=("plain", "strong")), size):
            both = self._forward(self._input(torch.cat([latents] * 2), t), t, [empty, text], size, guidance)
        plain, strong = both.chunk(2)
        return strong, plain

    @contextmanager
    def _under(self, control: Control | None, size: tuple[int, int]) -> Iterator[None]:
        """The model's blocks under control, or as they are."""
        if control is None or not control.active:
            yield
            return
        if control.kept is not None and not control.kept.blocks & self.self_cross_blocks:
            raise BadInput(f"Self-Cross looks at blocks of the record's grid, which of this model are {sorted(self.self_cross_blocks)}, not {sorted(control.kept.blocks)}")
        layout = None if control.regions is None else control.regions.layout
        levels = [Level(one, self.grid(size), i in (self._level - 1, self._level), layout) for i, one in enumerate(self._sizes(size))]

        def make(name: str) -> UnetProcessor:
            block = self._order[name]
            return UnetProcessor(block, levels[self._levels[block]], control)

        with controlled(self.model, make, self._blocks, control):
            yield

    def _forward(self, latents: Tensor, t: Tensor, texts: Sequence[Text], size: tuple[int, int], guidance: float) -> Tensor:
        """The UNet on scaled latents (B, C, h, w), of which equal shares are told one text each."""
        images = latents.shape[0]
        share = images // len(texts)
        embedded = None
        if (width := self.model.config.time_cond_proj_dim) is not None:
            scale = torch.tensor(guidance - 1).repeat(images)
            embedded = self.pipeline.get_guidance_scale_embedding(scale, embedding_dim=width).to(self.device, latents.dtype)
        output = self.model(
            latents,
            t,
            encoder_hidden_states=torch.cat([text.sequence.expand(share, -1, -1) for text in texts]),
            timestep_cond=embedded,
            added_cond_kwargs=self._added(torch.cat([text.pooled.expand(share, -1) for text in texts]), size),
            return_dict=False,
        )
        prediction: Tensor = output[0]
        return prediction

    def _added(self, pooled: Tensor, size: tuple[int, int]) -> dict[str, Tensor] | None:  # noqa: ARG002 - SDXL is told both
        """What the UNet is told beside the text."""
        return None

    def _input(self, latents: Tensor, t: Tensor, control: Control | None = None) -> Tensor:
        """What the UNet is shown, of unit variance.

        Some schedulers hold latents whose noise grows to many times that, where a gradient shrinks as much on its way back. It is given back
        as what moves the input by as much: the latents themselves, in a pass for that alone; else a prediction, in units of noise.
        """
        scheduler = self.pipeline.scheduler
        scaled: Tensor = scheduler.scale_model_input(self._held(latents, t), t)
        if control is not None and control.kept is not None and scaled.requires_grad and self._grows and not self._starts(t):
            weight = self._mix(t)[0] ** (-2 if control.kept.stop else -1)
            scaled.register_hook(lambda gradient: gradient * weight)  # type: ignore[no-untyped-call]
        return scaled

    @property
    def leads(self) -> int:
        return 1 if self.pipeline.scheduler.config.prediction_type == "sample" else -1

    @property
    def _grows(self) -> bool:
        """Whether the scheduler's latents are the picture plus noise, rather than a mixture of unit variance."""
        return float(self.pipeline.scheduler.init_noise_sigma) != 1

    def _starts(self, t: Tensor) -> bool:
        return bool(t == self.pipeline.scheduler.timesteps[0])

    def _held(self, latents: Tensor, t: Tensor) -> Tensor:
        """Latents as the scheduler holds them: the loop's, but for the start noise, which a run brings with unit variance."""
        return latents * self.pipeline.scheduler.init_noise_sigma if self._grows and self._starts(t) else latents

    def _mix(self, t: Tensor) -> tuple[float, float]:
        """How much picture and how much noise is in the UNet's input at a timestep; the squares sum to one."""
        kept = self.pipeline.scheduler.alphas_cumprod.double().cpu().numpy()
        square = float(np.interp(float(t), np.arange(len(kept)), kept))
        return square**0.5, (1 - square) ** 0.5

    def time(self, t: Tensor) -> float:
        return float(t) / float(self.pipeline.scheduler.config.num_train_timesteps)

    def step(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        scheduler = self.pipeline.scheduler
        chance = {}
        if "generator" in inspect.signature(scheduler.step).parameters:
            if self._starts(t):
                self._chances = [chance_of(one) for one in latents]
            chance["generator"] = self._chances
        stepped: Tensor = scheduler.step(velocity, t, self._held(latents, t), **chance, return_dict=False)[0]
        return stepped

    def clean(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        """From the model's own prediction, be it of the noise, of v or of the picture."""
        predicts = self.pipeline.scheduler.config.prediction_type
        if predicts == "sample":
            return velocity
        picture, noise = self._mix(t)
        scaled = self._held(latents, t) * (picture if self._grows else 1)
        return picture * scaled - noise * velocity if predicts == "v_prediction" else (scaled - noise * velocity) / picture

    def decode(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:  # noqa: ARG002 - latents have the picture's shape
        return decoded(self.pipeline, self._unscaled(latents))

    def first_size(self, plan: Plan) -> tuple[int, int] | None:  # noqa: ARG002
        return None

    def latents(self, picture: np.ndarray) -> Tensor:
        vae = self.pipeline.vae
        z, (mean, std) = encoded(vae, picture), (vae.config.get(name) for name in ("latents_mean", "latents_std"))
        if mean is not None and std is not None:
            z = (z - z.new_tensor(mean)[:, None, None]) / z.new_tensor(std)[:, None, None]
        return (z * float(vae.config.scaling_factor)).to(self.model.dtype)

    def renoise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        scheduler = self.pipeline.scheduler
        self._chances = [chance_of(one) for one in noise]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(scheduler.index_for_timestep(t))
        noised: Tensor = scheduler.add_noise(clean, noise, t[None])
        return noised

    def preview(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:  # noqa: ARG002 - latents have the picture's shape
        return self._preview(self._unscaled(latents))

    @cached_property
    def _preview(self) -> Preview:
        return Preview(self.pipeline.vae)

    def _unscaled(self, latents: Tensor) -> Tensor:
        """As the autoencoder takes them."""
        vae, latents = self.pipeline.vae, latents.to(self.pipeline.vae.dtype)
        mean, std = (vae.config.get(name) for name in ("latents_mean", "latents_std"))
        unscaled: Tensor = latents / vae.config.scaling_factor
        if mean is None or std is None:
            return unscaled
        return unscaled * latents.new_tensor(std)[:, None, None] + latents.new_tensor(mean)[:, None, None]


class XlFamily(UnetFamily):
    """A `StableDiffusionXLPipeline`: two text encoders, joined on channels, and a UNet that is told the picture's size and the pooled vector."""

    def _encoders(self) -> list[Any]:
        return [self.pipeline.text_encoder, self.pipeline.text_encoder_2]

    def _tokenizers(self) -> list[Any]:
        return [self.pipeline.tokenizer, self.pipeline.tokenizer_2]

    def encode(self, prompts: Sequence[str], weak: ErgSettings | None = None, padded: int | None = None) -> Text:
        text = super().encode(prompts, weak, padded)
        if len(prompts) == 1 and not prompts[0].strip() and self.pipeline.config.force_zeros_for_empty_prompt:  # no prompt at all, as in training
            return Text(torch.zeros_like(text.sequence), torch.zeros_like(text.pooled), text.lengths)
        return text

    def _encoded(self, prompt: str) -> tuple[Tensor, Tensor]:
        sequence, _, pooled, _ = self.pipeline.encode_prompt(prompt, device=self.device, do_classifier_free_guidance=False)
        return sequence, pooled

    def _added(self, pooled: Tensor, size: tuple[int, int]) -> dict[str, Tensor] | None:
        """Drawn at the size it is shown, nothing cropped."""
        ids = torch.tensor([[size[1], size[0], 0, 0, size[1], size[0]]], dtype=pooled.dtype, device=pooled.device)
        return {"text_embeds": pooled, "time_ids": ids.expand(pooled.shape[0], -1)}


def _transformer_blocks(unet: Any) -> Iterator[tuple[str, nn.Module, int]]:
    """Name, module and level of each transformer block, in the order of a pass; the level counts how often the latents were halved."""
    deepest = len(unet.down_blocks) - 1
    stages = [
        *((f"down_blocks.{i}", stage, i) for i, stage in enumerate(unet.down_blocks)),
        ("mid_block", unet.mid_block, deepest),
        *((f"up_blocks.{i}", stage, deepest - i) for i, stage in enumerate(unet.up_blocks)),
    ]
    for name, stage, level in stages:
        for i, attention in enumerate(getattr(stage, "attentions", ())):
            for j, block in enumerate(attention.transformer_blocks):
                yield f"{name}.attentions.{i}.transformer_blocks.{j}", block, level


def _attentions(block: Any) -> tuple[Any, Any]:
    return block.attn1, block.attn2


def load(model: str, device: torch.device, loading: Loading | None = None) -> Family:
    """Load a hub id, a local folder or a single file.

    Raises:
        NotConfigured: if weights, or what a setting needs, are not there. LicenceRefused: if the hub wants a licence accepted first.
    """
    quiet()
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

    kinds = {"StableDiffusionPipeline": (StableDiffusionPipeline, UnetFamily), "StableDiffusionXLPipeline": (StableDiffusionXLPipeline, XlFamily)}
    kind, family = kinds[catalogue.pipeline_class(model)]
    pipeline = open_pipeline(model, kind, device, loading or Loading(), exact_vae=True)  # in half precision it overflows, or shows in the picture
    return family(model, pipeline, device, uses_cfg="turbo" not in model.lower())


def tiny() -> Family:
    """A random SDXL of eleven transformer blocks, for the contract tests."""
    from cutwork.tools.families._tiny_unet import sdxl

    return XlFamily("tiny-sdxl", sdxl(), torch.device("cpu"))
