"""Files in a folder, and the JSON that names them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cutwork.delivery import as_json, deliver
from cutwork.domain import Artifact, Box, Brief, Critique, Cutout, Design, Plan, Receipt, Region, Render, Round, Shot, Subject
from cutwork.errors import BadInput, StorageFailed
from cutwork.tools.fakes import MemoryBlobs

BOX = Box((0.1, 0.1, 0.9, 0.9))


def plan(prompt: str) -> Plan:
    subject, region = Subject(id="cat", phrase="a cat", noun="cat"), Region(subject="cat", box=BOX, prompt="a cat")
    return Plan(prompt=prompt, background="teal", subjects=(subject,), regions=(region,))


def a_round(number: int, blobs: MemoryBlobs) -> Round:
    layer, image = blobs.put(f"layer {number}".encode()), blobs.put(f"image {number}".encode())
    receipt = Receipt(planned=BOX, attended={})  # type: ignore[arg-type]
    return Round(
        number=number,
        shot=Shot(plan=plan(f"plan {number}"), seed=number),
        render=Render(image=image, record="0" * 64, seed=number, model="mini", steps=1),
        cutouts=(Cutout(subject="cat", region=0, image=layer, mask=layer, box=BOX, receipt=receipt),),
        critique=Critique(score=0.5, verdict="repair"),
    )


def a_file(name: str, data: bytes, blobs: MemoryBlobs, kind: str = "x") -> Artifact:
    return Artifact(kind=kind, sha256=blobs.put(data), media_type="text/plain", name=name)


def a_design(blobs: MemoryBlobs, *artifacts: Artifact, **changes: Any) -> Design:
    rounds = (a_round(1, blobs), a_round(2, blobs))
    given: dict[str, Any] = {"id": "r1", "status": "best_effort", "brief": Brief(text="a cat"), "seed": 7, "model": "mini", "llm": "offline"}
    return Design(**{**given, "plan": plan("the last one"), "rounds": rounds, "best": 1, "artifacts": artifacts, **changes})


def test_two_files_of_one_content_are_both_written(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    data = deliver(a_design(blobs, a_file("one.txt", b"same", blobs), a_file("sub/two.txt", b"same", blobs)), blobs, tmp_path)
    assert [Path(a["path"]).read_bytes() for a in data["artifacts"]] == [b"same", b"same"]
    assert len({a["path"] for a in data["artifacts"]}) == 2
    assert (tmp_path / "sub" / "two.txt").is_file()


def test_every_path_of_the_json_is_a_file_of_that_content(tmp_path: Path) -> None:
    """Also where a file of the format has the name that a raw layer would get."""
    blobs = MemoryBlobs()
    finished = (a_file("cutouts/01-cat.png", b"sticker", blobs, "sticker"), a_file("rounds/1.png", b"other", blobs), a_file("image.png", b"i", blobs, "image"))
    data = deliver(a_design(blobs, *finished), blobs, tmp_path)
    assert Path(data["image"]).read_bytes() == b"i"
    assert [Path(r["image"]).read_bytes() for r in data["rounds"]] == [b"image 1", b"image 2"]
    assert Path(data["cutouts"][0]["image"]).read_bytes() == b"layer 1"
    for artifact in data["artifacts"]:
        assert hashlib.sha256(Path(artifact["path"]).read_bytes()).hexdigest() == artifact["sha256"]
    assert not list(tmp_path.rglob("*.part"))


def test_finished_layers_are_preferred_to_raw_ones(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    data = deliver(a_design(blobs, a_file("cutouts/a.png", b"finished", blobs, "cutout")), blobs, tmp_path)
    assert data["cutouts"][0]["image"] == str(tmp_path / "cutouts" / "a.png")


def test_the_plan_and_seed_are_those_of_the_delivered_round() -> None:
    blobs = MemoryBlobs()
    said = as_json(a_design(blobs), lambda sha256, name: name)
    assert (said["plan"]["prompt"], said["seed"]) == ("plan 1", 1)
    waiting = as_json(a_design(blobs, best=None, rounds=()), lambda sha256, name: name)
    assert (waiting["plan"]["prompt"], waiting["seed"]) == ("the last one", 7)


def test_a_new_cut_of_a_drawing_takes_no_drawing_time() -> None:
    blobs = MemoryBlobs()
    first, second = a_round(1, blobs), a_round(2, blobs)
    drawn = first.model_copy(update={"render": first.render.model_copy(update={"seconds": 5.0})})
    cut_again = second.model_copy(update={"render": drawn.render})
    said = as_json(a_design(blobs, rounds=(drawn, cut_again)), lambda sha256, name: name)
    assert [r["seconds"] for r in said["rounds"]] == [5.0, 0.0]


def test_what_could_not_be_done_as_asked_is_said() -> None:
    blobs = MemoryBlobs()
    one = a_round(1, blobs)
    noted = one.model_copy(update={"render": one.render.model_copy(update={"notes": ("drew 'kitten' as 'cat'",)})})
    said = as_json(a_design(blobs, rounds=(noted,)), lambda sha256, name: name)
    assert said["notes"] == ["drew 'kitten' as 'cat'"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a//b", "./x", "..", "c:x", "a\\..\\x", "a\nb", "", "x" * 300])
def test_no_artifact_has_a_name_that_leads_out(name: str) -> None:
    with pytest.raises(ValidationError):
        Artifact(kind="x", sha256="0" * 64, media_type="text/plain", name=name)


@pytest.mark.parametrize("id", ["../x", "/x", ".x", "", "a/b", "a b", "x" * 65, "x\n"])
def test_no_run_has_an_id_that_is_a_path(id: str) -> None:
    with pytest.raises(ValidationError):
        Design(id=id, status="failed", brief=Brief(text="a cat"), seed=1, model="mini", llm="offline")


def test_no_region_or_cutout_has_a_subject_that_is_a_path() -> None:
    with pytest.raises(ValidationError, match="subject"):
        Region(subject="../cat", box=BOX, prompt="a cat")
    with pytest.raises(ValidationError, match="subject"):
        Cutout(subject="../cat", region=0, image="0" * 64, mask="0" * 64, box=None, receipt=Receipt(planned=BOX, attended={}))  # type: ignore[arg-type]


def test_what_slipped_past_the_types_is_still_not_written_outside(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    escaping = a_file("x", b"x", blobs).model_copy(update={"name": "../escaped.txt"})
    with pytest.raises(BadInput, match="leads out"):
        deliver(a_design(blobs, escaping), blobs, tmp_path / "out")
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="leads out"):
        deliver(a_design(blobs, a_file("link/escaped.txt", b"x", blobs)), blobs, tmp_path / "out")
    assert not (tmp_path / "escaped.txt").exists()


def test_a_folder_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    design = a_design(blobs, a_file("image.png", b"i", blobs, "image"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot write") as caught:
        deliver(design, blobs, tmp_path / "file" / "out")
    assert "cutwork show r1" in str(caught.value.hint)
    assert deliver(design, blobs, tmp_path / "out")["image"] == str(tmp_path / "out" / "image.png")


# a folder that was used before


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".cutwork.json"}


def test_a_folder_holds_exactly_what_the_last_run_made(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    image = a_file("image.png", b"one", blobs, "image")
    deliver(a_design(blobs, image, a_file("cutouts/01-cat.png", b"cat", blobs), a_file("cutouts/02-dog.png", b"dog", blobs)), blobs, tmp_path)
    deliver(a_design(blobs, a_file("image.png", b"two", blobs, "image"), a_file("cutouts/01-cat.png", b"cat", blobs), rounds=(), best=None), blobs, tmp_path)
    assert files(tmp_path) == {"image.png", "cutouts/01-cat.png"}
    assert (tmp_path / "image.png").read_bytes() == b"two"
    assert not (tmp_path / "rounds").exists(), "nor an empty folder of ours"
    deliver(a_design(blobs, rounds=(), best=None), blobs, tmp_path)  # waits for approval, say: no file of it is there
    assert files(tmp_path) == set()


def test_what_others_wrote_or_changed_stays(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    (tmp_path / "cutouts").mkdir()
    (tmp_path / "cutouts" / "mine.png").write_bytes(b"mine")
    deliver(a_design(blobs, a_file("cutouts/01-cat.png", b"cat", blobs), a_file("cutouts/02-dog.png", b"dog", blobs), rounds=(), best=None), blobs, tmp_path)
    (tmp_path / "cutouts" / "02-dog.png").write_bytes(b"retouched by hand")
    deliver(a_design(blobs, a_file("image.png", b"i", blobs), rounds=(), best=None), blobs, tmp_path)
    assert files(tmp_path) == {"image.png", "cutouts/mine.png", "cutouts/02-dog.png"}


def test_what_a_delivery_before_one_that_was_cut_short_wrote_is_still_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a file that the second was to replace and did not get to, and one that nobody may take away since."""
    from cutwork.tools.formats import base

    blobs = MemoryBlobs()

    def deliver_files(**files: bytes) -> None:
        deliver(a_design(blobs, *(a_file(f"{name}.png", data, blobs) for name, data in files.items()), rounds=(), best=None), blobs, tmp_path)

    def dies(*asked: Any) -> Any:
        raise KeyboardInterrupt

    deliver_files(image=b"1", sticker=b"1", other=b"1")
    with monkeypatch.context() as patched:
        patched.setattr(base, "export", dies)
        for second in (b"2", b"3"):
            with pytest.raises(KeyboardInterrupt):
                deliver_files(image=second, sticker=second, other=second)
    (tmp_path / "other.png").write_bytes(b"retouched by hand")
    deliver_files(image=b"4")
    assert files(tmp_path) == {"image.png", "other.png"}
    assert list(json.loads((tmp_path / ".cutwork.json").read_text())) == ["image.png"]


