"""Finds noun phrases and verbs among the tokens: what is one thing, what describes it, how many there are.

Knows nothing of how the things hang together; that is `parse`.
"""

from __future__ import annotations

from cutwork.agents.language import words
from cutwork.agents.language.grammar import BE, PRONOUNS, simple, starts_phrase
from cutwork.agents.language.heads import compound, fruit_not_colour, head
from cutwork.agents.language.items import Item, renamed
from cutwork.agents.language.tokens import Token
from cutwork.agents.language.verbs import SINGULAR_DET, alive_modifier, inverted, is_sport, is_verb_here, leading_verb, verbal

MUTUAL = "each other"
MOST = 1_000_000  # counts are read up to here; what a plan can hold is decided later
LOOKS = ("style", "aesthetic", "vibe", "vibes")
OF_MEDIA = {"of", "featuring", "showing", "depicting", "with", "shows", "depicts", "containing", "about"}


def chunk(tokens: list[Token]) -> list[Item]:
    """The tokens as items, in order."""
    items: list[Item] = []
    at = 0
    while at < len(tokens):
        item, at = _next(tokens, at, items[-1] if items else None, any(i.role == "thing" for i in items))
        items.append(item)
    return items


def _next(tokens: list[Token], at: int, before: Item | None, somebody: bool) -> tuple[Item, int]:
    """The item at `at` and where the next one begins; `somebody` has been named who may paint a picture."""
    token = tokens[at]
    if token.kind == "mutual":
        return Item("pronoun", MUTUAL), at + 1
    if token.kind != "word":
        return Item("token", token.text, token=token), at + 1
    role = simple(token.text)
    if role == "pronoun" and token.text in ("one", "other", "her") and starts_phrase(tokens, at + 1):
        role = None
    if role == "that" and token.text == "that" and (before is None or before.role not in ("thing", "adjectives")):
        role = "skip"
    if role:
        return Item(role, token.text, token=token), at + 1
    if before is not None and before.role == "thing" and is_sport(tokens, at):
        return Item("verb", f"{token.text} {tokens[at + 1].text}"), at + 2
    if before is not None and before.role == "thing" and token.text in ("named", "called"):
        return Item("skip", token.text), _past_name(tokens, at + 1)
    verb = leading_verb(tokens, at, before)
    if verb:
        return verb, at + 1
    item, end = _phrase(tokens, at)
    item.hung = (before is not None and _hung(item, before)) or (before is None and _placed(tokens, end, item))
    if item.role == "media" and ((before is not None and before.role == "verb" and somebody) or item.hung):
        end = _made_medium(tokens, end, item, before.text if before else "")
    return item, end


def _phrase(tokens: list[Token], at: int) -> tuple[Item, int]:
    """Reads a noun phrase from `at`: determiner, number, words that describe, nouns."""
    start, det, count, grouped = at, "", None, ""
    some = _some_of_them(tokens, at)
    if some:
        return some
    while at < len(tokens) and tokens[at].kind == "word" and words.is_in("det", tokens[at].text):
        det = tokens[at].text
        at += 1
    numbered = at
    if det in ("both", "all", "each") and _tells_apart(tokens, at):
        return Item("pronoun", det), at  # "a cat and a dog, both wearing hats"
    count, at = _count(tokens, at)
    paired = any(t.text in ("pair", "pairs") for t in tokens[numbered:at])
    if count is None:
        grouped, count, at = _group(tokens, at)
    elif count == 1 and not det and tokens[at - 1].text == "one" and _tells_apart(tokens, at):
        return Item("pronoun", "one"), at  # "two cats, one wearing a hat"
    body, at = _body(tokens, at, det, count)
    if not body and det in ("its", "his", "her", "their") and at < len(tokens) and tokens[at].text == "back":
        return Item("thing", "back", "back", det=det), at + 1  # "on its back sits a monkey"
    if not body:
        if det in PRONOUNS or det in ("this", "that", "these", "those", "both", "all", "another", "his", "their"):
            return Item("pronoun", det), max(at, start + 1)
        return _without_body(tokens, start, at, count)
    if start and tokens[start - 1].text in (",", "in") and len(body) > 1 and body[-1].text in LOOKS and count is None:
        return Item("media", " ".join(t.text for t in body), det=det), at  # ", fairy tale style"
    placed = start > 0 and (tokens[start - 1].kind == "relation" or tokens[start - 1].text == "of")
    item = head(body, det, count, paired, placed)
    if start == 0 and _is_printed(item, tokens, at):
        item = Item("media", "design", det=det)
    if grouped and item.role == "adjectives":
        item = renamed(item, item.attributes[-1])  # "a pile of gold"
    item.lead = grouped
    if item.role == "media":
        at = _past_of(tokens, at)
    elif item.role == "thing" and words.is_in("holder", item.noun) and not (det == "the" and words.is_part(item.noun)):
        at = _hold(tokens, at, item)
    return item, at


