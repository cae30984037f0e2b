"""Every error answers as a problem of RFC 9457, whoever raised it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from cutwork import problems
from cutwork.api.models import Problem
from cutwork.domain import Json
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.jobs import KeyUsed, QueueFull
from cutwork.tools.intake import TooLarge, WrongType

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: ("bad_request", "The request cannot be read"),
    401: ("unauthorised", "A token is needed"),
    403: ("forbidden", "This is not allowed"),
    404: ("not_found", "There is no such thing"),
    405: ("method_not_allowed", "This address does not know that method"),
    409: ("conflict", "This cannot be done as things stand"),
    413: ("too_large", "This is too large"),
    415: ("media_type", "This media type cannot be read"),
    416: ("range", "There is no such range"),
    422: ("bad_input", "This cannot be used"),
    429: ("too_many", "Too many at once"),
    503: ("unavailable", "Not just now"),
}


class Missing(BadInput):
    """There is no such thing, or it is another tenant's, which is not told apart."""

    problem = (404, *TITLES[404])


class Conflict(BadInput):
    """What is asked cannot be done as things stand."""

    problem = (409, *TITLES[409])


TooLarge.problem = (413, *TITLES[413])  # type: ignore[attr-defined]
WrongType.problem = (415, *TITLES[415])  # type: ignore[attr-defined]
QueueFull.problem = (429, *TITLES[429])  # type: ignore[attr-defined]
KeyUsed.problem = (422, "idempotency_key_reused", "This key was used for another request")  # type: ignore[attr-defined]


def answer(told: Json, headers: dict[str, str] | None = None) -> Response:
    """A problem as the answer to a request."""
    return JSONResponse(told, told["status"], {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def plain(status: int, detail: str, hint: str | None = None, **headers: str) -> Response:
    """A problem of HTTP itself."""
    code, title = TITLES.get(status, ("failed", "It failed"))
    return answer(problems.problem(status, code, title, detail, hint), headers)


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""
    app.add_exception_handler(CutworkError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of handlers
    return answer(problems.of(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = {
        404: f"there is nothing at {request.url.path[:200]}",
        405: f"{request.url.path[:200]} does not know {request.method}",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {}) | ({"Allow": _allowed(request)} if error.status_code == 405 else {})
    return plain(error.status_code, detail, **headers)


def _allowed(request: Request) -> str:
    """The methods an address knows; the router names only those of the first route that has it."""
    found = {method for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE for method in getattr(route, "methods", None) or ()}
    return ", ".join(sorted(found))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [{"where": [part for part in map(str, fault["loc"]) if "[" not in part], "message": str(fault["msg"]).removeprefix("Value error, ")} for fault in error.errors()]
    broken = any(fault["type"] == "json_invalid" for fault in error.errors())
    status = 400 if broken else 422
    code, title = TITLES[status]
    kind = request.headers.get("content-type", "")
    unread = not broken and any(fault["where"] == ["body"] for fault in faults) and "json" not in kind.lower()  # curl -d alone says that it sends a form
    hint = f"send it with the header Content-Type: application/json; it {f'says {kind[:60]}' if kind else 'has none'}" if unread else None
    told = problems.problem(status, code, title, "; ".join(f"{'.'.join(fault['where'])}: {fault['message']}" for fault in faults[:5]), hint)
    return answer(told | {"errors": faults[:20]})


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI says of errors."""
    return {status: {"model": Problem, "description": TITLES[status][1]} for status in (*statuses, 422)}
