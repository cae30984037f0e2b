"""The agents against a real llama.cpp server with a tiny random model: true client, true wire, true grammar."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import a_plan
from typer.testing import CliRunner

from cutwork.agents.assistant import check, decide
from cutwork.agents.calls import Standing, Take
from cutwork.agents.extension import extend
from cutwork.agents.extraction import extract
from cutwork.agents.layout import lay_out
from cutwork.agents.llm import OpenAiLlm
from cutwork.agents.replay import Recorded
from cutwork.agents.schemas import AssistantAnswer, CriticAnswer, ExtensionAnswer, ExtractionAnswer, LayoutAnswer
from cutwork.cli import app
from cutwork.domain import Brief, Call, Expansion, LlmCall, Subject, Turn
from cutwork.errors import LlmFailed, NotConfigured
from cutwork.graphs.fakes import FakeDrawing
from cutwork.ports import Prompt
from cutwork.sessions import Sessions
from cutwork.studio import Studio
from cutwork.tools.keep.start import STAYS
from cutwork.tools.pixels import decode
from cutwork.wiring import Wired

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


@pytest.mark.parametrize("schema", [ExtensionAnswer, ExtractionAnswer, LayoutAnswer, CriticAnswer, AssistantAnswer])
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


# the assistant


def speaking(url: str, seed: int, on_call: Any = None) -> OpenAiLlm:
    """The random model in a mood: what it says follows from the seed."""
    return OpenAiLlm("tiny", url, timeout_s=60, max_retries=0, max_tokens=1_200, temperature=1.0, seed=seed, on_call=on_call)


def test_what_the_assistant_decides_of_nonsense_can_be_done_or_is_told(url: str) -> None:
    plan = a_plan("a cat", "a rocket")
    there = Standing(plan, takes=(Take(1, "t1", "a cat and a rocket"), Take(2, "t2", "bigger")), at=2, last="cat")
    kinds: set[str] = set()
    for seed in range(16):
        asked: list[LlmCall] = []
        try:
            said = decide("make the cat bigger", there, [], speaking(url, seed, asked.append))
        except LlmFailed:  # cut off twice at the token limit
            continue
        assert check(said.calls, there) == (said.calls, ()), "what is decided can be done"
        assert 1 <= len(asked) <= 2, "what is wrong is told back once"
        assert {call.agent for call in asked} == {"assistant"}
        kinds |= {call.tool for call in said.calls} | {"told back" for _ in said.faults}
    assert kinds - {"told back"}, "some of it could be done"
    assert "told back" in kinds


def test_turns_that_a_random_model_leads_end_in_a_state_that_is_whole(url: str, home: Path) -> None:
    """Whatever it calls is done and checked, or told in words: the session stands on a finished picture, and nothing changed outside what a turn was allowed."""
    studio = Studio(home=home, llm="offline", steps=2, rounds=1)
    studio.wired.__dict__["drawing"] = FakeDrawing(studio.wired.blobs, model="mini")
    sessions = Sessions(studio)
    id = sessions.create().id
    before = sessions.say(id, calls=[Call(tool="design", args={"brief": BRIEF.text, "seed": 7})])
    seen: list[LlmCall] = []
    done = 0
    for seed in range(10):
        studio.wired.__dict__["llm"] = lambda on_call=None, name=None, seed=seed: Recorded(speaking(url, seed, on_call), seen.append)
        turn = sessions.say(id, "make the cat bigger")
        assert turn.status in ("done", "failed")
        assert (turn.error is None) == (turn.status == "done")
        assert turn.reply
        assert "Traceback" not in turn.reply
        stands = sessions.get(id).head
        assert stands is None or sessions.turn(id, stands).status == "done"
        if turn.frozen is not None:
            assert outside(sessions, before, turn)
        done += len(turn.calls)
        before = sessions.turn(id, stands) if stands else before
    assert {call.agent for call in seen} >= {"assistant"}
    assert len([call for call in seen if call.agent == "assistant"]) >= 10
    assert done, "something it called could be done"


def outside(sessions: Sessions, before: Turn, after: Turn) -> bool:
    """Whether two turns' pictures are the same outside what the later one was allowed to change."""
    old, new = (sessions.studio.show(str(turn.design)).delivered for turn in (before, after))
    assert old is not None
    assert new is not None
    assert new.shot.keep is not None
    get = sessions.studio.wired.blobs.get
    same = (decode(get(old.render.image), "RGB") == decode(get(new.render.image), "RGB")).all(-1)
    return bool(same[decode(get(new.shot.keep.area), "L") <= STAYS].all())


@pytest.fixture
def of_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Only a variable says that there is a server; the model that every plan is then asked of."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setattr(Wired, "drawing", property(lambda self: FakeDrawing(self.blobs, model="mini")))
    return "openai:gpt-5-mini"


def agents_of(turns: list[Any], llm: str) -> list[str]:
    """Which agents asked the language model for these turns, as the database has it."""
    wired = Studio().wired
    calls = [call for design in dict.fromkeys(turn["design"] for turn in turns) for call in wired.designs.calls(design)]
    assert {call.llm for call in calls} == {llm}
    return [call.agent for call in calls]


def test_the_environment_alone_has_the_server_lead_a_talk_in_a_terminal(of_the_environment: str, tmp_path: Path) -> None:
    said = f"{BRIEF.text}\nmake the cat bigger\nundo\n"
    ran = CliRunner().invoke(app, ["chat", "--steps", "2", "--rounds", "1", "--seed", "7", "--json", "--out", str(tmp_path / "out")], input=said)
    assert ran.exit_code == 0, ran.output
    turns = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(turns) == 3
    assert all(turn["reply"] for turn in turns)
    asked = agents_of(turns, of_the_environment)
    assert asked.count("assistant") >= 2, "the words of each later turn were heard by it"
    assert {"extension", "extraction"} <= set(asked)


def test_the_environment_alone_has_the_server_lead_a_talk_with_the_service(of_the_environment: str) -> None:
    from starlette.testclient import TestClient

    from cutwork.api.app import create_app
    from cutwork.api.deps import Service
    from cutwork.options import studio_of

    with TestClient(create_app(Service(studio_of(steps=2, rounds=1), 1)), base_url="http://127.0.0.1") as client:
        session = client.post("/v1/sessions", json={}).json()["id"]
        for asked in ({"calls": [{"tool": "design", "args": {"brief": BRIEF.text, "seed": 7}}]}, {"words": "make the cat bigger"}):
            run = client.post(f"/v1/sessions/{session}/turns", json=asked).json()
            assert "event: " in client.get(f"/v1/runs/{run['id']}/events").text, "read to the end"
        turns = client.get(f"/v1/sessions/{session}").json()["turns"]
    assert [turn["status"] for turn in turns] == ["done", "done"]
    assert agents_of(turns, of_the_environment).count("assistant") >= 1
    assert turns[1]["cost"]["asked"] >= 1


def test_no_such_path(url: str) -> None:
    with pytest.raises(NotConfigured, match="no such model or path"):
        OpenAiLlm("tiny", url.removesuffix("/v1") + "/nowhere", max_retries=0).ask(Prompt(name="any", text="x"), ExtensionAnswer)
