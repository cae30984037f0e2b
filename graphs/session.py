"""The graph of one turn of a session: words in, what was done about them out.

    START → hear → approve → act → hear … → answer → END
                      ↑        ├─ ask ─┘      (a drawing's own question)
    START → approve (a turn that brings its calls)

Its thread is the turn's own: a turn begun anew elsewhere in the tree asks anew, whatever was answered before. `interrupt()` stands in nodes of
their own with nothing costly before it, and asks in the shape of LangChain's human-in-the-loop middleware. What the nodes use is behind `Talk`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from cutwork.domain import Call, Json
from cutwork.errors import BadInput

REMARKS = ("approve", "explain")  # "it is fine as it is", "why?": said with a no they ask for nothing
ROUNDS = 6  # times at most that is heard in a turn


class TalkState(TypedDict, total=False):
    """State of the session graph: small, and JSON but for our own values."""

    words: str
    calls: tuple[Call, ...]
    """To be done now."""
    alone: bool
    """The calls came with the turn, and nothing else is to be heard."""
    approved: bool
    """A person has agreed to these calls, or need not."""
    instead: str
    """What a person said should be done instead of all that was proposed; still to be heard."""
    heard: int
    say: str
    unread: tuple[str, ...]
    results: tuple[Json, ...]
    """What was done, in order: tool, args, ok, told; and declined, where a person did not want it."""
    now: Json
    """How the session stands after what was done."""
    asks: str
    """The run that waits for an answer; empty where none does."""
    answers: Json
    """By run, what was answered and is still to be passed on."""


@dataclass(frozen=True)
class Heard:
    """What is to be done, and said."""

    calls: tuple[Call, ...] = ()
    say: str = ""
    faults: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """What came of calls: results so far, how the session stands, and the run that waits for a person, if one does."""

    results: tuple[Json, ...]
    now: Json
    asks: str = ""


class Talk(Protocol):
    """What nodes may use of a session: each does one thing, and the same again if it is asked again."""

    def hear(self, words: str, results: Sequence[Json], now: Json) -> Heard: ...

    def proposal(self, calls: Sequence[Call], results: Sequence[Json], now: Json) -> Json | None:
        """What a person is asked before calls are done; None where nobody need be."""
        ...

    def act(self, calls: Sequence[Call], results: Sequence[Json], now: Json, answers: Json) -> Done: ...

    def question(self, run: str) -> Json:
        """What a waiting drawing asks."""
        ...

    def passed_on(self, decision: Json) -> Any:
        """A decision as a drawing takes it."""
        ...

    def edited(self, decision: Json, call: Call, now: Json) -> Call:
        """The call that a person made of one."""
        ...

    def finish(self, state: TalkState) -> None: ...


@dataclass
class Company:
    """Context of a run of the graph: live objects, passed in at every start, never saved."""

    talk: Talk


def hear(state: TalkState, talk: Talk) -> TalkState:
    """Words and what was done → what to do next. Words that came with a no are heard like a message of their own, if they ask for anything."""
    instead = state.get("instead", "")
    heard = talk.hear(instead or state["words"], () if instead else state["results"], state["now"])
    if instead and all(call.tool in REMARKS for call in heard.calls):
        return {"calls": (), "instead": "", "heard": state.get("heard", 0) + 1}
    faults = tuple({"tool": "", "args": {}, "ok": False, "told": fault} for fault in heard.faults)
    told = {r["told"] for r in state["results"]}
    return {
        "calls": heard.calls, "say": heard.say or state.get("say", ""), "unread": (*state.get("unread", ()), *heard.unread), "heard": state.get("heard", 0) + 1,
        "results": (*state["results"], *(f for f in faults if f["told"] not in told)), "approved": False, "instead": "",
    }  # fmt: skip


def approve(state: TalkState, talk: Talk) -> TalkState:
    """Let a person see what would be drawn, where that is wished. Nothing costly stands before the interrupt."""
    request = talk.proposal(state["calls"], state["results"], state["now"])
    if request is None:
        return {"approved": True}
    decisions = read_decisions(interrupt(request), len(state["calls"]))
    calls, results, said = [], list(state["results"]), set()
    for call, decision in zip(state["calls"], decisions, strict=True):
        if decision["type"] == "reject":
            reason = str(decision.get("message") or "").strip()
            said.add(reason)
            results.append({"tool": call.tool, "args": call.args, "ok": False, "declined": True, "told": f"{call.tool} was not done, as you decided{f': {reason}' if reason else ''}"})
        else:
            calls.append(talk.edited(decision, call, state["now"]) if decision["type"] == "edit" else call)
    changes = state["now"].get("design") is not None and not calls and len(said) == 1 and not state.get("alone")
    return {"calls": tuple(calls), "results": tuple(results), "approved": True, "instead": said.pop() if changes else ""}


def act(state: TalkState, talk: Talk) -> TalkState:
    """Do what was decided."""
    done = talk.act(state["calls"], state["results"], state["now"], state.get("answers", {}))
    return {"results": done.results, "now": done.now, "asks": done.asks, "calls": state["calls"] if done.asks else ()}


def ask(state: TalkState, talk: Talk) -> TalkState:
    """Pass a drawing's own question on to the person, and the answer back."""
    (decision,) = read_decisions(interrupt(talk.question(state["asks"])), 1)
    return {"answers": {state["asks"]: talk.passed_on(decision)}, "asks": ""}


