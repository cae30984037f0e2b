"""Drawings that begin from a picture: how near they stay to it, and that every way to a drawing begins from it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from builders import png, tiny_flux
from PIL import Image

from cutwork.domain import FOLLOW, Brief, Call, Critique, Design, Keep, Replan, Reseed, Shot
from cutwork.errors import BadInput
from cutwork.graphs.fakes import FakeDrawing
from cutwork.options import Follow
from cutwork.sessions import Sessions
from cutwork.studio import Studio, make_brief
from cutwork.tools.fakes import MemoryBlobs
from cutwork.tools.formats.png import read_manifest, write
from cutwork.tools.keep.held import held
from cutwork.tools.keep.reference import begun_from, filling
from cutwork.tools.keep.start import start_of
from cutwork.tools.pixels import decode
from cutwork.variants import draw

BRIEF = "a cat and a rocket on a purple background"


class Killed(BaseException):
    """What kill -9 is to a process."""


def gradient(width: int, height: int) -> np.ndarray:
    """(H, W, 3): red from left to right, blue from below."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / (width - 1), np.full_like(x, 120), 255 * (1 - y / (height - 1))], -1).astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A picture wider than the canvas."""
    path = tmp_path / "picture.png"
    path.write_bytes(png(gradient(150, 100)))
    return path


def studio(home: Path, quality: Callable[[Shot, int], float] = lambda shot, region: 1.0, **settings: Any) -> tuple[Studio, FakeDrawing]:
    made = Studio(home=home, **{"llm": "offline", "steps": 2, **settings})
    fake = FakeDrawing(made.wired.blobs, quality, model=made.settings.model)
    made.wired.__dict__["drawing"] = fake
    return made, fake


def begun(made: Studio, file: Path, follow: float = FOLLOW, size: tuple[int, int] = (64, 64)) -> Keep:
    """What drawings of a studio are to begin from."""
    return begun_from(made.take(file), follow, size, made.wired.blobs)


# the picture on the canvas


@pytest.mark.parametrize(("source", "canvas"), [((150, 100), (64, 64)), ((100, 150), (128, 64)), ((64, 64), (64, 64)), ((16, 16), (256, 128))])
def test_it_fills_the_canvas_in_its_own_proportions_and_what_overhangs_is_cut_off_alike(source: tuple[int, int], canvas: tuple[int, int]) -> None:
    shown = filling(png(gradient(*source)), canvas)
    assert shown.shape == (canvas[1], canvas[0], 3)
    scale = max(canvas[0] / source[0], canvas[1] / source[1])
    for channel, axis in ((0, 1), (2, 0)):  # the gradient is cut where the middle of the picture is left
        line = shown[..., channel].mean(1 - axis)
        seen = min(1.0, canvas[1 - axis] / (source[1 - axis] * scale))
        assert float(line.mean()) == pytest.approx(127.5, abs=3)
        assert float(np.ptp(line)) == pytest.approx(255 * seen, abs=16)


def test_it_is_upright_and_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    out = io.BytesIO()
    Image.fromarray(gradient(64, 64)).save(out, "JPEG", quality=95, exif=exif.tobytes())
    assert np.abs(filling(out.getvalue(), (64, 64)).astype(int) - gradient(64, 64)[::-1, ::-1]).mean() < 4
    clear = np.dstack([gradient(64, 64), np.zeros((64, 64), np.uint8)])
    clear[:, :32, 3] = 255
    shown = filling(png(clear), (64, 64))
    assert (shown[:, 40:] == 255).all()
    assert (shown[:, :24] == gradient(64, 64)[:, :24]).all()
    assert filling(png(np.full((20, 30), 77, np.uint8)), (64, 64)).mean() == 77


def test_what_is_not_there_or_no_picture_is_refused() -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BadInput, match=f"reference picture is not there: no blob {'0' * 64}"):
        begun_from("0" * 64, 0.5, (64, 64), blobs)
    for data in (b"no picture", png(gradient(64, 64))[:100], b""):
        with pytest.raises(BadInput, match="the reference is no readable picture"):
            begun_from(blobs.put(data), 0.5, (64, 64), blobs)


def test_all_of_it_is_let_go_at_one_level() -> None:
    blobs, family = MemoryBlobs(), tiny_flux()
    picture = blobs.put(png(gradient(150, 100)))
    assert begun_from(picture, 0.6, (64, 64), blobs) == begun_from(picture, 0.6, (64, 64), blobs)
    for noise in (0.1, 0.6, 0.95):
        level = held(start_of(begun_from(picture, noise, (64, 64), blobs), (64, 64), blobs), family, (64, 64)).level
        assert level.min() == level.max() == pytest.approx(noise, abs=0.005)


