"""The clean plate: a picture's background as it would be without its subjects.

Three things make up what is painted behind a subject: the slow change of light over the whole background, a grain or pattern copied from where
the background repeats itself, and a membrane that pulls the copy to the colours around the hole, so that no edge shows.

Source of copying by offset: He and Sun, "Statistics of Patch Offsets for Image Completion" (ECCV 2012): backgrounds match themselves at few offsets.
Here those offsets are the best of all, found at once by correlation, and nothing is optimised after that.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cutwork.tools.masks.types import Mask, Picture

HALO = 0.012  # of the long side: how far a subject's blur and light reach beyond its cut
REACH = 0.05  # of the long side: how far from a cut its shadow and left-over parts are looked for
PLAIN = 10.0  # grey levels by which most of a background may differ from a slow change of light and still be plain
FAINT = 4.0  # grey levels of difference that nobody sees
GRAIN = 3.0  # grey levels of detail, in the busier third of the background, below which nothing need be copied
OFFSETS = 200  # places to copy from that are tried
RIM = 6  # pixels around the hole that are copied too, to see what the copy lacks
MATCHED = 512  # pixels of the long side at which offsets are looked for
SOLVED = 32  # sweeps of the membrane on each level

Colours = NDArray[np.float32]  # (H, W, 3), grey levels


def plate(image: Picture, covered: Mask) -> Picture:
    """The background without what covers it; pixels outside `hole(image, covered)` are the image's own.

    Args:
        image: (H, W, 3) uint8.
        covered: (H, W) bool, where subjects are.

    Returns:
        (H, W, 3) uint8. Where subjects leave nothing of the background to see, it is one colour: the mean of the canvas border.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if image.shape != (*covered.shape, 3):
        raise ValueError(f"image {image.shape} and mask {covered.shape} are not of one canvas")
    if not covered.any():
        return image.copy()
    if covered.all():
        return np.full_like(image, _border_colour(image))
    missing = hole(image, covered)
    values = image.astype(np.float32)
    filled = np.clip(_painted(values, missing) + 0.5, 0, 255).astype(np.uint8)
    return np.where(missing[..., None], filled, image)


def hole(image: Picture, covered: Mask) -> Mask:
    """What is painted anew, (H, W): the subjects, the halo around them, and what joins them and is unlike a plain background, such as their shadow.

    Where that would leave nothing of the background, it is the subjects alone.
    """
    halo = _wider(covered, HALO)
    if halo.all() or not covered.any():
        return covered
    near, far = _wider(covered, REACH), _wider(covered, 2 * REACH)
    if near.all():
        return halo
    values = image.astype(np.float32)
    strange = np.abs(cv2.GaussianBlur(values, (0, 0), 1) - _trend(values, ~near)).max(-1)  # (H, W)
    usual = np.quantile(strange[~near], 0.85)
    if usual > PLAIN:
        return halo
    left_over = (strange > max(FAINT, 1.5 * usual)) & far | halo
    numbers = cv2.connectedComponents(left_over.astype(np.uint8), connectivity=8)[1]
    grown = np.isin(numbers, np.unique(numbers[covered]))
    return halo if grown.all() else np.asarray(grown)


