"""What stays when a part of a picture is drawn anew: areas, pictures to start from, seams, and not one pixel changed outside."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import LEFT, RIGHT, a_design, a_plan, a_round, grey_png, png, tiny_flux
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from cutwork.agents.edits import Draft, edited
from cutwork.composing import started
from cutwork.domain import Box, Call, DrawSettings, Keep, Shot, Size
from cutwork.errors import BadInput, CutworkError
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.keep.areas import marked, united
from cutwork.tools.keep.carry import carried
from cutwork.tools.keep.edits import Before, Change, lifted, moved, prepared
from cutwork.tools.keep.held import held
from cutwork.tools.keep.put import put, put_behind
from cutwork.tools.keep.seam import laid_in
from cutwork.tools.keep.start import DRAWN, STAYS, Start, extent, frozen, start_of, verify
from cutwork.tools.masks.place import places
from cutwork.tools.pixels import decode
from cutwork.tools.render import render

SIDE = 96
GROUND, CAT, DOG = (120, 60, 200), (250, 160, 60), (40, 200, 90)


def disc(box: Box) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    cx, cy = box.centre[0] * SIDE, box.centre[1] * SIDE
    return np.hypot((x - cx) / (box.width * SIDE / 2), (y - cy) / (box.height * SIDE / 2)) < 0.9


def layer(mask: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.dstack([np.where(mask[..., None], np.array(colour, np.uint8), 0), mask * np.uint8(255)]).astype(np.uint8)


def before() -> Before:
    picture = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    for box, colour in ((LEFT, CAT), (RIGHT, DOG)):
        picture[disc(box)] = colour
    return Before(picture, [layer(disc(LEFT), CAT), layer(disc(RIGHT), DOG)], [LEFT, RIGHT], [0, 1])


def same_outside(start: Start, old: Before) -> bool:
    return bool((start.picture == old.picture)[start.area <= STAYS].all())


# before


def test_what_is_removed_is_painted_over_and_nothing_is_drawn() -> None:
    start = prepared(before(), [Change(0, None)])
    assert not start.draws
    assert same_outside(start, before())
    assert np.abs(start.picture[disc(LEFT)].astype(int) - GROUND).max() < 4
    assert (start.picture[disc(RIGHT)] == DOG).all()


def test_what_is_moved_goes_with_its_look_and_leaves_background_behind() -> None:
    goal = Box((0.1, 0.02, 0.4, 0.3))
    start = prepared(before(), [Change(0, goal, 0.4)])
    assert same_outside(start, before())
    assert tuple(start.picture[int(0.16 * SIDE), int(0.25 * SIDE)]) == CAT
    assert np.abs(start.picture[int(0.6 * SIDE), int(0.25 * SIDE)].astype(int) - GROUND).max() < 4
    drawn = start.area >= DRAWN
    assert drawn.any()
    assert not drawn[disc(RIGHT)].any()
    assert start.area.max() < 255


def test_what_is_new_is_drawn_from_nothing_in_its_box() -> None:
    box = Box((0.4, 0.02, 0.6, 0.2))
    start = prepared(before(), [Change(None, box, 1.0, 5)])
    x0, y0, x1, y1 = box.pixels(SIDE, SIDE)
    assert (start.area[y0:y1, x0:x1] == 255).all()
    assert same_outside(start, before())
    assert extent(start.area).iou(box) > 0.4  # type: ignore[union-attr]


def test_who_stands_in_front_or_is_locked_keeps_every_pixel() -> None:
    over = Box((0.5, 0.2, 0.95, 0.8))
    for change, locked in ((Change(0, over, 0.5, 0), ()), (Change(None, over, 1.0, 9), (1,))):
        start = prepared(before(), [change], locked)
        assert (start.area[disc(RIGHT)] <= STAYS).all()
    hidden = prepared(before(), [Change(None, over, 1.0, 9)])
    assert (hidden.area[disc(RIGHT)] == 255).any(), "who stands behind may be covered"
    with pytest.raises(BadInput, match="locked lies over all"):
        prepared(before(), [Change(None, Box((0.72, 0.45, 0.78, 0.55)), 1.0, 9)], [1])


def test_a_background_is_drawn_behind_subjects_that_stay() -> None:
    start = prepared(before(), (), background=True)
    assert start.behind
    core = start.area <= STAYS
    assert core[disc(LEFT)].mean() > 0.7
    assert not core[~(disc(LEFT) | disc(RIGHT))].any()
    assert same_outside(start, before())


def test_a_layer_moved_and_enlarged_keeps_its_colour_and_its_middle() -> None:
    goal = Box((0.2, 0.1, 0.8, 0.9))
    out = moved(before().layers[0], LEFT, goal)
    solid = out[..., 3] == 255
    assert (np.abs(out[solid][:, :3].astype(int) - CAT).max()) <= 1
    assert extent(np.where(out[..., 3] > 127, 255, 0).astype(np.uint8)).centre == pytest.approx(goal.centre, abs=0.02)  # type: ignore[union-attr]
    assert solid.sum() / (before().layers[0][..., 3] == 255).sum() == pytest.approx((goal.height / LEFT.height) ** 2, rel=0.15)
    assert (moved(before().layers[0], LEFT, LEFT)[..., 3] > 127).sum() == pytest.approx((before().layers[0][..., 3] > 127).sum(), rel=0.02)


def test_one_is_lifted_off_and_its_neighbour_stays() -> None:
    touching = Before(before().picture.copy(), [layer(disc(LEFT), CAT), layer(disc(Box((0.36, 0.25, 0.66, 0.75))) & ~disc(LEFT), DOG)], [LEFT, RIGHT], [0, 1])
    touching.picture[touching.masks[1]] = DOG
    picture, left = lifted(touching.picture, touching.masks[0], touching.masks[1])
    assert (picture[touching.masks[1]] == DOG).all()
    assert not (left & touching.masks[1]).any()


def test_who_was_covered_is_there_again_when_the_other_goes() -> None:
    over = Box((0.3, 0.3, 0.55, 0.7))
    front, back = disc(over), disc(LEFT)
    picture = before().picture.copy()
    picture[front] = DOG
    old = Before(picture, [layer(back, CAT), layer(front, DOG)], [LEFT, over], [0, 1])
    start = prepared(old, [Change(1, None)])
    assert (start.picture[back] == CAT).all()
    assert same_outside(start, old)


OVER = Box((0.3, 0.3, 0.55, 0.7))


def covered(whole: bool) -> Before:
    """The cat, and a dog before a part of it; what is hidden of the cat is in its layer where that is whole."""
    front, back = disc(OVER), disc(LEFT)
    picture = before().picture.copy()
    picture[front] = DOG
    return Before(picture, [layer(back if whole else back & ~front, CAT), layer(front, DOG)], [LEFT, OVER], [0, 1])


def test_who_comes_to_the_front_is_laid_down_where_its_layer_is_whole() -> None:
    old = covered(whole=True)
    start = prepared(old, [Change(0, LEFT, 0.4, 2, over=(1,))], z={0: 2, 1: 1})
    assert not start.draws, "all of it is known"
    assert (start.picture[disc(LEFT)] == CAT).all()
    assert same_outside(start, old)
    assert (start.area > STAYS).sum() == (disc(LEFT) & disc(OVER)).sum()


def test_who_comes_to_the_front_is_drawn_where_it_was_hidden() -> None:
    old, both = covered(whole=False), disc(LEFT) & disc(OVER)
    start = prepared(old, [Change(0, LEFT, 0.4, 2, over=(1,))], z={0: 2, 1: 1})
    assert same_outside(start, old)
    assert (start.area[both] == 255).all()
    assert (start.area[disc(LEFT) & ~disc(OVER)] < 255).all(), "what was seen of it keeps its look"
    assert (start.area[:, : LEFT.pixels(SIDE, SIDE)[0] + 6] == 0).all(), "and to the bit where it is far from what was hidden"
    x0, y0, x1, y1 = LEFT.pixels(SIDE, SIDE)
    beyond = disc(OVER).copy()
    beyond[y0:y1, x0:x1] = False
    assert (start.area[beyond] < DRAWN + 60).all(), "the dog stays where the cat does not come"


def test_a_free_form_area_alone_is_drawn() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[5:20, 40:44] = mask[16:20, 40:70] = True
    box = extent(mask * np.uint8(255))
    for change in (Change(None, box, 1.0, 5, mask=mask), Change(0, box, 0.5, 0, mask=mask)):
        start = prepared(before(), [change])
        assert same_outside(start, before())
        assert (start.area[mask] >= DRAWN).all()
    assert not (prepared(before(), [Change(None, box, 1.0, 5, mask=mask)]).area[4:10, 60:] > STAYS).any(), "the box beside the mask stays"


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA", "P"])
@pytest.mark.parametrize("size", [(32, 32), (96, 96), (320, 321)])
def test_what_somebody_marks_becomes_a_mask_of_the_canvas(mode: str, size: tuple[int, int]) -> None:
    blobs, image = MemoryBlobs(), Image.new("RGBA" if mode == "RGBA" else "RGB", size, (0, 0, 0, 0) if mode == "RGBA" else (0, 0, 0))
    ImageDraw.Draw(image).rectangle((size[0] // 4, size[1] // 2, size[0] // 2 - 1, size[1] - 1), fill="white")
    out = io.BytesIO()
    image.convert(mode).save(out, "PNG")
    sha256, box = marked(blobs.put(out.getvalue()), (96, 96), blobs)
    assert box.root == pytest.approx((0.25, 0.5, 0.5, 1.0), abs=0.02)
    assert set(np.unique(decode(blobs.get(sha256), "L"))) == {0, 255}
    plan = a_plan(masks=(sha256, None), size=(96, 96))
    assert places(plan, blobs)[0].box == box, "as regions take it"


def test_what_marks_nothing_or_is_no_mask_is_refused() -> None:
    blobs = MemoryBlobs()
    for data, fault in ((b"no picture", "no readable picture"), (grey_png(np.zeros((96, 96), bool)), "marks nothing"), (grey_png(np.ones((96, 48), bool)), "wanted 96x96 or larger"), (None, "no mask")):
        with pytest.raises(BadInput, match=fault):
            marked(blobs.put(data) if data else "0" * 64, (96, 96), blobs)


# after


AREAS = hnp.arrays(np.uint8, (24, 32), elements=st.sampled_from([0, 127, 128, 180, 255]))


@settings(max_examples=50, deadline=None)
@given(AREAS, st.integers(0, 10_000), st.booleans())
def test_not_one_pixel_outside_changes_whatever_is_drawn(area: np.ndarray, seed: int, fitted: bool) -> None:
    chance = np.random.default_rng(seed)
    picture, drawn = (chance.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(2))
    out = laid_in(Start(picture, area), drawn, fitted)
    assert (out == picture)[area <= STAYS].all()
    assert verify(picture, out, area) == frozen(picture, area)


def test_what_was_drawn_counts_wholly_inside_and_not_at_all_at_the_edge() -> None:
    area = np.zeros((64, 64), np.uint8)
    area[16:64, 16:48] = 255  # it reaches the canvas border, which is no edge
    out = laid_in(Start(np.zeros((64, 64, 3), np.uint8), area), np.full((64, 64, 3), 200, np.uint8), fitted=False)
    assert (out[40:, 28:36] == 200).all()
    assert out[16, 30].max() < 60
    assert (np.diff(out[16:32, 32, 0].astype(int)) >= 0).all()


def test_what_was_drawn_takes_the_colours_around_it() -> None:
    area = np.zeros((64, 64), np.uint8)
    area[20:44, 20:44] = 255
    drawn = np.full((64, 64, 3), 110, np.uint8)
    drawn[28:36, 28:36] = 250  # the subject
    out = laid_in(Start(np.full((64, 64, 3), 120, np.uint8), area), drawn)
    assert np.abs(out[22:26, 22:42].astype(int) - 120).max() <= 1, "no seam is seen"
    assert out[32, 32, 0] == 255


def test_a_pixel_that_changed_outside_is_told() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    other = picture.copy()
    other[0, 0] = 1
    with pytest.raises(CutworkError, match="1 pixels changed outside"):
        verify(picture, other, np.zeros((8, 8), np.uint8))
    inside = np.full((8, 8), 255, np.uint8)
    assert verify(picture, other, inside) == frozen(picture, inside)


# put together


def test_a_subject_of_another_picture_takes_ones_place() -> None:
    fox = layer(disc(Box((0.1, 0.3, 0.4, 0.7))), (200, 80, 30))
    start = put(before(), [0], [(fox, 0)])
    assert not start.draws
    assert same_outside(start, before())
    assert tuple(start.picture[SIDE // 2, SIDE // 4]) == (200, 80, 30)
    assert (start.picture[disc(RIGHT)] == DOG).all()


@pytest.mark.parametrize(("farther", "colour"), [(1, DOG), (2, (200, 80, 30))])
def test_a_subject_of_another_picture_is_as_near_as_it_is_said_to_be(farther: int, colour: tuple[int, int, int]) -> None:
    fox = layer(disc(Box((0.3, 0.3, 0.8, 0.7))), (200, 80, 30))
    start = put(before(), [], [(fox, farther)])
    assert tuple(start.picture[SIDE // 2, round(SIDE * 0.7)]) == colour
    assert tuple(start.picture[SIDE // 2, round(SIDE * 0.4)]) == (200, 80, 30), "in front of the cat"


def test_another_pictures_background_comes_behind_ones_subjects() -> None:
    other = Before(np.full((SIDE, SIDE, 3), (10, 160, 150), np.uint8), [], [], [])
    start = put_behind(before(), other)
    assert (start.picture[~(disc(Box((0.05, 0.15, 0.45, 0.85))) | disc(Box((0.55, 0.15, 0.95, 0.85))))] == (10, 160, 150)).all()
    assert tuple(start.picture[SIDE // 2, SIDE // 4]) == CAT
    with pytest.raises(BadInput, match="other sizes"):
        put_behind(before(), Before(np.zeros((8, 8, 3), np.uint8), [], [], []))


def test_cut_outs_of_who_stayed_are_carried_over() -> None:
    blobs, old = MemoryBlobs(), a_plan()
    turn = a_round(old, before().picture, before().masks, blobs)
    new = a_plan("a fox", "a dog")
    area = np.where(disc(LEFT), 255, 0).astype(np.uint8)
    found = carried(new, old, turn.cutouts, area, behind=False, read=lambda sha: decode(blobs.get(sha), "L"))
    assert set(found) == {1}
    assert found[1].image == turn.cutouts[1].image
    corner = np.zeros((SIDE, SIDE), np.uint8)
    corner[: SIDE // 2 - 10] = 255
    assert set(carried(old, old, turn.cutouts, corner, behind=False, read=lambda sha: decode(blobs.get(sha), "L"))) == {0, 1}, "a little covered is still whole behind"
    assert carried(old, old, turn.cutouts, np.full((SIDE, SIDE), 255, np.uint8), behind=False, read=lambda sha: decode(blobs.get(sha), "L")) == {}
    assert set(carried(old, old, turn.cutouts, np.full((SIDE, SIDE), 255, np.uint8), behind=True, read=lambda sha: decode(blobs.get(sha), "L"))) == {0, 1}


def test_the_cut_out_of_who_came_to_the_front_is_not_carried_over() -> None:
    blobs, far = MemoryBlobs(), np.zeros((SIDE, SIDE), np.uint8)
    plan = a_plan(boxes=(LEFT, OVER))
    made = a_round(plan, before().picture, [disc(LEFT) & ~disc(OVER), disc(OVER)], blobs)
    nearer = plan.model_copy(update={"regions": (plan.regions[0].model_copy(update={"z": 5}), plan.regions[1])})
    kept = [set(carried(one, plan, made.cutouts, far, False, lambda sha256: decode(blobs.get(sha256), "L"))) for one in (plan, nearer)]
    assert kept == [{0, 1}, {1}]


def test_areas_are_joined() -> None:
    blobs = MemoryBlobs()
    a, b = np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)
    a[:4], b[4:] = 255, 200
    both = decode(blobs.get(united(united(None, a, blobs), b, blobs)), "L")
    assert (both == np.maximum(a, b)).all()


# drawing


def kept_shot(blobs: MemoryBlobs, picture: np.ndarray, area: np.ndarray, steps: int = 3) -> Shot:
    side = picture.shape[0]
    plan = a_plan("a cat", boxes=(LEFT,), size=(side, side), draw=DrawSettings(steps=steps, regional=True))
    return Shot(plan=plan, seed=3, keep=Keep(image=blobs.put(png(picture)), area=blobs.put(png(area))))


def test_a_model_draws_inside_and_leaves_the_rest() -> None:
    blobs, family = MemoryBlobs(), tiny_flux()
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    area = np.zeros((64, 64), np.uint8)
    area[16:48, 16:48] = 255
    made = decode(blobs.get(render(kept_shot(blobs, picture, area), family, blobs).image), "RGB")
    assert (made == picture)[area <= STAYS].all()
    assert (made != picture)[24:40, 24:40].any()
    again = decode(blobs.get(render(kept_shot(blobs, picture, area), family, blobs).image), "RGB")
    assert (again == made).all()


def test_less_noise_needs_fewer_steps_and_none_needs_no_model() -> None:
    blobs, family = MemoryBlobs(), tiny_flux()
    picture, area = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64), np.uint8)
    area[16:48, 16:48] = 160
    some = render(kept_shot(blobs, picture, area, steps=8), family, blobs)
    assert 0 < some.steps < 8
    area[16:48, 16:48] = STAYS + 1
    none = render(kept_shot(blobs, picture, area, steps=8), family, blobs)
    assert none.steps == 0
    assert (decode(blobs.get(none.image), "RGB") == picture).all()


def test_latents_are_free_as_the_freest_of_their_pixels() -> None:
    family = tiny_flux()
    area = np.zeros((64, 64), np.uint8)
    area[17, 17], area[40, 40] = 255, 160
    rows, columns = family.grid((64, 64))
    levels = held(Start(np.zeros((64, 64, 3), np.uint8), area), family, (64, 64)).level.reshape(rows, columns).numpy()
    cell = 64 // rows
    assert levels[17 // cell, 17 // cell] == 1
    assert 0 < levels[40 // cell, 40 // cell] < 1
    assert (levels > 0).sum() == 2


@pytest.mark.parametrize("wrong", ["image", "area", "size"])
def test_what_is_kept_must_be_there_and_of_the_canvas(wrong: str) -> None:
    blobs = MemoryBlobs()
    picture = blobs.put(png(np.zeros((64, 64, 3), np.uint8)))
    area = blobs.put(grey_png(np.zeros((32, 64) if wrong == "size" else (64, 64), bool)))
    keep = Keep(image="0" * 64 if wrong == "image" else picture, area="1" * 64 if wrong == "area" else area)
    with pytest.raises(BadInput, match="an edit keeps"):
        start_of(keep, (64, 64), blobs)


def test_of_two_that_are_equally_near_the_later_one_is_in_front() -> None:
    """The dog overlaps the cat, and stays as it is when the cat becomes a fox."""
    blobs, close = MemoryBlobs(), Box((0.3, 0.25, 0.6, 0.75))
    picture, masks = np.full((SIDE, SIDE, 3), GROUND, np.uint8), [disc(LEFT) & ~disc(close), disc(close)]
    for mask, colour in zip(masks, (CAT, DOG), strict=True):
        picture[mask] = colour
    plan = a_plan(boxes=(LEFT, close), size=Size((SIDE, SIDE)))
    plan = plan.model_copy(update={"regions": tuple(r.model_copy(update={"z": 0}) for r in plan.regions)})
    draft = edited(Draft.of(plan), Call(tool="change_subject", args={"subject": "cat", "phrase": "a fox"}))
    start = started(draft, a_design(a_round(plan, picture, masks, blobs)), blobs)
    assert start is not None
    assert not (start.area[masks[1]] > STAYS).any()
    assert (start.picture[masks[1]] == DOG).all()
    assert (start.area[masks[0]] == 255).mean() > 0.8
