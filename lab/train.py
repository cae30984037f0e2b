"""Train the embedded model: autoencoder first, then text encoders and transformer jointly, by flow matching.

    python -m cutwork.lab.train --run lab/.cache/run --minutes 60 --workers 2 --stage small

A run folder holds everything needed to go on after a stop: `vae/`, `state.pt`, `log.jsonl`, `samples/`. Export writes a
folder that plain `FluxPipeline.from_pretrained` loads. Workers are processes of one thread each that average their weights
every few steps: on a CPU they scale where threads wait for each other.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxPipeline
from PIL import Image
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from torch.nn.attention import SDPBackend, sdpa_kernel

from . import autoencoder, backgrounds, precision, scenes
from .art import Art, load
from .model import CELL, Model
from .pool import BACKGROUND, Batch, Pool, Size

MEETING = "workers"  # file in the run folder through which workers find each other


@dataclass(frozen=True)
class Stage:
    """What one stretch of training looks at. Sizes and counts are drawn evenly: repeat what shall come more often."""

    sizes: tuple[Size, ...]
    batch: int  # samples a worker sees in a step, at 128 × 128; fewer of larger ones
    counts: tuple[int, ...]  # subjects in a scene
    regional: float  # share of the batches told by regions
    text: tuple[int, ...] = (16, 16, 24)  # tokens a text is padded to


STAGES = {
    "small": Stage(((128, 128),) * 4 + ((160, 96), (96, 160)), 32, (1,) * 9 + (2,) * 4 + (0,), 0.5),
    "mixed": Stage(((128, 128), (128, 128), (192, 192), (256, 256), (256, 256), (256, 128), (128, 256)), 32, (1,) * 5 + (2,) * 5 + (3,) * 2 + (0,), 0.6),
    "full": Stage(((256, 256),) * 4 + ((256, 192), (192, 256), (128, 128), (256, 128)), 32, (1,) * 4 + (2,) * 5 + (3,) * 3 + (0,), 0.6, (16, 24, 32, 48, 64)),
}


def times(count: int) -> Tensor:
    """Noise levels to train at: half logit-normal, the rest uniform or next to pure noise.

    A plain background is one colour in every token, so its mean shows through the noise up to t = 0.9; only above that does
    the text decide it, where a logit-normal alone hardly ever looks.
    """
    kind, u = torch.rand(count), torch.rand(count)
    middle = torch.sigmoid(torch.randn(count) + 0.2)
    return torch.where(kind < 0.55, middle, torch.where(kind < 0.8, u, 1 - 0.12 * u**2))


def loss_of(model: Model, batch: Batch, length: int, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Flow-matching loss (velocity = noise − data), and the losses of naming and of placing tokens."""
    x0, (classes, parts) = batch.tokens, batch.labels.unbind(1)
    t = times(x0.shape[0])
    noise = torch.randn_like(x0)
    xt = torch.lerp(x0, noise, t[:, None, None])
    with precision.autocast():
        v, names, places = model(xt, t, batch.segments, batch.captions, length, grid, batch.mask(length))
    subject = (classes < BACKGROUND).float()
    weight = 1 + subject
    flow = (F.mse_loss(v.float(), noise - x0, reduction="none").mean(-1) * weight).sum() / weight.sum()
    placed = F.cross_entropy(places.float().flatten(0, 1), parts.flatten(), reduction="none") * subject.flatten()
    return flow, F.cross_entropy(names.float().flatten(0, 1), classes.flatten()), placed.sum() / subject.sum().clamp(min=1)


