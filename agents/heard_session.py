"""Clauses about the session rather than the picture: undo, redo, takes, locks, questions, approval, files, a fresh start."""

from __future__ import annotations

import re
from dataclasses import replace

from cutwork.agents.calls import GROUND, bare
from cutwork.agents.heard import COUNTS, NUMBER, Clause, Reader, call, named_by, number
from cutwork.agents.heard_again import SEED, again
from cutwork.domain import Call
from cutwork.plurals import singular

LED = r"(?:(?:take|turn|version|number|no\.?|step|try|attempt|picture|image|#)\s*(?:number\s*|no\.?\s*|#)?)?"
TIMES = r"(?: (?P<times>once|twice|thrice|(?:the last |by )?(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|a couple of|a few)(?: (?:times|steps?|changes?|edits?|turns?|more))?|again))?"
THE_LAST = r"(?: (?:that|this|it|the last (?:change|edit|one|step|thing)|the (?:change|edit)|my last (?:change|edit)|what you (?:just )?did|everything you just did|the last))?"
UNDO = (
    rf"(?:undo|revert|roll back|rollback|ctrl[- ]?z|take (?:that|it) back|step back|go (?:one |a )?(?:step )?back(?:wards?)?|back(?: up)?|one (?:step )?back|(?:go )?back (?:one|a) step|previous(?: one| version)?"
    rf"|go to (?:the )?previous(?: one| version)?|back to (?:the )?(?:previous(?: one| version)?|what it was(?: before)?|how it was(?: before)?)|it was better before|that was better before"
    rf"|(?:i )?(?:liked|preferred) (?:it|that|the (?:old|previous|last) (?:one|version)) (?:better|more|before)(?: before)?|never ?mind(?: that)?|scrap that|cancel that|forget that|(?:forget|take back|drop)(?= (?:the |my )?last \w+ (?:changes?|edits?|steps?|turns?))){THE_LAST}{TIMES}"
)
REDO = rf"(?:redo|re-do|undo the undo|bring (?:it|that|the change) back|go forwards?(?: again)?|forwards?|step forwards?|put (?:it|that) back){THE_LAST}{TIMES}"
APPROVES = re.compile(
    r"(?:(?:that|this|it)(?:'s|’s| is| looks?)? )?(?:(?:looks?|is|all|that's|very|so|really|just|absolutely) )*(?:good|great|perfect|fine|lovely|awesome|wonderful|beautiful|excellent|nice|amazing|approved?|ok|okay|done|"
    r"(?:exactly )?what i (?:want(?:ed)?|need(?:ed)?))(?: (?:now|to me|like (?:that|this)|job|work|one|as it is|enough|for me|then))*"
    r"|(?:i )?(?:love|like|approve(?: of)?|accept|take) (?:it|this|that|this one)(?: (?:like this|as it is|very much|a lot|now))?|i(?:'ll|’ll| will) take (?:it|this|that)|(?:let's |please )?(?:ship|keep|go with) (?:it|this|that|this one)(?: like this| as it is)?|go ahead|yes,? please(?: do)?|please do|do (?:it|that)|go for it|sure|of course|absolutely|yes|yep|yeah|approve|lgtm|we're done|that(?:'s|’s| is) (?:it|enough|all)|thumbs up|done|finished|deal",
    re.I,
)  # fmt: skip
HELPS = re.compile(r"(?:help|what (?:else )?can (?:you|i) (?:do|say|ask)(?: here| for| now)?|what are my options|how does this work|commands?|\?+|how do i use this|what now|options)", re.I)
GREETS = re.compile(r"(?:hi|hello|hey|hiya|yo|howdy|good (?:morning|afternoon|evening|day)|greetings)(?: there| again| everyone| cutwork)?(?:[,!. ]+how are you(?: today)?\??)?|how are you(?: today)?\??|test(?:ing)?", re.I)
NEW = (
    r"(?:(?:start|begin) (?:over|again|afresh|anew|from scratch)|new (?:design|picture|image|brief|project)|forget (?:it|that|this|everything|all of (?:it|that|this))|something (?:else|completely different|new)|"
    r"(?:a )?(?:completely |totally )?(?:new|different|fresh) (?:design|picture|image|brief|one)|scrap (?:it|this|everything|all of it)|(?:throw|toss) (?:it|this|everything) away|next (?:design|brief)|reset)"
)
BRIEFED = r"^(?:with|of|showing|about|for|and|now|instead|draw|make|design|create|do|paint|i want|i'd like|let's do|give me|:|,|-|–|—|\.|\s)+"
FORMS = {
    "psd": r"psd|photoshop(?: file| document| layers?)?|layered file|layers file", "ora": r"ora|open ?raster|krita(?: file)?|gimp(?: file)?", "svg": r"svg|vectors?(?: file| graphic)?",
    "zip": r"zip(?: file)?|archive|bundle|all (?:the )?files|everything", "receipt": r"receipts?", "run": r"run(?: file)?",
}  # fmt: skip
OLD_PLACE = re.compile(
    r",?\s+(?:and |but )?(?:exactly |just |right |standing |back )*(?:where (?:it|he|she) (?:was|stood|sat|had been)(?: (?:then|there|before|standing))?|(?:at|in|to|on|with) (?:its|his|her|the) (?:old|former|original|previous) (?:place|position|spot|location))(?: (?:too|as well))?$"
)
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
    """Whether somebody asks what can be asked, or only greets."""
    said = text.strip(" .!,")
    return HELPS.fullmatch(said) is not None or GREETS.fullmatch(said) is not None


