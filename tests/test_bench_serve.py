"""The bench of the service: what its rows say, that they can be kept part by part, and that a queue can be worked off in several goes."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cutwork.cli import app
from cutwork.errors import BadInput
from cutwork.lab import bench_serve as bench
from cutwork.lab.bench_serve import Row


def test_a_row_is_met_missed_or_neither() -> None:
    assert [Row("load", "x", 500, "≥ 500").met, Row("load", "x", 499, "≥ 500").met] == [True, False]
    assert [Row("page", "x", 1.5, "≤ 1.5").met, Row("page", "x", 1.51, "≤ 1.5").met] == [True, False]
    assert Row("page", "x", 1).met is None


def test_the_table_says_what_is_wanted() -> None:
    told = bench.table([Row("page", "s until it is there", 0.3381, "≤ 1.5"), Row("load", "requests/s", 320, "≥ 500"), Row("load", "p50 ms", 3)]).splitlines()
    assert [line.split("wanted")[-1] for line in told[:2]] == [" ≤ 1.5: met", " ≥ 500: missed"]
    assert "0.338" in told[0]
    assert "wanted" not in told[2]


def test_parts_are_kept_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "results" / "serve.json"
    assert bench.kept(path) == []
    killed, old, new = Row("killed", "done", 5, "≥ 5", "a machine", "a command"), Row("page", "KB", 200, "≤ 300"), Row("page", "KB", 137, "≤ 300")
    bench.keep([killed], path)
    bench.keep([old], path)
    bench.keep([new], path)
    assert bench.kept(path) == [new, killed]
    assert json.loads(path.read_text()) == [
        {"part": "page", "name": "KB", "value": 137, "wanted": "≤ 300", "met": True},
        {"part": "killed", "name": "done", "value": 5, "wanted": "≥ 5", "machine": "a machine", "command": "a command", "met": True},
    ]


def test_each_part_is_handed_on_with_the_command_that_measures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "page", lambda: [Row("page", "KB", 137)])
    monkeypatch.setattr(bench, "hear", lambda listeners: [Row("listeners", "listeners", listeners)])
    parts: list[list[Row]] = []
    rows = bench.run(("page", "listeners"), listeners=7, each=lambda rows: parts.append(list(rows)))
    assert [row.command for row in rows] == ["cutwork bench serve --part page", "cutwork bench serve --part listeners --listeners 7"]
    assert [row for part in parts for row in part] == rows
    assert all(row.machine for row in rows)


def test_minutes_want_a_folder() -> None:
    found = CliRunner().invoke(app, ["bench", "serve", "--part", "killed", "--minutes", "1"])
    assert found.exit_code == 2
    assert "--folder" in found.output


@pytest.mark.slow
def test_a_queue_is_worked_off_in_several_goes(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    with pytest.raises(bench.Unfinished, match="of 3 jobs are done after 1 kills"):
        bench.kill(3, folder, seconds=0)  # ends with the first job
    rows = {row.name: row.value for row in bench.kill(3, folder)}
    assert (rows["jobs"], rows["done"], rows["done twice"], rows["exit code"]) == (3, 3, 0, 0)
    assert rows["kills"] == 3, "once at the end of the first go, twice in the middle"
    with pytest.raises(BadInput, match="a queue of 3 jobs, not of 4"):
        bench.kill(4, folder)


@pytest.mark.slow
def test_what_is_measured_of_the_page_is_what_is_sent() -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    if not any(map(shutil.which, bench.BROWSERS)):
        pytest.skip("no browser")
    size, median, slowest = bench.page(loads=1)
    assert 0 < median.value == slowest.value < bench.PATIENCE_S
    with bench.served() as server:
        with urllib.request.urlopen(server.address) as answer:
            names = [part.split('"')[0] for part in answer.read().decode().split('="/')[1:]]
        zipped = urllib.request.Request(f"{server.address}/{next(name for name in names if name.endswith('.js') and 'assets' in name)}", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(zipped) as answer:
            script = len(answer.read())
    assert script / 1e3 < size.value < 300
