"""Settings to dependencies: the only place where concrete classes meet."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from cutwork import domain
from cutwork.domain import Design, DrawSettings, LlmCall, LoraSettings, Terms
from cutwork.errors import BadInput, NotConfigured, StorageFailed
from cutwork.ports import Drawing, Llm
from cutwork.settings import Settings, masked, place_downloads

if TYPE_CHECKING:
    from cutwork.graphs.state import Deps
    from cutwork.storage.blobs import FileBlobs
    from cutwork.storage.owners import OwnedDesigns
    from cutwork.storage.sessions import SqlSessions
    from cutwork.tools.away import DrawingProcess
    from cutwork.tools.catalogue import Known


USUAL = "cutwork.db"  # the database of a home, where no other is set
PASSING = ("sqlite://", "sqlite:///:memory:")  # databases that leave no runs behind


@dataclass(frozen=True)
class Wired:
    """Everything a process shares between runs, each made when first asked for.

    Args:
        away: whether a child process draws, which is there from the first drawing until `close`.
    """

    settings: Settings
    away: bool = False
    _drawings: dict[tuple[str, bool], Drawing] = field(default_factory=dict, compare=False)
    _llms: dict[str, Llm] = field(default_factory=dict, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, compare=False)  # so that threads make nothing twice

    def __post_init__(self) -> None:
        with suppress(NotConfigured):  # it matters only to a model that may be downloaded, which asks again
            place_downloads(self.settings)

    @cached_property
    def blobs(self) -> FileBlobs:
        from cutwork.storage.blobs import FileBlobs

        return FileBlobs(self.settings.blobs)

    @cached_property
    def designs(self) -> OwnedDesigns:
        from cutwork.storage.db import open_database, upgrade
        from cutwork.storage.owners import OwnedDesigns

        engine = open_database(self.settings.database_url)
        upgrade(engine)
        self._note_database()
        return OwnedDesigns(engine)

    @property
    def database(self) -> str:
        """What the database is called in a list that others may read and that stays true when the home is moved."""
        return masked(self.settings.database_url).replace(str(self.settings.home), "HOME")

    @property
    def databases_file(self) -> Path:
        """Lists whose blobs are in the home, one database a line."""
        return self.settings.home / "databases"

    def databases(self) -> set[str]:
        """Every database whose runs keep their blobs in this home."""
        usual = {f"sqlite:///HOME/{USUAL}"} if (self.settings.home / USUAL).exists() else set()
        try:
            return usual | {line for line in self.databases_file.read_text("utf-8").splitlines() if line.strip()}
        except FileNotFoundError:
            return usual

    def _note_database(self) -> None:
        if self.database in PASSING or self.database in self.databases():
            return
        with suppress(OSError):  # a home that can only be read takes no blobs either
            self.settings.home.mkdir(parents=True, exist_ok=True)
            with self.databases_file.open("a", encoding="utf-8") as file:
                file.write(self.database + "\n")

    @cached_property
    def drawing(self) -> Drawing:
        """The model of the settings."""
        return self._kept(self.settings.model, self.settings.early_verdict)

    def drawing_for(self, terms: Terms) -> Drawing:
        """The model a run was started with.

        Raises:
            BadInput: if it is not there any more.
        """
        asked = terms.model, terms.early_verdict
        if asked == (self.settings.model, self.settings.early_verdict):
            return self.drawing
        return self._kept(*asked)

    def _kept(self, model: str, early_verdict: bool) -> Drawing:
        with self._lock:
            asked = model, early_verdict
            if asked not in self._drawings:
                self._drawings[asked] = self._drawing(*asked)
            return self._drawings[asked]

    def _drawing(self, model: str, early_verdict: bool) -> Drawing:
        from cutwork.tools.drawing import LocalDrawing, embedded
        from cutwork.tools.loading import Loading

        settings = self.settings
        if not embedded(model):
            place_downloads(settings)
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.home / "numba"))  # matting compiles for most of a minute, once
        local = LocalDrawing(model, self.blobs, settings.device, settings.threads, early_verdict, Loading.of(settings))
        if not self.away:
            return local
        from cutwork.tools.away import AwayDrawing

        return AwayDrawing(local, self._process)

    @cached_property
    def _process(self) -> DrawingProcess:
        """The child that draws; its environment, and so where it keeps downloads, is this process's when it starts."""
        from cutwork.tools.away import DrawingProcess

        return DrawingProcess()

    def close(self) -> None:
        """End the process that draws, where there is one; whoever waits for it hears Cancelled."""
        with self._lock:
            process = vars(self).get("_process")
        if process is not None:
            process.close()

    @cached_property
    def checkpointer(self) -> Any:
        """Run state beside the database, in a file of its own; strict about what it will decode."""
        return self._saver("checkpoints.db")

    @cached_property
    def turn_checkpointer(self) -> Any:
        """The same of turns of sessions that are not done, apart from runs: what keeps house for those knows no turns."""
        return self._saver("turns.db")

    @cached_property
    def sessions(self) -> SqlSessions:
        """Sessions and their turns."""
        from cutwork.storage.sessions import SqlSessions

        return SqlSessions(self.designs.engine)

    def _saver(self, name: str) -> Any:
        import sqlite3

        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite import SqliteSaver

        path = self.settings.home / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            serde = JsonPlusSerializer(allowed_msgpack_modules=[(kind.__module__, kind.__name__) for kind in _state_types()])
            saver = SqliteSaver(sqlite3.connect(path, check_same_thread=False, timeout=30), serde=serde)
            saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise StorageFailed(f"run checkpoints {path} cannot be used: {error}", hint="move the file aside; finished runs are kept elsewhere") from error
        return saver

    def lease(self, id: str) -> AbstractContextManager[None]:
        """Hold a run while it is worked on; BadInput if another process or thread does."""
        from cutwork.storage.leases import lease

        return lease(self.settings.home / "locks", id)

    def is_held(self, id: str) -> bool:
        """Whether a process or thread of this machine works on a run just now."""
        from cutwork.storage.leases import is_held

        return is_held(self.settings.home / "locks", id)

    def llm(self, on_call: Callable[[LlmCall], None] | None = None, name: str | None = None) -> Llm:
        """The language model of that name, else of the settings, one for all runs; every call is reported to `on_call` and added to the recording."""
        from cutwork.agents.llm import recorded

        with self._lock:
            shared, recording = self._llm(name or self.settings.llm), self._recording
        sinks = [sink for sink in (on_call, recording) if sink is not None]

        def tell(call: LlmCall) -> None:
            for sink in sinks:
                sink(call)

        return recorded(shared, tell) if sinks else shared

    def _llm(self, name: str) -> Llm:
        """Shared, so that a batch has one HTTP client and learns once what the server accepts."""
        from cutwork.agents.llm import make_llm

        settings = self.settings
        key = settings.openai_api_key
        if name not in self._llms:
            self._llms[name] = make_llm(
                name,
                base_url=settings.openai_base_url,
                api_key=key.get_secret_value() if key else None,
                timeout_s=settings.llm_timeout,
                max_retries=settings.llm_retries,
                sees=settings.llm_sees,
            )
        return self._llms[name]

    @cached_property
    def _recording(self) -> Callable[[LlmCall], None] | None:
        from cutwork.agents.replay import Recording

        return Recording(self.settings.record).add if self.settings.record else None

    def terms(self, model: str | None = None, **others: Any) -> Terms:
        """What a run started now goes by: the settings, with what is asked otherwise."""
        settings = self.settings
        given = {
            "model": model or settings.model,
            "llm": settings.llm,
            "rounds": settings.rounds,
            "time_budget_s": settings.time_budget_s,
            "approve": settings.approve,
            "early_verdict": settings.early_verdict,
            "draw": draw_settings(settings, model),
        }
        return Terms(**{**given, **others})

    def terms_of(self, design: Design) -> Terms:
        """What a run was started with; today's terms, with its own models, where that was not kept."""
        return design.terms or self.terms(design.model, llm=design.llm)

    def deps(
        self,
        run: str | None,
        terms: Terms,
        cancelled: Callable[[], bool] = lambda: False,
        on_event: Callable[[str, dict[str, Any]], None] = lambda kind, data: None,
    ) -> Deps:
        """What the graph's nodes use during one run; without a run, nothing that is asked is recorded.

        Raises:
            BadInput: if there is no such model. NotConfigured: if the language model cannot be used.
        """
        from cutwork.graphs.state import Deps

        with self._lock:
            return Deps(
                llm=self.llm((lambda call: self.designs.add_call(run, call)) if run else None, terms.llm),
                drawing=self.drawing_for(terms),
                designs=self.designs,
                terms=terms,
                cancelled=cancelled,
                on_event=on_event,
            )


