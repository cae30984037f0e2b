"""The page at `/`: built files where they are there, else a few words on how to use the API."""

from __future__ import annotations

import gzip
import mimetypes
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from cutwork import __version__

WEB = Path(__file__).resolve().parents[1] / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}
WORDS = (".html", ".js", ".css", ".svg", ".md")  # what is sent zipped to whoever can read that; fonts are zipped as they are
HASHED = re.compile(r"assets/.+-[A-Za-z0-9_-]{8,}\.\w+")
PLAIN = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cutwork</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}pre{{overflow:auto;padding:1rem;background:#f4f1ea}}</style>
<h1>Cutwork {__version__}</h1>
<p>One-line creative briefs to finished, subject-centred artwork. This service speaks HTTP; its page was not built.</p>
<pre>curl -s localhost:8765/v1/designs -H 'content-type: application/json' -d '{{"brief": "a grumpy cat and a rocket"}}'
curl -N localhost:8765/v1/runs/ID/events
curl -s localhost:8765/v1/designs/ID</pre>
<p>Everything it can do is described in <a href="/openapi.json">openapi.json</a>.</p>
"""
router = APIRouter(include_in_schema=False)


@router.head("/")
@router.get("/")
async def index(request: Request) -> Response:
    """The page itself, asked for anew every time: it names the files that belong to it."""
    built = WEB / "index.html"
    return _sent(built, request.headers, "no-cache") if built.is_file() else HTMLResponse(PLAIN, headers=SAFE | {"Cache-Control": "no-cache"})


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Addresses that are no route: files of the page. Those with their hash in their name never change.

    Raises:
        HTTPException: 404 if there is no such file.
    """
    if scope["type"] != "http":  # a websocket: nobody speaks those here
        await send({"type": "websocket.close", "code": 1000})
        return
    name = str(scope["path"]).lstrip("/")
    path = _file(name) if scope["method"] in ("GET", "HEAD") else None
    if path is None:
        raise HTTPException(404)
    cache = "public, max-age=31536000, immutable" if HASHED.fullmatch(name) else "no-cache"
    await _sent(path, Headers(scope=scope), cache)(scope, receive, send)


def has(path: str) -> bool:
    """Whether there is a file of the page at that address."""
    return _file(path.lstrip("/")) is not None


def _sent(path: Path, asked: Headers, cache: str) -> Response:
    """A file of the page, in as few bytes as its reader understands."""
    headers, kind = SAFE | {"Cache-Control": cache}, mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix not in WORDS:
        return FileResponse(path, headers=headers, media_type=kind)
    headers["Vary"] = "Accept-Encoding"
    if "range" in asked or not _reads_gzip(asked.get("accept-encoding", "")):
        return FileResponse(path, headers=headers, media_type=kind)
    return Response(_zipped(path, path.stat().st_mtime_ns), headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)


def _reads_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and not as what is not wanted."""
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() in ("gzip", "*"):
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


@lru_cache(maxsize=32)
def _zipped(path: Path, changed: int) -> bytes:  # noqa: ARG001 - a file that was changed is another one
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _file(name: str) -> Path | None:
    """A file of the page by its address; nothing that is hidden or lies elsewhere."""
    if not name or any(part.startswith(".") for part in name.split("/")) or not name.isprintable():
        return None
    with suppress(OSError, ValueError):
        path = (WEB / name).resolve()
        if path.is_relative_to(WEB) and path.is_file():
            return path
    return None
