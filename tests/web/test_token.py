"""The page at a service that wants a token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
LONG = 600_000  # ms until a picture of few steps is there, also where other work takes the machine
Guarded = tuple[str, Callable[..., str]]


def gate(page: Any) -> Any:
    return page.get_by_role("dialog", name="Token")


def enter(page: Any, token: str) -> None:
    gate(page).get_by_label("Token").fill(token)
    gate(page).get_by_role("button", name="Use it").click()


def let_in(page: Any, token: str) -> None:
    enter(page, token)
    gate(page).wait_for(state="hidden")


def begun(page: Any, brief: str) -> None:
    page.get_by_role("textbox", name="Brief").fill(brief)
    page.get_by_role("button", name="Design it").click()
    page.wait_for_url("**/#/s/*")


def drawn(page: Any) -> None:
    """The picture is there and can be seen, so files and events came too."""
    page.get_by_role("list", name="Regions").get_by_role("button").first.wait_for(timeout=LONG)
    picture = page.get_by_role("article", name="Turn 1").get_by_role("img").first
    picture.wait_for(timeout=LONG)
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_a_token_is_asked_for_refused_and_kept(page: Any, guarded: Guarded) -> None:
    address, token = guarded
    known = token("add", "ann")
    page.goto(address)
    gate(page).wait_for()
    assert "cutwork token add" in gate(page).inner_text()
    assert page.evaluate("document.activeElement.type") == "password"
    if AXE.is_file():
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
        assert [violation["id"] for violation in found["violations"] if violation["impact"] in ("serious", "critical")] == []
    assert gate(page).get_by_role("button", name="Use it").is_disabled()
    for _ in range(3):  # browsers close a dialog for whoever insists
        page.keyboard.press("Escape")
    gate(page).wait_for()
    enter(page, "cw_wrong")
    alert = gate(page).get_by_role("alert")
    alert.wait_for()
    assert "not known" in alert.inner_text()
    assert gate(page).get_by_label("Token").get_attribute("aria-invalid") == "true"
    let_in(page, f"  {known} ")
    page.get_by_text("Embedded model", exact=False).wait_for()  # what was refused before was asked for again
    assert known not in page.evaluate("document.cookie + JSON.stringify({...localStorage})")
    begun(page, "a red balloon")
    drawn(page)
    page.reload()
    drawn(page)
    assert gate(page).is_hidden()


def test_a_link_to_a_session_leads_there_once_one_is_let_in(page: Any, context: Any, guarded: Guarded) -> None:
    address, token = guarded
    known = token("add", "bob")
    page.goto(address)
    let_in(page, known)
    begun(page, "a fox")
    drawn(page)
    context.clear_cookies()
    other = context.new_page()
    other.goto(page.url)
    let_in(other, known)
    drawn(other)
    other.get_by_role("textbox", name="Say what to change").wait_for()


def test_a_token_that_is_taken_away_is_asked_for_again_and_nothing_typed_is_lost(page: Any, guarded: Guarded) -> None:
    address, token = guarded
    page.goto(address)
    let_in(page, token("add", "cleo"))
    begun(page, "a fox")
    drawn(page)
    page.get_by_role("textbox", name="Say what to change").fill("make it bigger")
    token("remove", "cleo")
    again = token("add", "cleo")
    gate(page).wait_for()  # the page looks now and then whether others said something
    let_in(page, again)
    field = page.get_by_role("textbox", name="Say what to change")
    assert field.input_value() == "make it bigger"
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("article", name="Turn 2").wait_for(timeout=LONG)
    page.get_by_role("progressbar").wait_for(state="detached", timeout=LONG)
    assert field.input_value() == ""
