"""Turns of a session on behalf of a door: whose session it is, saying something in it, and what a turn comes to in words and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import Request

from cutwork.agents.heard_session import approves
from cutwork.api import pictures
from cutwork.domain import Call, Design, Json, Session, Turn
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.notes import SqlNotes

if TYPE_CHECKING:
    from cutwork.api.deps import Service
    from cutwork.api.models import Run

ASKS = "This is what I would do next. Say yes, or what should be different."


def service_of(request: Request) -> Service:
    """The service behind a request."""
    found: Service = request.app.state.service
    return found


def notes(service: Service, door: str) -> SqlNotes:
    """What a door remembers."""
    return SqlNotes(service.studio.wired.designs.engine, door)


def current(service: Service, session: Session) -> str | None:
    """Where the talk is: at the newest turn while that waits to be told something, else where the session stands."""
    turns = service.sessions.turns(session.id)
    return turns[-1].id if turns and turns[-1].status == "waiting" else session.head


def say(service: Service, who: str, session: Session, words: str, after: str | None, calls: Sequence[Call] = ()) -> Run:
    """Put a turn in the queue that goes on from another. Where that one waits, the words are its answer."""
    turns = {turn.id: turn for turn in service.sessions.turns(session.id)}
    at = turns.get(after) if after else None
    if at is not None and at.status == "waiting" and words and not calls:
        return service.submit("turn", {"decisions": decided(at, words)}, who, session=session.id, turn=at.id)
    while at is not None and at.status != "done":  # nothing stands there
        at = turns.get(at.parent) if at.parent else None
    stand = at.id if at else None
    request: Json = {"words": words, "calls": [call.model_dump(mode="json") for call in calls]}
    if stand != session.head:  # else it goes on from what the turns before it in the queue come to
        request["after"] = stand
    return service.submit("turn", request, who, session=session.id)


def decided(turn: Turn, words: str) -> list[Json]:
    """What a person's words decide about what a turn asks: "yes" takes it, anything else says what is wrong with it."""
    asked = len((turn.question or {}).get("action_requests") or []) or 1
    return [{"type": "approve"} if approves(words) else {"type": "reject", "message": words}] * asked


def turn_of(service: Service, run: Run) -> Turn:
    """The turn that a run did.

    Raises:
        BadInput: if it did none.
    """
    found = next((turn for turn in service.sessions.turns(str(run.session)) if turn.id == run.turn), None)
    if found is None:
        raise BadInput(f"run {run.id} left no turn behind")
    return found


def design_of(turn: Turn, service: Service) -> Design | None:
    """The design that a turn made; None where it made none, or that is gone."""
    if turn.design is None or (turn.parent and service.sessions.turn(turn.session, turn.parent).design == turn.design):
        return None
    try:
        return service.studio.show(turn.design)
    except CutworkError:
        return None


def answer(turn: Turn, service: Service, request: Request) -> str:
    """What the assistant says: its words, what it waits for, and the picture it made as a Markdown image."""
    if turn.status == "waiting":
        return in_words(turn)
    design = design_of(turn, service)
    shown = [] if design is None or not design.artifacts else [f"![{_alt(design)}]({address(pictures.main(design).sha256, request)})"]
    return "\n\n".join([in_words(turn), *shown])


def in_words(turn: Turn) -> str:
    """What the assistant says of a turn, or what it wants to be told before it goes on."""
    said = turn.reply.strip() or "; ".join(turn.changes)
    if turn.status == "waiting":
        return "\n\n".join([*([said] if said else []), ASKS, *(f"- {text}" for text in asked(turn))])
    return said or "Done."


def asked(turn: Turn) -> list[str]:
    """What a waiting turn wants to be told, in words."""
    requests = (turn.question or {}).get("action_requests") or []
    return [str(one["description"]) for one in requests if isinstance(one, dict) and one.get("description")]


def told(turn: Turn, run: Run, service: Service, request: Request) -> Json:
    """The same as data."""
    design = design_of(turn, service)
    return {
        "session": turn.session,
        "turn": turn.id,
        "number": turn.number,
        "run": run.id,
        "status": turn.status,
        "design": turn.design,
        "calls": [call.model_dump(mode="json") for call in turn.calls],
        "changes": list(turn.changes),
        "area": list(turn.area.root) if turn.area else None,
        "frozen": turn.frozen,
        "cost": turn.cost.model_dump(),
        "question": turn.question,
        "files": files(design, request) if design else [],
    }


def files(design: Design, request: Request) -> list[Json]:
    """A design's files and where they are fetched."""
    return [{"kind": a.kind, "name": a.name, "media_type": a.media_type, "url": address(a.sha256, request)} for a in design.artifacts]


def address(sha256: str, request: Request) -> str:
    """Where a file of that content is fetched."""
    return f"{request.base_url}v1/artifacts/{sha256}"


def _alt(design: Design) -> str:
    """The brief, as the text of a Markdown image may be."""
    return " ".join("".join(c for c in design.brief.text if c not in "[]()!\\").split())[:120]
