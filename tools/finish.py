"""From a design whose rounds are done to its files."""

from __future__ import annotations

from typing import cast

from cutwork import registry
from cutwork.domain import Artifact, Design, FinishSettings, Round
from cutwork.ports import Blobs
from cutwork.tools.formats.base import Choosy, Format

FORMATS = "cutwork.tools.formats"


UNMADE = "Not made: "  # how the note begins of a drawing whose goods could not be made; it is left out of goods that are made of it later


def check(finish: FinishSettings, subjects: int = 1) -> None:
    """Refuse what cannot be made of so many subjects, however they are drawn, so that nothing is drawn for it.

    Raises:
        BadInput: naming the setting of the kind that cannot have its value.
    """
    if finish.kind in FinishSettings.model_fields:  # cut-outs have no settings
        cast(Choosy, registry.find(FORMATS, finish.kind)).check(finish, subjects)


def unmade(best: Round, told: str = "") -> Round:
    """A round whose notes say why no goods could be made of it; without the old ones that say so."""
    notes = (*(n for n in best.render.notes if not n.startswith(UNMADE)), *([UNMADE + told] if told else []))
    return best.model_copy(update={"render": best.render.model_copy(update={"notes": notes})})


def finish(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Make the files that the design's kind asks for; their bytes are in the blobs.

    Raises:
        BadInput: if there is no format of that kind (the message lists those there are), or the design has no delivered round.
    """
    return cast(Format, registry.find(FORMATS, design.kind)).write(design, blobs)
