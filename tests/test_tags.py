"""What is written for an image generator, or to say what the design is for, is not drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.language.parse import parse
from cutwork.agents.language.tags import without_tags


def phrases(brief: str) -> list[str]:
    return [t.phrase for t in parse(brief).things]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("(armored rhino:1.3), (jetpack:1.1), 8k, --ar 16:9 --v 6", ["an armored rhino", "a jetpack"]),
        ("a heron --ar 3:2 --no text, people --stylize 750", ["a heron"]),
        ("a heron —ar 3:2 –v 6", ["a heron"]),
        ("1girl, ((masterpiece)), holding umbrella", ["a girl", "an umbrella"]),
        ("[a bronze gong] and {{x}} (a silver harp:0.9), <lora:metal:0.7>", ["a bronze gong", "a silver harp"]),
        ("Positive: a barista. Negative: blurry, extra fingers, customers", ["a barista"]),
        ("a gong. Negative prompt: people, hands", ["a gong"]),
        ("negative: crowds. positive: a gong", ["a gong"]),
        ("a beekeeper, shot on Kodak Portra 400, 35mm, f/1.8, ISO 200", ["a beekeeper"]),
        ("a beekeeper, bokeh, teal and orange", ["a beekeeper"]),
        ("a fox, by Greg Rutkowski and Alphonse Mucha, trending on artstation", ["a fox"]),
        ("a fox in the style of Studio Ghibli", ["a fox"]),
        ("a fox BREAK an owl", ["a fox", "an owl"]),
        ("a cyclist, looking at viewer", ["a cyclist"]),
        ("a gong, Steps: 30, Sampler: Euler, CFG scale: 7, Seed: 42", ["a gong"]),
    ],
)
def test_an_image_generators_syntax_is_not_drawn(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


def test_so_many_people_are_counted() -> None:
    assert [(t.noun, t.count) for t in parse("2boys, 1dog").things] == [("boy", 2), ("dog", 1)]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("Hero banner: a terracotta amphora", ["a terracotta amphora"]),
        ("Icon set — paperclip, stapler", ["a paperclip", "a stapler"]),
        ("App onboarding illustration, a woman with a lantern", ["a woman", "a lantern"]),
        ("Kids bedding print. A digger and a crane", ["a digger", "a crane"]),
        ("Instagram post for our summer sale: a popsicle", ["a popsicle"]),
        ("We're launching an oat milk! Show a bowl of granola", ["a bowl of granola"]),
        ("my grandma's recipe card: a rolling pin and a whisk", ["a rolling pin", "a whisk"]),
        ("a rolling pin, a whisk", ["a rolling pin", "a whisk"]),
        ("Our mascot Benny is a mole with a hard hat", ["a mole with a hard hat"]),
        ("when the wifi dies: a caveman hitting a router", ["a caveman", "a router"]),
        ("distracted boyfriend but it's a beagle", ["a beagle"]),
        ("Dragon poster: a dragon over a castle", ["a dragon", "a castle"]),
        ("Cat sticker with a hat", ["a cat with a hat"]),
        ("a mug on a block, moody light", ["a mug", "a block"]),
    ],
)
def test_what_a_brief_is_for_is_not_drawn(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1 ()[]{}<>:-–—.,|/&neg", max_size=60))
def test_no_marks_are_too_much(text: str) -> None:
    without_tags(text)
    parse(text)
