"""Names of colours: one table, which agents, settings, lettering, outlines and inks read alike."""

from __future__ import annotations

import colorsys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutwork.agents.goods import read
from cutwork.agents.language.palettes import is_colour
from cutwork.agents.language.words import own
from cutwork.colours import known, names, parse
from cutwork.errors import BadInput
from cutwork.tools.families.mini.wording import GROUNDS

UNPRINTABLE = {"rainbow", "multicolored", "multicoloured", "colorful", "colourful", "pastel", "neon", "monochrome", "transparent"}
UNPRINTABLE |= {"reddish", "bluish", "greenish", "yellowish", "purplish", "pinkish"}  # words of colour that are no one colour


def test_names_codes_and_spellings() -> None:
    assert parse("Navy") == parse(" navy ") == (0, 0, 128)
    assert parse("#f0a") == parse("#FF00AA") == parse("rgb(255, 0, 170)") == (255, 0, 170)
    assert parse("duck egg") == parse("Duck-Egg") == (0xC5, 0xDC, 0xD8)
    assert parse("light blue") == parse("lightblue")
    assert parse("forest green") == parse("forest-green") == parse("ForestGreen")
    assert parse("offwhite") == parse("off-white")


def test_a_shade_changes_the_colour_it_stands_before() -> None:
    def light(name: str) -> float:
        return colorsys.rgb_to_hls(*(c / 255 for c in parse(name)))[1]

    def strength(name: str) -> float:
        return colorsys.rgb_to_hls(*(c / 255 for c in parse(name)))[2]

    assert light("dark teal") < light("teal") < light("pale teal")
    assert strength("dusty pink") < strength("pink")
    assert parse("olive green") == parse("olive")  # a thing's colour says which green
    assert parse("red orange") == tuple((a + b) // 2 for a, b in zip(parse("red"), parse("orange"), strict=True))


@pytest.mark.parametrize(
    ("name", "told"),
    [("terracota", "no colour 'terracota'.*terracotta"), ("#12345", "wanted #rrggbb"), ("#ffffff80", "not opaque"), ("rgb(1,2)", "wanted #rrggbb"), ("", "no colour ''"), ("dusty", "no colour 'dusty'")],
)
def test_what_is_no_colour_is_named(name: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        parse(name)
    assert not known(name)


@given(st.text(max_size=40))
def test_any_text_is_a_colour_or_is_refused(text: str) -> None:
    if known(text):
        assert all(0 <= c <= 255 for c in parse(text))


def test_every_word_for_a_colour_that_agents_know_has_one() -> None:
    words = {word for word in own()["colour"] if word not in UNPRINTABLE}
    assert {word for word in words if not known(word)} == set()
    assert {f"{tint} {plain}" for tint in own()["tint"] for plain in own()["plaincolour"] if is_colour(f"{tint} {plain}") and known(tint) and not known(f"{tint} {plain}")} == set()


def test_every_background_that_the_embedded_model_has_learned_has_a_name() -> None:
    assert {name for name in GROUNDS if not known(name)} == set()


def test_what_a_brief_lists_is_read_as_far_as_it_names_colours() -> None:
    assert read("pattern of snails, palette: rust, dusty pink and wine").palette == ("rust", "dusty pink", "wine")
    assert read("pattern of birds, palette: navy, rainbow and white").palette == ("navy",)
    assert set(map(parse, read("pattern of birds, in deep teal, amber and off-white").palette)) == {parse("deep teal"), parse("amber"), parse("off-white")}
    assert len(names()) > 200
