"""Clauses about the picture: its subjects and its look. What is said of the background is in `heard_ground`, of lettering and goods in `heard_goods`."""

from __future__ import annotations

import re
from dataclasses import replace

from cutwork.agents.calls import bare, meant
from cutwork.agents.heard import LARGER, PLACE, PLACES, RELATION, SIZES, SMALLER, Clause, Reader, call, fresh, named_by, number, only_looks
from cutwork.agents.heard_again import ALL_BUT
from cutwork.agents.heard_goods import cleared, finished, is_goods, lettered
from cutwork.agents.heard_ground import ground, left_or_tried
from cutwork.agents.language.words import is_colour, is_in, is_modifier, singular
from cutwork.domain import Call

DEGREE = r"(?P<degree>(?:just )?(?:a (?:little|tiny)? ?(?:bit|little|touch|tad)|a little|slightly|somewhat|much|way|a lot|a (?:good|great) deal|lots|far|considerably|significantly|even|noticeably|substantially|still)(?: (?:much|more))?|\d{1,4}(?:\.\d+)? ?(?:%|percent|per cent)|(?:\d{1,2}(?:\.\d+)?|one|two|three|four|five|one and a half)(?: ?x| times)|twice|half)"
VERB = r"(?:(?:i (?:want|need|wish)|i(?:'d|’d| would) (?:like|want))|make|get|have|let|render|draw|try|want|like|need|turn|see|do|blow up|grow|scale|enlarge|shrink)"
MOVE = r"(?:hide|move|shift|put|place|push|pull|drag|nudge|slide|bring|send|set|position|float|hang|stick|relocate|get|have|let|want|scoot|fly|lift|swap)"


def _removed(clause: Clause) -> list[Call] | None:
    others = clause.match(rf"(?:(?:remove|delete|erase|drop|clear|lose|get rid of)\s+{ALL_BUT}|(?:keep|leave) (?:only|just))\s+(?P<who>.+)")
    if others:
        stay = clause.who(others["who"])
        known = [s.id for s in clause.there.subjects]
        return [call("remove", subject=one) for one in known if one not in stay] or None if stay and set(stay) <= set(known) else None
    if re.match(r"hide\b.*\b(?:behind|under|beneath)\b", clause.low):
        return None
    match = (
        clause.match(r"(?:remove|delete|erase|drop|ditch|scrap|hide|kill|lose|clear|eliminate|cut(?: out)?|get rid of|take (?:out|away|off)|rub out|wipe(?: out)?|do without|leave out|omit|skip|throw (?:out|away)|bin|without|minus)\s+(?P<who>.+?)(?:\s+(?:away|out|from (?:the )?(?:picture|image|scene|it)|entirely|completely|altogether|again))*")
        or clause.match(r"(?:take|cut|throw|rub|leave|get)\s+(?P<who>.+?)\s+(?:out|away|off)(?: of (?:the )?(?:picture|image|scene|it|here))?")
        or clause.match(r"(?:no(?: more)?|not|lose)\s+(?P<who>(?:the |a |an )?[\w -]+?)(?:\s+(?:any ?more|please|at all))?")
        or clause.match(r"(?:i )?(?:don'?t|don’t|do not) (?:want|need|like)\s+(?P<who>.+?)(?:\s+(?:any ?more|in (?:it|there|the picture)|to be there))*")
        or clause.match(r"(?P<who>.+?)\s+(?:should|must|has to|have to|can|needs to)\s+(?:go(?: away)?|disappear|vanish|be (?:removed|gone|deleted))")
    )
    if match is None or re.search(r"\b(?:caption|captions|text|lettering|words|border|outline|shadow)\b", match["who"]):
        return None
    return [call("remove", subject=one) for one in clause.who(match["who"])] or None


