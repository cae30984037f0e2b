"""Sessions seen as threads: turns are checkpoints, what a turn waits for is an interrupt, and a job of a session is a run of its thread.

Nothing is kept twice: a thread is a session, made here or on the page. Only what clients attach to it (metadata) is remembered beside it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request

from cutwork.api import talk
from cutwork.api.deps import parsed
from cutwork.api.designs import as_out
from cutwork.api.problems import Conflict, Missing
from cutwork.api.protocol_models import HistoryAsked, Name, RunAsked, ThreadAsked, ThreadSearch, assistant_id
from cutwork.domain import Call, Json, Session, Turn
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.jobs import Job

if TYPE_CHECKING:
    from cutwork.api.deps import Service
    from cutwork.api.models import Run

THREADS, RUNS = "threads", "thread-runs"  # under which metadata are remembered
MOST = 1_000  # threads that are searched
STATUS = {"waiting": "pending", "running": "running", "needs_approval": "interrupted", "done": "success", "failed": "error", "cancelled": "interrupted"}
PLAIN = ("brief", "kind", "size", "seed")  # of a design's input


@dataclass(frozen=True)
class Threads:
    """The threads of one tenant."""

    service: Service
    who: str
    request: Request

    def create(self, asked: ThreadAsked) -> Json:
        """A new thread, under the client's id if it gives one. Metadata `title` and `approve` (show plans before they are drawn) are its session's too."""
        if asked.supersteps:
            raise BadInput("a thread begins empty: supersteps cannot be replayed here")
        id = asked.thread_id or str(uuid.uuid4())
        owner = self._owner(id) if asked.thread_id else None
        if owner == self.who and asked.if_exists == "do_nothing":
            return self.get(id)
        if owner is not None:  # whose it is, is not told
            raise Conflict(f"there is already a thread {id!r}", 'give if_exists="do_nothing" to go on with one of yours')
        about = asked.metadata or {}
        self.service.sessions.create(id=id, owner=self.who, title=str(about.get("title", ""))[:200], approve=about.get("approve") is True)
        talk.notes(self.service, THREADS).put(self.who, id, {"metadata": about})
        return self.get(id)

    def get(self, id: str) -> Json:
        """One thread with its newest state."""
        session = self.session(id)
        turns, jobs = self._turns(id), self.jobs(id)
        state = self._state(session, turns, talk.current(self.service, session))
        return {
            "thread_id": id, "created_at": session.created, "updated_at": session.updated, "state_updated_at": session.updated,
            "metadata": self._metadata(id), "status": _status(jobs, state), "config": {}, "values": state["values"] or None,
            "interrupts": {task["id"]: task["interrupts"] for task in state["tasks"] if task["interrupts"]}, "error": None,
        }  # fmt: skip

    def change(self, id: str, metadata: Json | None) -> Json:
        """A thread with metadata added."""
        self.session(id)
        talk.notes(self.service, THREADS).change(self.who, id, lambda kept: {"metadata": kept.get("metadata", {}) | (metadata or {})})
        return self.get(id)

    def copy(self, id: str) -> Json:
        """A new thread with all that was said in another and is over, which stands where that stands; each goes its own way from there."""
        self.session(id)
        new = self.service.studio.wired.sessions.copy(id, str(uuid.uuid4()))
        talk.notes(self.service, THREADS).put(self.who, new.id, {"metadata": self._metadata(id)})
        return self.get(new.id)

    def delete(self, id: str) -> None:
        """Delete a thread; what was designed in it stays."""
        self.session(id)
        self.service.delete_session(id, self.who)
        talk.notes(self.service, THREADS).drop(self.who, id)

    def search(self, asked: ThreadSearch) -> list[Json]:
        """Threads that fit, newest first if not asked otherwise."""
        if asked.values:
            raise BadInput("threads cannot be searched by their values, only by metadata, ids and status")
        known = {note.name: note.data["metadata"] for note in talk.notes(self.service, THREADS).all(self.who)}
        fitting = [s for s in self._sessions() if asked.ids is None or s.id in asked.ids]
        fitting = [s for s in fitting if _holds(known.get(s.id, {}), asked.metadata)]
        order = {"created_at": "created", "thread_id": "id"}.get(asked.sort_by or "", "updated")
        fitting.sort(key=lambda s: (getattr(s, order), s.id), reverse=asked.sort_order != "asc")
        if asked.status is None and asked.sort_by != "status":
            return [_selected(self.get(s.id), asked.select) for s in fitting[asked.offset : asked.offset + asked.limit]]
        threads = [t for t in (self.get(s.id) for s in fitting) if asked.status in (None, t["status"])]
        if asked.sort_by == "status":
            threads.sort(key=lambda t: t["status"], reverse=asked.sort_order != "asc")
        return [_selected(t, asked.select) for t in threads[asked.offset : asked.offset + asked.limit]]

    def count(self, asked: ThreadSearch) -> int:
        """How many threads fit."""
        return len(self.search(asked.model_copy(update={"offset": 0, "limit": MOST, "select": ["thread_id"]})))

    def state(self, id: str, turn: str | None = None) -> Json:
        """A thread after a turn; after the one it stands on where none is named."""
        session, turns = self.session(id), self._turns(id)
        if turn is not None and turn not in turns:
            raise Missing(f"thread {id} has no checkpoint {turn!r}")
        return self._state(session, turns, turn or talk.current(self.service, session))

    def history(self, id: str, asked: HistoryAsked) -> list[Json]:
        """All states of a thread, branches too, newest first."""
        session, turns = self.session(id), self._turns(id)
        before = asked.before if isinstance(asked.before, str) else _turn_of(asked.before)
        if before is not None and before not in turns:
            raise Missing(f"thread {id} has no checkpoint {before!r}")
        numbers = [t for t in sorted(turns.values(), key=lambda t: -t.number) if before is None or t.number < turns[before].number]
        return [self._state(session, turns, turn.id) for turn in numbers[: asked.limit]]

    def stand(self, id: str, turn: str | None) -> Json:
        """Go to a turn: what is said next goes on from there."""
        session = self.session(id)
        if turn is not None:
            self.state(id, turn)
        if turn != session.head:
            self.service.sessions.go_to(id, turn)
        return _checkpoint(id, turn)

    def begin(self, id: str, asked: RunAsked, name: Name) -> Run:
        """Put a run of a thread in the queue."""
        _possible(asked)
        session = self.session(id)
        self._make_room(id, asked)
        if asked.command is not None and asked.command.resume is not None:
            run = self._resumed(session, asked.command.resume)
        else:
            words, calls = _input(asked.input, name)
            run = talk.say(self.service, self.who, session, words, asked.turn or talk.current(self.service, session), calls)
        kept = {"thread_id": id, "assistant_id": assistant_id(name), "metadata": asked.metadata or {}, "multitask_strategy": asked.multitask_strategy or "enqueue"}
        talk.notes(self.service, RUNS).put(self.who, run.id, kept)
        return run

    def _make_room(self, id: str, asked: RunAsked) -> None:
        """What becomes of runs that are not done yet, before another one comes."""
        open = [job for job in self.jobs(id) if not job.ended]
        if open and asked.multitask_strategy == "reject":
            raise Conflict(f"thread {id} is busy with run {open[0].id}")
        if asked.multitask_strategy in ("interrupt", "rollback"):
            for job in open:
                self.service.cancel(job.id, self.who)

    def _resumed(self, session: Session, resume: Any) -> Run:
        """Answer what the thread waits for."""
        waiting = next((turn for turn in reversed(self._turns(session.id).values()) if turn.status == "waiting"), None)
        if waiting is None:
            raise Conflict(f"thread {session.id} waits for nothing")
        return self.service.submit("turn", {"decisions": decisions(resume, waiting)}, self.who, session=session.id, turn=waiting.id)

    def run(self, id: str, run: str) -> Json:
        """One run of a thread."""
        return self._told(self._job(id, run))

    def runs(self, id: str, limit: int = 10, offset: int = 0, status: str | None = None) -> list[Json]:
        """A thread's runs, newest first."""
        self.session(id)
        told = [self._told(job) for job in self.jobs(id)]
        return [run for run in told if status in (None, run["status"])][offset : offset + limit]

    def cancel(self, id: str, run: str) -> None:
        """Cancel exactly this run."""
        self.service.cancel(self._job(id, run).id, self.who)

    def outcome(self, id: str, run: Run) -> Json:
        """What a run comes to that is waited for no more: the thread's values after its turn, what it asks, or why there are none."""
        if run.status == "failed" and run.error is not None:
            return {"__error__": {"error": run.error.code, "message": run.error.detail}}
        if run.status == "cancelled":
            return {"__error__": {"error": "cancelled", "message": f"run {run.id} was cancelled"}}
        if run.status in ("waiting", "running"):
            return {"__error__": {"error": "unavailable", "message": f"the service is ending; run {run.id} goes on when it is back"}}
        state = self.state(id, run.turn)
        asked = [one for task in state["tasks"] for one in task["interrupts"]]
        return {**state["values"], **({"__interrupt__": asked} if asked else {})}

    def session(self, id: str) -> Session:
        """The session behind a thread."""
        return self.service.session(id, self.who)

    def jobs(self, id: str) -> Sequence[Job]:
        """A thread's jobs, newest first."""
        return self.service.jobs.list(self.who, session=id, limit=MOST)

    def message(self, turn: Turn) -> list[Json]:
        """A turn as messages: what was said, and what was answered."""
        said = turn.words or "; ".join(f"{call.tool} {', '.join(f'{k}: {v}' for k, v in call.args.items())}".strip() for call in turn.calls)
        human = {"type": "human", "id": f"{turn.id}-asked", "content": said, "additional_kwargs": {}, "response_metadata": {}}
        if turn.status == "running":
            return [human]
        failed = turn.error or f"The turn was {turn.status}."
        text = talk.answer(turn, self.service, self.request) if turn.status in ("done", "waiting") else failed
        more = {"x_cutwork": {"design": turn.design, "calls": [c.model_dump(mode="json") for c in turn.calls], "changes": list(turn.changes), "cost": turn.cost.model_dump()}}
        return [human, {"type": "ai", "id": turn.id, "content": text, "tool_calls": [], "additional_kwargs": more, "response_metadata": {}}]

    def _job(self, thread: str, run: str) -> Job:
        self.session(thread)
        found = self.service.jobs.get(run)
        if found is None or found.tenant != self.who or found.session != thread:
            raise Missing(f"thread {thread} has no run {run!r}")
        return found

    def _told(self, job: Job) -> Json:
        kept = talk.notes(self.service, RUNS).get(self.who, job.id) or {}
        return {
            "run_id": job.id, "thread_id": job.session, "assistant_id": kept.get("assistant_id", assistant_id("session")),
            "created_at": job.created, "updated_at": job.finished or job.started or job.created, "status": STATUS[job.status],
            "metadata": kept.get("metadata", {}), "kwargs": {}, "multitask_strategy": kept.get("multitask_strategy", "enqueue"),
        }  # fmt: skip

    def _state(self, session: Session, turns: dict[str, Turn], at: str | None) -> Json:
        """A thread as it is after a turn; before the first where `at` is None."""
        turn = turns.get(at) if at else None
        waits = turn is not None and turn.status == "waiting" and turn.question is not None
        asked = [{"value": turn.question, "id": turn.id}] if turn is not None and waits else []
        return {
            "values": self._values(turns, turn),
            "next": ["approve"] if waits else [],
            "checkpoint": _checkpoint(session.id, at)["checkpoint"],
            "metadata": {"source": "loop" if turn else "input", "step": turn.number if turn else -1, "thread_id": session.id},
            "created_at": turn.created if turn else session.created,
            "parent_checkpoint": _checkpoint(session.id, turn.parent)["checkpoint"] if turn and turn.parent else None,
            "tasks": [{"id": turn.id, "name": "approve", "error": None, "interrupts": asked, "checkpoint": None, "state": None, "result": None}] if turn and waits else [],
            "interrupts": asked,
        }

    def _values(self, turns: dict[str, Turn], turn: Turn | None) -> Json:
        if turn is None:
            return {}
        path = [turn]
        while path[0].parent in turns:
            path.insert(0, turns[str(path[0].parent)])
        return {"messages": [message for one in path for message in self.message(one)], "design": self._design(turn), "locks": list(turn.locks)}

    def _design(self, turn: Turn) -> Json | None:
        """The design that stands after a turn."""
        if turn.design is None:
            return None
        try:
            return as_out(self.service.design(turn.design, self.who), self.service)
        except CutworkError:  # deleted since
            return None

    def _turns(self, id: str) -> dict[str, Turn]:
        return {turn.id: turn for turn in self.service.sessions.turns(id)}

    def _metadata(self, id: str) -> Json:
        kept = talk.notes(self.service, THREADS).get(self.who, id) or {}
        return dict(kept.get("metadata", {}))

    def _owner(self, id: str) -> str | None:
        """Whose session has this id; None = nobody's."""
        with suppress(BadInput):
            return self.service.sessions.get(id).owner
        return None

    def _sessions(self) -> list[Session]:
        """The newest of the tenant's sessions."""
        found: list[Session] = []
        while len(found) < MOST:
            page = self.service.sessions.list(owner=self.who, limit=100, after=found[-1].id if found else None)
            found += page
            if len(page) < 100:
                break
        return found


