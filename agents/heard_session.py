"""Clauses about the session rather than the picture: undo, redo, takes, locks, questions, approval, files, a fresh start."""

from __future__ import annotations

import re

from cutwork.agents.heard import COUNTS, NUMBER, Clause, Reader, call, named_by, number
from cutwork.domain import Call

LED = r"(?:(?:take|turn|version|number|no\.?|step|try|attempt|picture|image|#)\s*(?:number\s*|no\.?\s*|#)?)?"
TIMES = r"(?: (?P<times>once|twice|thrice|(?:the last |by )?(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|a couple of|a few)(?: (?:times|steps?|changes?|edits?|turns?|more))?|again))?"
THE_LAST = r"(?: (?:that|this|it|the last (?:change|edit|one|step|thing)|the (?:change|edit)|my last (?:change|edit)|what you (?:just )?did|everything you just did|the last))?"
UNDO = (
    rf"(?:undo|revert|roll back|rollback|ctrl[- ]?z|take (?:that|it) back|step back|go (?:one |a )?(?:step )?back(?:wards?)?|back(?: up)?|one (?:step )?back|(?:go )?back (?:one|a) step|previous(?: one| version)?"
    rf"|go to (?:the )?previous(?: one| version)?|back to (?:the )?(?:previous(?: one| version)?|what it was(?: before)?|how it was(?: before)?)|it was better before|that was better before"
    rf"|(?:i )?(?:liked|preferred) (?:it|that|the (?:old|previous|last) (?:one|version)) (?:better|more|before)(?: before)?|never ?mind(?: that)?|scrap that|cancel that|forget that){THE_LAST}{TIMES}"
)
REDO = rf"(?:redo|re-do|undo the undo|bring (?:it|that|the change) back|go forwards?(?: again)?|forwards?|step forwards?|put (?:it|that) back){THE_LAST}{TIMES}"
APPROVES = re.compile(
    r"(?:(?:that|this|it)(?:'s|’s| is| looks?)? )?(?:(?:looks?|is|all|that's|very|so|really|just|absolutely) )*(?:good|great|perfect|fine|lovely|awesome|wonderful|beautiful|excellent|nice|amazing|approved?|ok|okay|done|"
    r"(?:exactly )?what i (?:want(?:ed)?|need(?:ed)?))(?: (?:now|to me|like (?:that|this)|job|work|one|as it is|enough|for me|then))*"
    r"|(?:i )?(?:love|like|approve(?: of)?|accept|take) (?:it|this|that|this one)(?: (?:like this|as it is|very much|a lot|now))?|i(?:'ll|’ll| will) take (?:it|this|that)|(?:let's |please )?(?:ship|keep|go with) (?:it|this|that|this one)(?: like this| as it is)?|go ahead|yes,? please(?: do)?|please do|do (?:it|that)|go for it|sure|of course|absolutely|yes|yep|yeah|approve|lgtm|we're done|that's it|thumbs up|done|finished|deal",
    re.I,
)  # fmt: skip
HELPS = re.compile(r"(?:help|what (?:else )?can (?:you|i) (?:do|say|ask)(?: here| for| now)?|what are my options|how does this work|commands?|\?+|how do i use this|what now|options)", re.I)
NEW = (
    r"(?:(?:start|begin) (?:over|again|afresh|anew|from scratch)|new (?:design|picture|image|brief|project)|forget (?:it|that|this|everything|all of (?:it|that|this))|something (?:else|completely different|new)|"
    r"(?:a )?(?:completely |totally )?(?:new|different|fresh) (?:design|picture|image|brief|one)|scrap (?:it|this|everything|all of it)|(?:throw|toss) (?:it|this|everything) away|next (?:design|brief)|reset)"
)
BRIEFED = r"^(?:with|of|showing|about|for|and|now|instead|draw|make|design|create|do|paint|i want|i'd like|let's do|give me|:|,|-|–|—|\.|\s)+"
FORMS = {
    "psd": r"psd|photoshop(?: file| document| layers?)?|layered file|layers file", "ora": r"ora|open ?raster|krita(?: file)?|gimp(?: file)?", "svg": r"svg|vectors?(?: file| graphic)?",
    "zip": r"zip(?: file)?|archive|bundle|all (?:the )?files|everything", "receipt": r"receipts?", "run": r"run(?: file)?",
}  # fmt: skip
SAVE = r"(?:export|save|download|give me|get me|send me|i need|i want|hand me|deliver|convert|write|output|get|as|can i (?:have|get))"


def _numbered(group: str) -> str:
    """A pattern of "take 3" whose number is in a group."""
    return rf"{LED}(?P<{group}>{NUMBER}|first|last)"


