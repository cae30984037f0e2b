"""Batches: a bad line costs that line, a stop costs nothing."""

from __future__ import annotations

import io
import json
import os
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cutwork.batch import Source, opened, read, run_batch
from cutwork.domain import FOLLOW
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


def lines(out: Path) -> list[int]:
    return [int(str(row["line"])) for row in rows(out)]


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
    assert sorted(lines(out)) == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert {row["file"] for row in rows(out)} == {"b.jsonl"}


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
    (tmp_path / "good.csv").write_text('brief,seed\na cat,5\n"a dog, a fox",\n')
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


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_briefs(tmp_path: Path, studio: Studio) -> None:
    source = tmp_path / "b.txt"
    source.write_text("\n".join(f"a cat and a dog number {n}" for n in range(240)))
    held: list[int] = []
    tracemalloc.start()
    run_batch(source, tmp_path / "out", studio, plan_only=True, on_line=lambda done, total, text: held.append(tracemalloc.get_traced_memory()[0]))
    tracemalloc.stop()
    assert held[-1] - held[80] < 512 * 1024


DEEP = "[" * 100_000 + "]" * 100_000
ODD = [
    '"a cat"',
    '{"brief": "a dog \\ud800"}',
    '{"brief": "a fox", "seed": ' + "9" * 5_000 + "}",
    '{"brief": ' + DEEP + "}",
    '{"brief": "an owl", "kind": "\\udcff"}',
    '{"brief": "a hen", "\\udc00": 1}',
    '{"brief": "a cow", "seed": NaN}',
    '{"brief": "a pig", "captions": ' + "[" * 300 + "]" * 300 + "}",
    '"a rocket"',
]


