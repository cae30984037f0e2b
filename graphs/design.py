"""The design graph: brief in, finished design out.

    START → extend → extract → lay_out → approve → render → cut → critique ─ accept ────→ finish → END
                                  ↑                  ↑       ↑        │                     ↑
                                  ├──── re-plan ─────┴ repair ┴───────┤   budget spent: keep the best round, say so
                                  └──────────────── ask ──────────────┴─────────────────────┘

A run that starts with a shot (a rerun) begins at render; one that a LangGraph server starts with a bare brief, at begin.

Flat. Nodes call one agent or one tool, save what came of it and say so. Each node's work is idempotent, so a run killed
anywhere goes on from its last finished node. Retries live in the LLM client and nowhere else. Time is bounded by a budget
that counts work over all resumptions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from cutwork.agents.critic import critique as criticise
from cutwork.agents.extension import extend as extend_brief
from cutwork.agents.extraction import extract as extract_subjects
from cutwork.agents.layout import lay_out as lay_out_plan
from cutwork.domain import Brief, Design, Round, Shot
from cutwork.errors import BadInput, Cancelled
from cutwork.graphs import repairs, routing
from cutwork.graphs.state import Deps, DesignState, begun_again, start
from cutwork.ports import Watch
from cutwork.tools.finish import check as possible
from cutwork.tools.finish import unmade

Update = dict[str, Any]
STATE_LIMIT = 64 * 1024  # bytes of a checkpoint's values; a test holds it


def begin(state: DesignState, deps: Deps) -> Update:
    """What a caller did not bring: a LangGraph server sends a bare brief, as JSON, and no run of ours. Its thread may have had a run before."""
    brief = Brief.model_validate(state["brief"])
    design = start(brief, deps.terms, id=deps.task)
    try:
        deps.designs.create(design)
    except BadInput:  # killed between this and its checkpoint: the same task has the same id
        design = deps.designs.change(design.id, begun_again)
    return {"id": design.id, "brief": brief, "seed": design.seed, "number": 0, "tried": (), "feedback": "", "spent": 0.0}


def entry(state: DesignState) -> Literal["begin", "extend", "render"]:
    """Where a run starts. A brief that is still JSON is one that no run has taken up."""
    if "id" not in state or not isinstance(state["brief"], Brief):
        return "begin"
    return "render" if "shot" in state else "extend"


def extend(state: DesignState, deps: Deps) -> Update:
    """Brief → Expansion."""
    expansion = extend_brief(state["brief"], deps.llm)
    possible(expansion.finish)
    _update(state, deps, expansion=expansion)
    return {"expansion": expansion}


def extract(state: DesignState, deps: Deps) -> Update:
    """Expansion → Subjects."""
    return {"subjects": extract_subjects(state["brief"], state["expansion"], deps.llm)}


def lay_out(state: DesignState, deps: Deps) -> Update:
    """Subjects → Plan, in the light of what went wrong before."""
    plan = lay_out_plan(
        state["brief"], state["expansion"], state["subjects"], deps.llm,
        feedback=state.get("feedback", ""), draw=deps.terms.draw, cut=deps.terms.cut,
    )  # fmt: skip
    if not state.get("number", 0):  # what is drawn already is delivered in any case
        possible(plan.finish, len(plan.regions))
    _update(state, deps, plan=plan)
    return {"shot": Shot(plan=plan, seed=state["seed"])}


def approve(state: DesignState, deps: Deps) -> Command[Any]:
    """Let a person see the plan first, where that is wished. Nothing costly stands before the interrupt."""
    if not deps.terms.approve or state.get("number", 0):
        return Command(goto="render")
    _update(state, deps, status="needs_approval")
    answer = interrupt({"plan": state["shot"].plan.model_dump(mode="json")})
    _update(state, deps, status="running")
    if answer is True or answer == "approve":
        return Command(goto="render")
    return Command(update={"feedback": f"The person rejected the layout: {answer}"}, goto="lay_out")


def render(state: DesignState, deps: Deps) -> Update:
    """Shot → Render. Whatever led here, a layout, a repair or another seed: where the brief has a reference, the drawing begins from that."""
    shot, note = _begun(state, deps)
    watch = Watch(
        on_step=lambda done, total: deps.on_event("step", {"done": done, "total": total}),
        on_preview=lambda done, image: deps.on_event("preview", {"done": done, "image": image}),
        cancelled=deps.cancelled,
        say=lambda text: deps.on_event("note", {"text": text}),
    )
    made = deps.drawing.render(shot, watch)
    return {"shot": shot, "render": made.model_copy(update={"notes": (*made.notes, *note)}), "cutouts": ()}


def _begun(state: DesignState, deps: Deps) -> tuple[Shot, tuple[str, ...]]:
    """The shot as it begins from the brief's reference, and a note that it does; an edit, which goes on from another picture, as it is."""
    brief, shot = state["brief"], state["shot"]
    if not brief.references or brief.follow is None:
        return shot, ()
    keep = deps.drawing.begun_from(brief.references[0], brief.follow, shot.plan.size)
    if shot.keep not in (None, keep):
        return shot, ()
    return shot.model_copy(update={"keep": keep}), (f"began from the given picture, at {brief.follow * 100:g} % noise",)


