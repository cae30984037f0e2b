"""What the layers ask of each other, as protocols: fakes and real ones answer the same questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from cutwork.domain import Artifact, Cutout, Design, Keep, LlmCall, Render, Round, Shot, Size

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt, with the variables it was rendered from.

    A language model reads `text`; the offline planner reads `name` and `variables`. `images` are PNG bytes for models
    that can see.
    """

    name: str
    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    images: tuple[bytes, ...] = ()


class Llm(Protocol):
    """Something that answers a prompt with a value of a schema."""

    name: str  # "offline", "openai:gpt-…"
    sees: bool  # whether images in a prompt are looked at

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Answer as an instance of `schema`.

        Raises:
            LlmFailed: after repair and one re-ask. NotConfigured: no key or no such model. Refused: it declined.
        """
        ...


class Blobs(Protocol):
    """Files named by the SHA-256 of their content; putting the same bytes twice keeps one."""

    def put(self, data: bytes) -> str: ...

    def get(self, sha256: str) -> bytes:
        """Raises StorageFailed if there is no such blob or its content does not match its name."""
        ...

    def __contains__(self, sha256: str) -> bool: ...


@dataclass(frozen=True)
class Watch:
    """How a drawing run is observed and stopped."""

    on_step: Callable[[int, int], None] = lambda done, total: None
    on_preview: Callable[[int, str], None] | None = None  # steps done, and the blob of a small PNG; None = none are made
    cancelled: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda text: None  # what people should know before it goes on


class Drawing(Protocol):
    """The three costly tools as the graph sees them. They are asked and answer in values and blobs alone, so that another process can do them."""

    model: str

    def begun_from(self, sha256: str, noise: float, size: Size) -> Keep:
        """A reference picture as what a whole drawing begins from. Raises BadInput if it is not there or cannot be read."""
        ...

    def render(self, shot: Shot, watch: Watch) -> Render: ...

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]: ...

    def carry(self, shot: Shot, render: Render, cutouts: Sequence[Cutout], before: Round) -> tuple[Cutout, ...]:
        """Cut-outs of a picture that keeps a part of another: those of subjects that stayed as they were are the other's own; who only went elsewhere keeps its outline."""
        ...

    def picture(self, render: Render, cutouts: Sequence[Cutout]) -> bytes:
        """The image as PNG with the cut-outs outlined and numbered, for critics that can see."""
        ...

    def contrasts(self, shot: Shot, render: Render, cutouts: Sequence[Cutout]) -> tuple[float, ...]:
        """How well the plan's lettering can be read on the image, one a band: WCAG contrast 1..21, 0 where it finds no room; none where there is no lettering."""
        ...

    def finish(self, design: Design) -> tuple[Artifact, ...]: ...


class Designs(Protocol):
    """Where runs are kept. Every method is one transaction."""

    def create(self, design: Design) -> None: ...

    def save(self, design: Design) -> None:
        """Insert or replace the run with everything in it: plan, rounds, receipts, critiques, repairs, artifacts."""
        ...

    def get(self, id: str) -> Design:
        """Raises BadInput if there is no such run."""
        ...

    def change(self, id: str, edit: Callable[[Design], Design]) -> Design:
        """Read, edit and save a run with nobody in between; the run as it is then. Raises BadInput if there is none."""
        ...

    def list(self, limit: int = 50, status: str | None = None) -> Sequence[Design]: ...

    def add_call(self, run: str, call: LlmCall) -> None: ...

    def calls(self, run: str) -> Sequence[LlmCall]: ...

    def add_event(self, run: str, kind: str, data: dict[str, Any]) -> int: ...

    def events(self, run: str, after: int = 0) -> Sequence[tuple[int, str, dict[str, Any]]]: ...
