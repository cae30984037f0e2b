"""A run as one zip: it goes out and comes back the same, and an archive from elsewhere can do no harm."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutwork.domain import Artifact, Attended, Box, Brief, Critique, Cutout, Design, LlmCall, Plan, Receipt, Region, Render, Round, Shot, Subject
from cutwork.errors import BadInput, StorageFailed
from cutwork.storage import archive
from cutwork.storage.archive import export_run, import_run
from cutwork.storage.blobs import FileBlobs
from cutwork.storage.db import open_database, upgrade
from cutwork.storage.designs import SqlDesigns

CALL = LlmCall(agent="layout", llm="offline", prompt="p", answer='{"é": 1}', ok=True, seconds=0.1)
Parts = dict[str, bytes]


class Store:
    """A database and a blob folder."""

    def __init__(self, home: Path) -> None:
        engine = open_database(f"sqlite:///{home}/cutwork.db")
        upgrade(engine)
        self.designs, self.blobs = SqlDesigns(engine), FileBlobs(home / "blobs")

    def is_empty(self) -> bool:
        return not self.designs.list() and not list(self.blobs)


@pytest.fixture
def here(tmp_path: Path) -> Store:
    """A store with one run, r1."""
    store = Store(tmp_path / "here")
    store.designs.create(a_design(store.blobs))
    store.designs.add_call("r1", CALL)
    store.designs.add_event("r1", "step", {"done": 1, "of": [2, None]})
    return store


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there")


@pytest.fixture
def file(here: Store, tmp_path: Path) -> Path:
    export_run("r1", here.designs, here.blobs, tmp_path / "r1.zip")
    return tmp_path / "r1.zip"


def a_design(blobs: FileBlobs) -> Design:
    box = Box((0.1, 0.1, 0.5, 0.5))
    region = Region(subject="cat", box=box, prompt="a cat", mask=blobs.put(b"coverage"))
    plan = Plan(prompt="a cat", background="teal", subjects=(Subject(id="cat", phrase="a cat", noun="cat"),), regions=(region,))
    render = Render(image=blobs.put(b"image" * 1_000), record=blobs.put(b"record"), seed=7, model="mini", steps=24)
    cutout = Cutout(subject="cat", region=0, image=blobs.put(b"rgba"), mask=blobs.put(b"mask"), box=box, receipt=Receipt(planned=box, attended=Attended()))
    critique = Critique(score=1.0, verdict="accept")
    return Design(
        id="r1",
        status="accepted",
        brief=Brief(text="a cat", references=(blobs.put(b"reference"),)),
        seed=7,
        model="mini",
        llm="offline",
        plan=plan,
        rounds=(Round(number=1, shot=Shot(plan=plan, seed=7), render=render, cutouts=(cutout,), critique=critique),),
        best=1,
        artifacts=(Artifact(kind="png", sha256=blobs.put(b"finished"), media_type="image/png", name="image.png"),),
        created="2026-01-01T00:00:00Z",
    )


def parts(file: Path) -> Parts:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rewrite(file: Path, change: Callable[[Parts], Any]) -> None:
    """Pack the archive again with other content."""
    content = parts(file)
    change(content)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in content.items():
            opened.writestr(name, data)


def edited(content: Parts, name: str, **changes: Any) -> None:
    content[name] = json.dumps(json.loads(content[name]) | changes).encode()


def test_a_run_comes_back_with_everything(file: Path, here: Store, there: Store) -> None:
    assert import_run(file, there.designs, there.blobs) == here.designs.get("r1")
    assert there.designs.get("r1") == here.designs.get("r1")
    assert (there.designs.calls("r1"), there.designs.events("r1")) == ([CALL], [(1, "step", {"done": 1, "of": [2, None]})])
    assert {name: there.blobs.get(name) for name in there.blobs} == {name: here.blobs.get(name) for name in here.blobs}


def test_the_archive_is_json_and_blobs(file: Path, here: Store) -> None:
    assert set(parts(file)) == {"manifest.json", "design.json", "calls.json", "events.json", *(f"blobs/{name}" for name in here.blobs)}
    assert Design.model_validate_json(parts(file)["design.json"]) == here.designs.get("r1")


def test_only_the_runs_own_blobs_travel(here: Store, tmp_path: Path) -> None:
    strange = here.blobs.put(b"of another run")
    export_run("r1", here.designs, here.blobs, tmp_path / "out.zip")
    assert f"blobs/{strange}" not in parts(tmp_path / "out.zip")


def test_the_same_run_gives_the_same_bytes_also_after_a_journey(file: Path, here: Store, there: Store, tmp_path: Path) -> None:
    import_run(file, there.designs, there.blobs)
    export_run("r1", there.designs, there.blobs, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == file.read_bytes()


def test_importing_twice_changes_nothing(file: Path, there: Store) -> None:
    for _ in range(2):
        import_run(file, there.designs, there.blobs)
    assert [len(found) for found in (there.designs.list(), there.designs.calls("r1"), there.designs.events("r1"))] == [1, 1, 1]


def test_importing_again_mends_a_lost_blob(file: Path, here: Store) -> None:
    lost = here.designs.get("r1").rounds[0].render.image
    here.blobs.path(lost).unlink()
    import_run(file, here.designs, here.blobs)
    assert here.blobs.get(lost) == b"image" * 1_000


def test_another_run_of_the_same_id_is_refused_before_a_blob_is_written(file: Path, there: Store) -> None:
    other = Design(id="r1", status="failed", brief=Brief(text="a dog"), seed=1, model="mini", llm="offline")
    there.designs.create(other)
    with pytest.raises(BadInput, match="another run 'r1'"):
        import_run(file, there.designs, there.blobs)
    assert there.designs.get("r1") == other
    assert list(there.blobs) == []


def test_exporting_an_unknown_run_writes_nothing(here: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no run 'nope'"):
        export_run("nope", here.designs, here.blobs, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*x.zip*"))


@pytest.mark.parametrize("missing", [True, False])
def test_exporting_a_run_with_a_bad_blob_leaves_the_old_export(here: Store, file: Path, missing: bool) -> None:
    before, place = file.read_bytes(), here.blobs.path(here.designs.get("r1").artifacts[0].sha256)
    place.unlink() if missing else place.write_bytes(b"other")
    with pytest.raises(StorageFailed, match=place.name):
        export_run("r1", here.designs, here.blobs, file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir() if "zip" in path.name] == [file.name]


def test_exporting_into_no_folder_is_named(here: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot write"):
        export_run("r1", here.designs, here.blobs, tmp_path / "none" / "x.zip")


FULL = """
import resource, sys
from pathlib import Path
from cutwork.errors import StorageFailed
from cutwork.storage.archive import SqlDesigns, export_run
from cutwork.storage.blobs import FileBlobs
from cutwork.storage.db import open_database
home = Path(sys.argv[1])
designs, blobs = SqlDesigns(open_database(f"sqlite:///{home}/cutwork.db")), FileBlobs(home / "blobs")
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
try:
    export_run("r1", designs, blobs, Path(sys.argv[2]))
