"""Calls of a language model kept, and answered from again: `Recorded` keeps every ask, `RecordedLlm` needs no model at all.

To draw a run again as it was planned, without key or server:

    RecordedLlm(designs.calls(run))      # the port, answered from what was stored
    RecordedLlm(calls, exact=True)       # the same, and an error where a prompt has changed since
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cutwork.agents.answers import Unusable, parse, short
from cutwork.domain import LlmCall
from cutwork.errors import CutworkError, LlmFailed
from cutwork.ports import Answer, Llm, Prompt

OnCall = Callable[[LlmCall], None]


@dataclass
class Tally:
    """What one `ask` has cost so far."""

    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    last: str = ""
    started: float = field(default_factory=time.perf_counter)

    def call(self, prompt: Prompt, llm: str, answer: str, ok: bool) -> LlmCall:
        """The record of the ask; the prompt is kept as sent, images aside."""
        return LlmCall(
            agent=prompt.name, llm=llm, prompt=prompt.text, answer=answer, ok=ok, attempts=max(1, self.attempts),
            input_tokens=self.input_tokens, output_tokens=self.output_tokens, seconds=round(time.perf_counter() - self.started, 4),
        )  # fmt: skip


class Recorded:
    """Any `Llm`, with an `LlmCall` of every ask handed to `on_call`. Tokens are not known here: `OpenAiLlm` records itself."""

    def __init__(self, llm: Llm, on_call: OnCall) -> None:
        self.name = llm.name
        self.sees = llm.sees
        self._llm = llm
        self._on_call = on_call

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """As the `Llm` inside answers."""
        tally = Tally(attempts=1)
        try:
            value = self._llm.ask(prompt, schema)
        except CutworkError as error:
            self._on_call(tally.call(prompt, self.name, str(error), ok=False))
            raise
        self._on_call(tally.call(prompt, self.name, value.model_dump_json(), ok=True))
        return value


class RecordedLlm:
    """Answers from stored calls, in order for each agent, without any model. A call that failed fails again.

    Args:
        calls: as they were stored.
        name: what to be called; the recorded model's own name if None.
        exact: refuse a prompt whose text is not the recorded one.
    """

    def __init__(self, calls: Iterable[LlmCall], name: str | None = None, sees: bool = False, exact: bool = False) -> None:
        stored = list(calls)
        self.name = name or (stored[0].llm if stored else "recorded")
        self.sees = sees
        self._exact = exact
        self._left: dict[str, deque[LlmCall]] = defaultdict(deque)
        for call in stored:
            self._left[call.agent].append(call)

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """The next stored answer of the prompt's agent.

        Raises:
            LlmFailed: if none is left, the stored call failed, its prompt differs (with `exact`) or it does not fit the schema.
        """
        if not self._left[prompt.name]:
            raise LlmFailed(f"the recording has no further answer for {prompt.name!r}", hint="run it again with a language model or --llm offline")
        call = self._left[prompt.name].popleft()
        if self._exact and call.prompt != prompt.text:
            raise LlmFailed(f"the recorded prompt for {prompt.name!r} differs from the one asked now")
        if not call.ok:
            raise LlmFailed(f"recorded failure of {prompt.name!r}: {short(call.answer)}")
        try:
            return parse(call.answer, schema)
        except Unusable as error:
            raise LlmFailed(f"the recorded answer for {prompt.name!r} does not fit {schema.__name__}: {error}") from error
