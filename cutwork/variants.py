"""One brief, several seeds: every picture is a run of its own; they are ranked by the critic and shown side by side."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cutwork.domain import MAX_SEED, Brief, Design, Json
from cutwork.errors import BadInput, StorageFailed

if TYPE_CHECKING:
    from cutwork.studio import OnEvent, Studio


@dataclass(frozen=True)
class Variants:
    """Finished designs of one brief, best first."""

    designs: tuple[Design, ...]
    CONTACT: ClassVar[str] = "contact.png"

    def deliver(self, studio: Studio, folder: Path) -> list[Json]:
        """The best one's files in the folder, the others' below `variants/`, and a contact sheet; each design as JSON, with its rank and score."""
        rows = []
        for rank, design in enumerate(self.designs, start=1):
            where = folder if rank == 1 else folder / "variants" / f"{rank:02d}-seed-{design.seed}"
            rows.append({"rank": rank, "score": score(design), **studio.deliver(design, where)})
        sheet = contact_sheet(studio, self.designs)
        try:
            (folder / self.CONTACT).write_bytes(sheet)
        except OSError as error:
            raise StorageFailed(f"cannot write {folder / self.CONTACT}: {error.strerror or error}", "free some space or choose another --out folder") from error
        return rows


def draw(studio: Studio, brief: Brief, count: int, on_event: OnEvent, cancelled: Callable[[], bool]) -> Variants:
    """Draw a brief with so many seeds: its own, or one that is chosen, and those that follow.

    Raises:
        BadInput: if the seeds would leave what is allowed. Others as `Studio.design`; what was drawn before is kept as runs.
    """
    first = brief.seed if brief.seed is not None else secrets.randbelow(2**32)
    if first + count - 1 > MAX_SEED:
        raise BadInput(f"{count} seeds from {first} on go past {MAX_SEED}")
    designs = [studio.design(brief, seed=first + k, on_event=on_event, cancelled=cancelled) for k in range(count)]
    return Variants(tuple(sorted(designs, key=lambda d: (d.status != "accepted", -score(d), d.seed))))


def score(design: Design) -> float:
    """What the critic gave the delivered round, 0..1."""
    return design.delivered.critique.score if design.delivered else 0.0


def contact_sheet(studio: Studio, designs: Sequence[Design]) -> bytes:
    """One picture of what each design shows, in the order given, numbered: a PNG."""
    from cutwork.tools.formats.contact import sheet

    return sheet(designs, studio.wired.blobs)