def known_models(settings: Settings) -> list[dict[str, Any]]:
    """The models known by name, with what they need and whether they are here."""
    from cutwork.tools.catalogue import MODELS, present

    place_downloads(settings)
    return [_card(known, present(known.repo)) for known in MODELS]


def model_card(name: str, settings: Settings) -> dict[str, Any]:
    """What is known of a model, by its name in the list, a hub id, a folder or a file, with the forecast for its usual picture.

    Raises:
        BadInput: if there is none such. NotConfigured: if only the hub could tell and cannot be reached.
    """
    from cutwork.tools import catalogue
    from cutwork.tools.drawing import device_named, suits
    from cutwork.tools.forecast import foresee, told
    from cutwork.tools.loading import Loading

    place_downloads(settings)
    model = next((known.repo for known in catalogue.MODELS if known.name == name.lower()), name)
    known = catalogue.like(model)
    if known is None:
        pipeline = catalogue.pipeline_class(model)  # refuses what is no model
        return {"model": model, "pipeline": pipeline, "family": catalogue.PIPELINES[pipeline][0]}
    draw, side, device = suits(model), known.side, device_named(settings.device).type
    forecast = foresee(model, Loading.of(settings), (side, side), settings.steps or draw.steps, settings.guidance or draw.guidance, device)
    here = Path(model).expanduser().exists() or catalogue.present(model)
    card = _card(known, here) if model == known.repo else {"like": known.name, "family": known.family, "here": here}
    return {"model": model, **card, "forecast": told(forecast) if forecast is not None else []}


