"""One turn of a session at work: each call of it done on the studio. What the session graph's nodes call.

Every run that a turn makes has an id that follows from the turn's, so that a turn begun again finds what it had finished. Edits that stand next
to each other are drawn together. What is drawn already in the session is not drawn again.
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
from cutwork.agents.edits import Draft, about, edited
from cutwork.domain import Call, Cost, Cutout, Design, Json, Keep, LlmCall, Plan, Region, Round, Session, Shot, Subject, Turn
from cutwork.errors import BadInput, CutworkError, Refused
from cutwork.graphs.session import Done, Heard, TalkState
from cutwork.history import Tree
from cutwork.studio import OnEvent, Studio, make_brief

FINISHED = ("accepted", "best_effort")
ROUNDS = 3  # times at most that an edit is drawn
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
    asked: list[LlmCall] = field(default_factory=list)

    @property
    def _store(self) -> Any:
        return self.studio.wired.sessions

    def _tree(self) -> Tree:
        return Tree.of(self._store.turns(self.session.id))

    def _design(self, now: Json) -> Design | None:
        with suppress(BadInput):  # its run may have been deleted
            return self.studio.show(now["design"]) if now["design"] else None
        return None

    def standing(self, now: Json) -> Standing:
        """What a sentence may be about."""
        design = self._design(now)
        best = design.delivered if design else None
        tree = self._tree()
        takes = tuple(Take(t.number, t.id, t.words, t.design, t.changes) for t in tree.done)
        at = tree.by.get(now["base"] or "")
        plan = best.shot.plan if best else None
        return Standing(plan, plan.finish.kind if plan else "cutout", captions_of(plan) if plan else (), tuple(now["locks"]), takes, at.number if at else None, now["last"])

    # ------------------------------------------------------------------------------------------------------- nodes

    def hear(self, words: str, results: Sequence[Json], now: Json) -> Heard:
        """What the assistant wants done next."""
        llm = self.studio.wired.llm(self.asked.append)
        said = assistant.decide(words, self.standing(now), results, llm)
        self._store.change_turn(self.session.id, self.turn.id, lambda t: t.model_copy(update={"calls": (*(c for c in t.calls if results), *said.calls)}))
        return Heard(said.calls, said.say, said.faults, said.unread)

    def proposal(self, calls: Sequence[Call], now: Json) -> Json | None:
        """What would be drawn, where a person wants to see that first."""
        if not self.session.approve or not any(call.tool in DRAWS for call in calls):
            return None
        there = self.standing(now)
        draft = Draft.of(there.plan, there.locks) if there.plan else None
        told: list[tuple[Call, str]] = []
        for call in calls:
            described = f"{call.tool}, which draws nothing"
            if call.tool in DRAWS and draft is not None:
                count = len(draft.told)
                with suppress(BadInput):
                    draft = edited(draft, self._seeded(checked(call, there), 0))
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
        work = _Work(self, dict(now), [*results], answers)
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
        tree = self._tree()
        base = tree.by.get(now["base"] or "")
        design, locks = now["design"], tuple(now["locks"])
        moved = design != (base.design if base else None) or locks != (base.locks if base else ())
        spent = Cost.model_validate(now["cost"]) + Cost(asked=sum(call.llm != "offline" for call in self.asked))
        failed = bool(state.get("alone")) and bool(results) and not any(r["ok"] or r.get("declined") for r in results)
        talk_only = all(r["tool"] in NEUTRAL or not r["tool"] for r in results)
        reply = telling.reply(state.get("say", ""), results, state.get("unread", ()), spent, not talk_only and any(r["ok"] for r in results))
        area, frozen = self._frozen(now)
        done = self._store.turn(self.session.id, self.turn.id).model_copy(
            update={
                "parent": base.id if base else None, "reply": reply, "design": design, "status": "failed" if failed else "done", "locks": locks, "area": area, "frozen": frozen,
                "changes": tuple(now["changes"]), "cost": spent, "question": None, "error": reply if failed else None,
                "calls": tuple(Call(tool=r["tool"], args=r["args"]) for r in results if r["tool"]),
            }
        )  # fmt: skip
        head = self.turn.id if moved else now["base"]
        if failed:
            self._store.change_turn(self.session.id, self.turn.id, lambda _: done)
        else:
            self._store.finish(done, head)
        if design:
            for call in self.asked:
                with suppress(BadInput):
                    self.studio.wired.designs.add_call(design, call)
        self.on_event("reply", {"text": reply})

    def _frozen(self, now: Json) -> tuple[Any, str | None]:
        """What was allowed to change, tight around it, and the hash of all else, which is made sure of once more."""
        if not now["area"] or now["area"] == "all" or now["design"] == now["from"]:
            return None, None
        from cutwork.tools.keep import extent, verify
        from cutwork.tools.pixels import decode

        blobs = self.studio.wired.blobs
        old, new = (composing.delivered(self.studio.show(id)).render.image for id in (now["from"], now["design"]))
        area = decode(blobs.get(now["area"]), "L")
        return extent(area), verify(decode(blobs.get(old), "RGB"), decode(blobs.get(new), "RGB"), area)

    def _seeded(self, call: Call, number: int) -> Call:
        """A call that needs a seed with one that follows from the turn."""
        if call.tool != "reseed":
            return call
        digest = hashlib.sha256(f"{self.turn.id}/{number}".encode()).digest()
        return call.model_copy(update={"args": {**call.args, "seed": int.from_bytes(digest[:4], "big")}})

    def run_id(self, number: int) -> str:
        """The id of a run that the turn makes."""
        id = f"{self.turn.id}-{number}"
        return id if len(id) <= LONGEST else f"{hashlib.sha256(self.turn.id.encode()).hexdigest()[:40]}-{number}"


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


class _Work:
    """Calls being done.

    Args:
        now: how the session stands; changed as calls are done.
        results: one for each call done.
        answers: by run, what a person answered.
    """

    def __init__(self, talking: Talking, now: Json, results: list[Json], answers: Json) -> None:
        self.talking, self.studio = talking, talking.studio
        self.now, self.results, self.answers = now, results, answers
        self.asks = ""
        self._made: dict[str, Callable[[Call], str]] = {
            "design": self._new, "recaption": self._recaption, "refinish": self._refinish, "take": self._take, "lock": self._lock, "unlock": self._lock,
            "undo": self._undo, "redo": self._redo, "branch": self._branch, "compare": self._compare, "approve": self._approve, "explain": self._explain, "export": self._export,
        }  # fmt: skip

    @property
    def _blobs(self) -> Any:
        return self.studio.wired.blobs

    def _standing(self) -> Standing:
        return self.talking.standing(self.now)

    def _stands(self) -> Design:
        design = self.talking._design(self.now)
        if design is None or design.delivered is None:
            raise BadInput("there is no design yet; say what to draw, such as 'a grumpy cat and a rocket'")
        return design

    def _note(self, call: Call, ok: bool, told: str) -> None:
        self.results.append({"tool": call.tool, "args": call.args, "ok": ok, "told": told})
        self.talking.on_event("call", {"tool": call.tool, "args": call.args, "ok": ok})

    # --------------------------------------------------------------------------------------------------- one by one

    def do(self, call: Call) -> bool:
        """Do one call that is no edit of the plan; what cannot be done is told, and nothing changes. False where it waits for a person."""
        kept = dict(self.now)
        try:
            one = checked(call, self._standing())
            told = self._made[call.tool](one)
        except (BadInput, Refused) as error:
            self.now = kept
            self._note(call, False, _plain(error))
            return True
        if self.asks:
            return False
        self._note(one, True, told)
        return True

    def _new(self, call: Call) -> str:
        from cutwork.graphs.state import start
        from cutwork.tools.drawing import canvas

        wired, args = self.studio.wired, call.args
        given = {key: args[key] for key in ("kind", "size", "seed") if args.get(key) is not None}
        brief = make_brief(args["brief"], **{"size": canvas(wired.settings.model)} | given)
        terms = wired.terms(approve=self.talking.session.approve or wired.settings.approve, interactive=self.talking.session.approve)
        design = self._run(start(brief, terms, id=self._next()))
        if design.status == "needs_approval":
            self.asks = design.id
            return ""
        composing.delivered(design)
        self._made_one(design, (), "all")
        self.now |= {"changes": [*self.now["changes"], f"a new design: {brief.text[:120]}"], "locks": []}
        best = composing.delivered(design)
        who = ", ".join(s.phrase for s in best.shot.plan.subjects) or "no subject"
        notes = "".join(f" {telling.sentence(note)}" for note in design.notes)
        kind = "" if design.kind == "cutout" else f", as a {design.kind}"
        return f"here is your design with {who}, {best.shot.plan.background}{kind}.{notes}{_verdict(design)}"

    def _refinish(self, call: Call) -> str:
        before, args = self._stands(), call.args
        wished = {key: args.get(key) for key in ("kind", "captions", "palette", "settings")}
        made = self._remade(before, args.get("words", ""), wished)
        self._made_one(made, None)
        plan = composing.delivered(made).shot.plan
        told = telling.goods(plan.finish)
        lettering = captions_of(plan) if plan != composing.delivered(before).shot.plan else ()
        told += f" that says {' / '.join(repr(c) for c in lettering if c)}" if any(lettering) and made.kind == "meme" else ""
        self.now["changes"] = [*self.now["changes"], told]
        notes = "".join(f" {telling.sentence(note)}" for note in made.notes if note not in before.notes)
        return f"it is {told} now.{notes}"

    def _recaption(self, call: Call) -> str:
        before, captions = self._stands(), tuple(call.args["captions"])
        made = self._remade(before, "", {"kind": "meme" if captions else None, "captions": captions})
        self._made_one(made, None)
        told = f"the lettering is {' / '.join(repr(c) for c in captions if c)}" if captions else "the lettering is gone"
        self.now["changes"] = [*self.now["changes"], told]
        return told

    def _remade(self, before: Design, words: str, wished: Json) -> Design:
        """The same drawing as other goods; a turn that is begun again finds what it made."""
        id = self._next()
        found = self._found(id)
        if found is not None:
            return found
        self.talking.on_event("node", {"node": "finish", "round": 1})
        return self.studio.refinish(before.id, words, new_id=id, **wished)

    def _lock(self, call: Call) -> str:
        subject, locks = self._standing().subject(call.args["subject"]), list(self.now["locks"])
        locked = call.tool == "lock"
        if (subject.id in locks) == locked:
            raise BadInput(f"the {subject.noun} is {'locked already' if locked else 'not locked'}")
        self.now["locks"] = [*locks, subject.id] if locked else [id for id in locks if id != subject.id]
        told = f"the {subject.noun} is {'locked: no edit changes it' if locked else 'unlocked'}"
        self.now["changes"] = [*self.now["changes"], told]
        return told

    def _undo(self, call: Call) -> str:
        return self._to(self.talking._tree().back(self.now["base"], int(call.args.get("steps", 1))), "back")

    def _redo(self, call: Call) -> str:
        onward = self.talking._store.onward
        return self._to(self.talking._tree().forth(self.now["base"], int(call.args.get("steps", 1)), lambda t: onward(self.talking.session.id, t)), "forth")

    def _branch(self, call: Call) -> str:
        return self._to(call.args["turn"], "back")

    def _to(self, turn: str | None, way: str) -> str:
        """Stand on another turn."""
        at = self.talking._tree().by.get(turn or "")
        design = at.design if at else None
        self.now |= {"base": at.id if at else None, "design": design, "from": design, "locks": list(at.locks) if at else [], "area": "", "changes": []}
        if at is None:
            return "back at the start: nothing is drawn yet"
        made = next((t for t in (at, *self.talking._tree().above(at.id)) if t.changes), at)
        what = f" ({'; '.join(made.changes[:2])})" if made.changes else ""
        return f"{way if way == 'back' else 'on'} to take {made.number}{what}"

    def _compare(self, call: Call) -> str:
        found = compared(self.studio, self.talking._tree(), call.args["a"], call.args["b"])
        return str(found["text"])

    def _approve(self, call: Call) -> str:  # noqa: ARG002 - it has no arguments
        design = self._stands()

        def taken(now: Design) -> Design:
            rounds = tuple(r.model_copy(update={"approved": True}) if r.number == now.best else r for r in now.rounds)
            return now.model_copy(update={"rounds": rounds, "status": "accepted"})

        self.studio.wired.designs.change(design.id, taken)
        return f"approved as it is: the {design.kind} is final"

    def _explain(self, call: Call) -> str:
        tree = self.talking._tree()
        line = [t for t in reversed(tree.above(self.now["base"], own=True)) if t.status == "done"]
        return telling.explained(self._stands(), call.args.get("subject"), [(t.number, t.cost) for t in line])

    def _export(self, call: Call) -> str:
        from cutwork import registry
        from cutwork.delivery import FORMS

        design, form = self._stands(), call.args["form"]
        if form != "run":
            made = registry.find("cutwork.tools.formats", FORMS[form]).make(design, self._blobs)
            return f"the {form.upper()} file is ready to be saved, {len(self._blobs.get(made.sha256)) / 1e6:.1f} MB"
        return "the whole run is ready to be saved as a zip"

    def _take(self, call: Call) -> str:
        """A subject, or the background, of another take, put together with what stands. Nothing is drawn."""
        other_turn = self.talking._tree().by[call.args["turn"]]
        if other_turn.design is None:
            raise BadInput(f"take {other_turn.number} has no picture")
        before, other = self._stands(), self.studio.show(other_turn.design)
        made = _Taking(self, before, other, call.args["what"]).made(self._next())
        self.now["changes"] = [*self.now["changes"], f"{made[1]} of take {other_turn.number}"]
        return f"{made[1]} is that of take {other_turn.number} now"

    # ----------------------------------------------------------------------------------------------------- drawing

    def draw(self, calls: Sequence[Call]) -> None:
        """Make edits of the plan, and draw what they change, together."""
        if not calls:
            return
        before = self.talking._design(self.now)
        if before is None or before.delivered is None:
            for call in calls:
                self._note(call, False, "there is no design yet; say what to draw first")
            return
        draft = Draft.of(composing.delivered(before).shot.plan, tuple(self.now["locks"]))
        good: list[tuple[Call, str]] = []
        for number, call in enumerate(calls):
            try:
                count = len(draft.told)
                one = checked(call, self._standing_on(draft.plan))
                draft = edited(draft, self.talking._seeded(one, len(self.results) + number))
                good.append((one, "; ".join(draft.told[count:])))
                self.now["last"] = about(one, draft)
            except BadInput as error:
                self._note(call, False, _plain(error))
        if not good:
            return
        kept = dict(self.now)
        try:
            note = self._drawn(draft, before)
        except (BadInput, Refused) as error:
            self.now = kept
            for one, _ in good:
                self._note(one, False, _plain(error))
            return
        for at, (one, told) in enumerate(good):
            self._note(one, True, told + (note if at == len(good) - 1 else ""))

    def _standing_on(self, plan: Plan) -> Standing:
        there = self._standing()
        return Standing(plan, there.kind, there.captions, there.locks, there.takes, there.at, self.now["last"])

    def _drawn(self, draft: Draft, before: Design) -> str:
        """Draw a draft, or put it together; what there is to say of it besides."""
        best = composing.delivered(before)
        start = composing.started(draft, before, self._blobs)
        keep = start.kept(self._blobs) if start is not None else None
        seed = draft.seed if draft.seed is not None else best.shot.seed
        shot = Shot(plan=draft.plan, seed=seed, keep=keep)
        id = self._next()
        known = self._known(shot, before) if self._found(id) is None else None
        if known is not None:
            self.now |= {"design": known.id, "changes": [*self.now["changes"], *draft.told]}
            self._widen(keep)
            return "; it was drawn before, and is taken from there"
        if start is not None and not start.draws:
            design = self._found(id) or self._compose(draft, start, before, id)
        else:
            design = self._run(self._begun(shot, before, id))
        self._made_one(design, composing.delivered(before).cutouts, keep)
        self.now["changes"] = [*self.now["changes"], *draft.told]
        fresh = [note for note in design.notes if note not in before.notes]
        return "".join(f". {telling.sentence(note)}" for note in fresh).rstrip(".") + _verdict(design)

    def _begun(self, shot: Shot, before: Design, id: str) -> Design:
        from cutwork.graphs.state import start

        wired = self.studio.wired
        rounds = min(ROUNDS, wired.settings.rounds)
        terms = wired.terms(before.model, rounds=rounds, approve=False, redraw=True)
        brief = composing.brief_of(shot.plan, before.brief, shot.seed)
        return start(brief, terms, llm=before.llm, shot=shot, id=id, parent=before.id)

    def _compose(self, draft: Draft, start: Any, before: Design, id: str) -> Design:
        """Where all that changed is that something is gone."""
        best = composing.delivered(before)
        drawing = self.studio.wired.drawing_for(self.studio.wired.terms_of(before))
        sources = [(best, o) for o in draft.origin if o is not None]
        made = composing.composed(before, draft.plan, start, drawing, self._blobs, id, sources)
        self.studio.wired.designs.create(made)
        return made

    def _known(self, shot: Shot, before: Design) -> Design | None:
        """What was drawn of just this in the session before."""
        for turn in self.talking._tree().done:
            if turn.design is not None and turn.design != before.id:
                with suppress(BadInput):
                    design = self.studio.show(turn.design)
                    if design.status in FINISHED and design.rounds and design.rounds[0].shot == shot and design.model == before.model:
                        return design
        return None

    def _run(self, design: Design) -> Design:
        """Work on a run until it is done or asks; go on with it where it was begun before."""
        found, on_event, cancelled = self._found(design.id), self.talking.on_event, self.talking.cancelled
        if found is None:
            return self.studio.begin(design, on_event=on_event, cancelled=cancelled)
        answer = self.answers.get(design.id)
        if found.status in FINISHED or (found.status == "needs_approval" and answer is None):
            return found
        return self.studio.resume(design.id, answer, on_event=on_event, cancelled=cancelled)

    def _found(self, id: str) -> Design | None:
        with suppress(BadInput):
            return self.studio.show(id)
        return None

    def _next(self) -> str:
        """The id of the run that the next call makes."""
        return self.talking.run_id(len(self.results) + 1)

    def _made_one(self, design: Design, old: Sequence[Cutout] | None, area: Keep | str | None = "") -> None:
        """A design came to stand, with what it cost and what it was allowed to change: everything, what a shot keeps out, or nothing ("").

        Args:
            old: cut-outs it may have taken over; None = all of it is another run's, but for its files.
        """
        spent = Cost.model_validate(self.now["cost"]) + cost_of(design, old)
        self.now |= {"design": design.id, "cost": spent.model_dump()}
        if isinstance(area, Keep):
            self._widen(area)
        elif area != "":
            self.now["area"] = "all"

    def _widen(self, keep: Keep | None) -> None:
        """What may have changed in this turn, with what one more shot may change."""
        if keep is None or self.now["area"] == "all":
            self.now["area"] = "all"
            return
        from cutwork.tools.keep import united
        from cutwork.tools.pixels import decode

        self.now["area"] = united(self.now["area"] or None, decode(self._blobs.get(keep.area), "L"), self._blobs)


class _Taking:
    """A subject, or the background, of another design put together with one that stands."""

    def __init__(self, work: _Work, before: Design, other: Design, what: str) -> None:
        self.work, self.before, self.other, self.what = work, before, other, what
        self.blobs = work._blobs

    def made(self, id: str) -> tuple[Design, str]:
        """The composed design, and what was taken, in words."""
        found = self.work._found(id)
        plan, start, sources, name = self._background() if self.what == "background" else self._subject()
        keep = start.kept(self.blobs)
        if found is None:
            drawing = self.work.studio.wired.drawing_for(self.work.studio.wired.terms_of(self.before))
            found = composing.composed(self.before, plan, start, drawing, self.blobs, id, sources)
            self.work.studio.wired.designs.create(found)
        self.work._made_one(found, composing.delivered(self.before).cutouts, keep)
        return found, name

    def _background(self) -> tuple[Plan, Any, list[tuple[Round, int]], str]:
        from cutwork.tools.keep import put_behind

        own, other = composing.delivered(self.before), composing.delivered(self.other)
        if own.render.image == other.render.image:
            raise BadInput("that is the take that stands")
        start = put_behind(composing.before_of(self.before, self.blobs), composing.before_of(self.other, self.blobs))
        plan = own.shot.plan.model_copy(update={"background": other.shot.plan.background, "prompt": own.shot.plan.prompt.replace(own.shot.plan.background, other.shot.plan.background)})
        return plan, start, [(own, k) for k in range(len(plan.regions))], "the background"

    def _subject(self) -> tuple[Plan, Any, list[tuple[Round, int]], str]:
        from cutwork.agents.calls import meant
        from cutwork.tools.keep import put
        from cutwork.tools.pixels import decode

        own, other = composing.delivered(self.before), composing.delivered(self.other)
        named = meant(self.what, other.shot.plan.subjects)
        if len(named) != 1:
            there = ", ".join(s.phrase for s in other.shot.plan.subjects) or "nothing"
            raise BadInput(f"{self.what!r} is not one subject of that take; it has {there}")
        subject = named[0]
        if subject.id in self.work.now["locks"]:
            raise BadInput(f"the {subject.noun} is locked", hint=f"unlock the {subject.noun} first")
        layers = {c.region: c for c in other.cutouts if c.subject == subject.id and c.box is not None}
        if not layers:
            raise BadInput(f"the {subject.noun} of that take could not be cut out, so it cannot be taken from there")
        plan, sources, leaving = self._joined(own, other, subject, sorted(layers))
        coming = [(decode(self.blobs.get(layers[k].image), "RGBA"), other.shot.plan.regions[k].z) for k in sorted(layers)]
        locked = [k for k, r in enumerate(own.shot.plan.regions) if r.subject in self.work.now["locks"]]
        return plan, put(composing.before_of(self.before, self.blobs), leaving, coming, locked), sources, f"the {subject.noun}"

    def _joined(self, own: Round, other: Round, subject: Subject, regions: Sequence[int]) -> tuple[Plan, list[tuple[Round, int]], list[int]]:
        """The plan with the other take's subject: in place of one of its id, or of who stood first in its place, else besides; where each region is from; and who leaves."""
        mine, theirs = own.shot.plan, other.shot.plan
        replaced = next((s for s in mine.subjects if s.id == subject.id), None) or _in_its_place(mine, theirs, subject)
        leaving = [k for k, r in enumerate(mine.regions) if replaced is not None and r.subject == replaced.id]
        taken = subject.model_copy(update={"count": len(regions), "resembles": ()})
        subjects = [taken if replaced is not None and s.id == replaced.id else s for s in mine.subjects]
        subjects += [] if replaced is not None else [taken]
        rows: list[tuple[Region, tuple[Round, int]]] = [(r, (own, k)) for k, r in enumerate(mine.regions) if k not in leaving]
        at = leaving[0] if leaving else len(rows)
        rows[at:at] = [(theirs.regions[k], (other, k)) for k in regions]
        kept = {name: getattr(mine, name) for name in Plan.model_fields}
        similar = tuple(p for p in mine.similar if replaced is None or replaced.id not in p or replaced.id == subject.id)
        plan = Plan(**kept | {"subjects": tuple(subjects), "regions": tuple(r for r, _ in rows), "similar": similar})
        from cutwork.agents.edits import respoken

        prompt = respoken(mine.prompt, replaced, taken) if replaced is not None and replaced.phrase != taken.phrase else mine.prompt
        return plan.model_copy(update={"prompt": prompt or f"{mine.prompt}, {taken.phrase}"}), [source for _, source in rows], leaving


