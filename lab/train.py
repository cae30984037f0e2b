"""Train the embedded model: autoencoder first, then text encoders and transformer jointly, by flow matching.

    python -m lab.train --run lab/.cache/run --minutes 60 --threads 1 --stage easy

A run folder holds everything needed to go on after a stop: `vae/`, `state.pt`, `log.jsonl`, `samples/`. Export writes a
folder that plain `FluxPipeline.from_pretrained` loads.

Besides the flow loss the transformer has two training-only tasks: from its middle image tokens, name the subject or the
background that each token will show, and which part of the subject. They bind words to places long before pictures become
sharp, and are not part of the exported model.
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
import torch.nn.functional as F
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from PIL import Image
from torch import Tensor, nn

from . import autoencoder, backgrounds, scenes, text
from .art import Art, load

CELL = 16  # pixels per image token
CLASSES = 256  # of the training-only token classifier: subjects, then backgrounds
BACKGROUND = 235
SMALL = 128 * 128  # pixels up to which a scene is mostly one large subject
PARTS = 8  # a subject is divided into 8 × 8 parts
BACKGROUNDS = (*backgrounds.COLOURS, *backgrounds.PLACES)
HEADS, HEAD_DIM = 8, 32
TRANSFORMER = dict(
    patch_size=1, in_channels=64, num_layers=2, num_single_layers=5, attention_head_dim=HEAD_DIM, num_attention_heads=HEADS,
    joint_attention_dim=text.WIDTH, pooled_projection_dim=text.WIDTH, guidance_embeds=False, axes_dims_rope=(8, 12, 12),
)


@dataclass(frozen=True)
class Stage:
    """What one stretch of training looks at."""

    sizes: tuple[tuple[int, int], ...]  # (width, height) in pixels
    batch: int
    easy: bool
    text: tuple[int, ...]  # padded T5 lengths


STAGES = {
    "easy": Stage(((128, 128), (96, 160), (160, 96), (112, 144), (144, 112)), 24, True, (16, 20, 24)),
    "mixed": Stage(((128, 128), (96, 160), (160, 96), (192, 192), (256, 128), (128, 256), (256, 256), (256, 256)), 32, False, (16, 24, 32)),
    "full": Stage(((256, 256), (256, 256), (192, 256), (256, 192), (256, 128), (128, 128)), 16, False, (24, 32, 48, 64)),
}


class Model(nn.Module):
    """Everything that learns: two text encoders, the transformer, and the training-only token classifier."""

    def __init__(self) -> None:
        super().__init__()
        words = text.vocabulary(load(2))
        self.t5, self.clip = text.t5_tokenizer(words), text.clip_tokenizer(words)
        self.clip_model, self.t5_model = text.encoders(self.t5, self.clip)
        self.transformer = FluxTransformer2DModel(**TRANSFORMER)
        width = HEADS * HEAD_DIM
        self.namer = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, CLASSES))
        self.placer = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, PARTS**2))
        _zero_output(self.transformer)

    def embed(self, captions: list[str], length: int) -> tuple[Tensor, Tensor]:
        """Captions to T5 sequence (B, length, D) and CLIP pooled (B, D); padding is attended, as in FLUX."""
        a = self.t5(captions, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
        b = self.clip(captions, padding="longest", max_length=text.CLIP_LENGTH, truncation=True, return_tensors="pt").input_ids
        return self.t5_model(a)[0], self.clip_model(b).pooler_output

    def forward(self, x: Tensor, t: Tensor, captions: list[str], length: int, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted velocity (B, L, 64), and logits of each token's class and part."""
        sequence, pooled = self.embed(captions, length)
        seen: list[Tensor] = []
        hook = self.transformer.single_transformer_blocks[1].register_forward_hook(lambda _m, _a, out: seen.append(out[1]))
        try:
            v = self.transformer(
                hidden_states=x, timestep=t, encoder_hidden_states=sequence, pooled_projections=pooled,
                img_ids=positions(grid), txt_ids=torch.zeros(length, 3), return_dict=False,
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


class Pool:
    """Encoded scenes kept in memory and slowly replaced, so that drawing and encoding cost little per step."""

    def __init__(self, art: tuple[Art, ...], vae: AutoencoderTiny, stage: Stage, seed: int, keep: int = 1536) -> None:
        self.art, self.vae, self.stage, self.keep = art, vae, stage, keep
        self.rng = np.random.default_rng(seed)
        self.items: dict[tuple[int, int], list[tuple[Tensor, Tensor, str]]] = {size: [] for size in stage.sizes}

    @torch.no_grad()
    def draw(self, size: tuple[int, int], count: int) -> None:
        """Add `count` fresh scenes of a size."""
        easy = self.stage.easy or size[0] * size[1] <= SMALL
        made = [scenes.make(self.art, int(self.rng.integers(2**31)), size, easy=easy and self.rng.random() < 0.9) for _ in range(count)]
        z = autoencoder.SCALING * self.vae.encoder(autoencoder.to_tensor([s.image for s in made]).contiguous(memory_format=torch.channels_last))
        for latent, scene in zip(pack(z.float()).half(), made, strict=True):
            classes, parts = scene.labels(CELL, PARTS)
            classes = np.where(classes == 0, BACKGROUND + BACKGROUNDS.index(scene.background.colour or scene.background.phrase), classes - 1)
            item = (latent, torch.from_numpy(np.stack([classes.reshape(-1), parts.reshape(-1)])), scene.caption)
            store = self.items[size]
            if len(store) < self.keep:
                store.append(item)
            else:
                store[int(self.rng.integers(self.keep))] = item

    def batch(self, size: tuple[int, int], fresh: int) -> tuple[Tensor, Tensor, list[str]]:
        """A batch of tokens (B, L, 64), classes and parts (B, 2, L) and captions."""
        store = self.items[size]
        scale = max(1, round(size[0] * size[1] / 128**2))
        want = max(4, self.stage.batch // scale)
        self.draw(size, want if len(store) < 2 * want else max(1, fresh // scale))
        picks = [store[i] for i in self.rng.choice(len(store), want, replace=False)]
        return torch.stack([p[0] for p in picks]).float(), torch.stack([p[1] for p in picks]), [p[2] for p in picks]


def times(count: int) -> Tensor:
    """Noise levels to train at: half logit-normal, the rest uniform or next to pure noise.

    A plain background is one colour in every token, so its mean shows through the noise up to t = 0.9; only above that does
    the text decide it, where a logit-normal alone hardly ever looks.
    """
    kind, u = torch.rand(count), torch.rand(count)
    middle = torch.sigmoid(torch.randn(count) + 0.2)
    return torch.where(kind < 0.5, middle, torch.where(kind < 0.7, u, 1 - 0.12 * u**2))


def loss_of(model: Model, x0: Tensor, labels: Tensor, captions: list[str], length: int, grid: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Flow-matching loss (velocity = noise − data), and the losses of naming and of placing tokens."""
    classes, parts = labels.unbind(1)
    captions = ["" if rng.random() < 0.1 else c for c in captions]
    t = times(x0.shape[0])
    noise = torch.randn_like(x0)
    xt = torch.lerp(x0, noise, t[:, None, None])
    with torch.autocast("cpu", torch.bfloat16):
        v, names, places = model(xt, t, captions, length, grid)
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
        with torch.autocast("cpu", torch.bfloat16):
            v = model(torch.cat([x, x]), a.expand(2 * n), captions + [""] * n, 24, grid)[0].float()
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


def train(run: Path, minutes: float, stage: Stage, art: tuple[Art, ...], lr: float, final: bool = False, sheet_every: float = 12.0, seed: int = 0) -> None:
    """Go on with a run for some minutes; `final` lets the learning rate fall to zero over them."""
    vae = AutoencoderTiny.from_pretrained(run / "vae").requires_grad_(False).to(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    model = Model()
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    step = 0
    if (run / "state.pt").exists():
        state = torch.load(run / "state.pt", weights_only=True)
        for module, key in ((model, "model"), (ema, "ema")):
            module.load_state_dict(state[key], strict=False)  # a task added later starts afresh
        known = state["optimizer"]["param_groups"][0]["params"]
        known += range(len(known), len(list(model.parameters())))
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    torch.manual_seed(seed + step)
    rng = np.random.default_rng([seed, step])
    pool = Pool(art, vae, stage, seed=seed + step)
    start = saved = sheeted = time.monotonic()
    first = step
    parameters: list[Tensor] = list(model.parameters())
    averages: list[Tensor] = list(ema.parameters())
    means = {"flow": 0.0, "names": 0.0, "places": 0.0}
    while (now := time.monotonic()) - start < minutes * 60:
        size = stage.sizes[int(rng.integers(len(stage.sizes)))]
        length = int(rng.choice(stage.text))
        x0, labels, captions = pool.batch(size, fresh=stage.batch // 4)
        falling = 1 - (now - start) / (minutes * 60) if final else 1.0
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 300, (step - first + 1) / 30) * falling
        flow, names, places = loss_of(model, x0, labels, captions, length, (size[1] // CELL, size[0] // CELL), rng)
        (flow + 0.25 * names + 0.25 * places).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.9995, 1 - 1 / (step / 10 + 1))
        torch._foreach_lerp_(averages, parameters, 1 - decay)
        for name, value in (("flow", flow), ("names", names), ("places", places)):
            means[name] += (value.item() - means[name]) * max(0.01, 1 / (step - first))
        if step % 50 == 0:
            row = {"step": step, "minutes": round((now - start) / 60, 1), "seconds_per_step": round((now - start) / (step - first), 3), **{k: round(v, 4) for k, v in means.items()}}
            print(json.dumps(row), flush=True)
            with (run / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
        if now - saved > 240:
            save(run, model, ema, optimizer, step)
            saved = now
        if now - sheeted > sheet_every * 60:
            save_sheet(ema, vae, run / "samples" / f"{step:06d}.png", stage.sizes[0])
            sheeted = now
    save(run, model, ema, optimizer, step)
    save_sheet(ema, vae, run / "samples" / f"{step:06d}.png", stage.sizes[0])


def begin_from(exported: Path, run: Path) -> None:
    """Start a run from exported weights: they become its model and its average; optimizer and training-only tasks start afresh."""
    pipeline = FluxPipeline.from_pretrained(exported)
    model = Model()
    model.clip_model.load_state_dict(pipeline.text_encoder.state_dict())
    model.t5_model.load_state_dict(pipeline.text_encoder_2.state_dict())
    model.transformer.load_state_dict(pipeline.transformer.state_dict())
    pipeline.vae.save_pretrained(run / "vae")
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    save(run, model, model, optimizer, step=300)  # past the warm-up


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
    words = {
        "subjects": {a.noun: list(a.synonyms) for a in art},
        "colours": list(scenes.SUBJECT_COLOURS),
        "backgrounds": [*(f"{c} background" for c in backgrounds.COLOURS), "gradient", "striped", "checkered", "dotted", *backgrounds.PLACES],
    }
    (out.parent / "vocabulary.json").write_text(json.dumps(words, indent=1) + "\n")


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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stage", choices=STAGES, default="easy")
    parser.add_argument("--tier", type=int, default=1, help="0 = sixteen subjects, 1 = the core, 2 = all")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--final", action="store_true", help="let the learning rate fall to zero")
    parser.add_argument("--autoencoder", type=float, metavar="MINUTES", help="train the autoencoder instead")
    parser.add_argument("--begin-from", type=Path, metavar="DIR", help="make a run out of exported weights instead")
    parser.add_argument("--measure", action="store_true", help="print what a run has come to instead")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the model as a diffusers folder instead")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
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
        train(args.run, args.minutes, STAGES[args.stage], art, args.lr, args.final)


if __name__ == "__main__":
    main()
