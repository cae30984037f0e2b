"""Does the jobs of the service, one at a time a thread, on the studio that all of them share.

A job goes through the same `Studio` and `Sessions` as a command does. What it makes carries the job's id, so that a job that was
begun before is gone on with and never done twice. Asked to end, a worker stops what it does at its next step and lets it wait.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from cutwork import housekeeping, problems
from cutwork.domain import Brief, Call, Design, Json, Shot, Terms, Turn
from cutwork.errors import Cancelled, CutworkError
from cutwork.storage.jobs import Job, SqlJobs
from cutwork.storage.owners import File, working_for
from cutwork.studio import OnEvent, Studio

if TYPE_CHECKING:
    from cutwork.sessions import Sessions

LOOK_S = 1.0  # between looks at a queue that others may fill
FORGET_S = 3_600.0  # between looks for what has become too old
STEP_S = 0.05  # least time between two steps that are told
log = structlog.get_logger("cutwork.worker")


@dataclass(frozen=True)
class Done:
    """How a job ended."""

    status: str = "done"
    design: str | None = None
    error: Json | None = None


class Work(Protocol):
    """One kind of job."""

    def __call__(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done: ...


class Worker:
    """Threads that take jobs and do them, from `start` to `stop`.

    Args:
        sessions: gives the sessions; asked only for jobs of one.
        threads: jobs at once. Drawing itself is one at a time in a process.
    """

    def __init__(self, studio: Studio, sessions: Callable[[], Sessions], jobs: SqlJobs, threads: int = 1) -> None:
        self.studio, self.jobs = studio, jobs
        self._sessions = sessions
        self.kinds: dict[str, Work] = {"design": self._design, "resume": self._resume, "rerun": self._rerun, "finish": self._finish, "turn": self._turn}
        self.holder = f"worker-{os.getpid()}-{os.urandom(6).hex()}"
        self._threads = [threading.Thread(target=self._work, name=f"worker-{n + 1}", daemon=True) for n in range(threads)]
        self._watch = threading.Thread(target=self._look_round, name="watch", daemon=True)
        self._running: dict[str, threading.Event] = {}  # asked to stop, by job
        self._lock = threading.Lock()
        self._news, self._over = threading.Semaphore(0), threading.Event()
        self._lease = ExitStack()

    def start(self) -> None:
        """Begin with what waits, also what another process that is gone had begun."""
        self._lease.enter_context(self.studio.wired.lease(self.holder))
        self._recover()
        for thread in (*self._threads, self._watch):
            thread.start()

    def drain(self) -> None:
        """Take no more jobs; those that run stop at their next step and wait."""
        self._over.set()
        for _ in self._threads:
            self._news.release()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Drain and wait for it; whether that came about in time."""
        self.drain()
        deadline = time.monotonic() + timeout_s
        for thread in (*self._threads, self._watch):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        if not self.busy:
            self._lease.close()
        return not self.busy

    @property
    def busy(self) -> bool:
        """Whether something is still being worked on."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def alive(self) -> bool:
        """Whether jobs are taken."""
        return not self._over.is_set() and all(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """There may be something to do."""
        self._news.release()

    def cancel(self, id: str) -> Job:
        """Cancel exactly this job: at once if it waits, from its next step on if it runs."""
        job = self.jobs.ask_to_stop(id)
        with self._lock:
            if id in self._running:
                self._running[id].set()
        self.wake()  # a job of its session may go on
        return job

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                job = self.jobs.take(self.holder)
            except CutworkError as error:
                log.error("queue", error=str(error))
                job = None
            if job is None:
                self._news.acquire(timeout=LOOK_S)
            else:
                self._do(job)

    def _look_round(self) -> None:
        """What other processes did, jobs they left behind, stops they ask for; and what has become too old."""
        forgot = float("-inf")
        while not self._over.wait(LOOK_S):
            with suppress(CutworkError):
                if time.monotonic() - forgot > FORGET_S:
                    forgot = time.monotonic()
                    housekeeping.forget(self.studio.wired)
                self._recover()
                with self._lock:
                    running = dict(self._running)
                for id in self.jobs.stops(running) if running else ():
                    running[id].set()

    def _recover(self) -> None:
        def is_alive(holder: str) -> bool:
            return holder == self.holder or self.studio.wired.is_held(holder)

        for job in self.jobs.recover(is_alive):
            log.info("left behind", job=job.id, status=job.status, deaths=job.deaths)
            self.wake()

    def _do(self, job: Job) -> None:
        """Work on a job until it ends, or until it is to wait."""
        stop = threading.Event()
        with self._lock:
            self._running[job.id] = stop
        began = time.monotonic()
        log.info("begins", job=job.id, kind=job.kind, tenant=job.tenant)
        try:
            with suppress(CutworkError):  # what cannot be seen now, the watch sees
                if job.id in self.jobs.stops([job.id]):  # asked for in between
                    stop.set()
            with working_for(job.tenant):
                done = self.kinds[job.kind](job, self._teller(job), lambda: stop.is_set() or self._over.is_set())
        except Cancelled:
            done = Done("cancelled", job.design) if stop.is_set() or not self._over.is_set() else Done("waiting")
        except BaseException as error:
            if not isinstance(error, CutworkError):
                log.exception("not foreseen", job=job.id)
            done = Done("failed", job.design, problems.of(error))
        finally:
            with self._lock:
                del self._running[job.id]
        log.info("ends", job=job.id, status=done.status, code=(done.error or {}).get("code"), seconds=round(time.monotonic() - began, 3))
        self._note(job, done)

    def _note(self, job: Job, done: Done) -> None:
        """Write how it ended, as long as it takes: a job that is done must not be done again."""
        while True:
            try:
                self.jobs.back(job.id) if done.status == "waiting" else self.jobs.end(job.id, done.status, done.error, done.design)
                return
            except CutworkError as error:
                log.error("end not kept", job=job.id, error=str(error))
                if self._over.wait(LOOK_S):
                    return

    def _teller(self, job: Job) -> OnEvent:
        """Keeps a job's events; of steps that come fast, some and the last."""
        told = 0.0

        def tell(kind: str, data: dict[str, Any]) -> None:
            nonlocal told
            now = time.monotonic()
            if kind == "step" and now - told < STEP_S and data.get("done") != data.get("total"):
                return
            told = now if kind == "step" else told
            if kind == "preview":
                data = data | {"image": self._shown(job, data["image"])}
            self.jobs.add_event(job.id, kind, data)

        return tell

    def _shown(self, job: Job, sha256: str) -> str:
        """Let the tenant see a preview; its address."""
        self.studio.wired.designs.give_file(job.tenant, File(sha256, "image/png", "preview"))
        return f"/v1/artifacts/{sha256}"

    def _design(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        from cutwork.graphs.state import start

        if self._begun(job.id):
            return self._go_on(job.id, None, on_event, cancelled)
        shot = Shot.model_validate(job.request["shot"]) if "shot" in job.request else None
        design = start(Brief.model_validate(job.request["brief"]), Terms.model_validate(job.request["terms"]), shot=shot, id=job.id)
        return _done(self.studio.begin(design, on_event=on_event, cancelled=cancelled))

    def _resume(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        """An answer is for the question that stood when it was given, and for no other."""
        asked = self.studio.question(job.request["design"])
        answer = job.request.get("answer") if asked and asked["id"] == job.request.get("question") else None
        return self._go_on(job.request["design"], answer, on_event, cancelled)

    def _go_on(self, id: str, answer: Any, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        if answer is None and self.studio.question(id):
            return Done("needs_approval", id)
        return _done(self.studio.resume(id, answer, on_event=on_event, cancelled=cancelled))

    def _rerun(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        if self._begun(job.id):
            return self._go_on(job.id, None, on_event, cancelled)
        return _done(self.studio.rerun(job.request["design"], id=job.id, on_event=on_event, cancelled=cancelled))

    def _finish(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        if self._begun(job.id):
            return Done(design=job.id)
        if cancelled():
            raise Cancelled("stopped before finishing")
        on_event("node", {"node": "finish", "round": 1})
        wanted = {key: job.request.get(key) for key in ("kind", "captions", "palette", "settings")}
        return _done(self.studio.refinish(job.request["design"], job.request.get("words") or "", new_id=job.id, **wanted))

    def _turn(self, job: Job, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        """Decisions are for the question that stood when they were made, as answers are; a turn that asks another one by now waits on."""
        sessions, request = self._sessions(), job.request
        session, turn = str(job.session), str(job.turn)
        asks = next((question_id(t) for t in sessions.turns(session) if t.id == turn), None)
        if request.get("decisions") is not None and asks is not None and request.get("question", asks) == asks:  # those of older versions name none
            said = sessions.answer(session, turn, request["decisions"], on_event=on_event, cancelled=cancelled)
        else:
            calls = [Call.model_validate(call) for call in request.get("calls") or ()]
            place = {"after": request["after"]} if "after" in request else {}
            said = sessions.say(session, request.get("words") or "", calls=calls, turn=turn, **place, on_event=on_event, cancelled=cancelled)
        on_event("turn", said.model_dump(mode="json"))
        return _answered(said)

    def _begun(self, id: str) -> bool:
        return self.studio.wired.designs.is_here(id)


def question_id(turn: Turn) -> str | None:
    """A name for what a turn asks now, the same for the same question; None if it does not wait."""
    if turn.status != "waiting":
        return None
    return hashlib.sha256(json.dumps(turn.question, sort_keys=True, default=str).encode()).hexdigest()


def _done(design: Design) -> Done:
    status = {"accepted": "done", "best_effort": "done", "needs_approval": "needs_approval"}.get(design.status, "failed")
    error = problems.problem(500, "failed", "It failed", design.error or "the run failed") if status == "failed" else None
    return Done(status, design.id, error)


def _answered(turn: Turn) -> Done:
    if turn.status == "cancelled":
        raise Cancelled("the turn was stopped")
    if turn.status == "failed":
        return Done("failed", turn.design, problems.problem(422, "turn_failed", "The turn failed", turn.error or "the turn failed"))
    return Done("needs_approval" if turn.status == "waiting" else "done", turn.design)
