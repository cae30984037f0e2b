"""What an edit says: the subject that a phrase names, and prompts that speak of a plan as it is now. Pure."""

from __future__ import annotations

import re

from cutwork.agents.calls import bare
from cutwork.agents.language.model import NUMBERS
from cutwork.agents.layout import PLACING, region_prompt
from cutwork.agents.words import DETERMINERS, mentions, slug, tidy, with_article
from cutwork.domain import MAX_COUNT, Plan, Subject
from cutwork.plurals import plural, singular


def subject_of(phrase: str, plan: Plan, old: Subject | None = None) -> tuple[Subject, int]:
    """The subject that a phrase names, and how many of it; in place of another it keeps that one's count, and its id where it is the same thing."""
    from cutwork.agents.language.parse import parse

    said = tidy(phrase, 200)
    thing = next(iter(parse(said).things), None)  # the first, as the grammar reads it
    words = bare(said).split()
    noun = thing.noun if thing else singular(words[-1])
    attributes = tuple([*thing.attributes, *thing.tails][:12]) if thing else tuple(words[:-1])
    many = thing.count if thing else 1
    spoken = with_article(thing.phrase if thing else bare(said))
    spoken = spoken if mentions(spoken, noun) else with_article(f"{spoken} {noun}")
    if old is None and any(s.phrase.lower() == spoken.lower() for s in plan.subjects):
        spoken = f"another {bare(spoken)}"
    taken = {s.id for s in plan.subjects if old is None or s.id != old.id}
    id = old.id if old is not None and old.noun == noun else slug(noun, taken)
    count = min(many, MAX_COUNT) if old is None else old.count
    return Subject(id=id, phrase=spoken[:200], noun=noun, attributes=tuple(a[:200] for a in attributes), count=count), many


def background(words: str) -> str:
    """What is said of a background, as a plan says it: "teal" → "a teal background", "in the snow" and "a beach at night" as they are."""
    from cutwork.agents.language.words import is_in

    said = tidy(words, 400).strip(" .!?")
    low = said.lower()
    if mentions(low, "background") or mentions(low, "backdrop"):
        return with_article(re.sub(r"^(?:on|with|the)\s+", "", said, flags=re.I))
    last = low.split()[-1]
    if all(is_in("colour", w) or w in _SHADES for w in bare(low).split()) or last in ("gradient", "stripes", "dots", "checks") or is_in("colour", last):
        shaped = {"stripes": "striped", "dots": "dotted", "checks": "checkered"}.get(last)
        inner = f"{bare(low).rsplit(' ', 1)[0]} {shaped}" if shaped and " " in bare(low) else shaped or bare(low)
        return with_article(f"{inner} background")
    if re.match(r"(?:on|in|at|under|over|by|beside|near|inside|among|above|below|against|with|outside)\b", low):
        return said
    return f"in {said}" if low.split()[0] in DETERMINERS or low in ("space", "snow", "rain", "fog") else f"in {with_article(said)}"


_SHADES = frozenset("light dark pale deep bright soft hot neon pastel baby navy mint sky royal forest dusty warm cool plain solid flat and gradient striped dotted checkered very more less".split())


def behind(prompt: str, old: str, new: str) -> str:
    """A prompt with another background; "" where it does not speak of the old one. Of two prepositions that would come to follow each other the old one goes: "on grass", "in the snow"."""
    if old not in prompt:
        return ""
    led = rf"(?:\b{PLACING.pattern} )?" if PLACING.match(new) else ""
    return re.sub(led + re.escape(old), lambda _: new, prompt)


def respoken(prompt: str, old: Subject, new: Subject) -> str:
    """A prompt that speaks of another subject; "" where it does not speak of the old one in words that are known."""
    plain = re.sub(r"^(?:a|an|the|some)\s+", "", old.phrase, flags=re.I)
    for said, instead in ((old.phrase, new.phrase), (plain, bare(new.phrase)), (plural(plain), plural(bare(new.phrase))), (old.noun, bare(new.phrase))):
        pattern = rf"(?<!\w){re.escape(said)}(?!\w)"
        if re.search(pattern, prompt, re.I):
            mended = re.sub(pattern, lambda _, instead=instead: instead, prompt, flags=re.I)  # type: ignore[misc]
            return re.sub(rf"\b(?:a|an) (?={re.escape(bare(new.phrase))})", lambda m: with_article(bare(new.phrase)).split()[0] + " ", mended, flags=re.I)
    return ""


def rebuilt(plan: Plan, before: Plan | None = None, style: str | None = None) -> str:
    """A prompt of a plan's own words: what it shows, and how the prompt before went on after that."""
    before = before or plan
    old = before.prompt.partition(before.background)[2] if before.background in before.prompt else ""
    return tidy(scene(plan) + (f", {style}" if style else old if old.startswith(",") else ""), 4_000)


def scene(plan: Plan) -> str:
    """What a plan shows, in its own words: subjects in front of their background."""
    named = [counted(s) for s in plan.subjects]
    joined = ", ".join(named[:-1]) + (" and " if len(named) > 1 else "") + named[-1] if named else ""
    return region_prompt(Subject(id="all", phrase=joined or "an empty scene", noun="scene"), plan.background)


def counted(subject: Subject) -> str:
    """A subject and its number: "a cat", "three cats"."""
    if subject.count == 1:
        return subject.phrase
    number = NUMBERS[subject.count] if subject.count < len(NUMBERS) else str(subject.count)
    return f"{number} {plural(bare(subject.phrase))}"


def the(subject: Subject) -> str:
    """A subject that was spoken of before."""
    return f"the {subject.noun}"
