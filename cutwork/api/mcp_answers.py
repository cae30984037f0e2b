"""What MCP tools answer: words for the model that asks, data for its program, a small picture, and links to the files."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from PIL import Image
from pydantic import BaseModel

from cutwork.api import pictures, talk
from cutwork.api.models import Run
from cutwork.domain import Artifact, Cutout, Design, Json, Region
from cutwork.errors import CutworkError
from cutwork.tools.formats import receipt
from cutwork.tools.formats.base import delivered

if TYPE_CHECKING:
    from cutwork.api.deps import Service

SCHEME = "cutwork://artifacts/"
SMALL = 256  # pixels of the long side of pictures inside an answer


class File(BaseModel):
    """A file, to be read as a resource."""

    uri: str
    name: str
    kind: str
    media_type: str


class Progress(BaseModel):
    """How far a run is."""

    ahead: int | None = None
    step: int | None = None
    steps: int | None = None
    doing: str | None = None


class RunAnswer(BaseModel):
    """A run as it stands, and what it made once it has."""

    run: str
    status: str
    session: str | None = None
    turn: str | None = None
    design: str | None = None
    words: str = ""
    progress: Progress | None = None
    question: Json | None = None
    changes: list[str] = []
    calls: list[Json] = []
    files: list[File] = []
    error: Json | None = None


class Layer(BaseModel):
    """One subject on its own sheet."""

    subject: str
    region: int
    z: int
    """Higher is nearer; of two alike the later region."""
    box: list[float] | None
    image: File
    mask: File
    area: File | None
    """The free-form area that it was given; null where that was its box."""


class LayersAnswer(BaseModel):
    """A design's subjects, cut out."""

    design: str
    layers: list[Layer]


class CritiqueAnswer(BaseModel):
    """The verdict on a design, in words and figures."""

    design: str
    score: float
    accepted: bool
    words: list[str]
    subjects: list[Json]
    findings: list[Json]


class PlanAnswer(BaseModel):
    """What would be drawn, and where."""

    words: str
    plan: Json


class SessionAnswer(BaseModel):
    """Where a session stands."""

    session: str
    turn: str | None
    design: str | None
    words: str


class FileAnswer(BaseModel):
    """One file of a design."""

    design: str
    file: File


class ModelsAnswer(BaseModel):
    """What can draw here."""

    own: str
    models: list[Json]


def result(answer: BaseModel, words: str, *more: ContentBlock) -> CallToolResult:
    """An answer in all its forms. Answers of a run that failed are marked as errors, so that the model that asked can mend it."""
    failed = isinstance(answer, RunAnswer) and answer.status == "failed"
    return CallToolResult(content=[TextContent(text=words), *more], structured_content=answer.model_dump(mode="json"), is_error=failed)


def file(one: Artifact) -> File:
    """An artifact as a file."""
    return File(uri=SCHEME + one.sha256, name=one.name, kind=one.kind, media_type=one.media_type)


def layer_file(cutout: Cutout, kind: str) -> File:
    """A cut-out's picture or mask as a file."""
    return File(uri=SCHEME + (cutout.image if kind == "image" else cutout.mask), name=f"{cutout.subject}-{cutout.region + 1}-{kind}.png", kind=kind, media_type="image/png")


def layers(design: Design) -> list[Layer]:
    """The cut-outs of a design, in the order of its regions; none where it delivered nothing."""
    best = design.delivered
    return [] if best is None else [_layer(cutout, best.shot.plan.regions[cutout.region]) for cutout in best.cutouts]


def _layer(cutout: Cutout, region: Region) -> Layer:
    area = File(uri=SCHEME + region.mask, name=f"{cutout.subject}-{cutout.region + 1}-area.png", kind="area", media_type="image/png") if region.mask else None
    image, mask = layer_file(cutout, "image"), layer_file(cutout, "mask")
    return Layer(subject=cutout.subject, region=cutout.region, z=region.z, box=list(cutout.box.root) if cutout.box else None, image=image, mask=mask, area=area)


