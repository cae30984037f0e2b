"""What the offline planner reads out of a brief."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.language import words
from cutwork.agents.language.model import Relation
from cutwork.agents.language.parse import parse
from cutwork.agents.language.tokens import tokens


def phrases(brief: str) -> list[str]:
    return [t.phrase for t in parse(brief).things]


def counts(brief: str) -> list[tuple[str, int]]:
    return [(t.noun, t.count) for t in parse(brief).things]


def relations(brief: str) -> list[tuple[str, int, int]]:
    return [(r.kind, r.a, r.b) for r in parse(brief).relations]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a grumpy cat and a rocket on a purple background", ["a grumpy cat", "a rocket"]),
        ("a fox, an owl and a badger", ["a fox", "an owl", "a badger"]),
        ("a fire hydrant and a hot dog", ["a fire hydrant", "a hot dog"]),
        ("a red potted plant next to a tv remote", ["a red potted plant", "a tv remote"]),
        ("a purple dining table and a computer mouse", ["a purple dining table", "a computer mouse"]),
        ("three traffic lights", ["a traffic light"]),
        ("a big, fluffy, white cat", ["a big fluffy white cat"]),
        ("a black and white panda", ["a black and white panda"]),
        ("a car that is red", ["a red car"]),
        ("A wolf and a rabbit. The wolf is gray. The rabbit is white.", ["a gray wolf", "a white rabbit"]),
        ("a dragon in green", ["a green dragon"]),
        ("a red car and a blue one", ["a red car", "a blue car"]),
        ("an orange and an orange cat", ["an orange", "an orange cat"]),
        ("an orange sitting on a plate", ["an orange sitting", "a plate"]),
        ("a wooden spoon and a glass bottle", ["a wooden spoon", "a glass bottle"]),
        ("a cup of coffee", ["a cup of coffee"]),
        ("a bunch of bananas", ["a bunch of bananas"]),
        ("un gato negro", ["a black cat"]),
    ],
)
def test_subjects_with_their_attributes(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@pytest.mark.parametrize("brief", ["a zorblax on a red background", "one zorblax", "zorblax", "two zorblaxes and nothing else"])
def test_an_unknown_noun_is_a_subject(brief: str) -> None:
    assert [t.noun for t in parse(brief).things] == ["zorblax"]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a cat wearing a hat", ["a cat wearing a hat"]),
        ("a penguin with a red scarf and sunglasses", ["a penguin with a red scarf and sunglasses"]),
        ("a dog wearing sunglasses and a chicken wearing a crown", ["a dog wearing sunglasses", "a chicken wearing a crown"]),
        ("a gorilla in a tuxedo", ["a gorilla in a tuxedo"]),
        ("a robot with three glowing eyes", ["a robot with three glowing eyes"]),
        ("a cottage with a thatched roof", ["a cottage with a thatched roof"]),
        ("a pizza topped with mushrooms", ["a pizza topped with mushrooms"]),
    ],
)
def test_what_is_worn_or_a_part_is_no_subject_of_its_own(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("three cats", [("cat", 3)]),
        ("5 strawberries and 2 knives", [("strawberry", 5), ("knife", 2)]),
        ("a pair of flamingos", [("flamingo", 2)]),
        ("a pair of scissors and a ruler", [("scissors", 1), ("ruler", 1)]),
        ("a couple of mice", [("mouse", 2)]),
        ("half a dozen eggs", [("egg", 6)]),
        ("several wolves", [("wolf", 3)]),
        ("a herd of elephants", [("elephant", 3)]),
        ("cats", [("cat", 2)]),
        ("three sheep and a bus", [("sheep", 3), ("bus", 1)]),
        ("a hundred balloons", [("balloon", 12)]),
        ("a cat and a cat", [("cat", 2)]),
        ("four wine glasses and two tvs", [("wine glass", 4), ("tv", 2)]),
    ],
)
def test_counts(brief: str, expected: list[tuple[str, int]]) -> None:
    assert counts(brief) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a cat to the left of a dog", [("left", 0, 1)]),
        ("a cat on the right side of a dog", [("right", 0, 1)]),
        ("a bat above a candle", [("above", 0, 1)]),
        ("a shark underneath a raft", [("below", 0, 1)]),
        ("a vase on top of a piano", [("on", 0, 1)]),
        ("a goldfish in a bowl", [("inside", 0, 1)]),
        ("a fox in front of a barrel", [("front", 0, 1)]),
        ("a cat hidden by a chair", [("behind", 0, 1)]),
        ("a person riding a horse", [("riding", 0, 1)]),
        ("a robot holding a flower", [("holding", 0, 1)]),
        ("a knight fighting a dragon", [("beside", 0, 1)]),
        ("On a shelf sits a teddy bear", [("on", 1, 0)]),
        ("a giraffe with an owl on its head", [("on", 1, 0)]),
        ("the chair is left of the table and a lamp stands on it", [("left", 0, 1), ("on", 2, 1)]),
        ("a cat and a dog on a sofa", [("on", 0, 2), ("on", 1, 2)]),
        ("a duck left of a goose and right of a swan", [("left", 0, 1), ("right", 0, 2)]),
        ("a red cube left of a sphere above a cone", [("left", 0, 1), ("above", 1, 2)]),
        ("from left to right: a pear, a plum and a cherry", [("left", 0, 1), ("left", 1, 2)]),
        ("a cat left of a dog and a dog left of a cat", [("left", 0, 1), ("left", 1, 0)]),
    ],
)
def test_relations(brief: str, expected: list[tuple[str, int, int]]) -> None:
    assert relations(brief) == expected


@pytest.mark.parametrize(
    ("brief", "relation"),
    [
        ("a cat and a dog with a ball between them", Relation("between", 2, 0, 1)),
        ("two dogs and a cat between them", Relation("between", 1, 0, 0)),
    ],
)
def test_between_them(brief: str, relation: Relation) -> None:
    assert parse(brief).relations == [relation]


def test_between_has_three_ends() -> None:
    assert parse("a ball between a cat and a dog").relations == [Relation("between", 0, 1, 2)]


@pytest.mark.parametrize(
    ("brief", "places"),
    [
        ("a crab in the top left corner and a lobster in the bottom right corner", ["top left", "bottom right"]),
        ("On the left, a cat; on the right, a dog", ["left", "right"]),
        ("on the left a cactus and on the right a palm tree", ["left", "right"]),
        ("a whale at the bottom and a seagull at the top", ["bottom", "top"]),
        ("a compass in the center of the image", ["centre"]),
        ("The left side is a skeleton, and the right side is a dragon", ["left", "right"]),
        ("a cat to the left of a dog", ["", ""]),
    ],
)
def test_stated_places(brief: str, places: list[str]) -> None:
    assert [t.place for t in parse(brief).things] == places


@pytest.mark.parametrize(
    ("brief", "background", "nouns"),
    [
        ("a cat on a teal striped background", ["a teal striped background"], ["cat"]),
        ("a flamingo at the beach", ["at the beach"], ["flamingo"]),
        ("a scooter against a brick wall", ["against a brick wall"], ["scooter"]),
        ("a lighthouse by the sea under a starry sky", ["by the sea", "under a starry sky"], ["lighthouse"]),
        ("a samurai with mount fuji in the background", ["a mount fuji"], ["samurai"]),
        ("a teapot on purple", ["a purple background"], ["teapot"]),
        ("a purple background", ["a purple background"], []),
        ("a living room with no people", ["a living room"], []),
        ("a cat on a table", [], ["cat", "table"]),
    ],
)
def test_backgrounds_are_not_subjects(brief: str, background: list[str], nouns: list[str]) -> None:
    parsed = parse(brief)
    assert (parsed.background, [t.noun for t in parsed.things]) == (background, nouns)


@pytest.mark.parametrize(
    ("brief", "nouns"),
    [
        ("a dog without a collar", ["dog"]),
        ("a cat without a hat and a dog", ["cat", "dog"]),
        ("a cat and no dogs", ["cat"]),
        ("a pizza without mushrooms or olives", ["pizza"]),
        ("a snowman, not a scarecrow", ["snowman"]),
        ("a vintage watercolor poster of a lighthouse, soft pastel colors", ["lighthouse"]),
        ("cute cat sticker", ["cat"]),
        ("cinematic photo of a stag, 8k, highly detailed, dramatic lighting", ["stag"]),
        ("minimalist logo of a fox", ["fox"]),
        ("an oil painting of a pear in the style of Cezanne", ["pear"]),
        ("a poster of a fox by Greg Rutkowski", ["fox"]),
        ("tshirt design with a skull", ["skull"]),
        ("A logo for my bakery: a smiling croissant", ["croissant"]),
        ("happiness and freedom, a dove", ["dove"]),
        ("🐱 and 🚀", ["cat", "rocket"]),
        ("I would like a sticker with a happy turtle, please", ["turtle"]),
    ],
)
def test_what_is_not_a_subject(brief: str, nouns: list[str]) -> None:
    assert [t.noun for t in parse(brief).things] == nouns


def test_quoted_text_is_lettering() -> None:
    parsed = parse('meme: grumpy cat in a spaceship, top "MONDAY", bottom "again"')
    assert [t.noun for t in parsed.things] == ["cat", "spaceship"]
    assert parsed.lettering == ["MONDAY", "again"]


@pytest.mark.parametrize("brief", ["!!!", "", "a a a a", "…", "12", "\n\n"])
def test_nothing_said_is_nothing_found(brief: str) -> None:
    assert parse(brief).things == []


def test_words_nobody_knows_are_drawn_as_one_subject() -> None:
    parsed = parse("peace")
    assert [t.noun for t in parsed.things] == ["peace"]
    assert parsed.notes


@pytest.mark.parametrize(
    ("word", "lemma"),
    [
        ("wolves", "wolf"),
        ("berries", "berry"),
        ("buses", "bus"),
        ("glass", "glass"),
        ("boxes", "box"),
        ("zorblaxes", "zorblax"),
        ("teddy bears", "teddy bear"),
        ("cacti", "cactus"),
    ],
)
def test_singular(word: str, lemma: str) -> None:
    assert words.singular(word)[0] == lemma


@pytest.mark.parametrize("noun", ["wolf", "berry", "bus", "box", "cat", "person", "knife", "teddy bear", "hot dog", "wine glass", "sheep"])
def test_plural_is_undone_by_singular(noun: str) -> None:
    assert words.singular(words.plural(noun))[0] == noun


def test_the_lexicon_loads_fast_and_names_things() -> None:
    words.lexicon.cache_clear()
    began = time.perf_counter()
    assert words.kind("cat") == "a"
    assert words.kind("happiness") == "x"
    assert time.perf_counter() - began < 0.5  # 0.05 s on an idle core


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    parsed = parse(text)
    assert all(t.noun.strip() and 1 <= t.count <= 12 for t in parsed.things)
    assert all(0 <= i < len(parsed.things) for r in parsed.relations for i in (r.a, r.b))


VOCABULARY = """
a an the two three red blue grumpy cat dogs table hat wearing with without no on in left of to the right above between and or , . ; is are
that one it its background beach riding holding "hi" photo sticker in the top left corner from left to right: next to behind orange dozen
pair bunch cup of zorblax not behind it
""".split()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY), max_size=25).map(" ".join))
def test_any_order_of_words_is_read(text: str) -> None:
    parsed = parse(text)
    for r in parsed.relations:
        assert r.a != r.b
        assert max(r.a, r.b, r.c or 0) < len(parsed.things)


@pytest.mark.parametrize(
    "piece", ["top ", "text, ", "in the top left ", "a cat left of a dog and ", "red, ", '"', "🐱", "xq zzv, a red on of between the the without "]
)
def test_long_noise_is_read_quickly(piece: str) -> None:
    began = time.perf_counter()
    parse((piece * 2_000)[:2_000])
    assert time.perf_counter() - began < 2.0


def test_relation_phrases_are_one_token() -> None:
    kinds = [(t.kind, t.value) for t in tokens("a cat to the left of a dog in the top right corner")]
    assert kinds == [("word", ""), ("word", ""), ("relation", "left"), ("word", ""), ("word", ""), ("place", "top right")]
