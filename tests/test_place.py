"""Free masks of regions: what is read, what is refused, and that a mask stands for a box wherever a box stood."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import HASH, a_plan, grey_png, png, unpng
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cutwork.domain import Box, Plan, Receipt
from cutwork.errors import BadInput
from cutwork.tools.attended import attended, cells
from cutwork.tools.cut import cut
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.masks import measure
from cutwork.tools.masks.place import Place, boxes, places
from cutwork.tools.masks.prior import outside
from cutwork.tools.record_file import Record

HEIGHT, WIDTH = 64, 96
LOWER = np.zeros((HEIGHT, WIDTH), bool)
LOWER[32:, 8:40] = True


def planned(mask: bytes | None, blobs: MemoryBlobs) -> Plan:
    return a_plan("a cat", size=(WIDTH, HEIGHT), masks=(HASH if mask is None else blobs.put(mask),))


def bilevel(mask: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(mask).save(out, "PNG")
    return out.getvalue()


def test_a_region_stands_in_its_mask_where_it_has_one() -> None:
    blobs = MemoryBlobs()
    plan = a_plan(size=(WIDTH, HEIGHT), masks=(blobs.put(grey_png(LOWER)), None))
    masked, boxed = places(plan, blobs)
    assert masked.mask is not None
    assert np.array_equal(masked.mask, LOWER)
    assert masked.box == measure.tight_box(LOWER)
    assert masked.area == pytest.approx(LOWER.mean())
    assert (boxed.box, boxed.mask, boxed.area) == (plan.regions[1].box, None, plan.regions[1].box.area)
    assert [place.mask for place in boxes(plan.regions)] == [None, None]


def test_black_and_white_will_do_and_grey_counts_above_its_middle() -> None:
    blobs = MemoryBlobs()
    grey = np.where(LOWER, 128, 127).astype(np.uint8)
    for data in (bilevel(LOWER), png(grey)):
        (place,) = places(planned(data, blobs), blobs)
        assert np.array_equal(place.mask, LOWER)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (None, f"is not there: no blob {HASH}"),
        (b"hello", "is no readable PNG"),
        (b"", "is no readable PNG"),
        (grey_png(LOWER)[:90], "is no readable PNG"),
        (grey_png(LOWER.T), "has 64x96 pixels of mode L, wanted 96x64 of 8-bit grey"),
        (png(np.zeros((HEIGHT, WIDTH, 3), np.uint8)), "has 96x64 pixels of mode RGB, wanted 96x64 of 8-bit grey"),
        (png(np.zeros((HEIGHT, WIDTH, 4), np.uint8)), "has 96x64 pixels of mode RGBA, wanted"),
        (png(np.zeros((HEIGHT, WIDTH), np.uint16)), "has 96x64 pixels of mode I;16, wanted"),
        (png(np.full((HEIGHT, WIDTH), 127, np.uint8)), "marks nothing: no pixel of it is above 127"),
    ],
    ids=["not there", "text", "nothing", "cut off", "turned", "RGB", "RGBA", "16 bits", "empty"],
)
def test_a_mask_that_cannot_be_used_is_named_with_its_region(data: bytes | None, fault: str) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match=rf"the mask of region 1 \(cat\) {fault}"):
        places(planned(data, blobs), blobs)


corner = st.integers(0, 7)


@settings(max_examples=60, deadline=None)
@given(corner, corner, corner, corner, st.sampled_from([(5, 5), (10, 3), (7, 6)]))
def test_a_mask_painted_as_a_box_is_the_box(a: int, b: int, c: int, d: int, grid: tuple[int, int]) -> None:
    """Cells, also where they cut pixels, attention, containment and the widened outside, on a canvas where boxes fall on pixels."""
    rows, columns = grid
    box = Box((min(a, c) / 8, min(b, d) / 8, (max(a, c) + 1) / 8, (max(b, d) + 1) / 8))
    x0, y0, x1, y1 = box.pixels(80, 160)
    mask = np.zeros((160, 80), bool)
    mask[y0:y1, x0:x1] = True
    free, plain = Place(box, mask), Place(box)
    assert np.allclose(cells(free, rows, columns), cells(plain, rows, columns))
    maps = np.random.default_rng(a + 8 * b).random((2, rows, columns))
    whole = Place(Box((0, 0, 1, 1)))
    assert attended(maps, [free, whole]) == attended(maps, [plain, whole])
    other = np.random.default_rng(c).random((160, 80)) < 0.3
    assert free.contained(other) == pytest.approx(plain.contained(other))
    assert np.array_equal(outside(free, 160, 80), outside(plain, 160, 80))


def test_nothing_is_contained_of_an_empty_mask() -> None:
    assert Place(Box((0, 0, 1, 1)), LOWER).contained(np.zeros_like(LOWER)) == 0.0


def test_attention_in_a_masks_notch_is_outside() -> None:
    mask = np.ones((64, 64), bool)
    mask[:32, 32:] = False  # the upper right quarter is no part of it
    maps = np.zeros((1, 4, 4))
    maps[0, 0, 0] = maps[0, 0, 3] = 1
    (seen,) = attended(maps, [Place(Box((0, 0, 1, 1)), mask)])
    assert (seen.inside, seen.lift) == (0.5, round(0.5 / 0.75, 4))


def test_outside_a_mask_follows_its_shape() -> None:
    mask = np.zeros((100, 100), bool)
    mask[:, :20] = mask[80:] = True
    off = outside(Place(Box((0, 0, 1, 1)), mask), 100, 100, margin=0.1)
    assert off[:70, 30:].all()
    assert not off[:, :30].any()
    assert not off[70:].any()


def test_masks_of_another_canvas_are_refused() -> None:
    place = Place(Box((0, 0, 1, 1)), LOWER)
    with pytest.raises(ValueError, match=r"mask is \(64, 96\), the canvas \(64, 64\)"):
        outside(place, 64, 64)


def test_a_cut_stays_near_its_mask_and_is_measured_against_it() -> None:
    """Two discs answer one keyword, in one box; the mask, an L around the second, says which is meant."""
    side = 128
    y, x = np.mgrid[0:side, 0:side]
    wrong, right = (np.hypot(y - cy, x - cx) < 18 for cy, cx in ((36, 92), (92, 36)))
    image = np.full((side, side, 3), (40, 60, 90), np.uint8)
    image[wrong | right] = (230, 60, 40)
    maps = (wrong | right).reshape(8, 16, 8, 16).mean((1, 3)).astype(np.float16)[None, None].repeat(3, 0)
    mask = np.zeros((side, side), bool)
    mask[:, :24] = mask[84:] = True
    blobs = MemoryBlobs()
    record = Record(maps, np.arange(3), np.arange(3))
    whole = Box((0, 0, 1, 1))

    def found(sha256: str | None) -> tuple[np.ndarray, Receipt]:
        plan = a_plan("a cat", boxes=[whole], masks=[sha256], size=(side, side))
        (cutout,) = cut(plan, image, record, (), blobs)
        return unpng(blobs.get(cutout.mask)) > 127, cutout.receipt

    alpha, receipt = found(blobs.put(grey_png(mask)))
    assert measure.iou(alpha, right) > 0.9
    assert measure.iou(found(None)[0], wrong | right) > 0.9
    assert receipt.planned == measure.tight_box(mask)
    assert receipt.contained == pytest.approx((alpha & mask).sum() / alpha.sum(), abs=1e-4)
    assert receipt.contained < 1
    assert receipt.fill == pytest.approx(alpha.mean() / mask.mean(), abs=1e-4)
    assert receipt.attended.lift == pytest.approx(receipt.attended.inside / mask.mean(), abs=1e-3)
