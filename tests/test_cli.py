"""The commands as a shell sees them: real processes, exit codes, stdout that is only data."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from PIL import Image

from cutwork import cli
from cutwork.domain import Design
from cutwork.errors import BadInput, Cancelled, CutworkError, LicenceRefused, LlmFailed, NotConfigured, Refused, StorageFailed
from cutwork.graphs.fakes import FakeDrawing
from cutwork.signals import STOPS
from cutwork.studio import Studio, make_brief

FAST = ("--steps", "3", "--rounds", "1")
STATUSES = get_args(Design.model_fields["status"].annotation)
BRIEF = "a grumpy cat and a rocket on a purple background"


def cutwork(*args: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cutwork", *args], capture_output=True, text=True, timeout=timeout, env={**os.environ, **env}, check=False)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, cutwork.cli; bad = {'torch','diffusers','transformers','langgraph','langchain_core','sqlalchemy','cv2','numpy','pydantic'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_help_lists_every_command() -> None:
    text = cutwork("--help").stdout
    for command in ("design", "plan", "runs", "show", "resume", "rerun", "export", "import", "batch", "doctor", "config", "eval", "bench", "models", "demo", "gc"):
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
    (tmp_path / "cutwork.toml").write_text("rounds = 3\n")
    result = cutwork("config", "show", OPENAI_API_KEY="sk-very-secret", CUTWORK_MODEL="mini")
    assert "very-secret" not in result.stdout
    assert "env CUTWORK_MODEL" in result.stdout
    assert "cutwork.toml" in result.stdout


@pytest.mark.slow
def test_doctor_reports_and_exits_by_what_it_found() -> None:
    result = cutwork("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(result.stdout)}
    assert {"python", "torch", "opencv", "mini", "llm", "home", "database"} <= set(checks)
    assert all(c["mend"] for c in checks.values() if c["status"] == "bad")


@pytest.mark.slow
def test_design_end_to_end_and_the_same_bytes_again(tmp_path: Path) -> None:
    outcomes = []
    for folder in ("one", "two"):
        result = cutwork("design", BRIEF, "--seed", "7", *FAST, "--out", str(tmp_path / folder), "--json", timeout=600)
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
    command = [sys.executable, "-m", "cutwork", "design", BRIEF, "--seed", "7", "--steps", "12", "--rounds", "1", "--out", str(tmp_path / "o")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "drawing" in line:
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=120)
    assert process.returncode == 130
    (run,) = json.loads(cutwork("runs", "--json").stdout)
    assert run["status"] == "cancelled"
    result = cutwork("resume", run["id"], "--out", str(tmp_path / "o"), "--json", timeout=600)
    assert result.returncode in (0, 10), result.stderr


def begun(code: str, *args: str, **options: Any) -> subprocess.Popen[str]:
    """A process that does `code` and then `cutwork ARGS`."""
    said = f"import sys, threading, os, signal\nfrom cutwork.__main__ import main\nsys.argv = {['cutwork', *args]!r}\n{code}\nmain()"
    return subprocess.Popen([sys.executable, "-c", said], text=True, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})


@pytest.mark.parametrize("after", [0.02, 0.07, 0.15, 0.3])
@pytest.mark.parametrize("signum", STOPS)
def test_a_signal_while_it_starts_is_one_line(signum: signal.Signals, after: float) -> None:
    process = begun(f"threading.Timer({after}, os.kill, (os.getpid(), {int(signum)})).start()", "eval", "planner", "--json")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "cutwork: interrupted\n")


SLOW_FAKE = """
import time
from cutwork.graphs.fakes import FakeDrawing
from cutwork.ports import Watch
from cutwork.wiring import Wired
begin = FakeDrawing.render
Wired._drawing = lambda self, *asked: FakeDrawing(self.blobs)
FakeDrawing.render = lambda self, shot, watch: begin(self, shot, Watch(lambda done, total: (print('step', file=sys.stderr), time.sleep(0.1)), watch.cancelled))
"""


@pytest.mark.slow
def test_a_terminal_that_hangs_up_stops_the_run_and_keeps_it() -> None:
    master, slave = os.openpty()
    own = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
    process = begun(f"{own}\n{SLOW_FAKE}", "design", "a cat", "--steps", "100", stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    said = b""
    while b"step" not in said:
        said += os.read(master, 4096)
    os.close(master)
    assert process.wait(timeout=120) == 130
    ((_, status, *_),) = Studio().runs()
    assert status == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("args", [("design", "a cat"), ("batch", "b.txt", "--jobs", "2")])
def test_a_second_signal_does_not_wait_for_a_server(tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "b.txt").write_text("a cat\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**os.environ, "OPENAI_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "OPENAI_API_KEY": "k"}
        process = begun("from cutwork import console; console.PATIENCE_S = 0.3", *args, "--llm", "openai:x", env=env)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert any("signal again" in line for line in iter(process.stderr.readline, ""))  # two signals that are still waiting to be heard are one
        time.sleep(0.5)  # people are no faster
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
        connection.close()
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("cutwork: interrupted; cutwork runs shows")
    ((id, *_),) = Studio().runs()
    assert not Studio().is_active(id)


def test_a_batch_reads_what_a_shell_puts_in(tmp_path: Path) -> None:
    script = f'{sys.executable} -m cutwork batch <(echo a cat) --plan-only --json && echo a cat | {sys.executable} -m cutwork batch - --plan-only --json'
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["done"] for line in result.stdout.splitlines()] == [1, 0]


# In this process, with a drawing that needs no model: what every command prints and how it ends.

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quality() -> dict[str, float]:
    return {"of": 1.0}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quality: dict[str, float]) -> Command:
    """Runs `cutwork ARGS` and gives (exit code, stdout, stderr)."""

    class Fake(Studio):
        def __init__(self, *args: Any, **flags: Any) -> None:
            super().__init__(*args, **{"llm": "offline", "steps": 2, "rounds": 1, **flags})
            self.wired.__dict__["drawing"] = FakeDrawing(self.wired.blobs, quality=lambda shot, region: quality["of"])

    monkeypatch.setattr("cutwork.studio.Studio", Fake)

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cutwork", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return int(left.value.code or 0), printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("good", "flags", "status", "code"), [(1.0, (), "accepted", 0), (0.08, (), "best_effort", 10), (1.0, ("--approve",), "needs_approval", 0)]
)
def test_the_exit_code_says_what_became_of_a_design(
    command: Command, quality: dict[str, float], good: float, flags: tuple[str, ...], status: str, code: int
) -> None:
    quality["of"] = good
    left, out, _ = command("design", BRIEF, "--json", *flags)
    made = json.loads(out)
    assert (made["status"], left) == (status, code)
    if status == "needs_approval":
        left, out, _ = command("resume", made["id"], "--approve", "--json")
        assert (json.loads(out)["status"], left) == ("accepted", 0)


def test_a_design_begins_from_a_picture(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    Image.new("RGB", (40, 30), "red").save(path)
    code, out, _ = command("design", BRIEF, "--size", "64x64", "--reference", str(path), "--follow", "0.45", "--json")
    assert code == 0
    assert any(note.startswith("began from the given picture") and note.endswith("at 45 % noise") for note in json.loads(out)["notes"])
    code, out, _ = command("design", BRIEF, "--size", "64x64", "--reference", str(path), "--variants", "2", "--json")
    assert code == 0
    assert all("at 70 % noise" in " ".join(row["notes"]) for row in json.loads(out)["variants"])


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--reference", "nonesuch.png"), "nonesuch.png cannot be used: there is no such file"),
        (("--reference", "text.png"), "text.png cannot be used: this is no PNG, JPEG or WebP picture"),
        (("--reference", "large.png"), "large.png cannot be used: the picture has 34,603,008 bytes, at most 33,554,432 are taken in"),
        (("--reference", "a.png", "--reference", "a.png"), "2 reference pictures, and a drawing begins from one"),
        (("--reference", "a.png", "--follow", "1"), "follow"),
        (("--reference", "a.png", "--follow", "0"), "follow"),
        (("--follow", "0.5"), "follow is 0.5, and the brief has no reference picture"),
    ],
)
def test_what_no_drawing_can_begin_from_is_refused(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 30), "red").save("a.png")
    Path("text.png").write_text("no picture")
    with Path("large.png").open("wb") as sparse:
        sparse.truncate(33 << 20)
    code, out, err = command("design", BRIEF, *args, "--json")
    assert (code, out) == (2, "")
    assert says in err
    assert json.loads(command("runs", "--json")[1]) == []


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", ["design", "resume", "rerun"])
def test_every_status_has_an_exit_code(command: Command, monkeypatch: pytest.MonkeyPatch, name: str, status: str) -> None:
    design = Design(id="r1", status=status, brief=make_brief("a cat"), seed=1, model="mini", llm="offline")  # type: ignore[arg-type]
    monkeypatch.setattr(Studio, name, lambda *args, **kwargs: design)
    code, out, _ = command(name, "a cat", "--json")
    assert code == {"accepted": 0, "needs_approval": 0, "best_effort": 10, "failed": 1, "running": 1, "cancelled": 1}[status]
    assert json.loads(out)["status"] == (status if status != "running" else "stopped")  # nobody works on it


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CutworkError("x"), 1),
        (BadInput("x"), 2),
        (NotConfigured("x"), 3),
        (LicenceRefused("x"), 4),
        (Refused("x"), 5),
        (LlmFailed("x"), 1),
        (StorageFailed("x"), 1),
        (Cancelled("x"), 130),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (json.JSONDecodeError("Expecting value", "", 0), 2),
    ],
)
def test_every_error_has_an_exit_code(command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(Studio, "design", fail)
    left, out, err = command("design", "a cat", "--json")
    assert (left, out) == (code, "")
    assert err.startswith("cutwork: ")


@pytest.mark.parametrize("signum", STOPS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_stopped_run_is_named_and_can_be_gone_on_with(
    command: Command, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals, times: int
) -> None:
    begin = FakeDrawing.render

    def render(self: FakeDrawing, shot: Any, watch: Any) -> Any:
        for _ in range(times):
            signal.raise_signal(signum)
        return begin(self, shot, watch)

    monkeypatch.setattr(FakeDrawing, "render", render)
    code, out, err = command("design", BRIEF, "--json")
    monkeypatch.setattr(FakeDrawing, "render", begin)
    (run,) = json.loads(command("runs", "--json")[1])
    assert (code, out, run["status"]) == (130, "", "cancelled")
    how = "stopped at step 0" if times == 1 else "interrupted"
    assert err.splitlines()[-1] == f"cutwork: {how}; go on with: cutwork resume {run['id']}"
    assert command("resume", run["id"], "--json")[0] == 0


def test_a_delivery_that_was_interrupted_names_its_run(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Studio, "deliver", lambda *args: signal.raise_signal(signal.SIGTERM))
        code, out, err = command("design", BRIEF, "--json", "--quiet")
    (run,) = json.loads(command("runs", "--json")[1])
    assert (code, out, err) == (130, "", f"cutwork: interrupted; go on with: cutwork resume {run['id']}\n")
    assert command("resume", run["id"], "--json")[0] == 0


@pytest.mark.parametrize("signum", STOPS)
def test_a_stopped_batch_says_how_to_go_on(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signum: signal.Signals) -> None:
    (tmp_path / "b.txt").write_text("a cat\na dog\na fox\n")
    plan = Studio.plan
    with monkeypatch.context() as patch:
        patch.setattr(Studio, "plan", lambda *args: (signal.raise_signal(signum), plan(*args))[1])
        code, out, err = command("batch", "b.txt", "--plan-only", "--json")
    assert (code, json.loads(out)["interrupted"]) == (130, True)
    assert err.splitlines()[-1] == "cutwork: stopped with 2 line(s) left; the same command goes on where it stopped"
    code, out, _ = command("batch", "b.txt", "--plan-only", "--json")
    assert (code, json.loads(out)["done"] + json.loads(out)["skipped"], json.loads(out)["skipped"] > 0) == (0, 3, True)


@pytest.mark.slow
def test_json_is_one_value_for_every_command(command: Command, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("a cat\n\na \x07 dog\n")
    (tmp_path / "p.jsonl").write_text('{"tag": "single_object", "include": [{"class": "cat", "count": 1}], "prompt": "a photo of a cat"}\n')
    made = json.loads(command("design", BRIEF, "--seed", "7", "--json")[1])
    id = made["id"]
    for args, code in (
        (("plan", BRIEF), 0),
        (("runs",), 0),
        (("gc",), 0),
        (("show", id), 0),
        (("resume", id), 0),
        (("rerun", id), 0),
        (("export", id, "run.zip"), 0),
        (("import", "run.zip"), None),
        (("batch", "b.txt"), 1),
        (("batch", "b.txt", "--plan-only"), 1),
        (("doctor",), None),
        (("demo",), 0),
        (("config", "show"), 0),
        (("models", "show"), None),
        (("eval", "planner", "--prompts", "p.jsonl"), 0),
        (("bench", "overhead", "--rounds", "1"), 0),
    ):
        left, out, err = command(*args, "--json")
        assert code in (left, None), (args, err)
        if left in (0, 1, 10) and not (args[0] == "import" and left):
            json.loads(out)
            assert out.count("\n") == 1, args


def test_text_that_stdout_cannot_show_is_escaped(tmp_path: Path) -> None:
    result = cutwork("plan", "a café cat 🐈", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0, result.stderr
    assert "café" in json.dumps(json.loads(result.stdout), ensure_ascii=False)


@pytest.mark.parametrize("args", [("design", "a cat"), ("demo",), ("rerun", "{id}"), ("show", "{id}"), ("resume", "{id}"), ("batch", "b.txt")])
def test_an_out_that_is_a_file_is_refused_before_anything_is_drawn(command: Command, tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "b.txt").write_text("a cat\n")
    id = json.loads(command("design", "a cat", "--json")[1])["id"]
    before = command("runs", "--json")[1]
    code, out, err = command(*(a.format(id=id) for a in args), "--out", "taken")
    assert (code, out) == (2, "")
    assert "taken" in err
    assert command("runs", "--json")[1] == before
    assert (tmp_path / "taken").read_text() == "mine"


def test_show_of_a_run_without_files(command: Command) -> None:
    waiting = json.loads(command("design", BRIEF, "--approve", "--json")[1])
    for flags in ((), ("--json",)):
        code, out, err = command("show", waiting["id"], *flags)
        assert code == 0, err
        if flags:
            assert json.loads(out)["artifacts"] == []
        else:
            assert out == ""
            assert f"resume {waiting['id']} --approve" in err
            assert "rocket" in err


def test_a_brief_with_markup_is_text_everywhere(command: Command) -> None:
    brief = "a cat [/b] and a [red]dog[/red] :rocket:"
    for args in (("plan", brief), ("design", brief), ("design", brief, "--approve")):
        code, out, err = command(*args)
        assert code == 0, err
    code, out, _ = command("runs")
    assert code == 0
    assert out.count("[red]dog[/red] :rocket:") == 2
    for row in json.loads(command("runs", "--json")[1]):
        assert command("show", row["id"])[0] == 0


def test_design_says_where_the_files_went(command: Command, tmp_path: Path) -> None:
    _, out, err = command("design", "a cat", "--out", "here")
    assert "here/image.png" in out.splitlines()
    assert "files are in here" in err
    assert "files are in" not in command("design", "a cat", "--out", "here", "--quiet")[2]


@pytest.mark.parametrize(("args", "says"), [(("--status", "lost"), "best_effort"), (("--limit", "0"), "--limit"), (("--limit", "9" * 30), "--limit")])
def test_runs_refuses_what_it_cannot_list(command: Command, args: tuple[str, ...], says: str) -> None:
    code, out, err = command("runs", *args)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("text", ["not json\n", "[1]\n", '{"prompt": "a cat"}\n', "\ud800"])
def test_a_prompt_list_that_is_none_is_refused(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "p.jsonl").write_bytes(text.encode("utf-16" if text == "\ud800" else "utf-8", errors="surrogatepass"))
    code, out, err = command("eval", "planner", "--prompts", "p.jsonl", "--json")
    assert (code, out) == (2, ""), err
    assert "p.jsonl" in err


def test_completion_installs_into_the_home_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    script = f"{sys.executable} -m cutwork --install-completion; exit $?"  # a shell, so that there is one to find
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path / "user")})
    assert result.returncode == 0, result.stderr
    assert "_CUTWORK_COMPLETE" in (tmp_path / "user" / ".bash_completions" / "cutwork.sh").read_text()


# the edges


@pytest.mark.slow
@pytest.mark.parametrize("url", ["http://[::1", "http://h:port/v1", "http://me:topsecret@h:99999/v1"])
@pytest.mark.parametrize("args", [("plan", "a cat"), ("design", "a cat"), ("config", "show"), ("doctor",)])
def test_an_address_that_is_none_is_one_line(args: tuple[str, ...], url: str) -> None:
    result = cutwork(*args, OPENAI_BASE_URL=url)
    said = result.stderr or result.stdout
    assert result.returncode == 3, said
    assert "OPENAI_BASE_URL" in said
    assert "Traceback" not in result.stderr
    assert "topsecret" not in result.stdout + result.stderr
    if args[0] != "doctor":
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)


@pytest.mark.slow
def test_an_unreachable_server_is_named_without_its_password(home: Path) -> None:
    url = "http://me:topsecret@127.0.0.1:9/v1?api_key=topsecret"
    for args in (("plan", "a cat"), ("design", "a cat"), ("doctor",)):
        result = cutwork(*args, OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-topsecret", CUTWORK_LLM_RETRIES="0")
        assert result.returncode == 3
        assert "127.0.0.1:9" in result.stdout + result.stderr
        assert "topsecret" not in result.stdout + result.stderr
    assert cutwork("runs", "--json").stdout.count("failed") == 1
    for file in home.rglob("*"):
        assert not file.is_file() or b"topsecret" not in file.read_bytes(), file


def test_a_recording_answers_in_place_of_a_model(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = json.loads(command("plan", BRIEF, "--json", "--record", "calls.jsonl")[1])
    assert (tmp_path / "calls.jsonl").read_text().count("\n") == 3
    assert json.loads(command("plan", BRIEF, "--json", "--llm", "replay:calls.jsonl")[1]) == planned
    left, out, err = command("design", BRIEF, "--json", "--llm", "replay:calls.jsonl", "--record", "again.jsonl")
    made = json.loads(out)
    assert (left, made["llm"], made["plan"]["regions"]) == (0, "replay:calls.jsonl", planned["regions"]), err
    assert (tmp_path / "again.jsonl").read_text().count("\n") == 3
    code, _, err = command("plan", "a fox", "--llm", "replay:nonesuch.jsonl")
    assert (code, "nonesuch.jsonl" in err) == (2, True)


def test_plan_takes_the_flags_of_design(command: Command) -> None:
    code, out, err = command("plan", BRIEF, "--seed", "7", "--steps", "5", "--model", "mini", "--json")
    assert (code, json.loads(out)["draw"]["steps"]) == (0, 5)
    assert "same for every seed" in err
    assert command("plan", BRIEF, "--model", "nonesuch")[0] == 2
    assert command("plan", BRIEF, "--seed", "-1")[0] == 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("resume", "x", "--approve", "--reject", "larger"), "both given"),
        (("resume", "x", "--reject", " "), "--reject is empty"),
        (("design", "a", "cat"), "put it in quotes"),
        (("plan", "a", "cat"), "put it in quotes"),
        (("plan", "a cat", "--sede", "3"), "--seed"),
        (("runs", "--limit", "some"), "--limit"),
        (("runs", "--delete", "nonesuch"), "nonesuch"),
    ],
)
def test_what_makes_no_sense_gets_a_helpful_line(command: Command, args: tuple[str, ...], says: str) -> None:
    code, out, err = command(*args)
    assert (code, out) == (2, "")
    assert says in err


def test_runs_are_deleted_and_their_files_let_go(command: Command, home: Path) -> None:
    ids = [json.loads(command("design", "a cat", "--seed", seed, "--json")[1])["id"] for seed in "123"]
    code, out, err = command("runs", "--delete", ids[0])
    assert (code, out) == (0, "")
    assert ids[0] in err
    assert json.loads(command("runs", "--delete", ids[1], "--json")[1]) == {"deleted": [ids[1]]}
    assert [run["id"] for run in json.loads(command("runs", "--json")[1])] == [ids[2]]
    for file in (home / "blobs").rglob("*"):
        os.utime(file, (1, 1))
    swept = json.loads(command("gc", "--json")[1])
    assert swept["states"] == 1
    assert swept["blobs"] > 0
    assert "0 file(s)" in command("gc")[2]
    assert command("show", ids[2])[0] == 0


def test_a_run_that_stopped_midway_is_shown_as_that(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    id = json.loads(command("design", "a cat", "--approve", "--json")[1])["id"]
    Studio().wired.designs.set_status(id, "running")
    code, out, err = command("runs")
    assert (code, "stopped" in out, "running" in out) == (0, True, False)
    assert "cutwork resume" in err
    assert f"cutwork resume {id}" in command("show", id)[2]
    (row,), told = json.loads(command("runs", "--json")[1]), json.loads(command("show", id, "--json")[1])
    assert (row["status"], told["status"]) == ("stopped", "stopped")
    with Studio().wired.lease(id):
        assert json.loads(command("runs", "--json")[1])[0]["status"] == "running"
        assert "running" in command("runs")[1]
        assert "still running" in command("show", id)[2]


def test_a_failed_run_says_how_to_go_on(command: Command) -> None:
    id = json.loads(command("design", "a cat", "--approve", "--json")[1])["id"]
    Studio().wired.designs.set_status(id, "failed", "out of luck")
    _, _, err = command("show", id)
    assert "out of luck" in err
    assert f"cutwork resume {id}" in err


def test_a_second_run_into_a_folder_leaves_nothing_of_the_first(command: Command, tmp_path: Path) -> None:
    command("design", BRIEF, "--out", "o")
    (tmp_path / "o" / "notes.txt").write_text("mine")
    made = json.loads(command("design", "a fox", "--out", "o", "--json")[1])
    there = {str(path.relative_to(tmp_path)) for path in (tmp_path / "o").rglob("*.*") if path.is_file()}
    named = {a["path"] for a in made["artifacts"]} | {r["image"] for r in made["rounds"]} | {c["mask"] for c in made["cutouts"]}
    assert there == named | {"o/notes.txt", "o/.cutwork.json"}


def test_a_home_that_can_only_be_read_is_said_plainly(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    id = json.loads(command("design", "a cat", "--json")[1])["id"]

    def read_only(*args: Any) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorname = "SQLITE_CANTOPEN"
        raise error

    monkeypatch.setattr("cutwork.storage.db._prepare_sqlite", read_only)
    code, out, err = command("show", id)
    assert (code, out) == (1, "")
    assert "check that its folder exists and is writable" in err


def test_models_lists_what_is_known_with_licence_and_presence(command: Command) -> None:
    code, out, _ = command("models", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows) == {"flux-schnell", "flux-dev", "sd3-medium", "sd3.5-medium", "sd3.5-large", "sdxl", "sd15"}
    assert (rows["flux-schnell"]["licence"], rows["flux-dev"]["gated"], rows["sdxl"]["gated"], rows["sd15"]["here"]) == ("Apache-2.0", True, False, False)
    code, out, err = command("models")
    assert (code, "black-forest-labs/FLUX.1-dev" in out, "models show NAME" in err) == (0, True, True)


def test_a_model_that_is_not_here_is_shown_with_how_to_get_it_and_what_it_needs(command: Command) -> None:
    code, out, _ = command("models", "show", "flux-dev")
    assert code == 0
    for said in ("Non-Commercial", "accept the licence on https://huggingface.co/black-forest-labs/FLUX.1-dev", "hf download", "billion weights", "28 passes"):
        assert said in out
    code, _, err = command("models", "show", "nonesuch")
    assert (code, "there is no model 'nonesuch'" in err) == (2, True)


@pytest.mark.slow
def test_drawing_with_a_model_that_is_not_here_is_a_configuration_error() -> None:
    result = cutwork("design", "a cat", "--model", "stable-diffusion-v1-5/stable-diffusion-v1-5", "--size", "256x256", *FAST)
    assert (result.returncode, result.stdout) == (3, "")
    for said in ("1.1 billion weights", "made for pictures of 512 pixels", "hf download stable-diffusion-v1-5/stable-diffusion-v1-5", "CreativeML OpenRAIL-M"):
        assert said in result.stderr
