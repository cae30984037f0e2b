"""The commands of design sessions: `chat`, a talk about a design line by line, and `sessions`, what there is.

Works on a terminal and in a pipe: one line is one turn. Replies go to stdout, progress to stderr. A line that begins with "/" is about the
talk itself: /undo, /redo, /turns, /show, /quit. A session whose last turn was killed, or waits for an answer, goes on with that turn first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutwork.options import AsJson, LlmOption, Model, Out, Quiet, Rounds, Seed, Steps, print_json, say, studio_of

if TYPE_CHECKING:
    from cutwork.domain import Call, Turn
    from cutwork.sessions import Sessions

PROMPT = "you: "


def add(app: typer.Typer) -> None:
    """Give the commands to the app."""
    app.command()(chat)
    app.command(name="sessions")(list_sessions)


def chat(
    session: Annotated[str | None, typer.Argument(help="A session's id, to go on with it.", show_default="a new one")] = None,
    approve: Annotated[bool | None, typer.Option("--approve/--no-approve", help="Show what will be drawn, and ask, before it is drawn.")] = None,
    model: Model = None,
    llm: LlmOption = None,
    rounds: Rounds = None,
    steps: Steps = None,
    seed: Seed = None,
    out: Out = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Design by talking: the first line is a brief, every other one says what to change. Ends with the input, or /quit."""
    from cutwork.sessions import Sessions

    sessions = Sessions(studio_of(model=model, llm=llm, rounds=rounds, steps=steps))
    known = sessions.get(session) if session else sessions.create(approve=bool(approve))
    if session and approve is not None:
        known = sessions.change(known.id, approve=approve)
    talk = _Chat(sessions, known.id, seed, out or Path("out") / known.id, json, quiet)
    if not quiet:
        say(f"session {known.id}; go on with it later: cutwork chat {known.id}")
    talk.go_on()
    for line in _lines():
        if not talk.hear(line):
            break


def list_sessions(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000)] = 50,
    delete: Annotated[str | None, typer.Option("--delete", metavar="ID", help="Delete a session with its turns; its designs stay.")] = None,
    json: AsJson = False,
) -> None:
    """The sessions there are, newest first."""
    from cutwork.sessions import Sessions

    sessions = Sessions(studio_of())
    if delete is not None:
        sessions.delete(delete)
        if json:
            print_json({"deleted": [delete]})
        else:
            say(f"session {delete} is deleted")
        return
    found = sessions.list(limit=limit)
    if json:
        print_json([{**s.model_dump(mode="json"), "turns": len(sessions.turns(s.id))} for s in found])
        return
    for one in found:
        typer.echo(f"{one.id}  {len(sessions.turns(one.id)):>3} turns  {one.updated[:16].replace('T', ' ')}  {one.title}")