# the model


@pytest.mark.slow
def test_little_noise_stays_near_the_picture_and_much_is_nearly_the_drawing_without_it(home: Path, file: Path) -> None:
    made = Studio(home=home, llm="offline", model="mini", steps=12, rounds=1)

    def drawn(follow: float | None) -> tuple[Design, np.ndarray]:
        design = made.design("a cat on a yellow background", seed=3, size="96x96", reference=None if follow is None else file, follow=follow)
        assert design.delivered is not None
        return design, decode(made.wired.blobs.get(design.delivered.render.image), "RGB").astype(int)

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.abs(one - other).mean())

    reference, (without, free) = filling(file.read_bytes(), (96, 96)).astype(int), drawn(None)
    (low, near), (middle, half), (high, far) = drawn(0.2), drawn(FOLLOW), drawn(0.95)
    assert apart(near, reference) < 12 < apart(half, reference) < apart(free, reference)
    assert apart(far, free) < apart(half, free) < apart(near, free)
    assert apart(far, free) < 0.3 * apart(reference, free)
    steps = [design.delivered.render.steps for design in (low, middle, high, without) if design.delivered]
    assert steps == sorted(steps)
    assert steps[0] < steps[-1]
    assert low.notes[-1] == "began from the given picture, at 20 % noise"
    assert not any("reference" in note for note in without.notes)


# every way to a drawing