def _replaced(clause: Clause) -> list[Call] | None:
    """ "replace the dog with a fox", "the dog should be a fox", "make the cat blue" is another's."""
    new = r"(?P<new>(?:an?|the|some|another|my)?\s*[\w',’ -]+?)"
    match = (
        clause.match(rf"(?:replace|substitute|exchange|swap|switch|trade)\s+(?:out\s+)?(?P<who>.+?)\s+(?:with|by|for|to|against)\s+{new}")
        or clause.match(rf"(?:turn|transform|convert|morph|change|switch)\s+(?P<who>.+?)\s+(?:in)?to\s+{new}")
        or clause.match(r"(?:make|turn)\s+(?P<who>(?:the|that|this|my|it|him|her)\b.*?)\s+(?:into\s+)?(?P<new>an?\s+[\w',’ -]+?)")
        or clause.match(r"(?P<who>.+?)\s+(?:should|could|must|ought to|needs to|has to|can)\s+(?:rather |instead |better )?(?:be(?:come)?|turn into|look like)\s+(?P<new>an?\s+[\w',’ -]+?)")
        or clause.match(r"(?P<who>.+?)\s+(?:was|were|is|became|becomes|were to be|to be|to become)\s+(?P<new>an?\s+[\w',’ -]+?)")
        or clause.match(r"(?:try|make|draw|do|show|paint)\s+(?P<who>(?:the|that|my)\s.+?)\s+as\s+(?P<new>an?\s+[\w',’ -]+?)")
        or clause.match(r"(?:instead of|rather than)\s+(?P<who>.+?),?\s+(?:(?:draw|put|have|use|show|do|make|i want|i'd like|give me|let's have)\s+)?(?P<new>an?\s+[\w',’ -]+?)")
        or clause.match(r"(?:(?:draw|put|have|use|show|do|make|i want|i'd like|give me|let's have|i'd prefer|prefer|rather have|want|use)\s+)?(?P<new>an?\s+[\w',’ -]+?)\s+(?:instead of|rather than|in place of|in the place of)\s+(?P<who>(?:the|that|this|my|an?)\s.+?)")
        or clause.match(r"(?:i(?:'d|’d| would)? )?prefer\s+(?P<new>an?\s+[\w',’ -]+?)\s+to\s+(?P<who>(?:the|that|this|my)\s.+?)")
        or clause.match(r"(?P<who>.+?)\s*(?:->|=>|→)\s*(?P<new>.+)")
    )
    if match is None:
        return None
    who = clause.who(match["who"], single=True)
    new_words = re.sub(r"\s+(?:instead|please|in its place|in (?:his|her) place|there)$", "", clause.original(match["new"].strip()))
    if not who or not new_words or re.fullmatch(r"(?:an? )?(?:bit|little|tad|touch|lot|shade)\b.*", new_words, re.I) or re.search(r"\b(?:take|turn|version)\s*\d", new_words):
        return None
    if re.fullmatch(rf"(?:the )?{PLACE}", new_words.lower()) or re.match(rf"(?:{RELATION})\b", new_words.lower()) or is_goods(new_words, clause):
        return None
    both = named_by(new_words.lower(), clause.there)
    if both and re.match(r"(?:swap|switch|exchange)\b", clause.low) and not fresh(new_words.lower()):
        return None  # two of them change places
    if only_looks(new_words.lower()):
        return _described(clause, who, bare(new_words))
    return [call("change_subject", subject=who[0], phrase=_phrase(_single(new_words)))]


def _single(words: str) -> str:
    """ "foxes", said of what one becomes, is "fox"; what has an article or a number stays."""
    led, _, last = words.rpartition(" ")
    lemma, many = singular(last.lower())
    plain = many and len(words.split()) < 3 and led.lower() not in ("a", "an", "the", "some", "two", "three")
    return f"{led} {lemma}".strip() if plain else words


def _phrase(words: str) -> str:
    """A phrase of something new: "the fox" → "a fox"."""
    from cutwork.agents.words import with_article

    return with_article(re.sub(r"^(?:the|some|my|another)\s+", "", words.strip(), flags=re.I))


def _described(clause: Clause, who: list[str], words: str) -> list[Call] | None:
    """Calls that give subjects other looks."""
    less = re.fullmatch(r"(?:a (?:bit|little) |much )?less (?P<look>[\w-]+)", words.strip())
    if less:
        named = [s for s in clause.there.subjects if s.id in who and less["look"] in s.attributes]
        return [call("change_subject", subject=s.id, phrase=_phrase(re.sub(rf"^(an?|the) |\b{re.escape(less['look'])},? ", "", s.phrase))) for s in named] or None
    looks = [w for w in re.split(r"\s*,\s*|\s+and\s+", re.sub(r"\b(?:more|much|really|all|so|a bit|a little|slightly|look|looking|to|be|in|colou?r)\b", " ", words)) if w.strip()]
    looks = [_positive(" ".join(w.split())) for w in looks]
    looks = [" and ".join(looks)] if len(looks) > 1 and all(is_colour(w) for w in looks) else looks
    found = []
    for id in who:
        subject = next((s for s in clause.there.subjects if s.id == id), None)
        if subject is None:
            found.append(call("change_subject", subject=id, phrase=_phrase(f"{' '.join(looks)} {bare(id)}")))
            continue
        colours, moods = any(is_colour(w.split()[-1]) for w in looks), any(w in MOODS for w in looks)
        kept = [a for a in subject.attributes if not (colours and is_colour(a)) and not (moods and a in MOODS) and a not in looks]
        tails = [a for a in kept if re.match(r"(?:with|wearing|holding|in|on|made|from|of)\b", a) or a.split()[0].endswith("ing")]
        before = [*looks, *[a for a in kept if a not in tails and not is_colour(a)], *[a for a in kept if a not in tails and is_colour(a)]]
        before = sorted(dict.fromkeys(before), key=lambda look: is_colour(look.split()[-1]))
        found.append(call("change_subject", subject=id, phrase=_phrase(" ".join([*before, subject.noun, *tails]))))
    return found or None


