"""Runs the service in this process until it is told to stop, and lets everything end where it can be taken up again."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog
import uvicorn
from pydantic_core import to_json

from cutwork.api.app import create_app
from cutwork.api.deps import Service
from cutwork.api.guard import is_loopback
from cutwork.errors import BadInput, NotConfigured
from cutwork.signals import answered, leave
from cutwork.studio import Studio
from cutwork.wiring import Wired

GRACE_S = 5  # for answers that are being sent
SWITCH_S = 0.001  # a thread that computes, or draws where that is not done elsewhere, lets go of the interpreter this often, so that answers need not wait for it


def serve(studio: Studio, host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Serve until SIGTERM, SIGINT or SIGHUP. What runs then stops at its next step and waits; event streams end.

    Where the settings say so, the studio draws in a process of its own from now on.

    Args:
        on_ready: called with the service's address once it can be reached.

    Returns:
        Whether all work had stopped; if not, a thread still works and the process should not wait for it.

    Raises:
        NotConfigured: if others than this machine could reach it and no token protects it. BadInput: if nothing can be bound there.
    """
    if studio.settings.drawing_process:
        studio.wired = Wired(studio.settings, away=True)
    service = Service(studio, studio.settings.workers)
    if not is_loopback(host) and not service.tokens.names():
        raise NotConfigured(f"{host} can be reached from other machines, and no token protects the service", "cutwork token add NAME, or bind 127.0.0.1")
    log_as_json()
    bound = _bind(host, port)
    place = f"[{host}]" if ":" in host else host
    sys.setswitchinterval(SWITCH_S)
    config = uvicorn.Config(
        create_app(service, host=host), log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False, ws="none", proxy_headers=False
    )  # fmt: skip
    server = _Server(config, service, lambda: on_ready(f"http://{place}:{bound.getsockname()[1]}"))
    server.run(sockets=[bound])
    return not service.worker.busy


class _Server(uvicorn.Server):
    """Told to stop, it ends event streams first: uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, service: Service, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._on_ready = service, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with answered(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # somebody is in a hurry; what runs will be found to be left behind
            leave(sig, frame)
        self._service.drain()
        self.should_exit = True


def log_as_json() -> None:
    """One line of JSON on stderr for each thing that happens."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_AsJson())
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.level = [handler], False, logging.WARNING


def _json(value: Any, **_: Any) -> str:
    return to_json(value, fallback=str, inf_nan_mode="null").decode("utf-8", "replace")


class _AsJson(logging.Formatter):
    """What libraries log, as ours."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _json(line)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadInput(f"{host}:{port} cannot be bound: {error.strerror or error}", "choose another with --host and --port; something may serve there already") from None
