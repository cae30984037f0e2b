"""Batches: a bad line costs that line, a stop costs nothing."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from cutwork.batch import read, run_batch
from cutwork.errors import BadInput
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio


@pytest.fixture
def studio(home: Path) -> Studio:
    made = Studio(home=home, llm="offline", model="mini", steps=2)
    made.wired.__dict__["drawing"] = FakeDrawing(made.wired.blobs)
    return made


def rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


MIXED = [
    '"a cat on a teal background"',
    "a plain line about a dog",
    '{"brief": "two foxes", "seed": 5, "size": "128x128"}',
    '{"brief": "broken json',
    '{"brief": ""}',
    '{"brief": "a cat", "colour": "red"}',
    '{"text": "no brief here"}',
    "",
    '{"brief": "a rocket", "size": "17x17"}',
    '"the last one, an owl"',
]


def test_bad_lines_are_reported_by_number_and_cost_only_themselves(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text("\n".join(MIXED))
    summary = run_batch(source, out, studio)
    assert (summary["done"], summary["failed"], summary["skipped"]) == (4, 5, 0)
    failed = {row["line"]: row["error"] for row in rows(out) if row["status"] == "failed"}
    assert sorted(failed) == [4, 5, 6, 7, 9]
    assert "not JSON" in str(failed[4])
    assert "empty" in str(failed[5])
    assert "colour" in str(failed[6])
    assert (out / "00003" / "image.png").is_file()


def test_a_second_run_skips_what_is_done_and_retries_what_failed(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text("\n".join(MIXED))
    run_batch(source, out, studio)
    again = run_batch(source, out, studio)
    assert (again["done"], again["skipped"], again["failed"]) == (0, 4, 5)


def test_a_stop_keeps_what_is_done(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text("\n".join(f"{n} cats" for n in range(1, 10)))
    seen: list[int] = []
    first = run_batch(source, out, studio, plan_only=True, on_line=lambda done, total, text: seen.append(done), cancelled=lambda: len(seen) >= 3)
    assert first["interrupted"]
    assert first["done"] == 3
    second = run_batch(source, out, studio, plan_only=True)
    assert (second["done"], second["skipped"]) == (6, 3)
    assert sorted(int(str(r["line"])) for r in rows(out)) == list(range(1, 10))


def test_a_line_cut_short_by_a_crash_is_done_again(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na dog\n")
    run_batch(source, out, studio, plan_only=True)
    text = (out / "results.jsonl").read_text().splitlines()
    (out / "results.jsonl").write_text(text[0] + "\n" + text[1][:40])
    summary = run_batch(source, out, studio, plan_only=True)
    assert (summary["done"], summary["skipped"]) == (1, 1)
    complete = [line for line in (out / "results.jsonl").read_text().splitlines() if line.endswith("}")]
    assert sorted(json.loads(line)["line"] for line in complete) == [1, 2]


def test_csv_needs_a_brief_column(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("brief,seed\na cat,5\n\"a dog, a fox\",\n")
    assert list(read(tmp_path / "good.csv")) == [(2, {"brief": "a cat", "seed": "5"}), (3, {"brief": "a dog, a fox"})]
    (tmp_path / "bad.csv").write_text("text\na cat\n")
    with pytest.raises(BadInput, match="column named brief"):
        list(read(tmp_path / "bad.csv"))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00cat")
    with pytest.raises(BadInput, match="UTF-8"):
        list(read(tmp_path / "b.jsonl"))


def test_several_jobs_give_the_same_results(tmp_path: Path, studio: Studio) -> None:
    source = tmp_path / "b.txt"
    source.write_text("\n".join(f"a cat and {n} dogs" for n in range(2, 8)))
    plans = []
    for jobs in (1, 3):
        out = tmp_path / f"out{jobs}"
        run_batch(source, out, studio, plan_only=True, jobs=jobs)
        plans.append({r["line"]: r["plan"] for r in rows(out)})
    assert plans[0] == plans[1]


def test_memory_does_not_grow_with_the_number_of_briefs(tmp_path: Path, studio: Studio) -> None:
    source = tmp_path / "b.txt"
    source.write_text("\n".join(f"a cat and a dog number {n}" for n in range(240)))
    held: list[int] = []
    tracemalloc.start()
    run_batch(source, tmp_path / "out", studio, plan_only=True, on_line=lambda done, total, text: held.append(tracemalloc.get_traced_memory()[0]))
    tracemalloc.stop()
    assert held[-1] - held[80] < 512 * 1024
