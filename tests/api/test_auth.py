"""Who may come in, and that one tenant cannot see another's anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cutwork.api import guard
from cutwork.api.guard import is_loopback
from cutwork.errors import BadInput
from cutwork.storage.tokens import hashed

if TYPE_CHECKING:
    from conftest import Served

PATIENCE_S = 20.0  # no wait of a test is longer
DESCRIBED = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
EVERYBODYS = ("/v1/models/", "/assistants/")  # the same for all
OWN = [(method.upper(), path) for path, operations in DESCRIBED["paths"].items() for method in operations if "{" in path and not path.startswith(EVERYBODYS)]


@pytest.fixture(autouse=True)
def always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FRESH_S", -1.0)


def test_without_tokens_this_machine_is_let_in(served: Served) -> None:
    assert served.client.get("/v1/meta").json()["tenant"] == "local"


def test_with_a_token_everybody_needs_one(served: Served) -> None:
    token = served.service.tokens.add("ann")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": token}, {"Authorization": "Basic eDp5"}, {"Authorization": f"Bearer {hashed(token)}"}):
        answer = served.client.get("/v1/meta", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"bearer {token}"}, {"X-Api-Key": token}, {"Cookie": f"cutwork={token}"}):
        assert served.client.get("/v1/meta", headers=headers).json()["tenant"] == "ann"
    for address in ("/", "/healthz", "/readyz", "/openapi.json"):
        assert served.client.get(address).status_code == 200
    for address in ("/metrics", "/v1/nonsense"):
        assert served.client.get(address).status_code == 401
    served.service.tokens.remove("ann")
    assert served.client.get("/v1/meta", headers={"Authorization": f"Bearer {token}"}).json()["tenant"] == "local"


def test_a_token_is_known_at_once_also_where_tokens_were_looked_at_just_before(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(host="0.0.0.0")
    served.service.tokens.add("ann")
    assert served.client.get("/v1/meta").status_code == 401
    monkeypatch.setattr(guard, "FRESH_S", 1e9)
    token = served.service.tokens.add("bob")
    assert served.client.post("/v1/login", json={"token": token}).status_code == 204
    assert served.client.get("/v1/meta").json()["tenant"] == "bob"
    assert served.client.get("/v1/meta", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_page_keeps_its_token_where_scripts_cannot_read_it(served: Served) -> None:
    token = served.service.tokens.add("ann")
    assert served.client.post("/v1/login", json={"token": "wrong"}).status_code == 401
    answer = served.client.post("/v1/login", json={"token": token})
    assert answer.status_code == 204
    assert {"httponly", "samesite=strict"} <= {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert served.client.get("/v1/meta").json()["tenant"] == "ann"
    assert served.client.delete("/v1/login").status_code == 204
    assert served.client.get("/v1/meta").status_code == 401


def test_nothing_of_a_token_is_kept_but_its_hash(served: Served, home: Path) -> None:
    token = served.service.tokens.add("ann")
    assert served.service.tokens.names() == {hashed(token): "ann"}
    assert all(token.encode() not in path.read_bytes() for path in home.glob("cutwork.db*"))
    with pytest.raises(BadInput, match="already"):
        served.service.tokens.add("ann")
    with pytest.raises(BadInput, match="no token"):
        served.service.tokens.remove("bob")
    for name in ("", "a/b", "x" * 80, "a b"):
        with pytest.raises(BadInput, match="name"):
            served.service.tokens.add(name)


def test_others_than_this_machine_are_never_let_in_without_a_token(serve: Callable[..., Served]) -> None:
    served = serve(host="0.0.0.0")
    assert served.client.get("/v1/meta").status_code == 401
    token = served.service.tokens.add("ann")
    answer = served.client.get("/v1/meta", headers={"Authorization": f"Bearer {token}", "Host": "design.example"})
    assert answer.json()["tenant"] == "ann"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("127.0.0.2", 200), ("studio.local", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil", 403), ("evil@127.0.0.1", 403), ("[::1", 403)],
)
def test_only_our_own_names_are_answered_to(serve: Callable[..., Served], host: str, status: int) -> None:
    served = serve(hosts="studio.local")
    for address in ("/v1/meta", "/"):
        assert served.client.get(address, headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "allowed"), [("same", True), ("http://[", False), ("http://evil.example", False), ("null", False), ("http://127.0.0.1:1", False), ("https://app.example", True)]
)
def test_only_our_own_page_may_write(serve: Callable[..., Served], origin: str, allowed: bool) -> None:
    served = serve(origins="https://app.example")
    origin = served.url if origin == "same" else origin
    for method, address in (("POST", "/v1/plans"), ("DELETE", "/v1/runs/x"), ("PATCH", "/v1/sessions/x")):
        answer = served.client.request(method, address, headers={"Origin": origin}, json={})
        assert (answer.status_code != 403) == allowed
    assert served.client.post("/v1/plans", headers={"Sec-Fetch-Site": "cross-site"}, json={}).status_code == 403
    assert served.client.get("/v1/meta", headers={"Origin": origin}).status_code == 200


def test_other_sites_see_nothing_unless_they_are_named(serve: Callable[..., Served]) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    closed, opened = serve(), serve(origins="https://app.example")
    assert "access-control-allow-origin" not in closed.client.get("/v1/meta", headers=asked).headers
    assert opened.client.get("/v1/meta", headers=asked).headers["access-control-allow-origin"] == "https://app.example"
    assert opened.client.options("/v1/designs", headers=asked).status_code == 200
    assert "access-control-allow-origin" not in opened.client.get("/v1/meta", headers={"Origin": "https://evil.example"}).headers


@pytest.fixture
def neighbours(serve: Callable[..., Served]) -> Iterator[tuple[httpx.Client, httpx.Client, dict[str, str]]]:
    """Two tenants' clients, and the ids of everything that the first has."""
    served = serve()
    ann, bob = (httpx.Client(base_url=served.url, timeout=20, trust_env=False, headers={"Authorization": f"Bearer {served.service.tokens.add(name)}"}) for name in ("ann", "bob"))
    run = ann.post("/v1/designs", json={"brief": "a cat", "size": "64x64", "seed": 1}).json()["id"]
    session = ann.post("/v1/sessions", json={"title": "mine"}).json()["id"]
    turn = ann.post(f"/v1/sessions/{session}/turns", json={"words": "a dog"}).json()["id"]
    for id in (run, turn):
        served.until(id, lambda _, id=id: served.service.jobs.get(id).ended)  # type: ignore[misc, union-attr]
    design = ann.get(f"/v1/designs/{run}").json()
    image = design["image"].rsplit("/", 1)[1]
    yield ann, bob, {"run": run, "session": session, "turn": turn, "design": run, "sha256": image, "mask": design["cutouts"][0]["mask"].rsplit("/", 1)[1]}
    for client in (ann, bob):
        client.close()


