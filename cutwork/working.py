"""Calls of a turn being done on the studio. Edits that stand next to each other are drawn together; what is drawn already in the session is not drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cutwork import composing
from cutwork.agents import telling
from cutwork.agents.bands import captions_of
from cutwork.agents.calls import Standing, checked
from cutwork.agents.edits import Draft, about, edited
from cutwork.comparing import compared
from cutwork.delivery import made_as
from cutwork.domain import DELIVERED, Call, Cost, Cutout, Design, Json, Keep, Plan, Shot
from cutwork.errors import BadInput, CutworkError, Refused
from cutwork.studio import make_brief
from cutwork.taking import Taking, carry_of

if TYPE_CHECKING:
    from cutwork.talking import Talking

ROUNDS = 3  # times at most that an edit is drawn


class Work:
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
    def blobs(self) -> Any:
        """Where pictures are kept."""
        return self.studio.wired.blobs

    def _standing(self) -> Standing:
        return self.talking.standing(self.now)

    def _stands(self) -> Design:
        design = self.talking.design(self.now)
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
            self._note(call, False, error.with_hint)
            return True
        if self.asks:
            return False
        self.now["last"] = one.args.get("subject") or self.now["last"]
        self._note(one, True, told)
        return True

    def _new(self, call: Call) -> str:
        from cutwork.graphs.state import start
        from cutwork.tools.drawing import canvas

        wired, args = self.studio.wired, call.args
        given = {key: args[key] for key in ("kind", "size", "seed", "follow") if args.get(key) is not None}
        if (reference := args.get("reference")) is not None:
            if not wired.designs.may_use(reference):
                raise BadInput(f"there is no picture {reference} to begin from", hint="take it in first")
            given["references"] = (reference,)
        brief = make_brief(args["brief"], **{"size": canvas(wired.settings.model)} | given)
        terms = wired.terms(approve=self.talking.session.approve or wired.settings.approve, interactive=self.talking.session.approve)
        design = self._run(start(brief, terms, id=self._next()))
        if design.status == "needs_approval":
            self.asks = design.id
            return ""
        composing.delivered(design)
        self.came_to_stand(design, (), "all")
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
        self.came_to_stand(made, None)
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
        self.came_to_stand(made, None)
        told = f"the lettering is {' / '.join(repr(c) for c in captions if c)}" if captions else "the lettering is gone"
        self.now["changes"] = [*self.now["changes"], told]
        return told

    def _remade(self, before: Design, words: str, wished: Json) -> Design:
        """The same drawing as other goods; a turn that is begun again finds what it made."""
        id = self._next()
        found = self.found(id)
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
        return self._to(self.talking.tree().back(self.now["base"], int(call.args.get("steps", 1))), "back")

    def _redo(self, call: Call) -> str:
        onward = self.talking.store.onward
        return self._to(self.talking.tree().forth(self.now["base"], int(call.args.get("steps", 1)), lambda t: onward(self.talking.session.id, t)), "forth")

    def _branch(self, call: Call) -> str:
        return self._to(call.args["turn"], "back")

    def _to(self, turn: str | None, way: str) -> str:
        """Stand on another turn."""
        at = self.talking.tree().by.get(turn or "")
        design = at.design if at else None
        self.now |= {"base": at.id if at else None, "design": design, "from": design, "locks": list(at.locks) if at else [], "area": "", "changes": []}
        if at is None:
            return "back at the start: nothing is drawn yet"
        made = next((t for t in (at, *self.talking.tree().above(at.id)) if t.changes), at)
        what = f" ({'; '.join(made.changes[:2])})" if made.changes else ""
        return f"{way if way == 'back' else 'on'} to take {made.number}{what}"

    def _compare(self, call: Call) -> str:
        found = compared(self.studio, self.talking.tree(), call.args["a"], call.args["b"])
        return str(found["text"])

    def _approve(self, call: Call) -> str:  # noqa: ARG002 - it has no arguments
        design = self._stands()

        def taken(now: Design) -> Design:
            rounds = tuple(r.model_copy(update={"approved": True}) if r.number == now.best else r for r in now.rounds)
            return now.model_copy(update={"rounds": rounds, "status": "accepted"})

        self.studio.wired.designs.change(design.id, taken)
        return f"approved as it is: the {design.kind} is final"

    def _explain(self, call: Call) -> str:
        tree = self.talking.tree()
        line = [t for t in reversed(tree.above(self.now["base"], own=True)) if t.status == "done"]
        return telling.explained(self._stands(), call.args.get("subject"), [(t.number, t.cost) for t in line])

    def _export(self, call: Call) -> str:
        design, form = self._stands(), call.args["form"]
        if form != "run":
            made = made_as(design, self.blobs, form)
            return f"the {form.upper()} file is ready to be saved, {len(self.blobs.get(made.sha256)) / 1e6:.1f} MB"
        return "the whole run is ready to be saved as a zip"

    def _take(self, call: Call) -> str:
        """A subject, or the background, of another take, put together with what stands. Nothing is drawn."""
        other_turn = self.talking.tree().by[call.args["turn"]]
        if other_turn.design is None:
            raise BadInput(f"take {other_turn.number} has no picture")
        before, other = self._stands(), self.studio.show(other_turn.design)
        then = call.args.get("place") == "then"
        made = Taking(self, before, other, call.args["what"], then).made(self._next())
        where = ", where it stood then" if then and call.args["what"] != "background" else ""
        self.now["changes"] = [*self.now["changes"], f"{made[1]} of take {other_turn.number}{where}"]
        return f"{made[1]} is that of take {other_turn.number} now{where}"

    # ----------------------------------------------------------------------------------------------------- drawing

    def draw(self, calls: Sequence[Call]) -> None:
        """Make edits of the plan, and draw what they change, together."""
        if not calls:
            return
        before = self.talking.design(self.now)
        if before is None or before.delivered is None:
            for call in calls:
                self._note(call, False, "there is no design yet; say what to draw first")
            return
        plan = composing.delivered(before).shot.plan
        draft = Draft.of(plan, tuple(self.now["locks"]), carry_of(plan, self.blobs))
        good: list[tuple[Call, str]] = []
        for call in calls:
            try:
                count = len(draft.told)
                one = checked(call, self._standing_on(draft.plan))
                was, draft = draft, edited(draft, self._marked(self.talking.seeded(one, self.results), draft.plan))
                good.append((one, "; ".join(draft.told[count:])))
                self.now["last"] = about(one, was, draft, self.now["last"])
            except BadInput as error:
                self._note(call, False, error.with_hint)
        if not good:
            return
        kept = dict(self.now)
        try:
            note = self._drawn(draft, before)
        except (BadInput, Refused) as error:
            self.now = kept
            for one, _ in good:
                self._note(one, False, error.with_hint)
            return
        for at, (one, told) in enumerate(good):
            self._note(one, True, told + (note if at == len(good) - 1 else ""))

    def _marked(self, call: Call, plan: Plan) -> Call:
        """A call with the area that it names as a region takes it: the mask of the canvas's size, and the box tight around it."""
        if not call.args.get("mask"):
            return call
        from cutwork.tools.keep.areas import marked

        if not self.talking.studio.wired.designs.may_use(call.args["mask"]):
            raise BadInput(f"there is no mask {call.args['mask']}", hint="take its picture in first")
        mask, box = marked(call.args["mask"], plan.size.root, self.blobs)
        return call.model_copy(update={"args": {**call.args, "mask": mask, "area": list(box.root)}})

    def _standing_on(self, plan: Plan) -> Standing:
        there = self._standing()
        return Standing(plan, there.kind, there.captions, there.locks, there.takes, there.at, self.now["last"])

    def _drawn(self, draft: Draft, before: Design) -> str:
        """Draw a draft, or put it together; what there is to say of it besides."""
        best = composing.delivered(before)
        start = composing.started(draft, before, self.blobs)
        keep = start.kept(self.blobs) if start is not None else None
        seed = draft.seed if draft.seed is not None else best.shot.seed
        shot = Shot(plan=draft.plan, seed=seed, keep=keep)
        id = self._next()
        known = self._known(shot, before) if self.found(id) is None else None
        if known is not None:
            self.now |= {"design": known.id, "changes": [*self.now["changes"], *draft.told]}
            self._widen(keep)
            return "; it was drawn before, and is taken from there"
        if start is not None and not start.draws:
            design = self.found(id) or self._compose(draft, start, before, id)
        else:
            design = self._run(self._begun(shot, before, id))
        self.came_to_stand(design, composing.delivered(before).cutouts, keep)
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
        """Where all is there already that is to be seen: something is gone, or lies before or behind others now."""
        best = composing.delivered(before)
        drawing = self.studio.wired.drawing_for(self.studio.wired.terms_of(before))
        sources = [(best, o) for o in draft.origin if o is not None]
        made = composing.composed(before, draft.plan, start, drawing, self.blobs, id, sources)
        self.studio.wired.designs.create(made)
        return made

    def _known(self, shot: Shot, before: Design) -> Design | None:
        """What was drawn of just this in the session before."""
        for turn in self.talking.tree().done:
            if turn.design is not None and turn.design != before.id:
                with suppress(BadInput):
                    design = self.studio.show(turn.design)
                    if design.status in DELIVERED and design.rounds and design.rounds[0].shot == shot and design.model == before.model:
                        return design
        return None

    def _run(self, design: Design) -> Design:
        """Work on a run until it is done or asks; go on with it where it was begun before. What was asked before there was a run is kept with it, whatever comes of it."""
        try:
            return self._worked_on(design)
        finally:
            with suppress(CutworkError):  # what ended it is the more important error; if nothing did, it is tried again
                self.talking.keep(design.id)

    def _worked_on(self, design: Design) -> Design:
        found, on_event, cancelled = self.found(design.id), self.talking.on_event, self.talking.cancelled
        if found is None:
            return self.studio.begin(design, on_event=on_event, cancelled=cancelled)
        answer = self.answers.get(design.id)
        if found.status in DELIVERED or (found.status == "needs_approval" and answer is None):
            return found
        return self.studio.resume(design.id, answer, on_event=on_event, cancelled=cancelled)

    def found(self, id: str) -> Design | None:
        """A run, if it was begun before."""
        with suppress(BadInput):
            return self.studio.show(id)
        return None

    def _next(self) -> str:
        """The id of the run that the next call makes."""
        return self.talking.run_id(len(self.results) + 1, self.now.get("by_session", False))

    def came_to_stand(self, design: Design, old: Sequence[Cutout] | None, area: Keep | str | None = "") -> None:
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
        from cutwork.tools.keep.areas import united
        from cutwork.tools.pixels import decode

        self.now["area"] = united(self.now["area"] or None, decode(self.blobs.get(keep.area), "L"), self.blobs)


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


def _verdict(design: Design) -> str:
    """What the critic says where it is not content."""
    best = composing.delivered(design)
    if best.accepted or not best.critique.findings:
        return ""
    worst = max(best.critique.findings, key=lambda f: f.severity)
    who = f" with the {worst.subject}" if worst.subject else ""
    return f" (the critic is not quite content{who}: {telling.FAULTS[worst.kind]})"
