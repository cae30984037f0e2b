"""Time as the database keeps it, and ids that are made of it: text whose order is the order of time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def now() -> str:
    """The time."""
    return kept(datetime.now(UTC))


def fresh_id() -> str:
    """An id that nothing has yet, of a run, a session or a turn."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def kept(at: datetime) -> str:
    """A time in UTC, to the microsecond."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