def cut(state: DesignState, deps: Deps) -> Update:
    """Render → Cutouts. A drawing that was stopped early has nothing worth cutting."""
    if state["render"].stopped_early:
        return {"cutouts": ()}
    cutouts, before = deps.drawing.cut(state["shot"], state["render"]), _before(state, deps)
    return {"cutouts": cutouts if before is None else deps.drawing.carry(state["shot"], state["render"], cutouts, before)}


def _before(state: DesignState, deps: Deps) -> Round | None:
    """The round whose picture this one keeps a part of; None where it keeps none, or its run is gone. Of a reference nothing is kept."""
    if state["shot"].keep is None or deps.terms.keep is None:
        return None
    parent = deps.designs.get(state["id"]).parent
    with suppress(BadInput):
        return deps.designs.get(parent).delivered if parent is not None else None
    return None


def critique(state: DesignState, deps: Deps) -> Update:
    """Judge the round, keep it, and remember the best so far."""
    number, tried = state.get("number", 0) + 1, state.get("tried", ())
    picture = deps.drawing.picture(state["render"], state["cutouts"]) if deps.llm.sees else None
    verdict = criticise(
        state["shot"], state["render"], state["cutouts"], brief=state["brief"], llm=deps.llm if deps.llm.sees else None, picture=picture, tried=tried,
        contrasts=() if state["render"].stopped_early else deps.drawing.contrasts(state["shot"], state["render"], state["cutouts"]),
    )  # fmt: skip
    before = _before(state, deps)
    if before is not None:
        verdict = repairs.of_an_edit(verdict, repairs.anew(state["cutouts"], before.cutouts))
    judged = Round(number=number, shot=state["shot"], render=state["render"], cutouts=state["cutouts"], critique=verdict)

    def add(design: Design) -> Design:
        return design.model_copy(update={"rounds": (*(r for r in design.rounds if r.number != number), judged)})

    deps.designs.change(state["id"], add)
    return {"critique": verdict, "number": number}


def repair(state: DesignState, deps: Deps) -> Command[Any]:
    """Apply the cheapest repair not tried yet, and go back as far as it needs."""
    chosen = state["critique"].repairs[0]
    _mark(state, deps, applied=chosen)
    shot = repairs.apply(chosen, state["shot"])
    return Command(update={"shot": shot, "seed": shot.seed, "tried": (*state.get("tried", ()), chosen)}, goto=routing.after_repair(chosen))


def replan(state: DesignState, deps: Deps) -> Update:
    """Hand the critic's reason to the layout planner."""
    chosen = state["critique"].repairs[0]
    if chosen.kind != "replan":
        raise BadInput(f"replan got the repair {chosen.kind!r}")
    _mark(state, deps, applied=chosen)
    return {"feedback": chosen.reason, "tried": (*state.get("tried", ()), chosen)}


def ask(state: DesignState, deps: Deps) -> Command[Any]:
    """Ask the person about the round: take it as it is, or say what to change. Nothing costly stands before the interrupt."""
    chosen = state["critique"].repairs[0]
    if chosen.kind != "ask":
        raise BadInput(f"ask got the repair {chosen.kind!r}")
    _update(state, deps, status="needs_approval")
    answer = interrupt({"question": chosen.question, "round": state["number"]})
    _update(state, deps, status="running")
    if answer is True or answer == "accept":
        _mark(state, deps, approved=True)
        return Command(goto="finish")
    _mark(state, deps, applied=chosen)
    return Command(update={"feedback": str(answer), "tried": (*state.get("tried", ()), chosen)}, goto="lay_out")


def finish(state: DesignState, deps: Deps) -> Update:
    """Deliver the best round, say whether the critic was satisfied, and write the files. What was accepted beats what scored higher.

    What was drawn is delivered also where its goods cannot be made: as plain cut-outs, so that others can be made of them.
    """
    design = deps.designs.get(state["id"])
    best = max(design.rounds, key=lambda r: (r.approved, r.accepted, r.critique.score, -r.number), default=None)
    done = _made(design.model_copy(update={"best": best and best.number, "status": "accepted" if best and best.accepted else "best_effort"}), deps)
    outcome = {name: getattr(done, name) for name in ("best", "status", "rounds", "artifacts")}
    work = round(state.get("spent", 0.0), 3)
    deps.designs.change(design.id, lambda now: now.model_copy(update={**outcome, "timings": {**now.timings, "work": work}}))
    return {}


def _made(design: Design, deps: Deps) -> Design:
    """A design with its files: of its goods, else plain cut-outs and a note that says why."""
    best, kind = design.delivered, design.kind
    try:
        return design.model_copy(update={"artifacts": deps.drawing.finish(design)})
    except BadInput as error:
        if best is None or kind == "cutout":
            raise
        why = error.with_hint
    noted = unmade(best, f"the {kind}, since {why}. Its plain cut-outs are here; `cutwork finish` makes other goods of them.")
    plain = design.model_copy(update={"rounds": _instead(design.rounds, _as_cutouts(noted))})
    return design.model_copy(update={"status": "best_effort", "rounds": _instead(design.rounds, noted), "artifacts": deps.drawing.finish(plain)})