def test_odd_lines_cost_only_themselves(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_bytes("\n".join(ODD).encode() + b'\n"a sheep \xff\xfe"\nplain \xe9\n"a horse"\n')
    for _ in range(2):
        summary = run_batch(source, out, studio, plan_only=True)
        assert summary["failed"] == 9
        assert summary["done"] + summary["skipped"] == 3
    results = rows(out)
    assert {r["line"] for r in results if r["status"] == "planned"} == {1, 9, 12}
    assert "UTF-8" in str(next(r["error"] for r in results if r["line"] == 10))


def test_odd_csv_costs_only_its_line(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.csv", tmp_path / "out"
    source.write_bytes(b"brief,seed\na cat,1\n" + b"x" * 140_000 + b",2\na dog and a fox, a hen,3\na \xff,4\n,5\nan owl,6\n")
    summary = run_batch(source, out, studio, plan_only=True)
    assert (summary["done"], summary["failed"]) == (2, 4)
    errors = {r["line"]: str(r["error"]) for r in rows(out) if r["status"] == "failed"}
    assert "field larger than" in errors[3]
    assert "quotes" in errors[4]


def test_csv_lists_are_split(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.csv", tmp_path / "out"
    source.write_text("brief,captions,palette\na cat,WHEN YOU | SEE IT,red|teal|\n")
    assert list(read(source)) == [(2, {"brief": "a cat", "captions": ["WHEN YOU", "SEE IT"], "palette": ["red", "teal"]})]
    run_batch(source, out, studio)
    (row,) = rows(out)
    assert row["design"]["kind"] == "meme"  # it has lettering
    assert any("palette red, teal" in note for note in row["design"]["notes"])


def test_what_was_asked_is_part_of_what_is_done(tmp_path: Path, studio: Studio, home: Path) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n")
    assert run_batch(source, out, studio, plan_only=True)["done"] == 1
    assert run_batch(source, out, studio)["done"] == 1
    assert (out / "00001" / "image.png").is_file()
    assert run_batch(source, out, studio)["skipped"] == 1
    (row,) = rows(out)
    assert row["status"] == "accepted"
    different: tuple[dict[str, Any], ...] = ({"steps": 3}, {"rounds": 2}, {"technique": "erg"}, {"guidance": 3.0}, {"llm": "openai:other"}, {"model": "elsewhere/other"})
    for changed in different:
        other = Studio(home=home, **{"llm": "offline", "model": "mini", "steps": 2, **changed})
        other.wired.__dict__["drawing"] = FakeDrawing(other.wired.blobs)
        summary = run_batch(source, out, other)  # the last two may fail, but are tried
        assert (summary["skipped"], summary["done"] + summary["failed"]) == (0, 1)
        assert len(rows(out)) == 1


def test_a_stopped_line_is_resumed_and_not_drawn_anew(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na dog\n")
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 6

    first = run_batch(source, out, studio, cancelled=cancelled)
    assert first["interrupted"]
    (stopped,) = rows(out)
    assert stopped["status"] == "cancelled"
    assert [id for id, *_ in studio.runs(10, "cancelled")] == [stopped["id"]]
    second = run_batch(source, out, studio)
    assert (second["done"], second["failed"]) == (2, 0)
    assert next(row["id"] for row in rows(out) if row["line"] == stopped["line"]) == stopped["id"]
    assert len(rows(out)) == 2
    assert len(studio.runs(10)) == 2
    assert run_batch(source, out, studio)["skipped"] == 2


def test_several_stopped_lines_keep_their_own_runs(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na cat\n")
    drawing, both, stop = studio.wired.drawing, threading.Barrier(2, timeout=30), threading.Event()
    begin = drawing.render

    def render(shot: object, watch: object) -> object:
        both.wait()
        stop.set()
        return begin(shot, watch)  # type: ignore[arg-type]

    drawing.render = render  # type: ignore[method-assign, assignment]
    run_batch(source, out, studio, jobs=2, cancelled=stop.is_set)
    assert {r["status"] for r in rows(out)} == {"cancelled"}
    runs = {r["line"]: r["id"] for r in rows(out)}
    assert len(set(runs.values())) == 2
    drawing.render = begin  # type: ignore[method-assign]
    run_batch(source, out, studio, jobs=2)
    assert {r["line"]: r["id"] for r in rows(out) if r["status"] in ("accepted", "best_effort")} == runs


def test_a_stopped_line_whose_run_is_gone_starts_anew(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n")
    run_batch(source, out, studio)
    (row,) = rows(out)
    (out / "results.jsonl").write_text(json.dumps({"line": 1, "key": row["key"], "status": "cancelled", "id": "20200101-000000-aaaaaa"}) + "\n[1]\n3\n")
    assert run_batch(source, out, studio)["done"] == 1


def test_a_plan_that_waits_is_not_done_and_not_begun_twice(tmp_path: Path, home: Path) -> None:
    studio = Studio(home=home, llm="offline", model="mini", steps=2, approve=True)
    studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs)
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n")
    for _ in range(2):
        summary = run_batch(source, out, studio)
        assert (summary["done"], summary["waiting"], summary["skipped"]) == (0, 1, 0)
    ((id, *_),) = studio.runs(10)
    studio.resume(id, True)
    assert run_batch(source, out, studio)["done"] == 1
    assert run_batch(source, out, studio)["skipped"] == 1


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, studio: Studio) -> None:
    source = tmp_path / "b.txt"
    source.write_text("a cat\n")
    with pytest.raises(BadInput, match=r"b\.txt"):
        run_batch(source, source, studio)


@pytest.mark.parametrize("plan_only", [True, False])
def test_what_cannot_be_done_yet_costs_its_line_and_says_so(tmp_path: Path, studio: Studio, plan_only: bool) -> None:
    lines = [{"palette": ["red"], "kind": "sticker"}, {"captions": ["HI"], "kind": "cutout"}, {"references": ["0" * 64]}, {"set": ["repeat=plaid"]}, {}]
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text("".join(json.dumps({"brief": "a cat", **line}) + "\n" for line in lines))
    assert run_batch(source, out, studio, plan_only)["failed"] == 4
    said = {row["line"]: str(row["error"]) for row in rows(out)}
    assert "only a textile is kept to a palette" in said[1]
    assert "only a meme has lettering" in said[2]
    assert "unknown fields references; allowed are brief, captions, follow, kind, palette, reference, seed, set, size" in said[3]
    assert "textile.repeat" in said[4]
    assert said[5] == "None"


def a_picture(path: Path, colour: str) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_line_begins_from_the_picture_beside_the_file(tmp_path: Path, studio: Studio, kind: str) -> None:
    folder, out = tmp_path / "briefs", tmp_path / "out"
    a_picture(folder / "a.png", "red")
    source = folder / f"b.{kind}"
    asked = [("a cat", "a.png", "0.5"), ("a dog", "nonesuch.png", ""), ("an owl", "", "0.5"), ("a fox", f"b.{kind}", ""), ("a tree", "a.png", "")]
    if kind == "csv":
        source.write_text("brief,reference,follow\n" + "".join(f"{','.join(row)}\n" for row in asked))
    else:
        named = [dict(zip(("brief", "reference", "follow"), row, strict=True)) for row in asked]
        source.write_text("".join(json.dumps({key: value for key, value in row.items() if value}) + "\n" for row in named))
    summary = run_batch(source, out, studio)
    assert (summary["done"], summary["failed"]) == (2, 3)
    said = [str(row["error"]) for row in rows(out)]
    for number, why in ((1, "there is no such file"), (2, "follow is 0.5, and the brief has no reference"), (3, "no PNG, JPEG or WebP")):
        assert why in said[number]
    made = [studio.show(str(row["id"])) for row in rows(out) if row["status"] != "failed"]
    assert [design.brief.follow for design in made] == [0.5, FOLLOW]
    assert len({design.brief.references for design in made}) == 1
    assert all(design.delivered and design.delivered.shot.keep for design in made)


def test_a_line_whose_picture_is_another_now_is_drawn_again(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    a_picture(tmp_path / "a.png", "red")
    source.write_text(json.dumps({"brief": "a cat", "reference": "a.png"}) + "\n\"a dog\"\n" + json.dumps({"brief": "a fox", "reference": 7}) + "\n")
    assert run_batch(source, out, studio)["done"] == 2
    assert (run_batch(source, out, studio)["skipped"], rows(out)[-1]["error"]) == (2, "reference is the path of one picture, got '7'")
    a_picture(tmp_path / "a.png", "blue")
    again = run_batch(source, out, studio)
    assert (again["done"], again["skipped"]) == (1, 1)


def test_a_batch_has_one_language_model_and_each_run_its_own_calls(tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutwork.agents import llm

    made: list[str] = []
    make = llm.make_llm

    def counted(name: str, **settings: Any) -> Any:
        made.append(name)
        return make(name, **settings)

    monkeypatch.setattr(llm, "make_llm", counted)
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na dog\na fox\na tree\n")
    run_batch(source, out, studio, jobs=3)
    assert made == ["offline"]
    for row in rows(out):
        calls = studio.wired.designs.calls(str(row["id"]))
        assert [call.agent for call in calls] == ["extension", "extraction", "layout"]
        assert all(str(row["brief"]) in call.prompt for call in calls)


# one row a line


def test_results_of_another_file_are_left_alone(tmp_path: Path, studio: Studio) -> None:
    out = tmp_path / "out"
    (tmp_path / "b.txt").write_text("a cat\n")
    (tmp_path / "other.txt").write_text("a dog\n")
    run_batch(tmp_path / "b.txt", out, studio, plan_only=True)
    before = {path: path.read_bytes() for path in out.rglob("*")}
    with pytest.raises(BadInput, match=r"results of b\.txt, not of other\.txt") as refused:
        run_batch(tmp_path / "other.txt", out, studio, plan_only=True)
    assert "--out" in str(refused.value.hint)
    assert {path: path.read_bytes() for path in out.rglob("*")} == before


def test_a_file_that_is_no_results_is_left_alone(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n")
    out.mkdir()
    (out / "results.jsonl").write_text('{"score": 1}\n')
    with pytest.raises(BadInput, match="not the results of a batch"):
        run_batch(source, out, studio, plan_only=True)
    assert (out / "results.jsonl").read_text() == '{"score": 1}\n'


def test_a_changed_line_has_its_new_row_only(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na dog\na fox\n")
    run_batch(source, out, studio, plan_only=True)
    source.write_text("a cat\nan owl\n")
    summary = run_batch(source, out, studio, plan_only=True)
    assert (summary["done"], summary["skipped"]) == (1, 1)
    assert {row["line"]: row["brief"] for row in rows(out)} == {1: "a cat", 2: "an owl"}
    assert lines(out) == [1, 2]


def test_a_row_that_is_done_stays_until_the_new_one_is_written(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\na dog\n")
    run_batch(source, out, studio, plan_only=True)
    seen: list[int] = []
    run_batch(source, out, studio, on_line=lambda done, total, text: seen.append(done), cancelled=lambda: len(seen) >= 1)
    assert {row["line"]: row["status"] for row in rows(out)} == {1: "accepted", 2: "planned"}
    assert len(lines(out)) == 2


@pytest.mark.parametrize("cut", [0, 1, 10, 60])
def test_a_batch_that_was_killed_loses_no_row_and_repeats_none(tmp_path: Path, studio: Studio, cut: int) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text("\n".join(MIXED))
    run_batch(source, out, studio, plan_only=True)
    results = out / "results.jsonl"
    twice = results.read_bytes() + results.read_bytes()  # as if killed before rows that were replaced could be taken out
    results.write_bytes(twice[: len(twice) - cut])
    (out / "results.jsonl.new").write_text("half a file")  # as if killed while they were
    assert run_batch(source, out, studio, plan_only=True)["skipped"] == 4
    assert sorted(lines(out)) == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert sorted(path.name for path in out.iterdir()) == ["results.jsonl"]


def test_results_that_cannot_be_written_anew_are_left_as_they_are(tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n\x07\n")
    run_batch(source, out, studio, plan_only=True)
    before = (out / "results.jsonl").read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BadInput, match="No space left"):
        run_batch(source, out, studio, plan_only=True)
    assert (out / "results.jsonl").read_bytes() == before
    assert [path.name for path in out.iterdir()] == ["results.jsonl"]


def test_two_batches_do_not_write_to_one_folder(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "b.txt", tmp_path / "out"
    source.write_text("a cat\n")
    said: list[str] = []

    def second(done: int, total: int, text: str) -> None:
        with pytest.raises(BadInput, match="another batch") as refused:
            run_batch(source, out, studio, plan_only=True)
        said.append(str(refused.value))

    run_batch(source, out, studio, plan_only=True, on_line=second)
    assert len(said) == 1
    assert run_batch(source, out, studio, plan_only=True)["skipped"] == 1


# what a line may be, and where it may come from


@pytest.mark.parametrize("text", ["null", "true", "false", "3", "-1.5e3", "9" * 5_000])
def test_json_that_is_no_text_and_no_object_is_that_lines_error(tmp_path: Path, studio: Studio, text: str) -> None:
    source, out = tmp_path / "b.jsonl", tmp_path / "out"
    source.write_text(f'{text}\n"{text[:9]}"\n3 cats\ntrue love\n')
    summary = run_batch(source, out, studio, plan_only=True)
    assert (summary["done"], summary["failed"]) == (3, 1)
    (error,) = [str(row["error"]) for row in rows(out) if row["status"] == "failed"]
    assert f"got {text[:80]}" in error or "not usable JSON" in error


def test_a_named_pipe_is_read_like_a_file(tmp_path: Path, studio: Studio) -> None:
    source, out = tmp_path / "pipe.csv", tmp_path / "out"
    os.mkfifo(source)
    for done, skipped in ((2, 0), (0, 2)):
        writer = threading.Thread(target=source.write_text, args=("brief,seed\na cat,1\na dog,2\n",))
        writer.start()
        summary = run_batch(source, out, studio, plan_only=True)
        writer.join()
        assert (summary["done"], summary["skipped"]) == (done, skipped)
    assert {row["file"] for row in rows(out)} == {"-"}
    assert {row["brief"] for row in rows(out)} == {"a cat", "a dog"}


def test_stdin_is_a_source(tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a cat\na dog\n")))
    assert run_batch(Path("-"), tmp_path / "out", studio, plan_only=True)["done"] == 2
    assert {row["file"] for row in rows(tmp_path / "out")} == {"-"}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a \0 cat\n")))
    with pytest.raises(BadInput, match=r"^- is not UTF-8 text"):
        run_batch(Path("-"), tmp_path / "out", studio, plan_only=True)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(BadInput, match="cannot be read"):
        run_batch(Path("-"), tmp_path / "out", studio, plan_only=True)


def test_an_opened_source_is_not_opened_again(tmp_path: Path) -> None:
    source = Source(tmp_path / "b.txt", "-")
    with opened(source) as again:
        assert again is source
