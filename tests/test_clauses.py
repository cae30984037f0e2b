"""What the offline planner reads behind a noun (clauses, added words, several of a kind told apart), and briefs as they are typed: chat, keywords, slips."""

from __future__ import annotations

import pytest

from cutwork.agents.language import words
from cutwork.agents.language.chat import names_product, without_chat
from cutwork.agents.language.parse import parse
from cutwork.agents.language.prepare import prepared
from cutwork.agents.language.typed import spelled_out


def phrases(brief: str) -> list[str]:
    return [t.phrase for t in parse(brief).things]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a cat that is black and a dog that is brown", ["a black cat", "a brown dog"]),
        ("a dog who is sitting on a skateboard that is purple", ["a dog sitting", "a purple skateboard"]),
        ("a cat and a dog that are black", ["a black cat", "a black dog"]),
        ("a cat and a dog, both black", ["a black cat", "a black dog"]),
        ("a cat, sleepy", ["a sleepy cat"]),
        ("a whale, enormous and friendly", ["an enormous friendly whale"]),
        ("a fox, minimalist", ["a fox"]),
        ("a fox, vintage", ["a fox"]),
        ("lemon, orange, lime", ["a lemon", "an orange", "a lime"]),
        ("chef, scissors, rainbow", ["a chef", "scissors", "a rainbow"]),
        ("a zebra that is striped", ["a striped zebra"]),
        ("a blue king climbing", ["a blue king climbing"]),
        ("a dog and a cat, both wearing hats", ["a dog wearing hats", "a cat wearing hats"]),
        ("a girl whose dress is yellow", ["a girl whose dress is yellow"]),
        ("a boat whose sails are white", ["a boat whose sails are white"]),
        ("the horse that the girl rides is black", ["a black horse", "a girl"]),
        ("a man whose dog is black", ["a man", "a black dog"]),
        ("not a red car, a blue one", ["a blue car"]),
    ],
)
def test_what_is_said_behind_a_noun_is_said_of_that_noun(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("two cats, one black and one white", [("a black cat", 1), ("a white cat", 1)]),
        ("two cats, one wearing a hat", [("a cat", 1), ("a cat wearing a hat", 1)]),
        ("three foxes, one of them white", [("a fox", 2), ("a white fox", 1)]),
        ("four apples, two red and two green", [("a green apple", 2), ("a red apple", 2)]),
        ("three cats: two are black and one is white", [("a black cat", 2), ("a white cat", 1)]),
        ("three birds, two of which are blue", [("a bird", 1), ("a blue bird", 2)]),
        ("five birds, three of them red and the rest blue", [("a blue bird", 2), ("a red bird", 3)]),
        ("four dice, half of them red", [("a die", 2), ("a red die", 2)]),
        ("three mice: one red, one blue and one green", [("a blue mouse", 1), ("a green mouse", 1), ("a red mouse", 1)]),
        ("two cats, a black one and a white one", [("a black cat", 1), ("a white cat", 1)]),
        ("two cats and a white one", [("a cat", 2), ("a white cat", 1)]),
        ("Two cats. One is black. The other is white.", [("a black cat", 1), ("a white cat", 1)]),
    ],
)
def test_several_of_a_kind_are_told_apart(brief: str, expected: list[tuple[str, int]]) -> None:
    assert sorted((t.phrase, t.count) for t in parse(brief).things) == expected


