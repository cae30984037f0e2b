"""From a design whose rounds are done to its files."""

from __future__ import annotations

from typing import cast

from cutwork import registry
from cutwork.domain import Artifact, Design, FinishSettings
from cutwork.ports import Blobs
from cutwork.tools.formats.base import Choosy, Format

FORMATS = "cutwork.tools.formats"


def check(finish: FinishSettings) -> None:
    """Refuse what cannot be made whatever is drawn, so that nothing is drawn for it.

    Raises:
        BadInput: naming the setting of the kind that cannot have its value.
    """
    if finish.kind in FinishSettings.model_fields:  # cut-outs have no settings
        cast(Choosy, registry.find(FORMATS, finish.kind)).check(finish)


def finish(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Make the files that the design's kind asks for; their bytes are in the blobs.

    Raises:
        BadInput: if there is no format of that kind (the message lists those there are), or the design has no delivered round.
    """
    return cast(Format, registry.find(FORMATS, design.kind)).write(design, blobs)