@torch.no_grad()
def sample(model: Model, vae: AutoencoderTiny, captions: list[str], size: tuple[int, int], steps: int = 20, cfg: float = 3.0, seed: int = 0) -> list[Image.Image]:
    """Plain Euler sampling with classifier-free guidance, for the sample sheets."""
    grid = (size[1] // CELL, size[0] // CELL)
    n = len(captions)
    x = torch.randn(n, grid[0] * grid[1], 64, generator=torch.Generator().manual_seed(seed))
    shift = math.exp(0.5)
    sigmas = torch.linspace(1, 1 / steps, steps)
    sigmas = torch.cat([shift * sigmas / (1 + (shift - 1) * sigmas), torch.zeros(1)])
    for a, b in zip(sigmas[:-1], sigmas[1:], strict=True):
        with precision.autocast():
            texts = captions + [""] * n
            v = model(torch.cat([x, x]), a.expand(2 * n), [(words,) for words in texts], texts, 24, grid)[0].float()
        good, none = v.chunk(2)
        x = x + (b - a) * (none + cfg * (good - none))
    z = x.view(n, *grid, 16, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(n, 16, grid[0] * 2, grid[1] * 2)
    images = ((vae.decode(z / autoencoder.SCALING).sample.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(i) for i in images]


SHEET = (
    "a cat on a purple background", "a rocket on a blue background", "a dog on a green background", "a rabbit, teal background",
    "a photo of a penguin in the snow", "a red car at the beach", "a dragon on a white background", "an apple on a yellow background",
    "a sunflower in a meadow", "a robot on an orange striped background", "a blue teddy bear on a pink background", "a pizza on a gray background",
    "an owl in a forest", "a sailboat at sunset", "a grumpy cat and a rocket on a purple background", "a fox to the left of a castle on a teal background",
)


def save_sheet(model: Model, vae: AutoencoderTiny, path: Path, size: tuple[int, int]) -> None:
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
    minutes: float
    stage: Stage
    art: tuple[Art, ...]
    lr: float
    final: bool = False  # let the learning rate fall to zero
    workers: int = 1
    compiled: bool = True
    sheet_every: float = 15.0  # minutes


def train(job: Job) -> None:
    """Go on with a run for some minutes."""
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
    vae = AutoencoderTiny.from_pretrained(job.run / "vae").requires_grad_(False).to(memory_format=torch.channels_last)
    model, ema, optimizer, first = _state(job)
    torch.manual_seed(1000 * first + rank)
    choose = np.random.default_rng([first, 0])
    pool = Pool(job.art, vae, seed=1000 * first + rank)
    if job.compiled:
        _compile(model)
    shared = Shared(model, job.workers)
    averages: list[Tensor] = list(ema.parameters())
    stage, step, saved, sheeted = job.stage, first, 0.0, 0.0
    means: dict[str, float] = {}
    while (minutes := shared.minutes) < job.minutes:
        size = stage.sizes[int(choose.integers(len(stage.sizes)))]
        subjects, length = int(choose.choice(stage.counts)), int(choose.choice(stage.text))
        want = max(4, round(stage.batch * 128**2 / (size[0] * size[1])))
        batch = pool.batch(size, subjects, want, fresh=max(1, want // 8), regional=bool(choose.random() < stage.regional))
        with sdpa_kernel(SDPBackend.MATH):  # its backward is much faster on CPUs than the fused kernel's at these lengths
            losses = loss_of(model, batch, length, (size[1] // CELL, size[0] // CELL))
            (losses[0] + 0.25 * losses[1] + 0.25 * losses[2]).backward()
        for group in optimizer.param_groups:
            falling = max(0.0, 1 - minutes / job.minutes) if job.final else 1.0
            group["lr"] = job.lr * min(1, (step + 1) / 300, (step - first + 1) / 50) * falling
        torch.nn.utils.clip_grad_norm_(shared.parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        shared.after(step, rank)
        torch._foreach_lerp_(averages, shared.parameters, 1 - min(0.9995, 1 - 1 / (step / 10 + 1)))
        if rank:
            continue
        _follow(means, losses, step - first)
        if step % 50 == 0:
            _log(job.run, {"step": step, "minutes": round(minutes, 1), "seconds_per_step": round(60 * minutes / (step - first), 3), **means})
        if minutes - saved > 4:
            save(job.run, model, ema, optimizer, step)
            saved = minutes
        if minutes - sheeted > job.sheet_every:
            save_sheet(ema, vae, job.run / "samples" / f"{step:06d}.png", stage.sizes[0])
            sheeted = minutes
    if rank == 0:
        save(job.run, model, ema, optimizer, step)
        save_sheet(ema, vae, job.run / "samples" / f"{step:06d}.png", stage.sizes[0])


def _compile(model: Model) -> None:
    """Compile the transformer block by block: one graph serves all blocks of a kind, so it takes seconds, not minutes."""
    torch.fx.experimental._config.use_duck_shape = False  # equal sizes stay separate symbols: no recompiling when they part
    for block in (*model.transformer.transformer_blocks, *model.transformer.single_transformer_blocks):
        block.forward = torch.compile(block.forward, dynamic=True)


def _state(job: Job) -> tuple[Model, Model, torch.optim.Optimizer, int]:
    """Model, its average, optimizer and steps done, from the run folder if it has them."""
    torch.manual_seed(0)
    model = Model()
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    if not (job.run / "state.pt").exists():
        return model, ema, optimizer, 0
    state = torch.load(job.run / "state.pt", weights_only=True)
    for module, key in ((model, "model"), (ema, "ema")):
        module.load_state_dict(state[key])
    optimizer.load_state_dict(state["optimizer"])
    return model, ema, optimizer, state["step"]


def _follow(means: dict[str, float], losses: tuple[Tensor, ...], steps: int) -> None:
    """Running means of the three losses."""
    for name, loss in zip(("flow", "names", "places"), losses, strict=True):
        before = means.get(name, loss.item())
        means[name] = round(before + (loss.item() - before) * max(0.01, 1 / steps), 4)


def _log(run: Path, row: dict[str, float]) -> None:
    print(json.dumps(row), flush=True)
    with (run / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def begin_from(exported: Path, run: Path) -> None:
    """Start a run from exported weights: they become its model and its average; optimizer and training-only tasks start afresh.

    Words the exported vocabulary has keep what they mean; new ones begin with nothing learned.
    """
    pipeline = FluxPipeline.from_pretrained(exported)
    model = Model()
    _take_over(model.clip_model, model.clip, pipeline.text_encoder, pipeline.tokenizer)
    _take_over(model.t5_model, model.t5, pipeline.text_encoder_2, pipeline.tokenizer_2)
    model.transformer.load_state_dict(pipeline.transformer.state_dict())
    pipeline.vae.save_pretrained(run / "vae")
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    save(run, model, model, optimizer, step=300)  # past the warm-up


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


def save(run: Path, model: Model, ema: Model, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the checkpoint beside the old one, then swap: a kill at any moment leaves a whole file."""
    state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, run / "state.new")
    (run / "state.new").replace(run / "state.pt")


def export(run: Path, art: tuple[Art, ...], out: Path) -> None:
    """Write the averaged weights as a standard FLUX folder in half precision."""
    model = Model()
    model.load_state_dict(torch.load(run / "state.pt", weights_only=True)["ema"], strict=False)
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, base_image_seq_len=64, max_image_seq_len=4096),
        vae=AutoencoderTiny.from_pretrained(run / "vae"),
        text_encoder=model.clip_model, tokenizer=model.clip, text_encoder_2=model.t5_model, tokenizer_2=model.t5, transformer=model.transformer,
    )
    pipeline.to(dtype=torch.float16).save_pretrained(out)
    _load_as_float32(out)
    words = {
        "subjects": {a.noun: list(a.synonyms) for a in art},
        "colours": list(scenes.SUBJECT_COLOURS),
        "backgrounds": [*(f"{c} background" for c in backgrounds.COLOURS), "gradient", "striped", "checkered", "dotted", *backgrounds.PLACES],
    }
    (out.parent / "vocabulary.json").write_text(json.dumps(words, indent=1) + "\n")


def _load_as_float32(pipeline: Path) -> None:
    """Name float32 in the text encoders' configs: transformers loads in the dtype named there, diffusers loads the rest in float32."""
    for path in pipeline.glob("text_encoder*/config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"dtype": "float32"}, indent=2) + "\n")


def measure(run: Path) -> dict[str, float]:
    """Sizes, steps done, and the autoencoder's PSNR on scenes no training saw (seeds from 10⁹)."""
    model = Model()
    vae = AutoencoderTiny.from_pretrained(run / "vae")
    millions = {
        name: round(sum(p.numel() for p in part.parameters()) / 1e6, 2)
        for name, part in (("transformer", model.transformer), ("t5", model.t5_model), ("clip", model.clip_model), ("autoencoder", vae))
    }
    state = torch.load(run / "state.pt", weights_only=True)
    held_out = range(10**9, 10**9 + 40)
    return {"steps": state["step"], **{f"{k}_million_parameters": v for k, v in millions.items()}, "autoencoder_db_256px": round(autoencoder.psnr(vae, load(2), held_out), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, default=Path(__file__).with_name(".cache") / "run")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--no-compile", action="store_true", help="skip torch.compile: starts at once, each step takes half as long again")
    parser.add_argument("--stage", choices=STAGES, default="small")
    parser.add_argument("--tier", type=int, default=1, help="0 = sixteen subjects, 1 = the core, 2 = all")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--final", action="store_true", help="let the learning rate fall to zero")
    parser.add_argument("--autoencoder", type=float, metavar="MINUTES", help="train the autoencoder instead")
    parser.add_argument("--begin-from", type=Path, metavar="DIR", help="make a run out of exported weights instead")
    parser.add_argument("--measure", action="store_true", help="print what a run has come to instead")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the model as a diffusers folder instead")
    args = parser.parse_args()
    art = load(args.tier)
    if args.begin_from:
        begin_from(args.begin_from, args.run)
    elif args.autoencoder:
        vae = autoencoder.train(load(2), args.run / "vae", args.autoencoder)
        print(f"held-out PSNR {autoencoder.psnr(vae, load(2), range(10**9, 10**9 + 20)):.2f} dB")
    elif args.measure:
        print(json.dumps(measure(args.run), indent=1))
    elif args.export:
        export(args.run, art, args.export)
    else:
        train(Job(args.run, args.minutes, STAGES[args.stage], art, args.lr, args.final, args.workers, not args.no_compile))


if __name__ == "__main__":
    main()
