"""The receipt as a picture: heat where the model looked, outlines where it was cut, and the numbers in plain words."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from builders import HASH, a_design, a_plan, a_receipt, a_round, unpng
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cutwork.domain import Attended, Box, Brief, Critique, Design, Finding, Plan
from cutwork.errors import BadInput
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats import receipt
from cutwork.tools.formats.overview import INKS
from cutwork.tools.record_file import Record

SIDE = 128
Y, X = np.mgrid[0:SIDE, 0:SIDE]
BOXES = (Box((0.05, 0.2, 0.5, 0.8)), Box((0.5, 0.2, 0.98, 0.8)))
MASKS = [np.hypot(X - 34, Y - 64) < 24, np.hypot(X - 96, Y - 64) < 22]
GREY = np.full((SIDE, SIDE, 3), 128, np.uint8)


def record(masks: list[np.ndarray] = MASKS, maps: int = 4) -> Record:
    cells = np.stack([mask.reshape(8, 16, 8, 16).mean((1, 3)) for mask in masks])
    return Record(np.repeat(cells[None], maps, 0).astype(np.float16), np.arange(maps), np.zeros(maps, int))


def a_plan_of(count: int, **changes: Any) -> Plan:
    words = ("a cat", "a red rocket", "an owl", "a teapot", "a fox", "a boat", "a bee", "a tree", "a bus", "a drum", "a kite", "a crab")[:count]
    boxes = BOXES if count == 2 else [Box((k % 4 / 4, k // 4 / 3, k % 4 / 4 + 0.24, k // 4 / 3 + 0.3)) for k in range(count)]
    return a_plan(*words, boxes=boxes, masks=[None] * count, size=(SIDE, SIDE), **changes)


def design(blobs: MemoryBlobs, masks: list[np.ndarray] = MASKS, kept: Record | None = None, **changes: Any) -> Design:
    done = a_round(a_plan_of(len(masks)), GREY, masks, blobs)
    if kept is not None:
        done = done.model_copy(update={"render": done.render.model_copy(update={"record": blobs.put(kept.to_bytes())})})
    return a_design(done, **changes)


def with_receipt(done: Design, number: int, **changes: Any) -> Design:
    """The design with one cut-out's receipt changed."""
    first = done.rounds[0]
    cutouts = list(first.cutouts)
    cutouts[number] = cutouts[number].model_copy(update={"receipt": a_receipt(BOXES[number], **changes)})
    return done.model_copy(update={"rounds": (first.model_copy(update={"cutouts": tuple(cutouts)}),)})


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a picture has a colour, (H, W) bool."""
    return np.asarray(np.abs(pixels.astype(int) - colour).max(-1) <= 2)


# the picture


def test_the_picture_opens_and_says_how_it_was_drawn() -> None:
    blobs = MemoryBlobs()
    made = receipt.make(design(blobs, kept=record()), blobs)
    with Image.open(io.BytesIO(blobs.get(made.sha256))) as image:
        assert (made.name, made.kind, image.size) == ("receipt.png", "receipt", (made.width, made.height))
        assert "Steps:" in image.text["parameters"]  # type: ignore[attr-defined]
    assert made.width == receipt.WIDTH


def test_the_same_design_gives_the_same_picture_whatever_the_run() -> None:
    one, other = MemoryBlobs(), MemoryBlobs()
    assert receipt.make(design(one, kept=record(), id="run-1"), one) == receipt.make(design(other, kept=record(), id="run-2"), other)


def test_heat_is_where_the_model_looked() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[2:4, 5:7] = 1
    glowing = np.asarray(receipt._heated(GREY, heat, 128)).astype(int)
    assert glowing[32:64, 80:112].sum(-1).mean() > 1.5 * glowing[80:, :60].sum(-1).mean()
    assert (np.ptp(glowing[100:, :40], axis=-1) < 40).all()  # nearly grey where nothing was looked for
    assert np.ptp(glowing[40:56, 88:104], axis=-1).min() > 40


def test_every_subject_has_its_outline_in_its_own_colour() -> None:
    traced = np.asarray(receipt._traced(receipt._panel(GREY, 512), MASKS[0], INKS[0], 3))
    inked = near(traced, INKS[0])
    y, x = inked.nonzero()
    away = np.abs(np.hypot(x - 34.5 * 4, y - 64.5 * 4) - 24 * 4)
    assert len(y) > 2 * np.pi * 96
    assert away.max() < 6
    angles = np.histogram(np.arctan2(y - 64 * 4, x - 34 * 4), bins=36, range=(-np.pi, np.pi))[0]
    assert angles.min() > 0  # closed all around


def test_an_outline_of_nothing_changes_nothing() -> None:
    panel = receipt._panel(GREY, 256)
    assert np.array_equal(np.asarray(receipt._traced(panel.copy(), np.zeros((SIDE, SIDE), bool), INKS[0], 3)), np.asarray(panel))


def test_planned_boxes_are_dashed_within_the_picture() -> None:
    panel = receipt._panel(GREY, 256)
    receipt._dashed(panel, Box((0.0, 0.0, 1.0, 1.0)), (255, 0, 0), 4, 16)
    red = near(np.asarray(panel), (255, 0, 0))
    assert red[:, 4:-4].any()
    assert not red[4:-4, 4:-4].any()
    assert 0.3 < red[0].mean() < 0.7
    assert red[-1].any()
    assert red[:, -1].any()


def test_each_subject_makes_it_longer() -> None:
    blobs = MemoryBlobs()
    lengths = [receipt.draw(design(blobs, [MASKS[0]] * n), blobs).shape[0] for n in (1, 2, 12)]
    assert lengths == sorted(set(lengths))


def test_a_design_of_nothing_says_so() -> None:
    blobs = MemoryBlobs()
    empty = a_design(a_round(Plan(prompt="a sky", background="a sky", size=(SIDE, SIDE)), GREY, [], blobs))
    assert receipt.summary(empty)[0] == "No subject was planned, so nothing was cut out."
    assert receipt.draw(empty, blobs).shape[1] == receipt.WIDTH


def test_without_the_record_there_are_no_heat_maps_and_all_else() -> None:
    blobs = MemoryBlobs()
    done = design(blobs)
    assert done.rounds[0].render.record == HASH
    assert receipt.heat_maps(done.rounds[0], blobs) is None
    assert not np.array_equal(receipt.draw(done, blobs), receipt.draw(design(blobs, kept=record()), blobs))


def test_a_record_that_holds_nothing_has_no_heat_maps() -> None:
    blobs = MemoryBlobs()
    empty = Record(np.zeros((0, 2, 8, 8), np.float16), np.zeros(0, int), np.zeros(0, int))
    assert receipt.heat_maps(design(blobs, kept=empty).rounds[0], blobs) is None


def test_a_record_of_other_regions_is_refused() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match="record has 1 regions, the plan 2"):
        receipt.make(design(blobs, kept=record(MASKS[:1])), blobs)


def test_a_design_without_a_delivered_round_is_refused() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match="no delivered round"):
        receipt.make(design(blobs).model_copy(update={"best": None, "status": "failed"}), blobs)


def test_the_longest_brief_is_cut_short() -> None:
    blobs = MemoryBlobs()
    long = design(blobs, brief=Brief(text="a very long brief " * 100))
    assert receipt.draw(long, blobs).shape[0] < receipt.draw(design(blobs), blobs).shape[0] + 100


def test_wide_and_tall_canvases_fit() -> None:
    for width, height in ((512, 64), (64, 512)):
        blobs = MemoryBlobs()
        mask = np.zeros((height, width), bool)
        mask[10:50, 10:50] = True
        plan = a_plan("a cat", boxes=[Box((0.0, 0.0, 1.0, 1.0))], masks=[None], size=(width, height))
        drawn = receipt.draw(a_design(a_round(plan, np.full((height, width, 3), 90, np.uint8), [mask], blobs)), blobs)
        assert drawn.shape[1] == receipt.WIDTH
        assert near(drawn, INKS[0]).sum() > 200


# the words


def lines(done: Design, number: int = 0) -> dict[str, tuple[float, str]]:
    first = done.rounds[0]
    return {line.name: (line.share, line.words) for line in receipt.lines(first.shot.plan, first.cutouts[number])}


def test_lines_tell_the_receipts_numbers() -> None:
    done = with_receipt(
        design(MemoryBlobs()), 0, attended=Attended(box=BOXES[0], inside=0.6, lift=2.2), contained=0.9, coverage=0.14, fragments=2, iou=0.7, softness=0.3
    )
    told = lines(done)
    assert told["Looked at"] == (0.6, "of the attention to “cat” lay in its planned place, 2.2 times what chance would give")
    assert told["Cut"] == (0.9, "of the cut lies in the planned place; it is 14 % of the picture, in 2 pieces")
    assert told["Box"][0] == 0.7
    assert told["Edge"] == (0.7, "of its edge follows an edge that can be seen; the rest is a guess")
    assert told["Contested"] == (0.0, "no other subject claimed its pixels")


def test_who_else_claimed_it_is_named() -> None:
    told = lines(with_receipt(design(MemoryBlobs()), 0, overlap={"1": 0.12}))
    assert told["Contested"] == (0.12, "of its pixels were also claimed by 2 rocket")


def test_what_was_not_found_is_told_as_such() -> None:
    done = with_receipt(design(MemoryBlobs()), 1, alpha=None, iou=0.0, contained=0.0, coverage=0.0, fragments=0)
    assert lines(done, 1)["Cut"] == (0.0, "nothing of it was found, so nothing was cut")
    assert receipt.summary(done)[0] == "Not found, so not cut: 2 a red rocket."


def test_attention_that_was_not_recorded_is_told_as_such() -> None:
    done = with_receipt(with_receipt(design(MemoryBlobs()), 0, attended=Attended()), 1, attended=Attended())
    assert lines(done)["Looked at"][1] == "nothing was recorded of where the model looked"
    assert "Nothing was recorded" in receipt.summary(done)[1]


def test_words_that_strayed_are_named() -> None:
    done = with_receipt(design(MemoryBlobs()), 1, attended=Attended(box=BOXES[0], inside=0.1, lift=0.4))
    assert receipt.summary(done)[1].endswith("where they were planned: 2 a red rocket.")


def test_the_critics_word_on_the_whole_is_repeated() -> None:
    done = design(MemoryBlobs())
    said = Critique(score=0.4, verdict="repair", findings=(Finding(subject=None, kind="blended", detail="they run into each other", severity=0.8),))
    done = done.model_copy(update={"rounds": (done.rounds[0].model_copy(update={"critique": said}),)})
    assert receipt.summary(done)[2:] == ("The critic gave it 0.40 of 1 and did not accept it.", "Critic: blended, they run into each other")


def test_a_row_of_the_matrix_is_a_words_whole_attention() -> None:
    done = with_receipt(design(MemoryBlobs()), 0, attended=Attended(box=BOXES[0], inside=0.5, lift=2.0, leakage={"1": 0.2}))
    cutouts = done.rounds[0].cutouts
    assert receipt._row(cutouts[0], cutouts) == pytest.approx([0.5, 0.2, 0.3])


def test_contested_pixels_have_a_matrix_of_their_own() -> None:
    blobs = MemoryBlobs()
    done = design(blobs)
    contested = with_receipt(with_receipt(done, 0, overlap={"1": 0.12}), 1, overlap={"0": 0.3})
    calm, torn = receipt.draw(with_receipt(with_receipt(done, 0), 1), blobs), receipt.draw(contested, blobs)
    red = receipt._mixed(receipt.FAINT, receipt.OTHER, 1.6 * 0.3)
    assert near(torn, red).sum() > 2_000
    assert near(calm, red).sum() < 200


@pytest.mark.parametrize(("share", "told"), [(0.0, "0 %"), (0.001, "under 1 %"), (0.126, "13 %"), (1.0, "100 %")])
def test_shares_are_told_in_per_cent(share: float, told: str) -> None:
    assert receipt.percent(share) == told


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.sampled_from([12, 22, 46]), st.integers(60, 900), st.integers(1, 4))
def test_rows_never_leave_their_width(words: str, size: int, width: int, most: int) -> None:
    rows = receipt.wrapped(words, size, width, most)
    assert len(rows) <= most
    assert all(receipt.font(size).getlength(row) <= width for row in rows)


def test_rows_hold_all_words_where_there_is_room() -> None:
    words = "a cat and a rocket on a purple background"
    assert " ".join(receipt.wrapped(words, 22, 200, 9)) == words
    assert receipt.wrapped(words, 22, 200, 1)[0].endswith("…")


def test_the_receipt_is_the_same_picture_when_read_back() -> None:
    blobs = MemoryBlobs()
    done = design(blobs, kept=record())
    assert np.array_equal(unpng(blobs.get(receipt.make(done, blobs).sha256)), receipt.draw(done, blobs))