def membrane(values: Colours, known: Mask) -> Colours:
    """Fill what is not known as a soap film would, stretched over what is: (H, W, C) -> (H, W, C). At least one pixel is known.

    From coarse to fine: each level starts from the one below it, so that few sweeps do.
    """
    height, width = known.shape
    if known.all() or min(height, width) < 2:
        return values.copy() if known.all() else np.where(known[..., None], values, values[known].mean(0))
    half = ((width + 1) // 2, (height + 1) // 2)
    weight = cv2.resize(_even(known.astype(np.float32)), half, interpolation=cv2.INTER_AREA)
    mass = cv2.resize(_even(values * known[..., None]), half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
    coarse = membrane((mass / np.maximum(weight, 1e-6)[..., None]).astype(np.float32), weight > 0)
    start = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(values.shape)
    return _relaxed(np.where(known[..., None], values, start).astype(np.float32), known)


def _relaxed(values: Colours, known: Mask) -> Colours:
    """Each unknown pixel becomes the mean of its four neighbours, again and again."""
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    ys, xs = np.flatnonzero(~known.all(1)), np.flatnonzero(~known.all(0))
    window = np.s_[max(0, ys[0] - 1) : ys[-1] + 2, max(0, xs[0] - 1) : xs[-1] + 2]
    part, free = np.ascontiguousarray(values[window]), ~known[window][..., None]
    for _ in range(SOLVED):
        mean = cv2.filter2D(part, -1, cross, borderType=cv2.BORDER_REPLICATE).reshape(part.shape)
        part = np.where(free, mean, part)
    values = values.copy()
    values[window] = part
    return values


def _trend(values: Colours, known: Mask) -> Colours:
    """The slow change of light: the quadratic surface nearest to what is known, (H, W, 3), outliers left out."""
    height, width = known.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)  # (H, W, 6)
    step = max(1, max(height, width) // 96)
    rows, wanted = surface[::step, ::step][known[::step, ::step]], values[::step, ::step][known[::step, ::step]]
    if len(rows) < 64:
        return np.broadcast_to(values[known].mean(0), values.shape).astype(np.float32)
    for _ in range(3):
        found = np.linalg.lstsq(rows, wanted, rcond=None)[0]  # (6, 3)
        error = np.abs(wanted - rows @ found).max(-1)
        near = error <= 2.5 * max(1.0, float(np.median(error)))
        if near.sum() < 64:
            break
        rows, wanted = rows[near], wanted[near]
    return np.asarray(surface @ found, np.float32)


def _painted(values: Colours, missing: Mask) -> Colours:
    """The background continued into the hole, (H, W, 3)."""
    trend = _trend(values, ~missing)
    detail = values - trend
    smooth = trend + membrane(detail, ~missing)
    grain = np.abs(detail - cv2.GaussianBlur(detail, (0, 0), max(3.0, max(missing.shape) / 64))).mean(-1)
    if np.quantile(grain[~missing], 0.7) < GRAIN:
        return smooth
    copied, sure = _copied(detail, values, missing)
    gap = _gap(detail - copied, sure & ~missing, ~sure & ~missing)
    return np.where(sure[..., None], trend + copied + gap, smooth).astype(np.float32)


def _copied(detail: Colours, values: Colours, missing: Mask) -> tuple[Colours, Mask]:
    """Every hole and its rim, copied from the first offsets that lead to known pixels, and where there was one."""
    copied, sure, offsets = np.zeros_like(detail), np.zeros_like(missing), _offsets(values, ~missing)
    count, numbers = cv2.connectedComponents(missing.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        wanted = _wider(numbers == number, RIM / max(missing.shape))
        for offset in _joining(values, offsets, wanted & ~missing, missing):
            new = _copy(copied, detail, offset, wanted & ~sure, ~missing)
            sure |= new
            if sure[wanted].all():
                break
    return copied, sure


def _copy(copied: Colours, detail: Colours, offset: tuple[int, int], wanted: Mask, known: Mask) -> Mask:
    """Copy into `copied` what is wanted and known at an offset; where that was, (H, W)."""
    (height, width), (down, right) = known.shape, offset
    y0, y1, x0, x1 = max(0, -down), min(height, height - down), max(0, -right), min(width, width - right)
    here, there = np.s_[y0:y1, x0:x1], np.s_[y0 + down : y1 + down, x0 + right : x1 + right]
    new = np.zeros_like(known)
    new[here] = wanted[here] & known[there]
    copied[new] = detail[there][new[here]]
    return new


def _gap(difference: Colours, rim: Mask, outside: Mask) -> Colours:
    """What a copy lacks to join the picture around it: its difference on the rim, grain smoothed away, stretched over the hole; (H, W, 3)."""
    weight = cv2.GaussianBlur(rim.astype(np.float32), (0, 0), RIM / 2)
    mean = cv2.GaussianBlur(difference * rim[..., None], (0, 0), RIM / 2) / np.maximum(weight, 1e-6)[..., None]
    return membrane(np.where(outside[..., None], 0, mean).astype(np.float32), rim | outside)


def _offsets(values: Colours, known: Mask) -> list[tuple[int, int]]:
    """Offsets (down, right) in pixels, those first at which the known part matches itself best.

    Of every two pixels at an offset that are both known, the squared difference is summed for all offsets at once, by Fourier transform.
    """
    shrink = max(1, round(max(known.shape) / MATCHED))
    field, weight = values[::shrink, ::shrink].mean(-1), known[::shrink, ::shrink].astype(np.float64)
    height, width = weight.shape
    size = (2 * height, 2 * width)
    ones, value, square = (np.fft.rfft2(part, size) for part in (weight, weight * field, weight * field**2))
    pairs, cross, power = (np.fft.irfft2(part, size) for part in (ones.conj() * ones, value.conj() * value, ones.conj() * square))
    turned = np.roll(power[::-1, ::-1], (1, 1), (0, 1))
    error = (power + turned - 2 * cross) / np.maximum(pairs, 1)  # (2h, 2w)
    y, x = np.fft.fftfreq(size[0], 1 / size[0]).astype(int), np.fft.fftfreq(size[1], 1 / size[1]).astype(int)
    far = np.hypot(y[:, None], x[None]) > 0.06 * max(height, width)
    error[(pairs < 0.05 * known[::shrink, ::shrink].sum()) | ~far] = np.inf
    lowest = cv2.erode(error.astype(np.float32), np.ones((9, 9), np.uint8))  # borders wrap too little to matter
    error[error > lowest + 1e-3] = np.inf
    best = np.argsort(error, axis=None, kind="stable")[:OFFSETS]
    rows, columns = np.unravel_index(best[np.isfinite(error.ravel()[best])], error.shape)
    return [(int(y[row]) * shrink, int(x[column]) * shrink) for row, column in zip(rows, columns, strict=True)]


def _joining(values: Colours, offsets: list[tuple[int, int]], rim: Mask, missing: Mask) -> list[tuple[int, int]]:
    """Offsets, those first whose copy would join the picture best on a hole's rim, (H, W)."""
    height, width = missing.shape
    y, x = np.nonzero(rim)
    strain = []
    for down, right in offsets:
        v, u = y + down, x + right
        inside = (v >= 0) & (v < height) & (u >= 0) & (u < width)
        inside[inside] = ~missing[v[inside], u[inside]]
        difference = values[y[inside], x[inside]] - values[v[inside], u[inside]]
        strain.append(float(np.square(difference).mean()) / inside.mean() ** 2 if inside.mean() > 0.1 else np.inf)  # what is not seen counts as worse
    return [offsets[k] for k in np.argsort(strain, kind="stable")]


def _wider(mask: Mask, share: float) -> Mask:
    """The mask grown by a share of the long side, at least a pixel."""
    radius = max(1, round(share * max(mask.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def _even(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """With even sides: an odd last row or column is repeated, so that halving keeps pixels where they are."""
    return np.pad(values, [(0, values.shape[0] % 2), (0, values.shape[1] % 2)] + [(0, 0)] * (values.ndim - 2), mode="edge")


def _border_colour(image: Picture) -> NDArray[np.uint8]:
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return np.asarray(edge.mean(0) + 0.5, np.uint8)
