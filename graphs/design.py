"""The design graph: brief in, finished design out.

    START → extend → extract → lay_out → approve → render → cut → critique ─ accept ────→ finish → END
                                  ↑                  ↑       ↑        │
                                  └──── re-plan ─────┴ repair ┴───────┘   budget spent: keep the best round, say so

A run that starts with a shot (a rerun) begins at render.

Flat. Nodes call one agent or one tool, save what came of it and say so. Each node's work is idempotent, so a run killed
anywhere goes on from its last finished node. Retries live in the LLM client and nowhere else. Time is bounded by a budget
that counts work over all resumptions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from cutwork.agents.critic import critique as criticise
from cutwork.agents.extension import extend as extend_brief
from cutwork.agents.extraction import extract as extract_subjects
from cutwork.agents.layout import lay_out as lay_out_plan
from cutwork.domain import Brief, Design, Repair, Round, Shot
from cutwork.errors import BadInput, Cancelled
from cutwork.graphs import repairs, routing
from cutwork.graphs.state import Deps, DesignState, start
from cutwork.ports import Watch

Update = dict[str, Any]
STATE_LIMIT = 64 * 1024  # bytes of a checkpoint's values; a test holds it


def extend(state: DesignState, deps: Deps) -> Update:
    """Brief → Expansion."""
    begun = _begin(state, deps)
    state = {**state, **begun}  # type: ignore[typeddict-item]
    expansion = extend_brief(state["brief"], deps.llm)
    _update(state, deps, expansion=expansion)
    return {**begun, "expansion": expansion}


def _begin(state: DesignState, deps: Deps) -> Update:
    """What a caller did not bring: a LangGraph server sends a bare brief, as JSON, and no run of ours."""
    if "id" in state:
        return {}
    brief = Brief.model_validate(state["brief"])
    design = start(brief, deps.drawing.model, deps.llm.name)
    deps.designs.create(design)
    return {"id": design.id, "brief": brief, "seed": design.seed}


def entry(state: DesignState) -> Literal["extend", "render"]:
    """Where a run begins."""
    return "render" if "shot" in state else "extend"


def extract(state: DesignState, deps: Deps) -> Update:
    """Expansion → Subjects."""
    return {"subjects": extract_subjects(state["brief"], state["expansion"], deps.llm)}


def lay_out(state: DesignState, deps: Deps) -> Update:
    """Subjects → Plan, in the light of what went wrong before."""
    plan = lay_out_plan(
        state["brief"], state["expansion"], state["subjects"], deps.llm, feedback=state.get("feedback", ""), draw=deps.draw, cut=deps.cut
    )  # fmt: skip
    _update(state, deps, plan=plan)
    seed = state["shot"].seed if "shot" in state else state["seed"]
    return {"shot": Shot(plan=plan, seed=seed)}


def approve(state: DesignState, deps: Deps) -> Command[Any]:
    """Let a person see the plan first, where that is wished. Nothing costly stands before the interrupt."""
    if not deps.approve or state.get("number", 0):
        return Command(goto="render")
    _update(state, deps, status="needs_approval")
    answer = interrupt({"plan": state["shot"].plan.model_dump(mode="json")})
    _update(state, deps, status="running")
    if answer is True or answer == "approve":
        return Command(goto="render")
    return Command(update={"feedback": f"The person rejected the layout: {answer}"}, goto="lay_out")


def render(state: DesignState, deps: Deps) -> Update:
    """Shot → Render."""
    total = state["shot"].plan.draw.steps
    watch = Watch(on_step=lambda done, _: deps.on_event("step", {"done": done, "total": total}), cancelled=deps.cancelled)
    return {"render": deps.drawing.render(state["shot"], watch), "cutouts": ()}


def cut(state: DesignState, deps: Deps) -> Update:
    """Render → Cutouts. A drawing that was stopped early has nothing worth cutting."""
    if state["render"].stopped_early:
        return {"cutouts": ()}
    return {"cutouts": deps.drawing.cut(state["shot"], state["render"])}


def critique(state: DesignState, deps: Deps) -> Update:
    """Judge the round, keep it, and remember the best so far."""
    number, tried = state.get("number", 0) + 1, state.get("tried", ())
    picture = deps.drawing.picture(state["render"], state["cutouts"]) if deps.llm.sees else None
    verdict = criticise(
        state["shot"], state["render"], state["cutouts"], brief=state["brief"], llm=deps.llm if deps.llm.sees else None, picture=picture, tried=tried
    )  # fmt: skip
    judged = Round(number=number, shot=state["shot"], render=state["render"], cutouts=state["cutouts"], critique=verdict)
    design = deps.designs.get(state["id"])
    kept = tuple(r for r in design.rounds if r.number != number)
    deps.designs.save(design.model_copy(update={"rounds": (*kept, judged)}))
    update: Update = {"critique": verdict, "number": number}
    if verdict.score > state.get("best_score", -1.0):
        update |= {"best": number, "best_score": verdict.score}
    return update


def repair(state: DesignState, deps: Deps) -> Command[Any]:
    """Apply the cheapest repair not tried yet, and go back as far as it needs."""
    chosen = state["critique"].repairs[0]
    _note_repair(state, deps, chosen)
    update = {"shot": repairs.apply(chosen, state["shot"]), "tried": (*state.get("tried", ()), chosen)}
    return Command(update=update, goto=routing.after_repair(chosen))


def replan(state: DesignState, deps: Deps) -> Update:
    """Hand the critic's reason to the layout planner."""
    chosen = state["critique"].repairs[0]
    if chosen.kind != "replan":
        raise BadInput(f"replan got the repair {chosen.kind!r}")
    _note_repair(state, deps, chosen)
    return {"feedback": chosen.reason, "tried": (*state.get("tried", ()), chosen)}


