"""From a training run to a standard diffusers folder, and back to a run from such a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, DiffusionPipeline

from cutwork.tools.families.mini import wording

from . import autoencoder, backgrounds, scenes
from .art import Art, load
from .config import Config
from .model import Model, build


def state_of(run: Path, model: Model) -> dict[str, Any]:
    """The checkpoint of a run, on the model's device.

    Raises:
        ValueError: if it was trained with other words, which its embeddings are numbered by.
    """
    state: dict[str, Any] = torch.load(run / "state.pt", map_location=model.device, weights_only=True)
    if state["words"] != model.words:
        odd = sorted(set(state["words"]) ^ set(model.words))
        raise ValueError(f"{run} was trained with other words ({', '.join(odd[:8])} …): export it with the code that trained it, and begin a run from that")
    return state


def write(run: Path, config: Config, out: Path, art: tuple[Art, ...] | None = None) -> None:
    """Write the averaged weights in half precision as diffusers loads them, and the vocabulary beside the folder."""
    model = build(config)
    model.load_state_dict(state_of(run, model)["ema"])
    pipeline = model.pipeline(AutoencoderTiny.from_pretrained(run / "vae"))
    pipeline.to(dtype=torch.float16).save_pretrained(out)
    _forget_origins(out)
    _load_as_float32(out)
    words = {
        "subjects": {a.noun: list(a.synonyms) for a in art or load(config.tier)},
        "colours": list(scenes.SUBJECT_COLOURS),
        "backgrounds": [*(f"{c} background" for c in backgrounds.COLOURS), *wording.PATTERNS, *backgrounds.PLACES],
    }
    (out.parent / "vocabulary.json").write_text(json.dumps(words, indent=1) + "\n")


def _forget_origins(pipeline: Path) -> None:
    """Take the path each part was loaded from out of its config."""
    for path in pipeline.rglob("config.json"):
        config = json.loads(path.read_text())
        if config.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(config, indent=2) + "\n")


def _load_as_float32(pipeline: Path) -> None:
    """Name float32 in the text encoders' configs: transformers loads in the dtype named there, diffusers loads the rest in float32."""
    for path in pipeline.glob("text_encoder*/config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"dtype": "float32"}, indent=2) + "\n")


def begin_from(exported: Path, config: Config, vae: Path) -> Model:
    """A model that goes on from exported weights; the autoencoder goes to `vae`.

    Words the exported vocabulary has keep what they mean; new ones and the training-only tasks begin with nothing learned.
    """
    before = DiffusionPipeline.from_pretrained(exported)
    model = build(config)
    after = model.pipeline(before.vae)
    for number in ("", "_2", "_3"):
        if hasattr(after, f"text_encoder{number}"):
            _take_over(*(getattr(p, f"{part}{number}") for p in (after, before) for part in ("text_encoder", "tokenizer")))
    model.transformer.load_state_dict(before.transformer.state_dict())
    before.vae.save_pretrained(vae)
    return model


@torch.no_grad()
def _take_over(encoder: Any, words: Any, before: Any, words_before: Any) -> None:
    """Weights of an earlier text encoder; its embeddings by token, since another vocabulary numbers them otherwise."""
    table, table_before = encoder.get_input_embeddings().weight, before.get_input_embeddings().weight
    known = {k: v for k, v in before.state_dict().items() if v.shape != table_before.shape}
    missing = encoder.load_state_dict(known, strict=False).missing_keys
    assert all(encoder.state_dict()[key].shape == table.shape for key in missing), missing
    ids, ids_before = words.get_vocab(), words_before.get_vocab()
    for token in ids.keys() & ids_before.keys():
        table[ids[token]] = table_before[ids_before[token]]


def measure(run: Path, config: Config) -> dict[str, float]:
    """Sizes, steps done, and the autoencoder's PSNR on scenes no training saw (seeds from 10⁹)."""
    model = build(config)
    vae = AutoencoderTiny.from_pretrained(run / "vae")
    parts = {name: part for name, part in model.pipeline(vae).components.items() if isinstance(part, torch.nn.Module)}
    millions = {name: round(sum(p.numel() for p in part.parameters()) / 1e6, 2) for name, part in parts.items()}
    state = state_of(run, model)
    return {
        "steps": state["step"],
        **{f"{name}_million_parameters": value for name, value in millions.items()},
        "autoencoder_db_256px": round(autoencoder.psnr(vae, load(config.words)), 2),
        "linear_decoding_db_256px": round(autoencoder.linear_psnr(vae, load(config.words)), 2),
    }
