"""Subject art for the testbed: Microsoft Fluent emoji (MIT), fetched from its npm package and pinned by hash.

Nothing here is needed to run Cutwork; the shipped model has learned what it draws.
"""

from __future__ import annotations

import csv
import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
SHA256 = "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"
SUBJECTS = Path(__file__).with_name("subjects.csv")
CACHE = Path(__file__).with_name(".cache")


@dataclass(frozen=True)
class Art:
    """One subject's picture and the words people use for it."""

    noun: str
    synonyms: tuple[str, ...]
    tier: int
    path: Path
    group: str = ""  # what kind of thing it is, by emojibase's subgroups: "animal-mammal"

    @cached_property
    def rgba(self) -> Image.Image:
        """The art trimmed to its alpha, straight (not premultiplied) RGBA."""
        return trimmed(Image.open(self.path).convert("RGBA"))

    @property
    def aspect(self) -> float:
        """Width over height of the trimmed art."""
        return self.rgba.width / self.rgba.height


def fetch(cache: Path = CACHE) -> Path:
    """Folder of the art's WebP files, downloaded with `npm pack` on first use.

    Raises:
        RuntimeError: if npm fails or the package is not the pinned one.
    """
    folder = cache / "package" / "assets"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=cache, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"npm pack {PACKAGE} failed: {run.stderr.strip()[-300:]}")
    archive = cache / run.stdout.strip().splitlines()[-1]
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RuntimeError(f"{PACKAGE} has sha256 {digest}, wanted {SHA256}")
    with tarfile.open(archive) as tar:
        tar.extractall(cache, filter="data")
    return folder


def load(max_tier: int = 2, cache: Path = CACHE) -> tuple[Art, ...]:
    """Every subject of `subjects.csv` up to a tier, in file order (a subject's index is its class)."""
    folder = fetch(cache)
    return tuple(
        Art(row["noun"], tuple(filter(None, row["synonyms"].split("|"))), int(row["tier"]), _file(folder, row["codepoint"]), row["group"])
        for row in rows()
        if int(row["tier"]) <= max_tier
    )


def rows() -> list[dict[str, str]]:
    """The table of subjects as it is written."""
    with SUBJECTS.open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


def _file(folder: Path, codepoint: str) -> Path:
    for name in (codepoint, f"{codepoint}-fe0f"):
        if (path := folder / f"{name}.webp").exists():
            return path
    raise FileNotFoundError(f"no art for code point {codepoint} in {folder}")


def trimmed(image: Image.Image) -> Image.Image:
    """Cut to what of it can be seen."""
    return image.crop(image.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox())


def tint(image: Image.Image, rgb: tuple[int, ...]) -> Image.Image:
    """The art recoloured to one hue, its shading kept: luminance times colour, highlights left white."""
    pixels = np.asarray(image, dtype=np.float32) / 255
    light = pixels[..., 0] * np.float32(0.299) + pixels[..., 1] * np.float32(0.587) + pixels[..., 2] * np.float32(0.114)  # no BLAS: the same bits everywhere
    low, high = np.percentile(light[pixels[..., 3] > 0.5], [2, 98])
    light = np.clip((light - low) / max(high - low, 0.1), 0, 1)[..., None]
    colour = np.array(rgb, dtype=np.float32) / 255
    shaded = np.where(light < 0.75, colour * (0.35 + 0.65 * light / 0.75), colour + (1 - colour) * (light - 0.75) / 0.25 * 0.6)
    out = np.concatenate([shaded, pixels[..., 3:]], axis=-1)
    return Image.fromarray((out * 255 + 0.5).astype(np.uint8), "RGBA")
