"""What a brief says to the one who draws rather than of the picture: greetings, who asked for it, and what it is to be printed on."""

from __future__ import annotations

import re

from cutwork.agents.language import words

# At the start of a sentence; words that also describe ("cool cat") only before a mark.
GREETING = r"(?:yo|hey|hi|hello|hiya|heya|ok|okay|um+|uh|ooh+|ah+|omg|wow|hmm+|pls|please|yes|no worries|thx|thanks|ty|thank you|cheers|sorry|oh|alright|right|good (?:morning|afternoon|evening|day)|cool|great|nice|awesome|perfect|lovely|sweet)(?: there| again| so much| a lot)?"
OPENER = re.compile(
    rf"(?:{GREETING}\s*[,.!?–—-]+|(?:yo|hey|hi|hello|hiya|heya|ok|okay|um+|uh|ooh+|omg|wow|hmm+|thx|thanks)(?= )|(?:ok(?:ay)? )?so(?= (?:i|imagine|we|a|an|the|maybe)\b)"
    r"|(?:what|how) about|what if|(?:and )?now (?=(?:one|another|do|make|draw|with|a|an|the|i)\b)|(?:just |do |make )?(?:one more|another one)(?: please)?,? (?:with|of|where)\b)\s*",
    re.I,
)
WISH = r"(?:wants?|wanted|needs?|needed|would (?:like|love)|'d (?:like|love)|loves?|asks? for|asked(?: \w+)? for|is asking for|requested|requests|ordered|has asked for)"
ASKER = re.compile(
    rf"(?:(?:my|our) (?:\w+ )??(\w+)|(?:a|the|one|this|that) (?:friend|client|customer|colleague|boss|buyer|reader|fan|user)(?: of mine)?) {WISH} (?:to (?:see|have) )?",
    re.I,
)
FAN = re.compile(r"(?:my|our) (?:\w+ )??(\w+) (?:loves?|likes?|adores?|is into|is crazy about) [^.;!?]{1,60}?,? so ", re.I)
# "I run a small cafe.": who asks, in front of what is asked for; and what is said at the end of it.
TRADE = re.compile(
    r"(?:i|we) ?(?:run|own|sell|teach|(?:'re|'m|are|am) (?:launching|releasing|starting|celebrating|announcing|opening|hosting|introducing|selling|making|designing)|study|bake|work (?:at|for|in|as)|(?:just |recently )?(?:opened|started|founded)|'?m opening|am opening) [^.!?]*[.!]$",
    re.I,
)
CLOSER = re.compile(r"(?:,| and)? ?(?:that )?(?:would|'d) be (?:so |really |super )?(?:cool|nice|great|lovely|awesome|perfect|amazing|fun|good)\b[.!]*$", re.I)
ON_PRODUCT = re.compile(r"^(?:an? |the )?([\w' -]{2,40}?) with (?:an?|the) (?:picture|image|drawing|illustration|print|photo|graphic|design) of (?=\S)", re.I)
SENTENCE = re.compile(r"(?<=[.!?])\s+")
HEADING = re.compile(r"^([^:.,;!?\"“]{2,60}?)(?:\s*[:–—]|\s-)\s+(?=\S)")
# "Kids bedding print. Tiny diggers": the same in front of a comma, or in a sentence of its own.
FRAMED = re.compile(r"^(?!(?:an?|the|one|two|three|\d+)\b)([^:.,;!?\"“]{2,60}?)[,.]\s+(?=\S)")
# When the picture is sent, in front of it: "when the wifi dies: a caveman", "me after one coffee: a squirrel".
SITUATION = re.compile(
    r"^(?:(?:me|us|you|him|her|nobody|everyone|my \w+|that (?:moment|feeling|face)|how it feels|pov)\b,? ?)*(?:when|after|before|if|whenever|trying to|waiting for)\b.*[:–—-]",
    re.I,
)
# "American Gothic but it's two alpacas": who stands in for whom.
INSTEAD = re.compile(r"^[^.:;!?\"“]{3,60}?,? but (?:it's|it’s|it is|they're|they are|everyone is|everybody is|make it)(?: just| actually)? (?=\w)", re.I)
# "Our mascot Benny is a mole": what somebody is called cannot be seen.
MASCOT = re.compile(
    r"\b(?:our|my|the|your) (?:\w+ )?(?:mascot|character|hero|heroine|sidekick|protagonist|logo animal),?(?: (?:named|called))?(?: [A-Z]\w+)?,? is (an? )", re.I
)
FOR = re.compile(r" for .*")
STOP = re.compile(r" (?:for|of|with|about|featuring|in|on|from|by|to) ")


