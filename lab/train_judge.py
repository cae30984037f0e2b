"""Train the judge: crops of subjects, of mixtures of two, of damaged ones and of nothing, with their truth.

    python -m cutwork.lab.train_judge --minutes 60
    python -m cutwork.lab.train_judge --steps 4000          (the same weights each time)

Half of the crops are single sprites on a background, half are cut out of whole scenes by the judge's own eye. Some of both go through the embedded
model's autoencoder. The rate falls to zero over the stretch that was asked for; a stretch that was stopped goes on in its own schedule, and one
after the last begins with its averaged weights, the first with the shipped ones. At its end the judge is calibrated and measured (`measure_judge`).
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor
from tqdm import tqdm

from cutwork.tools.families import mini

from . import autoencoder, judge, precision
from .art import CACHE, Art, load
from .crops import Crops, Sample, from_scene, softened, varied
from .measure_judge import calibrated, measure, report

SMOOTHED = 0.05  # share of a name's probability that is spread over all
AVERAGED = 0.995  # of the old weights in their running mean, a step
RATES = (2e-3, 8e-4)  # largest learning rate from nothing, and from trained weights
ROUSED = 100  # steps over which a stretch's rate rises
KEPT_EVERY = 200  # steps


def loss_of(net: judge.Net, x: Tensor, samples: list[Sample]) -> Tensor:
    """Cross-entropy of the names, smoothed (half each where there are two), and binary ones of whole and mixed where they are asked."""
    names, whole, mixed = net(x)
    log = names.log_softmax(1)
    classes = torch.tensor([s.classes for s in samples])
    naming = -(1 - SMOOTHED) * log.gather(1, classes).mean() - SMOOTHED * log.mean()
    return naming + _binary(whole, [s.whole for s in samples]) + _binary(mixed, [s.mixed for s in samples])


def _binary(logits: Tensor, truth: list[bool | None]) -> Tensor:
    asked = torch.tensor([t is not None for t in truth])
    target = torch.tensor([float(bool(t)) for t in truth])
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * asked).sum() / asked.sum().clamp(min=1)


class Batches:
    """Batches by number: the same number, the same batch, so that a run that was stopped goes on as if it had not been.

    To draw a crop costs more than to learn from it: a quarter of a batch is new, the others were seen so many batches ago and come again, mirrored, moved
    and lit otherwise.
    """

    AGO = (0, 37, 151, 419)

    def __init__(self, art: tuple[Art, ...], vae: AutoencoderTiny, size: int) -> None:
        self.art, self.vae, self.size = art, vae, size
        self.crops = Crops(art, seed=0)
        self.kept: dict[int, tuple[Tensor, list[Sample]]] = {}

    def batch(self, number: int) -> tuple[Tensor, list[Sample]]:
        """Crops (B, 3, 64, 64) and their truth."""
        quarters = [self._quarter(number - ago) for ago in self.AGO]
        self.kept.pop(number - self.AGO[-1])
        x = torch.cat([pixels for pixels, _ in quarters])
        return varied(x, np.random.default_rng([number, 11])), [sample for _, samples in quarters for sample in samples]

    def _quarter(self, number: int) -> tuple[Tensor, list[Sample]]:
        """Half from scenes, half single; an eighth of the single ones and a quarter of the scenes softened."""
        if number not in self.kept:
            self.kept[number] = self._drawn(np.random.default_rng([number % 2**32, 7]), self.size // len(self.AGO))
        return self.kept[number]

    def _drawn(self, rng: np.random.Generator, size: int) -> tuple[Tensor, list[Sample]]:
        self.crops.rng = rng
        samples: list[Sample] = []
        while len(samples) < size // 2:
            soften = (lambda x: softened(x, self.vae, rng)) if rng.random() < 0.25 else None
            samples += from_scene(self.art, rng, soften)
        samples = samples[: size // 2]
        samples = [*(self.crops.draw() for _ in range(size - len(samples))), *samples]
        x = autoencoder.to_tensor([s.pixels for s in samples])
        few = size // 16
        return torch.cat([softened(x[:few], self.vae, rng), x[few:]]) if few else x, samples


def rate(done: int, progress: float) -> float:
    """Share of the largest learning rate after so many steps and at such a share of the stretch: up at once, then down to zero."""
    return min(1.0, (done + 1) / ROUSED) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def train(
    art: tuple[Art, ...],
    run: Path,
    minutes: float | None,
    vae: AutoencoderTiny,
    steps: int | None = None,
    batch: int = 64,
    lr: float | None = None,
    fresh: bool = False,
) -> judge.Judge:
    """One stretch of training, of so many minutes or steps. Of steps, weights depend on nothing but the arguments and where it began.

    Args:
        run: folder of `judge.pt`: where the last stretch ended, or where this one was stopped. fresh: begin from nothing where there is none, not from
            the shipped weights.
        lr: largest learning rate; None = one of `RATES`.
    """
    path = run / "judge.pt"
    run.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = torch.load(path, weights_only=True) if path.exists() else {}
    length = {"steps": steps} if steps is not None else {"minutes": minutes}
    going_on = bool(state) and state["progress"] < 1 and state["length"] == length
    torch.manual_seed(0)
    net = judge.Net(len(art)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if state:
        net.load_state_dict(state["net" if going_on else "mean"])
    elif not fresh and judge.WEIGHTS.is_file():
        _take_over(net, tuple(item.noun for item in art), judge.load())
    mean = judge.Net(len(art))
    mean.load_state_dict(state["mean"] if going_on else net.state_dict())
    top = state["top"] if going_on else lr or RATES[0 if fresh and not state else 1]
    optimizer = torch.optim.AdamW(net.parameters(), lr=top, weight_decay=0.02)
    if going_on:
        optimizer.load_state_dict(state["optimizer"])
    total, done, progress = state.get("total", 0), state["done"] if going_on else 0, state["progress"] if going_on else 0.0
    batches, started, before = Batches(art, vae, batch), time.monotonic(), progress
    net.train()

    def keep() -> None:
        weights = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**weights, "total": total, "done": done, "progress": progress, "length": length, "top": top}, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)  # a kill at any moment leaves a whole file

    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed} {postfix}", disable=None) as bar:
        lost = 0.0
        while progress < 1:
            for group in optimizer.param_groups:
                group["lr"] = top * rate(done, progress)
            x, samples = batches.batch(total)
            with precision.autocast():
                loss = loss_of(net, x.contiguous(memory_format=torch.channels_last), samples)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            done, total = done + 1, total + 1
            _follow(mean, net, min(AVERAGED, done / (done + 9)))
            progress = done / steps if steps is not None else before + (time.monotonic() - started) / 60 / (minutes or 1e-9)
            lost += (loss.item() - lost) * max(0.01, 1 / done)
            bar.update(min(100.0, 100 * progress) - bar.n)
            bar.set_postfix_str(f"step {total}, loss {lost:.3f}")
            if total % KEPT_EVERY == 0:
                keep()
    keep()
    return judge.Judge(mean, tuple(item.noun for item in art))


@torch.no_grad()
def _follow(mean: judge.Net, net: judge.Net, share: float) -> None:
    """The running mean of the weights a step on; of what is counted, the last."""
    for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - share)
        else:
            old.copy_(new)


@torch.no_grad()
def _take_over(net: judge.Net, nouns: tuple[str, ...], other: judge.Judge) -> None:
    """Another judge's weights; of names only those that both know."""
    state = other.net.state_dict()
    names = {noun: i for i, noun in enumerate(other.nouns)}
    for key, new in net.state_dict().items():
        old = state[key]
        if not key.startswith("head."):
            new.copy_(old)
            continue
        new[-3:] = old[-3:]  # none, whole, mixed
        for i, noun in enumerate(nouns):
            if noun in names:
                new[i] = old[names[noun]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=CACHE / "judge")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="instead of minutes: the same weights each time")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, help="largest learning rate")
    parser.add_argument("--fresh", action="store_true", help="begin from nothing, not from the shipped weights")
    parser.add_argument("--tier", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=300, help="held-out scenes to measure on, and others to calibrate on")
    args = parser.parse_args()
    art = load(args.tier)
    vae = AutoencoderTiny.from_pretrained(mini.folder() / "vae").requires_grad_(False)
    made = calibrated(train(art, args.run, args.minutes, vae, args.steps, args.batch, args.lr, args.fresh), art, args.scenes)
    judge.save(made, args.run / judge.WEIGHTS.name)
    print(report(measure(made, art, args.scenes)))


if __name__ == "__main__":
    main()
