"""The subjects of a finished drawing, cut out in another way."""

from __future__ import annotations

from cutwork.domain import CutSettings, Json
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Run, answer, given


def cut(studio: Studio, run: Run, settings: CutSettings = CutSettings(), folder: Folder = None) -> Json:  # noqa: B008 - frozen
    """Cut the subjects of a finished run out again: another fusion of the attention maps, other thresholds, soft edges for hair, smoke and glass.

    Settings that are not given stay as they are. Nothing is drawn; what comes of it is a run of its own, judged anew, of the same kind of goods.

    Raises:
        BadInput: if there is no such run, or a setting is impossible.
    """
    return answer(studio, studio.recut(run, given(settings)), folder)
