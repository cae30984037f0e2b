"""Runs in SQL: what goes in comes out, whole or not at all, whoever else is writing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cutwork import domain
from cutwork.domain import (
    Artifact,
    Attended,
    Box,
    Brief,
    CaptionBand,
    Critique,
    Cutout,
    Design,
    DrawSettings,
    Expansion,
    Finding,
    HintSettings,
    Keep,
    LlmCall,
    Move,
    Plan,
    Receipt,
    Recut,
    Region,
    Reguide,
    Render,
    Reseed,
    Round,
    Shot,
    Size,
    Subject,
    Terms,
)
from cutwork.errors import BadInput, NotConfigured, StorageFailed
from cutwork.storage import tables
from cutwork.storage.db import check, open_database, reading, upgrade, writing
from cutwork.storage.designs import SqlDesigns
from cutwork.storage.rows import PLACES, TABLES, hashes, to_rows


def sha(n: int) -> str:
    return f"{n:064x}"


CAT = Subject(id="cat", phrase="a grumpy cat", noun="cat", attributes=("grumpy",), count=2, resembles=("fox",))
FOX = Subject(id="fox", phrase="a fox", noun="fox")
PLAN = Plan(
    prompt="two grumpy cats and a fox",
    background="teal stripes",
    subjects=(CAT, FOX),
    regions=(
        Region(subject="cat", box=Box((0.0, 0.1, 1 / 3, 0.9)), prompt="a grumpy cat", z=2),
        Region(subject="fox", box=Box((0.4, 0.1, 0.6, 0.9)), prompt="a fox", mask=sha(7)),
        Region(subject="cat", box=Box((0.7, 0.1, 1.0, 0.9)), prompt="a grumpy cat"),
    ),
    similar=(("cat", "fox"),),
    bands=(CaptionBand(text="MONDAY", box=Box((0.0, 0.0, 1.0, 0.1))),),
    size=Size((512, 256)),
    notes=("'sticker' is a medium",),
)


def a_round(number: int, plan: Plan = PLAN, seed: int = 2**63 - 1) -> Round:
    box = Box((0.1, 0.1, 0.3, 1 / 3))
    receipt = Receipt(planned=box, attended=Attended(box=None, inside=0.25, lift=3.5, leakage={"1": 0.1}), alpha=box, iou=0.7, overlap={"1": 0.0})
    repairs = (Recut(cut=plan.cut), Move(region=0, box=box), Reguide(draw=DrawSettings(guidance=6.0)))
    return Round(
        number=number,
        shot=Shot(plan=plan, seed=seed),
        render=Render(image=sha(10 + number), record=sha(20 + number), seed=seed, model="mini", steps=24, attended=(receipt.attended,), seconds=0.1),
        cutouts=(
            Cutout(subject="cat", region=0, image=sha(30 + number), mask=sha(40), box=box, receipt=receipt),
            Cutout(subject="fox", region=1, image=sha(50 + number), mask=sha(41), box=None, receipt=Receipt(planned=box, attended=Attended())),
        ),
        critique=Critique(
            score=0.4,
            scores={"geometry": 0.4, "0": 0.9},
            verdict="repair",
            findings=(
                Finding(subject=None, kind="caption", detail="ΩΩ 🐈", severity=0.5),
                Finding(subject="cat", region=0, kind="tiny", detail="", severity=1),
            ),
            repairs=repairs,
            disagreement=True,
        ),
        applied=Reseed(seed=5) if number == 1 else None,
    )


def a_design(id: str = "r1", created: str = "2026-01-01T00:00:00Z", **changes: Any) -> Design:
    moved = PLAN.model_copy(update={"draw": DrawSettings(guidance=7.5)})
    given: dict[str, Any] = {
        "status": "best_effort",
        "brief": Brief(text="two grumpy cats and a fox", kind="meme", seed=3, captions=("MONDAY",), palette=("teal",), references=(sha(1), sha(2))),
        "seed": 2**63 - 1,
        "model": "mini",
        "llm": "offline",
        "expansion": Expansion(prompt="two grumpy cats", style="flat"),
        "plan": PLAN,
        "rounds": (a_round(1), a_round(2), a_round(3, moved, 5)),
        "best": 2,
        "artifacts": (Artifact(kind="png", sha256=sha(60), media_type="image/png", name="image.png", width=512, height=256),),
        "timings": {"total": 1.25, "render": 1e-9},
        "created": created,
    }
    return Design(id=id, **(given | changes))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'cutwork.db'}"


@pytest.fixture
def designs(url: str) -> SqlDesigns:
    engine = open_database(url)
    upgrade(engine)
    return SqlDesigns(engine)


def count(designs: SqlDesigns, table: str) -> int:
    with reading(designs.engine) as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_design_comes_back_as_it_was(designs: SqlDesigns) -> None:
    designs.create(a_design())
    assert designs.get("r1") == a_design()


def test_a_design_without_anything_yet_comes_back(designs: SqlDesigns) -> None:
    bare = Design(id="bare", status="running", brief=Brief(text="a cat"), seed=0, model="mini", llm="offline")
    designs.create(bare)
    assert designs.get("bare") == bare


READER = """
import sys
from cutwork.storage.db import open_database
from cutwork.storage.designs import SqlDesigns
print(SqlDesigns(open_database(sys.argv[1])).get("r1").model_dump_json())
"""


def test_another_process_reads_what_was_saved(designs: SqlDesigns, url: str) -> None:
    designs.save(a_design())
    out = subprocess.run([sys.executable, "-c", READER, url], capture_output=True, text=True, check=True).stdout
    assert Design.model_validate_json(out) == a_design()


def test_creating_twice_is_refused_and_changes_nothing(designs: SqlDesigns) -> None:
    designs.create(a_design())
    with pytest.raises(BadInput, match="already a run 'r1'"):
        designs.create(a_design(status="failed"))
    assert designs.get("r1").status == "best_effort"


def test_saving_twice_doubles_no_row(designs: SqlDesigns) -> None:
    designs.save(a_design())
    before = {table.__tablename__: count(designs, table.__tablename__) for table in TABLES}
    designs.save(a_design())
    assert {table.__tablename__: count(designs, table.__tablename__) for table in TABLES} == before
    assert min(before.values()) > 0


def test_saving_replaces_what_is_gone_and_keeps_calls_and_events(designs: SqlDesigns) -> None:
    designs.save(a_design())
    designs.add_call("r1", LlmCall(agent="layout", llm="offline", prompt="p", answer="a", ok=True))
    designs.add_event("r1", "step", {"done": 1})
    shorter = a_design(rounds=(a_round(1),), best=1, artifacts=(), plan=None, expansion=None)
    designs.save(shorter)
    assert designs.get("r1") == shorter
    assert count(designs, "cutouts") == count(designs, "receipts") == 2
    assert (count(designs, "expansions"), count(designs, "artifacts"), count(designs, "plans")) == (0, 0, 1)
    assert (len(designs.calls("r1")), len(designs.events("r1"))) == (1, 1)


def test_a_plan_drawn_in_many_rounds_is_kept_once(designs: SqlDesigns) -> None:
    designs.save(a_design())
    assert count(designs, "plans") == 2  # three rounds, one of them with other guidance


def test_what_people_ask_is_in_columns(designs: SqlDesigns) -> None:
    designs.save(a_design())
    asked = """SELECT DISTINCT b.text, s.noun, c.verdict, t.iou, p.kind, a.name FROM runs r
        JOIN briefs b ON b.run = r.id JOIN subjects s ON s.run = r.id JOIN critiques c ON c.run = r.id
        JOIN receipts t ON t.run = r.id JOIN repairs p ON p.run = r.id JOIN artifacts a ON a.run = r.id
        WHERE r.status = 'best_effort' AND s.noun = 'fox' AND t.iou > 0.5 AND p.applied"""
    with reading(designs.engine) as connection:
        rows = [tuple(row) for row in connection.execute(text(asked))]
    assert rows == [("two grumpy cats and a fox", "fox", "repair", 0.7, "reseed", "image.png")]


def test_only_what_has_no_column_waits_in_rest() -> None:
    rows = to_rows(a_design())
    waiting = {table.__tablename__: sorted({key for row in found for key in row["rest"] or {}}) for table, found in rows.items()}
    assert {name: keys for name, keys in waiting.items() if keys} == {
        "briefs": ["follow", "similar", "wishes"],
        "expansions": ["captions", "finish"],
        "plans": ["finish"],
        "regions": ["strength"],
        "renders": ["unknown"],
        "repairs": ["box", "cut", "draw", "region", "seed"],
        "rounds": ["approved"],
        "runs": ["parent", "terms"],
    }


def test_no_field_has_the_name_of_a_place() -> None:
    taken_apart = {Design, Round, Shot}  # their plans and repairs are rows of their own
    values = {value for value in domain.Value.__subclasses__() if value.__module__ == "cutwork.domain"} - taken_apart
    assert len(values) > 10
    assert not {name for value in values for name in value.model_fields} & PLACES


def test_hashes_are_all_the_blobs_a_design_names() -> None:
    def walk(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set().union(*map(walk, value.values())) if value else set()
        if isinstance(value, list):
            return set().union(*map(walk, value)) if value else set()
        return {value} if isinstance(value, str) and len(value) == 64 else set()

    shown = DrawSettings(hints=(HintSettings(path="edges", image=sha(70)),))
    keep = Keep(image=sha(71), area=sha(72))
    design = a_design(plan=PLAN.model_copy(update={"draw": shown}), terms=Terms(model="mini", llm="offline", keep=keep))
    assert hashes(design) >= {sha(70), sha(71), sha(72)}
    assert hashes(design) == walk(design.model_dump(mode="json"))


def test_blobs_are_those_of_all_runs(designs: SqlDesigns) -> None:
    other = a_design("r2", rounds=(), best=None, artifacts=(), brief=Brief(text="x", references=(sha(99),)))
    designs.save(a_design())
    designs.save(other)
    assert designs.blobs() == hashes(a_design()) | hashes(other)


def test_list_is_newest_first_and_filtered(designs: SqlDesigns) -> None:
    for n in range(5):
        designs.create(a_design(f"r{n}", created=f"2026-01-0{5 - n}T00:00:00Z", status="accepted" if n % 2 else "failed"))
    assert [d.id for d in designs.list()] == ["r0", "r1", "r2", "r3", "r4"]
    assert [d.id for d in designs.list(limit=1, status="accepted")] == ["r1"]
    assert designs.list_summaries(limit=2) == [
        ("r0", "failed", "two grumpy cats and a fox", "2026-01-05T00:00:00Z"),
        ("r1", "accepted", "two grumpy cats and a fox", "2026-01-04T00:00:00Z"),
    ]


def test_runs_created_in_the_same_second_are_listed_last_inserted_first(designs: SqlDesigns) -> None:
    for id in ("b", "c", "a"):
        designs.create(a_design(id))
    designs.save(a_design("b"))
    assert [d.id for d in designs.list()] == ["a", "c", "b"]


def test_more_runs_than_one_query_reads(designs: SqlDesigns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutwork.storage.designs.AT_ONCE", 2)
    for n in range(5):
        designs.create(a_design(f"r{n}", created=str(n)))
    assert [d.id for d in designs.list()] == ["r4", "r3", "r2", "r1", "r0"]


@pytest.mark.parametrize(("limit", "status", "said"), [(0, None, "limit is 0"), (-1, None, "limit is -1"), (5, "done", "no status 'done'")])
def test_a_senseless_list_is_refused(designs: SqlDesigns, limit: int, status: str | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        designs.list(limit, status)
    with pytest.raises(BadInput, match=said):
        designs.list_summaries(limit, status)


def test_an_unknown_run_is_named(designs: SqlDesigns) -> None:
    call = LlmCall(agent="a", llm="offline", prompt="", answer="", ok=True)
    for ask in (
        lambda: designs.get("nope"),
        lambda: designs.add_event("nope", "x", {}),
        lambda: designs.add_call("nope", call),
        lambda: designs.set_status("nope", "failed"),
    ):
        with pytest.raises(BadInput, match="no run 'nope'"):
            ask()


def test_set_status_changes_only_how_it_stands(designs: SqlDesigns) -> None:
    designs.save(a_design())
    designs.set_status("r1", "failed", "out of memory")
    assert designs.get("r1") == a_design(status="failed", error="out of memory")
    designs.set_status("r1", "running")
    assert designs.get("r1") == a_design(status="running")
    with pytest.raises(BadInput, match="no status 'done'"):
        designs.set_status("r1", "done")


def test_past_errors_are_kept_once_each(designs: SqlDesigns) -> None:
    designs.create(a_design(status="failed", error="first"))
    designs.save(a_design(status="failed", error="first"))
    designs.set_status("r1", "running")
    designs.set_status("r1", "failed", "second")
    designs.save(a_design(status="accepted"))
    assert designs.errors("r1") == ["first", "second"]
    assert designs.get("r1").error is None


def test_find_by_artifact_knows_every_file_of_a_run(designs: SqlDesigns) -> None:
    designs.create(a_design("old", created="1"))
    designs.create(a_design("new", created="2"))
    designs.create(a_design("other", created="3", rounds=(), best=None, artifacts=()))
    for file in (sha(60), sha(11), sha(31)):  # artifact, image of round 1, cut-out of round 1
        assert designs.find_by_artifact(file) == ["new", "old"]
    assert designs.find_by_artifact(sha(999)) == []


def test_calls_come_back_in_order(designs: SqlDesigns) -> None:
    designs.save(a_design())
    calls = [LlmCall(agent=f"a{n}", llm="openai:x", prompt="é" * n, answer="{}", ok=n == 1, attempts=2, input_tokens=n, seconds=0.1) for n in range(3)]
    for call in calls:
        designs.add_call("r1", call)
    assert designs.calls("r1") == calls
    assert designs.calls("nope") == []


def test_events_are_numbered_from_one_in_each_run(designs: SqlDesigns) -> None:
    designs.save(a_design("r1"))
    designs.save(a_design("r2"))
    assert [designs.add_event(run, "step", {"n": [1, None]}) for run in ("r1", "r1", "r2")] == [1, 2, 1]
    assert designs.events("r1", after=1) == [(2, "step", {"n": [1, None]})]


def test_an_event_that_is_not_json_is_refused_whole(designs: SqlDesigns) -> None:
    designs.save(a_design())
    with pytest.raises(StorageFailed, match="cannot be stored"):
        designs.add_event("r1", "step", {"model": object()})
    assert designs.events("r1") == []


def test_a_number_json_cannot_hold_becomes_null(designs: SqlDesigns) -> None:
    designs.save(a_design())
    designs.add_event("r1", "step", {"loss": float("nan")})
    assert designs.events("r1") == [(1, "step", {"loss": None})]


def test_a_run_changed_by_hand_is_named(designs: SqlDesigns) -> None:
    designs.save(a_design())
    with writing(designs.engine) as connection:
        connection.execute(text("UPDATE cutouts SET image = 'xyz'"))
    with pytest.raises(StorageFailed, match="the run 'r1' in the database cannot be read"):
        designs.get("r1")


def test_restore_puts_a_run_back_whole_and_once(designs: SqlDesigns) -> None:
    call = LlmCall(agent="a", llm="offline", prompt="p", answer="a", ok=True)
    assert designs.restore(a_design(), [call], [("one", {}), ("two", {})]) is True
    assert designs.restore(a_design(), [call], [("one", {}), ("two", {})]) is False
    assert (designs.get("r1"), designs.calls("r1"), [n for n, *_ in designs.events("r1")]) == (a_design(), [call], [1, 2])
    with pytest.raises(BadInput, match="another run 'r1'"):
        designs.restore(a_design(model="flux"), [], [])


def test_an_error_in_a_transaction_undoes_all_of_it(designs: SqlDesigns) -> None:
    designs.save(a_design())

    def interrupted() -> None:
        with writing(designs.engine) as connection:
            connection.execute(text("DELETE FROM runs"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert designs.get("r1") == a_design()


def test_sqlite_is_set_up_for_many_readers_and_one_writer(designs: SqlDesigns) -> None:
    with reading(designs.engine) as connection:
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")}
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000}


def test_a_database_in_memory_is_shared_by_threads() -> None:
    engine = open_database("sqlite://")
    upgrade(engine)
    designs = SqlDesigns(engine)
    designs.save(a_design())
    threads = [threading.Thread(target=lambda: [designs.add_event("r1", "x", {}) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [n for n, *_ in designs.events("r1")] == list(range(1, 81))


WRITER = """
import sys
from cutwork.storage.db import open_database, upgrade
from cutwork.storage.designs import SqlDesigns
engine = open_database(sys.argv[1])
upgrade(engine)
designs = SqlDesigns(engine)
for n in range(40):
    designs.save(designs.get("r1"))
    designs.add_event("r1", sys.argv[2], {"n": n})
