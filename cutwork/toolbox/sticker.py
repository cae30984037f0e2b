"""Stickers of a finished drawing."""

from __future__ import annotations

from cutwork.domain import Json, StickerSettings
from cutwork.studio import Studio
from cutwork.toolbox.base import Folder, Run, answer, given


def sticker(studio: Studio, run: Run, settings: StickerSettings = StickerSettings(), folder: Folder = None) -> Json:  # noqa: B008 - frozen
    """Make stickers of a finished run: each subject, and all together, trimmed, with a die-cut outline and a shadow.

    Presets are plain, whatsapp (a pack of WebP files), telegram, discord and print (true size, with the cutter's path). Settings that are
    not given stay as they are. Nothing is drawn; what comes of it is a run of its own.

    Raises:
        BadInput: if there is no such run, no subject of it can be seen, or a setting is impossible.
    """
    return answer(studio, studio.refinish(run, kind="sticker", settings={"sticker": given(settings)}), folder)
