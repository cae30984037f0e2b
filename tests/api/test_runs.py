"""Work asked for over HTTP: done once, in order, cancelled exactly, finished and drawn again."""

from __future__ import annotations

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from cutwork.domain import FOLLOW

if TYPE_CHECKING:
    from conftest import Served


def test_a_brief_becomes_a_design(served: Served) -> None:
    answer = served.client.post("/v1/designs", json={"brief": "a cat and a rocket", "size": [64, 96], "seed": 7})
    assert answer.status_code == 202
    run = answer.json()
    assert answer.headers["location"] == run["links"]["self"] == f"/v1/runs/{run['id']}"
    assert (run["kind"], run["status"], run["design"]) == ("design", "waiting", run["id"])
    ended = served.ended(run["id"])
    assert (ended["status"], ended["error"], ended["ahead"]) == ("done", None, None)
    assert ended["created"] <= ended["started"] <= ended["finished"]
    design = served.client.get(ended["links"]["design"]).json()
    assert (design["id"], design["status"], design["size"], design["seed"]) == (run["id"], "accepted", [64, 96], 7)
    assert [s["noun"] for s in design["plan"]["subjects"]] == ["cat", "rocket"]
    picture = Image.open(io.BytesIO(served.client.get(design["image"]).content))
    assert picture.size == (64, 96)
    assert all(served.client.get(cut[part]).status_code == 200 for cut in design["cutouts"] for part in ("image", "mask"))
    assert all(served.client.get(file["path"]).headers["content-type"] == file["media_type"] for file in design["artifacts"])


def test_what_cannot_be_drawn_is_refused_at_once(served: Served) -> None:
    for asked, said in (
        ({"brief": ""}, "empty"),
        ({"brief": "a cat", "size": "65x64"}, "multiple of 16"),
        ({"brief": "a cat", "model": "/etc"}, "no model"),
        ({"brief": "a cat", "model": "owner/anything"}, "no model"),
        ({"brief": "a cat", "technique": "magic"}, "magic"),
        ({"brief": "a cat", "kind": "sticker", "captions": ["HI"]}, "only a meme has lettering"),
        ({"brief": "a cat", "wishes": {"textile": {"repeat": "spiral"}}}, "repeat"),
        ({"brief": "a cat", "references": ["0" * 64]}, "no upload"),
        ({"brief": "a cat", "follow": 0.5}, "no reference picture to be followed"),
        ({"brief": "a cat", "colour": "red"}, "colour"),
    ):
        answer = served.client.post("/v1/designs", json=asked)
        assert answer.status_code == 422, asked
        assert said in answer.json()["detail"]
    assert served.client.get("/v1/runs").json() == {"data": [], "next": None}


def test_a_design_begins_from_an_upload(served: Served, tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (90, 60), "red").save(data, "PNG")
    upload = served.client.post("/v1/uploads", content=data.getvalue(), headers={"content-type": "image/png"}).json()["sha256"]
    for asked, follow in (({}, FOLLOW), ({"follow": 0.4}, 0.4)):
        run = served.ended(served.design(references=[upload], **asked)["id"])
        assert (run["status"], run["error"]) == ("done", None)
        design = served.client.get(run["links"]["design"]).json()
        assert design["notes"][-1] == f"began from the given picture, at {follow * 100:g} % noise"
        kept = served.service.designs.get(run["id"])
        assert (kept.brief.references, kept.brief.follow) == ((upload,), follow)
        assert (design["references"], design["follow"]) == ([f"/v1/artifacts/{upload}"], follow)
        assert served.drawing.renders[-1].keep == served.drawing.begun_from(upload, follow, kept.brief.size)
        again = served.ended(served.client.post(f"/v1/designs/{run['id']}/rerun").json()["id"])
        assert (again["status"], served.drawing.renders[-1]) == ("done", served.drawing.renders[-2])
    here = tmp_path / "begun.png"
    Image.new("RGB", (64, 64), "blue").save(here)
    made = served.service.studio.design("a cat", reference=here, size="64x64")  # on this machine, not through the service
    (address,) = served.client.get(f"/v1/designs/{made.id}").json()["references"]
    shown = served.client.get(address)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    for wrong in ({"references": [upload, upload]}, {"references": [upload], "follow": 0.99}, {"references": [upload], "follow": 0}):
        assert served.client.post("/v1/designs", json={"brief": "a cat", **wrong}).status_code == 422


