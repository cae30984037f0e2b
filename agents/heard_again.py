"""Clauses that ask for another try, of everything or of somebody; and what is said of how somebody came out, which asks for one too."""

from __future__ import annotations

import re

from cutwork.agents.calls import GROUND, bare
from cutwork.agents.heard import ALL, NEVER, Clause, call, named_by
from cutwork.agents.language.words import is_noun
from cutwork.domain import Call

SEED = r"(?:(?:an?other|a new|a different|a fresh|some other) (?:seed|noise|random seed|try))"
TRY = r"(?:try|go|shot|chance|attempt|roll|seed|version|variation|variant|take|one)"
OTHER = r"(?:an?other|a new|a different|one more|some other|a fresh|new|different)"
WHOLE = (
    r"(?:(?:try|do|draw|render|make|go|give it|generate|roll|run|paint)?\s*(?:it |that |this |everything |the (?:whole )?(?:thing|picture|image|lot) )?(?:all )?(?:again|once more|one more time|over(?: again)?)|retry|roll the dice(?: again)?|re-?roll|re-?draw|re-?generate"
    r"|re-?render|re-?seed|shuffle|another (?:try|go|one|version|seed|attempt|variation|variant|roll|shot|take)"
    r"|(?:do|try)(?: it)? better|(?:a )?(?:new|different|fresh|other) (?:seed|try|version|variation|variant|attempt|take|one)|one more(?: try)?"
    r"|(?:try|use|with|give me|show me|take|draw|generate|pick|get|let me see|make|have) (?:an?other|a new|a different|one more|some other|a fresh) (?:seed|try|version|variation|variant|attempt|one|take|roll|noise|go|shot)(?: please)?)"
    rf"(?:\s*(?:it|everything|the (?:whole )?(?:picture|image|thing)))?(?:,?\s*(?:but )?(?:with|using|from) {SEED})?"
)
THEM = r"(?:it|him|her|them|that|this|that one|this one|both)"
# Said after a remark about somebody: "…, try it again", "…, redo it", "…, another one".
OF_THEM = re.compile(
    rf"{WHOLE}|(?:re-?do|re-?draw|re-?roll|re-?generate|re-?paint|re-?seed|retry|fix|mend|repair|improve)\s+{THEM}(?: again| please)?|(?:try|do|draw|paint|render|generate|make) {THEM} (?:again|once more|over(?: again)?|anew|afresh|better)"
    rf"|(?:give|have|take) (?:{THEM} )?{OTHER} {TRY}(?: at {THEM})?|an?other|{OTHER} {TRY}(?: of {THEM})?|(?:do|try) better|redo",
    re.I,
)
ODD = (
    r"(?:odd|weird|strange|wrong|bad(?:ly)?|ugly|awful(?:ly)?|terribl[ey]|horribl[ey]|off|broken|messed up|messy|an? (?:total |complete )?(?:mess|blob|failure|disaster)|distorted|deformed|disfigured|creepy|blurr(?:y|ed)|smeared|smudged|smudgy|melted|mangled|garbled"
    r"|wonky|unnatural|poor(?:ly)?(?: drawn)?|bad(?:ly)? drawn|unfinished|unrecognisable|unrecognizable|disappointing|silly|fake|missing|gone|invisible|cut off|not there|not visible|(?:nothing |not much )?like (?:an?|the|some) .+|not (?:right|good|nice|great|ok|okay|well drawn|like an? .+|what i (?:wanted|asked for|meant)))"
)
FINE = r"(?:right|good|nice|great|ok|okay|fine|natural|well drawn|like (?:an?|the) .+|what i (?:wanted|asked for|meant))"
DEGREE = r"(?:(?:a (?:little )?bit|a little|kind of|sort of|really|very|so|too|rather|quite|somewhat|pretty|still|all|totally|completely|just|simply) )*"
REMARKS = (
    rf"(?:(?:looks?|looked|is|are|was|were|seems?|feels?|appears?|came out|comes out|come out|turned out|turns out|went|got|has come out|has turned out|have come out)(?: to be)?|(?<=\w)['’]s) {DEGREE}{ODD}",
    rf"(?:isn['’]?t|is not|aren['’]?t|are not|wasn['’]?t|was not|doesn['’]?t look|does not look|don['’]?t look|do not look|didn['’]?t (?:come|turn) out|did not (?:come|turn) out) {DEGREE}{FINE}",
    rf"(?:has|have|got) (?:an? |some |its |the )?{DEGREE}(?:odd|weird|strange|wrong|ugly|broken|distorted|deformed|creepy|too (?:many|few)|no|missing) [\w -]+",
    r"(?:could|can|should|might) (?:be|look|have (?:been|come out|turned out)) (?:a (?:little )?bit |a lot |much )?(?:better|nicer)",
    r"(?:has |have )?(?:failed|didn['’]?t work(?: out)?|did not work(?: out)?|doesn['’]?t work|does not work)",
)
REMARK = re.compile(rf"(?P<who>[\w'’ ,&-]*?)\s*(?:{'|'.join(REMARKS)})", re.I)
DISLIKE = re.compile(r"i(?:(?: really| just)? (?:don['’]?t (?:really )?like|do not (?:really )?like|hate|dislike)|(?:['’]m| am) not (?:really |quite )?(?:happy|content|satisfied) with)\s+(?:how |the way |the look of )?(?P<who>[\w'’ ,&-]+?)(?: (?:looks?|came out|turned out|is|is drawn))?", re.I)
PRAISE = re.compile(
    r"(?P<who>[\w'’ ,&-]*?)\s*(?:is|are|looks?|came out|turned out|seems?)\s+(?:really |very |so |quite |pretty |already |just |all )*(?:fine|ok|okay|good|great|perfect|nice|lovely|beautiful|wonderful|well|excellent|cute|as (?:it|they) should be)(?: (?:now|already|as (?:it|they) (?:is|are)|like (?:this|that)))?",
    re.I,
)
LONGEST = 160  # characters of a remark
ALL_BUT = r"(?:everything|all(?: of it)?|it all|everyone)(?: else)?(?: again)?,? (?:but|except(?: for)?|apart from|other than)"
BUT = re.compile(rf"{ALL_BUT} (?P<who>[\w'’ ,&-]+?) (?:is|are|looks?|came out|turned out) (?:really |very |quite )?(?:fine|ok|okay|good|great|perfect|nice|lovely|well)", re.I)
REST = re.compile(r"(?:all |everything |the )?(?:the )?(?:rest|else|others?|remaining|picture|image|whole)(?: of it| of the (?:picture|image)| thing)?", re.I)
PICTURE = frozenset(["everything", "all", "it all", "all of it", "the picture", "the image", "the whole picture", "the whole thing", "the whole", "the design", "the result", "the drawing"])
EVERYTHING = PICTURE | {"", "it", "this", "that", "this one", "that one", "these", "they"}  # and what can also stand for one subject
JOINTS = re.compile(r"\s*[,;.:!?]+\s+(?:and |so |but |then |please )*|\s+[–—-]+\s+|\s+(?:and|so|but)\s+|\s+")