except StorageFailed as error:
    print(error)
"""


def test_exporting_to_a_full_disk_leaves_nothing(here: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    said = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "here"), str(out / "x.zip")], capture_output=True, text=True, check=True).stdout
    assert "cannot write" in said
    assert list(out.iterdir()) == []


def first_blob(content: Parts) -> str:
    return next(name for name in content if name.startswith("blobs/"))


FAULTS: dict[str, tuple[Callable[[Parts], Any], str]] = {
    "no design": (lambda c: c.pop("design.json"), "'design.json' is missing"),
    "no manifest": (lambda c: c.pop("manifest.json"), "'manifest.json' is missing"),
    "no calls": (lambda c: c.pop("calls.json"), "'calls.json' is missing"),
    "another format": (lambda c: edited(c, "manifest.json", format="other"), "'manifest.json' in it is wrong at format"),
    "a newer version": (lambda c: edited(c, "manifest.json", version=2), "wrong at version"),
    "not JSON": (lambda c: c.update({"design.json": b"{"}), "'design.json' in it is wrong: Invalid JSON"),
    "not a design": (lambda c: edited(c, "design.json", seed=-1), "wrong at seed"),
    "an unknown field": (lambda c: edited(c, "design.json", run_this="rm -rf /"), "wrong at run_this"),
    "a hash that is a path": (
        lambda c: edited(c, "design.json", artifacts=[{"kind": "x", "sha256": "../" * 21 + "e", "media_type": "x", "name": "x"}]),
        "sha256",
    ),
    "calls of another shape": (lambda c: c.update({"calls.json": b'[{"agent": 1}]'}), "'calls.json' in it is wrong at 0.agent"),
    "events of another shape": (lambda c: c.update({"events.json": b'{"kind": "x"}'}), "valid array"),
    "JSON nested without end": (lambda c: c.update({"events.json": b'[{"kind":"x","data":{"a":' + b"[" * 100_000}), "recursion|nested|Invalid JSON"),
    "bytes that are not text": (lambda c: c.update({"design.json": b'{"id": "\xff"}'}), "'design.json' in it is wrong: Invalid JSON"),
    "a missing blob": (lambda c: c.pop(first_blob(c)), r"'blobs/[0-9a-f]{64}' is missing"),
    "a blob of other content": (lambda c: c.update({first_blob(c): b"other"}), "is damaged: the content does not match"),
    "a blob nobody named": (lambda c: c.update({"blobs/" + "0" * 64: b"x"}), "which its design does not name"),
    "a path out of the folder": (lambda c: c.update({"../../evil": b"x"}), "'../../evil'"),
    "an absolute path": (lambda c: c.update({"/etc/evil": b"x"}), "'/etc/evil'"),
    "a pickle": (lambda c: c.update({"checkpoint.pkl": pickle.dumps({})}), "'checkpoint.pkl'"),
    "a zip bomb": (lambda c: c.update({"design.json": b" " * 70_000_000}), "no run packs that well"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_archive_is_refused_and_nothing_is_written(file: Path, there: Store, fault: str) -> None:
    change, said = FAULTS[fault]
    rewrite(file, change)
    with pytest.raises(BadInput, match=said) as caught:
        import_run(file, there.designs, there.blobs)
    assert str(file) in str(caught.value)
    assert there.is_empty()
    assert not (file.parent.parent / "evil").exists()


def test_an_archive_that_only_claims_to_be_small_is_refused(file: Path, there: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(file, lambda c: edited(c, "design.json", error="x" * 100_000))
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as opened:
        size = opened.getinfo("design.json").file_size.to_bytes(4, "little")
    assert data.count(size) == 2  # the local and the central header
    file.write_bytes(data.replace(size, (500).to_bytes(4, "little")))
    with pytest.raises(BadInput, match="cannot be imported"):
        import_run(file, there.designs, there.blobs)
    assert there.is_empty()


@pytest.mark.parametrize(("limit", "said"), [("MAX_TOTAL", "it unpacks to"), ("MAX_JSON", "'design.json' in it has"), ("MAX_BLOB", "'blobs/.*' in it has")])
def test_each_bound_on_size_holds(file: Path, there: Store, monkeypatch: pytest.MonkeyPatch, limit: str, said: str) -> None:
    monkeypatch.setattr(archive, limit, 1_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    with pytest.raises(BadInput, match=said):
        import_run(file, there.designs, there.blobs)
    assert there.is_empty()


def test_a_name_that_comes_twice_is_refused(file: Path, there: Store) -> None:
    with zipfile.ZipFile(file, "a") as opened, pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr("events.json", b"[]")
    with pytest.raises(BadInput, match="one name twice"):
        import_run(file, there.designs, there.blobs)
    assert there.is_empty()


def test_an_encrypted_archive_is_refused(file: Path, there: Store) -> None:
    data = bytearray(file.read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1  # the flag of the first entry in the central directory
    file.write_bytes(data)
    with pytest.raises(BadInput, match="is encrypted"):
        import_run(file, there.designs, there.blobs)


def test_an_archive_cut_anywhere_or_with_a_flipped_byte_never_half_imports(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    store = Store(tmp_path / "cut")
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            file.write_bytes(data)
            try:
                import_run(file, store.designs, store.blobs)
            except BadInput:
                assert store.is_empty()
            else:  # the byte was one that nobody reads, such as a date
                assert len(data) == len(whole)
                store = Store(tmp_path / f"cut{place}")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "not a whole zip"), (b"PK\x03\x04 and no more", "not a whole zip"), (None, "cannot be read: No such file")]
)
def test_what_is_no_zip_is_named(tmp_path: Path, there: Store, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        import_run(tmp_path / "x.zip", there.designs, there.blobs)
