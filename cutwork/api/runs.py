"""Routes of runs: how they stand, what happens to them, and cancelling exactly one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.responses import Response, StreamingResponse

from cutwork.api import deps
from cutwork.api.models import Run, RunPage, RunStatus
from cutwork.api.paging import After, Limit, cursor, place
from cutwork.api.problems import responses

router = APIRouter(prefix="/v1/runs", tags=["runs"])
Service = Annotated[deps.Service, Depends(deps.service)]
Tenant = Annotated[str, Depends(deps.tenant)]
Id = Annotated[str, Path(max_length=80)]
MOST = 2**31  # events of a run


def as_json(value: Run | RunPage, status: int = 200, **headers: str) -> Response:
    """A value that is known to be right, written at once."""
    return Response(value.model_dump_json(), status, {"Cache-Control": "no-store", **headers}, "application/json")


@router.get("", response_model=RunPage, responses=responses(401))
async def list_runs(
    service: Service,
    tenant: Tenant,
    status: RunStatus | None = None,
    session: Annotated[str | None, Query(max_length=80)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Runs, newest first."""
    at = place(after, int)
    runs, before = await service.read(service.runs, tenant, status, session, limit, at[0] if at else None)
    return as_json(RunPage(data=runs, next=None if before is None else cursor([before])))


@router.get("/{id}", response_model=Run, responses=responses(401, 404))
async def get_run(id: Id, service: Service, tenant: Tenant) -> Response:
    """How a run stands."""
    return as_json(await service.read(service.run, id, tenant))


@router.delete("/{id}", status_code=202, response_model=Run, responses=responses(401, 404))
def cancel_run(id: Id, service: Service, tenant: Tenant) -> Response:
    """Cancel exactly this run. One that runs stops at its next step and can be resumed; one that has ended stays as it is."""
    return as_json(service.cancel(id, tenant), 202)


@router.get(
    "/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events: `id` is the event's number in the run, `event` its kind, `data` JSON.", "content": {"text/event-stream": {}}},
        204: {"description": "The run is over and nothing happened after that event: there is nothing to come back for."},
        **responses(401, 404),
    },
)
async def run_events(
    id: Id,
    service: Service,
    tenant: Tenant,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    after: Annotated[int | None, Query(ge=0, le=MOST)] = None,
) -> Response:
    """What happens to a run, from its beginning or from behind an event; ends after `done`. Long after its end only `done` is kept, and `forgotten` before it says what is not."""
    job = await service.read(service.job, id, tenant)
    heard = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdecimal() else 0
    number = min(after if after is not None else heard, MOST)
    if job.ended and not await service.read(service.jobs.events, id, number, 1):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})  # browsers would ask again and again
    return StreamingResponse(_lines(service, id, number), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _lines(service: deps.Service, id: str, after: int) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for event in service.listen(id, after):
        yield event.sse if event is not None else b": still here\n\n"
