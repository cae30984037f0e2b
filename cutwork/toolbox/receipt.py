"""Why a finished drawing was cut where it was."""

from __future__ import annotations

from cutwork.domain import Json
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Run, place


def receipt(studio: Studio, run: Run, folder: Folder = None) -> Json:
    """Draw a finished run's receipt: where each subject was planned, where the model looked for its word, what was cut, and what leaked to others.

    The measured numbers come with it. Without a folder the picture is written to the current one.

    Raises:
        BadInput: if there is no such run, or it has delivered nothing. StorageFailed: if the file cannot be written.
    """
    path = studio.export(run, place(folder, f"{run}-receipt.png"), "receipt")
    best = studio.show(run).delivered
    measured = [{"subject": one.subject, **one.receipt.model_dump(mode="json")} for one in best.cutouts] if best else []
    return {"run": run, "files": [str(path)], "receipts": measured}
