"""What a person does with the page, from brief to cloth, and what happens where it does not go as planned."""

from __future__ import annotations

import base64
import gzip
import json
import math
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.slow
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
BRIEF = "a grumpy cat and a rocket on a purple background"
LONG = 600_000  # ms until a picture of few steps is there, also where other work takes the machine


def ask(address: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(address + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or "null")


def session_of(page: Any, address: str) -> Any:
    return ask(address, f"/v1/sessions/{page.url.rsplit('/', 1)[1]}")


def begin(page: Any, address: str, brief: str = BRIEF) -> None:
    page.goto(address)
    page.get_by_role("textbox", name="Brief").fill(brief)
    page.get_by_role("button", name="Design it").click()
    page.wait_for_url("**/#/s/*")


def say(page: Any, words: str) -> None:
    page.get_by_role("textbox", name="Say what to change").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def turn(page: Any, number: int) -> Any:
    return page.get_by_role("article", name=f"Turn {number}", exact=True)


def done(page: Any, number: int) -> Any:
    """A turn, when it is over, nothing is at work, and the canvas shows what it made."""
    turn(page, number).wait_for(timeout=LONG)
    page.get_by_role("progressbar").wait_for(state="detached", timeout=LONG)
    session = session_of(page, page.url.split("/#")[0])
    found = session["turns"][number - 1]
    assert found["status"] == "done", found
    page.locator(f"[data-design='{found['design']}']").wait_for(timeout=LONG)
    return found


def regions(page: Any) -> Any:
    return page.get_by_role("list", name="Regions").get_by_role("button")


def serious(page: Any) -> list[str]:
    """What axe finds that keeps people out."""
    if not AXE.is_file():
        pytest.skip(f"{AXE} is not there: npm install in web/")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    return [f"{v['id']}: {v['help']} at {[n['target'] for n in v['nodes']][:4]}" for v in found["violations"] if v["impact"] in ("serious", "critical")]


def test_from_a_brief_to_cloth(page: Any, quick: str) -> None:
    begin(page, quick)
    done(page, 1)
    layers = page.get_by_role("list", name="Layers, front first")
    layers.get_by_role("listitem").nth(2).wait_for()
    assert layers.get_by_role("listitem").count() == 3
    regions(page).nth(1).wait_for()  # the canvas comes when it is first wanted
    assert regions(page).count() == 2
    assert serious(page) == []

    say(page, "make the cat bigger")
    second = done(page, 2)
    assert "cat" in " ".join(second["changes"])
    assert second["reply"] in turn(page, 2).inner_text()

    _drag(page, regions(page).last)
    third = done(page, 3)
    assert [call["tool"] for call in third["calls"]] == ["move"]
    assert third["design"] != second["design"]

    page.locator("body").press("Control+z")
    page.wait_for_function("() => document.querySelectorAll('article.turn').length === 2")
    for _ in range(100):  # the page is there at once, the service is told meanwhile
        if session_of(page, quick)["head"] == second["id"]:
            break
        page.wait_for_timeout(50)
    assert session_of(page, quick)["head"] == second["id"]
    page.get_by_role("button", name="Redo").click()
    turn(page, 3).wait_for()
    page.get_by_role("button", name="Undo").click()
    turn(page, 3).wait_for(state="detached")

    page.get_by_role("tab", name="Finish").click()
    page.get_by_role("group", name="Kind of goods").get_by_role("button", name="Textile").click()
    page.get_by_text("Tried out, not kept yet").wait_for(timeout=LONG)
    page.get_by_role("combobox", name="Repeat").select_option("ogee")
    page.get_by_role("img", name="Textile, ogee repeat").wait_for(timeout=LONG)
    assert len(session_of(page, quick)["turns"]) == 3
    page.get_by_role("button", name="Keep it").click()
    kept = done(page, 4)
    assert kept["parent"] == second["id"]
    assert kept["cost"]["drawn"] == 0
    design = ask(quick, f"/v1/designs/{kept['design']}")
    assert (design["kind"], design["plan"]["finish"]["textile"]["repeat"]) == ("textile", "ogee")

    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=LONG) as waiting:
        page.get_by_role("button", name="ZIP").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        assert any(name.endswith("tile.png") for name in archive.namelist())

    page.get_by_role("tab", name="History").click()
    page.get_by_role("list", name="History").get_by_role("listitem").nth(3).wait_for()
    assert page.get_by_role("list", name="History").get_by_role("listitem").count() == 4
    assert serious(page) == []
    page.get_by_role("button", name="Compare two takes").click()
    page.get_by_role("slider", name="How much of the left take is seen").fill("20")
    assert page.locator(".compare-over").get_attribute("style") == "clip-path: inset(0px 0px 0px 20%);"
    assert serious(page) == []


