"""Lettering: which font has a sign, where lines break, the largest size that fits, and what is measured of it."""

from __future__ import annotations

import itertools
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cutwork.errors import BadInput
from cutwork.tools.lettering import breaks, clash, fonts, painting, runs, setting
from cutwork.tools.lettering.breaks import Token
from cutwork.tools.lettering.setting import Block, Style, fit

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
ANTON = Style(fonts.face("anton"), WHITE, BLACK)
CANVAS = (640, 480)
BAND = (26, 20, 614, 110)
SAMPLES = {
    "Latin": "Éclair à Đà Nẵng, straße", "Cyrillic": "Привет, мир", "Greek": "Καλημέρα", "Arabic": "مرحبا بالعالم", "Hebrew": "שלום עולם",
    "Devanagari": "नमस्ते दुनिया", "Thai": "สวัสดี", "Japanese": "月曜日の朝、猫", "Chinese": "又是星期一", "Korean": "월요일은 싫어", "emoji": "😀👍🏽🇩🇪1️⃣❤️☕",
}  # fmt: skip


def set_text(text: str, box: setting.Rect = BAND, style: Style = ANTON, most: int = 90, least: int = 14, down: setting.Down = "middle") -> Block:
    return fit(text, box, style, most, least, down=down)


def inside(inner: Sequence[int], outer: Sequence[int]) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def painted(block: Block, ground: int = 128) -> np.ndarray:
    canvas = np.full((CANVAS[1], CANVAS[0], 3), ground, np.uint8)
    painting.paint(canvas, block)
    return canvas


@pytest.fixture
def colour_emoji(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with three emoji of Noto Color Emoji."""
    shutil.copy(Path(__file__).parent / "fonts" / fonts.COLOUR_EMOJI, tmp_path)
    yield from _machine(monkeypatch, tmp_path)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without fonts of its own."""
    yield from _machine(monkeypatch, tmp_path)


def _machine(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    caches = (fonts.installed, fonts.colour_emoji, fonts.last_resort, runs.split, runs._face, setting._measure)
    monkeypatch.setattr(fonts, "_folders", lambda: iter([folder]))
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()


# fonts


def test_a_font_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="no font 'comic sans'; there are anton, sofia, noto"):
        fonts.face("comic sans")


def test_every_font_that_ships_is_under_the_open_font_licence_and_named_in_it() -> None:
    licence = (fonts.FOLDER / "OFL.txt").read_text()
    files = {path.name for path in fonts.FOLDER.iterdir() if path.suffix in (".ttf", ".otf")}
    assert files == set(fonts.SHIPPED)
    for file in files:
        assert f"{file}: Copyright" in licence
        with TTFont(fonts.FOLDER / file) as font:
            assert "SIL Open Font License" in font["name"].getDebugName(13)
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert sum(path.stat().st_size for path in fonts.FOLDER.iterdir()) <= 6_000_000


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES.keys())
def test_scripts_need_no_font_of_the_machine(text: str) -> None:
    block = set_text(text)
    assert block.notes == ()
    assert block.lines
    assert inside(block.ink, block.box)


def test_fonts_beside_each_other_have_capitals_of_one_height() -> None:
    anton = fonts.face("anton")
    for other in fonts.shipped()[1:4]:
        size = round(400 * fonts.scale(other, anton))
        _, top, _, _ = fonts.sized(other, size).getbbox("H", anchor="ls")
        _, wanted, _, _ = fonts.sized(anton, 400).getbbox("H", anchor="ls")
        assert top == pytest.approx(wanted, abs=6)


@pytest.mark.usefixtures("bare_machine")
def test_signs_that_no_font_has_are_named_and_seen() -> None:
    block = set_text("ab 𒀀 c")
    assert "𒀀 (U+12000)" in block.notes[0]
    without = set_text("ab c")
    assert without.notes == ()
    assert any(fonts.MISSING in one.run.text for one in block.placed)
    assert "noto" in block.fonts


@pytest.mark.usefixtures("bare_machine")
def test_emoji_are_drawn_in_the_letters_colour_where_no_colour_font_is() -> None:
    block = set_text("😀")
    assert block.fonts == ("emoji",)
    assert {tuple(pixel) for pixel in painted(block).reshape(-1, 3)} >= {WHITE, BLACK}


