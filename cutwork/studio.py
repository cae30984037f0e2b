"""The Python API: `Studio().design("a grumpy cat and a rocket")` returns a `Design`.

Every run is kept: its database row is written before anything costly starts, and a run that stopped anywhere can be
resumed. A `Studio` may be used by several threads; they share one loaded model.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cutwork.domain import Brief, Design, Json, Plan, Shot, Size
from cutwork.errors import BadInput, Cancelled, CutworkError, StorageFailed
from cutwork.settings import Settings
from cutwork.wiring import Wired

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


class Studio:
    """Ways to start, finish, look at and repeat runs.

    Args:
        settings: ready settings; else keyword arguments override environment, `cutwork.toml` and defaults.
    """

    def __init__(self, settings: Settings | None = None, **overrides: Any) -> None:
        self.settings = settings or Settings(**overrides)
        self.wired = Wired(self.settings)

    def design(
        self,
        brief: str | Brief,
        *,
        kind: str | None = None,
        size: str | None = None,
        seed: int | None = None,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Design:
        """Turn a brief into a finished design.

        Args:
            on_event: called with "node" and "step" events as the run goes.
            cancelled: asked before every node and denoising step; True stops the run, which can then be resumed.

        Raises:
            BadInput: if the brief cannot be used. Cancelled: when asked to stop. CutworkError: others of its tree.
        """
        wanted = brief if isinstance(brief, Brief) else make_brief(brief, kind=kind, size=size, seed=seed)
        start = self._start(wanted)
        return self._run(start.id, {"id": start.id, "brief": wanted, "seed": start.seed}, on_event, cancelled)

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
        """Finish a run that stopped: killed, cancelled, or waiting for approval (`answer`: True or what to change).

        Raises:
            BadInput: if there is no such run, or it waits for an answer and none is given.
        """
        from langgraph.types import Command

        design = self.wired.designs.get(id)
        if design.status in ("accepted", "best_effort"):
            return design
        graph, config = self._graph(), self._config(id)
        snapshot = graph.get_state(config)
        if not snapshot.values:
            return self._run(id, {"id": id, "brief": design.brief, "seed": design.seed}, on_event, cancelled)
        waiting = any(task.interrupts for task in snapshot.tasks)
        if waiting and answer is None:
            raise BadInput(f"run {id} waits for approval of its plan", hint=f"cutwork resume {id} --approve, or --reject 'what to change'")
        return self._run(id, Command(resume=answer) if waiting else None, on_event, cancelled)

    def rerun(self, source: str | Path, *, on_event: OnEvent = lambda kind, data: None, cancelled: Callable[[], bool] = lambda: False) -> Design:
        """Draw a finished design again, from its id or from a PNG it delivered: same plan, same seed, one round.

        Raises:
            BadInput: if there is no such run, or the file is not a PNG made by Cutwork.
        """
        brief, shot = self._shot_of(source)
        start = self._start(brief.model_copy(update={"seed": shot.seed}))
        self.wired.designs.save(start.model_copy(update={"plan": shot.plan}))
        state = {"id": start.id, "brief": brief, "seed": shot.seed, "shot": shot}
        return self._run(start.id, state, on_event, cancelled, rounds=1)

    def _shot_of(self, source: str | Path) -> tuple[Brief, Shot]:
        if Path(source).suffix.lower() == ".png":
            from cutwork.tools.formats.png import read_manifest

            manifest = read_manifest(Path(source))
            return Brief.model_validate(manifest["brief"]), Shot.model_validate(manifest["shot"])
        design = self.wired.designs.get(str(source))
        if design.delivered is None:
            raise BadInput(f"run {source} has no finished round to draw again", hint=f"cutwork resume {source}")
        return design.brief, design.delivered.shot

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
            StorageFailed: if the folder cannot be written; the run itself is kept.
        """
        paths: dict[str, str] = {}

        def place(sha256: str, name: str) -> str:
            if sha256 not in paths:
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (out / name).write_bytes(self.wired.blobs.get(sha256))
                paths[sha256] = str(out / name)
            return paths[sha256]

        try:
            for artifact in design.artifacts:
                place(artifact.sha256, artifact.name)
            return as_json(design, place)
        except OSError as error:
            raise StorageFailed(f"cannot write to {out}: {error.strerror or error}", hint=f"the run is kept: cutwork show {design.id} --out ELSEWHERE") from error

    def _start(self, brief: Brief) -> Design:
        """The row of a new run, kept before anything else happens."""
        from cutwork.graphs.state import start

        design = start(brief, self.settings.model, self.settings.llm)
        assert self.wired.drawing  # made now, so that an unknown model is refused before the run exists
        self.wired.designs.create(design)
        return design

    def _run(self, id: str, state: Any, on_event: OnEvent, cancelled: Callable[[], bool], rounds: int | None = None) -> Design:
        deps = self.wired.deps(id, cancelled, on_event)
        if rounds is not None:
            deps.rounds = rounds
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
        design = designs.get(id)
        timed = design.model_copy(update={"timings": {**design.timings, "total": round(design.timings.get("total", 0) + time.monotonic() - started, 3)}})
        designs.save(timed)
        return timed

    def _graph(self) -> Any:
        if not hasattr(self, "_compiled"):
            from cutwork.graphs.design import compile

            self._compiled = compile(self.wired.checkpointer)
        return self._compiled

    @staticmethod
    def _config(id: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": id}, "recursion_limit": RECURSION}


def as_json(design: Design, place: Callable[[str, str], str]) -> Json:
    """A design as the contract's JSON; `place(sha256, name)` puts a blob somewhere and returns its path."""
    best = design.delivered
    cutouts = best.cutouts if best else ()
    shown = next((a for a in design.artifacts if a.kind == "image"), None)
    layers, masks = (_finished(design, kind, [getattr(c, field) for c in cutouts]) for kind, field in (("cutout", "image"), ("mask", "mask")))
    return {
        "id": design.id,
        "status": design.status,
        "brief": design.brief.text,
        "kind": design.brief.kind,
        "size": [design.brief.size.width, design.brief.size.height],
        "seed": best.shot.seed if best else design.seed,
        "model": design.model,
        "llm": design.llm,
        "plan": design.plan.model_dump(mode="json") if design.plan else None,
        "rounds": [
            {
                "number": r.number,
                "image": place(r.render.image, f"rounds/{r.number}.png"),
                "critique": r.critique.model_dump(mode="json"),
                "repairs": [r.applied.model_dump(mode="json")] if r.applied else [],
                "seconds": r.render.seconds,
            }
            for r in design.rounds
        ],
        "best": design.best,
        "image": place(shown.sha256, shown.name) if shown else None,
        "cutouts": [
            {
                "subject": c.subject,
                "image": place(layers[i], f"cutouts/{i + 1:02}-{c.subject}.png"),
                "mask": place(masks[i], f"masks/{i + 1:02}-{c.subject}.png"),
                "box": list(c.box.root) if c.box else None,
                "receipt": c.receipt.model_dump(mode="json"),
            }
            for i, c in enumerate(cutouts)
        ],
        "artifacts": [
            {
                "kind": a.kind,
                "path": place(a.sha256, a.name),
                "media_type": a.media_type,
                "sha256": a.sha256,
                "width": a.width,
                "height": a.height,
            }
            for a in design.artifacts
        ],
        "timings": design.timings,
        "error": design.error,
        "created": design.created,
    }


def _finished(design: Design, kind: str, raw: list[str]) -> list[str]:
    """Hashes of the finished files of a kind, one a cut-out; the raw ones where the format wrote none."""
    files = [a.sha256 for a in design.artifacts if a.kind == kind]
    return files if len(files) == len(raw) else raw