"""


@pytest.mark.slow
def test_two_processes_and_two_threads_on_one_database_lose_nothing(designs: SqlDesigns, url: str) -> None:
    designs.save(a_design())
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"p{n}"], stderr=subprocess.PIPE) for n in range(2)]
    threads = [threading.Thread(target=lambda: [designs.add_event("r1", "thread", {}) for _ in range(40)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    said = [process.communicate(timeout=60)[1] for process in processes]
    for thread in threads:
        thread.join()
    assert [process.returncode for process in processes] == [0, 0], said
    events = designs.events("r1")
    assert [number for number, *_ in events] == list(range(1, 161))
    assert [data["n"] for _, kind, data in events if kind == "p0"] == list(range(40))
    assert designs.get("r1") == a_design()


KILLED = """
import os, signal, sys
from sqlalchemy import text
from cutwork.storage.db import open_database, writing
with writing(open_database(sys.argv[1])) as connection:
    connection.execute(text("DELETE FROM rounds"))
    connection.execute(text("UPDATE runs SET status = 'failed'"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_while_writing_leaves_the_run_as_it_was(designs: SqlDesigns, url: str) -> None:
    designs.save(a_design())
    killed = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert designs.get("r1") == a_design()
    designs.set_status("r1", "running")  # and its lock is gone


def test_a_database_held_for_too_long_says_so(designs: SqlDesigns, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutwork.storage.db.BUSY_S", 0.2)
    impatient = SqlDesigns(open_database(url))
    started = time.monotonic()
    with writing(designs.engine), pytest.raises(StorageFailed, match="held by another process") as caught:
        impatient.save(a_design())
    assert 0.15 < time.monotonic() - started < 5
    assert caught.value.hint
    impatient.save(a_design())  # free again


def test_a_full_disk_keeps_what_was_there(designs: SqlDesigns) -> None:
    designs.save(a_design())
    with designs.engine.connect() as connection:  # the limit holds for this connection, which the pool hands out again
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFailed, match="disk may be full"):
        designs.add_event("r1", "big", {"text": "x" * 200_000})
    assert designs.get("r1") == a_design()
    assert designs.events("r1") == []


LIMITED = """
import resource, sys
from cutwork.errors import StorageFailed
from cutwork.storage.db import open_database
from cutwork.storage.designs import SqlDesigns
designs = SqlDesigns(open_database(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    designs.add_event("r1", "big", {"text": "x" * 2_000_000})
except StorageFailed as error:
    print(error)
"""


def test_a_file_that_may_not_grow_keeps_what_was_there(designs: SqlDesigns, url: str) -> None:
    designs.save(a_design())
    said = subprocess.run([sys.executable, "-c", LIMITED, url], capture_output=True, text=True, check=True).stdout
    assert "could not be written, the disk may be full" in said
    assert (designs.get("r1"), designs.events("r1"), check(designs.engine)) == (a_design(), [], [])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="cannot make the folder"):
        open_database(f"sqlite:///{tmp_path}/file/home/cutwork.db")


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "cutwork.db").mkdir()
    with pytest.raises(StorageFailed, match="cannot be opened or written") as caught:
        upgrade(open_database(f"sqlite:///{tmp_path}/cutwork.db"))
    assert "CUTWORK_HOME" in str(caught.value.hint)