@pytest.mark.usefixtures("colour_emoji")
def test_emoji_are_coloured_where_the_machine_has_them() -> None:
    block = set_text("Monday 😀 ☕")
    assert block.fonts == ("anton", "NotoColorEmoji")
    assert inside(block.ink, block.box)
    canvas = painted(block).astype(int)
    yellow = (canvas[..., 0] > 200) & (canvas[..., 1] > 150) & (canvas[..., 2] < 100)
    rows = np.flatnonzero(yellow.any(1))
    letters = np.flatnonzero((canvas == 255).all(-1).any(1))
    assert yellow.sum() > 300
    assert abs(rows.mean() - letters.mean()) < 0.15 * block.size  # it stands beside the letters, not above or below
    assert (painted(set_text("😀"))[BAND[1] : BAND[3], BAND[0] : BAND[2]] == 0).all(-1).any()  # emoji have their stroke too


# runs


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x9f", "\ud800"])
def test_control_characters_are_named(char: str) -> None:
    with pytest.raises(BadInput, match=f"U\\+{ord(char):04X}"):
        runs.cleaned(f"a{char}b")


def test_a_caption_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadInput, match="5,000 characters, at most 400"):
        set_text("x" * 5_000)
    assert set_text("x" * 400).lines


def test_blanks_are_one_and_line_ends_stay() -> None:
    assert runs.cleaned(" a\t b \r\n\n c\u202e\u00ad ") == "a b\nc"
    assert runs.cleaned("e\u0301") == "é"


def test_capitals_are_those_of_the_script() -> None:
    assert runs.capitals("straße, Ξεσκεπάζω τὴν ψυχή, იო") == "STRASSE, ΞΕΣΚΕΠΑΖΩ ΤΗΝ ΨΥΧΗ, იო"


@pytest.mark.parametrize("sign", ["👨‍👩‍👧", "🇩🇪", "1️⃣", "👍🏽", "e\u0301", "❤️", "स्ते", "🏴\U000e0067\U000e0062\U000e007f"])
def test_what_belongs_to_one_sign_stays_together(sign: str) -> None:
    assert runs.clusters(f"a{sign}b") == ["a", sign, "b"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_signs_are_all_of_the_text(text: str) -> None:
    assert "".join(runs.clusters(text)) == text


def test_a_word_and_a_caption_keep_one_font_where_one_has_them() -> None:
    def faces(text: str) -> list[str]:
        return [run.face.name for run in runs.split(text, runs.order(text, fonts.face("anton")), False)]

    assert faces("Monday") == ["anton"]
    assert faces("Привет CAT 3!") == ["sofia"]
    assert faces("cat 猫") == ["cjk"]  # that font has Latin too
    assert faces("кот 猫") == ["sofia", "cjk"]
    assert faces("ab שלום") == ["hebrew", "hebrew"]  # one for each direction


def test_lines_of_both_directions_stand_as_a_shaping_library_has_them() -> None:
    """Runs that are painted one by one look like the whole line given to Pillow's own bidirectional layout."""
    if not fonts.shapes():
        pytest.skip("Pillow has no raqm layout here")
    face = next(one for one in fonts.shipped() if one.name == "hebrew")
    for base, line in itertools.product((False, True), ("שלום CAT 123 טוב", "abc שלום 42, עולם (x) def", "(אב) 12", "a, ב. 7", "שווה 1,000.50 או 5% ב-3", "up 5% עד 10%", "a (אב) 12 [b]")):
        width, pen = 1200, 20.0
        ours, whole = Image.new("L", (width, 120)), Image.new("L", (width, 120))
        font = fonts.sized(face, 60)
        for run in runs.split(line, (face,), base):
            ImageDraw.Draw(ours).text((pen, 80), run.text, 255, font, anchor="ls", direction="rtl" if run.rtl else "ltr")
            pen += font.getlength(run.text, direction="rtl" if run.rtl else "ltr")
        ImageDraw.Draw(whole).text((20, 80), line, 255, font, anchor="ls", direction="rtl" if base else "ltr")
        both = np.stack([np.array(ours), np.array(whole)]) > 127
        assert both.all(0).sum() > 0.93 * both.any(0).sum(), (base, line)


def test_without_a_shaping_library_lines_are_turned_round_and_joined_letters_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "shapes", lambda: False)
    setting._extent.cache_clear()
    try:
        hebrew = set_text("שלום (א)")
        assert [setting.shown(one.run) for one in hebrew.placed] == ["(א) םולש"]
        assert hebrew.notes == ()
        assert "raqm" in set_text("مرحبا").notes[0]
    finally:
        setting._extent.cache_clear()
        setting._measure.cache_clear()


# breaks


