"""What goes in and out of the thread and run API of LangGraph servers (also the Agent Protocol's), as far as we speak it."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cutwork.domain import Call, Json, Kind, spelt
from cutwork.errors import BadInput

Name = Literal["design", "session"]
NAMES: tuple[Name, ...] = ("session", "design")
DESIGNED_AT = "2026-11-29T00:00:00+00:00"  # when the assistants came to be
Mode = Literal["values", "updates", "custom", "messages", "messages-tuple"]
UNHEARD = ("events", "tasks", "checkpoints", "debug", "tools", "lifecycle")  # modes of LangGraph in which we have nothing to tell
RunStatus = Literal["pending", "running", "error", "success", "timeout", "interrupted"]
ThreadStatus = Literal["idle", "busy", "interrupted", "error"]
Listed = Annotated[list[str], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]


class Open(BaseModel):
    """Base of requests: clients of other versions send more than is known here."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _spelt(cls, given: Any) -> Any:
        return spelt(given)


class ThreadAsked(Open):
    """A new thread."""

    thread_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] | None = None
    metadata: Json | None = None
    if_exists: Literal["raise", "do_nothing"] = "raise"
    supersteps: list[Json] | None = None


class ThreadChange(Open):
    """Metadata to add to a thread's."""

    metadata: Json | None = None


class ThreadSearch(Open):
    """Which threads."""

    metadata: Json | None = None
    values: Json | None = None
    ids: list[str] | None = None
    status: ThreadStatus | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 10
    offset: Annotated[int, Field(ge=0)] = 0
    sort_by: Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class AssistantSearch(Open):
    """Which assistants."""

    metadata: Json | None = None
    graph_id: str | None = None
    name: str | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 10
    offset: Annotated[int, Field(ge=0)] = 0


class CheckpointAsked(Open):
    """A state of a thread, by the turn that it stands after."""

    checkpoint: Json | None = None
    checkpoint_id: str | None = None

    @property
    def turn(self) -> str | None:
        """The turn that is named; None where none is."""
        named = self.checkpoint_id or (self.checkpoint or {}).get("checkpoint_id")
        return named if isinstance(named, str) else None


class StateChange(CheckpointAsked):
    """Values to write into a thread; nothing but where it stands can be changed."""

    values: Any = None
    as_node: str | None = None


class HistoryAsked(Open):
    """Which states."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 10
    before: str | Json | None = None
    metadata: Json | None = None
    checkpoint: Json | None = None


class CommandAsked(Open):
    """What a run that was interrupted is told."""

    resume: Any = None
    goto: Any = None
    update: Any = None


class RunAsked(CheckpointAsked):
    """A run on a thread."""

    assistant_id: str
    input: Any = None
    command: CommandAsked | None = None
    metadata: Json | None = None
    stream_mode: Listed = Field(default_factory=lambda: ["values"])
    multitask_strategy: Literal["reject", "interrupt", "rollback", "enqueue"] | None = None
    if_not_exists: Literal["create", "reject"] | None = None
    on_disconnect: Literal["cancel", "continue"] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    interrupt_before: Any = None
    interrupt_after: Any = None
    webhook: str | None = None
    after_seconds: float | None = None


def assistant_id(name: Name) -> str:
    """The same on every machine."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:cutwork:assistant:{name}"))


def named(id: str) -> Name | None:
    """The assistant of that id or name."""
    return next((name for name in NAMES if id in (name, assistant_id(name))), None)


SAYS: dict[Name, str] = {
    "session": "Talks about a design: begins it, changes one subject and keeps the rest, undoes, explains. Its thread is a session.",
    "design": "Turns a brief into a finished design, without talk.",
}


def assistant(name: Name) -> Json:
    """An assistant as clients read it."""
    return {
        "assistant_id": assistant_id(name), "graph_id": name, "name": name, "description": SAYS[name], "version": 1, "config": {}, "context": {},
        "metadata": {"created_by": "system"}, "created_at": DESIGNED_AT, "updated_at": DESIGNED_AT,
    }  # fmt: skip


def schemas(name: Name) -> Json:
    """What an assistant takes and gives, as JSON Schema."""
    message = {"type": "object", "properties": {"role": {"type": "string"}, "content": {"type": "string"}}, "required": ["role", "content"]}
    messages = {"type": "array", "items": message}
    call = Call.model_json_schema()
    taken: Json = {"messages": messages, "calls": {"type": "array", "items": call}} if name == "session" else {"brief": {"type": "string"}, "messages": messages}
    if name == "design":
        taken |= {"kind": {"enum": ["auto", *get_args(Kind)]}, "size": {"type": "string"}, "seed": {"type": "integer", "minimum": 0}}
    given = {"messages": messages, "design": {"type": ["object", "null"]}, "locks": {"type": "array", "items": {"type": "string"}}}
    state = {"title": f"{name} state", "type": "object", "properties": given}
    return {
        "graph_id": name, "input_schema": {"title": f"{name} input", "type": "object", "properties": taken}, "output_schema": state, "state_schema": state,
        "config_schema": {"type": "object", "properties": {}}, "context_schema": {"type": "object", "properties": {}},
    }  # fmt: skip


def heard(modes: list[str]) -> None:
    """Raises BadInput for a mode that no server has."""
    known = (*get_args(Mode), *UNHEARD)
    for mode in modes:
        if mode not in known:
            raise BadInput(f"there is no stream mode {mode[:40]!r}: {', '.join(known)}")