def _instead(rounds: tuple[Round, ...], new: Round) -> tuple[Round, ...]:
    return tuple(new if r.number == new.number else r for r in rounds)


def _as_cutouts(turn: Round) -> Round:
    """A round of which nothing but cut-outs is made."""
    plan = turn.shot.plan
    plain = plan.model_copy(update={"finish": plan.finish.model_copy(update={"kind": "cutout"})})
    return turn.model_copy(update={"shot": turn.shot.model_copy(update={"plan": plain})})


def _mark(state: DesignState, deps: Deps, **changes: Any) -> None:
    """Note something about the round that was judged last."""

    def marked(design: Design) -> Design:
        rounds = tuple(r.model_copy(update=changes) if r.number == state["number"] else r for r in design.rounds)
        return design.model_copy(update={"rounds": rounds})

    deps.designs.change(state["id"], marked)


def _update(state: DesignState, deps: Deps, **changes: Any) -> None:
    deps.designs.change(state["id"], lambda design: design.model_copy(update=changes))


def route(state: DesignState, deps: Deps) -> str:
    """The edge out of critique."""
    terms = deps.terms
    goal = routing.after_critique(
        state["critique"], state["number"], terms.rounds, state.get("spent", 0.0), terms.time_budget_s,
        interactive=terms.interactive, planned="expansion" in state,
    )  # fmt: skip
    return {"lay_out": "replan"}.get(goal, goal)


Node = Callable[[DesignState, Deps], Any]
Default = Callable[[str | None], Deps]
NODES: dict[str, Node] = {
    "begin": begin,
    "extend": extend,
    "extract": extract,
    "lay_out": lay_out,
    "approve": approve,
    "render": render,
    "cut": cut,
    "critique": critique,
    "repair": repair,
    "replan": replan,
    "ask": ask,
    "finish": finish,
}
AFTER_ROUND = ("repair", "replan", "ask", "finish")  # nodes that still belong to the round that was judged
LEADS_TO = {"approve": ("render", "lay_out"), "repair": ("cut", "render"), "ask": ("finish", "lay_out")}  # nodes that choose their next node themselves


def _node(name: str, work: Node, default: Default | None) -> Any:
    """A node as langgraph wants it: cancellable before it starts, timed, and heard of."""

    def run(state: DesignState, runtime: Runtime[Deps]) -> Any:
        deps = _deps(runtime, default, state)
        if deps.cancelled():
            raise Cancelled(f"stopped before {name}")
        at = {"node": name, "round": state.get("number", 0) + (name not in AFTER_ROUND)}
        deps.on_event("node", at)
        started = deps.clock()
        result = work(state, deps)
        seconds = deps.clock() - started
        if name == "render":  # waiting for another picture to be drawn is not this run's work
            seconds = min(seconds, result["render"].seconds)
        spent = {"spent": state.get("spent", 0.0) + seconds}
        deps.designs.add_event(result["id"] if name == "begin" else state["id"], "node", {**at, "seconds": round(seconds, 4)})
        if isinstance(result, Command):
            return Command(update={**(result.update or {}), **spent}, goto=result.goto)
        return {**result, **spent}

    run.__name__ = name
    return run


def _deps(runtime: Runtime[Deps], default: Default | None, state: DesignState) -> Deps:
    given: Any = runtime.context
    if isinstance(given, Deps):
        return given
    if default is None:
        raise BadInput("the graph was started without a context")
    if entry(state) != "begin":
        return default(state["id"])
    deps = default(None)
    deps.task = runtime.execution_info.task_id if runtime.execution_info else None
    return deps


def build(default: Default | None = None) -> StateGraph[DesignState, Deps]:
    """The graph, uncompiled.

    Args:
        default: where nodes get their dependencies when a run brings none (a LangGraph server); asked with the run's id, None before it has one.
    """
    graph: StateGraph[DesignState, Deps] = StateGraph(DesignState, context_schema=Deps if default is None else None)
    for name, work in NODES.items():
        graph.add_node(name, _node(name, work, default), destinations=LEADS_TO.get(name))
    graph.add_conditional_edges(START, entry, ["begin", "extend", "render"])
    graph.add_edge("begin", "extend")
    graph.add_edge("extend", "extract")
    graph.add_edge("extract", "lay_out")
    graph.add_edge("lay_out", "approve")
    graph.add_edge("render", "cut")
    graph.add_edge("cut", "critique")
    graph.add_conditional_edges("critique", lambda state, runtime: route(state, _deps(runtime, default, state)), ["finish", "repair", "replan", "ask"])
    graph.add_edge("replan", "lay_out")
    graph.add_edge("finish", END)
    return graph


def compile(checkpointer: Any = None, default: Default | None = None) -> CompiledStateGraph[DesignState, Deps, DesignState, DesignState]:
    """The graph, ready to run."""
    return build(default).compile(checkpointer=checkpointer, name="design")