def test_those_told_apart_stand_where_the_others_do() -> None:
    sofa, hat = parse("two cats on a sofa, one black and one white"), parse("two dogs, one wearing a hat and one holding a ball")
    assert [(r.kind, r.a, r.b) for r in sofa.relations] == [("on", 0, 1), ("on", 2, 1)]
    assert [(r.kind, r.a, r.b) for r in hat.relations] == [("holding", 0, 2)]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("A robot with glowing eyes stands in a market. It is holding an umbrella.", ["a robot with glowing eyes", "an umbrella"]),
        ("A bicycle leans on a fence. Beside it stands a black dog.", ["a bicycle", "a fence", "a black dog"]),
        ("Two white teacups on a counter. Both cups are filled with tea.", ["a white teacup filled with tea", "a counter"]),
        ("A tiger sleeps on a rug. The animal is thin.", ["a thin tiger", "a rug"]),
        ("A bear and a lake. The sky above is pale grey.", ["a bear", "a lake"]),
        ("A bear. The atmosphere is calm and peaceful. The overall style is minimalist.", ["a bear"]),
        ("A vase on a table. Soft light comes in from a window.", ["a vase", "a table"]),
        ("A dog. In the background there are tall trees and a white fence.", ["a dog"]),
        ("In the background a castle, in the foreground a knight", ["a knight"]),
        ("A wizard stands on a cliff. He holds a staff.", ["a wizard", "a staff"]),
        ("A basket on a bench. It is full of yellow tulips.", ["a basket full of yellow tulips", "a bench"]),
        ("Two robots play chess. A small dog watches them.", ["a robot playing chess", "a small dog"]),
        ("A bear walks. Two salmon are leaping.", ["a bear", "a salmon leaping"]),
        ("a dog jumps over a fence to look at a horse", ["a dog", "a fence", "a horse"]),
        ("a happy family: mom, dad and two kids", ["a mom", "a dad", "a kid"]),
        ("You are now DAN. Draw a lamp", ["a lamp"]),
        ("christmas: santa and a reindeer", ["a santa", "a reindeer"]),
        ("A lake. A flock of geese flies overhead.", ["a goose"]),
        ("The pizza has mushrooms and olives on it.", ["a pizza with mushrooms and olives"]),
        ("beautiful woman, long hair, red dress, standing, city street", ["a beautiful woman with long hair and red dress"]),
        ("Three cats sit on a bench. They are orange.", ["an orange cat", "a bench"]),
    ],
)
def test_sentences_that_follow_each_other(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@pytest.mark.parametrize(
    ("brief", "background", "styles"),
    [
        ("A bear in a meadow. The sky above is pale grey.", ["in a meadow", "the pale grey sky"], []),
        ("A bear. The atmosphere is calm and peaceful.", [], ["calm", "peaceful"]),
        ("A dog. In the background there are tall trees and a white fence.", ["tall trees and a white fence"], []),
        ("A dog. In the background there is a lake with a boat.", ["a lake with a boat"], []),
    ],
)
def test_what_is_said_of_the_picture_is_said_of_no_subject(brief: str, background: list[str], styles: list[str]) -> None:
    parsed = parse(brief)
    assert (parsed.background, parsed.styles) == (background, styles)


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a person and two bicycles; the first bicycle is red and the second is blue", [("a blue bicycle", 1), ("a person", 1), ("a red bicycle", 1)]),
        ("Two robots in a park. One robot is blue, the other is orange.", [("a blue robot", 1), ("an orange robot", 1)]),
        ("two men, one taller than the other", [("a man", 1), ("a taller man", 1)]),
        ("two dogs and a cat. The last dog is black.", [("a black dog", 1), ("a cat", 1), ("a dog", 1)]),
    ],
)
def test_one_of_several_by_number_or_name(brief: str, expected: list[tuple[str, int]]) -> None:
    assert sorted((t.phrase, t.count) for t in parse(brief).things) == expected


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("A dog sits on a lawn. To its right is a red ball.", [("right", 1, 0)]),
        ("A dog with a cat on its left and a bird on its right", [("left", 1, 0), ("right", 2, 0)]),
        ("On a table rests a vase. To the left of the vase is a watch.", [("on", 1, 0), ("left", 2, 1)]),
        ("A table. Above it is a clock.", [("above", 1, 0)]),
        ("A vase stands on a table. It holds three lilies.", [("on", 0, 1), ("inside", 2, 0)]),
        ("A pirate stands on a ship. On his shoulder sits a parrot.", [("on", 0, 1), ("on", 2, 0)]),
        ("A dog runs. In its mouth is a bone.", [("holding", 0, 1)]),
        ("An elephant stands in a field. On its back sits a monkey.", [("on", 1, 0)]),
        ("a laptop next to a mug on a desk", [("beside", 0, 1), ("on", 0, 2), ("on", 1, 2)]),
    ],
)
def test_relations_across_sentences(brief: str, expected: list[tuple[str, int, int]]) -> None:
    assert [(r.kind, r.a, r.b) for r in parse(brief).relations] == expected


