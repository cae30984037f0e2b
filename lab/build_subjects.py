"""Adds tier 3 to `lab/subjects.csv`: what else of the art is a thing one could ask for, named as emojibase names it.

    npm pack emojibase-data@17.0.0      (unpack it)
    python -m cutwork.lab.build_subjects EMOJIBASE/en/data.json

Tiers 0 to 2 are chosen and named by hand and stay as they are.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from pathlib import Path

from .art import SUBJECTS, fetch, rows

GROUPS = {3: "animal", 4: "food", 5: "travel", 6: "activity", 7: "object"}
SCENES = re.compile(r"o.clock|thirty|\bjapan\b|sunrise|sunset|dusk|night|cityscape|milky way|hot springs|bridge at|foggy|park$|barber|litter|map$|globe|face$|faced|moon$|castle|button|no |prohibited|symbol|keycap")
CLUMSY = re.compile(r"\b(with|on|in|of|and|not|oncoming|incoming|arrow|place medal|tilted|low|medium|muted|tray|suit|locked|unlocked|construction|baby chick|airplane \w+|card index)\b")
PEOPLE = re.compile(r"\b(person|people|man|woman|men|women|boy|girl|hand|hands|fingers?)\b")


def named(label: str) -> str:
    """The label as a noun one would write: lower case, letters, hyphens and single spaces."""
    plain = unicodedata.normalize("NFKD", label.lower().replace("’", "'"))
    return " ".join(re.sub(r"[^a-z' -]", " ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def found(entries: list[dict[str, object]], subgroups: dict[str, str]) -> list[dict[str, str]]:
    """Rows for all that have art, a name of their own and no row yet."""
    folder, known = fetch(), rows()
    nouns = {name for row in known for name in (row["noun"], *row["synonyms"].split("|"))}
    drawn = {row["codepoint"] for row in known}
    new = []
    for entry in sorted(entries, key=lambda e: int(str(e.get("order", 10**6)))):
        label, code = str(entry["label"]), str(entry["hexcode"]).lower()
        bare = code.removesuffix("-fe0f")
        noun = named(label)
        there = any((folder / f"{name}.webp").exists() for name in (bare, f"{bare}-fe0f"))
        if entry.get("group") not in GROUPS or not there or {code, bare} & drawn or noun in nouns or any(p.search(noun) for p in (SCENES, CLUMSY, PEOPLE)):
            continue
        nouns.add(noun)
        kind = subgroups.get(str(entry.get("subgroup")), GROUPS[int(str(entry["group"]))])
        new.append({"noun": noun, "codepoint": bare, "tier": "3", "group": kind, "synonyms": ""})
    return new


def main() -> None:
    data = Path(sys.argv[1])
    entries = json.loads(data.read_text("utf-8"))
    names = json.loads((data.parents[1] / "meta" / "groups.json").read_text("utf-8"))["subgroups"]
    kept = [row for row in rows() if row["tier"] != "3"]
    with SUBJECTS.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, kept[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(kept)
    more = found(entries, names)
    with SUBJECTS.open("a", encoding="utf-8", newline="") as out:
        csv.DictWriter(out, kept[0].keys(), lineterminator="\n").writerows(more)


if __name__ == "__main__":
    main()
