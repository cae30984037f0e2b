"""Which subjects of a brief look alike, so that a diffusion model may blend them.

Three signs, any of which is enough: the same head noun ("a red car", "a racing car"); both nouns in one group of the
table below, whose members image models are known to confuse (same body plan or same outline); nouns spelled nearly alike
("motorbike", "motorcycle"). A text embedding, where one is at hand, adds a fourth. The table is about looks, not
meaning: an orange is like a basketball, and a dog is not like a dog bowl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations
from math import sqrt
from typing import Any

from cutwork.agents.words import singular
from cutwork.domain import Subject

ALIKE_SPELLING = 0.82  # SequenceMatcher ratio of nouns of five letters or more
ALIKE_MEANING = 0.8  # cosine of embedded phrases

# One line a group; a word may stand in several. Two words are written with a dash.
GROUPS: dict[str, str] = {
    "small predators": "cat kitten kitty dog puppy fox wolf coyote jackal lynx bobcat raccoon red-panda corgi husky poodle terrier beagle bulldog retriever hyena dingo",
    "big cats": "lion lioness tiger leopard cheetah jaguar panther puma cougar lynx cat kitten snow-leopard wolf fox dog",
    "bears": "bear panda polar-bear teddy-bear koala grizzly sloth gorilla bear-cub",
    "hoofed": "horse pony foal zebra donkey mule cow bull calf ox buffalo bison yak deer elk moose reindeer antelope gazelle stag llama alpaca camel giraffe unicorn okapi",
    "woolly": "sheep lamb goat ram llama alpaca poodle",
    "pigs": "pig piglet boar hog warthog tapir hippo hippopotamus rhino rhinoceros",
    "heavy": "elephant mammoth rhino rhinoceros hippo hippopotamus",
    "small and furry": "mouse rat hamster gerbil guinea-pig squirrel chipmunk rabbit bunny hare ferret weasel otter beaver mole hedgehog badger skunk meerkat marmot possum",
    "apes": "monkey ape gorilla chimpanzee chimp orangutan baboon lemur gibbon",
    "pouched": "kangaroo wallaby koala wombat",
    "songbirds": "bird sparrow robin finch canary bluebird bluejay jay crow raven blackbird starling swallow magpie pigeon dove parrot parakeet budgie cockatoo macaw hummingbird woodpecker",
    "raptors": "eagle hawk falcon owl vulture condor kite buzzard osprey",
    "fowl": "chicken hen rooster cockerel chick duck duckling goose swan turkey pheasant quail peacock penguin bird",
    "waders": "flamingo heron stork crane egret ibis pelican ostrich emu",
    "sea birds": "seagull gull albatross penguin puffin pelican tern",
    "fish": "fish goldfish salmon trout tuna carp koi cod shark pufferfish clownfish angelfish piranha swordfish catfish tropical-fish",
    "sea mammals": "whale dolphin orca porpoise shark seal sea-lion walrus manatee narwhal",
    "tentacles": "octopus squid jellyfish cuttlefish",
    "shellfish": "crab lobster shrimp prawn crayfish scorpion",
    "reptiles": "lizard gecko iguana chameleon salamander newt crocodile alligator dragon dinosaur komodo-dragon t-rex",
    "long and thin": "snake worm eel caterpillar centipede",
    "shells": "turtle tortoise snail",
    "hoppers": "frog toad",
    "insects": "bee wasp hornet fly ant beetle ladybug ladybird bug cricket grasshopper cockroach mosquito firefly",
    "winged insects": "butterfly moth dragonfly bee",
    "eight legs": "spider tarantula scorpion crab",
    "people": "person man woman boy girl child kid baby toddler teenager guy lady gentleman human",
    "costumed": "knight soldier king queen prince princess wizard witch pirate ninja samurai viking astronaut cowboy clown detective superhero",
    "workers": "doctor nurse chef cook farmer police-officer policeman firefighter pilot teacher scientist judge student mechanic artist singer dancer builder",
    "spirits": "ghost alien monster ogre goblin troll zombie vampire skeleton demon robot android mummy",
    "fairies": "fairy angel elf mermaid genie",
    "cars": "car taxi cab sedan limousine jeep suv van minivan pickup truck lorry bus trolleybus ambulance fire-truck police-car racing-car race-car sports-car minibus camper",
    "heavy vehicles": "truck lorry bus tractor bulldozer excavator tank train tram locomotive fire-truck school-bus combine-harvester",
    "two wheels": "bicycle bike motorcycle motorbike scooter moped tricycle",
    "aircraft": "airplane plane aeroplane jet airliner helicopter glider fighter-jet biplane drone",
    "rockets": "rocket missile spaceship spacecraft space-shuttle shuttle ufo satellite",
    "boats": "boat ship sailboat yacht ferry canoe kayak raft speedboat rowboat submarine cruise-ship gondola",
    "balloons": "balloon hot-air-balloon blimp airship zeppelin parachute",
    "round fruit": "apple orange peach plum apricot tangerine mandarin clementine nectarine pomegranate tomato grapefruit melon cherry pear lemon lime mango persimmon",
    "berries": "strawberry raspberry blackberry blueberry cherry grape cranberry",
    "big fruit": "watermelon melon pumpkin cantaloupe coconut pineapple",
    "long vegetables": "carrot parsnip cucumber zucchini courgette corn leek celery banana chili chilli eggplant aubergine",
    "leafy": "lettuce cabbage broccoli cauliflower spinach kale",
    "roots": "potato sweet-potato onion garlic turnip beet radish ginger",
    "balls": "ball basketball football soccer-ball volleyball baseball tennis-ball bowling-ball beach-ball globe orange",
    "baked": "bread loaf bun croissant bagel baguette pretzel roll toast",
    "sweet baked": "cake cupcake muffin pie tart pancake waffle cookie biscuit donut doughnut brownie pastry macaron",
    "between bread": "hamburger burger cheeseburger sandwich hot-dog taco burrito wrap sub",
    "cold sweets": "ice-cream popsicle sundae sorbet gelato lollipop",
    "cups": "cup mug teacup glass goblet bowl pot teapot pitcher jug kettle vase bucket",
    "bottles": "bottle jar flask can wine-bottle beer-bottle thermos",
    "cutlery": "fork spoon knife chopstick ladle spatula",
    "pens": "pen pencil crayon marker brush paintbrush toothbrush",
    "seats": "chair armchair stool bench sofa couch throne",
    "tables": "table desk counter dining-table nightstand",
    "screens": "tv television tv-monitor monitor laptop computer tablet phone cell-phone smartphone screen",
    "white goods": "oven microwave refrigerator fridge washing-machine dishwasher stove toaster freezer",
    "bags": "bag handbag backpack suitcase purse briefcase satchel tote luggage",
    "hats": "hat cap beanie helmet crown sombrero fedora bonnet beret top-hat cowboy-hat",
    "shoes": "shoe boot sneaker sandal slipper high-heel trainer loafer",
    "tops": "shirt t-shirt jacket coat sweater hoodie vest blouse dress",
    "strings": "guitar violin cello ukulele banjo bass lute harp viola",
    "winds": "trumpet trombone saxophone flute clarinet tuba horn",
    "boards": "skateboard surfboard snowboard skis ski paddleboard",
    "rackets": "tennis-racket badminton-racket racket baseball-bat bat paddle hockey-stick",
    "flowers": "flower rose tulip daisy sunflower lily poppy peony carnation orchid dandelion lotus hibiscus",
    "trees": "tree oak pine palm palm-tree birch willow maple fir christmas-tree bush shrub",
    "desert plants": "cactus aloe succulent agave",
    "houses": "house cottage cabin hut barn home villa mansion church castle palace temple",
    "towers": "tower lighthouse skyscraper castle windmill obelisk",
    "sky discs": "moon sun planet earth globe saturn",
    "books": "book notebook magazine diary album",
    "clocks": "clock watch alarm-clock stopwatch compass wristwatch",
    "edged": "sword dagger knife axe katana spear",
    "boxes": "box chest crate gift present package suitcase trunk",
    "soft toys": "teddy-bear plush doll toy rag-doll bear",
}  # fmt: skip

Embed = Callable[[Sequence[str]], Any]


def _groups() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group, members in GROUPS.items():
        for member in members.split():
            found.setdefault(member.replace("-", " "), set()).add(group)
    return {noun: frozenset(groups) for noun, groups in found.items()}


_GROUPS_OF = _groups()
_HYPHENATED = {noun.replace(" ", "-"): noun for noun in _GROUPS_OF}


def similar_pairs(subjects: Sequence[Subject], embed: Embed | None = None) -> tuple[tuple[str, str], ...]:
    """Ids of subjects that resemble each other, in the order of the subjects.

    Args:
        subjects: as extracted.
        embed: phrases → one vector each (anything that can be iterated), from a text-embedding model.
    """
    close = set(_close_in_meaning(subjects, embed)) if embed is not None else set()
    return tuple((a.id, b.id) for a, b in combinations(subjects, 2) if (a.id, b.id) in close or alike(a.noun, b.noun))


def alike(first: str, second: str) -> bool:
    """Whether two nouns name things of like looks."""
    a, b = _known(first), _known(second)
    if a == b or _head(a) == _head(b):
        return True
    if _groups_of(a) & _groups_of(b):
        return True
    return min(len(a), len(b)) >= 5 and SequenceMatcher(None, a, b, autojunk=False).ratio() >= ALIKE_SPELLING


def _known(noun: str) -> str:
    words = singular(" ".join(noun.lower().split()))
    return _HYPHENATED.get(words, words)


def _head(noun: str) -> str:
    """What the compound is a kind of: its last word, unless the whole is a thing of its own in the table ("hot dog")."""
    return noun if noun in _GROUPS_OF else noun.rpartition(" ")[2]


def _groups_of(noun: str) -> frozenset[str]:
    # Only the longest known ending counts: a "hot dog" is no dog, a "shiba dog" is.
    words = noun.split()
    for start in range(len(words)):
        if groups := _GROUPS_OF.get(" ".join(words[start:])):
            return groups
    return frozenset()


def _close_in_meaning(subjects: Sequence[Subject], embed: Embed) -> Iterator[tuple[str, str]]:
    vectors = [[float(x) for x in vector] for vector in embed([s.phrase for s in subjects])]
    for (a, u), (b, v) in combinations(zip((s.id for s in subjects), vectors, strict=True), 2):
        size = sqrt(sum(x * x for x in u)) * sqrt(sum(y * y for y in v))
        if size and sum(x * y for x, y in zip(u, v, strict=True)) / size >= ALIKE_MEANING:
            yield a, b
