"""A repeat for cloth of a finished drawing."""

from __future__ import annotations

from cutwork.domain import Json, TextileSettings
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Palette, Run, answer, given


def textile(studio: Studio, run: Run, palette: Palette = None, settings: TextileSettings = TextileSettings(), folder: Folder = None) -> Json:  # noqa: B008 - frozen
    """Make a seamless repeat of a finished run's subjects: size in centimetres, resolution, spot colours with one plate each, colourways, sheets.

    Settings that are not given stay as they are. Nothing is drawn; what comes of it is a run of its own.

    Raises:
        BadInput: if there is no such run or colour, no subject of it can be seen, or a setting is impossible.
    """
    return answer(studio, studio.refinish(run, kind="textile", palette=palette, settings={"textile": given(settings)}), folder)
