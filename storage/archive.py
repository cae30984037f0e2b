"""A run as one zip, to give to somebody or keep: JSON and blobs, never a checkpoint or anything that runs.

    manifest.json   {"format": "cutwork-run", "version": 1}
    design.json     the Design
    calls.json      its questions to the language model
    events.json     what happened: [{"kind", "data"}]
    blobs/<sha256>  every file the design names

The same run gives the same bytes. An archive from elsewhere is not trusted: all of it is checked before anything is
written, and no name in it is ever used as a path.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal
from uuid import uuid4
from zlib import error as ZlibError

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from cutwork.domain import Design, LlmCall, Name
from cutwork.errors import BadInput, StorageFailed
from cutwork.ports import Blobs, Designs
from cutwork.storage.designs import SqlDesigns
from cutwork.storage.rows import hashes

MAX_TOTAL = 2 * 1024**3  # bytes, unpacked
MAX_JSON = 64 * 1024**2
MAX_BLOB = 512 * 1024**2
MAX_RATIO = 100  # unpacked to packed, of an archive of more than MAX_JSON unpacked; pictures are packed already
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same run is the same bytes whenever it is exported


class Manifest(BaseModel):
    """What kind of archive this is."""

    model_config = ConfigDict(frozen=True)
    format: Literal["cutwork-run"] = "cutwork-run"
    version: Literal[1] = 1


class Happened(BaseModel):
    """An event without its number, which follows from its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Name
    data: dict[str, JsonValue]


JSON: dict[str, TypeAdapter[Any]] = {
    "manifest.json": TypeAdapter(Manifest),
    "design.json": TypeAdapter(Design),
    "calls.json": TypeAdapter(list[LlmCall]),
    "events.json": TypeAdapter(list[Happened]),
}


def export_run(id: str, designs: Designs, blobs: Blobs, path: Path) -> None:
    """Write the run as a zip, whole or not at all.

    Raises:
        BadInput: if there is no such run. StorageFailed: if a blob it names is missing or damaged, or the file cannot be written.
    """
    design = designs.get(id)
    parts = {
        "manifest.json": Manifest(),
        "design.json": design,
        "calls.json": list(designs.calls(id)),
        "events.json": [Happened(kind=kind, data=data) for _, kind, data in designs.events(id)],
    }

    def fill(archive: zipfile.ZipFile) -> None:
        for name, part in parts.items():
            _add(archive, name, to_json(part), zipfile.ZIP_DEFLATED)
        for sha256 in sorted(hashes(design)):
            _add(archive, f"blobs/{sha256}", blobs.get(sha256), zipfile.ZIP_STORED)

    _write_zip(path, fill)


def import_run(path: Path, designs: SqlDesigns, blobs: Blobs) -> Design:
    """Read a run that `export_run` wrote. Importing one that is here already changes nothing.

    Raises:
        BadInput: if the file is not such an archive, is damaged or too large, or another run has its id; nothing was written.
        StorageFailed: if it could not be written.
    """
    with _bad_archive(path), zipfile.ZipFile(path) as archive:
        _check_size(archive)
        value = {name: _parse(archive, name) for name in JSON}
        design: Design = value["design.json"]
        wanted = hashes(design)
        _check_names(archive, wanted)
        for sha256 in sorted(wanted):
            _check_blob(archive, sha256)
        designs.holds(design)  # another run of its id is refused before a blob is written; `restore` asks again in its transaction
        for sha256 in sorted(wanted):
            blobs.put(_read(archive, f"blobs/{sha256}", MAX_BLOB))
    designs.restore(design, value["calls.json"], [(event.kind, event.data) for event in value["events.json"]])
    return design


def _add(archive: zipfile.ZipFile, name: str, data: bytes, packing: int) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type, entry.external_attr = packing, 0o644 << 16
    archive.writestr(entry, data)


def _write_zip(path: Path, fill: Callable[[zipfile.ZipFile], None]) -> None:
    unfinished = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with zipfile.ZipFile(unfinished, "x") as archive:
            fill(archive)
        os.replace(unfinished, path)
    except OSError as error:
        raise StorageFailed(f"cannot write {path}: {error.strerror or error}", "check that its folder exists, is writable and has room") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _check_size(archive: zipfile.ZipFile) -> None:
    """Refuse what would unpack to too much, before unpacking any of it."""
    entries = archive.infolist()
    total, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if total > MAX_TOTAL:
        raise BadInput(f"it unpacks to {total:,} bytes, at most {MAX_TOTAL:,} are read")
    if total > MAX_JSON and total > packed * MAX_RATIO:
        raise BadInput(f"it unpacks to {total:,} bytes from {packed:,}: no run packs that well")
    for entry in entries:
        if entry.flag_bits & 1:
            raise BadInput(f"{entry.filename!r} in it is encrypted")


def _check_names(archive: zipfile.ZipFile, wanted: set[str]) -> None:
    """Exactly the parts an export has, each once: nothing missing, nothing smuggled in."""
    names = archive.namelist()
    expected = {*JSON, *(f"blobs/{sha256}" for sha256 in wanted)}
    if missing := sorted(expected - set(names)):
        raise BadInput(f"{missing[0]!r} is missing from it" + (f", and {len(missing) - 1} more" if missing[1:] else ""))
    if strange := sorted(set(names) - expected):
        raise BadInput(f"it holds {strange[0]!r}, which its design does not name")
    if len(names) != len(set(names)):
        raise BadInput("it holds one name twice")


def _check_blob(archive: zipfile.ZipFile, sha256: str) -> None:
    digest = hashlib.sha256()
    with _open(archive, f"blobs/{sha256}", MAX_BLOB) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        raise BadInput(f"its blob {sha256[:12]}… is damaged: the content does not match the name")


def _parse(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return JSON[name].validate_json(_read(archive, name, MAX_JSON))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{name!r} in it is wrong" + (f" at {where}" if where else "") + f": {first['msg']}") from error


def _open(archive: zipfile.ZipFile, name: str, most: int) -> BinaryIO:
    """A part to read from; zipfile gives no more bytes than the declared size, which is bounded here."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise BadInput(f"{name!r} is missing from it") from None
    if entry.file_size > most:
        raise BadInput(f"{name!r} in it has {entry.file_size:,} bytes, at most {most:,} are read")
    return archive.open(entry)  # type: ignore[return-value]


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with _open(archive, name, most) as file:
        return file.read()


@contextmanager
def _bad_archive(path: Path) -> Iterator[None]:
    """Whatever is wrong with a file from elsewhere is bad input, and says which file."""
    try:
        yield
    except StorageFailed:
        raise
    except BadInput as error:
        raise BadInput(f"{path} cannot be imported: {error}", error.hint) from error
    except (zipfile.BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise BadInput(f"{path} cannot be imported: it is not a whole zip file ({error})", "wanted a file that `cutwork export` wrote") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
