"""How the service holds up, over real sockets on loopback against a real server process with the embedded model.

    page       the page in Chromium with an empty cache: bytes that are sent, and how long until one can write in it
    load       status and list requests while pictures are drawn: requests a second, and how long the slow ones take
    listeners  many event streams of one run: whether each heard every event once, and how long events took to arrive
    killed     a full queue, the server killed in the middle and started again: whether every job was done, and none twice

A queue that is killed can be worked off in several goes: with a folder of its own, and minutes after which a go ends as it began, with SIGKILL.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cutwork.errors import BadInput, Cancelled, NotConfigured
from cutwork.lab import evaluate

PARTS = ("page", "load", "listeners", "killed")
RESULTS = evaluate.RESULTS / "serve.json"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BRIEF = "a grumpy cat and a rocket on a purple background"
DRAWN = {"brief": BRIEF, "size": "256x256", "steps": 40, "rounds": 1}  # long enough to be under way all the time
SMALL = {"brief": BRIEF, "size": "64x64", "steps": 2, "rounds": 1}
PATIENCE_S = 900.0
LOADS = 5  # of the page
KILLED_AT = (0.3, 0.6)  # share of the queue that is done
NOTES = "bench.json"  # in the folder of a queue that is worked off in several goes: how often it was killed, and seconds it took
REACTS = """
(() => {
  const look = () => {
    const field = document.querySelector("textarea[aria-label=Brief]");
    const button = document.querySelector("form.brief button[type=submit]");
    if (field) {
      field.focus();
      document.execCommand("insertText", false, "a");
    }
    if (button && !button.disabled) window.reacted = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""  # writes in the composer from its first frame on; milliseconds since the navigation began when the page has taken it in


@dataclass(frozen=True)
class Row:
    """One figure."""

    part: str  # of `PARTS`
    name: str
    value: float
    wanted: str = ""  # what it should be: "≥ 500", "≤ 0"
    machine: str = ""
    command: str = ""  # measures it

    @property
    def met(self) -> bool | None:
        """Whether it is what it should be; None where nothing is wanted."""
        if not self.wanted:
            return None
        bound = float(self.wanted[1:])
        return self.value >= bound if self.wanted[0] == "≥" else self.value <= bound


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

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
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
        if self.process.stdout is not None:
            self.process.stdout.close()
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


def run(
    parts: Sequence[str] = PARTS, seconds: float = 10.0, connections: int = 8, listeners: int = 200, jobs: int = 100,
    folder: Path | None = None, minutes: float | None = None, each: Callable[[Sequence[Row]], None] = lambda rows: None,
) -> list[Row]:  # fmt: skip
    """The rows of the parts asked for, each on a server of its own.

    Args:
        folder: of the queue that is killed, where another go is to go on with it. minutes: of a go.
        each: given the rows of each part once they are there.

    Raises:
        BadInput: if the folder has another queue. NotConfigured: if there is no browser. Unfinished: if the queue is not done after so many minutes.
    """
    does: dict[str, tuple[str, Callable[[], list[Row]]]] = {
        "page": ("", lambda: page()),
        "load": (f" --seconds {seconds:g} --connections {connections}", lambda: load(seconds, connections)),
        "listeners": (f" --listeners {listeners}", lambda: hear(listeners)),
        "killed": (f" --jobs {jobs}", lambda: kill(jobs, folder, math.inf if minutes is None else 60 * minutes)),
    }
    out: list[Row] = []
    for part in parts:
        how, measured = does[part]
        rows = [replace(row, machine=evaluate.machine(), command=f"cutwork bench serve --part {part}{how}") for row in measured()]
        each(rows)
        out += rows
    return out


def page(loads: int = LOADS) -> list[Row]:
    """The page where a browser has nothing of it yet: what is sent, and how long until what is written in it is taken in."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotConfigured("playwright is not installed", "pip install 'cutwork[dev]'") from None
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NotConfigured(f"there is no browser: none of {', '.join(BROWSERS)} is on the path", "on Debian: apt-get install chromium")
    with served() as server, sync_playwright() as driver:
        server.done(server.post("/v1/designs", SMALL)["id"])  # its model is loaded
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        looked = [_opened(browser, server.address) for _ in range(loads + 1)][1:]  # the first is to warm up
        browser.close()
    seconds = sorted(interactive for interactive, _ in looked)
    return [
        Row("page", "first load, KB as sent", max(size for _, size in looked) / 1e3, "≤ 300"),
        Row("page", f"s until it takes in what is written, median of {loads}", statistics.median(seconds), "≤ 1.5"),
        Row("page", "s until it takes in what is written, slowest", seconds[-1]),
    ]


def _opened(browser: Any, address: str) -> tuple[float, int]:
    """One visit: seconds from the navigation until the page reacted, and bytes that came over the line until nothing more did."""
    context = browser.new_context()
    opened = context.new_page()
    wire, sizes = context.new_cdp_session(opened), list[int]()
    wire.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    wire.send("Network.enable")
    opened.add_init_script(REACTS)
    opened.goto(address)
    opened.wait_for_function("() => window.reacted")
    opened.wait_for_load_state("networkidle")
    reacted = float(opened.evaluate("() => window.reacted"))
    context.close()
    return round(reacted / 1e3, 4), sum(sizes)


def load(seconds: float, connections: int) -> list[Row]:
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
        wanted = {"requests/s": "≥ 500", "p99 ms": "≤ 50"}
        before_all = [Row("load", f"all, nothing is drawn, {key}", value) for key, value in idle.items()]
        return before_all + [Row("load", f"{name}, {key}", value, wanted.get(key, "")) for name, found in ({"all": busy} | kinds).items() for key, value in found.items()]


async def _load(address: str, paths: Sequence[str], seconds: float, connections: int) -> dict[str, float]:
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


def hear(listeners: int) -> list[Row]:
    """Streams of one run that is drawn meanwhile: events that were lost, doubled or out of order, and how long they took."""
    with served() as server:
        warm = server.post("/v1/designs", SMALL)["id"]
        server.done(warm)
        id = server.post("/v1/designs", DRAWN | {"steps": 60})["id"]
        heard = asyncio.run(_hear(server.address, f"/v1/runs/{id}/events", listeners))
        rows = _rows(server.home, "SELECT number, at, kind FROM job_events WHERE job = ? ORDER BY number", id)
    kept = {number: datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() for number, at, _ in rows}
    wanted = list(kept)
    wrong = sum([number for number, _ in events] != wanted for _, events in heard)
    delays = sorted(at - kept[number] for since, events in heard for number, at in events if kept[number] > since)  # others were there before it listened
    found: list[tuple[str, float, str]] = [
        ("listeners", len(heard), ""),
        ("events", len(wanted), ""),
        ("listeners that lost or doubled one", wrong, "≤ 0"),
        ("delay p50 ms", 1e3 * delays[len(delays) // 2], ""),
        ("delay p95 ms", 1e3 * delays[int(len(delays) * 0.95)], "≤ 100"),
        ("delay worst ms", 1e3 * delays[-1], ""),
    ]
    return [Row("listeners", *figure) for figure in found]


async def _hear(address: str, path: str, listeners: int) -> list[tuple[float, list[tuple[int, float]]]]:
    """Of each listener, since when its stream was open, and when it heard which event."""

    async def listen() -> tuple[float, list[tuple[int, float]]]:
        reader, writer = await _connect(address)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        since, events, number = time.time(), list[tuple[int, float]](), 0
        while line := await reader.readline():
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: "):
                events.append((number, time.time()))
            elif line == b"0\r\n":  # the last chunk
                break
        writer.close()
        return since, events

    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*(listen() for _ in range(listeners)))


class Unfinished(Cancelled):
    """A queue is not done yet; the next go does more of it."""


def kill(jobs: int, folder: Path | None = None, seconds: float = math.inf) -> list[Row]:
    """A queue of small pictures; the server is killed with some of them done, and again when it is back, and when the time is up.

    Raises:
        Unfinished: if it is not done by then. BadInput: if the folder has a queue of another length.
    """
    with _home(folder) as home:
        notes = {"jobs": jobs, "kills": 0, "seconds": 0.0} | _noted(home)
        if notes["jobs"] != jobs:
            raise BadInput(f"{home} has a queue of {notes['jobs']} jobs, not of {jobs}", f"give --jobs {notes['jobs']}, or another folder")
        server = Server(home)
        began, before = time.monotonic(), _done(home)

        def is_late() -> bool:  # a go that brings nothing to its end would kill the same job again and again, until it is taken to be what kills
            return time.monotonic() - began > seconds and _done(home) > before

        try:
            for n in range(jobs):  # those that are there stay as they are
                server.post("/v1/designs", SMALL | {"seed": n}, **{"Idempotency-Key": f"job {n}"})
            while True:
                share = next((share for share in KILLED_AT if share * jobs > notes.get("killed at", 0)), 1.0)
                server.wait(lambda share=share: _done(home) >= share * jobs or is_late())  # type: ignore[misc]
                if _done(home) >= jobs and share == 1.0:
                    break
                late = is_late()
                server.kill(signal.SIGKILL)
                notes |= {"kills": notes["kills"] + 1, "seconds": notes["seconds"] + (time.monotonic() - began if late else 0)}
                notes |= {} if late else {"killed at": share * jobs}
                (home / NOTES).write_text(json.dumps(notes))
                if late:
                    raise Unfinished(f"{_done(home)} of {jobs} jobs are done after {notes['kills']} kills", "the same command goes on with them")
                server = Server(home)
            took = notes["seconds"] + time.monotonic() - began
            return _told(home, server, notes | {"seconds": took})
        finally:
            if server.process.poll() is None:
                server.kill(signal.SIGKILL)


def _told(home: Path, server: Server, notes: Mapping[str, Any]) -> list[Row]:
    """What came of a queue that is done."""
    stopped = server.kill()
    rows = _rows(home, "SELECT id, status, deaths FROM jobs")
    ends = _rows(home, "SELECT job, count(*) FROM job_events WHERE kind = 'done' GROUP BY job")
    runs = _rows(home, "SELECT runs.id, runs.status, count(rounds.number) FROM runs LEFT JOIN rounds ON rounds.run = runs.id GROUP BY runs.id")
    jobs = notes["jobs"]
    found: list[tuple[str, float, str]] = [
        ("jobs", len(rows), f"≤ {jobs}"),
        ("done", sum(status == "done" for _, status, _ in rows), f"≥ {jobs}"),
        ("done twice", sum(count > 1 for _, count in ends) + sum(rounds > 1 for _, _, rounds in runs) + abs(len(runs) - len(rows)), "≤ 0"),
        ("kills", notes["kills"], f"≥ {len(KILLED_AT)}"),
        ("begun again after a kill", sum(deaths for _, _, deaths in rows), ""),
        ("seconds", notes["seconds"], ""),
        ("seconds to stop in the end", stopped, ""),
        ("exit code", float(server.process.returncode), "≤ 0"),
    ]
    return [Row("killed", *figure) for figure in found]


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    """A folder that stays, or one for now."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def _noted(home: Path) -> dict[str, Any]:
    """What earlier goes wrote down."""
    path = home / NOTES
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


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


# --------------------------------------------------------------------------------------------------------------- telling


def table(rows: Sequence[Row]) -> str:
    """The figures for people."""
    return "\n".join(f"{row.part:<10} {row.name:<52} {row.value:10.{3 if row.name.startswith('s ') else 1}f}{_verdict(row)}" for row in rows)


def _verdict(row: Row) -> str:
    return f"  wanted {row.wanted}: {'met' if row.met else 'missed'}" if row.wanted else ""


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For machines; what a row does not have is left out."""
    return [{key: value for key, value in (asdict(row) | {"met": row.met}).items() if value not in (None, "")} for row in rows]


def kept(path: Path = RESULTS) -> list[Row]:
    """The results of record; none where there is no file."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [Row(**{key: value for key, value in row.items() if key != "met"}) for row in rows]


def keep(rows: Sequence[Row], path: Path = RESULTS) -> None:
    """Write results of record: parts that are measured now are replaced, others stay, so that they can be measured one by one."""
    now = {row.part for row in rows}
    together = [row for row in kept(path) if row.part not in now] + list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(sorted(together, key=lambda row: PARTS.index(row.part))), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
