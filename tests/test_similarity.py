"""Which subjects look alike."""

from __future__ import annotations

import pytest

from cutwork.agents.similarity import GROUPS, alike, said, similar_pairs
from cutwork.domain import Subject
from cutwork.errors import BadInput
from cutwork.plurals import singular


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


@pytest.mark.parametrize(
    ("a", "b"),
    [("ocelot", "tiger"), ("ocelot", "margay"), ("toucan", "bird"), ("sloop", "ketch"), ("taxicab", "taxi"), ("kumquat", "orange")],
)
def test_nouns_outside_the_table_are_alike_by_kind(a: str, b: str) -> None:
    assert alike(a, b)
    assert alike(b, a)


@pytest.mark.parametrize(("a", "b"), [("ocelot", "rocket"), ("toucan", "teapot"), ("sloop", "taxi"), ("gizmo", "widget"), ("zither", "sloop")])
def test_nouns_outside_the_table_are_unlike_by_kind(a: str, b: str) -> None:
    assert not alike(a, b)
    assert not alike(b, a)


def test_pairs_that_somebody_names() -> None:
    subjects = of("rocket", "snow leopard", "tiger")
    assert said(["tiger,snow leopard", " Snow  Leopard , a tiger", "s0,tigers"], subjects) == (("s0", "s2"), ("s1", "s2"))
    assert said([], subjects) == ()


@pytest.mark.parametrize("pair", ["tiger", "tiger,", "tiger,lion", "tiger,a tiger", "tiger,rocket,snow leopard", ""])
def test_pairs_that_are_none_are_refused(pair: str) -> None:
    with pytest.raises(BadInput, match="similar subjects"):
        said([pair], of("rocket", "snow leopard", "tiger"))


def test_the_table_names_things_in_the_singular_and_once_a_group() -> None:
    for group, members in GROUPS.items():
        words = members.split()
        assert len(words) == len(set(words)), group
        for word in words:
            assert singular(word.replace("-", " ")) in (word.replace("-", " "),), f"{word} in {group}"