def _ways(tokens: Sequence[Token], widths: Sequence[float], blank: float, cap: float) -> list[list[range]]:
    """All ways to break, the obvious way."""
    found = []
    for cuts in itertools.product((False, True), repeat=len(tokens) - 1):
        edges = [0, *(k + 1 for k, cut in enumerate(cuts) if cut), len(tokens)]
        lines = [range(a, b) for a, b in itertools.pairwise(edges)]
        if all(_wide(line, tokens, widths, blank) <= cap and not any(tokens[k].forced for k in line[1:]) for line in lines):
            found.append(lines)
    return found


def _wide(line: range, tokens: Sequence[Token], widths: Sequence[float], blank: float) -> float:
    return sum(widths[k] for k in line) + sum(blank for k in line[1:] if tokens[k].gap)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), min_size=1, max_size=8), st.integers(9, 25))
def test_lines_are_the_fewest_and_the_most_even_there_are(words: list[tuple[int, bool, bool]], cap: int) -> None:
    tokens = [Token("x" * width, gap, forced and k > 0) for k, (width, gap, forced) in enumerate(words)]
    widths = [float(width) for width, _, _ in words]
    every = _ways(tokens, widths, 1.0, cap)
    fewest = breaks.greedy(tokens, widths, 1.0, cap)
    assert fewest is not None
    assert len(fewest) == min(map(len, every))
    even = breaks.even(tokens, widths, 1.0, cap, len(fewest))

    def cost(lines: list[range]) -> float:
        return sum((cap - _wide(line, tokens, widths, 1.0)) ** 2 for line in lines)

    assert even in every
    assert cost(even) == min(cost(lines) for lines in every if len(lines) == len(fewest))


def test_lines_break_where_their_script_allows() -> None:
    def parts(text: str) -> list[str]:
        return [token.text for token in breaks.tokens(text)]

    assert parts("half-drop x-y") == ["half-", "drop", "x-y"]
    assert parts("月曜日、「猫」は") == ["月", "曜", "日、", "「猫」", "は"]
    assert parts("월요일은 싫어") == ["월요일은", "싫어"]
    assert parts("a\u200bb") == ["a", "b"]
    assert breaks.joined(breaks.tokens("one two月曜")) == "one two月曜"
    assert [token.forced for token in breaks.tokens("a b\nc")] == [False, False, True]


@settings(max_examples=100, deadline=None)
@given(st.text("abcdéßЖ", min_size=3, max_size=40), st.integers(3, 12))
def test_broken_words_lose_nothing_and_fit(word: str, cap: int) -> None:
    pieces = breaks.broken(Token(word), len, cap)
    assert all(len(piece.text) <= cap for piece in pieces)
    assert "".join(piece.text.removesuffix("-") for piece in pieces) == word
    assert all(piece.text.endswith("-") for piece in pieces[:-1])


# setting

WORDS = st.lists(st.text("abcgjpqyAÄÉMW.,!", min_size=1, max_size=14), min_size=1, max_size=12).map(" ".join)
BOXES = st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(1, 340), st.integers(1, 280)).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
ANY = st.one_of(WORDS, st.lists(st.sampled_from(list(SAMPLES.values())), min_size=1, max_size=3).map(" ".join))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY, BOXES, st.sampled_from(["top", "middle", "bottom"]), st.booleans())
@example("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk und mehr", (0, 0, 200, 60), "top", True)
@example("x", (0, 0, 1, 200), "middle", True)
@example("x", (0, 0, 300, 1), "middle", False)
@example("word " * 79, (10, 10, 300, 60), "bottom", True)
def test_letters_never_leave_their_box(text: str, box: setting.Rect, down: setting.Down, upper: bool) -> None:
    block = set_text(text, box, Style(fonts.face("anton"), WHITE, BLACK, upper), down=down)
    assert inside(block.ink, box)
    canvas = painted(block)
    changed = (canvas != 128).any(-1)
    changed[box[1] : box[3], box[0] : box[2]] = False
    assert not changed.any()
    if block.lines:
        ink = painting.ink(block)
        assert ink.outline.any()
        assert (ink.outline >= ink.letters).all()
    else:
        assert block.notes


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abcdgjpqy", min_size=1, max_size=8), min_size=1, max_size=10).map(" ".join))
def test_the_size_is_the_largest_that_fits(text: str) -> None:
    block = set_text(text, most=200)
    assert " ".join(block.lines) == text.upper()
    larger = block.size + 3  # of whole pixels and hinting
    forced = set_text(text, most=larger, least=larger)
    assert larger > 200 or forced.size < larger or forced.lines[-1].endswith("…") or any(line.endswith("-") for line in forced.lines)


