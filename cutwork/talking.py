"""One turn of a session: what the session graph's nodes call. What is asked for is heard, seen by a person where that is wanted, done, and told.

Every run that a turn makes has an id that follows from the turn's, so that a turn begun again finds what it had finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from cutwork import composing
from cutwork.agents import assistant, telling
from cutwork.agents.bands import captions_of
from cutwork.agents.calls import DRAWS, Standing, Take, checked
from cutwork.agents.edits import Draft, edited
from cutwork.domain import Call, Cost, Design, Json, LlmCall, Session, Turn
from cutwork.errors import BadInput
from cutwork.graphs.session import Done, Heard, TalkState
from cutwork.history import Tree
from cutwork.studio import OnEvent, Studio
from cutwork.working import Work

NEUTRAL = frozenset(["undo", "redo", "branch", "lock", "unlock", "compare", "explain", "approve", "export"])  # draw nothing and make nothing
LONGEST = 64  # characters of a run's id


@dataclass
class Talking:
    """The `Talk` of one turn."""

    studio: Studio
    session: Session
    turn: Turn
    on_event: OnEvent
    cancelled: Callable[[], bool]
    unkept: list[LlmCall] = field(default_factory=list)
    """What was asked of the language model while there was no run to keep it with."""

    @property
    def store(self) -> Any:
        """Where sessions are kept."""
        return self.studio.wired.sessions

    def tree(self) -> Tree:
        """The session's turns as they are now."""
        return Tree.of(self.store.turns(self.session.id))

    def design(self, now: Json) -> Design | None:
        """The design that stands, if there is one."""
        with suppress(BadInput):  # its run may have been deleted
            return self.studio.show(now["design"]) if now["design"] else None
        return None

    def standing(self, now: Json) -> Standing:
        """What a sentence may be about."""
        design = self.design(now)
        best = design.delivered if design else None
        tree = self.tree()
        takes = tuple(Take(t.number, t.id, t.words, t.design, t.changes) for t in tree.done)
        at = tree.by.get(now["base"] or "")
        plan = best.shot.plan if best else None
        return Standing(plan, plan.finish.kind if plan else "cutout", captions_of(plan) if plan else (), tuple(now["locks"]), takes, at.number if at else None, now["last"])

    # ------------------------------------------------------------------------------------------------------- nodes

    def hear(self, words: str, results: Sequence[Json], now: Json) -> Heard:
        """What the assistant wants done next."""
        llm = self.studio.wired.llm(lambda call: self.asked(call, now))
        said = assistant.decide(words, self.standing(now), results, llm)
        self.store.change_turn(self.session.id, self.turn.id, lambda t: t.model_copy(update={"calls": (*(c for c in t.calls if results), *said.calls)}))
        return Heard(said.calls, said.say, said.faults, said.unread)

    def asked(self, call: LlmCall, now: Json) -> None:
        """Count a question to the language model and keep it with the run that stands, however the turn ends. The first of a session wait for the run that they lead to."""
        if call.llm != "offline":
            self.store.change_turn(self.session.id, self.turn.id, lambda t: t.model_copy(update={"cost": t.cost + Cost(asked=1)}))
        self.unkept.append(call)
        if now["design"]:
            self.keep(now["design"])

    def keep(self, run: str) -> None:
        """Store with a run what was asked of the language model and is kept nowhere yet."""
        with suppress(BadInput):  # it may have been deleted
            while self.unkept:
                self.studio.wired.designs.add_call(run, self.unkept[0])
                del self.unkept[0]

    def proposal(self, calls: Sequence[Call], results: Sequence[Json], now: Json) -> Json | None:
        """What would be drawn, where a person wants to see that first."""
        if not self.session.approve or not any(call.tool in DRAWS for call in calls):
            return None
        there = self.standing(now)
        draft = Draft.of(there.plan, there.locks) if there.plan else None
        told: list[tuple[Call, str]] = []
        drawn = tried = 0
        for call in calls:
            if call.tool not in DRAWS:  # what comes after it is a drawing of its own
                drawn = tried
            described = f"{call.tool}, which draws nothing"
            if call.tool in DRAWS and draft is not None:
                count = len(draft.told)
                with suppress(BadInput):
                    one = checked(call, there)
                    draft = edited(draft, self.seeded(one, results, drawn))
                    tried += one.tool == "reseed"
                described = "; ".join(draft.told[count:]) or call.tool
            told.append((call, described))
        return telling.request(told)

    def edited(self, decision: Json, call: Call, now: Json) -> Call:
        """The call that a person made of one.

        Raises:
            BadInput: if it cannot be done.
        """
        action = decision.get("edited_action") or {}
        made = make_call(action.get("name") or call.tool, action.get("args") or {})
        return checked(made, self.standing(now)) if made.tool in DRAWS else made

    def question(self, run: str) -> Json:
        """What a waiting drawing asks: its plan to be seen, or its picture to be judged."""
        design = self.studio.show(run)
        asked = self.studio.question(run)
        value = asked["value"] if asked else {}
        if "question" in value:
            best = design.rounds[-1] if design.rounds else None
            call = Call(tool="approve", args={"design": run, "image": best.render.image if best else None})
            return telling.request([(call, str(value["question"]))])
        plan = design.plan
        described = f"draw {plan.prompt}" if plan else "draw this plan"
        return telling.request([(Call(tool="design", args={"design": run, "plan": value.get("plan")}), described)])

    def passed_on(self, decision: Json) -> Any:
        """A decision as a drawing takes it: True, or what to change."""
        if decision["type"] == "approve":
            return True
        if decision["type"] == "reject":
            return str(decision.get("message") or "it is not as wanted")
        args = (decision.get("edited_action") or {}).get("args") or {}
        return str(args.get("words") or args.get("message") or args)

    def act(self, calls: Sequence[Call], results: Sequence[Json], now: Json, answers: Json) -> Done:
        """Do calls, in order; edits that stand next to each other are one drawing."""
        work = Work(self, dict(now), [*results], answers)
        batch: list[Call] = []
        for call in calls:
            if call.tool in DRAWS:
                batch.append(call)
                continue
            work.draw(batch)
            batch = []
            if not work.do(call):
                return Done(tuple(results), now, work.asks)
        work.draw(batch)
        return Done(tuple(work.results), work.now)

    def finish(self, state: TalkState) -> None:
        """Say what was done, and stand there."""
        now, results = state["now"], state["results"]
        tree = self.tree()
        base = tree.by.get(now["base"] or "")
        design, locks = now["design"], tuple(now["locks"])
        moved = design != (base.design if base else None) or locks != (base.locks if base else ())
        kept = self.store.turn(self.session.id, self.turn.id)
        spent = Cost.model_validate(now["cost"]) + Cost(asked=kept.cost.asked)
        failed = bool(state.get("alone")) and bool(results) and not any(r["ok"] or r.get("declined") for r in results)
        talk_only = all(r["tool"] in NEUTRAL or not r["tool"] for r in results)
        reply = telling.reply(state.get("say", ""), results, state.get("unread", ()), spent, not talk_only and any(r["ok"] for r in results))
        area, frozen = self._frozen(now)
        done = kept.model_copy(
            update={
                "parent": base.id if base else None, "reply": reply, "design": design, "status": "failed" if failed else "done", "locks": locks, "about": now["last"], "area": area, "frozen": frozen,
                "changes": tuple(now["changes"]), "cost": spent, "question": None, "error": reply if failed else None,
                "calls": tuple(Call(tool=r["tool"], args=r["args"]) for r in results if r["tool"]),
            }
        )  # fmt: skip
        head = self.turn.id if moved else now["base"]
        if failed:
            self.store.change_turn(self.session.id, self.turn.id, lambda _: done)
        else:
            self.store.finish(done, head)
        if design:
            self.keep(design)
        self.on_event("reply", {"text": reply})

    def _frozen(self, now: Json) -> tuple[Any, str | None]:
        """What was allowed to change, tight around it, and the hash of all else, which is made sure of once more."""
        if not now["area"] or now["area"] == "all" or now["design"] == now["from"]:
            return None, None
        from cutwork.tools.keep.start import extent, verify
        from cutwork.tools.pixels import decode

        blobs = self.studio.wired.blobs
        old, new = (composing.delivered(self.studio.show(id)).render.image for id in (now["from"], now["design"]))
        area = decode(blobs.get(now["area"]), "L")
        return extent(area), verify(decode(blobs.get(old), "RGB"), decode(blobs.get(new), "RGB"), area)

    def seeded(self, call: Call, results: Sequence[Json], drawn: int = 0) -> Call:
        """A call that needs a seed with one that follows from the turn: what is drawn together has one seed, whatever else is done or declined beside it.

        Args:
            results: what was done in the turn before.
            drawn: other tries with a seed of their own that will have been drawn by then.
        """
        if call.tool != "reseed":
            return call
        number = drawn + sum(r["ok"] and r["tool"] == "reseed" for r in results)
        digest = hashlib.sha256(f"{self.turn.id}/{number}".encode()).digest()
        return call.model_copy(update={"args": {**call.args, "seed": int.from_bytes(digest[:4], "big")}})

    def run_id(self, number: int, by_session: bool = True) -> str:
        """The id of a run that the turn makes.

        Args:
            by_session: it tells of the session too, since other sessions may have a turn of this id; not where the turn was begun before that was so.
        """
        whose = f"{self.turn.id}-{_digest(self.session.id)[:16]}" if by_session else self.turn.id
        id = f"{whose}-{number}"
        return id if len(id) <= LONGEST else f"{_digest(whose)[:40]}-{number}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_call(tool: str, args: Json) -> Call:
    """A call of loose values.

    Raises:
        BadInput: if there is no such tool.
    """
    from pydantic import ValidationError

    try:
        return Call(tool=cast(Any, tool), args=args)
    except ValidationError as error:
        raise BadInput(f"there is no tool {tool!r}: {str(error.errors()[0]['msg'])[:300]}") from None
