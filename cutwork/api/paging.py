"""Where a list goes on: a cursor is what stands at the last row seen, so that rows that come or go do not move the others."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

from fastapi import Query

from cutwork.errors import BadInput

Limit = Annotated[int, Query(ge=1, le=200, description="rows at most")]
After = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]


def cursor(place: Any) -> str:
    """A place in a list as text that nobody needs to understand."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def place(after: str | None, *kinds: type) -> Any:
    """The place a cursor names, a list of values of those types; None without one.

    Raises:
        BadInput: if it is no cursor of this list.
    """
    if after is None:
        return None
    try:
        found = json.loads(base64.b64decode(after.encode() + b"=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except ValueError:
        found = None
    if not isinstance(found, list) or [type(value) for value in found] != list(kinds) or any(isinstance(v, int) and abs(v) >= 2**63 for v in found):
        raise BadInput(f"after is {after[:60]!r}, which is no cursor of this list", "send `next` of the page before, as it is")
    return found