def _in_its_place(mine: Plan, theirs: Plan, subject: Subject) -> Subject | None:
    """Who stands now where a subject stood: the one at its place among the subjects, if that take does not have it."""
    at = theirs.subjects.index(subject)
    if at < len(mine.subjects) and len(mine.subjects) == len(theirs.subjects) and mine.subjects[at].id not in {s.id for s in theirs.subjects}:
        return mine.subjects[at]
    return None


def cost_of(design: Design, old: Sequence[Cutout] | None) -> Cost:
    """What a run took: pictures drawn, subjects cut that were not cut before, files made.

    Args:
        old: cut-outs it may have taken over; None = it drew and cut nothing.
    """
    drawn = [r for r in design.rounds if r.render.steps > 0] if old is not None else []
    known = {c.image for c in old or ()}
    cut = {c.image for r in design.rounds for c in r.cutouts} - known if drawn else set()
    pictures = {r.render.image for r in drawn}
    return Cost(drawn=len(pictures), cut=len(cut), finished=1 if design.artifacts else 0, seconds=round(design.timings.get("total", 0.0), 3))


def compared(studio: Studio, tree: Tree, a: str, b: str) -> Json:
    """Two takes side by side: their designs, what differs in words, and the share of pixels that differ (None where they are of other sizes)."""
    turns = [tree.by[id] for id in (a, b)]
    for turn in turns:
        if turn.design is None:
            raise BadInput(f"take {turn.number} has no picture")
    rounds = [composing.delivered(studio.show(str(t.design))) for t in turns]
    differences = telling.differences(rounds[0].shot.plan, rounds[1].shot.plan)
    share = _share(studio, rounds)
    seeds = rounds[0].shot.seed != rounds[1].shot.seed
    differences += [f"it was drawn with seed {rounds[1].shot.seed} instead of {rounds[0].shot.seed}"] if seeds else []
    told = "; ".join(differences) or ("nothing" if share == 0 else "nothing that was planned")
    pixels = "" if share is None else f"; {share:.0%} of the pixels differ"
    return {
        "a": {"turn": turns[0].id, "number": turns[0].number, "design": turns[0].design, "image": rounds[0].render.image},
        "b": {"turn": turns[1].id, "number": turns[1].number, "design": turns[1].design, "image": rounds[1].render.image},
        "differences": differences,
        "changed": share,
        "text": f"from take {turns[0].number} to take {turns[1].number}: {told}{pixels}",
    }


def _share(studio: Studio, rounds: Sequence[Round]) -> float | None:
    from cutwork.tools.pixels import decode

    one, two = (decode(studio.wired.blobs.get(r.render.image), "RGB") for r in rounds)
    return round(float((one != two).any(-1).mean()), 6) if one.shape == two.shape else None


def _verdict(design: Design) -> str:
    """What the critic says where it is not content."""
    best = composing.delivered(design)
    if best.accepted or not best.critique.findings:
        return ""
    worst = max(best.critique.findings, key=lambda f: f.severity)
    who = f" with the {worst.subject}" if worst.subject else ""
    return f" (the critic is not quite content{who}: {telling.FAULTS[worst.kind]})"


def _plain(error: CutworkError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)
