"""Which subjects look alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cutwork.agents.similarity import GROUPS, alike, similar_pairs
from cutwork.domain import Subject


def of(*nouns: str) -> list[Subject]:
    return [Subject(id=f"s{i}", phrase=f"a {noun}", noun=noun) for i, noun in enumerate(nouns)]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("cat", "dog"), ("cat", "lion"), ("lion", "tiger"), ("dog", "wolf"), ("fox", "wolf"), ("horse", "zebra"), ("cow", "donkey"), ("sparrow", "robin"),
        ("apple", "orange"), ("orange", "peach"), ("car", "truck"), ("bus", "truck"), ("motorbike", "motorcycle"), ("bicycle", "motorcycle"),
        ("red panda", "fox"), ("teddy bear", "bear"), ("sports car", "car"), ("police car", "fire truck"), ("cats", "kitten"), ("mice", "rat"),
        ("wine glass", "cup"), ("hot dog", "burger"), ("shiba dog", "cat"), ("ice cream", "sundae"), ("wolves", "dog"), ("Cat", "cats"),
        ("basketball", "orange"), ("dining table", "table"), ("hot-air balloon", "blimp"), ("hot air balloon", "blimp"),
    ],
)  # fmt: skip
def test_alike(a: str, b: str) -> None:
    assert alike(a, b)
    assert alike(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("cat", "rocket"), ("hot dog", "dog"), ("dog", "car"), ("apple", "chair"), ("fire hydrant", "fire truck"), ("cat", "hat"), ("cat", "car"),
        ("house", "horse"), ("teapot", "umbrella"), ("sea lion", "lion"), ("bow tie", "tie fighter"), ("guitar", "pizza"), ("猫", "车"),
    ],
)  # fmt: skip
def test_unlike(a: str, b: str) -> None:
    assert not alike(a, b)


def test_pairs_are_in_the_order_of_the_subjects() -> None:
    assert similar_pairs(of("fox", "rocket", "cat", "wolf")) == (("s0", "s2"), ("s0", "s3"), ("s2", "s3"))
    assert similar_pairs(of("cat")) == ()
    assert similar_pairs([]) == ()


def test_an_embedding_adds_what_words_do_not_show() -> None:
    vectors = {"a gizmo": [1.0, 0.1], "a widget": [1.0, 0.2], "a rocket": [-1.0, 0.5]}

    def embed(phrases: Sequence[str]) -> list[list[float]]:
        return [vectors[p] for p in phrases]

    subjects = of("gizmo", "widget", "rocket")
    assert similar_pairs(subjects) == ()
    assert similar_pairs(subjects, embed) == (("s0", "s1"),)


def test_an_embedding_of_nothing_is_like_nothing() -> None:
    assert similar_pairs(of("gizmo", "widget"), lambda phrases: [[0.0, 0.0] for _ in phrases]) == ()


def test_the_table_names_things_in_the_singular_and_once_a_group() -> None:
    from cutwork.agents.words import singular

    for group, members in GROUPS.items():
        words = members.split()
        assert len(words) == len(set(words)), group
        for word in words:
            assert singular(word.replace("-", " ")) in (word.replace("-", " "),), f"{word} in {group}"
