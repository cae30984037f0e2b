"""The few questions every diffusion transformer answers, so that one loop drives them all.

A family wraps a diffusers pipeline: the pipeline encodes, schedules, steps and decodes; the family's attention adapter is
the only place where Cutwork reaches inside. With nothing switched on, the result is bit-identical to the stock pipeline.

Adding a family is adding one file to this folder with `load(model, device, loading) -> Family` and `tiny() -> Family` (random
weights, for the contract tests).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from cutwork.domain import ErgSettings, HintSettings, LoraSettings, Plan
from cutwork.errors import BadInput
from cutwork.tools.attention.control import Control, Enough
from cutwork.tools.families._preview import latents_of

Span = tuple[int, int, int]  # index of a token, and the characters of the prompt it stands for


@dataclass(frozen=True)
class Text:
    """Encoded prompts, joined along the sequence."""

    sequence: Tensor  # (1, T, D)
    pooled: Tensor  # (1, P)
    lengths: tuple[int, ...]  # tokens of each prompt, in order


@dataclass(frozen=True)
class Suited:
    """What suits a family where a plan leaves it open.

    Args:
        erg: w of Entropy Rectifying Guidance.
        turn: λ of Self-Cross in one pass; 1 to 5 in the public code of 2510.02315, whose loss has another scale.
        refine: shares of the steps at which Self-Cross refines the latents; steps 10 and 20 of 50 in its code.
        per: what the cap of Self-Cross in one pass bounds.
    """

    erg: float = 2.0
    turn: float = 5.0
    refine: tuple[float, ...] = (0.2, 0.4)
    per: Literal["prediction", "step"] = "step"


class Family(Protocol):
    """A model family as the denoising loop sees it."""

    name: str  # as in `--model`
    pipeline: Any  # of diffusers
    blocks: int  # attention blocks, in the order of a pass
    heads: int  # of attention, in the block that has fewest
    uses_cfg: bool  # whether guidance is classifier-free (a second pass) rather than embedded or absent
    max_words: int  # prompt tokens the text encoder reads
    forks: bool  # whether a strong and a weak branch can share a pass up to where they differ
    erg_blocks: frozenset[int]  # whose attention is weakened unless others are asked for
    self_cross_blocks: frozenset[int]  # whose attention is looked at
    suited: Suited

    @property
    def leads(self) -> int:
        """Where a larger prediction leads: -1 away from it (noise, velocity), 1 to it (the picture itself)."""
        ...

    def adapted(self, loras: Sequence[LoraSettings], hints: Sequence[tuple[HintSettings, np.ndarray, Tensor | None]]) -> AbstractContextManager[None]:
        """Draw with these LoRAs and ControlNets while it is open.

        Args:
            hints: each with what it is shown, uint8 (H, W, 3), and its weight for each image token, (P,); None = everywhere alike.

        Raises:
            NotConfigured: if weights are not there. BadInput: if they are not this model's, or the family takes none.
        """
        ...

    def translate(self, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
        """The plan in words this model knows, with a note in plain words for each change. Most models know all words."""
        ...

    def unknown(self, plan: Plan) -> tuple[str, ...]:
        """Ids of the plan's subjects that this model has not learned, nor anything near. Most models know all words."""
        ...

    def encode(self, prompts: Sequence[str], weak: ErgSettings | None = None, padded: int | None = None) -> Text:
        """Encode prompts and join them; the pooled vector is the first prompt's.

        With `weak` the text encoders' attention is flattened by its `text_tau` in its `text_layers`; pooled vectors are as ever, unless it
        says `text_pooled`.

        Args:
            padded: tokens to which shorter prompts are padded, where the model reads T5; None = as it was trained. No word is lost by it.

        Raises:
            BadInput: if layers are asked for and no encoder has any of them.
        """
        ...

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        """Indices, within the encoded prompt, of the tokens that overlap `phrase` (every occurrence), by character spans.

        Empty if the prompt does not contain the phrase as whole words.
        """
        ...

    def every(self, double: int, single: int) -> frozenset[int]:
        """Every so-many-th block of each kind, from the first; families with one kind go by the first number."""
        ...

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Image token rows and columns of a picture of (width, height) pixels."""
        ...

    def noise(self, seed: int, size: tuple[int, int]) -> Tensor:
        """Start latents of an image of (width, height) pixels: the same seed gives the same latents on every machine."""
        ...

    def timesteps(self, steps: int, size: tuple[int, int]) -> list[Tensor]:
        """Set the schedule for a run and return its timesteps, noisiest first."""
        ...

    def words(self, prompt: str) -> tuple[tuple[int, ...], ...]:
        """Indices, within the encoded prompt, of all tokens that are words: one group for each text encoder read by the transformer."""
        ...

    def first_size(self, plan: Plan) -> tuple[int, int] | None:
        """A smaller (width, height) at which the model draws this plan better, to be finished at full size; None = draw it as it is."""
        ...

    def latents(self, picture: np.ndarray) -> Tensor:
        """Clean latents of a picture, uint8 (H, W, 3)."""
        ...

    def renoise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Clean latents with as much noise as belongs to a timestep; the schedule goes on from there."""
        ...

    def predict(self, latents: Tensor, t: Tensor, text: Text, size: tuple[int, int], guidance: float, control: Control | None = None) -> Tensor:
        """The model's prediction, under attention control if given; stock attention otherwise, also after an error.

        Returns:
            Of the shape of `latents`; where a weak branch forks off, [strong | weak] along the batch.

        Raises:
            Enough: where `control.kept` says to stop.
        """
        ...

    def predict_beside(
        self, latents: Tensor, t: Tensor, text: Text, empty: Text, size: tuple[int, int], guidance: float, control: Control
    ) -> tuple[Tensor, Tensor]:
        """The predictions for a text, under control, and for the empty prompt, without: in one batch or apart, as the stock pipeline makes them.

        Asked for only where no branch forks off and nothing is kept.
        """
        ...

    def time(self, t: Tensor) -> float:
        """How noisy a timestep is: 1 = pure noise … 0 = picture."""
        ...

    def step(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        """One scheduler step."""
        ...

    def clean(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        """The noiseless latents that this prediction points at."""
        ...

    def preview(self, latents: Tensor, size: tuple[int, int]) -> np.ndarray:
        """About what latents show, small and at next to no cost: uint8 (h, w, 3)."""
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


@contextmanager
def with_loras(pipeline: Any, wanted: Sequence[LoraSettings], hints: Sequence[Any]) -> Iterator[None]:
    """`Family.adapted` of families that take no ControlNet."""
    from cutwork.tools.families._adapters import loras

    if hints:
        raise BadInput(f"ControlNets act on FLUX models so far, this is a {type(pipeline).__name__}")
    with loras(pipeline, [(lora.path, lora.weight) for lora in wanted]):
        yield


Reader = tuple[Sequence[nn.Module], tuple[float, float]]  # a text encoder's projections to queries, and between which shares of its depth it is flattened
CLIP_SHARE, T5_SHARE = (3 / 12, 8 / 12), (8 / 24, 10 / 24)  # in the public deployments of C-ERG


def flattened(weak: ErgSettings | None, readers: Sequence[Reader]) -> AbstractContextManager[None]:
    """Flatten text encoders' attention in those of the layers asked for that each has; if none are, in those it is usually done in.

    Raises:
        BadInput: if no encoder has any of the layers.
    """
    if weak is None or weak.text_tau is None:
        return nullcontext()
    wanted, deepest = weak.text_layers, max(len(queries) for queries, _ in readers)
    if wanted and min(wanted) >= deepest:
        raise BadInput(f"erg.text_layers are {list(wanted)}, the text encoders have at most {deepest} layers, counted from 0")
    return weakened([queries[i] for queries, share in readers for i in wanted or sorted(share_of(len(queries), *share)) if i < len(queries)], weak.text_tau)


def clip_queries(encoder: Any) -> list[nn.Module]:
    """Of a CLIP text encoder of transformers, first layer first."""
    return [layer.self_attn.q_proj for layer in getattr(encoder, "text_model", encoder).encoder.layers]


def t5_queries(encoder: Any) -> list[nn.Module]:
    """Of a T5 encoder of transformers, first layer first."""
    return [block.layer[0].SelfAttention.q for block in encoder.encoder.block]


@contextmanager
def weakened(queries: Sequence[nn.Module], tau: float) -> Iterator[None]:
    """Flatten a text encoder's attention: what these projections give is scaled by tau.

    T5 adds a bias of relative position to its logits afterwards, so its attention tends to that, not to all words alike.
    """

    def scaled(module: nn.Module, args: Any, out: Tensor) -> Tensor:  # noqa: ARG001
        return out * tau

    with ExitStack() as hooks:
        for query in queries:
            hooks.callback(query.register_forward_hook(scaled).remove)
        yield


def share_of(blocks: int, low: float, high: float) -> frozenset[int]:
    """Blocks between two shares of the depth, at least one."""
    first = min(blocks - 1, round(low * blocks))
    return frozenset(range(first, max(first + 1, round(high * blocks))))


@contextmanager
def controlled(model: Any, make: Any, blocks: Sequence[nn.Module], control: Control) -> Iterator[None]:
    """Our processors, and hooks between blocks: double the batch where a weak branch forks off, end the gradient, or the pass, after
    the last kept block.

    Args:
        model: of diffusers. make: a processor for each name. blocks: the model's, in the order in which the forward pass comes to them;
            each takes hidden and text states first, or by name.
    """
    kept = control.kept
    with processors(model, make), ExitStack() as hooks:
        if control.weak is not None and control.weak.forks:
            hooks.callback(blocks[control.weak.first].register_forward_pre_hook(_double, with_kwargs=True).remove)
        if kept is not None and kept.last + 1 < len(blocks):
            hooks.callback(torch.set_grad_enabled, torch.is_grad_enabled())
            hooks.callback(blocks[kept.last + 1].register_forward_pre_hook(_stop if kept.stop else _let_go, with_kwargs=True).remove)
        if kept is not None and kept.recompute and not model.is_gradient_checkpointing:
            model.enable_gradient_checkpointing(partial(_recomputed, lambda: processors(model, make)))
            hooks.callback(model.disable_gradient_checkpointing)
        yield


def _recomputed(under: Callable[[], AbstractContextManager[None]], block: nn.Module, *args: Any) -> Any:
    """A block that holds no activations; it is run again for the gradient, when the stock processors are long back."""
    return checkpoint(block.__call__, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), under()))


