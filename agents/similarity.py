"""Which subjects of a brief look alike, so that a diffusion model may blend them.

Four signs, any of which is enough: the same head noun ("a red car", "a racing car"); both nouns in one group of the
table below, whose members image models are known to confuse (same body plan or same outline); nouns spelled nearly alike
("motorbike", "motorcycle"); and, for nouns that are in no group, kinds: such a noun
stands in the groups of what it is nearest to in WordNet (`near.txt`; ocelot: cat), and is like that and whatever else is nearest to it. The table is about looks, not meaning: an orange is like a
basketball, and a dog is not like a dog bowl.

The cosine of text embeddings, as others measure likeness, is not among them: no encoder is loaded while a brief is planned, and
words decide the same way on every machine. Whoever knows better says which pairs: `said`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import combinations
from pathlib import Path

from cutwork.domain import Subject
from cutwork.errors import BadInput
from cutwork.plurals import singular

ALIKE_SPELLING = 0.82  # SequenceMatcher ratio of nouns of five letters or more
NEAR = Path(__file__).resolve().parent.parent / "tools" / "families" / "mini" / "near.txt"  # read as data: importing its package would load torch

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

def _groups() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group, members in GROUPS.items():
        for member in members.split():
            found.setdefault(member.replace("-", " "), set()).add(group)
    return {noun: frozenset(groups) for noun, groups in found.items()}


_GROUPS_OF = _groups()
_HYPHENATED = {noun.replace(" ", "-"): noun for noun in _GROUPS_OF}


def similar_pairs(subjects: Sequence[Subject]) -> tuple[tuple[str, str], ...]:
    """Ids of subjects that resemble each other, in the order of the subjects."""
    return tuple((a.id, b.id) for a, b in combinations(subjects, 2) if alike(a.noun, b.noun))


def said(pairs: Iterable[str], subjects: Sequence[Subject]) -> tuple[tuple[str, str], ...]:
    """Ids of the pairs that somebody named, "tiger, leopard" each, in the order of the subjects and none twice.

    Raises:
        BadInput: if a pair is not two names with a comma between, or a name is no subject's noun, phrase or id, or both are one subject's.
    """
    places = {name.lower(): i for i, s in reversed(list(enumerate(subjects))) for name in (s.id, s.phrase, s.noun)}
    found = set()
    for pair in pairs:
        names = [" ".join(name.lower().split()) for name in pair.split(",")]
        if len(names) != 2 or not all(names):
            raise BadInput(f"a pair of similar subjects is {pair!r}, wanted two names with a comma between, such as 'tiger,leopard'")
        at = [places.get(name, places.get(singular(name))) for name in names]
        if None in at or at[0] == at[1]:
            raise BadInput(f"similar subjects {pair!r} are not two of this plan's: {', '.join(s.noun for s in subjects) or 'it has none'}")
        found.add(tuple(sorted(i for i in at if i is not None)))
    return tuple((subjects[i].id, subjects[j].id) for i, j in sorted(found))


def alike(first: str, second: str) -> bool:
    """Whether two nouns name things of like looks."""
    a, b = _known(first), _known(second)
    if a == b or _head(a) == _head(b):
        return True
    if (_groups_of(a) or _groups_of(_near(a))) & (_groups_of(b) or _groups_of(_near(b))):
        return True
    if min(len(a), len(b)) >= 5 and SequenceMatcher(None, a, b, autojunk=False).ratio() >= ALIKE_SPELLING:
        return True
    if _groups_of(a) and _groups_of(b):
        return False  # the table knows looks; kinds are for what it does not know
    return _near(a) == b or _near(b) == a or (_near(a) != "" and _near(a) == _near(b))


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


def _near(noun: str) -> str:
    """What a noun, else its head, is nearest to; "" if nothing is near."""
    return _nearest().get(noun) or _nearest().get(noun.rpartition(" ")[2], "")


@cache
def _nearest() -> dict[str, str]:
    """What each noun is nearest to among the things that the embedded model can be trained on."""
    lines = NEAR.read_text(encoding="utf-8").splitlines()
    return {noun: near.partition("|")[0] for noun, near in (line.split("\t") for line in lines)}
