"""How a subject is found in what the model reads."""

from __future__ import annotations

from typing import Any

import pytest

from cutwork.domain import Subject
from cutwork.tools.families.base import word_spans
from cutwork.tools.render import _tokens


class Spelled:
    """A family whose tokens are letters."""

    def tokens(self, prompt: str, phrase: str) -> tuple[int, ...]:
        return tuple(at for start, end in word_spans(prompt, phrase) for at in range(start, end))


@pytest.mark.parametrize(
    ("prompt", "noun", "named"),
    [("two cats", "cat", "cats"), ("two foxes", "fox", "foxes"), ("two snowmen", "snowman", "snowmen"), ("two wolves", "wolf", "wolves"), ("two cacti", "cactus", "cacti"), ("two octopi", "octopus", "octopi"), ("three people", "person", "people"),
     ("blue cherries", "cherry", "cherries"), ("two glasses of milk", "glass of milk", "glasses of milk"), ("two computer mice", "computer mouse", "computer mice"), ("some grapes", "grapes", "grapes"), ("a dog", "cat", "")],
)  # fmt: skip
def test_a_subject_is_named_by_its_noun_or_a_plural_of_it(prompt: str, noun: str, named: str) -> None:
    family: Any = Spelled()
    found = _tokens(family, prompt, Subject(id="s", phrase=f"a {noun}", noun=noun))
    assert "".join(prompt[at] for at in found) == named
