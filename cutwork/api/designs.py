"""Routes of designs: asked for, looked at, finished in another way, drawn again, exported."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path as FilePath
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Body, Depends, Header, Path
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from cutwork import delivery
from cutwork.api import deps
from cutwork.api.files import image_work
from cutwork.api.models import DesignOut, DesignPage, DesignRequest, DesignSummary, FinishRequest, HeatMap, HeatMaps, PlanRequest, ResumeRequest, Run
from cutwork.api.paging import After, Limit, cursor, place
from cutwork.api.problems import Conflict, responses
from cutwork.api.runs import as_json
from cutwork.domain import Design, Form, Json, Plan
from cutwork.storage.owners import File, Listed
from cutwork.studio import Studio

router = APIRouter(prefix="/v1", tags=["designs"])
Service = Annotated[deps.Service, Depends(deps.service)]
Tenant = Annotated[str, Depends(deps.tenant)]
Id = Annotated[str, Path(max_length=80)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200, description="the same request under the same key is done once")]
NOTHING = ResumeRequest()
QUEUED: dict[int | str, dict[str, Any]] = {
    202: {"description": "It is in the queue.", "headers": {"Location": {"description": "Where its run is.", "schema": {"type": "string"}}}}
}


def queued(run: Run) -> Response:
    """The answer to work that was put into the queue."""
    return as_json(run, 202, Location=run.links.self)


@router.post("/designs", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 413, 429))
def create_design(asked: DesignRequest, service: Service, tenant: Tenant, key: Key = None) -> Response:
    """Turn a brief into a picture and what is made of it. The run's id is the design's."""
    return queued(service.submit("design", asked.model_dump(exclude_none=True, mode="json"), tenant, idempotency=key))


@router.get("/designs", response_model=DesignPage, responses=responses(401))
async def list_designs(service: Service, tenant: Tenant, limit: Limit = 50, after: After = None) -> Response:
    """Designs, newest first."""
    rows = await service.read(service.designs.page, tenant, limit + 1, place(after, str, str, str))
    page = DesignPage(data=[_summary(row) for row in rows[:limit]], next=cursor(rows[limit - 1].place) if len(rows) > limit else None)
    return Response(page.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")


@router.get("/designs/{id}", response_model=DesignOut, responses=responses(401, 404))
def get_design(id: Id, service: Service, tenant: Tenant) -> Json:
    """All of a design."""
    design = service.design(id, tenant)
    question = service.studio.question(id)
    return as_out(design, service) | {"question": question and question["value"]}


@router.delete("/designs/{id}", status_code=204, responses=responses(401, 404, 409))
def delete_design(id: Id, service: Service, tenant: Tenant) -> Response:
    """Delete a design. Its files go when nothing else needs them."""
    service.design(id, tenant)
    if service.studio.is_active(id):
        raise Conflict(f"design {id} is being worked on", "cancel its run first")
    if id in service.studio.wired.sessions.designs():
        raise Conflict(f"design {id} is part of a session's history", "delete the session first")
    service.studio.delete(id)
    return Response(status_code=204)


@router.post("/designs/{id}/finish", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 404, 409, 429))
def finish_design(id: Id, asked: FinishRequest, service: Service, tenant: Tenant, key: Key = None) -> Response:
    """Make other goods of a finished drawing. Nothing is drawn; what comes of it is a design of its own, with the run's id."""
    return queued(service.submit("finish", {"design": id, **asked.model_dump(exclude_none=True, mode="json")}, tenant, idempotency=key))


@router.post("/designs/{id}/rerun", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 404, 409, 429))
def rerun_design(id: Id, service: Service, tenant: Tenant, key: Key = None) -> Response:
    """Draw a finished design again: same plan, same seed, same model. What comes of it is a design of its own, with the run's id."""
    return queued(service.submit("rerun", {"design": id}, tenant, idempotency=key))


@router.post("/designs/{id}/resume", status_code=202, response_model=Run, responses=QUEUED | responses(400, 401, 404, 409, 429))
def resume_design(id: Id, service: Service, tenant: Tenant, asked: Annotated[ResumeRequest, Body()] = NOTHING, key: Key = None) -> Response:
    """Go on with a design that stopped: cancelled, failed, or waiting for an answer, which is true or what to change."""
    return queued(service.submit("resume", {"design": id, **asked.model_dump(exclude_none=True)}, tenant, idempotency=key))


