"""What a sentence in a design session asks for, read by rules: words to calls.

A sentence is read whole where that can be; else it is taken apart at its commas and "and"s, from the left, and each part is read by itself, with the
verb or the subject of the part before it where it lacks one: "move the cat left and the rocket right". What stands in quotes is never looked into.
The readers of single clauses are in the modules `heard_…`; goods are read as in a brief, by `goods`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cutwork.agents.calls import Standing, bare, meant
from cutwork.agents.heard import Clause, Reader
from cutwork.agents.heard_again import LONGEST, OF_THEM, praised, remarked
from cutwork.agents.heard_changes import CHANGES
from cutwork.agents.heard_goods import MORE
from cutwork.agents.heard_session import SESSION, approves, first_brief, wants_help
from cutwork.agents.words import mentions, tidy
from cutwork.domain import MAX_BRIEF, Call

READERS: tuple[Reader, ...] = (*SESSION, *CHANGES)
QUOTES = re.compile(r"\"([^\"]*)\"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|(?<![\w])'([^']*(?:'\w[^']*)*)'(?!\w)|(?<!\w)‘([^’]*(?:’\w[^’]*)*)’(?!\w)")
LEADS = re.compile(
    r"^(?:(?:ok(?:ay)?|hey|hi|hello|please|pls|now|then|and|so|well|hm+|um+|uh+|alright|wait|sorry|oh|ah|also|but|actually|finally|next|maybe|perhaps|lastly|first(?= [a-z]+ the)"
    r"|oops|whoops|argh|ugh|haha|thanks|thank you|cool|great|nice|good|perfect|lovely|awesome|wow|yes|yeah|yep|nah|(?:no|nope)(?:,? wait|(?= (?:make|move|put|add|remove|change|turn|use|try|give)\b))"
    r"|on second thoughts?|scratch that|i(?:'ve|’ve| have)? changed my mind|no|nope)(?:\s*[,.!:]+\s*|(?<!no)(?<!nope)(?<!good)(?<!nice)(?<!great)(?<!cool)(?<!perfect)(?<!yes)\s+))+",
    re.I,
)
ASKS = re.compile(
    r"^(?:(?:can|could|would|will|may|might) (?:you|we|i)(?: please| maybe| just| perhaps| also| now)*(?: try to| go ahead and| have)?"
    r"|(?:i|we)(?:'d|’d| would)?(?: really| also| just)? (?:like|love|want|need|wish|prefer)(?: you)? to(?: see| have)?|i(?:'d|’d| would) (?:like|love|prefer(?! .+ to ))(?: it)?(?: if)?|i wish"
    r"|let(?:'s|’s| us)|let me|(?:can|could|should|may|shall|would)(?= (?:the|my|that|this|it|its)\b)|(?:please )?try to|how about(?: we| you| if)?|what about|what if(?: we| you| i)?(?: could| just)?|shall (?:we|i)|(?:we|you|i) (?:should|could|need to|must|can|may|might)(?: also| maybe)?"
    r"|(?:is it|would it be|is) possible to|it would be (?:nice|great|better|good|cool)(?:er)? (?:if|to)|i think|i feel like|i guess|go ahead and|why (?:don't|don’t|not)(?: you| we)?(?! )|do you mind|would you mind|please|just|maybe|perhaps|also|now|instead,?(?! of)|(?:i|we)(?:'d|’d| would| had)? rather(?: have| see| like)?)\s+",
    re.I,
)
TAILS = re.compile(r"(?:\s*[,.!?]*\s*(?:\b(?:please|pls|thanks|thank you|thx|for (?:me|my taste)|if (?:you can|possible)|(?<=, )(?:ok|okay|right)|a go|as well|(?:that )?would be (?:nice|great|good|cool|lovely|perfect|awesome)|if you like))?)+$", re.I)
REST = re.compile(
    r"^(?:(?:but|and|just|please|while)\s+)*(?:keep|keeping|leave|leaving|with|don't (?:touch|change)|do not (?:touch|change)|not|nothing)?\s*(?:the |all |all the |everything |anything |nothing )?"
    r"(?:rest|else|others?|remaining|everything)(?: else| of it| of the (?:picture|image)| parts?)?(?: (?:as (?:it )?(?:is|was|are)|the same|same|unchanged|alone|untouched|like (?:it is|that)|should stay|stays|changes?|in place|where it is))*$",
    re.I,
)
BREAKS = re.compile(r"\s*[;.!?]+\s+|,?\s+(?:and|but)?\s*then\s+|,\s*(?:and|but)\s+|\s*,\s*|\s+and also\s+|\s+and\s+|\s+but\s+|\s+while\s+|\s+plus\s+")
GERUNDS = {
    "making": "make", "moving": "move", "adding": "add", "removing": "remove", "replacing": "replace", "changing": "change", "turning": "turn", "putting": "put", "giving": "give",
    "swapping": "swap", "placing": "place", "shifting": "shift", "deleting": "delete", "trying": "try", "using": "use", "having": "add", "going": "go", "dropping": "drop", "taking": "take", "painting": "paint",
}  # fmt: skip
PATIENCE = 30_000
NAMES_SOMEBODY = re.compile(r"(?:an?|two|three|four|five|six|some|several|my|\d{1,2})\s", re.I)  # where nobody is there, who is named so is what is to be drawn
NEW = re.compile(r"(?:start|begin|new|forget|something|a (?:completely |totally )?(?:new|different)|scrap|next|reset)\b", re.I)
HELP = (
    "I can draw a design from a brief, then change it: make something bigger, smaller, another colour or another thing, move it, add or remove it, change the background, try again, "
    "lock what must stay, undo, redo, go back to a take, take a subject from another take, compare takes, explain the result, and make it a sticker, a meme, a textile or a PSD."
)


@dataclass(frozen=True)
class Heard:
    """What a sentence comes to.

    Args:
        calls: in the order in which they are done.
        unread: parts that were not understood.
        help: somebody asks what can be asked.
    """

    calls: tuple[Call, ...] = ()
    unread: tuple[str, ...] = ()
    help: bool = False


def hear(words: str, there: Standing) -> Heard:
    """Read a sentence. Never fails; what is not understood is said to be so."""
    text, quotes = _quoted(tidy(words, MAX_BRIEF))
    said = _stripped(_without_rest(text))
    if wants_help(said or text) or wants_help(text):
        return Heard(help=True)
    if there.plan is None or (not there.subjects and NAMES_SOMEBODY.match(said)):
        return Heard((Call(tool="design", args={"brief": first_brief(words)}),))
    if approves(text):
        return Heard((Call(tool="approve"),))
    reading = _Reading(there, quotes)
    calls = reading.read(said)
    if calls is None:
        return Heard(unread=(words.strip(),))
    return Heard(tuple(_once(calls)), tuple(_unquoted(part, quotes) for part in reading.unread))


@dataclass
class _Reading:
    """One sentence being read.

    Args:
        spoken: something was asked for in it already.
        left: characters that may still be looked at, so that what can be taken apart in very many ways does not take for ever.
    """

    there: Standing
    quotes: Sequence[str]
    unread: list[str] = field(default_factory=list)
    spoken: bool = False
    left: int = PATIENCE

    def read(self, text: str) -> list[Call] | None:
        """Calls of a text: whole, else in parts, else with names that are not known."""
        text = _stripped(text)
        if not text or REST.match(text):
            return []
        if self.left <= 0:
            return None
        judged = self._judged(text)
        if judged is not None:
            return judged
        several = MORE.search(text) is not None and not NEW.match(text)
        whole = None if several else self._clause(text, strict=True)
        if whole is not None:
            return whole
        for strict in (True, False):
            for gap in BREAKS.finditer(text):
                left, right = text[: gap.start()], text[gap.end() :]
                first = self._clause(_stripped(left), strict=strict) if left.strip() and not REST.match(left) else [] if left.strip() else None
                if first is None:
                    continue
                kept, self.there, self.spoken = (self.there, self.spoken), _spoken_of(self.there, first), self.spoken or bool(first)
                second = self._rest(right, left)
                self.there, self.spoken = kept
                if second is not None:
                    return [*first, *second]
        loose = None if several else self._clause(text, strict=False)
        if loose is not None:
            return loose
        for gap in BREAKS.finditer(text):  # a part of it at least
            first = self._clause(_stripped(text[: gap.start()]), strict=True)
            if first:
                self.unread.append(text[gap.end() :])
                return first
            second = self.read(text[gap.end() :])
            if second:
                self.unread.append(text[: gap.start()])
                return second
        return None

    def _judged(self, text: str) -> list[Call] | None:
        """A text that begins with how somebody came out: badly, which asks for another try of them or gives the reason for what follows; or well."""
        clause = Clause(text, text.lower(), self.there, self.quotes, strict=True)
        well, badly = praised(clause), remarked(clause)
        if well is not None and (badly is None or len(well[1]) <= len(badly[1])):
            return self._after(well[1], text, well[0]) if well[1] else []
        if badly is not None:
            whom, rest = badly
            if self.spoken and not (whom or rest) and re.match(r"(?:it|that|this|they|he|she)\b", text, re.I):
                return []  # it is why the part before it was asked for
            tries = [Call(tool="reseed", args={"subject": one}) for one in whom] if whom else [Call(tool="reseed")]
            if not rest or REST.match(rest) or OF_THEM.fullmatch(_stripped(rest)):
                return tries
            return self._after(rest, text, whom or [])
        told = next((m for m in BREAKS.finditer(text) if len(text) - m.end() <= LONGEST and OF_THEM.fullmatch(_stripped(text[m.end() :]))), None)
        if told is None or self._clause(_stripped(text[: told.start()]), strict=True) is not None or not re.match(r"(?:the|that|this|my|i|there)\b", text, re.I):
            return None
        named = [s.id for s in self.there.subjects if mentions(text[: told.start()], s.noun)]
        return [Call(tool="reseed", args={"subject": one}) for one in named] or None

    def _after(self, rest: str, text: str, whom: Sequence[str]) -> list[Call] | None:
        """What follows a remark, in which "it" is of whom that spoke; in the letters in which it was written."""
        kept, unread = self.there, len(self.unread)
        self.there = replace(self.there, last=whom[-1] if whom else self.there.last)
        said = text[len(text) - len(rest) :]
        calls = self.read(f"it is {said}" if whom and re.match(r"(?:too|an? (?:tiny |little )?(?:bit|little)|slightly|rather|not|somewhat) ", rest) else said)
        self.there = kept
        if calls is None:
            del self.unread[unread:]
        return calls

    def _rest(self, text: str, before: str) -> list[Call] | None:
        """What follows a part that was read, as it stands or with what it lacks."""
        for candidate in _completed(text, before, self.there):
            calls = self.read(candidate)
            if calls is not None:
                return calls
        return None

    def _clause(self, text: str, strict: bool) -> list[Call] | None:
        self.left -= len(text)
        if self.left <= 0:
            return None
        clause = Clause(text, text.lower(), self.there, self.quotes, strict)
        for reader in READERS:
            calls = reader(clause)
            if calls is not None:
                return calls
        return None


def _without_rest(text: str) -> str:
    """A sentence without what only says that nothing else shall change: ", keep the rest"."""
    parts = re.split(r"(\s*[,;.]\s+(?:and |but )?|\s+(?:and|but)\s+)", text)
    while len(parts) > 2 and REST.match(parts[-1].strip(" .!?,")):
        parts = parts[:-2]
    return "".join(parts)


def _completed(text: str, before: str, there: Standing) -> list[str]:
    """A part as it stands, then with the verb of the part before it, then with its subject too."""
    found = [text]
    low = _stripped(before).lower()
    verb = re.match(r"(?:make|move|put|shift|push|place|turn|change|replace|swap|add|remove|delete|paint|colou?r|lock|drag|nudge|slide|use|take|draw|erase|drop|resize|scale|nudge|bring|unlock)\b", low)
    who = next((w for w in (re.match(r"(?:make|move|put|shift|push|turn|paint|colou?r|drag|nudge|slide|resize|scale)\s+(.+)", low), re.match(r"(.+?)\s+(?:should|could|must|needs?)\b", low)) if w), None)
    if verb:
        found.append(f"{verb[0]} {text}")
    if who:
        named = _leading_subject(who[1], there)
        if named:
            found += [f"make {named} {text}", f"move {named} {text}"]
    return [*found, f"make {text}", f"move {text}"]


def _spoken_of(there: Standing, calls: Sequence[Call]) -> Standing:
    """Whom "it" means after some calls: who was named last; who is only to come is still called "it"."""
    last = there.last
    for call in calls:
        last = "it" if call.tool in ("change_subject", "add") else str(call.args.get("subject", last) or "") or None
    return replace(there, last=last)


def _leading_subject(text: str, there: Standing) -> str:
    """The subject that a text begins with."""
    words = text.split()
    for end in range(min(len(words), 6), 0, -1):
        part = " ".join(words[:end])
        if len(meant(part, there.subjects, there.last)) == 1 and bare(part).split()[-1:] != [] and _names(part, there):
            return part
    return ""


def _names(part: str, there: Standing) -> bool:
    found = meant(part, there.subjects, there.last)
    last = bare(part).split()[-1]
    return bool(found) and (last in found[0].noun.lower().split() or last in ("it", "them", "that", "this", "one", found[0].id))


def _stripped(text: str) -> str:
    """A sentence without what only asks."""
    said = text.strip(" ,.!?;:-–—") if not text.strip().startswith("\x01") else text.strip()
    while True:
        shorter = ASKS.sub("", LEADS.sub("", said, count=1), count=1).strip(" ,;:")
        if shorter == said or not shorter:
            break
        said = shorter
    said = TAILS.sub("", said)
    first, _, rest = said.partition(" ")
    return f"{GERUNDS[first.lower()]} {rest}" if first.lower() in GERUNDS and rest else said


def _quoted(text: str) -> tuple[str, list[str]]:
    """A text with marks where something stood in quotes, and what stood there."""
    found: list[str] = []

    def mark(match: re.Match[str]) -> str:
        found.append(next(group for group in match.groups() if group is not None))
        return f"\x01{len(found) - 1}\x01"

    return QUOTES.sub(mark, text), found


def _unquoted(text: str, quotes: Sequence[str]) -> str:
    return re.sub(r"\x01(\d+)\x01", lambda m: f'"{quotes[int(m[1])]}"', text)


def _once(calls: Sequence[Call]) -> list[Call]:
    """Without calls that were asked for twice."""
    kept: list[Call] = []
    for call in calls:
        if call not in kept:
            kept.append(call)
    return kept