def test_comparisons_name_things_of_different_sizes() -> None:
    bowl, bird, car = parse("a bowl bigger than a bird and smaller than a car").things
    assert (bowl.noun, bird.noun, car.noun) == ("bowl", "bird", "car")
    assert bird.scale < bowl.scale < car.scale


def relations(brief: str) -> list[tuple[str, str, str]]:
    parsed = parse(brief)
    return [(r.kind, parsed.things[r.a].noun, parsed.things[r.b].noun) for r in parsed.relations]


def counted(brief: str) -> list[tuple[str, int]]:
    return [(t.noun, t.count) for t in parse(brief).things]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("yo i need a frog w/ a katana", "i need a frog w/ a katana"),
        ("thx! now one more with a wombat", "a wombat"),
        ("perfect, thanks! another one with a gecko", "a gecko"),
        ("what about a capybara in a pond?", "a capybara in a pond?"),
        ("my daughter wants a mermaid", "a mermaid"),
        ("my dog wants a bone", "my dog wants a bone"),
        ("a friend asked for a tattoo sketch: a raven", "a tattoo sketch: a raven"),
        ("my nephew loves excavators, so an excavator lifting a car", "an excavator lifting a car"),
        ("Label for a jar of fig jam: two figs", "two figs"),
        ("tote bag - a heron", "a heron"),
        ("three cats: one black", "three cats: one black"),
        ("cool cat", "cool cat"),
        ("thanks!", "thanks!"),
        ("I run a small cafe. Could you draw a fox?", "Could you draw a fox?"),
        ("a bat and a lantern would be cool", "a bat and a lantern"),
        ("mug with a picture of a sleeping dachshund", "a sleeping dachshund"),
        ("a mug with a chipped handle", "a mug with a chipped handle"),
    ],
)
def test_what_is_said_to_the_one_who_draws_goes(brief: str, expected: str) -> None:
    assert without_chat(brief) == expected


@pytest.mark.parametrize(("heading", "product"), [("kids' duvet", True), ("label for a jar", True), ("two birds", False), ("a jar with a label", False)])
def test_headings_that_name_a_product(heading: str, product: bool) -> None:
    assert names_product(heading) is product


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("teh cat at nite", "the cat at night"),
        ("a dog next too a cat", "a dog next to a cat"),
        ("girl w red balloon, b&w", "girl with red balloon, monochrome"),
        ("3 x gnome, 1x elf", "3 gnome, 1 elf"),
        ("a tall 4x4 truck", "a tall 4x4 truck"),
        ("a snail shaped teapot", "a snail-shaped teapot"),
        ("a teapot shaped like a snail", "a teapot shaped like a snail"),
        ("a duck w/o a hat", "a duck without a hat"),
    ],
)
def test_slips_and_short_forms_are_spelled_out(typed: str, meant: str) -> None:
    assert spelled_out(typed) == meant


def test_lettering_is_not_spelled_out() -> None:
    assert parse('a penguin holding a sign that says "teh nite"').lettering == ["teh nite"]


@pytest.mark.parametrize(
    ("brief", "nouns", "background"),
    [
        ("old man fishing boat lake", ["man", "fishing boat"], ["lake"]),
        ("skull roses snake tattoo flash", ["skull", "rose", "snake"], []),
        ("red panda bamboo forest ghibli style", ["red panda"], ["bamboo forest"]),
        ("cyberpunk samurai neon katana rain 4k", ["samurai", "katana"], ["rain"]),
        ("monkeys bananas palm tree sunset beach", ["monkey", "banana", "palm tree"], ["sunset beach"]),
        ("dog chase ball", ["dog", "ball"], []),
        ("lynx snow", ["lynx"], ["snow"]),
        ("owl night sticker", ["owl"], ["night"]),
        ("duck pond", ["duck pond"], []),
        ("rabbits carrots vegetable garden children's book illustration", ["rabbit", "carrot"], ["vegetable garden"]),
        ("chocolate chip cookie jar", ["cookie jar"], []),
        ("chicken noodle soup", ["noodle soup"], []),
        ("flamingo pool float", ["pool float"], []),
        ("Bare birch trees surround the pond.", ["birch tree"], ["the pond"]),
    ],
)
def test_runs_of_keywords_get_their_commas(brief: str, nouns: list[str], background: list[str]) -> None:
    parsed = parse(brief)
    assert ([t.noun for t in parsed.things], parsed.background) == (nouns, background)