def _undo(clause: Clause) -> list[Call] | None:
    several = clause.match(r"undo(?:,? (?:and )?undo)+")
    if several:
        return [call("undo", steps=clause.low.count("undo"))]
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
    """ "the cat from take 3", "use the background of take 1", "the dog from take 2, where it was"."""
    old = OLD_PLACE.search(clause.low)
    if old:
        clause = replace(clause, text=clause.text[: old.start()], low=clause.low[: old.start()])
    put_back = clause.match(rf"(?:put|move|bring|set|place)\s+(?P<what>.+?)\s+(?:back )?(?:to )?where (?:it|he|she) (?:was|stood|sat) in (?:{LED})(?P<take>{NUMBER}|first|last)")
    if put_back:
        return [call("take", what=re.sub(r"^the | back$", "", put_back["what"]), turn=_ref(put_back["take"]), place="then")]
    place = "then" if old else None
    verb = r"(?:(?:use|take|bring back|bring|want|get|give me|keep|put(?: back)?|have|with|combine|mix|restore|i want|i'd like|i prefer|paste|copy)\s+)?"
    match = clause.match(rf"{verb}(?:the\s+)?(?P<what>[\w' -]+?)\s+(?:from|of|in|as in|as it was in|like in|as it is in|out of)\s+(?:the\s+)?(?:take|turn|version|number|step|try|#)\s*(?:number |no\.? )?(?P<take>{NUMBER}|first|last)(?: back| again| in)?")
    if match is None:
        match = clause.match(rf"{verb}(?:the\s+)?(?P<what>[\w' -]+?)\s+(?:from|of|in|as in)\s+(?:the\s+)?(?P<take>first|last)(?: take| version| one)(?: back| again)?")
    if match is None:
        match = clause.match(rf"{verb}(?:the\s+)?(?P<take>first|original)\s+(?P<what>[\w' -]+?)(?:\s+(?:back|again))?")
        return [call("take", what=match["what"], turn="first", place=place)] if match and named_by(match["what"], clause.there) else None
    what = match["what"].strip()
    if bare(what) in GROUND:
        return [call("take", what="background", turn=_ref(match["take"]))]
    if re.match(r"(?:go|back|start)\b", what):
        return None
    names = [part for part in re.split(r"\s*,\s*|\s+and\s+(?:the\s+)?", what) if part]
    return [call("take", what=name, turn=_ref(match["take"]), place=place) for name in names]


def _back(clause: Clause) -> list[Call] | None:
    """ "bring back the pumpkin", "the old cat was nicer": of one who is gone or was made another, as it was in the take before that."""
    it = r"(?:,? (?:so |please |and |can you |let's |i want )*(?:(?:bring|get|put|take|have) )?(?:it|that|him|her)(?: one)? back(?: again| please)?)?"
    match = (
        clause.match(r"(?:bring|get|put|give me|give us|i want|i'd like|want|have|take|restore|revert to|return to|go back to|back to|switch back to|change back to)\s+(?:back\s+)?the\s+(?:old |original |previous )?(?P<who>[\w-]+(?: [\w-]+)??)(?:\s+(?:back|again|back in|back please))*")
        or clause.match(rf"the\s+(?:old |original |previous )?(?P<who>[\w-]+(?: [\w-]+)??) (?:was|looked) (?:much |a lot |way )?(?:nicer|better|prettier|cooler|fine|good|great|more fun)(?: before)?{it}")
        or clause.match(rf"i (?:liked|preferred|miss|loved) the\s+(?:old |original |previous )?(?P<who>[\w-]+(?: [\w-]+)??)(?: (?:better|more))?(?: before)?{it}")
    )
    if match is None:
        return None
    there = named_by(match["who"], clause.there)
    if there and (len(there) > 1 or not re.search(r"old|previous|before|better|nicer|prettier|cooler|preferred|liked", clause.low)):
        return None
    if there:  # as it was before it was last made another
        gone = re.compile(rf"^{re.escape(there[0].noun)}: drawn again|is now {re.escape(there[0].phrase)}$", re.I)
    else:
        gone = re.compile(rf"\b(?:{re.escape(match['who'])}|{re.escape(singular(match['who']))}) (?:is now |removed|is gone)", re.I)
    went = next((at for at in reversed(range(len(clause.there.takes))) if any(gone.search(change) for change in clause.there.takes[at].changes)), 0)
    return [call("take", what=match["who"], turn=clause.there.takes[went - 1].number)] if went else None