def test_a_read_only_database_can_be_read_but_not_written(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    designs = SqlDesigns(open_database(f"sqlite:///{file}"))
    upgrade(designs.engine)
    designs.save(a_design())
    designs.engine.dispose()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    frozen = SqlDesigns(open_database(f"sqlite:///file:{file}?mode=ro&uri=true"))
    upgrade(frozen.engine)
    assert frozen.get("r1") == a_design()
    with pytest.raises(StorageFailed, match="cannot be opened or written"):
        frozen.save(a_design())


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("what?", BadInput, "cannot be read"),
        ("oracel://u:secret@h/d", BadInput, "no such database"),
        ("mssql+pymssql://u:secret@h/d", NotConfigured, "driver is not installed"),
    ],
)
def test_a_url_that_cannot_be_used(url: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_check_finds_damage(designs: SqlDesigns, tmp_path: Path) -> None:
    for n in range(20):
        designs.save(a_design(f"r{n}"))
    assert check(designs.engine) == []
    designs.engine.dispose()
    file = tmp_path / "deep" / "cutwork.db"
    with file.open("r+b") as damaged:
        damaged.seek(file.stat().st_size // 2)
        damaged.write(b"\xff" * 20_000)
    try:
        found = check(open_database(f"sqlite:///{file}"))
    except StorageFailed as error:
        found = [str(error)]
    assert found


def test_sqlite_itself_finds_the_file_sound(designs: SqlDesigns, tmp_path: Path) -> None:
    designs.save(a_design())
    connection = sqlite3.connect(tmp_path / "deep" / "cutwork.db")
    found = [connection.execute(f"PRAGMA {name}").fetchall() for name in ("integrity_check", "foreign_key_check")]
    connection.close()
    assert found == [[("ok",)], []]


fractions = st.floats(0, 1, allow_nan=False)
run_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
shas = st.integers(0, 2**256 - 1).map(sha)
seeds = st.integers(0, 2**63 - 1)
spans = st.tuples(fractions, fractions).map(sorted).filter(lambda v: v[0] < v[1])
boxes = st.builds(lambda x, y: Box((x[0], y[0], x[1], y[1])), spans, spans)
leaks = st.dictionaries(st.integers(0, 9).map(str), fractions, max_size=3)
attended = st.builds(Attended, box=st.none() | boxes, inside=fractions, lift=st.floats(0, 1e6), leakage=leaks)
receipts = st.builds(Receipt, planned=boxes, attended=attended, alpha=st.none() | boxes, iou=fractions, fragments=st.integers(0, 99), overlap=leaks)
cutouts = st.builds(Cutout, subject=st.just("s"), region=st.integers(0, 9), image=shas, mask=shas, box=st.none() | boxes, receipt=receipts)
moves = st.builds(Move, region=st.integers(0, 9), box=boxes)
repairs = moves | st.builds(Reseed, seed=seeds) | st.builds(domain.Ask, question=words) | st.builds(domain.Replan, reason=words)
kinds = st.sampled_from(["missing", "tiny", "wrong"])
findings = st.builds(Finding, subject=st.none() | words, region=st.none() | st.integers(0, 9), kind=kinds, detail=words, severity=fractions)
critiques = st.builds(
    Critique,
    score=fractions,
    scores=st.dictionaries(words, fractions, max_size=3),
    verdict=st.sampled_from(["accept", "repair"]),
    findings=st.lists(findings, max_size=2).map(tuple),
    repairs=st.lists(repairs, max_size=3).map(tuple),
    disagreement=st.booleans(),
)
regions = st.builds(Region, subject=st.just("s"), box=boxes, prompt=words, z=st.integers(0, 1000), mask=st.none() | shas)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    places = draw(st.lists(regions, min_size=1, max_size=3))
    subject = Subject(id="s", phrase=draw(words), noun=draw(words), attributes=tuple(draw(st.lists(words, max_size=2))), count=len(places))
    bands = draw(st.lists(st.builds(CaptionBand, text=words, box=boxes), max_size=1))
    notes = draw(st.lists(words, max_size=2))
    return Plan(prompt=draw(words), background=draw(words), subjects=(subject,), regions=tuple(places), bands=tuple(bands), notes=tuple(notes))


@st.composite
def whole_designs(draw: st.DrawFn) -> Design:
    some = draw(st.lists(plans(), min_size=1, max_size=2))
    shots = st.builds(Shot, plan=st.sampled_from(some), seed=seeds)
    renders = st.builds(Render, image=shas, record=shas, seed=seeds, model=words, steps=st.integers(0, 200), attended=st.lists(attended, max_size=2).map(tuple))
    rounds = tuple(
        Round(
            number=number,
            shot=draw(shots),
            render=draw(renders),
            cutouts=tuple(draw(st.lists(cutouts, max_size=2))),
            critique=draw(critiques),
            applied=draw(st.none() | repairs),
        )
        for number in range(1, draw(st.integers(1, 4)))
    )
    return Design(
        id=draw(run_ids),
        status=draw(st.sampled_from(["accepted", "failed", "running"])),
        brief=Brief(text="a cat", references=tuple(draw(st.lists(shas, max_size=2)))),
        seed=draw(seeds),
        model=draw(words),
        llm=draw(words),
        plan=draw(st.none() | st.sampled_from(some)),
        rounds=rounds,
        best=draw(st.none() | st.integers(1, 4)),
        timings=draw(st.dictionaries(words, st.floats(allow_nan=False, allow_infinity=False), max_size=3)),
        error=draw(st.none() | words),
    )


@pytest.fixture(scope="module")
def memory() -> SqlDesigns:
    engine = open_database("sqlite://")
    upgrade(engine)
    return SqlDesigns(engine)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=whole_designs(), second=whole_designs())
def test_whatever_was_saved_last_comes_back(memory: SqlDesigns, first: Design, second: Design) -> None:
    second = second.model_copy(update={"id": first.id})
    memory.save(first)
    assert memory.get(first.id) == first
    memory.save(second)
    assert memory.get(first.id) == second


def test_every_table_is_written_by_a_full_run(designs: SqlDesigns) -> None:
    designs.save(a_design(error="once"))
    designs.add_event("r1", "x", {})
    designs.add_call("r1", LlmCall(agent="a", llm="offline", prompt="", answer="", ok=True))
    of_runs = [table.__tablename__ for table in tables.Table.__subclasses__() if table.__module__ == tables.__name__]
    assert [name for name in of_runs if count(designs, name) == 0] == []