def test_the_same_key_is_the_same_run(served: Served) -> None:
    asked = {"brief": "a cat", "seed": 1, "size": "64x64"}
    first, again = (served.client.post("/v1/designs", json=asked, headers={"Idempotency-Key": "k1"}).json()["id"] for _ in range(2))
    assert first == again
    other = served.client.post("/v1/designs", json=asked | {"seed": 2}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert served.client.post("/v1/designs", json=asked, headers={"Idempotency-Key": "k2"}).json()["id"] != first
    served.ended(first)
    assert len(served.client.get("/v1/runs").json()["data"]) == 2


def test_lists_go_on_where_they_stopped(served: Served) -> None:
    ids = [served.design(seed=n)["id"] for n in range(5)]
    for id in ids:
        served.ended(id)
    for address in ("/v1/runs", "/v1/designs"):
        seen, after = [], None
        for _ in range(9):
            page = served.client.get(address, params={"limit": 2} | ({"after": after} if after else {})).json()
            seen += [row["id"] for row in page["data"]]
            after = page["next"]
            if after is None:
                break
        assert seen == ids[::-1]
        assert served.client.get(address, params={"after": "nonsense"}).status_code == 422
    rows = served.client.get("/v1/designs").json()["data"]
    assert all(served.client.get(row["image"]).status_code == 200 for row in rows)
    assert {row["status"] for row in rows} == {"accepted"}
    assert len(served.client.get("/v1/runs", params={"status": "done"}).json()["data"]) == 5
    assert served.client.get("/v1/runs", params={"status": "waiting"}).json()["data"] == []
    assert served.client.get("/v1/runs", params={"status": "nonsense"}).status_code == 422


def test_exactly_the_asked_run_is_cancelled(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    running, second, third = (served.design(seed=n)["id"] for n in range(3))
    served.drawing_begun()
    assert [served.run(id)["ahead"] for id in (running, second, third)] == [None, 1, 2]
    waiting = served.client.delete(f"/v1/runs/{second}")
    assert (waiting.status_code, waiting.json()["status"]) == (202, "cancelled")
    assert served.run(third)["ahead"] == 1
    asked = served.client.delete(f"/v1/runs/{running}")
    assert asked.status_code == 202
    assert served.ended(running)["status"] == "cancelled"
    served.drawing.gate.set()
    assert served.ended(third)["status"] == "done"
    assert [served.run(id)["status"] for id in (running, second, third)] == ["cancelled", "cancelled", "done"]
    assert served.client.delete(f"/v1/runs/{third}").json()["status"] == "done"  # what has ended stays
    assert len(served.drawing.renders) == 1


def test_a_cancelled_design_is_gone_on_with(serve: Callable[..., Served]) -> None:
    served = serve()
    served.drawing.gate.clear()
    id = served.design()["id"]
    served.drawing_begun()
    served.client.delete(f"/v1/runs/{id}")
    served.ended(id)
    assert served.client.get(f"/v1/designs/{id}").json()["status"] == "cancelled"
    served.drawing.gate.set()
    resumed = served.client.post(f"/v1/designs/{id}/resume")
    assert resumed.status_code == 202
    assert resumed.json()["design"] == id
    assert served.ended(resumed.json()["id"])["status"] == "done"
    assert served.client.get(f"/v1/designs/{id}").json()["status"] == "accepted"


def test_a_plan_waits_for_approval_and_an_answer_counts_once(served: Served) -> None:
    id = served.design(approve=True)["id"]
    assert served.ended(id)["status"] == "needs_approval"
    design = served.client.get(f"/v1/designs/{id}").json()
    assert design["status"] == "needs_approval"
    assert design["question"]["plan"]["subjects"]
    assert not served.drawing.renders
    unanswered = served.client.post(f"/v1/designs/{id}/resume", json={})
    assert (unanswered.status_code, "waits for an answer" in unanswered.json()["detail"]) == (422, True)
    rejected = served.client.post(f"/v1/designs/{id}/resume", json={"answer": "make the cat bigger"}).json()["id"]
    assert served.ended(rejected)["status"] == "needs_approval"
    assert not served.drawing.renders
    # the old answer, begun again as after a crash, is not taken for the new question's
    job = served.service.jobs.get(rejected)
    assert job is not None
    done = served.service.worker.kinds["resume"](job, lambda kind, data: None, lambda: False)
    assert done.status == "needs_approval"
    assert not served.drawing.renders
    approved = served.client.post(f"/v1/designs/{id}/resume", json={"answer": True}).json()["id"]
    assert served.ended(approved)["status"] == "done"
    assert len(served.drawing.renders) == 1


def test_a_finished_drawing_becomes_other_goods(served: Served) -> None:
    id = served.design()["id"]
    served.ended(id)
    run = served.client.post(f"/v1/designs/{id}/finish", json={"words": "half-drop in 4 colours, 72 dpi", "kind": "textile"}).json()
    ended = served.ended(run["id"])
    assert (ended["kind"], ended["status"], ended["design"]) == ("finish", "done", run["id"])
    made = served.client.get(ended["links"]["design"]).json()
    assert (made["kind"], made["parent"]) == ("textile", id)
    assert "tile" in {file["kind"] for file in made["artifacts"]}
    assert len(served.drawing.renders) == 1
    wrong = served.client.post(f"/v1/designs/{id}/finish", json={"settings": {"textile": {"repeat": "spiral"}}})
    assert wrong.status_code == 422


def test_a_design_is_drawn_again(served: Served) -> None:
    id = served.design()["id"]
    served.ended(id)
    run = served.client.post(f"/v1/designs/{id}/rerun").json()
    assert served.ended(run["id"])["status"] == "done"
    one, two = (served.client.get(f"/v1/designs/{i}").json() for i in (id, run["id"]))
    assert one["rounds"][0]["image"] == two["rounds"][0]["image"]
    assert len(served.drawing.renders) == 2


def test_work_on_what_is_not_there_or_not_done_is_refused(serve: Callable[..., Served]) -> None:
    served = serve()
    for what in ("finish", "rerun", "resume"):
        assert served.client.post(f"/v1/designs/nonesuch/{what}", json={}).status_code == 404
    served.drawing.gate.clear()
    id = served.design()["id"]
    served.drawing_begun()
    for method, address in (("POST", "finish"), ("POST", "rerun"), ("POST", "resume"), ("GET", "maps"), ("GET", "export")):
        answer = served.client.request(method, f"/v1/designs/{id}/{address}", json={} if method == "POST" else None)
        assert answer.status_code == 409, address
    assert served.client.delete(f"/v1/designs/{id}").status_code == 409
    served.drawing.gate.set()
    served.ended(id)
    assert served.client.delete(f"/v1/designs/{id}").status_code == 204
    assert served.client.get(f"/v1/designs/{id}").status_code == 404
    assert served.client.get("/v1/designs").json()["data"] == []


def test_a_run_that_fails_says_why_and_tells_nothing_else(served: Served) -> None:
    def fail(*args: object) -> object:
        raise RuntimeError("secret at /root/x")

    served.drawing.cut = fail  # type: ignore[method-assign, assignment]
    ended = served.ended(served.design()["id"])
    assert (ended["status"], ended["error"]["status"], ended["error"]["code"]) == ("failed", 500, "internal")
    assert "secret" not in json.dumps(ended)
    assert served.client.get(ended["links"]["design"]).json()["status"] == "failed"


def test_exports_and_heat_maps(served: Served) -> None:
    id = served.design()["id"]
    served.ended(id)
    for form, begins in (("run", b"PK"), ("zip", b"PK"), ("ora", b"PK"), ("psd", b"8BPS"), ("svg", b"<"), ("receipt", b"\x89PNG")):
        answer = served.client.get(f"/v1/designs/{id}/export", params={"form": form})
        assert answer.status_code == 200, answer.text
        assert answer.content.startswith(begins)
        assert f'filename="{id}' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(served.client.get(f"/v1/designs/{id}/export", params={"form": "run"}).content)) as archive:
        assert archive.testzip() is None
    assert served.client.get(f"/v1/designs/{id}/export", params={"form": "exe"}).status_code == 422
    maps = served.client.get(f"/v1/designs/{id}/maps").json()["data"]
    assert [(m["region"], m["word"]) for m in maps] == [(0, "cat"), (1, "rocket")]
    boxes = [region["box"] for region in served.client.get(f"/v1/designs/{id}").json()["plan"]["regions"]]
    for found, (x0, y0, x1, y1) in zip(maps, boxes, strict=True):
        picture = Image.open(io.BytesIO(served.client.get(found["map"]).content))
        assert (picture.mode, picture.size) == ("L", (64, 64))
        assert picture.getpixel((round((x0 + x1) * 32), round((y0 + y1) * 32))) > 200  # white where the word's subject is


def test_an_export_leaves_nothing_behind_whatever_part_of_it_is_asked_for(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    id = served.ended(served.design()["id"])["design"]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for asked in ("items=0-1", "bytes=9999999999-", "bytes=0-1", "bytes=0-1,4-5"):
        answer = served.client.get(f"/v1/designs/{id}/export?form=run", headers={"Range": asked, "If-Range": "x"} if asked == "bytes=0-1" else {"Range": asked})
        assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none"), asked
        assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    deadline = time.monotonic() + 5
    while list(tmp_path.glob("cutwork-*")):  # the answer is there before what made it is gone
        assert time.monotonic() < deadline, "it is left behind"
        time.sleep(0.01)


def test_only_the_agents(served: Served) -> None:
    plan = served.client.post("/v1/plans", json={"brief": "two red cats left of a boat"}).json()
    assert [(s["noun"], s["count"]) for s in plan["subjects"]] == [("cat", 2), ("boat", 1)]
    assert served.client.get("/v1/designs").json()["data"] == []


def test_a_plan_is_asked_for_as_its_design_will_be(served: Served) -> None:
    data = io.BytesIO()
    Image.new("RGB", (90, 60), "red").save(data, "PNG")
    upload = served.client.post("/v1/uploads", content=data.getvalue(), headers={"content-type": "image/png"}).json()["sha256"]
    asked = {"brief": "a cat and a rocket", "references": [upload], "follow": 0.4}
    plan = served.client.post("/v1/plans", json=asked).json()
    run = served.ended(served.design(**asked)["id"])
    assert [s["noun"] for s in plan["subjects"]] == [s["noun"] for s in served.client.get(run["links"]["design"]).json()["plan"]["subjects"]]
    for wrong in ({"references": ["0" * 64]}, {"references": [upload, upload]}, {"references": None}, {"follow": 0.99}):
        assert served.client.post("/v1/plans", json=asked | wrong).status_code == 422, wrong


def test_what_the_service_can_do(served: Served) -> None:
    meta = served.client.get("/v1/meta").json()
    assert (meta["model"], meta["llm"], meta["tenant"]) == ("mini", "offline", "local")
    assert {"textile", "meme"} <= set(meta["kinds"])
    assert "half-drop" in meta["repeats"]
    assert "anton" in meta["fonts"]
    assert "cat" in meta["vocabulary"]
    models = served.client.get("/v1/models").json()
    assert models["object"] == "list"
    assert "mini" in {row["id"] for row in models["data"]}
