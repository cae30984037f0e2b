"""OpenAI's own client against our service: pictures, edits, models and chat."""

from __future__ import annotations

import base64
import gc
import io
import json
import socket
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from cutwork.api import deps, files, openai_edits
from cutwork.domain import FOLLOW

if TYPE_CHECKING:
    from conftest import Served

BRIEF = "a grumpy cat and a rocket on a purple background"


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0, timeout=90) as made:
        yield made


def picture(b64: str | None) -> Image.Image:
    assert b64 is not None
    return Image.open(io.BytesIO(base64.b64decode(b64)))


def ours(value: Any) -> dict[str, Any]:
    """What OpenAI's types have no place for."""
    found: dict[str, Any] = value.model_extra["x_cutwork"]
    return found


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def noise(width: int, height: int, channels: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).integers(0, 256, (height, width, channels), np.uint8)


def hole(width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray[Any, Any]:
    """A mask that may change in a box."""
    mask = np.full((height, width, 4), 255, np.uint8)
    mask[box[1] : box[3], box[0] : box[2], 3] = 0
    return mask


def asks_and_leaves(served: Served, path: str, asked: dict[str, Any]) -> None:
    """Send a request, and hang up when its drawing has begun."""
    served.drawing.gate.clear()
    body = json.dumps(asked).encode()
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=90) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        served.drawing_begun()


# ------------------------------------------------------------------------------------------------------------- pictures


def test_pictures_are_generated(client: openai.OpenAI, served: Served) -> None:
    made = client.images.generate(prompt=BRIEF, n=2, size="64x96", extra_body={"x_cutwork": {"seed": 7}})
    assert made.data is not None
    assert (made.size, made.output_format, made.background, made.quality) == ("64x96", "png", "opaque", "medium")
    assert [picture(one.b64_json).size for one in made.data] == [(64, 96)] * 2
    assert [ours(one)["seed"] for one in made.data] == [7, 8]
    assert made.data[0].b64_json != made.data[1].b64_json
    assert made.usage is not None
    assert made.usage.output_tokens == 2 * 4 * 6
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    told = ours(made.data[0])
    assert [layer["subject"] for layer in told["layers"]] == ["cat", "rocket"]
    assert told["receipt"]["words"]
    layer = httpx.get(told["layers"][0]["image"], trust_env=False)
    assert Image.open(io.BytesIO(layer.content)).mode == "RGBA"
    assert served.client.get(f"/v1/designs/{told['run_id']}").json()["seed"] == 7


def test_the_same_seed_is_the_same_picture(client: openai.OpenAI) -> None:
    first, again = (client.images.generate(prompt="a cat", size="64x64", extra_body={"x_cutwork": {"seed": 3}}).data for _ in range(2))
    assert first is not None
    assert again is not None
    assert first[0].b64_json == again[0].b64_json


def test_a_transparent_background_is_nothing(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt=BRIEF, size="64x64", background="transparent")
    assert made.data is not None
    assert made.background == "transparent"
    alpha = np.asarray(picture(made.data[0].b64_json).convert("RGBA"))[..., 3]
    masks = [np.asarray(Image.open(io.BytesIO(httpx.get(layer["mask"], trust_env=False).content))) for layer in ours(made.data[0])["layers"]]
    assert ((alpha > 0) == (np.maximum.reduce(masks) > 0)).all()
    assert 0 < (alpha == 0).mean() < 1


@pytest.mark.parametrize(("form", "mode"), [("jpeg", "RGB"), ("webp", "RGB"), ("png", "RGB")])
def test_pictures_come_in_the_format_asked_for(client: openai.OpenAI, form: Any, mode: str) -> None:
    made = client.images.generate(prompt="a cat", size="64x64", output_format=form, output_compression=60)
    assert made.data is not None
    shown = picture(made.data[0].b64_json)
    assert (shown.format, shown.mode, made.output_format) == (form.upper(), mode, form)
    assert form == "png" or b"trainedAlgorithmicMedia" in base64.b64decode(made.data[0].b64_json or "")  # a PNG is the delivered file as it is


def test_pictures_by_address(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="a cat", size="64x64", response_format="url", output_format="webp", background="transparent")
    assert made.data is not None
    assert made.data[0].b64_json is None
    answer = httpx.get(made.data[0].url or "", trust_env=False)
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).mode == "RGBA"


