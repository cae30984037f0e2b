"""Calls of a language model kept, and answered from again: `Recorded` keeps every ask, `RecordedLlm` needs no model at all.

To draw a run again as it was planned, without key or server:

    RecordedLlm(designs.calls(run))      # the port, answered from what was stored
    RecordedLlm(calls, exact=True)       # the same, and an error where a prompt has changed since

A recording as a file is JSON lines, one `LlmCall` a line: `Recording` adds to it, `load_calls` reads it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from cutwork.agents.answers import Unusable, parse, short
from cutwork.domain import LlmCall
from cutwork.errors import BadInput, CutworkError, LlmFailed, StorageFailed
from cutwork.ports import Answer, Llm, Prompt

OnCall = Callable[[LlmCall], None]
SEEING = "critic"  # the agent that is asked only where the model sees pictures


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


class Recording:
    """A file that calls are added to, by any number of runs at once.

    Raises:
        BadInput: if the file is there and is something else; StorageFailed if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_file() or path.stat().st_size):
            load_calls(path)
        self._path = path
        self._lock = threading.Lock()

    def add(self, call: LlmCall) -> None:
        """Add one call."""
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(call.model_dump_json() + "\n")
        except OSError as error:
            raise StorageFailed(f"the recording {self._path} cannot be written: {error.strerror or error}", "choose another file with --record") from error


def load_calls(path: Path) -> list[LlmCall]:
    """The calls of a recording.

    Raises:
        BadInput: if there is no such file or it is no recording.
    """
    wanted = "wanted a file that --record wrote"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: JSON may hold U+2028 as it is
    except FileNotFoundError:
        raise BadInput(f"there is no recording {path}", wanted) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the recording {path} cannot be read: {error}", wanted) from error
    calls = [_call(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not calls:
        raise BadInput(f"the recording {path} holds no calls", wanted)
    return calls


def _call(path: Path, number: int, line: str) -> LlmCall:
    try:
        return LlmCall.model_validate_json(line)
    except ValidationError as error:
        raise BadInput(f"line {number} of {path} is no recorded call: {error.errors()[0]['msg']}", "wanted a file that --record wrote") from None


class RecordedLlm:
    """Answers from stored calls, without any model: the one of the same prompt, else the next of the agent. A call that failed fails again.

    Args:
        calls: as they were stored.
        name: what to be called; the recorded model's own name if None.
        sees: whether the recorded model saw pictures; None means that it did if it was ever asked about one.
        exact: refuse a prompt whose text is not the recorded one.
    """

    def __init__(self, calls: Iterable[LlmCall], name: str | None = None, sees: bool | None = None, exact: bool = False) -> None:
        stored = list(calls)
        self.name = name or (stored[0].llm if stored else "recorded")
        self.sees = any(call.agent == SEEING for call in stored) if sees is None else sees
        self._exact = exact
        self._lock = threading.Lock()
        self._left: dict[str, list[LlmCall]] = defaultdict(list)
        for call in stored:
            self._left[call.agent].append(call)

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """The stored answer.

        Raises:
            LlmFailed: if none is left, the stored call failed, its prompt differs (with `exact`) or it does not fit the schema.
        """
        call = self._taken(prompt)
        if not call.ok:
            raise LlmFailed(f"recorded failure of {prompt.name!r}: {short(call.answer)}")
        try:
            return parse(call.answer, schema)
        except Unusable as error:
            raise LlmFailed(f"the recorded answer for {prompt.name!r} does not fit {schema.__name__}: {error}") from error

    def _taken(self, prompt: Prompt) -> LlmCall:
        """The call to answer with; each is used once. Runs side by side find their own by the prompt."""
        with self._lock:
            left = self._left[prompt.name]
            if not left:
                raise LlmFailed(f"the recording has no further answer for {prompt.name!r}", hint="run it again with a language model or --llm offline")
            same = next((number for number, call in enumerate(left) if call.prompt == prompt.text), None)
            if same is None and self._exact:
                raise LlmFailed(f"the recorded prompt for {prompt.name!r} differs from the one asked now")
            return left.pop(same or 0)