BARE = re.compile(rf"(?:no,? )?(?:(?:that|it|this)(?:['’]s| is) )?{DEGREE}{ODD}", re.I)


def again(clause: Clause) -> list[Call] | None:
    """ "again with another seed", "try another cat", "redraw the cat", "give the cat another try"."""
    if clause.match(WHOLE):
        return [call("reseed")]
    others = clause.match(rf"(?:try|re-?do|re-?draw|re-?generate|re-?render|re-?roll|retry|draw|do)\s+{ALL_BUT}\s+(?P<who>.+?)(?: again)?")
    if others:
        stay = _whom(clause, others["who"])
        return [call("reseed", subject=one) for one in (*(s.id for s in clause.there.subjects if s.id not in stay), *({"background"} - set(stay)))] if stay else None
    words = _named(clause)
    if words is None:
        return None
    if words in PICTURE or words == "it":
        return [call("reseed")]
    return [call("reseed", subject=one) for one in _whom(clause, words)] or None


def _named(clause: Clause) -> str | None:
    """Of whom another try is asked for."""
    only = r"(?:only |just )?"
    for pattern in (
        rf"(?:try|show me|give me|draw|let me see|i want|i'd like|see|generate|how about|use|make|get me|get|have|do)\s+(?:an?other|a different|a new|some other|a fresh|one more)\s+(?:{TRY} (?:of|for|at) )?(?P<who>[\w' -]+?)(?:\s+(?:instead|please|with {SEED}))?",
        rf"(?:re-?draw|re-?roll|re-?generate|re-?render|re-?seed|re-?do|retry|re-?paint|repair|improve|mend|fix)\s+{only}(?P<who>.+?)(?:\s+(?:again|only|alone|please|up|with {SEED}))*",
        rf"(?:draw|try|paint|do|render|generate|make)\s+{only}(?P<who>(?:the|that|my|this|its|both|all) .+?|it)\s+(?:again|once more|anew|afresh|over(?: again)?)(?:,? with {SEED})?",
        rf"(?:try |draw |do |go |once )?(?:again|more|it again|over)(?: please)?,?\s+(?:but )?{only}(?:with |for |at |on |of )?{only}(?P<who>the [\w' -]+?)(?: only| alone)?",
        rf"(?:try |draw |do |go |once )?(?:it |that )?(?:again|more),?\s+(?:but )?with {OTHER} (?P<who>[\w' -]+?)",
        r"roll (?:the dice )?(?:again )?(?:on|for) (?P<who>.+?)(?: again)?",
        r"(?:i want |i'd like |give me |show me |draw |get me |make )?an? (?:better|nicer) (?P<who>[\w' -]+?)",
        rf"(?:give|grant)\s+(?P<who>.+?)\s+{OTHER} (?:try|go|shot|chance|attempt|roll)",
        rf"(?:have |take |make |try )?{OTHER} (?:try|go|shot|chance|attempt|roll|version|variation|variant|take)\s+(?:at|for|of|on|with)\s+(?P<who>.+?)",
        rf"(?P<who>.+?)\s+(?:needs?|wants?|deserves?|could use|should (?:get|have))\s+{OTHER} (?:try|go|shot|chance|attempt|roll)",
        r"(?:make|draw|render|paint|do)\s+(?P<who>(?:the|that|my|this) .+?|it)\s+(?:look )?(?:better|nicer|properly)",
        r"(?:the )?(?P<who>[\w' -]+?)\s+(?:again|once more)",
        r"(?:an?other|(?:a )?(?:different|new))\s+(?P<who>[\w' -]+?)(?: please| instead)?",
    ):
        match = clause.match(pattern)
        if match is not None and (match["who"].strip() in EVERYTHING or _whom(clause, match["who"])):
            return str(match["who"]).strip()
    return None


