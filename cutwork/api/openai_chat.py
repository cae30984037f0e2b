"""OpenAI's chat completions over our sessions: `/v1/chat/completions`, where the model "cutwork" designs and talks.

The assistant's tools run here. A conversation goes on in the session it began: that of `metadata.session`, or the one that the earlier
messages, which clients send again each time, are remembered to belong to. Where they end at an earlier turn, the talk branches there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from cutwork.api import talk, waiting
from cutwork.api.deps import Service, tenant
from cutwork.api.models import Run
from cutwork.api.openai_models import OURS
from cutwork.api.openai_wire import Asked, ErrorAnswer, OpenAiRoute, Refusal, estimated_tokens, header_safe, refusal_of, unfinished
from cutwork.api.problems import Missing
from cutwork.api.talk import service_of
from cutwork.domain import Json, Session, Turn

router = APIRouter(route_class=OpenAiRoute, tags=["openai"])
KEPT_APART = "openai-chat"  # under which conversations are remembered
IDLE = {  # what steers a sampler or an account, and has nothing to steer here
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "stop", "seed", "user", "store", "logit_bias",
    "parallel_tool_calls", "reasoning_effort", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "verbosity", "top_logprobs",
}  # fmt: skip


class Part(Asked):
    """A piece of a message."""

    type: str
    text: str | None = None


class Message(Asked):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""

    @property
    def pictures(self) -> bool:
        """Whether it holds anything but words."""
        return isinstance(self.content, list) and any(part.type != "text" for part in self.content)


class StreamOptions(Asked):
    """How a stream ends."""

    include_usage: bool | None = False


class ChatAsked(Asked):
    """A question, with all that was said before."""

    model: str = OURS
    messages: Annotated[list[Message], Field(min_length=1, max_length=2_000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    functions: list[Json] | None = None
    response_format: Json | None = None
    modalities: list[str] | None = None
    logprobs: bool | None = False
    metadata: Json | None = None

    def check(self) -> None:
        """Raises Refusal for what cannot be answered as it is asked."""
        if self.model != OURS:
            raise Refusal(f"The model {self.model[:200]!r} does not chat here; {OURS!r} does.", param="model", code="model_not_found", status=404)
        if (self.n or 1) != 1:
            raise Refusal("Only one answer at a time: n must be 1.", param="n", code="unsupported_value")
        forced = isinstance(self.tool_choice, dict) or self.tool_choice == "required"
        if forced:
            raise Refusal(
                "Tools of your own cannot be called by this assistant: it uses its own, on the server, and x_cutwork says which. Leave tool_choice out.",
                param="tool_choice", code="unsupported_value",
            )  # fmt: skip
        if (self.response_format or {}).get("type", "text") != "text":
            raise Refusal("Answers are plain text: response_format must be text. x_cutwork has the same as JSON.", param="response_format", code="unsupported_value")
        if "audio" in (self.modalities or []):
            raise Refusal("Answers are text: modalities must not name audio.", param="modalities", code="unsupported_value")
        if self.messages[-1].role != "user":
            raise Refusal(f"The last message must be the user's, got one of role {self.messages[-1].role!r}.", param="messages", code="invalid_value")
        if not self.words.strip():
            raise Refusal("The last message has no words.", param="messages", code="invalid_value")

    def warnings(self) -> list[str]:
        """What is passed over."""
        told = self.unknown(IDLE)
        if self.tools or self.functions:
            told.append("tools of the caller's are not called: the assistant has its own and uses them on the server, see x_cutwork.calls")
        if self.logprobs:
            told.append("logprobs are not given")
        if any(message.pictures for message in self.messages if message.role == "user"):
            told.append("pictures in messages are not looked at: say in words what they show, or edit them with /v1/images/edits")
        if any(message.role in ("system", "developer") for message in self.messages):
            told.append("system messages do not steer this assistant")
        return told

    @property
    def split(self) -> tuple[list[Message], list[Message]]:
        """What was said before, and what the user says now: every message since the last answer."""
        spoken = [message for message in self.messages if message.role in ("user", "assistant")]
        last = max((k for k, message in enumerate(spoken) if message.role == "assistant"), default=-1)
        return spoken[: last + 1], spoken[last + 1 :]

    @property
    def words(self) -> str:
        """What the user says now."""
        return "\n".join(message.text for message in self.split[1]).strip()


class Usage(BaseModel):
    """Tokens, by the length of the text."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Answer(BaseModel):
    """The assistant's message."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None


class Choice(BaseModel):
    """The one answer."""

    index: int = 0
    message: Answer
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatAnswer(BaseModel):
    """What was said and done."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = OURS
    choices: list[Choice]
    usage: Usage
    x_cutwork: Json


