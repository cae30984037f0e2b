"""Cutting: record files, attended regions, RGBA layers with receipts, and alpha that is truly alpha."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import a_plan, a_round, a_shot, png, unpng
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.critic import critique
from cutwork.domain import Attended, Box, Critique, Cutout, CutSettings, Keep, Plan, Region, Render, Round, Shot, Subject
from cutwork.errors import BadInput, CutworkError, StorageFailed
from cutwork.tools import cut as cutting
from cutwork.tools.attended import attended, cover
from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.cut import cut, followed, fused_maps, painted_checkerboard, verify_alpha
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats.overview import checkerboard
from cutwork.tools.keep.start import level
from cutwork.tools.masks import measure
from cutwork.tools.masks.place import boxes
from cutwork.tools.record_file import Record

SIDE = 128
BOXES = (Box((0.05, 0.2, 0.5, 0.8)), Box((0.5, 0.2, 0.98, 0.8)))


def plan(settings: CutSettings | None = None) -> Plan:
    return a_plan("a cat", "a rocket", boxes=BOXES, size=(SIDE, SIDE), cut=settings or CutSettings())


def discs() -> np.ndarray:
    """Two true masks, (2, SIDE, SIDE) bool."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return np.stack([(y - 64) ** 2 + (x - cx) ** 2 < r**2 for cx, r in ((34, 24), (96, 22))])


def picture() -> np.ndarray:
    image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    image[discs()[0]], image[discs()[1]] = (230, 60, 40), (240, 220, 60)
    return image


