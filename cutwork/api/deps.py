"""The service behind the routes: what is asked of it, checked and put into the queue, and what can be heard of it.

Other doors use it too. Everything that is not a coroutine may wait for the database: call it from a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.to_thread import run_sync
from fastapi import Request
from pydantic import BaseModel, ValidationError

from cutwork import refinish
from cutwork.api.events import Heard, Hub
from cutwork.api.models import AnswerRequest, DesignRequest, FinishRequest, Links, Problem, ResumeRequest, Run, TurnRequest
from cutwork.api.problems import Conflict, Missing
from cutwork.domain import Brief, Design, DrawSettings, Json, Session, Shot, Terms
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.clock import fresh_id
from cutwork.storage.jobs import OPEN, Event, Job, SqlJobs
from cutwork.storage.owners import File
from cutwork.storage.tokens import SqlTokens
from cutwork.studio import Studio, make_brief
from cutwork.wiring import draw_settings, known_models
from cutwork.worker import Worker, question_id

if TYPE_CHECKING:
    from cutwork.sessions import Sessions
    from cutwork.storage.owners import OwnedDesigns
    from cutwork.tools.intake import Taken

MOST_WAITING = 1_000  # jobs of one tenant
LONGEST_KEY = 200
Asked = TypeVar("Asked", bound=BaseModel)
Result = TypeVar("Result")


class Service:
    """What the routes share: the studio, the sessions, the queue, and everybody who listens.

    Args:
        threads: jobs at once.
    """

    def __init__(self, studio: Studio, threads: int = 1) -> None:
        self.studio = studio
        self.designs: OwnedDesigns = studio.wired.designs
        self.jobs = SqlJobs(self.designs.engine, tell=told, heard=self._heard)
        self.tokens = SqlTokens(self.designs.engine)
        self.hub = Hub(self.jobs, self.read)
        self.worker = Worker(studio, lambda: self.sessions, self.jobs, threads)
        self._quick = self.designs.engine.dialect.name == "sqlite"

    @cached_property
    def sessions(self) -> Sessions:
        from cutwork.sessions import Sessions

        return Sessions(self.studio)

    async def read(self, do: Callable[..., Result], *args: Any) -> Result:
        """Call something that reads a few rows. From SQLite that takes less time than a change of threads; another database is waited for in one."""
        return do(*args) if self._quick else await run_sync(do, *args)

    def _heard(self, job: str) -> None:
        self.hub.nudge(job)

    def drain(self) -> None:
        """Take no more work, and let what runs and who listens come to an end. May be called from a signal's handler."""
        self.worker.drain()
        self.hub.close_soon()

    def submit(
        self, kind: str, request: Mapping[str, Any], tenant: str, *, session: str | None = None, turn: str | None = None, idempotency: str | None = None
    ) -> Run:
        """Put work into the queue.

        Args:
            kind: "design", "finish", "rerun", "resume" or "turn".
            request: what the route of that kind takes as its body; "finish", "rerun" and "resume" also want "design", the id. What is said in a session may
                have "after": the turn that it goes on from, None = from before the first; left out, where the session stands when its time has come.
            session: of a turn. turn: the turn that is answered, where the request has "decisions".
            idempotency: a key of the caller's; the same request under the same key is the same run.

        Raises:
            BadInput: if the request cannot be used. Missing: if it names what is not there. Conflict: if it cannot be done as things stand.
        """
        asked = hashlib.sha256(json.dumps([kind, session, turn, request], sort_keys=True, default=str).encode()).hexdigest()
        if idempotency is not None and not (0 < len(idempotency) <= LONGEST_KEY and idempotency.isprintable()):
            raise BadInput(f"the Idempotency-Key has {len(idempotency)} characters, wanted 1 to {LONGEST_KEY} that can be printed")
        if idempotency is not None and (earlier := self.jobs.earlier(tenant, idempotency, asked)) is not None:  # what was done since may forbid it now
            return self._shown(earlier)
        prepare = {"design": self._design, "finish": self._finish, "rerun": self._rerun, "resume": self._resume, "turn": self._turn}[kind]
        id = fresh_id()
        fields = prepare(id, dict(request), tenant, session, turn)
        job, added = self.jobs.add(Job(id, kind, tenant, key=idempotency, asked=asked, session=session, **fields), MOST_WAITING)
        if added:
            self.worker.wake()
        return self._shown(job)

    def draw(self, brief: Brief, shots: Sequence[Shot], model: str, tenant: str) -> list[Run]:
        """Put drawings into the queue whose plans and seeds are given: one round each, nothing is planned. All of them, or none.

        Raises:
            BadInput: if too many of the tenant's jobs wait.
        """
        return self.together((self._draw(brief, shot, model, tenant) for shot in shots), tenant)

    def together(self, beginning: Iterable[Run], tenant: str) -> list[Run]:
        """Runs that are begun one by one as they are asked for: all of them, or none, where one is refused."""
        begun: list[Run] = []
        try:
            for run in beginning:
                begun.append(run)
        except CutworkError:
            for run in begun:
                self.cancel(run.id, tenant)
            raise
        return begun

    def _draw(self, brief: Brief, shot: Shot, model: str, tenant: str) -> Run:
        id, terms = fresh_id(), self.studio.wired.terms(model, draw=shot.plan.draw, rounds=1, approve=False, interactive=False, redraw=True)
        request = {"brief": brief.model_dump(mode="json"), "terms": terms.model_dump(mode="json"), "shot": shot.model_dump(mode="json")}
        job, _ = self.jobs.add(Job(id, "design", tenant, request=request, design=id), MOST_WAITING)
        self.worker.wake()
        return self._shown(job)

    def run(self, id: str, tenant: str) -> Run:
        """A run as it stands.

        Raises:
            Missing: if the tenant has none of that id.
        """
        return self._shown(self.job(id, tenant))

    def job(self, id: str, tenant: str) -> Job:
        """The job behind a run, without its request. Raises Missing if the tenant has none of that id."""
        job = self.jobs.look(id)
        if job is None or job.tenant != tenant:
            raise Missing(f"there is no run {id[:80]!r}")
        return job

    def runs(self, tenant: str, status: str | None = None, session: str | None = None, limit: int = 50, before: int | None = None) -> tuple[list[Run], int | None]:
        """A tenant's runs, newest first, and the number to go on before; None at the end."""
        jobs = self.jobs.list(tenant, status, session, limit + 1, before)
        places = self.jobs.places() if any(job.status == "waiting" for job in jobs) else ()  # one look for all of them
        rows = [as_run(job, bisect_left(places, job.number) if job.status == "waiting" else None) for job in jobs[:limit]]
        return rows, jobs[limit - 1].number if len(jobs) > limit else None

    def cancel(self, id: str, tenant: str) -> Run:
        """Cancel exactly this run: at once if it waits, at its next step if it runs; one that has ended stays as it is.

        Raises:
            Missing: if the tenant has none of that id.
        """
        self.job(id, tenant)
        return self._shown(self.worker.cancel(id))

    async def wait(self, id: str, tenant: str, timeout: float | None = None) -> Run:
        """A run when it has ended, or as it stands after so many seconds.

        Raises:
            Missing: if the tenant has none of that id.
        """
        job = await self.read(self.job, id, tenant)
        if not job.ended:
            try:
                async with asyncio.timeout(timeout):
                    async for _ in self.hub.follow(id, after=0):
                        pass
            except TimeoutError:
                pass
        return await self.read(self.run, id, tenant)

    async def follow(self, id: str, tenant: str, after: int = 0) -> AsyncIterator[Event]:
        """A run's events with a number above `after`, to the last.

        Raises:
            Missing: if the tenant has none of that id.
        """
        await self.read(self.job, id, tenant)
        async for event in self.hub.follow(id, after):
            if event is not None:
                yield event

    async def listen(self, id: str, after: int = 0) -> AsyncIterator[Heard | None]:
        """As `follow`, for a run that is known; None now and then when nothing happens."""
        async for event in self.hub.follow(id, after):
            yield event

    def design(self, id: str, tenant: str) -> Design:
        """A design of the tenant's. Raises Missing if it has none of that id."""
        if not self.designs.is_of(tenant, id):
            raise Missing(f"there is no design {id[:80]!r}")
        return self.designs.get(id)

    def session(self, id: str, tenant: str) -> Session:
        """A session of the tenant's. Raises Missing if it has none of that id."""
        try:
            found = self.sessions.get(id)
        except BadInput:
            found = None
        if found is None or found.owner != tenant:
            raise Missing(f"there is no session {id[:80]!r}")
        return found

    def delete_session(self, id: str, tenant: str) -> None:
        """Delete a session of the tenant's with its turns; the designs it made stay.

        Raises:
            Missing: if it has none of that id. Conflict: if turns of it are not done.
        """
        self.session(id, tenant)
        if any(self.jobs.list(tenant, status, id, 1) for status in OPEN):
            raise Conflict(f"session {id} has turns that are not done", "wait until they are done, or cancel them")
        self.sessions.delete(id)

    def has_model(self) -> bool:
        """Whether the service's model is there."""
        from cutwork.tools import catalogue
        from cutwork.tools.drawing import embedded

        model = self.studio.settings.model
        return embedded(model) or FilePath(model).expanduser().exists() or catalogue.present(model)

    def warm(self) -> None:
        """Load the model, so that the first design does not wait for it."""
        if self.has_model():
            warm = getattr(self.studio.wired.drawing, "warm", None)
            if warm is not None:
                warm()

    def models(self) -> list[Json]:
        """Models that may be asked for: the service's own, the embedded one, and those known by name whose weights are here."""
        own = self.studio.settings.model
        rows: list[Json] = [{"id": "cutwork", "title": "the assistant, and the service's own model", "here": True}, {"id": "mini", "title": "the embedded model", "here": True}]
        for card in known_models(self.studio.settings):
            if card["here"] or card["repo"] == own:
                rows.append({"id": card["name"], **{key: card[key] for key in ("title", "repo", "family", "licence", "side", "steps")}, "here": card["here"]})
        if own != "mini" and all(own != row.get("repo") for row in rows):
            rows.append({"id": own.rsplit("/", 1)[-1], "title": "the service's model", "here": True})
        return rows

    def take_in(self, tenant: str, taken: Taken) -> str:
        """Keep a picture that somebody sent, and has from now on; its hash."""
        sha256 = self.studio.wired.blobs.put(taken.png)
        self.designs.give_file(tenant, File(sha256, "image/png", "upload", taken.width, taken.height))
        return sha256

    def brief(self, asked: DesignRequest | BaseModel, model: str, tenant: str) -> Brief:
        """The brief that is asked for, on the canvas that suits the model where none is named.

        Raises:
            BadInput: if it cannot be, asks for what cannot be done, or begins from a picture that is not the tenant's.
        """
        from cutwork.graphs.state import check
        from cutwork.tools.drawing import canvas

        for reference in getattr(asked, "references", None) or ():
            if self.designs.find_file(tenant, reference) is None:
                raise BadInput(f"there is no upload {reference}", "POST /v1/uploads takes pictures in")
        named = ("kind", "size", "seed", "captions", "palette", "similar", "wishes", "references", "follow")
        given = {name: value for name in named if (value := getattr(asked, name, None)) is not None}
        brief = make_brief(getattr(asked, "brief"), **({"size": canvas(model)} | given))  # noqa: B009 - either request has one
        check(brief)
        return brief

    def _design(self, id: str, request: Json, tenant: str, session: str | None, turn: str | None) -> Json:  # noqa: ARG002 - as all of them
        asked = parsed(DesignRequest, request)
        model = self._model(asked.model)
        brief, terms = self.brief(asked, model, tenant), self._terms(asked, model)
        self.studio.wired.llm(name=terms.llm)  # refused now rather than later
        return {"request": {"brief": brief.model_dump(mode="json"), "terms": terms.model_dump(mode="json")}, "design": id}

    def _model(self, name: str | None) -> str:
        """A model by the name it is listed under. Folders and hub ids of strangers are not opened."""
        own = self.studio.settings.model
        if name is None or name in (own, "auto", "cutwork"):
            return own
        if name == "mini":
            return name
        for row in self.models():
            if name in (row["id"], row.get("repo")):
                return str(row.get("repo") or own)
        raise BadInput(f"there is no model {name!r} here", "GET /v1/models lists those there are")

    def _terms(self, asked: DesignRequest, model: str) -> Terms:
        settings, approve = self.studio.settings, asked.approve if asked.approve is not None else self.studio.settings.approve
        wished = {key: value for key in ("steps", "guidance", "technique") if (value := getattr(asked, key)) is not None}
        rounds = asked.rounds or settings.rounds
        return self.studio.wired.terms(model, draw=self.draw_settings(wished, model), rounds=rounds, approve=approve, interactive=approve)

    def draw_settings(self, wished: Json, model: str) -> DrawSettings:
        """How a model is to draw, with what is wished of the service's settings by name. Raises BadInput if there is no such technique."""
        try:
            return draw_settings(self.studio.settings.model_copy(update=wished), model)
        except ValueError as error:
            raise BadInput(str(error)) from None

    def _finish(self, id: str, request: Json, tenant: str, session: str | None, turn: str | None) -> Json:  # noqa: ARG002
        design = self.design(str(request.pop("design", "")), tenant)
        asked = parsed(FinishRequest, request)
        if design.delivered is None:
            raise Conflict(f"design {design.id} has no finished round to make anything of", "wait until it is done")
        refinish.changed(design.goods, asked.kind, asked.palette, {str(kind): wished for kind, wished in (asked.settings or {}).items()})  # refused now rather than later
        return {"request": {"design": design.id, **asked.model_dump(mode="json", exclude_none=True)}}

    def _rerun(self, id: str, request: Json, tenant: str, session: str | None, turn: str | None) -> Json:  # noqa: ARG002
        design = self.design(str(request.get("design", "")), tenant)
        if design.delivered is None:
            raise Conflict(f"design {design.id} has no finished round to draw again", "wait until it is done")
        return {"request": {"design": design.id}}

    def _resume(self, id: str, request: Json, tenant: str, session: str | None, turn: str | None) -> Json:  # noqa: ARG002
        design = self.design(str(request.pop("design", "")), tenant)
        asked = parsed(ResumeRequest, request)
        if self.studio.is_active(design.id):
            raise Conflict(f"design {design.id} is being worked on", "wait until it is done, or cancel its run")
        question = self.studio.question(design.id)
        if question is not None and (asked.answer is None or asked.answer == ""):
            raise BadInput(f"design {design.id} waits for an answer", 'send {"answer": true}, or what to change')
        answer = "no" if asked.answer is False else asked.answer
        return {"request": {"design": design.id, "answer": answer, "question": question and question["id"]}, "design": design.id}

    def _turn(self, id: str, request: Json, tenant: str, session: str | None, turn: str | None) -> Json:
        found = self.session(session or "", tenant)
        if "decisions" not in request:
            place = {"after": request.pop("after")} if "after" in request else {}
            asked = parsed(TurnRequest, request)
            if not asked.words.strip() and not asked.calls:
                raise BadInput("the turn has neither words nor calls; say what to change")
            return {"request": asked.model_dump(mode="json") | place, "turn": id}
        decided = parsed(AnswerRequest, request)
        waiting = next((t for t in self.sessions.turns(found.id) if t.id == turn), None)
        if waiting is None:
            raise Missing(f"session {found.id} has no turn {str(turn)[:80]!r}")
        question = question_id(waiting)
        if question is None:
            raise Conflict(f"turn {waiting.number} does not wait for an answer, it is {waiting.status}")
        return {"request": decided.model_dump(mode="json") | {"question": question}, "turn": waiting.id}

    def _shown(self, job: Job) -> Run:
        return as_run(job, self.jobs.ahead(job) if job.status == "waiting" else None)


