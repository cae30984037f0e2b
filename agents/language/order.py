"""Stated orders -> a grid: which thing stands in which column and row. Contradictions are refused, never averaged."""

from __future__ import annotations

from collections.abc import Iterable


class Axis:
    """An order along one direction among things that may share a place.

    Both ways of adding to it answer False, and change nothing, where what is already known says otherwise.
    """

    def __init__(self, members: Iterable[int]) -> None:
        self._of = {m: m for m in members}
        self._edges: set[tuple[int, int]] = set()

    def before(self, a: int, b: int) -> bool:
        """`a` comes before `b`."""
        a, b = self._of[a], self._of[b]
        if a == b or self._path(b, a):
            return False
        self._edges.add((a, b))
        return True

    def together(self, a: int, b: int) -> bool:
        """`a` and `b` share a place."""
        a, b = self._of[a], self._of[b]
        if a == b:
            return True
        if self._path(a, b) or self._path(b, a):
            return False
        self._of = {m: a if g == b else g for m, g in self._of.items()}
        self._edges = {(a if u == b else u, a if v == b else v) for u, v in self._edges}
        return True

    def ordered(self, a: int, b: int) -> bool:
        """Whether it is known which of the two comes first."""
        a, b = self._of[a], self._of[b]
        return self._path(a, b) or self._path(b, a)

    def leads(self, a: int, b: int) -> bool:
        """Whether it is known that `a` comes before `b`."""
        return self._path(self._of[a], self._of[b])

    def index(self, member: int) -> int:
        """How many steps of the longest chain lie before it."""
        group = self._of[member]
        befores = [next(m for m, g in self._of.items() if g == u) for u, v in self._edges if v == group]
        return 1 + max(map(self.index, befores)) if befores else 0

    def _path(self, a: int, b: int) -> bool:
        seen: set[int] = set()
        todo = [a]
        while todo:
            at = todo.pop()
            if at == b:
                return at != a or bool(seen)
            if at not in seen:
                seen.add(at)
                todo += [v for u, v in self._edges if u == at]
        return False


def grid(members: list[int], across: Axis, down: Axis) -> dict[int, tuple[int, int]]:
    """A column and a row for each member, no two alike; members that share both are moved apart, the later one onward."""
    for _ in range(len(members) ** 2 + 1):
        clash = _clash(members, across, down)
        if clash is None:
            break
        a, b = clash
        if not (across.before(a, b) or across.before(b, a) or down.before(a, b) or down.before(b, a)):
            break
    spots = {m: (across.index(m), down.index(m)) for m in members}
    taken: set[tuple[int, int]] = set()
    for m in members:
        while spots[m] in taken:
            spots[m] = (spots[m][0] + 1, spots[m][1])
        taken.add(spots[m])
    return spots


def _clash(members: list[int], across: Axis, down: Axis) -> tuple[int, int] | None:
    seen: dict[tuple[int, int], int] = {}
    for m in members:
        spot = (across.index(m), down.index(m))
        if spot in seen:
            return seen[spot], m
        seen[spot] = m
    return None
