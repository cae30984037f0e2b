"""A language model made small for tests: it honours the `Llm` port and says what it was told to say."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from pydantic import BaseModel

from cutwork.errors import LlmFailed
from cutwork.ports import Answer, Prompt


class ScriptedLlm:
    """Answers queued for each schema, given in order; every prompt is kept in `history`.

    An answer may be a value of the schema, its dict, or an error to raise.
    """

    def __init__(self, *answers: BaseModel, name: str = "scripted", sees: bool = False) -> None:
        self.name = name
        self.sees = sees
        self.history: list[tuple[Prompt, str]] = []
        self._queues: dict[str, deque[Any]] = defaultdict(deque)
        for answer in answers:
            self.enqueue(type(answer), answer)

    def enqueue(self, schema: type[BaseModel], *answers: BaseModel | dict[str, Any] | Exception) -> ScriptedLlm:
        """Queue further answers for a schema; returns itself, so that calls can be chained."""
        self._queues[schema.__name__].extend(answers)
        return self

    @property
    def prompts(self) -> list[Prompt]:
        """What was asked so far."""
        return [prompt for prompt, _ in self.history]

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """The next queued answer of the schema.

        Raises:
            LlmFailed: if none is left. Whatever error was queued.
        """
        self.history.append((prompt, schema.__name__))
        if not self._queues[schema.__name__]:
            raise LlmFailed(f"the script has no further {schema.__name__}")
        answer = self._queues[schema.__name__].popleft()
        if isinstance(answer, Exception):
            raise answer
        return schema.model_validate(answer if isinstance(answer, dict) else answer.model_dump())
