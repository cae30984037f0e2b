"""The page in a real browser, over the real service with the embedded model and the offline planner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

QUICK, LASTING = os.environ.get("PAGE_QUICK"), os.environ.get("PAGE_LASTING")  # services that run already, for work on the page
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def environment(home: Path, steps: int = 3) -> dict[str, str]:
    """What a command of ours is to see: a home of its own, and nothing that is set here."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("CUTWORK_", "OPENAI_"))}
    return ours | {"CUTWORK_HOME": str(home), "CUTWORK_STEPS": str(steps), "CUTWORK_ROUNDS": "1", "OMP_NUM_THREADS": "1"}


@contextmanager
def service(home: Path, steps: int, running: str | None) -> Iterator[str]:
    """`cutwork serve` in a process of its own; its address."""
    if running:
        yield running
        return
    env = environment(home, steps)
    command = [sys.executable, "-m", "cutwork", "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=home) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """What it says it can be reached at; what it says afterwards is read and let go of, so that it never waits to be heard."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"http://[\w.:\[\]]+", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[0]
    raise AssertionError(f"the service did not start: {''.join(said)[-2000:]}")


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service whose pictures are done soon."""
    with service(tmp_path_factory.mktemp("quick"), 3, QUICK) as address:
        yield address


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service whose pictures take so long that there is always a middle to look at."""
    with service(tmp_path_factory.mktemp("lasting"), 200, LASTING) as address:
        yield address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Callable[..., str]]]:
    """A service that wants a token, and `cutwork token` for it."""
    home = tmp_path_factory.mktemp("guarded")

    def token(*words: str) -> str:
        return subprocess.run([sys.executable, "-m", "cutwork", "token", *words], env=environment(home), capture_output=True, text=True, check=True, cwd=home).stdout.strip()

    token("add", "somebody")
    with service(home, 3, None) as address:
        yield address, token


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser; as long as there is one, no other loop can run in this thread, which tests elsewhere want."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"], timeout=120_000)
        yield started
        started.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A browser profile of its own; what the page complains of fails the test."""
    made = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    made.set_default_timeout(60_000)
    faults: list[str] = []
    made.on("weberror", lambda error: faults.append(str(error.error)))
    made.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    yield made
    made.close()
    assert not faults


@pytest.fixture
def page(context: Any) -> Any:
    return context.new_page()
