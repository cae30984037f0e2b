"""The Extraction agent: which concrete things must be visible, each with its own words and how many of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cutwork.agents import goods
from cutwork.agents.schemas import ExtractionAnswer, SubjectAnswer
from cutwork.agents.similarity import similar_pairs
from cutwork.agents.words import DETERMINERS, NUMBERS, mentions, question, slug, tidy, tidy_all, with_article
from cutwork.domain import MAX_COUNT, MAX_SUBJECTS, Brief, Expansion, Subject
from cutwork.plurals import PAIRED, plural, singular
from cutwork.ports import Llm

_MAX_ATTRIBUTES = 12
_COUNTING = re.compile(r"^(?:(?:a|an|the)\s+)?(?:pair|couple|trio|group|bunch|set|lots|dozens?)\s+of\s+", re.IGNORECASE)


def extract(brief: Brief, expansion: Expansion, llm: Llm) -> tuple[Subject, ...]:
    """The brief's subjects, in the order they were named; none for pure scenery.

    Names are unique ("cat", "cat-2"), phrases are singular and carry an article, since each region draws one of its kind.

    Raises:
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    variables = {"brief": goods.picture(brief, expansion.finish.kind), "prompt": expansion.prompt, "background": expansion.background}
    answer = llm.ask(question("extraction", variables), ExtractionAnswer)
    named: list[Subject] = []
    for subject in _merged(filter(None, map(_normal, answer.subjects)))[:MAX_SUBJECTS]:
        named.append(subject.model_copy(update={"id": slug(subject.noun, {s.id for s in named})}))
    return _with_likeness(named)


def _normal(answer: SubjectAnswer) -> Subject | None:
    """One answer as a subject, with a name that is not final yet; None if it names nothing."""
    phrase, noun = tidy(answer.phrase, 200), tidy(answer.noun, 80)
    if not phrase and not noun:
        return None
    said, bare = _counted(phrase or noun)
    noun = singular(_undetermined(noun) or _head(bare))
    if not noun:
        return None
    count = answer.count if answer.count and answer.count > 1 else max(1, answer.count or 1, said)
    return Subject(
        id="subject", phrase=_one_of(bare, noun), noun=noun, attributes=tidy_all(answer.attributes, 200, _MAX_ATTRIBUTES), count=min(MAX_COUNT, count)
    )  # fmt: skip


def _counted(phrase: str) -> tuple[int, str]:
    """The number a phrase begins with and the rest: "three grumpy cats" → 3, "grumpy cats". Articles count as one and stay."""
    word = phrase.split()[0].lower()
    if match := _COUNTING.match(phrase):
        number = next((NUMBERS[w] for w in match[0].lower().split() if NUMBERS.get(w, 0) > 1), 1)
        rest = phrase[match.end() :]
        return (1, phrase) if rest.split()[-1:] and rest.split()[-1].lower() in PAIRED else (number, rest)  # "a pair of scissors" is one
    number = int(word) if word.isdecimal() and word.isascii() and len(word) < 4 else NUMBERS.get(word, 1)
    _, _, after = phrase.partition(" ")
    return (number, after) if after and (number > 1 or word in ("1", "one")) else (1, phrase)


def _undetermined(noun: str) -> str:
    words = noun.split()
    while len(words) > 1 and (words[0].lower() in DETERMINERS or words[0].lower() in NUMBERS):
        words = words[1:]
    return " ".join(words)


def _head(phrase: str) -> str:
    """The last word before any "with", "of", "in" …: what the phrase is about."""
    before = re.split(r"\s+(?:with|in|on|at|of|wearing|holding|from|under|near)\s+", _undetermined(phrase), maxsplit=1)[0]
    return before.split()[-1].strip(".,;:!?\"'") if before.split() else ""


def _one_of(phrase: str, noun: str) -> str:
    """The phrase for one of its kind, with article, certain to hold the noun."""
    many = plural(noun)
    if many != noun:
        phrase = re.sub(rf"(?<!\w){re.escape(many)}(?!\w)", noun, phrase, flags=re.IGNORECASE)
    if not mentions(phrase, noun):
        phrase = f"{phrase} {noun}"
    return tidy(with_article(phrase), 200)


def _merged(subjects: Iterable[Subject]) -> list[Subject]:
    """Repeats of one phrase as one subject: "a cat" twice is two cats, "two cats" twice is a slip and stays two."""
    kept: dict[tuple[str, str], Subject] = {}
    for subject in subjects:
        key = (subject.noun.lower(), _undetermined(subject.phrase).lower())
        if (old := kept.get(key)) is None:
            kept[key] = subject
            continue
        count = old.count + 1 if subject.count == 1 else max(old.count, subject.count)
        attributes = tuple(dict.fromkeys(old.attributes + subject.attributes))[:_MAX_ATTRIBUTES]
        kept[key] = old.model_copy(update={"count": min(MAX_COUNT, count), "attributes": attributes})
    return list(kept.values())


def _with_likeness(subjects: list[Subject]) -> tuple[Subject, ...]:
    pairs = similar_pairs(subjects)
    like = {s.id: tuple(b if a == s.id else a for a, b in pairs if s.id in (a, b)) for s in subjects}
    return tuple(s.model_copy(update={"resembles": like[s.id]}) for s in subjects)
