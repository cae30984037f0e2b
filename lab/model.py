"""What learns: the embedded model with its text encoders, and two tasks it has only while it is trained.

From its middle image tokens the transformer must name the subject or the background that each token will show, and which
part of the subject. That binds words to places long before pictures become sharp; neither head is exported. Two
architectures learn from the same data: FLUX, which ships, and Stable Diffusion 3, against which claims are held.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel, SD3Transformer2DModel, StableDiffusion3Pipeline
from torch import Tensor, nn
from transformers import T5EncoderModel

from . import backgrounds, text
from .art import rows
from .config import HEAD_DIM, LENGTHS, Config

CELL = 16  # pixels per image token
PARTS = 8  # a subject is divided into 8 × 8 parts
Texts = Sequence[Sequence[str]]


class Model(nn.Module, ABC):
    """Text encoders, a transformer over 64-channel tokens, and the training-only token classifiers."""

    transformer: FluxTransformer2DModel | SD3Transformer2DModel
    t5_model: T5EncoderModel

    def __init__(self, config: Config) -> None:
        super().__init__()
        known = [row for row in rows() if int(row["tier"]) <= config.words]
        self.words = words = text.vocabulary(known)
        self.subjects = len(known)  # classes: the subjects, then the backgrounds
        self.t5, self.clip = text.t5_tokenizer(words), text.clip_tokenizer(words)
        self._build(config)
        self.namer = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, self.subjects + len(backgrounds.NAMES)))
        self.placer = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, PARTS**2))
        _zero_output(self.transformer)

    @abstractmethod
    def _build(self, config: Config) -> None:
        """Make the text encoders and the transformer."""

    @abstractmethod
    def _velocity(self, x: Tensor, t: Tensor, segments: Texts, captions: Sequence[str], length: int, grid: tuple[int, int], mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Velocity (B, L, 64), and the image tokens (B, L, D) that must name what they will show."""

    @abstractmethod
    def pipeline(self, vae: AutoencoderTiny) -> FluxPipeline | StableDiffusion3Pipeline:
        """The standard pipeline of these weights."""

    @property
    def blocks(self) -> list[nn.Module]:
        """The transformer's blocks, in order."""
        return [*self.transformer.transformer_blocks, *getattr(self.transformer, "single_transformer_blocks", ())]

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.transformer.device

    def forward(
        self, x: Tensor, t: Tensor, segments: Texts, captions: Sequence[str], length: int, grid: tuple[int, int], mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted velocity (B, L, 64), and logits of each token's class and part.

        Args:
            t: (B,), 0 = data to 1 = noise.
            segments: per sample, the texts that stand side by side in the joint sequence, as many in each.
            captions: per sample, the whole caption.
            length: tokens each segment is padded to; padding is attended.
            grid: rows and columns of the L image tokens.
            mask: bool (B, T + L, T + L), who may attend to whom; None is everyone.
        """
        v, seen = self._velocity(x, t, segments, captions, length, grid, mask)
        return v, self.namer(seen), self.placer(seen)

    def length(self, segments: Texts) -> int:
        """Tokens to pad these texts to: the fewest of `LENGTHS` that cut none of them off."""
        longest = max(len(ids) for ids in self.t5([words for sample in segments for words in sample]).input_ids)
        return next((length for length in LENGTHS if longest <= length), LENGTHS[-1])

    def _t5_states(self, segments: Texts, length: int) -> Tensor:
        """Segments side by side, (B, S * length, D)."""
        flat = [words for sample in segments for words in sample]
        ids = self.t5(flat, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
        states: Tensor = self.t5_model(ids.to(self.device))[0]  # (B * S, length, D)
        return states.reshape(len(segments), -1, states.shape[-1])


class FluxModel(Model):
    """FLUX: T5 states in the joint sequence, CLIP's pooled vector in the modulation, rotary positions."""

    NAMED_AFTER = 1  # single block whose image tokens must name what they will show

    def _build(self, config: Config) -> None:
        self.clip_model, self.t5_model = text.clip_encoder(self.clip, config.text), text.t5_encoder(self.t5, config.text)
        self.transformer = FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=config.double, num_single_layers=config.single, attention_head_dim=HEAD_DIM,
            num_attention_heads=config.heads, joint_attention_dim=config.text, pooled_projection_dim=config.text, guidance_embeds=False,
            axes_dims_rope=(8, 12, 12),
        )  # fmt: skip

    def _velocity(self, x: Tensor, t: Tensor, segments: Texts, captions: Sequence[str], length: int, grid: tuple[int, int], mask: Tensor | None) -> tuple[Tensor, Tensor]:
        sequence = self._t5_states(segments, length)
        ids = self.clip(list(captions), padding="longest", max_length=text.CLIP_LENGTH, truncation=True, return_tensors="pt").input_ids
        pooled = self.clip_model(ids.to(self.device)).pooler_output
        seen: list[Tensor] = []
        hook = self.transformer.single_transformer_blocks[self.NAMED_AFTER].register_forward_hook(lambda _m, _a, out: seen.append(out[1]))
        try:
            v = self.transformer(
                hidden_states=x, timestep=t, encoder_hidden_states=sequence, pooled_projections=pooled, return_dict=False,
                img_ids=positions(grid).to(x.device), txt_ids=torch.zeros(sequence.shape[1], 3, device=x.device),
                joint_attention_kwargs={} if mask is None else {"attention_mask": mask[:, None]},
            )[0]  # fmt: skip
        finally:
            hook.remove()
        return v, seen[0]

    def pipeline(self, vae: AutoencoderTiny) -> FluxPipeline:
        scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, base_image_seq_len=64, max_image_seq_len=4096)
        return FluxPipeline(scheduler, vae, self.clip_model, self.clip, self.t5_model, self.t5, self.transformer)


