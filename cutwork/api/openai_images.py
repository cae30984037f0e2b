"""OpenAI's image generation over our runs: `/v1/images/generations`.

A picture asked for is a run like any other, which can be looked at, finished anew and talked about. What OpenAI's API has no word for
travels in `x_cutwork`: the seed and the goods in, and for each picture the run, its layers and its receipt out.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from cutwork.api import pictures, talk, waiting
from cutwork.api.deps import Service, tenant
from cutwork.api.files import image_work
from cutwork.api.models import Run
from cutwork.api.openai_models import model_named
from cutwork.api.openai_wire import Asked, ErrorAnswer, ImageUsage, OpenAiRoute, Refusal, TextTokens, estimated_tokens, header_safe, refusal_from, refusal_of
from cutwork.api.pictures import Picture
from cutwork.api.talk import service_of
from cutwork.domain import CELL, MAX_BRIEF, MAX_SEED, MAX_SIDE, MIN_SIDE, Design, Json, Kind, Seed, Size
from cutwork.storage.owners import File
from cutwork.tools.formats import receipt

router = APIRouter(route_class=OpenAiRoute, tags=["openai"])
Quality = Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"]
EFFORT: dict[str, float] = {"low": 0.5, "high": 1.5, "hd": 1.5, "xhigh": 2.0, "max": 3.0}  # times the model's usual steps
SAID = {"auto": "medium", "standard": "medium", "hd": "high"}  # qualities under older names
MOST_STEPS = 200


class Extras(Asked):
    """What OpenAI's API has no word for, in `x_cutwork`; as in `POST /v1/designs`."""

    seed: Seed | None = None
    kind: Kind | Literal["auto"] | None = None
    captions: list[str] | None = None
    palette: list[str] | None = None
    similar: list[str] | None = None
    wishes: dict[Literal["sticker", "meme", "textile"], Json] | None = None
    rounds: Annotated[int, Field(ge=1, le=10)] | None = None
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] | None = None
    guidance: Annotated[float, Field(ge=1, le=30)] | None = None
    technique: str | None = None


class Wanted(Asked):
    """What generations and edits have in common."""

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_BRIEF)]
    model: str | None = None
    n: Annotated[int, Field(ge=1, le=10)] | None = 1
    size: str | None = "auto"
    quality: Quality | None = "auto"
    background: Literal["transparent", "opaque", "auto"] | None = "auto"
    output_format: pictures.Format | None = "png"
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = 100
    response_format: Literal["b64_json", "url"] | None = "b64_json"
    stream: bool | None = False
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = 0
    moderation: Literal["low", "auto"] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    x_cutwork: Extras = Extras()

    @property
    def transparent(self) -> bool:
        return self.background == "transparent"

    @property
    def form(self) -> pictures.Format:
        return self.output_format or "png"

    @property
    def compression(self) -> int:
        return 100 if self.output_compression is None else self.output_compression

    @property
    def told_quality(self) -> str:
        """The quality as answers name it."""
        return SAID.get(self.quality or "auto", self.quality or "auto")

    @property
    def seeds(self) -> list[int]:
        """One a picture, in a row from the one asked for."""
        first = secrets.randbelow(2**32) if self.x_cutwork.seed is None else self.x_cutwork.seed
        return [(first + k) % (MAX_SEED + 1) for k in range(self.n or 1)]

    def warnings(self) -> list[str]:
        """What is passed over."""
        own = [f"x_cutwork.{text}" for text in self.x_cutwork.unknown()]
        if (self.partial_images or 0) and not self.stream:
            own.append("partial_images are only sent with stream")
        return self.unknown() + own

    def check(self) -> None:
        """Raises Refusal for what cannot go together."""
        if self.transparent and self.form == "jpeg":
            raise Refusal("A transparent background needs output_format png or webp, got jpeg.", param="background", code="invalid_value")


class Layer(BaseModel):
    """One subject on its own sheet."""

    subject: str
    region: int
    image: str
    mask: str
    box: list[float] | None


class Edit(BaseModel):
    """What an edit changed of a picture, in pixels, and a hash of all that it kept."""

    window: tuple[int, int, int, int]
    frozen: str


class Made(BaseModel):
    """What became of one picture: its run, and what OpenAI's answer has no place for."""

    run_id: str
    seed: int
    status: str
    kind: str
    size: str
    layers: list[Layer]
    files: list[Json]
    receipt: Json
    notes: list[str]
    links: dict[str, str]
    edit: Edit | None = None


class Item(BaseModel):
    """One picture."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    x_cutwork: Made


class ImagesAnswer(BaseModel):
    """The pictures, as OpenAI's clients read them."""

    model_config = ConfigDict(extra="allow")

    created: int
    background: Literal["transparent", "opaque"]
    output_format: pictures.Format
    quality: str
    size: str
    data: list[Item]
    usage: ImageUsage
    x_cutwork: Json = {}