def first_brief(words: str) -> str:
    """A first message as a brief: without what only greets and asks."""
    said = re.sub(r"^\s*(?:(?:hi|hello|hey)(?: there)?[,!.]?\s+)", "", words.strip(), flags=re.I)
    return said or words.strip()


def approves(text: str) -> bool:
    """Whether a whole message says that all is well."""
    plain = re.sub(r"[,!. ]+(?:thanks|thank you|thx|cheers|please)(?: a lot| so much)?[!. ]*$", "", text.strip(" .!?,"), flags=re.I)
    said = re.sub(r"^(?:ok(?:ay)?|yes|yeah|yep|great|cool|wow|nice|perfect|thanks|alright|right|good|oh|ah)[,!. ]+(?=\S)", "", text.strip(" .!?,"), flags=re.I)
    said = re.sub(r"[,!. ]+(?:thanks|thank you|thx|cheers|please)[!. ]*$", "", said, flags=re.I)
    return any(APPROVES.fullmatch(one.strip(" .!?,")) for one in (text, plain, said)) or all(APPROVES.fullmatch(part.strip()) for part in re.split(r"[,.!]+\s*", text.strip(" .!?,")) if part.strip())


def wants_help(text: str) -> bool:
    """Whether somebody asks what can be asked."""
    return HELPS.fullmatch(text.strip(" .!")) is not None


def _undo(clause: Clause) -> list[Call] | None:
    match = clause.match(UNDO)
    return None if match is None else [call("undo", steps=_times(match["times"]))]


def _redo(clause: Clause) -> list[Call] | None:
    match = clause.match(REDO)
    return None if match is None else [call("redo", steps=_times(match["times"]))]


def _times(words: str | None) -> int:
    found = re.search(rf"{'|'.join(map(re.escape, sorted(COUNTS, key=len, reverse=True)))}|\d+", words or "")
    return number(found[0]) if found else 1


def _branch(clause: Clause) -> list[Call] | None:
    back = r"(?:go|jump|get|switch|return|revert|come|roll|move|take me|take us|bring me)?\s*(?:back\s+)?(?:on\s+)?(?:to|from)|restore|use|reopen|continue (?:from|with)|carry on (?:from|with)|branch(?: off)?(?: from)?|start (?:again |over )?(?:from|at)|load|open|pick|choose|work (?:from|on)"
    match = clause.match(rf"(?:{back})\s+(?:the\s+)?(?P<which>{_numbered('take')}|first(?: one| version| take)|original(?: one| version| design)?|beginning|start|very first(?: one| version| take)?)(?:\s+(?:again|version|take|one|instead))*")
    if match is None:
        return None
    if match["take"] and not re.search(r"take|turn|version|step|number|no\b|try|attempt|#", clause.low) and not re.match(r"(?:go|jump|get|switch|return|revert|come|roll)\b|back|take me|take us|bring me", clause.low):
        return None
    return [call("branch", turn=_ref(match["take"] or "first"))]


def _ref(word: str) -> str | int:
    return word if word in ("first", "last") else number(word)


def _compare(clause: Clause) -> list[Call] | None:
    two = clause.match(
        rf".*?\b(?:compare|contrast|changed?|differ(?:s|ence|ences|ent)?|show(?: me)?|side by side|diff|versus|vs)\b.*?{_numbered('a')}\s*(?:and|with|to|vs\.?|versus|against|,|from|&)\s*(?:the\s+)?{_numbered('b')}(?: side by side| next to each other)?"
    )
    if two and (re.search(r"compare|contrast|changed? (?:from|between)|differ|diff|side|versus|vs", clause.low)):
        return [call("compare", a=_ref(two["a"]), b=_ref(two["b"]))]
    two = clause.match(rf"(?:how|what|in what|where) .*?\b{_numbered('a')}\b.*\b(?:differ|differs|different|changed?)\b.*?\b{_numbered('b')}")
    if two:
        return [call("compare", a=_ref(two["a"]), b=_ref(two["b"]))]
    two = clause.match(rf"{_numbered('a')}\s+(?:vs\.?|versus)\s+{_numbered('b')}")
    if two:
        return [call("compare", a=_ref(two["a"]), b=_ref(two["b"]))]
    one = clause.match(rf"(?:compare|contrast|diff)\s+(?:this|it|that|what we have)?\s*(?:with|to|against|and)?\s*(?:the\s+)?{_numbered('a')}|(?:how|what).*\b(?:differ|changed|different)\w*\b.*?(?:from|since|to)\s+(?:the\s+)?{_numbered('b')}")
    if one and clause.there.at is not None:
        return [call("compare", a=_ref(one["a"] or one["b"]), b=clause.there.at)]
    before = clause.match(r"(?:compare|contrast)(?: (?:this|it))?(?: (?:with|to|and))? (?:the )?(?:previous|last|one) ?(?:one|version|take|before)?|before and after|show (?:me )?(?:the )?before and after|what did that change(?: look like)?")
    if before and len(clause.there.takes) > 1 and clause.there.at is not None:
        earlier = [t.number for t in clause.there.takes if t.number < clause.there.at]
        return [call("compare", a=earlier[-1], b=clause.there.at)] if earlier else None
    return None


