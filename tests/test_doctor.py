"""Each bad thing, provoked: it is marked, there is a way to mend it, and doctor exits 3."""

from __future__ import annotations

import importlib.metadata
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cutwork import doctor
from cutwork.agents.replay import Recording
from cutwork.cli import app
from cutwork.doctor import Check, examine
from cutwork.domain import LlmCall
from cutwork.settings import Settings
from cutwork.wiring import Wired


def checks() -> dict[str, Check]:
    return {check.name: check for check in examine()}


def told(name: str) -> tuple[int, str]:
    """Exit code of the command, and what it printed about one check."""
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = result.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line[2:].startswith(name + " "))
    return result.exit_code, "\n".join(lines[at : at + 2])


def test_a_good_place_is_marked_good() -> None:
    found = checks()
    for name in ("python", "torch", "opencv", "llm", "fonts", "home", "database", "checkpoints"):
        assert found[name].status == "ok", found[name]
        assert found[name].mend == ""


def test_a_home_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CUTWORK_HOME", str(tmp_path / "file" / "home"))
    for name in ("home", "database"):
        code, text = told(name)
        assert code == 3
        assert text.startswith("✗")
        assert "→" in text
        assert "CUTWORK_HOME" in text


def test_two_opencvs(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "5" if name.startswith("opencv") else known(name))
    code, text = told("opencv")
    assert code == 3
    assert text.startswith("✗")
    assert "opencv-python and opencv-python-headless" in text
    assert "→ pip uninstall -y opencv-python " in text


def test_a_language_model_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    code, text = told("llm")
    assert code == 3
    assert text.startswith("✗")
    assert "127.0.0.1:9" in text
    assert "→ check OPENAI_BASE_URL" in text


def test_a_database_that_is_none(home: Path) -> None:
    home.mkdir()
    (home / "cutwork.db").write_bytes(b"this is not a database" * 100)
    code, text = told("database")
    assert code == 3
    assert text.startswith("✗")
    assert "→" in text


def test_a_database_with_a_hole(home: Path) -> None:
    assert Wired(Settings()).designs is not None
    with closing(sqlite3.connect(home / "cutwork.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        names = {row[1]: row for row in connection.execute("PRAGMA table_info(errors)")}
        values = {name: 1 if "INT" in row[2] else "'lost'" for name, row in names.items()}
        connection.execute(f"INSERT INTO errors ({', '.join(values)}) VALUES ({', '.join(map(str, values.values()))})")
        connection.commit()
    code, text = told("database")
    assert code == 3
    assert "a row of errors belongs to no row of runs" in text
    assert "→ export" in text


def test_checkpoints_are_looked_at(home: Path) -> None:
    assert checks()["checkpoints"].found == "none yet"
    assert Wired(Settings()).checkpointer is not None
    assert "MiB" in checks()["checkpoints"].found


def test_checkpoints_that_are_none(home: Path) -> None:
    home.mkdir()
    (home / "checkpoints.db").write_bytes(b"this is not a database" * 100)
    code, text = told("checkpoints")
    assert code == 3
    assert "→ move the file aside" in text


def test_a_variable_that_sets_nothing_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTWORK_MODLE", "mini")
    found = checks()["environment"]
    assert (found.mark, found.found, found.mend) == ("!", "CUTWORK_MODLE sets nothing", "did you mean CUTWORK_MODEL?")
    assert told("environment")[0] == 0


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "cutwork.toml").write_text("rounds = 99\n")
    code, text = told("settings")
    assert code == 3
    assert "rounds" in text
    assert "→" in text


def test_a_check_that_breaks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(doctor, "_fonts", broken)
    code, text = told("broken")
    assert code == 3
    assert "boom" in text
    assert "→ reinstall" in text


def test_a_recording_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUTWORK_LLM", "replay:calls.jsonl")
    assert (checks()["llm"].status, "no recording" in checks()["llm"].found) == ("bad", True)
    Recording(tmp_path / "calls.jsonl").add(LlmCall(agent="layout", llm="m", prompt="p", answer="a", ok=True))
    assert checks()["llm"].found == "replay:calls.jsonl, 1 recorded calls"


def test_an_address_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:topsecret@127.0.0.1:9/v1")
    check = checks()["llm"]
    assert "127.0.0.1:9" in check.found
    assert "topsecret" not in f"{check}"


@pytest.mark.slow
def test_downloaded_weights_are_looked_for_where_they_are_kept(tmp_path: Path) -> None:
    name = "somebody/flux-tiny"
    snapshot = tmp_path / "weights" / "hub" / "models--somebody--flux-tiny" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("1")
    (tmp_path / "cutwork.toml").write_text(f'hf_home = "weights"\nmodel = "{name}"\n')
    code = "from cutwork.doctor import examine; print([c.status for c in examine() if c.name == 'model'])"
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("HF_HO", "HF_HUB_C"))}
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=plain, check=True).stdout == "['ok']\n"
