"""Errors as problems of RFC 9457: what an answer, an event or a job that failed says about what went wrong.

An error that was not foreseen tells its reader nothing about the machine; the log has it.
"""

from __future__ import annotations

from cutwork.domain import Json
from cutwork.errors import BadInput, BadSetting, Cancelled, CutworkError, LicenceRefused, LlmFailed, NotConfigured, Refused, StorageFailed
from cutwork.settings import masked

KNOWN: tuple[tuple[type[CutworkError], int, str, str], ...] = (  # the first that fits
    (BadSetting, 503, "not_configured", "The service is not set up for this"),
    (BadInput, 422, "bad_input", "This cannot be used"),
    (NotConfigured, 503, "not_configured", "The service is not set up for this"),
    (LicenceRefused, 403, "licence", "The model's licence does not allow this"),
    (Refused, 422, "refused", "The model declined"),
    (LlmFailed, 502, "llm_failed", "The language model gave no usable answer"),
    (StorageFailed, 503, "storage_failed", "The service could not keep this"),
    (Cancelled, 409, "cancelled", "It was stopped"),
    (CutworkError, 500, "failed", "It failed"),
)
LONGEST = 2_000  # characters of a detail


def problem(status: int, code: str, title: str, detail: str, hint: str | None = None) -> Json:
    """A problem as JSON."""
    told = {"type": f"urn:cutwork:problem:{code}", "title": title, "status": status, "detail": detail[:LONGEST], "code": code}
    return told | ({"hint": hint} if hint else {})


def of(error: BaseException) -> Json:
    """What a caller is told of an error."""
    for kind, status, code, title in KNOWN:
        if isinstance(error, kind):
            own = getattr(error, "problem", None)  # errors of the service say more exactly what they are
            status, code, title = own or (status, code, title)
            return problem(status, code, title, masked(str(error)), error.hint)
    return problem(500, "internal", "Something went wrong here", "this was not foreseen; the service's log has more under the request's or run's id")
