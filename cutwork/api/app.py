"""Puts the service together: routes, guards, and what starts and ends with it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from cutwork import __version__
from cutwork.api import designs, files, meta, page, problems, runs, sessions
from cutwork.api.deps import Service
from cutwork.api.guard import Guard
from cutwork.api.observe import Metrics, Observe

DESCRIPTION = """
One-line creative briefs to finished, subject-centred artwork. Work is asked for with a POST that answers 202 and where its run is; what happens to the
run is heard at its events. Errors are problems of RFC 9457. Lists go on with `after`, which is `next` of the page before.
"""


def create_app(service: Service, *, host: str | None = None) -> FastAPI:
    """The application.

    Args:
        host: what it will be bound to, which decides who may come in; None = what the settings say.
    """
    settings = service.studio.settings
    app = _App(title="Cutwork", version=__version__, description=DESCRIPTION, lifespan=_life, docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.metrics = Metrics(service.jobs)
    problems.install(app)
    routers = (runs.router, designs.router, sessions.router, files.router, meta.router, *_doors(), page.router)
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    app.router.default = page.elsewhere
    hosts, origins = (tuple(part.strip() for part in (listed or "").split(",") if part.strip()) for listed in (settings.hosts, settings.origins))
    app.add_middleware(Guard, service=service, host=host or settings.host, hosts=hosts, origins=origins)
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["*"], allow_headers=["*"], expose_headers=["Location", "X-Request-ID"])
    app.add_middleware(Observe, metrics=app.state.metrics)
    return app


class _App(FastAPI):
    """Describes errors and tokens, which are the same everywhere."""

    def openapi(self) -> dict[str, Any]:
        """The description; made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            described["security"] = [{}, {"token": []}]  # none is wanted on loopback as long as there is none
            for operations in described["paths"].values():
                for operation in operations.values():
                    _describe_errors(operation["responses"])
        return dict(self.openapi_schema or {})


def _describe_errors(answers: dict[str, Any]) -> None:
    for status, answer in answers.items():
        told = answer.get("content", {}).get("application/json")
        if int(status) >= 400 and told and told["schema"] == {"$ref": "#/components/schemas/Problem"}:
            answer["content"] = {problems.MEDIA_TYPE: told}


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.hub.open()
    await run_sync(service.worker.start)
    threading.Thread(target=_warm, args=(service,), name="warm", daemon=True).start()
    try:
        yield
    finally:
        service.hub.close()
        wired = service.studio.wired
        stopped = await run_sync(service.worker.stop)
        await run_sync(wired.close)
        if not stopped and wired.away:  # a step that takes longer than that was broken off with the process that drew: its run has yet to be put back
            await run_sync(service.worker.stop)


def _warm(service: Service) -> None:
    """Have the model ready before the first design asks for it. One that is not there is told by /readyz and by the design."""
    with suppress(Exception):
        service.warm()


def _doors() -> list[APIRouter]:
    """Routers of other protocols. They build on the service, so they are asked for late."""
    from cutwork.api.doors import routers

    return routers()
