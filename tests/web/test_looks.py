"""Light and dark: the system's or the one that was chosen here, from the first paint on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.slow
PAPER = {"light": "rgb(251, 250, 247)", "dark": "rgb(23, 27, 26)"}


def look(page: Any) -> str:
    """Which look is on, by what is painted."""
    found = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return next(name for name, colour in PAPER.items() if colour == found)


@pytest.fixture(params=["light", "dark"])
def system(request: pytest.FixtureRequest, browser: Any, quick: str) -> Iterator[tuple[str, Any, str]]:
    """A system's look, a page on it, and where to."""
    context = browser.new_context(color_scheme=request.param)
    context.set_default_timeout(60_000)
    yield request.param, context.new_page(), quick
    context.close()


def test_the_look_is_the_systems_until_one_is_chosen(system: tuple[str, Any, str]) -> None:
    theirs, page, address = system
    other = "dark" if theirs == "light" else "light"
    page.goto(address)
    page.get_by_role("textbox", name="Brief").wait_for()
    assert look(page) == theirs
    page.emulate_media(color_scheme=other)
    page.wait_for_function(f"() => document.documentElement.dataset.theme === '{other}'")
    assert look(page) == other
    page.emulate_media(color_scheme=theirs)
    page.wait_for_function(f"() => document.documentElement.dataset.theme === '{theirs}'")

    button = page.get_by_role("button", name="Look:")
    while f"Look: {other};" not in button.get_attribute("aria-label"):
        button.click()
    page.wait_for_function(f"() => document.documentElement.dataset.theme === '{other}'")
    assert look(page) == other
    page.emulate_media(color_scheme=other)
    page.emulate_media(color_scheme=theirs)
    assert look(page) == other, "what was chosen holds, whatever the system does"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == other, "scroll bars and fields follow"


def test_nothing_is_painted_in_another_look_first(system: tuple[str, Any, str]) -> None:
    theirs, page, address = system
    other = "dark" if theirs == "light" else "light"
    page.route("**/assets/*.js", lambda route: route.abort())  # as long as the page itself has not come
    page.goto(address)
    assert look(page) == theirs
    page.evaluate(f"localStorage.setItem('cutwork.theme', '{other}')")
    page.reload()
    assert look(page) == other
