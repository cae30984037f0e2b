"""FLUX.1: `FluxTransformer2DModel` under attention control. Joint order [text, image]; text is T5, the pooled vector CLIP.

Sources: diffusers 0.42 `FluxAttnProcessor` for the order of operations; any folder or hub id whose pipeline is
`FluxPipeline` loads here, guidance-distilled (dev), timestep-distilled (schnell) or plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cutwork.domain import ErgSettings, HintSettings, LoraSettings, Plan
from cutwork.tools.attention.control import Control, joint
from cutwork.tools.attention.regional import Layout
from cutwork.tools.families import _adapters
from cutwork.tools.families._adapters import Hint
from cutwork.tools.families._checkpoints import open_pipeline
from cutwork.tools.families._preview import Preview
from cutwork.tools.families.base import (
    CLIP_SHARE,
    T5_SHARE,
    Family,
    FlowMatching,
    Reader,
    Span,
    Suited,
    Text,
    clip_queries,
    controlled,
    decoded,
    encoded,
    flattened,
    naming,
    quiet,
    share_of,
    t5_queries,
    token_spans,
)  # fmt: skip
from cutwork.tools.loading import Loading


class FluxProcessor:
    """The stock FLUX projections around attention under control."""

    _attention_backend = None
    _parallel_config = None

    def __init__(self, block: int, control: Control) -> None:
        self.block, self.control = block, control

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,  # noqa: ARG002 - stock FLUX never passes one
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Double blocks pass text apart and get (image, text) back; single blocks pass [text, image] joined."""
        q, k, v = self.heads(attn, hidden_states, encoder_hidden_states, image_rotary_emb)
        out = joint(q, k, v, self.block, self.control)
        out = out.transpose(1, 2).flatten(2).to(q.dtype)  # (B, T + P, H * D)
        if encoder_hidden_states is None:
            return out
        length = encoder_hidden_states.shape[1]
        text, image = out[:, :length], out[:, length:]
        image = attn.to_out[1](attn.to_out[0](image.contiguous()))
        return image, attn.to_add_out(text.contiguous())

    @staticmethod
    def heads(attn: Any, image: Tensor, text: Tensor | None, rope: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        """Projected, normalised and rotated q, k, v, each (B, H, T + P, D)."""
        from diffusers.models.embeddings import apply_rotary_emb

        heads = (-1, attn.head_dim)
        q, k, v = (proj(image).unflatten(-1, heads) for proj in (attn.to_q, attn.to_k, attn.to_v))
        q, k = attn.norm_q(q), attn.norm_k(k)
        if text is not None:
            tq, tk, tv = (proj(text).unflatten(-1, heads) for proj in (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj))
            q = torch.cat([attn.norm_added_q(tq), q], dim=1)
            k = torch.cat([attn.norm_added_k(tk), k], dim=1)
            v = torch.cat([tv, v], dim=1)
        if rope is not None:
            q = apply_rotary_emb(q, rope, sequence_dim=1)
            k = apply_rotary_emb(k, rope, sequence_dim=1)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)