MOODS = frozenset("happy sad grumpy angry cheerful sleepy tired scared surprised bored excited calm furious smiling laughing crying proud shy evil cute scary friendly serious".split())
WHOLE = ("it", "this", "everything", "it all", "the picture", "the image", "the whole picture", "the whole thing", "the design")


def is_style(word: str) -> bool:
    """Whether a word is said of the look of a whole picture: "cartoonish", "vintage"."""
    stems = (word, word.removesuffix("ish"), word.removesuffix("-like"), word.removesuffix("y"))
    return any(is_in(name, stem) for stem in stems if stem for name in ("style", "look"))


def _positive(word: str) -> str:
    """ "fluffier" → "fluffy"; what is no comparative stays."""
    from cutwork.agents.language.words import letters

    for ending, instead in (("ier", "y"), ("er", ""), ("er", "e")):
        stem = word[: -len(ending)] + instead if word.endswith(ending) else ""
        for base in (stem, stem[:-1] if len(stem) > 2 and stem[-1:] == stem[-2:-1] else ""):
            if base and ("J" in letters(base) or is_modifier(base)) and letters(word)[:1] not in ("J",):
                return base
    return word


def _turned(clause: Clause) -> list[Call] | None:
    """ "make the cat face left": how somebody stands, not where."""
    match = clause.match(
        r"(?:(?:make|let|have|turn)\s+)?(?P<who>.+?)\s+(?:(?:should|must|to)\s+)?(?:face|facing|look|looking|point|pointing|turn to|turned to)\s+(?:be )?(?:to(?:wards?)? )?(?:the )?(?P<way>left|right|up|down|away|forwards?|backwards?|viewer|camera|front)(?: side)?"
    )
    who = clause.who(match["who"]) if match else []
    found = [s for s in clause.there.subjects if s.id in who]
    way = "" if match is None else f"the {match['way']}" if match["way"] in ("viewer", "camera", "front") else match["way"]
    return [call("change_subject", subject=s.id, phrase=f"{re.sub(r' facing .*$|(?:left|right|up|down)-facing ', '', s.phrase)} facing {way}") for s in found] or None


def _again_one(clause: Clause) -> list[Call] | None:
    """ "duplicate the cat": another that looks so."""
    match = clause.match(r"(?:duplicate|copy|clone|repeat|double up)\s+(?P<who>.+?)(?: please)?|(?:add )?another (?P<like>.+?) (?:just )?like (?:it|that|this|that one)")
    who = clause.who(match["who"] or match["like"], single=True) if match else []
    found = [s for s in clause.there.subjects if s.id in who]
    return [call("add", phrase=s.phrase) for s in found] or None


