"""Files by their hash: whole, in parts, not sent twice, and of the right kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cutwork.storage.owners import File

if TYPE_CHECKING:
    from conftest import Served


@pytest.fixture
def picture(served: Served) -> str:
    """The address of a design's picture."""
    id = served.design()["id"]
    served.ended(id)
    return str(served.client.get(f"/v1/designs/{id}").json()["image"])


def test_a_file_is_what_its_hash_says_for_ever(served: Served, picture: str) -> None:
    answer = served.client.get(picture)
    sha256 = picture.rsplit("/", 1)[1]
    assert answer.content == served.service.studio.wired.blobs.get(sha256)
    assert answer.headers["etag"] == f'"{sha256}"'
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.slow
@pytest.mark.parametrize("tag", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_who_has_it_is_not_sent_it_again(served: Served, picture: str, tag: str) -> None:
    sha256 = picture.rsplit("/", 1)[1]
    answer = served.client.get(picture, headers={"If-None-Match": tag.format(sha256)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{sha256}"'
    assert served.client.get(picture, headers={"If-None-Match": '"other"'}).status_code == 200


def test_parts_are_sent_where_parts_are_asked_for(served: Served, picture: str) -> None:
    whole = served.client.get(picture).content
    for asked, wanted in (("bytes=0-9", whole[:10]), ("bytes=10-", whole[10:]), ("bytes=-7", whole[-7:])):
        answer = served.client.get(picture, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, wanted)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    beyond = served.client.get(picture, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["content-type"], beyond.headers["content-range"]) == (416, "application/problem+json", f"bytes */{len(whole)}")
    assert (beyond.json()["code"], beyond.json()["status"]) == ("range", 416)
    odd = served.client.get(picture, headers={"Range": "lines=1-2"})
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_request")
    assert "lines=1-2" in odd.json()["detail"]
    sha256 = picture.rsplit("/", 1)[1]
    assert served.client.get(picture, headers={"Range": "bytes=0-9", "If-Range": f'"{sha256}"'}).status_code == 206
    assert served.client.get(picture, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200


def test_its_head_tells_what_it_is(served: Served, picture: str) -> None:
    whole, head = served.client.get(picture), served.client.head(picture)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": "", "date": ""} == {**whole.headers, "x-request-id": "", "date": ""}
    assert served.client.head("/v1/artifacts/" + "0" * 64).status_code == 404


def test_it_is_saved_under_a_name_that_leads_nowhere(served: Served, picture: str) -> None:
    for wanted, name in (("cat.png", "cat.png"), ("../../etc/passwd", "_.._etc_passwd"), ('a"b\r\nX: y.png', "a_b__X_ y.png"), ("..", "file")):
        answer = served.client.get(picture, params={"download": wanted})
        assert answer.status_code == 200
        assert name in answer.headers["content-disposition"] or name.replace(" ", "%20") in answer.headers["content-disposition"]
        assert "x" not in answer.headers


def test_a_drawing_that_could_run_is_shut_in(served: Served) -> None:
    sha256 = served.service.studio.wired.blobs.put(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    served.service.designs.give_file("local", File(sha256, "image/svg+xml"))
    answer = served.client.get(f"/v1/artifacts/{sha256}")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_only_what_a_tenants_designs_name_is_there(served: Served) -> None:
    stray = served.service.studio.wired.blobs.put(b"nobody's")
    for name in (stray, "0" * 64):
        assert served.client.get(f"/v1/artifacts/{name}").status_code == 404
    for name in ("nonsense", "..%2F..%2Fcutwork.db", stray.upper(), stray[:-1]):
        assert served.client.get(f"/v1/artifacts/{name}").status_code in (404, 422)


def test_previews_can_be_seen(served: Served) -> None:
    def render(shot: object, watch: object) -> object:
        watch.on_preview(1, served.service.studio.wired.blobs.put(b"\x89PNG preview"))  # type: ignore[attr-defined]
        return type(served.drawing).__mro__[1].render(served.drawing, shot, watch)  # type: ignore[attr-defined]

    served.drawing.render = render  # type: ignore[method-assign, assignment]
    previews = [data for _, kind, data in served.events(served.design()["id"]) if kind == "preview"]
    assert served.client.get(previews[0]["image"]).content == b"\x89PNG preview"
