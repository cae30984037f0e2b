"""Design sessions: talk about a design, turn by turn. `Sessions(Studio()).say(session, "make the cat bigger")` returns a `Turn`.

Turns make a tree that is kept in the database. A turn that fails or is stopped loses nothing: the session stands where it stood. One that was
killed in the middle is begun again with its own id, and finds what it had drawn.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from cutwork.comparing import compared
from cutwork.domain import MAX_BRIEF, Call, Cost, Design, Json, Session, Turn
from cutwork.errors import BadInput, Cancelled, CutworkError, StorageFailed
from cutwork.history import Tree
from cutwork.settings import masked
from cutwork.storage.clock import fresh_id, now
from cutwork.storage.sessions import SqlSessions
from cutwork.studio import OnEvent, Studio
from cutwork.talking import Talking

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
STEPS = 100  # of the session graph; rounds bound it long before
HEAD = ""  # in the place of a turn's id: where the session stands
TITLE = 60  # characters of a title that is made of the first words


class Sessions:
    """Ways to talk about designs. May be used by several threads; one turn of a session at a time."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._compiled: Any = None

    @property
    def _store(self) -> SqlSessions:
        return self.studio.wired.sessions

    def create(self, *, title: str = "", approve: bool = False, owner: str = "local", id: str | None = None) -> Session:
        """A new session.

        Args:
            title: None given, it becomes the first words.
            approve: plans are shown before they are drawn; such a turn waits for `answer`.

        Raises:
            BadInput: if there is one of that id, or a value cannot be.
        """
        at = now()
        made = _valid(Session, id=id or fresh_id(), title=title, created=at, updated=at, approve=approve, owner=owner)
        self._store.create(made)
        return made

    def get(self, id: str) -> Session:
        """One session. Raises BadInput if there is none of that id."""
        return self._store.get(id)

    def list(self, *, owner: str = "local", limit: int = 50, after: str | None = None) -> Sequence[Session]:
        """An owner's sessions, newest first; `after` is the id of the last one seen. Raises BadInput if there is none of that id."""
        return self._store.list(owner, limit, after)

    def turns(self, id: str) -> tuple[Turn, ...]:
        """Every turn, in the order of their numbers. Raises BadInput if there is no such session."""
        return self._store.turns(id)

    def turn(self, id: str, turn: str) -> Turn:
        """One turn. Raises BadInput if there is none."""
        return self._store.turn(id, turn)

    def change(self, id: str, *, title: str | None = None, approve: bool | None = None) -> Session:
        """Another title, or whether plans are shown first. Raises BadInput if there is no such session or the value cannot be."""
        given = {key: value for key, value in (("title", title), ("approve", approve)) if value is not None}
        return self._store.change(id, lambda session: _valid(Session, **session.model_dump() | given))

    def delete(self, id: str) -> None:
        """Delete a session with its turns; the designs they made stay. Raises BadInput if there is none, or one of its turns is at work."""
        turns = self._store.turns(id)
        with self.studio.wired.lease(_lease(id)):
            self._store.delete(id)
        for turn in turns:
            self._forget(id, turn.id)

    def say(
        self,
        id: str,
        words: str = "",
        *,
        calls: Sequence[Call] = (),
        turn: str | None = None,
        after: str | None = HEAD,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Turn:
        """One turn: what a person says, or what a page or a program asks for without words.

        Args:
            calls: what is to be done; then `words` are only kept.
            turn: the turn's id. One that was killed, failed or was cancelled is begun again with it; one that is done or waits is returned as it is.
            after: the turn that a new one goes on from, None = from before the first; left out, where the session stands when it begins.
            on_event: called with the events of `Studio`, and "call" and "reply".

        Returns:
            The turn: "done"; "waiting" for `answer`; "failed" with its error in plain words, when the session stands where it stood.

        Raises:
            BadInput: if there is no such session, nothing is said, the turn it goes on from is not done, or another turn of the session is at work.
            Cancelled: when asked to stop; what was finished is kept.
        """
        self._store.get(id)
        with self.studio.wired.lease(_lease(id)):
            found = next((t for t in self._store.turns(id) if t.id == turn), None)
            if found is not None and found.status in ("done", "waiting"):
                return found
            at_work = found or self._begin(id, words, calls, turn, after)
            return self._go(at_work, calls, None, on_event, cancelled)

    def answer(
        self,
        id: str,
        turn: str,
        decisions: Sequence[Json],
        *,
        on_event: OnEvent = lambda kind, data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Turn:
        """Go on with a turn that waits.

        Args:
            decisions: one for each action that was asked about: {"type": "approve"}, {"type": "reject", "message": "…"} or {"type": "edit", "edited_action": {"name", "args"}}.

        Raises:
            BadInput: if there is no such turn, it does not wait, or a decision cannot be; the turn waits on. Cancelled: as `say`.
        """
        from cutwork.graphs.session import read_decisions

        with self.studio.wired.lease(_lease(id)):
            found = self._store.turn(id, turn)
            if found.status != "waiting" or found.question is None:
                raise BadInput(f"turn {found.number} does not wait for an answer, it is {found.status}")
            ready = read_decisions(list(decisions), len(found.question["action_requests"]))
            self._checked(found, ready)
            return self._go(found, (), ready, on_event, cancelled)

    def go_to(self, id: str, turn: str | None) -> Session:
        """Stand on another turn, or before the first: undo, redo and branch. Nothing is drawn.

        Raises:
            BadInput: if there is no such session or turn, or the turn is not done.
        """
        if turn is not None:
            self._check_done(id, turn)
        with self.studio.wired.lease(_lease(id)):
            return self._store.stand(id, turn)

    def undo(self, id: str, steps: int = 1) -> Session:
        """Back by so many changes. Raises BadInput if there is nothing to undo."""
        return self.go_to(id, Tree.of(self.turns(id)).back(self.get(id).head, steps))

    def redo(self, id: str, steps: int = 1) -> Session:
        """On by so many changes, to where one stood last. Raises BadInput if there is nothing to redo."""
        return self.go_to(id, Tree.of(self.turns(id)).forth(self.get(id).head, steps, lambda turn: self._store.onward(id, turn)))

    def compare(self, id: str, a: str, b: str) -> Json:
        """Two turns side by side: {"a", "b": {"turn", "number", "design", "image"}, "differences": in words, "changed": share of pixels, "text"}.

        Raises:
            BadInput: if there is no such turn, or one has no picture.
        """
        tree = Tree.of(self.turns(id))
        for turn in (a, b):
            if turn not in tree.by:
                raise BadInput(f"session {id} has no turn {turn!r}")
        return compared(self.studio, tree, a, b)

    def history(self, id: str, subject: str) -> tuple[Turn, ...]:
        """The takes in which a subject changed, oldest first, from where the session stands; through what it was before it became something else.

        Raises:
            BadInput: if there is no such session, or nobody of that id in what stands.
        """
        tree = Tree.of(self.turns(id))
        line = tree.above(self.get(id).head, own=True)
        found: list[Turn] = []
        name = subject
        for turn, before in zip(line, (*line[1:], None), strict=True):
            new, old = (self._design_of(one) for one in (turn, before))
            if new is None or name not in {s.id for s in _subjects(new)}:
                if turn is line[0]:
                    there = ", ".join(s.id for s in _subjects(new)) if new else "nobody"
                    raise BadInput(f"there is no subject {subject!r} in what stands; there is {there}")
                break
            was = _was(name, new, old)
            if was is None or _seen(name, new) != _seen(was, old):
                found.append(turn)
            name = was or name
            if was is None:
                break
        return tuple(reversed(found))

    # ------------------------------------------------------------------------------------------------------ at work

    def _design_of(self, turn: Turn | None) -> Design | None:
        return self.studio.show(turn.design) if turn is not None and turn.design is not None else None

    def _begin(self, id: str, words: str, calls: Sequence[Call], turn: str | None, after: str | None) -> Turn:
        said = words.strip()
        if not said and not calls:
            raise BadInput("nothing was said; say what to draw or what to change")
        if len(said) > MAX_BRIEF:
            raise BadInput(f"the words have {len(said):,} characters, at most {MAX_BRIEF:,} are allowed")
        if turn is not None and not ID.fullmatch(turn):
            raise BadInput(f"a turn's id is {turn[:80]!r}, wanted letters, digits and _.- up to 64")

        def made(session: Session, number: int, find: Callable[[str], Turn]) -> Turn:
            parent = session.head if after == HEAD else after
            before = find(parent) if parent else None
            return Turn(
                id=turn or fresh_id(), session=id, parent=parent, number=number, words=said, calls=tuple(calls), design=before.design if before else None,
                locks=before.locks if before else (), created=now(),
            )  # fmt: skip

        if after:
            self._check_done(id, after)
        return self._store.add(id, made)

    def _check_done(self, id: str, turn: str) -> None:
        """Raises BadInput if the session has no such turn, or nothing stands there."""
        if self._store.turn(id, turn).status != "done":
            raise BadInput(f"turn {turn} is not done, so nothing stands there")

    def _checked(self, turn: Turn, decisions: Sequence[Json]) -> None:
        """Make sure that edited actions can be done, while the turn still waits."""
        talking = self._talking(turn, lambda kind, data: None, lambda: False)
        state = self._graph().get_state(self._config(turn)).values
        for call, decision in zip(state.get("calls", ()), decisions, strict=False):
            if decision["type"] == "edit" and not state.get("asks"):
                talking.edited(decision, call, state["now"])

    def _go(self, turn: Turn, calls: Sequence[Call], decisions: Sequence[Json] | None, on_event: OnEvent, cancelled: Callable[[], bool]) -> Turn:
        """Work on a turn that is held, until it is done or waits."""
        from langgraph.types import Command

        from cutwork.graphs.session import Company

        self._title(turn)
        turn = self._store.change_turn(turn.session, turn.id, lambda t: t.model_copy(update={"status": "running", "error": None, "question": None}))
        talking = self._talking(turn, on_event, cancelled)
        config = self._config(turn)
        try:
            asked: Any = Command(resume=list(decisions)) if decisions is not None else None if self._graph().get_state(config).values else self._state(turn, calls)
            self._graph().invoke(asked, config, context=Company(talking), durability="sync")
            questions = [question.value for task in self._graph().get_state(config).tasks for question in task.interrupts]
        except (Cancelled, KeyboardInterrupt):
            self._note_end(turn, "cancelled", "stopped on request; say it again to go on")
            raise
        except (StorageFailed, OSError, sqlite3.Error) as error:
            self._note_end(turn, "failed", f"it could not be kept: {error}")
            raise
        except CutworkError as error:
            return self._end(turn, "failed", error.with_hint)
        except Exception as error:
            self._note_end(turn, "failed", f"{type(error).__name__}: {error}")
            raise
        if questions:
            return self._store.change_turn(turn.session, turn.id, lambda t: t.model_copy(update={"status": "waiting", "question": questions[0]}))
        self._forget(turn.session, turn.id)
        return self._store.turn(turn.session, turn.id)

    def _state(self, turn: Turn, calls: Sequence[Call]) -> Any:
        from cutwork.graphs.session import begun

        given = calls or (turn.calls if not turn.words else ())
        tree = Tree.of(self._store.turns(turn.session))
        base = tree.by.get(turn.parent or "")
        there = (base.design, base.locks) if base else (None, ())
        stood = [t for t in tree.done if t.id == turn.parent or (t.parent == turn.parent and (t.design, t.locks) == there)]  # and what was only talked of there
        state: Json = {
            "base": turn.parent, "design": base.design if base else None, "from": base.design if base else None, "locks": list(base.locks) if base else [], "changes": [],
            "cost": Cost().model_dump(), "area": "", "last": stood[-1].about if stood else None,
        }  # fmt: skip
        return begun(turn.words, tuple(given), state)

    def _talking(self, turn: Turn, on_event: OnEvent, cancelled: Callable[[], bool]) -> Talking:
        return Talking(self.studio, self._store.get(turn.session), turn, on_event, cancelled)

    def _title(self, turn: Turn) -> None:
        """A session without a title takes the first words that say something."""
        from cutwork.agents.heard_session import wants_help

        if turn.words and not wants_help(turn.words) and not self._store.get(turn.session).title:
            words = turn.words if len(turn.words) <= TITLE else f"{turn.words[:TITLE].rsplit(' ', 1)[0]} …"
            self._store.change(turn.session, lambda session: session.model_copy(update={"title": words}))

    def _end(self, turn: Turn, status: Any, error: str) -> Turn:
        """Write how a turn ended that did not come to its end; the session stands where it stood."""
        told = masked(error)
        return self._store.change_turn(turn.session, turn.id, lambda t: t.model_copy(update={"status": status, "error": told, "reply": f"That did not work: {told}" if status == "failed" else ""}))

    def _note_end(self, turn: Turn, status: Any, error: str) -> None:
        """The same where that can still be written: what ended it is the more important error. Where it cannot, the turn stays "running", and is begun again."""
        with suppress(CutworkError):
            self._end(turn, status, error)

    def _forget(self, session: str, turn: str) -> None:
        """The saved state of a turn that is done is of no more use."""
        self.studio.wired.turn_checkpointer.delete_thread(_thread(session, turn))

    def _graph(self) -> Any:
        if self._compiled is None:
            from cutwork.graphs.session import compile

            self._compiled = compile(self.studio.wired.turn_checkpointer)
        return self._compiled

    @staticmethod
    def _config(turn: Turn) -> dict[str, Any]:
        return {"configurable": {"thread_id": _thread(turn.session, turn.id)}, "recursion_limit": STEPS}


def _thread(session: str, turn: str) -> str:
    return f"{session}/{turn}"


def _lease(session: str) -> str:
    return f"session-{session}"


def _subjects(design: Design) -> Sequence[Any]:
    best = design.delivered
    return best.shot.plan.subjects if best else ()


def _was(name: str, new: Design, old: Design | None) -> str | None:
    """The id a subject had before: its own, or that of who stood at its place among the subjects and is gone; None where it is new."""
    if old is None:
        return None
    before, after = [s.id for s in _subjects(old)], [s.id for s in _subjects(new)]
    if name in before:
        return name
    at = after.index(name)
    return before[at] if at < len(before) and len(before) == len(after) and before[at] not in after else None


def _seen(name: str, design: Design | None) -> Any:
    """What a subject looks like, and where."""
    best = design.delivered if design is not None else None
    return [(c.image, c.box) for c in best.cutouts if c.subject == name] if best else None


def _valid(kind: type[Session], **values: Any) -> Session:
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"a session's {'.'.join(map(str, first['loc']))} cannot be {str(first['input'])[:60]!r}: {first['msg']}") from None
