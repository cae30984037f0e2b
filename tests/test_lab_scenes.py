"""The testbed's scenes: nothing is said that is not so, and a seed means one scene."""

from __future__ import annotations

import colorsys
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import flat_art
from PIL import Image

from cutwork.lab import backgrounds, captions, scenes
from cutwork.lab.art import Art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> tuple[Art, ...]:
    """Four flat subjects of two kinds, drawn here."""
    subjects = (("cat", "orange"), ("dog", "brown"), ("cup", "white"), ("box", "navy"))
    drawn = flat_art(tmp_path_factory.mktemp("art"), *((noun, colour, "rectangle") for noun, colour in subjects))
    return tuple(replace(item, tier=1, group="animal" if item.noun in ("cat", "dog") else "thing") for item in drawn)


def middle(box: captions.Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def test_a_seed_is_one_scene(art: tuple[Art, ...]) -> None:
    first, again = (scenes.make(art, 7, (96, 64), 3) for _ in range(2))
    assert first.caption == again.caption
    assert np.array_equal(first.image, again.image)
    assert scenes.make(art, 8, (96, 64), 3).caption != first.caption


def test_a_seed_is_the_same_scene_on_every_machine(art: tuple[Art, ...]) -> None:
    """Recorded once: choices come from one generator, and pixels from integer resampling."""
    scene = scenes.make(art, 13, (64, 64), 2)
    assert scene.caption == RECORDED[0]
    assert [tuple(round(v, 6) for v in s.box) for s in scene.subjects] == RECORDED[1]
    assert np.abs(scene.image.reshape(4, 16, 4, 16, 3).mean((1, 3, 4)) - np.array(RECORDED[2])).max() < 1


RECORDED: tuple[str, list[tuple[float, ...]], list[list[float]]] = (
    "a sticker of a little box on top of a huge box at sunset",
    [(0.625, 0.328125, 0.859375, 0.484375), (0.46875, 0.515625, 0.953125, 0.859375)],
    [[109.02, 109.02, 109.02, 109.02], [139.04, 139.04, 107.75, 111.66], [164.92, 150.5, 49.58, 71.21], [187.5, 179.91, 126.79, 138.17]],
)


@pytest.mark.parametrize("count", range(scenes.MOST + 1))
def test_alphas_say_who_is_seen_where(art: tuple[Art, ...], count: int) -> None:
    scene = scenes.make(art, 100 + count, (96, 96), count)
    assert len(scene.subjects) == count
    seen = sum((s.alpha for s in scene.subjects), np.zeros((96, 96), np.float32))
    assert seen.max() <= 1 + 1e-5
    for subject in scene.subjects:
        x0, y0, x1, y1 = (round(v * 96) for v in subject.box)
        outside = subject.alpha.copy()
        outside[y0:y1, x0:x1] = 0
        assert outside.max() == 0


def test_more_subjects_than_a_scene_holds_are_refused(art: tuple[Art, ...]) -> None:
    with pytest.raises(ValueError, match="0 to 5"):
        scenes.make(art, 1, count=6)


def test_stated_relations_hold(art: tuple[Art, ...]) -> None:
    told = dict.fromkeys(("left of", "right of", "above", "below", "in front of", "behind"), 0)
    for seed in range(600):
        scene = scenes.make(art, seed, (96, 96), 2)
        for a, b in (scene.subjects, scene.subjects[::-1]):
            (ax, ay), (bx, by) = middle(a.box), middle(b.box)
            holds = {
                "left of": ax < bx, "right of": ax > bx, "above": ay < by, "below": ay > by,
                "in front of": a is scene.subjects[1], "behind": a is scene.subjects[0],
            }  # fmt: skip
            for relation in told:
                if a.words != b.words and re.search(rf"{a.phrase} (?:to the )?{relation} {b.phrase}\b", scene.caption):
                    told[relation] += 1
                    assert holds[relation], scene.caption
    assert min(told.values()) > 0, told


def test_counts_are_said_as_they_are(art: tuple[Art, ...]) -> None:
    twins = 0
    for seed in range(300):
        scene = scenes.make(art, seed, (96, 96), 3)
        for number, word in enumerate(captions.NUMBERS):
            if number > 1 and (said := re.search(rf"\b{word} ([\w ]+?)(?:,| and| on| at| in| under)", scene.caption)):
                twins += 1
                same = [s for s in scene.subjects if captions.counted(s.words, number).removeprefix(f"{word} ") == said[1]]
                assert len(same) == number, scene.caption
    assert twins > 10


HUES = {"red": 1, "orange": 29, "yellow": 48, "green": 121, "blue": 220, "purple": 267, "pink": 334, "brown": 25}  # degrees


def test_stated_colours_are_seen(art: tuple[Art, ...], tmp_path: Path) -> None:
    shade = np.linspace(20, 235, 40, dtype=np.uint8)[:, None, None] * np.ones((1, 40, 3), np.uint8)
    Image.fromarray(shade).convert("RGBA").save(tmp_path / "shaded.webp", lossless=True)
    shaded, told = (replace(art[0], path=tmp_path / "shaded.webp"),), set()
    for seed in range(400):
        scene = scenes.make(shaded, seed, (64, 64), 1)
        (subject,) = scene.subjects
        said = set(subject.words.split(" ")) & set(scenes.SUBJECT_COLOURS)
        assert said == ({subject.colour} - {None}), subject.words
        assert subject.words in scene.caption
        if subject.colour is None:
            continue
        told.add(subject.colour)
        red, green, blue = (float(v) for v in scene.image[subject.alpha > 0.99].mean(0) / 255)
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        if subject.colour in HUES:
            assert abs((360 * hue - HUES[subject.colour] + 180) % 360 - 180) < 8, (subject.words, 360 * hue)
        else:
            assert saturation < 0.2, subject.words
            assert (value > 0.5) is (subject.colour == "white"), subject.words
    assert told == set(scenes.SUBJECT_COLOURS)


def test_the_background_is_the_one_that_is_said(art: tuple[Art, ...]) -> None:
    plain = 0
    for seed in range(300):
        scene = scenes.make(art, seed, (64, 64), 1)
        back = scene.background
        assert back.phrase in scene.caption or back.short in scene.caption
        if back.short != f"{back.colour} background":
            continue
        plain += 1
        shown = np.median(scene.image[scene.subjects[0].alpha == 0], 0)
        assert min(backgrounds.COLOURS, key=lambda name: float(np.square(shown - backgrounds.COLOURS[name]).sum())) == back.colour
    assert plain > 80


def test_stated_places_hold(art: tuple[Art, ...]) -> None:
    column, row = {"left": 0, "right": 2}, {"top": 0, "bottom": 2}
    told = 0
    for seed in range(900):
        scene = scenes.make(art, seed, (96, 96), 2)
        if scene.subjects[0].words == scene.subjects[1].words:
            continue
        for subject in scene.subjects:
            if said := re.search(rf"{subject.phrase} ((?:in the|on the|at the) (?:\w+ \w+ corner|\w+ side|top|bottom|center))", scene.caption):
                told += 1
                (x, y), words = middle(subject.box), said[1].split(" ")
                assert int(x * 3) == next((column[word] for word in words if word in column), 1), scene.caption
                assert int(y * 3) == next((row[word] for word in words if word in row), 1), scene.caption
    assert told > 40


def test_sizes_are_meant(art: tuple[Art, ...]) -> None:
    areas: dict[str, list[float]] = {"small": [], "plain": [], "large": []}
    for seed in range(400):
        (subject,) = scenes.make(art, seed, (96, 96), 1).subjects
        first = subject.words.split(" ")[0]
        kind = "small" if first in captions.TINY else "large" if first in captions.BIG else "plain"
        areas[kind].append((subject.box[2] - subject.box[0]) * (subject.box[3] - subject.box[1]))
    assert max(areas["small"]) < min(areas["plain"]) < max(areas["plain"]) < min(areas["large"]) + 0.05
    assert min(map(len, areas.values())) > 10


def test_subjects_of_one_kind_are_similar(art: tuple[Art, ...]) -> None:
    scene = next(s for s in (scenes.make(art, seed, (64, 64), 3) for seed in range(50)) if len({p.noun for p in s.subjects}) == 3)
    kinds = [s.group for s in scene.subjects]
    assert scene.similar == tuple((i, j) for i, j in ((0, 1), (0, 2), (1, 2)) if kinds[i] == kinds[j])


def test_easy_scenes_have_no_twins_and_no_odd_sizes(art: tuple[Art, ...]) -> None:
    for seed in range(60):
        for subject in scenes.make(art, seed, (96, 96), 2, easy=True).subjects:
            assert not set(subject.words.split(" ")) & {*captions.TINY, *captions.BIG}


@pytest.mark.parametrize(
    ("words", "number", "said"),
    [("cat", 1, "a cat"), ("orange cat", 1, "an orange cat"), ("blue cat", 2, "two blue cats"), ("knife", 3, "three knives"), ("berry", 2, "two berries"), ("fox", 5, "five foxes")],
)
def test_counted_phrases(words: str, number: int, said: str) -> None:
    assert captions.counted(words, number) == said


@pytest.mark.parametrize(
    ("box", "said"),
    [((0.0, 0.0, 0.3, 0.3), "in the top left corner"), ((0.7, 0.3, 1.0, 0.7), "on the right side"), ((0.4, 0.7, 0.6, 1.0), "at the bottom"), ((0.2, 0.2, 0.8, 0.8), "in the center")],
)
def test_places_are_said_in_thirds(box: captions.Box, said: str) -> None:
    assert captions.place(box) == said


@pytest.mark.parametrize("size", [(256, 256), (128, 128), (256, 128), (192, 192)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_easy_subjects_fill_whole_cells_of_the_grid(art: tuple[Art, ...], size: tuple[int, int], count: int) -> None:
    for seed in range(20):
        for subject in scenes.make(art, seed, size, count, easy=True).subjects:
            x0, y0, x1, y1 = (round(edge * side) for edge, side in zip(subject.box, (*size, *size), strict=True))
            assert min(x0, y0) >= 0
            assert x1 <= size[0]
            assert y1 <= size[1]
            start, length = max(((x0, x1 - x0), (y0, y1 - y0)), key=lambda one: one[1])
            assert length % scenes.GRID == 0
            assert length // scenes.GRID in (*scenes.SIDES, 2, 3), "few sizes; in thirds of a small canvas, what fits"
            assert start % scenes.GRID == 0


@pytest.mark.parametrize(("words", "said", "twice"), [("tiny blue cat", "a tiny blue cat", "two tiny blue cats"), ("grapes", "grapes", "two grapes"), ("unicorn", "a unicorn", "two unicorns")])
def test_names_that_are_plurals_take_no_article(words: str, said: str, twice: str) -> None:
    assert captions.phrase(words) == said
    assert captions.counted(words, 2) == twice


def test_subjects_of_any_side_are_as_many_cells_as_half_their_room_and_more(art: tuple[Art, ...]) -> None:
    sides = set()
    for seed in range(60):
        (subject,) = scenes.make(art, seed, (128, 128), 1, easy=True, any_side=True).subjects
        x0, y0, x1, y1 = (round(edge * 128) for edge in subject.box)
        assert max(x1 - x0, y1 - y0) % scenes.GRID == 0
        sides.add(max(x1 - x0, y1 - y0) // scenes.GRID)
    assert sides == {4, 5, 6, 7}


def test_subjects_of_easy_scenes_are_mostly_named_as_one_reads(art: tuple[Art, ...]) -> None:
    right = []
    for seed in range(300):
        scene = scenes.make(art, seed, (256, 256), 2, easy=True)
        if re.search(r"(?:left|right|above|below|under|top|next|bottom|center|side|front|behind)", scene.caption):
            continue
        first, second = sorted(scene.subjects, key=lambda s: scene.caption.find(s.words))
        (ax, ay), (bx, by) = middle(first.box), middle(second.box)
        if first.words != second.words:
            right.append(ax < bx if abs(ax - bx) > abs(ay - by) else ay < by)
    assert len(right) > 50
    assert 0.8 < sum(right) / len(right) < 1


def test_half_of_the_stated_positions_are_against_the_order_of_naming(art: tuple[Art, ...]) -> None:
    """Else "named first" would be all a model has to learn of left and right."""
    told = [m[0] for seed in range(300) if (m := re.search(r"left of|right of|above|on top of|below|under", scenes.make(art, seed, (128, 128), 2, easy=True).caption))]
    against = sum(way in ("right of", "below", "under") for way in told)
    assert len(told) > 120
    assert 0.4 < against / len(told) < 0.6
