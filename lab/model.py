"""What learns: the embedded FLUX with its text encoders, and two tasks it has only while it is trained.

From its middle image tokens the transformer must name the subject or the background that each token will show, and which
part of the subject. That binds words to places long before pictures become sharp; neither head is exported.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn

from . import backgrounds, text
from .art import rows
from .config import HEAD_DIM, Config

CELL = 16  # pixels per image token
PARTS = 8  # a subject is divided into 8 × 8 parts
NAMED_AFTER = 1  # single block whose image tokens must name what they will show


class Model(nn.Module):
    """Everything that learns: two text encoders, the transformer, and the training-only token classifiers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        known = [row for row in rows() if int(row["tier"]) <= config.words]
        words = text.vocabulary(known)
        self.t5, self.clip = text.t5_tokenizer(words), text.clip_tokenizer(words)
        self.clip_model, self.t5_model = text.encoders(self.t5, self.clip, config.text)
        self.transformer = FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=config.double, num_single_layers=config.single, attention_head_dim=HEAD_DIM,
            num_attention_heads=config.heads, joint_attention_dim=config.text, pooled_projection_dim=config.text, guidance_embeds=False,
            axes_dims_rope=(8, 12, 12),
        )  # fmt: skip
        self.subjects = len(known)  # classes: the subjects, then the backgrounds
        self.namer = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, self.subjects + len(backgrounds.NAMES)))
        self.placer = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, PARTS**2))
        _zero_output(self.transformer)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.transformer.device

    def embed(self, segments: Sequence[Sequence[str]], captions: Sequence[str], length: int) -> tuple[Tensor, Tensor]:
        """Segments side by side to a T5 sequence (B, S * length, D), captions to CLIP pooled (B, D); padding is attended, as in FLUX."""
        flat = [words for sample in segments for words in sample]
        a = self.t5(flat, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
        b = self.clip(list(captions), padding="longest", max_length=text.CLIP_LENGTH, truncation=True, return_tensors="pt").input_ids
        sequence = self.t5_model(a.to(self.device))[0]  # (B * S, length, D)
        return sequence.reshape(len(segments), -1, sequence.shape[-1]), self.clip_model(b.to(self.device)).pooler_output

    def forward(
        self, x: Tensor, t: Tensor, segments: Sequence[Sequence[str]], captions: Sequence[str], length: int, grid: tuple[int, int], mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted velocity (B, L, 64), and logits of each token's class and part.

        Args:
            segments: per sample, the texts that stand side by side in the joint sequence, as many in each.
            length: tokens each segment is padded to.
            mask: bool (B, T + L, T + L), who may attend to whom; None is everyone.
        """
        sequence, pooled = self.embed(segments, captions, length)
        seen: list[Tensor] = []
        hook = self.transformer.single_transformer_blocks[NAMED_AFTER].register_forward_hook(lambda _m, _a, out: seen.append(out[1]))
        try:
            v = self.transformer(
                hidden_states=x, timestep=t, encoder_hidden_states=sequence, pooled_projections=pooled,
                img_ids=positions(grid).to(x.device), txt_ids=torch.zeros(sequence.shape[1], 3, device=x.device), return_dict=False,
                joint_attention_kwargs={} if mask is None else {"attention_mask": mask[:, None]},
            )[0]
        finally:
            hook.remove()
        return v, self.namer(seen[0]), self.placer(seen[0])


def _zero_output(transformer: FluxTransformer2DModel) -> None:
    """adaLN-zero: every block starts as the identity, the output at zero."""
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        for name in ("norm1", "norm1_context", "norm"):
            if hasattr(block, name):
                nn.init.zeros_(getattr(block, name).linear.weight)
                nn.init.zeros_(getattr(block, name).linear.bias)
    nn.init.zeros_(transformer.norm_out.linear.weight)
    nn.init.zeros_(transformer.norm_out.linear.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    nn.init.zeros_(transformer.proj_out.bias)


def positions(grid: tuple[int, int]) -> Tensor:
    """Rotary position ids of a (rows, columns) token grid, (L, 3) as in FLUX."""
    rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    return torch.stack([torch.zeros_like(rows), rows, columns], -1).reshape(-1, 3).float()


def pack(z: Tensor) -> Tensor:
    """Latents (B, 16, 2h, 2w) to tokens (B, h*w, 64), in the order `FluxPipeline` packs them."""
    b, c, h, w = z.shape
    return z.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, c * 4)


def unpack(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Tokens (B, h*w, 64) of a grid (h, w) to latents (B, 16, 2h, 2w)."""
    b = tokens.shape[0]
    return tokens.view(b, *grid, 16, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(b, 16, grid[0] * 2, grid[1] * 2)
