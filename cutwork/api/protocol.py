"""Threads, runs and assistants at the addresses of LangGraph servers and of the Agent Protocol, over our sessions.

`langgraph_sdk` and chat pages made for such servers work as they are. A thread is a session: what is said here can be seen and gone on
with on the page, and the other way round.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from cutwork import __version__
from cutwork.api import protocol_models as shapes
from cutwork.api import talk, thread_events, waiting
from cutwork.api.deps import parsed, tenant
from cutwork.api.models import Run
from cutwork.api.openai_wire import header_safe
from cutwork.api.problems import Missing, responses
from cutwork.api.threads import Threads
from cutwork.domain import Json
from cutwork.errors import BadInput

router = APIRouter(tags=["threads"], responses=responses(404, 409))
BEAT_S = 10.0  # between signs of life while a client waits
After = Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)]


def mine(request: Request, who: Annotated[str, Depends(tenant)]) -> Threads:
    """The threads of whoever asks."""
    return Threads(talk.service_of(request), who, request)


Mine = Annotated[Threads, Depends(mine)]


@router.get("/ok", summary="Whether the server is there")
def ok() -> dict[str, bool]:
    """It is."""
    return {"ok": True}


@router.get("/info", summary="What the server can do")
def info() -> Json:
    """Chat pages ask this first."""
    return {"version": __version__, "flags": {"assistants": True, "crons": False, "langsmith": False}}


@router.post("/assistants/search", summary="The assistants that fit")
def search_assistants(asked: shapes.AssistantSearch) -> list[Json]:
    """`session` talks, `design` only designs."""
    fitting = [shapes.assistant(name) for name in shapes.NAMES if asked.graph_id in (None, name) and (asked.name or "") in name]
    fitting = [one for one in fitting if all(one["metadata"].get(key) == value for key, value in (asked.metadata or {}).items())]
    return fitting[asked.offset : asked.offset + asked.limit]


@router.post("/assistants/count", summary="How many assistants fit")
def count_assistants(asked: shapes.AssistantSearch) -> int:
    """As search finds."""
    return len(search_assistants(asked.model_copy(update={"limit": 1_000, "offset": 0})))


@router.get("/assistants/{assistant_id}", summary="One assistant")
def get_assistant(assistant_id: str) -> Json:
    """By its id or its name."""
    return shapes.assistant(_assistant(assistant_id))


@router.get("/assistants/{assistant_id}/schemas", summary="What an assistant takes and gives")
def get_schemas(assistant_id: str) -> Json:
    """As JSON Schema."""
    return shapes.schemas(_assistant(assistant_id))


@router.post("/threads", summary="A new thread")
def create_thread(asked: shapes.ThreadAsked, threads: Mine) -> Json:
    """It is a session, and empty."""
    return threads.create(asked)


@router.post("/threads/search", summary="The threads that fit")
def search_threads(asked: shapes.ThreadSearch, threads: Mine) -> list[Json]:
    """Also those that were begun on the page."""
    return threads.search(asked)


@router.post("/threads/count", summary="How many threads fit")
def count_threads(asked: shapes.ThreadSearch, threads: Mine) -> int:
    """As search finds."""
    return threads.count(asked)


@router.get("/threads/{thread_id}", summary="One thread")
def get_thread(thread_id: str, threads: Mine) -> Json:
    """With the values it has now."""
    return threads.get(thread_id)


@router.patch("/threads/{thread_id}", summary="Add to a thread's metadata")
def patch_thread(thread_id: str, asked: shapes.ThreadChange, threads: Mine) -> Json:
    """What is not named stays."""
    return threads.change(thread_id, asked.metadata)


@router.delete("/threads/{thread_id}", status_code=204, summary="Delete a thread")
def delete_thread(thread_id: str, threads: Mine) -> None:
    """What was designed in it stays."""
    threads.delete(thread_id)


@router.post("/threads/{thread_id}/copy", summary="Copy a thread")
def copy_thread(thread_id: str, threads: Mine) -> Json:
    """With its metadata and every turn that is over, under the same checkpoints. A turn that is being done or waits for an answer stays where it is."""
    return threads.copy(thread_id)


@router.get("/threads/{thread_id}/state", summary="A thread's state")
def get_state(thread_id: str, threads: Mine) -> Json:
    """Where it stands now."""
    return threads.state(thread_id)


@router.get("/threads/{thread_id}/state/{checkpoint_id}", summary="A thread's state after a turn")
def get_state_at(thread_id: str, checkpoint_id: str, threads: Mine) -> Json:
    """A checkpoint's id is a turn's."""
    return threads.state(thread_id, checkpoint_id)


@router.post("/threads/{thread_id}/state/checkpoint", summary="A thread's state at a checkpoint")
def post_state_at(thread_id: str, asked: shapes.CheckpointAsked, threads: Mine) -> Json:
    """As before, by the whole checkpoint."""
    return threads.state(thread_id, asked.turn)


@router.post("/threads/{thread_id}/state", summary="Go to another state")
def update_state(thread_id: str, asked: shapes.StateChange, threads: Mine) -> Json:
    """With a checkpoint and no values, the thread stands there from now on and what is said next branches from it."""
    if asked.values:
        raise BadInput("values of a thread cannot be written from outside", "give a checkpoint alone to go there; say in a run what to change")
    return threads.stand(thread_id, asked.turn or threads.session(thread_id).head)


@router.get("/threads/{thread_id}/history", summary="A thread's states")
def get_history(thread_id: str, threads: Mine, limit: Annotated[int, Query(ge=1, le=1_000)] = 10, before: str | None = None) -> list[Json]:
    """All branches, newest first."""
    return threads.history(thread_id, shapes.HistoryAsked(limit=limit, before=before))


@router.post("/threads/{thread_id}/history", summary="A thread's states")
def post_history(thread_id: str, asked: shapes.HistoryAsked, threads: Mine) -> list[Json]:
    """All branches, newest first."""
    return threads.history(thread_id, asked)


@router.get("/threads/{thread_id}/runs", summary="A thread's runs")
def list_runs(
    thread_id: str, threads: Mine, limit: Annotated[int, Query(ge=1, le=1_000)] = 10, offset: Annotated[int, Query(ge=0)] = 0, status: shapes.RunStatus | None = None
) -> list[Json]:
    """Newest first."""
    return threads.runs(thread_id, limit, offset, status)


@router.post("/threads/{thread_id}/runs", summary="Begin a run on a thread")
async def create_run(thread_id: str, asked: shapes.RunAsked, threads: Mine) -> Response:
    """It waits its turn and goes on by itself."""
    run = await run_in_threadpool(_begun, thread_id, asked, threads)
    told = await run_in_threadpool(threads.run, thread_id, run.id)
    return Response(json.dumps(told), media_type="application/json", headers=_place(thread_id, run, asked))


@router.post("/threads/{thread_id}/runs/stream", summary="Begin a run on a thread and follow it")
async def stream_run(thread_id: str, asked: shapes.RunAsked, threads: Mine) -> StreamingResponse:
    """As server-sent events, in the modes asked for."""
    run = await run_in_threadpool(_begun, thread_id, asked, threads)
    return _streaming(threads, thread_id, run, asked, cancel=asked.on_disconnect == "cancel")


@router.post("/threads/{thread_id}/runs/wait", summary="Begin a run on a thread and wait for it")
async def wait_run(thread_id: str, asked: shapes.RunAsked, threads: Mine) -> StreamingResponse:
    """The thread's values when it is done."""
    run = await run_in_threadpool(_begun, thread_id, asked, threads)
    return _waiting(threads, thread_id, run, asked, cancel=asked.on_disconnect == "cancel")