def _drag(page: Any, region: Any) -> None:
    """Take a region by its middle and let it go elsewhere."""
    box = region.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 20, y + 20, steps=4)
    page.mouse.move(x - 60, y + 60, steps=6)
    page.mouse.up()


def test_regions_obey_the_keyboard_and_locks_hold_them(page: Any, quick: str) -> None:
    begin(page, quick, "a fox and a balloon")
    done(page, 1)
    region = regions(page).first
    region.focus()
    before = region.get_attribute("aria-label")
    region.press("ArrowDown")
    region.press("Shift+ArrowLeft")
    assert region.get_attribute("aria-label") != before
    region.press("Escape")
    assert region.get_attribute("aria-label") == before
    region.press("ArrowDown")
    region.press("ArrowDown")
    region.press("Enter")
    assert done(page, 2)["calls"][0]["tool"] == "move"

    page.get_by_role("button", name="Lock").first.click()
    assert len(done(page, 3)["locks"]) == 1
    page.get_by_role("button", name="Unlock").wait_for()


def layers(page: Any) -> Any:
    """Rows of the layers, the front one first; the last is the background."""
    return page.get_by_role("list", name="Layers, front first").get_by_role("listitem")


def told(layer: Any) -> str:
    """Who a layer is of, and where it is."""
    return str(layer.get_by_role("button").first.inner_text())


def test_layers_are_brought_forward_and_placed(page: Any, quick: str) -> None:
    begin(page, quick, "a fox and a balloon")
    done(page, 1)
    layers(page).nth(2).wait_for()
    behind = "fox" if "fox" in told(layers(page).nth(1)) else "balloon"
    before = next(name for name in ("fox", "balloon") if name != behind)
    assert page.get_by_role("button", name=f"Bring {before} forward").is_disabled()
    assert page.get_by_role("button", name=f"Send {behind} backward").is_disabled()
    page.get_by_role("button", name=f"Bring {behind} forward").focus()
    page.keyboard.press("Enter")
    second = done(page, 2)
    assert [(call["tool"], call["args"]["subject"], call["args"]["z"]) for call in second["calls"]] == [("move", behind, "forward")]
    assert f"Bring the {behind} forward" in turn(page, 2).inner_text()
    assert behind in told(layers(page).first)
    assert page.get_by_role("button", name=f"Bring {behind} forward").is_disabled()

    region = regions(page).filter(has_text=behind)
    region.press("]")  # nobody is nearer: nothing is asked for
    region.press("[")
    assert done(page, 3)["calls"][0]["args"]["z"] == "backward"
    assert before in told(layers(page).first)

    layers(page).first.get_by_role("button").first.click()
    page.get_by_role("combobox", name=f"Place for {before}").select_option("Top right")
    assert serious(page) == []
    page.get_by_role("button", name=f"Move {before} there").click()
    fourth = done(page, 4)
    assert (fourth["calls"][0]["tool"], fourth["calls"][0]["args"]["where"]) == ("move", "top right")
    assert "upper right" in told(layers(page).first)