def test_every_round_begins_from_it_whatever_was_repaired(home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repairs = iter([Reseed(seed=99), Replan(reason="the cat is missing"), Reseed(seed=100)])
    said = (Critique(score=0.1, verdict="repair", repairs=(repair,)) for repair in repairs)
    monkeypatch.setattr("cutwork.graphs.design.criticise", lambda *args, **kwargs: next(said, Critique(score=0.9, verdict="accept")))
    made, fake = studio(home, rounds=4)
    design = made.design(BRIEF, seed=7, size="64x64", reference=file, follow=0.55)
    assert [shot.seed for shot in fake.renders] == [7, 99, 99, 100]
    assert [shot.keep for shot in fake.renders] == [begun(made, file, 0.55)] * 4
    assert [turn.shot for turn in made.show(design.id).rounds] == fake.renders
    assert all(turn.render.notes == ("began from the given picture, at 55 % noise",) for turn in design.rounds)


def test_every_variant_begins_from_it(home: Path, file: Path) -> None:
    made, fake = studio(home)
    draw(made, make_brief(BRIEF, size="64x64", seed=5, references=(made.take(file),)), 3, lambda kind, data: None, lambda: False)
    assert {shot.seed: shot.keep for shot in fake.renders} == dict.fromkeys((5, 6, 7), begun(made, file))


@pytest.mark.parametrize("node", ["extend", "lay_out", "render", "critique"])
def test_a_run_that_was_killed_goes_on_from_it(home: Path, file: Path, node: str) -> None:
    def die(kind: str, data: dict[str, Any]) -> None:
        if kind == "node" and data["node"] == node:
            raise Killed

    made, _ = studio(home)
    with pytest.raises(Killed):
        made.design(BRIEF, seed=7, size="64x64", reference=file, on_event=die)
    keep = begun(made, file)
    file.unlink()
    again, _ = studio(home)
    design = again.resume(again.runs()[0].id)
    assert design.delivered is not None
    assert design.delivered.shot.keep == keep


def test_one_that_waited_for_long_goes_on_from_it(home: Path, file: Path) -> None:
    import os
    import time

    made, fake = studio(home)
    design = made.design(make_brief(BRIEF, size="64x64", references=(made.take(file),)), seed=7)
    assert design.status == "accepted"
    waiting, fake = studio(home, approve=True)
    run = waiting.design(BRIEF, seed=7, size="64x64", reference=file, interactive=True)
    assert (run.status, fake.renders) == ("needs_approval", [])
    keep = begun(made, file)
    waiting.delete(design.id)
    for path in (path for path in home.rglob("*") if path.is_file()):
        os.utime(path, (time.time() - 1_000_000,) * 2)  # what nobody names is let go after a day
    waiting.gc()
    assert keep.image not in waiting.wired.blobs
    done = waiting.resume(run.id, True)
    assert done.delivered is not None
    assert done.delivered.shot.keep == keep


def test_it_is_recorded_and_drawn_again(home: Path, file: Path, tmp_path: Path) -> None:
    made, _ = studio(home)
    first = made.design(BRIEF, seed=7, size="64x64", reference=file)
    path = tmp_path / "image.png"
    path.write_bytes(made.wired.blobs.get(write(first, made.wired.blobs)[0].sha256))
    manifest = read_manifest(path)
    assert manifest["brief"]["references"] == [made.take(file)]
    assert manifest["brief"]["follow"] == FOLLOW
    assert manifest["keep"] == begun(made, file).model_dump(mode="json")
    assert any("began from the given picture" in note for note in made.deliver(first, tmp_path / "out")["notes"])
    for source in (first.id, path):
        again = made.rerun(source)
        assert again.delivered is not None
        assert first.delivered is not None
        assert (again.delivered.shot, again.notes) == (first.delivered.shot, first.notes)
    elsewhere, _ = studio(home / "elsewhere")
    with pytest.raises(BadInput, match="the reference picture is not there"):
        elsewhere.rerun(path)
    assert not elsewhere.runs()
    made.export(first.id, tmp_path / "run.zip")
    elsewhere.import_(tmp_path / "run.zip")
    assert elsewhere.rerun(first.id).notes == first.notes


def test_a_session_begins_from_it_edits_what_came_of_it_and_begins_anew_from_it(home: Path, file: Path) -> None:
    made, fake = studio(home, rounds=1)
    sessions = Sessions(made)
    id, keep = sessions.create().id, begun(made, file, 0.6)
    args = {"brief": BRIEF, "seed": 7, "size": "64x64", "reference": made.take(file), "follow": 0.6}
    first = sessions.say(id, "", calls=[Call(tool="design", args=args)])
    assert first.status == "done"
    assert "Began from the given picture" in first.reply
    assert fake.renders[-1].keep == keep
    edit = sessions.say(id, "", calls=[Call(tool="change_subject", args={"subject": "rocket", "phrase": "a kite"})])
    assert fake.renders[-1].keep not in (None, keep)
    assert first.design != edit.design
    edited = made.show(str(edit.design))
    assert (edited.brief.references, edited.brief.follow) == ((made.take(file),), 0.6)
    assert not any("reference" in note for note in edited.notes)
    anew = sessions.say(id, "", calls=[Call(tool="reseed")])
    assert anew.area is None
    assert fake.renders[-1].keep == keep
    assert fake.renders[-1].seed != 7
    assert any("at 60 % noise" in note for note in made.show(str(anew.design)).notes)


# what cannot be


def test_one_picture_is_gone_by_and_it_is_said_how_far(home: Path, file: Path) -> None:
    made, _ = studio(home)
    sha256 = made.take(file)
    assert make_brief("a cat", references=(sha256,)).follow == FOLLOW
    assert Brief.model_validate_json(make_brief("a cat", references=(sha256,), follow=0.3).model_dump_json()).follow == 0.3
    assert make_brief("a cat").follow is None
    for asked, said in (
        ({"references": (sha256, sha256)}, "has 2 reference pictures, and a drawing begins from one"),
        ({"follow": 0.5}, "follow is 0.5, and the brief has no reference"),
        ({"references": ("0" * 64,)}, "the reference picture is not there"),
        ({"references": (made.wired.blobs.put(b"text"),)}, "no readable picture"),
    ):
        for do in (made.design, made.plan):
            with pytest.raises(BadInput, match=said):
                do(make_brief("a cat", **asked))  # type: ignore[arg-type]
    for follow in (0.0, 0.05, 0.96, 1.0, float("nan"), -1.0):
        with pytest.raises(BadInput, match="follow"):
            make_brief("a cat", references=(sha256,), follow=follow)
    assert not made.runs()


@pytest.mark.parametrize(
    ("data", "said"),
    [(None, "there is no such file"), (b"", "empty"), (b"GIF89a no picture", "no PNG, JPEG or WebP"), (png(gradient(64, 64))[:100], "damaged")],
)
def test_a_file_that_is_no_picture_is_named(home: Path, tmp_path: Path, data: bytes | None, said: str) -> None:
    made, _ = studio(home)
    path = tmp_path / "x.png"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=rf"x\.png cannot be used: .*{said}"):
        made.design("a cat", reference=path)


def test_a_file_that_is_too_large_is_not_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = studio(home)
    path = tmp_path / "x.png"
    with path.open("wb") as sparse:
        sparse.truncate(33 << 20)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(BadInput, match="34,603,008 bytes, at most 33,554,432"):
        made.take(path)


def test_the_command_says_the_default_that_there_is() -> None:
    assert get_args(Follow)[1].show_default == f"{FOLLOW:g}"
