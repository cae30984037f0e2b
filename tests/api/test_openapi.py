"""The description is the one that is committed, and the service keeps to it whatever is sent."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import InvalidArgument, Unsatisfiable

from cutwork.api.openapi import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Served

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_description_is_the_committed_one() -> None:
    assert text() == COMMITTED.read_text("utf-8"), "python -m cutwork.api.openapi > docs/openapi.json"


def test_every_answer_is_described() -> None:
    described = json.loads(COMMITTED.read_text("utf-8"))
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            assert good, (method, path)
            for status, answer in operation["responses"].items():
                if status.startswith("4") and path.startswith("/v1/") and "application/problem+json" in answer.get("content", {}):
                    assert answer["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # threads of the server do, meanwhile
def test_nothing_that_fits_the_description_breaks_it(serve: Callable[..., Served]) -> None:
    """Requests made up from the description, good ones and bad ones: never an answer of 500 and above."""
    import schemathesis
    from schemathesis import GenerationMode

    served = serve()
    run = served.design()["id"]
    session = served.client.post("/v1/sessions", json={}).json()["id"]
    turn = served.client.post(f"/v1/sessions/{session}/turns", json={"words": "a cat"}).json()["id"]
    image = served.client.get(f"/v1/designs/{served.ended(run)['design']}").json()["image"]
    served.ended(turn)
    there = {"turn": turn, "thread_id": session, "run_id": turn, "checkpoint_id": turn, "assistant_id": "cutwork", "sha256": image.rsplit("/", 1)[1]}
    schema = schemathesis.openapi.from_dict(json.loads(COMMITTED.read_text("utf-8")))
    skipped = ("/events", "/stream", "/mcp", "/wait", "/join")  # they stay open
    tried = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()
        if any(part in operation.path for part in skipped):
            continue
        tried += 1
        _try(operation.as_strategy(), served)
        if "{" in operation.path and operation.method.upper() != "DELETE":  # things that are there
            _try(operation.as_strategy(), served, there | {"id": session if "/sessions" in operation.path else run})
        with suppress(InvalidArgument, Unsatisfiable):  # nothing wrong can be sent to some
            _try(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), served)
    assert tried > 20
    assert served.client.get("/readyz").json()["ready"]


def _try(strategy: Any, served: Served, there: dict[str, str] | None = None) -> None:
    @settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=strategy)
    def one(case: Any) -> None:
        case.path_parameters |= {name: value for name, value in (there or {}).items() if name in (case.path_parameters or {})}
        answer = case.call(base_url=served.url, timeout=20)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code, answer.text[:300])

    one()