def test_nothing_is_written_into_a_folder_for_a_run_without_files(tmp_path: Path) -> None:
    deliver(a_design(MemoryBlobs(), rounds=(), best=None), MemoryBlobs(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../precious.txt", "link/precious.txt", "link"])
def test_a_listing_cannot_be_made_to_delete_elsewhere(tmp_path: Path, name: str) -> None:
    precious, out = tmp_path / "precious.txt", tmp_path / "out"
    precious.write_bytes(b"x")
    out.mkdir()
    (out / "link").symlink_to(tmp_path if "/" in name else precious)
    (out / ".cutwork.json").write_text(json.dumps({name: hashlib.sha256(b"x").hexdigest()}))
    blobs = MemoryBlobs()
    deliver(a_design(blobs, a_file("image.png", b"i", blobs), rounds=(), best=None), blobs, out)
    assert precious.read_bytes() == b"x"
    assert (out / "link").is_symlink()


@pytest.mark.parametrize("listing", ["", "[]", '{"image.png": 3}', "\xff"])
def test_a_listing_that_is_none_deletes_nothing(tmp_path: Path, listing: str) -> None:
    (tmp_path / ".cutwork.json").write_text(listing, encoding="latin-1")
    (tmp_path / "old.png").write_bytes(b"old")
    blobs = MemoryBlobs()
    deliver(a_design(blobs, a_file("image.png", b"i", blobs), rounds=(), best=None), blobs, tmp_path)
    assert files(tmp_path) == {"image.png", "old.png"}


def test_a_delivery_that_was_cut_short_is_still_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutwork.tools.formats import base

    blobs, export = MemoryBlobs(), base.export

    def dies(artifacts: Any, *rest: Any) -> Any:
        export(artifacts[:1], *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(base, "export", dies)
    with pytest.raises(KeyboardInterrupt):
        deliver(a_design(blobs, a_file("one.png", b"1", blobs), a_file("two.png", b"2", blobs), rounds=(), best=None), blobs, tmp_path)
    monkeypatch.undo()
    deliver(a_design(blobs, a_file("image.png", b"i", blobs), rounds=(), best=None), blobs, tmp_path)
    assert files(tmp_path) == {"image.png"}
