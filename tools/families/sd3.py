"""SD3 and SD3.5: `SD3Transformer2DModel` under attention control. Text is CLIP's followed by T5's; the pooled vector CLIP's alone.

Sources: diffusers 0.42 `JointAttnProcessor2_0` and `StableDiffusion3Pipeline` for the order of operations; any folder or hub
id whose pipeline is `StableDiffusion3Pipeline` loads here, with T5 or without.

Position is added to image tokens once, on entering the transformer, and attention rotates nothing: while regions act, tokens
are sorted right there and put back before the last norm. The second attention that SD3.5-medium has in its first blocks is of
the image alone, hears no words, and stays as it is: it sees across all regions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cutwork.domain import ErgSettings, HintSettings, LoraSettings, Plan
from cutwork.tools.attention.control import Control, joint
from cutwork.tools.attention.regional import Layout
from cutwork.tools.families._checkpoints import open_pipeline
from cutwork.tools.families._preview import Preview
from cutwork.tools.families.base import (
    CLIP_SHARE,
    T5_SHARE,
    Family,
    FlowMatching,
    Reader,
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
    shared_spans,
    t5_queries,
    token_spans,
    with_loras,
)  # fmt: skip
from cutwork.tools.loading import Loading


class SD3Processor:
    """The stock SD3 projections around attention under control."""

    def __init__(self, block: int, control: Control) -> None:
        self.block, self.control = block, control

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,  # noqa: ARG002 - stock SD3 never passes one
    ) -> tuple[Tensor, Tensor]:
        """Image (B, P, C) and text (B, T, C) in; the same out, where the last block's text goes nowhere and is not projected."""
        length = encoder_hidden_states.shape[1]
        q, k, v = (torch.cat(pair, dim=2) for pair in zip(self._text(attn, encoder_hidden_states), self._image(attn, hidden_states), strict=True))
        out = joint(q, k, v, self.block, self.control)
        out = out.transpose(1, 2).flatten(2).to(q.dtype)  # (B, T + P, H * D)
        text, image = out[:, :length], out[:, length:]
        image = attn.to_out[1](attn.to_out[0](image))
        return image, text if attn.context_pre_only else attn.to_add_out(text)

    @staticmethod
    def _image(attn: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _heads(attn.heads, x, (attn.to_q, attn.to_k, attn.to_v), (attn.norm_q, attn.norm_k))

    @staticmethod
    def _text(attn: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _heads(attn.heads, x, (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj), (attn.norm_added_q, attn.norm_added_k))


def _heads(heads: int, x: Tensor, projections: Sequence[nn.Module], norms: Sequence[nn.Module | None]) -> tuple[Tensor, Tensor, Tensor]:
    """Projected q, k, v, each (B, H, L, D), of tokens (B, L, C); q and k normalised where the model does so."""
    q, k, v = (project(x).unflatten(-1, (heads, -1)).transpose(1, 2) for project in projections)
    q, k = (y if norm is None else norm(y) for y, norm in zip((q, k), norms, strict=True))
    return q, k, v


class SD3Family(FlowMatching):
    """A `StableDiffusion3Pipeline` answering the family's questions.

    Args:
        padded: tokens T5's text is padded to. The model attends to padding, so this is what it was trained with.
    """

    suited = Suited(erg=3.0, refine=(0.14, 0.36))  # steps 4 and 10 of 28 in Self-Cross's code

    def __init__(self, name: str, pipeline: Any, device: torch.device, uses_cfg: bool = True, padded: int = 256) -> None:
        self.name, self.uses_cfg, self.device = name, uses_cfg, device
        self.pipeline = pipeline  # its weights are on the device, or come there when they are used
        self.model = pipeline.transformer
        for part in (self.model, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2, pipeline.text_encoder_3):
            if part is not None:
                part.eval().requires_grad_(False)
        self._clip, self._padded = pipeline.tokenizer_max_length, padded
        self.max_words = self._clip if pipeline.text_encoder_3 is None else max(self._clip, padded)
        self._blocks = list(self.model.transformer_blocks)
        self.blocks = len(self._blocks)
        self.heads = self.model.config.num_attention_heads
        self.order = {f"transformer_blocks.{i}.attn.processor": i for i in range(self.blocks)}
        self.forks = True
        self.erg_blocks = share_of(self.blocks, 9 / 24, 15 / 24)  # the middle, where rows are least decided
        self.self_cross_blocks = share_of(self.blocks, 5 / 24, 20 / 38)  # 5 to 12 of 24, as in Self-Cross's code, and 8 to 19 of 38

    def adapted(self, loras: Sequence[LoraSettings], hints: Sequence[tuple[HintSettings, np.ndarray, Tensor | None]]) -> AbstractContextManager[None]:
        return with_loras(self.pipeline, loras, hints)

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        return plan, ()

    def unknown(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - families of a small vocabulary look at it
        return ()

    def encode(self, prompts: Sequence[str], weak: ErgSettings | None = None, padded: int | None = None) -> Text:
        with torch.no_grad():
            with self._weakened(weak):
                parts = [self._encoded(prompt, padded) for prompt in prompts]
            pooled = parts[0][1] if weak is None or weak.text_pooled else self._encoded(prompts[0])[1]  # it comes from the encoders that are weakened
        return Text(
            sequence=torch.cat([sequence for sequence, _ in parts], dim=1),
            pooled=pooled,
            lengths=tuple(sequence.shape[1] for sequence, _ in parts),
        )

    def _encoded(self, prompt: str, padded: int | None = None) -> tuple[Tensor, Tensor]:
        """CLIP's tokens followed by T5's (1, T, D), and the pooled vector (1, P)."""
        length = self._padded
        if padded is not None:
            own = 1 if self.pipeline.text_encoder_3 is None else len(self.pipeline.tokenizer_3(prompt).input_ids)
            length = min(length, max(padded, own))
        sequence, _, pooled, _ = self.pipeline.encode_prompt(
            prompt, None, None, device=self.device, do_classifier_free_guidance=False, max_sequence_length=length
        )
        return sequence, pooled

    def _weakened(self, weak: ErgSettings | None) -> AbstractContextManager[None]:
        readers: list[Reader] = [(clip_queries(clip), CLIP_SHARE) for clip in (self.pipeline.text_encoder, self.pipeline.text_encoder_2)]
        if self.pipeline.text_encoder_3 is not None:
            readers.append((t5_queries(self.pipeline.text_encoder_3), T5_SHARE))
        return flattened(weak, readers)

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        return naming((token for group in self._spans(prompt) for token in group), prompt, phrase)

    def words(self, prompt: str) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(dict.fromkeys(i for i, _, _ in group)) for group in self._spans(prompt))

    def _spans(self, prompt: str) -> list[list[tuple[int, int, int]]]:
        """Index and character span of each token that is a word: CLIP's, whose two encoders share places, then T5's, which follow all of CLIP's."""
        clip = shared_spans((self.pipeline.tokenizer, self.pipeline.tokenizer_2), prompt, self._clip)
        if self.pipeline.text_encoder_3 is None:
            return [clip]
        return [clip, [(self._clip + i, low, high) for i, low, high in token_spans(self.pipeline.tokenizer_3, prompt, self._padded)]]

    def every(self, double: int, single: int) -> frozenset[int]:  # noqa: ARG002 - all blocks are of one kind
        return frozenset(range(0, self.blocks, double))

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        cell = self.pipeline.vae_scale_factor * self.model.config.patch_size
        return size[1] // cell, size[0] // cell

    def noise(self, seed: int, size: tuple[int, int]) -> Tensor:
        generator = torch.Generator("cpu").manual_seed(seed)
        latents: Tensor = self.pipeline.prepare_latents(
            1, self.model.config.in_channels, size[1], size[0], self.model.dtype, self.device, generator
        )  # (1, C, rows of latents, columns)
        return latents

    def timesteps(self, steps: int, size: tuple[int, int]) -> list[Tensor]:
        from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import calculate_shift, retrieve_timesteps

        scheduler = self.pipeline.scheduler
        rows, columns = self.grid(size)
        shift = {}
        if scheduler.config.get("use_dynamic_shifting"):
            shift["mu"] = calculate_shift(
                rows * columns,
                scheduler.config.get("base_image_seq_len", 256),
                scheduler.config.get("max_image_seq_len", 4096),
                scheduler.config.get("base_shift", 0.5),
                scheduler.config.get("max_shift", 1.16),
            )
        timesteps, _ = retrieve_timesteps(scheduler, steps, self.device, **shift)
        return list(timesteps)

    def predict(self, latents: Tensor, t: Tensor, text: Text, size: tuple[int, int], guidance: float, control: Control | None = None) -> Tensor:  # noqa: ARG002 - guidance is classifier-free
        with self._under(control):
            return self._forward(latents, t, [text])

    def predict_beside(
        self, latents: Tensor, t: Tensor, text: Text, empty: Text, size: tuple[int, int], guidance: float, control: Control
    ) -> tuple[Tensor, Tensor]:
        if control.regions is not None:  # the texts differ in length
            return self.predict(latents, t, text, size, guidance, control), self.predict(latents, t, empty, size, guidance)
        with self._under(replace(control, kinds=("plain", "strong"))):
            plain, strong = self._forward(torch.cat([latents] * 2), t, [empty, text]).chunk(2)
        return strong, plain

    @contextmanager
    def _under(self, control: Control | None) -> Iterator[None]:
        """The model's blocks under control, or as they are."""
        if control is None or not control.active:
            yield
            return
        stock, act = self.model.attn_processors, replace(control, text_last=True)

        def make(name: str) -> Any:
            return SD3Processor(self.order[name], act) if name in self.order else stock[name]

        order = nullcontext() if control.regions is None else _sorted(self.model, control.regions.layout)
        with controlled(self.model, make, self._blocks, control), order:
            yield

    def _forward(self, latents: Tensor, t: Tensor, texts: Sequence[Text]) -> Tensor:
        """The transformer on latents (B, C, h, w), of which equal shares are told one text each."""
        share = latents.shape[0] // len(texts)
        output = self.model(
            hidden_states=latents,
            timestep=t.expand(latents.shape[0]),
            encoder_hidden_states=torch.cat([text.sequence.expand(share, -1, -1) for text in texts]),
            pooled_projections=torch.cat([text.pooled.expand(share, -1) for text in texts]),
            return_dict=False,
        )
        velocity: Tensor = output[0]
        return velocity

    def first_size(self, plan: Plan) -> tuple[int, int] | None:  # noqa: ARG002
        return None

    def latents(self, picture: np.ndarray) -> Tensor:
        config = self.pipeline.vae.config
        scaled: Tensor = (encoded(self.pipeline.vae, picture) - config.shift_factor) * config.scaling_factor
        return scaled.to(self.model.dtype)

    def preview(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:  # noqa: ARG002 - latents have the picture's shape
        return self._preview(self._unscaled(latents))

    @cached_property
    def _preview(self) -> Preview:
        return Preview(self.pipeline.vae)

    def decode(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:  # noqa: ARG002
        return decoded(self.pipeline, self._unscaled(latents))

    def _unscaled(self, latents: Tensor) -> Tensor:
        """As the autoencoder takes them."""
        config = self.pipeline.vae.config
        unscaled: Tensor = latents / config.scaling_factor + config.shift_factor
        return unscaled


@contextmanager
def _sorted(model: Any, layout: Layout) -> Iterator[None]:
    """Image tokens in the order of a layout between the position embedding and the last norm."""

    def there(module: nn.Module, args: tuple[Any, ...], out: Tensor) -> Tensor:  # noqa: ARG001
        return out[:, layout.order]

    def back(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:  # noqa: ARG001
        return args[0][:, layout.back], *args[1:]

    with ExitStack() as hooks:
        hooks.callback(model.pos_embed.register_forward_hook(there).remove)
        hooks.callback(model.norm_out.register_forward_pre_hook(back).remove)
        yield


def load(model: str, device: torch.device, loading: Loading | None = None) -> Family:
    """Load a hub id, a local folder or a single file.

    Raises:
        NotConfigured: if weights, or what a setting needs, are not there. LicenceRefused: if the hub wants a licence accepted first.
    """
    quiet()
    from diffusers import StableDiffusion3Pipeline

    pipeline = open_pipeline(model, StableDiffusion3Pipeline, device, loading or Loading())
    return SD3Family(model, pipeline, device, uses_cfg="turbo" not in Path(model).name.lower())


def tiny() -> Family:
    """A random SD3.5-medium of three blocks, two of them with a second attention, for the contract tests."""
    from cutwork.tools.families._tiny_sd3 import sd3

    return SD3Family("tiny-sd3", sd3(), torch.device("cpu"), padded=24)
