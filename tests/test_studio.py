"""Runs over their whole life: stopped, resumed elsewhere, drawn again, held by one process at a time."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutwork.domain import Brief, Critique, Design, Reseed, Shot
from cutwork.errors import BadInput, NotConfigured, StorageFailed
from cutwork.graphs.fakes import FakeDrawing
from cutwork.graphs.state import start
from cutwork.storage import leases
from cutwork.storage.designs import SqlDesigns
from cutwork.storage.leases import is_held, lease
from cutwork.studio import Studio
from cutwork.tools.formats import png

BRIEF = "a grumpy cat and a rocket on a purple background"


class Killed(BaseException):
    """What kill -9 is to a process."""


def studio(home: Path, quality: Callable[[Shot, int], float] = lambda shot, region: 1.0, **settings: Any) -> tuple[Studio, FakeDrawing]:
    made = Studio(home=home, **{"llm": "offline", "steps": 3, **settings})
    fake = FakeDrawing(made.wired.blobs, quality, model=made.settings.model)
    made.wired.__dict__["drawing"] = fake
    return made, fake


def dying(node: str) -> Callable[[str, dict[str, Any]], None]:
    def die(kind: str, data: dict[str, Any]) -> None:
        if kind == "node" and data["node"] == node:
            raise Killed

    return die


def bytes_of(design: Design, made: Studio) -> bytes:
    """The finished PNG, with its manifest."""
    return made.wired.blobs.get(png.write(design, made.wired.blobs)[0].sha256)


# again, from an id or a PNG


def test_a_png_is_drawn_again_with_the_same_bytes(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    first = made.design(BRIEF)  # no seed was asked for
    path = tmp_path / "image.png"
    path.write_bytes(bytes_of(first, made))
    elsewhere, fake = studio(home / "elsewhere")
    again = elsewhere.rerun(path)
    assert fake.renders == [first.delivered.shot]  # type: ignore[union-attr]
    assert again.seed == first.seed
    assert again.brief == first.brief
    assert again.brief.seed is None
    assert bytes_of(again, elsewhere) == path.read_bytes()
    assert bytes_of(made.rerun(first.id), made) == path.read_bytes()


def test_a_repaired_design_is_drawn_again_as_it_was_delivered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([Critique(score=0.1, verdict="repair", repairs=(Reseed(seed=99),)), *[Critique(score=0.9, verdict="accept")] * 2])
    monkeypatch.setattr("cutwork.graphs.design.criticise", lambda *args, **kwargs: next(said))
    made, _ = studio(home)
    first = made.design(BRIEF, seed=7)
    again = made.rerun(first.id)
    assert (first.seed, again.seed, again.brief.seed) == (7, 99, 7)
    assert bytes_of(again, made) == bytes_of(first, made)


def test_a_rerun_uses_the_model_it_was_made_with_unless_told_otherwise(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = studio(home)
    first = made.design(BRIEF, seed=7)
    monkeypatch.setenv("CUTWORK_MODEL", "black-forest-labs/FLUX.1-schnell")
    plain, wrong = studio(home)
    right = FakeDrawing(plain.wired.blobs, model="mini")
    plain.wired._drawings["mini", True] = right
    assert plain.rerun(first.id).model == "mini"
    assert (len(wrong.renders), len(right.renders)) == (0, 1)
    told, asked = studio(home, model="black-forest-labs/FLUX.1-dev")
    assert told.rerun(first.id).model == "black-forest-labs/FLUX.1-dev"
    assert len(asked.renders) == 1


def test_a_png_whose_manifest_lacks_something_is_refused(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    manifest = png.manifest(made.design(BRIEF, seed=7))
    del manifest["brief"]
    (tmp_path / "x.png").write_bytes(png.encode(np.zeros((8, 8, 3), np.uint8), {"cutwork": json.dumps(manifest)}))
    with pytest.raises(BadInput, match="damaged"):
        made.rerun(tmp_path / "x.png")


@pytest.mark.parametrize("node", ["render", "cut", "critique", "finish"])
def test_a_rerun_that_was_killed_stays_one(home: Path, node: str) -> None:
    made, _ = studio(home, lambda shot, region: 0.08)
    first = made.design(BRIEF, seed=7)
    with pytest.raises(Killed):
        made.rerun(first.id, on_event=dying(node))
    id = made.runs()[0].id
    again, _ = studio(home, lambda shot, region: 0.08)
    design = again.resume(id)
    assert len(design.rounds) == 1
    assert design.rounds[0].shot == first.delivered.shot  # type: ignore[union-attr]
    assert not again.wired.designs.calls(id)


def test_a_rerun_killed_before_its_first_checkpoint_begins_at_its_shot(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = studio(home)
    first = made.design(BRIEF, seed=7)
    monkeypatch.setattr(Studio, "_graph", lambda self: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        made.rerun(first.id)
    monkeypatch.undo()
    again, fake = studio(home)
    design = again.resume(again.runs(status="running")[0].id)
    assert fake.renders == [first.delivered.shot]  # type: ignore[union-attr]
    assert not again.wired.designs.calls(design.id)


# on, in another process with other settings


def test_a_resumed_run_goes_by_what_it_was_started_with(home: Path) -> None:
    made, _ = studio(home, lambda shot, region: 0.08, rounds=2, steps=5)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, on_event=dying("extract"))
    id = made.runs()[0].id
    today, wrong = studio(home, model="black-forest-labs/FLUX.1-schnell", rounds=6, steps=9, early_verdict=False, time_budget_s=1)
    right = FakeDrawing(today.wired.blobs, lambda shot, region: 0.08, model="mini")
    today.wired._drawings["mini", True] = right
    design = today.resume(id)
    assert (design.model, len(design.rounds)) == ("mini", 2)
    assert right.renders[0].plan.draw.steps == 5
    assert not wrong.renders


def test_a_model_or_llm_that_is_gone_is_said_and_the_run_stays(home: Path) -> None:
    made, _ = studio(home)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, on_event=dying("render"))
    id = made.runs()[0].id

    def change(**changes: Any) -> None:
        made.wired.designs.change(id, lambda d: d.model_copy(update={"terms": d.terms.model_copy(update=changes)}))  # type: ignore[union-attr]

    change(model="model-of-last-year")
    with pytest.raises(BadInput, match="model-of-last-year"):
        made.resume(id)
    change(model="mini", llm="openai:gpt-x")
    with pytest.raises(NotConfigured, match="gpt-x"):
        made.resume(id)
    change(llm="offline")
    assert made.resume(id).status == "accepted"


def test_a_plan_rejected_in_another_process_is_made_again(home: Path) -> None:
    made, _ = studio(home, approve=True)
    waiting = made.design(BRIEF, seed=7)
    other, fake = studio(home)  # --approve is not among today's settings
    with pytest.raises(BadInput, match="approval of its plan"):
        other.resume(waiting.id)
    rejected = other.resume(waiting.id, "make the cat bigger")
    assert (rejected.status, len(fake.renders)) == ("needs_approval", 0)
    assert [c.agent for c in other.wired.designs.calls(waiting.id)][-1] == "layout"
    assert other.resume(waiting.id, True).status == "accepted"


def test_a_run_without_its_checkpoint_begins_again_with_nothing_left_over(home: Path) -> None:
    made, _ = studio(home, lambda shot, region: 0.08)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, on_event=dying("finish"))
    id = made.runs()[0].id
    assert len(made.show(id).rounds) == 4
    for file in home.glob("checkpoints.db*"):
        file.unlink()
    again, _ = studio(home)
    design = again.resume(id)
    assert (design.status, [r.number for r in design.rounds]) == ("accepted", [1])


# before anything is drawn or kept


def test_models_that_cannot_be_had_leave_no_run(home: Path) -> None:
    with pytest.raises(BadInput, match="nonesuch"):
        Studio(home=home, model="nonesuch", llm="offline").design(BRIEF)
    with pytest.raises(NotConfigured):
        studio(home, llm="openai:gpt-x")[0].design(BRIEF)
    assert not Studio(home=home).runs()


# one at a time


def hold(folder: str, held: Any, done: Any) -> None:
    with lease(Path(folder), "run-1"):
        held.set()
        done.wait(60)


def test_of_two_that_resume_a_run_the_second_is_refused(home: Path) -> None:
    made, fake = studio(home)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, on_event=dying("render"))
    id = made.runs()[0].id
    refused: list[str] = []

    def also(kind: str, data: dict[str, Any]) -> None:
        if data.get("node") == "cut":
            with pytest.raises(BadInput, match="worked on by another") as caught:
                studio(home)[0].resume(id)
            refused.append(str(caught.value))

    assert made.resume(id, on_event=also).status == "accepted"
    assert refused
    assert len(fake.renders) == 1
    assert not list((home / "locks").iterdir())


def test_a_lease_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=hold, args=(str(tmp_path), held, done))
    holder.start()
    try:
        assert held.wait(60)
        with pytest.raises(BadInput, match="run-1"), lease(tmp_path, "run-1"):
            pass
        with lease(tmp_path, "run-2"):
            pass
    finally:
        holder.kill()
        holder.join()
    with lease(tmp_path, "run-1"):
        pass


def test_whoever_only_looks_whether_a_run_is_held_keeps_nobody_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run-1.lock"
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    assert leases._locked(looking)
    waits: list[float] = []
    monkeypatch.setattr(leases.time, "sleep", lambda s: os.close(looking) if waits.append(s) or len(waits) == leases.LOOKS else None)
    with lease(tmp_path, "run-1"):
        assert len(waits) == leases.LOOKS
        assert is_held(tmp_path, "run-1")


@pytest.mark.parametrize(("form", "ending"), [("run", "zip"), ("svg", "svg")])
@pytest.mark.parametrize("place", [".", "exports", None])
def test_what_is_exported_into_a_folder_has_the_runs_name(home: Path, tmp_path: Path, form: str, ending: str, place: str | None) -> None:
    (tmp_path / "exports").mkdir()
    made, _ = studio(home)
    id = made.design("a cat", seed=1).id
    written = made.export(id, place, form)
    assert written.resolve() == tmp_path / (place or "") / f"{id}.{ending}"
    assert written.stat().st_size > 100


def test_changes_made_at_once_are_all_kept(home: Path) -> None:
    made, _ = studio(home)
    designs: SqlDesigns = made.wired.designs
    designs.create(start(Brief(text="a cat", seed=1), made.wired.terms(), id="r1"))

    def count(name: str) -> None:
        for _ in range(20):
            designs.change("r1", lambda d: d.model_copy(update={"timings": {**d.timings, name: d.timings.get(name, 0) + 1}}))

    threads = [threading.Thread(target=count, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert designs.get("r1").timings == {str(n): 20 for n in range(4)}
    with pytest.raises(BadInput, match="there is no run"):
        designs.change("nonesuch", lambda d: d)


def test_a_change_that_fails_changes_nothing(home: Path) -> None:
    made, _ = studio(home)
    design = start(Brief(text="a cat", seed=1), made.wired.terms(), id="r1")
    made.wired.designs.create(design)
    with pytest.raises(ZeroDivisionError):
        made.wired.designs.change("r1", lambda d: d.model_copy(update={"best": 1 // 0}))
    assert made.show("r1") == design


STRICT = """
import sys, langgraph.checkpoint.serde.jsonplus
from cutwork.domain import Terms
from cutwork.errors import BadInput
from cutwork.storage.archive import Manifest
from cutwork.settings import Settings
from cutwork.wiring import Wired
serde = Wired(Settings(home=sys.argv[1])).checkpointer.serde
terms = Terms(model="mini", llm="offline")
assert serde.loads_typed(serde.dumps_typed(terms)) == terms
assert not isinstance(serde.loads_typed(serde.dumps_typed(Manifest())), Manifest)
"""


def test_checkpoints_hold_our_values_only_whatever_the_environment_says(home: Path) -> None:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("LANGGRAPH")}
    result = subprocess.run([sys.executable, "-c", STRICT, str(home)], capture_output=True, text=True, env=plain, check=False)
    assert result.returncode == 0, result.stderr


# again, from any file


def test_every_png_a_run_delivered_draws_it_again(home: Path, tmp_path: Path) -> None:
    made, fake = studio(home)
    first = made.design(BRIEF, seed=7)
    made.deliver(first, tmp_path / "out")
    paths = sorted((tmp_path / "out").rglob("*.png"))
    assert {path.parent.name for path in paths} == {"out", "cutouts", "masks", "rounds"}
    for path in paths:
        assert made.rerun(path).delivered.shot == first.delivered.shot  # type: ignore[union-attr]
    assert len(fake.renders) == 1 + len(paths)


def test_the_picture_of_a_round_draws_that_round(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([Critique(score=0.1, verdict="repair", repairs=(Reseed(seed=99),)), *[Critique(score=0.9, verdict="accept")] * 3])
    monkeypatch.setattr("cutwork.graphs.design.criticise", lambda *args, **kwargs: next(said))
    made, _ = studio(home)
    made.deliver(made.design(BRIEF, seed=7), tmp_path)
    assert [made.rerun(str(tmp_path / "rounds" / f"{n}.png")).seed for n in (1, 2)] == [7, 99]


def test_a_file_that_several_different_runs_made_is_not_guessed_at(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    designs = [made.design(BRIEF, seed=seed) for seed in (1, 2)]
    made.deliver(designs[0], tmp_path)
    with pytest.raises(BadInput, match="several runs made just this file") as caught:
        made.rerun(next((tmp_path / "masks").glob("*.png")))
    assert all(design.id in str(caught.value) for design in designs)


def test_a_file_that_carries_no_plan_is_said_to(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    (tmp_path / "x.png").write_bytes(png.encode(np.zeros((8, 8, 3), np.uint8)))
    (tmp_path / "x.jpg").write_bytes(b"jpg")
    with pytest.raises(BadInput, match=r"no cutwork manifest.*nor did a run that is kept here make it"):
        made.rerun(tmp_path / "x.png")
    with pytest.raises(BadInput, match="is a file, but no PNG"):
        made.rerun(tmp_path / "x.jpg")
    with pytest.raises(BadInput, match="there is no file"):
        made.rerun(tmp_path / "nonesuch.png")


# what is asked for and cannot be done


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"palette": ("teal", "red"), "kind": "sticker"}, "palette teal, red"),
        ({"references": ("0" * 64, "1" * 64)}, r"2 reference pictures"),
        ({"captions": ("HI",), "kind": "textile"}, "only a meme has lettering"),
    ],
)
def test_nothing_of_a_brief_is_passed_over_in_silence(home: Path, asked: dict[str, Any], said: str) -> None:
    made, _ = studio(home)
    for do in (made.design, made.plan):
        with pytest.raises(BadInput, match=said):
            do(Brief(text="a cat", **asked))
    assert not made.runs()


def test_captions_of_a_meme_are_planned(home: Path) -> None:
    made, _ = studio(home)
    assert [band.text for band in made.plan(Brief(text="a cat", kind="meme", captions=("MONDAY",))).bands] == ["MONDAY"]


def test_what_is_asked_beside_a_brief_goes_before_it(home: Path) -> None:
    made, _ = studio(home)
    design = made.design(Brief(text="a cat", seed=1), seed=2, size="128x128")
    assert (design.seed, design.brief.size.root) == (2, (128, 128))
    assert made.plan(Brief(text="a cat"), size="128x64").size.root == (128, 64)


def test_paths_may_be_text(home: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    design = made.design(BRIEF, seed=7)
    path = made.export(design.id, str(tmp_path / "run.zip"))
    assert path.is_file()
    assert studio(home / "elsewhere")[0].import_(str(path)) == design
    assert Path(made.deliver(design, str(tmp_path / "out"))["image"]).is_file()


# a run that cannot be kept


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), sqlite3.OperationalError("disk I/O error"), StorageFailed("cannot write", "mend it")])
def test_a_run_that_could_not_be_kept_says_so_and_can_be_gone_on_with(home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    made, fake = studio(home)

    def fail(*args: Any) -> Any:
        raise error

    monkeypatch.setattr(fake, "cut", fail)
    with pytest.raises(StorageFailed, match="could not be kept") as caught:
        made.design(BRIEF, seed=7)
    (run,) = made.runs()
    assert (run.status, made.is_active(run.id)) == ("failed", False)
    assert f"cutwork resume {run.id}" in str(caught.value.hint)
    assert "could not be kept" in str(made.show(run.id).error)
    monkeypatch.undo()
    assert made.resume(run.id).status == "accepted"
    assert len(fake.renders) == 1


def test_where_even_the_end_cannot_be_kept_the_first_error_is_the_one_that_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fake = studio(home)
    kept = SqlDesigns.set_status

    def full(self: SqlDesigns, id: str, status: str, error: str | None = None) -> None:
        if status != "running":
            raise StorageFailed("the database is full too")
        kept(self, id, status, error)

    def fail(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SqlDesigns, "set_status", full)
    monkeypatch.setattr(fake, "cut", fail)
    with pytest.raises(StorageFailed, match="No space left"):
        made.design(BRIEF, seed=7)
    monkeypatch.undo()
    (run,) = made.runs()
    assert (run.status, made.is_active(run.id)) == ("running", False)
    assert made.resume(run.id).status == "accepted"


def test_a_run_is_active_while_it_is_worked_on(home: Path) -> None:
    made, _ = studio(home)
    seen: list[bool] = []
    design = made.design(BRIEF, seed=7, on_event=lambda kind, data: seen.append(studio(home)[0].is_active(made.runs()[0].id)))
    assert seen
    assert all(seen)
    assert not made.is_active(design.id)
    assert not is_held(home / "nowhere", "r1")


def test_states_that_cannot_be_read_are_said_plainly(home: Path) -> None:
    made, _ = studio(home)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, on_event=dying("cut"))
    made.wired.checkpointer.conn.execute("DROP TABLE checkpoints")
    with pytest.raises(StorageFailed, match="cannot be gone on with"):
        made.resume(made.runs()[0].id)


def test_an_unforeseen_error_is_kept_without_its_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fake = studio(home)

    def fail(*args: Any) -> Any:
        raise RuntimeError("GET http://me:topsecret@host failed")

    monkeypatch.setattr(fake, "cut", fail)
    with pytest.raises(RuntimeError):
        made.design(BRIEF, seed=7)
    assert "topsecret" not in f"{made.show(made.runs()[0].id)} {made.wired.designs.errors(made.runs()[0].id)}"