def _double(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:  # noqa: ARG001
    """The states of a block's input twice over; what else it takes broadcasts."""
    states = ("hidden_states", "encoder_hidden_states")
    twice = {name: x.repeat(2, *(1 for _ in x.shape[1:])) if name in states and x is not None else x for name, x in kwargs.items()}
    return tuple(x.repeat(2, 1, 1) if i < 2 and x is not None else x for i, x in enumerate(args)), twice


def _stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    raise Enough


def _let_go(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """End the gradient here, until the pass is over."""
    torch.set_grad_enabled(False)


def encoded(vae: Any, picture: np.ndarray) -> Tensor:
    """What a diffusers autoencoder makes of a picture uint8 (H, W, 3), before scaling: (1, C, h, w)."""
    return latents_of(vae, torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].to(vae.device, vae.dtype) / 127.5 - 1)


def decoded(pipeline: Any, latents: Tensor) -> np.ndarray:
    """The picture uint8 (H, W, 3) that a pipeline's autoencoder makes of unscaled latents (1, C, h, w)."""
    vae = pipeline.vae
    with torch.no_grad():
        image = vae.decode(latents.to(vae.dtype), return_dict=False)[0]
    pixels: np.ndarray = pipeline.image_processor.postprocess(image, output_type="np")[0]
    return (pixels * 255).round().astype(np.uint8)


class FlowMatching:
    """The schedule of families that draw along a straight line from noise to picture, over a pipeline's scheduler."""

    pipeline: Any
    leads = -1

    def time(self, t: Tensor) -> float:
        return float(t) / 1000

    def step(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        stepped: Tensor = self.pipeline.scheduler.step(velocity, t, latents, return_dict=False)[0]
        return stepped

    def clean(self, velocity: Tensor, t: Tensor, latents: Tensor) -> Tensor:
        return latents - (t / 1000).to(latents.dtype) * velocity

    def renoise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        scheduler = self.pipeline.scheduler
        scheduler.set_begin_index(scheduler.index_for_timestep(t))
        return torch.lerp(clean, noise, (t / 1000).to(clean.dtype))


def token_spans(tokenizer: Any, prompt: str, length: int) -> list[Span]:
    """Index and character span of each token of a prompt that stands for anything but white space; special ones have empty spans."""
    tokens = tokenizer(prompt, return_offsets_mapping=True, truncation=True, max_length=length)
    return [(i, low, high) for i, (low, high) in enumerate(tokens["offset_mapping"]) if prompt[low:high].strip()]


def shared_spans(tokenizers: Iterable[Any], prompt: str, length: int) -> list[Span]:
    """`token_spans` of encoders that share places, in order. A place stands for what any of them has there.

    Two CLIPs mostly have the same there; the second of SD3 and SDXL reads each "!" as a token by itself, and all that follows "!!" a place later.
    """
    return sorted({span for tokenizer in tokenizers for span in token_spans(tokenizer, prompt, length)})


def naming(tokens: Iterable[Span], prompt: str, phrase: str) -> tuple[int, ...]:
    """Indices of those tokens that overlap an occurrence of the phrase, each once."""
    spans = word_spans(prompt, phrase)
    return tuple(dict.fromkeys(i for i, low, high in tokens if any(low < end and high > start for start, end in spans)))


def chance_of(latents: Tensor) -> torch.Generator:
    """Randomness that belongs to an image: the same start noise gives the same numbers, whatever else is in the batch."""
    return torch.Generator().manual_seed(int(latents.double().abs().sum() * 1e6) % 2**63)


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