def finish(state: DesignState, deps: Deps) -> Update:
    """Deliver the best round, say whether the critic was satisfied, and write the files."""
    design = deps.designs.get(state["id"])
    best = state.get("best", 0) or None
    accepted = any(r.number == best and r.critique.verdict == "accept" for r in design.rounds)
    design = design.model_copy(update={"best": best, "status": "accepted" if accepted else "best_effort"})
    artifacts = deps.drawing.finish(design)
    deps.designs.save(design.model_copy(update={"artifacts": artifacts, "timings": {**design.timings, "work": round(state.get("spent", 0.0), 3)}}))
    return {}


def _note_repair(state: DesignState, deps: Deps, chosen: Repair) -> None:
    design = deps.designs.get(state["id"])
    rounds = tuple(r.model_copy(update={"applied": chosen}) if r.number == state["number"] else r for r in design.rounds)
    deps.designs.save(design.model_copy(update={"rounds": rounds}))


def _update(state: DesignState, deps: Deps, **changes: Any) -> None:
    design: Design = deps.designs.get(state["id"])
    deps.designs.save(design.model_copy(update=changes))


def route(state: DesignState, deps: Deps) -> str:
    """The edge out of critique."""
    goal = routing.after_critique(state["critique"], state["number"], deps.rounds, state.get("spent", 0.0), deps.time_budget)
    return {"lay_out": "replan", "ask": "finish"}.get(goal, goal)


Node = Callable[[DesignState, Deps], Any]
NODES: dict[str, Node] = {
    "extend": extend,
    "extract": extract,
    "lay_out": lay_out,
    "approve": approve,
    "render": render,
    "cut": cut,
    "critique": critique,
    "repair": repair,
    "replan": replan,
    "finish": finish,
}
AFTER_ROUND = ("repair", "replan", "finish")  # nodes that still belong to the round that was judged
LEADS_TO = {"approve": ("render", "lay_out"), "repair": ("cut", "render")}  # nodes that choose their next node themselves


def _node(name: str, work: Node, default: Callable[[], Deps] | None) -> Any:
    """A node as langgraph wants it: cancellable before it starts, timed, and heard of."""

    def run(state: DesignState, runtime: Runtime[Deps]) -> Any:
        deps = _deps(runtime, default)
        if deps.cancelled():
            raise Cancelled(f"stopped before {name}")
        at = {"node": name, "round": state.get("number", 0) + (name not in AFTER_ROUND)}
        deps.on_event("node", at)
        started = deps.clock()
        result = work(state, deps)
        spent = {"spent": state.get("spent", 0.0) + deps.clock() - started}
        deps.designs.add_event(state.get("id") or result["id"], "node", {**at, "seconds": round(deps.clock() - started, 4)})
        if isinstance(result, Command):
            return Command(update={**(result.update or {}), **spent}, goto=result.goto)
        return {**result, **spent}

    run.__name__ = name
    return run


def _deps(runtime: Runtime[Deps], default: Callable[[], Deps] | None) -> Deps:
    given: Any = runtime.context
    if isinstance(given, Deps):
        return given
    if default is None:
        raise BadInput("the graph was started without a context")
    return default()


def build(default: Callable[[], Deps] | None = None) -> StateGraph[DesignState, Deps]:
    """The graph, uncompiled.

    Args:
        default: where nodes get their dependencies when a run brings none (a LangGraph server).
    """
    graph: StateGraph[DesignState, Deps] = StateGraph(DesignState, context_schema=Deps if default is None else None)
    for name, work in NODES.items():
        graph.add_node(name, _node(name, work, default), destinations=LEADS_TO.get(name))
    graph.add_conditional_edges(START, entry, ["extend", "render"])
    graph.add_edge("extend", "extract")
    graph.add_edge("extract", "lay_out")
    graph.add_edge("lay_out", "approve")
    graph.add_edge("render", "cut")
    graph.add_edge("cut", "critique")
    graph.add_conditional_edges("critique", lambda state, runtime: route(state, _deps(runtime, default)), ["finish", "repair", "replan"])
    graph.add_edge("replan", "lay_out")
    graph.add_edge("finish", END)
    return graph


def compile(checkpointer: Any = None, default: Callable[[], Deps] | None = None) -> CompiledStateGraph[DesignState, Deps, DesignState, DesignState]:
    """The graph, ready to run."""
    return build(default).compile(checkpointer=checkpointer, name="design")
