"""English plurals: irregular ones, those of every noun the testbed has, and names that are plurals already."""

from __future__ import annotations

import pytest

from cutwork.lab.art import rows
from cutwork.plurals import IN_E, IN_I, IN_IE, IN_S, IN_U, IRREGULAR, NOT_MAN, NOT_MEN, PAIRED, UNCHANGED, is_plural, plural, plurals, singular
from cutwork.tools.families import mini

NOUNS = sorted({name for row in rows() for name in (row["noun"], *filter(None, row["synonyms"].split("|")))} | set(mini._names()))
SEVERAL = {  # of those, the ones that name several as they stand
    "admission tickets", "ballet shoes", "beans", "blueberries", "bookmark tabs", "books", "briefs", "bubbles", "chains", "cherries", "chopsticks", "clinking beer mugs", "clinking glasses", "control knobs",
    "crossed swords", "eyeglasses", "film frames", "fireworks", "flower playing cards", "french fries", "fries", "glasses", "gloves", "goggles", "grapes", "headphones", "houses", "japanese dolls", "jeans", "linked paperclips",
    "musical notes", "nesting dolls", "pancakes", "paw prints", "peanuts", "performing arts", "prayer beads", "scissors", "shopping bags", "shorts", "skis", "socks", "sparkles", "sunglasses",
}  # fmt: skip


@pytest.mark.parametrize(
    ("one", "many"),
    [("cat", "cats"), ("fox", "foxes"), ("box", "boxes"), ("bus", "buses"), ("wrench", "wrenches"), ("brush", "brushes"), ("dress", "dresses"), ("waltz", "waltzes"), ("quiz", "quizzes"), ("cherry", "cherries"), ("toy", "toys"),
     ("monkey", "monkeys"), ("snowman", "snowmen"), ("gingerbread man", "gingerbread men"), ("woman", "women"), ("human", "humans"), ("child", "children"), ("person", "people"), ("volcano", "volcanoes"), ("mango", "mangoes"),
     ("potato", "potatoes"), ("hero", "heroes"), ("rhino", "rhinos"), ("photo", "photos"), ("kangaroo", "kangaroos"), ("shoe", "shoes"), ("knife", "knives"), ("leaf", "leaves"), ("maple leaf", "maple leaves"), ("wolf", "wolves"),
     ("scarf", "scarves"), ("roof", "roofs"), ("giraffe", "giraffes"), ("glove", "gloves"), ("mouse", "mice"), ("computer mouse", "computer mice"), ("goose", "geese"), ("mongoose", "mongooses"), ("house", "houses"), ("horse", "horses"),
     ("vase", "vases"), ("fuse", "fuses"), ("tooth", "teeth"), ("ox", "oxen"), ("die", "dice"), ("cactus", "cacti"), ("octopus", "octopuses"), ("walrus", "walruses"), ("lens", "lenses"), ("iris", "irises"), ("atlas", "atlases"),
     ("sheep", "sheep"), ("fish", "fish"), ("jellyfish", "jellyfish"), ("tropical fish", "tropical fish"), ("deer", "deer"), ("bison", "bison"), ("panda", "pandas"), ("banana", "bananas"), ("sofa", "sofas"), ("taxi", "taxis"), ("kiwi", "kiwis"),
     ("yeti", "yetis"), ("emu", "emus"), ("cookie", "cookies"), ("pie", "pies"), ("movie", "movies"), ("fly", "flies"), ("axe", "axes"), ("mustache", "mustaches"), ("tv", "tvs"), ("fire hydrant", "fire hydrants"), ("wine glass", "wine glasses"),
     ("glass of milk", "glasses of milk"), ("cup of coffee", "cups of coffee"), ("cat wearing a hat", "cats wearing a hat"), ("Fox", "Foxes"), ("t-rex", "t-rexes")],
)  # fmt: skip
def test_plurals_and_back(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one
    assert singular(one) == one
    assert not is_plural(one)


def test_every_noun_of_the_testbed_has_a_plural_that_leads_back() -> None:
    def right(noun: str) -> bool:
        if noun in SEVERAL:
            return is_plural(noun) and plural(noun) == noun == plural(singular(noun))
        return not is_plural(noun) and singular(noun) == noun == singular(plural(noun))

    assert not [noun for noun in NOUNS if not right(noun)]


@pytest.mark.parametrize("noun", ["grapes", "cherries", "french fries", "scissors", "glasses", "glasses with red frames", "jeans", "skis", "cats", "Mice", "men", "wine glasses"])
def test_names_of_several_stay(noun: str) -> None:
    assert is_plural(noun)
    assert plural(noun) == noun


@pytest.mark.parametrize("noun", ["bus", "octopus", "glass", "cactus", "tennis", "dress", "grass", "gas", "christmas", "rhinoceros", "chess", "canvas", "triceratops", "series", "ramen", "specimen", "his", "cat's", "猫", ""])
def test_singulars_that_look_like_plurals_stay(noun: str) -> None:
    assert singular(noun) == noun
    assert not is_plural(noun)


@pytest.mark.parametrize("noun", sorted(PAIRED))
def test_what_is_written_as_a_plural_and_drawn_as_one_thing_stays(noun: str) -> None:
    assert singular(noun) == plural(noun) == plural(f"red {noun}").removeprefix("red ") == noun


def test_every_word_of_the_tables_leads_back() -> None:
    words = sorted(set(IRREGULAR) | UNCHANGED | IN_S | IN_I | IN_U | IN_IE | IN_E | NOT_MEN | NOT_MAN)
    assert not [noun for noun in words if not noun == singular(noun) == singular(plural(noun))]


@pytest.mark.parametrize(("noun", "written"), [("cactus", {"cacti", "cactuses"}), ("octopus", {"octopuses", "octopi"}), ("volcano", {"volcanoes", "volcanos"}), ("person", {"people", "persons"}), ("snowman", {"snowmen", "snowmans"})])
def test_all_plurals_that_people_write(noun: str, written: set[str]) -> None:
    found = plurals(noun)
    assert found[0] == plural(noun)
    assert written <= set(found)
    assert noun not in found
