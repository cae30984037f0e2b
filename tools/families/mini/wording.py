"""What a plan says, in words the embedded model has learned: "an octopus wearing a hat in the jungle" is "an octopus in a forest" to it.

It was trained on a few hundred words. One it has not learned does not leave a picture as it is: it spoils it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from cutwork.colours import parse
from cutwork.errors import BadInput
from cutwork.plurals import plural
from cutwork.tools.repeats import colours

GROUNDS: dict[str, tuple[int, int, int]] = {  # red, green, blue of the backgrounds it has learned by name
    "red": (222, 56, 58),
    "orange": (245, 146, 52),
    "yellow": (250, 214, 70),
    "green": (86, 178, 88),
    "teal": (38, 160, 156),
    "blue": (66, 120, 226),
    "purple": (138, 84, 206),
    "pink": (246, 148, 190),
    "brown": (140, 94, 62),
    "gray": (150, 152, 158),
    "black": (34, 34, 40),
    "white": (246, 246, 248),
}
PATTERNS = ("gradient", "striped", "checkered", "dotted")
PLACES = {  # that it has learned, each with what is most like it
    "at the beach": "beach seaside seashore shore coast coastline island tropics lagoon harbour harbor pier",
    "in a meadow": "meadow field grass lawn park garden farm pasture prairie countryside hill hillside valley orchard savanna savannah playground yard picnic",
    "in space": "space galaxy cosmos universe stars starry night orbit moon mars planet nebula",
    "in the sky": "sky clouds cloud air heaven",
    "in the snow": "snow snowy winter ice icy arctic antarctica glacier christmas blizzard mountain mountains",
    "in the desert": "desert dune dunes sahara sand canyon",
    "under water": "underwater water sea ocean seabed reef lake river pond aquarium pool",
    "at sunset": "sunset sunrise dusk dawn evening twilight",
    "in a forest": "forest jungle rainforest wood woods woodland bamboo swamp autumn trees",
}
ADJECTIVES = (*GROUNDS, "grey", "grumpy", "happy", "cute", "sleepy", "fluffy", "funny", "angry", "old", "shiny", "cheerful", "lonely", "tiny", "small", "little", "big", "huge", "large")
UNLEARNED = "on a white background"  # what a place it knows nothing of becomes
HUE_FIRST = np.array([0.5, 1.0, 1.0])  # lightness counts for less: navy is a blue, not a black
COLOURED = 0.045  # chroma in Oklab from which a colour is no black, gray or white, however light or dark it is: mint, wine red
NEUTRAL = ("black", "gray", "white")
CALLED = {"grey": "gray", "violet": "purple", "lilac": "purple", "mint": "green", "tan": "brown", "chocolate": "brown", "maroon": "red", "burgundy": "red"}  # what people mean by these, whatever their looks are nearest to
GROUND = re.compile(r"(?:\ba |\ban |^)((?:[\w-]+ ){0,3}[\w-]+) background", re.IGNORECASE)
LEARNED = {  # plurals that its tokenizers know only as the captions spelled them that they were made from
    "volcano": "volcanos", "mango": "mangos", "blowfish": "blowfishes", "pufferfish": "pufferfishes", "glass of milk": "glass of milks", "cup of coffee": "cup of coffees",
}  # fmt: skip
ARTICLES = ("a", "an", "the", "one")
PLACE_OF = {word: place for place, words in PLACES.items() for word in words.split()}


def ground(background: str) -> tuple[str, str | None]:
    """A background in the model's words, and a sentence where that is something else."""
    words = re.findall(r"[\w-]+", background.lower())
    said = GROUND.search(background)
    if said is not None and (painted := _painted(said[1].lower().split())) is not None:
        return painted
    place = next((PLACE_OF[word] for word in words if word in PLACE_OF), None)
    if place is not None:
        own = not set(words) - set(place.split()) - set(ARTICLES) - {"on", "in", "at", "underwater", "with", "background"}
        return place, None if own else f"drew {background!r} as {place!r}"
    plain = not set(words) - {*ARTICLES, "plain", "simple", "clean", "background", "on"}
    return UNLEARNED, None if plain else f"the embedded model cannot draw {background!r}, so the background is white; it draws colours, and {', '.join(PLACES)}"


def _painted(words: Sequence[str]) -> tuple[str, str | None] | None:
    """A background of a colour, with its pattern; None if no colour is named."""
    pattern = next((word for word in words if word in PATTERNS), None)
    named = [word for word in words if word not in PATTERNS]
    ways = [" ".join(named[first:last]) for last in range(len(named), 0, -1) for first in range(last)]
    for name in ways:
        if (same := "gray" if name == "grey" else name) in GROUNDS:
            return _on(same, pattern), None
        with suppress(BadInput):
            learned = nearest_ground(name)
            return _on(learned, pattern), f"drew {article(name)} {name} background as {article(learned)} {learned} one"
    return None


def nearest_ground(name: str) -> str:
    """The background it has learned that a colour is called a kind of ("sky blue"), else the one that looks most like it.

    Raises:
        BadInput: if that is no colour.
    """
    colour = np.array(parse(name), np.uint8)
    last = name.split()[-1]
    if (called := CALLED.get(last, last)) in GROUNDS:
        return called
    seen = colours.oklab(colour)
    known = [one for one in GROUNDS if one not in NEUTRAL or np.hypot(*seen[1:]) < COLOURED]
    apart = (colours.oklab(np.array([GROUNDS[one] for one in known], np.uint8)) - seen) * HUE_FIRST
    return known[int(np.square(apart).sum(-1).argmin())]


def _on(colour: str, pattern: str | None) -> str:
    return f"on {article(colour)} {colour}{f' {pattern}' if pattern else ''} background"


def article(word: str) -> str:
    """"a" or "an"."""
    return "an" if word[:1] in "aeiou" else "a"


def several(noun: str) -> str:
    """More than one of it, as the model has learned to read it: "foxes", "volcanos"; what names several already stays ("grapes")."""
    name = next((one for one in LEARNED if noun == one or noun.endswith(f" {one}")), None)
    return plural(noun) if name is None else noun.removesuffix(name) + LEARNED[name]


def plainly(prompt: str, noun: str) -> str:
    """Of what a prompt says of a subject, what the model has learned: its noun, and before it article, size, mood and colour."""
    found = re.search(rf"((?:[\w'-]+,? +){{0,6}}){re.escape(noun)}(?!\w)", prompt, re.IGNORECASE)
    before = found[1].lower().replace(",", " ").split() if found else ["a"]
    told = [*(word for word in before if word in ADJECTIVES), noun]
    return " ".join([article(told[0]), *told]) if set(before) & set(ARTICLES) else " ".join(told)


def left_out(phrase: str, noun: str) -> str | None:
    """What a subject's phrase says beyond that, in its own words; None if nothing."""
    kept = {*ADJECTIVES, *ARTICLES, *noun.lower().split(), "two", "three", "four", "five", "some"}
    dropped = [word for word in re.findall(r"[\w'-]+", phrase) if word.lower() not in kept]
    return " ".join(dropped) or None