class Place(NamedTuple):
    """Where a conversation stands."""

    session: Session
    turn: str | None  # the last one that the client knows of
    warnings: list[str]


@router.post("/v1/chat/completions", response_model=ChatAnswer, responses={400: {"model": ErrorAnswer}}, summary="Talk about designs, as OpenAI's API does")
async def complete(asked: ChatAsked, request: Request, who: Annotated[str, Depends(tenant)]) -> Response:
    """A turn of a session. A client that leaves cancels it."""
    asked.check()
    service = service_of(request)
    place = await run_in_threadpool(_place, asked, service, who)
    warnings = asked.warnings() + place.warnings
    run = await run_in_threadpool(talk.say, service, who, place.session, asked.words, place.turn)
    if asked.stream:
        stream = _streamed(asked, request, who, run, warnings)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", **header_safe(warnings)})
    (ended,) = await waiting.ended(service, [run.id], who, request)
    turn, text = await run_in_threadpool(_said, asked, service, who, ended, request)
    answer = ChatAnswer(
        id=f"chatcmpl-{ended.id}", created=int(time.time()), choices=[Choice(message=Answer(content=text))], usage=_usage(asked, text),
        x_cutwork=talk.told(turn, ended, service, request) | {"warnings": warnings},
    )  # fmt: skip
    return JSONResponse(answer.model_dump(mode="json"), headers=header_safe(warnings))


def _place(asked: ChatAsked, service: Service, who: str) -> Place:
    """The session that the question belongs to, and the turn that it goes on from."""
    named = (asked.metadata or {}).get("session")
    if named is not None:
        session = service.session(str(named), who)
        return Place(session, talk.current(service, session), [])
    before = asked.split[0]
    if not before:
        return Place(service.sessions.create(owner=who), None, [])
    known = talk.notes(service, KEPT_APART).get(who, _trail(before))
    with suppress(Missing):  # the session was deleted since
        if known is not None:
            return Place(service.session(known["session"], who), known["turn"], [])
    return Place(service.sessions.create(owner=who), None, ["the earlier messages are of no conversation that is kept here, so a new session was begun"])


def _trail(messages: Sequence[Message]) -> str:
    """A name for all that was said, whatever became of its spaces."""
    told = [[message.role, " ".join(message.text.split())] for message in messages]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _said(asked: ChatAsked, service: Service, who: str, run: Run, request: Request) -> tuple[Turn, str]:
    """The turn of a run that has ended and its answer, which is remembered to belong to it.

    Raises:
        Refusal: if it failed or was cancelled.
    """
    if run.status not in ("done", "needs_approval"):
        raise unfinished(run)
    turn = talk.turn_of(service, run)
    text = talk.answer(turn, service, request)
    trail = [*asked.split[0], *asked.split[1], Message(role="assistant", content=text)]
    stands = talk.current(service, service.sessions.get(turn.session))  # "undo" leads elsewhere than to its own turn
    talk.notes(service, KEPT_APART).put(who, _trail(trail), {"session": turn.session, "turn": stands})
    return turn, text


def _usage(asked: ChatAsked, text: str) -> Usage:
    read, written = sum(estimated_tokens(message.text) for message in asked.messages), estimated_tokens(text)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


async def _streamed(asked: ChatAsked, request: Request, who: str, run: Run, warnings: list[str]) -> AsyncIterator[str]:
    """What happens, as chunks without words in them, then the answer."""
    base: Json = {"id": f"chatcmpl-{run.id}", "object": "chat.completion.chunk", "created": int(time.time()), "model": OURS}
    service = service_of(request)
    try:
        yield _chunk(base, {"role": "assistant", "content": ""})
        async for event in waiting.events(service, run.id, who):
            if event.kind in ("node", "step", "preview", "note", "call"):
                yield _chunk(base, {}, x_cutwork={"event": event.kind, **event.data})
        ended = await service.read(service.run, run.id, who)
        turn, text = await run_in_threadpool(_said, asked, service, who, ended, request)
        yield _chunk(base, {"content": text})
        yield _chunk(base, {}, finish="stop", x_cutwork=talk.told(turn, ended, service, request) | {"warnings": warnings})
        if asked.stream_options and asked.stream_options.include_usage:
            yield f"data: {json.dumps({**base, 'choices': [], 'usage': _usage(asked, text).model_dump()})}\n\n"
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        yield f"data: {json.dumps(refusal.body, ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def _chunk(base: Json, delta: Json, finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return f"data: {json.dumps({**base, 'choices': [choice], **more}, ensure_ascii=False)}\n\n"