def test_an_area_is_drawn_by_hand_or_brought(page: Any, quick: str, tmp_path: Path) -> None:
    begin(page, quick, "a fox and a balloon")
    done(page, 1)
    layers(page).first.get_by_role("button").first.click()
    name = "fox" if "fox" in told(layers(page).first) else "balloon"
    opens = page.get_by_role("button", name=f"Draw an area for {name}")
    opens.click()
    bar = page.get_by_role("group", name=f"Free area for the {name}")
    assert bar.evaluate("(bar) => bar === document.activeElement")
    assert bar.get_by_role("button", name="Draw it there").is_disabled()
    page.keyboard.press("Escape")
    bar.wait_for(state="detached")
    assert opens.evaluate("(button) => button === document.activeElement")

    opens.click()
    _round(page, 0.25, 0.3)
    assert bar.get_by_role("button", name="Draw it there").is_enabled()
    assert serious(page) == []
    seen: list[str] = []
    page.on("response", lambda answer: seen.append(answer.url) if answer.ok else None)
    bar.get_by_role("button", name="Draw it there").click()
    second = done(page, 2)
    assert second["calls"][0]["tool"] == "move"
    assert "free area" in told(layers(page).first)
    region = next(r for r in ask(quick, f"/v1/designs/{second['design']}")["plan"]["regions"] if r["subject"] == second["calls"][0]["args"]["subject"])
    x0, y0, x1, y1 = region["box"]
    assert abs((x0 + x1) / 2 - 0.25) < 0.03
    assert abs((y0 + y1) / 2 - 0.3) < 0.03
    page.wait_for_timeout(300)
    assert any(region["mask"] in url for url in seen), "the outline of the area is shown"

    layers(page).first.get_by_role("button").first.click()
    page.get_by_role("button", name="Draw an area for").click()
    for size, fault in (((80, 40), "80 × 40"), ((64, 64), None)):
        mask = Image.new("L", size, 0)
        mask.paste(255, (size[0] // 2, size[1] // 2, size[0], size[1]))
        mask.save(tmp_path / "mask.png")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Mask file").click()
        chooser.value.set_files(tmp_path / "mask.png")
        if fault:
            page.get_by_role("alert").filter(has_text=fault).wait_for()
            assert page.get_by_role("button", name="Draw it there").is_disabled()
    page.get_by_role("button", name="Draw it there").click()  # waits until it can be
    third = done(page, 3)
    boxes = {r["subject"]: r["box"] for r in ask(quick, f"/v1/designs/{third['design']}")["plan"]["regions"]}
    assert boxes[third["calls"][0]["args"]["subject"]] == [0.5, 0.5, 1.0, 1.0]


def _round(page: Any, x: float, y: float, radius: float = 0.18) -> None:
    """Draw a ring about a point of the picture, in its fractions."""
    left, top, side = page.locator(".lasso").evaluate(
        "(svg) => { const at = svg.querySelector('g').transform.baseVal.consolidate().matrix, room = svg.getBoundingClientRect(); return [room.x + at.e, room.y + at.f, 256 * at.a]; }"
    )
    ring = [(left + side * (x + radius * math.cos(step / 5)), top + side * (y + radius * math.sin(step / 5))) for step in range(31)]
    page.mouse.move(*ring[0])
    page.mouse.down()
    for at in ring[1:]:
        page.mouse.move(*at)
    page.mouse.up()


def begin_with(page: Any) -> Any:
    """Where a picture to begin from is given."""
    return page.get_by_role("group", name="Picture to begin from")


def choose(page: Any, button: str, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        begin_with(page).get_by_role("button", name=button).click()
    chooser.value.set_files(path)


def give(page: Any, kind: str, path: Path, media_type: str = "image/png", text: str = "") -> bool:
    """Drop or paste a file onto the brief, as a browser tells of it; whether the page takes it."""
    script = """(field, [kind, data, name, type, text]) => {
        const held = new DataTransfer();
        held.items.add(new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name, {type}));
        if (text) held.setData("text/plain", text);
        const how = {bubbles: true, cancelable: true};
        const event = kind === "paste" ? new ClipboardEvent(kind, {...how, clipboardData: held}) : new DragEvent(kind, {...how, dataTransfer: held});
        return !field.dispatchEvent(event);
    }"""
    return bool(page.get_by_role("textbox", name="Brief").evaluate(script, [kind, base64.b64encode(path.read_bytes()).decode(), path.name, media_type, text]))


def loaded(page: Any, picture: Any) -> list[int]:
    """A picture's width and height, once it is there."""
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    found: list[int] = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    return found


def test_a_brief_begins_from_a_picture(page: Any, quick: str, tmp_path: Path) -> None:
    apple, tall, text, large = (tmp_path / name for name in ("apple.png", "tall.jpg", "notes.txt", "large.png"))
    Image.new("RGB", (90, 60), "red").save(apple)
    Image.new("RGB", (40, 80), "green").save(tall)
    text.write_text("no picture at all", "utf-8")
    Image.new("1", (4097, 4097)).save(large)
    page.goto(quick)
    brief = page.get_by_role("textbox", name="Brief")
    brief.fill("a green frog")
    chosen = begin_with(page)

    for kind, path, media_type, said in (("drop", text, "text/plain", "the media type is text/plain"), ("paste", large, "image/png", "4097 × 4097 pixels, at most 16,777,216")):
        give(page, kind, path, media_type)
        chosen.get_by_role("alert").filter(has_text=said).wait_for()
        assert serious(page) == []
        assert brief.input_value() == "a green frog"
    chosen.get_by_role("button", name="Dismiss").click()
    chosen.get_by_role("alert").wait_for(state="detached")

    give(page, "dragover", tall)
    page.get_by_text("Let go of it anywhere.").wait_for()
    assert give(page, "drop", tall, "image/jpeg")
    chosen.get_by_role("img", name="tall.jpg").wait_for()
    assert not give(page, "paste", apple, text="some text, of which the picture is only a view")
    assert give(page, "paste", apple, text=apple.name)
    chosen.get_by_role("img", name="apple.png").wait_for()
    chosen.get_by_role("button", name="Remove the picture").click()
    button = chosen.get_by_role("button", name="Begin from a picture")
    assert button.evaluate("(button) => button === document.activeElement")
    choose(page, "Begin from a picture", apple)

    slider = chosen.get_by_role("slider", name="Follow it")
    assert (slider.input_value(), slider.get_attribute("aria-valuetext")) == ("30", "Its large shapes and colours stay.")
    slider.press("End")
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "It hardly changes."
    page.reload()
    assert loaded(page, chosen.get_by_role("img", name="apple.png")) == [90, 60]
    brief.press("Tab")
    assert slider.evaluate("(slider) => slider === document.activeElement")
    assert (brief.input_value(), slider.input_value()) == ("a green frog", "85")
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.querySelector('.home').scrollWidth") <= 390
    assert all(box["x"] + box["width"] <= 390 for box in (slider.bounding_box(), chosen.bounding_box(), chosen.get_by_role("button", name="Remove the picture").bounding_box()))
    page.set_viewport_size({"width": 1440, "height": 900})

    brief.press("Enter")
    page.wait_for_url("**/#/s/*")
    first = done(page, 1)
    reference = first["calls"][0]["args"]["reference"]
    assert (first["words"], first["calls"][0]["args"]["follow"]) == ("a green frog", 0.15)
    design = ask(quick, f"/v1/designs/{first['design']}")
    assert (design["references"], design["follow"]) == ([f"/v1/artifacts/{reference}"], 0.15)
    assert "Begins from this picture. It hardly changes." in turn(page, 1).inner_text()
    for where, name in ((turn(page, 1), "The picture it begins from"), (page.get_by_role("tabpanel"), "The picture it began from")):
        assert loaded(page, where.get_by_role("img", name=name)) == [90, 60]
    assert serious(page) == []
    page.goto(quick)
    page.get_by_role("button", name="Begin from a picture").wait_for()
    assert chosen.get_by_role("img").count() == 0, "what was sent is no draft any more"


def test_a_picture_that_cannot_be_had_is_said_and_given_again(page: Any, context: Any, quick: str, tmp_path: Path) -> None:
    apple = tmp_path / "apple.png"
    Image.new("RGB", (90, 60), "red").save(apple)
    page.goto(quick)
    page.get_by_role("textbox", name="Brief").fill("a green frog")
    gone = {"sha256": "0" * 64, "name": "gone.png", "width": 9, "height": 9, "follow": 0.5}
    page.evaluate("text => localStorage.setItem('cutwork.picture.new', text)", json.dumps(gone))
    page.reload()
    begin_with(page).get_by_role("alert").filter(has_text="not kept by the service any more").wait_for()
    assert begin_with(page).get_by_role("img").count() == 0
    assert page.get_by_role("textbox", name="Brief").input_value() == "a green frog"

    session = ask(quick, "/v1/sessions", {"title": "nothing stands here"})["id"]
    page.goto(f"{quick}/#/s/{session}")
    words = page.get_by_role("textbox", name="Say what to change")
    words.fill("a green frog")
    context.set_offline(True)
    choose(page, "Begin from a picture", apple)
    again = begin_with(page).get_by_role("button", name="Try again")
    again.wait_for()
    context.set_offline(False)
    again.click()
    begin_with(page).get_by_role("img", name="apple.png").wait_for()
    assert words.input_value() == "a green frog"
    words.press("Enter")
    first = done(page, 1)
    assert first["calls"][0]["args"]["follow"] == 0.7
    assert begin_with(page).count() == 0, "an edit does not begin anew"


def test_goods_are_tried_out_live_and_let_go_of(page: Any, quick: str) -> None:
    begin(page, quick, "meme: grumpy cat on a purple background")
    done(page, 1)
    page.get_by_role("tab", name="Finish").click()
    page.get_by_label("Top", exact=True).fill("MONDAY")
    page.get_by_text("Tried out, not kept yet").wait_for(timeout=LONG)
    page.get_by_role("img", name="Meme: MONDAY").wait_for(timeout=LONG)
    page.get_by_role("button", name="Put back").click()
    page.get_by_text("Tried out, not kept yet").wait_for(state="detached")
    assert len(session_of(page, quick)["turns"]) == 1


def test_a_plan_is_shown_before_it_is_drawn(page: Any, quick: str) -> None:
    page.goto(quick)
    page.get_by_role("textbox", name="Brief").fill("a red balloon")
    page.get_by_label("Show me the plan first").check()
    page.get_by_role("button", name="Design it").click()
    card = page.get_by_role("group", name="Needs your word")
    card.get_by_role("img", name="Plan: balloon").wait_for(timeout=LONG)
    assert serious(page) == []
    assert session_of(page, quick)["turns"][0]["status"] == "waiting"
    card.get_by_role("button", name="Change").click()
    card.get_by_role("textbox").fill("further to the left")
    card.get_by_role("button", name="Go on with this").click()
    card.get_by_role("textbox").wait_for(state="detached")
    approve = card.get_by_role("button", name="Approve")
    approve.or_(page.get_by_role("list", name="Layers, front first")).wait_for(timeout=LONG)
    if approve.count():  # the changed plan is asked about again
        approve.click()
        card.wait_for(state="detached", timeout=LONG)
    assert done(page, 1)["cost"]["drawn"] == 1


def test_what_cannot_be_done_is_said_and_can_be_tried_again(page: Any, quick: str) -> None:
    begin(page, quick, "a cat")
    done(page, 1)
    ask_turn = {"calls": [{"tool": "remove", "args": {"subject": "zeppelin"}}]}
    ask(quick, f"/v1/sessions/{page.url.rsplit('/', 1)[1]}/turns", ask_turn)
    failed = turn(page, 2)
    failed.get_by_role("button", name="Try again").wait_for(timeout=LONG)
    assert "zeppelin" in failed.inner_text()


def test_a_session_that_is_not_there(page: Any, quick: str) -> None:
    page.goto(f"{quick}/#/s/none-of-that-name")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "none-of-that-name" in alert.inner_text()
    page.get_by_role("button", name="Begin a new session").click()
    page.get_by_role("heading", name="What shall we make?").wait_for()
    assert serious(page) == []


def test_nothing_typed_is_lost_without_the_service(page: Any, context: Any, quick: str) -> None:
    session = ask(quick, "/v1/sessions", {"title": "offline"})["id"]
    page.goto(f"{quick}/#/s/{session}")
    page.get_by_role("textbox", name="Say what to change").wait_for()
    context.set_offline(True)
    page.get_by_text("The service cannot be reached.").first.wait_for()
    say(page, "a red balloon")
    page.get_by_text("Not sent yet.").wait_for()
    page.get_by_role("textbox", name="Say what to change").fill("and then")
    context.set_offline(False)
    page.get_by_text("Not sent yet.").wait_for(state="detached")
    page.get_by_role("article", name="Turn 1").wait_for()
    page.reload()
    assert page.get_by_role("textbox", name="Say what to change").input_value() == "and then"
    done(page, 1)
    assert [one["words"] for one in session_of(page, quick)["turns"]] == ["a red balloon"]


def test_sessions_are_found_renamed_and_deleted(page: Any, quick: str) -> None:
    for number in range(45):
        ask(quick, "/v1/sessions", {"title": f"sample {number:02d}"})
    page.goto(quick)
    page.get_by_role("button", name="Sessions").click()
    drawer = page.get_by_role("dialog", name="Sessions")
    drawer.get_by_role("button", name="sample 44", exact=False).first.wait_for()
    drawer.get_by_role("searchbox").fill("sample 03")  # on a later page of the list
    drawer.get_by_text("sample 03").wait_for()
    assert serious(page) == []
    drawer.get_by_role("button", name="Rename sample 03").click()
    drawer.get_by_role("textbox", name="New name").fill("sample 03 again")
    drawer.get_by_role("textbox", name="New name").press("Enter")
    drawer.get_by_role("button", name="Delete sample 03 again").click()
    drawer.get_by_role("button", name="Delete", exact=True).click()
    drawer.get_by_text("No session has such a name.").wait_for()


def test_a_reload_in_mid_run_and_a_second_tab_pick_it_up(page: Any, context: Any, lasting: str) -> None:
    begin(page, lasting)
    page.get_by_role("progressbar").wait_for()
    page.get_by_text("step", exact=False).first.wait_for(timeout=LONG)
    page.reload()
    page.get_by_role("progressbar").wait_for(timeout=LONG)
    page.get_by_text("step", exact=False).first.wait_for(timeout=LONG)
    assert turn(page, 1).inner_text().startswith(BRIEF)

    other = context.new_page()
    other.goto(page.url)
    other.get_by_role("progressbar").wait_for(timeout=LONG)
    other.get_by_role("button", name="Cancel").click()
    for tab in (page, other):
        tab.get_by_text("Cancelled.").wait_for(timeout=LONG)
        tab.get_by_role("button", name="Try again").wait_for()
    assert session_of(page, lasting)["turns"][0]["status"] == "cancelled"


def test_a_phone_has_one_side_at_a_time(browser: Any, quick: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(quick)
    page.get_by_role("textbox", name="Brief").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    session = ask(quick, "/v1/sessions", {"title": "on the phone"})["id"]
    page.goto(f"{quick}/#/s/{session}")
    page.get_by_role("region", name="Conversation").wait_for()
    assert page.get_by_role("main").is_hidden()
    page.get_by_role("navigation", name="Parts").get_by_role("button", name="Canvas").click()
    page.get_by_role("main").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
    context.close()


def test_first_load_is_light(page: Any, quick: str) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(gzip.compress(answer.body()))) if answer.ok else None)
    page.goto(quick)
    page.get_by_role("heading", name="What shall we make?").wait_for()
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) <= 300_000
