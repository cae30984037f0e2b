"""Palettes as other software reads them: JSON, GIMP's .gpl and Adobe's swatch exchange .ase. Bytes depend on content alone."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from cutwork.domain import Json
from cutwork.tools.repeats import colours
from cutwork.tools.repeats.colours import Rgbs

SPOT = 1  # .ase: neither global nor process colour


def as_json(title: str, names: Sequence[str], inks: Rgbs, more: Sequence[Json] = ()) -> bytes:
    """Name, hex code, sRGB and OKLab of every ink, with what else is known of each."""
    lab = colours.oklab(inks).round(4).tolist()
    rows = [
        {"name": name, "hex": f"#{colours.hexed(colours.triple(ink))}", "rgb": ink.tolist(), "oklab": place, **(more[k] if more else {})}
        for k, (name, ink, place) in enumerate(zip(names, inks, lab, strict=True))
    ]
    return (json.dumps({"title": title, "colours": rows}, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def as_gpl(title: str, names: Sequence[str], inks: Rgbs) -> bytes:
    """GIMP, Krita and Inkscape."""
    lines = [f"{r:3d} {g:3d} {b:3d}\t{name}" for (r, g, b), name in zip(inks.tolist(), names, strict=True)]
    return "\n".join(["GIMP Palette", f"Name: {' '.join(title.split())}", f"Columns: {len(lines)}", "#", *lines, ""]).encode()


def as_ase(names: Sequence[str], inks: Rgbs) -> bytes:
    """Photoshop and Illustrator."""
    blocks = []
    for name, ink in zip(names, inks.tolist(), strict=True):
        letters = (name + "\0").encode("utf-16-be")
        body = struct.pack(">H", len(letters) // 2) + letters + b"RGB " + struct.pack(">3f", *(c / 255 for c in ink)) + struct.pack(">H", SPOT)
        blocks.append(struct.pack(">HI", 1, len(body)) + body)
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)
