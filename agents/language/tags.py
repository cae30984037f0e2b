"""What is written for an image generator rather than of the picture: weights, flags, negative prompts, cameras, the names of artists.

"(armored rhino:1.3), 1girl, <lora:ink:0.8>, 35mm, f/1.8, trending on artstation --ar 16:9. Negative prompt: blurry" is about a rhino and a girl.
"""

from __future__ import annotations

import re

NEGATIVE = re.compile(r"(?:^|(?<=[\s.,;|]))neg(?:ative)?(?: ?prompts?)?\s*:.*?(?=\bpositive(?: prompt)?\s*:|$)", re.I)
POSITIVE = re.compile(r"(?:^|(?<=[\s.,;|]))(?:positive(?: prompt)?|prompt)\s*:\s*", re.I)
SETTINGS = re.compile(
    r"\b(?:steps|sampler|cfg(?: scale)?|seed|size|model(?: hash)?|clip skip|denoising strength)\s*[:=]\s*[\w+.-]+(?: \w+\+\+)?(?: karras)?", re.I
)
NETWORK = re.compile(r"<(?:lora|lyco|hypernet|embedding|ti)\w*:[^<>]*>|\bembedding:\S+", re.I)
# "--ar 16:9 --no text, people --tile"; what may not be there goes up to the next flag.
NO_FLAG = re.compile(r"(?<![\w-])(?:--|[–—])no\s+.*?(?=(?:\s(?:--|[–—])[a-z])|$)", re.I)
KNOWN = "ar|v|s|c|q|w|stylize|style|chaos|seed|quality|niji|tile|iw|weird|raw|sref|cref|cw|sw|stop|video|repeat|fast|turbo|relax|hd|test|upbeta|uplight|version|aspect"
FLAG = re.compile(rf"(?<![\w-])(?:--[a-z]+|[–—](?:{KNOWN}))\b(?:\s+(?:\d[\w:.]*|raw|expressive|cute|scenic|https?:\S+))*", re.I)
WEIGHT = re.compile(r"\(([^()\[\]]+?):\s*\d+(?:\.\d+)?\)|\[([^()\[\]]+?)(?::\s*\d+(?:\.\d+)?)?\]")
NESTED = re.compile(r"([(\[{])\1+([^()\[\]{}$]*)[)\]}]+")
PART_WEIGHT = re.compile(r"::-?\d*(?:\.\d+)?")
BREAK = re.compile(r"\bBREAK\b")
PEOPLE = re.compile(r"\b(\d)\+?(girl|boy|man|men|woman|women|cat|dog|other|animal)(s?)\b", re.I)
# At the edge of a tag: what a camera was, and where the picture looks as if it came from.
MAKES = r"hasselblad|leica|canon|nikon|sony|kodak|fuji(?:film)?|iphone|arri|alexa|polaroid|dslr|kodachrome|portra|cinestill|gopro|pentax|olympus|panasonic|lumix|mamiya|film|\d+ ?mm"
CAMERA = re.compile(
    rf"\b(?:shot|taken|captured|photographed|filmed) (?:on|with|by|in) (?:an? |the )?(?:\w+ )?(?:{MAKES})\b[^,.;|]*"
    r"|\bf ?/ ?\d+(?:\.\d+)?\b|\biso ?\d+\b|\b1/\d+ ?s(?:ec)?\b|\b\d+(?:\.\d+)?[- ]?mm(?: (?:lens|film|photo|photograph|photography|prime))?\b|\b\d+k\b(?: (?:uhd|hdr|resolution|render))?"
    r"|\b(?:trending|featured|popular) on [\w.-]+(?: (?:hq|station))?|\blooking (?:at|into|towards?) (?:the )?(?:viewer|camera)\b"
    r"|\b(?:unreal engine|octane render|redshift|cinema ?4d|blender|v-?ray)(?: \d+)?\b",
    re.I,
)
NAME = r"(?:[A-Z][\w.'’-]+|[A-Z]\.)"
ARTIST = re.compile(
    rf"(?:(?<=[,;|])|(?<=\bart)|(?<=\bpainting)|(?<=\billustration)|(?<=\bartwork))\s*by {NAME}(?:(?: |, | and |, and | & | van | de | von | der | da ){NAME})*"
)
# Two colours by themselves between tags are how the picture is graded.
GRADED = re.compile(
    r"(?<=,)\s*(?:teal and orange|orange and teal|blue and orange|orange and blue|pink and teal|warm and cool)(?: (?:colou?r )?(?:grading|grade|look|tones?|palette))?(?=\s*(?:[,.;]|$))",
    re.I,
)


def without_tags(text: str) -> str:
    """The text with only the words of such a prompt that say what is to be drawn, and how it looks."""
    text = POSITIVE.sub("", NEGATIVE.sub(" ", text))
    for pattern in (NETWORK, NO_FLAG, FLAG, SETTINGS):
        text = pattern.sub(" ", text)
    text = WEIGHT.sub(lambda match: match[1] or match[2], NESTED.sub(r"\2", text))
    text = PEOPLE.sub(lambda match: f"{match[1]} {'person' if match[2].lower() == 'other' else match[2]}{match[3]}", PART_WEIGHT.sub(",", text))
    text = ARTIST.sub("", GRADED.sub("", CAMERA.sub("", BREAK.sub(",", text))))
    return re.sub(r"\s+", " ", re.sub(r"(?:,\s*)+,", ",", text)).strip()
