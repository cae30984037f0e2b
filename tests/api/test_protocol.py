"""LangGraph's own client against our threads and runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

if TYPE_CHECKING:
    from conftest import Served

BRIEF = "a grumpy cat and a rocket on a purple background"


@pytest.fixture
def client(served: Served) -> Iterator[SyncLangGraphClient]:
    with get_sync_client(url=served.url, timeout=90) as made:
        yield made


def says(words: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": words}]}


def kinds(parts: list[Any]) -> list[str]:
    return [part.event for part in parts]


# ----------------------------------------------------------------------------------------------------------- assistants


def test_there_are_two_assistants(client: SyncLangGraphClient) -> None:
    found = client.assistants.search()
    assert [one["graph_id"] for one in found] == ["session", "design"]
    assert client.assistants.count() == 2
    for one in found:
        assert client.assistants.get(one["assistant_id"]) == client.assistants.get(one["graph_id"]) == one
    assert "brief" in (client.assistants.get_schemas("design")["input_schema"] or {})["properties"]
    assert "calls" in (client.assistants.get_schemas("session")["input_schema"] or {})["properties"]
    with pytest.raises(NotFoundError, match="there are session, design"):
        client.assistants.get("painter")


# -------------------------------------------------------------------------------------------------------------- threads


def test_threads_are_kept_found_changed_and_deleted(client: SyncLangGraphClient) -> None:
    mine = str(uuid.uuid4())
    first = client.threads.create(thread_id=mine, metadata={"graph_id": "session", "who": "ann"})
    second = client.threads.create(metadata={"who": "bob"})
    assert (first["thread_id"], first["status"], first["values"]) == (mine, "idle", None)
    with pytest.raises(ConflictError):
        client.threads.create(thread_id=mine)
    assert client.threads.create(thread_id=mine, if_exists="do_nothing")["metadata"] == first["metadata"]
    assert [thread["thread_id"] for thread in client.threads.search()] == [second["thread_id"], mine]
    assert [thread["thread_id"] for thread in client.threads.search(metadata={"who": "ann"})] == [mine]
    assert [thread["thread_id"] for thread in client.threads.search(sort_by="created_at", sort_order="asc", limit=1)] == [mine]
    assert client.threads.search(status="busy") == []
    assert client.threads.search(select=["thread_id"], limit=1, offset=1) == [{"thread_id": mine}]
    assert client.threads.count(metadata={"who": "bob"}) == 1
    with ThreadPoolExecutor() as several:  # of changes at once none is lost
        list(several.map(lambda n: client.threads.update(mine, metadata={f"n{n}": n}), range(8)))
    assert client.threads.get(mine)["metadata"] == {"graph_id": "session", "who": "ann"} | {f"n{n}": n for n in range(8)}
    changed = client.threads.update(second["thread_id"], metadata={"done": True})
    assert changed["metadata"] == {"who": "bob", "done": True}
    client.threads.delete(mine)
    with pytest.raises(NotFoundError):
        client.threads.get(mine)
    assert client.threads.count() == 1


def test_an_empty_thread_has_a_state(client: SyncLangGraphClient) -> None:
    thread = client.threads.create()["thread_id"]
    state = client.threads.get_state(thread)
    assert (state["values"], state["next"], state["parent_checkpoint"]) == ({}, [], None)
    assert client.threads.get_history(thread) == []


def test_a_copy_of_a_thread_goes_its_own_way(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create(metadata={"title": "cats", "who": "ann"})["thread_id"]
    client.runs.wait(thread, "session", input=says(BRIEF))
    client.runs.wait(thread, "session", input=says("make the cat bigger"))
    client.runs.wait(thread, "session", input={"calls": [{"tool": "remove", "args": {"subject": "zeppelin"}}]}, raise_error=False)  # a turn that failed
    history = client.threads.get_history(thread)

    client.threads.copy(thread)
    (copy,) = [one["thread_id"] for one in client.threads.search() if one["thread_id"] != thread]
    assert client.threads.get(copy)["metadata"] == {"title": "cats", "who": "ann"}
    assert client.threads.get_state(copy)["values"] == client.threads.get_state(thread)["values"]
    copied = client.threads.get_history(copy)
    assert [state["checkpoint"]["checkpoint_id"] for state in copied] == [state["checkpoint"]["checkpoint_id"] for state in history]
    assert {state["checkpoint"]["thread_id"] for state in copied} == {copy}
    assert client.runs.list(copy) == []

    oldest = str(copied[-1]["checkpoint"]["checkpoint_id"])
    client.runs.wait(copy, "session", input=says("remove the rocket"), checkpoint_id=oldest)
    assert [cut["subject"] for cut in client.threads.get_state(copy)["values"]["design"]["cutouts"]] == ["cat"]  # type: ignore[call-overload, index]
    assert [turn["number"] for turn in served.client.get(f"/v1/sessions/{copy}").json()["turns"]] == [1, 2, 3, 4]
    assert client.threads.get_history(thread) == history, "the first is as it was"
    client.threads.delete(thread)
    assert len(client.threads.get_state(copy)["values"]["messages"]) == 4  # type: ignore[call-overload, index]
    with pytest.raises(NotFoundError):
        client.threads.copy(thread)


def test_a_copy_leaves_behind_what_is_not_over(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create(metadata={"approve": True})["thread_id"]
    client.runs.wait(thread, "session", input=says(BRIEF))
    assert client.threads.get(thread)["status"] == "interrupted"
    copy: Any = served.client.post(f"/threads/{thread}/copy").json()
    assert (copy["status"], copy["values"], copy["interrupts"]) == ("idle", None, {})
    values: Any = client.runs.wait(thread, command={"resume": {"decisions": [{"type": "approve"}]}}, assistant_id="session")
    assert values["design"]["status"] in ("accepted", "best_effort")
    again: Any = client.runs.wait(copy["thread_id"], "session", input=says("a red balloon"))
    assert "__interrupt__" in again, "it asks before it draws, as the first does"


# ----------------------------------------------------------------------------------------------------------------- runs


def test_a_talk_on_a_thread(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create()["thread_id"]
    values: Any = client.runs.wait(thread, "session", input=says(BRIEF))
    assert [message["type"] for message in values["messages"]] == ["human", "ai"]
    assert values["messages"][0]["content"] == BRIEF
    assert "](http://127.0.0.1" in values["messages"][1]["content"]
    assert [cut["subject"] for cut in values["design"]["cutouts"]] == ["cat", "rocket"]
    later: Any = client.runs.wait(thread, "session", input=says("make the cat bigger"))
    assert [message["content"] for message in later["messages"]][2] == "make the cat bigger"
    assert later["messages"][-1]["additional_kwargs"]["x_cutwork"]["calls"][0]["tool"] == "resize"
    assert later["design"]["id"] != values["design"]["id"]
    history = client.threads.get_history(thread)
    assert [state["metadata"]["step"] for state in history] == [2, 1]  # type: ignore[index]
    assert history[0]["parent_checkpoint"] == history[1]["checkpoint"]
    assert client.threads.get_state(thread)["values"] == later
    first = history[1]["checkpoint"]["checkpoint_id"]
    assert client.threads.get_state(thread, checkpoint=history[1]["checkpoint"])["values"] == values
    assert client.threads.get_state(thread, checkpoint_id=str(first))["values"] == values
    assert client.threads.get(thread)["status"] == "idle"
    assert [turn["number"] for turn in served.client.get(f"/v1/sessions/{thread}").json()["turns"]] == [1, 2]
    assert [run["status"] for run in client.runs.list(thread)] == ["success"] * 2


def test_a_run_may_go_on_from_an_earlier_turn(client: SyncLangGraphClient) -> None:
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "session", input=says(BRIEF))
    client.runs.wait(thread, "session", input=says("make the cat bigger"))
    newest, oldest = client.threads.get_history(thread)
    forked: Any = client.runs.wait(thread, "session", input=says("remove the rocket"), checkpoint_id=str(oldest["checkpoint"]["checkpoint_id"]))
    assert len(forked["messages"]) == 4
    assert client.threads.get_state(thread)["parent_checkpoint"] == oldest["checkpoint"]
    client.threads.update_state(thread, None, checkpoint=newest["checkpoint"])
    assert client.threads.get_state(thread)["values"] == newest["values"]
    with pytest.raises(UnprocessableEntityError, match="cannot be written"):
        client.threads.update_state(thread, {"messages": []})


def test_the_design_assistant_takes_a_brief(client: SyncLangGraphClient, served: Served) -> None:
    values: Any = client.runs.wait(None, "design", input={"brief": "a cat", "size": "64x64", "seed": 5})
    assert (values["design"]["size"], values["design"]["seed"]) == ([64, 64], 5)
    by_words: Any = client.runs.wait(None, "design", input=says("a rocket"))
    assert [cut["subject"] for cut in by_words["design"]["cutouts"]] == ["rocket"]
    assert len(client.threads.search(metadata={"stateless": True})) == 2
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        client.runs.wait(None, "design", input={"size": "64x64"})


def test_a_stream_tells_in_the_modes_asked_for(client: SyncLangGraphClient) -> None:
    thread = client.threads.create()["thread_id"]
    place: list[Any] = []
    modes: Any = ["values", "updates", "custom", "messages-tuple", "debug"]
    parts = list(client.runs.stream(thread, "session", input=says(BRIEF), stream_mode=modes, on_run_created=place.append))
    assert kinds(parts)[:2] == ["metadata", "values"]
    assert kinds(parts)[-2:] == ["values", "end"]
    assert parts[0].data["run_id"] == place[0]["run_id"] == client.runs.list(thread)[0]["run_id"]
    assert place[0]["thread_id"] == thread
    told = [part.data["event"] for part in parts if part.event == "custom"]
    assert {"status", "node", "step"} <= set(told)
    nodes = [next(iter(part.data)) for part in parts if part.event == "updates"]
    assert nodes[-1] == "assistant"
    assert {"render", "cut"} <= set(nodes)
    message, about = next(part.data for part in parts if part.event == "messages")
    assert (message["type"], about["langgraph_node"]) == ("ai", "assistant")
    assert parts[-2].data["messages"][-1] == message
    again = list(client.runs.join_stream(thread, place[0]["run_id"], stream_mode=modes))
    assert kinds(again)[2:] == kinds(parts)[2:]
    halfway = next(part.id for part in parts if part.event == "updates")
    rest = list(client.runs.join_stream(thread, place[0]["run_id"], stream_mode=modes, last_event_id=halfway))
    seen = [part.id for part in parts if part.id and int(part.id) > int(str(halfway))]
    assert [part.id for part in rest if part.id][: len(seen)] == seen


def test_messages_come_complete(client: SyncLangGraphClient) -> None:
    thread = client.threads.create()["thread_id"]
    parts = list(client.runs.stream(thread, "session", input=says("a cat"), stream_mode="messages"))
    assert kinds(parts) == ["metadata", "messages/metadata", "messages/partial", "messages/complete", "end"]
    assert parts[3].data[0]["type"] == "ai"


def test_runs_in_the_background_are_joined_and_cancelled(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create()["thread_id"]
    served.drawing.gate.clear()
    first = client.runs.create(thread, "session", input=says(BRIEF), metadata={"who": "ann"})
    second = client.runs.create(thread, "session", input=says("a fox"))
    served.drawing_begun()
    assert (client.runs.get(thread, first["run_id"])["status"], client.runs.get(thread, second["run_id"])["status"]) == ("running", "pending")
    assert client.threads.get(thread)["status"] == "busy"
    assert client.runs.list(thread, status="pending") == [client.runs.get(thread, second["run_id"])]
    assert client.runs.get(thread, first["run_id"])["metadata"] == {"who": "ann"}
    with pytest.raises(ConflictError, match="busy"):
        client.runs.create(thread, "session", input=says("a dog"), multitask_strategy="reject")
    client.runs.cancel(thread, second["run_id"], wait=True)
    served.drawing.gate.set()
    joined: Any = client.runs.join(thread, first["run_id"])
    assert len(joined["messages"]) == 2
    assert client.runs.get(thread, second["run_id"])["status"] == "interrupted"


@pytest.mark.parametrize(("words", "answer"), [("why is the cat there?", "cat"), ("lock the zebra", "zebra")])
def test_a_turn_that_only_talks_is_answered_too(client: SyncLangGraphClient, words: str, answer: str) -> None:
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "session", input=says(BRIEF))
    head = client.threads.get_state(thread)["checkpoint"]
    outcome: Any = client.runs.wait(thread, "session", input=says(words))
    assert (outcome["messages"][-2]["content"], len(outcome["messages"])) == (words, 4)
    assert answer in outcome["messages"][-1]["content"]
    *_, last, end = client.runs.stream(thread, "session", input=says(words), stream_mode="values")
    assert (last.data["messages"][-2]["content"], end.event) == (words, "end")
    assert client.threads.get_state(thread)["checkpoint"] == head, "the thread stands where it stood"


def test_a_cancelled_run_says_so(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create()["thread_id"]
    served.drawing.gate.clear()
    run = client.runs.create(thread, "session", input=says(BRIEF))
    served.drawing_begun()
    client.runs.cancel(thread, run["run_id"])
    served.drawing.gate.set()
    assert served.client.get(f"/threads/{thread}/runs/{run['run_id']}/join").json()["__error__"]["error"] == "cancelled"


@pytest.mark.parametrize("way", ["wait", "stream"])
def test_a_service_that_ends_gives_nothing_for_an_answer(served: Served, way: str) -> None:
    thread = served.client.post("/threads", json={}).json()["thread_id"]
    served.drawing.gate.clear()
    asked = {"assistant_id": "session", "input": says(BRIEF), "stream_mode": ["values"]}
    with httpx.stream("POST", f"{served.url}/threads/{thread}/runs/{way}", json=asked, timeout=90, trust_env=False) as answer:
        served.drawing_begun()
        served.service.drain()
        text = answer.read().decode()
    assert '"error": "unavailable"' in text
    assert "goes on when it is back" in text
    (run,) = served.service.jobs.list("local", session=thread)
    assert (run.status in ("running", "waiting"), run.stop) == (True, False)
    served.drawing.gate.set()


def test_a_thread_that_is_busy_is_not_deleted(client: SyncLangGraphClient, served: Served) -> None:
    busy, idle = (client.threads.create()["thread_id"] for _ in range(2))
    served.drawing.gate.clear()
    runs = [client.runs.create(busy, "session", input=says(words))["run_id"] for words in (BRIEF, "a fox")]
    served.drawing_begun()
    assert [thread["status"] for thread in client.threads.search(sort_by="status", sort_order="asc")] == ["busy", "idle"]
    assert [thread["thread_id"] for thread in client.threads.search(sort_by="status", sort_order="desc")] == [idle, busy]
    with pytest.raises(ConflictError, match="turns that are not done"):
        client.threads.delete(busy)
    client.runs.cancel(busy, runs[1], wait=True)
    served.drawing.gate.set()
    client.runs.join(busy, runs[0])
    client.threads.delete(busy)
    assert client.threads.count() == 1


def test_a_place_in_a_stream_that_cannot_be_is_refused(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create()["thread_id"]
    run = client.runs.create(thread, "session", input=says("a cat"))["run_id"]
    answer = served.client.get(f"/threads/{thread}/runs/{run}/stream", headers={"Last-Event-ID": "1" * 5_000})
    assert answer.status_code == 422
    client.runs.join(thread, run)


def test_a_newer_run_may_interrupt(client: SyncLangGraphClient, served: Served) -> None:
    thread = client.threads.create()["thread_id"]
    served.drawing.gate.clear()
    first = client.runs.create(thread, "session", input=says(BRIEF))
    served.drawing_begun()
    second = client.runs.create(thread, "session", input=says("a cat"), multitask_strategy="interrupt")
    served.ended(first["run_id"])
    served.drawing.gate.set()
    client.runs.join(thread, second["run_id"])
    assert [run["status"] for run in client.runs.list(thread)] == ["success", "interrupted"]


@pytest.mark.slow
@pytest.mark.parametrize("resume", [{"decisions": [{"type": "approve"}]}, True, "approve"])
def test_a_plan_is_shown_and_approved(client: SyncLangGraphClient, served: Served, resume: Any) -> None:
    thread = client.threads.create(metadata={"approve": True})["thread_id"]
    values: Any = client.runs.wait(thread, "session", input=says(BRIEF))
    (asked,) = values["__interrupt__"]
    assert asked["value"]["action_requests"]
    assert served.drawing.renders == []
    state = client.threads.get_state(thread)
    assert (client.threads.get(thread)["status"], state["next"], [one["id"] for one in state["interrupts"]]) == ("interrupted", ["approve"], [asked["id"]])
    done: Any = client.runs.wait(thread, "session", command={"resume": resume})
    assert "__interrupt__" not in done
    assert done["design"]["status"] == "accepted"
    assert client.threads.get(thread)["status"] == "idle"
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        client.runs.wait(thread, "session", command={"resume": resume})


def test_what_cannot_be_is_refused(client: SyncLangGraphClient) -> None:
    thread = client.threads.create()["thread_id"]
    for asked, said in (
        ({"input": says("a cat"), "webhook": "http://127.0.0.1/x"}, "webhooks"),
        ({"input": says("a cat"), "interrupt_before": ["render"]}, "no node of the caller's choice"),
        ({"input": says("a cat"), "stream_mode": "telepathy"}, "no stream mode"),
        ({"input": {"messages": []}}, "nothing is said"),
        ({"input": {"calls": [{"tool": "paint"}]}}, "tool"),
        ({"command": {"goto": "render"}}, "only resume"),
    ):
        with pytest.raises(UnprocessableEntityError, match=said):
            client.runs.create(thread, "session", **asked)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        client.runs.create("none", "session", input=says("a cat"))
    with pytest.raises(NotFoundError):
        client.runs.create(thread, "painter", input=says("a cat"))
    with pytest.raises(ConflictError, match="waits for nothing"):
        client.runs.create(thread, "session", command={"resume": True})
    assert client.runs.list(thread) == []


def test_a_run_that_fails_says_why(client: SyncLangGraphClient, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(shot: Any, watch: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(served.drawing, "render", fails)
    thread = client.threads.create()["thread_id"]
    parts = list(client.runs.stream(thread, "session", input=says(BRIEF), stream_mode="values"))
    assert kinds(parts)[-2:] == ["error", "end"]
    assert set(parts[-2].data) == {"error", "message"}
    with pytest.raises(Exception, match=parts[-2].data["error"]):
        client.runs.wait(thread, "session", input=says(BRIEF))
    assert client.threads.get(thread)["status"] == "error"


def test_the_asynchronous_client_works_too(served: Served) -> None:
    async def story() -> Any:
        async with get_client(url=served.url, timeout=90) as client:
            return [part async for part in client.runs.stream(None, "session", input=says("a cat"), stream_mode=["values"], version="v2")]

    parts = asyncio.run(story())
    assert [part["type"] for part in parts] == ["metadata", "values", "values"]


def test_whoever_leaves_a_run_of_its_own_cancels_it(served: Served) -> None:
    served.drawing.gate.clear()
    asked = {"assistant_id": "session", "input": says(BRIEF)}
    with httpx.stream("POST", f"{served.url}/runs/stream", json=asked, timeout=90, trust_env=False) as answer:
        assert answer.status_code == 200
        served.drawing_begun()
    (run,) = served.client.get("/v1/runs").json()["data"]
    assert served.ended(run["id"])["status"] == "cancelled"


def test_threads_are_their_tenants(served: Served) -> None:
    tokens = [served.service.tokens.add(name) for name in ("ann", "bob")]
    ann, bob = (get_sync_client(url=served.url, timeout=90, headers={"Authorization": f"Bearer {token}"}) for token in tokens)
    with ann, bob:
        thread = ann.threads.create(metadata={"who": "ann"})["thread_id"]
        run = ann.runs.create(thread, "session", input=says("a cat"))["run_id"]
        assert bob.threads.search() == []
        for call in (
            lambda: bob.threads.get(thread),
            lambda: bob.threads.get_state(thread),
            lambda: bob.threads.get_history(thread),
            lambda: bob.threads.update(thread, metadata={}),
            lambda: bob.threads.delete(thread),
            lambda: bob.runs.list(thread),
            lambda: bob.runs.get(thread, run),
            lambda: bob.runs.cancel(thread, run),
            lambda: bob.runs.create(thread, "session", input=says("a cat")),
            lambda: list(bob.runs.join_stream(thread, run)),
        ):
            with pytest.raises(NotFoundError):
                call()  # type: ignore[no-untyped-call]
        for if_exists in ("raise", "do_nothing"):
            with pytest.raises(ConflictError, match="already a thread"):
                bob.threads.create(thread_id=thread, if_exists=if_exists)  # type: ignore[arg-type]
        ann.runs.join(thread, run)
    assert httpx.post(f"{served.url}/threads", json={}, trust_env=False).status_code == 401


def test_chat_pages_find_the_server(served: Served) -> None:
    assert served.client.get("/ok").json() == {"ok": True}
    assert served.client.get("/info").json()["flags"]["assistants"]


@pytest.mark.slow
def test_the_whole_story_with_the_embedded_model(serve: Any) -> None:
    served = serve(steps=8)
    del served.service.studio.wired.__dict__["drawing"]
    with get_sync_client(url=served.url, timeout=900) as client:
        thread = client.threads.create()["thread_id"]
        parts = list(client.runs.stream(thread, "design", input={"brief": "a cat on grass", "seed": 3}, stream_mode=["custom", "values"]))
        assert "preview" in {part.data["event"] for part in parts if part.event == "custom"}
        assert parts[-2].data["design"]["cutouts"]
        values: Any = client.runs.wait(thread, "session", input=says("make the cat smaller"))
        assert values["design"]["parent"] == parts[-2].data["design"]["id"]
