"""Small real things for tests and trials: they honour the ports and need no patching."""

from __future__ import annotations

import hashlib

from cutwork.errors import StorageFailed


class MemoryBlobs:
    """`Blobs` in a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self._kept[sha256] = data
        return sha256

    def get(self, sha256: str) -> bytes:
        """Raises StorageFailed if there is no such blob."""
        if sha256 not in self._kept:
            raise StorageFailed(f"there is no blob {sha256}")
        return self._kept[sha256]

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._kept

    def __len__(self) -> int:
        return len(self._kept)
