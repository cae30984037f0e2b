"""Settings to dependencies: the only place where concrete classes meet."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cutwork.domain import CutSettings, DrawSettings, LlmCall
from cutwork.errors import StorageFailed
from cutwork.ports import Drawing, Llm
from cutwork.settings import Settings

if TYPE_CHECKING:
    from cutwork.graphs.state import Deps
    from cutwork.storage.blobs import FileBlobs
    from cutwork.storage.designs import SqlDesigns


@dataclass(frozen=True)
class Wired:
    """Everything a process shares between runs, each made when first asked for."""

    settings: Settings

    @cached_property
    def blobs(self) -> FileBlobs:
        from cutwork.storage.blobs import FileBlobs

        return FileBlobs(self.settings.home / "blobs")

    @cached_property
    def designs(self) -> SqlDesigns:
        from cutwork.storage.db import open_database, upgrade
        from cutwork.storage.designs import SqlDesigns

        engine = open_database(self.settings.database_url)
        upgrade(engine)
        return SqlDesigns(engine)

    @cached_property
    def drawing(self) -> Drawing:
        from cutwork.tools.drawing import LocalDrawing

        settings = self.settings
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.home / "numba"))  # matting compiles for most of a minute, once
        return LocalDrawing(settings.model, self.blobs, settings.device, settings.threads, settings.early_verdict)

    @cached_property
    def checkpointer(self) -> Any:
        """Run state beside the database, in a file of its own; strict about what it will decode."""
        os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver

        path = self.settings.home / "checkpoints.db"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            saver = SqliteSaver(sqlite3.connect(path, check_same_thread=False, timeout=30))
            saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise StorageFailed(f"run checkpoints {path} cannot be used: {error}", hint="move the file aside; finished runs are kept elsewhere") from error
        return saver

    def llm(self, on_call: Callable[[LlmCall], None] | None = None) -> Llm:
        """The language model of the settings; every call is reported to `on_call`."""
        from cutwork.agents.llm import make_llm

        settings = self.settings
        key = settings.openai_api_key
        return make_llm(
            settings.llm,
            base_url=settings.openai_base_url,
            api_key=key.get_secret_value() if key else None,
            timeout_s=settings.llm_timeout,
            max_retries=settings.llm_retries,
            sees=settings.llm_sees,
            on_call=on_call,
        )

    def deps(
        self,
        run: str | None,
        cancelled: Callable[[], bool] = lambda: False,
        on_event: Callable[[str, dict[str, Any]], None] = lambda kind, data: None,
    ) -> Deps:
        """What the graph's nodes use during one run."""
        from cutwork.graphs.state import Deps

        settings = self.settings
        return Deps(
            llm=self.llm((lambda call: self.designs.add_call(run, call)) if run else None),
            drawing=self.drawing,
            designs=self.designs,
            rounds=settings.rounds,
            time_budget=settings.time_budget_s,
            approve=settings.approve,
            draw=draw_settings(settings),
            cut=CutSettings(),
            cancelled=cancelled,
            on_event=on_event,
        )


def draw_settings(settings: Settings) -> DrawSettings:
    """What suits the model, with what the settings override."""
    from cutwork.tools.drawing import suits

    chosen = {"steps": settings.steps, "guidance": settings.guidance}
    return suits(settings.model).model_copy(update={key: value for key, value in chosen.items() if value is not None})
