"""The Extension agent: a one-line brief becomes a fuller prompt, with the background and look it implies."""

from __future__ import annotations

import json

from cutwork.agents.schemas import ExtensionAnswer
from cutwork.agents.words import question, tidy, tidy_all
from cutwork.domain import Brief, Expansion
from cutwork.ports import Llm


def extend(brief: Brief, llm: Llm) -> Expansion:
    """The brief as one prompt. What the person said about colours stands; the model may only add where nothing was said.

    Raises:
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    variables = {"brief": brief.text, "kind": brief.kind, "captions": _listed(brief.captions), "palette": _listed(brief.palette)}
    answer = llm.ask(question("extension", variables), ExtensionAnswer)
    return Expansion(
        prompt=tidy(answer.prompt, 4_000) or brief.text,
        background=tidy(answer.background, 400),
        style=tidy(answer.style, 400),
        palette=brief.palette or tidy_all(answer.palette, 200, 16),
    )


def _listed(values: tuple[str, ...]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