def decisions(resume: Any, turn: Turn) -> list[Json]:
    """What people's clients send to resume, as one decision for each thing that is asked.

    Raises:
        BadInput: if it is nothing that decides.
    """
    if isinstance(resume, dict) and turn.id in resume and len(resume) == 1:  # by interrupt id
        resume = resume[turn.id]
    if isinstance(resume, dict) and "decisions" in resume:
        resume = resume["decisions"]
    if isinstance(resume, dict):
        resume = [resume]
    if isinstance(resume, list) and resume and all(isinstance(one, dict) and "type" in one for one in resume):
        return [_decision(one) for one in resume]
    wanted = max(1, len((turn.question or {}).get("action_requests") or []))
    if resume is True or resume in ("approve", "accept", "yes"):
        return [{"type": "approve"}] * wanted
    if resume is False or isinstance(resume, str):
        return [{"type": "reject", **({"message": resume} if resume else {})}] * wanted
    raise BadInput(f"resume is {str(resume)[:80]!r}", 'wanted {"decisions": [{"type": "approve"}]}, true, or in words what to change')


def _decision(given: Json) -> Json:
    """A decision in today's words; pages made for earlier ones say accept, ignore, response."""
    args = given.get("args")
    if given["type"] == "accept":
        return {"type": "approve"}
    if given["type"] in ("ignore", "response"):
        return {"type": "reject", **({"message": args} if isinstance(args, str) else {})}
    if given["type"] == "edit" and isinstance(args, dict) and "edited_action" not in given:
        return {"type": "edit", "edited_action": {"name": args.get("action"), "args": args.get("args")}}
    return given


