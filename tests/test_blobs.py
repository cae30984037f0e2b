"""Files by content hash: there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutwork.errors import StorageFailed
from cutwork.storage.blobs import FileBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "home" / "blobs")


def files(blobs: FileBlobs) -> list[Path]:
    return [path for path in blobs.root.rglob("*") if path.is_file()]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2_000))
def test_bytes_come_back_under_their_hash(blobs: FileBlobs, data: bytes) -> None:
    sha256 = blobs.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert blobs.get(sha256) == data
    assert sha256 in blobs


def test_the_same_bytes_are_kept_once(blobs: FileBlobs) -> None:
    assert blobs.put(b"x") == blobs.put(b"x")
    assert files(blobs) == [blobs.path(blobs.put(b"x"))]
    assert list(blobs) == [blobs.put(b"x")]


def test_folders_fan_out_by_the_first_two_digits(blobs: FileBlobs) -> None:
    sha256 = blobs.put(b"x")
    assert blobs.path(sha256) == blobs.root / sha256[:2] / sha256


def test_a_missing_blob_is_named(blobs: FileBlobs) -> None:
    with pytest.raises(StorageFailed, match="0" * 64):
        blobs.get("0" * 64)
    assert "0" * 64 not in blobs
    assert list(blobs) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/" + "0" * 63])
def test_only_a_hash_is_a_name(blobs: FileBlobs, name: str) -> None:
    with pytest.raises(StorageFailed, match="not the name of a blob"):
        blobs.get(name)
    assert name not in blobs


def test_a_damaged_blob_is_not_handed_out_and_is_mended_by_putting_it_again(blobs: FileBlobs) -> None:
    sha256 = blobs.put(b"picture")
    blobs.path(sha256).write_bytes(b"pictorial")
    with pytest.raises(StorageFailed, match="does not match its name"):
        blobs.get(sha256)
    blobs.put(b"picture")
    assert blobs.get(sha256) == b"picture"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot write the blob") as caught:
        FileBlobs(tmp_path / "file" / "blobs").put(b"x")
    assert "CUTWORK_HOME" in str(caught.value.hint)


FULL = """
import resource, sys
from pathlib import Path
from cutwork.errors import StorageFailed
from cutwork.storage.blobs import FileBlobs
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    FileBlobs(Path(sys.argv[1])).put(b"x" * 1_000_000)
except StorageFailed as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(blobs: FileBlobs) -> None:
    blobs.put(b"before")
    said = subprocess.run([sys.executable, "-c", FULL, str(blobs.root)], capture_output=True, text=True, check=True).stdout
    assert "cannot write the blob" in said
    assert [path.read_bytes() for path in files(blobs)] == [b"before"]


def test_an_interrupt_while_writing_leaves_nothing(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        blobs.put(b"x")
    assert files(blobs) == []


def test_a_killed_process_leaves_no_blob_and_its_leftover_is_collected(blobs: FileBlobs) -> None:
    code = (
        "import os, sys; from pathlib import Path; from cutwork.storage.blobs import FileBlobs; "
        "os.fsync = lambda _: os.kill(os.getpid(), 9); FileBlobs(Path(sys.argv[1])).put(b'x')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(blobs.root)]).returncode == -9
    (leftover,) = files(blobs)
    assert (hashlib.sha256(b"x").hexdigest() in blobs, list(blobs)) == (False, [])
    assert blobs.gc(keep=(), grace_s=0) == [leftover.name]
    assert files(blobs) == []


PUTTER = """
import sys
from pathlib import Path
from cutwork.storage.blobs import FileBlobs
blobs = FileBlobs(Path(sys.argv[1]))
for n in range(60):
    assert blobs.get(blobs.put(bytes([n]) * 50_000)) == bytes([n]) * 50_000
"""


def test_processes_and_threads_may_put_the_same_bytes_at_once(blobs: FileBlobs) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", PUTTER, str(blobs.root)], stderr=subprocess.PIPE) for _ in range(2)]
    threads = [threading.Thread(target=lambda: [blobs.put(bytes([n]) * 50_000) for n in range(60)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    said = [process.communicate(timeout=60)[1] for process in processes]
    for thread in threads:
        thread.join()
    assert [process.returncode for process in processes] == [0, 0], said
    assert len(files(blobs)) == len(list(blobs)) == 60


def test_gc_keeps_what_it_is_told_to_and_what_was_put_lately(blobs: FileBlobs) -> None:
    kept, old, fresh, again = (blobs.put(data) for data in (b"kept", b"old", b"fresh", b"again"))
    for sha256 in (kept, old, again):
        os.utime(blobs.path(sha256), (0, 0))
    blobs.put(b"again")
    assert blobs.gc(keep={kept}) == [old]
    assert sorted(blobs) == sorted([kept, fresh, again])
