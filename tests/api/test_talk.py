"""Sessions over HTTP: turns in their order, undone, compared, approved, and gone on with after a stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Served


def session(served: Served, **given: Any) -> str:
    answer = served.client.post("/v1/sessions", json=given)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/sessions/{answer.json()['id']}"
    return str(answer.json()["id"])


def say(served: Served, id: str, words: str = "", **asked: Any) -> dict[str, Any]:
    """A turn's run when it has ended."""
    answer = served.client.post(f"/v1/sessions/{id}/turns", json={"words": words, **asked})
    assert answer.status_code == 202, answer.text
    return served.ended(answer.json()["id"])


def test_a_talk_makes_a_design_and_changes_it(served: Served) -> None:
    id = session(served, title="cats")
    first = say(served, id, "a cat and a rocket")
    assert (first["kind"], first["status"], first["session"], first["turn"]) == ("turn", "done", id, first["id"])
    second = say(served, id, calls=[{"tool": "move", "args": {"subject": "cat", "box": [0.5, 0.5, 1.0, 1.0]}}])
    assert second["status"] == "done", second
    whole = served.client.get(f"/v1/sessions/{id}").json()
    assert [turn["number"] for turn in whole["turns"]] == [1, 2]
    assert whole["head"] == second["turn"]
    assert whole["turns"][1] == served.client.get(f"/v1/sessions/{id}/turns/{second['turn']}").json()
    assert whole["turns"][1]["changes"]
    kinds = [kind for _, kind, _ in served.events(second["id"])]
    assert {"call", "reply", "turn"} <= set(kinds)
    assert kinds[-1] == "done"
    for turn in whole["turns"]:
        assert served.client.get(f"/v1/designs/{turn['design']}").status_code == 200
    assert served.client.delete(f"/v1/designs/{whole['turns'][0]['design']}").status_code == 409  # it is part of the history
    compared = served.client.get(f"/v1/sessions/{id}/compare", params={"a": first["turn"], "b": second["turn"]}).json()
    assert 0 < compared["changed"] <= 1
    back = served.client.post(f"/v1/sessions/{id}/head", json={"turn": first["turn"]})
    assert back.json()["head"] == first["turn"]
    assert served.client.post(f"/v1/sessions/{id}/head", json={"turn": "nonesuch"}).status_code == 404


def test_turns_of_a_session_wait_for_each_other(serve: Callable[..., Served]) -> None:
    served = serve(threads=2)
    id, other = session(served), session(served)
    served.drawing.gate.clear()
    first, second = (served.client.post(f"/v1/sessions/{id}/turns", json={"words": words}).json()["id"] for words in ("a cat", "a dog"))
    served.drawing_begun()
    assert served.run(second)["status"] == "waiting"
    assert served.client.delete(f"/v1/sessions/{id}").status_code == 409
    third = served.client.post(f"/v1/sessions/{other}/turns", json={"words": "a fox"}).json()["id"]
    served.drawing_begun()
    assert served.run(second)["status"] == "waiting"
    served.drawing.gate.set()
    ended = [served.ended(run) for run in (first, second, third)]
    assert [run["status"] for run in ended] == ["done"] * 3
    assert ended[0]["finished"] <= ended[1]["started"]
    assert [row["id"] for row in served.client.get("/v1/runs", params={"session": id}).json()["data"]] == [second, first]


def test_a_plan_is_shown_first_where_that_is_wished(served: Served) -> None:
    id = session(served, approve=True)
    asked = say(served, id, "a cat and a rocket")
    assert asked["status"] == "needs_approval"
    turn = served.client.get(f"/v1/sessions/{id}/turns/{asked['turn']}").json()
    assert turn["status"] == "waiting"
    assert turn["question"]["action_requests"]
    assert not served.drawing.renders
    answer = served.client.post(f"/v1/sessions/{id}/turns/{asked['turn']}/answer", json={"decisions": [{"type": "approve"}]})
    assert answer.status_code == 202
    assert served.ended(answer.json()["id"])["status"] == "done"
    assert len(served.drawing.renders) == 1
    again = served.client.post(f"/v1/sessions/{id}/turns/{asked['turn']}/answer", json={"decisions": [{"type": "approve"}]})
    assert again.status_code == 409


def test_a_turn_that_was_stopped_with_the_service_is_gone_on_with(serve: Callable[..., Served]) -> None:
    served = serve()
    id = session(served)
    served.drawing.gate.clear()
    run = served.client.post(f"/v1/sessions/{id}/turns", json={"words": "a cat"}).json()["id"]
    served.drawing_begun()
    served.stop()
    again = serve()
    assert again.ended(run)["status"] == "done"
    turns = again.client.get(f"/v1/sessions/{id}").json()["turns"]
    assert [(turn["id"], turn["status"]) for turn in turns] == [(run, "done")]
    assert len(served.drawing.renders) + len(again.drawing.renders) == 1


def test_a_turn_that_cannot_be_done_says_why(served: Served) -> None:
    id = session(served)
    failed = say(served, id, calls=[{"tool": "remove", "args": {"subject": "whale"}}])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "turn_failed")
    for body in ({}, {"words": "  "}, {"calls": [{"tool": "rm"}]}, {"words": "x" * 3_000}):
        assert served.client.post(f"/v1/sessions/{id}/turns", json=body).status_code == 422


def test_sessions_are_listed_changed_and_deleted(served: Served) -> None:
    ids = [session(served, title=f"no. {n}") for n in range(3)]
    seen, after = [], None
    while True:
        page = served.client.get("/v1/sessions", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += [row["id"] for row in page["data"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(ids)
    changed = served.client.patch(f"/v1/sessions/{ids[0]}", json={"title": "renamed", "approve": True}).json()
    assert (changed["title"], changed["approve"]) == ("renamed", True)
    assert served.client.patch(f"/v1/sessions/{ids[0]}", json={"owner": "eve"}).status_code == 422
    assert served.client.delete(f"/v1/sessions/{ids[0]}").status_code == 204
    assert served.client.get(f"/v1/sessions/{ids[0]}").status_code == 404
