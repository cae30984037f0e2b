"""Train the embedded model: autoencoder first, then text encoders and transformer jointly, by flow matching.

    python -m cutwork.lab.train --autoencoder 60
    python -m cutwork.lab.train --minutes 60 --workers 2 --stage small       then --stage mixed, at last with --final
    python -m cutwork.lab.train --autoencoder 60                             again, on what the transformer makes of scenes
    python -m cutwork.lab.train --export tools/families/mini/model

A run folder holds everything needed to go on after a stop: `vae/`, `state.pt`, `log.jsonl`, `samples/`. Workers are processes
of one thread each that average their weights every few steps: on a CPU they scale where threads wait for each other.
`--steps` instead of `--minutes` (also beside `--autoencoder 1`) gives the same weights every time, on the same machine, from the same start.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from PIL import Image
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from . import autoencoder, export, precision
from .art import Art, load
from .config import CONFIGS, STAGES, Config, Stage
from .model import CELL, Model, build, unpack
from .pool import Batch, Pool
from .redraw import Redrawn, euler

MEETING = "workers"  # file in the run folder through which workers find each other
LOSSES = ("flow", "names", "places")
SMALL = 128  # pixels of the pictures in which single subjects are drawn first
FINISHED_FROM = 0.6  # noise up to which larger ones are learned for finishing; more than is drawn with, so that its edge is known too


def times(count: int) -> Tensor:
    """Noise levels to train at: half logit-normal, the rest uniform or next to pure noise.

    A plain background is one colour in every token, so its mean shows through the noise up to t = 0.9; only above that does
    the text decide it, where a logit-normal alone hardly ever looks.
    """
    kind, u = torch.rand(count), torch.rand(count)
    middle = torch.sigmoid(torch.randn(count) + 0.2)
    return torch.where(kind < 0.55, middle, torch.where(kind < 0.8, u, 1 - 0.12 * u**2))


def loss_of(model: Model, batch: Batch, grid: tuple[int, int], most: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Flow-matching loss (velocity = noise − data), and the losses of naming and of placing tokens.

    Args:
        most: noise level (1 = all) up to which the batch is learned.
    """
    length = model.length(batch.segments)
    x0, (classes, parts) = batch.tokens.to(model.device), batch.labels.to(model.device).unbind(1)
    t, noise, mask = most * times(x0.shape[0]).to(model.device), torch.randn(x0.shape).to(model.device), batch.mask(length)
    xt = torch.lerp(x0, noise, t[:, None, None])
    with precision.autocast(model.device):
        v, names, places = model(xt, t, batch.segments, batch.captions, length, grid, None if mask is None else mask.to(model.device))
    subject = (classes < model.subjects).float()
    weight = 1 + subject
    flow = (F.mse_loss(v.float(), noise - x0, reduction="none").mean(-1) * weight).sum() / weight.sum()
    placed = F.cross_entropy(places.float().flatten(0, 1), parts.flatten(), reduction="none") * subject.flatten()
    return flow, F.cross_entropy(names.float().flatten(0, 1), classes.flatten()), placed.sum() / subject.sum().clamp(min=1)


@torch.no_grad()
def sample(model: Model, vae: AutoencoderTiny, captions: list[str], size: tuple[int, int], steps: int = 20, cfg: float = 3.0, seed: int = 0) -> list[Image.Image]:
    """Plain Euler sampling with classifier-free guidance, for the sample sheets."""
    grid = (size[1] // CELL, size[0] // CELL)
    n = len(captions)
    x = torch.randn(n, grid[0] * grid[1], 64, generator=torch.Generator().manual_seed(seed)).to(model.device)
    shift = math.exp(0.5)
    sigmas = torch.linspace(1, 1 / steps, steps, device=model.device)
    sigmas = torch.cat([shift * sigmas / (1 + (shift - 1) * sigmas), sigmas.new_zeros(1)])
    x = euler(model, x, sigmas, captions, cfg, grid)
    decoded = vae.decode(unpack(x, grid) / autoencoder.SCALING).sample
    images = ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(i) for i in images]


SHEET = (
    "a cat on a purple background", "a rocket on a blue background", "a dog on a green background", "a rabbit, teal background",
    "a photo of a penguin in the snow", "a red car at the beach", "a dragon on a white background", "an apple on a yellow background",
    "a sunflower in a meadow", "a robot on an orange striped background", "a blue teddy bear on a pink background", "a pizza on a gray background",
    "an owl in a forest", "a sailboat at sunset", "a grumpy cat and a rocket on a purple background", "a fox to the left of a castle on a teal background",
)  # fmt: skip