def record(maps: int = 14) -> Record:
    cells = discs().reshape(2, 8, 16, 8, 16).mean((2, 4))
    noise = np.random.default_rng(0).random((maps, 2, 8, 8)) * 0.2
    return Record((cells + noise).astype(np.float16), np.arange(maps) % 7, np.arange(maps) // 7)


def rgba_of(blobs: MemoryBlobs, sha256: str) -> np.ndarray:
    return unpng(blobs.get(sha256))


# record file


def test_what_the_picture_attends_to_in_itself_survives_too_and_is_what_maps_are_snapped_to() -> None:
    two = (np.arange(64) % 8 < 4)[:, None] == (np.arange(64) % 8 < 4)[None]  # the left half and the right half attend to themselves
    before = record()
    kept = Record.from_bytes(Record(before.maps, before.blocks, before.steps, (two * 2.0).astype(np.float16)).to_bytes())
    assert kept.among is not None
    assert np.array_equal(kept.among, two * 2.0)
    assert Record.from_bytes(before.to_bytes()).among is None
    as_they_are = fused_maps(kept, "entropy")
    for how in ("spread", "segments"):
        snapped = fused_maps(kept, "entropy", how)
        assert snapped.shape == as_they_are.shape
        assert snapped[0, :, :4].std() < as_they_are[0, :, :4].std(), "the left half is of one piece"
    with pytest.raises(BadInput, match=r"cut\.snap is 'spread', and how the picture attends to itself was not recorded"):
        cut(plan(CutSettings(snap="spread")), picture(), before, (), MemoryBlobs())
    with pytest.raises(BadInput, match=r"has shape \(64, 3\)"):
        Record(before.maps, before.blocks, before.steps, np.zeros((64, 3), np.float16))


def test_a_record_survives_its_file() -> None:
    before = record()
    after = Record.from_bytes(before.to_bytes())
    for name in ("maps", "blocks", "steps"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert after.grid == (8, 8)


def test_equal_records_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = record().to_bytes()
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert record().to_bytes() == first


@given(st.binary(max_size=200))
def test_other_bytes_are_not_a_record(data: bytes) -> None:
    with pytest.raises(BadInput, match="not an attention record"):
        Record.from_bytes(data)


@pytest.mark.parametrize("at", [60, 200])
def test_a_damaged_record_is_named_not_trusted(at: int) -> None:
    data = bytearray(record().to_bytes())
    data[at] ^= 0xFF
    with pytest.raises(BadInput, match="not an attention record"):
        Record.from_bytes(bytes(data))


def test_pickles_are_not_read() -> None:
    out = io.BytesIO()
    np.savez(out, maps=np.array([{}], dtype=object))
    with pytest.raises(BadInput, match="not an attention record"):
        Record.from_bytes(out.getvalue())


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    maps = record().maps
    with pytest.raises(BadInput, match="wanted \\(maps, regions, h, w\\)"):
        Record(maps[0], np.zeros(2), np.zeros(2))
    with pytest.raises(BadInput, match="blocks"):
        Record(maps, np.zeros(3, int), np.zeros(14, int))


# attended


def test_cover_counts_cut_cells_in_part() -> None:
    assert cover(Box((0.0, 0.25, 0.625, 1.0)), 2, 4).tolist() == [[0.5, 0.5, 0.25, 0.0], [1.0, 1.0, 0.5, 0.0]]


@given(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.05, 1), st.floats(0.05, 1))
def test_cover_adds_up_to_the_box_area(x: float, y: float, w: float, h: float) -> None:
    box = Box.of(x, y, x + w, y + h)
    assert cover(box, 7, 5).mean() == pytest.approx(box.area, abs=1e-9)


def test_attention_in_its_region_lifts_and_leaks_nothing() -> None:
    regions = [Region(subject="a", box=Box((0, 0, 0.5, 1)), prompt="a"), Region(subject="b", box=Box((0.5, 0, 1, 1)), prompt="b")]
    maps = np.zeros((2, 4, 4))
    maps[0, 1, 0] = maps[1, 2:, :] = 1
    left, both = attended(maps, boxes(regions))
    assert left == Attended(box=Box((0.0, 0.25, 0.25, 0.5)), inside=1.0, lift=2.0, leakage={"1": 0.0})
    assert both == Attended(box=Box((0.0, 0.5, 1.0, 1.0)), inside=0.5, lift=1.0, leakage={"0": 0.5})


def test_an_even_map_has_lift_one_and_an_empty_one_none() -> None:
    regions = [Region(subject="a", box=Box((0.1, 0.2, 0.45, 0.9)), prompt="a")]
    assert attended(np.ones((1, 8, 8)), boxes(regions))[0].lift == pytest.approx(1.0, abs=1e-3)
    assert attended(np.zeros((1, 8, 8)), boxes(regions)) == (Attended(),)
    assert attended(np.full((1, 8, 8), np.nan), boxes(regions)) == (Attended(),)
    assert attended(np.zeros((0, 8, 8)), []) == ()


def test_attention_shared_by_nested_regions_is_no_leak() -> None:
    regions = [Region(subject="a", box=Box((0, 0, 1, 1)), prompt="a"), Region(subject="b", box=Box((0, 0, 0.5, 1)), prompt="b")]
    seen = attended(np.ones((2, 4, 4)), boxes(regions))
    assert seen[0].leakage == {"1": 0.0}
    assert seen[1].leakage == {"0": 0.5}


# cut


def test_every_subject_gets_its_own_transparent_layer() -> None:
    blobs = MemoryBlobs()
    found = cut(plan(), picture(), record(), (), blobs)
    assert [(c.subject, c.region) for c in found] == [("cat", 0), ("rocket", 1)]
    for k, cutout in enumerate(found):
        layer, mask = rgba_of(blobs, cutout.image), rgba_of(blobs, cutout.mask)
        assert measure.iou(layer[..., 3] > 127, discs()[k]) > 0.95
        assert np.array_equal(layer[..., 3], mask)
        assert np.array_equal(layer[mask > 0][:, :3], picture()[mask > 0])
        assert not layer[mask == 0].any()


def test_the_receipt_is_what_the_alpha_measures() -> None:
    blobs = MemoryBlobs()
    cutout = cut(plan(), picture(), record(), (), blobs)[0]
    alpha = rgba_of(blobs, cutout.mask) > 127
    receipt = cutout.receipt
    assert receipt.planned == BOXES[0]
    assert receipt.alpha == cutout.box == measure.tight_box(alpha)
    assert cutout.box is not None
    assert receipt.iou == pytest.approx(BOXES[0].iou(cutout.box), abs=1e-4)
    assert receipt.coverage == pytest.approx(alpha.mean(), abs=1e-4)
    assert receipt.fill == pytest.approx(alpha.mean() / BOXES[0].area, abs=1e-4)
    assert (receipt.contained, receipt.fragments, receipt.border, receipt.overlap) == (1.0, 1, 0.0, {"1": 0.0})
    assert receipt.attended.lift > 1.5


def test_attention_that_the_render_measured_is_copied() -> None:
    seen = (Attended(inside=0.25, lift=3.0), Attended(inside=0.5, lift=2.0))
    assert tuple(c.receipt.attended for c in cut(plan(), picture(), record(), seen, MemoryBlobs())) == seen


@pytest.mark.parametrize("fusion", WEIGHTS)
def test_the_same_record_can_be_cut_with_every_fusion(fusion: str) -> None:
    found = cut(plan(CutSettings(fusion=fusion)), picture(), record(), (), MemoryBlobs())
    assert all(c.receipt.coverage > 0.05 for c in found)


def test_other_thresholds_cut_otherwise() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    far = np.hypot(y - 63.5, x - 63.5)
    image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    image[far < 44], image[far < 22] = (240, 150, 40), (230, 40, 60)  # a ring that the keyword half means, and its core
    cells = np.where(far < 22, 1.0, np.where(far < 44, 0.45, 0.0)).reshape(8, 16, 8, 16).mean((1, 3))
    maps = Record(cells[None, None].repeat(3, 0).astype(np.float16), np.arange(3), np.arange(3))
    whole = Region(subject="cat", box=Box((0.1, 0.1, 0.9, 0.9)), prompt="a cat")
    one = plan().model_copy(update={"subjects": plan().subjects[:1], "regions": (whole,)})

    def coverage(*thresholds: float) -> float:
        settings = CutSettings(thresholds=thresholds)  # type: ignore[arg-type]
        return cut(one.model_copy(update={"cut": settings}), image, maps, (), MemoryBlobs())[0].receipt.coverage

    assert coverage(0.05, 0.1, 0.3) == pytest.approx((far < 44).mean(), rel=0.1)
    assert coverage(0.5, 0.6, 0.9) == pytest.approx((far < 22).mean(), rel=0.1)


def test_two_of_one_kind_are_told_apart_by_their_boxes() -> None:
    twins = Subject(id="cat", phrase="a cat", noun="cat", count=2)
    regions = tuple(Region(subject="cat", box=b, prompt="a cat") for b in BOXES)
    free = plan().draw.model_copy(update={"regional": False})
    both = plan().model_copy(update={"subjects": (twins,), "regions": regions, "draw": free})
    maps = np.repeat(record().maps.max(1, keepdims=True), 2, 1)  # one keyword, the same map for both
    blobs = MemoryBlobs()
    found = cut(both, picture(), Record(maps, record().blocks, record().steps), (), blobs)
    for k, cutout in enumerate(found):
        assert measure.iou(rgba_of(blobs, cutout.mask) > 127, discs()[k]) > 0.95


def test_the_same_cut_twice_gives_the_same_blobs() -> None:
    one, two = MemoryBlobs(), MemoryBlobs()
    assert cut(plan(), picture(), record(), (), one) == cut(plan(), picture(), record(), (), two)
    assert len(one) == len(two) == 4


def test_a_flat_record_cuts_nothing_and_says_so() -> None:
    blobs = MemoryBlobs()
    flat = Record(np.ones((3, 2, 8, 8), np.float16), np.arange(3), np.arange(3))
    for empty in (flat, Record(np.zeros((0, 2, 8, 8), np.float16), np.zeros(0, int), np.zeros(0, int))):
        found = cut(plan(), picture(), empty, (), blobs)
        assert [c.box for c in found] == [None, None]
        assert [c.receipt.alpha for c in found] == [None, None]
        assert not rgba_of(blobs, found[0].image).any()


def test_a_layer_with_a_painted_checkerboard_is_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = np.ones((2, SIDE, SIDE), bool)
    found[:, :20, :20] = False
    monkeypatch.setattr(cutting, "segment", lambda *_: cutting_result(found))
    assert [c.box for c in cut(plan(), checkerboard(SIDE, SIDE), record(), (), MemoryBlobs())] == [None, None]


def cutting_result(masks: np.ndarray) -> object:
    from cutwork.tools.masks.segment import Segmented

    return Segmented(masks, masks, np.zeros(masks.shape[1:], bool))


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(BadInput, match="canvas wants uint8"):
        cut(plan(), picture()[:64], record(), (), MemoryBlobs())
    one_region = Record(record().maps[:, :1], record().blocks, record().steps)
    with pytest.raises(BadInput, match="has 1 regions, the plan 2"):
        cut(plan(), picture(), one_region, (), MemoryBlobs())
    with pytest.raises(BadInput, match="it can be mean, entropy"):
        fused_maps(record(), "median")
    with pytest.raises(BadInput, match="1 attended regions"):
        cut(plan(), picture(), record(), (Attended(),), MemoryBlobs())


def test_the_plan_chooses_the_method_by_name_and_a_caller_may_choose_another() -> None:
    gap = discs() & (np.abs(np.arange(SIDE) - 34) > 4)  # ground shows through the first subject, which coarse cells do not see
    image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    image[gap[0]], image[gap[1]] = (230, 60, 40), (240, 220, 60)
    blobs = MemoryBlobs()
    paper, informed = (cut(plan(CutSettings(method=method)), image, record(), (), blobs) for method in ("paper", "informed"))
    assert paper[0].mask != informed[0].mask
    assert measure.iou(rgba_of(blobs, informed[0].mask) > 127, gap[0]) > 0.95
    assert cut(plan(CutSettings(method="paper")), image, record(), (), blobs, method="informed") == informed


@pytest.mark.slow
def test_a_soft_cut_has_alpha_between_and_the_subjects_own_colours() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    truth = np.clip((24 - np.hypot(y - 64, x - 34)) / 6 + 0.5, 0, 1)
    front, back = np.array([230.0, 60, 40]), np.array([40.0, 60, 90])
    image = picture()
    left = x < 64
    image[left] = (truth[..., None] * front + (1 - truth[..., None]) * back + 0.5).astype(np.uint8)[left]
    blobs = MemoryBlobs()
    soft = rgba_of(blobs, cut(plan(CutSettings(soft=True, band=0.05)), image, record(), (), blobs)[0].image)
    hard = rgba_of(blobs, cut(plan(), image, record(), (), blobs)[0].image)
    assert set(np.unique(hard[..., 3])) == {0, 255}
    assert np.abs(soft[..., 3] / 255 - truth).mean() < np.abs(hard[..., 3] / 255 - truth).mean() / 2
    assert not soft[soft[..., 3] == 0].any()
    half = (soft[..., 3] > 80) & (soft[..., 3] < 180)
    assert np.abs(soft[half][:, :3] - front).mean() < np.abs(image[half] - front).mean() / 3


@pytest.mark.slow
def test_smoke_that_was_matted_is_not_called_unsure_again() -> None:
    """A subject that fades over a quarter of the canvas: cut hard its edge is a guess, and the critic asks for matting; cut softly it is none."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    truth = np.clip((40 - np.hypot(y - 64, x - 64)) / 36 + 0.5, 0, 1)
    image = (truth[..., None] * (200, 205, 210) + (1 - truth[..., None]) * (120, 120, 125) + 0.5).astype(np.uint8)
    cells = truth.reshape(8, 16, 8, 16).mean((1, 3))
    maps = Record(cells[None, None].repeat(3, 0).astype(np.float16), np.arange(3), np.arange(3))

    def judged(soft: bool) -> tuple[float, Critique]:
        asked = a_plan("a cloud", boxes=(Box((0.1, 0.1, 0.9, 0.9)),), masks=(None,), size=(SIDE, SIDE), cut=CutSettings(soft=soft, band=0.05))
        blobs = MemoryBlobs()
        cutouts = cut(asked, image, maps, (), blobs)
        render = Render(image=blobs.put(png(image)), record=blobs.put(maps.to_bytes()), seed=1, model="mini", steps=3, attended=(cutouts[0].receipt.attended,))
        return cutouts[0].receipt.softness, critique(a_shot(plan=asked), render, cutouts)

    (hard, before), (soft, after) = judged(False), judged(True)
    assert hard > 0.8
    assert "rematte" in [one.kind for one in before.repairs]
    assert soft < 0.35
    assert "soft" not in [finding.kind for finding in after.findings]


@pytest.mark.slow
def test_soft_layers_of_subjects_that_touch_add_up_to_one_at_most() -> None:
    image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    whole = (np.mgrid[0:SIDE, 0:SIDE] - 64) ** 2
    disc = whole.sum(0) < 40**2
    left = np.arange(SIDE)[None].repeat(SIDE, 0) < 64
    image[disc & left], image[disc & ~left] = (230, 60, 40), (240, 220, 60)
    cells = np.stack([disc & left, disc & ~left]).reshape(2, 8, 16, 8, 16).mean((2, 4))
    maps = Record(cells[None].repeat(3, 0).astype(np.float16), np.arange(3), np.arange(3))
    blobs = MemoryBlobs()
    halves = (Box((0.15, 0.15, 0.5, 0.85)), Box((0.5, 0.15, 0.85, 0.85)))
    asked = a_plan("a cat", "a rocket", boxes=halves, size=(SIDE, SIDE), cut=CutSettings(soft=True))
    alphas = [rgba_of(blobs, c.mask).astype(int) for c in cut(asked, image, maps, (), blobs)]
    assert sum(alphas).max() <= 255  # type: ignore[union-attr]
    assert sum(alphas)[44:84, 54:74].min() >= 253, "no seam of background between them"  # type: ignore[index]


# alpha


def test_true_alpha_passes() -> None:
    rgba = np.dstack([picture(), discs()[0].astype(np.uint8) * 255])
    verify_alpha(png(rgba))


@pytest.mark.parametrize(
    ("pixels", "fault"),
    [
        (picture(), "mode RGB"),
        (np.dstack([picture(), np.full((SIDE, SIDE), 255, np.uint8)]), "255 everywhere"),
        (np.zeros((SIDE, SIDE, 4), np.uint8), "0 everywhere"),
    ],
)
def test_alpha_that_is_none_is_named(pixels: np.ndarray, fault: str) -> None:
    with pytest.raises(CutworkError, match=fault):
        verify_alpha(png(pixels))


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 32), st.integers(0, 31), st.integers(0, 31), st.integers(0, 3))
def test_painted_checkerboards_are_found_whatever_their_size_and_phase(square: int, dy: int, dx: int, noise: int) -> None:
    y, x = (np.mgrid[0:160, 0:200] + np.array([dy, dx])[:, None, None]) // square
    board = np.where((y + x) % 2, 204, 255)[..., None].repeat(3, -1) - np.random.default_rng(square).integers(0, noise + 1, (160, 200, 1))
    rgba = np.dstack([board, np.full((160, 200), 255)]).astype(np.uint8)
    rgba[50:110, 60:140, :3] = (200, 30, 30)  # the subject
    rgba[0, 0, 3] = 0  # so that alpha varies
    with pytest.raises(CutworkError, match="checkerboard"):
        verify_alpha(png(rgba))


def test_a_chess_board_that_is_the_subject_is_no_fake() -> None:
    rgba = np.zeros((160, 160, 4), np.uint8)
    rgba[30:130, 30:130, :3], rgba[30:130, 30:130, 3] = checkerboard(100, 100), 255
    assert not painted_checkerboard(rgba)


@pytest.mark.parametrize("image", [np.full((64, 64, 3), 230, np.uint8), np.random.default_rng(0).integers(200, 255, (64, 64, 1)).repeat(3, 2).astype(np.uint8)])
def test_plain_or_noisy_grey_is_no_checkerboard(image: np.ndarray) -> None:
    assert not painted_checkerboard(np.dstack([image, np.full((64, 64), 255, np.uint8)]))


# fakes


def test_blobs_in_memory_keep_what_they_are_given_once() -> None:
    blobs = MemoryBlobs()
    name = blobs.put(b"one")
    assert blobs.put(b"one") == name
    assert (blobs.get(name), name in blobs, len(blobs)) == (b"one", True, 1)
    with pytest.raises(StorageFailed, match="no blob"):
        blobs.get("0" * 64)


# who went elsewhere


MOVED = Box((0.3, 0.2, 0.78, 0.8))


def gone(noise: float, half: bool, nearer: bool = True) -> tuple[Shot, np.ndarray, tuple[Cutout, ...], Round, MemoryBlobs, np.ndarray]:
    """The rocket went to the left, onto the cat; of its new cut there is all or the right half. Last: where it is in truth."""
    blobs = MemoryBlobs()
    before = a_round(plan(), picture(), list(discs()), blobs)
    true = np.roll(discs()[1], round((MOVED.x0 - BOXES[1].x0) * SIDE), axis=1)
    image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    image[discs()[0]], image[true] = (230, 60, 40), (240, 220, 60)
    regions = (plan().regions[0].model_copy(update={"z": 1 - nearer}), plan().regions[1].model_copy(update={"box": MOVED, "z": int(nearer)}))
    after = plan().model_copy(update={"regions": regions})
    found = true & (np.arange(SIDE) > 75) if half else true
    cutouts = a_round(after, image, [discs()[0], found], blobs).cutouts
    area = np.where(true, level(noise), 0).astype(np.uint8)
    keep = Keep(image=blobs.put(png(image)), area=blobs.put(png(area)))
    return Shot(plan=after, seed=7, keep=keep), image, cutouts, before, blobs, true


def test_who_only_went_elsewhere_keeps_its_outline() -> None:
    """Both stand in one place now, so that the new cut gave half of the rocket away."""
    shot, image, cutouts, before, blobs, true = gone(0.4, half=True)
    cat, rocket = followed(shot, image, cutouts, before, blobs)
    assert cat == cutouts[0]
    mask = unpng(blobs.get(rocket.mask)) > 127
    assert (mask & true).sum() > 0.97 * (mask | true).sum()
    assert rocket.receipt.alpha == measure.tight_box(mask)
    assert rocket.receipt.attended == cutouts[1].receipt.attended
    assert (rgba_of(blobs, rocket.image)[mask & true][:, :3] == (240, 220, 60)).mean() > 0.95


def test_who_went_behind_another_is_not_seen_through_it() -> None:
    shot, image, cutouts, before, blobs, true = gone(0.4, half=True, nearer=False)
    cutouts = (before.cutouts[0], cutouts[1])
    mask = unpng(blobs.get(followed(shot, image, cutouts, before, blobs)[1].mask)) > 127
    assert not (mask & discs()[0]).any()
    assert (mask & true).sum() > 0.95 * (true & ~discs()[0]).sum()


def test_nobody_has_what_one_that_stayed_covers() -> None:
    """The cat was drawn anew behind the rocket that stayed, and its new cut took much of the rocket."""
    blobs, (cat, rocket) = MemoryBlobs(), discs()
    plan_ = plan().model_copy(update={"regions": tuple(r.model_copy(update={"z": z}) for z, r in enumerate(plan().regions))})
    before = a_round(plan_, picture(), [cat, rocket], blobs)
    y, x = np.mgrid[:SIDE, :SIDE]
    both = a_round(plan_, picture(), [cat | (np.hypot(x - 96, y - 64) < 24), cat], blobs).cutouts[0]  # and of what is around it
    keep = Keep(image=blobs.put(png(picture())), area=blobs.put(png(np.where(cat, 255, 0).astype(np.uint8))))
    mine, stayed = followed(Shot(plan=plan_, seed=7, keep=keep), picture(), (both, before.cutouts[1]), before, blobs)
    assert stayed == before.cutouts[1]
    assert ((unpng(blobs.get(mine.mask)) > 127) == cat).all()


@pytest.mark.parametrize(("noise", "half"), [(1.0, True), (0.4, False)])
def test_a_new_cut_stands_where_the_look_is_new_or_the_cut_is_good(noise: float, half: bool) -> None:
    shot, image, cutouts, before, blobs, _ = gone(noise, half)
    assert followed(shot, image, cutouts, before, blobs) == cutouts
    assert followed(shot.model_copy(update={"keep": None}), image, cutouts, before, blobs) == cutouts