def _take(clause: Clause) -> list[Call] | None:
    """ "the cat from take 3", "use the background of take 1"."""
    verb = r"(?:(?:use|take|bring back|bring|want|get|give me|keep|put(?: back)?|have|with|combine|mix|restore|i want|i'd like|i prefer|paste|copy)\s+)?"
    match = clause.match(rf"{verb}(?:the\s+)?(?P<what>[\w' -]+?)\s+(?:from|of|in|as in|as it was in|like in|as it is in|out of)\s+(?:the\s+)?(?:take|turn|version|number|step|try|#)\s*(?:number |no\.? )?(?P<take>{NUMBER}|first|last)(?: back| again| in)?")
    if match is None:
        match = clause.match(rf"{verb}(?:the\s+)?(?P<what>[\w' -]+?)\s+(?:from|of|in|as in)\s+(?:the\s+)?(?P<take>first|last)(?: take| version| one)(?: back| again)?")
    if match is None:
        match = clause.match(rf"{verb}(?:the\s+)?(?P<take>first|original)\s+(?P<what>[\w' -]+?)(?:\s+(?:back|again))?")
        return [call("take", what=match["what"], turn="first")] if match and named_by(match["what"], clause.there) else None
    if re.match(r"(?:go|back|start)\b", match["what"]):
        return None
    what = match["what"].strip()
    if re.fullmatch(r"back ?ground|backdrop|scenery|setting", what):
        return [call("take", what="background", turn=_ref(match["take"]))]
    names = [part for part in re.split(r"\s*,\s*|\s+and\s+(?:the\s+)?", what) if part]
    return [call("take", what=name, turn=_ref(match["take"])) for name in names]


def _lock(clause: Clause) -> list[Call] | None:
    match = (
        clause.match(r"(?:lock|freeze|protect|pin|secure|fix|preserve|hold)\s+(?:down\s+)?(?P<who>.+?)(?:\s+(?:in place|down|for now|as (?:it|they) (?:is|are)|please|where (?:it|they) (?:is|are)))*")
        or clause.match(r"(?:don'?t|don’t|do not|never|dont|stop)\s+(?:touch|change|alter|modify|move|edit|mess with|redraw|touching|changing)\s+(?P<who>.+?)(?:\s+(?:any ?more|again|please|at all|from now on))*")
        or clause.match(r"keep\s+(?P<who>.+?)\s+(?:as (?:it|they|he|she) (?:is|are)|the same|unchanged|fixed|locked|exactly as (?:it|they) (?:is|are)|like (?:that|this)|in place|where (?:it|they) (?:is|are)|untouched)")
        or clause.match(r"leave\s+(?P<who>.+?)\s+(?:alone|as (?:it|they) (?:is|are)|untouched|unchanged|be|in place)")
        or clause.match(r"(?P<who>.+?)\s+(?:must|should|has to|have to|needs to)\s+(?:stay|remain|not (?:change|be changed|be touched|move))(?:\s+(?:as (?:it|they) (?:is|are)|the same|unchanged|put|in place|like that))?")
        or clause.match(r"(?P<who>.+?)\s+(?:is|are)\s+(?:perfect|good|fine|great)(?: as (?:it|they) (?:is|are))?[, ]+(?:don'?t|do not)\s+(?:touch|change)\s+(?:it|them)")
    )
    return _each(clause, match, "lock")


def _unlock(clause: Clause) -> list[Call] | None:
    match = clause.match(r"(?:unlock|unfreeze|unpin|release|free|unprotect)\s+(?P<who>.+?)(?:\s+again)?") or clause.match(
        r"(?:(?:you|we) (?:can|may) )?(?:change|touch|edit|move)\s+(?P<who>.+?)\s+(?:again|now)|(?P<who2>.+?)\s+(?:can|may)\s+(?:be (?:changed|touched|edited)|change)(?:\s+(?:again|now))?"
    )
    return _each(clause, match, "unlock")


def _each(clause: Clause, match: re.Match[str] | None, tool: str) -> list[Call] | None:
    if match is None:
        return None
    groups = match.groupdict()
    who = clause.who(groups.get("who") or groups.get("who2") or "")
    return [call(tool, subject=one) for one in who] or None  # type: ignore[arg-type]


