"""A WhatsApp sticker pack: `contents.json` as WhatsApp's sample app for stickers reads it, with emojis and texts for screen readers.

The folder it stands in can be put into that app as its `assets`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from cutwork.domain import Json

PUBLISHER = "Cutwork"
LONGEST_NAME, LONGEST_TEXT = 128, 125  # characters
FEWEST, MOST = 3, 30  # stickers in a pack
EMOJIS = 3  # of one sticker, at most
ANY = "\N{ARTIST PALETTE}"  # where no emoji has a subject's name
CALLED = ("{}", "{} FACE", "RED {}", "{} WITH LEAVES", "{} BLOSSOM", "HOT BEVERAGE {}")  # as Unicode names what people call by one word
SAME = {"MUG": "HOT BEVERAGE", "CUP": "TEACUP WITHOUT HANDLE", "CAR": "AUTOMOBILE", "PLANE": "AIRPLANE", "BOAT": "SAILBOAT", "ROBOT": "ROBOT FACE"}


def contents(title: str, tray: str, stickers: Sequence[tuple[str, tuple[str, ...], str, bytes]]) -> Json:
    """The listing of one pack.

    Args:
        title: of the pack.
        tray: file name of its icon.
        stickers: file name, emojis, text for screen readers and bytes of each.
    """
    return {
        "android_play_store_link": "",
        "ios_app_store_link": "",
        "sticker_packs": [
            {
                "identifier": identifier(title),
                "name": clipped(title, LONGEST_NAME),
                "publisher": PUBLISHER,
                "tray_image_file": tray,
                "image_data_version": hashlib.sha256(b"".join(hashlib.sha256(data).digest() for *_, data in stickers)).hexdigest()[:16],
                "avoid_cache": False,
                "animated_sticker_pack": False,
                "publisher_email": "",
                "publisher_website": "",
                "privacy_policy_website": "",
                "license_agreement_website": "",
                "stickers": [{"image_file": name, "emojis": list(emojis), "accessibility_text": text} for name, emojis, text, _ in stickers],
            }
        ],
    }


def identifier(title: str) -> str:
    """A pack's name as a folder and an id: letters, digits and dashes; titles in other scripts are told apart by their hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()).strip("-")[:64]
    return plain or "pack-" + hashlib.sha256(title.encode()).hexdigest()[:8]


def emojis(nouns: Sequence[str]) -> tuple[str, ...]:
    """One emoji for each noun that Unicode has one for, at most three; a palette where there is none."""
    found = tuple(dict.fromkeys(emoji for emoji in map(emoji_of, nouns) if emoji))
    return found[:EMOJIS] or (ANY,)


def emoji_of(noun: str) -> str | None:
    """The emoji whose Unicode name is a noun's: "cat" -> 🐈."""
    word = SAME.get(noun.upper(), noun.upper().replace("-", " "))
    for name in CALLED:
        try:
            character = unicodedata.lookup(name.format(word))
        except KeyError:
            continue
        if ord(character) >= 0x1F300 or character in "☕✈⛵":
            return character
    return None


def clipped(text: str, most: int) -> str:
    """Text of at most so many characters, cut between words where it can be."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return (text[: most - 1].rsplit(" ", 1)[0] or text[: most - 1]).rstrip(" ,;.") + "…"