def save_sheet(model: Model, vae: AutoencoderTiny, path: Path, size: tuple[int, int]) -> None:
    """What the model makes of sixteen fixed captions, as one picture."""
    images = sample(model, vae, list(SHEET), size)
    sheet = Image.new("RGB", (size[0] * 8, size[1] * 2))
    for i, image in enumerate(images):
        sheet.paste(image, ((i % 8) * size[0], (i // 8) * size[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


class Shared:
    """Weights averaged over workers every few steps, and one clock for all of them; a worker alone only has the clock.

    Between averages each worker steps by itself (local SGD, 1805.09767), so that none waits for another in every step.
    """

    EVERY = 8  # steps

    def __init__(self, model: Model, workers: int) -> None:
        self.parameters: list[Tensor] = list(model.parameters())
        self.workers = workers
        self.minutes = 0.0  # since the start, by the clock of worker 0
        self._start = time.monotonic()

    @torch.no_grad()
    def after(self, step: int, rank: int) -> None:
        """Average if it is time, and take the time."""
        mine = (time.monotonic() - self._start) / 60
        if self.workers == 1:
            self.minutes = mine
        elif step % self.EVERY == 0:
            clock = torch.tensor([mine * self.workers if rank == 0 else 0.0])
            flat = torch.cat([*(p.reshape(-1) for p in self.parameters), clock])
            dist.all_reduce(flat)
            flat /= self.workers
            torch._foreach_copy_(self.parameters, [part.view_as(p) for p, part in zip(self.parameters, flat[:-1].split([p.numel() for p in self.parameters]), strict=True)])
            self.minutes = float(flat[-1])


@dataclass(frozen=True)
class Job:
    """One call of `train`, as each worker gets it."""

    run: Path
    config: Config
    stage: Stage
    art: tuple[Art, ...]
    minutes: float = math.inf  # stop after so long,
    steps: int = 0  # or after so many steps; 0 is no limit
    final: bool = False  # let the learning rate fall to zero
    lr: float | None = None  # largest learning rate, None = the configuration's
    workers: int = 1
    compiled: bool = True
    sheet_every: float = 15.0  # minutes

    def done(self, steps: int, minutes: float) -> float:
        """Share of the job that is behind, 0 to 1."""
        return min(1.0, max(minutes / self.minutes, steps / self.steps if self.steps else 0.0))


def train(job: Job) -> None:
    """Go on with a run for some minutes or steps."""
    (job.run / MEETING).unlink(missing_ok=True)
    if job.workers == 1:
        work(0, job)
    else:
        spawn(work, (job,), nprocs=job.workers)


def work(rank: int, job: Job) -> None:
    """One worker's loop. All draw the same sizes, counts and lengths, so that none waits long for another."""
    if job.workers > 1:
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{(job.run / MEETING).resolve()}", rank=rank, world_size=job.workers)
    vae = AutoencoderTiny.from_pretrained(job.run / "vae").requires_grad_(False).to(job.config.device, memory_format=torch.channels_last)
    model, ema, optimizer, first = _state(job)
    torch.manual_seed(1000 * first + rank)
    choose = np.random.default_rng([first, 0])
    if job.compiled:
        _compile(model)
    shared = Shared(model, job.workers)
    averages: list[Tensor] = list(ema.parameters())
    step, saved, sheeted = first, 0.0, 0.0
    means: dict[str, float] = {}
    bar = tqdm(total=100, unit="%", desc="training", disable=None if rank == 0 else True, bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}{postfix}")
    with bar, Pool(job.art, vae, 1000 * first + rank, model.subjects, drawers=job.config.drawers) as pool:
        while (done := job.done(step - first, shared.minutes)) < 1:
            losses = _learn(job, model, pool, choose)
            for group in optimizer.param_groups:
                falling = 1 - done if job.final else 1.0
                group["lr"] = (job.lr or job.config.lr) * min(1, (step + 1) / 300, (step - first + 1) / 50) * falling
            torch.nn.utils.clip_grad_norm_(shared.parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            shared.after(step, rank)
            torch._foreach_lerp_(averages, shared.parameters, 1 - min(0.999, 1 - 1 / (step / 10 + 1)))
            if rank:
                continue
            bar.update(100 * done - bar.n)
            minutes = shared.minutes
            if (step - first) % 10 == 0 or step == first + 1:
                _follow(means, losses, (step - first) // 10 + 1)
                bar.set_postfix(step=step, **means)
            if step % 50 == 0:
                _log(job.run, {"step": step, "minutes": round(minutes, 1), "seconds_per_step": round(60 * minutes / (step - first), 3), **means})
            if minutes - saved > 4:
                save(job.run, model, ema, optimizer, step)
                saved = minutes
            if minutes - sheeted > job.sheet_every:
                save_sheet(ema, vae, job.run / "samples" / f"{step:06d}.png", job.stage.sizes[0])
                sheeted = minutes
    if rank == 0:
        save(job.run, model, ema, optimizer, step)
        save_sheet(ema, vae, job.run / "samples" / f"{step:06d}.png", job.stage.sizes[0])


def _learn(job: Job, model: Model, pool: Pool, choose: np.random.Generator) -> tuple[Tensor, ...]:
    """Draw a batch and leave its gradients on the model."""
    stage = job.stage
    size = stage.sizes[int(choose.integers(len(stage.sizes)))]
    subjects, regional = int(choose.choice(stage.counts)), bool(choose.random() < stage.regional) and job.config.family == "flux"
    finishing = subjects == 1 and min(size) > SMALL and choose.random() < stage.finishing
    want = max(4, round(job.config.batch * 128**2 / (size[0] * size[1])))
    batch = pool.batch(size, subjects, want, fresh=max(1, want // 8), regional=regional)
    kernels = [SDPBackend.MATH] if model.device.type == "cpu" else [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
    with sdpa_kernel(kernels):  # on CPUs the backward of plain matrix products is much faster than the fused kernel's at these lengths
        losses = loss_of(model, batch, (size[1] // CELL, size[0] // CELL), FINISHED_FROM if finishing else 1.0)
        (losses[0] + 0.25 * losses[1] + 0.25 * losses[2]).backward()
    return losses


def _compile(model: Model) -> None:
    """Compile the transformer block by block: one graph serves all blocks of a kind, so it takes seconds, not minutes."""
    torch.fx.experimental._config.use_duck_shape = False  # equal sizes stay separate symbols: no recompiling when they part
    for block in model.blocks:
        block.forward = torch.compile(block.forward, dynamic=True)


def _state(job: Job) -> tuple[Model, Model, torch.optim.Optimizer, int]:
    """Model, its average, optimizer and steps done, from the run folder if it has them."""
    torch.manual_seed(0)
    model = build(job.config).to(job.config.device)
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = optimizer_of(model)
    if not (job.run / "state.pt").exists():
        return model, ema, optimizer, 0
    state = export.state_of(job.run, model)
    for module, key in ((model, "model"), (ema, "ema")):
        module.load_state_dict(state[key])
    optimizer.load_state_dict(state["optimizer"])
    return model, ema, optimizer, state["step"]


def optimizer_of(model: Model) -> torch.optim.Optimizer:
    """A fresh optimizer; its learning rate is set in every step."""
    return torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def _follow(means: dict[str, float], losses: tuple[Tensor, ...], steps: int) -> None:
    """Running means of the three losses."""
    for name, loss in zip(LOSSES, losses, strict=True):
        before = means.get(name, loss.item())
        means[name] = round(before + (loss.item() - before) * max(0.05, 1 / steps), 4)


def _log(run: Path, row: dict[str, float]) -> None:
    tqdm.write(json.dumps(row))
    with (run / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def save(run: Path, model: Model, ema: Model, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the checkpoint beside the old one, then swap: a kill at any moment leaves a whole file."""
    state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "words": model.words}
    torch.save(state, run / "state.new")
    (run / "state.new").replace(run / "state.pt")


def _redrawn(run: Path, config: Config) -> Redrawn | None:
    """What the run's transformer makes of scenes, once there is one."""
    if not (run / "state.pt").exists():
        return None
    model = build(config)
    model.load_state_dict(export.state_of(run, model)["ema"])
    return Redrawn(load(config.tier), model, AutoencoderTiny.from_pretrained(run / "vae"), seed=autoencoder.trained(run / "vae"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=Path(__file__).with_name(".cache") / "run")
    parser.add_argument("--config", choices=CONFIGS, default="cpu", help="cpu: 148 subjects on two cores; gpu: over 700; sd3: sixteen, for tests")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="train so many steps, however long it takes")
    parser.add_argument("--workers", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--no-compile", action="store_true", help="skip torch.compile: starts at once, each step takes half as long again")
    parser.add_argument("--stage", choices=STAGES, default="small")
    parser.add_argument("--final", action="store_true", help="let the learning rate fall to zero")
    parser.add_argument("--lr", type=float, help="largest learning rate, where the configuration's would undo more than a short stretch can learn")
    parser.add_argument("--autoencoder", type=float, metavar="MINUTES", help="train the autoencoder instead: on scenes, and once there is a transformer also on what that makes of them")
    parser.add_argument("--begin-from", type=Path, metavar="DIR", help="make a run out of exported weights instead")
    parser.add_argument("--measure", action="store_true", help="print what a run has come to instead")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the model as a diffusers folder instead")
    args = parser.parse_args()
    config = CONFIGS[args.config]
    if args.begin_from:
        model = export.begin_from(args.begin_from, config, args.run / "vae")
        save(args.run, model, model, optimizer_of(model), step=300)  # past the warm-up
    elif args.autoencoder:
        limit = {"steps": args.steps} if args.steps else {"minutes": args.autoencoder}
        vae = autoencoder.train(load(config.words), args.run / "vae", redrawn=_redrawn(args.run, config), **limit)
        print(f"held-out PSNR {autoencoder.psnr(vae, load(config.words)):.2f} dB")
    elif args.measure:
        print(json.dumps(export.measure(args.run, config), indent=1))
    elif args.export:
        export.write(args.run, config, args.export)
    else:
        limit = {"steps": args.steps} if args.steps else {"minutes": args.minutes}
        train(Job(args.run, config, STAGES[args.stage], load(config.tier), final=args.final, lr=args.lr, workers=args.workers, compiled=not args.no_compile, **limit))


if __name__ == "__main__":
    main()
