"""Which blocks entropy rectifying guidance should weaken: those whose rows are least decided (2504.13987, its own criterion).

    python -m cutwork.lab.propose_layers --model mini

Row entropy of image queries over all keys is measured at every step of some drawings; 1 is attention to all tokens alike.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import torch

from cutwork import registry
from cutwork.tools.attention.control import Kept
from cutwork.tools.attention.rectify import row_entropy
from cutwork.tools.conditioning import Phase, Step
from cutwork.tools.drawing import FAMILIES, family_of
from cutwork.tools.families.base import Family

PROMPTS = (
    "a cat on a purple background", "a rocket and a star on a blue background", "a red car at the beach", "a dragon on a white background",
    "an apple on a yellow background", "a robot on an orange background", "an owl in a forest", "a fox and a castle on a teal background",
)  # fmt: skip


@torch.no_grad()
def row_entropies(family: Family, prompts: Sequence[str] = PROMPTS, size: tuple[int, int] = (256, 256), steps: int = 12) -> dict[int, float]:
    """Mean entropy of each block's rows, as a share of the largest possible, 0..1."""
    total = dict.fromkeys(range(family.blocks), 0.0)
    for seed, prompt in enumerate(prompts):
        phase, latents = Phase(family.encode([prompt]), ()), family.noise(seed, size)
        for number, t in enumerate(family.timesteps(steps, size)):
            kept = Kept(frozenset(total))
            step = Step(family, t, phase, size, 1.0, number, steps)
            velocity = step.predict(latents, step.control(kept=kept))
            latents = family.step(velocity, t, latents)
            for seen in kept.found:
                keys = torch.cat([k for k in (seen.words, seen.others) if k is not None], 2)
                total[seen.block] += float(row_entropy(seen.image, keys, seen.lse).mean()) / math.log(keys.shape[2])
    looks = len(prompts) * steps
    return {block: value / looks for block, value in total.items()}


def proposed(entropies: dict[int, float], share: float = 0.25) -> tuple[int, ...]:
    """That share of the blocks, at least one, whose rows are least decided; in order."""
    count = max(1, round(share * len(entropies)))
    return tuple(sorted(sorted(entropies, key=lambda block: -entropies[block])[:count]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--steps", type=int, default=12)
    args = parser.parse_args()
    family = registry.find(FAMILIES, family_of(args.model)).load(args.model, torch.device("cpu"))
    entropies = row_entropies(family, size=(args.side, args.side), steps=args.steps)
    for block, value in entropies.items():
        print(f"block {block:3d}  {value:.3f}")
    print("proposed:", " ".join(map(str, proposed(entropies))))


if __name__ == "__main__":
    main()
