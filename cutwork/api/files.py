"""Routes of files: blobs that a tenant's designs name, and pictures that it brings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.datastructures import Headers, UploadFile
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from cutwork.api import deps, uploads
from cutwork.api.models import Upload
from cutwork.api.problems import Missing, plain, responses
from cutwork.errors import BadInput

router = APIRouter(prefix="/v1", tags=["files"])
Service = Annotated[deps.Service, Depends(deps.service)]
Tenant = Annotated[str, Depends(deps.tenant)]
Result = TypeVar("Result")
AT_ONCE = 2  # pictures that are decoded or made at the same time, beside those that are drawn
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # an SVG or HTML that is opened here runs nothing
PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}}
UPLOADS, UPLOAD_S = 8, 60.0  # at the same time, and seconds that one may take to come
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, CapacityLimiter] = WeakKeyDictionary()
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def image_work(do: Callable[..., Result], *args: Any) -> Result:
    """Call something that holds whole pictures in memory; few of them at a time."""
    loop = asyncio.get_running_loop()
    if loop not in _limiters:
        _limiters[loop] = CapacityLimiter(AT_ONCE)
    return await run_sync(do, *args, limiter=_limiters[loop])


class Part(FileResponse):
    """A file or parts of it. A range that cannot be is a problem as any other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def told(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = True
                size = {name.decode().title(): value.decode() for name, value in message["headers"] if name == b"content-range"}
                asked = Headers(scope=scope).get("range", "")[:80]
                await plain(message["status"], f"the Range header is {asked!r}, which the file does not have", "wanted such as bytes=0-99", **size)(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, told)


@router.head("/artifacts/{sha256}", include_in_schema=False)
@router.get(
    "/artifacts/{sha256}",
    response_class=FileResponse,
    responses={
        200: {"description": "The file, of its own media type.", "content": {"application/octet-stream": PICTURE}},
        206: {"description": "The part that the Range header names."},
        304: {"description": "It is as it was, and always will be."},
        **responses(401, 404, 416),
    },
)
async def get_artifact(
    request: Request,
    service: Service,
    tenant: Tenant,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    download: Annotated[str | None, Query(max_length=200, description="name to save it under")] = None,
) -> Response:
    """A file by its content's hash. Only those that the tenant's designs and uploads name."""
    found = await service.read(service.designs.find_file, tenant, sha256)
    path = service.studio.wired.blobs.path(sha256)
    if found is None or not path.is_file():
        raise Missing(f"there is no file {sha256}")
    headers = {"ETag": f'"{sha256}"', "Cache-Control": "private, max-age=31536000, immutable", "Content-Security-Policy": SANDBOX}
    if _has_it(request.headers.get("if-none-match"), sha256):
        return Response(status_code=304, headers=headers)
    return Part(path, headers=headers, media_type=found.media_type, filename=_file_name(download))


@router.post(
    "/uploads",
    status_code=201,
    response_model=Upload,
    responses=responses(400, 401, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": {"image/png": PICTURE, "image/jpeg": PICTURE, "image/webp": PICTURE, "multipart/form-data": FORM}}},
)
async def upload(request: Request, service: Service, tenant: Tenant) -> Upload:
    """Take a picture in: PNG, JPEG or WebP, as the body or as the field `file` of a form. It is kept as a PNG, turned upright, with nothing but its pixels."""
    async with reading_turn():
        try:
            async with asyncio.timeout(UPLOAD_S):
                data, declared = await _received(request)
        except TimeoutError:
            raise BadInput(f"the picture did not come within {UPLOAD_S:.0f} s") from None
        taken = await image_work(uploads.take_in, data, declared)
    sha256 = await run_sync(service.take_in, tenant, taken)
    return Upload(sha256=sha256, url=f"/v1/artifacts/{sha256}", width=taken.width, height=taken.height)


def reading_turn() -> asyncio.Semaphore:
    """Few uploads are held in memory at a time; others wait before their bytes are read."""
    loop = asyncio.get_running_loop()
    if loop not in _turns:
        _turns[loop] = asyncio.Semaphore(UPLOADS)
    return _turns[loop]


async def _received(request: Request) -> tuple[bytes, str]:
    """The bytes that came and what they are said to be. The guard bounds how many come."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise BadInput("the form has no field `file` with a picture")
            return await file.read(), (file.content_type or "").lower()
    if kind and kind not in (*uploads.MEDIA_TYPES, "application/octet-stream"):
        raise uploads.WrongType(f"the media type is {kind[:80]}, wanted {', '.join(uploads.MEDIA_TYPES)} or a form")
    return await request.body(), kind


def _has_it(given: str | None, sha256: str) -> bool:
    """Whether the If-None-Match header names this content."""
    return given is not None and any(tag.strip().removeprefix("W/").strip('"') in (sha256, "*") for tag in given.split(","))


def _file_name(wanted: str | None) -> str | None:
    """A name that is safe to save under: no folder, nothing that cannot be seen."""
    if wanted is None:
        return None
    name = re.sub(r'[\x00-\x1f\x7f"\\/:*?<>|]', "_", wanted).strip(". ")
    return name.encode("utf-8", "replace").decode() or "file"