def without_chat(text: str) -> str:
    """The text with only what is to be drawn, sentence by sentence, and without the name of the product in front of a colon."""
    opened = [CLOSER.sub("", _opened(sentence)) for sentence in SENTENCE.split(text)]
    said = " ".join(s for at, s in enumerate(opened) if s and not (TRADE.match(s) and at + 1 < len(opened))).strip() or text
    said = MASCOT.sub(r"\1", said)
    but = INSTEAD.match(said)
    said = said[but.end() :] if but else said
    printed = ON_PRODUCT.match(said)
    said = said[printed.end() :] if printed and names_product(printed[1]) else said
    heading = HEADING.match(said)
    if heading and (names_product(heading[1]) or frames(heading[1]) or SITUATION.match(heading[0]) or _entitles(heading, said)):
        return said[heading.end() :]
    tag = FRAMED.match(said)
    if tag and _entitles(tag, said):
        return said[tag.end() :]
    return said[tag.end() :] if tag and frames(tag[1]) and STOP.sub("", FOR.sub("", tag[1])) == FOR.sub("", tag[1]) else said


def names_product(heading: str) -> bool:
    """Whether words in front of a colon are what the design is for: "label for a jar of fig jam", "kids' mug"."""
    said = STOP.split(f"{heading.lower()} ")[0].split()
    return any(words.is_in(name, " ".join(said[-n:])) for name in ("carrier", "printed") for n in (1, 2, 3) if len(said) >= n)


def _entitles(heading: re.Match[str], said: str) -> bool:
    """ "Dragon poster: a dragon over a castle": a title, whose subject is named again behind it."""
    *what, made = heading[1].lower().split()
    again = re.findall(r"[\w'’-]+", said[heading.end() :].lower())
    return (
        len(what) == 1 and (words.is_in("media", made) or words.is_in("printed", made)) and words.singular(what[0])[0] in (words.singular(w)[0] for w in again)
    )


def frames(heading: str) -> bool:
    """Whether words in front of the picture only say what is made of it: "hero banner", "icon set", "app onboarding illustration"."""
    said = STOP.split(f"{heading.lower()} ")[0].replace("'s", "").split()
    made = bool(said) and any(words.is_in(name, said[-1]) for name in ("media", "printed", "frame"))
    return made and len(said) > 1 and all(_of_a_frame(word) for word in said[:-1]) and any(words.is_in("frame", word) for word in said)


def _of_a_frame(word: str) -> bool:
    known = any(words.is_in(name, word) for name in ("frame", "media", "printed", "carrier", "det", "adjective", "style", "pattern"))
    return known or words.is_modifier(word) or words.kind(words.singular(word)[0]) in "xl"


def _opened(sentence: str) -> str:
    """A sentence without how it opens, as often as it opens anew: "thx! now one more with"."""
    while True:
        opener = OPENER.match(sentence)
        asker = None if opener else FAN.match(sentence) or ASKER.match(sentence)
        if asker and asker[1] and words.kind(asker[1].lower()) != "h":
            asker = None
        found = opener or asker
        if not found or not found.end():
            return sentence
        sentence = sentence[found.end() :]
