"""A finished run as one layered file for other programs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cutwork.domain import Json
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Run, place

Form = Annotated[
    Literal["psd", "ora", "svg", "zip"],
    Field(description="psd for Photoshop, ora for Krita and GIMP: the clean background and a layer a subject; svg: their outlines as curves; zip: everything with a manifest."),
]


def layers(studio: Studio, run: Run, form: Form = "psd", folder: Folder = None) -> Json:
    """Save a finished run as one layered file; without a folder it is written to the current one.

    Raises:
        BadInput: if there is no such run, or it has delivered nothing. StorageFailed: if the file cannot be written.
    """
    return {"run": run, "files": [str(studio.export(run, place(folder, f"{run}.{form}"), form))]}
