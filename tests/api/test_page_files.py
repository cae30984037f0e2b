"""The page's files as browsers are sent them: zipped where that can be read, kept where they never change, and safe."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from cutwork.api.page import WEB

if TYPE_CHECKING:
    from conftest import Served

SCRIPT = f"/assets/{next(path.name for path in (WEB / 'assets').glob('index-*.js'))}"


def test_text_is_sent_zipped_to_whoever_can_read_that(served: Served) -> None:
    for address, name in (("/", "index.html"), (SCRIPT, SCRIPT[1:]), ("/icon.svg", "icon.svg")):
        with served.client.stream("GET", address, headers={"Accept-Encoding": "gzip, br"}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip", address
        assert answer.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(raw) == (WEB / name).read_bytes()
        assert len(raw) == int(answer.headers["content-length"])


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "gzip; q=0.0, br"])
def test_others_are_sent_it_as_it_is(served: Served, accepted: str) -> None:
    answer = served.client.get(SCRIPT, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.content == (WEB / SCRIPT[1:]).read_bytes()


def test_what_has_its_hash_in_its_name_is_kept_and_the_page_is_asked_for_anew(served: Served) -> None:
    assert "immutable" in served.client.get(SCRIPT).headers["cache-control"]
    page = served.client.get("/")
    assert (page.headers["cache-control"], page.headers["content-type"]) == ("no-cache", "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_heads_are_answered_where_only_heads_are_wanted(served: Served) -> None:
    for address in ("/", SCRIPT, "/icon.svg", "/healthz", "/readyz"):
        answer = served.client.head(address)
        assert (answer.status_code, answer.content) == (200, b""), address
    assert int(served.client.head(SCRIPT, headers={"Accept-Encoding": "identity"}).headers["content-length"]) == (WEB / SCRIPT[1:]).stat().st_size
