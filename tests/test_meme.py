"""Memes: captions over, above, at and below what was drawn, from the drawing and the plan alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builders import a_design, a_plan, a_round
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cutwork.domain import Artifact, Box, CaptionBand, Design, FinishSettings, MemeSettings, Plan
from cutwork.errors import BadInput
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats import meme, png
from cutwork.tools.formats.base import export
from cutwork.tools.lettering import clash
from cutwork.tools.lettering.captions import NOTHING, compose, painted
from cutwork.tools.lettering.scene import MARGIN

TOP, BOTTOM = Box((0, 0, 1, 0.22)), Box((0, 0.78, 1, 1))
CAT, DOG = Box((0.1, 0.3, 0.4, 0.7)), Box((0.6, 0.3, 0.9, 0.7))
SIDE = 128
GROUND, COLOURS = (90, 60, 160), ((230, 160, 60), (60, 200, 120), (220, 60, 80), (80, 120, 230))

Pixels = np.ndarray


def drawn(boxes: list[Box], size: tuple[int, int] = (SIDE, SIDE)) -> tuple[Pixels, list[Pixels]]:
    """A plain picture with an ellipse in each box, and their masks."""
    width, height = size
    image = np.full((height, width, 3), GROUND, np.uint8)
    masks = []
    for k, box in enumerate(boxes):
        mask = np.zeros((height, width), np.uint8)
        x0, y0, x1, y1 = box.pixels(width, height)
        cv2.ellipse(mask, ((x0 + x1) // 2, (y0 + y1) // 2), (max(1, (x1 - x0) // 2 - 1), max(1, (y1 - y0) // 2 - 1)), 0, 0, 360, 255, -1)
        image[mask > 0] = COLOURS[k % len(COLOURS)]
        masks.append(mask > 0)
    return image, masks


def planned(*captions: str | tuple[str, str], layout: str = "top-bottom", boxes: tuple[Box, ...] = (CAT, DOG), **look: Any) -> Plan:
    """A cat and a dog with captions at the top, the bottom and between; a pair is a caption and the subject it labels."""
    places = (TOP, BOTTOM, Box((0.3, 0.4, 0.7, 0.6)))
    bands = tuple(
        CaptionBand(text=one if isinstance(one, str) else one[0], box=places[k % 3], subject=None if isinstance(one, str) else one[1]) for k, one in enumerate(captions)
    )
    finish = FinishSettings(kind="meme", meme=MemeSettings(layout=layout, **look))  # type: ignore[arg-type]
    return a_plan("a cat", "a dog", boxes=boxes, bands=bands, finish=finish, size=(SIDE, SIDE))


def a_meme(blobs: MemoryBlobs, plan: Plan, **changes: Any) -> Design:
    image, masks = drawn([region.box for region in plan.regions])
    return a_design(a_round(plan, image, masks, blobs), **changes)


def written(plan: Plan, **changes: Any) -> tuple[MemoryBlobs, dict[str, Artifact], dict[str, Any]]:
    blobs = MemoryBlobs()
    files = {one.name: one for one in meme.write(a_meme(blobs, plan, **changes), blobs)}
    return blobs, files, json.loads(blobs.get(files["manifest.json"].sha256))


def composed(plan: Plan, size: tuple[int, int] = (SIDE, SIDE)) -> tuple[Any, Pixels]:
    image, masks = drawn([region.box for region in plan.regions], size)
    composition = compose(plan, image, [mask.astype(np.uint8) * 255 for mask in masks])
    return composition, painted(composition)


def changed_outside(composition: Any, picture: Pixels) -> bool:
    """Whether letters left a mark outside the boxes of their captions."""
    changed = (composition.bare != picture).any(-1)
    for one in composition.captions:
        x0, y0, x1, y1 = one.block.box
        changed[y0:y1, x0:x1] = False
    return bool(changed.any())


# files


def test_a_meme_delivers_its_picture_the_drawing_an_overview_and_a_manifest() -> None:
    blobs, files, listing = written(planned("Monday", "again"))
    assert set(files) == {"meme.png", "image.png", "overview.png", "manifest.json"}
    assert (files["meme.png"].width, files["meme.png"].height) == (1024, 1024)
    drawing = np.array(Image.open(io.BytesIO(blobs.get(files["image.png"].sha256))))
    assert np.array_equal(drawing, drawn([CAT, DOG])[0])
    assert [one["lines"] for one in listing["captions"]] == [["MONDAY"], ["AGAIN"]]
    assert listing["captions"][0]["fonts"] == ["anton"]
    assert listing["captions"][0]["contrast"] > 15
    assert listing["captions"][0]["clash"] == {"0": 0.0, "1": 0.0}
    assert listing["notes"] == []


def test_the_file_opens_elsewhere_and_shows_the_letters(tmp_path: Path) -> None:
    blobs, files, listing = written(planned("Monday", "again"))
    export(tuple(files.values()), blobs, tmp_path)
    seen = cv2.imread(str(tmp_path / "meme.png"))
    assert seen is not None
    assert seen.shape == (1024, 1024, 3)
    for one in listing["captions"]:
        x0, y0, x1, y1 = one["ink"]
        letters = (seen[y0:y1, x0:x1] == 255).all(-1).mean()
        stroke = (seen[y0:y1, x0:x1] == 0).all(-1).mean()
        assert 0.2 < letters < 0.8
        assert stroke > 0.1


def test_the_picture_can_be_drawn_and_lettered_again_from_itself(tmp_path: Path) -> None:
    plan = planned("Monday", "again")
    blobs, files, _ = written(plan)
    export(tuple(files.values()), blobs, tmp_path)
    assert png.shot(png.read_manifest(tmp_path / "meme.png")).plan == plan


def test_the_same_design_gives_the_same_bytes_whatever_the_run() -> None:
    for layout in ("top-bottom", "bar", "labels", "panels"):
        plan = planned(("Monday 😀", "cat"), "again שלום", layout=layout)
        assert written(plan, id="run-1", created="then")[1] == written(plan, id="run-2", created="now")[1]


def test_other_captions_need_the_drawing_alone() -> None:
    blobs = MemoryBlobs()
    first = a_meme(blobs, planned("Monday", "again"))
    plan = planned("Friday", "at last")
    again = first.model_copy(update={"rounds": (first.rounds[0].model_copy(update={"shot": first.rounds[0].shot.model_copy(update={"plan": plan})}),)})
    files = {one.name: one for one in meme.write(again, blobs)}
    assert [one["lines"] for one in json.loads(blobs.get(files["manifest.json"].sha256))["captions"]] == [["FRIDAY"], ["AT LAST"]]
    assert files["meme.png"] != {one.name: one for one in meme.write(first, blobs)}["meme.png"]


@pytest.mark.parametrize("captions", [(), ("", "  ")])
@pytest.mark.parametrize("layout", ["top-bottom", "bar", "labels", "panels"])
def test_without_captions_the_meme_is_the_picture_and_says_so(captions: tuple[str, ...], layout: str) -> None:
    blobs, files, listing = written(planned(*captions, layout=layout))
    assert listing["notes"] == [NOTHING]
    picture = Image.open(io.BytesIO(blobs.get(files["meme.png"].sha256)))
    large = Image.fromarray(drawn([CAT, DOG])[0]).resize((1024, 1024), Image.Resampling.LANCZOS)
    assert np.array_equal(np.array(picture), np.array(large))


@pytest.mark.parametrize(
    ("look", "fault"),
    [({"font": "impact"}, "no font 'impact'; there are anton"), ({"colour": "blurple"}, "no colour 'blurple'"), ({"stroke": "#12"}, "no colour '#12'")],
)
@pytest.mark.parametrize("captions", [(), ("Monday",)])
def test_fonts_and_colours_that_are_not_there_are_named(look: dict[str, Any], fault: str, captions: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=fault):
        written(planned(*captions, **look))


def test_a_caption_with_control_characters_is_refused() -> None:
    with pytest.raises(BadInput, match=r"control characters \(U\+0007\)"):
        written(planned("ding\x07"))


def test_a_design_without_a_delivered_round_has_nothing_to_letter() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match="no delivered round"):
        meme.write(a_meme(blobs, planned("x")).model_copy(update={"best": None}), blobs)


def test_a_caption_over_a_subject_is_told_and_so_is_one_that_cannot_be_read() -> None:
    _, _, listing = written(planned("Monday", "again", "in the way of them all", boxes=(Box((0.2, 0.2, 0.8, 0.8)), DOG), colour="#808080", stroke="#888888"))
    over = listing["captions"][2]
    assert over["clash"]["0"] > 0.9
    assert any("covers 'cat'" in note for note in listing["notes"])
    assert sum("hard to read" in note for note in listing["notes"]) == 3


# over the picture


def test_captions_stand_in_their_bands_within_the_margins() -> None:
    composition, picture = composed(planned("Monday", "again", "jumpy quay"))
    assert not changed_outside(composition, picture)
    edge = round(1024 * MARGIN)
    for one, band in zip(composition.captions, planned("a", "b", "c").bands, strict=True):
        x0, y0, x1, y1 = one.block.ink
        wanted = band.box.pixels(1024, 1024)
        assert wanted[0] <= x0
        assert wanted[1] <= y0
        assert x1 <= wanted[2]
        assert y1 <= wanted[3]
        assert min(x0, y0, 1024 - x1, 1024 - y1) >= edge
        assert abs((x0 + x1) / 2 - 512) < 12  # in the middle
    assert composition.captions[0].block.ink[1] == pytest.approx(edge, abs=2)  # close to the top, and to the bottom
    assert composition.captions[1].block.ink[3] == pytest.approx(1024 - edge, abs=2)


@pytest.mark.parametrize("size", [(2048, 128), (96, 1024), (1024, 1024), (320, 200)])
def test_pictures_of_any_shape_are_lettered(size: tuple[int, int]) -> None:
    composition, picture = composed(planned("Monday morning", "has come again"), size)
    assert max(picture.shape[:2]) == max(1024, *size)
    assert all(one.block.lines for one in composition.captions)
    assert not changed_outside(composition, picture)


def test_letters_take_the_colours_and_the_case_they_are_given() -> None:
    composition, picture = composed(planned("Monday", colour="#ffe94a", stroke="navy", upper=False))
    x0, y0, x1, y1 = composition.captions[0].block.ink
    colours = {tuple(int(v) for v in pixel) for pixel in picture[y0:y1, x0:x1].reshape(-1, 3)}
    assert {(255, 233, 74), (0, 0, 128)} <= colours
    assert composition.captions[0].block.lines == ("Monday",)


# the bar


def test_a_bar_grows_the_canvas_and_leaves_the_picture_free() -> None:
    composition, picture = composed(planned("When it is", "Monday again", layout="bar"))
    high = picture.shape[0] - 1024
    assert high > 100
    large = Image.fromarray(drawn([CAT, DOG])[0]).resize((1024, 1024), Image.Resampling.LANCZOS)
    assert np.array_equal(picture[high:], np.array(large))
    assert (picture[:5] == 255).all()
    first, second = (one.block for one in composition.captions)
    assert first.ink[3] < second.ink[1] < second.ink[3] < high
    assert first.size == second.size
    assert second.style.colour == (0, 0, 0)
    assert not changed_outside(composition, picture)
    assert all(one.contrast > 20 and not any(one.clash.values()) for one in clash.measured(composition, picture))


# labels


def test_labels_stand_at_their_subjects_and_on_no_other() -> None:
    composition, picture = composed(planned(("me", "cat"), ("my deadlines", "dog"), layout="labels"))
    for one, found, box in zip(composition.captions, clash.measured(composition, picture), (CAT, DOG), strict=True):
        x0, y0, x1, y1 = one.block.ink
        left, top, right, bottom = box.pixels(1024, 1024)
        assert one.leader is None
        assert left - 60 < (x0 + x1) / 2 < right + 60
        assert top < (y0 + y1) / 2 < bottom + 120
        assert [share for region, share in found.clash.items() if region != one.band] == [0.0]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(2, 5), st.integers(2, 5)), min_size=2, max_size=4), st.integers(1, 24))
def test_wherever_subjects_stand_labels_cover_no_other_or_it_is_told(places: list[tuple[int, int, int, int]], letters: int) -> None:
    boxes = [Box.of(x / 10, y / 10, (x + w) / 10, (y + h) / 10) for x, y, w, h in places]
    names = ["cat", "dog", "fox", "bee"][: len(boxes)]
    bands = tuple(CaptionBand(text=("wait for it " * 3)[: letters + k].strip() or "x", box=TOP, subject=name) for k, name in enumerate(names))
    finish = FinishSettings(kind="meme", meme=MemeSettings(layout="labels"))
    plan = a_plan(*(f"a {name}" for name in names), boxes=boxes, masks=[None] * len(boxes), bands=bands, finish=finish)
    image, masks = drawn(boxes)
    masks = [mask & ~np.any([*masks[k + 1 :], np.zeros_like(mask)], axis=0) for k, mask in enumerate(masks)]  # as cut-outs, they share no pixel
    composition = compose(plan, image, [mask.astype(np.uint8) * 255 for mask in masks])
    picture = painted(composition)
    for one, found in zip(composition.captions, clash.measured(composition, picture), strict=True):
        covered = max((share for region, share in found.clash.items() if region != one.band), default=0.0)
        assert covered == 0.0 or any("finds no place" in note for note in composition.notes)
        assert one.block.box == one.block.ink
        assert min(one.block.ink) >= 0
        assert max(one.block.ink) <= 1024
    if not composition.notes:
        for a, b in ((a, b) for a in composition.captions for b in composition.captions if a.band < b.band):
            ax0, ay0, ax1, ay1 = a.block.ink
            bx0, by0, bx1, by1 = b.block.ink
            assert ax1 <= bx0 or bx1 <= ax0 or ay1 <= by0 or by1 <= ay0


def test_a_label_that_must_stand_off_has_a_line_to_its_subject() -> None:
    """The bee is in the middle of a ring that leaves no room for letters."""
    image, (bee,) = drawn([Box((0.46, 0.46, 0.54, 0.54))])
    ring = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(ring, (SIDE // 2, SIDE // 2), 26, 255, 26)
    ring[:, SIDE // 2 - 3 : SIDE // 2 + 3] = 0  # with a gap above and below, for the line
    finish = FinishSettings(kind="meme", meme=MemeSettings(layout="labels"))
    bands = (CaptionBand(text="the one and only busy bee", box=TOP, subject="bee"),)
    plan = a_plan("a bee", "a ring", boxes=(Box((0.46, 0.46, 0.54, 0.54)), Box((0.1, 0.1, 0.9, 0.9))), bands=bands, finish=finish)
    composition = compose(plan, image, [bee.astype(np.uint8) * 255, ring & ~(bee.astype(np.uint8) * 255)])
    (caption,) = composition.captions
    assert composition.notes == ()
    assert caption.leader is not None
    end = caption.leader[1]
    assert composition.alphas[0][end[1], end[0]] > 127
    picture = painted(composition)
    assert (picture[end[1], end[0]] == caption.block.style.colour).all()
    assert clash.measured(composition, picture)[0].clash == {0: 0.0, 1: 0.0}


def test_captions_without_a_subject_stay_in_their_bands_beside_labels() -> None:
    composition, _ = composed(planned("Monday", ("me", "cat"), layout="labels"))
    assert composition.captions[0].block.ink[1] < 60
    assert composition.captions[1].subject == "cat"


# panels


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_every_caption_has_its_panel_and_stands_below_it(count: int) -> None:
    composition, picture = composed(planned(*(f"panel number {k}" for k in range(count)), layout="panels"))
    assert len(composition.captions) == count
    assert not changed_outside(composition, picture)
    assert 0.35 < picture.shape[1] / picture.shape[0] < 3.5
    for one in composition.captions:
        x0, y0, x1, y1 = one.block.box
        assert (composition.bare[y0:y1, x0:x1] == 255).all()  # paper, no picture
        assert (composition.bare[y0 - 3, x0 + 5 : x1 - 5] != 255).any()  # the panel is right above
    boxes = [one.block.box for one in composition.captions]
    assert len(set(boxes)) == count


def test_panels_go_close_to_their_subjects_in_order() -> None:
    composition, _ = composed(planned("the cat", "the dog", "both", layout="panels"))
    shares = []
    for one in composition.captions:
        x0, y0, x1, _ = one.block.box
        panel = composition.bare[y0 - (x1 - x0) : y0, x0:x1].astype(int)
        shares.append([(np.abs(panel - COLOURS[k]).max(-1) < 12).mean() for k in range(2)])
    whole = [(np.abs(drawn([CAT, DOG])[0].astype(int) - COLOURS[k]).max(-1) < 12).mean() for k in range(2)]
    assert shares[0][0] > 1.5 * whole[0]
    assert shares[1][1] > 1.5 * whole[1]
    assert shares[0][1] < whole[1] / 2
    assert shares[2] == pytest.approx(whole, abs=0.02)


def test_a_panel_shows_nobody_elses_subject_where_that_can_be() -> None:
    near = (Box((0.04, 0.2, 0.48, 0.9)), Box((0.52, 0.2, 0.96, 0.9)))
    composition, _ = composed(planned("before", "after", layout="panels", boxes=near))
    for own, one in enumerate(composition.captions):
        x0, y0, x1, _ = one.block.box
        panel = composition.bare[y0 - 700 : y0, x0:x1].astype(int)
        seen = [(np.abs(panel - COLOURS[k]).max(-1) < 12).mean() for k in range(2)]
        assert seen[own] > 0.3
        assert seen[1 - own] < 0.02


# for the critic


def test_the_critic_is_told_of_each_caption_what_it_covers_and_its_contrast() -> None:
    image, masks = drawn([CAT, DOG])
    alphas = [mask.astype(np.uint8) * 255 for mask in masks]
    first, second, between = clash.measure(planned("Monday", "again", ("over them all", "dog")), image, alphas)
    assert (first.band, first.caption, first.subject) == (0, "Monday", None)
    assert max(first.clash.values()) == max(second.clash.values()) == 0.0
    assert first.contrast > 15 > first.behind
    assert between.subject == "dog"
    assert between.clash[0] > 0.05
    assert between.clash[1] > 0.05


def test_pictures_and_alphas_of_different_sizes_are_refused() -> None:
    with pytest.raises(BadInput, match="picture is 128x128"):
        clash.measure(planned("Monday"), drawn([CAT])[0], [np.zeros((64, 64), np.uint8)])