def ids_for(path: str, ids: dict[str, str]) -> str:
    kind = "session" if "/sessions" in path else "run" if "/runs" in path else "design"
    return path.format_map({"id": ids[kind], "turn": ids["turn"], "sha256": ids["sha256"], "thread_id": ids["session"], "run_id": ids["turn"], "checkpoint_id": ids["turn"]})


def body_for(method: str, path: str) -> Any:
    said = {"assistant_id": "cutwork", "input": {"messages": [{"role": "user", "content": "a dog"}]}}
    given = {"/answer": {"decisions": [{"type": "approve"}]}, "/turns": {"words": "undo"}, "/head": {"turn": None}, "/state": {"values": {}}, "/checkpoint": {"checkpoint": {}}}
    given |= dict.fromkeys(("/runs", "/runs/stream", "/runs/wait"), said)
    return None if method in ("GET", "DELETE") else next((body for end, body in given.items() if path.endswith(end)), {})


def test_every_route_that_names_a_thing_is_looked_at() -> None:
    assert len(OWN) >= 30


def test_a_tenant_sees_nothing_of_anothers(neighbours: Any) -> None:
    """All routes in one go: the neighbours are set up once."""
    ann, bob, ids = neighbours
    for method, path in OWN:
        address = ids_for(path, ids)
        params = {"a": ids["turn"], "b": ids["turn"]} if path.endswith("/compare") else None
        answer = bob.request(method, address, json=body_for(method, path), params=params)
        assert answer.status_code == 404, (method, address, answer.status_code, answer.text)
        assert ids["design"] not in answer.text.replace(ids_for(path, ids), "").replace(ids["design"], "", 1)
    assert {row["id"] for row in ann.get("/v1/designs").json()["data"]} >= {ids["design"]}
    assert len(ann.get("/v1/designs").json()["data"]) == 2  # that of the turn is hers too
    for address in ("/v1/designs", "/v1/runs", "/v1/sessions"):
        assert bob.get(address).json()["data"] == []
        assert ann.get(address).json()["data"]
    assert bob.get("/v1/runs", params={"session": ids["session"]}).json()["data"] == []
    assert bob.get(f"/v1/artifacts/{ids['mask']}").status_code == 404
    assert ann.get(f"/v1/artifacts/{ids['mask']}").status_code == 200
    assert bob.post("/v1/designs", json={"brief": "a cat", "references": [ids["sha256"]]}).status_code == 422
    assert ann.get(f"/v1/designs/{ids['design']}").status_code == 200  # and nothing of hers was touched
    assert ann.get(f"/v1/sessions/{ids['session']}").status_code == 200


