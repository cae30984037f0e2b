"""What OpenAI's image API answers, at once or as it comes, and what of our runs it has no place for (`x_cutwork`)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Literal

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from cutwork.api import pictures, talk, waiting
from cutwork.api.deps import Service
from cutwork.api.files import image_work
from cutwork.api.models import Run
from cutwork.api.openai_asked import Wanted
from cutwork.api.openai_wire import estimated_tokens, header_safe, refusal_of, unfinished
from cutwork.api.pictures import Picture
from cutwork.api.talk import service_of
from cutwork.domain import CELL, Design, Json
from cutwork.storage.owners import File
from cutwork.tools.formats import receipt


class TextTokens(BaseModel):
    """Of what the tokens of an input were."""

    text_tokens: int
    image_tokens: int


class ImageUsage(BaseModel):
    """What pictures took: text tokens by length, image tokens as the model that draws counts them."""

    input_tokens: int
    input_tokens_details: TextTokens
    output_tokens: int
    total_tokens: int


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
        raise unfinished(run)
    design = await run_in_threadpool(service.studio.show, run.design or run.id)
    picture, edit = await image_work(show, design)
    linked = asked.response_format == "url"
    place = await run_in_threadpool(kept, picture, request, who) if linked else None
    return picture, Item(b64_json=None if linked else base64.b64encode(picture.data).decode(), url=place, x_cutwork=told(design, run, request).model_copy(update={"edit": edit}))


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


def usage(prompt: str, made: list[Picture]) -> ImageUsage:
    """Text tokens by length; image tokens as the denoiser counts them, one for 16×16 pixels."""
    words, drawn = estimated_tokens(prompt), sum(-(-p.width // CELL) * -(-p.height // CELL) for p in made)
    return ImageUsage(input_tokens=words, input_tokens_details=TextTokens(text_tokens=words, image_tokens=0), output_tokens=drawn, total_tokens=words + drawn)


async def _streamed(asked: Wanted, request: Request, who: str, runs: list[str], kind: str, show: Show) -> AsyncIterator[str]:
    """The runs' events, one run after the other: previews, then the picture."""
    try:
        async with waiting.until_gone(service_of(request), runs, who):
            for id in runs:
                async for event in _story(id, asked, request, who, kind, show):
                    yield event
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        yield sse("error", refusal.body)


async def _story(id: str, asked: Wanted, request: Request, who: str, kind: str, show: Show) -> AsyncIterator[str]:
    service, sent, total = service_of(request), 0, 0
    wish = asked.partial_images or 0
    base: Json = {"background": asked.background or "auto", "output_format": asked.form, "quality": asked.told_quality}
    async for event in waiting.events(service, id, who, cancel=False):
        if event.kind == "step":
            total = int(event.data["total"])
        if event.kind == "preview" and sent < wish and event.data["done"] * (wish + 1) >= total * (sent + 1):
            picture = await run_in_threadpool(_preview, event.data, id, asked, service)
            yield sse(f"{kind}.partial_image", {**base, **_body(picture), "partial_image_index": sent})
            sent += 1
    run = await service.read(service.run, id, who)
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