def _looks(clause: Clause) -> list[Call] | None:
    """ "make the cat blue", "paint the rocket red", "the cat should look angry", "give the cat a hat"."""
    other = re.fullmatch(r"(?P<first>.+?),?\s+(?:instead of|rather than|and not|not)\s+(?P<was>[\w ]+)", clause.low)
    if other and only_looks(other["was"]):
        clause = replace(clause, text=clause.text[: other.end("first")], low=other["first"])
    bare_one = clause.match(r"(?:(?:i (?:want|need|prefer)|i(?:'d|’d| would) (?:like|prefer)|give me|let's have|have|use|show|try)\s+)?an?\s+(?P<look>[\w ,-]+?)\s+(?P<noun>[\w-]+)")
    if bare_one and only_looks(bare_one["look"]) and named_by(bare_one["noun"], clause.there):
        return _described(clause, [named_by(bare_one["noun"], clause.there)[0].id], bare_one["look"])
    match = (
        clause.match(rf"{VERB}\s+(?P<who>.+?)\s+(?:to be |be |look |appear |to look |a bit |a little |much |all |slightly |more |really |in )*(?P<look>[\w ,-]+?)")
        or clause.match(r"(?:paint|colou?r|dye|tint|recolou?r|spray|turn|change)\s+(?P<who>.+?)\s+(?:in |to |into |a )?(?:colou?r )?(?P<look>[\w ,-]+?)")
        or clause.match(r"(?:change|set|make)\s+(?:the )?colou?r of\s+(?P<who>.+?)\s+(?:to|into)?\s*(?P<look>[\w ,-]+?)")
        or clause.match(r"(?:change|make|set)\s+(?P<who>.+?)(?:'s|’s)\s+colou?r\s+(?:to|into)?\s*(?P<look>[\w ,-]+?)")
        or clause.match(r"(?P<who>.+?)\s+(?:should|could|must|needs to|has to|ought to|to)?\s*(?:be|look|become|was|were|is|turn|appear|looked)\s+(?:a bit |a little |more |all |rather |slightly |really |in )*(?P<look>[\w ,-]+?)")
        or clause.match(r"(?P<who>.+?)\s+in\s+(?P<look>[\w ,-]+?)")
    )
    if match:
        # The shortest name first is not always the name: "the orange cat blue".
        for who_words, look in _cuts(match["who"], match["look"]):
            if only_looks(look) and not re.fullmatch(rf"(?:{LARGER}|{SMALLER}|{'|'.join(SIZES)})", look.split()[-1]):
                if who_words in WHOLE and any(is_style(w) for w in look.split()):
                    continue
                who = clause.who(who_words)
                if who:
                    return _described(clause, who, look)
    worn = (
        clause.match(r"(?:give|hand)\s+(?P<who>.+?)\s+(?P<what>(?:an?|some|two|three|the|its)\s+[\w' -]+)")
        or clause.match(r"(?:let |have |make )?(?P<who>.+?)\s+(?:should|could|must)?\s*(?:needs?|wears?|have|has|gets?|holds?|be (?:wearing|holding)|with)\s+(?P<what>(?:an?|some)\s+[\w' -]+|\w*(?:glasses|shoes|boots|wings|horns|stripes|spots))")
        or clause.match(r"(?:put|set|place)\s+(?P<what>(?:an?|some)\s+[\w' -]+?)\s+on\s+(?P<who>.+)")
        or clause.match(r"(?:make|let|have)\s+(?P<who>.+?)\s+(?P<what>(?:wear|hold|wearing|holding|carry|carrying|with)\s+[\w' -]+)")
        or clause.match(r"(?P<who>(?:the|that|this)\s.+?)\s+(?P<what>(?:wearing|holding|carrying|with)\s+[\w' -]+)")
    )
    if worn is None:
        return None
    who, what = clause.who(worn["who"], single=True), worn["what"]
    head = what.split()[-1]
    if not who or (re.match(r"(?:put|set|place)\b", clause.low) and not (is_in("worn", singular(head)[0]) or is_in("worn", head))):
        return None
    subject = next((s for s in clause.there.subjects if s.id == who[0]), None)
    doing = re.sub(r"^(?:wear|wearing)\s", "wearing ", re.sub(r"^(?:hold|holding|carry|carrying)\s", "holding ", what))
    tail = doing if doing != what or what.startswith(("wearing", "holding", "with")) else f"{'wearing' if is_in('worn', singular(head)[0]) or is_in('worn', head) else 'with'} {what}"
    base = subject.phrase if subject else f"a {bare(who[0])}"
    return [call("change_subject", subject=who[0], phrase=f"{base} {tail}")]


def _cuts(who: str, look: str) -> list[tuple[str, str]]:
    """Ways to part a name and what is said of it, the longest name first."""
    words, at = f"{who} {look}".split(), len(who.split())
    return [(" ".join(words[:end]), " ".join(words[end:])) for end in range(len(words) - 1, at - 1, -1)]


