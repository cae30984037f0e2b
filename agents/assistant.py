"""The assistant of a design session: hears what a person says and decides which tools to use, a few at a time, until nothing is left to do.

It uses none of them itself. What it decides is checked against what stands: subjects by id, arguments of their types, each edit tried on the plan. What
cannot be is told back once, and after that to the person.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import ValidationError

from cutwork.agents.calls import ARGS, DRAWS, Standing, checked
from cutwork.agents.edits import Draft, about, edited
from cutwork.agents.schemas import AssistantAnswer, CallAnswer
from cutwork.agents.words import question, tidy
from cutwork.domain import Call, Json, ToolName
from cutwork.errors import BadInput
from cutwork.ports import Llm

MOST = 12  # calls of one answer
ELSEWHERE = frozenset(["design", "undo", "redo", "branch", "take"])  # after these another plan stands, which is not known yet


@dataclass(frozen=True)
class Said:
    """What the assistant decided.

    Args:
        calls: checked, in order.
        say: to the person; "" where what was done tells it.
        faults: what cannot be done, in plain words.
        unread: parts of the sentence that were not understood.
    """

    calls: tuple[Call, ...] = ()
    say: str = ""
    faults: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def decide(words: str, there: Standing, results: Sequence[Json], llm: Llm) -> Said:
    """Which tools to use next; none when nothing is left to do.

    Args:
        results: what was done in this turn already, with what came of it.

    Raises:
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    variables = {"words": words, "design": there.told(), "results": json.dumps(list(results), ensure_ascii=False)}
    first = _said(llm.ask(question("assistant", variables | {"feedback": ""}), AssistantAnswer), there)
    if not first.faults:
        return first
    second = _said(llm.ask(question("assistant", variables | {"feedback": "; ".join(first.faults)}), AssistantAnswer), there)
    return second if second.calls or second.say else replace(first, unread=(*first.unread, *second.unread))


def check(calls: Iterable[Call], there: Standing) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """Calls that can be made as things stand, and what is wrong with the others. Each is looked at after those before it."""
    good: list[Call] = []
    faults: list[str] = []
    draft = Draft.of(there.plan, there.locks) if there.plan else None
    known, last = True, there.last
    for call in calls:
        try:
            now = replace(there, plan=draft.plan, last=last) if draft else there
            one = checked(call, now) if known else call
            if known and draft is not None and one.tool in DRAWS:
                was, draft = draft, edited(draft, _tried(one))
                last = about(one, was, draft, last)
            known = known and one.tool not in ELSEWHERE
            good.append(one)
        except BadInput as error:
            faults.append(error.with_hint)
    return tuple(good), tuple(dict.fromkeys(faults))


def _tried(call: Call) -> Call:
    """A call as it can be tried on a plan: a new seed is chosen when it is done."""
    return call.model_copy(update={"args": {**call.args, "seed": 0}}) if call.tool == "reseed" else call


def _said(answer: AssistantAnswer, there: Standing) -> Said:
    calls, faults = [], []
    for one in answer.calls[:MOST]:
        try:
            calls.append(_call(one))
        except BadInput as error:
            faults.append(str(error))
    good, wrong = check(calls, there)
    return Said(good, tidy(answer.say, 1_000), (*faults, *wrong), tuple(tidy(part, 200) for part in answer.unread if tidy(part, 200)))


def _call(answer: CallAnswer) -> Call:
    """An answer as a call: the fields that its tool has and that say something."""
    name = answer.tool.strip().lower().replace("-", "_").partition("(")[0]
    if name not in get_args(ToolName):
        raise BadInput(f"there is no tool {answer.tool!r}, there are {', '.join(get_args(ToolName))}")
    fields = ARGS[name].model_fields  # type: ignore[index]
    given: dict[str, Any] = {key: value for key, value in answer.model_dump(exclude_none=True).items() if key in fields and value != ""}
    try:
        return Call(tool=name, args=given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise BadInput(f"{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
