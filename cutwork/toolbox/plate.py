"""The background of a finished drawing."""

from __future__ import annotations

from cutwork.domain import Json
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Run, place


def plate(studio: Studio, run: Run, folder: Folder = None) -> Json:
    """Save the clean plate of a finished run: its picture with the subjects removed and what is behind them made up. Without a folder it is written to the current one.

    Raises:
        BadInput: if there is no such run, or it has delivered nothing. StorageFailed: if the file cannot be written.
    """
    from cutwork.tools.formats.base import delivered, export
    from cutwork.tools.formats.layers import background, plate_file, subjects

    design, blobs = studio.show(run), studio.wired.blobs
    made = plate_file(design, background(delivered(design), subjects(design, blobs), blobs), blobs)
    path = place(folder, f"{run}-background.png")
    (written,) = export([made.model_copy(update={"name": path.name})], blobs, path.parent)
    return {"run": run, "files": [str(written)]}
