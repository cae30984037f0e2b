"""Lettering on a finished drawing."""

from __future__ import annotations

from cutwork.domain import Json, MemeSettings
from cutwork.studio import Studio
from cutwork.toolbox.base import Captions, Folder, Run, answer, given


def meme(studio: Studio, run: Run, captions: Captions = None, settings: MemeSettings = MemeSettings(), folder: Folder = None) -> Json:  # noqa: B008 - frozen
    """Letter a finished run as a meme: captions on top and below, on a bar, as labels ("cat: me") or in panels.

    Fonts are anton, sofia and noto. Settings that are not given stay as they are. Nothing is drawn; what comes of it is a run of its own.

    Raises:
        BadInput: if there is no such run, font or colour, or a caption cannot be set.
    """
    return answer(studio, studio.refinish(run, kind="meme", captions=captions, settings={"meme": given(settings)}), folder)