@router.get("/threads/{thread_id}/runs/{run_id}", summary="One run")
def get_run(thread_id: str, run_id: str, threads: Mine) -> Json:
    """As it stands."""
    return threads.run(thread_id, run_id)


@router.get("/threads/{thread_id}/runs/{run_id}/join", summary="Wait for a run")
async def join_run(thread_id: str, run_id: str, threads: Mine) -> StreamingResponse:
    """The thread's values when it is done."""
    await run_in_threadpool(threads.run, thread_id, run_id)
    run = await run_in_threadpool(threads.service.run, run_id, threads.who)
    return _waiting(threads, thread_id, run, None, cancel=False)


@router.get("/threads/{thread_id}/runs/{run_id}/stream", summary="Follow a run")
async def join_stream(
    thread_id: str, run_id: str, threads: Mine, stream_mode: Annotated[list[str] | None, Query()] = None, cancel_on_disconnect: bool = False, last_event_id: After = None
) -> StreamingResponse:
    """From its beginning, or from behind the Last-Event-ID."""
    await run_in_threadpool(threads.run, thread_id, run_id)
    run = await run_in_threadpool(threads.service.run, run_id, threads.who)
    asked = shapes.RunAsked(assistant_id="session", stream_mode=stream_mode or ["values", "updates", "custom", "messages-tuple"])
    after = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else 0
    return _streaming(threads, thread_id, run, asked, cancel=cancel_on_disconnect, after=min(after, 2**62))


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", summary="Cancel a run")
async def cancel_run(thread_id: str, run_id: str, threads: Mine, wait: bool = False, action: str = "interrupt") -> Response:  # noqa: ARG001 - nothing is rolled back: turns stay
    """Exactly this one; at its next step if it is being drawn."""
    await run_in_threadpool(threads.cancel, thread_id, run_id)
    if wait:
        await threads.service.wait(run_id, threads.who)
    return Response("{}", 200 if wait else 202, media_type="application/json")


