"""Colours in a space where distance looks like difference: OKLab, and OKLCh for hues.

Arrays of colours are (..., 3): sRGB uint8, or OKLab floats with lightness 0..1 first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cutwork.colours import Rgb, names

Rgbs = NDArray[np.uint8]
Lab = NDArray[np.float64]

MIX = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]])
TURN = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]])
UNMIX, UNTURN = np.linalg.inv(MIX), np.linalg.inv(TURN)


def nearest_name(colour: Rgb) -> str:
    """The name of the named colour that looks most like this one."""
    known = names()
    apart = np.square(oklab(np.array(list(known.values()), np.uint8)) - oklab(np.array(colour, np.uint8))).sum(-1)
    return list(known)[int(apart.argmin())].replace(" ", "-")


def hexed(colour: Rgb) -> str:
    """Six hexadecimal digits: "f5e9d0"."""
    return "".join(f"{int(c):02x}" for c in colour)


def triple(colour: NDArray[np.uint8]) -> Rgb:
    """An array of three as plain numbers."""
    return int(colour[0]), int(colour[1]), int(colour[2])


def oklab(colours: Rgbs) -> Lab:
    """OKLab of sRGB colours (..., 3) uint8."""
    return _oklab(np.asarray(colours, np.float64) / 255)


def rgb(lab: Lab) -> Rgbs:
    """sRGB of OKLab colours (..., 3); those outside sRGB lose chroma until they are inside, and keep lightness and hue."""
    lab = np.asarray(lab, np.float64)
    low, high = np.zeros(lab.shape[:-1]), np.ones(lab.shape[:-1])
    whole = _inside(lab)
    for _ in range(20):
        middle = (low + high) / 2
        fits = _inside(_faded(lab, middle))
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    linear = _linear(_faded(lab, np.where(whole, 1.0, low))).clip(0, 1)
    return (_encoded(linear) * 255 + 0.5).astype(np.uint8)


def turned(lab: Lab, degrees: float) -> Lab:
    """OKLab colours with their hues turned; lightness and chroma stay."""
    angle = np.deg2rad(degrees)
    a, b = lab[..., 1], lab[..., 2]
    return np.stack([lab[..., 0], a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], -1)


def _faded(lab: Lab, share: NDArray[np.float64]) -> Lab:
    return np.concatenate([lab[..., :1], lab[..., 1:] * share[..., None]], -1)


def _oklab(srgb: NDArray[np.float64]) -> Lab:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.einsum("ij,...j->...i", TURN, np.cbrt(np.einsum("ij,...j->...i", MIX, linear))))


def _linear(lab: Lab) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,...j->...i", UNMIX, np.einsum("ij,...j->...i", UNTURN, lab) ** 3))


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def _inside(lab: Lab) -> NDArray[np.bool_]:
    linear = _linear(lab)
    return np.asarray(((linear > -1e-6) & (linear < 1 + 1e-6)).all(-1))