def test_ink_stays_in_a_mask_that_is_thickened_by_the_stroke_alone() -> None:
    block = set_text("MONDAY")
    assert block.stroke == max(1, round(block.size * setting.STROKE))
    letters, outline = painting.ink(block).letters > 127, painting.ink(block).outline > 127
    rows, inner = (np.flatnonzero(mask.any(1)) for mask in (outline, letters))
    assert inner[0] - rows[0] == pytest.approx(block.stroke, abs=1)
    assert rows[-1] - inner[-1] == pytest.approx(block.stroke, abs=1)


def test_lines_share_a_grid_of_baselines_with_or_without_descenders() -> None:
    style = Style(fonts.face("anton"), WHITE, BLACK, upper=False)
    block = set_text("aaa\njpgq\nxxx\nyyy", (0, 0, 640, 400), style)
    steps = np.diff([one.y for one in block.placed])
    assert len(steps) == 3
    assert np.ptp(steps) <= 1
    plain = set_text("xxx xxx", style=style)
    assert len({one.y for one in set_text("xjx gqx", style=style).placed}) == len({one.y for one in plain.placed}) == 1


def test_a_word_that_is_too_long_is_hyphenated_in_even_pieces() -> None:
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
    block = set_text(f"{word} ahoy", least=16)
    assert block.size >= 16
    assert block.notes == ()
    assert block.lines[0].endswith("-")
    assert "".join(line.removesuffix("-") for line in block.lines).replace(" ", "") == f"{word}ahoy".upper()


def test_what_does_not_fit_at_the_least_size_ends_in_an_ellipsis_and_is_told() -> None:
    block = set_text("once upon a time " * 20, (0, 0, 200, 50), least=16)
    assert block.size == 16
    assert block.lines[-1].endswith("…")
    assert block.notes[0].startswith("'once upon a time")
    assert "cut short after" in block.notes[0]


def test_a_box_without_room_stays_free_and_is_told() -> None:
    block = set_text("Monday", (5, 5, 6, 6))
    assert block.lines == ()
    assert block.placed == ()
    assert "no room" in block.notes[0]
    assert (painted(block) == 128).all()


def test_only_one_word_more_means_only_a_line_more() -> None:
    one, two = set_text("grumpy", most=40), set_text("grumpy cat", most=40)
    assert (one.lines, two.lines) == (("GRUMPY",), ("GRUMPY CAT",))
    assert set_text("grumpy\ncat", most=40).lines == ("GRUMPY", "CAT")


def test_right_to_left_captions_begin_at_the_right() -> None:
    block = set_text("שלום 😀")
    first = min(block.placed, key=lambda one: one.x)
    assert "emoji" in first.run.face.name.lower()
    assert [one.run.rtl for one in block.placed if one.run.face.name == "hebrew"] == [True]


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES.keys())
def test_the_same_caption_gives_the_same_pixels(text: str) -> None:
    first = painted(set_text(text))
    setting._extent.cache_clear()
    setting._measure.cache_clear()
    assert np.array_equal(first, painted(set_text(text)))


def test_composed_and_decomposed_text_are_one() -> None:
    accents = "Éclair à Nẵng"
    assert np.array_equal(painted(set_text(accents)), painted(set_text(unicodedata.normalize("NFD", accents))))


# clash


def test_contrast_is_that_of_wcag() -> None:
    greys = np.array([[255, 255, 255], [0, 0, 0], [119, 119, 119]], np.uint8)
    assert clash.contrast(WHITE, greys) == pytest.approx([1.0, 21.0, 4.478], abs=0.001)
    assert clash.luminance(np.array([[255, 0, 0]], np.uint8)) == pytest.approx([0.2126])


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_what_letters_cover_is_the_share_of_their_pixels_on_a_subject(share: float, wanted: float) -> None:
    block = set_text("HHHHHH")
    alpha = np.zeros((CANVAS[1], CANVAS[0]), np.uint8)
    x0, _, x1, _ = block.ink
    alpha[:, : round(x0 + share * (x1 - x0))] = 255
    assert clash.covered(block, {3: alpha})[3] == pytest.approx(wanted, abs=0.02)


def test_a_stroke_makes_letters_readable_on_what_is_like_them() -> None:
    for style, readable in ((ANTON, True), (Style(ANTON.face, WHITE), False)):
        block = set_text("Monday", style=style)
        assert (clash._ratio(block, painted(block, 250)) > clash.READABLE) == readable
        assert clash._ratio(block, np.full((CANVAS[1], CANVAS[0], 3), 250, np.uint8)) < 1.1