def _is_printed(item: Item, tokens: list[Token], at: int) -> bool:
    """ "wine label with a beetle", "Halloween flyer, bats": what the design is for opens the brief."""
    last = item.noun.rpartition(" ")[2]
    printed = (
        item.role == "thing" and not item.counted and (words.is_in("printed", item.noun) or (words.is_in("printed", last) and item.noun not in words.lexicon()))
    )
    return printed and at < len(tokens) and (tokens[at].kind in ("comma", "stop") or tokens[at].text in (*OF_MEDIA, "for"))


def _past_name(tokens: list[Token], at: int) -> int:
    """Where a name ends: "a dog named Rex", "a girl called Mary Ann"."""
    end = at
    while end < len(tokens) and tokens[end].kind == "word" and tokens[end].cased[:1].isupper():
        end += 1
    return max(end, at + 1)


def _some_of_them(tokens: list[Token], at: int) -> tuple[Item, int] | None:
    """Numbers and parts that stand for those named before: "half of them", "the rest", "two are …"."""
    said = [t.text for t in tokens[at : at + 3]]
    if said[:2] == ["half", "of"] and said[2:] and not words.is_in("det", said[2]):
        return Item("pronoun", "half"), at + 2
    if said[:2] == ["the", "rest"] and (not starts_phrase(tokens, at + 2) or (words.is_modifier(said[2]) and not starts_phrase(tokens, at + 3))):
        return Item("pronoun", "others"), at + 2
    number = _number(said[0])
    if number and number > 1 and said[1:] and said[1] in BE:
        return Item("pronoun", "some", count=number, counted=True), at + 1
    return None


def _without_body(tokens: list[Token], start: int, at: int, count: int | None) -> tuple[Item, int]:
    if count == 1 and at > start:
        return Item("pronoun", "one"), at
    if count and count > 1 and tokens[at - 1].text == "of":
        return Item("pronoun", "some", count=count, counted=True), at  # "two of which"
    return Item("skip", tokens[start].text), max(at, start + 1)


def _count(tokens: list[Token], at: int) -> tuple[int | None, int]:
    """A number at `at`, with the "of" that may follow it: "three", "a pair of", "dozens of", "2"."""
    total: int | None = None
    if [t.text for t in tokens[at : at + 3]] == ["half", "a", "dozen"]:
        return 6, at + 3
    while at < len(tokens) and tokens[at].kind == "word":
        number = _number(tokens[at].text)
        if number is None or (total is not None and number == 0):
            break
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if words.is_in("people", tokens[at].text) and _tells_apart(tokens, at + 1) and not starts_phrase(tokens, at + 2):
            break  # "a couple dancing"
        if not (follows == "of" or starts_phrase(tokens, at + 1) or (follows and words.value("number", follows)) or _det_after(follows)):
            break
        total = number if total is None else _together(total, number)
        at += 1
    if total is None:
        return None, at
    if at < len(tokens) and tokens[at].text == "of":
        at += 1
        while at < len(tokens) and words.is_in("det", tokens[at].text):
            at += 1
    return total, at


def _together(total: int, number: int) -> int:
    """ "ten thousand", "twenty five", "two pair"."""
    if number >= 100:
        return min(MOST, total * number)
    if total >= 20 and number < 10:
        return total + number
    return max(total, number) if number >= 10 or total >= 10 else total * number


def _det_after(word: str) -> bool:
    return word in ("more", "different", "other")


