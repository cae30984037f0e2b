"""One process at a time works on a run: a lock of the operating system, gone with the process that held it, however it died."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cutwork.errors import BadInput, StorageFailed

LOOKS, LOOK_S = 2, 0.02  # how often and when it is tried again to hold what is held: somebody may only be looking


@contextmanager
def lease(folder: Path, id: str) -> Iterator[None]:
    """Hold the run of that id, or be refused at once.

    Raises:
        BadInput: if somebody else holds it. StorageFailed: if the folder cannot be written.
    """
    path = folder / f"{id}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _hold(path)
    except OSError as error:
        raise StorageFailed(f"cannot lock run {id} in {folder}: {error.strerror or error}", "check that the folder is writable and has room") from error
    if handle is None:
        raise BadInput(f"run {id} is being worked on by another process", "wait until it is done, or stop that process")
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file; it is small
            path.unlink()
        os.close(handle)


def is_held(folder: Path, id: str) -> bool:
    """Whether somebody holds the run of that id just now. Writes nothing, and holds it for no longer than the look."""
    try:
        handle = os.open(folder / f"{id}.lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _locked(handle)
    finally:
        os.close(handle)


def _hold(path: Path) -> int | None:
    """An open, locked file of that name; None if it is locked already, for longer than `is_held` looks."""
    looks = 0
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _locked(handle):
            os.close(handle)
            if looks == LOOKS:
                return None
            looks += 1
            time.sleep(LOOK_S)
            continue
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)  # its last holder removed the name in between


def _locked(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
