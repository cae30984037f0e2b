"""What every output format answers, and how files leave the blobs for a folder.

A format is a module of this folder with a function `write(design, blobs) -> artifacts`; its file name is the kind that a brief asks for.
The bytes are in the blobs, the artifacts name them. Files hold nothing that differs between two identical runs: no run ids, no times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from cutwork.domain import Artifact, Cutout, Design, FinishSettings, Round
from cutwork.errors import BadInput, StorageFailed
from cutwork.ports import Blobs

PIXELS = ("image/png", "image/webp", "image/tiff")  # media types that are pictures of pixels


class Format(Protocol):
    """A module of this folder that finishes designs of one kind."""

    def write(self, design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
        """Make the files of a finished design.

        Raises:
            BadInput: if the design has no delivered round.
        """
        ...


class Choosy(Format, Protocol):
    """A format with settings that could be impossible."""

    def check(self, finish: FinishSettings, subjects: int = 1) -> None:
        """Refuse what cannot be made of so many subjects, however they are drawn.

        Raises:
            BadInput: naming the setting.
        """
        ...


def delivered(design: Design) -> Round:
    """The round a design delivers; BadInput if it has none."""
    if design.delivered is None:
        raise BadInput(f"design {design.id!r} has status {design.status!r} and no delivered round; there is nothing to finish")
    return design.delivered


def artifact(kind: str, name: str, data: bytes, blobs: Blobs, media_type: str, size: tuple[int, int] | None = None) -> Artifact:
    """Keep a file's bytes and name them; size is (width, height) in pixels."""
    width, height = size or (None, None)
    return Artifact(kind=kind, sha256=blobs.put(data), media_type=media_type, name=name, width=width, height=height)


def telling(artifacts: Sequence[Artifact], kinds: Sequence[str]) -> Artifact | None:
    """The picture of pixels that shows a design: of the first of these kinds that there is; of several stickers the last, which is of all subjects."""
    pictures = [one for one in artifacts if one.media_type in PIXELS]
    found = next((some for kind in kinds if (some := [one for one in pictures if one.kind == kind])), [])
    return found[-1 if found[0].kind == "sticker" else 0] if found else None


def file_stem(region: int, subject: str) -> str:
    """File name of a region without its ending, "01-grumpy-cat": safe on every file system, in the order of regions."""
    return f"{region + 1:02d}-{re.sub(r'[^a-z0-9]+', '-', subject.lower()).strip('-')[:48] or 'subject'}"


def layer_name(kind: str, cutout: Cutout) -> str:
    """Where a cut-out's file of a kind ("cutout", "mask") stands in a design's folder: "cutouts/01-grumpy-cat.png"."""
    return f"{kind}s/{file_stem(cutout.region, cutout.subject)}.png"


def canonical(data: Any) -> bytes:
    """JSON bytes that depend on content alone: sorted keys, two spaces, UTF-8, newline at the end."""
    return (json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def export(artifacts: Sequence[Artifact], blobs: Blobs, folder: Path) -> tuple[Path, ...]:
    """Write artifacts below a folder, which is made if need be; each file appears whole or not at all.

    Raises:
        BadInput: if a name leads out of the folder. StorageFailed: if a file cannot be written.
    """
    return tuple(_place(one.name, blobs.get(one.sha256), folder) for one in artifacts)


def _place(name: str, data: bytes, folder: Path) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"artifact name {name!r} leads out of {folder}")
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as fault:
        raise StorageFailed(f"cannot write {path}: {fault.strerror or fault}", hint="free some space or choose another --out folder") from fault
    return path
