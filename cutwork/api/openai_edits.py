"""OpenAI's image edits over our runs: `/v1/images/edits` draws a prompt into a part of a picture, and keeps every other pixel to the bit.

The picture may be anybody's. Where the mask is wholly transparent (alpha 0) it may change; without a mask, where the picture itself is.
Where neither is, no part is meant: a new picture is drawn that begins from this one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from PIL import Image
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from cutwork.api import pictures, uploads, window
from cutwork.api.deps import Service, tenant
from cutwork.api.files import UPLOAD_S, image_work, reading_turn
from cutwork.api.openai_answers import Edit, ImagesAnswer, answered
from cutwork.api.openai_asked import Extras, Wanted
from cutwork.api.openai_images import drawn, effort, queued, shown, snapped
from cutwork.api.openai_models import model_named
from cutwork.api.openai_wire import ErrorAnswer, OpenAiRoute, Refusal
from cutwork.api.pictures import Picture
from cutwork.api.talk import service_of
from cutwork.api.window import Mask, Pixels, Window
from cutwork.domain import CELL, Brief, Design, Follow, Json, Keep, Plan, Shot, Size
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.owners import File
from cutwork.studio import make_brief
from cutwork.tools.pixels import decode, encode

router = APIRouter(route_class=OpenAiRoute, tags=["openai"])
MOST_PICTURES = 16
FORM_FIELD = 64 << 10  # bytes of a field that is no file
EDIT_S = 2 * UPLOAD_S  # that an edit may take to come, which may have twice the bytes of an upload
ARTIFACT = re.compile(r"(?:https?://[^/]+)?/v1/artifacts/([0-9a-f]{64})")
DATA = re.compile(r"data:(image/[a-z+.-]+);base64,", re.IGNORECASE)
NO_PLACE = ("a", "an", "the", "in", "on", "at", "of", "plain", "background")  # words of a background that do not tell it from another
PICTURES = {"type": "array", "items": {"type": "object", "properties": {"image_url": {"type": "string"}, "file_id": {"type": "string"}}}}
COMMON = {
    "prompt": {"type": "string"}, "model": {"type": "string"}, "n": {"type": "integer", "minimum": 1, "maximum": 10}, "size": {"type": "string"},
    "quality": {"type": "string"}, "background": {"enum": ["transparent", "opaque", "auto"]}, "input_fidelity": {"enum": ["high", "low"]},
    "output_format": {"enum": ["png", "jpeg", "webp"]}, "stream": {"type": "boolean"}, "x_cutwork": {"type": "object"},
}  # fmt: skip
BINARY = {"type": "string", "format": "binary"}
BODY: Json = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["image", "prompt"], "properties": {"image": BINARY, "mask": BINARY, **COMMON}}},
            "application/json": {"schema": {"type": "object", "required": ["images", "prompt"], "properties": {"images": PICTURES, "mask": PICTURES["items"], **COMMON}}},
        },
    }
}


HIGH = 0.5  # noise from which a picture is drawn on that is to be kept to with high fidelity; elsewhere it is what a brief has where nobody says


class EditExtras(Extras):
    """As of generations, and how far a picture is followed that a new one begins from."""

    follow: Follow | None = None


class EditAsked(Wanted):
    """What is asked beside the pictures."""

    input_fidelity: Literal["high", "low"] | None = None
    x_cutwork: EditExtras = EditExtras()

    @property
    def follow(self) -> float | None:
        """The noise that is asked for."""
        return HIGH if self.x_cutwork.follow is None and self.input_fidelity == "high" else self.x_cutwork.follow

    def check_part(self) -> None:
        """Raises Refusal for what cannot be asked of a part of a picture."""
        if self.transparent:
            raise Refusal("An edit keeps the picture's background: background must be opaque or auto.", param="background", code="unsupported_value")
        if self.size not in (None, "", "auto"):
            raise Refusal("An edit has the size of its picture: size must be auto.", param="size", code="unsupported_value")


@dataclass(frozen=True)
class Part:
    """A picture (H, W, 3 or 4) that may change in a part (H, W; 255 where it may), by the hashes they are kept under, since whole pictures would
    stand in memory until the runs end; and the window that is drawn in.
    """

    picture: str
    may_change: str
    place: Window
    kept: Keep


Source = bytes | str  # a file, or an address or id that names one


@router.post(
    "/v1/images/edits",
    response_model=ImagesAnswer,
    responses={400: {"model": ErrorAnswer}},
    openapi_extra=BODY,
    summary="Draw into a part of a picture, or a new one that begins from it, as OpenAI's API does",
)
async def edit(request: Request, who: Annotated[str, Depends(tenant)]) -> Response:
    """Pixels outside the mask stay as they are, to the bit. Without a mask, and where the picture is nowhere transparent, a new one begins from it."""
    service = service_of(request)
    async with reading_turn():
        asked, given, warnings = await _received(request, service, who)
    if isinstance(given, Part):
        return await _edited(asked, request, who, given, warnings)
    runs, said = await run_in_threadpool(_begun, asked, given, service, who)
    return await answered(asked, request, who, runs, warnings + said, "image_edit", lambda design: (shown(design, asked, service), None))


async def _received(request: Request, service: Service, who: str) -> tuple[EditAsked, Part | File, list[str]]:
    """What is asked, its picture taken in, and what is passed over; no picture is held in memory after it."""
    try:
        async with asyncio.timeout(EDIT_S):
            asked, images, mask = await _read(request)
    except TimeoutError:
        raise BadInput(f"the pictures did not come within {EDIT_S:.0f} s") from None
    asked.check()
    source = await run_in_threadpool(_bytes, images[0], service, who, "image")
    masked = None if mask is None else await run_in_threadpool(_bytes, mask, service, who, "mask")
    given = await image_work(_given, source, masked, asked, service)
    return asked, given, asked.warnings() + [f"only the first of {len(images)} images is used"] * (len(images) > 1)


async def _edited(asked: EditAsked, request: Request, who: str, part: Part, warnings: list[str]) -> Response:
    """The answer where a part of a picture may change."""
    service = service_of(request)
    runs = await run_in_threadpool(_queued, asked, part, service, who)
    if asked.form == "jpeg":
        warnings = [*warnings, "a JPEG cannot keep pixels to the bit: ask for png or webp"]
    if asked.x_cutwork.follow is not None:
        warnings = [*warnings, "x_cutwork.follow is for pictures without a mask and was passed over"]
    return await answered(asked, request, who, runs, warnings, "image_edit", lambda design: _shown(design, part, asked, service))


def _begun(asked: EditAsked, picture: File, service: Service, who: str) -> tuple[list[str], list[str]]:
    """The runs of new pictures that begin from this one, and what is to be said of their size."""
    size, said = snapped(asked.size)
    like = _like(picture, _model(asked, service))
    service.designs.give_file(who, picture)
    wanted = {"brief": asked.prompt, "size": size or str(like), "references": [picture.sha256], "follow": asked.follow, **drawn(asked, service)}
    return queued(service, [{**wanted, "seed": seed} for seed in asked.seeds], who), said


def _model(asked: EditAsked, service: Service) -> str:
    return model_named(asked.model, service) or service.studio.settings.model


def _like(picture: File, model: str) -> Size:
    """A canvas of a picture's proportions, as far as the model draws such well: its shorter side is the one that suits it."""
    from cutwork.tools.drawing import canvas

    side, width, height = min(canvas(model).root), picture.width or 1, picture.height or 1
    longer = round(side * min(window.LARGER, max(width, height) / min(width, height)) / CELL) * CELL
    return Size((longer, side) if width > height else (side, longer))


