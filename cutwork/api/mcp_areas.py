"""Places and pictures that MCP tools are given: a box, words, or a free-form area as a mask or as an outline. What is drawn in goes on as the hash of a picture."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from PIL import Image, ImageDraw
from pydantic import Field

from cutwork import domain
from cutwork.api import uploads
from cutwork.api.mcp_answers import SCHEME
from cutwork.domain import Json, Plan
from cutwork.errors import BadInput
from cutwork.history import Tree
from cutwork.tools.pixels import encode

if TYPE_CHECKING:
    from cutwork.api.deps import Service

Share = Annotated[float, Field(ge=0, le=1)]
Corner = Annotated[list[Share], Field(min_length=2, max_length=2)]
Box = Annotated[list[float], Field(min_length=4, max_length=4, description="[x0, y0, x1, y1] in fractions of the picture, origin top left")]
Where = Annotated[str, Field(max_length=100, description='a place in words: "top right", "left of the rocket", "a bit higher", "behind the cat"')]
Outline = Annotated[list[Corner], Field(min_length=3, max_length=500, description="corners [x, y] of a free-form area, in order, in fractions of the picture, origin top left")]
FORMS = "cutwork://artifacts/SHA256, a data: URL, or base64 of a PNG"
Mask = Annotated[str, Field(max_length=48 << 20, description=f"a free-form area as a picture in the design's proportions, light and opaque inside: {FORMS}")]
Reference = Annotated[str, Field(max_length=48 << 20, description=f"a picture that the drawing begins from: {FORMS}")]
Follow = Annotated[domain.Follow, Field(description="noise the reference is drawn on from: 0.1 hardly changes it, 0.95 hardly leaves anything of it")]
NAMED = re.compile(rf"(?:{re.escape(SCHEME)}|https?://[^/\s]+/v1/artifacts/|/v1/artifacts/)?([0-9a-f]{{64}})")
DATA = re.compile(r"data:(image/[a-z+.-]+)?[^,]{0,80};base64,", re.IGNORECASE)


def place(service: Service, who: str, session: str, given: Mapping[str, Any]) -> Json:
    """The one place among `box`, `where`, `mask` and `outline`, as arguments of a session's tool; {} where none is given. May wait for the database.

    Raises:
        BadInput: if there are several, or the area cannot be read.
    """
    said = {name: value for name, value in given.items() if value is not None}
    if len(said) > 1:
        raise BadInput(f"{' and '.join(said)} are given", "a subject has one place: give one of them")
    if "mask" in said:
        return {"mask": picture(service, who, said["mask"], "mask")}
    if "outline" in said:
        return {"mask": service.take_in(who, _filled(said["outline"], _canvas(service, who, session)))}
    return said


def picture(service: Service, who: str, given: str, what: str) -> str:
    """The hash of a picture: of a file that the caller may see, or of one that it sends. May wait for the database.

    Args:
        what: it is called in errors: "mask", "reference".

    Raises:
        BadInput: if there is no such file, or what is sent is no picture.
    """
    named = NAMED.fullmatch(given.strip())
    if named:
        if service.designs.find_file(who, named[1]) is None:
            raise BadInput(f"there is no file {named[1]}", f"send the {what} as base64, or name a file of an earlier answer")
        return named[1]
    head = DATA.match(given.strip())
    try:
        data = base64.b64decode(given.strip()[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(f"the {what} is {given[:60]!r}", f"wanted {FORMS}") from None
    return service.take_in(who, uploads.take_in(data, (head[1] or "").lower() if head else ""))


def _canvas(service: Service, who: str, session: str) -> tuple[int, int]:
    """Width and height of what stands in a session."""
    place = service.session(session, who)
    at = Tree.of(service.sessions.turns(session)).by.get(place.head or "")
    best = service.studio.show(at.design).delivered if at is not None and at.design else None
    if best is None:
        raise BadInput("there is no design yet", "an outline is of a picture: begin with generate")
    plan: Plan = best.shot.plan
    return plan.size.root


def _filled(outline: Sequence[Sequence[float]], size: tuple[int, int]) -> uploads.Taken:
    """An outline filled, white on black, as a picture of that size."""
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).polygon([(x * size[0] - 0.5, y * size[1] - 0.5) for x, y in outline], fill=255)
    return uploads.Taken(encode(np.asarray(image)), *size)
