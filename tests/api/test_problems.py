"""Every error is a problem of RFC 9457, and none tells what is nobody's business."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cutwork import errors, problems

if TYPE_CHECKING:
    from conftest import Served


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "address", "how", "status"),
    [
        ("GET", "/nonsense", {}, 404),
        ("GET", "/v1/nonsense", {}, 404),
        ("POST", "/v1/nonsense", {}, 404),
        ("GET", "/../../etc/passwd", {}, 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", {}, 404),
        ("GET", "/.env", {}, 404),
        ("PUT", "/v1/designs", {}, 405),
        ("DELETE", "/healthz", {}, 405),
        ("POST", "/v1/designs", {"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ("POST", "/v1/designs", {"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}, 400),
        ("POST", "/v1/designs", {"content": b"brief=cat", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 422),
        ("POST", "/v1/designs", {"json": []}, 422),
        ("POST", "/v1/designs", {"json": {"brief": 7}}, 422),
        ("POST", "/v1/designs", {"json": {"brief": "x" * 3_000}}, 422),
        ("POST", "/v1/designs", {"json": {"brief": "a cat", "seed": -1}}, 422),
        ("POST", "/v1/designs", {"content": b'{"brief": "a cat", "guidance": NaN}', "headers": {"content-type": "application/json"}}, 422),
        ("POST", "/v1/designs", {"content": b" " * (2 << 20)}, 413),
        ("POST", "/v1/designs", {"json": {"brief": "a cat"}, "headers": {"Idempotency-Key": "x" * 201}}, 422),
        ("POST", "/v1/plans", {"json": {"brief": "a cat"}, "headers": {"Origin": "http://["}}, 403),
        ("POST", "/mcp", {"content": b" " * (51 << 20)}, 413),
        ("POST", "/threads/foo%20bar/runs", {"json": {"assistant_id": "session", "input": {"messages": "a cat"}, "if_not_exists": "create"}}, 422),
        ("POST", "/threads", {"content": b'{"metadata": {"a": ["\\ud800"]}}', "headers": {"content-type": "application/json"}}, 422),
        ("POST", "/threads", {"content": b'{"metadata": {"\\udfff": 1}}', "headers": {"content-type": "application/json"}}, 422),
        ("POST", "/threads", {"json": {"metadata": {"a": 2**64}}}, 422),
        ("GET", "/v1/runs?limit=0", {}, 422),
        ("GET", "/v1/runs?after=WzFd.", {}, 422),
        ("GET", "/v1/runs?after=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ", {}, 422),
        ("GET", "/v1/runs/nonesuch", {}, 404),
        ("GET", "/v1/designs/nonesuch", {}, 404),
        ("GET", "/v1/sessions/nonesuch", {}, 404),
    ],
)
def test_errors_are_problems(served: Served, method: str, address: str, how: dict[str, object], status: int) -> None:
    answer = served.client.request(method, address, **how)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "detail", "code"} <= set(told)
    assert told["type"] == f"urn:cutwork:problem:{told['code']}"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("call", [{"tool": "design", "args": {"brief": "a cat", "seed": 2**65}}, {"tool": "undo", "args": {"steps": 10**30}}, {"tool": "refinish", "args": {"settings": {"sticker": {"size_mm": -(2**70)}}}}])
def test_a_number_that_nothing_can_keep_is_refused(served: Served, call: dict[str, Any]) -> None:
    session = served.client.post("/v1/sessions", json={}).json()["id"]
    answer = served.client.post(f"/v1/sessions/{session}/turns", json={"calls": [call]})
    assert answer.status_code == 422, answer.text
    assert "bits cannot be kept" in answer.text


@pytest.mark.parametrize("text", ["\\ud800", "a cat \\udc00 and a dog"])
def test_half_a_character_is_refused_wherever_a_turn_takes_words(served: Served, text: str) -> None:
    session = served.client.post("/v1/sessions", json={}).json()["id"]
    call = {"tool": "design", "args": {"brief": "TEXT"}}
    asked = [
        ("/v1/designs", {"brief": "TEXT"}), ("/v1/designs", {"brief": "a cat", "wishes": {"sticker": {"title": "TEXT"}}}),
        (f"/v1/sessions/{session}/turns", {"words": "TEXT"}), (f"/v1/sessions/{session}/turns", {"calls": [call]}),
        *((f"/threads/{session}/runs", {"assistant_id": "session", "input": given}) for given in ({"messages": "TEXT"}, {"messages": [{"role": "user", "content": "TEXT"}]}, {"calls": [call]})),
        (f"/threads/{session}/runs", {"assistant_id": "design", "input": {"brief": "TEXT"}}),
        (f"/threads/{session}/runs", {"assistant_id": "session", "input": {"messages": "a cat"}, "metadata": {"a": "TEXT"}}),
    ]  # fmt: skip
    for address, body in asked:
        answer = served.client.post(address, content=json.dumps(body).replace("TEXT", text), headers={"content-type": "application/json"})
        assert answer.status_code == 422, (address, body, answer.text)
    assert served.service.jobs.list("local") == []


def test_json_that_was_sent_as_something_else_is_told_so(served: Served) -> None:
    for headers in ({"content-type": "application/x-www-form-urlencoded"}, {}):
        told = served.client.post("/v1/designs", content=b'{"brief": "a cat"}', headers=headers).json()
        assert "Content-Type: application/json" in told["hint"]
    assert "hint" not in served.client.post("/v1/designs", json=[]).json()
    assert "hint" not in served.client.post("/v1/designs", json={"brief": 7}).json()


def test_a_method_that_is_not_known_is_told_those_that_are(served: Served) -> None:
    assert served.client.put("/v1/designs").headers["allow"] == "GET, POST"


def test_what_nobody_foresaw_tells_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> object:
        raise RuntimeError("the password is hunter2 at /root")

    monkeypatch.setattr(served.service.jobs, "look", fail)
    answer = served.client.get("/v1/runs/x", headers={"X-Request-ID": "abc-1"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == "abc-1"


def test_request_ids_are_kept_where_they_are_plain(served: Served) -> None:
    assert served.client.get("/healthz", headers={"X-Request-ID": "a.b-c_1"}).headers["x-request-id"] == "a.b-c_1"
    for bad in ("a b", "x" * 65, "é"):
        assert served.client.get("/healthz", headers={"X-Request-ID": bad.encode()}).headers["x-request-id"] != bad


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.BadInput("x"), 422, "bad_input"),
        (errors.BadSetting("x"), 503, "not_configured"),
        (errors.NotConfigured("x", "mend"), 503, "not_configured"),
        (errors.LicenceRefused("x"), 403, "licence"),
        (errors.Refused("x"), 422, "refused"),
        (errors.LlmFailed("x"), 502, "llm_failed"),
        (errors.StorageFailed("x"), 503, "storage_failed"),
        (errors.Cancelled("x"), 409, "cancelled"),
        (errors.CutworkError("x"), 500, "failed"),
        (ValueError("secret"), 500, "internal"),
    ],
)
def test_every_error_of_ours_has_its_problem(error: Exception, status: int, code: str) -> None:
    told = problems.of(error)
    assert (told["status"], told["code"], told.get("hint")) == (status, code, getattr(error, "hint", None))
    assert "secret" not in str(told)


def test_keys_and_passwords_are_hidden_in_what_is_told() -> None:
    assert "topsecret" not in problems.of(errors.NotConfigured("http://me:topsecret@host failed"))["detail"]


def test_numbers_for_prometheus(served: Served) -> None:
    id = served.design()["id"]
    served.ended(id)
    text = served.client.get("/metrics").text
    assert 'cutwork_http_requests_total{method="POST",route="/v1/designs",status="202"} 1.0' in text
    assert 'cutwork_http_request_seconds_count{route="/v1/runs/{id}"}' in text
    assert 'cutwork_runs{status="done"} 1.0' in text
    assert "cutwork_queue_length 0.0" in text
    served.client.get("/v1/nonsense")
    assert "nonsense" not in served.client.get("/metrics").text


def test_whether_work_can_be_taken(served: Served) -> None:
    assert served.client.get("/healthz").json() == {"status": "ok"}
    assert served.client.get("/readyz").json() == {"ready": True, "database": True, "model": True, "worker": True}
    served.service.worker.drain()
    deadline = time.monotonic() + 10
    while served.client.get("/readyz").status_code != 503:
        assert time.monotonic() < deadline
    assert served.client.get("/readyz").json()["worker"] is False


def test_a_page_says_how_to_use_it_and_runs_nothing_else(served: Served) -> None:
    answer = served.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
