"""Keys to the service, kept by their hashes: who reads the database cannot get in."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, insert, select

from cutwork.errors import BadInput
from cutwork.storage.db import reading, writing
from cutwork.storage.service_tables import TokenRow

BEGINS = "cw_"  # so that a token that strayed into a log or a repository is known for one


def hashed(token: str) -> str:
    """What is kept of a token. It is long and random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class SqlTokens:
    """Tokens in the tables of `service_tables.py`. Every method raises StorageFailed if the database cannot be read or written."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, name: str) -> str:
        """A new token; it is told only now.

        Raises:
            BadInput: if there is one of that name, or the name cannot be one.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
            raise BadInput(f"{name!r} cannot be a token's name: wanted letters, digits, dots, dashes and underscores, 64 at most")
        token = BEGINS + secrets.token_urlsafe(32)
        with writing(self.engine) as connection:
            if connection.execute(select(TokenRow.name).where(TokenRow.name == name)).first() is not None:
                raise BadInput(f"there is already a token {name!r}", f"cutwork token remove {name} first; what belongs to {name} stays")
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            connection.execute(insert(TokenRow), [{"name": name, "sha256": hashed(token), "created": now}])
        return token

    def list(self) -> Sequence[tuple[str, str]]:
        """Names and when they were added."""
        with reading(self.engine) as connection:
            return [(row.name, row.created) for row in connection.execute(select(TokenRow.name, TokenRow.created).order_by(TokenRow.name))]

    def remove(self, name: str) -> None:
        """Let nobody in by it any more.

        Raises:
            BadInput: if there is none of that name.
        """
        with writing(self.engine) as connection:
            if not connection.execute(delete(TokenRow).where(TokenRow.name == name)).rowcount:
                raise BadInput(f"there is no token {name!r}", "`cutwork token list` lists those there are")

    def names(self) -> dict[str, str]:
        """Names by hash."""
        with reading(self.engine) as connection:
            return {row.sha256: row.name for row in connection.execute(select(TokenRow.sha256, TokenRow.name))}