def _resized(clause: Clause) -> list[Call] | None:
    match = (
        clause.match(r"(?P<who>.+?)\s+(?:(?:is|are|looks?|seems?)\s+(?:still )?(?:(?:a (?:little )?bit|a little|far|much|way|slightly) )?too|(?:looks?|seems?)(?: (?:rather|pretty|quite|so|very|really))?|(?:is|are|looks?|seems?) (?:a (?:little )?bit|a little|a tad|a touch|slightly|rather|somewhat)(?: on the)?) (?P<too>small|tiny|little|big|large|huge)(?: side)?")
        or clause.match(rf"(?:{VERB}\s+)?(?P<who>.+?)\s+(?:(?:should|could|must|needs to|has to|ought to|to|can)\s+)?(?:be |become |get |look |was |were |is )?(?:{DEGREE}\s+)?(?P<way>{LARGER}|{SMALLER})(?:\s+by\s+(?P<by>\d{{1,3}} ?(?:%|percent|per cent)))?(?:\s+(?P<after>a (?:little )?bit|a little|a lot|much|slightly|please|again|in (?:the )?(?:picture|image|frame)))?")
        or clause.match(rf"(?:{VERB}\s+)?(?P<who>.+?)\s+(?:(?:should|could|must|to)\s+)?(?:be |become |was |were )?(?:to )?(?P<times>twice|half|double|triple|(?:\d{{1,2}}(?:\.\d+)?|two|three|four|one and a half)(?: ?x| times))(?:\s+(?:as (?:big|large|small|tall|high)|the size|its size|bigger|larger|smaller)|(?<=[\dx]x)|(?<=\dx))(?: as (?:it is(?: now)?|now|before))?")
        or clause.match(r"(?P<verb>enlarge|grow|enhance|blow up|scale up|increase|zoom in on|zoom into|magnify|expand|double|triple|shrink|scale down|reduce|decrease|downsize|minify|halve|scale|resize)\s+(?:the (?:size|scale) of\s+)?(?P<who>.+?)(?:'s size| in size)?(?:\s+(?:in size\s+)?(?:(?P<to>to)|by)?\s*(?P<by>\d{1,4}(?:\.\d+)? ?(?:%|percent|per cent|x|times)|half|a (?:little )?bit|a little|a lot|twice|double|slightly))?(?:\s+(?:in )?size)?")
        or clause.match(rf"(?:{VERB}\s+)?(?P<who>.+?)\s+(?:(?:should|could|must|to)\s+be |be |was |were )?(?:really |very |quite |so |extremely |super )?(?P<absolute>{'|'.join(SIZES)})")
        or clause.match(rf"(?:an? )?(?:{DEGREE}\s+)?(?P<way>{LARGER}|{SMALLER})(?:\s+(?P<who>(?:the\s)?[\w -]+?))?")
        or clause.match(r"(?P<verb>double|triple|halve) (?:the size of )?(?P<who>.+)")
    )
    if match is None:
        return None
    found = match.groupdict()
    words = found.get("who") or "it"
    if re.search(r"\b(?:canvas|picture|image|border|outline|motifs?|repeat|text|caption|letters?)\b", words):
        return None
    who = clause.who(words)
    return [call("resize", subject=one, scale=_scale(found)) for one in who] or None


def _scale(found: dict[str, str | None]) -> float:
    """How many times as large: from words of degree, percents and factors."""
    if found.get("absolute"):
        return SIZES[str(found["absolute"])]
    way = found.get("way") or ""
    verb = found.get("verb") or ""
    if found.get("too"):
        return 1.3 if found["too"] in ("small", "tiny", "little") else 0.77
    down = bool(way and re.fullmatch(SMALLER, way)) or verb in ("shrink", "scale down", "reduce", "decrease", "downsize", "minify", "halve")
    said = " ".join(filter(None, (found.get("degree"), found.get("by"), found.get("after"), found.get("times")))).strip()
    if verb in ("double", "triple", "halve"):
        return {"double": 2.0, "triple": 3.0, "halve": 0.5}[verb]
    percent = re.search(r"(\d+(?:\.\d+)?) ?(?:%|percent|per cent)", said)
    if percent:
        share = float(percent[1]) / 100
        if verb in ("scale", "resize") or found.get("to"):
            return _within(share)
        return _within(1 - share if down else 1 + share)
    if said in ("half", "a half"):
        return 0.5
    factor = re.search(r"(\d+(?:\.\d+)?|one and a half|two|three|four|five) ?(?:x|times)", said)
    times = {"twice": 2.0, "double": 2.0, "triple": 3.0, "half": 0.5}.get(said.split()[0] if said else "")
    if factor or times:
        value = times or (1.5 if factor and factor[1].startswith("one and") else float(number(factor[1])) if factor and not re.match(r"[\d.]", factor[1]) else float(factor[1] if factor else 1))
        return _within(1 / value if down and value > 1 else value)
    little, lots = re.search(r"bit|little|slightly|touch|tad|somewhat", said), re.search(r"much|way|lot|deal|far|considerabl|significant|substantial", said)
    up = 1.15 if little else 1.7 if lots else 1.3
    return round(1 / up, 2) if down else up


def _within(value: float) -> float:
    return round(min(10.0, max(0.1, value)), 3)


