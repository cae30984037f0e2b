"""Which blocks are proposed to be weakened."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from cutwork import registry
from cutwork.lab import propose_layers
from cutwork.lab.propose_layers import proposed, row_entropies, table
from cutwork.tools.attention import control
from cutwork.tools.drawing import FAMILIES
from cutwork.tools.families.base import Family

PROMPTS = ("a cat on a blue background",)


def tiny(name: str) -> Family:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family: Family = registry.find(FAMILIES, name).tiny()
    return family


@pytest.mark.parametrize("name", ["flux", "sd3"])
def test_every_block_has_an_entropy_between_none_and_all(name: str) -> None:
    family = tiny(name)
    entropies = row_entropies(family, PROMPTS, (64, 64), steps=2)
    assert list(entropies) == list(range(family.blocks))
    assert all(0 < value <= 1 + 1e-6 for value in entropies.values())


def test_a_block_counts_once_where_text_and_image_are_looked_at_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A UNet's block has two layers of attention, and only the image's own is weakened; coarser and finer blocks than the record's are not looked at."""
    family, looks = tiny("unet"), []
    monkeypatch.setattr(propose_layers, "row_entropy", lambda q, k, lse: looks.append(k.shape[2]) or torch.tensor(math.log(k.shape[2])))
    entropies = row_entropies(family, PROMPTS, (64, 64), steps=2)
    rows, columns = family.grid((64, 64))
    assert entropies
    assert set(entropies) < set(range(family.blocks))
    assert looks == [rows * columns] * (2 * len(entropies))
    assert all(value == pytest.approx(1) for value in entropies.values())


def test_it_is_the_entropy_of_the_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    """The obvious way: the whole softmax of each look's queries and keys."""
    looks: list[control.Seen] = []
    add = control.Kept.add

    def noted(kept: control.Kept, seen: control.Seen) -> None:
        looks.append(seen)
        add(kept, seen)

    monkeypatch.setattr(control.Kept, "add", noted)
    entropies = row_entropies(tiny("flux"), PROMPTS, (64, 64), steps=1)
    for seen in looks:
        assert seen.words is not None
        assert seen.others is not None
        weights = torch.softmax(seen.image @ torch.cat([seen.words, seen.others], 2).mT * seen.image.shape[-1] ** -0.5, -1)
        wanted = -(weights * weights.log()).sum(-1).mean() / math.log(weights.shape[-1])
        assert entropies[seen.block] == pytest.approx(float(wanted), rel=1e-4)


def test_the_least_decided_quarter_is_proposed_in_order() -> None:
    entropies = {0: 0.1, 1: 0.9, 2: 0.3, 3: 0.8, 4: 0.2, 5: 0.1, 6: 0.1, 7: 0.1}
    assert proposed(entropies) == (1, 3)
    assert proposed({0: 0.5, 1: 0.6}) == (1,)
    assert table(entropies).splitlines()[1] == "block   1  0.900"
    assert table(entropies).endswith("proposed: 1 3")