def test_quality_is_effort(client: openai.OpenAI, served: Served) -> None:
    for quality in ("low", "high", "auto"):
        client.images.generate(prompt="a cat", size="64x64", quality=quality)  # type: ignore[call-overload]
    assert [shot.plan.draw.steps for shot in served.drawing.renders] == [2, 4, 3]


def test_sizes_are_taken_to_the_next_that_can_be_drawn(client: openai.OpenAI) -> None:
    answer = client.images.with_raw_response.generate(prompt="a cat", size="100x70")
    made = answer.parse()
    assert made.size == "96x64"
    assert "size 100x70 was drawn as 96x64" in answer.headers["x-cutwork-warnings"]
    assert ours(made)["warnings"] == ["size 100x70 was drawn as 96x64: sides are multiples of 16"]


def test_what_is_not_known_is_passed_over_and_said(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="a cat", size="64x64", style="vivid", moderation="low", user="u-1", extra_body={"x_cutwork": {"colour": "red"}})
    assert ours(made)["warnings"] == ["style is not known here and was passed over", "x_cutwork.colour is not known here and was passed over"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a" * 3000}, "prompt"),
        ({"prompt": "a cat", "n": 11}, "n"),
        ({"prompt": "a cat", "size": "huge"}, "size"),
        ({"prompt": "a cat", "size": "4096x4096"}, "size"),
        ({"prompt": "a cat", "quality": "fine"}, "quality"),
        ({"prompt": "a cat", "output_format": "gif"}, "output_format"),
        ({"prompt": "a cat", "background": "transparent", "output_format": "jpeg"}, "background"),
        ({"prompt": "a cat", "partial_images": 4}, "partial_images"),
        ({"prompt": "a cat", "extra_body": {"x_cutwork": {"seed": -1}}}, "x_cutwork.seed"),
    ],
)
def test_what_cannot_be_is_refused_in_openais_words(client: openai.OpenAI, served: Served, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**asked)
    assert (caught.value.param, caught.value.type) == (param, "invalid_request_error")
    assert served.client.get("/v1/runs").json()["data"] == []


def test_a_model_that_is_not_there_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="does not exist here; there are: cutwork, mini") as caught:
        client.images.generate(prompt="a cat", model="gpt-image-2")
    assert caught.value.code == "model_not_found"


def test_a_stream_shows_what_comes(client: openai.OpenAI) -> None:
    events = list(client.images.generate(prompt="a cat", size="64x64", stream=True, partial_images=2, extra_body={"x_cutwork": {"seed": 1}}))
    assert [event.type for event in events] == ["image_generation.completed"]  # the drawing of these tests shows nothing on its way
    assert picture(events[-1].b64_json).size == (64, 64)
    assert ours(events[-1])["seed"] == 1


