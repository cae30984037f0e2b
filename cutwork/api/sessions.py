"""Routes of sessions: designing by talking."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from cutwork.api import deps
from cutwork.api.designs import QUEUED, Key, queued
from cutwork.api.models import AnswerRequest, HeadRequest, Run, SessionChange, SessionOut, SessionPage, SessionRequest, SessionWhole, TurnRequest
from cutwork.api.paging import After, Limit, cursor, place
from cutwork.api.problems import Missing, responses
from cutwork.domain import Json, Session, Turn

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
Service = Annotated[deps.Service, Depends(deps.service)]
Tenant = Annotated[str, Depends(deps.tenant)]
Id = Annotated[str, Path(max_length=80)]
TurnName = Annotated[str, Path(max_length=80)]


@router.post("", status_code=201, response_model=SessionOut, responses=responses(400, 401))
def create_session(asked: SessionRequest, service: Service, tenant: Tenant, response: Response) -> Json:
    """Begin to talk."""
    made = service.sessions.create(title=asked.title, approve=asked.approve, owner=tenant)
    response.headers["Location"] = f"/v1/sessions/{made.id}"
    return out(made)


@router.get("", response_model=SessionPage, responses=responses(401))
async def list_sessions(service: Service, tenant: Tenant, limit: Limit = 50, after: After = None) -> Any:
    """Sessions, newest first."""
    at = place(after, str)

    def page() -> SessionPage:
        if at:
            service.session(at[0], tenant)
        found = list(service.sessions.list(owner=tenant, limit=limit + 1, after=at[0] if at else None))
        rows = [SessionOut(**out(session)) for session in found[:limit]]
        return SessionPage(data=rows, next=cursor([rows[-1].id]) if len(found) > limit else None)

    answer = await service.read(page)
    return Response(answer.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")


@router.get("/{id}", response_model=SessionWhole, responses=responses(401, 404))
def get_session(id: Id, service: Service, tenant: Tenant) -> Json:
    """A session with all of its turns."""
    found = service.session(id, tenant)
    return {**out(found), "turns": [turn.model_dump(mode="json") for turn in service.sessions.turns(id)]}


@router.patch("/{id}", response_model=SessionOut, responses=responses(400, 401, 404))
def change_session(id: Id, asked: SessionChange, service: Service, tenant: Tenant) -> Json:
    """Change its title, or whether plans are shown before they are drawn."""
    service.session(id, tenant)
    return out(service.sessions.change(id, title=asked.title, approve=asked.approve))


@router.delete("/{id}", status_code=204, responses=responses(401, 404, 409))
def delete_session(id: Id, service: Service, tenant: Tenant) -> Response:
    """Delete a session with its turns. The designs it made stay."""
    service.delete_session(id, tenant)
    return Response(status_code=204)


@router.post("/{id}/turns", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 404, 429))
def say(id: Id, asked: TurnRequest, service: Service, tenant: Tenant, key: Key = None) -> Response:
    """Say something, or use tools. Turns of a session are done one after the other. The run's id is the turn's."""
    return queued(service.submit("turn", asked.model_dump(mode="json"), tenant, session=id, idempotency=key))


@router.get("/{id}/turns/{turn}", response_model=Turn, responses=responses(401, 404))
def get_turn(id: Id, turn: TurnName, service: Service, tenant: Tenant) -> Turn:
    """One turn."""
    service.session(id, tenant)
    found = next((one for one in service.sessions.turns(id) if one.id == turn), None)
    if found is None:
        raise Missing(f"session {id} has no turn {turn!r}")
    return found


@router.post("/{id}/turns/{turn}/answer", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 404, 409, 429))
def answer_turn(id: Id, turn: TurnName, asked: AnswerRequest, service: Service, tenant: Tenant, key: Key = None) -> Response:
    """Decide what a turn asks: approve, reject with a message, or edit."""
    return queued(service.submit("turn", asked.model_dump(mode="json"), tenant, session=id, turn=turn, idempotency=key))


@router.post("/{id}/head", response_model=SessionOut, responses=responses(400, 401, 404, 409))
def go_to(id: Id, asked: HeadRequest, service: Service, tenant: Tenant) -> Json:
    """Go to another turn at once: undo, redo, branch. Nothing is drawn."""
    service.session(id, tenant)
    if asked.turn is not None and all(turn.id != asked.turn for turn in service.sessions.turns(id)):
        raise Missing(f"session {id} has no turn {asked.turn!r}")
    return out(service.sessions.go_to(id, asked.turn))


@router.get("/{id}/compare", response_model=dict[str, Any], responses=responses(401, 404, 409))
def compare(id: Id, service: Service, tenant: Tenant, a: Annotated[str, Query(max_length=80)], b: Annotated[str, Query(max_length=80)]) -> Json:
    """Two turns side by side: both designs, what differs in words, and how many pixels."""
    service.session(id, tenant)
    return service.sessions.compare(id, a, b)


def out(session: Session) -> Json:
    """A session as it is answered."""
    return session.model_dump(mode="json")
