"""What README tells other software to send, sent as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from conftest import Served

README = Path(__file__).parents[2] / "README.md"
PORT = "localhost:8765"
LONGEST_S = 300


def snippet(name: str) -> str:
    """The code between `<!-- snippet: NAME -->` and `<!-- end -->`."""
    found = re.search(rf"<!-- snippet: {re.escape(name)} -->\n```\w+\n(.*?)\n```\n<!-- end -->", README.read_text("utf-8"), re.DOTALL)
    assert found, f"README has no snippet {name!r}"
    return found[1]


def run(served: Served, name: str, *command: str) -> str:
    """Run a snippet against a service in a folder of its own; what it printed."""
    text = snippet(name)
    assert PORT in text
    text = text.replace(PORT, served.url.removeprefix("http://"))
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run([*command, text], capture_output=True, text=True, timeout=LONGEST_S, env=clean)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mode(path: str) -> str:
    """Of a picture's pixels."""
    with Image.open(path) as image:
        return image.mode


@pytest.fixture
def patient(served: Served) -> Served:
    """A service whose goods are real, though its drawing is not."""
    from cutwork.tools.finish import finish

    served.drawing.finish = lambda design: finish(design, served.service.studio.wired.blobs)  # type: ignore[method-assign]
    return served


def test_curl(patient: Served) -> None:
    for tool in ("curl", "jq"):
        assert shutil.which(tool), f"{tool} is needed to try README's commands"
    out = run(patient, "curl", "bash", "-euo", "pipefail", "-c")
    assert "event: done" in out
    assert out.splitlines()[-3:] == ["accepted", "cat", "rocket"]
    assert Path("design.psd").read_bytes()[:4] == b"8BPS"


@pytest.mark.slow
def test_openai(patient: Served) -> None:
    out = run(patient, "openai", sys.executable, "-c")
    assert mode("subjects.png") == "RGBA"
    assert "cut out" in out
    assert "![" in out
    sessions = patient.client.get("/v1/sessions").json()["data"]
    assert [len(patient.client.get(f"/v1/sessions/{one['id']}").json()["turns"]) for one in sessions] == [2]


@pytest.mark.slow
def test_langgraph(patient: Served) -> None:
    out = run(patient, "langgraph", sys.executable, "-c")
    assert "step 3 of 3" in out
    assert out.count("'") == 4  # two checkpoints


@pytest.mark.slow
def test_mcp(patient: Served) -> None:
    out = run(patient, "mcp", sys.executable, "-c")
    assert "cut out" in out
    assert mode("cat-1-image.png") == "RGBA"


def test_mcp_servers_are_named_as_clients_read_them() -> None:
    (server,) = json.loads(snippet("mcp.json"))["mcpServers"].values()
    assert [server["command"], *server["args"]] == ["cutwork", "mcp"]
    help = subprocess.run([sys.executable, "-m", "cutwork", *server["args"], "--help"], capture_output=True, text=True, timeout=LONGEST_S)
    assert help.returncode == 0
