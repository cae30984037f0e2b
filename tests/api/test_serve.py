"""The service as a process: started, stopped and killed, and the tokens of the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cutwork.api.server import serve
from cutwork.cli import app
from cutwork.errors import BadInput, NotConfigured
from cutwork.studio import Studio

PATIENCE_S = 120.0


def test_tokens_are_added_listed_and_removed(home: Path) -> None:
    runner = CliRunner()
    added = json.loads(runner.invoke(app, ["token", "add", "ann", "--json"]).stdout)
    assert added["token"].startswith("cw_")
    listed = json.loads(runner.invoke(app, ["token", "list", "--json"]).stdout)
    assert [row["name"] for row in listed] == ["ann"]
    assert added["token"] not in json.dumps(listed)
    assert isinstance(runner.invoke(app, ["token", "add", "ann"]).exception, BadInput)
    assert runner.invoke(app, ["token", "remove", "ann"]).exit_code == 0
    assert json.loads(runner.invoke(app, ["token", "list", "--json"]).stdout) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_others_are_not_let_in_without_a_token(home: Path, host: str) -> None:
    with pytest.raises(NotConfigured, match="no token") as caught:
        serve(Studio(home=home), host, 0, print)
    assert "cutwork token add" in str(caught.value.hint)
    assert caught.value.exit_code == 3


def test_a_port_that_is_taken_is_said(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="cannot be bound"):
        serve(Studio(home=home), "127.0.0.1", taken.getsockname()[1], print)


class Process:
    """`cutwork serve`, as people start it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        command = [sys.executable, "-m", "cutwork", "serve", "--port", "0", "--json"]
        log = (home.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "CUTWORK_HOME": str(home), "OMP_NUM_THREADS": "1"})
        log.close()
        assert self.process.stdout is not None
        self.client = httpx.Client(base_url=json.loads(self.process.stdout.readline())["address"], timeout=60, trust_env=False)
        self.until(lambda: self.client.get("/readyz").status_code == 200)

    def until(self, true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def end(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(60)

    def run(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/runs/{id}").json()
        return found


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Process]]:
    home.mkdir(parents=True, exist_ok=True)
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(home))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.wait(60)
        one.process.stdout.close()  # type: ignore[union-attr]
        one.client.close()


@pytest.mark.slow
def test_a_process_that_is_told_to_stop_leaves_what_runs_to_the_next(start: Callable[[], Process]) -> None:
    """With the embedded model and the offline planner: SIGTERM in the middle, a new process, kill -9, a new process, done once."""
    first = start()
    asked = {"brief": "a grumpy cat and a rocket", "size": "128x128", "steps": 60, "rounds": 1, "seed": 7}
    ids = [first.client.post("/v1/designs", json=asked | {"seed": n}).json()["id"] for n in range(2)]
    first.until(lambda: any(event[1] == "step" for event in events(first, ids[0])))
    assert first.end(signal.SIGTERM) == 0
    second = start()
    second.until(lambda: len([event for event in events(second, ids[0]) if event[1] == "step"]) > 3)
    second.end(signal.SIGKILL)
    third = start()
    third.until(lambda: all(third.run(id)["finished"] for id in ids))
    assert [third.run(id)["status"] for id in ids] == ["done", "done"]
    designs = third.client.get("/v1/designs").json()["data"]
    assert sorted(row["id"] for row in designs) == sorted(ids)
    assert all(len(third.client.get(f"/v1/designs/{id}").json()["rounds"]) == 1 for id in ids)
    numbers = [number for number, _, _ in events(third, ids[0])]
    assert numbers == list(range(1, len(numbers) + 1))
    assert third.end(signal.SIGINT) == 0


def events(process: Process, id: str) -> list[tuple[int, str, str]]:
    """A run's events so far, from the database."""
    import sqlite3

    connection = sqlite3.connect(f"file:{process.home / 'cutwork.db'}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute("SELECT number, kind, data FROM job_events WHERE job = ? ORDER BY number", (id,)).fetchall()
    finally:
        connection.close()


@pytest.mark.slow
def test_the_whole_story(start: Callable[[], Process]) -> None:
    """From brief to textile export over HTTP, with nothing but what ships."""
    served = start()
    client = served.client
    run = client.post("/v1/designs", json={"brief": "a grumpy cat and a rocket on a purple background", "size": "128x128", "steps": 8, "rounds": 1, "seed": 7}).json()
    with client.stream("GET", run["links"]["events"]) as stream:
        kinds = [line[7:] for line in stream.iter_lines() if line.startswith("event: ")]
    assert kinds[-1] == "done"
    assert {"node", "step", "preview"} <= set(kinds)
    design = client.get(run["links"]["design"]).json()
    assert design["status"] in ("accepted", "best_effort")
    assert client.get(design["image"]).content.startswith(b"\x89PNG")
    finished = client.post(f"/v1/designs/{design['id']}/finish", json={"words": "half-drop in 4 colours, 72 dpi", "kind": "textile"}).json()
    served.until(lambda: served.run(finished["id"])["finished"])
    assert served.run(finished["id"])["status"] == "done"
    textile = client.get(finished["links"]["self"]).json()
    made = client.get(textile["links"]["design"]).json()
    assert (made["kind"], made["parent"]) == ("textile", design["id"])
    assert client.get(f"/v1/designs/{made['id']}/export", params={"form": "zip"}).content.startswith(b"PK")
    assert served.end(signal.SIGTERM) == 0
