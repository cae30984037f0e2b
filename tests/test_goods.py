"""What briefs say of goods: as designers, meme makers, textile people and others write them, and the traps between."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwork.agents.extension import extend
from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.goods import Goods, of, read
from cutwork.agents.language import jokes
from cutwork.agents.language.model import Parsed
from cutwork.agents.language.parse import parse
from cutwork.agents.offline import OfflineLlm
from cutwork.agents.schemas import ExtensionAnswer
from cutwork.domain import Brief
from cutwork.errors import BadInput

PICTURES = [  # nothing of them is said of goods: they stay as they are
    "a cat and a rocket on a purple background", "a cat looking into a mirror", "a 30 cm ruler", "two cats with 4 coloured balloons", "a brick house", "a straight road",
    "an angry goose saying 'honk'", 'a bunny holding a sign that says "hello"', 'a cat called "Mittens" and a dog', 'mug: "Monday" under a grumpy pug',
    "a laptop covered in stickers", "a cat holding a sticker", "a dog with a pirate sticker", "a bumper sticker on a car", "a red sticker on a laptop",
    "a cat in a striped pattern", "a rug with a floral pattern", "a dog looking at a meme", "a man reading memes on a phone", "tiles in a mosaic pattern",
    "a box of 12 colour pencils", "a half drop of water", "a woman unrolling wallpaper", "a cat on top of a house, a dog at the bottom", "5 sardines in a row, white linen",
    "a page with text", "a drop of ink, half full", "three balloons in three colours", "a mirror and a comb", "a meadow with scattered clouds, 4 sheep",
]  # fmt: skip


@pytest.mark.parametrize("text", PICTURES)
def test_a_picture_is_no_goods(text: str) -> None:
    assert read(text) == Goods(text)


MEMES: list[tuple[str, str, tuple[str, ...]]] = [
    ('meme: grumpy cat in a spaceship, top "MONDAY", bottom "again"', "grumpy cat in a spaceship", ("MONDAY", "again")),
    ("meme of a cat at a desk", "a cat at a desk", ()),
    ("that meme where a possum screams at a lawn gnome", "a possum screams at a lawn gnome", ()),
    ("grumpy cat meme", "grumpy cat", ()),
    ("doge meme about mondays", "doge about mondays", ()),
    ('a cat with the caption "I can has dog"', "a cat", ("I can has dog",)),
    ("meme: a sad frog, top text “I studied”, bottom text “the wrong chapter”", "a sad frog", ("I studied", "the wrong chapter")),
    ("meme: a sad frog, top ‘I don’t know’, bottom 'I can't say'", "a sad frog", ("I don’t know", "I can't say")),
    ("meme d'un chat, top «Lundi», bottom «encore»", "d'un chat", ("Lundi", "encore")),
    ('"ONE DOES NOT SIMPLY" on top, "walk into the kitchen" on the bottom, a wizard pointing', "a wizard pointing", ("ONE DOES NOT SIMPLY", "walk into the kitchen")),
    ("“I am fine” above a dog in a burning room, meme", "a dog in a burning room", ("I am fine",)),
    ('meme with a fox, bottom "mine now"', "a fox", ("", "mine now")),
    ('meme: a fox, "mine now" at the bottom', "a fox", ("", "mine now")),
    ('meme: cat. text at the top: "hello there" text at the bottom: "general"', "cat", ("hello there", "general")),
    ('meme "when code works" cat shocked, bottom text "but why"', "cat shocked", ("when code works", "but why")),
    ('meme: a raccoon with the words "none of my business"', "a raccoon", ("none of my business",)),
    ('meme: a raccoon, "one" and then "two" and "three"', "a raccoon", ("one", "two", "three")),
    ('meme: a raccoon "one / two"', "a raccoon", ("one", "two")),
    ("meme: a dog at a desk, caption: when the boss, again, is watching", "a dog at a desk", ("when the boss, again, is watching",)),
    ("meme: top: MONDAY, bottom: again, a sad cat", "a sad cat", ("MONDAY", "again")),
    ("meme: sad cat, top text: MONDAY, purple background", "sad cat, purple background", ("MONDAY",)),
    ("meme top MONDAY bottom AGAIN grumpy cat", "grumpy cat", ("MONDAY", "AGAIN")),
    ("meme of dog, up text 'I no sleep', down text 'coffee is life'", "dog", ("I no sleep", "coffee is life")),
    ("pls do meme with penguin, it say \"too hot\"", "penguin", ("too hot",)),
    ("meme: a goose saying honk", "a goose", ("honk",)),
    ('a meme of a cat saying "no" to a dog', "a cat talking to a dog", ("no",)),
    ("meme: when the wifi dies: a caveman hitting a router", "a caveman hitting a router", ("when the wifi dies",)),
    ("POV: you open the fridge at 3am. A raccoon in a kitchen", "A raccoon in a kitchen", ("POV: you open the fridge at 3am",)),
    ("meme idea - my cat when I open a can of tuna", "my cat", ("when I open a can of tuna",)),
    ('"this is fine" meme but with a hamster in a kitchen', "a hamster in a kitchen", ("this is fine",)),
    ("meme: [top] hello [bottom] world, a cat", "a cat", ("hello", "world")),
    # Quotations that are no captions.
    ('meme: a bunny holding a sign that says "hello", top "MONDAY"', 'a bunny holding a sign that says "hello"', ("MONDAY",)),
    ('meme: a cat called "Mittens" on a sofa, bottom "mine now"', 'a cat called "Mittens" on a sofa', ("", "mine now")),
    ('a meme with a "professional" dog, top "work"', "a professional dog", ("work",)),
    ('meme: a man in a t-shirt that reads "no", caption "yes"', 'a man in a t-shirt that reads "no"', ("yes",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "picture", "captions"), MEMES)
def test_memes(text: str, picture: str, captions: tuple[str, ...]) -> None:
    found = read(text)
    assert (found.kind, found.picture, found.captions) == ("meme", picture, captions)


@pytest.mark.parametrize(
    ("text", "picture", "labels"),
    [
        ('meme: a man labelled "me", a woman labelled "my deadline" and a girl labelled "sleep"', "a man, a woman and a girl", (("man", "me"), ("woman", "my deadline"), ("girl", "sleep"))),
        ('meme: a cat and a dog, label the cat "my code" and the dog "production"', "a cat and a dog", (("cat", "my code"), ("dog", "production"))),
        ("meme with a fox and a hen. labels: fox = bugs, hen = my release", "a fox and a hen", (("fox", "bugs"), ("hen", "my release"))),
        ("meme, red cat labelled as me, blue cat labelled as you", "red cat, blue cat", (("red cat", "me"), ("blue cat", "you"))),
        ('meme, label the shark "rent"', "a shark", (("shark", "rent"),)),
        ('label the cat "me" and label the dog "my boss", meme', "a cat, a dog", (("cat", "me"), ("dog", "my boss"))),
    ],
)  # fmt: skip
def test_labels(text: str, picture: str, labels: tuple[tuple[str, str], ...]) -> None:
    found = read(text)
    assert (found.kind, found.picture, found.labels, found.layout) == ("meme", picture, labels, "labels")


@pytest.mark.parametrize(
    ("text", "layout", "captions"),
    [
        ('three panel meme: a dog sleeping, "9 am" / "12 am" / "5 pm"', "panels", ("9 am", "12 am", "5 pm")),
        ('2-panel meme: a dog, bottom "a", top "b"', "panels", ("a", "b")),
        ('meme with caption bar: a cat on a keyboard "I wrote this"', "bar", ("I wrote this",)),
        ("meme of a man and a robot with labels", "labels", ()),
    ],
)
def test_layouts(text: str, layout: str, captions: tuple[str, ...]) -> None:
    assert (read(text).layout, read(text).captions) == (layout, captions)


STICKERS: list[tuple[str, str, dict[str, Any]]] = [
    ("sticker: crying onion", "crying onion", {}),
    ("hi pls make me one sticker of happy dog for whatsapp", "happy dog", {"preset": "whatsapp"}),
    ("telegram stickers of a robot", "a robot", {"preset": "telegram"}),
    ("grumpy cat sticker for discord", "grumpy cat", {"preset": "discord"}),
    ("need 4 stickers of avocado", "4 avocado", {}),
    ("quiero un sticker de un gato feliz", "un gato feliz", {}),
    ("otter + starfish + seashell, sticker sheet, pastel", "otter + starfish + seashell, pastel", {}),
    ("PENGUIN, IGLOO, STICKER", "PENGUIN, IGLOO", {}),
    ("a fox, as a sticker, no shadow", "a fox", {"shadow": False}),
    ("die-cut sticker of a fox, 5 cm, black outline", "a fox", {"preset": "print", "size_mm": 50.0, "colour": "black"}),
    ("vinyl sticker of a frog, 3 inches wide, 300 dpi", "a frog", {"preset": "print", "size_mm": 76.2}),
    ("sticker of a toad with a 4 px white border and a drop shadow", "a toad", {"outline": 4.0, "colour": "white", "shadow": True}),
    ("borderless sticker of a toad", "a toad", {"outline": 0.0}),
    ('sticker pack "Office life": a stapler and a sad plant', "a stapler and a sad plant", {"title": "Office life"}),
    ('whatsapp sticker pack "Office life": a stapler and a sad plant', "a stapler and a sad plant", {"preset": "whatsapp", "title": "Office life"}),
    ('please make me a Telegram sticker pack called “Paws” with a cat and a dog', "a cat and a dog", {"preset": "telegram", "title": "Paws"}),
    ('stickers of a cat and a dog, called "Paws"', "a cat and a dog", {"title": "Paws"}),
    ("cute hedgehog sticker with a bobble hat", "cute hedgehog with a bobble hat", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "picture", "wanted"), STICKERS)
def test_stickers(text: str, picture: str, wanted: dict[str, Any]) -> None:
    found = read(text)
    assert (found.kind, found.picture, found.settings.get("sticker", {}), found.notes) == ("sticker", picture, wanted, ())


HALF = {"repeat": "half-drop", "width_cm": 30.0, "colours": 4, "dpi": 300}
TEXTILES: list[tuple[str, str, dict[str, Any]]] = [
    ("lemons and bees, half-drop, 30 cm, 4 colours, 300 dpi", "lemons and bees", HALF),
    ("half-drop repeat with lemons and bees in 4 colors at 300dpi, 30cm", "lemons and bees", HALF),
    ("pattern of lemons and bees half-drop 30 cm 300 dpi 4 colours", "lemons and bees", HALF),
    ("HALF DROP, 300 DPI, 30 CM, FOUR COLOURS: LEMONS, BEES", "LEMONS, BEES", HALF),
    ("seamless pattern of lemons, 64 cm wide, tiff, cmyk", "lemons", {"width_cm": 64.0, "file": "tiff", "cmyk": True}),
    ("koi fish pattern, mirror repeat, 12 in, six colours max", "koi fish", {"repeat": "mirror", "width_cm": 30.48, "colours": 6}),
    ('ferns, brick repeat, 8" x 8", 150 dpi', "ferns", {"repeat": "half-brick", "width_cm": 20.32, "dpi": 150}),
    ("mushrooms, tossed, 24,5 cm, 2 colourways", "mushrooms", {"repeat": "tossed", "width_cm": 24.5, "colourways": 2}),
    ("textile, hexagonal layout: bees with motifs of 3 cm and 5 mm apart", "bees", {"repeat": "hexagonal", "motif_cm": 3.0, "gap_mm": 5.0}),
    ("pattern of shells, straight, 0.5 m, sheet 100 x 150 cm", "shells", {"repeat": "straight", "width_cm": 50.0, "sheet_cm": (100.0, 150.0)}),
    ("ogee damask with artichokes on navy", "damask with artichokes on navy", {"repeat": "ogee", "ground": "navy"}),
    ("fabric print of scattered strawberries, mustard ground", "strawberries, mustard ground", {"repeat": "tossed", "ground": "mustard"}),
    ("i want make pattern for kids cloth with dinosaur and volcano, 3 colour only, 20 cm", "dinosaur and volcano", {"colours": 3, "width_cm": 20.0}),
    ("kids fabric with rockets", "rockets", {}),
    ("Design a fabric for curtains: peonies. Half-brick. 45 cm. CMYK TIFF.", "peonies", {"repeat": "half-brick", "width_cm": 45.0, "cmyk": True, "file": "tiff"}),
    ("repeat pattern using a lemon; spacing 1 cm; motif size 4cm; repeat 16cm", "a lemon", {"gap_mm": 10.0, "motif_cm": 4.0, "width_cm": 16.0}),
    ("pattern lemon; hexagonal; 15 cm", "lemon", {"repeat": "hexagonal", "width_cm": 15.0}),
    # Traps within textiles.
    ("a pattern of a cat looking into a mirror, 20 cm", "a cat looking into a mirror", {"width_cm": 20.0}),
    ("pattern of a 30 cm ruler and a pencil, half-brick", "a 30 cm ruler and a pencil", {"repeat": "half-brick"}),
    ("fabric of straight roads and brick houses, 40 cm", "straight roads and brick houses", {"width_cm": 40.0}),
    ("pattern: lipstick, mirror, comb", "lipstick, mirror, comb", {}),
    ("pattern: two cats with 4 coloured balloons", "two cats with 4 coloured balloons", {}),
    ("pattern of a tossed salad", "a tossed salad", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "picture", "wanted"), TEXTILES)
def test_textiles(text: str, picture: str, wanted: dict[str, Any]) -> None:
    found = read(text)
    assert (found.kind, found.picture, found.settings.get("textile", {})) == ("textile", picture, wanted)


@pytest.mark.parametrize(
    ("text", "palette", "picture"),
    [
        ("pattern of snails, palette: rust, cream and forest green", ("rust", "cream", "forest green"), "snails"),
        ("lemons and mint, 20 cm repeat, in teal, coral and cream", ("teal", "coral", "cream"), "lemons and mint"),
        ("pattern of birds, colours: #ff8800, #036 + white, half-drop", ("#ff8800", "#036", "white"), "birds"),
        ("pattern of birds using only navy and white", (), "birds using only navy and white"),
        ("pattern of red birds and blue fish", (), "red birds and blue fish"),
        ("pattern of birds in 2 colours: navy and white, half-drop", ("navy", "white"), "birds"),
        ("pattern of birds, palette: dusty pink, two cats", ("dusty pink",), "birds, two cats"),
    ],
)
def test_palettes(text: str, palette: tuple[str, ...], picture: str) -> None:
    assert (read(text).palette, read(text).picture) == (palette, picture)


def test_what_cannot_be_done_is_noted() -> None:
    assert "300 dpi is said of prints" in read("a red car and a blue car, 300 dpi").notes[0]
    assert read("a red car and a blue car, 300 dpi").picture == "a red car and a blue car"
    assert "30 cm high" in read("lemons, 20x30 cm repeat").notes[0]
    both = read("pattern of bees, tossed, half-drop, 20 cm, 30 cm, 20 cm, 3 colours, 5 colours")
    assert both.settings["textile"] == {"repeat": "half-drop", "width_cm": 20.0, "colours": 3}
    assert both.notes == (
        "half-drop and tossed cannot both be; half-drop was taken",
        "20 cm for a repeat and 30 cm for a repeat cannot both be; 20 cm for a repeat was taken",
        "3 colours and 5 colours cannot both be; 3 colours was taken",
    )
    assert read("sticker of a cat", "textile").notes == ("the brief speaks of a sticker; a textile is made of it, as was asked",)


def test_the_kind_that_is_asked_for_stands() -> None:
    assert read("sticker of a cat", "textile").kind == "textile"
    assert read("a cat, 30 cm, mirror, 4 colours", "textile").settings["textile"] == {"repeat": "mirror", "width_cm": 30.0, "colours": 4}
    assert read("a cat, 30 cm, mirror", "cutout").picture == "a cat, 30 cm, mirror"
    assert of(Brief(text="a cat", captions=("hi",))).kind == "meme"
    assert of(Brief(text="a cat", captions=("hi",), kind="sticker")).kind == "sticker"


@pytest.mark.parametrize(("text", "named"), [("lemons, half-drop, 5000 dpi", "5000 dpi"), ("lemons, half-drop, 300 colours", "300 colours"), ("lemons, half-drop, 1 colour", "1 colours"), ("lemons, half-drop, 0 cm", "0.0 cm")])
def test_numbers_that_cannot_be_are_refused(text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        extend(Brief(text=text), OfflineLlm())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab \"'“”:,;/. top bottom label meme 30cm", max_size=160), st.sampled_from(["auto", "meme", "textile", "sticker", "cutout"]))
def test_reading_never_fails(text: str, asked: str) -> None:
    assert read(text or "x", asked).picture


def test_long_briefs_are_read_in_no_time() -> None:
    for text in ("meme top " * 220, "a, " * 660, 'meme "' + "a b " * 490, "the cat and the " * 120 + 'labelled "x"', "30 cm x " * 240, "palette: red, " * 140, " " * 10 + "with the " * 200):
        for kind in ("auto", "meme", "textile", "sticker"):
            began = time.process_time()
            read(text[:2000], kind)
            assert time.process_time() - began < 0.5, (text[:20], kind)


# --------------------------------------------------------------------------------------------------------- the extension


def extended(text: str, answer: dict[str, Any] | None = None, **brief: Any) -> Any:
    llm = ScriptedLlm().enqueue(ExtensionAnswer, {"prompt": "p", **(answer or {})})
    return extend(Brief(text=text, **brief), llm), llm.prompts[0].variables


def test_the_model_is_asked_with_the_words_that_are_left() -> None:
    expansion, asked = extended('meme: a cat, top "MONDAY", bottom "again"', {"captions": ["other", "words"], "kind": "textile"})
    assert (asked["brief"], asked["kind"], asked["captions"]) == ("a cat", "meme", '["MONDAY", "again"]')
    assert (expansion.captions, expansion.finish.kind) == (("MONDAY", "again"), "meme")


def test_the_model_may_add_what_was_not_said() -> None:
    assert extended("a cat at a desk", {"kind": "meme", "captions": ["one", "two", "three"]})[0].captions == ("one", "two")
    assert extended("lemons and bees", {"kind": "textile", "repeat": "ogee"})[0].finish.textile.repeat == "ogee"
    assert extended("lemons, half-drop", {"kind": "textile", "repeat": "ogee"})[0].finish.textile.repeat == "half-drop"
    labelled = extended("meme of a cat and a dog", {"labels": [{"subject": "cat", "text": "me"}]})[0]
    assert (labelled.captions, labelled.finish.meme.layout) == (("cat: me",), "labels")


def test_what_the_model_calls_a_textile_is_read_as_one() -> None:
    expansion, asked = extended("lemons on a shelf, 30 cm", {"kind": "textile"})
    assert (asked["kind"], asked["brief"], expansion.finish.textile.width_cm) == ("not said", "lemons on a shelf, 30 cm", 30.0)


@pytest.mark.parametrize("answer", [{"kind": "poster"}, {"kind": None, "captions": None, "labels": None, "repeat": None}, {"kind": 7, "captions": 3, "labels": "x", "repeat": []}, {"captions": ["not", "for cut-outs"]}])
def test_odd_answers_change_nothing(answer: dict[str, Any]) -> None:
    expansion, _ = extended("a cat", answer)
    assert (expansion.finish.kind, expansion.captions) == ("cutout", ())


def test_lettering_comes_in_many_forms() -> None:
    for captions in ({"top": "a", "bottom": "b"}, ["a", None, "b"], ["a", "b"]):
        assert extended("meme of a cat", {"captions": captions})[0].captions == ("a", "b")
    assert extended("meme of a cat", {"captions": "a"})[0].captions == ("a",)
    assert extended("meme of a cat", {"labels": {"cat": "me"}})[0].captions == ("cat: me",)


def test_the_briefs_own_fields_stand() -> None:
    expansion, asked = extended('meme of a cat "no"', {}, captions=("yes",), palette=("#ff0000",))
    assert (expansion.captions, expansion.palette, expansion.finish.palette, asked["palette"]) == (("yes",), ("#ff0000",), ("#ff0000",), '["#ff0000"]')


def test_wishes_go_before_words() -> None:
    expansion, asked = extended("lemons, half-drop, 30 cm", {}, wishes={"textile": {"repeat": "ogee"}})
    assert (expansion.finish.textile.repeat, expansion.finish.textile.width_cm, asked["kind"]) == ("ogee", 30.0, "textile")
    assert extended("lemons", {}, wishes={"textile": {"dpi": 300}})[0].finish.kind == "textile"
    assert extended("a cat and a dog", {}, kind="meme", wishes={"meme": {"layout": "bar"}})[1]["kind"] == "meme, one line in a bar"


# ------------------------------------------------------------------------------------------------------------- the jokes


def test_a_meme_without_words_gets_some() -> None:
    expansion = extend(Brief(text="meme of a grumpy cat in a spaceship"), OfflineLlm())
    assert len(expansion.captions) == 2
    assert expansion == extend(Brief(text="meme of a grumpy cat in a spaceship"), OfflineLlm())


def test_a_meme_that_wants_none_gets_none() -> None:
    assert extend(Brief(text="meme without text: a goose"), OfflineLlm()).captions == ()


def test_lettering_is_written_for_the_layout_that_is_wanted() -> None:
    assert len(extend(Brief(text="four panel meme of a dog"), OfflineLlm()).captions) == 4
    assert len(extend(Brief(text="meme of a dog with a caption bar"), OfflineLlm()).captions) == 1
    assert [text.partition(":")[0] for text in extend(Brief(text="meme of a man and a robot with labels"), OfflineLlm()).captions] == ["man", "robot"]


def test_jokes_fit_and_vary() -> None:
    moods = [f"a {mood} {who}{place}" for mood in ("grumpy", "sad", "tired", "happy", "confused") for who in ("cat", "owl", "robot") for place in ("", " at the office", " at the beach")]
    told = [jokes.captions(parse(text), text) for text in moods]
    assert len(set(told)) > 25
    assert all(top and bottom and len(top) <= 60 and len(bottom) <= 60 for top, bottom in told)
    assert jokes.captions(Parsed(), "") == jokes.captions(Parsed(), "")


def test_every_joke_can_be_told() -> None:
    known = {"any", "animal", "person", "two", "many", "chasing", *jokes.RELATIONS} | {feature for features in jokes.cues().values() for feature in features}
    for joke in jokes.jokes():
        assert set(joke.features) <= known, joke
        assert len(joke.top) <= 60 and len(joke.bottom) <= 60, joke  # noqa: PT018
    assert len({(joke.top, joke.bottom) for joke in jokes.jokes()}) == len(jokes.jokes()) > 150


def test_who_is_named_takes_its_article() -> None:
    briefs = [f"an octopus number {n}" for n in range(60)]
    told = " ".join(line for text in briefs for line in jokes.captions(parse(text), text))
    assert "an octopus" in told
    assert " a octopus" not in told
