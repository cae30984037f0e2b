"""What happens in a run of a thread, in the stream modes of LangGraph.

Our own events go out under `custom`, node by node under `updates`, the thread's state before and after under `values`, and the answer
under `messages`. An event's id stands on the last of the lines it became, so that a client that comes back misses nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence

from starlette.concurrency import run_in_threadpool

from cutwork.api import talk, waiting
from cutwork.api.models import Run
from cutwork.api.threads import Threads
from cutwork.domain import Json, Turn

Line = tuple[str, Json | list[Json] | None]
ASSISTANT = "assistant"  # the node that answers


async def stream(threads: Threads, thread: str, run: Run, modes: Sequence[str], after: int = 0, cancel: bool = False) -> AsyncIterator[str]:
    """A run as server-sent events, from behind the event of that number to its end."""
    if not after:
        yield _written("metadata", {"run_id": run.id, "attempt": 1})
        if "values" in modes:
            yield _written("values", (await run_in_threadpool(threads.state, thread))["values"])
    ended = False
    async for event in waiting.events(threads.service, run.id, threads.who, after=after, cancel=cancel):
        if event.kind == "done":
            ended, lines = True, await run_in_threadpool(lambda: list(_ending(threads, thread, run, modes)))
        else:
            lines = list(_lines(event.kind, event.data, modes))
        for at, (kind, data) in enumerate(lines, 1):
            yield _written(kind, data, event.number if at == len(lines) else None)
    if not ended:  # the service is ending
        for kind, data in await run_in_threadpool(lambda: list(_ending(threads, thread, run, modes))):
            yield _written(kind, data)
    yield _written("end", None)


def _lines(kind: str, data: Json, modes: Sequence[str]) -> Iterator[Line]:
    """An event in each of the modes that have a word for it."""
    if "custom" in modes:
        yield "custom", {"event": kind, **data}
    if "updates" in modes and kind == "node":
        yield "updates", {str(data.get("node")): {key: value for key, value in data.items() if key != "node"} or None}


def _ending(threads: Threads, thread: str, run: Run, modes: Sequence[str]) -> Iterator[Line]:
    """What the run came to."""
    ended = threads.service.run(run.id, threads.who)
    outcome = threads.outcome(thread, ended)
    if "__error__" in outcome:
        yield "error", outcome["__error__"]
        return
    turn = talk.turn_of(threads.service, ended)
    yield from _answer(threads.message(turn)[-1], turn, run, modes)
    if "updates" in modes and "__interrupt__" in outcome:
        yield "updates", {"__interrupt__": outcome["__interrupt__"]}
    if "values" in modes:
        yield "values", outcome


def _answer(message: Json, turn: Turn, run: Run, modes: Sequence[str]) -> Iterator[Line]:
    """The assistant's message, in whatever form is listened for."""
    about = {"run_id": run.id, "thread_id": turn.session, "langgraph_node": ASSISTANT, "langgraph_step": turn.number}
    if "messages" in modes:
        yield "messages/metadata", {str(message["id"]): {"metadata": about}}
        yield "messages/partial", [message]
        yield "messages/complete", [message]
    if "messages-tuple" in modes:
        yield "messages", [message, about]
    if "updates" in modes:
        yield "updates", {ASSISTANT: {"messages": [message]}}


def _written(kind: str, data: Json | list[Json] | None, number: int | None = None) -> str:
    id = "" if number is None else f"id: {number}\n"
    return f"{id}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
