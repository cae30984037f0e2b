"""What cannot be made is refused before anything is drawn or kept: by `design`, by a line of a batch, and by `finish`. And briefs of all kinds in one file."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cutwork import cli
from cutwork.batch import run_batch
from cutwork.cli_goods import wished
from cutwork.domain import Artifact, Brief, Design
from cutwork.errors import BadInput
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio, make_brief
from cutwork.tools.finish import finish

BRIEFS = Path(__file__).resolve().parent.parent / "docs" / "briefs.csv"


class Finishing(FakeDrawing):
    """Ellipses for pictures, true goods of them."""

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        return finish(design, self.blobs)


@pytest.fixture
def studio(home: Path) -> Studio:
    made = Studio(home=home, llm="offline", model="mini", steps=2, rounds=1)
    made.wired.__dict__["drawing"] = Finishing(made.wired.blobs, model="mini")
    return made


def drawings(studio: Studio) -> int:
    drawing = studio.wired.drawing
    assert isinstance(drawing, FakeDrawing)
    return len(drawing.renders)


MANY = [f"#{n:06x}" for n in range(33)]
IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"text": "a bee", "kind": "textile", "palette": ["navy"]}, "palette of one colour"),
    ({"text": "a bee", "kind": "textile", "palette": ["Navy", "#000080"]}, "palette of one colour"),
    ({"text": "a bee", "kind": "textile", "palette": MANY}, "33 entries, at most 32"),
    ({"text": "a bee", "kind": "textile", "palette": ["navy", "blurple"]}, "no colour 'blurple'"),
    ({"text": "pattern of bees, palette: navy"}, "palette of one colour"),
    ({"text": "pattern of bees, 5000 dpi"}, "5000 dpi"),
    ({"text": "pattern of bees, 0 dpi"}, "0 dpi"),
    ({"text": "pattern of bees, half-drop, 400 cm, 1200 dpi"}, "at most 120,000,000"),
    ({"text": "pattern of bees, 300 colours"}, "300 colours"),
    ({"text": "a bee", "wishes": {"textile": {"dpi": 0}}}, "dpi"),
    ({"text": "a bee", "wishes": {"textile": {"width_cm": 0.1, "dpi": 36}}}, "pixels wide, wanted 32"),
    ({"text": "a bee", "wishes": {"textile": {"ground": "blurple"}}}, "no colour 'blurple'"),
    ({"text": "a bee", "wishes": {"textile": {"sheet_cm": (9_000, 9_000)}}}, "a sheet of 9000 x 9000 cm"),
    ({"text": "a lemon on a teal background as a half-drop repeat with motifs of 30 cm"}, "motifs of 30 cm with gaps of 4 mm do not fit a half-drop repeat of 16 cm"),
    ({"text": "a bee as a tossed textile", "wishes": {"textile": {"motif_cm": 80}}}, "do not fit a tossed repeat"),
    ({"text": "a bee", "wishes": {"textile": {"repeat": "mirror", "motif_cm": 20}}}, "do not fit a mirror repeat"),
    ({"text": "a bee", "kind": "textile", "wishes": {"textile": {"gap_mm": 200}}}, "motifs with gaps of 200 mm do not fit"),
    ({"text": "a bee as a tossed textile", "wishes": {"textile": {"gap_mm": 200}}}, "gaps of 200 mm do not fit a tossed"),
    ({"text": "meme: a bee", "wishes": {"meme": {"font": "impact"}}}, "no font 'impact'; there are anton"),
    ({"text": "meme: a bee", "wishes": {"meme": {"stroke": "blurple"}}}, "no colour 'blurple'"),
    ({"text": "a bee", "kind": "meme", "captions": ["x" * 5_000]}, "captions.0"),
    ({"text": "sticker of a bee", "wishes": {"sticker": {"colour": "#ffffff80"}}}, "not opaque"),
    ({"text": "sticker of a bee", "wishes": {"sticker": {"preset": "print", "outline": 30, "size_mm": 50}}}, "leaves no room"),
    ({"text": "sticker of a bee", "wishes": {"sticker": {"preset": "print", "size_mm": 5}}}, "2 mm around 5 mm leaves no room"),
    ({"text": "textile of bees", "palette": [f"#0000{n:02x}" for n in range(32)], "wishes": {"textile": {"ground": "white"}}}, "33 spot colours asked for"),
]


@pytest.mark.parametrize(("asked", "fault"), IMPOSSIBLE)
def test_a_design_of_what_cannot_be_is_refused_before_it_is_begun(studio: Studio, asked: dict[str, Any], fault: str) -> None:
    for ask in (studio.design, studio.plan):
        with pytest.raises(BadInput, match=fault):
            ask(make_brief(**asked))
    assert (drawings(studio), len(studio.runs())) == (0, 0)


def test_what_can_be_is_not_refused(studio: Studio) -> None:
    for text in ("pattern of bees on cream, palette: navy", "pattern of bees in 2 colours", "a bee, 5000 dpi", "sticker of a bee with a gold border"):
        studio.plan(text)
    assert studio.plan(Brief(text="pattern of bees", palette=tuple(MANY[:32]))).finish.palette == tuple(MANY[:32])


@pytest.mark.parametrize(
    ("wishes", "fault"),
    [({"repeat": "straight", "motif_cm": 15}, "3 motifs of 15 cm with"), ({"repeat": "ogee", "width_cm": 100, "dpi": 230}, "at most 120,000,000"), ({"gap_mm": 90}, "3 motifs with gaps of 90 mm")],
)
def test_goods_that_so_many_subjects_have_no_room_in_are_refused_before_anything_is_drawn(studio: Studio, wishes: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        studio.design(Brief(text="a cat, a rocket and a star on a teal background", wishes={"textile": wishes}, kind="textile"))
    assert drawings(studio) == 0


def test_of_a_drawing_whose_goods_cannot_be_made_the_cutouts_are_delivered_and_other_goods_can_be_made(studio: Studio, tmp_path: Path) -> None:
    design = studio.design("a lemon on a teal background as a half-drop repeat with motifs of 20 cm", seed=3)
    assert (design.status, design.best, drawings(studio)) == ("best_effort", 1, 1)
    assert "cutouts/01-lemon.png" in [a.name for a in design.artifacts]
    note = next(note for note in design.notes if note.startswith("Not made: the textile, since motifs of"))
    assert note in json.loads(studio.wired.blobs.get(next(a.sha256 for a in design.artifacts if a.kind == "manifest")))["notes"]
    assert design.kind == "textile", "what is wished next is wished of the textile"
    made = studio.refinish(design.id, "motifs of 3 cm")
    assert "tile.png" in [a.name for a in made.artifacts]
    assert note not in made.notes
    assert made.status == "accepted", "as the drawing was"
    assert studio.rerun(design.id).notes.count(note) == 1
    assert drawings(studio) == 2


def test_a_line_of_a_batch_that_cannot_be_costs_that_line_and_draws_nothing(studio: Studio, tmp_path: Path) -> None:
    lines = []
    for asked, _ in IMPOSSIBLE:
        given = {"brief": asked["text"], **{k: asked[k] for k in ("kind", "palette", "captions") if k in asked}}
        wishes = [f"{kind}.{name}={'x'.join(map(str, value)) if isinstance(value, tuple) else value}" for kind, named in asked.get("wishes", {}).items() for name, value in named.items()]
        lines.append(json.dumps(given | ({"set": wishes} if wishes else {})))
    source = tmp_path / "briefs.jsonl"
    source.write_text("\n".join([*lines, '"a bee"']))
    summary = run_batch(source, tmp_path / "out", studio)
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert (summary["failed"], summary["done"], drawings(studio)) == (len(IMPOSSIBLE), 1, 1)
    for row, (_, fault) in zip(rows, IMPOSSIBLE, strict=False):
        assert fault in row["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"kind": "textile", "palette": ["navy"]}, "palette of one colour"),
        ({"kind": "textile", "palette": MANY}, "33 entries"),
        ({"kind": "textile", "palette": ["blurple", "navy"]}, "no colour"),
        ({"words": "half-drop, 0 dpi"}, "dpi"),
        ({"kind": "meme", "settings": {"meme": {"font": "impact"}}}, "no font"),
        ({"kind": "meme", "captions": ["x" * 5_000]}, "5,000 characters"),
        ({"kind": "meme", "captions": ["x"] * 9}, "9 captions, at most 8"),
        ({"kind": "meme", "captions": ["x" * 5_000], "settings": {"meme": {"layout": "panels"}}}, "5,000 characters"),
    ],
)
def test_other_goods_that_cannot_be_are_refused_and_nothing_is_lost(studio: Studio, asked: dict[str, Any], fault: str) -> None:
    drawn = studio.design("a bee on a teal background", seed=1)
    with pytest.raises(BadInput, match=fault):
        studio.refinish(drawn.id, **asked)
    assert studio.show(drawn.id) == drawn
    assert (len(studio.runs()), drawings(studio)) == (1, 1)


@pytest.mark.parametrize("wanted", ["design", "finish"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_made(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    drawn = studio.design("a bee on a teal background", seed=1)
    taken = tmp_path / "taken"
    taken.write_text("a file")
    monkeypatch.setattr("cutwork.options.studio_of", lambda **flags: studio)
    monkeypatch.setattr("cutwork.cli.studio_of", lambda **flags: studio)
    monkeypatch.setattr("cutwork.cli_goods.studio_of", lambda **flags: studio)
    monkeypatch.setattr(sys, "argv", ["cutwork", wanted, "a bee" if wanted == "design" else drawn.id, "--out", str(taken)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "is a file, wanted a folder" in capsys.readouterr().err
    assert (len(studio.runs()), drawings(studio), taken.read_text()) == (1, 1, "a file")


def test_colourways_can_be_asked_for_by_a_flag(studio: Studio) -> None:
    assert wished(None, None) is None
    assert wished(["repeat=ogee"], "textile", 2) == {"textile": {"repeat": "ogee", "colourways": "2"}}
    brief = make_brief("a bee", wishes=wished(["dpi=72", "width_cm=4"], None, 2))
    made = studio.design(brief, seed=1)
    assert (made.kind, made.goods.textile.colourways) == ("textile", 2)
    assert sum(one.kind == "colourway" for one in made.artifacts) == 2
    again = studio.refinish(made.id, settings=wished(None, made.kind, 3))
    assert sum(one.kind == "colourway" for one in again.artifacts) == 3


@pytest.mark.slow
def test_the_example_of_mixed_briefs_delivers_a_folder_for_each(studio: Studio, tmp_path: Path) -> None:
    """The file that the README names: memes, textiles and stickers, by words, by columns and by settings."""
    summary = run_batch(BRIEFS, tmp_path / "out", studio)
    with BRIEFS.open(newline="", encoding="utf-8") as file:
        count = len(list(csv.DictReader(file)))
    assert (summary["done"], summary["failed"], summary["unsatisfied"]) == (count, 0, 0), (tmp_path / "out" / "results.jsonl").read_text()
    folders = sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert len(folders) == count
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} for folder in folders]
    assert all("manifest.json" in one for one in names)
    assert [("meme.png" in one, "tile.png" in one, any(name.startswith("stickers/") for name in one)) for one in names] == [
        (True, False, False), (True, False, False), (False, True, False), (False, True, False), (False, False, True), (False, False, True),
    ]  # fmt: skip
    assert 2 <= len([name for name in names[2] if name.startswith("plates/")]) <= 5  # ellipses have few colours
    assert {"colourways/01/tile.png", "colourways/02/tile.png"} <= names[3]
    with Image.open(folders[3] / "tile.png") as tile:
        assert round(tile.info["dpi"][0]) == 72
    assert "stickers/contents.json" in names[4]
    assert any(name.endswith(".pdf") for name in names[5])