def _possible(asked: RunAsked) -> None:
    """Raises BadInput for what is asked of a run and cannot be."""
    if asked.interrupt_before or asked.interrupt_after:
        raise BadInput("runs stop at no node of the caller's choice", "PATCH the session's `approve` to see plans before they are drawn")
    if asked.webhook:
        raise BadInput("webhooks are not called", "listen to the run's stream, or join it")
    if asked.after_seconds:
        raise BadInput("runs cannot be put off: after_seconds is not possible")
    if asked.command is not None and (asked.command.goto is not None or asked.command.update is not None):
        raise BadInput("a command can only resume: goto and update are not possible")


def _input(given: Any, name: Name) -> tuple[str, list[Call]]:
    """What is said, and which tools are asked for, by the input of a run."""
    if given is None:
        raise BadInput("the run has no input", 'wanted {"messages": [{"role": "user", "content": "…"}]}, or {"brief": "…"} for the design assistant')
    if not isinstance(given, dict):
        raise BadInput(f"input is {type(given).__name__}, wanted an object with messages or a brief")
    words = _last_words(given.get("messages"))
    if name == "design":
        brief = given.get("brief", words)
        fields = {"brief": brief} if isinstance(brief, str) else dict(brief) if isinstance(brief, dict) else {}
        fields = {("brief" if key == "text" else key): value for key, value in fields.items()}
        wanted = {key: value for key in PLAIN if (value := given.get(key, fields.get(key))) is not None and key != "brief"}
        if not str(fields.get("brief") or "").strip():
            raise BadInput("there is no brief in the input", 'wanted {"brief": "a grumpy cat and a rocket"}')
        return "", [Call(tool="design", args={"brief": str(fields["brief"])} | wanted)]
    wanted_calls = given.get("calls") or []
    if not isinstance(wanted_calls, list):
        raise BadInput(f"input.calls is {type(wanted_calls).__name__}, wanted a list of uses of tools")
    calls = [parsed(Call, call) for call in wanted_calls]
    if not words.strip() and not calls:
        raise BadInput("nothing is said in the input", 'wanted {"messages": [{"role": "user", "content": "make the cat bigger"}]}')
    return words, calls