def _moved(clause: Clause) -> list[Call] | None:
    swap = clause.match(r"(?:swap|switch|exchange|trade|flip)\s+(?:the (?:places|positions) of\s+|round\s+)?(?P<a>.+?)\s+(?:and|with|for)\s+(?P<b>.+?)(?:\s+(?:around|over|places|positions))*|(?:let )?(?P<c>.+?) and (?P<d>.+?) (?:should )?(?:swap|change|trade|switch)(?: places| positions)")
    if swap:
        return _swapped(clause, swap["a"] or swap["c"], swap["b"] or swap["d"])
    layers = _relayered(clause)
    if layers is not None:
        return layers
    close = clause.match(r"(?P<who>.+?)\s+(?:is|are|looks?|stands?|sits?)\s+(?:much |way |far |a bit |a little )?too (?:close|near) to\s+(?P<other>.+)") or clause.match(
        r"(?:(?:put|leave|make|add|i want|we need) )?(?:some |a bit |a little )?more (?:space|room|distance) between\s+(?P<who>.+?)\s+and\s+(?P<other>.+)"
    )
    if close:
        who, other = clause.who(close["who"], single=True), named_by(close["other"], clause.there)
        return [call("move", subject=who[0], where=f"away from {close['other']}")] if who and len(other) == 1 else None
    lift = clause.match(r"(?P<verb>raise|lower|lift|elevate)\s+(?P<who>.+?)(?:\s+(?P<bit>up|down|a (?:little )?bit|a little|slightly|a lot|much|more))*")
    if lift:
        way = "down" if lift["verb"] == "lower" else "up"
        degree = {"up": "", "down": "", None: ""}.get(lift["bit"], f"{lift['bit']} ")
        return [call("move", subject=one, where=f"{degree}{way}") for one in clause.who(lift["who"])] or None
    alone = clause.match(PLACES) if clause.there.last or len(clause.there.subjects) == 1 else None
    if alone and not re.fullmatch(r"(?:the )?(?:back|front|background|foreground|centre|center|middle)", clause.low):
        return [call("move", subject=one, where=_clean(clause.low)) for one in clause.who("it")] or None
    centre = clause.match(r"cent(?:er|re)\s+(?P<who>.+)")
    if centre:
        return [call("move", subject=one, where="centre") for one in clause.who(centre["who"])] or None
    for pattern in (
        rf"(?:(?:i |we )?{MOVE}|make)\s+(?P<who>.+?)\s+(?:to (?=be|stand|sit|go))?(?P<where>(?:(?:up|down|over|back|further|a bit|a little|slightly|just|right|directly|somewhere|be|stand|sit|go|out) )*(?:{RELATION})\s+.+?)",
        rf"(?:{MOVE}|make)\s+(?P<who>.+?)\s+(?:(?:up|over|back|out|be|go|stand|sit|to be)\s+)?(?P<where>{PLACES})",
        rf"(?P<who>.+?)\s+(?:should|could|must|has to|needs to|ought to|belongs|can)\s+(?:rather |better )?(?:(?:be|stand|go|sit|move|hang|fly|come|float|appear|lie)\s+)?(?P<where>(?:(?:just|right|directly|somewhere|a bit|more|further) )*(?:{RELATION})\s+.+?|{PLACES})",
        rf"(?P<who>.+?)\s+(?:was|were|is|being|float|floats|stand|stands|sit|sits|hang|hangs|fly|flies|lie|lies|go|goes)\s+(?P<where>(?:{RELATION})\s+.+?|{PLACE})",
        rf"(?P<who>.+?)\s+(?P<where>(?:(?:just|right|directly|a bit|more|further) )*(?:{RELATION})\s+.+?|{PLACES})",
        rf"(?:put|place|bring|move)\s+(?P<where>(?:in )?(?:{PLACE}))\s+(?P<who>(?:the|that|this)\s.+?)",
    ):
        match = clause.match(pattern)
        if match is None:
            continue
        for who_words, where in _shifts(match["who"], match["where"]):
            who = clause.who(who_words)
            if re.fullmatch(r"(?:the )?(?:back ?ground|backdrop)", where) and not named_by(who_words, clause.there):
                continue  # "crop the background" moves nobody to it
            if who and not fresh(who_words) and _is_place(where, clause):
                return [call("move", subject=one, where=_clean(where)) for one in who]
    return None


