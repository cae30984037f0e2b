"""What the embedded model is told, in the words its tokenizers know."""

from __future__ import annotations

import json

import pytest

from cutwork.domain import Plan
from cutwork.lab import captions, text
from cutwork.lab.art import rows
from cutwork.lab.config import CONFIGS
from cutwork.tools.families import mini
from cutwork.tools.families.mini import wording


def words_of(tokenizer: str) -> set[str]:
    """Words that are one token each."""
    model = json.loads((mini.folder() / tokenizer / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    return {piece.removeprefix("▁") for piece, _ in model["vocab"]} if model["type"] == "Unigram" else {piece.removesuffix("</w>") for piece in model["vocab"]}


def test_the_words_of_the_captions_are_the_tokenizers() -> None:
    """Embeddings are numbered by these words: another spelling of one plural, and no run of the training can go on."""
    tier = CONFIGS["cpu"].words
    captioned = text.vocabulary([row for row in rows() if int(row["tier"]) <= tier])
    assert {word for word in words_of("tokenizer_2") if word[:1].isalnum()} == {word for word in captioned if word[:1].isalnum()}


def test_several_of_a_noun_are_words_the_tokenizers_know() -> None:
    pieces, words = words_of("tokenizer_2"), words_of("tokenizer")
    several = {noun: wording.several(noun) for noun in mini._names()}
    assert not [many for many in several.values() if not set(many.split()) <= pieces or not set(many.replace("-", " ").split()) <= words]


def test_several_are_written_as_the_captions_did() -> None:
    assert not [noun for noun in mini._names() if captions.counted(noun, 2) != f"two {wording.several(noun)}"]


@pytest.mark.parametrize(
    ("noun", "said", "read"),
    [("octopus", "two octopi", "two octopuses"), ("cactus", "two cactuses", "two cacti"), ("volcano", "Two volcanoes", "Two volcanos"), ("snowman", "two snowmen", "two snowmen"), ("bus", "two busses", "two buses"),
     ("fish", "two fishes", "two fish"), ("cup of coffee", "two cups of coffee", "two cup of coffees"), ("grapes", "some grapes", "some grapes"), ("dog", "an dogged dog, hot dogs", "an dogged dog, hot dogs")],
)  # fmt: skip
def test_plurals_of_what_it_knows_are_written_as_it_learned_them(noun: str, said: str, read: str) -> None:
    plan = Plan.model_validate(
        {"prompt": said, "background": "on a red background", "subjects": [{"id": "s", "phrase": said, "noun": noun}], "regions": [{"subject": "s", "box": [0, 0, 1, 1], "prompt": said}]}
    )
    drawn, notes = mini.tiny().translate(plan)
    assert drawn.prompt == read
    assert not [note for note in notes if note.startswith("drew")]
