"""The tree of a session's turns: who came from whom, and what undo, redo and a subject's own history mean in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cutwork.domain import Turn
from cutwork.errors import BadInput

Onward = Callable[[str | None], str | None]  # a turn (None: the fresh start) to the one that was stood on last beyond it


@dataclass(frozen=True)
class Tree:
    """Turns by id, in the order of their numbers."""

    by: Mapping[str, Turn]

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> Tree:
        """The tree of these turns."""
        return cls({turn.id: turn for turn in turns})

    @property
    def done(self) -> tuple[Turn, ...]:
        """Turns that came to an end as they were asked."""
        return tuple(turn for turn in self.by.values() if turn.status == "done")

    def above(self, id: str | None, own: bool = False) -> tuple[Turn, ...]:
        """The turns that one goes back to, nearest first; with `own` that turn first."""
        found: list[Turn] = []
        at = self.by.get(id or "")
        while at is not None:
            found.append(at)
            at = self.by.get(at.parent or "")
        return tuple(found if own else found[1:])

    def changes(self, turn: Turn) -> bool:
        """Whether after a turn something stands that did not before it."""
        parent = self.by.get(turn.parent or "")
        return turn.design != (parent.design if parent else None) or turn.locks != (parent.locks if parent else ())

    def back(self, head: str | None, steps: int = 1) -> str | None:
        """Where so many undos lead.

        Raises:
            BadInput: if there is nothing to undo.
        """
        at = head
        for step in range(steps):
            while at is not None and not self.changes(self.by[at]):
                at = self.by[at].parent
            if at is None:
                if step == 0:
                    raise BadInput("there is nothing to undo")
                return None
            at = self.by[at].parent
        return at

    def forth(self, head: str | None, steps: int, onward: Onward) -> str | None:
        """Where so many redos lead: each time to the turn that was stood on last beyond.

        Raises:
            BadInput: if there is nothing to redo.
        """
        at = head
        for step in range(steps):
            follow = onward(at)
            while follow is not None and not self.changes(self.by[follow]):
                follow = onward(follow)
            if follow is None:
                if step == 0:
                    raise BadInput("there is nothing to redo")
                return at
            at = follow
        return at
