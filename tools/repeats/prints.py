"""Picture files that know their size on cloth: dots per inch, the sRGB profile, and the mark of a trained model's work.

PNG and CMYK are written by Pillow, TIFF by tifffile in strips (see `sheet`). What was written is opened again and looked at. No times: same pixels, same bytes.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin, TiffTags

from cutwork.errors import CutworkError
from cutwork.tools.repeats.colours import Rgbs

Pixels = NDArray[np.uint8]
CREATED = slice(24, 36)  # bytes of a profile that say when it was made
XMP_KEY, XMP_TAG = "XML:com.adobe.xmp", 700
PRESSES = (  # where systems keep profiles of printing presses
    "/usr/share/color/icc/colord/FOGRA39L_coated.icc", "/usr/share/color/icc/colord/SWOP2006_Coated3v2.icc", "/usr/share/color/icc/ghostscript/default_cmyk.icc",
    "/usr/share/color/icc/ISOcoated_v2_300_eci.icc", "/System/Library/ColorSync/Profiles/Generic CMYK Profile.icc",
    "C:/Windows/System32/spool/drivers/color/RSWOP.icm",
)  # fmt: skip


@cache
def srgb() -> bytes:
    """The sRGB profile, always the same bytes."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[CREATED] = bytes((7, 207, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # the first day of 1999, the standard's year
    return bytes(made)


def png(pixels: Pixels, dpi: int, inks: Rgbs | None = None, texts: Mapping[str, str] | None = None, xmp: str = "", profile: bool = True) -> bytes:
    """PNG of pixels (H, W, 3), of grey ones (H, W), or of labels (H, W) with their inks (n, 3), which stays indexed.

    Raises:
        CutworkError: if the file does not say its resolution and profile when it is opened again.
    """
    image = Image.fromarray(pixels)
    if inks is not None:
        image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes())
        image.putpalette(inks.tobytes())
    info = PngImagePlugin.PngInfo()
    for key, text in (texts or {}).items():
        info.add_text(key, text)
    if xmp:
        info.add_itxt(XMP_KEY, xmp)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info, dpi=(dpi, dpi), icc_profile=srgb() if profile else None, compress_level=6)
    return verified(out.getvalue(), dpi, srgb() if profile else None)


def verified(data: bytes, dpi: int, profile: bytes | None) -> bytes:
    """The same bytes, once their resolution and profile are seen to be there.

    Raises:
        CutworkError: if they are not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a tile may be large, and it is ours
        image = Image.open(io.BytesIO(data))
    with image:
        dots, kept = image.info.get("dpi", (0, 0)), image.info.get("icc_profile")
    if any(abs(float(d) - dpi) > 0.5 for d in dots):
        raise CutworkError(f"a file was saved at {dpi} dpi and says {tuple(map(float, dots))}")
    if kept != profile:
        raise CutworkError("a file was saved with a colour profile and has none, or another")
    return data


def cmyk(pixels: Pixels, dpi: int, presses: tuple[str, ...] = PRESSES, xmp: str = "") -> tuple[bytes, str]:
    """A CMYK TIFF of pixels (H, W, 3), and how it came about in words.

    Through the first press profile that this machine has; without one by Pillow's plain complement, which knows no ink or cloth.
    """
    image = Image.fromarray(pixels)
    for path in filter(Path.is_file, map(Path, presses)):
        press = path.read_bytes()
        source = ImageCms.ImageCmsProfile(io.BytesIO(srgb()))
        target = ImageCms.ImageCmsProfile(io.BytesIO(press))
        made = ImageCms.profileToProfile(image, source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="CMYK", flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)
        if made is not None:
            return tiff(made, dpi, press, xmp), f"converted by the profile {path.name} ({hashlib.sha256(press).hexdigest()[:12]}), relative colorimetric"
    return tiff(image.convert("CMYK"), dpi, None, xmp), "no press profile on this machine: plain complement without black, for a proof; let the printer convert tile"


def tiff(image: Image.Image, dpi: int, profile: bytes | None = None, xmp: str = "") -> bytes:
    """TIFF of a picture of any mode, compressed without loss; its resolution and profile are verified."""
    out, more = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    if xmp:
        more.tagtype[XMP_TAG] = TiffTags.BYTE
        more[XMP_TAG] = xmp.encode()
    image.save(out, "TIFF", compression="tiff_adobe_deflate", dpi=(dpi, dpi), icc_profile=profile, tiffinfo=more)
    return verified(out.getvalue(), dpi, profile)