def _lock(clause: Clause) -> list[Call] | None:
    match = (
        clause.match(r"fix\s+(?P<who>.+?)(?:\s+(?:in place|down|as (?:it|they) (?:is|are)|where (?:it|they) (?:is|are)))+")
        or clause.match(r"(?:lock|freeze|protect|pin|secure|preserve|hold)\s+(?:down\s+)?(?P<who>.+?)(?:\s+(?:in place|down|for now|as (?:it|they) (?:is|are)|please|where (?:it|they) (?:is|are)))*")
        or clause.match(r"(?:don'?t|don’t|do not|never|dont|stop)\s+(?:touch|change|alter|modify|move|edit|mess with|redraw|touching|changing)\s+(?P<who>.+?)(?:\s+(?:any ?more|again|please|at all|from now on))*")
        or clause.match(r"keep\s+(?P<who>.+?)\s+(?:as (?:it|they|he|she) (?:is|are)|the same|unchanged|fixed|locked|exactly as (?:it|they) (?:is|are)|like (?:that|this)|in place|where (?:it|they) (?:is|are)|untouched)")
        or clause.match(r"keep\s+(?P<who>(?:the|that|my|this)\s.+?)")
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
        r"(?:why|how (?:come|much|long|many|sure|certain|good)|what(?:'s|’s| is| was| are| went)? (?:wrong|odd|weird|strange|off|the matter|bad|it cost|the cost|the price|the score|changed|happened|different|the problem)|what (?:did|does|do|has|have|happened|went|changed)|explain|"
        r"tell me (?:why|about|what|how|more)|show me what you (?:did|changed)|what colou?rs?|describe|is (?:there )?(?:anything|something) wrong|are you (?:happy|sure)|did (?:you|it|that)|who|where (?:is|are|did)|when|how (?:did|does|do|is|was|are|were)|what (?:is|are|was)|which|is (?:the|it|that)|are (?:the|they))\b",
        clause.low,
    )
    if asks is None or re.match(r"what if|what about|how about|which of", clause.low):
        return None
    named = [s for s in clause.there.subjects if re.search(rf"(?<!\w){re.escape(s.noun.lower())}(?:s|es)?(?!\w)", clause.low)]
    return [call("explain", subject=named[0].id if len(named) == 1 else None)]


def _export(clause: Clause) -> list[Call] | None:
    for form, names in FORMS.items():
        match = clause.match(rf"{SAVE}\s+(?:(?:it|this|that|the (?:picture|image|design|result|file|files|layers)|me)\s+)?(?:as |to |into |in |for )?(?:an? |the |my )?(?:layered )?\.?(?:{names})(?: (?:file|format|version|please))*")
        if match and (form not in ("run", "zip") or re.match(r"export|save|download|as", clause.low)):
            return [call("export", form=form)]
        if form not in ("run", "zip", "receipt") and clause.match(rf"(?:an? |the )?\.?(?:{names})(?: file| export| version)?(?: please)?"):
            return [call("export", form=form)]
    return None


def _new(clause: Clause) -> list[Call] | None:
    match = re.match(rf"(?:{NEW})\b\s*(?P<brief>.*)$", clause.low)
    if match is None:
        return None
    brief = clause.unquoted(clause.text[match.start("brief") :])
    brief = re.sub(BRIEFED, "", brief, flags=re.I).strip()
    if re.fullmatch(SEED, brief, re.I):
        return [call("reseed")]
    return [call("design", brief=brief)] if len(brief) > 2 else None


SESSION: tuple[Reader, ...] = (_undo, _redo, _compare, _branch, _take, _back, _new, _export, _unlock, _lock, _explain, again)
