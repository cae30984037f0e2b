"""Pictures far larger than memory likes, written strip by strip from the tile that they repeat: TIFF by tifffile, PNG here.

A sheet goes on forever downwards as its tile does, so every strip of one tile's height is compressed once and written as often as it comes.
Pillow can write neither in parts; PNG has no library that streams and keeps a resolution, and needs only frames around zlib.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import tifffile
from numpy.typing import NDArray

from cutwork import __version__
from cutwork.tools.repeats import prints
from cutwork.tools.repeats.colours import Rgbs

Pixels = NDArray[np.uint8]
Strip = tuple[bytes, int, int]  # compressed, its length and Adler-32 before

STRIP = 1 << 21  # bytes of pixels a strip holds, about
LEVEL = 6
MODULUS = 65521  # of Adler-32


def write_tiff(target: Path | IO[bytes], tile: Pixels, size: tuple[int, int], dpi: int, xmp: str = "") -> None:
    """An RGB TIFF of a tile (H, W, 3) repeated over (width, height) pixels, with resolution and sRGB profile; Deflate with predictor."""
    rows = _rows_a_strip(tile, size, 3)
    width, height = size
    with tifffile.TiffWriter(target, bigtiff=width * height * 3 > 3_000_000_000) as file:
        file.write(
            (strip[0] for strip in _strips(tile, size, rows, _differences)),
            shape=(height, width, 3), dtype=np.uint8, photometric="rgb", rowsperstrip=rows, compression="adobe_deflate", predictor=2,
            resolution=(dpi, dpi), resolutionunit="inch", iccprofile=prints.srgb(), software=f"Cutwork {__version__}", metadata=None, maxworkers=1,
            extratags=[(prints.XMP_TAG, 1, len(packet), packet, True)] if (packet := xmp.encode()) else (),
        )  # fmt: skip


def write_png(target: IO[bytes], tile: Pixels, size: tuple[int, int], dpi: int, inks: Rgbs | None = None, xmp: str = "") -> None:
    """A PNG of a tile repeated over (width, height) pixels, with resolution and sRGB profile.

    Args:
        target: an open file.
        tile: pixels (H, W, 3), or labels (H, W) with their `inks` (n, 3).
    """
    depth = 3 if inks is None else 1
    metre = round(dpi / 0.0254)
    target.write(b"\x89PNG\r\n\x1a\n")
    _chunk(target, b"IHDR", struct.pack(">2I5B", *size, 8, 2 if inks is None else 3, 0, 0, 0))
    _chunk(target, b"iCCP", b"sRGB\0\0" + zlib.compress(prints.srgb(), LEVEL))
    if inks is not None:
        _chunk(target, b"PLTE", inks.tobytes())
    _chunk(target, b"pHYs", struct.pack(">2IB", metre, metre, 1))
    if xmp:
        _chunk(target, b"iTXt", prints.XMP_KEY.encode() + b"\0\0\0\0\0" + xmp.encode())
    check, header = 1, b"\x78\x9c"
    for data, length, adler in _strips(tile, size, _rows_a_strip(tile, size, depth), _filtered if inks is None else _unfiltered):
        _chunk(target, b"IDAT", header + data)
        check, header = _combined(check, adler, length), b""
    _chunk(target, b"IDAT", b"\x03\x00" + struct.pack(">I", check))  # an empty last block
    _chunk(target, b"IEND", b"")


def _rows_a_strip(tile: Pixels, size: tuple[int, int], depth: int) -> int:
    """The most rows that divide the tile's height and make no strip too large: then strips come again with the tile."""
    most = max(1, STRIP // (size[0] * depth))
    return max(d for d in range(1, min(most, len(tile)) + 1) if len(tile) % d == 0)


def _strips(tile: Pixels, size: tuple[int, int], rows: int, prepared: Callable[[Pixels], bytes]) -> Iterator[Strip]:
    """Compressed strips of the sheet from top to bottom; those of one tile's height are kept."""
    width, height = size
    across = np.arange(width) % tile.shape[1]
    kept: dict[tuple[int, int], Strip] = {}
    for y in range(0, height, rows):
        part = (y % len(tile), min(rows, height - y))
        if part not in kept:
            raw = prepared(tile[part[0] : part[0] + part[1]][:, across])
            kept[part] = (_whole(raw) if prepared is _differences else _part(raw), len(raw), zlib.adler32(raw))
        yield kept[part]


def _whole(raw: bytes) -> bytes:
    """A zlib stream of its own, as each strip of a TIFF is."""
    return zlib.compress(raw, LEVEL)


def _part(raw: bytes) -> bytes:
    """Deflate blocks that end at a byte and refer to nothing before them, to stand anywhere in a stream."""
    work = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return work.compress(raw) + work.flush(zlib.Z_FULL_FLUSH)


def _differences(rows: Pixels) -> bytes:
    """TIFF's horizontal predictor."""
    out = rows.copy()
    out[:, 1:] -= rows[:, :-1]
    return out.tobytes()


def _filtered(rows: Pixels) -> bytes:
    """PNG's filter "Sub": each row knows only itself."""
    out = np.empty((len(rows), 1 + rows.shape[1] * 3), np.uint8)
    out[:, 0] = 1
    out[:, 1:] = np.frombuffer(_differences(rows), np.uint8).reshape(len(rows), -1)
    return out.tobytes()


def _unfiltered(rows: Pixels) -> bytes:
    """PNG's filter "None", which suits labels."""
    return np.pad(rows, ((0, 0), (1, 0))).tobytes()


def _combined(first: int, second: int, length: int) -> int:
    """Adler-32 of two parts from that of each, and the length of the second."""
    a1, b1, a2, b2 = first & 0xFFFF, first >> 16, second & 0xFFFF, second >> 16
    return (b1 + b2 + length * (a1 - 1)) % MODULUS << 16 | (a1 + a2 - 1) % MODULUS


def _chunk(target: IO[bytes], kind: bytes, data: bytes) -> None:
    target.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
