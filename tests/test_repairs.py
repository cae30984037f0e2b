"""Every repair changes exactly what it claims to change."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from builders import HASH, a_shot

from cutwork.domain import (
    REPAIR_COST,
    Ask,
    Box,
    CaptionBand,
    CutSettings,
    DrawSettings,
    Move,
    Recut,
    Reguide,
    Rematte,
    Repair,
    Replan,
    Reseed,
    Resize,
)
from cutwork.errors import BadInput
from cutwork.graphs.repairs import apply

SHOT = a_shot(
    boxes=(Box((0.1, 0.3, 0.4, 0.7)), Box((0.6, 0.3, 0.9, 0.7))),
    masks=(HASH, None),
    bands=(CaptionBand(text="hi", box=Box((0, 0, 1, 0.18))),),
)
DRAW, CUT, PLACE = DrawSettings(guidance=6, base_ratio=0.3), CutSettings(fusion="mean"), Box((0.2, 0.5, 0.5, 0.9))
EDITS: list[tuple[Repair, dict[str, Any]]] = [
    (Recut(cut=CUT), {"plan.cut.fusion": "mean"}),
    (Rematte(), {"plan.cut.soft": True}),
    (Reguide(draw=DRAW), {"plan.draw.guidance": 6.0, "plan.draw.base_ratio": 0.3}),
    (Move(region=1, box=PLACE), {"plan.regions.1.box": [0.2, 0.5, 0.5, 0.9]}),
    (Move(region=0, box=PLACE), {"plan.regions.0.box": [0.2, 0.5, 0.5, 0.9], "plan.regions.0.mask": None}),
    (Resize(region=1, scale=0.8), {"plan.regions.1.box": [0.63, 0.34, 0.87, 0.66]}),
    (Resize(region=1, scale=1.5), {"plan.regions.1.box": [0.525, 0.2, 0.975, 0.8]}),
    (Reseed(seed=8), {"seed": 8}),
]
NO_EDITS: list[Repair] = [Replan(reason="x"), Ask(question="x")]


def changed(before: Any, after: Any, path: str = "") -> dict[str, Any]:
    """Paths that differ between two JSON values, with what they are now."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {k: v for key in before for k, v in changed(before[key], after[key], f"{path}.{key}".strip(".")).items()}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after) and not path.endswith("box"):
        return {k: v for i, pair in enumerate(zip(before, after, strict=True)) for k, v in changed(*pair, f"{path}.{i}").items()}
    return {} if before == after else {path: after}


@pytest.mark.parametrize(("repair", "changes"), EDITS)
def test_a_repair_changes_exactly_what_it_claims(repair: Repair, changes: dict[str, Any]) -> None:
    after = apply(repair, SHOT)
    assert changed(SHOT.model_dump(mode="json"), after.model_dump(mode="json")) == changes


def test_the_shot_itself_is_untouched() -> None:
    before = SHOT.model_dump_json()
    apply(Reseed(seed=8), SHOT)
    apply(Move(region=0, box=PLACE), SHOT)
    assert before == SHOT.model_dump_json()


def test_growth_stays_on_the_canvas_out_of_the_bands_and_above_the_smallest_size() -> None:
    assert apply(Resize(region=0, scale=9), SHOT).plan.regions[0].box.root == (0.0, 0.18, 1.0, 1.0)
    small = apply(Resize(region=0, scale=0.2), SHOT).plan.regions[0].box
    assert (small.width, small.height) == pytest.approx((48 / 256, 48 / 256))
    assert small.centre == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("repair", [Move(region=2, box=PLACE), Resize(region=9, scale=1.1)])
def test_unknown_regions(repair: Repair) -> None:
    with pytest.raises(BadInput, match=r"there is no region \d, the plan has 2"):
        apply(repair, SHOT)


@pytest.mark.parametrize("repair", NO_EDITS)
def test_what_is_no_edit_of_a_shot(repair: Repair) -> None:
    with pytest.raises(BadInput, match=f"'{repair.kind}' is not an edit of a shot"):
        apply(repair, SHOT)


def test_every_kind_of_repair_is_tested_here() -> None:
    """A kind that is added to the domain must be added to one of the tables above."""
    known = {kind.model_fields["kind"].default for kind in get_args(get_args(Repair)[0])}
    assert {repair.kind for repair, _ in EDITS} | {repair.kind for repair in NO_EDITS} == known == set(REPAIR_COST)