def as_run(job: Job, ahead: int | None = None) -> Run:
    """A job as callers see it."""
    links = Links(
        self=f"/v1/runs/{job.id}",
        events=f"/v1/runs/{job.id}/events",
        design=f"/v1/designs/{job.design}" if job.design else None,
        session=f"/v1/sessions/{job.session}" if job.session else None,
    )
    names = ("id", "kind", "status", "session", "turn", "design", "created", "started", "finished")
    return Run(**{name: getattr(job, name) for name in names}, ahead=ahead, error=Problem(**job.error) if job.error else None, links=links)


def told(job: Job, ahead: int | None) -> list[tuple[str, Json]]:
    """What listeners hear when a job's status changes; the last of it is all there is to know."""
    run = as_run(job, ahead)
    events: list[tuple[str, Json]] = [("status", {"status": job.status} | ({} if ahead is None else {"ahead": ahead}))]
    if run.error:
        events.append(("error", run.error.model_dump(mode="json")))
    if job.ended:
        events.append(("done", run.model_dump(mode="json")))
    return events


def parsed(kind: type[Asked], request: Json) -> Asked:
    """A request's values.

    Raises:
        BadInput: naming the field and what is wrong with it.
    """
    try:
        return kind.model_validate(request)
    except ValidationError as error:
        faults = [f"{'.'.join(str(part) for part in fault['loc'])}: {str(fault['msg']).removeprefix('Value error, ')}" for fault in error.errors()[:5]]
        raise BadInput("; ".join(faults)) from None


async def service(request: Request) -> Service:  # no coroutine would be called in a thread of its own
    """The service, for routes."""
    found: Service = request.app.state.service
    return found


async def tenant(request: Request) -> str:
    """Whose request it is, as `guard` found."""
    return str(request.state.tenant)
