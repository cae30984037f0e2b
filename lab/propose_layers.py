"""Which blocks entropy rectifying guidance should weaken: those whose rows are least decided (2504.13987, its own criterion).

    cutwork models layers mini
    python -m cutwork.lab.propose_layers --model mini

Row entropy of image queries over all keys is measured at every step of some drawings; 1 is attention to all tokens alike. Where the image
looks at itself and hears the text in layers of their own, as in a UNet, the first of them count: they are what is weakened.
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
from cutwork.tools.drawing import FAMILIES, canvas, device_named, family_of
from cutwork.tools.families.base import Family
from cutwork.tools.loading import Loading

PROMPTS = (
    "a cat on a purple background", "a rocket and a star on a blue background", "a red car at the beach", "a dragon on a white background",
    "an apple on a yellow background", "a robot on an orange background", "an owl in a forest", "a fox and a castle on a teal background",
)  # fmt: skip


@torch.no_grad()
def row_entropies(family: Family, prompts: Sequence[str] = PROMPTS, size: tuple[int, int] = (256, 256), steps: int = 12) -> dict[int, float]:
    """Mean entropy of each block's rows, as a share of the largest possible, 0..1; of a UNet the blocks at the resolution it is recorded at."""
    found: dict[int, list[float]] = {}
    for seed, prompt in enumerate(prompts):
        phase, latents = Phase(family.encode([prompt]), ()), family.noise(seed, size)
        for number, t in enumerate(family.timesteps(steps, size)):
            kept = Kept(frozenset(range(family.blocks)))
            step = Step(family, t, phase, size, 1.0, number, steps)
            velocity = step.predict(latents, step.control(kept=kept))
            latents = family.step(velocity, t, latents)
            for seen in kept.found:
                if seen.others is None:
                    continue
                keys = torch.cat([k for k in (seen.words, seen.others) if k is not None], 2)
                found.setdefault(seen.block, []).append(float(row_entropy(seen.image, keys, seen.lse).mean()) / math.log(keys.shape[2]))
    return {block: sum(values) / len(values) for block, values in sorted(found.items())}


def proposed(entropies: dict[int, float], share: float = 0.25) -> tuple[int, ...]:
    """That share of the blocks, at least one, whose rows are least decided; in order."""
    count = max(1, round(share * len(entropies)))
    return tuple(sorted(sorted(entropies, key=lambda block: -entropies[block])[:count]))


def of_model(model: str, side: int | None = None, steps: int = 12, device: str = "auto", loading: Loading | None = None) -> dict[int, float]:
    """`row_entropies` of a model by name, folder or hub id, on a square canvas.

    Args:
        side: pixels; None = what the model was made for.

    Raises:
        As loading it does.
    """
    family = registry.find(FAMILIES, family_of(model)).load(model, device_named(device), loading or Loading())
    side = side or max(canvas(model).root)
    return row_entropies(family, size=(side, side), steps=steps)


def table(entropies: dict[int, float]) -> str:
    """A line for each block, and what is proposed."""
    lines = [f"block {block:3d}  {value:.3f}" for block, value in entropies.items()]
    return "\n".join([*lines, f"proposed: {' '.join(map(str, proposed(entropies)))}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--side", type=int, help="pixels; what the model was made for where nothing is said")
    parser.add_argument("--steps", type=int, default=12)
    args = parser.parse_args()
    print(table(of_model(args.model, args.side, args.steps)))


if __name__ == "__main__":
    main()
