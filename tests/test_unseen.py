"""What can be drawn and what cannot, and what is said of somebody rather than of somebody else."""

from __future__ import annotations

import pytest

from cutwork.agents.language.arrange import arrange
from cutwork.agents.language.model import Relation, Thing
from cutwork.agents.language.parse import parse
from cutwork.agents.language.shown import holds


def counts(brief: str) -> list[tuple[str, int]]:
    return [(t.noun, t.count) for t in parse(brief).things]


def nouns(brief: str) -> list[str]:
    return [t.noun for t in parse(brief).things]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a tile", ["tile"]),
        ("an octagonal tile and an oval platter", ["tile", "platter"]),
        ("a carton", ["carton"]),
        ("carton", ["carton"]),
        ("an ampersand and a dictionary", ["ampersand", "dictionary"]),
        ("Show the carton next to a bowl", ["carton", "bowl"]),
        ("a quarter under a pillow", ["quarter", "pillow"]),
        ("a vase of lilies and forget-me-nots", ["vase", "forget-me-not"]),
        ("forget-me-nots and buttercups", ["forget-me-not", "buttercup"]),
        ("a martian waving", ["martian"]),
        ("no context just a giant meatball", ["meatball"]),
        ("a ginger tomcat", ["tomcat"]),
        ("a gigachad platypus", ["platypus"]),
        ("half eaten bagel", ["bagel"]),
        ("a sheriff's badge", ["badge"]),
        ("my parakeet's villain arc", ["parakeet"]),
        ("a cone of light over three hammers", ["hammer"]),
        ("love and freedom", []),
        ("happiness", []),
        ("justice", []),
        ("a moment of joy", []),
        ("the passage of time", []),
        ("a knight on a mission", ["knight"]),
    ],
)
def test_a_thing_is_drawn_and_an_idea_is_not(brief: str, expected: list[str]) -> None:
    assert nouns(brief) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("two spidermen", [("spiderman", 2)]),
        ("five firewomen", [("firewoman", 5)]),
        ("orchids in the four corners", [("orchid", 4)]),
        ("five commuters, each holding a tulip", [("commuter", 5), ("tulip", 5)]),
        ("nine commuters, each holding a tulip", [("commuter", 9), ("tulip", 1)]),
        ("five sardines in a row, above them a lemon", [("sardine", 5), ("lemon", 1)]),
        ("a fairy and a troll who are best friends", [("fairy", 1), ("troll", 1)]),
        ("a judge who is an owl", [("owl", 1)]),
        ("two dogs and one is a puppy", [("dog", 1), ("dog", 1)]),
        ("the beaver is a plumber", [("beaver", 1)]),
        ("a truck that has shark teeth", [("truck", 1)]),
        ("A toddler eats a cantaloupe. A dog crawls toward the fruit.", [("toddler", 1), ("cantaloupe", 1), ("dog", 1)]),
        ("A stack of 3 bricks. A green brick is on a white brick. The white brick is on a purple brick.", [("brick", 1), ("brick", 1), ("brick", 1)]),
        ("old man sell lollipops", [("man", 1), ("lollipop", 2)]),
        ("shrimp deadlifting a barbell", [("shrimp", 1), ("barbell", 1)]),
        ("four clownfish circle around a hand", [("clownfish", 4), ("hand", 1)]),
        ("a gift box exploding with confetti", [("gift box", 1)]),
    ],
)
def test_nobody_is_drawn_twice(brief: str, expected: list[tuple[str, int]]) -> None:
    assert counts(brief) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a plinth, soft sage backdrop", "a soft sage backdrop"),
        ("two lovebirds, pink gradient", "a pink gradient"),
        ("five sardines, white linen", "on white linen"),
        ("a mug. The backdrop is a blurred sunny terrace.", "a blurred sunny terrace"),
        ("a girl, cherry blossoms background", "a cherry blossoms background"),
        ("a cheetah at the starting line", "at the starting line"),
        ("a lemur in a philosophy lecture", "in a philosophy lecture"),
        ("a bear on a patch of clover", "on a patch of clover"),
        ("a fox on a skyscraper, lightning everywhere", "lightning"),
    ],
)
def test_where_things_are_is_behind_them(brief: str, expected: str) -> None:
    assert expected in parse(brief).background


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a house with an ogre inside", ("inside", 1, 0)),
        ("a yurt, in front there is 2 yak", ("front", 1, 0)),
        ("On a blanket lie a hamper and a jug", ("on", 2, 0)),
        ("A scooter stands on a road. On its seat rest two helmets.", ("on", 1, 0)),
        ("Behind the goose waddle two ducklings.", ("behind", 1, 0)),
        ("a tugboat a few meters behind a yacht", ("behind", 0, 1)),
        ("a kite. Far below, a wreck", ("below", 1, 0)),
        ("a vespa in front of a peeling yellow garage", ("front", 0, 1)),
        ("a parrot on the captain's hat", ("on", 0, 1)),
    ],
)
def test_how_it_stands(brief: str, expected: tuple[str, int, int]) -> None:
    assert expected in [(r.kind, r.a, r.b) for r in parse(brief).relations]


def test_a_neighbour_of_the_centre_has_its_side() -> None:
    things = [Thing("pawn", place="centre"), Thing("rook")]
    made = arrange(things, [Relation("left", 1, 0)])
    assert holds(Relation("left", 1, 0), made.boxes)
    assert abs(sum(made.boxes[0][0][::2]) / 2 - 0.5) < 0.1


def test_what_is_inside_stays_inside_when_something_is_on_top() -> None:
    made = arrange([Thing("aquarium"), Thing("castle"), Thing("crab")], [Relation("inside", 1, 0), Relation("on", 2, 0)])
    host, guest = made.boxes[0][0], made.boxes[1][0]
    assert host[1] <= guest[1]
    assert guest[3] <= host[3]
