"""Routes about the service itself: what it can do, whether it is well, and its numbers."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from cutwork import __version__, domain
from cutwork.api import deps, guard, uploads
from cutwork.api.models import Health, LoginRequest, Meta, ModelCard, ModelList, Ready
from cutwork.api.problems import plain, responses
from cutwork.delivery import FORMS
from cutwork.domain import MAX_BRIEF, MAX_REGIONS, MAX_SIDE, MAX_SUBJECTS, MIN_SIDE, TECHNIQUES, MemeSettings, StickerSettings
from cutwork.errors import CutworkError
from cutwork.storage.tokens import hashed
from cutwork.tools.drawing import learned

router = APIRouter()
Service = Annotated[deps.Service, Depends(deps.service)]
Tenant = Annotated[str, Depends(deps.tenant)]


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", tags=["service"])
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Ready, tags=["service"], responses={503: {"model": Ready, "description": "Not just now."}})
async def readyz(service: Service) -> Response:
    """Whether work can be taken: the database answers, the model is there, and the queue is worked on."""
    try:
        await service.read(service.jobs.counts)
        database = True
    except CutworkError:
        database = False
    found = Ready(ready=False, database=database, model=await run_sync(service.has_model), worker=service.worker.alive)
    found.ready = found.database and found.model and found.worker
    return Response(found.model_dump_json(), 200 if found.ready else 503, {"Cache-Control": "no-store"}, "application/json")


@router.get("/metrics", tags=["service"], response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses(401)})
def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8", headers={"Cache-Control": "no-store"})


@router.get("/v1/models", response_model=ModelList, tags=["service"], responses=responses(401))
def list_models(service: Service) -> ModelList:
    """Models that can be asked for."""
    return ModelList(data=[ModelCard(**row) for row in service.models()])


@router.get("/v1/meta", tags=["service"], responses=responses(401))
def meta(service: Service, tenant: Tenant) -> Meta:
    """What this service can do, for pages and programs that offer it."""
    settings = service.studio.settings
    return Meta(
        version=__version__,
        model=settings.model,
        llm=settings.llm,
        kinds=list(get_args(domain.Kind)),
        repeats=list(get_args(domain.Repeat)),
        presets=_choices(StickerSettings, "preset"),
        layouts=_choices(MemeSettings, "layout"),
        fonts=_fonts(),
        techniques=list(TECHNIQUES),
        tools=list(get_args(domain.ToolName)),
        forms=["run", *FORMS],
        limits={
            "brief": MAX_BRIEF, "subjects": MAX_SUBJECTS, "regions": MAX_REGIONS, "min_side": MIN_SIDE, "max_side": MAX_SIDE, "cell": domain.CELL,
            "upload_bytes": uploads.MOST_BYTES, "upload_pixels": uploads.MOST_PIXELS, "waiting": deps.MOST_WAITING,
        },
        vocabulary=learned(settings.model),
        approve=settings.approve,
        tenant=tenant,
    )  # fmt: skip


@router.post("/v1/login", status_code=204, tags=["service"], responses=responses(400, 401))
async def login(asked: LoginRequest, request: Request, service: Service) -> Response:
    """Keep a token in a cookie, so that a page can show pictures and hear events."""
    names = await service.read(service.tokens.names)
    if names and hashed(asked.token) not in names:
        return plain(401, "the token is not known here")
    response = Response(status_code=204)
    if names:  # else nobody needs one
        response.set_cookie(guard.COOKIE, asked.token, max_age=30 * 86_400, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response


@router.delete("/v1/login", status_code=204, tags=["service"])
async def logout() -> Response:
    """Forget the token."""
    response = Response(status_code=204)
    response.delete_cookie(guard.COOKIE, httponly=True, samesite="strict")
    return response


def _choices(kind: Any, field: str) -> list[str]:
    return list(get_args(kind.model_fields[field].annotation))


def _fonts() -> list[str]:
    from cutwork.tools.lettering.fonts import NAMES

    return list(NAMES)
