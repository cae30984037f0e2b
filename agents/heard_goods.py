"""Clauses about what is made of a picture: its lettering and its goods."""

from __future__ import annotations

import re

from cutwork.agents import goods
from cutwork.agents.heard import THE_GROUND, Clause, call, named_by
from cutwork.domain import Call

LOOK_OF_LETTERS = (
    r"(?:(?:a (?:little )?bit|a little|a lot|much|even|slightly|way) )?(?:big|small|larg|bold|thick|thin|dark|light|bright|wid|tall|short)(?:ger|ler|er|r)?"
    r"|bold|italic|upper ?case|lower ?case|capitals|centered|centred|red|orange|yellow|green|teal|blue|purple|pink|brown|black|white|gr[ae]y|gold|silver"
)
CAPTION_AT = {"top": 0, "upper": 0, "above": 0, "first": 0, "second": 1, "third": 2, "fourth": 3}  # others stand at the bottom
CAPTION = r"(?:captions?|text|lettering|wording|words|letters|line|title|headline|slogan|subtitle)"


def lettered(clause: Clause) -> list[Call] | None:
    """ "top text "MONDAY"", "no captions", "change the caption to …"."""
    none = clause.match(rf"(?:no|remove|delete|drop|without|take (?:away|off)|lose|hide|clear|erase|get rid of)\s+(?:the |all |any )?(?:the )?{CAPTION}(?:\s+(?:away|please|at all))?")
    if none:
        return [call("recaption", captions=[])]
    both = clause.match(rf"(?:(?:make|put|write|set|change|with)\s+)?(?:the\s+)?(?:top|upper)(?: {CAPTION})?\s*(?:is|to|:|should (?:be|say|read)|says?|saying|reads?)?\s*(?P<top>\x01\d+\x01)\s*,?\s*(?:and\s+)?(?:the\s+)?(?:bottom|lower)(?: {CAPTION})?\s*(?:is|to|:|should (?:be|say|read)|says?|saying|reads?)?\s*(?P<bottom>\x01\d+\x01)")
    if both:
        return [call("recaption", captions=[clause.unquoted(both["top"]), clause.unquoted(both["bottom"])])]
    one = clause.match(rf"(?:change|set|make|put|edit|rewrite|update|replace|let|have)\s+(?:the\s+)?(?P<where>top|bottom|upper|lower|first|second|third|fourth|last)?\s*(?:{CAPTION})\s*(?:say|read|be)?\s*(?:to|into|with|as|say|says|read|:)?\s*(?:say(?:ing)?|read(?:ing)?)?\s*(?P<said>.+)") or clause.match(
        rf"(?:the\s+)?(?P<where>top|bottom|upper|lower|first|second|third|fourth|last)?\s*(?:{CAPTION})\s*(?:should (?:say|read|be)|says?|reads?|is|:|to)\s*(?P<said>.+)"
    ) or clause.match(rf"(?:make it |let it |have it |it should |should |add (?:the )?(?:{CAPTION}) |with (?:the )?(?:{CAPTION}) )?(?:say(?:s|ing)?|read(?:s|ing)?|write|caption(?:ed)?(?: it)?|letter it|put)?\s*:?\s*(?P<said>\x01\d+\x01(?:\s*(?:/|,|and|\|)?\s*\x01\d+\x01)*)(?:\s+(?:(?:on|at|to|in)\s+(?:the\s+)?)?(?P<where>top|bottom|above|below|underneath|under it))?")
    if one is None or (clause.there.kind != "meme" and not re.search(rf"{CAPTION}|say|read|write|caption|\x01", clause.low)):
        return None
    said = one["said"].strip()
    if re.fullmatch(LOOK_OF_LETTERS, said, re.I):
        return None  # how letters look is no caption: "make the text bigger"
    quoted = re.findall(r"\x01\d+\x01", said)
    lines = [clause.unquoted(q) for q in quoted] if quoted else [p.strip() for p in re.split(r"\s*(?:/|\|)\s*", clause.original(said)) if p.strip()]
    if not lines:
        return None
    return [call("recaption", captions=_captions(clause, lines, one["where"]))]


def _captions(clause: Clause, lines: list[str], where: str | None) -> list[str]:
    """All lettering, after one line of it was said for the top or the bottom."""
    old = list(clause.there.captions)
    if len(lines) > 1 or where is None:
        return lines
    last = len(old) - 1
    at = CAPTION_AT[where] if where in CAPTION_AT else max(0 if where == "last" else 1, last)
    return [*old[:at], *[""] * (at - len(old)), lines[0], *old[at + 1 :]]


