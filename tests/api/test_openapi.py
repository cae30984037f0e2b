"""The description is the one that is committed, and the service keeps to it whatever is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
def test_nothing_that_fits_the_description_breaks_it(serve: Callable[..., Served]) -> None:
    """Requests made up from the description, good ones and bad ones: never an answer of 500 and above."""
    import schemathesis
    from schemathesis.checks import not_a_server_error

    served = serve()
    schema = schemathesis.openapi.from_dict(json.loads(COMMITTED.read_text("utf-8")))
    skipped = ("/events", "/stream", "/mcp", "/wait", "/join")  # they stay open
    tried = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()
        if any(part in operation.path for part in skipped):
            continue
        case_strategy = operation.as_strategy()
        tried += 1
        _try(case_strategy, served, not_a_server_error)
    assert tried > 20
    assert served.client.get("/readyz").json()["ready"]


def _try(strategy: Any, served: Served, check: Any) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=strategy)
    def one(case: Any) -> None:
        answer = case.call(base_url=served.url, timeout=20)
        assert answer.status_code < 500 or answer.status_code == 503, (case.method, case.path, answer.status_code, answer.text[:300])

    one()