@router.post("/v1/images/generations", response_model=ImagesAnswer, responses={400: {"model": ErrorAnswer}}, summary="Make pictures of a prompt, as OpenAI's API does")
async def generate(asked: Wanted, request: Request, who: Annotated[str, Depends(tenant)]) -> Response:
    """Each picture is a run; `n` are drawn with seeds in a row. A client that leaves cancels them."""
    asked.check()
    service = service_of(request)
    size, warnings = snapped(asked.size)
    wanted = {"brief": asked.prompt, "size": size, **drawn(asked, service)}
    runs = [(await run_in_threadpool(service.submit, "design", {**wanted, "seed": seed}, who)).id for seed in asked.seeds]
    return await answered(asked, request, who, runs, asked.warnings() + warnings, "image_generation", lambda design: (shown(design, asked, service), None))


def drawn(asked: Wanted, service: Service) -> Json:
    """How it is to be drawn, as a request for a run says it; what nobody asked for is left out."""
    extras = {key: value for key in Extras.model_fields if key != "seed" and (value := getattr(asked.x_cutwork, key)) is not None}
    given: Json = {"model": model_named(asked.model, service)} | effort(asked.quality or "auto", service, asked.model)
    return {key: value for key, value in (given | extras).items() if value is not None}


def effort(quality: str, service: Service, model: str | None) -> Json:
    """Steps and rounds of a quality: the usual ones of the model, fewer or more."""
    from cutwork.tools.drawing import suits

    if quality not in EFFORT:
        return {}
    settings = service.studio.settings
    usual = settings.steps or suits(model_named(model, service) or settings.model).steps
    return {"steps": max(1, min(MOST_STEPS, round(usual * EFFORT[quality])))} | ({"rounds": 1} if quality == "low" else {})


def snapped(size: str | None) -> tuple[str | None, list[str]]:
    """A size that can be drawn, and what is to be said about it; None where it is left to us.

    Raises:
        Refusal: if it is no size, or far from any.
    """
    if size in (None, "", "auto"):
        return None, []
    width, cross, height = str(size).lower().replace("×", "x").partition("x")
    if not (cross and width.strip().isascii() and width.strip().isdigit() and height.strip().isascii() and height.strip().isdigit() and len(str(size)) < 16):
        raise Refusal(f"Invalid value for 'size': wanted 'auto' or WIDTHxHEIGHT such as 256x256, got {size!r}.", param="size", code="invalid_value")
    asked = int(width), int(height)
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in asked):
        raise Refusal(f"Invalid value for 'size': each side must be from {MIN_SIDE} to {MAX_SIDE} pixels, got {size!r}.", param="size", code="invalid_value")
    near = Size(tuple(max(MIN_SIDE, min(MAX_SIDE, round(side / CELL) * CELL)) for side in asked))
    return str(near), [] if near.root == asked else [f"size {size} was drawn as {near}: sides are multiples of {CELL}"]


def shown(design: Design, asked: Wanted, service: Service) -> Picture:
    """The picture of a finished run that was asked for."""
    make = pictures.of_subjects if asked.transparent else pictures.of_goods
    picture = make(design, service.studio.wired.blobs, asked.form, asked.compression)
    if picture.transparent and asked.background == "opaque":
        return pictures.opaque(picture, asked.form, asked.compression)
    return picture


Show = Callable[[Design], tuple[Picture, Edit | None]]


async def answered(asked: Wanted, request: Request, who: str, runs: list[str], warnings: list[str], kind: str, show: Show) -> Response:
    """The answer when the runs are done: at once, or as they go."""
    headers = header_safe(warnings)
    if asked.stream:
        return StreamingResponse(_streamed(asked, request, who, runs, kind, show), media_type="text/event-stream", headers={"Cache-Control": "no-store", **headers})
    service = service_of(request)
    ended = await waiting.ended(service, runs, who, request)
    made = [await _made(run, asked, request, who, show) for run in ended]
    first = made[0][0]
    answer = ImagesAnswer(
        created=int(time.time()),
        background="transparent" if first.transparent else "opaque",
        output_format=first.format,
        quality=asked.told_quality,
        size=first.size,
        data=[item for _, item in made],
        usage=usage(asked.prompt, [picture for picture, _ in made]),
        x_cutwork={"warnings": warnings} if warnings else {},
    )
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), headers=headers)


async def _made(run: Run, asked: Wanted, request: Request, who: str, show: Show) -> tuple[Picture, Item]:
    """The picture of a run that has ended.

    Raises:
        Refusal: if it made none.
    """
    service = service_of(request)
    if run.status != "done":
        raise _unfinished(run)
    design = await run_in_threadpool(service.studio.show, run.design or run.id)
    picture, edit = await image_work(show, design)
    linked = asked.response_format == "url"
    place = await run_in_threadpool(kept, picture, request, who) if linked else None
    return picture, Item(b64_json=None if linked else base64.b64encode(picture.data).decode(), url=place, x_cutwork=told(design, run, request).model_copy(update={"edit": edit}))


