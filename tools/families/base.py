"""The few questions every diffusion transformer answers, so that one loop drives them all.

A family wraps a diffusers pipeline: the pipeline encodes, schedules, steps and decodes; the family's attention adapter is
the only place where Cutwork reaches inside. With nothing switched on, the result is bit-identical to the stock pipeline.

Adding a family is adding one file to this folder with `load(model, device) -> Family` and `tiny() -> Family` (random
weights, for the contract tests).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from cutwork.domain import Plan
from cutwork.tools.attention.record import Recorder


@dataclass(frozen=True)
class Text:
    """Encoded prompts, joined along the sequence."""

    sequence: Tensor  # (1, T, D)
    pooled: Tensor  # (1, P)
    lengths: tuple[int, ...]  # tokens of each prompt, in order


@dataclass
class Control:
    """What the attention adapter does during one forward pass. The default does nothing."""

    text_tokens: int = 0
    mask: Tensor | None = None  # bool (T + P, T + P), text first
    record: Recorder | None = None

    @property
    def active(self) -> bool:
        return self.mask is not None or self.record is not None


class Family(Protocol):
    """A model family as the denoising loop sees it."""

    name: str  # as in `--model`
    blocks: int  # attention blocks that can be recorded
    uses_cfg: bool  # whether guidance is classifier-free (a second pass) rather than embedded or absent
    max_words: int  # prompt tokens the text encoder reads

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        """The plan in words this model knows, with a note in plain words for each change. Most models know all words."""
        ...

    def encode(self, prompts: Sequence[str]) -> Text:
        """Encode prompts and join them; the pooled vector is the first prompt's."""
        ...

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        """Indices, within the encoded prompt, of the tokens that overlap `phrase` (every occurrence), by character spans.

        Empty if the prompt does not contain the phrase as whole words.
        """
        ...

    def noise(self, seed: int, size: tuple[int, int]) -> Tensor:
        """Start latents of an image of (width, height) pixels: the same seed gives the same latents on every machine."""
        ...

    def timesteps(self, steps: int, size: tuple[int, int]) -> list[Tensor]:
        """Set the schedule for a run and return its timesteps, noisiest first."""
        ...

    def predict(self, latents: Tensor, t: Tensor, text: Text, size: tuple[int, int], guidance: float, control: Control | None = None) -> Tensor:
        """The model's velocity, under attention control if given; stock attention otherwise, also after an error."""
        ...

    def step(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        """One scheduler step."""
        ...

    def clean(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        """The noiseless latents that this prediction points at."""
        ...

    def decode(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:
        """Latents to uint8 pixels (H, W, 3)."""
        ...


@contextmanager
def processors(model: Any, make: Any) -> Iterator[None]:
    """Install an attention processor made for each name, and put the stock ones back on leaving, also on error.

    `set_attn_processor` empties the dict it is given, so it gets copies.
    """
    stock = dict(model.attn_processors)
    model.set_attn_processor({name: make(name) for name in stock})
    try:
        yield
    finally:
        model.set_attn_processor(dict(stock))


def quiet() -> None:
    """Keep the libraries' notices and progress bars off people's terminals; their errors still raise."""
    import logging

    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.ERROR)


def word_spans(text: str, phrase: str) -> list[tuple[int, int]]:
    """Character spans of a phrase's whole-word occurrences, case ignored; a plural "s"/"es" after it still counts."""
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(w) for w in phrase.split()) + r"(?:s|es)?(?!\w)"
    return [m.span() for m in re.finditer(pattern, text, re.IGNORECASE)] if phrase.strip() else []
