"""Other goods of a finished drawing: what is wished, what is kept, and that nothing is drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_design, a_plan, a_round
from PIL import Image

from cutwork.domain import Design, FinishSettings
from cutwork.errors import BadInput
from cutwork.graphs.fakes import FakeDrawing
from cutwork.refinish import changed, meant, record, wishes
from cutwork.storage.blobs import FileBlobs
from cutwork.studio import Studio, make_brief
from cutwork.tools.formats.contact import sheet
from cutwork.variants import draw


@pytest.fixture
def studio(home: Path) -> Studio:
    made = Studio(home=home, llm="offline", steps=2, rounds=1)
    made.wired.__dict__["drawing"] = FakeDrawing(made.wired.blobs, model="mini")
    return made


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def drawn(studio: Studio) -> Design:
    return studio.design("a cat and a rocket on a purple background", seed=7)


def drawings(studio: Studio) -> int:
    drawing = studio.wired.drawing
    assert isinstance(drawing, FakeDrawing)
    return len(drawing.renders)


@pytest.mark.parametrize(
    ("said", "kind", "read"),
    [
        (["repeat=ogee"], "textile", {"textile": {"repeat": "ogee"}}),
        (["dpi=300", "sticker.preset=whatsapp"], "textile", {"textile": {"dpi": "300"}, "sticker": {"preset": "whatsapp"}}),
        (["preset=print"], "meme", {"sticker": {"preset": "print"}}),  # only stickers have it
        (["colour=red"], "sticker", {"sticker": {"colour": "red"}}),
        (["colour=red"], "meme", {"meme": {"colour": "red"}}),  # both have it: the kind's own is meant
        (["sheet_cm=100x150"], "textile", {"textile": {"sheet_cm": ("100", "150")}}),
        (["colours=none"], "textile", {"textile": {"colours": None}}),
    ],
)
def test_assignments_are_read_for_the_kind_they_are_of(said: list[str], kind: str, read: object) -> None:
    assert wishes(said, kind) == read
    changed(FinishSettings(), settings=wishes(said, kind))  # and are values of their settings


@pytest.mark.parametrize(("said", "fault"), [("repeat", "is not NAME=VALUE"), ("plaid=1", "there is no setting 'plaid'"), ("loom.dpi=3", "there is no setting 'loom.dpi'")])
def test_what_is_no_setting_is_refused(said: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        wishes([said], "textile")


@pytest.mark.parametrize("said", ["dpi=0", "repeat=plaid", "colours=1", "colours=300", "width_cm=-3", "width_cm=nan"])
def test_a_value_that_cannot_be_is_named(said: str) -> None:
    for refused in (lambda: changed(FinishSettings(), settings=wishes([said], "textile")), lambda: make_brief("a cat", wishes=wishes([said], "textile"))):
        with pytest.raises(BadInput, match=said.split("=")[0]):
            refused()


def test_what_is_not_named_stays() -> None:
    before = changed(FinishSettings(), "textile", ["teal"], {"textile": {"repeat": "ogee", "dpi": 300}})
    after = changed(before, settings={"textile": {"dpi": 150}})
    assert (after.kind, after.palette, after.textile.repeat, after.textile.dpi) == ("textile", ("teal",), "ogee", 150)


@pytest.mark.parametrize(
    ("before", "said", "given", "kind"),
    [
        ("cutout", None, {"captions": ["HI"]}, "meme"),
        ("textile", None, {"captions": ["", "HI"]}, "meme"),
        ("sticker", None, {"captions": []}, "sticker"),  # lettering that is taken away
        ("cutout", None, {"palette": ["red", "navy"]}, "textile"),
        ("cutout", None, {"settings": {"sticker": {"preset": "print"}}}, "sticker"),
        ("textile", None, {"settings": {"sticker": {}, "meme": {}}}, "textile"),  # of two kinds: neither is meant
        ("textile", "sticker", {"settings": {"textile": {"dpi": 300}}}, "sticker"),  # said is said
        ("meme", None, {}, "meme"),
    ],
)
def test_what_is_given_says_which_goods_are_meant(before: str, said: str | None, given: dict[str, Any], kind: str) -> None:
    assert meant(before, said, **given) == kind  # type: ignore[arg-type]


def test_goods_are_made_of_what_they_are_given_for(studio: Studio, drawn: Design) -> None:
    assert studio.refinish(drawn.id, settings={"sticker": {"preset": "telegram"}}).kind == "sticker"
    assert studio.refinish(drawn.id, captions=["MONDAY"]).kind == "meme"


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"kind": "poster"}, "no kind 'poster'; there are cutout, sticker, meme, textile"),
        ({"kind": "textile", "captions": ["HELLO"]}, "only a meme has lettering, not a textile"),
        ({"words": "half-drop, 10 cm", "captions": ["HELLO"]}, "only a meme has lettering, not a textile"),
        ({"kind": "meme", "palette": ["red", "navy"]}, "only a textile is kept to a palette, not a meme"),
    ],
)
def test_wishes_that_contradict_are_refused_and_nothing_is_lost(studio: Studio, drawn: Design, asked: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        studio.refinish(drawn.id, **asked)
    assert [run.id for run in studio.runs()] == [drawn.id]


@pytest.mark.slow
def test_what_words_ask_for_and_is_not_done_is_said(studio: Studio, drawn: Design) -> None:
    assert drawn.notes == ()
    made = studio.refinish(drawn.id, "tossed, half-drop, 6 cm, 72 dpi")
    assert made.notes == ("half-drop and tossed cannot both be; half-drop was taken",)
    for words, kind in (("purple elephants", None), ("purple elephants", "textile")):
        (note,) = studio.refinish(drawn.id, words, kind=kind).notes  # type: ignore[arg-type]
        assert note.startswith("nothing in 'purple elephants' says what goods to make")
    assert studio.refinish(drawn.id, "a textile").notes == ()


def test_labels_are_read_from_words(studio: Studio, drawn: Design) -> None:
    made = studio.refinish(drawn.id, 'meme, label the cat "me" and the rocket "monday"')
    assert [(band.subject, band.text) for band in made.plan.bands] == [("cat", "me"), ("rocket", "monday")]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "poster"}, "kind should be 'cutout', 'sticker', 'meme' or 'textile', got 'poster'"),
        ({"wishes": {"textile": {"dpi": "0"}}}, "textile.dpi should be greater than or equal to 36, got '0'"),
        ({"captions": ["monday " * 700]}, "captions.0 has 4,900 characters, at most 200 are possible: 'monday"),
    ],
)
def test_what_cannot_be_is_said_in_plain_words(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        make_brief("a cat", **asked)
    assert str(refused.value).startswith(says)


def test_a_run_that_delivered_nothing_has_nothing_to_finish() -> None:
    with pytest.raises(BadInput, match="no finished round"):
        record(a_design(), lambda plan: plan)


def test_other_goods_are_a_run_of_their_own_and_draw_nothing(studio: Studio, drawn: Design, tmp_path: Path) -> None:
    count = drawings(studio)
    for kind in ("sticker", "textile", "meme", "cutout"):
        made = studio.refinish(drawn.id, kind=kind)  # type: ignore[arg-type]
        assert (made.kind, made.parent, made.status) == (kind, drawn.id, drawn.status)
        assert studio.show(made.id) == made
        data = studio.deliver(made, tmp_path / kind)
        assert (data["kind"], data["parent"]) == (kind, drawn.id)
        assert all(Path(a["path"]).is_file() for a in data["artifacts"])
    assert drawings(studio) == count
    assert studio.show(drawn.id) == drawn


def test_the_same_wish_gives_the_same_bytes(studio: Studio, drawn: Design) -> None:
    first, second = (studio.refinish(drawn.id, "tossed repeat in 4 colours, 10 cm, 72 dpi") for _ in range(2))
    assert (first.goods.textile.repeat, first.goods.textile.width_cm, first.goods.textile.dpi) == ("tossed", 10, 72)
    assert [(a.name, a.sha256) for a in first.artifacts] == [(a.name, a.sha256) for a in second.artifacts]


def test_new_lettering_is_another_picture_of_the_same_drawing(studio: Studio, drawn: Design) -> None:
    count = drawings(studio)
    first = studio.refinish(drawn.id, kind="meme", captions=["MONDAY", "again"])
    second = studio.refinish(first.id, captions=["TUESDAY"])
    assert [band.text for band in first.plan.bands] == ["MONDAY", "again"]  # type: ignore[union-attr]
    assert [band.text for band in second.plan.bands] == ["TUESDAY"]  # type: ignore[union-attr]
    named = [{a.name: a.sha256 for a in design.artifacts} for design in (first, second)]
    assert named[0]["meme.png"] != named[1]["meme.png"]
    assert first.delivered.render == second.delivered.render  # type: ignore[union-attr]
    assert drawings(studio) == count


def test_a_repeated_wish_on_another_machine_is_drawn_as_that(studio: Studio, drawn: Design, tmp_path: Path) -> None:
    made = studio.refinish(drawn.id, kind="sticker")
    data = studio.deliver(made, tmp_path)
    again = studio.rerun(data["image"])
    assert again.kind == "sticker"


def test_variants_are_ranked_and_shown_together(studio: Studio, tmp_path: Path) -> None:
    worse = {12: 0.2}
    drawing = studio.wired.drawing
    assert isinstance(drawing, FakeDrawing)
    drawing.quality = lambda shot, region: worse.get(shot.seed, 1.0)
    made = draw(studio, make_brief("a cat", seed=11), 4, lambda kind, data: None, lambda: False)
    assert sorted(design.seed for design in made.designs) == [11, 12, 13, 14]
    assert made.designs[-1].seed == 12
    rows = made.deliver(studio, tmp_path)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["score"] >= rows[-1]["score"]
    assert (tmp_path / "image.png").is_file()
    assert (tmp_path / "variants" / "04-seed-12" / "image.png").is_file()
    assert json.dumps(rows)
    with Image.open(tmp_path / made.CONTACT) as picture:
        assert picture.width > 2 * 256
        assert picture.height > 2 * 256


def test_seeds_past_the_last_are_refused(studio: Studio) -> None:
    with pytest.raises(BadInput, match="go past"):
        draw(studio, make_brief("a cat", seed=2**63 - 2), 3, lambda kind, data: None, lambda: False)


def test_a_contact_sheet_shows_each_design_at_its_place(blobs: FileBlobs) -> None:
    plan = a_plan()
    designs = []
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)):
        image = np.full((96, 64, 3), colour, np.uint8)
        masks = [np.ones((96, 64), bool)] * 2
        turn = a_round(plan, image, masks, blobs)
        shown = {"kind": "image", "sha256": turn.render.image, "media_type": "image/png", "name": "image.png"}
        designs.append(a_design(turn, artifacts=(shown,)))
    pixels = np.array(Image.open(io.BytesIO(sheet(designs, blobs))))
    middles = [pixels[12 + 128, 12 + 128], pixels[12 + 128, 2 * 12 + 256 + 128], pixels[2 * 12 + 256 + 22 + 128, 12 + 128]]
    assert [tuple(middle) for middle in middles] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    with pytest.raises(BadInput, match="no designs"):
        sheet([], blobs)
    with pytest.raises(BadInput, match="no picture"):
        sheet([a_design()], blobs)
