"""Time as the database keeps it: text whose order is the order of time."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The time."""
    return kept(datetime.now(UTC))


def kept(at: datetime) -> str:
    """A time in UTC, to the microsecond."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