@router.post("/runs", summary="Begin a run on a thread of its own")
async def create_stateless(asked: shapes.RunAsked, threads: Mine) -> Response:
    """The thread stays, so that what was made can be looked at."""
    return await create_run(await _fresh(threads), asked, threads)


@router.post("/runs/stream", summary="Begin a run on a thread of its own and follow it")
async def stream_stateless(asked: shapes.RunAsked, threads: Mine) -> StreamingResponse:
    """Whoever stops listening cancels it, if not asked otherwise."""
    thread = await _fresh(threads)
    run = await run_in_threadpool(_begun, thread, asked, threads)
    return _streaming(threads, thread, run, asked, cancel=asked.on_disconnect != "continue")


@router.post("/runs/wait", summary="Begin a run on a thread of its own and wait for it")
async def wait_stateless(asked: shapes.RunAsked, threads: Mine) -> StreamingResponse:
    """Whoever stops waiting cancels it, if not asked otherwise."""
    thread = await _fresh(threads)
    run = await run_in_threadpool(_begun, thread, asked, threads)
    return _waiting(threads, thread, run, asked, cancel=asked.on_disconnect != "continue")


def _assistant(id: str) -> shapes.Name:
    name = shapes.named(id)
    if name is None:
        raise Missing(f"there is no assistant {id[:80]!r}; there are {', '.join(shapes.NAMES)}")
    return name


async def _fresh(threads: Threads) -> str:
    thread = await run_in_threadpool(threads.create, shapes.ThreadAsked(metadata={"stateless": True}))
    return str(thread["thread_id"])


def _begun(thread: str, asked: shapes.RunAsked, threads: Threads) -> Run:
    """A run that is in the queue; its thread is made where that is wished."""
    name = _assistant(asked.assistant_id)
    shapes.heard(asked.stream_mode)
    if asked.if_not_exists == "create":
        threads.create(parsed(shapes.ThreadAsked, {"thread_id": thread, "if_exists": "do_nothing"}))
    return threads.begin(thread, asked, name)


def _place(thread: str, run: Run, asked: shapes.RunAsked | None, way: str = "") -> dict[str, str]:
    """Headers that say where a run is, where to take it up again, and what is passed over."""
    here = f"/threads/{thread}/runs/{run.id}"
    silent = [f"stream_mode {mode} has nothing to tell here" for mode in (asked.stream_mode if asked else []) if mode in shapes.UNHEARD]
    return {"Content-Location": here, **({"Location": here + way} if way else {}), **header_safe(silent)}


def _streaming(threads: Threads, thread: str, run: Run, asked: shapes.RunAsked, *, cancel: bool, after: int = 0) -> StreamingResponse:
    lines = thread_events.stream(threads, thread, run, asked.stream_mode, after, cancel)
    headers = {"Cache-Control": "no-store", **_place(thread, run, asked, "/stream")}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


def _waiting(threads: Threads, thread: str, run: Run, asked: shapes.RunAsked | None, *, cancel: bool) -> StreamingResponse:
    return StreamingResponse(_outcome(threads, thread, run, cancel), media_type="application/json", headers=_place(thread, run, asked, "/join"))


async def _outcome(threads: Threads, thread: str, run: Run, cancel: bool) -> AsyncIterator[str]:
    """What a run comes to, as JSON; blanks before it keep the line open."""
    async with waiting.until_gone(threads.service, [run.id] if cancel else [], threads.who):
        ending = asyncio.ensure_future(threads.service.wait(run.id, threads.who))
        try:
            while not (await asyncio.wait({ending}, timeout=BEAT_S))[0]:
                yield "\n"
            yield json.dumps(await run_in_threadpool(threads.outcome, thread, ending.result()))
        finally:
            ending.cancel()
