"""The Model Context Protocol's own client against our server, over HTTP and stdio."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

if TYPE_CHECKING:
    from conftest import Served

BRIEF = "a grumpy cat and a rocket on a purple background"
LONGEST_S = 240
FAKE = Path(__file__).with_name("mcp_fake.py")


def over_http(served: Served, story: Callable[[Client], Awaitable[None]], mode: str = "auto", token: str | None = None) -> None:
    """Let a client tell its story to a service."""

    async def tell() -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(timeout=LONGEST_S, headers=headers, trust_env=False) as http,
            Client(streamable_http_client(f"{served.url}/mcp", http_client=http), mode=mode, read_timeout_seconds=LONGEST_S) as client,
        ):
            await story(client)

    asyncio.run(asyncio.wait_for(tell(), LONGEST_S))


def over_stdio(story: Callable[[Client], Awaitable[None]], *command: str, home: Path) -> str:
    """Let a client tell its story to a server process; what it wrote to stderr."""
    log = home.parent / "stderr"

    async def tell() -> None:
        env = {key: value for key, value in os.environ.items() if key.startswith(("CUTWORK", "OMP", "LANG", "HF", "PYTHON"))} | {"CUTWORK_HOME": str(home)}
        with log.open("w") as errors:
            async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=list(command), env=env), errlog=errors), read_timeout_seconds=LONGEST_S) as client:
                await story(client)

    asyncio.run(asyncio.wait_for(tell(), 4 * LONGEST_S))
    return log.read_text()


def text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def data(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


def pictures(result: CallToolResult) -> list[Image.Image]:
    return [Image.open(io.BytesIO(base64.b64decode(block.data))) for block in result.content if isinstance(block, ImageContent)]


def links(result: CallToolResult) -> dict[str, str]:
    return {block.name: str(block.uri) for block in result.content if isinstance(block, ResourceLink)}


def height(layer: dict[str, Any]) -> tuple[int, int]:
    """How near a layer is: of two at one z the later is the nearer."""
    return layer["z"], layer["region"]


async def image(client: Client, uri: str) -> Image.Image:
    (content,) = (await client.read_resource(uri)).contents
    assert content.mime_type == "image/png"
    return Image.open(io.BytesIO(base64.b64decode(content.blob)))  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_described(served: Served, mode: str) -> None:
    async def story(client: Client) -> None:
        tools = (await client.list_tools()).tools
        names = [tool.name for tool in tools]
        assert {
            "plan_design", "generate", "get_run", "cancel_run", "say", "edit_region", "add_subject", "cut_out_subjects", "compose_meme", "make_repeat",
            "make_sticker", "critique", "branch", "export_run", "list_models",
        } == set(names)  # fmt: skip
        assert names == [tool.name for tool in (await client.list_tools()).tools]
        assert all(tool.description and tool.output_schema for tool in tools)
        assert next(tool for tool in tools if tool.name == "generate").input_schema["required"] == ["brief"]
        assert (await client.list_resource_templates()).resource_templates[0].uri_template == "cutwork://artifacts/{sha256}"

    over_http(served, story, mode)


def test_a_design_is_planned_drawn_looked_at_and_changed(served: Served) -> None:
    async def story(client: Client) -> None:
        plan = data(await client.call_tool("plan_design", {"brief": BRIEF}))
        assert [region["subject"] for region in plan["plan"]["regions"]] == ["cat", "rocket"]
        assert "a rocket at [" in plan["words"]
        progress: list[float] = []

        async def heard(done: float, total: float | None, message: str | None) -> None:
            progress.append(done)

        made = await client.call_tool("generate", {"brief": BRIEF, "seed": 7, "wait_s": 90}, progress_callback=heard)
        told = data(made)
        assert told["status"] == "done"
        assert progress == sorted(progress)
        assert progress
        (small,) = pictures(made)
        assert max(small.size) <= 256
        whole = await image(client, links(made)["image.png"])
        assert whole.size == (256, 256)
        again = data(await client.call_tool("get_run", {"run": told["run"]}))
        assert (again["design"], again["files"]) == (told["design"], told["files"])
        layers = await client.call_tool("cut_out_subjects", {"design": told["design"]})
        assert [layer["subject"] for layer in data(layers)["layers"]] == ["cat", "rocket"]
        assert (await image(client, data(layers)["layers"][0]["image"]["uri"])).mode == "RGBA"
        measured = data(await client.call_tool("critique", {"design": told["design"]}))
        assert measured["accepted"]
        assert any("grumpy cat" in words for words in measured["words"])
        bigger = data(await client.call_tool("say", {"words": "make the cat bigger", "session": told["session"], "wait_s": 90}))
        assert [call["tool"] for call in bigger["calls"]] == ["resize"]
        moved = data(await client.call_tool("edit_region", {"session": told["session"], "subject": "rocket", "box": [0.5, 0.0, 0.9, 0.4], "wait_s": 90}))
        assert [call["tool"] for call in moved["calls"]] == ["move"]
        back = data(await client.call_tool("branch", {"session": told["session"], "turn": "1"}))
        assert back["design"] == told["design"]
        assert data(await client.call_tool("list_models", {}))["own"] == "mini"

    over_http(served, story)


def test_subjects_are_put_in_front_in_places_and_into_free_areas(served: Served) -> None:
    async def story(client: Client) -> None:
        begun = data(await client.call_tool("generate", {"brief": BRIEF, "seed": 7, "wait_s": 90}))
        session = begun["session"]

        async def edit(**asked: Any) -> list[dict[str, Any]]:
            told = data(await client.call_tool("edit_region", {"session": session, "wait_s": 90, **asked}))
            assert told["status"] == "done", told["words"]
            layers: list[dict[str, Any]] = data(await client.call_tool("cut_out_subjects", {"design": told["design"]}))["layers"]
            return layers

        first = data(await client.call_tool("cut_out_subjects", {"design": begun["design"]}))["layers"]
        nearer = max(first, key=height)
        assert [layer["area"] for layer in first] == [None, None]
        turned = await edit(subject=nearer["subject"], z="backward")
        assert max(turned, key=height)["subject"] != nearer["subject"]
        cornered = await edit(subject="the rocket", where="top right", z="front")
        assert max(cornered, key=height)["subject"] == "rocket"
        assert cornered[1]["box"][2] > 0.9
        assert cornered[1]["box"][1] < 0.1

        outlined = await edit(subject="cat", outline=[[0.0, 0.5], [0.5, 0.5], [0.0, 1.0]])
        area = np.asarray((await image(client, outlined[0]["area"]["uri"])).convert("L"))
        assert area.shape == (256, 256)
        assert area[140, 20] == 255  # inside the triangle, and beside it
        assert area[240, 120] == area[20, 20] == 0
        assert 0.115 < (area > 127).mean() < 0.135

        drawn = io.BytesIO()
        Image.fromarray(np.pad(np.full((200, 200), 255, np.uint8), ((56, 256), (256, 56)))).save(drawn, "PNG")  # twice the canvas: an area at the upper right
        sent = base64.b64encode(drawn.getvalue()).decode()
        for mask in (sent, f"data:image/png;base64,{sent}"):
            put = await edit(subject="cat", mask=mask, phrase="a fox") if mask == sent else await edit(subject="rocket", mask=mask)
        assert [layer["subject"] for layer in put] == ["fox", "rocket"]
        assert put[0]["area"]["uri"] == put[1]["area"]["uri"]
        added = data(await client.call_tool("add_subject", {"session": session, "phrase": "a star", "mask": outlined[0]["area"]["uri"], "wait_s": 90}))
        assert (added["status"], [call["tool"] for call in added["calls"]]) == ("done", ["add"])
        star = data(await client.call_tool("cut_out_subjects", {"design": added["design"]}))["layers"][2]
        assert (star["subject"], star["area"]["uri"]) == ("star", outlined[0]["area"]["uri"])

    over_http(served, story)


def test_places_that_cannot_be_are_told_before_anything_is_queued(served: Served) -> None:
    async def story(client: Client) -> None:
        empty = served.service.sessions.create(owner="local").id
        made = data(await client.call_tool("generate", {"brief": "a cat", "wait_s": 90}))["session"]
        for session, args, said in (
            (made, {"box": [0, 0, 0.5, 0.5], "where": "top left"}, "box and where are given (a subject has one place: give one of them)"),
            (made, {"mask": "0" * 64}, f"there is no file {'0' * 64}"),
            (made, {"mask": "a triangle"}, "the mask is 'a triangle'"),
            (made, {"mask": base64.b64encode(b"no picture").decode()}, "no PNG, JPEG or WebP"),
            (made, {"outline": [[0, 0], [1, 1]]}, "at least 3 items"),
            (made, {"outline": [[0, 0], [1, 1], [256, 0]]}, "less than or equal to 1"),
            (made, {"z": "top"}, "'forward'"),
            (empty, {"outline": [[0, 0], [1, 1], [1, 0]]}, "there is no design yet"),
        ):
            for tool, which in (("edit_region", {"subject": "cat"}), ("add_subject", {"phrase": "a star"})):
                if tool == "edit_region" or "z" not in args:
                    result = await client.call_tool(tool, {"session": session, **which, **args})
                    assert result.is_error, (tool, args)
                    assert said in text(result), (tool, args)
        assert len(served.service.sessions.turns(made)) == 1
        black = io.BytesIO()
        Image.new("L", (64, 64)).save(black, "PNG")
        told = await client.call_tool("edit_region", {"session": made, "subject": "cat", "mask": base64.b64encode(black.getvalue()).decode(), "wait_s": 90})
        assert told.is_error
        assert "mask marks nothing" in text(told)

    over_http(served, story)


def test_an_area_is_marked_by_ones_own_picture_alone(served: Served) -> None:
    ann, bob = (served.service.tokens.add(name) for name in ("ann", "bob"))
    theirs: dict[str, str] = {}

    async def draws(client: Client) -> None:
        made = data(await client.call_tool("generate", {"brief": BRIEF, "wait_s": 90}))
        theirs["mask"] = data(await client.call_tool("cut_out_subjects", {"design": made["design"]}))["layers"][0]["mask"]["uri"]

    async def wants(client: Client) -> None:
        made = data(await client.call_tool("generate", {"brief": "a dog", "wait_s": 90}))
        refused = await client.call_tool("edit_region", {"session": made["session"], "subject": "dog", "mask": theirs["mask"]})
        assert refused.is_error
        assert "there is no file" in text(refused)

    over_http(served, draws, token=ann)
    over_http(served, wants, token=bob)


@pytest.mark.slow
def test_goods_are_made_and_exported(serve: Callable[..., Served]) -> None:
    served = serve()
    from cutwork.tools.finish import finish

    served.drawing.finish = lambda design: finish(design, served.service.studio.wired.blobs)  # type: ignore[method-assign]

    async def story(client: Client) -> None:
        design = data(await client.call_tool("generate", {"brief": BRIEF, "seed": 7, "wait_s": 90}))["design"]
        meme = await client.call_tool("compose_meme", {"design": design, "captions": ["MONDAY", "again"], "wait_s": 90})
        assert "meme.png" in links(meme)
        sticker = await client.call_tool("make_sticker", {"design": design, "preset": "telegram", "wait_s": 90})
        assert any(name.startswith("stickers/") for name in links(sticker))
        tile = await client.call_tool("make_repeat", {"design": design, "repeat": "half-drop", "words": "in 4 colours, 5 cm, 100 dpi", "wait_s": 90})
        assert any(name.startswith("tile") for name in links(tile))
        exported = data(await client.call_tool("export_run", {"design": design, "form": "svg"}))
        (content,) = (await client.read_resource(exported["file"]["uri"])).contents
        assert content.mime_type == "image/svg+xml"

    over_http(served, story)


def test_a_drawing_begins_from_a_picture_that_is_sent(served: Served) -> None:
    from cutwork.tools.pixels import encode

    async def story(client: Client) -> None:
        sent = base64.b64encode(encode(np.full((96, 96, 3), 200, np.uint8))).decode()
        made = data(await client.call_tool("generate", {"brief": BRIEF, "reference": sent, "follow": 0.5, "wait_s": 90}))
        brief = served.service.studio.show(made["design"]).brief
        assert (len(brief.references), brief.follow) == (1, 0.5)
        again = data(await client.call_tool("generate", {"brief": "a cat", "reference": f"cutwork://artifacts/{brief.references[0]}", "wait_s": 90}))
        assert served.service.studio.show(again["design"]).brief.references == brief.references

    over_http(served, story)


def test_pictures_may_be_larger_than_other_requests(served: Served) -> None:
    async def story(client: Client) -> None:
        noise = io.BytesIO()
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (700, 700, 3), np.uint8)).save(noise, "PNG")
        assert len(noise.getvalue()) > 1 << 20
        made = await client.call_tool("generate", {"brief": "a cat", "size": "64x64", "reference": base64.b64encode(noise.getvalue()).decode(), "wait_s": 60})
        assert data(made)["status"] == "done"

    over_http(served, story)


def test_long_work_is_handed_in_asked_after_and_cancelled(served: Served) -> None:
    served.drawing.gate.clear()

    async def story(client: Client) -> None:
        run = data(await client.call_tool("generate", {"brief": BRIEF}))
        await asyncio.to_thread(served.drawing_begun)
        running = await client.call_tool("get_run", {"run": run["run"], "wait_s": 0.2})
        assert data(running)["status"] == "running"
        assert data(running)["progress"]["doing"] == "render"
        waiting = data(await client.call_tool("say", {"words": "make the cat bigger", "session": run["session"]}))
        assert (waiting["status"], waiting["progress"]["ahead"]) == ("waiting", 1)
        assert data(await client.call_tool("cancel_run", {"run": waiting["run"]}))["status"] == "cancelled"
        assert data(await client.call_tool("cancel_run", {"run": run["run"]}))["status"] == "cancelled"

    over_http(served, story)


def test_errors_are_told_in_the_result(served: Served) -> None:
    async def story(client: Client) -> None:
        for tool, args, said in (
            ("generate", {"brief": ""}, "at least 1 character"),
            ("get_run", {"run": "none"}, "there is no run 'none'"),
            ("critique", {"design": "none"}, "there is no design"),
            ("say", {"words": "hello", "session": "none"}, "there is no session"),
            ("edit_region", {"session": "none", "subject": "cat"}, "nothing is to be changed (give a phrase, a place, z or a scale)"),
            ("generate", {"brief": "a cat", "wait_s": 9000}, "less than or equal to 600"),
            ("generate", {"brief": "a cat", "reference": "my cat"}, "the reference is 'my cat' (wanted cutwork://artifacts/SHA256"),
            ("generate", {"brief": "a cat", "follow": 2}, "less than or equal to 0.95"),
            ("make_repeat", {"design": "none", "repeat": "spiral"}, "half-drop"),
        ):
            result = await client.call_tool(tool, {**args, **({"wait_s": 60} if tool == "generate" and "wait_s" not in args else {})})
            assert result.is_error, tool
            assert said in text(result), tool
        with pytest.raises(MCPError, match="no artifact"):
            await client.read_resource(f"cutwork://artifacts/{'0' * 64}")

    over_http(served, story)


def test_tenants_see_their_own(served: Served) -> None:
    ann, bob = (served.service.tokens.add(name) for name in ("ann", "bob"))
    made: dict[str, Any] = {}

    async def makes(client: Client) -> None:
        made.update(data(await client.call_tool("generate", {"brief": "a cat", "wait_s": 90})))

    async def looks(client: Client) -> None:
        for tool, args in (("get_run", {"run": made["run"]}), ("critique", {"design": made["design"]}), ("say", {"words": "undo", "session": made["session"]})):
            assert (await client.call_tool(tool, args)).is_error
        with pytest.raises(MCPError):
            await client.read_resource(made["files"][0]["uri"])

    over_http(served, makes, token=ann)
    over_http(served, looks, token=bob)
    assert served.client.post("/mcp", json={}).status_code == 401


@pytest.mark.slow
def test_stdio_is_the_clients_alone(home: Path) -> None:
    async def story(client: Client) -> None:
        told = data(await client.call_tool("generate", {"brief": "a cat", "seed": 1, "wait_s": 120}))
        assert told["status"] == "done"
        assert (await image(client, next(file["uri"] for file in told["files"] if file["kind"] == "image"))).size == (256, 256)

    errors = over_stdio(story, str(FAKE), home=home)
    assert '"event":"ends"' in errors
    assert "this is for nobody's client" in errors


def test_the_command_is_there() -> None:
    out = subprocess.run([sys.executable, "-m", "cutwork", "mcp", "--help"], capture_output=True, text=True, check=True, timeout=LONGEST_S).stdout
    assert "--http" in out


@pytest.mark.slow
def test_the_whole_story_with_the_embedded_model(home: Path) -> None:
    async def story(client: Client) -> None:
        run = data(await client.call_tool("generate", {"brief": "a cat on grass", "seed": 3}))
        while run["status"] in ("waiting", "running"):
            run = data(await client.call_tool("get_run", {"run": run["run"], "wait_s": 30}))
        assert run["status"] == "done"
        sticker = await client.call_tool("make_sticker", {"design": run["design"], "wait_s": 120})
        uri = next(uri for name, uri in links(sticker).items() if name.startswith("stickers/"))
        (content,) = (await client.read_resource(uri)).contents
        assert Image.open(io.BytesIO(base64.b64decode(content.blob))).mode == "RGBA"  # type: ignore[union-attr]

    over_stdio(story, "-m", "cutwork", "mcp", "--steps", "8", home=home)
