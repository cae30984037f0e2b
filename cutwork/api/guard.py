"""Who may come in: host and origin, tokens, and how large a request may be. Pure ASGI, since every request pays for it.

On loopback without tokens everybody is the tenant "local", so a page of somebody else's must not speak through a browser here: the
Host header has to name this machine (a name that was rebound to it does not), and a write has to come from our own page or from no page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cutwork.api import page
from cutwork.api.deps import Service
from cutwork.api.problems import plain
from cutwork.storage.owners import LOCAL
from cutwork.storage.tokens import hashed

COOKIE = "cutwork"
OPEN = ("/", "/healthz", "/readyz", "/openapi.json", "/v1/login")  # and the files of the page
READS = ("GET", "HEAD", "OPTIONS")
BODY = 1 << 20  # bytes
BODIES = {"/v1/uploads": 33 << 20, "/v1/images/edits": 64 << 20, "/v1/chat/completions": 16 << 20, "/mcp": 50 << 20}  # where more may come
FRESH_S = 1.0  # for so long a look at the tokens counts, for those it found


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what binds to that address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets requests in that may come in, and says whose they are.

    Args:
        host: what the service binds to.
        hosts: other names it is reached by. origins: pages of others that may write.
    """

    def __init__(self, app: ASGIApp, service: Service, host: str = "127.0.0.1", hosts: tuple[str, ...] = (), origins: tuple[str, ...] = ()) -> None:
        self.app, self.service = app, service
        self._loopback, self._hosts, self._origins = is_loopback(host), {name.lower() for name in hosts}, {origin.rstrip("/").lower() for origin in origins}
        self._names: Mapping[str, str] = {}
        self._looked = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._foreign(scope, headers) or self._too_large(scope, headers) or await self._unknown(scope, headers)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self.app(scope, self._bounded(scope, receive) if scope["method"] not in READS else receive, send)

    def _foreign(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        host = headers.get("host", "")
        if self._loopback and not self._is_ours(host):
            return plain(403, f"the Host header is {host[:100]!r}, which is not a name of this service", "add it to CUTWORK_HOSTS if it is")
        if scope["method"] in READS:
            return None
        origin = headers.get("origin", "").lower()
        if origin and origin not in self._origins and _site(origin) != host.lower():
            return plain(403, f"a page of {origin[:100]} may not write here", "add it to CUTWORK_ORIGINS if it may")
        if not origin and headers.get("sec-fetch-site") == "cross-site":
            return plain(403, "a page of another site may not write here")
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname if host.isascii() and "@" not in host and "/" not in host else None
        except ValueError:  # half a bracket
            name = None
        return name is not None and (is_loopback(name) or name in self._hosts)

    def _too_large(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        length, most = headers.get("content-length", "0"), _most(scope["path"])
        if not length.isdecimal():
            return plain(400, "the Content-Length cannot be read")
        return plain(413, f"the body has {int(length):,} bytes, at most {most:,} are taken here") if int(length) > most else None

    async def _unknown(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        """Find out whose request it is; refuse one that nobody vouches for."""
        names = await self._tokens()
        path = scope["path"]
        if not names and self._loopback:
            scope.setdefault("state", {})["tenant"] = LOCAL
            return None
        name = names.get(hashed(token)) if (token := _token(headers)) else None
        if token and name is None:  # it may be newer than the last look, and whoever has just logged in with it must not be asked again
            name = (await self._tokens(at_once=True)).get(hashed(token))
        scope.setdefault("state", {})["tenant"] = name or ""
        if name is not None or path in OPEN or (scope["method"] in READS and page.has(path)):
            return None
        said = "the token is not known here" if token else "every address of the API wants a token"
        return plain(401, said, "send it as Authorization: Bearer …", **{"WWW-Authenticate": 'Bearer realm="cutwork"'})

    async def _tokens(self, at_once: bool = False) -> Mapping[str, str]:
        now = time.monotonic()
        if at_once or now - self._looked > FRESH_S:
            self._names = await self.service.read(self.service.tokens.names)
            self._looked = now
        return self._names

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """As many bytes as may come, whatever was announced."""
        most, had = _most(scope["path"]), 0

        async def bounded() -> Message:
            nonlocal had
            message = await receive()
            had += len(message.get("body", b""))
            if had > most:
                raise HTTPException(413, f"the body has more than the {most:,} bytes that are taken here")
            return message

        return bounded


def _site(origin: str) -> str | None:
    """The host and port of a page; None where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half a bracket
        return None


def _most(path: str) -> int:
    return BODIES.get(path.rstrip("/"), BODY)


def _token(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if key := headers.get("x-api-key"):
        return key.strip()
    try:
        kept = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return kept.value if kept else None