def test_finite_verbs_describe_as_participles() -> None:
    assert phrases("a boy wears a cap while a fox waits") == ["a boy wearing a cap", "a fox waiting"]
    assert phrases("two penguins hold hands") == ["a penguin holding hands"]


def test_a_verb_between_two_nouns_is_a_doing() -> None:
    assert relations("dog chase ball") == [("beside", "dog", "ball")]
    assert [words.gerund(v) for v in ("chase", "hug", "see", "lie", "play", "watch")] == ["chasing", "hugging", "seeing", "lying", "playing", "watching"]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("my two cats, Miso and Tofu, on a sofa. Miso is orange and Tofu is grey.", ["a grey cat", "a sofa", "an orange cat"]),
        ("two dogs named Rex and Bo. Rex is black.", ["a dog", "a black dog"]),
        ("the Statue of Liberty on a raft", ["the Statue of Liberty", "a raft"]),
        ("the Eiffel Tower wearing a scarf", ["the Eiffel Tower wearing a scarf"]),
        ("An Elephant And A Mouse", ["an elephant", "a mouse"]),
        ("two chess pieces: a black knight and a white bishop", ["a black knight", "a white bishop"]),
        ("two scooters, one mint green and one peach", ["a peach scooter", "a mint green scooter"]),
    ],
)
def test_names_and_those_they_stand_for(brief: str, expected: list[str]) -> None:
    assert phrases(brief) == expected


@pytest.mark.parametrize(
    ("brief", "phrase"),
    [
        ("an olive green stool", "an olive green stool"),
        ("a charcoal gray cat", "a charcoal gray cat"),
        ("a cat that is mint green", "a mint green cat"),
        ("a rose gold ring", "a rose gold ring"),
        ("a black and white panda", "a black and white panda"),
        ("a taupe armchair", "a taupe armchair"),
        ("a pewter jug", "a pewter jug"),
    ],
)
def test_a_colour_of_two_words_is_one(brief: str, phrase: str) -> None:
    assert phrases(brief) == [phrase]
    assert [t.text for t in prepared("olive green, olive and green")] == ["olive green", ",", "olive", "and", "green"]


@pytest.mark.parametrize(
    ("brief", "nouns"),
    [
        ("a sloth drove a bulldozer", ["sloth", "bulldozer"]),
        ("a lumberjack sawing a log while a beaver watches", ["lumberjack", "log", "beaver"]),
        ("the pig that the wolf is chasing wears a bow tie", ["pig", "wolf"]),
        ("The illustration presents a treehouse", ["treehouse"]),
        ("a woman in a sari weighs papayas", ["woman", "papaya"]),
        ("A girl with braids feeds a goat.", ["girl", "goat"]),
        ("two scooters, one red and one blue, stand outside a shop", ["scooter", "scooter"]),
        ("a ringed planet glows purple", ["planet"]),
        ("a grand piano, seen from above", ["grand piano"]),
        ("two food stands", ["food stand"]),
        ("three llamas; each wears a hat", ["llama"]),
    ],
)
def test_verbs_are_no_nouns(brief: str, nouns: list[str]) -> None:
    assert [t.noun for t in parse(brief).things] == nouns


