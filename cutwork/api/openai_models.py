"""A model that OpenAI's clients name; all of them are listed at `/v1/models`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from cutwork.api import deps
from cutwork.api.models import ModelCard
from cutwork.api.openai_wire import ErrorAnswer, OpenAiRoute, Refusal

router = APIRouter(route_class=OpenAiRoute, tags=["openai"])
OURS = "cutwork"  # talks, and draws with the model of the settings
Service = Annotated[deps.Service, Depends(deps.service)]


@router.get("/v1/models/{id:path}", response_model=ModelCard, responses={404: {"model": ErrorAnswer}}, summary="One model")
def get_model(id: Annotated[str, Path(max_length=200)], service: Service) -> ModelCard:
    """One of the list, by the name it has there."""
    found = next((row for row in service.models() if id in (row["id"], row.get("repo"))), None)
    if found is None:
        raise no_model(id, service)
    return ModelCard(**found)


def model_named(name: str | None, service: deps.Service) -> str | None:
    """The model that draws under that name; None is the service's own.

    Raises:
        Refusal: if there is none such here.
    """
    if name in (None, "", OURS, service.studio.settings.model):
        return None
    found = next((row for row in service.models() if name in (row["id"], row.get("repo"))), None)
    if found is None:
        raise no_model(str(name), service)
    return str(found["id"])


def no_model(name: str, service: deps.Service) -> Refusal:
    """That there is no such model, and which there are."""
    there = ", ".join(row["id"] for row in service.models())
    return Refusal(f"The model {name[:200]!r} does not exist here; there are: {there}.", param="model", code="model_not_found", status=404)
