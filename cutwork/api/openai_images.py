"""OpenAI's image generation over our runs: `/v1/images/generations`.

A picture asked for is a run like any other, which can be looked at, finished anew and talked about. What OpenAI's API has no word for
travels in `x_cutwork`: the seed and the goods in, and for each picture the run, its layers and its receipt out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from cutwork.api import pictures
from cutwork.api.deps import Service, tenant
from cutwork.api.openai_answers import ImagesAnswer, answered
from cutwork.api.openai_asked import MOST_STEPS, Extras, Wanted
from cutwork.api.openai_models import model_named
from cutwork.api.openai_wire import ErrorAnswer, OpenAiRoute, Refusal
from cutwork.api.pictures import Picture
from cutwork.api.talk import service_of
from cutwork.domain import CELL, MAX_SIDE, MIN_SIDE, Design, Json, Size

router = APIRouter(route_class=OpenAiRoute, tags=["openai"])
SIZE = re.compile(r"([0-9]{1,5})[x×X]([0-9]{1,5})")
EFFORT: dict[str, float] = {"low": 0.5, "high": 1.5, "hd": 1.5, "xhigh": 2.0, "max": 3.0}  # times the model's usual steps


@router.post("/v1/images/generations", response_model=ImagesAnswer, responses={400: {"model": ErrorAnswer}}, summary="Make pictures of a prompt, as OpenAI's API does")
async def generate(asked: Wanted, request: Request, who: Annotated[str, Depends(tenant)]) -> Response:
    """Each picture is a run; `n` are drawn with seeds in a row. A client that leaves cancels them."""
    asked.check()
    service = service_of(request)
    size, warnings = snapped(asked.size)
    wanted = {"brief": asked.prompt, "size": size, **drawn(asked, service)}
    runs = await run_in_threadpool(queued, service, [{**wanted, "seed": seed} for seed in asked.seeds], who)
    return await answered(asked, request, who, runs, asked.warnings() + warnings, "image_generation", lambda design: (shown(design, asked, service), None))


def queued(service: Service, requests: Sequence[Json], who: str) -> list[str]:
    """The runs of these requests: all of them, or none."""
    return [run.id for run in service.together((service.submit("design", request, who) for request in requests), who)]


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
    match = SIZE.fullmatch(str(size))
    if match is None:
        raise Refusal(f"Invalid value for 'size': wanted 'auto' or WIDTHxHEIGHT such as 256x256, got {str(size)[:40]!r}.", param="size", code="invalid_value")
    asked = int(match[1]), int(match[2])
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in asked):
        raise Refusal(f"Invalid value for 'size': each side must be from {MIN_SIDE} to {MAX_SIDE} pixels, got {size!r}.", param="size", code="invalid_value")
    width, height = (max(MIN_SIDE, min(MAX_SIDE, round(side / CELL) * CELL)) for side in asked)
    near = Size((width, height))
    return str(near), [] if near.root == asked else [f"size {size} was drawn as {near}: sides are multiples of {CELL}"]


def shown(design: Design, asked: Wanted, service: Service) -> Picture:
    """The picture of a finished run that was asked for."""
    make = pictures.of_subjects if asked.transparent else pictures.of_goods
    picture = make(design, service.studio.wired.blobs, asked.form, asked.compression)
    if picture.transparent and asked.background == "opaque":
        return pictures.opaque(picture, asked.form, asked.compression)
    return picture