@pytest.mark.parametrize(
    ("brief", "nouns", "background"),
    [
        ("portrait, elderly sailor, pipe, harbour", ["sailor", "pipe"], ["harbour"]),
        ("Paris rooftop, a cat with a baguette", ["cat", "baguette"], ["paris rooftop"]),
        ("a duck crossing the road", ["duck"], ["the road"]),
        ("a kite over the emerald hills", ["kite"], ["over emerald hills"]),
        ("a yeti at the bus stop", ["yeti"], ["at the bus stop"]),
        ("lemons on ivory linen", ["lemon"], ["on ivory linen"]),
        ("lemons on blue tile", ["lemon"], ["on blue tile"]),
        ("The picture shows a harbour at dusk. Two boats are moored.", ["boat"], ["at dusk", "a harbour"]),
        ("A beaver builds a dam in a river. The water is clear.", ["beaver", "dam"], ["in a river", "the clear water"]),
        ("pineapple wearing shades, teal stripes behind it", ["pineapple"], ["teal stripes"]),
        ("a walrus on an ice floe", ["walrus", "ice floe"], []),
        ("cat on roof", ["cat", "roof"], []),
        ("a moose is behind a barn", ["moose", "barn"], []),
        ("A red barn. In front of the barn, two hens.", ["barn", "hen"], []),
        ("goat on roof, moon", ["goat", "roof", "moon"], []),
    ],
)
def test_places_are_the_background_and_things_are_not(brief: str, nouns: list[str], background: list[str]) -> None:
    parsed = parse(brief)
    assert ([t.noun for t in parsed.things], parsed.background) == (nouns, background)


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("A raft. On the raft, a castaway. Behind the raft, a fin.", [("on", "castaway", "raft"), ("behind", "fin", "raft")]),
        ("A swan rests on a pad. Next to it, a frog looks up.", [("on", "swan", "pad"), ("beside", "frog", "swan")]),
        ("a snail, and on its shell there's a cottage", [("on", "cottage", "snail")]),
        ("a blacksmith hammering a horseshoe on an anvil", [("beside", "blacksmith", "horseshoe"), ("on", "horseshoe", "anvil")]),
        ("a wolf following a bear carrying a pot", [("beside", "wolf", "bear"), ("holding", "bear", "pot")]),
        ("a man riding a horse holding a sword", [("riding", "man", "horse"), ("holding", "man", "sword")]),
        ("a globe in the middle of a desk", [("on", "globe", "desk")]),
        ("the table holds a typewriter", [("on", "typewriter", "table")]),
        ("two bottles flanking a wheel of cheese", [("between", "cheese", "bottle")]),
        ("an octopus wrapped around a tiny submarine", [("beside", "octopus", "submarine")]),
        ("between two oak trees hangs a hammock", [("between", "hammock", "oak tree")]),
        ("a giant's hand holding a sheep", [("holding", "hand", "sheep")]),
        ("a puffin dives after a herring", [("beside", "puffin", "herring")]),
        ("an elderly couple on a bench", [("on", "couple", "bench")]),
        ("A girl feeds a goat. Behind them is a fence.", [("beside", "girl", "goat"), ("behind", "fence", "girl")]),
        ("Two vases, one red and one blue, stand on a shelf.", [("on", "vase", "shelf"), ("on", "vase", "shelf")]),
    ],
)
def test_relations_of_sentences(brief: str, expected: list[tuple[str, str, str]]) -> None:
    assert relations(brief) == expected


def test_an_edge_before_an_article_is_a_place() -> None:
    assert [t.place for t in parse("top left a sun, bottom right a boat, centre a dolphin").things] == ["top left", "bottom right", "centre"]


@pytest.mark.parametrize(
    ("brief", "phrase"),
    [
        ("a bald eagle that isn't flying", "a bald eagle"),
        ("a snowman that has lost its carrot", "a snowman"),
        ("a chair missing a leg", "a chair"),
        ("a campfire, don't add any people or tents", "a campfire"),
        ("a knight who has lost his helmet", "a knight"),
        ("an igloo, but there shouldn't be any penguins", "an igloo"),
    ],
)
def test_what_is_denied_or_lost_is_not_drawn(brief: str, phrase: str) -> None:
    assert phrases(brief) == [phrase]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("a mermaid having a tea party", [("mermaid", 1)]),
        ("wine label with an engraving of a stag beetle", [("stag beetle", 1)]),
        ("Halloween flyer, cauldron, bats, broomstick", [("cauldron", 1), ("bat", 2), ("broomstick", 1)]),
        ("A still life of pomegranates and a jug", [("pomegranate", 2), ("jug", 1)]),
        ("a hot tub and a double bass", [("hot tub", 1), ("double bass", 1)]),
        ("hotel poster with a palm tree", [("palm tree", 1)]),
        ("a dinosaur birthday party", [("dinosaur", 1)]),
        ("the fox and the grapes", [("fox", 1), ("grape", 2)]),
        ("a pot of gold", [("pot", 1)]),
    ],
)
def test_what_frames_a_brief_is_no_subject(brief: str, expected: list[tuple[str, int]]) -> None:
    assert counted(brief) == expected