def _last_words(messages: Any) -> str:
    """The text of the last message that a person wrote, in any of the forms that clients send."""
    if isinstance(messages, (str, dict)):
        messages = [messages]
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, str):
            return message
        if isinstance(message, (list, tuple)) and len(message) == 2:
            message = {"role": message[0], "content": message[1]}
        if isinstance(message, dict) and (message.get("role") or message.get("type")) in ("user", "human"):
            content = message.get("content")
            if isinstance(content, list):
                return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text")
            return str(content or "")
    return ""


def _status(jobs: Sequence[Job], state: Json) -> str:
    if any(not job.ended for job in jobs):
        return "busy"
    if state["interrupts"]:
        return "interrupted"
    return "error" if jobs and jobs[0].status == "failed" else "idle"


def _checkpoint(thread: str, turn: str | None) -> Json:
    point = {"thread_id": thread, "checkpoint_ns": "", "checkpoint_id": turn, "checkpoint_map": None}
    return {"checkpoint": point, "configurable": point}


def _turn_of(config: Json | None) -> str | None:
    """The turn that a client's config or checkpoint names."""
    place = (config or {}).get("configurable", config or {})
    found = place.get("checkpoint_id") if isinstance(place, dict) else None
    return found if isinstance(found, str) else None


def _holds(metadata: Json, wanted: Json | None) -> bool:
    return all(metadata.get(key) == value for key, value in (wanted or {}).items())


def _selected(thread: Json, fields: list[str] | None) -> Json:
    return thread if not fields else {key: thread[key] for key in fields if key in thread}
