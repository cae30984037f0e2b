"""Pictures of strangers: taken in as their pixels, or refused before they cost anything."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cutwork.api import uploads
from cutwork.api.uploads import TooLarge, WrongType
from cutwork.errors import BadInput

if TYPE_CHECKING:
    from conftest import Served


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **how: Any) -> bytes:
    """A picture whose corners differ."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] = (250, 20, 20)
    pixels[size[1] // 2 :, size[0] // 2 :] = (20, 20, 250)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, form, **how)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(width: int, height: int) -> bytes:
    """A PNG of so many pixels in a few bytes."""
    rows = zlib.compress(b"\0" * 1_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("form", "kind"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_is_taken_in(served: Served, form: str, kind: str) -> None:
    for given in ({"content": picture(form), "headers": {"content-type": kind}}, {"files": {"file": ("../x.png", picture(form), kind)}}):
        answer = served.client.post("/v1/uploads", **given)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert (told["width"], told["height"], told["url"]) == (40, 30, f"/v1/artifacts/{told['sha256']}")
        kept = served.client.get(told["url"])
        assert kept.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(kept.content)).getpixel((2, 2))[0] > 200  # type: ignore[index]


def test_what_it_carried_is_gone_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x8825] = 6, {1: "N"}  # turned by a quarter; where it was taken
    taken = uploads.take_in(picture("JPEG", exif=exif.tobytes(), quality=95))
    assert (taken.width, taken.height) == (30, 40)
    kept = Image.open(io.BytesIO(taken.png))
    assert not kept.getexif()
    assert set(kept.info) <= {"dpi"}
    assert kept.getpixel((27, 2))[0] > 200  # type: ignore[index]


@pytest.mark.parametrize(("mode", "kept"), [("L", "L"), ("1", "L"), ("P", "RGB"), ("RGBA", "RGBA"), ("LA", "RGBA")])
def test_every_kind_of_pixels_becomes_ours(mode: str, kept: str) -> None:
    assert Image.open(io.BytesIO(uploads.take_in(picture(mode=mode)).png)).mode == kept


def test_sixteen_bits_become_eight() -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(out, "PNG")
    assert Image.open(io.BytesIO(uploads.take_in(out.getvalue()).png)).getpixel((0, 0)) == 156


@pytest.mark.parametrize("size", [(60_000, 60_000), (4097, 4096), (20_000, 2), (2**31 - 1, 2**31 - 1)])
def test_pixels_are_counted_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(TooLarge):
        uploads.take_in(huge_png(*size))


def test_bytes_are_counted_while_they_come(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutwork.api import guard

    monkeypatch.setitem(guard.BODIES, "/v1/uploads", 1_000)
    told = served.client.post("/v1/uploads", content=b"x" * 1_001, headers={"content-type": "image/png"})
    sent = served.client.post("/v1/uploads", content=(b"x" * 100 for _ in range(50)), headers={"content-type": "image/png"})  # no length is announced
    form = served.client.post("/v1/uploads", files={"file": ("x.png", b"x" * 2_000, "image/png")})
    for answer in (told, sent, form):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def polyglot() -> bytes:
    out = io.BytesIO(picture())
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("run.js", "alert(1)")
    return out.getvalue()


def test_what_is_not_a_picture_alone_is_refused(served: Served) -> None:
    gif, moving = io.BytesIO(), io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(gif, "GIF")
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    progressive = picture("JPEG")
    for data, kind, status in (
        (b"", "image/png", 422),
        (b"hello", "image/png", 415),
        (gif.getvalue(), "image/gif", 415),
        (gif.getvalue(), "", 415),
        (picture("BMP"), "image/png", 415),
        (picture("TIFF"), "image/png", 415),
        (picture("JPEG"), "image/png", 415),
        (picture()[:-40], "image/png", 422),
        (picture("JPEG")[:-100], "image/jpeg", 422),
        (picture("WEBP")[:50], "image/webp", 422),
        (moving.getvalue(), "image/webp", 422),
        (polyglot(), "image/png", 422),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "image/png", 415),
        (progressive[:2] + b"\xff\xda" * 80 + progressive[2:], "image/jpeg", 422),
        (b"{}", "application/json", 415),
    ):
        answer = served.client.post("/v1/uploads", content=data, headers={"content-type": kind} if kind else {})
        assert answer.status_code == status, (data[:20], kind, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert served.client.post("/v1/uploads", data={"file": "not a file"}, files={"other": b"x"}).status_code == 422
    assert served.client.post("/v1/uploads", content=b"nonsense", headers={"content-type": "multipart/form-data"}).status_code in (400, 422)


def hostile(dice: random.Random) -> bytes:
    """A picture that was damaged in some way."""
    data = bytearray(picture(dice.choice(("PNG", "JPEG", "WEBP")), (dice.randint(1, 60), dice.randint(1, 60)), dice.choice(("RGB", "L"))))
    for _ in range(dice.randint(1, 12)):
        act = dice.randrange(4)
        at = dice.randrange(len(data)) if data else 0
        if act == 0:
            del data[at:]
        elif act == 1 and data:
            data[at] = dice.randrange(256)
        elif act == 2:
            data[at:at] = dice.randbytes(dice.randint(1, 40))
        else:
            data[at : at + 4] = struct.pack(">I", dice.choice((0, 1, 2**31 - 1, 2**32 - 1)))
    return bytes(data)


@pytest.mark.slow
def test_a_thousand_hostile_pictures_do_no_harm(served: Served, home: Any) -> None:
    dice, statuses = random.Random(1), set()
    outside = sorted(p for p in home.parent.rglob("*") if home not in p.parents)
    for n in range(1_000):
        name = dice.choice(("../../x.png", "/etc/passwd", "a\x00b.png", "con.png", "x" * 300, "ok.png"))
        data, kind = hostile(dice), dice.choice(("image/png", "image/jpeg", "image/webp", "application/octet-stream"))
        given = {"files": {"file": (name, data, kind)}} if n % 2 else {"content": data, "headers": {"content-type": kind}}
        statuses.add(served.client.post("/v1/uploads", **given).status_code)
    assert statuses <= {201, 413, 415, 422}
    assert sorted(p for p in home.parent.rglob("*") if home not in p.parents) == outside
    assert served.client.get("/readyz").json()["ready"]


@pytest.mark.parametrize("seed", range(3))
def test_hostile_pictures_raise_only_what_is_meant(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        try:
            taken = uploads.take_in(hostile(dice))
        except (BadInput, TooLarge, WrongType):
            continue
        assert Image.open(io.BytesIO(taken.png)).size == (taken.width, taken.height)