def test_a_stream_sends_as_many_previews_as_were_asked_for(client: openai.OpenAI, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    render, small = served.drawing.render, served.service.studio.wired.blobs.put(png(noise(8, 8)))

    def shows(shot: Any, watch: Any) -> Any:
        for done in (1, 2, 3):
            watch.on_step(done, 3)
            watch.on_preview(done, small)
        return render(shot, watch)

    monkeypatch.setattr(served.drawing, "render", shows)
    events = list(client.images.generate(prompt="a cat", size="64x64", stream=True, partial_images=2, output_format="jpeg"))
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [getattr(event, "partial_image_index", None) for event in events] == [0, 1, None]
    assert {(picture(event.b64_json).size, picture(event.b64_json).format) for event in events} == {((64, 64), "JPEG")}


def test_a_client_that_leaves_cancels_its_runs(served: Served) -> None:
    asks_and_leaves(served, "/v1/images/generations", {"prompt": "a cat", "size": "64x64", "n": 2})
    runs = served.client.get("/v1/runs").json()["data"]
    assert [served.ended(run["id"])["status"] for run in runs] == ["cancelled"] * 2


def test_a_listener_that_leaves_cancels_its_run(served: Served) -> None:
    served.drawing.gate.clear()
    asked = {"prompt": "a cat", "size": "64x64", "stream": True, "n": 2}
    with httpx.stream("POST", f"{served.url}/v1/images/generations", json=asked, timeout=90, trust_env=False) as answer:
        assert answer.status_code == 200
        served.drawing_begun()
    runs = served.client.get("/v1/runs").json()["data"]
    assert [served.ended(run["id"])["status"] for run in runs] == ["cancelled"] * 2


def test_runs_go_on_where_it_is_the_service_that_leaves(served: Served) -> None:
    served.drawing.gate.clear()
    asked = {"prompt": "a cat", "size": "64x64", "stream": True, "n": 2}
    with httpx.stream("POST", f"{served.url}/v1/images/generations", json=asked, timeout=90, trust_env=False) as answer:
        served.drawing_begun()
        served.service.drain()
        assert "goes on when it is back" in answer.read().decode()
    assert [(job.ended, job.stop) for job in served.service.jobs.list("local")] == [(False, False)] * 2
    served.drawing.gate.set()


def test_a_run_that_fails_is_told_in_openais_words(client: openai.OpenAI, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutwork.errors import NotConfigured

    def fails(shot: Any, watch: Any) -> Any:
        raise NotConfigured("the weights are gone", "fetch them")

    monkeypatch.setattr(served.drawing, "render", fails)
    with pytest.raises(openai.InternalServerError, match="the weights are gone") as caught:
        client.images.generate(prompt="a cat", size="64x64")
    assert (caught.value.status_code, caught.value.code) == (503, "not_configured")
    with pytest.raises(openai.APIError, match="the weights are gone"):
        list(client.images.generate(prompt="a cat", size="64x64", stream=True))


def test_after_a_failure_nothing_is_drawn_for_nobody(client: openai.OpenAI, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from cutwork.errors import NotConfigured

    drawn, render = [], served.drawing.render

    def fails_once(shot: Any, watch: Any) -> Any:
        drawn.append(shot.seed)
        if len(drawn) == 1:
            raise NotConfigured("the weights are gone")
        served.drawing.gate.clear()
        return render(shot, watch)

    monkeypatch.setattr(served.drawing, "render", fails_once)
    with pytest.raises(openai.APIError, match="the weights are gone"):
        list(client.images.generate(prompt="a cat", size="64x64", stream=True, n=3))
    runs = served.client.get("/v1/runs").json()["data"]
    assert sorted(served.ended(run["id"])["status"] for run in runs) == ["cancelled", "cancelled", "failed"]


# ---------------------------------------------------------------------------------------------------------------- edits


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height", "box"), [(200, 120, (20, 10, 90, 70)), (64, 64, (0, 0, 64, 30)), (37, 51, (5, 5, 20, 40)), (900, 700, (100, 50, 800, 650))])
def test_an_edit_changes_its_part_and_nothing_else(client: openai.OpenAI, served: Served, width: int, height: int, box: tuple[int, int, int, int]) -> None:
    before, mask = noise(width, height), hole(width, height, box)
    made = client.images.edit(image=("p.png", png(before)), mask=("m.png", png(mask)), prompt="a rocket", extra_body={"x_cutwork": {"seed": 4}})
    assert made.data is not None
    after = np.asarray(picture(made.data[0].b64_json))
    inside = mask[..., 3] == 0
    assert (after[~inside] == before[~inside]).all()
    assert (after[inside] != before[inside]).mean() > 0.5
    shot = served.drawing.renders[-1]
    assert shot.seed == 4
    assert shot.keep is not None
    assert max(shot.plan.size.root) <= 384


def test_what_is_drawn_stands_in_the_masked_part(client: openai.OpenAI, served: Served) -> None:
    client.images.edit(image=("p.png", png(noise(320, 320))), mask=("m.png", png(hole(320, 320, (200, 100, 300, 220)))), prompt="a rocket and a cat")
    shot = served.drawing.renders[-1]
    told = served.client.get("/v1/runs").json()["data"][0]
    boxes = [region.box for region in shot.plan.regions]
    assert len(boxes) == 2
    assert (min(b.x0 for b in boxes), max(b.x1 for b in boxes)) == pytest.approx((142 / 256, 230 / 256), abs=0.01)
    assert told["kind"] == "design"


def test_what_is_drawn_stands_on_the_background_that_is_there(client: openai.OpenAI, served: Served) -> None:
    purple = np.full((128, 128, 3), (130, 70, 200), np.uint8)
    for words, background in (("a rocket", "a purple background"), ("a rocket on grass", "on grass")):
        client.images.edit(image=("p.png", png(purple)), mask=("m.png", png(hole(128, 128, (30, 30, 90, 90)))), prompt=words)
        assert served.drawing.renders[-1].plan.background == background


def test_a_picture_that_is_transparent_says_itself_where_it_may_change(client: openai.OpenAI) -> None:
    before = noise(80, 80, 4)
    before[..., 3] = 200
    before[10:40, 10:40, 3] = 0
    made = client.images.edit(image=("p.png", png(before)), prompt="a rocket")
    assert made.data is not None
    after = np.asarray(picture(made.data[0].b64_json))
    inside = before[..., 3] == 0
    assert (after[~inside] == before[~inside]).all()
    assert (after[inside][:, 3] == 255).all()


def test_an_edit_by_addresses(served: Served) -> None:
    before, mask = noise(96, 64), hole(96, 64, (10, 10, 50, 50))
    uploaded = served.client.post("/v1/uploads", content=png(before), headers={"content-type": "image/png"}).json()
    data = "data:image/png;base64," + base64.b64encode(png(mask)).decode()
    asked = {"images": [{"image_url": f"{served.url}{uploaded['url']}"}], "mask": {"image_url": data}, "prompt": "a rocket", "n": 2}
    answer = served.client.post("/v1/images/edits", json=asked)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == 2
    by_id = served.client.post("/v1/images/edits", json={**asked, "n": 1, "images": [{"file_id": uploaded["sha256"]}]})
    assert by_id.status_code == 200, by_id.text


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height", "canvas"), [(90, 60, "384x256"), (60, 90, "256x384"), (80, 80, "256x256"), (40, 400, "256x384"), (300, 280, "272x256")])
def test_without_a_mask_a_new_picture_begins_from_the_one_given(client: openai.OpenAI, served: Served, width: int, height: int, canvas: str) -> None:
    made = client.images.edit(image=("p.png", png(noise(width, height))), prompt="a rocket", n=2, extra_body={"x_cutwork": {"seed": 4}})
    assert made.data is not None
    assert (made.size, [ours(one)["seed"] for one in made.data]) == (canvas, [4, 5])
    assert all("edit" not in ours(one) for one in made.data)
    kept = served.service.designs.get(ours(made.data[0])["run_id"]).brief
    assert kept.follow == FOLLOW
    assert served.drawing.renders[0].keep == served.drawing.begun_from(kept.references[0], FOLLOW, kept.size)
    shown = Image.open(io.BytesIO(served.client.get(f"/v1/artifacts/{kept.references[0]}").content))
    assert (np.asarray(shown) == noise(width, height)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "follow"), [({"input_fidelity": "high"}, 0.5), ({"input_fidelity": "low"}, FOLLOW), ({"input_fidelity": "high", "extra_body": {"x_cutwork": {"follow": 0.9}}}, 0.9)]
)
def test_how_far_a_picture_is_followed(client: openai.OpenAI, served: Served, asked: Any, follow: float) -> None:
    made = client.images.edit(image=[("p.png", png(noise(80, 80))), ("q.png", png(noise(90, 90)))], prompt="a cat", size="64x96", background="transparent", **asked)  # type: ignore[call-overload]
    assert (made.size, picture(made.data[0].b64_json).mode) == ("64x96", "RGBA")
    assert served.service.designs.get(ours(made.data[0])["run_id"]).brief.follow == follow
    assert ours(made)["warnings"] == ["only the first of 2 images is used"]


@pytest.mark.parametrize("asked", [{"size": "64x64"}, {"background": "transparent"}, {"extra_body": {"x_cutwork": {"follow": 0.05}}}])
def test_what_a_part_of_a_picture_cannot_be_asked(client: openai.OpenAI, served: Served, asked: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        client.images.edit(image=("p.png", png(noise(64, 64))), mask=("m.png", png(hole(64, 64, (0, 0, 40, 40)))), prompt="a rocket", **asked)
    assert served.drawing.renders == []


@pytest.mark.parametrize(
    ("image", "mask", "param", "code"),
    [
        (png(noise(64, 64)), png(hole(64, 32, (0, 0, 9, 9))), "mask", "invalid_value"),
        (png(noise(64, 64)), png(noise(64, 64)), "mask", "invalid_value"),
        (png(noise(64, 64)), png(noise(64, 64, 4) | 255), None, "bad_input"),
        (b"GIF89a", png(hole(64, 64, (0, 0, 9, 9))), None, "media_type"),
        (png(noise(64, 64))[:200], png(hole(64, 64, (0, 0, 9, 9))), None, "bad_input"),
    ],
)
def test_edits_that_cannot_be_are_refused(client: openai.OpenAI, image: bytes, mask: bytes | None, param: str | None, code: str) -> None:
    more = {} if mask is None else {"mask": ("m.png", mask)}
    with pytest.raises(openai.APIStatusError) as caught:
        client.images.edit(image=("p.png", image), prompt="a rocket", **more)  # type: ignore[call-overload]
    assert (caught.value.param, caught.value.code) == (param, code)


def masked(asked: dict[str, Any] | None = None) -> dict[str, Any]:
    """An edit of a part of a picture, as httpx takes a form."""
    files = {"image": ("p.png", png(noise(128, 128)), "image/png"), "mask": ("m.png", png(hole(128, 128, (30, 30, 90, 90))), "image/png")}
    return {"files": files, "data": {"prompt": "a rocket", **(asked or {})}}


def in_words(pixels: np.ndarray[Any, Any]) -> str:
    """A picture in its own address."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def test_a_technique_that_is_not_there_is_refused(served: Served) -> None:
    answer = served.client.post("/v1/images/edits", **masked({"x_cutwork[technique]": "bogus"}))
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "no technique 'bogus'" in answer.json()["error"]["message"]


def test_of_edits_that_do_not_all_find_room_none_is_drawn(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deps, "MOST_WAITING", 2)
    served.drawing.gate.clear()
    served.design()
    served.drawing_begun()
    answer = served.client.post("/v1/images/edits", **masked({"n": 4}))
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert [run["status"] for run in served.client.get("/v1/runs").json()["data"]] == ["cancelled", "cancelled", "running"]


@pytest.mark.slow
@pytest.mark.parametrize("form", [True, False])
def test_no_picture_stands_in_memory_while_its_edit_waits(served: Served, monkeypatch: pytest.MonkeyPatch, form: bool) -> None:
    class Seen(np.ndarray[Any, Any]):
        """Pixels that can be watched."""

    pixels, seen = openai_edits._pixels, []

    def watched(data: Any) -> Any:
        seen.append(weakref.ref(found := pixels(data).view(Seen)))
        return found

    monkeypatch.setattr(openai_edits, "_pixels", watched)
    asked = masked() if form else {"json": {"prompt": "a rocket", "images": [in_words(noise(64, 64))], "mask": in_words(hole(64, 64, (0, 0, 40, 40)))}}
    served.drawing.gate.clear()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(served.client.post, "/v1/images/edits", **asked)
        served.drawing_begun()
        gc.collect()
        alive = [one() is not None for one in seen]
        served.drawing.gate.set()
        assert answer.result().status_code == 200
    assert alive == [False, False]


def test_edits_wait_before_their_bytes_are_read_where_many_come(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "UPLOADS", 1)
    body = httpx.Request("POST", served.url, **masked())
    host, port = served.url.removeprefix("http://").split(":")
    head = f"POST /v1/images/edits HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {body.headers['content-type']}\r\nContent-Length: {len(body.read())}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=90) as slow:
        slow.sendall(head.encode() + body.content[:1_000])
        time.sleep(0.3)
        with pytest.raises(httpx.ReadTimeout):
            served.client.post("/v1/images/edits", **masked(), timeout=1)
        assert served.client.get("/v1/runs").json()["data"] == []
    assert served.client.post("/v1/images/edits", **masked()).status_code == 200  # who left makes room


def test_an_edit_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_edits, "EDIT_S", 0.1)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=90) as slow:
        slow.sendall(f"POST /v1/images/edits HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert b" 400 " in slow.recv(1_000).splitlines()[0]


def test_no_address_of_others_is_fetched(served: Served) -> None:
    for address in ("http://169.254.169.254/latest", "file:///etc/passwd", f"{served.url}/v1/artifacts/{'0' * 64}"):
        answer = served.client.post("/v1/images/edits", json={"images": [{"image_url": address}], "prompt": "a rocket"})
        assert answer.status_code in (400, 404), address
        assert answer.json()["error"]["param"] == "image"
    assert served.client.post("/v1/images/edits", content=b"x", headers={"content-type": "text/plain"}).json()["error"]["code"] == "invalid_media_type"


# --------------------------------------------------------------------------------------------------------------- models


def test_models_are_listed(client: openai.OpenAI) -> None:
    listed = [model.id for model in client.models.list()]
    assert listed[:2] == ["cutwork", "mini"]
    assert client.models.retrieve("mini").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("owner/none")


# ----------------------------------------------------------------------------------------------------------------- chat


def said(*messages: str) -> list[Any]:
    """A conversation, the user first."""
    return [{"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(messages)]


def turns(served: Served, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.client.get(f"/v1/sessions/{session}").json()["turns"]
    return found


def test_a_conversation_is_a_session(client: openai.OpenAI, served: Served) -> None:
    first = client.chat.completions.create(model="cutwork", messages=said(BRIEF))
    text, told = first.choices[0].message.content or "", ours(first)
    link = text[text.index("](") + 2 : -1]
    assert Image.open(io.BytesIO(httpx.get(link, trust_env=False).content)).format == "PNG"
    assert [call["tool"] for call in told["calls"]] == ["design"]
    assert first.choices[0].finish_reason == "stop"
    assert first.usage is not None
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens > 0
    second = client.chat.completions.create(model="cutwork", messages=said(BRIEF, text, "make the cat bigger"))
    assert ours(second)["session"] == told["session"]
    assert [call["tool"] for call in ours(second)["calls"]] == ["resize"]
    assert ours(second)["design"] != told["design"]
    other = client.chat.completions.create(model="cutwork", messages=said(BRIEF, f" {text}\n", "remove the rocket"))  # the same talk, from an earlier place
    tree = {turn["id"]: turn["parent"] for turn in turns(served, told["session"])}
    assert [tree[ours(one)["turn"]] for one in (second, other)] == [told["turn"]] * 2


def test_a_conversation_that_is_not_known_begins_anew_and_says_so(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="cutwork", messages=said("draw a fox", "Here it is.", "a cat and a rocket"))
    assert "no conversation that is kept here" in ours(answer)["warnings"][0]
    assert ours(answer)["number"] == 1


def test_a_conversation_whose_session_was_deleted_begins_anew_and_says_so(client: openai.OpenAI, served: Served) -> None:
    first = client.chat.completions.create(model="cutwork", messages=said(BRIEF))
    assert served.client.delete(f"/v1/sessions/{ours(first)['session']}").status_code == 204
    answer = client.chat.completions.create(model="cutwork", messages=said(BRIEF, first.choices[0].message.content, "a cat"))
    assert "no conversation that is kept here" in ours(answer)["warnings"][0]
    assert ours(answer)["session"] != ours(first)["session"]


def test_a_conversation_may_name_its_session(client: openai.OpenAI, served: Served) -> None:
    session = served.client.post("/v1/sessions", json={"title": "foxes"}).json()["id"]
    for words in (BRIEF, "make the rocket smaller"):
        answer = client.chat.completions.create(model="cutwork", messages=said(words), metadata={"session": session})
        assert ours(answer)["session"] == session
    assert [turn["number"] for turn in turns(served, session)] == [1, 2]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="cutwork", messages=said("a cat"), metadata={"session": "none"})
    half = '{"model": "cutwork", "messages": [{"role": "user", "content": "a cat"}], "metadata": {"session": "\\ud800"}}'
    answer = served.client.post("/v1/chat/completions", content=half, headers={"content-type": "application/json"})
    assert (answer.status_code, "half a character" in answer.text) == (400, True)


def test_a_stream_ends_with_what_a_single_answer_says(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="cutwork", messages=said(BRIEF), stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "](http://127.0.0.1" in text
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    events = [ours(chunk) for chunk in chunks if chunk.model_extra]
    assert {"node", "step"} <= {event.get("event") for event in events}
    assert events[-1]["calls"][0]["tool"] == "design"
    again = client.chat.completions.create(model="cutwork", messages=said(BRIEF, text, "undo"))
    assert ours(again)["session"] == events[-1]["session"]


def test_parts_of_a_message_are_read(client: openai.OpenAI) -> None:
    content = [{"type": "text", "text": "a cat"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    answer = client.chat.completions.create(model="cutwork", messages=messages, temperature=0.2, tools=[{"type": "function", "function": {"name": "f"}}])
    assert [words.split()[0] for words in ours(answer)["warnings"]] == ["tools", "pictures", "system"]
    assert ours(answer)["design"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": said("a cat", "Here.")}, "messages"),
        ({"messages": said(" ")}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "judge", "content": "x"}]}, "messages.0.role"),
    ],
)
def test_chats_that_cannot_be_answered_are_refused(client: openai.OpenAI, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "cutwork", "messages": said("a cat"), **asked})
    assert caught.value.param == param


def test_only_the_assistant_chats(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="does not chat here"):
        client.chat.completions.create(model="mini", messages=said("a cat"))


def test_a_plan_that_waits_is_told(client: openai.OpenAI, served: Served) -> None:
    session = served.client.post("/v1/sessions", json={"approve": True}).json()["id"]
    answer = client.chat.completions.create(model="cutwork", messages=said(BRIEF), metadata={"session": session})
    assert ours(answer)["status"] == "waiting"
    assert ours(answer)["question"]["action_requests"]
    assert served.drawing.renders == []


def test_who_leaves_a_chat_cancels_its_turn(served: Served) -> None:
    asks_and_leaves(served, "/v1/chat/completions", {"model": "cutwork", "messages": said(BRIEF)})
    (run,) = served.client.get("/v1/runs").json()["data"]
    assert served.ended(run["id"])["status"] == "cancelled"


def test_tenants_do_not_share_conversations(served: Served) -> None:
    tokens = {name: served.service.tokens.add(name) for name in ("ann", "bob")}
    heads = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}

    def ask(name: str, messages: list[Any], **more: Any) -> httpx.Response:
        return httpx.post(f"{served.url}/v1/chat/completions", json={"model": "cutwork", "messages": messages, **more}, headers=heads[name], timeout=90, trust_env=False)

    text = (mine := ask("ann", said(BRIEF)).json())["choices"][0]["message"]["content"]
    theirs = ask("bob", said(BRIEF, text, "make the cat bigger"))
    assert theirs.status_code == 200 or theirs.json()["error"]
    assert theirs.json().get("x_cutwork", {}).get("session") != mine["x_cutwork"]["session"]
    assert ask("bob", said("undo"), metadata={"session": mine["x_cutwork"]["session"]}).status_code == 404
    link = text[text.index("](") + 2 : -1]
    assert [httpx.get(link, headers=heads[name], trust_env=False).status_code for name in ("ann", "bob")] == [200, 404]
    assert httpx.post(f"{served.url}/v1/images/generations", json={"prompt": "a cat"}, trust_env=False).status_code == 401


# --------------------------------------------------------------------------------------------------------- the real model


@pytest.mark.slow
def test_the_whole_story_with_the_embedded_model(serve: Any) -> None:
    served = serve(steps=8)
    del served.service.studio.wired.__dict__["drawing"]
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0, timeout=900) as client:
        events = list(client.images.generate(prompt="a cat on grass", size="256x256", stream=True, partial_images=2, extra_body={"x_cutwork": {"seed": 3, "rounds": 1}}))
        assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
        before = np.asarray(picture(events[-1].b64_json).convert("RGB"))
        mask = hole(256, 256, (150, 20, 240, 110))
        edited = client.images.edit(image=("p.png", png(before)), mask=("m.png", png(mask)), prompt="a balloon", extra_body={"x_cutwork": {"seed": 1}})
        assert edited.data is not None
        after, inside = np.asarray(picture(edited.data[0].b64_json)), mask[..., 3] == 0
        assert (after[~inside] == before[~inside]).all()
        assert (after[inside] != before[inside]).any()
        chat = client.chat.completions.create(model="cutwork", messages=said("a cat and a rocket on grass"))
        more = client.chat.completions.create(model="cutwork", messages=said("a cat and a rocket on grass", chat.choices[0].message.content or "", "make the cat bigger"))
        assert ours(more)["session"] == ours(chat)["session"]
        assert ours(more)["frozen"]
    assert json.dumps(ours(more))