def _queued(asked: EditAsked, part: Part, service: Service, who: str) -> list[str]:
    """The runs that draw it: all of them, or none."""
    model, extras, blobs = _model(asked, service), asked.x_cutwork, service.studio.wired.blobs
    wished = {key: value for key in ("steps", "guidance", "technique") if (value := getattr(extras, key)) is not None}
    steps = {key: value for key, value in effort(asked.quality or "auto", service, asked.model).items() if key == "steps"}
    draw = service.draw_settings(steps | wished, model)
    brief = make_brief(asked.prompt, kind="cutout", size=Size(part.place.canvas))
    before, area = decode(blobs.get(part.kept.image), "RGB"), decode(blobs.get(part.kept.area), "L")
    plan = window.placed(_planned(brief, before, area, service), area).model_copy(update={"draw": draw})
    return [run.id for run in service.draw(brief, [Shot(plan=plan, seed=seed, keep=part.kept) for seed in asked.seeds], model, who)]


def _planned(brief: Brief, before: Pixels, area: Pixels, service: Service) -> Plan:
    """What is to be drawn, on the background that is there where the prompt names none and it is plain."""
    plan, colour = service.studio.plan(brief), window.plain_around(before, area)
    said = any(word in brief.text.lower() for word in plan.background.lower().split() if word not in NO_PLACE)
    if said or colour is None:
        return plan
    with suppress(BadInput):  # too long with it
        return service.studio.plan(make_brief(f"{brief.text.rstrip(' .')} on a {colour} background", kind="cutout", size=brief.size))
    return plan