def _card(known: Known, here: bool) -> dict[str, Any]:
    weights = sum(known.parameters.values()) / 1e3
    return {
        "name": known.name, "title": known.title, "repo": known.repo, "family": known.family, "licence": known.licence, "terms": known.terms,
        "gated": known.gated, "page": known.page, "here": here, "billions": round(weights, 1), "gigabytes": round(2 * weights, 1),
        "parts": known.parameters, "side": known.side, "steps": known.steps, "guidance": known.guidance, "get": known.get,
    }  # fmt: skip


def draw_settings(settings: Settings, model: str | None = None) -> DrawSettings:
    """What suits the model, with what the settings override."""
    from cutwork.tools.drawing import suits

    draw = suits(model or settings.model)
    if settings.technique:
        draw = draw.with_techniques(name.strip() for name in settings.technique.split(","))
    chosen = {"steps": settings.steps, "guidance": settings.guidance, "loras": _loras(settings.lora) if settings.lora else None}
    return draw.model_copy(update={key: value for key, value in chosen.items() if value is not None})


def _loras(wanted: str) -> tuple[LoraSettings, ...]:
    """"style.safetensors=0.8,owner/name" as settings.

    Raises:
        BadInput: if what stands after = is no number that a LoRA may count, or a file or folder is not there.
    """
    loras = []
    for one in wanted.split(","):
        path, _, weight = one.strip().partition("=")
        try:
            loras.append(LoraSettings(path=path, weight=float(weight or 1)))
        except ValueError:
            raise BadInput(f"{one.strip()!r} is not a LoRA: wanted a file, folder or name, and after = a number from -4 to 4") from None
        is_file = path.startswith((".", "/", "~")) or path.endswith(".safetensors")  # else it is a name of the hub
        if is_file and not Path(path).expanduser().exists():
            raise BadInput(f"there is no LoRA {path}", "wanted a .safetensors file, a folder, or a name such as owner/name")
    return tuple(loras)


def _state_types() -> list[type[BaseModel]]:
    """What a checkpoint may hold: our domain values, and nothing else of anybody's."""
    return [kind for kind in vars(domain).values() if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__module__ == domain.__name__]
