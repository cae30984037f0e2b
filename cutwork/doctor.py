"""`cutwork doctor`: what Cutwork needs, what there is, and how to mend what is missing.

Looks and reports; changes nothing except that it creates the home folder if that can be done.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cutwork.settings import Settings, masked, place_downloads, strays

LOW_DISK = 2 * 2**30  # bytes
UNFORESEEN = "reinstall cutwork; if that does not mend it, report this line"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "warn", "bad"]
    found: str
    mend: str = ""

    @property
    def mark(self) -> str:
        return {"ok": "✓", "warn": "!", "bad": "✗"}[self.status]


def examine() -> list[Check]:
    """Run every check; a check that itself fails is reported as bad, never raised."""
    checks: list[Check] = []
    try:
        settings = Settings()
    except Exception as error:
        return [Check("settings", "bad", str(error), "mend or remove the named setting; `cutwork config show` lists them")]
    looks: tuple[Callable[[Settings], Iterator[Check]], ...] = (_python, _torch, _opencv, _model, _llm, _fonts, _disk, _database, _checkpoints, _strays)
    for look in looks:
        try:
            checks.extend(look(settings))
        except Exception as error:
            checks.append(Check(look.__name__.strip("_"), "bad", f"{type(error).__name__}: {error}", UNFORESEEN))
    return checks


def _python(settings: Settings) -> Iterator[Check]:  # noqa: ARG001
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Check("python", "ok" if good else "bad", f"{version} at {sys.executable}", "" if good else "install Python 3.11 or later")


def _torch(settings: Settings) -> Iterator[Check]:
    if importlib.util.find_spec("torch") is None:
        yield Check("torch", "bad", "not installed", "pip install -c constraints.txt -e .")
        return
    import torch

    yield Check("torch", "ok", f"{torch.__version__}, {settings.threads or torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        yield Check("gpu", "ok", f"{torch.cuda.get_device_name(0)}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB")
    else:
        built = f"torch is built for CUDA {torch.version.cuda} but finds no device; check the driver" if torch.version.cuda else ""
        yield Check("gpu", "warn" if built else "ok", "none; drawing on the CPU", built)


def _opencv(settings: Settings) -> Iterator[Check]:  # noqa: ARG001
    found = [name for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python") if _installed(name)]
    if len(found) > 1:
        yield Check(
            "opencv", "bad", f"{' and '.join(found)} own the same cv2 folder", f"pip uninstall -y {' '.join(found)} && pip install opencv-python-headless"
        )
        return
    try:
        import cv2
    except ImportError as error:
        yield Check("opencv", "bad", str(error), "pip install opencv-python-headless (opencv-python needs system libGL)")
        return
    yield Check("opencv", "ok", f"{cv2.__version__} ({found[0] if found else 'unknown distribution'})")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _model(settings: Settings) -> Iterator[Check]:
    from cutwork.tools.families.mini import folder

    weights = sorted(folder().rglob("*.safetensors")) if folder().is_dir() else []
    size = sum(f.stat().st_size for f in weights) / 2**20
    yield Check(
        "mini",
        "ok" if weights else "bad",
        f"{len(weights)} weight files, {size:.0f} MiB" if weights else "weights missing",
        "" if weights else "reinstall cutwork",
    )
    if settings.model != "mini":
        place_downloads(settings)
        yield _chosen(settings.model)


def _chosen(model: str) -> Check:
    """The model of the settings, where it is not the embedded one."""
    from cutwork.errors import CutworkError
    from cutwork.tools import catalogue
    from cutwork.tools.layouts import absent

    path = Path(model).expanduser()
    try:
        found = f"{model} ({catalogue.pipeline_class(model)})"
    except CutworkError as error:
        return Check("model", "bad", str(error), error.hint or "choose another with CUTWORK_MODEL; `cutwork models` lists those that are known")
    folder = path if path.is_dir() else None if path.is_file() else catalogue.cached(model)
    if faults := absent(folder) if folder is not None else ():
        here = path.is_dir()
        return Check("model", "bad" if here else "warn", f"{found} lacks {', '.join(faults)}", "copy the folder again" if here else catalogue.download(model))
    if folder is None and not path.is_file():
        known = catalogue.like(model)
        accept = f"accept its licence on {known.page} ({known.licence}), set HF_TOKEN, then: " if known is not None and known.gated and known.repo == model else ""
        return Check("model", "warn", f"{found}, not downloaded yet", f"{accept}{catalogue.download(model)}")
    return Check("model", "ok", found)


def _llm(settings: Settings) -> Iterator[Check]:
    if settings.llm == "offline":
        yield Check("llm", "ok", "offline planner (rules); set OPENAI_API_KEY or OPENAI_BASE_URL, or --llm openai:<model>, for a language model")
        return
    if settings.llm.startswith("replay:"):
        yield _recording(settings.llm)
        return
    import socket
    from urllib.parse import urlsplit

    base = settings.openai_base_url or "https://api.openai.com/v1"
    parts, base = urlsplit(base), masked(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        yield Check("llm", "bad", f"{settings.llm}: cannot reach {base}: {error}", "check OPENAI_BASE_URL and the network, or use --llm offline")
        return
    keyed = settings.openai_api_key is not None
    yield Check("llm", "ok" if keyed else "warn", f"{settings.llm} at {base}", "" if keyed else "OPENAI_API_KEY is not set; some servers need none")


def _recording(llm: str) -> Check:
    from cutwork.agents.replay import load_calls
    from cutwork.errors import CutworkError

    try:
        calls = load_calls(Path(llm.partition(":")[2].strip()))
    except CutworkError as error:
        return Check("llm", "bad", f"{llm}: {error}", "record one with --record FILE, or use --llm offline")
    return Check("llm", "ok", f"{llm}, {len(calls)} recorded calls")


def _fonts(settings: Settings) -> Iterator[Check]:  # noqa: ARG001
    from PIL import ImageFont, features

    shaping = "with" if features.check("raqm") else "without"
    ImageFont.load_default(size=16)
    yield Check("fonts", "ok", f"Pillow's own font loads; {shaping} complex shaping")


def _disk(settings: Settings) -> Iterator[Check]:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Check("home", "bad", f"{settings.home}: {error.strerror or error}", "set CUTWORK_HOME to a folder that can be written")
        return
    free = shutil.disk_usage(settings.home).free
    low = free < LOW_DISK
    yield Check("home", "warn" if low else "ok", f"{settings.home}, {free / 2**30:.1f} GiB free", "make room: a run keeps a few MB" if low else "")


def _database(settings: Settings) -> Iterator[Check]:
    from cutwork.errors import CutworkError
    from cutwork.storage.db import check
    from cutwork.wiring import Wired

    where = masked(settings.database_url)
    try:
        designs = Wired(settings).designs
        count = len(designs.list_summaries(1000, None))
        damage = check(designs.engine)
    except CutworkError as error:
        yield Check("database", "bad", str(error), error.hint or "choose another with CUTWORK_HOME or CUTWORK_DATABASE_URL")
        return
    if damage:
        mend = "export the runs that can be read (cutwork export ID), then move the file aside; `sqlite3 FILE .recover` rescues more"
        yield Check("database", "bad", f"{where} is damaged: {'; '.join(damage[:3])}", mend)
        return
    yield Check("database", "ok", f"{where}, {count}{'+' if count == 1000 else ''} runs")


def _checkpoints(settings: Settings) -> Iterator[Check]:
    import sqlite3
    from contextlib import closing

    path = settings.home / "checkpoints.db"
    mend = "move the file aside: finished runs are kept elsewhere, unfinished ones start anew"
    if not path.exists():
        yield Check("checkpoints", "ok", "none yet")
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            damage = [line for (line,) in connection.execute("PRAGMA quick_check(3)") if line != "ok"]
    except sqlite3.Error as error:
        damage = [str(error)]
    size = f"{path}, {path.stat().st_size / 2**20:.1f} MiB"
    yield Check("checkpoints", "bad" if damage else "ok", f"{size}: {'; '.join(damage)}" if damage else size, mend if damage else "")


def _strays(settings: Settings) -> Iterator[Check]:  # noqa: ARG001
    for name, meant in strays():
        yield Check("environment", "warn", f"{name} sets nothing", f"did you mean {meant}?" if meant else "unset it; `cutwork config show` lists the settings")