class FluxFamily(FlowMatching):
    """A `FluxPipeline` answering the family's questions."""

    suited = Suited()
    weak_text = T5_SHARE

    def __init__(self, name: str, pipeline: Any, uses_cfg: bool, max_words: int, device: torch.device) -> None:
        self.name, self.uses_cfg, self.max_words, self.device = name, uses_cfg, max_words, device
        self.pipeline = pipeline  # its weights are on the device, or come there when they are used
        self.model = pipeline.transformer
        for part in (self.model, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
            part.eval().requires_grad_(False)
        self.order = {name: i for i, name in enumerate(self.model.attn_processors)}
        self.blocks = len(self.order)
        self.heads = self.model.config.num_attention_heads
        self._blocks = [*self.model.transformer_blocks, *self.model.single_transformer_blocks]
        double = len(self.model.transformer_blocks)
        self.forks = True
        self.erg_blocks = share_of(double, 8 / 19, 15 / 19)  # the middle of 57, where rows are least decided
        self.self_cross_blocks = share_of(double, 5 / 19, 13 / 19)
        self._hints: tuple[Hint, ...] = ()

    @contextmanager
    def adapted(self, loras: Sequence[LoraSettings], hints: Sequence[tuple[HintSettings, np.ndarray, Tensor | None]]) -> Iterator[None]:
        with _adapters.loras(self.pipeline, [(lora.path, lora.weight) for lora in loras]):
            self._hints = tuple(_adapters.hint(self.pipeline, one.path, picture, one.scale, weights, one.mode) for one, picture, weights in hints)
            try:
                yield
            finally:
                self._hints = ()

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        return plan, ()

    def unknown(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - families of a small vocabulary look at it
        return ()

    def encode(self, prompts: Sequence[str], weak: ErgSettings | None = None, padded: int | None = None) -> Text:
        with torch.no_grad(), self._weakened(weak):
            parts = [self.pipeline.encode_prompt(prompt=p, device=self.device, max_sequence_length=self._length(p, padded)) for p in prompts]
        return Text(
            sequence=torch.cat([sequence for sequence, _, _ in parts], dim=1),
            pooled=parts[0][1],
            lengths=tuple(sequence.shape[1] for sequence, _, _ in parts),
        )

    def _weakened(self, weak: ErgSettings | None) -> AbstractContextManager[None]:
        readers: list[Reader] = [(t5_queries(self.pipeline.text_encoder_2), self.weak_text)]
        if weak is not None and weak.text_pooled:
            readers.append((clip_queries(self.pipeline.text_encoder), CLIP_SHARE))
        return flattened(weak, readers)

    def _length(self, prompt: str, padded: int | None) -> int:
        """Tokens a prompt is padded to: as the model was trained, or as it is asked for, if the prompt is not longer."""
        usual = self._padded(prompt)
        return usual if padded is None else min(usual, max(padded, len(self.pipeline.tokenizer_2(prompt).input_ids)))

    def _padded(self, prompt: str) -> int:  # noqa: ARG002 - families with short prompts look at it
        """Tokens a prompt is padded to. FLUX attends to padding, so this is what the model was trained with."""
        return self.max_words

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        return naming(self._spans(prompt), prompt, phrase)

    def words(self, prompt: str) -> tuple[tuple[int, ...], ...]:
        return (tuple(i for i, _, _ in self._spans(prompt)),)

    def _spans(self, prompt: str) -> list[Span]:
        """Of each token that is a word or a sign, also one that the model does not know (a leading "▁" maps onto what follows it)."""
        return token_spans(self.pipeline.tokenizer_2, prompt, self._padded(prompt))

    def every(self, double: int, single: int) -> frozenset[int]:
        doubles = len(self.model.transformer_blocks)
        return frozenset(range(0, doubles, double)) | frozenset(range(doubles, self.blocks, single))

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        cell = self.pipeline.vae_scale_factor * 2  # 2×2 latents a token, so never a hard-coded 16
        return size[1] // cell, size[0] // cell

    def noise(self, seed: int, size: tuple[int, int]) -> Tensor:
        generator = torch.Generator("cpu").manual_seed(seed)
        channels = self.model.config.in_channels // 4
        latents: Tensor = self.pipeline.prepare_latents(1, channels, size[1], size[0], self.model.dtype, self.device, generator)[0]
        return latents

    def timesteps(self, steps: int, size: tuple[int, int]) -> list[Tensor]:
        from diffusers.pipelines.flux.pipeline_flux import calculate_shift, retrieve_timesteps

        scheduler = self.pipeline.scheduler
        rows, columns = self.grid(size)
        shift = calculate_shift(
            rows * columns,
            scheduler.config.get("base_image_seq_len", 256),
            scheduler.config.get("max_image_seq_len", 4096),
            scheduler.config.get("base_shift", 0.5),
            scheduler.config.get("max_shift", 1.15),
        )
        sigmas = None if scheduler.config.get("use_flow_sigmas") else np.linspace(1.0, 1 / steps, steps)
        timesteps, _ = retrieve_timesteps(scheduler, steps, self.device, sigmas=sigmas, mu=shift)
        scheduler.set_begin_index(0)
        return list(timesteps)

    def predict(self, latents: Tensor, t: Tensor, text: Text, size: tuple[int, int], guidance: float, control: Control | None = None) -> Tensor:
        ids = self.pipeline._prepare_latent_image_ids(1, *self.grid(size), self.device, latents.dtype)
        if control is None or not control.active:
            return self._forward(latents, ids, t, text, guidance)
        with controlled(self.model, lambda name: FluxProcessor(self.order[name], control), self._blocks, control):
            return self._forward(latents, ids, t, text, guidance, None if control.regions is None else control.regions.layout)

    def predict_beside(
        self, latents: Tensor, t: Tensor, text: Text, empty: Text, size: tuple[int, int], guidance: float, control: Control
    ) -> tuple[Tensor, Tensor]:
        return self.predict(latents, t, text, size, guidance, control), self.predict(latents, t, empty, size, guidance)

    def _forward(self, latents: Tensor, ids: Tensor, t: Tensor, text: Text, guidance: float, layout: Layout | None = None) -> Tensor:
        """The transformer on packed latents (B, P, C) whose image tokens stand at `ids` (P, 3), sorted by the layout while it looks at them."""
        images = latents.shape[0]
        told: dict[str, Any] = {
            "timestep": t.expand(images).to(latents.dtype) / 1000,
            "guidance": torch.full([images], guidance, device=self.device) if self.model.config.guidance_embeds else None,
            "pooled_projections": text.pooled.expand(images, -1),
        }
        order = None if layout is None else layout.order
        extra = self._residuals(latents, ids, text.sequence, layout, told) if self._hints else {}
        output = self.model(
            hidden_states=latents if order is None else latents[:, order],
            img_ids=ids if order is None else ids[order],
            **_texts(text.sequence, images),
            **told,
            **extra,
            return_dict=False,
        )
        velocity: Tensor = output[0]
        return velocity if layout is None else velocity[:, layout.back]

    def _residuals(self, latents: Tensor, ids: Tensor, sequence: Tensor, layout: Layout | None, told: dict[str, Any]) -> dict[str, Any]:
        """What ControlNets add. They are told the whole prompt; where that is not among the texts, all of them."""
        whole = sequence if layout is None or layout.base[0] == layout.base[1] else sequence[:, slice(*layout.base)]
        return _adapters.residuals(self._hints, None if layout is None else layout.order, latents, img_ids=ids, **_texts(whole, len(latents)), **told)

    def first_size(self, plan: Plan) -> tuple[int, int] | None:  # noqa: ARG002 - families that draw some plans better small look at it
        return None

    def latents(self, picture: np.ndarray) -> Tensor:
        config = self.pipeline.vae.config
        z = (encoded(self.pipeline.vae, picture) - config.shift_factor) * config.scaling_factor
        packed: Tensor = self.pipeline._pack_latents(z, *z.shape).to(self.model.dtype)
        return packed

    def preview(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:
        return self._preview(self._unpacked(latents, size))

    @cached_property
    def _preview(self) -> Preview:
        return Preview(self.pipeline.vae)

    def decode(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:
        return decoded(self.pipeline, self._unpacked(latents, size))

    def _unpacked(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        """Packed latents (B, P, C) as the autoencoder takes them, (B, C / 4, h, w)."""
        config = self.pipeline.vae.config
        unpacked = self.pipeline._unpack_latents(latents, size[1], size[0], self.pipeline.vae_scale_factor)
        unscaled: Tensor = unpacked / config.scaling_factor + config.shift_factor
        return unscaled


def _texts(sequence: Tensor, images: int) -> dict[str, Tensor]:
    """Encoded text (1, T, D) for each image of a batch, with its place in the rotation, which is nowhere."""
    nowhere = torch.zeros(sequence.shape[1], 3, device=sequence.device, dtype=sequence.dtype)
    return {"encoder_hidden_states": sequence.expand(images, -1, -1), "txt_ids": nowhere}


def load(model: str, device: torch.device, loading: Loading | None = None) -> Family:
    """Load a hub id, a local folder or a single file.

    Raises:
        NotConfigured: if weights, or what a setting needs, are not there. LicenceRefused: if the hub wants a licence accepted first.
    """
    quiet()
    from diffusers import FluxPipeline

    pipeline = open_pipeline(model, FluxPipeline, device, loading or Loading())
    schnell = "schnell" in model.lower()
    distilled = pipeline.transformer.config.guidance_embeds or "schnell" in Path(model).name.lower()
    return FluxFamily(model, pipeline, uses_cfg=not distilled, max_words=256 if schnell else 512, device=device)


def tiny() -> Family:
    """A random FLUX of one double and two single blocks, for the contract tests."""
    from cutwork.tools.families._tiny import flux

    return FluxFamily("tiny-flux", flux(), uses_cfg=True, max_words=24, device=torch.device("cpu"))
