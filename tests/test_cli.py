"""The commands as a shell sees them: real processes, exit codes, stdout that is only data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cutwork import cli

BRIEF = "a grumpy cat and a rocket on a purple background"


def cutwork(*args: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cutwork", *args], capture_output=True, text=True, timeout=timeout, env={**os.environ, **env}, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, cutwork.cli; bad = {'torch','diffusers','transformers','langgraph','langchain_core','sqlalchemy','cv2','numpy','pydantic'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_help_lists_every_command() -> None:
    text = cutwork("--help").stdout
    for command in ("design", "plan", "runs", "show", "resume", "rerun", "export", "import", "batch", "doctor", "config", "eval", "bench", "models", "demo"):
        assert f" {command} " in text


def test_plan_prints_one_json_value() -> None:
    result = cutwork("plan", BRIEF, "--json")
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert [s["noun"] for s in plan["subjects"]] == ["cat", "rocket"]
    assert all(0 <= v <= 1 for r in plan["regions"] for v in r["box"])


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("plan", ""), 2, "empty"),
        (("plan", "x" * 100_000), 2, "100,000 characters"),
        (("plan", "a \x07 cat"), 2, "control characters"),
        (("plan", "a cat", "--size", "0x0"), 2, "multiple of 16"),
        (("plan", "a cat", "--size", "100x100"), 2, "multiple of 16"),
        (("plan", "a cat", "--size", "999999x999999"), 2, "2048"),
        (("plan", "a cat", "--size", "wide"), 2, "WIDTHxHEIGHT"),
        (("plan", "a cat", "--kind", "poem"), 2, "poem"),
        (("plan", "a cat", "--llm", "clippy"), 2, "clippy"),
        (("plan", "a cat", "--no-such-flag"), 2, "no-such-flag"),
        (("design", "a cat", "--model", "nonesuch"), 2, "nonesuch"),
        (("design", "a cat", "--seed", "-1"), 2, "seed"),
        (("show", "nonesuch"), 2, "nonesuch"),
        (("resume", "nonesuch"), 2, "nonesuch"),
        (("rerun", "nonesuch.png"), 2, "nonesuch.png"),
        (("import", "nonesuch.zip"), 2, "nonesuch.zip"),
        (("batch", "nonesuch.jsonl"), 2, "nonesuch.jsonl"),
        (("frobnicate",), 2, "frobnicate"),
    ],
)
def test_bad_input_is_refused_with_its_reason(args: tuple[str, ...], code: int, says: str) -> None:
    result = cutwork(*args)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_unreachable_llm_is_a_configuration_error() -> None:
    result = cutwork("plan", "a cat", "--llm", "openai:x", OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="k", CUTWORK_LLM_RETRIES="0")
    assert result.returncode == 3, result.stderr
    assert "127.0.0.1:9" in result.stderr


def test_a_home_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = cutwork("runs", CUTWORK_HOME=str(tmp_path / "file" / "home"))
    assert result.returncode in (1, 3), result.stderr
    assert "Traceback" not in result.stderr
    assert "home" in result.stderr


def test_a_corrupt_database_is_left_alone(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "cutwork.db").write_bytes(b"this is not a database" * 100)
    result = cutwork("runs")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert (home / "cutwork.db").read_bytes().startswith(b"this is not a database")


def test_runs_of_a_fresh_home_is_an_empty_list() -> None:
    assert json.loads(cutwork("runs", "--json").stdout) == []


def test_config_show_names_origins_and_hides_secrets(tmp_path: Path) -> None:
    (tmp_path / "cutwork.toml").write_text('rounds = 3\n')
    result = cutwork("config", "show", OPENAI_API_KEY="sk-very-secret", CUTWORK_MODEL="mini")
    assert "very-secret" not in result.stdout
    assert "env CUTWORK_MODEL" in result.stdout
    assert "cutwork.toml" in result.stdout


def test_doctor_reports_and_exits_by_what_it_found() -> None:
    result = cutwork("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(result.stdout)}
    assert {"python", "torch", "opencv", "mini", "llm", "home", "database"} <= set(checks)
    assert all(c["mend"] for c in checks.values() if c["status"] == "bad")


@pytest.mark.slow
def test_design_end_to_end_and_the_same_bytes_again(tmp_path: Path) -> None:
    outcomes = []
    for folder in ("one", "two"):
        result = cutwork("design", BRIEF, "--seed", "7", "--out", str(tmp_path / folder), "--json", timeout=600)
        assert result.returncode in (0, 10), result.stderr
        outcomes.append(json.loads(result.stdout))
    first, second = outcomes
    assert {c["subject"] for c in first["cutouts"]} == {"cat", "rocket"}
    for artifact in first["artifacts"]:
        assert Path(artifact["path"]).is_file()
    names = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(tmp_path / "two") for p in (tmp_path / "two").rglob("*") if p.is_file())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert [a["sha256"] for a in first["artifacts"]] == [a["sha256"] for a in second["artifacts"]]
    shown = json.loads(cutwork("show", first["id"], "--out", str(tmp_path / "three"), "--json").stdout)
    assert shown["plan"] == first["plan"]
    again = cutwork("rerun", first["image"], "--out", str(tmp_path / "four"), "--json", timeout=600)
    assert json.loads(again.stdout)["artifacts"][0]["sha256"] == first["artifacts"][0]["sha256"]


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "cutwork", "design", BRIEF, "--seed", "7", "--out", str(tmp_path / "o")], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "drawing" in line:
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            break
    process.wait(timeout=120)
    assert process.returncode == 130
    (run,) = json.loads(cutwork("runs", "--json").stdout)
    assert run["status"] == "cancelled"
    result = cutwork("resume", run["id"], "--out", str(tmp_path / "o"), "--json", timeout=600)
    assert result.returncode in (0, 10), result.stderr


def test_every_status_has_an_exit_code() -> None:
    assert cli.app is not None
    from cutwork.errors import BadInput, Cancelled, CutworkError, LicenceRefused, NotConfigured, Refused

    assert [e.exit_code for e in (CutworkError, BadInput, NotConfigured, LicenceRefused, Refused, Cancelled)] == [1, 2, 3, 4, 5, 130]
