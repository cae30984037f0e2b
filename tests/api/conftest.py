"""The service as others meet it: a real server on a real socket in this process, over a drawing that paints ellipses."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvicorn

from cutwork.api.app import create_app
from cutwork.api.deps import Service
from cutwork.domain import Render, Shot
from cutwork.errors import Cancelled
from cutwork.graphs.fakes import FakeDrawing
from cutwork.ports import Watch
from cutwork.storage.db import open_database, upgrade
from cutwork.studio import Studio

BRIEF = "a grumpy cat and a rocket on a purple background"
PATIENCE_S = 20.0  # no wait of a test is longer


@dataclass
class Gated(FakeDrawing):
    """Draws only while its gate is open, and says that it was reached."""

    gate: threading.Event = field(default_factory=threading.Event)
    reached: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def render(self, shot: Shot, watch: Watch) -> Render:
        if not self.gate.is_set():
            watch.on_step(0, shot.plan.draw.steps)
            self.reached.release()
        deadline = time.monotonic() + PATIENCE_S
        while not self.gate.wait(0.005):
            if watch.cancelled():
                raise Cancelled("stopped at the gate")
            assert time.monotonic() < deadline, "nobody opened the gate"
        return super().render(shot, watch)


@dataclass
class Served:
    """A service that can be reached, and what is behind it."""

    service: Service
    drawing: Gated
    url: str
    client: httpx.Client
    server: uvicorn.Server
    thread: threading.Thread

    def design(self, brief: str = BRIEF, **asked: Any) -> dict[str, Any]:
        """Ask for a design; its run."""
        answer = self.client.post("/v1/designs", json={"brief": brief, "seed": 7, "size": "64x64", **asked})
        assert answer.status_code == 202, answer.text
        run: dict[str, Any] = answer.json()
        return run

    def run(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/runs/{id}").json()
        return found

    def ended(self, id: str) -> dict[str, Any]:
        """A run when it has ended."""
        return self.until(id, lambda run: run["finished"] is not None)

    def until(self, id: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not true(run := self.run(id)):
            assert time.monotonic() < deadline, run
            time.sleep(0.01)
        return run

    def drawing_begun(self) -> None:
        assert self.drawing.reached.acquire(timeout=PATIENCE_S)

    def events(self, id: str, after: int | None = None, **headers: str) -> list[tuple[int, str, Any]]:
        """All events of a run, to the end of its stream."""
        params = {} if after is None else {"after": after}
        with self.client.stream("GET", f"/v1/runs/{id}/events", params=params, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            return list(heard(answer.iter_lines()))

    def events_so_far(self, id: str) -> list[tuple[int, str, Any]]:
        return [(event.number, event.kind, event.data) for event in self.service.jobs.events(id)]

    def stop(self) -> None:
        self.service.drain()
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        self.client.close()


def heard(lines: Iterator[str]) -> Iterator[tuple[int, str, Any]]:
    """Events of a stream as (id, event, data)."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif fields:
            if "data" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}


@pytest.fixture(autouse=True, scope="session")
def quiet() -> None:
    structlog.configure(processors=[lambda logger, name, event: (_ for _ in ()).throw(structlog.DropEvent)])


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date: a copy costs less than bringing one there."""
    path = tmp_path_factory.mktemp("database") / "cutwork.db"
    engine = open_database(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def make_service(home: Path, migrated: Path) -> Callable[..., tuple[Service, Gated]]:
    """A service that is not started yet."""

    def make(threads: int = 1, folder: Path = home, **settings: Any) -> tuple[Service, Gated]:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "cutwork.db").exists():
            shutil.copy(migrated, folder / "cutwork.db")
        studio = Studio(home=folder, **{"llm": "offline", "steps": 3, **settings})
        drawing = Gated(studio.wired.blobs, model=studio.settings.model)
        drawing.gate.set()
        studio.wired.__dict__["drawing"] = drawing
        return Service(studio, threads), drawing

    return make


@pytest.fixture
def serve(make_service: Callable[..., tuple[Service, Gated]]) -> Iterator[Callable[..., Served]]:
    """Start services, and stop them in the end."""
    started: list[Served] = []

    def start(host: str = "127.0.0.1", headers: dict[str, str] | None = None, **how: Any) -> Served:
        service, drawing = make_service(**how)
        bound = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(service, host=host), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=3)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        client = httpx.Client(base_url=url, timeout=PATIENCE_S, headers=headers, trust_env=False)
        started.append(Served(service, drawing, url, client, server, thread))
        return started[-1]

    yield start
    for one in started:
        if one.thread.is_alive():
            one.drawing.gate.set()
            one.stop()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A service with its gate open."""
    return serve()


def kinds(events: Sequence[tuple[int, str, Any]]) -> list[str]:
    return [kind for _, kind, _ in events]
