"""English plurals and singulars of the nouns that briefs, prompts and captions are about: the one place that knows them.

Not a grammar: tables for what is irregular, rules for the rest. The head of a name is what changes: "glass of milk" is "glasses of milk". A plural of
something no table knows is taken for regular; a word that may be a singular as it stands ("tennis") is left alone.
"""

from __future__ import annotations

import re

IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "grandchild": "grandchildren", "person": "people", "foot": "feet", "tooth": "teeth", "ox": "oxen", "die": "dice",
    "mouse": "mice", "dormouse": "dormice", "louse": "lice", "goose": "geese", "mongoose": "mongooses", "cactus": "cacti", "fungus": "fungi", "oasis": "oases", "quiz": "quizzes",
    "knife": "knives", "penknife": "penknives", "wife": "wives", "housewife": "housewives", "midwife": "midwives", "life": "lives", "leaf": "leaves", "cloverleaf": "cloverleaves",
    "loaf": "loaves", "meatloaf": "meatloaves", "wolf": "wolves", "werewolf": "werewolves", "calf": "calves", "half": "halves", "elf": "elves", "shelf": "shelves", "bookshelf": "bookshelves",
    "scarf": "scarves", "hoof": "hooves", "thief": "thieves", "dwarf": "dwarves", "wharf": "wharves", "sheaf": "sheaves",
    "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes", "hero": "heroes", "superhero": "superheroes", "volcano": "volcanoes", "tornado": "tornadoes", "mosquito": "mosquitoes",
    "buffalo": "buffaloes", "torpedo": "torpedoes", "domino": "dominoes", "echo": "echoes",
}  # fmt: skip
UNCHANGED = frozenset(
    "sheep deer reindeer moose bison swine shrimp squid salmon trout aircraft spacecraft hovercraft offspring series species triceratops cyclops biceps triceps forceps chassis molasses maracas news mars mercedes hermes hercules".split()
)  # those in -fish too
# Written as plurals, drawn as one thing: "a pair of scissors" keeps its words.
PAIRED = frozenset("scissors glasses sunglasses goggles spectacles eyeglasses binoculars jeans trousers pants shorts leggings pliers tweezers headphones skis tongs pajamas pyjamas".split())
GLASSES = frozenset("wine beer champagne cocktail martini shot tumbler drinking clinking magnifying looking".split())  # before "glasses" that are not worn
ALSO = {"octopi": "octopus", "busses": "bus", "persons": "person"}  # plurals that people write and we do not
# In the singular as they stand, as are short words with a vowel ("yes"), besides those in -ss, -us and -is.
IN_S = frozenset("gas biogas canvas atlas christmas xmas alias bias pancreas pampas sassafras lens rhinoceros cosmos chaos thermos asbestos rooibos pothos calvados tournedos gps".split())
IN_IS = frozenset("iris ibis mantis trellis clematis chrysalis amaryllis portcullis metropolis pelvis loris".split())  # whose plurals are in -ises
# Whose plurals have one letter more, though they look like a singular in -is or -us, or like the plural of a word in -y, -ch, -ss or -x.
IN_I = frozenset(
    "agouti alibi alkali barramundi basenji bikini bonsai broccoli calamari chapati chili chilli coati confetti corgi daiquiri deli dhoti emoji fuji gnocchi graffiti hi-fi kepi khaki kiwi kohlrabi koi "
    "macaroni martini mini moai mufti okapi onigiri origami panini pepperoni pierogi poi rabbi ravioli safari salami saluki samurai sari sashimi scampi spaghetti sushi taxi tiki "
    "tortellini tsunami tuk-tuki uzi vermicelli wapiti wasabi wifi yeti yogi zamboni zombi zucchini".split()
)
IN_IE = frozenset(
    "auntie aussie baddie beanie birdie bookie bootie bow-tie bowtie brasserie brie brownie budgie caddie calorie collie cookie cootie cowrie cutie doggie eyrie faerie foodie genie goalie groupie hankie hippie hoagie hoodie indie jalousie junkie kelpie "
    "kiddie laddie lassie magpie mealie meanie movie necktie newbie nightie onesie patisserie pinkie pixie potpie prairie rookie rotisserie scottie selfie smoothie softie sweetie talkie techie toughie "
    "townie veggie walkie-talkie weirdie wheelie yuppie zombie".split()
)
IN_U = frozenset("bayou bureau caribou chateau emu gnu guru haiku kudu marabou menu plateau sudoku tiramisu tofu tutu zebu".split())
IN_E = frozenset(
    "ache headache toothache apache avalanche barouche brioche cache cartouche cloche creche douche gouache microfiche mustache moustache niche panache pastiche porsche psyche quiche "
    "crevasse demitasse fosse lacrosse mousse posse wrasse axe battle-axe broadaxe pickaxe poleaxe annexe fuse muse ruse recluse blintze".split()
)
NOT_MEN = frozenset("human german roman norman shaman talisman caiman cayman ottoman brahman doberman walkman".split())  # humans, not "humen"
NOT_MAN = frozenset("abdomen acumen albumen bitumen cyclamen dolmen flamen foramen hymen lumen omen ramen regimen rumen semen specimen stamen".split())
AFTER = re.compile(r" (?:of|with|in|on|at|from|under|near|wearing|holding|facing) ")
_ONE_LETTER_MORE = IN_I | IN_IE | IN_U | IN_E
_SINGULAR = ALSO | {many: one for one, many in IRREGULAR.items()}