def _unfinished(run: Run) -> Refusal:
    if run.status == "needs_approval":
        return Refusal(f"Run {run.id} waits for approval of its plan: POST /v1/designs/{run.design or run.id}/resume.", code="needs_approval", status=409)
    if run.status == "cancelled":
        return Refusal(f"Run {run.id} was cancelled.", code="cancelled", status=409)
    return refusal_from(run.error.model_dump() if run.error else {})


def kept(picture: Picture, request: Request, who: str) -> str:
    """Where a picture can be fetched from now on, at least for a day."""
    service = service_of(request)
    sha256 = service.studio.wired.blobs.put(picture.data)
    service.designs.give_file(who, File(sha256, picture.media_type, "answer", picture.width, picture.height))
    return talk.address(sha256, request)


def told(design: Design, run: Run, request: Request) -> Made:
    """What OpenAI's answer has no place for."""
    best = design.delivered
    cutouts = best.cutouts if best else ()
    return Made(
        run_id=run.id,
        seed=best.shot.seed if best else design.seed,
        status=design.status,
        kind=design.kind,
        size=str(best.shot.plan.size if best else design.brief.size),
        layers=[
            Layer(subject=c.subject, region=c.region, image=talk.address(c.image, request), mask=talk.address(c.mask, request), box=list(c.box.root) if c.box else None)
            for c in cutouts
        ],
        files=talk.files(design, request),
        receipt={
            "words": list(receipt.summary(design)) if best else [],
            "score": best.critique.score if best else None,
            "subjects": [{"subject": c.subject, "region": c.region, **c.receipt.model_dump(mode="json")} for c in cutouts],
        },
        notes=list(design.notes),
        links={"run": f"{request.base_url}v1/runs/{run.id}", "design": f"{request.base_url}v1/designs/{design.id}"},
    )


def usage(prompt: str, made: list[Picture], image_tokens: int = 0) -> ImageUsage:
    """Text tokens by length; image tokens as the denoiser counts them, one for 16×16 pixels."""
    words, drawn = estimated_tokens(prompt), sum(-(-p.width // CELL) * -(-p.height // CELL) for p in made)
    read = words + image_tokens
    return ImageUsage(input_tokens=read, input_tokens_details=TextTokens(text_tokens=words, image_tokens=image_tokens), output_tokens=drawn, total_tokens=read + drawn)


async def _streamed(asked: Wanted, request: Request, who: str, runs: list[str], kind: str, show: Show) -> AsyncIterator[str]:
    """The runs' events, one run after the other: previews, then the picture."""
    try:
        async for id in _each(runs, who, service_of(request)):
            async for event in _story(id, asked, request, who, kind, show):
                yield event
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        yield sse("error", refusal.body)


async def _each(runs: list[str], who: str, service: Service) -> AsyncIterator[str]:
    """The runs in their order. Those still to come are cancelled where this is left before its time."""
    for at, id in enumerate(runs):
        try:
            yield id
        except BaseException:
            for later in runs[at:]:
                service.cancel(later, who)
            raise


async def _story(id: str, asked: Wanted, request: Request, who: str, kind: str, show: Show) -> AsyncIterator[str]:
    service, sent, total = service_of(request), 0, 0
    wish = asked.partial_images or 0
    base: Json = {"background": asked.background or "auto", "output_format": asked.form, "quality": asked.told_quality}
    async for event in waiting.events(service, id, who):
        if event.kind == "step":
            total = int(event.data["total"])
        if event.kind == "preview" and sent < wish and event.data["done"] * (wish + 1) >= total * (sent + 1):
            picture = await run_in_threadpool(_preview, event.data, id, asked, service)
            yield sse(f"{kind}.partial_image", {**base, **_body(picture), "partial_image_index": sent})
            sent += 1
    run = service.run(id, who)
    picture, item = await _made(run, asked, request, who, show)
    clear = "transparent" if picture.transparent else "opaque"
    done = {**base, **_body(picture), "background": clear, "usage": usage(asked.prompt, [picture]).model_dump(), "x_cutwork": item.x_cutwork.model_dump(mode="json")}
    yield sse(f"{kind}.completed", done)


def _preview(data: Json, run: str, asked: Wanted, service: Service) -> Picture:
    """A preview at the size that was planned."""
    sha256 = str(data["image"]).rsplit("/", 1)[-1].partition("?")[0]
    plan = service.studio.show(run).plan
    return pictures.of_preview(service.studio.wired.blobs.get(sha256), asked.form, plan.size.root if plan else (256, 256))


def _body(picture: Picture) -> Json:
    return {"b64_json": base64.b64encode(picture.data).decode(), "created_at": int(time.time()), "size": picture.size}


def sse(kind: str, data: Json) -> str:
    """An event as OpenAI's clients read it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n"
