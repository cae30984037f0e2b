"""The Python API: `Studio().design("a grumpy cat and a rocket")` returns a `Design`.

Every run is kept: its database row is written before anything costly starts, and a run that stopped anywhere can be
resumed. A `Studio` may be used by several threads; they share one loaded model and one language model.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from cutwork import delivery, housekeeping, refinish
from cutwork.domain import DELIVERED, FOLLOW, Brief, Design, Json, Kind, Plan, Shot, Size
from cutwork.errors import BadInput, Cancelled, CutworkError, StorageFailed
from cutwork.refinish import Wishes
from cutwork.settings import Settings, masked
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
        raise BadInput(refinish.plain(error)) from None
    except ValueError as error:
        raise BadInput(str(error)) from None


def _wanted(brief: str | Brief, model: str, **asked: Any) -> Brief:
    """A brief with what was asked for beside it, on the canvas that suits the model where nobody said which."""
    from cutwork.tools.drawing import canvas

    given = {key: getattr(brief, key) for key in brief.model_fields_set} if isinstance(brief, Brief) else {"text": brief}
    given |= {key: value for key, value in asked.items() if value is not None}
    return make_brief(**{"size": canvas(model)} | given)


class _Recipe(NamedTuple):
    """What is needed to draw a design again.

    Args:
        run: which is kept here and made it; None = it is of elsewhere.
    """

    brief: Brief
    shot: Shot
    model: str
    llm: str
    early_verdict: bool
    run: Design | None = None


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
        reference: str | Path | None = None,
        follow: float | None = None,
        interactive: bool = False,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Design:
        """Turn a brief into a finished design.

        Args:
            reference: a PNG, JPEG or WebP that the drawing begins from, cut to the canvas's proportions.
            follow: noise from which it is drawn on, 0.1 (hardly changed) to 0.95 (hardly seen); 0.7 if left out.
            interactive: somebody is there: where the critic would ask, the run stops with "needs_approval" until `resume` brings the answer.
            on_event: called with "node", "step" and "note" events as the run goes.
            cancelled: asked before every node and denoising step; True stops the run, which can then be resumed.

        `kind`, `size`, `seed`, `reference` and `follow` go before those of a `Brief`.

        Raises:
            BadInput: if the brief cannot be used, or asks for what cannot be done yet. Cancelled: when asked to stop. CutworkError: others of its tree.
        """
        from cutwork.graphs.state import start

        taken = None if reference is None else (self.take(reference),)
        wanted = _wanted(brief, self.settings.model, kind=kind, size=size, seed=seed, references=taken, follow=follow)
        return self._begin(start(wanted, self.wired.terms(interactive=interactive)), on_event, cancelled)

    def take(self, picture: str | Path) -> str:
        """Take a picture in that a drawing shall begin from: its hash, for `Brief.references`.

        Raises:
            BadInput: if there is no such file, or it is no PNG, JPEG or WebP of at most 32 MiB and 16 million pixels. StorageFailed: if it cannot be kept.
        """
        from cutwork.tools.intake import take_file

        return self.wired.blobs.put(take_file(Path(picture)).png)

    def begin(self, design: Design, *, on_event: OnEvent = lambda kind, data: None, cancelled: Callable[[], bool] = lambda: False) -> Design:
        """Work on a run whose record `graphs.state.start` made, for callers that choose its id and its terms.

        Raises:
            BadInput: if there is a run of that id, or no such model. CutworkError: others of its tree.
        """
        return self._begin(design, on_event, cancelled)

    def question(self, id: str) -> Json | None:
        """What a run waits to be told: `{"id", "value"}`, an id of its own for every time it asks; None if it does not wait.

        One that was stopped or killed after an answer was given and before it was taken still waits, whatever its status says.
        """
        if self.wired.designs.get(id).status in DELIVERED:
            return None
        asked = [question for task in self._snapshot(id).tasks for question in task.interrupts]
        return {"id": asked[0].id, "value": asked[0].value} if asked else None

    def plan(self, brief: str | Brief, *, kind: str | None = None, size: str | None = None) -> Plan:
        """Only the agents: what would be drawn, and where, whatever the seed. Nothing is kept.

        Raises:
            BadInput: if the brief or the model cannot be used, or the brief asks for what cannot be done yet. CutworkError: others of its tree.
        """
        from cutwork.agents.extension import extend
        from cutwork.agents.extraction import extract
        from cutwork.agents.layout import lay_out
        from cutwork.graphs.state import check
        from cutwork.wiring import draw_settings

        wanted, draw = _wanted(brief, self.settings.model, kind=kind, size=size), draw_settings(self.settings)
        check(wanted)
        self._look_at(wanted)
        llm = self.wired.llm()
        expansion = extend(wanted, llm)
        return lay_out(wanted, expansion, extract(wanted, expansion, llm), llm, draw=draw)

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
            NotConfigured: if its language model cannot be used any more. StorageFailed: if what it had done cannot be read.
        """
        from langgraph.types import Command

        from cutwork.graphs.state import begun_again, first

        self.wired.designs.get(id)
        with self.wired.lease(id):
            design = self.wired.designs.get(id)
            if design.status in DELIVERED:
                return design
            deps = self.wired.deps(id, self.wired.terms_of(design), cancelled, on_event)
            snapshot = self._snapshot(id)
            if not snapshot.values:
                return self._run(id, first(self.wired.designs.change(id, begun_again)), deps)
            waiting = [question.value for task in snapshot.tasks for question in task.interrupts]
            if waiting and answer is None:
                about = waiting[0].get("question", "approval of its plan")
                raise BadInput(f"run {id} waits for {about}", hint=f"cutwork resume {id} --approve, or --reject 'what to change'")
            return self._run(id, Command(resume=answer) if waiting else None, deps)

    def _snapshot(self, id: str) -> Any:
        """Where a run stands."""
        try:
            return self._graph().get_state(self._config(id))
        except sqlite3.Error as error:
            where = self.settings.home / "checkpoints.db"
            raise StorageFailed(f"run {id} cannot be gone on with, {where}: {error}", "`cutwork doctor` says what is wrong with it") from error

    def rerun(
        self, source: str | Path, *, id: str | None = None, on_event: OnEvent = lambda kind, data: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Design:
        """Draw a finished design again, from its id or from any PNG it delivered: same plan, same seed, same model, one round. What an edit kept is kept again.

        A PNG that carries no plan, such as a mask, is looked up among the runs that are kept here. Another model is used only where the `Studio` was asked for one (`Studio(model=…)`).
        `id` is the new run's, where the caller has one for it.

        Raises:
            BadInput: if there is no such run or model, or the file is not a PNG that carries a plan or that a run kept here made.
        """
        from cutwork.graphs.state import start

        old = self._recipe(source)
        if old.run is not None and old.run.delivered is not None and not old.run.delivered.render.steps:
            return self._made(old.run, lambda plan: plan, id)  # it was put together of others: nothing of it was drawn
        terms = self.wired.terms(self._asked_model or old.model, rounds=1, approve=False, redraw=True, early_verdict=old.early_verdict)
        parent = self._changed_by(old.shot, old.run) if old.run is not None else None
        return self._begin(start(old.brief, terms, llm=old.llm, shot=old.shot, id=id, parent=parent), on_event, cancelled)

    def _made(self, before: Design, edit: Callable[[Plan], Plan], id: str | None) -> Design:
        """A run that finishes another's drawing with its plan edited, and its files."""
        from cutwork.tools.finish import finish as make

        fresh = refinish.record(before, edit, id)
        made = fresh.model_copy(update={"artifacts": make(fresh, self.wired.blobs)})
        self.wired.designs.create(made)
        return made

    def _changed_by(self, shot: Shot, run: Design) -> str | None:
        """The run whose picture a shot changes: the parent of the run that drew it first, of which others may be reruns or other goods. None where it changes none."""
        parent = run.parent if shot.keep is not None else None
        while parent is not None:
            try:
                before = self.wired.designs.get(parent)
            except BadInput:  # deleted since
                return None
            if before.delivered is None or before.delivered.shot.keep != shot.keep:
                return parent
            parent = before.parent
        return None

    def _recipe(self, source: str | Path) -> _Recipe:
        path = Path(source)
        if path.suffix.lower() == ".png":
            return self._recipe_of_file(path)
        try:
            design = self.wired.designs.get(str(source))
        except BadInput:
            if path.is_file():
                raise BadInput(f"{source} is a file, but no PNG", "wanted a run's id, or a PNG that Cutwork delivered") from None
            raise
        if design.delivered is None:
            raise BadInput(f"run {source} has no finished round to draw again", hint=f"cutwork resume {source}")
        return self._recipe_of_run(design, design.delivered.shot)

    def _recipe_of_run(self, design: Design, shot: Shot) -> _Recipe:
        terms = design.terms
        return _Recipe(design.brief, shot, design.model, design.llm, terms.early_verdict if terms else self.settings.early_verdict, design)

    def _recipe_of_file(self, path: Path) -> _Recipe:
        """From the plan that the file carries; where it carries none, from the run that made it."""
        from cutwork.tools.formats.png import read_manifest, shot

        try:
            found = read_manifest(path)
            drawn = shot(found)
            run = next((design for design, made in self._makers(path) if made == drawn), None) if drawn.keep else None
            return _Recipe(Brief.model_validate(found["brief"]), drawn, str(found["model"]), str(found["llm"]), self.settings.early_verdict, run)
        except (ValidationError, KeyError) as error:
            raise BadInput(f"{path}: its cutwork manifest is damaged: {str(error)[:200]}") from error
        except BadInput as error:
            if not path.is_file():
                raise
            made = self._makers(path)
            if not made:
                raise BadInput(f"{error}; nor did a run that is kept here make it", "give the image.png it came with, or a run's id: cutwork runs") from error
        shots = [shot for _, shot in made]
        if any(shot != shots[0] for shot in shots):
            runs = ", ".join(design.id for design, _ in made[:5])
            raise BadInput(f"{path} carries no plan, and several runs made just this file: {runs}", "say which: cutwork rerun ID")
        return self._recipe_of_run(*made[0])

    def _makers(self, path: Path) -> list[tuple[Design, Shot]]:
        """The runs that made this very file, each with what the round drew that it is of."""
        try:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
        makers = []
        for design in map(self.wired.designs.get, self.wired.designs.find_by_artifact(sha256)):
            turn = next((r for r in design.rounds if sha256 in (r.render.image, *(h for c in r.cutouts for h in (c.image, c.mask)))), design.delivered)
            if turn is not None:
                makers.append((design, turn.shot))
        return makers

    def refinish(
        self,
        id: str,
        words: str = "",
        *,
        kind: Kind | None = None,
        captions: Sequence[str] | None = None,
        palette: Sequence[str] | None = None,
        settings: Wishes | None = None,
        new_id: str | None = None,
    ) -> Design:
        """Make other goods of a finished drawing: another kind, lettering, palette, repeat, size. Nothing is drawn; what comes of it is a run of its own.

        Args:
            words: what is wanted, as a brief says it: "half-drop in 4 colours, 300 dpi". The other arguments go before it.
            kind: None = what the words say, else what alone has such captions, palette or settings, else the kind it has.
            captions: the first on top, all others below; none = no lettering.
            settings: by kind and name, {"textile": {"repeat": "ogee"}}.
            new_id: the new run's id, where the caller has one for it.

        Raises:
            BadInput: if there is no such run, it delivered nothing, or what is wished cannot be.
        """
        from cutwork.agents.bands import lettered
        from cutwork.agents.extension import written
        from cutwork.agents.goods import read

        before = self.wired.designs.get(id)
        named = read(words).kind
        wanted = refinish.meant(before.kind, refinish.known(kind) or named, captions or (), palette or (), settings)
        heard = read(words, wanted)
        now = refinish.changed(before.goods, wanted, palette if palette is not None else heard.palette or None, heard.settings)
        now = refinish.changed(now, settings=settings)
        unheard = (f"nothing in {words!r} says what goods to make; a finished drawing is not drawn again",) if words.strip() and not (named or heard.said) else ()
        lettering = captions if captions is not None else written(heard) or None
        return self._made(before, lambda plan: lettered(plan, now, lettering, (*heard.notes, *unheard)), new_id)

    def recut(self, id: str, settings: Mapping[str, Any], *, new_id: str | None = None) -> Design:
        """Cut the subjects of a finished drawing out in another way. Nothing is drawn; what comes of it is a run of its own, judged anew.

        Args:
            settings: of `CutSettings`, by name; what is not named stays.
            new_id: the new run's id, where the caller has one for it.

        Raises:
            BadInput: if there is no such run, it delivered nothing, or naming the setting that cannot have its value.
        """
        before = self.wired.designs.get(id)
        made = refinish.recut(before, settings, self.wired.drawing_for(self.wired.terms_of(before)), new_id)
        self.wired.designs.create(made)
        return made

    def runs(self, limit: int = 50, status: str | None = None) -> Sequence[Any]:
        """Newest first, as (id, status, brief, created)."""
        return self.wired.designs.list_summaries(limit, status)

    def is_active(self, id: str) -> bool:
        """Whether a process of this machine works on the run now. One that is "running" and not active was killed, or could not write its end."""
        return self.wired.is_held(id)

    def delete(self, id: str) -> None:
        """Delete a run. Raises BadInput if there is none of that id, or somebody works on it."""
        housekeeping.delete(id, self.wired)

    def gc(self) -> housekeeping.Swept:
        """Let go of files that no run names, except those of the last day, of the saved state of finished runs, and of the service's old events.

        Raises:
            BadInput: if the home has runs in another database too, which cannot be seen. StorageFailed: if something could not be read or deleted.
        """
        return housekeeping.sweep(self.wired)

    def show(self, id: str) -> Design:
        """One run. Raises BadInput if there is none of that id."""
        return self.wired.designs.get(id)

    def export(self, id: str, path: str | Path | None = None, form: str = "run") -> Path:
        """One run as one file; returns where it is.

        Args:
            path: where to, a file or a folder; None = here. In a folder the file has the run's id.
            form: "run", a zip of validated JSON and blobs that `import_` takes in; or a file for other programs: "psd", "ora", "svg", "zip", "receipt".

        Raises:
            BadInput: if there is no such run or form, or the run has delivered nothing. StorageFailed: if the file cannot be written.
        """
        from cutwork.storage.archive import export_run

        if form == "run":
            written = delivery.within(path, f"{id}.zip")
            export_run(id, self.wired.designs, self.wired.blobs, written)
            return written
        return delivery.save_as(self.wired.designs.get(id), self.wired.blobs, form, None if path is None else Path(path))

    def import_(self, path: str | Path) -> Design:
        """Take in a run that `export` wrote."""
        from cutwork.storage.archive import import_run

        return import_run(Path(path), self.wired.designs, self.wired.blobs)

    def deliver(self, design: Design, out: str | Path) -> Json:
        """Write a design's files into a folder and return it as JSON, with paths.

        Every image, mask and path in the JSON is a file path as a string. What an earlier delivery left in the folder is taken away.

        Raises:
            BadInput: if a file's name leads out of the folder. StorageFailed: if the folder cannot be written; the run itself is kept.
        """
        return delivery.deliver(design, self.wired.blobs, Path(out))

    def _begin(self, design: Design, on_event: OnEvent, cancelled: Callable[[], bool]) -> Design:
        """A new run. Its models and its reference are looked for first, so that what cannot be had is refused before the run exists."""
        from cutwork.graphs.state import first

        deps = self.wired.deps(design.id, self.wired.terms_of(design), cancelled, on_event)
        self._look_at(design.brief)
        with self.wired.lease(design.id):
            self.wired.designs.create(design)
            return self._run(design.id, first(design), deps)

    def _look_at(self, brief: Brief) -> None:
        """Refuse a reference that is not there or cannot be read, before anything is planned."""
        from cutwork.tools.keep.reference import begun_from

        for sha256 in brief.references:
            begun_from(sha256, brief.follow or FOLLOW, brief.size.root, self.wired.blobs)

    def _run(self, id: str, state: Any, deps: Deps) -> Design:
        """Work on a run that is held, until it is done or waits."""
        designs, started = self.wired.designs, time.monotonic()
        designs.set_status(id, "running")
        try:
            self._graph().invoke(state, self._config(id), context=deps, durability="sync")
        except (Cancelled, KeyboardInterrupt) as stop:
            vars(stop)["run"] = id  # so that whoever asked for the stop hears what can be gone on with
            self._note_end(id, "cancelled", "stopped on request; it can be resumed")
            raise
        except (StorageFailed, OSError, sqlite3.Error) as error:  # disk full, folder gone: the checkpoint before it still stands
            told = f"run {id} could not be kept: {error}"
            self._note_end(id, "failed", told)
            mend = getattr(error, "hint", None) or "make room"
            raise StorageFailed(told, hint=f"{mend}; then: cutwork resume {id}") from error
        except CutworkError as error:
            self._note_end(id, "failed", str(error))
            raise
        except Exception as error:
            self._note_end(id, "failed", f"{type(error).__name__}: {error}")
            raise
        taken = time.monotonic() - started
        return designs.change(id, lambda d: d.model_copy(update={"timings": {**d.timings, "total": round(d.timings.get("total", 0) + taken, 3)}}))

    def _note_end(self, id: str, status: str, error: str) -> None:
        """Write how a run ended, where that can still be written: what ended it is the more important error.

        Where it cannot, the run stays "running" in its row, and the lease that nobody holds tells that it is not.
        """
        with suppress(CutworkError):
            self.wired.designs.set_status(id, status, masked(error))

    def _graph(self) -> Any:
        with self._lock:
            if self._compiled is None:
                from cutwork.graphs.design import compile

                self._compiled = compile(self.wired.checkpointer)
            return self._compiled

    @staticmethod
    def _config(id: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": id}, "recursion_limit": RECURSION}