def link(one: File, size: int | None = None) -> ResourceLink:
    """A file as a link that the client may follow."""
    return ResourceLink(uri=one.uri, name=one.name, mime_type=one.media_type, size=size)


def small(design: Design, service: Service) -> list[ContentBlock]:
    """The picture of a design, small enough to be looked at in passing; none where it has none."""
    try:
        data = service.studio.wired.blobs.get(pictures.main(design).sha256)
        with Image.open(io.BytesIO(data)) as image:
            image.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
            shown = pictures.encoded(image, "png" if "A" in image.getbands() else "jpeg", 85)
    except (CutworkError, OSError):
        return []
    return [ImageContent(data=base64.b64encode(shown.data).decode(), mime_type=shown.media_type)]


def of_run(run: Run, service: Service, progress: Progress | None = None) -> CallToolResult:
    """A run in words, data and pictures. May wait for the database."""
    answer = RunAnswer(run=run.id, status=run.status, session=run.session, turn=run.turn, design=run.design, progress=progress)
    if run.error is not None:
        answer.error, answer.words = run.error.model_dump(mode="json"), f"{run.error.detail}{f' ({run.error.hint})' if run.error.hint else ''}"
        return result(answer, f"Run {run.id} failed: {answer.words}")
    if run.status in ("waiting", "running", "cancelled"):
        return result(answer, _going_on(run, progress))
    if run.kind == "turn":
        _add_turn(answer, run, service)
    design = _design(answer.design, service)
    if design is not None:
        answer.files = [file(one) for one in design.artifacts]
        answer.words = answer.words or " ".join(_verdict(design))
    words = f"{answer.words}\n\nrun {run.id}, session {run.session}, design {answer.design}" if run.session else f"{answer.words}\n\nrun {run.id}, design {answer.design}"
    return result(answer, words, *(small(design, service) if design else []), *(link(one) for one in answer.files))


def _add_turn(answer: RunAnswer, run: Run, service: Service) -> None:
    """What a turn said and did. A turn that made nothing shows nothing."""
    turn = talk.turn_of(service, run)
    answer.words = talk.in_words(turn)
    answer.changes, answer.question = list(turn.changes), turn.question
    answer.calls = [call.model_dump(mode="json") for call in turn.calls]
    answer.design = turn.design


def _design(id: str | None, service: Service) -> Design | None:
    if id is None:
        return None
    try:
        return service.studio.show(id)
    except CutworkError:  # deleted since
        return None


def _verdict(design: Design) -> list[str]:
    return list(receipt.summary(design)) if design.delivered else [design.error or f"The design is {design.status}."]


def _going_on(run: Run, progress: Progress | None) -> str:
    if run.status == "cancelled":
        return f"Run {run.id} was cancelled."
    if run.status == "waiting":
        return f"Run {run.id} waits, {run.ahead or 0} before it. Ask get_run for how it goes."
    how = f", step {progress.step} of {progress.steps}" if progress and progress.step else ""
    return f"Run {run.id} is being worked on{how}. Ask get_run for how it goes."


def critique(design: Design) -> CritiqueAnswer:
    """A design's receipt and the critic's verdict.

    Raises:
        BadInput: if it has delivered nothing.
    """
    best = delivered(design)
    plan = best.shot.plan
    measured = [f"{c.region + 1} {plan.subject(c.subject).phrase}: {'; '.join(map(_line, receipt.lines(plan, c)))}" for c in best.cutouts]
    return CritiqueAnswer(
        design=design.id, score=best.critique.score, accepted=best.accepted, words=[*receipt.summary(design), *measured],
        subjects=[{"subject": c.subject, "region": c.region, **c.receipt.model_dump(mode="json")} for c in best.cutouts],
        findings=[finding.model_dump(mode="json") for finding in best.critique.findings],
    )  # fmt: skip


def _line(line: receipt.Line) -> str:
    return f"{receipt.percent(line.share)} {line.words}" if line.words.startswith(("of ", "overlap")) else line.words
