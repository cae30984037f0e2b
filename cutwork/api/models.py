"""What goes in and out over HTTP. The page's client is generated from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from cutwork.domain import FOLLOW, MAX_BRIEF, MAX_PALETTE, Call, Critique, DesignStatus, Follow, Json, Kind, Plan, Receipt, Seed, Sha256, Turn

RunStatus = Literal["waiting", "running", "needs_approval", "done", "failed", "cancelled"]
RunKind = Literal["design", "turn", "finish", "rerun", "resume"]
Text = Annotated[str, StringConstraints(max_length=MAX_BRIEF)]
Short = Annotated[str, StringConstraints(max_length=200)]


class Asked(BaseModel):
    """Base of what is asked: closed, so that a misspelt wish is not passed over in silence."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Told(BaseModel):
    """Base of what is answered. Every field is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Problem(Told):
    """An error, by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    errors: list[Json] | None = None


class DesignRequest(Asked):
    """A brief, and how it shall be drawn where that is not left to what suits it."""

    brief: Text
    kind: Kind | Literal["auto"] | None = None
    size: Annotated[str, StringConstraints(max_length=20)] | tuple[int, int] | None = Field(None, description="WIDTHxHEIGHT or [width, height]; multiples of 16", examples=["256x256"])
    seed: Seed | None = None
    captions: Annotated[list[Short], Field(max_length=8)] | None = None
    palette: Annotated[list[Short], Field(max_length=MAX_PALETTE)] | None = None
    similar: Annotated[list[Short], Field(max_length=66)] | None = Field(None, description="pairs that look alike", examples=[["tiger,leopard"]])
    wishes: dict[Literal["sticker", "meme", "textile"], Json] | None = Field(None, description="settings of finished goods", examples=[{"textile": {"repeat": "half-drop"}}])
    references: Annotated[list[Sha256], Field(max_length=8)] | None = Field(None, description="the upload that the drawing begins from; so far one")
    follow: Follow | None = Field(None, description=f"noise from which the reference is drawn on: 0.1 hardly changes it, 0.95 hardly leaves anything of it; {FOLLOW:g} if left out")
    rounds: Annotated[int, Field(ge=1, le=10)] | None = None
    model: Short | None = None
    steps: Annotated[int, Field(ge=1, le=200)] | None = None
    guidance: Annotated[float, Field(ge=1, le=30)] | None = None
    technique: Short | None = Field(None, description="names with commas between", examples=["self-cross,erg"])
    approve: bool | None = Field(None, description="stop after planning until the plan is approved")


class PlanRequest(Asked):
    """A brief that shall only be planned."""

    brief: Text
    kind: Kind | Literal["auto"] | None = None
    size: Annotated[str, StringConstraints(max_length=20)] | tuple[int, int] | None = None
    captions: Annotated[list[Short], Field(max_length=8)] | None = None
    palette: Annotated[list[Short], Field(max_length=MAX_PALETTE)] | None = None
    similar: Annotated[list[Short], Field(max_length=66)] | None = None
    wishes: dict[Literal["sticker", "meme", "textile"], Json] | None = None
    references: Annotated[list[Sha256], Field(max_length=8)] | None = Field(None, description="as of a design; a plan is the same with one and without, so here it is only checked")
    follow: Follow | None = None


class FinishRequest(Asked):
    """What shall be made of a finished drawing."""

    words: Text = Field("", examples=["half-drop in 4 colours"])
    kind: Kind | None = None
    captions: Annotated[list[Short], Field(max_length=8)] | None = None
    palette: Annotated[list[Short], Field(max_length=MAX_PALETTE)] | None = None
    settings: dict[Literal["sticker", "meme", "textile"], Json] | None = None


class ResumeRequest(Asked):
    """An answer to what a run waits for: true, or what to change."""

    answer: StrictBool | Text | None = None


class SessionRequest(Asked):
    """A new session."""

    title: Short = ""
    approve: bool = Field(False, description="show plans before they are drawn")


class SessionChange(Asked):
    """What to change of a session."""

    title: Short | None = None
    approve: bool | None = None


class TurnRequest(Asked):
    """What is said in a session: words, or uses of tools, or both."""

    words: Text = Field("", examples=["make the cat bigger"])
    calls: Annotated[list[Call], Field(max_length=16)] = []