def _relayered(clause: Clause) -> list[Call] | None:
    """ "bring the cat forward a layer", "put the dog on top of everything"."""
    step = r"(?:one|a|by one|by a) (?:layer|level)"
    match = clause.match(rf"(?:{MOVE}|take)\s+(?P<who>.+?)\s+(?:{step} (?P<way>forwards?|backwards?|back|up|down)|(?P<way2>forwards?|backwards?|back|up|down) {step})")
    if match:
        way = "forward" if (match["way"] or match["way2"]) in ("forward", "forwards", "up") else "backward"
        return [call("move", subject=one, z=way) for one in clause.who(match["who"])] or None
    match = clause.match(
        rf"(?:(?:{MOVE}|make)\s+)?(?P<who>.+?)\s+(?:should |must )?(?:be |go |lie |stand )?(?:(?P<over>on top of|over|above|in front of|before)|behind|under|below|beneath|underneath)\s+(?:everything|everybody|everyone|all)(?: else| of them| others| the others)?"
    )
    return None if match is None else [call("move", subject=one, z="front" if match["over"] else "back") for one in clause.who(match["who"])] or None


def _shifts(who: str, where: str) -> list[tuple[str, str]]:
    """The cut as it was made, and with words of degree moved over to the place: "the cat a bit" | "left"."""
    degree = re.search(r"\s+((?:(?:a (?:little |tiny )?(?:bit|touch|tad)|a little|slightly|further|more|just|all the way|far|way|over|up|down|back)\s*)+)$", who)
    return [(who[: degree.start()], f"{degree[1].strip()} {where}"), (who, where)] if degree else [(who, where)]


def _clean(where: str) -> str:
    return re.sub(r"^(?:(?:be|stand|go|sit|out|just|somewhere|over(?! (?:the|my|that|it)\b)|directly)\s+)+", "", where.strip())


def _is_place(where: str, clause: Clause) -> bool:
    """Whether words name a place: a side of the canvas, or a relation to somebody who is there."""
    said = _clean(where)
    if re.fullmatch(PLACES, said):
        return True
    match = re.fullmatch(rf"(?:(?:up|down|over|back|further|a bit|a little|slightly|right|directly|more)\s+)*(?:{RELATION})\s+(.+)", said)
    return bool(match and all(named_by(part, clause.there) for part in re.split(r"\s+and\s+", match[1])) and not fresh(match[1]))


def _swapped(clause: Clause, first: str, second: str) -> list[Call] | None:
    a, b = clause.who(first, single=True), clause.who(second, single=True)
    plan = clause.there.plan
    if len(a) != 1 or len(b) != 1 or plan is None or fresh(second):
        return None
    boxes = [next((list(r.box.root) for r in plan.regions if r.subject == one[0]), None) for one in (a, b)]
    if None in boxes or a == b:
        return None
    return [call("move", subject=a[0], box=boxes[1]), call("move", subject=b[0], box=boxes[0])]


def _graded(clause: Clause) -> list[Call] | None:
    """ "make it black and white", "in sepia": of the whole picture."""
    match = clause.match(
        rf"(?:(?:make|turn|do|draw|render|have|want|show)\s+)?(?:(?:it|this|everything|{'|'.join(WHOLE)})\s+)?(?:all )?(?:in |into |be )?(?P<look>black (?:and|&) white|black-and-white|monochrome|gr[ae]y ?scale|sepia|pixel art|watercolou?r|line art|low[- ]poly|cartoon|anime|comic|3d|oil painting|sketch)(?: style)?"
    )
    return [call("restyle", style=f"{match['look']}{' style' if clause.low.endswith(' style') else ''}")] if match else None


def _styled(clause: Clause) -> list[Call] | None:
    match = (
        clause.match(r"(?:(?:make|do|draw|render|turn|paint|show|want|have|redo|change)\s+)?(?:(?:it|this|everything|the (?:whole )?(?:picture|image|thing|style|design))\s+)?(?:to |into |look )?(?:in|as|like|with)\s+(?:an?\s+)?(?P<style>[\w' -]+?)(?:\s+(?:style|look|aesthetic|painting|drawing|illustration|art|way))")
        or clause.match(r"(?:the )?style(?:\s+should be|\s+is|:)?\s*(?:to )?(?P<style>[\w',’ -]+)")
        or clause.match(r"(?:change|set|switch)\s+(?:the )?(?:style|look)\s+(?:to|into)\s+(?P<style>[\w',’ -]+)")
        or clause.match(r"(?:make|turn|do|draw|want|have|let)\s+(?:it|this|everything|the (?:whole )?(?:picture|image|thing|design))\s+(?:all )?(?:look |be |into |in |an? |as )*(?:more |much more |a bit more )?(?:an? )?(?P<style>[\w' -]+?)(?:\s+style)?")
        or clause.match(r"(?:in|as)\s+(?:an?\s+)?(?P<style>[\w' -]+)")
        or clause.match(r"(?:more|less)\s+(?P<style>[\w' -]+)")
        or clause.match(r"(?P<style>[\w' -]+?)\s+(?:style|look|aesthetic)")
    )
    if match is None:
        return None
    style = match["style"].strip()
    words = style.split()
    sure = re.search(r"\b(?:style|look|aesthetic|painting|drawing)\b", clause.low)
    known = any(is_style(w) or is_in("media", w) for w in (*words, style, style.replace(" ", "-")))
    if not (sure or known) or named_by(style, clause.there) or style in ("it", "them"):
        return None
    less = clause.low.startswith("less")
    return [call("restyle", style=f"not so {style}" if less else f"{style} style" if clause.low.endswith(" style") and "style" not in style else style)]


