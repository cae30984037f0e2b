"""The Python API: `Studio().design("a grumpy cat and a rocket")` returns a `Design`.

Every run is kept: its database row is written before anything costly starts, and a run that stopped anywhere can be
resumed. A `Studio` may be used by several threads; they share one loaded model.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from cutwork import delivery
from cutwork.domain import Brief, Design, Json, Plan, Shot, Size
from cutwork.errors import BadInput, Cancelled, CutworkError, StorageFailed
from cutwork.settings import Settings
from cutwork.wiring import Wired

if TYPE_CHECKING:
    from cutwork.graphs.state import Deps

OnEvent = Callable[[str, dict[str, Any]], None]
RECURSION = 200  # steps of the graph; rounds bound it long before


def make_brief(text: str, **fields: Any) -> Brief:
    """A brief from loose values: `size` may be "256x256", None means the default.

    Raises:
        BadInput: in plain words, naming the field.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    try:
        if isinstance(given.get("size"), str):
            given["size"] = Size.parse(given["size"])
        return Brief(text=text, **given)
    except ValidationError as error:
        raise BadInput("; ".join(_plain(e) for e in error.errors())) from None
    except ValueError as error:
        raise BadInput(str(error)) from None


def _plain(error: Any) -> str:
    """One pydantic error as a sentence."""
    place = ".".join(str(p) for p in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    own = error["type"] == "value_error"
    return message if own else f"{place}: {message}, got {str(error.get('input'))[:60]!r}"


class _Recipe(NamedTuple):
    """What is needed to draw a design again."""

    brief: Brief
    shot: Shot
    model: str
    llm: str
    early_verdict: bool


class Studio:
    """Ways to start, finish, look at and repeat runs.

    Args:
        settings: ready settings; else keyword arguments override environment, `cutwork.toml` and defaults.
    """

    def __init__(self, settings: Settings | None = None, **overrides: Any) -> None:
        self.settings = settings or Settings(**overrides)
        self.wired = Wired(self.settings)
        self._asked_model: str | None = overrides.get("model")
        self._compiled: Any = None
        self._lock = threading.Lock()

    def design(
        self,
        brief: str | Brief,
        *,
        kind: str | None = None,
        size: str | None = None,
        seed: int | None = None,
        interactive: bool = False,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Design:
        """Turn a brief into a finished design.

        Args:
            interactive: somebody is there: where the critic would ask, the run stops with "needs_approval" until `resume` brings the answer.
            on_event: called with "node" and "step" events as the run goes.
            cancelled: asked before every node and denoising step; True stops the run, which can then be resumed.

        Raises:
            BadInput: if the brief cannot be used. Cancelled: when asked to stop. CutworkError: others of its tree.
        """
        from cutwork.graphs.state import start

        wanted = brief if isinstance(brief, Brief) else make_brief(brief, kind=kind, size=size, seed=seed)
        return self._begin(start(wanted, self.wired.terms(interactive=interactive)), on_event, cancelled)

    def plan(self, brief: str | Brief, *, kind: str | None = None, size: str | None = None) -> Plan:
        """Only the agents: what would be drawn, and where. Nothing is kept."""
        from cutwork.agents.extension import extend
        from cutwork.agents.extraction import extract
        from cutwork.agents.layout import lay_out
        from cutwork.wiring import draw_settings

        wanted = brief if isinstance(brief, Brief) else make_brief(brief, kind=kind, size=size)
        llm = self._llm()
        expansion = extend(wanted, llm)
        return lay_out(wanted, expansion, extract(wanted, expansion, llm), llm, draw=draw_settings(self.settings))

    def _llm(self) -> Any:
        if not hasattr(self, "_shared_llm"):
            self._shared_llm = self.wired.llm()
        return self._shared_llm

    def resume(
        self,
        id: str,
        answer: Any = None,
        *,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Design:
        """Finish a run that stopped: killed, cancelled, or waiting for an answer (True, or what to change).

        It goes on with the models, budgets and settings it was started with.

        Raises:
            BadInput: if there is no such run, another process works on it, it waits for an answer and none is given, or its model is gone.
            NotConfigured: if its language model cannot be used any more.
        """
        from langgraph.types import Command

        from cutwork.graphs.state import begun_again, first

        self.wired.designs.get(id)
        with self.wired.lease(id):
            design = self.wired.designs.get(id)
            if design.status in ("accepted", "best_effort"):
                return design
            deps = self.wired.deps(id, self.wired.terms_of(design), cancelled, on_event)
            snapshot = self._graph().get_state(self._config(id))
            if not snapshot.values:
                return self._run(id, first(self.wired.designs.change(id, begun_again)), deps)
            waiting = [question.value for task in snapshot.tasks for question in task.interrupts]
            if waiting and answer is None:
                about = waiting[0].get("question", "approval of its plan")
                raise BadInput(f"run {id} waits for {about}", hint=f"cutwork resume {id} --approve, or --reject 'what to change'")
            return self._run(id, Command(resume=answer) if waiting else None, deps)

    def rerun(self, source: str | Path, *, on_event: OnEvent = lambda kind, data: None, cancelled: Callable[[], bool] = lambda: False) -> Design:
        """Draw a finished design again, from its id or from a PNG it delivered: same plan, same seed, same model, one round.

        Another model is used only where the `Studio` was asked for one (`Studio(model=…)`).

        Raises:
            BadInput: if there is no such run or model, or the file is not a PNG made by Cutwork.
        """
        from cutwork.graphs.state import start

        old = self._recipe(source)
        terms = self.wired.terms(self._asked_model or old.model, rounds=1, approve=False, redraw=True, early_verdict=old.early_verdict)
        return self._begin(start(old.brief, terms, llm=old.llm, shot=old.shot), on_event, cancelled)

    def _recipe(self, source: str | Path) -> _Recipe:
        if Path(source).suffix.lower() == ".png":
            from cutwork.tools.formats.png import read_manifest, shot

            found = read_manifest(Path(source))
            try:
                return _Recipe(Brief.model_validate(found["brief"]), shot(found), str(found["model"]), str(found["llm"]), self.settings.early_verdict)
            except (ValidationError, KeyError) as error:
                raise BadInput(f"{source}: its cutwork manifest is damaged: {str(error)[:200]}") from error
        design = self.wired.designs.get(str(source))
        if design.delivered is None:
            raise BadInput(f"run {source} has no finished round to draw again", hint=f"cutwork resume {source}")
        terms = design.terms
        return _Recipe(design.brief, design.delivered.shot, design.model, design.llm, terms.early_verdict if terms else self.settings.early_verdict)

    def runs(self, limit: int = 50, status: str | None = None) -> Sequence[Any]:
        """Newest first, as (id, status, brief, created)."""
        return self.wired.designs.list_summaries(limit, status)

    def show(self, id: str) -> Design:
        """One run. Raises BadInput if there is none of that id."""
        return self.wired.designs.get(id)

    def export(self, id: str, path: Path) -> Path:
        """One run as a zip of validated JSON and blobs."""
        from cutwork.storage.archive import export_run

        export_run(id, self.wired.designs, self.wired.blobs, path)
        return path

    def import_(self, path: Path) -> Design:
        """Take in a run that `export` wrote."""
        from cutwork.storage.archive import import_run

        return import_run(path, self.wired.designs, self.wired.blobs)

    def deliver(self, design: Design, out: Path) -> Json:
        """Write a design's files into a folder and return it as JSON, with paths.

        Every image, mask and path in the JSON is a file path as a string.

        Raises:
            BadInput: if a file's name leads out of the folder. StorageFailed: if the folder cannot be written; the run itself is kept.
        """
        return delivery.deliver(design, self.wired.blobs, out)

    def _begin(self, design: Design, on_event: OnEvent, cancelled: Callable[[], bool]) -> Design:
        """A new run. Its models are made first, so that unknown ones are refused before the run exists."""
        from cutwork.graphs.state import first

        deps = self.wired.deps(design.id, self.wired.terms_of(design), cancelled, on_event)
        with self.wired.lease(design.id):
            self.wired.designs.create(design)
            return self._run(design.id, first(design), deps)

    def _run(self, id: str, state: Any, deps: Deps) -> Design:
        """Work on a run that is held, until it is done or waits."""
        designs, started = self.wired.designs, time.monotonic()
        designs.set_status(id, "running")
        try:
            self._graph().invoke(state, self._config(id), context=deps, durability="sync")
        except (Cancelled, KeyboardInterrupt):
            designs.set_status(id, "cancelled", "stopped on request; it can be resumed")
            raise
        except CutworkError as error:
            designs.set_status(id, "failed", str(error))
            raise
        except (OSError, sqlite3.Error) as error:  # disk full, folder gone: the checkpoint before it still stands
            raise StorageFailed(f"run {id} could not be kept: {error}", hint=f"make room, then: cutwork resume {id}") from error
        except Exception as error:
            designs.set_status(id, "failed", f"{type(error).__name__}: {error}")
            raise
        taken = time.monotonic() - started
        return designs.change(id, lambda d: d.model_copy(update={"timings": {**d.timings, "total": round(d.timings.get("total", 0) + taken, 3)}}))

    def _graph(self) -> Any:
        with self._lock:
            if self._compiled is None:
                from cutwork.graphs.design import compile

                self._compiled = compile(self.wired.checkpointer)
            return self._compiled

    @staticmethod
    def _config(id: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": id}, "recursion_limit": RECURSION}