def _number(word: str) -> int | None:
    value = words.value("number", word)
    if value:
        return int(value)
    plain = word.removeprefix("-")
    return max(-MOST, min(MOST, int(word))) if plain.isdecimal() and plain.isascii() and len(plain) < 40 else None


def _group(tokens: list[Token], at: int) -> tuple[str, int | None, int]:
    """ "a bunch of", "a herd of": the words to keep, how many that is if many, and where the rest begins."""
    first = at
    while first < len(tokens) and tokens[first].kind == "word" and words.is_modifier(tokens[first].text):
        first += 1
    if first + 2 < len(tokens) and tokens[first + 1].text == "of" and words.is_in("group", words.singular(tokens[first].text)[0]):
        many = words.is_in("many", words.singular(tokens[first].text)[0])
        count, after = _count(tokens, first + 2)
        return "" if many or count else tokens[first].text, count or (3 if many else 1), after
    return "", None, at


def _body(tokens: list[Token], at: int, det: str, count: int | None) -> tuple[list[Token], int]:
    """The words of a phrase after determiner and number."""
    body: list[Token] = []
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "comma" or token.text == "and":
            if not _adjectives_go_on(tokens, at, body):
                break
            at += 1
            continue
        if token.kind != "word" or _ends(tokens, at, body, det, count):
            break
        if not _is_name(token, body):
            body.append(token)
        at += 1
    return body, at


def _is_name(token: Token, body: list[Token]) -> bool:
    """ "my dog Rex": what somebody is called cannot be seen."""
    if not body or not body[-1].cased.islower() or not token.cased.istitle() or words.is_in("noun", token.text) or words.is_in("media", token.text):
        return False
    return words.kind(words.singular(body[-1].text)[0]) in "ah" and not words.is_modifier(body[-1].text)


def _next_of_list(tokens: list[Token], at: int, body: list[Token]) -> bool:
    """Whether a new phrase begins without any mark: "red car blue house", "cat dog and bird"."""
    texts = [t.text for t in body]
    if words.is_colour(tokens[at].text):
        coloured = any(map(words.is_colour, texts[:-1])) and not words.is_modifier(texts[-1])
        return coloured and starts_phrase(tokens, at + 1) and words.is_noun(tokens[at + 1].text) and not words.is_modifier(tokens[at + 1].text)
    both = [words.singular(w)[0] for w in (texts[-1], tokens[at].text)]
    if not all(words.is_in("everyday", w) for w in both) or compound(" ".join(both)) or (words.is_colour(both[0]) and len(body) == 1):
        return False
    return words.kind(both[0]) == words.kind(both[1])


def _adjectives_go_on(tokens: list[Token], at: int, body: list[Token]) -> bool:
    """Whether a comma or "and" stands between two words that describe one noun: "red and white train"."""
    ahead = at + 1
    if ahead < len(tokens) and tokens[ahead].text == "and":
        ahead += 1
    if not body or not all(words.is_modifier(t.text) for t in body) or not starts_phrase(tokens, ahead):
        return False
    if words.value("number", tokens[ahead].text) or not words.is_modifier(tokens[ahead].text) or words.is_in("tail", body[-1].text):
        return False
    return starts_phrase(tokens, ahead + 1) or (ahead + 1 < len(tokens) and tokens[ahead + 1].text in (",", "and"))


def _ends(tokens: list[Token], at: int, body: list[Token], det: str, count: int | None) -> bool:
    """Whether the phrase is over before this word: function words, numbers, and verbs after a noun."""
    word = tokens[at].text
    if words.is_in("det", word) or (words.value("number", word) and not _is_people(word, body) and word not in ("single", "lone", "double", "twin")):
        return bool(body)
    if word == "can" and (det or body):
        return False
    if body and inverted(tokens, at) and any(words.is_noun(t.text) for t in body):
        return True  # "on its seat rest two helmets"
    if body and words.is_in("adverb", word) and tokens[at + 1 : at + 2] and tokens[at + 1].kind == "relation" and words.is_noun(body[-1].text):
        return True  # "a pizza high above an oven"
    if body and words.value("compared", word) and tokens[at + 1 : at + 2] and tokens[at + 1].text == "than":
        return True
    if simple(word) and not (word in ("very", "really", "super", "extremely", "one") or _adverb_inside(tokens, at, body)):
        return True
    if body and is_sport(tokens, at) and words.kind(words.singular(body[-1].text)[0]) in "ah" and not words.is_modifier(body[-1].text):
        return not compound(f"{body[-1].text} {word}")
    if body and words.is_in("stance", word) and any(map(str.islower, words.letters(body[-1].text))) and is_verb_here(tokens, at, body, det, count):
        return True
    if not any(words.is_noun(t.text) and not words.is_modifier(t.text) for t in body):
        if body and word.endswith("ing") and alive_modifier(body[-1].text) and verbal(word) and not starts_phrase(tokens, at + 1):
            return True  # "a martian waving"
        fruit = bool(body) and fruit_not_colour([t.text for t in body], len(body) - 1, det, count) and not starts_phrase(tokens, at + 1)
        return fruit and verbal(word)
    return _next_of_list(tokens, at, body) or is_verb_here(tokens, at, body, det, count)


