"""Sizes of the embedded model and how each is trained: one for two CPU cores, one for a GPU."""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int]  # width, height in pixels


LENGTHS = (16, 24, 32, 48, 64)  # tokens a text may be padded to; padding is attended, so drawing pads to the same


@dataclass(frozen=True)
class Stage:
    """What one stretch of training looks at. Sizes and counts are drawn evenly: repeat what shall come more often."""

    sizes: tuple[Size, ...]
    counts: tuple[int, ...]  # subjects in a scene
    regional: float  # share of the batches told by regions
    finishing: float = 0.0  # share of the large pictures of one subject that are seen with little noise alone, as when one drawn small is finished


STAGES = {
    "small": Stage(((128, 128),) * 8 + ((256, 128), (128, 256)), (1,) * 10 + (2,) * 3 + (0,), 0.5),
    "pairs": Stage(((192, 192),) * 3 + ((256, 128), (128, 256)) + ((128, 128),) * 4 + ((256, 256),), (1,) * 6 + (2,) * 7 + (3,), 0.4, 0.75),
    "mixed": Stage(((128, 128),) * 5 + ((256, 128), (128, 256)) * 2 + ((256, 256),) * 3, (1,) * 9 + (2,) * 5 + (3, 0), 0.5, 0.75),
    "full": Stage(((256, 256),) * 4 + ((256, 192), (192, 256), (128, 128), (256, 128)), (1,) * 4 + (2,) * 5 + (3,) * 3 + (4, 5, 0), 0.6),
}


@dataclass(frozen=True)
class Config:
    """One model, its subjects, and the machine it is meant to be trained on."""

    family: str  # "flux" or "sd3"
    tier: int  # of subjects.csv, trained on
    words: int  # tier whose words the tokenizers know, so that the vocabulary can grow
    heads: int  # of 32 channels each
    double: int  # blocks with separate weights for text and image
    single: int  # FLUX's blocks with common weights
    text: int  # width of the text encoders
    device: str
    batch: int  # samples a worker sees in a step, at 128 × 128; fewer of larger ones
    lr: float
    drawers: int  # processes that draw scenes beside the training; 0: it draws them itself

    @property
    def width(self) -> int:
        """Channels of the transformer."""
        return self.heads * HEAD_DIM


HEAD_DIM = 32
CONFIGS = {
    "cpu": Config("flux", tier=1, words=2, heads=8, double=2, single=5, text=192, device="cpu", batch=32, lr=1e-3, drawers=0),
    "gpu": Config("flux", tier=3, words=3, heads=10, double=2, single=7, text=192, device="cuda", batch=512, lr=1e-3, drawers=14),
    "sd3": Config("sd3", tier=0, words=0, heads=6, double=5, single=0, text=192, device="cpu", batch=32, lr=1e-3, drawers=0),
}
