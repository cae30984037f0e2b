"""Files named by the SHA-256 of their content, in folders by its first two digits.

A blob is there whole or not at all: it is written beside its place and renamed. What is read is checked against its name.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cutwork.errors import StorageFailed

UNFINISHED = ".tmp-"  # how names of files being written begin
ELSEWHERE = "CUTWORK_HOME chooses another"
GRACE_S = 24 * 3600.0  # a run puts its blobs before it names them


class FileBlobs:
    """The `Blobs` protocol over a folder. Any number of threads and processes may use one folder at once."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def put(self, data: bytes) -> str:
        """Keep these bytes; their name.

        Raises:
            StorageFailed: if they could not be written; nothing is left behind.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        with _plain_errors(f"cannot write the blob {sha256[:12]}… to {self.root}"):
            if not _touched(path, sha256):
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of that name.

        Raises:
            StorageFailed: if they are not there or are not what the name says.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise StorageFailed(f"there is no blob {sha256} in {self.root}") from error
        except OSError as error:
            raise StorageFailed(f"the blob {path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StorageFailed(f"the blob {path} is damaged: its content does not match its name", "restore it from a backup, or draw the run again")
        return data

    def path(self, sha256: str) -> Path:
        """Where the blob of that name is or would be.

        Raises:
            StorageFailed: if it is not a name of a blob.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise StorageFailed(f"{sha256!r} is not the name of a blob, wanted 64 hexadecimal digits")
        return self.root / sha256[:2] / sha256

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256) is not None and self.path(sha256).is_file()

    def __iter__(self) -> Iterator[str]:
        """The names of all blobs."""
        return (path.name for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")) if not path.name.startswith(UNFINISHED))

    def gc(self, keep: Collection[str], grace_s: float = GRACE_S) -> list[str]:
        """Delete blobs that are not to be kept and leftovers of killed processes; their names. Spares what was put in the last `grace_s` seconds."""
        before, gone = time.time() - grace_s, []
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            with _plain_errors(f"cannot delete {path}"), suppress(FileNotFoundError):
                if path.name not in keep and path.stat().st_mtime <= before:
                    path.unlink()
                    gone.append(path.name)
        return gone


def _touched(path: Path, sha256: str) -> bool:
    """Whether the blob is there and sound; if so it counts as put just now, so that `gc` spares it."""
    try:
        with path.open("rb") as file:
            sound = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        if sound:
            os.utime(path)
    except FileNotFoundError:
        return False
    return sound


def _write(path: Path, data: bytes) -> None:
    """Write beside the place, then rename: another reader sees all or nothing, also after a power cut."""
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _plain_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"{doing}: {error.strerror or error}", f"check that the disk has room and the folder is writable; {ELSEWHERE}") from error