def plural(noun: str) -> str:
    """The usual plural of a name: "fire hydrants", "wolves", "foxes". What names several already stays: "grapes", "scissors"."""
    before, word, after = _parts(noun)
    return before + (word if is_plural(noun) else _plural(word)) + after


def plurals(noun: str) -> tuple[str, ...]:
    """Its plural, and others that people write: "cacti", "cactuses"."""
    before, word, after = _parts(noun)
    others = (before + many + after for many, one in ALSO.items() if one == word.lower())
    return tuple(dict.fromkeys([plural(noun), noun + "s", noun + "es", *others]))


def singular(noun: str) -> str:
    """The usual singular of a name; what has none stays."""
    before, word, after = _parts(noun)
    if word.lower() == "glasses" and (after.startswith(" of ") or GLASSES & {*before.lower().split()[-1:]}):
        return before + word[:-2] + after
    return before + _singular(word) + after


def is_plural(noun: str) -> bool:
    """Whether a name is of several as it stands, or written so: "grapes", "scissors"."""
    return _parts(noun)[1].lower() in PAIRED or singular(noun) != noun


def _parts(noun: str) -> tuple[str, str, str]:
    """What stands before the word that changes, that word, and what stands after it: "wine ", "glass", " of milk"."""
    after = AFTER.search(noun)
    head = noun[: after.start()] if after else noun
    before, space, word = head.rpartition(" ")
    return before + space, word, noun[len(head) :]


def _plural(word: str) -> str:
    low = word.lower()
    if low in UNCHANGED or low.endswith("fish"):
        return word
    if low in IRREGULAR:
        return IRREGULAR[low]
    if low.endswith("man") and low not in NOT_MEN:
        return word[:-2] + "en"
    if low.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if re.search(r"[^aeiou]y$", low):
        return word[:-1] + "ies"
    return word + "s"


def _singular(word: str) -> str:
    low = word.lower()
    if low in UNCHANGED or low in PAIRED or low in IRREGULAR or low in IN_S:
        return word
    if low in _SINGULAR:
        return _SINGULAR[low]
    if low.endswith("men") and low != "men" and low not in NOT_MAN:
        return word[:-2] + "an"
    if low.endswith("s") and low[:-1] in _ONE_LETTER_MORE:
        return word[:-1]
    if not low.endswith("s") or low.endswith(("ss", "us", "'s", "’s")):
        return word
    if low[:-2] in IN_S | IN_IS or re.search(r"(?:ss|sh|ch|x|zz|tz|(?<![aeo])us)es$", low):
        return word[:-2]
    if re.search(r"..ies$", low):
        return word[:-3] + "y"
    return word if low.endswith("is") or (len(low) < 4 and not re.fullmatch(r"[^aeiouy]{2}s", low)) else word[:-1]
