"""What tools have in common: their usual parameters, and how they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from cutwork.domain import Design, Json
from cutwork.studio import Studio

Run = Annotated[str, Field(description="Id of a finished run.")]
Folder = Annotated[str | None, Field(description="Folder to write the files to. Left out, they are kept with the run and nothing is written.")]
Captions = Annotated[list[str] | None, Field(max_length=8, description="The first stands on top, all others below; '' leaves a place empty. Left out, those it has stay.")]
Palette = Annotated[list[str] | None, Field(max_length=32, description="Colours to keep to, names or #rrggbb. Left out, those it has stay.")]


def given(settings: BaseModel) -> dict[str, Any]:
    """What of settings was said; the rest stays as it is."""
    return {name: getattr(settings, name) for name in settings.model_fields_set}


def answer(studio: Studio, design: Design, folder: str | None) -> Json:
    """A run as a tool tells it: its id, kind, status, files and notes; paths where they were written, else names."""
    told: Json = {"run": design.id, "parent": design.parent, "kind": design.kind, "status": design.status, "notes": list(design.notes)}
    if folder is None:
        return told | {"files": [one.name for one in design.artifacts]}
    return told | {"files": [one["path"] for one in studio.deliver(design, folder)["artifacts"]]}


def place(folder: str | None, name: str) -> Path:
    """Where one file goes: into the folder, else here."""
    return Path(folder or ".") / name
