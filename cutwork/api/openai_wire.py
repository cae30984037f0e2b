"""How OpenAI's API speaks, as far as our doors need it: its errors, and requests that may hold what we do not know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from cutwork import problems
from cutwork.api.waiting import ClientLeft
from cutwork.domain import Json
from cutwork.errors import CutworkError

if TYPE_CHECKING:
    from cutwork.api.models import Run

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
LEFT = 499  # status of answers that nobody is there to read
WARNINGS = "X-Cutwork-Warnings"  # header of answers in which something asked for was passed over


class Refusal(Exception):
    """A request that is answered with an error of OpenAI's shape."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400, type: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"message": message, "type": type, "param": param, "code": code}}


class Asked(BaseModel):
    """Base of requests: unknown fields are passed over and said."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def unknown(self, idle: Collection[str] = ()) -> list[str]:
        """A sentence for each field that we do not know and that holds something, but for those that may stand idle."""
        return [f"{written(name)} is not known here and was passed over" for name, value in (self.model_extra or {}).items() if value is not None and name not in idle]


class ErrorBody(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """An error as OpenAI's clients read it."""

    error: ErrorBody


class OpenAiRoute(APIRoute):
    """A route whose errors have OpenAI's shape."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await answer(request)
            except ClientLeft:
                return Response(status_code=LEFT)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return JSONResponse(refusal.body, refusal.status)

        return handler


def refusal_of(error: Exception) -> Refusal | None:
    """An error that was raised on purpose, as OpenAI would say it; None for all others."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, RequestValidationError):
        return _of_fields(error)
    if isinstance(error, HTTPException):
        type = {401: "authentication_error", 403: "permission_error", 404: "invalid_request_error", 429: "rate_limit_error"}.get(error.status_code, "invalid_request_error")
        return Refusal(str(error.detail), status=error.status_code, type=type, code="invalid_api_key" if error.status_code == 401 else None)
    if isinstance(error, CutworkError):
        return refusal_from(problems.of(error))
    return None


def refusal_from(problem: Json) -> Refusal:
    """What our own API would say, as OpenAI's would."""
    status, hint = int(problem.get("status") or 500), problem.get("hint")
    words = str(problem.get("detail") or problem.get("title") or "it failed")
    known = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    type = known.get(status, "invalid_request_error" if status < 500 else "server_error")
    return Refusal(f"{words} ({hint})" if hint else words, status=400 if status == 422 else status, type=type, code=str(problem.get("code") or "failed"))


def unfinished(run: Run) -> Refusal:
    """Why a run that is waited for no more has nothing to show."""
    if run.status == "needs_approval":
        return Refusal(f"Run {run.id} waits for approval of its plan: POST /v1/designs/{run.design or run.id}/resume.", code="needs_approval", status=409)
    if run.status == "cancelled":
        return Refusal(f"Run {run.id} was cancelled.", code="cancelled", status=409)
    if run.status == "failed" and run.error is not None:
        return refusal_from(run.error.model_dump())
    return Refusal(f"The service is ending; run {run.id} goes on when it is back.", type="server_error", code="unavailable", status=503)


def _of_fields(error: RequestValidationError) -> Refusal:
    """The first field that cannot be used."""
    first: Json = dict(error.errors()[0])
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    param, missing = written(".".join(place)) or None, first["type"] == "missing"
    if missing:
        return Refusal(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
    message = str(first["msg"]).removeprefix("Value error, ")
    return Refusal(f"Invalid value for '{param or 'body'}': {message}, got {str(first.get('input'))[:80]!r}.", param=param, code="invalid_value")


def written(name: str) -> str:
    """A name of the caller's, as an answer may repeat it."""
    return name[:100].encode("utf-8", "replace").decode()


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: four characters each, as in English."""
    return -(-len(text) // 4)


def header_safe(warnings: list[str]) -> dict[str, str]:
    """Warnings as a header, where there are some."""
    text = "; ".join(warnings).encode("latin-1", "replace").decode("latin-1")
    return {WARNINGS: "".join(c for c in text if c.isprintable())[:2_000]} if warnings else {}
