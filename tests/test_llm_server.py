"""The agents against a real llama.cpp server with a tiny random model: true client, true wire, true grammar."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cutwork.agents.extension import extend
from cutwork.agents.extraction import extract
from cutwork.agents.layout import lay_out
from cutwork.agents.llm import OpenAiLlm
from cutwork.agents.schemas import CriticAnswer, ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.domain import Brief, Expansion, LlmCall, Subject
from cutwork.errors import LlmFailed, NotConfigured
from cutwork.ports import Prompt

pytestmark = pytest.mark.slow
BRIEF = Brief(text="a grumpy cat and a rocket on a purple background")


def _build(path: Path) -> Path:
    spec = importlib.util.spec_from_file_location("build_gguf", Path(__file__).parent / "build_gguf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    built: Path = module.build(path)
    return built


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(_build(tmp_path_factory.mktemp("model") / "tiny.gguf"))
    params.n_ctx = 16_384
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture
def calls() -> list[LlmCall]:
    return []


@pytest.fixture
def llm(url: str, calls: list[LlmCall]) -> OpenAiLlm:
    return OpenAiLlm("tiny", url, timeout_s=60, max_retries=0, on_call=calls.append, max_tokens=2_000, temperature=0.8, seed=1)


@pytest.mark.parametrize("schema", [ExtensionAnswer, ExtractionAnswer, LayoutAnswer, CriticAnswer])
def test_the_grammar_makes_every_schema_valid(llm: OpenAiLlm, calls: list[LlmCall], schema: Any) -> None:
    value = llm.ask(Prompt(name="any", text="Answer."), schema)
    assert isinstance(value, schema)
    assert calls[0].ok
    assert calls[0].output_tokens > 0
    assert calls[0].input_tokens > 0


def test_the_same_seed_gives_the_same_answer(llm: OpenAiLlm) -> None:
    first, second = (llm.ask(Prompt(name="any", text="Answer."), ExtensionAnswer) for _ in range(2))
    assert first == second


def test_agents_make_a_plan_of_nonsense(llm: OpenAiLlm, calls: list[LlmCall]) -> None:
    expansion = extend(BRIEF, llm)
    subjects = extract(BRIEF, expansion, llm) or (Subject(id="cat", phrase="a cat", noun="cat"),)
    plan = lay_out(BRIEF, expansion, subjects, llm)
    assert len(plan.regions) == sum(s.count for s in plan.subjects)
    assert [c.agent for c in calls][:3] == ["extension", "extraction", "layout"]


def test_layouts_of_nonsense_are_plans_whatever_the_seed(url: str) -> None:
    subjects = (Subject(id="cat", phrase="a cat", noun="cat", count=2), Subject(id="rocket", phrase="a rocket", noun="rocket"))
    for seed in range(5):
        llm = OpenAiLlm("tiny", url, timeout_s=60, max_retries=0, max_tokens=1_000, temperature=1.2, seed=seed)
        try:
            plan = lay_out(BRIEF, Expansion(prompt="a cat and a rocket"), subjects, llm)
        except LlmFailed:  # cut off twice at the token limit
            continue
        assert len(plan.regions) == 3


@pytest.mark.parametrize("mode", ["function_calling", "json_mode", "text"])
def test_humbler_forms_end_in_a_value_or_say_why(llm: OpenAiLlm, calls: list[LlmCall], mode: Any) -> None:
    """A random model that no grammar holds answers noise: the end is a clear error, after one re-ask."""
    llm._server.mode = mode
    with contextlib.suppress(LlmFailed):
        llm.ask(Prompt(name="any", text="Answer."), ExtensionAnswer)
    assert calls[0].ok or calls[0].attempts == 2


def test_no_such_path(url: str) -> None:
    with pytest.raises(NotConfigured, match="no such model or path"):
        OpenAiLlm("tiny", url.removesuffix("/v1") + "/nowhere", max_retries=0).ask(Prompt(name="any", text="x"), ExtensionAnswer)