def _explain(clause: Clause) -> list[Call] | None:
    asks = re.match(
        r"(?:why|how (?:come|much|long|many|sure|certain|good)|what(?:'s|’s| is| was| are| went)? (?:wrong|the matter|bad|it cost|the cost|the price|the score|changed|happened|different|the problem)|what (?:did|does|do|has|have|happened|went|changed)|explain|"
        r"tell me (?:why|about|what|how|more)|describe|is (?:there )?(?:anything|something) wrong|are you (?:happy|sure)|did (?:you|it|that)|who|where (?:is|are|did)|when|how (?:did|does|do|is|was|are|were)|what (?:is|are|was)|which|is (?:the|it|that)|are (?:the|they))\b",
        clause.low,
    )
    if asks is None or re.match(r"what if|what about|how about|which of", clause.low):
        return None
    named = [s for s in clause.there.subjects if re.search(rf"(?<!\w){re.escape(s.noun.lower())}(?:s|es)?(?!\w)", clause.low)]
    return [call("explain", subject=named[0].id if len(named) == 1 else None)]


def _export(clause: Clause) -> list[Call] | None:
    for form, names in FORMS.items():
        match = clause.match(rf"{SAVE}\s+(?:(?:it|this|that|the (?:picture|image|design|result|file|files|layers)|me)\s+)?(?:as |to |into |in )?(?:an? |the |my )?(?:layered )?\.?(?:{names})(?: (?:file|format|version|please))*")
        if match and (form not in ("run", "zip") or re.match(r"export|save|download|as", clause.low)):
            return [call("export", form=form)]
        if form not in ("run", "zip", "receipt") and clause.match(rf"(?:an? |the )?\.?(?:{names})(?: file| export| version)?(?: please)?"):
            return [call("export", form=form)]
    return None


def _again(clause: Clause) -> list[Call] | None:
    """ "again with another seed", "try another cat", "redraw the cat"."""
    whole = clause.match(
        r"(?:(?:try|do|draw|render|make|go|give it|generate|roll|run|paint)?\s*(?:it |that |this |everything |the (?:whole )?(?:thing|picture|image|lot) )?(?:all )?(?:again|once more|one more time|over)|retry|roll the dice(?: again)?|re-?roll|re-?draw|re-?generate|re-?render|re-?seed|shuffle|another (?:try|go|one|version|seed|attempt|variation|variant|roll|shot|take)"
        r"|(?:a )?(?:new|different|fresh|other) (?:seed|try|version|variation|variant|attempt|take|one)|one more(?: try)?|(?:try|use|with|give me|show me|take|draw|generate|pick|get|let me see|make) (?:an?other|a new|a different|one more|some other|a fresh) (?:seed|try|version|variation|variant|attempt|one|take|roll|noise)(?: please)?)"
        r"(?:\s*(?:it|everything|the (?:whole )?(?:picture|image|thing)))?(?:,?\s*(?:but )?(?:with|using|from) (?:an?other|a new|a different|a fresh|some other) (?:seed|noise|random seed|try))?"
    )
    if whole:
        return [call("reseed")]
    one = clause.match(
        r"(?:try|show me|give me|draw|let me see|i want|i'd like|see|generate|how about|use|make|get me|do)\s+(?:an?other|a different|a new|some other|a fresh|one more)\s+(?P<who>[\w' -]+?)(?:\s+(?:instead|please|with (?:an?other|a new|a different) seed))?"
    ) or clause.match(
        r"(?:re-?draw|re-?roll|re-?generate|re-?render|re-?seed|re-?do|retry|re-?paint)\s+(?:only |just )?(?P<who>.+?)(?:\s+(?:again|only|please|with (?:an?other|a new|a different) seed))*"
    ) or clause.match(r"(?:draw|try|paint|do|render|generate|make)\s+(?:only |just )?(?P<who>(?:the|that|my|this|its) .+?|it)\s+(?:again|once more|anew|afresh)(?:,? with (?:an?other|a new|a different) seed)?") or clause.match(
        r"(?:an?other|a different|a new)\s+(?P<who>[\w' -]+?)(?: please| instead)?"
    )
    if one is None:
        return None
    words = one["who"]
    if words in ("everything", "it all", "all of it", "the whole thing", "the picture", "the image"):
        return [call("reseed")]
    named = named_by(words, clause.there)
    if len(named) != 1 and clause.strict:
        return None
    if not named:
        return None
    return [call("reseed", subject=one_id) for one_id in clause.who(words)] or None


def _new(clause: Clause) -> list[Call] | None:
    match = re.match(rf"(?:{NEW})\b\s*(?P<brief>.*)$", clause.low)
    if match is None:
        return None
    brief = clause.unquoted(clause.text[match.start("brief") :])
    brief = re.sub(BRIEFED, "", brief, flags=re.I).strip()
    return [call("design", brief=brief)] if len(brief) > 2 else None


SESSION: tuple[Reader, ...] = (_undo, _redo, _compare, _branch, _take, _new, _export, _unlock, _lock, _explain, _again)