HOW_MUCH = rf"(?:(?:an?|some|much|even|still) )*(?:bit|little|lot|touch|tad|more|less)(?: (?:more|less|of (?:it|that)|{LARGER}|{SMALLER}|{PLACE}))*"


def _added(clause: Clause) -> list[Call] | None:
    verb = r"(?:add|put|draw|include|insert|place|throw in|give me|i want|i'd like|i need|there (?:should|could|must) (?:also )?be|there (?:was|were|is|are)|we need|we want|paint|show|have|bring in|want|need|like|sneak in|pop in|stick|(?:with|and|plus|also))"
    match = clause.match(rf"(?:{verb})\s+(?:in\s+)?(?:also\s+)?(?P<what>(?:an?|some|another|one more|two|three|four|five|six|more|\d)\s+.+)") or clause.match(r"(?:an?|another|one more|two|three)\s+(?P<bare>.+?)\s+too") or clause.match(r"(?P<first>add|include|insert)\s+(?P<thing>.+)") or clause.match(r"(?P<what>(?:an?|another|one more|some|two|three)\s+.+)")
    if match is None:
        return None
    found = match.groupdict()
    what = found.get("what") or found.get("bare") or found.get("thing") or ""
    if found.get("thing") and named_by(what, clause.there) and clause.strict:
        return None
    if re.search(r"\b(?:caption|text|lettering|border|outline|shadow|background|words?|options?|variations?|variants?|versions?|alternatives?|ideas|choices)\b", what) or is_goods(what, clause):
        return None
    if re.search(r"\b(?:instead of|rather than|in place of)\b", what) or only_looks(what) or re.fullmatch(HOW_MUCH, what):
        return None  # "a dog instead of the cat", "a bit more"
    phrase, where = _placed(what, clause)
    phrase = re.sub(r"\s+(?:to|into|in)\s+(?:it|this|the (?:picture|image|scene|design))$", "", phrase).strip(" ,")
    if not phrase or re.search(r"\x01", phrase):
        return None
    parts = [p for p in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+(?=(?:an?|another|some|two|three)\s)", phrase) if p]
    return [call("add", phrase=_added_phrase(clause.original(p)), where=where if len(parts) == 1 else None) for p in parts]


def _added_phrase(words: str) -> str:
    said = re.sub(r"^(?:another|one more|more)\s+", "a ", words.strip(), flags=re.I)
    if re.match(r"(?:an?|some|two|three|four|five|six|\d+)\s", said, re.I):
        return said
    head = re.split(r"\s+(?:in|on|at|with|of|from|under|over|above|behind|around)\s+", said.lower())[0].split()[-1]
    return f"some {said}" if singular(head)[1] else _phrase(said)


def _placed(what: str, clause: Clause) -> tuple[str, str | None]:
    """What is added, and where."""
    related = re.fullmatch(rf"(?P<thing>.+?)\s+(?P<where>(?:(?:just|right|directly|up|down|somewhere)\s+)*(?:{RELATION})\s+(?P<who>.+))", what)
    if related and all(meant(part, clause.there.subjects, clause.there.last) for part in re.split(r"\s+and\s+", related["who"])) and not fresh(related["who"]):
        return related["thing"], _clean(related["where"])
    place = re.fullmatch(rf"(?P<thing>.+?),?\s+(?P<where>{PLACE})", what)
    if place and not re.fullmatch(r"(?:background|back|front)", place["where"]):
        return place["thing"], place["where"]
    return what, None


CHANGES: tuple[Reader, ...] = (lettered, cleared, left_or_tried, finished, _turned, _again_one, _graded, _removed, _resized, _moved, ground, _replaced, _looks, _styled, _added)
