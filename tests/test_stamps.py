"""Art that no training sees: which stamps are used, and that a suite says when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from cutwork.lab import evaluate, evaluate_masks, stamps

SUBJECTS = {"zebra": [], "lion": [], "motorcycle": ["motorbike"], "cat": []}


def stamp(folder: Path, name: str, caption: str | None, side: int = 96) -> None:
    image = Image.new("RGBA", (side, side))
    ImageDraw.Draw(image).ellipse((side // 8, side // 4, side - side // 8, side - side // 4), fill="teal")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    image.save(folder / f"{name}.png")
    if caption is not None:
        (folder / f"{name}.txt").write_text(f"{caption}\nde.utf8=Ein Zebra.\n", "utf-8")


def test_stamps_are_those_whose_caption_is_a_known_subject_alone(tmp_path: Path) -> None:
    stamp(tmp_path, "animals/zebra", "A zebra.")
    stamp(tmp_path, "animals/sea_lion", "A sea lion.")
    stamp(tmp_path, "animals/tiny", "A cat.", side=40)
    stamp(tmp_path, "animals/untold", None)
    stamp(tmp_path, "vehicles/bike", "Motorbike!")
    assert [(item.noun, item.path.stem) for item in stamps.load(SUBJECTS, tmp_path)] == [("zebra", "zebra"), ("motorcycle", "bike")]
    assert stamps.load(SUBJECTS, tmp_path / "nowhere") == ()


def test_another_set_has_another_digest(tmp_path: Path) -> None:
    for name in ("a", "b"):
        stamp(tmp_path, name, "A zebra.")
    one, both = stamps.load(SUBJECTS, tmp_path)[:1], stamps.load(SUBJECTS, tmp_path)
    before = stamps.digest(both)
    assert len({before, stamps.digest(one), stamps.digest(())}) == 3
    stamp(tmp_path, "a", "A zebra.", side=97)
    assert stamps.digest(both) != before


def test_a_suite_without_stamps_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_masks.stamps, "load", lambda _: ())
    monkeypatch.setattr(evaluate_masks, "remover", type("Without", (), {"load": staticmethod(lambda: None)}))
    report = evaluate_masks.run(1, parts=("unseen",), kept=tmp_path)
    assert report.figures == ()
    assert "apt-get install tuxpaint-stamps-default" in report.notes[0]
    assert "unseen: not measured" in evaluate.table(report)