@router.get(
    "/designs/{id}/export",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}, **responses(401, 404, 409)},
)
async def export_design(id: Id, service: Service, tenant: Tenant, form: Form = "zip") -> Response:
    """A design as one file: `run` for another Cutwork, the others for other programs."""
    design = await run_sync(service.design, id, tenant)
    if form != "run" and design.delivered is None:
        raise Conflict(f"design {id} has delivered nothing yet", "wait until it is done")
    written = await image_work(_export, service.studio, id, form)
    return Passing(written, headers={"Accept-Ranges": "none"}, filename=f"{id}{'.cutwork' if form == 'run' else ''}{written.suffix}")


@router.get("/designs/{id}/maps", response_model=HeatMaps, responses=responses(401, 404, 409))
async def design_maps(id: Id, service: Service, tenant: Tenant) -> HeatMaps:
    """Where attention to the word of each region lay while it was drawn; none where that was not kept."""
    design = await run_sync(service.design, id, tenant)
    if design.delivered is None:
        raise Conflict(f"design {id} has delivered nothing yet", "wait until it is done")
    return HeatMaps(data=await image_work(_maps, service, design, tenant))


@router.post("/plans", response_model=Plan, responses=responses(400, 401))
def create_plan(asked: PlanRequest, service: Service, tenant: Tenant) -> Plan:
    """Only the agents: what would be drawn, and where. Nothing is kept."""
    return service.studio.plan(service.brief(asked, service.studio.settings.model, tenant))


def address(sha256: str) -> str:
    """Where a file of that content is."""
    return f"/v1/artifacts/{sha256}"


def as_out(design: Design, service: deps.Service) -> Json:
    """A design as its route answers it, without what it may wait for."""
    data = delivery.as_json(design, lambda sha256, name: address(sha256))
    for told, artifact in zip(data["artifacts"], design.artifacts, strict=True):
        told["name"] = artifact.name
    return data | {"notes": delivery.notes(design, service.studio.wired.blobs), "references": [address(sha256) for sha256 in design.brief.references], "follow": design.brief.follow}


def _summary(row: Listed) -> DesignSummary:
    return DesignSummary(id=row.id, status=row.status, brief=row.brief, created=row.created, image=row.image and address(row.image))  # type: ignore[arg-type]


class Passing(FileResponse):
    """A file that is made for one answer: sent whole, whatever part is asked for, and gone with its folder then, also where nobody takes it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"range"]}
        try:
            await super().__call__(whole, receive, send)
        finally:
            _remove(FilePath(self.path))


def _export(studio: Studio, id: str, form: str) -> FilePath:
    folder = FilePath(tempfile.mkdtemp(prefix="cutwork-"))
    try:
        suffix = {"receipt": ".png", "run": ".zip"}.get(form, f".{form}")
        return studio.export(id, folder / f"{id}{suffix}", form)
    except BaseException:
        _remove(folder / "none")
        raise


def _remove(path: FilePath) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()


def _maps(service: deps.Service, design: Design, tenant: str) -> list[HeatMap]:
    best = design.delivered
    assert best is not None
    plan, found = best.shot.plan, []
    for number, sha256 in enumerate(_drawn_maps(service, design)):
        service.designs.give_file(tenant, File(sha256, "image/png", "map", *plan.size.root))
        region = plan.regions[number]
        found.append(HeatMap(region=number, subject=region.subject, word=plan.subject(region.subject).noun, map=address(sha256)))
    return found


def _drawn_maps(service: deps.Service, design: Design) -> list[str]:
    """Heat maps of the delivered round as grey PNGs of the canvas's shape; their blobs."""
    from PIL import Image

    from cutwork.tools.formats.receipt import heat_maps

    best, blobs = design.delivered, service.studio.wired.blobs
    assert best is not None
    maps = heat_maps(best, blobs)
    pictures = []
    for fused in () if maps is None else maps:
        grey = Image.fromarray((fused.clip(0, 1) * 255).round().astype("uint8")).resize(best.shot.plan.size.root, Image.Resampling.BICUBIC)
        out = io.BytesIO()
        grey.save(out, "PNG")
        pictures.append(blobs.put(out.getvalue()))
    return pictures
