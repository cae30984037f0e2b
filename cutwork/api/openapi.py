"""Prints the OpenAPI description: `python -m cutwork.api.openapi > docs/openapi.json`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from cutwork.api.app import create_app
from cutwork.api.deps import Service
from cutwork.domain import Json
from cutwork.settings import Settings
from cutwork.studio import Studio


def described() -> Json:
    """The description of the service as it is by default, whatever this machine is set up for."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), model="mini", llm="offline", database_url="sqlite://")
        return create_app(Service(Studio(settings))).openapi()


def text() -> str:
    """As it is committed."""
    return json.dumps(described(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