def _shown(design: Design, part: Part, asked: EditAsked, service: Service) -> tuple[Picture, Edit]:
    """The picture with what was drawn in it.

    Raises:
        CutworkError: if a pixel changed that had to stay.
    """
    best, blobs, place = design.delivered, service.studio.wired.blobs, part.place
    assert best is not None
    before, may_change = _pixels(blobs.get(part.picture)), decode(blobs.get(part.may_change), "L") > 0
    after = window.merged(before, decode(blobs.get(best.render.image), "RGB"), may_change, place)
    frozen = window.frozen(before, may_change)
    if window.frozen(after, may_change) != frozen:
        raise CutworkError("pixels changed outside the mask of the edit, where nothing may")
    made = Edit(window=(place.left, place.top, place.left + place.width, place.top + place.height), frozen=frozen)
    return pictures.encoded(Image.fromarray(after), asked.form, asked.compression), made


def _given(source: bytes, mask: bytes | None, asked: EditAsked, service: Service) -> Part | File:
    """A picture and where it may change; the picture alone where neither a mask nor itself marks a part of it.

    Raises:
        BadInput: if the picture or the mask is of no use. Refusal: if the mask is, or something is asked that a part of a picture cannot have.
    """
    from cutwork.tools.drawing import canvas

    taken, blobs = uploads.take_in(source), service.studio.wired.blobs
    picture = _pixels(taken.png)
    may_change = _marked(picture, mask)
    if may_change is None:
        return File(blobs.put(taken.png), "image/png", "upload", taken.width, taken.height)
    asked.check_part()
    place = window.around(may_change, min(canvas(_model(asked, service)).root))
    kept = Keep(image=blobs.put(encode(place.cut(_flat(picture)))), area=blobs.put(encode(place.area(may_change))))
    return Part(blobs.put(taken.png), blobs.put(encode(may_change.astype(np.uint8) * 255)), place, kept)


def _marked(picture: Pixels, mask: bytes | None) -> Mask | None:
    """Where a picture (H, W, 3 or 4) may change (H, W); None where nothing says so.

    Raises:
        Refusal: if the mask is of no use.
    """
    if mask is None:
        return picture[..., 3] == 0 if picture.shape[-1] == 4 and (picture[..., 3] == 0).any() else None
    marked = _pixels(uploads.take_in(mask).png)
    if marked.shape[-1] != 4:
        raise Refusal("The mask has no alpha channel: its wholly transparent part is what may change.", param="mask", code="invalid_value")
    if marked.shape[:2] != picture.shape[:2]:
        sizes = f"{marked.shape[1]}x{marked.shape[0]}", f"{picture.shape[1]}x{picture.shape[0]}"
        raise Refusal(f"The mask is {sizes[0]}, the picture {sizes[1]}; both must be of one size.", param="mask", code="invalid_value")
    may_change: Mask = marked[..., 3] == 0
    return may_change


