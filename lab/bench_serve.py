"""How the service holds up, over real sockets on loopback against a real server process with the embedded model.

    load       status and list requests while pictures are drawn: requests a second, and how long the slow ones take
    listeners  many event streams of one run: whether each heard every event once, and how long events took to arrive
    killed     a full queue, the server killed in the middle and started again: whether every job was done, and none twice
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PARTS = ("load", "listeners", "killed")
BRIEF = "a grumpy cat and a rocket on a purple background"
DRAWN = {"brief": BRIEF, "size": "256x256", "steps": 40, "rounds": 1}  # long enough to be under way all the time
SMALL = {"brief": BRIEF, "size": "64x64", "steps": 2, "rounds": 1}
PATIENCE_S = 900.0
Report = dict[str, float]


class Server:
    """A server process on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._log = (home / "log").open("ab")
        command = [sys.executable, "-m", "cutwork", "serve", "--port", "0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True, env={**os.environ, "CUTWORK_HOME": str(home)})
        assert self.process.stdout is not None
        self.address: str = json.loads(self.process.stdout.readline())["address"]
        self.wait(lambda: self.get("/readyz")["ready"])

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait(self, true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if true():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"the server did not get there in {PATIENCE_S:.0f} s")

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time it has had; nan where that cannot be known."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def done(self, id: str) -> None:
        """Wait for a run; RuntimeError if it went wrong."""
        self.wait(lambda: self.get(f"/v1/runs/{id}")["finished"])
        run = self.get(f"/v1/runs/{id}")
        if run["status"] != "done":
            raise RuntimeError(f"run {id} is {run['status']}: {run['error']}")

    def kill(self, signum: int = signal.SIGTERM) -> float:
        """End it; seconds that took."""
        began = time.perf_counter()
        self.process.send_signal(signum)
        self.process.wait(60)
        self._log.close()
        return time.perf_counter() - began


@contextmanager
def served() -> Iterator[Server]:
    """A server for a while."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.kill()


def run(parts: Sequence[str] = PARTS, seconds: float = 10.0, connections: int = 8, listeners: int = 200, jobs: int = 100) -> dict[str, Report]:
    """The parts asked for, each on a server of its own."""
    does: dict[str, Callable[[], Report]] = {
        "load": lambda: load(seconds, connections),
        "listeners": lambda: hear(listeners),
        "killed": lambda: kill(jobs),
    }
    return {part: does[part]() for part in parts}


def load(seconds: float, connections: int) -> Report:
    """Requests a second of runs and lists, first while nothing is drawn, then while a picture is."""
    with served() as server:
        done = [server.post("/v1/designs", SMALL | {"seed": n})["id"] for n in range(12)]
        server.done(done[-1])
        paths = {"status": f"/v1/runs/{done[0]}", "list of runs": "/v1/runs?limit=10", "list of designs": "/v1/designs?limit=10"}
        before = server.cpu_s
        idle = asyncio.run(_load(server.address, list(paths.values()), seconds, connections))
        idle["server's CPU ms a request"] = 1e3 * (server.cpu_s - before) / (idle["requests/s"] * seconds)  # whatever else the machine does
        drawn = [server.post("/v1/designs", DRAWN | {"seed": n})["id"] for n in range(50)]
        server.wait(lambda: server.get(f"/v1/runs/{drawn[0]}")["status"] == "running")
        time.sleep(1.0)
        busy = asyncio.run(_load(server.address, list(paths.values()), seconds, connections))
        kinds = {name: asyncio.run(_load(server.address, [path], seconds / 2, connections)) for name, path in paths.items()}
        assert server.get(f"/v1/runs/{drawn[-1]}")["status"] == "waiting", "drawing ended before the measurement did"
        kinds = {"all, nothing is drawn": idle, "all": busy} | kinds
        return {f"{name}, {key}": value for name, found in kinds.items() for key, value in found.items()}


async def _load(address: str, paths: Sequence[str], seconds: float, connections: int) -> Report:
    """As many requests as so many connections can make, one after the other on each."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def work(first: int) -> None:
        reader, writer = await _connect(address)
        requests = [f"GET {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n".encode() for path in paths]
        n = first
        while (began := time.perf_counter()) < until:
            writer.write(requests[n % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            took.append(time.perf_counter() - began)
            n += 1
        writer.close()

    await asyncio.gather(*(work(n) for n in range(connections)))
    took.sort()
    return {"requests/s": len(took) / seconds, "p50 ms": 1e3 * took[len(took) // 2], "p99 ms": 1e3 * took[int(len(took) * 0.99)], "worst ms": 1e3 * took[-1]}


def hear(listeners: int) -> Report:
    """Streams of one run that is drawn meanwhile: events that were lost, doubled or out of order, and how long they took."""
    with served() as server:
        warm = server.post("/v1/designs", SMALL)["id"]
        server.done(warm)
        id = server.post("/v1/designs", DRAWN | {"steps": 60})["id"]
        heard = asyncio.run(_hear(server.address, f"/v1/runs/{id}/events", listeners))
        rows = _rows(server.home, "SELECT number, at, kind FROM job_events WHERE job = ? ORDER BY number", id)
    kept = {number: datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() for number, at, _ in rows}
    wanted = list(kept)
    wrong = sum([number for number, _ in events] != wanted for events in heard)
    delays = sorted(at - kept[number] for events in heard for number, at in events if number > 2)  # the first were there before anybody listened
    return {
        "listeners": len(heard),
        "events": len(wanted),
        "listeners that lost or doubled one": wrong,
        "delay p50 ms": 1e3 * delays[len(delays) // 2],
        "delay p95 ms": 1e3 * delays[int(len(delays) * 0.95)],
        "delay worst ms": 1e3 * delays[-1],
    }


async def _hear(address: str, path: str, listeners: int) -> list[list[tuple[int, float]]]:
    async def listen() -> list[tuple[int, float]]:
        reader, writer = await _connect(address)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n".encode())
        events, number = [], 0
        while line := await reader.readline():
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: "):
                events.append((number, time.time()))
            elif line == b"0\r\n":  # the last chunk
                break
        writer.close()
        return events

    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*(listen() for _ in range(listeners)))


def kill(jobs: int) -> Report:
    """A queue of small pictures; the server is killed with some of them done, and again when it is back."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = Server(home)
        ids = [server.post("/v1/designs", SMALL | {"seed": n})["id"] for n in range(jobs)]
        began = time.perf_counter()
        for share in (0.3, 0.6):
            server.wait(lambda share=share: _done(home) >= share * jobs)  # type: ignore[misc]
            server.kill(signal.SIGKILL)
            server = Server(home)
        server.wait(lambda: _done(home) >= jobs)
        took = time.perf_counter() - began
        stopped = server.kill()
        rows = _rows(home, "SELECT id, status, deaths FROM jobs")
        ends = _rows(home, "SELECT job, count(*) FROM job_events WHERE kind = 'done' GROUP BY job")
        runs = _rows(home, "SELECT runs.id, runs.status, count(rounds.number) FROM runs LEFT JOIN rounds ON rounds.run = runs.id GROUP BY runs.id")
        return {
            "jobs": len(ids),
            "done": sum(status == "done" for _, status, _ in rows),
            "done twice": sum(count > 1 for _, count in ends) + sum(rounds > 1 for _, _, rounds in runs) + abs(len(runs) - len(ids)),
            "begun again after a kill": sum(deaths for _, _, deaths in rows),
            "seconds": took,
            "seconds to stop in the end": stopped,
            "exit code": float(server.process.returncode),
        }


def _done(home: Path) -> int:
    return int(_rows(home, "SELECT count(*) FROM jobs WHERE finished IS NOT NULL")[0][0])


def _rows(home: Path, asked: str, *values: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{home / 'cutwork.db'}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(asked, values).fetchall()
    finally:
        connection.close()


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(address)
    return await asyncio.open_connection(parts.hostname, parts.port)


def table(found: dict[str, Report]) -> str:
    """The figures for people."""
    return "\n".join(f"{part:<10} {name:<46} {value:10.1f}" for part, report in found.items() for name, value in report.items())