def _is_people(word: str, body: list[Token]) -> bool:
    """ "an elderly couple": no number, behind words that describe it."""
    return words.is_in("people", word) and bool(body) and all(words.is_modifier(t.text) for t in body)


def _adverb_inside(tokens: list[Token], at: int, body: list[Token]) -> bool:
    """ "a brightly colored parrot": an adverb before a word that describes."""
    return tokens[at].text.endswith("ly") and starts_phrase(tokens, at + 1) and words.is_modifier(tokens[at + 1].text) and not body


def _tells_apart(tokens: list[Token], at: int) -> bool:
    """Whether "one", "both" or "each" are of those named before: a verb says what they do."""
    if at + 1 < len(tokens) and tokens[at].text.endswith("s") and words.is_in("det", tokens[at + 1].text):
        return words.verb_base(tokens[at].text) != ""  # "each wears a hat"
    return at < len(tokens) and tokens[at].kind == "word" and tokens[at].text.endswith("ing") and verbal(tokens[at].text)


def _past_of(tokens: list[Token], at: int) -> int:
    """After a media word its "of" or "featuring" says nothing more."""
    return at + 1 if at < len(tokens) and tokens[at].text in OF_MEDIA else at


def _hung(item: Item, before: Item) -> bool:
    """ "a wall with two paintings", "a cat left of a poster": behind such a word a picture is a thing in the picture."""
    if before.token is None or before.token.kind != "relation" or before.token.value in ("on", "inside", "at"):
        return False
    return words.is_in("picture", words.singular(item.text.rpartition(" ")[2])[0]) and (item.det != "" or item.counted)


def _placed(tokens: list[Token], at: int, item: Item) -> bool:
    """ "a painting on the left of a microwave": a picture that has a place is a thing."""
    follows = tokens[at] if at < len(tokens) else None
    where = follows is not None and follows.kind == "relation" and follows.value in ("left", "right", "above", "below", "beside", "behind", "front")
    listed = at + 1 < len(tokens) and tokens[at].text in (",", "and") and words.is_in("det", tokens[at + 1].text)  # "an octagonal tile and a plate"
    last = item.text.rpartition(" ")[2]
    return item.det in SINGULAR_DET and ((where and words.is_in("picture", last)) or ((listed or at == len(tokens)) and words.is_in("plaque", last)))


def _made_medium(tokens: list[Token], end: int, item: Item, verb: str) -> int:
    """ "painting a portrait of a woman": what is painted is a thing, and what it shows belongs to it."""
    if words.is_in("shooting", verb):
        return end
    *item.attributes, last = item.text.split()
    item.role, item.hung, item.noun = "thing", True, words.singular(last)[0]
    return _hold(tokens, end - 1, item) if tokens[end - 1].text == "of" else end


def _hold(tokens: list[Token], at: int, item: Item) -> int:
    """ "a cup of coffee": what follows "of" belongs to the holder."""
    if at >= len(tokens) or tokens[at].text != "of" or at + 1 >= len(tokens):
        return at
    inner, end = _phrase(tokens, at + 1)
    if inner.role != "thing" and not (inner.role == "adjectives" and words.is_in("adjective", inner.text)):
        return at  # "a pot of gold", but not "a cup of red"
    item.extra = " ".join(["of", *(t.text for t in tokens[at + 1 : end] if t.kind == "word")])
    return end
