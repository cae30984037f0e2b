"""What OpenAI's image API is asked for, and what is passed over or refused of it."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import Field

from cutwork.api import pictures
from cutwork.api.openai_wire import Asked, Refusal
from cutwork.domain import MAX_BRIEF, MAX_SEED, Json, Kind, Seed

Quality = Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"]
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
