"""The canvas under fingers, as a phone's browser tells of them: one moves what it lies on, two zoom and pan and move nothing else."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

pytestmark = pytest.mark.slow
LONG = 600_000  # ms until a picture of few steps is there, also where other work takes the machine
Point = tuple[float, float]


def ask(address: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(address + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or "null")


class Phone:
    """A session on a phone whose canvas is seen, and fingers on it."""

    def __init__(self, context: Any, address: str) -> None:
        self.address, self.page = address, context.new_page()
        self.id = ask(address, "/v1/sessions", {})["id"]
        ask(address, f"/v1/sessions/{self.id}/turns", {"words": "a grumpy cat and a rocket on a purple background"})
        self.page.goto(f"{address}/#/s/{self.id}")
        self.page.get_by_role("navigation", name="Parts").get_by_role("button", name="Canvas").click()
        self._regions.nth(1).wait_for(timeout=LONG)
        self.page.get_by_role("progressbar").wait_for(state="detached", timeout=LONG)
        self._wire = context.new_cdp_session(self.page)

    @property
    def _regions(self) -> Any:
        return self.page.get_by_role("list", name="Regions").get_by_role("button")

    @property
    def turns(self) -> list[Any]:
        found: list[Any] = ask(self.address, f"/v1/sessions/{self.id}")["turns"]
        return found

    def regions(self) -> list[dict[str, float]]:
        """Where they stand on the screen."""
        return [region.bounding_box() for region in self._regions.all()]

    def names(self) -> list[str]:
        """What they say of where they stand on the picture."""
        return [region.get_attribute("aria-label") for region in self._regions.all()]

    def middle(self, number: int = 0) -> Point:
        box = self.regions()[number]
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def beside(self) -> Point:
        """A point of the canvas where nothing lies."""
        mat = self.page.locator(".mat").bounding_box()
        return mat["x"] + 12, mat["y"] + 12

    def touch(self, kind: str, *points: Point) -> None:
        given = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    def drag(self, begin: Sequence[Point], end: Sequence[Point], steps: int = 6, lift: bool = True) -> None:
        """Fingers go down one after the other, move together and are lifted one after the other."""
        for count in range(1, len(begin) + 1):
            self.touch("touchStart", *begin[:count])
        for step in range(1, steps + 1):
            self.touch("touchMove", *((x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps) for (x0, y0), (x1, y1) in zip(begin, end, strict=True)))
        for count in range(len(end) - 1, -1, -1) if lift else ():
            self.touch("touchEnd", *end[:count])

    def until(self, true: Callable[[], bool]) -> None:
        """The page draws when it comes to it."""
        for _ in range(200):
            if true():
                return
            self.page.wait_for_timeout(25)
        raise AssertionError((self.regions(), self.names()))


@pytest.fixture
def phone(browser: Any, quick: str) -> Iterator[Phone]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(60_000)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield Phone(context, quick)
    context.close()
    assert not faults


def near(a: float, b: float, within: float = 1.5) -> bool:
    return abs(a - b) <= within


def test_two_fingers_zoom_around_what_is_between_them(phone: Phone) -> None:
    before, names = phone.regions(), phone.names()
    x, y = phone.middle(1)
    phone.drag([(x - 40, y), (x + 40, y)], [(x - 80, y), (x + 80, y)])
    phone.until(lambda: near(phone.regions()[1]["width"], 2 * before[1]["width"]))
    found = phone.regions()
    for box, was in zip(found, before, strict=True):
        assert near(box["x"], x + 2 * (was["x"] - x))
        assert near(box["y"], y + 2 * (was["y"] - y))
        assert near(box["height"], 2 * was["height"])
    assert phone.names() == names, "no region was moved"

    phone.drag([(x - 80, y), (x + 80, y)], [(x - 40, y), (x + 40, y)])
    phone.until(lambda: all(near(box["x"], was["x"]) and near(box["width"], was["width"]) for box, was in zip(phone.regions(), before, strict=True)))
    assert phone.names() == names
    assert len(phone.turns) == 1
    assert phone.page.evaluate("visualViewport.scale") == 1, "the page itself was not zoomed"


def test_two_fingers_pan_wherever_they_lie(phone: Phone) -> None:
    before, names = phone.regions(), phone.names()
    x, y = phone.middle(0)  # the first of them lies on a region
    phone.drag([(x, y), (x + 60, y + 10)], [(x + 30, y - 40), (x + 90, y - 30)])
    phone.until(lambda: near(phone.regions()[0]["y"], before[0]["y"] - 40))
    for box, was in zip(phone.regions(), before, strict=True):
        assert near(box["x"], was["x"] + 30)
        assert near(box["width"], was["width"])
    assert phone.names() == names
    assert len(phone.turns) == 1


def test_a_second_finger_takes_back_what_the_first_had_begun(phone: Phone) -> None:
    before, names = phone.regions(), phone.names()
    x, y = phone.middle(0)
    phone.drag([(x, y)], [(x + 30, y + 20)], lift=False)
    phone.until(lambda: phone.names() != names)
    phone.touch("touchStart", (x + 30, y + 20), (x - 30, y + 20))
    phone.until(lambda: phone.names() == names)
    phone.touch("touchMove", (x + 60, y + 20), (x - 60, y + 20))
    phone.until(lambda: near(phone.regions()[0]["width"], 2 * before[0]["width"]))
    phone.touch("touchEnd", (x + 60, y + 20))
    seen = phone.regions()
    phone.touch("touchMove", (x + 90, y + 60))  # the finger that is left moves nothing
    phone.touch("touchEnd")
    phone.page.wait_for_timeout(200)
    assert (phone.names(), phone.regions()) == (names, seen)
    assert len(phone.turns) == 1


def test_one_finger_pans_the_canvas_and_moves_a_region(phone: Phone) -> None:
    before, names = phone.regions(), phone.names()
    x, y = phone.beside()
    phone.drag([(x, y)], [(x + 40, y + 30)])
    phone.until(lambda: near(phone.regions()[1]["x"], before[1]["x"] + 40) and near(phone.regions()[1]["y"], before[1]["y"] + 30))
    assert phone.names() == names
    x, y = phone.middle(0)
    phone.drag([(x, y)], [(x + 20, y + 30)], steps=8)
    phone.until(lambda: len(phone.turns) == 2)
    phone.page.get_by_role("progressbar").wait_for(state="detached", timeout=LONG)
    assert [(call["tool"], call["args"]["region"]) for call in phone.turns[1]["calls"]] == [("move", 0)]


def test_one_finger_draws_an_area_and_two_let_go_of_it(phone: Phone) -> None:
    before, names = phone.regions(), phone.names()
    phone.page.get_by_role("list", name="Layers, front first").get_by_role("listitem").first.get_by_role("button").first.tap()
    phone.page.get_by_role("button", name="Draw an area for").tap()
    takes = phone.page.get_by_role("button", name="Draw it there")
    phone.until(lambda: phone.regions()[0]["width"] < before[0]["width"])  # there is less room for the picture beside what there is to do
    x, y = phone.middle(0)
    shown = phone.regions()[0]["width"]
    phone.drag([(x - 30, y), (x + 30, y)], [(x - 60, y), (x + 60, y)])
    phone.until(lambda: near(phone.regions()[0]["width"], 2 * shown))
    assert takes.is_disabled(), "two fingers draw nothing"
    for number, at in enumerate(((x - 30, y - 30), (x + 30, y - 30), (x + 30, y + 30), (x - 30, y + 30))):
        phone.touch("touchMove" if number else "touchStart", at)
        phone.page.wait_for_timeout(100)  # as slow as a hand: after a flick the browser takes the next tap for the end of it
    phone.touch("touchMove", (x - 30, y + 29))
    phone.page.wait_for_timeout(300)
    phone.touch("touchEnd")
    phone.until(takes.is_enabled)
    assert phone.names() == names, "no region was moved"
    phone.page.get_by_role("button", name="Cancel").tap()
    takes.wait_for(state="detached")
    assert len(phone.turns) == 1


def test_a_tap_chooses_and_words_show_where_the_model_looked(phone: Phone) -> None:
    phone.page.touchscreen.tap(*phone.middle(1))
    phone.page.get_by_role("list", name="Regions").locator("button[aria-pressed=true]").wait_for()
    word = phone.page.locator(".words button").first
    word.tap()
    phone.page.locator(".words button[aria-pressed=true]").wait_for()
    phone.page.touchscreen.tap(*phone.beside())
    phone.page.get_by_role("list", name="Regions").locator("button[aria-pressed=true]").wait_for(state="detached")