class SD3Model(Model):
    """Stable Diffusion 3: the states of two CLIPs beside T5's in the joint sequence, both pooled vectors in the modulation, learned-size sine positions.

    It is taught by captions alone: its attention takes no mask, and control that nobody taught is what it is there to test.
    """

    CLIP_LENGTH = 24  # tokens each CLIP reads; as the pipeline does, always padded to them

    def _build(self, config: Config) -> None:
        half = config.text // 2
        self.clip.model_max_length = self.CLIP_LENGTH
        self.clip_model, self.clip_model_2 = (text.clip_encoder(self.clip, half, projected=True) for _ in range(2))
        self.t5_model = text.t5_encoder(self.t5, config.text)
        self.transformer = SD3Transformer2DModel(
            sample_size=32, patch_size=2, in_channels=16, out_channels=16, num_layers=config.double, attention_head_dim=HEAD_DIM,
            num_attention_heads=config.heads, joint_attention_dim=config.text, caption_projection_dim=config.width, pooled_projection_dim=config.text,
            pos_embed_max_size=64, qk_norm="rms_norm",
        )  # fmt: skip

    def _velocity(self, x: Tensor, t: Tensor, segments: Texts, captions: Sequence[str], length: int, grid: tuple[int, int], mask: Tensor | None) -> tuple[Tensor, Tensor]:
        if mask is not None:
            raise ValueError("SD3 is taught by captions alone: give no mask")
        ids = self.clip(list(captions), padding="max_length", max_length=self.CLIP_LENGTH, truncation=True, return_tensors="pt").input_ids
        read = [encoder(ids.to(self.device), output_hidden_states=True) for encoder in (self.clip_model, self.clip_model_2)]
        clip = torch.cat([r.hidden_states[-2] for r in read], -1)  # (B, 24, D)
        seen: list[Tensor] = []
        middle = self.transformer.transformer_blocks[len(self.transformer.transformer_blocks) // 2]
        hook = middle.register_forward_hook(lambda _m, _a, out: seen.append(out[1]))
        try:
            v = self.transformer(
                hidden_states=unpack(x, grid), timestep=1000 * t, encoder_hidden_states=torch.cat([clip, self._t5_states(segments, length)], 1),
                pooled_projections=torch.cat([r.text_embeds for r in read], -1), return_dict=False,
            )[0]  # fmt: skip
        finally:
            hook.remove()
        return pack(v), seen[0]

    def pipeline(self, vae: AutoencoderTiny) -> StableDiffusion3Pipeline:
        scheduler = FlowMatchEulerDiscreteScheduler(shift=1.65)
        return StableDiffusion3Pipeline(self.transformer, scheduler, vae, self.clip_model, self.clip, self.clip_model_2, self.clip, self.t5_model, self.t5)


MODELS: dict[str, type[Model]] = {"flux": FluxModel, "sd3": SD3Model}


def build(config: Config) -> Model:
    """A fresh model of a configuration."""
    return MODELS[config.family](config)


def _zero_output(transformer: nn.Module) -> None:
    """adaLN-zero: every block starts as the identity, the output at zero."""
    for name, module in transformer.named_modules():
        if name.endswith(("norm1.linear", "norm1_context.linear", "norm.linear", "norm_out.linear")) or name == "proj_out":
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)


def positions(grid: tuple[int, int]) -> Tensor:
    """Rotary position ids of a (rows, columns) token grid, (L, 3) as in FLUX."""
    down, across = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    return torch.stack([torch.zeros_like(down), down, across], -1).reshape(-1, 3).float()


def pack(z: Tensor) -> Tensor:
    """Latents (B, 16, 2h, 2w) to tokens (B, h*w, 64), in the order `FluxPipeline` packs them."""
    b, c, h, w = z.shape
    return z.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, c * 4)


def unpack(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Tokens (B, h*w, 64) of a grid (h, w) to latents (B, 16, 2h, 2w)."""
    b = tokens.shape[0]
    return tokens.view(b, *grid, 16, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(b, 16, grid[0] * 2, grid[1] * 2)