class _Chat:
    """A talk in a terminal."""

    def __init__(self, sessions: Sessions, id: str, seed: int | None, out: Path, json: bool, quiet: bool) -> None:
        self.sessions, self.id, self.seed = sessions, id, seed
        self.out, self.json, self.quiet = out, json, quiet
        self.commands: dict[str, Callable[[], Any]] = {"undo": self._undo, "redo": self._redo, "turns": self._turns, "show": self._show}

    def hear(self, line: str) -> bool:
        """Do what a line says; False ends the talk."""
        from cutwork.errors import BadInput

        words = line.strip()
        if not words:
            return True
        if words.startswith("/"):
            name = words[1:].strip().lower()
            if name in ("quit", "exit", "q", "bye"):
                return False
            if name not in self.commands:
                say(f"there is no /{name}; there are {', '.join(f'/{n}' for n in (*self.commands, 'quit'))}")
                return True
            try:
                self.commands[name]()
            except BadInput as error:
                say(f"{error}")
            return True
        self._shown(self._said(words))
        return True

    def go_on(self) -> None:
        """Finish what was begun last: a turn that was killed or waits. One that was stopped on request goes on when it is said again."""
        from cutwork.errors import BadInput

        turn = self._last()
        if turn is None or turn.status not in ("running", "waiting", "cancelled"):
            return
        what = f"take {turn.number}, {turn.words or ', '.join(c.tool for c in turn.calls)!r},"
        how = {"cancelled": "was stopped; say it again to go on with it", "waiting": "waits for an answer", "running": "was not finished; it goes on"}[turn.status]
        if not self.quiet:
            say(f"{what} {how}")
        if turn.status == "cancelled":
            return
        try:
            self._shown(self._answered(turn if turn.status == "waiting" else self._begun(turn.words, turn.calls, turn.id)))
        except BadInput as error:  # such as another process that works on it
            say(f"{error}")

    def _last(self) -> Turn | None:
        return next(reversed(self.sessions.turns(self.id)), None)

    def _said(self, words: str) -> Turn:
        """One turn, with whatever it asks answered here. What was stopped last goes on where just that is said again."""
        from cutwork.agents.heard_session import wants_help
        from cutwork.domain import Call

        last = self._last()
        if last is not None and last.status == "cancelled" and last.words == words:
            return self._answered(self._begun(words, last.calls, last.id))
        first = self.seed is not None and not wants_help(words) and not any(turn.design for turn in self.sessions.turns(self.id))
        calls = [Call(tool="design", args={"brief": words, "seed": self.seed})] if first else []
        return self._answered(self._begun(words, calls))

    def _begun(self, words: str, calls: Sequence[Call], turn: str | None = None) -> Turn:
        from cutwork.console import progress

        with progress(self.quiet) as (on_event, cancelled):
            return self.sessions.say(self.id, words, calls=calls, turn=turn, on_event=on_event, cancelled=cancelled)

    def _answered(self, turn: Turn) -> Turn:
        """A turn, with whatever it asks answered here."""
        from cutwork.console import progress

        while turn.status == "waiting" and turn.question is not None:
            decisions = [_asked(action["description"]) for action in turn.question["action_requests"]]
            with progress(self.quiet) as (on_event, cancelled):
                turn = self.sessions.answer(self.id, turn.id, decisions, on_event=on_event, cancelled=cancelled)
        return turn

    def _shown(self, turn: Turn) -> None:
        """The reply, and the files where there are new ones."""
        files = self._files(turn)
        if self.json:
            print_json({**turn.model_dump(mode="json"), "files": files})
            return
        typer.echo(f"{turn.number}. {turn.reply or turn.error or ''}")
        if files and not self.quiet:
            say(f"   {files[0] if len(files) == 1 else self.out / str(turn.number)}")

    def _files(self, turn: Turn) -> list[str]:
        """Written files: those of a design that is new with this turn, and of an export."""
        before = next((t.design for t in self.sessions.turns(self.id) if t.id == turn.parent), None)
        if turn.status != "done" or turn.design is None:
            return []
        folder, written = self.out / str(turn.number), []
        if turn.design != before:
            data = self.sessions.studio.deliver(self.sessions.studio.show(turn.design), folder)
            written = [artifact["path"] for artifact in data["artifacts"]]
        for call in turn.calls:
            if call.tool == "export":
                form = call.args["form"]
                name = "receipt.png" if form == "receipt" else f"design.{'zip' if form == 'run' else form}"
                folder.mkdir(parents=True, exist_ok=True)
                written.append(str(self.sessions.studio.export(turn.design, folder / name, form)))
        return written

    def _undo(self) -> None:
        self.sessions.undo(self.id)
        self._show()

    def _redo(self) -> None:
        self.sessions.redo(self.id)
        self._show()

    def _turns(self) -> None:
        head = self.sessions.get(self.id).head
        for turn in self.sessions.turns(self.id):
            say(f"{'*' if turn.id == head else ' '} {turn.number:>3}  {turn.status:<9} {turn.words or ', '.join(c.tool for c in turn.calls)}  {'; '.join(turn.changes)}")

    def _show(self) -> None:
        head = self.sessions.get(self.id).head
        turn = next((t for t in self.sessions.turns(self.id) if t.id == head), None)
        say("nothing is drawn yet" if turn is None else f"take {turn.number}, design {turn.design}: {'; '.join(turn.changes) or turn.words}")


def _lines() -> Iterator[str]:
    """What is typed, line by line, or what a pipe brings."""
    while True:
        try:
            yield input(PROMPT) if sys.stdin.isatty() else input()
        except EOFError:
            return


def _asked(description: str) -> dict[str, Any]:
    """What a person decides about one action: yes, no, or what is wrong with it."""
    say(f"?  {description}")
    try:
        said = input("   ok? [yes / no / what to change] " if sys.stdin.isatty() else "").strip()
    except EOFError:
        said = "no"
    if said.lower() in ("", "y", "yes", "ok", "approve"):
        return {"type": "approve"}
    return {"type": "reject", "message": "" if said.lower() in ("n", "no") else said}