GOODS = re.compile(
    r"(?:an? |the |some |my |two |\d+ )?(?:[\w-]+ ){0,3}?(?P<name>memes?|stickers?(?: packs?| sheets?| sets?)?|textiles?|(?:seamless |repeating |surface |textile |fabric )?patterns?|fabrics?(?: prints?)?|cut-?outs?|transparent pngs?|half[- ]?drops?"
    r"|half[- ]?bricks?|ogees?|(?:straight|mirror(?:ed)?|brick|hexagonal|tossed|half[- ]?drop|ogee|seamless|tile(?:able)?) (?:repeats?|patterns?|tiles?|prints?)|repeats?(?: patterns?)?|wallpapers?|gift ?wraps?|wrapping papers?)\b(?P<rest>.*)",
    re.I | re.S,
)  # fmt: skip
KINDS = (("meme", "meme"), ("sticker", "sticker"), ("cut", "cutout"), ("transparent", "cutout"))
GIVEN = re.compile(
    r"^(?:(?:make|turn|do|finish|print|deliver|give|render|convert|want|have|use|i want|get|set|produce|try)\s+)?(?:(?:it|this|that|them|me|us|everything|the (?:picture|image|design|whole thing|result|drawing))\s+)?(?:back )?(?:(?:as|into|to|up as|be|become|with|for|using|look like)\s+)?",
    re.I,
)
SAYING = re.compile(r"\b(?:saying|that says|which says|says|with (?:the )?(?:text|caption|captions|words|lettering)|captioned|reading|that reads|:)\s*:?\s*(?P<said>[^\x01].*)$", re.I)
MORE = re.compile(r"(?:\band|\bthen|\bbut|[,;.])\s+(?:then |also |please |now )*(?:make|move|add|remove|put|change|replace|turn|undo|lock|delete|swap|paint|give)\b", re.I)


def is_goods(words: str, clause: Clause) -> bool:
    """Whether words name goods: a sticker, a meme, a textile, a repeat."""
    said = re.sub(r"\x01\d+\x01", " ", words)
    found = GOODS.fullmatch(said.strip())
    return (found is not None and not named_by(said.lower(), clause.there)) or goods.read(said).kind is not None


CLEARED = (
    rf"(?:remove|delete|erase|drop|clear|strip|lose|cut (?:out|away|off)|knock out|take (?:away|out|off)|get rid of|do away with)\s+{THE_GROUND}"
    rf"|(?:(?:make|have|turn|set|want|need|let)\s+)?{THE_GROUND}\s+(?:(?:to )?be |should be |is |removed and )?(?:transparent|see-?through|invisible|removed|gone|away)"
    r"|(?:(?:make|give|want|need|have|set|use|put|leave|it|me|them|on|with|just|only|the subjects?|the cut-?outs?)[\s,]+)*(?:an? )?(?:transparent|no|without(?: an?| any| the)?) (?:back ?ground|backdrop)"
    r"|(?:(?:make|with|want|need|have|it)\s+)*(?:transparency|transparent)"
)


def cleared(clause: Clause) -> list[Call] | None:
    """ "remove the background", "make it transparent": what is left are the cut-outs. A textile's ground is part of it."""
    return [call("refinish", kind="cutout")] if clause.match(CLEARED) and clause.there.kind != "textile" else None


def finished(clause: Clause) -> list[Call] | None:
    """ "make it a half-drop in 4 colours", "as a sticker for telegram", "300 dpi", "white border"."""
    marked = GIVEN.sub("", clause.text, count=1)
    said = re.sub(r"\x01(\d+)\x01", lambda m: f'"{clause.quotes[int(m[1])]}"', marked)
    if MORE.search(marked) or not said:
        return None
    named = GOODS.fullmatch(marked)
    auto = goods.read(said)
    if named is None and auto.kind is None:
        kind = clause.there.kind
        now = goods.read(said, kind)
        changed = now.settings or (now.palette and kind == "textile")
        about = any(re.search(rf"(?<!\w){re.escape(s.noun.lower())}", clause.low) for s in clause.there.subjects)
        return [call("refinish", words=said)] if changed and not about and len(said.split()) <= 10 else None
    name = named["name"].lower() if named else ""
    kind = next((kind for start, kind in KINDS if name.startswith(start)), "textile") if named else str(auto.kind)
    lines = [clause.quotes[int(n)] for n in re.findall(r"\x01(\d+)\x01", marked)] if kind == "meme" else []
    spoken = SAYING.search(marked) if kind == "meme" and not lines else None
    if spoken:
        lines = [part.strip() for part in re.split(r"\s*[/|]\s*", spoken["said"]) if part.strip()]
    words = "" if lines else said
    return [call("refinish", words=words or None, kind=kind, captions=lines or None)]