class AnswerRequest(Asked):
    """Decisions about what a turn asks, one for each action."""

    decisions: Annotated[list[Json], Field(min_length=1, max_length=16)] = Field(examples=[[{"type": "approve"}]])


class HeadRequest(Asked):
    """The turn to go to; null is before the first."""

    turn: Annotated[str, StringConstraints(max_length=64)] | None


class LoginRequest(Asked):
    """A token, to be kept in a cookie that scripts cannot read."""

    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class Links(Told):
    """Where to go on from a run."""

    self: str
    events: str
    design: str | None = None
    session: str | None = None


class Run(Told):
    """A piece of work and how it stands."""

    id: str
    kind: RunKind
    status: RunStatus
    session: str | None = None
    turn: str | None = None
    design: str | None = None
    ahead: int | None = Field(None, description="jobs before it, while it waits")
    created: str
    started: str | None = None
    finished: str | None = None
    error: Problem | None = None
    links: Links


class RunPage(Told):
    """Runs, newest first."""

    data: list[Run]
    next: str | None


class DesignSummary(Told):
    """A design in a list."""

    id: str
    status: DesignStatus
    brief: str
    created: str
    image: str | None = Field(description="address of its picture")


class DesignPage(Told):
    """Designs, newest first."""

    data: list[DesignSummary]
    next: str | None


class RoundOut(Told):
    """One turn of the loop."""

    number: int
    image: str
    critique: Critique
    repairs: list[Json]
    seconds: float


class CutoutOut(Told):
    """One subject on its own layer."""

    subject: str
    image: str
    mask: str
    box: tuple[float, float, float, float] | None
    receipt: Receipt


class ArtifactOut(Told):
    """A finished file."""

    kind: str
    path: str = Field(description="its address")
    name: str
    media_type: str
    sha256: str
    width: int | None
    height: int | None


class DesignOut(Told):
    """All of a design. Every image, mask and path is an address."""

    id: str
    status: DesignStatus
    brief: str
    kind: Kind
    parent: str | None
    size: tuple[int, int]
    seed: int
    model: str
    llm: str
    plan: Plan | None
    rounds: list[RoundOut]
    best: int | None
    notes: list[str]
    references: list[str] = Field(description="addresses of the pictures that its drawing began from")
    follow: float | None = Field(description="noise from which they were drawn on")
    image: str | None
    cutouts: list[CutoutOut]
    artifacts: list[ArtifactOut]
    timings: dict[str, float]
    error: str | None
    created: str
    question: Json | None = Field(None, description="what it waits to be told, while it needs approval")


class HeatMap(Told):
    """Where attention to the word of a region lay."""

    region: int
    subject: str
    word: str
    map: str = Field(description="address of a grey PNG, white = most")


class HeatMaps(Told):
    """One map a region."""

    data: list[HeatMap]


class SessionOut(Told):
    """A session."""

    id: str
    title: str
    created: str
    updated: str
    head: str | None
    approve: bool
    owner: str


class SessionWhole(SessionOut):
    """A session with all of its turns, in the order of their numbers."""

    turns: list[Turn]


class SessionPage(Told):
    """Sessions, newest first."""

    data: list[SessionOut]
    next: str | None


class Upload(Told):
    """A picture that was taken in."""

    sha256: str
    url: str
    width: int
    height: int


class ModelCard(Told):
    """A model, as OpenAI lists them."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "cutwork"


class ModelList(Told):
    """Models that can be asked for."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Meta(Told):
    """What this service can do."""

    version: str
    model: str
    llm: str
    kinds: list[str]
    repeats: list[str]
    presets: list[str]
    layouts: list[str]
    fonts: list[str]
    techniques: list[str]
    tools: list[str]
    forms: list[str]
    limits: dict[str, int]
    vocabulary: list[str] | None = Field(description="subjects the model can draw; null = no list")
    approve: bool
    tenant: str


class Ready(Told):
    """Whether work can be taken, part by part."""

    ready: bool
    database: bool
    model: bool
    worker: bool


class Health(Told):
    """The process answers."""

    status: Literal["ok"] = "ok"


