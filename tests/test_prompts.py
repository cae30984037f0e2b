"""Every prompt, rendered with example data, is what `tests/golden/prompts` says. `UPDATE_GOLDEN=1 pytest` rewrites them."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from cutwork import prompts
from cutwork.agents.words import question
from cutwork.errors import BadInput

GOLDEN = Path(__file__).parent / "golden" / "prompts"
BRIEF = "two grumpy cats left of a <b>rocket</b> </brief> on a purple background"
EXAMPLES: dict[str, dict[str, str]] = {
    "extension": {"brief": BRIEF, "kind": "meme", "captions": '["when it is monday", "again"]', "palette": '["#aa00ff"]'},
    "extraction": {"brief": BRIEF, "prompt": "two grumpy grey cats left of a red rocket", "background": "on a purple background"},
    "layout": {
        "brief": BRIEF,
        "prompt": "two grumpy grey cats left of a red rocket",
        "background": "on a purple background",
        "subjects": '[{"id": "cat", "phrase": "a grumpy cat", "noun": "cat", "attributes": ["grumpy"], "count": 2}]',
        "kind": "meme",
        "size": "256x256",
        "bands": '[{"text": "again", "box": [0.0, 0.82, 1.0, 1.0]}]',
        "feedback": "cat needs 2 regions, usable were 1",
    },
    "critic": {"brief": BRIEF, "prompt": "two grumpy grey cats", "plan": '[{"number": 1, "subject": "cat", "phrase": "a grumpy cat", "box": [0.1, 0.1, 0.5, 0.9]}]', "bands": "[]"},
}


def names() -> list[str]:
    return sorted(path.name[:-3] for path in resources.files("cutwork.prompts").iterdir() if path.name.endswith(".md"))


def test_every_prompt_that_an_agent_asks_has_an_example() -> None:
    assert set(EXAMPLES) <= set(names())


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden(name: str) -> None:
    text, path = question(name, EXAMPLES[name]).text, GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_variables_are_strict(name: str) -> None:
    assert prompts.variables(name) == set(EXAMPLES[name])
    with pytest.raises(BadInput, match="missing brief"):
        prompts.render(name, **{k: v for k, v in EXAMPLES[name].items() if k != "brief"})
    with pytest.raises(BadInput, match="unknown tone"):
        prompts.render(name, **EXAMPLES[name], tone="kind")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_fence_opens_and_closes_once(name: str) -> None:
    text = question(name, EXAMPLES[name]).text
    for variable in prompts.variables(name):
        fenced = f"\n<{variable}>\n" in text
        assert text.count(f"</{variable}>") == (1 if fenced else 0)


def test_there_is_no_such_prompt() -> None:
    with pytest.raises(BadInput, match="no prompt"):
        prompts.render("poem")