def ended(who: httpx.Client, run: str) -> dict[str, Any]:
    """A run when it has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while (told := who.get(f"/v1/runs/{run}").json())["status"] not in ("done", "failed", "cancelled"):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return dict(told)


def test_an_area_is_marked_by_a_tenants_own_picture_alone(neighbours: Any) -> None:
    ann, bob, ids = neighbours
    said = []
    for who, session in ((ann, ids["session"]), (bob, bob.post("/v1/sessions", json={}).json()["id"])):
        calls = [{"tool": "add", "args": {"phrase": "a star", "mask": ids["mask"]}}]
        for body in ({"words": "a dog"}, {"calls": calls}):
            run = who.post(f"/v1/sessions/{session}/turns", json=body).json()["id"]
            told = ended(who, run)
        turn = who.get(f"/v1/sessions/{session}/turns/{run}").json()
        said.append((told["status"], json.dumps(turn)))
    assert "here is no mask" not in said[0][1]
    assert said[1][0] == "failed"
    assert f"here is no mask {ids['mask']}" in said[1][1]


def test_a_session_begins_from_a_tenants_own_picture_alone(neighbours: Any) -> None:
    ann, bob, ids = neighbours
    calls = [{"tool": "design", "args": {"brief": "a cat", "size": "64x64", "reference": ids["sha256"], "follow": 0.5}}]
    said = []
    for who, session in ((ann, ids["session"]), (bob, bob.post("/v1/sessions", json={}).json()["id"])):
        run = who.post(f"/v1/sessions/{session}/turns", json={"calls": calls}).json()["id"]
        told = ended(who, run)
        said.append((told["status"], json.dumps(who.get(f"/v1/sessions/{session}/turns/{run}").json())))
    assert said[0][0] == "done"
    assert "at 50 % noise" in said[0][1]
    assert said[1][0] == "failed"
    assert f"here is no picture {ids['sha256']} to begin from" in said[1][1]


def test_the_same_key_of_two_tenants_is_two_runs(neighbours: Any) -> None:
    ann, bob, _ = neighbours
    made = [client.post("/v1/designs", json={"brief": "a cat", "size": "64x64"}, headers={"Idempotency-Key": "k"}).json()["id"] for client in (ann, bob)]
    assert made[0] != made[1]


def test_loopback_is_told_from_the_rest() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))