def answer(state: TalkState, talk: Talk) -> TalkState:
    """Say what was done, and stand there."""
    talk.finish(state)
    return {}


def after_hear(state: TalkState) -> Literal["approve", "answer"]:
    """Where there is something to do."""
    return "approve" if state["calls"] else "answer"


def after_act(state: TalkState) -> Literal["hear", "ask", "answer"]:
    """On with a drawing's question, with what is left to be heard, or done."""
    if state["asks"]:
        return "ask"
    return "answer" if state.get("alone") or state.get("heard", 0) >= ROUNDS else "hear"


def entry(state: TalkState) -> Literal["hear", "approve"]:
    """Calls that come with a turn are not heard first."""
    return "approve" if state.get("alone") else "hear"


def read_decisions(value: Any, count: int) -> list[Json]:
    """A person's decisions, one for each thing asked, in the forms there are: a list, {"decisions": […]}, True, or text, which rejects.

    Raises:
        BadInput: if they are not as many as was asked, or one is none.
    """
    found = value.get("decisions", [value]) if isinstance(value, dict) else value
    if found is True or found == "approve":
        found = [{"type": "approve"}] * count
    if isinstance(found, str) or found is False:
        found = [{"type": "reject", "message": found or ""}] * count
    if not isinstance(found, (list, tuple)) or len(found) != count:
        raise BadInput(f"{count} decisions are wanted, one for each action, got {len(found) if isinstance(found, (list, tuple)) else type(found).__name__}")
    for one in found:
        if not isinstance(one, dict) or one.get("type") not in ("approve", "edit", "reject"):
            raise BadInput(f"a decision is {str(one)[:80]!r}, wanted such as {{'type': 'approve'}}, 'reject' with a message, or 'edit' with edited_action")
        if one["type"] == "edit":
            _check_edit(one.get("edited_action"))
    return list(found)


def _check_edit(action: Any) -> None:
    """Make sure that what a person made of an action can be read: a name and arguments, either of which may be left out."""
    wanted = "wanted {'name': a tool's, 'args': {…}}"
    if not isinstance(action, dict):
        raise BadInput(f"edited_action is {str(action)[:80]!r}, {wanted}")
    for key, kind in (("name", str), ("args", dict)):
        if not isinstance(action.get(key), (kind, type(None))):
            raise BadInput(f"edited_action's {key} is {str(action[key])[:80]!r}, {wanted}")


NODES = {"hear": hear, "approve": approve, "act": act, "ask": ask, "answer": answer}


def _node(name: str, work: Any) -> Any:
    def run(state: TalkState, runtime: Runtime[Company]) -> TalkState:
        result: TalkState = work(state, runtime.context.talk)
        return result

    run.__name__ = name
    return run


def compile(checkpointer: Any = None) -> CompiledStateGraph[TalkState, Company, TalkState, TalkState]:
    """The graph, ready to run."""
    graph: StateGraph[TalkState, Company] = StateGraph(TalkState, context_schema=Company)
    for name, work in NODES.items():
        graph.add_node(name, _node(name, work))
    graph.add_conditional_edges(START, entry, ["hear", "approve"])
    graph.add_conditional_edges("hear", after_hear, ["approve", "answer"])
    graph.add_edge("approve", "act")
    graph.add_conditional_edges("act", after_act, ["hear", "ask", "answer"])
    graph.add_edge("ask", "act")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=checkpointer, name="session")


def begun(words: str, calls: Sequence[Call], now: Json) -> TalkState:
    """What a turn starts from. Its runs' ids tell of the session too, which those of turns that were begun by older versions do not."""
    return {"words": words, "calls": tuple(calls), "alone": bool(calls), "results": (), "now": {**now, "by_session": True}, "answers": {}, "asks": "", "say": "", "heard": 0}
