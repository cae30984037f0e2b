"""How far off the pictures are that a model foresees, by how noisy what it sees is: what training has yet to learn, in half a minute.

    python -m cutwork.lab.errors --run lab/.cache/run

On held-out scenes of one subject, in the transformer's own units: mean square of what is foreseen less what is true, over the tokens of a subject (of the
first tier, and of others) and over those of the background. It needs no sampling and no judge, so two runs can be told apart early.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

from . import autoencoder, precision, scenes
from .art import Art, load
from .config import CONFIGS
from .export import state_of
from .model import CELL, PARTS, Model, build, pack

LEVELS = (0.35, 0.5, 0.65, 0.8, 0.9)  # of noise, 1 = all
FIRST = scenes.HELD_OUT + 5_000  # seed


@torch.no_grad()
def errors(model: Model, vae: AutoencoderTiny, art: tuple[Art, ...], side: int = 128, count: int = 96) -> dict[float, dict[str, float]]:
    """Mean square errors by noise level: {"first", "others", "background"}; a group that no scene shows is left out."""
    made = [scenes.make(art, FIRST + k, (side, side), 1, easy=True) for k in range(count)]
    x0 = pack(autoencoder.SCALING * vae.encoder(autoencoder.to_tensor([s.image for s in made])))  # (count, L, 64)
    shown = torch.stack([torch.from_numpy(s.labels(CELL, PARTS)[0]).reshape(-1) for s in made]) > 0  # (count, L)
    early = torch.tensor([art[s.subjects[0].index].tier == 0 for s in made])[:, None]
    groups = {"first": shown & early, "others": shown & ~early, "background": ~shown}
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    captions = [s.caption for s in made]
    segments = [(caption,) for caption in captions]
    found = {}
    for level in LEVELS:
        seen = torch.lerp(x0, noise, level)
        with precision.autocast(model.device):
            velocity = model(seen, torch.full((count,), level), segments, captions, model.length(segments), (side // CELL,) * 2)[0].float()
        apart = (seen - level * velocity - x0).square().mean(-1)  # (count, L)
        found[level] = {name: round(apart[group].mean().item(), 4) for name, group in groups.items() if group.any()}
    return found


def main() -> None:
    """Print one line a noise level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=Path(__file__).with_name(".cache") / "run")
    parser.add_argument("--config", choices=CONFIGS, default="cpu")
    parser.add_argument("--side", type=int, default=128)
    args = parser.parse_args()
    config = CONFIGS[args.config]
    model = build(config).eval()
    model.load_state_dict(state_of(args.run, model)["ema"])
    for level, row in errors(model, AutoencoderTiny.from_pretrained(args.run / "vae"), load(config.tier), args.side).items():
        print(json.dumps({"noise": level, **row}))


if __name__ == "__main__":
    main()
