"""What can be seen of the service from outside: request ids, one line of log a request, metrics, and an answer to errors nobody foresaw."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cutwork import problems
from cutwork.api.problems import answer
from cutwork.errors import CutworkError
from cutwork.storage.jobs import SqlJobs

ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds: not worth a line
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
log = structlog.get_logger("cutwork.api")


class Metrics:
    """Numbers for Prometheus, of one service."""

    def __init__(self, jobs: SqlJobs) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("cutwork_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram("cutwork_http_request_seconds", "Time until an answer began.", ("route",), buckets=SECONDS, registry=self.registry)
        self.registry.register(_Queue(jobs))

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class _Queue:
    """The queue, counted when somebody asks."""

    def __init__(self, jobs: SqlJobs) -> None:
        self._jobs = jobs

    def describe(self) -> Iterable[Metric]:
        """Known beforehand, so that nothing is counted when the service starts."""
        return [GaugeMetricFamily("cutwork_runs", "Runs by status.", labels=["status"]), GaugeMetricFamily("cutwork_queue_length", "Runs that wait.")]

    def collect(self) -> Iterable[Metric]:
        runs, waiting = self.describe()
        assert isinstance(runs, GaugeMetricFamily)
        assert isinstance(waiting, GaugeMetricFamily)
        try:
            counts = self._jobs.counts()
        except CutworkError:
            return []
        for status, count in counts.items():
            runs.add_metric([status], count)
        waiting.add_metric([], counts.get("waiting", 0))
        return [runs, waiting]


class Observe:
    """Stands before everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id = given if ID.fullmatch(given) else secrets.token_hex(8)
        began, status, taken = time.perf_counter(), 0, 0.0

        async def named(message: Message) -> None:
            nonlocal status, taken
            if message["type"] == "http.response.start":
                status, taken = message["status"], time.perf_counter() - began
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        with structlog.contextvars.bound_contextvars(request=id):
            try:
                await self.app(scope, receive, named)
            except Exception as error:
                log.exception("not foreseen", method=scope["method"], path=scope["path"])
                if status:
                    raise  # an answer had begun: it can only be broken off
                await answer(problems.of(error))(scope, receive, named)
            finally:  # also of one whose client went away
                self._note(scope, status, taken, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, taken: float, whole: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        self.metrics.requests.labels(scope["method"] if scope["method"] in METHODS else "other", route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(taken)
        if scope["path"] not in QUIET:
            tenant = scope.get("state", {}).get("tenant")
            log.info("request", method=scope["method"], path=scope["path"], status=status, ms=round(taken * 1e3, 1), whole_ms=round(whole * 1e3, 1), tenant=tenant)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