def _pixels(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGBA" if "A" in image.getbands() else "RGB"))


def _flat(picture: Pixels) -> Pixels:
    """The picture as it looks on white, (H, W, 3)."""
    if picture.shape[-1] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.asarray(picture[..., :3] * alpha + 255 * (1 - alpha) + 0.5, np.uint8)


async def _read(request: Request) -> tuple[EditAsked, Sequence[Source], Source | None]:
    """The request's fields, pictures and mask, of a form or of JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _of_json(await _json(request))
    if kind != "multipart/form-data":
        raise Refusal(f"The media type is {kind[:80]!r}, wanted multipart/form-data or application/json.", code="invalid_media_type", status=415)
    async with request.form(max_files=MOST_PICTURES + 4, max_fields=64, max_part_size=FORM_FIELD) as form:
        files = [(name, await part.read()) for name, part in form.multi_items() if isinstance(part, UploadFile)]
        fields: Json = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    images = [data for name, data in files if name in ("image", "image[]")]
    masks = [data for name, data in files if name == "mask"]
    if not images:
        raise Refusal("Missing required parameter: 'image'.", param="image", code="missing_required_parameter")
    if isinstance(fields.get("x_cutwork"), str):
        fields["x_cutwork"] = _parsed(fields["x_cutwork"], "x_cutwork")
    return _checked(_nested(fields)), images, masks[0] if masks else None


def _checked(fields: Json) -> EditAsked:
    try:
        return EditAsked.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _nested(fields: Json) -> Json:
    """Fields such as x_cutwork[seed], as some clients write what is inside an object."""
    plain = {name: value for name, value in fields.items() if not name.startswith("x_cutwork[")}
    inner = {match[1]: value for name, value in fields.items() if (match := re.fullmatch(r"x_cutwork\[(\w+)\]", name))}
    return plain | ({"x_cutwork": plain.get("x_cutwork", {}) | inner} if inner else {})


def _of_json(body: Json) -> tuple[EditAsked, Sequence[Source], Source | None]:
    images, mask = body.pop("images", None), body.pop("mask", None)
    if not isinstance(images, list) or not images:
        raise Refusal("Missing required parameter: 'images'.", param="images", code="missing_required_parameter")
    if len(images) > MOST_PICTURES:
        raise Refusal(f"There are {len(images)} images, at most {MOST_PICTURES} are possible.", param="images", code="invalid_value")
    return _checked(body), [_named(one, "images") for one in images], None if mask is None else _named(mask, "mask")


def _named(reference: Any, param: str) -> str:
    """The address or id in a reference to a picture."""
    given = reference if isinstance(reference, Mapping) else {"image_url": reference}
    found = given.get("image_url") or given.get("file_id")
    if not isinstance(found, str):
        raise Refusal(f"Invalid value for '{param}': wanted an object with image_url or file_id.", param=param, code="invalid_value")
    return found


def _bytes(source: Source, service: Service, who: str, param: str) -> bytes:
    """A picture's bytes: those that were sent, or those of a file that the caller may see. Nothing is fetched from elsewhere."""
    if isinstance(source, bytes):
        return source
    data = DATA.match(source)
    if data is not None:
        try:
            return base64.b64decode(source[data.end() :], validate=True)
        except (binascii.Error, ValueError):
            raise Refusal(f"Invalid value for '{param}': its base64 is damaged.", param=param, code="invalid_value") from None
    ours = ARTIFACT.fullmatch(source.partition("?")[0])
    sha256 = ours[1] if ours else source
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Refusal(f"Invalid value for '{param}': wanted a data: URL, or what POST /v1/uploads answered; other addresses are not fetched.", param=param, code="invalid_value")
    if service.designs.find_file(who, sha256) is None:
        raise Refusal(f"There is no file {sha256}.", param=param, code="not_found", status=404)
    return service.studio.wired.blobs.get(sha256)


async def _json(request: Request) -> Json:
    """The body; not by `request.body()`, which would keep its bytes as long as the request."""
    return _parsed(b"".join([part async for part in request.stream()]).decode("utf-8", "replace"), "body")


def _parsed(text: str, param: str) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refusal(f"Invalid value for '{param}': wanted a JSON object.", param=param, code="invalid_json")
    return found