def _whom(clause: Clause, words: str) -> list[str]:
    """Who is there of whom words speak, each certain; where the reading is not strict, one of "the" kind that is not there, which is then told."""
    if bare(words) in GROUND:
        return ["background"]
    found = clause.who(words)
    ids = {s.id for s in clause.there.subjects}
    if found and all(one in ids for one in found):
        return found
    unknown = not clause.strict and len(found) == 1 and re.match(r"(?:the|that|my)\s", words.strip()) and not named_by(words, clause.there)
    return found if unknown else []


def remarked(clause: Clause) -> tuple[list[str] | None, str] | None:
    """Of whom it is said that they came out badly (None = all of it), and what is said after that; None if nothing of the kind is said."""
    for end in _ends(clause.low):
        remark, rest = clause.low[: end[0]], clause.low[end[1] :].strip()
        match = BUT.fullmatch(remark) or REMARK.fullmatch(remark) or DISLIKE.fullmatch(remark)
        if match is None and BARE.fullmatch(remark) and rest:
            return None, rest
        if match is None:
            continue
        whom = _spoken_of(clause, match["who"])
        if whom is not None:
            return whom or None, rest
    return None


def praised(clause: Clause) -> tuple[list[str], str] | None:
    """Of whom it is said that they are well, which asks for nothing, and what is said after that."""
    for end in _ends(clause.low):
        match = PRAISE.fullmatch(clause.low[: end[0]])
        if match is None or BUT.fullmatch(match[0]):
            continue
        if REST.fullmatch(match["who"].strip()) or match["who"].strip() in EVERYTHING:
            return [], clause.low[end[1] :].strip()
        whom = [one for one in _spoken_of(clause, match["who"]) or () if one in {"background", *(s.id for s in clause.there.subjects)}]
        if whom:
            return whom, clause.low[end[1] :].strip()
    return None


def _ends(text: str) -> list[tuple[int, int]]:
    """Where a remark may end and what follows may begin, the longest remark first."""
    found = [(len(text), len(text)), *[(m.start(), m.end()) for m in reversed(list(JOINTS.finditer(text, 0, LONGEST)))]]
    return [end for end in found if end[0] <= LONGEST]


def _spoken_of(clause: Clause, words: str) -> list[str] | None:
    """Whom a remark is about, as ids; [] = all of it; somebody who is not there as they are called, which is then told; None = it is about nobody."""
    said = words.strip(" ,")
    if said in EVERYTHING or said in ALL - {"both", "both of them", "the two", "them both"}:
        return []
    if bare(said) in GROUND:
        return ["background"]
    whole = re.sub(r"^(?:the )?[\w-]+ of (?=the |my |that )", "", re.sub(r"(?<=\w)(?:'s|’s) [\w-]+(?: and [\w-]+)?$", "", said))
    for name in (said, whole):
        found = clause.who(name)
        if found and all(one in {s.id for s in clause.there.subjects} for one in found):
            return found
    absent = re.fullmatch(r"(?:the|that|my) ((?:[\w-]+ )?[\w-]+)", whole)
    return [absent[1]] if absent and absent[1] not in NEVER and is_noun(absent[1].split()[-1]) else None
